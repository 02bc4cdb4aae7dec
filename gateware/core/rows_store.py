"""Delivery for small parts: one single-port memory holds rows, weights and the spikes under way, and only targets take cycles.

A word has B = ``geometry.rows.bits`` bits. Source s has ``stride`` words from s * stride, the bits of its targets in ascending order; the top
bits of the last word are its weight. Above the rows lie the spikes of the last steps, a bit a neuron, so that there is room for any number.
"""

from typing import cast

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.delivery import delivery_members
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.spike_list import encode, first_set
from spikegate.models.core.rows_store import Store

__all__ = ["StoreDelivery"]


def _store(g: CoreGeometry) -> Store:
    return cast(Store, g.rows)


def span_pitch(g: CoreGeometry) -> int:
    """Words that hold a bit for each neuron, rounded up to a power of two."""
    return 1 << (_store(g).spans(g.size) - 1).bit_length()


def ring_base(g: CoreGeometry, slots: int) -> int:
    """Where the bits of the last ``slots`` steps begin, behind all rows: at a multiple of what they take, so that no adder makes their addresses."""
    size = slots * span_pitch(g)
    return -(-g.row_depth // size) * size


class Collector(wiring.Component):
    """Collects the spikes of a sweep into whole words of the store.

    Members
    -------
    push : In
        As that of a delivery.
    last : Out(1)
        The last word of the sweep is pushed.
    flush : Out(1), number : Out, word : Out(bits)
        A word is complete.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry, self.bits = g, bits = geometry, _store(geometry).bits
        super().__init__({"push": In(delivery_members(g)["push"].shape), "last": Out(1), "flush": Out(1),
                          "number": Out(range(span_pitch(g))), "word": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self.geometry.lanes
        group = self.bits // lanes
        place = (group - 1).bit_length()
        at = self.push.word[:place]
        kept = [Signal(lanes, name=f"kept_{k}") for k in range(group)]
        m.d.comb += [mine.eq(self.word[k * lanes:(k + 1) * lanes] & (at != 0).replicate(lanes)) for k, mine in enumerate(kept)]
        m.d.comb += self.last.eq(self.push.word == self.geometry.words - 1)
        m.d.sync += self.flush.eq(self.push.en & ((at == group - 1) | self.last))
        with m.If(self.push.en):
            m.d.sync += self.number.eq(self.push.word[place:])
            m.d.sync += self.word.eq(Cat(Mux(at == k, self.push.mask, kept[k]) for k in range(group)))
        return m


class Targets(wiring.Component):
    """The targets of a word of a row: each lane takes its own, one a cycle.

    Members
    -------
    walk : In(1)
        The targets at hand are taken.
    put : In(1), row : In(bits), left : In
        This word comes to hand, and so many words of the row are behind it.
    last : Out(1)
        No target is left behind those at hand.
    add, words, bits : Out
        As those of a delivery.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry, self.size = g, bits = geometry, _store(geometry).bits
        super().__init__({"walk": In(1), "put": In(1), "row": In(bits), "left": In(range(g.stride + 1)), "last": Out(1), "add": Out(1),
                          "words": Out(range(max(2, g.words))).array(g.lanes), "bits": Out(g.lanes)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self.geometry.lanes
        # The targets at hand lie in registers, apart from those behind them: whether these are any is on the longest path.
        hand = Signal(lanes)
        behind = [Signal(self.size // lanes, name=f"behind_{k}") for k in range(lanes)]
        for k, rest in enumerate(behind):
            mine = Signal.like(rest, name=f"mine_{k}")
            place = Signal(range(self.size // lanes), name=f"place_{k}")
            m.d.comb += [mine.eq(Mux(self.put, self.row[k::lanes], rest)), self.words[k].eq(Cat(place, self.left))]
            with m.If(self.put | self.walk):
                m.d.sync += [hand[k].eq(mine.any()), place.eq(first_set(mine)), rest.eq(mine & (mine - 1))]
        m.d.comb += [self.add.eq(self.walk & hand.any()), self.last.eq(~Cat(behind).any())]
        m.d.sync += self.bits.eq(hand)
        return m


class StoreDelivery(wiring.Component):
    """Takes the spikes of a sweep, and delivers those that are due: each lane takes one target a cycle from the word in hand.

    Cycles, once ``go``: 1, and if a step lies ``delay`` back, spans + 1, 1 for each span with spikes, and for each spike 4 and, for each
    word of its row, as many as the lane with most targets there has, at least 1.

    Members
    -------
    As in `spikegate.gateware.core.delivery.delivery_members`.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__(delivery_members(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, spans = self.geometry, _store(self.geometry).spans(self.geometry.size)
        span = Signal(range(spans + 1))
        age = Signal(range(g.max_delay + 2))
        pending = Signal()
        fetching = Signal()
        scanning = Signal()
        address = Signal(range(g.row_depth + 1))
        hand = Signal(_store(g).bits)
        taken = Signal.like(span)
        seen = Signal()
        m.submodules.collector = collector = Collector(g)
        m.d.comb += [collector.push.eq(self.push), self.busy.eq(pending)]
        m.d.sync += seen.eq(0)
        with m.If(self.push.en & collector.last):
            m.d.sync += [pending.eq(1), age.eq(age + (age <= g.max_delay))]
        word = self.port(m, collector, fetching, scanning, span, address)
        with m.FSM():
            with m.State("REST"):
                with m.If(self.go & pending):
                    with m.If(age >= self.delay):
                        m.d.sync += span.eq(0)
                        m.next = "SCAN"
                    with m.Else():
                        m.d.sync += pending.eq(0)
            with m.State("SCAN"):
                m.d.comb += scanning.eq(span != spans)
                with m.If(seen & word.any()):
                    m.d.sync += hand.eq(word)
                    m.next = "PICK"
                with m.Elif(scanning):
                    m.d.sync += [span.eq(span + 1), taken.eq(span), seen.eq(1)]
                with m.Else():
                    m.d.sync += pending.eq(0)
                    m.next = "REST"
            self.row_states(m, hand, taken, word, fetching, address)
        with m.If(self.load.en.clear):
            m.d.sync += [pending.eq(0), age.eq(0)]
        return m

    def row_states(self, m: Module, hand: Signal, taken: Signal, word: Value, fetching: Signal, address: Signal) -> None:
        """The lowest spike in ``hand``, of span ``taken``: its row is fetched from its end, and its targets delivered."""
        g, bits = self.geometry, _store(self.geometry).bits
        lowest = Signal(bits)
        source = Signal(range(_store(g).spans(g.size) * bits))
        left = Signal(range(g.stride + 1))
        row_start = Signal((source * g.stride).shape())
        row_end = Signal((row_start + g.stride).shape())
        row_last = Signal((row_end - 1).shape())
        row_weight = Signal(signed(g.format.width))
        m.submodules.targets = targets = Targets(g)
        m.d.comb += [row_start.eq(source * g.stride), row_end.eq(row_start + g.stride), row_last.eq(row_end - 1)]
        m.d.comb += [lowest.eq(hand & -hand), targets.left.eq(left), self.add.eq(targets.add), self.bits.eq(targets.bits),
                     *(mine.eq(theirs) for mine, theirs in zip(self.words, targets.words))]
        m.d.sync += self.weight.eq(row_weight)
        with m.State("PICK"):
            m.d.sync += [source.eq(Cat(encode(lowest), taken)), hand.eq(hand ^ lowest), left.eq(g.stride - 1)]
            m.next = "SEEK"
        with m.State("SEEK"):
            m.d.sync += address.eq(row_last)
            m.next = "FETCH"
        with m.State("FETCH"):
            m.d.comb += fetching.eq(1)
            m.d.sync += address.eq(address - 1)
            m.next = "LOAD"
        with m.State("LOAD"):
            m.d.comb += [fetching.eq(left != 0), targets.put.eq(1), targets.row.eq(word[:max(0, g.n - bits * (g.stride - 1))])]
            m.d.sync += [row_weight.eq(word[bits - g.format.width:]), address.eq(address - 1)]
            m.next = "DELIVER"
        with m.State("DELIVER"):
            m.d.comb += [targets.walk.eq(1), targets.put.eq(targets.last), targets.row.eq(Mux(left == 0, 0, word)),
                         fetching.eq(targets.last & (left > 1))]
            with m.If(targets.last):
                m.d.sync += [left.eq(left - 1), address.eq(address - 1)]
                with m.If(left == 0):
                    m.next = "SCAN"
                    with m.If(hand.any()):
                        m.next = "PICK"

    def port(self, m: Module, collector: Collector, fetching: Signal, scanning: Signal, span: Signal, address: Signal) -> Value:
        """The memory and its one port: loads, the writing of spikes, the reading of spikes that are due and of rows never meet."""
        g, pitch = self.geometry, span_pitch(self.geometry)
        slots = 1 << (g.max_delay - 1).bit_length()
        base = ring_base(g, slots)
        m.submodules.memory = store = memory.Memory(shape=_store(g).bits, depth=base + slots * pitch, init=[])
        read = store.read_port()
        write = store.write_port()
        ring = Signal(range(store.depth))
        row = self.load.en.row
        step = self.tag + Mux(collector.flush, 0, 1 - self.delay)
        m.d.comb += [
            ring.eq(base | Cat(Mux(collector.flush, collector.number, span)[:(pitch - 1).bit_length()], step[:(slots - 1).bit_length()])),
            write.en.eq(row | collector.flush), write.data.eq(Mux(row, self.load.data, collector.word)),
            write.addr.eq(Mux(row, self.load.address[:(g.row_depth - 1).bit_length()], Mux(collector.flush | scanning, ring, address))),
            read.addr.eq(write.addr), read.en.eq((scanning | fetching) & ~write.en),
        ]
        return read.data
