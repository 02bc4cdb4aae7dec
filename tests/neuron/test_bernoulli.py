"""The source of independent spikes: by hand, and the gateware against the model."""

import numpy as np
import pytest

from spikegate.cosim.benches.bernoulli import check
from spikegate.models.errors import Mismatch
from spikegate.models.neuron.bernoulli import bernoulli_step


@pytest.mark.parametrize("chance, uniform, spike", [(0, 0, 0), (1, 0, 1), (1, 1, 0), (1 << 32, (1 << 32) - 1, 1), ((1 << 32) - 1, (1 << 32) - 1, 0)])
def test_spikes_by_hand(chance, uniform, spike):
    assert bernoulli_step(np.array([[chance]], np.int64), 0, uniform) == spike


def test_the_gateware_spikes_as_the_model():
    assert check(count=2000, seed=1) == 2000


def test_a_chance_that_is_wrong_by_one_is_rejected():
    """Negative control."""
    with pytest.raises(Mismatch, match="signal spike"):
        check(count=500, seed=2, shift=1)
