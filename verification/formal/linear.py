"""Claims about neurons of a core of point neurons, two cycles later; linear ones are in small formats, to the nearest, saturating."""

from amaranth.hdl import Cat, Const, Mux, Signal, Value, signed

from verification.contracts.catalogue import ADAPTIVE, LINEAR, LINEAR_BRIAN2
from verification.formal.bench import SAMPLE, Bench

__all__ = ["linear", "linear_brian2", "adaptive_linear", "bernoulli"]


def late(b: Bench, value):
    """What a value was two cycles before."""
    return b.past(b.past(value))


def scaled(b: Bench, value: Value, factor: Value, bits: int) -> Value:
    """``value * factor * 2^-bits``, to the nearest."""
    product = Signal(signed(20))
    b.m.d.comb += product.eq((value * factor + (1 << bits - 1)) >> bits)
    return product


def product(b: Bench, name: str, value: Value, factor: Value, bits: int) -> Value:
    """As `scaled`, of the product that the second stage holds: what follows need not multiply to be proved."""
    found = b.inner(f"products.{name}")
    b.claim(f"The second stage holds the exact product {name}", found == value * factor, cover=found < 0)
    return (found + (1 << bits - 1)).shift_right(bits)


def summed(b: Bench, parts: Value) -> Value:
    """The sum that the last stage makes, and a claim that it is that of ``parts``, which are added in its order: what follows need not add."""
    found, total = b.inner("s2_total"), Signal(signed(20))
    b.claim("The last stage adds up exactly what flows into the membrane", found == parts, cover=found < 0)
    b.m.d.comb += total.eq(found)
    return total


def fitted(b: Bench, value: Value, width: int) -> tuple[Value, Value, Value]:
    """A value in so many bits, whether it was above them, and whether it was below."""
    low, high, kept, exact = -(1 << width - 1), (1 << width - 1) - 1, Signal(signed(width)), Signal(signed(20))
    b.m.d.comb += [exact.eq(value), kept.eq(Mux(exact > high, high, Mux(exact < low, low, exact)))]
    return kept, exact > high, exact < low


def integrates(b: Bench, v: Value, held: Value, total: Value, width: int, *, strict: bool,
               above: int | Value = 0) -> tuple[Value, Value, Value]:
    """Claims about any neuron that is compared with what is ``above`` its threshold when its ``total`` is in the format; a held one keeps ``v``.

    Returns whether it spikes, the total in the format, and whether it is outside.
    """
    dut, after, spike, free = b.dut, b.dut.o_state, b.dut.o_spike, ~held
    threshold, refractory, hold = late(b, dut.threshold) + above, late(b, dut.refractory), late(b, dut.i_state.hold)
    value, over, below = fitted(b, total, width)
    fires = free & ((value > threshold) if strict else (value >= threshold))
    meets = value == threshold
    b.claim("No spike while held", ~spike, when=held)
    b.claim("The membrane of a held neuron is not integrated", after.v == v, when=held, cover=v != total)
    b.claim("The count of held steps goes down by one", after.hold == hold - 1, when=held)
    b.claim("A neuron that neither spikes nor is held is free", after.hold == 0, when=free & ~spike, cover=hold != 0 if strict else 1)
    b.claim("After a spike the neuron is held for its refractory steps", after.hold == refractory, when=spike, cover=refractory > 1)
    b.claim("A free neuron spikes exactly when its membrane is " + ("above the threshold" if strict else "at the threshold or above"),
            spike == fires, when=free, cover=meets & ~spike if strict else meets & spike)
    b.claim("Without a spike the membrane is the exact sum", after.v == total, when=free & ~spike & ~over & ~below)
    b.claim("A sum below the format is the lowest number", after.v == -(1 << width - 1), when=free & below & ~spike)
    b.claim("The overflow flag stays", after.overflow, when=late(b, dut.i_state.overflow))
    return fires, value, over | below


def linear(b: Bench) -> None:
    """The published order, a reset to a value, Q4.4."""
    neuron, _ = LINEAR
    dut, after, spike = b.dut, b.dut.o_state, b.dut.o_spike
    before, given, leak, rest, reset, bias = (late(b, each) for each in (dut.i_state, dut.i_input[0], dut.leak, dut.rest, dut.reset, dut.bias))
    held, width = before.hold != 0, neuron.format.width
    change, total = scaled(b, rest - before.v, leak, neuron.leak_fraction), Signal(signed(20))
    b.m.d.comb += total.eq(before.v + change + given + bias)
    fires, value, outside = integrates(b, before.v, held, total, width, strict=False)
    free = ~held & ~spike & ~outside
    b.claim("After a spike the membrane is the reset", after.v == reset, when=spike)
    b.claim("A sum above the format always is a spike", spike, when=~held & outside & (total > 0))
    b.claim("The overflow flag rises exactly when the sum of a free neuron leaves the format", after.overflow == (before.overflow | ~held & outside),
            cover=after.overflow & ~before.overflow)
    b.claim("Without a leak, input and bias are integrated", after.v == before.v + given + bias, when=free & (leak == 0),
            cover=(given != 0) & (bias != 0))
    b.claim("A leak of 1.0 forgets the membrane", after.v == rest + given + bias, when=free & (leak == 1 << neuron.leak_fraction),
            cover=before.v != rest)
    b.claim("At rest, without input and bias, the membrane stays", after.v == rest, when=free & (before.v == rest) & (given == 0) & (bias == 0),
            cover=leak != 0)
    b.claim("The whole next state is that of the equation", Value.cast(after) == Cat(
        Mux(held, before.v, Mux(fires, reset, value))[:width], Mux(held, before.hold - 1, Mux(fires, late(b, dut.refractory), 0))[:8],
        before.overflow | ~held & outside))


def linear_brian2(b: Bench) -> None:
    """Brian2's order, two currents in Q3.3, a reset by subtraction, Q4.3."""
    neuron, _ = LINEAR_BRIAN2
    b.least, b.sample = 2, SAMPLE
    dut, after, spike, raised = b.dut, b.dut.o_state, b.dut.o_spike, Const(0, 1)
    for name in neuron.currents:
        raw = b.free(f"raw_{name}", 5)
        b.drive(getattr(dut, f"decay_{name}"), Mux(raw > 16, 16, raw))
    b.assume("No decay is above 1.0")
    before, leak, rest, reset, bias = (late(b, each) for each in (dut.i_state, dut.leak, dut.rest, dut.reset, dut.bias))
    state, params = b.inner("s2_state"), b.inner("s2_set")
    for column in neuron.columns:
        b.lemma(params[column.name] == late(b, getattr(dut, column.name)))
    flows, currents, width = [], [], neuron.format.width
    for name, port in zip(neuron.currents, dut.i_input):
        given, decay = late(b, port), late(b, getattr(dut, f"decay_{name}"))
        kicked, above, below = fitted(b, before[name] + given, neuron.current_format.width)
        b.claim(f"The second stage holds the kicked current {name}", state[name] == kicked, cover=above | below)
        share = product(b, f"decay_{name}", state[name], params[f"decay_{name}"], neuron.decay_fraction)
        left, now = Signal(signed(6), name=f"left_{name}"), after[name]
        b.m.d.comb += left.eq(kicked - share)
        raised |= above | below
        flows.append(product(b, f"coupling_{name}", state[name], params[f"coupling_{name}"], neuron.coupling_shift))
        currents.append(left)
        b.claim(f"The current {name} is kicked, then it decays", now == left, cover=(share != 0) & (given != 0))
        b.claim(f"A decay of 0 keeps the kicked current {name}, held or not", now == kicked, when=decay == 0, cover=(before.hold > 1) & (given != 0))
        b.claim(f"A decay of 1.0 leaves nothing of the current {name}", now == 0, when=decay == 16, cover=kicked != 0)
        b.claim(f"A current {name} that its kick takes out of its format raises the overflow flag, held or not", after.overflow, when=above | below,
                cover=~before.overflow & (before.hold > 1))
    restored, over, under = fitted(b, before.v - reset, width)
    v, held = Signal(signed(width)), before.hold > 1
    lost = before.fired & (over | under)
    b.m.d.comb += v.eq(Mux(before.fired, restored, before.v))
    b.claim("The second stage holds the membrane, after the reset of a spike", state.v == v, cover=before.fired & (v != 0))
    b.claim("The second stage knows whether a kick or the reset left its format", state.overflow == (before.overflow | raised | lost),
            cover=lost & ~raised)
    total = summed(b, sum(flows, state.v + product(b, "leak", params.rest - state.v, params.leak, neuron.leak_fraction) + params.bias))
    fires, value, outside = integrates(b, v, held, total, width, strict=True)
    b.claim("A spike shows in the membrane for one step, and is subtracted in the next, held or not", after.v == restored, when=before.fired & held)
    b.claim("A spike is remembered until the next step", after.fired == fires, cover=spike)
    b.claim("The membrane of a spike is that which was compared", after.v == value, when=spike, cover=value != late(b, dut.threshold) + 1)
    b.claim("The last held step is free", spike == fires, when=before.hold == 1, cover=spike)
    b.claim("The overflow flag rises exactly when a current, the reset, or the sum of a free neuron leaves its format",
            after.overflow == (before.overflow | raised | lost | ~held & outside), cover=after.overflow & ~before.overflow)
    b.claim("Without couplings no current flows into the membrane", after.v == v + bias,
            when=~held & ~outside & (leak == 0) & (late(b, dut.coupling_exc) == 0) & (late(b, dut.coupling_inh) == 0), cover=after.exc != 0)
    b.claim("The whole next state is that of the equations", Value.cast(after) == Cat(
        Mux(held, v, value)[:width], Mux(held, before.hold - 1, Mux(fires, late(b, dut.refractory), 0))[:8],
        before.overflow | raised | lost | ~held & outside, fires, *currents))


def adaptive_linear(b: Bench) -> None:
    """The published order with noise, a reset to a value, Q4.3; theta in Q4.4."""
    neuron, _, _ = ADAPTIVE
    b.least, b.sample = 2, SAMPLE
    dut, after, spike = b.dut, b.dut.o_state, b.dut.o_spike
    raw = b.free("raw_theta", 5)
    b.drive(dut.decay_theta, Mux(raw > 16, 16, raw))
    b.assume("No decay is above 1.0")
    before, given, noise, leak, rest, reset, bias = (late(b, each) for each in (
        dut.i_state, dut.i_input[0], dut.i_noise, dut.leak, dut.rest, dut.reset, dut.bias))
    state, params = b.inner("s2_state"), b.inner("s2_set")
    for column in neuron.columns:
        b.lemma(params[column.name] == late(b, getattr(dut, column.name)))
    b.lemma(Value.cast(state) == Value.cast(before))
    decay, jump, held, width = late(b, dut.decay_theta), late(b, dut.jump_theta), before.hold != 0, neuron.format.width
    share, theta = product(b, "decay_theta", state.theta, params.decay_theta, neuron.theta_fraction), Signal(signed(20))
    b.m.d.comb += theta.eq(before.theta - share)
    change = product(b, "leak", params.rest - state.v, params.leak, neuron.leak_fraction)
    total = summed(b, state.v + change + params.bias + (given + noise))
    # Theta has one bit more than the membrane: half of it, rounded up.
    fires, _, outside = integrates(b, before.v, held, total, width, strict=False, above=(theta + 1) >> 1)
    jumped, above, below = fitted(b, theta + jump, neuron.theta_format.width)
    lost = spike & (above | below)
    b.claim("After a spike the membrane is the reset", after.v == reset, when=spike)
    b.claim("Without a spike theta decays, held or not", after.theta == theta, when=~spike, cover=held & (share != 0))
    b.claim("At a spike theta decays, then it jumps", after.theta == jumped, when=spike, cover=(share != 0) & (jump != 0))
    b.claim("A decay of 0 keeps theta until the next spike", after.theta == before.theta, when=~spike & (decay == 0), cover=before.theta != 0)
    b.claim("A decay of 1.0 leaves nothing of theta but a jump", after.theta == Mux(spike, jump, 0), when=decay == 16,
            cover=spike & (before.theta != 0))
    b.claim("A jump that takes theta out of its format raises the overflow flag", after.overflow, when=lost, cover=~before.overflow & ~outside)
    b.claim("The overflow flag rises exactly when the sum of a free neuron or a jump leaves its format",
            after.overflow == (before.overflow | ~held & outside | lost), cover=after.overflow & ~before.overflow)
    b.claim("Without a leak, input, noise and bias are integrated", after.v == state.v + params.bias + (given + noise),
            when=~held & ~spike & ~outside & (leak == 0), cover=(noise < 0) & (given != 0))
    b.claim("A high theta keeps a membrane above its threshold from a spike", ~spike, when=~fires, cover=~held & (total > late(b, dut.threshold)))


def bernoulli(b: Bench) -> None:
    """A spike where the number is below the chance."""
    spike, chance, uniform, whole, top = b.dut.o_spike, late(b, b.dut.chance), late(b, b.dut.i_uniform), 1 << 32, (1 << 32) - 1
    again, smaller = b.past(spike), b.past(uniform)
    power = sum((chance == 1 << k for k in range(33)), Const(0, 1))
    below = Signal()
    for k in range(33):
        with b.m.If(chance == 1 << k):
            b.m.d.comb += below.eq(uniform >> k == 0)
    b.claim("There is a spike exactly when the number is below the chance, two cycles later", spike == (uniform < chance), cover=spike)
    b.claim("A chance of 0 never spikes", ~spike, when=chance == 0, cover=uniform == 0)
    b.claim("A chance of 2^32 always spikes", spike, when=chance == whole, cover=uniform == top)
    b.claim("The highest number spikes only at a chance of 2^32", chance >= whole, when=spike & (uniform == top))
    b.claim("The number 0 spikes at any chance but 0", spike == (chance != 0), when=uniform == 0, cover=spike)
    b.claim("A number that is the chance is no spike", ~spike, when=uniform == chance, cover=chance != 0)
    b.claim("A number one below the chance is a spike", spike, when=uniform + 1 == chance, cover=chance != whole)
    b.claim("A number one above the chance is no spike", ~spike, when=uniform == chance + 1)
    b.claim("Half a chance spikes exactly when the upper bit of the number is 0", spike != uniform[31], when=chance == 1 << 31, cover=spike)
    b.claim("A chance that is a power of two looks at the bits from its own on", spike == below, when=power, cover=spike)
    b.claim("At the same chance, a smaller number spikes where a larger one does", spike,
            when=again & (chance == b.past(chance)) & (uniform < smaller))
    b.claim("With the same number, a larger chance spikes where a smaller one does", spike,
            when=again & (uniform == smaller) & (chance > b.past(chance)))
    b.claim("Nothing spikes before the first number has passed", ~spike, when=b.first | b.past(b.first), cover=b.dut.chance != 0)
