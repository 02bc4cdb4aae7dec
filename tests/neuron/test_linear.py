"""Linear neurons: numbers by hand in the model and in the gateware, and the gateware against the model for every structure."""

import dataclasses
import itertools

import pytest
from amaranth.sim import Simulator

from spikegate.cosim.benches.linear import Inputs, Outputs, check, golden
from spikegate.gateware.neuron.linear import LATENCY, Linear
from spikegate.models.errors import Mismatch
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding

CURRENTS = ((), ("syn",), ("exc", "inh"))
KICKED = ((("syn",), True), (("exc", "inh"), True))


def structures(format, **options):
    """All orders, resets, roundings, overflows and numbers of currents."""
    return [LinearNeuron(format, rounding=rounding, overflow=overflow, order=order, reset=reset, currents=currents, kicks=kicks, **options)
            for order, reset, rounding, overflow, (currents, kicks) in itertools.product(Order, Reset, Rounding, Overflow, [
                *((each, False) for each in CURRENTS), *KICKED])
            if not (currents and rounding == Rounding.STOCHASTIC)]


SMALL = structures(Q8_8, current_format=QFormat(14, 6), decay_fraction=9, coupling_bits=7, coupling_shift=5)
WIDE = structures(Q16_12, leak_fraction=28, decay_fraction=28, coupling_bits=24, coupling_shift=0)[::3]
PLAIN = LinearNeuron(Q8_8)
CUBA = LinearNeuron(Q8_8, currents=("exc", "inh"), decay_fraction=8, coupling_bits=9, coupling_shift=8)
KICKED_CUBA = dataclasses.replace(CUBA, kicks=True)
SET = {"leak": 1, "rest": 0, "threshold": 5120, "reset": 2560, "refractory": 20, "bias": 0}
CUBA_SET = SET | {"decay_exc": 64, "coupling_exc": 256, "decay_inh": 128, "coupling_inh": 128}
#: Structure, changes of the set, state (v, hold, overflow, then what it has), inputs, and the spike and state after the step.
BY_HAND = [
    (PLAIN, {}, (0, 0, 0), (5119,), 0, (5119, 0, 0)),
    (PLAIN, {}, (0, 0, 0), (5120,), 1, (2560, 20, 0)),  # >=
    (PLAIN, {"bias": 1}, (0, 0, 0), (5119,), 1, (2560, 20, 0)),
    (PLAIN, {}, (5119, 0, 1), (0,), 0, (5099, 0, 1)),  # 5119/256 = 19.996, nearest 20; the flag stays
    (PLAIN, {}, (1234, 2, 0), (30000,), 0, (1234, 1, 0)),  # held: input is lost
    (dataclasses.replace(PLAIN, reset=Reset.SUBTRACT), {}, (0, 0, 0), (6000,), 1, (3440, 20, 0)),
    (dataclasses.replace(PLAIN, reset=Reset.SUBTRACT, overflow=Overflow.WRAP), {"threshold": -32768}, (-32768, 0, 0), (0,), 1, (30336, 20, 1)),
    # Brian2's order: the kick counts before the leak, and > is meant.
    (dataclasses.replace(PLAIN, order=Order.BRIAN2), {"leak": 0}, (0, 0, 0, 0), (5120,), 0, (5120, 0, 0, 0)),
    (dataclasses.replace(PLAIN, order=Order.BRIAN2), {"leak": 0}, (0, 0, 0, 0), (5121,), 1, (5121, 20, 0, 1)),
    (dataclasses.replace(PLAIN, order=Order.BRIAN2), {}, (5121, 20, 0, 1), (700,), 0, (2560, 19, 0, 0)),
    (dataclasses.replace(PLAIN, order=Order.BRIAN2, reset=Reset.SUBTRACT), {}, (5121, 20, 0, 1), (700,), 0, (2561, 19, 0, 0)),  # the kick is lost
    (dataclasses.replace(PLAIN, order=Order.BRIAN2, reset=Reset.SUBTRACT), {"leak": 0}, (5121, 0, 0, 1), (700,), 0, (3261, 0, 0, 0)),
    (dataclasses.replace(PLAIN, order=Order.BRIAN2), {"leak": 0}, (5000, 1, 0, 0), (700,), 0, (5000, 0, 0, 0)),  # free, and the kick is lost
    (dataclasses.replace(PLAIN, order=Order.BRIAN2), {"leak": 0}, (32000, 0, 0, 0), (1000,), 1, (32767, 20, 1, 1)),
    # Currents: kick, flow, decay; 100 + 40 flows whole, half of -60, and a quarter and a half decay.
    (CUBA, {"leak": 0}, (0, 0, 0, 100, -60), (40, 0), 0, (110, 0, 0, 105, -30)),
    (CUBA, {"leak": 0}, (0, 5, 0, 100, -60), (40, 0), 0, (0, 4, 0, 105, -30)),  # held: currents evolve
    (CUBA, {}, (0, 9, 0, 32767, 0), (1, 0), 0, (0, 8, 1, 24575, 0)),  # 32767 - round(8191.75)
    # Kicks of the membrane beside the currents: those of a held neuron are lost, in Brian2's order they come before the leak.
    (KICKED_CUBA, {"leak": 0}, (0, 0, 0, 100, -60), (40, 0, 7), 0, (117, 0, 0, 105, -30)),
    (KICKED_CUBA, {"leak": 0}, (0, 5, 0, 100, -60), (40, 0, 7), 0, (0, 4, 0, 105, -30)),
    (dataclasses.replace(KICKED_CUBA, order=Order.BRIAN2), {"leak": 128}, (0, 0, 0, 0, 100, -60), (40, 0, 80), 0, (150, 0, 0, 0, 105, -30)),
    (dataclasses.replace(KICKED_CUBA, order=Order.BRIAN2), {"leak": 0}, (0, 1, 0, 0, 100, -60), (40, 0, 80), 0, (110, 0, 0, 0, 105, -30)),
]


def inputs(neuron, changes, state, due):
    return Inputs((CUBA_SET if neuron.currents else SET) | changes, dict(zip(neuron.state, state, strict=True)), list(due), 0)


@pytest.mark.parametrize("neuron, changes, state, due, spike, after", BY_HAND)
def test_steps_by_hand(neuron, changes, state, due, spike, after):
    assert golden(neuron, inputs(neuron, changes, state, due)) == Outputs(spike, dict(zip(neuron.state, after, strict=True)))


@pytest.mark.parametrize("neuron, changes, state, due, spike, after", BY_HAND)
def test_the_gateware_steps_by_hand(neuron, changes, state, due, spike, after):
    dut, given, found = Linear(neuron, 20), inputs(neuron, changes, state, due), {}

    async def bench(ctx):
        for name, value in given.params.items():
            ctx.set(getattr(dut, name), value)
        ctx.set(dut.i_state, given.state)
        for port, value in zip(dut.i_input, given.due, strict=True):
            ctx.set(port, value)
        for _ in range(LATENCY):
            await ctx.tick()
        found.update(spike=ctx.get(dut.o_spike), state={name: ctx.get(dut.o_state[name]) for name in neuron.state})

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == {"spike": spike, "state": dict(zip(neuron.state, after, strict=True))}


@pytest.mark.parametrize("neurons, width", [
    (SMALL[::6], 18), (WIDE[::7], 32), pytest.param(SMALL, 18, marks=pytest.mark.long), pytest.param(WIDE, 32, marks=pytest.mark.long)],
    ids=["some small", "some wide", "small", "wide"])
def test_every_structure_steps_as_the_model(neurons, width):
    count = 120
    assert len(SMALL) == 88
    for some in (SMALL[::6], WIDE[::7]):  # of every choice each
        assert all({getattr(each, name) for each in some} == {getattr(each, name) for each in SMALL}
                   for name in ("order", "reset", "rounding", "overflow", "currents", "kicks"))
    assert check(neurons, count=count, seed=1, width=width) == count * sum(1 + len(each.state) for each in neurons)


ALL = [PLAIN, dataclasses.replace(PLAIN, order=Order.BRIAN2, rounding=Rounding.STOCHASTIC), CUBA,
       dataclasses.replace(CUBA, order=Order.BRIAN2, reset=Reset.SUBTRACT)]


@pytest.mark.parametrize("which, changes, signal", [
    (0, {"rounding": Rounding.FLOOR}, "v"), (0, {"overflow": Overflow.WRAP}, "(v|spike)"), (0, {"order": Order.BRIAN2}, "(v|spike)"),
    (0, {"reset": Reset.SUBTRACT}, "(v|overflow)"), (1, {"order": Order.PUBLISHED}, "(v|spike|fired)"), (1, {"rounding": Rounding.NEAREST}, "v"),
    (2, {"decay_fraction": 9}, "(exc|inh)"), (2, {"coupling_shift": 9}, "(v|spike)"), (2, {"current_format": QFormat(15, 8)}, "(exc|inh|overflow)"),
    (3, {"reset": Reset.VALUE}, "(v|overflow|spike)"), (3, {"overflow": Overflow.WRAP}, "(v|spike|exc)"), (3, {"leak_fraction": 9}, "(v|spike)")])
def test_a_wrong_model_is_rejected(which, changes, signal):
    """Negative controls, all on one simulator."""
    model = [dataclasses.replace(each, **changes) if k == which else each for k, each in enumerate(ALL)]
    with pytest.raises(Mismatch, match=rf"of structure {which} .*signal {signal},"):
        check(ALL, count=150, seed=3, model=model)
