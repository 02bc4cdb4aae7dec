"""When spikes are delivered: after the sweep of a step, or during it, to inputs that the sweep does not need yet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from spikegate.models.core.drives import Walk
from spikegate.models.core.overlap import turn_cycles
from spikegate.models.core.part import CoreSize, Drive, RowSource
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_store import Store
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.drive import WALK, walk_groups

__all__ = ["BATCH", "CYCLES_PER_STEP", "TAIL", "SETTLING", "Schedule", "Apart", "Overlap"]

#: Stages of a sweep behind the drive; cycles until the last spike of a sweep is ready for delivery.
TAIL, SETTLING = 3, 4
#: Cycles of a step besides those of its sweep, of the stages of the drive and of the spikes that are due.
CYCLES_PER_STEP = TAIL + SETTLING + 2
#: Steps of a run of the RTL engine, after each of which the core comes to rest.
BATCH = 512


class Schedule(Protocol):
    """When the spikes that are due are delivered."""

    @property
    def options(self) -> dict[str, bool]:
        """Keywords that choose it."""

    def problems(self, size: CoreSize, rows: RowSource) -> list[str]:
        """Why it cannot serve a core of this size with these rows."""

    def refusals(self, delay: int) -> list[str]:
        """Why it cannot run a network of this delay."""

    def phases(self, size: CoreSize, network: Network, recording: Recording, rows: RowSource, drive: Drive, events: Callable[[], np.ndarray],
               batch: int) -> dict[str, int]:
        """Cycles of a run by what they are spent on, where the core comes to rest after every ``batch`` steps."""


@dataclass(frozen=True)
class Apart:
    """Delivery after the sweep: any row source, any delay."""

    @property
    def options(self) -> dict[str, bool]:
        """Keywords that choose it."""
        return {"overlap": False}

    def problems(self, size: CoreSize, rows: RowSource) -> list[str]:
        """None."""
        return []

    def refusals(self, delay: int) -> list[str]:
        """None."""
        return []

    def phases(self, size: CoreSize, network: Network, recording: Recording, rows: RowSource, drive: Drive, events: Callable[[], np.ndarray],
               batch: int) -> dict[str, int]:
        """For each step W + 9 and the stages of the drive, where W = ceil(N / lanes), then those of `rows` and of `drive`."""
        depth = network.drive.depth
        return {"sweep of the neurons": recording.steps * size.words,
                "pipelines, filled and emptied": recording.steps * (CYCLES_PER_STEP + drive.stages(depth)),
                "delivery of spikes": rows.cycles(size, network, recording), "waits for the drive": drive.cycles(size, depth, events)}


@dataclass(frozen=True)
class Overlap:
    """Delivery during the sweep, for delays of 2 steps and more.

    A step has turns: one of whole rows (`Bitmap`), whose inputs are kept twice, or two (`Store`), in each of which half of the words is swept and
    the other half is delivered to. A turn ends when its words are on their way and its spikes are delivered; the next one follows without a gap.
    """

    #: Turn boundaries and delays below which a delivery would need spikes of its own sweep.
    LEAST_DELAY: ClassVar[int] = 2

    @property
    def options(self) -> dict[str, bool]:
        """Keywords that choose it."""
        return {"overlap": True}

    def problems(self, size: CoreSize, rows: RowSource) -> list[str]:
        """Streams have no second inputs; a store has to find time to write down the spikes of a sweep while it reads rows."""
        if isinstance(rows, Bitmap):
            return [] if rows.banks > 1 else ["Overlap of sweep and delivery needs 2 banks or more, not 1; choose other banks or leave overlap out"]
        if not isinstance(rows, Store):
            return ["Overlap of sweep and delivery is for whole rows and for a store, not for streams; leave it out"]
        words, stride, group = size.words, rows.stride(size), rows.bits // size.lanes
        if rows.bits % size.lanes or words <= group:
            return [f"Overlap with a store needs more than {group} words a sweep, not {words}; use fewer lanes or leave overlap out"]
        least, longest = min(group, (words - 1) % group + 1), max(rows.spans(size), stride) + 3
        return [] if least >= longest else [f"Overlap with a store needs {longest} words between two that it writes, and has {least}; "
                                            "use fewer lanes or leave overlap out"]

    def refusals(self, delay: int) -> list[str]:
        """Delays of one step."""
        least = self.LEAST_DELAY
        return [] if delay >= least else [f"Delay must be at least {least} steps where sweep and delivery overlap, not {delay}; "
                                          "use a longer delay, or a core without overlap"]

    def turns(self, size: CoreSize, rows: RowSource) -> tuple[int, ...]:
        """Words that are swept in each turn of a step."""
        if not isinstance(rows, Store):
            return (size.words,)
        half = 1 << (size.words - 1).bit_length() - 1
        return half, size.words - half

    def touch(self, size: CoreSize, rows: RowSource, stages: int) -> int:
        """Moves of the pipeline after which a turn's inputs may be added to: they are copied, or the last turn's words have left."""
        return stages + TAIL if isinstance(rows, Store) else stages + size.words // rows.banks

    def rest(self, stages: int) -> int:
        """Moves of the pipeline after which its last word has left."""
        return stages + TAIL

    def settled(self, stages: int) -> int:
        """Moves of the pipeline after which the spikes of the last turn are known."""
        return stages + TAIL + SETTLING + 1

    def phases(self, size: CoreSize, network: Network, recording: Recording, rows: RowSource, drive: Drive, events: Callable[[], np.ndarray],
               batch: int) -> dict[str, int]:
        """Each turn takes as long as the longer of its sweep and its delivery."""
        depth = network.drive.depth
        stages, waits = drive.stages(depth), np.zeros((recording.steps, size.words), np.int64)
        if isinstance(drive, Walk):
            found = events()
            many = np.pad(found >= WALK, ((0, 0), (0, size.words * size.lanes - found.shape[1])))
            waits[:] = many.reshape(recording.steps, size.words, size.lanes).any(axis=2) * (walk_groups(depth) - 1)
        touch = self.touch(size, rows, stages)
        turns = np.array(self.turns(size, rows))
        begin = max(touch, self.settled(stages)) if network.delay == self.LEAST_DELAY and len(turns) == 1 else touch
        delivery = rows.turn_cycles(size, network, recording, len(turns))
        total, rests, last = turn_cycles(waits, delivery, turns, stages, begin, self.rest(stages), batch)
        swept = recording.steps * size.words
        return {"sweep of the neurons": swept, "pipelines, filled and emptied": rests, "delivery of spikes, beyond the sweep": total - swept - last,
                "waits for the drive": last}
