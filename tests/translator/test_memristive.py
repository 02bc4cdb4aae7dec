"""V17: without defects V2 bit for bit; with them the devices and the errors of theory."""

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.streams.faults import apply
from spikegate.translator import memristive, probability
from spikegate.translator.brunel import preset, translate
from spikegate.translator.memristive import MemristiveDenseLayer
from spikegate.translator.probability import VectorizedSCLayer

RATES = (0.0, 0.001, 0.01, 0.05, 0.1)
SEEDS = range(1, 6)
#: In standard deviations of theory, as in test_sc_layer.py.
LIMIT = 5.0
NONE = dict(stuck_rate=0.0, variability=0.0)


@pytest.fixture(scope="module")
def ai():
    return translate(preset("ai"), name="ai", ms=50.0)


def dense(shape=(200, 100), high=0.7, **options):
    rng = np.random.default_rng(1)
    return MemristiveDenseLayer(rng.uniform(0.1, high, shape), **options), rng.random(shape[1])


def test_without_defects_it_is_v2_bit_for_bit(ai):
    sound, other = probability.run(ai), memristive.run(ai, **NONE)
    assert all(np.array_equal(sound.final[name], other.final[name]) for name in sound.final)
    assert sound.provenance["rmse"] == other.provenance["rmse"] and other.provenance["stuck0"] == other.provenance["stuck1"] == 0
    (layer, p), plain = dense(**NONE), VectorizedSCLayer(dense(**NONE)[0].weights.reshape(200, 100))
    for mine, its in ((layer.thresholds, plain.thresholds), (layer.weight_streams(), plain.weight_streams()), (layer.counts(p), plain.counts(p))):
        assert np.array_equal(mine, its)
    assert layer.theory(p) == plain.theory(p)
    for defects in (dict(NONE, stuck_rate=1e-3), dict(NONE, variability=1e-3)):
        assert not np.array_equal(dense(**defects)[0].weight_streams(), plain.weight_streams())
        assert not np.array_equal(memristive.run(ai, **defects).final["exc"], sound.final["exc"])


def test_a_stuck_device_is_a_stream_that_is_stuck_at_every_bit():
    layer, p = dense(stuck_rate=0.1, variability=0.0)
    sound, words = dense(**NONE)[0].weight_streams(), layer.weight_streams()
    masks = [np.where(stuck, ~np.uint64(0), np.uint64(0))[:, None] for stuck in (layer.stuck0, layer.stuck1)]
    assert np.array_equal(words, apply.py_func(sound, *masks, np.uint64(0))) and words.size == 20_000 * 64
    assert not np.array_equal(words, apply.py_func(sound, *masks[::-1], np.uint64(0)))
    counts, inputs = layer.counts(p), layer.input_streams(p)[layer.indices]
    assert not counts[layer.stuck0].any()
    assert np.array_equal(counts[layer.stuck1], np.bitwise_count(inputs[layer.stuck1]).sum(axis=1))


def test_devices_are_as_many_and_as_varied_as_asked():
    scores = []
    for seed in SEEDS:
        layer, _ = dense(stuck_rate=0.05, device_seed=seed)
        n, stuck = len(layer.weights), layer.stuck0 | layer.stuck1
        xi = (layer.thresholds / layer.ideal - 1)[~stuck] / 0.05
        share = n * 0.025
        scores += [(layer.stuck0.sum() - share) / (share * 0.975) ** 0.5, (layer.stuck1.sum() - share) / (share * 0.975) ** 0.5,
                   xi.mean() * len(xi) ** 0.5, (xi.std() - 1) * (2 * len(xi)) ** 0.5]
        assert not (layer.stuck0 & layer.stuck1).any() and np.abs(xi).max() < 6
    print(np.round(scores, 1))
    assert np.abs(scores).max() < LIMIT and 5 < np.square(scores).sum() < 46  # chi-square of 20, one in 1000
    # half of 5 % more devices, or 10 % more variability, would be off by more
    assert 20_000 * 0.0125 / (500 * 0.975) ** 0.5 > LIMIT and 0.1 * (2 * 19_000) ** 0.5 > LIMIT


def test_what_is_stuck_stays_stuck_at_higher_rates_and_the_rest_keeps_its_conductance():
    layers = [dense(stuck_rate=rate)[0] for rate in RATES]
    for few, many in zip(layers, layers[1:]):
        healthy = ~(many.stuck0 | many.stuck1)
        assert (few.stuck0 <= many.stuck0).all() and (few.stuck1 <= many.stuck1).all() and many.stuck0.sum() > few.stuck0.sum()
        assert np.array_equal(few.thresholds[healthy], many.thresholds[healthy])
    other = dense(device_seed=2)[0]
    assert not np.array_equal(other.stuck0, dense()[0].stuck0) and other.plan == dense()[0].plan


def score(recording, expected):
    """Mean square error of a run, in standard deviations from that of another run's theory over all devices: those of streams and of devices."""
    notes, theory = recording.provenance, expected.provenance
    streams = (notes["rmse"] ** 2 - notes["rmse_theory"] ** 2) / notes["scores"][1]
    return (notes["rmse"] ** 2 - theory["rmse_devices"] ** 2) / np.hypot(streams, theory["deviation_devices"])


def test_the_error_grows_with_the_defect_rate_as_theory_says(ai):
    table = {rate: [memristive.run(ai, stuck_rate=rate, seed=seed) for seed in SEEDS] for rate in RATES}
    scores = np.array([[score(recording, recording) for recording in row] for row in table.values()])
    for rate, row, line in zip(RATES, table.values(), scores):
        rmse, theory = np.mean([r.provenance["rmse"] ** 2 for r in row]) ** 0.5, row[0].provenance["rmse_devices"]
        print(f"{rate:6.1%} rmse {rmse:.4g} theory {theory:.4g} scores {np.round(line, 1)}")
        assert np.abs([r.provenance["scores"] for r in row]).max() < LIMIT  # given the devices as drawn
    assert np.abs(scores).max() < LIMIT and 8 < np.square(scores).sum() < 60  # chi-square of 25; rates share their streams and devices
    # one run of 0.1 %, 50 devices stuck at 1, is only three deviations from none, so that it is told from 1 %
    for rate, wrong in ((0.0, 0.01), (0.001, 0.01), (0.01, 0.05), (0.05, 0.1), (0.1, 0.05)):
        assert all(abs(score(recording, table[wrong][0])) > LIMIT for recording in table[rate]), (rate, wrong)


def test_the_theory_of_all_devices_is_the_mean_of_the_theory_of_each():
    trials = 400
    for variability in (0.05, 0.2):
        made = [dense((60, 50), 0.5, stuck_rate=0.1, variability=variability, device_seed=seed, length=256) for seed in range(trials)]
        squares, (mean, deviation) = [layer.theory(p).square for layer, p in made], made[0][0].population(made[0][1])
        scores = (np.array(squares) - mean) / deviation
        print(f"mean {scores.mean():.2f}, variance {scores.var():.2f}")
        assert abs(scores.mean()) < LIMIT / trials**0.5 and abs(scores.var() - 1) < LIMIT * (2 / trials) ** 0.5
        for wrong in (0.09, 0.11):
            other = dense((60, 50), 0.5, stuck_rate=wrong, variability=variability, length=256)[0].population(made[0][1])[0]
            assert abs(np.mean(squares) - other) > LIMIT * deviation / trials**0.5


def test_a_conductance_that_is_no_probability_is_refused_not_clipped():
    with pytest.raises(InputError, match=r"Conductances w \(1 \+ variability \* xi\) must be probabilities in 0..1, and \d+ are not"):
        MemristiveDenseLayer(np.full((20, 20), 0.95))
    with pytest.raises(InputError, match=r"Stuck rate must be in 0..1, not 1.5(.|\n)*Variability must be 0 or more, not -1"):
        MemristiveDenseLayer([[0.5]], stuck_rate=1.5, variability=-1)
    assert MemristiveDenseLayer(np.full((3, 3), 0.95), stuck_rate=1.0).stuck0.any()
