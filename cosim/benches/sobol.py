"""Bench of the Sobol sequence: its two streams, cycle by cycle, under random stalls and seeking."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

from spikegate.cosim.benches.bench import cocotb, job, run_bench
from spikegate.cosim.benches.seeded import compare_generator
from spikegate.gateware.numeric.sobol import Sobol
from spikegate.models.numeric.sobol import DigitalSequence

__all__ = ["indices", "check"]


def indices(params: DigitalSequence, rng: random.Random) -> Iterator[int]:
    """Indices without end: the first, the last ones, so that the sequence starts again, powers of two, then any."""
    last = (1 << params.index_bits) - 1
    yield from (last, 0, last // 2, max(last - 3, 0))
    while True:
        yield rng.choice((rng.randint(0, last), max(last - rng.randrange(8), 0), 1 << rng.randrange(params.index_bits) if last else 0))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_streams(dut: Any) -> None:
    """Each number that leaves or waits, and that an index is taken first or beside an output alone."""
    work = job()
    rng, number = random.Random(work["seed"]), lambda n: int(work["model"].run(n, 1)[0])
    await compare_generator(dut, indices(work["params"], rng), number, lambda n: n + 1, count=work["count"], rng=rng)


def check(params: DigitalSequence, *, count: int, seed: int, model: DigitalSequence | None = None) -> int:
    """Compare until ``count`` items are reached and return how many were; ``model`` is the golden side's parameters.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(Sobol, params), __name__, params, model=model, count=count, seed=seed)
