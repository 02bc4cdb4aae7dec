"""Our models of the ECP5's and iCE40's cells against the memories and products that synthesis made of them."""

import ctypes
from pathlib import Path

import pytest

from spikegate.cosim.engines import netlist
from spikegate.cosim.toolchain.synthesis import synthesise
from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.models.errors import SpikegateError

#: width, depth, what the read port gives after a write (none: a port of its own; read: only what a read gave is looked at), bits to a write enable
MEMORIES = [(36, 512, None, 36), (36, 512, None, 9), (18, 1024, "old", 18), (18, 1024, "new", 18), (18, 1024, "same", 18), (18, 1024, "old", 9),
            (9, 2048, "old", 9), (4, 4096, "new", 4), (2, 8192, "same", 2), (1, 16384, "old", 1), (1, 16384, None, 1), (64, 1024, None, 64)]
LARGE = [(16, 16384, "read", 16), (16, 16384, "read", 4)]
STIMULUS = 192
UPDATES = {"old": "if (en) q <= mem[a];", "new": "if (en) begin q <= mem[a]; if (|we) q <= d; end", "same": "if (en & ~|we) q <= mem[a];",
           "read": "if (en & ~|we) r <= mem[a]; ok <= en & ~|we; end always @(*) begin q = ok ? r : 0;", None: "if (s[190]) q <= mem[s[189:176]];"}


def memory(name, width, depth, mode, unit):
    """Verilog of a memory that takes all its inputs from ``s``."""
    lanes = width // unit
    enables = f"s[{64 + lanes - 1}:64]" if lanes > 1 else "s[64]"
    write = " ".join(f"if (en & we[{k}]) mem[a][{k * unit} +: {unit}] <= d[{k * unit} +: {unit}];" for k in range(lanes))
    bits, kind = (depth - 1).bit_length(), "huge" if mode == "read" else "block"
    read = UPDATES[mode].replace("s[189:176]", f"s[{176 + bits - 1}:176]")
    return (f"module {name}(input clk, input [{STIMULUS - 1}:0] s, output reg [{width - 1}:0] q);\n"
            f'(* ram_style = "{kind}" *) reg [{width - 1}:0] mem [0:{depth - 1}];\n'
            f"wire en = s[191]; wire [{lanes - 1}:0] we = {enables}; wire [{bits - 1}:0] a = s[{80 + bits - 1}:80];\n"
            f"wire [{width - 1}:0] d = s[{width - 1}:0]; reg [{width - 1}:0] r; reg ok = 0;\n"
            f"always @(posedge clk) begin {write} {read} end\nendmodule\n")


def everything(top, cases):
    """All memories of ``cases`` beside each other, and two products."""
    widths = [width for width, *_ in cases]
    parts = [f"{top}_{k} m{k}(clk, s, q[{sum(widths[:k])} +: {width}]);" for k, width in enumerate(widths)]
    return "".join(memory(f"{top}_{k}", *case) for k, case in enumerate(cases)) + (
        f"module {top}(input clk, input [{STIMULUS - 1}:0] s, output [{sum(widths) - 1}:0] q, output reg [71:0] p);\n{' '.join(parts)}\n"
        "wire signed [17:0] a = s[17:0], b = s[35:18];\nalways @(posedge clk) p <= {a * b, s[53:36] * s[71:54]};\nendmodule\n"), sum(widths)


def differences(gold, gate, width):
    """How many of how many cycles differ between modules ``gold`` and ``gate``."""
    pair = (f"module pair(input clk, input [{STIMULUS - 1}:0] stimulus, output differ);\nwire [{width - 1}:0] x, y; wire [71:0] m, n;\n"
            "gold gold(clk, stimulus, x, m); gate gate(clk, stimulus, y, n);\nassign differ = {x, m} != {y, n};\nendmodule\n")
    made = compile_shared(gold + gate + pair, "pair", Path(__file__).with_name("lockstep.cpp"), options=netlist.UNKNOWN)
    result = (ctypes.c_uint64 * 2)()
    ctypes.CDLL(str(made.path)).lockstep(ctypes.c_uint64(1_500_000), ctypes.c_uint64(50_000), ctypes.c_uint64(1), result)
    return tuple(result)


@pytest.mark.parametrize(("family", "cells"), [
    ("ecp5", {"DP16KD", "MULT18X18D"}), pytest.param("ice40", {"SB_RAM40_4K", "SB_SPRAM256KA"}, marks=pytest.mark.long)])
def test_cells_with_our_models_do_what_they_were_made_of(family, cells):
    cases = MEMORIES if family == "ecp5" else [case for case in MEMORIES if case[3] == case[0] and case[2] in (None, "old")] + LARGE
    gold, width = everything("gold", cases)
    made = synthesise(everything("gate", cases)[0], "gate", family, options="-spram" if family == "ice40" else "")
    assert cells <= set(made.cells)
    modes = {tuple(cell["parameters"].get(key, "").lstrip("0") for key in ("DATA_WIDTH_A", "DATA_WIDTH_B", "WRITEMODE_A", "WRITEMODE_B"))
             for cell in made.module["cells"].values() if cell["type"] == "DP16KD"}
    print(family, made.cells, sorted(modes))
    assert len(modes) >= 8 or family == "ice40"
    text = netlist.flat(made)
    assert differences(gold, text, width) == (0, 50_000)
    if family == "ecp5":  # a memory that forwards what it is written, as the reference, has to be told from one that does not
        wrong = [(18, 1024, "new", 18) if case == (18, 1024, "old", 18) else case for case in cases]
        assert differences(everything("gold", wrong)[0], text, width)[0] > 5_000


def test_a_mode_without_a_model_is_refused(tmp_path):
    text = ('module top(input c, output q); DP16KD #(.DATA_WIDTH_A(18), .DATA_WIDTH_B(18), .REGMODE_A("OUTREG")) m(.CLKA(c), .DOA0(q)); endmodule\n')
    (tmp_path / "top.v").write_text(text)
    with pytest.raises(SpikegateError, match="DP16KD_in_a_mode_that_has_no_model"):
        netlist.flatten("read_verilog top.v", "top", "ecp5", tmp_path)
