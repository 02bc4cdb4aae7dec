"""Delivery by bitstreams: every spike that is due meets a stream of its source's weight at each of its targets.

Up to C rows, the channels, are walked side by side, a word at a time, and each target in their union takes one cycle of the
stream unit: one window of L bits a channel, compared, gated, counted, added and scaled, in a pipeline of four registers.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.rows_bitmap import delivery_signature
from spikegate.gateware.core.stream_unit import StreamUnit

__all__ = ["StreamRows"]


class StreamRows(wiring.Component):
    """Stochastic delivery.

    A group of f rows takes ``2 f + 4`` cycles, and for each word the larger of its targets and f + 1 (for the last: its targets).

    Members
    -------
    stream_load : In
        ``en``, ``kind``, ``address`` and ``data`` for the stream unit.
    scale : In(signed(width))
        V_th, raw.
    enable : Out(1)
        The registers of the domain ``stream`` may change at the end of this cycle.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__({**delivery_signature(geometry), "scale": In(signed(geometry.format.width)), "enable": Out(1),
                          "stream_load": In(geometry.stream_load_layout())})

    def elaborate(self, platform):
        m = Module()
        g, channels = self.geometry, self.geometry.streams.channels
        m.submodules.rows = rows = memory.Memory(shape=g.lanes, depth=g.row_depth, init=[])
        m.submodules.unit = unit = StreamUnit(g)
        read = rows.read_port()
        write = rows.write_port()
        each = range(channels)
        m.d.comb += [write.addr.eq(self.load.address), write.data.eq(self.load.data), write.en.eq(self.load.en)]

        # Collect a group.
        address = Array(Signal.like(self.i.payload.address, name=f"address_{c}") for c in each)
        filled = Signal(range(channels + 1))
        walking = Signal()
        m.d.comb += self.i.ready.eq(self.go & ~walking & (filled != channels))
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [filled.eq(filled + 1), address[filled].eq(self.i.payload.address)]
            for c in each:
                with m.If(filled == c):
                    m.d.sync += unit.weights[c].eq(self.i.payload.weight)

        # Fetch: the next word of every row, while the present one is at work.
        word = Signal.like(self.word)
        moved = Signal(range(g.words + 1))
        present, following = ([Signal(g.lanes, name=f"{name}_{c}") for c in each] for name in ("present", "following"))
        channel = Signal(range(max(2, channels)))
        fetched = Signal(range(g.words + 1))
        ready = Signal()
        s1_valid = Signal()
        s1_channel = Signal.like(channel)
        s1_last = Signal()
        fetch = Signal()
        last_row = Signal()
        move = Signal()
        m.d.comb += [
            fetch.eq(walking & (fetched != g.words) & ((channel != 0) | move | (~ready & ~(s1_valid & s1_last)))),
            last_row.eq(channel + 1 == filled), read.addr.eq(address[channel]), read.en.eq(fetch),
        ]
        m.d.sync += s1_valid.eq(fetch)
        with m.If(fetch):
            m.d.sync += [address[channel].eq(address[channel] + 1), s1_channel.eq(channel), s1_last.eq(last_row), channel.eq(channel + 1)]
            with m.If(last_row):
                m.d.sync += [channel.eq(0), fetched.eq(fetched + 1)]
        with m.If(move):
            m.d.sync += ready.eq(0)
        with m.If(s1_valid):
            for c in each:
                with m.If(s1_channel == c):
                    m.d.sync += following[c].eq(read.data)
            with m.If(s1_last):
                m.d.sync += ready.eq(1)

        # Walk: the lowest target of the union.
        union = Signal(g.lanes)
        lowest = Signal(g.lanes)
        rest = Signal(g.lanes)
        for c in each:
            m.d.comb += unit.member[c].eq((present[c] & lowest).any())
            m.d.sync += present[c].eq(Mux(move, following[c], present[c] & ~lowest))
        m.d.comb += [
            union.eq(reduce(or_, present)),
            lowest.eq(union & -union), rest.eq(union ^ lowest), move.eq(ready & (rest == 0)),
            unit.start.eq(union != 0), unit.scale.eq(self.scale), unit.clear.eq(self.clear),
        ]
        with m.If(move):
            m.d.sync += [word.eq(moved), moved.eq(moved + 1)]
        with m.If(self.go & ~walking & (filled != 0) & ((filled == channels) | ~self.more)):
            m.d.sync += [walking.eq(1), fetched.eq(0), moved.eq(0), channel.eq(0), *(mask.eq(0) for mask in following)]
        with m.If(walking & (moved == g.words) & (union == 0)):
            m.d.sync += [walking.eq(0), filled.eq(0)]

        # Where the unit's results go: one register more than the unit has before its last.
        at = [(unit.start, word, lowest)]
        for k in range(StreamUnit.LATENCY):
            valid = Signal(name=f"valid_{k}")
            place = Signal.like(word, name=f"word_{k}")
            lane = Signal(g.lanes, name=f"lanes_{k}")
            m.d.sync += [valid.eq(at[-1][0]), place.eq(at[-1][1]), lane.eq(at[-1][2])]
            at.append((valid, place, lane))
        walked = Signal(StreamUnit.LATENCY - 2)  # As long as the last target may still be on its way.
        m.d.sync += walked.eq(Cat(walking, walked))
        m.d.comb += [
            self.add.eq(at[-2][0]), self.word.eq(at[-2][1]), self.bits.eq(at[-1][2]), self.weight.eq(unit.value),
            self.busy.eq(walking | (filled != 0) | walked.any()),
            self.enable.eq(Cat(valid for valid, _, _ in at[:-1]).any() | self.stream_load.en | self.clear), unit.load.eq(self.stream_load),
        ]
        with m.If(self.clear):
            m.d.sync += [walking.eq(0), filled.eq(0), ready.eq(0), s1_valid.eq(0), walked.eq(0), *(mask.eq(0) for mask in present)]
        return m
