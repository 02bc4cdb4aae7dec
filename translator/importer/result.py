"""What a run of the device was, and what ends a script that is only to be frozen."""

from dataclasses import dataclass

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.translator.importer.float_network import FloatNetwork
from spikegate.translator.importer.quantise import Quantised

__all__ = ["Frozen", "Result"]


@dataclass(frozen=True)
class Result:
    """What one run of the device was.

    Attributes
    ----------
    network : PointNetwork
        The frozen integers: save them, and `spikegate sim --network` proves the hardware on them.
    recording : Recording
    quantised : Quantised
        With ``quantities`` and ``warnings``.
    agreement : str
        ``spike-exact`` with Brian2 on the same integers, or ``statistical`` with Brian2's own run, where hardware or host draw random numbers.
    overflows : int
        Neurons of which a membrane or current left its format.
    """

    floats: FloatNetwork
    quantised: Quantised
    recording: Recording

    @property
    def network(self) -> PointNetwork:
        """The frozen network."""
        return self.quantised.network

    @property
    def agreement(self) -> str:
        """How closely Brian2 agrees."""
        return "statistical" if self.network.draws or self.floats.drawn else "spike-exact"

    @property
    def overflows(self) -> int:
        """Neurons that left a format."""
        return int(np.count_nonzero(self.recording.final.get("overflow", 0)))

    @property
    def warnings(self) -> list[str]:
        """What a user should know before he trusts the spikes."""
        found = self.quantised.warnings
        if self.overflows:
            found.append(f"{self.overflows} of {self.network.n} neurons left the range of their format: give a wider one, such as format=\"q16.12\"")
        return found


class Frozen(BaseException):
    """Ends a script whose first network has been frozen, where nothing more is asked for; no `except Exception` of the script catches it."""

    def __init__(self, quantised: Quantised) -> None:
        super().__init__("the network has been frozen")
        self.quantised = quantised
