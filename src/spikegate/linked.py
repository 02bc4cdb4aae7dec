"""The core behind its host link as an engine: a board on a serial port, or a Verilated one behind a pseudo-terminal."""

from dataclasses import dataclass
from pathlib import Path

from spikegate import host
from spikegate.cosim.engines.hardware import Rtl, core_problems
from spikegate.models.core.golden import predicted_phases
from spikegate.models.errors import InputError
from spikegate.models.link.payloads import batch
from spikegate.models.network.engine import Agreement, Hardware, Progress
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.params import StreamFaults

__all__ = ["Linked"]


@dataclass(frozen=True)
class Linked(Hardware[Network]):
    """The core through its host link, which is too slow for membranes at every step.

    Parameters
    ----------
    lanes : int
        Of a Verilated board; a board on a port must have as many, unless they are 0.
    port : str, optional
        Of a board; by default it is Verilated.
    baud : int, optional
        That of the board; by default the first at which it answers.
    faults : StreamFaults, optional
        In the stream path of each channel.
    """

    lanes: int = 40
    port: str | None = None
    baud: int | None = None
    faults: StreamFaults | None = None

    name, title, agreement, traces = "rtl", "RTL", Agreement.BIT_TRUE, False

    @property
    def departs(self) -> str | None:
        return Rtl(self.lanes, faults=self.faults).departs

    def unsupported(self, network: Network) -> list[str]:
        if self.port is None:
            return Rtl(self.lanes, faults=self.faults).unsupported(network)
        problems = core_problems(network, 1)
        with host.Board(self.port, self.baud) as board:
            try:
                board.geometry(network, self.faults)
            except InputError as error:
                problems += str(error).splitlines()
            if self.lanes not in (0, board.identity.lanes):
                problems.append(f"--lanes {self.lanes} is not what the board on {self.port} has: {board.identity.lanes}; leave it out")
        return problems

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return host.run(network, self.lanes, port=self.port, baud=self.baud, faults=self.faults, trace=trace, progress=progress)

    def predicted_phases(self, network: Network, recording: Recording) -> dict[str, int]:
        said = recording.provenance
        options = {name: said[name] for name in ("n", "store", "walk", "banks", "overlap") if said.get(name)}
        if "overlap" in options:
            options["batch"] = batch(said["overlap"], said["store"])
        return predicted_phases(network, recording, said["lanes"], **options)

    def waveform(self, network: Network, *, first: int, last: int, path: str | Path, progress: Progress | None = None) -> None:
        Rtl(self.lanes or network.n, faults=self.faults).waveform(network, first=first, last=last, path=path)
