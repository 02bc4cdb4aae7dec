"""Icarus Verilog: where it is, and how a folder of Verilog is compiled and run."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from spikegate.models.errors import SpikegateError, ToolMissing
from spikegate.models.surroundings import child_environment

__all__ = ["UNPACKED", "environment", "simulate"]

#: Where the Makefile unpacks Debian's package, below the environment's folder.
UNPACKED = Path(sys.prefix) / "iverilog" / "usr"


def environment(tools: Path) -> dict[str, str]:
    """With iverilog and vvp on PATH: those that are there, or the Makefile's, for which two scripts are written into a folder.

    Raises
    ------
    ToolMissing
        If there are neither.
    """
    found = child_environment()
    if shutil.which("iverilog") is None:
        library = next(UNPACKED.glob("lib/*/ivl"), None)
        if library is None:
            raise ToolMissing(f"Icarus Verilog is neither on PATH nor in {UNPACKED}; run make .venv/.installed-fpga")
        tools.mkdir(exist_ok=True)
        for name, option in (("iverilog", "-B"), ("vvp", "-M")):
            (tools / name).write_text(f'#!/bin/sh\nexec "{UNPACKED}/bin/{name}" {option} "{library}" "$@"\n')
            (tools / name).chmod(0o755)
        found["PATH"] = f"{tools}{os.pathsep}{found['PATH']}"
    return found


def simulate(folder: Path, sources: Sequence[str], top: str) -> str:
    """Compile files of a folder, run the module ``top`` there, and return what it says.

    Raises
    ------
    ToolMissing
        If there is no Icarus Verilog.
    SpikegateError
        With the simulator's words, if it does not end with code 0.
    """
    with tempfile.TemporaryDirectory() as tools:
        around = environment(Path(tools))
        said = ""
        for command in (["iverilog", "-g2005", "-s", top, "-o", f"{top}.vvp", *sources], ["vvp", "-n", f"{top}.vvp"]):
            done = subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True)
            if done.returncode:
                raise SpikegateError(f"{command[0]} ended with code {done.returncode}: {(done.stderr + done.stdout)[-1500:]}")
            said = done.stdout
    return said
