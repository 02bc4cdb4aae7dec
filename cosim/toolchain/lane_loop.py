"""A loop over the lanes of a core for each clock domain, in SystemVerilog that compilers make vector instructions of."""

import re
from collections.abc import Sequence

from spikegate.cosim.toolchain.bundles import Bundle
from spikegate.cosim.toolchain.flat import COMPARE, LOGIC, WORD, Bit, Cell, Place, Unsupported, expression, join
from spikegate.cosim.toolchain.outside import Outside, depth

__all__ = ["word", "LaneLoop"]

#: Words of a table that every lane looks up: beyond, no copy of it is made where the compiler sees that nobody writes to it.
TABLE = 64
#: Up to so many words, a table is looked up by choices.
CHOICE = 16
#: Lanes are done by so many at once: those that are none are of no consequence.
VECTOR = 8
#: Cells that give one bit as they are written, and those that give no more bits than their operands have.
COMPARED = {*COMPARE, *LOGIC, "$reduce_or", "$reduce_bool", "$reduce_and", "$reduce_xor", "$logic_not"}
EXACT = {"$and", "$or", "$xor", "$mux", "$shr"}


def word(width: int) -> int:
    """Bits of the word that holds a value.

    Raises
    ------
    Unsupported
        If there is none.
    """
    if width > 2 * WORD:
        raise Unsupported(f"a value of {width} bits in a lane")
    return WORD if width <= WORD else 2 * WORD


class LaneLoop:
    """The loop of one clock domain.

    Names: ``a`` registers and ``m`` memories of all lanes, ``t`` a value of one lane, ``s`` what is the same for all, ``g`` a bit of its own for each,
    ``c`` words of tables and ``u`` choices among them, ``i``, ``d`` and ``w`` address, data and enable of what is written when all has been read, ``b``
    values that are taken outside, ``y`` what becomes of ``p``.

    Parameters
    ----------
    outside : Outside
    number : int
        Of the domain.
    enable : str
        As `Outside.domain` gives it.
    """

    def __init__(self, outside: Outside, number: int, enable: str):
        self.outside, self.number, self.enable = outside, number, enable
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
        outside, flat = self.outside, self.outside.flat
        # What is read of a memory was there before anything is written to it.
        ordered = sorted(self.roots, key=lambda bundle: (bundle.cell.kind == "$memwr_v2", bundle.number))
        writes = [line for bundle in ordered for line in self._write(bundle)]
        late = list({each.number: each for cell in self.late for each in outside.prior(cell)}.values())
        computed = sorted({(outside.bundles.of[cell.number][0].number, at) for each in late for bits in each.inputs.values() for cell, at in
                           (flat.drivers[bit] for bit in bits if outside.computed(bit)) if cell.number in outside.bundles.of})
        numbers, kept = {bundle.number for bundle in self.roots}, sorted({number for number, _ in computed})
        for number in kept:
            self._value(outside.bundles.all[number])
        taken = [place for place in sorted(outside.taken) if place[0] in numbers]
        self.temporaries += [f"[{word(len(bits)) - 1}:0] {name}" for bits, name in self._shared.items()]
        self.temporaries += [f"[{len(cell.output) - 1}:0] n{cell.number}" for cell in late if cell.kind != "$dff"]
        self.temporaries += [f"[{outside.groups * WORD - 1}:0] q{number}_{bit}" for number, bit in computed]
        self.temporaries += [f"[{outside.groups * WORD - 1}:0] y{number}_{bit}" for number, bit in taken]
        before = [f"{name} = {outside.settled(bits)};" for bits, name in self._shared.items()]
        for memory, name in self._tables.items():
            width, size = flat.memories[memory]
            self.tables.append(f"[{word(width) - 1}:0] {name} [0:{depth(size) - 1}]")
            before.append(f"for (j = 0; j < {depth(size)}; j = j + 1) {name}[j] = {outside.names[memory]}[j];")
        for (memory, index), name in self._entries.items():
            self.temporaries.append(f"[{word(flat.memories[memory][0]) - 1}:0] {name}")
            before.append(f"{name} = {outside.names[memory]}[{index}];")
        for bits, name in self._gathered.items():
            outside.arrays.append(f"[{WORD - 1}:0] {name}")
            for group in range(0, outside.lanes, WORD):
                before += [f"w = {outside.settled(bits[group:group + WORD])};", f"for (j = 0; j < {WORD}; j = j + 1) {name}[{group} + j] = (w >> j) & 32'h1;"]
        every = f"for (k = 0; k < {-(-outside.lanes // VECTOR) * VECTOR}; k = k + 1) begin"
        loop = [every, *self._steps, *writes, *(f"b{number}[k] = {self._value(outside.bundles.all[number])};"
                                                                                        for number in kept), "end"]
        loop += [every, *self._last, "end"] if self._last else []
        outside.arrays += [f"[{word(len(outside.bundles.all[number].cell.output)) - 1}:0] b{number}" for number in kept]
        after = [line for number, bit in computed for line in self._pack(f"b{number}", bit, f"q{number}_{bit}")]
        for cell in late:
            text = outside.bits(cell.inputs["D"]) if cell.kind == "$dff" else outside.value(cell)
            after.append(f"n{cell.number} {'<=' if cell.kind == '$dff' else '='} {text};")
        after += [line for number, bit in taken for line in self._pack(f"a{number}", bit, f"y{number}_{bit}")]
        after += [f"p{number}_{bit} <= y{number}_{bit};" for number, bit in taken]
        return [*before, *loop, *after]

    def _pack(self, array: str, bit: int, name: str) -> list[str]:
        """One bit of an element a lane, side by side."""
        lines = []
        for group in range(self.outside.groups):
            lines += ["w = 32'h0;", f"for (j = 0; j < {WORD}; j = j + 1) w = w | (32'({array}[{group * WORD} + j][{bit}]) << j);",
                      f"{name}[{group * WORD} +: {WORD}] = w;"]
        return lines

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
            self.outside.arrays.append(f"[{word(width) - 1}:0] {name}{bundle.number}")
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
        target = f"{self.outside.bundles.memories[bundle.memories]}[{address}][k]"
        line = f"{target} = {enable} ? {data} : {target};" if alike else f"{target} = ({target} & ~{enable}) | ({data} & {enable});"
        (lines if here else self._last).append(line)
        return lines

    def _fetched(self, bundle: Bundle) -> str:
        """A word that is read: of the lane's own memory, or of a table."""
        address = self._input(bundle, "ADDR")
        if bundle.memories:
            self.memories.add(bundle.memories)
            self._addresses.setdefault(bundle.memories, set()).add(address)
            return f"{self.outside.bundles.memories[bundle.memories]}[{address}][k]"
        memory = bundle.cell.memory
        size = self.outside.flat.memories[memory][1]
        if size <= CHOICE:
            return self._chosen(bundle, len(bundle.cell.inputs["ADDR"]), address)
        if size > TABLE:
            return f"{self.outside.names[memory]}[{address}]"
        return f"{self._tables.setdefault(memory, f'c{self.number}_' + self.outside.names[memory])}[{address}]"

    def _chosen(self, bundle: Bundle, bits: int, address: str) -> str:
        """A word of a small table, bit after bit of the address one of two, without a branch: vector instructions do not look up as fast."""
        memory, size = bundle.cell.memory, word(self.outside.flat.memories[bundle.cell.memory][0])

        def step(name: str, text: str) -> str:
            self.temporaries.append(f"[{size - 1}:0] {name}")
            self._steps.append(f"{name} = {text};")
            return name
        prefix = f"u{self.number}_{bundle.number}"
        at = step(prefix, address)
        left = [self._entries.setdefault((memory, index), f"c{self.number}_{self.outside.names[memory]}_{index}") for index in range(1 << bits)]
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
        outside, bits, places = self.outside, list[Bit](), dict[int, Place]()
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
                name = self._gathered.setdefault(tuple(column), f"g{self.number}_{len(self._gathered)}")
                bits.append(-1 - len(places))
                places[-len(places) - 1] = Place(f"{name}[k]", 0, WORD)
            low = high
        return join(bits, lambda bit: places[bit])

    def _lane(self, column: Sequence[Bit]) -> tuple[Bundle, int] | None:
        driver = self.outside.flat.drivers.get(column[0])
        if len(set(column)) == 1 or driver is None or driver[0].number not in self.outside.bundles.of:
            return None
        bundle = self.outside.bundles.of[driver[0].number][0]
        return (bundle, driver[1]) if all(self.outside.flat.drivers.get(bit) == (cell, driver[1]) for bit, cell in zip(column, bundle.cells)) else None

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
        if width == word(width) or cell.kind in COMPARED or (cell.kind in EXACT and not cell.signed("A")):
            return text
        return f"({text}) & {word(width)}'h{(1 << width) - 1:x}"
