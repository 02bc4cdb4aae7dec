"""Bench of Izhikevich neurons: units of many structures side by side, each with its own neuron in every cycle, corners among them."""

import random
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, number, run_bench, start
from spikegate.cosim.benches.linear import Inputs, Outputs
from spikegate.gateware.neuron.izhikevich import Izhikevich
from spikegate.gateware.neuron.linear import set_layout, state_layout
from spikegate.models.neuron.izhikevich import IzhikevichNeuron, izhikevich_step

__all__ = ["LATENCY", "Izhikeviches", "stimulus", "golden", "new_membrane", "published", "check"]

LATENCY = IzhikevichNeuron.latency
ROWS = {"v": 0, "overflow": 2, "fired": 3, "u": 4}


def golden(neuron: IzhikevichNeuron, inputs: Inputs) -> Outputs:
    """The golden model of the component; it has the states of the inputs."""
    state = tuple(np.array([0], np.int32) for _ in range(5))
    for name, value in inputs.state.items():
        state[ROWS[name]][0] = value
    table = np.array([[inputs.params[column.name] for column in neuron.columns]], np.int64)
    spike = izhikevich_step(state, 0, inputs.due[0], table, 0, neuron.constants())
    return Outputs(spike, {name: int(state[ROWS[name]][0]) for name in inputs.state})


def new_membrane(neuron: IzhikevichNeuron, inputs: Inputs) -> Outputs:
    """A wrong model of the published order, whose u follows the membrane as it becomes."""
    first = golden(neuron, inputs)
    later = golden(neuron, inputs._replace(state=inputs.state | {"v": first.state["v"]}))
    return first if first.spike else Outputs(0, first.state | {"u": later.state["u"]})


def _anywhere(rng: random.Random, low: int, high: int) -> int:
    return rng.choice((low, high, min(max(0, low), high), rng.randint(low, high), rng.randint(max(low, -300), max(low, min(high, 300)))))


def stimulus(neuron: IzhikevichNeuron, width: int, rng: random.Random) -> Inputs:
    """A neuron at a corner, or anywhere, or about to reach its peak."""
    q, r, top = neuron.format, neuron.u_format, (1 << (width - 1)) - 1
    params = {column.name: _anywhere(rng, column.least, column.most) for column in neuron.columns}
    if params["c"] >= params["peak"]:
        params["c"], params["peak"] = min(params["peak"], q.max - 1), min(params["peak"], q.max - 1) + 1
    near = [x + d for x in (params["peak"], params["c"]) for d in (-1, 0, 1) if q.holds(x + d)]
    state = {"v": rng.choice([*near, _anywhere(rng, q.min, q.max)]), "u": _anywhere(rng, r.min, r.max), "overflow": rng.getrandbits(1)}
    if "fired" in neuron.state:
        state["fired"] = rng.getrandbits(1)
    small = min(400, top)
    due = rng.choice((0, _anywhere(rng, -top - 1, top), rng.randint(-small, small)))
    if rng.random() < 0.4:
        # A membrane that stays but for its input, which takes it to the peak or beside it.
        gap = params["peak"] - state["v"] + rng.randint(-1, 1)
        params |= {"square": 0, "slope": 0, "bias": 0, "d": rng.choice((0, params["d"]))}
        state["u"] = rng.choice((0, 1, -1, 1 << (r.fraction - q.fraction) >> 1))
        due = gap if -top <= gap <= top else 0
    elif rng.random() < 0.5:
        # The quadratic of the published neuron, as far as the structure holds it.
        given = published(neuron, 0.5)
        params |= {column.name: max(column.least, min(column.most, given[column.name])) for column in neuron.columns if column.name in given}
    return Inputs(params, state, [due], 0)


def published(neuron: IzhikevichNeuron, dt: float) -> dict[str, int]:
    """0.04, 5 and 140, and a and b of a regular spiking neuron, for a step in ms."""
    v, u = neuron.format.fraction, neuron.u_format.fraction
    return {"square": round(0.04 * dt * 2 ** (neuron.slope_fraction + neuron.square_shift - v)), "slope": round(5 * dt * 2**neuron.slope_fraction),
            "bias": round(140 * dt * 2**v), "a": round(0.02 * dt * 2**neuron.a_fraction), "b": round(0.2 * dt * 2 ** (u - v + neuron.b_shift))}


class Izhikeviches(wiring.Component):
    """A unit of each structure, all inputs of one in one port."""

    def __init__(self, neurons: Sequence[IzhikevichNeuron], width: int) -> None:
        self.neurons, self.width = neurons, width
        super().__init__({name: member for k, each in enumerate(neurons) for name, member in (
            (f"i_{k}", In(self.before(each, width))), (f"o_{k}", Out(self.after(each))))})

    @staticmethod
    def before(neuron: IzhikevichNeuron, width: int) -> data.StructLayout:
        """A neuron before a step."""
        return data.StructLayout({"params": set_layout(neuron), "state": state_layout(neuron), "due": signed(width)})

    @staticmethod
    def after(neuron: IzhikevichNeuron) -> data.StructLayout:
        """A neuron after a step."""
        return data.StructLayout({"spike": 1, "state": state_layout(neuron)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for k, neuron in enumerate(self.neurons):
            m.submodules[f"unit_{k}"] = unit = Izhikevich(neuron, self.width)
            before, after = getattr(self, f"i_{k}"), getattr(self, f"o_{k}")
            m.d.comb += [unit.i_state.eq(before.state), unit.i_input[0].eq(before.due), after.spike.eq(unit.o_spike),
                         after.state.eq(unit.o_state), *(getattr(unit, name).eq(before.params[name]) for name, _ in unit.params)]
        return m


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_steps(dut: Any) -> None:
    """Every unit gets a new neuron in each cycle, and gives it back four cycles later."""
    work, tally = job(), Tally()
    neurons, models, width, rng = work["params"], work["model"], work["width"], random.Random(work["seed"])
    layouts = [(Izhikeviches.before(each, width), Izhikeviches.after(each)) for each in neurons]
    expect = new_membrane if work["late"] else golden
    await start(dut)
    pending: deque[list[Inputs] | None] = deque([None] * LATENCY)
    for step in range(work["count"] + LATENCY):
        given = [stimulus(each, width, rng) for each in neurons]
        for k, (inputs, (before, _)) in enumerate(zip(given, layouts)):
            value = before.const({"params": inputs.params, "state": inputs.state, "due": inputs.due[0]})
            getattr(dut, f"i_{k}").value = value.as_bits()
        pending.append(given)
        await RisingEdge(dut.clk)
        for k, inputs in enumerate(pending.popleft() or ()):
            found, expected = layouts[k][1].from_bits(number(getattr(dut, f"o_{k}"))), expect(models[k], inputs)
            item = f"step {step - LATENCY} of structure {k} ({inputs})"
            tally.compare(item, "spike", expected.spike, found.spike)
            for name, state in expected.state.items():
                tally.compare(item, name, state, found.state[name])
    tally.finish()


def check(neurons: Sequence[IzhikevichNeuron], *, count: int, seed: int, model: Sequence[IzhikevichNeuron] | None = None, width: int = 20,
          late: bool = False) -> int:
    """Compare ``count`` steps of each structure and return the number of items compared: spike and every state; ``model`` are the golden side's,
    and ``late`` makes its u follow the new membrane.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    make = partial(Izhikeviches, tuple(neurons), width)
    return run_bench(make, __name__, list(neurons), model=None if model is None else list(model), count=count, seed=seed, width=width, late=late)
