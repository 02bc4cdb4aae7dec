"""The time-multiplexed network core: any number of lanes, one network after another through its load stream.

Lane l of L holds neurons l, L + l, 2L + l, ...; word w is neuron w * L + l of every lane. A step is an update sweep over
all W = ceil(N / L) words, and the delivery of each spike that is due, afterwards or meanwhile. Which row source, drive, neurons and schedule
there are, the geometry says.
"""

from amaranth.hdl import Cat, Const, Fragment, Module, Mux, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.gates import gate_members, gated
from spikegate.gateware.core.geometry import TAG_BITS, CoreGeometry, Op, Param
from spikegate.gateware.core.lane import Lane
from spikegate.gateware.core.loader import Loader
from spikegate.gateware.core.parts import DRIVES, NEURONS, SCHEDULES, row_parts

__all__ = ["Op", "Param", "CoreGeometry", "Core"]


class Core(wiring.Component):
    """The network core: loader, sequencer, delivery, drive, inputs and lanes.

    Cycles of a run are those of `spikegate.models.core.cycles.phases`, as long as the sweep stream is not held up.

    Parameters
    ----------
    geometry : CoreGeometry
    clock_gate : bool
        Leave the gating of the clock of the update logic to the outside: the domains ``draw`` and ``update`` run on
        ``draw_clk`` and ``update_clk``, which are ``clk`` in each cycle at whose end ``draw_enable`` or ``update_enable`` is
        high (a clock-gating cell each). Without, clock enables stop the same logic; every signal is the same in every cycle.
    count_bits : int
        Of the steps of a run, which are so many low bits of the data of a `Op.RUN`.
    ahead : bool
        Whether there are ``more`` and ``again``, for which the schedule has to be an `Overlap`.

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
    more : In(1), again : Out(1)
        At the end of a step: one follows that was not asked for by an `Op.RUN`; the cycle before, one has begun.
    """

    def __init__(self, geometry: CoreGeometry, *, clock_gate: bool = False, count_bits: int = 32, ahead: bool = False):
        self.geometry, self.clock_gate, self.count_bits, self.ahead = geometry, clock_gate, count_bits, ahead
        super().__init__({"i": In(stream.Signature(geometry.load_layout())), "o": Out(stream.Signature(geometry.sweep_layout())),
                          "busy": Out(1), "cycles": Out(48), **({"more": In(1), "again": Out(1)} if ahead else {}),
                          **(gate_members(geometry.gated) if clock_gate else {})})

    def elaborate(self, platform: object) -> Module | Fragment:
        m = Module()
        g = self.geometry
        lane_params = NEURONS[type(g.neurons)].params(g)
        m.submodules.loader = loader = Loader(g, {**lane_params, Param.DELAY: Shape(TAG_BITS)})
        m.submodules.sequencer = sequencer = SCHEDULES[type(g.schedule)].sequencer(g, self.count_bits, **({"ahead": True} if self.ahead else {}))
        m.submodules.delivery = delivery = row_parts(g).delivery(g)
        m.submodules.drive = drive = DRIVES[type(g.drive)].make(g)
        m.submodules.inputs = inputs = row_parts(g).address(g)
        lanes = [Lane(g, index) for index in range(g.lanes)]
        spiked = Signal(g.lanes)
        fired = Signal()
        wiring.connect(m, wiring.flipped(self.i), loader.i)
        m.d.comb += [
            self.busy.eq(sequencer.running | loader.taken), self.cycles.eq(sequencer.cycles), loader.running.eq(sequencer.running),
            sequencer.start.eq(loader.load.en.run & sequencer.count.any()), sequencer.count.eq(loader.load.data),
            sequencer.clear.eq(loader.load.en.clear), sequencer.quiet.eq(~delivery.busy), sequencer.taken.eq(self.o.ready),
            sequencer.ready.eq(DRIVES[type(g.drive)].join(m, drive, sequencer.fetched.en & sequencer.advance, sequencer.forward)),
            drive.load.en.eq(loader.table.en), drive.load.index.eq(loader.table.index), drive.load.limit.eq(loader.table.limit),
            delivery.push.eq(Cat(self.o.valid & self.o.ready, fired, sequencer.finished.word, spiked)), delivery.tag.eq(sequencer.tag),
            delivery.delay.eq(loader.delay), delivery.load.eq(loader.load), delivery.go.eq(sequencer.delivering),
            inputs.add.eq(delivery.add), inputs.load.eq(loader.load), inputs.taken.eq(loader.taken), inputs.advance.eq(sequencer.advance),
            inputs.fetch.eq(sequencer.fetched.word),
            inputs.consume.eq(SCHEDULES[type(g.schedule)].join(m, sequencer, loader, delivery, inputs)),
            *(mine.eq(word) for mine, word in zip(inputs.target, delivery.words)), spiked.eq(Cat(lane.result.spike for lane in lanes)),
            # One concatenation: assigning the payload field by field makes Verilog that grows with the square of the lanes.
            self.o.valid.eq(sequencer.finished.en), self.o.payload.as_value().eq(Cat(
                (lane.result for lane in lanes), spiked, Const(0, g.lane_bits - g.lanes), sequencer.finished.word)),
        ]
        if self.ahead:
            m.d.comb += [sequencer.more.eq(self.more), self.again.eq(sequencer.again)]
        m.d.update += fired.eq(Cat(lane.spike for lane in lanes).any())
        self.connect_lanes(m, lanes, loader, sequencer)
        for index, lane in enumerate(lanes):
            wiring.connect(m, inputs.o[index], lane.access)
            m.d.comb += [
                drive.uniform[index].eq(lane.uniform), lane.events.eq(drive.events[index]), lane.row_weight.eq(delivery.weight),
                lane.row_bit.eq(Cat(delivery.bits[bank * g.lanes + index] for bank in range(g.banks))),
                *(getattr(lane, param.name.lower()).eq(getattr(loader, param.name.lower())) for param in lane_params),
            ]
        # Each half of the pipeline moves while it holds a token, and for the two cycles of a load.
        return gated(self, m, {"draw": sequencer.drawing | loader.moving, "update": sequencer.updating | loader.moving,
                               **{name: getattr(delivery, f"{name}_enable") for name in g.rows.gated}}, self.clock_gate)

    def connect_lanes(self, m: Module, lanes: list[Lane], loader: Loader, sequencer: wiring.Component) -> None:
        """Tokens and loads, to all lanes alike or to the one that is loaded."""
        g, drawn, finished = self.geometry, sequencer.drawn, sequencer.finished
        seed_en = Signal(g.lanes)
        seed_word = Signal.like(loader.word)
        state_en = Signal(g.lanes)
        state_word = Signal.like(loader.word)
        exists = Signal()
        m.d.comb += [
            seed_en.eq(Mux(loader.seed, loader.lanes, drawn.en.replicate(g.lanes))), seed_word.eq(Mux(loader.seed, loader.word, drawn.word)),
            state_en.eq(Mux(loader.state, loader.lanes, finished.en.replicate(g.lanes))),
            state_word.eq(Mux(loader.state, loader.word, finished.word)),
            exists.eq(sequencer.finishing.word != g.words - 1),
        ]
        for index, lane in enumerate(lanes):
            m.submodules[f"lane_{index}"] = lane
            m.d.comb += [
                lane.load_seed.eq(loader.seed), lane.load_state.eq(loader.state), lane.load_data.eq(loader.data), lane.exists.eq(exists),
                lane.draw_word.eq(sequencer.first.word), lane.fetch_word.eq(sequencer.fetched.word), lane.seed_en.eq(seed_en[index]),
                lane.seed_word.eq(seed_word), lane.state_en.eq(state_en[index]), lane.state_word.eq(state_word),
            ]
