"""Random small networks of point neurons: every kind, order, reset, rounding and overflow, multapses, self-connections, all delays."""

from collections.abc import Sequence

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import Neuron, PointPopulation, PortDrive
from spikegate.models.network.projection import MAX_DELAY, Projection, SpikeInput
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.normal import normal_table
from spikegate.translator.izhikevich_network import izhikevich_set

__all__ = ["IZHIKEVICH", "KINDS", "MIXED", "WIDE", "ADAPTING", "random_network"]

_SAT, _WRAP = Overflow
_FLOOR, _NEAREST, _STOCHASTIC = Rounding
#: Structures of one core: all kinds, numbers of currents, orders, resets, roundings and overflows.
MIXED: tuple[Neuron, ...] = (
    LinearNeuron(Q8_8), LinearNeuron(QFormat(12, 5), 10, _STOCHASTIC, _WRAP, reset=Reset.SUBTRACT),
    LinearNeuron(QFormat(14, 6), 12, _FLOOR, _SAT, Order.BRIAN2), BernoulliNeuron(),
    LinearNeuron(QFormat(18, 8), 16, _NEAREST, _SAT, currents=("exc", "inh"), current_format=QFormat(20, 9), coupling_bits=8, coupling_shift=9),
    LinearNeuron(Q8_8, 9, _FLOOR, _WRAP, Order.BRIAN2, Reset.SUBTRACT, ("syn",), QFormat(14, 6), 11, 6, 4))
#: As wide as numbers become.
WIDE: tuple[Neuron, ...] = (
    LinearNeuron(Q16_12, 28, _STOCHASTIC, _SAT, Order.BRIAN2),
    LinearNeuron(Q16_12, 28, _NEAREST, _WRAP, Order.BRIAN2, Reset.VALUE, ("exc", "inh"), Q16_12, 28, 24, 24))
#: Both orders, roundings and overflows, small, as the preset's and as wide as numbers become.
IZHIKEVICH: tuple[Neuron, ...] = (
    IzhikevichNeuron(QFormat(13, 3), QFormat(12, 4), 12, 10, 6, 12, 8, 4, _FLOOR, _WRAP),
    IzhikevichNeuron(QFormat(17, 7), QFormat(24, 16), 18, 16, 8, 18, 16, 7),
    IzhikevichNeuron(QFormat(18, 8), QFormat(20, 10), 16, 16, 8, 16, 14, 5, _FLOOR, _SAT, Order.BRIAN2),
    IzhikevichNeuron(QFormat(24, 12), QFormat(32, 22), 24, 24, 12, 28, 24, 16, _NEAREST, _WRAP, Order.BRIAN2))
#: Every kind of neuron.
KINDS = (*IZHIKEVICH, MIXED[0], MIXED[3], MIXED[4])
#: Kicks beside currents, and adaptation of all sorts; the last as wide as numbers become.
ADAPTING: tuple[Neuron, ...] = (
    LinearNeuron(QFormat(18, 8), 11, _NEAREST, _SAT, currents=("exc", "inh"), current_format=Q8_8, coupling_bits=8, coupling_shift=8, kicks=True),
    LinearNeuron(QFormat(14, 6), 11, _FLOOR, _WRAP, Order.BRIAN2, currents=("syn",), coupling_bits=8, coupling_shift=8, kicks=True),
    AdaptiveLinearNeuron(Q8_8, 10, theta_format=QFormat(20, 12), theta_fraction=9),
    AdaptiveLinearNeuron(QFormat(14, 6), 11, _NEAREST, _WRAP, Order.BRIAN2, Reset.SUBTRACT, ("syn",), coupling_bits=9, coupling_shift=8, kicks=True,
                         theta_format=QFormat(14, 6), theta_fraction=7, w_format=QFormat(16, 8), w_fraction=8, slope=True),
    AdaptiveLinearNeuron(QFormat(12, 5), 9, _FLOOR, coupling_bits=7, coupling_shift=6, w_format=QFormat(11, 4), w_fraction=6, slope=True),
    AdaptiveLinearNeuron(Q8_8, 12, _FLOOR, _SAT, Order.BRIAN2, Reset.VALUE, ("exc", "inh"), theta_format=Q16_12, theta_fraction=12),
    BernoulliNeuron(),
    AdaptiveLinearNeuron(QFormat(32, 1), 28, _NEAREST, _WRAP, Order.PUBLISHED, Reset.VALUE, (), Q16_12, 28, 24, 24, False, QFormat(32, 22), 28,
                         Q16_12, 28, True))
LFSR = LfsrParams(64, (), 32)
#: Of a weight, so that the sums of a port stay in 32 bits.
LARGE = 1 << 23


def _between(rng: np.random.Generator, low: int, high: int, size: int) -> np.ndarray:
    """Integers of a range: its ends, near 0, or anywhere."""
    values = rng.integers(low, high, size, endpoint=True)
    near = np.clip(rng.integers(-4, 5, size), low, high)
    kinds: list[np.ndarray] = [values, near, np.full(size, low), np.full(size, high)]
    return np.choose(rng.choice(4, size, p=(0.6, 0.2, 0.1, 0.1)), kinds)


def _sets(rng: np.random.Generator, neuron: Neuron, count: int) -> np.ndarray:
    """Parameter sets with which neurons live: thresholds within reach, and now and then anything at all."""
    found = np.stack([_between(rng, column.least, column.most, count) for column in neuron.columns], axis=1)
    names = [column.name for column in neuron.columns]
    if isinstance(neuron, BernoulliNeuron):
        found[:, 0] = np.where(rng.random(count) < 0.8, rng.integers(0, 1 << 30, count), found[:, 0])
        return found
    q = neuron.format
    sane = rng.random(count) < 0.8
    if isinstance(neuron, IzhikevichNeuron):
        for k, (name, least, most) in enumerate(neuron.columns):
            found[:, k] = np.where(sane, np.clip(_lively(rng, neuron, count)[name], least, most), found[:, k])
        found[:, 7] = np.maximum(found[:, 7], q.min + 1)
        found[:, 5] = np.minimum(found[:, 5], found[:, 7] - 1)
        return found
    threshold = rng.integers(q.one, max(q.one + 1, q.max // 4), count)
    chosen = {"leak": rng.integers(0, (1 << neuron.leak_fraction) // 8 + 1, count), "rest": rng.integers(-q.one, q.one, count, endpoint=True),
              "threshold": threshold, "reset": rng.integers(1, q.one, count, endpoint=True), "refractory": rng.integers(0, 6, count),
              "bias": rng.integers(-q.one // 4, q.one // 2, count, endpoint=True)}
    for name, format in neuron.adapted.items() if isinstance(neuron, AdaptiveLinearNeuron) else ():
        chosen |= {f"jump_{name}": rng.integers(-(format.one // 4), format.one, count, endpoint=True),
                   f"decay_{name}": rng.integers(0, (1 << getattr(neuron, f"{name}_fraction")) // 4, count, endpoint=True)}
    for name, values in chosen.items():
        found[:, names.index(name)] = np.where(sane, values, found[:, names.index(name)])
    at, threshold = names.index("reset"), found[:, names.index("threshold")]
    if neuron.reset == Reset.VALUE:
        threshold = found[:, names.index("threshold")] = np.maximum(threshold, q.min + 1)
        found[:, at] = np.minimum(found[:, at], threshold - 1)
    return found


def _lively(rng: np.random.Generator, neuron: IzhikevichNeuron, count: int) -> dict[str, np.ndarray]:
    """Neurons as the published ones, which currents drive, in steps of half a millisecond or one."""
    found = izhikevich_set(neuron, float(rng.choice([0.5, 1.0])), a=rng.uniform(0.02, 0.1, count), b=rng.uniform(0.2, 0.27, count),
                           c=rng.uniform(-65, -50, count), d=rng.uniform(0.05, 8, count), current=rng.uniform(0, 20, count))
    return {name: np.broadcast_to(values, (count,)) for name, values in found.items()}


def _noise(rng: np.random.Generator, neuron: Neuron, chance: float) -> DriveParams | None:
    """Now and then, of a neuron that may have it: normal, or any table."""
    if not chance or not isinstance(neuron, LinearNeuron) or neuron.draws or rng.random() >= chance:
        return None
    if rng.random() < 0.7:
        return normal_table(float(neuron.format.one * rng.uniform(0.3, 2)))
    limits = np.sort(rng.integers(0, 1 << 32, (1 << int(rng.integers(1, 9))) - 1))
    return DriveParams(limits, int(_between(rng, neuron.format.min, neuron.format.max, 1)[0]))


def _population(rng: np.random.Generator, name: str, size: int, neuron: Neuron, noise: float) -> PointPopulation:
    count = int(rng.integers(1, 5))
    drive = None
    if neuron.ports and rng.random() < 0.6:
        depth = int(rng.integers(1, 4))
        limits = np.sort(rng.integers(1 << 31, 1 << 32, (1 << depth) - 1))
        port = neuron.ports[int(rng.integers(len(neuron.ports)))]
        drive = PortDrive(DriveParams(limits, _weights(rng, neuron, port, 1)[0]), port, int(rng.choice([0, 0, 1, 5])))
    initial = {}
    for state, width in neuron.state.items():
        signed = state not in ("hold", "overflow", "fired")
        initial[state] = _between(rng, -(1 << (width - 1)) if signed else 0, (1 << (width - signed)) - 1, size)
    if "hold" in initial:
        initial["hold"] = np.where(rng.random(size) < 0.8, 0, initial["hold"])
    return PointPopulation(name, size, neuron, _sets(rng, neuron, count), rng.integers(0, count, size), drive, initial, _noise(rng, neuron, noise))


def _weights(rng: np.random.Generator, neuron: LinearNeuron | IzhikevichNeuron, port: str, count: int) -> np.ndarray:
    """Mostly what a few of them need for a spike."""
    q = neuron.port_format(port)
    wide = _between(rng, max(q.min, -LARGE), min(q.max, LARGE), count)
    return np.where(rng.random(count) < 0.9, rng.integers(-q.one, 3 * q.one, count, endpoint=True), wide).clip(q.min, q.max)


def _projection(rng: np.random.Generator, source: tuple[str, int], target: PointPopulation, max_delay: int) -> Projection:
    """Pairs with repetition: multapses and self-connections come by themselves."""
    neuron = target.neuron
    assert not isinstance(neuron, BernoulliNeuron)
    port = neuron.ports[int(rng.integers(len(neuron.ports)))]
    count = int(rng.integers(0, 4 * max(source[1], target.size)))
    pairs = rng.integers(0, source[1], count), rng.integers(0, target.size, count)
    delays = np.where(rng.random(count) < 0.3, rng.choice([1, max_delay]), rng.integers(1, max_delay, count, endpoint=True))
    return Projection.of(source[0], target.name, port, source[1], pairs, _weights(rng, neuron, port, count), delays)


def random_network(seed: int, structures: Sequence[Neuron], *, n: int = 24, steps: int = 60, max_delay: int = MAX_DELAY,
                   noise: float = 0.0) -> PointNetwork:
    """A network of at most ``n`` neurons of some of the structures, at least one of them with ports; ``noise`` is the chance of a population's."""
    rng = np.random.default_rng(seed)
    sizes: list[int] = []
    while sum(sizes) < n and len(sizes) < 5:
        sizes.append(int(rng.integers(1, n - sum(sizes), endpoint=True)))
    chosen = [structures[k] for k in rng.integers(0, len(structures), len(sizes))]
    populations = [_population(rng, f"p{k}", size, neuron, noise) for k, (size, neuron) in enumerate(zip(sizes, chosen))]
    inputs = []
    for k in range(int(rng.integers(0, 3))):
        size = int(rng.integers(1, 6))
        places = np.flatnonzero(rng.random(steps * size) < rng.choice([0.02, 0.3]))
        inputs.append(SpikeInput(f"in{k}", size, places // size, places % size))
    sources = [(each.name, each.size) for each in [*populations, *inputs]]
    targets = [each for each in populations if each.neuron.ports]
    projections = [_projection(rng, sources[int(rng.integers(len(sources)))], targets[int(rng.integers(len(targets)))], max_delay)
                   for _ in range(int(rng.integers(1, 8)) if targets else 0)]
    seeds = np.concatenate([rng.integers(1, 1 << 63, each.size, np.uint64) * np.uint64(each.draws) for each in populations])
    return PointNetwork(f"random {seed}", populations, projections, inputs, LFSR, seeds, steps, 100_000)
