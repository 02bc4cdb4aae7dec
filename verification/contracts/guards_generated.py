"""Guard of generated rows: networks whose projections are from a seed, and their rows, word by word, held against the golden model's lists."""

import random
from collections import deque
from functools import cache

import numpy as np

from spikegate.models.core.point_image import PointImage
from spikegate.models.core.rows_generated import CIPHER_CYCLES, Generator
from spikegate.models.errors import SpikegateError
from spikegate.models.network.builder import Builder
from spikegate.models.network.generated import LANE_LEAP, LANE_TAPS, lane_wires, mix, skew
from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from verification.contracts.catalogue import GENERATED
from verification.contracts.guards_streams import Source, component

__all__ = ["numbers", "leap", "begun", "stripe_of", "rows_generated_rows"]

G = GENERATED
MASK = (1 << 32) - 1
#: Networks of which rows are made, before they come again.
NETWORKS = 40


def numbers(rng: random.Random, bits: int) -> int:
    """Any, both ends, or a single bit."""
    return rng.choice((0, (1 << bits) - 1, 1 << rng.randrange(bits), rng.getrandbits(bits), rng.getrandbits(bits)))


def leap(state: int) -> tuple[int, int]:
    """A lane's generator a block later, and the bits that are new."""
    new = 0
    for tap in LANE_TAPS:
        new ^= state >> tap - LANE_LEAP
    new &= (1 << LANE_LEAP) - 1
    return (state << LANE_LEAP | new) & MASK, new


def begun(seed: int, lane: int) -> int:
    """A lane's generator at the first block of a row."""
    return sum((seed >> wire & 1) << bit for bit, wire in enumerate(lane_wires(lane)))


def stripe_of(new: int, block: int, tables: list[int], place: int, own: tuple[int, int] | None) -> int:
    """Where a source's target is, as the golden model has it: ``own`` are the stripe of the row that is a source of the group, and which of it."""
    number, table = new & 255, new >> 8 & 7
    if own:
        return (own[0] + 1 + (place - own[1]) % block + (number * (block - 1) >> 8)) % block
    return (tables[table] + (number * block >> 8)) % block


def generated_network(seed: int) -> PointNetwork:
    """Up to 13 neurons and 3 channels, and one or two projections from a seed, some of them recurrent."""
    rng = random.Random(seed)
    while True:
        net = Builder(f"generated {seed}", steps=1)
        before, size, channels = rng.randrange(0, 5), rng.randint(2, 9), rng.choice((2, 3))
        if before:
            net.population("before", before, LinearNeuron(Q8_8), leak=1, threshold=1)
        net.population("cells", size, LinearNeuron(Q8_8), leak=1, threshold=1)
        net.input("in", channels, steps=[0], channels=[0])
        rules = [(source, size if source == "cells" else channels) for source in rng.sample(("cells", "in"), rng.randint(1, 2))]
        fits = [[block for block in range(2, G.block + 1) if many % block == 0] for _, many in rules]
        if all(fits):
            break
    for (source, many), blocks in zip(rules, fits):
        net.generate(source, "cells", many // rng.choice(blocks), weight=rng.choice((1, -1)) * rng.randint(1, 31), delay=rng.randint(1, G.slots - 1),
                     seed=numbers(rng, 64), lanes=G.lanes)
    return net.freeze()


@cache
def generated(seed: int) -> tuple[PointNetwork, dict[int, list[list[list[int]]]], list[tuple[str, int, int]]]:
    """A network; the rows of each source, one for each rule that it matches, of a word for each block; and its load words: op, address, data.

    Raises
    ------
    SpikegateError
        If the targets of a row are not those of the golden model's list.
    """
    net, made, starts = generated_network(seed), {}, {}
    for each, first in zip(net.populations, net.firsts):
        starts[each.name] = first
    starts["in"] = net.n
    for number, rule in enumerate(net.projections):
        place, port = net.place(rule), 0
        listed, shape = rule.expand(place), rule.shape(place)
        for source in range(place.sources):
            words, found = row(rule, place, shape, source)
            wanted = listed.indices[int(listed.indptr[source]):int(listed.indptr[source + 1])]
            if sorted(found) != wanted.tolist():
                raise SpikegateError(f"Row {source} of {rule.title} is not that of the golden model")
            synapses = [[G.synapse_layout().const({"valid": valid, "word": word, "delay": rule.delay, "port": port, "weight": rule.weight}).as_bits()
                         for valid, word in block] for block in words]
            made.setdefault(starts[rule.source] + source, {})[number] = synapses
    loads = []
    for part in Generator().loads(PointImage(net, G.lanes), G):
        data = np.asarray(part.data)
        addresses = np.broadcast_to(part.address, len(data))
        loads += [(part.op.name.lower(), int(address), sum(int(word) << 64 * k for k, word in enumerate(record)))
                  for address, record in zip(addresses, data.reshape(len(data), -1))]
    return net, made, loads


def row(rule, place, shape: tuple[int, int, int], source: int) -> tuple[list[list[tuple[bool, int]]], list[int]]:
    """For each block of a source what each lane gives: whether it is a target, and its word; and the targets."""
    block, word, blocks = shape
    group, member = divmod(source, block)
    keys, tables, top = mix(rule.seed, group), rule.tables(block), 1 << G.synapse_layout()["word"].width
    skews = [int(skew.py_func(np.uint64(keys[1]), stripe, blocks)) for stripe in range(block)]
    states, found, given = [begun(keys[0], lane) for lane in range(G.lanes)], [], []
    nearest = place.first + group * block
    for c in range(blocks):
        rows = [stripe * blocks + (c + skews[stripe]) % blocks for stripe in range(block)]
        here = []
        for lane in range(G.lanes):
            states[lane], new = leap(states[lane])
            which = (lane - nearest) % G.lanes
            mine = (nearest + which) // G.lanes - word if place.recurrent and which < block else -1
            own = (rows.index(mine), which) if mine in rows else None
            at = rows[stripe_of(new, block, [int(table[member]) for table in tables], member, own)]
            target = (word + at) * G.lanes + lane - place.first
            here.append((0 <= target < place.targets, (word + at) % top))
            given += [target] if here[-1][0] else []
        found.append(here)
    return found, given


class Rows:
    """Generated rows, cycle by cycle: what is prepared, the row under way, and what leaves."""

    def __init__(self):
        self.state, self.source, self.number, self.wait, self.left, self.out = "idle", 0, 0, 0, [], None

    def busy(self) -> bool:
        """Whether anything is under way."""
        return self.state != "idle" or bool(self.left) or self.out is not None

    def step(self, made, source: int | None, ready: bool, clear: bool) -> None:
        """One clock edge; ``made`` are the rows of each source by rule."""
        move = bool(self.left) and (self.out is None or ready)
        start = self.state == "cipher" and not self.wait and (not self.left or move and len(self.left) == 1)
        row = made.get(self.source, {}).get(self.number)
        follow = start or self.state == "match" and row is None
        if move:
            self.out = self.left.pop(0)
        elif ready:
            self.out = None
        if start:
            self.left = list(row)
        if follow:
            self.number, self.state = self.number + 1, "idle" if self.number == G.rules - 1 else "match"
        elif self.state == "idle" and source is not None:
            self.state, self.source, self.number = "match", source, 0
        elif self.state == "match":
            self.state = "divide"
        elif self.state == "divide":
            self.state, self.wait = "cipher", CIPHER_CYCLES
        elif self.state == "cipher" and self.wait:
            self.wait -= 1
        if clear:
            self.state, self.left, self.out = "idle", [], None


def any_source(rng: random.Random, net: PointNetwork):
    """Neurons and channels of a network without end."""
    while True:
        yield rng.randrange(net.n + net.channels)


def rows_generated_rows(rng: random.Random):
    """One network after another: its rules and tables in any order, then some sources; now and then everything is forgotten."""
    shape, bits = component("rows_generated").signature.members["load"].shape, len(component("rows_generated").i.payload)
    model, made, last = Rows(), {}, deque()
    quiet = dict.fromkeys(shape["en"].shape.members, 0)

    def given(op: str | None, address: int, data: int, clear: bool = False) -> int:
        en = {name: rng.getrandbits(1) for name in quiet} | {"rule": op == "rule", "permute": op == "permute", "clear": clear}
        return shape.const({"en": en, "op": rng.getrandbits(8), "lane": rng.getrandbits(16), "address": address, "data": data}).as_bits()

    while True:
        net, rows, loads = generated(rng.randrange(NETWORKS))
        last.extend(rng.sample(loads, len(loads)))
        while last:
            op, address, data = last.popleft() if rng.random() < 0.9 else (None, rng.getrandbits(32), rng.getrandbits(64))
            ready = rng.random() < 0.5
            top = rng.getrandbits(32 - 8) << 8 if op else 0
            yield ({"i__valid": 0, "i__payload": rng.getrandbits(bits), "o__ready": ready, "load": given(op, address | top, data)},
                   {"i__ready": model.state == "idle", "o__valid": model.out is not None, "o__payload": None, "busy": model.busy()})
            model.step(made, None, ready, False)
        made, source, stall, pauses = rows, Source(any_source(rng, net), rng), 0.0, 0.0
        for cycle in range(rng.randint(100, 300)):
            if cycle % 40 == 0:
                stall, pauses = rng.choice((0.0, 0.5, 0.9)), rng.choice((0.0, 0.0, 0.8))
            offered, ready, clear = source.offer(pauses), rng.random() >= stall, rng.random() < 0.005
            taken = model.state == "idle"
            out = None if model.out is None else sum(word << k * G.synapse_layout().size for k, word in enumerate(model.out))
            yield ({**source.port(bits, offered), "o__ready": ready, "load": given(None, rng.getrandbits(32), rng.getrandbits(64), clear)},
                   {"i__ready": taken, "o__valid": out is not None, "o__payload": out, "busy": model.busy()})
            model.step(made, offered, ready, clear)
            source.end(taken)
        while model.busy() or source.offered is not None:  # nothing is loaded while anything is under way
            taken, out = model.state == "idle", model.out and sum(word << k * G.synapse_layout().size for k, word in enumerate(model.out))
            yield ({**source.port(bits, source.offered), "o__ready": 1, "load": given(None, rng.getrandbits(32), rng.getrandbits(64))},
                   {"i__ready": taken, "o__valid": model.out is not None, "o__payload": out, "busy": model.busy()})
            model.step(made, source.offered, True, False)
            source.end(taken)
