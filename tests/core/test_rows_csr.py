"""Sources, rows and rings of inputs of the core of point neurons, one at a time in Amaranth's simulator: what flows, in which order, and when."""

import dataclasses
import random

import numpy as np
import pytest
from simulated import simulate

from spikegate.cosim.engines.point_rtl import load_words
from spikegate.gateware.core.inputs_ring import RingInputs
from spikegate.gateware.core.point_core import PointGeometry
from spikegate.gateware.core.rows_csr import CsrRows
from spikegate.gateware.core.sources import Sources
from spikegate.models.core.address_map import PointOp
from spikegate.models.core.rows_csr import Packing
from verification.stimuli.point_networks import MIXED, random_network

NETWORK = random_network(3, MIXED)
LANES = 3
GEOMETRY = PointGeometry.of(NETWORK, LANES)
NEVER = (1 << 32) - 1


async def offer(ctx, port, payloads, pauses):
    for payload in payloads:
        while pauses():
            await ctx.tick()
        ctx.set(port.payload, payload)
        ctx.set(port.valid, 1)
        taken = False
        while not taken:
            taken = ctx.get(port.ready)
            await ctx.tick()
        ctx.set(port.valid, 0)


async def load_rows(ctx, dut):
    """The load words of the network that rows are interested in, one in each cycle."""
    for word in load_words(NETWORK, GEOMETRY):
        if word["op"] in (PointOp.ROW, PointOp.POINTER):
            name = PointOp(int(word["op"])).name.lower()
            ctx.set(dut.load, {"en": {name: 1}, "lane": int(word["lane"]), "address": int(word["address"]), "data": int(word["data"][0])})
            await ctx.tick()
    ctx.set(dut.load, {"en": {}})


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_rows_are_given_word_by_word_and_an_empty_row_as_one_word(stall):
    """Without pauses, a word a cycle, two cycles after the first source was taken."""
    dut, packing, rng, found, held = CsrRows(GEOMETRY), Packing(NETWORK, LANES), random.Random(1), [], []
    sources = [rng.randrange(GEOMETRY.sources) for _ in range(60)]
    pauses, cycles = lambda: rng.random() < stall, []
    assert 0 in packing.number[sources] and packing.number[sources].max() > 3

    async def bench(ctx):
        await load_rows(ctx, dut)
        await offer(ctx, dut.i, sources, pauses)

    async def take(ctx):
        wanted = int(np.maximum(1, packing.number[sources]).sum())
        while len(found) < wanted:
            ready = rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            valid, word = ctx.get(dut.o.valid), [[ctx.get(lane[name]) for name in GEOMETRY.synapse_fields] for lane in dut.o.payload]
            assert not held or (valid and word == held[0]), "a word that was offered was withdrawn or changed"
            held[:] = [word] if valid and not ready else []
            if valid and ready:
                found.append([tuple(synapse[1:]) for synapse in word if synapse[0]])
            if ctx.get(dut.busy):
                cycles.append(1)
            await ctx.tick()
        assert not ctx.get(dut.busy)

    simulate(dut, take, bench)  # whether a source is taken depends on whether a word is
    places = packing.entries
    expected = []
    for source in sources:
        words = range(packing.first[source], packing.first[source] + packing.number[source])
        expected += [sorted((int(places.word[j]), int(places.delay[j]), int(places.port[j]), int(places.weight[j]))
                            for j in np.flatnonzero(places.address == word)) for word in words] or [[]]
    assert [sorted(word) for word in found] == expected
    assert stall or len(cycles) == len(expected) + 2


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_spikes_go_in_ascending_order_then_the_events_of_their_step(stall):
    """A step ends only when an event of a later one is there."""
    g, rng, found, ends = dataclasses.replace(GEOMETRY, n=30, sources=40), random.Random(2), [], []
    dut, steps = Sources(g), 40
    masks = [[rng.getrandbits(LANES) if rng.random() < 0.4 else 0 for _ in range(g.words)] for _ in range(steps)]
    events = sorted({(rng.randrange(steps), 30 + rng.randrange(10)) for _ in range(60)})

    async def bench(ctx):
        for step, words in enumerate(masks):
            ctx.set(dut.step, step)
            for word, mask in enumerate(words):
                ctx.set(dut.push, {"en": 1, "any": mask != 0, "word": word, "mask": mask})
                await ctx.tick()
            ctx.set(dut.push, {"en": 0, "any": 1, "word": 0, "mask": 1})
            await ctx.tick().repeat(5)
            ctx.set(dut.go, 1)
            await ctx.delay(1e-9)
            while ctx.get(dut.busy):
                await ctx.tick()
            ctx.set(dut.go, 0)
            ends.append(len(found))

    async def take(ctx):
        while True:
            ready = rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            if ctx.get(dut.o.valid) and ready:
                found.append(ctx.get(dut.o.payload))
            await ctx.tick()

    async def feed(ctx):
        await offer(ctx, dut.events, [{"step": step, "source": source} for step, source in [*events, (NEVER, 0)]], lambda: rng.random() < stall)

    simulate(dut, bench, background=(take, feed))
    expected = [[word * LANES + lane for word, mask in enumerate(words) for lane in range(LANES) if mask >> lane & 1]
                + [source for at, source in events if at == step] for step, words in enumerate(masks)]
    assert [found[first:last] for first, last in zip([0, *ends], ends)] == expected
    assert sum(map(len, expected)) > 100


def test_a_ring_of_inputs_is_its_sums():
    """Additions in every cycle, to one place twice in a row among them; what is consumed is 0 afterwards; a word may be emptied."""
    g, rng, compared = GEOMETRY, random.Random(3), 0
    dut, sums = RingInputs(g), np.zeros((g.slots, g.words, g.ports), np.int64)
    low, high = -(1 << (g.width - 1)), (1 << (g.width - 1)) - 1

    async def bench(ctx):
        nonlocal compared
        ctx.set(dut.advance, 1)
        for step in range(3 * g.slots // 2):
            slot = step % g.slots
            ctx.set(dut.slot, slot)
            for word in rng.sample(range(g.words), g.words):
                ctx.set(dut.fetch, word)
                await ctx.tick()
                ctx.set(dut.consume, 1)
                assert [ctx.get(due) for due in dut.inputs] == sums[slot, word].tolist()
                compared += g.ports
                sums[slot, word] = 0
                await ctx.tick()
                ctx.set(dut.consume, 0)
            for _ in range(12):
                synapse = {"valid": rng.random() < 0.9, "word": rng.randrange(min(g.words, 2)), "delay": rng.choice((1, 2, g.slots - 1)),
                           "port": rng.randrange(g.ports), "weight": rng.randint(-1000, 1000)}
                place = (slot + synapse["delay"]) % g.slots, synapse["word"], synapse["port"]
                if synapse["valid"] and low <= sums[place] + synapse["weight"] <= high:
                    sums[place] += synapse["weight"]
                    ctx.set(dut.synapse, synapse)
                    ctx.set(dut.add, 1)
                else:
                    ctx.set(dut.synapse, synapse | {"valid": 0})
                await ctx.tick()
                ctx.set(dut.add, rng.getrandbits(1) & ctx.get(~dut.synapse.valid))
            ctx.set(dut.add, 0)
            if step % 50 == 0:
                ctx.set(dut.place, (slot + 1) % g.slots)
                ctx.set(dut.empty, 1)
                await ctx.tick()
                ctx.set(dut.empty, 0)
                sums[(slot + 1) % g.slots, 0] = 0
                await ctx.tick()

    simulate(dut, bench)
    assert compared > 1000
