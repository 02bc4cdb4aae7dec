"""The report page, read from its HTML: verdict, numbers and plots are those of the run, for every kind of network, and nothing is fetched."""

from dataclasses import replace

import numpy as np
import pytest
from report_pages import Page, page_of, run_of
from some_point import some_point_network

from spikegate.cosim.results import plots
from spikegate.cosim.results.compare import Check
from spikegate.cosim.results.divergence import around
from spikegate.cosim.results.figure import figure
from spikegate.cosim.results.page import page, write_page
from spikegate.cosim.results.report import build, judge
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

STEPS = 300


@pytest.fixture(scope="module")
def plain():
    return translate(preset("ai", n_exc=32, n_inh=8, conn_prob=0.2), name="small", ms=STEPS / 10)


@pytest.fixture(scope="module")
def kinds(plain):
    return {"v3": plain, "v4": hybrid(plain, "v4", length=64), "v13": hybrid(plain, "v13", length=64),
            "points": some_point_network(2, STEPS), "izhikevich": some_point_network(5, STEPS, quadratic=4)}


@pytest.fixture(scope="module")
def sound(plain):
    return run_of(plain)


@pytest.mark.parametrize("kind", ["v3", "v4", "v13", "points", "izhikevich"])
def test_a_page_says_of_every_kind_of_network_what_its_run_was(kinds, kind):
    run = run_of(kinds[kind])
    checks, whole, page = page_of(run, command="spikegate sim --out 'a b'")
    assert whole["ok"] and 'class="verdict ok"' in page.text and len(page.text) < 5_000_000
    assert [address for address in page.addresses if not address.startswith("#")] == [] and "url(http" not in page.text
    header, *rows = page.tables["checks"]
    assert len(rows) == len(checks) == 11 and {row[0] for row in rows} == {check.name for check in checks}
    by = {check.name: check for check in checks}
    assert all((row[2], row[3], row[7]) == (f"{by[row[0]].compared:,}", f"{by[row[0]].mismatches:,}", by[row[0]].verdict) for row in rows)
    total = sum(check.compared for check in checks if check.class_ != "statistical")
    assert total > 40 and f"{total:,} values compared one by one, 0 differ" in page.said
    assert "2 checks judged, 0 failed, 0 warned of; 9 not judged" in page.said
    # Where the cycles go: every phase, and their sum is what the hardware took.
    phases = [int(row[1].replace(",", "")) for row in page.tables["cycles"][1:]]
    assert sum(phases) == run.recording(run.hardware).cycles > 0 and all(phase >= 0 for phase in phases) and len(phases) >= 3
    assert [row[2:] for row in page.tables["cycles"][1:]] == [[f"{k / STEPS:,.1f}", f"{100 * k / sum(phases):.1f} %"] for k in phases]
    assert [row[0] for row in page.tables["quantisation"][1:]] == [row["parameter"] for row in whole["quantisation"]]
    assert "spikegate sim --out 'a b'" in page.said and "copy" in page.ids and run.network.hash in page.said
    spikes = run.recording(run.hardware).spikes
    columns = [source for source in page.sources()[0] if "neuron" in source]
    drawn = sorted((int(step), int(neuron)) for source in columns for step, neuron in zip(source["step"], source["neuron"]))
    assert drawn == sorted(map(tuple, spikes.tolist())) and len(columns) == len(run.network.ranges)
    assert f"all {len(spikes):,} spikes" in page.said and sum(map(len, columns)) > 0


def test_rates_and_membranes_are_those_of_every_engine(sound, plain):
    _, _, page = page_of(sound)
    _, rates, *membranes = page.sources()
    recording = sound.recording(sound.hardware)
    hz = np.bincount(recording.spikes[:, 0] // 10, minlength=STEPS // 10) / (40 * 1e-3)
    assert len(rates) == 2 and all(source["hz"] == pytest.approx(hz) for source in rates) and hz.any()
    assert [len(sources) for sources in membranes] == [2, 2]
    for (first, second), low, high in zip(membranes, (0, 32), (32, 40)):
        one, = [neuron for neuron in range(low, high) if np.allclose(recording.trace["v"][:, neuron] / 256, first["mv"], atol=1e-5)]
        assert np.array_equal(first["mv"], second["mv"]) and f"Neuron {one} of" in page.said


def test_a_last_bin_that_is_not_full_has_the_rate_of_its_own_steps(sound, plain):
    short = replace(sound.recording(sound.hardware), steps=24, spikes=[(3, 1), (19, 0), (20, 0), (23, 9)])
    run = replace(sound, network=plain.replace(steps=24), results={name: each._replace(recording=short) for name, each in sound.results.items()})
    for line in plots.rates(run, None).plot.renderers:
        assert line.data_source.data["hz"] == pytest.approx([1 / (40 * 1e-3), 1 / (40 * 1e-3), 2 / (40 * 0.4e-3)])
        assert line.data_source.data["ms"] == pytest.approx([0.5, 1.5, 2.5])


def test_checks_are_counted_by_their_verdict_and_warned_of_are_those_that_warn(sound):
    checks, whole, _ = page_of(sound)
    one = dict(class_="statistical", compared=7, mismatches=1, first_divergence=None, value=2.0, reference=1.0, margin=0.5)
    more = [Check("order: rate", **one, ok=False, warns=True), Check("order: CV", **one, ok=True, warns=True),
            Check("arithmetic: rate", **one, ok=False), Check("arithmetic: CV", **one, ok=None)]
    assert "5 checks judged, 1 failed, 1 warned of; 10 not judged" in Page(page(sound, [*checks, *more], whole)).said


def test_the_columns_of_checks_and_the_rows_of_the_provenance_are_those_of_the_report(plain):
    run = run_of(plain, link=True)
    checks, whole, shown = page_of(run, sabotage="tap", faults={"rate": 0.5, "seed": 3, "stuck": 8})
    one = Check("arithmetic: rate", "statistical", 7, 1, None, False, "why", 2.5, 1.25, 0.5)
    row = next(row for row in Page(page(run, [*checks, one], whole)).tables["checks"] if row[0] == one.name)
    assert row == ["arithmetic: rate", "statistical", "7", "1", "2.5", "1.25", "±0.5", "FAILED", "why"]
    said, seed = whole["provenance"], plain.source["seed"]
    assert dict(shown.tables["provenance"]) == {
        "network": plain.hash, "steps": "300, of 0.1 ms", "seeds": f"{seed}, of 1 run", "date": said["date"], "commit": said["commit"] or "–",
        "platform": said["platform"], "versions": ", ".join(f"{name} {version or 'absent'}" for name, version in said["versions"].items()),
        "asked for": ", ".join(f"{name}={value}" for name, value in plain.source.items()), "sabotage": "tap",
        "faults": "{'rate': 0.5, 'seed': 3, 'stuck': 8}", "link": "{'port': '/dev/x', 'baud': 9}"}


def test_a_fix_stands_beside_the_parameter_that_needs_it(sound, plain):
    _, whole, page = page_of(sound)
    rows = {row[0]: row for row in page.tables["quantisation"]}
    assert rows["tau_mem"][1:] == ["20", "25.6", "+28 %", "--leak-fraction 15 makes it 20.1 ms"] and rows["v_reset"][3:] == ["0", ""]
    assert plain.fixes() == {"tau_mem": "--leak-fraction 15 makes it 20.1 ms"} and "WARNING tau_mem is 25.6 ms" in page.said
    off = Builder("off", steps=STEPS, dt_ms=0.1, seed=1)
    off.population("p", 3, LinearNeuron(Q8_8, leak_fraction=8), leak=1, threshold=20 << 8)
    points = off.freeze().replace(source={"p.tau_mem": 20.0})
    assert points.fixes() == {"p.tau_mem": "use more fraction bits"} and len(points.warnings()) == 1


def test_a_failure_is_shown_as_one_with_both_engines_around_it(sound, plain):
    golden = sound.recording(sound.engines[1])
    v = golden.trace["v"].copy()
    v[100:104, 7] += 5
    checks, whole, page = page_of(wrong(sound, v))
    assert not whole["ok"] and 'class="verdict FAILED"' in page.text and "FAILED: small" in page.text
    assert page.tables["checks"][1][0] == "RTL = golden" and "1 failed" in page.said and "4 differ" in page.said
    assert "RTL = golden: step 100, neuron 7, v: rtl" in page.said
    head, own, others, *rest = page.tables["steps"]
    looks = page.looks["steps"]
    assert head[2:] == [str(step) for step in range(88, 113)] and (own[:2], others[1]) == (["v", "rtl"], "golden")
    differ = [head[at] for at, look in enumerate(looks[1]) if "differs" in look]
    assert differ == ["100", "101", "102", "103"] and [head[at] for at, look in enumerate(looks[0]) if "here" in look] == ["100"]
    assert own[2:] == [str(value) for value in golden.trace["v"][88:113, 7]] and others[2:] == [str(value) for value in v[88:113, 7]]
    assert not any("differs" in look for row in looks[3:] for look in row) and {row[0] for row in rest} >= {"hold", "overflow", "events", "spike"}
    drawn = page.sources()[-5:]
    assert [source["value"][:-1].tolist() for source in drawn[0]] == [golden.trace["v"][88:113, 7].tolist(), v[88:113, 7].tolist()]


def test_a_divergence_shows_its_signal_first_then_others_that_differ_and_names_the_engine_of_each_line(sound):
    golden, one = sound.recording(sound.engines[1]), [100, 7]
    hold = golden.trace["hold"].copy()
    hold[102, 7] += 1
    other = replace(golden, trace={**golden.trace, "hold": hold})
    check = replace(judge(sound)[0], ok=False, first_divergence=dict(step=100, neuron=7, signal="v", engines=["rtl", "golden"], values=one))
    found = around(check, sound.recording(sound.hardware), other)
    names = [signal.name for signal in found.signals]
    assert names[:2] == ["v", "hold"] and sorted(names) == sorted({*golden.trace, "spike"})
    assert [signal.differs.any() for signal in found.signals] == [False, True] + [False] * (len(names) - 2)
    for signal, plot in zip(found.signals, plots.divergence(found)):
        lines = {item.label.value: item.renderers[0].data_source.data["value"][:-1] for item in plot.legend[0].items}
        assert [*lines] == ["rtl", "golden"] and all(np.array_equal(values, mine) for values, mine in zip(lines.values(), signal.values))


def wrong(run, v):
    """The same run with other membranes of the golden model."""
    golden = run.results["golden"]
    recording = replace(golden.recording, trace={**golden.recording.trace, "v": v})
    return replace(run, results={**run.results, "golden": golden._replace(recording=recording)})


def test_a_failure_at_no_step_or_at_the_first_or_last_is_shown(sound, plain):
    slow = replace(sound.results["rtl"].recording, cycles=5)
    checks, _, page = page_of(replace(sound, results={**sound.results, "rtl": sound.results["rtl"]._replace(recording=slow)}))
    assert "RTL cycles = predicted (bit-true): 1 of 1 differ, first, signal cycles: measured 5" in page.said and "steps" not in page.tables
    assert "5 cycles were measured" in page.said
    for step, shown in ((0, 13), (STEPS - 1, 13)):
        v = sound.recording(sound.engines[1]).trace["v"].copy()
        v[step, 0] ^= 1
        assert len(page_of(wrong(sound, v))[2].tables["steps"][0]) == 2 + shown


def test_without_traces_and_behind_a_link_the_page_says_so(plain):
    run = run_of(plain, trace=False, link=True)
    spikes = run.results["golden"].recording.spikes[1:]
    broken = replace(run, results={**run.results, "golden": run.results["golden"]._replace(
        recording=replace(run.results["golden"].recording, spikes=spikes))})
    _, _, page = page_of(broken)
    assert "Membranes were not recorded at every step" in page.said and "/dev/x" in page.said
    assert {row[0] for row in page.tables["steps"][1:]} == {"spike", ""} and "differs" in str(page.looks["steps"])


def test_a_large_run_is_thinned_and_the_page_says_how(sound, monkeypatch):
    for name, value in (("MOST_SPIKES", 20), ("MOST_STEPS", 50), ("MOST_BINS", 7)):
        monkeypatch.setattr(plots, name, value)
    _, _, page = page_of(sound)
    spikes = sound.recording(sound.hardware).spikes
    every = -(-len(spikes) // 20)
    kept = spikes[np.where(spikes[:, 1] < 32, spikes[:, 1], spikes[:, 1] - 32) % every == 0][-20:]
    raster, rates, *membranes = page.sources()
    drawn = sorted((int(step), int(neuron)) for source in raster if "neuron" in source for step, neuron in zip(source["step"], source["neuron"]))
    assert drawn == sorted(map(tuple, kept.tolist())) and 0 < len(kept) <= 20 < len(spikes)
    assert f"thinned: every {every}th neuron of each population" in page.said and f"{len(kept):,} of {len(spikes):,} spikes" in page.said
    assert all(len(source["hz"]) <= 7 for source in rates) and all(len(source["mv"]) == 50 for sources in membranes for source in sources)
    assert f"thinned: only the last 50 of {STEPS} steps" in page.said


def test_names_are_text_and_nothing_else(plain):
    evil = "</script><img src=http://x>'\"&\\"
    net = Builder(evil, steps=20, dt_ms=0.1, seed=1)
    net.population("p", 3, LinearNeuron(Q8_8, leak_fraction=12), leak=20, threshold=20 << 8)
    _, _, page = page_of(run_of(net.freeze()), command=evil)
    assert page.addresses == [] and evil in "".join(page.words)


def test_the_page_is_there_whole_or_not_at_all(sound, tmp_path):
    checks = judge(sound)
    whole = build(sound, checks)
    (tmp_path / "report.html").write_text("old")
    write_page(tmp_path / "report.html", sound, checks, whole)
    assert (tmp_path / "report.html").read_text().endswith("</html>") and len(list(tmp_path.iterdir())) == 1
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "absent" / "report.html"):
        with pytest.raises(OSError):
            write_page(path, sound, checks, whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "report.html"]


@pytest.mark.parametrize("kind, begins", [(".svg", b"<?xml"), (".pdf", b"%PDF-")])
def test_the_picture_is_what_its_ending_says(sound, tmp_path, kind, begins):
    figure({name: result.recording for name, result in sound.results.items()}, sound.network, tmp_path / f"sim{kind}", 50)
    data = (tmp_path / f"sim{kind}").read_bytes()
    assert data.startswith(begins) and len(data) > 10_000 and [path.name for path in tmp_path.iterdir()] == [f"sim{kind}"]
