"""Where steps end in the words of a core that does not rest between them."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry

__all__ = ["StepEnds"]


class StepEnds(wiring.Component):
    """Counts the steps that have begun, and those whose last word has been taken; no word is taken where one step ends as long as that is to be.

    Parameters
    ----------
    geometry : CoreGeometry

    Members
    -------
    begun : In(1)
        The core has begun a step.
    word : In(1), last : In(1)
        A word is taken; it is the last one of its step, or would be.
    mark : In(1), ready : In(1), zero : Out(1)
        A step that ends now leaves a 0; a byte is taken; there is such a 0, and no word is taken before it.
    hold : In(1), standing : Out(1)
        Take no word with which a step would begin; none is taken for that reason.
    wait : Out(1)
        Take no word.
    latest : Out(1)
        The step of the next word is the last one that has begun.
    steps : Out(8), turned : Out(1)
        Steps that have begun, modulo 256; they have become 0.
    """

    def __init__(self, geometry: CoreGeometry):
        self.geometry = geometry
        super().__init__({
            "begun": In(1), "word": In(1), "last": In(1), "mark": In(1), "ready": In(1), "zero": Out(1), "hold": In(1), "standing": Out(1),
            "wait": Out(1), "latest": Out(1), "steps": Out(8), "turned": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Of words that were not taken there are those of the pipeline's stages and two more, and each may be of a step of its own.
        under = Signal(range(self.geometry.latency + self.geometry.tail + 5))
        between = Signal(init=1)
        held = Signal()
        ends = Signal()
        m.d.comb += [ends.eq(self.word & self.last), self.standing.eq(held & between & ~self.zero), self.wait.eq(self.zero | (held & between)),
                     self.latest.eq(under == 1)]
        m.d.sync += [held.eq(self.hold), under.eq(under + self.begun - ends), self.steps.eq(self.steps + self.begun),
                     self.turned.eq(self.begun & self.steps.all())]
        with m.If(self.word):
            m.d.sync += between.eq(self.last)
        with m.If(ends & self.mark):
            m.d.sync += self.zero.eq(1)
        with m.Elif(self.ready):
            m.d.sync += self.zero.eq(0)
        return m
