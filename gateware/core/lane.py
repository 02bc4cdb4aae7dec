"""One lane of the network core: the state and the arithmetic of its neurons, and the sums of their inputs."""

from amaranth.hdl import Array, Cat, DomainRenamer, Module, Mux, Signal, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import LIF_PARAMS, CoreGeometry
from spikegate.gateware.neuron.lif import Lif, params_shapes, state_layout
from spikegate.gateware.numeric.lfsr import leap
from spikegate.models.neuron.lif import INPUT_GUARD_BITS
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.fixed import Rounding

__all__ = ["Lane"]


class Lane(wiring.Component):
    """State and arithmetic of the neurons of one lane, and the sums of their inputs.

    Lives in three domains: ``draw``, with the streams and the table, and ``update``, with the neurons, advance only in
    sweeps and loads; ``sync``, with the inputs, always. What crosses from ``sync`` is registered in ``update`` at once,
    so that nothing else of the update has to follow the faster domain.
    ``spike`` is one stage ahead of ``result``. Enables and addresses come from the core, one for each pipeline stage.

    Inputs lie in ``banks`` memories, each with every so many words, all of which a row may add to at once; ``input_bank`` is the one that is
    consumed. They are summed modulo 2^(width + 4), weights having been extended to that width: no sum of a frozen network leaves it.
    """

    def __init__(self, geometry: CoreGeometry, index: int):
        self.geometry = g = geometry
        #: The last word has no neuron in this lane.
        self.short = index >= g.n - (g.words - 1) * g.lanes
        word, total = range(max(2, g.words)), unsigned(g.format.width + INPUT_GUARD_BITS)
        super().__init__({
            **{name: In(shape) for name, shape in params_shapes(g.format, g.leak_fraction).items() if name in LIF_PARAMS},
            "drive_weight": In(signed(g.format.width)),
            "load_seed": In(1), "load_state": In(1), "load_data": In(64), "draw_word": In(word), "fetch_word": In(word),
            "seed_en": In(1), "seed_word": In(word), "state_en": In(1), "state_word": In(word), "exists": In(1),
            "uniform": Out(UNIFORM_BITS), "events": In(g.depth),
            "input_word": In(range(max(2, g.bursts))), "input_move": In(1), "input_empty": In(g.banks), "input_add": In(1),
            "row_bit": In(g.banks), "row_weight": In(total), **({"input_bank": In(range(g.banks))} if g.banks > 1 else {}),
            "spike": Out(1), "result": Out(g.lane_layout())})

    def elaborate(self, platform):
        m = Module()
        g, rows = self.geometry, max(2, self.geometry.words)
        m.submodules.seeds = seeds = memory.Memory(shape=g.lfsr.width, depth=rows, init=[])
        m.submodules.lif = lif = DomainRenamer("update")(
            Lif(g.format, g.rounding, g.overflow, gain=False, noise=False, leak_fraction=g.leak_fraction))
        seed_read = seeds.read_port(domain="draw")
        seed_write = seeds.write_port(domain="draw")
        state_data = Mux(self.load_state, self.load_data, self.result)
        input_data = Signal(self.row_weight.shape())
        memories = self._separate if g.store is None else self._shared
        memories(m, state_data, lif.i_state, input_data)
        m.d.comb += [
            seed_read.addr.eq(self.draw_word), self.uniform.eq(seed_read.data),
            seed_write.en.eq(self.seed_en), seed_write.addr.eq(self.seed_word),
            seed_write.data.eq(Mux(self.load_seed, self.load_data, leap(seed_read.data, g.lfsr))),
        ]
        m.d.comb += [getattr(lif, name).eq(getattr(self, name)) for name in LIF_PARAMS]
        m.d.comb += lif.i_current.eq((input_data + self.events * self.drive_weight)[:len(lif.i_current)])
        if g.rounding == Rounding.STOCHASTIC:
            random = seed_read.data[UNIFORM_BITS:UNIFORM_BITS + g.leak_fraction]
            for stage in range(g.latency):
                delayed = Signal(g.leak_fraction, name=f"random_{stage}")
                m.d.draw += delayed.eq(random)
                random = delayed
            m.d.comb += lif.i_random.eq(random)
        m.d.comb += self.spike.eq(lif.o_spike & self.exists if self.short else lif.o_spike)
        events = Signal(g.depth)
        m.d.update += [events.eq(self.events), self.result.eq(Cat(lif.o_state, self.spike, events))]
        return m

    def _separate(self, m, state_data, state, inputs_now):
        """States in ``update``, which stops outside sweeps, and inputs in a memory of their own."""
        g, rows = self.geometry, max(2, self.geometry.words)
        m.submodules.states = states = memory.Memory(shape=state_layout(g.format), depth=rows, init=[])
        state_read = states.read_port(domain="update")
        state_write = states.write_port(domain="update")
        ports = []
        for bank in range(g.banks):
            name = "inputs" if g.banks == 1 else f"inputs_{bank}"
            m.submodules[name] = inputs = memory.Memory(shape=self.row_weight.shape(), depth=max(2, g.bursts), init=[])
            # Read at a registered address, which synthesis turns into a transparent port of a block RAM.
            input_read = inputs.read_port(domain="comb")
            input_write = inputs.write_port()
            ports.append((input_read, input_write))
        reads = [input_read.data for input_read, _ in ports]
        m.d.comb += [
            state_read.addr.eq(self.fetch_word), state.eq(state_read.data), inputs_now.eq(Array(reads)[self.input_bank] if g.banks > 1 else reads[0]),
            state_write.en.eq(self.state_en), state_write.addr.eq(self.state_word), state_write.data.eq(state_data),
        ]
        # With banks, no word is read in two cycles that follow each other: sums rest a cycle, in registers which that empties without further logic.
        write = m.d.comb if g.banks == 1 else m.d.sync
        for bank, (input_read, input_write) in enumerate(ports):
            m.d.comb += input_read.addr.eq(self.input_word)
            write += [
                input_write.addr.eq(self.input_word), input_write.en.eq(self.input_empty[bank] | (self.input_add & self.row_bit[bank])),
                input_write.data.eq(Mux(self.input_add, input_read.data + self.row_weight, 0)),
            ]

    def _shared(self, m, state_data, state, inputs_now):
        """State and input side by side in one memory, read at the unregistered ``input_word``; a written state empties the input.

        The overflow flag lies with the input, so that membrane and refractory steps fill whole bytes of a block RAM.
        """
        g, total = self.geometry, len(self.row_weight)
        size = state_layout(g.format).size - 1
        m.submodules.neurons = neurons = memory.Memory(shape=size + 1 + total, depth=max(2, g.words), init=[])
        read = neurons.read_port()
        write = neurons.write_port(granularity=1)
        word = Signal.like(self.input_word)
        add = Signal()
        after = Signal(total)
        with m.If(self.input_move):
            m.d.sync += word.eq(self.input_word)
        m.d.comb += [
            read.addr.eq(self.input_word), read.en.eq(self.input_move), Cat(state.as_value(), inputs_now).eq(read.data),
            add.eq(self.input_add & self.row_bit), after.eq(inputs_now + self.row_weight),
            write.addr.eq(Mux(self.state_en, self.state_word, word)),
            write.en.eq(Cat(self.state_en.replicate(size), (self.state_en | add).replicate(total + 1))),
            write.data.eq(Cat(state_data[:size], Mux(self.state_en, state_data[size], Cat(state.overflow, after)))),
        ]
