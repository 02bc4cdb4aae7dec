"""The core of point neurons under cocotb and as a netlist: the golden model in every state of every step, for every kind of neuron and row."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from point_cores import golden, held_against

from spikegate.cosim.engines import netlist
from spikegate.cosim.engines.point_hardware import PointCocotb, PointNetlist
from spikegate.gateware.core.point_core import PointGeometry
from spikegate.models.core.rows_external import External
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from verification.contracts.catalogue import ADAPTIVE, IZHIKEVICH, LINEAR, LINEAR_BRIAN2
from verification.stimuli.point_networks import random_network

#: Every kind in small numbers, as netlists grow with these: delta kicks, two currents in Brian2's order, one that adapts, a quadratic one, a source.
SMALL = (LINEAR[0], LINEAR_BRIAN2[0], ADAPTIVE[0], IZHIKEVICH[0], BernoulliNeuron())
DELAYS = 3


@cache
def few(lanes, rows=None, count=12):
    """Networks of these kinds, noise among them, and the core that runs all of them."""
    made = [random_network(seed, SMALL, n=8, steps=40, max_delay=DELAYS, noise=0.4) for seed in range(count)]
    found = [each for each in made if each.n >= lanes]
    options = {} if rows is None else {"rows": rows}
    return found, PointGeometry.covering([PointGeometry.of(each, lanes, **options) for each in found])


def agree(network, engine):
    """Items compared; none differs."""
    recording = engine.run(network, trace=True)
    check = held_against(golden(network), recording)
    assert check.ok, (network.name, check)
    assert engine.predicted_cycles(network, golden(network)) in (None, recording.cycles)
    return check.compared


def has_what_it_is_for(found):
    """Spikes of every kind, noise, recorded events."""
    kinds = {each.neuron.kind for network in found for each in network.populations}
    assert kinds >= {"lif", "cuba_lif", "izhikevich", "bernoulli"} and len({each.neuron for network in found for each in network.populations}) == 5
    assert any(each.noise for network in found for each in network.populations) and any(len(each.input_events) for each in found)
    assert sum(len(golden(each).spikes) for each in found) > 200


def test_every_kind_of_neuron_runs_under_cocotb_as_the_golden_model_with_and_without_stalls():
    found, geometry = few(2)
    has_what_it_is_for(found)
    assert sum(agree(each, PointCocotb(2, geometry)) for each in found[:2]) > 1000
    assert sum(agree(each, PointCocotb(2, geometry, stall=0.3, seed=4)) for each in found[2:5]) > 2000
    with_events = next(each for each in found if len(each.input_events))
    plain, paused = (PointCocotb(2, geometry, stall=stall).run(with_events) for stall in (0.0, 0.5))
    assert np.array_equal(plain.spikes, paused.spikes) and plain.cycles < paused.cycles


def chain(weight=300):
    """A few neurons kicked by recorded events, which kick each other."""
    net = Builder("chain", steps=40)
    net.input("kick", 2, steps=[1, 2, 9, 20], channels=[0, 1, 0, 1])
    net.population("cells", 6, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
    net.connect("kick", "cells", weights=np.full((2, 6), 11 << 8))
    net.connect("cells", "cells", weights=np.full((6, 6), weight), delays=2)
    return net.freeze()


def test_a_memory_outside_that_answers_by_chance_under_cocotb_gives_the_same_and_a_changed_weight_is_found():
    network, cycles = chain(), []
    for latency, stall in ((0, 0.0), (30, 0.0), (9, 0.4)):
        engine = PointCocotb(2, rows=External(), latency=latency, memory_seed=7, stall=stall)
        assert agree(network, engine) > 1000 and engine.predicted_cycles(network, golden(network)) is None
        cycles.append(engine.run(network).cycles)
    assert cycles[0] < cycles[1] and len(golden(network).spikes) > 10
    recording = PointCocotb(2, rows=External()).run(chain(301), trace=True)
    assert not held_against(golden(network), dataclasses.replace(recording, provenance=golden(network).provenance)).ok


def test_stalls_are_no_cycles_that_are_known_and_both_engines_say_what_they_cannot_run():
    network = chain()
    stalled = PointCocotb(2, stall=0.1)
    assert stalled.predicted_phases(network, golden(network)) is None and stalled.unpredicted == "streams pause at random"
    assert PointCocotb(2).predicted_cycles(network, golden(network)) is not None and "memory" in PointCocotb(2).unpredicted
    for engine in (PointCocotb(7), PointNetlist(7)):
        assert engine.unsupported(network) == ["Lanes must be in 1..N=6, not 7; use fewer lanes"]
        with pytest.raises(InputError, match="Lanes must be in"):
            engine.run(network)


@pytest.mark.parametrize("family", ["ice40", pytest.param("ecp5", marks=pytest.mark.long)])
def test_the_netlist_of_a_small_core_is_the_golden_model(family):
    network = chain()
    engine = PointNetlist(1, family=family)
    assert agree(network, engine) > 500
    recording = engine.run(network, trace=True)
    assert recording.engine == f"netlist-{family}" and recording.provenance["cells"]
    other = PointNetlist(1, family=family, seed=2).run(network, trace=True)
    assert other.cycles == recording.cycles and held_against(golden(network), other).ok


@pytest.mark.long
@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_the_netlist_of_every_kind_of_neuron_is_the_golden_model(family):
    """Currents, quadratic neurons with noise beside them, adaptation, Bernoulli sources and recorded events, in one core of one lane."""
    found, geometry = few(1)
    has_what_it_is_for(found)
    assert set(geometry.structures) == set(SMALL) and geometry.noise_bits
    compared = sum(agree(each, PointNetlist(1, geometry, family=family)) for each in found)
    print(f"{family}: {compared:,} items of {len(found)} networks compared, 0 mismatches")
    assert compared > 5000


@pytest.mark.long
def test_a_flipped_bit_of_a_look_up_table_of_the_netlist_is_found(monkeypatch):
    """Negative control, through `run`."""
    network, made = chain(), netlist.core_netlist(PointGeometry.of(chain(), 1), "ice40")
    changed, where = netlist.flipped(made.module, "top.lane_0", seed=1)
    wrong = dataclasses.replace(made)
    wrong.__dict__["module"] = changed
    monkeypatch.setattr(netlist, "core_netlist", lambda *_: wrong)
    try:
        recording = PointNetlist(1).run(network, trace=True)
    except SpikegateError as error:
        assert "Core" in str(error)
    else:
        assert not held_against(golden(network), recording).ok, where
