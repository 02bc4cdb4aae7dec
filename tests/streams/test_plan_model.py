"""The models of stream plans by themselves: small plans, dimensions and meters by hand."""

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.phase import phases_between
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.correlation import CorrelationParams
from spikegate.models.streams.plan import LfsrPlan, SobolPlan, strength
from spikegate.models.streams.scc import PairScc


def test_a_plan_by_hand():
    """Three bits: 001, 010, 101, 011, 111, 110, 100. Streams at phases 0, 2 and 5, and what lies between."""
    params = LfsrParams(3, (3, 2), 1)
    plan = LfsrPlan(params, [0b001, 0b110, 0b101], (2, 2, 3))
    assert (plan.seeds, plan.windows, plan.phases) == ((0b001, 0b110, 0b101), (2, 2, 3), (0, 5, 2))
    assert plan.gaps() == [(0, 2, 2), (2, 1, 3), (1, 0, 2)] and plan.checked == 2 and LfsrPlan(params, (1,), 7).gaps() == [(0, 0, 7)]
    assert LfsrPlan(params, (1, 0b101), 2).windows == (2, 2) and LfsrPlan(params, (1, 0b101), 2, (3, 5)).phases == (3, 5)
    shifted = LfsrParams(3, (3, 2), 1).run(1, 8)
    assert plan.packed().tolist() == [[2 * (shifted[k + 1] & 1) + (shifted[(k + 2) % 7] & 1)] for k in (0, 5, 2)]
    with pytest.raises(InputError, match="^Streams 0 and 2 start 2 positions apart on the cycle of a 3-bit LFSR, but stream 0 uses 3 in the run; "
                                         "1 of 3 streams reach into the next; use LfsrPlan.make"):
        LfsrPlan(params, (0b001, 0b110, 0b101), (3, 2, 3))
    with pytest.raises(InputError, match="^Phases must be the positions from the first seed to each"):
        LfsrPlan(params, (1, 0b101), 2, (3, 6))
    with pytest.raises(InputError, match="^Phases must be the positions from the first seed to each"):
        LfsrPlan(params, (1, 0b101), 2, (0,))


def test_made_plans_are_evenly_spaced():
    params = LfsrParams(12, leap=3)
    for streams, spaced in ((1, 1), (2, 2), (3, 4), (4, 4), (5, 6), (9, 10)):  # 4095 is 9 * 5 * 7 * 13
        plan = LfsrPlan.make(params, streams, 20, 77)
        assert plan.phases == tuple(k * (4095 // spaced) for k in range(streams)) and plan.seeds[0] == 77 and plan.windows == (20,) * streams
        assert plan.seeds == tuple(params.phases(77, spaced, 20)[:streams]) and plan.checked == 32
    assert LfsrPlan.make(LfsrParams(24, leap=64), 2, 100, 5).checked == 4096 and LfsrPlan.make(LfsrParams(24, leap=64), 2, 63, 5).checked == 2048
    assert LfsrPlan.make(LfsrParams(24, leap=64), 2, 1, 5).packed().shape == (2, 1) and len(LfsrPlan.make(params, 9, 20, 77).correlations()) == 10


def test_strength_by_hand():
    # Dimension 0 is the bits reversed, dimension 1 the first of Joe and Kuo; with itself a dimension has only its own boxes.
    zero, one, two = (SobolParams(d) for d in (0, 1, 2))
    assert [strength(zero, one, 2**m) for m in (1, 2, 3, 8)] == [1, 2, 3, 8]
    assert strength(zero, zero, 16) == 1 and [strength(zero, two, 2**m) for m in (2, 3, 6)] == [2, 2, 5] and strength(zero, one, 1) == 0
    assert strength(SobolParams(0, 2), SobolParams(1, 2), 8) == 2  # four points, twice each
    assert [SobolPlan.needed(length) for length in (4, 8, 16, 32, 64, 256, 1024)] == [2, 2, 2, 3, 3, 4, 5]


def test_the_ends_of_what_a_plan_of_dimensions_can_be():
    assert SobolPlan((0, 1), 4).length == 4 and SobolPlan((0, 1), 256, 8).bits == 8 and SobolPlan([31], 256).dimensions == (31,)
    assert SobolPlan((0,), 8).bits == 16 and [params.dimension for params in SobolPlan((0, 1), 256, 8).params] == [0, 1]
    assert SobolPlan.make(1, 256).dimensions == (0,) and SobolPlan.make(2, 256, 8) == SobolPlan((0, 1), 256, 8)
    for make, message in ((lambda: SobolPlan((0, 1), 2), "Window length must be a power of two and at least 4 positions, not 2"),
                          (lambda: SobolPlan((0, 1), 6), "Window length must be a power of two and at least 4 positions, not 6"),
                          (lambda: SobolPlan.make(-1, 256), "^Sobol channels must be in 1..25 for windows of 256 positions, not -1; use a longer")):
        with pytest.raises(InputError, match=message):
            make()


def test_the_meter_by_hand_in_more_words_than_one():
    assert CorrelationParams(1, 1).windows == 1 and CorrelationParams(64, 256).windows == 4
    counts = CorrelationParams(3, 6).run([0b111, 0b100, 0b001, 0b011, 0b111], [0b101, 0b110, 0b000, 0b011, 0b111])
    assert counts.tolist() == [[3, 1, 1, 1], [2, 1, 0, 3]] and counts.dtype == np.int64
    wide = CorrelationParams(65, 130).run([1 << 64, 3], [1 << 64 | 1, 1])
    assert wide.tolist() == [[2, 1, 1, 126]] and CorrelationParams(3, 6).run([7], [7]).shape == (0, 4)
    with pytest.raises(InputError, match="^Meter length must be a multiple of its width of 8 positions, not 4$"):
        CorrelationParams(8, 4)
    for width in (0, -1):
        both = f"^Meter width must be at least 1 position, not {width}\nMeter length must be a multiple of its width of {width} positions, not 0$"
        with pytest.raises(InputError, match=both):
            CorrelationParams(width, 0)


def test_streams_that_differ_in_few_positions_are_refused_by_the_worst_pair(monkeypatch):
    """Of the first 64 bits of these neighbours of a register of 32 bits, both others differ from the first one in eight."""
    params, seeds = LfsrParams(32, leap=64), (0x7922E585, 0x7922E584, 0x7922E587)
    registers, differ = list(seeds), [0, 0]
    for _ in range(64):
        registers = [(one << 1 | sum(one >> tap - 1 for tap in params.taps) & 1) & params.mask for one in registers]
        differ = [count + ((registers[0] ^ other) & 1) for count, other in zip(differ, registers[1:])]
    assert differ == [8, 8]
    phases = phases_between(params, seeds)
    message = "^SCC of streams 0 and 1 over their first 64 positions must be in -0.643..0.643, not 0.749; use LfsrPlan.make, or another seed$"
    with pytest.raises(InputError, match=message):
        LfsrPlan(params, seeds, 1, phases)
    for value in (-0.5, 0.5):
        monkeypatch.setattr(LfsrPlan, "correlations", lambda self, worst: [PairScc(0, 1, value, 0.5)])  # noqa: B023
        assert LfsrPlan(params, seeds, 1, phases)
        monkeypatch.setattr(LfsrPlan, "correlations", lambda self, worst: [PairScc(0, 1, value * 1.01, 0.5)])  # noqa: B023
        with pytest.raises(InputError, match=f"must be in -0.5..0.5, not {value * 1.01:.3g}"):
            LfsrPlan(params, seeds, 1, phases)


def test_a_plan_may_use_the_last_seed_and_one_stream_the_whole_period():
    params = LfsrParams(5, (5, 3), 1)
    assert LfsrPlan(params, (31,), 1).seeds == (31,)
    with pytest.raises(InputError, match="^Seed of stream 0 must be in 1..2\\^5 - 1, not 32; use any other$"):
        LfsrPlan(params, (32,), 1)
    assert LfsrPlan.make(params, 1, 31, 9).phases == (0,)
    with pytest.raises(InputError, match="Each of 1 streams has 31 positions of a 5-bit LFSR, but 32 steps need 32"):
        LfsrPlan.make(params, 1, 32, 9)
