"""One lane of the network core: the state and the arithmetic of its neurons, and the sums of their inputs."""

from amaranth.hdl import Cat, DomainRenamer, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.parts import NEURONS, row_parts
from spikegate.gateware.numeric.lfsr import leap
from spikegate.models.core.address_map import DATA_BITS, Param
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.fixed import Rounding

__all__ = ["Lane"]


class Lane(wiring.Component):
    """State and arithmetic of the neurons of one lane, and the sums of their inputs.

    Lives in three domains: ``draw``, with the streams and the table, and ``update``, with the neurons, advance only in
    sweeps and loads; ``sync``, with the inputs, always. What crosses from ``sync`` is registered in ``update`` at once,
    so that nothing else of the update has to follow the faster domain.
    ``spike`` is one stage ahead of ``result``. Enables and addresses come from the core, one for each pipeline stage.

    Inputs are summed modulo 2^(width + 4), weights having been extended to that width: no sum of a frozen network leaves it.
    """

    def __init__(self, geometry: CoreGeometry, index: int):
        self.geometry = g = geometry
        #: The last word has no neuron in this lane.
        self.short = index >= g.n - (g.words - 1) * g.lanes
        self.parts = NEURONS[type(g.neurons)]
        self.params = self.parts.params(g)
        word, total = range(max(2, g.words)), g.total_shape().width
        super().__init__({
            **{param.name.lower(): In(shape) for param, shape in self.params.items()},
            "load_seed": In(1), "load_state": In(1), "load_data": In(DATA_BITS), "draw_word": In(word), "fetch_word": In(word),
            "seed_en": In(1), "seed_word": In(word), "state_en": In(1), "state_word": In(word), "exists": In(1),
            "uniform": Out(UNIFORM_BITS), "events": In(g.depth), "access": In(row_parts(g).access(g)), "row_bit": In(g.banks),
            "row_weight": In(total), "spike": Out(1), "result": Out(g.lane_layout())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        m.submodules.seeds = seeds = memory.Memory(shape=g.lfsr.width, depth=max(2, g.words), init=[])
        m.submodules.unit = unit = DomainRenamer("update")(self.parts.unit(g))
        m.submodules.memory = neurons = row_parts(g).memory(g, self.parts.state(g))
        wiring.connect(m, wiring.flipped(self.access), neurons.access)
        seed_read = seeds.read_port(domain="draw")
        seed_write = seeds.write_port(domain="draw")
        total = Signal(signed(len(unit.i_current)))
        last_events = Signal(g.depth)
        m.d.comb += [
            seed_read.addr.eq(self.draw_word), self.uniform.eq(seed_read.data),
            seed_write.en.eq(self.seed_en), seed_write.addr.eq(self.seed_word),
            seed_write.data.eq(Mux(self.load_seed, self.load_data, leap(seed_read.data, g.lfsr))),
            neurons.fetch_word.eq(self.fetch_word), neurons.state_en.eq(self.state_en), neurons.state_word.eq(self.state_word),
            neurons.new_state.eq(Mux(self.load_state, self.load_data, self.result)), neurons.row_bit.eq(self.row_bit),
            neurons.row_weight.eq(self.row_weight), unit.i_state.eq(neurons.state),
            total.eq(neurons.inputs + self.events * self.drive_weight), unit.i_current.eq(total),
            *(getattr(unit, param.name.lower()).eq(getattr(self, param.name.lower())) for param in self.params if param != Param.DRIVE_WEIGHT),
            self.spike.eq(unit.o_spike & self.exists if self.short else unit.o_spike),
        ]
        m.d.update += [last_events.eq(self.events), self.result.eq(Cat(unit.o_state, self.spike, last_events))]
        if g.rounding == Rounding.STOCHASTIC:
            random = seed_read.data[UNIFORM_BITS:UNIFORM_BITS + g.leak_fraction]
            for stage in range(g.latency):
                delayed = Signal(g.leak_fraction, name=f"random_{stage}")
                m.d.draw += delayed.eq(random)
                random = delayed
            m.d.comb += unit.i_random.eq(random)
        return m
