"""A store of synapses that are drawn by tables: as many as asked for between two populations, each with its own source, target, weight and delay.

How many synapses of a projection a source has is drawn for all sources at once, from the multinomial distribution, which is exact for pairs that are
drawn with replacement. Then a 64-bit number makes each synapse: its low half the target, the next 16 bits the delay, 12 more the weight.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from spikegate.models.checks import exact_array
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.network.projection import MAX_DELAY
from spikegate.models.network.stored import Extent, StoredSynapses
from spikegate.models.network.synapses import Synapses, narrow, target_bits

__all__ = ["DELAYS", "WEIGHTS", "Drawn", "draw_store", "normal_values"]

#: Entries of a table of delays, and of one of weights: all as likely.
DELAYS, WEIGHTS = 1 << 16, 1 << 12
#: A step of the generator, and the factors that mix a number (the finaliser that D. Stafford calls variant 13).
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a projection is to have.

    Parameters
    ----------
    count : int
        Synapses.
    weights : numpy.ndarray
        int32 (4096,), raw.
    delays : numpy.ndarray
        uint8 (65536,), steps, 1..255.
    """

    count: int
    weights: np.ndarray
    delays: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", exact_array("weights", self.weights, np.int32))
        object.__setattr__(self, "delays", exact_array("delays", self.delays, np.uint8))
        if self.weights.shape != (WEIGHTS,) or self.delays.shape != (DELAYS,) or not self.delays.all():
            raise InputError(f"Tables must have {WEIGHTS} weights and {DELAYS} delays in 1..{MAX_DELAY} steps, not {len(self.weights)} and "
                             f"{len(self.delays)}")


def normal_values(entries: int, mean: float, spread: float) -> np.ndarray:
    """Values of a normal distribution that are all as likely: those in the middle of as many equal parts of it."""
    normal = NormalDist(mean, spread)
    return np.array([normal.inv_cdf((k + 0.5) / entries) for k in range(entries)])


def draw_store(names: Sequence[str], sizes: Sequence[int], wanted: Mapping[tuple[str, str], Drawn], seed: int,
               progress: Callable[[float], None] | None = None) -> StoredSynapses:
    """The store of a network of populations, of one port, the first one of each neuron.

    Parameters
    ----------
    names, sizes : sequence
        Of the populations, in order.
    wanted : Mapping
        By names of source and target.
    seed : int
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Raises
    ------
    InputError
        If a weight does not fit beside the number of a neuron in 32 bits, or a source has too many synapses.
    """
    random, n = np.random.default_rng(seed), sum(sizes)
    first = dict(zip(names, np.cumsum([0, *sizes]).tolist()))
    size, bits = dict(zip(names, sizes)), target_bits(n)
    slots = max(int(each.delays.max()) for each in wanted.values())
    low, high = min(int(each.weights.min()) for each in wanted.values()), max(int(each.weights.max()) for each in wanted.values())
    if not narrow(low, high, bits):
        raise InputError(f"Weights of a store must fit in {32 - bits} bits beside {n} neurons, not be {low}..{high}; use fewer fraction bits")
    degrees = np.zeros((n, len(names)), np.int64)
    for source, target in wanted:
        rows_of, count = slice(first[source], first[source] + size[source]), wanted[source, target].count
        degrees[rows_of, names.index(target)] = random.multinomial(count, np.full(size[source], 1 / size[source]))
    rows = degrees.sum(axis=1)
    if int(rows.max()) >= 1 << 16:
        raise InputError(f"Sources of a store must have below {1 << 16} synapses each, not {int(rows.max())}; use several smaller populations")
    base = np.concatenate([[0], np.cumsum(rows)])
    offsets, packed = np.zeros((n, slots + 1), np.uint16), np.empty(base[-1], np.uint32)
    extents, into = {}, np.array([[first[name], size[name]] for name in names])
    for number, name in enumerate(names):
        there = [(name, target) in wanted for target in names]
        blank = Drawn(0, np.zeros(WEIGHTS, np.int32), np.ones(DELAYS, np.uint8))
        tables = [wanted.get((name, target), blank) for target in names]
        found, reach = np.zeros((len(names), 3), np.int64), np.zeros(n, np.int64)
        here = first[name], first[name] + size[name]
        _draw(here, degrees, into, np.stack([each.weights for each in tables]), np.stack([each.delays for each in tables]), base, bits,
              np.uint64((seed * len(names) + number) * FIRST % (1 << 64)), offsets, packed, found, reach)
        for k, target in enumerate(names):
            if there[k]:
                least, most, longest = found[k].tolist()
                extents[name, target] = Extent((here[0], size[name]), (first[target], size[target]), tables[k].count, (least, most), longest,
                                               reach[first[target]:first[target] + size[target]])
        if progress:
            progress(float(base[here[1]] / base[-1]))
    synapses = Synapses(np.arange(1, slots + 1), np.zeros(slots, np.int64), base[:-1].copy(), offsets, packed, bits, np.zeros(slots, np.int64))
    return StoredSynapses(synapses, {key: extents[key] for key in wanted})


@kernel
def _draw(here: tuple[int, int], degrees: np.ndarray, into: np.ndarray, weights: np.ndarray, delays: np.ndarray, base: np.ndarray, bits: int,
          state: np.uint64, offsets: np.ndarray, packed: np.ndarray, found: np.ndarray, reach: np.ndarray) -> None:
    """The rows of some sources: each is drawn, and then sorted by delay by counting. ``found`` gets least and most weight and longest delay."""
    slots = offsets.shape[1] - 1
    words, steps, at = np.empty(1 << 16, np.uint32), np.empty(1 << 16, np.uint8), np.empty(slots + 1, np.int64)
    for k in range(len(into)):
        found[k, 0], found[k, 1], found[k, 2] = np.int64(1) << 40, -(np.int64(1) << 40), 0
    for source in range(here[0], here[1]):
        size = 0
        at[:] = 0
        for k in range(len(into)):
            first, many = np.uint64(into[k, 0]), np.uint64(into[k, 1])
            least, most, longest = found[k, 0], found[k, 1], found[k, 2]
            for _ in range(degrees[source, k]):
                state += np.uint64(STEP)
                z = (state ^ (state >> np.uint64(30))) * np.uint64(FIRST)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
                z ^= z >> np.uint64(31)
                target = first + ((z & np.uint64(0xFFFFFFFF)) * many >> np.uint64(32))
                delay, weight = delays[k, z >> np.uint64(32) & np.uint64(DELAYS - 1)], np.int64(weights[k, z >> np.uint64(52)])
                words[size], steps[size] = np.uint32(np.uint64(weight) << np.uint64(bits) | target), delay
                size += 1
                at[delay] += 1
                reach[target] += abs(weight)
                least, most, longest = min(least, weight), max(most, weight), max(longest, np.int64(delay))
            found[k, 0], found[k, 1], found[k, 2] = least, most, longest
        for slot in range(1, slots + 1):
            at[slot] += at[slot - 1]
            offsets[source, slot] = at[slot]
        for j in range(size - 1, -1, -1):
            at[steps[j]] -= 1
            packed[base[source] + at[steps[j]]] = words[j]
    for k in range(len(into)):
        if found[k, 2] == 0:
            found[k, 0], found[k, 1] = 0, 0
