"""The RTL of a core as an engine: a frozen network in, a recording out. What runs a geometry is one for both cores."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
from amaranth.lib.wiring import Component

from spikegate.cosim.engines.native import HARNESS, NativeCore
from spikegate.cosim.engines.words import Geometry, Outside, load_array, load_dtype, run_word, swept, unpack
from spikegate.cosim.toolchain.flat import Flat, Unsupported
from spikegate.cosim.toolchain.reroll import reroll
from spikegate.cosim.toolchain.verilate import OPTIONS, ROLLED, Build, compile_shared
from spikegate.cosim.toolchain.verilog import cached_verilog, to_netlist
from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.gateware.core.point_core import PointCore
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.address_map import Load, Op, Param
from spikegate.models.core.cycles import BATCH
from spikegate.models.core.engine import require_own_drive
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.params import StreamFaults

__all__ = ["load_dtype", "load_array", "load_words", "run_word", "unpack", "core_verilog", "rolled_verilog", "build", "run", "execute", "give",
           "waveform", "write_waveform"]


def load_words(network: Network, geometry: CoreGeometry, faults: StreamFaults | None = None) -> np.ndarray:
    """Everything that makes the core ready to run a network, as load words; neurons that the network does not have rest without a stream.

    Raises
    ------
    InputError
        If the network has recorded external events that are not those of its own drive, which the core draws itself.
    """
    require_own_drive(network)
    g, size = geometry, geometry.size
    params = {**g.neurons.params(network), Param.DRIVE_WEIGHT: network.drive.weight, Param.DELAY: network.delay}
    index, limit = zip(*g.drive.words(network.drive))
    before, after = g.rows.loads(size, network, faults)
    parts = [Load(Op.CLEAR, [0]), Load(Op.PARAM, np.array(list(params.values()), np.int64), list(params)),
             Load(Op.TABLE, np.array(limit, np.uint64), index), *before, *g.neurons.loads(size, network), *after]
    return np.concatenate([load_array(g, part) for part in parts])


#: What the text of a core whose lanes cannot be rolled up begins with; the reason follows.
REFUSED = "// "


def _core(geometry: Geometry, clock_gate: bool) -> Core | PointCore:
    return PointCore(geometry, clock_gate=clock_gate) if isinstance(geometry, PointGeometry) else Core(geometry, clock_gate=clock_gate)


def core_verilog(geometry: Geometry, clock_gate: bool) -> str:
    """Verilog of the core of a geometry, as it is synthesised and verified: the reference of `rolled_verilog`."""
    return cached_verilog(lambda: _core(geometry, clock_gate), "core", (geometry, clock_gate), reset=False)


def rolled_verilog(geometry: Geometry) -> str:
    """The same core with its lanes in loops, for simulation; ``//`` and the reason if they are not the same circuit."""
    def write(core: Component) -> str:
        try:
            return reroll(Flat(to_netlist(core, "core"), "core"), geometry.lanes, "o__payload", geometry.lane_layout().size)
        except Unsupported as refusal:
            return f"{REFUSED}{refusal}"
    return cached_verilog(lambda: _core(geometry, True), "core", (geometry, "rolled"), reset=False, write=write)


def build(geometry: Geometry, *, clock_gate: bool = True, trace: bool = False, rolled: bool = True) -> Build:
    """The compiled simulator of a geometry, from the cache or made now.

    Lanes are loops where ``rolled`` is set and they are one circuit; not with a waveform, which has the signals of each, nor without gated clocks,
    nor in a core of point neurons.
    """
    start = time.perf_counter()
    wanted = rolled and clock_gate and not trace and isinstance(geometry, CoreGeometry)
    text = rolled_verilog(geometry) if wanted else f"{REFUSED}as asked"
    reason = text.removeprefix(REFUSED) if text.startswith(REFUSED) else ""
    text = core_verilog(geometry, clock_gate) if reason else text
    generate_s = time.perf_counter() - start
    made = compile_shared(text, "core", HARNESS, trace=trace, options=OPTIONS if reason else ROLLED)
    return Build(made.path, generate_s, made.compile_s, reason)


def run(network: Network, lanes: int = 40, *, store: int | None = None, walk: bool = False, banks: int = 1, overlap: bool = False,
        trace: bool = False, clock_gate: bool = True, progress: Callable[[float], None] | None = None) -> Recording:
    """Run the RTL in Verilator through the native driver.

    Parameters
    ----------
    network : Network
    lanes : int
        1..N.
    store, walk, banks, overlap : optional
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
    g = CoreGeometry.of(network, lanes, store=store, walk=walk, banks=banks, overlap=overlap)
    return execute(network, g, load_words(network, g), trace=trace, clock_gate=clock_gate, progress=progress)


def execute(network: FrozenNetwork, g: Geometry, words: np.ndarray, *, trace: bool, clock_gate: bool = True,
            progress: Callable[[float], None] | None = None, made: Build | None = None, engine: str = "rtl", seed: int = 0,
            outside: Outside | None = None) -> Recording:
    """Run a geometry on a network that ``words`` load: its RTL, or whatever was ``made`` of it; for `run`."""
    made = made or build(g, clock_gate=clock_gate)
    spikes, parts = [], []
    with NativeCore(made.path, g, seed) as core:
        start = time.perf_counter()
        give(core, words, outside)
        loaded, cpu = time.perf_counter(), time.process_time()
        for first in range(0, network.steps, BATCH):
            count = min(BATCH, network.steps - first)
            found, sweeps = core.run(run_word(g, count), first, count, trace)
            spikes.append(found)
            parts += [swept(network, cast(np.ndarray, sweeps), g)] if trace else []
            if progress:
                progress((first + count) / network.steps)
        run_s, cpu_s = time.perf_counter() - loaded, time.process_time() - cpu
        final = {name: values[0] for name, values in swept(network, core.last, g).items() if name != "events"}
        cycles = core.cycles
    traces = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    return Recording(engine, network.n, network.steps, np.concatenate(spikes), final, traces, cycles, {
        "network": network.hash, "lanes": g.lanes, **g.options, "driver": "native", **({"unrolled": made.unrolled} if made.unrolled else {}),
        "generate_s": made.generate_s, "compile_s": made.compile_s, "load_s": loaded - start, "run_s": run_s, "cpu_s": cpu_s}, network.dt_ns)


def give(core: NativeCore, words: np.ndarray, outside: Outside | None) -> None:
    """Load a core, and give it what it takes while it runs."""
    core.load(words)
    if outside:
        core.give(outside.events)
        if outside.rows is not None:
            core.outside(outside.rows, outside.latency, outside.seed)


def waveform(network: Network, lanes: int, first_step: int, last_step: int, path: str | Path) -> None:
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


def write_waveform(network: FrozenNetwork, g: Geometry, words: np.ndarray, first_step: int, last_step: int, path: str | Path,
                   outside: Outside | None = None) -> None:
    """Write the waveform of a geometry on a network that ``words`` load; for `waveform`."""
    first, last = max(first_step, 0), min(last_step, network.steps - 1)
    with NativeCore(build(g, trace=True).path, g) as core:
        give(core, words, outside)
        for step in range(0, first, BATCH):
            core.run(run_word(g, min(BATCH, first - step)), step, min(BATCH, first - step), False)
        with core.wave(path):
            core.run(run_word(g, last - first + 1), first, last - first + 1, False)
