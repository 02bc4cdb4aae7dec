"""Bench of the leaping LFSR: its two streams, cycle by cycle, under random stalls and reseeding."""

import random

from spikegate.cosim.bench import RisingEdge, StreamMonitor, StreamSink, StreamSource, Tally, cocotb, job, run_bench, start
from spikegate.gateware.lfsr import Lfsr
from spikegate.models.lfsr import LfsrParams

__all__ = ["seeds", "check"]

STALLS = (0.0, 0.3, 0.8)
#: Beside an output whenever offered: the source pauses long enough for runs of leaps between seeds.
SEED_STALL = 0.95


def seeds(params: LfsrParams, rng: random.Random):
    """Seeds without end: the ends of the range, single bits, then any but 0."""
    yield from (1, params.mask, 1 << (params.width - 1), params.mask - 1)
    while True:
        yield rng.randrange(1, params.mask + 1)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_streams(dut):
    """Each state that leaves or waits, and that a seed is taken first or beside an output alone."""
    work, tally = job(), Tally()
    params, model, rng = work["params"], work["model"], random.Random(work["seed"])
    await start(dut)
    inputs, outputs = StreamMonitor(dut, "i"), StreamMonitor(dut, "o")
    source, sink = StreamSource(dut, "i", rng, 0.5), StreamSink(dut, "o", rng, STALLS[0])
    cocotb.start_soon(sink.run())
    cocotb.start_soon(source.send(seeds(params, rng)))
    state, cycle, taken = None, 0, 0
    while tally.compared < work["count"]:
        await RisingEdge(dut.clk)
        i, o = inputs.sample(), outputs.sample()
        if o.valid or state is not None:
            tally.compare(f"cycle {cycle}", "o", (True, state), (o.valid, o.payload))
        if i.valid:
            tally.compare(f"cycle {cycle}", "i.ready", state is None or o.ready, i.ready)
        if i.fires:
            state, taken = i.payload, taken + 1
        elif o.fires:
            state = model.step(state)
        if taken == 4:
            source.stall = SEED_STALL
        cycle += 1
        sink.stall = STALLS[cycle // 64 % len(STALLS)]
    tally.finish()


def check(params: LfsrParams, *, count: int, seed: int, model: LfsrParams | None = None) -> int:
    """Compare until ``count`` items are reached and return how many were; ``model`` is the golden side's parameters.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(Lfsr(params), __name__, params, model=model, count=count, seed=seed)
