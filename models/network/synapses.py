"""All synapses of a network of point neurons by source, as the golden model reads them: runs of one delay and port.

The spikes of a step stay in a list until the last of their delays has passed; a run is added to the inputs when it is due.
"""

from typing import Any, NamedTuple

import numpy as np

from spikegate.models.kernel import kernel

__all__ = ["Synapses", "make_synapses", "collect"]


class Synapses(NamedTuple):
    """Synapses by source, then by slot, then by target.

    Parameters
    ----------
    delays, ports : numpy.ndarray
        int64 (slots,): the delay in steps and the port, by its place among the ports of the target, of each slot; ascending.
    starts : numpy.ndarray
        int64 (sources, slots + 1): the run of source s and slot k is ``starts[s, k]`` to ``starts[s, k + 1]``.
    targets : numpy.ndarray
        uint16 or uint32 (synapses,): neuron.
    weights : numpy.ndarray
        int16 or int32 (synapses,), raw.
    """

    delays: np.ndarray
    ports: np.ndarray
    starts: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def make_synapses(network: Any) -> Synapses:
    """Those of a `PointNetwork`."""
    first = dict(zip((each.name for each in network.populations), network.firsts))
    ports = {each.name: each.neuron.ports for each in network.populations}
    at = network.n
    for each in network.inputs:
        first[each.name] = at
        at += each.size
    empty = np.empty(0, np.int64)
    source, target, weight, delay, port = ([empty] for _ in range(5))
    for each in network.projections:
        indptr = each.indptr.astype(np.int64)
        source.append(first[each.source] + np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)))
        target.append(first[each.target] + each.indices.astype(np.int64))
        weight.append(each.weights.astype(np.int64))
        delay.append(each.delays.astype(np.int64))
        port.append(np.full(len(each.indices), ports[each.target].index(each.port) if len(each.indices) else 0))
    s, t, w, d, p = (np.concatenate(each) for each in (source, target, weight, delay, port))
    kinds, slot = np.unique(4 * d + p, return_inverse=True)
    order = np.lexsort((w, t, slot, s))
    counts = np.bincount(s * len(kinds) + slot, minlength=at * len(kinds))
    ends = np.concatenate([[0], np.cumsum(counts)])
    starts = np.empty((at, len(kinds) + 1), np.int64)
    starts[:, :-1], starts[:, -1] = ends[:-1].reshape(at, -1), ends[len(kinds)::len(kinds)] if len(kinds) else 0
    narrow = len(w) == 0 or (-(1 << 15) <= w.min() and w.max() < 1 << 15)
    return Synapses(kinds // 4, kinds % 4, starts, t[order].astype(np.uint16 if network.n <= 1 << 16 else np.uint32),
                    w[order].astype(np.int16 if narrow else np.int32))


@kernel
def collect(t: int, ring: np.ndarray, counts: np.ndarray, synapses: Synapses, inputs: np.ndarray) -> None:
    """Add what is due at step ``t`` to ``inputs``, int32 (ports, n).

    ``ring`` and ``counts`` hold the spikes of the steps before, by step modulo their number: int32 (lags, sources), int64 (lags,).
    """
    lags = len(counts)
    for k in range(len(synapses.delays)):
        if synapses.delays[k] > t:
            break
        slot, port = (t - synapses.delays[k]) % lags, inputs[synapses.ports[k]]
        for at in range(counts[slot]):
            source = ring[slot, at]
            for j in range(synapses.starts[source, k], synapses.starts[source, k + 1]):
                port[synapses.targets[j]] += synapses.weights[j]
