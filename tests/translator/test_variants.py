"""The registry: every variant that exists, found by name, runs the whole network, and is what it says."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from spikegate.models.core import engine
from spikegate.models.core import stream_engine as streams
from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.translator import homeostatic, izhikevich, memristive, probability, registry, reservoir, stdp
from spikegate.translator.brunel import preset, translate
from spikegate.translator.custom import with_fine_leak
from spikegate.translator.hybrid import hybrid
from spikegate.translator.variants import VARIANTS, find, variant
from spikegate.translator.voltage import Rule, run

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


def test_a_variant_is_found_by_name_or_number_and_the_nearest_is_named():
    assert find("V9") is find("v9_post_kick") is VARIANTS["v9_post_kick"]
    with pytest.raises(InputError, match=r"not 'v18_nunba'; did you mean v18_numba\?"):
        find("v18_nunba")
    with pytest.raises(InputError, match="must be one of v1_stochastic_lif, .*, not 'brian'$"):
        find("brian")


def test_specs_are_frozen_and_complete():
    assert len({v.number for v in VARIANTS.values()}) == len(VARIANTS) == 21
    for name, v in VARIANTS.items():
        assert v.name == name and all((v.backend, v.domain, v.target, v.agrees_with)) and v.run.__doc__
        with pytest.raises(FrozenInstanceError):
            v.number = 0


def test_a_custom_variant_is_registered_with_one_decorator(network, monkeypatch):
    monkeypatch.setattr(registry, "VARIANTS", dict(VARIANTS))

    @variant(22, "v22_sluggish", backend="V1", domain="voltage", target="example", agrees_with="nothing")
    def custom(network, **options):
        return run(network, rule=Rule(refractory=7), **options)

    assert find("v22").run is custom and len(find("v22_sluggish").run(network).spikes) > 1000
    details = dict(backend="b", domain="d", target="t", agrees_with="a")
    with pytest.raises(InputError, match="Variant 22 must be new, and is v22_sluggish"):
        variant(22, "v22_other", **details)
    with pytest.raises(InputError, match="begin with v23_"):
        variant(23, "custom", **details)


def test_the_table_of_the_page_is_the_registry():
    rows = [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in PAGE.read_text().splitlines() if re.match(r"\| V\d+ \| `v", line)]
    assert {tuple(row[:5]) for row in rows} == {(f"V{v.number}", v.name, v.backend, v.domain, v.target) for v in VARIANTS.values()}
    assert [row[5].replace("`", "") for row in rows] == [v.agrees_with for v in VARIANTS.values()]


@pytest.mark.parametrize("name", ["v11", "v21"])
def test_a_run_of_any_number_of_steps_can_change_its_format(network, name):
    for steps in (1, 2, 9, 11):
        assert find(name).run(network.replace(steps=steps)).steps == steps
