"""Spike statistics against hand-computed cases and elephant."""

import elephant.spike_train_correlation
import elephant.statistics
import neo
import numpy as np
import pytest
import quantities as pq
from elephant.conversion import BinnedSpikeTrain

from spikegate.cosim.results.statistics import bin_steps, correlation, cv_isi, mean_correlation, rate_hz, summary
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording

DT_NS = 100_000


def recording(trains, steps):
    spikes = [(step, neuron) for neuron, train in enumerate(trains) for step in train]
    return Recording("hand", len(trains), steps, np.array(spikes, np.int32).reshape(-1, 2))


def random_recording(seed=7, n=30, steps=4000):
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.0, 0.02, n) * (1 + np.sin(np.arange(steps) / 150))[:, None]
    fired = rng.random((steps, n)) < rates
    fired[:, 3] = False
    fired[:, 4] = False
    fired[[10, 500], 4] = True
    return Recording("random", n, steps, np.argwhere(fired))


def neo_trains(rec):
    stop = rec.steps * 0.1 * pq.ms
    return [neo.SpikeTrain((rec.spikes[rec.spikes[:, 1] == i, 0] + 0.5) * 0.1 * pq.ms, t_stop=stop) for i in range(rec.n)]


def test_rate_is_spikes_per_neuron_and_second():
    assert rate_hz(recording([[0, 5], [9], [], []], 1000), DT_NS) == pytest.approx(3 / 4 / 0.1, rel=1e-15)


def test_cv_of_a_clock_is_zero():
    assert cv_isi(recording([[0, 10, 20, 30]], 100)) == 0.0


def test_cv_by_hand_over_neurons_with_three_spikes():
    # intervals 10, 30: mean 20, deviation 10, CV 1/2; intervals 4, 4: CV 0; two spikes: left out
    with np.errstate(all="raise"):
        assert cv_isi(recording([[0, 10, 40], [1, 5, 9], [2, 77], []], 100)) == pytest.approx(0.25, rel=1e-15)


def test_correlation_by_hand():
    same, other = [0, 60], [110, 160]
    assert correlation(recording([same, same], 200), DT_NS) == pytest.approx(1.0, rel=1e-12)
    assert correlation(recording([same, other], 200), DT_NS) == pytest.approx(-1.0, rel=1e-12)
    # pairs 1, -1, -1; the silent and the constant neuron have no correlation
    assert correlation(recording([same, same, other, [], [0, 50, 100, 150]], 200), DT_NS) == pytest.approx(-1 / 3, rel=1e-12)


def test_two_bins_suffice_and_one_or_none_do_not():
    assert mean_correlation(np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx(-1.0) and mean_correlation(np.eye(2)[:, [0, 0]]) == pytest.approx(1)
    assert mean_correlation(np.array([[0.0, 1.0]])) is mean_correlation(np.empty((0, 5))) is mean_correlation(np.array([[0.0, 3], [1, 3]])) is None


def test_correlation_leaves_out_an_unfinished_bin():
    whole = correlation(recording([[0, 60], [0, 110]], 200), DT_NS)
    assert correlation(recording([[0, 60, 201, 202], [0, 110, 240]], 249), DT_NS) == whole


def test_cv_equals_elephant_on_every_neuron_it_is_defined_for():
    rec = random_recording()
    intervals = [elephant.statistics.isi(train) for train in neo_trains(rec) if len(train) >= 3]
    assert 20 < len(intervals) < rec.n
    expected = np.mean([elephant.statistics.cv(isi) for isi in intervals])
    # elephant differences float times: a few units in the last place of each interval
    assert cv_isi(rec) == pytest.approx(expected, rel=1e-9)
    assert summary(rec, DT_NS)["intervals"] == sum(map(len, intervals))


def test_correlation_equals_elephant_over_all_pairs():
    rec = random_recording()
    trains = [train for train in neo_trains(rec) if len(train)]
    binned = BinnedSpikeTrain(trains, bin_size=5 * pq.ms)
    matrix = elephant.spike_train_correlation.correlation_coefficient(binned)
    pairs = matrix[np.triu_indices(len(trains), 1)]
    assert len(pairs) == 29 * 28 // 2
    assert correlation(rec, DT_NS) == pytest.approx(np.mean(pairs), rel=1e-9)
    assert abs(np.mean(pairs)) > 0.01


def test_a_shuffled_recording_is_told_apart():
    rec = random_recording()
    rng = np.random.default_rng(1)
    shuffled = Recording("shuffled", rec.n, rec.steps, np.stack([rng.permutation(rec.steps)[:len(rec.spikes)], rec.spikes[:, 1]], axis=1))
    assert abs(correlation(shuffled, DT_NS)) < correlation(rec, DT_NS) / 3


def test_nothing_is_nan_where_nothing_is_defined():
    assert summary(recording([[], []], 500), DT_NS) == {"spikes": 0, "rate_hz": 0.0, "cv_isi": None, "intervals": 0, "correlation": None}
    assert correlation(recording([[0], [70]], 99), DT_NS) is None
    assert correlation(recording([[0], [70]], 20), DT_NS) is None
    assert correlation(recording([[0, 70]], 200), DT_NS) is None


@pytest.mark.parametrize("dt_ns, steps", [(100_000, 50), (300_000, 17), (30_000, 167), (400_000, 12), (600_000, 8), (7_000_000, 1), (20_000_000, 1)])
def test_a_bin_is_the_whole_number_of_steps_nearest_to_5_ms(dt_ns, steps):
    train = recording([[0, steps], [1, 2 * steps], [steps]], 10 * steps)
    assert bin_steps(dt_ns) == steps and correlation(train, dt_ns) == correlation(train, 100_000, steps * 0.1) is not None


def test_a_step_without_length_is_refused_and_one_of_a_nanosecond_is_not():
    for call in (lambda: rate_hz(recording([[0]], 10), 0), lambda: bin_steps(0)):
        with pytest.raises(InputError, match="dt must be at least 1 ns, not 0 ns"):
            call()
    assert rate_hz(recording([[0]], 10), 1) == pytest.approx(1e8) and (bin_steps(1), bin_steps(2)) == (5_000_000, 2_500_000)
