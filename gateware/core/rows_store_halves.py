"""Delivery from a store during the sweep: to the half of the words that is not swept, of the spikes that are due there."""

from typing import cast

from amaranth.hdl import Cat, EnableInserter, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.delivery import overlap_members
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.rows_store import Collector, Targets, ring_base, span_pitch
from spikegate.gateware.core.spike_list import encode
from spikegate.models.core.rows_store import Store

__all__ = ["HalvesDelivery"]


class Writer(wiring.Component):
    """Holds a word of spikes until the memory's port is free.

    Members
    -------
    push, late, tag : In
        As those of a delivery.
    free : In(1)
        Nobody reads in this cycle.
    write : Out(1), slot, number, word : Out
        The word is written: its step modulo the slots, its place there, its bits.
    """

    def __init__(self, geometry: CoreGeometry, slots: int):
        self.geometry = g = geometry
        self.collector = Collector(g)
        members = overlap_members(g)
        super().__init__({"push": members["push"], "late": members["late"], "tag": members["tag"], "free": In(1), "write": Out(1),
                          "slot": Out(range(slots)), "number": Out(range(span_pitch(g))), "word": Out(cast(Store, g.rows).bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.collector = collector = self.collector
        born = Signal.like(self.slot)
        waiting = Signal()
        m.d.comb += [collector.push.eq(self.push), self.write.eq(waiting & self.free)]
        m.d.sync += born.eq(self.tag - self.late)
        with m.If(self.write):
            m.d.sync += waiting.eq(0)
        with m.If(collector.flush):
            m.d.sync += [waiting.eq(1), self.word.eq(collector.word), self.number.eq(collector.number), self.slot.eq(born)]
        return m


class HalvesWalk(wiring.Component):
    """Finds the spikes that are due, and walks through their rows. It stands still where its clock is not enabled.

    Members
    -------
    begin, upper, go, delay, clear : In
        As those of a delivery.
    word : In
        What was read of the memory last.
    scanning, span : Out
        The spikes of so many words of neurons before are read.
    fetching, address : Out
        A word of a row is read.
    add, words, bits, weight, busy : Out
        As those of a delivery.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry, self.store = g, store = geometry, cast(Store, geometry.rows)
        members = overlap_members(g)
        super().__init__({**{name: members[name] for name in ("begin", "upper", "go", "delay", "add", "words", "bits", "weight", "busy")},
                          "clear": In(1), "word": In(store.bits), "scanning": Out(1), "span": Out(range(store.spans(g.size) + 1)),
                          "fetching": Out(1), "address": Out(range(g.row_depth + 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, bits, spans = self.geometry, self.store.bits, self.store.spans(self.geometry.size)
        begun = Signal(range(g.max_delay + 2))
        pending = Signal()
        hand = Signal(bits)
        taken = Signal.like(self.span)
        seen = Signal()
        m.d.comb += self.busy.eq(pending | self.begin)
        m.d.sync += seen.eq(0)
        with m.If(self.begin):
            m.d.sync += [pending.eq(1), begun.eq(begun + (~self.upper & (begun <= g.max_delay)))]
        with m.FSM():
            with m.State("REST"):
                with m.If(self.go & pending):
                    with m.If(Mux(self.upper, begun >= self.delay, begun > self.delay)):
                        m.d.sync += self.span.eq(0)
                        m.next = "SCAN"
                    with m.Else():
                        m.d.sync += pending.eq(0)
            with m.State("SCAN"):
                m.d.comb += self.scanning.eq(self.span != spans)
                with m.If(seen & self.word.any()):
                    m.d.sync += hand.eq(self.word)
                    m.next = "PICK"
                with m.Elif(self.scanning):
                    m.d.sync += [self.span.eq(self.span + 1), taken.eq(self.span), seen.eq(1)]
                with m.Else():
                    m.d.sync += pending.eq(0)
                    m.next = "REST"
            self.row_states(m, hand, taken)
        with m.If(self.clear):
            m.d.sync += [pending.eq(0), begun.eq(0)]
        return m

    def row_states(self, m: Module, hand: Signal, taken: Signal) -> None:
        """The lowest spike in ``hand``, of span ``taken``: the last word of its row, with the weight, then those of the half that is added to."""
        g, bits, cut = self.geometry, self.store.bits, self.store.cut(self.geometry.size)
        lowest = Signal(bits)
        source = Signal(range(self.store.spans(g.size) * bits))
        left = Signal(range(g.stride + 1))
        final = Signal()
        more = Signal()
        row_start = Signal((source * g.stride).shape())
        row_last = Signal((row_start + g.stride).shape())
        row_weight = Signal(signed(g.format.width))
        low = self.upper
        m.submodules.targets = targets = Targets(g)
        m.d.comb += [row_start.eq(source * g.stride), lowest.eq(hand & -hand), targets.left.eq(left), self.add.eq(targets.add),
                     self.bits.eq(targets.bits), final.eq(left == Mux(low, 0, cut)), more.eq(left > Mux(low, 1, cut + 1)),
                     *(mine.eq(theirs) for mine, theirs in zip(self.words, targets.words))]
        m.d.comb += row_last.eq(row_start + (g.stride - 1))
        m.d.sync += self.weight.eq(row_weight)
        with m.State("PICK"):
            m.d.sync += [source.eq(Cat(encode(lowest), taken)), hand.eq(hand ^ lowest), left.eq(Mux(low, cut, g.stride - 1))]
            m.next = "SEEK"
        with m.State("SEEK"):
            m.d.sync += self.address.eq(row_last)
            m.next = "FETCH"
        with m.State("FETCH"):
            m.d.comb += self.fetching.eq(1)
            m.d.sync += self.address.eq(self.address - Mux(low, g.stride - cut, 1))
            m.next = "LOAD"
        with m.State("LOAD"):
            m.d.comb += [self.fetching.eq(~final), targets.put.eq(1), targets.row.eq(Mux(low, 0, self.word[:max(0, g.n - bits * (g.stride - 1))]))]
            m.d.sync += [row_weight.eq(self.word[bits - g.format.width:]), self.address.eq(self.address - 1)]
            m.next = "DELIVER"
        with m.State("DELIVER"):
            m.d.comb += [targets.walk.eq(1), targets.put.eq(targets.last), targets.row.eq(Mux(final, 0, self.word)),
                         self.fetching.eq(targets.last & more)]
            with m.If(targets.last):
                m.d.sync += [left.eq(left - 1), self.address.eq(self.address - 1)]
                with m.If(final):
                    m.next = "SCAN"
                    with m.If(hand.any()):
                        m.next = "PICK"


class HalvesDelivery(wiring.Component):
    """Keeps the spikes of a sweep, and delivers those that are due to the upper half of the words in the first turn of a step, to the lower half, for
    the next step, in the second one; each lane takes one target a cycle from the word in hand.

    Cycles of a turn, once ``go``: 1, and if a step lies that far back, spans + 1, 1 for each span with spikes, and for each spike 4, one more for
    the lower half, and, for each word of that half of its row, as many as the lane with most targets there has, at least 1.

    Members
    -------
    As in `spikegate.gateware.core.delivery.overlap_members`.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry, self.store = geometry, cast(Store, geometry.rows)
        super().__init__(overlap_members(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, pitch = self.geometry, span_pitch(self.geometry)
        slots = 1 << (g.max_delay - 1).bit_length()
        walk = HalvesWalk(g)
        m.submodules.walk = EnableInserter(self.move)(walk)
        base = ring_base(g, slots)
        m.submodules.memory = store = memory.Memory(shape=self.store.bits, depth=base + slots * pitch, init=[])
        m.submodules.writer = writer = Writer(g, slots)
        read = store.read_port()
        write = store.write_port()
        row = self.load.en.row
        wanted = Signal()
        # A write may change what the memory shows, so that what was read is kept.
        fresh = Signal()
        kept = Signal(self.store.bits)
        m.d.sync += fresh.eq(read.en)
        with m.If(fresh):
            m.d.sync += kept.eq(read.data)
        due = Signal(range(slots))
        place = (pitch - 1).bit_length()
        read_address = Signal(range(store.depth))
        write_address = Signal(range(store.depth))
        m.d.comb += [
            *(getattr(walk, name).eq(getattr(self, name)) for name in ("begin", "upper", "go", "delay")), walk.clear.eq(self.load.en.clear),
            walk.word.eq(Mux(fresh, read.data, kept)), self.add.eq(walk.add & self.move), self.bits.eq(walk.bits), self.weight.eq(walk.weight),
            self.busy.eq(walk.busy),
            *(mine.eq(theirs) for mine, theirs in zip(self.words, walk.words)),
            # The memory's one port: the reading of spikes that are due and of rows is first, and spikes are written between. The writer does not
            # look whether the walk is held up, which is known late: while it is, no spikes come either.
            writer.push.eq(self.push), writer.late.eq(self.late), writer.tag.eq(self.tag), writer.free.eq(~(wanted | row)),
            wanted.eq(walk.scanning | walk.fetching),
            due.eq(self.tag - self.delay + self.upper),
            # Whether the writer may go on is known last, so that it chooses between addresses that are made already.
            read_address.eq(Mux(walk.scanning, base | Cat(walk.span[:place], due), walk.address)),
            write_address.eq(Mux(row, self.load.address[:(g.row_depth - 1).bit_length()], base | Cat(writer.number[:place], writer.slot))),
            write.en.eq(row | writer.write), write.data.eq(Mux(row, self.load.data, writer.word)),
            write.addr.eq(Mux(write.en, write_address, read_address)),
            read.addr.eq(write.addr),
            read.en.eq(wanted & self.move & ~row),
        ]
        return m
