"""The lanes of a core rolled up again: SystemVerilog with an array a register and a loop a clock domain, for simulation alone.

What is synthesised and verified is the Verilog that `to_verilog` writes, in which every lane stands on its own; this is a second way to write the
same netlist, which compilers turn into vector instructions. A clock edge is one process: for each domain that is enabled, a loop over the lanes that
reads old values, computes, and writes, in an order in which whatever reads another domain's registers comes before that one. Nothing else reads what
the loops write: registers outside of lanes, and bits of lanes that are used there, change when all has been read.
"""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from spikegate.cosim.toolchain.bundles import Bundles
from spikegate.cosim.toolchain.flat import WORD, Bit, Flat, Place, Unsupported, join
from spikegate.cosim.toolchain.lane_loop import LaneLoop, word
from spikegate.cosim.toolchain.outside import Outside, depth

__all__ = ["reroll"]

#: So many bits of registers of a lane may be used outside: they are put side by side at each edge, which takes longer than loops save.
TAKEN = 4


def reroll(flat: Flat, lanes: int, port: str, width: int) -> str:
    """The module of a flat netlist, its lanes in loops.

    Clocks are one: of each input ``<name>_clk`` it is understood that it is ``clk`` while the output ``<name>_enable`` is high. Registers begin with
    their initial values, memories with whatever the simulator gives.

    Parameters
    ----------
    flat : Flat
        Wide cells of its lanes become several.
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
    return _Rolled(Outside(flat, Bundles(flat, results), lanes), port, results).text()


class _Rolled:
    """The module."""

    def __init__(self, outside: Outside, port: str, results: Sequence[Sequence[Bit]]):
        self.outside, self.flat, self.bundles = outside, outside.flat, outside.bundles
        self.port, self.results, self.lines = port, results, dict[int, list[str]]()
        self.rest = self.flat.ports[port][1][len(results) * len(results[0]):]
        self.outputs = {name: bits for name, (entering, bits) in self.flat.ports.items() if not entering and name != port}

    def text(self) -> str:
        """SystemVerilog of it."""
        loops = self._loops()
        body = self._results()
        for cell in self.outside.cells:
            size = f"[{len(cell.output) - 1}:0] n{cell.number}"
            if cell.clock is not None and cell.output:
                body.append(f"reg {size} = {len(cell.output)}'h{self.flat.first(cell.output):x};")
            elif cell.output and cell.number not in self.outside.late:
                body += [f"wire {size};", f"assign n{cell.number} = {self.outside.value(cell)};"]
        body += [f"assign {name} = {self.outside.settled(bits)};" for name, bits in self.outputs.items()]
        process = self._process(loops)
        return "\n".join([self._header(), *self._declared(), *body, *process, "endmodule", ""])

    def _loops(self) -> list[LaneLoop]:
        """In the order in which they may be done."""
        outside, groups = self.outside, dict[str, LaneLoop]()
        for cell in self.flat.cells:
            if cell.clock is not None:
                enable = outside.domain(cell.clock)
                loop = groups.setdefault(enable, LaneLoop(outside, len(groups), enable))
                bundle, lane = self.bundles.of.get(cell.number, (None, 0))
                if bundle and lane == 0:
                    loop.roots.append(bundle)
                elif cell.number in outside.late:
                    loop.late.append(cell)
        # Whatever takes a bit of a lane's register says so before the loops are written.
        for bits in (*(bits for cell in outside.cells for bits in cell.inputs.values()), *self.outputs.values(), self.rest):
            outside.bits(bits)
        owner = {bundle.number: loop.number for loop in groups.values() for bundle in loop.roots}
        written = {bundle.memories: loop.number for loop in groups.values() for bundle in loop.roots if bundle.cell.kind == "$memwr_v2"}
        order, taken = TopologicalSorter[int](), set(outside.taken)
        if len(taken) > TAKEN:
            raise Unsupported(f"{len(taken)} bits of registers of each lane that are used outside, more than {TAKEN}")
        for loop in groups.values():
            self.lines[loop.number] = loop.lines()
            order.add(loop.number)
            read = {*(owner[number] for number in loop.registers), *(written[each] for each in loop.memories if each in written)}
            for other in read - {loop.number}:
                order.add(other, loop.number)
        if outside.taken != taken:
            raise Unsupported("lanes that use registers of one another")
        try:
            return [list(groups.values())[number] for number in order.static_order()]
        except CycleError:
            raise Unsupported("two clock domains of the lanes that use each other's registers") from None

    def _process(self, loops: Sequence[LaneLoop]) -> list[str]:
        """What happens at an edge."""
        # A local variable that is given a value at once is one of the compiled function, too.
        declared, lines = ["automatic int unsigned j;", "automatic int unsigned k;", "automatic logic [31:0] w;"], ["j = 0;", "k = 0;", "w = 0;"]
        for loop in loops:
            declared += [f"automatic logic {each};" for each in (*loop.temporaries, *loop.tables, *([f"e{loop.number}"] if loop.enable else []))]
            lines += [f"{each.split()[-1]} = 0;" for each in loop.temporaries]
            lines += [f"e{loop.number} = {loop.enable};"] if loop.enable else []
        for loop in loops:
            outside = [line for cell in self.outside.cells if cell.clock is not None and cell.number not in self.outside.late and
                       self.outside.domain(cell.clock) == loop.enable for line in self.outside.edge(cell)]
            lines += [f"if (e{loop.number}) begin" if loop.enable else "begin", *self.lines[loop.number], *outside, "end"]
        return ["always @(posedge clk) begin : rolled", *declared, *lines, "end"]

    def _header(self) -> str:
        ports = [f"{'input' if entering else 'output'} [{len(bits) - 1}:0] {name}" for name, (entering, bits) in self.flat.ports.items()
                 if name != self.port and not (entering and name.endswith("_clk"))]
        return f"module {self.flat.name}({', '.join(ports)}, output reg [31:0] {self.port} [0:{len(self.flat.ports[self.port][1]) // WORD - 1}]);"

    def _declared(self) -> list[str]:
        padded, own, started = self.outside.padded, {name for names in self.bundles.memories for name in names}, list[str]()
        lines = [f"reg [{self.outside.groups * WORD - 1}:0] p{number}_{bit} = {self._repeated(number, bit)};"
                 for number, bit in sorted(self.outside.taken)]
        lines += [f"reg [{width - 1}:0] {self.outside.names[name]} [0:{depth(size) - 1}];"
                  for name, (width, size) in self.flat.memories.items() if name not in own]
        for names, name in self.bundles.memories.items():
            width, size = self.flat.memories[names[0]]
            lines.append(f"reg [{word(width) - 1}:0] {name} [0:{depth(size) - 1}][0:{padded - 1}];")
        for bundle in self.bundles.all:
            if bundle.state:
                lines.append(f"reg [{word(len(bundle.cell.output)) - 1}:0] a{bundle.number} [0:{padded - 1}];")
                started.append(f"for (k = 0; k < {padded}; k = k + 1) a{bundle.number}[k] = {self.flat.first(bundle.cell.output)};")
        lines += ["initial begin : started", "automatic int unsigned k;", *started, "end"]
        return [*lines, *(f"reg {each} [0:{padded - 1}];" for each in self.outside.arrays)]

    def _repeated(self, number: int, bit: int) -> str:
        return f"{{{self.outside.groups * WORD}{{1'h{self.flat.first(self.bundles.all[number].cell.output) >> bit & 1}}}}}"

    def _results(self) -> list[str]:
        """The port of results: those of lanes from their registers, and what follows."""
        def at(bit: Bit) -> str | Place:
            if isinstance(bit, str):
                return bit
            bundle, lane = self.bundles.of.get(self.flat.drivers[bit][0].number, (None, 0)) if bit in self.flat.drivers else (None, 0)
            if bundle is None or not bundle.state or lane:
                raise Unsupported("results that are not registers of the lanes")
            return Place(f"a{bundle.number}[k]", self.flat.drivers[bit][1], word(len(bundle.cell.output)))
        each, lanes = len(self.results[0]) // WORD, len(self.results)
        words = [join([at(bit) for bit in self.results[0][low:low + WORD]]) for low in range(0, len(self.results[0]), WORD)]
        copies = [f"{self.port}[{each} * k + {part}] = {text};" for part, text in enumerate(words)]
        others = [f"{self.port}[{each * lanes + index}] = {self.outside.settled(self.rest[index * WORD:(index + 1) * WORD])};"
                  for index in range(len(self.rest) // WORD)]
        every = f"for (k = 0; k < {lanes}; k = k + 1) begin"
        return ["always @* begin : results", "automatic int unsigned k;", every, *copies, "end", *others, "end"]
