"""Leaky integrate-and-fire neuron with an adaptive threshold, the same integers as ``gateware/neuron/adaptive_lif.py``.

    theta = decayed(theta)    v, hold, spike as in `lif`, with threshold + theta for the threshold    theta = fit(theta + jump) at a spike

In this order, in every step. decayed(theta) = theta - (theta >> decay), and where that would stand still above 0, theta - 1.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spikegate.models.checks import exact_array, require_type, require_whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.neuron.lif import LifConstants, LifParams, lif_step
from spikegate.models.numeric.fixed import Overflow, fit

__all__ = ["MAX_DECAY", "AdaptiveLifConstants", "AdaptiveLifParams", "AdaptiveLifTrace", "decayed", "adaptive_lif_step"]

MAX_DECAY = 15
SATURATE = int(Overflow.SATURATE)


class AdaptiveLifConstants(NamedTuple):
    """What `adaptive_lif_step` needs, as plain integers."""

    lif: LifConstants
    decay: int
    jump: int


class AdaptiveLifTrace(NamedTuple):
    """What `AdaptiveLifParams.run` gives: after every step of every neuron, int64 (steps, n)."""

    spike: np.ndarray
    theta: np.ndarray
    v: np.ndarray
    hold: np.ndarray
    overflow: np.ndarray


@dataclass(frozen=True)
class AdaptiveLifParams:
    """Parameters of one population of neurons.

    Parameters
    ----------
    lif : LifParams
        Of the membrane; its threshold is what is left when theta is 0.
    decay : int
        Shift by which theta falls in a step, 1..15: its time constant is about 2^decay steps.
    jump : int
        What a spike adds to theta, raw in the membrane's format, 0 or more.

    Raises
    ------
    InputError
        With every parameter that is out of range.
    """

    lif: LifParams
    decay: int
    jump: int

    def __post_init__(self) -> None:
        require_type(self, "lif", LifParams)
        require_whole(self, "decay", "jump")
        q, problems = self.lif.format, Problems()
        problems.require(1 <= self.decay <= MAX_DECAY, f"decay must be in 1..{MAX_DECAY} bits, not {self.decay}")
        problems.require(0 <= self.jump <= q.max, f"jump must be in 0..{q.max} (raw, {q}), not {self.jump}")
        problems.raise_any()

    def constants(self) -> AdaptiveLifConstants:
        """The integers that `adaptive_lif_step` takes."""
        return AdaptiveLifConstants(self.lif.constants(), self.decay, self.jump)

    def step(self, theta: int, v: int, hold: int, current: int, noise: int = 0, random: int = 0) -> tuple[int, int, int, int, int]:
        """One step of one neuron: ``(spike, theta, v, hold, overflowed)``; theta 0..highest of the format, the others as `lif_step` has them."""
        found: tuple[int, int, int, int, int] = adaptive_lif_step(theta, v, hold, current, noise, random, self.constants())
        return found

    def run(self, current: npt.ArrayLike, noise: npt.ArrayLike = 0, random: npt.ArrayLike = 0) -> AdaptiveLifTrace:
        """Steps of neurons that begin at rest, with theta 0 and no flag.

        Parameters
        ----------
        current : array_like
            Input of every step and neuron, (steps, n), of width + 4 bits.
        noise, random : array_like
            As many, or one number for all; in the format, and 0..2**leak_fraction-1.

        Raises
        ------
        InputError
            If something is no whole number, out of range, or not of the shape.
        """
        inputs, q, full = exact_array("current", current, np.int64, 2), self.lif.format, 1 << (self.lif.input_width - 1)
        ranges = {"current": (-full, full - 1), "noise": (q.min, q.max), "random": (0, (1 << self.lif.leak_fraction) - 1)}
        given, problems = [], Problems()
        for (name, (low, high)), values in zip(ranges.items(), (inputs, noise, random)):
            one = exact_array(name, values, np.int64, np.ndim(values))
            if one.shape not in ((), inputs.shape):
                raise InputError(f"{name} must be one number or have the shape {inputs.shape} of the current, not {one.shape}")
            given.append(np.broadcast_to(one, inputs.shape))
            problems.require(bool(np.all((low <= one) & (one <= high))), f"{name} must be in {low}..{high} (raw)")
        problems.raise_any()
        trace = np.zeros((len(AdaptiveLifTrace._fields), *inputs.shape), np.int64)
        _run(np.stack(given), self.constants(), trace)
        return AdaptiveLifTrace(*trace)


@kernel
def decayed(theta: int, decay: int) -> int:
    """``theta - (theta >> decay)``, or one less where that would stand still above 0."""
    return theta - max(theta >> decay, min(theta, 1))


@kernel
def adaptive_lif_step(theta: int, v: int, hold: int, current: int, noise: int, random: int,
                      p: AdaptiveLifConstants) -> tuple[int, int, int, int, int]:
    """One step of one neuron: ``(spike, theta, v, hold, overflowed)``; ``p`` is an `AdaptiveLifConstants`, all else as in `lif_step`."""
    theta = decayed(theta, p.decay)
    spike, v, hold, overflowed = lif_step(v, hold, current, noise, random, p.lif, theta)
    if spike:
        theta = fit(theta + p.jump, p.lif.width, SATURATE)[0]
    return spike, theta, v, hold, overflowed


@kernel
def _run(given: np.ndarray, p: AdaptiveLifConstants, trace: np.ndarray) -> None:
    for i in range(given.shape[2]):
        v = p.lif.rest
        theta = hold = overflow = 0
        for t in range(given.shape[1]):
            spike, theta, v, hold, overflowed = adaptive_lif_step(theta, v, hold, given[0, t, i], given[1, t, i], given[2, t, i], p)
            overflow |= overflowed
            trace[0, t, i], trace[1, t, i], trace[2, t, i], trace[3, t, i], trace[4, t, i] = spike, theta, v, hold, overflow
