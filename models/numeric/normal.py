"""Noise: a discrete normal number, by inversion of a table, as the events of a drive are.

A table of 2^depth - 1 ascending limits gives the number of them that a uniform number of 32 bits exceeds, less 2^(depth-1) - 1, so that the middle
is 0; each is worth ``weight`` raw. `normal_table` makes one of a standard deviation.
"""

import math

import numpy as np

from spikegate.models.checks import real_numbers
from spikegate.models.errors import InputError
from spikegate.models.numeric.drive import MAX_DEPTH, UNIFORM_BITS, DriveParams

__all__ = ["REACH", "middle", "normal_table"]

#: Standard deviations that a table reaches: further out than this, less than one of 2^32 uniform numbers lies.
REACH = 6.3
SCALE = 1 << UNIFORM_BITS


def middle(depth: int) -> int:
    """How many limits the number 0 exceeds."""
    return (1 << (depth - 1)) - 1


def _below(k: np.ndarray, width: float) -> np.ndarray:
    """Probability that a normal number of this standard deviation rounds to k or less."""
    return np.array([0.5 * math.erfc(-(x + 0.5) / (width * math.sqrt(2))) for x in k.tolist()])


def normal_table(deviation: float) -> DriveParams:
    """The table of a normal distribution with mean 0.

    A number of standard deviation s is rounded to whole levels of ``weight`` raw, the least weight with which a table of depth 8 reaches `REACH`
    deviations, s such that the variance after rounding is the one asked for. Then, as tests/numeric/test_normal.py counts over all 2^32 uniform
    numbers: the mean is within 10^-7 of a deviation of 0, the variance within 10^-6 of the one asked for, as a fraction. The excess kurtosis is
    within 0.0085 of 0 if the deviation is at least 1 raw, and 10^-5 from 8 raw on. No number lies further out than 6.5 deviations, but for the
    lowest of the table, which has a probability of 2^-32 or more and lies up to 15 deviations out.

    Parameters
    ----------
    deviation : float
        Standard deviation of what a step adds, raw in the format of the membrane, at least 0.5.

    Raises
    ------
    InputError
        If it is less, or no number.
    """
    asked, = real_numbers(deviation=deviation)
    if not 0.5 <= asked < SCALE:
        raise InputError(f"Standard deviation of noise must be in 0.5..2^{UNIFORM_BITS} raw, not {deviation}; use more fraction bits for less noise")
    weight = math.ceil(REACH * float(asked) / middle(MAX_DEPTH))
    levels = float(asked) / weight
    depth = max(2, (math.ceil(REACH * levels) + 1).bit_length() + 1)
    depth = min(depth, MAX_DEPTH)
    most = middle(depth)
    k = np.arange(-most, most)
    low, high = 0.0, levels + 1.0
    for _ in range(60):
        width = (low + high) / 2
        shares = np.diff(np.concatenate([[0.0], _below(k, width), [1.0]]))
        low, high = (width, high) if float((shares * np.arange(-most, most + 1) ** 2).sum()) < levels**2 else (low, width)
    limits = np.rint(_below(k, low) * SCALE).astype(np.int64).clip(1, SCALE) - 1
    return DriveParams(np.append(limits, SCALE - 1), weight)
