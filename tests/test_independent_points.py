"""A reader and an engine, written from docs/point_networks.md and docs/arithmetic.md alone, give what the golden model gives, item by item."""

from pathlib import Path

import numpy as np
import pytest
from independent import generated, points, pointsteps
from point_files import independent_read

from spikegate.models.core import point_engine
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Q8_8, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.brunel import preset, translate
from verification.stimuli.point_networks import ADAPTING, KINDS, MIXED, WIDE, random_network

#: All files as one, so that any line of them can be changed.
SOURCE = "\n".join(Path(each.__file__).read_text() for each in (pointsteps, generated, points)).replace(
    "from independent.pointsteps import", "#").replace("from independent.generated import", "#")


def engine(this="", that=""):
    """The independent engine, with a part of one line changed."""
    if this:
        assert SOURCE.count(this) == 1 and "\n" not in this, this
    space = {"__name__": "independent.changed", "__package__": "independent"}
    exec(compile(SOURCE.replace(this, that) if this else SOURCE, points.__file__, "exec"), space)
    return space


def differences(network, path, engine):
    """Items that differ and items compared: every spike, and of every neuron and step all states and events; at the end
    the generators too; and the golden recording."""
    network.save(path)
    file, golden = independent_read(path), point_engine.run(network, trace=True)
    cells, spikes, wrong, compared = engine["cells"](file), [], 0, 0
    names = {*golden.trace} - {"events"}
    for step, (fired, events, states) in enumerate(engine["run"](file, cells)):
        spikes += [(step, neuron) for neuron in fired]
        wrong += int(np.count_nonzero(golden.trace["events"][step] != events))
        for name in names:
            wrong += int(np.count_nonzero(golden.trace[name][step] != [state.get(name, 0) for state in states]))
        compared += (1 + len(names)) * network.n
        assert names >= {name for state in states for name in state}
    assert step + 1 == network.steps
    wrong += int(np.count_nonzero(golden.final["lfsr"] != np.array([cell.register.state if cell.register else 0 for cell in cells], np.uint64)))
    wrong += spikes != [*map(tuple, golden.spikes.tolist())]
    return wrong, compared + network.n + len(spikes), golden


@pytest.mark.parametrize("structures, many", [(MIXED, 40), (WIDE, 20), (KINDS, 40), (ADAPTING, 40)], ids=["mixed", "wide", "kinds", "adapting"])
def test_random_networks(structures, many, tmp_path):
    right, total, seen = engine(), 0, {"spikes": 0, "overflow": 0, "held": 0, "events": 0, "inputs": 0, "seeds": 0}
    neurons = set()
    for seed in range(1000, 1000 + many):
        network = random_network(seed, structures, noise=0.4)
        wrong, compared, golden = differences(network, tmp_path / "net", right)
        assert wrong == 0, seed
        total += compared
        neurons |= {each.neuron for each in network.populations}
        seen["spikes"] += len(golden.spikes)
        seen["overflow"] += int(golden.final.get("overflow", np.zeros(1)).sum())
        seen["held"] += int((golden.trace.get("hold", np.zeros(1)) > 0).sum())
        seen["events"] += int((golden.trace["events"] > 0).sum())
        seen["inputs"] += len(network.input_events)
        seen["seeds"] += int((network.seeds > 0).sum())
    print(f"{many} networks, {total:,} items compared; {seen}")
    assert total > 5000 * many and neurons == {*structures} and min(seen.values()) > many


def test_a_network_of_version_1_written_as_one_of_version_2(tmp_path):
    bp = preset("ai", **{"n_exc": 37, "n_inh": 10, "weight_exc": 2.0, "g_inh": 3.0, "delay": 0.3, "eta": 4.0, "refractory": 0.2})
    network = translate(bp, Q8_8, ms=12.0)
    wrong, compared, golden = differences(PointNetwork.of(network), tmp_path / "net", engine())
    assert wrong == 0 and compared > 20_000 and len(golden.spikes) > 50


def edge():
    """Comparisons at their limits: of uniform numbers with a limit and a chance, of membranes with a threshold, and the longest delay."""
    still = [0, 0, 700, 0, 3, 0]
    populations = [
        PointPopulation("published", 1, LinearNeuron(Q8_8), [still], initial={"v": [700]}),
        PointPopulation("brian", 1, LinearNeuron(Q8_8, order=Order.BRIAN2), [still], initial={"v": [700]}),
        PointPopulation("driven", 1, LinearNeuron(Q8_8), [[0, 0, 3000, 0, 0, 0]], None, PortDrive(DriveParams([77], 9), "v")),
        PointPopulation("chance", 1, BernoulliNeuron(), [[77]]),
        PointPopulation("random", 1, LinearNeuron(Q8_8, 5, Rounding.STOCHASTIC), [[1, 9, 3000, 0, 0, 0]]),
        PointPopulation("less", 1, LinearNeuron(Q8_8, order=Order.BRIAN2, reset=Reset.SUBTRACT), [[0, 0, 300, 100, 2, 0]], initial={"v": [1000]}),
        *(PointPopulation(name, 1, IzhikevichNeuron(Q8_8, order=order), [[0, 0, 0, 0, 0, -5, 0, 700]], initial={"v": [700], "u": [0]})
          for name, order in (("quadratic", Order.PUBLISHED), ("quadratic_brian", Order.BRIAN2)))]
    projections = [Projection.of("in", "driven", "v", 1, ([0, 0], [0, 0]), [3, 5], [1, 255]), Projection.of("in", "less", "v", 1, ([0], [0]), 50, 2)]
    return PointNetwork("edge", populations, projections, [SpikeInput("in", 1, [0, 1, 2, 3, 4], [0] * 5)], LfsrParams(),
                        [0, 0, 77, 77, (21 << 32) + 5, 0, 0, 0], 300, 1)


WRONG = {
    "published order fires above the threshold": ("register) < self.threshold()", "register) <= self.threshold()"),
    "Brian2's order fires at the threshold": ("register) > self.threshold()", "register) >= self.threshold()"),
    "an event at the limit": ("limit < uniform", "limit <= uniform"),
    "a spike at the chance": ("2**32 < self.chance", "2**32 <= self.chance"),
    "random bits from bit 31 on": ("(register >> 32)", "(register >> 31)"),
    "noise of the neighbour's stream": ("self.noise.worth(number >> 32)", "self.noise.worth(self.register.state >> 32)"),
    "noise of the lower bits": ("self.noise.worth(number >> 32)", "self.noise.worth(number % 2**32)"),
    "noise that is not centred": ("- len(self.limits) // 2)", "- len(self.limits) // 2 - 1)"),
    "halves are rounded down": ("1 << bits - 1,", "(1 << bits - 1) - 1,"),
    "currents stand still while held": ('for name in self.neuron["currents"]:', 'for name in () if self.state["hold"] else self.neuron["currents"]:'),
    "currents decay before they flow": ("total += self.round(current *", "total += self.round(self.state[name] *"),
    "a delay of 255 is one of 1": ("(MOST_DELAY + 1)", "(MOST_DELAY - 1)"),
    "kicks are taken while held": ('if self.state["hold"] == 0 or self.goes_on():', "if True:"),
    "a jump that is dropped": ("for name in {\"theta\", \"w\"} &", "for name in {\"w\"} &"),
    "a jump of w that is dropped": ("for name in {\"theta\", \"w\"} & ", "for name in {\"theta\"} & "),
    "theta is compared before it decays": ('self.state["theta"] -= self.round(self.state["theta"] * self.values["decay of theta"]',
                                           'self.state["theta"] -= 0 * self.round(self.state["theta"] * self.values["decay of theta"]'),
    "w takes after it decayed": ("taken = self.round(w * self.values[", "taken = self.round((w - 1) * self.values["),
    "theta in the membrane's unit": ("return self.values[\"threshold\"] + Fraction(self.state[\"theta\"], 2**finer)",
                                     "return self.values[\"threshold\"] + self.state[\"theta\"]"),
    "an overflow that is not sticky": ("            return x", '            self.state["overflow"] = 0; return x'),
    "no offset": ("return self.offset + len", "return len"),
    "the first of several synapses alone": ("self.sums[step % len(self.sums)] += weight", "self.sums[step % len(self.sums)] = weight"),
    "u follows the membrane as it becomes": (
        "self.down((towards - u) *", 'self.down((self.down(self.state["v"] * values["b"], form["b_shift"]) - u) *'),
    "an izhikevich in the published order fires above the peak": ('>= self.values["peak"]', '> self.values["peak"]'),
    "an izhikevich in Brian2's order fires at the peak": ('self.state["v"] > self.values["peak"]', 'self.state["v"] >= self.values["peak"]'),
    "u is not raised": ('self.state["u"] + self.values["d"]', 'self.state["u"]'),
    "what u takes is rounded down": ('loss = self.down(u, form["u_format"]["fraction"] - form["format"]["fraction"])',
                                     'loss = u >> form["u_format"]["fraction"] - form["format"]["fraction"]'),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_engine_is_found(name, tmp_path):
    networks = [edge(), *(random_network(seed, kinds, noise=0.4) for kinds in (MIXED, KINDS[:4], ADAPTING) for seed in range(1000, 1008))]
    found = [differences(network, tmp_path / "net", engine(*WRONG[name]))[0] for network in networks]
    print(f"{name}: {found} differ")
    assert any(found)


def test_the_right_engine_is_right_at_the_limits(tmp_path):
    wrong, compared, golden = differences(edge(), tmp_path / "net", engine())
    assert wrong == 0 and compared > 5000 and {*golden.spikes[:, 1].tolist()} == {0, 3, 5, 6}
