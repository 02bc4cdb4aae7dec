"""What one run leaves to the next one, and to the script: spikes under way, whatever becomes of their delays, and which neurons are refractory."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, on, pairs

from spikegate.models.errors import InputError


def later(change, delay="3*ms", dt=None):
    """Spikes before and after a run's end, through synapses that are changed between two runs; with a longer dt Brian2 loses those of odd steps."""
    def script():
        given = b.SpikeGeneratorGroup(3, [0, 1, 2, 0, 1, 2], [1, 1.6, 1.8, 5, 5.4, 6.8] * b.ms)
        cells = b.NeuronGroup(3, "dv/dt = -v / (50*ms) : 1", threshold="v > 2", reset="v = 0", method="exact")
        synapses = b.Synapses(given, cells, "w : 1", on_pre="v_post += w")
        synapses.connect(j="i")
        synapses.w, synapses.delay = 0.1, delay
        states = b.StateMonitor(cells, "v", record=True)
        network = b.Network(given, cells, synapses, states)
        network.run(2 * b.ms)
        change(synapses)
        if dt is not None:
            b.defaultclock.dt = dt
        network.run(8 * b.ms)
        return np.array(states.v)
    return script


@pytest.mark.parametrize("delay", ["3*ms", "(1 + i)*ms"])
@pytest.mark.parametrize(("change", "dt"), [
    (lambda each: setattr(each, "delay", 1 * b.ms), None), (lambda each: setattr(each, "delay", "(5 - i)*ms"), None),
    (lambda each: setattr(each, "w", 0.3), None), (lambda each: each.connect(i=0, j=2), None), (lambda each: None, 0.2 * b.ms)])
def test_spikes_under_way_arrive_when_they_were_to(change, dt, delay):
    reference, ours, _ = both(later(change, delay, dt), format="q4.20", leak_fraction=26)
    assert reference.shape == ours.shape and reference.max() > 0.15
    assert np.abs(reference - ours).max() < 1e-4


def test_neurons_are_as_refractory_after_a_run_as_brian2_says():
    def script():
        cells = b.NeuronGroup(6, "dv/dt = (15*mV - v) / (10*ms) : volt (unless refractory)\nwait : second", threshold="v > 10*mV", reset="v = 0*mV",
                              refractory="wait", method="exact")
        cells.v, cells.wait = "2*i*mV", "i*ms"
        spikes, found = b.SpikeMonitor(cells), []
        network = b.Network(cells, spikes)
        for ms in (4.1, 0.1, 6, 8.5):
            network.run(ms * b.ms)
            found.append(np.array(cells.not_refractory))
        return pairs(spikes), np.array(found), np.array(cells.lastspike)
    (spikes, reference, last), (our_spikes, ours, our_last), _ = both(script)
    np.testing.assert_array_equal(spikes, our_spikes)
    assert 0 < np.count_nonzero(reference) < reference.size
    np.testing.assert_array_equal(reference, ours)
    np.testing.assert_allclose(last, our_last)


def test_synapses_without_connect_and_a_spike_monitor_after_the_reset_are_refused():
    def script():
        cells = b.NeuronGroup(2, "dv/dt = (2 - v) / (10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
        made, spikes = b.Synapses(cells, cells, on_pre="v_post += 0.1", name="forgotten"), b.SpikeMonitor(cells, variables="v", name="late")
        spikes.when = "end"
        b.Network(cells, made, spikes).run(5 * b.ms)
    with pytest.raises(InputError, match=r"SpikeMonitor 'late': \"when='end'\" is another place in a step") as error:
        on("spikegate", script)
    assert "Synapses 'forgotten': has no synapses, as connect was not called" in str(error.value)
