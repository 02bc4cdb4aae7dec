"""Stochastic computing correlation: its definition, its extremes, and the bound on what chance explains."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom, norm

from spikegate.models.streams.planes import pack
from spikegate.models.streams.scc import correlations, overlap_counts, scc, scc_of

BITS = st.integers(0, 1)


def streams(seed, count, length, p=0.5):
    return pack(np.random.default_rng(seed).random((count, length)) < p)


def test_eight_positions_by_hand():
    # 11110000 and 11001100: two each, SCC 0; 11111100 and 11110000: min(p, q); 11110000 and 00011111: one 11, that is max(p + q - 1, 0)
    cases = {("11110000", "11001100"): ([2, 2, 2, 2], 0), ("11111100", "11110000"): ([4, 2, 0, 2], 1),
             ("11110000", "00011111"): ([1, 3, 4, 0], -1), ("11110000", "11101000"): ([3, 1, 1, 3], 0.5), ("11111111", "11110000"): ([4, 4, 0, 0], 0),
             ("00000000", "11110000"): ([0, 0, 4, 4], 0)}
    for (a, b), (counts, value) in cases.items():
        words = [np.array([int(text, 2)], np.uint64) for text in (a, b)]
        assert overlap_counts(*words, 8).tolist() == counts and scc(*words, 8) == value == scc_of(counts)


@settings(deadline=None)
@given(st.lists(st.tuples(BITS, BITS), min_size=64, max_size=64), st.integers(1, 64))
def test_counts_and_scc_are_those_of_the_definition(pairs, length):
    pairs = pairs[:length]
    a, b, c, d = counts = [pairs.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0))]
    words = [np.array([int("".join(str(pair[side]) for pair in pairs), 2)], np.uint64) for side in (0, 1)]
    found = overlap_counts(*words, length)
    assert found.tolist() == counts
    below = length * min(a + b, a + c) - (a + b) * (a + c) if a * d > b * c else (a + b) * (a + c) - length * max(a - d, 0)
    assert scc_of(found) == ((a * d - b * c) / below if below else 0)
    p, q, both = (a + b) / length, (a + c) / length, a / length
    value = float(scc(*words, length))  # Alaghi and Hayes: the AND is between pq and its extreme, in the proportion SCC
    extreme = min(p, q) if value > 0 else max(p + q - 1, 0)
    assert -1 <= value <= 1 and abs((1 - abs(value)) * p * q + abs(value) * extreme - both) < 1e-12


def test_many_streams_are_counted_at_once_and_against_one():
    a = streams(1, 6, 256).reshape(2, 3, 4)
    found = overlap_counts(a, a[0, 0])
    assert found.shape == (2, 3, 4) and found[1, 2].tolist() == overlap_counts(a[1, 2], a[0, 0]).tolist() and (found.sum(axis=-1) == 256).all()


def test_the_bound_is_that_of_the_hypergeometric_distribution():
    words = streams(2, 2, 256)
    (pair,) = correlations(words, level=1e-6)
    a, b, c, d = overlap_counts(*words).tolist()
    law = hypergeom(256, a + b, a + c)
    room = min(a + b, a + c) - law.mean() if pair.scc > 0 else law.mean() - max(a - d, 0)
    assert pair.scc == pytest.approx((a - law.mean()) / room)
    assert pair.bound == pytest.approx(norm.isf(0.5e-6) * law.std() / room)
    # The normal tail is not shorter: beyond the bound lies no more than was promised.
    beyond = np.abs(np.arange(257) - law.mean()) > norm.isf(0.5e-6) * law.std()
    assert 0 < law.pmf(np.arange(257))[beyond].sum() <= 1e-6


def test_independent_streams_are_inside_the_bound_and_a_correlated_pair_is_found():
    words = streams(3, 400, 1024)
    worst = correlations(words, worst=3)
    assert len(worst) == 3 and abs(worst[0].scc) < worst[0].bound and abs(worst[0].scc / worst[0].bound) >= abs(worst[1].scc / worst[1].bound)
    # With 79,800 pairs the bound is 7 standard deviations of 1/32; a fifth of the positions in common is 6.4, two fifths are 12.8.
    for shared, found in ((2, True), (1, False)):
        spoilt = words.copy()
        spoilt[399, :16 // 5 * shared] = spoilt[17, :16 // 5 * shared]
        top = correlations(spoilt, worst=1)[0]
        assert (abs(top.scc) > top.bound and top[:2] == (17, 399)) == found
    spoilt[399] = ~spoilt[17]
    assert correlations(spoilt, worst=1)[0][:3] == (17, 399, -1.0)


def test_the_refusals_of_independent_streams_are_as_rare_as_promised():
    # 2000 plans of two streams at a level of 0.05: 100 expected; 5 standard deviations are 49. The largest correlation cannot
    # be rarer than 0.05 by much as the counts are integers, and not more frequent.
    words = streams(4, 4000, 4096)
    refused = 0
    for k in range(2000):
        (pair,) = correlations(words[2 * k:2 * k + 2], level=0.05)
        refused += abs(pair.scc) > pair.bound
    assert abs(refused - 100) < 49


def test_a_constant_stream_is_never_correlated():
    words = np.stack([np.zeros(4, np.uint64), ~np.zeros(4, np.uint64), *streams(5, 2, 256)])
    assert {pair[:2]: pair.scc for pair in correlations(words)}[(0, 1)] == 0 == scc(words[1], words[2])
    assert correlations(words[:1]) == []


def test_too_many_streams_are_paired_with_the_nearest(monkeypatch):
    monkeypatch.setattr("spikegate.models.streams.scc.BUDGET", 5 * 20 * 4)
    words = streams(6, 20, 256)
    found = correlations(words, worst=1000)
    assert {pair.second - pair.first for pair in found} == {1, 2, 3, 4, 5} and len(found) == 19 + 18 + 17 + 16 + 15


def test_the_smallest_counts_by_hand():
    """11, 10, 01, 00: room for one more or less, and none for more where the excess is 0, which is taken downwards."""
    assert scc_of([1, 1, 0, 1]) == 1.0 and scc_of([0, 1, 1, 0]) == -1.0 and scc_of([1, 2, 3, 6]) == 0.0
    assert scc_of([[2, 0, 0, 2], [0, 2, 2, 0], [1, 1, 1, 1], [0, 0, 0, 0]]).tolist() == [1.0, -1.0, 0.0, 0.0]


def quantile(pairs, level=1e-6):
    return norm.isf(level / 2 / pairs)


@pytest.mark.parametrize(("length", "texts", "value", "bound"), [
    (3, ("110", "100"), 1.0, sqrt(2 * 1 * 1 * 2 / 2)), (2, ("10", "01"), -1.0, 1.0),
    (12, ("111000000000", "100111000000"), 0.0, sqrt(3 * 9 * 4 * 8 / 11) / 12)])
def test_bounds_of_short_streams_by_hand(length, texts, value, bound):
    words = np.array([[int(text, 2)] for text in texts], np.uint64)
    with np.errstate(all="raise"):
        (pair,) = correlations(words, length)
    assert pair[:3] == (0, 1, value) and pair.bound == pytest.approx(quantile(1) * bound, rel=1e-9)


def test_constant_and_single_positions_have_no_bound():
    with np.errstate(all="raise"):
        assert correlations(np.array([[1], [0]], np.uint64), 1) == [(0, 1, 0.0, 1.0)]
        assert correlations(np.array([[7], [5]], np.uint64), 3) == [(0, 1, 0.0, 1.0)]


def test_the_level_is_that_of_all_pairs():
    words = streams(8, 6, 64)
    alone = correlations(words[:2])[0].bound
    for count, pairs in ((3, 3), (5, 10), (6, 15)):
        found = {pair[:2]: pair.bound for pair in correlations(words[:count], worst=99)}
        assert len(found) == pairs and found[0, 1] / alone == pytest.approx(quantile(pairs) / quantile(1), rel=1e-9)
    assert len(correlations(words)) == 10 and correlations(words, level=1e-6) == correlations(words)


def test_of_too_many_streams_the_nearest_are_paired_at_least(monkeypatch):
    words = streams(9, 4, 64)
    for budget, pairs in ((1, 3), (2 * 4, 5)):
        monkeypatch.setattr("spikegate.models.streams.scc.BUDGET", budget)
        found = {pair[:2]: pair.bound for pair in correlations(words, worst=99)}
        assert len(found) == pairs and {(0, 1), (1, 2), (2, 3)} <= set(found)
        assert found[0, 1] / correlations(words[:2])[0].bound == pytest.approx(quantile(pairs) / quantile(1), rel=1e-9)


def test_the_largest_in_terms_of_the_bound_come_first():
    """Sparse streams beside others: what is large may lie far inside its bound."""
    rng = np.random.default_rng(10)
    words = pack(rng.random((12, 64)) < np.array([0.03, 0.5, 0.9, 0.1] * 3)[:, None])
    every = correlations(words, worst=99)
    ratios = [abs(pair.scc) / pair.bound for pair in every]
    assert ratios == sorted(ratios, reverse=True) and len(every) == 66
    assert [correlations(words, worst=count) == every[:count] for count in (1, 2, 5)] == [True] * 3
    assert max(every, key=lambda pair: abs(pair.scc)) != every[0]


def test_at_most_two_to_the_27_words_are_combined():
    words = np.zeros((256, 1 << 13), np.uint64)
    assert max(pair.second - pair.first for pair in correlations(words, worst=1 << 20)) == 64
