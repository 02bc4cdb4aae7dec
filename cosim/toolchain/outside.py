"""What stands outside of the lanes of a flat netlist, in Verilog, and what it takes from them."""

from collections.abc import Sequence

from spikegate.cosim.toolchain.bundles import Bundles
from spikegate.cosim.toolchain.flat import WORD, Bit, Cell, Flat, Place, Unsupported, expression, join

__all__ = ["Outside", "depth"]


def depth(size: int) -> int:
    """Words of a memory as it is declared, so that no index is outside of it."""
    return 1 << (size - 1).bit_length()


class Outside:
    """Names: ``n`` nets, ``k`` memories, ``p`` one bit of a register of all lanes, ``q`` of a value that all lanes compute."""

    def __init__(self, flat: Flat, bundles: Bundles, lanes: int):
        self.flat, self.bundles, self.lanes = flat, bundles, lanes
        self.groups = -(-lanes // WORD)
        self.padded = max(WORD, depth(lanes))
        self.cells = [cell for cell in flat.cells if cell.number not in bundles.of]
        #: Bits of registers of lanes that are used here, as (bundle, bit).
        self.taken: set[tuple[int, int]] = set()
        #: Further arrays of an element a lane, as they are declared.
        self.arrays: list[str] = []
        self.names = {name: f"k{index}" for index, name in enumerate(flat.memories)}
        self.late: dict[int, Cell] = {}
        self._find_late()

    def _find_late(self) -> None:
        """Cells that follow from values that lanes compute, down to registers: they are evaluated with the lanes."""
        grown = True
        while grown:
            found = [cell for cell in self.cells if cell.number not in self.late and
                     any(self.computed(bit) for bits in cell.inputs.values() for bit in bits)]
            self.late.update((cell.number, cell) for cell in found)
            grown = bool(found)
        if any(cell.kind.startswith("$mem") for cell in self.late.values()):
            raise Unsupported("a memory outside of the lanes that follows from what they compute")

    def computed(self, bit: Bit) -> bool:
        """Whether a bit depends on what lanes compute, other than through a register."""
        if bit not in self.flat.drivers:
            return False
        cell = self.flat.drivers[bit][0]
        if cell.number in self.bundles.of:
            return not self.bundles.of[cell.number][0].state
        return cell.number in self.late and cell.kind != "$dff"

    def prior(self, cell: Cell) -> list[Cell]:
        """The cell, and before it those late ones that it follows from, each behind what it follows from."""
        found: dict[int, Cell] = {}

        def visit(this: Cell) -> None:
            for driver in (self.flat.drivers[bit][0] for bits in this.inputs.values() for bit in bits if self.computed(bit)):
                if driver.number in self.late and driver.number not in found:
                    visit(driver)
            found[this.number] = this
        visit(cell)
        return list(found.values())

    def place(self, bit: int) -> Place:
        """Of a bit, seen from outside of the loops."""
        if bit in self.flat.inputs:
            return self.flat.inputs[bit]
        if bit not in self.flat.drivers:
            raise Unsupported("a net without a driver")
        cell, at = self.flat.drivers[bit]
        if cell.number not in self.bundles.of:
            return Place(f"n{cell.number}", at, len(cell.output))
        bundle, lane = self.bundles.of[cell.number]
        if bundle.state:
            self.taken.add((bundle.number, at))
        return Place(f"{'p' if bundle.state else 'q'}{bundle.number}_{at}", lane, self.groups * WORD)

    def bits(self, bits: Sequence[Bit]) -> str:
        """Verilog of bits."""
        return join([bit if isinstance(bit, str) else self.place(bit) for bit in bits])

    def settled(self, bits: Sequence[Bit]) -> str:
        """Verilog of bits that have to be known before the loops.

        Raises
        ------
        Unsupported
            If they depend on what lanes compute.
        """
        if any(self.computed(bit) for bit in bits):
            raise Unsupported("a value that lanes compute and that comes back to them, or leaves the core, in the same cycle")
        return self.bits(bits)

    def domain(self, clock: Bit | None) -> str:
        """The condition under which an edge of ``clk`` is one of this clock; empty for ``clk`` itself."""
        name = self.flat.inputs[clock].name if clock in self.flat.inputs else ""
        if not name.endswith("clk"):
            raise Unsupported("a clock that is none of the ports")
        return "" if name == "clk" else self.settled(self.flat.ports[name.removesuffix("clk") + "enable"][1])

    def value(self, cell: Cell) -> str:
        """What a cell gives."""
        def operand(port: str) -> str:
            text = self.bits(cell.inputs[port])
            return f"$signed({text})" if cell.signed(port) else text
        if cell.kind == "$memrd_v2":
            if cell.parameters["TRANSPARENCY_MASK"]:
                raise Unsupported("a memory outside of the lanes that reads what is being written")
            return f"{self.names[cell.memory]}[{self.bits(cell.inputs['ADDR'])}]"
        return expression(cell, operand, lambda port, low, width: self.bits(cell.inputs[port][low:low + width]))

    def edge(self, cell: Cell) -> list[str]:
        """What happens at an edge to a register, or through a port that writes: a statement for the bits of each enable."""
        if cell.kind == "$dff":
            return [f"n{cell.number} <= {self.bits(cell.inputs['D'])};"]
        if cell.kind == "$memrd_v2":
            return [f"if ({self.bits(cell.inputs['EN'])}) n{cell.number} <= {self.value(cell)};"]
        if cell.kind != "$memwr_v2":
            raise Unsupported(f"a cell {cell.kind}")
        enables, lines, low = cell.inputs["EN"], [], 0
        target = f"{self.names[cell.memory]}[{self.bits(cell.inputs['ADDR'])}]"
        while low < len(enables):
            high = low
            while high + 1 < len(enables) and enables[high + 1] == enables[low]:
                high += 1
            part = "" if high - low + 1 == len(enables) else f"[{high}:{low}]"
            lines.append(f"if ({self.bits([enables[low]])}) {target}{part} <= {self.bits(cell.inputs['DATA'][low:high + 1])};")
            low = high + 1
        return lines
