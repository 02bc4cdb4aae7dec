"""External drive: a uniform number becomes a number of events by binary search in a loaded table."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.drive import UNIFORM_BITS, DriveParams

__all__ = ["Drive", "table_words"]


def table_words(params: DriveParams) -> list[tuple[int, int]]:
    """``(index, limit)`` pairs that load a table: index 1 is the root of the search, 2k and 2k+1 follow k."""
    words = []
    for level in range(params.depth):
        span = 1 << (params.depth - level)
        words += [((1 << level) + prefix, int(params.limits[prefix * span + span // 2 - 1])) for prefix in range(1 << level)]
    return words


class Drive(wiring.Component):
    """Pipelined binary search: latency ``depth`` cycles, one number a cycle.

    Parameters
    ----------
    depth : int
        Levels of the search; the table has 2^depth - 1 limits, kept by level so that each level is one small memory.

    Members
    -------
    uniform : In(32)
    events : Out(depth)
        How many limits the number exceeds, ``depth`` cycles later.
    load : In
        ``en``, ``index`` (as `table_words` gives it) and ``limit``: one table word a cycle.
    """

    def __init__(self, depth: int):
        self.depth = depth
        super().__init__({
            "uniform": In(UNIFORM_BITS), "events": Out(depth),
            "load": In(data.StructLayout({"en": 1, "index": depth, "limit": UNIFORM_BITS}))})

    def elaborate(self, platform):
        m = Module()
        root = Signal(UNIFORM_BITS)
        uniform, prefix, limit = self.uniform, None, root
        with m.If(self.load.en & (self.load.index == 1)):
            m.d.sync += root.eq(self.load.limit)
        for level in range(self.depth):
            above = Signal(name=f"above_{level}")
            m.d.comb += above.eq(uniform > limit)
            found = above if prefix is None else Cat(above, prefix)
            prefix = Signal(level + 1, name=f"prefix_{level + 1}")
            m.d.sync += prefix.eq(found)
            if level + 1 < self.depth:
                size = level + 1
                m.submodules[f"level_{size}"] = table = memory.Memory(shape=UNIFORM_BITS, depth=1 << size, init=[])
                write, read = table.write_port(), table.read_port()
                m.d.comb += [
                    write.en.eq(self.load.en & (self.load.index[size:] == 1)), write.addr.eq(self.load.index[:size]),
                    write.data.eq(self.load.limit), read.addr.eq(found)]
                delayed = Signal(UNIFORM_BITS, name=f"uniform_{size}")
                m.d.sync += delayed.eq(uniform)
                uniform, limit = delayed, read.data
        m.d.comb += self.events.eq(prefix)
        return m
