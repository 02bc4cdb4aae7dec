"""Linear integrate-and-fire neurons of any network: ``lif``, whose synapses kick the membrane, ``cuba_lif``, with exponential currents, and
``kicked_cuba_lif`` with both.

A step takes the input ``I`` of each port, exact sums. First each current is kicked, the kicked currents flow into the membrane, and then they decay:

    c = fit(c + I_c);   A = sum of round(c * coupling * 2^-s);   c = c - round(c * decay * 2^-d)

The membrane's order is one of two. In the *published* one it leaks, takes its input and is then compared:

    held:   hold = hold - 1
    free:   v = fit(v + round((rest - v) * leak * 2^-h) + I_v + A + bias);  v >= threshold: spike, reset, hold = refractory

In *Brian2's*, state update, threshold, synapses, reset, a step here begins with the last two of the step before, whose spike is kept in ``fired``;
what arrives while ``hold`` is above 0 is dropped, and the step in which it falls to 0 is free:

    hold = 0:   v = fit(v + I_v)
    fired:      reset
    hold > 0:   hold = hold - 1
    hold = 0:   v = fit(v + round((rest - v) * leak * 2^-h) + A + bias);  v > threshold: spike, hold = refractory

A reset gives ``v = reset``, or, by subtraction, ``v = fit(v - reset)``. Currents evolve while a neuron is held, unless they stand still with the
membrane, as `Held` says; or the membrane goes on as well, and only spikes are held.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from spikegate.models.checks import identifier, require_member, require_type, require_whole
from spikegate.models.errors import Problems
from spikegate.models.kernel import kernel
from spikegate.models.neuron.lif import MAX_LEAK_FRACTION, REFRACTORY_BITS
from spikegate.models.neuron.membrane import begin, finish, flow, membrane
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding

__all__ = ["MAX_CURRENTS", "Held", "Order", "Reset", "Column", "LinearNeuron", "linear_step", "noisy_linear_step"]

#: Exponential currents that a neuron may have, each a port.
MAX_CURRENTS = 2
#: Most bits of a coupling, so that its product with a current stays inside 62 bits.
MAX_COUPLING_BITS = 24
MAX_SHIFT = 40
#: States that every neuron has, and no current may be named after.
RESERVED = ("v", "hold", "overflow", "fired")


class Order(enum.IntEnum):
    """What comes first within a step."""

    PUBLISHED = 0  #: leak and input, then ``>=``
    BRIAN2 = 1  #: state update, ``>``, input, reset


class Reset(enum.IntEnum):
    """What a spike does to the membrane."""

    VALUE = 0  #: it becomes ``reset``
    SUBTRACT = 1  #: ``reset`` is subtracted


class Held(enum.IntEnum):
    """What stands still while ``hold`` is above 0."""

    SPIKES = 0  #: it does not spike; all else goes on
    MEMBRANE = 1  #: the membrane, which takes nothing either
    ALL = 2  #: membrane and currents, which take nothing either


class Column(NamedTuple):
    """A parameter of a set: its name, and its least and largest value."""

    name: str
    least: int
    most: int


@dataclass(frozen=True)
class LinearNeuron:
    """Structure of a linear neuron: what hardware is compiled for. Its parameters are sets of integers in a table, one column a parameter.

    Parameters
    ----------
    format : QFormat
        Of the membrane, and of ``threshold``, ``reset``, ``rest``, ``bias`` and the kicks.
    leak_fraction : int
        Fraction bits h of ``leak``, up to 28; those of the format by default (None).
    rounding : Rounding
        Of every product; stochastic without currents alone.
    overflow : Overflow
        Of membrane and currents.
    order : Order
    reset : Reset
    currents : tuple of str
        Names of the exponential currents, at most two; each is a port. Without, there is one port, ``v``.
    kicks : bool
        With currents alone: ``v`` is a port beside them.
    held : Held
        What stands still while a neuron is held, its membrane by default.
    current_format : QFormat
        Of the currents; that of the membrane by default (None).
    decay_fraction : int
        Fraction bits d of ``decay``, up to 28.
    coupling_bits, coupling_shift : int
        Bits of ``coupling``, at most 24, and s, at most 40.

    Raises
    ------
    InputError
        With everything that is out of range.
    """

    format: QFormat
    leak_fraction: int = None  # type: ignore[assignment]
    rounding: Rounding = Rounding.NEAREST
    overflow: Overflow = Overflow.SATURATE
    order: Order = Order.PUBLISHED
    reset: Reset = Reset.VALUE
    currents: tuple[str, ...] = ()
    current_format: QFormat = None  # type: ignore[assignment]
    decay_fraction: int = 16
    coupling_bits: int = 16
    coupling_shift: int = 16
    kicks: bool = False
    held: Held = field(default=Held.MEMBRANE, kw_only=True)

    latency: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require_type(self, "format", QFormat)
        if self.leak_fraction is None:
            object.__setattr__(self, "leak_fraction", self.format.fraction)
        if self.current_format is None:
            object.__setattr__(self, "current_format", self.format)
        require_type(self, "current_format", QFormat)
        require_whole(self, "leak_fraction", "decay_fraction", "coupling_bits", "coupling_shift")
        for name, kind in (("rounding", Rounding), ("overflow", Overflow), ("order", Order), ("reset", Reset), ("held", Held)):
            require_member(self, name, kind)
        require_type(self, "kicks", bool)
        object.__setattr__(self, "currents", tuple(self.currents))
        problems = Problems()
        for name, least, most in (("leak_fraction", 1, MAX_LEAK_FRACTION), ("decay_fraction", 1, MAX_LEAK_FRACTION),
                                  ("coupling_bits", 1, MAX_COUPLING_BITS), ("coupling_shift", 0, MAX_SHIFT)):
            value = getattr(self, name)
            problems.require(least <= value <= most, f"{name} must be in {least}..{most}, not {value}")
        named = all(identifier(name) and name not in RESERVED for name in self.currents)
        problems.require(named and len({*self.currents}) == len(self.currents) <= MAX_CURRENTS,
                         f"Currents must be at most {MAX_CURRENTS} different names, such as exc and inh, not {self.currents!r}")
        problems.require(self.kicks in (False, bool(self.currents)), "Kicks must be False without currents, as the membrane takes them anyway")
        problems.require(not (self.currents and self.rounding == Rounding.STOCHASTIC),
                         "Rounding must be floor or nearest for a neuron with currents, not stochastic: its random bits are for one product")
        problems.require(self.held != Held.ALL or bool(self.currents), "Held must be spikes or membrane without currents, not all; use membrane")
        problems.raise_any()

    @property
    def kind(self) -> str:
        """``lif``, ``cuba_lif`` or ``kicked_cuba_lif``."""
        return "kicked_" * self.kicks + "cuba_" * bool(self.currents) + "lif"

    @property
    def ports(self) -> tuple[str, ...]:
        """Where synapses, drives and inputs may add."""
        return self.currents + ("v",) * (self.kicks or not self.currents)

    def port_format(self, port: str) -> QFormat:
        """Of what is added there."""
        return self.current_format if port in self.currents else self.format

    @property
    def draws(self) -> bool:
        """Whether a step takes random bits."""
        return self.rounding == Rounding.STOCHASTIC

    @property
    def state(self) -> dict[str, int]:
        """Widths of what a neuron remembers, by name; the membrane and currents are signed, the others counts."""
        fired = {"fired": 1} if self.order == Order.BRIAN2 else {}
        return {"v": self.format.width, "hold": REFRACTORY_BITS, "overflow": 1, **fired,
                **dict.fromkeys(self.currents, self.current_format.width)}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The parameters of a set, in the order of the table."""
        q = self.format
        subtracts = self.reset == Reset.SUBTRACT
        found = [Column("leak", 0, 1 << self.leak_fraction), Column("rest", q.min, q.max), Column("threshold", q.min, q.max),
                 Column("reset", 1 if subtracts else q.min, q.max), Column("refractory", 0, (1 << REFRACTORY_BITS) - 1), Column("bias", q.min, q.max)]
        for name in self.currents:
            found += [Column(f"decay_{name}", 0, 1 << self.decay_fraction), Column(f"coupling_{name}", 0, (1 << self.coupling_bits) - 1)]
        return tuple(found)

    def problems(self, sets: Mapping[str, np.ndarray]) -> list[str]:
        """What is wrong with parameter sets that are each in range."""
        if self.reset == Reset.SUBTRACT or np.all(sets["reset"] < sets["threshold"]):
            return []
        k = int(np.argmax(sets["reset"] >= sets["threshold"]))
        return [f"reset {sets['reset'][k]} of set {k} must be below its threshold {sets['threshold'][k]} (raw)"]

    def start(self, sets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """States of a neuron before step 0 that are not 0, int64 (sets,) each: a membrane at its rest."""
        return {"v": sets["rest"]}

    def constants(self) -> np.ndarray:
        """What `linear_step` needs to know of the structure, int64 (12,)."""
        return np.array([self.format.width, self.leak_fraction, self.rounding, self.overflow, self.order, self.reset, len(self.currents),
                         self.current_format.width, self.decay_fraction, self.coupling_shift, "v" in self.ports, self.held], np.int64)


@kernel
def linear_step(state: tuple[np.ndarray, ...], i: int, inputs: tuple[np.ndarray, ...], table: np.ndarray, k: int, s: np.ndarray, random: int) -> int:
    """One step of neuron ``i``, in place; whether it spikes.

    Parameters
    ----------
    state : tuple of numpy.ndarray
        int32 (n,) each: ``v``, ``hold``, ``overflow``, ``fired``, and two currents.
    inputs : tuple of numpy.ndarray
        int32 (n,) each, raw sums of the ports.
    table : numpy.ndarray
        int64 (sets, columns), and ``k``, the neuron's set.
    s : numpy.ndarray
        `LinearNeuron.constants`.
    random : int
        0..2^leak_fraction - 1, for stochastic rounding alone.
    """
    p = membrane(table, k)
    given, begun = flow(state, i, inputs, table, k, s), begin(state, i, inputs, p, s)
    spike: int = finish(state, i, begun, given, p, s, random)
    return spike


@kernel
def noisy_linear_step(state: tuple[np.ndarray, ...], i: int, inputs: tuple[np.ndarray, ...], table: np.ndarray, k: int, s: np.ndarray,
                      more: int) -> int:
    """`linear_step` without random bits; ``more`` is what flows into the membrane besides."""
    p = membrane(table, k)
    given, begun = flow(state, i, inputs, table, k, s) + more, begin(state, i, inputs, p, s)
    spike: int = finish(state, i, begun, given, p, s, 0)
    return spike
