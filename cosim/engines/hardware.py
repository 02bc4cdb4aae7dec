"""The core as engines: its RTL in Verilator or under cocotb, its netlist, and what a bitstream says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikegate.cosim.engines import bitstream, netlist, rtl, rtl_cocotb, rtl_streams
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.core.engine import require_own_drive
from spikegate.models.core.golden import predicted_phases, unfit_faults
from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement, Hardware, Kind, Progress
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.params import StreamFaults

__all__ = ["Bitstream", "Cocotb", "Netlist", "Rtl", "Stalling", "core_problems"]


def core_problems(network: Network, lanes: int, **options: Any) -> list[str]:
    """Why a core of these lanes and options cannot run the network; empty if it can."""
    problems = []
    for attempt in (lambda: CoreGeometry.of(network, lanes, **options), lambda: require_own_drive(network)):
        try:
            attempt()
        except InputError as error:
            problems += str(error).splitlines()
    return problems


@dataclass(frozen=True)
class Rtl(Hardware[Network]):
    """The RTL in Verilator, through the native driver.

    Parameters
    ----------
    lanes : int
        1..N.
    store, walk, banks, overlap : optional
        As in `CoreGeometry`; the recording is the same, but for the cycles. Not with streams.
    faults : StreamFaults, optional
        In the stream path of each channel.
    clock_gate : bool
        As in `spikegate.gateware.core.core.Core`; the recording is the same.
    """

    lanes: int = 40
    store: int | None = None
    walk: bool = False
    banks: int = 1
    overlap: bool = False
    faults: StreamFaults | None = None
    clock_gate: bool = True

    name, title, agreement = "rtl", "RTL", Agreement.BIT_TRUE

    @property
    def _options(self) -> dict[str, Any]:
        return {"store": self.store, "walk": self.walk, "banks": self.banks, "overlap": self.overlap}

    @property
    def stuck(self) -> int:
        """Lines of the stream paths that are stuck."""
        return sum(mask.bit_count() for masks in self.faults.masks() for mask in masks.ravel().tolist()) if self.faults else 0

    @property
    def departs(self) -> str | None:
        return f"the RTL has faults ({self.stuck:,} lines stuck), Brian2 has none" if self.stuck else None

    def unsupported(self, network: Network) -> list[str]:
        if network.streams is None:
            return unfit_faults(network, self.faults) + core_problems(network, self.lanes, **self._options)
        core = [f"{name} must be left out for bitstream synapses, not {value}" for name, value in self._options.items()
                if value != getattr(Rtl, name)]
        return unfit_faults(network, self.faults) + core + core_problems(network, self.lanes)

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        if network.streams:
            return rtl_streams.run(network, self.lanes, faults=self.faults, trace=trace, clock_gate=self.clock_gate, progress=progress)
        return rtl.run(network, self.lanes, **self._options, trace=trace, clock_gate=self.clock_gate, progress=progress)

    def predicted_phases(self, network: Network, recording: Recording) -> dict[str, int] | None:
        return predicted_phases(network, recording, self.lanes, **self._options)

    def waveform(self, network: Network, *, first: int, last: int, path: str | Path, progress: Progress | None = None) -> None:
        if network.streams:
            rtl_streams.waveform(network, self.lanes, first, last, path, faults=self.faults)
        else:
            rtl.waveform(network, self.lanes, first, last, path)


@dataclass(frozen=True)
class Stalling(Hardware[Kind]):
    """What engines under cocotb have in common.

    Parameters
    ----------
    stall : float
        Probability that a stream pauses in a cycle, 0..1; above 0 cycles are not as predicted.
    seed : int
        Of the stalls.
    """

    stall: float = 0.0
    seed: int = 1

    name, title = "rtl_cocotb", "RTL under cocotb"

    @property
    def unpredicted(self) -> str:
        return "streams pause at random" if self.stall else super().unpredicted

    def predicted_phases(self, network: Kind, recording: Recording) -> dict[str, int] | None:
        return None if self.stall else super().predicted_phases(network, recording)  # type: ignore[safe-super]  # the core's


@dataclass(frozen=True)
class Cocotb(Stalling[Network], Rtl):
    """The RTL in Verilator under cocotb."""

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        options: dict[str, Any] = dict(trace=trace, stall=self.stall, seed=self.seed, clock_gate=self.clock_gate)
        if network.streams:
            return rtl_streams.run_cocotb(network, self.lanes, faults=self.faults, **options)
        return rtl_cocotb.run(network, self.lanes, **options)


@dataclass(frozen=True)
class Netlist(Rtl):
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

    def unsupported(self, network: Network) -> list[str]:
        return super().unsupported(network) + (["Netlists are of cores without bitstream synapses; run these as RTL"] if network.streams else [])

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return netlist.run(network, self.lanes, self.family, trace=trace, seed=self.seed, progress=progress, **self._options)


@dataclass(frozen=True)
class Bitstream(Rtl):
    """What the bitstream of the core says, for the HX8K, in Verilator through the native driver; with one lane its cycles are the RTL's.

    Parameters
    ----------
    seed, place_seed : int
        Of what is unknown at power-up, on which nothing depends, and of nextpnr.
    """

    seed: int = 1
    place_seed: int = 1

    name, title = "bitstream", "bitstream"

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        options = {name: value for name, value in self._options.items() if name != "banks"}
        return bitstream.run(network, self.lanes, trace=trace, seed=self.seed, place_seed=self.place_seed, progress=progress, **options)
