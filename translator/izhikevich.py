"""Izhikevich neurons (V5) in float64 on a frozen network and its recorded external events: bursts, adaptation and fast spiking.

Units are mV and ms; u, and a current I, are in mV/ms. One step, from the old v and u on both right sides, as Brian2's method="euler":

    v += kick
    v, u = v + dt * (0.04 v^2 + 5 v + 140 - u + I),  u + dt * a (b v - u)
    spike when v >= 30;  spiking: v = c, u = u + d

(E. M. Izhikevich, Simple model of spiking neurons, IEEE Transactions on Neural Networks 14 (6), 1569-1572, 2003.) Order, delay and events are
those of V1, see `spikegate.translator.stateful`. Recovery is u's alone: the network's refractory period is not used.

From the leaky neuron to this one. At rest u = b v, and v' = 0.04 v^2 + (5 - b) v + 140 + I has roots as long as (5 - b)^2 >= 0.16 (140 + I): the last
resting state goes at the rheobase

    I = (5 - b)^2 / 0.16 - 140 = 4 mV/ms for b = 0.2

(a saddle-node; where a < b the rest becomes unstable a little before, at 3.80 for a = 0.02 and 3.94 for a = 0.1, b = 0.2.) The leaky neuron's
is (V_th - V_rest) / tau, 1 mV/ms in every preset. Kicks are scaled by the ratio, here 4 for both populations, so that eta, the mean drive over
the rheobase, keeps its meaning. Initial membranes go linearly from V_rest and V_th to the stable and the unstable root for I = 0, -70 and
-50 mV for b = 0.2; u = b v.

Where the Euler step is of no use. It rises with v only above -(1/dt + 5) / 0.08 = -187.5 mV for dt = 0.1 ms; further below, stronger
inhibition leaves the membrane *higher*, and below the mirror image of the rest, -305 mV, higher than no inhibition at all. A membrane
below that is refused; ``final["low"]`` is the lowest of each neuron.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from spikegate.models.checks import real_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.stateful import Chunk, Kicks, Model, collect, emit, simulate
from spikegate.translator.voltage import parameters
from spikegate.translator.voltage_kernels import Wires
from spikegate.translator.voltage_neuron import finite, unusable

__all__ = ["PATTERNS", "V_PEAK", "SCIzhikevichNeuron", "populations", "rheobase", "roots", "run"]

V_PEAK = 30.0
#: (a, b, c, d) of Izhikevich (2003), figure 2: regular spiking, intrinsically bursting, chattering, fast spiking, low-threshold spiking.
PATTERNS = {"rs": (0.02, 0.2, -65.0, 8.0), "ib": (0.02, 0.2, -55.0, 4.0), "ch": (0.02, 0.2, -50.0, 2.0), "fs": (0.1, 0.2, -65.0, 2.0),
            "lts": (0.02, 0.25, -65.0, 2.0)}
Pattern = str | tuple[float, float, float, float]


def rheobase(b: float) -> float:
    """Smallest constant current, mV/ms, without a resting state."""
    return (5.0 - b) ** 2 / 0.16 - 140.0


def roots(b: float) -> tuple[float, float]:
    """Stable and unstable resting potential without current, mV; those of `rheobase` below 0 have none."""
    half = math.sqrt((5.0 - b) ** 2 - 0.16 * 140.0)
    return (b - 5.0 - half) / 0.08, (b - 5.0 + half) / 0.08


def _lowest(b: float, dt: float) -> float:
    return -2.0 * (1.0 / dt + 5.0) / 0.08 - roots(b)[0]


def _refuse(v: float, limit: float) -> InputError:
    return InputError(f"Membrane must be finite and at least {limit:.4g} mV, not {v:.4g} mV: from there one Euler step of inhibition excites; "
                      "use weaker inhibition or a shorter dt")


class SCIzhikevichNeuron:
    """One neuron: `step` with a current, or ``v += kick`` by the caller and then `step`.

    Parameters
    ----------
    a, b, c, d : float
        Rate of recovery in 1/ms (above 0), its sensitivity in 1/ms (below 5 - sqrt(22.4) = 0.267, so that there is a rest), reset of v in
        mV (below 30), jump of u in mV/ms.
    dt : float
        Step in ms, above 0.
    v : float, optional
        Initial membrane in mV; default the resting potential. u starts at b v.

    Attributes
    ----------
    v, u : float
        Membrane in mV, recovery in mV/ms.
    low : float
        Lowest membrane from which a step began.

    Raises
    ------
    InputError
        With every parameter that is out of range.
    """

    def __init__(self, a: float = 0.02, b: float = 0.2, c: float = -65.0, d: float = 8.0, dt: float = 0.1, *, v: float | None = None) -> None:
        a, b, c, d, dt = real_numbers(a=a, b=b, c=c, d=d, dt=dt)
        if v is not None:
            v, = real_numbers(v=v)
        problems = Problems()
        problems.require(0 < a < math.inf, f"a must be finite and above 0 per ms, not {a}")
        problems.require(-math.inf < b < 5 - math.sqrt(22.4), f"b must be below 5 - sqrt(22.4) = 0.267 per ms for a resting state, not {b}")
        problems.require(-math.inf < c < V_PEAK, f"c must be below the peak of {V_PEAK} mV, not {c} mV")
        problems.require(math.isfinite(d), f"d must be finite, not {d}")
        problems.require(0 < dt < math.inf, f"dt must be finite and above 0 ms, not {dt}")
        problems.raise_any()
        self.a, self.b, self.c, self.d, self.dt, self.low = a, b, c, d, dt, math.inf
        self.v = roots(b)[0] if v is None else v
        self.u, self.lowest = b * self.v, _lowest(b, dt)

    def step(self, current: float = 0.0) -> int:
        """Advance by dt with ``current``, mV/ms, flowing; returns 1 if the neuron spikes, else 0.

        Raises
        ------
        InputError
            If the membrane lies below the lowest from which a step makes sense, or is not finite.
        """
        v, u = self.v, self.u
        if not (type(current) is type(v) is float):
            current, v = finite(current, v)
        if not self.lowest <= v < math.inf:
            raise _refuse(v, self.lowest)
        if not -math.inf < current < math.inf:
            raise unusable(current, v)
        self.low = min(self.low, v)
        self.v = v + self.dt * (140.0 + current + ((0.04 * (v * v) - u) + 5.0 * v))  # summed in Brian2's order, to the last bit
        self.u = u + self.dt * (self.a * (self.b * v - u))
        if self.v >= V_PEAK:
            self.v, self.u = self.c, self.u + self.d
            return 1
        return 0


class Constants(NamedTuple):
    """What the compiled steps need to know: dt in ms, and (n,) arrays."""

    dt: float
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    d: np.ndarray


@kernel
def _advance(constants: Constants, state: tuple[np.ndarray, np.ndarray, np.ndarray], kicks: Kicks, wires: Wires, chunk: Chunk) -> int:
    dt, a, b, c, d = constants
    v, u, low = state
    first, external, spikes, (trace_v, trace_u) = chunk
    found, n, kick, spiked = 0, len(v), np.zeros(len(v)), np.zeros(len(v), np.uint8)
    for s in range(len(external)):
        collect(kicks, wires, first + s, external[s], kick)
        for i in range(n):
            x, w = v[i] + kick[i], u[i]
            low[i] = min(low[i], x)
            y, z = x + dt * (140.0 + ((0.04 * (x * x) - w) + 5.0 * x)), w + dt * (a[i] * (b[i] * x - w))
            spike = y >= V_PEAK
            spiked[i], v[i], u[i] = spike, c[i] if spike else y, z + d[i] if spike else z
        found = emit(wires, first + s, spiked, spikes, found)
        if len(trace_v):
            trace_v[s], trace_u[s] = v, u
    return found


def _pattern(pattern: Pattern) -> tuple[float, float, float, float]:
    if isinstance(pattern, str):
        if pattern not in PATTERNS:
            raise InputError(f"Pattern must be one of {', '.join(PATTERNS)}, or (a, b, c, d), not {pattern!r}")
        return PATTERNS[pattern]
    if np.shape(pattern) != (4,):
        raise InputError(f"Pattern must be one of {', '.join(PATTERNS)}, or (a, b, c, d), not {pattern!r}")
    a, b, c, d = real_numbers(**dict(zip("abcd", pattern)))
    return float(a), float(b), float(c), float(d)


def populations(network: Network, exc: Pattern = "rs", inh: Pattern = "fs") -> dict[str, np.ndarray]:
    """What the network gives each neuron, float64 (n,): ``a b c d``, initial ``v`` and ``u``, ``scale`` of kicks (module), ``lowest`` membrane.

    Raises
    ------
    InputError
        As `run`.
    """
    bp, sizes = parameters(network), [network.n_exc, network.n_inh]
    neurons = [SCIzhikevichNeuron(*_pattern(pattern), dt=bp.dt) for pattern in (exc, inh)]
    gap = bp.v_threshold - bp.v_rest
    if gap <= 0:
        raise InputError(f"v_threshold must be above v_rest = {bp.v_rest} mV to be mapped, not {bp.v_threshold} mV")

    def each(values: Iterable[float]) -> np.ndarray:
        return np.repeat(np.array(list(values), float), sizes)

    made = {name: each(getattr(neuron, name) for neuron in neurons) for name in ("a", "b", "c", "d", "lowest")}
    stable, unstable = (each(roots(neuron.b)[k] for neuron in neurons) for k in (0, 1))
    made["scale"] = each(rheobase(neuron.b) for neuron in neurons) / (gap / bp.tau_mem)
    made["v"] = stable + (network.v0 / network.lif.format.one - bp.v_rest) * ((unstable - stable) / gap)
    return {**made, "u": made["b"] * made["v"]}


def run(network: Network, kernel: str = "numba", exc: Pattern = "rs", inh: Pattern = "fs", *, trace: bool = False,
        progress: Callable[[float], None] | None = None) -> Recording:
    """Run the network with Izhikevich neurons.

    Parameters
    ----------
    network : Network
        As for `spikegate.translator.voltage.run`.
    kernel : str
        ``objects`` or ``numba``. They give the same bits, as spikes, membranes and recoveries.
    exc, inh : str or tuple of four floats
        Pattern of each population: a key of `PATTERNS`, or (a, b, c, d). Izhikevich's network has rs and fs.
    trace : bool
        Record ``v`` in mV and ``u`` in mV/ms, float64 (steps, n), after each step.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Returns
    -------
    Recording
        ``final`` has ``v``, ``u`` and ``low``, each neuron's lowest membrane.

    Raises
    ------
    InputError
        For another kernel or pattern, a pattern out of range, a membrane below the lowest, and as `spikegate.translator.voltage.parameters`.
    """
    bp, p = parameters(network), populations(network, exc, inh)
    state = {"v": p["v"], "u": p["u"], "low": np.full(network.n, np.inf)}
    constants, kicks = Constants(float(bp.dt), p["a"], p["b"], p["c"], p["d"]), Kicks(p["scale"] * bp.weight_exc, p["scale"] * bp.weight_inh)

    def make(i: int) -> SCIzhikevichNeuron:
        a, b, c, d = (float(p[name][i]) for name in "abcd")
        return SCIzhikevichNeuron(a, b, c, d, bp.dt)

    def check() -> None:
        if (below := np.flatnonzero(~(state["low"] >= p["lowest"]))).size:
            raise _refuse(float(state["low"][below[0]]), float(p["lowest"][below[0]]))

    model = Model("izhikevich", kicks, state, make, partial(_advance, constants, (state["v"], state["u"], state["low"])), check, ("v", "u"))
    return simulate(network, model, kernel, trace, progress)
