"""A frozen network becomes a NIR graph of the same integers, which comes back as the same network; what NIR cannot hold is named."""

import nir
import numpy as np
import pytest

from spikegate import Builder, InputError, LinearNeuron, Order, QFormat, Reset, Rounding, from_nir, point_golden, preset, to_nir, translate
from spikegate.models.numeric.normal import normal_table

Q = QFormat(16, 8)


def network(reset=Reset.VALUE, **more):
    """A lif with its own leaks, an integrator, and one with a current; delays, a loop, a bias."""
    rng = np.random.default_rng(2)
    build = Builder("written", steps=80)
    build.input("in", 5, *np.nonzero(rng.random((60, 5)) < 0.3))
    build.population("a", 4, LinearNeuron(Q, 10, reset=reset), leak=[64, 100, 512, 1024], rest=[0, 20, -20, 5], threshold=200, bias=[0, 3, 0, 7],
                     **({"reset": 120} if reset == Reset.SUBTRACT else {"reset": -10}))
    build.population("b", 3, LinearNeuron(Q, 8, reset=reset), leak=0, threshold=[150, 250, 350])
    build.population("c", 3, LinearNeuron(Q, 9, currents=("x",), current_format=QFormat(18, 6), decay_fraction=7, coupling_bits=20, coupling_shift=8),
                     leak=64, threshold=300, decay_x=40, coupling_x=150)
    build.connect("in", "a", weights=rng.integers(-40, 120, (5, 4)), delays=rng.integers(1, 4, (5, 4)))
    build.connect("a", "b", weights=rng.integers(-40, 120, (4, 3)), delays=2)
    build.connect("b", "a", weights=rng.integers(-60, 20, (3, 4)), delays=1)
    build.connect("b", "c", weights=rng.integers(20, 90, (3, 3)))
    return build.freeze()


def by_name(found):
    """Everything that makes a network's spikes, without the order of its parts."""
    parts = {each.name: (each.neuron.reset, each.neuron.format, each.neuron.leak_fraction, each.sets[each.index].tolist(),
                         {name: values.tolist() for name, values in each.initial.items()}) for each in found.populations}
    synapses = sorted((each.source, each.target, s, int(t), int(w), int(d)) for each in found.projections
                      for s in range(len(each.indptr) - 1) for t, w, d in zip(*(part[each.indptr[s]:each.indptr[s + 1]] for part in (
                          each.indices, each.weights, each.delays))))
    return parts, synapses


@pytest.mark.parametrize("reset", Reset)
def test_a_network_comes_back_as_it_was(reset, tmp_path):
    first = network(reset)
    nir.write(tmp_path / "net.nir", to_nir(first))
    spikes = np.zeros((80, 5), bool)
    spikes[first.inputs[0].steps, first.inputs[0].channels] = True
    found = from_nir(nir.read(tmp_path / "net.nir", type_check=False), inputs=spikes)
    assert found.lag == {"c_output": 0} and max(each.error for each in found.nodes) == 0
    mine, theirs = by_name(first), by_name(found.network)
    coupling = mine[0].pop("c"), theirs[0].pop("c")
    assert mine == theirs and len(mine[1]) > 30
    assert coupling[0][:3] == coupling[1][:3]
    runs = [point_golden.run(each) for each in (first, found.network)]
    order = {each.name: each for each in found.network.populations}
    for each, start in zip(first.populations, first.firsts):
        other = found.network.firsts[list(order).index(each.name)]
        ours, back = (run.spikes[(run.spikes[:, 1] >= at) & (run.spikes[:, 1] < at + each.size)] - [0, at] for run, at in zip(runs, (start, other)))
        assert np.array_equal(ours, back) and len(ours) > 1


def test_a_graph_that_was_read_is_written_with_its_own_delays():
    rng = np.random.default_rng(4)
    nodes = {"in": nir.Input(input_type={"input": np.array([4])}), "w": nir.Linear(weight=rng.integers(-4, 9, (5, 4)) / 8),
             "n": nir.IF(r=np.ones(5), v_threshold=np.full(5, 0.5)), "x": nir.Linear(weight=rng.integers(-4, 9, (3, 5)) / 8),
             "m": nir.LI(tau=np.full(3, 8e-4), r=np.ones(3), v_leak=np.zeros(3)), "out": nir.Output(output_type={"output": np.array([3])})}
    graph = nir.NIRGraph(nodes=nodes, edges=list(zip([*nodes], [*nodes][1:])), type_check=False)
    found = from_nir(graph, inputs=rng.random((30, 4)) < 0.4)
    written = to_nir(found.network)
    assert sorted(type(node).__name__ for node in written.nodes.values()) == ["IF", "Input", "LI", "Linear", "Linear", "Output"]
    assert np.array_equal(written.nodes["in_to_n"].weight, nodes["w"].weight)
    assert np.array_equal(written.nodes["n"].v_threshold, nodes["n"].v_threshold)
    back = from_nir(written, inputs=rng.random((30, 4)) < 0.4)
    assert by_name(found.network) == by_name(back.network)


def paired(reset):
    build = Builder("paired", steps=10)
    build.input("in", 2, steps=[1], channels=[0])
    for name in ("a", "b"):
        build.population(name, 2, LinearNeuron(Q, reset=reset), leak=8, threshold=200, reset=100)
    for k, (source, target) in enumerate((("in", "a"), ("a", "b"), ("a", "b"))):  # several synapses of one pair, in one projection and in two
        build.connect(source, target, weights=[5 + k, 7, 9 + k], pairs=([0, 0, 1], [1, 1, 0]))
    return build.freeze()


def test_synapses_of_one_pair_are_added_up():
    graph = to_nir(paired(Reset.VALUE))
    sums = {}
    for pre, name in graph.edges:
        if hasattr(graph.nodes[name], "weight"):
            sums[pre] = sums.get(pre, 0) + graph.nodes[name].weight * Q.one
    assert sums["in"].tolist() == [[0, 9], [12, 0]] and sums["a"].tolist() == [[0, 21], [27, 0]]


@pytest.mark.parametrize("asked, found", [("value", "SS"), ({"b": "value"}, "SV"), ({"a": "value", "b": "value"}, "VV"), ({"b": "subtract"}, "SS")])
def test_a_reset_that_is_noted_holds_where_no_other_is_asked_for(asked, found):
    back = from_nir(to_nir(paired(Reset.SUBTRACT)), steps=5, reset=asked)
    assert "".join("S" if each.neuron.reset == Reset.SUBTRACT else "V" for each in back.network.populations) == found


def driven():
    build = Builder("driven", steps=10)
    build.poisson("noise", 2, 1000)
    build.population("a", 2, LinearNeuron(Q, rounding=Rounding.STOCHASTIC, order=Order.BRIAN2), leak=8, threshold=200, refractory=3, initial={"v": 5})
    build.population("b", 2, LinearNeuron(Q), leak=8, threshold=200, noise=normal_table(2.0))
    build.drive("a", 30, probability=0.2)
    build.connect("noise", "a", weights=50, pairs=([0, 1], [0, 1]))
    return build.freeze()


def test_what_nir_cannot_hold_is_named_and_left_out_only_by_name():
    with pytest.raises(InputError) as refused:
        to_nir(driven())
    said = str(refused.value).splitlines()
    for word, what in (("sources", "spikes at random"), ("refractory", "is refractory"), ("order", "takes its input after it is compared"),
                       ("rounding", "rounds at"), ("initial", "does not begin at rest"), ("drive", "driven by events"), ("noise", "has noise")):
        assert any(what in line and f'without=["{word}"] leaves it out' in line for line in said), (word, said)
    graph = to_nir(driven(), without=["sources", "refractory", "order", "rounding", "initial", "drive", "noise"], outputs=["a"])
    assert type(graph.nodes["noise"]).__name__ == "Input" and [*graph.outputs] == ["a_output"]


def test_brunels_network_says_what_nir_lacks():
    brunel = translate(preset("ai", n_exc=8, n_inh=2), ms=1.0)
    with pytest.raises(InputError) as refused:
        to_nir(brunel)
    assert {line.split('"')[1] for line in str(refused.value).splitlines()} == {"drive", "refractory", "initial"}
    graph = to_nir(brunel, without=["drive", "refractory", "initial"])
    assert sorted({type(node).__name__ for node in graph.nodes.values()}) == ["Delay", "LIF", "Linear", "Output"]
    tau = next(node.tau for node in graph.nodes.values() if isinstance(node, nir.LIF))
    assert np.all(tau == 1e-4 / (brunel.lif.leak / (1 << brunel.lif.leak_fraction)))


@pytest.mark.parametrize(("given", "line"), [({"without": ["spikes"]}, "without must name some of drive, noise"),
                                             ({"outputs": ["z"]}, "Output 'z': is no population")])
def test_a_wrong_call_is_one_line(given, line):
    with pytest.raises(InputError, match=line):
        to_nir(network(), **given)
