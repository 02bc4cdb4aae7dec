"""The network core in a wrapper with few pins: load words come in byte by byte, and sweep words leave a neuron at a time."""

from amaranth.hdl import Cat, ClockSignal, Instance, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.core import Core
from spikegate.gateware.core.geometry import CoreGeometry

__all__ = ["pins_signature", "CorePins", "PinsHost"]


def pins_signature(g: CoreGeometry) -> wiring.Signature:
    """Ports of `CorePins`."""
    return wiring.Signature({"i": In(stream.Signature(8)), "o": Out(stream.Signature(g.lane_layout())), "busy": Out(1), "cycles": Out(48)})


def load_bytes(g: CoreGeometry) -> int:
    """Bytes of a load word, whose last field ends on a byte."""
    return int(g.load_layout().size) // 8


class CorePins(wiring.Component):
    """A core whose streams are narrow, for parts with fewer pins than it has ports.

    With one lane, a sweep passes without a wait and takes as many cycles as the core's own; with L lanes, a word of it takes L cycles.

    Parameters
    ----------
    geometry : CoreGeometry

    Members
    -------
    i : In(stream.Signature(8))
        Load words as bytes, the lowest first.
    o : Out(stream.Signature(lane_layout))
        Neurons after their update, lane by lane.
    busy : Out(1)
        A word is on its way in, or a run is under way.
    cycles : Out(48)
        As in `Core`.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__(pins_signature(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, size = self.geometry, load_bytes(self.geometry)
        m.submodules.core = core = Core(g)
        word = Signal(8 * size)
        held = Signal(range(size + 1))
        lane = Signal(range(max(2, g.lanes)))
        m.d.comb += [
            self.i.ready.eq(held != size), core.i.valid.eq(held == size), core.i.payload.eq(word),
            self.busy.eq(core.busy | (held != 0)), self.cycles.eq(core.cycles),
            self.o.valid.eq(core.o.valid), core.o.ready.eq(self.o.ready & (lane == g.lanes - 1)), self.o.payload.eq(core.o.payload.lanes[lane]),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [word.eq(Cat(word[8:], self.i.payload)), held.eq(held + 1)]
        with m.If(core.i.valid & core.i.ready):
            m.d.sync += held.eq(0)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += lane.eq(lane + 1)
            with m.If(lane == g.lanes - 1):
                m.d.sync += lane.eq(0)
        return m


class PinsHost(wiring.Component):
    """The other side of `CorePins`, with the core inside: together they have the ports of a core again.

    Parameters
    ----------
    geometry : CoreGeometry
    chip : str, optional
        Leave the core behind the pins to a Verilog module of this name with the ports of `CorePins`.

    Members
    -------
    i, o, busy, cycles
        As in `Core`; ``o`` cannot be held up.
    """

    def __init__(self, geometry: CoreGeometry, *, chip: str | None = None):
        self.geometry, self.chip = geometry, chip
        super().__init__({"i": In(stream.Signature(geometry.load_layout())), "o": Out(stream.Signature(geometry.sweep_layout())),
                          "busy": Out(1), "cycles": Out(48)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, size = self.geometry, load_bytes(self.geometry)
        if self.chip is None:
            m.submodules.chip = pins = CorePins(g)
        else:
            pins = pins_signature(g).flip().create()
            ports = {f"{'i' if member.flow == In else 'o'}_{'__'.join(path)}": value for path, member, value in pins_signature(g).flatten(pins)}
            m.submodules.chip = Instance(self.chip, i_clk=ClockSignal(), **ports)
        word = Signal(8 * size)
        left = Signal(range(size + 1))
        m.d.comb += [
            self.i.ready.eq(left == 0), pins.i.valid.eq(left != 0), pins.i.payload.eq(word),
            self.busy.eq((left != 0) | pins.busy), self.cycles.eq(pins.cycles), pins.o.ready.eq(1),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [word.eq(self.i.payload), left.eq(size)]
        with m.Elif(pins.i.ready & (left != 0)):
            m.d.sync += [word.eq(word[8:]), left.eq(left - 1)]

        lane = Signal(range(max(2, g.lanes)))
        number = Signal(32)
        earlier = [Signal(g.lane_layout(), name=f"earlier_{k}") for k in range(g.lanes - 1)]
        neurons, sweep = [*earlier, pins.o.payload], self.o.payload
        m.d.comb += [self.o.valid.eq(pins.o.valid & (lane == g.lanes - 1)), sweep.word.eq(number), sweep.spikes.eq(Cat(x.spike for x in neurons)),
                     *(sweep.lanes[k].eq(x) for k, x in enumerate(neurons))]
        with m.If(pins.o.valid):
            m.d.sync += [lane.eq(lane + 1), *(old.eq(new) for old, new in zip(earlier, neurons[1:]))]
            with m.If(lane == g.lanes - 1):
                m.d.sync += [lane.eq(0), number.eq(Mux(number == g.words - 1, 0, number + 1))]
        return m
