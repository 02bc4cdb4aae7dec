"""External drive of several tables: a uniform number and the number of a table become events, by binary search, and what an event of it is worth."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.numeric.drive import UNIFORM_BITS

__all__ = ["DriveTables"]


class DriveTables(wiring.Component):
    """Pipelined binary search for several lanes in tables that they share: latency ``depth`` cycles, one number a lane a cycle.

    Parameters
    ----------
    depth : int
        Levels of the search; a table has 2^depth - 1 limits.
    tables : int
    worth : StructLayout
        Of what is kept beside each table.
    lanes : int
        Numbers looked up in parallel; each adds a read port to every level.

    Members
    -------
    uniform : In(32).array(lanes), table : In.array(lanes)
    events : Out(depth).array(lanes)
        How many limits of its table the number exceeds, ``depth`` cycles later.
    late : Out(32).array(lanes), worth : Out(worth).array(lanes)
        The number itself, and what is kept beside its table, together with the events.
    load : In
        ``limit_en``, ``worth_en``, ``index`` and ``value``: a limit, whose index is that of `spikegate.models.core.drives.Search.words` and the
        table's number above it, or what is kept beside table ``index``; one word a cycle.
    """

    def __init__(self, depth: int, tables: int, worth: data.StructLayout, lanes: int) -> None:
        self.depth, self.tables, self.layout, self.lanes = depth, max(2, tables), worth, lanes
        self.number = Signal(range(self.tables)).shape()
        super().__init__({
            "uniform": In(UNIFORM_BITS).array(lanes), "table": In(self.number).array(lanes), "events": Out(depth).array(lanes),
            "late": Out(UNIFORM_BITS).array(lanes), "worth": Out(worth).array(lanes),
            "load": In(data.StructLayout({"limit_en": 1, "worth_en": 1, "index": depth + self.number.width,
                                          "value": max(UNIFORM_BITS, worth.size)}))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        load, index = self.load, self.load.index[:self.depth]
        root = [Signal(UNIFORM_BITS, name=f"root_{table}") for table in range(self.tables)]
        for number, limit in enumerate(root):
            with m.If(load.limit_en & (index == 1) & (load.index[self.depth:] == number)):
                m.d.sync += limit.eq(load.value)
        levels = []
        for level in range(1, self.depth):
            table = memory.Memory(shape=UNIFORM_BITS, depth=self.tables << level, init=[], attrs={"ram_style": "logic"})
            m.submodules[f"level_{level}"] = table
            write = table.write_port()
            m.d.comb += [write.en.eq(load.limit_en & (index[level:] == 1)), write.addr.eq(Cat(index[:level], load.index[self.depth:])),
                         write.data.eq(load.value)]
            levels.append(table)
        m.submodules.worths = worths = memory.Memory(shape=self.layout, depth=self.tables, init=[], attrs={"ram_style": "logic"})
        write = worths.write_port()
        m.d.comb += [write.en.eq(load.worth_en), write.addr.eq(load.index), write.data.eq(load.value)]
        for lane in range(self.lanes):
            self.search(m, lane, root, levels, worths)
        return m

    def search(self, m: Module, lane: int, root: list[Signal], levels: list[memory.Memory], worths: memory.Memory) -> None:
        """The stages of a lane."""
        first = Signal(UNIFORM_BITS, name=f"root_{lane}_first")
        above = Signal(name=f"above_{lane}_0")
        with m.Switch(self.table[lane]):
            for number, limit in enumerate(root):
                with m.Case(number):
                    m.d.comb += first.eq(limit)
        m.d.comb += above.eq(self.uniform[lane] > first)
        uniform, number = self.uniform[lane], self.table[lane]
        found: Value = above
        for level, table in enumerate(levels, 1):
            read = table.read_port()
            prefix = Signal(level, name=f"prefix_{lane}_{level}")
            delayed = Signal(UNIFORM_BITS, name=f"uniform_{lane}_{level}")
            chosen = Signal(self.number, name=f"table_{lane}_{level}")
            above = Signal(name=f"above_{lane}_{level}")
            m.d.sync += [delayed.eq(uniform), prefix.eq(found), chosen.eq(number)]
            m.d.comb += [read.addr.eq(Cat(found, number)), above.eq(delayed > read.data)]
            uniform, number, found = delayed, chosen, Cat(above, prefix)
        read = worths.read_port()
        m.d.comb += [read.addr.eq(number), self.worth[lane].eq(read.data)]
        m.d.sync += [self.events[lane].eq(found), self.late[lane].eq(uniform)]
