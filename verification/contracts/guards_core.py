"""Guards of a core's parts: the drive's search, the spikes under way, and the delivery of rows."""

import random
from collections import deque

import numpy as np

from spikegate.cosim.benches.drive import uniforms
from spikegate.gateware.core.geometry import TAG_BITS
from spikegate.models.core.drives import Search
from spikegate.models.numeric.drive import UNIFORM_BITS, DriveParams
from verification.contracts.catalogue import GEOMETRY
from verification.contracts.guards_streams import Source, component
from verification.contracts.table import Guard

__all__ = ["GUARDS"]

DEPTH, LANES, G = 3, 2, GEOMETRY
#: The limit at the root of the search.
MIDDLE = (1 << DEPTH - 1) - 1


def limits(rng: random.Random) -> DriveParams:
    """A table: limits anywhere, at both ends, side by side, or equal."""
    top = (1 << UNIFORM_BITS) - 1
    near = rng.getrandbits(UNIFORM_BITS)
    draw = rng.choice((lambda: rng.getrandbits(UNIFORM_BITS), lambda: rng.getrandbits(rng.randint(1, UNIFORM_BITS)),
                       lambda: rng.choice((0, 1, top - 1, top)), lambda: min(near + rng.randrange(8), top),
                       lambda: near ^ 1 << rng.randrange(UNIFORM_BITS)))
    return DriveParams(np.array(sorted(draw() for _ in range((1 << DEPTH) - 1)), np.uint32), 0)


def drive_rows(rng: random.Random):
    """Tables in any order of their words, each followed by numbers about its limits; what is looked up during a load is not known.

    Another limit at the root counts from the next cycle on.
    """
    layout, pending = component("drive").signature.members["load"].shape, deque([None] * DEPTH)
    while True:
        params = limits(rng)
        words = Search().words(params)
        rng.shuffle(words)
        near = lambda: int(rng.choice(params.limits)) ^ 1 << rng.randrange(UNIFORM_BITS)  # noqa: E731, B023
        numbers = uniforms(params, 40, rng) + [near() for _ in range(60)]
        rng.shuffle(numbers)
        numbers = [(rng.choice(numbers), rng.choice(numbers)) for _ in range(len(words) * 2)] + list(zip(numbers[::2], numbers[1::2]))
        for pair in numbers:
            load, again = bool(words) and rng.random() < 0.6, not words and rng.random() < 0.02
            index, limit = words.pop() if load else (rng.getrandbits(DEPTH), rng.getrandbits(UNIFORM_BITS))
            if again:
                index, limit = 1, rng.randint(int(params.limits[MIDDLE - 1]), int(params.limits[MIDDLE + 1]))
            known = pending.popleft() or [None] * LANES
            yield ({"load": layout.const({"en": load or again, "index": index, "limit": limit}).as_bits(),
                    **{f"uniform__{k}": pair[k] for k in range(LANES)}},
                   {f"events__{k}": known[k] for k in range(LANES)})
            pending.append(None if words else [params.step(value) for value in pair])
            if load:
                pending = deque([None] * DEPTH)
            if again:
                params = DriveParams(np.array([*params.limits[:MIDDLE], limit, *params.limits[MIDDLE + 1:]], np.uint32), 0)


class Due:
    """Spikes under way, cycle by cycle: the list, its first entry, the entry in hand, and two stages of what leaves it."""

    def __init__(self):
        self.weights = [0] * G.n
        self.clear()

    def clear(self) -> None:
        """Forget all but the weights."""
        self.list, self.head, self.hand, self.source, self.out = deque(), None, [], None, None

    def due(self, tag: int, delay: int) -> bool:
        """Whether the first entry was pushed ``delay - 1`` steps ago."""
        return self.head is not None and self.head[0] == (tag + 1 - delay) % (1 << TAG_BITS)

    def busy(self, tag: int, delay: int) -> bool:
        """Whether anything is due or on its way out."""
        return bool(self.hand) or self.source is not None or self.out is not None or self.due(tag, delay)

    def step(self, push: tuple[int, list[int]] | None, tag: int, delay: int, ready: bool) -> None:
        """One clock edge; ``push`` is a step and sources that ascend; what has no room, which no core pushes, is lost."""
        moves, room = self.out is None or ready, len(self.list) < G.max_delay * G.words
        pick = bool(self.hand) and (self.source is None or moves)
        pop = self.due(tag, delay) and (not self.hand or (pick and len(self.hand) == 1))
        if moves:
            self.out = self.source
        if pick:
            self.source, *self.hand = self.hand
        elif moves:
            self.source = None
        if pop:
            self.hand, self.head = self.head[1], None
        if self.list and self.head is None:
            self.head = self.list.popleft()
        if push and room:
            self.list.append(push)


def networks(rng: random.Random):
    """What drives the spike list, a cycle at a time: ``(load, clear, push, tag, delay)``; sent the list's ``busy``."""
    while True:
        tag, delay, density = rng.getrandbits(TAG_BITS), rng.randint(1, G.max_delay), rng.choice((0.1, 0.4, 0.9, 1.0))
        yield None, True, None, tag, delay
        sources = list(range(G.n))
        rng.shuffle(sources)
        for source in sources:
            yield (source, rng.getrandbits(16)), False, None, tag, delay
        for _ in range(rng.randint(3, 12)):
            for word in range(G.words):
                while rng.random() < 0.3:
                    yield None, False, None, tag, delay
                lanes = [lane for lane in range(min(G.lanes, G.n - word * G.lanes)) if rng.random() < density]
                yield None, False, (word, lanes), tag, delay
            for _ in range(4):
                yield None, False, None, tag, delay
            while (yield None, False, None, tag, delay):
                pass
            tag = (tag + 1) % (1 << TAG_BITS)
        if rng.getrandbits(1):
            # Any delay, and more than there is room for.
            delay = rng.randint(2, (1 << TAG_BITS) - 1)
            yield None, True, None, tag, delay
            for number in range(rng.choice((2, G.max_delay * G.words, 5 * G.words))):
                yield None, False, (number % G.words, [rng.randrange(2)]), tag, delay
            for ahead in (rng.randrange(delay - 1), delay - 2, delay - 1):
                for _ in range(3):
                    yield None, False, None, (tag + ahead) % (1 << TAG_BITS), delay
            while (yield None, False, None, (tag + delay - 1) % (1 << TAG_BITS), delay):
                pass


def spikes_rows(rng: random.Random):
    """Networks one after another: weights, then steps, of which each ends when nothing is due any more."""
    shapes = {name: component("spikes").signature.members[name].shape for name in ("push", "load")}
    row, model, plan = component("spikes").o.payload.shape(), Due(), networks(rng)
    load, clear, push, tag, delay = next(plan)
    stall = 0.0
    while True:
        ready = rng.random() >= stall
        word, lanes = push or (rng.randrange(G.words), [lane for lane in range(G.lanes) if rng.getrandbits(1)])
        source, weight = load or (rng.randrange(G.n), rng.getrandbits(16))
        busy, out = model.busy(tag, delay), model.out
        pushed = {"en": push is not None, "any": bool(lanes), "word": word, "mask": sum(1 << k for k in lanes)}
        yield ({"push": shapes["push"].const(pushed).as_bits(),
                "load": shapes["load"].const({"en": load is not None, "address": source, "data": weight}).as_bits(),
                "tag": tag, "delay": delay, "clear": clear, "o__ready": ready},
               {"busy": busy, "o__valid": out is not None,
                "o__payload": None if out is None else row.const({"address": out * G.words, "weight": model.weights[out]}).as_bits()})
        model.step((tag, [word * G.lanes + lane for lane in lanes]) if push and lanes else None, tag, delay, ready)
        if load:
            model.weights[source] = weight
        if clear:
            model.clear()
            stall = rng.choice((0.0, 0.3, 0.8))
        if rng.random() < 0.004:
            plan = networks(rng)
            load, clear, push, tag, delay = next(plan)
        else:
            load, clear, push, tag, delay = plan.send(busy)


def rows_rows(rng: random.Random):
    """Rows loaded, then asked for one after another: a word in each cycle of ``go``, its bits and the weight in the next."""
    row, load_shape = component("rows").i.payload.shape(), component("rows").signature.members["load"].shape
    memory, todo, source = {}, list(range(G.row_depth)), None
    address = word = weight = 0
    busy, added, stall, go_stall = False, None, 0.0, 0.0
    rng.shuffle(todo)
    while True:
        if source is None:
            source = Source(iter(lambda: (rng.randrange(G.n) * G.words, rng.getrandbits(16)), None), rng)
        idle = not busy and source.offered is None
        clear = source.offered is None and rng.random() < (0.2 if todo else 0.01)
        load = bool(todo) and idle and not clear and rng.random() < 0.7
        at, bits = todo.pop() if load else rng.randrange(G.row_depth), rng.getrandbits(G.lanes)
        offered = None if todo or load or clear else source.offer(stall)
        go = not clear and rng.random() >= go_stall
        add = go and busy
        ready = not busy or (add and word == G.words - 1)
        packed = None if offered is None else row.const(dict(zip(("address", "weight"), offered))).as_bits()
        yield ({**source.port(row.size, packed), "go": go, "more": rng.getrandbits(1), "clear": clear,
                "load": load_shape.const({"en": load, "address": at, "data": bits}).as_bits()},
               {"i__ready": ready, "add": add, "busy": busy, "word": word, "bits": added and added[0], "weight": added and added[1]})
        added = (memory[address + word], weight - ((weight & 1 << 15) << 1)) if add else None
        if load:
            memory[at] = bits
        taken = source.end(ready)
        if taken:
            (address, weight), word, busy = offered, 0, True
        elif add:
            word, busy = word + 1, word + 1 < G.words
        busy = busy and not clear
        if rng.random() < 0.02:
            stall, go_stall = rng.choice((0.0, 0.5, 0.95)), rng.choice((0.0, 0.0, 0.5))
        if idle and not todo and rng.random() < 0.05:
            todo = rng.sample(range(G.row_depth), rng.randint(1, 10))


#: Bits and weight matter in the cycle after ``add``.
ADDED = "reg gold_added = 0; always @(posedge clk) gold_added <= gold_add;"
#: A word that is pushed holds neurons that exist.
NEURONS = "~push[0] | (push[3:2] < 2) | ((push[3:2] == 2) & (push[7:6] == 0))"
GUARDS = {
    "drive": Guard(drive_rows, 1200, assume="~load[0] | (load[3:1] != 0)"),
    "spikes": Guard(spikes_rows, 1200, {"o__payload": ("o__valid",)}, assume=NEURONS),
    "rows": Guard(rows_rows, 2000, {"word": ("add",), "bits": ("added",), "weight": ("added",)}, ("i",), state=ADDED),
}
