"""The host link's requests: good frames in, words for the core and answers out."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.terms import is_one_of, last_byte, link_terms
from spikegate.gateware.link.transmitter import NIBBLE
from spikegate.models.link.frames import Answer, Request
from spikegate.models.link.payloads import CHOOSE, HEADER

__all__ = ["EventStates", "Requests"]

#: Arguments of a LOAD or RUN, the first one highest.
OP, LANE, ADDRESS = slice(40, 48), slice(24, 40), slice(24)


class EventStates:
    """What a core that takes events adds: the request EVENTS, whose bytes go to an `EventQueue`, in a run too."""

    kind = Request.EVENTS
    members = {"events_begin": Out(1), "events_byte": Out(8), "events_en": Out(1), "events_commit": Out(1), "events_answer": In(4),
               "cleared": Out(1)}

    def __init__(self, requests: "Requests") -> None:
        self.requests = requests

    def begin(self, m: Module, kind: Signal) -> None:
        """Behind SEQUENCE, where it is due."""
        with m.Elif(kind == self.kind):
            m.d.comb += self.requests.events_begin.eq(1)
            m.next = "EVENTS"

    def states(self, m: Module, kind: Signal, left: Signal, drop: Signal) -> None:
        """EVENTS, in which bytes pass, SETTLE, in which the last of them is looked at, and COMMIT."""
        r = self.requests
        m.d.comb += [r.events_byte.eq(r.i.payload), r.cleared.eq(r.o.valid & r.o.ready & (r.o.payload.op == r.terms.op.CLEAR.value))]
        with m.State("EVENTS"):
            m.d.comb += [r.i.ready.eq(1), r.events_en.eq(r.i.valid), drop.eq(r.i.valid)]
            with m.If(r.i.valid & (left == 1)):
                m.next = "SETTLE"
        with m.State("SETTLE"):
            m.next = "COMMIT"
        with m.State("COMMIT"):
            m.d.comb += r.events_commit.eq(1)
            m.d.sync += r.answer.payload.eq(r.events_answer)
            with m.If(r.events_answer == Answer.OK & NIBBLE):
                m.d.sync += r.expected.eq(r.expected + 1)
            m.next = "ANSWER"


class Requests(wiring.Component):
    """Executes one good frame after another. Nothing of a request is done before all that can be wrong with it was looked at.

    Members
    -------
    i : In(stream.Signature(8)), finish : Out(1)
        As in `FrameReceiver`.
    o : Out(stream.Signature(load_layout))
        Words for the core.
    answer : Out(stream.Signature(4))
        Low half of the type of the answer.
    expected : Out(8)
        Sequence number of the next LOAD or RUN.
    start, stop : Out(1)
        For one cycle: a run begins, or shall end. ``flags`` stay as they are while it is ``running``.
    step : In(1), stepped : Out(1)
        Wants the core to make a step; it has begun. ``last`` when it is the last one.
    again : In(1)
        Of a core that goes ``ahead``: a step has begun without that.
    events_begin, events_byte, events_en, events_commit, events_answer, cleared
        Of a core that takes events: those of an `EventQueue`, and its ``clear``.
    choose, lane, address, choice
        Of a link that counts spikes: those of `spikegate.gateware.link.counts.SpikeCounts`.
    """

    def __init__(self, geometry: CoreGeometry | PointGeometry, counts: bool = False):
        self.geometry, self.terms = geometry, link_terms(geometry, counts)
        self.parts = [EventStates(self)] if self.terms.sources else []
        super().__init__({
            **{name: member for part in self.parts for name, member in part.members.items()}, **({"again": In(1)} if self.terms.ahead else {}),
            "i": In(stream.Signature(8)), "finish": Out(1), "o": Out(stream.Signature(geometry.load_layout())), "answer": Out(stream.Signature(4)),
            "expected": Out(8), "start": Out(1), "stop": Out(1), "running": In(1), "flags": Out(5 if counts else 3),
            "step": In(1), "stepped": Out(1), "last": Out(1),
            **({"choose": Out(1), "lane": Out(range(max(2, self.terms.lanes))), "address": Out(24), "choice": Out(1)} if counts else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        terms = self.terms
        data = Signal(terms.data_bits)
        left = Signal(8)
        count = Signal(range(max(8, *(terms.item(each) for each in terms.ops))))
        kind = Signal(3)
        op = Signal(max(len(self.flags) if terms.counts else 4, max(terms.ops).bit_length()))
        lane = Signal(range(max(2, terms.lanes)))
        address = Signal(24)
        shift = Signal()
        drop = Signal()
        forth = Signal()
        is_load = Signal()
        ragged = Signal()
        fits, allowed = self.decode(m, kind, left, data)
        m.d.comb += [
            is_load.eq(kind == Request.LOAD), ragged.eq((left & last_byte(terms, data[OP])) != 0),
            self.flags.eq(op),
            self.o.payload.data.eq(Mux(self.running, 1, data)), self.o.payload.address.eq(address), self.o.payload.lane.eq(lane),
            self.o.payload.op.eq(Mux(self.running, terms.op.RUN.value, op)), self.stepped.eq(self.step & self.o.ready), self.o.valid.eq(self.step),
        ]
        own: Value = C(0)
        if terms.counts:
            own = op == CHOOSE
            m.d.comb += [self.lane.eq(lane), self.address.eq(address), self.choice.eq(data[0])]
        # A cycle late, and so is ``start``: the comparison would be on the longest path.
        m.d.sync += [self.last.eq(address[:16] == data[LANE]), self.start.eq(0)]
        with m.If(shift):
            m.d.sync += [data.eq(Cat(self.i.payload, data)), count.eq(count - 1)]
        with m.If(drop):
            m.d.sync += left.eq(left - 1)
        with m.If(forth | self.stepped | self.again if terms.ahead else forth | self.stepped):
            m.d.sync += address.eq(address + 1)

        take = self.i.valid
        with m.FSM():
            self.header_states(m, kind, left, count, fits)
            with m.State("ARGUMENTS"):
                m.d.comb += [self.i.ready.eq(1), shift.eq(take), drop.eq(take)]
                with m.If(take & (count == 0)):
                    m.next = "EXECUTE"
            with m.State("EXECUTE"):
                m.d.sync += [op.eq(data[OP]), lane.eq(data[LANE]), address.eq(data[ADDRESS])]
                m.d.sync += count.eq(last_byte(terms, data[OP]))
                m.next = "ANSWER"
                with m.If(is_load & ~allowed):
                    m.d.sync += self.answer.payload.eq(Answer.ARGUMENT & NIBBLE)
                with m.Elif(is_load & ragged):
                    m.d.sync += self.answer.payload.eq(Answer.LENGTH & NIBBLE)
                with m.Else():
                    m.d.sync += self.start.eq(~is_load)
                    m.d.sync += self.expected.eq(self.expected + 1)
                    with m.If(left != 0):
                        m.next = "ITEM"
            with m.State("ITEM"):
                m.d.comb += [self.i.ready.eq(1), shift.eq(take), drop.eq(take)]
                with m.If(take & (count == 0)):
                    m.next = "WORD"
            self.sending_states(m, op, own, lane, left, count, forth)
            for part in self.parts:
                part.states(m, kind, left, drop)
        return m

    def decode(self, m: Module, kind: Signal, left: Signal, data: Signal) -> tuple[Signal, Signal]:
        """Whether a request has a length of its type; and whether the op of a LOAD, and the lane, are those of this core."""
        terms = self.terms
        fits = Signal()
        allowed = Signal()
        with m.Switch(kind):
            with m.Case(Request.LOAD, *(part.kind for part in self.parts)):
                m.d.comb += fits.eq(left[3:].any() | left[1:3].all())  # at least HEADER
            with m.Case(Request.RUN):
                m.d.comb += fits.eq(left == HEADER)
            with m.Default():
                m.d.comb += fits.eq(left == 0)
        with m.Switch(data[OP]):
            with m.Case(*terms.ops):
                # Of a power of two, only the upper bits matter, a sixth of the cells of a comparison.
                bits, lane = (terms.lanes - 1).bit_length(), data[LANE]
                m.d.comb += allowed.eq(~lane[bits:].any() if terms.lanes == 1 << bits else lane < terms.lanes)
        return fits, allowed

    def header_states(self, m: Module, kind: Signal, left: Signal, count: Signal, fits: Signal) -> None:
        """LENGTH, TYPE and SEQUENCE, after which it is known whether a request is refused."""
        with m.State("LENGTH"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += left.eq(self.i.payload)
                m.next = "TYPE"
        with m.State("TYPE"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += kind.eq(Mux(self.i.payload[3:] == 0, self.i.payload[:3], 0))
                m.next = "SEQUENCE"
        with m.State("SEQUENCE"):
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += count.eq(HEADER - 1)
            with m.If(self.i.valid):
                m.next = "ANSWER"
                m.d.sync += self.answer.payload.eq(Answer.OK & NIBBLE)
                with m.If((kind == 0) | (kind.all() if self.parts else kind[1:].all())):
                    m.d.sync += self.answer.payload.eq(Answer.TYPE & NIBBLE)
                with m.Elif(~fits):
                    m.d.sync += self.answer.payload.eq(Answer.LENGTH & NIBBLE)
                with m.Elif(~kind[2]):
                    m.d.comb += self.stop.eq(kind == Request.STOP)
                    with m.If(kind == Request.IDENTIFY):
                        m.d.sync += [self.expected.eq(0), self.answer.payload.eq(Answer.IDENTITY & NIBBLE)]
                    with m.If(kind == Request.STATUS):
                        m.d.sync += self.answer.payload.eq(Answer.STATUS & NIBBLE)
                with m.Elif(self.i.payload != self.expected):
                    m.d.sync += self.answer.payload.eq(Answer.SEQUENCE & NIBBLE)
                for part in self.parts:
                    part.begin(m, kind)
                with m.Elif(self.running):
                    m.d.sync += self.answer.payload.eq(Answer.BUSY & NIBBLE)
                with m.Else():
                    m.next = "ARGUMENTS"

    def sending_states(self, m: Module, op: Signal, own: Value, lane: Signal, left: Signal, count: Signal, forth: Signal) -> None:
        """WORD, in which an item goes to the core or to ``own`` counters, lane by lane or address by address, and ANSWER, after all items."""
        with m.State("WORD"):
            if self.terms.counts:
                m.d.comb += self.choose.eq(own)
            m.d.comb += self.o.valid.eq(~own if self.terms.counts else 1)
            m.d.sync += count.eq(last_byte(self.terms, op))
            with m.If(self.o.ready | own if self.terms.counts else self.o.ready):
                with m.If(is_one_of(op, self.terms.by_neuron) & (lane != self.terms.lanes - 1)):
                    m.d.sync += lane.eq(lane + 1)
                with m.Else():
                    m.d.comb += forth.eq(1)
                    m.d.sync += lane.eq(0)
                m.next = "ITEM"
                with m.If(left == 0):
                    m.next = "ANSWER"
        with m.State("ANSWER"):
            m.d.comb += self.answer.valid.eq(1)
            m.d.comb += self.finish.eq(self.answer.ready)
            with m.If(self.answer.ready):
                m.next = "LENGTH"
