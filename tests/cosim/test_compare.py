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


def test_a_margin_is_centred_on_the_shifted_reference_and_says_so():
    for margin, reference, inside, outside, text in (
            (Margin(0.5), -3, (-3.5, -2.5), (-3.6, -2.4), "±0.5"), (Margin(0.5, shift=-1.0), 3, (1.5, 2.5), (1.4, 2.6), "-1 ±0.5"),
            (Margin(0.25, True), -8, (-10, -6), (-10.1, -5.9), "±25 %"), (Margin(0.25, True, 0.5), -8, (-6, -2), (-6.1, -1.9), "+50 ±25 %")):
        assert all(margin.holds(value, reference) for value in inside) and not any(margin.holds(value, reference) for value in outside), text
        assert str(margin) == text


def test_a_check_says_all_it_knows_in_json_and_in_a_word():
    check = Check("rate", "statistical", 7, 1, {"step": 3}, False, "why", 2.0, 1.0, 0.5, True)
    assert check.as_dict() == {"name": "rate", "class": "statistical", "compared": 7, "mismatches": 1, "first_divergence": {"step": 3}, "ok": False,
                               "verdict": "WARNING", "detail": "why", "value": 2.0, "reference": 1.0, "margin": 0.5}
    words = {ok: (replace(check, ok=ok, warns=False).verdict, replace(check, ok=ok, warns=False).failed) for ok in (True, False, None)}
    assert words == {True: ("ok", False), False: ("FAILED", True), None: ("not judged", False)} and not check.failed
    with pytest.raises(InputError, match="^Class of a check must be one of bit-true, spike-exact, statistical, not 'close'$"):
        replace(check, class_="close")


def test_what_was_compared_is_told_in_full():
    a = Recording("one", 3, 2000, [[4, 1], [5, 2]], trace={"v": np.zeros((2000, 3))}, final={"v": np.arange(3)}, provenance={"network": "f"})
    assert compare("x", "bit-true", a, a, ("spike", "v", "final.v")) == Check(
        "x", "bit-true", 6005, 0, None, True, "2 spikes, 6,000 v, 3 final.v over 2,000 steps of 3 neurons")
    bad = replace(a, engine="two", spikes=[[4, 1], [4, 1], [1999, 0]], final={"v": np.arange(3) * 2})
    check = compare("x", "bit-true", a, bad, ("spike", "v", "final.v"))
    assert check == Check("x", "bit-true", 6006, 5, {"step": 4, "neuron": 1, "signal": "spike", "engines": ["one", "two"], "values": [1, 2]}, False,
                          "3 spikes, 6,000 v, 3 final.v over 2,000 steps of 3 neurons")
    assert describe(check) == "x (bit-true): 5 of 6,006 differ, first at step 4, neuron 1, signal spike: one 1, two 2"
    final = compare("x", "bit-true", a, bad, ("v", "final.v"))
    assert final.first_divergence == {"step": 1999, "neuron": 1, "signal": "final.v", "engines": ["one", "two"], "values": [1, 2]}
    blind, none = replace(a, engine="blind", trace={}), replace(a, spikes=np.empty((0, 2)))
    assert compare("x", "bit-true", blind, replace(blind, engine="deaf"), ("v", "spike")).detail == "v was not recorded by blind and deaf"
    assert describe(compare("x", "spike-exact", none, none)) == (
        "x (spike-exact): nothing was compared: no spike on either side and no other signal; run for longer")
    wave = np.zeros((2000, 3))
    wave[[1023, 1024, 1024, 1999], [2, 0, 1, 2]] = 1
    check = compare("x", "bit-true", a, replace(a, engine="two", trace={"v": wave}), ("v",))
    assert (check.mismatches, check.first_divergence["step"], check.first_divergence["neuron"]) == (4, 1023, 2)


def test_refusals_of_recordings_are_told_in_full():
    a = Recording("one", 3, 10, [[4, 1]], trace={"v": np.zeros((10, 3))}, final={"v": np.zeros(3)}, provenance={"network": "f"})
    for change, text in (({"n": 4}, "Recordings of different N cannot be compared: one has 3, two has 4; run the same network"),
                         ({"spikes": [[10, 0]]}, "Spikes of two name step 10..10, outside 0..9"),
                         ({"spikes": [[1, -1], [2, 2]]}, "Spikes of two name neuron -1..2, outside 0..2"),
                         ({"spikes": [[1, 3]]}, "Spikes of two name neuron 3..3, outside 0..2"),
                         ({"trace": {"v": np.zeros((3, 10))}}, "Signal v of two must have shape (10, 3), not (3, 10)"),
                         ({"final": {"v": np.zeros((1, 3))}}, "Signal final.v of two must have shape (3,), not (1, 3)")):
        with pytest.raises(InputError) as caught:
            compare("x", "bit-true", a, replace(a, engine="two", **change), ("spike", "v", "final.v"))
        assert str(caught.value) == text
    assert compare("x", "spike-exact", replace(a, spikes=[[0, 0], [9, 2]]), replace(a, spikes=[[0, 0], [9, 2]])).compared == 2


def test_statistics_and_single_numbers_are_told_in_full():
    found = statistical("a", 12.34567, 10, Margin(0.25, True), compared=7)
    assert found == Check("a", "statistical", 7, 0, None, True, "12.35 against 10, margin ±25 %", 12.34567, 10, 2.5)
    assert statistical("a", -13, -10, Margin(0.25, True)) == Check("a", "statistical", 1, 1, None, False, "-13 against -10, margin ±25 % exceeded",
                                                                   -13, -10, 2.5)
    assert statistical("a", 3, 2, Margin(0.5)).margin == 0.5
    assert statistical("a", 3, 2, None, compared=4) == Check(
        "a", "statistical", 4, 0, None, None, "3 against 2, not judged: no margin for this network, format and duration", 3, 2)
    assert statistical("a", 3, 2, None, unjudged="why").detail == "3 against 2, not judged: why"
    longer = "a side has no value; run for longer"
    for value, reference, compared, why in ((None, 1, 1, longer), (1, float("nan"), 1, longer), (1, 1, 0, "no samples")):
        assert statistical("a", value, reference, Margin(1), compared=compared) == Check("a", "statistical", 0, 0, None, False,
                                                                                        f"nothing was compared: {why}")
        assert statistical("a", value, reference, None, compared=compared).ok is None
    left, right = ("measured", 1234), ("predicted", 1235)
    at = {"step": None, "neuron": None, "signal": "cycles", "engines": ["measured", "predicted"], "values": [1234, 1235]}
    check = same("c", "bit-true", "cycles", left, right)
    assert check == Check("c", "bit-true", 1, 1, at, False, "1,234 cycles measured, 1,235 predicted")
    assert describe(check) == "c (bit-true): 1 of 1 differ, first, signal cycles: measured 1234, predicted 1235"
    assert same("c", "bit-true", "cycles", left, left) == Check("c", "bit-true", 1, 0, None, True, "1,234 cycles measured, 1,234 measured")
    for pair, side in (((("a", None), right), "a"), ((left, ("b", None)), "b")):
        assert same("c", "bit-true", "cycles", *pair) == Check("c", "bit-true", 0, 0, None, False, f"nothing was compared: {side} has no cycles")
