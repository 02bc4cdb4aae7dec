"""Kernels of plastic synapses: some steps of a run in place, with Python objects and in Numba, to the same bits; and their random numbers.

Both take ``(c, p, chunk, neurons, synapses, learned)``: `Constants` of the neurons, `Grid` of the synapses, the steps, and what of the neurons and
the synapses changes and what does not; they return the number of spikes. Steps are those of `spikegate.translator.stdp`.

Random numbers are Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC11, 2011) with the key (seed mod 2^32, seed >> 32) and the counter
(synapse, step, 1 for post or 0 for pre, 0); of the four words the first counts. So each event of each synapse has a number of its own,
whatever the order in which events are worked off.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.kernel import kernel
from spikegate.translator.voltage_kernels import Chunk, Constants

__all__ = ["Grid", "Learned", "Neurons", "Synapses", "advance_numba", "advance_objects", "change", "philox"]

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


class Grid(NamedTuple):
    """What a kernel needs to know of the synapses."""

    step: float
    one: int
    top: int
    up: float
    down: float
    seed: np.uint64
    decay_up: np.ndarray
    decay_down: np.ndarray


class Neurons(NamedTuple):
    """Membranes in mV and refractory steps left, (n,), and the spikes of the last steps, (delay, n), with their counts."""

    v: np.ndarray
    left: np.ndarray
    ring: np.ndarray
    counts: np.ndarray


class Synapses(NamedTuple):
    """Connectivity, all int64.

    Parameters
    ----------
    indptr, indices : numpy.ndarray
        CSR.
    excitatory : int
        Sources below it are plastic.
    incoming, entries : numpy.ndarray
        CSC: plastic synapses onto neuron i are ``entries[incoming[i]:incoming[i+1]]``, ascending numbers of the CSR.
    sources : numpy.ndarray
        Source of each synapse.
    """

    indptr: np.ndarray
    indices: np.ndarray
    excitatory: int
    incoming: np.ndarray
    entries: np.ndarray
    sources: np.ndarray


class Learned(NamedTuple):
    """Weights in grid steps, int64 (synapses,), pre and post traces and the steps of their last events, (n,), and the events that were clipped
    at 0 and at the maximum, int64 (2,).
    """

    weights: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    last_pre: np.ndarray
    last_post: np.ndarray
    clipped: np.ndarray


Word = np.uint64


@kernel
def philox(c0: Word, c1: Word, c2: Word, c3: Word, k0: Word, k1: Word) -> tuple[Word, Word, Word, Word]:
    """Philox4x32-10: four words of 32 bits of a counter and a key of 32-bit words, all uint64."""
    for _ in range(10):
        a, b = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (b >> HALF) ^ c1 ^ k0, b & LOW, (a >> HALF) ^ c3 ^ k1, a & LOW
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & LOW, (k1 + np.uint64(0xBB67AE85)) & LOW
    return c0, c1, c2, c3


@kernel
def change(amount: float, seed: np.uint64, synapse: int, step: int, post: int) -> int:
    """Grid steps by which an event changes a weight: floor(amount), and one more with the probability of the rest, to 2^-32."""
    whole = int(amount)
    rest = amount - whole
    if rest > 0:
        number = philox(np.uint64(synapse), np.uint64(step), np.uint64(post), np.uint64(0), seed & LOW, seed >> HALF)[0]
        if np.float64(number) < rest * 4294967296.0:
            whole += 1
    return whole


def advance_objects(cells: Sequence[Any], contacts: Sequence[Any], c: Constants, p: Grid, chunk: Chunk, neurons: Neurons, synapses: Synapses,
                    learned: Learned) -> int:
    """With an object a neuron and an object a plastic synapse, None for the others; see `spikegate.translator.stdp`."""
    first, external, _, spikes, trace = chunk
    v, _, ring, counts = neurons
    indptr, indices, excitatory, incoming, entries, _ = synapses
    found, n = 0, len(cells)
    for s in range(len(external)):
        t, total, inhibitory, emitted = first + s, [0] * n, [0] * n, []
        for i in ring[(t - 1) % len(counts), :counts[(t - 1) % len(counts)]]:
            for k in entries[incoming[i]:incoming[i + 1]].tolist():
                contacts[k].post(t)
        for source in ring[t % len(counts), :counts[t % len(counts)]].tolist():
            for k in range(indptr[source], indptr[source + 1]):
                if source < excitatory:
                    total[indices[k]] += contacts[k].pre(t)
                else:
                    inhibitory[indices[k]] += 1
        for i, cell in enumerate(cells):
            cell.v += p.step * float(total[i] + p.one * int(external[s, i])) - c.inh * float(inhibitory[i])
            if cell.step(0.0):
                emitted.append(i)
        slot, count = t % len(counts), len(emitted)
        ring[slot, :count], counts[slot] = emitted, count
        spikes[found:found + count, 0], spikes[found:found + count, 1] = t, emitted
        found += count
        if len(trace):
            trace[s] = [cell.v for cell in cells]
    v[:] = [cell.v for cell in cells]
    learned.weights[:] = [contact.index if contact else p.one for contact in contacts]
    learned.clipped[:] = np.sum([contact.clipped for contact in contacts if contact], axis=0)
    return found


@kernel
def _learn(p: Grid, t: int, neurons: Neurons, synapses: Synapses, learned: Learned, total: np.ndarray, inhibitory: np.ndarray) -> None:
    """The events of step t: post spikes of step t - 1, then the spikes of step t - delay arrive."""
    _, _, ring, counts = neurons
    indptr, indices, excitatory, incoming, entries, sources = synapses
    weights, pre, post, last_pre, last_post, clipped = learned
    slot = (t - 1) % len(counts)
    for i in ring[slot, :counts[slot]]:
        for k in entries[incoming[i]:incoming[i + 1]]:
            source = sources[k]
            new = weights[k] + change(pre[source] * p.decay_up[t - last_pre[source]], p.seed, k, t, 1)
            clipped[1] += new > p.top
            weights[k] = min(new, p.top)
        post[i] = post[i] * p.decay_down[t - last_post[i]] + p.down
        last_post[i] = t
    slot = t % len(counts)
    for source in ring[slot, :counts[slot]]:
        if source >= excitatory:
            for k in range(indptr[source], indptr[source + 1]):
                inhibitory[indices[k]] += 1
            continue
        for k in range(indptr[source], indptr[source + 1]):
            i = indices[k]
            total[i] += weights[k]
            new = weights[k] - change(post[i] * p.decay_down[t - last_post[i]], p.seed, k, t, 0)
            clipped[0] += new < 0
            weights[k] = max(new, 0)
        pre[source] = pre[source] * p.decay_up[t - last_pre[source]] + p.up
        last_pre[source] = t


@kernel
def advance_numba(c: Constants, p: Grid, chunk: Chunk, neurons: Neurons, synapses: Synapses, learned: Learned) -> int:
    """Compiled."""
    first, external, _, spikes, trace = chunk
    v, left, ring, counts = neurons
    found, n = 0, len(v)
    total, inhibitory = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for s in range(len(external)):
        t, row = first + s, external[s]
        slot, count = t % len(counts), 0
        _learn(p, t, neurons, synapses, learned, total, inhibitory)
        for i in range(n):
            before = left[i]
            left[i] = before - (before > 0)
            if left[i] == 0:
                kick = p.step * np.float64(total[i] + p.one * np.int64(row[i])) - c.inh * np.float64(inhibitory[i])
                x = v[i] + kick if before == 0 else v[i]
                v[i] = x + c.leak * (c.rest - x)
                if v[i] > c.threshold:
                    v[i], left[i], ring[slot, count] = c.reset, c.refractory, i
                    spikes[found, 0], spikes[found, 1] = t, i
                    count += 1
                    found += 1
            total[i] = inhibitory[i] = 0
        counts[slot] = count
        if len(trace):
            trace[s] = v
    return found
