"""The core of point neurons: RTL in Verilator against the golden model, every spike and state of every step, and cycles as predicted."""

import dataclasses

import numpy as np
import pytest
from point_cores import LONG, SHORT, agree, golden, held_against, networks

from spikegate.cosim.engines import rtl
from spikegate.cosim.engines.native import NativeCore
from spikegate.cosim.engines.point_rtl import PointRtl, load_words
from spikegate.cosim.engines.rtl import run_word
from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core import point_lane
from spikegate.gateware.core.point_core import PointCore, PointGeometry
from spikegate.gateware.neuron.linear import Linear
from spikegate.gateware.numeric.fixed import fit, round_shift
from spikegate.models.core import engine
from spikegate.models.errors import InputError
from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.translator.brunel import preset, translate
from spikegate.translator.cuba import CubaParams, cuba
from verification.stimuli.point_networks import KINDS, MIXED, WIDE, random_network


@pytest.mark.parametrize("lanes, delays", [(1, LONG), (3, SHORT), *(pytest.param(
    lanes, delays, marks=pytest.mark.long) for lanes, delays in ((2, SHORT), (3, LONG), (7, SHORT), (16, LONG)))])
def test_random_networks_of_all_structures_are_bit_true_and_take_the_predicted_cycles(lanes, delays):
    found, geometry = networks(MIXED, lanes, 40, delays)
    assert set(geometry.structures) == set(MIXED) and geometry.slots == (256 if delays == LONG else 8) and len(found) >= 20
    compared = sum(agree(each, PointRtl(lanes, geometry)) for each in found)
    print(f"{lanes} lanes: {compared:,} items of {len(found)} networks compared, 0 mismatches")
    assert compared > 600_000


@pytest.mark.parametrize("lanes, delays", [
    pytest.param(1, SHORT, marks=pytest.mark.long), (4, LONG), pytest.param(9, SHORT, marks=pytest.mark.long)])
def test_random_networks_of_all_kinds_are_bit_true_and_take_the_predicted_cycles(lanes, delays):
    """Units of two and of four stages side by side."""
    found, geometry = networks(KINDS, lanes, 40, delays)
    assert set(geometry.structures) == set(KINDS) and geometry.neuron_stages == 4 and len(found) >= 20
    compared = sum(agree(each, PointRtl(lanes, geometry)) for each in found)
    print(f"{lanes} lanes: {compared:,} items of {len(found)} networks compared, 0 mismatches")
    fired = [np.isin(golden(each).spikes[:, 1], np.flatnonzero(np.repeat([here.neuron.kind == "izhikevich" for here in each.populations], [
        here.size for here in each.populations]))).sum() for each in found]
    assert compared > 600_000 and sum(fired) > 1000 and sum(bool(golden(each).trace["u"].any()) for each in found if "u" in golden(each).trace) > 20


@pytest.mark.parametrize("lanes", [2, 5])
def test_the_widest_numbers_are_bit_true(lanes):
    found, geometry = networks(WIDE, lanes, 20)
    assert set(geometry.structures) == set(WIDE) and geometry.width >= 28
    assert sum(agree(each, PointRtl(lanes, geometry)) for each in found) > 400_000


@pytest.mark.parametrize("n", [1, 5])
def test_a_sweep_of_one_word_is_bit_true(n):
    """As many lanes as neurons."""
    found = [each for each in (random_network(seed, MIXED[:3], n=n, steps=200, max_delay=9) for seed in range(60)) if each.n == n][:20]
    geometry = PointGeometry.covering([PointGeometry.of(each, n) for each in found])
    assert geometry.words == 1 and sum(agree(each, PointRtl(n, geometry)) for each in found) > 10_000 * n


def test_the_random_networks_have_what_they_are_for():
    """Spikes, overflows, multapses, self-connections, all delays, sources without synapses, events beside spikes and alone, drives with offsets."""
    found, _ = networks(MIXED, 1, 40)
    rows = [each.synapses for each in found]
    assert sum(len(golden(each).spikes) for each in found) > 10_000
    assert sum(bool(golden(each).trace["overflow"].any()) for each in found if "overflow" in golden(each).trace) > 20
    pairs = [(projection.source == projection.target, np.repeat(np.arange(len(projection.indptr) - 1), np.diff(projection.indptr.astype(int))),
              projection.indices) for each in found for projection in each.projections]
    assert sum(int((pre == post).sum()) for same, pre, post in pairs if same) > 20
    assert sum(len(pre) - len(np.unique(pre * 1000 + post)) for _, pre, post in pairs) > 100
    assert {1, 3, 40, 254, 255} <= {int(delay) for each in rows for delay in each.delays}
    sources = [each.offsets[:, -1] for each in rows]
    assert any((sizes == 0).any() and (sizes > 0).any() for sizes in sources)
    events = [(set(each.input_events[:, 0]), set(golden(each).spikes[:, 0].tolist())) for each in found]
    assert any(given & spiked and given - spiked for given, spiked in events)
    drives = [population.drive for each in found for population in each.populations if population.drive]
    assert any(drive.offset for drive in drives) and {drive.table.depth for drive in drives} == {1, 2, 3}


def test_one_simulator_runs_one_network_after_another():
    """Nothing of a network is left for the next: sums under way, spikes, or an event that waits."""
    found, geometry = networks(MIXED, 3, 40)
    with NativeCore(rtl.build(geometry).path, geometry) as core:
        for network in (found[0], found[2], found[6], found[0]):
            core.load(load_words(network, geometry))
            core.give(network.input_events)
            spikes, _ = core.run(run_word(geometry, network.steps), 0, network.steps, False)
            assert np.array_equal(spikes, golden(network).spikes) and len(spikes) > 20


def test_enables_and_gated_clock_are_the_same_hardware():
    found, geometry = networks(MIXED, 3, 40)
    assert sum(agree(each, PointRtl(3, geometry, clock_gate=False)) for each in found[:4]) > 60_000


def test_a_run_in_parts_is_the_same_run(monkeypatch):
    """Steps are counted on, and an event waits from one part to the next."""
    monkeypatch.setattr(rtl, "BATCH", 7)
    found, geometry = networks(MIXED, 3, 40)
    assert sum(agree(each, PointRtl(3, geometry)) for each in found[:4]) > 60_000


@pytest.mark.parametrize("lanes", [8, 16])
def test_the_network_of_the_preset_spikes_as_in_the_old_contract(lanes):
    """The golden model of one weight a source, the one of point neurons, and this core."""
    network = translate(preset("ai"), name="ai", ms=100.0)
    reference, engine_ = engine.run(network), PointRtl(lanes)
    point = PointNetwork.of(network)
    recording = engine_.run(point)
    assert np.array_equal(recording.spikes, reference.spikes) and len(reference.spikes) > 3000
    assert np.array_equal(recording.final["v"], reference.final["v"])
    assert recording.cycles == engine_.predicted_cycles(point, reference)


def test_vogels_and_abbotts_network_is_bit_true():
    network = cuba(CubaParams(n=1000, probability=0.08), 50.0)
    assert agree(network, PointRtl(16)) > 3_000_000 and len(golden(network).spikes) > 200


def current_network():
    """The first of the random networks whose currents are kicked, and its geometry."""
    found, geometry = networks(MIXED, 3, 40)
    return next(each for each in found if any("exc" in population.neuron.ports and projection.target == population.name and len(projection.indices)
                                              for population in each.populations for projection in each.projections)), geometry


def changed(network, kind):
    """The network with a synapse or a neuron changed that takes part in the run."""
    if kind == "set":
        for k, each in enumerate(network.populations):
            differ = np.flatnonzero(each.index[:-1] != each.index[1:])
            if len(differ) and isinstance(each.neuron, LinearNeuron):
                index = each.index.copy()
                index[differ[0]] = index[differ[0] + 1]
                mine = list(network.populations)
                mine[k] = dataclasses.replace(each, index=index)
                return network.replace(populations=mine)
    fired = set(golden(network).spikes[:, 1].tolist())
    first = dict(zip((each.name for each in network.populations), network.firsts))
    for k, each in enumerate(network.projections):
        row = np.repeat(np.arange(len(each.indptr) - 1), np.diff(each.indptr.astype(np.int64)))
        live = [j for j in range(len(row)) if first.get(each.source, 10**6) + row[j] in fired and each.delays[j] < 20 and each.weights[j]]
        if len(live) < 2:
            continue
        weights, delays, a = each.weights.copy(), each.delays.copy(), live[0]
        if kind == "weight":
            other = [j for j in live if weights[j] != weights[a] and each.indices[j] != each.indices[a]]
            if not other:
                continue
            weights[[a, other[0]]] = weights[[other[0], a]]
        else:
            delays[a] += 1
        mine = list(network.projections)
        sources = len(each.indptr) - 1
        mine[k] = type(each).of(each.source, each.target, each.port, sources, (row, each.indices), weights, delays)
        return network.replace(projections=mine)
    raise AssertionError("nothing to change")


@pytest.mark.parametrize("kind", ["weight", "delay", "set"])
def test_a_wrong_network_in_the_core_is_found(kind):
    """Negative controls: a swapped weight, a delay off by one slot, the parameter set of the neighbour."""
    network, geometry = current_network()
    recording = PointRtl(3, geometry).run(changed(network, kind), trace=True)
    recording = dataclasses.replace(recording, provenance=golden(network).provenance)
    check = held_against(golden(network), recording)
    assert not check.ok and check.mismatches > 0 and check.first_divergence["step"] < network.steps


class DecayFirst(Linear):
    """A unit whose currents decay before the kick."""

    def receive(self, m, given):
        s1_state, s1_given = super().receive(m, given)
        for current, due in zip(self.neuron.currents, self.i_input):
            before = self.i_state[current]
            decayed = before - round_shift(before * given[f"decay_{current}"], self.neuron.decay_fraction, self.neuron.rounding, 0)
            m.d.sync += s1_state[current].eq(fit(decayed + due, self.neuron.current_format.width, self.neuron.overflow)[0])
        return s1_state, s1_given

    def finish(self, m, state, params, products, given, random):
        kept = {name: 0 * value if name.startswith("decay") else value for name, value in products.items()}
        super().finish(m, state, params, kept, given, random)


def test_currents_that_decay_before_the_kick_are_found(monkeypatch):
    """Negative control, in the gateware."""
    network, geometry = current_network()
    small = PointGeometry.of(network, 3)
    monkeypatch.setitem(point_lane.UNITS, LinearNeuron, DecayFirst)
    wrong = compile_shared(to_verilog(PointCore(small, clock_gate=True), "core", reset=False), "core", rtl.HARNESS)
    monkeypatch.setattr(rtl, "build", lambda geometry, clock_gate: wrong)
    check = held_against(golden(network), PointRtl(3, small).run(network, trace=True))
    assert not check.ok and check.first_divergence["signal"] in ("exc", "inh", "syn", "v")


def test_what_does_not_fit_is_refused_by_name():
    found, geometry = networks(MIXED, 3, 40)
    network = found[0]
    assert PointRtl(3, geometry).unsupported(network) == []
    small = dataclasses.replace(geometry, slots=2, sets=1, structures=geometry.structures[:1])
    said = PointRtl(3, small).unsupported(network)
    assert [line.split()[2] for line in said] == ["structures", "slots", "sets"]
    with pytest.raises(InputError, match="Core has structures"):
        PointRtl(3, small).run(network)
    assert PointRtl(network.n + 1).unsupported(network) == [f"Lanes must be in 1..N={network.n}, not {network.n + 1}; use fewer lanes"]
    assert PointRtl(2).unsupported(translate(preset("ai"), ms=1.0)) == ["Network must be a PointNetwork, not Network; make one with PointNetwork.of"]


def test_a_waveform_covers_the_window(tmp_path):
    found, geometry = networks(MIXED, 3, 40)
    PointRtl(3, geometry).waveform(found[1], first=3, last=5, path=tmp_path / "window.vcd")
    text = (tmp_path / "window.vcd").read_text()
    clock = next(line.split()[3] for line in text.splitlines() if line.lstrip().startswith("$var") and line.split()[4] == "clk")
    assert 3 * (geometry.words + geometry.depth + 12) <= text.count(f"\n1{clock}\n") < 1000
