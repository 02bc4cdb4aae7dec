"""The time-multiplexed network core: any number of lanes, one network after another through its load stream.

Lane l of L holds neurons l, L + l, 2L + l, ...; word w is neuron w * L + l of every lane. A step is an update sweep over
all W = ceil(N / L) words, then the delivery of each spike that is due: W words of its source's row, L targets a cycle.
"""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, DomainRenamer, EnableInserter, Module, Mux, ResetInserter, Signal, signed
from amaranth.lib import data, fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core_geometry import CoreGeometry, Op, Param
from spikegate.gateware.core_lane import Lane
from spikegate.gateware.drive import Drive
from spikegate.gateware.lif import params_shapes
from spikegate.models.lif import INPUT_GUARD_BITS

__all__ = ["Op", "Param", "CoreGeometry", "Core"]

TAG_BITS = 6


class Core(wiring.Component):
    """The network core: sequencer, spike list, connectivity and lanes.

    Cycles of a step: (1 + spikes due) * W + depth + 9, as long as the sweep stream is not held up.

    Parameters
    ----------
    geometry : CoreGeometry
    clock_gate : bool
        Leave the gating of the clock of the update logic to the outside: the domains ``draw`` and ``update`` run on
        ``draw_clk`` and ``update_clk``, which are ``clk`` in each cycle at whose end ``draw_enable`` or ``update_enable`` is
        high (a clock-gating cell each). Without, clock enables stop the same logic; every signal is the same in every cycle.

    Members
    -------
    i : In(stream.Signature(load_layout))
        Network and commands (`Op`); taken while no run is under way.
    o : Out(stream.Signature(sweep_layout))
        Every word of every sweep, in order, after its update.
    busy : Out(1)
        A run is under way.
    cycles : Out(48)
        Clock cycles in which ``busy`` was high since reset.
    """

    def __init__(self, geometry: CoreGeometry, *, clock_gate: bool = False):
        self.geometry, self.clock_gate = geometry, clock_gate
        gates = {name: flow for part in ("draw", "update") for name, flow in ((f"{part}_clk", In(1)), (f"{part}_enable", Out(1)))}
        super().__init__({"i": In(stream.Signature(geometry.load_layout())), "o": Out(stream.Signature(geometry.sweep_layout())),
                          "busy": Out(1), "cycles": Out(48), **(gates if clock_gate else {})})

    def elaborate(self, platform):
        m = Module()
        g, word = self.geometry, range(max(2, self.geometry.words))
        m.submodules.rows = rows = memory.Memory(shape=g.lanes, depth=max(2, g.n * g.words), init=[])
        m.submodules.weights = weights = memory.Memory(shape=signed(g.format.width), depth=max(2, g.n), init=[])
        entry = data.StructLayout({"tag": TAG_BITS, "word": word, "mask": g.lanes})
        clear = Signal()
        m.submodules.spikes = spikes = ResetInserter(clear)(
            fifo.SyncFIFOBuffered(width=entry.size, depth=g.max_delay * g.words + 1))

        drive = DomainRenamer("draw")(Drive(g.depth, g.lanes))
        shapes = {**params_shapes(g.format), "drive_weight": signed(g.format.width + INPUT_GUARD_BITS), "delay": TAG_BITS}
        params = {param: Signal(shapes[param.name.lower()], name=param.name.lower()) for param in Param}
        tag, steps = Signal(TAG_BITS), Signal(32)
        sweep_word, countdown = Signal(word), Signal(range(g.depth + 8))
        sweeping, draining, delivering = Signal(), Signal(), Signal()
        advance, draw_enable, update_enable = Signal(), Signal(), Signal()
        running = Signal()
        m.d.comb += [running.eq(sweeping | draining | delivering), advance.eq(~self.o.valid | self.o.ready)]
        with m.If(running):
            m.d.sync += self.cycles.eq(self.cycles + 1)

        # One token a word passes through the stages of the lanes; the last one stands at the output.
        token = [Signal(data.StructLayout({"en": 1, "word": word}), name=f"token_{k}") for k in range(g.depth + 4)]
        m.d.comb += [token[0].en.eq(sweeping), token[0].word.eq(sweep_word), self.o.valid.eq(token[-1].en)]
        for stage, (before, after) in enumerate(zip(token, token[1:])):
            m.d["draw" if stage < g.depth else "update"] += after.eq(before)
        consume = token[g.depth + 1]

        # The lowest spike of the entry in hand, then its weight and row address, then the words of its row.
        hand, hand_valid, rest, lowest = Signal(entry), Signal(), Signal(g.lanes), Signal(g.lanes)
        s1_valid, s1_source, s1_ready = Signal(), Signal(range(max(2, g.n))), Signal()
        s2_valid, s2_address, s2_ready = Signal(), Signal(range(max(2, g.n * g.words))), Signal()
        row_valid, row_address, row_word, row_weight = Signal(), Signal.like(s2_address), Signal(word), Signal(signed(g.format.width))
        s3_weight = Signal(signed(g.format.width + INPUT_GUARD_BITS))
        head, due, pick, pop, row_last, deliver = data.View(entry, spikes.r_data), Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            due.eq(spikes.r_rdy & (head.tag == (tag + 1 - params[Param.DELAY])[:TAG_BITS])),
            lowest.eq(hand.mask & -hand.mask), rest.eq(hand.mask ^ lowest),
            deliver.eq(delivering & row_valid), row_last.eq(row_word == g.words - 1),
            s2_ready.eq(~row_valid | (deliver & row_last)), s1_ready.eq(~s2_valid | s2_ready),
            pick.eq(hand_valid & (~s1_valid | s1_ready)),
            pop.eq(due & (~hand_valid | (pick & (rest == 0)))), spikes.r_en.eq(pop),
        ]
        weight_read, row_read = weights.read_port(), rows.read_port()
        m.d.comb += [weight_read.addr.eq(s1_source), weight_read.en.eq(s1_valid & s1_ready),
                     row_read.addr.eq(row_address), row_read.en.eq(deliver)]
        with m.If(pop):
            m.d.sync += [hand.eq(head), hand_valid.eq(1)]
        with m.Elif(pick):
            m.d.sync += [hand.mask.eq(rest), hand_valid.eq(rest != 0)]
        with m.If(pick):
            lane = Cat((lowest & sum(1 << k for k in range(g.lanes) if k >> bit & 1)).any() for bit in range((g.lanes - 1).bit_length()))
            m.d.sync += [s1_source.eq(hand.word * g.lanes + lane), s1_valid.eq(1)]
        with m.Elif(s1_ready):
            m.d.sync += s1_valid.eq(0)
        with m.If(s1_valid & s1_ready):
            m.d.sync += [s2_address.eq(s1_source * g.words), s2_valid.eq(1)]
        with m.Elif(s2_ready):
            m.d.sync += s2_valid.eq(0)
        with m.If(s2_valid & s2_ready):
            m.d.sync += [row_address.eq(s2_address), row_word.eq(0), row_weight.eq(weight_read.data), row_valid.eq(1)]
        with m.Elif(deliver):
            m.d.sync += [row_address.eq(row_address + 1), row_word.eq(row_word + 1), row_valid.eq(~row_last)]
        m.d.sync += s3_weight.eq(row_weight)

        with m.If(sweeping & advance):
            m.d.sync += sweep_word.eq(sweep_word + 1)
            with m.If(sweep_word == g.words - 1):
                m.d.sync += [sweeping.eq(0), draining.eq(1), countdown.eq(g.depth + 7), sweep_word.eq(0)]
        with m.If(draining & advance):
            m.d.sync += countdown.eq(countdown - 1)
            with m.If(countdown == 0):
                m.d.sync += [draining.eq(0), delivering.eq(1)]
        with m.If(delivering & ~(row_valid | s2_valid | s1_valid | hand_valid | due)):
            m.d.sync += [delivering.eq(0), sweeping.eq(steps != 1), steps.eq(steps - 1), tag.eq(tag + 1)]

        # The load stream.
        load, taken, is_op = Signal(g.load_layout()), Signal(), {op: Signal(name=f"is_{op.name.lower()}") for op in Op}
        loading, emptying, update_load = Signal(), Signal(), Signal()
        m.d.comb += [self.i.ready.eq(~running & ~is_op[Op.RUN]), self.busy.eq(running | taken)]
        m.d.comb += [signal.eq(taken & (load.op == op)) for op, signal in is_op.items()]
        m.d.sync += [load.eq(self.i.payload), taken.eq(self.i.valid & self.i.ready), loading.eq(update_load), emptying.eq(is_op[Op.STATE])]
        row_write, weight_write = rows.write_port(), weights.write_port()
        m.d.comb += [
            row_write.addr.eq(load.address), row_write.data.eq(load.data), row_write.en.eq(is_op[Op.ROW]),
            weight_write.addr.eq(load.address), weight_write.data.eq(load.data), weight_write.en.eq(is_op[Op.WEIGHT]),
            clear.eq(is_op[Op.CLEAR]),
            # Each half of the pipeline moves while it holds a token, and for the two cycles of a load.
            draw_enable.eq((advance & Cat(stage.en for stage in token[:g.depth + 1]).any()) | update_load | loading),
            update_enable.eq((advance & Cat(stage.en for stage in token[g.depth:]).any()) | update_load | loading),
            update_load.eq(is_op[Op.SEED] | is_op[Op.STATE] | is_op[Op.TABLE] | is_op[Op.PARAM]),
        ]
        # Loads reach the lanes one cycle later, through registers of their own domain.
        load_seed, load_state, load_lanes = Signal(), Signal(), Signal(g.lanes)
        load_word, load_data = Signal(word), Signal(64)
        m.d.update += [load_lanes.eq(1 << load.lane[:g.lanes.bit_length()]), load_word.eq(load.address), load_data.eq(load.data),
                       load_seed.eq(is_op[Op.SEED]), load_state.eq(is_op[Op.STATE]),
                       drive.load.en.eq(is_op[Op.TABLE]), drive.load.index.eq(load.address), drive.load.limit.eq(load.data)]
        drawn, store = token[1], token[-1]
        seed_en, state_en, seed_word, state_word, exists = Signal(g.lanes), Signal(g.lanes), Signal(word), Signal(word), Signal()
        m.d.comb += [
            seed_en.eq(Mux(load_seed, load_lanes, drawn.en.replicate(g.lanes))), seed_word.eq(Mux(load_seed, load_word, drawn.word)),
            state_en.eq(Mux(load_state, load_lanes, store.en.replicate(g.lanes))), state_word.eq(Mux(load_state, load_word, store.word)),
            exists.eq(token[-2].word != g.words - 1),
        ]
        with m.If(clear):
            m.d.sync += [hand_valid.eq(0), s1_valid.eq(0), s2_valid.eq(0), row_valid.eq(0), tag.eq(0)]
        with m.If(is_op[Op.RUN] & (load.data != 0)):
            m.d.sync += [steps.eq(load.data), sweeping.eq(1)]
        with m.If(is_op[Op.PARAM]):
            with m.Switch(load.address):
                for param in Param:
                    with m.Case(param.value):
                        # The delay belongs to the spike list, all others to the lanes.
                        m.d["sync" if param == Param.DELAY else "update"] += params[param].eq(load.data)

        spiked, fired = Signal(g.lanes), Signal()
        m.d.comb += [spikes.w_en.eq(self.o.valid & self.o.ready & fired),
                     spikes.w_data.eq(Cat(tag, token[-1].word, spiked))]
        input_word, input_add = Signal(word), Signal()
        m.d.sync += input_add.eq(deliver)
        with m.If(deliver | advance):
            m.d.sync += input_word.eq(Mux(deliver, row_word, Mux(taken, load.address, token[g.depth].word)))
        m.submodules.drive = drive
        lanes = []
        for index in range(g.lanes):
            m.submodules[f"lane_{index}"] = lane = Lane(g, index)
            m.d.comb += [
                lane.load_seed.eq(load_seed), lane.load_state.eq(load_state), lane.load_data.eq(load_data),
                lane.draw_word.eq(token[0].word), lane.fetch_word.eq(token[g.depth].word), lane.exists.eq(exists),
                lane.seed_en.eq(seed_en[index]), lane.seed_word.eq(seed_word),
                lane.state_en.eq(state_en[index]), lane.state_word.eq(state_word),
                drive.uniform[index].eq(lane.uniform), lane.events.eq(drive.events[index]),
                lane.input_word.eq(input_word), lane.input_add.eq(input_add), lane.row_bit.eq(row_read.data[index]),
                lane.input_write.eq(input_add | (consume.en & advance) | emptying), lane.row_weight.eq(s3_weight),
            ]
            m.d.comb += [getattr(lane, param.name.lower()).eq(params[param]) for param in Param if param != Param.DELAY]
            lanes.append(lane)
        m.d.update += fired.eq(Cat(lane.spike for lane in lanes).any())
        # One concatenation: assigning the payload field by field makes Verilog that grows with the square of the lanes.
        m.d.comb += [spiked.eq(Cat(lane.result.spike for lane in lanes)),
                     self.o.payload.as_value().eq(Cat((lane.result for lane in lanes), spiked, Const(0, g.lane_bits - g.lanes), token[-1].word))]
        enables = {"draw": draw_enable, "update": update_enable}
        if not self.clock_gate:
            return DomainRenamer({name: "sync" for name in enables})(EnableInserter(enables)(m))
        for name, enable in enables.items():
            m.domains += ClockDomain(name, reset_less=True)
            m.d.comb += [ClockSignal(name).eq(getattr(self, f"{name}_clk")), getattr(self, f"{name}_enable").eq(enable)]
        return m
