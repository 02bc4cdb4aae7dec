"""Linear neurons in integers: numbers by hand, the passes over many against the step of one, and what a structure refuses."""

import itertools

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.network.synapses import PORTS
from spikegate.models.neuron.linear import MAX_CURRENTS, LinearNeuron, Order, Reset, linear_step
from spikegate.models.neuron.linear_steps import linear_steps
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding

STRUCTURES = [
    LinearNeuron(QFormat(12, 5), 9, rounding, overflow, order, reset, currents, QFormat(10, 4), 7, 5, 6, kicks)
    for rounding, overflow, order, reset, (currents, kicks) in itertools.product(
        (Rounding.FLOOR, Rounding.NEAREST), Overflow, Order, Reset, [((), False), (("exc",), False), (("exc", "inh"), False), (("exc",), True),
                                                                     (("exc", "inh"), True)])]


def made(n, **values):
    """State and inputs of ``n`` neurons."""
    state = tuple(np.zeros(n, np.int32) for _ in range(4 + MAX_CURRENTS))
    for name, value in values.items():
        state[("v", "hold", "overflow", "fired", "c0", "c1").index(name)][:] = value
    return state, tuple(np.zeros(n, np.int32) for _ in range(PORTS))


def stepped(neuron, state, inputs, table, random=0):
    return [linear_step(state, i, inputs, np.array(table, np.int64), 0, neuron.constants(), random) for i in range(len(state[0]))]


def test_the_published_order_by_hand():
    # Rest 0, leak 1/4, threshold 100, reset 10, refractory 1.
    neuron, table = LinearNeuron(Q8_8, 8), [[64, 0, 100, 10, 1, 0]]
    (state, inputs) = made(4, v=[96, 96, -6, 40])
    inputs[0][:] = [28, 27, 0, 3]
    # 96 - 24 + 28 = 100 spikes; 99 does not; -6 + round(1.5) = -4; 40 - 10 + 3.
    assert stepped(neuron, state, inputs, table) == [1, 0, 0, 0]
    assert state[0].tolist() == [10, 99, -4, 33] and state[1].tolist() == [1, 0, 0, 0] and not state[3].any()
    inputs[0][:] = 500
    assert stepped(neuron, state, inputs, table) == [0, 1, 1, 1]  # held: the input is lost
    assert state[0].tolist() == [10, 10, 10, 10] and state[1].tolist() == [0, 1, 1, 1]


def test_brian2s_order_by_hand():
    neuron, table = LinearNeuron(Q8_8, 8, order=Order.BRIAN2), [[64, 0, 100, 10, 1, 0]]
    (state, inputs) = made(3, v=[96, 132, 134])
    inputs[0][:] = [40, 0, 1]
    # The kick leaks before it is compared: 136 - 34 = 102; 132 - 33 = 99; 135 - 34 (33.75, to nearest) = 101. Equality does not fire.
    assert stepped(neuron, state, inputs, table) == [1, 0, 1]
    assert state[0].tolist() == [102, 99, 101] and state[3].tolist() == [1, 0, 1]  # the reset comes with the next step's input
    inputs[0][:] = 50
    assert stepped(neuron, state, inputs, table) == [0, 1, 0]
    # What arrived in the step of the spike was lost; refractory for one step there is none here: 10 - 2 (2.5, to nearest).
    assert state[0].tolist() == [8, 112, 8] and state[1].tolist() == [0, 1, 0]
    inputs[0][:] = 30
    assert stepped(neuron, state, inputs, table) == [0, 0, 0]
    assert state[0].tolist() == [29, 8, 29]  # 38 - 9 (9.5, to nearest)


def test_a_kick_while_held_is_lost_in_brian2s_order():
    neuron, table = LinearNeuron(Q8_8, 8, order=Order.BRIAN2), [[0, 0, 100, 10, 3, 0]]
    (state, inputs) = made(3, v=10)
    state[1][:] = [2, 1, 0]
    inputs[0][:] = 95
    assert stepped(neuron, state, inputs, table) == [0, 0, 1]
    assert state[0].tolist() == [10, 10, 105] and state[1].tolist() == [1, 0, 3]
    assert stepped(neuron, state, inputs, table) == [0, 1, 0]  # the second is free again


def test_a_reset_by_subtraction_by_hand():
    for order, least in ((Order.PUBLISHED, 100), (Order.BRIAN2, 101)):
        neuron, table = LinearNeuron(Q8_8, 8, order=order, reset=Reset.SUBTRACT), [[0, 0, 100, 100, 0, 0]]
        (state, inputs) = made(2, v=[60, 60])
        inputs[0][:] = [least - 60, least - 61]
        assert stepped(neuron, state, inputs, table) == [1, 0]
        inputs[0][:] = 0
        stepped(neuron, state, inputs, table)
        assert state[0].tolist() == [least - 100, least - 1]


def test_currents_by_hand():
    # Current 40, kicked by 24: flow 64 * 8 / 2^6 = 8, decay 64 * 32 / 2^7 = 16.
    neuron = LinearNeuron(Q8_8, 8, currents=("exc", "inh"), current_format=Q8_8, decay_fraction=7, coupling_bits=4, coupling_shift=6)
    table = [[64, 0, 1000, 10, 0, 5, 32, 8, 128, 15]]
    (state, inputs) = made(1, v=100, c0=40, c1=-10)
    inputs[0][:], inputs[1][:] = 24, -22
    stepped(neuron, state, inputs, table)
    # -32 * 15 / 64 = -7.5, to -7; all of it decays. 100 - 25 + 8 - 7 + 5.
    assert [each[0] for each in state] == [81, 0, 0, 0, 48, 0]


def title(neuron):
    return "-".join([neuron.rounding.name, neuron.overflow.name, neuron.order.name, neuron.reset.name, neuron.kind, *neuron.currents])


@pytest.mark.parametrize("neuron", STRUCTURES, ids=title)
@pytest.mark.parametrize("alike", [True, False])
def test_the_passes_over_many_neurons_are_the_step_of_one(neuron, alike):
    random, n, fired = np.random.default_rng(len(neuron.currents)), 203, 0
    top = neuron.columns[3].least
    sets = np.array([[random.integers(low, high + 1) for _, low, high in neuron.columns] for _ in range(1 if alike else n)])
    sets[:, 0] = random.integers(0, 60, len(sets))
    sets[:, 2], sets[:, 3] = random.integers(100, 900, len(sets)), random.integers(max(top, -800), 99, len(sets))
    sets[:, 4], sets[:, 5] = random.integers(0, 4, len(sets)), random.integers(-40, 40, len(sets))
    (one, inputs), (many, _) = made(n), made(n)
    for state in (one, many):
        state[0][:] = np.random.default_rng(5).integers(-2048, 2048, n)
    place = np.zeros(n, np.int64) if alike else np.arange(n)
    spiked, flow, constants, overflowed = np.zeros(n, np.uint8), np.empty(n, np.int64), neuron.constants(), 0
    for _ in range(40):
        one[2][:] = many[2][:] = 0
        for each in inputs:
            each[:] = random.integers(-1500, 1500, n) * random.integers(0, 2, n)
        spikes = [linear_step(one, i, inputs, sets, place[i], constants, 0) for i in range(n)]
        flow[:] = 0
        linear_steps((0, n), many, inputs, np.ascontiguousarray(sets.T), (0, len(sets)), constants, flow, spiked)
        assert spikes == spiked.tolist()
        for a, b in zip(one, many):
            assert np.array_equal(a, b)
        fired, overflowed = fired + sum(spikes), overflowed + int(one[2].sum())
    assert fired > 20 and 20 < overflowed < 40 * n - 20


@pytest.mark.parametrize("options, said", [
    ({"leak_fraction": 29}, "leak_fraction must be in 1..28, not 29"),
    ({"decay_fraction": 0}, "decay_fraction must be in 1..28, not 0"),
    ({"coupling_bits": 25}, "coupling_bits must be in 1..24, not 25"),
    ({"coupling_shift": 41}, "coupling_shift must be in 0..40, not 41"),
    ({"currents": ("a", "b", "c")}, "Currents must be at most 2 different names"),
    ({"currents": ("exc", "exc")}, "Currents must be at most 2 different names"),
    ({"kicks": True}, "Kicks must be False without currents"),
    ({"currents": ("hold",)}, "Currents must be at most 2 different names"),
    ({"currents": ("exc",), "rounding": Rounding.STOCHASTIC}, "Rounding must be floor or nearest for a neuron with currents"),
])
def test_what_a_structure_refuses(options, said):
    with pytest.raises(InputError, match=said):
        LinearNeuron(Q8_8, **options)
