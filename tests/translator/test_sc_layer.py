"""The layer of V2: streams that are V4's windows, sums within the error of theory, and wrong streams that are rejected."""

import numpy as np
import pytest
import scipy.sparse

from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import LfsrParams, apply
from spikegate.models.streams.encoder import WindowParams, threshold
from spikegate.models.streams.plan import LfsrPlan
from spikegate.models.streams.planes import unpack
from spikegate.models.streams.scc import correlations
from spikegate.translator.memristive import MemristiveDenseLayer
from spikegate.translator.sc_layer import VectorizedSCLayer
from spikegate.translator.sc_weights import quantise

#: Scores are standard deviations of theory; a sound stream leaves 5 once in 1.7 million.
LIMIT = 5.0
SEEDS = range(1, 7)


def dense(seed=1, shape=(50, 40), kind=VectorizedSCLayer):
    rng = np.random.default_rng(seed)
    return kind(rng.random(shape), seed=seed), rng.random(shape[1])


def popcounts(words):
    return np.bitwise_count(words).sum(axis=-1, dtype=np.int64)


def sound(layer, p, counts):
    return max(map(abs, layer.scores(p, counts))) < LIMIT


def test_streams_are_the_windows_of_the_encoder():
    layer, p = dense(shape=(70, 30))
    encoder, seeds = WindowParams(LfsrParams(61, leap=4096)), layer.plan.seeds
    weights, inputs = layer.weight_streams(), layer.input_streams(p)
    assert np.array_equal(inputs, encoder.run(seeds[:16], quantise("p", p)))
    assert np.array_equal(weights, encoder.run(seeds[16:], layer.thresholds))
    # windows 2000 to 2099 from their own place on the cycle, without those before
    assert np.array_equal(weights[2000:], encoder.run(seeds[16:], layer.thresholds[2000:], 2000))
    assert weights.shape == (2100, 64) and not np.array_equal(weights, encoder.run(seeds[:16], layer.thresholds))
    counts = layer.counts(p)
    assert counts.shape == (2100,) and np.array_equal(counts, popcounts(weights & inputs[layer.indices]))
    assert np.array_equal(layer.forward(p), (counts.reshape(70, 30) / 4096).sum(axis=1))


def test_a_stream_is_what_sixteen_registers_shift_in():
    layer, single = VectorizedSCLayer(np.full((1, 300), 0.3), 256), LfsrParams(61, leap=1)
    columns = single.jump(299 * 256)
    states, bits = [apply(columns, seed) for seed in layer.plan.seeds[16:]], []
    for _ in range(256):
        states = [single.step(state) for state in states]
        bits.append(sum((state & 1) << b for b, state in enumerate(states)) < threshold(0.3))
    assert 40 < sum(bits) < 120
    assert np.array_equal(unpack(layer.weight_streams()[299]), bits)


def test_the_plan_has_a_register_for_every_plane_and_no_position_twice():
    layer, _ = dense()
    assert len(set(layer.plan.seeds)) == 32 and layer.plan.windows == (2000,) * 32
    assert min(gap for _, _, gap in layer.plan.gaps()) >= 2000 * 4096
    seeds = list(layer.plan.seeds)
    with pytest.raises(InputError, match="Streams 0 and 20 start 0 positions apart"):
        LfsrPlan(layer.plan.params, (*seeds[:20], seeds[0], *seeds[21:]), 2000, (*layer.plan.phases[:20], 0, *layer.plan.phases[21:]))


def test_no_two_streams_are_correlated_beyond_chance():
    layer = VectorizedSCLayer(np.full((1, 600), 0.5))
    streams = np.concatenate([layer.input_streams(np.full(600, 0.5)), layer.weight_streams()])
    (worst,) = correlations(streams, worst=1)
    assert abs(worst.scc) < worst.bound < 0.15
    streams[700] = streams[3]  # one phase for two streams
    (worst,) = correlations(streams, worst=1)
    assert worst.scc == 1.0 and {worst.first, worst.second} == {3, 700}


def test_certain_inputs_and_weights_give_the_matrix_product_exactly():
    rng = np.random.default_rng(3)
    weights, p = rng.integers(0, 2, (9, 70)), rng.integers(0, 2, 70)
    layer = VectorizedSCLayer(weights, 64)
    assert np.array_equal(layer.forward(p), weights @ p) and (weights @ p).min() > 5
    assert np.array_equal(layer.expected(p).reshape(9, 70), weights * p)
    halves = VectorizedSCLayer(np.full((3, 4), 0.5))
    assert np.array_equal(halves.counts(np.ones(4)), popcounts(halves.weight_streams()))


def test_rows_may_be_sparse():
    rng = np.random.default_rng(4)
    matrix, p = rng.random((6, 9)), rng.random(9)
    whole, parts = VectorizedSCLayer(matrix, 256), (np.arange(7) * 9, np.tile(np.arange(9), 6), matrix.ravel())
    assert np.array_equal(VectorizedSCLayer(parts, 256).counts(p), whole.counts(p))
    few = VectorizedSCLayer(([0, 2, 2, 3], [4, 1, 0], [0.5, 0.25, 1.0]), 256, n_in=9)
    counts = few.counts(p)
    assert np.array_equal(few.forward(p) * 256, [counts[0] + counts[1], 0, counts[2]])
    assert np.allclose(few.expected(p), [p[4] / 2, p[1] / 4, p[0]], atol=2**-16, rtol=0)


def test_quantise_is_threshold_on_arrays():
    values = np.concatenate([np.random.default_rng(5).random(2000), (np.arange(2000) + 0.5) / 65536, np.nextafter((np.arange(2000) + 0.5) / 65536, 0),
                             [0.0, 5e-324, 1.0, np.nextafter(1, 0)]])
    assert quantise("p", values).tolist() == [threshold(value) for value in values.tolist()]


@pytest.mark.parametrize("kind", [VectorizedSCLayer, MemristiveDenseLayer], ids=["sound", "with defects"])
def test_the_theory_is_that_of_independent_bits(kind):
    """Streams from NumPy's generator: their errors have the mean, the mean square and the deviations that `theory` says."""
    rng, length, trials = np.random.default_rng(6), 64, 20_000
    options = {} if kind is VectorizedSCLayer else dict(stuck_rate=0.4, variability=0.2)
    layer, p = kind(rng.uniform(0.1, 0.6, (10, 2)), length, **options), np.array([0.02, 0.4])
    inputs, weights = quantise("p", p), layer.thresholds
    errors = np.empty((trials, 20))
    for first in range(0, trials, 1000):
        spikes = rng.integers(0, 65536, (1000, 2, length)) < inputs[:, None]
        ones = (rng.integers(0, 65536, (1000, 20, length)) < weights[:, None]) & spikes[:, layer.indices]
        errors[first:first + 1000] = ones.sum(axis=2) / length - layer.expected(p)
    apart = VectorizedSCLayer((layer.indptr, np.arange(20), layer.weights), length)  # as if each product had an input of its own
    apart.ideal, apart.thresholds = layer.ideal, layer.thresholds
    theory, wrong = layer.theory(p), apart.theory(p[layer.indices])
    for values, k in ((errors.mean(axis=1), 0), (((errors**2).mean(axis=1)), 2)):
        kurtosis = ((values - values.mean()) ** 4).mean() / values.var() ** 2
        margin = LIMIT * ((kurtosis - 1) / trials) ** 0.5 / 2
        print(f"mean {values.mean():.4g} of {theory[k]:.4g}, deviation {values.std():.4g} of {theory[k + 1]:.4g}, apart {wrong[k + 1]:.4g}")
        assert abs(values.mean() - theory[k]) < LIMIT * theory[k + 1] / trials**0.5
        assert abs(values.std() / theory[k + 1] - 1) < margin < abs(values.std() / wrong[k + 1] - 1)


def one_generator(layer, p):
    wrong, _ = dense(layer.seed, kind=type("Same", (VectorizedSCLayer,), {"_start": lambda self, first: VectorizedSCLayer._start(self, 0)}))
    return wrong.counts(p)


WRONG = {
    "or": lambda layer, p: popcounts(layer.weight_streams() | layer.input_streams(p)[layer.indices]),
    "xnor": lambda layer, p: popcounts(~(layer.weight_streams() ^ layer.input_streams(p)[layer.indices])),
    "last word dropped": lambda layer, p: popcounts((layer.weight_streams() & layer.input_streams(p)[layer.indices])[:, :-1]),
    "one generator for inputs and weights": one_generator,
    "input of the neighbour": lambda layer, p: popcounts(layer.weight_streams() & np.roll(layer.input_streams(p), 1, axis=0)[layer.indices]),
    "counts halved": lambda layer, p: layer.counts(p) // 2,
    "expected values instead of streams": lambda layer, p: layer.expected(p) * layer.length,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_streams_are_rejected_by_the_check_that_sound_ones_pass(wrong):
    for seed in SEEDS[:3]:
        layer, p = dense(seed)
        assert sound(layer, p, layer.counts(p))
        assert not sound(layer, p, WRONG[wrong](layer, p)), layer.scores(p, WRONG[wrong](layer, p))


LENGTHS = (1, 63, 65, 77, 1000, 4095)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_stream_of_any_length_begins_that_of_the_next_power_of_two(length):
    rng = np.random.default_rng(length)
    weights, p = rng.random((7, 11)), rng.random(11)
    whole = max(64, 1 << (length - 1).bit_length())
    short, long = VectorizedSCLayer(weights, length), VectorizedSCLayer(weights, whole)
    for name, streams in (("inputs", (short.input_streams(p), long.input_streams(p))), ("weights", (short.weight_streams(), long.weight_streams()))):
        mine, bits = (unpack(each) for each in streams)
        assert np.array_equal(mine[:, :length], bits[:, :length]) and not mine[:, length:].any(), name
    gated = (unpack(long.input_streams(p))[short.indices] & unpack(long.weight_streams()))[:, :length]
    assert np.array_equal(short.counts(p), gated.sum(axis=1))
    assert np.allclose(short.forward(p), gated.sum(axis=1).reshape(7, 11).sum(axis=1) / length, rtol=1e-12)


@pytest.mark.parametrize("length", (64, 256, *LENGTHS))
def test_bipolar_products_are_those_of_numbers_with_signs(length):
    rng = np.random.default_rng(length)
    weights, x = rng.uniform(-1, 1, (7, 11)), rng.uniform(-1, 1, 11)
    layer = VectorizedSCLayer(weights, length, sc_mode="bipolar")
    inputs, streams = unpack(layer.input_streams(x))[:, :length], unpack(layer.weight_streams())[:, :length]
    same = (inputs[layer.indices] == streams).sum(axis=1)
    assert np.array_equal(layer.counts(x), same)
    assert np.allclose(layer.forward(x), (2 * same / length - 1).reshape(7, 11).sum(axis=1), rtol=1e-12)
    exact = layer.value(layer.expected(x))
    assert np.allclose(exact, (weights * x).ravel(), rtol=0, atol=2**-14) and np.allclose(layer.total(exact), weights @ x, rtol=0, atol=11 * 2**-14)
    assert sound(layer, x, layer.counts(x)) or length == 1
    if length >= 256:
        other = VectorizedSCLayer((1 + weights) / 2, length)  # AND of the same streams is no product of these numbers
        assert not sound(layer, x, other.counts((1 + x) / 2))


def test_the_theory_of_bipolar_products_is_that_of_independent_bits():
    rng, length, trials = np.random.default_rng(6), 64, 4000
    layer, x = VectorizedSCLayer(rng.uniform(-0.8, 0.8, (10, 2)), length, sc_mode="bipolar"), np.array([-0.9, 0.3])
    inputs, weights = layer.encode(x), layer.thresholds
    spikes = rng.integers(0, 65536, (trials, 2, length)) < inputs[:, None]
    same = (rng.integers(0, 65536, (trials, 20, length)) < weights[:, None]) == spikes[:, layer.indices]
    errors, theory = same.sum(axis=2) / length - layer.expected(x), layer.theory(x)
    for values, k in ((errors.mean(axis=1), 0), ((errors**2).mean(axis=1), 2)):
        kurtosis = ((values - values.mean()) ** 4).mean() / values.var() ** 2
        assert abs(values.mean() - theory[k]) < LIMIT * theory[k + 1] / trials**0.5
        assert abs(values.std() / theory[k + 1] - 1) < LIMIT * ((kurtosis - 1) / trials) ** 0.5 / 2


def test_sparse_weights_of_scipy_and_a_share_of_dense_ones():
    rng = np.random.default_rng(8)
    matrix, p = rng.random((40, 50)) * (rng.random((40, 50)) < 0.2), rng.random(50)
    rows = scipy.sparse.csr_array(matrix)
    layer = VectorizedSCLayer(rows, 1000)
    assert np.array_equal(layer.counts(p), VectorizedSCLayer((rows.indptr, rows.indices, rows.data), 1000, n_in=50).counts(p))
    assert np.allclose(layer.total(layer.expected(p)), matrix @ p, rtol=0, atol=50 * 2**-15) and layer.n_in == 50
    full = rng.random((40, 50))
    some, again, others = (VectorizedSCLayer(full, 256, seed, connectivity=0.3) for seed in (1, 1, 2))
    assert abs(len(some.weights) - 600) < 5 * (2000 * 0.3 * 0.7) ** 0.5 and np.array_equal(some.indices, again.indices)
    assert not np.array_equal(some.indices, others.indices)
    kept = np.zeros((40, 50))
    kept[np.repeat(np.arange(40), np.diff(some.indptr)), some.indices] = some.weights
    assert np.array_equal(kept[kept > 0], full[kept > 0]) and np.allclose(some.total(some.expected(p)), kept @ p, rtol=0, atol=50 * 2**-15)
