"""Spikes under way: the list of the core, and the picking of those that are due, one source a cycle."""

from amaranth.hdl import Cat, Const, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import data, fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import TAG_BITS, CoreGeometry

__all__ = ["encode", "first_set", "Spikes", "SweptSpikes"]


def encode(onehot: Value) -> Value:
    """Position of the only one among the bits, 0 if there is none."""
    size = len(onehot)
    return Cat((onehot & sum(1 << k for k in range(size) if k >> bit & 1)).any() for bit in range((size - 1).bit_length()))


def first_set(bits: Value) -> Value:
    """Position of the lowest bit that is set, 0 if none is: a tree, whose path is shorter than the carry of ``bits & -bits``."""
    if len(bits) == 1:
        return Const(0, 0)
    half = 1 << (len(bits) - 1).bit_length() - 1
    low, high = bits[:half], bits[half:]
    upper = ~low.any() & high.any()
    if half == 1:
        return upper  # of a choice of no bits Yosys would write a wire [-1:0]
    return Cat(Mux(low.any(), first_set(low), first_set(high))[:half.bit_length() - 1], upper)


class Spikes(wiring.Component):
    """Takes a word's spikes with their step, and gives each that is due as the address of its source's row and its weight.

    Members
    -------
    push : In
        ``en``, ``any``, ``word`` and ``mask``: words of the present step, in order, and whether they hold a spike.
    tag, delay : In(6)
        Step and delay in steps, modulo 64; due is what was pushed ``delay - 1`` steps ago.
    load : In
        ``en``, ``address`` and ``data``: the weight of a source.
    clear : In(1)
        Forget everything under way.
    o : Out(stream.Signature(geometry.row_layout()))
        First word of the source's row and its weight; sources ascend.
    busy : Out(1)
        Something is due or on its way out.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry = g = geometry
        word = range(max(2, g.words))
        super().__init__({
            "push": In(data.StructLayout({"en": 1, "any": 1, "word": word, "mask": g.lanes})), "tag": In(TAG_BITS), "delay": In(TAG_BITS),
            "load": In(data.StructLayout({"en": 1, "address": range(max(2, g.n)), "data": g.rows.weight_bits(g.size)})), "clear": In(1),
            "o": Out(stream.Signature(g.row_layout())), "busy": Out(1)})

    @property
    def born(self) -> Value:
        """Step of the spikes that are pushed."""
        return self.tag

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        m.submodules.weights = weights = memory.Memory(shape=g.rows.weight_bits(g.size), depth=max(2, g.n), init=[])
        entry = data.StructLayout({"tag": TAG_BITS, "word": self.push.word.shape(), "mask": g.lanes})
        m.submodules.list = spikes = ResetInserter(self.clear)(fifo.SyncFIFOBuffered(width=entry.size, depth=g.max_delay * g.words + 1))
        read = weights.read_port()
        write = weights.write_port()

        # The lowest spike of the entry in hand, then its weight and row address.
        hand = Signal(entry)
        hand_valid = Signal()
        rest = Signal(g.lanes)
        lowest = Signal(g.lanes)
        s1_valid = Signal()
        s1_source = Signal(range(max(2, g.n)))
        s1_ready = Signal()
        row_address = Signal((s1_source * g.bursts).shape())
        s2_address = Signal.like(self.o.payload.address)
        head = data.View(entry, spikes.r_data)
        due = Signal()
        pick = Signal()
        pop = Signal()
        m.d.comb += [
            spikes.w_en.eq(self.push.en & self.push.any), spikes.w_data.eq(Cat(self.born, self.push.word, self.push.mask)),
            due.eq(spikes.r_rdy & (head.tag == (self.tag + 1 - self.delay)[:TAG_BITS])),
            lowest.eq(hand.mask & -hand.mask), rest.eq(hand.mask ^ lowest),
            s1_ready.eq(~self.o.valid | self.o.ready), pick.eq(hand_valid & (~s1_valid | s1_ready)),
            pop.eq(due & (~hand_valid | (pick & (rest == 0)))), spikes.r_en.eq(pop),
            row_address.eq(s1_source * g.bursts), read.addr.eq(s1_source), read.en.eq(s1_valid & s1_ready),
            write.addr.eq(self.load.address), write.data.eq(self.load.data), write.en.eq(self.load.en),
            self.o.payload.eq(Cat(s2_address, read.data)), self.busy.eq(self.o.valid | s1_valid | hand_valid | due),
        ]
        with m.If(pop):
            m.d.sync += [hand.eq(head), hand_valid.eq(1)]
        with m.Elif(pick):
            m.d.sync += [hand.mask.eq(rest), hand_valid.eq(rest != 0)]
        with m.If(pick):
            m.d.sync += [s1_source.eq(hand.word * g.lanes + encode(lowest)), s1_valid.eq(1)]
        with m.Elif(s1_ready):
            m.d.sync += s1_valid.eq(0)
        with m.If(s1_valid & s1_ready):
            m.d.sync += [s2_address.eq(row_address), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.clear):
            m.d.sync += [hand_valid.eq(0), s1_valid.eq(0), self.o.valid.eq(0)]
        return m


class SweptSpikes(Spikes):
    """Spikes that are pushed while those of the next step's inputs are looked at already.

    Members
    -------
    late : In(1)
        What is pushed is of the step before ``tag``.
    """

    def __init__(self, geometry: CoreGeometry):
        super().__init__(geometry)
        self.late = Signal()

    @property
    def born(self) -> Value:
        """Step of the spikes that are pushed."""
        return (self.tag - self.late)[:TAG_BITS]
