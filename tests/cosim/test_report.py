"""The report: its keys, its verdict, and that it is written whole or not at all."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results import compare, report
from spikegate.cosim.results.figure import figure
from spikegate.cosim.results.statistics import summary
from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine
from spikegate.models.errors import InputError
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import HYBRIDS
from spikegate.translator.hybrid import hybrid as streams_of

LANES = 8


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=80, n_inh=20), name="small", ms=200.0)


@pytest.fixture(scope="module")
def results(network):
    golden = core.run(network, trace=True)
    rtl = replace(golden, engine="rtl", cycles=core.predict_cycles(network, golden, LANES), provenance={**golden.provenance, "build_s": 1.5})
    floats = replace(golden, engine="brian2_float", trace={"v": golden.trace["v"] / 256}, final={"v": golden.final["v"] / 256})
    return {"rtl": Result(rtl, 1.0, 100.0), "golden": Result(golden, 0.5, 90.0),
            "brian2_integer": Result(replace(golden, engine="brian2_integer"), 2.0, 200.0), "brian2_float": Result(floats, 3.0, 300.0)}


@pytest.fixture(scope="module")
def stream_run(network):
    """A network with stochastic synapses, and what its engines gave."""
    network = streams_of(network.replace(steps=1000), "v4", length=64)
    golden = stream_engine.run(network, trace=True)
    rtl = replace(golden, engine="rtl", cycles=stream_engine.predict_cycles(network, golden, LANES))
    floats = replace(golden, engine="brian2_float", trace={"v": golden.trace["v"] / 256}, final={"v": golden.final["v"] / 256})
    return network, {name: Result(found, 1.0, 1.0) for name, found in (("rtl", rtl), ("golden", golden), ("brian2_float", floats))}


def made(network, results, **options):
    statistics = {name: summary(result.recording, network.dt_ns) for name, result in results.items()}
    checks = report.judge(network, results, statistics, LANES, **options)
    return report.build(network, results, statistics, checks, LANES)


def test_the_report_has_every_key_and_is_json(network, results):
    whole = json.loads(json.dumps(made(network, results), allow_nan=False))
    assert {"network", "steps", "engines", "checks", "quantisation", "provenance", "ok"} <= whole.keys() and whole["ok"] is True
    assert whole["network"].keys() == {"preset", "variant", "n", "n_exc", "n_inh", "synapses", "hash", "format", "lanes"}
    assert list(whole["engines"]) == ["rtl", "golden", "brian2_integer", "brian2_float"]
    for engine in whole["engines"].values():
        assert {"spikes", "rate_hz", "cv_isi", "correlation", "wall_s", "peak_mib"} <= engine.keys()
    rtl = whole["engines"]["rtl"]
    assert rtl["cycles"] == rtl["cycles_predicted"] > 0 and rtl["overflowed_neurons"] == 0 and rtl["build_s"] == 1.5
    assert [(c["name"], c["class"]) for c in whole["checks"]][:3] == [
        ("RTL = golden", "bit-true"), ("RTL = Brian2 integer", "spike-exact"), ("RTL cycles = predicted", "bit-true")]
    for check in whole["checks"]:
        assert {"name", "class", "compared", "mismatches", "first_divergence", "ok"} <= check.keys() and check["compared"] > 0
    assert all(row.keys() == {"parameter", "asked", "realised", "relative_error"} for row in whole["quantisation"])
    assert {"versions", "commit", "seed"} <= whole["provenance"].keys() and whole["provenance"]["seed"] == 1


def test_saturated_neurons_are_counted(network, results):
    flags = np.zeros(network.n, np.uint8)
    flags[[3, 70]] = 1
    rtl = replace(results["rtl"].recording, final={**results["rtl"].recording.final, "overflow": flags})
    whole = made(network, {**results, "rtl": Result(rtl, 1.0, 1.0)})
    assert whole["engines"]["rtl"]["overflowed_neurons"] == 2 and whole["ok"] is False
    assert [row["realised"] for row in whole["quantisation"] if row["parameter"] == "saturated neurons"] == [2]


@pytest.mark.parametrize("traced", [True, False])
def test_one_wrong_value_makes_the_whole_not_ok(network, results, traced):
    golden = results["golden"].recording
    v = golden.final["v"].copy()
    v[11] += 1
    whole = made(network, {**results, "golden": Result(replace(golden, final={**golden.final, "v": v}), 1.0, 1.0)}, traced=traced)
    first = whole["checks"][0]["first_divergence"]
    assert whole["ok"] is False and (first["step"], first["neuron"], first["signal"]) == (network.steps - 1, 11, "final.v")


def test_a_wrong_cycle_count_makes_the_whole_not_ok(network, results):
    for cycles in (None, results["rtl"].recording.cycles + 1):
        whole = made(network, {**results, "rtl": Result(replace(results["rtl"].recording, cycles=cycles), 1.0, 1.0)})
        assert whole["ok"] is False and whole["checks"][2]["ok"] is False


def test_margins_are_looked_up_by_preset_and_format_and_need_a_long_run(network, results, monkeypatch):
    monkeypatch.setitem(compare.MARGINS, ("small", "q8.8"), {"rate_hz": compare.Margin(0.1, relative=True), "cv_isi": compare.Margin(0.1)})
    verdicts = lambda: [check["ok"] for check in made(network, results)["checks"][3:]]  # noqa: E731
    assert verdicts() == [None, None, None]
    monkeypatch.setattr(report, "MIN_SECONDS", 0.2)
    assert verdicts() == [True, True, None]
    half = results["brian2_float"].recording
    monkeypatch.setitem(results, "brian2_float", Result(replace(half, spikes=half.spikes[::2]), 1.0, 1.0))
    assert verdicts()[0] is False and made(network, results)["ok"] is False


def test_a_variant_is_known_by_its_generator_and_channels(network):
    assert report.identify(network) == ("small", "v3")
    for variant in HYBRIDS:
        assert report.identify(streams_of(network, variant)) == ("small", variant)
    assert report.identify(streams_of(network, "v4", channels=2)) == ("small-v4", "streams")


def test_streams_are_told_in_the_report_and_brian2_on_integers_is_said_not_to_have_run(stream_run):
    network, results = stream_run
    whole = json.loads(json.dumps(made(network, results), allow_nan=False))
    assert whole["ok"] is True and (whole["network"]["preset"], whole["network"]["variant"]) == ("small", "v4")
    windows = results["golden"].recording.provenance["windows"]
    assert whole["network"]["streams"] == {"generator": "lfsr", "length": 64, "channels": 1, "windows": windows} and windows > 1000
    assert [(c["name"], c["ok"]) for c in whole["checks"]][:3] == [
        ("RTL = golden", True), ("RTL = Brian2 integer", None), ("RTL cycles = predicted", True)]
    assert list(whole["engines"]) == ["rtl", "golden", "brian2_float"]
    assert whole["engines"]["rtl"]["cycles"] != core.predict_cycles(network, results["rtl"].recording, LANES)
    realised = {row["parameter"]: row["realised"] for row in whole["quantisation"]}
    assert realised["weight_exc, mean of streams"] == 1638 * 20 / 2**16 and realised["weight_inh, mean of streams"] == 13107 * 20 / 2**16
    screen = Console(file=io.StringIO(), width=80)
    report.print_tables(whole, screen)
    said, marked = screen.file.getvalue(), report.markdown(whole)
    assert "small, v4 L=64, q8.8" in said and "not run" in said and "### small, v4 L=64, q8.8" in marked and report.NOT_RUN in marked
    assert max(map(len, said.splitlines())) <= 80 and "brian2_integer" not in said


def test_a_wrong_recording_of_streams_makes_the_whole_not_ok(stream_run):
    network, results = stream_run
    golden, rtl = results["golden"].recording, results["rtl"].recording
    v = golden.trace["v"].copy()
    v[40, 7] -= 1
    for name, wrong, check in (("golden", replace(golden, trace={**golden.trace, "v": v}), 0), ("rtl", replace(rtl, cycles=rtl.cycles + 1), 2)):
        whole = made(network, {**results, name: Result(wrong, 1.0, 1.0)})
        assert whole["ok"] is False and [c["ok"] is False for c in whole["checks"][:3]] == [k == check for k in range(3)]


def test_streams_are_held_against_margins_where_those_were_seen_to_hold_and_not_with_faults(stream_run, monkeypatch):
    network, results = stream_run
    monkeypatch.setitem(compare.MARGINS, ("small", "q8.8"), {"rate_hz": compare.Margin(0.1, relative=True)})
    monkeypatch.setattr(report, "MIN_SECONDS", 0.1)
    verdicts = lambda **options: [check["ok"] for check in made(network, results, **options)["checks"][3:]]  # noqa: E731
    assert "ai" in report.STREAM_PRESETS and verdicts() == [None] * 3
    monkeypatch.setattr(report, "STREAM_PRESETS", ("small",))
    assert verdicts() == [True, None, None] and verdicts(faulty=True) == [None] * 3
    half = results["brian2_float"].recording
    monkeypatch.setitem(results, "brian2_float", Result(replace(half, spikes=half.spikes[::2]), 1.0, 1.0))
    assert verdicts()[0] is False and verdicts(faulty=True) == [None] * 3
    assert "RTL has faults" in made(network, results, faulty=True)["checks"][3]["detail"]


def test_tables_show_every_check_and_a_dash_for_what_is_absent(network, results):
    whole = made(network, results)
    whole["engines"]["golden"]["cv_isi"] = None
    screen = Console(file=io.StringIO(), width=80)
    report.print_tables(whole, screen)
    said, marked = screen.file.getvalue(), report.markdown(whole)
    for check in whole["checks"]:
        assert check["name"] in said and f"{check['compared']:,}" in said
        assert f"| {check['name']} | {check['class']} | {check['compared']:,} | {check['mismatches']:,} |" in marked
    assert max(map(len, said.splitlines())) <= 80 and "–" in said and "| – |" in marked
    assert "None" not in said + marked and "saturated neurons" in said and "| saturated neurons |" in marked


def test_the_report_is_written_whole_or_not_at_all(tmp_path, network, results):
    path, whole = tmp_path / "report.json", made(network, results)
    report.write(path, whole)
    assert json.loads(path.read_text()) == whole and [p.name for p in tmp_path.iterdir()] == ["report.json"]
    with pytest.raises(ValueError):
        report.write(path, {"rate": float("nan")})
    assert json.loads(path.read_text()) == whole and [p.name for p in tmp_path.iterdir()] == ["report.json"]
    with pytest.raises(InputError, match="cannot be written"):
        report.write(path / "report.json", whole)


def test_the_output_folder_is_tried_first(tmp_path):
    assert report.check_writable(tmp_path / "a" / "b").is_dir() and not list((tmp_path / "a" / "b").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Output folder .*file.out cannot be written \(Not a directory\); choose another with --out"):
        report.check_writable(tmp_path / "file" / "out")


@pytest.mark.parametrize("kept", ["all", "no traces", "no spikes"])
def test_the_picture_is_made_whatever_was_recorded(tmp_path, network, results, kept):
    recordings = {name: result.recording for name, result in results.items()}
    if kept != "all":
        recordings = {name: replace(r, trace={}) for name, r in recordings.items()}
    if kept == "no spikes":
        recordings = {name: replace(r, spikes=np.empty((0, 2))) for name, r in recordings.items()}
    figure(recordings, network, tmp_path / "sim.png")
    head = (tmp_path / "sim.png").read_bytes()[:24]
    assert head[:4] == b"\x89PNG" and (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (1600, 1000)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_picture_carries_the_variant_and_needs_no_brian2_on_integers(tmp_path, network, results, stream_run, monkeypatch):
    titles = []
    monkeypatch.setattr("matplotlib.figure.Figure.suptitle", lambda self, text, **options: titles.append(text))
    for net, found in ((network, results), stream_run):
        figure({name: result.recording for name, result in found.items()}, net, tmp_path / "sim.png")
    assert titles[0].startswith("Brunel network “small”, v3: ") and titles[1].startswith("Brunel network “small”, v4: ")
