"""All synapses of a network of point neurons by source, as the golden model reads them: runs of one delay and port.

The spikes of a step stay in a list until the last of their delays has passed; a run is added to the inputs when it is due. Runs are short and lie
anywhere in memory, so that those of the next spikes are fetched while one is added.
"""

from typing import Any, NamedTuple

import numpy as np

from spikegate.models.kernel import kernel
from spikegate.models.prefetch import prefetch

__all__ = ["AHEAD", "PORTS", "Synapses", "make_synapses", "narrow", "of_port", "target_bits", "collect"]

#: Runs that are fetched ahead of the one that is added.
AHEAD = 8
#: Ports of a neuron at most: two currents and the membrane.
PORTS = 3


class Synapses(NamedTuple):
    """Synapses by source, then by slot.

    Parameters
    ----------
    delays, ports : numpy.ndarray
        int64 (slots,): the delay in steps and the port, by its place among the ports of the target, of each slot; ascending.
    base : numpy.ndarray
        int64 (sources,): a source's first synapse.
    offsets : numpy.ndarray
        uint16 or uint32 (sources, slots + 1): its run of slot k is from ``offsets[s, k]`` to ``offsets[s, k + 1]`` behind that.
    packed : numpy.ndarray
        uint32 or uint64 (synapses,): target in the low ``bits`` bits, and above it the raw weight in two's complement.
    bits : int
    part : numpy.ndarray
        int64 (slots,): the range of targets of each slot, where they are divided among threads.
    """

    delays: np.ndarray
    ports: np.ndarray
    base: np.ndarray
    offsets: np.ndarray
    packed: np.ndarray
    bits: int
    part: np.ndarray


@kernel
def _place(row: np.ndarray, indices: np.ndarray, weights: np.ndarray, slot: np.ndarray, first: tuple[int, int], bits: int, at: np.ndarray,
           packed: np.ndarray) -> None:
    """Put the synapses of a projection where the next of their source and slot belongs; ``at`` (sources, slots) moves on."""
    of_source, of_target = first
    for source in range(len(row) - 1):
        for j in range(row[source], row[source + 1]):
            here = at[of_source + source, slot[j]]
            packed[here] = packed.dtype.type((np.int64(weights[j]) << bits) | (of_target + np.int64(indices[j])))
            at[of_source + source, slot[j]] = here + 1


def make_synapses(network: Any, bounds: np.ndarray) -> Synapses:
    """Those of a `PointNetwork`; ``bounds`` are the ranges of targets, the first neuron of each and the number of all neurons in the end."""
    first = dict(zip((each.name for each in network.populations), network.firsts))
    ports, sources = {each.name: each.neuron.ports for each in network.populations}, network.n
    for each in network.inputs:
        first[each.name] = sources
        sources += each.size
    made, parts = [each for each in network.listed if len(each.indices)], len(bounds) - 1
    part_of = np.repeat(np.arange(parts, dtype=np.uint16), np.diff(bounds))
    slots = []
    for each in made:  # by delay, port and part
        place = (PORTS * np.arange(256) + ports[each.target].index(each.port)).astype(np.uint16) * np.uint16(parts)
        slots.append(place[each.delays])
        if parts > 1:
            slots[-1] += part_of[first[each.target] + each.indices]
    used = np.zeros(PORTS * 256 * parts, bool)
    for slot in slots:
        used[np.unique(slot)] = True
    kinds = np.flatnonzero(used)
    number = (np.cumsum(used) - 1).astype(np.uint16)
    counts = np.zeros((sources, len(kinds)), np.int64)
    slots = [number[slot] for slot in slots]
    low, high = 0, 0
    for each, slot in zip(made, slots):
        size = len(each.indptr) - 1
        row = np.repeat(np.arange(size), np.diff(each.indptr.astype(np.int64)))
        counts[first[each.source]:first[each.source] + size] += np.bincount(
            row * len(kinds) + slot, minlength=size * len(kinds)).reshape(size, len(kinds))
        low, high = min(low, int(each.weights.min())), max(high, int(each.weights.max()))
    base = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    offsets = np.pad(np.cumsum(counts, axis=1), ((0, 0), (1, 0)))
    bits, at = target_bits(network.n), base[:-1, None] + offsets[:, :-1]
    packed = np.empty(base[-1], np.uint32 if narrow(low, high, bits) else np.uint64)
    for each, slot in zip(made, slots):
        _place(each.indptr.astype(np.int64), each.indices, each.weights, slot, (first[each.source], first[each.target]), bits, at, packed)
    short = not offsets.size or int(offsets.max()) < 1 << 16
    return Synapses(kinds // (PORTS * parts), kinds // parts % PORTS, base[:-1].copy(), offsets.astype(np.uint16 if short else np.uint32), packed,
                    bits, kinds % parts)


def target_bits(n: int) -> int:
    """Bits of a target in a packed synapse."""
    return max(1, (n - 1).bit_length())


def narrow(low: int, high: int, bits: int) -> bool:
    """Whether weights from ``low`` to ``high`` fit above a target in 32 bits."""
    return -(1 << (31 - bits)) <= low and high < 1 << (31 - bits)


@kernel(inline="always")
def of_port(inputs: tuple[np.ndarray, ...], port: int) -> np.ndarray:
    """The inputs of a port."""
    return inputs[0] if port == 0 else inputs[1] if port == 1 else inputs[2]


@kernel
def collect(t: int, ring: np.ndarray, counts: np.ndarray, synapses: Synapses, inputs: tuple[np.ndarray, ...], runs: np.ndarray) -> None:
    """Add what is due at step ``t`` to ``inputs``, int32 (n,) of each port; empty for a third port that no neuron has.

    ``ring`` and ``counts`` hold the spikes of the steps before, by step modulo their number: int32 (lags, sources), int64 (lags,). ``runs`` is room,
    int64 (sources + `AHEAD`, 2).
    """
    lags, packed, base, offsets = len(counts), synapses.packed, synapses.base, synapses.offsets
    bits = synapses.bits
    low, top = (1 << bits) - 1, 8 * packed.itemsize - 1
    for k in range(len(synapses.delays)):
        if synapses.delays[k] > t:
            break
        slot, port = (t - synapses.delays[k]) % lags, of_port(inputs, synapses.ports[k])
        found = 0
        for at in range(counts[slot]):
            source = ring[slot, at]
            begin, end = base[source] + np.int64(offsets[source, k]), base[source] + np.int64(offsets[source, k + 1])
            if end > begin:
                runs[found, 0], runs[found, 1] = begin, end
                found += 1
                if found <= AHEAD:
                    prefetch(packed, begin)
        for at in range(found):
            if at + AHEAD < found:
                prefetch(packed, runs[at + AHEAD, 0])
            for j in range(runs[at, 0], runs[at, 1]):
                both = np.int64(packed[j])
                weight = both >> bits
                if top == 31:
                    weight = np.int64(np.int32(np.uint32(both))) >> bits
                port[both & low] += np.int32(weight)
