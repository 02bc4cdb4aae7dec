"""The two drives of a core: a pipelined binary search of the table, or a serial search (walk) in a quarter of the size."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikegate.models.core.part import CoreSize
from spikegate.models.numeric.drive import UNIFORM_BITS, WALK, WALK_STAGES, DriveParams, walk_groups

__all__ = ["Search", "Walk"]


@dataclass(frozen=True)
class Search:
    """A binary search, a level of the table a stage."""

    @property
    def options(self) -> dict[str, bool]:
        """Keywords that choose it."""
        return {"walk": False}

    def stages(self, depth: int) -> int:
        """One a level."""
        return depth

    def cycles(self, size: CoreSize, depth: int, events: Callable[[], np.ndarray]) -> int:
        """None: nothing waits for it."""
        return 0

    def words(self, params: DriveParams) -> list[tuple[int, int]]:
        """Address 1 is the root of the search, 2k and 2k+1 follow k."""
        words = []
        for level in range(params.depth):
            span = 1 << (params.depth - level)
            words += [((1 << level) + prefix, int(params.limits[prefix * span + span // 2 - 1])) for prefix in range(1 << level)]
        return words


@dataclass(frozen=True)
class Walk:
    """A serial search: a few comparators a lane, and further cycles for the rare large numbers of events."""

    @property
    def options(self) -> dict[str, bool]:
        """Keywords that choose it."""
        return {"walk": True}

    def stages(self, depth: int) -> int:
        """Two, whatever the table."""
        return WALK_STAGES

    def cycles(self, size: CoreSize, depth: int, events: Callable[[], np.ndarray]) -> int:
        """``2^depth / 4 - 1`` for each word of a sweep in which a neuron has 4 events or more."""
        found = events()
        many = np.pad(found >= WALK, ((0, 0), (0, size.words * size.lanes - found.shape[1]))).reshape(len(found), size.words, size.lanes)
        return (walk_groups(depth) - 1) * int(many.any(axis=2).sum())

    def words(self, params: DriveParams) -> list[tuple[int, int]]:
        """The limits in order, filled up to whole groups with limits that no number exceeds."""
        size = WALK * walk_groups(params.depth)
        return list(enumerate(params.limits.tolist() + [(1 << UNIFORM_BITS) - 1] * (size - len(params.limits))))
