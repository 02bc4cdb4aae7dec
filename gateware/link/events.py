"""The host link's events on their way to the core: checked and kept as a whole request, and given step by step."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.transmitter import NIBBLE
from spikegate.models.link.frames import Answer
from spikegate.models.link.point import ITEM, MAX_SOURCES, ROOM

__all__ = ["EventQueue"]


class EventQueue(wiring.Component):
    """Room for 256 events, each of a step and a source. Those of a request come byte by byte, and are there or not all at once, at ``commit``.

    An event comes out two cycles after its ``commit`` at the earliest, and then one a cycle.

    Parameters
    ----------
    geometry : PointGeometry

    Members
    -------
    begin : In(1)
        A request begins; what was not committed is forgotten.
    byte : In(8), en : In(1)
        A byte of an event, the highest of its step first, and that there is one.
    commit : In(1), answer : Out(4)
        Take the events if the ``answer`` is OK, whose half type it is.
    clear : In(1), stepped : In(1)
        Forget everything, and count steps from 0; the core begins a step.
    o : Out(stream.Signature(event_layout)), pending : Out(1)
        Events in their order; some are left, be there one at ``o`` now or later.
    """

    def __init__(self, geometry: PointGeometry):
        self.geometry = geometry
        super().__init__({"begin": In(1), "byte": In(8), "en": In(1), "commit": In(1), "answer": Out(4), "clear": In(1), "stepped": In(1),
                          "o": Out(stream.Signature(geometry.event_layout())), "pending": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout = data.StructLayout({"source": range(MAX_SOURCES + 1), "step": 32})
        m.submodules.events = events = memory.Memory(shape=layout.size, depth=ROOM, init=[], attrs={"no_rw_check": 1})
        write = events.write_port()
        read = events.read_port()
        item = Signal(layout)
        count = Signal(range(ITEM))
        whole = Signal()
        # Behind the last event of the request, behind the last one that is there, and the one that is read; a bit more than the addresses have.
        put = Signal(range(2 * ROOM))
        there = Signal(range(2 * ROOM))
        get = Signal(range(2 * ROOM))
        following = Signal(range(2 * ROOM))
        shown = Signal()
        begun = Signal(32)
        first = Signal(32)
        latest = Signal(32)
        previous = Signal(32)
        fresh = Signal()
        disordered = Signal()
        absent = Signal()
        crowded = Signal()
        early = Signal()
        full = Signal()
        left = data.View(layout, read.data)
        m.d.comb += [
            early.eq(first < begun), full.eq(crowded | ((put - get)[:len(put)] == ROOM)), write.addr.eq(put), write.data.eq(item),
            write.en.eq(whole & ~full), following.eq(get + (self.o.valid & self.o.ready)), read.addr.eq(following), self.o.valid.eq(shown),
            self.o.payload.step.eq(left.step), self.o.payload.source.eq(left.source), self.pending.eq(get != there),
        ]
        m.d.sync += [get.eq(following), shown.eq(following != there), whole.eq(self.en & (count == ITEM - 1)), begun.eq(begun + self.stepped)]
        with m.If(self.en):
            m.d.sync += [item.eq(Cat(self.byte, item)), count.eq(Mux(count == ITEM - 1, 0, count + 1))]
        with m.If(whole):
            m.d.sync += [put.eq(put + 1), fresh.eq(0), previous.eq(item.step)]
            with m.If(fresh):
                m.d.sync += first.eq(item.step)
            with m.If(item.step < previous):
                m.d.sync += disordered.eq(1)
            with m.If(item.source >= self.geometry.sources):
                m.d.sync += absent.eq(1)
            m.d.sync += crowded.eq(full)
        with m.If(self.begin):
            m.d.sync += [put.eq(there), previous.eq(latest), count.eq(0), fresh.eq(1), disordered.eq(0), absent.eq(0), crowded.eq(0)]
        with m.If(self.verdict(m, count != 0, disordered | early, absent, crowded) & self.commit):
            m.d.sync += [there.eq(put), latest.eq(previous)]
        with m.If(self.clear):
            m.d.sync += [get.eq(there), shown.eq(0), latest.eq(0), begun.eq(0)]
        return m

    def verdict(self, m: Module, *wrong: Value) -> Value:
        """The answer, by what is wrong first: an event not whole, late, of no source, or without room for it; and whether all is right."""
        m.d.comb += self.answer.eq(Answer.OK & NIBBLE)
        for which, answer in reversed(list(zip(wrong, (Answer.LENGTH, Answer.LATE, Answer.CHANNEL, Answer.BUSY)))):
            with m.If(which):
                m.d.comb += self.answer.eq(answer & NIBBLE)
        return ~Cat(wrong).any()
