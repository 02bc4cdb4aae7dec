"""Encoders: a number and a threshold give a bit, one at a time or in windows of many positions, compared plane by plane."""

from functools import reduce
from operator import xor

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.gateware.numeric.sobol import Sobol, advance, point
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import DigitalSequence
from spikegate.models.streams.encoder import EncoderParams, WindowParams

__all__ = ["spread", "below", "lfsr_window", "sobol_window_planes", "request_layout", "Encoder", "WindowEncoder"]


def spread(bit: Value, width: int) -> Value:
    """The bit at all positions; as a choice of constants, which simulators handle in whole words, unlike a concatenation."""
    return Mux(bit, Const((1 << width) - 1, width), Const(0, width))


def below(planes: list[Value], threshold: Value) -> Value:
    """The window of the positions whose number is less than the threshold, as `spikegate.models.streams.planes.below`.

    The majority is written so that it names the result so far once, as Amaranth copies an expression wherever it is used.

    Parameters
    ----------
    planes : list of Value
        The lowest first; each has a bit a position, or one bit if that is the same at all positions. One at least has all.
    threshold : Value
        One bit more than there are planes.
    """
    less = Const(0, len(planes[0]))
    for plane, bit in zip(planes, threshold):
        if len(less) < len(plane):
            less = spread(less, len(plane))
        elif len(plane) < len(less):
            plane = spread(plane, len(less))
        zero, one = ~plane, spread(bit, len(plane))
        less = zero & one | less & (zero | one)
    return less | spread(threshold[len(planes)], len(less))


def lfsr_window(m: Module, state: Value, params: LfsrParams, length: int) -> Value:
    """The ``length`` bits that a leap of as many positions shifts in, the earliest highest; the low bits of ``Cat(window, state)`` are the new state.

    As bit i is also the XOR of the bits i - s * t for any power of two s, the taps t stretch with the bits that are known.
    What is needed several times becomes signals of ``m``, as Amaranth copies an expression wherever it is used.
    """
    known, made, stretch = state, 0, 1
    while made < length:
        while 2 * stretch * params.width <= len(known):
            stretch *= 2
        k = min(stretch * params.taps[-1], length - made)
        fresh = Signal(k, name="fresh")
        m.d.comb += fresh.eq(reduce(xor, (known[stretch * tap - k:stretch * tap] for tap in params.taps)))
        known, made = Cat(fresh, known), made + k
    return known[:length]


def sobol_window_planes(params: DigitalSequence, length: int, offset: Value) -> list[Value]:
    """Planes of the window whose first number is ``offset``, constants or their complements; one bit for a plane that is the same at all positions.

    ``offset`` is a signal, as each bit of it is used often.
    """
    numbers, planes, ones = params.points(np.arange(length)), [], (1 << length) - 1
    for b, bit in enumerate(offset):
        base = int("".join(str(x) for x in numbers >> b & 1), 2)
        planes.append(Mux(bit, Const(base ^ ones, length), Const(base, length)) if base else bit)
    return planes


def request_layout(params: EncoderParams) -> data.StructLayout:
    """What the serial encoder is asked for: ``start``, a seed or an index in leaps, and ``threshold``, 0..2^bits."""
    return data.StructLayout({"start": max(params.start_bits, 1), "threshold": params.bits + 1})


class Encoder(wiring.Component):
    """Serial encoder: a stream of bits, one a cycle, from a start on; the first one cycle after the request.

    Parameters
    ----------
    params : EncoderParams

    Members
    -------
    i : In(stream.Signature(request_layout(params)))
        Requests. One is taken before the first bit, and later only together with a bit.
    o : Out(stream.Signature(1))
        Bits.
    """

    def __init__(self, params: EncoderParams) -> None:
        self.params = params
        super().__init__({"i": In(stream.Signature(request_layout(params))), "o": Out(stream.Signature(1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        generator = self.params.source
        m.submodules.source = source = Lfsr(generator) if isinstance(generator, LfsrParams) else Sobol(generator)
        threshold = Signal(self.params.bits + 1)
        m.d.comb += [
            source.i.valid.eq(self.i.valid), source.i.payload.eq(self.i.payload.start), self.i.ready.eq(source.i.ready),
            self.o.valid.eq(source.o.valid), source.o.ready.eq(self.o.ready),
            self.o.payload.eq(source.o.payload[:self.params.bits] < threshold)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += threshold.eq(self.i.payload.threshold)
        return m


class WindowEncoder(wiring.Component):
    """Parallel encoder: a window for each threshold, one a cycle, one cycle after it.

    Parameters
    ----------
    params : WindowParams

    Members
    -------
    load : In
        ``en``; ``start``, the index of the next window, or a seed of ``plane``, which an LFSR alone has.
        A threshold that is taken in the same cycle still gives the window before; an LFSR's planes take a cycle each, and are 0 until then.
    i : In(stream.Signature(bits + 1))
        Thresholds, 0..2^bits.
    o : Out(stream.Signature(length))
        Windows, the earliest position highest.
    """

    def __init__(self, params: WindowParams) -> None:
        self.params = params
        plane = {"plane": range(params.bits)} if isinstance(params.source, LfsrParams) else {}
        super().__init__({
            "load": In(data.StructLayout({"en": 1, **plane, "start": max(params.start_bits, 1)})),
            "i": In(stream.Signature(params.bits + 1)), "o": Out(stream.Signature(params.length))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params, source, length = self.params, self.params.source, self.params.length
        planes, taken = [], self.i.valid & self.i.ready
        if isinstance(source, LfsrParams):
            for b in range(params.bits):
                state = Signal(source.width, name=f"state_{b}")
                window = lfsr_window(m, state, source, length)
                with m.If(self.load.en & (self.load.plane == b)):
                    m.d.sync += state.eq(self.load.start)
                with m.Elif(taken):
                    m.d.sync += state.eq(Cat(window, state))
                planes.append(window)
        else:
            index = Signal(source.index_bits)
            offset = Signal(source.bits)
            wanted = self.load.start[:source.index_bits]
            with m.If(self.load.en):
                m.d.sync += [index.eq(wanted), offset.eq(point(wanted, source))]
            with m.Elif(taken):
                m.d.sync += [index.eq(index + 1), offset.eq(advance(offset, index, source))]
            planes = sobol_window_planes(source, length, offset)
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(taken):
            m.d.sync += [self.o.payload.eq(below(planes, self.i.payload)), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m
