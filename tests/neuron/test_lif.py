"""The neuron: hand-computed vectors, exact fractions, and the gateware against the model."""

import dataclasses
import itertools
from fractions import Fraction
from math import e, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.amaranth_sim import clocked
from spikegate.cosim.benches.lif import NEURON, Inputs, check, golden
from spikegate.gateware.neuron.lif import Lif, params_values
from spikegate.models.errors import InputError, Mismatch, SpikegateError
from spikegate.models.neuron.lif import LifParams, lif_step, lif_steps
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding

MODES = list(itertools.product(Rounding, Overflow))
PLAIN = LifParams(Q8_8, 5120, 2560, leak=1, refractory=20)
VARIED = LifParams(Q8_8, 5120, -300, 77, 13, -900, 3)


def one_step(params, v, hold=0, current=0, noise=0, random=0):
    return lif_step(v, hold, current, noise, random, params.constants())


@pytest.mark.parametrize("changes, state, expected", [
    ({}, dict(v=0, current=5119), (0, 5119, 0, 0)),
    ({}, dict(v=0, current=5120), (1, 2560, 20, 0)),  # >=
    ({}, dict(v=5119), (0, 5099, 0, 0)),  # 5119/256 = 19.996, nearest 20
    ({"rounding": Rounding.FLOOR}, dict(v=5119), (0, 5099, 0, 0)),  # floor(-19.996) = -20
    ({"rounding": Rounding.FLOOR}, dict(v=-5119), (0, -5100, 0, 0)),  # floor(19.996) = 19
    ({"rounding": Rounding.STOCHASTIC}, dict(v=-100, random=155), (0, -100, 0, 0)),  # (100 + 155) >> 8
    ({"rounding": Rounding.STOCHASTIC}, dict(v=-100, random=156), (0, -99, 0, 0)),
    ({"leak": 256, "rest": 40}, dict(v=3000), (0, 40, 0, 0)),  # leak 1.0: rest at once
    ({"rounding": Rounding.STOCHASTIC, "gain": 1}, dict(v=0, current=1, random=255), (0, 1, 0, 0)),  # (1 + 255) >> 8
    ({"gain": 128}, dict(v=0, current=3), (0, 2, 0, 0)),  # 1.5, half up
    ({"gain": 128}, dict(v=0, current=-3), (0, -1, 0, 0)),  # -1.5, half up
    ({"gain": -4096}, dict(v=0, current=100), (0, -1600, 0, 0)),
    ({}, dict(v=0, noise=-7), (0, -7, 0, 0)),
    ({}, dict(v=32767, current=40000), (1, 2560, 20, 1)),  # saturates at 32767, which is above threshold
    ({}, dict(v=-32768, current=-1000), (0, -32768, 0, 1)),  # -32768 + 128 - 1000
    ({"overflow": Overflow.WRAP}, dict(v=-32768, current=-1000), (1, 2560, 20, 1)),  # wraps to 31896, above threshold
    ({"overflow": Overflow.WRAP}, dict(v=32767, current=1000), (0, 32767 - 128 + 1000 - 65536, 0, 1)),
    ({}, dict(v=1234, hold=2, current=32767, noise=99), (0, 1234, 1, 0)),  # refractory: kept, input dropped
    ({}, dict(v=9999, hold=1), (0, 9999, 0, 0))])
def test_steps_by_hand(changes, state, expected):
    assert one_step(dataclasses.replace(PLAIN, **changes), **state) == expected


@pytest.mark.parametrize("raised, current, spike", [(0, 5119, 0), (0, 5120, 1), (7, 5126, 0), (7, 5127, 1), (27647, 40000, 1), (27648, 40000, 0)])
def test_a_threshold_is_raised_exactly_even_above_the_format(raised, current, spike):
    assert lif_step(0, 0, current, 0, 0, PLAIN.constants(), raised)[0] == spike


@given(st.sampled_from(MODES), st.integers(-32768, 32767), st.integers(-(1 << 19), (1 << 19) - 1), st.integers(-32768, 32767),
       st.integers(0, 255), st.integers(1, 256), st.integers(-4096, 4096))
def test_a_step_is_its_equation_on_fractions(modes, v, current, noise, random, leak, gain):
    params = dataclasses.replace(VARIED, rounding=modes[0], overflow=modes[1], leak=leak, gain=gain)
    up = {Rounding.FLOOR: Fraction(0), Rounding.NEAREST: Fraction(1, 2), Rounding.STOCHASTIC: Fraction(random, 256)}[modes[0]]
    total = v + floor(Fraction((77 - v) * leak, 256) + up) + floor(Fraction(current * gain, 256) + up) + noise
    fitted = max(-32768, min(32767, total)) if modes[1] == Overflow.SATURATE else (total + 32768) % 65536 - 32768
    spike = fitted >= 5120
    assert one_step(params, v, 0, current, noise, random) == (spike, -300 if spike else fitted, 3 if spike else 0, fitted != total)


def test_the_refractory_period_holds_for_exactly_its_steps():
    v, hold, spikes = 0, 0, []
    for t in range(50):
        spike, v, hold, _ = one_step(PLAIN, v, hold, 6000)
        spikes += [t] if spike else []
    assert spikes == [0, 21, 42]


def test_the_dead_zone_of_a_leak_of_one_step():
    stuck = {rounding: [v for v in range(-600, 600) if one_step(dataclasses.replace(PLAIN, rounding=rounding), v)[1] == v]
             for rounding in (Rounding.NEAREST, Rounding.FLOOR)}
    assert stuck[Rounding.NEAREST] == list(range(-127, 129))  # |v| below half a volt step: 0.5 mV in Q8.8
    assert stuck[Rounding.FLOOR] == list(range(-255, 1))


def test_a_leak_of_one_step_in_q8_8_decays_with_25_6_ms():
    # v(t) = v0 (1 - 1/256)^t falls to v0/e after -1/ln(1 - 1/256) = 255.5 steps of 0.1 ms. Rounding errs by at most half
    # a raw step a step, as a random walk of 0.29 * sqrt(256) = 4.6 raw: 1 step near 9,600 raw, where it falls 37 a step.
    assert 0.1 * Q8_8.one / PLAIN.leak == pytest.approx(25.6)
    params, v, steps = dataclasses.replace(PLAIN, threshold=32767), 26112, 0
    while v > 26112 / e:
        v, steps = one_step(params, v)[1], steps + 1
    assert abs(steps - 255.5) <= 2


@pytest.mark.parametrize("changes, message", [
    ({"threshold": 200 << 8}, "threshold 51200 \\(raw\\) is outside q8.8, which holds -32768..32767; use a wider format, of 17 bits or more"),
    ({"format": QFormat(32, 22), "threshold": 1 << 31, "leak_fraction": None}, "outside q10.22, .*; use fewer fraction bits, as 32 bits are the"),
    ({"format": QFormat(16, 10), "reset": -(1 << 31) - 1, "leak_fraction": None}, "outside q6.10, .*; use fewer fraction bits, as 32 bits are the"),
    ({"reset": -40000}, "reset -40000 \\(raw\\) is outside"), ({"rest": 32768}, "rest 32768 \\(raw\\) is outside"),
    ({"leak": 0}, "leak must be in 1..256 \\(raw, q8.8\\), not 0; use more fraction bits"), ({"leak": 257}, "leak must be in 1..256"),
    ({"gain": 4097}, "gain must be in -4096..4096"), ({"gain": -4097}, "gain must be in -4096..4096"),
    ({"refractory": 256}, "refractory must be in 0..255 steps, not 256; use a longer dt"), ({"refractory": -1}, "refractory must be in"),
    ({"reset": 5120}, "reset 5120 must be below threshold 5120"),
    ({"leak": 0, "gain": 9999, "rest": 99999}, "(?s)rest .*leak .*gain ")])
def test_parameters_that_cannot_be_are_refused_all_at_once(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(PLAIN, **changes)


@pytest.mark.parametrize("changes, message", [
    *(({name: True}, f"LifParams.{name} must be a whole number, not True")
      for name in ("threshold", "reset", "rest", "leak", "gain", "refractory", "leak_fraction")),
    ({"format": "q8.8"}, "LifParams.format must be of type QFormat"), ({"rounding": 3}, "LifParams.rounding must be one of"),
    ({"overflow": 2}, "LifParams.overflow must be one of"), ({"leak_fraction": 7}, "leak_fraction must be in 8..28 bits for q8.8, not 7"),
    ({"leak_fraction": 29}, "leak_fraction must be in 8..28 bits for q8.8, not 29"),
    ({"leak_fraction": -1}, "leak_fraction must be in 8..28 bits for q8.8, not -1"),
    ({"leak_fraction": 9, "leak": 513}, "leak must be in 1..512"), ({"reset": 5121}, "reset 5121 must be below threshold 5120")])
def test_parameters_of_another_kind_or_beyond_a_bound_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(PLAIN, **changes)


@pytest.mark.parametrize("changes", [
    {"leak": 1}, {"leak": 256}, {"gain": 4096}, {"gain": -4096}, {"refractory": 0}, {"refractory": 255}, {"leak_fraction": 8}, {"reset": 5119},
    {"leak_fraction": 28, "leak": 1 << 28}, {"rest": -32768}, {"rest": 32767}, {"threshold": 32767}, {"reset": -32768}])
def test_the_ends_of_every_range_are_allowed(changes):
    assert {name: getattr(dataclasses.replace(PLAIN, **changes), name) for name in changes} == changes


def test_what_is_not_given_has_the_documented_value():
    params = LifParams(Q8_8, 5120, 2560)
    assert params == LifParams(Q8_8, 5120, 2560, 0, 1, 256, 0, Rounding.NEAREST, Overflow.SATURATE, 8)
    assert params.input_width == 20 and dataclasses.replace(params, rest=-32765, leak=7).rest_leak == 21
    assert tuple(VARIED.constants()) == (13, -900, 5120, -300, 77, 3, 8, 16, 1, 0, 8)
    assert all(type(value) is int for value in VARIED.constants())


def simulate(params, steps, **parts):
    """``(spike, v, hold, overflow)`` of the gateware one cycle after each of ``steps``."""
    dut = Lif(params.format, params.rounding, params.overflow, leak_fraction=params.leak_fraction, **parts)
    rows = [{"i_state": NEURON.state(params, step), "i_current": step.current, "i_noise": step.noise, "i_random": step.random} for step in steps]
    return [(spike, *map(state.__getitem__, dut.o_state.shape().members))
            for spike, state in clocked(dut, params_values(params), rows, ("o_spike", "o_state"))]


@st.composite
def neurons(draw, q, modes, with_gain=True, with_noise=True):
    """Parameters and steps of which many lie near threshold or the rails."""
    raw = st.one_of(st.integers(q.min, q.max), st.integers(-2 * q.one, 2 * q.one), st.sampled_from([q.min, q.max, 0]))
    threshold = draw(st.integers(q.min + 1, q.max))
    bits = draw(st.sampled_from([q.fraction, q.fraction + 1, 20, 28]))
    params = LifParams(q, threshold, draw(st.integers(q.min, threshold - 1)), draw(raw), draw(st.integers(1, 1 << bits)),
                       draw(st.integers(-16 * q.one, 16 * q.one)) if with_gain else None, draw(st.integers(0, 255)), *modes, bits)
    full = 1 << (params.input_width - 1)
    v = st.one_of(raw, st.integers(max(threshold - 2, q.min), min(threshold + 2, q.max)))
    current = st.one_of(raw, st.integers(-full, full - 1), st.sampled_from([-full, full - 1, 0]))
    step = st.builds(Inputs, v, st.sampled_from([0, 0, 0, 1, 2, 255]), st.integers(0, 1), current, raw if with_noise else st.just(0),
                     st.integers(0, (1 << bits) - 1))
    return params, draw(st.lists(step, min_size=1, max_size=30))


@pytest.mark.parametrize("modes", MODES, ids=lambda m: f"{m[0].name}-{m[1].name}".lower())
@pytest.mark.parametrize("q, parts", [(Q8_8, (True, True)),
(Q8_8, (False, False)),
(Q16_12, (True, True)),
(QFormat(5, 2), (False, True))], ids=str)
def test_gateware_in_amaranth_equals_the_model(q, parts, modes):
    @settings(max_examples=5, deadline=None)
    @given(neurons(q, modes, *parts))
    def equal(made):
        params, steps = made
        assert simulate(params, steps, gain=parts[0], noise=parts[1]) == [golden(params, step) for step in steps]

    equal()


@pytest.mark.parametrize("params", [
    pytest.param(PLAIN, marks=pytest.mark.long), VARIED,
    LifParams(Q8_8, 5120, 0, leak=7, rounding=Rounding.FLOOR, overflow=Overflow.WRAP, refractory=255),
    pytest.param(LifParams(Q16_12, 20 << 12, 10 << 12, leak=20, refractory=20), marks=pytest.mark.long),
    LifParams(Q16_12, 20 << 12, -(3 << 12), 999, 4096, 5000, 1, Rounding.STOCHASTIC, Overflow.WRAP),
    LifParams(Q8_8, 5120, 2560, 77, 327, refractory=3, rounding=Rounding.STOCHASTIC, leak_fraction=16)],
    ids=["plain", "varied", "floor-wrap", "q16.12", "q16.12-stochastic-wrap", "fine-leak"])
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=1500, seed=41) == 6000


@pytest.mark.parametrize("wrong", [
    {"threshold": PLAIN.threshold + 1}, {"rounding": Rounding.FLOOR}, {"overflow": Overflow.WRAP}, {"leak": 2}, {"reset": 2561},
    {"refractory": 19}], ids=lambda wrong: next(iter(wrong)))
def test_a_wrong_model_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at step .*: signal (spike|v|hold|overflow), golden"):
        check(PLAIN, count=400, seed=42, model=dataclasses.replace(PLAIN, **wrong))


def test_a_scoreboard_that_compared_nothing_fails():
    with pytest.raises(SpikegateError, match="compared nothing"):
        check(PLAIN, count=0, seed=43)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([Q8_8, QFormat(16, 12), QFormat(9, 4), QFormat(2, 1)]), st.data())
def test_many_neurons_at_once_equal_one_at_a_time(q, data):
    rounding, overflow = data.draw(st.sampled_from([Rounding.FLOOR, Rounding.NEAREST])), data.draw(st.sampled_from(list(Overflow)))
    bits, threshold = data.draw(st.integers(q.fraction, 12)), data.draw(st.integers(q.min + 1, q.max))
    raw = st.one_of(st.integers(q.min, q.max), st.sampled_from([q.min, q.max, threshold, threshold - 1]))
    params = LifParams(q, threshold, data.draw(st.integers(q.min, threshold - 1)), data.draw(raw), data.draw(st.integers(1, 1 << bits)),
                       refractory=data.draw(st.integers(0, 255)), rounding=rounding, overflow=overflow, leak_fraction=bits)
    full, p = 1 << (params.input_width - 1), params.constants()
    assert p.narrow
    row = st.tuples(raw, st.sampled_from([0, 0, 1, 255]), st.integers(0, 1), st.integers(-full, full - 1))
    rows = data.draw(st.lists(row, min_size=1, max_size=40))
    v, hold, flag, current = (np.array(column, dtype) for column, dtype in zip(zip(*rows), (np.int32, np.uint8, np.uint8, np.int32)))
    spiked = np.empty(len(rows), np.uint8)
    lif_steps(v, hold, flag, current, p, spiked)
    expected = [lif_step(v, hold, current, 0, 0, p) for v, hold, _, current in rows]
    assert list(zip(spiked, v, hold, flag)) == [(s, v, h, over | row[2]) for (s, v, h, over), row in zip(expected, rows)]


@pytest.mark.parametrize("rounding, overflow", list(itertools.product((Rounding.FLOOR, Rounding.NEAREST), Overflow)))
@pytest.mark.parametrize("bits", [8, 10])
def test_a_table_of_neurons_at_once_equals_one_at_a_time(bits, rounding, overflow):
    """Every kind of state with every kind of input, among them sums one beyond either end and one below the threshold."""
    params = LifParams(Q8_8, 5120, 2560, -700, 3, refractory=7, rounding=rounding, overflow=overflow, leak_fraction=bits)
    p = params.constants()
    states, kept = (-32768, -1041, -785, -701, -700, 0, 700, 5119, 5120, 32767), ((0, 0), (0, 1), (1, 0), (255, 1))
    rows = [(v, hold, flag, current) for v in states for hold, flag in kept
            for leak in (lif_step(v, 0, 0, 0, 0, p)[1] if overflow == Overflow.SATURATE and v < 5120 else v,)
            for current in (0, -1, 5119 - leak, 5120 - leak, 32767 - leak, 32768 - leak, -32768 - leak, -32769 - leak, -(1 << 19), (1 << 19) - 1)]
    v, hold, flag, current = (np.array(column, dtype) for column, dtype in zip(zip(*rows), (np.int32, np.uint8, np.uint8, np.int32)))
    spiked = np.full(len(rows), 9, np.uint8)
    lif_steps(v, hold, flag, current, p, spiked)
    expected = [lif_step(v, hold, current, 0, 0, p) for v, hold, _, current in rows]
    assert list(zip(spiked, v, hold, flag)) == [(s, v, h, over | row[2]) for (s, v, h, over), row in zip(expected, rows)]
    assert {s for s, *_ in expected} == {0, 1} and {over for *_, over in expected} == {0, 1}


def test_what_is_not_narrow_goes_one_at_a_time():
    wide = [dict(rounding=Rounding.STOCHASTIC), dict(leak_fraction=13), dict(format=Q16_12)]
    assert PLAIN.constants().narrow and LifParams(QFormat(16, 12), 5120, 0).constants().narrow
    assert not LifParams(QFormat(17, 8), 5120, 0).constants().narrow and not LifParams(Q8_8, 5120, 0, leak_fraction=13).constants().narrow
    assert not any(dataclasses.replace(PLAIN, **{"leak_fraction": None, **changes}).constants().narrow for changes in wide)
