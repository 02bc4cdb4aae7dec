"""The registry: every variant that exists, found by name, runs the whole network, and is what it says."""

import re
from pathlib import Path

import numpy as np
import pytest

from spikegate.models.core import engine
from spikegate.models.core import stream_engine as streams
from spikegate.models.core.engine import external_events
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, Rounding
from spikegate.translator import homeostatic, izhikevich, memristive, probability, reservoir, stdp
from spikegate.translator.brunel import preset, translate
from spikegate.translator.custom import with_fine_leak
from spikegate.translator.hybrid import hybrid
from spikegate.translator.variants import VARIANTS, find, in_format
from spikegate.translator.voltage import run
from spikegate.translator.voltage_neuron import Rule

PAGE = Path(__file__).parents[2] / "docs" / "variants.md"
BIT_FOR_BIT = ("v1", "v18", "v19", "v20")
#: Mean rates in Hz that are not those of the leaky neurons.
RATES = {"v5_izhikevich": (10, 60)}
#: Those without spikes, and how many numbers their recordings have for each neuron.
SILENT = {"v2_rate_matched": 9, "v15_jax": 9, "v16_recurrent": 1, "v17_memristive": 9}


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai"), name="ai", ms=50.0)


@pytest.fixture(scope="module")
def recordings(network):
    return {name: v.run(network) for name, v in VARIANTS.items()}


def test_every_variant_runs_the_whole_network_of_a_thousand_neurons(network, recordings):
    assert [VARIANTS[name].number for name in VARIANTS if VARIANTS[name].number <= 20] == list(range(1, 21))
    for name, recording in recordings.items():
        assert isinstance(recording, Recording) and (recording.n, recording.steps) == (1000, 500), name
        # the irregular state of all of them is 25 to 45 Hz; a population left out would fire at 0
        rates = [np.count_nonzero(of) / count / 0.05 for of, count in ((recording.spikes[:, 1] < 800, 800), (recording.spikes[:, 1] >= 800, 200))]
        low, high = RATES.get(name, (20, 60))
        assert name in SILENT or all(low < rate < high for rate in rates), (name, rates)


def test_those_without_spikes_have_numbers_for_every_neuron_and_invent_no_rate(network, recordings):
    assert {name for name, recording in recordings.items() if not len(recording.spikes)} == set(SILENT)
    for name, numbers in SILENT.items():
        final = recordings[name].final
        assert len(final) >= numbers and all(values.shape == (1000,) for values in final.values()), (name, list(final))
    for name in ("v2_rate_matched", "v15_jax", "v17_memristive"):
        assert recordings[name].provenance["products"] == network.synapses + 80 * 1000  # every synapse, every external input
    assert np.array_equal(recordings["v15_jax"].final["exc"], recordings["v2_rate_matched"].final["exc"])
    assert not np.array_equal(recordings["v17_memristive"].final["exc"], recordings["v2_rate_matched"].final["exc"])


def test_variants_differ_where_they_are_not_meant_to_be_equal(recordings):
    names = [name for name in recordings if name not in SILENT]
    equal = {(a, b) for i, a in enumerate(names) for b in names[i + 1:] if np.array_equal(recordings[a].spikes, recordings[b].spikes)}
    expected = [find(name).name for name in BIT_FOR_BIT]
    assert equal == {(a, b) for i, a in enumerate(expected) for b in expected[i + 1:]}


def test_every_recording_says_how_long_a_step_is(network, recordings):
    assert {name: each.dt_ns for name, each in recordings.items()} == {name: network.dt_ns for name in recordings} and len(recordings) >= 20


def test_each_variant_is_its_engine(network, recordings):
    for name, rule in (("v1", Rule()), ("v7", Rule(noise_std=1.0)), ("v8", Rule(refractory=5)), ("v9", Rule(late=True)), ("v10", Rule(exact=True))):
        assert np.array_equal(recordings[find(name).name].spikes, run(network, rule=rule).spikes), name
    assert np.array_equal(recordings["v3_fixed_point"].spikes, engine.run(network).spikes)
    for name in ("v4", "v13", "v14"):
        assert np.array_equal(recordings[find(name).name].spikes, streams.run(hybrid(network, name)).spikes), name
    assert {recordings[find(name).name].provenance["kernel"] for name in BIT_FOR_BIT} == {"objects", "numpy", "numba", "torch"}
    for name, module in (("v5", izhikevich), ("v6", homeostatic), ("v12", stdp)):
        assert np.array_equal(recordings[find(name).name].spikes, module.run(network).spikes), name
    assert np.array_equal(recordings["v21_custom"].spikes, engine.run(with_fine_leak(network)).spikes)
    assert np.array_equal(recordings["v16_recurrent"].final["state"], reservoir.run(network).final["state"])
    for name, module in (("v2_rate_matched", probability), ("v17_memristive", memristive)):
        assert np.array_equal(recordings[name].final["ext"], module.run(network, sources=80).final["ext"])


def test_what_an_engine_leaves_to_its_defaults_is_what_the_pages_say(network, recordings):
    """Each number is given here, so that another default is another recording."""
    explicit = {
        "v5_izhikevich": izhikevich.run(network, exc="rs", inh="fs"),
        "v6_homeostatic": homeostatic.run(network, target_hz=10.0, eta=0.5, tau_rate=1000.0),
        "v12_stdp": stdp.run(network, rule=stdp.Plasticity(seed=1)), "v16_recurrent": reservoir.run(network, length=256, radius=0.95, strength=0.1),
        "v2_rate_matched": probability.run(network, length=4096, seed=1, sources=80), "v7_noisy": run(network, rule=Rule(noise_std=1.0, seed=1)),
        "v17_memristive": memristive.run(network, sources=80, length=4096, seed=1, device_seed=1, stuck_rate=0.01, variability=0.05),
        **{find(name).name: streams.run(hybrid(network, name, length=256, seed=1)) for name in ("v4", "v13", "v14")}}
    names = {find(name).name if name not in recordings else name: recording for name, recording in explicit.items()}
    for name, recording in names.items():
        assert np.array_equal(recording.spikes, recordings[name].spikes), name
        assert all(np.array_equal(values, recordings[name].final[key]) for key, values in recording.final.items()), name


@pytest.mark.parametrize("name, option", [
    ("v2", {"seed": 2}), ("v4", {}), ("v7", {}), ("v12", {}), ("v13", {}), ("v17", {"seed": 2}), ("v17", {"device_seed": 2})])
def test_another_seed_gives_another_recording(network, recordings, name, option):
    """Of the engine where it takes one; of the network, whose parameters in physical units have it, for the others."""
    short = network.replace(steps=100)
    other = short if option else short.replace(source={**network.source, "seed": 2})
    one, two = find(name).run(short), find(name).run(other, **option)
    assert not all(np.array_equal(values, two.final[key]) for key, values in one.final.items())


def test_the_target_of_homeostasis_moves_the_thresholds(network, recordings):
    high = homeostatic.run(network, target_hz=40.0).final["theta"]
    assert recordings["v6_homeostatic"].final["theta"].mean() > high.mean()


def test_fixed_point_variants_take_a_network_of_either_format(network, recordings):
    bp = preset("ai")
    fine = translate(bp, Q16_12, name="ai", ms=50.0).replace(seeds=network.seeds, v0=network.v0.astype(np.int64) * 16)
    assert np.array_equal(find("v11").run(fine).spikes, engine.run(fine).spikes)
    assert np.array_equal(engine.run(fine).spikes, recordings["v11_q16"].spikes)
    assert np.array_equal(find("v3").run(fine).spikes, recordings["v3_fixed_point"].spikes)
    assert np.array_equal(external_events(fine), external_events(network)) and fine.lif.format != Q8_8
    assert not np.array_equal(recordings["v11_q16"].spikes, recordings["v3_fixed_point"].spikes)


@pytest.mark.parametrize("name", ["v3", "v4", "v11", "v13", "v14", "v21"])
def test_a_fixed_point_engine_uses_recorded_events(network, name):
    short = translate(preset("ai"), ms=5.0)
    own = external_events(short)
    assert np.array_equal(find(name).run(short.replace(external=own)).spikes, find(name).run(short).spikes)
    other = np.roll(own, 1, axis=1)
    found = find(name).run(short.replace(external=other), trace=True)
    assert np.array_equal(found.trace["events"], other) and not np.array_equal(found.trace["v"], find(name).run(short, trace=True).trace["v"])


def test_the_table_of_the_page_is_the_registry():
    rows = [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in PAGE.read_text().splitlines() if re.match(r"\| V\d+ \| `v", line)]
    assert {tuple(row[:5]) for row in rows} == {(f"V{v.number}", v.name, v.backend, v.domain, v.target) for v in VARIANTS.values()}
    assert [row[5].replace("`", "") for row in rows] == [v.agrees_with for v in VARIANTS.values()]


@pytest.mark.parametrize("name", ["v11", "v21"])
def test_a_run_of_any_number_of_steps_can_change_its_format(network, name):
    for steps in (1, 2, 9, 11):
        assert find(name).run(network.replace(steps=steps)).steps == steps


def test_a_network_in_another_format_keeps_all_that_has_no_format():
    network = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5, weight_exc=1.0, refractory=1.3), Q16_12, ms=2.0, rounding=Rounding.FLOOR,
                        overflow=Overflow.WRAP)
    network = network.replace(external=external_events(network), v0=network.v0 + 9)
    made = in_format(network, Q8_8)
    assert (made.lif.rounding, made.lif.overflow, made.lif.refractory, made.lif.format) == (Rounding.FLOOR, Overflow.WRAP, 13, Q8_8)
    assert (made.lif.threshold, made.weights[0], made.drive.weight) == (20 << 8, 1 << 8, 1 << 8) and network.lif.threshold == 20 << 12
    assert np.array_equal(made.external, network.external) and np.array_equal(made.indices, network.indices)
    assert np.array_equal(made.v0, network.v0 >> 4) and np.array_equal(in_format(made, Q16_12).v0, made.v0.astype(int) << 4)
    assert in_format(network, Q16_12) is network
