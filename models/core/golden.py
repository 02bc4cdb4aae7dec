"""The golden model as an engine, for fixed-point weights and for streams; sound, or with a deliberate defect as a negative control."""

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from spikegate.models.core import engine, stream_engine
from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement, Engine, Progress
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import StreamFaults

__all__ = ["DEFECTS", "WRONG_TAPS", "Golden", "predicted_phases", "unfit_faults"]

#: Deliberate defects, and what each does.
DEFECTS = {"rounding": "rounds the leak towards minus infinity, or to nearest if it did so already",
           "threshold": "compares with > instead of >=", "tap": "moves two taps of the random generator",
           "leak": "leaks twice as much", "delay": "delivers every spike in the next step, or one step late if that is right"}
WRONG_TAPS = (64, 63, 62, 59)


def _module(network: Network) -> ModuleType:
    return stream_engine if network.streams else engine


def predicted_phases(network: Network, recording: Recording, lanes: int, **options: Any) -> dict[str, int]:
    """Clock cycles that a core of this geometry takes for the run of the recording; as `spikegate.models.core.engine.predict_phases`."""
    found: dict[str, int] = _module(network).predict_phases(network, recording, lanes, **options)
    return found


def unfit_faults(network: Network, faults: StreamFaults | None) -> list[str]:
    """Why a network cannot have these faults; empty if it can."""
    if faults is None:
        return []
    try:
        faults.check(network.require_streams())
    except InputError as error:
        return [str(error)]
    return []


def _with_defect(network: Network, defect: str) -> Network:
    lif = network.lif
    if defect == "rounding":
        lif = replace(lif, rounding=Rounding.NEAREST if lif.rounding == Rounding.FLOOR else Rounding.FLOOR)
    elif defect == "threshold":
        lif = replace(lif, threshold=lif.threshold + 1)
    elif defect == "leak":
        lif = replace(lif, leak=min(2 * lif.leak, 1 << lif.leak_fraction))
    lfsr = LfsrParams(64, WRONG_TAPS, network.lfsr.leap) if defect == "tap" else network.lfsr
    delay = (1 if network.delay > 1 else 2) if defect == "delay" else network.delay
    return network.replace(lif=lif, lfsr=lfsr, delay=delay, external=None if defect == "tap" else network.external)


@dataclass(frozen=True)
class Golden(Engine[Network]):
    """The golden model.

    Parameters
    ----------
    faults : StreamFaults, optional
        In the stream path of each channel.
    defect : str, optional
        One of `DEFECTS`; the recording still bears the network's own hash, and every comparison has to reject it.

    Raises
    ------
    InputError
        For another defect.
    """

    faults: StreamFaults | None = None
    defect: str | None = None

    name, title, agreement = "golden", "golden", Agreement.BIT_TRUE

    def __post_init__(self) -> None:
        if self.defect not in (None, *DEFECTS):
            raise InputError(f"Defect must be one of {', '.join(DEFECTS)}, not {self.defect!r}")

    def unsupported(self, network: Network) -> list[str]:
        return unfit_faults(network, self.faults)

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        options = {} if self.faults is None else {"faults": self.faults}
        ran = network if self.defect is None else _with_defect(network, self.defect)
        recording: Recording = _module(network).run(ran, trace=trace, progress=progress, **options)
        if self.defect is None:
            return recording
        return replace(recording, provenance={**recording.provenance, "network": network.hash, "defect": self.defect})
