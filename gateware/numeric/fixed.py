"""Fixed-point arithmetic in gates. The only place in the gateware where rounding or overflow is written."""

from amaranth.hdl import Const, Module, Mux, Shape, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding

__all__ = ["rounded", "round_shift", "fit", "fit_offset", "Requantise"]


def rounded(value: Value, shift: int, rounding: Rounding, random: Value) -> Value:
    """``value`` with what makes an arithmetic shift by ``shift`` round."""
    if rounding == Rounding.NEAREST and shift:
        return value + Const(1 << (shift - 1), signed(shift + 1))
    return value + random if rounding == Rounding.STOCHASTIC else value


def round_shift(value: Value, shift: int, rounding: Rounding, random: Value) -> Value:
    """``value * 2**-shift`` rounded to an integer, as `spikegate.models.numeric.fixed.round_shift`; signed, loses no bit."""
    return rounded(value, shift, rounding, random).shift_right(shift)


def fit_offset(value: Value, width: int, overflow: Overflow) -> tuple[Value, Value]:
    """`fit` in offset binary: ``value`` stands for its signed number, in at least width + 1 bits, plus 2^(width-1)."""
    kept, overflowed = value[:width], value[width:].any()
    if overflow == Overflow.SATURATE:
        kept = Mux(overflowed, Mux(value[-1], Const(0, width), Const(-1, width)), kept)
    return kept, overflowed


def fit(value: Value, width: int, overflow: Overflow) -> tuple[Value, Value]:
    """A signed value in ``width`` bits and whether it was outside, as `spikegate.models.numeric.fixed.fit`."""
    if len(value) <= width:
        return value, Const(0, 1)
    kept, upper = value[:width], value[width - 1:]
    overflowed = ~((upper == 0) | upper.all())
    if overflow == Overflow.SATURATE:
        high = (1 << (width - 1)) - 1
        kept = Mux(overflowed, Mux(value[-1], Const(high + 1, width), Const(high, width)), kept)
    return kept.as_signed(), overflowed


class Requantise(wiring.Component):
    """A product brought back into its format: rounded, then fitted. Combinational.

    Parameters
    ----------
    format : QFormat
        Format of the result; the product has twice its fraction.
    rounding : Rounding
    overflow : Overflow

    Members
    -------
    product : In(signed(2 * width))
    random : In(fraction)
        Used by stochastic rounding alone.
    result : Out(signed(width))
    overflowed : Out(1)
    """

    def __init__(self, format: QFormat, rounding: Rounding, overflow: Overflow) -> None:
        self.format, self.rounding, self.overflow = format, rounding, overflow
        super().__init__({"product": In(signed(2 * format.width)), "random": In(format.fraction),
                          "result": Out(Shape(format.width, signed=True)), "overflowed": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rounded = round_shift(self.product, self.format.fraction, self.rounding, self.random)
        result, overflowed = fit(rounded, self.format.width, self.overflow)
        m.d.comb += [self.result.eq(result), self.overflowed.eq(overflowed)]
        return m
