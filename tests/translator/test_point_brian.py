"""Brian2 as the witness of networks of point neurons: every spike, membrane, current and flag, in its own schedule and refractoriness."""

import dataclasses

import brian2
import numpy as np
import pytest
from some_point import some_point_network

from spikegate.models.core import point_engine
from spikegate.models.errors import InputError
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Q8_8, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator import point_neurons
from spikegate.translator.brunel import preset, translate
from spikegate.translator.point_brian import PointBrianInteger, point_problems, run_point

SEEDS = range(25)


def compared(golden, brian):
    """Numbers that were compared; `AssertionError` names the first that differs."""
    assert np.array_equal(golden.spikes, brian.spikes), "spikes"
    count = golden.spikes.size
    assert set(brian.trace) == set(golden.trace) - {"events", "hold", "fired"} and set(brian.final) == set(golden.final) - {"lfsr"}
    for found, expected in ((brian.trace, golden.trace), (brian.final, golden.final)):
        for name, values in found.items():
            wrong = np.argwhere(values != expected[name])
            assert not len(wrong), f"{name} at {wrong[0]}"
            count += values.size
    return count


@pytest.mark.parametrize("seed", SEEDS)
def test_brian2_gives_the_same_integers(seed):
    network = some_point_network(seed)
    golden = point_engine.run(network, trace=True)
    count = compared(golden, PointBrianInteger("numpy").run(network, trace=True))
    print(f"{len(golden.spikes)} spikes of {network.n} neurons, {count} numbers")
    assert count > network.steps * network.n * 2


def test_these_networks_have_every_kind():
    kinds, spikes, flags, features, adapted = set(), 0, 0, set(), set()
    for seed in SEEDS:
        network = some_point_network(seed)
        golden = point_engine.run(network)
        spikes, flags = spikes + len(golden.spikes), flags + int(golden.final["overflow"].sum())
        for each in network.populations:
            if isinstance(each.neuron, LinearNeuron):
                neuron = each.neuron
                kinds |= {(neuron.kind, neuron.order)} | {(neuron.order, repr(part)) for part in (neuron.reset, neuron.rounding, neuron.overflow)}
                adapted |= {(neuron.order, *neuron.adapted, neuron.slope)} if isinstance(neuron, AdaptiveLinearNeuron) else set()
                features |= {"sets"} if len(set(each.index)) > 1 else set()
                features |= {name for name in ("refractory", "bias") if each.table[name].any()} | ({"drive"} if each.drive else set())
                features |= {name for name in ("hold", "fired") if np.any(each.initial.get(name, 0))}
            else:
                features.add("bernoulli")
        for each in network.projections:
            rows = np.repeat(np.arange(len(each.indptr) - 1), np.diff(each.indptr.astype(np.int64)))
            features |= {"itself"} if each.source == each.target and np.any(rows == each.indices) else set()
            features |= {"long"} if len(each.delays) and each.delays.max() > 200 else set()
            features |= {"twice"} if len({*zip(rows, each.indices)}) < len(rows) else set()
            features |= {"input"} if each.source.startswith("in") and len(rows) else set()
    assert features == {"sets", "refractory", "bias", "drive", "hold", "fired", "bernoulli", "itself", "long", "twice", "input"}
    assert len({each for each in adapted if not each[-1]}) == 6 and any(each[-1] for each in adapted)  # theta, w, both, in two orders; a slope
    assert len(kinds) == 4 * 2 + 2 * 6  # kinds in two orders; two resets, roundings and modes of overflow in two orders
    assert spikes > 10_000 and flags > 100


SIZE, STEPS = 13, 250


def busy(order=Order.BRIAN2, currents=(), heavier=0, late=0, turn=0, threshold=0, reset=Reset.VALUE):
    """Twelve neurons of three sets that an input and their own synapses excite, and one that reaches its threshold to the unit, alone."""
    rng, cuba = np.random.default_rng(5), bool(currents)
    threshold = 1500 + threshold * (-1 if order == Order.BRIAN2 else 1)
    neuron = LinearNeuron(Q8_8, 12, order=order, reset=reset, currents=currents, decay_fraction=8, coupling_shift=8)
    step = 1500 if reset == Reset.SUBTRACT else 0
    rows = [[200 + 20 * k, 100, threshold, step or 60 * k, 3 * k, 40] + [60, 50] * len(currents) for k in range(3)]
    rows.append([0, 100, threshold, step, 0, 50] + [60, 50] * len(currents))
    index = np.append((np.arange(12) + turn) % 3, 3)
    weights, outside = rng.integers(300, 700, 60) * (1 + cuba), rng.integers(500, 900, 60)
    delays, events = rng.integers(1, 30, 60), np.unique(rng.integers(0, STEPS * 4, 300))
    outside[7] += heavier
    populations = [PointPopulation("busy", SIZE, neuron, rows, index)]
    projections = [Projection.of("busy", "busy", neuron.ports[0], SIZE, rng.integers(0, 12, (2, 60)), weights, delays + late * (np.arange(60) == 7)),
                   Projection.of("outside", "busy", neuron.ports[-1], 4, rng.integers(0, (4, 12), (60, 2)).T, outside, 2)]
    inputs = [SpikeInput("outside", 4, events // 4, events % 4)]
    return PointNetwork("busy", populations, projections, inputs, LfsrParams(), [0] * SIZE, STEPS, 100_000)


CHANGES = {"a weight one higher": {"heavier": 1}, "a delay one longer": {"late": 1}, "a neighbour's set": {"turn": 1},
           "the other of >= and >": {"threshold": 1}}


@pytest.mark.parametrize("currents", [(), ("exc", "inh")], ids=["lif", "cuba_lif"])
@pytest.mark.parametrize("order", Order)
def test_a_wrong_network_is_rejected(order, currents):
    golden = point_engine.run(busy(order, currents), trace=True)
    assert compared(golden, run_point(busy(order, currents), trace=True, codegen="numpy")) > 2 * STEPS * SIZE and len(golden.spikes) > 100
    for name, change in CHANGES.items():
        other = point_engine.run(busy(order, currents, **change), trace=True)
        with pytest.raises(AssertionError):
            compared(other, run_point(busy(order, currents), trace=True, codegen="numpy"))
            pytest.fail(name)


@pytest.mark.parametrize("name, old, new", [
    ("CURRENT", " * decay + decay_half)", " * decay)"),
    ("CURRENT", "(kicked{k} * set_coupling{k}", "((kicked{k} - (kicked{k} * set_decay{k} * decay + decay_half) // 1.0) * set_coupling{k}"),
    ("MEMBRANE", " + set_bias", ""), ("MEMBRANE", " + leak_half", "")],
    ids=["decay is floored", "decay before flow", "no bias", "leak is floored"])
@pytest.mark.parametrize("order", Order)
def test_a_wrong_update_is_rejected(monkeypatch, order, name, old, new):
    text = getattr(point_neurons, name)
    assert old in text
    monkeypatch.setattr(point_neurons, name, text.replace(old, new))
    network = busy(order, ("exc", "inh"))
    with pytest.raises(AssertionError):
        compared(point_engine.run(network, trace=True), run_point(network, trace=True, codegen="numpy"))


def adapting(order):
    """Those neurons with an adaptation that its jumps feed for a long time."""
    population, = busy(order, ("exc",)).populations
    linear = population.neuron
    neuron = AdaptiveLinearNeuron(**vars(linear), theta_format=QFormat(20, 10), theta_fraction=8, w_format=Q8_8, w_fraction=8, slope=True)
    sets = np.hstack([population.sets, np.tile([900, 12, 150, 9, 60, 20], (len(population.sets), 1))])
    return busy(order, ("exc",)).replace(populations=[PointPopulation("busy", SIZE, neuron, sets, population.index)])


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("name, old, new", [
    ("JUMP", "set_jump_{name}", "0"), ("THETA", " + theta_decay_half", ""), ("OUT", "w * set_coupling_w", "0 * set_coupling_w"),
    ("SLOPE", "kicked - set_rest", "moved - set_rest"), ("THETA", "theta = theta - ", "theta = theta + 0 * ")],
    ids=["no jump", "theta is floored", "w does not flow", "a slope from the new membrane", "theta does not decay"])
def test_a_wrong_adaptation_is_rejected(monkeypatch, order, name, old, new):
    network = adapting(order)
    golden = point_engine.run(network, trace=True)
    assert compared(golden, run_point(network, trace=True, codegen="numpy")) > 4 * STEPS * SIZE and len(golden.spikes) > 100
    text = getattr(point_neurons, name)
    assert old in text
    monkeypatch.setattr(point_neurons, name, text.replace(old, new))
    with pytest.raises(AssertionError):
        compared(golden, run_point(network, trace=True, codegen="numpy"))


LATE = ["start", "groups", "thresholds", "resets", "synapses", "end"]


@pytest.mark.parametrize("schedule", [None, LATE], ids=["own", "resets before synapses"])
def test_the_schedule_is_brian2s_own_and_another_is_seen(monkeypatch, schedule):
    seen, run = [], brian2.Network.run

    def watched(self, *args, **options):
        seen.append(self.schedule)
        if schedule:
            self.schedule = schedule
        return run(self, *args, **options)

    monkeypatch.setattr(brian2.Network, "run", watched)
    golden, brian = point_engine.run(busy(), trace=True), run_point(busy(), trace=True, codegen="numpy")
    assert seen == [["start", "groups", "thresholds", "synapses", "resets", "end"]]
    assert np.array_equal(golden.trace["v"], brian.trace["v"]) == (schedule is None)


def test_the_network_of_one_weight_a_source_gives_the_same_spikes():
    network = PointNetwork.of(translate(preset("ai", n_exc=80, n_inh=20, conn_prob=0.2), ms=40.0))
    golden = point_engine.run(network, trace=True)
    assert len(golden.spikes) > 50
    compared(golden, run_point(network, trace=True, codegen="numpy"))


@pytest.mark.long
def test_compiled_code_gives_the_same():
    network = busy(reset=Reset.SUBTRACT)
    compared(point_engine.run(network, trace=True), PointBrianInteger("cython").run(network, trace=True))


def with_neuron(network, **changes):
    population, = network.populations
    return network.replace(populations=[dataclasses.replace(population, neuron=dataclasses.replace(population.neuron, **changes))])


def test_what_brian2_cannot_run_is_named_before_any_work():
    engine, good = PointBrianInteger(), busy()
    assert engine.unsupported(good) == []
    old = translate(preset("ai"), ms=1.0)
    assert "PointNetwork.of" in engine.unsupported(old)[0]
    population, = good.populations
    random = dataclasses.replace(population, neuron=dataclasses.replace(population.neuron, rounding=Rounding.STOCHASTIC))
    assert "must be floor or nearest" in point_problems(good.replace(populations=[random], seeds=range(1, SIZE + 1)))[0]
    wide = with_neuron(busy(currents=("exc", "inh")), current_format=QFormat(32, 8), coupling_bits=24, coupling_shift=30)
    rows = wide.populations[0].sets.copy()
    rows[:, 7] = (1 << 24) - 1
    wide = wide.replace(populations=[dataclasses.replace(wide.populations[0], sets=rows)])
    assert "above the limit of 4503599627370496" in point_problems(wide)[0]
    held = dataclasses.replace(population, initial={"hold": np.ones(SIZE, int)})
    assert "begin held without a refractory period" in point_problems(good.replace(populations=[held]))[0]
    with pytest.raises(InputError, match="begin held"):
        run_point(good.replace(populations=[held]))
