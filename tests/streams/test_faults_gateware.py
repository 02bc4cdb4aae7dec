"""Faults of the stream path in gateware: absence against the Verilog, presence against the model."""

from dataclasses import replace

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.amaranth_sim import evaluate
from spikegate.cosim.benches.dot_product import beat_layout
from spikegate.cosim.benches.faults import FlipsFirst, OneRegister, ZeroWins, check
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.streams import dot_product, synapse
from spikegate.gateware.streams.dot_product import DotProduct
from spikegate.gateware.streams.faults import Fault, faulty
from spikegate.gateware.streams.synapse import Synapse
from spikegate.models.errors import Mismatch
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.synapse import SynapseParams

#: Lines stuck at both levels, flips everywhere.
BOTH = FaultParams(64, PointFaults(0xF0F0, 0x00F0FF, 6000), PointFaults(1 << 63, 1, 3000), PointFaults(1, 4, 9000))


def masks(lines):
    return st.integers(0, (1 << lines) - 1)


class Gate(wiring.Component):
    """A gate behind two points, with masks that are given or no points at all."""

    def __init__(self, *given):
        self.given = given
        super().__init__({"spike": In(8), "weight": In(8), "post": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.post.eq(faulty(self.spike, *self.given) & faulty(self.weight, *self.given) if self.given else self.spike & self.weight)
        return m


def test_a_point_without_faults_costs_no_gate(monkeypatch):
    plain = to_verilog(Gate(), "top")
    assert to_verilog(Gate(None, None, None), "top") == to_verilog(Gate(0, 0, 0), "top") == plain
    assert all(to_verilog(Gate(*given), "top") != plain for given in ((1, None, None), (None, 1, None), (None, None, 1)))
    make = [lambda **kinds: Synapse(SynapseParams(64), **kinds), lambda **kinds: DotProduct(DotProductParams(2, 64, 64), **kinds)]
    texts = [to_verilog(component(stuck=False, flips=False), "top") for component in make]
    assert all(to_verilog(component(stuck=stuck, flips=not stuck), "top") != text for component, text in zip(make, texts) for stuck in (True, False))
    for module in (synapse, dot_product):
        monkeypatch.setattr(module, "inject", lambda value, masks: value)  # the same path without the points
    assert [to_verilog(component(), "top") for component in make] == texts


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 9, 64, 256]), st.booleans(), st.booleans(), st.data())
def test_a_point_in_amaranth_equals_the_model(width, stuck, flips, data):
    rows = data.draw(st.lists(st.tuples(*[masks(width)] * 4), min_size=1, max_size=10))
    dut = Fault(width, stuck, flips)
    there = [name for name, kind in (("stuck0", stuck), ("stuck1", stuck), ("flips", flips)) if kind]
    inputs = [[row[0], *(row[1 + ("stuck0", "stuck1", "flips").index(name)] for name in there)] for row in rows]
    found = evaluate(dut, [dut.i, *(getattr(dut.masks, name) for name in there)], dut.o, inputs)
    assert found == [PointFaults(s0 * stuck, s1 * stuck).step(v, f * flips) for v, s0, s1, f in rows]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([DotProductParams(1, 8, 8), DotProductParams(3, 4, 4), DotProductParams(2, 256, 256)]), st.data())
def test_a_dot_product_in_amaranth_takes_faults_at_every_point_of_every_channel(params, data):
    lines = {"stream": params.width, "weight": params.width, "count": params.count_bits}
    faults = [{point: data.draw(st.tuples(*[masks(n)] * 3)) for point, n in lines.items()} for _ in range(params.channels)]
    windows = data.draw(st.tuples(*[st.tuples(*[masks(params.width)] * params.channels)] * 2))
    signs, dut, found = data.draw(masks(params.channels)), DotProduct(params, stuck=True, flips=True), []

    async def bench(ctx):
        for port, channel in zip(dut.faults, faults):
            for point, values in channel.items():
                for name, value in zip(("stuck0", "stuck1", "flips"), values):
                    ctx.set(getattr(getattr(port, point), name), value)
        enable = (1 << params.channels) - 1
        ctx.set(dut.i.payload, beat_layout(params).const({"spike": windows[0], "weight": windows[1], "inhibitory": signs, "enable": enable}))
        ctx.set(dut.i.valid, 1)
        for _ in range(2):
            await ctx.tick()
        found.append(ctx.get(dut.o.payload))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    through = lambda c, point, value: PointFaults(*faults[c][point][:2]).step(value, faults[c][point][2])  # noqa: E731
    counts = [through(c, "count", (through(c, "stream", windows[0][c]) & through(c, "weight", windows[1][c])).bit_count())
              for c in range(params.channels)]
    assert found == [sum(-count if signs >> c & 1 else count for c, count in enumerate(counts))]


@pytest.mark.parametrize("params", [
    BOTH, FaultParams(64), pytest.param(FaultParams.random(0.1, 3, 256, flip_rate=0.02), marks=pytest.mark.long)],
    ids=["faults", "none", "256 lines"])
def test_verilated_gateware_equals_the_model_with_flips_from_its_own_encoders(params):
    assert check(params, count=600, seed=61) == 600


@pytest.mark.parametrize("wrong", [
    replace(BOTH, stream=ZeroWins(**vars(BOTH.stream))), replace(BOTH, stream=FlipsFirst(**vars(BOTH.stream))), OneRegister(**vars(BOTH)),
    replace(BOTH, weight=replace(BOTH.weight, flips=0)), replace(BOTH, count=replace(BOTH.count, stuck1=0))],
    ids=["zero wins", "flips first", "one register", "no flips", "not stuck"])
def test_a_wrong_model_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at window .*: signal (post|count), golden"):
        check(BOTH, count=200, seed=62, model=wrong)
