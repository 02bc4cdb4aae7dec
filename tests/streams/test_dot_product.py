"""The dot product: counts and signs against definitions, rounding against fractions, the gateware against the model."""

from fractions import Fraction
from math import floor, sqrt

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.amaranth_sim import evaluate, exchange
from spikegate.cosim.benches.dot_product import Beat, LateTotal, NarrowCount, OrGate, SwappedSign, beat_layout, check, clock_sum
from spikegate.gateware.streams.dot_product import DotProduct, popcount, scale_count
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.streams.dot_product import BitstreamDotProduct, DotProductParams
from spikegate.models.streams.dot_product import scale_count as scale_model
from spikegate.models.streams.planes import unpack
from spikegate.models.streams.synapse import BitstreamSynapse, bitstream


class Popcount(wiring.Component):
    def __init__(self, width, in_module):
        self.in_module = in_module
        super().__init__({"i": In(width), "o": Out(width.bit_length())})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(popcount(self.i, m if self.in_module else None))
        return m


def counted(width, in_module, values):
    """Counts of the gateware."""
    dut = Popcount(width, in_module)
    return evaluate(dut, [dut.i], dut.o, [(value,) for value in values])


@pytest.mark.parametrize("in_module", [True, False])
def test_every_value_up_to_ten_bits_is_counted(in_module):
    for width in range(1, 11):
        assert counted(width, in_module, range(1 << width)) == [value.bit_count() for value in range(1 << width)]


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([9, 15, 16, 17, 31, 63, 64, 65, 100, 127, 129, 192, 255, 256, 257, 513, 1024]), st.booleans(), st.data())
def test_ones_of_any_width_are_counted(width, in_module, data):
    full, any_value = (1 << width) - 1, st.integers(0, (1 << width) - 1)
    values = data.draw(st.lists(st.one_of(any_value, st.tuples(any_value, any_value).map(lambda ab: ab[0] | ab[1])), min_size=1, max_size=10))
    values += [0, full, *(1 << k for k in range(0, width, 1 + width // 40)), *(full ^ 1 << k for k in range(0, width, 1 + width // 40))]
    assert counted(width, in_module, values) == [value.bit_count() for value in values]


def test_a_full_window_loses_no_bit():
    assert counted(256, True, [(1 << 256) - 1, (1 << 255) - 1]) == [256, 255]
    assert len(popcount(Signal(256))) == 9 and len(popcount(Signal(255))) == 8


@pytest.mark.parametrize("total, threshold, log2, scaled", [
    (256, 5120, 8, 5120), (-256, 5120, 8, -5120), (1, 128, 8, 1), (-1, 128, 8, 0), (1, 127, 8, 0), (-1, 129, 8, -1), (3, 128, 8, 2), (-3, 128, 8, -1),
    (7, 3, 0, 21)])
def test_scaling_by_hand(total, threshold, log2, scaled):
    # 1 * 128 / 256 is half and goes up to 1; -1 * 128 / 256 is minus half and goes up to 0.
    assert scale_model(total, threshold, log2) == scaled


@settings(deadline=None)
@given(st.integers(-(1 << 26), 1 << 26), st.integers(1, (1 << 31) - 1), st.integers(0, 16))
def test_scaling_is_the_nearest_integer_half_up(total, threshold, log2):
    assert scale_model(total, threshold, log2) == floor(Fraction(total * threshold, 1 << log2) + Fraction(1, 2))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 20), st.sampled_from([0, 1, 6, 8, 12]), st.booleans(), st.data())
def test_scaling_in_gates_equals_the_model(bits, log2, constant, data):
    totals = data.draw(st.lists(st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1), min_size=1, max_size=20))
    raw = data.draw(st.integers(1, (1 << 15) - 1))
    total, threshold = Signal(signed(bits)), Signal(signed(16), init=raw)
    scaled = scale_count(total, raw if constant else threshold, log2)
    result, m = Signal(scaled.shape()), Module()
    m.d.comb += result.eq(scaled)
    assert evaluate(m, [total], result, [(value,) for value in totals]) == [scale_model(value, raw, log2) for value in totals]


def by_bits(beats, params):
    """The definition, a bit at a time."""
    signs = lambda beat, c: (beat.enable >> c & 1) * (1 - 2 * (beat.inhibitory >> c & 1))  # noqa: E731
    sums = [sum(signs(beat, c) * (beat.spikes[c] >> k & beat.weights[c] >> k & 1) for c in range(params.channels) for k in range(params.width))
            for beat in beats]
    return [sum(sums[k:k + params.clocks]) for k in range(0, len(sums) - params.clocks + 1, params.clocks)]


def beats_of(params):
    window = st.one_of(st.integers(0, (1 << params.width) - 1), st.just((1 << params.width) - 1))
    windows, masks = st.tuples(*[window] * params.channels), st.integers(0, (1 << params.channels) - 1)
    return st.lists(st.builds(Beat, windows, windows, masks, masks), min_size=1, max_size=12)


SHAPES = [DotProductParams(1, 8, 8), DotProductParams(3, 4, 16), DotProductParams(2, 64, 256), DotProductParams(2, 1, 4),
          DotProductParams(4, 256, 256)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SHAPES), st.data())
def test_the_model_is_the_sum_over_all_bits(params, data):
    beats = data.draw(beats_of(params))
    beats = beats[:len(beats) // params.clocks * params.clocks]
    sums = [clock_sum(params, beat) for beat in beats]
    assert [sum(sums[k:k + params.clocks]) for k in range(0, len(sums), params.clocks)] == by_bits(beats, params)


def test_a_run_is_its_totals():
    params, rng = DotProductParams(3, 64, 128), np.random.default_rng(5)
    spikes, weights = rng.integers(0, 1 << 63, (2, 10, 3, 1), np.uint64)
    masks = rng.integers(0, 2, (2, 10, 3)).astype(bool)
    beats = [Beat(tuple(map(int, s[:, 0])), tuple(map(int, w[:, 0])), *(sum(int(x) << c for c, x in enumerate(mask)) for mask in pair))
             for s, w, *pair in zip(spikes, weights, *masks)]
    assert params.run(spikes, weights, *masks).tolist() == by_bits(beats, params) and len(beats) == 10


def test_the_widths_hold_the_extremes_and_one_bit_less_does_not():
    for params in SHAPES:
        most = params.channels * params.length
        assert params.width < 1 << params.count_bits and most < 1 << (params.total_bits() - 1) and 2 * most >= 1 << (params.total_bits() - 1)
        assert params.channels * params.clocks * ((1 << params.count_bits) - 1) < 1 << (params.total_bits(faulty=True) - 1)


@pytest.mark.parametrize("source", ["lfsr", "sobol"])
def test_the_tutorial_dot_product_is_near_that_of_the_probabilities(source):
    p, w, length = (0.5, 0.8, 0.3), (0.4, 0.9, 0.6), 4096
    synapses = [BitstreamSynapse(w=x, length=length, source=source, seed=k + 1, inhibitory=k == 1) for k, x in enumerate(w)]
    pre = np.array([bitstream(x, length, source, k + 4) for k, x in enumerate(p)])
    post, total, y = BitstreamDotProduct(synapses, -1.0, 2.0).apply(pre)
    exact = p[0] * w[0] - p[1] * w[1] + p[2] * w[2]
    error = 5 * sqrt(sum(a * b * (1 - a * b) for a, b in zip(p, w)) / length)  # five standard errors of independent streams
    assert abs(total / length - exact) < error < abs(total / length + exact) and abs(exact) > error
    assert y == pytest.approx(-1 + 3 * (total + length) / (3 * length), abs=1e-12)  # -length..2 length onto -1..2
    assert (post == pre & np.array([s.weights for s in synapses])).all()
    bits = BitstreamDotProduct(synapses, -1.0, 2.0).apply(unpack(pre))
    assert (bits.post == unpack(post)).all() and (bits.total, bits.y) == (total, y)


def test_the_tutorial_dot_product_spans_its_range():
    synapses = [BitstreamSynapse(w=1.0), BitstreamSynapse(w=1.0, inhibitory=True)]
    dot = BitstreamDotProduct(synapses, y_min=-2.0, y_max=6.0)
    one, none = np.ones(256, int), np.zeros(256, int)
    assert [(dot.apply([a, b]).total, dot.apply([a, b]).y) for a, b in ((none, one), (none, none), (one, one), (one, none))] == [
        (-256, -2.0), (0, 2.0), (0, 2.0), (256, 6.0)]


@pytest.mark.parametrize("make, message", [
    (lambda: DotProductParams(0), "Dot product channels must be at least 1, not 0"),
    (lambda: DotProductParams(1, 48), "Dot product width must be a power of two, not 48"),
    (lambda: DotProductParams(1, 1, 0), "Dot product length must be a power of two, not 0"),
    (lambda: DotProductParams(1, 512, 256), "Dot product width must be at most the length of 256, not 512"),
    (lambda: BitstreamDotProduct([]), "A dot product needs synapses of one length, not 0 synapses"),
    (lambda: BitstreamDotProduct([BitstreamSynapse(), BitstreamSynapse(length=64)]), "not 2 synapses of lengths \\[64, 256\\]"),
    (lambda: BitstreamDotProduct([BitstreamSynapse()]).apply(np.zeros((2, 256))), "one stream for each of 1 channels, not of shape \\(2, 256\\)"),
    (lambda: BitstreamDotProduct([BitstreamSynapse()]).apply(np.zeros((1, 2, 256))), "one stream for each of 1 channels, not of shape \\(1, 2, 256"),
    (lambda: BitstreamDotProduct([BitstreamSynapse()]).apply(np.zeros((1, 255))), "Streams must be 256 bits of 0 or 1, or 4 uint64 words")])
def test_a_dot_product_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def simulate(params, beats, stalls):
    """``(cycle, total)`` for each total that leaves, and the cycles in which beats were taken."""
    payloads = [beat_layout(params).const({"spike": beat.spikes, "weight": beat.weights, "inhibitory": beat.inhibitory, "enable": beat.enable})
                for beat in beats]
    cycles = list(enumerate(exchange(DotProduct(params), payloads, stalls)))
    return [(cycle, total) for cycle, (total, _) in cycles if total is not None], [cycle for cycle, (_, beat) in cycles if beat is not None]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(SHAPES[:4]), st.data())
def test_gateware_in_amaranth_equals_the_model(params, data):
    beats = data.draw(beats_of(params))
    stalls = data.draw(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30)) + [(True, True)] * (len(beats) + 3)
    totals, taken = simulate(params, beats, stalls)
    assert len(taken) == len(beats) and [total for _, total in totals] == by_bits(beats, params)


def test_the_total_comes_two_cycles_after_the_last_window_and_every_cycle_takes_one():
    params = DotProductParams(2, 4, 8)
    beats = [Beat((15, k), (k, 9), 2, 3) for k in range(12)]
    totals, taken = simulate(params, beats, [(True, True)] * 16)
    assert taken == list(range(12)) and totals == list(zip(range(3, 14, 2), by_bits(beats, params)))


@pytest.mark.parametrize("params", [DotProductParams(3), DotProductParams(2, 8, 64)], ids=["parallel", "serial"])
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=4000, seed=51) == 4000


@pytest.mark.parametrize("wrong", [NarrowCount(3), OrGate(3), SwappedSign(3), LateTotal(3)], ids=lambda wrong: type(wrong).__name__)
def test_a_wrong_model_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at cycle .*: signal o, golden"):
        check(DotProductParams(3), count=600, seed=52, model=wrong)


def test_a_count_one_bit_too_narrow_is_seen_by_full_windows_alone():
    full, most = ((1 << 256) - 1,) * 3, ((1 << 255) - 1,) * 3
    sums = [[clock_sum(model, Beat(windows, windows, 0, 7)) for model in (DotProductParams(3), NarrowCount(3))] for windows in (most, full)]
    assert sums == [[765, 765], [768, 0]]


def test_the_smallest_shape_and_what_is_not_given():
    least, usual = DotProductParams(1, 1, 1), DotProductParams(2)
    assert (least.clocks, least.count_bits, least.total_bits(), least.total_bits(faulty=True)) == (1, 1, 2, 2)
    assert (usual.width, usual.length, usual.clocks, usual.count_bits, usual.total_bits(), usual.total_bits(faulty=True)) == (256, 256, 1, 9, 11, 11)
    assert [DotProductParams(3, 64, 256).total_bits(faulty=faulty) for faulty in (False, True)] == [11, 12]


def test_a_clock_by_hand():
    params = DotProductParams(3, 4, 4)
    spikes, weights = np.array([[0b1111], [0b1010], [0b0111]], np.uint64), np.array([[0b1110], [0b0110], [0b0011]], np.uint64)
    yes, no = np.ones(3, bool), np.zeros(3, bool)
    assert params.counts(spikes, weights).tolist() == [3, 1, 2] and params.counts(spikes, weights).dtype == np.int64
    cases = ((no, yes, 6), (yes, yes, -6), (no, no, 0), ([0, 1, 0], yes, 4), ([0, 1, 0], [1, 1, 0], 2), ([1, 0, 1], [0, 1, 1], -1))
    for inhibitory, enable, total in cases:
        assert params.step(spikes, weights, np.array(inhibitory, bool), np.array(enable, bool)) == total


def test_the_value_of_a_total_by_hand():
    ones, none = np.ones(64, int), np.zeros(64, int)
    dot = BitstreamDotProduct([BitstreamSynapse(w=1.0, length=64), BitstreamSynapse(w=0.5, length=64, source="sobol")])
    found = [dot.apply(pre) for pre in ([ones, ones], [ones, none], [none, none])]
    assert [(one.total, one.y) for one in found] == [(96, 0.75), (64, 0.5), (0, 0.0)] and type(found[0].total) is int
    assert dot.inhibitory.tolist() == [False, False] and dot.params == DotProductParams(2, 64, 64)
