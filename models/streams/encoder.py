"""Encoders: a probability becomes a stream of bits, bit t = (x_t < P), one at a time or in windows of L positions.

x_t is a number of ``bits`` bits from an LFSR, a Sobol sequence or a counter, and the threshold P is in 0..2^bits, so that
0 gives no ones and 2^bits nothing but ones, whatever the numbers are.

A window holds L positions, L a power of two; as an integer of L bits, the earliest position is the highest bit. Packed, it
is L/64 words of 64 bits, the lowest first. Plane b of a window is the window of bit b of each x_t, so that L comparisons
are one pass over the planes, `below`. Window n of a Sobol sequence or a counter is window 0 with one number added bit by
bit, x_(nL+t) = x_t ^ x_(nL). Window n of an LFSR's plane is the L bits that its register shifts in during leap n.

Because each aligned window of a Sobol sequence has numbers whose upper log2(L) bits take each value once, it holds
floor(P * L / 2^bits) or one more ones, exactly that many if P * L / 2^bits is an integer, and the windows of a period P.
"""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from spikegate.models.checks import real, require_whole, whole, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import CounterParams, DigitalSequence

__all__ = ["PROBABILITY_BITS", "WORD", "threshold", "below", "pack", "unpack", "window_lfsr", "lfsr_planes", "sobol_planes", "CounterParams",
           "EncoderParams", "WindowParams"]

PROBABILITY_BITS = 16
#: Bits of a word of a packed window.
WORD = 64


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


@kernel
def below(planes: np.ndarray, threshold: int, out: np.ndarray) -> None:
    """``out`` becomes the window of the positions whose number is less than ``threshold``; uint64 (words,).

    From the lowest plane up: a number's bits b..0 are less than the threshold's if its bit b is 0 and the threshold's 1,
    or if these are equal and the bits below are less, which is the majority of not R_b, the result so far and P_b.
    ``planes`` is uint64 (bits, words), ``threshold`` an integer in 0..2^bits, which is not checked.
    """
    bits, p = planes.shape[0], np.int64(threshold)
    for w in range(len(out)):
        out[w] = np.uint64(0)
    # A pass a plane, so that the compiler can work on several words at once.
    for b in range(bits):
        plane = planes[b]
        if p >> b & 1:
            for w in range(len(out)):
                out[w] |= ~plane[w]
        else:
            for w in range(len(out)):
                out[w] &= ~plane[w]
    if p >> bits & 1:
        for w in range(len(out)):
            out[w] = ~np.uint64(0)


@kernel
def _below_each(planes: np.ndarray, thresholds: np.ndarray, out: np.ndarray) -> None:
    for n in range(len(out)):
        below(planes[n], thresholds[n], out[n])


@kernel
def _shift_in(states: np.ndarray, taps: np.ndarray, windows: np.ndarray) -> None:
    """Windows of registers, uint64 (windows, planes, words), leap by leap of a power of two of positions, from their states on."""
    leap = 32
    while leap > taps[-1]:
        leap //= 2
    low, all_bits = (np.uint64(1) << np.uint64(leap)) - np.uint64(1), ~np.uint64(0) >> np.uint64(64 - taps[0])
    for plane in range(windows.shape[1]):
        state = states[plane]
        for n in range(windows.shape[0]):
            for w in range(windows.shape[2] - 1, -1, -1):
                word = np.uint64(0)
                for _ in range(WORD // leap):
                    feedback = np.uint64(0)
                    for tap in taps:
                        feedback ^= state >> np.uint64(tap - leap)
                    state = (state << np.uint64(leap) | feedback & low) & all_bits
                    word = word << np.uint64(leap) | feedback & low
                windows[n, plane, w] = word


@kernel
def _extend(rows: np.ndarray, known: int, taps: np.ndarray) -> None:
    """Rows from ``known`` on, 0 before, become the XOR of the rows that lie ``taps`` before them."""
    for i in range(known, len(rows)):
        for tap in taps:
            for j in range(rows.shape[1]):
                rows[i, j] ^= rows[i - tap, j]


def pack(bits: np.ndarray) -> np.ndarray:
    """Packed windows, uint64 (..., L/64), of bits in order of position, 0 or 1, (..., L)."""
    words = np.packbits(np.ascontiguousarray(bits, np.uint8), axis=-1).view(">u8")
    return words[..., ::-1].astype(np.uint64)


def unpack(windows: np.ndarray) -> np.ndarray:
    """Bits in order of position, uint8 (..., L), of packed windows, uint64 (..., L/64)."""
    return np.unpackbits(np.asarray(windows)[..., ::-1].astype(">u8").view(np.uint8), axis=-1)


def _require_length(length: int) -> None:
    if whole(length) is None or length < WORD or length & (length - 1):
        raise InputError(f"Window length must be a power of two and at least {WORD} positions, not {length!r}")


@lru_cache
def window_lfsr(length: int) -> LfsrParams:
    """A register of a window encoder's planes: 61 bits and four taps, leaping a window."""
    return LfsrParams(61, leap=length)


def lfsr_planes(params: LfsrParams, seeds: Sequence[int] | np.ndarray, first: int, count: int, length: int) -> np.ndarray:
    """Windows ``first`` .. ``first + count - 1`` of registers that start at ``seeds``, one a plane; uint64 (count, planes, length / 64).

    ``params.leap`` is not used. Bit i of a register's output is the XOR over the taps t of the bits i - t. Squaring that
    over GF(2), log2(L) times, it is also the XOR of the bits i - L * t, that is, window n is the XOR of the windows n - t.
    So only the first ``width`` windows are made leap by leap.

    Raises
    ------
    InputError
        If the length is no power of two of at least 64, or a seed is not in 1..2^width - 1.
    """
    _require_length(length)
    first, count, length = whole_numbers(first=first, count=count, length=length)
    if not (isinstance(seeds, np.ndarray) and seeds.dtype == np.uint64):
        seeds = np.array([seed if (seed := whole(each)) is not None and 0 < seed <= params.mask else 0 for each in seeds], np.uint64)
    if seeds.size and not 1 <= seeds.min() <= seeds.max() <= params.mask:
        raise InputError(f"LFSR seeds must be in 1..2^{params.width} - 1; use any others")
    states, taps = params.jumped(seeds, first * length), np.array(params.taps)
    planes = np.zeros((count, len(states), length // WORD), np.uint64)
    made = min(count, params.width)
    _shift_in(states, taps, planes[:made])
    _extend(planes.reshape(count, -1), made, taps)
    return planes


def sobol_planes(params: DigitalSequence, length: int, first: int, count: int) -> np.ndarray:
    """Windows ``first`` .. ``first + count - 1`` of a Sobol sequence or a counter, modulo its period; uint64 (count, bits, length / 64).

    ``params.leap`` is not used.

    Raises
    ------
    InputError
        If the length is no power of two of at least 64, or longer than the period.
    """
    _require_length(length)
    first, count = whole_numbers(first=first, count=count)
    if length > params.period:
        raise InputError(f"Window length must be at most the period of {params.period} points, not {length}; use more bits or a shorter window")
    bit, windows = np.arange(params.bits, dtype=np.uint32), params.period // length
    base = pack(params.points(np.arange(length)) >> bit[:, None] & 1)
    offsets = params.points((np.arange(count) + first % windows) % windows * length)[:, None] >> bit & 1
    planes: np.ndarray = base ^ (np.uint64(0) - offsets.astype(np.uint64))[..., None]
    return planes


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
        _require_length(self.length)
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
        _below_each(self.planes(start, first, len(out)), thresholds, out)
        return out
