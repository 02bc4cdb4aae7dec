"""A lane of generated rows: its own generator, which chooses a permutation for each block, and the target that the source then has there."""

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.rows_generated import PLACE_BITS
from spikegate.models.network.generated import LANE_LEAP, LANE_TAPS, TABLES, lane_wires

__all__ = ["block_layout", "RowLane"]

NUMBER_BITS = 8


def block_layout(g: PointGeometry) -> data.StructLayout:
    """What all lanes have in common in a block.

    It is b; the source's place in its group, and where it goes in each table; the lane of the group's first source, if sources are targets, too, and
    the stripes whose rows here are its row and the next one, if there are such; the words of all stripes, and whether they are the first or the last
    of the targets, or beyond; and the lanes of the first and the last target.
    """
    lane = range(max(2, g.lanes))
    stripe = data.StructLayout({"word": g.synapse_layout()["word"].shape, "first": 1, "last": 1, "beyond": 1})
    own = data.StructLayout({"valid": 1, "stripe": PLACE_BITS})
    return data.StructLayout({
        "block": PLACE_BITS + 1, "place": PLACE_BITS, "tables": data.ArrayLayout(PLACE_BITS, TABLES), "nearest": lane, "recurrent": 1,
        "own": data.ArrayLayout(own, 2), "stripes": data.ArrayLayout(stripe, g.block), "first_lane": lane, "last_lane": lane})


class RowLane(wiring.Component):
    """One target a block, in the cycle of the block.

    Parameters
    ----------
    geometry : PointGeometry
    lane : int

    Members
    -------
    seed : In(64), start : In(1)
        Begin a row: the first word of the cipher.
    move : In(1)
        The next block follows.
    at : In(block_layout)
    valid : Out(1), word : Out
        The target.
    """

    def __init__(self, geometry: PointGeometry, lane: int):
        self.geometry, self.lane = geometry, lane
        super().__init__({"seed": In(64), "start": In(1), "move": In(1), "at": In(block_layout(geometry)), "valid": Out(1),
                          "word": Out(geometry.synapse_layout()["word"].shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        at, lane = self.at, self.lane
        state = Signal(32)
        new = Signal(LANE_LEAP)
        m.d.comb += new.eq(state[LANE_TAPS[0] - LANE_LEAP:] ^ state[LANE_TAPS[1] - LANE_LEAP:] ^ state[LANE_TAPS[2] - LANE_LEAP:]
                           ^ state[LANE_TAPS[3] - LANE_LEAP:])
        with m.If(self.start):
            m.d.sync += state.eq(Cat(self.seed[wire] for wire in lane_wires(lane)))
        with m.Elif(self.move):
            m.d.sync += state.eq(Cat(new, state))
        number = Signal(NUMBER_BITS)
        table = Signal(3)
        m.d.comb += [number.eq(new), table.eq(new[NUMBER_BITS:])]

        member = Signal(range(max(2, self.geometry.lanes)))
        own = Signal(at.own[0].shape())
        diagonal = Signal()
        m.d.comb += [member.eq(Mux(self.behind(at.nearest), self.geometry.lanes + lane - at.nearest, lane - at.nearest)),
                     own.eq(Mux(self.behind(at.nearest), at.own[1], at.own[0])), diagonal.eq(at.recurrent & own.valid & (member < at.block))]
        turned = Signal(PLACE_BITS)
        apart = Signal(PLACE_BITS)
        base = Signal(PLACE_BITS)
        turn = Signal(PLACE_BITS)
        stripe = Signal(PLACE_BITS)
        m.d.comb += [
            apart.eq(Mux(at.place < member, at.place + at.block - member, at.place - member)), turned.eq(self.wrapped(own.stripe + 1 + apart)),
            base.eq(Mux(diagonal, turned, at.tables[table])), turn.eq((number * at.block - Mux(diagonal, number, 0)) >> NUMBER_BITS),
            stripe.eq(self.wrapped(base + turn)),
        ]
        target = Signal(at.stripes[0].shape())
        m.d.comb += [target.eq(Array(at.stripes[k].as_value() for k in range(self.geometry.block))[stripe]), self.word.eq(target.word),
                     self.valid.eq(~target.beyond & ~(target.first & self.behind(at.first_lane)) & ~(target.last & self.before(at.last_lane)))]
        return m

    def behind(self, value: Value) -> Value:
        """Whether a lane is behind this one."""
        return value > self.lane if self.lane < self.geometry.lanes - 1 else C(0)

    def before(self, value: Value) -> Value:
        """Whether a lane is before this one."""
        return value < self.lane if self.lane else C(0)

    def wrapped(self, value: Value) -> Value:
        """A number below twice the block, modulo it."""
        return Mux(value >= self.at.block, value - self.at.block, value)
