"""The cortical microcircuit of Potjans and Diesmann (2014): eight populations, weights and delays normally distributed, exponential currents.

    C dv/dt = -C (v - v_rest) / tau_m + i;   tau_s di/dt = -i;   a spike adds its weight to i

At a scale below 1 there are fewer neurons with fewer inputs each. Weights then grow by the square root, which keeps the variance of the input, and a
constant current makes up for its mean at the published rates (van Albada, Helias and Diesmann, PLoS Comput. Biol. 11 (2015) e1004490).

Source: T. C. Potjans and M. Diesmann, Cereb. Cortex 24 (2014) 785, tables 4 and 5.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from spikegate.models.checks import require_real, require_whole
from spikegate.models.errors import Problems
from spikegate.models.network.drawn import DELAYS, WEIGHTS, Drawn, draw_store, normal_values
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import MAX_DELAY, Projection
from spikegate.models.network.stored import Stored
from spikegate.models.neuron.linear import LinearNeuron, Order
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["POPULATIONS", "RATES", "MicrocircuitParams", "constant_current", "full_synapses", "mean_weight", "microcircuit"]

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
EXTERNAL = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)
#: Published mean rates in Hz.
RATES = (0.86, 2.80, 4.45, 5.93, 7.59, 8.64, 1.09, 7.88)
#: Probability of a connection: a row a target, a column a source.
PROBABILITY = (
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0), (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0), (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0), (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252), (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443))
#: pA and mV; the membrane's capacitance in pF.
WEIGHT, SPREAD, INHIBITION, CAPACITANCE = 87.8, 0.1, -4.0, 250.0
V_REST, V_THRESHOLD = -65.0, -50.0
DELAYS_MS = (1.5, 0.75), (0.8, 0.4)  #: excitatory and inhibitory, mean and deviation in ms
TAU_M, TAU_S, REFRACTORY, BACKGROUND_HZ = 10.0, 0.5, 2.0, 8.0
#: Membranes in 2^-13 mV about the rest, currents in 1/16 pA; fraction bits of leak, decay and coupling.
MEMBRANE, CURRENT, FINE = QFormat(22, 13), QFormat(24, 4), 16
#: Where synapses are drawn by tables: currents of ±65 nA, and fraction bits of their coupling, with which all products fit in 32 bits.
SHORT_CURRENT, SHORT_COUPLING = QFormat(21, 4), 12
#: Up to this scale synapses are drawn one by one by NumPy, and kept in lists.
LISTED = 0.1


@dataclass(frozen=True)
class MicrocircuitParams:
    """What may be chosen.

    Parameters
    ----------
    scale : float
        Of neurons and of the inputs of each, above 0 and at most 1.
    dt : float
        ms.
    seed : int
        Of connections, weights, delays and first membranes, and of the drive.
    tables : bool
        Draw synapses by tables, which takes seconds at full scale; above a scale of `LISTED` they always are. It is another network, with the
        same statistics.
    """

    scale: float = 0.02
    dt: float = 0.1
    seed: int = 1
    tables: bool = False

    def __post_init__(self) -> None:
        require_whole(self, "seed")
        require_real(self, "scale", "dt")
        problems = Problems()
        problems.require(0 < self.scale <= 1, f"scale must be above 0 and at most 1, not {self.scale}")
        problems.require(0 < self.dt <= 1, f"dt must be above 0 and at most 1 ms, not {self.dt}")
        problems.raise_any()

    @property
    def by_tables(self) -> bool:
        """Whether its synapses are drawn by tables."""
        return self.tables or self.scale > LISTED

    @property
    def sizes(self) -> list[int]:
        """Neurons of each population."""
        return [max(1, round(size * self.scale)) for size in SIZES]


def full_synapses(target: int, source: int) -> float:
    """Synapses of a projection at full scale: pairs are drawn with replacement until the probability of a connection is the published one."""
    pairs = SIZES[target] * SIZES[source]
    return math.log(1 - PROBABILITY[target][source]) / math.log(1 - 1 / pairs) if PROBABILITY[target][source] else 0.0


def mean_weight(target: int, source: int) -> float:
    """Mean weight in pA at full scale."""
    double = 2.0 if (POPULATIONS[target], POPULATIONS[source]) == ("L23E", "L4E") else 1.0
    return double * WEIGHT * (INHIBITION if POPULATIONS[source].endswith("I") else 1.0)


def constant_current(target: int, scale: float) -> float:
    """The current in pA that makes up for the inputs that are not there, by their mean at the published rates."""
    mean = sum(mean_weight(target, source) * full_synapses(target, source) / SIZES[target] * RATES[source] for source in range(len(SIZES)))
    mean += WEIGHT * EXTERNAL[target] * BACKGROUND_HZ
    return TAU_S * 1e-3 * (1 - math.sqrt(scale)) * mean


def _listed(p: MicrocircuitParams, random: np.random.Generator) -> list[Projection]:
    """Projections whose synapses are drawn one by one."""
    projections, sizes, factor, dt = [], p.sizes, 1 / math.sqrt(p.scale), p.dt
    for target, post in enumerate(POPULATIONS):
        for source, pre in enumerate(POPULATIONS):
            count = round(full_synapses(target, source) * p.scale**2)
            weight = mean_weight(target, source) * factor
            raw = random.normal(weight, SPREAD * abs(weight), count)
            raw = np.rint(np.where(np.sign(raw) == np.sign(weight), raw, 0) * CURRENT.one).astype(np.int64)
            mean, spread = DELAYS_MS[pre.endswith("I")]
            delay = np.clip(np.rint(random.normal(mean, spread, count) / dt), 1, MAX_DELAY).astype(np.int64)
            pairs = random.integers(0, sizes[source], count), random.integers(0, sizes[target], count)
            projections.append(Projection.of(pre, post, "i", sizes[source], pairs, raw, delay))
    return projections


def _stored(p: MicrocircuitParams) -> list[Stored]:
    """Projections of a store, whose synapses are drawn by tables."""
    wanted, factor, made = {}, CURRENT.one / math.sqrt(p.scale), {}
    delays = [np.clip(np.rint(normal_values(DELAYS, mean, spread) / p.dt), 1, MAX_DELAY).astype(np.uint8) for mean, spread in DELAYS_MS]
    for target, post in enumerate(POPULATIONS):
        for source, pre in enumerate(POPULATIONS):
            weight, count = mean_weight(target, source) * factor, round(full_synapses(target, source) * p.scale**2)
            if weight not in made:
                made[weight] = np.rint(normal_values(WEIGHTS, weight, SPREAD * abs(weight))).astype(np.int32)
            wanted[pre, post] = Drawn(count, made[weight], delays[pre.endswith("I")])
    return draw_store(POPULATIONS, p.sizes, wanted, p.seed).projections("i")


def microcircuit(params: MicrocircuitParams = MicrocircuitParams(), ms: float = 1000.0) -> PointNetwork:
    """The frozen network, in Brian2's order; decays and coupling are those of the exact solution over a step, rounded to 16 bits."""
    p, dt, random, one, factor = params, params.dt, np.random.default_rng(params.seed), MEMBRANE.one, 1 / math.sqrt(params.scale)
    current, bits = (SHORT_CURRENT, SHORT_COUPLING) if p.by_tables else (CURRENT, 24)
    neuron = LinearNeuron(MEMBRANE, FINE, order=Order.BRIAN2, currents=("i",), current_format=current, decay_fraction=FINE, coupling_bits=24,
                          coupling_shift=bits)
    leak, decay = (1 - math.exp(-dt / tau) for tau in (TAU_M, TAU_S))
    # mV of a pA over a step.
    flow = TAU_S * TAU_M / (TAU_M - TAU_S) * ((1 - leak) - (1 - decay)) / CAPACITANCE
    coupling = round(flow * one / CURRENT.one * (1 << bits))
    populations, sizes, steps = [], p.sizes, round(ms / dt)
    projections: Sequence[Projection | Stored]
    for k, (name, size) in enumerate(zip(POPULATIONS, sizes)):
        bias = round(constant_current(k, p.scale) * TAU_M / CAPACITANCE * leak * one)
        columns = [round(leak * (1 << FINE)), 0, round((V_THRESHOLD - V_REST) * one), 0, round(REFRACTORY / dt), bias, round(decay * (1 << FINE)),
                   coupling]
        events = binomial_limits(round(EXTERNAL[k] * p.scale), Fraction(str(BACKGROUND_HZ)) * Fraction(str(dt)) / 1000)
        drive = PortDrive(DriveParams(events, round(WEIGHT * factor * CURRENT.one)), "i")
        first = np.clip(random.normal(-58.0 - V_REST, 10.0, size), -20.0, 14.9)
        initial = {"v": np.rint(first * one).astype(np.int64)}
        populations.append(PointPopulation(name, size, neuron, np.array([columns]), drive=drive, initial=initial))
    projections = _stored(p) if p.by_tables else _listed(p, random)
    lfsr = LfsrParams()
    asked = {"scale": p.scale, "dt": dt, "seed": p.seed, **({"tables": True} if p.by_tables else {})}
    return PointNetwork("microcircuit", populations, projections, [], lfsr, np.array(lfsr.phases(p.seed, sum(sizes), steps), np.uint64), steps,
                        round(dt * 10**6), asked)
