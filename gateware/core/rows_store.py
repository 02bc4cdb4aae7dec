"""Delivery for small parts: one single-port memory holds rows, weights and the spikes under way, and only targets take cycles.

A word has B = ``geometry.store`` bits. Source s has ``stride`` words from s * stride, the bits of its targets in ascending order; the top
bits of the last word are its weight. Above the rows lie the spikes of the last steps, a bit a neuron, so that there is room for any number.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import TAG_BITS, CoreGeometry
from spikegate.gateware.core.spike_list import encode

__all__ = ["Store"]


class Store(wiring.Component):
    """Takes the spikes of a sweep, and delivers those that are due: each lane takes one target a cycle from the word in hand.

    Cycles, once ``go``: 1, and if a step lies ``delay`` back, spans + 1, 1 for each span with spikes, and for each spike 4 and, for each
    word of its row, as many as the lane with most targets there has, at least 1.

    Members
    -------
    push : In
        ``en``, ``word`` and ``mask``: every word of the sweep, in order.
    tag, delay : In(6)
        Step and delay in steps, modulo 64; due is what was pushed ``delay - 1`` steps ago.
    load : In
        ``en``, ``address`` and ``data``: a word of a row.
    clear : In(1)
        Forget everything under way.
    go : In(1)
        The sweep has ended; held until ``busy`` falls.
    add : Out(1)
        Each lane reads the input of its ``words`` entry; in the next cycle, those of ``bits`` add ``weight`` to it.
    busy : Out(1)
        Spikes of this step have not been looked at or delivered.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry = g = geometry
        word = range(max(2, g.words))
        super().__init__({
            "push": In(data.StructLayout({"en": 1, "any": 1, "word": word, "mask": g.lanes})), "tag": In(TAG_BITS), "delay": In(TAG_BITS),
            "load": In(data.StructLayout({"en": 1, "address": range(g.row_depth), "data": g.store})), "clear": In(1), "go": In(1),
            "add": Out(1), "words": Out(word).array(g.lanes), "bits": Out(g.lanes), "weight": Out(g.total_shape()), "busy": Out(1)})

    def elaborate(self, platform):
        m = Module()
        g, lanes = self.geometry, range(self.geometry.lanes)
        group = g.store // g.lanes
        place, slot = (group - 1).bit_length(), (g.slots - 1).bit_length()
        span = Signal(range(g.spans + 1))
        m.submodules.memory = store = memory.Memory(shape=g.store, depth=g.row_depth + g.slots * g.span_pitch, init=[])
        read = store.read_port()
        write = store.write_port()
        word = read.data

        # The spikes of a sweep, collected into whole words.
        collected = Signal(g.store)
        flush = Signal()
        flushed = Signal(range(g.span_pitch))
        at, last = self.push.word[:place], self.push.word == g.words - 1
        m.d.sync += flush.eq(self.push.en & ((at == group - 1) | last))
        with m.If(self.push.en):
            m.d.sync += flushed.eq(self.push.word[place:])
            m.d.sync += collected.eq(Cat(Mux(at == k, self.push.mask, collected[k * g.lanes:(k + 1) * g.lanes] & (at != 0).replicate(g.lanes))
                                         for k in range(group)))
        age = Signal(range(g.max_delay + 2))
        pending = Signal()
        with m.If(self.push.en & last):
            m.d.sync += [pending.eq(1), age.eq(age + (age <= g.max_delay))]

        # One port: loads, the writing of spikes, the reading of spikes that are due and of rows never meet.
        ring = Signal(range(store.depth))
        fetching = Signal()
        scanning = Signal()
        address = Signal(range(g.row_depth + 1))
        m.d.comb += [
            ring.eq(g.row_depth + Cat(Mux(flush, flushed, span)[:(g.span_pitch - 1).bit_length()],
                                      (self.tag + Mux(flush, 0, 1 - self.delay))[:slot])),
            write.en.eq(self.load.en | flush), write.data.eq(Mux(self.load.en, self.load.data, collected)),
            write.addr.eq(Mux(self.load.en, self.load.address, Mux(flush | scanning, ring, address))),
            read.addr.eq(write.addr), read.en.eq((scanning | fetching) & ~write.en), self.busy.eq(pending),
        ]

        hand = Signal(g.store)
        lowest = Signal(g.store)
        taken = Signal.like(span)
        source = Signal(range(g.spans * g.store))
        row = Signal(g.store)
        left = Signal(range(g.stride + 1))
        row_weight = Signal(signed(g.format.width))
        low, rest = ([Signal(group, name=f"{name}_{k}") for k in lanes] for name in ("low", "rest"))
        seen = Signal()
        m.d.comb += lowest.eq(hand & -hand)
        for k in lanes:
            mine = Cat(row[k::g.lanes])
            m.d.comb += [low[k].eq(mine & -mine), rest[k].eq(mine ^ low[k]), self.words[k].eq(Cat(encode(low[k]), left))]
        m.d.sync += [self.bits.eq(Cat(Cat(row[k::g.lanes]).any() for k in lanes)), self.weight.eq(row_weight), seen.eq(0)]
        with m.FSM():
            with m.State("REST"):
                with m.If(self.go & pending):
                    with m.If(age >= self.delay):
                        m.d.sync += span.eq(0)
                        m.next = "SCAN"
                    with m.Else():
                        m.d.sync += pending.eq(0)
            with m.State("SCAN"):
                m.d.comb += scanning.eq(span != g.spans)
                with m.If(seen & word.any()):
                    m.d.sync += hand.eq(word)
                    m.next = "PICK"
                with m.Elif(scanning):
                    m.d.sync += [span.eq(span + 1), taken.eq(span), seen.eq(1)]
                with m.Else():
                    m.d.sync += pending.eq(0)
                    m.next = "REST"
            with m.State("PICK"):
                m.d.sync += [source.eq(Cat(encode(lowest), taken)), hand.eq(hand ^ lowest), left.eq(g.stride - 1)]
                m.next = "SEEK"
            with m.State("SEEK"):
                m.d.sync += address.eq(source * g.stride + g.stride - 1)
                m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += fetching.eq(1)
                m.d.sync += address.eq(address - 1)
                m.next = "LOAD"
            with m.State("LOAD"):
                m.d.comb += fetching.eq(left != 0)
                m.d.sync += [row.eq(word[:g.last_bits]), row_weight.eq(word[g.store - g.format.width:]), address.eq(address - 1)]
                m.next = "DELIVER"
            with m.State("DELIVER"):
                m.d.comb += self.add.eq(row.any())
                m.d.sync += row.eq(Cat(rest[k % g.lanes][k // g.lanes] for k in range(g.store)))
                with m.If(~Cat(rest).any()):
                    m.d.comb += fetching.eq(left > 1)
                    m.d.sync += [row.eq(word), left.eq(left - 1), address.eq(address - 1)]
                    with m.If(left == 0):
                        m.d.sync += row.eq(0)
                        with m.If(hand.any()):
                            m.next = "PICK"
                        with m.Else():
                            m.next = "SCAN"
        with m.If(self.clear):
            m.d.sync += [pending.eq(0), age.eq(0)]
        return m
