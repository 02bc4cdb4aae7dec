"""docs/point_networks.md: its engine, run as printed, gives what the golden model gives; a sentence that is changed is noticed."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from independent import points
from point_files import independent_read

from spikegate.models.core import point_engine
from spikegate.models.network import container, point_file
from spikegate.models.network.builder import Builder
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams
from verification.stimuli.point_networks import ADAPTING, KINDS, MIXED, WIDE, random_network

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "point_networks.md"


def blocks(path):
    return re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def printed(change=lambda text: text):
    """The engine of the page, on top of section 9 of arithmetic.md."""
    space = {"__name__": "page"}
    basis, = (text for text in blocks(DOCS / "arithmetic.md") if "def read_network" in text)
    for text in (basis, *map(change, blocks(PAGE))):
        exec(compile(text, "page", "exec"), space)
    return space["run_points"]


def ran(run_points, network):
    """Spikes and final states by the engine of the page, which reads the content of the network's file."""
    header, arrays = container.unpack(point_file.content(network), point_file.array_type)
    return run_points(json.loads(json.dumps(header)), {name: array.ravel().tolist() for name, array in arrays.items()})


def differences(run_points, network):
    """Spikes that differ and states that differ, and how much was compared."""
    golden = point_engine.run(network)
    spikes, states = ran(run_points, network)
    wrong = len({*map(tuple, golden.spikes.tolist())} ^ {*spikes}) + (golden.spikes.tolist() != [list(each) for each in spikes])
    compared = len(spikes)
    for i, state in enumerate(states):
        wrong += sum(golden.final[name][i] != value for name, value in state.items())
        compared += len(state)
    return wrong, compared


def at_its_threshold():
    """A neuron in Brian2's order that never moves."""
    one = PointPopulation("a", 1, LinearNeuron(Q8_8, order=Order.BRIAN2), [[0, 0, 700, 0, 0, 0]], initial={"v": [700]})
    return PointNetwork("still", [one], [], [], LfsrParams(), [0], 3, 1)


@pytest.mark.parametrize("structures", [MIXED, WIDE, KINDS, ADAPTING], ids=["mixed", "wide", "kinds", "adapting"])
def test_the_engine_of_the_page_equals_the_golden_model(structures):
    run_points, compared, kinds = printed(), 0, set()
    for seed in range(25):
        network = random_network(seed, structures, noise=0.4)
        wrong, count = differences(run_points, network)
        assert wrong == 0, seed
        compared += count
        kinds |= {(each.neuron, each.drive is not None) for each in network.populations}
    assert compared > 3000 and len({neuron for neuron, _ in kinds}) == len(structures) and len(kinds) > len(structures)


@pytest.mark.parametrize("this, that", [
    ('(v << 32 > threshold if brian2', '(v << 32 >= threshold if brian2'), ('state["hold"] = p["refractory"]', 'state["hold"] = 0'),
    ("t + delay", "t + max(1, delay - 1)"), ("kick, v = inputs.get", "kick, v = -inputs.get"),
    ('drive["offset"] + ', ""), ("uniform > limit for", "uniform > limit + 2**28 for"),
    ("sum(state >> 32 >", "sum(state % 2**32 >"), ('spike, held = p["bias"] + noise,', 'spike, held = p["bias"],'),
    ("fired + outside", "fired or outside")])
def test_another_engine_is_noticed(this, that):
    assert this in "".join(blocks(PAGE))
    run_points = printed(lambda text: text.replace(this, that))
    networks = (at_its_threshold(), *(random_network(seed, structures, noise=0.4) for structures in (MIXED, ADAPTING) for seed in range(12)))
    assert any(differences(run_points, network)[0] for network in networks)


@pytest.mark.parametrize("this, that", [
    ('shifted(v * p["square"]', 'shifted(u * p["square"]'), ('kick + p["bias"]', 'p["bias"]'), ('v > p["peak"] if', 'v >= p["peak"] if'),
    ('elif spike:', 'elif False:'), ('less = shifted(u', 'less = shifted(u + 1')])
def test_another_izhikevich_is_noticed(this, that):
    assert "".join(blocks(PAGE)).count(this) == 1
    still = IzhikevichNeuron(Q8_8, order=Order.BRIAN2)
    one = PointPopulation("a", 1, still, [[0, 0, 0, 0, 0, -5, 0, 700]], initial={"v": [700], "u": [0]})
    networks = (PointNetwork("still", [one], [], [], LfsrParams(), [0], 3, 1), *(random_network(seed, KINDS[:4]) for seed in range(6)))
    run_points = printed(lambda text: text.replace(this, that))
    assert any(differences(run_points, network)[0] for network in networks)


def test_the_limits_that_the_page_states_are_those_of_the_code():
    text = PAGE.read_text()
    assert all(np.dtype(kind) for kind in re.findall(r"`([<\\|]+[iu]\d)`", text.replace("\\|", "|")))
    for name, kind in re.findall(r"^\| `[a-z]+(?:<k>)?\.?([a-z]*)`(?:, `[a-z<>.]+`)* \| `(.*?)` \|", text, re.MULTILINE):
        if name:
            assert point_file.array_type(f"x.{name}") == kind.replace("\\|", "|"), name


def seeded():
    net, neuron = Builder("seeded", steps=60), LinearNeuron(Q8_8)
    net.population("a", 24, neuron, leak=2, threshold=2 << 8, refractory=2)
    net.population("b", 9, neuron, leak=2, threshold=1 << 8)
    for k, target in enumerate("ab"):
        net.generate("a", target, 6, weight=150, delay=2 + k, seed=5 << 60 | k, lanes=5)
    net.drive("a", 300, trials=20, probability=0.02)
    return net.freeze()


def test_synapses_from_a_seed_are_those_of_the_page(tmp_path):
    """The engine of the page and the independent one; another wiring, table, stripe, or neuron as its own source is noticed."""
    network = seeded()
    wrong, compared = differences(printed(), network)
    assert wrong == 0 and compared > 200
    network.save(tmp_path / "net")
    file = independent_read(tmp_path / "net")
    steps = list(points.run(file, points.cells(file)))
    assert [[step, i] for step, (fired, _, _) in enumerate(steps) for i in fired] == point_engine.run(network).spikes.tolist()
    for this, that in (("5 * lane)", "7 * lane)"), ("64 * k + z", "32 * k + z"), ("(7 * o + k)", "(6 * o + k)"), (".index(own) + 1", ".index(own)")):
        assert "".join(blocks(PAGE)).count(this) == 1
        assert differences(printed(lambda text: text.replace(this, that)), network)[0] > 0, this  # noqa: B023
