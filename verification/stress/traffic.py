"""Endless traffic for the core: random networks, one after the other through one simulator, each held against the golden model."""

import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from spikegate.cosim.engines.native import NativeCore
from spikegate.cosim.engines.rtl import BATCH, build, load_words, run_word, unpack
from spikegate.cosim.results.compare import compare, describe
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.models.core import engine, stream_engine
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, Rounding
from spikegate.models.streams.params import StreamFaults
from verification.stimuli.networks import DEFECTS, GEOMETRIES, any_faults, any_network

__all__ = ["ROADS", "Held", "Traffic", "held", "run_loaded", "traffic"]

#: Those of the benches, and larger ones.
ROADS: dict[str, CoreGeometry] = {
    **GEOMETRIES,
    "hundred": CoreGeometry(103, 8, Q8_8, max_delay=63),
    "two-hundred": CoreGeometry(200, 64, Q16_12, Rounding.STOCHASTIC, Overflow.WRAP),
}
SIGNALS = ("spike", "v", "hold", "overflow", "events", "final.v", "final.hold", "final.overflow")
#: Longest run in steps, and in cycles if every neuron fired in every step.
MAX_STEPS, MAX_CYCLES = 4000, 400_000


@dataclass(frozen=True)
class Traffic:
    """What went through.

    Parameters
    ----------
    cycles : int
        Clock cycles in which a network ran.
    networks, spikes : int
    items : int
        Values compared: spikes, membranes, refractory steps, flags and events of every neuron and step, final states, cycles.
    seconds : float
        Of simulating and comparing.
    """

    cycles: int
    networks: int
    spikes: int
    items: int
    seconds: float


@dataclass(frozen=True)
class Held:
    """A network that went through.

    Parameters
    ----------
    name : str
        Which, on which core, of which seed.
    cycles, spikes, items : int
        As of `Traffic`.
    problem : str
        The first divergence, or "".
    """

    name: str
    cycles: int
    spikes: int
    items: int
    problem: str


def run_loaded(simulator: NativeCore, g: CoreGeometry, network: Network, faults: StreamFaults | None) -> Recording:
    """The RTL's recording of a network on a simulator that has run others."""
    before, spikes, parts = simulator.cycles, [], []
    simulator.load(load_words(network, g, faults))
    for first in range(0, network.steps, BATCH):
        count = min(BATCH, network.steps - first)
        found, sweeps = simulator.run(run_word(g, count), first, count, True)
        spikes.append(found)
        parts.append(unpack(sweeps, g))
    trace = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    final = {name: values[0] for name, values in unpack(simulator.last, g).items() if name != "events"}
    return Recording("rtl", network.n, network.steps, np.concatenate(spikes), final, trace, simulator.cycles - before, {"network": network.hash})


def _reference(g: CoreGeometry, network: Network, faults: StreamFaults | None) -> Recording:
    """The golden model's recording, with the cycles that it predicts."""
    recording = stream_engine.run(network, faults=faults, trace=True) if g.streams else engine.run(network, trace=True)
    return replace(recording, cycles=(stream_engine if g.streams else engine).predict_cycles(network, recording, g.lanes, **g.options))


def _loads(g: CoreGeometry, rng: np.random.Generator) -> Generator[tuple[Network, StreamFaults | None], None, None]:
    """Networks without end, short and long ones, and faults in their streams."""
    most = min(MAX_STEPS, MAX_CYCLES // ((1 + g.n) * g.words))
    while True:
        network = any_network(g, rng, int(most ** rng.random()))
        yield network, any_faults(g, rng) if rng.random() < 0.7 else None


def held(seed: int, roads: Sequence[str] = tuple(ROADS), *, defect: str = "") -> Generator[Held, None, None]:
    """Networks without end, a geometry after the other, each held against the golden model; ``defect`` is one of `DEFECTS` that this shall have."""
    wrong, number = DEFECTS.get(defect, lambda network: network), 0
    with ExitStack() as stack:
        lanes = []
        for k, name in enumerate(roads):
            g = ROADS[name]
            lanes.append((name, g, stack.enter_context(NativeCore(build(g).path, g)), _loads(g, np.random.default_rng([seed, k]))))
        while True:
            for name, g, simulator, loads in lanes:
                network, faults = next(loads)
                rtl, golden = run_loaded(simulator, g, network, faults), _reference(g, wrong(network), faults)
                check = compare(f"Network {number} on {name} (seed {seed})", "bit-true", replace(golden, provenance=rtl.provenance), rtl, SIGNALS)
                problem = "" if check.ok else describe(check)
                if check.ok and golden.cycles != rtl.cycles:
                    problem = f"{check.name}: cycles, golden {golden.cycles}, rtl {rtl.cycles}"
                yield Held(check.name, int(rtl.cycles or 0), len(rtl.spikes), check.compared + 1, problem)
                number += 1


def traffic(cycles: int, seed: int, roads: Sequence[str] = tuple(ROADS), *, defect: str = "") -> Traffic:
    """Run networks, a geometry after the other, until at least ``cycles`` clock cycles are compared.

    Parameters
    ----------
    cycles, seed : int
    roads : sequence of str
        Entries of `ROADS`.
    defect : str
        An entry of `DEFECTS` that the golden side shall have.

    Raises
    ------
    Mismatch
        With the first divergence.
    SpikegateError
        If nothing was compared, or a simulator hangs.
    """
    total = networks = spikes = items = 0
    start = time.perf_counter()
    with closing(held(seed, roads, defect=defect)) as found:
        while total < cycles:
            for one in islice(found, len(roads)):
                if one.problem:
                    raise Mismatch(one.problem)
                total, networks, spikes, items = total + one.cycles, networks + 1, spikes + one.spikes, items + one.items
    if not items:
        raise SpikegateError(f"Traffic compared nothing: cycles must be at least 1, not {cycles}")
    return Traffic(total, networks, spikes, items, time.perf_counter() - start)
