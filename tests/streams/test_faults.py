"""Faults of the stream path: masks and flips against definitions, absence against the Verilog, the gateware against the model."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from amaranth.hdl import Const, Signal
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.faults import as_integers
from spikegate.gateware.streams.faults import faulty
from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.encoder import WindowParams
from spikegate.models.streams.faults import POINTS, FaultParams, PointFaults, apply, flip_encoder, flip_seeds
from spikegate.models.streams.planes import window_lfsr

#: Lines stuck at both levels, flips everywhere.
BOTH = FaultParams(64, PointFaults(0xF0F0, 0x00F0FF, 6000), PointFaults(1 << 63, 1, 3000), PointFaults(1, 4, 9000))


def masks(lines):
    return st.integers(0, (1 << lines) - 1)


def test_faults_by_hand():
    #                              0 1 at 0, 0 1 at 1, 0 1 at both, 0 1 free; then the same flipped
    value, stuck0, stuck1, flips = 0b01010101_01010101, 0b11001100_11001100, 0b00111100_00111100, 0b00000000_11111111
    assert PointFaults(stuck0, stuck1).step(value, flips) == 0b00111101_11000010
    assert PointFaults().step(value) == value


@settings(deadline=None)
@given(st.integers(1, 300), st.data())
def test_a_line_is_what_its_masks_say(lines, data):
    value, stuck0, stuck1, flips = (data.draw(masks(lines)) for _ in range(4))
    found = PointFaults(stuck0, stuck1).step(value, flips)
    assert found >> lines == 0
    for k in range(lines):
        v, zero, one, flip = (x >> k & 1 for x in (value, stuck0, stuck1, flips))
        assert found >> k & 1 == (1 if one else 0 if zero else v) ^ flip


@settings(deadline=None)
@given(st.lists(st.tuples(*[masks(64)] * 4), min_size=1, max_size=8))
def test_packed_words_are_as_integers(rows):
    words = np.array(rows, np.uint64).T
    assert apply(*words).tolist() == [PointFaults(s0, s1).step(v, f) for v, s0, s1, f in rows]
    assert int(apply(*words[:, 0])) == apply(*words).tolist()[0]


def test_a_random_fault_is_at_the_rate_and_at_either_level_alike():
    lines = {"stuck0": 0, "stuck1": 0}
    for seed in range(40):
        faults = FaultParams.random(0.1, seed, 1024)
        for name in lines:
            lines[name] += getattr(faults.stream, name).bit_count() + getattr(faults.weight, name).bit_count()
        assert not faults.stream.stuck0 & faults.stream.stuck1 and faults.stream.stuck0 != faults.weight.stuck0
    total = 40 * 2 * 1024
    assert all(abs(found - 0.05 * total) < 5 * sqrt(total * 0.05 * 0.95) for found in lines.values())  # five standard errors
    assert not all(abs(found - 0.06 * total) < 5 * sqrt(total * 0.06 * 0.94) for found in lines.values())


def test_a_random_fault_stays_when_the_rate_rises():
    low, high, none, every = (FaultParams.random(rate, 7, 256) for rate in (0.02, 0.2, 0, 1))
    for point in POINTS:
        for name in ("stuck0", "stuck1"):
            assert getattr(getattr(low, point), name) & ~getattr(getattr(high, point), name) == 0
    assert not none.any and high.any and none == FaultParams(256)
    assert every.stream.stuck0 ^ every.stream.stuck1 == (1 << 256) - 1 and every.count.stuck0 ^ every.count.stuck1 == 511


def test_a_random_fault_is_where_it_was():
    faults = FaultParams.random(0.1, 3, 64, flip_rate=0.02, points=["stream", "count"])
    assert faults == FaultParams(64, PointFaults(9259400868233478160, 9007203549741056, 1311), PointFaults(), PointFaults(0, 0, 1311))
    assert faults != FaultParams.random(0.1, 4, 64, flip_rate=0.02, points=["stream", "count"])


def test_masks_are_packed_from_the_lowest_line():
    faults = FaultParams(128, PointFaults(stuck0=1 << 64 | 2), count=PointFaults(stuck1=0x80))
    assert faults.words("stream", "stuck0").tolist() == [2, 1] and faults.words("count", "stuck1").tolist() == [0x80]
    assert [faults.lines(point) for point in POINTS] == [128, 128, 8]


def test_flips_are_numbers_below_the_rate_from_registers_of_their_own():
    # The definition, a position at a time: 16 registers a point, x_t from their new bits.
    windows, single = BOTH.flip_windows(5, 1, 3), LfsrParams(61, leap=1)
    for k, point in enumerate(POINTS):
        planes = [single.run(seed, 4 * 64 + 1)[1:] for seed in flip_seeds(5, 64, 4)[16 * k:16 * k + 16]]
        bits = [sum((planes[b][t] & 1) << b for b in range(16)) < getattr(BOTH, point).flips for t in range(4 * 64)]
        expected = [sum(int(bit) << 63 - t for t, bit in enumerate(bits[n * 64:n * 64 + 64])) for n in (1, 2, 3)]
        assert as_integers(windows[point]) == [window & 127 if point == "count" else window for window in expected]


def test_flips_come_at_the_rate_and_not_at_another():
    count, faults = 4000, FaultParams.random(0, 0, 256, flip_rate=0.01)
    found = {point: int(np.bitwise_count(windows).sum()) for point, windows in faults.flip_windows(9, 0, count).items()}
    for rate, near in ((0.01, True), (0.012, False)):
        for point in POINTS:
            n = count * faults.lines(point)
            # Five standard errors; the count has too few lines to tell 0.01 from 0.012 with certainty.
            assert (abs(found[point] - rate * n) < 5 * sqrt(n * rate * (1 - rate))) == near or point == "count" and not near
    full = replace(faults, stream=PointFaults(flips=1 << 16), weight=PointFaults(), count=PointFaults(flips=1 << 16)).flip_windows(9, 0, 5)
    assert (full["stream"] == 2**64 - 1).all() and not full["weight"].any() and (full["count"] == 511).all()


@pytest.mark.parametrize("make, message", [
    (lambda: FaultParams(100), "Fault window length must be a power of two and at least 64 lines, not 100"),
    (lambda: FaultParams(64, PointFaults(1 << 64)), "Fault mask stuck0 of stream must be in 0..2\\^64 - 1, one bit a line, not 0x10000000000000000"),
    (lambda: FaultParams(64, count=PointFaults(0, 128)), "Fault mask stuck1 of count must be in 0..2\\^7 - 1, one bit a line, not 0x80"),
    (lambda: FaultParams(64, weight=PointFaults(-1)), "Fault mask stuck0 of weight must be"),
    (lambda: FaultParams(64, weight=PointFaults(flips=65537)), "Flip threshold of weight must be in 0..2\\^16, not 65537; make it with threshold"),
    (lambda: FaultParams.random(1.1, 1, 64), "Stuck-at rate must be in 0..1, not 1.1"),
    (lambda: FaultParams.random(-0.1, 1, 64, flip_rate=2), "Stuck-at rate must be in 0..1, not -0.1.*\nFlip rate must be in 0..1, not 2"),
    (lambda: FaultParams.random(0.1, 1, 64, points=["neuron"]), "Fault point must be one of stream, weight, count, not 'neuron'"),
    (lambda: faulty(Signal(8), 256), "Fault mask stuck0 must be 8 lines wide as its point, not 9"),
    (lambda: faulty(Signal(8), None, Const(0, 9)), "Fault mask stuck1 must be 8 lines wide as its point, not 9"),
    (lambda: faulty(Signal(8), None, None, Signal(4)), "Fault mask flips must be 8 lines wide as its point, not 4"),
    (lambda: faulty(Signal(8), -1), "Fault mask stuck0 must be 8 lines wide")])
def test_a_fault_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_ends_of_what_faults_can_be():
    least = FaultParams(64, PointFaults((1 << 64) - 1, (1 << 64) - 1, 1 << 16), count=PointFaults(127, 127))
    assert [least.lines(point) for point in POINTS] == [64, 64, 7] and least.any and not FaultParams(64).any
    assert [FaultParams(64, **{point: PointFaults(**{name: 1})}).any for point in POINTS for name in ("stuck0", "stuck1", "flips")] == [True] * 9
    assert FaultParams.random(0, 1) == FaultParams(256) and FaultParams.random(0.2, 1) == FaultParams.random(0.2, 1, 256, flip_rate=0, points=POINTS)
    every = FaultParams.random(1, 1, 64, flip_rate=1)
    for point in POINTS:
        faults = getattr(every, point)
        assert faults.stuck0 ^ faults.stuck1 == (1 << every.lines(point)) - 1 and faults.stuck0 and faults.stuck1 and faults.flips == 1 << 16
    some = FaultParams.random(0.5, 1, 64, points=["weight"])
    assert some.weight != PointFaults() and some.stream == some.count == PointFaults()


@pytest.mark.parametrize("make, message", [
    (lambda: FaultParams(32), "at least 64 lines, not 32"), (lambda: FaultParams(64, PointFaults(flips=-1)), "Flip threshold of stream must be in"),
    (lambda: FaultParams(64, count=PointFaults(128)), "Fault mask stuck0 of count"),
    (lambda: FaultParams(64).lines("x"), "Fault point must be one of"),
    (lambda: FaultParams.random(0, 1, flip_rate=1.1), "^Flip rate must be in 0..1, not 1.1; it is a probability for each line$"),
    (lambda: FaultParams(-64, PointFaults(1)), "^Fault window length must be a power of two and at least 64 lines, not -64$")])
def test_faults_just_beyond_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_registers_of_flips_are_evenly_spaced_and_each_point_has_sixteen():
    assert flip_seeds(3, 64, 5) == window_lfsr(64).phases(3, 48, 5) and flip_seeds(3, 64, 5, 2) == window_lfsr(64).phases(3, 32, 5)
    assert flip_encoder(128) == WindowParams(LfsrParams(61, leap=128), 16)
    faults, seeds = FaultParams(64, PointFaults(flips=30000), PointFaults(flips=20000), PointFaults(flips=50000)), flip_seeds(3, 64, 9)
    found = faults.flip_windows(3, 4, 5)
    for k, (point, threshold) in enumerate(zip(POINTS, (30000, 20000, 50000))):
        whole = flip_encoder(64).run(seeds[16 * k:16 * k + 16], [threshold] * 9)[4:]
        assert found[point].tolist() == (whole if point != "count" else whole & np.uint64(0x7F)).tolist() and found[point].any()
    assert FaultParams(128).flip_windows(3, 0, 2)["count"].shape == (2, 1) and FaultParams(128).flip_windows(3, 0, 2)["stream"].shape == (2, 2)
    assert PointFaults(0b0011, 0b0110).step(0b1001) == 0b1110 and PointFaults(0b0011, 0b0110).step(0b1001, 0b1100) == 0b0010


def test_a_draw_that_equals_its_rate_is_not_below_it(monkeypatch):
    class Always:
        def __init__(self, seed):
            self.random = lambda: 0.5

    monkeypatch.setattr("spikegate.models.streams.faults.random.Random", Always)
    assert not FaultParams.random(0.5, 1, 64).any
    assert FaultParams.random(0.6, 1, 64, points=["stream"]).stream == PointFaults(stuck0=(1 << 64) - 1)


def test_flips_are_refused_for_windows_that_would_overlap():
    """48 registers share 2^61 - 1 positions, 64 a window."""
    last, faults = (2**61 - 1) // 48 // 64, FaultParams(64, PointFaults(flips=9))
    assert faults.flip_windows(3, last - 1, 1)["stream"].shape == (1, 1)
    with pytest.raises(InputError, match="^Each of 48 streams has "):
        faults.flip_windows(3, last, 1)
