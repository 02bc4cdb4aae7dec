"""Encoders: a probability becomes a stream of bits, bit t = (x_t < P), one at a time or in windows of L positions.

x_t is a number of ``bits`` bits from an LFSR, a Sobol sequence or a counter, and the threshold P is in 0..2^bits, so that
0 gives no ones and 2^bits nothing but ones, whatever the numbers are.

Because each aligned window of a Sobol sequence has numbers whose upper log2(L) bits take each value once, it holds
floor(P * L / 2^bits) or one more ones, exactly that many if P * L / 2^bits is an integer, and the windows of a period P.
"""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from spikegate.models.checks import real, require_whole, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import DigitalSequence
from spikegate.models.streams.planes import WORD, below_each, lfsr_planes, require_window, sobol_planes

__all__ = ["PROBABILITY_BITS", "threshold", "EncoderParams", "WindowParams"]

PROBABILITY_BITS = 16


def threshold(p: float | Fraction, bits: int = PROBABILITY_BITS) -> int:
    """round(p * 2^bits), halves up, exactly computed: 0..2^bits.

    Raises
    ------
    InputError
        If p is outside 0..1.
    """
    if type(p) is not float and (found := real(p)) is not None:
        p = found
    if not (isinstance(p, (int, float, Fraction)) and 0 <= p <= 1):
        raise InputError(f"Probability must be in 0..1, not {p if isinstance(p, Fraction) else reprlib.repr(p)}; "
                         "scale it into that range first")
    return (int(p * (2 << bits)) + 1) // 2  # exact, as the factor is a power of two


class _Encoder:
    source: LfsrParams | DigitalSequence
    bits: int

    def check(self) -> Problems:
        """What is wrong with source and bits."""
        require_whole(self, "bits")
        problems, source = Problems(), self.source
        problems.require(isinstance(source, (LfsrParams, DigitalSequence)),
                         f"Encoder source must be an LFSR, a Sobol sequence or a counter, not {source}")
        problems.raise_any()
        if isinstance(source, DigitalSequence):
            problems.require(self.bits == source.bits, f"Encoder bits must be the {source.bits} bits of its source, not {self.bits!r}")
        problems.require(1 <= self.bits <= 32, f"Encoder bits must be in 1..32, not {self.bits!r}")
        return problems

    @property
    def start_bits(self) -> int:
        """Of a start: the width of an LFSR, or the bits of an index that counts leaps (0 if there is but one)."""
        return self.source.width if isinstance(self.source, LfsrParams) else self.source.index_bits

    def require_thresholds(self, thresholds: Sequence[int] | np.ndarray) -> np.ndarray:
        """They, as int64, if all are in 0..2^bits."""
        thresholds = np.asarray(thresholds)
        if thresholds.size and thresholds.dtype.kind not in "iu":
            raise InputError(f"Thresholds must be whole numbers, not {reprlib.repr(thresholds.tolist())}; make them with threshold()")
        thresholds = thresholds.astype(np.int64, copy=False)
        if thresholds.size and not 0 <= thresholds.min() <= thresholds.max() <= 1 << self.bits:
            raise InputError(f"Thresholds must be in 0..2^{self.bits}, not {thresholds.min()}..{thresholds.max()}; make them with threshold()")
        return thresholds


@dataclass(frozen=True)
class EncoderParams(_Encoder):
    """Serial encoder: one number and one bit a clock.

    Parameters
    ----------
    source : LfsrParams, SobolParams or CounterParams
        Gives one number each leap; an LFSR the low bits of its state, the seed first.
    bits : int
        Of a number, 1..32: those of the source, or at most the width of an LFSR.

    Raises
    ------
    InputError
        If the source has not these bits.
    """

    source: LfsrParams | DigitalSequence
    bits: int = PROBABILITY_BITS

    def __post_init__(self) -> None:
        problems = self.check()
        if isinstance(self.source, LfsrParams):
            problems.require(self.bits <= self.source.width, f"Encoder bits must be at most the LFSR's {self.source.width}, not {self.bits!r}")
        problems.raise_any()

    def run(self, start: int, threshold: int, count: int) -> np.ndarray:
        """``count`` bits, uint8, from a seed or an index in leaps."""
        numbers = self.source.run(start, count)
        if isinstance(self.source, LfsrParams):
            numbers = np.array(numbers, np.uint64) & np.uint64((1 << self.bits) - 1)
        return (np.asarray(numbers, np.int64) < self.require_thresholds(np.array(threshold))).astype(np.uint8)


@dataclass(frozen=True)
class WindowParams(_Encoder):
    """Parallel encoder: a window of ``source.leap`` positions a clock.

    Parameters
    ----------
    source : LfsrParams, SobolParams or CounterParams
        One register a plane, or the numbers of all positions; its leap is the length of a window, a power of two, 64 or more.
    bits : int
        Planes, 1..32; those of the source unless it is an LFSR.

    Raises
    ------
    InputError
        If the source has not these bits, or its leap is no such power of two or longer than its period.
    """

    source: LfsrParams | DigitalSequence
    bits: int = PROBABILITY_BITS

    def __post_init__(self) -> None:
        problems = self.check()
        require_window(self.length)
        problems.require(self.length <= self.source.period,
                         f"Window length must be at most the period of {self.source.period} positions, not {self.length}; use a wider LFSR")
        problems.raise_any()

    @property
    def length(self) -> int:
        """Positions of a window."""
        return self.source.leap

    def planes(self, start: Any, first: int, count: int) -> np.ndarray:
        """Windows ``first`` .. ``first + count - 1`` after a start, one seed a plane or an index in windows; uint64 (count, bits, length / 64)."""
        if isinstance(self.source, DigitalSequence):
            start, first = whole_numbers(start=start, first=first)
            return sobol_planes(self.source, self.length, start + first, count)
        if len(start) != self.bits:
            raise InputError(f"LFSR windows need a seed for each of {self.bits} planes, not {len(start)}")
        return lfsr_planes(self.source, start, first, count, self.length)

    def run(self, start: Any, thresholds: Sequence[int] | np.ndarray, first: int = 0) -> np.ndarray:
        """One window for each threshold, from window ``first`` on; uint64 (count, length / 64)."""
        thresholds = self.require_thresholds(thresholds)
        out = np.empty((len(thresholds), self.length // WORD), np.uint64)
        below_each(self.planes(start, first, len(out)), thresholds, out)
        return out
