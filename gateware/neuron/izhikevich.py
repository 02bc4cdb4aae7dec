"""Izhikevich neurons in fixed point, the same integers as models/neuron/izhikevich.py."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.neuron.linear import set_layout, state_layout
from spikegate.gateware.numeric.fixed import fit, round_shift
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import Order

__all__ = ["Izhikevich"]


class Izhikevich(wiring.Component):
    """The update of one neuron: latency four cycles, one neuron a cycle.

    In Brian2's order, the first stage adds the kick and resets. Then come the products with the old membrane; the slope of the quadratic, and what
    draws u; the products with these; and in the last stage sums, the comparison and the reset of the published order.

    Parameters
    ----------
    neuron : IzhikevichNeuron
        Its structure.
    width : int
        Bits of an input.

    Members
    -------
    square, slope, bias, a, b, c, d, peak : In
        The neuron's parameter set, as `spikegate.gateware.neuron.linear.set_layout`.
    i_state : In(state_layout(neuron))
        The neuron before the step.
    i_input : In(signed(width)).array(1)
        What is due.
    o_state : Out(state_layout(neuron))
        The neuron after the step, four cycles behind the inputs.
    o_spike : Out(1)
    """

    def __init__(self, neuron: IzhikevichNeuron, width: int) -> None:
        self.neuron, self.width = neuron, width
        self.params, self.layout = set_layout(neuron), state_layout(neuron)
        super().__init__({**{name: In(field.shape) for name, field in self.params}, "i_state": In(self.layout),
                          "i_input": In(signed(width)).array(1), "o_state": Out(self.layout), "o_spike": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        n = self.neuron
        brian2 = n.order == Order.BRIAN2
        given = {name: getattr(self, name) for name, _ in self.params if not (brian2 and name in ("c", "d"))}
        v, u, over = self.begin(m) if brian2 else (self.i_state.v, self.i_state.u, self.i_state.overflow)
        carried = {**given, "v": v, "u": u, "overflow": over, **({} if brian2 else {"due": self.i_input[0]})}
        s1 = self.stage(m, 1, carried)
        s2 = self.stage(m, 2, s1 | {"by_square": s1["v"] * s1["square"], "by_b": s1["v"] * s1["b"]}, "square", "b")
        slope = self.rounded(s2["by_square"], n.square_shift) + s2["slope"]
        pull = self.rounded(s2["by_b"], n.b_shift) - s2["u"]
        s3 = self.stage(m, 3, s2 | {"steepness": slope, "pull": pull}, "by_square", "by_b", "slope")
        s4 = self.stage(m, 4, s3 | {"by_slope": s3["v"] * s3["steepness"], "by_a": s3["pull"] * s3["a"]}, "steepness", "pull", "a")
        self.finish(m, s4)
        return m

    def rounded(self, value: Value, shift: int) -> Value:
        """A product brought down."""
        return round_shift(value, shift, self.neuron.rounding, Const(0, 1))

    def stage(self, m: Module, number: int, values: dict[str, Value], *done: str) -> dict[str, Signal]:
        """Registers of all values but those that nothing needs any more."""
        kept = {name: Signal(value.shape(), name=f"s{number}_{name}") for name, value in values.items() if name not in done}
        m.d.sync += [register.eq(values[name]) for name, register in kept.items()]
        return kept

    def begin(self, m: Module) -> tuple[Value, Value, Value]:
        """The rest of Brian2's step before: kick, and the reset after a spike."""
        n, before = self.neuron, self.i_state
        kicked, v_over = fit(before.v + self.i_input[0], n.format.width, n.overflow)
        raised, u_over = fit(before.u + self.d, n.u_format.width, n.overflow)
        v = Signal(signed(n.format.width))
        u = Signal(signed(n.u_format.width))
        m.d.comb += [v.eq(Mux(before.fired, self.c, kicked)), u.eq(Mux(before.fired, raised, before.u))]
        return v, u, before.overflow | v_over | (before.fired & u_over)

    def finish(self, m: Module, s4: dict[str, Signal]) -> None:
        """The last stage."""
        n, after, brian2 = self.neuron, self.o_state, self.neuron.order == Order.BRIAN2
        total = s4["v"] + self.rounded(s4["by_slope"], n.slope_fraction) + s4["bias"]
        total -= self.rounded(s4["u"], n.u_format.fraction - n.format.fraction)
        if not brian2:
            total += s4["due"]
        v, v_over = self.fitted(m, "v", total, n.format.width)
        u, u_over = self.fitted(m, "u", s4["u"] + self.rounded(s4["by_a"], n.a_fraction), n.u_format.width)
        over = s4["overflow"] | v_over | u_over
        m.d.comb += self.o_spike.eq(v > s4["peak"] if brian2 else v >= s4["peak"])
        if brian2:
            m.d.comb += [after.v.eq(v), after.u.eq(u), after.overflow.eq(over), after.fired.eq(self.o_spike)]
            return
        raised, d_over = self.fitted(m, "raised", u + s4["d"], n.u_format.width)
        m.d.comb += [after.v.eq(Mux(self.o_spike, s4["c"], v)), after.u.eq(Mux(self.o_spike, raised, u)),
                     after.overflow.eq(over | (self.o_spike & d_over))]

    def fitted(self, m: Module, name: str, total: Value, width: int) -> tuple[Signal, Value]:
        """A sum in a format, and whether it was outside."""
        whole = Signal(total.shape(), name=f"s4_{name}_total")
        value = Signal(signed(width), name=f"s4_{name}_fitted")
        kept, over = fit(whole, width, self.neuron.overflow)
        m.d.comb += [whole.eq(total), value.eq(kept)]
        return value, over
