"""The core with kicks beside currents, neurons that adapt, and noise: RTL in Verilator against the golden model."""

import dataclasses

import numpy as np
import pytest
from point_cores import LONG, SHORT, agree, golden, held_against, networks

from spikegate.cosim.engines.point_rtl import PointRtl
from verification.stimuli.point_networks import ADAPTING


@pytest.mark.parametrize("lanes, delays", [
    pytest.param(1, SHORT, marks=pytest.mark.long), (3, LONG), pytest.param(8, SHORT, marks=pytest.mark.long)])
def test_networks_that_adapt_and_have_noise_are_bit_true(lanes, delays):
    """Kicks beside currents, theta, w, and noise, in a core that has all of them."""
    found, geometry = networks(ADAPTING, lanes, 40, delays, 0.4)
    noisy = [each for each in found if any(population.noise for population in each.populations)]
    assert set(geometry.structures) == set(ADAPTING) and geometry.noise_bits and geometry.ports == 3 and 10 < len(noisy) < len(found)
    compared = sum(agree(each, PointRtl(lanes, geometry)) for each in found)
    print(f"{lanes} lanes: {compared:,} items of {len(found)} networks, {len(noisy)} with noise, 0 mismatches")
    assert compared > 600_000 and sum(len(golden(each).spikes) for each in noisy) > 1000


@pytest.mark.parametrize("change", ["noise", "jump_theta", "jump_w"])
def test_another_noise_or_jump_in_the_core_is_found(change):
    """Negative controls: noise of another weight, a jump that is one less."""
    found, geometry = networks(ADAPTING, 3, 40, LONG, 0.4)
    network = next(each for each in found if any(changed(population, change) for population in each.populations))
    wrong = network.replace(populations=[changed(each, change) or each for each in network.populations])
    recording = PointRtl(3, geometry).run(wrong, trace=True)
    check = held_against(golden(network), dataclasses.replace(recording, provenance=golden(network).provenance))
    assert not check.ok and check.mismatches > 0


def changed(each, change):
    """The population with another noise or jump, or None if it has none or none of its neurons spikes at all."""
    if change == "noise":
        if not each.noise:
            return None
        weight = each.noise.weight + (1 if each.noise.weight < 0 else -1)
        return dataclasses.replace(each, noise=dataclasses.replace(each.noise, weight=weight))
    names = [column.name for column in each.neuron.columns]
    if change not in names:
        return None
    sets, at = each.sets.copy(), names.index(change)
    sets[:, at] -= np.sign(sets[:, at] + (sets[:, at] == 0))
    return dataclasses.replace(each, sets=sets)
