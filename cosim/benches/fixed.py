"""Bench of the requantiser: every product is rounded and fitted as the golden model does it."""

import random
from dataclasses import dataclass
from functools import partial
from typing import Any

from spikegate.cosim.benches.bench import Tally, Timer, cocotb, job, number, run_bench
from spikegate.gateware.numeric.fixed import Requantise
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding, fit, round_shift

__all__ = ["RequantiseParams", "products", "requantise", "check"]


@dataclass(frozen=True)
class RequantiseParams:
    """What a requantiser is built from."""

    format: QFormat
    rounding: Rounding
    overflow: Overflow


def products(q: QFormat, count: int, rng: random.Random) -> list[tuple[int, int]]:
    """``(product, random)`` pairs: zero, halves, both rails of the product and of the result, all with one bit set or one above the fraction
    not set, with their neighbours, then any."""
    wide = 1 << (2 * q.width - 1)
    edges = [0, q.one // 2, -q.one // 2, q.one, -q.one, wide - 1, -wide, (q.max + 1) * q.one, q.min * q.one, q.max * q.one + q.one // 2,
             q.min * q.one - q.one // 2, *(1 << bit for bit in range(2 * q.width - 1)), *(-q.one - (1 << bit) for bit in range(2 * q.width - 1))]
    pairs = [(edge + near, random_) for edge in edges for near in (-1, 0, 1) for random_ in (0, 1, q.one - 1)]
    pairs = [pair for pair in pairs if -wide <= pair[0] < wide]
    rng.shuffle(pairs)
    while len(pairs) < count:
        bits = rng.randint(1, 2 * q.width)
        pairs.append((rng.getrandbits(bits) - (1 << bits >> 1), rng.getrandbits(q.fraction)))
    return pairs[:count]


def requantise(params: RequantiseParams, product: int, random_: int) -> tuple[int, int]:
    """The golden model of the component: ``(result, overflowed)``."""
    rounded = round_shift.py_func(product, params.format.fraction, params.rounding, random_)
    result: tuple[int, int] = fit.py_func(rounded, params.format.width, params.overflow)
    return result


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_products(dut: Any) -> None:
    """Each product's result and overflow flag."""
    work, tally = job(), Tally()
    for product, random_ in products(work["params"].format, work["count"], random.Random(work["seed"])):
        dut.product.value, dut.random.value = product, random_
        await Timer(1, "ns")
        result, overflowed = requantise(work["model"], product, random_)
        item = f"product {product}, random {random_}"
        tally.compare(item, "result", result, number(dut.result, signed=True))
        tally.compare(item, "overflowed", overflowed, number(dut.overflowed))
    tally.finish()


def check(params: RequantiseParams, *, count: int, seed: int, model: RequantiseParams | None = None) -> int:
    """Compare ``count`` products and return the number of items compared, two a product; ``model`` is the golden side's parameters.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    make = partial(Requantise, params.format, params.rounding, params.overflow)
    return run_bench(make, __name__, params, model=model, count=count, seed=seed)
