"""Golden model of the core with stochastic synapses: every spike that is due meets a stream of bits at each of its targets.

The spikes that are due after a step, in ascending order of their sources, form groups of up to C, the channels. A group goes
through its targets, the union of its rows, in ascending order. Each target takes one window of L bits from every channel's
generator, windows counted from 0 over the whole run; for each channel whose source projects to it,

    weight = (x_t < P of the source), t = 0 .. L-1       spike = 1 at every t       count = popcount(spike & weight)

and the target's input grows by ``scale_count(sum of +-counts, V_th, log2 L)``. All else is `spikegate.models.core`.
Streams are packed, 64 bits a word.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numba import njit

from spikegate.models.core import CYCLES_PER_STEP, make_scratch, record, simulate, update
from spikegate.models.dot_product import scale_count
from spikegate.models.encoder import PROBABILITY_BITS, lfsr_planes, sobol_planes, window_lfsr
from spikegate.models.faults import apply
from spikegate.models.lfsr import LfsrParams
from spikegate.models.network import Network
from spikegate.models.recording import Recording
from spikegate.models.streams import Generator, StreamFaults, StreamParams

__all__ = ["ones", "run", "predict_cycles"]

#: Cycles that a step with spikes takes besides those of its groups; see `predict_cycles`.
GROUPS_EXTRA = 2
#: Times the lowest tap that new windows are made before the old ones are dropped.
REFILLS = 8


@njit(cache=True)
def ones(word):
    """Number of ones of an uint64, as `numpy.bitwise_count`; compilers know this for a population count."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    return np.int64((((word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True)
def _xor(out, a, b, c, d):
    for k in range(len(out)):
        out[k] = a[k] ^ b[k] ^ c[k] ^ d[k]


@njit(cache=True)
def refill(planes, taps, words):
    """The last windows go to the front, and the rest follows: window n is the XOR of the windows n - tap."""
    a, b, c, d = taps[0] * words, taps[1] * words, taps[2] * words, taps[3] * words
    size = planes.shape[1]
    for p in range(len(planes)):
        row = planes[p]
        row[:a] = row[size - a:]
        # As many at a time as the lowest tap, so that none depends on another that is being made.
        for k in range(a, size, d):
            _xor(row[k:k + d], row[k - a:], row[k - b:], row[k - c:], row[k - d:])


@njit(cache=True)
def below_all(planes, first, last, start, low, threshold, out):
    """`spikegate.models.encoder.below` on several windows side by side, from word ``start`` on.

    ``planes[first:last]`` are the upper ones, uint64 (planes, words), and ``low`` the number, the same at all positions of a window, that the
    lower ones make, int64 (windows,); or all planes, and ``low`` of no length. ``out`` is uint64 (words,).
    """
    if len(low):
        bits, words = PROBABILITY_BITS - (last - first), len(out) // len(low)
        lower, threshold = threshold & ((1 << bits) - 1), threshold >> bits
        for k in range(len(low)):
            less = np.uint64(-np.int64(low[k] < lower))
            for w in range(words):
                out[k * words + w] = less
    else:
        out[:] = 0
    for b in range(last - first):
        plane = planes[first + b][start:start + len(out)]  # contiguous, as the compiler sees
        if threshold >> b & 1:
            for k in range(len(out)):
                out[k] |= ~plane[k]
        else:
            for k in range(len(out)):
                out[k] &= ~plane[k]
    if threshold >> (last - first):
        out[:] = ~np.uint64(0)


@njit(cache=True)
def count_all(weights, spike, counts):
    """Ones of each window that pass the gate."""
    words = len(spike)
    for k in range(len(counts)):
        total = np.int64(0)
        for w in range(words):
            total += ones(spike[w] & weights[k * words + w])
        counts[k] = total


@njit(cache=True)
def count_faulty(weights, spike, stuck0, stuck1, flips, counts):
    """As `count_all`, with the faults of the three points; ``flips`` uint64 (3, windows * words), or of no length."""
    words, flip = len(spike), np.uint64(0)
    for k in range(len(counts)):
        total = np.int64(0)
        for w in range(words):
            at = k * words + w
            stream = apply(spike[w], stuck0[0, w], stuck1[0, w], flips[0, at] if flips.shape[1] else flip)
            weight = apply(weights[at], stuck0[1, w], stuck1[1, w], flips[1, at] if flips.shape[1] else flip)
            total += ones(stream & weight)
        last = flips[2, k * words] if flips.shape[1] else flip
        counts[k] = np.int64(apply(np.uint64(total), stuck0[2, 0], stuck1[2, 0], last))


@njit(cache=True)
def merge(at, end, indices, targets, member):
    """Targets of a group, the union of its rows, ascending, and which rows each is in; returns their number."""
    found, end_of_all = 0, np.int64(1) << 40
    while True:
        target = end_of_all
        for c in range(len(at)):
            if at[c] < end[c]:
                target = min(target, indices[at[c]])
        if target == end_of_all:
            return found
        for c in range(len(at)):
            member[c, found] = at[c] < end[c] and indices[at[c]] == target
            at[c] += member[c, found]
        targets[found] = target
        found += 1


@njit(cache=True)
def _advance(weights, synapse, generator, faults, cursor, first, steps, neurons, drive, ring, counts, indptr, indices, p, lfsr, spikes, traces):
    """As `spikegate.models.core._advance`; ``cursor``: place of the next window, windows so far, place of the next flips."""
    v, hold, overflow, state, current = neurons
    probability, scale, log2_length, channels = synapse
    planes, lows, taps = generator
    faulty, stuck0, stuck1, flip_planes, flip_taps, flip_thresholds = faults
    found, n, delay, words, bits = 0, len(v), len(counts), 1 << log2_length >> 6, len(planes) // channels
    events, scratch = np.empty(n, np.uint8), make_scratch()
    spike, passed = np.full(words, ~np.uint64(0)), np.empty(planes.shape[1], np.uint64)
    flips = np.empty((3, planes.shape[1] if len(flip_thresholds) else 0), np.uint64)
    union, member, ones_of = np.empty(n, indices.dtype), np.ones((channels, n), np.uint8), np.empty((channels, n), np.int64)
    totals, size, start = np.empty(n, np.int64), planes.shape[1] // words, (taps[0] if len(taps) else 0)
    for s in range(steps):
        t = first + s
        slot = t % delay
        counts[slot] = update(t, v, hold, overflow, state, current, drive[0], drive[1], p, lfsr, ring[slot], events, scratch)
        found = record(t, s, ring[slot], counts[slot], spikes, found, v, hold, overflow, events, traces)
        slot = (t + 1) % delay
        for group in range(0, counts[slot], channels):
            sources = ring[slot, group:min(group + channels, counts[slot])]
            if channels == 1:
                targets = indices[indptr[sources[0]]:indptr[sources[0] + 1]]
                used = len(targets)
            else:
                targets = union
                used = merge(indptr[sources], indptr[sources + 1], indices, union, member)
            done = 0
            while done < used:
                if cursor[0] == size:
                    cursor[0] = start
                    if len(taps):
                        refill(planes, taps, words)
                count = min(used - done, size - cursor[0])
                if len(flip_thresholds):
                    if cursor[2] == flip_planes.shape[1] // words:
                        cursor[2] = flip_taps[0]
                        refill(flip_planes, flip_taps, words)
                    count = min(count, flip_planes.shape[1] // words - cursor[2])
                a, b = cursor[0] * words, (cursor[0] + count) * words
                for c in range(len(sources)):
                    below_all(planes, c * bits, (c + 1) * bits, a, lows[c, cursor[0]:cursor[0] + count], probability[sources[c]], passed[:b - a])
                    for k in range(3 * (len(flip_thresholds) > 0)):
                        own = (3 * c + k) * PROBABILITY_BITS
                        below_all(flip_planes, own, own + PROBABILITY_BITS, cursor[2] * words, lows[0, :0], flip_thresholds[3 * c + k],
                                  flips[k, :b - a])
                    if len(flip_thresholds):
                        flips[2] &= np.uint64((2 << log2_length) - 1)
                    if faulty:
                        count_faulty(passed, spike, stuck0[c], stuck1[c], flips, ones_of[c, done:done + count])
                    else:
                        count_all(passed, spike, ones_of[c, done:done + count])
                cursor[0] += count
                cursor[1] += count
                cursor[2] += count
                done += count
            for c in range(len(sources)):
                sign = -1 if weights[sources[c]] < 0 else 1
                for k in range(used):
                    totals[k] = (totals[k] if c else 0) + sign * ones_of[c, k] * member[c, k]
            for k in range(used):
                current[targets[k]] += scale_count(totals[k], scale, log2_length)
        counts[slot] = 0
    return found


def registers(lfsr: LfsrParams, seeds, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The first windows of all registers, uint64 (planes, windows * words), and the taps, doubled: squaring once more, twice the distance holds."""
    taps = [2 * tap for tap in lfsr.taps]
    made = lfsr_planes(lfsr, seeds, 0, taps[0] + REFILLS * taps[-1], length)
    return np.ascontiguousarray(made.swapaxes(0, 1)).reshape(len(seeds), -1), np.array(taps)


def generator(streams: StreamParams) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first windows: planes, uint64 (planes * channels, windows * words); what the other planes make, int64 (channels, windows or 0); taps.

    The taps make the next windows. Sobol windows are those of a period, without taps, and only their upper log2(L) planes
    differ within a window.
    """
    if streams.generator == Generator.LFSR:
        planes, taps = registers(streams.lfsr, streams.seeds, streams.length)
        return planes, np.zeros((streams.channels, 0), np.int64), taps
    period, low = (1 << PROBABILITY_BITS) // streams.length, PROBABILITY_BITS - streams.log2_length
    planes = np.concatenate([sobol_planes(sobol, streams.length, 0, period)[:, low:] for sobol in streams.sobol], axis=1)
    lows = [sobol.points(np.arange(period) * streams.length) & ((1 << low) - 1) for sobol in streams.sobol]
    return np.ascontiguousarray(planes.swapaxes(0, 1)).reshape(planes.shape[1], -1), np.array(lows, np.int64), np.zeros(0, np.int64)


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
    streams = network.require_streams()
    faults = (faults or StreamFaults.none(streams)).check(streams)
    flips = np.zeros((1, 1), np.uint64), np.zeros(0, np.int64)
    if faults.flips:
        flips = registers(window_lfsr(streams.length), faults.seeds(network.max_windows), streams.length)
    thresholds, cursor = np.array(faults.thresholds if faults.flips else [], np.int64), np.zeros(3, np.int64)
    synapse = streams.probabilities.astype(np.int64), streams.scale, streams.log2_length, streams.channels
    defects = (faults.stuck or faults.flips, *faults.masks(), *flips, thresholds)
    advance = partial(_advance, network.weights.astype(np.int64), synapse, generator(streams), defects, cursor)
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
            targets = member[w * lanes:(w + 1) * lanes].sum()
            cycles += max(targets, filled + 1) if w < words - 1 else targets
    return cycles


def predict_cycles(network: Network, recording: Recording, lanes: int) -> int:
    """Clock cycles of the core with ``lanes`` lanes for this run.

    Per step W + depth + 9 as for fixed-point synapses, W = ceil(N / lanes), and, if spikes are due, 2 more and for each group of f
    of them 2 f + 4, the targets of its last word, and for each other word the larger of f + 1 and its targets.
    """
    words, delay, spikes = -(-network.n // lanes), network.delay, recording.spikes
    starts = np.searchsorted(spikes[:, 0], np.arange(network.steps + 1))
    indptr, indices, total = network.indptr.astype(np.int64), network.indices.astype(np.int64), 0
    for step in range(delay - 1, network.steps):
        first, last = starts[step + 1 - delay], starts[step + 2 - delay]
        if last > first:
            total += GROUPS_EXTRA + _group_cycles(spikes[:, 1], first, last, indptr, indices, network.streams.channels, lanes, words)
    return int(total) + network.steps * (words + CYCLES_PER_STEP + network.drive.depth)
