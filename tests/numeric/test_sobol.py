"""Sobol sequence: every point of every dimension against scipy, skip-ahead against steps, the gateware against the model."""

from functools import partial

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from spikegate.cosim.benches.amaranth_sim import evaluate, exchange
from spikegate.cosim.benches.sobol import check
from spikegate.gateware.numeric.sobol import Sobol, advance, point
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.numeric.sobol import JOE_KUO, CounterParams, DigitalSequence, SobolParams

BITS = 16
DIMENSIONS = 1 + len(JOE_KUO)


@pytest.fixture(scope="module")
def reference():
    """Scipy's whole period of 2^16 points, as integers (point, dimension)."""
    points = qmc.Sobol(DIMENSIONS, scramble=False, bits=BITS).random_base2(BITS) * 2.0**BITS
    assert np.array_equal(points, np.floor(points))
    return points.astype(np.int64)


def shapes(kind):
    """Parameters of any bits up to 32 and any leap."""
    def of(bits):
        leaps = st.integers(0, bits).map(lambda k: 1 << k)
        return st.builds(SobolParams, st.integers(0, DIMENSIONS - 1), st.just(bits), leaps) if kind is SobolParams else \
            st.builds(CounterParams, st.just(bits), leaps)
    return st.integers(1, 32).flatmap(of)


ANY = st.one_of(shapes(SobolParams), shapes(SobolParams), shapes(CounterParams))


def test_three_bits_by_hand():
    # Van der Corput in Gray-code order, then dimension 1: m = 1, 3, 5 by m_k = 2 m_(k-1) ^ m_(k-1).
    assert SobolParams(0, 3).run(0, 9).tolist() == [0, 4, 6, 2, 3, 7, 5, 1, 0]
    assert SobolParams(1, 3).directions == (0b100, 0b110, 0b101)
    assert SobolParams(1, 3).run(0, 9).tolist() == [0, 4, 2, 6, 3, 7, 1, 5, 0]


@pytest.mark.parametrize("dimension", range(DIMENSIONS))
def test_every_point_of_a_period_equals_scipys(reference, dimension):
    assert np.array_equal(SobolParams(dimension, BITS).run(0, 1 << BITS), reference[:, dimension])


def test_a_number_of_32_bits_equals_scipys():
    points = qmc.Sobol(DIMENSIONS, scramble=False, bits=32).random_base2(13) * 2.0**32
    for dimension in range(DIMENSIONS):
        assert np.array_equal(SobolParams(dimension, 32).run(0, 1 << 13), points[:, dimension].astype(np.uint64))


def test_the_comparison_with_scipy_sees_a_swapped_dimension_and_each_wrong_direction(reference):
    for dimension in range(DIMENSIONS - 1):
        assert not np.array_equal(SobolParams(dimension + 1, BITS).run(0, 1 << BITS), reference[:, dimension])
    for k in range(BITS):
        wrong = SobolParams(7, BITS)
        wrong.__dict__["directions"] = tuple(v ^ (j == k) for j, v in enumerate(wrong.directions))
        assert not np.array_equal(wrong.run(0, 1 << BITS), reference[:, 7])


@pytest.mark.parametrize("bits", [1, 2, 5, 9])
def test_a_sequence_with_any_leap_visits_its_points_and_starts_again(bits):
    for dimension in (0, 1, 6, 31):
        points = SobolParams(dimension, bits).run(0, 1 << bits).tolist()
        assert sorted(points) == list(range(1 << bits))
        for k in range(bits + 1):
            params, state, windows = SobolParams(dimension, bits, 1 << k), 0, 1 << (bits - k)
            for n in range(2 * windows + 1):
                assert state == points[n * params.leap % params.period], (params, n)
                state = params.step(state, n)
            assert params.run(0, 2 * windows).tolist() == points[::params.leap] * 2


@settings(deadline=None)
@given(ANY, st.integers(0, 2**40), st.integers(1, 50))
def test_skip_ahead_equals_stepping_and_xor_of_base_and_offset(params, first, count):
    numbers = params.run(first, count).tolist()
    assert numbers[0] == params.point(first * params.leap)
    for n, number in enumerate(numbers[:-1], first):
        assert params.step(number, n) == numbers[n + 1 - first]
    within = min(first, params.leap - 1)
    assert params.point(first * params.leap + within) == params.point(first * params.leap) ^ params.point(within)


@pytest.mark.parametrize("make, message", [
    (lambda: SobolParams(-1), "Sobol dimension must be in 0..31, not -1; the table of direction numbers ends there"),
    (lambda: SobolParams(32), "Sobol dimension must be in 0..31, not 32"),
    (lambda: SobolParams(0, 0), "Sobol bits must be in 1..32, not 0"),
    (lambda: SobolParams(0, 33), "Sobol bits must be in 1..32, not 33"),
    (lambda: SobolParams(0, 8, 0), "Sobol leap must be a power of two, not 0"),
    (lambda: SobolParams(0, 8, 12), "Sobol leap must be a power of two, not 12"),
    (lambda: SobolParams(0, 8, 512), "Sobol leap must be at most the period of 256 points, not 512; use more bits or a shorter leap"),
    (lambda: SobolParams(40, 0, 3), "bits must be .*\nSobol leap must be .*\nSobol dimension must be"),
    (lambda: CounterParams(33), "Counter bits must be in 1..32, not 33"),
    (lambda: CounterParams(4, 32), "Counter leap must be at most the period of 16 points, not 32")])
def test_a_sequence_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@settings(max_examples=60, deadline=None)
@given(ANY, st.data())
def test_functions_of_the_gateware_equal_the_model(params, data):
    last = (1 << params.index_bits) - 1
    picked = data.draw(st.lists(st.integers(0, last), max_size=20)) + [0, last, last // 2]
    numbers = [params.point(n * params.leap) for n in picked]
    m, state, index, outputs = Module(), Signal(params.bits), Signal(params.index_bits), (Signal(params.bits), Signal(params.bits))
    m.d.comb += [outputs[0].eq(point(index, params)), outputs[1].eq(advance(state, index, params))]
    golden = [(number, params.step(number, n)) for n, number in zip(picked, numbers)]
    assert evaluate(m, [index, state], outputs, zip(picked, numbers)) == golden


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([SobolParams(3, leap=256), SobolParams(9, 5), SobolParams(1, 4, 16), SobolParams(31, 32), CounterParams(6, 4)]), st.data())
def test_gateware_in_amaranth_equals_the_model(params, data):
    last = (1 << params.index_bits) - 1
    indices = data.draw(st.lists(st.one_of(st.integers(0, last), st.integers(max(last - 3, 0), last)), min_size=1, max_size=4))
    stalls = [(True, True)] + data.draw(st.lists(st.tuples(st.integers(0, 9).map(lambda x: x == 0), st.booleans()), min_size=10, max_size=60))
    index = None
    for (_, accept), (out, sought) in zip(stalls, exchange(Sobol(params), indices, stalls), strict=True):
        assert out == (params.point(index * params.leap) if accept and index is not None else None)
        assert sought is None or index is None or out is not None
        index = sought if sought is not None else index if out is None else index + 1


@pytest.mark.parametrize("params", [SobolParams(3, leap=256), SobolParams(21, 6), SobolParams(5, 4, 16), CounterParams(8, 2)],
                         ids=lambda p: f"{type(p).__name__}-{p.bits}-leap-{p.leap}")
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=3000, seed=41) >= 3000


@pytest.mark.parametrize("wrong", [SobolParams(4, leap=256), SobolParams(3, leap=128), CounterParams(leap=256)], ids=["dimension", "leap", "counter"])
def test_a_wrong_model_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at cycle .*: signal o, golden"):
        check(SobolParams(3, leap=256), count=500, seed=42, model=wrong)


@pytest.mark.parametrize("kind", [partial(SobolParams, 3), CounterParams], ids=["sobol", "counter"])
def test_the_ends_of_what_a_sequence_can_be(kind):
    assert (kind().bits, kind().leap, kind().period, kind().index_bits, kind().shift) == (16, 1, 65536, 16, 0)
    for bits, leap in ((1, 1), (1, 2), (32, 1), (32, 1 << 32), (8, 64)):
        params = kind(bits=bits, leap=leap)
        assert (params.period, params.shift, params.index_bits) == (2**bits, leap.bit_length() - 1, bits - leap.bit_length() + 1)
    for changes, message in (({"bits": 0}, "bits must be in 1..32, not 0"), ({"bits": 33}, "bits must be in 1..32, not 33"),
                           ({"leap": 0}, "leap must be a power of two, not 0"), ({"leap": 3}, "leap must be a power of two, not 3"),
                           ({"leap": -1}, "leap must be a power of two, not -1"),
                           ({"bits": 4, "leap": 32}, "leap must be at most the period of 16 points, not 32; use more bits or a shorter leap")):
        with pytest.raises(InputError, match=f"^(Sobol|Counter) {message}$"):
            kind(**changes)
    with pytest.raises(InputError, match="^(Sobol|Counter) bits must be in 1..32, not 0\n(Sobol|Counter) leap must be a power of two, not 3$"):
        kind(bits=0, leap=3)


def test_the_ends_of_the_table_of_dimensions():
    assert SobolParams(0).dimension == 0 and SobolParams(31).dimension == 31
    for dimension in (-1, 32):
        with pytest.raises(InputError, match=f"^Sobol dimension must be in 0..31, not {dimension}; the table of direction numbers ends there$"):
            SobolParams(dimension)


def test_points_runs_and_steps_by_hand():
    van_der_corput = [0, 4, 6, 2, 3, 7, 5, 1]  # bits of the Gray code, reversed
    params = SobolParams(0, 3)
    assert [params.point(i) for i in range(-8, 16)] == van_der_corput * 3 and type(params.point(3)) is int
    assert params.run(6, 4).tolist() == [5, 1, 0, 4] and params.run(14, 2).dtype == np.uint32
    assert SobolParams(0, 3, 2).run(3, 3).tolist() == [5, 0, 6] and SobolParams(0, 3, 8).run(5, 2).tolist() == [0, 0]
    for leap in (1, 2, 4, 8):
        leaping, state = SobolParams(0, 3, leap), 0
        for index in range(20):
            assert state == van_der_corput[index * leap % 8], (leap, index)
            state = leaping.step(state, index)
    counter = CounterParams(3, 2)
    assert [counter.point(i) for i in (0, 7, 8, 9)] == [0, 7, 0, 1] and counter.run(3, 3).tolist() == [6, 0, 2]
    assert counter.points(np.arange(9)).dtype == np.uint32
    assert [counter.step(state, index) for state, index in ((0, 5), (6, 1), (4, 0))] == [2, 0, 6]


def test_a_sequence_without_points_of_its_own_says_so():
    with pytest.raises(NotImplementedError):
        DigitalSequence().points(np.arange(3))
