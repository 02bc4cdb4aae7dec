"""The neuron that is stepped by hand: the tutorial's call, the model's steps, and ports that values must fit."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.models.errors import InputError
from spikegate.models.neuron.lif import LifParams, lif_step
from spikegate.models.neuron.single import FixedPointLIFNeuron
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding

MODES = list(itertools.product(Rounding, Overflow))


def test_the_tutorials_call():
    neuron = FixedPointLIFNeuron(data_width=16, fraction=8, v_threshold=5120, v_reset=2560)
    assert [neuron.step(leak_k=1, gain_k=256, I_t=2000) for _ in range(5)] == [(0, 2000), (0, 3992), (1, 2560), (0, 4550), (1, 2560)]
    assert neuron.overflow is False and neuron.v == 2560
    assert neuron.step(leak_k=1, gain_k=256, I_t=500000) == (1, 2560) and neuron.overflow is True
    assert neuron.step(leak_k=1, gain_k=256, I_t=0, noise_in=10) == (0, 2560) and neuron.overflow is True


def test_the_tutorials_neuron_in_q16_12_and_refractory():
    neuron = FixedPointLIFNeuron(data_width=32, fraction=12, v_threshold=20 << 12, v_reset=0, refractory_period=1, rounding=Rounding.NEAREST)
    assert [neuron.step(20, 4096, 50000) for _ in range(4)] == [(0, 50000), (1, 0), (0, 0), (0, 50000)]


def test_the_tutorials_neuron_may_be_clamped_at_rest_as_the_published_one():
    make = lambda period, **clamp: FixedPointLIFNeuron(v_threshold=256, v_reset=-50, v_rest=100, refractory_period=period, **clamp)  # noqa: E731
    for period in (0, 1, 3):
        rest, reset, plain = make(period, clamp="rest"), make(period, clamp="reset"), make(period)
        held = [rest.step(1, 256, 300) for _ in range(period + 2)]
        assert held == [(1, -50), *[(0, 100)] * period, (1, -50) if period else (0, 250)]  # from the rest, at once over the threshold again
        assert [reset.step(1, 256, 300) for _ in range(period + 2)] == [plain.step(1, 256, 300) for _ in range(period + 2)] == [
            (1, -50), *[(0, -50)] * period, (0, 250)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODES), st.sampled_from([(16, 8, None), (16, 8, 13), (32, 12, None), (9, 4, 20), (2, 1, 1)]), st.data())
def test_the_tutorials_neuron_makes_the_steps_of_the_model(modes, shape, data):
    q = QFormat(*shape[:2])
    threshold = data.draw(st.integers(q.min + 1, q.max))
    params = LifParams(q, threshold, data.draw(st.integers(q.min, threshold - 1)), data.draw(st.integers(q.min, q.max)),
                       refractory=data.draw(st.integers(0, 2)), rounding=modes[0], overflow=modes[1], leak_fraction=shape[2])
    neuron = FixedPointLIFNeuron(*shape[:2], threshold, params.reset, params.rest, params.refractory, *modes, shape[2])
    neuron.v = v = data.draw(st.integers(q.min, q.max))
    hold, sticky, limit = 0, 0, 1 << (params.input_width - 1)
    for _ in range(20):
        params = dataclasses.replace(params, leak=data.draw(st.sampled_from([1, 1 << params.leak_fraction])),
                                     gain=data.draw(st.sampled_from([q.one, 16 * q.one, -3])))
        current, noise = data.draw(st.integers(-limit, limit - 1) | st.integers(-q.one, q.one)), data.draw(st.integers(q.min, q.max))
        random = data.draw(st.integers(0, (1 << params.leak_fraction) - 1))
        spike, v, hold, over = lif_step(v, hold, current, noise, random, params.constants())
        sticky |= over
        assert neuron.step(params.leak, params.gain, current, noise, random) == (spike, v) and (neuron.hold, neuron.overflow) == (hold, bool(sticky))


def test_the_tutorials_neuron_by_default_and_from_rest():
    neuron = FixedPointLIFNeuron()
    assert neuron.params == LifParams(Q8_8, 5120, 0, 0, rounding=Rounding.FLOOR, overflow=Overflow.SATURATE)
    assert (neuron.v, neuron.hold, neuron.overflow) == (0, 0, False)
    assert neuron.step(1, 256, 100) == (0, 100) and neuron.step(1, 128, 3) == (0, 100)  # floor(-100/256) is -1, floor(1.5) is 1
    plain = FixedPointLIFNeuron(rounding=Rounding.STOCHASTIC)
    assert [plain.step(1, 256, current) for current in (1, 0)] == [(0, 1), (0, 0)]  # no random number: floor(-1/256) is -1
    other = FixedPointLIFNeuron(16, 8, 2000, 10, -50, 2, Rounding.STOCHASTIC, Overflow.WRAP, 10)
    assert other.params == LifParams(Q8_8, 2000, 10, -50, 1, None, 2, Rounding.STOCHASTIC, Overflow.WRAP, 10) and other.v == -50
    assert other.step(1, 256, 0) == (0, -50) and other.step(1, 256, 1, -1, 1023) == (0, -50)


@pytest.mark.parametrize("call", [dict(I_t=-(1 << 19)), dict(I_t=(1 << 19) - 1), dict(I_t=0, noise_in=-32768), dict(I_t=0, noise_in=32767),
                                  dict(I_t=0, random=0), dict(I_t=0, random=255)])
def test_the_ends_of_every_port_are_taken(call):
    neuron = FixedPointLIFNeuron()
    total = call["I_t"] + call.get("noise_in", 0)
    spike, v = neuron.step(1, 256, **call)
    assert spike == (total >= 5120) and v == (0 if spike else max(total, -32768)) and neuron.overflow == (not -32768 <= total <= 32767)


@pytest.mark.parametrize("call, message", [
    (dict(I_t=-(1 << 19) - 1), "I_t must be in"), (dict(I_t=0, noise_in=-32769), "noise_in must be in"),
    (dict(I_t=0, random=-1), "random must be in"),
    (dict(I_t=1 << 19), "I_t must be in -524288..524287"), (dict(I_t=0, noise_in=32768), "noise_in must be in -32768..32767"),
    (dict(I_t=0, random=256), "random must be in 0..255"), (dict(I_t=0, leak_k=0), "leak must be in 1..256"),
    (dict(I_t=0, gain_k=4097), "gain must be in -4096..4096")])
def test_a_step_with_a_value_that_fits_no_port_is_refused(call, message):
    neuron = FixedPointLIFNeuron()
    with pytest.raises(InputError, match=message):
        neuron.step(**{"leak_k": 1, "gain_k": 256, **call})
    assert neuron.v == 0


def test_floor_and_random_numbers_decide_at_the_last_bit():
    floor = FixedPointLIFNeuron()
    floor.v = 1
    assert [floor.step(1, 256, 0), floor.step(1, -1, 1)] == [(0, 0), (0, -1)]  # floor(-1/256) is -1, of the leak and of the input
    drawn = lambda gain, current, random: FixedPointLIFNeuron(rounding=Rounding.STOCHASTIC, leak_fraction=10).step(1, gain, current, 0, random)  # noqa: E731
    assert [drawn(255, 1, random) for random in (0, 1, 255, 256, 257)] == [(0, 0), (0, 1), (0, 1), (0, 0), (0, 1)]  # the lowest 8 bits are added
    assert drawn(1, 1, 254) == (0, 0) and drawn(2, 1, 254) == (0, 1)


def test_whole_numbers_of_numpy_are_taken_and_others_refused():
    neuron = FixedPointLIFNeuron()
    assert neuron.step(np.int64(1), 256, np.int32(100)) == (0, 100) and type(neuron.v) is int
    with pytest.raises(InputError, match="I_t"):
        neuron.step(1, 256, 0.5)


def test_a_membrane_or_a_clamp_that_is_none_is_refused():
    neuron = FixedPointLIFNeuron()
    for end in (-32768, 32767):
        neuron.v = end
        assert neuron.v == end
    for beyond in (-32769, 32768):
        with pytest.raises(InputError, match=f"v must be in -32768..32767 .raw., not {beyond}"):
            neuron.v = beyond
    assert neuron.v == 32767
    with pytest.raises(InputError, match='must be clamped at "reset" or "rest" while refractory, not \'top\''):
        FixedPointLIFNeuron(clamp="top")


@pytest.mark.parametrize("bad, at_its_end", [
    (dict(random=256), dict(I_t=-(1 << 19))), (dict(random=256), dict(I_t=(1 << 19) - 1)), (dict(I_t=1 << 19), dict(noise_in=-32768)),
    (dict(I_t=1 << 19), dict(noise_in=32767)), (dict(I_t=1 << 19), dict(random=0)), (dict(I_t=1 << 19), dict(random=255))])
def test_beside_a_bad_value_one_at_its_end_is_not_blamed(bad, at_its_end):
    with pytest.raises(InputError) as refused:
        FixedPointLIFNeuron().step(**{"leak_k": 1, "gain_k": 256, "I_t": 0, **bad, **at_its_end})
    assert str(refused.value).count("must be in") == 1 and str(refused.value).startswith(*bad)
