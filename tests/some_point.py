"""Small networks of point neurons of random structures, which Brian2 can run."""

import dataclasses

import numpy as np

from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
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


def some_adaptive(rng, which):
    """The same with theta (1), with w (2), or with both (3)."""
    neuron = some_neuron(rng)
    theta = QFormat(int(rng.integers(neuron.format.fraction + 2, min(32, 54 - neuron.format.fraction) + 1)), neuron.format.fraction)
    return AdaptiveLinearNeuron(**vars(neuron), theta_format=theta if which & 1 else None, theta_fraction=int(rng.integers(4, 13)),
                                w_format=FORMATS[rng.integers(len(FORMATS))] if which & 2 else None, w_fraction=int(rng.integers(4, 13)),
                                slope=which > 1 and bool(rng.integers(2)))


def some_izhikevich(rng):
    """A structure of an izhikevich, with products that doubles hold."""
    q, more = [(QFormat(16, 6), QFormat(20, 10)), (QFormat(20, 10), QFormat(24, 16)), (QFormat(13, 3), QFormat(12, 4))][rng.integers(3)]
    return IzhikevichNeuron(q, more, int(rng.integers(12, 18)), 16, int(rng.integers(4, 9)), int(rng.integers(10, 17)), 14, int(rng.integers(4, 8)),
                            (Rounding.FLOOR, Rounding.NEAREST)[rng.integers(2)], Overflow(int(rng.integers(2))), Order(int(rng.integers(2))))


def some_point_network(seed, steps=300, *, quadratic=0):
    """Networks of `random_network`; a neuron without a refractory period does not begin held. ``quadratic`` of four structures are izhikeviches."""
    rng = np.random.default_rng(seed)
    structures = [*(some_izhikevich(rng) for _ in range(quadratic)), *(some_neuron(rng) for _ in range(3 - quadratic // 2)),
                  *(some_adaptive(rng, which) for which in (1, 2, 3))]
    network = random_network(seed, [*structures, BernoulliNeuron()], n=16, steps=steps, noise=0.4)
    if not any(each.neuron.ports for each in network.populations):
        network = random_network(seed, structures, n=16, steps=steps, noise=0.4)
    populations = []
    for each in network.populations:
        if isinstance(each.neuron, LinearNeuron):
            hold = each.initial["hold"] * (each.table["refractory"][each.index] > 0)
            each = dataclasses.replace(each, initial={**each.initial, "hold": hold})
        populations.append(each)
    return network.replace(populations=populations)
