"""What stands still in a linear neuron while it is held: its spikes alone, its membrane, or its currents too; by hand, in model and gateware."""

import dataclasses
import itertools

import numpy as np
import pytest
from test_independent_points import differences, engine

from spikegate.cosim.benches.linear import Inputs, Outputs, check, golden
from spikegate.models.core import point_engine
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import Held, LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Q8_8, QFormat, Rounding
from spikegate.translator.point_brian import run_point
from verification.stimuli.point_networks import random_network

SPIKES = LinearNeuron(Q8_8, held=Held.SPIKES)
CUBA = LinearNeuron(Q8_8, currents=("exc",), decay_fraction=8, coupling_bits=9, coupling_shift=8, kicks=True)
ALL = dataclasses.replace(CUBA, held=Held.ALL)
SET = {"leak": 0, "rest": 0, "threshold": 5120, "reset": 2560, "refractory": 20, "bias": 0, "decay_exc": 64, "coupling_exc": 256}


def brian2(neuron):
    return dataclasses.replace(neuron, order=Order.BRIAN2)


#: Structure, state (v, hold, overflow, fired in Brian2's order, exc), inputs (exc and v), and the spike and the state after the step.
BY_HAND = [
    (SPIKES, (1000, 2, 0), (300,), 0, (1300, 1, 0)),  # held: the input counts
    (SPIKES, (5000, 2, 0), (300,), 0, (5300, 1, 0)),  # above the threshold, and no spike
    (SPIKES, (5300, 0, 0), (0,), 1, (2560, 20, 0)),
    (SPIKES, (32767, 2, 0), (1,), 0, (32767, 1, 1)),  # and overflow
    (brian2(SPIKES), (5300, 20, 0, 1), (300,), 0, (2560, 19, 0, 0)),
    (brian2(SPIKES), (5000, 2, 0, 0), (300,), 0, (5300, 1, 0, 0)),
    (brian2(SPIKES), (5000, 1, 0, 0), (300,), 1, (5300, 20, 0, 1)),  # the last held step is free
    (ALL, (1000, 2, 0, 100), (40, 7), 0, (1000, 1, 0, 100)),  # the current takes nothing and does not decay
    (ALL, (1000, 0, 0, 100), (40, 7), 0, (1147, 0, 0, 105)),
    (brian2(ALL), (1000, 2, 0, 0, 100), (40, 7), 0, (1000, 1, 0, 0, 100)),
    (brian2(ALL), (1000, 1, 0, 0, 100), (40, 7), 0, (1100, 0, 0, 0, 75)),  # deaf, but free
    (brian2(ALL), (5300, 20, 0, 1, 100), (40, 7), 0, (2560, 19, 0, 0, 100)),
]


@pytest.mark.parametrize("neuron, state, due, spike, after", BY_HAND)
def test_steps_by_hand(neuron, state, due, spike, after):
    params = {name: value for name, value in SET.items() if name in {column.name for column in neuron.columns}}
    found = golden(neuron, Inputs(params, dict(zip(neuron.state, state, strict=True)), list(due), 0))
    assert found == Outputs(spike, dict(zip(neuron.state, after, strict=True)))


STRUCTURES = [LinearNeuron(Q8_8, 9, rounding, order=order, reset=reset, currents=currents, kicks=bool(currents), held=held,
                           current_format=QFormat(14, 6), decay_fraction=9, coupling_bits=7, coupling_shift=5)
              for order, reset, rounding, currents, held in itertools.product(Order, Reset, (Rounding.FLOOR, Rounding.NEAREST), ((), ("exc", "inh")),
                                                                               (Held.SPIKES, Held.ALL)) if currents or held == Held.SPIKES]


def test_every_structure_steps_as_the_model():
    count = 120
    assert len(STRUCTURES) == 24
    assert check(STRUCTURES, count=count, seed=1, width=18) == count * sum(1 + len(each.state) for each in STRUCTURES)


@pytest.mark.parametrize("held", [Held.SPIKES, Held.ALL])
def test_a_model_that_holds_something_else_is_rejected(held):
    model = [dataclasses.replace(each, held=Held.MEMBRANE) if each.held == held else each for each in STRUCTURES]
    with pytest.raises(Mismatch, match=r"signal (v|exc|inh|spike|overflow),"):
        check(STRUCTURES, count=120, seed=1, model=model, width=18)


NETWORKS = [brian2(SPIKES), SPIKES, brian2(ALL), dataclasses.replace(brian2(CUBA), held=Held.SPIKES), BernoulliNeuron()]


#: In the last two, currents that stand still decay in the step in which a neuron is free again, and are not 0 then.
SEEDS = (*range(1, 9), 16, 24)


def network(seed):
    """A random one in which no neuron begins held."""
    made = random_network(seed, NETWORKS, n=16, steps=200, noise=0.4)
    return made.replace(populations=[dataclasses.replace(each, initial={**each.initial, "hold": np.zeros(each.size, np.int32)})
                                     if isinstance(each.neuron, LinearNeuron) else each for each in made.populations])


def test_networks_agree_with_another_engine_and_with_brian2(tmp_path):
    right, spikes, changed = engine(), 0, 0
    for seed in SEEDS:
        made = network(seed)
        wrong, compared, mine = differences(made, tmp_path / "held.spikegate", right)
        assert wrong == 0 and compared > 1000
        assert PointNetwork.load(tmp_path / "held.spikegate").hash == made.hash
        theirs = run_point(made, codegen="numpy", trace=True)
        np.testing.assert_array_equal(mine.spikes, theirs.spikes)
        for name in {"v", "overflow", "exc"} & mine.trace.keys():
            np.testing.assert_array_equal(mine.trace[name], theirs.trace[name])
        still = made.replace(populations=[dataclasses.replace(each, neuron=dataclasses.replace(each.neuron, held=Held.MEMBRANE))
                                          if isinstance(each.neuron, LinearNeuron) else each for each in made.populations])
        spikes, changed = spikes + len(mine.spikes), changed + (not np.array_equal(point_engine.run(still).spikes, mine.spikes))
    assert spikes > 500 and changed >= 4


@pytest.mark.parametrize("this, that", [
    ('return self.neuron.get("held") == "spikes"', "return False"), ('stops = 0, self.neuron.get("held") == "all"', "stops = 0, False"),
    ('if stops and self.state["hold"] > self.last_held', 'if stops and self.state["hold"] > 0')])
def test_another_engine_that_holds_something_else_is_noticed(this, that, tmp_path):
    wrong = engine(this, that)
    assert any(differences(network(seed), tmp_path / "held.spikegate", wrong)[0] for seed in SEEDS)


def test_currents_that_are_none_do_not_stand_still():
    with pytest.raises(InputError, match="Held must be spikes or membrane without currents, not all; use membrane"):
        LinearNeuron(Q8_8, held=Held.ALL)
