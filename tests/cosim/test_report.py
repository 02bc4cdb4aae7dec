"""The report: its keys, its verdicts and warnings, its last line, and that it is written whole or not at all."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results import report, tables
from spikegate.cosim.results.figure import figure
from spikegate.models.core.golden import Golden
from spikegate.models.errors import InputError
from spikegate.translator.brian_engines import Brian2Float, Brian2Integer, Brian2Ordered, Brian2Realised
from spikegate.translator.brunel import BrunelParams, preset, translate
from spikegate.translator.hybrid import HYBRIDS
from spikegate.translator.hybrid import hybrid as streams_of

LANES = 8
ENGINES = [Rtl(LANES), Golden(), Brian2Integer("numpy"), Brian2Float("numpy"), Brian2Realised("numpy"), Brian2Ordered("numpy")]


def ran(network, hardware=None):
    """Every engine but the RTL, in whose place the golden model runs."""
    absent = {engine.name: "; ".join(reasons) for engine in ENGINES if (reasons := engine.unsupported(network))}
    results = {engine.name: Result(engine.run(network, trace=True), 1.0, 1.0) for engine in ENGINES[1:] if engine.name not in absent}
    golden = (hardware or Golden()).run(network, trace=True)
    rtl = replace(golden, engine="rtl", provenance={**golden.provenance, "network": network.hash, "lanes": LANES, "build_s": 1.5})
    rtl = replace(rtl, cycles=ENGINES[0].predicted_cycles(network, rtl))
    return report.Run(network, ENGINES, {"rtl": Result(rtl, 1.0, 1.0), **results}, absent)


@pytest.fixture(scope="module")
def run():
    return ran(translate(preset("ai", n_exc=80, n_inh=20), name="small", ms=200.0))


@pytest.fixture(scope="module")
def stream_run():
    return ran(streams_of(translate(preset("ai", n_exc=80, n_inh=20), name="small", ms=100.0), "v4", length=64))


def with_recording(run, name, **changes):
    return replace(run, results={**run.results, name: run.results[name]._replace(recording=replace(run.results[name].recording, **changes))})


def made(run):
    return json.loads(json.dumps(report.build(run, report.judge(run)), allow_nan=False))


def shown(whole, width=80):
    screen = Console(file=io.StringIO(), width=width)
    tables.print_tables(whole, screen)
    return screen.file.getvalue()


def test_the_report_has_every_key_and_is_json(run):
    whole = made(run)
    assert whole["ok"] is True
    assert whole["network"].keys() == {"preset", "variant", "n", "n_exc", "n_inh", "synapses", "hash", "format", "rounding", "overflow",
                                       "leak_fraction", "lanes"}
    assert list(whole["engines"]) == ["rtl", "golden", "brian2_integer", "brian2_float", "brian2_realised", "brian2_ordered"]
    spikes = len(run.results["golden"].recording.spikes)
    assert [whole["engines"][name]["spikes"] for name in ("rtl", "golden", "brian2_integer")] == [spikes] * 3 and spikes > 300
    assert whole["engines"]["rtl"]["rate_hz"] == pytest.approx(spikes / 100 / 0.2) and whole["engines"]["rtl"]["build_s"] == 1.5
    assert whole["engines"]["rtl"]["cycles"] == whole["engines"]["rtl"]["cycles_predicted"] == run.results["rtl"].recording.cycles > 0
    assert [(c["name"], c["class"], c["compared"], c["verdict"]) for c in whole["checks"][:3]] == [
        ("RTL = golden", "bit-true", 4 * 2000 * 100 + 300 + spikes, "ok"), ("RTL = Brian2 integer", "spike-exact", 2000 * 100 + 300 + spikes, "ok"),
        ("RTL cycles = predicted", "bit-true", 1, "ok")]
    assert [c["name"] for c in whole["checks"][3:]] == [f"{effect}: {statistic}" for effect in ("quantisation", "order", "arithmetic")
                                                        for statistic in ("rate", "CV", "correlation")]
    assert {"versions", "commit", "seed"} <= whole["provenance"].keys() and whole["provenance"]["seed"] == 1


@pytest.mark.parametrize("cycles", [None, 1])
def test_a_wrong_cycle_count_is_not_ok_and_the_predicted_one_stays(run, cycles):
    right = run.results["rtl"].recording.cycles
    whole = made(with_recording(run, "rtl", cycles=cycles and right + cycles))
    assert whole["ok"] is False and whole["checks"][2]["verdict"] == "FAILED" and whole["engines"]["rtl"]["cycles_predicted"] == right


@pytest.mark.parametrize("name, check", [("golden", 0), ("brian2_integer", 1)])
@pytest.mark.parametrize("traced", [True, False])
def test_one_wrong_value_makes_the_whole_not_ok(run, name, check, traced):
    final = run.results[name].recording.final
    v = final["v"].copy()
    v[11] += 1
    whole = made(replace(with_recording(run, name, final={**final, "v": v}), traced=traced))
    first = whole["checks"][check]["first_divergence"]
    assert whole["ok"] is False and (first["step"], first["neuron"], first["signal"]) == (run.network.steps - 1, 11, "final.v")


def test_saturated_neurons_are_counted(run):
    flags = np.zeros(100, np.uint8)
    flags[[3, 70]] = 1
    whole = made(with_recording(run, "rtl", final={**run.results["rtl"].recording.final, "overflow": flags}))
    assert whole["engines"]["rtl"]["overflowed_neurons"] == 2 and whole["ok"] is False
    assert [row["realised"] for row in whole["quantisation"] if row["parameter"] == "saturated neurons"] == [2]


def test_a_variant_is_known_by_its_generator_and_channels(run):
    assert (run.network.title, run.network.variant) == ("small", "v3")
    for variant in HYBRIDS:
        made_ = streams_of(run.network, variant)
        assert (made_.title, made_.variant) == ("small", variant)
    other = streams_of(run.network, "v4", channels=2)
    assert (other.title, other.variant) == ("small-v4", "streams")


def test_streams_are_told_and_brian2_on_integers_is_said_not_to_have_run(stream_run):
    whole = made(stream_run)
    windows = stream_run.results["golden"].recording.provenance["windows"]
    assert whole["network"]["streams"] == {"generator": "lfsr", "length": 64, "channels": 1, "windows": windows} and windows > 1000
    assert [c["verdict"] for c in whole["checks"][:3]] == ["ok", "not judged", "ok"] and whole["ok"] is True
    assert whole["absent"] == {"brian2_integer": "there are no bitstream synapses in Brian2"} and "brian2_integer" not in whole["engines"]
    realised = {row["parameter"]: row["realised"] for row in whole["quantisation"]}
    assert realised["weight_exc"] == 1638 * 20 / 2**16 and realised["weight_inh"] == 13107 * 20 / 2**16 and realised["drive weight"] == 0.5
    said, marked = shown(whole), tables.markdown(whole)
    assert "small, v4 L=64, q8.8" in said and "not judged" in said and "### small, v4 L=64, q8.8" in marked
    assert "no bitstream synapses in Brian2" in marked
    assert max(map(len, said.splitlines())) <= 80


def test_without_inhibitory_neurons_the_report_and_the_picture_are_those_of_one_population(tmp_path):
    run = ran(translate(BrunelParams(n_exc=50, n_inh=0, g_inh=4.0, v_spread=True), name="alone", ms=30.0))
    whole = made(run)
    assert [population.name for population in run.network.populations] == ["excitatory"]
    assert [row["parameter"] for row in whole["quantisation"] if "weight" in row["parameter"]] == ["weight_exc", "drive weight"] and whole["ok"]
    figure({name: result.recording for name, result in run.results.items()}, run.network, tmp_path / "sim.png")
    assert (tmp_path / "sim.png").stat().st_size > 10_000


def test_a_run_without_spikes_is_compared_by_its_membranes():
    whole = made(ran(translate(preset("tutorial", n_exc=80, n_inh=20), ms=2.0)))
    assert whole["engines"]["rtl"]["spikes"] == 0 and whole["ok"] is True
    assert whole["checks"][1]["verdict"] == "ok" and whole["checks"][1]["compared"] == 20 * 100 + 300
    assert all(check["ok"] is None and "a run must last" in check["detail"] for check in whole["checks"][3:])


def test_a_network_of_ones_own_is_judged_without_a_float_original(run):
    whole_run = ran(run.network.replace(source={}, name="mine"))
    whole, checks = made(whole_run), report.judge(whole_run)
    assert whole["ok"] is True and [c["verdict"] for c in whole["checks"][:3]] == ["ok"] * 3 and whole["warnings"] == []
    assert "not judged: the network has no float original (quantisation, order)" in report.last_line(checks)
    assert all(row["asked"] is None for row in whole["quantisation"] if row["parameter"] in ("tau_mem", "v_threshold", "delay"))
    assert {row["parameter"]: row["realised"] for row in whole["quantisation"]}["tau_mem"] == pytest.approx(25.6)


def test_a_parameter_that_is_off_is_warned_of_by_name_and_with_a_fix_that_works(run):
    assert made(run)["warnings"][0] == "tau_mem is 25.6 ms and not the 20 ms asked for (+28 %): --leak-fraction 15 makes it 20.1 ms"
    fine = ran(translate(preset("ai", n_exc=80, n_inh=20), ms=1.0, leak_fraction=15))
    assert made(fine)["warnings"] == []


def test_tables_show_value_reference_margin_and_verdict_in_the_row(run):
    whole = made(run)
    whole["checks"][3] |= dict(value=20.2, reference=9.8, margin=2.9, ok=False, verdict="WARNING")
    whole["engines"]["golden"]["cv_isi"] = None
    said, marked = shown(whole), tables.markdown(whole)
    assert "| quantisation: rate | 20.2 | 9.8 | +106.1 % | ±2.9 | WARNING |  |" in marked
    assert "quantisation: rate" in said and "+106.1 %" in said and "±2.9" in said and "WARNING" in said
    for check in whole["checks"][:3]:
        assert f"| {check['name']} | {check['class']} | {check['compared']:,} | 0 | ok |" in marked
    assert max(map(len, said.splitlines())) <= 80 and "–" in said and "| – |" in marked and "None" not in said + marked


def test_the_report_is_written_whole_or_not_at_all(tmp_path, run):
    path, whole = tmp_path / "report.json", made(run)
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
def test_the_picture_is_made_whatever_was_recorded(tmp_path, run, kept):
    recordings = {name: result.recording for name, result in run.results.items()}
    if kept != "all":
        recordings = {name: replace(r, trace={}) for name, r in recordings.items()}
    if kept == "no spikes":
        recordings = {name: replace(r, spikes=np.empty((0, 2))) for name, r in recordings.items()}
    figure(recordings, run.network, tmp_path / "sim.png")
    head = (tmp_path / "sim.png").read_bytes()[:24]
    assert head[:4] == b"\x89PNG" and (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (1600, 1000)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_picture_carries_the_variant_and_needs_no_float_original(tmp_path, run, stream_run, monkeypatch):
    titles = []
    monkeypatch.setattr("matplotlib.figure.Figure.suptitle", lambda self, text, **options: titles.append(text))
    for one, needed in ((run, ("rtl", "golden", "brian2_ordered")), (stream_run, ("rtl", "golden"))):
        figure({name: one.results[name].recording for name in needed}, one.network, tmp_path / "sim.png")
    assert titles[0].startswith("Network “small”, v3: 80 excitatory and 20 inhibitory neurons") and titles[1].startswith("Network “small”, v4: ")
