"""A loop over the lanes of a core for each clock domain, in SystemVerilog that compilers make vector instructions of."""

import re
from collections.abc import Sequence

from spikegate.cosim.toolchain.bundles import Bundle
from spikegate.cosim.toolchain.flat import COMPARE, LOGIC, WORD, Bit, Cell, Place, Unsupported, expression, join
from spikegate.cosim.toolchain.outside import Outside, depth

__all__ = ["word", "LaneLoop"]

#: Up to so many words, a table that every lane looks up is a tree of choices; up to so many, a copy that nobody can be writing to.
CHOICE, TABLE = 16, 64
#: Lanes are done by so many at once; what is computed for those that are none is never looked at.
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

    Names: ``a`` registers and ``m`` memories of all lanes, ``t`` a value of one lane, ``s`` what is the same for all, ``g`` a bit of its own for
    each, ``c`` words of tables and ``u`` choices among them, ``i``, ``d`` and ``w`` address, data and enable of what is written when all has been
    read, ``b`` values that are taken outside, ``y`` what becomes of ``p``.

    Parameters
    ----------
    outside : Outside
    number : int
        Of the domain.
    enable : str
        As `Outside.domain` gives it.
    """

    def __init__(self, outside: Outside, number: int, enable: str):
        self.outside, self.flat, self.number, self.enable = outside, outside.flat, number, enable
        #: Whose next values the loop computes: of lanes, and outside, of those that follow from what lanes compute.
        self.roots: list[Bundle] = []
        self.late: list[Cell] = []
        #: What it reads: registers, and memories.
        self.registers: set[int] = set()
        self.memories: dict[tuple[str, ...], set[str]] = {}
        #: Declarations of scalars and of tables.
        self.temporaries: list[str] = []
        self.tables: list[str] = []
        self._steps: list[str] = []
        self._last: list[str] = []
        self._values: set[int] = set()
        self._shared: dict[tuple[Bit, ...], str] = {}
        self._gathered: dict[tuple[Bit, ...], str] = {}
        self._entries: dict[tuple[str, int], str] = {}

    def lines(self) -> list[str]:
        """What is done at an edge; to be asked for once."""
        # What is read of a memory was there before anything is written to it.
        ordered = sorted(self.roots, key=lambda bundle: (bundle.cell.kind == "$memwr_v2", bundle.number))
        writes = [line for bundle in ordered for line in (self._memory if bundle.cell.kind == "$memwr_v2" else self._register)(bundle)]
        late = list({each.number: each for cell in self.late for each in self.outside.prior(cell)}.values())
        kept = [self._kept(bundle) for bundle in self._needed(late)]
        after = [line for number, at in self._bits(late) for line in self._pack(f"b{number}", at, "q", number)]
        for cell in late:
            if cell.kind == "$dff":
                after += self.outside.edge(cell)
            else:
                self.temporaries.append(f"[{len(cell.output) - 1}:0] n{cell.number}")
                after.append(f"n{cell.number} = {self.outside.value(cell)};")
        own = {bundle.number for bundle in self.roots}
        for number, at in sorted(self.outside.taken):
            if number in own:
                after += [*self._pack(f"a{number}", at, "y", number), f"p{number}_{at} <= y{number}_{at};"]
        every = f"for (k = 0; k < {-(-self.outside.lanes // VECTOR) * VECTOR}; k = k + 1) begin"
        last = [every, *self._last, "end"] if self._last else []
        return [*self._before(), every, *self._steps, *writes, *kept, "end", *last, *after]

    def _before(self) -> list[str]:
        """What the loop finds in local variables."""
        lines = []
        for bits, name in self._shared.items():
            self.temporaries.append(f"[{word(len(bits)) - 1}:0] {name}")
            lines.append(f"{name} = {self.outside.settled(bits)};")
        for (memory, index), name in self._entries.items():
            width, size = self.flat.memories[memory]
            if index < 0:
                self.tables.append(f"[{word(width) - 1}:0] {name} [0:{depth(size) - 1}]")
                lines.append(f"for (j = 0; j < {depth(size)}; j = j + 1) {name}[j] = {self.outside.names[memory]}[j];")
            else:
                self.temporaries.append(f"[{word(width) - 1}:0] {name}")
                lines.append(f"{name} = {self.outside.names[memory]}[{index}];")
        for bits, name in self._gathered.items():
            self.outside.arrays.append(f"[{WORD - 1}:0] {name}")
            for group in range(0, self.outside.lanes, WORD):
                lines += [f"w = {self.outside.settled(bits[group:group + WORD])};",
                          f"for (j = 0; j < {WORD}; j = j + 1) {name}[{group} + j] = (w >> j) & 32'h1;"]
        return lines

    def _bits(self, late: Sequence[Cell]) -> list[tuple[int, int]]:
        """Bits of bundles that late cells follow from."""
        found = (self.flat.drivers[bit] for cell in late for bits in cell.inputs.values() for bit in bits if self.outside.computed(bit))
        return sorted({(self.outside.bundles.of[cell.number][0].number, at) for cell, at in found if cell.number in self.outside.bundles.of})

    def _needed(self, late: Sequence[Cell]) -> list[Bundle]:
        return [self.outside.bundles.all[number] for number in sorted({number for number, _ in self._bits(late)})]

    def _kept(self, bundle: Bundle) -> str:
        self.outside.arrays.append(f"[{word(len(bundle.cell.output)) - 1}:0] b{bundle.number}")
        return f"b{bundle.number}[k] = {self._value(bundle)};"

    def _pack(self, array: str, at: int, kind: str, number: int) -> list[str]:
        """One bit of an element a lane, side by side."""
        name, lines = f"{kind}{number}_{at}", list[str]()
        self.temporaries.append(f"[{self.outside.groups * WORD - 1}:0] {name}")
        for low in range(0, self.outside.groups * WORD, WORD):
            lines += ["w = 32'h0;", f"for (j = 0; j < {WORD}; j = j + 1) w = w | (32'({array}[{low} + j][{at}]) << j);",
                      f"{name}[{low} +: {WORD}] = w;"]
        return lines

    def _register(self, bundle: Bundle) -> list[str]:
        """What becomes of a register of a lane."""
        cell, own = bundle.cell, f"a{bundle.number}[k]"
        if cell.kind == "$dff":
            return [f"{own} = {self._input(bundle, 'D')};"]
        read = self._read(bundle)
        return [f"{own} = {read};"] if cell.inputs["EN"] == ["1"] else [f"{own} = {self._input(bundle, 'EN')} ? {read} : {own};"]

    def _memory(self, bundle: Bundle) -> list[str]:
        """What becomes of a memory of a lane."""
        enables = [[cell.inputs["EN"][at] for cell in bundle.cells] for at in range(len(bundle.cell.inputs["EN"]))]
        alike = all(each == enables[0] for each in enables)
        texts = {"i": self._input(bundle, "ADDR"), "d": self._input(bundle, "DATA"), "w": self._columns(enables[:1] if alike else enables)}
        lines: list[str] = []
        # A loop that reads one word of a memory and writes another is one that compilers do not vectorise: what is written waits.
        waits = not self.memories.get(bundle.memories, set()) <= {texts["i"]}
        for name, text in texts.items():
            if waits and not re.fullmatch(r"[sg]\d+_\d+(\[[\dk:]+\])*", text):
                size = word(len(bundle.cell.inputs["ADDR" if name == "i" else "DATA"]))
                self.outside.arrays.append(f"[{size - 1}:0] {name}{bundle.number}")
                lines.append(f"{name}{bundle.number}[k] = {text};")
                texts[name] = f"{name}{bundle.number}[k]"
        target, data, enable = f"{self.outside.bundles.memories[bundle.memories]}[{texts['i']}][k]", texts["d"], texts["w"]
        line = f"{target} = {enable} ? {data} : {target};" if alike else f"{target} = ({target} & ~{enable}) | ({data} & {enable});"
        if not waits:
            return [line]
        self._last.append(line)
        return lines

    def _read(self, bundle: Bundle) -> str:
        """A word of the lane's own memory, or of a table."""
        if bundle.cell.parameters["TRANSPARENCY_MASK"]:
            raise Unsupported("a memory of a lane that reads what is being written")
        address, memory = self._input(bundle, "ADDR"), bundle.cell.memory
        if bundle.memories:
            self.memories.setdefault(bundle.memories, set()).add(address)
            return f"{self.outside.bundles.memories[bundle.memories]}[{address}][k]"
        width, size = self.flat.memories[memory]
        if size > TABLE:
            return f"{self.outside.names[memory]}[{address}]"
        if size > CHOICE:
            return f"{self._entry(memory, -1)}[{address}]"
        # Bit after bit of the address one of two words, without a branch: vector instructions do not look up as fast.
        prefix, bits = f"u{self.number}_{bundle.number}", len(bundle.cell.inputs["ADDR"])
        at, left = self._step(prefix, WORD, address), [self._entry(memory, index) for index in range(1 << bits)]
        for bit in range(bits):
            mask = self._step(f"{prefix}_{bit}", word(width), f"-(({at} >> {bit}) & {word(width)}'h1)")
            left = [self._step(f"{prefix}_{bit}_{index}", word(width), f"{low} ^ (({low} ^ {high}) & {mask})")
                    for index, (low, high) in enumerate(zip(left[::2], left[1::2]))]
        return left[0]

    def _entry(self, memory: str, index: int) -> str:
        """A word of a table, or, for -1, all of it."""
        return self._entries.setdefault((memory, index), f"c{self.number}_{self.outside.names[memory]}" + (f"_{index}" if index >= 0 else ""))

    def _step(self, name: str, size: int, text: str) -> str:
        self.temporaries.append(f"[{size - 1}:0] {name}")
        self._steps.append(f"{name} = {text};")
        return name

    def _input(self, bundle: Bundle, port: str, low: int = 0, width: int | None = None) -> str:
        columns = [[cell.inputs[port][at] for cell in bundle.cells] for at in range(len(bundle.cell.inputs[port]))]
        return self._columns(columns[low:None if width is None else low + width])

    def _columns(self, columns: Sequence[Sequence[Bit]]) -> str:
        """Verilog of bits in the loop, each given in all lanes."""
        places: list[str | Place] = []
        same, low = [len(set(each)) == 1 and not isinstance(each[0], str) for each in columns], 0
        while low < len(columns):
            column, high = columns[low], low + 1
            if same[low]:
                while high < len(columns) and same[high]:
                    high += 1
                name = self._shared.setdefault(tuple(each[0] for each in columns[low:high]), f"s{self.number}_{len(self._shared)}")
                places += [Place(name, at, word(high - low)) for at in range(high - low)]
            elif len(set(column)) == 1:
                places.append(str(column[0]))
            elif lane := self._lane(column):
                places.append(Place(self._value(lane[0]), lane[1], word(len(lane[0].cell.output))))
            else:
                name = self._gathered.setdefault(tuple(column), f"g{self.number}_{len(self._gathered)}")
                places.append(Place(f"{name}[k]", 0, WORD))
            low = high
        return join(places)

    def _lane(self, column: Sequence[Bit]) -> tuple[Bundle, int] | None:
        """The bundle that gives each lane its bit, and which."""
        cell, at = self.flat.drivers.get(column[0], (None, 0))
        if cell is None or cell.number not in self.outside.bundles.of:
            return None
        bundle = self.outside.bundles.of[cell.number][0]
        return (bundle, at) if all(self.flat.drivers.get(bit) == (own, at) for bit, own in zip(column, bundle.cells)) else None

    def _value(self, bundle: Bundle) -> str:
        """The name of a value of the lane, which stands in the loop by then."""
        name = f"t{self.number}_{bundle.number}"
        if bundle.number not in self._values:
            self._values.add(bundle.number)
            if bundle.state:
                self.registers.add(bundle.number)
                text = f"a{bundle.number}[k]"
            else:
                text = self._read(bundle) if bundle.cell.kind == "$memrd_v2" else self._computed(bundle)
            self._step(name, word(len(bundle.cell.output)), text)
        return name

    def _computed(self, bundle: Bundle) -> str:
        """What a cell gives, its operands extended to a word, and what goes beyond its bits taken away."""
        cell, width = bundle.cell, len(bundle.cell.output)
        size = word(max(width, *(len(bits) for port, bits in cell.inputs.items() if port in "AB")))

        def operand(port: str) -> str:
            text, bits = f"{size}'({self._input(bundle, port)})", len(cell.inputs[port])
            sign = f"{size}'h{(1 << bits) // 2:x}"
            return text if not cell.signed(port) else f"$signed({text})" if bits == size else f"$signed(({text} ^ {sign}) - {sign})"
        text = expression(cell, operand, lambda port, low, part: self._input(bundle, port, low, part))
        if width == word(width) or cell.kind in COMPARED or (cell.kind in EXACT and not cell.signed("A")):
            return text
        return f"({text}) & {word(width)}'h{(1 << width) - 1:x}"
