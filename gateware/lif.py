"""Leaky integrate-and-fire neuron in fixed point, the same integers as ``models/lif.py``."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.fixed import Overflow, QFormat, Rounding
from spikegate.models.lif import GAIN_BITS, INPUT_GUARD_BITS, REFRACTORY_BITS, LifParams

from .fixed import fit, round_shift

__all__ = ["params_layout", "params_const", "state_layout", "Lif"]


def params_layout(q: QFormat) -> data.StructLayout:
    """The parameters that may change while the hardware runs; raw integers."""
    return data.StructLayout({
        "leak": q.fraction + 1, "gain": signed(q.fraction + GAIN_BITS + 2), "threshold": signed(q.width), "reset": signed(q.width),
        "rest": signed(q.width), "refractory": REFRACTORY_BITS})


def params_const(params: LifParams) -> dict[str, int]:
    """The fields of `params_layout` for a set of parameters."""
    return {name: getattr(params, name) for name in params_layout(params.format).members}


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

    Members
    -------
    params : In(params_layout(format))
        Held still while neurons are under way.
    i_state : In(state_layout(format))
        The neuron before the step.
    i_current : In(signed(width + 4))
    i_noise : In(signed(width))
    i_random : In(fraction)
        For stochastic rounding alone.
    o_state : Out(state_layout(format))
        The neuron after the step, one cycle behind the inputs.
    o_spike : Out(1)
    """

    def __init__(self, format: QFormat, rounding: Rounding, overflow: Overflow, *, gain: bool = True, noise: bool = True):
        self.format, self.rounding, self.overflow, self.gain, self.noise = format, rounding, overflow, gain, noise
        state, width = state_layout(format), format.width
        super().__init__({
            "params": In(params_layout(format)),
            "i_state": In(state), "i_current": In(signed(width + INPUT_GUARD_BITS)), "i_noise": In(signed(width)),
            "i_random": In(format.fraction), "o_state": Out(state), "o_spike": Out(1)})

    def elaborate(self, platform):
        m = Module()
        q, p = self.format, self.params
        leak = round_shift((p.rest - self.i_state.v) * p.leak, q.fraction, self.rounding, self.i_random)
        drive = round_shift(self.i_current * p.gain, q.fraction, self.rounding, self.i_random) if self.gain else self.i_current
        inputs = drive + self.i_noise if self.noise else drive
        s1_leak, s1_inputs, s1_state = Signal.like(leak), Signal.like(inputs), Signal(state_layout(q))
        m.d.sync += [s1_leak.eq(leak), s1_inputs.eq(inputs), s1_state.eq(self.i_state)]

        total = s1_state.v + s1_leak + s1_inputs
        s1_total = Signal.like(total)
        m.d.comb += s1_total.eq(total)
        v, overflowed = fit(s1_total, q.width, self.overflow)
        s1_v = Signal(signed(q.width))
        held = s1_state.hold != 0
        m.d.comb += [
            s1_v.eq(v),
            self.o_spike.eq(~held & (s1_v >= p.threshold)),
            self.o_state.v.eq(Mux(held, s1_state.v, Mux(self.o_spike, p.reset, s1_v))),
            self.o_state.hold.eq(Mux(held, s1_state.hold - 1, Mux(self.o_spike, p.refractory, 0))),
            self.o_state.overflow.eq(s1_state.overflow | (~held & overflowed)),
        ]
        return m
