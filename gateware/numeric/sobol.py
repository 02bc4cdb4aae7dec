"""Sobol sequence: one XOR of constants from a number to the next, and an XOR tree from an index to its number."""

from functools import reduce
from operator import or_, xor

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.numeric.sobol import DigitalSequence, SobolParams

__all__ = ["point", "advance", "Sobol"]


def point(index: Value, params: DigitalSequence) -> Value:
    """The number at ``index * params.leap``, as `DigitalSequence.point`; ``index`` has ``params.index_bits`` bits."""
    index = Cat(Const(0, params.shift), index)[:params.bits]
    if not isinstance(params, SobolParams):
        return index
    gray = index ^ index[1:]
    return reduce(xor, (Mux(bit, Const(direction, params.bits), 0) for bit, direction in zip(gray, params.directions)))


def advance(state: Value, index: Value, params: DigitalSequence) -> Value:
    """The number one leap after ``state``, which is the number at ``index * params.leap``, as `SobolParams.step`."""
    if not isinstance(params, SobolParams):
        return (state + params.leap)[:params.bits]
    if not params.index_bits:
        return state
    # One is set: that of the lowest bit of the index that is 0, or the last if none is or only the last.
    last = params.index_bits - 1
    lowest = [index[:j].all() & (~index[j] if j < last else 1) for j in range(params.index_bits)]
    change = reduce(or_, (Mux(bit, Const(direction, params.bits), 0) for bit, direction in zip(lowest, params.directions[params.shift:])))
    return state ^ change ^ (params.directions[params.shift - 1] if params.shift else 0)


class Sobol(wiring.Component):
    """A stream of numbers, ``leap`` points apart, one a cycle, from a given index on; the first one cycle after the index.

    Parameters
    ----------
    params : SobolParams or CounterParams

    Members
    -------
    i : In(stream.Signature(max(index_bits, 1)))
        Indices that count leaps. One is taken before the first output, and later only together with an output.
    o : Out(stream.Signature(bits))
        Numbers.
    """

    def __init__(self, params: DigitalSequence) -> None:
        self.params = params
        super().__init__({"i": In(stream.Signature(max(params.index_bits, 1))), "o": Out(stream.Signature(params.bits))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params, wanted = self.params, self.i.payload[:self.params.index_bits]
        started = Signal()
        index = Signal(params.index_bits)
        m.d.comb += [self.o.valid.eq(started), self.i.ready.eq(~started | self.o.ready)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [self.o.payload.eq(point(wanted, params)), index.eq(wanted), started.eq(1)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += [self.o.payload.eq(advance(self.o.payload, index, params)), index.eq(index + 1)]
        return m
