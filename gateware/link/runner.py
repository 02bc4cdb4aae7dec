"""The host link's runs: one step of the core after another, and what each leaves for the host, as bytes."""

from typing import cast

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.step_ends import StepEnds
from spikegate.gateware.link.terms import link_terms

__all__ = ["Runner"]


def pick(values: list[Value], index: Value) -> Value:
    """The value of that number, by a tree of multiplexers, which takes less logic than a case for each."""
    for bit in index:
        values = [Mux(bit, *reversed(pair)) if len(pair) == 2 else pair[0] for pair in (values[k:k + 2] for k in range(0, len(values), 2))]
    return values[0]


class Runner(wiring.Component):
    """Asks for step after step, and turns the core's sweeps into the data of a run, as docs/host_link.md.

    A word whose records are sent takes a cycle for each byte, one with spikes that are sent a cycle for each lane and byte of an
    event, any other one cycle; the core waits for that, and for ``o``.

    Parameters
    ----------
    geometry : CoreGeometry or PointGeometry

    Members
    -------
    start, stop : In(1)
        For one cycle: a run begins, or shall end after its present step.
    flags : In(3)
        What is sent, a `Run`; still while ``running``.
    step : Out(1), stepped : In(1), last : In(1)
        Wants the core to make a step; it begins. The one that has begun is the last one.
    hold : In(1)
        Begin no step.
    running : Out(1), overflow : Out(1)
        From ``start`` until DONE is on its way; a neuron's overflow flag was set in the present or last run.
    busy : In(1), works : In(1), i : In(stream.Signature(sweep_layout))
        Of the core: it is busy, or words of it are left; it is busy and does not wait; its words.
    o : Out(stream.Signature(8)), aligned : In(1)
        Data, filled up with zeros until they are ``aligned``.
    done : Out(1), finished : In(1)
        All data are sent or will be: wants DONE; it is on its way.
    event : Out(1)
        An event is sent.
    cycles : Out(8), cycle : Out(1)
        Cycles, modulo 256, in which the core ran and did not wait; in the cycle after they have become 0.
    more : Out(1), again : In(1), steps : Out(8), turned : Out(1), standing : Out(1)
        With a core that is asked for steps ahead: those of `spikegate.gateware.core.core.Core` and of `StepEnds`. While ``more`` is high steps
        follow each other, and ``hold`` lets the core stand still between two.
    """

    def __init__(self, geometry: CoreGeometry | PointGeometry):
        self.geometry, self.terms = geometry, link_terms(geometry)
        super().__init__({
            "start": In(1), "stop": In(1), "flags": In(3), "step": Out(1), "stepped": In(1), "last": In(1), "hold": In(1), "running": Out(1),
            "overflow": Out(1), "busy": In(1), "works": In(1),
            "i": In(stream.Signature(geometry.sweep_layout())), "o": Out(stream.Signature(8)), "aligned": In(1),
            "done": Out(1), "finished": In(1), "event": Out(1), "cycles": Out(8), "cycle": Out(1),
            **({"more": Out(1), "again": In(1), "steps": Out(8), "turned": Out(1), "standing": Out(1)} if self.terms.ahead else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stopping = Signal()
        begun = Signal()
        working = Signal()
        records = Signal()
        events, final, every = self.flags
        ends = StepEnds(cast(CoreGeometry, self.geometry)) if self.terms.ahead else None
        m.d.comb += [
            records.eq(every | (final & self.last & ends.latest if ends else final & self.last)),
            # In the first cycle the core takes the word that lets it run.
            working.eq(self.running & self.works & ~begun),
        ]
        m.d.sync += [begun.eq(self.stepped), self.cycle.eq(working & self.cycles.all())]
        with m.If(working):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        with m.If(self.stop):
            m.d.sync += stopping.eq(1)
        overflows = self.terms.overflows(self.i.payload.lanes)
        if overflows is not None:
            with m.If(self.i.valid & overflows):
                m.d.sync += self.overflow.eq(1)

        again = Signal()
        zero = Signal()
        self.leave(m, self.i.valid & ~ends.wait if ends else self.i.valid, events, records, again, zero)
        with m.FSM() as fsm:
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [self.running.eq(1), self.overflow.eq(0), stopping.eq(0)]
                    m.next = "BETWEEN"
            with m.State("BETWEEN"):
                if not ends:
                    m.d.comb += again.eq(1)
                with m.If(self.last | stopping):
                    m.next = "FLUSH"
                with m.Else():
                    m.d.comb += self.step.eq(~self.hold)
                    with m.If(self.stepped):
                        m.next = "STEP"
            with m.State("STEP"):
                if not ends:
                    m.d.comb += zero.eq(~self.busy & ~begun & events & ~records)
                with m.If(~self.busy & ~begun & (self.o.ready | ~zero)):
                    m.next = "BETWEEN"
            with m.State("FLUSH"):
                m.d.comb += [zero.eq(~self.aligned), self.done.eq(self.aligned)]
                with m.If(self.finished):
                    m.d.sync += self.running.eq(0)
                    m.next = "IDLE"
        if ends:
            m.submodules.ends = ends
            m.d.sync += self.more.eq(fsm.ongoing("STEP") & ~self.last & ~stopping)
            m.d.comb += [
                ends.begun.eq(self.stepped | self.again), ends.word.eq(self.i.valid & self.i.ready), ends.hold.eq(self.hold),
                ends.last.eq(self.i.payload.word == cast(CoreGeometry, self.geometry).words - 1), ends.mark.eq(events & ~records),
                ends.ready.eq(self.o.ready), again.eq(ends.word & ends.last), self.standing.eq(ends.standing), self.steps.eq(ends.steps),
                self.turned.eq(ends.turned),
            ]
            with m.If(ends.zero):
                m.d.comb += zero.eq(1)
            with m.If(ends.wait):
                m.d.comb += self.i.ready.eq(0)
        return m

    def leave(self, m: Module, valid: Value, events: Value, records: Signal, again: Signal, zero: Signal) -> None:
        """What a word that is ``valid`` leaves, lane by lane: records, or distances; a ``zero`` besides, and ``again`` the first neuron of a step."""
        g, size = self.geometry, self.terms.record
        lanes, mask = self.i.payload.lanes, self.i.payload.spikes[:g.lanes]
        lane = Signal(range(max(2, g.lanes)))
        part = Signal(range(size))
        # The distance of the present lane, or of lane 0, from the last neuron that spiked.
        gap = Signal(range(g.n + 1), init=1)
        gap_after = Signal((gap + g.lanes).shape())
        spiked = Signal()
        neurons = [self.terms.of(each) for each in lanes]
        record = pick([each[8 * k:8 * k + 8] for each in neurons for k in range(size)], Cat(~part, lane))
        low = Signal()
        wide = Signal()
        following = Signal()
        one = Signal()
        all_lanes = Signal()
        m.d.comb += [gap_after.eq(gap + Mux(one, 1, g.lanes)), wide.eq(gap[7:].any() & ~low), spiked.eq(pick(list(mask), lane))]
        with m.If(records):
            m.d.comb += [self.o.valid.eq(valid), self.o.payload.eq(record)]
            with m.If(valid & self.o.ready):
                m.d.sync += part.eq(part + 1)
                m.d.comb += following.eq(part.all())
        with m.Elif(events & mask.any()):
            m.d.comb += [self.o.valid.eq(valid & spiked), self.o.payload.eq(Mux(wide, gap[7:] | 0x80, gap[:7]))]
            with m.If(valid & (~spiked | self.o.ready)):
                m.d.sync += low.eq(spiked & wide)
                m.d.comb += [following.eq(~(spiked & wide)), one.eq(following), self.event.eq(following & spiked)]
        with m.Else():
            m.d.comb += [self.i.ready.eq(1), all_lanes.eq(valid)]
        # The core has no word then, so that its ``ready`` need not know of it.
        with m.If(zero):
            m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(0)]
        with m.If(following):
            m.d.comb += self.i.ready.eq(lane == g.lanes - 1)
            m.d.sync += lane.eq(Mux(lane == g.lanes - 1, 0, lane + 1))
        with m.If(self.event | again):
            m.d.sync += gap.eq(1)
        with m.Elif(one | all_lanes):
            m.d.sync += gap.eq(gap_after)
