"""The core of point neurons as engines besides its RTL in Verilator: under cocotb, and as the netlist that Yosys makes of it."""

from dataclasses import dataclass

from spikegate.cosim.engines import netlist, rtl_cocotb
from spikegate.cosim.engines.hardware import Stalling
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.models.network.engine import Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["PointCocotb", "PointNetlist"]


@dataclass(frozen=True)
class PointCocotb(Stalling[PointNetwork], PointRtl):
    """The RTL in Verilator under cocotb; a memory of rows outside is a Python model, which is late by chance."""

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        g, words, given = self._ready(network)
        return rtl_cocotb.execute(network, g, words, trace=trace, stall=self.stall, seed=self.seed, clock_gate=self.clock_gate, outside=given)


@dataclass(frozen=True)
class PointNetlist(PointRtl):
    """The synthesised netlist, in Verilator through the native driver; the recording is that of the RTL, its cycles too.

    Parameters
    ----------
    family : str
        One of `spikegate.cosim.toolchain.synthesis.FAMILIES`.
    seed : int
        Of what is unknown at power-up; nothing depends on it.
    """

    family: str = "ice40"
    seed: int = 1

    name, title = "netlist", "netlist"

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        g, words, given = self._ready(network)
        return netlist.execute(network, g, words, self.family, trace=trace, seed=self.seed, progress=progress, outside=given)
