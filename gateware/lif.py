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

    Members
    -------
    params : In(params_layout(format))
        Held still while neurons are under way.
    i : In
        ``state``, the neuron before; ``current``, its signed input of width + 4 bits; ``noise``; ``random``.
    o : Out
        ``state``, the neuron after; ``spike``. One cycle behind ``i``.
    """

    def __init__(self, format: QFormat, rounding: Rounding, overflow: Overflow):
        self.format, self.rounding, self.overflow = format, rounding, overflow
        state, width = state_layout(format), format.width
        super().__init__({
            "params": In(params_layout(format)),
            "i": In(data.StructLayout({"state": state, "current": signed(width + INPUT_GUARD_BITS), "noise": signed(width),
                                       "random": format.fraction})),
            "o": Out(data.StructLayout({"state": state, "spike": 1}))})

    def elaborate(self, platform):
        m = Module()
        q, p = self.format, self.params
        leak = round_shift((p.rest - self.i.state.v) * p.leak, q.fraction, self.rounding, self.i.random)
        drive = round_shift(self.i.current * p.gain, q.fraction, self.rounding, self.i.random)
        s1_leak, s1_drive = Signal.like(leak), Signal.like(drive)
        s1_noise, s1_state = Signal(signed(q.width)), Signal(state_layout(q))
        m.d.sync += [s1_leak.eq(leak), s1_drive.eq(drive), s1_noise.eq(self.i.noise), s1_state.eq(self.i.state)]

        total = s1_state.v + s1_leak + s1_drive + s1_noise
        s1_total = Signal.like(total)
        m.d.comb += s1_total.eq(total)
        v, overflowed = fit(s1_total, q.width, self.overflow)
        s1_v = Signal(signed(q.width))
        held = s1_state.hold != 0
        m.d.comb += [
            s1_v.eq(v),
            self.o.spike.eq(~held & (s1_v >= p.threshold)),
            self.o.state.v.eq(Mux(held, s1_state.v, Mux(self.o.spike, p.reset, s1_v))),
            self.o.state.hold.eq(Mux(held, s1_state.hold - 1, Mux(self.o.spike, p.refractory, 0))),
            self.o.state.overflow.eq(s1_state.overflow | (~held & overflowed)),
        ]
        return m
