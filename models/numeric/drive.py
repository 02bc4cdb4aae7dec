"""External drive: Binomial(trials, probability) events per neuron and step, by inversion of a table.

A step's uniform number is the low 32 bits of the neuron's own LFSR before its leap. The table holds 2^depth - 1
ascending limits, and the number of events is how many of them the uniform number exceeds.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from spikegate.models.checks import exact_array, real_numbers, require_whole, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel

__all__ = ["UNIFORM_BITS", "WALK", "WALK_STAGES", "DriveParams", "binomial_limits", "count_events", "walk_groups"]

UNIFORM_BITS = 32
MIN_DEPTH, MAX_DEPTH = 4, 8
MAX_TRIALS = 100_000
#: Of the common denominator of all probabilities; a table then takes seconds.
MAX_BITS = 1 << 24
#: Limits that hardware with a serial search of the table compares at a time.
WALK = 4
#: Cycles from a number to its events in such hardware, if there are less than `WALK`.
WALK_STAGES = 2


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
        If trials is 0 or above 100,000, the probability is outside 0..1 or a fraction of too many digits, more than 255 events are likely,
        or none is less likely than 2^-33.
    """
    (trials,), problems = whole_numbers(trials=trials), Problems()
    if not isinstance(probability, Fraction):
        probability, = real_numbers(probability=probability)
    p, q = Fraction(probability).as_integer_ratio()
    problems.require(1 <= trials <= MAX_TRIALS, f"C_E (drive trials) must be in 1..{MAX_TRIALS}, not {trials}; change n_exc or conn_prob")
    problems.require(0 <= p <= q, f"Drive probability rate*dt must be in 0..1, not {Decimal(p) / Decimal(q):.6g}; lower the rate or dt")
    problems.require(trials * q.bit_length() <= MAX_BITS, f"Drive probability rate*dt has a denominator of {q.bit_length()} bits, too many for "
                     f"{trials} trials in exact arithmetic; give eta, dt, tau_mem, v_threshold and weight_exc with fewer digits")
    problems.raise_any()
    scale, limits, cumulative, whole = 1 << UNIFORM_BITS, [], 0, q**trials
    term = (q - p) ** trials
    for k in range(trials):
        cumulative += term
        limit = (2 * scale * cumulative + whole) // (2 * whole)
        if limit == scale:
            break
        limits.append(limit - 1)
        if limit == 0 or len(limits) == 1 << MAX_DEPTH:
            break  # refused below
        # The next binomial term times q^trials, without another power of large numbers.
        term = term * ((trials - k) * p) // ((k + 1) * (q - p))
    depth = max(MIN_DEPTH, len(limits).bit_length())
    mean = float(trials * probability)
    if limits[:1] == [-1]:
        raise InputError(f"Drive of {mean:.4g} events per step leaves no step without events (that has a probability below 2^-33), and a table "
                         "of 32 bits counts from 0 events on; lower the rate, eta or dt, so that steps without events occur")
    if depth > MAX_DEPTH:
        raise InputError(f"Drive of {mean:.4g} events per step needs more than the {(1 << MAX_DEPTH) - 1} limits that a table has; "
                         "lower the rate, eta or dt")
    return np.array(limits + [scale - 1] * ((1 << depth) - 1 - len(limits)), dtype=np.uint32)


@kernel(inline="always")
def _limit(limits: np.ndarray, k: int) -> np.uint32:
    return limits[k] if k < len(limits) else np.uint32((1 << UNIFORM_BITS) - 1)


@kernel
def count_events(uniform: np.ndarray, limits: np.ndarray, events: np.ndarray) -> None:
    """``events[i]`` becomes the number of ``limits`` that ``uniform[i]`` exceeds; as they ascend, a binary search finds the same."""
    events[:] = 0
    top = np.uint32(0)
    for i in range(len(uniform)):
        top = max(top, uniform[i])
    # Four limits in a pass over the numbers, and no pass for limits that none exceeds.
    for k in range(0, len(limits), 4):
        a, b, c, d = _limit(limits, k), _limit(limits, k + 1), _limit(limits, k + 2), _limit(limits, k + 3)
        if a >= top:
            break
        for i in range(len(uniform)):
            u = uniform[i]
            events[i] += np.uint8(np.uint8(u > a) + np.uint8(u > b) + np.uint8(u > c) + np.uint8(u > d))


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

    def __post_init__(self) -> None:
        require_whole(self, "weight")
        limits = exact_array("limits", self.limits, np.uint32)
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

    @property
    def mean_events(self) -> float:
        """Mean number of events of a neuron and step."""
        return float(sum((1 << UNIFORM_BITS) - 1 - int(limit) for limit in self.limits)) / (1 << UNIFORM_BITS)

    def step(self, uniform: int) -> int:
        """Events for one uniform number in 0..2^32-1."""
        uniform, = whole_numbers(uniform=uniform)
        return int(np.searchsorted(self.limits, uniform))
