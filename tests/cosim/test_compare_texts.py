"""What a comparison says, word for word, of recordings that are written down by hand."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from spikegate.cosim.results.compare import Check, Margin, compare, describe, same, statistical
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording


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
    assert not Check("rate", "statistical", 7, 1, None, False).warns
    for kept, name in ((check, "ok"), (Margin(1), "limit")):
        with pytest.raises(FrozenInstanceError):
            setattr(kept, name, True)
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
    late = np.arange(6000.0).reshape(2000, 3)
    off = late.copy()
    off[1500, 1] = -1
    pair = (replace(a, trace={"v": values}) for values in (late, off))
    assert compare("x", "bit-true", *pair, ("v",)).first_divergence["values"] == [4501.0, -1.0]


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
