"""Coverage of whole cores that have no table: networks through their streams, with pauses, every sweep held against the golden model."""

import ctypes
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spikegate.cosim.engines.rtl import core_verilog, run_word, unpack
from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core.geometry import CoreGeometry, StreamGeometry
from spikegate.gateware.core.pins import PinsHost
from spikegate.models.core import engine, stream_engine
from spikegate.models.core.cycles import CYCLES_PER_STEP
from spikegate.models.core.drives import Walk
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_store import Store
from spikegate.models.errors import Mismatch
from spikegate.models.files import working_folder
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.streams.params import Generator, StreamFaults
from spikegate.models.streams.planes import window_lfsr
from verification.coverage.guards_coverage import BEFORE, FIRST, PATIENCE, TOO_LONG
from verification.coverage.points import OPTIONS, PARTS, Coverage, judge, merged, points
from verification.stimuli.load_words import full, loads, scrambled
from verification.stimuli.networks import any_faults

__all__ = ["CORES", "Episode", "episodes", "cover_core"]

HARNESS = Path(__file__).with_suffix(".cpp")
#: Words of a store with rows of three, and two banks, the last lanes without a neuron; streams of both kinds, one with faults;
#: what is around a core behind few pins, which is not held up and takes longer.
CORES: dict[str, CoreGeometry] = {
    "core_store": CoreGeometry(18, 4, Q8_8, max_delay=3, rows=Store(16), drive=Walk()),
    "core_banks": CoreGeometry(15, 4, Q8_8, max_delay=3, drive=Walk(), rows=Bitmap(2)),
    "core_lfsr": CoreGeometry(8, 4, Q8_8, max_delay=3, rows=StreamGeometry(Generator.LFSR, 64, 2, window_lfsr(64), ())),
    "core_sobol": CoreGeometry(8, 4, Q8_8, max_delay=3, rows=StreamGeometry(Generator.SOBOL, 64, 1, window_lfsr(64), (0,), True, True)),
    "core_pins": CoreGeometry(5, 2, Q8_8, max_delay=3),
}
PINS, INSIDE = "core_pins", "top.chip.core"
CORNERS = ("all", "bottom", "top", "echo")
KINDS = ("short", "short", "short", "long", "lost", *CORNERS)


@dataclass(frozen=True)
class Episode:
    """Load words from the initial state of a core, and what the golden model makes of the runs among them.

    Parameters
    ----------
    words : numpy.ndarray
    recordings : tuple of Recording
        With traces and cycles; of whole sweeps.
    ends : bool
        Whether the last run comes to its end, or is left after these steps.
    pause, stall : int
        In so many of 256 cycles nothing is offered to the core, or taken from it.
    """

    words: np.ndarray
    recordings: tuple[Recording, ...]
    ends: bool = True
    pause: int = 0
    stall: int = 0


def _golden(g: CoreGeometry, net: Network, faults: StreamFaults | None) -> Recording:
    """The recording of a network of all places; those beyond N have no spikes."""
    found = stream_engine.run(net, faults=faults, trace=True) if g.streams else engine.run(net, trace=True)
    found = replace(found, spikes=found.spikes[found.spikes[:, 1] < g.n])
    return replace(found, cycles=(stream_engine if g.streams else engine).predict_cycles(net, found, g.lanes, **g.options))


def episodes(g: CoreGeometry, count: int, *, stalls: bool = True) -> Iterator[Episode]:
    """So many episodes of several networks, then runs of 2^k steps that are left soon, then one long run."""
    for seed in range(count):
        rng, words, recordings = random.Random(seed), [], []
        for _ in range(8):
            kind = rng.choice(KINDS)
            net = full(g, rng, {"long": 130, "lost": BEFORE}.get(kind, rng.randint(3, 20)), kind if kind in CORNERS else "")
            if kind == "lost" and not isinstance(g.rows, Store):
                net = net.replace(delay=TOO_LONG)
            faults = any_faults(g, np.random.default_rng(rng.getrandbits(32)))
            first = rng.randint(0, net.steps)
            words += [scrambled(g, rng, rng.randrange(300)), loads(g, net, faults), run_word(g, first), run_word(g, net.steps - first)]
            recordings.append(_golden(g, net, faults))
        yield Episode(np.concatenate(words), tuple(recordings), pause=rng.choice((0, 128)), stall=(0, 80, 200)[seed % 3 * stalls])
    for bit in range(32):
        net = full(g, random.Random(bit), FIRST, "some")
        if 1 << bit >= FIRST:
            yield Episode(np.concatenate([loads(g, net), run_word(g, 1 << bit)]), (_golden(g, net, None),), ends=False)
    net = full(g, random.Random(count), PATIENCE // (g.words + g.latency + CYCLES_PER_STEP), "silent")
    yield Episode(np.concatenate([loads(g, net), run_word(g, net.steps)]), (_golden(g, net, None),))


def compare(g: CoreGeometry, sweeps: np.ndarray, recordings: Sequence[Recording]) -> int:
    """Hold sweep words, as bytes (count, size), against recordings; how many values were compared.

    Raises
    ------
    Mismatch
        With the first signal that differs.
    """
    places, layout = g.words * g.lanes, g.sweep_layout()
    found = unpack(sweeps, replace(g, n=places))
    size, at = g.lane_layout().size // 8, g.lane_layout()["spike"].offset
    lanes = np.ascontiguousarray(sweeps[:, :g.lanes * size]).view(f"<u{size}").reshape(-1, places)
    mask = np.unpackbits(sweeps[:, layout["spikes"].offset // 8:][:, :8], axis=1, bitorder="little")
    word = np.ascontiguousarray(sweeps[:, layout["word"].offset // 8:][:, :4]).view("<u4")
    wanted = {name: np.concatenate([recording.trace[name] for recording in recordings]) for name in found}
    spikes, first = np.zeros((len(wanted["v"]), places), np.uint8), 0
    for recording in recordings:
        spikes[first + recording.spikes[:, 0], recording.spikes[:, 1]] = 1
        first += recording.steps
    found |= {"spike": (lanes >> at & 1).astype(np.uint8), "spikes": mask, "word": word}
    wanted |= {"spike": spikes, "spikes": np.pad(spikes.reshape(-1, g.lanes), ((0, 0), (0, 64 - g.lanes))),
               "word": np.tile(np.arange(g.words, dtype=np.uint32), len(spikes)).reshape(-1, 1)}
    for name, values in wanted.items():
        if found[name].shape != values.shape or (found[name] != values).any():
            raise Mismatch(f"Signal {name} of the sweeps is not that of the golden model")
    return sum(values.size for values in wanted.values())


def _run(library: ctypes.CDLL, g: CoreGeometry, episode: Episode, seed: int, what: str, path: Path, *, exact: bool) -> int:
    """Run an episode, write its coverage, and compare: so many values."""
    library.cover_run.restype, library.cover_sweep_size.restype = ctypes.c_int64, ctypes.c_uint64
    steps, predicted = (sum(getattr(recording, name) for recording in episode.recordings) for name in ("steps", "cycles"))
    cycles, words, room = ctypes.c_uint64(), np.ascontiguousarray(episode.words), steps * g.words + episode.ends
    sweeps = np.zeros((room, library.cover_sweep_size()), np.uint8)
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)  # noqa: E731
    count = library.cover_run(
        pointer(words), ctypes.c_uint64(len(words)), seed, episode.pause, episode.stall, pointer(sweeps), ctypes.c_uint64(room),
        ctypes.c_uint64(1000 + 600 * len(words) + 8 * predicted), str(path).encode(), ctypes.byref(cycles))
    if count != steps * g.words:
        raise Mismatch(f"{what}: {count} sweep words, golden {steps * g.words}")
    if exact and episode.ends and not episode.stall and cycles.value != predicted:
        raise Mismatch(f"{what}: {cycles.value} cycles, golden {predicted}")
    return compare(g, sweeps[:count], episode.recordings)


def cover_core(name: str, some: Sequence[Episode] | None = None, *, prove: bool = True) -> Coverage:
    """Coverage of an entry of `CORES`, by default by all episodes; without ``prove``, what no one can reach is open.

    Raises
    ------
    Mismatch
        If a sweep, or the number of cycles where nothing stalls, is not the golden model's.
    """
    g, found, compared, pins = CORES[name], [], 0, name == PINS
    text = to_verilog(PinsHost(g), "core", reset=False) if pins else core_verilog(g, False)
    each = list(episodes(g, 12, stalls=not pins)) if some is None else some
    for part in PARTS:
        library = ctypes.CDLL(str(compile_shared(text, "core", HARNESS, options=[*OPTIONS, *part]).path))
        with working_folder() as folder:
            for number, episode in enumerate(each):
                compared += _run(library, g, episode, number, f"{name}, episode {number}", folder / f"{number}.dat", exact=not pins)
            found += [point for point in points(Path(folder), text, "TOP.core") if not pins or not point.where.startswith(INSIDE)]
    return replace(judge(name, merged(found), text=text if prove else "", top="core"), compared=compared)
