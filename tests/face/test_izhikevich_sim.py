"""`spikegate sim --preset izhikevich` at its real entry: RTL, golden model and Brian2 on the same integers, smaller than the published network."""

import json

import pytest

from spikegate.cli import main

SMALL = ["--preset", "izhikevich", "--set", "n=40", "--set", "weight_exc=6", "--set", "weight_inh=-12", "--ms", "100"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("izhikevich") / "izhikevich.spikegate"
    assert main(["network", "make", *SMALL, str(path)]) == 0
    return path


def test_it_runs_as_rtl_golden_model_and_brian2(network, tmp_path, capsys):
    assert main(["sim", "--network", str(network), "--lanes", "4", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "RTL = golden" in out and "RTL = Brian2 integer" in out
    assert err.splitlines()[-1].startswith("spikegate: ok; judged: RTL = golden, RTL = Brian2 integer, RTL cycles = predicted; not judged: ")
    report = json.loads((tmp_path / "report.json").read_text())
    checks, spikes = {check["name"]: check for check in report["checks"]}, report["engines"]["rtl"]["spikes"]
    # v, u and overflow, of each of 200 steps with the events, and in the end; spikes besides.
    assert checks["RTL = golden"]["compared"] == 40 * (200 * 4 + 3) + spikes and checks["RTL = golden"]["ok"] and spikes > 20
    assert report["network"]["populations"] == {"excitatory": {"size": 32, "kind": "izhikevich", "sets": 32},
                                                "inhibitory": {"size": 8, "kind": "izhikevich", "sets": 8}}
    assert {row["parameter"]: row["realised"] for row in report["quantisation"]}["inhibitory.peak"] == 30


@pytest.mark.parametrize("defect", ["delay", *(pytest.param(name, marks=pytest.mark.long) for name in (
    "weight", "threshold", "leak", "rounding", "tap"))])
def test_every_defect_of_the_golden_model_is_found(network, tmp_path, capsys, defect):
    assert main(["sim", "--network", str(network), "--lanes", "4", "--out", str(tmp_path), "--sabotage", defect]) == 1
    assert any("RTL = golden" in line and "first" in line for line in capsys.readouterr().err.splitlines())


@pytest.mark.parametrize("options, line", [
    (["--format", "q8.8"], "--preset izhikevich has arithmetic of its own, so that --format cannot be given with it; leave out either"),
    (["--set", "eta=1"], "--set knows no parameter 'eta'"), (["--set", "n=4"], "n must be at least 5 neurons, not 4")])
def test_what_does_not_suit_is_refused_in_one_line(tmp_path, capsys, options, line):
    assert main(["sim", "--preset", "izhikevich", *options, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1 and line in err[0] and not (tmp_path / "out").exists()
