"""External drive: a uniform number becomes a number of events by binary search in a loaded table."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.numeric.drive import UNIFORM_BITS

__all__ = ["Drive"]


class Drive(wiring.Component):
    """Pipelined binary search for several lanes that share one table: latency ``depth`` cycles, one number a lane a cycle.

    Parameters
    ----------
    depth : int
        Levels of the search; the table has 2^depth - 1 limits, kept by level so that each level is one small memory.
    lanes : int
        Numbers looked up in parallel; each adds a read port to every level.

    Members
    -------
    uniform : In(32).array(lanes)
    events : Out(depth).array(lanes)
        How many limits the number exceeds, ``depth`` cycles later.
    load : In
        ``en``, ``index`` (as `spikegate.models.core.drives.Search.words` gives it) and ``limit``: one table word a cycle.
    """

    def __init__(self, depth: int, lanes: int = 1) -> None:
        self.depth, self.lanes = depth, lanes
        super().__init__({
            "uniform": In(UNIFORM_BITS).array(lanes), "events": Out(depth).array(lanes),
            "load": In(data.StructLayout({"en": 1, "index": depth, "limit": UNIFORM_BITS}))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        root = Signal(UNIFORM_BITS)
        tables = []
        with m.If(self.load.en & (self.load.index == 1)):
            m.d.sync += root.eq(self.load.limit)
        for level in range(1, self.depth):
            # Few words with a read port a lane: registers, for which synthesis would otherwise try every kind of block RAM.
            table = memory.Memory(shape=UNIFORM_BITS, depth=1 << level, init=[], attrs={"ram_style": "logic"})
            m.submodules[f"level_{level}"] = table
            write = table.write_port()
            m.d.comb += [write.en.eq(self.load.en & (self.load.index[level:] == 1)),
                         write.addr.eq(self.load.index[:level]), write.data.eq(self.load.limit)]
            tables.append(table)
        for lane in range(self.lanes):
            above = Signal(name=f"above_{lane}_0")
            m.d.comb += above.eq(self.uniform[lane] > root)
            uniform, found = self.uniform[lane], above
            for level, table in enumerate(tables, 1):
                read = table.read_port()
                prefix = Signal(level, name=f"prefix_{lane}_{level}")
                delayed = Signal(UNIFORM_BITS, name=f"uniform_{lane}_{level}")
                above = Signal(name=f"above_{lane}_{level}")
                m.d.sync += [delayed.eq(uniform), prefix.eq(found)]
                m.d.comb += [read.addr.eq(found), above.eq(delayed > read.data)]
                uniform, found = delayed, Cat(above, prefix)
            m.d.sync += self.events[lane].eq(found)
        return m
