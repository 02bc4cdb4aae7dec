"""Row source: rows in on-chip memory as words of a synapse a lane, each with its target, delay, port and weight."""

from typing import Any, cast

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.rows_csr import Csr

__all__ = ["row_members", "CsrRows"]


def row_members(g: PointGeometry) -> dict[str, Any]:
    """Ports of whatever gives the rows of sources.

    Members
    -------
    i : In(stream.Signature(source))
    load : In(write_layout)
        Load words; it takes those of its ops, and forgets everything under way at `PointOp.CLEAR`.
    o : Out(stream.Signature(ArrayLayout(synapse_layout, lanes)))
        Words of the rows, source by source: a valid synapse is added to the input of a neuron of its lane.
    busy : Out(1)
        A source is at work.
    """
    return {"i": In(stream.Signature(range(max(2, g.sources)))), "load": In(g.write_layout()),
            "o": Out(stream.Signature(data.ArrayLayout(g.synapse_layout(), g.lanes))), "busy": Out(1)}


class CsrRows(wiring.Component):
    """A word a cycle, without a pause between sources; a row without synapses is one word without a valid one.

    A source's first word follows it by three cycles if nothing is under way.

    Parameters
    ----------
    geometry : PointGeometry

    Members
    -------
    i, load, o, busy
        As `row_members`.
    """

    def __init__(self, geometry: PointGeometry):
        self.geometry = geometry
        super().__init__(row_members(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, load = self.geometry, self.load
        m.submodules.pointers = pointers = memory.Memory(shape=g.pointer_layout(), depth=max(2, g.sources), init=[])
        pointer_read = pointers.read_port()
        pointer_write = pointers.write_port()
        s1_valid = Signal()
        s1_ready = Signal()
        take = Signal()
        active = Signal()
        empty = Signal()
        address = Signal(range(g.row_words))
        left = Signal.like(pointer_read.data.number)
        free = Signal()
        issue = Signal()
        last = Signal()
        o_empty = Signal()
        m.d.comb += [
            pointer_write.en.eq(load.en.pointer), pointer_write.addr.eq(load.address), pointer_write.data.eq(load.data),
            self.i.ready.eq(~s1_valid | s1_ready), take.eq(self.i.valid & self.i.ready), pointer_read.addr.eq(self.i.payload),
            pointer_read.en.eq(take), free.eq(~self.o.valid | self.o.ready), issue.eq(active & free), last.eq(~left[1:].any()),
            s1_ready.eq(~active | (issue & last)), self.busy.eq(s1_valid | active | self.o.valid),
        ]
        with m.If(take):
            m.d.sync += s1_valid.eq(1)
        with m.Elif(s1_ready):
            m.d.sync += s1_valid.eq(0)
        with m.If(s1_ready):
            m.d.sync += [active.eq(s1_valid), address.eq(pointer_read.data.first), left.eq(pointer_read.data.number),
                         empty.eq(pointer_read.data.number == 0)]
        with m.Elif(issue):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1)]
        with m.If(issue):
            m.d.sync += [self.o.valid.eq(1), o_empty.eq(empty)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(load.en.clear):
            m.d.sync += [s1_valid.eq(0), active.eq(0), self.o.valid.eq(0)]
        words = [self.synapses(m, lane, issue, address) for lane in range(g.lanes)]
        m.d.comb += self.o.payload.as_value().eq(Cat(Cat(word.valid & ~o_empty, word.as_value()[1:]) for word in words))
        return m

    def synapses(self, m: Module, lane: int, issue: Signal, address: Signal) -> data.View:
        """A lane's part of the word that was read last."""
        g, load = self.geometry, self.load
        if part := cast(Csr, g.rows).part:
            return self.parts(m, lane, issue, address, part)
        m.submodules[f"lane_{lane}"] = synapses = memory.Memory(shape=g.synapse_layout(), depth=g.row_words, init=[])
        read = synapses.read_port()
        write = synapses.write_port()
        m.d.comb += [read.addr.eq(address), read.en.eq(issue), write.en.eq(load.en.row & (load.lane == lane)), write.addr.eq(load.address),
                     write.data.eq(load.data)]
        return read.data

    def parts(self, m: Module, lane: int, issue: Signal, address: Signal, part: int) -> data.View:
        """The same from several memories, each with so many bits of a record, the last with the rest."""
        g, load = self.geometry, self.load
        layout = g.synapse_layout()
        found = Signal(layout, name=f"record_{lane}")
        reads = []
        for number, first in enumerate(range(0, layout.size, part)):
            width = min(part, layout.size - first)
            m.submodules[f"lane_{lane}_{number}"] = some = memory.Memory(shape=width, depth=g.row_words, init=[])
            read = some.read_port()
            write = some.write_port()
            m.d.comb += [read.addr.eq(address), read.en.eq(issue), write.en.eq(load.en.row & (load.lane == lane)), write.addr.eq(load.address),
                         write.data.eq(load.data[first:first + width])]
            reads.append(read.data)
        m.d.comb += found.as_value().eq(Cat(reads))
        return found
