"""Spike-timing dependent plasticity with stochastic steps: V1 whose excitatory synapses learn.

The rule is the additive pair-based one of Song, Miller and Abbott (Nature Neuroscience 3, 919, 2000), all spikes with all, with hard bounds, in
the form of Brian2's example ``synapses/STDP``. In units of w_max, for each synapse,

    arrival of a spike   v += w;   w = clip(w - y, 0, 1);   x += A+            dx/dt = -x / tau+
    post spike           w = clip(w + x, 0, 1);   y += A-                      dy/dt = -y / tau-

A weight here is a whole number of grid steps, dw = w_max / 2^bits. An event changes it by floor(c), c = x/dw or y/dw, and by one step more with
the probability c - floor(c), so that the expectation is c: A * exp(-|interval|/tau) for one pair. The bounds are the rule's own; events
that they cut are counted.

One step is that of `spikegate.translator.voltage`, early, with learning in front of it. Step t:

    1  post spikes of step t - 1: their synapses learn, ascending by neuron
    2  spikes of step t - delay arrive: each adds its weight to the kick, then its synapses learn
    3  v += kick;   leak;   spike when v > threshold;   spiking: v = reset

so the pre trace sees arrivals, not emissions, and a post spike of step u acts at u + 1: the interval of a pair is (u + 1 - arrival) dt, and
a spike that arrives in the step of a post spike may have caused it. At the interval 0 the post spike came first, and the weight falls. That is
Brian2 with the slot of the synapses first, ``delay - 1`` steps of delay on its pre pathway and none on its post pathway, the latter first.

    kick = dw * (sum of the weights in grid steps + J/dw * external events) - g*J * (inhibitory spikes due)

J/dw is a power of two and the brackets are whole numbers, so without learning (A+ = A- = 0) membranes are those of V1 to the last bit.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from spikegate.models.checks import real_numbers, require, require_real, require_whole, whole_numbers
from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError, Problems
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.stdp_kernels import Grid, Learned, Neurons, Synapses, advance_numba, advance_objects, change
from spikegate.translator.voltage import CHUNK, chunks, constants_of, parameters
from spikegate.translator.voltage_kernels import Chunk
from spikegate.translator.voltage_neuron import Rule, StochasticLIFNeuron

__all__ = ["KERNELS", "Plasticity", "StochasticSTDPSynapse", "learn", "run"]

#: Kernels: Python objects, and Numba. Both give the same bits.
KERNELS = ("objects", "numba")


@dataclass(frozen=True)
class Plasticity:
    """The rule and its grid.

    Parameters
    ----------
    a_plus, a_minus : float
        A+ and A-, 0..1, of w_max; defaults of Brian2's example.
    tau_plus, tau_minus : float
        ms, above 0.
    bits : int
        A weight is 0..2^bits grid steps, 1..20.
    w_max : float
        Largest weight in units of the initial one, J: a power of two, 1..2^bits.
    seed : int, optional
        Of the random numbers, 0..2^63-1; default the network's.
    """

    a_plus: float = 0.01
    a_minus: float = 0.0105
    tau_plus: float = 20.0
    tau_minus: float = 20.0
    bits: int = 7
    w_max: float = 2.0
    seed: int | None = None

    def __post_init__(self) -> None:
        require_real(self, "a_plus", "a_minus", "tau_plus", "tau_minus", "w_max")
        require_whole(self, "bits", *(["seed"] if self.seed is not None else []))
        problems = Problems()
        for name in ("a_plus", "a_minus"):
            problems.require(0 <= getattr(self, name) <= 1, f"{name} must be in 0..1 of w_max, not {getattr(self, name)}")
        for name in ("tau_plus", "tau_minus"):
            problems.require(0 < getattr(self, name) < math.inf, f"{name} must be finite and above 0 ms, not {getattr(self, name)}")
        problems.require(1 <= self.bits <= 20, f"Weights must have 1..20 bits, not {self.bits}")
        problems.require(self.seed is None or 0 <= self.seed < 2**63, f"Seed of the synapses must be in 0..2^63-1, not {self.seed}")
        problems.raise_any()
        problems.require(self.w_max in [2.0**k for k in range(self.bits + 1)],
                         f"w_max must be a power of two in 1..2^{self.bits} initial weights, not {self.w_max}, so that these lie on the grid")
        problems.raise_any()

    @property
    def top(self) -> int:
        """Grid steps of w_max."""
        return 1 << self.bits

    @property
    def one(self) -> int:
        """Grid steps of the initial weight."""
        return int(self.top / self.w_max)


class StochasticSTDPSynapse:
    """One plastic synapse with its own traces.

    Parameters
    ----------
    rule : Plasticity, optional
        Amplitudes, time constants, grid and seed (0 if it has none).
    dt : float
        Of a step, ms, above 0.
    stream : int
        Second part of the random numbers' counter, 0..2^32-1: synapses with one seed and different streams are independent.

    Attributes
    ----------
    index : int
        Weight in grid steps, 0..2^bits; starts at the rule's initial weight.
    clipped : list of int
        Events cut at 0, and at 2^bits.
    """

    def __init__(self, rule: Plasticity | None = None, *, dt: float = 0.1, stream: int = 0) -> None:
        self.rule = rule = Plasticity() if rule is None else rule
        require("Rule", rule, Plasticity)
        (dt,), (stream,) = real_numbers(dt=dt), whole_numbers(stream=stream)
        problems = Problems()
        problems.require(0 < dt < math.inf, f"dt must be finite and above 0 ms, not {dt}")
        problems.require(0 <= stream < 2**32, f"Stream of a synapse must be in 0..2^32-1, not {stream}")
        problems.raise_any()
        self.dt, self.stream, self.index, self.clipped = dt, stream, rule.one, [0, 0]
        self._seed, self._x, self._y, self._at_x, self._at_y, self._now = np.uint64(rule.seed or 0), 0.0, 0.0, 0, 0, 0

    @property
    def weight(self) -> float:
        """In units of the initial weight."""
        return self.index / self.rule.one

    def _advance(self, step: int) -> tuple[float, float]:
        if type(step) is not int:
            step, = whole_numbers(step=step)
        if not self._now <= step < 2**32:
            raise InputError(f"Step of an event must be in {self._now}..2^32-1, not {step}; events of a synapse come in order")
        self._now = step
        return (self._x * math.exp(-(step - self._at_x) * self.dt / self.rule.tau_plus),
                self._y * math.exp(-(step - self._at_y) * self.dt / self.rule.tau_minus))

    def pre(self, step: int) -> int:
        """A spike arrives in that step; returns the grid steps that it transmits, those before it changes the weight."""
        x, y = self._advance(step)
        sent, new = self.index, self.index - change(y, self._seed, self.stream, step, 0)
        self.clipped[0] += new < 0
        self.index, self._x, self._at_x = max(new, 0), x + self.rule.a_plus * self.rule.top, step
        return sent

    def post(self, step: int) -> None:
        """The target's spike reaches the synapse in that step."""
        x, y = self._advance(step)
        new = self.index + change(x, self._seed, self.stream, step, 1)
        self.clipped[1] += new > self.rule.top
        self.index, self._y, self._at_y = min(new, self.rule.top), y + self.rule.a_minus * self.rule.top, step


def run(network: Network, kernel: str = "numba", rule: Plasticity | None = None, *, trace: bool = False,
        progress: Callable[[float], None] | None = None) -> Recording:
    """Run the network; the recording of `learn`."""
    return learn(network, kernel, rule, trace=trace, progress=progress)[0]


def _connected(network: Network) -> Synapses:
    indptr, indices = network.indptr.astype(np.int64), network.indices.astype(np.int64)
    plastic = indices[:indptr[network.n_exc]]
    incoming = np.concatenate([[0], np.cumsum(np.bincount(plastic, minlength=network.n))])
    return Synapses(indptr, indices, network.n_exc, incoming, np.argsort(plastic, kind="stable"), np.repeat(np.arange(network.n), np.diff(indptr)))


def learn(network: Network, kernel: str = "numba", rule: Plasticity | None = None, *, trace: bool = False,
          progress: Callable[[float], None] | None = None) -> tuple[Recording, np.ndarray]:
    """Run the network with every excitatory synapse plastic, inhibitory and external ones fixed.

    Parameters
    ----------
    network : Network
        As for `spikegate.translator.voltage.run`.
    kernel : str
        One of `KERNELS`. They give the same bits, as spikes, membranes and weights.
    rule : Plasticity, optional
        Default that of Brian2's example with w_max = 2J on 2^7 steps.
    trace : bool
        Record ``v``, mV, float64 (steps, n), after each step.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Returns
    -------
    Recording
        ``final["v"]`` in mV, ``final["weight"]``, the mean weight of each neuron's excitatory synapses in mV, 0 where there are none;
        ``provenance`` has ``clipped``, the events cut at 0 and at w_max, and what `spikegate.translator.voltage.run` gives.
    numpy.ndarray
        Weights after the last step, mV, float64, in the order of ``network.indices``, inhibitory ones negative.

    Raises
    ------
    InputError
        For another kernel, and as `spikegate.translator.voltage.parameters`.
    """
    if kernel not in KERNELS:
        raise InputError(f"Kernel must be one of {', '.join(KERNELS)}, not {kernel!r}")
    rule, bp, n, steps, began = rule or Plasticity(), parameters(network), network.n, network.steps, time.process_time()
    events, drawn, c = external_events(network), time.process_time(), constants_of(bp, network, Rule())
    seed, dt = bp.seed if rule.seed is None else rule.seed, bp.dt
    decays = [np.array([math.exp(-k * dt / tau) for k in range(steps + 1)]) for tau in (rule.tau_plus, rule.tau_minus)]
    p = Grid(bp.weight_exc / rule.one, rule.one, rule.top, rule.a_plus * rule.top, rule.a_minus * rule.top, np.uint64(seed), *decays)
    connected, plastic = _connected(network), int(network.indptr[network.n_exc])
    weights, clipped = np.full(len(connected.indices), rule.one), np.zeros(2, np.int64)
    state = Learned(weights, np.zeros(n), np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64), clipped)
    v = network.v0 / network.lif.format.one
    cells = Neurons(v, np.zeros(n, np.int64), np.zeros((network.delay, n), np.int64), np.zeros(network.delay, np.int64))
    advance: Callable[..., int] = advance_numba
    if kernel == "objects":
        neurons = [StochasticLIFNeuron(c.threshold, c.reset, c.rest, bp.tau_mem, dt, refractory_period=c.refractory) for _ in range(n)]
        for neuron, start in zip(neurons, v.tolist()):
            neuron.v = start
        own = Plasticity(**{**vars(rule), "seed": seed})
        synapses = [StochasticSTDPSynapse(own, dt=dt, stream=k) if k < plastic else None for k in range(len(connected.indices))]
        advance = partial(advance_objects, neurons, synapses)
    spikes, buffer, traced = [], np.empty((min(CHUNK, steps) * n, 2), np.int32), np.empty((steps if trace else 0, n))
    for now in chunks(steps, progress):
        found = advance(c, p, Chunk(now.start, events[now], np.empty((0, n)), buffer, traced[now]), cells, connected, state)
        spikes.append(buffer[:found].copy())
    run_s, learned = time.process_time() - drawn, p.step * weights
    learned[plastic:] = -bp.weight_inh
    mean = p.step * np.bincount(connected.indices[:plastic], weights[:plastic], n) / np.maximum(np.diff(connected.incoming), 1)
    provenance = {"kernel": kernel, "draw_s": drawn - began, "run_s": run_s, "clipped": clipped.tolist(), "network": network.hash}
    return Recording(f"stdp-{kernel}", n, steps, np.concatenate(spikes), {"v": v, "weight": mean}, {"v": traced} if trace else {},
                     provenance=provenance, dt_ns=network.dt_ns), learned
