"""Linear neurons that adapt: numbers by hand in the model and in the gateware, the gateware against the model, and what a structure refuses."""

import dataclasses
import itertools

import pytest
from amaranth.sim import Simulator

from spikegate.cosim.benches.adaptive_linear import check, golden
from spikegate.cosim.benches.linear import Inputs, Outputs
from spikegate.gateware.neuron.adaptive_linear import AdaptiveLinear
from spikegate.gateware.neuron.linear import LATENCY
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.linear import Order, Reset
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding

FINE, SMALL_W = QFormat(20, 10), QFormat(14, 8)
#: Theta and w of a structure.
BOTH = {"theta_format": FINE, "theta_fraction": 8, "w_format": SMALL_W, "w_fraction": 9}
PLAIN = AdaptiveLinearNeuron(Q8_8, coupling_bits=9, coupling_shift=8, slope=True, **BOTH)
BRIAN2 = dataclasses.replace(PLAIN, order=Order.BRIAN2)
#: Theta halves and w loses a quarter in each step; half of w flows, and a quarter of what the membrane has above its rest goes into it.
SET = {"leak": 0, "rest": 0, "threshold": 1000, "reset": 0, "refractory": 3, "bias": 0, "jump_theta": 400, "decay_theta": 128, "jump_w": 60,
       "decay_w": 128, "coupling_w": 128, "slope_w": 64}
#: Structure, changes of the set, state (v, hold, overflow, then what it has), input, and the spike and state after the step.
BY_HAND = [
    # Theta has two bits more than the membrane: 800 / 2 = 400 raise the threshold by 100.
    (PLAIN, {}, (0, 0, 0, 800, 0), 1099, 0, (1099, 0, 0, 400, 0)),
    (PLAIN, {}, (0, 0, 0, 800, 0), 1100, 1, (0, 3, 0, 800, 60)),  # >=, and theta and w jump
    (PLAIN, {}, (0, 0, 0, 802, 0), 1100, 0, (1100, 0, 0, 401, 0)),  # 100.25 above
    (PLAIN, {}, (0, 0, 0, -802, 0), 900, 1, (0, 3, 0, -1, 60)),  # -100.25 (401 is subtracted, -401 left): 900 is at least 899.75
    (PLAIN, {}, (0, 2, 0, 800, 100), 5000, 0, (0, 1, 0, 400, 75)),  # held: both decay
    (PLAIN, {"rest": -40}, (0, 2, 0, 0, 100), 0, 0, (0, 1, 0, 0, 85)),  # and the membrane drives w: 40 / 4
    (PLAIN, {}, (200, 0, 0, 0, 100), 0, 0, (150, 0, 0, 0, 125)),  # from the values before: 200 - 100 / 2, 100 - 25 + 200 / 4
    (PLAIN, {"jump_w": 8000}, (0, 0, 0, 0, 400), 1300, 1, (0, 3, 1, 400, 8191)),  # saturates, and says so
    # Brian2's order: the reset and the jump of the step before come first, then theta decays and is compared, with >.
    (BRIAN2, {}, (0, 0, 0, 0, 800, 0), 1100, 0, (1100, 0, 0, 0, 400, 275)),
    (BRIAN2, {}, (0, 0, 0, 0, 800, 0), 1101, 1, (1101, 3, 0, 1, 400, 275)),
    (BRIAN2, {}, (1101, 3, 0, 1, 400, 275), 700, 0, (0, 2, 0, 0, 400, 251)),  # (400 + 400) / 2; 335 - 84 (83.75), nothing from a membrane at rest
    (BRIAN2, {"slope_w": -64}, (400, 0, 0, 0, 0, 100), 0, 0, (350, 0, 0, 0, 0, -25)),
]


def inputs(neuron, changes, state, due):
    return Inputs(SET | changes, dict(zip(neuron.state, state, strict=True)), [due], 0)


@pytest.mark.parametrize("neuron, changes, state, due, spike, after", BY_HAND)
def test_steps_by_hand(neuron, changes, state, due, spike, after):
    assert golden(neuron, inputs(neuron, changes, state, due)) == Outputs(spike, dict(zip(neuron.state, after, strict=True)))


@pytest.mark.parametrize("neuron, changes, state, due, spike, after", BY_HAND)
def test_the_gateware_steps_by_hand(neuron, changes, state, due, spike, after):
    dut, given, found = AdaptiveLinear(neuron, 20), inputs(neuron, changes, state, due), {}

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


#: All orders, resets and overflows, with theta, w, w with a slope, and both; a current in every second, beside which the membrane is kicked.
ADAPTED = [{"theta_format": FINE, "theta_fraction": 9}, {"w_format": QFormat(12, 4), "w_fraction": 6}, {**BOTH, "slope": True}]
STRUCTURES = [
    AdaptiveLinearNeuron(Q8_8, 9, (Rounding.FLOOR, Rounding.NEAREST)[k // 2 % 2], overflow, order, reset, ("syn",) * (k % 2), QFormat(14, 6),
                         decay_fraction=9, coupling_bits=7, coupling_shift=5, kicks=k % 4 == 3, **adapted)
    for k, (adapted, order, reset, overflow) in enumerate(itertools.product(ADAPTED, Order, Reset, Overflow))]
WIDE = AdaptiveLinearNeuron(QFormat(32, 1), 28, currents=("exc", "inh"), current_format=Q16_12, decay_fraction=28, coupling_bits=24, coupling_shift=0,
                            theta_format=QFormat(32, 22), theta_fraction=28, w_format=Q16_12, w_fraction=28, slope=True)
ALL = [*STRUCTURES, WIDE]


def test_every_structure_steps_as_the_model():
    assert check(ALL, count=100, seed=1, width=32) == 100 * sum(1 + len(each.state) for each in ALL)


@pytest.mark.parametrize("which, changes, signal", [
    (0, {"theta_fraction": 8}, "(theta|spike)"), (0, {"theta_format": QFormat(20, 11)}, "(v|spike)"), (0, {"order": Order.BRIAN2}, "."),
    (8, {"w_fraction": 7}, "w"), (16, {"slope": False}, "w"), (16, {"overflow": Overflow.WRAP}, "."),
    (20, {"w_format": QFormat(13, 8)}, "(w|overflow)"), (20, {"rounding": Rounding.NEAREST}, ".")])
def test_a_wrong_model_is_rejected(which, changes, signal):
    """Negative controls, all on one simulator."""
    assert all(getattr(ALL[which], name) != value for name, value in changes.items())
    model = [dataclasses.replace(each, **changes) if k == which else each for k, each in enumerate(ALL)]
    with pytest.raises(Mismatch, match=rf"of structure {which} .*signal {signal}"):
        check(ALL, count=60, seed=1, model=model, width=32)


@pytest.mark.parametrize("options, said", [
    ({"theta_format": None, "w_format": None, "slope": False}, "must have a theta_format or a w_format"),
    ({"theta_format": QFormat(20, 7)}, "theta_format must have at least the 8 fraction bits"),
    ({"w_format": None}, "A slope must have a w_format"), ({"theta_fraction": 29}, "theta_fraction must be in 1..28, not 29"),
    ({"w_fraction": 0}, "w_fraction must be in 1..28, not 0"), ({"currents": ("theta",)}, "must not be named theta"),
    ({"currents": ("w",)}, "must not be named w"), ({"rounding": Rounding.STOCHASTIC}, "Rounding must be floor or nearest"),
    ({"slope": 1}, "slope"), ({"kicks": True}, "Kicks must be False"), ({"theta_format": 12}, "theta_format")])
def test_what_a_structure_refuses(options, said):
    with pytest.raises(InputError, match=said):
        dataclasses.replace(PLAIN, **options)
