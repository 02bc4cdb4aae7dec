"""The drive of several tables, in Amaranth's simulator against counting."""

import numpy as np
from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.gateware.numeric.drive_tables import DriveTables
from spikegate.models.core.drives import Search
from spikegate.models.numeric.drive import DriveParams

TOP = (1 << 32) - 1
WORTH = data.StructLayout({"weight": signed(9), "offset": 3})


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.randoms(use_true_random=False))
def test_every_number_is_looked_up_in_its_own_table(depth, tables, rng):
    limits = [sorted(rng.choice((0, TOP, rng.getrandbits(32))) for _ in range((1 << depth) - 1)) for _ in range(tables)]
    worths = [{"weight": rng.randint(-256, 255), "offset": rng.getrandbits(3)} for _ in range(tables)]
    near = [min(max(0, limit + d), TOP) for table in limits for limit in table for d in (-1, 0, 1)]
    asked = [[(rng.choice(near), rng.randrange(tables)) for _ in range(2)] for _ in range(30)]
    dut, found = DriveTables(depth, tables, WORTH, 2), []

    async def bench(ctx):
        for number, table in enumerate(limits):
            for index, limit in Search().words(DriveParams(np.array(table, np.uint32), 0)):
                ctx.set(dut.load, {"limit_en": 1, "worth_en": 0, "index": index + (number << depth), "value": limit})
                await ctx.tick()
            value = WORTH.const(worths[number]).as_bits()
            ctx.set(dut.load, {"limit_en": 0, "worth_en": 1, "index": number, "value": value})
            await ctx.tick()
        ctx.set(dut.load, {"limit_en": 0, "worth_en": 0, "index": 1, "value": 5})
        for step in range(len(asked) + depth):
            for lane in range(2):
                uniform, number = asked[min(step, len(asked) - 1)][lane]
                ctx.set(dut.uniform[lane], uniform)
                ctx.set(dut.table[lane], number)
            if step >= depth:
                found.append([(ctx.get(dut.events[lane]), ctx.get(dut.late[lane]), ctx.get(dut.worth[lane].weight), ctx.get(dut.worth[lane].offset))
                              for lane in range(2)])
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == [[(sum(uniform > limit for limit in limits[number]), uniform, worths[number]["weight"], worths[number]["offset"])
                      for uniform, number in pair] for pair in asked]
