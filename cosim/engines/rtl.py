"""The RTL of the network core as an engine: a frozen network in, a recording out."""

import time
from collections.abc import Callable

import numpy as np

from spikegate.cosim.engines.native import HARNESS, NativeCore
from spikegate.cosim.toolchain.verilate import Build, cached_verilog, compile_shared
from spikegate.gateware.core.core import Core, CoreGeometry, Op, Param
from spikegate.gateware.numeric.drive_search import table_words
from spikegate.gateware.numeric.drive_walk import walk_words
from spikegate.models.core.engine import require_own_drive
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import POINTS
from spikegate.models.streams.params import StreamFaults

__all__ = ["load_dtype", "row_words", "load_words", "run_word", "unpack", "core_verilog", "build", "run", "execute", "waveform", "write_waveform"]

BATCH = 512


def load_dtype(geometry: CoreGeometry) -> np.dtype:
    """A word of the load stream as numpy lays it out; the same bytes as `CoreGeometry.load_layout`."""
    fields = {"data": ("<u8", (geometry.lane_bits // 64,)), "address": "<u4", "lane": "<u2", "op": "u1", "pad": "u1"}
    return np.dtype(list((name, *kind) if isinstance(kind, tuple) else (name, kind) for name, kind in fields.items()))


def _words(geometry: CoreGeometry, op: Op, data, address=0, lane=0) -> np.ndarray:
    values = np.asarray(data)
    wide = values if values.ndim == 2 else values.reshape(-1, 1)
    words = np.zeros(len(wide), load_dtype(geometry))
    words["data"][:, :wide.shape[1]] = wide.astype(np.int64).view(np.uint64) if wide.dtype.kind == "i" else wide
    words["address"], words["lane"], words["op"] = address, lane, op.value
    return words


def stream_weights(network: Network) -> np.ndarray:
    """Thresholds of the sources' weight streams, with the sign above them, as the weight memory holds them."""
    return network.streams.probabilities.astype(np.uint64) | (network.weights < 0).astype(np.uint64) << np.uint64(PROBABILITY_BITS + 1)


def stream_words(network: Network, geometry: CoreGeometry, faults: StreamFaults | None) -> list[np.ndarray]:
    """What makes the stream unit ready: states of all registers and, as far as they are compiled in, faults."""
    g, streams = geometry, network.streams
    faults, seeds = faults or StreamFaults.none(streams), streams.seeds.astype(np.uint64)
    parts = [_words(g, Op.STREAM_SEED, seeds, np.arange(len(seeds)))] if len(seeds) else []
    if g.streams.stuck:
        place = lambda level, channel, point, word: ((2 * channel + level) * 4 + point) * 16 + word  # noqa: E731
        for level, masks in enumerate(faults.masks()):
            parts += [_words(g, Op.STREAM_STUCK, np.array([mask]), place(level, *at)) for at, mask in np.ndenumerate(masks)]
    if g.streams.flips:
        seeds = np.array(faults.seeds(network.max_windows), np.uint64)
        rates = np.arange(len(faults.thresholds))
        parts += [_words(g, Op.STREAM_SEED, seeds, streams.channels * PROBABILITY_BITS + np.arange(len(seeds))),
                  _words(g, Op.STREAM_RATE, np.array(faults.thresholds, np.uint64), rates // len(POINTS) * 4 + rates % len(POINTS))]
    return parts


def row_words(network: Network, geometry: CoreGeometry) -> np.ndarray:
    """Words of all rows, uint64 (n * stride, words of 64 bits in a load word); in a store, a source's weight is at the end of its row."""
    g, width = geometry, geometry.store or geometry.lanes
    source = np.repeat(np.arange(g.n), np.diff(network.indptr.astype(np.int64)))
    bits = np.zeros((g.n, g.stride * width), np.uint8)
    bits[source, network.indices] = 1
    if g.store:
        size = g.format.width
        bits[:, -size:] = network.weights.astype(np.int64)[:, None] >> np.arange(size) & 1
    bits = np.pad(bits.reshape(-1, width), ((0, 0), (0, g.lane_bits - width)))
    return np.packbits(bits, axis=1, bitorder="little").view("<u8")


def load_words(network: Network, geometry: CoreGeometry, faults: StreamFaults | None = None) -> np.ndarray:
    """Everything that makes the core ready to run a network, as load words.

    Raises
    ------
    InputError
        If the network has recorded external events that are not those of its own drive, which the core draws itself.
    """
    require_own_drive(network)
    g, lif, drive = geometry, network.lif, network.drive
    count, neurons = g.words * g.lanes, np.arange(g.words * g.lanes)
    place = dict(address=neurons // g.lanes, lane=neurons % g.lanes)
    v0, seeds = np.full(count, lif.rest, np.int64), np.zeros(count, np.uint64)
    v0[:g.n], seeds[:g.n] = network.v0, network.seeds
    values = {Param.LEAK: lif.leak, Param.THRESHOLD: lif.threshold, Param.RESET: lif.reset, Param.REST_LEAK: lif.rest_leak,
              Param.REFRACTORY: lif.refractory, Param.DRIVE_WEIGHT: drive.weight, Param.DELAY: network.delay}
    if g.streams:
        values[Param.SCALE] = network.streams.scale
    index, limit = zip(*(walk_words if g.walk else table_words)(drive))
    parts = [
        _words(g, Op.CLEAR, [0]),
        _words(g, Op.PARAM, np.array(list(values.values()), np.int64), [param.value for param in values]),
        _words(g, Op.TABLE, np.array(limit, np.uint64), index),
        *([] if g.store else [_words(g, Op.WEIGHT, stream_weights(network) if g.streams else network.weights.astype(np.int64), np.arange(g.n))]),
        _words(g, Op.SEED, seeds, **place),
        _words(g, Op.STATE, v0 & ((1 << lif.format.width) - 1), **place),
        *(stream_words(network, g, faults) if g.streams else []),
    ]
    parts.append(_words(g, Op.ROW, row_words(network, g), np.arange(g.n * g.stride)))
    return np.concatenate(parts)


def run_word(geometry: CoreGeometry, steps: int) -> np.ndarray:
    """The word that runs ``steps`` steps."""
    return _words(geometry, Op.RUN, np.array([steps], np.uint64))


def unpack(sweeps: np.ndarray, geometry: CoreGeometry) -> dict[str, np.ndarray]:
    """Sweep words as bytes (count, size) to arrays (count / W, n): ``v``, ``hold``, ``overflow``, ``events``."""
    g, layout = geometry, geometry.lane_layout()
    record = np.dtype(f"<u{layout.size // 8}")
    raw = np.ascontiguousarray(sweeps[:, :g.lanes * record.itemsize]).view(record).reshape(-1, g.words * g.lanes)[:, :g.n]
    take = lambda name, kind: ((raw >> layout[name].offset) & ((1 << layout[name].width) - 1)).astype(kind)  # noqa: E731
    narrow = np.dtype("<i2" if g.format.width <= 16 else "<i4")
    spare = 8 * narrow.itemsize - g.format.width
    return {"v": take("v", narrow.str.replace("i", "u")).view(narrow) << spare >> spare, "hold": take("hold", np.uint8),
            "overflow": take("overflow", np.uint8), "events": take("events", np.uint8)}


def core_verilog(geometry: CoreGeometry, clock_gate: bool) -> str:
    """Verilog of the core as it is simulated."""
    return cached_verilog(lambda: Core(geometry, clock_gate=clock_gate), "core", (geometry, clock_gate), reset=False)


def build(geometry: CoreGeometry, *, clock_gate: bool = True, trace: bool = False) -> Build:
    """The compiled simulator of a geometry, from the cache or made now."""
    start = time.perf_counter()
    text = core_verilog(geometry, clock_gate)
    generate_s = time.perf_counter() - start
    made = compile_shared(text, "core", HARNESS, trace=trace)
    return Build(made.path, generate_s, made.compile_s)


def run(network: Network, lanes: int = 40, *, store: int | None = None, walk: bool = False, banks: int = 1, trace: bool = False,
        clock_gate: bool = True, progress: Callable[[float], None] | None = None) -> Recording:
    """Run the RTL in Verilator through the native driver.

    Parameters
    ----------
    network : Network
    lanes : int
        1..N.
    store, walk, banks : optional
        As in `CoreGeometry`; the recording is the same, but for the cycles.
    trace : bool
        Record ``v``, ``hold``, ``overflow`` and ``events`` at every step.
    clock_gate : bool
        As in `spikegate.gateware.core.core.Core`; the recording is the same.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Raises
    ------
    InputError
        If lanes is outside 1..N.
    ToolMissing
        If Verilator or the compiler is absent.
    """
    g = CoreGeometry.of(network, lanes, store=store, walk=walk, banks=banks)
    return execute(network, g, load_words(network, g), trace=trace, clock_gate=clock_gate, progress=progress)


def execute(network: Network, g: CoreGeometry, words: np.ndarray, *, trace: bool, clock_gate: bool = True,
            progress: Callable[[float], None] | None = None, made: Build | None = None, engine: str = "rtl", seed: int = 0) -> Recording:
    """Run a geometry on a network that ``words`` load: its RTL, or whatever was ``made`` of it; for `run`."""
    made = made or build(g, clock_gate=clock_gate)
    spikes, parts = [], []
    with NativeCore(made.path, g, seed) as core:
        start = time.perf_counter()
        core.load(words)
        loaded, cpu = time.perf_counter(), time.process_time()
        for first in range(0, network.steps, BATCH):
            count = min(BATCH, network.steps - first)
            found, sweeps = core.run(run_word(g, count), first, count, trace)
            spikes.append(found)
            parts += [unpack(sweeps, g)] if trace else []
            if progress:
                progress((first + count) / network.steps)
        run_s, cpu_s = time.perf_counter() - loaded, time.process_time() - cpu
        final = {name: values[0] for name, values in unpack(core.last, g).items() if name != "events"}
        cycles = core.cycles
    traces = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    return Recording(engine, network.n, network.steps, np.concatenate(spikes), final, traces, cycles, {
        "network": network.hash, "lanes": g.lanes, "store": g.store, "walk": g.walk, "banks": g.banks, "driver": "native",
        "generate_s": made.generate_s, "compile_s": made.compile_s, "load_s": loaded - start, "run_s": run_s, "cpu_s": cpu_s})


def waveform(network: Network, lanes: int, first_step: int, last_step: int, path) -> None:
    """Run the RTL again up to ``last_step`` and write a VCD of steps ``first_step`` to ``last_step``.

    Parameters
    ----------
    network : Network
    lanes : int
    first_step, last_step : int
        Clipped to the run.
    path : path-like
        Of the VCD.
    """
    g = CoreGeometry.of(network, lanes)
    write_waveform(network, g, load_words(network, g), first_step, last_step, path)


def write_waveform(network: Network, g: CoreGeometry, words: np.ndarray, first_step: int, last_step: int, path) -> None:
    """Write the waveform of a geometry on a network that ``words`` load; for `waveform`."""
    first, last = max(first_step, 0), min(last_step, network.steps - 1)
    with NativeCore(build(g, trace=True).path, g) as core:
        core.load(words)
        for step in range(0, first, BATCH):
            core.run(run_word(g, min(BATCH, first - step)), step, min(BATCH, first - step), False)
        with core.wave(path):
            core.run(run_word(g, last - first + 1), first, last - first + 1, False)
