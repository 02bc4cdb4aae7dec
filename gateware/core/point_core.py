"""The time-multiplexed core of a network of point neurons: any number of lanes, neurons of several structures, each synapse with its own delay.

Lane l of L holds neurons l, L + l, 2L + l, ...; word w is neuron w * L + l of every lane. A step is an update sweep over all W = ceil(N / L) words,
then the delivery of each of its spikes, and of the recorded events of the step.
"""

from amaranth.hdl import Cat, Const, DomainRenamer, Fragment, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.gates import gate_members, gated
from spikegate.gateware.core.loader import Loader
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.core.point_lane import PointLane
from spikegate.gateware.core.point_parts import ROWS
from spikegate.gateware.core.sequencer import Sequencer
from spikegate.gateware.core.sources import Sources
from spikegate.gateware.numeric.drive_tables import DriveTables

__all__ = ["PointGeometry", "PointCore"]


class PointCore(wiring.Component):
    """The network core: loader, sequencer, sources, rows, drive and lanes.

    Cycles of a run are those of `spikegate.models.core.point_size.PointSize.cycles`, as long as no stream is held up.

    Parameters
    ----------
    geometry : PointGeometry
    clock_gate : bool
        Leave the gating of the clock of the update logic to the outside, as `spikegate.gateware.core.core.Core`.
    sources : type
        `Sources`, or `LiveSources` for events that come while it runs; its members to the outside are the core's.
    count_bits : int
        Of the steps of a run, as `spikegate.gateware.core.core.Core`.

    Members
    -------
    i : In(stream.Signature(load_layout))
        Network and commands (`PointOp`); taken while no run is under way.
    events : In(stream.Signature(event_layout))
        Recorded events, ascending by step; after the last one an event of a step that never comes.
    request, response
        Those of a memory outside, with external rows.
    o : Out(stream.Signature(sweep_layout))
        Every word of every sweep, in order, after its update.
    busy : Out(1)
        A run is under way.
    cycles : Out(48)
        Clock cycles in which ``busy`` was high since reset.
    """

    def __init__(self, geometry: PointGeometry, *, clock_gate: bool = False, sources: type[Sources] = Sources, count_bits: int = 32):
        self.geometry, self.clock_gate, self.sources, self.count_bits = geometry, clock_gate, sources, count_bits
        super().__init__({**sources.outside(), "i": In(stream.Signature(geometry.load_layout())),
                          "events": In(stream.Signature(geometry.event_layout())),
                          "o": Out(stream.Signature(geometry.sweep_layout())), "busy": Out(1), "cycles": Out(48),
                          **ROWS[type(geometry.rows)].outside(geometry), **(gate_members(geometry.gated) if clock_gate else {})})

    def elaborate(self, platform: object) -> Module | Fragment:
        m = Module()
        g = self.geometry
        m.submodules.loader = loader = Loader(g, {})
        m.submodules.sequencer = sequencer = Sequencer(g, self.count_bits)
        m.submodules.sources = sources = self.sources(g)
        m.submodules.rows = rows = ROWS[type(g.rows)].make(g)
        lanes = [PointLane(g) for _ in range(g.lanes)]
        spiked = Signal(g.lanes)
        fired = Signal()
        add = Signal()
        begin = sequencer.delivering if g.rows.waits else Const(1)
        wiring.connect(m, wiring.flipped(self.i), loader.i)
        wiring.connect(m, wiring.flipped(self.events), sources.events)
        m.d.comb += [getattr(sources, name).eq(getattr(self, name)) for name in self.sources.outside()]
        for name in ROWS[type(g.rows)].outside(g):
            wiring.connect(m, getattr(wiring.flipped(self), name), getattr(rows, name))
        m.d.comb += [
            self.busy.eq(sequencer.running | loader.taken), self.cycles.eq(sequencer.cycles), loader.running.eq(sequencer.running),
            sequencer.start.eq(loader.load.en.run & sequencer.count.any()), sequencer.count.eq(loader.load.data),
            sequencer.clear.eq(loader.load.en.clear), sequencer.quiet.eq(~(sources.busy | rows.busy)), sequencer.taken.eq(self.o.ready),
            sequencer.ready.eq(1), sources.push.eq(Cat(self.o.valid & self.o.ready, fired, sequencer.finished.word, spiked)),
            sources.step.eq(sequencer.tag), sources.go.eq(sequencer.delivering), sources.clear.eq(loader.load.en.clear),
            rows.i.payload.eq(sources.o.payload), rows.i.valid.eq(sources.o.valid & begin), sources.o.ready.eq(rows.i.ready & begin),
            rows.load.eq(loader.load), rows.o.ready.eq(sequencer.delivering), add.eq(rows.o.valid & rows.o.ready),
            spiked.eq(Cat(lane.result.spike for lane in lanes)),
            # One concatenation: assigning the payload field by field makes Verilog that grows with the square of the lanes.
            self.o.valid.eq(sequencer.finished.en), self.o.payload.as_value().eq(Cat(
                (lane.result for lane in lanes), spiked, Const(0, g.mask_bits - g.lanes), sequencer.finished.word)),
        ]
        m.d.update += fired.eq(Cat(lane.spike for lane in lanes).any())
        self.connect_lanes(m, lanes, loader, sequencer)
        for index, lane in enumerate(lanes):
            m.d.comb += [lane.add.eq(add), lane.synapse.eq(rows.o.payload[index]), lane.empty.eq(loader.load.en.empty),
                         lane.place.eq(loader.load.address)]
        # Each half of the pipeline moves while it holds a token, and for the two cycles of a load.
        return gated(self, m, {"draw": sequencer.drawing | loader.moving, "update": sequencer.updating | loader.moving}, self.clock_gate)

    def connect_lanes(self, m: Module, lanes: list[PointLane], loader: Loader, sequencer: Sequencer) -> None:
        """The drive, tokens and loads."""
        g = self.geometry
        m.submodules.drive = drive = DomainRenamer("draw")(DriveTables(g.depth, g.drives, g.drive_layout(), g.lanes))
        consume = Signal()
        m.d.comb += [consume.eq(sequencer.consumed.en & sequencer.advance),
                     drive.load.eq(Cat(loader.table.en, loader.drive, loader.table.index[:len(drive.load.index)],
                                       loader.table.limit[:len(drive.load.value)]))]
        if g.noise_bits:
            self.connect_noise(m, lanes, loader, drive)
        for index, lane in enumerate(lanes):
            m.submodules[f"lane_{index}"] = lane
            mine = loader.lanes[index]
            m.d.comb += [
                lane.load.eq(Cat(loader.seed & mine, loader.state & mine, loader.place & mine, loader.set & mine, loader.table.index, loader.data)),
                *(getattr(lane, stage).eq(getattr(sequencer, stage)) for stage in g.stages if stage != "consumed"),
                drive.uniform[index].eq(lane.uniform), drive.table[index].eq(lane.table), lane.events.eq(drive.events[index]),
                lane.late.eq(drive.late[index]), lane.worth.eq(drive.worth[index]), lane.slot.eq(sequencer.tag), lane.consume.eq(consume),
                lane.advance.eq(sequencer.advance),
            ]

    def connect_noise(self, m: Module, lanes: list[PointLane], loader: Loader, drive: DriveTables) -> None:
        """A second search, in tables of noise, of the upper half of the random bits; its tables are those from ``noise_first`` on."""
        g = self.geometry
        m.submodules.noise = noise = DomainRenamer("draw")(DriveTables(g.depth, g.drives, g.noise_layout(), g.lanes))
        width = noise.number.width
        of_limits = loader.table.index[g.depth + width]
        of_worths = loader.table.index[width]
        m.d.comb += [
            noise.load.limit_en.eq(loader.table.en & of_limits), noise.load.worth_en.eq(loader.drive & of_worths),
            noise.load.index.eq(loader.table.index), noise.load.value.eq(loader.table.limit),
            drive.load.limit_en.eq(loader.table.en & ~of_limits), drive.load.worth_en.eq(loader.drive & ~of_worths),
        ]
        for index, lane in enumerate(lanes):
            m.d.comb += [noise.uniform[index].eq(lane.upper), noise.table[index].eq(lane.table), lane.noise.eq(noise.events[index]),
                         lane.noise_worth.eq(noise.worth[index])]
