"""The host link's runs: one step of the core after another, and what each leaves for the host, as bytes."""

from typing import cast

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.counts import SpikeCounts
from spikegate.gateware.link.step_ends import StepEnds
from spikegate.gateware.link.terms import link_terms
from spikegate.models.link.payloads import MAX_STEPS

__all__ = ["CHOOSING", "Runner"]

#: Bits of a group of a distance, and what of the counters a host can write.
GROUP, CHOOSING = 7, ("choose", "lane", "address", "choice")


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
    counts : bool
        Whether it counts spikes.

    Members
    -------
    start, stop : In(1)
        For one cycle: a run begins, or shall end after its present step.
    flags : In(3), or In(5) if it counts
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
    choose, lane, address, choice
        With counters: those of `SpikeCounts`.
    """

    def __init__(self, geometry: CoreGeometry | PointGeometry, counts: bool = False):
        self.geometry, self.terms = geometry, link_terms(geometry, counts)
        self.tally = SpikeCounts(cast(CoreGeometry, geometry)) if counts else None
        super().__init__({
            "start": In(1), "stop": In(1), "flags": In(5 if counts else 3), "step": Out(1), "stepped": In(1), "last": In(1), "hold": In(1),
            "running": Out(1), "overflow": Out(1), "busy": In(1), "works": In(1),
            "i": In(stream.Signature(geometry.sweep_layout())), "o": Out(stream.Signature(8)), "aligned": In(1),
            "done": Out(1), "finished": In(1), "event": Out(1), "cycles": Out(8), "cycle": Out(1),
            **({"more": Out(1), "again": In(1), "steps": Out(8), "turned": Out(1), "standing": Out(1)} if self.terms.ahead else {}),
            **({name: flow for name, flow in self.tally.signature.members.items() if name in CHOOSING} if self.tally else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stopping = Signal()
        begun = Signal()
        working = Signal()
        records = Signal()
        events, final, every, *counted = self.flags
        ends = StepEnds(cast(CoreGeometry, self.geometry)) if self.terms.ahead else None
        # With counters: what is sent after the last step are those, and of the spikes those of chosen neurons, through all steps.
        sums, through = (Signal(name="sums"), Signal(name="through")) if counted else (C(0), C(0))
        if counted:
            m.d.comb += [sums.eq(counted[0] & ~every), through.eq(counted[1])]
        at_end: Value = final | counted[0] if counted else final
        m.d.comb += [
            records.eq(every | (at_end & self.last & ends.latest if ends else at_end & self.last)),
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
        quiet: Value = ~records & ~through if counted else ~records
        self.leave(m, self.i.valid & ~ends.wait if ends else self.i.valid, events, records, again, zero, sums, through)
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
                    m.d.comb += zero.eq(~self.busy & ~begun & events & quiet)
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
                ends.last.eq(self.i.payload.word == cast(CoreGeometry, self.geometry).words - 1), ends.mark.eq(events & quiet),
                ends.ready.eq(self.o.ready), again.eq(ends.word & ends.last), self.standing.eq(ends.standing), self.steps.eq(ends.steps),
                self.turned.eq(ends.turned),
            ]
            with m.If(ends.zero):
                m.d.comb += zero.eq(1)
            with m.If(ends.wait):
                m.d.comb += self.i.ready.eq(0)
        return m

    def leave(self, m: Module, valid: Value, events: Value, records: Signal, again: Signal, zero: Signal, sums: Value, through: Value) -> None:
        """What a word that is ``valid`` leaves, lane by lane: records, or distances; a ``zero`` besides, and ``again`` the first neuron of a step."""
        g, size = self.geometry, self.terms.record
        lanes, mask = self.i.payload.lanes, self.wanted(m, through)
        lane = Signal(range(max(2, g.lanes)))
        part = Signal(range(size))
        # The distance of the present lane, or of lane 0, from the last neuron that spiked.
        gap = Signal(range((g.words * g.lanes * MAX_STEPS if self.tally else g.n) + 1), init=1)
        gap_after = Signal((gap + g.lanes).shape())
        spiked = Signal()
        neurons = [self.terms.of(each) for each in lanes]
        record = pick([each[8 * k:8 * k + 8] for each in neurons for k in range(size)], Cat(~part, lane))
        low = Signal(range(max(2, -(-len(gap) // GROUP))))
        wide = Signal()
        following = Signal()
        one = Signal()
        all_lanes = Signal()
        m.d.comb += gap_after.eq(gap + Mux(one, 1, g.lanes))
        byte, left = self.distance(m, gap, low, wide)
        m.d.comb += spiked.eq(pick(list(mask), lane))
        rest, whole = part + 1, part.all()
        if self.tally:
            halves = [count[k:k + 8] for count in self.tally.counts for k in (0, 8)]
            record = Mux(sums, pick(halves, Cat(~part[0], lane)), record)
            whole = whole | (sums & part[0])
            rest = Mux(whole, 0, part + 1)
        told: Value = valid & ~(sums & ~self.tally.settled) if self.tally else valid
        with m.If(records):
            m.d.comb += [self.o.valid.eq(told), self.o.payload.eq(record)]
            with m.If(told & self.o.ready):
                m.d.sync += part.eq(rest)
                m.d.comb += following.eq(whole)
        with m.Elif(events & mask.any()):
            m.d.comb += [self.o.valid.eq(valid & spiked), self.o.payload.eq(byte)]
            with m.If(valid & (~spiked | self.o.ready)):
                m.d.sync += low.eq(Mux(spiked, left, 0) if self.tally else spiked & wide)
                m.d.comb += [following.eq(~(spiked & wide)), one.eq(following), self.event.eq(following & spiked)]
        with m.Else():
            m.d.comb += [self.i.ready.eq(1), all_lanes.eq(valid)]
        # The core has no word then, so that its ``ready`` need not know of it.
        with m.If(zero):
            m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(0)]
        with m.If(following):
            m.d.comb += self.i.ready.eq(lane == g.lanes - 1)
            m.d.sync += lane.eq(Mux(lane == g.lanes - 1, 0, lane + 1))
        with m.If(self.event | (again & ~through) | self.start if self.tally else self.event | again):
            m.d.sync += gap.eq(1)
        with m.Elif(one | all_lanes):
            m.d.sync += gap.eq(gap_after)

    def distance(self, m: Module, gap: Signal, low: Signal, wide: Signal) -> tuple[Value, Value]:
        """The byte of a distance that is due, ``wide`` if others follow, and how many; ``low`` are those left of one that has begun."""
        if not self.tally:
            m.d.comb += wide.eq(gap[GROUP:].any() & ~low)
            return Mux(wide, gap[GROUP:] | 1 << GROUP, gap[:GROUP]), wide
        groups = [gap[k:k + GROUP] for k in range(0, len(gap), GROUP)]
        highest = Signal.like(low)
        due = Signal.like(low)
        for index, group in enumerate(groups):
            with m.If(group.any()):
                m.d.comb += highest.eq(index)
        m.d.comb += [due.eq(Mux(low.any(), low - 1, highest)), wide.eq(Mux(low.any(), low != 1, gap[GROUP:].any()))]
        byte = Signal(GROUP)
        m.d.comb += byte.eq(pick(groups, due))
        return Cat(byte, wide), due

    def wanted(self, m: Module, through: Value) -> Value:
        """Who of a word's neurons counts as a spike that may be sent; with counters, the chosen ones of a run ``through`` all steps."""
        spikes = self.i.payload.spikes[:self.geometry.lanes]
        if not self.tally:
            return spikes
        m.submodules.counts = tally = self.tally
        m.d.comb += [
            tally.start.eq(self.start), tally.present.eq(self.i.valid), tally.word.eq(self.i.valid & self.i.ready), tally.spikes.eq(spikes),
            *(getattr(tally, name).eq(getattr(self, name)) for name in CHOOSING),
        ]
        mask = Signal(self.geometry.lanes)
        m.d.comb += mask.eq(spikes & (tally.chosen | ~through.replicate(self.geometry.lanes)))
        return mask
