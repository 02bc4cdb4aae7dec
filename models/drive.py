"""External drive: Binomial(trials, probability) events per neuron and step, by inversion of a table.

A step's uniform number is the low 32 bits of the neuron's own LFSR before its leap. The table holds 2^depth - 1
ascending limits, and the number of events is how many of them the uniform number exceeds.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np
from numba import njit

from spikegate.models.errors import InputError, Problems

__all__ = ["UNIFORM_BITS", "WALK", "DriveParams", "binomial_limits", "count_events", "walk_groups"]

UNIFORM_BITS = 32
MIN_DEPTH, MAX_DEPTH = 4, 8
#: Limits that hardware which walks through the table compares at a time.
WALK = 4


def walk_groups(depth: int) -> int:
    """Groups of `WALK` limits that a table of 2^depth - 1 makes."""
    return max(1, (1 << depth) // WALK)


def binomial_limits(trials: int, probability: Fraction) -> np.ndarray:
    """Limits for Binomial(trials, probability): entry k-1 is round(2^32 * P(X <= k-1)) - 1, halves up, exactly computed.

    Padded with 2^32 - 1, which no uniform number exceeds, to 2^depth - 1 entries, depth at least 4. Each event count's
    probability is within 2^-32 of the exact one, and counts whose whole tail is below 2^-33 do not occur.

    Raises
    ------
    InputError
        If trials is 0, the probability is outside 0..1, more than 255 events are likely, or none is less likely than 2^-33.
    """
    problems = Problems()
    problems.require(trials >= 1, f"C_E (drive trials) must be at least 1, not {trials}; raise n_exc or conn_prob")
    problems.require(0 <= probability <= 1, f"Drive probability rate*dt must be in 0..1, not {float(probability):.6g}; lower the rate or dt")
    problems.raise_any()
    scale, limits, cumulative = 1 << UNIFORM_BITS, [], 0
    p, q = Fraction(probability).as_integer_ratio()
    for k in range(trials):
        cumulative += comb(trials, k) * p**k * (q - p) ** (trials - k)
        limit = (2 * scale * cumulative + q**trials) // (2 * q**trials)
        if limit == scale:
            break
        limits.append(limit - 1)
    depth = max(MIN_DEPTH, len(limits).bit_length())
    if depth > MAX_DEPTH or limits[:1] == [-1]:
        raise InputError(f"Drive of {float(trials * probability):.4g} events per step is outside what a table of "
                         f"{(1 << MAX_DEPTH) - 1} limits of 32 bits holds; lower the rate or dt")
    return np.array(limits + [scale - 1] * ((1 << depth) - 1 - len(limits)), dtype=np.uint32)


@njit(cache=True)
def count_events(uniform, limits, events):
    """``events[i]`` becomes the number of ``limits`` that ``uniform[i]`` exceeds; as they ascend, a binary search finds the same."""
    events[:] = 0
    top = np.uint32(0)
    for i in range(len(uniform)):
        top = max(top, uniform[i])
    for limit in limits:
        if limit >= top:
            break
        for i in range(len(uniform)):
            events[i] += uniform[i] > limit


@dataclass(frozen=True, eq=False)
class DriveParams:
    """External drive of every neuron.

    Parameters
    ----------
    limits : numpy.ndarray
        uint32, ascending, 2^depth - 1 entries, depth 1..8.
    weight : int
        Raw membrane step of one event, non-negative or negative.

    Raises
    ------
    InputError
        If the table is not ascending or its length is no 2^depth - 1.
    """

    limits: np.ndarray
    weight: int

    def __post_init__(self):
        limits = np.ascontiguousarray(self.limits, dtype=np.uint32)
        object.__setattr__(self, "limits", limits)
        problems, size = Problems(), len(limits)
        problems.require(size + 1 == 1 << self.depth and 1 <= self.depth <= MAX_DEPTH,
                         f"Drive table must have 2^depth - 1 limits with depth in 1..{MAX_DEPTH}, not {size}")
        problems.require(bool(np.all(limits[1:] >= limits[:-1])), "Drive table limits must ascend")
        problems.raise_any()

    @property
    def depth(self) -> int:
        """Levels of the binary search; events per step are at most 2^depth - 1."""
        return len(self.limits).bit_length()

    def step(self, uniform: int) -> int:
        """Events for one uniform number in 0..2^32-1."""
        return int(np.searchsorted(self.limits, uniform))
