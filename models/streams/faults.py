"""Faults in the stream path: lines that are stuck at 0 or 1, and bits that flip for one window.

A line of a window is a wire, so that masks have a bit a line, and a point's windows become

    out = ((in & ~stuck0) | stuck1) ^ flips

Stuck at 1 wins over stuck at 0. Flips are a window of an encoder, with registers of their own: bit = (x_t < rate * 2^16).
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from spikegate.models.checks import real_numbers, require_type, require_whole, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.streams.encoder import PROBABILITY_BITS, WindowParams, threshold
from spikegate.models.streams.planes import WORD, window_lfsr

__all__ = ["POINTS", "apply", "PointFaults", "FaultParams", "flip_encoder", "flip_seeds"]

#: Lines of the spike stream's window, of the weight stream's window, and the bits of the count of ones.
POINTS = ("stream", "weight", "count")


@kernel
def apply(words: Any, stuck0: Any, stuck1: Any, flips: Any) -> Any:
    """``((words & ~stuck0) | stuck1) ^ flips`` on uint64 words or arrays of them; ``apply.py_func`` also on integers of any width."""
    return ((words & ~stuck0) | stuck1) ^ flips


@dataclass(frozen=True)
class PointFaults:
    """Faults at one point.

    Parameters
    ----------
    stuck0, stuck1 : int
        Masks of the lines that are stuck; bit i is line i.
    flips : int
        Threshold P of the flip of a line in a window, 0..2^16; 0 is none.
    """

    stuck0: int = 0
    stuck1: int = 0
    flips: int = 0

    def __post_init__(self) -> None:
        require_whole(self, "stuck0", "stuck1", "flips")

    def step(self, value: int, flips: int = 0) -> int:
        """The point's lines behind the fault; ``flips`` is the mask of this window."""
        behind: int = apply.py_func(value, self.stuck0, self.stuck1, flips)
        return behind


@dataclass(frozen=True)
class FaultParams:
    """Faults at all points of the stream path.

    Parameters
    ----------
    length : int
        Lines of a window, a power of two, 64 or more.
    stream, weight, count : PointFaults
        The count has log2(length) + 1 lines.

    Raises
    ------
    InputError
        With every mask that is wider than its point and every threshold outside 0..2^16.
    """

    length: int
    stream: PointFaults = field(default_factory=PointFaults)
    weight: PointFaults = field(default_factory=PointFaults)
    count: PointFaults = field(default_factory=PointFaults)

    def __post_init__(self) -> None:
        require_whole(self, "length")
        for point in POINTS:
            require_type(self, point, PointFaults)
        problems = Problems()
        problems.require(self.length >= WORD and not self.length & (self.length - 1),
                         f"Fault window length must be a power of two and at least {WORD} lines, not {self.length!r}")
        problems.raise_any()
        for point in POINTS:
            lines, faults = self.lines(point), getattr(self, point)
            for name in ("stuck0", "stuck1"):
                mask = getattr(faults, name)
                problems.require(0 <= mask < 1 << lines, f"Fault mask {name} of {point} must be in 0..2^{lines} - 1, one bit a line, not {mask:#x}")
            problems.require(0 <= faults.flips <= 1 << PROBABILITY_BITS,
                             f"Flip threshold of {point} must be in 0..2^{PROBABILITY_BITS}, not {faults.flips!r}; make it with threshold()")
        problems.raise_any()

    def lines(self, point: str) -> int:
        """Lines of a point.

        Raises
        ------
        InputError
            If there is no such point.
        """
        if point not in POINTS:
            raise InputError(f"Fault point must be one of {', '.join(POINTS)}, not {point!r}")
        return self.length.bit_length() if point == "count" else self.length

    @classmethod
    def random(cls, rate: float | Fraction, seed: int, length: int = 256, *, flip_rate: float | Fraction = 0,
               points: Iterable[str] = POINTS) -> "FaultParams":
        """Each line of ``points`` stuck with probability ``rate``, at 0 or at 1 with equal chance; each bit flipped with ``flip_rate``.

        For one seed, what is stuck at a rate is stuck in the same way at every higher rate.

        Raises
        ------
        InputError
            If a rate is outside 0..1, or there is no such point.
        """
        (rate, flip_rate), (seed,) = real_numbers(rate=rate, flip_rate=flip_rate), whole_numbers(seed=seed)
        problems, points = Problems(), tuple(points)
        for name, value in (("Stuck-at rate", rate), ("Flip rate", flip_rate)):
            problems.require(0 <= value <= 1, f"{name} must be in 0..1, not {value}; it is a probability for each line")
        problems.raise_any()
        none, found = cls(length), {}
        for point in points:
            draw, masks = random.Random(f"{seed} {point}"), [0, 0]
            for line in range(none.lines(point)):
                stuck, level = draw.random() < rate, draw.random() < 0.5
                masks[level] |= stuck << line
            found[point] = PointFaults(masks[0], masks[1], threshold(flip_rate))
        return cls(length, **found)

    @property
    def any(self) -> bool:
        """Whether there is a fault at all."""
        return any(getattr(self, point) != PointFaults() for point in POINTS)

    def words(self, point: str, name: str) -> np.ndarray:
        """The mask ``stuck0`` or ``stuck1`` of a point, packed: uint64 (length / 64), or (1,) of the count."""
        mask = getattr(getattr(self, point), name)
        return np.array([mask >> k & (1 << WORD) - 1 for k in range(0, self.lines(point), WORD)], np.uint64)

    def flip_windows(self, seed: int, first: int, count: int) -> dict[str, np.ndarray]:
        """Flips of windows ``first`` .. ``first + count - 1`` at each point: uint64 (count, length / 64), or (count, 1) of the count.

        Point k of `POINTS` has the registers 16 k .. 16 k + 15 of `flip_seeds`. The count's flips are the low lines of its window.
        """
        encoder, seeds, windows = flip_encoder(self.length), flip_seeds(seed, self.length, first + count), {}
        for k, point in enumerate(POINTS):
            starts = seeds[k * PROBABILITY_BITS:(k + 1) * PROBABILITY_BITS]
            windows[point] = encoder.run(starts, [getattr(self, point).flips] * count, first)
        windows["count"] = windows["count"][:, :1] & np.uint64(2 * self.length - 1)
        return windows


def flip_encoder(length: int) -> WindowParams:
    """The encoder of a point's flips."""
    return WindowParams(window_lfsr(length))


def flip_seeds(seed: int, length: int, windows: int, points: int = len(POINTS)) -> list[int]:
    """Start states of the registers of so many points, evenly spaced, that do not meet within ``windows`` windows.

    Raises
    ------
    InputError
        As `LfsrParams.phases`.
    """
    return window_lfsr(length).phases(seed, PROBABILITY_BITS * points, windows)
