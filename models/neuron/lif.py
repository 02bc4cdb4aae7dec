"""Leaky integrate-and-fire neuron in fixed point, the same integers as ``gateware/neuron/lif.py``.

    leak  = round((rest - v) * leak_k * 2^-h)        drive = round(input * gain_k * 2^-f)
    v'    = fit(v + leak + drive + noise)            spike when v' >= threshold: v' = reset, hold for `refractory` steps

f are the fraction bits of the format, h >= f those of the leak constant, as many unless it is finer.
While a neuron is refractory it keeps its membrane, drops its input and does not spike.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikegate.models.checks import require_member, require_type, require_whole
from spikegate.models.errors import Problems
from spikegate.models.kernel import kernel
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding, fit, round_shift

__all__ = ["REFRACTORY_BITS", "INPUT_GUARD_BITS", "MAX_LEAK_FRACTION", "LifConstants", "LifParams", "lif_step", "lif_steps"]

REFRACTORY_BITS = 8
#: Bits by which a neuron's input is wider than its membrane.
INPUT_GUARD_BITS = 4
#: A gain of at most 2**GAIN_BITS keeps the product with the widest input inside 64 bits.
GAIN_BITS = 4
#: Finest leak constant; its product with the widest membrane stays inside 62 bits.
MAX_LEAK_FRACTION = 28


class LifConstants(NamedTuple):
    """What `lif_step` needs, as plain integers."""

    leak: int
    gain: int
    threshold: int
    reset: int
    rest: int
    refractory: int
    fraction: int
    width: int
    rounding: int
    overflow: int
    leak_fraction: int

    @property
    def narrow(self) -> bool:
        """Whether `lif_steps` will do: 32 bits hold every value, and no random bits are taken."""
        return self.width <= 16 and self.leak_fraction <= 12 and self.rounding != Rounding.STOCHASTIC


@dataclass(frozen=True)
class LifParams:
    """Parameters of one population of neurons, raw integers in ``format``.

    Parameters
    ----------
    format : QFormat
        Of the membrane and of every parameter here.
    threshold, reset, rest : int
        Raw membrane values, reset below threshold.
    leak : int
        Leak per step, dt/tau as a raw integer, 1..2**leak_fraction.
    gain : int
        Factor on the input, raw, within -16.0..16.0; 1.0 by default (None).
    refractory : int
        Steps for which the neuron is held after a spike, 0..255.
    rounding : Rounding
        Of the leak and gain products.
    overflow : Overflow
        Of the membrane sum.
    leak_fraction : int
        Fraction bits of ``leak``, fraction..28; those of the format by default (None).

    Raises
    ------
    InputError
        With every parameter that is out of range.
    """

    format: QFormat
    threshold: int
    reset: int
    rest: int = 0
    leak: int = 1
    gain: int = None  # type: ignore[assignment]
    refractory: int = 0
    rounding: Rounding = Rounding.NEAREST
    overflow: Overflow = Overflow.SATURATE
    leak_fraction: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        require_type(self, "format", QFormat)
        q = self.format
        if self.gain is None:
            object.__setattr__(self, "gain", q.one)
        if self.leak_fraction is None:
            object.__setattr__(self, "leak_fraction", q.fraction)
        require_whole(self, "threshold", "reset", "rest", "leak", "gain", "refractory", "leak_fraction")
        require_member(self, "rounding", Rounding)
        require_member(self, "overflow", Overflow)
        problems = Problems()
        problems.require(q.fraction <= self.leak_fraction <= MAX_LEAK_FRACTION,
                         f"leak_fraction must be in {q.fraction}..{MAX_LEAK_FRACTION} bits for {q}, not {self.leak_fraction}")
        problems.raise_any()
        for name in ("threshold", "reset", "rest"):
            raw = getattr(self, name)
            problems.require(q.holds(raw), f"{name} {raw} (raw) is outside {q}, which holds {q.min}..{q.max}; {q.wider(raw)}")
        whole = 1 << self.leak_fraction
        problems.require(1 <= self.leak <= whole, f"leak must be in 1..{whole} (raw, {q}), not {self.leak}; use more fraction bits")
        limit = q.one << GAIN_BITS
        problems.require(-limit <= self.gain <= limit, f"gain must be in -{limit}..{limit} (raw, {q}), not {self.gain}")
        top = (1 << REFRACTORY_BITS) - 1
        problems.require(0 <= self.refractory <= top, f"refractory must be in 0..{top} steps, not {self.refractory}; use a longer dt")
        problems.require(self.reset < self.threshold, f"reset {self.reset} must be below threshold {self.threshold} (raw)")
        problems.raise_any()

    @property
    def input_width(self) -> int:
        """Bits of the signed input that the neuron accepts."""
        return self.format.width + INPUT_GUARD_BITS

    @property
    def rest_leak(self) -> int:
        """(rest + 2^(width-1)) * leak, the product that all neurons share in hardware."""
        return (self.rest - self.format.min) * self.leak

    def constants(self) -> LifConstants:
        """The integers that `lif_step` takes."""
        return LifConstants(self.leak, self.gain, self.threshold, self.reset, self.rest, self.refractory,
                            self.format.fraction, self.format.width, int(self.rounding), int(self.overflow), self.leak_fraction)


@kernel
def lif_step(v: int, hold: int, current: int, noise: int, random: int, p: LifConstants, raised: int = 0) -> tuple[int, int, int, int]:
    """One step of one neuron: ``(spike, v, hold, overflowed)``.

    ``hold`` counts the refractory steps that remain; ``random`` (0..2**leak_fraction-1) matters for stochastic
    rounding alone, its low ``fraction`` bits for the gain; ``p`` is a `LifConstants`; ``raised`` is added to the threshold.
    """
    if hold > 0:
        return 0, v, hold - 1, 0
    leak = round_shift((p.rest - v) * p.leak, p.leak_fraction, p.rounding, random)
    drive = round_shift(current * p.gain, p.fraction, p.rounding, random & ((1 << p.fraction) - 1))
    v, overflowed = fit(v + leak + drive + noise, p.width, p.overflow)
    if v >= p.threshold + raised:
        return 1, p.reset, p.refractory, overflowed
    return 0, v, 0, overflowed


@kernel(inline="always")
def lif_steps(v: np.ndarray, hold: np.ndarray, overflow: np.ndarray, current: np.ndarray, p: LifConstants, spiked: np.ndarray) -> None:
    """`lif_step` of many neurons with gain 1.0 and no noise, in place and in 32 bits, for constants that are ``narrow``.

    ``v`` and ``current`` are int32 (n,), ``hold``, ``overflow`` and ``spiked`` uint8 (n,). There is no branch, so that the compiler can work on
    several neurons at once, and every value is cut to 32 bits, which loses nothing.
    """
    rest, leak, shift, threshold, reset = (np.int32(p.rest), np.int32(p.leak), np.int32(p.leak_fraction), np.int32(p.threshold), np.int32(p.reset))
    half = np.int32((1 << p.leak_fraction) >> 1 if p.rounding == 1 else 0)
    high, span = np.int32((1 << (p.width - 1)) - 1), np.int32((1 << p.width) - 1)
    low, wrap, refractory = np.int32(-(1 << (p.width - 1))), p.overflow == 1, np.uint8(p.refractory)
    for i in range(len(v)):
        before, free = v[i], hold[i] == 0
        product = np.int32(np.int32(np.int32(rest - before) * leak) + half)
        total = np.int32(np.int32(before + np.int32(product >> shift)) + current[i])
        over = (total > high) | (total < low)
        clipped = min(max(total, low), high)
        after = np.int32(np.int32(np.int32(total - low) & span) + low) if wrap else clipped
        spike = free & (after >= threshold)
        v[i] = (reset if spike else after) if free else before
        hold[i] = (refractory if spike else np.uint8(0)) if free else np.uint8(hold[i] - np.uint8(1))
        overflow[i] |= np.uint8(over & free)
        spiked[i] = np.uint8(spike)
