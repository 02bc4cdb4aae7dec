"""Claims about fixed-point arithmetic."""

from verification.formal.bench import Bench

__all__ = ["requantise"]

#: Of Q8.8, raw.
LOWEST, HIGHEST, ONE, HALF = -(1 << 15), (1 << 15) - 1, 1 << 8, 1 << 7


def requantise(b: Bench) -> None:
    """Q8.8, to the nearest, halves up, saturating."""
    product, result, overflowed = b.dut.product, b.dut.result, b.dut.overflowed
    exact = result * ONE
    before, result_before = b.past(product), b.past(result)
    b.claim("A result is less than half a step below its product", product - exact < HALF, when=~overflowed, cover=product > exact)
    b.claim("A result is at most half a step above its product", exact - product <= HALF, when=~overflowed, cover=product < exact)
    b.claim("A half goes up", exact == product + HALF, when=~overflowed & (product[:8] == HALF))
    b.claim("A product that is a number of the format stays it", exact == product, when=(product[:8] == 0) & ~overflowed)
    b.claim("The highest number is never an overflow", ~overflowed & (result == HIGHEST), when=product == HIGHEST * ONE)
    b.claim("The lowest number is never an overflow", ~overflowed & (result == LOWEST), when=product == LOWEST * ONE)
    b.claim("An overflow is a product that rounds above the highest number or below the lowest",
            overflowed == ((product >= HIGHEST * ONE + HALF) | (product < LOWEST * ONE - HALF)), cover=overflowed)
    b.claim("Above the format, the result is the highest number", result == HIGHEST, when=overflowed & (product > 0))
    b.claim("Below the format, the result is the lowest number", result == LOWEST, when=overflowed & (product < 0))
    b.claim("A larger product has no smaller result", result >= result_before, when=~b.first & (product > before), cover=overflowed)
    b.claim("The sign is kept", (result < 0) == (product < 0), when=(product >= HALF) | (product < -HALF))
    b.claim("Less than half a step is 0", result == 0, when=(product < HALF) & (product >= -HALF), cover=product < 0)
