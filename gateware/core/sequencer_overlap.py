"""The sequencer of a core that delivers during its sweep: turn after turn, without a gap between them."""

from typing import cast

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.sequencer import pipeline
from spikegate.models.core.schedules import Overlap

__all__ = ["OverlapSequencer"]


class OverlapSequencer(wiring.Component):
    """Sends a token a word through the stages of the lanes, as `Sequencer`. A turn ends when its words are on their way and its spikes are delivered.

    Where the last token may not leave, everything stands still, deliveries too. A run ends `Overlap.rest` moves of the pipeline after its last turn.

    Parameters
    ----------
    geometry : CoreGeometry
        Whose schedule is an `Overlap`.
    count_bits : int
        Of the steps of a run.
    ahead : bool
        Whether there are ``more`` and ``again``.

    Members
    -------
    start, count, clear, quiet, ready, taken, running, advance, forward, first, ..., drawing, updating, tag, cycles
        As in `spikegate.gateware.core.sequencer.Sequencer`; ``quiet`` is looked at while ``delivering``.
    early : In(1)
        All spikes that are due are known when a turn begins; with two turns a step they always are.
    delivering : Out(1)
        Inputs may be added to.
    begin, upper : Out(1)
        The first cycle of a turn that is not held up; it is the second of two of a step.
    late : Out(1)
        The last token is of the step before ``tag``.
    copy : Out(1), burst : Out
        The inputs of so many words of each bank are taken over by the sweep; each turn, one after the other.
    more : In(1), again : Out(1)
        After the step under way there is to be one that the count does not have; the cycle before, one has begun.
    """

    def __init__(self, geometry: CoreGeometry, count_bits: int = 32, ahead: bool = False):
        self.geometry, self.count_bits, self.ahead, self.schedule = geometry, count_bits, ahead, cast(Overlap, geometry.schedule)
        tokens = dict.fromkeys(geometry.stages, Out(geometry.token_layout()))
        super().__init__({
            "start": In(1), "count": In(count_bits),
            "clear": In(1), "quiet": In(1), "ready": In(1), "taken": In(1), "early": In(1),
            "running": Out(1), "delivering": Out(1), "begin": Out(1), "upper": Out(1), "late": Out(1), "copy": Out(1),
            "burst": Out(range(max(2, geometry.bursts))), "advance": Out(1), "forward": Out(1), **tokens, "drawing": Out(1), "updating": Out(1),
            "tag": Out(geometry.tag_bits), "cycles": Out(48), **({"more": In(1), "again": Out(1)} if ahead else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        turns, settled = self.schedule.turns(g.size, g.rows), self.schedule.settled(g.latency)
        touch = self.schedule.touch(g.size, g.rows, g.latency)
        steps = Signal(self.count_bits)
        word = Signal(range(max(2, g.words)))
        moved = Signal(range(max(settled, touch) + 1))
        turning = Signal()
        swept = Signal()
        resting = Signal()
        last = Signal()
        sent = Signal()
        over = Signal()
        ends = Signal.like(word)
        m.d.comb += [
            self.running.eq(turning | resting), self.advance.eq(~self.finished.en | self.taken), self.forward.eq(self.advance & self.ready),
            ends.eq(Mux(self.upper, g.words - 1, turns[0] - 1)), last.eq(word == ends), sent.eq(turning & ~swept & self.forward),
            over.eq(self.delivering & self.quiet & self.advance & (swept | (sent & last))), self.late.eq(self.finished.step != self.tag[0]),
        ]
        touched = Signal()
        known = Signal()
        m.d.comb += [touched.eq(moved >= touch), known.eq(moved >= settled),
                     self.delivering.eq(turning & touched & (1 if len(turns) == 2 else self.early | known))]
        with m.If(self.running):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        m.d.comb += pipeline(self, m, turning & ~swept, word).step.eq(self.tag[0])
        self.copying(m, moved, turning)

        with m.If(self.advance):
            m.d.sync += self.begin.eq(0)
        with m.If(self.running & self.forward & (moved != max(settled, touch))):
            m.d.sync += moved.eq(moved + 1)
        with m.If(sent):
            m.d.sync += [word.eq(Mux(word == g.words - 1, 0, word + 1)), swept.eq(last)]
        if self.ahead:
            m.d.sync += self.again.eq(0)
        with m.If(over):
            m.d.sync += [swept.eq(0), moved.eq(0), self.begin.eq(1)]
            if len(turns) == 2:
                m.d.sync += self.upper.eq(~self.upper)
            with m.If(self.upper if len(turns) == 2 else 1):
                m.d.sync += [self.tag.eq(self.tag + 1), steps.eq(steps - (~self.more if self.ahead else 1))]
                if self.ahead:
                    m.d.sync += self.again.eq(self.more)
                with m.If((steps == 1) & ~self.more if self.ahead else steps == 1):
                    m.d.sync += [turning.eq(0), resting.eq(1), self.begin.eq(0)]
        with m.If(resting & self.forward & (moved == self.schedule.rest(g.latency) - 1)):
            m.d.sync += resting.eq(0)
        with m.If(self.clear):
            m.d.sync += self.tag.eq(0)
        with m.If(self.start):
            m.d.sync += [steps.eq(self.count), turning.eq(1), self.begin.eq(1), moved.eq(0)]
        return m

    def copying(self, m: Module, moved: Signal, turning: Signal) -> None:
        """A burst each move, the first when the last word of the turn before has taken its input, and before the first of this one does."""
        g = self.geometry
        first = g.latency - 1
        m.d.comb += [self.copy.eq(turning & self.forward & (moved >= first) & (moved < first + g.bursts)), self.burst.eq(moved - first)]
