"""Leaky integrate-and-fire neuron with an adaptive threshold, the same integers as ``models/neuron/adaptive_lif.py``."""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.neuron import lif
from spikegate.gateware.numeric.fixed import fit
from spikegate.models.neuron.adaptive_lif import AdaptiveLifParams
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding

__all__ = ["params_shapes", "params_values", "state_layout", "AdaptiveLif"]


def params_shapes(q: QFormat, leak_fraction: int) -> dict[str, Shape]:
    """Shapes of the parameters that may change while the hardware runs; raw integers."""
    return {**lif.params_shapes(q, leak_fraction), "jump": unsigned(q.width - 1)}


def params_values(params: AdaptiveLifParams) -> dict[str, int]:
    """What the ports of `params_shapes` hold for these parameters."""
    return {**lif.params_values(params.lif), "jump": params.jump}


def state_layout(q: QFormat) -> data.StructLayout:
    """What a neuron remembers: theta, then what a `Lif` does, of which the flag is sticky."""
    return data.StructLayout({"theta": unsigned(q.width - 1), **lif.state_layout(q).members})


class AdaptiveLif(wiring.Component):
    """The update of one neuron: a `Lif` whose threshold is raised by theta. Latency one cycle, one neuron a cycle.

    Parameters
    ----------
    format : QFormat
    rounding : Rounding
    overflow : Overflow
    decay : int
        Shift by which theta falls in a step, 1..15; a constant of the hardware, so that it costs no shifter.
    gain, noise, leak_fraction
        As of a `Lif`.

    Members
    -------
    leak, gain, threshold, v_reset, rest_leak, refractory, jump : In
        As `params_shapes`; held still while neurons are under way.
    i_state : In(state_layout(format))
        The neuron before the step.
    i_current, i_noise, i_random : In
        As of a `Lif`.
    o_state : Out(state_layout(format))
        The neuron after the step, one cycle behind the inputs.
    o_spike : Out(1)
    """

    def __init__(self, format: QFormat, rounding: Rounding, overflow: Overflow, decay: int, *, gain: bool = True, noise: bool = True,
                 leak_fraction: int | None = None):
        self.format, self.decay = format, decay
        self.lif = lif.Lif(format, rounding, overflow, gain=gain, noise=noise, leak_fraction=leak_fraction, raised=True)
        members, state = self.lif.signature.members, state_layout(format)
        self.passed = [name for name in members if name not in ("i_state", "o_state", "o_spike", "raised")]
        super().__init__({**{name: members[name] for name in self.passed}, "jump": In(unsigned(format.width - 1)),
                          "i_state": In(state), "o_state": Out(state), "o_spike": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.lif = neuron = self.lif
        theta, width = self.i_state.theta, self.format.width
        shifted = Signal(width - 1)
        fall = Signal(width - 1)
        s1_theta = Signal(width - 1)
        m.d.comb += [shifted.eq(theta >> self.decay), fall.eq(Mux(shifted.any(), shifted, theta.any()))]
        m.d.sync += s1_theta.eq(theta - fall)
        m.d.comb += [getattr(neuron, name).eq(getattr(self, name)) for name in self.passed]
        m.d.comb += [neuron.i_state.eq(Value.cast(self.i_state)[width - 1:]), neuron.raised.eq(s1_theta)]

        s1_sum = Signal(signed(width + 1))
        after_theta = Signal(width - 1)
        grown, _ = fit(s1_sum, width, Overflow.SATURATE)
        m.d.comb += [s1_sum.eq(s1_theta + self.jump), after_theta.eq(Mux(neuron.o_spike, grown, s1_theta)),
                     self.o_spike.eq(neuron.o_spike), self.o_state.eq(Cat(after_theta, neuron.o_state))]
        return m
