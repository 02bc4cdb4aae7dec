"""Lanes of a flat netlist that are one circuit up to names: found from their results backwards, cell by cell, or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spikegate.cosim.toolchain.flat import Bit, Cell, Flat, Unsupported

__all__ = ["Bundle", "Bundles"]

#: What two ports of the memories of two lanes may differ in.
OWN = ("MEMID", "PORTID", "PRIORITY_MASK", "TRANSPARENCY_MASK", "COLLISION_X_MASK")


@dataclass(frozen=True)
class Bundle:
    """The same cell of every lane; ``memories`` are theirs, if they are ports of memories that no two lanes share."""

    number: int
    cells: tuple[Cell, ...]
    memories: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        """That of the first lane."""
        return self.cells[0]

    @property
    def state(self) -> bool:
        """Whether it gives what it was given at an edge."""
        return self.cell.clock is not None and bool(self.cell.output)


@dataclass
class Bundles:
    """The lanes whose results are ``results``, a list of bits a lane.

    Each cell that a lane's result depends on is of one kind in all lanes, with one set of parameters, and each bit of its inputs is, in all lanes
    alike, one and the same net, or the same bit of a cell of the lane, or a bit that comes from outside of the lanes.

    Raises
    ------
    Unsupported
        If a lane differs.
    """

    flat: Flat
    results: Sequence[Sequence[Bit]]
    all: list[Bundle] = field(init=False, default_factory=list)
    of: dict[int, tuple[Bundle, int]] = field(init=False, default_factory=dict)
    memories: dict[tuple[str, ...], str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._ports: dict[str, list[Cell]] = {}
        for cell in self.flat.cells:
            if cell.kind in ("$memrd_v2", "$memwr_v2"):
                self._ports.setdefault(cell.memory, []).append(cell)
        self._follow(self.results)
        for bundle in self.all:  # grows meanwhile
            for port in bundle.cell.inputs:
                self._follow([cell.inputs[port] for cell in bundle.cells])
        for memories in self.memories:
            for memory in memories:
                for cell in self._ports[memory]:
                    if cell.number not in self.of:
                        raise Unsupported(f"memory {memory} of a lane is used from outside of it")

    def _follow(self, columns: Sequence[Sequence[Bit]]) -> None:
        if len({len(bits) for bits in columns}) != 1:
            raise Unsupported("lanes of different widths")
        for bits in zip(*columns):
            if len(set(bits)) == 1:
                continue
            found = [self.flat.drivers.get(bit) for bit in bits]
            known = {self.of[end[0].number][0].number for end in found if end and end[0].number in self.of}
            if all(found) and len({(end[0].number) for end in found if end}) == len(bits):
                cells = tuple(end[0] for end in found if end)
                if known:
                    if self.all[known.pop()].cells != cells or known:
                        raise Unsupported(f"lanes that use cells of other lanes, as {cells[0].kind}")
                    same = True
                else:
                    same = self._alike(cells)
                    if same:
                        self._add(cells)
                if same and len({end[1] for end in found if end}) != 1:
                    raise Unsupported(f"lanes that use different bits of {cells[0].kind}")

    def _alike(self, cells: tuple[Cell, ...]) -> bool:
        def look(cell: Cell) -> tuple[object, ...]:
            return (cell.kind, {name: value for name, value in cell.parameters.items() if name not in OWN}, len(cell.output),
                    {port: len(bits) for port, bits in cell.inputs.items()}, self.flat.first(cell.output) if cell.kind == "$dff" else 0)
        return all(look(cell) == look(cells[0]) for cell in cells)

    def _add(self, cells: tuple[Cell, ...]) -> None:
        memories: tuple[str, ...] = ()
        if "MEMID" in cells[0].parameters:
            names = tuple(cell.memory for cell in cells)
            if len(set(names)) == len(names):
                memories = names
            elif len(set(names)) != 1 or cells[0].kind == "$memwr_v2":
                raise Unsupported(f"memory {names[0]}, which some lanes share")
        bundle = Bundle(len(self.all), cells, memories)
        self.all.append(bundle)
        for lane, cell in enumerate(cells):
            if cell.number in self.of:
                raise Unsupported(f"lanes that share a cell {cell.kind}")
            self.of[cell.number] = bundle, lane
        if memories and memories not in self.memories:
            self._own(memories)

    def _own(self, memories: tuple[str, ...]) -> None:
        """Memories of the lanes, and all that is written to them."""
        if len({self.flat.memories[name] for name in memories}) != 1 or any(name in other for other in self.memories for name in memories):
            raise Unsupported(f"memory {memories[0]} is not the same in all lanes")
        self.memories[memories] = f"m{len(self.memories)}"
        writers = [sorted((cell for cell in self._ports[name] if cell.kind == "$memwr_v2"), key=lambda cell: cell.parameters["PORTID"])
                   for name in memories]
        if len({len(each) for each in writers}) != 1:
            raise Unsupported(f"memory {memories[0]} is not written alike in all lanes")
        for cells in zip(*writers):
            if not self._alike(cells):
                raise Unsupported(f"memory {memories[0]} is not written alike in all lanes")
            self._add(cells)
