"""Known values of the variants, with options that are not their defaults, and of the presets of point neurons: today's code gives what it gave."""

import dataclasses
import json
import math

import numpy as np
import pytest
import variants

from spikegate.translator.cuba import CubaParams, cuba
from spikegate.translator.izhikevich_network import NEURON, IzhikevichParams, izhikevich_network
from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit

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


def test_networks_of_another_step_have_the_same_times():
    """What is a time in ms is so many steps more or fewer, and what goes in a step so much more or less."""
    cell = cuba(CubaParams(n=20, dt=0.25, refractory=4.0), 5).populations[0]
    assert cell.table["refractory"].tolist() == [16] and cuba(CubaParams(n=20, dt=0.25), 5).steps == 20
    leak, decay = (round((1 - math.exp(-0.25 / tau)) * 2**20) for tau in (20.0, 5.0))
    assert (cell.table["leak"].tolist(), cell.table["decay_exc"].tolist()) == ([leak], [decay])
    excitatory, inhibitory = izhikevich_network(IzhikevichParams(n=20, dt=0.25), 5).populations
    b, u = inhibitory.table["b"][inhibitory.index], inhibitory.initial["u"] / NEURON.u_format.one
    assert excitatory.initial["u"].tolist() == [round(0.2 * -65 * 0.25 * NEURON.u_format.one)] * 16
    assert u == pytest.approx(-65 * b / 2.0 ** (NEURON.u_format.fraction - NEURON.format.fraction + NEURON.b_shift), rel=1e-3)
    usual, slow = (microcircuit(MicrocircuitParams(scale=0.01, dt=dt), 5) for dt in (0.1, 0.5))
    assert [each.populations[0].table["refractory"].tolist() for each in (usual, slow)] == [[20], [4]] and slow.steps == 10
    for source, ms in (("L23E", 1.5), ("L23I", 0.8)):
        for network, dt in ((usual, 0.1), (slow, 0.5)):
            delays = np.concatenate([each.delays for each in network.listed if each.source == source])
            assert delays.mean() * dt == pytest.approx(ms, rel=0.12) and len(delays) > 1000
