"""Comparison: every difference is found, counted and named, and a comparison of nothing fails."""

from dataclasses import replace

import numpy as np
import pytest

from spikegate.cosim.results.compare import Check, Margin, compare, describe, same, statistical
from spikegate.models.core import engine
from spikegate.models.core.golden import DEFECTS, Golden
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

SIGNALS = ("events", "v", "spike", "hold", "overflow", "final.v", "final.hold", "final.overflow")


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=80, n_inh=20), name="small", ms=200.0)


@pytest.fixture(scope="module")
def recording(network):
    return engine.run(network, trace=True)


def changed(recording, kind, name, index, value):
    array = getattr(recording, kind)[name].copy()
    array[index] = value
    return replace(recording, **{kind: {**getattr(recording, kind), name: array}})


def test_equal_recordings_pass_and_every_item_is_counted(recording):
    check = compare("a", "bit-true", recording, recording, SIGNALS)
    assert check.ok and check.mismatches == 0 and check.first_divergence is None
    assert len(recording.spikes) > 100
    assert check.compared == 4 * recording.steps * recording.n + 3 * recording.n + len(recording.spikes)


def test_a_moved_spike_is_two_wrong_cells_and_the_earlier_one_is_reported(recording):
    spikes = recording.spikes.copy()
    step, neuron = map(int, spikes[57])
    assert step > 0
    spikes[57, 0] -= 1
    check = compare("a", "spike-exact", replace(recording, spikes=spikes, engine="bad"), recording)
    assert not check.ok and check.mismatches == 2 and check.compared == len(spikes) + 1
    assert check.first_divergence == {"step": step - 1, "neuron": neuron, "signal": "spike", "engines": ["bad", "golden"], "values": [1, 0]}
    assert f"step {step - 1}, neuron {neuron}, signal spike: bad 1, golden 0" in describe(check)


@pytest.mark.parametrize("kind, signal, place", [("trace", "v", (1207, 41)), ("trace", "overflow", (0, 0)), ("trace", "events", (1999, 99)),
                                                 ("trace", "hold", (1024, 3)), ("final", "v", 7), ("final", "overflow", 99)])
def test_one_changed_value_is_rejected_at_its_place(recording, kind, signal, place):
    was = int(getattr(recording, kind)[signal][place])
    check = compare("a", "bit-true", recording, changed(recording, kind, signal, place, was ^ 1), SIGNALS)
    step, neuron = place if kind == "trace" else (recording.steps - 1, place)
    assert not check.ok and check.mismatches == 1
    assert (check.first_divergence["step"], check.first_divergence["neuron"]) == (step, neuron)
    assert check.first_divergence["signal"] == (signal if kind == "trace" else f"final.{signal}")
    assert check.first_divergence["values"] == [was, was ^ 1]


def test_the_earliest_of_several_differences_is_reported_whatever_the_signal(recording):
    bad = changed(changed(recording, "trace", "v", (900, 5), -1), "trace", "hold", (899, 70), 9)
    assert compare("a", "bit-true", recording, bad, SIGNALS).first_divergence["signal"] == "hold"
    bad = changed(changed(recording, "trace", "v", (900, 5), -1), "trace", "events", (900, 5), 99)
    assert compare("a", "bit-true", recording, bad, SIGNALS).first_divergence["signal"] == "events"


def test_a_spike_recorded_twice_is_rejected(recording):
    twice = replace(recording, spikes=np.concatenate([recording.spikes, recording.spikes[:1]]))
    check = compare("a", "spike-exact", twice, recording)
    assert not check.ok and check.mismatches == 1 and check.first_divergence["values"] == [2, 1]


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_of_the_golden_model_is_rejected_by_spikes_and_by_values(network, recording, defect):
    bad = Golden(defect=defect).run(network, trace=True)
    whole, spikes = (compare("a", kind, recording, bad, names) for kind, names in (("bit-true", SIGNALS), ("spike-exact", ("spike",))))
    assert not whole.ok and not spikes.ok and whole.mismatches > spikes.mismatches > 0
    first = whole.first_divergence
    here = (first["step"], first["neuron"])
    assert here <= (spikes.first_divergence["step"], spikes.first_divergence["neuron"])
    if first["signal"] != "spike":
        assert first["values"] == [int(r.trace[first["signal"]][here]) for r in (recording, bad)]


def test_comparing_nothing_fails():
    silent = Recording("silent", 5, 10, np.empty((0, 2)), trace={"v": np.zeros((10, 5))})
    for signals in ((), ("spike",)):
        check = compare("a", "spike-exact", silent, silent, signals)
        assert check.ok is False and check.compared == 0 and "nothing was compared" in describe(check)
    assert compare("a", "bit-true", silent, silent, ("spike", "v")).ok


def test_a_signal_that_one_side_lacks_fails(recording):
    check = compare("a", "bit-true", recording, replace(recording, trace={}, engine="blind"), SIGNALS)
    assert check.ok is False and check.mismatches == 0 and "v was not recorded by blind" in describe(check)


@pytest.mark.parametrize("change, what", [({"n": 101}, "N"), ({"steps": 1999}, "number of steps"), ({"provenance": {"network": "f"}}, "network hash"),
                                          ({"provenance": {}}, "network hash")])
def test_recordings_of_different_runs_are_refused(recording, change, what):
    with pytest.raises(InputError, match=f"different {what}"):
        compare("a", "bit-true", recording, replace(recording, **change), SIGNALS)


def test_malformed_recordings_are_refused(recording):
    with pytest.raises(InputError, match="neuron .*outside 0..99"):
        compare("a", "spike-exact", recording, replace(recording, spikes=[[0, 100]]))
    with pytest.raises(InputError, match="must have shape"):
        compare("a", "bit-true", recording, replace(recording, trace={"v": np.zeros((3, 100))}), ("v",))
    with pytest.raises(InputError, match="Class of a check"):
        Check("a", "close enough", 1, 0, None, True)


def test_statistics_are_held_against_absolute_and_relative_margins():
    assert statistical("a", 33.0, 30.0, Margin(0.1, relative=True)).ok
    assert not statistical("a", 33.1, 30.0, Margin(0.1, relative=True)).ok
    assert statistical("a", 0.021, 0.05, Margin(0.03)).ok
    check = statistical("a", 0.09, 0.05, Margin(0.03), compared=7)
    assert (check.ok, check.compared, check.mismatches) == (False, 7, 1) and "margin ±0.03 exceeded" in describe(check)


def test_statistics_without_margin_are_not_judged_and_without_value_fail():
    assert statistical("a", 1.0, 2.0, None).ok is None
    for value, compared in ((None, 3), (float("nan"), 3), (1.0, 0)):
        check = statistical("a", value, 1.0, Margin(9), compared=compared)
        assert check.ok is False and check.compared == 0
    assert statistical("a", None, 1.0, None).ok is None


def test_one_number_is_compared_and_a_missing_one_fails():
    assert same("a", "bit-true", "cycles", ("measured", 10), ("predicted", 10)).ok
    check = same("a", "bit-true", "cycles", ("measured", 11), ("predicted", 10))
    assert not check.ok and "signal cycles: measured 11, predicted 10" in describe(check)
    assert same("a", "bit-true", "cycles", ("measured", None), ("predicted", 10)).ok is False
