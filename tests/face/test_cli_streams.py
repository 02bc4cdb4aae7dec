"""The command line with stochastic synapses: variants, faults, and what the report says of them."""

import json

import pytest

from spikegate import cli, simulate
from spikegate.cosim.results import compare, report
from spikegate.models.core import stream_engine
from spikegate.models.network.network import Network
from spikegate.models.streams.faults import POINTS, FaultParams

SMALL = ["--set", "n_exc=80", "--set", "n_inh=20", "--ms", "60"]
STUBS = '''
from dataclasses import replace
from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine as hybrid

def rtl(network, lanes=40, **options):
    recording = hybrid.run(network, **options)
    return replace(recording, engine="rtl", cycles=hybrid.predict_cycles(network, recording, lanes))

def witness(network, trace=False, progress=None):
    return core.run(network, trace=trace, progress=progress)

def other_streams(network, **options):
    seeds = network.streams.seeds.copy()
    seeds[15] ^= 1
    recording = hybrid.run(network.replace(streams=replace(network.streams, seeds=seeds)), **options)
    return replace(recording, provenance={**recording.provenance, "network": network.hash})

def one_wrong_membrane(network, **options):
    recording = hybrid.run(network, **options)
    recording.trace["v"][17, 3] += 1
    return recording

def without_faults(network, faults=None, **options):
    return hybrid.run(network, **options)

def waveform(network, lanes, first_step, last_step, path, faults=None):
    open(path, "w").write(f"$date {first_step} {last_step}" + " with faults" * bool(faults))
'''
STREAMS = {"v4": ("lfsr", 64, 1), "v13": ("lfsr", 128, 4), "v14": ("sobol", 64, 1)}


@pytest.fixture
def stubs(tmp_path, monkeypatch):
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "stream_stubs.py").write_text(STUBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"))
    monkeypatch.setitem(simulate.STREAM_ENGINES, "rtl", "stream_stubs:rtl")
    monkeypatch.setitem(simulate.STREAM_ENGINES, "brian2_float", "stream_stubs:witness")
    monkeypatch.setattr(simulate, "STREAM_WAVEFORM", "stream_stubs:waveform")
    return tmp_path


def run(capsys, *argv):
    code = cli.main(list(map(str, argv)))
    said = capsys.readouterr()
    return code, said.out, said.err.splitlines()


def statistical(whole):
    return [check for check in whole["checks"] if check["class"] == "statistical"]


@pytest.mark.parametrize("variant", STREAMS)
def test_a_stream_variant_is_run_and_named_and_its_file_runs_as_what_it_is(capsys, stubs, variant):
    generator, length, channels = STREAMS[variant]
    code, out, err = run(capsys, "sim", *SMALL, "--variant", variant, "--length", length, "--lanes", 9, "--out", stubs / "out", "--json")
    whole = json.loads(out)
    network, kept = Network.load(stubs / "out" / "network.spikegate"), whole["network"]
    assert code == 0 and (kept["preset"], kept["variant"], kept["hash"]) == ("ai, changed", variant, network.hash)
    windows = stream_engine.run(network).provenance["windows"]
    assert windows > 0 and kept["streams"] == {"generator": generator, "length": length, "channels": channels, "windows": windows}
    assert list(whole["engines"]) == ["rtl", "golden", "brian2_float"] and whole["engines"]["rtl"]["cycles"] > 0
    exact, integer, cycles = whole["checks"][:3]
    assert exact["ok"] and cycles["ok"] and exact["compared"] == 4 * 600 * 100 + 3 * 100 + whole["engines"]["rtl"]["spikes"]
    assert (integer["name"], integer["compared"], integer["ok"]) == ("RTL = Brian2 integer", 0, None) and "not run" in integer["detail"]
    assert any("brian2_integer not run" in line for line in err) and not any("brian2_integer started" in line for line in err)
    code, out, _ = run(capsys, "sim", "--network", stubs / "out" / "network.spikegate", "--lanes", 9, "--out", stubs / "again", "--markdown")
    again = json.loads((stubs / "again" / "report.json").read_text())
    assert code == 0 and f"ai, changed, {variant} L={length}, q8.8" in out and "| RTL = Brian2 integer | spike-exact | 0 | 0 | not run | " in out
    assert again["network"] == kept and again["engines"]["rtl"]["cycles"] == whole["engines"]["rtl"]["cycles"]


def test_a_variant_for_a_file_without_streams_is_refused(capsys, tmp_path):
    path = tmp_path / "net"
    assert run(capsys, "network", "make", *SMALL, path)[0] == 0
    for options, words in ((["--variant", "v4"], "already fixes the whole run"), (["--faults", "0.1"], "no bitstream synapses")):
        code, out, err = run(capsys, "sim", "--network", path, *options, "--lanes", 8, "--out", tmp_path / "out")
        assert code == 2 and out == "" and len(err) == 1 and words in err[0] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("golden, at", [("other_streams", None), ("one_wrong_membrane", (17, 3, "v"))])
def test_a_wrong_golden_recording_of_streams_is_exit_code_1(capsys, stubs, monkeypatch, golden, at):
    monkeypatch.setitem(simulate.STREAM_ENGINES, "golden", f"stream_stubs:{golden}")
    code, out, err = run(capsys, "sim", *SMALL, "--variant", "v4", "--length", "64", "--out", stubs / "out")
    check = json.loads((stubs / "out" / "report.json").read_text())["checks"][0]
    first = check["first_divergence"]
    assert code == 1 and "FAILED" in out and check["ok"] is False
    assert at in (None, (first["step"], first["neuron"], first["signal"])) and (check["mismatches"] == 1) is bool(at)
    assert f"first at step {first['step']}, neuron {first['neuron']}" in err[-1] and "waveform of steps" in err[-1]
    assert (stubs / "out" / "mismatch.vcd").read_text() == f"$date {max(0, first['step'] - 3)} {first['step'] + 3}"


def test_a_defect_of_the_golden_model_of_streams_is_exit_code_1(capsys, stubs):
    code, out, err = run(capsys, "sim", *SMALL, "--variant", "v14", "--sabotage", "threshold", "--out", stubs / "out")
    assert code == 1 and "FAILED" in out and "waveform of steps" in err[-1] and (stubs / "out" / "mismatch.vcd").exists()


def test_faults_are_in_the_rtl_and_the_golden_model_alike_and_statistics_are_not_judged(capsys, stubs, monkeypatch):
    options = ["sim", *SMALL, "--variant", "v13", "--length", "64", "--out", stubs / "out", "--json"]
    monkeypatch.setitem(compare.MARGINS, ("ai, changed", "q8.8"), dict.fromkeys(("rate_hz", "cv_isi", "correlation"), compare.Margin(1e9)))
    monkeypatch.setattr(report, "STREAM_PRESETS", ("ai, changed",))
    monkeypatch.setattr(report, "MIN_SECONDS", 0.0)
    found = {}
    for rate, seed in ((None, 1), (0, 1), (0.2, 1), (0.2, 2)):
        code, out, _ = run(capsys, *options, *([] if rate is None else ["--faults", rate, "--fault-seed", seed]))
        whole = found[rate, seed] = json.loads(out)
        assert code == 0 and whole["checks"][0]["ok"] and [check["ok"] for check in statistical(whole)] == [None if rate else True] * 3
    assert found[None, 1]["provenance"]["faults"] is None and found[0, 1]["provenance"]["faults"] == {"rate": 0.0, "seed": 1, "stuck": 0}
    paths = [FaultParams.random(0.2, 1 + channel, 64) for channel in range(4)]
    stuck = sum((getattr(path, point).stuck0 | getattr(path, point).stuck1).bit_count() for path in paths for point in POINTS)
    assert found[0.2, 1]["provenance"]["faults"] == {"rate": 0.2, "seed": 1, "stuck": stuck} and stuck > 50
    assert all("RTL has faults" in check["detail"] for check in statistical(found[0.2, 1]))
    spikes = {key: whole["engines"]["rtl"]["spikes"] for key, whole in found.items()}
    assert spikes[None, 1] == spikes[0, 1] and len(set(spikes.values())) == 3
    monkeypatch.setitem(simulate.STREAM_ENGINES, "golden", "stream_stubs:without_faults")
    code, _, err = run(capsys, *options, "--faults", 0.2)
    assert code == 1 and "RTL = golden" in err[-1] and (stubs / "out" / "mismatch.vcd").read_text().endswith("with faults")


def test_the_streams_of_a_network_file_are_shown(capsys, tmp_path):
    shown = {"v4": ["LFSR, 256 bits, 1 channel ", "61 bits, taps (61, 60, 59, 56), 16 registers"],
             "v13": ["LFSR, 256 bits, 4 channels", "64 registers"], "v14": ["SOBOL, 256 bits, 1 channel ", "dimensions 0"]}
    for variant, words in shown.items():
        path = tmp_path / variant
        code, out, _ = run(capsys, "network", "make", *SMALL, "--variant", variant, path)
        assert code == 0 and Network.load(path).hash in out
        code, out, _ = run(capsys, "network", "show", path)
        assert code == 0 and all(word in out for word in [*words, f"variant             {variant} ", "-13107 of 2^16", "1638 of 2^16 (0.499878 mV)"])
        code, out, _ = run(capsys, "network", "verify", path)
        assert code == 0 and f"ok, ai, changed-{variant}, N=100" in out
    assert run(capsys, "network", "make", *SMALL, "--variant", "v4", "--length", "96", tmp_path / "bad")[0] == 2 and not (tmp_path / "bad").exists()



@pytest.mark.long
@pytest.mark.parametrize("variant", STREAMS)
def test_the_rtl_of_streams_agrees_also_with_faults_and_a_defect_leaves_its_waveform(capsys, tmp_path, variant):
    options = ["sim", "--set", "n_exc=40", "--set", "n_inh=11", "--ms", "50", "--variant", variant, "--length", "64", "--lanes", "7",
               "--out", tmp_path, "--json"]
    spikes = []
    for more in ([], ["--faults", "0.1"]):
        code, out, _ = run(capsys, *options, *more)
        whole = json.loads(out)
        assert code == 0 and [check["ok"] for check in whole["checks"][:3]] == [True, None, True] and whole["network"]["streams"]["windows"] > 1000
        spikes.append(whole["engines"]["rtl"]["spikes"])
    assert spikes[0] != spikes[1]
    code, out, err = run(capsys, *options, "--faults", "0.1", "--sabotage", "threshold")
    assert code == 1 and [check["ok"] for check in json.loads(out)["checks"][:3]] == [False, None, True]
    assert any("waveform of steps" in line for line in err) and "$enddefinitions" in (tmp_path / "mismatch.vcd").read_text()
