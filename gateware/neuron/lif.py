"""Leaky integrate-and-fire neuron in fixed point, the same integers as ``models/neuron/lif.py``."""

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.numeric.fixed import fit_offset, round_shift, rounded
from spikegate.models.neuron.lif import GAIN_BITS, INPUT_GUARD_BITS, REFRACTORY_BITS, LifParams
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding

__all__ = ["params_shapes", "params_values", "state_layout", "Lif"]


def params_shapes(q: QFormat, leak_fraction: int) -> dict[str, Shape]:
    """Shapes of the parameters that may change while the hardware runs; raw integers."""
    return {"leak": unsigned(leak_fraction + 1), "gain": signed(q.fraction + GAIN_BITS + 2), "threshold": signed(q.width),
            "v_reset": signed(q.width), "rest_leak": unsigned(q.width + leak_fraction + 1), "refractory": unsigned(REFRACTORY_BITS)}


def params_values(params: LifParams) -> dict[str, int]:
    """What the ports of `params_shapes` hold for these parameters."""
    return {"leak": params.leak, "gain": params.gain, "threshold": params.threshold, "v_reset": params.reset, "rest_leak": params.rest_leak,
            "refractory": params.refractory}


def state_layout(q: QFormat) -> data.StructLayout:
    """What a neuron remembers: membrane, refractory steps left, sticky overflow flag."""
    return data.StructLayout({"v": signed(q.width), "hold": REFRACTORY_BITS, "overflow": 1})


class Lif(wiring.Component):
    """The update of one neuron: latency one cycle (the products are registered), one neuron a cycle.

    Parameters
    ----------
    format : QFormat
    rounding : Rounding
    overflow : Overflow
    gain, noise : bool
        Whether the gain multiplier and the noise input exist; without, gain is 1.0 and noise is 0.
    leak_fraction : int, optional
        Fraction bits of the leak constant; default those of the format.
    raised : bool
        Whether there is an input that raises the threshold; without, nothing does.

    Members
    -------
    leak, gain, threshold, v_reset, rest_leak, refractory : In
        As `params_shapes`; held still while neurons are under way.
    i_state : In(state_layout(format))
        The neuron before the step.
    i_current : In(signed(width + 4))
    i_noise : In(signed(width))
    i_random : In(leak_fraction)
        For stochastic rounding alone.
    raised : In(width - 1)
        If it exists: what is added to the threshold, exactly, one cycle behind the other inputs.
    o_state : Out(state_layout(format))
        The neuron after the step, one cycle behind the inputs.
    o_spike : Out(1)
    """

    def __init__(self, format: QFormat, rounding: Rounding, overflow: Overflow, *, gain: bool = True, noise: bool = True,
                 leak_fraction: int | None = None, raised: bool = False):
        self.leak_fraction = leak_fraction or format.fraction
        self.format, self.rounding, self.overflow, self.with_gain, self.with_noise = format, rounding, overflow, gain, noise
        self.with_raised = raised
        state, width = state_layout(format), format.width
        super().__init__({
            **{name: In(shape) for name, shape in params_shapes(format, self.leak_fraction).items()},
            "i_state": In(state), "i_current": In(signed(width + INPUT_GUARD_BITS)), "i_noise": In(signed(width)),
            "i_random": In(self.leak_fraction), "o_state": Out(state), "o_spike": Out(1),
            **({"raised": In(width - 1)} if raised else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        q, high, shift = self.format, 1 << (self.format.width - 1), self.leak_fraction
        random = self.i_random[:q.fraction]
        drive = round_shift(self.i_current * self.gain, q.fraction, self.rounding, random) if self.with_gain else self.i_current
        inputs = drive + self.i_noise if self.with_noise else drive
        # Membranes as offset binary, v + 2^(width-1): nothing is negative, and sums are exact modulo a power of two.
        before, threshold, v_reset = (Value.cast(x).as_unsigned() ^ high for x in (self.i_state.v, self.threshold, self.v_reset))
        limit = threshold + self.raised if self.with_raised else threshold
        bits = len(inputs) + 1
        rest, now = rounded(self.rest_leak, shift, self.rounding, self.i_random), before * self.leak
        leak_rest = Signal(rest.shape())
        leak_now = Signal(now.shape())
        leak_sum = Signal(bits + shift)
        m.d.comb += [leak_rest.eq(rest), leak_now.eq(now), leak_sum.eq(leak_rest - leak_now)]
        s1_state = Signal(state_layout(q))
        s1_leak = Signal(bits)
        s1_base = Signal(bits)
        m.d.sync += [s1_state.eq(self.i_state), s1_leak.eq(leak_sum[shift:]), s1_base.eq(before + inputs)]

        s1_before = Value.cast(s1_state.v).as_unsigned() ^ high
        s1_held = Signal()
        s1_v = Signal(q.width)
        s1_spike = Signal()
        s1_after = Signal(q.width)
        s1_left = Signal(REFRACTORY_BITS)
        s1_total = Signal(bits)
        v, overflowed = fit_offset(s1_total, q.width, self.overflow)
        m.d.comb += [s1_total.eq(s1_base + s1_leak), s1_held.eq(s1_state.hold != 0), s1_v.eq(v), s1_spike.eq(~s1_held & (s1_v >= limit))]
        with m.If(s1_held):
            m.d.comb += [s1_after.eq(s1_before), s1_left.eq(s1_state.hold - 1)]
        with m.Elif(s1_spike):
            m.d.comb += [s1_after.eq(v_reset), s1_left.eq(self.refractory)]
        with m.Else():
            m.d.comb += s1_after.eq(s1_v)
        after_v = Signal(q.width)
        after_overflow = Signal()
        m.d.comb += [
            after_v.eq(s1_after ^ high), after_overflow.eq(s1_state.overflow | (~s1_held & overflowed)),
            self.o_spike.eq(s1_spike), self.o_state.eq(Cat(after_v, s1_left, after_overflow)),
        ]
        return m
