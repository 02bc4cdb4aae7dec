"""Kernels of plastic synapses: some steps of a run in place, with Python objects and in Numba, to the same bits; and their random numbers.

Both take ``(c, p, first, external, v, left, ring, counts, network, state, spikes, trace)``: `Constants` of the neurons, `Grid` of the synapses,
first step, a row a step of external events, membranes and refractory steps left, the spikes of the last steps, ``network`` and ``state``, and
the arrays to fill; they return the number of spikes. Steps are those of `spikegate.translator.stdp`. ``network`` is

    indptr, indices     CSR of the synapses, int64
    excitatory          sources below it are plastic
    incoming, entries   CSC: plastic synapses onto neuron i are ``entries[incoming[i]:incoming[i+1]]``, ascending numbers of the CSR
    sources             source of each synapse, int64

and ``state`` is weights in grid steps, int64 (synapses,), pre and post traces, (n,), the steps of their last events, and the
clipped events at 0 and at the maximum, int64 (2,).

Random numbers are Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC11, 2011) with the key (seed mod 2^32, seed >> 32) and the counter
(synapse, step, 1 for post or 0 for pre, 0); of the four words the first counts. So each event of each synapse has a number of its own,
whatever the order in which events are worked off.
"""

from typing import NamedTuple

import numpy as np

from spikegate.models.kernel import kernel

__all__ = ["Grid", "advance_numba", "advance_objects", "change", "philox"]

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


@kernel
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four words of 32 bits of a counter and a key of 32-bit words, all uint64."""
    for _ in range(10):
        a, b = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (b >> HALF) ^ c1 ^ k0, b & LOW, (a >> HALF) ^ c3 ^ k1, a & LOW
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & LOW, (k1 + np.uint64(0xBB67AE85)) & LOW
    return c0, c1, c2, c3


@kernel
def change(amount, seed, synapse, step, post):
    """Grid steps by which an event changes a weight: floor(amount), and one more with the probability of the rest, to 2^-32."""
    whole = np.int64(amount)
    rest = amount - whole
    if rest > 0:
        number = philox(np.uint64(synapse), np.uint64(step), np.uint64(post), np.uint64(0), seed & LOW, seed >> HALF)[0]
        whole += np.float64(number) < rest * 4294967296.0
    return whole


def advance_objects(neurons, synapses, c, p, first, external, v, left, ring, counts, network, state, spikes, trace):
    (indptr, indices, excitatory, incoming, entries, _), weights, found, n = network, state[0], 0, len(neurons)
    for s in range(len(external)):
        t, total, inhibitory, emitted = first + s, [0] * n, [0] * n, []
        for i in ring[(t - 1) % len(counts), :counts[(t - 1) % len(counts)]]:
            for k in entries[incoming[i]:incoming[i + 1]].tolist():
                synapses[k].post(t)
        for source in ring[t % len(counts), :counts[t % len(counts)]].tolist():
            for k in range(indptr[source], indptr[source + 1]):
                if source < excitatory:
                    total[indices[k]] += synapses[k].pre(t)
                else:
                    inhibitory[indices[k]] += 1
        for i, neuron in enumerate(neurons):
            neuron.v += p.step * float(total[i] + p.one * int(external[s, i])) - c.inh * float(inhibitory[i])
            if neuron.step(0.0):
                emitted.append(i)
        slot, count = t % len(counts), len(emitted)
        ring[slot, :count], counts[slot] = emitted, count
        spikes[found:found + count, 0], spikes[found:found + count, 1] = t, emitted
        found += count
        if len(trace):
            trace[s] = [neuron.v for neuron in neurons]
    v[:] = [neuron.v for neuron in neurons]
    weights[:] = [synapse.index if synapse else p.one for synapse in synapses]
    state[-1][:] = np.sum([synapse.clipped for synapse in synapses if synapse], axis=0)
    return found


@kernel
def _learn(p, t, ring, counts, network, state, total, inhibitory):
    """The events of step t: post spikes of step t - 1, then the spikes of step t - delay arrive."""
    indptr, indices, excitatory, incoming, entries, sources = network
    weights, pre, post, last_pre, last_post, clipped = state
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
def advance_numba(c, p, first, external, v, left, ring, counts, network, state, spikes, trace):
    found, n = 0, len(v)
    total, inhibitory = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for s in range(len(external)):
        t, row = first + s, external[s]
        slot, count = t % len(counts), 0
        _learn(p, t, ring, counts, network, state, total, inhibitory)
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
