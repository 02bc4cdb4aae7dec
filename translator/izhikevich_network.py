"""Izhikevich's network of 2003: 800 excitatory and 200 inhibitory neurons, each with parameters of its own, all to all, and thalamic noise.

    dv/dt = 0.04 v^2 + 5 v + 140 - u + I;   du/dt = a (b v - u);   at 30 mV v = c, u = u + d

His script adds the weights of the neurons that fired, and a normal number of its own for each neuron, to I for one millisecond. Here a weight is a
kick in mV, which in the published order is a current of weight / dt that lasts one step, in the step after the spike; and the normal number is a
binomial one, drawn in each step from a table, whose mean the constant current takes away and whose variance in a millisecond is his. A step is
Euler's for both states. His are two of half a millisecond for v and one of a millisecond for u, and he looks for peaks once a millisecond, so that
membranes run on above them and raise u: his neurons fire less.

Source: E. M. Izhikevich, Simple model of spiking neurons, IEEE Transactions on Neural Networks 14 (2003) 1569, figure 3 and its MATLAB script.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from spikegate.models.checks import require_real, require_whole
from spikegate.models.errors import Problems
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["NEURON", "IzhikevichParams", "izhikevich_network", "izhikevich_set"]

#: Membranes in 2^-7 mV, 512 mV of room, and u in 2^-16 mV a step.
NEURON = IzhikevichNeuron(QFormat(17, 7), QFormat(24, 16), slope_fraction=18, square_bits=16, square_shift=8, a_fraction=18, b_bits=16, b_shift=7)
#: Trials of a neuron's thalamic input in a step, each with a probability of one half: a table of 31 limits.
TRIALS = 31


def izhikevich_set(neuron: IzhikevichNeuron, dt: float, *, a: Any, b: Any, c: Any, d: Any, current: Any = 0.0, peak: float = 30.0,
                   square: float = 0.04, slope: float = 5.0, constant: float = 140.0, capacity: float = 1.0) -> dict[str, np.ndarray]:
    """Raw parameters by name, int64, of neurons with

        capacity dv/dt = square v^2 + slope v + constant - u + current;   du/dt = a (b v - u);   at the peak v = c, u = u + d

    for steps of ``dt`` ms, each number one or one a neuron. The published ones are in mV and ms; C dv/dt = k (v - v_r) (v - v_t) - u + I has
    ``square`` k, ``slope`` -k (v_r + v_t) and ``constant`` k v_r v_t.
    """
    v, u, step = neuron.format, neuron.u_format, dt / capacity
    values: dict[str, Any] = {"square": square * step * 2.0 ** (neuron.slope_fraction + neuron.square_shift - v.fraction),
              "slope": slope * step * 2.0**neuron.slope_fraction, "bias": (constant + np.asarray(current)) * step * v.one,
              "a": np.asarray(a) * dt * 2.0**neuron.a_fraction, "b": np.asarray(b) * step * 2.0 ** (u.fraction - v.fraction + neuron.b_shift),
              "c": np.asarray(c) * v.one, "d": np.asarray(d) * step * u.one, "peak": peak * v.one}
    return {name: np.rint(value).astype(np.int64) for name, value in values.items()}


@dataclass(frozen=True)
class IzhikevichParams:
    """What may be chosen.

    Parameters
    ----------
    n : int
        Neurons, at least 5, of which four fifths are excitatory.
    probability : float
        Of a synapse between two neurons, 0..1; 1, all to all, is the published one.
    dt : float
        ms, above 0 and at most 1.
    weight_exc, weight_inh : float
        Largest weight of each kind in mV; weights are uniform from 0 on.
    thalamic_exc, thalamic_inh : float
        Standard deviation of the input of each kind over a millisecond, in mV.
    seed : int
        Of parameters, weights and input.
    """

    n: int = 1000
    probability: float = 1.0
    dt: float = 0.5
    weight_exc: float = 0.5
    weight_inh: float = -1.0
    thalamic_exc: float = 5.0
    thalamic_inh: float = 2.0
    seed: int = 1

    def __post_init__(self) -> None:
        require_whole(self, "n", "seed")
        require_real(self, *(name for name in self.__dataclass_fields__ if name not in ("n", "seed")))
        problems = Problems()
        problems.require(self.n >= 5, f"n must be at least 5 neurons, not {self.n}")
        problems.require(0 <= self.probability <= 1, f"probability must be in 0..1, not {self.probability}")
        problems.require(0 < self.dt <= 1, f"dt must be above 0 and at most 1 ms, not {self.dt}")
        for name in ("thalamic_exc", "thalamic_inh"):
            problems.require(getattr(self, name) >= 0, f"{name} must be at least 0 mV, not {getattr(self, name)}")
        problems.raise_any()


def _population(p: IzhikevichParams, name: str, values: dict[str, Any], deviation: float) -> PointPopulation:
    """Neurons with parameters of their own, and a thalamic input of a standard deviation in mV over a millisecond."""
    weight = round(deviation * math.sqrt(p.dt) / (math.sqrt(TRIALS) / 2) * NEURON.format.one)
    drive = PortDrive(DriveParams(binomial_limits(TRIALS, Fraction(1, 2)), weight), "v") if weight else None
    raw = izhikevich_set(NEURON, p.dt, **values)
    raw["bias"] = raw["bias"] - round(TRIALS / 2 * weight)
    size = len(values["c"])
    table = np.stack([np.broadcast_to(raw[column.name], (size,)) for column in NEURON.columns], axis=1)
    sets, index = np.unique(table, axis=0, return_inverse=True)
    v0 = np.full(size, -65 * NEURON.format.one)
    u0 = np.rint(np.broadcast_to(values["b"], (size,)) * -65.0 * p.dt * NEURON.u_format.one).astype(np.int64)
    return PointPopulation(name, size, NEURON, sets, index.ravel(), drive, {"v": v0, "u": u0})


def izhikevich_network(params: IzhikevichParams = IzhikevichParams(), ms: float = 1000.0) -> PointNetwork:
    """The frozen network.

    Raises
    ------
    InputError
        If the parameters do not fit the format.
    """
    p, random, one = params, np.random.default_rng(params.seed), NEURON.format.one
    exc = round(0.8 * p.n)
    re, ri = random.random(exc), random.random(p.n - exc)
    populations = [
        _population(p, "excitatory", {"a": 0.02, "b": 0.2, "c": -65 + 15 * re**2, "d": 8 - 6 * re**2}, p.thalamic_exc),
        _population(p, "inhibitory", {"a": 0.02 + 0.08 * ri, "b": 0.25 - 0.05 * ri, "c": np.full(p.n - exc, -65.0), "d": 2.0}, p.thalamic_inh)]
    projections = []
    for pre, strength in zip(populations, (p.weight_exc, p.weight_inh)):
        for post in populations:
            there = random.random((pre.size, post.size)) < p.probability
            weights = np.rint(strength * random.random((pre.size, post.size)) * one).astype(np.int64)
            pairs = np.nonzero(there)
            projections.append(Projection.of(pre.name, post.name, "v", pre.size, pairs, weights[pairs], 1))
    lfsr, steps = LfsrParams(), round(ms / p.dt)
    seeds = np.array(lfsr.phases(p.seed, p.n, steps), np.uint64)
    seeds *= np.repeat(np.array([each.draws for each in populations], np.uint64), [each.size for each in populations])
    asked = {name: getattr(p, name) for name in p.__dataclass_fields__}
    return PointNetwork("izhikevich", populations, projections, [], lfsr, seeds, steps, round(p.dt * 10**6), asked)
