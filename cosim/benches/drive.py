"""Bench of the external drive: a table is loaded, then every uniform number's events are compared."""

import random
from collections import deque
from functools import partial
from typing import Any

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, number, run_bench, start
from spikegate.gateware.numeric.drive_search import Drive
from spikegate.models.core.drives import Search
from spikegate.models.numeric.drive import UNIFORM_BITS, DriveParams

__all__ = ["uniforms", "check"]

#: Loading pauses this often, with a word on the port that must not be written.
STALL = 0.4


def uniforms(params: DriveParams, count: int, rng: random.Random) -> list[int]:
    """Numbers to look up: both ends, each limit and its neighbours, then any."""
    top = (1 << UNIFORM_BITS) - 1
    numbers = [0, 1, top - 1, top] + [int(limit) + near for limit in params.limits for near in (-1, 0, 1)]
    numbers = list(dict.fromkeys(min(max(value, 0), top) for value in numbers))
    rng.shuffle(numbers)
    return (numbers + [rng.getrandbits(UNIFORM_BITS) for _ in range(count - len(numbers))])[:count]


async def load(dut: Any, words: list[tuple[int, int]], depth: int, rng: random.Random) -> None:
    """Write ``(index, limit)`` pairs in any order, with pauses."""
    layout = Drive(depth).signature.members["load"].shape

    def word(en: int, index: int, limit: int) -> int:
        return int(layout.const({"en": en, "index": index, "limit": limit}).as_bits())

    for index, limit in rng.sample(words, len(words)):
        while rng.random() < STALL:
            dut.load.value = word(0, rng.getrandbits(depth), rng.getrandbits(UNIFORM_BITS))
            await RisingEdge(dut.clk)
        dut.load.value = word(1, index, limit)
        await RisingEdge(dut.clk)
    dut.load.value = 0


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_events(dut: Any) -> None:
    """Each lane's events, ``depth`` cycles after its number; a second table is loaded over the first."""
    work, tally = job(), Tally()
    params, model, lanes, rng = work["params"], work["model"], work["lanes"], random.Random(work["seed"])
    await start(dut)
    await load(dut, [(index, rng.getrandbits(UNIFORM_BITS)) for index in range(1, 1 << params.depth)], params.depth, rng)
    await load(dut, Search().words(params), params.depth, rng)
    ports = [(getattr(dut, f"uniform__{lane}"), getattr(dut, f"events__{lane}")) for lane in range(lanes)]
    todo = uniforms(params, work["count"], rng)
    pending: deque[list[int] | None] = deque([None] * params.depth)
    while any(todo) or any(pending):
        numbers = [todo.pop() for _ in ports[:len(todo)]]
        for (uniform, _), value in zip(ports, numbers):
            uniform.value = value
        pending.append(numbers)
        await RisingEdge(dut.clk)
        for value, (_, events) in zip(pending.popleft() or (), ports):
            tally.compare(f"number {value}", "events", model.step(value), number(events))
    tally.finish()


def check(params: DriveParams, *, count: int, seed: int, model: DriveParams | None = None, lanes: int = 2) -> int:
    """Compare the events of ``count`` numbers and return the number of items compared; ``model`` is the golden side's table.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(Drive, params.depth, lanes), __name__, params, model=model, count=count, seed=seed, lanes=lanes)
