"""Ports of a module in Verilog by name, and a module around it that has all inputs in one port and all outputs in another."""

import re
from dataclasses import dataclass

from spikegate.models.errors import SpikegateError

__all__ = ["SELECT", "SELECT_BITS", "WORD", "Port", "ports", "words", "wrapped"]

#: The input of a module with mutants that says which of them it is, 0 for none; and its bits.
SELECT, SELECT_BITS = "mutant", 16
WORD = 32


@dataclass(frozen=True)
class Port:
    """A port of a module: its name, its bits and where they begin among those of all inputs or outputs."""

    name: str
    width: int
    offset: int


def body(text: str, top: str) -> str:
    """Of all modules in a text, the one named ``top``."""
    found = re.search(rf"^module {top}\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def ports(text: str, top: str, direction: str) -> list[Port]:
    """Inputs but for the clock and the select, or outputs, of a module in Verilog, by name."""
    found: list[Port] = []
    offset = 0
    declared = re.findall(rf"^ *{direction} (?:\[(\d+):0\] )?\\?(\w+) *;", body(text, top), re.MULTILINE)
    for size, name in sorted(declared, key=lambda entry: entry[1]):
        if name not in ("clk", SELECT):
            found.append(Port(name, int(size or 0) + 1, offset))
            offset += found[-1].width
    if not found:
        raise SpikegateError(f"Module {top} has no {direction} that could be tried")
    return found


def words(places: list[Port]) -> int:
    """Words of 32 bits that hold all of these ports; more than 64 bits, so that Verilator has them as an array whatever the module."""
    return max(3, -(-(places[-1].offset + places[-1].width) // WORD))


def wrapped(text: str, top: str) -> str:
    """Verilog with a top module ``mutated``, whose ports ``i`` and ``o`` hold all others."""
    into, out = ports(text, top, "input"), ports(text, top, "output")
    wires = [f".\\{port.name} ({side}[{port.offset} +: {port.width}])" for side, places in (("i", into), ("o", out)) for port in places]
    clock = [f".{name}({name})" for name in ("clk", SELECT) if re.search(rf"^ *input (\[15:0\] )?{name};", body(text, top), re.MULTILINE)]
    return f"""{text}
module mutated(input clk, input [{SELECT_BITS - 1}:0] {SELECT}, input [{WORD * words(into) - 1}:0] i, output [{WORD * words(out) - 1}:0] o);
  {top} tried({', '.join([*clock, *wires])});
  assign o[{WORD * words(out) - 1}:{out[-1].offset + out[-1].width}] = 0;
endmodule
"""
