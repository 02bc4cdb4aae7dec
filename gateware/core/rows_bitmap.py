"""Delivery: the words of a source's row, L targets a cycle and bank, each target receiving the source's weight."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry

__all__ = ["rows_members", "Rows"]


def rows_members(g: CoreGeometry) -> dict[str, Any]:
    """Ports of whatever turns sources whose spikes are due into additions to the inputs of the lanes.

    ``i`` takes rows while ``go``, and ``more`` says that others will follow in this step. ``load`` writes words of rows.
    In the cycle after ``add``, the lanes of ``bits`` add ``weight`` to their input of ``word``: with B banks, bit b * L + l is of lane l and
    word B * ``word`` + b. ``busy`` falls after the last ``add``.
    """
    return {"i": In(stream.Signature(g.row_layout())), "go": In(1), "more": In(1), "clear": In(1),
            "load": In(data.StructLayout({"en": 1, "address": range(g.row_depth), "data": g.lanes})),
            "add": Out(1), "word": Out(range(max(2, g.bursts))), "bits": Out(g.lanes * g.banks), "weight": Out(g.total_shape()), "busy": Out(1)}


class Rows(wiring.Component):
    """Fixed-point delivery: a word of each bank a cycle, rows without a gap."""

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__(rows_members(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        m.submodules.rows = rows = memory.Memory(shape=g.lanes * g.banks, depth=max(2, g.row_depth // g.banks), init=[])
        read = rows.read_port()
        write = rows.write_port(granularity=g.lanes)
        place = (g.banks - 1).bit_length()
        address = Signal.like(self.i.payload.address)
        row_weight = Signal(signed(g.format.width))
        next_address = Signal(len(address) + 1)
        last = Signal()
        m.d.comb += [
            self.add.eq(self.go & self.busy), next_address.eq(address + 1), last.eq(self.word == g.bursts - 1),
            self.i.ready.eq(~self.busy | (self.add & last)),
            read.addr.eq(address), read.en.eq(self.add), self.bits.eq(read.data),
            write.addr.eq(self.load.address[place:]), write.data.eq(Cat(self.load.data for _ in range(g.banks))),
            write.en.eq(self.load.en << self.load.address[:place] if place else self.load.en),
        ]
        m.d.sync += self.weight.eq(row_weight)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [address.eq(self.i.payload.address), self.word.eq(0), row_weight.eq(self.i.payload.weight), self.busy.eq(1)]
        with m.Elif(self.add):
            m.d.sync += [address.eq(next_address), self.word.eq(self.word + 1), self.busy.eq(~last)]
        with m.If(self.clear):
            m.d.sync += self.busy.eq(0)
        return m
