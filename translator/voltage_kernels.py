"""Kernels of the voltage domain: some steps of a run in place, with Python objects, in NumPy and in Numba, to the same bits.

Each takes ``(c, first, external, noise, v, left, ring, counts, total, rows, unit, shift, spikes, trace)``: constants,
first step, a row a step of external events and of noise (if any), membranes and refractory steps left, the spikes of the last steps (``ring``
(delay, n) and their ``counts``), the spikes due (``total``, both populations in a word), connectivity (`Network.rows`), what a spike of each
source adds to ``total``, the position of the inhibitory count in it, and the arrays to fill; it returns the number of spikes.
The steps are those of `spikegate.translator.voltage`.
"""

from typing import NamedTuple

import numpy as np

from spikegate.models.core.engine import BLOCK, emit
from spikegate.models.kernel import kernel
from spikegate.models.network.rows import deliver, make_room

__all__ = ["Constants", "advance_objects", "advance_numpy", "advance_numba", "due"]


class Constants(NamedTuple):
    """What a kernel needs to know of the parameters: mV, and steps."""

    threshold: float
    reset: float
    rest: float
    leak: float
    decay: float
    noise: float
    exc: float
    inh: float
    refractory: int
    lag: int
    late: bool
    exact: bool


def _collect(total, ring, counts, lag, t, rows, unit):
    """Add the spikes of step ``t - lag`` to ``total``: excitatory ones count 1, inhibitory ones ``1 << shift``."""
    slot = (t - lag) % len(counts)
    for k in range(counts[slot]):
        source = ring[slot, k]
        first, last = rows.indptr[source], rows.indptr[source + 1]
        total[rows.indices[first:last]] += unit[source]  # targets of a source do not repeat


def _kicks(c, total, shift, external):
    kick = c.exc * ((total & ((1 << shift) - 1)) + external.astype(np.int64)) - c.inh * (total >> shift)
    total[:] = 0
    return kick


def _emit(t, spiked, v, left, c, ring, counts, spikes, found):
    emitted = np.flatnonzero(spiked)
    v[emitted], left[emitted] = c.reset, c.refractory
    slot = t % len(counts)
    ring[slot, :len(emitted)], counts[slot] = emitted, len(emitted)
    spikes[found:found + len(emitted), 0], spikes[found:found + len(emitted), 1] = t, emitted
    return found + len(emitted)


def advance_numpy(c, first, external, noise, v, left, ring, counts, total, rows, unit, shift, spikes, trace):
    found = 0
    for s in range(len(external)):
        t = first + s
        held = left > 0
        if not c.late:
            _collect(total, ring, counts, c.lag, t, rows, unit)
            np.add(v, _kicks(c, total, shift, external[s]), out=v, where=~held)
        left -= held
        free = left == 0
        leaked = c.rest + (v - c.rest) * c.decay if c.exact else v + c.leak * (c.rest - v)
        if c.noise:
            leaked += c.noise * noise[s]
        np.copyto(v, leaked, where=free)
        spiked = free & (v > c.threshold)
        found = _emit(t, spiked, v, left, c, ring, counts, spikes, found)
        if c.late:
            _collect(total, ring, counts, c.lag, t, rows, unit)
            np.add(v, _kicks(c, total, shift, external[s]), out=v, where=free & ~spiked)
        if len(trace):
            trace[s] = v
    return found


def advance_objects(neurons, c, first, external, noise, v, left, ring, counts, total, rows, unit, shift, spikes, trace):
    found = 0
    for s in range(len(external)):
        t, spiked = first + s, np.zeros(len(neurons), bool)
        if not c.late:
            _collect(total, ring, counts, c.lag, t, rows, unit)
            for neuron, kick in zip(neurons, _kicks(c, total, shift, external[s]).tolist()):
                neuron.v += kick
        for i, neuron in enumerate(neurons):
            spiked[i] = neuron.step(0.0)
        found = _emit(t, spiked, v, left, c, ring, counts, spikes, found)
        if c.late:
            _collect(total, ring, counts, c.lag, t, rows, unit)
            for neuron, kick, spike in zip(neurons, _kicks(c, total, shift, external[s]).tolist(), spiked):
                if not (spike or neuron.left):
                    neuron.v += kick
        if len(trace):
            trace[s] = [neuron.v for neuron in neurons]
    v[:] = [neuron.v for neuron in neurons]
    return found


@kernel
def due(ring, counts, lag, t):
    """Sources of the spikes of step ``t - lag``."""
    slot = (t - lag) % len(counts)
    return ring[slot, :counts[slot]]


@kernel
def _kick(c, v, left, spiked, total, external, shift):
    mask = (np.int64(1) << shift) - 1
    for i in range(len(v)):
        x = np.int64(total[i])
        kick = c.exc * np.float64((x & mask) + np.int64(external[i])) - c.inh * np.float64(x >> shift)
        v[i] = v[i] + kick if (left[i] == 0) & (spiked[i] == 0) else v[i]
        total[i] = 0


@kernel(inline="always")
def _settle(i, c, y, v, left, spiked):
    """The membrane becomes ``y`` unless the neuron is held, and the reset if that is above the threshold."""
    after = np.uint8(left[i] - np.uint8(left[i] > 0))
    spike = (after == 0) & (y > c.threshold)
    v[i] = c.reset if spike else y if after == 0 else v[i]
    left[i] = np.uint8(c.refractory) if spike else after
    spiked[i] = spike


@kernel
def _leak(c, v, left, spiked, noise):
    # A loop for each kind of leak, without branches, so that the compiler can work on several neurons at once.
    if c.exact:
        for i in range(len(v)):
            _settle(i, c, c.rest + (v[i] - c.rest) * c.decay, v, left, spiked)
    elif c.noise:
        for i in range(len(v)):
            _settle(i, c, v[i] + c.leak * (c.rest - v[i]) + c.noise * noise[i], v, left, spiked)
    else:
        for i in range(len(v)):
            _settle(i, c, v[i] + c.leak * (c.rest - v[i]), v, left, spiked)


@kernel
def advance_numba(c, first, external, noise, v, left, ring, counts, total, rows, unit, shift, spikes, trace):
    found, n, room = 0, len(v), make_room(rows)
    groups = np.zeros(-(-n // 8), np.uint64)
    spiked, silent = groups.view(np.uint8), np.zeros(n, np.uint8)
    for s in range(len(external)):
        t, row, xi = first + s, external[s], noise[s] if c.noise else v
        if not c.late:
            deliver(total, unit, due(ring, counts, c.lag, t), rows, room)
        for begin in range(0, n, BLOCK):
            end = min(begin + BLOCK, n)
            if not c.late:
                _kick(c, v[begin:end], left[begin:end], silent[begin:end], total[begin:end], row[begin:end], shift)
            _leak(c, v[begin:end], left[begin:end], spiked[begin:end], xi[begin:end])
        slot = t % len(counts)
        counts[slot] = emit(groups, 0, n, ring[slot], 0)
        for k in range(counts[slot]):
            spikes[found + k, 0], spikes[found + k, 1] = t, ring[slot, k]
        found += counts[slot]
        if c.late:
            deliver(total, unit, due(ring, counts, c.lag, t), rows, room)
            _kick(c, v, left, spiked, total, row, shift)
        if len(trace):
            trace[s] = v
    return found
