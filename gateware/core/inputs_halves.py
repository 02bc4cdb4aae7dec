"""State and input of a neuron side by side, in one memory for each half of a lane's words: one half is swept while the other is added to."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.inputs import address_members, memory_members
from spikegate.gateware.core.inputs_shared import SharedMemory

__all__ = ["halves_signature", "HalvesAddress", "HalvesMemory"]


def _place(g: CoreGeometry) -> int:
    """Bits of a word within its half, whose lower one is a power of two."""
    return (g.words - 1).bit_length() - 1


def halves_signature(g: CoreGeometry) -> wiring.Signature:
    """What happens to a lane's inputs; ``half`` is the one that is swept, the others are, for each half, as those of
    `spikegate.gateware.core.inputs.input_signature`."""
    word = range(1 << max(1, _place(g)))
    return wiring.Signature({"word": Out(word).array(2), "move": Out(1).array(2), "add": Out(1).array(2), "half": Out(1)})


class HalvesAddress(wiring.Component):
    """Every lane's own word, not registered, for each half: the memories have registers of their own."""

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__({**address_members(geometry, halves_signature(geometry)), "upper": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        place = _place(self.geometry)
        half = Signal()
        adds = Signal(2)
        adding = Signal(2)
        # What the upper half's sweep leaves in peace is the lower half, and the other way round.
        m.d.comb += adds.eq(Mux(self.add, Mux(self.upper, 1, 2), 0))
        m.d.sync += adding.eq(adds)
        with m.If(self.advance):
            m.d.sync += half.eq(self.fetch[place])
        for access, target in zip(self.o, self.target):
            m.d.comb += access.half.eq(half)
            for k in range(2):
                m.d.comb += [access.word[k].eq(Mux(adds[k], target[:place], self.fetch[:place])), access.move[k].eq(adds[k] | self.advance),
                             access.add[k].eq(adding[k])]
        return m


class HalvesMemory(wiring.Component):
    """Two `SharedMemory`, of which a written state empties the input in its own."""

    def __init__(self, geometry: CoreGeometry, state: data.StructLayout):
        self.geometry, self.layout = geometry, state
        super().__init__(memory_members(geometry, state, halves_signature(geometry)))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, place = self.geometry, _place(self.geometry)
        halves = []
        for k, name in enumerate(("lower", "upper")):
            m.submodules[name] = half = SharedMemory(g, self.layout, depth=1 << max(1, place))
            m.d.comb += [
                half.access.word.eq(self.access.word[k]), half.access.move.eq(self.access.move[k]), half.access.add.eq(self.access.add[k]),
                half.state_en.eq(self.state_en & (self.state_word[place] == k)), half.state_word.eq(self.state_word[:place]),
                half.new_state.eq(self.new_state), half.row_bit.eq(self.row_bit), half.row_weight.eq(self.row_weight),
            ]
            halves.append(half)
        lower, upper = halves
        m.d.comb += [self.state.eq(Mux(self.access.half, upper.state, lower.state)),
                     self.inputs.eq(Mux(self.access.half, upper.inputs, lower.inputs))]
        return m
