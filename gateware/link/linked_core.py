"""The core behind a host link: which component a geometry is one of, and what joins the two."""

from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.gateware.core.point_core import PointCore
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.core.sources import LiveSources
from spikegate.gateware.link.link import HostLink

__all__ = ["linked_core"]


def linked_core(m: Module, link: HostLink, geometry: CoreGeometry | PointGeometry, *, clock_gate: bool = False) -> Core | PointCore:
    """The core of a geometry, joined to its link, which asks for steps; the caller makes it a submodule."""
    if isinstance(geometry, PointGeometry):
        core: Core | PointCore = PointCore(geometry, clock_gate=clock_gate, sources=LiveSources, count_bits=1)
        connect(m, link.events, core.events)
        m.d.comb += core.pending.eq(link.pending)
    else:
        core = Core(geometry, clock_gate=clock_gate, count_bits=1, ahead=link.terms.ahead)
        if link.terms.ahead:
            m.d.comb += [core.more.eq(link.more), link.again.eq(core.again)]
    connect(m, link.o, core.i)
    connect(m, core.o, link.i)
    m.d.comb += link.busy.eq(core.busy)
    return core
