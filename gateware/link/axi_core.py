"""A network core with AXI-Lite registers and its spikes as an AXI stream, as models/link/axi.py."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.gateware.link.axi_events import AxiEvents
from spikegate.gateware.link.axi_lite import AxiLite, axi_lite_members
from spikegate.models.link.axi import DATA, VERSION, Register

__all__ = ["AxiCore"]


class AxiCore(wiring.Component):
    """A core of Brunel's network that a bus master loads and runs: a load word for each write of `Register.OP`.

    Parameters
    ----------
    geometry : CoreGeometry

    Members
    -------
    s_axil_...
        The AXI-Lite bus, addresses as `Register`, data of a load word from 0x40 on.
    m_axis_tdata : Out(32), m_axis_tvalid : Out(1), m_axis_tlast : Out(1), m_axis_tready : In(1)
        Spikes, a packet a step: neurons ascending, then 0xFFFFFFFF with ``tlast``. The core waits for the stream.
    busy : Out(1)
        A run is under way.
    """

    def __init__(self, geometry: CoreGeometry) -> None:
        self.geometry, self.data_words = geometry, geometry.lane_bits // 32
        super().__init__({**axi_lite_members(), "m_axis_tdata": Out(32), "m_axis_tvalid": Out(1), "m_axis_tlast": Out(1), "m_axis_tready": In(1),
                          "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        m.submodules.core = core = Core(g)
        m.submodules.bus = bus = AxiLite()
        m.submodules.events = events = AxiEvents(g)
        connect(m, core.o, events.i)
        pending = Signal()
        op = Signal(8)
        lane = Signal(16)
        address = Signal(32)
        data = [Signal(32, name=f"data_{k}") for k in range(self.data_words)]
        sent = Signal(32)
        high = Signal(16)
        load = core.i.payload
        m.d.comb += [
            *(getattr(bus, name).eq(getattr(self, name)) for name, member in axi_lite_members().items() if member.flow == In),
            *(getattr(self, name).eq(getattr(bus, name)) for name, member in axi_lite_members().items() if member.flow == Out),
            *(getattr(self, name).eq(getattr(events, name)) for name in ("m_axis_tdata", "m_axis_tvalid", "m_axis_tlast")),
            events.m_axis_tready.eq(self.m_axis_tready), self.busy.eq(core.busy), core.i.valid.eq(pending), load.op.eq(op), load.lane.eq(lane),
            load.address.eq(address), load.data.eq(Cat(data))]
        with m.If(core.i.valid & core.i.ready):
            m.d.sync += pending.eq(0)
        with m.If(events.sent):
            m.d.sync += sent.eq(sent + 1)
        with m.If(bus.read & (bus.read_address == Register.CYCLES)):
            m.d.sync += high.eq(core.cycles[32:])

        written = {Register.LANE: lane, Register.ADDRESS: address, **{DATA + 4 * k: word for k, word in enumerate(data)}}
        read = {Register.VERSION: VERSION, Register.NEURONS: g.n, Register.LANES: g.lanes, Register.STATUS: Cat(core.busy, pending),
                Register.CYCLES: core.cycles[:32], Register.CYCLES_HIGH: high, Register.EVENTS: sent, **written}
        m.d.comb += [bus.unknown.eq(1), bus.refused.eq(1)]
        with m.Switch(bus.read_address):
            for at, value in read.items():
                with m.Case(int(at)):
                    m.d.comb += [bus.value.eq(value), bus.unknown.eq(0)]
        with m.Switch(bus.write_address):
            for at, register in written.items():
                with m.Case(int(at)):
                    # The load word that waits is made of these.
                    m.d.comb += bus.refused.eq(pending)
                    for byte in range(len(register) // 8):
                        with m.If(bus.write & bus.strobe[byte] & ~pending):
                            m.d.sync += register[8 * byte:8 * byte + 8].eq(bus.data[8 * byte:8 * byte + 8])
            with m.Case(int(Register.OP)):
                m.d.comb += bus.refused.eq(pending | ~bus.strobe[0])
                with m.If(bus.write & bus.strobe[0] & ~pending):
                    m.d.sync += [pending.eq(1), op.eq(bus.data)]
        return m
