"""Claims about fixed-point arithmetic."""

from amaranth.hdl import Cat, Const, Mux, Signal, Value, signed

from verification.formal.bench import Bench

__all__ = ["requantise", "lif"]

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


def products(b: Bench, value: Value, factor: Value, bits: int) -> Value:
    """``value * factor`` as the sum of what is shifted by the ones of the factor."""
    total = Const(0, bits)
    for k in range(len(factor)):
        before, total = total, Signal(bits)
        b.m.d.comb += total.eq(before + Mux(factor[k], value << k, 0))
    return total


def lif(b: Bench) -> None:
    """Q8.8, to the nearest, saturating, without gain and noise: v + (leak * (rest - v) rounded) + current, one cycle later."""
    dut, after, spike = b.dut, b.dut.o_state, b.dut.o_spike
    before, current, leak, rest = b.past(dut.i_state), b.past(dut.i_current), b.past(dut.leak), b.past(dut.rest_leak)
    held = before.hold != 0
    change, total = Signal(signed(22)), Signal(signed(24))
    shifted = before.v - LOWEST
    b.m.d.comb += [change.eq((rest + HALF - products(b, shifted, leak, 28)) >> 8), total.eq(before.v + current + change)]
    above, below = total > HIGHEST, total < LOWEST
    fitted = Signal(signed(16))
    b.m.d.comb += fitted.eq(Mux(above, HIGHEST, Mux(below, LOWEST, total)))
    fires, free = ~held & (fitted >= dut.threshold), ~b.first & ~held

    b.claim("No spike while refractory", ~spike, when=held)
    b.claim("The membrane stands still while refractory", after.v == before.v, when=held)
    b.claim("The refractory counter counts down to 0", after.hold == before.hold - 1, when=held)
    b.claim("A neuron that neither spikes nor is refractory stays free", after.hold == 0, when=~held & ~spike)
    b.claim("After a spike the membrane is the reset", after.v == dut.v_reset, when=spike)
    b.claim("After a spike the counter is the refractory time", after.hold == dut.refractory, when=spike, cover=dut.refractory != 0)
    b.claim("A free neuron spikes exactly when the membrane reaches the threshold", spike == fires, when=free,
            cover=spike & (fitted == dut.threshold))
    b.claim("Without a spike the membrane is the exact sum", after.v == total, when=free & ~spike & ~above & ~below)
    b.claim("A sum above the format always is a spike", spike, when=free & above)
    b.claim("A sum below the format is the lowest number", after.v == LOWEST, when=free & below & ~spike)
    b.claim("The membrane exceeds the sum only below the format", (total >= after.v) | below, when=free & ~spike)
    b.claim("The overflow flag rises exactly when the sum of a free neuron leaves the format",
            after.overflow == (before.overflow | ~held & (above | below)),
            when=~b.first, cover=after.overflow & ~before.overflow)
    b.claim("The overflow flag stays", after.overflow, when=before.overflow)
    b.claim("A refractory neuron does not overflow", after.overflow == before.overflow, when=held)
    expected = Cat(Mux(fires, dut.v_reset, Mux(held, before.v, fitted))[:16], Mux(held, before.hold - 1, Mux(fires, dut.refractory, 0))[:8],
                   before.overflow | ~held & (above | below))
    b.claim("The whole next state is that of the equation", Value.cast(after) == expected, when=~b.first)
    b.claim("Without a leak the current is integrated", after.v == before.v + current,
            when=free & ~spike & (leak == 0) & (rest == 0) & ~above & ~below,
            cover=current != 0)
    power, by_shift = Signal(), Signal(signed(24))
    for k in range(9):
        with b.m.If(leak == 1 << k):
            b.m.d.comb += [power.eq(1), by_shift.eq(before.v + current + ((rest + HALF - (shifted << k)) >> 8))]
    b.claim("With a leak that is a power of two, the multiplier is a shift", after.v == by_shift,
            when=free & power & ~spike & (by_shift >= LOWEST) & (by_shift <= HIGHEST))
    b.claim("At rest and without a current the membrane stays", after.v == before.v,
            when=free & ~spike & (current == 0) & (change == 0), cover=leak != 0)
