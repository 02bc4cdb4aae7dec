"""`spikegate sim --network` on a network whose synapses are made from seeds, at its real entry: its own row source, a memory outside, and none."""

import pytest

from spikegate.cli import main
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.generated_brunel import translate_generated
from spikegate.translator.params import preset


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    net, path = Builder("seeded", steps=40), tmp_path_factory.mktemp("seeded") / "net"
    net.population("a", 24, LinearNeuron(Q8_8), leak=2, threshold=2 << 8, refractory=2)
    net.generate("a", "a", 6, weight=200, delay=3, seed=5, lanes=4)
    net.drive("a", 300, trials=20, probability=0.02)
    net.freeze().save(path)
    return path


@pytest.mark.parametrize("options, judged", [
    ([], "RTL = golden, RTL = Brian2 integer, RTL cycles = predicted; not judged:"),
    (["--rows", "external"], "RTL = golden, RTL = Brian2 integer; not judged: a memory outside answers when it can (RTL cycles")])
def test_every_row_source_is_held_against_golden_model_and_brian2(path, options, judged, tmp_path, capsys):
    assert main(["sim", "--network", str(path), "--out", str(tmp_path), *options]) == 0
    assert f"ok; judged: {judged}" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("options, judged", [
    (["--engine", "cocotb", "--stall", "0.2"],
     "RTL under cocotb = golden, RTL under cocotb = Brian2 integer; not judged: streams pause at random (RTL under cocotb cycles"),
    pytest.param(["--engine", "netlist-ice40", "--rows", "csr"],
                 "netlist = golden, netlist = Brian2 integer, netlist cycles = predicted; not judged:", marks=pytest.mark.long)])
def test_the_hardware_by_name_is_held_against_golden_model_and_brian2(path, options, judged, tmp_path, capsys):
    assert main(["sim", "--network", str(path), "--out", str(tmp_path), *options]) == 0
    assert f"ok; judged: {judged}" in capsys.readouterr().err.splitlines()[-1]
    assert {"sim.png", "report.json", "report.html"} <= {file.name for file in tmp_path.iterdir()}


@pytest.mark.parametrize("options, message", [
    (["--engine", "verilog"], "--engine must be one of rtl, cocotb, netlist-ice40, netlist-ecp5, not 'verilog'"),
    (["--stall", "0.2"], "--stall 0.2 is for streams under cocotb; give --engine cocotb with it"),
    (["--rows", "bitmap"], "Row source must be one of csr, generated, external, not 'bitmap'"),
    (["--rows", "generated", "--lanes", "3"], "Projection a → a.v is generated for 4 lanes, not for 3; use 4 lanes, or csr rows")])
def test_what_cannot_be_is_refused_in_a_line(path, options, message, tmp_path, capsys):
    assert main(["sim", "--network", str(path), "--out", str(tmp_path / "out"), *options]) == 2
    assert capsys.readouterr().err.splitlines() == [f"spikegate: {message}"] and not (tmp_path / "out").exists()


def test_brunels_network_from_seeds_has_the_parameters_of_the_preset():
    network = translate_generated(preset("brunel2000"), name="brunel2000", ms=2.0)
    rows = {(each.source, each.target): (each.in_degree, each.weight, each.delay) for each in network.projections}
    assert rows == {("exc", each): (1000, 25, 15) for each in ("exc", "inh")} | {("inh", each): (250, -128, 15) for each in ("exc", "inh")}
    assert network.described()["synapses"] == 12_500 * 1250 and network.n == 12_500 and network.steps == 20
    assert len({each.seed for each in network.projections}) == 4 and network.largest_input < 1 << 17
