"""The RTL of the core with stochastic synapses as an engine: a frozen network in, a recording out."""

from collections.abc import Callable
from pathlib import Path

from spikegate.cosim.engines import rtl, rtl_cocotb
from spikegate.cosim.engines.rtl import load_words
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.geometry import StreamGeometry
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.params import StreamFaults

__all__ = ["geometry", "run", "run_cocotb", "waveform"]


def geometry(network: Network, lanes: int, faults: StreamFaults | None = None) -> CoreGeometry:
    """What is compiled for a network; faults are compiled in only if there are any."""
    streams = network.require_streams()
    return CoreGeometry.of(network, lanes, StreamGeometry.of(streams, faults and faults.check(streams)))


def run(network: Network, lanes: int = 40, *, faults: StreamFaults | None = None, trace: bool = False, clock_gate: bool = True,
        progress: Callable[[float], None] | None = None) -> Recording:
    """Run the RTL in Verilator through the native driver.

    Parameters
    ----------
    network : Network
        With ``streams``.
    lanes : int
        1..N.
    faults : StreamFaults, optional
        In the path of each channel.
    trace, clock_gate, progress
        As in `spikegate.cosim.engines.rtl.run`.

    Raises
    ------
    InputError
        If lanes is outside 1..N, the network has no streams, or the faults are not for its channels and length.
    ToolMissing
        If Verilator or the compiler is absent.
    """
    g = geometry(network, lanes, faults)
    return rtl.execute(network, g, load_words(network, g, faults), trace=trace, clock_gate=clock_gate, progress=progress)


def run_cocotb(network: Network, lanes: int = 40, *, faults: StreamFaults | None = None, trace: bool = False, stall: float = 0.0, seed: int = 1,
               clock_gate: bool = True) -> Recording:
    """Run the RTL in Verilator under cocotb; the recording equals that of `run`.

    ``stall`` and ``seed`` as in `spikegate.cosim.engines.rtl_cocotb.run`."""
    g = geometry(network, lanes, faults)
    return rtl_cocotb.execute(network, g, load_words(network, g, faults), trace=trace, stall=stall, seed=seed, clock_gate=clock_gate)


def waveform(network: Network, lanes: int, first_step: int, last_step: int, path: str | Path, *, faults: StreamFaults | None = None) -> None:
    """Run the RTL again and write a VCD; as `spikegate.cosim.engines.rtl.waveform`, with the faults of the run."""
    g = geometry(network, lanes, faults)
    rtl.write_waveform(network, g, load_words(network, g, faults), first_step, last_step, path)
