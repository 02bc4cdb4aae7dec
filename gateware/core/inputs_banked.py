"""Inputs in memories of their own, beside the one of the states, as many as words of a row are delivered in a cycle."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.inputs import address_members, memory_members

__all__ = ["BankedAddress", "BankedMemory"]


class BankedAddress(wiring.Component):
    """One registered address for all lanes. Bank b of B has words b, B + b, 2B + b, ..."""

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__(address_members(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        banks = self.geometry.banks
        place = (banks - 1).bit_length()
        word = Signal.like(self.target[0])
        adding = Signal()
        move = Signal()
        empty = Signal(banks)
        m.d.comb += move.eq(self.add | self.advance)
        m.d.sync += adding.eq(self.add)
        with m.If(move):
            m.d.sync += word.eq(Mux(self.add, self.target[0], Mux(self.taken, self.load.address[place:], self.fetch[place:])))
        if banks > 1:
            bank = Signal(range(banks))
            with m.If(move):
                m.d.sync += bank.eq(Mux(self.taken, self.load.address, self.fetch))
            m.d.comb += [empty.eq(Cat(self.consume & (bank == k) for k in range(banks))), *(access.bank.eq(bank) for access in self.o)]
        else:
            m.d.comb += empty.eq(self.consume)
        for access in self.o:
            m.d.comb += [access.word.eq(word), access.move.eq(move), access.add.eq(adding), access.empty.eq(empty)]
        return m


class BankedMemory(wiring.Component):
    """States in ``update``, which stops outside sweeps, and inputs in memories of ``sync``, to all of which a row may add at once."""

    def __init__(self, geometry: CoreGeometry, state: data.StructLayout):
        self.geometry, self.layout = geometry, state
        super().__init__(memory_members(geometry, state))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        m.submodules.states = states = memory.Memory(shape=self.layout, depth=max(2, g.words), init=[])
        state_read = states.read_port(domain="update")
        state_write = states.write_port(domain="update")
        reads = []
        for bank in range(g.banks):
            name = "inputs" if g.banks == 1 else f"inputs_{bank}"
            m.submodules[name] = inputs = memory.Memory(shape=len(self.inputs), depth=max(2, g.bursts), init=[])
            # Read at a registered address, which synthesis turns into a transparent port of a block RAM.
            input_read = inputs.read_port(domain="comb")
            input_write = inputs.write_port()
            m.d.comb += input_read.addr.eq(self.access.word)
            # With banks, no word is read in two cycles that follow each other: sums rest a cycle, in registers that need no further logic.
            write = m.d.comb if g.banks == 1 else m.d.sync
            write += [
                input_write.addr.eq(self.access.word), input_write.en.eq(self.access.empty[bank] | (self.access.add & self.row_bit[bank])),
                input_write.data.eq(Mux(self.access.add, input_read.data + self.row_weight, 0)),
            ]
            reads.append(input_read.data)
        m.d.comb += [
            state_read.addr.eq(self.fetch_word), self.state.eq(state_read.data),
            self.inputs.eq(Array(reads)[self.access.bank] if g.banks > 1 else reads[0]),
            state_write.en.eq(self.state_en), state_write.addr.eq(self.state_word), state_write.data.eq(self.new_state),
        ]
        return m
