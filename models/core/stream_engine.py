"""Golden model of the core with stochastic synapses: every spike that is due meets a stream of bits at each of its targets.

The spikes that are due after a step, in ascending order of their sources, form groups of up to C, the channels. A group goes
through its targets, the union of its rows, in ascending order. Each target takes one window of L bits from every channel's
generator, windows counted from 0 over the whole run; for each channel whose source projects to it,

    weight = (x_t < P of the source), t = 0 .. L-1       spike = 1 at every t       count = popcount(spike & weight)

and the target's input grows by ``scale_count(sum of +-counts, V_th, log2 L)``. All else is `spikegate.models.core.engine`.
Streams are packed, 64 bits a word.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numba import njit

from spikegate.models.core.engine import CYCLES_PER_STEP, make_scratch, record, simulate, update
from spikegate.models.core.windows import LANES, advance, count_all, count_faulty, generator, registers, weigh
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.dot_product import scale_count
from spikegate.models.streams.encoder import PROBABILITY_BITS, window_lfsr
from spikegate.models.streams.params import StreamFaults

__all__ = ["advancer", "run", "predict_cycles"]

#: Cycles that a step with spikes takes besides those of its groups; see `predict_cycles`.
GROUPS_EXTRA = 2


@njit(cache=True)
def union(targets, place, member):
    """Targets of a group, ascending, where ``member`` is 1, which becomes 0; ``place`` is where each is among them. Returns their number."""
    found = 0
    for target in range(len(member)):
        targets[found], place[target] = target, found
        found += np.int64(member[target])
        member[target] = 0
    return found


@njit(cache=True)
def _advance(weights, synapse, streams, faults, cursor, first, steps, neurons, drive, ring, counts, rows, p, lfsr, spikes, traces):
    """As `spikegate.models.core.engine._advance`; ``cursor``: state of the next window, windows so far, state of the next flips."""
    v, hold, overflow, state, current = neurons
    probability, scale, log2_length, channels = synapse
    indptr, indices, _ = rows
    faulty, stuck0, stuck1, flip_streams, flip_thresholds = faults
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


def advancer(network: Network, faults: StreamFaults | None = None) -> tuple[Callable, np.ndarray]:
    """What makes the steps of a network of stochastic synapses, for `simulate`, and its cursor, whose second entry counts the windows.

    Raises
    ------
    InputError
        If the network has no streams, or the faults are not for its channels and length.
    """
    streams = network.require_streams()
    faults = (faults or StreamFaults.none(streams)).check(streams)
    flips = registers(window_lfsr(streams.length), faults.seeds(network.max_windows) if faults.flips else [], streams.length, network.n)
    thresholds, cursor = np.array(faults.thresholds if faults.flips else [], np.int64), np.zeros(3, np.int64)
    synapse = streams.probabilities.astype(np.int64), streams.scale, streams.log2_length, streams.channels
    defects = (faults.stuck or faults.flips, *faults.masks(), flips, thresholds)
    return partial(_advance, network.weights.astype(np.int64), synapse, generator(streams, network.n), defects, cursor), cursor


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
    advance, cursor = advancer(network, faults)
    recording = simulate(network, advance, trace=trace, progress=progress)
    recording.provenance["windows"] = int(cursor[1])
    return recording


@njit(cache=True)
def _group_cycles(sources, first, last, indptr, indices, channels, lanes, words):
    cycles, member = 0, np.zeros(words * lanes, np.uint8)
    for group in range(first, last, channels):
        filled = min(channels, last - group)
        member[:] = 0
        for source in sources[group:group + filled]:
            member[indices[indptr[source]:indptr[source + 1]]] = 1
        cycles += 2 * filled + 4
        for w in range(words):
            targets = np.int64(member[w * lanes:(w + 1) * lanes].sum())
            cycles += max(targets, filled + 1) if w < words - 1 else targets
    return cycles


def predict_cycles(network: Network, recording: Recording, lanes: int) -> int:
    """Clock cycles of the core with ``lanes`` lanes for this run.

    Per step W + depth + 9 as for fixed-point synapses, W = ceil(N / lanes), and, if spikes are due, 2 more and for each group of f
    of them 2 f + 4, the targets of its last word, and for each other word the larger of f + 1 and its targets.
    """
    words, spikes = -(-network.n // lanes), recording.spikes
    starts = np.searchsorted(spikes[:, 0], np.arange(network.steps + 2 - network.delay))  # later ones are delivered after the run
    indptr, indices, total = network.indptr.astype(np.int64), network.indices.astype(np.int64), 0
    for first, last in pairwise(starts):
        if last > first:
            total += GROUPS_EXTRA + _group_cycles(spikes[:, 1], first, last, indptr, indices, network.streams.channels, lanes, words)
    return int(total) + network.steps * (words + CYCLES_PER_STEP + network.drive.depth)
