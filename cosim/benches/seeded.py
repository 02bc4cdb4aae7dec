"""Bench of a generator that a stream of seeds starts anew: its two streams, cycle by cycle, under random stalls and reseeding."""

import random
from collections.abc import Callable, Iterable
from typing import Any

from spikegate.cosim.benches.bench import RisingEdge, StreamMonitor, StreamSink, StreamSource, Tally, cocotb, start

__all__ = ["compare_generator"]

STALLS = (0.0, 0.3, 0.8)
#: Beside an output whenever offered: the source pauses long enough for runs of outputs between seeds.
SEED_STALL = 0.95


async def compare_generator(dut: Any, seeds: Iterable[int], output: Callable[[int], int], step: Callable[[int], int], *, count: int,
                            rng: random.Random) -> None:
    """Compare each output that leaves or waits, and that a seed is taken first or beside an output alone, until ``count`` items.

    ``output`` is what the generator shows in a state, ``step`` its next state; a seed is the first state.
    """
    tally, cycle, taken = Tally(), 0, 0
    state: int | None = None
    await start(dut)
    inputs, outputs = StreamMonitor(dut, "i"), StreamMonitor(dut, "o")
    source, sink = StreamSource(dut, "i", rng, 0.5), StreamSink(dut, "o", rng, STALLS[0])
    cocotb.start_soon(sink.run())
    cocotb.start_soon(source.send(seeds))
    while tally.compared < count:
        await RisingEdge(dut.clk)
        i, o = inputs.sample(), outputs.sample()
        if o.valid or state is not None:
            tally.compare(f"cycle {cycle}", "o", (True, None if state is None else output(state)), (o.valid, o.payload))
        if i.valid:
            tally.compare(f"cycle {cycle}", "i.ready", state is None or o.ready, i.ready)
        if i.fires:
            state, taken = i.payload, taken + 1
        elif o.fires and state is not None:
            state = step(state)
        if taken == 4:
            source.stall = SEED_STALL
        cycle += 1
        sink.stall = STALLS[cycle // 64 % len(STALLS)]
    tally.finish()
