"""Homeostatic neurons (V6): the leaky neuron of V1 with a threshold of its own, theta, that holds its rate at a target.

Units are mV and ms, rates are in Hz. One step, the early order of `spikegate.translator.voltage` with theta in place of the threshold:

    v += kick
    v leaks; theta -= eta * target * dt      theta also while refractory
    spike when v > theta;  spiking: v = reset, theta += eta
    rate += dt/tau_rate * (spike/dt - rate)  a readout, which nothing depends on

Theta integrates the error itself, without a filter: its drift balances its jumps only at the target. As long as no limit was met, after a time T

    spikes = target * T + (theta(T) - theta(0)) / eta        for each neuron, but for rounding

so that the mean rate misses the target by at most the change of theta over eta T. Time constant: with r(theta) the rate of neurons
whose thresholds are all shifted together, eta small (theta hardly moves within an interval), theta' = eta (r(theta) - target), and
about the operating point r = target + r'(theta) * (theta - theta*), so that theta and the rate approach exponentially with

    tau_h = 1 / (eta * G),   G = -dr/dtheta at the target in Hz/mV (`rate_gain` measures it, recurrence included), eta in mV, tau_h in s

and it is stable wherever G > 0, as r falls with theta. With eta = 0 this is V1, bit for bit.

Limits of theta, from v_reset to v_threshold + 10 (v_threshold - v_reset) unless chosen, are held, and each step that one was met is
counted for its neuron in ``saturated``: a target that is out of reach shows there.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from spikegate.models.checks import real_array, real_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.stateful import Chunk, Kicks, Model, collect, emit, simulate
from spikegate.translator.voltage import parameters
from spikegate.translator.voltage_kernels import Wires
from spikegate.translator.voltage_neuron import StochasticLIFNeuron

__all__ = ["HomeostaticLIFNeuron", "rate_gain", "run"]


class HomeostaticLIFNeuron(StochasticLIFNeuron):
    """One neuron: ``v += kick`` by the caller, then `step`.

    Parameters
    ----------
    v_threshold, v_reset, v_rest, tau_mem, dt, refractory_period
        As for `StochasticLIFNeuron`; ``v_threshold`` is where theta begins.
    target_hz : float
        Rate to hold, 0..1000/dt.
    eta : float
        Step of theta at a spike in mV, at least 0.
    limits : (float, float), optional
        Of theta in mV, the lower one at least v_reset, and v_threshold within; default v_reset, v_threshold + 10 (v_threshold - v_reset).
    tau_rate : float
        Time constant of the readout in ms, at least dt.

    Attributes
    ----------
    v, theta : float
        Membrane and threshold in mV.
    rate : float
        Readout in Hz, from 0 on.
    saturated : int
        Steps in which a limit held theta.

    Raises
    ------
    InputError
        With every parameter that is out of range.
    """

    def __init__(self, v_threshold: float = 20.0, v_reset: float = 10.0, v_rest: float = 0.0, tau_mem: float = 20.0, dt: float = 0.1,
                 refractory_period: int = 0, *, target_hz: float = 10.0, eta: float = 0.5, limits: tuple[float, float] | None = None,
                 tau_rate: float = 1000.0) -> None:
        super().__init__(v_threshold, v_reset, v_rest, tau_mem, dt, refractory_period=refractory_period)
        target_hz, eta, tau_rate = real_numbers(target_hz=target_hz, eta=eta, tau_rate=tau_rate)
        v_threshold, v_reset, dt = real_numbers(v_threshold=v_threshold, v_reset=v_reset, dt=dt)
        if limits is None:
            limits = v_reset, v_threshold + 10 * (v_threshold - v_reset)
        if np.shape(limits) != (2,):
            raise InputError(f"Limits of theta must be two numbers, the lower one first, not {limits!r}")
        low, high = real_numbers(low=limits[0], high=limits[1])
        problems = Problems()
        problems.require(0 <= target_hz <= 1000 / dt, f"target_hz must be in 0..{1000 / dt:g} Hz, a spike a step, not {target_hz}")
        problems.require(0 <= eta < math.inf, f"eta must be finite and at least 0 mV, not {eta}")
        problems.require(v_reset <= low <= v_threshold <= high < math.inf, f"Limits of theta must hold v_threshold = {v_threshold} mV, the lower "
                         f"one at least v_reset = {v_reset} mV, not {low}..{high}")
        problems.require(dt <= tau_rate < math.inf, f"tau_rate must be finite and at least dt = {dt} ms, not {tau_rate} ms")
        problems.raise_any()
        self.theta, self.rate, self.saturated = v_threshold, 0.0, 0
        self.eta, self.drift, self.low, self.high = float(eta), eta * target_hz * dt / 1000, low, high
        self.smooth, self.unit = dt / tau_rate, 1000 / dt

    def step(self, current: float = 0.0) -> int:
        """Advance by dt with ``current`` flowing; returns 1 if the neuron spikes, else 0."""
        theta = self.theta - self.drift
        held = theta < self.low
        self.v_threshold = theta = self.low if held else theta
        spike = super().step(current)
        if spike:
            theta += self.eta
            held = held or theta > self.high
            theta = min(theta, self.high)
        self.theta, self.saturated = theta, self.saturated + held
        self.rate = self.rate + self.smooth * (spike * self.unit - self.rate)
        return spike


class Constants(NamedTuple):
    """What the compiled steps need to know: mV, and steps."""

    reset: float
    rest: float
    leak: float
    refractory: int
    eta: float
    drift: float
    low: float
    high: float
    smooth: float
    unit: float


@kernel
def _advance(constants: Constants, state: tuple[np.ndarray, ...], kicks: Kicks, wires: Wires, chunk: Chunk) -> int:
    reset, rest, leak, refractory, eta, drift, low, high, smooth, unit = constants
    v, left, theta, rate, saturated = state
    first, external, spikes, (trace_v, trace_theta) = chunk
    found, n, kick, spiked = 0, len(v), np.zeros(len(v)), np.zeros(len(v), np.uint8)
    for s in range(len(external)):
        collect(kicks, wires, first + s, external[s], kick)
        # Separate passes without branches, so that the compiler can work on several neurons at once.
        for i in range(n):
            before = left[i]
            after = before - (before > 0)
            x = v[i] if before > 0 else v[i] + kick[i]
            v[i], left[i] = x + leak * (rest - x) if after == 0 else x, after
        for i in range(n):
            now = theta[i] - drift
            kick[i] = now < low  # from here on: whether a limit holds
            theta[i] = low if now < low else now
        for i in range(n):
            spiked[i] = (left[i] == 0) & (v[i] > theta[i])
        for i in range(n):
            rate[i] = rate[i] + smooth * (spiked[i] * unit - rate[i])
        for i in range(n):
            if spiked[i]:
                raised = theta[i] + eta
                kick[i] = max(kick[i], raised > high)
                theta[i] = min(raised, high)
                v[i], left[i] = reset, refractory
        for i in range(n):
            saturated[i] += np.int64(kick[i])
        found = emit(wires, first + s, spiked, spikes, found)
        if len(trace_v):
            trace_v[s], trace_theta[s] = v, theta
    return found


def run(network: Network, kernel: str = "numba", *, target_hz: float = 10.0, eta: float = 0.5, theta: np.ndarray | None = None,
        limits: tuple[float, float] | None = None, tau_rate: float = 1000.0, trace: bool = False,
        progress: Callable[[float], None] | None = None) -> Recording:
    """Run the network with homeostatic neurons.

    Parameters
    ----------
    network : Network
        As for `spikegate.translator.voltage.run`; its refractory period applies.
    kernel : str
        ``objects`` or ``numba``. They give the same bits.
    target_hz : float
        Rate that each neuron holds. The default, 10 Hz, is a third of the rate that `ai` has by itself.
    eta, limits, tau_rate
        As for `HomeostaticLIFNeuron`.
    theta : numpy.ndarray, optional
        float64 (n,), thresholds before step 0 in mV, within the limits; default the network's threshold.
    trace : bool
        Record ``v`` and ``theta``, mV, float64 (steps, n), after each step.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Returns
    -------
    Recording
        ``final`` has ``v``, ``left`` (refractory steps), ``theta``, ``rate`` in Hz and ``saturated``, the steps in which a limit held theta.

    Raises
    ------
    InputError
        For another kernel, a parameter out of range, and as `spikegate.translator.voltage.parameters`.
    """
    bp, n, refractory = parameters(network), network.n, network.lif.refractory

    def make(_: int) -> HomeostaticLIFNeuron:
        return HomeostaticLIFNeuron(float(bp.v_threshold), float(bp.v_reset), float(bp.v_rest), bp.tau_mem, bp.dt, refractory,
                                    target_hz=target_hz, eta=eta, limits=limits, tau_rate=tau_rate)

    one, start = make(0), np.full(n, bp.v_threshold) if theta is None else real_array("theta", theta)
    if start.shape != (n,) or not ((start >= one.low) & (start <= one.high)).all():
        raise InputError(f"Array theta must have {n} entries in {one.low}..{one.high} mV, not {start.shape} in {start.min()}..{start.max()}; "
                         "choose other limits")
    state = {"v": network.v0 / network.lif.format.one, "left": np.zeros(n, np.int64), "theta": start.astype(float), "rate": np.zeros(n),
             "saturated": np.zeros(n, np.int64)}
    constants = Constants(float(bp.v_reset), float(bp.v_rest), bp.dt / bp.tau_mem, refractory, one.eta, one.drift, float(one.low), float(one.high),
                          one.smooth, one.unit)
    kicks = Kicks(np.full(n, float(bp.weight_exc)), np.full(n, float(bp.weight_inh)))
    model = Model("homeostatic", kicks, state, make, partial(_advance, constants, tuple(state.values())), lambda: None, ("v", "theta"))
    return simulate(network, model, kernel, trace, progress)


def rate_gain(network: Network, theta: np.ndarray, delta: float = 2.0, skip_ms: float = 200.0) -> float:
    """G of the module in Hz/mV: fall of the mean rate by mV when all thresholds, at ``theta`` (n,), are fixed and shifted from -delta to +delta mV.

    The first ``skip_ms`` of the network's run are left out.
    """
    first, rates = round(skip_ms * 1e6 / network.dt_ns), []
    if not (delta > 0 and 0 <= first < network.steps):
        raise InputError(f"delta must be above 0 mV and skip_ms within the run, not {delta} and {skip_ms}")
    for shift in (-delta, delta):
        moved = np.asarray(theta, float) + shift
        spikes = run(network, eta=0.0, theta=moved).spikes
        rates.append(np.count_nonzero(spikes[:, 0] >= first) / (network.n * (network.steps - first) * network.dt_ns * 1e-9))
    return (rates[0] - rates[1]) / (2 * delta)
