"""Studies of the network with stochastic synapses: what the noise of their counts does to its rate, and what faults do.

A spike of a source with threshold P moves the membrane by V_th / L * count. With p = P / 2^16 the count of an LFSR window is
Binomial(L, p); that of a Sobol window is floor(p L), or one more with probability f, the fraction of p L. The variance of a kick is then

    (V_th / L)^2 L p (1 - p)          and          (V_th / L)^2 f (1 - f)

What it adds to the rate follows from two mean-field theories of the same neuron, both with independent inputs of one common rate:
`diffusion_rate` knows mean and variance of a kick, `density_rate` its whole distribution, and the steps of the core. Voltages in mV.
"""

import dataclasses
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import exp, floor, lgamma, log, log1p, sqrt
from statistics import NormalDist

import numpy as np

from spikegate.cosim.results.compare import Margin
from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine as models_hybrid
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.streams.encoder import PROBABILITY_BITS, WindowParams
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.params import Generator, StreamFaults
from spikegate.translator.brian_float import run_float
from spikegate.translator.brunel import asked_for, preset, translate
from spikegate.translator.hybrid import HYBRIDS, hybrid

__all__ = ["PAIR_SD", "RESIDUAL", "Kick", "kicks", "stuck_odds", "flip_odds", "moments", "diffusion_rate", "density_rate", "shift", "margin",
           "interval", "kick_errors", "stick", "with_words", "refused", "Run"]

#: Standard deviation of the rate's difference between two runs of a second of `ai`, and what the fixed-point core keeps
#: of it in the mean, both relative and both from docs/validation.md, Q8.8: they were known before the runs of this study.
PAIR_SD, RESIDUAL = 0.038, 0.009
#: Grid of the density: mV, entries, and the entry of 0 mV.
GRID, ENTRIES, ZERO = 1 / 32, 8192, 6144
#: Values of a kick in mV, and their probabilities.
Kick = tuple[np.ndarray, np.ndarray]


def binomial(n: int, p: float) -> np.ndarray:
    """Probabilities of 0..n, 0 < p < 1."""
    return np.array([exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p)) for k in range(n + 1)])


def kicks(network: Network, *, exact: bool = False, odds: Callable[[float], float] = float) -> tuple[Kick, Kick]:
    """A kick of the first, excitatory, and of the last, inhibitory, source.

    Without streams, or if ``exact``, kicks are the weights. With an LFSR, a bit of the count is 1 with the probability ``odds(p)``.
    """
    one, streams, found = network.lif.format.one, network.streams, []
    for source in (0, -1):
        if streams is None or exact:
            found.append((np.array([network.weights[source] / one]), np.ones(1)))
            continue
        p, length = int(streams.probabilities[source]) / (1 << PROBABILITY_BITS), streams.length
        step, whole, f = np.sign(network.weights[source]) * streams.scale / one / length, floor(p * length), p * length % 1
        lfsr = streams.generator == Generator.LFSR
        counts, chances = (np.arange(length + 1), binomial(length, odds(p))) if lfsr else (np.array([whole, whole + 1]), np.array([1 - f, f]))
        found.append((counts * step, chances))
    return found[0], found[1]


def stuck_odds(rate: float) -> Callable[[float], float]:
    """Odds of `kicks` if each line of both streams is stuck with this probability, in the mean over all draws."""
    return lambda p: (1 - rate / 2) * (rate / 2 + (1 - rate) * p)


def flip_odds(rate: float) -> Callable[[float], float]:
    """Odds if each bit of both streams flips with this probability."""
    return lambda p: (1 - rate) * (p + rate * (1 - 2 * p))


def moments(kick: Kick) -> tuple[float, float]:
    """Mean and variance."""
    mean = float(kick[0] @ kick[1])
    return mean, float((kick[0] - mean) ** 2 @ kick[1])


def realised_tau(network: Network) -> float:
    """Membrane time constant that the leak stands for, ms."""
    return asked_for(network).dt * network.lif.format.one / network.lif.leak


def siegert(mu: float, sigma: float, tau: float, threshold: float, reset: float, refractory: float) -> float:
    """Rate, in 1 / unit of tau, of a neuron with white noise; ``sigma^2 / 2`` is the variance of the free membrane (Siegert 1951, Brunel 2000).

    ``1 / rate = refractory + tau * integral over u > 0 of exp(-u^2) (exp(2 a u) - exp(2 b u)) / u``, a = (threshold - mu) / sigma, b by the reset.
    """
    u = np.linspace(0, 14, 1 << 16)[1:]
    a, b = (threshold - mu) / sigma, (reset - mu) / sigma
    value = (np.exp(2 * a * u - u * u) - np.exp(2 * b * u - u * u)) / u
    return float(1 / (refractory + tau * (np.trapezoid(value, u) + 2 * u[0] * (a - b))))


def diffusion_rate(network: Network, exc: Kick, inh: Kick, tau: float | None = None) -> float:
    """Self-consistent rate, Hz: the input is white noise with the mean and variance that Poisson trains of these kicks have."""
    bp, tau = asked_for(network), tau or realised_tau(network)
    inputs, drive, events = [(moments(exc), bp.c_exc), (moments(inh), bp.c_inh)], bp.weight_exc, float(bp.external_probability) / bp.dt * bp.c_exc
    low, high = 0.0, 1 / (bp.refractory + bp.dt)
    for _ in range(50):
        rate = (low + high) / 2
        mu = tau * (events * drive + rate * sum(count * mean for (mean, _), count in inputs))
        power = tau * (events * drive**2 + rate * sum(count * (mean**2 + variance) for (mean, variance), count in inputs))
        more = siegert(mu, sqrt(power), tau, bp.v_threshold, bp.v_reset, bp.refractory) > rate
        low, high = (rate, high) if more else (low, rate)
    return rate * 1000


def _on_grid(kick):
    """Spectrum of a kick, each value shared between the two entries around it, so that the mean is kept."""
    at, found = kick[0] / GRID, np.zeros(ENTRIES)
    low = np.floor(at).astype(int)
    np.add.at(found, low % ENTRIES, kick[1] * (1 - (at - low)))
    np.add.at(found, (low + 1) % ENTRIES, kick[1] * (at - low))
    return np.fft.rfft(found)


def density_rate(network: Network, exc: Kick, inh: Kick, tau: float | None = None, ms: float = 250.0) -> float:
    """Rate, Hz, of the membrane's density, step by step as in the core: leak, kicks, threshold, delay and refractory steps; mean of the last 50 ms.

    In each step every source fires with the population's probability of ``delay`` steps before, independently of all others.
    """
    bp, lif = asked_for(network), network.lif
    steps, last, tau = round(ms / bp.dt), round(50 / bp.dt), tau or realised_tau(network)
    a, b = _on_grid(exc), _on_grid(inh)
    drive = (1 + float(bp.external_probability) * (_on_grid((np.array([bp.weight_exc]), np.ones(1))) - 1)) ** bp.c_exc
    at = ZERO + (np.arange(ENTRIES) - ZERO) * (1 - bp.dt / tau)
    low, top, reset = np.floor(at).astype(int), ZERO + round(bp.v_threshold / GRID), ZERO + round(bp.v_reset / GRID)
    share, density = at - low, np.zeros(ENTRIES)
    density[ZERO:top] = 1 / (top - ZERO)
    fired, held = [0.0] * network.delay, [0.0] * lif.refractory
    for t in range(steps):
        density = np.bincount(low, density * (1 - share), ENTRIES) + np.bincount(low + 1, density * share, ENTRIES)[:ENTRIES]
        spectrum = np.fft.rfft(density) * drive * (1 + fired[t] * (a - 1)) ** bp.c_exc * (1 + fired[t] * (b - 1)) ** bp.c_inh
        density = np.fft.irfft(spectrum, ENTRIES)
        held.append(float(density[top:].sum()))
        fired.append(held[-1])
        density[top:] = 0
        density[reset] += held.pop(0)
    return float(np.mean(fired[-last:])) / bp.dt * 1000


def shift(network: Network, reference: Network | None = None, tau: float | None = None) -> tuple[float, float]:
    """Relative shift of the rate by theory, the density's and the diffusion's.

    Against exact weights; and these with the time constant ``tau``, ms, if it is given, or those of another ``reference``.
    """
    found = [theory(network, *kicks(network)) / theory(reference or network, *kicks(network, exact=True), tau) - 1
             for theory in (density_rate, diffusion_rate)]
    return found[0], found[1]


def margin(shifts: tuple[float, float], pairs: int, residual: float = 0.0) -> Margin:
    """Of a mean of ``pairs`` runs: from the lower to the higher shift, and the residual and four standard errors beyond."""
    return Margin((max(shifts) - min(shifts)) / 2 + residual + 4 * PAIR_SD / sqrt(pairs), True, sum(shifts) / 2)


def interval(values) -> tuple[float, float]:
    """Mean and half width of its 95 % confidence interval, from Student's t by the expansion of Fisher and Cornish (5 values or more)."""
    values, z = np.asarray(values, float), NormalDist().inv_cdf(0.975)
    n = len(values) - 1
    t = z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2) + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    return float(values.mean()), float(t * values.std(ddof=1) / sqrt(n + 1))


def kick_errors(network: Network, windows: int) -> tuple[np.ndarray, np.ndarray]:
    """Kick minus asked weight in mV, float (windows,), of the first windows of channel 0: an excitatory and an inhibitory source."""
    streams, bp, found = network.require_streams(), asked_for(network), []
    lfsr = streams.generator == Generator.LFSR
    encoder, start = (WindowParams(streams.lfsr), streams.seeds[:PROBABILITY_BITS]) if lfsr else (WindowParams(streams.sobol[0]), 0)
    for source, weight in ((0, bp.weight_exc), (-1, bp.weight_inh)):
        count = np.bitwise_count(encoder.run(start, [int(streams.probabilities[source])] * windows)).sum(axis=1, dtype=np.int64)
        found.append(count * (streams.scale / network.lif.format.one / streams.length) - weight)
    return found[0], found[1]


def stick(words: np.ndarray, bits: int, rate: float, seed: int, shared: bool = False) -> np.ndarray:
    """Each of the low ``bits`` of each word, int64 (n,), stuck with probability ``rate``, at 0 or 1 with equal chance; ``shared``: one draw for all.

    For one seed, what is stuck at a rate is stuck in the same way at every higher rate.
    """
    rng, shape = np.random.default_rng([seed, bits, shared]), (1 if shared else len(words), bits)
    stuck, level, place = rng.random(shape) < rate, rng.random(shape) < 0.5, 1 << np.arange(bits)
    return words & ~((stuck & ~level) @ place) | (stuck & level) @ place


def with_words(network: Network, change) -> Network:
    """The network with ``change(words, bits)`` in its weight memory: two's complement, or, with streams, P of 17 bits and the sign above them.

    P above 2^16 becomes 2^16: both are nothing but ones. The weights are not checked again, see `refused`.
    """
    width, streams, bits = network.lif.format.width, network.streams, PROBABILITY_BITS + 1
    if streams is None:
        words = change(network.weights.astype(np.int64) & (1 << width) - 1, width)
        return _forced(network, words - (words >> width - 1 << width))
    words = change(streams.probabilities.astype(np.int64) | (network.weights < 0).astype(np.int64) << bits, bits + 1)
    p = np.minimum(words & (1 << bits) - 1, 1 << PROBABILITY_BITS)
    return _forced(_with_p(network, p), np.where(words >> bits, -1, 1) * np.abs(network.weights))


def refused(network: Network) -> bool:
    """Whether a network would be turned down as it is, since its input might leave its bits if all sources fired at once."""
    try:
        return network.replace() is None
    except InputError:
        return True


def _forced(network, weights):
    # A fault at run time asks no leave. The golden models add in 64 bits, and what really arrives in a step fits into the core's 20.
    network = copy(network)
    object.__setattr__(network, "weights", weights.astype(np.int32))
    return network


def _with_p(network, probabilities):
    return network.replace(streams=dataclasses.replace(network.streams, probabilities=probabilities))


@lru_cache(maxsize=4)
def _translated(seed, form):
    return translate(preset("ai", seed=seed), QFormat.parse(form), name="ai")


@dataclass(frozen=True)
class Run:
    """A run of `ai` for one second, named so that it can be made again anywhere.

    Parameters
    ----------
    engine : str
        ``brian`` (floats), or the golden models ``v3`` (fixed-point weights), ``v4``, ``v13``, ``v14``.
    seed, form, length : int, str, int
        Of the network, its format, and L.
    change : str
        ``stuck POINT..`` and ``flips POINT..`` in the stream path; ``memory`` and ``bus``, bits stuck in each weight's word or in the lines that
        all are read by; ``POINT LINE at LEVEL``, one line stuck, of the stream path or the bus; ``weights K``, P times K; ``bits B``, P
        rounded to B bits. For Brian2 ``tau``, the time constant as realised, and ``drive``, another drive.
    rate, fault : float, int
        Of the faults, and their seed.
    """

    engine: str
    seed: int = 1
    form: str = "q8.8"
    length: int = 256
    change: str = ""
    rate: float = 0.0
    fault: int = 1

    def prepare(self) -> tuple[Network, StreamFaults | None]:
        """The network and its faults; raises `InputError` for an unknown engine or change."""
        network, faults = _translated(self.seed, self.form), None
        if self.engine in HYBRIDS:
            network = hybrid(network, self.engine, length=self.length)
        elif self.engine not in ("brian", "v3"):
            raise InputError(f"Engine must be brian, v3 or one of {', '.join(HYBRIDS)}, not {self.engine!r}")
        asked, p = network.source, network.streams.probabilities.astype(np.int64) if network.streams else np.zeros(network.n, np.int64)
        match self.change.split():
            case []:
                pass
            case ["stuck", *points]:
                faults = FaultParams.random(self.rate, self.fault, self.length, points=points)
            case ["flips", *points]:
                faults = FaultParams.random(0, self.fault, self.length, flip_rate=Fraction(str(self.rate)), points=points)
            case ["memory" | "bus" as where]:
                network = with_words(network, lambda words, bits: stick(words, bits, self.rate, self.fault, where == "bus"))
            case ["bus", line, "at", level]:
                network = with_words(network, lambda words, bits: words & ~(1 << int(line)) | int(level) << int(line))
            case [point, line, "at", level]:
                faults = FaultParams(self.length, **{point: PointFaults(**{f"stuck{level}": 1 << int(line)})})
            case ["weights", factor]:
                network = _with_p(network, p * int(factor))
            case ["bits", b]:
                step = 1 << PROBABILITY_BITS - int(b)
                network = _with_p(network, (p + step // 2) // step * step)
            case ["tau"]:
                held = realised_tau(network)
                network = network.replace(source={**asked, "tau_mem": held, "eta": asked["eta"] * held / asked["tau_mem"]})
            case ["drive"]:
                network = network.replace(source={**asked, "seed": self.seed + 10**6})
            case _:
                raise InputError(f"Change {self.change!r} is unknown; the docstring of Run lists them")
        return network, faults and StreamFaults((faults,), self.fault)

    def spikes(self) -> int:
        """Spikes of all neurons."""
        network, faults = self.prepare()
        if self.engine == "brian":
            return len(run_float(network, codegen="numpy").spikes)
        return len((core.run(network) if self.engine == "v3" else models_hybrid.run(network, faults=faults)).spikes)
