"""Claims about neurons in Q8.8, to the nearest, saturating, without gain and noise."""

from amaranth.hdl import Cat, Const, Mux, Signal, Value, signed

from verification.contracts.catalogue import DECAY
from verification.formal.arithmetic import HALF, HIGHEST, LOWEST
from verification.formal.bench import Bench

__all__ = ["lif", "adaptive_lif"]


def products(b: Bench, value: Value, factor: Value, bits: int) -> Value:
    """``value * factor`` as the sum of what is shifted by the ones of the factor."""
    total = Const(0, bits)
    for k in range(len(factor)):
        before, total = total, Signal(bits)
        b.m.d.comb += total.eq(before + Mux(factor[k], value << k, 0))
    return total


def integrates(b: Bench, limit: Value) -> tuple[Value, Value, Value, Value]:
    """Claims about any neuron that spikes at ``limit``: v + (leak * (rest - v) rounded) + current, one cycle later.

    Returns ``(free, fitted, above, expected)``: whether it is not held, its sum in the format, whether that was above, and what v, hold and overflow
    should be, packed.
    """
    dut, after, spike = b.dut, b.dut.o_state, b.dut.o_spike
    before, current, leak, rest = b.past(dut.i_state), b.past(dut.i_current), b.past(dut.leak), b.past(dut.rest_leak)
    held = before.hold != 0
    change, total = Signal(signed(22)), Signal(signed(24))
    shifted = before.v - LOWEST
    b.m.d.comb += [change.eq((rest + HALF - products(b, shifted, leak, 28)) >> 8), total.eq(before.v + current + change)]
    above, below = total > HIGHEST, total < LOWEST
    fitted = Signal(signed(16))
    b.m.d.comb += fitted.eq(Mux(above, HIGHEST, Mux(below, LOWEST, total)))
    fires, free = ~held & (fitted >= limit), ~b.first & ~held

    b.claim("No spike while refractory", ~spike, when=held)
    b.claim("The membrane stands still while refractory", after.v == before.v, when=held)
    b.claim("The refractory counter counts down to 0", after.hold == before.hold - 1, when=held)
    b.claim("A neuron that neither spikes nor is refractory stays free", after.hold == 0, when=~held & ~spike)
    b.claim("After a spike the membrane is the reset", after.v == dut.v_reset, when=spike)
    b.claim("After a spike the counter is the refractory time", after.hold == dut.refractory, when=spike, cover=dut.refractory != 0)
    b.claim("A free neuron spikes exactly when the membrane reaches the threshold", spike == fires, when=free, cover=spike & (fitted == limit))
    b.claim("Without a spike the membrane is the exact sum", after.v == total, when=free & ~spike & ~above & ~below)
    b.claim("A sum below the format is the lowest number", after.v == LOWEST, when=free & below & ~spike)
    b.claim("The membrane exceeds the sum only below the format", (total >= after.v) | below, when=free & ~spike)
    b.claim("The overflow flag rises exactly when the sum of a free neuron leaves the format",
            after.overflow == (before.overflow | ~held & (above | below)),
            when=~b.first, cover=after.overflow & ~before.overflow)
    b.claim("The overflow flag stays", after.overflow, when=before.overflow)
    b.claim("A refractory neuron does not overflow", after.overflow == before.overflow, when=held)
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
    expected = Cat(Mux(fires, dut.v_reset, Mux(held, before.v, fitted))[:16], Mux(held, before.hold - 1, Mux(fires, dut.refractory, 0))[:8],
                   before.overflow | ~held & (above | below))
    return free, fitted, above, expected


def lif(b: Bench) -> None:
    """The plain neuron."""
    free, _, above, expected = integrates(b, b.dut.threshold)
    b.claim("A sum above the format always is a spike", b.dut.o_spike, when=free & above)
    b.claim("The whole next state is that of the equation", Value.cast(b.dut.o_state) == expected, when=~b.first)


def adaptive_lif(b: Bench) -> None:
    """With a threshold that theta raises: theta decays, then is added, then grows at a spike."""
    dut, theta, spike, now = b.dut, b.past(b.dut.i_state.theta), b.dut.o_spike, ~b.first
    share, fallen, limit, grown = Signal(15), Signal(15), Signal(signed(17)), Signal(16)
    b.m.d.comb += [share.eq(theta >> DECAY), fallen.eq(Mux(theta == 0, 0, theta - Mux(share == 0, 1, share))),
                   limit.eq(dut.threshold + fallen), grown.eq(fallen + dut.jump)]
    free, fitted, above, expected = integrates(b, limit)
    after, plain = dut.o_state.theta, fitted >= dut.threshold
    b.claim("Without a spike theta loses its share", after == theta - share, when=now & ~spike & (share != 0))
    b.claim("A theta whose share is 0 loses 1", after == theta - 1, when=now & ~spike & (share == 0) & (theta != 0))
    b.claim("A theta of 0 stays 0 without a spike", after == 0, when=now & ~spike & (theta == 0), cover=free & (fitted > 0))
    b.claim("Theta falls while the neuron is refractory, too", after == fallen, when=now & ~free, cover=theta != 0)
    b.claim("A spike adds the jump to what is left of theta", after == fallen + dut.jump, when=spike & (grown <= HIGHEST), cover=dut.jump != 0)
    b.claim("A theta above the format is its highest number", after == HIGHEST, when=spike & (grown > HIGHEST))
    b.claim("Without a jump theta never rises", after <= theta, when=now & (dut.jump == 0), cover=spike & (theta != 0))
    b.claim("No spike below the threshold, whatever theta is", ~spike, when=free & ~plain)
    b.claim("A membrane from the threshold up to theta above it is no spike, and kept", ~spike & (dut.o_state.v == fitted),
            when=free & plain & (fitted < limit))
    b.claim("A threshold that theta has raised above the format is never reached", ~spike, when=now & (limit > HIGHEST), cover=free & above)
    b.claim("A theta of 0 or 1 leaves the threshold as it is, as it decays first", spike == plain, when=free & (theta <= 1), cover=theta & spike)
    b.claim("A sum above the format is a spike as long as the threshold is inside", spike, when=free & above & (limit <= HIGHEST))
    next_theta = Mux(spike, Mux(grown > HIGHEST, HIGHEST, grown), fallen)[:15]
    b.claim("The whole next state is that of the equations", Value.cast(dut.o_state) == Cat(next_theta, expected), when=now)
