"""The neuron with an adaptive threshold: hand-made steps, exact sums, and the gateware against the model."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.adaptive_lif import NEURON, Clipped, Inputs, Late, Resting, Rewritten, Stalling, Wrapping, before, check, golden
from spikegate.cosim.benches.amaranth_sim import clocked
from spikegate.gateware.neuron.adaptive_lif import AdaptiveLif, params_shapes, params_values
from spikegate.models.errors import InputError, Mismatch, SpikegateError
from spikegate.models.neuron.adaptive_lif import MAX_DECAY, AdaptiveLifConstants, AdaptiveLifParams, adaptive_lif_step, decayed
from spikegate.models.neuron.lif import LifParams, lif_step
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding

MODES = list(itertools.product(Rounding, Overflow))
LIF = LifParams(Q8_8, 5120, 2560, leak=1, refractory=3)
CHANCE = dataclasses.replace(LIF, rounding=Rounding.STOCHASTIC)
PLAIN = AdaptiveLifParams(LIF, 4, 300)
#: Theta saturates only where the jump is above the threshold: whoever spikes has a theta of at most highest - threshold.
LOW = AdaptiveLifParams(LifParams(Q8_8, -2000, -3000, leak=13, refractory=2), 2, 30000)


@pytest.mark.parametrize("theta, decay, left", [
    (0, 4, 0), (1, 4, 0), (2, 4, 1), (15, 4, 14), (16, 4, 15), (31, 4, 30), (32, 4, 30), (100, 4, 94), (32767, 4, 30720), (32767, 1, 16384),
    (3, 1, 2), (2, 1, 1), (1, 1, 0), (32767, 15, 32766), (32768, 15, 32767), (65535, 15, 65534), (65536, 15, 65534)])
def test_decays_by_hand(theta, decay, left):
    assert decayed(theta, decay) == decayed.py_func(theta, decay) == left


@pytest.mark.parametrize("decay", range(1, MAX_DECAY + 1))
def test_theta_never_rises_and_returns_to_0_and_the_bench_knows_what_it_was(decay):
    thetas = [*range(200), *range(200, 32768, 97), 32767]
    assert all(decayed(theta, decay) == theta - max(theta >> decay, theta > 0) for theta in thetas)
    assert all(decayed(before(theta, decay), decay) == theta for theta in thetas) and before(-1, decay) == before(0, decay) == 0
    theta, steps = 3000, 0
    while theta:
        theta, steps = decayed(theta, decay), steps + 1
    assert steps <= 3000


@pytest.mark.parametrize("changes, state, expected", [
    # spike, theta, v, hold, overflowed
    ({}, dict(theta=0, v=0, hold=0, current=5119), (0, 0, 5119, 0, 0)),
    ({}, dict(theta=0, v=0, hold=0, current=5120), (1, 300, 2560, 3, 0)),
    ({}, dict(theta=100, v=0, hold=0, current=5213), (0, 94, 5213, 0, 0)),  # theta is 94 when they meet: 5214 is asked for
    ({}, dict(theta=100, v=0, hold=0, current=5214), (1, 394, 2560, 3, 0)),
    ({}, dict(theta=1, v=0, hold=0, current=5120), (1, 300, 2560, 3, 0)),  # 1 decays to 0 first
    ({}, dict(theta=100, v=2560, hold=3, current=9999), (0, 94, 2560, 2, 0)),  # decays while refractory
    ({}, dict(theta=5, v=2560, hold=1, current=9999), (0, 4, 2560, 0, 0)),  # 5 >> 4 is 0: by 1
    ({}, dict(theta=29490, v=0, hold=0, current=40000), (1, 27947, 2560, 3, 1)),  # 27647 + 5120 is 32767, which the membrane reaches
    ({}, dict(theta=29491, v=0, hold=0, current=40000), (0, 27648, 32767, 0, 1)),  # 32768 it never does
    ({}, dict(theta=32767, v=0, hold=0, current=40000), (0, 30720, 32767, 0, 1)),  # 35840, not wrapped
    ({"jump": 0}, dict(theta=0, v=0, hold=0, current=5120), (1, 0, 2560, 3, 0)),
    ({"jump": 32767}, dict(theta=9, v=0, hold=0, current=6000), (1, 32767, 2560, 3, 0)),  # 8 + 32767 is kept in the format, without a flag
    ({"jump": 32759}, dict(theta=9, v=0, hold=0, current=6000), (1, 32767, 2560, 3, 0)),
    ({"jump": 32758}, dict(theta=9, v=0, hold=0, current=6000), (1, 32766, 2560, 3, 0)),
    ({"decay": 1}, dict(theta=101, v=0, hold=0, current=0), (0, 51, 0, 0, 0)),
    ({}, dict(theta=0, v=0, hold=0, current=5000, noise=120), (1, 300, 2560, 3, 0)),
    ({"lif": CHANCE}, dict(theta=0, v=-100, hold=0, current=0, random=156), (0, 0, -99, 0, 0)),
    ({"lif": CHANCE}, dict(theta=0, v=-255, hold=0, current=0), (0, 0, -255, 0, 0)),  # no random number: down
    ({"lif": CHANCE}, dict(theta=0, v=-256, hold=0, current=0), (0, 0, -255, 0, 0))])
def test_steps_by_hand(changes, state, expected):
    assert dataclasses.replace(PLAIN, **changes).step(**state) == expected


def test_a_run_by_hand():
    # 6000 a step from 0: over 5120 at once; held 3 steps; then 2560 - 10 + 6000 = 8550, over 5120 + what is left of 300 after 4 steps.
    trace = PLAIN.run(np.full((9, 2), 6000))
    assert trace.spike[:, 0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert trace.theta[:, 1].tolist() == [300, 282, 265, 249, 534, 501, 470, 441, 714]
    assert trace.hold[:, 0].tolist() == [3, 2, 1, 0, 3, 2, 1, 0, 3] and set(trace.v[:, 0]) == {2560} and not trace.overflow.any()


def test_spikes_come_later_and_later_until_theta_is_in_balance_and_it_is_gone_when_they_stop():
    params = AdaptiveLifParams(dataclasses.replace(LIF, reset=0, refractory=0), 6, 2000)
    trace = params.run(np.full((2000, 1), 700))
    times = np.flatnonzero(trace.spike[:, 0])
    gaps = np.diff(times)
    assert gaps[0] < gaps[2] < gaps[-1] and len(set(gaps[-5:])) <= 2
    # At balance what a spike adds falls off until the next one.
    peaks = trace.theta[times, 0]
    assert abs(int(peaks[-1]) - int(peaks[-2])) <= 2000 / 20 and params.run(np.r_[np.full((200, 1), 700), np.zeros((900, 1), int)]).theta[-1, 0] == 0


@given(st.sampled_from(MODES), st.integers(-32768, 32767), st.integers(-(1 << 19), (1 << 19) - 1), st.integers(0, 3), st.integers(0, 255))
def test_with_a_jump_of_0_and_no_theta_it_is_the_plain_neuron(modes, v, current, hold, random):
    lif = dataclasses.replace(LIF, rounding=modes[0], overflow=modes[1])
    spike, theta, *rest = AdaptiveLifParams(lif, 4, 0).step(0, v, hold, current, 7, random)
    assert (spike, *rest) == lif_step(v, hold, current, 7, random, lif.constants()) and theta == 0


def test_a_run_is_its_steps_from_rest_with_flags_that_stay():
    rng = np.random.default_rng(3)
    lif = LifParams(Q8_8, 3000, -100, 40, 77, -300, 2, Rounding.STOCHASTIC, Overflow.WRAP, 10)
    params = AdaptiveLifParams(lif, 3, 5000)
    current, noise, random = rng.integers(-40000, 40000, (60, 4)), rng.integers(-999, 999, (60, 4)), rng.integers(0, 1024, (60, 4))
    trace = params.run(current, noise, random)
    for i in range(4):
        theta, v, hold, flag = 0, 40, 0, 0
        for t in range(60):
            spike, theta, v, hold, over = params.step(theta, v, hold, *(int(values[t, i]) for values in (current, noise, random)))
            flag |= over
            assert [int(values[t, i]) for values in trace] == [spike, theta, v, hold, flag]
    assert trace.spike.any() and trace.overflow[-1].all() and not trace.overflow[0].all()
    assert AdaptiveLifParams(CHANCE, 4, 300).run([[-255, 0], [0, 0]]).v.tolist() == [[-255, 0], [-255, 0]]  # no noise, and down
    assert params.run(current, 5, 9).v.tolist() == params.run(current, np.full((60, 4), 5), np.full((60, 4), 9)).v.tolist()


@pytest.mark.parametrize("changes, message", [
    ({"decay": 0}, "decay must be in 1..15 bits, not 0"), ({"decay": 16}, "decay must be in 1..15 bits, not 16"),
    ({"jump": -1}, "jump must be in 0..32767 \\(raw, q8.8\\), not -1"), ({"jump": 32768}, "jump must be in 0..32767"),
    ({"decay": 0, "jump": -1}, "(?s)decay .*jump "), ({"lif": None}, "AdaptiveLifParams.lif must be of type LifParams, not None"),
    ({"decay": True}, "AdaptiveLifParams.decay must be a whole number, not True"), ({"jump": 1.0}, "AdaptiveLifParams.jump must be a whole number")])
def test_parameters_that_cannot_be_are_refused_all_at_once(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(PLAIN, **changes)


def test_the_ends_of_all_parameters_are_taken():
    for decay, jump in itertools.product((1, 15, np.int64(15)), (0, 32767)):
        assert AdaptiveLifParams(LIF, decay, jump).constants() == AdaptiveLifConstants(LIF.constants(), int(decay), jump)
    full = 1 << 19
    assert PLAIN.run([[-full, full - 1]], [[-32768, 32767]], [[0, 255]]).v.tolist() == [[-32768, 2560]]


@pytest.mark.parametrize("inputs, message", [
    (([[1 << 19]],), "current must be in -524288..524287 \\(raw\\)"), (([[-(1 << 19) - 1]],), "current must be in"),
    (([[0]], 32768), "noise must be in -32768..32767"), (([[0]], -32769), "noise must be in"), (([[0]], 0, 256), "random must be in 0..255"),
    (([[0]], 0, -1), "random must be in"), (([[1 << 19]], 32768), "(?s)current .*noise "), (([0],), "Array current must .* in 2 dimensions"),
    (([[0.5]],), "Array current must hold whole numbers"), (([[0]], 0.5), "Array noise must hold whole numbers"),
    (([[0], [0]], [[0]]), "noise must be one number or have the shape \\(2, 1\\) of the current, not \\(1, 1\\)")])
def test_inputs_that_cannot_be_are_refused(inputs, message):
    with pytest.raises(InputError, match=message):
        PLAIN.run(*inputs)


def simulate(params, steps, **parts):
    """Outputs of the gateware one cycle after each of ``steps``."""
    lif = params.lif
    dut = AdaptiveLif(lif.format, lif.rounding, lif.overflow, params.decay, leak_fraction=lif.leak_fraction, **parts)
    assert {*params_values(params)} == {*params_shapes(lif.format, lif.leak_fraction)} < {*dut.signature.members}
    rows = [{"i_state": NEURON.state(params, step), "i_current": step.current, "i_noise": step.noise, "i_random": step.random} for step in steps]
    return [(spike, *map(state.__getitem__, dut.i_state.shape().members))
            for spike, state in clocked(dut, params_values(params), rows, ("o_spike", "o_state"))]


@pytest.mark.parametrize("modes", MODES, ids=lambda m: f"{m[0].name}-{m[1].name}".lower())
@pytest.mark.parametrize("q, parts", [(Q8_8, True), (Q8_8, False), (Q16_12, True), (QFormat(5, 2), True)], ids=str)
def test_gateware_in_amaranth_equals_the_model(q, parts, modes):
    @settings(max_examples=6, deadline=None)
    @given(st.data())
    def equal(data):
        threshold = data.draw(st.integers(q.min + 1, q.max))
        lif = LifParams(q, threshold, data.draw(st.integers(q.min, threshold - 1)), data.draw(st.integers(q.min, q.max)),
                        data.draw(st.integers(1, q.one)), None, data.draw(st.integers(0, 255)), *modes)
        params = AdaptiveLifParams(lif, data.draw(st.integers(1, MAX_DECAY)), data.draw(st.integers(0, q.max)))
        source = NEURON.stimuli(params, data.draw(st.randoms(use_true_random=False)))
        steps = [inputs if parts else inputs._replace(noise=0) for inputs, _ in itertools.islice(source, 40)]
        assert simulate(params, steps, gain=parts, noise=parts) == [golden(params, step) for step in steps]

    equal()


@pytest.mark.parametrize("params", [
    pytest.param(PLAIN, marks=pytest.mark.long), pytest.param(LOW, marks=pytest.mark.long),
    AdaptiveLifParams(LifParams(Q8_8, 5120, -300, 77, 13, -900, 3, Rounding.FLOOR, Overflow.WRAP), 15, 5000),
    AdaptiveLifParams(LifParams(Q16_12, 20 << 12, 10 << 12, leak=20, refractory=20, rounding=Rounding.STOCHASTIC, leak_fraction=16), 9, 4 << 12)],
    ids=["plain", "low", "floor-wrap", "q16.12"])
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=1500, seed=41) == 7500


@pytest.mark.parametrize("wrong", [{"decay": 5}, {"jump": 301}, {"jump": 0}, {"lif": dataclasses.replace(LIF, threshold=5121)},
                                   {"lif": dataclasses.replace(LIF, rounding=Rounding.FLOOR)}], ids=str)
def test_wrong_parameters_are_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at step .*: signal (spike|theta|v|hold|overflow), golden"):
        check(PLAIN, count=400, seed=42, model=dataclasses.replace(PLAIN, **wrong))


@pytest.mark.parametrize("wrong", [Late, Clipped, Stalling, Resting, Wrapping], ids=lambda wrong: wrong.__name__)
def test_a_wrong_model_is_rejected_in_verilator_and_what_it_is_made_from_is_right(wrong):
    params = LOW if wrong is Wrapping else PLAIN
    make = lambda kind: kind(params.lif, params.decay, params.jump)  # noqa: E731
    with pytest.raises(Mismatch, match="first divergence at step .*: signal (spike|theta), golden"):
        check(params, count=400, seed=42, model=make(wrong))
    if wrong in (Late, Wrapping):
        assert check(params, count=400, seed=42, model=make(Rewritten)) == 2000


def test_a_scoreboard_that_compared_nothing_fails():
    with pytest.raises(SpikegateError, match="compared nothing"):
        check(PLAIN, count=0, seed=43)


def test_the_compiled_step_is_that_of_plain_python():
    rng, p = np.random.default_rng(7), LOW.constants()
    for theta, v, hold, current in zip(rng.integers(0, 32768, 300).tolist(), rng.integers(-32768, 32768, 300).tolist(), [0, 0, 1] * 100,
                                       rng.integers(-9999, 9999, 300).tolist()):
        assert adaptive_lif_step(theta, v, hold, current, 0, 0, p) == adaptive_lif_step.py_func(theta, v, hold, current, 0, 0, p)


def test_stimuli_reach_every_corner():
    """Spikes on the raised threshold exactly, misses by one, sums above the format, thetas that would stall, and jumps that saturate."""
    import random
    seen = set()
    for params in (PLAIN, LOW):
        for inputs, _ in itertools.islice(NEURON.stimuli(params, random.Random(5)), 2000):
            theta, free = decayed(inputs.theta, params.decay), inputs.hold == 0
            limit, reached = params.lif.threshold + theta, lif_step(inputs.v, 0, *inputs[4:], params.lif.constants(), 1 << 20)[1]
            seen |= {name for name, here in {
                "on": free and theta and reached == limit, "below": free and theta and reached == limit - 1,
                "high": free and limit > 32767 == reached, "stall": 0 < inputs.theta < 1 << params.decay,
                "saturates": free and reached >= limit and theta + params.jump > 32767,
                "held": not free and theta}.items() if here}
            assert isinstance(inputs, Inputs)
    assert seen == {"on", "below", "high", "stall", "saturates", "held"}
