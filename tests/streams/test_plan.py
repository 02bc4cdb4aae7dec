"""Stream plans: what meets or is correlated is refused, what is planned is not; the correlation meter against the model."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from spikegate.cosim.benches.correlation import lfsr_windows
from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import LfsrParams, apply
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.plan import LfsrPlan, SobolPlan, strength
from spikegate.models.streams.planes import lfsr_planes, pack, unpack
from spikegate.models.streams.scc import scc

SEED = 0x123456789ABCDEF
SERIAL = LfsrParams(16, leap=1)
COUNTS = ("n11", "n10", "n01", "n00")


def used(params, seed, windows):
    """The states of all positions that a stream uses, by walking."""
    return set(LfsrParams(params.width, params.taps, 1).run(seed, windows * params.leap))


@settings(deadline=None, max_examples=60)
@given(st.integers(9, 12), st.integers(1, 5), st.lists(st.integers(1, 511), min_size=1, max_size=4, unique=True), st.data())
def test_a_plan_is_refused_for_an_overlap_exactly_when_the_walks_share_a_state(width, leap, seeds, data):
    params = LfsrParams(width, leap=leap)
    windows = tuple(data.draw(st.lists(st.integers(1, 40), min_size=len(seeds), max_size=len(seeds))))
    walks = [used(params, seed, count) for seed, count in zip(seeds, windows)]
    meet = sum(map(len, walks)) > len(set().union(*walks))
    try:
        LfsrPlan(params, tuple(seeds), windows)
        message = ""
    except InputError as error:
        message = str(error)
    assert ("positions apart on the cycle" in message) == meet


def test_the_windows_of_a_full_cycle_fit_and_one_more_does_not():
    phases = [0, 100, 700]
    seeds = [apply(SERIAL.jump(phase), 0xACE1) for phase in phases]
    assert LfsrPlan(SERIAL, seeds, (100, 600, SERIAL.period - 700)).gaps() == [(0, 1, 100), (1, 2, 600), (2, 0, SERIAL.period - 700)]
    for k, windows in enumerate([(101, 600, 9), (100, 601, 9), (100, 600, SERIAL.period - 699)]):
        with pytest.raises(InputError, match=f"Streams {k} and {(k + 1) % 3} start {windows[k] - 1} positions apart on the cycle of a 16-bit LFSR, "
                           f"but stream {k} uses {windows[k]} in the run; 1 of 3 streams reach into the next; use LfsrPlan.make, a wider LFSR"):
            LfsrPlan(SERIAL, seeds, windows)
    with pytest.raises(InputError, match="Streams 0 and 0 start 65535 positions apart .* stream 0 uses 65536 in the run"):
        LfsrPlan(SERIAL, [5], 65536)


@pytest.mark.parametrize("base", [1, 0x1234, 0xACE1])
def test_the_published_plan_of_1600_neighbouring_seeds_is_refused(base):
    with pytest.raises(InputError, match=r"cycle of a 16-bit LFSR, but stream \d+ uses 256 in the run; 15\d\d of 1600 streams reach into the next"):
        LfsrPlan(SERIAL, range(base, base + 1600), 256)


@pytest.mark.parametrize("params, streams, windows", [
    (LfsrParams(61, leap=256), 1600, 10_000), (SERIAL, 255, 255), (LfsrParams(32, leap=16), 500, 4096), (LfsrParams(), 100, 1000),
    (LfsrParams(49, leap=1024), 32, 1 << 20)])
def test_a_made_plan_is_accepted_and_tells_its_phases(params, streams, windows):
    plan = LfsrPlan.make(params, streams, windows, SEED % params.mask)
    assert len(plan.seeds) == streams and plan.windows == (windows,) * streams
    assert min(gap for _, _, gap in plan.gaps()) >= windows * params.leap
    assert plan == LfsrPlan(params, list(plan.seeds), windows, list(plan.phases))
    worst = plan.correlations(3)
    assert abs(worst[0].scc) <= worst[0].bound and worst[0].scc == scc(*plan.packed()[list(worst[0][:2])], plan.checked)
    with pytest.raises(InputError, match="Phases must be the positions from the first seed to each; leave them out, and they are computed"):
        LfsrPlan(params, plan.seeds, windows, (*plan.phases[:-1], plan.phases[-1] + 1))


def test_a_made_plan_is_as_wide_as_the_register_allows():
    assert LfsrPlan.make(SERIAL, 254, 258, 0xACE1)
    with pytest.raises(InputError, match="Each of 254 streams has 258 positions of a 16-bit LFSR, but 259 steps need 259; use a wider LFSR"):
        LfsrPlan.make(SERIAL, 254, 259, 0xACE1)


def test_no_made_plan_has_streams_whose_xor_is_zero():
    # x^(N/3) is a third root of unity r, and 1 + r + r^2 = 0
    even = LfsrParams(leap=1).phases(SEED, 3, 100)
    assert even[0] ^ even[1] ^ even[2] == 0
    for streams in (3, 5, 15, 17):
        seeds = LfsrPlan.make(LfsrParams(), streams, 100, SEED).seeds
        assert np.bitwise_xor.reduce(np.array(seeds, np.uint64)) != 0


def test_streams_that_do_not_meet_and_are_correlated_are_refused():
    # Neighbouring seeds of a wide register differ in one bit, so that they shift in the same bits at first.
    seeds = (SEED, SEED ^ 1)
    with pytest.raises(InputError) as refusal:
        LfsrPlan(LfsrParams(leap=256), seeds, 1)
    assert "apart on the cycle" not in str(refusal.value)
    assert "SCC of streams 0 and 1 over their first 256 positions must be in -0.3" in str(refusal.value)
    shared = unpack(lfsr_planes(LfsrParams(), seeds, 0, 1, 256)[0])
    assert (shared[0, :59] == shared[1, :59]).all()
    assert LfsrPlan(LfsrParams(leap=256), (SEED, apply(LfsrParams().jump(1 << 40), SEED)), 1)


def test_the_bits_of_a_plan_are_those_that_the_registers_shift_in():
    for params, windows in ((LfsrParams(61, leap=128), 3), (SERIAL, 40), (LfsrParams(20, leap=7), 90)):
        plan = LfsrPlan.make(params, 3, windows, 0xBEEF)
        assert plan.checked == {384: 256, 40: 32, 630: 512}[windows * params.leap]
        for seed, row in zip(plan.seeds, plan.packed()):
            assert next(lfsr_windows(params, seed, plan.checked)) == sum(int(word) << 64 * k for k, word in enumerate(row))


def boxes(first, second, m, k):
    """Largest and smallest number of scipy's points in the boxes of 2^-j by 2^(j-k), over all j."""
    points = qmc.Sobol(32, scramble=False, bits=16).random(1 << m)[:, [first, second]]
    found = []
    for j in range(k + 1):
        box = (points * [1 << j, 1 << (k - j)]).astype(int)
        found.append(np.bincount(box[:, 0] << (k - j) | box[:, 1], minlength=1 << k))
    return max(map(max, found)), min(map(min, found))


@pytest.mark.parametrize("m", [4, 6, 8, 11])
def test_strength_is_the_finest_even_share_of_scipys_points(m):
    for first, second in [(0, 1), (2, 3), (7, 15), (0, 26), (20, 22), (30, 31)]:
        k = strength(SobolParams(first), SobolParams(second), 1 << m)
        assert boxes(first, second, m, k) == (1 << (m - k),) * 2
        assert k == m or boxes(first, second, m, k + 1)[1] < 1 << (m - k - 1)


@pytest.mark.parametrize("length, channels", [(16, 8), (64, 16), (256, 25), (1024, 31), (4096, 32)])
def test_the_dimensions_of_a_made_plan_have_no_correlation(length, channels):
    plan = SobolPlan.make(channels, length)
    bits = np.array([params.points(np.arange(8192)).reshape(-1, length) < 1 << 15 for params in plan.params])
    for one, other in combinations(bits, 2):
        assert ((one & other).sum(axis=1) == length // 4).all()  # p = q = 1/2 gives 1/4 in every window
    if channels < 32:
        with pytest.raises(InputError, match=f"Sobol channels must be in 1..{channels} for windows of {length} positions, not {channels + 1};"):
            SobolPlan.make(channels + 1, length)


def test_dimensions_that_are_correlated_are_refused():
    a, b = (pack(SobolParams(d).points(np.arange(64)) < 1 << 15) for d in (20, 22))
    assert scc(a, b) == 1
    with pytest.raises(InputError, match="Sobol dimensions 20 and 22 must have a strength of at least 3 over 64 positions, not 1; use Sobol"):
        SobolPlan((0, 20, 22), 64)
    assert SobolPlan((20, 22), 256)


@pytest.mark.parametrize("make, message", [
    (lambda: LfsrPlan(SERIAL, (), 1), "Streams must be at least 1, not 0"),
    (lambda: LfsrPlan(SERIAL, (1, 0, 1 << 16), 1), "Seed of stream 1 must be in 1..2\\^16 - 1, not 0; use any other\nSeed of stream 2 .* not 65536"),
    (lambda: LfsrPlan(SERIAL, (1, 2), 0), "Windows must be at least 1 for each of 2 streams, not 0"),
    (lambda: LfsrPlan(SERIAL, (1, 2), (3,)), "Windows must be at least 1 for each of 2 streams, not \\(3,\\)"),
    (lambda: LfsrPlan(SERIAL, (7, 7), 1), "Streams 0 and 1 start 0 positions apart"),
    (lambda: LfsrPlan(LfsrParams(61), (1, 2), 1), "Phases of given seeds need factors of .* let the seeds come from LfsrPlan.make"),
    (lambda: SobolPlan((), 256), "Sobol channels must be in 1..32, not 0; use LFSR streams"),
    (lambda: SobolPlan(range(33), 256), "Sobol channels must be in 1..32, not 33; use LFSR streams, or a dot product of fewer channels"),
    (lambda: SobolPlan((3, 1, 3), 256), "Sobol dimensions \\[3\\] must have one channel each; use SobolPlan.make"),
    (lambda: SobolPlan((0, 32), 256), "Sobol dimension must be in 0..31, not 32"),
    (lambda: SobolPlan((0, 1), 100), "Window length must be a power of two and at least 4 positions, not 100"),
    (lambda: SobolPlan((0, 1), 256, 7), "Window length must be at most the period of 128 points, not 256; use more bits or a shorter window"),
    (lambda: SobolPlan.make(0, 256), "^Sobol channels must be in 1..25 for windows of 256 positions, not 0; use a longer window")])
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
