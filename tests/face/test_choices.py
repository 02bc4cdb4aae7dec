"""Which engines `spikegate sim` takes, with which options, for networks of either kind. Nothing is run."""

from argparse import Namespace
from functools import cache

import pytest

from spikegate.choices import engines_for
from spikegate.cosim.engines.hardware import Cocotb, Netlist, Rtl
from spikegate.cosim.engines.point_hardware import PointCocotb, PointNetlist
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.linked import Linked
from spikegate.models.core.golden import Golden
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.core.rows_external import External
from spikegate.models.errors import InputError
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.streams.params import StreamFaults
from spikegate.point_linked import PointLinked
from spikegate.translator.brian_engines import Brian2Float, Brian2Integer, Brian2Ordered, Brian2Realised
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid
from spikegate.translator.point_brian import PointBrianInteger, PointBrianOrdered

BRIANS = [Brian2Integer(), Brian2Float(), Brian2Realised(), Brian2Ordered()]


def args(**given):
    return Namespace(**{**dict(lanes=None, port=None, faults=None, fault_seed=None, sabotage=None, through_host_link=False, baud=None,
                             rows=None, engine=None, stall=0.0), **given})


@cache
def plain(n):
    return translate(preset("ai", n_exc=n - n // 5, n_inh=n // 5), ms=1.0)


def points(n):
    made = Builder("points", steps=3)
    made.population("cells", n, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
    return made.freeze()


def said(*given):
    with pytest.raises(InputError) as caught:
        engines_for(*given)
    return str(caught.value)


def test_a_network_of_one_weight_a_source_is_run_by_six_engines_on_forty_lanes():
    assert engines_for(plain(100), args(sabotage="leak")) == ([Rtl(40), Golden(None, "leak"), *BRIANS], {"sabotage": "leak", "faults": None})
    assert engines_for(plain(30), args())[0][0] == Rtl(30) and engines_for(plain(30), args(lanes=7))[0][0] == Rtl(7)


def test_a_board_on_a_port_says_its_lanes_itself():
    for given, engine in ((dict(port="/dev/x"), Linked(0, "/dev/x")), (dict(port="/dev/x", lanes=8, baud=9600), Linked(8, "/dev/x", 9600)),
                          (dict(through_host_link=True), Linked(40)), (dict(port="/dev/x", lanes=400), Linked(400, "/dev/x"))):
        assert engines_for(plain(100), args(**given)) == ([engine, Golden(), *BRIANS], {"sabotage": None, "faults": None})


def test_faults_are_those_of_their_rate_and_seed_in_hardware_and_golden_model():
    network = hybrid(plain(100), "v13", length=64)
    faults = StreamFaults.stuck_at_random(network.require_streams(), 0.2, 5)
    engines, report = engines_for(network, args(faults=0.2, fault_seed=5, lanes=9))
    assert engines == [Rtl(9, faults=faults), Golden(faults), *BRIANS]
    assert report == {"sabotage": None, "faults": {"rate": 0.2, "seed": 5, "stuck": Rtl(9, faults=faults).stuck}} and report["faults"]["stuck"] > 9
    assert engines_for(network, args(faults=0.2, fault_seed=5, through_host_link=True))[0][0] == Linked(40, faults=faults)
    assert engines_for(network, args(faults=0.0))[1]["faults"] == {"rate": 0.0, "seed": 1, "stuck": 0}


def test_a_network_of_point_neurons_is_run_by_four_engines_on_eight_lanes():
    assert engines_for(points(20), args(sabotage="leak")) == ([PointRtl(8), PointGolden("leak"), PointBrianInteger(), PointBrianOrdered()],
                                                              {"sabotage": "leak", "faults": None})
    assert engines_for(points(5), args())[0][0] == PointRtl(5) and engines_for(points(5), args(lanes=2))[0][0] == PointRtl(2)


def test_what_does_not_suit_is_refused_in_full():
    for network, lanes in ((plain(100), 101), (plain(100), 0), (points(20), 21), (points(20), -1)):
        assert said(network, args(lanes=lanes)) == (
            f"--lanes must be in 1..{network.n} (N of this network), not {lanes}; give a number of lanes in that range")
    assert engines_for(plain(100), args(lanes=100)) and engines_for(points(20), args(lanes=1))
    rest = "and this is a network of point neurons; leave it out"
    assert said(points(20), args(faults=0.1, through_host_link=True)) == f"--faults is for streams of bits, {rest}"
    for given, engine in ((dict(port="/dev/x"), PointLinked(0, "/dev/x")), (dict(port="/dev/x", lanes=3, baud=9600), PointLinked(3, "/dev/x", 9600)),
                          (dict(through_host_link=True), PointLinked(8)), (dict(through_host_link=True, rows="csr", lanes=2), PointLinked(2)),
                          (dict(through_host_link=True, rows="external"), PointLinked(8, rows=External()))):
        assert engines_for(points(20), args(**given))[0] == [engine, PointGolden(), PointBrianInteger(), PointBrianOrdered()]


def test_the_hardware_is_the_rtl_cocotb_or_a_netlist_of_a_family():
    for engine, made in ((None, Rtl(40)), ("rtl", Rtl(40)), ("cocotb", Cocotb(40)), ("netlist-ice40", Netlist(1)),
                         ("netlist-ecp5", Netlist(1, family="ecp5"))):
        assert engines_for(plain(100), args(engine=engine))[0][0] == made
    for engine, made in ((None, PointRtl(8)), ("rtl", PointRtl(8)), ("cocotb", PointCocotb(8)), ("netlist-ice40", PointNetlist(1)),
                         ("netlist-ecp5", PointNetlist(1, family="ecp5"))):
        assert engines_for(points(20), args(engine=engine))[0][0] == made
    assert engines_for(plain(100), args(engine="cocotb", stall=0.25, lanes=3))[0][0] == Cocotb(3, stall=0.25)
    assert engines_for(points(20), args(engine="cocotb", stall=0.9, lanes=3, rows="external"))[0][0] == PointCocotb(3, rows=External(), stall=0.9)


def test_what_the_hardware_cannot_be_is_refused_in_a_line():
    assert said(plain(100), args(engine="verilog")) == "--engine must be one of rtl, cocotb, netlist-ice40, netlist-ecp5, not 'verilog'"
    assert said(plain(100), args(engine="cocotb", port="/dev/x")) == (
        "--engine cocotb and --port both say what the hardware is; give one of them")
    assert said(plain(100), args(engine="rtl", through_host_link=True)) == (
        "--engine rtl and --through-host-link both say what the hardware is; give one of them")
    assert said(points(20), args(stall=0.5)) == "--stall 0.5 is for streams under cocotb; give --engine cocotb with it"
    assert said(points(20), args(engine="netlist-ice40", stall=0.5)).startswith("--stall 0.5 is for streams under cocotb")
    for stall in (-0.1, 0.95):
        assert said(points(20), args(engine="cocotb", stall=stall)) == f"--stall must be in 0..0.9, not {stall:g}"
