"""Small networks of point neurons of every kind, with extreme values, one a seed."""

from fractions import Fraction

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams

FORMATS = (QFormat(16, 8), QFormat(32, 12), QFormat(10, 4), QFormat(24, 16))


def some_neuron(rng, order=None, stochastic=False):
    """A structure; ``stochastic`` lets rounding be so."""
    currents = ((), ("exc",), ("exc", "inh"))[rng.integers(3)]
    q, more = FORMATS[rng.integers(len(FORMATS))], FORMATS[rng.integers(len(FORMATS))]
    roundings = [Rounding.FLOOR, Rounding.NEAREST] + [Rounding.STOCHASTIC] * (stochastic and not currents)
    return LinearNeuron(q, int(rng.integers(4, 13)), roundings[rng.integers(len(roundings))], Overflow(int(rng.integers(2))),
                        Order(int(rng.integers(2)) if order is None else order), Reset(int(rng.integers(2))), currents, more if currents else None,
                        int(rng.integers(4, 13)), int(rng.integers(4, 17)), int(rng.integers(0, 17)))


def some_sets(rng, neuron, count):
    """Parameter sets, a row each, that make neurons spike."""
    q, rows = neuron.format, []
    for _ in range(count):
        threshold = int(rng.integers(q.max // 8, q.max // 2))
        reset = int(rng.integers(1, threshold + 1)) if neuron.reset == Reset.SUBTRACT else int(rng.integers(q.min // 2, threshold))
        row = [int(rng.integers(0, (1 << neuron.leak_fraction) // 4)), int(rng.integers(q.min // 4, q.max // 4)), threshold, reset,
               int(rng.choice([0, 0, 1, 2, 7])), int(rng.integers(0, q.max // 16 + 1)) * int(rng.integers(2))]
        for _ in neuron.currents:
            # a current at half of its range moves the membrane by up to half of the format
            most = min((1 << neuron.coupling_bits) - 1, max(1, (q.max << neuron.coupling_shift) // neuron.current_format.max))
            row += [int(rng.integers(0, (1 << neuron.decay_fraction) + 1)), int(rng.integers(0, most + 1))]
        rows.append(row)
    return rows


def kick(neuron, port):
    """A strong weight: half of the range, if 64 of them leave the sums inside 32 bits."""
    return min(neuron.port_format(port).max // 2, 1 << 24)


def some_population(rng, name, order=None, stochastic=False):
    """A population with up to three parameter sets, and perhaps a drive and a first state."""
    size, count = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    if rng.random() < 0.2:
        return PointPopulation(name, size, BernoulliNeuron(), rng.integers(0, 1 << 31, (count, 1)), rng.integers(0, count, size))
    neuron = some_neuron(rng, order, stochastic)
    port, drive, initial = neuron.ports[rng.integers(len(neuron.ports))], None, {}
    if rng.random() < 0.5:
        table = DriveParams(binomial_limits(3, Fraction(1, 3)), int(rng.integers(-1, 3) * kick(neuron, port) // 4))
        drive = PortDrive(table, port, int(rng.integers(3)))
    if rng.random() < 0.5:
        initial = {"v": rng.integers(neuron.format.min, neuron.format.max + 1, size), "overflow": rng.integers(0, 2, size)}
        initial |= {current: rng.integers(neuron.current_format.min, neuron.current_format.max + 1, size) for current in neuron.currents}
    sets, index = some_sets(rng, neuron, count), rng.integers(0, count, size)
    if rng.random() < 0.3:
        initial["hold"] = rng.integers(0, 9, size) * (np.array(sets)[index, 4] > 0)
    return PointPopulation(name, size, neuron, sets, index, drive, initial)


def some_point_network(seed, steps=300, order=None, stochastic=False):
    """Up to three populations and an input, with multapses, self-connections and every delay in between."""
    rng, populations = np.random.default_rng(seed), []
    while not any(each.neuron.ports for each in populations):
        populations = [some_population(rng, f"p{k}", order, stochastic) for k in range(rng.integers(1, 4))]
    size, count = int(rng.integers(1, 5)), int(rng.integers(20, 200))
    places = np.unique(rng.integers(0, steps * size, count))
    inputs = [SpikeInput("outside", size, places // size, places % size)]
    projections = []
    for target in populations:
        for port in target.neuron.ports:
            for source in [*populations, *inputs]:
                if rng.random() < 0.3:
                    continue
                pairs, most = int(rng.integers(1, 4 * target.size + 1)), kick(target.neuron, port)
                delays = rng.integers(1, 256, pairs) if rng.random() < 0.3 else rng.integers(1, 6, pairs)
                places = rng.integers(0, source.size, pairs), rng.integers(0, target.size, pairs)
                weights = rng.integers(-most // 2, most, pairs)
                projections.append(Projection.of(source.name, target.name, port, source.size, places, weights, delays))
    lfsr = LfsrParams()
    phases = iter(lfsr.phases(seed + 1, sum(each.size for each in populations), steps))
    seeds = [next(phases) if each.draws else 0 for each in populations for _ in range(each.size)]
    return PointNetwork(f"some {seed}", populations, projections, inputs, lfsr, seeds, steps, 100_000)
