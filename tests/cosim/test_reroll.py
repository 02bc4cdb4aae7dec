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
from spikegate.cosim.toolchain.verilate import ROLLED, compile_shared
from spikegate.cosim.toolchain.verilog import to_netlist
from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.models.core.address_map import Op
from spikegate.models.core.golden import Golden
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, Rounding

HARNESS = Path(__file__).with_name("lockstep.cpp")
#: Words a lane of a power of two, so that no address that is drawn is outside of a memory.
GEOMETRY = CoreGeometry(64, 16, Q8_8, max_delay=2)


def packed(text, name):
    """The rolled module with a vector in place of its array of words, and without the enables that the reference keeps to itself."""
    words = int(re.search(r"o__payload \[0:(\d+)\]", text)[1]) + 1
    head, body = text.replace("module core(", f"module {name}(").split(");\n", 1)
    enables = re.findall(r"output \[0:0\] (\w+_enable)", head)
    head = re.sub(r", output \[0:0\] \w+_enable", "", head).replace(f"output reg [31:0] o__payload [0:{words - 1}]", f"output [{32 * words - 1}:0] o__payload")
    joined = ", ".join(f"words[{k}]" for k in reversed(range(words)))
    return (f"{head});\n{''.join(f'wire {each};' for each in enables)} reg [31:0] words [0:{words - 1}];\nassign o__payload = {{{joined}}};\n"
            + body.replace("o__payload[", "words["))


def lockstep(g, rolled, cycles=200_000):
    """In how many of how many cycles any output differs, under random loads of all kinds, short runs among them, and pauses of whoever takes sweeps."""
    wide = g.load_layout().size
    gold = re.sub(r"^module core\(", "module gold(", rtl.core_verilog(g, False), flags=re.M)
    inputs = ".clk(clk), .i__valid(stimulus[0]), .o__ready(|stimulus[2:1]), .i__payload(word)"
    outputs = {"i__ready": 1, "o__valid": 1, "busy": 1, "cycles": 48, "o__payload": g.sweep_layout().size}
    both = "".join(f"wire [{width - 1}:0] {side}_{name};\n" for side in ("x", "y") for name, width in outputs.items())
    parts = "".join(f"{module} {module}({inputs}{''.join(f', .{name}({side}_{name})' for name in outputs)});\n" for module, side in (("gold", "x"), ("gate", "y")))
    pair = (f"module pair(input clk, input [255:0] stimulus, output differ);\n{both}wire [7:0] op = stimulus[10:3] % {len(Op)};\n"
            f"wire [{g.lane_bits - 1}:0] data = op == {int(Op.RUN)} ? stimulus[255 -: {g.lane_bits}] & 3 : stimulus[255 -: {g.lane_bits}];\n"
            f"wire [15:0] address = stimulus[31:16] & (op == {int(Op.ROW)} ? {g.row_depth - 1} : op == {int(Op.WEIGHT)} ? {g.n - 1} : {g.words * 2 - 1});\n"
            f"wire [{wide - 1}:0] word = {{op, 16'(stimulus[15:11] & {g.lanes - 1}), 32'(address), data}};\n{parts}"
            f"assign differ = {' | '.join(f'(x_{name} != y_{name})' for name in outputs)};\nendmodule\n")
    made = compile_shared(gold + packed(rolled, "gate") + pair, "pair", HARNESS, options=ROLLED)
    result = (ctypes.c_uint64 * 2)()
    ctypes.CDLL(str(made.path)).lockstep(ctypes.c_uint64(0), ctypes.c_uint64(cycles), ctypes.c_uint64(1), result)
    return tuple(result)


#: What is wrong -> what of the text becomes what.
WRONG = {
    "a neuron spikes above its threshold": (r"(t\d+_\d+ = \(?32'\(t\S+\) )>=", r"\1>"),
    "a stream has another polynomial": (r"(t2_\d+ = 32'\(t\S+\) )\^", r"\1|"),
    "a row's bits are those of the lanes beside": (r"(g1_\d+\[0 \+ )j\]", r"\1(j + 1) % 16]"),
    "a lane takes a register of the one before": (r"(t0_(\d+) = )a\2\[k\];", r"\1t0_\2;"),
    "the last lane stands still": (r"(k < )16(; k = k \+ 1\) begin\nt)", r"\g<1>15\2"),
}


def broken(text, what):
    """The text with one defect."""
    wrong, count = re.subn(*WRONG[what], text, count=1)
    assert count == 1
    return wrong


def test_every_output_is_the_same_in_every_cycle():
    assert lockstep(GEOMETRY, rtl.rolled_verilog(GEOMETRY)) == (0, 200_000)


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_loop_is_seen(what):
    differing, cycles = lockstep(GEOMETRY, broken(rtl.rolled_verilog(GEOMETRY), what))
    print(what, differing)
    assert cycles == 200_000 and differing > 100
