"""The core of point neurons behind its host link as an engine: a board on a serial port, or a Verilated one behind a pseudo-terminal."""

from dataclasses import dataclass
from pathlib import Path

from spikegate import point_host
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.point_rows import PointRows
from spikegate.models.core.rows_csr import CSR
from spikegate.models.errors import InputError
from spikegate.models.link.point import PointIdentity
from spikegate.models.network.engine import Agreement, Hardware, Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["PointLinked"]


@dataclass(frozen=True)
class PointLinked(Hardware[PointNetwork]):
    """The core through its host link, which is too slow for states at every step.

    Parameters
    ----------
    lanes : int
        Of a Verilated board; a board on a port must have as many, unless they are 0.
    port : str, optional
        Of a board; by default it is Verilated.
    baud : int, optional
        That of the board; by default the first at which it answers.
    rows : PointRows
        Of a Verilated board.
    """

    lanes: int = 8
    port: str | None = None
    baud: int | None = None
    rows: PointRows = CSR

    name, title, agreement, traces = "rtl", "RTL", Agreement.BIT_TRUE, False

    def unsupported(self, network: PointNetwork) -> list[str]:
        try:
            if self.port is None:
                PointIdentity.of(PointGeometry.of(network, self.lanes, self.rows))
                return []
            with point_host.PointBoard(self.port, self.baud) as board:
                board.geometry(network)
                mine = board.identity.lanes
        except InputError as error:
            return str(error).splitlines()
        return [] if self.lanes in (0, mine) else [f"--lanes {self.lanes} is not what the board on {self.port} has: {mine}; leave it out"]

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return point_host.run(network, self.lanes, self.rows, port=self.port, baud=self.baud, trace=trace, progress=progress)

    def predicted_phases(self, network: PointNetwork, recording: Recording) -> dict[str, int] | None:
        identity = PointIdentity.unpack(bytes.fromhex(recording.provenance["identity"]))
        return point_host.of_board(identity, network).phases(network, recording)

    def waveform(self, network: PointNetwork, *, first: int, last: int, path: str | Path, progress: Progress | None = None) -> None:
        PointRtl(self.lanes or min(8, network.n), rows=self.rows).waveform(network, first=first, last=last, path=path)
