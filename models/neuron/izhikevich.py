"""Izhikevich's neuron: a quadratic membrane ``v`` with a recovery variable ``u``, each in a format of its own.

    dv/dt = 0.04 v^2 + 5 v + 140 - u + I;   du/dt = a (b v - u);   at the peak v = c, u = u + d

The coefficients of the quadratic are parameters, and the step of time is part of all coefficients, so that any membrane
C dv/dt = k (v - v_r) (v - v_t) - u + I has its set. ``u`` is kept as what it takes from the membrane in a step. A step, of both from their old
values:

    s = round(v * square * 2^-q) + slope
    v' = fit(v + round(v * s * 2^-h) - round(u * 2^-(f' - f)) + I_v + bias)
    u' = fit(u + round((round(v * b * 2^-p) - u) * a * 2^-r))

In the *published* order, ``v' >= peak`` is a spike, and it resets at once. In *Brian2's*, a step begins with the rest of the one before:
``v = fit(v + I_v)``, and the reset if it spiked, which ``fired`` says; then come the update, without ``I_v``, and ``v' > peak``.

(E. M. Izhikevich, Simple model of spiking neurons, IEEE Transactions on Neural Networks 14 (2003) 1569.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spikegate.models.checks import require_member, require_type, require_whole
from spikegate.models.errors import Problems
from spikegate.models.kernel import kernel
from spikegate.models.neuron.linear import MAX_SHIFT, Column, Order
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding, fit, round_shift

__all__ = ["IzhikevichNeuron", "izhikevich_step", "izhikevich_steps"]

#: Most bits of ``square`` and ``b``, and fraction bits of ``slope`` and ``a``.
MAX_BITS, MAX_SLOPE_FRACTION, MAX_A_FRACTION = 24, 24, 28
#: Products stay inside so many bits.
PRODUCT_BITS = 61


@dataclass(frozen=True)
class IzhikevichNeuron:
    """Structure of an Izhikevich neuron: what hardware is compiled for. Its parameters are sets of integers in a table, one column a parameter.

    Parameters
    ----------
    format : QFormat
        Of the membrane, and of ``bias``, ``c``, ``peak`` and the kicks.
    u_format : QFormat
        Of ``u`` and ``d``, with no fewer fraction bits; that of the membrane by default (None).
    slope_fraction : int
        Fraction bits h of ``slope``, which lies in -8..8, at most 24.
    square_bits, square_shift : int
        Bits of ``square``, at most 24, and q, at most 40.
    a_fraction : int
        Fraction bits r of ``a``, which lies in 0..1, at most 28.
    b_bits, b_shift : int
        Bits of ``b``, signed, at most 24, and p, at most 40.
    rounding : Rounding
        Of every product, and of ``u``; not stochastic.
    overflow : Overflow
        Of ``v`` and ``u``.
    order : Order

    Raises
    ------
    InputError
        With everything that is out of range.
    """

    format: QFormat
    u_format: QFormat = None  # type: ignore[assignment]
    slope_fraction: int = 16
    square_bits: int = 16
    square_shift: int = 16
    a_fraction: int = 16
    b_bits: int = 16
    b_shift: int = 16
    rounding: Rounding = Rounding.NEAREST
    overflow: Overflow = Overflow.SATURATE
    order: Order = Order.PUBLISHED

    kind: ClassVar[str] = "izhikevich"
    ports: ClassVar[tuple[str, ...]] = ("v",)
    draws: ClassVar[bool] = False
    latency: ClassVar[int] = 4

    def __post_init__(self) -> None:
        require_type(self, "format", QFormat)
        if self.u_format is None:
            object.__setattr__(self, "u_format", self.format)
        require_type(self, "u_format", QFormat)
        for name, kind in (("rounding", Rounding), ("overflow", Overflow), ("order", Order)):
            require_member(self, name, kind)
        problems, limits = Problems(), {"slope_fraction": (1, MAX_SLOPE_FRACTION), "square_bits": (1, MAX_BITS), "square_shift": (0, MAX_SHIFT),
                                        "a_fraction": (1, MAX_A_FRACTION), "b_bits": (2, MAX_BITS), "b_shift": (0, MAX_SHIFT)}
        require_whole(self, *limits)
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            problems.require(least <= value <= most, f"{name} must be in {least}..{most}, not {value}")
        problems.require(self.rounding != Rounding.STOCHASTIC, "Rounding of an izhikevich must be floor or nearest, not stochastic: it draws nothing")
        problems.require(self.u_format.fraction >= self.format.fraction, f"u_format must have at least the {self.format.fraction} fraction bits of "
                         f"the membrane, not {self.u_format.fraction}; give it more")
        width = self.format.width
        for bits, text, fix in ((2 * width + self.square_bits - self.square_shift, "2 W + square_bits - square_shift", "square_shift"),
                                (width + self.b_bits + self.a_fraction - self.b_shift, "W + b_bits + a_fraction - b_shift", "b_shift")):
            problems.require(bits <= PRODUCT_BITS, f"{text} must be at most {PRODUCT_BITS}, not {bits}, for products of 62 bits; use a larger {fix}")
        problems.raise_any()

    def port_format(self, port: str) -> QFormat:
        """Of what is added there."""
        return self.format

    @property
    def state(self) -> dict[str, int]:
        """Widths of what a neuron remembers, by name; ``v`` and ``u`` are signed, the others counts."""
        fired = {"fired": 1} if self.order == Order.BRIAN2 else {}
        return {"v": self.format.width, "u": self.u_format.width, "overflow": 1, **fired}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The parameters of a set, in the order of the table."""
        q, u, slope, b = self.format, self.u_format, 1 << (self.slope_fraction + 3), 1 << (self.b_bits - 1)
        return (Column("square", 0, (1 << self.square_bits) - 1), Column("slope", -slope, slope - 1), Column("bias", q.min, q.max),
                Column("a", 0, 1 << self.a_fraction), Column("b", -b, b - 1), Column("c", q.min, q.max), Column("d", u.min, u.max),
                Column("peak", q.min, q.max))

    def problems(self, sets: Mapping[str, np.ndarray]) -> list[str]:
        """What is wrong with parameter sets that are each in range."""
        if np.all(sets["c"] < sets["peak"]):
            return []
        k = int(np.argmax(sets["c"] >= sets["peak"]))
        return [f"c {sets['c'][k]} of set {k} must be below its peak {sets['peak'][k]} (raw)"]

    def start(self, sets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """States of a neuron before step 0 that are not 0, int64 (sets,) each: a membrane at ``c``, and u = b v."""
        u = (sets["b"] * sets["c"] + ((1 << self.b_shift) >> 1)) >> self.b_shift
        return {"v": sets["c"], "u": np.clip(u, self.u_format.min, self.u_format.max)}

    def constants(self) -> np.ndarray:
        """What `izhikevich_step` needs to know of the structure, int64 (10,)."""
        return np.array([self.format.width, self.slope_fraction, self.rounding, self.overflow, self.order, self.square_shift,
                         self.u_format.fraction - self.format.fraction, self.u_format.width, self.a_fraction, self.b_shift], np.int64)


@kernel
def izhikevich_step(state: tuple[np.ndarray, ...], i: int, given: int, table: np.ndarray, k: int, s: np.ndarray) -> int:
    """One step of neuron ``i``, in place; whether it spikes.

    Parameters
    ----------
    state : tuple of numpy.ndarray
        int32 (n,) each: ``v``, one that is not used, ``overflow``, ``fired``, ``u``.
    given : int
        Sum of the port.
    table : numpy.ndarray
        int64 (sets, columns), and ``k``, the neuron's set.
    s : numpy.ndarray
        `IzhikevichNeuron.constants`.
    """
    v, u, over, c, d = np.int64(state[0][i]), np.int64(state[4][i]), np.int64(0), table[k, 5], table[k, 6]
    brian2 = s[4] == 1
    due = np.int64(0) if brian2 else np.int64(given)
    if brian2:
        v, over = fit(v + given, s[0], s[3])
        if state[3][i]:
            v = c
            u, more = fit(u + d, s[7], s[3])
            over |= more
    slope = round_shift(v * table[k, 0], s[5], s[2], 0) + table[k, 1]
    moved = v + round_shift(v * slope, s[1], s[2], 0) - round_shift(u, s[6], s[2], 0) + due + table[k, 2]
    recovered = u + round_shift((round_shift(v * table[k, 4], s[9], s[2], 0) - u) * table[k, 3], s[8], s[2], 0)
    v, more = fit(moved, s[0], s[3])
    u, most = fit(recovered, s[7], s[3])
    over |= more | most
    spike = (v > table[k, 7]) if brian2 else (v >= table[k, 7])
    if spike and not brian2:
        v = c
        u, more = fit(u + d, s[7], s[3])
        over |= more
    state[0][i] = v
    state[2][i] |= over
    state[3][i] = int(spike and brian2)
    state[4][i] = u
    return int(spike)


@kernel
def izhikevich_steps(bounds: tuple[int, int], state: tuple[np.ndarray, ...], inputs: np.ndarray, table: np.ndarray, place: np.ndarray,
                     s: np.ndarray, spiked: np.ndarray) -> None:
    """`izhikevich_step` of the neurons from ``bounds[0]`` to ``bounds[1]`` - 1.

    Parameters
    ----------
    inputs : numpy.ndarray
        int32 (n,), sums of the port.
    table, place : numpy.ndarray
        int64 (sets, columns), and (n,): each neuron's set in it.
    spiked : numpy.ndarray
        uint8 (n,), written.
    """
    for i in range(bounds[0], bounds[1]):
        spiked[i] = izhikevich_step(state, i, np.int64(inputs[i]), table, place[i], s)
