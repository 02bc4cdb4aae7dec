"""Bench of the correlation meter: planned and badly planned LFSR streams, and the ends of every count, under random stalls."""

import random
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, run_bench, start
from spikegate.cosim.benches.stream_ports import STALLS, StreamMonitor, StreamSink, StreamSource
from spikegate.gateware.streams.correlation import Correlation
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.correlation import CorrelationParams

__all__ = ["lfsr_windows", "stimuli", "check"]

NAMES = ("n11", "n10", "n01", "n00")


def lfsr_windows(params: LfsrParams, seed: int, width: int) -> Iterator[int]:
    """Windows of ``width`` bits that a register shifts in, without end; ``params.leap`` is not used."""
    register, state = LfsrParams(params.width, params.taps, 1), seed
    while True:
        window = 0
        for _ in range(width):
            state = register.step(state)
            window = window << 1 | state & 1
        yield window


def stimuli(meter: CorrelationParams, lfsr: LfsrParams, seeds: list[int], count: int, rng: random.Random) -> list[tuple[int, int]]:
    """Windows of both streams for ``count`` results: constant streams, equal and opposite ones, then the pairs of seeds in turn."""
    full, pairs = (1 << meter.width) - 1, []
    same = [rng.getrandbits(meter.width) for _ in range(meter.windows)]
    for a, b in ((full, full), (full, 0), (0, full), (0, 0)):
        pairs += [(a, b)] * meter.windows
    pairs += [(x, x) for x in same] + [(x, x ^ full) for x in same]
    streams = [lfsr_windows(lfsr, seed, meter.width) for seed in seeds]
    while len(pairs) < count * meter.windows:
        for two in zip(streams[::2], streams[1::2]):
            pairs += islice(zip(*two), meter.windows)
    return pairs[:count * meter.windows]


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def compare_counts(dut: Any) -> None:
    """Each result that leaves or waits, and that the meter takes a window in every cycle in which no result is in its way."""
    work, tally = job(), Tally()
    params, model, rng = work["params"], work["model"], random.Random(work["seed"])
    meter = Correlation(params)
    into, out = meter.i.payload.shape(), meter.o.payload.shape()
    pairs, expected = (stimuli(params, work["lfsr"], work[side], work["count"], random.Random(work["seed"])) for side in ("seeds", "model_seeds"))
    golden = [tuple(map(int, row)) for row in model.run(*zip(*expected))]
    await start(dut)
    inputs, outputs = StreamMonitor(dut, "i"), StreamMonitor(dut, "o")
    source, sink = StreamSource(dut, "i", rng, 0.0), StreamSink(dut, "o", rng, STALLS[0])
    cocotb.start_soon(sink.run())
    cocotb.start_soon(source.send(into.const({"a": a, "b": b}).as_bits() for a, b in pairs))
    cycle = taken = found = 0
    while found < work["count"]:
        await RisingEdge(dut.clk)
        i, o = inputs.sample(), outputs.sample()
        if o.valid:
            fields = out.from_bits(o.payload)
            tally.compare(f"result {found}", "o", golden[found] if found < len(golden) else None, tuple(fields[name] for name in NAMES))
        if i.valid:
            waiting = taken // params.windows - found
            tally.compare(f"cycle {cycle}", "i.ready", waiting < 2 or o.ready, i.ready)
        taken, found, cycle = taken + i.fires, found + o.fires, cycle + 1
        source.stall, sink.stall = STALLS[cycle // 64 % len(STALLS)], STALLS[cycle // 192 % len(STALLS)]
    tally.compare("the end", "windows taken", len(pairs), taken)
    tally.finish()


def check(params: CorrelationParams, lfsr: LfsrParams, seeds: list[int], *, count: int, seed: int, model: CorrelationParams | None = None,
          model_seeds: list[int] | None = None) -> int:
    """Compare ``count`` results of streams from ``seeds``, two by two, and return the number of items compared.

    ``model`` and ``model_seeds`` are the golden side's.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(Correlation, params), __name__, params, model=model, count=count, seed=seed, lfsr=lfsr, seeds=list(seeds),
                     model_seeds=list(model_seeds or seeds))
