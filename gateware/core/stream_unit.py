"""The stream unit: at each target a window of every channel's weight stream, gated by its spike, counted, added and scaled."""

from typing import cast

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry, StreamGeometry
from spikegate.gateware.numeric.sobol import advance
from spikegate.gateware.streams.dot_product import add_up, popcount, scale_count
from spikegate.gateware.streams.encoder import below, lfsr_window, sobol_window_planes
from spikegate.gateware.streams.faults import faulty
from spikegate.models.core.address_map import DATA_BITS, OP_BITS, Op, flip_rate, stream_register, stuck_word
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import POINTS
from spikegate.models.streams.params import Generator

__all__ = ["stream_load_layout", "weight_layout", "StreamUnit"]


def stream_load_layout() -> data.StructLayout:
    """A word for the stream unit."""
    return data.StructLayout({"en": 1, "op": OP_BITS, "address": 16, "data": DATA_BITS})


def weight_layout() -> data.StructLayout:
    """What is kept of a source's weight."""
    return data.StructLayout({"probability": PROBABILITY_BITS + 1, "negative": 1})


def _streams(g: CoreGeometry) -> StreamGeometry:
    return cast(StreamGeometry, g.rows)


class StreamUnit(wiring.Component):
    """One target a cycle, its value four cycles later: windows, post-synaptic streams, signed counts, value.

    All registers are in the domain ``stream``, whose clock may stop while nothing is under way.

    Members
    -------
    start : In(1)
        A target: every generator goes on by one window.
    member : In(channels)
        Rows that the target is in.
    weights : In(weight_layout).array(channels)
        Still for two cycles after each start.
    scale : In(signed(width))
    clear : In(1)
        Sobol sequences begin again.
    load : In(stream_load_layout)
    value : Out(signed(width + 4))
    """

    #: Registers from a target to its value.
    LATENCY = 4

    def __init__(self, geometry: CoreGeometry):
        self.geometry = g = geometry
        super().__init__({
            "start": In(1), "member": In(1).array(_streams(g).channels), "weights": In(weight_layout()).array(_streams(g).channels),
            "scale": In(signed(g.format.width)), "clear": In(1), "load": In(stream_load_layout()), "value": Out(g.total_shape())})

    def registers(self, m: Module, first: int, name: str) -> list[Value]:
        """Planes of an LFSR encoder whose registers are loaded at ``first`` and following."""
        planes: list[Value] = []
        g = _streams(self.geometry)
        for b in range(PROBABILITY_BITS):
            window = Signal(g.length, name=f"{name}_{b}")
            following = lfsr_window(m, window[:g.lfsr.width], g.lfsr, g.length)
            with m.If(self.load.en & (self.load.op == Op.STREAM_SEED.value) & (self.load.address == first + b)):
                m.d.stream += window.eq(self.load.data)
            with m.Elif(self.start):
                m.d.stream += window.eq(following)
            planes.append(window)
        return planes

    def sequence(self, m: Module, channel: int) -> list[Value]:
        """Planes of a channel's Sobol encoder."""
        g, params = _streams(self.geometry), _streams(self.geometry).sobol[channel]
        offset, upcoming, index = (Signal(bits, name=f"{name}_{channel}") for name, bits in (
            ("offset", PROBABILITY_BITS), ("upcoming", PROBABILITY_BITS), ("index", params.index_bits)))
        with m.If(self.clear):
            m.d.stream += [upcoming.eq(0), index.eq(0)]
        with m.Elif(self.start):
            m.d.stream += [offset.eq(upcoming), upcoming.eq(advance(upcoming, index, params)), index.eq(index + 1)]
        return sobol_window_planes(params, g.length, offset)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = _streams(self.geometry)
        counts = []
        for c in range(g.channels):
            planes = self.registers(m, stream_register(c), f"window_{c}") if g.generator == Generator.LFSR else self.sequence(m, c)
            faults = self.faults(m, c)
            s1_member = Signal(name=f"s1_member_{c}")
            s2_member = Signal(name=f"s2_member_{c}")
            s2_post = Signal(g.length, name=f"s2_post_{c}")
            s3_count = Signal(signed(g.log2_length + 2), name=f"s3_count_{c}")
            count = Signal(g.log2_length + 1, name=f"count_{c}")
            spike = faulty(s1_member.replicate(g.length), **faults["stream"])
            weight = faulty(below(planes, self.weights[c].probability), **faults["weight"])
            m.d.comb += count.eq(faulty(popcount(s2_post, m), **faults["count"]))
            m.d.stream += [s1_member.eq(self.member[c]), s2_member.eq(s1_member), s2_post.eq(spike & weight),
                           s3_count.eq(Mux(s2_member, Mux(self.weights[c].negative, -count, count), 0))]
            counts.append(s3_count)
        m.d.stream += self.value.eq(scale_count(add_up(counts), self.scale, g.log2_length))
        return m

    def faults(self, m: Module, channel: int) -> dict[str, dict[str, Value]]:
        """Arguments of `faulty` at each point of a channel's path; without faults, nothing is there."""
        g = _streams(self.geometry)
        masks: dict[str, dict[str, Value]] = {}
        for k, point in enumerate(POINTS):
            width = g.log2_length + 1 if point == "count" else g.length
            masks[point] = found = {}
            if g.stuck:
                for level in (0, 1):
                    found[f"stuck{level}"] = mask = Signal(width, name=f"stuck{level}_{point}_{channel}")
                    for word in range(-(-width // 64)):
                        place = stuck_word(channel, level, k, word)
                        with m.If(self.load.en & (self.load.op == Op.STREAM_STUCK.value) & (self.load.address == place)):
                            m.d.stream += mask[64 * word:64 * word + 64].eq(self.load.data)
            if g.flips:
                rate = Signal(PROBABILITY_BITS + 1, name=f"rate_{point}_{channel}")
                flips = Signal(width, name=f"flips_{point}_{channel}")
                with m.If(self.load.en & (self.load.op == Op.STREAM_RATE.value) & (self.load.address == flip_rate(channel, k))):
                    m.d.stream += rate.eq(self.load.data)
                own = stream_register(g.channels + 3 * channel + k)
                m.d.comb += flips.eq(below(self.registers(m, own, f"flip_{point}_{channel}"), rate))
                found["flips"] = flips
                if point == "count":  # it acts one register later
                    found["flips"] = later = Signal(width, name=f"flips_later_{channel}")
                    m.d.stream += later.eq(flips)
        return masks
