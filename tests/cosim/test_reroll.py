"""A core whose lanes are loops against the Verilog in which every lane stands on its own: every output in every cycle, and the golden model."""

import ctypes
import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_networks import calm

from spikegate.cosim.engines import rtl
from spikegate.cosim.toolchain.flat import Flat, Unsupported
from spikegate.cosim.toolchain.reroll import reroll
from spikegate.cosim.toolchain.verilate import OPTIONS, ROLLED, Build, compile_shared
from spikegate.cosim.toolchain.verilog import to_netlist
from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.models.core.address_map import Op
from spikegate.models.core.drives import Walk
from spikegate.models.core.golden import Golden
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from tests.rolled_module import as_vectors

HARNESS = Path(__file__).with_name("lockstep.cpp")
CYCLES = 200_000
#: As many words as a power of two, so that no address that is drawn is outside of a memory.
GEOMETRY = CoreGeometry(64, 16, Q8_8, max_delay=2)
#: What is wrong -> what of the text becomes what.
WRONG = {
    "a neuron spikes below its threshold": (r"(t\d+_\d+ = 32'\(t\S+\) )>=", r"\1<="),
    "a stream has another polynomial": (r"(t2_\d+ = 32'\(t\S+\) )\^", r"\1|"),
    "a row's bits are those of the lanes beside": (r"(g1_\d+\[0 \+ )j\]", r"\1(j + 1) % 16]"),
    "a lane takes a register of the one before": (r"(t0_(\d+) = )a\2\[k\];", r"\1t0_\2;"),
    "the last lane stands still": (r"(k < )16(; k = k \+ 1\) begin\nt)", r"\g<1>15\2"),
}


def packed(text):
    """The rolled module as ``gate``."""
    return as_vectors(text.replace("module core(", "module gate("))


def pair(g):
    """Both beside each other under loads of all kinds, short runs among them, and now and then nobody who takes a sweep's words."""
    outputs = {"i__ready": 1, "o__valid": 1, "busy": 1, "cycles": 48, "o__payload": g.sweep_layout().size}
    wires = "".join(f"wire [{width - 1}:0] {side}_{name};\n" for side in ("gold", "gate") for name, width in outputs.items())
    parts = "".join(f"{side} {side}(.clk(clk), .i__valid(stimulus[0]), .o__ready(|stimulus[2:1]), .i__payload(word)"
                    f"{''.join(f', .{name}({side}_{name})' for name in outputs)});\n" for side in ("gold", "gate"))
    ops = {name: f"(op == {int(op)})" for name, op in Op.__members__.items()}
    return (f"module pair(input clk, input [255:0] stimulus, output differ);\n{wires}wire [7:0] op = stimulus[10:3] % {len(Op)};\n"
            f"wire [63:0] drawn = stimulus[255:192];\n"  # few neurons are refractory, or none would be under way
            f"wire [63:0] data = {ops['RUN']} ? drawn & 3 : {ops['STATE']} & |stimulus[34:32] ? drawn & 64'hffff : drawn;\n"
            f"wire [15:0] most = {ops['ROW']} ? {g.row_depth - 1} : {ops['WEIGHT']} ? {g.n - 1} : {ops['PARAM']} ? 7 : "
            f"{ops['TABLE']} ? 15 : {g.words - 1};\n"
            f"wire [119:0] word = {{op, 16'(stimulus[15:11] & {g.lanes - 1}), 32'(stimulus[31:16] & most), data}};\n{parts}"
            f"assign differ = {' | '.join(f'(gold_{name} != gate_{name})' for name in outputs)};\nendmodule\n")


def differing(g, rolled):
    """In how many cycles any output differs."""
    gold = re.sub(r"^module core\(", "module gold(", rtl.core_verilog(g, False), flags=re.M)
    made = compile_shared(gold + packed(rolled) + pair(g), "pair", HARNESS, options=ROLLED)
    result = (ctypes.c_uint64 * 2)()
    ctypes.CDLL(str(made.path)).lockstep(ctypes.c_uint64(0), ctypes.c_uint64(CYCLES), ctypes.c_uint64(1), result)
    assert result[1] == CYCLES
    return result[0]


def netlist(g=GEOMETRY):
    return json.loads(to_netlist(Core(g, clock_gate=True), "core"))


def rolled(design, g=GEOMETRY):
    return reroll(Flat(json.dumps(design), "core"), g.lanes, "o__payload", g.lane_layout().size)


@pytest.mark.parametrize("g", [GEOMETRY, CoreGeometry(64, 8, Q16_12, max_delay=2)], ids=["q8.8", "q16.12"])
def test_every_output_is_the_same_in_every_cycle(g):
    assert differing(g, rtl.rolled_verilog(g)) == 0


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_loop_is_seen(what):
    wrong, count = re.subn(*WRONG[what], rtl.rolled_verilog(GEOMETRY), count=1)
    assert count == 1 and differing(GEOMETRY, wrong) > 1000


@pytest.mark.parametrize("lanes", [2, 40])
def test_loops_record_what_the_golden_model_does_in_every_step(lanes):
    network = calm(20.0)
    g = CoreGeometry.of(network, lanes)
    words, golden = rtl.load_words(network, g), Golden().run(network, trace=True)
    assert not rtl.rolled_verilog(g).startswith(rtl.REFUSED) and len(golden.spikes) > 20
    loops, each = (rtl.execute(network, g, words, trace=True, made=rtl.build(g, rolled=way)) for way in (True, False))
    for found in (loops, each):
        assert np.array_equal(found.spikes, golden.spikes) and found.cycles == each.cycles
        assert all(np.array_equal(found.trace[name], golden.trace[name]) for name in golden.trace)


def test_a_lane_that_differs_is_refused():
    design = netlist()
    assert rolled(design) == rtl.rolled_verilog(GEOMETRY)
    cells = design["modules"]["core"]["cells"]
    lane = {kind: next(cell for name, cell in cells.items() if "lane_3" in name and cell["type"] == kind)
            for kind in ("$sub", "$mul", "$memwr_v2", "$mux")}
    changes = [lambda: lane["$sub"].update(type="$add"), lambda: lane["$mul"]["parameters"].update(B_SIGNED="0"),
               lambda: lane["$mux"]["connections"].update(S=lane["$mux"]["connections"]["A"][:1]),
               lambda: lane["$memwr_v2"]["parameters"].update(CLK_POLARITY="0")]
    for change in changes:
        kept = json.dumps(design)
        change()
        with pytest.raises(Unsupported):
            rolled(design)
        restored = json.loads(kept)["modules"]["core"]["cells"]
        for name, cell in cells.items():
            cell.clear()
            cell.update(restored[name])
    assert rolled(design) == rtl.rolled_verilog(GEOMETRY)


@pytest.mark.parametrize(("g", "reason"), [
    (CoreGeometry(6, 4, Q8_8), "lanes that use cells of other lanes"),  # the last word has no neuron in two of the lanes
    (CoreGeometry(64, 1, Q8_8), "1 lanes"), (CoreGeometry(64, 16, Q8_8, drive=Walk()), "used outside")])
def test_what_cannot_be_rolled_is_simulated_lane_by_lane(monkeypatch, g, reason):
    compiled = []
    monkeypatch.setattr(rtl, "compile_shared", lambda *args, **options: compiled.append((args, options)) or Build(Path("x"), 0.0, 0.0))
    assert rtl.rolled_verilog(g).startswith(rtl.REFUSED) and reason in rtl.rolled_verilog(g)
    made = rtl.build(g)
    assert reason in made.unrolled and compiled == [((rtl.core_verilog(g, True), "core", rtl.HARNESS), {"trace": False, "options": OPTIONS})]


def test_a_waveform_and_ungated_clocks_have_every_lane(monkeypatch):
    compiled = []
    monkeypatch.setattr(rtl, "compile_shared", lambda text, top, harness, *, trace, options: compiled.append((text, trace, options))
                        or Build(Path("x"), 0.0, 0.0))
    reasons = [rtl.build(GEOMETRY, **options).unrolled for options in ({}, {"rolled": False}, {"trace": True}, {"clock_gate": False})]
    assert reasons == ["", "as asked", "as asked", "as asked"]
    gated = rtl.core_verilog(GEOMETRY, True)
    assert compiled == [(rtl.rolled_verilog(GEOMETRY), False, ROLLED), (gated, False, OPTIONS), (gated, True, OPTIONS),
                        (rtl.core_verilog(GEOMETRY, False), False, OPTIONS)]
