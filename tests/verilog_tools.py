"""Icarus Verilog and Verilator for folders that `spikegate verilog` has written, by the commands that their datasheets print."""

import re
import shutil
import subprocess
from pathlib import Path

from spikegate.cosim.toolchain.verilate import build_directory, compiled_with, tool_environment
from verification.stress.icarus import environment


def printed(folder: Path, program: str) -> list[str]:
    """The command of the datasheet that starts with a program."""
    return re.search(rf"^    ({program}.*)$", (folder / "datasheet.md").read_text(), re.MULTILINE)[1].split()


def icarus(folder: Path) -> tuple[int, str]:
    """Exit code and words of the bench in Icarus Verilog."""
    for program in ("iverilog", "vvp"):
        done = subprocess.run(printed(folder, program), cwd=folder, env=environment(folder.parent / "tools"), capture_output=True, text=True)
        assert program == "vvp" or (done.returncode, done.stdout + done.stderr) == (0, ""), done.stderr
    return done.returncode, done.stdout


def verilator(folder: Path) -> tuple[int, str]:
    """The same in Verilator; what was compiled is kept, and the tables are read anew."""
    command, texts = printed(folder, "verilator --binary"), [path.read_text() for path in sorted(folder.glob("*.v"))]
    with build_directory("take-away", *texts, *command, *compiled_with()) as (kept, finished):
        if not finished:
            for path in [*folder.glob("*.v"), *folder.glob("*.vlt")]:
                shutil.copy(path, kept)
            done = subprocess.run(command, cwd=kept, env=tool_environment(), capture_output=True, text=True)
            assert done.returncode == 0 and "%Warning" not in done.stderr, done.stderr[-2000:]
    done = subprocess.run([kept / printed(folder, "obj_dir")[0]], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


def lint(folder: Path) -> str:
    """What Verilator's -Wall says of the component, by the datasheet's command."""
    done = subprocess.run(printed(folder, "verilator --lint-only"), cwd=folder, env=tool_environment(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    return done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")
