"""Linear feedback shift register that leaps many positions in one clock."""

from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["leap", "Lfsr"]


def leap(state: Value, params: LfsrParams) -> Value:
    """The state after ``params.leap`` positions: a tree of XORs of state bits, as `LfsrParams.step`."""
    for k in params.chunks:
        feedback = reduce(xor, (state[tap - k:tap] for tap in params.taps))
        state = Cat(feedback, state)[:params.width]
    return state


class Lfsr(wiring.Component):
    """A seeded stream of states, ``leap`` positions apart; one a cycle, the seed first.

    Parameters
    ----------
    params : LfsrParams

    Members
    -------
    i : In(stream.Signature(width))
        Seeds, not 0. One is taken before the first output, and later only together with an output.
    o : Out(stream.Signature(width))
        States.
    """

    def __init__(self, params: LfsrParams) -> None:
        self.params = params
        super().__init__({"i": In(stream.Signature(params.width)), "o": Out(stream.Signature(params.width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        seeded = Signal()
        m.d.comb += [self.o.valid.eq(seeded), self.i.ready.eq(~seeded | self.o.ready)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [self.o.payload.eq(self.i.payload), seeded.eq(1)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += self.o.payload.eq(leap(self.o.payload, self.params))
        return m
