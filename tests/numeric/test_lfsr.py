"""The leaping LFSR: polynomials, periods and phases against definitions, the gateware against the model."""

import galois
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from spikegate.cosim.benches.amaranth_sim import exchange
from spikegate.cosim.benches.lfsr import check
from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.numeric.lfsr import PRIMITIVE_TAPS, LfsrParams, apply, leap_once

WIDTHS = st.integers(3, 64)


def single_steps(params, state, count):
    """The definition: shift left, the new low bit is the parity of the tapped bits."""
    for _ in range(count):
        parity = sum(state >> (tap - 1) for tap in params.taps) & 1
        state = (state << 1 | parity) & ((1 << params.width) - 1)
    return state


def test_three_bits_by_hand():
    assert LfsrParams(3, (3, 2), 1).run(1, 8) == [0b001, 0b010, 0b101, 0b011, 0b111, 0b110, 0b100, 0b001]
    assert LfsrParams(3, (3, 2), 2).run(1, 4) == [0b001, 0b101, 0b111, 0b100]


@pytest.mark.parametrize("width", range(3, 65))
def test_every_polynomial_of_the_table_is_primitive(width):
    taps = PRIMITIVE_TAPS[width]
    assert len(taps) in (2, 4) and taps[0] == width
    assert galois.Poly.Degrees([width, *(width - tap for tap in taps)]).is_primitive()


def test_the_table_has_every_width():
    assert sorted(PRIMITIVE_TAPS) == list(range(3, 65))


def test_the_primitivity_check_can_fail():
    assert not galois.Poly.Degrees([64, 0, 1, 3, 5]).is_primitive()  # x^64 + x^63 + x^61 + x^59 + 1, reversed


@pytest.mark.parametrize("width", range(3, 15))
def test_small_widths_visit_every_state_but_zero(width):
    params = LfsrParams(width, leap=1)
    assert sorted(params.run(1, params.period)) == list(range(1, 1 << width))


@settings(deadline=None)
@given(WIDTHS, st.integers(1, 150), st.data())
def test_a_leap_is_as_many_single_steps(width, leap, data):
    params = LfsrParams(width, leap=leap)
    state = data.draw(st.integers(0, params.mask))
    assert params.step(state) == single_steps(params, state, leap)
    assert sum(params.chunks) == leap and max(params.chunks) <= params.taps[-1]


@settings(deadline=None, max_examples=40)
@given(WIDTHS, st.integers(0, 500), st.data())
def test_a_jump_is_as_many_single_steps(width, distance, data):
    params = LfsrParams(width)
    state = data.draw(st.integers(0, params.mask))
    assert apply(params.jump(distance), state) == single_steps(params, state, distance)


@pytest.mark.parametrize("width", [3, 17, 32, 64])
def test_a_jump_over_the_period_changes_nothing(width):
    params = LfsrParams(width)
    assert params.jump(params.period) == tuple(1 << i for i in range(width))
    assert params.jump(params.period // 3) != params.jump(0)


def test_phases_give_streams_that_never_meet():
    params, streams = LfsrParams(12, leap=3), 9
    steps = params.period // streams // params.leap
    starts = params.phases(5, streams, steps)
    windows = [set(LfsrParams(12, leap=1).run(start, steps * params.leap)) for start in starts]
    assert starts[0] == 5 and sum(map(len, windows)) == len(set().union(*windows)) == streams * steps * params.leap


def test_phases_that_overlap_are_refused():
    params = LfsrParams(12, leap=5)
    params.phases(1, 9, 91)  # 9 windows of 455 positions are the whole period of 4095
    with pytest.raises(InputError, match="Each of 9 streams has 455 positions of a 12-bit LFSR, but 92 steps need 460; use a wider LFSR"):
        params.phases(1, 9, 92)


@pytest.mark.parametrize("make, message", [
    (lambda: LfsrParams(2), "LFSR width must be in 3..64 bits, not 2"),
    (lambda: LfsrParams(65), "LFSR width must be in 3..64 bits, not 65"),
    (lambda: LfsrParams(8, (7, 5)), "LFSR taps must descend from 8 to at least 1, not \\(7, 5\\)"),
    (lambda: LfsrParams(8, (8, 5, 6)), "LFSR taps must descend"),
    (lambda: LfsrParams(8, (8, 0)), "LFSR taps must descend"),
    (lambda: LfsrParams(8, leap=0), "LFSR leap must be in 1..65536 positions, not 0"),
    (lambda: LfsrParams(8).phases(256, 1, 1), "LFSR seed must not be 0 modulo 2\\^8"),
    (lambda: LfsrParams(8).phases(1, 300, 1), "Each of 300 streams has 0 positions")])
def test_a_generator_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def uniform_words(streams, steps, seed):
    """Low 32 bits of ``streams`` generators of 64 bits and leap 32 at their planned phases, float (steps, streams)."""
    params = LfsrParams()
    state = np.array(params.phases(seed, streams, steps), np.uint64)
    shifts, words = [np.uint64(tap - 32) for tap in params.taps], np.empty((steps, streams))
    for t in range(steps):
        words[t] = state & np.uint64(0xFFFFFFFF)
        state = leap_once.py_func(state, shifts, np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(params.mask))
    return words


def worst_correlation(a, b):
    """Largest |r| between any column of ``a`` and any of ``b``, and the largest that chance allows once in a million such tests.

    For independent uniform columns of T rows, r * sqrt(T) is close to standard normal; the bound is its quantile
    after Bonferroni over all pairs.
    """
    z = [(x - x.mean(axis=0)) / x.std(axis=0) for x in (a, b)]
    r = z[0].T @ z[1] / len(a)
    if a is b:
        np.fill_diagonal(r, 0)
    return np.abs(r).max(), norm.isf(1e-6 / 2 / r.size) / np.sqrt(len(a))


def test_streams_are_uncorrelated_in_time_and_with_each_other():
    words = uniform_words(200, 8000, 0x5EED)
    for lag in range(4):
        worst, bound = worst_correlation(words if lag == 0 else words[lag:], words if lag == 0 else words[:-lag])
        assert worst < bound, (lag, worst, bound)


def test_the_correlation_test_sees_streams_that_meet_and_leaps_that_are_too_short():
    words = uniform_words(20, 4000, 0x5EED)
    worst, bound = worst_correlation(words[3:], np.roll(words, -3, axis=0)[:-3])
    assert worst > bound
    params, state = LfsrParams(leap=1), 0x5EED
    serial = np.array([value & 0xFFFFFFFF for value in params.run(state, 4000)], float)[:, None]
    worst, bound = worst_correlation(serial[1:], serial[:-1])
    assert worst > bound


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([(3, 1), (8, 3), (17, 20), (32, 16), (64, 32), (64, 61)]), st.data())
def test_gateware_in_amaranth_equals_the_model(shape, data):
    params = LfsrParams(shape[0], leap=shape[1])
    seeds = data.draw(st.lists(st.integers(1, params.mask), min_size=1, max_size=4))
    stalls = [(True, True)] + data.draw(st.lists(st.tuples(st.integers(0, 9).map(lambda x: x == 0), st.booleans()), min_size=10, max_size=60))
    state = None
    for (_, accept), (out, seed) in zip(stalls, exchange(Lfsr(params), seeds, stalls), strict=True):
        assert out == (state if accept else None)
        assert seed is None or state is None or out is not None
        state = seed if seed is not None else state if out is None else params.step(state)


@pytest.mark.parametrize("params", [LfsrParams(), LfsrParams(32, leap=16), LfsrParams(7, leap=13), LfsrParams(5, leap=1)],
                         ids=lambda p: f"{p.width}-leap-{p.leap}")
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=5000, seed=21) >= 5000


@pytest.mark.parametrize("wrong", [LfsrParams(64, (64, 63, 61, 59)), LfsrParams(leap=31)], ids=["tap", "leap"])
def test_a_wrong_model_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at cycle .*: signal o, golden"):
        check(LfsrParams(), count=500, seed=22, model=wrong)


def test_the_ends_of_what_a_generator_can_be_and_what_is_not_given():
    assert LfsrParams() == LfsrParams(64, (64, 63, 61, 60), 32) and LfsrParams(3, leap=1).taps == (3, 2)
    assert LfsrParams(3, leap=65536).leap == 65536 and LfsrParams(8, (8, 1)).taps == (8, 1) and LfsrParams(8, [8, 6, 5, 4]).taps == (8, 6, 5, 4)
    assert (LfsrParams(5).mask, LfsrParams(5).period) == (31, 31)
    assert (LfsrParams(7, (7, 6), 6).chunks, LfsrParams(7, (7, 6), 13).chunks, LfsrParams(7, (7, 6), 5).chunks) == ((6,), (6, 6, 1), (5,))


@pytest.mark.parametrize("make, message", [
    (lambda: LfsrParams(8, leap=65537), "^LFSR leap must be in 1..65536 positions, not 65537$"),
    (lambda: LfsrParams(8, (9, 5)), "^LFSR taps must desc"),
    (lambda: LfsrParams(8, (8, 5, 0)), "^LFSR taps must descend"),
    (lambda: LfsrParams(8, (8, 8)), "^LFSR taps must descend"), (lambda: LfsrParams(True), "^LfsrParams.width must be a whole number, not True$"),
    (lambda: LfsrParams(8, leap=2.0), "^LfsrParams.leap must be a whole number, not 2.0$"),
    (lambda: LfsrParams(8, (8, "5")), "^LFSR taps must be whole"),
    (lambda: LfsrParams(8, 8), "^LFSR taps must be whole numbers, not 8$"), (lambda: LfsrParams(8, (8, 7, 5), 0), "^LFSR leap"),
    (lambda: LfsrParams(8).phases(1, 0, 1), "^Streams must be at least 1, not 0$"),
    (lambda: LfsrParams(8, leap=1).phases(0, 1, 256), "^Each of 1 streams has 255 .*\n?.* 256 steps need 256; .*\nLFSR seed must not be 0")])
def test_a_generator_just_beyond_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_phases_by_hand():
    # 001, 010, 101, 011, 111, 110, 100: seven positions, three streams are two apart
    params = LfsrParams(3, (3, 2), 1)
    assert params.phases(0b001, 3, 2) == [0b001, 0b101, 0b111] and params.phases(0b1001, 1, 7) == [0b001]
    assert params.phases(0b010, 7, 1) == [0b010, 0b101, 0b011, 0b111, 0b110, 0b100, 0b001]
    assert params.jump(0) == (1, 2, 4) and params.jump(1) == (0b010, 0b101, 0b001) and apply(params.jump(3), 1) == 0b011
    assert params.jump(2) == tuple(apply(params.jump(1), column) for column in params.jump(1))
    assert params.step(0b111) == 0b110 and params.run(0b111, 0) == [] and params.run(0b111, 3) == [0b111, 0b110, 0b100]
    assert [leap_once.py_func(state, (2, 1), 1, 1, 7) for state in (0b001, 0b100, 0b111)] == [0b010, 0b001, 0b110]
