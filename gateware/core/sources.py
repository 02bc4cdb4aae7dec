"""The sources whose spikes are delivered in a step: neurons of the sweep, in order, then recorded events."""

from typing import Any

from amaranth.hdl import Cat, Module, ResetInserter, Signal, Value
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.core.spike_list import encode

__all__ = ["LiveSources", "Sources"]


class Sources(wiring.Component):
    """A source a cycle. Spikes go on their way at once, events when all spikes of their step have gone.

    Parameters
    ----------
    geometry : PointGeometry

    Members
    -------
    push : In
        ``en``, ``any``, ``word`` and ``mask``: words of the present step, in order, and whether they hold a spike.
    step : In(32)
        The present one.
    go : In(1)
        The sweep has ended and all its spikes were pushed; held until ``busy`` falls.
    events : In(stream.Signature(event_layout))
        Recorded events, ascending by step. An event of a later step says that there is none left of this one: without it, the step does not end.
    clear : In(1)
        Forget everything under way.
    o : Out(stream.Signature(source))
        Numbers of sources, in order.
    busy : Out(1)
        Something is on its way, or may still come.
    """

    def __init__(self, geometry: PointGeometry):
        self.geometry = g = geometry
        word = range(max(2, g.words))
        super().__init__({
            **self.outside(), "push": In(data.StructLayout({"en": 1, "any": 1, "word": word, "mask": g.lanes})), "step": In(32), "go": In(1),
            "events": In(stream.Signature(g.event_layout())), "clear": In(1), "o": Out(stream.Signature(range(max(2, g.sources)))), "busy": Out(1)})

    @classmethod
    def outside(cls) -> dict[str, Any]:
        """What it needs to know besides, of who gives the events."""
        return {}

    def awaited(self, head_valid: Signal) -> Value:
        """Whether an event of the present step may still come."""
        return ~head_valid

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        entry = data.StructLayout({"word": self.push.word.shape(), "mask": g.lanes})
        m.submodules.list = spikes = ResetInserter(self.clear)(fifo.SyncFIFOBuffered(width=entry.size, depth=g.words + 1))
        hand = Signal(entry)
        hand_valid = Signal()
        lowest = Signal(g.lanes)
        rest = Signal(g.lanes)
        source = Signal.like(self.o.payload)
        pick = Signal()
        pop = Signal()
        free = Signal()
        head = Signal(g.event_layout())
        head_valid = Signal()
        head_due = Signal()
        head_pop = Signal()
        m.d.comb += [
            spikes.w_en.eq(self.push.en & self.push.any), spikes.w_data.eq(Cat(self.push.word, self.push.mask)), spikes.r_en.eq(pop),
            lowest.eq(hand.mask & -hand.mask), rest.eq(hand.mask ^ lowest), source.eq(hand.word * g.lanes + encode(lowest)),
            free.eq(~self.o.valid | self.o.ready), pick.eq(hand_valid & free), pop.eq(spikes.r_rdy & (~hand_valid | (pick & (rest == 0)))),
            head_due.eq(head_valid & (head.step <= self.step)),
            head_pop.eq(self.go & head_due & ~hand_valid & (spikes.level == 0) & free), self.events.ready.eq(~head_valid | head_pop),
            self.busy.eq(self.o.valid | hand_valid | (spikes.level != 0) | head_due | self.awaited(head_valid)),
        ]
        with m.If(pop):
            m.d.sync += [hand.eq(spikes.r_data), hand_valid.eq(1)]
        with m.Elif(pick):
            m.d.sync += [hand.mask.eq(rest), hand_valid.eq(rest != 0)]
        with m.If(self.events.ready):
            m.d.sync += [head.eq(self.events.payload), head_valid.eq(self.events.valid)]
        with m.If(pick):
            m.d.sync += [self.o.payload.eq(source), self.o.valid.eq(1)]
        with m.Elif(head_pop):
            m.d.sync += [self.o.payload.eq(head.source), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.clear):
            m.d.sync += [hand_valid.eq(0), head_valid.eq(0), self.o.valid.eq(0)]
        return m


class LiveSources(Sources):
    """The same, with events that come while it runs. A step does not wait for what is not there.

    Members
    -------
    pending : In(1)
        An event is on its way to ``events``, which may be one of this step; the step waits for it.
    """

    @classmethod
    def outside(cls) -> dict[str, Any]:
        return {"pending": In(1)}

    def awaited(self, head_valid: Signal) -> Value:
        return ~head_valid & self.pending
