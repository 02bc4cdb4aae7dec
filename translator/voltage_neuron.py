"""One neuron of the voltage domain as an object, and what a variant changes of its step; the equations are in `spikegate.translator.voltage`."""

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from spikegate.models.checks import real, real_numbers, require_real, require_whole, whole_numbers
from spikegate.models.errors import InputError, Problems

__all__ = ["Rule", "StochasticLIFNeuron", "finite", "generator", "unusable"]


@dataclass(frozen=True)
class Rule:
    """What one variant does differently from V1.

    Parameters
    ----------
    late : bool
        Kicks after the threshold test, Brian2's order, instead of before the leak.
    exact : bool
        Exact exponential leak instead of forward Euler.
    refractory : int, optional
        Steps, 0..255; default the network's.
    noise_std : float
        Standard deviation of the free membrane in mV, at least 0; see `StochasticLIFNeuron`.
    seed : int, optional
        Of the noise, at least 0; default the network's.
    """

    late: bool = False
    exact: bool = False
    refractory: int | None = None
    noise_std: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        require_real(self, "noise_std")
        require_whole(self, *(name for name in ("refractory", "seed") if getattr(self, name) is not None))
        problems = Problems()
        problems.require(self.refractory is None or 0 <= self.refractory <= 255, f"Refractory period must be in 0..255 steps, not {self.refractory}")
        problems.require(self.noise_std >= 0, f"noise_std must be finite and at least 0 mV, not {self.noise_std}; use 0 for none")
        problems.require(self.seed is None or 0 <= self.seed < 2**63, f"Seed of the noise must be in 0..2^63-1, not {self.seed}")
        problems.require(not (self.exact and self.noise_std), "Noise needs the Euler leak: its exact step has another variance; set exact=False")
        problems.raise_any()


def generator(seed: int, neuron: int) -> np.random.Generator:
    """Of the noise of one neuron."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, neuron], np.uint64)))


def unusable(current: object, v: object) -> InputError:
    """What is said of a current or a membrane that is no finite number."""
    return InputError(f"Current and membrane must be finite numbers, not {current!r} and {v!r}")


def finite(current: object, v: object) -> tuple[float, float]:
    """Both as floats, if they are finite numbers; else `InputError`."""
    numbers: tuple[Any, Any] = real(current), real(v)
    if None in numbers:
        raise unusable(current, v)
    return float(numbers[0]), float(numbers[1])


class StochasticLIFNeuron:
    """One neuron: ``v += kick`` by the caller, then `step`.

    Parameters
    ----------
    v_threshold, v_reset, v_rest : float
        mV, reset below threshold.
    tau_mem, dt : float
        Membrane time constant and step in ms, above 0.
    resistance : float
        R, mV per unit of the current.
    noise_std : float
        Each leak adds noise_std * sqrt(2 dt/tau) * xi, xi standard normal, so that the free membrane has the variance
        noise_std^2 / (1 - dt/(2 tau)): Brian2's ``sigma * sqrt(2/tau) * xi``. One xi is drawn a step, also when refractory.
    refractory_period : int
        Steps; see `spikegate.translator.voltage`.
    seed : int
        Of the noise: key of a Philox generator.
    stream : int
        Second word of the key: neurons with one seed and different streams are independent.
    exact_leak : bool
        Exact exponential instead of forward Euler.

    Attributes
    ----------
    v : float
        Membrane in mV. What is added to it while the neuron is refractory is dropped by the next step.

    Raises
    ------
    InputError
        With every parameter that is out of range.
    """

    def __init__(self, v_threshold: float = 20.0, v_reset: float = 10.0, v_rest: float = 0.0, tau_mem: float = 20.0, dt: float = 0.1,
                 resistance: float = 1.0, noise_std: float = 0.0, refractory_period: int = 0, seed: int = 0, *, stream: int = 0,
                 exact_leak: bool = False) -> None:
        v_threshold, v_reset, v_rest, tau_mem, dt, resistance, noise_std = map(float, real_numbers(
            v_threshold=v_threshold, v_reset=v_reset, v_rest=v_rest, tau_mem=tau_mem, dt=dt, resistance=resistance, noise_std=noise_std))
        problems = Problems()
        problems.require(tau_mem > 0 and dt > 0, f"tau_mem and dt must be above 0 ms, not {tau_mem} and {dt}")
        problems.require(v_reset < v_threshold, f"v_reset must be below v_threshold = {v_threshold} mV, not {v_reset} mV")
        problems.raise_any()
        rule = Rule(exact=exact_leak, refractory=refractory_period, noise_std=noise_std, seed=seed)  # its limits are the neuron's
        refractory_period, seed, stream = cast(int, rule.refractory), cast(int, rule.seed), *whole_numbers(stream=stream)
        if not 0 <= stream < 2**64:
            raise InputError(f"Stream of the noise must be in 0..2^64-1, not {stream}")
        self.v_threshold, self.v_reset, self.v_rest, self.resistance = v_threshold, v_reset, v_rest, resistance
        self.refractory_period, self.v, self.left = refractory_period, v_rest, 0
        self._leak, self._decay, self._exact = dt / tau_mem, math.exp(-dt / tau_mem), exact_leak
        self._noise = noise_std * math.sqrt(2 * dt / tau_mem)
        self._rng = generator(seed, stream) if noise_std else None

    def step(self, current: float = 0.0) -> int:
        """Advance by dt with ``current`` flowing; returns 1 if the neuron spikes, else 0.

        Raises
        ------
        InputError
            If the current, or what was added to ``v``, is no finite number; the neuron stays as it is.
        """
        rng, v, left = self._rng, self.v, self.left
        if not (type(current) is type(v) is float):
            current, v = finite(current, v)
        if left:
            left, v = left - 1, self.v_reset
        if not left:
            if self._exact:
                target = self.v_rest + self.resistance * current
                v = target + (v - target) * self._decay
            else:
                v = v + self._leak * (self.v_rest - v + self.resistance * current)
        if not -math.inf < v + current < math.inf:
            raise unusable(current, self.v)
        xi = rng.standard_normal() if rng else 0.0
        self.left = left
        if left:
            self.v = v
            return 0
        if rng:
            v = v + self._noise * xi
        if v > self.v_threshold:
            self.v, self.left = self.v_reset, self.refractory_period
            return 1
        self.v = v
        return 0
