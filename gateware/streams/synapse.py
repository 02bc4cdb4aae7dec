"""Synapse on bitstreams: a gate on the windows of a spike train and of a weight."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.streams.faults import fault_layout, inject
from spikegate.models.streams.synapse import SynapseParams

__all__ = ["Synapse"]


class Synapse(wiring.Component):
    """AND or XNOR of two windows, combinational; any width.

    Parameters
    ----------
    params : SynapseParams
    stuck, flips : bool
        Which faults the lines of both windows may have.

    Members
    -------
    spike, weight : In(width)
    post : Out(width)
    stream_faults, weight_faults : In(fault_layout(width, stuck, flips))
        Of the lines of ``spike`` and of ``weight``; absent without faults.
    """

    def __init__(self, params: SynapseParams, *, stuck: bool = False, flips: bool = False) -> None:
        self.params, width = params, params.width
        masks = fault_layout(width, stuck, flips)
        points = {"stream_faults": In(masks), "weight_faults": In(masks)} if stuck or flips else {}
        super().__init__({"spike": In(width), "weight": In(width), "post": Out(width), **points})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spike_path = Signal.like(self.spike)
        weight_path = Signal.like(self.weight)
        m.d.comb += [spike_path.eq(inject(self.spike, getattr(self, "stream_faults", None))),
                     weight_path.eq(inject(self.weight, getattr(self, "weight_faults", None))),
                     self.post.eq(~(spike_path ^ weight_path) if self.params.bipolar else spike_path & weight_path)]
        return m
