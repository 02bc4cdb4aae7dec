"""Linear integrate-and-fire neurons in fixed point, the same integers as models/neuron/linear.py."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.numeric.fixed import fit, round_shift
from spikegate.models.neuron.linear import Held, LinearNeuron, Order, Reset

__all__ = ["LATENCY", "set_layout", "state_layout", "Linear"]

#: Cycles from a neuron to its new state and spike.
LATENCY = LinearNeuron.latency
COUNTS = ("hold", "overflow", "fired")


def set_layout(neuron: Any) -> data.StructLayout:
    """A parameter set: fields of the names and ranges of ``neuron.columns``."""
    return data.StructLayout({column.name: Shape.cast(range(column.least, column.most + 1)) for column in neuron.columns})


def state_layout(neuron: Any) -> data.StructLayout:
    """What a neuron remembers: fields as ``neuron.state``, membrane and currents signed."""
    return data.StructLayout({name: Shape(width, signed=name not in COUNTS) for name, width in neuron.state.items()})


class Linear(wiring.Component):
    """The update of one neuron: latency two cycles, one neuron a cycle.

    In the first stage what is due is added, and Brian2's order resets; then the products are formed; in the last they are rounded and summed,
    and the membrane is compared. Every neuron brings its own parameters.

    Parameters
    ----------
    neuron : LinearNeuron
        Its structure.
    width : int
        Bits of an input.
    noise : int
        Bits of noise that each step adds to a membrane that is not held; 0 without.

    Members
    -------
    leak, rest, threshold, ... : In
        The neuron's parameter set, as `set_layout`.
    i_state : In(state_layout(neuron))
        The neuron before the step.
    i_input : In(signed(width)).array(ports)
        What is due at each port.
    i_random : In(leak_fraction)
        For stochastic rounding alone.
    i_noise : In(signed(noise))
        With noise alone.
    o_state : Out(state_layout(neuron))
        The neuron after the step, two cycles behind the inputs.
    o_spike : Out(1)
    """

    def __init__(self, neuron: LinearNeuron, width: int, noise: int = 0) -> None:
        self.neuron, self.width, self.noise = neuron, width, noise
        self.params, self.layout = set_layout(neuron), state_layout(neuron)
        super().__init__({
            **{name: In(field.shape) for name, field in self.params}, "i_state": In(self.layout),
            "i_input": In(signed(width)).array(len(neuron.ports)), "i_random": In(neuron.leak_fraction), "o_state": Out(self.layout),
            "o_spike": Out(1), **({"i_noise": In(signed(noise))} if noise else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        given = {name: getattr(self, name) for name, _ in self.params}
        s1_set = Signal(self.params)
        s2_set = Signal(self.params)
        s1_random = Signal(self.neuron.leak_fraction)
        s2_random = Signal(self.neuron.leak_fraction)
        m.d.sync += [*(s1_set[name].eq(value) for name, value in given.items()), s2_set.eq(s1_set), s1_random.eq(self.i_random),
                     s2_random.eq(s1_random)]
        s1_state, s1_given = self.receive(m, given)
        s2_state, products, s2_given = self.multiply(m, s1_state, s1_set, s1_given)
        if self.noise:
            s1_noise = Signal(signed(self.noise))
            s2_noise = Signal(signed(self.noise))
            m.d.sync += [s1_noise.eq(self.i_noise), s2_noise.eq(s1_noise)]
            s2_given = s2_given + s2_noise
        self.finish(m, s2_state, s2_set, products, s2_given, s2_random)
        return m

    def receive(self, m: Module, given: dict[str, Value]) -> tuple[data.View, Value]:
        """The first stage: currents with their kicks and, in Brian2's order, the membrane with its kick and after its reset; what is still to be
        added to the membrane."""
        neuron, before, width = self.neuron, self.i_state, self.neuron.format.width
        s1_state = Signal(self.layout)
        s1_given = Signal(signed(self.width))
        overflowed = [before.overflow]
        m.d.sync += [s1_state.hold.eq(before.hold), s1_given.eq(0)]
        for current, due in zip(neuron.currents, self.i_input):
            given_due = Mux(before.hold == 0, due, 0) if neuron.held == Held.ALL else due
            value, over = fit(before[current] + given_due, neuron.current_format.width, neuron.overflow)
            m.d.sync += s1_state[current].eq(value)
            overflowed.append(over)
        v = before.v
        if neuron.order == Order.BRIAN2:
            if "v" in neuron.ports:
                taken = Signal(signed(self.width))
                m.d.comb += taken.eq(self.i_input[-1] if neuron.held == Held.SPIKES else Mux(before.hold == 0, self.i_input[-1], 0))
                v, over = fit(v + taken, width, neuron.overflow)
                overflowed.append(over)
            kicked = Signal(signed(width))
            m.d.comb += kicked.eq(v)
            after, over = self.reset_of(kicked, given["reset"])
            v = Mux(before.fired, after, kicked).as_signed()
            overflowed.append(before.fired & over)
        elif "v" in neuron.ports:
            m.d.sync += s1_given.eq(self.i_input[-1])
        overflowed += self.jump(m, s1_state, given)
        m.d.sync += [s1_state.v.eq(v), s1_state.overflow.eq(Cat(overflowed).any())]
        return s1_state, s1_given

    def multiply(self, m: Module, s1_state: data.View, s1_set: data.View, s1_given: Value) -> tuple[data.View, dict[str, Value], Value]:
        """The second stage: the products, by what they stand for."""
        s2_state = Signal(self.layout)
        s2_given = Signal.like(s1_given, name="s2_given")
        found = {"leak": (s1_set.rest - s1_state.v) * s1_set.leak}
        for current in self.neuron.currents:
            found |= {f"{part}_{current}": s1_state[current] * s1_set[f"{part}_{current}"] for part in ("coupling", "decay")}
        found |= self.products(s1_state, s1_set)
        products = {name: Signal(value.shape(), name=f"s2_product_{name}") for name, value in found.items()}
        m.d.sync += [s2_state.eq(s1_state), s2_given.eq(s1_given), *(products[name].eq(value) for name, value in found.items())]
        return s2_state, products, s2_given

    def finish(self, m: Module, state: data.View, params: data.View, products: dict[str, Value], given: Value, random: Value) -> None:
        """The last stage: what the products come to, the spike and the reset of the published order. In Brian2's, the last held step is free."""
        neuron, width, after, brian2 = self.neuron, self.neuron.format.width, self.o_state, self.neuron.order == Order.BRIAN2
        s2_held = Signal()
        m.d.comb += s2_held.eq(state.hold > int(brian2))
        total = state.v + round_shift(products["leak"], neuron.leak_fraction, neuron.rounding, random) + params.bias
        if not brian2 and "v" in neuron.ports or self.noise:
            total += given
        for current in neuron.currents:
            total += round_shift(products[f"coupling_{current}"], neuron.coupling_shift, neuron.rounding, Const(0, 1))
            decayed = round_shift(products[f"decay_{current}"], neuron.decay_fraction, neuron.rounding, Const(0, 1))
            left = state[current] - decayed
            m.d.comb += after[current].eq(Mux(s2_held, state[current], left) if neuron.held == Held.ALL else left)
        total, threshold, overflow = self.adapt(m, state, params, products, total)
        s2_total = Signal(total.shape())
        s2_v = Signal(signed(width))
        s2_over = Signal()
        value, over = fit(s2_total, width, neuron.overflow)
        above = s2_v > threshold if brian2 else s2_v >= threshold
        m.d.comb += [s2_total.eq(total), s2_v.eq(value), s2_over.eq(over), self.o_spike.eq(~s2_held & above)]
        s2_reset, reset_over = (s2_v, Const(0, 1)) if brian2 else self.reset_of(s2_v, params.reset)
        goes_on = neuron.held == Held.SPIKES
        with m.If(s2_held):
            m.d.comb += [after.v.eq(s2_v if goes_on else state.v), after.hold.eq(state.hold - 1),
                         after.overflow.eq(overflow | s2_over if goes_on else overflow)]
        with m.Elif(self.o_spike):
            m.d.comb += [after.v.eq(s2_reset), after.hold.eq(params.refractory), after.overflow.eq(overflow | s2_over | reset_over)]
        with m.Else():
            m.d.comb += [after.v.eq(s2_v), after.hold.eq(0), after.overflow.eq(overflow | s2_over)]
        if brian2:
            m.d.comb += after.fired.eq(self.o_spike)

    def jump(self, m: Module, s1_state: data.View, given: dict[str, Value]) -> list[Value]:
        """What else happens in the first stage, and what else may have overflowed there; nothing."""
        return []

    def products(self, s1_state: data.View, s1_set: data.View) -> dict[str, Value]:
        """Products of the second stage besides; none."""
        return {}

    def adapt(self, m: Module, state: data.View, params: data.View, products: dict[str, Value], total: Value) -> tuple[Value, Value, Value]:
        """The sum with what else flows into the membrane, the threshold, and the overflow flag of all but the membrane: as they are."""
        return total, params.threshold, state.overflow

    def reset_of(self, v: Value, reset: Value) -> tuple[Value, Value]:
        """The membrane after a spike, and whether it left its format."""
        if self.neuron.reset == Reset.VALUE:
            return reset, Const(0, 1)
        return fit(v - reset, self.neuron.format.width, self.neuron.overflow)
