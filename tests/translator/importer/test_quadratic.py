"""Scripts with Izhikevich's neurons, held against Brian2's own runs."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, on, pairs

import spikegate.brian2
from spikegate.models.errors import InputError
from spikegate.translator.importer import quadratic

MODEL = """dv/dt = (0.04*v**2 + 5*v + 140 - u + I + shake) / ms : 1
           du/dt = (rise * (share*v - u)) / ms : 1
           I : 1
           shake : 1
           rise : 1
           share : 1
           back : 1
           step : 1"""
PULSE = {"on_pre": {"up": "I += w", "down": "I -= w"}, "delay": {"up": 0 * b.ms, "down": 0.1 * b.ms}}


def cells(threshold="v >= 30", n=10):
    made = b.NeuronGroup(n, MODEL, threshold=threshold, reset="v = back; u += step", method="euler")
    made.v, made.rise, made.share, made.back, made.step = -65, "0.02 + 0.005*(i % 10)", 0.2, "-65 + i % 10", "8 - 0.5*(i % 10)"
    made.u, made.I = "share * v", "8 + i % 10"
    return made


def script(threshold="v >= 30", when="start", runs=(60,), **synapses):
    def run():
        group = cells(threshold)
        made = b.Synapses(group, group, "w : 1", **synapses)
        made.connect(p=0.5)
        made.w = "3 * rand() - 1"
        spikes, states = b.SpikeMonitor(group), b.StateMonitor(group, ["v", "u"], record=True, when=when)
        network = b.Network(group, made, spikes, states)
        for ms in runs:
            network.run(ms * b.ms, namespace={})
        return spikes, np.array(states.v), np.array(states.u)

    return run


@pytest.mark.parametrize(("asked", "order"), [
    ({**PULSE}, "PUBLISHED"), ({**PULSE, "threshold": "v > 30", "when": "after_thresholds"}, "PUBLISHED"),
    ({"on_pre": "v += w", "delay": 2 * b.ms, "runs": (30, 30)}, "BRIAN2"),
    ({"on_pre": "v += w", "delay": 2 * b.ms, "threshold": "v > 30", "when": "after_thresholds"}, "BRIAN2")],
    ids=["pulse", "above", "kick", "above, kick"])
def test_izhikevich_gives_the_spikes_of_brian2(asked, order):
    (spikes, v, u), (ours, our_v, our_u), result = both(script(**asked), format="q11.21")
    assert len(pairs(spikes)) >= 50 and result.warnings == [] and result.agreement == "spike-exact"
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    # a membrane that runs up to its peak doubles within a step, and with it what rounding has made of it before
    assert np.quantile(np.abs(v - our_v), 0.95) < 0.05 and np.abs(u - our_u).max() < 0.05
    neuron = result.network.populations[0].neuron
    assert neuron.kind == "izhikevich" and neuron.order.name == order


def test_a_wrong_pull_is_noticed(monkeypatch):
    reference = on("runtime", script(**PULSE))
    right = quadratic._b
    monkeypatch.setattr(quadratic, "_b", lambda group: 1.01 * right(group))
    assert not np.array_equal(pairs(reference[0]), pairs(on("spikegate", script(**PULSE), format="q11.21")[0]))


def test_the_hardware_runs_it():
    golden, rtl = (on("spikegate", script(runs=(25,), **PULSE), engine=engine, lanes=4) for engine in ("golden", "rtl"))
    np.testing.assert_array_equal(pairs(golden[0]), pairs(rtl[0]))
    assert len(pairs(golden[0])) >= 10 and spikegate.brian2.result().recording.engine == "rtl"


def shaken(deviation=0.0):
    def run():
        group = cells(n=200)
        group.I = 4
        group[:100].run_regularly("shake = 20 * randn()")
        if deviation:
            group[100:].run_regularly(f"shake = 1 + {deviation} * randn()")
        spikes = b.SpikeMonitor(group)
        b.Network(group, spikes).run(200 * b.ms, namespace={})
        return np.asarray(spikes.count)

    return run


def test_noise_of_every_step_makes_as_many_spikes():
    theirs, ours, result = both(shaken(10.0))
    assert result.agreement == "statistical" and len(result.network.populations) == 2
    for part in (slice(0, 100), slice(100, 200)):
        a, c = theirs[part].sum(), ours[part].sum()
        assert a > 200 and abs(a - c) < 4 * (theirs[part].var() * 100 + ours[part].var() * 100 + a / 20) ** 0.5


def poured():
    group = cells()
    b.Network(group, b.PoissonInput(group, "I", 10, 100 * b.Hz, 1)).run(1 * b.ms, namespace={})


def test_an_input_that_stays_is_refused():
    with pytest.raises(InputError, match=r"'I \+= w' adds to an input that stays; a second pathway that takes it away a step later, or v_post \+= w"):
        on("spikegate", script(on_pre="I += w"))
    with pytest.raises(InputError, match="'PoissonInput at I' adds to an input that stays; one that adds to v would run"):
        on("spikegate", poured)
    with pytest.raises(InputError, match="'I' holds what arrives when a run ends; one run would run"):
        on("spikegate", script(runs=(1, 1), **PULSE))
    with pytest.raises(InputError, match="are all changed by synapses; synapses that add to v alone would run"):
        on("spikegate", script(on_pre="I += w; v += w"))
