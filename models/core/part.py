"""What the parts of a core have in common: an object says what the part costs and what is loaded into it; gateware/core/parts.py makes it.

A core is composed of a row source (spikes that are due become additions to inputs), a drive (random numbers become external events) and
neurons. A new kind of one of them is a new file here and in gateware/core, and a line in gateware/core/parts.py.
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from spikegate.models.core.address_map import Load
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.streams.params import StreamFaults

__all__ = ["CoreSize", "RowSource", "Drive", "due_spikes", "row_bits"]


class CoreSize(NamedTuple):
    """Neurons and lanes of a core, and the width of its numbers."""

    n: int
    lanes: int
    width: int

    @property
    def words(self) -> int:
        """W, words of a sweep."""
        return -(-self.n // self.lanes)


class RowSource(Protocol):
    """Where the targets and weights of a spike come from.

    Members
    -------
    banks : int
        Words of a row that are delivered in one cycle.
    gated : tuple of str
        Clock domains of its own that stop while they have nothing to do.
    options : dict
        Keywords of `spikegate.cosim.engines.rtl.run` that choose it.
    """

    gated: ClassVar[tuple[str, ...]]

    @property
    def banks(self) -> int: ...

    @property
    def options(self) -> dict[str, int]: ...

    def problems(self, size: CoreSize) -> list[str]:
        """Why it cannot serve a core of this size."""

    def word_bits(self, size: CoreSize) -> int:
        """Bits of a word of a row."""

    def stride(self, size: CoreSize) -> int:
        """Words of a source's row."""

    def weight_bits(self, size: CoreSize) -> int:
        """Bits of what is kept of a source's weight."""

    def longest(self, size: CoreSize) -> int:
        """More cycles than any spike takes."""

    def cycles(self, size: CoreSize, network: Network, recording: Recording) -> int:
        """Cycles of a run besides those of the sweeps."""

    def turn_cycles(self, size: CoreSize, network: Network, recording: Recording, turns: int) -> np.ndarray:
        """Cycles of the delivery in each turn of each step, int64 (steps, turns), where it overlaps the sweep."""

    def loads(self, size: CoreSize, network: Network, faults: StreamFaults | None) -> tuple[list[Load], list[Load]]:
        """What is loaded before the neurons, and after."""


class Drive(Protocol):
    """What makes external events of random numbers; ``options`` as those of a `RowSource`."""

    @property
    def options(self) -> dict[str, bool]: ...

    def stages(self, depth: int) -> int:
        """Cycles from a number to its events, where nothing waits."""

    def cycles(self, size: CoreSize, depth: int, events: Callable[[], np.ndarray]) -> int:
        """Cycles of a run besides those stages; ``events`` gives the events of each step and neuron."""

    def words(self, params: DriveParams) -> list[tuple[int, int]]:
        """``(address, limit)`` pairs that load a table."""


def due_spikes(recording: Recording, delay: int) -> np.ndarray:
    """Number of spikes delivered at the end of each step, int64 (steps,)."""
    due = np.zeros(delay - 1 + recording.steps, np.int64)
    due[delay - 1:] = np.bincount(recording.spikes[:, 0], minlength=recording.steps)
    return due[:recording.steps]


def row_bits(network: Network, size: CoreSize, bits: int) -> np.ndarray:
    """Rows as bits, uint8 (n, bits): target i of a source at bit i."""
    source = np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))
    rows = np.zeros((size.n, bits), np.uint8)
    rows[source, network.indices] = 1
    return rows
