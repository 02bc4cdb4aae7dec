"""UART, 8 data bits, no parity, one stop bit: the divisor that makes a baud rate, the bits of a byte, and the receiver's rule."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from spikegate.models.errors import InputError

__all__ = ["MIN_DIVISOR", "MAX_ERROR", "BITS", "UartParams", "bits", "sample_offset", "tolerance", "receive"]

#: Clock cycles of a bit; below, the receiver's uncertainty of a cycle is more than half of what there is to spare.
MIN_DIVISOR = 3
#: Largest deviation from the baud rate that was asked for.
MAX_ERROR = Fraction(2, 100)
#: Start bit, data, stop bit.
BITS = 10


def sample_offset(divisor: int) -> int:
    """Cycles from the one in which a start bit is first seen to its sample, near the middle; the other bits follow ``divisor`` apart."""
    return (divisor - 1) // 2


def tolerance(divisor: int) -> Fraction:
    """How far the sender's bits may be longer or shorter, as a fraction, so that every bit is sampled inside.

    The start edge lies up to one cycle before the cycle that sees it, so that the stop bit is sampled between ``9 d + s`` and
    ``9 d + s + 1`` cycles after the edge. It lasts from ``9 d (1 + e)`` to ``10 d (1 + e)``.
    """
    s = sample_offset(divisor)
    return min(Fraction(s, 9 * divisor), Fraction(divisor - s - 1, 10 * divisor))


@dataclass(frozen=True)
class UartParams:
    """A baud rate made by dividing a clock.

    Parameters
    ----------
    clock_hz, baud : int
        In 1/s, above 0.

    Raises
    ------
    InputError
        If the nearest divisor is more than 2 % off, or below 3.
    """

    clock_hz: int
    baud: int

    def __post_init__(self) -> None:
        for name, value in (("Clock", self.clock_hz), ("Baud rate", self.baud)):
            if value <= 0:
                raise InputError(f"{name} must be above 0 Hz, not {value}; give it in 1/s")
        if self.divisor < MIN_DIVISOR or abs(self.error) > MAX_ERROR:
            off, near = float(abs(self.error)), self.clock_hz // max(self.divisor, MIN_DIVISOR)
            raise InputError(f"A baud rate that the clock cannot make: {self.baud:,} from {self.clock_hz:,} Hz is {off:.1%} off with {self.divisor} "
                             f"cycles a bit, limits {float(MAX_ERROR):.0%} and at least {MIN_DIVISOR} cycles; use {near:,} baud or another clock")

    @property
    def divisor(self) -> int:
        """Clock cycles of a bit."""
        return max(1, round(Fraction(self.clock_hz, self.baud)))

    @property
    def error(self) -> Fraction:
        """Realised baud rate over the one asked for, minus 1."""
        return Fraction(self.clock_hz, self.divisor * self.baud) - 1

    @property
    def tolerance(self) -> Fraction:
        """As `tolerance`, of the receiver."""
        return tolerance(self.divisor)


def bits(byte: int) -> list[int]:
    """The line while a byte is sent, a value for each bit: start bit 0, data from bit 0 to bit 7, stop bit 1."""
    return [0, *(byte >> k & 1 for k in range(8)), 1]


def receive(line: Iterable[int], divisor: int) -> Iterator[tuple[int, int]]:
    """What the receiver makes of a line, one value a cycle: ``(byte, 1)``, or ``(byte, 0)`` when the stop bit was 0.

    A start bit that is over at its sample is none. After a stop bit of 0 (a framing error, or a break when all bits are 0) the
    line has to be 1 before another start bit.
    """
    samples: list[int] = []
    wait, ready = 0, True
    for level in line:
        if not samples and not wait:
            ready = ready or level == 1
            if not (ready and level == 0):
                continue
            wait = sample_offset(divisor) + 1
        wait -= 1
        if wait:
            continue
        if not samples and level:
            continue
        samples.append(level)
        if len(samples) < BITS:
            wait = divisor
            continue
        yield sum(bit << k for k, bit in enumerate(samples[1:9])), level
        samples, ready = [], level == 1
