"""Rounding and overflow: the models against exact fractions, the gateware against the models."""

import itertools
from fractions import Fraction
from functools import partial
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.amaranth_sim import evaluate
from spikegate.cosim.benches.bench import simulator
from spikegate.cosim.benches.fixed import RequantiseParams, check, requantise
from spikegate.gateware.numeric.fixed import Requantise
from spikegate.models.errors import InputError, Mismatch, SpikegateError
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding, fit, round_shift

MODES = list(itertools.product(Rounding, Overflow))
SHIFTS = st.integers(0, 20)
VALUES = st.integers(-(1 << 61), (1 << 61) - 1)


@pytest.mark.parametrize("value, shift, floored, nearest", [
    (0, 8, 0, 0), (127, 8, 0, 0), (128, 8, 0, 1), (255, 8, 0, 1), (256, 8, 1, 1), (384, 8, 1, 2),
    (-1, 8, -1, 0), (-128, 8, -1, 0), (-129, 8, -1, -1), (-384, 8, -2, -1), (-385, 8, -2, -2), (7, 0, 7, 7), (-7, 0, -7, -7)])
def test_rounding_by_hand(value, shift, floored, nearest):
    assert round_shift(value, shift, Rounding.FLOOR, 0) == floored
    assert round_shift(value, shift, Rounding.NEAREST, 0) == nearest


@given(VALUES, SHIFTS)
def test_floor_and_nearest_are_their_definitions_on_fractions(value, shift):
    exact = Fraction(value, 1 << shift)
    assert round_shift(value, shift, Rounding.FLOOR, 0) == floor(exact)
    assert round_shift(value, shift, Rounding.NEAREST, 0) == floor(exact + Fraction(1, 2))


@given(VALUES, st.integers(0, 8))
def test_stochastic_rounding_goes_up_as_often_as_the_dropped_fraction_says(value, shift):
    results = [round_shift(value, shift, Rounding.STOCHASTIC, random) for random in range(1 << shift)]
    assert set(results) <= {value >> shift, (value >> shift) + 1}
    assert sum(results) == value  # the mean over all random numbers is value / 2**shift, exactly


@pytest.mark.parametrize("value, width, saturated, wrapped, overflowed", [
    (127, 8, 127, 127, 0), (128, 8, 127, -128, 1), (-128, 8, -128, -128, 0), (-129, 8, -128, 127, 1), (256, 8, 127, 0, 1),
    (1000, 8, 127, -24, 1), (32768, 16, 32767, -32768, 1), (-40000, 16, -32768, 25536, 1)])
def test_overflow_by_hand(value, width, saturated, wrapped, overflowed):
    assert fit(value, width, Overflow.SATURATE) == (saturated, overflowed)
    assert fit(value, width, Overflow.WRAP) == (wrapped, overflowed)


@given(VALUES, st.integers(2, 32))
def test_saturation_clips_and_wrapping_keeps_the_residue(value, width):
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    clipped, over = fit(value, width, Overflow.SATURATE)
    wrapped, over_too = fit(value, width, Overflow.WRAP)
    assert clipped == max(low, min(high, value))
    assert low <= wrapped <= high and (wrapped - value) % (1 << width) == 0
    assert over == over_too == (not low <= value <= high)


def test_formats_by_hand():
    assert (Q8_8.min, Q8_8.max, Q8_8.one, str(Q8_8)) == (-32768, 32767, 256, "q8.8")
    assert (Q16_12.min, Q16_12.max, Q16_12.one, str(Q16_12)) == (-(1 << 31), (1 << 31) - 1, 4096, "q16.12")
    assert Q8_8.real(-384) == Fraction(-3, 2) and Q8_8.holds(32767) and not Q8_8.holds(32768)
    assert Q8_8.holds(-32768) and not Q8_8.holds(-32769)
    assert QFormat.parse("q8.8") == Q8_8 and QFormat.parse("Q16.12") == Q16_12 and QFormat.parse("q3.4") == QFormat(7, 4)
    assert QFormat.parse("q10.10") == QFormat(20, 10) and QFormat.parse("q8.4") == QFormat(12, 4) and QFormat.parse("q20.12") == Q16_12
    assert all(QFormat.parse(str(q)) == q for q in (QFormat(20, 10), QFormat(12, 4), QFormat(27, 12), Q8_8, Q16_12, QFormat(32, 22)))
    assert str(QFormat(28, 12)) != str(Q16_12)
    assert [str(QFormat(*bits)) for bits in ((8, 4), (17, 8), (15, 8), (16, 9), (16, 7))] == ["q4.4", "q9.8", "q7.8", "q7.9", "q9.7"]


def test_the_numbers_of_the_modes_are_those_of_the_network_file():
    assert {mode.name: mode.value for mode in (*Rounding, *Overflow)} == dict(FLOOR=0, NEAREST=1, STOCHASTIC=2, SATURATE=0, WRAP=1)


@pytest.mark.parametrize("width, fraction", [(2, 1), (32, 22), (16, 15)])
def test_the_smallest_and_the_largest_format_are_allowed(width, fraction):
    assert QFormat(width, fraction).max == 2 ** (width - 1) - 1


@pytest.mark.parametrize("make, message", [
    (lambda: QFormat(1, 1), "Format width must be in 2..32 bits, not 1"),
    (lambda: QFormat(33, 8), "Format width must be in 2..32 bits, not 33"),
    (lambda: QFormat(16, 0), "Format fraction must be in 1..15 bits for width 16, not 0"),
    (lambda: QFormat(16, 16), "Format fraction must be in 1..15 bits for width 16, not 16"),
    (lambda: QFormat(True, 1), "QFormat.width must be a whole number, not True"),
    (lambda: QFormat(16, 8.0), "QFormat.fraction must be a whole number, not 8.0"),
    (lambda: QFormat(32, 23), "Format fraction must be in 1..22 bits for width 32, not 23"),
    (lambda: QFormat.parse("8.8"), "Format must be written qM.N, M integer bits with the sign and N fraction bits, such as q8.8, not '8.8'"),
    (lambda: QFormat.parse("q30.12"), "Format width must be in 2..32 bits, not 42")])
def test_a_format_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == message


def pairs_of(q):
    product = st.one_of(st.integers(-(1 << (2 * q.width - 1)), (1 << (2 * q.width - 1)) - 1),
                        st.sampled_from([q.max * q.one, q.min * q.one, 0]).flatmap(lambda x: st.integers(x - q.one, x + q.one)))
    return st.lists(st.tuples(product, st.integers(0, q.one - 1)), min_size=1, max_size=40)


@pytest.mark.parametrize("rounding, overflow", MODES)
@pytest.mark.parametrize("q", [Q8_8, Q16_12, QFormat(3, 1), QFormat(9, 8)], ids=str)
def test_gateware_in_amaranth_equals_the_model(q, rounding, overflow):
    params = RequantiseParams(q, rounding, overflow)
    dut = Requantise(q, rounding, overflow)

    @settings(max_examples=8, deadline=None)
    @given(pairs_of(q))
    def equal(pairs):
        assert evaluate(dut, [dut.product, dut.random], (dut.result, dut.overflowed), pairs) == [requantise(params, *pair) for pair in pairs]

    equal()


@pytest.mark.parametrize("params", [
    *(RequantiseParams(Q8_8, *mode) for mode in MODES),
    RequantiseParams(Q16_12, Rounding.NEAREST, Overflow.SATURATE), RequantiseParams(Q16_12, Rounding.STOCHASTIC, Overflow.WRAP)],
    ids=lambda p: f"{p.format}-{p.rounding.name}-{p.overflow.name}".lower())
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=3000, seed=11) == 6000


@pytest.mark.parametrize("wrong", [
    RequantiseParams(Q8_8, Rounding.FLOOR, Overflow.SATURATE), RequantiseParams(Q8_8, Rounding.STOCHASTIC, Overflow.SATURATE),
    RequantiseParams(Q8_8, Rounding.NEAREST, Overflow.WRAP)], ids=["floor", "stochastic", "wrap"])
def test_a_wrong_model_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at product .*: signal (result|overflowed), golden .*, RTL"):
        check(RequantiseParams(Q8_8, Rounding.NEAREST, Overflow.SATURATE), count=1000, seed=12, model=wrong)


def test_a_bench_that_compared_nothing_fails():
    with pytest.raises(SpikegateError, match="compared nothing"):
        check(RequantiseParams(Q8_8, Rounding.NEAREST, Overflow.SATURATE), count=0, seed=13)


def test_a_simulator_takes_three_commands_and_the_runtime_of_all():
    log = (simulator(partial(Requantise, QFormat(13, 5), Rounding.NEAREST, Overflow.WRAP)) / "build.log").read_text()
    commands = [line.split()[1:] for line in log.splitlines() if line.startswith("$ ")]
    assert [command[0] for command in commands] == ["verilator", "g++", "g++"]
    assert commands[1][-1] == "model.cpp" and any(word.endswith("verilated.o") for word in commands[2])
