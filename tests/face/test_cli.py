"""The command line: bad input, missing tools, mismatches and interruptions, each with its exit code and one clear line."""

import json
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from spikegate import cli, doctor, simulate
from spikegate.models.network.network import Network
from spikegate.translator.brunel import preset, translate

SMALL = ["--set", "n_exc=80", "--set", "n_inh=20", "--ms", "60"]
STUBS = '''
import subprocess, time
from dataclasses import replace
from spikegate.models.core import engine as core

def rtl(network, lanes=40, *, driver="native", trace=False, progress=None):
    recording = core.run(network, trace=trace, progress=progress)
    return replace(recording, engine="rtl", cycles=core.predict_cycles(network, recording, lanes))

def witness(network, trace=False, progress=None):
    return core.run(network, trace=trace, progress=progress)

def waveform(network, lanes, first_step, last_step, path):
    open(path, "w").write(f"$date {first_step} {last_step}")

def slow(network, lanes=40, *, driver="native", trace=False, progress=None):
    inner = subprocess.Popen(["sleep", "60"])
    open("pids", "a").write(f"{inner.pid}\\n")
    time.sleep(60)
'''


@pytest.fixture
def stubs(tmp_path, monkeypatch):
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "cli_stubs.py").write_text(STUBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"))
    for name in ("rtl", "brian2_integer", "brian2_float"):
        monkeypatch.setitem(simulate.ENGINES, name, f"cli_stubs:{'rtl' if name == 'rtl' else 'witness'}")
    monkeypatch.setattr(simulate, "WAVEFORM", "cli_stubs:waveform")
    return tmp_path


@pytest.fixture
def no_work(monkeypatch):
    def fail(*args, **options):
        raise AssertionError("work was begun on bad input")
    monkeypatch.setattr("spikegate.cosim.isolation.run.run_isolated", fail)


def run(capsys, *argv):
    code = cli.main(list(map(str, argv)))
    said = capsys.readouterr()
    return code, said.out, said.err.splitlines()


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
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"spikegate {project['version']}\n"


@pytest.mark.parametrize("version, bounds, ok", [("2.3.5", ">=2,<2.4", True), ("2.4", ">=2,<2.4", False), ("0.5.10", "~=0.5.8", True),
                                                 ("0.6.0", "~=0.5.8", False), ("2.10.1", "~=2.9", True), ("3.0", "~=2.9", False),
                                                 ("4.0", ">=4", True), ("4", "<4", False), ("0.1.dev3", ">=0.1.dev0", True), ("1", "", True)])
def test_version_bounds_are_read_as_pip_reads_them(version, bounds, ok):
    assert doctor.admits(version, bounds) is ok


def test_a_network_file_is_made_shown_verified_and_damage_is_found(capsys, tmp_path):
    path = tmp_path / "net.spikegate"
    code, out, _ = run(capsys, "network", "make", *SMALL, "--events", "--seed", "3", "--format", "q16.12", path)
    network = Network.load(path)
    assert code == 0 and network.hash in out
    assert (network.n, network.steps, network.source["seed"], str(network.lif.format)) == (100, 600, 3, "q16.12")
    assert network.external.shape == (600, 100) and network.external.any()
    code, out, _ = run(capsys, "network", "show", path)
    assert code == 0 and "80 excitatory" in out and network.hash[:40] in out
    assert run(capsys, "network", "verify", path)[0] == 0
    whole = path.read_bytes()
    damaged = whole[:-1], whole[:40], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
    cases = [(data, "truncated or damaged") for data in damaged]
    cases += [(b"", "no spikegate network"), (b"PK" + whole, "no spikegate network"), (whole.replace(b"1", b"9", 1), "another version")]
    for data, words in cases:
        path.write_bytes(data)
        for command in (("network", "verify", path), ("network", "show", path), ("sim", "--network", path)):
            code, out, err = run(capsys, *command)
            assert code == 2 and out == "" and len(err) == 1 and words in err[0] and "spikegate network make" in err[0]


@pytest.mark.parametrize("path", ["", "/", "a\0b", "absent/net"])
def test_a_network_that_cannot_be_written_is_one_line(path, capsys):
    code, out, err = run(capsys, "network", "make", *SMALL, path)
    assert code == 2 and out == "" and len(err) == 1 and "cannot be written" in err[0]


def test_a_name_that_is_no_text_is_escaped(capsys, tmp_path):
    path = tmp_path / "net\udcff"
    assert run(capsys, "network", "make", *SMALL, path)[:2] == (0, f"{tmp_path}/net\\udcff: {Network.load(path).hash}\n")
    code, out, _ = run(capsys, "network", "verify", path)
    assert code == 0 and out.startswith(f"{tmp_path}/net\\udcff: ok")


def test_a_fine_leak_is_shown_in_its_own_fraction(capsys, tmp_path):
    translate(preset("ai", n_exc=80, n_inh=20), ms=1, leak_fraction=20).save(tmp_path / "net")
    assert "leak 0.0049991" in " ".join(run(capsys, "network", "show", tmp_path / "net")[1].split())


@pytest.mark.parametrize(("source", "words"), [({}, "source is empty"), ({"seed": 1}, "must give the parameters of BrunelParams, not "),
                                               ({"eta": -1.0}, "eta must not be negative"), ({"n_exc": 80.0}, "n_exc must be a whole number")])
def test_a_network_that_no_brunel_parameters_made_is_refused_first(source, words, capsys, no_work, tmp_path):
    network = translate(preset("ai", n_exc=80, n_inh=20), ms=1)
    network.replace(source={**network.source, **source} if len(source) and "seed" not in source else source).save(tmp_path / "net")
    code, out, err = run(capsys, "sim", "--network", tmp_path / "net", "--out", tmp_path / "out")
    assert code == 2 and out == "" and len(err) == 1 and words in err[0] and not (tmp_path / "out").exists()


def test_a_run_prints_only_json_on_standard_output(capsys, stubs):
    code, out, err = run(capsys, "sim", *SMALL, "--lanes", "8", "--out", stubs / "out", "--json")
    whole = json.loads(out)
    assert code == 0 and whole["ok"] and whole["network"]["lanes"] == 8 and whole["steps"] == 600 and whole["network"]["preset"] == "ai, changed"
    assert whole == json.loads((stubs / "out" / "report.json").read_text())
    assert sorted(path.name for path in (stubs / "out").iterdir()) == ["network.spikegate", "report.json", "sim.png"]
    assert Network.load(stubs / "out" / "network.spikegate").hash == whole["network"]["hash"]
    assert any("rtl started" in line for line in err) and any("rtl finished" in line for line in err)
    code, out, _ = run(capsys, "sim", "--network", stubs / "out" / "network.spikegate", "--out", stubs / "again", "--markdown")
    assert code == 0 and "| RTL = golden | bit-true | " in out and whole["network"]["hash"][:12] in out


@pytest.mark.parametrize("defect", ["rounding", "threshold", "tap"])
def test_a_defect_ends_with_exit_code_1_the_first_divergence_and_a_waveform(capsys, stubs, defect):
    code, out, err = run(capsys, "sim", *SMALL, "--sabotage", defect, "--out", stubs / "out")
    first = json.loads((stubs / "out" / "report.json").read_text())["checks"][0]["first_divergence"]
    step, neuron, (a, b) = first["step"], first["neuron"], first["values"]
    assert code == 1 and "FAILED" in out and a != b
    assert f"first at step {step}, neuron {neuron}, signal {first['signal']}: rtl {a}, golden {b}; waveform of steps" in err[-1]
    assert (stubs / "out" / "mismatch.vcd").read_text() == f"$date {max(0, step - 3)} {min(599, step + 3)}"
    code, _, _ = run(capsys, "sim", *SMALL, "--out", stubs / "out")
    assert code == 0 and not (stubs / "out" / "mismatch.vcd").exists()


def test_fixed_point_weights_are_the_default_variant(capsys, stubs):
    reports = []
    for options in ([], ["--variant", "v3"]):
        code, out, _ = run(capsys, "sim", *SMALL, *options, "--out", stubs / "out", "--json")
        reports.append(json.loads(out))
        assert code == 0 and reports[-1]["network"]["variant"] == "v3" and "streams" not in reports[-1]["network"]
    assert reports[0]["network"] == reports[1]["network"] and list(reports[0]["engines"]) == ["rtl", "golden", "brian2_integer", "brian2_float"]


def test_a_large_run_leaves_the_membranes_out_and_says_so(capsys, stubs, monkeypatch):
    monkeypatch.setattr(simulate, "TRACE_LIMIT", 1000)
    code, out, err = run(capsys, "sim", *SMALL, "--out", stubs / "out", "--json")
    assert code == 0 and any("membranes at every step are left out" in line for line in err)
    assert "v over" not in json.loads(out)["checks"][0]["detail"] and "final.v" in json.loads(out)["checks"][0]["detail"]


def test_interruption_leaves_no_report_and_no_process(stubs):
    command = ("import sys; from spikegate import cli, simulate; simulate.ENGINES['rtl'] = 'cli_stubs:slow'; "
               f"sys.exit(cli.main(['sim', *{SMALL}, '--out', 'out']))")
    parent = subprocess.Popen([sys.executable, "-P", "-c", command], cwd=stubs, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (stubs / "pids").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.1)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=20)
    assert parent.returncode == 130 and err.splitlines()[-1] == "spikegate: interrupted; no report was written" and "Traceback" not in err
    assert list((stubs / "out").iterdir()) == []
    stat = Path(f"/proc/{(stubs / 'pids').read_text().split()[0]}/stat")
    assert not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.mark.long
def test_the_rtl_agrees_with_every_engine_and_a_defect_leaves_its_waveform(capsys, tmp_path):
    options = ["sim", "--set", "n_exc=80", "--set", "n_inh=21", "--ms", "100", "--lanes", "8", "--out", tmp_path, "--json"]
    code, out, _ = run(capsys, *options)
    checks = json.loads(out)["checks"]
    assert code == 0 and [check["ok"] for check in checks[:3]] == [True] * 3 and checks[0]["compared"] > 4 * 1000 * 101
    code, out, err = run(capsys, *options, "--sabotage", "threshold")
    assert code == 1 and [check["ok"] for check in json.loads(out)["checks"][:3]] == [False, True, True]
    assert any("waveform of steps" in line for line in err) and "$enddefinitions" in (tmp_path / "mismatch.vcd").read_text()
