"""Encoders: comparisons and windows against definitions, exact counts against theory."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from scipy.stats import qmc

from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import JOE_KUO, CounterParams, SobolParams
from spikegate.models.streams.encoder import PROBABILITY_BITS, EncoderParams, WindowParams, threshold
from spikegate.models.streams.planes import pack, unpack

FULL = 1 << PROBABILITY_BITS


def integer(window):
    """A packed window as an integer."""
    return int.from_bytes(window.astype("<u8").tobytes(), "little")


@pytest.mark.parametrize("p, expected", [
    (0, 0), (1, FULL), (0.5, FULL // 2), (Fraction(1, 3), 21845), (1 / FULL, 1), (0.5 / FULL, 1), (Fraction(1, 2 * FULL + 1), 0),
    (1 - 0.5 / FULL, FULL), (1 - 0.75 / FULL, FULL - 1)])
def test_a_threshold_is_rounded_halves_up(p, expected):
    assert threshold(p) == expected
    assert threshold(p, 1) == floor(Fraction(p) * 2 + Fraction(1, 2))


def test_windows_by_hand():
    # Positions 0 and 62: bit 63 and bit 1 of the only word. Of two words, the lower holds the later positions.
    bits = np.zeros(128, np.uint8)
    bits[[0, 62, 127]] = 1
    assert pack(bits).tolist() == [1, 1 << 63 | 2] and integer(pack(bits)) == 1 << 127 | 1 << 65 | 1
    # A ramp of two bits against 3: three of four ones, the earliest highest.
    assert EncoderParams(CounterParams(2), 2).run(0, 3, 8).tolist() == [1, 1, 1, 0] * 2
    assert integer(WindowParams(CounterParams(6, 64), 6).run(0, [3])[0]) == 0b111 << 61
    # Numbers 0, 4, 6, 2, 3, 7, 5, 1 against 4.
    assert EncoderParams(SobolParams(0, 3), 3).run(0, 4, 8).tolist() == [1, 0, 0, 1, 1, 0, 0, 1]


@pytest.mark.parametrize("dimension", [0, 1, 5, 31])
def test_windows_compared_equal_scipys_points_compared(dimension):
    points = (qmc.Sobol(32, scramble=False, bits=16).random_base2(16)[:, dimension] * FULL).astype(int).reshape(-1, 256)
    p = np.random.default_rng(dimension).integers(0, FULL + 1, len(points))
    assert np.array_equal(unpack(WindowParams(SobolParams(dimension, leap=256)).run(0, p)), points < p[:, None])
    swapped = WindowParams(SobolParams(dimension ^ 1, leap=256)).run(0, p)
    assert not np.array_equal(unpack(swapped), points < p[:, None])


SOURCES = [LfsrParams(61, leap=256), LfsrParams(17, leap=64), SobolParams(3, leap=256), SobolParams(31, leap=64), CounterParams(leap=128)]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: f"{type(s).__name__}-{s.leap}")
def test_the_ends_of_the_range_are_exact_and_a_window_continues_where_the_last_ended(source):
    params = WindowParams(source)
    start = source.phases(7, 16, 100) if isinstance(source, LfsrParams) and source.width > 20 else \
        range(1, 17) if isinstance(source, LfsrParams) else 2
    windows = unpack(params.run(start, [0, FULL] * 30))
    assert not windows[::2].any() and windows[1::2].all()
    p = np.random.default_rng(1).integers(0, FULL + 1, 90)
    assert np.array_equal(params.run(start, p)[70:], params.run(start, p[70:], first=70))
    serial = EncoderParams(source)
    begin = 5 if isinstance(source, LfsrParams) else 2
    assert not serial.run(begin, 0, 5000).any() and serial.run(begin, FULL, 5000).all()


def aligned_counts(dimension, bits, k, p):
    """Ones of each aligned window of 2^k positions of a whole period."""
    return (SobolParams(dimension, bits).run(0, 1 << bits).reshape(-1, 1 << k) < p).sum(axis=1)


def counts_are_as_the_theory_says(counts, bits, k, p):
    exact = Fraction(p << k, 1 << bits)
    return set(counts.tolist()) <= {floor(exact), ceil(exact)} and counts.sum() == p


@pytest.mark.parametrize("bits", range(1, 7))
def test_aligned_windows_hold_exactly_their_share_for_every_threshold(bits):
    for dimension in range(1 + len(JOE_KUO)):
        for k in range(bits + 1):
            assert all(counts_are_as_the_theory_says(aligned_counts(dimension, bits, k, p), bits, k, p) for p in range((1 << bits) + 1))


def test_the_theory_fails_for_windows_that_are_not_aligned_and_for_at_most():
    numbers = np.roll(SobolParams(3, 6).run(0, 64), 1).reshape(-1, 8)
    assert not all(counts_are_as_the_theory_says((numbers < p).sum(axis=1), 6, 3, p) for p in range(65))
    assert not any(counts_are_as_the_theory_says(aligned_counts(3, 6, 3, p + 1), 6, 3, p) for p in range(64))


@pytest.mark.parametrize("source", [SobolParams(d, leap=256) for d in (0, 1, 2, 13, 31)] + [CounterParams(leap=1 << 16)],
                         ids=lambda s: f"{type(s).__name__}-{getattr(s, 'dimension', 0)}")
def test_packed_windows_of_a_period_hold_p_ones(source):
    params, windows = WindowParams(source), FULL // source.leap
    k, rng = source.shift, np.random.default_rng(3)
    for p in [0, 1, 255, 256, 257, FULL // 2, FULL - 1, FULL, *(rng.integers(0, 257, 8) * 256), *rng.integers(0, FULL + 1, 16)]:
        counts = np.bitwise_count(params.run(0, np.full(windows, p))).sum(axis=1)
        assert counts_are_as_the_theory_says(counts, 16, k, int(p))
        assert p % 256 or source.leap != 256 or set(counts.tolist()) == {p // 256}


@pytest.mark.parametrize("make, message", [
    (lambda: threshold(-0.1), "Probability must be in 0..1, not -0.1; scale it"),
    (lambda: threshold(Fraction(3, 2)), "Probability must be in 0..1, not 3/2"),
    (lambda: threshold(float("nan")), "Probability must be in 0..1, not nan"),
    (lambda: WindowParams(SobolParams(0)), "Window length must be .* not 1"),
    (lambda: WindowParams(LfsrParams(6, leap=64)), "Window length must be at most the period of 63 positions, not 64; use a wider LFSR"),
    (lambda: WindowParams(SobolParams(0, leap=64), 8), "Encoder bits must be the 16 bits of its source, not 8"),
    (lambda: WindowParams(LfsrParams(leap=64), 33), "Encoder bits must be in 1..32, not 33"),
    (lambda: WindowParams(LfsrParams(leap=64)).run([1, 2], [0]), "LFSR windows need a seed for each of 16 planes, not 2"),
    (lambda: WindowParams(SobolParams(0, leap=64)).run(0, [FULL + 1]), "Thresholds must be in 0..2\\^16, not 65537..65537; make them with"),
    (lambda: EncoderParams(CounterParams(8)), "Encoder bits must be the 8 bits of its source, not 16"),
    (lambda: EncoderParams(LfsrParams(8)), "Encoder bits must be at most the LFSR's 8, not 16"),
    (lambda: EncoderParams(SobolParams(0, 32), 0), "Encoder bits must be the 32 bits of its source, not 0\nEncoder bits must be in 1..32"),
    (lambda: EncoderParams("x"), "Encoder source must be an LFSR, a Sobol sequence or a counter, not x"),
    (lambda: EncoderParams(SobolParams(0)).run(0, -1, 5), "Thresholds must be in 0..2\\^16, not -1")])
def test_an_encoder_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_ends_of_what_an_encoder_can_be():
    least = SobolParams(0, 6, 64)
    assert (WindowParams(least, 6).length, WindowParams(least, 6).start_bits, EncoderParams(SobolParams(0, leap=64)).start_bits) == (64, 0, 10)
    assert EncoderParams(LfsrParams(8), 8).start_bits == 8
    assert [EncoderParams(LfsrParams(40), bits).bits for bits in (1, 16, 32)] == [1, 16, 32] and EncoderParams(SobolParams(0)).bits == 16
    assert WindowParams(LfsrParams(7, leap=64)).bits == 16 and WindowParams(SobolParams(0, leap=64)).bits == 16
    params = EncoderParams(SobolParams(0))
    given = params.require_thresholds([0, 2**16])
    assert given.tolist() == [0, 2**16] and given.dtype == np.int64 and params.require_thresholds([]).shape == (0,)


@pytest.mark.parametrize("make, message", [
    (lambda: EncoderParams(LfsrParams(40), 0), "^Encoder bits must be in 1..32, not 0$"),
    (lambda: WindowParams("x"), "^Encoder source must be an LFSR, a Sobol sequence or a counter, not x$"),
    (lambda: EncoderParams(LfsrParams(40), 33), "^Encoder bits must be in 1..32, not 33$"),
    (lambda: EncoderParams(LfsrParams(8), 9), "^Encoder bits must be at most the LFSR's 8, not 9$"),
    (lambda: WindowParams(SobolParams(0, 6, 32), 6), "^Window length must be a power of two and at least 64 positions, not 32$"),
    (lambda: EncoderParams(SobolParams(0)).require_thresholds([5, -1]), "^Thresholds must be in 0..2.16, not -1..5; make them with"),
    (lambda: EncoderParams(SobolParams(0)).require_thresholds([2**16 + 1, 5]), "^Thresholds must be in 0..2.16, not 5..65537; make")])
def test_an_encoder_just_beyond_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_serial_encoder_compares_the_low_bits_of_its_register():
    source, p = LfsrParams(9, leap=5), 77
    states = source.run(3, 40)
    assert EncoderParams(source, 7).run(3, p, 40).tolist() == [int(state % 128 < p) for state in states]
    for p in {state % 128 for state in states}:
        assert EncoderParams(source, 7).run(3, p, 40).tolist() == [int(state % 128 < p) for state in states]
    points = [SobolParams(2, 8).point(4 * (k + 6)) for k in range(90)]
    found = EncoderParams(SobolParams(2, 8, 4), 8).run(6, p, 90)
    assert found.tolist() == [int(point < p) for point in points] and found.dtype == np.uint8


def test_windows_of_a_sequence_are_its_points_compared():
    params = WindowParams(SobolParams(3, 8, 64), 8)
    points = [SobolParams(3, 8).point(i) for i in range(256)]
    thresholds = [0, 1, 100, 255, 256, 100]
    for start, first in ((0, 0), (3, 2)):
        windows = unpack(params.run(start, thresholds, first))
        expected = [[int(points[((start + first + n) % 4) * 64 + i] < p) for i in range(64)] for n, p in enumerate(thresholds)]
        assert windows.tolist() == expected
