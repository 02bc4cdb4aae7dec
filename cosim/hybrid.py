"""The RTL of the core with stochastic synapses as an engine: a frozen network in, a recording out."""

from collections.abc import Callable

from spikegate.cosim import core, core_bench
from spikegate.cosim.core import load_words
from spikegate.gateware.core import CoreGeometry
from spikegate.gateware.core_geometry import StreamGeometry
from spikegate.models.network import Network
from spikegate.models.recording import Recording
from spikegate.models.streams import StreamFaults

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
        As in `spikegate.cosim.core.run`.

    Raises
    ------
    InputError
        If lanes is outside 1..N, the network has no streams, or the faults are not for its channels and length.
    ToolMissing
        If Verilator or the compiler is absent.
    """
    g = geometry(network, lanes, faults)
    return core.execute(network, g, load_words(network, g, faults), trace=trace, clock_gate=clock_gate, progress=progress)


def run_cocotb(network: Network, lanes: int = 40, *, faults: StreamFaults | None = None, trace: bool = False, stall: float = 0.0, seed: int = 1,
               clock_gate: bool = True) -> Recording:
    """Run the RTL in Verilator under cocotb; the recording equals that of `run`. ``stall`` and ``seed`` as in `spikegate.cosim.core_bench.run`."""
    g = geometry(network, lanes, faults)
    return core_bench.execute(network, g, load_words(network, g, faults), trace=trace, stall=stall, seed=seed, clock_gate=clock_gate)


def waveform(network: Network, lanes: int, first_step: int, last_step: int, path, *, faults: StreamFaults | None = None) -> None:
    """Run the RTL again and write a VCD; as `spikegate.cosim.core.waveform`, with the faults of the run."""
    g = geometry(network, lanes, faults)
    core.write_waveform(network, g, load_words(network, g, faults), first_step, last_step, path)
