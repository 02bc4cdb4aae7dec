"""Of the guard of the core: load words in any order and with anything where nothing counts, and what each of them does."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spikegate.gateware.core.geometry import Op, Param
from spikegate.gateware.neuron.lif import params_shapes, state_layout
from spikegate.models.core import engine as golden
from spikegate.models.network.network import MAX_DELAY, Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import UNIFORM_BITS, DriveParams
from spikegate.models.numeric.lfsr import LfsrParams
from verification.contracts.guards_network import G, Request, meaningless, sweep_words
from verification.contracts.guards_streams import component
from verification.stimuli.load_words import full, loads

__all__ = ["Load", "Loaded", "requests"]

#: Places of a sweep, all of which hold a neuron; those beyond N never spike.
PLACES = G.words * G.lanes
#: Words of a sweep with spikes that can be under way.
ROOM = G.max_delay * G.words + 1
STATE, SHAPES = state_layout(G.format), params_shapes(G.format, G.leak_fraction)
WORD = (G.words - 1).bit_length()
#: Bits of the address, of the data and of the lane that count.
COUNT = {Op.CLEAR: (0, 0, 0), Op.ROW: ((G.row_depth - 1).bit_length(), G.lanes, 0), Op.WEIGHT: ((G.n - 1).bit_length(), G.format.width, 0),
         Op.TABLE: (G.depth, UNIFORM_BITS, 0), Op.SEED: (WORD, G.lfsr.width, G.lanes.bit_length()),
         Op.STATE: (WORD, STATE.size, G.lanes.bit_length()), Op.RUN: (0, 64, 0)}
PARAM = {Param.REFRACTORY: SHAPES["refractory"].width, Param.LEAK: SHAPES["leak"].width, Param.REST_LEAK: SHAPES["rest_leak"].width, Param.DELAY: 6}


class Load(NamedTuple):
    """A load word."""

    op: Op
    address: int = 0
    data: int = 0
    lane: int = 0

    def bits(self) -> int:
        """As the core's port takes it."""
        return component("core").i.payload.shape().const({**self._asdict(), "op": self.op}).as_bits()

    def loosened(self, rng: random.Random) -> "Load":
        """With anything where nothing counts."""
        kept = (32, PARAM.get(Param(self.address), G.format.width), 0) if self.op == Op.PARAM else COUNT[self.op]
        draw = lambda size: rng.choice((0, 1 << rng.randrange(size), rng.getrandbits(size)))  # noqa: E731
        return Load(self.op, *(value & (1 << bits) - 1 | draw(size) >> bits << bits for value, bits, size in zip(self[1:], kept, (32, 64, 16))))


def load_list(net: Network) -> list[Load]:
    """What loads a network of all places."""
    return [Load(Op(int(word["op"])), int(word["address"]), int(word["data"][0]), int(word["lane"])) for word in loads(G, net)]


def number(value: int, width: int) -> int:
    """Of two's complement."""
    return (value & (1 << width) - 1) - ((value & 1 << width - 1) << 1)


class Loaded:
    """The golden model behind load words: each changes what is named in it, and a RUN runs the network that all of them have made.

    Rows are bits of a word of places; the table is by index, parameters are by name.
    """

    def __init__(self):
        self.rows, self.weights, self.table, self.params = np.zeros((G.n, G.words), int), np.zeros(PLACES, int), {}, {}
        # Membranes, refractory steps, overflow flags, streams and inputs; steps so far, and those of the spikes under way, a word at a time.
        self.neurons = tuple(np.zeros(PLACES, kind) for kind in (np.int32, np.uint8, np.uint8, np.uint64, np.int32))
        self.step, self.due = 0, {}

    def load(self, word: Load) -> None:
        """What any word but RUN does."""
        op, address, data, lane = word
        place = address % (1 << WORD) * G.lanes + lane % (2 * G.lanes) if address % (1 << WORD) < G.words and lane % (2 * G.lanes) < G.lanes else None
        if op == Op.CLEAR:
            self.due = {}
        elif op == Op.ROW and (at := address % 32) < G.row_depth:
            self.rows[divmod(at, G.words)] = data % (1 << G.lanes)
        elif op == Op.WEIGHT and address % 16 < G.n:
            self.weights[address % 16] = number(data, G.format.width)
        elif op == Op.TABLE:
            self.table[address % (1 << G.depth)] = data % (1 << UNIFORM_BITS)
        elif op == Op.SEED and place is not None:
            self.neurons[3][place] = data
        elif op == Op.STATE and place is not None:
            for array, name in zip(self.neurons, ("v", "hold", "overflow")):
                array[place] = STATE.from_bits(data % (1 << STATE.size))[name]
            self.neurons[4][place] = 0
        elif op == Op.PARAM and address < len(Param):
            param = Param(address)
            self.params[param] = data % (1 << PARAM[param]) if param in PARAM else number(data, G.format.width)

    def network(self, steps: int) -> Network:
        """What is loaded, with the inputs at rest."""
        p, whole = self.params, 1 << G.depth
        limits = np.zeros(whole - 1, np.uint32)
        for index, limit in self.table.items():
            level = index.bit_length() - 1
            if level >= 0:
                span = whole >> level
                limits[(index - (1 << level)) * span + span // 2 - 1] = limit
        rest = p[Param.REST_LEAK] // p[Param.LEAK] - (1 << G.format.width - 1)
        lif = LifParams(G.format, p[Param.THRESHOLD], p[Param.V_RESET], rest, p[Param.LEAK], refractory=p[Param.REFRACTORY])
        bits = np.zeros((PLACES, PLACES), bool)
        bits[:G.n] = (self.rows[:, :, None] >> np.arange(G.lanes) & 1).reshape(G.n, PLACES)
        return Network("loads", PLACES, 0, lif, DriveParams(limits, p[Param.DRIVE_WEIGHT]), LfsrParams(), np.append(0, np.cumsum(bits.sum(axis=1))),
                       np.nonzero(bits)[1], self.weights, self.neurons[3], self.neurons[0], p[Param.DELAY], steps, 100_000)

    def _room(self, sources: list[int], popped: bool) -> list[int]:
        """Of a step's spikes those for whose words the list has room."""
        free = ROOM - sum(len({source // G.lanes for source in known}) for known in self.due.values())
        words = sorted({source // G.lanes for source in sources})
        if len(words) > free and popped:
            raise ValueError("Which spikes find no room while others leave the list is not said")
        return [source for source in sources if source // G.lanes in words[:free]]

    def run(self, count: int) -> list[tuple[list[int], int]]:
        """The words of each sweep and the spikes that are delivered after it; what the list of spikes has no room for is lost."""
        net, found = self.network(count), []
        step = golden.advancer(net)

        def advance(first, steps, neurons, drive, _ring, _counts, rows, p, lfsr, spikes, traces):
            for array, mine in zip(neurons, self.neurons):
                array[:] = mine
            for s in range(steps):
                # A ring of what is emitted now and of what is due now.
                due = self.due.pop(self.step + 1 - net.delay, [])
                ring, counts = np.zeros((min(net.delay, 2), PLACES), np.int32), np.zeros(2, np.int64)
                ring[(self.step + 1) % 2 % len(ring), :len(due)], counts[(self.step + 1) % 2] = due, len(due)
                trace = tuple(array[s:s + 1] for array in traces)
                emitted = step(self.step, 1, neurons, drive, ring, counts[:len(ring)], rows, p, lfsr, spikes, trace)
                sources = [int(source) for source in spikes[:emitted, 1] if source < G.n]
                values = dict(zip(("v", "hold", "overflow", "events"), (array[0] for array in trace)))
                words = sweep_words([{name: int(array[i]) for name, array in values.items()} for i in range(PLACES)], set(sources))
                found.append((words, len(sources) if net.delay == 1 else len(due)))
                if net.delay > 1:
                    self.due[self.step] = self._room(sources, bool(due))
                self.step += 1
            self.neurons = tuple(array.copy() for array in neurons)
            return 0

        golden.simulate(net, advance, trace=True)
        return found


def draws(rng: random.Random) -> Network:
    """A network of all places, or one of which something is beyond what the others have."""
    kind = rng.choice(("any", "any", "hold", "sums", "late", "all", "echo", "top", "bottom"))
    net = full(G, rng, 1, kind if kind in ("all", "echo", "top", "bottom") else "")
    if kind == "hold":
        net = net.replace(lif=replace(net.lif, refractory=1 << rng.randrange(8)))
    if kind == "sums":
        # Sums of inputs near both ends of their format.
        way, weights = rng.choice((G.format.max, G.format.min + 1)), np.zeros(PLACES, int)
        weights[rng.randrange(G.n)] = way
        limits = np.sort(np.array([rng.choice((0, rng.getrandbits(UNIFORM_BITS) >> rng.randrange(32))) for _ in net.drive.limits], np.uint32))
        net = net.replace(drive=DriveParams(limits, way), weights=weights)
    if kind == "late":
        # Each fires once in a while, so that any delay has room.
        net = net.replace(lif=replace(net.lif, refractory=255), delay=rng.randint(G.max_delay + 1, MAX_DELAY))
    return net


def nothing(rng: random.Random) -> Load | int:
    """A word that changes nothing: of places or entries that there are not, or as `meaningless`."""
    data, lane, word = rng.getrandbits(64), rng.randrange(G.lanes), rng.randrange(G.words)
    return rng.choice((meaningless(rng), Load(Op.TABLE, 0, data), Load(Op.ROW, rng.randrange(G.row_depth, 32), data),
                       Load(Op.WEIGHT, rng.randrange(G.n, 16), data),
                       *(Load(Op.SEED, *at) for at in ((G.words, data, lane), (word, data, rng.randrange(G.lanes, 2 * G.lanes))))))


def between(rng: random.Random, net: Network) -> list[Load]:
    """Some words of another network, and a CLEAR where they are about spikes under way."""
    words = load_list(net)
    kinds = rng.choice(((Op.CLEAR,), (Op.SEED,), (Op.STATE,), (Op.TABLE,), (Op.ROW,), (Op.CLEAR, Op.WEIGHT), (Op.SEED, Op.STATE), ()))
    some = [word for word in words if word.op in kinds]
    if kinds in ((Op.SEED,), (Op.ROW,)):
        some = rng.sample(some, rng.randint(1, len(some)))
    if kinds == (Op.STATE,):
        # Of whole words, as one empties the inputs of others; and as a run may have left them.
        chosen = rng.sample(range(G.words), rng.randint(1, G.words))
        some = [word._replace(data=word.data | rng.getrandbits(9) << G.format.width) for word in some if word.address in chosen]
    rng.shuffle(some)
    return some


def requests(rng: random.Random) -> Iterator[Request]:
    """Load words without end."""
    core = Loaded()

    def loaded(words: list[Load]) -> Iterator[Request]:
        for word in words:
            while rng.random() < 0.1:
                extra = nothing(rng)
                yield Request(extra.loosened(rng).bits() if isinstance(extra, Load) else extra, False, [])
            core.load(word)
            yield Request(word.loosened(rng).bits(), False, [])

    def run(count: int) -> Iterator[Request]:
        yield Request(Load(Op.RUN, data=count).loosened(rng).bits(), True, core.run(count) if count else [])

    while True:
        net = draws(rng)
        words = load_list(net)
        rng.shuffle(words)
        yield from loaded(words)
        if net.delay > G.max_delay:
            yield from run(rng.randint(1, 3 * net.delay))
            continue
        for _ in range(rng.randint(1, 4)):
            yield from run(rng.choice((0, 1, rng.randint(1, 20), rng.randint(1, 80))))
            yield from loaded(between(rng, net if rng.getrandbits(1) else full(G, rng, 1)))
        if rng.getrandbits(1):
            # Every neuron fires, more often than there is room for, and then none.
            net = full(G, rng, 1, "all").replace(delay=rng.randint(8, MAX_DELAY))
            yield from loaded(load_list(net))
            yield from run(rng.randint(3, 6))
            yield from loaded([Load(Op.PARAM, Param.THRESHOLD.value, G.format.max), Load(Op.PARAM, Param.DRIVE_WEIGHT.value, 0)])
            yield from run(net.delay + 8)
