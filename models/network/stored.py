"""All synapses of a large network in one array of 32 bits each, laid out as the golden model reads them, and projections that are views of it.

A network of such projections is the same as one of lists, in every synapse, its file and its hash; a list is written out where one is asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.kernel import kernel
from spikegate.models.network.projection import Place, Projection
from spikegate.models.network.synapses import Synapses, make_synapses

__all__ = ["Extent", "StoredSynapses", "Stored", "divide", "lay_out"]


@dataclass(frozen=True)
class Extent:
    """What a projection of a store has, so that nobody has to look for it.

    Parameters
    ----------
    sources, targets : tuple of int
        First neuron and number of neurons.
    count : int
        Synapses.
    extremes : tuple of int
        Smallest and largest weight.
    longest : int
        Longest delay.
    reach : numpy.ndarray
        int64 (targets,): sums of weights without their signs.
    """

    sources: tuple[int, int]
    targets: tuple[int, int]
    count: int
    extremes: tuple[int, int]
    longest: int
    reach: np.ndarray


@dataclass(frozen=True, eq=False)
class StoredSynapses:
    """Synapses of all projections, of one port, and what each projection has, by the names of its source and target."""

    synapses: Synapses
    extents: Mapping[tuple[str, str], Extent]

    def projections(self, port: str) -> list["Stored"]:
        """Its projections, in order."""
        return [Stored(source, target, port, self) for source, target in self.extents]


@dataclass(frozen=True, eq=False)
class Stored:
    """A projection of a store; see `spikegate.models.network.projection.Projection`."""

    source: str
    target: str
    port: str
    store: StoredSynapses

    @property
    def title(self) -> str:
        """Source, target and port."""
        return f"{self.source} → {self.target}.{self.port}"

    @property
    def extent(self) -> Extent:
        """What it has."""
        return self.store.extents[self.source, self.target]

    @property
    def extremes(self) -> tuple[int, int]:
        """Its smallest and largest weight, 0 without synapses."""
        return self.extent.extremes

    @property
    def longest(self) -> int:
        """Its longest delay, 0 without synapses."""
        return self.extent.longest

    def problems(self, place: Place) -> Iterator[str]:
        """What does not fit the sizes of source and target."""
        extent = self.extent
        if (extent.sources[1], extent.targets[1], extent.targets[0]) != (place.sources, place.targets, place.first):
            yield (f"Projection {self.title} must be in a network of its store's populations, {extent.sources[1]} sources and {extent.targets[1]} "
                   f"targets from neuron {extent.targets[0]} on, not {place.sources}, {place.targets} and {place.first}")

    def count(self, targets: int) -> int:
        """Synapses."""
        return self.extent.count

    def reach(self, targets: int) -> np.ndarray:
        """Most that it adds to each target in a step, without the sign, int64 (targets,)."""
        return self.extent.reach

    def expand(self, place: Place) -> Projection:
        """All its synapses as a list."""
        extent, synapses = self.extent, self.store.synapses
        indices, weights = np.empty(extent.count, np.uint32), np.empty(extent.count, np.int32)
        delays, indptr = np.empty(extent.count, np.uint8), np.zeros(extent.sources[1] + 1, np.uint32)
        _expand(synapses, extent.sources, extent.targets, indptr, indices, weights, delays)
        return Projection(self.source, self.target, self.port, indptr, indices, weights, delays)


@kernel
def _expand(synapses: Synapses, sources: tuple[int, int], targets: tuple[int, int], indptr: np.ndarray, indices: np.ndarray, weights: np.ndarray,
            delays: np.ndarray) -> None:
    """The synapses between some sources and some targets, by source, delay, target and weight."""
    bits, at, (first, size) = synapses.bits, 0, targets
    mask, half = (1 << bits) - 1, np.int64(1) << 31
    keys = np.empty(int(synapses.offsets[:, -1].max()), np.int64)
    for s in range(sources[1]):
        base, offsets = synapses.base[sources[0] + s], synapses.offsets[sources[0] + s]
        for k in range(len(synapses.delays)):
            found = 0
            for j in range(base + offsets[k], base + offsets[k + 1]):
                word = np.int64(synapses.packed[j])
                target = (word & mask) - first
                if 0 <= target < size:
                    keys[found] = target << 32 | (half + (np.int64(np.int32(np.uint32(word))) >> bits))
                    found += 1
            keys[:found].sort()
            for j in range(found):
                indices[at], weights[at], delays[at] = keys[j] >> 32, (keys[j] & ((np.int64(1) << 32) - 1)) - half, synapses.delays[k]
                at += 1
        indptr[s + 1] = at


def lay_out(network: Any, bounds: np.ndarray) -> Synapses:
    """The synapses of a `PointNetwork` for ranges of targets: those of its store, if it has no others, or made of its lists."""
    stores = {each.store if isinstance(each, Stored) else None for each in network.projections}
    store = stores.pop() if len(stores) == 1 else None
    if store is None or len(store.extents) != len(network.projections) or network.inputs:
        return make_synapses(network, bounds)
    return divide(store.synapses, bounds)


def divide(synapses: Synapses, bounds: np.ndarray) -> Synapses:
    """The same synapses in runs for ranges of targets, `Synapses.part`; ``bounds`` are the first neuron of each and the number of all in the end."""
    parts = len(bounds) - 1
    if parts == 1:
        return synapses
    slots = len(synapses.delays) * parts
    offsets = np.zeros((len(synapses.base), slots + 1), synapses.offsets.dtype)
    packed = np.empty_like(synapses.packed)
    _divide(synapses, bounds.astype(np.int64), offsets, packed)
    return Synapses(np.repeat(synapses.delays, parts), np.repeat(synapses.ports, parts), synapses.base, offsets, packed, synapses.bits,
                    np.tile(np.arange(parts), len(synapses.delays)))


@kernel
def _divide(synapses: Synapses, bounds: np.ndarray, offsets: np.ndarray, packed: np.ndarray) -> None:
    parts, mask = len(bounds) - 1, (1 << synapses.bits) - 1
    for s in range(len(synapses.base)):
        base, at = synapses.base[s], 0
        for k in range(len(synapses.delays)):
            run = synapses.packed[base + synapses.offsets[s, k]:base + synapses.offsets[s, k + 1]]
            for part in range(parts):
                for word in run:
                    target = np.int64(word) & mask
                    if bounds[part] <= target < bounds[part + 1]:
                        packed[base + at] = word
                        at += 1
                offsets[s, k * parts + part + 1] = at
