"""The RTL of the core of point neurons as an engine: a `PointNetwork` in, a recording out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikegate.cosim.engines import rtl
from spikegate.cosim.engines.words import Outside, load_array, memory_words, outside, states
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.point_loads import point_loads
from spikegate.models.core.point_rows import PointRows
from spikegate.models.core.rows_csr import CSR
from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement, Hardware, Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["PointRtl", "load_words", "memory_words", "states"]


def load_words(network: PointNetwork, geometry: PointGeometry) -> np.ndarray:
    """Everything that makes the core ready to run a network."""
    return np.concatenate([load_array(geometry, part) for part in point_loads(network, geometry)])


@dataclass(frozen=True)
class PointRtl(Hardware[PointNetwork]):
    """The RTL of the core of point neurons in Verilator, through the native driver.

    Parameters
    ----------
    lanes : int
        1..N.
    geometry : PointGeometry, optional
        What is compiled, of as many lanes; by default what the network needs. The recording is the same, but for the cycles if it has a deeper drive.
    clock_gate : bool
        As in `spikegate.gateware.core.point_core.PointCore`; the recording is the same.
    latency, memory_seed : int
        Of external rows: by how many cycles the memory is late at most, and what decides by how many, not 0; the recording is the same.
    rows : PointRows
        Where the core finds its synapses, without a geometry; the recording is the same, but for the cycles.
    """

    lanes: int = 8
    geometry: PointGeometry | None = None
    clock_gate: bool = True
    rows: PointRows = CSR
    latency: int = 0
    memory_seed: int = 1

    name, title, agreement = "rtl", "RTL", Agreement.BIT_TRUE

    def unsupported(self, network: PointNetwork) -> list[str]:
        try:
            return self._geometry(network).problems(network)
        except InputError as error:
            return str(error).splitlines()

    def _geometry(self, network: PointNetwork) -> PointGeometry:
        if not isinstance(network, PointNetwork):
            raise InputError(f"Network must be a PointNetwork, not {type(network).__name__}; make one with PointNetwork.of")
        return self.geometry or PointGeometry.of(network, self.lanes, self.rows)

    def _ready(self, network: PointNetwork) -> tuple[PointGeometry, np.ndarray, Outside]:
        """What is compiled, what is loaded into it, and what it is given while it runs.

        Raises
        ------
        InputError
            If it does not run the network.
        """
        g = self._geometry(network)
        if problems := g.problems(network):
            raise InputError("\n".join(problems))
        return g, load_words(network, g), outside(network, g, self.latency, self.memory_seed)

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        """Run the network, as `Engine.run`; trace and final state as the golden model's, but for the streams, which the core does not show."""
        g, words, given = self._ready(network)
        return rtl.execute(network, g, words, trace=trace, clock_gate=self.clock_gate, progress=progress, outside=given)

    def predicted_phases(self, network: PointNetwork, recording: Recording) -> dict[str, int] | None:
        return self._geometry(network).phases(network, recording)

    def waveform(self, network: PointNetwork, *, first: int, last: int, path: str | Path,
                 progress: Progress | None = None) -> None:
        g, words, given = self._ready(network)
        rtl.write_waveform(network, g, words, first, last, path, given)
