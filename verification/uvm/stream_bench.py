"""The stream unit under pyuvm: sequence, driver, monitor, scoreboard, coverage, tests, and what runs them."""

import json
import random
from collections import deque
from functools import partial
from pathlib import Path
from typing import NamedTuple

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

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, number, run_bench, start
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.stream_unit import StreamUnit, stream_load_layout, weight_layout
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.files import working_folder
from verification.stimuli.networks import GEOMETRIES
from verification.uvm.coverage import Coverage
from verification.uvm.stream_unit import STREAM, Gated, Targets, expect_values, loads, observe, targets

__all__ = ["WRONG", "check"]

#: What a wrong golden model does to a target's value: no sign, one raw step more where it is large, the value of the target before.
WRONG = {"sign": lambda values, item: [abs(value) for value in values],
         "scale": lambda values, item: [value + (value > item.scale) for value in values],
         "late": lambda values, item: [0, *values[:-1]]}


class Sample(NamedTuple):
    """A cycle whose clock ran: whether a target was given, the value that stands there, and whether the clock had stopped before."""

    start: bool
    value: int
    stopped: bool


class TargetsItem(uvm_sequence_item):
    """Targets on their way to the driver."""

    def __init__(self, targets: Targets):
        super().__init__("item")
        self.targets = targets


class TargetsSequence(uvm_sequence):
    """As many items as the job asks for."""

    async def body(self):
        work = ConfigDB().get(None, "", "WORK")
        for made in targets(GEOMETRIES[work["params"]], work["seed"], work["count"]):
            item = TargetsItem(made)
            await self.start_item(item)
            await self.finish_item(item)


class TargetsDriver(uvm_driver):
    """Loads the generators, then gives the targets, with pauses and with stops of the clock."""

    def build_phase(self):
        self.port = uvm_analysis_port("port", self)

    async def run_phase(self):
        work, self.dut = ConfigDB().get(self, "", "WORK"), cocotb.top
        g, self.rng, dut = GEOMETRIES[work["params"]], random.Random(work["seed"] + 1), self.dut
        for name in ("start", "clear", "load", "en"):
            getattr(dut, name).value = int(name == "en")
        await start(dut)
        while True:
            item = (await self.seq_item_port.get_next_item()).targets
            await self.begin(item, g)
            self.port.write(item)
            for group in item.groups:
                await self.weigh(group, g)
                for members in group.members:
                    while self.rng.random() < item.gap:
                        self.give(None, g)
                        await self.clock(item)
                    self.give(members, g)
                    await self.clock(item)
                self.give(None, g)
                for _ in range(2):  # weights are still for so long
                    await self.clock(item)
            for _ in range(StreamUnit.LATENCY + 1):
                await self.clock(item)
            self.seq_item_port.item_done()

    async def begin(self, item: Targets, g: CoreGeometry) -> None:
        """Load everything; Sobol sequences begin again."""
        layout, dut = stream_load_layout(), self.dut
        dut.en.value, dut.start.value, dut.scale.value = 1, 0, item.scale
        for op, address, value in loads(item, g):
            dut.load.value = layout.const({"en": 1, "op": op, "address": address, "data": value}).as_bits()
            await RisingEdge(dut.clk)
        dut.load.value, dut.clear.value = 0, 1
        await RisingEdge(dut.clk)
        dut.clear.value = 0
        await RisingEdge(dut.clk)

    async def weigh(self, group, g: CoreGeometry) -> None:
        """The weights of a group."""
        for c in range(g.streams.channels):
            layout = weight_layout()
            port = getattr(self.dut, f"weights__{c}")
            port.value = layout.const({"probability": group.odds[c], "negative": int(group.negative[c])}).as_bits()

    def give(self, members: int | None, g: CoreGeometry) -> None:
        """A target, or none."""
        self.dut.start.value = int(members is not None)
        mask = self.rng.getrandbits(g.streams.channels) if members is None else members
        for c in range(g.streams.channels):
            getattr(self.dut, f"member__{c}").value = mask >> c & 1

    async def clock(self, item: Targets) -> None:
        """One cycle whose clock runs, after some in which it does not."""
        while self.rng.random() < item.stop:
            self.dut.en.value = 0
            await RisingEdge(self.dut.clk)
        self.dut.en.value = 1
        await RisingEdge(self.dut.clk)


class TargetsMonitor(uvm_monitor):
    """Publishes a `Sample` of every cycle whose clock runs."""

    def build_phase(self):
        self.port = uvm_analysis_port("port", self)

    async def run_phase(self):
        dut, stopped = cocotb.top, False
        while True:
            await RisingEdge(dut.clk)
            if number(dut.rst):
                continue
            if number(dut.en):
                self.port.write(Sample(bool(number(dut.start)), number(dut.value, signed=True), stopped))
            stopped = not number(dut.en)


class TargetsScoreboard(uvm_subscriber):
    """Holds every target's value, four clocks after it, against the golden models, and samples what was seen."""

    def build_phase(self):
        self.work, self.tally, self.coverage, self.items = ConfigDB().get(self, "", "WORK"), Tally(), Coverage(STREAM), 0
        self.geometry, self.expected, self.under_way, self.given = GEOMETRIES[self.work["params"]], deque(), deque(), 0

    def write(self, found):
        if isinstance(found, Targets):
            self.tally.compare(f"before item {self.items}", "targets without a value", 0, len(self.expected) + len(self.under_way))
            self.item, self.items, self.stops, self.before = found, self.items + 1, deque(maxlen=StreamUnit.LATENCY), 99
            totals, values = expect_values(found, self.geometry)
            wrong = WRONG.get(self.work["defect"], lambda values, item: values)
            self.expected = deque(zip(wrong(values, found), totals, ((group, mask) for group in found.groups for mask in group.members)))
            return
        if not self.expected and not self.under_way:
            return
        self.under_way = deque((age + 1, *rest) for age, *rest in self.under_way)
        self.stops.append(found.stopped)
        if self.under_way and self.under_way[0][0] == StreamUnit.LATENCY:
            _, value, total, target, pace = self.under_way.popleft()
            self.tally.compare(f"item {self.items - 1}, target {self.given}", "value", value, found.value)
            self.given += 1
            observe(self.coverage, self.geometry, self.item, total, *target, pace=pace, stopped=any(self.stops))
        self.before += 1
        if found.start:
            self.under_way.append((0, *self.expected.popleft(), "on-end" if self.before == 1 else "apart"))
            self.before = 0

    def check_phase(self):
        if self.items != self.work["count"] or self.expected or self.under_way:
            raise SpikegateError(f"The scoreboard compared {self.items} items, not {self.work['count']}, or not all of their targets")
        if self.work["report"]:
            Path(self.work["hits"]).write_text(json.dumps(self.coverage.as_hits()))
            self.tally.finish()
        self.tally.judge()


class TargetsEnv(uvm_env):
    """Sequencer, driver, monitor and scoreboard."""

    def build_phase(self):
        self.sequencer, self.driver = uvm_sequencer("sequencer", self), TargetsDriver("driver", self)
        self.monitor, self.scoreboard = TargetsMonitor("monitor", self), TargetsScoreboard("scoreboard", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        for source in (self.driver, self.monitor):
            source.port.connect(self.scoreboard.analysis_export)


@pyuvm.test(timeout_time=1, timeout_unit="sec")
class StreamsAgree(uvm_test):
    """Every target's value as the golden models have it."""

    def work(self):
        return {**job(), "report": True}

    def build_phase(self):
        ConfigDB().set(None, "*", "WORK", self.work())
        self.env = TargetsEnv("env", self)

    async def run_phase(self):
        self.raise_objection()
        await TargetsSequence("sequence").start(self.env.sequencer)
        self.drop_objection()


@pyuvm.test(timeout_time=1, timeout_unit="sec", expect_error=Mismatch)
class StreamsRejectAWrongPrediction(StreamsAgree):
    """The same bench with every value one target late on the golden side: it has to fail."""

    def work(self):
        return {**job(), "report": False, "defect": "late", "count": 2}


def check(geometry: str, *, count: int, seed: int, defect: str = "") -> tuple[int, Coverage]:
    """Run ``count`` items on the stream unit of an entry of `GEOMETRIES`: the number of values compared, and the coverage.

    ``defect`` is an entry of `WRONG`.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    coverage = Coverage(STREAM)
    with working_folder() as folder:
        hits = folder / "hits.json"
        compared = run_bench(partial(Gated, GEOMETRIES[geometry]), __name__, geometry, count=count, seed=seed, defect=defect, hits=str(hits))
        coverage.merge(json.loads(hits.read_text()))
    return compared, coverage
