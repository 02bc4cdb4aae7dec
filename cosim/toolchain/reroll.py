"""The lanes of a core rolled up again: SystemVerilog with an array a register and a loop a clock domain, for simulation alone.

What is synthesised and verified is the Verilog that `to_verilog` writes, in which every lane stands on its own; this is a second way to write the same
netlist, which compilers turn into vector instructions. In one process a clock edge is: for each domain that is enabled, whatever reads
another before that one, a loop over the lanes that reads old values, computes, and writes.
"""

import re
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from spikegate.cosim.toolchain.bundles import Bundle, Bundles
from spikegate.cosim.toolchain.flat import COMPARE, Bit, Cell, Flat, Place, Unsupported, expression, join

__all__ = ["reroll"]

WORD = 32
#: Words of a table that every lane looks up: beyond, no copy of it is made where the compiler sees that nobody writes to it.
TABLE = 64
#: Up to so many words, a table is looked up by choices.
CHOICE = 16
#: Lanes are done by so many at once: those that are none are of no consequence.
VECTOR = 8
#: Cells that give one bit as they are written.
COMPARED = {*COMPARE, "$reduce_or", "$reduce_bool", "$logic_not"}


def reroll(flat: Flat, lanes: int, port: str, width: int) -> str:
    """The module of a flat netlist, its lanes in loops.

    Clocks are one: of each input ``<name>_clk`` it is understood that it is ``clk`` while the output ``<name>_enable`` is high.

    Parameters
    ----------
    flat : Flat
    lanes : int
        2 or more.
    port : str
        The output whose first bits are the lanes' results; it becomes an array of words of 32 bits.
    width : int
        Bits of a lane's result, whole words.

    Raises
    ------
    Unsupported
        If the lanes differ, or are made of what has no place here.
    """
    bits = flat.ports[port][1]
    if lanes < 2 or width % WORD or len(bits) % WORD:
        raise Unsupported(f"{lanes} lanes with results of {width} bits")
    results = [bits[lane * width:(lane + 1) * width] for lane in range(lanes)]
    flat.split(Bundles(flat, results).of, WORD)
    return _Rolled(flat, Bundles(flat, results), lanes, port, results).text()


class _Rolled:
    """Names: ``n`` nets outside of lanes, ``t`` a value of one lane, ``a`` registers of all, ``m`` memories, ``p`` one bit of a register of all lanes,
    ``q`` of another value, ``g`` bits from outside, one a lane, ``s`` the same for all, ``c`` copies of tables."""

    def __init__(self, flat: Flat, bundles: Bundles, lanes: int, port: str, results: Sequence[Sequence[Bit]]):
        self.flat, self.bundles, self.lanes, self.port, self.results = flat, bundles, lanes, port, results
        self.groups = -(-lanes // WORD)
        self.padded = max(WORD, 1 << (lanes - 1).bit_length())
        self.outside = [cell for cell in flat.cells if cell.number not in bundles.of]
        #: Bits of lanes that are used outside, as (bundle, bit): of registers, and of what is computed from them.
        self.taken: set[tuple[int, int]] = set()
        self.computed: set[tuple[int, int]] = set()
        #: Further arrays of an element a lane, as they are declared.
        self.arrays: list[str] = []
        self.late = self._late()
        self.names = {name: f"k{index}" for index, name in enumerate(flat.memories)}

    def _late(self) -> list[Cell]:
        """Cells outside that follow from values that lanes compute, in order: they are evaluated with the lanes."""
        late: dict[int, Cell] = {}
        grown = True
        while grown:
            grown = False
            for cell in self.outside:
                if cell.number not in late and any(self._computed(bit, late) for bits in cell.inputs.values() for bit in bits):
                    late[cell.number], grown = cell, True
        if any(cell.kind.startswith("$mem") for cell in late.values()):
            raise Unsupported("a memory outside of the lanes that follows from what they compute")
        return list(late.values())

    def _computed(self, bit: Bit, late: dict[int, Cell]) -> bool:
        if bit not in self.flat.drivers:
            return False
        cell = self.flat.drivers[bit][0]
        if cell.number in late:
            return cell.kind != "$dff"
        return cell.number in self.bundles.of and not self.bundles.of[cell.number][0].state

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
        (self.taken if bundle.state else self.computed).add((bundle.number, at))
        return Place(f"{'p' if bundle.state else 'q'}{bundle.number}_{at}", lane, self.groups * WORD)

    def bits(self, bits: Sequence[Bit]) -> str:
        """Verilog outside of the loops."""
        return join(bits, self.place)

    def domain(self, clock: Bit | None) -> str:
        """The condition under which an edge of ``clk`` is one of this clock."""
        name = self.flat.inputs[clock].name if clock in self.flat.inputs else ""
        if not name.endswith("clk"):
            raise Unsupported("a clock that is none of the ports")
        return "" if name == "clk" else self.bits(self.flat.ports[name.removesuffix("clk") + "enable"][1])

    def _operand(self, cell: Cell, port: str) -> str:
        text = self.bits(cell.inputs[port])
        return f"$signed({text})" if cell.signed(port) else text

    def value(self, cell: Cell) -> str:
        """What a cell outside of lanes gives."""
        if cell.kind == "$memrd_v2":
            return f"{self.names[cell.memory]}[{self.bits(cell.inputs['ADDR'])}]"
        return expression(cell, lambda port: self._operand(cell, port), lambda port, low, width: self.bits(cell.inputs[port][low:low + width]))

    def text(self) -> str:
        """The module."""
        domains = self._domains()
        late = {cell.number for cell in self.late}
        body = self._results()
        for cell in self.outside:
            size = f"[{len(cell.output) - 1}:0] n{cell.number}"
            if cell.clock is not None and cell.output:
                body.append(f"reg {size} = {len(cell.output)}'h{self.flat.first(cell.output):x};")
            elif cell.output and cell.number not in late:
                body += [f"wire {size};", f"assign n{cell.number} = {self.value(cell)};"]
        body += [f"assign {name} = {self.bits(bits)};" for name, (entering, bits) in self.flat.ports.items() if not entering and name != self.port]
        process = self._process(domains)
        return "\n".join([self._header(), *self._declared(), *body, *process, "endmodule", ""])

    def _process(self, domains: Sequence["_Domain"]) -> list[str]:
        """What happens at an edge: in the loops at once, since nothing else reads what they write, and outside of them when all has been read."""
        declared, enables = ["automatic int unsigned j = 0;", "automatic int unsigned k = 0;", "automatic logic [31:0] w = 0;"], []
        lines: list[str] = []
        for domain in domains:
            declared += [f"automatic logic {each} = 0;" for each in domain.temporaries]
            declared += [f"automatic logic {each};" for each in domain.tables]
            if domain.enable:
                declared.append(f"automatic logic e{domain.number} = 0;")
                enables.append(f"e{domain.number} = {domain.enable};")
            found = [line for cell in self.outside if cell.clock is not None and self.domain(cell.clock) == domain.enable and
                     cell not in domain.late for line in self._edge(cell)]
            lines += [f"if (e{domain.number}) begin" if domain.enable else "begin", *domain.lines(), *found, "end"]
        return ["always @(posedge clk) begin : rolled", *declared, *enables, *lines, "end"]

    def _edge(self, cell: Cell) -> list[str]:
        """Of a register or a port that writes, outside of lanes."""
        if cell.kind == "$dff":
            return [f"n{cell.number} <= {self.bits(cell.inputs['D'])};"]
        if cell.kind == "$memrd_v2":
            return [f"if ({self.bits(cell.inputs['EN'])}) n{cell.number} <= {self._read(cell)};"]
        if cell.kind == "$memwr_v2":
            return self._written(cell)
        raise Unsupported(f"a cell {cell.kind}")

    def _header(self) -> str:
        ports = [f"{'input' if entering else 'output'} [{len(bits) - 1}:0] {name}" for name, (entering, bits) in self.flat.ports.items()
                 if name != self.port and not (entering and name.endswith("_clk"))]
        return f"module {self.flat.name}({', '.join(ports)}, output reg [31:0] {self.port} [0:{len(self.flat.ports[self.port][1]) // WORD - 1}]);"

    def _declared(self) -> list[str]:
        lines = [f"reg [{self.groups * WORD - 1}:0] p{number}_{bit} = 0;" for number, bit in sorted(self.taken)]
        own = {name for names in self.bundles.memories for name in names}
        lines += [f"reg [{width - 1}:0] {self.names[name]} [0:{(depth(size)) - 1}];"
                  for name, (width, size) in self.flat.memories.items() if name not in own]
        for names, name in self.bundles.memories.items():
            width, size = self.flat.memories[names[0]]
            lines.append(f"reg [{word(width) - 1}:0] {name} [0:{(depth(size)) - 1}][0:{self.padded - 1}];")
        for bundle in self.bundles.all:
            if bundle.state:
                first = self.flat.first(bundle.cell.output)
                lines += [f"reg [{word(len(bundle.cell.output)) - 1}:0] a{bundle.number} [0:{self.padded - 1}];",
                          f"initial for (int unsigned k = 0; k < {self.padded}; k = k + 1) a{bundle.number}[k] = {first};"]
        return [*lines, *(f"reg {each} [0:{self.padded - 1}];" for each in self.arrays)]

    def _read(self, cell: Cell) -> str:
        if cell.parameters["TRANSPARENCY_MASK"]:
            raise Unsupported("a memory outside of the lanes that reads what is being written")
        return self.value(cell)

    def _written(self, cell: Cell) -> list[str]:
        """Of a port that writes, a statement for the bits of each enable."""
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

    def _results(self) -> list[str]:
        """The port of results: those of lanes from their registers, and what follows."""
        def element(bits: Sequence[Bit]) -> str:
            def at(bit: int) -> Place:
                bundle, lane = self.bundles.of.get(self.flat.drivers[bit][0].number, (None, 0)) if bit in self.flat.drivers else (None, 0)
                if bundle is None or not bundle.state or lane:
                    raise Unsupported("results that are not registers of the lanes")
                return Place(f"a{bundle.number}[k]", self.flat.drivers[bit][1], word(len(bundle.cell.output)))
            return join(bits, at)
        each = len(self.results[0]) // WORD
        copies = [f"{self.port}[{f'{each} * k + {part}' if each > 1 else 'k'}] = {element(self.results[0][part * WORD:(part + 1) * WORD])};"
                  for part in range(each)]
        rest = self.flat.ports[self.port][1]
        others = [f"{self.port}[{index}] = {self.bits(rest[index * WORD:(index + 1) * WORD])};" for index in range(each * self.lanes, len(rest) // WORD)]
        return ["\n".join([f"always @* begin\nfor (int unsigned k = 0; k < {self.lanes}; k = k + 1) begin", *copies, "end", *others, "end"])]

    def _domains(self) -> list["_Domain"]:
        """In the order in which they may be done: what reads another's registers before that one."""
        groups: dict[str, _Domain] = {}
        for cell in self.flat.cells:
            if cell.clock is not None:
                enable = self.domain(cell.clock)
                domain = groups.setdefault(enable, _Domain(self, len(groups), enable))
                if cell.number in self.bundles.of and self.bundles.of[cell.number][1] == 0:
                    domain.roots.append(self.bundles.of[cell.number][0])
                elif cell in self.late:
                    domain.late.append(cell)
        # Whatever takes a bit of a lane's register says so before the loops are written.
        own = len(self.results) * len(self.results[0])
        outputs = [bits[own if name == self.port else 0:] for name, (entering, bits) in self.flat.ports.items() if not entering]
        for bits in (*(bits for cell in self.outside for bits in cell.inputs.values()), *outputs):
            self.bits(bits)
        owner = {bundle.number: domain.number for domain in groups.values() for bundle in domain.roots}
        written = {bundle.memories: domain.number for domain in groups.values() for bundle in domain.roots if bundle.cell.kind == "$memwr_v2"}
        order = TopologicalSorter[int]()
        for domain in groups.values():
            domain.lines()
            order.add(domain.number)
            for other in {*(owner[number] for number in domain.registers), *(written[each] for each in domain.memories if each in written)} - {domain.number}:
                order.add(other, domain.number)
        try:
            return [list(groups.values())[number] for number in order.static_order()]
        except CycleError:
            raise Unsupported("two clock domains of the lanes that use each other's registers") from None


def depth(size: int) -> int:
    """Words of a memory as it is declared, so that no index is outside of it."""
    return 1 << (size - 1).bit_length()


def word(width: int) -> int:
    """Bits of the word that holds a value."""
    if width > 2 * WORD:
        raise Unsupported(f"a value of {width} bits in a lane")
    return WORD if width <= WORD else 2 * WORD


class _Domain:
    """The loop of one clock domain."""

    def __init__(self, rolled: _Rolled, number: int, enable: str):
        self.rolled, self.number, self.enable = rolled, number, enable
        self.roots: list[Bundle] = []
        self.late: list[Cell] = []
        self.registers: dict[int, Bundle] = {}
        self.memories: set[tuple[str, ...]] = set()
        #: Declarations: of scalars and of tables.
        self.temporaries: list[str] = []
        self.tables: list[str] = []
        self._lines: list[str] = []
        self._steps: list[str] = []
        self._last: list[str] = []
        self._addresses: dict[tuple[str, ...], set[str]] = {}
        self._done: set[int] = set()
        self._shared: dict[tuple[Bit, ...], str] = {}
        self._gathered: dict[tuple[Bit, ...], str] = {}
        self._tables: dict[str, str] = {}
        self._entries: dict[tuple[str, int], str] = {}

    def lines(self) -> list[str]:
        """What is done at an edge, and what that needs."""
        if not self._lines:
            self._lines = self._written()
        return self._lines

    def _written(self) -> list[str]:
        rolled, flat = self.rolled, self.rolled.flat
        # What is read of a memory was there before anything is written to it.
        ordered = sorted(self.roots, key=lambda bundle: (bundle.cell.kind == "$memwr_v2", bundle.number))
        writes = [line for bundle in ordered for line in self._write(bundle)]
        late, numbers = self._cone(), {bundle.number for bundle in self.roots}
        computed = sorted({place for cell in late for bits in cell.inputs.values() for place in self._bits_of_lanes(bits)})
        kept = sorted({number for number, _ in computed})
        for number in kept:
            self._value(rolled.bundles.all[number])
        taken = [place for place in sorted(rolled.taken) if place[0] in numbers]
        self.temporaries += [f"[{word(len(bits)) - 1}:0] {name}" for bits, name in self._shared.items()]
        self.temporaries += [f"[{len(cell.output) - 1}:0] n{cell.number}" for cell in late if cell.kind != "$dff"]
        self.temporaries += [f"[{rolled.groups * WORD - 1}:0] q{number}_{bit}" for number, bit in computed]
        self.temporaries += [f"[{rolled.groups * WORD - 1}:0] y{number}_{bit}" for number, bit in taken]
        before = [f"{name} = {rolled.bits(bits)};" for bits, name in self._shared.items()]
        for memory, name in self._tables.items():
            width, size = flat.memories[memory]
            self.tables.append(f"[{word(width) - 1}:0] {name} [0:{depth(size) - 1}]")
            before.append(f"for (j = 0; j < {depth(size)}; j = j + 1) {name}[j] = {rolled.names[memory]}[j];")
        for (memory, index), name in self._entries.items():
            self.temporaries.append(f"[{word(flat.memories[memory][0]) - 1}:0] {name}")
            before.append(f"{name} = {rolled.names[memory]}[{index}];")
        for bits, name in self._gathered.items():
            rolled.arrays.append(f"[{WORD - 1}:0] {name}")
            for group in range(0, rolled.lanes, WORD):
                before += [f"w = {rolled.bits(bits[group:group + WORD])};", f"for (j = 0; j < {WORD}; j = j + 1) {name}[{group} + j] = (w >> j) & 32'h1;"]
        every = f"for (k = 0; k < {-(-rolled.lanes // VECTOR) * VECTOR}; k = k + 1) begin"
        loop = [every, *self._steps, *writes, *(f"b{number}[k] = {self._value(rolled.bundles.all[number])};"
                                                                                        for number in kept), "end"]
        loop += [every, *self._last, "end"] if self._last else []
        rolled.arrays += [f"[{word(len(rolled.bundles.all[number].cell.output)) - 1}:0] b{number}" for number in kept]
        after = [line for number, bit in computed for line in self._pack(f"b{number}", bit, f"q{number}_{bit}")]
        for cell in late:
            text = rolled.bits(cell.inputs["D"]) if cell.kind == "$dff" else rolled.value(cell)
            after.append(f"n{cell.number} {'<=' if cell.kind == '$dff' else '='} {text};")
        after += [line for number, bit in taken for line in self._pack(f"a{number}", bit, f"y{number}_{bit}")]
        after += [f"p{number}_{bit} <= y{number}_{bit};" for number, bit in taken]
        return [*before, *loop, *after]

    def _pack(self, array: str, bit: int, name: str) -> list[str]:
        """One bit of an element a lane, side by side."""
        lines = []
        for group in range(self.rolled.groups):
            lines += ["w = 32'h0;", f"for (j = 0; j < {WORD}; j = j + 1) w = w | (32'({array}[{group * WORD} + j][{bit}]) << j);",
                      f"{name}[{group * WORD} +: {WORD}] = w;"]
        return lines

    def _bits_of_lanes(self, bits: Sequence[Bit]) -> list[tuple[int, int]]:
        found = []
        for bit in bits:
            if bit in self.rolled.flat.drivers:
                cell, at = self.rolled.flat.drivers[bit]
                if cell.number in self.rolled.bundles.of and not (bundle := self.rolled.bundles.of[cell.number][0]).state:
                    found.append((bundle.number, at))
        return found

    def _cone(self) -> list[Cell]:
        """Cells that come before those of ``late``, and these, in order."""
        late = {cell.number for cell in self.rolled.late}
        done: dict[int, Cell] = {}

        def visit(cell: Cell) -> None:
            if cell.number in done:
                return
            for bits in cell.inputs.values():
                for bit in bits:
                    driver = self.rolled.flat.drivers.get(bit)
                    if driver and driver[0].number in late and driver[0].kind != "$dff":
                        visit(driver[0])
            done[cell.number] = cell
        for cell in self.late:
            visit(cell)
        return list(done.values())

    def _write(self, bundle: Bundle) -> list[str]:
        """What becomes of a register or memory of a lane."""
        cell, own = bundle.cell, f"a{bundle.number}[k]"
        if cell.kind == "$dff":
            return [f"{own} = {self._input(bundle, 'D')};"]
        if cell.kind == "$memrd_v2":
            if cell.parameters["TRANSPARENCY_MASK"]:
                raise Unsupported("a memory of a lane that reads what is being written")
            read = self._fetched(bundle)
            return [f"{own} = {read};"] if cell.inputs["EN"] == ["1"] else [f"{own} = {self._input(bundle, 'EN')} ? {read} : {own};"]
        def kept(name: str, text: str, width: int) -> str:
            if re.fullmatch(r"[sg]\d+_\d+(\[[\dk:]+\])*", text):
                return text
            self.rolled.arrays.append(f"[{word(width) - 1}:0] {name}{bundle.number}")
            lines.append(f"{name}{bundle.number}[k] = {text};")
            return f"{name}{bundle.number}[k]"
        lines: list[str] = []
        enables = [[each.inputs["EN"][at] for each in bundle.cells] for at in range(len(cell.inputs["EN"]))]
        alike = all(each == enables[0] for each in enables)
        texts = self._input(bundle, "ADDR"), self._input(bundle, "DATA"), self._columns(enables[:1] if alike else enables)
        # A loop that reads one word of a memory and writes another is one that compilers do not turn into vector instructions.
        here = self._addresses.get(bundle.memories, set()) <= {texts[0]}
        address, data, enable = texts if here else (kept("i", texts[0], len(cell.inputs["ADDR"])), kept("d", texts[1], len(cell.inputs["DATA"])),
                                                    kept("w", texts[2], 1 if alike else len(enables)))
        target = f"{self.rolled.bundles.memories[bundle.memories]}[{address}][k]"
        line = f"{target} = {enable} ? {data} : {target};" if alike else f"{target} = ({target} & ~{enable}) | ({data} & {enable});"
        (lines if here else self._last).append(line)
        return lines

    def _fetched(self, bundle: Bundle) -> str:
        """A word that is read: of the lane's own memory, or of a table."""
        address = self._input(bundle, "ADDR")
        if bundle.memories:
            self.memories.add(bundle.memories)
            self._addresses.setdefault(bundle.memories, set()).add(address)
            return f"{self.rolled.bundles.memories[bundle.memories]}[{address}][k]"
        memory = bundle.cell.memory
        size = self.rolled.flat.memories[memory][1]
        if size <= CHOICE:
            return self._chosen(bundle, len(bundle.cell.inputs["ADDR"]), address)
        if size > TABLE:
            return f"{self.rolled.names[memory]}[{address}]"
        return f"{self._tables.setdefault(memory, f'c{self.number}_' + self.rolled.names[memory])}[{address}]"

    def _chosen(self, bundle: Bundle, bits: int, address: str) -> str:
        """A word of a small table, bit after bit of the address one of two, without a branch: vector instructions do not look up as fast."""
        memory, size = bundle.cell.memory, word(self.rolled.flat.memories[bundle.cell.memory][0])

        def step(name: str, text: str) -> str:
            self.temporaries.append(f"[{size - 1}:0] {name}")
            self._steps.append(f"{name} = {text};")
            return name
        prefix = f"u{self.number}_{bundle.number}"
        at = step(prefix, address)
        left = [self._entries.setdefault((memory, index), f"c{self.number}_{self.rolled.names[memory]}_{index}") for index in range(1 << bits)]
        for bit in range(bits):
            mask = step(f"{prefix}_{bit}", f"-(({at} >> {bit}) & {size}'h1)")
            left = [step(f"{prefix}_{bit}_{index}", f"{low} ^ (({low} ^ {high}) & {mask})")
                    for index, (low, high) in enumerate(zip(left[::2], left[1::2]))]
        return left[0]

    def _input(self, bundle: Bundle, port: str, low: int = 0, width: int | None = None) -> str:
        columns = [[cell.inputs[port][at] for cell in bundle.cells] for at in range(len(bundle.cell.inputs[port]))]
        return self._columns(columns[low:None if width is None else low + width])

    def _columns(self, columns: Sequence[Sequence[Bit]]) -> str:
        """Verilog of bits, each given in all lanes, in the loop."""
        rolled, bits, places = self.rolled, list[Bit](), dict[int, Place]()
        low = 0
        while low < len(columns):
            column, high = columns[low], low + 1
            lane = self._lane(column)
            if len(set(column)) == 1 and isinstance(column[0], str):
                bits.append(column[0])
            elif len(set(column)) == 1:
                while high < len(columns) and len(set(columns[high])) == 1 and not isinstance(columns[high][0], str):
                    high += 1
                name = self._shared.setdefault(tuple(each[0] for each in columns[low:high]), f"s{self.number}_{len(self._shared)}")
                for at in range(high - low):
                    bits.append(-1 - len(places))
                    places[-len(places) - 1] = Place(name, at, word(high - low))
            elif lane:
                bundle, at = lane
                bits.append(-1 - len(places))
                places[-len(places) - 1] = Place(self._value(bundle), at, word(len(bundle.cell.output)))
            else:
                for bit in column:
                    if not isinstance(bit, str):
                        rolled.place(bit)
                name = self._gathered.setdefault(tuple(column), f"g{self.number}_{len(self._gathered)}")
                bits.append(-1 - len(places))
                places[-len(places) - 1] = Place(f"{name}[k]", 0, WORD)
            low = high
        return join(bits, lambda bit: places[bit])

    def _lane(self, column: Sequence[Bit]) -> tuple[Bundle, int] | None:
        driver = self.rolled.flat.drivers.get(column[0])
        if len(set(column)) == 1 or driver is None or driver[0].number not in self.rolled.bundles.of:
            return None
        bundle = self.rolled.bundles.of[driver[0].number][0]
        return (bundle, driver[1]) if all(self.rolled.flat.drivers.get(bit) == (cell, driver[1]) for bit, cell in zip(column, bundle.cells)) else None

    def _value(self, bundle: Bundle) -> str:
        """The name of a value of the lane, which stands in the loop by then."""
        name, size = f"t{self.number}_{bundle.number}", word(len(bundle.cell.output))
        if bundle.number not in self._done:
            self._done.add(bundle.number)
            if bundle.state:
                self.registers[bundle.number] = bundle
                line = f"a{bundle.number}[k]"
            elif bundle.cell.kind == "$memrd_v2":
                line = self._fetched(bundle)
            else:
                line = self._computed(bundle)
            self.temporaries.append(f"[{size - 1}:0] {name}")
            self._steps.append(f"{name} = {line};")
        return name

    def _computed(self, bundle: Bundle) -> str:
        cell, width = bundle.cell, len(bundle.cell.output)
        size = word(max(width, *(len(bits) for port, bits in cell.inputs.items() if port in "AB")))

        def operand(port: str) -> str:
            text, bits = self._input(bundle, port), len(cell.inputs[port])
            if not cell.signed(port) or bits == size:
                return f"$signed({size}'({text}))" if cell.signed(port) else f"{size}'({text})"
            sign = f"{size}'h{1 << (bits - 1):x}"
            return f"$signed(({size}'({text}) ^ {sign}) - {sign})"
        text = expression(cell, operand, lambda port, low, part: self._input(bundle, port, low, part))
        if cell.kind == "$reduce_and":
            raise Unsupported("a cell $reduce_and in a lane")
        exact = cell.kind in ("$and", "$or", "$xor", "$mux", "$shr") and not cell.signed("A")
        return text if width == word(width) or exact or cell.kind in COMPARED else f"({text}) & {word(width)}'h{(1 << width) - 1:x}"
