"""Every primitive of NIR, as hardware's integers and by NIR's equations in floats: every spike equal, also where numbers are rounded."""

import nir
import nir_reference
import numpy as np
import pytest

from spikegate import from_nir, point_golden

STEPS = 60


def dyadic(rng, *shape, bits=4, low=-8, high=9):
    """Numbers that a few bits hold."""
    return rng.integers(low, high, shape) / (1 << bits)


def full(size, value):
    return np.full(size, float(value))


def lif(size, threshold=1.0, tau=8e-4, r=2.0, leak=0.0, reset=0.0):
    return nir.LIF(tau=full(size, tau), r=full(size, r), v_leak=full(size, leak), v_threshold=full(size, threshold), v_reset=full(size, reset))


def cuba(size, kind=nir.CubaLIF, **more):
    spiking = {"v_threshold": full(size, 0.75), "v_reset": full(size, -0.25)} if kind is nir.CubaLIF else {}
    given = {"tau_syn": full(size, 4e-4), "tau_mem": full(size, 8e-4), "r": full(size, 3), "v_leak": full(size, 0), "w_in": full(size, 2)}
    return kind(**given | spiking | more)


def fire(size, threshold=1.0):
    return nir.IF(r=full(size, 0.5), v_threshold=full(size, threshold), v_reset=full(size, 0.125))


def chain(shape, *nodes, out):
    """A graph of nodes one behind the other."""
    named = {"in": nir.Input(input_type={"input": np.array(shape)}), **{f"node{k}": each for k, each in enumerate(nodes)},
             "out": nir.Output(output_type={"output": np.array(out)})}
    return nir.NIRGraph(nodes=named, edges=list(zip([*named], [*named][1:])), type_check=False)


def linear(rng, out, size, **more):
    return nir.Linear(weight=dyadic(rng, out, size, **more))


def conv2d(rng, **more):
    given = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1} | more
    return nir.Conv2d(input_shape=None, weight=dyadic(rng, 4, 2 // given["groups"], 3, 3), bias=dyadic(rng, 4), **given)


R = np.random.default_rng(3)
GRAPHS = {
    "IF": (chain([6], linear(R, 5, 6), fire(5), out=[5]), True),
    "IF behind Affine and IF": (chain([6], nir.Affine(weight=dyadic(R, 5, 6), bias=dyadic(R, 5)), fire(5, 0.25), linear(R, 3, 5, low=-4),
                                 fire(3, 0.25), out=[3]), True),
    "Threshold": (chain([6], linear(R, 5, 6), nir.Threshold(threshold=dyadic(R, 5, low=0)), out=[5]), True),
    "Threshold, IF": (chain([6], linear(R, 5, 6), nir.Threshold(threshold=full(5, 0.25)), linear(R, 4, 5), fire(4), out=[4]), True),
    "Scale and Flatten": (chain([2, 3], nir.Scale(scale=dyadic(R, 2, 3)), nir.Flatten(np.array([2, 3]), 0, -1), linear(R, 4, 6, low=1),
                                fire(4, 0.25), out=[4]), True),
    "Conv1d": (chain([2, 9], nir.Conv1d(input_shape=None, weight=dyadic(R, 3, 2, 3), stride=2, padding=1, dilation=2, groups=1, bias=dyadic(R, 3)),
                     fire((3, 4)), out=[3, 4]), True),
    "Conv1d, same": (chain([2, 6], nir.Conv1d(input_shape=None, weight=dyadic(R, 3, 2, 4), stride=1, padding="same", dilation=1, groups=1,
                                              bias=dyadic(R, 3)), fire((3, 6)), out=[3, 6]), True),
    "Conv2d": (chain([2, 5, 4], conv2d(R), fire((4, 5, 4)), out=[4, 5, 4]), True),
    "Conv2d, stride and groups": (chain([2, 7, 5], conv2d(R, stride=(2, 1), padding=(0, 1), groups=2), fire((4, 3, 5)), out=[4, 3, 5]), True),
    "SumPool2d": (chain([2, 4, 6], nir.SumPool2d(kernel_size=np.array([2, 3]), stride=np.array([2, 2]), padding=np.array([0, 1])),
                        fire((2, 2, 3), 2.0), out=[2, 2, 3]), True),
    "AvgPool2d": (chain([1, 4, 4], nir.AvgPool2d(kernel_size=np.array([2, 2]), stride=np.array([2, 2]), padding=np.array([0, 0])),
                        fire((1, 2, 2), 0.5), out=[1, 2, 2]), True),
    "Delay": (chain([4], nir.Delay(delay=np.array([0, 1e-4, 7e-4, 3e-2])), linear(R, 5, 4), fire(5, 0.25), out=[5]), True),
    "Delay behind a bias": (chain([4], nir.Affine(weight=dyadic(R, 3, 4), bias=full(3, 0.25)), nir.Delay(delay=np.array([0, 3e-4, 9e-4])),
                                  fire(3, 0.5), out=[3]), True),
    "LIF": (chain([6], linear(R, 5, 6, bits=2), lif(5), out=[5]), False),
    "LIF, LIF": (chain([6], linear(R, 8, 6, bits=2), lif(8, leak=0.25, reset=-0.5), linear(R, 4, 8, bits=2), lif(4, 0.5), out=[4]), False),
    "CubaLIF": (chain([6], linear(R, 5, 6), cuba(5), out=[5]), False),
    "CubaLIF behind Affine": (chain([6], nir.Affine(weight=dyadic(R, 5, 6), bias=dyadic(R, 5)), cuba(5, r=full(5, -2)), out=[5]), False)}


def spikes_for(shape, seed=5):
    return np.random.default_rng(seed).random((STEPS, *shape)) < 0.3


@pytest.mark.parametrize("reset", ["value", "subtract"])
@pytest.mark.parametrize("name", GRAPHS)
def test_every_spike_is_that_of_the_equations(name, reset):
    graph, exact = GRAPHS[name]
    x = spikes_for(tuple(graph.nodes["in"].input_type["input"]))
    found = from_nir(graph, inputs=x, reset=reset)
    recording = point_golden.run(found.network)
    wanted = nir_reference.run(graph, {"in": x}, subtract=reset == "subtract")["out"]
    spikes = found.spikes(recording)
    assert np.array_equal(spikes, wanted > 0) and 0 < spikes.sum() < spikes.size
    assert found.exact == exact or reset == "subtract" and not exact
    assert found.overflows(recording) == {}


@pytest.mark.parametrize(("node", "exact"), [(nir.LI(tau=full(4, 8e-4), r=full(4, 2), v_leak=full(4, 0.25)), False),
                                              (nir.I(r=full(4, 0.5)), True), (cuba(4, nir.CubaLI), False), (None, True)])
def test_membranes_are_those_of_the_equations(node, exact):
    nodes = [linear(np.random.default_rng(7), 4, 6), *([node] if node is not None else [])]
    graph, x = chain([6], *nodes, out=[4]), spikes_for((6,))
    found = from_nir(graph, inputs=x)
    values = found.values(point_golden.run(found.network, trace=True))
    wanted = nir_reference.run(graph, {"in": x})["out"]
    assert found.exact == exact and np.ptp(wanted) > 0.5
    assert np.array_equal(values, wanted) if exact else np.abs(values - wanted).max() < 2e-3 * np.ptp(wanted)


def branched():
    """Paths of different length that meet, and two outputs."""
    rng, ends = np.random.default_rng(11), {"out": 3, "side": 4}
    nodes = {"in": nir.Input(input_type={"input": np.array([5])}), "other": nir.Input(input_type={"input": np.array([2])}),
             "a": linear(rng, 4, 5), "first": fire(4, 0.25), "b": linear(rng, 3, 4), "second": fire(3, 0.25), "c": linear(rng, 3, 3),
             "skip": linear(rng, 3, 5), "more": linear(rng, 3, 2), "last": fire(3, 0.5),
             **{name: nir.Output(output_type={"output": np.array([size])}) for name, size in ends.items()}}
    edges = [("in", "a"), ("a", "first"), ("first", "b"), ("b", "second"), ("second", "c"), ("c", "last"), ("in", "skip"), ("skip", "last"),
             ("other", "more"), ("more", "last"), ("last", "out"), ("first", "side")]
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)


def test_paths_of_different_length_meet_in_the_same_step_and_every_output_is_there():
    graph = branched()
    x = {"in": spikes_for((5,)), "other": spikes_for((2,), 6)}
    found = from_nir(graph, inputs=x)
    recording, wanted = point_golden.run(found.network), nir_reference.run(graph, x)
    assert found.lag == {"out": 3, "side": 1} and found.exact
    for name in ("out", "side"):
        spikes = found.spikes(recording, name)
        assert np.array_equal(spikes, wanted[name] > 0) and spikes.sum() > 10
    late = found.network.replace(inputs=[each if each.name == "in" else type(each)(each.name, each.size, [], []) for each in found.network.inputs])
    assert not np.array_equal(found.spikes(point_golden.run(late), "out"), wanted["out"] > 0)


def looped(delay=None):
    """Neurons that reach themselves, at once or after a delay."""
    rng = np.random.default_rng(13)
    nodes = {"in": nir.Input(input_type={"input": np.array([5])}), "a": linear(rng, 4, 5), "back": linear(rng, 4, 4), "out": None, "n": fire(4)}
    more = {} if delay is None else {"later": nir.Delay(delay=full(4, delay))}
    nodes = {**{name: nodes[name] for name in ("in", "a", "back")}, **more, "n": nodes["n"], "out": nir.Output(output_type={"output": np.array([4])})}
    last = ["back"] if delay is None else ["back", "later"]
    return nir.NIRGraph(nodes=nodes, edges=[("in", "a"), ("a", "n"), ("n", "back"), *zip(last, [*last[1:], "n"]), ("n", "out")], type_check=False)


def test_a_loop_takes_a_step_and_says_so():
    graph, x = looped(), spikes_for((5,))
    found = from_nir(graph, inputs=x)
    assert np.array_equal(found.spikes(point_golden.run(found.network)), nir_reference.run(graph, {"in": x})["out"] > 0)
    assert "round the loop from 'n' takes a step, where the graph says no time" in next(each.said for each in found.nodes if each.node == "n")


def test_a_loop_with_a_delay_takes_the_delay():
    found = from_nir(looped(5e-4), inputs=spikes_for((5,)))
    assert {*next(each for each in found.network.projections if each.source == "n").delays.tolist()} == {5}
    assert "round the loop" not in str(found.nodes)
    assert from_nir(looped(1e-4), steps=1).network.projections[-1].longest == 1


def test_a_subgraph_is_unfolded():
    parts = {"input": nir.Input(input_type={"input": np.array([4])}), "n": fire(4), "output": nir.Output(output_type={"output": np.array([4])})}
    inner = nir.NIRGraph(nodes=parts, edges=[("input", "n"), ("n", "output")], type_check=False)
    flat, x = chain([6], linear(np.random.default_rng(1), 4, 6), fire(4), out=[4]), spikes_for((6,))
    nested = nir.NIRGraph(nodes={**flat.nodes, "node1": inner}, edges=flat.edges, type_check=False)
    one, other = from_nir(flat, inputs=x), from_nir(nested, inputs=x)
    assert np.array_equal(one.spikes(point_golden.run(one.network)), other.spikes(point_golden.run(other.network)))
    assert [each.node for each in other.nodes if each.kind == "IF"] == ["node1.n"]


def test_the_exact_method_follows_the_solution_of_the_equation():
    graph = chain([1], nir.Linear(weight=np.array([[1.0]])), nir.LI(tau=full(1, 5e-4), r=full(1, 1), v_leak=full(1, 0)), out=[1])
    x = np.ones((STEPS, 1), bool)
    found = from_nir(graph, inputs=x, method="exact")
    values = found.values(point_golden.run(found.network, trace=True))[:, 0]
    assert np.abs(values - (1 - np.exp(-np.arange(1, STEPS + 1) * 1e-4 / 5e-4))).max() < 1e-3
    euler = from_nir(graph, inputs=x)
    assert np.abs(euler.values(point_golden.run(euler.network, trace=True))[:, 0] - values).max() > 0.01


def test_integrators_may_be_counted_in_seconds():
    graph = chain([1], nir.Linear(weight=np.array([[1.0]])), nir.I(r=full(1, 5000)), out=[1])
    found = from_nir(graph, inputs=np.ones((8, 1)), integrators="seconds")
    assert np.array_equal(found.values(point_golden.run(found.network, trace=True))[:, 0], np.arange(1, 9) / 2)
