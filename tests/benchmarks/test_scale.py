"""The benchmark of large networks: its tables are those of its JSON, and every part runs small at its entry."""

import json
from pathlib import Path

import numpy as np
import pytest
import scale
import scale_parts

from spikegate.models.network.recording import Recording
from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit

ROOT = Path(__file__).parents[2]


def test_the_page_has_the_tables_of_the_file():
    found, page = json.loads((ROOT / "docs" / "scale.json").read_text()), (ROOT / "docs" / "scale.md").read_text()
    for name, table in scale.tables(found).items():
        assert f"{scale.START.format(name)}\n{table}\n{scale.END.format(name)}" in page, name


def test_what_the_file_holds_is_what_it_is_for():
    found = json.loads((ROOT / "docs" / "scale.json").read_text())
    full = found["microcircuit 1 1"]
    assert full["neurons"] == 77_169 and full["synapses"] > 298_000_000 and full["bytes_a_synapse"] < 4.5 and full["same"]
    assert found["microcircuit 1 2"]["same"]


def test_a_part_runs_small_and_writes_file_and_page(tmp_path, capsys):
    (tmp_path / "scale.md").write_text("before\n<!-- microcircuit -->\n<!-- end of microcircuit -->\nafter\n")
    assert scale.main(["microcircuit", "--scale", "0.004", "--ms", "20", "--out", str(tmp_path)]) == 0
    found, page = json.loads((tmp_path / "scale.json").read_text()), (tmp_path / "scale.md").read_text()
    assert set(found) == {"microcircuit 0.004 1", "microcircuit 0.004 2"} and all(each["same"] for each in found.values())
    assert page.startswith("before\n") and page.endswith("after\n") and "| 0.004 | 2 | 309 |" in page
    assert scale.main(["sizes", "--n", "1100", "1200", "--ms", "20", "--out", str(tmp_path)]) == 0
    assert "to the power" in scale.tables(json.loads((tmp_path / "scale.json").read_text()))["sizes"]


def test_statistics_are_those_of_known_trains():
    """Each neuron spikes every 100 steps, at 100 Hz: no irregularity; two that spike together correlate, two that take turns do the opposite."""
    network = microcircuit(MicrocircuitParams(scale=0.004, tables=True), 100.0)
    first = network.ranges[1].first
    trains = [(t, first + k) for t in range(0, 1000, 100) for k in (0, 1)] + [(t, k) for t in range(7, 1000, 100) for k in (0,)]
    spikes = np.array(sorted(trains))
    found = scale_parts.statistics(network, Recording("golden", network.n, 1000, spikes), 0)
    size = network.ranges[1].last - first
    assert found["L23I"]["rate"] == pytest.approx(2 * 100 / size) and found["L23I"]["cv"] == pytest.approx(0, abs=1e-9)
    assert found["L23I"]["correlation"] == pytest.approx(1) and found["L23E"]["correlation"] == 0
