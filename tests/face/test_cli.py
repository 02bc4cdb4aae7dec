"""The command line: bad input, missing tools, mismatches and interruptions, each with its exit code and one clear line."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from command import SMALL, run

from spikegate import cli, doctor, simulate
from spikegate.models.network.network import Network
from spikegate.translator.brunel import preset, translate

BAD = {
    "a threshold that the format cannot hold": (["--set", "v_threshold=200"], ["v_threshold", "200", "127.996", "wider format"]),
    "a weight that rounds to 0": (["--set", "weight_exc=0.001", "--set", "eta=0"], ["weight_exc", "0.001", "0.00390625", "more fraction bits"]),
    "a leak that rounds to 0": (["--set", "tau_mem=1000"], ["Leak", "0.0001", "0.003906", "more fraction bits"]),
    "a negative rate": (["--set", "eta=-1"], ["eta", "-1", "negative", "use 0"]),
    "a drive probability above 1": (["--preset", "tutorial", "--set", "eta=100"], ["probability", "1.25", "0..1", "lower the rate"]),
    "C_E of 0": (["--set", "conn_prob=0"], ["C_E", "0", "at least 1", "raise"]),
    "N of 0": (["--set", "n_exc=0", "--set", "n_inh=0"], ["N must", "0 + 0", "at least 1", "raise"]),
    "a delay of 0": (["--set", "delay=0"], ["delay", "0.0 ms", "at least 0.1"]),
    "lanes above N": (["--lanes", "1001"], ["--lanes", "1001", "1..1000", "give a number"]),
    "lanes of 0": (["--lanes", "0"], ["--lanes", "0", "1..1000"]),
    "a time of 0": (["--ms", "0"], ["time", "0", "at least one"]),
    "a time that is no number": (["--ms", "nan"], ["--ms", "nan", "finite"]),
    "a time that is a word": (["--ms", "soon"], ["--ms: must be a number, not 'soon'"]),
    "a reset above the threshold": (["--set", "v_reset=30"], ["v_reset must be below v_threshold, 20.0 mV, not 30.0 mV"]),
    "a seed of faults that there are not": (["--fault-seed", "3"], ["--fault-seed 3", "give --faults"]),
    "an unknown parameter": (["--set", "v_treshold=20"], ["v_treshold", "did you mean v_threshold"]),
    "a parameter without value": (["--set", "eta"], ["NAME=VALUE", "eta"]),
    "a parameter of the wrong type": (["--set", "n_exc=ten"], ["n_exc", "ten", "whole number"]),
    "an infinite parameter": (["--set", "eta=inf"], ["eta", "inf", "finite"]),
    "an unknown format": (["--format", "float"], ["float", "qM.N", "q8.8"]),
    "an unknown preset": (["--preset", "brain"], ["brain", "tutorial"]),
    "an unknown option": (["--lanse", "3"], ["--lanse"]),
    "two seeds": (["--seed", "2", "--set", "seed=3"], ["--seed 2", "seed=3", "one of them"]),
    "a network and a preset": (["--network", "x", "--preset", "ai", "--seed", "4"], ["--network", "--preset, --seed", "leave out"]),
    "an absent network": (["--network", "nowhere/x.spikegate"], ["nowhere", "No such file", "give the path"]),
    "an unknown variant": (["--variant", "v5"], ["v5", "v13"]),
    "an unknown defect": (["--sabotage", "leek"], ["leek", "leak"]),
    "an unknown rounding": (["--rounding", "up"], ["--rounding", "nearest", "floor", "stochastic", "'up'"]),
    "an unknown overflow": (["--overflow", "clip"], ["--overflow", "saturate", "wrap", "'clip'"]),
    "a leak fraction that is no number": (["--leak-fraction", "fein"], ["--leak-fraction", "fine", "'fein'"]),
    "a leak fraction below the format's": (["--leak-fraction", "-7"], ["leak_fraction", "8..28", "-7"]),
    "a format of 40 bits": (["--format", "q20.20"], ["width", "2..32", "40"]),
    "two seeds of which nobody learns anything": (["--seeds", "2"], ["--seeds", "2", "3..1000"]),
    "a weight that a stream clips below": (["--variant", "v4", "--set", "weight_exc=0.01", "--set", "eta=0.1"],
                                           ["weight_exc", "0.01 mV", "0.0005", "0.001..0.999"]),
    "a weight that a stream clips above": (["--variant", "v14", "--set", "g_inh=60"], ["g_inh", "30 mV", "1.5", "0.001..0.999"]),
    "a drive that never rests": (["--preset", "tutorial", "--set", "dt=1", "--set", "delay=1"], ["20 events", "no step without events", "2^-33"]),
    "a length that is no power of two": (["--variant", "v4", "--length", "100"], ["length", "100", "power of two", "64..1024"]),
    "a length that is no power of two, Sobol": (["--variant", "v14", "--length", "100"], ["length", "100", "power of two"]),
    "a length above the limit": (["--variant", "v13", "--length", "2048"], ["length", "2048", "64..1024"]),
    "a length of no stream": (["--length", "128"], ["--length 128", "v3", "--variant v4"]),
    "a network and a variant": (["--network", "x", "--variant", "v4", "--length", "64"], ["--network x", "--variant, --length", "leave out"]),
    "faults of no stream": (["--faults", "0.1"], ["no bitstream synapses", "--variant v4"]),
    "a fault rate above 1": (["--variant", "v4", "--faults", "1.5"], ["Stuck-at rate", "0..1", "1.5"]),
    "a negative fault rate": (["--variant", "v4", "--faults", "-0.1"], ["Stuck-at rate", "0..1", "-0.1"]),
    "a fault rate that is no number": (["--variant", "v4", "--faults", "nan"], ["--faults", "nan", "finite"]),
    "N above the limit": (["--set", "n_exc=1000000000"], ["N must", "100,000", "1000000000"]),
    "synapses above the limit": (["--set", "n_exc=90000", "--set", "conn_prob=0.5"], ["Synapses", "100,000,000", "4,068,020,000", "lower conn_prob"]),
    "a step of a fraction of a nanosecond": (["--set", "dt=0.0000001", "--set", "delay=1"], ["dt", "nanoseconds", "1e-07"]),
    "a voltage beyond every format": (["--set", "weight_exc=1e308"], ["weight_exc", "1e+09", "1e+308"]),
    "a rate beyond all numbers": (["--set", "eta=1e9", "--set", "tau_mem=0.1"], ["probability", "0..1"]),
    "a time of too many steps": (["--ms", "1e300"], ["time", "at most 2147483647", "1e+300"]),
    "a path with a null byte": (["--network", "a\0b"], ["cannot be read", "null byte"]),
    "a device as a network": (["--network", "/dev/zero"], ["/dev/zero", "no spikegate network"]),
    "two kinds of output": (["--json", "--markdown"], ["--json", "--markdown", "one of them"]),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_gets_one_clear_line_and_exit_code_2(what, capsys, no_work, tmp_path):
    options, words = BAD[what]
    code, out, err = run(capsys, "sim", "--out", tmp_path / "out", *options)
    assert code == 2 and out == "" and len(err) == 1 and err[0].startswith("spikegate: ")
    assert all(word in err[0] for word in words), err[0]
    assert not (tmp_path / "out").exists()


def test_many_problems_are_reported_together(capsys, no_work):
    code, _, err = run(capsys, "sim", "--set", "v_threshold=200", "--set", "v_rest=-300", "--set", "eta=0.1")
    assert code == 2 and ["v_threshold" in err[0], "v_rest" in err[1]] == [True, True]


def test_an_output_folder_that_cannot_be_written_is_refused_first(capsys, no_work, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "sim", "--out", tmp_path / "file" / "out")
    assert code == 2 and len(err) == 1 and "cannot be written (Not a directory); choose another with --out" in err[0]
    code, _, err = run(capsys, "network", "make", tmp_path / "file" / "net")
    assert code == 2 and len(err) == 1 and "cannot be written" in err[0]


def test_a_missing_tool_is_exit_code_3_with_the_install_hint(capsys, no_work, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    for variant in ("v3", "v4"):
        code, _, err = run(capsys, "sim", "--variant", variant, "--out", tmp_path)
        assert code == 3 and any("g++" in line and "install" in line for line in err) and len(err) == 2
    assert run(capsys, "doctor")[0] == 3


def test_a_package_of_a_wrong_version_will_not_do(monkeypatch):
    monkeypatch.setattr(doctor.metadata.Distribution, "version", "2.4.0")
    finding = next(f for f in doctor.examine("bitstream") if f.tool == "numpy")
    assert not finding.ok and finding.needed == ">=2,<2.4" and finding.fix.endswith("pip install 'numpy>=2,<2.4'")


def test_the_version_is_that_of_the_project(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"spikegate {project['version']}\n"


@pytest.mark.parametrize("version, bounds, ok", [("2.3.5", ">=2,<2.4", True), ("2.4", ">=2,<2.4", False), ("0.5.10", "~=0.5.8", True),
                                                 ("0.6.0", "~=0.5.8", False), ("2.10.1", "~=2.9", True), ("3.0", "~=2.9", False),
                                                 ("4.0", ">=4", True), ("4", "<4", False), ("0.1.dev3", ">=0.1.dev0", True), ("1", "", True)])
def test_version_bounds_are_read_as_pip_reads_them(version, bounds, ok):
    assert doctor.admits(version, bounds) is ok


def test_a_run_prints_only_json_on_standard_output(capsys, tmp_path):
    code, out, err = run(capsys, "sim", *SMALL, "--lanes", "10", "--out", tmp_path / "out", "--json")
    whole = json.loads(out)
    assert code == 0 and whole["ok"] and whole["network"]["lanes"] == 10 and whole["steps"] == 600 and whole["network"]["preset"] == "ai, changed"
    assert list(whole["engines"]) == ["rtl", "golden", "brian2_integer", "brian2_float", "brian2_realised", "brian2_ordered"]
    assert [check["verdict"] for check in whole["checks"][:3]] == ["ok"] * 3 and whole["checks"][0]["compared"] > 4 * 600 * 100 + 300
    assert whole["network"]["variant"] == "v3" and "streams" not in whole["network"] and whole["engines"]["rtl"]["spikes"] > 50
    assert whole == json.loads((tmp_path / "out" / "report.json").read_text())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["network.spikegate", "report.html", "report.json", "sim.png"]
    assert Network.load(tmp_path / "out" / "network.spikegate").hash == whole["network"]["hash"]
    assert any("rtl started" in line for line in err) and any("rtl finished" in line for line in err)
    assert any("WARNING: tau_mem is 25.6 ms and not the 20 ms asked for (+28 %): --leak-fraction 15" in line for line in err)
    assert err[-1].startswith("spikegate: ok; judged: RTL = golden, RTL = Brian2 integer, RTL cycles = predicted; not judged: a run must last 512 ms")


def test_a_network_of_ones_own_without_physical_units_is_run_and_judged(capsys, tmp_path):
    translate(preset("ai", n_exc=80, n_inh=20), ms=60).replace(source={}, name="mine").save(tmp_path / "net")
    code, out, err = run(capsys, "sim", "--network", tmp_path / "net", "--lanes", 10, "--out", tmp_path / "out", "--markdown")
    assert code == 0 and "mine, v3, q8.8, N=100" in out and "| RTL = golden | bit-true | " in out
    assert not any("WARNING" in line for line in err) and "not judged: the network has no float original (quantisation, order)" in err[-1]


def test_a_defect_ends_with_exit_code_1_the_first_divergence_and_a_waveform(capsys, tmp_path):
    code, out, err = run(capsys, "sim", *SMALL, "--lanes", 10, "--sabotage", "threshold", "--out", tmp_path)
    first = json.loads((tmp_path / "report.json").read_text())["checks"][0]["first_divergence"]
    step, neuron, (a, b) = first["step"], first["neuron"], first["values"]
    assert code == 1 and "FAILED" in out and a != b
    assert f"first at step {step}, neuron {neuron}, signal {first['signal']}: rtl {a}, golden {b}; waveform of steps {max(0, step - 3)}" in err[-2]
    assert err[-1].startswith("spikegate: FAILED; judged: RTL = golden") and "$enddefinitions" in (tmp_path / "mismatch.vcd").read_text()


def test_through_the_host_link_spikes_and_final_states_are_compared(capsys, tmp_path):
    code, out, err = run(capsys, "sim", "--set", "n_exc=40", "--set", "n_inh=10", "--ms", 20, "--lanes", 8, "--through-host-link",
                         "--format", "q10.10", "--leak-fraction", "fine", "--rounding", "floor", "--overflow", "wrap", "--out", tmp_path, "--json")
    whole = json.loads(out)
    assert code == 0 and [check["verdict"] for check in whole["checks"][:3]] == ["ok"] * 3 and whole["provenance"]["link"]["port"].startswith("/dev/")
    assert [whole["network"][name] for name in ("format", "leak_fraction", "rounding", "overflow", "lanes")] == ["q10.10", 15, "floor", "wrap", 8]
    assert "v over" not in whole["checks"][0]["detail"] and "final.v" in whole["checks"][0]["detail"] and whole["warnings"] == []
    assert any("RTL is too slow for membranes at every step" in line for line in err)


def test_a_large_run_leaves_the_membranes_out_and_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "TRACE_LIMIT", 1000)
    code, out, err = run(capsys, "sim", *SMALL, "--lanes", 10, "--out", tmp_path, "--json")
    whole = json.loads(out)
    assert code == 0 and any("membranes at every step are left out" in line for line in err)
    assert "v over" not in whole["checks"][0]["detail"] and "final.v" in whole["checks"][0]["detail"]


def test_interruption_leaves_no_report_and_no_process(tmp_path):
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-P", "-c", "import sys; from spikegate import cli; sys.exit(cli.main(sys.argv[1:]))",
               "sim", "--ms", "100000", "--out", "out"]
    parent = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")})
    said = []
    for line in parent.stderr:
        said.append(line)
        if "golden started" in line:
            break
    time.sleep(1)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=60)
    assert parent.returncode == 130 and err.splitlines()[-1] == "spikegate: interrupted; no report was written" and "Traceback" not in err
    assert list((tmp_path / "out").iterdir()) == [] == list((tmp_path / "tmp").iterdir())
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            assert str(tmp_path).encode() not in Path("/proc", entry, "cmdline").read_bytes()
