"""Scripts whose inputs depend on the time, whose neurons go on while refractory, and whose delays are long, held against Brian2's own runs."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, device, on, pairs

import spikegate.brian2
from spikegate.models.errors import InputError
from spikegate.translator.importer import signals

#: So many bits that rounding moves no spike here.
WIDE = {"format": "q11.21", "leak_fraction": 26, "decay_fraction": 26, "current_format": "q18.12"}


def agree(script, least, **options):
    """Every spike is Brian2's, and what follows in the script's answer nearly so; the device's result."""
    (spikes, *states), (ours, *our_states), result = both(script, **(options or WIDE))
    assert len(pairs(spikes)) >= least and result.agreement == "spike-exact" and result.warnings == []
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    for theirs, mine in zip(states, our_states, strict=True):
        np.testing.assert_allclose(theirs, mine, atol=1e-3)
    return result


def driven(drive, mark="", method="euler", **more):
    """Six neurons with an input that the time alone changes; two runs."""
    def script():
        noise = b.TimedArray(np.random.RandomState(1).randn(60), dt=1 * b.ms)
        each = b.TimedArray(np.random.RandomState(2).randn(60, 6), dt=1 * b.ms)
        cells = b.NeuronGroup(6, f"dv/dt = ({drive} - v) / (5*ms) : 1{mark}\na : 1\nd : second", threshold="v > 1", reset="v = 0", method=method,
                              namespace={"noise": noise, "each": each}, **more)
        cells.a, cells.d = "0.5 + 0.2 * i", "i * ms"
        spikes, states = b.SpikeMonitor(cells), b.StateMonitor(cells, "v", record=True)
        network = b.Network(cells, spikes, states)
        network.run(20 * b.ms, namespace={})
        network.run(15 * b.ms, namespace={})
        return spikes, np.array(states.v)

    return script


@pytest.mark.parametrize("asked", [
    {"drive": "1.2 + a * sin(2 * pi * t / (7*ms))"}, {"drive": "1.2 + (a - 1) * sin(2 * pi * t / (7*ms))", "method": "rk4"},
    {"drive": "1.2 + sin(t / ms + a) + 0.1 * a * cos(t / (3*ms))"}, {"drive": "1.2 + noise(t - d)", "refractory": 2 * b.ms},
    {"drive": "1.2 + (a - 1) * noise(t)", "mark": " (unless refractory)", "refractory": 2 * b.ms}, {"drive": "1.2 + 0.5 * each(t, i)"}], ids=str)
def test_inputs_by_the_time_are_those_of_brian2(asked):
    result = agree(driven(**asked), 15)
    population, = result.network.populations
    assert population.neuron.kind == "cuba_lif" and len(result.network.inputs) == 1 and len(result.network.inputs[0].steps) > 100


def test_a_bit_that_is_missing_is_noticed(monkeypatch):
    script = driven("1.2 + a * sin(2 * pi * t / (7*ms))")
    reference = on("runtime", script)
    from spikegate.translator.importer import quantise

    def halved(raw):
        steps, channels, weights = signals.spikes_of_bits(raw)
        return steps[channels < channels.max()], channels[channels < channels.max()], weights

    monkeypatch.setattr(quantise, "spikes_of_bits", halved)
    assert not np.array_equal(pairs(reference[0]), pairs(on("spikegate", script, **WIDE)[0]))


@pytest.mark.parametrize("raw", [[[0, 5, -7, 0, 1]], [[0, -1, -1], [3, 2, -4]]])
def test_bits_make_the_number_of_the_next_step(raw):
    raw = np.array(raw)
    steps, channels, weights = signals.spikes_of_bits(raw)
    found = np.zeros_like(raw)
    np.add.at(found, (channels % len(raw), steps + 1), weights[channels // len(raw)])
    np.testing.assert_array_equal(found[:, 1:], raw[:, 1:])
    assert len({*zip(steps.tolist(), channels.tolist())}) == len(steps) > 1


def refractory(marked, kick="v_post += 0.2"):
    """Neurons that hold their spikes alone, their membrane, or all of them, kicked and fed by a current; two runs."""
    def script():
        marks = {name: " (unless refractory)" if name in marked else "" for name in "vx"}
        cells = b.NeuronGroup(10, f"dv/dt = (1.1 - v + x) / (8*ms) : 1{marks['v']}\ndx/dt = -x / (4*ms) : 1{marks['x']}", threshold="v > 1",
                              reset="v = -0.2", refractory="(1 + i) * ms", method="exact")
        cells.v, cells.x = "0.1 * i", 0.3
        outside = b.SpikeGeneratorGroup(5, np.arange(60) % 5, np.arange(60) * 0.7 * b.ms)
        fed, kicked = b.Synapses(outside, cells, on_pre="x += 0.4"), b.Synapses(cells, cells, on_pre=kick)
        fed.connect(p=0.6)
        kicked.connect(p=0.5)
        fed.delay, kicked.delay = "rand() * 3 * ms", "i * ms"
        spikes, states = b.SpikeMonitor(cells), b.StateMonitor(cells, ["v", "x"], record=True)
        network = b.Network(cells, outside, fed, kicked, spikes, states)
        network.run(22.3 * b.ms, namespace={})
        network.run(18 * b.ms, namespace={})
        return spikes, np.array(states.v), np.array(states.x)

    return script


@pytest.mark.parametrize(("marked", "held"), [("", "SPIKES"), ("v", "MEMBRANE"), ("vx", "ALL")])
def test_refractory_neurons_hold_what_the_script_says(marked, held):
    result = agree(refractory(marked), 50)
    assert result.network.populations[0].neuron.held.name == held


def test_what_is_held_matters():
    spikes = [pairs(on("spikegate", refractory(marked), **WIDE)[0]).tolist() for marked in ("", "v", "vx")]
    assert spikes[0] != spikes[1] != spikes[2] != spikes[0]


def late():
    """Delays of 1 to 45 ms; spikes under way for long when the second run begins."""
    cells = b.NeuronGroup(4, "dv/dt = (1.2 - v) / (5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    others = b.NeuronGroup(3, "dv/dt = -v / (5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    cells.v = "0.2 * i"
    synapses = b.Synapses(cells, others, on_pre="v += 0.4")
    synapses.connect()
    synapses.delay = "(1 + i * 9 + j * 8.3) * ms"
    spikes, states = b.SpikeMonitor(others), b.StateMonitor(others, "v", record=True)
    network = b.Network(cells, others, synapses, spikes, states)
    network.run(30 * b.ms)
    network.run(27 * b.ms)
    return spikes, np.array(states.v)


def test_long_delays_pass_relays():
    result = agree(late, 5)
    assert any("later" in each.name for each in result.network.populations)


def test_noise_of_several_strengths_has_them():
    def script():
        cells = b.NeuronGroup(60, "dv/dt = -v / (5*ms) + s * xi / sqrt(5*ms) : 1\ns : 1 (constant)", method="euler")
        cells.s = np.repeat([0.1, 0.3], [20, 40])
        states = b.StateMonitor(cells, "v", record=True, dt=25 * b.ms)
        b.Network(cells, states).run(1 * b.second, namespace={})
        return np.array(states.v[:, 4:])

    values = on("spikegate", script)
    for rows, strength in ((values[:20], 0.1), (values[20:], 0.3)):
        # Ornstein-Uhlenbeck: variance s^2 / 2, and dt / (2 tau) of it more by Euler's step; samples 25 ms apart are nearly independent
        assert abs(rows.var() / (strength ** 2 / 2 * (1 + 0.1 / 10)) - 1) < 5 * (2 / rows.size) ** 0.5
    assert len(spikegate.brian2.result().network.populations) == 2


def test_several_poisson_inputs_of_a_neuron_have_their_rates():
    def script():
        cells = b.NeuronGroup(20, "x : 1\ny : 1")
        inputs = [b.PoissonInput(cells, "x", 30, 40 * b.Hz, 1), b.PoissonInput(cells[10:], "x", 10, 20 * b.Hz, 100)]
        states = b.StateMonitor(cells, "x", record=True, dt=1 * b.ms)
        b.Network(cells, *inputs, states).run(1 * b.second, namespace={})
        return np.array(states.x[:, -1])

    found = on("spikegate", script)
    few, many = found % 100, found // 100
    assert abs(found[:10].sum() - 10 * 1200) < 5 * 12000 ** 0.5 + 20
    assert abs(found[10:].sum() - 10 * (1200 + 200 * 100)) < 5 * 100 * 2000 ** 0.5 + 5 * 12000 ** 0.5
    assert few.max() < 100 and many[10:].min() > 100


def operated(stop_at=20, dt=1 * b.ms):
    cells = b.NeuronGroup(10, "dv/dt = (drive - v) / (10*ms) : 1\ndrive : 1", threshold="v > 1", reset="v = 0", method="exact")
    cells.v, cells.drive = "0.09 * i", 1.5
    spikes, states = b.SpikeMonitor(cells), b.StateMonitor(cells, "v", record=True)
    seen = []

    @b.network_operation(dt=dt)
    def watch(t):
        seen.append((float(np.asarray(t)), spikes.num_spikes))
        cells.drive = 1.5 + 0.01 * len(seen)
        if spikes.num_spikes >= stop_at:
            network.stop()

    network = b.Network(cells, spikes, states, watch)
    network.run(100 * b.ms)
    return spikes, np.array(states.v), np.array(seen), float(np.asarray(network.t_))


def test_the_host_acts_between_steps_and_stops():
    agree(operated, 20)
    assert spikegate.brian2.result().network.steps in (1, 10)


def test_what_would_stop_the_hardware_in_every_step_is_refused():
    with device("spikegate"), pytest.raises(InputError, match="would stop the hardware in every step or between two; one with a dt of several"):
        operated(dt=0.1 * b.ms)


def stored():
    cells = b.NeuronGroup(5, "dv/dt = (1.3 - v) / (6*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    cells.v = "0.2 * i"
    synapses = b.Synapses(cells, cells, on_pre="v_post += 0.1", delay=3 * b.ms)
    synapses.connect()
    spikes = b.SpikeMonitor(cells)
    network = b.Network(cells, synapses, spikes)
    network.run(10.5 * b.ms)
    network.store()
    network.run(10 * b.ms)
    first = pairs(spikes)
    network.restore()
    network.run(10 * b.ms)
    assert np.array_equal(first, pairs(spikes))
    network.restore()
    cells.v = 0
    network.run(10 * b.ms)
    assert not np.array_equal(first, pairs(spikes))
    return (spikes,)


def test_a_network_is_stored_with_its_spikes_under_way():
    agree(stored, 10)


def test_runs_are_made_again_with_other_values():
    def script(taus):
        cells = b.NeuronGroup(3, "dv/dt = (1.3 - v) / tau : 1\ntau : second (constant)", threshold="v > 1", reset="v = 0", method="exact")
        cells.tau = taus[0]
        spikes = b.SpikeMonitor(cells)
        network = b.Network(cells, spikes)
        network.run(10 * b.ms)
        network.run(20 * b.ms)
        b.get_device().build()
        counts = [spikes.num_spikes]
        for tau in taus[1:]:
            b.get_device().run(run_args={cells.tau: tau})
            counts.append(spikes.num_spikes)
        return counts

    taus = [2 * b.ms, 5 * b.ms, 9 * b.ms, 2 * b.ms]
    found = on("spikegate", lambda: script(taus), build_on_run=False)
    assert found == [on("runtime", lambda tau=tau: script([tau]))[0] for tau in taus] and len({*found}) == 3
    with device("spikegate", build_on_run=False):
        cells = b.NeuronGroup(3, "dv/dt = -v / (9*ms) : 1", method="exact")
        network = b.Network(cells)
        network.run(1 * b.ms)
        assert float(np.asarray(network.t_)) == 0  # nothing has run yet
        cells.v = 1
        with pytest.raises(InputError, match="Values that change between two runs need runs that are made at once"):
            network.run(1 * b.ms)
    with device("spikegate", build_on_run=False), pytest.raises(InputError, match="run_args must have variables of groups, such as group.tau"):
        b.get_device().run(run_args={"tau": 1})
