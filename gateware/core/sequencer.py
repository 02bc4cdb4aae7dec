"""The sequencer: step after step, a sweep over all words, the pipeline's end, then delivery until nothing is due."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry

__all__ = ["Sequencer", "pipeline"]


class Sequencer(wiring.Component):
    """Sends one token a word through the stages of the lanes: those of the drive in the domain ``draw``, then ``tail`` in ``update``.

    Parameters
    ----------
    geometry : CoreGeometry or PointGeometry
    count_bits : int
        Of the steps of a run.

    Members
    -------
    start : In(1), count : In(count_bits)
        Begin a run of so many steps, more than 0.
    clear : In(1)
        Steps count from 0 again.
    quiet : In(1)
        Nothing is left to deliver.
    ready : In(1)
        The drive has done with the word that stands before it.
    taken : In(1)
        The last token may leave.
    running, delivering : Out(1)
        A run is under way; it is past the sweep of a step.
    advance, forward : Out(1)
        The second half of the pipeline moves; the first one, too.
    first, drawn, ..., finished : Out(token_layout)
        Tokens at the stages that the core looks at, ``geometry.stages``.
    drawing, updating : Out(1)
        The halves of the pipeline hold a token and move.
    tag : Out(tag_bits)
        Step, modulo a power of two.
    cycles : Out(48)
        In which ``running`` was high.
    """

    def __init__(self, geometry: CoreGeometry | PointGeometry, count_bits: int = 32):
        self.geometry, self.count_bits = geometry, count_bits
        tokens = dict.fromkeys(geometry.stages, Out(geometry.token_layout()))
        super().__init__({
            "start": In(1), "count": In(count_bits),
            "clear": In(1), "quiet": In(1), "ready": In(1), "taken": In(1), "running": Out(1),
            "delivering": Out(1), "advance": Out(1), "forward": Out(1), **tokens, "drawing": Out(1), "updating": Out(1),
            "tag": Out(geometry.tag_bits), "cycles": Out(48)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        steps = Signal(self.count_bits)
        word = Signal(range(max(2, g.words)))
        countdown = Signal(range(g.latency + g.tail + g.settling + 1))
        sweeping = Signal()
        draining = Signal()
        m.d.comb += [self.running.eq(sweeping | draining | self.delivering), self.advance.eq(~self.finished.en | self.taken),
                     self.forward.eq(self.advance & self.ready)]
        with m.If(self.running):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        pipeline(self, m, sweeping, word)

        with m.If(sweeping & self.forward):
            m.d.sync += word.eq(word + 1)
            with m.If(word == g.words - 1):
                m.d.sync += [sweeping.eq(0), draining.eq(1), countdown.eq(g.latency + g.tail + g.settling), word.eq(0)]
        with m.If(draining & self.forward):
            m.d.sync += countdown.eq(countdown - 1)
            with m.If(countdown == 0):
                m.d.sync += [draining.eq(0), self.delivering.eq(1)]
        with m.If(self.delivering & self.quiet):
            m.d.sync += [self.delivering.eq(0), sweeping.eq(steps != 1), steps.eq(steps - 1), self.tag.eq(self.tag + 1)]
        with m.If(self.clear):
            m.d.sync += self.tag.eq(0)
        with m.If(self.start):
            m.d.sync += [steps.eq(self.count), sweeping.eq(1)]
        return m


def pipeline(sequencer: Any, m: Module, sweeping: Signal, word: Signal) -> data.View:
    """The stages of a sequencer; a token that the drive has not done with is not yet behind it. The first token."""
    g, latency = sequencer.geometry, sequencer.geometry.latency
    token = [Signal(g.token_layout(), name=f"token_{stage}") for stage in range(latency + g.tail + 1)]
    m.d.comb += [token[0].en.eq(sweeping), token[0].word.eq(word)]
    for stage, (before, after) in enumerate(zip(token, token[1:])):
        m.d["draw" if stage < latency else "update"] += after.eq(before)
    m.d.update += token[latency + 1].en.eq(token[latency].en & sequencer.ready)
    m.d.comb += [getattr(sequencer, name).eq(token[stage]) for name, stage in g.stages.items()]
    m.d.comb += [sequencer.drawing.eq(sequencer.forward & Cat(stage.en for stage in token[:latency + 1]).any()),
                 sequencer.updating.eq(sequencer.advance & Cat(stage.en for stage in token[latency:]).any())]
    return token[0]
