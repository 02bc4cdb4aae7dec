"""A source of independent spikes, as models/neuron/bernoulli.py."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.neuron.linear import LATENCY, set_layout
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS

__all__ = ["Bernoulli"]


class Bernoulli(wiring.Component):
    """A spike where the number is below the chance: latency two cycles, as `spikegate.gateware.neuron.linear.Linear`, one neuron a cycle.

    Parameters
    ----------
    neuron : BernoulliNeuron

    Members
    -------
    chance : In(33)
        0..2^32.
    i_uniform : In(32)
    o_spike : Out(1)
        Two cycles behind the inputs.
    """

    def __init__(self, neuron: BernoulliNeuron) -> None:
        self.params = set_layout(neuron)
        super().__init__({**{name: In(field.shape) for name, field in self.params}, "i_uniform": In(UNIFORM_BITS), "o_spike": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stages = [Signal(name=f"spike_{stage}") for stage in range(LATENCY)]
        m.d.sync += stages[0].eq(self.i_uniform < self.chance)
        for before, after in zip(stages, stages[1:]):
            m.d.sync += after.eq(before)
        m.d.comb += self.o_spike.eq(stages[-1])
        return m
