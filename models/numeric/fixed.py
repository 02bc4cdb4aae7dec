"""Fixed-point numbers: formats, rounding and overflow. The only place in the models where either is written."""

import enum
import re
from dataclasses import dataclass
from fractions import Fraction

from spikegate.models.checks import require, require_whole, whole_numbers
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel

__all__ = ["Rounding", "Overflow", "QFormat", "Q8_8", "Q16_12", "round_shift", "fit"]


class Rounding(enum.IntEnum):
    """How bits below the binary point of a product are dropped."""

    FLOOR = 0
    NEAREST = 1  #: half up, towards plus infinity
    STOCHASTIC = 2  #: up with probability equal to the dropped fraction


class Overflow(enum.IntEnum):
    """What becomes of a sum that leaves the format."""

    SATURATE = 0
    WRAP = 1


@dataclass(frozen=True)
class QFormat:
    """Two's-complement fixed point: ``raw = value * 2**fraction`` in ``width`` bits.

    Parameters
    ----------
    width : int
        All bits including the sign, 2..32.
    fraction : int
        Bits below the binary point, 1..width-1; ``width + fraction`` at most 54, so that every product
        that a neuron forms fits in 64 bits.

    Raises
    ------
    InputError
        If either is out of range.
    """

    width: int
    fraction: int

    def __post_init__(self) -> None:
        require_whole(self, "width", "fraction")
        if not 2 <= self.width <= 32:
            raise InputError(f"Format width must be in 2..32 bits, not {self.width!r}")
        if not 1 <= self.fraction < self.width or self.width + self.fraction > 54:
            limit = min(self.width - 1, 54 - self.width)
            raise InputError(f"Format fraction must be in 1..{limit} bits for width {self.width}, not {self.fraction!r}")

    @classmethod
    def parse(cls, text: str) -> "QFormat":
        """``qM.N``: M integer bits, the sign among them, and N fraction bits; ``q16.12`` is the published name of 32 bits with 12 of them fraction.

        Raises
        ------
        InputError
            If it is written otherwise or there is no such format.
        """
        require("Format", text, str, "write it qM.N, such as q8.8")
        found = re.fullmatch(r"[qQ](\d{1,3})\.(\d{1,3})", text)
        if not found:
            raise InputError(f"Format must be written qM.N, M integer bits with the sign and N fraction bits, such as q8.8, not {text!r}")
        integer, fraction = map(int, found.groups())
        return Q16_12 if (integer, fraction) == (16, 12) else cls(integer + fraction, fraction)

    @property
    def min(self) -> int:
        """Smallest raw integer."""
        return -(1 << (self.width - 1))

    @property
    def max(self) -> int:
        """Largest raw integer."""
        return (1 << (self.width - 1)) - 1

    @property
    def one(self) -> int:
        """Raw integer of 1.0."""
        return 1 << self.fraction

    def holds(self, raw: int) -> bool:
        """Whether ``raw`` lies inside the format."""
        return self.min <= raw <= self.max

    def real(self, raw: int) -> Fraction:
        """The exact value of a raw integer."""
        return Fraction(*whole_numbers(raw=raw), self.one)  # type: ignore[call-overload, no-any-return]  # it is one number

    def wider(self, raw: int) -> str:
        """What to do about a raw integer that the format does not hold: how wide a format would do, or that none does."""
        need, limit = (raw if raw >= 0 else ~raw).bit_length() + 1, min(32, 54 - self.fraction)
        return f"use a wider format, of {need} bits or more" if need <= limit else f"use fewer fraction bits, as {limit} bits are the most with these"

    def __str__(self) -> str:
        if self.fraction == 12 and self.width in (28, 32):
            return "q16.12" if self.width == 32 else "q16.12 of 28 bits"
        return f"q{self.width - self.fraction}.{self.fraction}"


Q8_8 = QFormat(16, 8)
Q16_12 = QFormat(32, 12)


@kernel
def round_shift(value: int, shift: int, rounding: int, random: int) -> int:
    """``value * 2**-shift`` rounded to an integer.

    FLOOR: ``value >> shift``. NEAREST: ``(value + 2**(shift-1)) >> shift``. STOCHASTIC: ``(value + random) >> shift``
    with ``random`` in 0..2**shift-1. The shift is arithmetic. ``value`` must lie within 62 bits.
    """
    if rounding == 1:
        value += (1 << shift) >> 1
    elif rounding == 2:
        value += random
    return value >> shift


@kernel
def fit(value: int, width: int, overflow: int) -> tuple[int, int]:
    """Bring an exact sum into ``width`` bits: ``(result, overflowed)``.

    SATURATE clips to the nearer end of the range; WRAP keeps the low ``width`` bits. ``overflowed`` is 1
    exactly when ``value`` was outside the range, in both modes.
    """
    high = (1 << (width - 1)) - 1
    low = -high - 1
    if low <= value <= high:
        return value, 0
    if overflow == 1:
        return ((value - low) & ((1 << width) - 1)) + low, 1
    return (high, 1) if value > high else (low, 1)
