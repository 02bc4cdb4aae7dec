"""The host link's counters: how often each neuron spiked in a run, and which neurons are the chosen ones."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.models.link.payloads import MAX_STEPS

__all__ = ["COUNT_BITS", "SpikeCounts"]

#: Of a counter, which counts the steps of one run at most.
COUNT_BITS = MAX_STEPS.bit_length()


class SpikeCounts(wiring.Component):
    """A counter for each place of a sweep, and whether its neuron is chosen.

    A word is counted in the cycle after it was taken, so that nothing that decides whether it is taken waits for a memory.

    Parameters
    ----------
    geometry : CoreGeometry

    Members
    -------
    start : In(1)
        A run begins; its first step writes the counters instead of adding to them.
    present : In(1), word : In(1), spikes : In(lanes)
        There is a word of the sweep; it is taken; who spikes in it.
    chosen : Out(lanes)
        Of the present word, who is chosen.
    counts : Out(ArrayLayout(COUNT_BITS, lanes)), settled : Out(1)
        Of the present word, spikes of this run with its own, once that has been there for two cycles.
    choose : In(1), lane : In, address : In(24), choice : In(1)
        For one cycle, between runs: a neuron is chosen, or no more; nothing happens at an address that no neuron has.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        lanes = geometry.lanes
        super().__init__({
            "start": In(1), "present": In(1), "word": In(1), "spikes": In(lanes), "chosen": Out(lanes),
            "counts": Out(data.ArrayLayout(COUNT_BITS, lanes)), "settled": Out(1),
            "choose": In(1), "lane": In(range(max(2, lanes))), "address": In(24), "choice": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes, words = self.geometry.lanes, self.geometry.words
        m.submodules.choices = choices = memory.Memory(shape=data.ArrayLayout(1, lanes), depth=max(2, words), init=[])
        m.submodules.sums = sums = memory.Memory(shape=data.ArrayLayout(COUNT_BITS, lanes), depth=max(2, words), init=[])
        write_choice = choices.write_port(granularity=1)
        read_choice = choices.read_port(domain="comb")
        write = sums.write_port()
        read = sums.read_port(domain="comb")
        at = Signal(range(max(2, words)))
        following = Signal.like(at, init=1 % words)
        first = Signal()
        # Of a cycle ago.
        counted_at = Signal.like(at)
        counted_first = Signal()
        spikes = Signal(lanes)
        taken = Signal()
        waiting = Signal()
        m.d.sync += [taken.eq(self.word), counted_at.eq(at), counted_first.eq(first), spikes.eq(self.spikes),
                     waiting.eq(self.present & ~self.word), self.settled.eq(waiting & self.present & ~self.word)]
        with m.If(self.start):
            m.d.sync += first.eq(1)
        with m.Elif(self.word & (at == words - 1)):
            m.d.sync += first.eq(0)
        with m.If(self.word):
            m.d.sync += [at.eq(following), following.eq(Mux(following == words - 1, 0, following + 1)), self.chosen.eq(read_choice.data)]
        with m.Elif(self.choose & (self.address == 0)):  # the word that the next run begins with
            m.d.sync += self.chosen.bit_select(self.lane, 1).eq(self.choice)
        m.d.comb += [
            read_choice.addr.eq(following), write_choice.addr.eq(self.address), write_choice.data.eq(self.choice.replicate(lanes)),
            write_choice.en.eq((self.choose & (self.address < words)) << self.lane), read.addr.eq(counted_at), write.addr.eq(counted_at),
            write.en.eq(taken),
        ]
        for lane in range(lanes):
            m.d.comb += write.data[lane].eq(Mux(counted_first, 0, read.data[lane]) + spikes[lane])
            m.d.sync += self.counts[lane].eq(write.data[lane])
        return m
