"""Guards of the parts of a core of point neurons that are no neurons: sources, rows, inputs and the drive."""

import random
from collections import deque
from itertools import chain

from spikegate.cosim.benches.drive import uniforms
from spikegate.models.core.drives import Search
from spikegate.models.numeric.drive import UNIFORM_BITS
from verification.contracts.catalogue import POINTS
from verification.contracts.guards_core import DEPTH, LANES, limits
from verification.contracts.guards_streams import Source, component
from verification.contracts.table import Guard

__all__ = ["GUARDS"]

G = POINTS


class Delivery:
    """Sources of a step, cycle by cycle: the list of words, its first one, the spikes in hand, the event in hand, and what leaves."""

    def __init__(self):
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.list, self.first, self.hand, self.event, self.out = deque(), None, [], None, None

    def waits(self) -> bool:
        """Whether spikes are still to come."""
        return bool(self.hand or self.list) or self.first is not None

    def due(self, step: int) -> bool:
        """Whether the event in hand is one of this step or of one before."""
        return self.event is not None and self.event[0] <= step

    def leaves(self, step: int, go: bool, ready: bool) -> bool:
        """Whether the event in hand goes on its way."""
        return go and self.due(step) and not self.waits() and (self.out is None or ready)

    def busy(self, step: int) -> bool:
        """Whether something is on its way, or may still come."""
        return self.out is not None or self.waits() or self.due(step) or self.event is None

    def step(self, push: list[int], event: tuple[int, int] | None, step: int, go: bool, ready: bool) -> None:
        """One clock edge; ``push`` are sources that ascend; what has no room, which no core pushes, is lost."""
        leaves, free, room = self.leaves(step, go, ready), self.out is None or ready, len(self.list) < G.words
        pick = bool(self.hand) and free
        pop = self.first is not None and (not self.hand or (pick and len(self.hand) == 1))
        if free:
            self.out = self.hand[0] if pick else self.event[1] if leaves else None
        if pick:
            self.hand = self.hand[1:]
        if pop:
            self.hand, self.first = self.first, None
        if self.list and self.first is None:
            self.first = self.list.popleft()
        if push and room:
            self.list.append(push)
        if leaves or self.event is None:
            self.event = event


def events(rng: random.Random, step: list[int]):
    """Recorded events of about the present step, ``step[0]``: a bit beside it, one beside it, or any."""
    while True:
        near = step[0] ^ rng.choice((0, 0, 1 << rng.randrange(32)))
        yield rng.choice((near, near, min(step[0] + 1, (1 << 32) - 1), max(0, step[0] - 1), rng.getrandbits(32))), rng.getrandbits(32)


def sources_rows(rng: random.Random):
    """Spikes and events in phases, each of a step: none to many, with pauses of both sides; now and then everything is forgotten."""
    model, step = Delivery(), [rng.getrandbits(32)]
    source, layout = Source(events(rng, step), rng), component("sources").events.payload.shape()
    while True:
        if model.event is not None and rng.random() < 0.8:
            step[0] = model.event[0] ^ rng.choice((0, 0, 1, 1 << rng.randrange(32)))
        else:
            step[0] = rng.choice((0, (1 << 32) - 1, rng.getrandbits(32)))
        spikes, going, pauses, stall = rng.choice((0.0, 0.2, 0.8)), rng.choice((0.0, 0.7, 1.0)), rng.choice((0.0, 0.5)), rng.choice((0.0, 0.5, 0.9))
        for _ in range(rng.randint(4, 20)):
            en, mask, word = rng.random() < spikes, rng.choice((0, rng.getrandbits(G.lanes), 1 << rng.randrange(G.lanes))), rng.randrange(G.words)
            go, ready, clear, event = rng.random() < going, rng.random() >= stall, rng.random() < 0.01, source.offer(pauses)
            taken, payload = model.event is None or model.leaves(step[0], go, ready), event and layout.const(dict(zip(("step", "source"), event)))
            yield ({"push": en | (mask != 0 if en else rng.getrandbits(1)) << 1 | word << 2 | mask << 4, "step": step[0], "go": go, "clear": clear,
                    "events__valid": event is not None, "events__payload": payload.as_bits() if event else rng.getrandbits(64), "o__ready": ready},
                   {"events__ready": taken, "busy": model.busy(step[0]), "o__valid": model.out is not None,
                    "o__payload": model.out})
            model.step([word * G.lanes + lane for lane in range(G.lanes) if mask >> lane & 1] if en else [], event, step[0], go, ready)
            source.end(taken)
            if clear:
                model.clear()


def rows_csr_rows(rng: random.Random):
    """Rows of a source after another, of none to seven words; memories are loaded in between, where they are not read just then."""
    dut, stall, pauses, loading = component("rows_csr"), 0.0, 0.0, 0.8
    shape, synapse, pointer = dut.signature.members["load"].shape, G.synapse_layout(), G.pointer_layout()
    lanes, pointers = [[0] * G.row_words for _ in range(G.lanes)], [(0, 0)] * G.sources
    source, waiting, row, out = Source(iter(lambda: rng.randrange(G.sources), None), rng), None, [], None
    while True:
        offered, ready, clear = source.offer(pauses), rng.random() >= stall, rng.random() < 0.01
        issue = bool(row) and (out is None or ready)
        room = not row or (issue and len(row) == 1)
        taken, ops = waiting is None or room, dict.fromkeys(shape["en"].shape.members, 0)
        take = taken and offered is not None
        load = {"address": rng.getrandbits(32), "lane": rng.randrange(G.lanes) | rng.choice((0, 0, 0, 1 << rng.randrange(2, 16))),
                "data": rng.getrandbits(64), "op": rng.getrandbits(8)}
        words = {"row": rng.random() < loading and not issue, "pointer": rng.random() < loading and not take, "clear": clear}
        load["en"] = {op: rng.getrandbits(1) for op in ops} | words
        yield ({**source.port(4, offered), "o__ready": ready, "load": shape.const(load).as_bits()},
               {"i__ready": taken, "o__valid": out is not None, "o__payload": out, "busy": waiting is not None or bool(row) or out is not None})
        if issue:
            address, some = row.pop(0)
            out = sum((lane[address] & (~0 if some else ~1)) << k * synapse.size for k, lane in enumerate(lanes))
        elif ready:
            out = None
        if room and waiting is not None:
            first, number = waiting
            row, waiting = [((first + k) % G.row_words, number > 0) for k in range(max(1, number))], None
        if take:
            waiting = pointers[offered]
        if words["row"] and load["lane"] < G.lanes:
            lanes[load["lane"]][load["address"] % G.row_words] = load["data"] & (1 << synapse.size) - 1
        if words["pointer"]:
            to = pointer.from_bits(load["data"] & (1 << pointer.size) - 1)
            pointers[load["address"] % G.sources] = to.first, to.number
        source.end(taken)
        if clear:
            waiting, row, out = None, [], None
        if rng.random() < 0.02:
            stall, pauses, loading = rng.choice((0.0, 0.5, 0.9)), rng.choice((0.0, 0.0, 0.7)), rng.choice((0.0, 0.1, 0.8))


def inputs_ring_rows(rng: random.Random):
    """Synapses, sweeps and words that are made empty, in phases, in any slot; a word that is read while it is written is read as it becomes."""
    layout, top = G.synapse_layout(), 1 << G.width
    sums, shown, address, adding, emptied = [[0] * G.slots * G.words for _ in range(G.ports)], [0] * G.ports, 0, None, False
    while True:
        adds, moves, consumes, empties = (rng.choice((0.0, 0.3, 0.9)) for _ in range(4))
        near, slot = rng.getrandbits(1), rng.randrange(G.slots)
        for _ in range(rng.randint(4, 30)):
            weight = rng.choice((rng.getrandbits(G.weight_bits), 1 << rng.randrange(G.weight_bits))) - (1 << G.weight_bits - 1)
            synapse = {"valid": rng.random() < 0.8, "word": 1 if near else rng.randrange(G.words), "delay": near or rng.randrange(G.slots),
                       "port": rng.randrange(G.ports), "weight": weight}
            add, advance, consume = rng.random() < adds, rng.random() < moves, adding is None and rng.random() < consumes
            empty, place, fetch = not add and rng.random() < empties / 4, rng.randrange(G.slots * G.words), rng.randrange(G.words)
            slot = rng.choice((slot,) * 9 + (rng.randrange(G.slots),))
            yield ({"slot": slot, "add": add, "synapse": layout.const(synapse).as_bits(), "advance": advance, "consume": consume, "empty": empty,
                    "place": place, "fetch": fetch}, {f"inputs__{port}": value for port, value in enumerate(shown)})
            for port, values in enumerate(sums):
                if adding and adding[0] == port:
                    values[address] = (shown[port] + adding[1]) % top
                elif not adding and (consume or emptied):
                    values[address] = 0
            adding, emptied = (synapse["port"], weight) if add and synapse["valid"] else None, empty
            if add or empty or advance:
                address = ((slot + synapse["delay"]) % G.slots + G.slots * synapse["word"] if add else place if empty else slot + G.slots * fetch)
                shown = [values[address] for values in sums]


def drive_tables_rows(rng: random.Random):
    """Tables in any order of their words, and numbers about their limits, during loads as well; a limit counts from the next cycle on."""
    load_shape, words, numbers, kept, worths = component("drive_tables").signature.members["load"].shape, [], [], {}, [0] * G.drives
    stages, shown = [(0, 0, 0, 0)] * (DEPTH - 1) * LANES, [(0, 0, 0)] * LANES  # a stage: number, table, what was found, and the next limit
    while True:
        if not words:
            tables = [limits(rng) for _ in range(G.drives)]
            words = [(1, 0, index + (number << DEPTH), limit) for number, table in enumerate(tables) for index, limit in Search().words(table)]
            words += [(0, 1, number, rng.getrandbits(32)) for number in range(G.drives)]
            rng.shuffle(words)
            numbers = list(chain.from_iterable(uniforms(table, 40, rng) for table in tables)) + [
                int(rng.choice(table.limits)) ^ 1 << rng.randrange(UNIFORM_BITS) for table in tables for _ in range(60)]
        given = [(rng.choice(numbers), rng.randrange(G.drives)) for _ in range(LANES)]
        limit_en, worth_en, index, value = words.pop() if rng.random() < 0.1 else (0, 0, rng.getrandbits(4), rng.getrandbits(32))
        yield ({"load": load_shape.const({"limit_en": limit_en, "worth_en": worth_en, "index": index, "value": value}).as_bits(),
                **{f"{name}__{lane}": value for lane, pair in enumerate(given) for name, value in zip(("uniform", "table"), pair)}},
               {f"{name}__{lane}": value for lane, each in enumerate(shown) for name, value in zip(("events", "late", "worth"), each)})
        first = [(number, table, 0, kept.get((1, table), 0)) for number, table in given]
        after = [(number, table, 2 * found + (number > limit)) for number, table, found, limit in [*first, *stages]]
        shown = [(found, number, worths[table]) for number, table, found in after[-LANES:]]
        level = lambda k: 2 << k // LANES  # noqa: E731
        stages = [(number, table, found, kept.get((level(k) + found, table), 0)) for k, (number, table, found) in enumerate(after[:-LANES])]
        if limit_en:
            kept[index % (1 << DEPTH), index >> DEPTH] = value
        if worth_en:
            worths[index] = value & (1 << G.drive_layout().size) - 1


#: What moves before the present cycle; a synapse is added in the second one.
ADDING = "reg gold_adding = 0; always @(posedge clk) gold_adding <= add & synapse[0];"
GUARDS = {
    "sources": Guard(sources_rows, 3000, {"o__payload": ("o__valid",)}, ("events",), assume="~push[0] | (push[1] == |push[7:4])"),
    "rows_csr": Guard(rows_csr_rows, 3000, {"o__payload": ("o__valid",)}, ("i",)),
    "inputs_ring": Guard(inputs_ring_rows, 3000, assume="~(add & empty) & ~(consume & gold_adding)", state=ADDING),
    "drive_tables": Guard(drive_tables_rows, 3000, assume="~load[1] | (load[5:3] == 0)"),
}
