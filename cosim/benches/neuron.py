"""Bench of any neuron in pyuvm: a sequence of its stimuli, a driver, a monitor and a scoreboard that counts.

A neuron's own bench describes it as a `Neuron` and derives its two tests, `NeuronAgrees` and one with a wrong prediction.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from amaranth.lib import data

from spikegate.cosim.benches.bench import FallingEdge, RisingEdge, Tally, cocotb, job, number, start
from spikegate.models.errors import SpikegateError
from spikegate.models.hints import lacking

try:
    import pyuvm
    from pyuvm import (
        ConfigDB,
        uvm_analysis_port,
        uvm_driver,
        uvm_env,
        uvm_monitor,
        uvm_sequence,
        uvm_sequence_item,
        uvm_sequencer,
        uvm_subscriber,
        uvm_test,
    )
except ModuleNotFoundError as error:
    raise lacking(error.name, "sim") from None

__all__ = ["Neuron", "NeuronAgrees", "pyuvm"]

STALL = 0.2


@dataclass(frozen=True)
class Neuron:
    """What the bench has to know of a neuron; ``params`` below are its own.

    Parameters
    ----------
    inputs, outputs : type
        NamedTuples: the state's fields, then current, noise and random; the spike, then the state's fields.
    golden : callable
        The golden model of the component: ``golden(params, inputs)`` gives outputs.
    stimuli : callable
        ``stimuli(params, rng)`` gives ``(inputs, follow)`` without end; where ``follow``, the state is that which the neuron has reached.
    layout : callable
        Layout of the component's state for ``params``.
    values : callable
        Values of the ports that hold ``params``.
    """

    inputs: Callable[..., Any]
    outputs: Callable[..., Any]
    golden: Callable[[Any, Any], Any]
    stimuli: Callable[[Any, random.Random], Iterator[tuple[Any, bool]]]
    layout: Callable[[Any], data.StructLayout]
    values: Callable[[Any], dict[str, int]]

    def state(self, params: Any, of: Any) -> dict[str, int]:
        """The state among inputs or outputs, by field."""
        return {name: getattr(of, name) for name in self.layout(params).members}

    def bits(self, params: Any, of: Any) -> int:
        """The state among inputs or outputs, as it stands on a port."""
        return int(self.layout(params).const(self.state(params, of)).as_bits())


class Item(uvm_sequence_item):
    """One step of one neuron."""

    def __init__(self, inputs: Any, follow: bool) -> None:
        super().__init__("item")
        self.inputs, self.follow = inputs, follow


class Steps(uvm_sequence):
    """As many stimuli as the job asks for."""

    async def body(self) -> None:
        work, neuron = (ConfigDB().get(None, "", name) for name in ("WORK", "NEURON"))
        source = neuron.stimuli(work["params"], random.Random(work["seed"]))
        for _ in range(work["count"]):
            item = Item(*next(source))
            await self.start_item(item)
            await self.finish_item(item)


class Bus:
    """The neuron's ports as plain integers; ``active`` while a step is on them."""

    def __init__(self, dut: Any, neuron: Neuron, params: Any) -> None:
        self.dut, self.neuron, self.params, self.active = dut, neuron, params, False
        self.layout = neuron.layout(params)

    async def reset(self) -> None:
        """Reset, then set the parameters that are held still."""
        await start(self.dut)
        for name, value in self.neuron.values(self.params).items():
            getattr(self.dut, name).value = value

    def put(self, inputs: Any) -> None:
        """Drive one step."""
        self.dut.i_state.value, self.dut.i_random.value = self.neuron.bits(self.params, inputs), inputs.random
        self.dut.i_current.value, self.dut.i_noise.value = inputs.current, inputs.noise

    def _state(self, port: Any) -> list[int]:
        state = self.layout.from_bits(number(port))
        return [state[name] for name in self.layout.members]

    def inputs(self) -> Any:
        """What stands on the inputs."""
        dut = self.dut
        return self.neuron.inputs(*self._state(dut.i_state), number(dut.i_current, signed=True), number(dut.i_noise, signed=True),
                                  number(dut.i_random))

    def outputs(self) -> Any:
        """What stands on the outputs."""
        return self.neuron.outputs(number(self.dut.o_spike), *self._state(self.dut.o_state))


class Driver(uvm_driver):
    """Puts an item on the ports at a falling edge, after pauses in which the ports hold something else."""

    async def run_phase(self) -> None:
        work, bus, neuron = (ConfigDB().get(self, "", name) for name in ("WORK", "BUS", "NEURON"))
        rng, source = random.Random(work["seed"] + 1), neuron.stimuli(work["params"], random.Random(work["seed"] + 2))
        await bus.reset()
        while True:
            item = await self.seq_item_port.get_next_item()
            await FallingEdge(bus.dut.clk)
            while not item.follow and rng.random() < STALL:
                bus.active = False
                bus.put(next(source)[0])
                await FallingEdge(bus.dut.clk)
            inputs = item.inputs
            if item.follow:
                inputs = inputs._replace(**neuron.state(work["params"], bus.outputs()))
            bus.put(inputs)
            bus.active = True
            self.seq_item_port.item_done()


class Monitor(uvm_monitor):
    """Publishes ``(inputs, outputs)``, the outputs one cycle after the inputs."""

    def build_phase(self) -> None:
        self.port = uvm_analysis_port("port", self)

    async def run_phase(self) -> None:
        bus, before = ConfigDB().get(self, "", "BUS"), None
        while True:
            await RisingEdge(bus.dut.clk)
            if before is not None:
                self.port.write((before, bus.outputs()))
            before = bus.inputs() if bus.active else None


class Scoreboard(uvm_subscriber):
    """Holds every step against the golden model; ``check_phase`` demands the number of steps that was asked for."""

    def build_phase(self) -> None:
        self.work, self.neuron = (ConfigDB().get(self, "", name) for name in ("WORK", "NEURON"))
        self.tally, self.steps = Tally(), 0

    def write(self, pair: tuple[Any, Any]) -> None:
        inputs, outputs = pair
        if self.steps == self.work["count"]:
            return
        self.steps += 1
        expected = self.neuron.golden(self.work["model"], inputs)
        for signal, model, rtl in zip(outputs._fields, expected, outputs):
            self.tally.compare(f"step {self.steps - 1} ({inputs})", signal, model, rtl)

    def check_phase(self) -> None:
        if self.steps != self.work["count"]:
            raise SpikegateError(f"The scoreboard compared {self.steps} steps, not {self.work['count']}")
        if self.work["report"]:
            self.tally.finish()
        self.tally.judge()


class Env(uvm_env):
    """Sequencer, driver, monitor and scoreboard."""

    def build_phase(self) -> None:
        self.sequencer, self.driver = uvm_sequencer("sequencer", self), Driver("driver", self)
        self.monitor, self.scoreboard = Monitor("monitor", self), Scoreboard("scoreboard", self)

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.monitor.port.connect(self.scoreboard.analysis_export)


class NeuronAgrees(uvm_test):
    """Every step as the golden model has it; with `falsified` parameters on the golden side nothing is reported, as the test has to fail."""

    neuron: ClassVar[Neuron]

    def falsified(self, params: Any) -> Any:
        """Parameters of a wrong prediction; None for the right one."""
        return None

    def build_phase(self) -> None:
        work = job()
        wrong = self.falsified(work["params"])
        work |= {"report": True} if wrong is None else {"report": False, "model": wrong}
        ConfigDB().set(None, "*", "WORK", work)
        ConfigDB().set(None, "*", "NEURON", self.neuron)
        ConfigDB().set(None, "*", "BUS", Bus(cocotb.top, self.neuron, work["params"]))
        self.env = Env("env", self)

    async def run_phase(self) -> None:
        dut: Any = cocotb.top
        self.raise_objection()
        await Steps("sequence").start(self.env.sequencer)
        for _ in range(3):
            await RisingEdge(dut.clk)
        self.drop_objection()
