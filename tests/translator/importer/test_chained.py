"""Scripts whose currents feed each other, settle at a constant or have noise, held against Brian2's own runs."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, device, pairs

import spikegate.brian2
from spikegate.translator.importer import chained

#: So many bits that rounding moves no spike here.
WIDE = {"format": "q11.21", "leak_fraction": 26, "decay_fraction": 26, "current_format": "q12.20"}


def alpha(rise, method="euler", target="y", more="", ends=15, **given):
    """Eight neurons that spikes from outside and their own reach through two currents; two runs."""
    def script():
        cells = b.NeuronGroup(8, f"dv/dt = (1.02 * a + x - v) / (10*ms) : 1\ndx/dt = (y{more} - x) / ({rise}) : 1\ndy/dt = -y / (5*ms) : 1\na : 1",
                              threshold="v > 1", reset="v = 0", method=method, **given)
        cells.a, cells.x, cells.y = "0.1 * i", 0.3, 0.2
        outside = b.SpikeGeneratorGroup(5, np.arange(100) % 5, np.arange(100) * 0.37 * b.ms)
        fed, own = b.Synapses(outside, cells, on_pre="y += 0.9"), b.Synapses(cells, cells, on_pre=f"{target} -= 0.2")
        fed.connect(p=0.6)
        own.connect(p=0.5)
        own.delay = "i * 0.3 * ms"
        spikes, states = b.SpikeMonitor(cells), b.StateMonitor(cells, ["v", "x", "y"], record=True)
        network = b.Network(cells, outside, fed, own, spikes, states)
        network.run(22.3 * b.ms, namespace={})
        network.run(ends * b.ms, namespace={})
        return spikes, np.stack([states.v, states.x, states.y]), np.stack([cells.v[:], cells.x[:], cells.y[:]])

    return script


@pytest.mark.parametrize("asked, near", [
    ({"rise": "2*ms", "more": " * a + 0.3"}, 1e-4), ({"rise": "2*ms"}, 1e-4), ({"rise": "9*ms", "method": "exact", "target": "x"}, 1e-4),
    ({"rise": "5*ms", "more": " * a"}, 2e-3),
    ({"rise": "5*ms", "method": "exact"}, 2e-3), ({"rise": "5*ms", "target": "x", "refractory": 2 * b.ms}, 2e-3)], ids=str)
def test_currents_that_feed_each_other_are_those_of_brian2(asked, near):
    (spikes, states, left), (ours, our_states, our_left), result = both(alpha(**asked), **WIDE)
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    assert len(ours.t) > 50 and (result.agreement, result.warnings) == ("spike-exact", [])
    np.testing.assert_allclose(states, our_states, atol=near)
    np.testing.assert_allclose(left, our_left, atol=near)
    assert result.network.populations[0].neuron.currents == ("x", "y")


def test_a_chain_that_takes_too_little_is_noticed(monkeypatch):
    real = chained.across_currents

    def halved(projections, group, refusals):
        found = real(projections, group, refusals)
        assert {each.variable for each in found} == {"x", "y"}
        return [each for each in found if each.variable == "y"]

    monkeypatch.setattr("spikegate.translator.importer.brian.across_currents", halved)
    (spikes, states, _), (ours, our_states, _), _ = both(alpha("2*ms"), **{**WIDE, "current_format": "q16.16"})
    assert not np.array_equal(pairs(spikes), pairs(ours)) and np.abs(states[1] - our_states[1]).max() > 0.05


def test_decays_that_are_alike_and_too_few_bits_are_named():
    with device("spikegate", format="q11.21", decay_fraction=10, current_format="q12.20"):
        alpha("5*ms")()
        warnings = spikegate.brian2.result().warnings
    assert any("what y adds to x in a step is" in line and "use more fraction bits" in line for line in warnings)


@pytest.mark.parametrize("chain", [True, False])
def test_noise_of_a_current_is_what_the_host_drew(chain):
    with device("spikegate", **WIDE):
        noisy = "(0.4 - {0}) / (3*ms) + 0.3 * xi / ms**.5 : 1"
        fed = f"dx/dt = (y - x) / (2*ms) : 1\ndy/dt = {noisy.format('y')}" if chain else f"dx/dt = {noisy.format('x')}"
        cells = b.NeuronGroup(20, f"dv/dt = (x - v) / (10*ms) : 1\n{fed}", threshold="v > 9", reset="v = 0", method="euler")
        outside = b.SpikeGeneratorGroup(1, [0], [1] * b.ms)
        kicks = b.Synapses(outside, cells, on_pre=f"{'y' if chain else 'x'} += 1")
        kicks.connect()
        states = b.StateMonitor(cells, ["v", "x", *("y" if chain else "")], record=True)
        network = b.Network(cells, outside, kicks, states)
        network.run(30 * b.ms, namespace={})
        found = np.stack([np.array(getattr(states, name)) for name in states.record_variables])
        names, result = list(states.record_variables), spikegate.brian2.result()
    noise = result.floats.neurons[0].shaken
    last = "y" if chain else "x"
    drawn = noise.raw * noise.strength[last][:, None]
    assert result.agreement == "statistical" and abs(drawn.std() / (0.3 * 0.1 ** 0.5) - 1) < 0.05 and abs(drawn.mean()) < 0.01
    now = dict.fromkeys("vxy", np.zeros(20))
    for step in range(300):
        for name in names:
            np.testing.assert_allclose(found[names.index(name)][:, step], now[name], atol=1e-3)
        fed = {"x": (now["y"] - now["x"]) / 20, "y": (0.4 - now["y"]) / 30} if chain else {"x": (0.4 - now["x"]) / 30, "y": 0 * now["y"]}
        fed[last] = fed[last] + drawn[:, step] + (step == 10)
        now = {"v": now["v"] + (now["x"] - now["v"]) / 100, **{name: now[name] + fed[name] for name in "xy"}}
