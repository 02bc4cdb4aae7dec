"""External drive by a serial search of the table: a few comparators a lane, and further cycles for the rare large numbers of events."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.numeric.drive import UNIFORM_BITS, WALK, walk_groups

__all__ = ["WalkDrive"]


class WalkDrive(wiring.Component):
    """The same events as `spikegate.gateware.numeric.drive_search.Drive`, from a table of which `WALK` limits are at hand at a time,
    the same ones for all lanes.

    A word of numbers takes one cycle if none of them exceeds the first `WALK` limits, else one for each of the table's groups.
    Which of the two is known when the word arrives, as it waits a cycle before: the pipeline ahead has to know early.

    Parameters
    ----------
    depth : int
        The table has 2^depth - 1 limits.
    lanes : int
        Numbers looked up in parallel.

    Members
    -------
    move : In(1)
        ``uniform`` becomes the word at hand after this cycle.
    uniform : In(32).array(lanes)
    en : In(1)
        A word is at hand, and may move on when ``done``.
    done : Out(1)
        After this cycle ``events`` are those of the word.
    events : Out(depth).array(lanes)
    load : In
        ``en``, ``index`` and ``limit``, as `spikegate.models.core.drives.Walk.words` gives them: one limit a cycle, while ``en`` is low.
    """

    def __init__(self, depth: int, lanes: int = 1) -> None:
        self.depth, self.lanes = depth, lanes
        super().__init__({
            "en": In(1), "move": In(1), "uniform": In(UNIFORM_BITS).array(lanes), "done": Out(1), "events": Out(depth).array(lanes),
            "load": In(data.StructLayout({"en": 1, "index": range(WALK * walk_groups(depth)), "limit": UNIFORM_BITS}))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        groups = walk_groups(self.depth)
        size = groups * WALK
        limits = [Signal(UNIFORM_BITS, name=f"limit_{k}") for k in range(size)]
        # ``first`` is the last limit of the first group, which stands still while the others turn.
        group = Signal(range(max(2, groups)))
        turn = Signal()
        above = Signal(self.lanes)
        first = Signal(UNIFORM_BITS)
        m.d.comb += [turn.eq(self.en & ((group != 0) | above.any())), self.done.eq(self.en & ((group == groups - 1) | ((group == 0) & ~turn)))]
        with m.If(self.load.en & (self.load.index == WALK - 1)):
            m.d.sync += first.eq(self.load.limit)
        for k, limit in enumerate(limits):
            with m.If(self.load.en & (self.load.index == k)):
                m.d.sync += limit.eq(self.load.limit)
            with m.Elif(turn):
                m.d.sync += limit.eq(limits[(k + WALK) % size])
        if groups > 1:
            with m.If(turn):
                m.d.sync += group.eq(Mux(group == groups - 1, 0, group + 1))
        for lane, uniform in enumerate(self.uniform):
            exceeded = Signal(WALK, name=f"exceeded_{lane}")
            word = Signal(UNIFORM_BITS, name=f"word_{lane}")
            with m.If(self.move):
                m.d.sync += [word.eq(uniform), above[lane].eq(uniform > first if groups > 1 else 0)]
            sums = Mux(group == 0, 0, self.events[lane]) + sum(exceeded[k] for k in range(WALK))
            counted = Signal(sums.shape(), name=f"counted_{lane}")
            m.d.comb += counted.eq(sums)
            m.d.comb += exceeded.eq(Cat(word > limit for limit in limits[:WALK]))
            with m.If(self.en):
                # Limits ascend, so that those exceeded are the first ones.
                m.d.sync += self.events[lane].eq(counted)
        return m
