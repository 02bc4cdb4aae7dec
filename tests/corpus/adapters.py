"""All of the corpus that knows where the code lies and how an engine is called: what is edited when either changes."""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from spikegate.cosim.engines import rtl as rtl_engine
from spikegate.cosim.engines import rtl_streams as rtl_stream_engine
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.gateware.core.core import CoreGeometry
from spikegate.host import Board
from spikegate.models.core import engine as golden_engine
from spikegate.models.core import stream_engine as golden_stream_engine
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

__all__ = ["Geometry", "Network", "Overflow", "Q8_8", "Q16_12", "QFormat", "Recording", "Rounding", "StreamFaults", "hybrid", "make_faults",
           "predict", "preset", "run_golden", "run_link", "run_rtl", "translate", "with_events", "with_overflow"]


@dataclass(frozen=True)
class Geometry:
    """What is asked of a core, apart from the network."""

    lanes: int
    banks: int = 1
    store: int | None = None
    walk: bool = False
    clock_gate: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """Those that a core with weights has, and one with streams has not."""
        return {"store": self.store, "walk": self.walk, "banks": self.banks}

    def __str__(self) -> str:
        parts = {"banks": self.banks > 1, "store": self.store, "walk": self.walk}
        words = [f"{name} {getattr(self, name)}" if name != "walk" else name for name, asked in parts.items() if asked]
        return " ".join([f"lanes {self.lanes}", *words, *([] if self.clock_gate else ["enables"])])


def run_golden(network: Network, faults: StreamFaults | None) -> Recording:
    if network.streams is None:
        return golden_engine.run(network, trace=True)
    return golden_stream_engine.run(network, faults=faults, trace=True)


def run_rtl(network: Network, geometry: Geometry, faults: StreamFaults | None) -> Recording:
    if network.streams is None:
        return rtl_engine.run(network, geometry.lanes, **geometry.options, trace=True, clock_gate=geometry.clock_gate)
    return rtl_stream_engine.run(network, geometry.lanes, faults=faults, trace=True, clock_gate=geometry.clock_gate)


def run_link(network: Network, geometry: Geometry, faults: StreamFaults | None) -> Recording:
    """The recording of a Verilated board behind the host link: without ``events``."""
    g = (CoreGeometry.of(network, geometry.lanes, **geometry.options) if network.streams is None
         else rtl_stream_engine.geometry(network, geometry.lanes, faults))
    with virtual_board(g) as port, Board(port) as board:
        return board.run(network, faults=faults, trace=True)


def predict(network: Network, recording: Recording, geometry: Geometry) -> int:
    """Cycles of a core, from the golden model's recording."""
    if network.streams is None:
        return int(golden_engine.predict_cycles(network, recording, geometry.lanes, **geometry.options))
    return int(golden_stream_engine.predict_cycles(network, recording, geometry.lanes))


def with_overflow(network: Network, overflow: Overflow) -> Network:
    return network.replace(lif=dataclasses.replace(network.lif, overflow=overflow))


def with_events(network: Network) -> Network:
    """The network with its own external events recorded in it."""
    return network.replace(external=golden_engine.external_events(network))


def make_faults(network: Network, *, stuck: float = 0.0, flips: Fraction | int = 0) -> StreamFaults:
    s = network.streams
    return StreamFaults(tuple(FaultParams.random(stuck, 1 + channel, s.length, flip_rate=flips) for channel in range(s.channels)), 1)
