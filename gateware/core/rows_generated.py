"""Row source: rows that are generated for each spike, a block of all lanes a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, enum, memory, wiring

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.core.row_cipher import RowCipher
from spikegate.gateware.core.row_lane import RowLane, block_layout
from spikegate.gateware.core.rows_csr import row_members
from spikegate.models.core.rows_generated import PLACE_BITS, reciprocal

__all__ = ["GeneratedRows"]


class Preparation(enum.Enum, shape=2):  # type: ignore[call-arg]
    """Of a row: wait for a source, look at a rule, divide by its group and cipher, and wait until the row before has ended."""

    IDLE = 0
    MATCH = 1
    DIVIDE = 2
    CIPHER = 3


class GeneratedRows(wiring.Component):
    """For each rule that a source matches a row, of a word for each block, while the next row is prepared; a source that matches none has no word.

    From the cycle in which a rule is matched, a row's first word takes nine cycles, if no row is under way.

    Parameters
    ----------
    geometry : PointGeometry

    Members
    -------
    i, load, o, busy
        As `row_members`.
    """

    def __init__(self, geometry: PointGeometry):
        self.geometry = geometry
        super().__init__(row_members(geometry))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, load = self.geometry, self.load
        m.submodules.rules = rules = memory.Memory(shape=g.rule_layout(), depth=max(2, g.rules), init=[])
        m.submodules.tables = tables = memory.Memory(shape=g.permute_layout(), depth=max(2, g.rules) << PLACE_BITS, init=[])
        m.submodules.cipher = cipher = RowCipher()
        rule_write = rules.write_port()
        table_write = tables.write_port()
        m.d.comb += [rule_write.en.eq(load.en.rule), rule_write.addr.eq(load.address), rule_write.data.eq(load.data),
                     table_write.en.eq(load.en.permute), table_write.addr.eq(load.address), table_write.data.eq(load.data)]
        rule_read = rules.read_port()
        table_read = tables.read_port()
        rule = rule_read.data
        state = Signal(Preparation)
        number = Signal(range(max(2, g.rules)))
        source = Signal.like(self.i.payload)
        local = Signal.like(self.i.payload)
        group = Signal.like(self.i.payload)
        place = Signal(PLACE_BITS)
        matches = Signal()
        start = Signal()
        room = Signal()
        follow = Signal()
        final = Signal()
        m.d.comb += [
            self.i.ready.eq(state == Preparation.IDLE), matches.eq((rule.first <= source) & (source <= rule.last)), local.eq(source - rule.first),
            start.eq((state == Preparation.CIPHER) & ~cipher.busy & room), final.eq(number == g.rules - 1),
            follow.eq(start | ((state == Preparation.MATCH) & ~matches)), cipher.start.eq(state == Preparation.DIVIDE), cipher.seed.eq(rule.seed),
            cipher.value.eq(group), rule_read.en.eq(follow | self.i.ready), rule_read.addr.eq(Mux(follow, number + 1, 0)),
            table_read.en.eq(state == Preparation.DIVIDE), table_read.addr.eq(Cat((local - group * rule.block)[:PLACE_BITS], number)),
        ]
        with m.Switch(state):
            with m.Case(Preparation.IDLE):
                with m.If(self.i.valid):
                    m.d.sync += [state.eq(Preparation.MATCH), source.eq(self.i.payload), number.eq(0)]
            with m.Case(Preparation.MATCH):
                m.d.sync += [group.eq(local * rule.reciprocal >> len(local) + PLACE_BITS), state.eq(Preparation.DIVIDE)]
            with m.Case(Preparation.DIVIDE):
                m.d.sync += [place.eq(local - group * rule.block), state.eq(Preparation.CIPHER)]
        with m.If(follow):
            m.d.sync += [number.eq(number + 1), state.eq(Mux(final, Preparation.IDLE, Preparation.MATCH))]
        with m.If(load.en.clear):
            m.d.sync += state.eq(Preparation.IDLE)
        active = self.emit(m, (start, room), rule, table_read.data, source, place, cipher)
        m.d.comb += self.busy.eq((state != Preparation.IDLE) | active | self.o.valid)
        return m

    def emit(self, m: Module, now: tuple[Signal, Signal], rule: data.View, table: data.View, source: Signal, place: Signal,
             cipher: RowCipher) -> Signal:
        """The row under way; whether there is one. ``now`` are that a row begins, and that it may."""
        g = self.geometry
        start, room = now
        layout = block_layout(g)
        active = Signal()
        left = Signal.like(rule.blocks)
        move = Signal()
        kept = Signal(layout)
        at = Signal(layout)
        row = Signal(g.rule_layout())
        own = Signal.like(rule.word)
        m.d.comb += [move.eq(active & (~self.o.valid | self.o.ready)), room.eq(~active | (move & (left == 1))), at.eq(kept)]
        origin = self.origin(source)
        lane = Signal.like(at.nearest)
        word = Signal.like(rule.word)
        before = Signal()
        m.d.comb += [lane.eq(origin[0]), word.eq(origin[1]), before.eq(lane < place)]
        with m.If(start):
            m.d.sync += [
                active.eq(1), left.eq(rule.blocks), row.eq(rule), kept.block.eq(rule.block), kept.place.eq(place), kept.tables.eq(table.as_value()),
                kept.recurrent.eq(rule.recurrent), kept.first_lane.eq(rule.first_lane), kept.last_lane.eq(rule.last_lane),
                kept.nearest.eq(Mux(before, lane + g.lanes - place, lane - place)), own.eq(word - before - rule.word)]
        with m.Elif(move):
            m.d.sync += [left.eq(left - 1), active.eq(left != 1)]
        with m.If(move):
            m.d.sync += self.o.valid.eq(1)
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.load.en.clear):
            m.d.sync += [active.eq(0), self.o.valid.eq(0)]
        self.stripes(m, (start, move), rule, row, own, at, cipher)
        fixed = {name: row[name] for name in ("delay", "port", "weight")}
        for index in range(g.lanes):
            m.submodules[f"lane_{index}"] = made = RowLane(g, index)
            m.d.comb += [made.seed.eq(cipher.first), made.start.eq(start), made.move.eq(move), made.at.eq(at)]
            with m.If(move):
                m.d.sync += [self.o.payload[index].valid.eq(made.valid), self.o.payload[index].word.eq(made.word),
                             *(self.o.payload[index][name].eq(value) for name, value in fixed.items())]
        return active

    def origin(self, source: Signal) -> tuple[Value, Value]:
        """Lane and word of a neuron."""
        g, bits = self.geometry, len(source)
        word = source * reciprocal(g.lanes, bits) >> bits + PLACE_BITS
        return source - word * g.lanes, word

    def stripes(self, m: Module, now: tuple[Signal, Signal], rule: data.View, row: data.View, own: Signal, at: data.View,
                cipher: RowCipher) -> None:
        """Where each stripe is in its turn, and which of them have the rows of the group's first source and of the next one."""
        g = self.geometry
        start, move = now
        hits: tuple[list[Value], list[Value]] = [], []
        for k in range(g.block):
            turn = Signal.like(rule.blocks, name=f"turn_{k}")
            skew = Signal.like(rule.blocks, name=f"skew_{k}")
            base = Signal(range(g.block * g.blocks + g.words + 1), name=f"base_{k}")
            here = Signal(range(g.block * g.blocks + g.words + 1), name=f"here_{k}")
            wires = Cat(cipher.second[(7 * k + bit) % 64] for bit in range(len(rule.mask)))
            m.d.comb += [skew.eq(wires & rule.mask), base.eq(row.blocks * k), here.eq(base + turn),
                         at.stripes[k].word.eq(row.word + here), at.stripes[k].first.eq(here == 0), at.stripes[k].last.eq(here == row.last_row),
                         at.stripes[k].beyond.eq(here > row.last_row)]
            with m.If(start):
                m.d.sync += turn.eq(Mux(skew >= rule.blocks, skew - rule.blocks, skew))
            with m.Elif(move):
                m.d.sync += turn.eq(Mux(turn == row.blocks - 1, 0, turn + 1))
            for which, found in enumerate(hits):
                found.append(here == own + which)
        for which, found in enumerate(hits):
            m.d.comb += [at.own[which].valid.eq(Cat(found).any()),
                         at.own[which].stripe.eq(Cat(Cat(hit for k, hit in enumerate(found) if k >> bit & 1).any() for bit in range(PLACE_BITS)))]
