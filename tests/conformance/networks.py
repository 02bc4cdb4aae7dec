"""The networks of the conformance kit: small ones, which together have everything that a file may say."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import count

import numpy as np
from conformance.answers import golden
from odd_networks import odd_network, with_streams
from point_cores import LONG, SHORT
from point_cores import networks as cores

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.network.builder import Builder
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.lif import LifParams
from spikegate.models.neuron.linear import Held, LinearNeuron, Order, Reset
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.normal import normal_table
from spikegate.models.streams.params import Generator
from verification.stimuli.networks import GEOMETRIES, any_network
from verification.stimuli.point_networks import ADAPTING, KINDS, MIXED, WIDE

__all__ = ["CORES", "NETWORKS", "core_of"]

STEPS = 48
#: Name of a group of networks of version 2 -> what its core is made for: `point_cores.networks`, which other tests compile too.
CORES = {"mixed": (MIXED, 3, 40, SHORT), "wide": (WIDE, 2, 20), "kinds": (KINDS, 4, 40, LONG), "adapting": (ADAPTING, 3, 40, LONG, 0.4)}


def core_of(group: str) -> PointGeometry:
    """The geometry that runs the networks of a group of `CORES`."""
    return cores(*CORES[group])[1]


def first(name: str) -> Network:
    """A network of version 1 that runs on a core of the benches and spikes, but not always."""
    g = GEOMETRIES[name]
    for seed in count():
        network = any_network(g, np.random.default_rng([seed, *name.encode()]), STEPS)
        if 5 <= len(golden(network).spikes) <= g.n * STEPS // 2 and network.drive.weight:
            return network
    raise AssertionError


def point(group: str, number: int) -> PointNetwork:
    """One of the networks of a core of point neurons, of 80 steps."""
    return [each for each in cores(*CORES[group])[0] if each.steps == 80][number]


def edge() -> Network:
    """In the first step the uniform number is a limit of the table, and the membrane reaches the threshold exactly."""
    lif = LifParams(Q8_8, 100, 0, 0, leak=1, refractory=1)
    return Network(name="edge", n_exc=1, n_inh=0, delay=1, steps=4, dt_ns=1, lif=lif, lfsr=LfsrParams(), indptr=[0, 1], indices=[0], weights=[100],
                   seeds=[12345], v0=[100], drive=DriveParams([12345, 2**32 - 1, 2**32 - 1], 256))


def pair() -> Network:
    """The network of section 10 of docs/arithmetic.md."""
    lif = LifParams(Q8_8, threshold=5120, reset=2560, rest=0, leak=3, refractory=2)
    return Network(name="pair", n_exc=1, n_inh=1, delay=2, steps=12, dt_ns=100_000, lfsr=LfsrParams(), lif=lif,
                   drive=DriveParams(binomial_limits(4, Fraction(1, 4)), weight=400), indptr=[0, 1, 2], indices=[1, 0], weights=[1500, -700],
                   v0=[4700, 4600], seeds=LfsrParams().phases(0x9E3779B97F4A7C15, 2, 12))


def recorded() -> Network:
    """External events that nobody draws, up to 255, with which the sums of inputs leave their bits."""
    for seed in count():
        rng = np.random.default_rng([1, seed])
        network = odd_network(rng, QFormat(8, 3), Rounding.STOCHASTIC, Overflow.SATURATE, delay=2, refractory=1, fine=True).replace(steps=STEPS)
        if 255 * abs(network.drive.weight) >= 8 << 8 and network.n > 3:
            often = rng.random((network.steps, network.n)) < 0.2
            return network.replace(external=np.where(often, rng.integers(0, 256, often.shape), 0).astype(np.uint8))
    raise AssertionError


def register() -> Network:
    """A register of 47 bits with three taps and a leap of 37, the longest delay, and 255 refractory steps."""
    odd = odd_network(np.random.default_rng(5), Q8_8, Rounding.NEAREST, Overflow.SATURATE, delay=63, refractory=255, fine=False)
    rng = np.random.default_rng(6)
    return odd.replace(lfsr=LfsrParams(47, (47, 42, 39), 37), seeds=rng.integers(1, 1 << 47, odd.n, dtype=np.uint64))


def long_streams(generator: Generator) -> Network:
    """Windows of 1,024 bits."""
    rng = np.random.default_rng([9, generator])
    odd = odd_network(rng, Q8_8, Rounding.NEAREST, Overflow.SATURATE, delay=3, refractory=1, fine=False).replace(steps=16)
    return with_streams(odd, rng, generator, 1024, 2)


def limits() -> PointNetwork:
    """Comparisons at their limits: of uniform numbers with a limit and a chance, of membranes with a threshold; the longest delay."""
    still = [0, 0, 700, 0, 3, 0]
    populations = [
        PointPopulation("published", 1, LinearNeuron(Q8_8), [still], initial={"v": [700]}),
        PointPopulation("brian", 1, LinearNeuron(Q8_8, order=Order.BRIAN2), [still], initial={"v": [700]}),
        PointPopulation("driven", 1, LinearNeuron(Q8_8), [[0, 0, 3000, 0, 0, 0]], None, PortDrive(DriveParams([77], 9), "v")),
        PointPopulation("chance", 1, BernoulliNeuron(), [[77]]),
        PointPopulation("random", 1, LinearNeuron(Q8_8, 5, Rounding.STOCHASTIC), [[1, 9, 3000, 0, 0, 0]]),
        PointPopulation("less", 1, LinearNeuron(Q8_8, order=Order.BRIAN2, reset=Reset.SUBTRACT), [[0, 0, 300, 100, 2, 0]], initial={"v": [1000]}),
        *(PointPopulation(name, 1, IzhikevichNeuron(Q8_8, order=order), [[0, 0, 0, 0, 0, -5, 0, 700]], initial={"v": [700], "u": [0]})
          for name, order in (("quadratic", Order.PUBLISHED), ("quadratic_brian", Order.BRIAN2)))]
    projections = [Projection.of("in", "driven", "v", 1, ([0, 0], [0, 0]), [3, 5], [1, 255]), Projection.of("in", "less", "v", 1, ([0], [0]), 50, 2)]
    return PointNetwork("limits", populations, projections, [SpikeInput("in", 1, [0, 1, 2, 3, 4], [0] * 5)], LfsrParams(),
                        [0, 0, 77, 77, (21 << 32) + 5, 0, 0, 0], 300, 1)


def held() -> PointNetwork:
    """What a refractory neuron holds, in both orders: its membrane, its spikes alone, or its currents too; with noise and adaptation."""
    rng, populations = np.random.default_rng(3), []
    for k, (order, keeps) in enumerate((order, keeps) for order in Order for keeps in Held):
        neuron = LinearNeuron(QFormat(18, 8), 10, order=order, currents=("syn",), current_format=QFormat(14, 6), decay_fraction=8, coupling_bits=8,
                              coupling_shift=6, kicks=True, held=keeps)
        populations.append(PointPopulation(f"p{k}", 3, neuron, [[40, 9, 2000, 100, 5, 60, 30, 90]], initial={"v": rng.integers(0, 2000, 3)},
                                           noise=normal_table(150.0)))
        adaptive = AdaptiveLinearNeuron(Q8_8, 10, Rounding.FLOOR, order=order, reset=list(Reset)[k % 2], currents=("syn",),
                                        current_format=QFormat(14, 6), decay_fraction=8, coupling_bits=8, coupling_shift=6, held=keeps,
                                        theta_format=QFormat(18, 10), theta_fraction=6, w_format=QFormat(14, 6), w_fraction=6, slope=True)
        populations.append(PointPopulation(f"a{k}", 2, adaptive, [[40, 9, 2000, 100, 3, 50, 30, 90, 800, 3, 40, 2, 25, -9]],
                                           initial={"v": rng.integers(0, 2000, 2)}))
    n, times = sum(each.size for each in populations), np.flatnonzero(rng.random(4 * STEPS) < 0.4)
    projections = [Projection.of("in", each.name, port, 4, (rng.integers(0, 4, 9), rng.integers(0, each.size, 9)), rng.integers(-200, 900, 9),
                                 rng.integers(1, 5, 9)) for each in populations for port in each.neuron.ports]
    seeds = np.concatenate([rng.integers(1, 1 << 63, each.size, np.uint64) * np.uint64(each.draws) for each in populations])
    assert len(seeds) == n
    return PointNetwork("held", populations, projections, [SpikeInput("in", 4, times // 4, times % 4)], LfsrParams(), seeds, STEPS, 100_000)


def generated() -> PointNetwork:
    """Rows from a seed: from a population to itself and to another, whose targets begin in any lane, and from an input; both orders of sizes."""
    rng, net = np.random.default_rng(4), Builder("generated", steps=STEPS, seed=8)
    net.population("quiet", 5, LinearNeuron(Q8_8), leak=1, threshold=1 << 8, bias=20)
    net.population("a", 24, LinearNeuron(Q8_8), leak=2, threshold=2 << 8, refractory=2)
    net.population("b", 11, MIXED[4], leak=900, threshold=1 << 8, decay_exc=200, decay_inh=100, coupling_exc=50, coupling_inh=50)
    times = np.flatnonzero(rng.random(STEPS * 4) < 0.2)
    net.input("in", 4, steps=times // 4, channels=times % 4)
    net.drive("a", 300, trials=20, probability=0.02)
    for k, (source, target, degree, port) in enumerate((("a", "a", 4, "v"), ("a", "b", 12, "exc"), ("in", "a", 2, "v"), ("quiet", "b", 1, "inh"))):
        net.generate(source, target, degree, weight=500 * (-1) ** k // (1 + k), delay=3 + k, seed=int(rng.integers(1 << 62)), lanes=6, port=port)
    return net.freeze()


def of_first() -> PointNetwork:
    """A network of version 1 in a file of version 2."""
    return PointNetwork.of(first("floor-wrap"))


#: File -> what makes it. The names begin with the version.
NETWORKS: dict[str, Callable[[], Network | PointNetwork]] = {
    **{f"1-{name}": partial(first, name) for name in GEOMETRIES},
    "1-pair": pair, "1-at-the-limits": edge, "1-recorded-events": recorded, "1-another-register": register,
    **{f"1-{each.name.lower()}-1024": partial(long_streams, each) for each in Generator},
    **{f"2-{group}-{k}": partial(point, group, k) for group in CORES for k in range(5)},
    "2-at-the-limits": limits, "2-held": held, "2-generated": generated, "2-of-version-1": of_first,
}
