"""Rows of a network of point neurons as words of L synapses, one a lane: what is in them, how full they are, and how long they take."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from spikegate.models.core.address_map import Load, PointOp
from spikegate.models.core.words import pack, record_bits
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

if TYPE_CHECKING:
    from spikegate.models.core.point_image import PointImage
    from spikegate.models.core.point_size import PointSize

__all__ = ["Packing", "CSR", "Csr", "pointers", "row_words"]

#: Cycles of a delivery before the first word of a recorded event.
EVENTS_AFTER = 4


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
        sources, slots = len(rows.base), len(rows.delays)
        counts = np.diff(rows.offsets.astype(np.int64), axis=1).ravel()
        slot, source = np.repeat(np.tile(np.arange(slots), sources), counts), np.repeat(np.repeat(np.arange(sources), slots), counts)
        signed = rows.packed.view(f"<i{rows.packed.itemsize}").astype(np.int64)
        word, lane = np.divmod(signed & ((1 << rows.bits) - 1), lanes)
        group = source * lanes + lane
        order = np.argsort(group, kind="stable")
        sizes = np.bincount(group, minlength=sources * lanes)
        rank = np.empty(len(group), np.int64)
        rank[order] = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.number: np.ndarray = sizes.reshape(sources, lanes).max(axis=1)
        self.first: np.ndarray = np.where(self.number > 0, np.cumsum(self.number) - self.number, 0)
        self.entries = Entries(self.first[source] + rank, lane, word, rows.delays[slot], rows.ports[slot], signed >> rows.bits)

    @property
    def words(self) -> int:
        """Words of all rows."""
        return int(self.number.sum())

    @cached_property
    def efficiency(self) -> float:
        """Synapses per place for one, 0..1; 1 if there are none."""
        return len(self.entries.address) / (self.words * self.lanes) if self.words else 1.0

    def cycles(self, recording: Recording) -> int:
        """Cycles of a run in which rows are delivered: a spike or recorded event takes one for each word of its row, and at least one.

        Events, which are looked at when the sweep has ended, cannot be delivered in the first four cycles, which pass idle unless spikes fill them.
        """
        takes, events = np.maximum(1, self.number), self.network.input_events
        spikes = np.bincount(recording.spikes[:, 0], takes[recording.spikes[:, 1]], recording.steps).astype(np.int64)
        idle = np.maximum(0, EVENTS_AFTER - spikes[np.unique(events[:, 0])])
        return int(spikes.sum() + takes[events[:, 1]].sum() + idle.sum())


def pointers(packing: Packing, size: "PointSize") -> Load:
    """Where each source's row lies."""
    rest = max(0, size.sources - len(packing.first))  # of a core for larger networks, which may have held one
    values = {"first": np.pad(packing.first, (0, rest)), "number": np.pad(packing.number, (0, rest))}
    return Load(PointOp.POINTER, pack(size.pointer_fields, values, len(values["first"])), np.arange(len(values["first"])))


def row_words(packing: Packing, size: "PointSize") -> np.ndarray:
    """Rows, with the places in them where there is no synapse: a record a lane, uint64 (words · lanes, any), word by word."""
    entries, count = packing.entries, packing.words * size.lanes
    place = entries.address * size.lanes + entries.lane
    full = {name: np.zeros(count, np.int64) for name in size.synapse_fields}
    for name, values in (("valid", np.ones(len(place), np.int64)), *zip(entries._fields[2:], entries[2:])):
        full[name][place] = values
    return pack(size.synapse_fields, full, count)


@dataclass(frozen=True)
class Csr:
    """Rows in on-chip memory.

    Parameters
    ----------
    part : int
        Bits of a record that each memory of a lane holds, as wide as a block RAM is at its best; 0 for all in one memory. What is loaded, and the
        cycles, are the same.
    """

    part: int = field(default=0, compare=False)

    name: ClassVar[str] = "csr"
    waits: ClassVar[bool] = False
    ops: ClassVar[tuple[PointOp, ...]] = (PointOp.ROW, PointOp.POINTER)

    def needs(self, image: "PointImage") -> dict[str, int]:
        """Words of all rows, and of the longest."""
        return {"row_words": max(2, image.packing.words), "row_longest": int(image.packing.number.max(initial=1))}

    def memory_bits(self, size: "PointSize") -> int:
        """Of all lanes."""
        return size.row_words * size.lanes * record_bits(size.synapse_fields)

    def loads(self, image: "PointImage", size: "PointSize") -> list[Load]:
        """Pointers and rows."""
        address, lane = np.divmod(np.arange(image.packing.words * size.lanes), size.lanes)
        return [pointers(image.packing, size), Load(PointOp.ROW, row_words(image.packing, size), address, lane)]

    def cycles(self, image: "PointImage", size: "PointSize", recording: Recording) -> int | None:
        """As `Packing.cycles`."""
        return image.packing.cycles(recording)


CSR = Csr()
