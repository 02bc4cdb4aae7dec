"""External drive: the gateware against the model, in Amaranth and in Verilator."""

from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.drive import check
from spikegate.gateware.numeric.drive_search import Drive
from spikegate.gateware.numeric.drive_walk import WalkDrive
from spikegate.models.core.drives import Search, Walk
from spikegate.models.errors import Mismatch
from spikegate.models.numeric.drive import UNIFORM_BITS, WALK, WALK_STAGES, DriveParams, binomial_limits, walk_groups

TOP = (1 << UNIFORM_BITS) - 1


def simulate(depth, words, numbers):
    """Events of the gateware, two lanes, for each pair of ``numbers``."""
    dut, found = Drive(depth, 2), []

    async def bench(ctx):
        for index, limit in words:
            ctx.set(dut.load, {"en": 1, "index": index, "limit": limit})
            await ctx.tick()
        ctx.set(dut.load, {"en": 0, "index": 1, "limit": 0})
        for t in range(len(numbers) + depth):
            if t >= depth:
                found.append(tuple(ctx.get(lane) for lane in dut.events))
            for lane, value in zip(dut.uniform, numbers[min(t, len(numbers) - 1)]):
                ctx.set(lane, value)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.data())
def test_gateware_in_amaranth_equals_the_model(depth, data):
    limits = sorted(data.draw(st.lists(st.integers(0, TOP), min_size=(1 << depth) - 1, max_size=(1 << depth) - 1)))
    drive, near = DriveParams(np.array(limits), 1), st.sampled_from(limits).flatmap(lambda x: st.sampled_from([max(x - 1, 0), x, min(x + 1, TOP)]))
    one = st.one_of(near, st.integers(0, TOP))
    numbers = data.draw(st.lists(st.tuples(one, one), min_size=1, max_size=30))
    words = data.draw(st.permutations(Search().words(drive)))
    assert simulate(depth, words, numbers) == [tuple(map(drive.step, pair)) for pair in numbers]


def walk(params, words, pairs, pauses):
    """``(events, cycles)`` of the walking gateware, two lanes, for each pair; ``pauses`` says in which cycles the words may not move."""
    dut, found, pauses = WalkDrive(params.depth, 2), [], iter(pauses)

    async def bench(ctx):
        for index, limit in words:
            ctx.set(dut.load, {"en": 1, "index": index, "limit": limit})
            await ctx.tick()
        ctx.set(dut.load, {"en": 0, "index": 1, "limit": 0})
        for after in [*pairs, (0, 0)]:
            for lane, value in zip(dut.uniform, after):
                ctx.set(lane, value)
            cycles, done = 0, False
            while not done:
                ctx.set(dut.en, not next(pauses, False))
                cycles, done = cycles + ctx.get(dut.en), ctx.get(dut.done)
                ctx.set(dut.move, done)
                await ctx.tick()
            found.append((tuple(map(ctx.get, dut.events)), cycles))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found[1:]


def test_a_small_number_of_events_is_known_one_cycle_after_the_number_has_moved_in():
    params = DriveParams(np.array([1 << 31]), 1)
    assert walk(params, Walk().words(params), [(5, TOP), (1 << 31, 0)], []) == [((0, 1), WALK_STAGES - 1), ((0, 0), WALK_STAGES - 1)]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.data())
def test_a_walk_gives_the_events_of_the_model_in_as_many_cycles_as_predicted(depth, data):
    limits = sorted(data.draw(st.lists(st.integers(0, TOP), min_size=(1 << depth) - 1, max_size=(1 << depth) - 1)))
    params, near = DriveParams(np.array(limits), 1), st.sampled_from(limits).flatmap(lambda x: st.sampled_from([max(x - 1, 0), x, min(x + 1, TOP)]))
    one = st.one_of(near, st.integers(0, TOP))
    pairs = data.draw(st.lists(st.tuples(one, one), min_size=1, max_size=20))
    events = [tuple(map(params.step, pair)) for pair in pairs]
    found = walk(params, data.draw(st.permutations(Walk().words(params))), pairs, data.draw(st.lists(st.booleans(), max_size=40)))
    assert found == [(pair, walk_groups(depth) if max(pair) >= WALK else WALK_STAGES - 1) for pair in events]


@pytest.mark.parametrize("params, lanes", [
    (DriveParams(binomial_limits(80, Fraction(1, 200)), 128), 3), (DriveParams(np.array([1 << 31]), 1), 1),
    (DriveParams(np.linspace(0, TOP, 255, dtype=np.uint32), 1), 2)], ids=lambda x: str(getattr(x, "depth", x)))
def test_verilated_gateware_equals_the_model(params, lanes):
    assert check(params, count=4001, seed=31, lanes=lanes) == 4001


@pytest.mark.parametrize("entry, change", [(0, 1), (0, -1), (3, 1), (6, -1)])
def test_a_table_with_one_limit_changed_is_rejected_in_verilator(entry, change):
    params = DriveParams(binomial_limits(80, Fraction(1, 200)), 128)
    limits = params.limits.astype(np.int64)
    limits[entry] += change
    with pytest.raises(Mismatch, match="signal events, golden"):
        check(params, count=200, seed=32, lanes=3, model=DriveParams(limits, 128))
