"""Error of a product by AND, for each kind of generator: p and q are drawn, the share of ones in the AND is held against pq.

p and q are uniform on 0, 2^-16 .. 1, and each trial is a window somewhere else in the run of its generator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import LfsrParams, apply, leap_once
from spikegate.models.numeric.phase import phases_between
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.encoder import WindowParams
from spikegate.models.streams.plan import LfsrPlan, SobolPlan
from spikegate.models.streams.planes import pack, window_lfsr
from spikegate.models.streams.scc import scc

__all__ = ["LENGTHS", "BAD_SEEDS", "IDEAL", "LEAP_1", "Source", "SOURCES", "errors", "rmse", "slope", "verdict", "distance_share", "distance_scc",
           "bad_plan"]

LENGTHS = tuple(1 << m for m in range(4, 13))
BITS, NUMBERS = 16, 1 << 16
#: 800 encoders of inputs and 800 of weights on one LFSR of 16 bits, encoder k seeded with k + 1.
BAD_SEEDS = tuple(range(1, 1601))
#: Mean over p and q of pq (1 - pq), 1/4 - 1/9: independent bits have this variance divided by their number.
IDEAL = (5 / 36) ** 0.5
#: The same for two serial encoders whose register moves on by one position: the numbers x and y that are d positions apart
#: have E max(x, y) = 2/3 - 2^-d / 12, so that the ANDs' mean covariance is (1/3 + 2^-d / 12)^2 - 1/9, and the sum over all
#: lags, each way, adds 25/216 to 5/36.
LEAP_1 = (55 / 216) ** 0.5
#: Numbers of one stream held at a time.
CHUNK = 1 << 21
#: Plan of each kind with a window of a length; raises `InputError` if it is refused.
Plan = Callable[[int], object]
#: (length, P, Q, rng) to the share of ones in the AND for each pair of thresholds.
Product = Callable[[int, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Source:
    """A pair of streams: its product, and its plan if it has one; lengths that are not made are not in ``lengths``."""

    label: str
    product: Product
    plan: Plan | None = None
    lengths: tuple[int, ...] = LENGTHS


def share(x, y, p, q):
    """Share of positions, the last axis, where both numbers are less than their thresholds."""
    return ((x < p[:, None]) & (y < q[:, None])).mean(axis=-1)


def ideal(length, p, q, rng):
    """Independent numbers."""
    return share(*rng.integers(0, NUMBERS, (2, len(p), length), dtype=np.uint32), p, q)


def serial_plan(width, leap):
    return lambda length: LfsrPlan.make(LfsrParams(width, leap=leap), 2, length, 0x9E3779B97F4A7C15 % (1 << width))


def serial(width, leap):
    """Two serial encoders at planned phases, the low 16 bits of a register each, anywhere on the cycle."""
    params = LfsrParams(width, leap=leap)
    columns = params.jump(params.period // 2)
    shifts, low, mask = [np.uint64(tap - leap) for tap in params.taps], np.uint64((1 << leap) - 1), np.uint64(params.mask)

    def numbers(state, length):
        found = np.empty((length, len(state)), np.uint16)
        for t in range(length):
            found[t] = state & np.uint64(NUMBERS - 1)
            state = leap_once.py_func(state, shifts, np.uint64(leap), low, mask)
        return found.T

    def product(length, p, q, rng):
        first = rng.integers(1, params.mask, len(p), np.uint64, endpoint=True)
        second = np.zeros_like(first)
        for i, column in enumerate(columns):
            second ^= np.uint64(column) * (first >> np.uint64(i) & np.uint64(1))
        return share(numbers(first, length), numbers(second, length), p, q)
    return product


@lru_cache
def cycle():
    """The states of the 16-bit LFSR from state 1 on."""
    params = LfsrParams(BITS, leap=1)
    return np.array(params.run(1, params.period), np.uint32)


def short(leap, apart):
    """As `serial` for 16 bits, from a table of the cycle, the second stream ``apart`` positions after the first."""
    def product(length, p, q, rng):
        at = rng.integers(0, len(cycle()), len(p))[:, None] + leap * np.arange(length)
        return share(cycle()[at % len(cycle())], cycle()[(at + apart) % len(cycle())], p, q)
    return product


def rotated(length, p, q, rng):
    """One LFSR of 16 bits; the second number is the first, rotated by 8 bits."""
    x = cycle()[(rng.integers(0, len(cycle()), len(p))[:, None] + np.arange(length)) % len(cycle())]
    return share(x, x >> 8 | (x & 255) << 8, p, q)


def sobol(first, second):
    points = [SobolParams(d).points(np.arange(NUMBERS)) for d in (first, second)]

    def product(length, p, q, rng):
        at = rng.integers(0, NUMBERS // length, len(p))[:, None] * length + np.arange(length)
        return share(points[0][at], points[1][at], p, q)
    return product


def counter(length, p, q, rng):
    """A counter of log2(L) bits, that takes P rounded to its bits, and an LFSR of 16 bits."""
    step = NUMBERS // length
    x = np.broadcast_to(np.arange(length) * step, (len(p), length))
    y = cycle()[(rng.integers(0, len(cycle()), len(p))[:, None] + np.arange(length)) % len(cycle())]
    return share(x, y, (p + step // 2) // step * step, q)


def windows(length, p, q, rng):
    """Two parallel encoders: 32 registers of 61 bits, one a plane, that leap a window."""
    params = window_lfsr(length)
    seeds = params.phases(int(rng.integers(1, params.mask)), 2 * BITS, len(p))
    a, b = (WindowParams(params).run(np.array(part, np.uint64), thresholds) for part, thresholds in ((seeds[:BITS], p), (seeds[BITS:], q)))
    return np.bitwise_count(a & b).sum(axis=-1) / length


@lru_cache
def bad_neighbours():
    """Distances from each of the bad plan's seeds to the next on the cycle."""
    phases = np.sort(phases_between(LfsrParams(BITS, leap=1), list(BAD_SEEDS)))
    return np.diff(np.append(phases, phases[0] + len(cycle())))


def bad(neighbours):
    """The bad plan: a stream with the next on the cycle, or encoder k of the inputs with encoder k of the weights."""
    def product(length, p, q, rng):
        if neighbours:
            return share_apart(length, bad_neighbours()[rng.integers(0, len(BAD_SEEDS), len(p))], p, q, rng)
        at, k = np.argsort(cycle()), rng.integers(0, 800, len(p))
        x, y = (cycle()[(at[side - 1][:, None] + np.arange(length)) % len(cycle())] for side in (k + 1, k + 801))
        return share(x, y, p, q)
    return product


def share_apart(length, apart, p, q, rng):
    at = rng.integers(0, len(cycle()), len(p))[:, None] + np.arange(length)
    return share(cycle()[at % len(cycle())], cycle()[(at + apart[:, None]) % len(cycle())], p, q)


def bad_refused(length):
    return LfsrPlan(LfsrParams(BITS, leap=1), BAD_SEEDS, length)


SOURCES = {
    "ideal": Source("independent bits", ideal),
    "windows": Source("LFSR windows, 61 bits, a register a plane", windows,
                      lambda length: LfsrPlan.make(window_lfsr(length), 32, 1 << 20, 0x123456789ABCDEF), LENGTHS[2:]),
    "lfsr16_leap16": Source("two LFSR streams, 16 bits, leap 16", short(16, 32767), serial_plan(16, 16), LENGTHS[:7]),
    "lfsr32_leap16": Source("two LFSR streams, 32 bits, leap 16", serial(32, 16), serial_plan(32, 16)),
    "lfsr61_leap16": Source("two LFSR streams, 61 bits, leap 16", serial(61, 16), serial_plan(61, 16)),
    "lfsr16_leap1": Source("two LFSR streams, 16 bits, leap 1", short(1, 32767), serial_plan(16, 1)),
    "lfsr32_leap1": Source("two LFSR streams, 32 bits, leap 1", serial(32, 1), serial_plan(32, 1)),
    "lfsr61_leap1": Source("two LFSR streams, 61 bits, leap 1", serial(61, 1), serial_plan(61, 1)),
    "rotated": Source("one LFSR, 16 bits, and itself rotated by 8 bits", rotated),
    "delayed": Source("one LFSR, 16 bits, and itself delayed by 8", short(1, 8),
                      lambda length: LfsrPlan(LfsrParams(BITS, leap=1), (1, apply(LfsrParams(BITS).jump(8), 1)), length)),
    "counter": Source("counter and LFSR, 16 bits, leap 1", counter),
    "sobol_0_1": Source("Sobol dimensions 0 and 1", sobol(0, 1), lambda length: SobolPlan((0, 1), length)),
    "sobol_2_3": Source("Sobol dimensions 2 and 3", sobol(2, 3), lambda length: SobolPlan((2, 3), length)),
    "sobol_7_15": Source("Sobol dimensions 7 and 15", sobol(7, 15), lambda length: SobolPlan((7, 15), length)),
    "bad_meeting": Source("bad plan, input k and weight k", bad(False), bad_refused),
    "bad_neighbours": Source("bad plan, neighbours on the cycle", bad(True), bad_refused),
}


def errors(product: Product, length: int, trials: int, seed: int) -> np.ndarray:
    """Error of each trial."""
    rng, found, left = np.random.default_rng([seed, length]), [], trials
    while left:
        p, q = rng.integers(0, NUMBERS + 1, (2, min(left, max(1, CHUNK // length))))
        found.append(product(length, p, q, rng) - p * q / NUMBERS**2)
        left -= len(p)
    return np.concatenate(found)


def rmse(name: str, length: int, trials: int, seed: int) -> float:
    """Root mean square error of a source of `SOURCES`."""
    return float(np.sqrt(np.mean(errors(SOURCES[name].product, length, trials, seed) ** 2)))


def slope(found: dict[int, float]) -> float:
    """Exponent of the error over the length, by least squares of the logarithms, from 64 positions on."""
    lengths = [length for length in found if length >= 64]
    return float(np.polyfit(np.log(lengths), np.log([found[length] for length in lengths]), 1)[0])


def distance_share(apart: int, trials: int, seed: int, length: int = 256) -> float:
    """How far the AND of two streams of the 16-bit LFSR, some positions apart, goes from pq, 0, to min(p, q), 1; in the mean over p and q.

    For numbers x and y in 0..1 the mean over p and q of P(x < p, y < q) - pq is their covariance, and that of
    min(p, q) - pq is 1/12. The number d positions later has the low 16 - d bits of the first as its high ones, so the covariance is 2^-d / 12.
    """
    return float(12 * errors(short(1, apart), length, trials, seed).mean())


def distance_scc(apart: int, threshold: int) -> float:
    """SCC of these two streams over the whole period, for p = q = threshold / 2^16. For p = 1/8: 1, 3/7, 1/7, 0, .. as far as the period is long."""
    bits = np.append(cycle() < threshold, [0])
    return float(scc(pack(bits), pack(np.append(np.roll(bits[:-1], -apart), [0])), len(cycle())))


def verdict(name: str, length: int) -> tuple[str, str]:
    """accepted, refused or – without a plan, and the message of the refusal."""
    source = SOURCES[name]
    try:
        return ("accepted" if source.plan and source.plan(length) else "–"), ""
    except InputError as error:
        return "refused", str(error)


def bad_plan(length: int = 256) -> dict[str, float | str]:
    """What is wrong with the bad plan."""
    gaps, (answer, message) = bad_neighbours(), verdict("bad_neighbours", length)
    return {"encoders": len(BAD_SEEDS), "length": length, "neighbours_closer": float((gaps < length).mean()),
            "median_gap": float(np.median(gaps)), "plan": answer, "message": message}
