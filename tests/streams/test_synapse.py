"""The synapse: gates against their definitions, products of streams against probabilities, the gateware against the model."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.amaranth_sim import evaluate
from spikegate.cosim.benches.synapse import OrSynapse, check
from spikegate.gateware.streams.synapse import Synapse
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.encoder import WindowParams
from spikegate.models.streams.planes import packed, unpack, window_lfsr
from spikegate.models.streams.synapse import BitstreamSynapse, SynapseParams, bitstream, gate, weight_probability


def ones(windows):
    """Ones of packed windows."""
    return int(np.bitwise_count(windows).sum())


def test_gates_by_hand():
    assert SynapseParams(4).step(0b1100, 0b1010) == 0b1000
    assert SynapseParams(4, bipolar=True).step(0b1100, 0b1010) == 0b1001
    words = np.array([0b1100, 0], np.uint64), np.array([0b1010, 1], np.uint64)
    assert gate(*words, False).tolist() == [0b1000, 0]
    assert gate(*words, True).tolist() == [2**64 - 1 - 0b0110, 2**64 - 2]


@settings(deadline=None)
@given(st.integers(1, 70), st.booleans(), st.data())
def test_a_gate_is_its_truth_table_at_every_line(width, bipolar, data):
    a, b = (data.draw(st.integers(0, (1 << width) - 1)) for _ in range(2))
    post = SynapseParams(width, bipolar).step(a, b)
    assert post >> width == 0
    assert all(post >> k & 1 == ((a >> k & 1 == b >> k & 1) if bipolar else (a >> k & 1 and b >> k & 1)) for k in range(width))


@pytest.mark.parametrize("weight, threshold, probability", [
    (5120, 10240, 32768), (-5120, 10240, 32768), (1, 3, 21845), (2, 3, 43691), (0, 5120, 66), (1, 5120, 66), (-6, 5120, 77),
    (5120, 5120, 65470), (9999, 5120, 65470), (3, 1 << 17, 66), (1 << 15, 1 << 31, 66)])
def test_weight_probabilities_by_hand(weight, threshold, probability):
    # 0.001 * 65536 = 65.536, 0.999 * 65536 = 65470.46, 65536 / 3 = 21845.33, 6/5120 * 65536 = 76.8
    assert weight_probability(weight, threshold) == probability


def test_half_a_step_of_the_probability_goes_up():
    assert weight_probability(257, 1 << 17) == 129  # 128.5, which rounding to even would take to 128
    assert weight_probability(259, 1 << 17) == 130  # 129.5


@settings(deadline=None)
@given(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(1, (1 << 31) - 1))
def test_a_weight_probability_is_the_nearest_of_16_bits(weight, threshold):
    exact = min(max(Fraction(abs(weight), threshold), Fraction(1, 1000)), Fraction(999, 1000)) * 65536
    assert -Fraction(1, 2) < weight_probability(weight, threshold) - exact <= Fraction(1, 2)


def worst_product(pairs, multiply, p, q):
    """Largest deviation of a product of streams from ``p * q``, in standard errors of Binomial(length, p q)."""
    return max(abs(ones(multiply(a, b)) - 64 * len(a) * p * q) / sqrt(64 * len(a) * p * q * (1 - p * q)) for a, b in pairs)


@pytest.mark.parametrize("p, q", [(0.5, 0.5), (0.25, 0.75), (0.7, 0.4)])
def test_independent_streams_multiply_and_one_stream_with_itself_does_not(p, q):
    # 40 pairs: five standard errors by chance happen in one of 40,000 such tests.
    apart = [(bitstream(p, 4096, seed=2 * k), bitstream(q, 4096, seed=2 * k + 1)) for k in range(40)]
    assert worst_product(apart, np.bitwise_and, p, q) < 5
    assert worst_product(apart, np.bitwise_or, p, q) > 20  # OR gives p + q - p q
    for k in range(40):
        a, b = bitstream(p, 4096, seed=k), bitstream(q, 4096, seed=k)
        assert ones(a & b) == min(ones(a), ones(b))  # one phase: min(p, q)
    assert worst_product([(bitstream(p, 4096, seed=0), bitstream(q, 4096, seed=0))], np.bitwise_and, p, q) > 5


@pytest.mark.parametrize("p, q, off", [(0.5, 0.5, 0), (0.25, 0.75, 0), (0.9, 0.3, 17)])
def test_two_sobol_dimensions_multiply_exactly_or_nearly(p, q, off):
    # Dimensions 1 and 2 are a (0, 16, 2)-net: a dyadic box of area 2^-16 or more holds its exact share. Each of the at most 16
    # dyadic parts of p, times q cut to whole boxes, is off by less than one point; rounding p and q by half a point each.
    a, b = (bitstream(x, 1 << 16, "sobol", d) for x, d in ((p, 1), (q, 2)))
    assert abs(ones(a & b) - p * q * 65536) <= off
    same = bitstream(q, 1 << 16, "sobol", 1)
    assert ones(a & same) == min(ones(a), ones(same)) and abs(ones(a & same) - p * q * 65536) > 1000


def test_bipolar_streams_multiply():
    x, y, length = 0.5, -0.25, 1 << 14
    a, b = (bitstream((1 + v) / 2, length, seed=s) for s, v in enumerate((x, y)))
    value = lambda windows: 2 * ones(windows) / length - 1  # noqa: E731
    assert abs(value(gate(a, b, True)) - x * y) < 5 / sqrt(length)  # the variance of a bit of +-1 is at most 1
    assert abs(value(gate(a, b, False)) - x * y) > 5 / sqrt(length)


def test_the_tutorial_synapse_holds_its_weight():
    synapse = BitstreamSynapse(w_min=-1.0, w_max=3.0, length=4096, w=0.2, seed=3)  # p = 0.3
    assert abs(synapse.effective_weight() - 0.2) < 4 * 5 * sqrt(0.3 * 0.7 / 4096)
    assert synapse.effective_weight() == -1 + 4 * ones(synapse.weights) / 4096
    assert BitstreamSynapse(w=0.25, source="sobol", seed=1).effective_weight() == 0.25  # 64 of 256, exactly
    assert [BitstreamSynapse(w=w).effective_weight() for w in (0.0, 1.0)] == [0.0, 1.0]


def test_the_tutorial_synapse_takes_bits_and_words():
    synapse, pre = BitstreamSynapse(w=0.7, seed=1), bitstream(0.5, seed=2)
    post = synapse.apply(pre)
    assert post.dtype == np.uint64 and (unpack(post) == synapse.apply(unpack(pre))).all()
    assert (synapse.apply(np.array([unpack(pre)] * 3)) == unpack(post)).all()
    assert (synapse.apply(np.ones(256, int)) == unpack(synapse.weights)).all() and not synapse.apply([0] * 256).any()


@pytest.mark.parametrize("make, message", [
    (lambda: SynapseParams(0), "Synapse width must be at least 1 position, not 0"),
    (lambda: weight_probability(1, 0), "Threshold must be at least 1 \\(raw\\) to scale weights by, not 0; shift the membrane"),
    (lambda: bitstream(0.5, source="noise"), "Stream source must be \"lfsr\" or \"sobol\", not 'noise'"),
    (lambda: bitstream(0.5, seed=-1), "Stream seed must be in 0..562949953421310, not -1"),
    (lambda: bitstream(1.5), "Probability must be in 0..1, not 1.5"),
    (lambda: bitstream(0.5, 100), "Window length must be a power of two and at least 64 positions, not 100"),
    (lambda: BitstreamSynapse(w=1.2), "w must be in 0.0..1.0, not 1.2"),
    (lambda: BitstreamSynapse(w_min=1, w_max=1, w=1), "w_min 1 must be below w_max 1"),
    (lambda: BitstreamSynapse().apply(np.zeros(255)), "Streams must be 256 bits of 0 or 1, or 4 uint64 words, not float64 of shape \\(255,\\)"),
    (lambda: BitstreamSynapse().apply(np.full(256, 2)), "Streams must be 256 bits of 0 or 1")])
def test_a_synapse_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 3, 8, 64, 65, 256]), st.booleans(), st.data())
def test_gateware_in_amaranth_equals_the_model(width, bipolar, data):
    params, window = SynapseParams(width, bipolar), st.integers(0, (1 << width) - 1)
    pairs = data.draw(st.lists(st.tuples(window, window), min_size=1, max_size=20))
    dut = Synapse(params)
    assert evaluate(dut, [dut.spike, dut.weight], dut.post, pairs) == [params.step(*pair) for pair in pairs]


@pytest.mark.parametrize("params", [SynapseParams(256), SynapseParams(70, bipolar=True)], ids=["and", "xnor"])
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=1000, seed=41) == 1000


@pytest.mark.parametrize("wrong", [OrSynapse(256), SynapseParams(256, bipolar=True)], ids=["or", "xnor"])
def test_a_wrong_gate_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at spike .*: signal post, golden"):
        check(SynapseParams(256), count=100, seed=42, model=wrong)


def test_what_is_not_given_and_the_ends_of_what_can_be():
    params = window_lfsr(256)
    starts = params.phases(0x5EED, 16, 1)
    expected = WindowParams(params).run(starts, [32768])[0]
    assert bitstream(0.5).tolist() == bitstream(0.5, 256, "lfsr", 0).tolist() == expected.tolist()
    last = (2**61 - 1) // 16 // 256 - 1
    assert bitstream(0.5, seed=last).tolist() == WindowParams(params).run(starts, [32768], last)[0].tolist()
    with pytest.raises(InputError, match=f"Stream seed must be in 0..{last}, not {last + 1}"):
        bitstream(0.5, seed=last + 1)
    assert SynapseParams(1) == SynapseParams(1, False) and [SynapseParams(1).step(a, b) for a in (0, 1) for b in (0, 1)] == [0, 0, 0, 1]
    assert [weight_probability(weight, 1) for weight in (0, 1, -1)] == [66, 65470, 65470]


def test_the_tutorial_synapse_by_default_and_at_the_ends_of_its_weights():
    synapse = BitstreamSynapse()
    assert (synapse.w_min, synapse.w_max, synapse.length, synapse.inhibitory) == (0.0, 1.0, 256, False)
    assert synapse.weights.tolist() == bitstream(0.5, seed=(1 << 32) + 2293).tolist() and not synapse.weights.flags.writeable
    assert BitstreamSynapse(source="sobol").weights.tolist() == bitstream(0.5, source="sobol", seed=1).tolist()
    assert [BitstreamSynapse(w=w).effective_weight() for w in (0.0, 1.0)] == [0.0, 1.0]
    other = BitstreamSynapse(-2.0, 6.0, 64, 0.0, "sobol", 1, True)
    assert other.inhibitory and other.weights.tolist() == bitstream(0.25, 64, "sobol", 1).tolist() and other.effective_weight() == 0.0
    with pytest.raises(InputError, match="w must be in 0.0..1.0, not -0.1"):
        BitstreamSynapse(w=-0.1)
    with pytest.raises(InputError, match="w_min 2 must be below w_max 1\nw must be in 2..1, not 0.5"):
        BitstreamSynapse(2, 1)


@pytest.mark.parametrize("length", [256, 1024, 4096])
@pytest.mark.parametrize("source", ["lfsr", "sobol"])
def test_a_synapse_and_a_stream_are_apart_unless_they_are_told_otherwise(length, source):
    for p, w in ((0.5, 0.5), (0.25, 0.75), (0.75, 0.25)):
        product = BitstreamSynapse(w=w, length=length, source=source).apply(unpack(bitstream(p, length, source))).mean()
        assert abs(product - p * w) < 2 * sqrt(p * w * (1 - p * w) / length) < min(p, w) - p * w
        same = BitstreamSynapse(w=w, length=length, source=source, seed=0).apply(unpack(bitstream(p, length, source))).mean()
        assert abs(same - p * w) > 2 * sqrt(p * w * (1 - p * w) / length)


def test_a_weight_is_its_decimals_to_sixteen_bits():
    # 0.1 * 65536 = 6553.6; (0.25 + 2^-17) * 65536 is 16384.5, which goes up; the same for other ends, and thirds
    for fields, level in ((dict(w=0.1), 6554), (dict(w=0.25 + 2**-17), 16385), (dict(w_min=-1, w_max=3, w=0), 16384), (dict(w=Fraction(1, 3)), 21845),
                          (dict(w_min=-0.1, w_max=0.2, w=0.1), 43691), (dict(w=1), 65536), (dict(w=0), 0)):
        assert BitstreamSynapse(**fields, seed=3).weights.tolist() == bitstream(Fraction(level, 65536), seed=3).tolist(), fields


def test_a_stream_of_any_seed_is_made_where_it_lies_on_the_cycle():
    params = window_lfsr(128)
    starts = params.phases(0x5EED, 16, 1)
    for seed in (0, 1, 60, 61, 12345, (1 << 32) + 7, (2**61 - 1) // 16 // 128 - 1):
        assert bitstream(0.3, 128, seed=seed).tolist() == WindowParams(params).run(starts, [19661], seed)[0].tolist()
    with pytest.raises(InputError, match="seed must be a whole number, not 1.0"):
        bitstream(0.3, 128, seed=1.0)  # not that of seed 1, which is kept


def test_bits_of_any_type_are_bits():
    synapse, bits = BitstreamSynapse(w=0.7), unpack(bitstream(0.5))
    post = synapse.apply(bits)
    for kind in (bool, np.int8, np.uint16, np.int64, np.float32, float):
        found = synapse.apply(bits.astype(kind))
        assert found.dtype == np.uint8 and found.tolist() == post.tolist()
    assert synapse.apply(bits.tolist()).tolist() == post.tolist() and synapse.apply(np.array([bits, bits ^ 1])).shape == (2, 256)


def test_streams_of_words_are_words_and_others_bits():
    words, bits = np.array([[1, 2], [3, 4]], np.uint64), np.zeros((2, 128))
    assert packed(words, 128)[1] and packed(words, 128)[0] is words and not packed(bits, 128)[1]
    for wrong in (np.zeros(2, np.int64), np.zeros(3, np.uint64), np.full(128, -1), np.zeros((128, 1))):
        with pytest.raises(InputError, match="Streams must be 128 bits of 0 or 1, or 2 uint64 words"):
            packed(wrong, 128)


def test_a_sobol_stream_is_window_0_of_its_dimension():
    for dimension in (0, 2):
        points = [SobolParams(dimension, 16).point(i) for i in range(64)]
        assert unpack(bitstream(0.25, 64, "sobol", dimension)).tolist() == [int(point < 16384) for point in points]
