"""Scripts with variables that the host works out before a run, in a group and in one that another is linked to, held against Brian2's own runs."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, on, pairs

import spikegate.brian2
from spikegate.models.errors import InputError
from spikegate.translator.importer import hosted

#: So many bits that rounding moves no spike here.
WIDE = {"format": "q11.21", "leak_fraction": 26, "decay_fraction": 26, "current_format": "q18.12"}
RING = """dx/dt = (1.9 + pull + a * tone(t - late) - x) / (6*ms) : 1
          pull = 0.7 * a * sin(angle) : 1
          late = (1 + cos(angle)) * ms : second
          dangle/dt = (1 + 0.3 * slow) * speed : 1
          dslow/dt = (1 - slow) / (9*ms) : 1
          a : 1
          speed : Hz"""


def ring():
    """Neurons whose input turns, each at its own speed and ever faster, and delays what they hear; two runs."""
    tone = b.TimedArray(np.random.RandomState(3).randn(50), dt=0.7 * b.ms)
    cells = b.NeuronGroup(5, RING, threshold="x > 1", reset="x = 0", refractory=1 * b.ms, method="euler", namespace={"tone": tone})
    cells.a, cells.speed, cells.angle = "0.3 + 0.1 * i", "(200 + 80 * i) * Hz", "i"
    spikes = b.SpikeMonitor(cells)
    states = b.StateMonitor(cells, ["x", "angle", "pull", "slow"], record=[0, 1, 4])
    network = b.Network(cells, spikes, states)
    network.run(18 * b.ms, namespace={})
    network.run(11 * b.ms, namespace={})
    return spikes, [np.array(getattr(states, name)) for name in ("x", "angle", "pull", "slow")], np.array(cells.angle)


def linked(name, noise="", method="euler"):
    """Neurons that take what one of three others, which never spike, has; two runs."""
    def script():
        source = b.NeuronGroup(3, f"dy/dt = (c - y) / (4*ms) + {noise or '0*Hz'} : 1\nc : 1", method="euler", name=name)
        source.c, source.y = "0.4 + 0.3 * i", "0.2 * i"
        cells = b.NeuronGroup(6, "dv/dt = (0.6 + g * y - v) / (7*ms) : 1\ny : 1 (linked)\ng : 1", threshold="v > 1", reset="v = 0", method=method,
                              name="m_cells")
        cells.g, cells.y = "0.8 + 0.2 * i", b.linked_var(source, "y", index=np.array([0, 1, 2, 2, 1, 0]))
        spikes, states = b.SpikeMonitor(cells), b.StateMonitor(cells, "v", record=True)
        network = b.Network(source, cells, spikes, states)
        network.run(20 * b.ms, namespace={})
        network.run(15 * b.ms, namespace={})
        return spikes, np.array(states.v), np.array(source.y)

    return script


def test_what_nothing_moves_is_worked_out_and_told_to_monitors():
    (spikes, states, last), (ours, mine, our_last), result = both(ring, **WIDE)
    assert len(pairs(spikes)) > 20 and result.agreement == "spike-exact" and result.warnings == []
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    for theirs, here in zip(states, mine, strict=True):
        np.testing.assert_allclose(theirs, here, atol=1e-4)
    np.testing.assert_allclose(last, our_last, rtol=1e-9)
    population, = result.network.populations
    assert population.neuron.kind == "cuba_lif" and len(population.neuron.currents) == 1


@pytest.mark.parametrize("name", ["a_source", "z_source"])  # updated before the neurons, and after them
def test_a_linked_variable_is_that_of_brian2_in_its_order(name):
    (spikes, states, last), (ours, mine, our_last), result = both(linked(name), **WIDE)
    assert len(pairs(spikes)) > 15 and result.agreement == "spike-exact" and [each.name for each in result.network.populations] == ["m_cells"]
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    np.testing.assert_allclose(states, mine, atol=1e-4)
    np.testing.assert_allclose(last, our_last, rtol=1e-9)


def test_a_step_too_late_is_noticed(monkeypatch):
    reference = on("runtime", linked("z_source"))
    late = hosted.linked_series

    def shifted(*args):
        return {name: hosted.Series(np.roll(each.values, 8, axis=1), each.row) for name, each in late(*args).items()}

    monkeypatch.setattr("spikegate.translator.importer.brian.linked_series", shifted)
    assert not np.array_equal(pairs(reference[0]), pairs(on("spikegate", linked("z_source"), **WIDE)[0]))


def test_noise_of_a_linked_group_is_drawn_by_the_host():
    (spikes, states, _), (ours, mine, _), result = both(linked("a_source", "0.6 * xi / sqrt(4*ms)"), **WIDE)
    assert result.agreement == "statistical" and not result.network.draws
    assert len(pairs(spikes)) > 10
    early = pairs(spikes)[:, 0] < 200  # in the first run Brian2 draws the same numbers from the same seed
    np.testing.assert_array_equal(pairs(spikes)[early], pairs(ours)[pairs(ours)[:, 0] < 200])
    np.testing.assert_allclose(states[:, :200], mine[:, :200], atol=1e-4)


def repeated():
    """Recorded spikes that come again, in two runs that no period divides."""
    cells = b.NeuronGroup(3, "dv/dt = -v / (6*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    outside = b.SpikeGeneratorGroup(3, [0, 1, 2, 1], [0, 0.4, 1.1, 2.2] * b.ms, period=2.3 * b.ms)
    kicks = b.Synapses(outside, cells, on_pre="v_post += 0.35", delay=0.2 * b.ms)
    kicks.connect(p=0.7)
    spikes, given = b.SpikeMonitor(cells), b.SpikeMonitor(outside)
    network = b.Network(cells, outside, kicks, spikes, given)
    network.run(12.7 * b.ms, namespace={})
    network.run(9 * b.ms, namespace={})
    return spikes, given


def test_recorded_spikes_with_a_period_come_again():
    (spikes, given), (ours, taken), result = both(repeated, **WIDE)
    assert len(pairs(spikes)) > 8 and len(pairs(given)) > 35 and result.agreement == "spike-exact"
    np.testing.assert_array_equal(pairs(given), pairs(taken))
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))


def strewn(rates):
    """Random spikes at rates of their own; two runs, of which the second begins in silence."""
    def script():
        cells = b.NeuronGroup(2, "dv/dt = -v / (6*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
        outside = b.PoissonGroup(30, rates)
        kicks = b.Synapses(outside, cells, on_pre="v_post += 0.3")
        kicks.connect()
        spikes, given = b.SpikeMonitor(cells), b.SpikeMonitor(outside)
        stimulus = b.TimedArray([50, 300, 0, 200] * b.Hz, dt=5 * b.ms)
        network = b.Network(cells, outside, kicks, spikes, given)
        for _ in range(2):
            network.run(10 * b.ms, namespace={"stimulus": stimulus})
        return spikes, given

    return script


def test_rates_that_the_time_changes_are_drawn_by_the_host():
    (spikes, given), (ours, taken), result = both(strewn("stimulus(t) * (1 + 0.02 * i)"), **WIDE)
    assert len(pairs(given)) > 60 and len(pairs(spikes)) > 8 and result.agreement == "statistical" and not result.network.draws
    for theirs, mine in ((given, taken), (spikes, ours)):  # in the first run, the same numbers from the same seed
        np.testing.assert_array_equal(*(pairs(each)[pairs(each)[:, 0] < 100] for each in (theirs, mine)))
    steps = pairs(taken)[:, 0]
    assert not np.any((steps >= 100) & (steps < 150)) and 10 < np.sum(steps >= 150) < 80  # 39 expected
    _, _, fixed = both(strewn("20*Hz * (1 + i)"))
    assert fixed.network.draws and fixed.network.populations[1].neuron.kind == "bernoulli" and len(fixed.network.populations[1].sets) == 30


def refused(equations, words, monitor=None):
    def script():
        source = b.NeuronGroup(1, "dy/dt = -y / (4*ms) : 1", name="source", method="exact")
        cells = b.NeuronGroup(2, equations, threshold="v > 1", reset="v = 0", method="euler", name="cells")
        if "linked" in equations:
            cells.y = b.linked_var(source, "y")
        watch = [b.StateMonitor(source, "y", record=True)] if monitor else []
        b.Network(source, cells, *watch).run(2 * b.ms, namespace={})

    with pytest.raises(InputError, match=words):
        on("spikegate", script)


def test_what_is_multiplied_with_a_membrane_or_watched_on_the_host_is_refused():
    refused("dv/dt = (1 - v * (2 + sin(p))) / (5*ms) : 1\ndp/dt = 0.1 / ms : 1", "cells.*is not linear in v and p;")
    refused("dv/dt = (1 - v * (2 + y)) / (5*ms) : 1\ny : 1 (linked)", "cells.*has a v that is multiplied by what changes")
    refused("dv/dt = (1 + y - v) / (5*ms) : 1\ny : 1 (linked)", "StateMonitor.*watches no NeuronGroup on the hardware", monitor=True)


@pytest.mark.parametrize("names", ["ac", "ca"])
def test_currents_stand_in_the_order_in_which_they_are_written(names):
    """Brian2 has them in a set, whose order, and with it the hardware, would be another in another process."""
    def script():
        lines = "".join(f"\nd{name}/dt = -{name} / (5*ms) : 1" for name in names)
        cells = b.NeuronGroup(2, f"dv/dt = (a + c - v) / (10*ms) : 1{lines}", threshold="v > 1", reset="v = 0", method="euler")
        b.Network(cells).run(2 * b.ms, namespace={})

    on("spikegate", script)
    assert spikegate.brian2.result().network.populations[0].neuron.currents == tuple(names)
