"""Bench of the source of independent spikes: a new chance and a new number in every cycle."""

import random
from collections import deque
from functools import partial
from typing import Any

import numpy as np

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, number, run_bench, start
from spikegate.gateware.neuron.bernoulli import Bernoulli
from spikegate.gateware.neuron.linear import LATENCY
from spikegate.models.neuron.bernoulli import BernoulliNeuron, bernoulli_step
from spikegate.models.numeric.drive import UNIFORM_BITS

__all__ = ["pair", "check"]


def pair(rng: random.Random) -> tuple[int, int]:
    """A chance and a number: ends, neighbours, or any."""
    top = 1 << UNIFORM_BITS
    chance = rng.choice((0, 1, top - 1, top, rng.getrandbits(UNIFORM_BITS), 1 << rng.randint(0, UNIFORM_BITS)))
    return chance, min(max(0, chance + rng.randint(-1, 1)), top - 1) if rng.getrandbits(1) else rng.getrandbits(UNIFORM_BITS)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_spikes(dut: Any) -> None:
    """The spike of each pair, two cycles later."""
    work, tally = job(), Tally()
    rng = random.Random(work["seed"])
    await start(dut)
    pending: deque[tuple[int, int] | None] = deque([None] * LATENCY)
    for _ in range(work["count"] + LATENCY):
        chance, uniform = pair(rng)
        dut.chance.value, dut.i_uniform.value = chance, uniform
        pending.append((chance, uniform))
        await RisingEdge(dut.clk)
        if (before := pending.popleft()) is not None:
            table = np.array([[min(before[0] + work["shift"], 1 << UNIFORM_BITS)]], np.int64)
            tally.compare(f"chance {before[0]}, number {before[1]}", "spike", bernoulli_step(table, 0, before[1]), number(dut.o_spike))
    tally.finish()


def check(*, count: int, seed: int, shift: int = 0) -> int:
    """Compare ``count`` spikes and return their number; ``shift`` makes every chance of the golden side wrong by so much.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(Bernoulli, BernoulliNeuron()), __name__, None, count=count, seed=seed, shift=shift)
