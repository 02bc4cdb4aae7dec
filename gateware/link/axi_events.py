"""Spikes of sweep words as an AXI stream: a packet a step, of neurons and a word that ends it."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.models.link.axi import END_OF_STEP

__all__ = ["AxiEvents"]


class AxiEvents(wiring.Component):
    """A cycle for each spike, one for the end of a step, and one to take each word of a sweep, which waits meanwhile.

    Parameters
    ----------
    geometry : CoreGeometry

    Members
    -------
    i : In(stream.Signature(sweep_layout))
        Words of sweeps.
    m_axis_tdata : Out(32), m_axis_tvalid : Out(1), m_axis_tlast : Out(1), m_axis_tready : In(1)
        The stream: neurons ascending, then `END_OF_STEP` with ``tlast``.
    sent : Out(1)
        A spike is taken in this cycle.
    """

    def __init__(self, geometry: CoreGeometry) -> None:
        self.geometry = geometry
        super().__init__({"i": In(stream.Signature(geometry.sweep_layout())), "m_axis_tdata": Out(32), "m_axis_tvalid": Out(1),
                          "m_axis_tlast": Out(1), "m_axis_tready": In(1), "sent": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        left = Signal(g.lanes)
        base = Signal(32)
        last = Signal()
        lane = Signal(range(max(2, g.lanes)))
        first = Signal(g.lanes)
        exists = Signal(g.lanes)
        m.d.comb += [
            self.i.ready.eq(~self.m_axis_tvalid), self.m_axis_tvalid.eq(left.any() | last), self.m_axis_tlast.eq(~left.any()),
            self.sent.eq(left.any() & self.m_axis_tready), first.eq(left & (~left + 1)[:g.lanes]), exists.eq(~0)]
        with m.If(self.i.payload.word == g.words - 1):
            m.d.comb += exists.eq((1 << g.n - (g.words - 1) * g.lanes) - 1)
        for index in range(g.lanes):
            with m.If(first[index]):
                m.d.comb += lane.eq(index)
        with m.If(left.any()):
            m.d.comb += self.m_axis_tdata.eq(base + lane)
        with m.Else():
            m.d.comb += self.m_axis_tdata.eq(END_OF_STEP)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [left.eq(self.i.payload.spikes & exists), last.eq(self.i.payload.word == g.words - 1),
                         base.eq(self.i.payload.word * g.lanes)]
        with m.Elif(self.m_axis_tready):
            m.d.sync += left.eq(left & ~first)
            with m.If(~left.any()):
                m.d.sync += last.eq(0)
        return m
