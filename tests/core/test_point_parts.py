"""Parts of the core of point neurons: what is packed and loaded, cycles by hand, and the core under stalls in Amaranth's simulator."""

import dataclasses
import random
import re
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.engines.point_rtl import PointRtl, load_words, states
from spikegate.gateware.core.point_core import PointCore, PointGeometry
from spikegate.gateware.neuron.linear import set_layout, state_layout
from spikegate.models.core import point_engine
from spikegate.models.core.address_map import Op, PointOp
from spikegate.models.core.point_image import PointImage, set_fields, state_fields
from spikegate.models.core.rows_csr import Packing
from spikegate.models.core.words import Field, pack, record_bits, unpack
from spikegate.models.errors import InputError
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.brunel import preset, translate
from spikegate.translator.cuba import CubaParams, cuba
from verification.stimuli.point_networks import MIXED, WIDE, random_network

TOP = (1 << 32) - 1


def chain(steps=10, events=((0, 0), (4, 1))):
    """Five neurons of threshold 1.0, which never fire, and two channels: the first reaches all neurons twice, the second none."""
    population = PointPopulation("p", 5, LinearNeuron(Q8_8), [[1, 0, 30000, 0, 0, 0]])
    at = np.array(events).reshape(-1, 2)
    targets = np.repeat(np.arange(5), 2)
    projection = Projection.of("x", "p", "v", 2, (np.zeros(10), targets), np.arange(1, 11), np.arange(10) % 4 + 1)
    return PointNetwork("chain", [population], [projection], [SpikeInput("x", 2, at[:, 0], at[:, 1])], LfsrParams(), np.zeros(5), steps, 1000)


def test_rows_by_hand():
    """Two lanes: targets 0, 2 and 4 twice in lane 0, which makes six words, and 1 and 3 twice in lane 1."""
    packing = Packing(chain(), 2)
    assert packing.number.tolist() == [0] * 5 + [6, 0] and packing.words == 6 and packing.efficiency == 10 / 12
    places = set(zip(packing.entries.address.tolist(), packing.entries.lane.tolist()))
    assert places == {(address, 0) for address in range(6)} | {(address, 1) for address in range(4)}
    found = {(int(word) * 2 + int(lane), int(delay), int(weight)) for lane, word, delay, weight in zip(
        packing.entries.lane, packing.entries.word, packing.entries.delay, packing.entries.weight)}
    assert found == {(k // 2, k % 4 + 1, k + 1) for k in range(10)}


@pytest.mark.parametrize("lanes", [1, 2, 3, 5, 8])
def test_packed_rows_are_the_synapses_of_the_network(lanes):
    for seed in range(20):
        network = random_network(seed, MIXED)
        if network.n < lanes:
            continue
        packing, entries, first = Packing(network, lanes), Packing(network, lanes).entries, dict(zip(
            (each.name for each in network.populations), network.firsts))
        last, at = packing.first + packing.number, network.n
        for each in network.inputs:
            first[each.name], at = at, at + each.size
        of = np.array([int(np.flatnonzero((packing.first <= a) & (a < last))[0]) for a in entries.address], np.int64)
        mine = sorted(zip(of.tolist(), (entries.word * lanes + entries.lane).tolist(), entries.delay.tolist(), entries.port.tolist(),
                          entries.weight.tolist()))
        ports = {each.name: each.neuron.ports for each in network.populations}
        theirs = sorted((first[each.source] + source, first[each.target] + int(each.indices[j]), int(each.delays[j]),
                         ports[each.target].index(each.port), int(each.weights[j]))
                        for each in network.projections for source in range(len(each.indptr) - 1)
                        for j in range(each.indptr[source], each.indptr[source + 1]))
        assert mine == theirs
        assert len({*zip(entries.address.tolist(), entries.lane.tolist())}) == len(mine)


@pytest.mark.parametrize("events, cycles", [
    ((), 0), (((0, 0),), 4 + 6), (((0, 1),), 4 + 1), (((0, 0), (0, 1)), 4 + 7), (((0, 0), (4, 1)), 4 + 6 + 4 + 1)])
def test_cycles_by_hand(events, cycles):
    """Ten steps of three words, one level and twelve cycles; a row of six words, or an empty one; four idle cycles before events alone."""
    network = chain(events=events)
    assert PointGeometry.of(network, 2).cycles(network, point_engine.run(network)) == 10 * (3 + 1 + 12) + cycles


def test_the_core_takes_the_cycles_by_hand():
    network = chain()
    recording = PointRtl(2).run(network, trace=True)
    assert recording.cycles == 10 * (3 + 1 + 12) + 15
    assert recording.trace["v"].tolist() == point_engine.run(network, trace=True).trace["v"].tolist() and recording.trace["v"][-1].min() > 0


@pytest.mark.parametrize("neuron", MIXED + WIDE, ids=lambda neuron: neuron.kind)
def test_records_are_laid_out_alike_in_models_and_gateware(neuron):
    for layout, fields in ((set_layout(neuron), set_fields(neuron)), (state_layout(neuron), state_fields(neuron))):
        widths = [width for width, _ in fields.values()]
        assert [(name, field.offset, field.width, field.shape.signed) for name, field in layout] == [
            (name, sum(widths[:k]), width, negative) for k, (name, (width, negative)) in enumerate(fields.items())]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_record_comes_back_from_its_words(shapes, rng):
    fields = {f"f{k}": Field(width, signed) for k, (width, signed) in enumerate(shapes)}
    values = {name: np.array([rng.getrandbits(width) - (signed << (width - 1)) for _ in range(5)]) for name, (width, signed) in fields.items()}
    words, at = pack(fields, values, 5), 0
    assert words.shape == (5, -(-record_bits(fields) // 64))
    for name, field in fields.items():
        assert unpack(words, at, field).tolist() == values[name].tolist()
        at += field.width


def test_ops_of_both_cores_have_one_number_each():
    for op in PointOp:
        assert op.name not in Op.__members__ or Op[op.name] == op
        assert op.name in Op.__members__ or op.value not in list(Op)


def test_the_page_has_the_ops_and_the_packing_of_the_code():
    page = (Path(__file__).parents[2] / "docs" / "point_core.md").read_text()
    assert {name: int(value) for value, name in re.findall(r"^\| (\d+) \| ([A-Z]+) \|", page, re.MULTILINE)} == {op.name: op.value for op in PointOp}
    rows = [(int(lanes), float(ai), float(cuba_)) for lanes, ai, cuba_ in re.findall(r"^\| (\d+) \| ([\d.]+) % \| ([\d.]+) % \|", page, re.MULTILINE)]
    networks = PointNetwork.of(translate(preset("ai"), ms=1.0)), cuba(CubaParams(), 1.0)
    assert rows == [(lanes, *(round(100 * Packing(network, lanes).efficiency, 1) for network in networks)) for lanes in (1, 4, 8, 16, 40)]


def test_a_lane_holds_the_sets_that_its_neurons_need():
    network = random_network(3, MIXED)
    image = PointImage(network, 3)
    for each, first in zip(network.populations, network.firsts):
        for k in range(each.size):
            lane = (first + k) % 3
            unit, values = image.lane_sets[lane][image.set[first + k]]
            assert image.structures[unit] == each.neuron and list(values) == each.sets[each.index[k]].tolist()
    for lane, sets in enumerate(image.lane_sets):
        assert len(set(sets)) == len(sets) and {*image.set[lane::3]} == {*range(len(sets))}


def test_memories_that_verilog_would_take_gigabytes_for_are_refused():
    need = PointGeometry.of(random_network(1, MIXED), 4)
    with pytest.raises(InputError, match="Rows of N=24 in 4 lanes take .* bits, above the limit"):
        dataclasses.replace(need, row_words=1 << 20)


def run_stalled(network, lanes, stall, seed):
    """Sweep words as bytes, of the core in Amaranth's simulator with pauses in all of its streams."""
    g, rng, sweeps = PointGeometry.of(network, lanes), random.Random(seed), []
    dut, size = PointCore(g), g.sweep_layout().size
    words = [int.from_bytes(word.tobytes(), "little") for word in load_words(network, g)]
    run = g.load_layout().const({"data": network.steps, "op": PointOp.RUN.value, "address": 0, "lane": 0}).as_bits()
    mask = (1 << g.load_layout().size) - 1

    async def offer(ctx, port):
        ctx.set(port.valid, 1)
        taken = False
        while not taken:
            taken = ctx.get(port.ready)
            await ctx.tick()
        ctx.set(port.valid, 0)

    async def loads(ctx):
        for word in [*words, run]:
            while rng.random() < stall / 8:
                await ctx.tick()
            ctx.set(dut.i.payload, g.load_layout().from_bits(word & mask))
            await offer(ctx, dut.i)

    async def events(ctx):
        await ctx.tick().repeat(len(words))
        for step, source in [*network.input_events.tolist(), (TOP, 0)]:
            while rng.random() < stall:
                await ctx.tick()
            ctx.set(dut.events.payload, {"step": step, "source": source})
            await offer(ctx, dut.events)

    async def take(ctx):
        while len(sweeps) < network.steps * g.words:
            ctx.set(dut.o.ready, rng.random() >= stall)
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                sweeps.append(ctx.get(dut.o.payload.as_value()))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for bench in (loads, events):
        simulator.add_testbench(bench, background=True)
    simulator.add_testbench(take)
    simulator.run()
    raw = b"".join(value.to_bytes(-(-size // 64) * 8, "little") for value in sweeps)
    return states(network, np.frombuffer(raw, np.uint8).reshape(len(sweeps), -1), g)


@pytest.mark.parametrize("seed, stall", [(8, 0.0), (8, 0.4), (11, 0.4), (25, 0.7), (26, 0.4), (35, 0.2)])
def test_stalls_of_all_streams_change_no_value(seed, stall):
    """A late event holds its step up, a late word of the sweep the pipeline."""
    network = random_network(seed, MIXED, n=9, steps=20, max_delay=6)
    reference = point_engine.run(network, trace=True)
    found = run_stalled(network, 2, stall, seed)
    assert len(network.input_events) > 15 and len(reference.spikes) > 10
    for name, values in reference.trace.items():
        assert np.array_equal(found[name], values), name
