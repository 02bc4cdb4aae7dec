"""Small networks of point neurons of random structures, which Brian2 can run."""

import dataclasses

import numpy as np

from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from verification.stimuli.point_networks import random_network

FORMATS = (QFormat(16, 8), QFormat(32, 12), QFormat(10, 4), QFormat(24, 16))


def some_neuron(rng):
    """A structure of any kind but stochastic rounding, with products that doubles hold."""
    currents = ((), ("exc",), ("exc", "inh"))[rng.integers(3)]
    q, more = FORMATS[rng.integers(len(FORMATS))], FORMATS[rng.integers(len(FORMATS))]
    return LinearNeuron(q, int(rng.integers(4, 13)), (Rounding.FLOOR, Rounding.NEAREST)[rng.integers(2)], Overflow(int(rng.integers(2))),
                        Order(int(rng.integers(2))), Reset(int(rng.integers(2))), currents, more if currents else None,
                        int(rng.integers(4, 13)), int(rng.integers(4, 17)), int(rng.integers(0, 17)), bool(currents) and bool(rng.integers(2)))


def some_point_network(seed, steps=300):
    """Networks of `random_network`; a neuron without a refractory period does not begin held."""
    rng = np.random.default_rng(seed)
    structures = [some_neuron(rng) for _ in range(4)]
    network = random_network(seed, [*structures, BernoulliNeuron()], n=16, steps=steps)
    if not any(each.neuron.ports for each in network.populations):
        network = random_network(seed, structures, n=16, steps=steps)
    populations = []
    for each in network.populations:
        if isinstance(each.neuron, LinearNeuron):
            hold = each.initial["hold"] * (each.table["refractory"][each.index] > 0)
            each = dataclasses.replace(each, initial={**each.initial, "hold": hold})
        populations.append(each)
    return network.replace(populations=populations)
