"""A recording as a file of NWB, read back by pynwb; and networks, recordings and reports as a notebook shows them."""

import json
import re
import sys
from datetime import UTC, datetime
from html import unescape

import numpy as np
import pytest
from some_point import some_point_network

from spikegate import InputError, Recording, Report, ToolMissing, point_golden, preset, translate
from spikegate.models.network.shown import rows
from spikegate.translator.hybrid import hybrid

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def recording(**changes):
    fields = {"final": {"v": np.array([5, -6, 7, 8]), "drawn": np.zeros(9)}, "trace": {"v": np.arange(40, dtype=np.int32).reshape(10, 4)},
              "provenance": {"network": "ab", "lanes": 3}, "dt_ns": 250_000, "cycles": 1234}
    return Recording("some", 4, 10, np.array([[0, 1], [2, 0], [2, 3], [9, 1]]), **(fields | changes))


def read(path):
    import pynwb
    assert pynwb.validate(path=str(path)) in ([], ([], 0))
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        table = file.units.to_dataframe()
        series = {name: (each.data[:], each.unit, each.rate, each.starting_time) for name, each in file.acquisition.items()}
        return file.session_start_time, file.identifier, json.loads(file.notes), table, series


def test_nwb_has_every_spike_state_and_step_in_its_unit(tmp_path):
    recording().to_nwb(tmp_path / "a.nwb", started=STARTED)
    started, identifier, notes, table, series = read(tmp_path / "a.nwb")
    assert (started, identifier, notes) == (STARTED, "ab-some", {"network": "ab", "lanes": 3})
    assert [times.tolist() for times in table["spike_times"]] == [[0.0005], [0.0, 0.00225], [], [0.0005]]  # seconds
    assert table.index.tolist() == [0, 1, 2, 3] and table["final_v"].tolist() == [5, -6, 7, 8] and "final_drawn" not in table
    assert all(np.asarray(each).tolist() == [[0.0, 0.0025]] for each in table["obs_intervals"])
    values, unit, rate, start = series["v"]
    assert np.array_equal(values, recording().trace["v"]) and values.dtype == np.int32 and (unit, rate, start) == ("raw", 4000.0, 0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nwb"]


def test_nwb_of_a_run_of_point_neurons_and_of_floats(tmp_path):
    found = point_golden.run(some_point_network(2), trace=True)
    found.to_nwb(tmp_path / "b.nwb")
    started, _, _, table, series = read(tmp_path / "b.nwb")
    assert abs((datetime.now(UTC) - started).total_seconds()) < 600 and len(table) == found.n
    back = sorted((round(second * 1e4), neuron) for neuron, times in enumerate(table["spike_times"]) for second in times)
    assert back == sorted(map(tuple, found.spikes.tolist())) and len(back) > 10
    assert series.keys() == found.trace.keys() and all(np.array_equal(series[name][0], values) for name, values in found.trace.items())
    floats = Recording("brian2_float", 1, 2, np.zeros((0, 2), np.int32), trace={"v": np.array([[1.5], [2.5]])})
    floats.to_nwb(tmp_path / "c.nwb", dt_ms=0.5)
    _, identifier, _, table, series = read(tmp_path / "c.nwb")
    assert identifier == "unknown-brian2_float" and [len(times) for times in table["spike_times"]] == [0]
    assert series["v"][0].tolist() == [[1.5], [2.5]] and series["v"][1:] == ("mV", 2000.0, 0.0)


def test_nwb_that_cannot_be_written_is_refused_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="does not say how long a step is"):
        recording(dt_ns=None).to_nwb(tmp_path / "x.nwb")
    with pytest.raises(InputError) as caught:
        recording().to_nwb(tmp_path / "absent" / "x.nwb")
    assert "cannot be written" in str(caught.value) and "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []
    monkeypatch.setitem(sys.modules, "pynwb", None)
    with pytest.raises(ToolMissing, match="pynwb cannot be imported .*pip install .*nwb"):
        recording().to_nwb(tmp_path / "x.nwb")


def cells(html):
    """Name and text of each row of two cells."""
    found = re.findall(r"<tr><th[^>]*>(.*?)</th><td[^>]*>(.*?)</td></tr>", html)
    return {unescape(name): unescape(text) for name, text in found}


def test_a_notebook_shows_what_a_network_holds():
    old = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.3), name="a <b>", ms=5)
    for network in (old, hybrid(old, "v4", length=64), some_point_network(1)):
        html = network._repr_html_()
        assert cells(html) == rows(network) and network.hash in html and len(cells(html)) > 8 and "<b>a <b>" not in html


def test_a_notebook_shows_what_a_recording_holds():
    assert cells(recording()._repr_html_()) == {
        "neurons": "4", "steps": "10 of 0.25 ms, 0.0025 s", "spikes": "4, 400 Hz a neuron", "final states": "v, drawn", "trace of every step": "v",
        "cycles": "1,234", "network": "ab"}
    bare = cells(recording(dt_ns=None, final={}, trace={}, cycles=None, provenance={})._repr_html_())
    assert (bare["steps"], bare["spikes"]) == ("10", "4") and {bare[name] for name in ("final states", "cycles", "network")} == {"–"}


def test_a_report_is_read_and_shown_and_what_is_none_is_refused(tmp_path):
    from report_pages import run_of

    from spikegate.cosim.results import report
    run = run_of(translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.3), name="a<b", ms=5))
    checks = report.judge(run)
    whole = report.build(run, checks)
    report.write(tmp_path / "report.json", whole)
    loaded = Report.load(tmp_path / "report.json")
    html = loaded._repr_html_()
    assert loaded == whole == dict(whole) and html == whole._repr_html_() and html.startswith("<p><b>ok</b></p><p>WARNING: tau_mem is 25.6 ms")
    assert all(check.name in unescape(html) for check in checks) and len(checks) == 11 and "a&lt;b" in html and "a<b" not in html
    html = Report(whole | {"ok": False, "warnings": ["one", "two <b>", "three"]})._repr_html_()
    assert html.startswith("<p><b>FAILED</b></p><p>WARNING: one</p><p>WARNING: two &lt;b&gt;</p><p>WARNING: three</p><table>")
    (tmp_path / "list").write_text("[1]")
    refused = [tmp_path / "absent", tmp_path / "list", tmp_path]
    for lacks in ("network", "checks", "quantisation", "provenance", "ok"):
        refused.append(tmp_path / f"without {lacks}")
        refused[-1].write_text(json.dumps({name: value for name, value in whole.items() if name != lacks}))
    for path in refused:
        with pytest.raises(InputError, match="cannot be read .*; give the report.json of a run"):
            Report.load(path)
