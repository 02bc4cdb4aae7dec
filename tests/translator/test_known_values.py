"""Known values of the variants, with options that are not their defaults, and of the presets of point neurons: today's code gives what it gave."""

import dataclasses
import json

import pytest
import variants

from spikegate.translator.cuba import CubaParams
from spikegate.translator.izhikevich_network import IzhikevichParams
from spikegate.translator.microcircuit import MicrocircuitParams

KNOWN = json.loads(variants.FILE.read_text())


@pytest.mark.parametrize("name", variants.CASES)
def test_a_recording_a_network_or_a_number_is_as_it_was(name):
    found, known = variants.numbers(name), KNOWN[name]
    assert found.keys() == known.keys() and found
    for key, values in found.items():
        if key == "said":
            assert values == known[key]
        else:
            assert values == (pytest.approx(known[key], rel=1e-6) if isinstance(values, list) else known[key]), key


def leaves(value, path=()):
    """Of what is nested, each value with its place."""
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def test_what_each_variant_takes_is_as_it_was():
    found, known = dict(leaves(variants.taken())), dict(leaves(KNOWN["taken"]))
    assert len(found) > 400 and found.keys() == known.keys()
    for place, value in found.items():
        assert type(value) is type(known[place]), place
        assert value == (pytest.approx(known[place], rel=1e-9) if isinstance(value, float) else known[place]), place


def test_the_file_has_every_case_and_no_two_are_alike():
    assert KNOWN.keys() == {*variants.CASES, "taken"} and len({json.dumps(values) for values in KNOWN.values()}) == len(KNOWN)


def test_one_value_that_is_another_or_elsewhere_is_seen():
    """Negative control."""
    values = [1.0, 2.0, 3.0, 2.0]
    sums = variants._sums(values)
    assert all(variants._sums(other) != pytest.approx(sums, rel=1e-6) for other in ([1.0, 2.0, 3.0, 2.001], [2.0, 1.0, 3.0, 2.0], values[:3]))


def test_what_is_not_chosen_is_as_published():
    assert dataclasses.asdict(CubaParams()) == dict(
        n=4000, probability=0.02, dt=0.1, tau_m=20.0, tau_e=5.0, tau_i=10.0, v_rest=-49.0, v_threshold=-50.0, v_reset=-60.0, refractory=5.0,
        weight_exc=1.62, weight_inh=-9.0, seed=1)
    assert dataclasses.asdict(MicrocircuitParams()) == dict(scale=0.02, dt=0.1, seed=1, tables=False)
    assert dataclasses.asdict(IzhikevichParams()) == dict(n=1000, probability=1.0, dt=0.5, weight_exc=0.5, weight_inh=-1.0, thalamic_exc=5.0,
                                                          thalamic_inh=2.0, seed=1)


@pytest.mark.parametrize("kind, name", [(CubaParams, "n"), (MicrocircuitParams, "seed"), (IzhikevichParams, "n")])
def test_parameters_stay_as_they_are(kind, name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(kind(), name, 10)
