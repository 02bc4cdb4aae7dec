"""Studies of the network with stochastic synapses: what the noise of their counts does to its rate.

A spike of a source with threshold P moves the membrane by V_th / L * count. With p = P / 2^16 the count of an LFSR window is
Binomial(L, p); that of a Sobol window is floor(p L), or one more with probability f, the fraction of p L. The variance of a kick is then

    (V_th / L)^2 L p (1 - p)          and          (V_th / L)^2 f (1 - f)

What it adds to the rate follows from two mean-field theories of the same neuron, both with independent inputs of one common rate:
`diffusion_rate` knows mean and variance of a kick, `density_rate` its whole distribution, and the steps of the core. Voltages in mV.
"""

from collections.abc import Callable
from math import exp, floor, lgamma, log, log1p, sqrt
from statistics import NormalDist

import numpy as np

from spikegate.cosim.results.compare import Margin
from spikegate.models.network.network import Network
from spikegate.models.streams.encoder import PROBABILITY_BITS, WindowParams
from spikegate.models.streams.params import Generator
from spikegate.translator.brunel import asked_for

__all__ = ["PAIR_SD", "RESIDUAL", "Kick", "kicks", "stuck_odds", "flip_odds", "moments", "diffusion_rate", "density_rate", "shift", "margin",
           "interval", "kick_errors", "realised_tau"]

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
