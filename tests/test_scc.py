"""Stochastic computing correlation: its definition, its extremes, and the bound on what chance explains."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom, norm

from spikegate.models.encoder import pack
from spikegate.models.scc import correlations, overlap_counts, scc, scc_of

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
    monkeypatch.setattr("spikegate.models.scc.BUDGET", 5 * 20 * 4)
    words = streams(6, 20, 256)
    found = correlations(words, worst=1000)
    assert {pair.second - pair.first for pair in found} == {1, 2, 3, 4, 5} and len(found) == 19 + 18 + 17 + 16 + 15
