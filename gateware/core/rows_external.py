"""Row source: rows in a memory outside of the chip, behind a stream of requests and one of responses."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.core.rows_csr import row_members

__all__ = ["MOST_BITS", "outside_members", "ExternalRows"]

#: Bits of the number of words that are on their way; no more are asked for.
MOST_BITS = 8


def outside_members(g: PointGeometry) -> dict[str, Any]:
    """Ports to a memory outside.

    Members
    -------
    request : Out(stream.Signature(address))
        The word of the row memory that is wanted next.
    response : In(stream.Signature(the payload of rows))
        Each word that was asked for, in that order.
    """
    return {"request": Out(stream.Signature(range(g.row_words))), "response": In(row_members(g)["o"].signature)}


class ExternalRows(wiring.Component):
    """Asks for a word a cycle while fewer than 255 are on their way, a new source every second cycle; what comes is given on as it comes.

    Whether a source is taken does not depend on what the memory says in the same cycle. A source without synapses is no word. A response that
    nobody waits for is not taken.

    Parameters
    ----------
    geometry : PointGeometry

    Members
    -------
    i, load, o, busy
        As `row_members`.
    request, response
        As `outside_members`.
    """

    def __init__(self, geometry: PointGeometry):
        self.geometry = geometry
        super().__init__({**row_members(geometry), **outside_members(geometry)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, load = self.geometry, self.load
        m.submodules.pointers = pointers = memory.Memory(shape=g.pointer_layout(), depth=max(2, g.sources), init=[])
        read = pointers.read_port()
        write = pointers.write_port()
        found = Signal()
        left = Signal.like(read.data.number)
        away = Signal(MOST_BITS)
        asked = Signal()
        taken = Signal()
        room = Signal()
        m.d.comb += [
            write.en.eq(load.en.pointer), write.addr.eq(load.address), write.data.eq(load.data), read.addr.eq(self.i.payload),
            read.en.eq(self.i.valid & self.i.ready), self.request.valid.eq((left != 0) & ~away.all()),
            asked.eq(self.request.valid & self.request.ready),
            self.o.payload.eq(self.response.payload), self.o.valid.eq(self.response.valid & (away != 0)),
            self.response.ready.eq(self.o.ready & (away != 0)), taken.eq(self.response.valid & self.response.ready),
            room.eq((left == 0) | ((left == 1) & asked)), self.i.ready.eq(~found), self.busy.eq(found | (left != 0) | (away != 0)),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += found.eq(1)
        with m.Elif(room):
            m.d.sync += found.eq(0)
        with m.If(room):
            m.d.sync += left.eq(0)
            with m.If(found):
                m.d.sync += [left.eq(read.data.number), self.request.payload.eq(read.data.first)]
        with m.Elif(asked):
            m.d.sync += [left.eq(left - 1), self.request.payload.eq(self.request.payload + 1)]
        m.d.sync += away.eq(away + asked - taken)
        with m.If(load.en.clear):
            m.d.sync += [found.eq(0), left.eq(0), away.eq(0)]
        return m
