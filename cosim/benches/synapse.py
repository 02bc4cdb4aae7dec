"""Bench of the synapse: every pair of windows is gated as the golden model does it."""

import random
from dataclasses import dataclass
from functools import partial
from typing import Any

from spikegate.cosim.benches.bench import Tally, Timer, cocotb, job, number, run_bench
from spikegate.gateware.streams.synapse import Synapse
from spikegate.models.streams.synapse import SynapseParams

__all__ = ["OrSynapse", "windows", "check"]


@dataclass(frozen=True)
class OrSynapse(SynapseParams):
    """A wrong model, which the bench has to reject: OR for the gate."""

    def step(self, spike: int, weight: int) -> int:
        """The union of two windows."""
        return spike | weight


def windows(width: int, count: int, rng: random.Random) -> list[tuple[int, int]]:
    """Pairs of windows: empty and full ones, single lines, then any of any density."""
    full = (1 << width) - 1
    ends = [0, full, 1, 1 << (width - 1), full ^ 1]
    pairs = [(a, b) for a in ends for b in ends]
    rng.shuffle(pairs)

    def draw() -> int:
        kind, a, b = rng.randrange(3), rng.getrandbits(width), rng.getrandbits(width)
        return (a, a & b, a | b)[kind]

    return (pairs + [(draw(), draw()) for _ in range(count - len(pairs))])[:count]


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_windows(dut: Any) -> None:
    """Each pair's post-synaptic window."""
    work, tally = job(), Tally()
    for spike, weight in windows(work["params"].width, work["count"], random.Random(work["seed"])):
        dut.spike.value, dut.weight.value = spike, weight
        await Timer(1, "ns")
        tally.compare(f"spike {spike:#x}, weight {weight:#x}", "post", work["model"].step(spike, weight), number(dut.post))
    tally.finish()


def check(params: SynapseParams, *, count: int, seed: int, model: SynapseParams | None = None) -> int:
    """Compare ``count`` pairs of windows and return how many were; ``model`` is the golden side's.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(Synapse, params), __name__, params, model=model, count=count, seed=seed)
