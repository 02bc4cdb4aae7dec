"""What the core has to send for an item: every word of every sweep, and the cycles, by the golden models."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spikegate.gateware.core.geometry import CoreGeometry, Op
from spikegate.models.core import engine, stream_engine
from spikegate.models.core.part import due_spikes
from spikegate.models.network.recording import Recording
from verification.uvm.items import Part, Scenario

__all__ = ["Expected", "expect", "sweep_bytes", "neuron_bytes"]


@dataclass(frozen=True, eq=False)
class Expected:
    """The golden side of an item.

    Parameters
    ----------
    words : numpy.ndarray
        uint8 (steps * W, size of a word of the sweep stream).
    trace : Mapping of str to numpy.ndarray
        (steps, n): ``v``, ``hold``, ``overflow``, ``events``, ``spike``, and ``input``, what had been delivered before the step.
    cycles : int
        Of all runs, if nothing is held up.
    due : numpy.ndarray
        (steps,), spikes delivered at the end of each step.
    """

    words: np.ndarray
    trace: Mapping[str, np.ndarray]
    cycles: int
    due: np.ndarray


def expect(item: Scenario, g: CoreGeometry) -> Expected:
    """The golden side of an item on a geometry."""
    network, starts = item.network, dict(zip(np.cumsum([0, *(part.steps for part in item.parts)]).tolist(), item.parts))
    inputs = np.zeros((item.steps, g.n), np.int64)
    live: dict = {}

    def advance(first, steps, neurons, drive, ring, counts, rows, p, lfsr, spikes, traces):
        found = 0
        for s in range(steps):
            t = first + s
            if t in starts:
                _begin(live, starts[t], item, g, neurons, counts)
            inputs[t] = neurons[4]
            found += live["advance"](t, 1, neurons, live["drive"], ring, counts, live["rows"], live["p"], lfsr, spikes[found:],
                                     tuple(trace[s:s + 1] for trace in traces))
        return found

    recording = engine.simulate(network, advance, trace=True)
    spike = np.zeros((item.steps, g.n), np.uint8)
    spike[tuple(recording.spikes.T)] = 1
    trace = {**recording.trace, "spike": spike, "input": inputs}
    return Expected(sweep_bytes(trace, g), trace, *_delivered(item, g, recording))


def _begin(live: dict, part: Part, item: Scenario, g: CoreGeometry, neurons: tuple, counts: np.ndarray) -> None:
    """What the words of a part do to the golden model."""
    network, (v, hold, overflow, state, current) = part.network, neurons
    if Op.STATE in part.ops:
        v[:], hold[:], overflow[:], current[:] = network.v0, 0, 0, 0
    if Op.SEED in part.ops:
        state[:] = network.seeds
    if Op.CLEAR in part.ops:
        counts[:] = 0
    if Op.CLEAR in part.ops:
        live["advance"] = stream_engine.advancer(network.replace(steps=item.steps), item.faults)[0] if g.streams else engine.advancer(network)
    live.update(drive=(network.drive.limits, network.drive.weight, engine.given_events(network)), rows=network.rows, p=network.lif.constants())


def _delivered(item: Scenario, g: CoreGeometry, recording: Recording) -> tuple[int, np.ndarray]:
    """Cycles, and spikes due at each step; between two clears the core is as it is in a run of its own."""
    cycles, due, first, last, network = 0, [], 0, 0, item.network
    for k, part in enumerate(item.parts):
        last += part.steps
        network = part.network if Op.CLEAR in part.ops else network
        if k + 1 < len(item.parts) and Op.CLEAR not in item.parts[k + 1].ops:
            continue
        network = network.replace(steps=last - first)
        mine = recording.spikes[(recording.spikes[:, 0] >= first) & (recording.spikes[:, 0] < last)] - [first, 0]
        run = Recording("golden", g.n, last - first, mine, {}, {"events": recording.trace["events"][first:last]})
        cycles += (stream_engine if g.streams else engine).predict_cycles(network, run, g.lanes, **g.options)
        due.append(due_spikes(run, network.delay))
        first = last
    return cycles, np.concatenate(due)


def _record(g: CoreGeometry, trace: Mapping[str, np.ndarray]) -> np.ndarray:
    layout = g.lane_layout()
    raw = np.zeros(trace["v"].shape, np.uint64)
    for name in ("v", "hold", "overflow", "spike", "events"):
        raw |= (trace[name].astype(np.int64).astype(np.uint64) & np.uint64((1 << layout[name].width) - 1)) << np.uint64(layout[name].offset)
    return raw.astype(f"<u{layout.size // 8}")


def sweep_bytes(trace: Mapping[str, np.ndarray], g: CoreGeometry) -> np.ndarray:
    """The words of a sweep stream, uint8 (steps * W, size), lanes without a neuron 0."""
    steps, room = len(trace["v"]), g.words * g.lanes
    pad = lambda values: np.pad(values, ((0, 0), (0, room - g.n))).reshape(-1, g.lanes)  # noqa: E731
    lanes = np.ascontiguousarray(pad(_record(g, trace))).view(np.uint8)
    mask = np.packbits(np.pad(pad(trace["spike"]), ((0, 0), (0, g.lane_bits - g.lanes))), axis=1, bitorder="little")
    number = np.tile(np.arange(g.words, dtype="<u4"), steps).reshape(-1, 1).view(np.uint8)
    return np.concatenate([lanes, mask, number], axis=1)


def neuron_bytes(g: CoreGeometry) -> np.ndarray:
    """Which bytes of the words of one sweep are of neurons that exist, or of the word itself; bool (W, size)."""
    exists = (np.arange(g.words * g.lanes) < g.n).reshape(g.words, g.lanes)
    return np.pad(np.repeat(exists, g.lane_layout().size // 8, axis=1), ((0, 0), (0, g.lane_bits // 8 + 4)), constant_values=True)
