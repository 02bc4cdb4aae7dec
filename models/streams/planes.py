"""Windows of streams, packed, and the planes of numbers from which they are made.

A window holds L positions, L a power of two; as an integer of L bits, the earliest position is the highest bit. Packed, it
is L/64 words of 64 bits, the lowest first. Plane b of a window is the window of bit b of each x_t, so that L comparisons
are one pass over the planes, `below`. Window n of a Sobol sequence or a counter is window 0 with one number added bit by
bit, x_(nL+t) = x_t ^ x_(nL). Window n of an LFSR's plane is the L bits that its register shifts in during leap n.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from spikegate.models.checks import whole, whole_numbers
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import DigitalSequence

__all__ = ["WORD", "below", "below_each", "pack", "unpack", "packed", "bits_of", "require_window", "window_lfsr", "lfsr_planes", "sobol_planes"]

#: Bits of a word of a packed window.
WORD = 64


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
def below_each(planes: np.ndarray, thresholds: np.ndarray, out: np.ndarray) -> None:
    """`below` of each of many windows and its own threshold."""
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


def packed(streams: np.ndarray, length: int) -> tuple[np.ndarray, bool]:
    """Packed windows, uint64 (..., length / 64), and whether they came packed; or as bits, 0 or 1, (..., length).

    Raises
    ------
    InputError
        If they are neither.
    """
    streams = np.asarray(streams)
    if streams.dtype == np.uint64 and streams.shape[-1:] == (length // WORD,):
        return streams, True
    return pack(bits_of(streams, length)), False


def bits_of(streams: np.ndarray, length: int) -> np.ndarray:
    """Streams of bits, 0 or 1, of any type (..., length), as uint8.

    Raises
    ------
    InputError
        If they are something else.
    """
    if streams.shape[-1:] == (length,):
        if streams.dtype == np.uint8:
            if streams.size == 0 or streams.max() <= 1:
                return streams
        elif streams.dtype.kind in "biuf" and ((streams == 0) | (streams == 1)).all():
            return streams.astype(np.uint8)
    raise InputError(f"Streams must be {length} bits of 0 or 1, or {length // WORD} uint64 words, "
                     f"not {streams.dtype} of shape {streams.shape}; make them with bitstream()")


def require_window(length: int) -> None:
    """Raise `InputError` unless it is a power of two of at least 64."""
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
    require_window(length)
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
    require_window(length)
    first, count = whole_numbers(first=first, count=count)
    if length > params.period:
        raise InputError(f"Window length must be at most the period of {params.period} points, not {length}; use more bits or a shorter window")
    bit, windows = np.arange(params.bits, dtype=np.uint32), params.period // length
    base = pack(params.points(np.arange(length)) >> bit[:, None] & 1)
    offsets = params.points((np.arange(count) + first % windows) % windows * length)[:, None] >> bit & 1
    planes: np.ndarray = base ^ (np.uint64(0) - offsets.astype(np.uint64))[..., None]
    return planes
