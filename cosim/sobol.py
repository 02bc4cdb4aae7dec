"""Bench of the Sobol sequence: its two streams, cycle by cycle, under random stalls and seeking."""

import random

from spikegate.cosim.bench import RisingEdge, StreamMonitor, StreamSink, StreamSource, Tally, cocotb, job, run_bench, start
from spikegate.gateware.sobol import Sobol
from spikegate.models.sobol import DigitalSequence

__all__ = ["indices", "check"]

STALLS = (0.0, 0.3, 0.8)
#: Beside an output whenever offered: the source pauses long enough for runs of numbers between indices.
SEEK_STALL = 0.95


def indices(params: DigitalSequence, rng: random.Random):
    """Indices without end: the first, the last ones, so that the sequence starts again, powers of two, then any."""
    last = (1 << params.index_bits) - 1
    yield from (last, 0, last // 2, max(last - 3, 0))
    while True:
        yield rng.choice((rng.randint(0, last), max(last - rng.randrange(8), 0), 1 << rng.randrange(params.index_bits) if last else 0))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_streams(dut):
    """Each number that leaves or waits, and that an index is taken first or beside an output alone."""
    work, tally = job(), Tally()
    params, model, rng = work["params"], work["model"], random.Random(work["seed"])
    await start(dut)
    inputs, outputs = StreamMonitor(dut, "i"), StreamMonitor(dut, "o")
    source, sink = StreamSource(dut, "i", rng, 0.5), StreamSink(dut, "o", rng, STALLS[0])
    cocotb.start_soon(sink.run())
    cocotb.start_soon(source.send(indices(params, rng)))
    index, cycle, taken = None, 0, 0
    while tally.compared < work["count"]:
        await RisingEdge(dut.clk)
        i, o = inputs.sample(), outputs.sample()
        if o.valid or index is not None:
            tally.compare(f"cycle {cycle}", "o", (True, None if index is None else int(model.run(index, 1)[0])), (o.valid, o.payload))
        if i.valid:
            tally.compare(f"cycle {cycle}", "i.ready", index is None or o.ready, i.ready)
        if i.fires:
            index, taken = i.payload, taken + 1
        elif o.fires:
            index += 1
        if taken == 4:
            source.stall = SEEK_STALL
        cycle += 1
        sink.stall = STALLS[cycle // 64 % len(STALLS)]
    tally.finish()


def check(params: DigitalSequence, *, count: int, seed: int, model: DigitalSequence | None = None) -> int:
    """Compare until ``count`` items are reached and return how many were; ``model`` is the golden side's parameters.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(Sobol(params), __name__, params, model=model, count=count, seed=seed)
