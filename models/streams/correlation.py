"""The meter of the stochastic computing correlation: how often two streams are 11, 10, 01 and 00."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from spikegate.models.checks import require_whole
from spikegate.models.errors import Problems
from spikegate.models.streams.planes import WORD
from spikegate.models.streams.scc import overlap_counts

__all__ = ["CorrelationParams"]


@dataclass(frozen=True)
class CorrelationParams:
    """Meter: two streams in windows of ``width`` positions a clock, counted over ``length`` positions.

    Parameters
    ----------
    width : int
        1 or more.
    length : int
        A multiple of width.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    width: int
    length: int

    def __post_init__(self) -> None:
        require_whole(self, "width", "length")
        problems = Problems()
        problems.require(self.width >= 1, f"Meter width must be at least 1 position, not {self.width!r}")
        problems.require(self.length >= max(self.width, 1) and self.length % max(self.width, 1) == 0,
                         f"Meter length must be a multiple of its width of {self.width!r} positions, not {self.length!r}")
        problems.raise_any()

    @property
    def windows(self) -> int:
        """Of each stream, in one result."""
        return self.length // self.width

    def run(self, a: list[int], b: list[int]) -> np.ndarray:
        """Counts of 11, 10, 01, 00, int64 (results, 4), of windows as integers of ``width`` bits; what does not fill a result is left out."""
        words, used = -(-self.width // WORD), len(a) // self.windows * self.windows
        packed = [np.frombuffer(b"".join(x.to_bytes(8 * words, "little") for x in side[:used]), "<u8").reshape(used, words) for side in (a, b)]
        return cast(np.ndarray, overlap_counts(packed[0], packed[1], self.width).reshape(-1, self.windows, 4).sum(axis=1))
