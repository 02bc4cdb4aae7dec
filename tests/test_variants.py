"""The registry: every variant that exists, found by name, runs the whole network, and is what it says."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from spikegate.models import core
from spikegate.models import hybrid as streams
from spikegate.models.core import external_events
from spikegate.models.errors import InputError
from spikegate.models.fixed import Q8_8, Q16_12
from spikegate.models.recording import Recording
from spikegate.translator import variants
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid
from spikegate.translator.variants import VARIANTS, find, variant
from spikegate.translator.voltage import Rule, run

PAGE = Path(__file__).parents[1] / "docs" / "variants.md"
BIT_FOR_BIT = ("v1", "v18", "v20")


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai"), name="ai", ms=50.0)


@pytest.fixture(scope="module")
def recordings(network):
    return {name: v.run(network) for name, v in VARIANTS.items()}


def test_every_variant_runs_the_whole_network_of_a_thousand_neurons(network, recordings):
    for name, recording in recordings.items():
        assert isinstance(recording, Recording) and (recording.n, recording.steps) == (1000, 500), name
        # the irregular state of all of them is 25 to 45 Hz; a population left out would fire at 0
        rates = [np.count_nonzero(of) / count / 0.05 for of, count in ((recording.spikes[:, 1] < 800, 800), (recording.spikes[:, 1] >= 800, 200))]
        assert all(20 < rate < 60 for rate in rates), (name, rates)


def test_variants_differ_where_they_are_not_meant_to_be_equal(recordings):
    names = list(recordings)
    equal = {(a, b) for i, a in enumerate(names) for b in names[i + 1:] if np.array_equal(recordings[a].spikes, recordings[b].spikes)}
    expected = [find(name).name for name in BIT_FOR_BIT]
    assert equal == {(a, b) for i, a in enumerate(expected) for b in expected[i + 1:]}


def test_each_variant_is_its_engine(network, recordings):
    for name, rule in (("v1", Rule()), ("v7", Rule(noise_std=1.0)), ("v8", Rule(refractory=5)), ("v9", Rule(late=True)), ("v10", Rule(exact=True))):
        assert np.array_equal(recordings[find(name).name].spikes, run(network, rule=rule).spikes), name
    assert np.array_equal(recordings["v3_fixed_point"].spikes, core.run(network).spikes)
    for name in ("v4", "v13", "v14"):
        assert np.array_equal(recordings[find(name).name].spikes, streams.run(hybrid(network, name)).spikes), name
    assert {recordings[find(name).name].provenance["kernel"] for name in BIT_FOR_BIT} == {"objects", "numpy", "numba"}


def test_fixed_point_variants_take_a_network_of_either_format(network, recordings):
    bp = preset("ai")
    fine = translate(bp, Q16_12, name="ai", ms=50.0).replace(seeds=network.seeds, v0=network.v0.astype(np.int64) * 16)
    assert np.array_equal(find("v11").run(fine).spikes, core.run(fine).spikes)
    assert np.array_equal(core.run(fine).spikes, recordings["v11_q16"].spikes)
    assert np.array_equal(find("v3").run(fine).spikes, recordings["v3_fixed_point"].spikes)
    assert np.array_equal(external_events(fine), external_events(network)) and fine.lif.format != Q8_8
    assert not np.array_equal(recordings["v11_q16"].spikes, recordings["v3_fixed_point"].spikes)


@pytest.mark.parametrize("name", ["v3", "v4", "v11", "v13", "v14"])
def test_events_that_a_fixed_point_engine_would_not_see_are_refused(network, name):
    short = translate(preset("ai"), ms=5.0)
    own = external_events(short)
    assert np.array_equal(find(name).run(short.replace(external=own)).spikes, find(name).run(short).spikes)
    with pytest.raises(InputError, match="must be those of its own drive"):
        find(name).run(short.replace(external=np.roll(own, 1, axis=1)))


def test_a_variant_is_found_by_name_or_number_and_the_nearest_is_named():
    assert find("V9") is find("v9_post_kick") is VARIANTS["v9_post_kick"]
    with pytest.raises(InputError, match=r"not 'v18_nunba'; did you mean v18_numba\?"):
        find("v18_nunba")
    with pytest.raises(InputError, match="must be one of v1_stochastic_lif, .*, not 'brian'$"):
        find("brian")


def test_specs_are_frozen_and_complete():
    assert [v.number for v in VARIANTS.values()] == sorted({v.number for v in VARIANTS.values()})
    for name, v in VARIANTS.items():
        assert v.name == name and all((v.backend, v.domain, v.target, v.agrees_with)) and v.run.__doc__
        with pytest.raises(FrozenInstanceError):
            v.number = 0


def test_a_custom_variant_is_registered_with_one_decorator(network, monkeypatch):
    monkeypatch.setattr(variants, "VARIANTS", dict(VARIANTS))

    @variant(21, "v21_custom", backend="V1", domain="voltage", target="example", agrees_with="nothing")
    def custom(network, **options):
        return run(network, rule=Rule(refractory=7), **options)

    assert find("v21").run is custom and len(find("v21_custom").run(network).spikes) > 1000
    details = dict(backend="b", domain="d", target="t", agrees_with="a")
    with pytest.raises(InputError, match="Variant 21 must be new, and is v21_custom"):
        variant(21, "v21_other", **details)
    with pytest.raises(InputError, match="begin with v22_"):
        variant(22, "custom", **details)


def test_the_table_of_the_page_is_the_registry():
    rows = [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in PAGE.read_text().splitlines() if re.match(r"\| V\d+ \| `v", line)]
    assert {tuple(row[:5]) for row in rows} == {(f"V{v.number}", v.name, v.backend, v.domain, v.target) for v in VARIANTS.values()}
    assert [row[5].replace("`", "") for row in rows] == [v.agrees_with for v in VARIANTS.values()]
