"""Rows whose synapses are streams of bits: up to C rows are walked side by side, and each target in their union takes one window."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from spikegate.models.core.address_map import Load, Op, Param, flip_rate, stream_register, stuck_word
from spikegate.models.core.part import CoreSize, row_bits
from spikegate.models.core.rows_bitmap import packed
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import POINTS
from spikegate.models.streams.params import Generator, StreamFaults, StreamParams, Windows

__all__ = ["StreamGeometry", "group_cycles"]

#: Cycles that a step with spikes takes besides those of its groups.
STEP = 2


@kernel
def group_cycles(sources: np.ndarray, first: int, last: int, indptr: np.ndarray, indices: np.ndarray, channels: int, lanes: int, words: int) -> int:
    """Cycles of the groups that ``sources[first:last]`` make."""
    cycles, member = 0, np.zeros(words * lanes, np.uint8)
    for group in range(first, last, channels):
        filled = min(channels, last - group)
        member[:] = 0
        for source in sources[group:group + filled]:
            member[indices[indptr[source]:indptr[source + 1]]] = 1
        cycles += 2 * filled + 4
        for w in range(words):
            targets = np.int64(member[w * lanes:(w + 1) * lanes].sum())
            cycles += max(targets, filled + 1) if w < words - 1 else targets  # type: ignore[assignment, operator]
    return cycles


@dataclass(frozen=True)
class StreamGeometry(Windows):
    """What is compiled in of stochastic synapses; as in `StreamParams`, and which kinds of fault there can be."""

    gated: ClassVar[tuple[str, ...]] = ("stream",)
    banks: ClassVar[int] = 1
    generator: Generator
    length: int
    channels: int
    lfsr: LfsrParams
    dimensions: tuple[int, ...]
    stuck: bool = False
    flips: bool = False

    @classmethod
    def of(cls, streams: StreamParams, faults: StreamFaults | None = None) -> "StreamGeometry":
        """The geometry that runs these streams."""
        faults = faults or StreamFaults.none(streams)
        return cls(streams.generator, streams.length, streams.channels, streams.lfsr, streams.dimensions, faults.stuck, faults.flips)

    @property
    def options(self) -> dict[str, int]:
        """None: it is chosen by the engine, `spikegate.cosim.engines.rtl_streams`."""
        return {}

    def problems(self, size: CoreSize) -> list[str]:
        """None."""
        return []

    def word_bits(self, size: CoreSize) -> int:
        """A bit for each lane."""
        return size.lanes

    def stride(self, size: CoreSize) -> int:
        """As many words as a sweep has."""
        return size.words

    def weight_bits(self, size: CoreSize) -> int:
        """A probability, 0..2^16, and the sign."""
        return PROBABILITY_BITS + 2

    def longest(self, size: CoreSize) -> int:
        """A target takes a cycle each, beside those of its word."""
        return size.words * (size.lanes + 2)

    def cycles(self, size: CoreSize, network: Network, recording: Recording) -> int:
        """2 for a step with spikes, and for each group of f of them 2 f + 4, the targets of its last word, and for each other word the larger of
        f + 1 and its targets."""
        spikes = recording.spikes
        starts = np.searchsorted(spikes[:, 0], np.arange(network.steps + 2 - network.delay))  # later ones are delivered after the run
        indptr, indices, total = network.indptr.astype(np.int64), network.indices.astype(np.int64), 0
        for first, last in pairwise(starts):
            if last > first:
                total += STEP + group_cycles(spikes[:, 1], first, last, indptr, indices, self.channels, size.lanes, size.words)
        return int(total)

    def turn_cycles(self, size: CoreSize, network: Network, recording: Recording, turns: int) -> np.ndarray:
        """Not with streams.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError("Overlap of sweep and delivery is not for streams; leave it out")

    def loads(self, size: CoreSize, network: Network, faults: StreamFaults | None) -> tuple[list[Load], list[Load]]:
        """Scale and weights; then states of all registers, faults as far as they are compiled in, and rows."""
        streams = network.require_streams()
        weights = streams.probabilities.astype(np.uint64) | (network.weights < 0).astype(np.uint64) << np.uint64(PROBABILITY_BITS + 1)
        rows = row_bits(network, size, self.stride(size) * size.lanes)
        return ([Load(Op.PARAM, np.array([streams.scale]), Param.SCALE), Load(Op.WEIGHT, weights, np.arange(network.n))],
                [*self._registers(network, faults or StreamFaults.none(streams)),
                 Load(Op.ROW, packed(rows, size.lanes), np.arange(size.n * self.stride(size)))])

    def _registers(self, network: Network, faults: StreamFaults) -> list[Load]:
        seeds = network.require_streams().seeds.astype(np.uint64)
        parts = [Load(Op.STREAM_SEED, seeds, np.arange(len(seeds)))] if len(seeds) else []
        if self.stuck:
            parts += [Load(Op.STREAM_STUCK, np.array([mask]), stuck_word(channel, level, point, word))
                      for level, masks in enumerate(faults.masks()) for (channel, point, word), mask in np.ndenumerate(masks)]
        if self.flips:
            seeds = np.array(faults.seeds(network.max_windows), np.uint64)
            rates = [flip_rate(channel, point) for channel in range(self.channels) for point in range(len(POINTS))]
            parts += [Load(Op.STREAM_SEED, seeds, stream_register(self.channels) + np.arange(len(seeds))),
                      Load(Op.STREAM_RATE, np.array(faults.thresholds, np.uint64), rates)]
        return parts
