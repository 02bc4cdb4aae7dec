"""One lane of the core of point neurons: what its neurons are and remember, a unit for each structure, and their inputs."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Cat, DomainRenamer, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.inputs_ring import RingInputs, ring_members
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.neuron.adaptive_linear import AdaptiveLinear
from spikegate.gateware.neuron.bernoulli import Bernoulli
from spikegate.gateware.neuron.izhikevich import Izhikevich
from spikegate.gateware.neuron.linear import Linear
from spikegate.gateware.numeric.lfsr import leap
from spikegate.models.core.address_map import ADDRESS_BITS
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS

__all__ = ["lane_load_layout", "PointLane"]

#: What makes the unit of a structure, given the widths of inputs and of noise: ports of the names of its parameters, ``o_spike``, and what it needs
#: of ``i_state`` with ``o_state``, ``i_input``, ``i_random``, ``i_uniform`` and ``i_noise``; its latency is that of the structure.
UNITS: dict[type, Callable[[Any, int, int], wiring.Component]] = {
    LinearNeuron: Linear, AdaptiveLinearNeuron: AdaptiveLinear, IzhikevichNeuron: lambda neuron, width, noise: Izhikevich(neuron, width),
    BernoulliNeuron: lambda neuron, width, noise: Bernoulli(neuron)}


def lane_load_layout(g: PointGeometry) -> data.StructLayout:
    """A load word at work in a lane, and for which of its memories."""
    return data.StructLayout({"seed": 1, "state": 1, "place": 1, "set": 1, "index": ADDRESS_BITS, "data": g.late_bits})


class PointLane(wiring.Component):
    """Neurons l, L + l, 2L + l, ... of lane l.

    ``draw`` and ``update`` advance in sweeps and loads alone; inputs live in ``sync``. The stages are those of `PointGeometry.stages`: streams are
    read at ``first``, what a neuron is at ``placed``, its set, state and inputs at ``fetched``, and its unit has them at ``consumed``.

    Parameters
    ----------
    geometry : PointGeometry

    Members
    -------
    load : In(lane_load_layout)
        In ``update``.
    first, drawn, placed, fetched, finished : In(token_layout)
    uniform, table : Out
        At ``drawn``, for the search.
    events, late, worth : In
        After the search, at ``fetched``: events, the uniform number, and what is kept beside the table.
    upper, noise, noise_worth
        The same of noise, if there is any.
    slot, add, synapse, advance, consume, empty, place : In
        As `ring_members`.
    spike : Out(1)
        A stage before ``finished``.
    result : Out(lane_layout)
        At ``finished``.
    """

    def __init__(self, geometry: PointGeometry):
        self.geometry = g = geometry
        token = In(g.token_layout())
        super().__init__({
            "load": In(lane_load_layout(g)), "first": token, "drawn": token, "placed": token, "fetched": token, "finished": token,
            "uniform": Out(UNIFORM_BITS), "table": Out(g.place_layout()["drive"].shape), "events": In(g.depth), "late": In(UNIFORM_BITS),
            "worth": In(g.drive_layout()), **ring_members(g), "spike": Out(1), "result": Out(g.lane_layout()),
            **({"upper": Out(UNIFORM_BITS), "noise": In(g.depth), "noise_worth": In(g.noise_layout())} if g.noise_bits else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, load = self.geometry, self.load
        word = load.index[:len(self.first.word)]
        draws = self.draw(m, word)
        m.submodules.places = places = memory.Memory(shape=g.place_layout(), depth=max(2, g.words), init=[])
        m.submodules.sets = sets = memory.Memory(shape=g.set_bits, depth=max(2, g.sets), init=[])
        m.submodules.states = states = memory.Memory(shape=g.state_bits, depth=max(2, g.words), init=[])
        m.submodules.inputs = inputs = RingInputs(g)
        place_read = places.read_port(domain="draw")
        place_write = places.write_port(domain="draw")
        set_read = sets.read_port(domain="update")
        set_write = sets.write_port(domain="update")
        state_read = states.read_port(domain="update")
        state_write = states.write_port(domain="update")
        m.d.comb += [
            place_read.addr.eq(self.placed.word), place_write.en.eq(load.place), place_write.addr.eq(word), place_write.data.eq(load.data),
            set_read.addr.eq(place_read.data.set), set_write.en.eq(load.set), set_write.addr.eq(load.index), set_write.data.eq(load.data),
            state_read.addr.eq(self.fetched.word), state_write.en.eq(load.state | self.finished.en),
            state_write.addr.eq(Mux(load.state, word, self.finished.word)), state_write.data.eq(Mux(load.state, load.data, self.result.state)),
            inputs.fetch.eq(self.fetched.word), *(getattr(inputs, name).eq(getattr(self, name)) for name in ring_members(g)),
        ]
        unit = Signal(g.place_layout()["unit"].shape)
        uniform = Signal(UNIFORM_BITS)
        m.d.update += [unit.eq(place_read.data.unit), uniform.eq(self.late)]
        totals, events = self.drive(m, list(inputs.inputs))
        given = {"set": set_read.data, "state": state_read.data, "uniform": uniform, "random": draws}
        if g.noise_bits:
            noise = Signal(signed(g.depth + 1 + g.noise_bits))
            m.d.update += noise.eq((self.noise - self.noise_worth.middle) * self.noise_worth.weight)
            given["noise"] = noise
        self.units(m, unit, given, totals, events)
        return m

    def draw(self, m: Module, word: Value) -> Value:
        """Streams, read and taken one leap on, and which table a neuron has; the bits for rounding, as late as the unit wants them."""
        g, load = self.geometry, self.load
        m.submodules.seeds = seeds = memory.Memory(shape=g.lfsr.width, depth=max(2, g.words), init=[])
        m.submodules.tables = tables = memory.Memory(shape=self.table.shape(), depth=max(2, g.words), init=[])
        seed_read = seeds.read_port(domain="draw")
        seed_write = seeds.write_port(domain="draw")
        table_read = tables.read_port(domain="draw")
        table_write = tables.write_port(domain="draw")
        table = data.View(g.place_layout(), load.data[:g.place_layout().size]).drive
        m.d.comb += [
            seed_read.addr.eq(self.first.word), self.uniform.eq(seed_read.data), seed_write.en.eq(load.seed | self.drawn.en),
            seed_write.addr.eq(Mux(load.seed, word, self.drawn.word)), seed_write.data.eq(Mux(load.seed, load.data, leap(seed_read.data, g.lfsr))),
            table_read.addr.eq(self.first.word), self.table.eq(table_read.data), table_write.en.eq(load.place), table_write.addr.eq(word),
            table_write.data.eq(table),
        ]
        if g.noise_bits:
            m.d.comb += self.upper.eq(seed_read.data[UNIFORM_BITS:])
        random = seed_read.data[UNIFORM_BITS:UNIFORM_BITS + g.random_bits]
        for stage in range(g.latency if g.random_bits else 0):
            delayed = Signal(g.random_bits, name=f"random_{stage}")
            m.d.draw += delayed.eq(random)
            random = delayed
        return random

    def drive(self, m: Module, inputs: list[Value]) -> tuple[list[Value], Value]:
        """Inputs with the external events, and how many these are."""
        g, worth = self.geometry, self.worth
        count = Signal(g.events_bits)
        u_events = Signal(g.events_bits)
        u_kick = Signal(signed(g.width))
        u_port = Signal.like(worth.port)
        m.d.comb += count.eq(worth.offset + self.events)
        m.d.update += [u_events.eq(count), u_kick.eq(count * worth.weight), u_port.eq(worth.port)]
        totals = []
        for number, due in enumerate(inputs):
            total = Signal(signed(g.width), name=f"total_{number}")
            m.d.comb += total.eq(due + Mux(u_port == number, u_kick, 0))
            totals.append(total)
        return totals, u_events

    def units(self, m: Module, unit: Value, given: dict[str, Value], totals: list[Value], events: Value) -> None:
        """A unit for each structure, all of which see the neuron; what its own says is the result."""
        g = self.geometry
        for stage in range(g.neuron_stages):
            later = Signal(unit.shape(), name=f"unit_{stage}")
            events_later = Signal(g.events_bits, name=f"events_{stage}")
            m.d.update += [later.eq(unit), events_later.eq(events)]
            unit, events = later, events_later
        state = Signal(g.state_bits)
        with m.Switch(unit):
            for number, structure in enumerate(g.structures, 1):
                made = UNITS[type(structure)](structure, g.width, len(given["noise"]) if g.noise_bits else 0)
                m.submodules[f"unit_{number}"] = DomainRenamer("update")(made)
                params, ports = data.View(made.params, given["set"][:made.params.size]), made.signature.members
                m.d.comb += [getattr(made, name).eq(params[name]) for name, _ in made.params]
                if "i_state" in ports:
                    m.d.comb += made.i_state.eq(given["state"][:made.layout.size])
                if "i_input" in ports:
                    m.d.comb += [port.eq(total) for port, total in zip(made.i_input, totals)]
                m.d.comb += [getattr(made, f"i_{name}").eq(given[name]) for name in ("random", "uniform", "noise") if f"i_{name}" in ports]
                late = [made.o_spike, *([made.o_state.as_value()] if "o_state" in ports else [])]
                for stage in range(structure.latency, g.neuron_stages):
                    late = [self.later(m, value, f"unit_{number}_{port}_{stage}") for port, value in enumerate(late)]
                with m.Case(number):
                    m.d.comb += [to.eq(value) for to, value in zip((self.spike, state), late)]
        m.d.update += self.result.eq(Cat(state, self.spike, events))

    def later(self, m: Module, value: Value, name: str) -> Value:
        """The value a cycle later, as other units take longer."""
        register = Signal(value.shape(), name=name)
        m.d.update += register.eq(value)
        return register
