"""The time-multiplexed network core: any number of lanes, one network after another through its load stream.

Lane l of L holds neurons l, L + l, 2L + l, ...; word w is neuron w * L + l of every lane. A step is an update sweep over
all W = ceil(N / L) words, then the delivery of each spike that is due: W words of its source's row, L targets a cycle, or B L with B banks.
"""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, DomainRenamer, EnableInserter, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import TAG_BITS, CoreGeometry, Op, Param
from spikegate.gateware.core.lane import Lane
from spikegate.gateware.core.rows_bitmap import Rows
from spikegate.gateware.core.rows_store import Store
from spikegate.gateware.core.rows_streams import StreamRows
from spikegate.gateware.core.spike_list import Spikes
from spikegate.gateware.neuron.lif import params_shapes
from spikegate.gateware.numeric.drive_search import Drive
from spikegate.gateware.numeric.drive_walk import Walk

__all__ = ["Op", "Param", "CoreGeometry", "Core"]
#: Parameters that the lanes do not see.
SHARED = (Param.DELAY, Param.SCALE)


class Core(wiring.Component):
    """The network core: sequencer, spike list, connectivity and lanes.

    Cycles of a step: W + spikes due * W / B + depth + 9, as long as the sweep stream is not held up; with a store, W + depth + 9 and
    those of `Store`. Where the drive walks, 2 in place of depth, and what `Walk` takes for large numbers of events.

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
        gates = {name: flow for part in geometry.gated for name, flow in ((f"{part}_clk", In(1)), (f"{part}_enable", Out(1)))}
        super().__init__({"i": In(stream.Signature(geometry.load_layout())), "o": Out(stream.Signature(geometry.sweep_layout())),
                          "busy": Out(1), "cycles": Out(48), **(gates if clock_gate else {})})

    def elaborate(self, platform):
        m = Module()
        g, word, burst = self.geometry, range(max(2, self.geometry.words)), range(max(2, self.geometry.bursts))
        if g.store is None:
            m.submodules.spikes = spikes = Spikes(g)
            m.submodules.delivery = delivery = Rows(g) if g.streams is None else StreamRows(g)
            wiring.connect(m, spikes.o, delivery.i)
        else:
            m.submodules.delivery = delivery = spikes = Store(g)
        clear = Signal()

        drive = Walk(g.depth, g.lanes) if g.walk else DomainRenamer("draw")(Drive(g.depth, g.lanes))
        shapes = {**params_shapes(g.format, g.leak_fraction), "delay": TAG_BITS,
                  "drive_weight": signed(g.format.width), "scale": signed(g.format.width)}
        params = {param: Signal(shapes[param.name.lower()], name=param.name.lower()) for param in Param}
        tag = Signal(TAG_BITS)
        steps = Signal(32)
        sweep_word = Signal(word)
        countdown = Signal(range(g.latency + 8))
        sweeping = Signal()
        draining = Signal()
        delivering = Signal()
        advance = Signal()
        draw_enable = Signal()
        update_enable = Signal()
        running = Signal()
        # The sweep moves on when the output does, and the first half of its pipeline when the drive has done with a word, too.
        ready = Signal()
        forward = Signal()
        m.d.comb += [running.eq(sweeping | draining | delivering), advance.eq(~self.o.valid | self.o.ready), forward.eq(advance & ready)]
        with m.If(running):
            m.d.sync += self.cycles.eq(self.cycles + 1)

        # One token a word passes through the stages of the lanes; the last one stands at the output.
        token = [Signal(data.StructLayout({"en": 1, "word": word}), name=f"token_{k}") for k in range(g.latency + 4)]
        m.d.comb += [token[0].en.eq(sweeping), token[0].word.eq(sweep_word), self.o.valid.eq(token[-1].en)]
        for stage, (before, after) in enumerate(zip(token, token[1:])):
            m.d["draw" if stage < g.latency else "update"] += after.eq(before)
        if g.walk:
            m.d.update += token[g.latency + 1].en.eq(token[g.latency].en & ready)
        consume = token[g.latency + 1]

        with m.If(sweeping & forward):
            m.d.sync += sweep_word.eq(sweep_word + 1)
            with m.If(sweep_word == g.words - 1):
                m.d.sync += [sweeping.eq(0), draining.eq(1), countdown.eq(g.latency + 7), sweep_word.eq(0)]
        with m.If(draining & forward):
            m.d.sync += countdown.eq(countdown - 1)
            with m.If(countdown == 0):
                m.d.sync += [draining.eq(0), delivering.eq(1)]
        with m.If(delivering & ~(delivery.busy | spikes.busy)):
            m.d.sync += [delivering.eq(0), sweeping.eq(steps != 1), steps.eq(steps - 1), tag.eq(tag + 1)]

        # The load stream.
        load = Signal(g.load_layout())
        taken = Signal()
        is_op = {op: Signal(name=f"is_{op.name.lower()}") for op in Op}
        loading = Signal()
        emptying = Signal()
        update_load = Signal()
        m.d.comb += [self.i.ready.eq(~running & ~is_op[Op.RUN]), self.busy.eq(running | taken)]
        m.d.comb += [signal.eq(taken & (load.op == op)) for op, signal in is_op.items()]
        m.d.sync += [load.eq(self.i.payload), taken.eq(self.i.valid & self.i.ready), loading.eq(update_load), emptying.eq(is_op[Op.STATE])]
        m.d.comb += [
            clear.eq(is_op[Op.CLEAR]), spikes.clear.eq(clear), delivery.clear.eq(clear), delivery.go.eq(delivering),
            delivery.load.eq(Cat(is_op[Op.ROW], load.address[:len(delivery.load.address)], load.data)),
            spikes.tag.eq(tag), spikes.delay.eq(params[Param.DELAY]),
            # Each half of the pipeline moves while it holds a token, and for the two cycles of a load.
            draw_enable.eq((forward & Cat(stage.en for stage in token[:g.latency + 1]).any()) | update_load | loading),
            update_enable.eq((advance & Cat(stage.en for stage in token[g.latency:]).any()) | update_load | loading),
            update_load.eq(is_op[Op.SEED] | is_op[Op.STATE] | is_op[Op.TABLE] | is_op[Op.PARAM]),
        ]
        # Loads reach the lanes one cycle later, through registers of their own domain.
        load_seed = Signal()
        load_state = Signal()
        load_lanes = Signal(g.lanes)
        load_word = Signal(word)
        load_data = Signal(64)
        m.d.update += [load_lanes.eq(1 << load.lane[:g.lanes.bit_length()]), load_word.eq(load.address), load_data.eq(load.data),
                       load_seed.eq(is_op[Op.SEED]), load_state.eq(is_op[Op.STATE]),
                       drive.load.en.eq(is_op[Op.TABLE]), drive.load.index.eq(load.address), drive.load.limit.eq(load.data)]
        drawn, store = token[1], token[-1]
        seed_en = Signal(g.lanes)
        state_en = Signal(g.lanes)
        seed_word = Signal(word)
        state_word = Signal(word)
        exists = Signal()
        m.d.comb += [
            seed_en.eq(Mux(load_seed, load_lanes, drawn.en.replicate(g.lanes))), seed_word.eq(Mux(load_seed, load_word, drawn.word)),
            state_en.eq(Mux(load_state, load_lanes, store.en.replicate(g.lanes))), state_word.eq(Mux(load_state, load_word, store.word)),
            exists.eq(token[-2].word != g.words - 1),
        ]
        with m.If(clear):
            m.d.sync += tag.eq(0)
        with m.If(is_op[Op.RUN] & (load.data != 0)):
            m.d.sync += [steps.eq(load.data), sweeping.eq(1)]
        with m.If(is_op[Op.PARAM]):
            with m.Switch(load.address):
                for param in Param:
                    with m.Case(param.value):
                        # Delay and scale belong to spike list and delivery, all others to the lanes.
                        m.d["sync" if param in SHARED else "update"] += params[param].eq(load.data)

        spiked = Signal(g.lanes)
        fired = Signal()
        m.d.comb += spikes.push.eq(Cat(self.o.valid & self.o.ready, fired, token[-1].word, spiked))
        input_word = Signal(burst)
        input_add = Signal()
        input_move = Signal(name="input_move")
        m.d.comb += input_move.eq(delivery.add | advance)
        m.d.sync += input_add.eq(delivery.add)
        if g.store is None:
            place = (g.banks - 1).bit_length()
            m.d.comb += [delivery.more.eq(spikes.busy), spikes.load.eq(Cat(is_op[Op.WEIGHT], load.address[:len(spikes.load.address)], load.data))]
            with m.If(input_move):
                m.d.sync += input_word.eq(Mux(delivery.add, delivery.word, Mux(taken, load.address[place:], token[g.latency].word[place:])))
            input_words = [input_word] * g.lanes
        else:
            input_words = [Mux(delivery.add, delivery.words[index], token[g.latency].word) for index in range(g.lanes)]
        if g.streams:
            m.d.comb += [delivery.scale.eq(params[Param.SCALE]), delivery.stream_load.eq(Cat(
                is_op[Op.STREAM_SEED] | is_op[Op.STREAM_STUCK] | is_op[Op.STREAM_RATE], load.op, load.address[:16], load.data[:64]))]
        m.submodules.drive = drive
        m.d.comb += [drive.en.eq(token[g.latency].en & advance), drive.move.eq(forward), ready.eq(drive.done | ~drive.en)] if g.walk else ready.eq(1)
        input_empty = (consume.en & advance) | emptying
        if g.banks > 1:
            input_bank = Signal(range(g.banks))
            with m.If(input_move):
                m.d.sync += input_bank.eq(Mux(taken, load.address, token[g.latency].word))
            input_empty = Cat(input_empty & (input_bank == bank) for bank in range(g.banks))
        lanes = []
        for index in range(g.lanes):
            m.submodules[f"lane_{index}"] = lane = Lane(g, index)
            m.d.comb += [
                lane.load_seed.eq(load_seed), lane.load_state.eq(load_state), lane.load_data.eq(load_data),
                lane.draw_word.eq(token[0].word), lane.fetch_word.eq(token[g.latency].word), lane.exists.eq(exists),
                lane.seed_en.eq(seed_en[index]), lane.seed_word.eq(seed_word),
                lane.state_en.eq(state_en[index]), lane.state_word.eq(state_word),
                drive.uniform[index].eq(lane.uniform), lane.events.eq(drive.events[index]),
                lane.input_word.eq(input_words[index]), lane.input_move.eq(input_move), lane.input_add.eq(input_add),
                lane.row_bit.eq(Cat(delivery.bits[bank * g.lanes + index] for bank in range(g.banks))),
                lane.input_empty.eq(input_empty), lane.row_weight.eq(delivery.weight),
            ]
            if g.banks > 1:
                m.d.comb += lane.input_bank.eq(input_bank)
            m.d.comb += [getattr(lane, param.name.lower()).eq(params[param]) for param in Param if param not in SHARED]
            lanes.append(lane)
        m.d.update += fired.eq(Cat(lane.spike for lane in lanes).any())
        # One concatenation: assigning the payload field by field makes Verilog that grows with the square of the lanes.
        m.d.comb += [spiked.eq(Cat(lane.result.spike for lane in lanes)),
                     self.o.payload.as_value().eq(Cat((lane.result for lane in lanes), spiked, Const(0, g.lane_bits - g.lanes), token[-1].word))]
        enables = {"draw": draw_enable, "update": update_enable, **({"stream": delivery.enable} if g.streams else {})}
        if not self.clock_gate:
            return DomainRenamer({name: "sync" for name in enables})(EnableInserter(enables)(m))
        for name, enable in enables.items():
            m.domains += ClockDomain(name, reset_less=True)
            m.d.comb += [ClockSignal(name).eq(getattr(self, f"{name}_clk")), getattr(self, f"{name}_enable").eq(enable)]
        return m
