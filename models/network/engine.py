"""What an engine is: an object that runs a frozen network, and says beforehand what it cannot run and how closely it agrees with the others.

The options of an engine are fields of a frozen dataclass, so that it can be compared, printed and sent to a process of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.recording import Recording

__all__ = ["Agreement", "Engine", "Hardware", "Progress"]

#: Called with the finished fraction, 0..1.
Progress = Callable[[float], None]


Kind = TypeVar("Kind", bound=FrozenNetwork)


class Agreement(StrEnum):
    """How closely two engines agree, or a check holds them against each other."""

    BIT_TRUE = "bit-true"  #: every spike, state and flag of every step
    SPIKE_EXACT = "spike-exact"  #: every spike, from another simulator
    STATISTICAL = "statistical"  #: rates and the like, as random numbers or arithmetic differ


class Engine(ABC, Generic[Kind]):
    """Base of every engine, for one kind of network.

    Attributes
    ----------
    name : str
        Key in reports.
    title : str
        As people read it.
    agreement : Agreement
        With the golden model, on a network that it supports.
    traces : bool
        Whether it can record every step.
    imports : tuple of str
        Modules that take long to import: processes of engines that have the same share that time.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    agreement: ClassVar[Agreement]
    traces: ClassVar[bool] = True
    imports: ClassVar[tuple[str, ...]] = ()

    def unsupported(self, network: Kind) -> list[str]:
        """Why it cannot run the network, before any work; empty if it can."""
        return []

    @property
    def departs(self) -> str | None:
        """Why its spikes are not those of the network as it stands, such as faults; None if they are."""
        return None

    @abstractmethod
    def run(self, network: Kind, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        """Run the network, from its first step to its last.

        Parameters
        ----------
        network : FrozenNetwork
        trace : bool
            Record every step, too.
        progress : callable, optional
            Called with the finished fraction, 0..1.
        """


class Hardware(Engine[Kind]):
    """An engine that counts clock cycles, which are mostly known beforehand, and can show its wires."""

    def predicted_cycles(self, network: Kind, recording: Recording) -> int | None:
        """Clock cycles that the run of this recording has to take; None if they are not known beforehand."""
        phases = self.predicted_phases(network, recording)
        return None if phases is None else sum(phases.values())

    @abstractmethod
    def predicted_phases(self, network: Kind, recording: Recording) -> dict[str, int] | None:
        """Those by what they are spent on."""

    @abstractmethod
    def waveform(self, network: Kind, *, first: int, last: int, path: str | Path, progress: Progress | None = None) -> None:
        """Run again, and write a VCD of the steps ``first`` to ``last``, clipped to the run."""
