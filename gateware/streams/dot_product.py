"""Signed dot product of bitstreams: gate, count the ones of each channel, add them with their signs."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.numeric.fixed import round_shift
from spikegate.gateware.streams.faults import fault_layout, inject
from spikegate.gateware.streams.synapse import Synapse
from spikegate.models.numeric.fixed import Rounding
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.synapse import SynapseParams

__all__ = ["add_up", "popcount", "scale_count", "beat_layout", "path_layout", "DotProduct"]

#: Bits that a simulator handles in one operation, and columns below which adding numbers beats adding bits.
WORD, COLUMNS = 64, 8


def add_up(numbers: list[Value]) -> Value:
    """Their sum, in a tree that loses no bit."""
    while len(numbers) > 1:
        numbers = [sum(numbers[k + 1:k + 2], numbers[k]) for k in range(0, len(numbers), 2)]
    return numbers[0]


def popcount(value: Value, m: Module | None = None) -> Value:
    """The number of ones: ``len(value).bit_length()`` bits, so that none is lost; combinational.

    With a module, the bits are added in parallel columns by full adders on words of up to 64 bits, planes of weight 1, 2, 4, ...;
    the words are folded in halves down to 8 columns, whose numbers are then added. No constant masks: Yosys would cut what they mask
    into single bits, which Verilator then handles one by one. The words are signals of ``m``, because Amaranth copies an expression
    for each of its uses. Without a module, single bits are added in a tree: the same number, but slow in Verilator when
    the value is wide.
    """
    size = len(value)
    if m is None or size <= COLUMNS:
        return add_up([value[k] for k in range(size)])[:size.bit_length()]

    def keep(word: Value) -> Value:
        signal = Signal(len(word), name=f"ones_{len(word)}")
        m.d.comb += signal.eq(word)
        return signal

    def compress(planes: list[list[Value]]) -> list[Value]:
        """One word for each weight 2^k from the words of that weight, ``planes[k]``: full adders, then half adders."""
        for k, words in enumerate(planes):
            while len(words) > 1:
                a, b, *words = words
                half, carry = keep(a ^ b), a & b
                if words:
                    c, *words = words
                    half, carry = keep(half ^ c), carry | half & c
                words.append(half)
                planes[k:] = [[], *planes[k + 1:]] if k + 1 < len(planes) else [[], []]
                planes[k + 1].append(keep(carry))
            planes[k] = words
        return [words[0] for words in planes]

    value, columns = keep(value), min(WORD, 1 << (size - 1).bit_length())
    planes = compress([[value[k:k + columns] for k in range(0, size, columns)]])
    while columns > COLUMNS:
        columns //= 2
        planes = compress([[keep(part) for part in (plane[:columns], plane[columns:]) if len(part)] for plane in planes])
    return add_up([Cat(plane[k] for plane in planes) for k in range(columns)])[:size.bit_length()]


def scale_count(total: Value, threshold: Value | int, log2_length: int) -> Value:
    """``total * threshold / 2**log2_length``, nearest, half up, as `spikegate.models.streams.dot_product.scale_count`; loses no bit.

    The total is signed; the threshold a raw integer or a signal.
    """
    return round_shift(total * threshold, log2_length, Rounding.NEAREST, 0)


def beat_layout(params: DotProductParams) -> data.StructLayout:
    """What a dot product takes in a clock: a window of ``spike`` and of ``weight`` for each channel, masks with one bit a channel."""
    windows = data.ArrayLayout(params.width, params.channels)
    return data.StructLayout({"spike": windows, "weight": windows, "inhibitory": params.channels, "enable": params.channels})


def path_layout(params: DotProductParams, stuck: bool, flips: bool) -> data.StructLayout:
    """Fault masks of one channel's path: its ``stream`` and ``weight`` lines and the bits of its ``count``."""
    widths = {"stream": params.width, "weight": params.width, "count": params.count_bits}
    return data.StructLayout({point: fault_layout(width, stuck, flips) for point, width in widths.items()})


class DotProduct(wiring.Component):
    """Signed sum of the gated ones of all channels: one window a channel a cycle, the total two cycles after its last window.

    First register: the count of each channel with its sign. Second: the total so far. A total that waits holds up the windows behind it.

    Parameters
    ----------
    params : DotProductParams
    stuck, flips : bool
        Which faults the path of each channel may have.

    Members
    -------
    i : In(stream.Signature(beat_layout(params)))
        ``length / width`` of them are one dot product. Signs and enables belong to their clock.
    o : Out(stream.Signature(signed(params.total_bits())))
        One total a dot product; wider with faults.
    faults : In(path_layout(params, stuck, flips)).array(channels)
        Act on the windows and counts of the same cycle; absent without faults.
    """

    def __init__(self, params: DotProductParams, *, stuck: bool = False, flips: bool = False) -> None:
        self.params, self.stuck, self.flips, total = params, stuck, flips, signed(params.total_bits(faulty=stuck or flips))
        faults = {"faults": In(path_layout(params, stuck, flips)).array(params.channels)} if stuck or flips else {}
        super().__init__({"i": In(stream.Signature(beat_layout(params))), "o": Out(stream.Signature(total)), **faults})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params, beat = self.params, self.i.payload
        left = Signal(range(params.clocks), init=params.clocks - 1)
        s1_valid = Signal()
        s1_first = Signal()
        s1_last = Signal()
        s1_ready = Signal()
        s1_counts = [Signal(signed(params.count_bits + 1), name=f"s1_count_{c}") for c in range(params.channels)]
        m.d.comb += [s1_ready.eq(~self.o.valid | self.o.ready), self.i.ready.eq(~s1_valid | s1_ready)]

        with m.If(self.i.ready):
            m.d.sync += s1_valid.eq(self.i.valid)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [s1_first.eq(left == params.clocks - 1), s1_last.eq(left == 0), left.eq(Mux(left == 0, params.clocks - 1, left - 1))]
        for c, s1_count in enumerate(s1_counts):
            masks = self.faults[c] if self.stuck or self.flips else None
            m.submodules[f"synapse_{c}"] = synapse = Synapse(SynapseParams(params.width), stuck=self.stuck, flips=self.flips)
            count = Signal(params.count_bits, name=f"count_{c}")
            m.d.comb += [synapse.spike.eq(beat.spike[c]), synapse.weight.eq(beat.weight[c]),
                         count.eq(inject(popcount(synapse.post, m), masks.count if masks is not None else None))]
            if masks is not None:
                m.d.comb += [synapse.stream_faults.eq(masks.stream), synapse.weight_faults.eq(masks.weight)]
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += s1_count.eq(Mux(beat.enable[c], Mux(beat.inhibitory[c], -count, count), 0))

        with m.If(s1_ready):
            m.d.sync += self.o.valid.eq(s1_valid & s1_last)
        with m.If(s1_valid & s1_ready):
            m.d.sync += self.o.payload.eq(Mux(s1_first, 0, self.o.payload) + add_up(s1_counts))
        return m
