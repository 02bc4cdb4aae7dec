"""The command line with stochastic synapses: variants, faults, and what the report says of them."""

import json

import pytest

from spikegate import cli
from spikegate.models.core import stream_engine
from spikegate.models.network.network import Network
from spikegate.models.streams.faults import POINTS, FaultParams

SMALL = ["--set", "n_exc=80", "--set", "n_inh=20", "--ms", "60"]
STREAMS = {"v4": ("lfsr", 64, 1), "v13": ("lfsr", 128, 4), "v14": ("sobol", 64, 1)}


def run(capsys, *argv):
    code = cli.main(list(map(str, argv)))
    said = capsys.readouterr()
    return code, said.out, said.err.splitlines()


@pytest.mark.parametrize("variant", ["v4", *(pytest.param(name, marks=pytest.mark.long) for name in ("v13", "v14"))])
def test_a_stream_variant_is_run_and_named(capsys, tmp_path, variant):
    generator, length, channels = STREAMS[variant]
    code, out, err = run(capsys, "sim", *SMALL, "--variant", variant, "--length", length, "--lanes", 9, "--out", tmp_path / "out", "--json")
    whole = json.loads(out)
    network, kept = Network.load(tmp_path / "out" / "network.spikegate"), whole["network"]
    assert code == 0 and (kept["preset"], kept["variant"], kept["hash"]) == ("ai, changed", variant, network.hash)
    windows = stream_engine.run(network).provenance["windows"]
    assert windows > 0 and kept["streams"] == {"generator": generator, "length": length, "channels": channels, "windows": windows}
    assert list(whole["engines"]) == ["rtl", "golden", "brian2_float", "brian2_realised", "brian2_ordered"] and whole["engines"]["rtl"]["cycles"] > 0
    exact, integer, cycles = whole["checks"][:3]
    assert exact["ok"] and cycles["ok"] and exact["compared"] == 4 * 600 * 100 + 3 * 100 + whole["engines"]["rtl"]["spikes"]
    assert (integer["name"], integer["compared"], integer["ok"]) == ("RTL = Brian2 integer", 0, None) and "no bitstream synapses" in integer["detail"]
    assert any("brian2_integer is not run: there are no bitstream synapses in Brian2" in line for line in err)
    assert not any("brian2_integer started" in line for line in err)


def test_a_variant_for_a_file_without_streams_is_refused(capsys, tmp_path):
    path = tmp_path / "net"
    assert run(capsys, "network", "make", *SMALL, path)[0] == 0
    for options, words in ((["--variant", "v4"], "already fixes the whole run"), (["--faults", "0.1"], "no bitstream synapses")):
        code, out, err = run(capsys, "sim", "--network", path, *options, "--lanes", 8, "--out", tmp_path / "out")
        assert code == 2 and out == "" and len(err) == 1 and words in err[0] and not (tmp_path / "out").exists()


def test_faults_are_in_the_rtl_and_the_golden_model_alike_and_statistics_are_not_judged(capsys, tmp_path):
    code, out, err = run(capsys, "sim", *SMALL, "--variant", "v13", "--length", "64", "--lanes", 9, "--out", tmp_path, "--json", "--faults", 0.2,
                         "--fault-seed", 2)
    whole = json.loads(out)
    paths = [FaultParams.random(0.2, 2 + channel, 64) for channel in range(4)]
    stuck = sum((getattr(path, point).stuck0 | getattr(path, point).stuck1).bit_count() for path in paths for point in POINTS)
    assert whole["provenance"]["faults"] == {"rate": 0.2, "seed": 2, "stuck": stuck} and stuck > 50
    assert code == 0 and [check["verdict"] for check in whole["checks"][:3]] == ["ok", "not judged", "ok"]
    assert all(f"{stuck} lines stuck" in check["detail"] for check in whole["checks"][9:]) and "the RTL has faults" in err[-1]


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
