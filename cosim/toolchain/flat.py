"""A flat netlist of word-level cells, as Yosys writes it in JSON, and the Verilog of its expressions."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["COMPARE", "LOGIC", "WORD", "Bit", "Unsupported", "Cell", "Place", "Flat", "join", "expression"]

#: A net, or a constant: "0", "1" or "x".
Bit = int | str
#: Cells of two operands, as Verilog's operators; those that compare look at the signs of both.
BINARY = {"$add": "+", "$sub": "-", "$mul": "*", "$and": "&", "$or": "|", "$xor": "^", "$shl": "<<", "$shr": ">>"}
COMPARE = {"$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">="}
LOGIC = {"$logic_and": "&&", "$logic_or": "||"}
#: Bits of a word of an array of lanes.
WORD = 32


class Unsupported(Exception):
    """What is asked of a design that is not made for it; the message says what stands in the way."""


class Cell(NamedTuple):
    """A cell: its number, kind, parameters, and the bits of its inputs and of its only output."""

    number: int
    kind: str
    parameters: dict[str, Any]
    inputs: dict[str, list[Bit]]
    output: list[int]

    def signed(self, port: str) -> bool:
        """Whether an operand is a signed number."""
        return bool(self.parameters.get(f"{port}_SIGNED"))

    @property
    def memory(self) -> str:
        """The memory of a port of one."""
        return str(self.parameters["MEMID"])

    @property
    def clock(self) -> Bit | None:
        """What it is clocked by, if by anything."""
        return self.inputs["CLK"][0] if self.kind == "$dff" or self.parameters.get("CLK_ENABLE") else None


class Place(NamedTuple):
    """Where a bit is found in Verilog: a name, a bit of it, and how many bits that name has."""

    name: str
    bit: int
    width: int


def _parameter(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return int(value, 2) if value and set(value) <= set("01") else value.removeprefix("\\")


@dataclass
class Flat:
    """A module without submodules.

    Parameters
    ----------
    text : str
        What ``write_json`` wrote of a design of one module, ``name``.
    name : str
    """

    text: str
    name: str
    cells: list[Cell] = field(init=False, default_factory=list)
    drivers: dict[Bit, tuple[Cell, int]] = field(init=False, default_factory=dict)
    initial: dict[Bit, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        module = json.loads(self.text)["modules"][self.name]
        #: Width and words of each memory, and the bits of each port, by name.
        self.memories = {name: (int(kept["width"]), int(kept["size"])) for name, kept in module.get("memories", {}).items()}
        self.ports: dict[str, tuple[bool, list[Bit]]] = {name: (port["direction"] == "input", port["bits"]) for name, port in module["ports"].items()}
        for given in module["cells"].values():
            if given["type"] == "$scopeinfo":
                continue
            ends = given["connections"], given["port_directions"]
            outputs = [bits for port, bits in ends[0].items() if ends[1][port] == "output"]
            cell = Cell(len(self.cells), given["type"], {name: _parameter(value) for name, value in given["parameters"].items()},
                        {port: bits for port, bits in ends[0].items() if ends[1][port] == "input"}, outputs[0] if outputs else [])
            self.cells.append(cell)
            self.drivers.update((bit, (cell, at)) for at, bit in enumerate(cell.output))
        for net in module["netnames"].values():
            self.initial.update(zip(net["bits"], reversed(net["attributes"].get("init", ""))))
        self.inputs: dict[Bit, Place] = {bit: Place(name, at, len(bits)) for name, (entering, bits) in self.ports.items() if entering
                                         for at, bit in enumerate(bits)}

    def split(self, numbers: Iterable[int], width: int) -> None:
        """Make several of each of these cells whose output is wider than that, where each bit of it is made of one bit of every operand.

        Of a memory, all ports have to be among them.
        """
        chosen = {cell.number: cell for cell in self.cells if cell.number in set(numbers)}
        wide = [cell for cell in chosen.values() if len(cell.inputs["DATA"] if cell.kind == "$memwr_v2" else cell.output) > width and (
            cell.kind in ("$dff", "$mux", "$memwr_v2", "$memrd_v2") or
            cell.kind in ("$and", "$or", "$xor", "$not") and all(len(bits) == len(cell.output) for bits in cell.inputs.values()))]
        number = max(cell.number for cell in self.cells)
        for cell in wide:
            self.cells.remove(cell)
            own = {"D", "A", "B", "DATA", "EN" if cell.kind == "$memwr_v2" else ""}
            total = len(cell.inputs["DATA"] if cell.kind == "$memwr_v2" else cell.output)
            for low in range(0, total, width):
                number += 1
                parameters = {**cell.parameters, **({"MEMID": f"{cell.memory}.{low}"} if "MEMID" in cell.parameters else {}),
                              **({"WIDTH": min(width, total - low)} if "WIDTH" in cell.parameters else {})}
                if "MEMID" in cell.parameters:
                    self.memories[f"{cell.memory}.{low}"] = min(width, total - low), self.memories[cell.memory][1]
                inputs = {port: bits[low:low + width] if port in own else bits for port, bits in cell.inputs.items()}
                part = Cell(number, cell.kind, parameters, inputs, cell.output[low:low + width])
                self.cells.append(part)
                self.drivers.update((bit, (part, at)) for at, bit in enumerate(part.output))
        for memory in {cell.memory for cell in wide if "MEMID" in cell.parameters}:
            del self.memories[memory]

    def first(self, bits: Iterable[Bit]) -> int:
        """The initial value of a register."""
        return sum((self.initial.get(bit) == "1") << at for at, bit in enumerate(bits))


def join(bits: Sequence[str | Place]) -> str:
    """Verilog of exactly these bits, constants or places, the lowest first; of none of them, 0."""
    parts = [] if bits else ["1'h0"]
    at = 0
    while at < len(bits):
        first, end = bits[at], at + 1
        if isinstance(first, str):
            while end < len(bits) and isinstance(bits[end], str):
                end += 1
            parts.append(f"{end - at}'h{sum((bit == '1') << k for k, bit in enumerate(bits[at:end])):x}")
        else:
            while end < len(bits) and bits[end] == (first.name, first.bit + end - at, first.width):
                end += 1
            low, high = first.bit, first.bit + end - at - 1
            parts.append(first.name + ("" if end - at == first.width else f"[{low}]" if high == low else f"[{high}:{low}]"))
        at = end
    return parts[0] if len(parts) == 1 else f"{{{', '.join(reversed(parts))}}}"


def expression(cell: Cell, operand: Callable[[str], str], part: Callable[[str, int, int], str]) -> str:
    """Verilog of what a cell gives.

    Parameters
    ----------
    cell : Cell
    operand : callable
        Verilog of the operand at a port; extended, if that is how the expression's width is settled.
    part : callable
        Verilog of ``width`` bits of a port from ``low``, exactly.

    Raises
    ------
    Unsupported
        If there is no such cell here.
    """
    kind = cell.kind
    if kind in BINARY:
        return f"{operand('A')} {BINARY[kind]} {operand('B')}"
    if kind in COMPARE or kind in LOGIC:
        return f"{operand('A')} {(COMPARE | LOGIC)[kind]} {operand('B')}"
    if kind in ("$not", "$neg"):
        return f"{'~' if kind == '$not' else '-'}({operand('A')})"
    if kind == "$pos":
        return operand("A")
    if kind in ("$reduce_or", "$reduce_bool"):
        return f"{part('A', 0, len(cell.inputs['A']))} != 0"
    if kind == "$logic_not":
        return f"{part('A', 0, len(cell.inputs['A']))} == 0"
    if kind in ("$reduce_and", "$reduce_xor"):
        return f"{'&' if kind == '$reduce_and' else '^'}{part('A', 0, len(cell.inputs['A']))}"
    if kind == "$mux":
        return f"{part('S', 0, 1)} ? {operand('B')} : {operand('A')}"
    if kind == "$pmux":
        width = len(cell.output)
        return "".join(f"{part('S', k, 1)} ? {part('B', k * width, width)} : " for k in range(len(cell.inputs["S"]))) + operand("A")
    raise Unsupported(f"a cell {kind}")
