"""Bench of a generator that a stream of seeds starts anew: its two streams, cycle by cycle, under random stalls and reseeding."""

import random
from collections.abc import Callable, Iterable
from typing import Any

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, start
from spikegate.cosim.benches.stream_ports import STALLS, StreamMonitor, StreamSink, StreamSource

__all__ = ["Generator", "compare_clocked", "compare_generator"]

#: Beside an output whenever offered: the source pauses long enough for runs of outputs between seeds.
SEED_STALL = 0.95


class Generator:
    """The component, cycle by cycle: a seed, the first state, is taken first, or beside an output alone.

    ``output`` is what the generator shows in a state, ``advance`` its next state.
    """

    def __init__(self, output: Callable[[int], int], advance: Callable[[int], int]) -> None:
        self.state: int | None
        self.output, self.advance, self.state = output, advance, None

    @property
    def out(self) -> int | None:
        """What it shows; None before the first seed."""
        return None if self.state is None else self.output(self.state)

    def ready(self, o_ready: bool) -> bool:
        """Whether a seed is taken in this cycle."""
        return self.state is None or o_ready

    def step(self, seed: int | None, o_ready: bool) -> None:
        """One clock edge; ``seed`` is what was offered."""
        if self.ready(o_ready):
            if seed is not None:
                self.state = seed
            elif self.state is not None:
                self.state = self.advance(self.state)


async def compare_generator(dut: Any, seeds: Iterable[int], output: Callable[[int], int], step: Callable[[int], int], *, count: int,
                            rng: random.Random) -> None:
    """Compare each output that leaves or waits, and when a seed is taken, with a `Generator`, until ``count`` items."""
    tally = Tally()
    await start(dut)
    await compare_clocked(dut, Generator(output, step), seeds, tally, count=count, rng=rng, stall=SEED_STALL)
    tally.finish()


async def compare_clocked(dut: Any, model: Any, payloads: Iterable[int], tally: Tally, *, count: int, rng: random.Random, stall: float) -> None:
    """Compare each output that leaves or waits, and when an input is taken, with a model that has ``out``, ``ready`` and ``step``, until ``count``
    items; from the fourth input on, each comes with the probability 1 - ``stall`` a cycle.
    """
    cycle, taken = 0, 0
    inputs, outputs = StreamMonitor(dut, "i"), StreamMonitor(dut, "o")
    source, sink = StreamSource(dut, "i", rng, 0.5), StreamSink(dut, "o", rng, STALLS[0])
    cocotb.start_soon(sink.run())
    cocotb.start_soon(source.send(payloads))
    while tally.compared < count:
        await RisingEdge(dut.clk)
        i, o = inputs.sample(), outputs.sample()
        if o.valid or model.out is not None:
            tally.compare(f"cycle {cycle}", "o", (True, model.out), (o.valid, o.payload))
        if i.valid:
            tally.compare(f"cycle {cycle}", "i.ready", model.ready(o.ready), i.ready)
        model.step(i.payload if i.valid else None, o.ready)
        taken += i.fires
        if taken == 4:
            source.stall = stall
        cycle += 1
        sink.stall = STALLS[cycle // 64 % len(STALLS)]
