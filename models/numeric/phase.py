"""Phases on the cycle of an LFSR: how many positions lie between two of its states, by discrete logarithm.

A position multiplies by x in GF(2)[x] / f(x), f the register's polynomial, if the state after i < width positions from
state 1 is written as x^i. The cycle has N = 2^width - 1 positions; a logarithm modulo each coprime factor q of N (Pohlig
and Hellman 1978), by baby and giant steps (Shanks 1971), gives it modulo N. That is cheap unless a large prime divides N:
of the widths 3..64, it is not for 49, 59 and 61, whose N has a factor above 2^32.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import isqrt

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["phases_between", "phases_hold", "coprime_factors"]

#: Largest factor of the period for which a logarithm is computed: 2^20 to 2^21 baby steps.
MAX_FACTOR = 1 << 32
TRIAL = 1 << 20
#: Baby steps are made once and giant steps for each seed, so there are more of the first.
BABY_RATIO = 512
ONE = np.uint64(1)


@lru_cache
def coprime_factors(width: int) -> tuple[int, ...]:
    """Factors of 2^width - 1 without a common divisor: its prime powers as far as trial division finds them, and what is left."""
    half, factors = 1 << width // 2, set()
    for rest in (half - 1, half + 1) if width % 2 == 0 else ((1 << width) - 1,):
        p = 3
        while p * p <= rest and p < TRIAL:
            power = 1
            while rest % p == 0:
                rest, power = rest // p, power * p
            factors.add(power)
            p += 2
        factors.add(rest)
    return tuple(sorted(factors - {1}))


@kernel
def _times(a: np.ndarray, b: np.ndarray, width: np.uint64, mask: np.uint64, low: np.ndarray, out: np.ndarray) -> None:
    """Products in the field, ``low`` being x^width."""
    for k in range(len(out)):
        found = np.uint64(0)
        for i in range(width):
            top, bit = found >> (width - ONE) & ONE, b[k] >> (width - ONE - np.uint64(i)) & ONE
            found = (found << ONE & mask) ^ (low * top) ^ (a[k] * bit)
        out[k] = found


class _Field:
    """GF(2)[x] / f(x) on arrays of uint64, bit i the coefficient of x^i."""

    def __init__(self, params: LfsrParams) -> None:
        self.width, self.mask = params.width, np.uint64(params.mask)
        self.states = [np.uint64(state) for state in LfsrParams(params.width, params.taps, 1).run(1, params.width + 1)]
        self.low = self.elements(np.array(self.states[-1:]))

    def elements(self, states: np.ndarray) -> np.ndarray:
        """What multiplies state 1 to give ``states``."""
        states, found = states.copy(), np.zeros_like(states)
        for i in reversed(range(self.width)):
            bit = states >> np.uint64(i) & ONE
            states ^= self.states[i] * bit
            found |= bit << np.uint64(i)
        return found

    def times(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = np.broadcast_arrays(a, b)
        found = np.empty(a.shape, np.uint64)
        _times(a.ravel(), b.ravel(), np.uint64(self.width), self.mask, self.low[0], found.ravel())
        return found

    def power(self, base: np.ndarray, exponents: int | np.ndarray) -> np.ndarray:
        """base^exponent, element by element; exponents 0..2^64 - 1."""
        exponents = np.atleast_1d(np.array(exponents, np.uint64))
        found = np.ones(np.broadcast_shapes(base.shape, exponents.shape), np.uint64)
        while exponents.any():
            found = np.where(exponents & ONE, self.times(found, base), found)
            base, exponents = self.times(base, base), exponents >> ONE
        return found

    def logarithms(self, generator: np.ndarray, elements: np.ndarray, order: int) -> np.ndarray:
        """Exponents 0..order - 1 of the generator of a subgroup, 0 where there is none."""
        baby = np.ones(1, np.uint64)
        while len(baby) < min(order, isqrt(BABY_RATIO * order)):
            baby = np.concatenate([baby, self.times(baby, self.power(generator, len(baby)))])
        sort, found = np.argsort(baby), np.zeros(len(elements), np.int64)
        back, baby = self.power(generator, -len(baby) % order), baby[sort]
        for giant in range(-(-order // len(baby))):
            at = np.minimum(np.searchsorted(baby, elements), len(baby) - 1)
            hit = baby[at] == elements
            found[hit] = (giant * len(baby) + sort[at[hit]]) % order
            elements = self.times(elements, back)
        return found


def phases_between(params: LfsrParams, seeds: Sequence[int]) -> list[int]:
    """For each seed, not 0, its positions after the first one on the cycle, 0..2^width - 2; ``params.leap`` is not used.

    Raises
    ------
    InputError
        If the period has a factor above 2^32, or the seeds lie on different cycles, as the taps are not primitive.
    """
    factors, period = coprime_factors(params.width), params.period
    if len(seeds) == 1:
        return [0]
    if max(factors) > MAX_FACTOR:
        raise InputError(f"Phases of given seeds need factors of 2^{params.width} - 1 of at most 2^32, not {max(factors)}; "
                         "let the seeds come from LfsrPlan.make, which knows them, or use another width")
    field = _Field(params)
    elements = field.elements(np.array(seeds, np.uint64))
    elements, x = field.times(elements, field.power(elements[:1], period - 1)), np.array([2], np.uint64)
    found = [0] * len(seeds)
    for order in factors:
        cofactor = period // order
        logs = field.logarithms(field.power(x, cofactor), field.power(elements, cofactor), order)
        lift = cofactor * pow(cofactor, -1, order)
        found = [(phase + int(log) * lift) % period for phase, log in zip(found, logs)]
    if not phases_hold(params, seeds, found):
        raise InputError(f"LFSR taps {params.taps} are not primitive: the seeds do not lie on one cycle; use those of PRIMITIVE_TAPS")
    return found


def phases_hold(params: LfsrParams, seeds: Sequence[int], phases: Sequence[int]) -> bool:
    """Whether each seed lies as many positions after the first one as its phase after the first phase."""
    field = _Field(params)
    elements = field.elements(np.array(seeds, np.uint64))
    steps = [(b - a) % params.period for a, b in zip(phases, phases[1:])]
    different, which = np.unique(np.array(steps, np.uint64), return_inverse=True)
    powers = field.power(np.array([2], np.uint64), different)
    return bool((field.times(elements[:-1], powers[which]) == elements[1:]).all())


