"""The digits classifier: the page is what was measured, images in a batch are as images alone, and the RTL is the golden model on them."""

import json
from pathlib import Path

import classifier
import numpy as np
import pytest

from spikegate import Formats, QFormat, from_nir, point_golden
from studies.classifier import accuracy, best, float_spikes, frozen, graph, images_of
from studies.digits import STEPS, digits

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = json.loads((DOCS / "classifier.json").read_text())
Q = QFormat.parse(MEASURED["rtl"]["format"])


def test_the_page_has_the_table_that_was_measured():
    page = (DOCS / "classifier.md").read_text()
    assert "\n".join(classifier.markdown(MEASURED)) in page
    assert [each["bits"] for each in MEASURED["bits"]] == list(range(4, 17))
    assert f"{MEASURED['rtl']['compared']:,} spikes and last states compared" in page and MEASURED["rtl"]["images"] == 1797
    assert MEASURED["rtl"]["equal"] and MEASURED["rtl"]["output_spikes_differ"] == 0 and MEASURED["rtl"]["predictions_equal"] == 1


def test_accuracy_in_floats_is_what_was_measured():
    data = digits()
    assert data.spikes.shape == (1797, STEPS, 64) and data.held_out.sum() == 450
    floats = float_spikes(graph(), data.spikes)
    assert accuracy(floats, data, data.held_out) == MEASURED["floats"]["held_out"] > 0.95
    assert accuracy(floats, data, ~data.held_out) == MEASURED["floats"]["training"]


def test_images_of_a_batch_are_as_images_alone():
    spikes = digits().spikes[20:28]
    found = frozen(graph(), spikes, Q)
    shown = images_of(found, point_golden.run(found.network))
    alone = from_nir(graph(), inputs=spikes[0], formats=Formats(Q))
    for k, each in enumerate(spikes):
        assert np.array_equal(alone.spikes(point_golden.run(alone.with_inputs(each))), shown[k])
    assert shown.sum() > 40


def test_the_rtl_gives_every_spike_of_the_golden_model():
    found = classifier.hardware(Q, 20)
    assert found["images"] == 20 and found["equal"] and found["compared"] > 1000 and found["output_spikes"] > 100
    assert found["output_spikes_differ"] == 0 and found["predictions_equal"] == 1
    assert abs(found["cycles_an_image"] / MEASURED["rtl"]["cycles_an_image"] - 1) < 0.2


@pytest.mark.long
def test_all_images_in_the_rtl_and_every_width_are_as_measured():
    assert best(graph(), digits(), 8) == Q
    found, old = classifier.hardware(Q), MEASURED["rtl"]
    assert {name: found[name] for name in found if name != "seconds"} == {name: old[name] for name in old if name != "seconds"}
    again = classifier.study()
    assert again == {name: MEASURED[name] for name in again}
