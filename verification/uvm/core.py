"""The core under pyuvm: sequence, scoreboard, coverage and tests, and what runs them."""

import dataclasses
import json
import random
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyuvm
from amaranth.lib.wiring import Component
from pyuvm import ConfigDB, uvm_analysis_port, uvm_env, uvm_sequence, uvm_sequence_item, uvm_sequencer, uvm_subscriber, uvm_test

from spikegate.cosim.benches.bench import Tally, cocotb, job, run_bench
from spikegate.cosim.engines.rtl import unpack
from spikegate.gateware.core.core import Core
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.files import working_folder
from verification.stimuli.networks import DEFECTS, GEOMETRIES
from verification.uvm.agents import Beat, Began, CoreBus, CoreDriver, CoreMonitor, Ended, words_of
from verification.uvm.coverage import Coverage
from verification.uvm.items import Scenario, scenarios
from verification.uvm.plan import CORE, observe
from verification.uvm.reference import Expected, expect, neuron_bytes

__all__ = ["check"]

SIGNALS = ("spike", "v", "hold", "overflow", "events")


class CoreItem(uvm_sequence_item):
    """A scenario on its way to the driver."""

    def __init__(self, scenario: Scenario):
        super().__init__("item")
        self.scenario = scenario


class CoreSequence(uvm_sequence):
    """As many scenarios as the job asks for."""

    async def body(self):
        work = ConfigDB().get(None, "", "WORK")
        for scenario in scenarios(GEOMETRIES[work["params"]], work["seed"], work["count"], work["directed"]):
            item = CoreItem(scenario)
            await self.start_item(item)
            await self.finish_item(item)


class Checked(NamedTuple):
    """An item that the scoreboard has compared, with the whole steps of it that were seen."""

    item: Scenario
    expected: Expected
    seen: dict
    waited: bool
    reset: str | None


class CoreScoreboard(uvm_subscriber):
    """Holds every sweep word of an item, the words it loads and its cycles against the golden model.

    ``check_phase`` demands as many items as were asked for, and that something of them was compared.
    """

    def build_phase(self):
        self.work, self.tally, self.items, self.port = ConfigDB().get(self, "", "WORK"), Tally(), 0, uvm_analysis_port("port", self)
        self.geometry = g = GEOMETRIES[self.work["params"]]
        self.exists = neuron_bytes(g)

    def write(self, found):
        if isinstance(found, Beat):
            self.waited |= found.wait
            self.held += found.held
            self.broken += found.broken
            if found.load is not None:
                self.loads.append(found.load)
            if found.sweep is not None:
                self.sweeps.append(found.sweep)
        elif isinstance(found, Began):
            self.item, self.before, self.waited, self.held, self.broken, self.sweeps, self.loads = found.item, found.cycles, False, 0, 0, [], []
        else:
            self.finish(found)

    def finish(self, end: Ended) -> None:
        """Compare an item."""
        g, item, at = self.geometry, self.item, f"item {self.items} ({self.item.name})"
        defect = DEFECTS.get(self.work["defect"], lambda network: network)
        wrong = dataclasses.replace(item, parts=tuple(dataclasses.replace(part, network=defect(part.network)) for part in item.parts))
        expected, size = expect(wrong, g), g.sweep_layout().size // 8
        words = np.frombuffer(b"".join(word.to_bytes(size, "little") for word in self.sweeps), np.uint8).reshape(-1, size)
        self.tally.compare(at, "too many sweep words", False, len(words) > len(expected.words))
        words = words[:len(expected.words)]
        self.compare(at, expected.words[:len(words)], words)
        sent = [word >> g.load_layout()["op"].offset for part, _ in words_of(item, g) for word in part]
        self.tally.compare(at, "broken promises of the sweep stream", 0, self.broken)
        self.tally.compare(at, "idle", True, end.idle)
        if end.reset is None:
            self.tally.compare(at, "sweep words", len(expected.words), len(words))
            self.tally.compare(at, "load words", sent, self.loads)
            self.tally.compare(at, "cycles", expected.cycles + self.held, end.cycles - self.before)
        else:
            self.tally.compare(at, "load words", sent[:len(self.loads)], self.loads)
            self.tally.compare(at, "cycles after reset", 0, end.cycles)
        self.items += 1
        if not self.tally.mismatches:
            whole = words[:len(words) // g.words * g.words]
            seen = {**unpack(whole, g), "spike": expected.trace["spike"][:len(whole) // g.words]}
            self.port.write(Checked(item, expected, seen, self.waited, end.reset))

    def compare(self, at: str, expected: np.ndarray, words: np.ndarray) -> None:
        """Compare sweep words; each signal of each neuron counts as an item."""
        g = self.geometry
        mask = np.resize(self.exists, words.shape)
        wrong = np.flatnonzero(((expected != words) & mask).any(axis=1))
        neurons = len(words) // g.words * g.n + min(len(words) % g.words * g.lanes, g.n)
        self.tally.compared += len(SIGNALS) * neurons
        for row in wrong:
            step, word = divmod(int(row), g.words)
            pair = [g.sweep_layout().from_bits(int.from_bytes(side[row].tobytes(), "little")) for side in (expected, words)]
            for lane in range(min(g.lanes, g.n - word * g.lanes)):
                for signal in SIGNALS:
                    if (values := [getattr(side.lanes[lane], signal) for side in pair])[0] != values[1]:
                        self.tally.compare(f"{at}, step {step}, neuron {word * g.lanes + lane}", signal, *values)
            if [side.spikes for side in pair] != [side.spikes for side in pair][::-1] or pair[0].word != pair[1].word:
                self.tally.compare(f"{at}, step {step}, word {word}", "mask, word", (pair[0].spikes, pair[0].word), (pair[1].spikes, pair[1].word))

    def check_phase(self):
        if self.items != self.work["count"]:
            raise SpikegateError(f"The scoreboard compared {self.items} items, not {self.work['count']}")
        if self.work["report"]:
            self.tally.finish()
        self.tally.judge()


class CoreCoverage(uvm_subscriber):
    """Sorts every compared item into the plan; ``report_phase`` leaves the hits for the caller."""

    def build_phase(self):
        self.work, self.coverage = ConfigDB().get(self, "", "WORK"), Coverage(CORE)

    def write(self, checked: Checked):
        observe(self.coverage, checked.item, GEOMETRIES[self.work["params"]], checked.expected, checked.seen, waited=checked.waited,
                reset=checked.reset)

    def report_phase(self):
        if self.work["report"]:
            Path(self.work["hits"]).write_text(json.dumps(self.coverage.as_hits()))


class CoreEnv(uvm_env):
    """Sequencer, driver, monitor, scoreboard and coverage."""

    def build_phase(self):
        self.sequencer, self.driver, self.monitor = uvm_sequencer("sequencer", self), CoreDriver("driver", self), CoreMonitor("monitor", self)
        self.scoreboard, self.coverage = CoreScoreboard("scoreboard", self), CoreCoverage("coverage", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        for source in (self.driver, self.monitor):
            source.port.connect(self.scoreboard.analysis_export)
        self.scoreboard.port.connect(self.coverage.analysis_export)


@pyuvm.test(timeout_time=10, timeout_unit="sec")
class CoreAgrees(uvm_test):
    """Every item as the golden model has it."""

    def work(self):
        return {**job(), "report": True}

    def build_phase(self):
        work = self.work()
        ConfigDB().set(None, "*", "WORK", work)
        ConfigDB().set(None, "*", "BUS", CoreBus(cocotb.top, GEOMETRIES[work["params"]], random.Random(work["seed"] + 1)))
        self.env = CoreEnv("env", self)

    async def run_phase(self):
        self.raise_objection()
        await CoreSequence("sequence").start(self.env.sequencer)
        self.drop_objection()


@pyuvm.test(timeout_time=10, timeout_unit="sec", expect_error=Mismatch)
class CoreRejectsAWrongPrediction(CoreAgrees):
    """The same bench with another reset potential on the golden side, over two corners: it has to fail."""

    def work(self):
        return {**job(), "report": False, "defect": "reset", "directed": True, "count": 2}


def check(geometry: str, *, count: int, seed: int, directed: bool = True, defect: str = "",
          make: partial[Component] | None = None) -> tuple[int, Coverage]:
    """Run ``count`` items on an entry of `GEOMETRIES`: the number of values compared, and the coverage.

    Parameters
    ----------
    geometry : str
    count, seed : int
        Items; of their choice.
    directed : bool
        Begin with the corners.
    defect : str
        An entry of `DEFECTS` that the golden side shall have.
    make : partial, optional
        What is in the place of the geometry's core.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    coverage = Coverage(CORE)
    with working_folder() as folder:
        hits = folder / "hits.json"
        compared = run_bench(make or partial(Core, GEOMETRIES[geometry]), __name__, geometry, count=count, seed=seed, directed=directed,
                             defect=defect, hits=str(hits))
        coverage.merge(json.loads(hits.read_text()))
    return compared, coverage
