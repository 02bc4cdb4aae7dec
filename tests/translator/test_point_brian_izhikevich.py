"""Brian2 as the witness of Izhikevich neurons among others: every spike, state and flag, in its own schedule."""

import dataclasses

import numpy as np
import pytest
from some_point import some_point_network

from spikegate.models.core import point_engine
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import Order
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator import point_izhikevich
from spikegate.translator.izhikevich_network import IzhikevichParams, izhikevich_network, izhikevich_set
from spikegate.translator.point_brian import PointBrianInteger, PointBrianOrdered, point_problems, run_point

SEEDS = range(100, 120)


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


def izhikeviches(network):
    """Which neurons are of the kind."""
    return np.repeat([each.neuron.kind == "izhikevich" for each in network.populations], [each.size for each in network.populations])


@pytest.mark.parametrize("seed", SEEDS)
def test_brian2_gives_the_same_integers(seed):
    network = some_point_network(seed, quadratic=3)
    count = compared(point_engine.run(network, trace=True), PointBrianInteger("numpy").run(network, trace=True))
    assert count > network.steps * network.n * 2


def test_these_networks_have_every_structure():
    kinds, spikes, overflows, features = set(), 0, 0, set()
    for seed in SEEDS:
        network = some_point_network(seed, quadratic=3)
        golden, mine = point_engine.run(network), izhikeviches(network)
        spikes, overflows = spikes + int(mine[golden.spikes[:, 1]].sum()), overflows + int(golden.final["overflow"][mine].sum())
        for each in network.populations:
            if isinstance(each.neuron, IzhikevichNeuron):
                kinds |= {(each.neuron.order, each.neuron.rounding, each.neuron.overflow)}
                features |= {"drive"} if each.drive else set()
                features |= {"fired"} if np.any(each.initial.get("fired", 0)) else set()
                features |= {"sets"} if len(set(each.index)) > 1 else set()
    assert features == {"drive", "fired", "sets"} and len(kinds) >= 7 and spikes > 2000 and overflows > 30, (features, len(kinds), spikes, overflows)


def busy(order=Order.BRIAN2, turn=0, peak=0):
    """Neurons of three sets that excite each other, and one that stays at its peak to the unit, alone."""
    neuron = IzhikevichNeuron(QFormat(18, 8), QFormat(24, 16), 18, 16, 10, 18, 16, 6, order=order)
    rng, net = np.random.default_rng(5), Builder("busy", steps=250, dt_ms=0.5)
    kinds = (np.arange(12) + turn) % 3
    raw = izhikevich_set(neuron, 0.5, a=np.array([0.02, 0.1, 0.05])[kinds], b=np.array([0.2, 0.2, 0.25])[kinds],
                         c=np.array([-65, -50, -55])[kinds], d=np.array([8.0, 2.0, 0.1])[kinds], current=10.0)
    net.population("busy", 12, neuron, **raw)
    still = 700 + peak * (-1 if order == Order.BRIAN2 else 1)
    net.population("still", 1, neuron, square=0, slope=0, a=0, b=0, c=0, d=0, peak=still, initial={"v": [700], "u": [0]})
    net.connect("busy", "busy", pairs=rng.integers(0, 12, (2, 60)), weights=rng.integers(200, 900, 60), delays=rng.integers(1, 30, 60))
    return net.freeze()


@pytest.mark.parametrize("order", Order)
def test_a_wrong_network_is_rejected(order):
    brian = run_point(busy(order), trace=True, codegen="numpy")
    golden = point_engine.run(busy(order), trace=True)
    assert compared(golden, brian) > 2 * 250 * 13 and len(golden.spikes) > 50
    for change in ({"turn": 1}, {"peak": 1}):
        with pytest.raises(AssertionError):
            compared(point_engine.run(busy(order, **change), trace=True), brian)
            pytest.fail(str(change))


@pytest.mark.parametrize("name, old, new", [
    ("UPDATE", " * a + a_half)", " * a)"), ("UPDATE", " * slope + slope_half)", " * slope)"), ("UPDATE", "(u * less + less_half)", "(u * less)"),
    ("UPDATE", "pull = (kicked *", "pull = (moved *"), ("RESET", "u + set_d", "u")],
    ids=["a is floored", "slope is floored", "u is floored", "u follows the new membrane", "u is not raised"])
@pytest.mark.parametrize("order", Order)
def test_a_wrong_update_is_rejected(monkeypatch, order, name, old, new):
    text = getattr(point_izhikevich, name)
    assert text.count(old) == 1
    text = text.replace(old, new)
    if "moved *" in new:
        lines = text.strip().split("\n")
        text = "\n".join([*(line for line in lines[:2]), *lines[3:4], *lines[5:6], lines[2], lines[4], *lines[6:], ""])
    monkeypatch.setattr(point_izhikevich, name, text)
    with pytest.raises(AssertionError):
        compared(point_engine.run(busy(order), trace=True), run_point(busy(order), trace=True, codegen="numpy"))


def test_floats_differ_by_rounding_alone():
    """On the way to the first spike, membranes of the preset's neurons in 2^-7 mV are beside those of floats."""
    network = izhikevich_network(IzhikevichParams(n=20, probability=0.0), 20.0)
    golden, floats = point_engine.run(network, trace=True), PointBrianOrdered("numpy").run(network, trace=True)
    first = min([int(each.spikes[0, 0]) for each in (golden, floats) if len(each.spikes)], default=40)
    half = first // 2
    gap = np.abs(golden.trace["v"][:half] / 128 - floats.trace["v"][:half]).max()
    assert half > 3 and 0 < gap < 0.2


def test_products_that_doubles_do_not_hold_are_named():
    assert point_problems(busy()) == []
    population, other = busy().populations
    wide = IzhikevichNeuron(QFormat(30, 8), QFormat(32, 22), 24, 24, 24, 28, 24, 21)
    rows = population.sets.copy()
    rows[:, 0] = (1 << 24) - 1
    mine = dataclasses.replace(population, neuron=wide, sets=rows, initial={})
    assert "above the limit of 4503599627370496" in point_problems(busy().replace(populations=[mine, other], projections=[]))[0]
