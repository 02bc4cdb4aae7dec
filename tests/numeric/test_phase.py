"""Phases on the cycle of an LFSR against walking it, and against jumps where it is too long."""

import random
from math import gcd, prod

import pytest
from galois import factors

from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import PRIMITIVE_TAPS, LfsrParams, apply
from spikegate.models.numeric.phase import coprime_factors, phases_between, phases_hold

#: Widths whose period has a factor above 2^32.
HARD = {49, 59, 61}
EVERYDAY = {13, 16, 24, 32, 40, 47, 64}


def test_three_bits_by_hand():
    # 001, 010, 101, 011, 111, 110, 100, as in test_lfsr.py
    assert phases_between(LfsrParams(3, (3, 2), 1), [0b010, 0b101, 0b111, 0b001, 0b010]) == [0, 1, 3, 6, 0]


@pytest.mark.parametrize("width", range(3, 13))
def test_every_state_has_the_phase_at_which_the_walk_meets_it(width):
    params = LfsrParams(width, leap=1)
    states = params.run(1, params.period)
    assert phases_between(params, states) == list(range(params.period))
    wrong = list(range(params.period))
    wrong[-1] -= 1
    assert phases_hold(params, states, list(range(params.period))) and not phases_hold(params, states, wrong)


@pytest.mark.parametrize("width", [width if width in EVERYDAY else pytest.param(width, marks=pytest.mark.long) for width in PRIMITIVE_TAPS
                                   if width not in HARD])
def test_every_width_but_three_has_the_phases_of_the_jumps(width):
    params, rng = LfsrParams(width, leap=1), random.Random(width)
    phases, first = [0, 1, params.period - 1, rng.randrange(params.period)], rng.randrange(1, params.mask)
    seeds = [apply(params.jump(phase), first) for phase in phases]
    assert phases_between(params, seeds) == phases
    assert phases_between(params, seeds[1:]) == [(phase - 1) % params.period for phase in phases[1:]]


@pytest.mark.parametrize("width", sorted(HARD))
def test_the_phases_of_three_widths_can_only_be_given(width):
    params = LfsrParams(width, leap=1)
    seeds = params.phases(77, 5, 1000)
    phases = [k * (params.period // 5) for k in range(5)]
    with pytest.raises(InputError, match=f"Phases of given seeds need factors of 2\\^{width} - 1 of at most 2\\^32, not .*; let the seeds come from"):
        phases_between(params, seeds)
    assert phases_between(params, seeds[:1]) == [0]
    assert phases_hold(params, seeds, phases)
    assert not phases_hold(params, seeds, [*phases[:-1], phases[-1] + 1]) and not phases_hold(params, [*seeds[:-1], seeds[-1] ^ 1], phases)


def test_the_factors_are_coprime_and_their_product_is_the_period():
    for width in PRIMITIVE_TAPS:
        found = coprime_factors(width)
        assert prod(found) == (1 << width) - 1
        assert all(gcd(a, b) == 1 for i, a in enumerate(found) for b in found[:i])
    assert {width for width in PRIMITIVE_TAPS if max(coprime_factors(width)) >> 32} == HARD


@pytest.mark.parametrize("width", [12, 31, 42, 61, 64])
def test_the_factors_are_those_of_galois(width):
    primes, exponents = factors((1 << width) - 1)
    assert sorted(p**e for p, e in zip(primes, exponents)) == list(coprime_factors(width))


def test_taps_that_are_not_primitive_are_seen():
    # x^4 + x^3 + x^2 + x + 1 divides x^5 - 1: three cycles of five states
    params = LfsrParams(4, (4, 3, 2, 1), 1)
    assert params.run(1, 6)[0] == params.run(1, 6)[5]
    with pytest.raises(InputError, match=r"LFSR taps \(4, 3, 2, 1\) are not primitive: the seeds do not lie on one cycle; use those"):
        phases_between(params, [1, 2, 5, 7, 9, 11])


@pytest.mark.parametrize(("width", "expected"), [
    (3, (7,)), (4, (3, 5)), (6, (7, 9)), (8, (3, 5, 17)), (9, (7, 73)), (10, (3, 11, 31)), (11, (23, 89)), (12, (5, 7, 9, 13)), (13, (8191,)),
    (18, (7, 19, 27, 73)), (20, (3, 11, 25, 31, 41)), (21, (49, 127, 337)), (32, (3, 5, 17, 257, 65537)),
    (54, (7, 19, 73, 81, 87211, 262657)), (57, (7, 32377, 524287, 1212847)), (61, ((1 << 61) - 1,)), (62, (3, 715827883, 2147483647)),
    (63, (49, 73, 127, 337, 92737, 649657))])
def test_factors_by_hand(width, expected):
    assert coprime_factors(width) == expected


def test_phases_are_those_after_the_first_seed_whichever_it_is():
    params = LfsrParams(10, leap=7)
    states = LfsrParams(10, leap=1).run(1, params.period)
    for first in (0, 1, 500, 1022):
        others = [first, 0, 3, 700, 1022, first]
        assert phases_between(params, [states[k] for k in others]) == [(k - first) % 1023 for k in others]
    assert phases_between(params, [5]) == [0]
    seeds = [states[k] for k in (9, 4, 1000)]
    assert phases_hold(params, seeds, [9, 4, 1000]) and phases_hold(params, seeds, [5, 0, 996]) and phases_hold(params, seeds, [1032, 4, 1000 - 1023])
    assert not any(phases_hold(params, seeds, phases) for phases in ([9, 4, 1001], [9, 5, 1000], [8, 4, 1000])) and phases_hold(params, [3], [99])
