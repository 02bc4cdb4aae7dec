"""What the host link costs between two steps, in cycles of a whole design, which no model of a core counts."""

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.link import HostLink
from spikegate.gateware.link.linked_core import linked_core
from spikegate.models.core.schedules import Overlap
from spikegate.models.link.board import BETWEEN
from spikegate.models.link.frames import Frame, Request, encode
from spikegate.models.link.uart import bits
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import WALK_STAGES
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.brunel import preset, translate

STEPS = 4


def brunel(lanes, **options):
    return CoreGeometry.of(translate(preset("ai", n_exc=32, n_inh=8, weight_exc=2.0, delay=0.5), ms=2.0), lanes, **options)


def points():
    build = Builder("points", steps=STEPS)
    build.population("cells", 8, LinearNeuron(Q8_8, 12), leak=20, threshold=20 << 8)
    build.connect("cells", "cells", pairs=([0], [1]), weights=[1], delays=[1])
    return PointGeometry.of(build.freeze(), 2)


@pytest.mark.parametrize(("make", "between", "rest"), [
    (lambda: brunel(2, store=16, walk=True), BETWEEN, 0), (lambda: brunel(5, walk=True, banks=4, overlap=True), 0, Overlap().rest(WALK_STAGES)),
    (points, BETWEEN, 0)], ids=["store", "overlap", "points"])
def test_three_cycles_pass_between_two_steps_and_none_where_steps_are_asked_for_ahead(make, between, rest):
    """From one step's first cycle to the next one's, against those in which the core says that it runs, the last step's rest left out."""
    m, link, begun = Module(), HostLink(make(), 3), []
    m.submodules.link, m.submodules.core = link, (core := linked_core(m, link, link.geometry))

    async def bench(ctx):
        now, was, frame = 0, 0, encode(Frame(Request.RUN, 0, bytes([0, 0, STEPS, 0, 0, 0])))
        for level in [1] * 9 + [level for byte in frame for level in bits(byte)] + [1] * 99:
            ctx.set(link.rx, level)
            for _ in range(3):
                await ctx.tick()
                now, busy = now + 1, ctx.get(core.busy)
                if busy and not was and ctx.get(link.running):
                    begun.append(now + 1)
                elif not between and ctx.get(core.again):
                    begun.append(now)
                was = busy
        assert len(begun) == STEPS and not ctx.get(link.running)
        gaps = {after - before for before, after in zip(begun, begun[1:])}
        assert gaps == {(ctx.get(core.cycles) - rest) // STEPS + between}, "every step of a network that was not loaded is the same"

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
