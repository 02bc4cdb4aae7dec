"""Bench of the neuron in pyuvm: a sequence of corners and trajectories, a driver, a monitor and a scoreboard that counts."""

import dataclasses
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from spikegate.cosim.benches.bench import FallingEdge, RisingEdge, Tally, cocotb, job, number, run_bench, start
from spikegate.gateware.neuron.lif import Lif, params_values, state_layout
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.hints import lacking
from spikegate.models.neuron.lif import REFRACTORY_BITS, LifParams, lif_step

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

__all__ = ["Inputs", "stimuli", "golden", "check"]

STALL = 0.2


class Inputs(NamedTuple):
    """A neuron before a step and what it receives."""

    v: int
    hold: int
    overflow: int
    current: int
    noise: int
    random: int


class Outputs(NamedTuple):
    """A neuron after a step."""

    spike: int
    v: int
    hold: int
    overflow: int


def golden(params: LifParams, inputs: Inputs) -> Outputs:
    """The golden model of the component."""
    spike, v, hold, overflowed = lif_step(inputs.v, inputs.hold, inputs.current, inputs.noise, inputs.random, params.constants())
    return Outputs(spike, v, hold, inputs.overflow | overflowed)


def stimuli(params: LifParams, rng: random.Random) -> Iterator[tuple[Inputs, bool]]:
    """``(inputs, follow)`` without end: corners and any values; where ``follow``, the state is that which the neuron has reached."""
    q, full = params.format, 1 << (params.input_width - 1)
    v = [x + d for x in (params.threshold, params.reset, params.rest, 0, q.min, q.max) for d in (-1, 0, 1) if q.holds(x + d)]
    hold = [0] * 8 + [1, 2, params.refractory, (1 << REFRACTORY_BITS) - 1, *(1 << bit for bit in range(2, REFRACTORY_BITS))]
    # Sums that leave the format by each of the bits above it, and by it alone.
    above = [sign << bit for bit in range(q.width - 1, params.input_width - 1) for sign in (1, -1)]
    current = [0, 1, -1, full - 1, -full, q.max, q.min, q.one // 2, -q.one // 2, *above]
    noise, bits = [0, 0, 1, -1, q.max, q.min], params.constants().leak_fraction
    at_random = [0, 1 << (bits - 1), (1 << bits) - 1]
    span = params.threshold - params.reset
    while True:
        yield Inputs(*map(rng.choice, (v, hold, (0, 1), current, noise, at_random))), False
        # At rest nothing leaks, and noise is not scaled: this lands on the threshold or beside it.
        gap = params.threshold - params.rest + rng.randint(-1, 1)
        yield Inputs(params.rest, 0, 0, 0, max(q.min, min(q.max, gap)), 0), False
        yield Inputs(rng.randint(q.min, q.max), 0, rng.getrandbits(1), rng.randint(-span, span), 0, rng.getrandbits(bits)), False
        for _ in range(rng.randint(0, 6)):
            noisy = rng.randint(-span // 8, span // 8) if rng.getrandbits(1) else 0
            yield Inputs(0, 0, 0, rng.randint(-span // 8, span // 2), noisy, rng.getrandbits(bits)), True


class LifItem(uvm_sequence_item):
    """One step of one neuron."""

    def __init__(self, inputs: Inputs, follow: bool) -> None:
        super().__init__("item")
        self.inputs, self.follow = inputs, follow


class LifSequence(uvm_sequence):
    """As many stimuli as the job asks for."""

    async def body(self) -> None:
        work = ConfigDB().get(None, "", "WORK")
        source = stimuli(work["params"], random.Random(work["seed"]))
        for _ in range(work["count"]):
            item = LifItem(*next(source))
            await self.start_item(item)
            await self.finish_item(item)


class LifBus:
    """The neuron's ports as plain integers; ``active`` while a step is on them."""

    def __init__(self, dut: Any, params: LifParams) -> None:
        self.dut, self.params, self.layout, self.active = dut, params, state_layout(params.format), False

    async def reset(self) -> None:
        """Reset, then set the parameters that are held still."""
        await start(self.dut)
        for name, value in params_values(self.params).items():
            getattr(self.dut, name).value = value

    def put(self, inputs: Inputs) -> None:
        """Drive one step."""
        state = self.layout.const({name: getattr(inputs, name) for name in ("v", "hold", "overflow")}).as_bits()
        self.dut.i_state.value, self.dut.i_random.value = state, inputs.random
        self.dut.i_current.value, self.dut.i_noise.value = inputs.current, inputs.noise

    def _state(self, port: Any) -> tuple[int, int, int]:
        state = self.layout.from_bits(number(port))
        return state.v, state.hold, state.overflow

    def inputs(self) -> Inputs:
        """What stands on the inputs."""
        dut = self.dut
        return Inputs(*self._state(dut.i_state), number(dut.i_current, signed=True), number(dut.i_noise, signed=True), number(dut.i_random))

    def outputs(self) -> Outputs:
        """What stands on the outputs."""
        return Outputs(number(self.dut.o_spike), *self._state(self.dut.o_state))


class LifDriver(uvm_driver):
    """Puts an item on the ports at a falling edge, after pauses in which the ports hold something else."""

    async def run_phase(self) -> None:
        work, bus = (ConfigDB().get(self, "", name) for name in ("WORK", "BUS"))
        rng, source = random.Random(work["seed"] + 1), stimuli(work["params"], random.Random(work["seed"] + 2))
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
                _, v, hold, overflow = bus.outputs()
                inputs = inputs._replace(v=v, hold=hold, overflow=overflow)
            bus.put(inputs)
            bus.active = True
            self.seq_item_port.item_done()


class LifMonitor(uvm_monitor):
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


class LifScoreboard(uvm_subscriber):
    """Holds every step against the golden model; ``check_phase`` demands the number of steps that was asked for."""

    def build_phase(self) -> None:
        self.work, self.tally, self.steps = ConfigDB().get(self, "", "WORK"), Tally(), 0

    def write(self, pair: tuple[Inputs, Outputs]) -> None:
        inputs, outputs = pair
        if self.steps == self.work["count"]:
            return
        self.steps += 1
        expected = golden(self.work["model"], inputs)
        for signal, model, rtl in zip(Outputs._fields, expected, outputs):
            self.tally.compare(f"step {self.steps - 1} ({inputs})", signal, model, rtl)

    def check_phase(self) -> None:
        if self.steps != self.work["count"]:
            raise SpikegateError(f"The scoreboard compared {self.steps} steps, not {self.work['count']}")
        if self.work["report"]:
            self.tally.finish()
        self.tally.judge()


class LifEnv(uvm_env):
    """Sequencer, driver, monitor and scoreboard."""

    def build_phase(self) -> None:
        self.sequencer, self.driver = uvm_sequencer("sequencer", self), LifDriver("driver", self)
        self.monitor, self.scoreboard = LifMonitor("monitor", self), LifScoreboard("scoreboard", self)

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.monitor.port.connect(self.scoreboard.analysis_export)


@pyuvm.test(timeout_time=10, timeout_unit="ms")
class LifAgrees(uvm_test):
    """Every step as the golden model has it."""

    def work(self) -> dict[str, Any]:
        return {**job(), "report": True}

    def build_phase(self) -> None:
        work = self.work()
        ConfigDB().set(None, "*", "WORK", work)
        ConfigDB().set(None, "*", "BUS", LifBus(cocotb.top, work["params"]))
        self.env = LifEnv("env", self)

    async def run_phase(self) -> None:
        dut: Any = cocotb.top
        self.raise_objection()
        await LifSequence("sequence").start(self.env.sequencer)
        for _ in range(3):
            await RisingEdge(dut.clk)
        self.drop_objection()


@pyuvm.test(timeout_time=10, timeout_unit="ms", expect_error=Mismatch)
class LifRejectsAWrongPrediction(LifAgrees):
    """The same bench with a threshold one step too high on the golden side: it has to fail."""

    def work(self) -> dict[str, Any]:
        work = job()
        params = work["params"]
        return {**work, "report": False, "model": dataclasses.replace(params, threshold=params.threshold + 1)}


def check(params: LifParams, *, count: int, seed: int, model: LifParams | None = None) -> int:
    """Compare ``count`` steps and return the number of items compared, four a step; ``model`` is the golden side's parameters.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    component = Lif(params.format, params.rounding, params.overflow, leak_fraction=params.leak_fraction)
    return run_bench(component, __name__, params, model=model, count=count, seed=seed)
