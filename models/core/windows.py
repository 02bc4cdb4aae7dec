"""Weight streams of the golden model of stochastic synapses, made in bulk, and only where a spike meets a target.

A window follows from little. That of an LFSR's plane follows from its first 64 positions, and these obey the recurrence of whole
windows (see `spikegate.models.streams.planes.lfsr_planes`): they are made for every window, and the rest of a window where it is used. A Sobol
window is window 0 with one number added. A row of ``states`` holds this for one window: uint64, a word for each plane of each channel, or
the number of each channel. Streams are packed word by word, uint64 (L / 64, windows), so that compilers work on several windows at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spikegate.models.kernel import aligned, kernel
from spikegate.models.numeric.lfsr import LfsrParams, leap_once
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import apply
from spikegate.models.streams.params import Generator, StreamParams
from spikegate.models.streams.planes import WORD, lfsr_planes, sobol_planes

__all__ = ["LANES", "Windows", "ones", "registers", "generator", "advance", "weigh", "count_all", "count_faulty"]

#: Loops run over multiples of so many windows, so that compilers need no loop for a rest.
LANES = 8
FULL = ~np.uint64(0)
#: The usual register, as numbers that compilers know: what shifts a word to where its bits are added in the next word, and, as squaring gives a
#: relation of twice the taps, what shifts two words on end to where they are added in the word after.
USUAL = tuple(np.uint64(tap - 32) for tap in (61, 60, 59, 56))
NEXT_LEFT, NEXT_RIGHT = (tuple(np.uint64(shift) for shift in shifts) for shifts in ((3, 4, 5, 8), (61, 60, 59, 56)))
AFTER_LEFT, AFTER_RIGHT = (tuple(np.uint64(shift) for shift in shifts) for shifts in ((6, 8, 10, 16), (58, 56, 54, 48)))


@kernel
def ones(word: np.uint64) -> np.int64:
    """Number of ones of an uint64, as `numpy.bitwise_count`; compilers know this for a population count."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    return np.int64((((word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(0x0101010101010101)) >> np.uint64(56))


class Windows(NamedTuple):
    """Registers or numbers of windows, of which ``states`` has the first; what makes more of them; and what makes a window of one.

    Parameters
    ----------
    states : numpy.ndarray
        uint64 (windows, words), a row for each window.
    taps : numpy.ndarray
        int64, of the register; none for Sobol.
    shifts, leap : tuple of numpy.uint64, numpy.uint64
        Of a word's next positions.
    base : numpy.ndarray
        Planes of Sobol's window 0, uint64 (channels * 16, L / 64); none for an LFSR.
    """

    states: np.ndarray
    taps: np.ndarray
    shifts: tuple[np.uint64, ...]
    leap: np.uint64
    base: np.ndarray


def registers(lfsr: LfsrParams, seeds: Sequence[int] | np.ndarray, length: int, most: int) -> Windows:
    """Registers of which at most ``most`` windows are made at a time."""
    states = np.zeros((lfsr.width + max(most, length), len(seeds)), np.uint64)
    states[:lfsr.width] = lfsr_planes(lfsr, np.asarray(seeds, np.uint64), 0, lfsr.width, length)[:, :, -1]
    leap = 1 << lfsr.taps[-1].bit_length() - 1
    shifts = tuple(np.uint64(tap - leap) for tap in lfsr.taps)
    return Windows(aligned(states), np.array(lfsr.taps), shifts, np.uint64(leap), np.zeros((0, 0), np.uint64))


def generator(streams: StreamParams, most: int) -> Windows:
    """What `registers` gives, of the weight streams."""
    if streams.generator == Generator.LFSR:
        return registers(streams.lfsr, streams.seeds, streams.length, most)
    period, none = (1 << PROBABILITY_BITS) // streams.length, np.uint64(0)
    numbers = [sobol.points(np.arange(period + most) * streams.length) for sobol in streams.sobol]
    base = np.concatenate([window for sobol in streams.sobol for window in sobol_planes(sobol, streams.length, 0, 1)])
    return Windows(np.array(numbers, np.uint64).T.copy(), np.zeros(0, np.int64), (none, none, none, none), none, base)


@kernel
def advance(generator: Windows, at: int, count: int) -> int:
    """Make ``count`` windows more. The first window that is not used yet is in row ``at``, and then in that which this function returns.

    From there on, as many windows as the longest tap have been made before.
    """
    states, taps, _, _, base = generator
    if len(base):
        words: int = base.shape[1]
        return at % ((1 << PROBABILITY_BITS) // (WORD * words))
    if at + taps[0] + count > len(states):
        states[:taps[0]] = states[at:at + taps[0]]
        at = 0
    width, row = states.shape[1], states.reshape(states.size)
    a, b, c, d = taps[0] * width, taps[1] * width, taps[2] * width, taps[3] * width
    first, last = at * width + a, (at + count) * width + a
    # As many at a time as the lowest tap, so that none depends on another that is being made.
    for k in range(first, last, d):
        end = min(k + d, last)
        _xor(row[k:end], row[k - a:], row[k - b:], row[k - c:], row[k - d:])
    return at


@kernel
def _xor(out: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> None:
    for k in range(len(out)):
        out[k] = a[k] ^ b[k] ^ c[k] ^ d[k]


@kernel(inline="always")
def _next_usual(word: np.uint64) -> np.uint64:
    """The same for the usual register. Its last eight positions depend on its first ones."""
    l, r = NEXT_LEFT, NEXT_RIGHT  # noqa: E741
    first = (word << l[0]) ^ (word << l[1]) ^ (word << l[2]) ^ (word << l[3])
    return first ^ (first >> r[0]) ^ (first >> r[1]) ^ (first >> r[2]) ^ (first >> r[3])


@kernel(inline="always")
def _after_usual(a: np.uint64, b: np.uint64) -> np.uint64:
    """The same for two words on end, ``b`` the later one; newer processors do each of the four shifts at once."""
    l, r = AFTER_LEFT, AFTER_RIGHT  # noqa: E741
    return (a << l[0] | b >> r[0]) ^ (a << l[1] | b >> r[1]) ^ (a << l[2] | b >> r[2]) ^ (a << l[3] | b >> r[3])


@kernel
def _below_usual(planes: np.ndarray, count: int, threshold: int, out: np.ndarray) -> None:
    """`spikegate.models.streams.planes.below` of windows of four words of the usual register;
    ``planes`` are their last words, the first positions."""
    for b in range(PROBABILITY_BITS):
        if threshold & ((2 << b) - 1):
            plane, one = planes[b], np.uint64(-(threshold >> b & 1))
            for k in range(count):
                word = plane[k]
                following = _next_usual(word)
                for w in range(3, -1, -1):
                    less = out[w, k]
                    out[w, k] = (~word & less) | (one & (~word | less))
                    word, following = following, _after_usual(word, following)


@kernel
def _below(planes: np.ndarray, count: int, threshold: int, shifts: tuple[np.uint64, ...], leap: np.uint64, out: np.ndarray) -> None:
    """The same of windows of any length and register; overwrites ``planes``."""
    low = (np.uint64(1) << leap) - np.uint64(1)
    for b in range(PROBABILITY_BITS):
        plane, one = planes[b], np.uint64(-(threshold >> b & 1))
        for w in range(len(out) - 1, -1, -1):
            for k in range(count):
                word, less = plane[k], out[w, k]
                out[w, k] = (~word & less) | (one & (~word | less))
            for _ in range(WORD // np.int64(leap) * (w > 0)):
                for k in range(count):
                    plane[k] = leap_once(plane[k], shifts, leap, low, FULL)


@kernel(inline="always")
def _below_sobol(numbers: np.ndarray, count: int, threshold: int, base: np.ndarray, low: int, out: np.ndarray) -> None:
    """The same of windows that are ``base`` with a number added; the ``low`` planes of the base are 0."""
    mask = (1 << low) - 1
    for w in range(len(out)):
        for k in range(count):
            number = numbers[k]
            less = np.uint64(-np.int64(np.int64(number & np.uint64(mask)) < (threshold & mask)))
            for b in range(low, PROBABILITY_BITS):
                one = np.uint64(-(threshold >> b & 1))
                zero = ~base[b, w] ^ np.uint64(-np.int64(number >> np.uint64(b) & np.uint64(1)))
                less = (zero & less) | (one & (zero | less))
            out[w, k] = less


@kernel
def weigh(generator: Windows, at: int, windows: np.ndarray, channel: int, threshold: int, room: np.ndarray, out: np.ndarray) -> None:
    """``out`` becomes the packed streams x_t < ``threshold`` of a channel's ``windows``, int64 (count,), counted from row ``at``.

    ``room`` and ``out`` are uint64 (16, n) and (L / 64, n), where n is at least the count, rounded up to `LANES`.
    """
    states, _, shifts, leap, base = generator
    words, count, first = len(out), -(-len(windows) // LANES) * LANES, channel * PROBABILITY_BITS
    if len(base):
        for k in range(len(windows)):
            room[0, k] = states[at + windows[k], channel]
        # A fixed number of planes, so that compilers need no loop for them.
        if words == 4:
            _below_sobol(room[0], count, threshold, base[first:first + PROBABILITY_BITS], 8, out)
        else:
            _below_sobol(room[0], count, threshold, base[first:first + PROBABILITY_BITS], 6, out)
    else:
        for k in range(len(windows)):
            row = states[at + windows[k], first:first + PROBABILITY_BITS]
            for b in range(PROBABILITY_BITS):
                room[b, k] = row[b]
        for w in range(words):
            for k in range(count):
                out[w, k] = 0
        if words == 4 and shifts == USUAL:
            _below_usual(room, count, threshold, out)
        else:
            _below(room, count, threshold, shifts, leap, out)
    if threshold >> PROBABILITY_BITS:
        out[:] = FULL


@kernel
def count_all(weights: np.ndarray, spike: np.ndarray, counts: np.ndarray) -> None:
    """Ones of each window that pass the gate."""
    counts[:] = 0
    for w in range(len(spike)):
        for k in range(len(counts)):
            counts[k] += ones(spike[w] & weights[w, k])


@kernel
def count_faulty(weights: np.ndarray, spike: np.ndarray, stuck0: np.ndarray, stuck1: np.ndarray, flips: np.ndarray, counts: np.ndarray) -> None:
    """As `count_all`, with the faults of the three points; ``flips`` uint64 (3, L / 64, n), or of no length."""
    flip = np.uint64(0)
    for k in range(len(counts)):
        total = np.int64(0)
        for w in range(len(spike)):
            stream = apply(spike[w], stuck0[0, w], stuck1[0, w], flips[0, w, k] if len(flips) else flip)
            weight = apply(weights[w, k], stuck0[1, w], stuck1[1, w], flips[1, w, k] if len(flips) else flip)
            total += ones(stream & weight)
        last = flips[2, 0, k] & np.uint64(2 * WORD * len(spike) - 1) if len(flips) else flip
        counts[k] = np.int64(apply(np.uint64(total), stuck0[2, 0], stuck1[2, 0], last))
