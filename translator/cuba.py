"""The network of Vogels and Abbott (2005) with exponential currents, in Brian2's order: 80 % excitatory neurons, 2 % connectivity, no input.

    tau_m dv/dt = (v_rest - v) + g_exc + g_inh (unless refractory);   tau_e dg_exc/dt = -g_exc;   tau_i dg_inh/dt = -g_inh

Source: T. P. Vogels and L. F. Abbott, J. Neurosci. 25 (2005) 10786, as benchmark 2 (CUBA) of Brette et al., J. Comput. Neurosci. 23 (2007) 349.
"""

import math
from dataclasses import dataclass

import numpy as np

from spikegate.models.checks import require_real, require_whole
from spikegate.models.errors import Problems
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.population import PointPopulation
from spikegate.models.network.projection import Projection
from spikegate.models.neuron.linear import LinearNeuron, Order
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["CubaParams", "FORMAT", "cuba"]

#: Of membrane and currents: mV, with a step of 2^-14 mV and 1023 mV of room.
FORMAT = QFormat(25, 14)
#: Fraction bits of leak, decay and coupling.
FINE = 20


@dataclass(frozen=True)
class CubaParams:
    """Parameters in mV and ms.

    Parameters
    ----------
    n : int
        Neurons, at least 10.
    probability : float
        Of a connection, 0..1; scaled by 4000 / n keeps the inputs of a neuron.
    weight_exc, weight_inh : float
        What a spike adds to the current, in mV.
    seed : int
        Of connections and first membranes.
    """

    n: int = 4000
    probability: float = 0.02
    dt: float = 0.1
    tau_m: float = 20.0
    tau_e: float = 5.0
    tau_i: float = 10.0
    v_rest: float = -49.0
    v_threshold: float = -50.0
    v_reset: float = -60.0
    refractory: float = 5.0
    weight_exc: float = 1.62
    weight_inh: float = -9.0
    seed: int = 1

    def __post_init__(self) -> None:
        require_whole(self, "n", "seed")
        require_real(self, *(name for name in self.__dataclass_fields__ if name not in ("n", "seed")))
        problems = Problems()
        problems.require(self.n >= 10, f"n must be at least 10 neurons, not {self.n}")
        problems.require(0 <= self.probability <= 1, f"probability must be in 0..1, not {self.probability}")
        for name in ("dt", "tau_m", "tau_e", "tau_i"):
            problems.require(getattr(self, name) > 0, f"{name} must be above 0 ms, not {getattr(self, name)}")
        problems.require(self.tau_m not in (self.tau_e, self.tau_i), f"tau_e and tau_i must differ from tau_m = {self.tau_m} ms")
        problems.raise_any()

    @property
    def n_exc(self) -> int:
        """Excitatory neurons."""
        return round(0.8 * self.n)

    def connections(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of source and target, int64, each connection drawn by itself."""
        random = np.random.default_rng(self.seed)
        counts = random.binomial(self.n, self.probability, self.n)
        targets = [np.sort(random.choice(self.n, count, replace=False)) for count in counts]
        return np.repeat(np.arange(self.n), counts), np.concatenate(targets)

    def membranes(self) -> np.ndarray:
        """First membranes in mV, between reset and threshold."""
        return np.random.default_rng(self.seed + 1).uniform(self.v_reset, self.v_threshold, self.n)


def cuba(params: CubaParams = CubaParams(), ms: float = 1000.0, q: QFormat = FORMAT) -> PointNetwork:
    """The frozen network: decays and couplings are those of the exact solution over a step, rounded to 20 bits.

    Raises
    ------
    InputError
        If the parameters do not fit the format.
    """
    p, one = params, q.one
    leak = 1 - math.exp(-p.dt / p.tau_m)
    columns = [round(leak * (1 << FINE)), *(round(mv * one) for mv in (p.v_rest, p.v_threshold, p.v_reset)), round(p.refractory / p.dt), 0]
    for tau in (p.tau_e, p.tau_i):
        coupling = tau / (p.tau_m - tau) * (math.exp(-p.dt / p.tau_m) - math.exp(-p.dt / tau))
        columns += [round((1 - math.exp(-p.dt / tau)) * (1 << FINE)), round(coupling * (1 << FINE))]
    neuron = LinearNeuron(q, FINE, order=Order.BRIAN2, currents=("exc", "inh"), current_format=q, decay_fraction=FINE, coupling_bits=FINE,
                          coupling_shift=FINE)
    v0, split = np.rint(p.membranes() * one).astype(np.int64), p.n_exc
    sides = (("excitatory", 0, split), ("inhibitory", split, p.n))
    populations = [PointPopulation(name, last - first, neuron, np.array([columns]), initial={"v": v0[first:last]}) for name, first, last in sides]
    pre, post = p.connections()
    projections = []
    for source, first, last in sides:
        port, weight = ("exc", p.weight_exc) if source == "excitatory" else ("inh", p.weight_inh)
        for target, low, high in sides:
            here = (pre >= first) & (pre < last) & (post >= low) & (post < high)
            pairs = pre[here] - first, post[here] - low
            projections.append(Projection.of(source, target, port, last - first, pairs, round(weight * one), 1))
    asked = {name: getattr(p, name) for name in p.__dataclass_fields__}
    return PointNetwork("cuba", populations, projections, [], LfsrParams(), np.zeros(p.n, np.uint64), round(ms / p.dt), round(p.dt * 10**6), asked)
