"""The float original in Brian2 and NEST: its delays, refractory periods, leak and drive."""

import numpy as np
import pytest
from small_networks import calm, chain

from spikegate.models.core import engine as core
from spikegate.models.errors import InputError
from spikegate.translator.brian_float import run_float


def steps_of(recording, neuron):
    return recording.spikes[recording.spikes[:, 1] == neuron, 0].tolist()


@pytest.mark.parametrize("delay", [1, 5, 15])
def test_the_float_original_has_the_same_delay(delay):
    network = chain(refractory=0, delay=delay, n=12)
    golden, brian = core.run(network), run_float(network, codegen="numpy")
    assert [steps_of(brian, k) for k in range(11)] == [steps_of(golden, k) for k in range(11)] == [[k * delay] for k in range(11)]


@pytest.mark.parametrize("refractory", [1, 2, 7, 20])
def test_the_float_original_drops_input_for_the_same_steps(refractory):
    network = chain(refractory)
    expected = list(range(1, 60, refractory + 1))
    assert steps_of(core.run(network), 59) == expected
    assert steps_of(run_float(network, codegen="numpy"), 59) == expected


def test_without_refractory_period_the_float_original_loses_the_input_of_a_spikes_own_step():
    network = chain(refractory=0)
    assert steps_of(core.run(network), 59) == list(range(1, 60))
    assert steps_of(run_float(network, codegen="numpy"), 59) == list(range(1, 60, 2))


def test_the_float_membrane_leaks_one_update_earlier_after_a_spike():
    network = chain(refractory=7)
    reset = network.lif.reset
    golden, brian = core.run(network, trace=True).trace["v"][:, 0], run_float(network, trace=True, codegen="numpy").trace["v"][:, 0]
    assert np.flatnonzero(golden != reset)[0] == 8
    assert np.flatnonzero(brian != np.float32(reset / 256))[0] == 7


def test_the_float_original_is_reproducible_and_agrees_roughly_with_the_golden_model():
    network = calm(ms=200.0)
    first, second = (run_float(network, codegen="numpy") for _ in range(2))
    assert np.array_equal(first.spikes, second.spikes)
    # the drives differ; their effect on the rate of this small network is some percent
    assert len(core.run(network).spikes) == pytest.approx(len(first.spikes), rel=0.3)
    other = network.replace(source={**network.source, "seed": 2})
    assert not np.array_equal(run_float(other, codegen="numpy").spikes, first.spikes)


def unconnected(eta=0.4):
    """200 neurons far below the threshold, each with its drive alone, for five time constants."""
    return calm(ms=100.0, eta=eta).replace(indptr=[0] * 201, indices=[])


def settled(v):
    """Whether free membranes have the mean eta * threshold, 8 mV: with J = 0.5 mV each has a deviation of sqrt(0.5 * 8 / 2) = 1.41 mV, and what is
    left of the start is below 8 mV * exp(-5) = 0.05 mV; five deviations of the mean of 200 are 0.5 mV."""
    return abs(v.mean() - 8.0) < 0.55


def test_the_drive_is_as_strong_as_asked():
    assert settled(run_float(unconnected(), codegen="numpy").final["v"])
    assert not settled(run_float(unconnected(eta=0.45), codegen="numpy").final["v"])


@pytest.mark.long
def test_the_drive_in_nest_is_as_strong_as_asked():
    pytest.importorskip("nest", reason="NEST is installed by make bench")
    from spikegate.translator.nest import run_nest
    assert settled(run_nest(unconnected()).final["v"]) and not settled(run_nest(unconnected(eta=0.45)).final["v"])


def test_a_network_without_physical_parameters_has_no_float_original():
    with pytest.raises(InputError, match="source is empty"):
        run_float(calm(ms=1.0).replace(source={}), codegen="numpy")
