"""What every frozen network says of itself: reports, pictures and commands ask for nothing else, whatever its neurons and synapses are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from spikegate.models.network.population import Population

if TYPE_CHECKING:
    from spikegate.models.network.provenance import Quantity

__all__ = ["FrozenNetwork", "next_start"]

GOLDEN_RATIO = 0x9E3779B97F4A7C15


def next_start(start: int, number: int, mask: int) -> int:
    """Another state of a register to begin with, never 0."""
    return (start + GOLDEN_RATIO * number) & mask or 1


class FrozenNetwork(ABC):
    """Base of `Network` and `PointNetwork`.

    Attributes
    ----------
    name : str
    steps, dt_ns : int
        Length of the run, and of a step in nanoseconds.
    source : Mapping
        What was asked for, in physical units.
    """

    name: str
    steps: int
    dt_ns: int
    source: Mapping[str, Any]

    @property
    @abstractmethod
    def n(self) -> int:
        """All neurons."""

    @property
    @abstractmethod
    def ranges(self) -> tuple[Population, ...]:
        """Its populations with the numbers of their neurons."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Its name for people."""

    @property
    @abstractmethod
    def variant(self) -> str:
        """What its neurons or synapses are, in a word or two."""

    @property
    @abstractmethod
    def memory(self) -> float:
        """For how many steps a membrane remembers: the longest time constant."""

    @property
    @abstractmethod
    def draws(self) -> bool:
        """Whether anything in it is random while it runs."""

    @property
    @abstractmethod
    def states(self) -> tuple[str, ...]:
        """What its neurons remember, by the names of a recording; the membrane comes first."""

    @property
    @abstractmethod
    def hash(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""

    @property
    def seconds(self) -> float:
        """Biological time of the run."""
        return self.steps * self.dt_ns * 1e-9

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """What a report says of it."""

    @abstractmethod
    def membrane(self, neuron: int) -> tuple[int, float]:
        """Raw units of a millivolt, and the threshold in mV; 0 units if the neuron has no membrane."""

    @abstractmethod
    def quantities(self) -> "list[Quantity]":
        """Its parameters in physical units: what was asked for, if it says so, and what is realised."""

    @abstractmethod
    def fixes(self) -> dict[str, str]:
        """What to do about each parameter that is not what was asked for, by its name."""

    @abstractmethod
    def warnings(self) -> list[str]:
        """A line for each parameter that is not what was asked for, with the fix."""

    @abstractmethod
    def require_consistent(self) -> None:
        """Refuse a source that contradicts the integers, with `InputError`."""

    @abstractmethod
    def reseeded(self, number: int) -> Self:
        """The same with other random numbers, another for each ``number`` from 1 on; connectivity stays."""

    def _repr_html_(self) -> str:
        """What it holds, as a table of a notebook."""
        from spikegate.models.network.shown import html_table, rows
        return html_table(self.title, rows(self))

    @abstractmethod
    def save(self, path: str | Path) -> str:
        """Write the file, whole or not at all, and return the content hash."""
