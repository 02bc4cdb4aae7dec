"""Tables of noise: mean, variance, kurtosis and tail of what they give, counted over all 2^32 uniform numbers."""

from fractions import Fraction

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.normal import middle, normal_table

DEVIATIONS = (0.5, 0.7, 1, 1.5, 2, 3.3, 4, 8, 10, 20, 20.2, 77.3, 1000, 123456.7)


def counted(table):
    """Every number that the table gives, raw, and of how many uniform numbers."""
    edges = [-1, *table.limits.tolist(), (1 << 32) - 1]
    counts = [b - a for a, b in zip(edges, edges[1:])]
    assert sum(counts) == 1 << 32
    return [((k - middle(table.depth)) * table.weight, count) for k, count in enumerate(counts)]


def moments(table):
    """Mean, variance and excess kurtosis, exact until the last division."""
    raw = [Fraction(sum(count * x**power for x, count in counted(table)), 1 << 32) for power in range(5)]
    mean, variance = raw[1], raw[2] - raw[1] ** 2
    fourth = raw[4] - 4 * mean * raw[3] + 6 * mean**2 * raw[2] - 3 * mean**4
    return float(mean), float(variance), float(fourth / variance**2) - 3


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_the_moments_are_those_of_a_normal_distribution(deviation):
    mean, variance, kurtosis = moments(normal_table(deviation))
    assert abs(mean) < 1e-7 * deviation and abs(variance / deviation**2 - 1) < 1e-6
    if deviation >= 1:
        assert abs(kurtosis) < (1e-5 if deviation >= 8 else 0.0085)


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_nothing_lies_beyond_the_tail(deviation):
    (lowest, rare), *others = counted(normal_table(deviation))
    assert rare >= 1 and -15 * deviation <= lowest < 0
    assert max(abs(x) for x, count in others if count) <= 6.5 * deviation


def test_a_table_that_is_wrong_has_other_moments():
    """Negative controls: a weight more, a limit moved by a share of 2^-16, tables of a neighbouring deviation."""
    right = normal_table(77.3)
    moved = right.limits.copy()
    moved[100] += 1 << 16
    assert abs(moments(DriveParams(moved, right.weight))[0]) > 1e-7 * 77.3
    for wrong in (DriveParams(right.limits, right.weight + 1), normal_table(77.4)):
        assert abs(moments(wrong)[1] / 77.3**2 - 1) > 1e-6


def test_numbers_by_hand():
    """Half a unit: most numbers are 0, and one on either side; the middle of the numbers is the middle of the table."""
    table = normal_table(0.5)
    assert table.weight == 1 and table.depth == 4 and table.step(1 << 31) == middle(4) == 7
    assert [table.step(x) for x in (0, (1 << 32) - 1)] == [0, 10]
    assert np.all(np.diff(table.limits.astype(np.int64)) >= 0)


@pytest.mark.parametrize("deviation", [0, 0.49, -1, 1 << 32, float("nan"), "2"])
def test_what_is_no_deviation_is_refused(deviation):
    with pytest.raises(InputError, match="deviation"):
        normal_table(deviation)
