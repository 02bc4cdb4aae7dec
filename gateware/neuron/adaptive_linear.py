"""Linear neurons that adapt, the same integers as models/neuron/adaptive_linear.py."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data

from spikegate.gateware.neuron.linear import Linear
from spikegate.gateware.numeric.fixed import fit, round_shift
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.linear import Order

__all__ = ["AdaptiveLinear"]


class AdaptiveLinear(Linear):
    """`spikegate.gateware.neuron.linear.Linear`, its latency and ports, with theta and w among the state.

    In Brian2's order they jump in the first stage, where the membrane is reset, and in the published order in the last.

    Parameters
    ----------
    neuron : AdaptiveLinearNeuron
    width : int
        Bits of an input.
    noise : int
        Bits of noise.
    """

    def __init__(self, neuron: AdaptiveLinearNeuron, width: int, noise: int = 0) -> None:
        self.adaptive = neuron
        super().__init__(neuron, width, noise)

    def jump(self, m: Module, s1_state: data.View, given: dict[str, Value]) -> list[Value]:
        """What a spike of the step before does to theta and w, in Brian2's order."""
        found, before = [], self.i_state
        for name, q in self.adaptive.adapted.items():
            jump = Mux(before.fired, given[f"jump_{name}"], 0) if self.neuron.order == Order.BRIAN2 else Const(0, signed(1))
            value, over = fit(before[name] + jump, q.width, self.neuron.overflow)
            m.d.sync += s1_state[name].eq(value)
            found.append(over)
        return found

    def products(self, s1_state: data.View, s1_set: data.View) -> dict[str, Value]:
        """Of decays, of what w takes from the membrane, and of what the membrane gives to w."""
        found = {f"decay_{name}": s1_state[name] * s1_set[f"decay_{name}"] for name in self.adaptive.adapted}
        if self.adaptive.w_format is not None:
            found["coupling_w"] = s1_state.w * s1_set.coupling_w
        if self.adaptive.slope:
            found["slope_w"] = (s1_state.v - s1_set.rest) * s1_set.slope_w
        return found

    def adapt(self, m: Module, state: data.View, params: data.View, products: dict[str, Value], total: Value) -> tuple[Value, Value, Value]:
        """The sum without what w takes, the threshold with theta on top, and the overflow flag with those of theta and w."""
        neuron, threshold, overflow = self.adaptive, params.threshold, state.overflow

        def rounded(name: str, shift: int) -> Value:
            return round_shift(products[name], shift, neuron.rounding, Const(0, 1))

        if neuron.w_format is not None:
            total = total - rounded("coupling_w", neuron.coupling_shift)
            w = state.w - rounded("decay_w", neuron.w_fraction)
            if neuron.slope:
                w = w + rounded("slope_w", neuron.coupling_shift)
            overflow = overflow | self.leave(m, "w", w, params)
        if neuron.theta_format is not None:
            theta = Signal(signed(neuron.theta_format.width), name="s2_theta_decayed")
            m.d.comb += theta.eq(state.theta - rounded("decay_theta", neuron.theta_fraction))
            shift = neuron.theta_format.fraction - neuron.format.fraction
            # A whole number is above x if it is above the whole number below, and at least x if it is at least the one above.
            threshold = threshold + (theta >> shift) if neuron.order == Order.BRIAN2 else threshold - (-theta >> shift)
            overflow = overflow | self.leave(m, "theta", theta, params)
        return total, threshold, overflow

    def leave(self, m: Module, name: str, value: Value, params: data.View) -> Value:
        """Give back theta or w, after its jump in the published order; whether it left its format."""
        width = self.adaptive.adapted[name].width
        after = Signal(signed(width), name=f"s2_{name}_after")
        fitted, over = fit(value, width, self.neuron.overflow)
        m.d.comb += after.eq(fitted)
        if self.neuron.order == Order.BRIAN2:
            m.d.comb += self.o_state[name].eq(after)
            return over
        jumped, jump_over = fit(after + params[f"jump_{name}"], width, self.neuron.overflow)
        m.d.comb += self.o_state[name].eq(Mux(self.o_spike, jumped, after))
        return over | (self.o_spike & jump_over)
