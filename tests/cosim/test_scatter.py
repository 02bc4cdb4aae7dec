"""How far chance goes: Student's distribution against tables and SciPy, blocks and the jackknife by hand."""

import numpy as np
import pytest
import scipy.stats

from spikegate.cosim.results.scatter import blocks, jackknife, left_out, mean_and_error, student
from spikegate.models.network.recording import Recording


def test_student_is_that_of_tables_and_of_scipy():
    assert student(0.05, 2) == pytest.approx(4.303, abs=1e-3) and student(0.05, 19) == pytest.approx(2.093, abs=1e-3)
    for chance in (0.5, 0.05, 1e-3, 1e-4):
        for freedom in (2, 3, 9, 19, 100):
            assert student(chance, freedom) == pytest.approx(scipy.stats.t.ppf(1 - chance / 2, freedom), rel=1e-5), (chance, freedom)
    # Of one degree of freedom, tan of the share of a right angle; so near to its end that the last part of the integral decides.
    assert student(2.5e-6, 1) == pytest.approx(np.tan(np.pi / 2 * (1 - 2.5e-6)), rel=1e-4)


def test_blocks_are_ten_to_twenty_of_two_time_constants_or_none():
    # steps, tau in steps: a block has at least 2 tau.
    assert [blocks(steps, 100.0) for steps in (1999, 2000, 2199, 2200, 3999, 4000, 90_000)] == [0, 10, 10, 11, 19, 20, 20]


def test_the_jackknife_is_that_of_the_formula():
    # differences 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, times 3/4.
    assert jackknife([2.0, 4.0, 1.0, 9.0], [1.0, 2.0, -2.0, 3.0]) == pytest.approx(10.5 ** 0.5, rel=1e-14)
    assert jackknife([1.0, None], [1.0, 1.0]) is None and jackknife([1.0, 1.0], [None, 1.0]) is None


def test_mean_and_standard_error_by_hand():
    # 1, 2, 3, 6: variance 14 / 3, error the root of 14 / 3 / 4.
    assert mean_and_error([1.0, 2.0, 3.0, 6.0]) == (3.0, pytest.approx((14 / 12) ** 0.5, rel=1e-14))


def test_each_block_is_left_out_of_rates_of_intervals_that_end_in_it_and_of_bins():
    # 40 steps of 2.5 ms in 4 blocks of 10; bins of 2 steps.
    trains = [[0, 3, 9, 10, 20, 35], [1, 5, 15, 19, 30, 39], [2, 12, 22]]
    spikes = [(step, neuron) for neuron, train in enumerate(trains) for step in train]
    found = left_out(Recording("hand", 3, 40, spikes), 2_500_000, 4)
    assert found.keys() == {"rate_hz", "cv_isi", "correlation"}
    inside = [sum(10 * k <= step < 10 * k + 10 for step, _ in spikes) for k in range(4)]
    assert inside == [6, 4, 2, 3]
    assert found["rate_hz"] == pytest.approx([(15 - count) / (3 * 30 * 2.5e-3) for count in inside], rel=1e-12)
    for k in range(4):
        variations, counts = [], np.zeros((20, 3))
        for neuron, train in enumerate(trains):
            lengths = [b - a for a, b in zip(train, train[1:]) if b // 10 != k]
            variations += [np.std(lengths) / np.mean(lengths)] if len(lengths) > 1 else []
            np.add.at(counts[:, neuron], [step // 2 for step in train], 1)
        assert found["cv_isi"][k] == pytest.approx(np.mean(variations), rel=1e-12), k
        kept = np.delete(counts, np.arange(5 * k, 5 * k + 5), axis=0)
        pairs = np.corrcoef(kept.T)[np.triu_indices(3, 1)]
        assert found["correlation"][k] == pytest.approx(np.mean(pairs), rel=1e-12), k


def test_an_uneven_division_leaves_no_step_out():
    found = left_out(Recording("hand", 1, 10, [(step, 0) for step in range(10)]), 1_000_000, 3)
    # Blocks of steps 0..2, 3..5 and 6..9: every step has its spike.
    assert found["rate_hz"] == pytest.approx([1000.0] * 3, rel=1e-12)
