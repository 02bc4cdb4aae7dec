"""Linear feedback shift register that leaps many positions in one clock, and jumps ahead to any phase.

One position: ``state' = (state << 1 | xor of the taps) mod 2^width``, tap t being bit t-1 (Fibonacci form, the
characteristic polynomial x^width + ... + 1). As long as a leap is no longer than the lowest tap, no new bit depends
on another new bit, so that a leap of k positions is one line:

    state' = (state << k | xor over taps of (state >> (tap - k)) mod 2^k) mod 2^width
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, cast

import numpy as np

from spikegate.models.checks import require_whole, whole, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel

__all__ = ["PRIMITIVE_TAPS", "LfsrParams", "leap_once"]

#: Longer leaps are for `LfsrParams.jump`.
MAX_LEAP = 1 << 16
#: For each width, the primitive polynomial of two or four taps whose lowest tap is the highest.
PRIMITIVE_TAPS = {
    3: (3, 2), 4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 8: (8, 6, 5, 4), 9: (9, 5), 10: (10, 7), 11: (11, 9),
    12: (12, 11, 8, 6), 13: (13, 12, 10, 9), 14: (14, 13, 11, 9), 15: (15, 14), 16: (16, 14, 13, 11), 17: (17, 14),
    18: (18, 17, 16, 13), 19: (19, 18, 17, 14), 20: (20, 17), 21: (21, 19), 22: (22, 21), 23: (23, 18),
    24: (24, 23, 21, 20), 25: (25, 22), 26: (26, 25, 24, 20), 27: (27, 26, 25, 22), 28: (28, 25), 29: (29, 27),
    30: (30, 29, 26, 24), 31: (31, 28), 32: (32, 30, 26, 25), 33: (33, 32, 29, 27), 34: (34, 31, 30, 26),
    35: (35, 33), 36: (36, 35, 29, 28), 37: (37, 36, 33, 31), 38: (38, 37, 33, 32), 39: (39, 35),
    40: (40, 37, 36, 35), 41: (41, 38), 42: (42, 39, 38, 35), 43: (43, 40, 39, 37), 44: (44, 42, 39, 38),
    45: (45, 44, 42, 41), 46: (46, 40, 39, 38), 47: (47, 42), 48: (48, 44, 41, 39), 49: (49, 45, 44, 43),
    50: (50, 48, 47, 46), 51: (51, 50, 48, 45), 52: (52, 49), 53: (53, 52, 51, 47), 54: (54, 51, 48, 46),
    55: (55, 54, 53, 49), 56: (56, 54, 52, 49), 57: (57, 55, 54, 52), 58: (58, 57, 53, 52), 59: (59, 57, 55, 52),
    60: (60, 59), 61: (61, 60, 59, 56), 62: (62, 59, 57, 56), 63: (63, 62), 64: (64, 63, 61, 60),
}


@kernel
def leap_once(state: Any, shifts: Any, leap: Any, low: Any, mask: Any) -> Any:
    """Leap at most min(taps) positions: ``shifts`` are tap - leap, ``low`` is 2^leap - 1, ``mask`` 2^width - 1.

    All arguments are unsigned integers of one type.
    """
    feedback = state ^ state
    for shift in shifts:
        feedback ^= state >> shift
    return ((state << leap) | (feedback & low)) & mask


@dataclass(frozen=True)
class LfsrParams:
    """A generator: polynomial and leap.

    Parameters
    ----------
    width : int
        State bits, 3..64.
    taps : tuple of int
        Descending, the first equal to width; default the entry of `PRIMITIVE_TAPS`.
    leap : int
        Positions per clock, 1..65536.

    Raises
    ------
    InputError
        If a value is out of range. That taps are primitive is the caller's claim; the table's are tested.
    """

    width: int = 64
    taps: tuple[int, ...] = ()
    leap: int = 32
    _plan: ClassVar[tuple[int, int, int, int, int, int, int, bool]]  # of an instance, but any other hint would make it a field

    def __post_init__(self) -> None:
        require_whole(self, "width", "leap")
        problems = Problems()
        problems.require(3 <= self.width <= 64, f"LFSR width must be in 3..64 bits, not {self.width!r}")
        problems.raise_any()
        try:
            taps: tuple[Any, ...] = tuple(map(whole, self.taps)) or PRIMITIVE_TAPS[self.width]
        except TypeError:
            taps = (None,)
        if None in taps:
            raise InputError(f"LFSR taps must be whole numbers, not {self.taps!r}")
        object.__setattr__(self, "taps", taps)
        descending = all(a > b for a, b in zip(taps, taps[1:]))
        problems.require(taps[0] == self.width and descending and taps[-1] >= 1,
                         f"LFSR taps must descend from {self.width} to at least 1, not {taps}")
        problems.require(1 <= self.leap <= MAX_LEAP, f"LFSR leap must be in 1..{MAX_LEAP} positions, not {self.leap!r}")
        problems.raise_any()
        # What `step` takes: tap - k of four taps, fewer being filled up with shifts that leave nothing; k, 2^k - 1, all bits, and if that is all.
        shifts = [tap - self.leap for tap in taps if tap >= self.leap] + [64] * 4
        object.__setattr__(self, "_plan", (*shifts[:4], self.leap, (1 << self.leap) - 1, self.mask, self.leap <= taps[-1] and len(taps) <= 4))

    @property
    def mask(self) -> int:
        """All state bits."""
        return (1 << self.width) - 1

    @property
    def period(self) -> int:
        """Positions until the state returns, for primitive taps."""
        return self.mask

    @property
    def chunks(self) -> tuple[int, ...]:
        """The leap, cut into pieces no longer than the lowest tap."""
        whole, rest = divmod(self.leap, self.taps[-1])
        return (self.taps[-1],) * whole + ((rest,) if rest else ())

    def step(self, state: int) -> int:
        """The state after one leap, in plain Python, as calling compiled code takes longer."""
        a, b, c, d, k, low, mask, usual = self._plan
        if usual and type(state) is int and 0 <= state <= mask:
            return (state << k | (state >> a ^ state >> b ^ state >> c ^ state >> d) & low) & mask
        state = self._state(state)
        for k in self.chunks:
            state = leap_once.py_func(state, [tap - k for tap in self.taps], k, (1 << k) - 1, mask)
        return state

    def _state(self, state: int) -> int:
        if type(state) is not int:
            state, = whole_numbers(state=state)
        if not 0 <= state <= self.mask:
            raise InputError(f"LFSR state must be in 0..2^{self.width} - 1, not {state}")
        return state

    def run(self, state: int, count: int) -> list[int]:
        """The states before each of ``count`` leaps, the given one first."""
        state, (count,), states = self._state(state), whole_numbers(count=count), []
        for _ in range(count):
            states.append(state)
            state = self.step(state)
        return states

    def jump(self, positions: int) -> tuple[int, ...]:
        """The linear map that advances a state by ``positions``: column i is where bit i goes. For `apply`."""
        return tuple(self.jumped((1 << i for i in range(self.width)), positions).tolist())

    def jumped(self, states: Iterable[int] | np.ndarray, positions: int) -> np.ndarray:
        """Where states are after so many positions, 0..2^64 - 1; uint64.

        Raises
        ------
        InputError
            For other positions, or if a state is not of this register.
        """
        positions, = whole_numbers(positions=positions)
        if not 0 <= positions < 1 << 64:
            raise InputError(f"LFSR positions must be in 0..2^64 - 1, not {positions}")
        known = isinstance(states, np.ndarray) and states.dtype == np.uint64 and states.max(initial=0) <= self.mask
        found = cast(np.ndarray, states).copy() if known else np.array([self._state(state) for state in states], np.uint64)
        _apply_all(_powers(self.width, self.taps), np.uint64(positions), found)
        return found

    def phases(self, seed: int, streams: int, steps: int) -> list[int]:
        """Start states of ``streams`` generators, evenly spaced over the period, that do not meet within ``steps`` leaps.

        Raises
        ------
        InputError
            If the windows of ``steps * leap`` positions would overlap, or the seed is 0 modulo 2^width.
        """
        seed, streams, steps = whole_numbers(seed=seed, streams=streams, steps=steps)
        problems = Problems()
        problems.require(streams >= 1, f"Streams must be at least 1, not {streams}")
        problems.raise_any()
        stride = self.period // streams
        problems.require(steps * self.leap <= stride, f"Each of {streams} streams has {stride} positions of a {self.width}-bit LFSR, "
                         f"but {steps} steps need {steps * self.leap}; use a wider LFSR or fewer steps")
        problems.require(seed & self.mask != 0, f"LFSR seed must not be 0 modulo 2^{self.width}; use any other")
        problems.raise_any()
        starts = np.empty(streams, np.uint64)
        starts[0] = seed & self.mask
        _follow(np.array(self.jump(stride), np.uint64), starts)
        return starts.tolist()


@kernel
def _apply(columns: np.ndarray, state: np.uint64) -> np.uint64:
    found = np.uint64(0)
    for i in range(len(columns)):
        found ^= columns[i] * (state >> np.uint64(i) & np.uint64(1))
    return found


@kernel
def _follow(columns: np.ndarray, states: np.ndarray) -> None:
    """Each state becomes where the map takes the one before it."""
    for k in range(1, len(states)):
        states[k] = _apply(columns, states[k - 1])


@kernel
def _apply_all(powers: np.ndarray, positions: np.uint64, states: np.ndarray) -> None:
    """Advance states, in place, by as many positions, whose bit i is worth the map ``powers[i]``."""
    for i in range(len(powers)):
        if positions >> np.uint64(i) & np.uint64(1):
            for k in range(len(states)):
                states[k] = _apply(powers[i], states[k])


@kernel
def _square(powers: np.ndarray) -> None:
    """Each map becomes the one before it, applied twice."""
    for i in range(1, len(powers)):
        for column in range(powers.shape[1]):
            powers[i, column] = _apply(powers[i - 1], powers[i - 1, column])


@lru_cache
def _powers(width: int, taps: tuple[int, ...]) -> np.ndarray:
    """Maps of 2^i positions for i = 0 .. 63, uint64 (64, width), column by column."""
    single, powers = LfsrParams(width, taps, 1), np.zeros((64, width), np.uint64)
    powers[0] = [single.step(1 << i) for i in range(width)]
    _square(powers)
    return powers


def apply(columns: tuple[int, ...], state: int) -> int:
    """Product over GF(2) of a map made by `LfsrParams.jump` and a state."""
    result = 0
    for column in columns:
        if state & 1:
            result ^= column
        state >>= 1
    return result
