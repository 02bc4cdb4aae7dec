"""Windows of planes against their definitions: the comparison, registers' bits a position at a time, sequences' numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import PRIMITIVE_TAPS, LfsrParams
from spikegate.models.numeric.sobol import JOE_KUO, CounterParams, SobolParams
from spikegate.models.streams.planes import below, lfsr_planes, pack, sobol_planes, unpack, window_lfsr

LENGTHS = st.sampled_from([64, 128, 256, 512])


def integer(window):
    """A packed window as an integer."""
    return int.from_bytes(window.astype("<u8").tobytes(), "little")


def window_of(numbers, p):
    """The definition: the window of positions whose number is less than ``p``, the earliest highest."""
    return int("".join(str(int(x < p)) for x in numbers), 2)


def one_window(planes, p):
    out = np.empty(planes.shape[-1], np.uint64)
    below(planes, p, out)
    return out


@settings(deadline=None)
@given(st.integers(1, 32), st.integers(1, 3), st.data())
def test_the_comparison_by_planes_is_the_comparison_of_numbers(bits, words, data):
    numbers = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 1 << bits, 64 * words)
    planes = pack(numbers >> np.arange(bits)[:, None] & 1)
    near = st.sampled_from(numbers.tolist()).flatmap(lambda x: st.sampled_from([x, x + 1, max(x - 1, 0)]))
    p = data.draw(st.one_of(st.sampled_from([0, 1, (1 << bits) - 1, 1 << bits]), near, st.integers(0, 1 << bits)))
    for kind in (int, np.int32 if bits < 31 else np.int64, np.uint64):
        assert integer(one_window(planes, kind(p))) == window_of(numbers, p)
    assert unpack(one_window(planes, p)).tolist() == (numbers < p).astype(int).tolist()


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 64), LENGTHS, st.integers(0, 300), st.integers(1, 150), st.data())
def test_lfsr_windows_are_single_steps(width, length, first, count, data):
    """From the definition, one position at a time; beyond the first ``width`` windows this is the identity by squaring."""
    params = LfsrParams(width, leap=data.draw(st.integers(1, 300)))
    seeds = data.draw(st.lists(st.integers(1, params.mask), min_size=1, max_size=3))
    planes, mask = lfsr_planes(params, seeds, first, count, length), (1 << length) - 1
    assert planes.shape == (count, len(seeds), length // 64)
    n = data.draw(st.integers(0, count - 1))
    for plane, seed in enumerate(seeds):
        state = LfsrParams(width, leap=length).run(seed, first + n + 1)[-1]
        single, window = LfsrParams(width, leap=1), 0
        for _ in range(length):
            state = single.step(state)
            window = window << 1 | state & 1
        assert integer(planes[n, plane]) == window & mask


def test_the_identity_holds_for_every_polynomial_of_the_table_and_for_no_wrong_one():
    for width, taps in PRIMITIVE_TAPS.items():
        planes, history = lfsr_planes(LfsrParams(width), [1], 0, width + 3, 64)[:, 0, 0], LfsrParams(width, leap=64)
        states = history.run(1, width + 4)[1:]
        assert all(int(window) & history.mask == state for window, state in zip(planes, states)), width
        wrong = (*taps[:-1], taps[-1] - 1)
        assert np.bitwise_xor.reduce([planes[-1 - tap] for tap in taps]) == planes[-1]
        assert np.bitwise_xor.reduce([planes[-1 - tap] for tap in wrong]) != planes[-1]


@settings(deadline=None)
@given(st.integers(0, len(JOE_KUO)), st.integers(6, 32), st.integers(0, 2**33), st.data())
def test_sequence_windows_are_their_numbers(dimension, bits, first, data):
    length = 1 << data.draw(st.integers(6, min(bits, 9)))
    params = data.draw(st.sampled_from([SobolParams(dimension, bits), CounterParams(bits)]))
    planes = sobol_planes(params, length, first, 3)
    for n in range(3):
        numbers = [params.point((first + n) * length + t) for t in range(length)]
        assert [integer(plane) for plane in planes[n]] == [
            int("".join(str(x >> b & 1) for x in numbers), 2) for b in range(bits)]


@pytest.mark.parametrize("width, first, count", [(7, 0, 20), (7, 3, 9), (9, 5, 2), (64, 1, 66)])
def test_windows_of_a_register_by_single_positions(width, first, count):
    """The definition, a position at a time: each new bit is the parity of the tapped ones; more windows than the register has bits."""
    params, seeds = LfsrParams(width), [1, 5 << width - 4]
    planes = lfsr_planes(params, seeds, first, count, 64)
    for plane, seed in enumerate(seeds):
        bits, state = [], seed
        for _ in range((first + count) * 64):
            state = (state << 1 | sum(state >> (tap - 1) for tap in params.taps) & 1) & params.mask
            bits.append(state & 1)
        expected = [int("".join(map(str, bits[n * 64:n * 64 + 64])), 2) for n in range(first, first + count)]
        assert planes[:, plane, 0].tolist() == expected


@pytest.mark.parametrize("make, message", [
    (lambda: lfsr_planes(LfsrParams(), [1], 0, 1, 32), "Window length must be a power of two and at least 64 positions, not 32"),
    (lambda: lfsr_planes(LfsrParams(), [1], 0, 1, 96), "Window length must be a power of two and at least 64 positions, not 96"),
    (lambda: lfsr_planes(LfsrParams(61), [1, 1 << 61], 0, 1, 64), "LFSR seeds must be in 1..2\\^61 - 1"),
    (lambda: lfsr_planes(LfsrParams(61), [0], 0, 1, 64), "LFSR seeds must be in 1..2\\^61 - 1"),
    (lambda: sobol_planes(SobolParams(0, 7), 256, 0, 1), "Window length must be at most the period of 128 points, not 256; use more bits"),
    (lambda: sobol_planes(SobolParams(0), 48, 0, 1), "Window length must be a power of two"),
    (lambda: sobol_planes(SobolParams(0, 6), 128, 0, 1), "^Window length must be at most the period of 64 points, not 128"),
    (lambda: lfsr_planes(LfsrParams(7), [128], 0, 1, 64), "^LFSR seeds must be in 1..2.7 - 1")])
def test_windows_that_cannot_be_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_ends_of_what_windows_can_be():
    assert sobol_planes(SobolParams(0, 6, 64), 64, 0, 1).shape == (1, 6, 1) and lfsr_planes(LfsrParams(7), [1, 127], 0, 1, 64).shape == (1, 2, 1)
    assert window_lfsr(128) == LfsrParams(61, (61, 60, 59, 56), 128) and len(window_lfsr(64).taps) == 4
