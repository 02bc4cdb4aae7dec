"""Scripts whose synapses change with the time or with each spike that passes them, from sources whose spikes are known, held against Brian2's own."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, device, pairs

import spikegate.brian2
from spikegate.models.errors import InputError
from spikegate.translator.importer import foreseen

#: So many bits that rounding moves no spike here.
WIDE = {"format": "q11.21", "leak_fraction": 26, "decay_fraction": 26, "current_format": "q12.20"}
FADES = ("dw/dt = -w / (20*ms) : 1 (event-driven)", "v_post += w")
TIRES = ("du/dt = (0.2 - u) / (30*ms) : 1 (event-driven)\ndx/dt = (1 - x) / (15*ms) : 1 (event-driven)\nw : 1",
         "u += 0.2 * (1 - u)\nv_post += w * u * x\nx -= u * x")
COUNTS = ("w : 1\nn : 1", "v_post += w / (1 + n)\nn += 1")


def passing(model, code, source="neurons", seed=3):
    """Six neurons that five others, or recorded spikes, kick through synapses that change."""
    def script():
        if source == "neurons":
            givers = b.NeuronGroup(5, "dv/dt = (1.2 + 0.1*i - v) / (5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
        elif source == "drawn":
            givers = b.PoissonGroup(5, "100*Hz * (1 + sin(t / (5*ms)))")
        else:
            givers = b.SpikeGeneratorGroup(5, np.arange(80) % 5, np.arange(80) * 0.5 * b.ms)
        cells = b.NeuronGroup(6, "dv/dt = (0.3 - v) / (10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
        kicks = b.Synapses(givers, cells, model, on_pre=code)
        kicks.connect(p=0.7)
        kicks.delay, kicks.w = "(i + 2*j) * 0.3 * ms", "0.8 + 0.1 * j"
        if "x" in kicks.variables and "dx" in model:
            kicks.x, kicks.u = 1, 0.2
        spikes, given, states = b.SpikeMonitor(cells), b.SpikeMonitor(givers), b.StateMonitor(cells, "v", record=True)
        network = b.Network(givers, cells, kicks, spikes, given, states)
        network.run(60 * b.ms, namespace={})
        return spikes, given, np.array(states.v), np.array([kicks.w, kicks.lastupdate if "driven" in model else kicks.n])

    return script


@pytest.mark.parametrize("synapses", [FADES, TIRES, COUNTS], ids=["fades", "tires", "counts"])
@pytest.mark.parametrize("source", ["neurons", "recorded"])
def test_synapses_that_change_are_those_of_brian2(synapses, source):
    (spikes, given, states, left), (ours, our_given, our_states, our_left), result = both(passing(*synapses, source), **WIDE)
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    np.testing.assert_array_equal(pairs(given), pairs(our_given))
    assert len(ours.t) > 5 < len(our_given.t) and (result.agreement, result.warnings) == ("spike-exact", [])
    np.testing.assert_allclose(states, our_states, atol=1e-4)
    np.testing.assert_allclose(left, our_left, atol=1e-9)


def test_synapses_from_spikes_that_the_host_draws_change_and_are_statistical():
    with device("spikegate"):
        _, given, states, _ = passing(*TIRES, "drawn")()
        result = spikegate.brian2.result()
    arriving = result.network.inputs[-1]
    assert result.agreement == "statistical" and len(given.t) > 10 and len(arriving.steps) > 10 and states.max() > 0.35


def test_weights_that_stay_as_they_were_are_noticed(monkeypatch):
    real = foreseen._arriving

    def same(*args):
        at, synapse, added = real(*args)
        return at, synapse, {name: np.full_like(values, values[0]) for name, values in added.items()}

    monkeypatch.setattr(foreseen, "_arriving", same)
    (spikes, *_), (ours, *_), _ = both(passing(*FADES), **WIDE)
    assert not np.array_equal(pairs(spikes), pairs(ours))


def givers(**more):
    return b.NeuronGroup(5, "dv/dt = (1.2 - v) / (5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", **more)


def noisy():
    return b.NeuronGroup(5, "dv/dt = (1.2 - v) / (5*ms) + 0.1 * xi / ms**.5 : 1", threshold="v > 1", reset="v = 0", method="euler")


@pytest.mark.parametrize("source, code, runs, options, words", [
    (noisy, "v_post += w", 1, {}, "is a synapse with dynamics of its own"),
    (lambda: b.PoissonGroup(5, 10 * b.Hz), "v_post += w", 1, {}, "is a synapse with dynamics of its own"),
    (givers, "v_post += w * rand()", 1, {}, "uses random numbers (rand)"), (givers, "v_post += w * v_pre", 1, {}, "depends on v_pre, which changes"),
    (givers, "v_pre += w", 1, {}, "changes v_pre, which is not the target's"),
    (givers, "v_post += w", 2, {}, "changes with each spike, and this run is not the first; one run would run"),
    (givers, "v_post += w", 1, {"rounding": "stochastic"}, "at random with stochastic rounding, and its synapses change with them; nearest")])
def test_what_cannot_be_foreseen_is_refused(source, code, runs, options, words):
    with device("spikegate", **options):
        before = source()
        cells = b.NeuronGroup(6, "dv/dt = (0.3 - v) / (10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
        kicks = b.Synapses(before, cells, FADES[0], on_pre=code)
        kicks.connect()
        network = b.Network(before, cells, kicks)
        with pytest.raises(InputError) as refused:
            for _ in range(runs):
                network.run(5 * b.ms, namespace={})
    assert words in str(refused.value)


def test_more_spikes_than_the_host_follows_are_refused(monkeypatch):
    monkeypatch.setattr(foreseen, "MAX_EVENTS", 10)
    with device("spikegate"), pytest.raises(InputError, match="spikes arrive through synapses that change, above 10; a shorter run would run"):
        passing(*FADES)()
