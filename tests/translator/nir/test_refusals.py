"""What hardware cannot do of a NIR graph is named, node by node and all at once; what is wrong in a call is one line."""

import nir
import numpy as np
import pytest

from spikegate import Formats, InputError, QFormat, from_nir, point_golden
from spikegate.translator.nir.reading import read
from spikegate.translator.nir.spikes import spread


def full(size, value):
    return np.full(size, float(value))


def graph(edges=(("in", "w"), ("w", "n"), ("n", "out")), **more):
    nodes = {"in": nir.Input(input_type={"input": np.array([2])}), "w": nir.Linear(weight=np.ones((3, 2))),
             "n": nir.IF(r=full(3, 1), v_threshold=full(3, 1.5)), "out": nir.Output(output_type={"output": np.array([3])})}
    return nir.NIRGraph(nodes={**nodes, **more}, edges=[*edges], type_check=False)


def lif(**more):
    given = {"tau": full(3, 1e-3), "r": full(3, 1), "v_leak": full(3, 0), "v_threshold": full(3, 1), "v_reset": full(3, 0)}
    return nir.LIF(**{**given, **more})


def li(size=3):
    return nir.LI(tau=full(size, 1e-3), r=full(size, 1), v_leak=full(size, 0))


class Dropout(nir.Flatten):
    pass


THROUGH = [("in", "w"), ("w", "m"), ("m", "n"), ("n", "out")]
REFUSED = {
    "membrane": (graph(THROUGH, m=li()),
                 "LI 'm': sends its membrane to other nodes, and hardware sends spikes alone; a LIF in its place, or an Output"),
    "unknown": (graph(THROUGH, m=Dropout(np.array([3]))), "Dropout 'm': is a primitive that hardware does not have; one of Input, Output, LIF"),
    "short tau": (graph(n=lif(tau=full(3, 5e-5))), "LIF 'n': has tau = 5e-05 s, shorter than a step of 0.0001 s; a shorter dt, or method=\"exact\""),
    "no tau": (graph(n=lif(tau=full(3, 0))), "LIF 'n': has tau = 0 s; a time constant above 0 would run"),
    "reset": (graph(n=lif(v_reset=full(3, 1))), "LIF 'n': has v_reset = 1 at or above v_threshold = 1, and would spike for ever"),
    "nan": (graph(n=lif(v_leak=full(3, np.nan))), "LIF 'n': has 3 values of v_leak for 3 neurons, or one that is no number"),
    "weights": (graph(w=nir.Linear(weight=np.ones((3, 4)))), "Linear 'w': has weights (3, 4) and gets 2 values"),
    "sizes": (graph(w=nir.Linear(weight=np.ones((4, 2)))), "IF 'n': gets 4 values for 3 neurons"),
    "scale": (graph(THROUGH, m=nir.Scale(scale=np.ones(2))), "Scale 'm': has 2 factors and gets 3 values"),
    "delay": (graph(THROUGH, m=nir.Delay(delay=full(3, -1))), "Delay 'm': has 3 delays for 3 values, or one below 0"),
    "pool": (graph(THROUGH, m=nir.SumPool2d(kernel_size=np.array([2, 2]), stride=np.array([1, 1]), padding=np.array([0, 0]))),
             "SumPool2d 'm': gets 1 dimensions (3,) where it needs channels and 2 more"),
    "linear loop": (graph([*THROUGH, ("m", "m")], m=nir.Scale(scale=np.ones(3))), "Scale 'm': is in a loop without a neuron"),
    "edge": (graph([("in", "w"), ("w", "n"), ("n", "gone")]), "Edge 'n' -> 'gone': names a node that is not there ('gone')"),
    "twice": (graph([("in", "w"), ("w", "n"), ("w", "n"), ("n", "out")]), "Edge 'w' -> 'n': is there twice"),
    "nothing": (graph([("w", "n"), ("n", "out")]), "Linear 'w': gets nothing; a node behind an Input or a neuron would run"),
    "no neurons": (nir.NIRGraph(nodes={"in": nir.Input(input_type={"input": np.array([2])})}, edges=[], type_check=False), "Graph: has no neurons"),
    "large": (graph(w=nir.Linear(weight=np.full((3, 2), 1e12))), "IF 'n': numbers up to "),
    "kernel": (nir.NIRGraph(
        nodes={"in": nir.Input(input_type={"input": np.array([1, 2])}), "c": nir.Conv1d(None, np.ones((1, 1, 3)), 1, 0, 1, 1, np.zeros(1)),
               "out": nir.Output(output_type={"output": np.array([1, 1])})}, edges=[("in", "c"), ("c", "out")], type_check=False),
        "Conv1d 'c': has a kernel of (3,) that is larger than what it gets, (2,)")}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_in_the_way_is_named_by_its_node(name):
    made, line = REFUSED[name]
    with pytest.raises(InputError) as refused:
        from_nir(made, steps=5)
    assert line in str(refused.value) and all(": " in each and "; " in each for each in str(refused.value).splitlines())


def test_everything_is_named_at_once():
    made = graph([("in", "w"), ("w", "m"), ("m", "n"), ("n", "odd"), ("odd", "out")], m=li(), n=lif(tau=full(3, 0)), odd=Dropout(np.array([3])))
    with pytest.raises(InputError) as refused:
        from_nir(made, steps=5)
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["Dropout 'odd'", "LIF 'n'", "LI 'm'"]


def test_a_loop_that_is_quicker_than_its_synapses_is_refused_and_one_that_is_not_runs():
    def two(steps):
        nodes = {"m": lif(), "later": nir.Delay(delay=full(3, steps * 1e-4))}
        return graph([("in", "w"), ("w", "n"), ("n", "m"), ("m", "later"), ("later", "n"), ("n", "out")], **nodes)

    with pytest.raises(InputError, match="Loop through m, n: has delays that are shorter than its synapses"):
        from_nir(two(1), steps=5)
    delays = [each.longest for each in from_nir(two(2), steps=5).network.projections if each.source in "mn"]
    assert sorted(delays) == [1, 1]
    assert sum(each.longest for each in from_nir(two(9), steps=5).network.projections if each.source in "mn") == 9


@pytest.mark.parametrize(("given", "line"), [
    ({"dt": 1.5e-9}, "dt must be a whole number of nanoseconds, at most a second, not 1.5e-09 s"), ({"dt": 2.0}, "dt must be a whole number"),
    ({"method": "heun"}, "method must be euler or exact, not 'heun'"), ({"reset": "zero"}, "reset must be value or subtract, not 'zero'"),
    ({"reset": {"n": "half"}}, "reset must be value or subtract, not 'half'"),
    ({"integrators": "ms"}, "integrators must be step or seconds, not 'ms'"),
    ({"steps": None}, "steps must be 1 or more, not None"), ({"steps": 0}, "steps must be 1 or more, not 0"),
    ({"inputs": np.full((3, 2), 0.5)}, "Input 'in' must be spikes, 0 or 1, not 0.5"),
    ({"inputs": np.ones((3, 3))}, "Input 'in' must be numbers (steps, 2)"),
    ({"inputs": {"x": np.ones((3, 2))}}, "Inputs name 'x', which is no Input node; there are in"),
    ({"inputs": np.ones((9, 2))}, "steps must be at least the 9 of the inputs, not 5"),
    ({"formats": {"w": Formats()}}, "Formats name 'w', which is no node with neurons; there are n"),
    ({"formats": Formats(QFormat(4, 3))}, "outside q1.3")])
def test_a_wrong_call_is_one_line(given, line):
    with pytest.raises(InputError) as refused:
        from_nir(graph(), **{"steps": 5, **given})
    assert line in str(refused.value)


def test_what_is_no_graph_is_refused(tmp_path):
    for path, content in (("absent.nir", None), ("text.nir", b"no graph")):
        if content:
            (tmp_path / path).write_bytes(content)
        with pytest.raises(InputError, match=f"{path} (cannot be read|holds no graph)"):
            read(tmp_path / path)
    import h5py
    with h5py.File(tmp_path / "other.nir", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match=r"other.nir holds no graph \(KeyError"):
        read(tmp_path / "other.nir")
    with pytest.raises(InputError, match="Graph must be a nir.NIRGraph, not str"):
        from_nir("a graph", steps=1)


def test_a_rounded_delay_and_lost_weights_are_said():
    made = graph([("in", "w"), ("w", "m"), ("m", "n"), ("n", "out")], w=nir.Linear(weight=np.array([[1, 1e-3], [1, 0], [0.5, 1]])),
                 m=nir.Delay(delay=full(3, 2.4e-4)))
    found = from_nir(made, steps=5, formats=Formats(QFormat(8, 4)))
    said = {each.node: each.said for each in found.nodes}
    assert said["m"] == "quantised: off by 4e-05 s at most, to whole steps" and not found.exact
    assert said["w"] == "quantised: weights off by 0.1 % of the largest, 1 of 5 became 0"
    assert said["n"] == said["in"] == "exact"


def test_a_delay_is_exact_but_for_what_a_double_loses():
    for off, said in ((1e-15, "exact"), (3e-7, "quantised: off by 3e-07 s at most, to whole steps")):
        made = graph([("in", "w"), ("w", "m"), ("m", "n"), ("n", "out")], m=nir.Delay(delay=full(3, 3e-4 + off)))
        assert {each.node: each.said for each in from_nir(made, steps=5).nodes}["m"] == said


def test_a_frozen_graph_says_how_it_was_made():
    how = dict(dt=2e-4, method="exact", integrators="seconds", reset={"n": "subtract"})
    assert dict(from_nir(graph(), steps=5, **how).network.source) == {
        "from": "NIR", "nir.method": "exact", "nir.integrators": "seconds", "nir.reset": "n: subtract", "nir.dt_s": 2e-4}


def test_a_membrane_that_leaves_its_format_is_told():
    found = from_nir(graph(w=nir.Linear(weight=-np.ones((3, 2)))), inputs=np.ones((9, 2)), formats=Formats(QFormat(4, 1)))
    assert found.overflows(point_golden.run(found.network)) == {"n": 3}
    with pytest.raises(InputError, match="Output must be one of out, not 'in'"):
        found.spikes(point_golden.run(found.network), "in")
    with pytest.raises(InputError, match="has no trace"):
        found.values(point_golden.run(found.network))


def test_numbers_become_as_many_spikes_spread_evenly():
    found = spread([[0, 1], [3, 4]], 4)
    assert found.shape == (4, 2, 2) and found.sum(0).tolist() == [[0, 1], [3, 4]]
    assert spread(2, 4).tolist() == [False, True, False, True]
    for counts, steps, line in (([5], 4, "0..4, a spike a step, not 5"), ([0.5], 4, "not 0.5"), ([1], 0, "steps must be 1 or more")):
        with pytest.raises(InputError, match=line):
            spread(counts, steps)
