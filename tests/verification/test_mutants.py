"""Mutants of a module: the module itself behind select 0, and a different one behind every other number."""

import re

import pytest

from spikegate.models.errors import SpikegateError
from verification.contracts.catalogue import LEAVES, leaf_verilog
from verification.contracts.ports import SELECT
from verification.equivalence.equivalence import decide
from verification.mutation.mutants import mutants


def selected(made, number):
    """Verilog of one of them, without the select port."""
    text = made.text.replace(f"input [15:0] {SELECT};\n", "").replace(f"wire [15:0] {SELECT};", f"wire [15:0] {SELECT} = {number};")
    return re.sub(rf", {SELECT}|{SELECT}, ", "", text, count=1)


def test_mutant_0_is_the_module_and_others_differ():
    text = leaf_verilog("uart_transmitter")
    made = mutants(text, "uart_transmitter")
    assert len(set(made.names)) == len(made.names) > 300
    assert decide(text, selected(made, 0), "uart_transmitter")[0] == "equal"
    assert [decide(text, selected(made, number), "uart_transmitter")[0] for number in (1, 100)] == ["different"] * 2


def test_a_sample_is_as_large_as_asked():
    assert len(mutants(leaf_verilog("synapse"), "synapse", count=50, seed=3).names) == 50


def test_a_module_without_logic_has_no_mutants():
    with pytest.raises(SpikegateError, match="must be 1..65535, not 0"):
        mutants("module wire_only(input a, output b); assign b = a; endmodule", "wire_only")


def test_every_leaf_is_a_component_with_ports():
    assert len(LEAVES) >= 10 and all("clk" in leaf_verilog(name) for name in LEAVES)
