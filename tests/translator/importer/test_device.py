"""Scripts as a user of Brian2 writes them, with two lines more: spikes, membranes and rates are those of Brian2's own run."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import both, device, on, pairs

import spikegate.brian2
from spikegate.models.errors import InputError

EQUATIONS = """dv/dt = (g_e + g_i - (v - e_l)) / tau : volt (unless refractory)
               dg_e/dt = -g_e / tau_e : volt
               dg_i/dt = -g_i / tau_i : volt"""
#: So many bits that rounding moves no spike here.
WIDE = {"format": "q11.21", "leak_fraction": 26}
WIDE_CURRENTS = {**WIDE, "current_format": "q11.21", "decay_fraction": 26}
SPACE = {"tau": 20 * b.ms, "tau_e": 5 * b.ms, "tau_i": 10 * b.ms, "e_l": -49 * b.mV}


def currents(method="exact", runs=(60,), n=60, monitor=None):
    """Excitatory and inhibitory neurons with exponential currents, subgroups, several delays, one run or several."""
    def script():
        cells = b.NeuronGroup(n, EQUATIONS, threshold="v > -50*mV", reset="v = -60*mV", refractory=3 * b.ms, method=method, namespace=SPACE)
        cells.v = np.linspace(-60, -50, n) * b.mV
        split = n * 4 // 5
        synapses = []
        for source, code, longest in ((cells[:split], "g_e += w", 5), (cells[split:], "g_i_post -= w", 1)):
            made = b.Synapses(source, cells, "w : volt", on_pre=code)
            made.connect(p=0.3)
            made.w = "(1 + 2 * rand()) * mV"
            made.delay = f"{longest} * rand() * ms"
            synapses.append(made)
        spikes, states = b.SpikeMonitor(cells), b.StateMonitor(cells, ["v", "g_e", "g_i"], record=[0, n // 2, n - 1], **(monitor or {}))
        rates = b.PopulationRateMonitor(cells[:split])
        network = b.Network(cells, *synapses, spikes, states, rates)
        for ms in runs:
            network.run(ms * b.ms)
        return spikes, states, rates

    return script


@pytest.mark.parametrize("method", ["exact", "euler", "exponential_euler", "rk4"])
def test_currents_give_the_spikes_and_states_of_brian2(method):
    (spikes, states, rates), (ours, our_states, our_rates), result = both(currents(method), **WIDE_CURRENTS)
    assert len(pairs(spikes)) > 50
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    for name in ("v", "g_e", "g_i"):
        assert np.abs(getattr(states, name) - getattr(our_states, name)).max() < 1e-3 * b.mV
    np.testing.assert_allclose(rates.rate_, our_rates.rate_)
    np.testing.assert_allclose(rates.t_, our_rates.t_)
    assert result.agreement == "spike-exact" and result.warnings == [] and result.network.n == 60


def test_a_wrong_constant_is_noticed():
    def script():
        return currents()()
    reference, wrong = on("runtime", script), on("spikegate", script, format="q8.4", leak_fraction=8)
    assert not np.array_equal(pairs(reference[0]), pairs(wrong[0]))


@pytest.mark.parametrize("runs", [(46, 14), (3, 50, 7), (0.1, 0.1, 59.8)])
def test_several_runs_are_one(runs):
    whole, parts = on("spikegate", currents()), on("spikegate", currents(runs=runs))
    assert len(pairs(whole[0])) > 50
    np.testing.assert_array_equal(pairs(whole[0]), pairs(parts[0]))
    np.testing.assert_array_equal(whole[1].v_, parts[1].v_)
    np.testing.assert_array_equal(whole[1].t_, parts[1].t_)


def test_spikes_under_way_are_missed_if_they_are_dropped(monkeypatch):
    from spikegate.translator.importer import device as module
    whole = on("spikegate", currents())
    monkeypatch.setattr(module, "with_pending", lambda floats, before: floats)
    assert not np.array_equal(pairs(whole[0]), pairs(on("spikegate", currents(runs=(30, 30)))[0]))


@pytest.mark.parametrize("monitor", [{"dt": 0.5 * b.ms}, {"when": "after_thresholds"}, {"when": "before_groups"}])
def test_monitors_look_where_brian2_looks(monitor):
    (_, states, _), (_, ours, _), _ = both(currents(monitor=monitor, runs=(20.2, 20.1)), **WIDE_CURRENTS)  # from between two looks on
    assert states.v.shape == ours.v.shape and states.v.shape[1] > 50
    np.testing.assert_allclose(states.t_, ours.t_)
    assert np.abs(states.v - ours.v).max() < 1e-3 * b.mV


def kicks(reset="v = 0", threshold="v > theta", refractory=False, model="dv/dt = (i_0 - v) / tau : 1", method="exact"):
    """Kicks at the membrane, from recorded spikes, several synapses between two neurons, neurons with parameters of their own."""
    def script():
        held = " (unless refractory)" if refractory else ""
        cells = b.NeuronGroup(30, f"{model}{held}\ni_0 : 1\ntheta : 1 (constant)\ntau : second (constant)", threshold=threshold, reset=reset,
                              refractory=refractory, method=method)
        cells.i_0, cells.theta, cells.tau = "0.2 + 0.03 * i", "0.8 + 0.01 * i", "(8 + i) * ms"
        rng = np.random.default_rng(3)
        times = np.sort(rng.choice(2000, 400, replace=False))
        outside = b.SpikeGeneratorGroup(20, rng.integers(0, 20, 400), times * 0.1 * b.ms)
        drive = b.Synapses(outside, cells[5:], "w : 1", on_pre="v += w")
        drive.connect(i=rng.integers(0, 20, 300), j=rng.integers(0, 25, 300))
        drive.w, drive.delay = rng.uniform(0.02, 0.2, 300), rng.integers(0, 200, 300) * 0.1 * b.ms
        own = b.Synapses(cells, cells, on_pre="v_post -= 0.1")
        own.connect(j="(i + 7) % 30")
        own.connect(j="i")
        spikes, total, given = b.SpikeMonitor(cells), b.SpikeMonitor(cells[10:20], record=False), b.SpikeMonitor(outside)
        states = b.StateMonitor(cells[3:], ("v", "theta"), record=[2, 1, 20])
        b.Network(cells, outside, drive, own, spikes, total, given, states).run(200 * b.ms, namespace={})
        return spikes, total, given, states

    return script


@pytest.mark.parametrize("asked", [
    {}, {"reset": "v -= theta"}, {"reset": "v = v - 0.5"}, {"threshold": "v >= theta"}, {"threshold": "theta < v"}, {"refractory": 2 * b.ms},
    {"refractory": "(1 + i % 5) * ms", "reset": "v = -0.3"}, {"refractory": 1 * b.ms, "reset": "v -= 0.9"},
    {"model": "dv/dt = 0 * i_0 / tau : 1", "method": "euler"}, {"model": "dv/dt = (2 * i_0 - v - 0.1) / tau : 1"},
    {"model": "x = i_0 - v : 1\ndv/dt = x / tau : 1", "method": "euler"}], ids=str)
def test_kicks_give_the_spikes_of_brian2(asked):
    (spikes, total, given, states), (ours, our_total, our_given, our_states), _ = both(kicks(**asked), **WIDE)
    assert len(pairs(spikes)) > 100
    np.testing.assert_array_equal(pairs(spikes), pairs(ours))
    np.testing.assert_array_equal(total.count, our_total.count)
    assert total.num_spikes == our_total.num_spikes > 0
    np.testing.assert_array_equal(pairs(given), pairs(our_given))
    np.testing.assert_allclose(states.v, our_states.v, atol=1e-3)
    np.testing.assert_allclose(states.theta, our_states.theta)


@pytest.mark.parametrize("threshold, kicks_of_a_spike", [("v >= 1", 4), ("1 <= v", 4), ("v > 1", 5), ("1 < v", 5)])
def test_a_membrane_that_equals_its_threshold_spikes_where_brian2_says_so(threshold, kicks_of_a_spike):
    def script():
        cells = b.NeuronGroup(1, "dv/dt = 0 / second : 1", threshold=threshold, reset="v = 0", method="euler")
        given = b.SpikeGeneratorGroup(1, np.zeros(40, int), np.arange(40) * 0.2 * b.ms)
        kick = b.Synapses(given, cells, on_pre="v += 0.25")
        kick.connect()
        spikes = b.SpikeMonitor(cells)
        b.Network(cells, given, kick, spikes).run(8.1 * b.ms, namespace={})
        return spikes

    theirs, ours, _ = both(script, **WIDE)
    np.testing.assert_array_equal(pairs(theirs), pairs(ours))
    assert len(pairs(ours)) == 40 // kicks_of_a_spike


def test_state_goes_back_to_the_groups():
    def script():
        cells = b.NeuronGroup(4, "dv/dt = (2 - v) / (5*ms) : 1 (unless refractory)", threshold="v > 1", reset="v = 0", refractory=1.2 * b.ms,
                              method="exact")
        cells.v = [0, 0.3, 0.6, 0.9]
        network = b.Network(cells)
        network.run(5.3 * b.ms)
        first = np.array(cells.v), np.array(cells.lastspike_), float(network.t_), float(b.defaultclock.t_[:])
        cells.v = 0.5
        network.run(4 * b.ms)
        return *first, np.array(cells.v), np.array(cells.lastspike_)

    for own, ours in zip(*both(script)[:2]):
        np.testing.assert_allclose(own, ours, atol=1e-3)


def random_inputs():
    """Independent sources and inputs at known rates, on neurons that never spike and only count."""
    cells, others = b.NeuronGroup(100, "x : 1"), b.NeuronGroup(100, "y : 1")
    sources = b.PoissonGroup(100, np.repeat([20, 200], 50) * b.Hz)
    counting = b.Synapses(sources, cells, on_pre="x += 1")
    counting.connect(j="i")
    poured = b.PoissonInput(others[50:], "y", 30, 40 * b.Hz, 1)
    spikes, x, y = b.SpikeMonitor(sources), *(b.StateMonitor(each, name, record=True, dt=1 * b.ms) for each, name in ((cells, "x"), (others, "y")))
    b.Network(cells, others, sources, counting, poured, spikes, x, y).run(1 * b.second)
    return spikes, np.array(x.x[:, -1]), np.array(y.y[:, -1])


def test_random_inputs_have_their_rates():
    spikes, counted, poured = on("spikegate", random_inputs)
    result = spikegate.brian2.result()
    assert result.agreement == "statistical"
    counts = np.asarray(spikes.count)
    for mean, found in ((1000, counts[:50].sum()), (10000, counts[50:].sum())):
        assert abs(found - mean) < 5 * mean ** 0.5
    assert np.all(np.abs(counted - counts) <= 2)  # the last spikes of a neuron are counted one step later, behind the last look
    assert np.all(poured[:50] == 0)
    assert abs(poured[50:].sum() - 50 * 1200) < 5 * (50 * 1200) ** 0.5 + 200


def test_the_same_seed_gives_the_same_spikes():
    first, second = on("spikegate", random_inputs), on("spikegate", random_inputs)
    np.testing.assert_array_equal(pairs(first[0]), pairs(second[0]))
    with device("spikegate"):
        b.seed(6)
        other = random_inputs()
    assert not np.array_equal(np.asarray(first[0].count), np.asarray(other[0].count))


def test_the_hardware_runs_the_script():
    golden, rtl = on("spikegate", currents(n=20, runs=(25, 10))), on("spikegate", currents(n=20, runs=(25, 10)), engine="rtl", lanes=4)
    np.testing.assert_array_equal(pairs(golden[0]), pairs(rtl[0]))
    np.testing.assert_array_equal(golden[1].v_, rtl[1].v_)
    assert len(pairs(golden[0])) >= 5
    assert spikegate.brian2.result().recording.engine == "rtl" and spikegate.brian2.result().recording.cycles > 0


def test_narrow_formats_are_warned_of():
    on("spikegate", currents(runs=(5,)), format="q8.4", leak_fraction=8)
    warnings = spikegate.brian2.result().warnings
    assert any("leak a step is 0.003906 and not the 0.004988" in line and "more fraction bits" in line for line in warnings)
    on("spikegate", currents(runs=(40,)), current_format="q3.8")
    assert any("left the range of their format" in line for line in spikegate.brian2.result().warnings)


@pytest.mark.parametrize(("options", "words"), [
    ({"engine": "board"}, "engine must be golden or rtl"), ({"lane": 3}, "Option 'lane'"), ({"lanes": 0}, "lanes must be"),
    ({"format": "q8"}, "q8"), ({"rounding": "up"}, "rounding must be floor or nearest or stochastic")])
def test_options_that_are_none_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        b.set_device("spikegate", **options)
    assert type(b.get_device()).__name__ == "RuntimeDevice"


def test_a_network_is_frozen_without_a_run():
    with device("runtime"):
        cells = b.NeuronGroup(10, "dv/dt = -v / tau : volt", threshold="v > 20*mV", reset="v = 0*mV", method="exact")
        synapses = b.Synapses(cells, cells, on_pre="v += 0.5*mV", delay=1.5 * b.ms)
        synapses.connect(condition="i != j")
        network, space = b.Network(b.StateMonitor(cells, "v", record=[0], dt=5 * b.ms, name="a_monitor"), cells, synapses), {"tau": 20 * b.ms}
        frozen = spikegate.brian2.from_brian2(network, 100 * b.ms, namespace=space, format="q8.8")
        network.run(0.1 * b.ms, namespace=space)  # Brian2 takes it still
        network.add(b.PoissonInput(cells, "v", 10, 20 * b.Hz, 1 * b.mV))
        short = [spikegate.brian2.from_brian2(network, 0.3 * b.ms, namespace=space, **given).network for given in ({}, {"seed": 1}, {"seed": 7})]
    seeds = [each.seeds.tolist() for each in short]
    assert seeds[0] == seeds[1] != seeds[2] and all(seeds[2]) and {each.steps for each in short} == {3}  # 0.3 / 0.1 is below 3
    population, = frozen.network.populations
    assert (frozen.network.steps, frozen.network.dt_ns, len(frozen.network.projections[0].indices)) == (1000, 100_000, 90)
    assert population.table["threshold"].tolist() == [20 * 256] and population.table["reset"].tolist() == [0]
    assert set(frozen.network.projections[0].delays.tolist()) == {16} and set(frozen.network.projections[0].weights.tolist()) == {128}
    by_name = {each.name: each for each in frozen.quantities}
    leak = by_name["neurongroup: leak a step"] if "neurongroup: leak a step" in by_name else by_name[f"{cells.name}: leak a step"]
    assert leak.asked == pytest.approx(1 - np.exp(-0.005)) and abs(leak.error) < 1e-4


def test_a_profile_that_is_asked_for_has_the_time_of_the_run():
    def script():
        network = b.Network(b.NeuronGroup(3, "dv/dt = -v / (5*ms) : 1", method="exact"))
        network.run(1 * b.ms, profile=True)
        found = network.profiling_info
        network.run(1 * b.ms)
        with pytest.raises(ValueError, match="No profiling info"):
            network.get_profiling_info()
        return found

    (name, time), = on("spikegate", script)
    assert name == "golden" and 0 * b.second < time < 10 * b.second
    assert name == "golden" and 0 * b.second < time < 10 * b.second
