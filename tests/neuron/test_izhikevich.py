"""Izhikevich neurons: steps by hand, the gateware against the model, wrong models that the bench rejects, and what a structure refuses.

(`tests/translator/test_izhikevich.py` is about V5, the same equations in floats.)
"""

import dataclasses
import itertools
import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from spikegate.cosim.benches import izhikevich
from spikegate.cosim.benches.izhikevich import LATENCY, check, golden
from spikegate.cosim.benches.linear import Inputs, Outputs
from spikegate.gateware.neuron.izhikevich import Izhikevich
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.neuron.izhikevich import IzhikevichNeuron, izhikevich_step, izhikevich_steps
from spikegate.models.neuron.linear import Order
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding

SMALL = [IzhikevichNeuron(QFormat(12, 4), QFormat(11, 6), 8, 7, 5, 7, 6, 3, *rest)
         for rest in itertools.product((Rounding.FLOOR, Rounding.NEAREST), Overflow, Order)]
WIDE = [IzhikevichNeuron(QFormat(30, 8), QFormat(32, 22), 24, 24, 24, 28, 24, 21, *rest)
        for rest in ((Rounding.FLOOR, Overflow.WRAP, Order.BRIAN2), (Rounding.NEAREST, Overflow.SATURATE, Order.PUBLISHED))]
#: One bit of a product of square is 2^-2 of slope, which has two; u has two bits more than v.
PLAIN = IzhikevichNeuron(QFormat(12, 2), QFormat(16, 4), slope_fraction=2, square_bits=4, square_shift=2, a_fraction=2, b_bits=4, b_shift=1)
BRIAN2 = dataclasses.replace(PLAIN, order=Order.BRIAN2)
FLOOR = dataclasses.replace(PLAIN, rounding=Rounding.FLOOR)
SET = {"square": 2, "slope": 1, "bias": 5, "a": 1, "b": 3, "c": -20, "d": 9, "peak": 100}
#: Structure, changes of the set, state (v, u, overflow, then fired), input, and the spike and state after the step.
BY_HAND = [
    # slope' = round(10 * 2 / 4) + 1 = 6; v' = 10 + 60 / 4 - round(7 / 4) + 5; u' = 7 + round((15 - 7) / 4).
    (PLAIN, {}, (10, 7, 0), 0, 0, (28, 9, 0)),
    (PLAIN, {}, (10, 7, 1), 71, 0, (99, 9, 1)),
    (PLAIN, {}, (10, 7, 0), 72, 1, (-20, 18, 0)),  # at the peak; d is added to the new u
    # Halves up: round(11 * 2 / 4) = 6, 7 * 11 / 4 = 19.25, 2 less of u, 33 / 2 to 17 and (17 - 6) / 4 to 3; or down: 6 * 11 / 4, 1, 16, 2.
    (PLAIN, {}, (11, 6, 0), 0, 0, (33, 9, 0)),
    (FLOOR, {}, (11, 6, 0), 0, 0, (31, 8, 0)),
    (PLAIN, {"b": -8, "a": 4}, (-3, 50, 0), -4, 0, (-15, 12, 0)),
    # In the line before, slope' = round(-1.5) + 1 = 0; v - round(12.5) + 5 - 4; u goes all the way to b v = 12
    (PLAIN, {"peak": 2047}, (2047, 0, 0), 0, 1, (-20, 777, 1)),
    (dataclasses.replace(PLAIN, overflow=Overflow.WRAP), {"square": 0, "slope": 0, "bias": 0, "a": 0}, (2000, 0, 0), 48, 0, (-2048, 0, 1)),
    (PLAIN, {"a": 0, "d": 32767}, (10, 7, 0), 72, 1, (-20, 32767, 1)),
    # Brian2's order: the kick comes first, and changes what is squared; above the peak; then the reset, after the next kick, which is lost.
    (BRIAN2, {}, (8, 7, 0, 0), 2, 0, (28, 9, 0, 0)),
    (BRIAN2, {"bias": 77}, (10, 7, 0, 0), 0, 0, (100, 9, 0, 0)),
    (BRIAN2, {"bias": 78}, (10, 7, 0, 0), 0, 1, (101, 9, 0, 1)),
    (BRIAN2, {"c": 10}, (101, -2, 0, 1), 30, 0, (28, 9, 0, 0)),
    (BRIAN2, {"c": 10}, (101, -2, 0, 1), 2000, 0, (28, 9, 1, 0)),  # a kick that is lost may overflow
]


def inputs(neuron, changes, state, due):
    return Inputs(SET | changes, dict(zip(neuron.state, state, strict=True)), [due], 0)


@pytest.mark.parametrize("neuron, changes, state, due, spike, after", BY_HAND)
def test_steps_by_hand(neuron, changes, state, due, spike, after):
    assert golden(neuron, inputs(neuron, changes, state, due)) == Outputs(spike, dict(zip(neuron.state, after, strict=True)))


@pytest.mark.parametrize("neuron, changes, state, due, spike, after", BY_HAND)
def test_the_gateware_steps_by_hand(neuron, changes, state, due, spike, after):
    dut, given, found = Izhikevich(neuron, 20), inputs(neuron, changes, state, due), {}

    async def bench(ctx):
        for name, value in given.params.items():
            ctx.set(getattr(dut, name), value)
        ctx.set(dut.i_state, given.state)
        ctx.set(dut.i_input[0], due)
        for _ in range(LATENCY):
            await ctx.tick()
        found.update(spike=ctx.get(dut.o_spike), state={name: ctx.get(dut.o_state[name]) for name in neuron.state})

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == {"spike": spike, "state": dict(zip(neuron.state, after, strict=True))}


@pytest.mark.parametrize("neurons, width", [(SMALL, 14), (WIDE, 32)], ids=["small", "wide"])
def test_every_structure_steps_as_the_model(neurons, width):
    count = 400
    assert check(neurons, count=count, seed=1, width=width) == count * sum(1 + len(each.state) for each in neurons)


def test_the_stimuli_reach_what_they_are_for():
    """Spikes and none at the peak itself, overflows by either state, resets of the step before."""
    rng, seen = random.Random(1), {"spike": 0, "silent": 0, "at the peak": 0, "overflow": 0, "fired": 0}
    for _ in range(300):
        for neuron in SMALL:
            given = izhikevich.stimulus(neuron, 14, rng)
            after = golden(neuron, given)
            seen["spike" if after.spike else "silent"] += 1
            seen["at the peak"] += after.state["v"] == given.params["peak"]
            seen["overflow"] += after.state["overflow"] > given.state["overflow"]
            seen["fired"] += given.state.get("fired", 0)
    assert min(seen.values()) > 40, seen


ALL = [PLAIN, BRIAN2, SMALL[-1]]


@pytest.mark.parametrize("which, changes, signal", [
    (0, {"rounding": Rounding.FLOOR}, "(v|u)"), (0, {"overflow": Overflow.WRAP}, "(v|u|spike)"), (0, {"order": Order.BRIAN2}, "(v|u|spike)"),
    (0, {"square_shift": 3}, "(v|spike)"), (1, {"order": Order.PUBLISHED}, "(v|u|spike|fired)"), (1, {"slope_fraction": 3}, "(v|spike)"),
    (1, {"b_shift": 2}, "u"), (2, {"a_fraction": 6}, "u"), (2, {"u_format": QFormat(11, 5)}, "(v|u|spike)"),
    (2, {"u_format": QFormat(10, 6)}, "(u|overflow)")])
def test_a_wrong_model_is_rejected(which, changes, signal):
    """Negative controls, all on one simulator."""
    model = [dataclasses.replace(each, **changes) if k == which else each for k, each in enumerate(ALL)]
    with pytest.raises(Mismatch, match=rf"of structure {which} .*signal {signal},"):
        check(ALL, count=150, seed=3, model=model)


def test_a_u_that_follows_the_new_membrane_is_rejected():
    """Negative control: both states are updated from their old values."""
    with pytest.raises(Mismatch, match="signal u,"):
        check(ALL[:1], count=150, seed=3, late=True)


@pytest.mark.parametrize("neuron", SMALL, ids=lambda n: f"{n.rounding.name}-{n.overflow.name}-{n.order.name}")
def test_many_neurons_step_as_one_does(neuron):
    rng, n, spikes = np.random.default_rng(3), 50, 0
    sets = np.array([[rng.integers(least, most + 1) for _, least, most in neuron.columns] for _ in range(n)])
    sets[:, 5:] = np.sort(sets[:, 5:], axis=1)[:, [0, 1, 2]]
    one, many = (tuple(np.zeros(n, np.int32) for _ in range(6)) for _ in range(2))
    spiked, place = np.zeros(n, np.uint8), np.arange(n)[::-1].copy()
    for _ in range(30):
        given = rng.integers(-300, 300, n).astype(np.int32)
        izhikevich_steps((0, n), many, given, sets, place, neuron.constants(), spiked)
        found = [izhikevich_step.py_func(one, i, np.int64(given[i]), sets, place[i], neuron.constants()) for i in range(n)]
        assert found == spiked.tolist() and all(np.array_equal(a, b) for a, b in zip(one, many))
        spikes += sum(found)
    assert 20 < spikes < 30 * n - 20


@pytest.mark.parametrize("options, said", [
    ({"slope_fraction": 25}, "slope_fraction must be in 1..24, not 25"), ({"square_bits": 0}, "square_bits must be in 1..24, not 0"),
    ({"square_shift": 41}, "square_shift must be in 0..40, not 41"), ({"a_fraction": 29}, "a_fraction must be in 1..28, not 29"),
    ({"b_bits": 1}, "b_bits must be in 2..24, not 1"), ({"b_shift": -1}, "b_shift must be in 0..40, not -1"),
    ({"rounding": Rounding.STOCHASTIC}, "must be floor or nearest, not stochastic"),
    ({"u_format": QFormat(16, 7)}, "u_format must have at least the 8 fraction bits of the membrane, not 7"),
    ({"format": QFormat(32, 8), "square_bits": 16, "square_shift": 18}, "square_shift must be at most 61, not 62, .* use a larger square_shift"),
    ({"b_bits": 22, "a_fraction": 24, "b_shift": 0}, "b_shift must be at most 61, not 62"),
])
def test_what_a_structure_refuses(options, said):
    with pytest.raises(InputError, match=said):
        IzhikevichNeuron(**{"format": Q8_8, **options})
