"""Leaky integrate-and-fire neuron in fixed point, the same integers as ``models/lif.py``."""

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.numeric.fixed import fit_offset, round_shift, rounded
from spikegate.models.neuron.lif import GAIN_BITS, INPUT_GUARD_BITS, REFRACTORY_BITS
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding

__all__ = ["params_shapes", "state_layout", "Lif"]


def params_shapes(q: QFormat, leak_fraction: int) -> dict[str, Shape]:
    """Shapes of the parameters that may change while the hardware runs; raw integers, named as in `LifParams`."""
    return {"leak": unsigned(leak_fraction + 1), "gain": signed(q.fraction + GAIN_BITS + 2), "threshold": signed(q.width),
            "reset": signed(q.width), "rest_leak": unsigned(q.width + leak_fraction + 1), "refractory": unsigned(REFRACTORY_BITS)}


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

    Members
    -------
    leak, gain, threshold, reset, rest_leak, refractory : In
        As `params_shapes`; held still while neurons are under way.
    i_state : In(state_layout(format))
        The neuron before the step.
    i_current : In(signed(width + 4))
    i_noise : In(signed(width))
    i_random : In(leak_fraction)
        For stochastic rounding alone.
    o_state : Out(state_layout(format))
        The neuron after the step, one cycle behind the inputs.
    o_spike : Out(1)
    """

    def __init__(self, format: QFormat, rounding: Rounding, overflow: Overflow, *, gain: bool = True, noise: bool = True,
                 leak_fraction: int | None = None):
        self.leak_fraction = leak_fraction or format.fraction
        self.format, self.rounding, self.overflow, self.with_gain, self.with_noise = format, rounding, overflow, gain, noise
        state, width = state_layout(format), format.width
        super().__init__({
            **{name: In(shape) for name, shape in params_shapes(format, self.leak_fraction).items()},
            "i_state": In(state), "i_current": In(signed(width + INPUT_GUARD_BITS)), "i_noise": In(signed(width)),
            "i_random": In(self.leak_fraction), "o_state": Out(state), "o_spike": Out(1)})

    def elaborate(self, platform):
        m = Module()
        q, high, shift = self.format, 1 << (self.format.width - 1), self.leak_fraction
        random = self.i_random[:q.fraction]
        drive = round_shift(self.i_current * self.gain, q.fraction, self.rounding, random) if self.with_gain else self.i_current
        inputs = drive + self.i_noise if self.with_noise else drive
        # Membranes as offset binary, v + 2^(width-1): nothing is negative, and sums are exact modulo a power of two.
        before, threshold, reset = (Value.cast(x).as_unsigned() ^ high for x in (self.i_state.v, self.threshold, self.reset))
        bits = len(inputs) + 1
        leak = Signal(bits + shift)
        m.d.comb += leak.eq(rounded(self.rest_leak, shift, self.rounding, self.i_random) - before * self.leak)
        s1_state, s1_leak, s1_base = Signal(state_layout(q)), Signal(bits), Signal(bits)
        m.d.sync += [s1_state.eq(self.i_state), s1_leak.eq(leak[shift:]), s1_base.eq(before + inputs)]

        s1_before = Value.cast(s1_state.v).as_unsigned() ^ high
        s1_held, s1_v, s1_spike, s1_after, s1_left = Signal(), Signal(q.width), Signal(), Signal(q.width), Signal(REFRACTORY_BITS)
        s1_total = Signal(bits)
        v, overflowed = fit_offset(s1_total, q.width, self.overflow)
        m.d.comb += [s1_total.eq(s1_base + s1_leak), s1_held.eq(s1_state.hold != 0), s1_v.eq(v), s1_spike.eq(~s1_held & (s1_v >= threshold))]
        with m.If(s1_held):
            m.d.comb += [s1_after.eq(s1_before), s1_left.eq(s1_state.hold - 1)]
        with m.Elif(s1_spike):
            m.d.comb += [s1_after.eq(reset), s1_left.eq(self.refractory)]
        with m.Else():
            m.d.comb += s1_after.eq(s1_v)
        m.d.comb += [self.o_spike.eq(s1_spike), self.o_state.eq(Cat(s1_after ^ high, s1_left, s1_state.overflow | (~s1_held & overflowed)))]
        return m
