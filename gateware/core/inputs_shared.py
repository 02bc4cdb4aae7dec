"""State and input of a neuron side by side in one memory of a lane."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.inputs import address_members, memory_members

__all__ = ["SharedAddress", "SharedMemory"]


class SharedAddress(wiring.Component):
    """Every lane's own word, not registered: the memory has registers of its own."""

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__(address_members(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        adding = Signal()
        m.d.sync += adding.eq(self.add)
        for access, target in zip(self.o, self.target):
            m.d.comb += [access.word.eq(Mux(self.add, target, self.fetch)), access.move.eq(self.add | self.advance), access.add.eq(adding),
                         access.empty.eq(self.consume)]
        return m


class SharedMemory(wiring.Component):
    """A written state empties the input.

    The overflow flag, the last of the state, lies with the input, so that membrane and refractory steps fill whole bytes of a block RAM.
    """

    def __init__(self, geometry: CoreGeometry, state: data.StructLayout, *, depth: int | None = None):
        self.geometry, self.layout, self.depth = geometry, state, depth or max(2, geometry.words)
        super().__init__(memory_members(geometry, state))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size, total = self.layout.size - 1, len(self.inputs)
        m.submodules.neurons = neurons = memory.Memory(shape=size + 1 + total, depth=self.depth, init=[])
        read = neurons.read_port()
        write = neurons.write_port(granularity=1)
        word = Signal.like(self.access.word)
        add = Signal()
        after = Signal(total)
        with m.If(self.access.move):
            m.d.sync += word.eq(self.access.word)
        m.d.comb += [
            read.addr.eq(self.access.word), read.en.eq(self.access.move), Cat(self.state.as_value(), self.inputs).eq(read.data),
            add.eq(self.access.add & self.row_bit), after.eq(self.inputs + self.row_weight),
            write.addr.eq(Mux(self.state_en, self.state_word, word)),
            write.en.eq(Cat(self.state_en.replicate(size), (self.state_en | add).replicate(total + 1))),
            write.data.eq(Cat(self.new_state[:size], Mux(self.state_en, self.new_state[size], Cat(self.state.as_value()[size], after)))),
        ]
        return m
