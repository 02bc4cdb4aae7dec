"""Scripts with thresholds and currents that adapt, kicks beside currents, and noise, held against Brian2's own runs."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, on, pairs

import spikegate.brian2

#: So many bits that rounding moves no spike here.
WIDE = {"format": "q11.21", "leak_fraction": 26, "decay_fraction": 26, "current_format": "q18.12"}


def adapting(model, threshold, reset, **more):
    """Neurons that adapt, driven by recorded spikes and by each other, watched in all they have; two runs."""
    def script():
        cells = b.NeuronGroup(20, model, threshold=threshold, reset=reset, method="exact", refractory=more.get("refractory", False))
        for name, value in more.get("initial", {}).items():
            setattr(cells, name, value)
        rng = np.random.default_rng(4)
        outside = b.SpikeGeneratorGroup(10, rng.integers(0, 10, 600), np.sort(rng.choice(2000, 600, replace=False)) * 0.1 * b.ms)
        objects = [cells, outside]
        for source, code in ((outside, more.get("code", "v += 0.3")), (cells, "v_post -= 0.05")):
            made = b.Synapses(source, cells, on_pre=code)
            made.connect(i=rng.integers(0, 10, 60), j=rng.integers(0, 20, 60))
            made.delay = rng.integers(0, 30, 60) * 0.1 * b.ms
            objects.append(made)
        names = [*cells.equations.diff_eq_names]
        spikes, states = b.SpikeMonitor(cells, variables="v"), b.StateMonitor(cells, names, record=[0, 7, 19])
        part = b.SpikeMonitor(cells[5:12], variables="v")
        network = b.Network(*objects, spikes, states, part)
        network.run(120 * b.ms, namespace={})
        network.run(80 * b.ms, namespace={})
        return spikes, states, part, names

    return script


ADAPTING = {
    "threshold": ("dv/dt = -v / (10*ms) : 1\ndh/dt = (1 - h) / (15*ms) : 1", "v > h", "v = 0; h += 0.3", {"initial": {"h": "1 + 0.01 * i"}}),
    "threshold on top": ("dv/dt = (0.5 - v) / (10*ms) : 1 (unless refractory)\ndh/dt = -h / (15*ms) : 1", "v > 0.8 + h", "v -= 0.7; h += 0.2",
                         {"refractory": 1.5 * b.ms}),
    "current outwards": ("dv/dt = (1.3 - v - w) / (10*ms) : 1 (unless refractory)\ndw/dt = -w / (40*ms) : 1", "v > 1", "v = 0; w += 0.2",
                         {"refractory": 1 * b.ms, "initial": {"w": "0.05 * i"}}),
    "current inwards": ("dv/dt = (0.9 - v + w) / (10*ms) : 1\ndw/dt = -w / (20*ms) : 1", "v > 1", "v = 0; w -= 0.1", {}),
    "both and a current": ("dv/dt = (0.8 - v - w + g) / (10*ms) : 1\ndg/dt = -g / (5*ms) : 1\ndw/dt = -w / (40*ms) : 1\n"
                           "dh/dt = (1 - h) / (15*ms) : 1", "v >= h", "v = 0; w += 0.1; h += 0.1",
                           {"code": "g += 0.5; v += 0.1", "initial": {"h": 1}}),
}


@pytest.mark.parametrize("name", ADAPTING)
def test_what_adapts_gives_the_spikes_of_brian2(name):
    model, threshold, reset, more = ADAPTING[name]
    (spikes, states, part, names), (ours, our_states, our_part, _), result = both(adapting(model, threshold, reset, **more), **WIDE)
    assert len(pairs(spikes)) > 100 and len(names) > 1 and len(pairs(part)) > 20
    for theirs, mine in ((spikes, ours), (part, our_part)):
        np.testing.assert_array_equal(pairs(theirs), pairs(mine))
        np.testing.assert_allclose(theirs.v, mine.v, atol=1e-3)
    for each in names:
        np.testing.assert_allclose(getattr(states, each), getattr(our_states, each), atol=1e-3)
    neuron = result.network.populations[0].neuron
    assert neuron.kind == "adaptive_lif" and {getattr(neuron, f"{each}_fraction") for each in neuron.adapted} == {WIDE["decay_fraction"]}
    threshold, = (each for each in result.network.quantities() if each.name.endswith(".threshold"))
    assert threshold.realised == pytest.approx(0.8 if "on top" in name else 1, abs=1e-4)
    assert threshold.asked == pytest.approx(threshold.realised, abs=1e-4)


def noisy(model="dv/dt = -v / (10*ms) + 0.3 * xi / sqrt(5*ms) : 1", threshold=None, reset=None):
    """Membranes with noise, looked at every 25 ms."""
    cells = b.NeuronGroup(400, model, threshold=threshold, reset=reset, method="euler")
    states = b.StateMonitor(cells, "v", record=True, dt=25 * b.ms)
    spikes = b.SpikeMonitor(cells) if threshold else None
    b.Network(cells, states, *([] if spikes is None else [spikes])).run(1 * b.second, namespace={})
    return np.array(states.v[:, 4:]), spikes


def test_noise_has_its_mean_its_variance_and_its_memory():
    values, _ = on("spikegate", noisy)
    # an Ornstein-Uhlenbeck process: variance sigma^2 tau / (2 tau_n) = 0.09, one in 25 ms has forgotten all but exp(-2.5)
    count, keep = values.size, np.exp(-2.5)
    assert abs(values.mean()) < 5 * 0.3 * ((1 + keep) / (1 - keep) / count) ** 0.5
    assert abs(values.var() / 0.09 - 1) < 5 * (2 * (1 + keep ** 2) / (1 - keep ** 2) / count) ** 0.5 + 0.005  # Euler's step adds dt/(2 tau)
    later = (values[:, 1:] * values[:, :-1]).mean() / 0.09
    assert abs(later - keep) < 5 / values[:, 1:].size ** 0.5
    assert spikegate.brian2.result().agreement == "statistical"


def test_noise_makes_neurons_spike_as_often_as_in_brian2():
    asked = ("dv/dt = (0.8 - v) / (10*ms) + 0.3 * xi / sqrt(5*ms) : 1", "v > 1", "v = 0")
    (_, theirs), (_, ours), _ = both(lambda: noisy(*asked))
    a, c = theirs.num_spikes, ours.num_spikes
    assert a > 5000 and abs(a - c) < 5 * (a + c) ** 0.5
