"""Bench of linear neurons: units of many structures side by side, each with its own neuron in every cycle, corners among them."""

import random
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, number, run_bench, start
from spikegate.gateware.neuron.linear import LATENCY, Linear, set_layout, state_layout
from spikegate.models.network.synapses import PORTS
from spikegate.models.neuron.linear import MAX_CURRENTS, LinearNeuron, Reset, linear_step

__all__ = ["Inputs", "Outputs", "Linears", "stimulus", "stepped", "golden", "compare", "check"]


class Inputs(NamedTuple):
    """A neuron before a step: its parameters, its state, what is due at each port, and random bits."""

    params: dict[str, int]
    state: dict[str, int]
    due: list[int]
    random: int


class Outputs(NamedTuple):
    """A neuron after a step."""

    spike: int
    state: dict[str, int]


def golden(neuron: LinearNeuron, inputs: Inputs) -> Outputs:
    """The golden model of the component; it has the states of the inputs."""
    return stepped(linear_step, neuron, inputs, ())


def stepped(step: Callable[..., int], neuron: LinearNeuron, inputs: Inputs, more: Sequence[str]) -> Outputs:
    """A compiled step of one neuron, with ``more`` states behind those of the currents."""
    rows = {"v": 0, "hold": 1, "overflow": 2, "fired": 3} | {name: 4 + k for k, name in enumerate(neuron.currents)}
    rows |= {name: 4 + MAX_CURRENTS + k for k, name in enumerate(more)}
    state = tuple(np.array([0], np.int32) for _ in range(4 + MAX_CURRENTS + len(more)))
    due = tuple(np.array([value], np.int32) for value in (inputs.due + [0, 0])[:PORTS])
    for name, value in inputs.state.items():
        state[rows[name]][0] = value
    table = np.array([[inputs.params[column.name] for column in neuron.columns]], np.int64)
    spike = step(state, 0, due, table, 0, neuron.constants(), inputs.random)
    return Outputs(spike, {name: int(state[rows[name]][0]) for name in inputs.state})


def stimulus(neuron: LinearNeuron, width: int, rng: random.Random) -> Inputs:
    """A neuron at a corner, or anywhere, or about to reach its threshold."""
    def anywhere(low: int, high: int) -> int:
        return rng.choice((low, high, min(max(0, low), high), rng.randint(low, high), rng.randint(max(low, -300), max(low, min(high, 300)))))

    q, top = neuron.format, (1 << (width - 1)) - 1
    params = {column.name: anywhere(column.least, column.most) for column in neuron.columns}
    if neuron.reset == Reset.VALUE and params["reset"] >= params["threshold"]:
        params["reset"], params["threshold"] = min(params["threshold"], q.max - 1), min(params["threshold"], q.max - 1) + 1
    near = [x + d for x in (params["threshold"], params["reset"], params["rest"]) for d in (-1, 0, 1) if q.holds(x + d)]
    state = {"v": rng.choice([*near, anywhere(q.min, q.max)]), "hold": rng.choice((0, 0, 0, 1, 2, 255)), "overflow": rng.getrandbits(1)}
    if "fired" in neuron.state:
        state["fired"] = rng.getrandbits(1)
    state |= {name: anywhere(-(1 << (bits - 1)), (1 << (bits - 1)) - 1) for name, bits in neuron.state.items() if name not in state}
    small = min(400, top)
    due = [rng.choice((0, anywhere(-top - 1, top), rng.randint(-small, small))) for _ in neuron.ports]
    if rng.random() < 0.3:
        # Nothing leaks: the input lands on the threshold or beside it.
        gap = params["threshold"] - state["v"] + rng.randint(-1, 1)
        params["leak"], params["bias"] = 0, 0
        due[0] = gap if -top <= gap <= top else 0
    return Inputs(params, state, due, rng.choice((0, (1 << neuron.leak_fraction) - 1, rng.getrandbits(neuron.leak_fraction))))


class Linears(wiring.Component):
    """A unit of each structure, all inputs of one in one port."""

    def __init__(self, neurons: Sequence[LinearNeuron], width: int) -> None:
        self.neurons, self.width = neurons, width
        super().__init__({name: member for k, each in enumerate(neurons) for name, member in (
            (f"i_{k}", In(self.before(each, width))), (f"o_{k}", Out(self.after(each))))})

    def unit(self, neuron: Any) -> Linear:
        """The unit of a structure."""
        return Linear(neuron, self.width)

    @staticmethod
    def before(neuron: LinearNeuron, width: int) -> data.StructLayout:
        """A neuron before a step."""
        return data.StructLayout({"params": set_layout(neuron), "state": state_layout(neuron),
                                  "due": data.ArrayLayout(signed(width), len(neuron.ports)), "random": neuron.leak_fraction})

    @staticmethod
    def after(neuron: LinearNeuron) -> data.StructLayout:
        """A neuron after a step."""
        return data.StructLayout({"spike": 1, "state": state_layout(neuron)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for k, neuron in enumerate(self.neurons):
            m.submodules[f"unit_{k}"] = unit = self.unit(neuron)
            before, after = getattr(self, f"i_{k}"), getattr(self, f"o_{k}")
            m.d.comb += [unit.i_state.eq(before.state), unit.i_random.eq(before.random), after.spike.eq(unit.o_spike), after.state.eq(unit.o_state),
                         *([unit.i_noise.eq(before.random)] if unit.noise else []),
                         *(getattr(unit, name).eq(before.params[name]) for name, _ in unit.params),
                         *(port.eq(before.due[at]) for at, port in enumerate(unit.i_input))]
        return m


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_steps(dut: Any) -> None:
    """Every unit against the golden model."""
    await compare(dut, stimulus, golden)


async def compare(dut: Any, stimulus: Callable[..., Inputs], golden: Callable[..., Outputs]) -> None:
    """Every unit gets a new neuron in each cycle, and gives it back two cycles later."""
    work, tally = job(), Tally()
    neurons, models, width, rng = work["params"], work["model"], work["width"], random.Random(work["seed"])
    layouts = [(Linears.before(each, width), Linears.after(each)) for each in neurons]
    await start(dut)
    pending: deque[list[Inputs] | None] = deque([None] * LATENCY)
    for step in range(work["count"] + LATENCY):
        given = [stimulus(each, width, rng) for each in neurons]
        for k, (inputs, (before, _)) in enumerate(zip(given, layouts)):
            value = before.const({"params": inputs.params, "state": inputs.state, "due": inputs.due, "random": inputs.random})
            getattr(dut, f"i_{k}").value = value.as_bits()
        pending.append(given)
        await RisingEdge(dut.clk)
        for k, inputs in enumerate(pending.popleft() or ()):
            found, expected = layouts[k][1].from_bits(number(getattr(dut, f"o_{k}"))), golden(models[k], inputs)
            item = f"step {step - LATENCY} of structure {k} ({inputs})"
            tally.compare(item, "spike", expected.spike, found.spike)
            for name, state in expected.state.items():
                tally.compare(item, name, state, found.state[name])
    tally.finish()


def check(neurons: Sequence[LinearNeuron], *, count: int, seed: int, model: Sequence[LinearNeuron] | None = None, width: int = 20) -> int:
    """Compare ``count`` steps of each structure and return the number of items compared: spike and every state; ``model`` are the golden side's.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    make = partial(Linears, tuple(neurons), width)
    return run_bench(make, __name__, list(neurons), model=None if model is None else list(model), count=count, seed=seed, width=width)
