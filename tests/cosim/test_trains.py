"""How far spike trains are apart: known values, and trains that have nothing to do with each other."""

import math

import numpy as np
import pytest

from spikegate.cosim.results import trains
from spikegate.models.network.recording import Recording


def spikes(*pairs):
    """Of neuron and step."""
    return np.array(pairs, np.int64).reshape(-1, 2)


def test_spikes_come_back_by_neuron_and_time():
    recording = Recording("golden", 3, 50, np.array([[0, 2], [7, 0], [9, 2], [49, 0]]))
    assert trains.unpacked(trains.packed(recording), 50).tolist() == [[0, 7], [0, 49], [2, 0], [2, 9]]
    assert trains.unpacked(trains.packed(Recording("golden", 3, 50, np.empty((0, 2), np.int64))), 50).shape == (0, 2)


@pytest.mark.parametrize("ours, theirs, apart", [
    ([(0, 5), (1, 9)], [(0, 5), (1, 9)], 0.0), ([(0, 5)], [], 1.0), ([(0, 5)], [(1, 5)], 1.0), ([], [], None),
    ([(0, 5)], [(0, 105)], 1 - math.exp(-1)),  # 100 steps of 0.1 ms are the time constant
    ([(0, 5), (0, 5)], [], 2.0), ([(0, 5), (1, 0)], [(0, 55)], (1.5 - math.exp(-0.5)) / 1.5)])
def test_distances_by_hand(ours, theirs, apart):
    found = trains.distance(spikes(*ours), spikes(*theirs), 0.1)
    assert found is None if apart is None else found == pytest.approx(apart, abs=1e-12)


def test_unrelated_trains_are_at_a_distance_of_one_and_shifted_ones_nearer():
    random, steps, n = np.random.default_rng(1), 100_000, 20
    ours, theirs = (np.argwhere(random.random((n, steps)) < 0.002) for _ in range(2))
    assert trains.distance(ours, theirs, 0.1) == pytest.approx(1, abs=0.1)
    near = trains.distance(ours, ours + [0, 10], 0.1)
    assert near == pytest.approx(1 - math.exp(-0.1), rel=0.1) and near < trains.distance(ours, ours + [0, 20], 0.1)


def test_rates_of_neurons_are_compared_one_by_one():
    assert trains.rate_difference(spikes((0, 1), (0, 2)), spikes((1, 3), (1, 4)), 2, 0.5) == pytest.approx(4.0)
    assert trains.rate_difference(spikes((0, 1), (0, 2)), spikes((0, 3), (0, 4)), 2, 0.5) == 0.0
