"""An AXI-Lite subordinate of 32 bits: both channels of a write joined, one access at a time, for the registers behind it."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.link.axi import ADDRESS_BITS, OKAY, SLVERR

__all__ = ["AxiLite", "axi_lite_members"]


def axi_lite_members() -> dict[str, Any]:
    """Ports of the bus, by the names of its standard behind ``s_axil_``."""
    into = {"awaddr": ADDRESS_BITS, "awprot": 3, "awvalid": 1, "wdata": 32, "wstrb": 4, "wvalid": 1, "bready": 1, "araddr": ADDRESS_BITS,
            "arprot": 3, "arvalid": 1, "rready": 1}
    out = {"awready": 1, "wready": 1, "bresp": 2, "bvalid": 1, "arready": 1, "rdata": 32, "rresp": 2, "rvalid": 1}
    return {**{f"s_axil_{name}": In(width) for name, width in into.items()}, **{f"s_axil_{name}": Out(width) for name, width in out.items()}}


class AxiLite(wiring.Component):
    """A write is done when its address and its data are there, in the cycle of ``write``; a read in the cycle of ``read``.

    Members
    -------
    s_axil_...
        The bus.
    write, read : Out(1)
        For one cycle: an access is made.
    write_address, read_address : Out(12)
        Without the two lowest bits, which do not matter.
    data : Out(32), strobe : Out(4)
        Of a write.
    refused, unknown : In(1)
        In the same cycle: the write, or the read, is answered by SLVERR.
    value : In(32)
        In the same cycle: what is read.
    """

    def __init__(self) -> None:
        super().__init__({**axi_lite_members(), "write": Out(1), "read": Out(1), "write_address": Out(ADDRESS_BITS),
                          "read_address": Out(ADDRESS_BITS), "data": Out(32), "strobe": Out(4), "refused": In(1), "unknown": In(1), "value": In(32)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        addressed = Signal()
        filled = Signal()
        asked = Signal()
        m.d.comb += [
            self.s_axil_awready.eq(~addressed), self.s_axil_wready.eq(~filled), self.s_axil_arready.eq(~asked),
            self.write.eq(addressed & filled & ~self.s_axil_bvalid), self.read.eq(asked & ~self.s_axil_rvalid)]
        with m.If(self.s_axil_awvalid & self.s_axil_awready):
            m.d.sync += [addressed.eq(1), self.write_address.eq(self.s_axil_awaddr & ~3)]
        with m.If(self.s_axil_wvalid & self.s_axil_wready):
            m.d.sync += [filled.eq(1), self.data.eq(self.s_axil_wdata), self.strobe.eq(self.s_axil_wstrb)]
        with m.If(self.s_axil_arvalid & self.s_axil_arready):
            m.d.sync += [asked.eq(1), self.read_address.eq(self.s_axil_araddr & ~3)]
        with m.If(self.write):
            m.d.sync += [addressed.eq(0), filled.eq(0), self.s_axil_bvalid.eq(1), self.s_axil_bresp.eq(Mux(self.refused, SLVERR, OKAY))]
        with m.Elif(self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)
        with m.If(self.read):
            m.d.sync += [asked.eq(0), self.s_axil_rvalid.eq(1), self.s_axil_rresp.eq(Mux(self.unknown, SLVERR, OKAY)),
                         self.s_axil_rdata.eq(Mux(self.unknown, 0, self.value))]
        with m.Elif(self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        return m
