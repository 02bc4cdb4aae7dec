"""`spikegate sim` and `spikegate network` on networks of point neurons, at their real entry: RTL, golden model and Brian2 on the same integers."""

import json

import numpy as np
import pytest

from spikegate.cli import main
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.results.compare import compare
from spikegate.models.core.point_golden import POINT_DEFECTS, PointGolden
from spikegate.models.network.builder import Builder
from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from verification.stimuli.point_networks import MIXED, random_network

CUBA = ["--preset", "cuba", "--set", "n=40", "--set", "probability=0.5", "--ms", "60"]


def said(capsys):
    captured = capsys.readouterr()
    return captured.out, captured.err.splitlines()


@pytest.fixture(scope="module")
def cuba(tmp_path_factory):
    path = tmp_path_factory.mktemp("cuba") / "cuba.spikegate"
    assert main(["network", "make", *CUBA, str(path)]) == 0
    return path


def test_cuba_runs_as_rtl_golden_model_and_brian2(cuba, tmp_path, capsys):
    assert main(["sim", "--network", str(cuba), "--lanes", "3", "--out", str(tmp_path)]) == 0
    out, err = said(capsys)
    assert "RTL = golden" in out and "RTL = Brian2 integer" in out and "40" in out
    assert err[-1].startswith("spikegate: ok; judged: RTL = golden, RTL = Brian2 integer, RTL cycles = predicted; not judged: ")
    assert "the network says what its integers hold, and not what was asked for (quantisation, order)" in err[-1]
    report = json.loads((tmp_path / "report.json").read_text())
    checks = {check["name"]: check for check in report["checks"]}
    # v, hold, overflow, fired and two currents, of each of 600 steps with the events, and in the end; spikes besides.
    spikes = report["engines"]["rtl"]["spikes"]
    assert checks["RTL = golden"]["compared"] == 40 * (600 * 7 + 6) + spikes and checks["RTL = golden"]["ok"]
    assert report["network"]["populations"] == {"excitatory": {"size": 32, "kind": "cuba_lif", "sets": 1},
                                                "inhibitory": {"size": 8, "kind": "cuba_lif", "sets": 1}}
    rows = {row["parameter"]: row["realised"] for row in report["quantisation"]}
    assert rows["excitatory.tau_mem"] == pytest.approx(20, rel=1e-4) and rows["inhibitory.threshold"] == -50
    assert report["engines"]["rtl"]["spikes"] > 20 and (tmp_path / "sim.png").read_bytes().startswith(b"\x89PNG")
    assert PointNetwork.load(tmp_path / "network.spikegate").hash == PointNetwork.load(cuba).hash


def test_a_defect_of_the_golden_model_is_found_and_leaves_a_waveform(cuba, tmp_path, capsys):
    assert main(["sim", "--network", str(cuba), "--lanes", "3", "--out", str(tmp_path), "--sabotage", "delay"]) == 1
    _, err = said(capsys)
    assert any("RTL = golden" in line and "first" in line for line in err) and err[-1].startswith("spikegate: FAILED")
    assert (tmp_path / "mismatch.vcd").stat().st_size > 1000


def test_every_defect_of_the_golden_model_is_found(cuba):
    """Within this process; `weight` is in the test after this one."""
    network = PointNetwork.load(cuba)
    hardware = PointRtl(lanes=3).run(network, trace=True)
    signals = ["spike", *hardware.trace]
    assert compare("RTL = golden", "bit-true", hardware, PointGolden().run(network, trace=True), signals).ok
    for defect in ("threshold", "leak", "delay", "rounding"):
        check = compare("RTL = golden", "bit-true", hardware, PointGolden(defect).run(network, trace=True), signals)
        assert not check.ok and check.mismatches and check.compared > 40 * 600 * 6, defect
        assert defect in POINT_DEFECTS


def test_a_network_of_every_kind_runs_and_a_swapped_weight_is_found(tmp_path, capsys):
    network = random_network(3, MIXED)
    path = tmp_path / "mixed.spikegate"
    network.save(path)
    assert main(["sim", "--network", str(path), "--lanes", "2", "--out", str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(said(capsys)[0])
    assert report["ok"] and len(report["network"]["populations"]) == len(network.populations)
    assert main(["sim", "--network", str(path), "--lanes", "2", "--out", str(tmp_path / "out"), "--sabotage", "weight"]) == 1


def test_a_defect_that_changes_nothing_is_refused(cuba, tmp_path, capsys):
    assert main(["sim", "--network", str(cuba), "--lanes", "3", "--out", str(tmp_path / "out"), "--sabotage", "weight"]) == 2
    assert "two synapses of different weights in a projection" in " ".join(said(capsys)[1])


def test_show_and_verify(cuba, capsys):
    assert main(["network", "show", str(cuba)]) == 0
    out, _ = said(capsys)
    assert "40 in 2 populations" in out and "32 cuba_lif" in out and "19.9992 ms" in out
    assert main(["network", "verify", str(cuba)]) == 0
    assert "ok, cuba, N=40, 600 steps" in said(capsys)[0]


@pytest.mark.parametrize("options, line", [
    (["--through-host-link", "--rows", "external"], "Row source of a core behind a host link must be one of csr, generated, not external"),
    (["--faults", "0.1"], "--faults is for streams of bits, and this is a network of point neurons; leave it out"),
    (["--lanes", "41"], "--lanes must be in 1..40 (N of this network), not 41; give a number of lanes in that range"),
    (["--sabotage", "tree"], "Defect must be one of rounding, threshold, tap, leak, delay, weight, not 'tree'"),
    (["--preset", "cuba"], "already fixes the whole run, so that --preset cannot be given with it; leave out either"),
])
def test_what_does_not_suit_is_refused_in_one_line(cuba, tmp_path, capsys, options, line):
    assert main(["sim", "--network", str(cuba), "--out", str(tmp_path / "out"), *options]) == 2
    _, err = said(capsys)
    assert len(err) == 1 and line in err[0] and not (tmp_path / "out" / "report.json").exists()


@pytest.mark.parametrize("options, line", [
    (["--variant", "v4"], "--preset cuba has arithmetic of its own, so that --variant cannot be given with it; leave out either"),
    (["--set", "eta=1"], "--set knows no parameter 'eta'"), (["--set", "n=5"], "n must be at least 10 neurons, not 5"),
    (["--format", "q6.12"], "threshold of population 'excitatory' must be in"),
    (["--events"], "--events stores what the drive of Brunel's networks gives"),
    (["--seed", "3", "--set", "seed=4"], "--seed 3 and --set seed=4 disagree"),
])
def test_what_cuba_does_not_take_is_refused(tmp_path, capsys, options, line):
    assert main(["network", "make", "--preset", "cuba", *options, str(tmp_path / "net")]) == 2
    _, err = said(capsys)
    assert line in " ".join(err) and not (tmp_path / "net").exists()


def test_a_network_that_begins_with_neurons_without_a_membrane_is_drawn_and_can_be_repeated_with_other_seeds(tmp_path, capsys):
    net = Builder("noisy", steps=300, seed=5)
    net.poisson("noise", 6, 200.0)
    net.population("cells", 10, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8, refractory=5, bias=60)
    net.connect("noise", "cells", weights=np.full((6, 10), 300), delays=3)
    path = tmp_path / "noisy.spikegate"
    net.freeze().save(path)
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.axes.Axes.set", lambda self, **said: drawn.append(said.get("title")))
        assert main(["sim", "--network", str(path), "--lanes", "4", "--out", str(tmp_path / "out"), "--seeds", "3"]) == 0
    membrane, = (title for title in drawn if title.startswith("Membrane"))
    assert 6 <= int(membrane.split()[3].rstrip(":")) < 16, membrane
    assert json.loads((tmp_path / "out" / "report.json").read_text())["seeds"] == 3


def test_what_is_not_random_cannot_be_repeated_with_other_seeds(cuba, tmp_path, capsys):
    assert main(["sim", "--network", str(cuba), "--lanes", "3", "--out", str(tmp_path / "out"), "--seeds", "3"]) == 2
    assert "--seeds 3 repeats a run with other random numbers, and 'cuba' draws none" in " ".join(said(capsys)[1])
    assert not (tmp_path / "out").exists()


def test_a_board_refuses_a_network_of_point_neurons_whose_memories_it_does_not_have(tmp_path, capsys):
    assert main(["network", "make", "--preset", "cuba", "--set", "n=600", "--set", "probability=0.2", str(tmp_path / "net")]) == 0
    capsys.readouterr()
    assert main(["bitstream", "--network", str(tmp_path / "net"), "--out", str(tmp_path / "out")]) == 2
    line, = said(capsys)[1]
    assert "block RAMs (rows " in line and "above the 30 of the iCEBreaker; use fewer synapses or neurons, other --lanes, or another board: " in line
    assert "hx8k_evn, ulx3s_85f, ecpix5_85f" in line and not (tmp_path / "out").exists()
    assert main(["bitstream", "--network", str(tmp_path / "net"), "--n", "700", "--out", str(tmp_path / "out")]) == 2
    line, = said(capsys)[1]
    assert "--n 700 is for networks of one weight a source; a core of point neurons is made for its network, of N=600: leave it out" in line


def test_the_microcircuit_is_made_at_any_scale(tmp_path, capsys):
    assert main(["network", "make", "--preset", "microcircuit", "--set", "scale=0.005", "--ms", "5", str(tmp_path / "net")]) == 0
    network = PointNetwork.load(tmp_path / "net")
    assert [each.size for each in network.populations][:2] == [103, 29] and network.steps == 50 and network.source["scale"] == 0.005
    for options, line in ((["--format", "q8.8"], "--format cannot be given with it"),
                          (["--set", "scale=2"], "scale must be above 0 and at most 1, not 2")):
        assert main(["network", "make", "--preset", "microcircuit", *options, str(tmp_path / "other")]) == 2
        assert line in " ".join(said(capsys)[1])


def test_another_seed_has_other_connections_and_membranes(tmp_path):
    for seed in (1, 2):
        assert main(["network", "make", *CUBA, "--seed", str(seed), str(tmp_path / str(seed))]) == 0
    one, two = (PointNetwork.load(tmp_path / str(seed)) for seed in (1, 2))
    assert not np.array_equal(one.populations[0].initial["v"], two.populations[0].initial["v"])
    assert one.projections[0].indices.tolist() != two.projections[0].indices.tolist()
