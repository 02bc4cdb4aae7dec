"""Clock cycles of a core, a formula a part."""

from collections.abc import Callable

import numpy as np

from spikegate.models.core.drives import Search, Walk
from spikegate.models.core.part import CoreSize, Drive, RowSource
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_store import Store
from spikegate.models.core.rows_streams import StreamGeometry
from spikegate.models.core.schedules import BATCH, CYCLES_PER_STEP, Apart, Overlap, Schedule
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording

__all__ = ["BATCH", "CYCLES_PER_STEP", "parts", "phases", "schedule"]

APART = Apart()


def parts(streams: StreamGeometry | None = None, *, store: int | None = None, walk: bool = False, banks: int = 1) -> tuple[RowSource, Drive]:
    """Row source and drive that these keywords choose, those of `spikegate.cosim.engines.rtl.run`.

    Raises
    ------
    InputError
        If they choose more than one row source.
    """
    if store is not None and streams is not None:
        raise InputError("A store holds weights, not streams; leave out either")
    if banks != 1 and (store is not None or streams is not None):
        raise InputError("Banks serve whole rows, not a store or streams; leave out either")
    rows = streams if streams is not None else Bitmap(banks) if store is None else Store(store)
    return rows, Walk() if walk else Search()


def schedule(overlap: bool = False) -> Schedule:
    """What its keyword chooses."""
    return Overlap() if overlap else Apart()


def phases(size: CoreSize, network: Network, recording: Recording, rows: RowSource, drive: Drive,
           events: Callable[[], np.ndarray], *, schedule: Schedule = APART, batch: int = BATCH) -> dict[str, int]:
    """Cycles of a run by what they are spent on, as the schedule says.

    ``events`` gives the external events if the recording has no trace of them; ``batch`` is the number of steps that the core runs without a rest.
    """
    seen = (lambda: recording.trace["events"]) if "events" in recording.trace else events
    return schedule.phases(size, network, recording, rows, drive, seen, batch)
