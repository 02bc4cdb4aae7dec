"""External drive: tables and drawn counts against scipy's binomial, the gateware against the model."""

import time
from fractions import Fraction
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chisquare

from spikegate.models.errors import InputError
from spikegate.models.numeric.drive import UNIFORM_BITS, DriveParams, binomial_limits, count_events, walk_groups
from spikegate.models.numeric.lfsr import LfsrParams, leap_once

TOP = (1 << UNIFORM_BITS) - 1
#: (trials, probability) of the presets `tutorial`, `ai` and `brunel2000`, then rare and frequent events.
DRIVES = [(80, Fraction(1, 40)), (80, Fraction(1, 200)), (1000, Fraction(1, 500)), (1, Fraction(1, 1000)), (20, Fraction(1, 2))]
#: Rounding of scipy's own floats, far below the 2^-32 that is tested.
FLOATS = 1e-13


def table_pmf(limits):
    """Probability of each count that a table of limits gives a uniform number, as exact multiples of 2^-32."""
    edges = np.concatenate([[-1], limits.astype(np.int64), [TOP]])
    return np.diff(edges) / 2.0**UNIFORM_BITS


def test_a_coin_by_hand():
    # P(0) = 1/4, P(<=1) = 3/4, P(<=2) = 1: numbers up to 2^30-1 give 0 events, up to 3*2^30-1 one, others two.
    limits = binomial_limits(2, Fraction(1, 2))
    assert limits[:3].tolist() == [(1 << 30) - 1, 3 * (1 << 30) - 1, TOP] and set(limits[2:].tolist()) == {TOP}
    drive = DriveParams(limits, 1)
    assert [drive.step(x) for x in (0, (1 << 30) - 1, 1 << 30, 3 * (1 << 30) - 1, 3 * (1 << 30), TOP)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("trials, probability", DRIVES)
def test_every_probability_is_within_two_to_the_minus_32_of_scipys_binomial(trials, probability):
    limits = binomial_limits(trials, probability)
    found = table_pmf(limits)
    exact = binom.pmf(np.arange(len(found)), trials, float(probability))
    assert np.abs(found - exact).max() <= 2.0**-32 + FLOATS
    assert binom.sf(np.count_nonzero(limits < TOP), trials, float(probability)) <= 2.0**-33 + FLOATS


def test_a_table_for_another_rate_is_seen():
    found = table_pmf(binomial_limits(80, Fraction(1, 200)))
    assert np.abs(found - binom.pmf(np.arange(len(found)), 80, 1 / 200 + 1e-9)).max() > 2.0**-32 + FLOATS


@settings(deadline=None)
@given(st.integers(1, 8), st.data())
def test_the_search_counts_the_limits_that_are_exceeded(depth, data):
    limits = np.array(sorted(data.draw(st.lists(st.integers(0, TOP), min_size=(1 << depth) - 1, max_size=(1 << depth) - 1))), np.uint32)
    drive, uniform = DriveParams(limits, 1), data.draw(st.one_of(st.integers(0, TOP), st.sampled_from(limits.tolist())))
    events = np.full(2, 77, np.int64)
    count_events(np.array([uniform, TOP], np.uint64), limits.astype(np.uint64), events)
    assert drive.depth == depth
    assert drive.step(uniform) == events[0] == int((limits < uniform).sum()) and events[1] == drive.step(TOP)


def drawn_counts(limits, streams, steps, seed):
    """Events of ``streams`` neurons over ``steps`` steps, from their planned LFSR streams."""
    params = LfsrParams()
    state = np.array(params.phases(seed, streams, steps), np.uint64)
    shifts, counts = [np.uint64(tap - 32) for tap in params.taps], []
    for _ in range(steps):
        counts.append(np.searchsorted(limits, (state & np.uint64(TOP)).astype(np.uint32), side="left"))
        state = leap_once.py_func(state, shifts, np.uint64(32), np.uint64(TOP), np.uint64(params.mask))
    return np.concatenate(counts)


def chi_square(counts, trials, probability):
    """p-value of the counts under the binomial, counts expected less than ten times merged into one class."""
    expected = binom.pmf(np.arange(trials + 1), trials, probability) * len(counts)
    top = int(np.count_nonzero(expected >= 10))
    observed = np.bincount(np.minimum(counts, top), minlength=top + 1)
    return chisquare(observed, np.append(expected[:top], expected[top:].sum())).pvalue


@pytest.mark.parametrize("trials, probability", DRIVES[:3])
def test_counts_drawn_from_the_real_streams_are_binomial(trials, probability):
    counts = drawn_counts(binomial_limits(trials, probability), 500, 1000, 0xACE)
    p, n = float(probability), len(counts)
    assert n == 500_000 and chi_square(counts, trials, p) > 1e-3
    assert chi_square(counts, trials, 1.02 * p) < 1e-3  # a drive 2 % too strong is seen
    # Five standard errors: var(mean) = s2/n, var(variance) = (m4 - s2^2)/n with m4 = s2 * (1 + 3 s2 - 6 p q).
    s2 = trials * p * (1 - p)
    assert abs(counts.mean() - trials * p) < 5 * sqrt(s2 / n)
    assert abs(counts.var() - s2) < 5 * sqrt((s2 * (1 + 3 * s2 - 6 * p * (1 - p)) - s2**2) / n)


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 10**6), st.data())
def test_the_table_is_that_of_the_powers(trials, q, data):
    """Against the formula itself; the table adds terms that it makes one from the other."""
    p = data.draw(st.integers(0, q) | st.integers(0, min(q, 4 * q // trials)))
    limits, cumulative = [], 0
    for k in range(trials):
        cumulative += comb(trials, k) * p**k * (q - p) ** (trials - k)
        limits.append((2**33 * cumulative + q**trials) // (2 * q**trials) - 1)
    needed = sum(limit < TOP for limit in limits)
    if limits[0] < 0 or needed > 255:
        with pytest.raises(InputError, match="leaves no step without events" if limits[0] < 0 else "needs more than the 255 limits"):
            binomial_limits(trials, Fraction(p, q))
    else:
        table = binomial_limits(trials, Fraction(p, q)).tolist()
        assert table[:needed] == limits[:needed] and set(table[needed:]) <= {TOP} and len(table) >= 15


def test_a_table_of_many_trials_takes_seconds():
    start = time.process_time()
    binomial_limits(100_000, Fraction(1, 10**6))
    assert time.process_time() - start < 20


def test_events_that_always_or_never_happen():
    with pytest.raises(InputError, match="Drive of 3 events per step leaves no step without events"):
        binomial_limits(3, Fraction(1))  # P(0) = 0 has no limit of 32 bits
    assert set(binomial_limits(3, Fraction(0)).tolist()) == {TOP}  # no number gives an event


@pytest.mark.parametrize("make, message", [
    (lambda: binomial_limits(0, Fraction(1, 2)), "C_E \\(drive trials\\) must be in 1..100000, not 0; change n_exc or conn_prob"),
    (lambda: binomial_limits(10**12, Fraction(1, 2)), "C_E \\(drive trials\\) must be in 1..100000, not 1000000000000"),
    (lambda: binomial_limits(5, Fraction(10**400)), "must be in 0..1, not 1.00000e\\+400"),
    (lambda: binomial_limits(10**5, Fraction(1, 10**300)), "denominator of 997 bits, too many for 100000 trials"),
    (lambda: binomial_limits(5, Fraction(3, 2)), "Drive probability rate\\*dt must be in 0..1, not 1.5; lower the rate or dt"),
    (lambda: binomial_limits(5, Fraction(-1, 2)), "Drive probability rate\\*dt must be in 0..1, not -0.5"),
    (lambda: binomial_limits(2000, Fraction(1, 2)), "Drive of 1000 events per step leaves no step without events"),
    (lambda: DriveParams(np.zeros(6), 1), "Drive table must have 2\\^depth - 1 limits with depth in 1..8, not 6"),
    (lambda: DriveParams(np.zeros(0), 1), "Drive table must have .*, not 0"),
    (lambda: DriveParams(np.zeros(511), 1), "Drive table must have .*, not 511"),
    (lambda: DriveParams(np.array([3, 2, 4]), 1), "Drive table limits must ascend")])
def test_a_drive_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_groups_of_the_walk_by_hand():
    assert [walk_groups(depth) for depth in range(1, 9)] == [1, 1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("size", [1, 3, 255])
def test_the_smallest_and_the_largest_table_are_allowed(size):
    drive = DriveParams(np.zeros(size), -5)
    assert (drive.depth, drive.weight, drive.limits.dtype) == (size.bit_length(), -5, np.uint32) and drive.step(1) == size
    assert type(drive.step(1)) is int


@pytest.mark.parametrize("trials, probability, first", [(1, Fraction(1, 2), [2**31 - 1]), (100_000, Fraction(0), [TOP] * 15),
                                                         (33, Fraction(1, 2), [0, 16])])
def test_the_ends_of_trials_and_probability_are_allowed(trials, probability, first):
    # 33 coins show no head with 2^-33, which is rounded up to 1 of 2^32, and one at most with 17 of 2^32.
    limits = binomial_limits(trials, probability)
    assert limits[:len(first)].tolist() == first and len(limits) == (15 if trials != 33 else 63)


@pytest.mark.parametrize("make, message", [
    (lambda: binomial_limits(100_001, Fraction(1, 2)), "must be in 1..100000, not 100001"),
    (lambda: binomial_limits(2**16, Fraction(1, 2**256)), "denominator of 257 bits, too many for 65536 trials"),
    (lambda: binomial_limits(2**16, 1 - Fraction(1, 2**255)), "Drive of 6.554e\\+04 events per step (leaves no step|needs more)"),
    (lambda: DriveParams([1, 3, 2], 1), "Drive table limits must ascend"),
    (lambda: binomial_limits(1, Fraction(1)), "Drive of 1 events per step leaves no step without events"),
    (lambda: binomial_limits(34, Fraction(1, 2)), "Drive of 17 events per step leaves no step without events"),
    (lambda: DriveParams(np.zeros(2), 1), "not 2"), (lambda: DriveParams(np.zeros(256), 1), "not 256"), (lambda: DriveParams([1], True), "weight")])
def test_just_beyond_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_counts_of_many_numbers_by_hand():
    limits, uniform = np.array([0, 0, 3, 3, 5, 8, 8, TOP], np.uint64)[:7], np.array([0, 1, 3, 4, 5, 6, 8, 9, TOP], np.uint64)
    for count, expected in ((7, [0, 2, 2, 4, 4, 5, 5, 7, 7]), (3, [0, 2, 2, 3, 3, 3, 3, 3, 3]), (1, [0, 1, 1, 1, 1, 1, 1, 1, 1])):
        events = np.full(9, 77, np.uint8)
        count_events(uniform, limits[:count], events)
        assert events.tolist() == expected
    events = np.full(3, 77, np.uint8)
    count_events(np.array([0, 1, 2], np.uint64), limits, events)
    assert events.tolist() == [0, 2, 2]
