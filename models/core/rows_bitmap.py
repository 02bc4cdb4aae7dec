"""Rows as a bitmap: a bit for each source and target, one weight a source, a word of each bank a cycle."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spikegate.models.core.address_map import DATA_BITS, Load, Op
from spikegate.models.core.part import CoreSize, due_spikes, row_bits
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.params import StreamFaults

__all__ = ["Bitmap", "packed"]


def packed(rows: np.ndarray, bits: int) -> np.ndarray:
    """Bits of rows (n, any) as the data of load words of ``bits`` each, uint64 (words, words of 64 bits)."""
    words = rows.reshape(-1, bits)
    return np.packbits(np.pad(words, ((0, 0), (0, -bits % DATA_BITS))), axis=1, bitorder="little").view("<u8")


@dataclass(frozen=True)
class Bitmap:
    """A memory of bits.

    Parameters
    ----------
    banks : int
        Words of a row that are delivered in one cycle, a power of two that divides the words of a sweep and is less; each lane then keeps
        its inputs in as many memories.
    """

    gated: ClassVar[tuple[str, ...]] = ()
    banks: int = 1

    @property
    def options(self) -> dict[str, int]:
        """Keywords that choose it."""
        return {"banks": self.banks}

    def problems(self, size: CoreSize) -> list[str]:
        """As in `RowSource`."""
        words, banks = size.words, self.banks
        fits = banks == 1 or (banks in (2, 4, 8, 16) and words % banks == 0 and banks < words)
        return [] if fits else [f"Banks must be 1, 2, 4, 8 or 16, divide the {words} words of a sweep and be less, not be {banks}; "
                                "choose other banks or lanes"]

    def word_bits(self, size: CoreSize) -> int:
        """A bit for each lane."""
        return size.lanes

    def stride(self, size: CoreSize) -> int:
        """As many words as a sweep has."""
        return size.words

    def weight_bits(self, size: CoreSize) -> int:
        """As the format."""
        return size.width

    def longest(self, size: CoreSize) -> int:
        """A cycle for each word."""
        return size.words

    def cycles(self, size: CoreSize, network: Network, recording: Recording) -> int:
        """``W / banks`` for every spike that is due."""
        return size.words // self.banks * int(due_spikes(recording, network.delay).sum())

    def turn_cycles(self, size: CoreSize, network: Network, recording: Recording, turns: int) -> np.ndarray:
        """``W / banks`` for every spike that is due, in the one turn of each step, int64 (steps, 1)."""
        return size.words // self.banks * due_spikes(recording, network.delay)[:, None]

    def loads(self, size: CoreSize, network: Network, faults: StreamFaults | None) -> tuple[list[Load], list[Load]]:
        """Weights, and rows."""
        rows = row_bits(network, size, self.stride(size) * size.lanes)
        return ([Load(Op.WEIGHT, network.weights.astype(np.int64), np.arange(network.n))],
                [Load(Op.ROW, packed(rows, size.lanes), np.arange(size.n * self.stride(size)))])
