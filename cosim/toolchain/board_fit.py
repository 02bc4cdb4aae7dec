"""How a board's core fits and how fast it runs: the report of a finished build."""

import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np

from spikegate.cosim.toolchain.board import TOOLS, geometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core import engine as golden
from spikegate.models.core import point_engine
from spikegate.models.errors import SpikegateError
from spikegate.models.link.board import Board
from spikegate.models.link.decoder import COUNT
from spikegate.models.link.device import distances
from spikegate.models.link.frames import Answer, Frame, encode
from spikegate.models.link.payloads import CHUNK, MAX_STEPS
from spikegate.models.link.uart import BITS
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["MULTIPLIER_NS", "counted_factor", "event_bytes", "fit", "measured", "multiplier_ns"]

CELLS = {"lut": ("ICESTORM_LC", "TRELLIS_COMB"), "ff": ("", "TRELLIS_FF"), "bram": ("ICESTORM_RAM", "DP16KD"), "spram": ("ICESTORM_SPRAM", ""),
         "dsp": ("ICESTORM_DSP", "MULT18X18D")}

#: Through an iCE40's multiplier without registers, whose paths nextpnr ends at it and begins behind it: the slowest product and the slowest
#: sum of Project IceStorm's timings of the UP5K (``SB_MAC16_MUL_U_16X16_BYPASS`` and ``SB_MAC16_ADS_U_32P32_BYPASS``, to ``O``).
MULTIPLIER_NS = 9.05 + 5.27
#: Bytes on the line for each that a DATA frame brings.
FRAMED = len(encode(Frame(Answer.DATA, 0, bytes(CHUNK)))) / CHUNK


def event_bytes(recording: Recording) -> float:
    """Bytes on the line for all spikes of a run, with the frames around them and without what is escaped."""
    steps = np.split(recording.spikes[:, 1], np.searchsorted(recording.spikes[:, 0], np.arange(1, recording.steps)))
    return sum(len(distances(neurons.tolist())) for neurons in steps) * FRAMED


def counted_factor(board: Board, steps: float, dt_ns: int) -> float | None:
    """The real-time factor of a board that makes so many steps a second, while the counts of runs of `MAX_STEPS` are read; None without counters."""
    if not board.counts:
        return None
    size = COUNT * -(-board.n // board.lanes) * board.lanes
    reading = -(-size // CHUNK) * CHUNK * FRAMED * BITS * board.line.divisor / board.clock_hz
    return MAX_STEPS * dt_ns * 1e-9 / (MAX_STEPS / steps + reading)


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
        "counts": board.counts,
        "format": "point neurons" if isinstance(network, PointNetwork) else str(network.lif.format), "seed": seed, "baud": board.baud,
        "utilisation": used, "clock_hz": board.clock_hz, "fmax_hz": fmax_hz, "clock_met": fmax_hz >= board.clock_hz,
        "multiplier_path_ns": through,
        "network": {"name": network.name, "hash": network.hash, "steps": network.steps}, "cycles_per_step": cycles,
        "cycles_between_steps": board.between, "steps_per_s": steps,
        "real_time_factor": steps * network.dt_ns * 1e-9, "bytes_per_step": sent,
        "real_time_factor_read": min(steps, rate / (BITS * sent)) * network.dt_ns * 1e-9,
        "real_time_factor_counted": counted_factor(board, steps, network.dt_ns), "stages_s": seconds, "bitstream": bits.name,
        "sha256": hashlib.sha256(bits.read_bytes()).hexdigest(), "tools": {name: metadata.version(name) for name in packages},
    }
