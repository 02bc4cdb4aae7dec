"""Rows in one memory with their weights and the spikes under way, for parts with few or wide memories: only targets take cycles."""

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from spikegate.models.core.address_map import Load, Op
from spikegate.models.core.part import CoreSize, row_bits
from spikegate.models.core.rows_bitmap import packed
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.params import StreamFaults

__all__ = ["Store"]

#: Cycles that a step and a spike take besides those of words and rows; see `Store.cycles`.
STEP, SPIKE = 1, 4


@dataclass(frozen=True)
class Store:
    """A store.

    Parameters
    ----------
    bits : int
        Of a word of the memory, a power of two in 16..64. Neurons keep state and input in one memory too.
    """

    gated: ClassVar[tuple[str, ...]] = ()
    banks: ClassVar[int] = 1
    bits: int

    @property
    def options(self) -> dict[str, int]:
        """Keywords that choose it."""
        return {"store": self.bits}

    def problems(self, size: CoreSize) -> list[str]:
        """As in `RowSource`."""
        found = []
        if not (self.bits in (16, 32, 64) and self.bits >= size.width):
            found.append(f"Store must have words of 16, 32 or 64 bits and hold a weight of {size.width}, not {self.bits}")
        if self.bits % size.lanes:
            found.append(f"Lanes must divide the {self.bits} bits of the store's words, not be {size.lanes}")
        return found

    def word_bits(self, size: CoreSize) -> int:
        """A word of the memory."""
        return self.bits

    def stride(self, size: CoreSize) -> int:
        """Words of a row with its weight at the end."""
        return -(-(size.n + size.width) // self.bits)

    def weight_bits(self, size: CoreSize) -> int:
        """As the format."""
        return size.width

    def longest(self, size: CoreSize) -> int:
        """Two cycles for each bit of a row."""
        return 2 * self.bits * self.stride(size)

    def spans(self, size: CoreSize) -> int:
        """Words that hold a bit for each neuron."""
        return -(-size.n // self.bits)

    def row_cycles(self, size: CoreSize, network: Network) -> np.ndarray:
        """Cycles that each source's row takes, int64 (n,): for each word, as many as the lane with most targets there has, at least 1."""
        return cast(np.ndarray, self.word_cycles(size, network).sum(axis=1))

    def word_cycles(self, size: CoreSize, network: Network) -> np.ndarray:
        """Cycles of each word of each source's row, int64 (n, stride)."""
        words, lanes = self.stride(size), size.lanes
        source = np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))
        target = network.indices.astype(np.int64)
        place = (source * words + target // self.bits) * lanes + target % lanes
        counts = np.bincount(place, minlength=network.n * words * lanes).reshape(network.n, words, lanes)
        return cast(np.ndarray, np.maximum(1, counts.max(axis=2)))

    def cut(self, size: CoreSize) -> int:
        """Words of a row for the lower half of the words of a sweep, the largest power of two below them."""
        return (1 << (size.words - 1).bit_length() - 1) * size.lanes // self.bits

    def turn_cycles(self, size: CoreSize, network: Network, recording: Recording, turns: int) -> np.ndarray:
        """As `cycles`, of the upper half of the rows for the present step, then of the lower half for the next one, which takes a cycle more for each
        spike: its weight is in the upper half."""
        words, cut = self.word_cycles(size, network), self.cut(size)
        step, source = recording.spikes.T.astype(np.int64)
        spans = np.unique(step * network.n + source // self.bits) // network.n
        found = np.zeros((recording.steps, turns), np.int64)
        for turn, (row, late) in enumerate(((words[:, cut:].sum(axis=1), network.delay), (words[:, :cut].sum(axis=1) + 1, network.delay - 1))):
            each = np.bincount(step, (SPIKE + row)[source], recording.steps) + np.bincount(spans, minlength=recording.steps)
            found[late:, turn] = (each + self.spans(size) + 1)[:max(0, recording.steps - late)]
        return found + STEP

    def cycles(self, size: CoreSize, network: Network, recording: Recording) -> int:
        """1 a step; from step delay - 1 on ceil(N / bits) + 1, 1 for each word among whose neurons spikes are due, and for each spike 4 and
        those of its row."""
        first = network.delay - 1
        step, source = recording.spikes[recording.spikes[:, 0] < recording.steps - first].T
        seen = len(np.unique(step.astype(np.int64) * network.n + source // self.bits))
        return int(recording.steps * STEP + max(0, recording.steps - first) * (self.spans(size) + 1) + seen
                   + (SPIKE + self.row_cycles(size, network)[source]).sum())

    def loads(self, size: CoreSize, network: Network, faults: StreamFaults | None) -> tuple[list[Load], list[Load]]:
        """Rows, each with its weight."""
        rows = row_bits(network, size, self.stride(size) * self.bits)
        rows[:network.n, -size.width:] = network.weights.astype(np.int64)[:, None] >> np.arange(size.width) & 1
        return [], [Load(Op.ROW, packed(rows, self.bits), np.arange(size.n * self.stride(size)))]
