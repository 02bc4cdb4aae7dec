"""Generated rows and rows in a memory outside: RTL against the golden model and its lists, cycles, and what is found wrong."""

import dataclasses
import random
from functools import cache

import numpy as np
import pytest
from point_cores import agree, golden, held_against
from simulated import simulate

from spikegate.cosim.engines.point_rtl import PointRtl, load_words, memory_words
from spikegate.gateware.core.point_core import PointGeometry
from spikegate.gateware.core.row_cipher import RowCipher
from spikegate.gateware.core.rows_external import ExternalRows
from spikegate.gateware.core.rows_generated import GeneratedRows
from spikegate.models.core.address_map import PointOp
from spikegate.models.core.point_choice import row_source
from spikegate.models.core.point_image import PointImage
from spikegate.models.core.rows_csr import CSR
from spikegate.models.core.rows_external import External
from spikegate.models.core.rows_generated import Generator
from spikegate.models.errors import InputError
from spikegate.models.network.builder import Builder
from spikegate.models.network.generated import mix
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from verification.stimuli.point_networks import MIXED

LANES = 6
CUBA = MIXED[4]


def network(seed, *, weight=500, delay=3):
    """Two populations with recurrence, a channel each for groups of sources, a population that has no synapses, targets that begin in any lane."""
    rng = np.random.default_rng(seed)
    net = Builder(f"generated {seed}", steps=60, seed=seed + 1)
    first, second, block = int(rng.integers(1, 8)), int(rng.integers(2, 9)) * 6, int(rng.integers(2, 6))
    net.population("quiet", first, LinearNeuron(Q8_8), leak=1, threshold=1 << 8, bias=20)
    net.population("a", second * block // 2 * 2, LinearNeuron(Q8_8), leak=2, threshold=2 << 8, refractory=2)
    net.population("b", int(rng.integers(5, 40)), CUBA, leak=900, threshold=1 << 8, decay_exc=200, decay_inh=100, coupling_exc=50, coupling_inh=50)
    times = np.flatnonzero(rng.random(60 * 4) < 0.1)
    net.input("in", 4, steps=times // 4, channels=times % 4)
    net.drive("a", 300, trials=20, probability=0.02)
    size = second * block // 2 * 2
    for k, (source, target, degree, port) in enumerate((("a", "a", size // block, "v"), ("a", "b", size // 2, "exc"), ("in", "a", 2, "v"),
                                                      ("in", "b", 1, "inh"))):
        net.generate(source, target, degree, weight=weight * (-1) ** k // (1 + k), delay=delay + k, seed=int(rng.integers(1 << 62)), lanes=LANES,
                     port=port)
    return net.freeze()


@cache
def networks():
    found = [network(seed) for seed in range(8)]
    return found, PointGeometry.covering([PointGeometry.of(each, LANES, Generator()) for each in found])


def test_the_cipher_takes_five_cycles_and_holds_its_words():
    dut, rng, compared = RowCipher(), random.Random(1), 0

    async def bench(ctx):
        nonlocal compared
        for value in (0, 1, (1 << 32) - 1, *(rng.getrandbits(32) for _ in range(20))):
            seed = rng.choice((0, (1 << 64) - 1, rng.getrandbits(64)))
            ctx.set(dut.seed, seed)
            ctx.set(dut.value, value)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.value, rng.getrandbits(32))
            for _ in range(5):
                assert ctx.get(dut.busy)
                await ctx.tick()
            ctx.set(dut.seed, rng.getrandbits(64))
            await ctx.tick().repeat(rng.randint(1, 3))
            assert not ctx.get(dut.busy) and (ctx.get(dut.first), ctx.get(dut.second)) == mix(seed, value)
            compared += 1

    simulate(dut, bench)
    assert compared == 23


def words_of(dut, geometry, given, loads, stall, *, ops, memory=None):
    """Rows of some sources, word by word as sets of (word, lane, delay, port, weight), and the cycles in which the row source was busy."""
    rng, found, busy, asked = random.Random(3), [], [0], []

    async def offer(ctx):
        for word in loads:
            if word["op"] in ops:
                ctx.set(dut.load, {"en": {PointOp(int(word["op"])).name.lower(): 1}, "address": int(word["address"]),
                                   "data": sum(int(part) << 64 * k for k, part in enumerate(word["data"]))})
                await ctx.tick()
        ctx.set(dut.load, {"en": {}})
        for source in given:
            while rng.random() < stall:
                await ctx.tick()
            ctx.set(dut.i.payload, source)
            ctx.set(dut.i.valid, 1)
            while not ctx.get(dut.i.ready):
                await ctx.tick()
            await ctx.tick()
            ctx.set(dut.i.valid, 0)
        while ctx.get(dut.busy):
            await ctx.tick()

    async def take(ctx):
        """Everything of a cycle is set before anything is looked at."""
        while True:
            ready, asks, late = rng.random() >= stall, rng.random() >= stall, bool(asked) and rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            if memory:
                ctx.set(dut.request.ready, asks)
                ctx.set(dut.response.valid, late)
                ctx.set(dut.response.payload, dut.response.payload.shape().from_bits(memory[asked[0]] if late else 0))
            if ctx.get(dut.o.valid) and ready:
                found.append({(s.word, lane, s.delay, s.port, s.weight) for lane, s in enumerate(map(ctx.get, dut.o.payload)) if s.valid})
            if memory and late and ctx.get(dut.response.ready):
                asked.pop(0)
            if memory and asks and ctx.get(dut.request.valid):
                asked.append(ctx.get(dut.request.payload))
            busy[0] += ctx.get(dut.busy)
            await ctx.tick()

    simulate(dut, offer, background=(take,))
    return found, busy[0]


def synapses(net, source):
    """Those of a source, as the packing has them."""
    packing = PointImage(net, LANES).packing
    e, first = packing.entries, packing.first[source]
    mine = np.flatnonzero((first <= e.address) & (e.address < first + packing.number[source]))
    return {(int(e.word[j]), int(e.lane[j]), int(e.delay[j]), int(e.port[j]), int(e.weight[j])) for j in mine}


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_generated_rows_are_those_of_the_list_a_synapse_of_each_lane_a_word(stall):
    net, geometry = networks()[0][1], PointGeometry.of(networks()[0][1], LANES, Generator())
    given = random.Random(4).sample(range(net.n + net.channels), 12) + [net.n, net.n + 3]
    found, _ = words_of(GeneratedRows(geometry), geometry, given, load_words(net, geometry), stall, ops=(PointOp.RULE, PointOp.PERMUTE))
    shapes = {each.source: 0 for each in net.projections}
    for each in net.projections:
        shapes[each.source] += each.shape(net.place(each))[2]
    names = [name for each in (*net.populations, *net.inputs) for name in [each.name] * each.size]
    at = 0
    for source in given:
        number = shapes.get(names[source], 0)
        mine, at = found[at:at + number], at + number
        assert set().union(*mine) == synapses(net, source) and sum(map(len, mine)) == len(synapses(net, source)), source
    assert at == len(found) and sum(map(len, found)) > 100


@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_rows_of_a_memory_outside_come_in_order_however_late(stall):
    net, geometry = networks()[0][1], PointGeometry.of(networks()[0][1], LANES, External())
    given = random.Random(4).sample(range(net.n + net.channels), 12)
    memory = [int.from_bytes(word.tobytes(), "little") for word in memory_words(net, geometry)]
    found, busy = words_of(ExternalRows(geometry), geometry, given, load_words(net, geometry), stall, ops=(PointOp.POINTER,), memory=memory)
    number, at = PointImage(net, LANES).packing.number, 0
    for source in given:
        assert set().union(*found[at:at + number[source]]) == synapses(net, source)
        at += number[source]
    assert at == len(found) > 20 and (stall or busy < len(found) + 3 * len(given))


def test_random_networks_are_bit_true_and_take_the_predicted_cycles():
    """One simulator for all: sources of several projections and of none, events, targets of any first lane, unused stripes and rules."""
    found, geometry = networks()
    compared = sum(agree(each, PointRtl(LANES, geometry)) for each in found)
    assert compared > 100_000 and sum(len(golden(each).spikes) for each in found) > 2000
    assert len({each.shape(net.place(each)) for net in found for each in net.projections}) > 15
    assert any(each.spikes[:, 1].min() < net.populations[0].size for net, each in ((net, golden(net)) for net in found))


def test_every_row_source_gives_the_same_spikes():
    """A network whose rows are generated, listed on the chip, and in a memory outside that is at once, late and very late."""
    net = networks()[0][1]
    listed, reference, cycles = net.replace(projections=net.listed), golden(net), []
    assert np.array_equal(golden(listed).spikes, reference.spikes) and len(reference.spikes) > 100
    outside = [PointRtl(LANES, rows=External(), latency=late, memory_seed=9) for late in (0, 20, 300)]
    sources = [PointRtl(LANES, rows=Generator()), PointRtl(LANES), *outside]
    for engine in sources:
        recording = engine.run(net, trace=True)
        assert held_against(reference, recording).ok
        cycles.append(recording.cycles)
    assert cycles[1] < cycles[0] and cycles[2] < cycles[3] < cycles[4]
    assert [engine.predicted_cycles(net, reference) for engine in outside] == [None] * 3
    check = held_against(golden(listed), PointRtl(LANES).run(listed, trace=True))
    assert check.ok and check.compared > 10_000


def swapped(net):
    one, two, *rest = net.projections
    return net.replace(projections=[one, dataclasses.replace(two, weight=two.weight + 1), *rest])


@pytest.mark.parametrize("change", [
    lambda net: net.replace(projections=[dataclasses.replace(net.projections[0], seed=net.projections[0].seed ^ 1), *net.projections[1:]]),
    lambda net: net.replace(projections=[dataclasses.replace(net.projections[0], delay=4), *net.projections[1:]]), swapped,
    lambda net: net.replace(projections=[dataclasses.replace(each, seed=net.projections[k].seed) for k, each in zip((1, 0, 2, 3), net.projections)])])
def test_wrong_rules_are_found(change):
    """Negative controls: rows of another source, a delay off by one slot, another weight, and seeds of two projections exchanged."""
    net, geometry = networks()[0][1], networks()[1]
    recording = PointRtl(LANES, geometry).run(change(net), trace=True)
    check = held_against(golden(net), dataclasses.replace(recording, provenance=golden(net).provenance))
    assert not check.ok and check.mismatches > 0


def test_what_a_row_source_cannot_be_is_refused():
    net = networks()[0][1]
    assert PointRtl(5, rows=Generator()).unsupported(net) == [
        "Projection a → a.v is generated for 6 lanes, not for 5; use 6 lanes, or csr rows"]
    assert "is a list" in PointRtl(LANES, rows=Generator()).unsupported(net.replace(projections=net.listed))[0]
    assert (row_source(net, LANES, None), row_source(net, 5, None), row_source(net, 5, "external")) == (Generator(), CSR, External())
    with pytest.raises(InputError, match="must be one of csr, generated, external, not 'bitmap'"):
        row_source(net, LANES, "bitmap")
