"""Meter of the correlation of two streams: counts of the positions where they are 11, 10, 01 and 00."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.streams.dot_product import popcount
from spikegate.models.streams.correlation import CorrelationParams

__all__ = ["Correlation"]


class Correlation(wiring.Component):
    """Counts over ``length`` positions, ``width`` a cycle; back to back, and the next while a result waits.

    A result is valid two cycles after its last windows. Only the three sums of a & b, a and b are kept; the four counts
    follow from them.

    Parameters
    ----------
    params : CorrelationParams

    Members
    -------
    i : In(stream.Signature)
        Windows ``a`` and ``b``, ``width`` bits each.
    o : Out(stream.Signature)
        ``n11``, ``n10``, ``n01``, ``n00``, 0..length each; their sum is length.
    """

    def __init__(self, params: CorrelationParams) -> None:
        self.params = params
        count = params.length.bit_length()
        super().__init__({"i": In(stream.Signature(data.StructLayout({"a": params.width, "b": params.width}))),
                          "o": Out(stream.Signature(data.StructLayout({name: count for name in ("n11", "n10", "n01", "n00")})))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params, a, b, o = self.params, self.i.payload.a, self.i.payload.b, self.o.payload
        taken = Signal()
        last = Signal()
        left = Signal(range(params.windows), init=params.windows - 1)
        sums = [Signal(range(params.width + 1), name=f"sum_{name}") for name in ("both", "a", "b")]
        before = [Signal(range(params.length + 1), name=f"before_{name}") for name in ("both", "a", "b")]
        both, ones_a, ones_b = totals = [Signal(range(params.length + 1), name=f"total_{name}") for name in ("both", "a", "b")]
        rest = params.length - ones_a - ones_b + both
        neither = Signal(rest.shape())
        go = Signal()
        m.d.comb += neither.eq(rest)
        m.d.comb += [go.eq(taken & (~last | ~self.o.valid | self.o.ready)), self.i.ready.eq(~taken | go)]
        m.d.comb += [total.eq(old + new) for total, old, new in zip(totals, before, sums)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(go):
            m.d.sync += [taken.eq(0)] + [old.eq(Mux(last, 0, total)) for old, total in zip(before, totals)]
            with m.If(last):
                m.d.sync += [self.o.valid.eq(1), o.n11.eq(both), o.n10.eq(ones_a - both), o.n01.eq(ones_b - both),
                             o.n00.eq(neither)]
        counted = [popcount(value, m) for value in (a & b, a, b)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [signal.eq(count) for signal, count in zip(sums, counted)]
            m.d.sync += [taken.eq(1), last.eq(left == 0), left.eq(Mux(left == 0, params.windows - 1, left - 1))]
        return m
