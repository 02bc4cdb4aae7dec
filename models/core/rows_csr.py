"""Rows of a network of point neurons as words of L synapses, one a lane: what is in them, how full they are, and how long they take."""

from functools import cached_property
from typing import NamedTuple, cast

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["Packing"]


class Entries(NamedTuple):
    """Synapses, each with its place: all int64 (synapses,).

    Parameters
    ----------
    address, lane : numpy.ndarray
        Word of the row memory, and lane.
    word, delay, port, weight : numpy.ndarray
        Word of the target, steps, place of the port among those of the target, and raw weight.
    """

    address: np.ndarray
    lane: np.ndarray
    word: np.ndarray
    delay: np.ndarray
    port: np.ndarray
    weight: np.ndarray


class Packing:
    """The rows of a network for ``lanes`` lanes.

    The synapse of target j lies in lane j mod L. A row has as many words as the lane with most of its synapses needs; a source without any has none.

    Parameters
    ----------
    network : PointNetwork
    lanes : int

    Attributes
    ----------
    first, number : numpy.ndarray
        int64 (sources,): a source's first word and how many there are.
    entries : Entries
    """

    def __init__(self, network: PointNetwork, lanes: int) -> None:
        self.network, self.lanes = network, lanes
        rows = network.synapses
        sources, slots = len(rows.starts), len(rows.delays)
        counts = np.diff(rows.starts, axis=1).ravel()
        slot, source = np.repeat(np.tile(np.arange(slots), sources), counts), np.repeat(np.repeat(np.arange(sources), slots), counts)
        word, lane = np.divmod(rows.targets.astype(np.int64), lanes)
        group = source * lanes + lane
        order = np.argsort(group, kind="stable")
        sizes = np.bincount(group, minlength=sources * lanes)
        rank = np.empty(len(group), np.int64)
        rank[order] = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.number: np.ndarray = sizes.reshape(sources, lanes).max(axis=1)
        self.first: np.ndarray = np.where(self.number > 0, np.cumsum(self.number) - self.number, 0)
        self.entries = Entries(self.first[source] + rank, lane, word, rows.delays[slot], rows.ports[slot], rows.weights.astype(np.int64))

    @property
    def words(self) -> int:
        """Words of all rows."""
        return int(self.number.sum())

    @cached_property
    def efficiency(self) -> float:
        """Synapses per place for one, 0..1; 1 if there are none."""
        return len(self.entries.address) / (self.words * self.lanes) if self.words else 1.0

    def cycles(self, recording: Recording) -> int:
        """Cycles of a run in which rows are delivered: a spike or recorded event takes one for each word of its row, and at least one."""
        takes = np.maximum(1, self.number)
        return int(takes[recording.spikes[:, 1]].sum() + takes[self.network.input_events[:, 1]].sum())

    def waits(self, recording: Recording) -> int:
        """Steps in which nothing is delivered but recorded events."""
        return len(np.setdiff1d(self.network.input_events[:, 0], cast(np.ndarray, recording.spikes)[:, 0]))
