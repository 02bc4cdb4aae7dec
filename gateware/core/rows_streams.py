"""Delivery by bitstreams: every spike that is due meets a stream of its source's weight at each of its targets.

Up to C rows, the channels, are walked side by side, a word at a time, and each target in their union takes one cycle of the
stream unit: one window of L bits a channel, compared, gated, counted, added and scaled, in a pipeline of four registers.
"""

from functools import reduce
from operator import or_
from typing import cast

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.delivery import ListedDelivery
from spikegate.gateware.core.geometry import CoreGeometry, Param, StreamGeometry
from spikegate.gateware.core.rows_bitmap import rows_members
from spikegate.gateware.core.stream_unit import StreamUnit, stream_load_layout
from spikegate.models.core.address_map import DATA_BITS, OF_STREAMS

__all__ = ["StreamRows", "StreamDelivery"]


class StreamRows(wiring.Component):
    """Stochastic delivery.

    A group of f rows takes ``2 f + 4`` cycles, and for each word the larger of its targets and f + 1 (for the last: its targets).

    Members
    -------
    stream_load : In
        ``en``, ``op``, ``address`` and ``data`` for the stream unit.
    scale : In(signed(width))
        V_th, raw.
    enable : Out(1)
        The registers of the domain ``stream`` may change at the end of this cycle.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry, self.channels = geometry, cast(StreamGeometry, geometry.rows).channels
        super().__init__({**rows_members(geometry), "scale": In(signed(geometry.format.width)), "enable": Out(1),
                          "stream_load": In(stream_load_layout())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, each = self.geometry, range(self.channels)
        m.submodules.rows = rows = memory.Memory(shape=g.lanes, depth=g.row_depth, init=[])
        m.submodules.unit = unit = StreamUnit(g)
        write = rows.write_port()
        address = Array(Signal.like(self.i.payload.address, name=f"address_{c}") for c in each)
        filled = Signal(range(self.channels + 1))
        walking = Signal()
        word = Signal.like(self.word, name="word_at_hand")
        moved = Signal(range(g.words + 1))
        present = [Signal(g.lanes, name=f"present_{c}") for c in each]
        union = Signal(g.lanes)
        lowest = Signal(g.lanes)
        rest = Signal(g.lanes)
        move = Signal()
        begin = Signal()
        m.d.comb += [write.addr.eq(self.load.address), write.data.eq(self.load.data), write.en.eq(self.load.en),
                     self.i.ready.eq(self.go & ~walking & (filled != self.channels)),
                     begin.eq(self.go & ~walking & (filled != 0) & ((filled == self.channels) | ~self.more))]
        # Collect a group.
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [filled.eq(filled + 1), address[filled].eq(self.i.payload.address)]
            for c in each:
                with m.If(filled == c):
                    m.d.sync += unit.weights[c].eq(self.i.payload.weight)
        read = rows.read_port()
        following, ready = self.fetch(m, read, address, walking, filled, move, begin)

        # Walk: the lowest target of the union.
        for c in each:
            m.d.comb += unit.member[c].eq((present[c] & lowest).any())
            m.d.sync += present[c].eq(Mux(move, following[c], present[c] & ~lowest))
        m.d.comb += [
            union.eq(reduce(or_, present)),
            lowest.eq(union & -union), rest.eq(union ^ lowest), move.eq(ready & (rest == 0)),
            unit.start.eq(union != 0), unit.scale.eq(self.scale), unit.clear.eq(self.clear), unit.load.eq(self.stream_load),
        ]
        with m.If(move):
            m.d.sync += [word.eq(moved), moved.eq(moved + 1)]
        with m.If(begin):
            m.d.sync += [walking.eq(1), moved.eq(0)]
        with m.If(walking & (moved == g.words) & (union == 0)):
            m.d.sync += [walking.eq(0), filled.eq(0)]
        walked = self.place(m, unit, word, lowest, walking)
        m.d.comb += self.busy.eq(walking | (filled != 0) | walked.any())
        with m.If(self.clear):
            m.d.sync += [walking.eq(0), filled.eq(0), walked.eq(0), *(mask.eq(0) for mask in present)]
        return m

    def fetch(self, m: Module, read: memory.ReadPort, address: Array, walking: Value, filled: Signal, move: Signal,
              begin: Signal) -> tuple[list[Signal], Signal]:
        """The next word of every row, while the present one is at work; and that it is there."""
        g, each = self.geometry, range(self.channels)
        following = [Signal(g.lanes, name=f"following_{c}") for c in each]
        channel = Signal(range(max(2, self.channels)))
        fetched = Signal(range(g.words + 1))
        ready = Signal()
        s1_valid = Signal()
        s1_channel = Signal.like(channel)
        s1_last = Signal()
        fetch = Signal()
        last_row = Signal()
        mine = [Signal(name=f"row_of_{c}") for c in each]
        m.d.comb += [row.eq(s1_channel == c) for c, row in enumerate(mine)]
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
                with m.If(mine[c]):
                    m.d.sync += following[c].eq(read.data)
            with m.If(s1_last):
                m.d.sync += ready.eq(1)
        with m.If(begin):
            m.d.sync += [fetched.eq(0), channel.eq(0), *(mask.eq(0) for mask in following)]
        with m.If(self.clear):
            m.d.sync += [ready.eq(0), s1_valid.eq(0)]
        return following, ready

    def place(self, m: Module, unit: StreamUnit, word: Signal, lowest: Signal, walking: Signal) -> Signal:
        """Where the unit's results go: one register more than the unit has before its last. Returns whether a target may still be on its way."""
        at = [(unit.start, word, lowest)]
        for k in range(StreamUnit.LATENCY):
            valid = Signal(name=f"valid_{k}")
            place = Signal.like(word, name=f"word_{k}")
            lane = Signal(self.geometry.lanes, name=f"lanes_{k}")
            m.d.sync += [valid.eq(at[-1][0]), place.eq(at[-1][1]), lane.eq(at[-1][2])]
            at.append((valid, place, lane))
        walked = Signal(StreamUnit.LATENCY - 2)
        m.d.sync += walked.eq(Cat(walking, walked))
        m.d.comb += [
            self.add.eq(at[-2][0]), self.word.eq(at[-2][1]), self.bits.eq(at[-1][2]), self.weight.eq(unit.value),
            self.enable.eq(Cat(valid for valid, _, _ in at[:-1]).any() | self.stream_load.en | self.clear),
        ]
        return walked


class StreamDelivery(ListedDelivery):
    """Spike list and `StreamRows`, with the scale and the loads of the stream unit."""

    def __init__(self, geometry: CoreGeometry):
        super().__init__(geometry, StreamRows)

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        load, ops = self.load, self.load.en
        scale = Signal(signed(self.geometry.format.width))
        with m.If(ops.param & (load.address == Param.SCALE.value)):
            m.d.sync += scale.eq(load.data)
        m.d.comb += [
            self.rows.scale.eq(scale), self.stream_enable.eq(self.rows.enable), self.rows.stream_load.eq(Cat(
                Cat(ops[op.name.lower()] for op in OF_STREAMS).any(), load.op, load.address[:16], load.data[:DATA_BITS])),
        ]
        return m
