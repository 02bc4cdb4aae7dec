"""Point networks in Brian2's floats: the integers' own dynamics without rounding, and the verdict of `spikegate sim` that rests on it."""

import json

import numpy as np

from spikegate.cli import main
from spikegate.cosim.results.effects import judge
from spikegate.models.core import point_engine
from spikegate.models.core.point_golden import PointGolden
from spikegate.translator.cuba import CubaParams, cuba
from spikegate.translator.point_brian import PointBrianOrdered

#: No synapses: each neuron is driven by its rest alone, and what rounding does to it stays its own.
ALONE = cuba(CubaParams(n=40, probability=0.0), 100.0)


def test_unconnected_neurons_differ_from_integers_by_their_rounding_alone():
    golden, floats = point_engine.run(ALONE, trace=True), PointBrianOrdered("numpy").run(ALONE, trace=True)
    first = {int(i): int(t) for t, i in floats.spikes[::-1]}
    assert len(first) == 40
    # Until a neuron fires, each step rounds by at most half of 2^-14 mV, and the leak keeps that for 200 steps.
    gaps = [np.abs(golden.trace["v"][:t, i] / 2**14 - floats.trace["v"][:t, i]).max(initial=0.0) for i, t in first.items()]
    assert 0 < max(gaps) < 200 * 2.0**-15
    # At the threshold a membrane of rest -49 mV rises by (1 mV) / 200 a step, half of which is the bound.
    assert all(abs(int(golden.spikes[golden.spikes[:, 1] == i][0, 0]) - t) <= 2 for i, t in first.items())


def test_another_leak_is_another_membrane():
    each = ALONE.populations[0]
    sets = each.sets.copy()
    sets[:, 0] *= 2
    wrong = ALONE.replace(populations=[type(each)(each.name, each.size, each.neuron, sets, each.index, None, each.initial), *ALONE.populations[1:]])
    assert not np.array_equal(point_engine.run(wrong).spikes, PointBrianOrdered("numpy").run(ALONE).spikes)


def test_arithmetic_is_judged_for_a_network_of_point_neurons(tmp_path, capsys):
    # A membrane of 8 ms forgets sooner, so that a shorter run can be judged.
    words = ["sim", "--preset", "cuba", "--set", "n=60", "--set", "probability=0.1", "--set", "tau_m=8", "--ms", "290", "--lanes", "4",
             "--out", str(tmp_path)]
    assert main(words) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    rows = {check["name"]: check for check in report["checks"]}
    assert rows["arithmetic: rate"]["ok"] is True and rows["arithmetic: rate"]["margin"] > 0
    assert "arithmetic" in capsys.readouterr().err.splitlines()[-1].partition("not judged")[0]


def test_a_core_that_leaks_twice_as_much_is_outside_the_margin():
    network = cuba(CubaParams(n=100, probability=0.1), 500.0)
    floats = PointBrianOrdered("numpy").run(network)
    for engine, ok in ((PointGolden(), True), (PointGolden("leak"), False)):
        checks = judge(network, [{"rtl": engine.run(network), "brian2_ordered": floats}], {})
        rate, = (check for check in checks if check.name == "arithmetic: rate")
        assert rate.ok is ok, rate
