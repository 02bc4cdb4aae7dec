"""Bench of the leaping LFSR: its two streams, cycle by cycle, under random stalls and reseeding."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

from spikegate.cosim.benches.bench import cocotb, job, run_bench
from spikegate.cosim.benches.seeded import compare_generator
from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["seeds", "check"]


def seeds(params: LfsrParams, rng: random.Random) -> Iterator[int]:
    """Seeds without end: the ends of the range, single bits, then any but 0."""
    yield from (1, params.mask, 1 << (params.width - 1), params.mask - 1)
    while True:
        yield rng.randrange(1, params.mask + 1)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_streams(dut: Any) -> None:
    """Each state that leaves or waits, and that a seed is taken first or beside an output alone."""
    work = job()
    rng = random.Random(work["seed"])
    await compare_generator(dut, seeds(work["params"], rng), int, work["model"].step, count=work["count"], rng=rng)


def check(params: LfsrParams, *, count: int, seed: int, model: LfsrParams | None = None) -> int:
    """Compare until ``count`` items are reached and return how many were; ``model`` is the golden side's parameters.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(Lfsr, params), __name__, params, model=model, count=count, seed=seed)
