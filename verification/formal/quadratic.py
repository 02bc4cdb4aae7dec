"""Claims about Izhikevich neurons, four cycles later: the published order in small formats, to the nearest, saturating."""

from amaranth.hdl import Cat, Mux, Signal, Value, signed

from verification.contracts.catalogue import IZHIKEVICH
from verification.formal.bench import SAMPLE, Bench
from verification.formal.linear import fitted

__all__ = ["izhikevich"]


def late(b: Bench, value, cycles: int = 4):
    """What a value was so many cycles before."""
    return value if cycles == 0 else b.past(late(b, value, cycles - 1))


def nearest(value: Value, bits: int) -> Value:
    """``value * 2^-bits``, to the nearest."""
    return (value + (1 << bits - 1)).shift_right(bits)


def izhikevich(b: Bench) -> None:
    """Membranes of 7 bits and u of 8."""
    neuron, _ = IZHIKEVICH
    b.least, b.sample = 4, SAMPLE
    dut, after, spike = b.dut, b.dut.o_state, b.dut.o_spike
    by_square, by_b, steepness, pull, by_slope, by_a = (
        b.inner(name) for name in ("s2.by_square", "s2.by_b", "s3.steepness", "s3.pull", "s4.by_slope", "s4.by_a"))
    square, factor = late(b, dut.i_state.v * dut.square, 2), late(b, dut.i_state.v * dut.b, 2)
    b.claim("The second stage holds the exact product of membrane and square", by_square == square, cover=by_square < 0)
    b.claim("The second stage holds the exact product of membrane and b", by_b == factor, cover=by_b < 0)
    slope, draw = Signal(signed(20)), Signal(signed(20))
    b.m.d.comb += [slope.eq(nearest(b.past(by_square), neuron.square_shift) + late(b, dut.slope, 3)),
                   draw.eq(nearest(b.past(by_b), neuron.b_shift) - late(b, dut.i_state.u, 3))]
    b.claim("The third stage holds the slope of the quadratic", steepness == slope, cover=(steepness < 0) & (b.past(by_square) != 0))
    b.claim("The third stage holds how far u is from b v", pull == draw, cover=(pull < 0) & (b.past(by_b) != 0))
    b.claim("The fourth stage holds the exact product of membrane and slope", by_slope == b.past(steepness) * late(b, dut.i_state.v),
            cover=by_slope < 0)
    b.claim("The fourth stage holds the exact product of a and the way to b v", by_a == b.past(pull) * late(b, dut.a), cover=by_a < 0)
    given = {"v": dut.i_state.v, "u": dut.i_state.u, "overflow": dut.i_state.overflow, "due": dut.i_input[0], "bias": dut.bias, "c": dut.c,
             "d": dut.d, "peak": dut.peak}
    carried = {name: b.inner(f"s4.{name}") for name in given}
    for name, value in given.items():
        b.lemma(carried[name] == late(b, value))
    before_v, before_u, overflowed, due, bias, c, d, peak = carried.values()
    total, moved = Signal(signed(20)), Signal(signed(20))
    less = nearest(before_u, neuron.u_format.fraction - neuron.format.fraction)
    # In the order of the last stage, so that equal sums are found equal.
    b.m.d.comb += [total.eq(before_v + nearest(by_slope, neuron.slope_fraction) + bias - less + due),
                   moved.eq(before_u + nearest(by_a, neuron.a_fraction))]
    width, bits = neuron.format.width, neuron.u_format.width
    v, v_above, v_below = fitted(b, total, width)
    u, u_above, u_below = fitted(b, moved, bits)
    raised, d_above, d_below = fitted(b, u + d, bits)
    outside = v_above | v_below | u_above | u_below | spike & (d_above | d_below)
    b.claim("A neuron spikes exactly when its membrane is at the peak or above", spike == (v >= peak), cover=(v == peak) & spike)
    b.claim("Without a spike the membrane is the exact sum", after.v == total, when=~spike & ~v_above & ~v_below, cover=(due != 0) & (less != 0))
    b.claim("A sum below the format is the lowest number", after.v == -(1 << width - 1), when=v_below & ~spike)
    b.claim("A sum above the format always is a spike", spike, when=v_above)
    b.claim("After a spike the membrane is c", after.v == c, when=spike, cover=c != 0)
    b.claim("Without a spike u goes its way to b v", after.u == u, when=~spike, cover=u != before_u)
    b.claim("After a spike u is raised by d, in its format", after.u == raised, when=spike, cover=(d != 0) & (u != before_u))
    b.claim("With an a of 0 and without a spike u stays", after.u == before_u, when=~spike & (late(b, dut.a) == 0), cover=pull != 0)
    b.claim("Without a quadratic, the membrane loses u and takes its input and bias", after.v == before_v + bias - less + due,
            when=~spike & ~v_above & ~v_below & (b.past(steepness) == 0), cover=(due != 0) & (bias != 0) & (less != 0))
    b.claim("The overflow flag stays", after.overflow, when=overflowed)
    b.claim("The overflow flag rises exactly when a sum leaves its format", after.overflow == (overflowed | outside),
            cover=after.overflow & ~overflowed)
    b.claim("The whole next state is that of the equations", Value.cast(after) == Cat(
        Mux(v >= peak, c, v)[:width], Mux(v >= peak, raised, u)[:bits], overflowed | outside))
