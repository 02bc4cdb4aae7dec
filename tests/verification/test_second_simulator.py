"""The RTL in Icarus Verilog, from unknown and random states, records what Verilator does; what does not reset is seen."""

from functools import cache

import pytest

from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.models.errors import Mismatch, SpikegateError, ToolMissing
from verification.stress import icarus
from verification.stress.second_simulator import CASES, STARTS, compared, core_of, second, unsettled, verilated

SMALL = "stochastic-wrap"


@cache
def core():
    """A small core with Verilator's recording, whose simulator other tests compile too, and its Verilog."""
    made = verilated(core_of(SMALL))
    return made, to_verilog(made.make(), made.name)


@pytest.mark.parametrize("start", STARTS)
def test_a_small_core_records_what_verilator_does_from_any_state(start):
    words, changed = compared(core()[0], start, core()[1])
    assert words == 40 * core()[0].geometry.words and changed > 50


@pytest.mark.parametrize("start", ["x", 1])
def test_a_register_that_does_not_reset_is_found(start):
    right = core()[1]
    with pytest.raises((Mismatch, SpikegateError)):
        compared(core()[0], start, right.replace("if (rst) begin", "if (1'b0) begin"))


def test_a_changed_recording_is_found():
    made, verilog = core()
    made.sweeps[-1] ^= 1
    try:
        with pytest.raises(Mismatch, match=r"step 39, word .* not "):
            compared(made, 1, verilog)
    finally:
        made.sweeps[-1] ^= 1


def test_no_register_keeps_its_value():
    text = ("module m;\n  reg [11:0] hand = 12'h000;\n  reg one = 1'h1;\n  reg \\$auto$verilog_backend.cc:1:dump_module$1  = 0;\n"
            "  reg [3:0] memory [1:0];\n  reg [3:0] table [1:0];\n  initial begin\n    table[0] = 4'h1;\n  end\n")
    unknown, count = unsettled(text, "x")
    assert count == 3 and "reg [11:0] hand ;" in unknown and "reg one ;" in unknown and "dump_module$1  = 0;" in unknown
    made, count = unsettled(text, 1)
    assert count == 3 and made.count("memory [") == 3 and "hand = 12'h000" not in made and "table[0] = 4'h1" in made and made == unsettled(text, 1)[0]


def test_nothing_compared_is_no_result():
    with pytest.raises(SpikegateError, match="compared nothing"):
        second([])


def test_a_missing_simulator_says_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setattr(icarus.shutil, "which", lambda name: None)
    monkeypatch.setattr(icarus, "UNPACKED", tmp_path)
    with pytest.raises(ToolMissing, match="make .venv/.installed-fpga"):
        icarus.environment(tmp_path / "tools")


@pytest.mark.long
def test_every_core_records_what_verilator_does_from_any_state():
    found = second()
    print(f"{found.runs} runs, {found.words:,} words, {found.unsettled:,} registers and memories unsettled, {found.seconds:.0f} s")
    assert found.runs == len(CASES) * len(STARTS)
