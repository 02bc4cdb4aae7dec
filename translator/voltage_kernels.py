"""Kernels of the voltage domain: some steps of a run in place, with Python objects, in NumPy and in Numba, to the same bits.

Each takes ``(c, first, external, noise, v, left, ring, counts, total, indptr, indices, unit, shift, spikes, trace)``: constants,
first step, a row a step of external events and of noise (if any), membranes and refractory steps left, the spikes of the last steps (``ring``
(delay, n) and their ``counts``), the spikes due (``total``, both populations in a word), CSR connectivity, what a spike of each
source adds to ``total``, the position of the inhibitory count in it, and the arrays to fill; it returns the number of spikes.
The steps are those of `spikegate.translator.voltage`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

__all__ = ["Constants", "advance_objects", "advance_numpy", "advance_numba"]


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


def _collect(total, ring, counts, lag, t, indptr, indices, unit):
    """Add the spikes of step ``t - lag`` to ``total``: excitatory ones count 1, inhibitory ones ``1 << shift``."""
    slot = (t - lag) % len(counts)
    for k in range(counts[slot]):
        source = ring[slot, k]
        first, last = indptr[source], indptr[source + 1]
        total[indices[first:last]] += unit[source]  # targets of a source do not repeat


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


def advance_numpy(c, first, external, noise, v, left, ring, counts, total, indptr, indices, unit, shift, spikes, trace):
    found = 0
    for s in range(len(external)):
        t = first + s
        held = left > 0
        if not c.late:
            _collect(total, ring, counts, c.lag, t, indptr, indices, unit)
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
            _collect(total, ring, counts, c.lag, t, indptr, indices, unit)
            np.add(v, _kicks(c, total, shift, external[s]), out=v, where=free & ~spiked)
        if len(trace):
            trace[s] = v
    return found


def advance_objects(neurons, c, first, external, noise, v, left, ring, counts, total, indptr, indices, unit, shift, spikes, trace):
    found = 0
    for s in range(len(external)):
        t, spiked = first + s, np.zeros(len(neurons), bool)
        if not c.late:
            _collect(total, ring, counts, c.lag, t, indptr, indices, unit)
            for neuron, kick in zip(neurons, _kicks(c, total, shift, external[s]).tolist()):
                neuron.v += kick
        for i, neuron in enumerate(neurons):
            spiked[i] = neuron.step(0.0)
        found = _emit(t, spiked, v, left, c, ring, counts, spikes, found)
        if c.late:
            _collect(total, ring, counts, c.lag, t, indptr, indices, unit)
            for neuron, kick, spike in zip(neurons, _kicks(c, total, shift, external[s]).tolist(), spiked):
                if not (spike or neuron.left):
                    neuron.v += kick
        if len(trace):
            trace[s] = [neuron.v for neuron in neurons]
    v[:] = [neuron.v for neuron in neurons]
    return found


@njit(cache=True)
def _gather(total, ring, counts, lag, t, indptr, indices, unit):
    slot = (t - lag) % len(counts)
    for k in range(counts[slot]):
        source = ring[slot, k]
        one = unit[source]
        for j in range(indptr[source], indptr[source + 1]):
            total[indices[j]] += one


@njit(cache=True)
def advance_numba(c, first, external, noise, v, left, ring, counts, total, indptr, indices, unit, shift, spikes, trace):
    found, n, spiked, kick, mask = 0, len(v), np.zeros(len(v), np.uint8), np.zeros(len(v)), (np.int64(1) << shift) - 1
    for s in range(len(external)):
        t, row = first + s, external[s]
        if not c.late:
            _gather(total, ring, counts, c.lag, t, indptr, indices, unit)
            for i in range(n):
                x = np.int64(total[i])
                kick[i] = c.exc * np.float64((x & mask) + np.int64(row[i])) - c.inh * np.float64(x >> shift)
                total[i] = 0
        # Separate passes without branches, so that the compiler can work on several neurons at once.
        for i in range(n):
            before = left[i]
            x = v[i] if before > 0 or c.late else v[i] + kick[i]
            after = before - (before > 0)
            y = c.rest + (x - c.rest) * c.decay if c.exact else x + c.leak * (c.rest - x)
            if c.noise:
                y = y + c.noise * noise[s, i]
            y = y if after == 0 else x
            spiked[i] = (after == 0) & (y > c.threshold)
            v[i], left[i] = y, after
        slot, count = t % len(counts), 0
        for i in range(n):
            if spiked[i]:
                v[i], left[i] = c.reset, c.refractory
                ring[slot, count] = i
                spikes[found, 0], spikes[found, 1] = t, i
                count += 1
                found += 1
        counts[slot] = count
        if c.late:
            _gather(total, ring, counts, c.lag, t, indptr, indices, unit)
            for i in range(n):
                x = np.int64(total[i])
                kick[i] = c.exc * np.float64((x & mask) + np.int64(row[i])) - c.inh * np.float64(x >> shift)
                total[i] = 0
                if left[i] == 0 and not spiked[i]:
                    v[i] += kick[i]
        if len(trace):
            trace[s] = v
    return found
