"""Inputs kept twice, beside the memory of the states: those that the sweep takes, and those that deliveries add to meanwhile."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.inputs import address_members, memory_members

__all__ = ["twice_signature", "TwiceAddress", "TwiceMemory"]

#: Registers of `TwiceAddress` that each lane has for itself, as ``NAME_of_LANE``.
OWN = ("sums", "add", "copy", "word", "bank")


def twice_signature(g: CoreGeometry) -> wiring.Signature:
    """What happens to a lane's inputs; a word is one of all banks.

    Members
    -------
    sums : Out
        The word that is added to, emptied or copied.
    add, copy : Out(1), empty : Out(banks)
        Those of the lane's row bits that are set add the row's weight; the word is copied, and becomes 0; it becomes 0.
    word : Out, bank : Out(banks)
        The word that the sweep takes, and the bit of its bank.
    """
    word = range(max(2, g.bursts))
    return wiring.Signature({"sums": Out(word), "add": Out(1), "copy": Out(1), "empty": Out(g.banks), "word": Out(word), "bank": Out(g.banks)})


class TwiceAddress(wiring.Component):
    """Registered addresses, which each lane has for itself, near it, if synthesis leaves them so. Bank b of B has words b, B + b, 2B + b, ..."""

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__({**address_members(geometry, twice_signature(geometry)), "copy": In(1), "burst": In(range(max(2, geometry.bursts)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        banks = self.geometry.banks
        place = (banks - 1).bit_length()
        loaded = Signal(range(max(2, banks)))
        # What the registers are next, without an enable that all of them would share.
        held = {name: Signal.like(getattr(self.o[0], name), name=name) for name in OWN}
        following = {name: Signal.like(value, name=f"{name}_next") for name, value in held.items()}
        m.d.comb += [
            following["add"].eq(self.add), following["copy"].eq(self.copy), following["sums"].eq(Mux(
                self.add, self.target[0], Mux(self.copy, self.burst, Mux(self.taken, self.load.address[place:], held["sums"])))),
            following["word"].eq(Mux(self.advance, self.fetch[place:], held["word"])),
            following["bank"].eq(Mux(self.advance, 1 << self.fetch[:place], held["bank"])),
        ]
        m.d.sync += [held[name].eq(value) for name, value in following.items()]
        with m.If(self.taken):
            m.d.sync += loaded.eq(self.load.address[:place])
        for lane, access in enumerate(self.o):
            own = {name: Signal.like(getattr(access, name), name=f"{name}_of_{lane}") for name in OWN}
            m.d.sync += [own[name].eq(value) for name, value in following.items()]
            m.d.comb += [*(getattr(access, name).eq(value) for name, value in own.items()),
                         access.empty.eq(Cat(self.consume & (loaded == k) for k in range(banks)))]
        return m


class TwiceMemory(wiring.Component):
    """States in ``update``, which stops outside sweeps; sums in memories of ``sync``, to all of which a row may add at once; and, in one wide
    memory, the inputs that the sweep takes, which are copies of them."""

    def __init__(self, geometry: CoreGeometry, state: data.StructLayout):
        self.geometry, self.layout = geometry, state
        super().__init__(memory_members(geometry, state, twice_signature(geometry)))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, access, width = self.geometry, self.access, len(self.inputs)
        m.submodules.states = states = memory.Memory(shape=self.layout, depth=max(2, g.words), init=[])
        m.submodules.taken = taken = memory.Memory(shape=width * g.banks, depth=max(2, g.bursts), init=[])
        state_read = states.read_port(domain="update")
        state_write = states.write_port(domain="update")
        taken_read = taken.read_port(domain="comb")
        taken_write = taken.write_port()
        sums = []
        for bank in range(g.banks):
            m.submodules[f"inputs_{bank}"] = inputs = memory.Memory(shape=width, depth=max(2, g.bursts), init=[])
            # Read at a registered address, which synthesis turns into a transparent port of a block RAM.
            read = inputs.read_port(domain="comb")
            write = inputs.write_port()
            m.d.comb += read.addr.eq(access.sums)
            # No word is read in two cycles that follow each other: sums rest a cycle, in registers that need no further logic.
            m.d.sync += [
                write.addr.eq(access.sums), write.en.eq(access.copy | access.empty[bank] | (access.add & self.row_bit[bank])),
                write.data.eq(Mux(access.add, read.data + self.row_weight, 0)),
            ]
            sums.append(read.data)
        m.d.comb += [
            taken_write.addr.eq(access.sums), taken_write.en.eq(access.copy), taken_write.data.eq(Cat(sums)), taken_read.addr.eq(access.word),
            self.inputs.eq(reduce(or_, (access.bank[k].replicate(width) & taken_read.data[k * width:(k + 1) * width] for k in range(g.banks)))),
            state_read.addr.eq(self.fetch_word), self.state.eq(state_read.data),
            state_write.en.eq(self.state_en), state_write.addr.eq(self.state_word), state_write.data.eq(self.new_state),
        ]
        return m
