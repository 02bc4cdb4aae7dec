"""Projections whose rows are made anew from a seed whenever a source spikes: every target has the same number of sources, and no list is kept.

Sources stand in groups of b = sources / in_degree, of which each target has exactly one; the targets of a lane stand in stripes, and a block has one
target of each. A permutation of b in each block says which source of the group has which target. docs/point_networks.md, section 6, has it all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikegate.models.checks import require_type, require_whole
from spikegate.models.errors import Problems
from spikegate.models.kernel import kernel
from spikegate.models.network.projection import MAX_DELAY, Place, Projection

__all__ = ["MAX_LANES", "MIN_BLOCK", "MAX_BLOCK", "TABLES", "ROUNDS", "LANE_TAPS", "LANE_LEAP", "Generated", "lane_wires", "mix"]

MAX_LANES = 64
#: Sources of a group.
MIN_BLOCK, MAX_BLOCK = 2, 64
#: Tables of permutations, rounds of the cipher after which its state is the first word, and the second.
TABLES, ROUNDS = 8, (32, 40)
#: The generator of a lane, and the positions that it leaps from one block to the next.
LANE_TAPS, LANE_LEAP = (32, 30, 26, 25), 16
WORD = (1 << 32) - 1
WIRE_STEP = 5
#: Inputs of the cipher from here on are for tables, below for groups.
OF_TABLES = 1 << 31


def mix(seed: int, value: int) -> tuple[int, int]:
    """Two words of 64 bits that a small cipher makes of a number of 32 bits: rotations, ANDs and XORs of two halves."""
    x, y, words = value, 0, []
    for t in range(ROUNDS[1]):
        x, y = y ^ (_rotated(x, 1) & _rotated(x, 8)) ^ _rotated(x, 2) ^ (seed >> 32 * (t & 1) & WORD) ^ t, x
        if t + 1 in ROUNDS:
            words.append(x << 32 | y)
    return words[0], words[1]


def _rotated(x: int, k: int) -> int:
    return (x << k | x >> (32 - k)) & WORD


def lane_wires(lane: int) -> list[int]:
    """Which bit of the first word is bit 0, 1, ..., 31 of a lane's generator before the first block."""
    return [((2 * (lane % 32) + 1) * bit + WIRE_STEP * lane) % 64 for bit in range(32)]


@dataclass(frozen=True)
class Generated:
    """Synapses of one weight and delay from a population or an input: every target has ``in_degree`` of them, all from different sources, and none
    from itself.

    Parameters
    ----------
    source, target, port : str
    in_degree : int
        The size of the source is 2 to 64 times as large.
    weight : int
        Raw, in the format of the port.
    delay : int
        Steps, 1..255.
    seed : int
        0..2^64-1; each projection should have its own.
    lanes : int
        Of the hardware that makes the rows, 1..64; not fewer than that ratio where source and target are the same. Other lanes, other rows.

    Raises
    ------
    InputError
        With everything that is outside.
    """

    source: str
    target: str
    port: str
    in_degree: int
    weight: int
    delay: int
    seed: int
    lanes: int

    def __post_init__(self) -> None:
        for name in ("source", "target", "port"):
            require_type(self, name, str)
        require_whole(self, "in_degree", "weight", "delay", "seed", "lanes")
        problems, here = Problems(), f"of projection {self.title}"
        problems.require(self.in_degree >= 1, f"In-degree {here} must be at least 1, not {self.in_degree}; leave the projection out")
        problems.require(1 <= self.delay <= MAX_DELAY, f"Delay {here} must be in 1..{MAX_DELAY} steps, not {self.delay}")
        problems.require(0 <= self.seed < 1 << 64, f"Seed {here} must be in 0..2^64-1, not {self.seed}")
        problems.require(1 <= self.lanes <= MAX_LANES, f"Lanes {here} must be in 1..{MAX_LANES}, not {self.lanes}")
        problems.raise_any()

    @property
    def title(self) -> str:
        """Source, target and port."""
        return f"{self.source} → {self.target}.{self.port}"

    def problems(self, place: Place) -> Iterator[str]:
        """What does not fit the sizes of source and target."""
        here, most = f"of projection {self.title}", place.sources // MIN_BLOCK
        block, rest = divmod(place.sources, self.in_degree)
        if rest or not MIN_BLOCK <= block <= MAX_BLOCK:
            fits = [k for k in range(max(1, -(-place.sources // MAX_BLOCK)), most + 1) if place.sources % k == 0]
            near = min(fits, key=lambda k: abs(k - self.in_degree)) if fits else None
            fix = f"use {near}" if near else "give the source another size"
            yield (f"In-degree {here} must divide its {place.sources} sources into groups of {MIN_BLOCK}..{MAX_BLOCK}, "
                   f"and {self.in_degree} does not; {fix}")
        elif place.recurrent and self.lanes < block:
            yield (f"Lanes {here} must be at least {block}, its sources for each of its synapses at a target, as source and target are the same, "
                   f"not {self.lanes}; use more lanes, or a larger in-degree")

    @property
    def extremes(self) -> tuple[int, int]:
        """Its smallest and largest weight."""
        return self.weight, self.weight

    @property
    def longest(self) -> int:
        """Its longest delay."""
        return self.delay

    def count(self, targets: int) -> int:
        """Synapses."""
        return self.in_degree * targets

    def reach(self, targets: int) -> np.ndarray:
        """Most that it adds to each target in a step, without the sign, int64 (targets,)."""
        return np.full(targets, self.in_degree * abs(self.weight))

    def shape(self, place: Place) -> tuple[int, int, int]:
        """b, the sources of a group; the first word of the targets; and G, the blocks of a lane."""
        block, word = place.sources // self.in_degree, place.first // self.lanes
        words = (place.first + place.targets - 1) // self.lanes - word + 1
        return block, word, -(-words // block)

    def tables(self, block: int) -> np.ndarray:
        """int64 (8, block): permutations, each shuffled from the last place down to the second."""
        return _tables(self.seed, block)

    def expand(self, place: Place) -> Projection:
        """All its synapses as a list."""
        block, word, blocks = self.shape(place)
        seeds = np.array([[mix(self.seed, group)[k] for k in (0, 1)] for group in range(self.in_degree)], np.uint64)
        wires = np.array([lane_wires(lane) for lane in range(self.lanes)])
        targets = np.empty((place.sources, blocks * self.lanes), np.uint32)
        counts = np.zeros(place.sources, np.int64)
        _expand(seeds, wires, self.tables(block), (word, blocks, self.lanes), (place.first, place.targets), place.recurrent, targets, counts)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        indices = np.concatenate([row[:count] for row, count in zip(targets, counts)])
        return Projection(self.source, self.target, self.port, indptr, indices, np.full(len(indices), self.weight, np.int32),
                          np.full(len(indices), self.delay, np.uint8))


def _tables(seed: int, block: int) -> np.ndarray:
    tables = np.tile(np.arange(block), (TABLES, 1))
    for k in range(TABLES):
        for last in range(block - 1, 0, -1):
            other = (mix(seed, OF_TABLES + MAX_BLOCK * k + last)[0] >> 32) * (last + 1) >> 32
            tables[k, [last, other]] = tables[k, [other, last]]
    return tables


@kernel
def skew(word: np.uint64, stripe: int, blocks: int) -> np.int64:
    """By how much a stripe is turned: bits 7 · stripe, ... of the second word, as many as ``blocks - 1`` has, less ``blocks`` if not below."""
    found, bit = np.int64(0), 0
    while (blocks - 1) >> bit:
        found |= np.int64(word >> np.uint64((7 * stripe + bit) % 64) & np.uint64(1)) << bit
        bit += 1
    return found - blocks if found >= blocks else found


@kernel
def _expand(seeds: np.ndarray, wires: np.ndarray, tables: np.ndarray, shape: tuple[int, int, int], bounds: tuple[int, int], recurrent: bool,
            targets: np.ndarray, counts: np.ndarray) -> None:
    """Targets of each source, ascending, and how many there are."""
    word, blocks, lanes = shape
    first, size = bounds
    block = tables.shape[1]
    rows, skews = np.empty(block, np.int64), np.empty(block, np.int64)
    for group in range(len(seeds)):
        for stripe in range(block):
            skews[stripe] = skew(seeds[group, 1], stripe, blocks)
        for lane in range(lanes):
            state = np.int64(0)
            for bit in range(32):
                state |= np.int64(seeds[group, 0] >> np.uint64(wires[lane, bit]) & np.uint64(1)) << bit
            nearest = first + group * block  # the group's first source, as a target
            member = (lane - nearest) % lanes
            own = (nearest + member) // lanes - word if recurrent and member < block else -1
            for c in range(blocks):
                at = -1
                for stripe in range(block):
                    rows[stripe] = stripe * blocks + (c + skews[stripe]) % blocks
                    if rows[stripe] == own:
                        at = stripe
                new = state >> (LANE_TAPS[0] - LANE_LEAP) ^ state >> (LANE_TAPS[1] - LANE_LEAP) ^ state >> (LANE_TAPS[2] - LANE_LEAP) ^ (
                    state >> (LANE_TAPS[3] - LANE_LEAP))
                state = (state << LANE_LEAP | new & ((1 << LANE_LEAP) - 1)) & WORD
                number, table = state & 255, tables[state >> 8 & 7]
                for i in range(block):
                    if at >= 0:
                        stripe = (at + 1 + (i - member) % block + (number * (block - 1) >> 8)) % block
                    else:
                        stripe = (table[i] + (number * block >> 8)) % block
                    target, source = (word + rows[stripe]) * lanes + lane - first, group * block + i
                    if 0 <= target < size:
                        targets[source, counts[source]] = target
                        counts[source] += 1
    for source in range(len(counts)):
        targets[source, :counts[source]].sort()
