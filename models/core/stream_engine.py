"""Golden model of the core with stochastic synapses: every spike that is due meets a stream of bits at each of its targets.

The spikes that are due after a step, in ascending order of their sources, form groups of up to C, the channels. A group goes
through its targets, the union of its rows, in ascending order. Each target takes one window of L bits from every channel's
generator, windows counted from 0 over the whole run; for each channel whose source projects to it,

    weight = (x_t < P of the source), t = 0 .. L-1       spike = 1 at every t       count = popcount(spike & weight)

and the target's input grows by ``scale_count(sum of +-counts, V_th, log2 L)``. All else is `spikegate.models.core.engine`.
Streams are packed, 64 bits a word.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.checks import require
from spikegate.models.core import engine
from spikegate.models.core.engine import make_scratch, record, simulate, update
from spikegate.models.core.rows_streams import StreamGeometry
from spikegate.models.core.windows import LANES, Windows, advance, count_all, count_faulty, generator, registers, weigh
from spikegate.models.kernel import kernel
from spikegate.models.network.network import Network, require_network
from spikegate.models.network.recording import Recording
from spikegate.models.network.rows import Rows
from spikegate.models.neuron.lif import LifConstants
from spikegate.models.streams.dot_product import scale_count
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.params import StreamFaults
from spikegate.models.streams.planes import window_lfsr

__all__ = ["advancer", "run", "predict_cycles", "predict_phases"]


@kernel
def union(targets: np.ndarray, place: np.ndarray, member: np.ndarray) -> int:
    """Targets of a group, ascending, where ``member`` is 1, which becomes 0; ``place`` is where each is among them. Returns their number."""
    found = 0
    for target in range(len(member)):
        targets[found], place[target] = target, found
        if member[target]:
            found += 1
        member[target] = 0
    return found


class Defects(NamedTuple):
    """What a kernel needs to know of `StreamFaults`: whether there are any, the lines that are stuck, and the flips."""

    some: bool
    stuck0: np.ndarray
    stuck1: np.ndarray
    flips: Windows
    thresholds: np.ndarray


class Synapses(NamedTuple):
    """What a kernel needs to know of stochastic synapses.

    Parameters
    ----------
    weights, probabilities : numpy.ndarray
        int64 (n,), of each source; of the weights the signs count.
    scale, log2_length, channels : int
        As in `spikegate.models.streams.params.StreamParams`.
    streams : Windows
        Of the weights.
    defects : Defects
    cursor : numpy.ndarray
        int64 (3,): row of the next window, windows so far, row of the next flips.
    """

    weights: np.ndarray
    probabilities: np.ndarray
    scale: int
    log2_length: int
    channels: int
    streams: Windows
    defects: Defects
    cursor: np.ndarray


@kernel
def _advance(synapses: Synapses, first: int, steps: int, neurons: tuple[np.ndarray, ...], drive: tuple[Any, ...], ring: np.ndarray,
             counts: np.ndarray, rows: Rows, p: LifConstants, lfsr: tuple[Any, ...], spikes: np.ndarray, traces: tuple[np.ndarray, ...]) -> int:
    """As `spikegate.models.core.engine._advance`."""
    v, hold, overflow, state, current = neurons
    weights, probability, scale, log2_length, channels, streams, (faulty, stuck0, stuck1, flip_streams, flip_thresholds), cursor = synapses
    indptr, indices, _ = rows
    found, n, delay, words, points = 0, len(v), len(counts), 1 << log2_length >> 6, len(flip_thresholds) // channels
    size = -(-n // LANES) * LANES
    events, scratch = np.empty(n, np.uint8), make_scratch()
    spike, passed, room = np.full(words, ~np.uint64(0)), np.empty((words, size), np.uint64), np.zeros((PROBABILITY_BITS, size), np.uint64)
    flips = np.empty((points, words, size), np.uint64)
    union_of, place, member, all_windows = np.empty(n, indices.dtype), np.empty(n, np.int64), np.zeros(n, np.uint8), np.arange(n)
    places, ones_of, totals = np.empty(n, np.int64), np.empty(n, np.int64), np.zeros(n, np.int64)
    for s in range(steps):
        t = first + s
        slot = t % delay
        counts[slot] = update(t, v, hold, overflow, state, current, drive, drive[2][s], p, lfsr, ring[slot], events, scratch)
        found = record(t, s, ring[slot], counts[slot], spikes, found, v, hold, overflow, events, traces)
        slot = (t + 1) % delay
        for group in range(0, counts[slot], channels):
            sources = ring[slot, group:min(group + channels, counts[slot])]
            if len(sources) == 1:
                row = indices[indptr[sources[0]]:indptr[sources[0] + 1]]
                targets, used = row, len(row)
            else:
                for source in sources:
                    for target in indices[indptr[source]:indptr[source + 1]]:
                        member[target] = 1
                targets = union_of
                used = union(targets, place, member)
            cursor[0] = advance(streams, cursor[0], used)
            if points:
                cursor[2] = advance(flip_streams, cursor[2], used)
            for c in range(len(sources)):
                row = indices[indptr[sources[c]]:indptr[sources[c] + 1]]
                windows, ones_here = all_windows[:len(row)], ones_of[:len(row)]
                if len(sources) > 1:
                    windows = places[:len(row)]
                    for k in range(len(row)):
                        windows[k] = place[row[k]]
                weigh(streams, cursor[0], windows, c, probability[sources[c]], room, passed)
                for k in range(points):
                    weigh(flip_streams, cursor[2], windows, points * c + k, flip_thresholds[points * c + k], room, flips[k])
                if faulty:
                    count_faulty(passed, spike, stuck0[c], stuck1[c], flips, ones_here)
                else:
                    count_all(passed, spike, ones_here)
                sign = -1 if weights[sources[c]] < 0 else 1
                for k in range(len(row)):
                    totals[windows[k]] += sign * ones_here[k]
            cursor += used
            for k in range(used):
                totals[k] = scale_count(totals[k], scale, log2_length)
            for k in range(used):
                current[targets[k]] += totals[k]
            totals[:used] = 0
    return found


def advancer(network: Network, faults: StreamFaults | None = None) -> tuple[Callable[..., int], np.ndarray]:
    """What makes the steps of a network of stochastic synapses, for `simulate`, and its cursor, whose second entry counts the windows.

    Raises
    ------
    InputError
        If the network has no streams, or the faults are not for its channels and length.
    """
    streams = network.require_streams()
    faults = (faults or StreamFaults.none(streams)).check(streams)
    flips = registers(window_lfsr(streams.length), faults.seeds(network.max_windows) if faults.flips else [], streams.length, network.n)
    defects = Defects(faults.stuck or faults.flips, *faults.masks(), flips, np.array(faults.thresholds if faults.flips else [], np.int64))
    synapses = Synapses(network.weights.astype(np.int64), streams.probabilities.astype(np.int64), streams.scale, streams.log2_length,
                        streams.channels, generator(streams, network.n), defects, np.zeros(3, np.int64))
    return partial(_advance, synapses), synapses.cursor


def run(network: Network, *, faults: StreamFaults | None = None, trace: bool = False, progress: Callable[[float], None] | None = None) -> Recording:
    """Run the golden model of stochastic synapses.

    Parameters
    ----------
    network : Network
        With ``streams``.
    faults : StreamFaults, optional
        In the path of each channel.
    trace : bool
        Record ``v``, ``hold``, ``overflow`` and ``events`` at every step.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Raises
    ------
    InputError
        If the network has no streams, or the faults are not for its channels and length.
    """
    require_network(network)
    if faults is not None:
        require("Faults", faults, StreamFaults)
    advance, cursor = advancer(network, faults)
    recording = simulate(network, advance, trace=trace, progress=progress)
    return replace(recording, provenance={**recording.provenance, "windows": int(cursor[1])})


def predict_cycles(network: Network, recording: Recording, lanes: int, **options: Any) -> int:
    """Clock cycles for this run, the sum of `predict_phases`."""
    return sum(predict_phases(network, recording, lanes, **options).values())


def predict_phases(network: Network, recording: Recording, lanes: int, **options: Any) -> dict[str, int]:
    """Clock cycles for this run of the core with ``lanes`` lanes and the network's streams; as `spikegate.models.core.engine.predict_phases`."""
    return engine.predict_phases(network, recording, lanes, streams=StreamGeometry.of(network.require_streams()), **options)
