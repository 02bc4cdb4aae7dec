"""Guard of the whole core: small networks, loaded and run one after another, in each cycle what the golden model's recording makes of it."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count as count_up
from typing import NamedTuple

import numpy as np

from spikegate.cosim.engines.rtl import load_words, run_word
from spikegate.gateware.core.geometry import MIN_DEPTH, Op, Param
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import UNIFORM_BITS, DriveParams
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams
from verification.contracts.catalogue import GEOMETRY
from verification.contracts.guards_streams import component

__all__ = ["DRAIN", "G", "CYCLES", "Request", "core_rows", "payloads", "sweep_words", "sweeps"]

G = GEOMETRY
#: From the first word of a sweep to its place on the output, and cycles of a step beyond its words and deliveries.
TO_OUTPUT, DRAIN = G.latency + 3, G.latency + 8
#: Rows of an episode, and more steps than it has room for.
CYCLES, LONG = 2500, 2500 // (G.words + DRAIN)


def limits_and_seeds(rng: random.Random) -> tuple[list[int], list[int]]:
    """A drive table and the neurons' seeds: limits anywhere, or a bit away from numbers that neurons draw; likewise many of the seeds."""
    lfsr, top = LfsrParams(), (1 << UNIFORM_BITS) - 1
    seeds = [rng.randint(1, lfsr.mask) for _ in range(G.n)]
    drawn = [state & top for seed in seeds for state in lfsr.run(seed, 4)]
    spread, near = rng.choice((top, top >> 2, 0)), rng.random() < 0.6
    limits = sorted((rng.choice(drawn) ^ rng.choice((0, 1 << rng.randrange(UNIFORM_BITS)))) if near else rng.randint(top - spread, top)
                    for _ in range((1 << MIN_DEPTH) - 1))
    beside = lambda seed: max(1, seed & ~top | rng.choice(limits) ^ 1 << rng.randrange(UNIFORM_BITS))  # noqa: E731
    return limits, [beside(seed) if rng.getrandbits(1) else seed for seed in seeds]


def network(rng: random.Random, steps: int | None = None) -> Network:
    """A network that is valid: parameters anywhere, connections none to all, weights small to large; sometimes a threshold that membranes meet."""
    q = Q8_8
    while True:
        reset = rng.randint(-8 * q.one, 8 * q.one)
        threshold = rng.choice((reset + rng.randint(1, 4 * q.one), reset + rng.randint(1, 30 * q.one), q.max))
        lif = LifParams(q, threshold, reset, rng.randint(q.min if rng.random() < 0.2 else reset - 2 * q.one, threshold - 1),
                        leak=rng.choice((1, q.one, rng.randint(1, q.one))), refractory=rng.choice((0, 1, rng.randrange(4), rng.getrandbits(8))))
        limits, seeds = limits_and_seeds(rng)
        dense = np.array([[rng.random() < density for _ in range(G.n)] for density in [rng.choice((0.0, 0.3, 0.8, 1.0))] for _ in range(G.n)])
        size = rng.choice((q.one, 8 * q.one, q.max))
        try:
            net = Network("mutation", G.n - 2, 2, lif, DriveParams(np.array(limits, np.uint32), rng.randint(-size // 4, size // 2)), LfsrParams(),
                          np.concatenate([[0], np.cumsum(dense.sum(axis=1))]), np.nonzero(dense)[1], [rng.randint(-size, size) for _ in range(G.n)],
                          seeds, [rng.randint(q.min, q.max) for _ in range(G.n)], rng.randint(1, G.max_delay), steps or rng.randint(2, 14), 100_000)
            if rng.getrandbits(1):
                met = int(rng.choice(golden.run(net, trace=True).trace["v"].ravel())) + rng.choice((0, 1, 1 << rng.randrange(q.width - 2)))
                net = replace(net, lif=replace(lif, threshold=max(met, lif.rest + 1)))
            return net
        except InputError:
            pass  # an input that its sum might leave, or such a threshold


def sweep_words(step: list[dict[str, int]], spiked: set[int]) -> list[int]:
    """The words of a sweep: of each place what its neuron has after the update, or nothing; and which of them spiked."""
    layout, lane = component("core").o.payload.shape(), G.lane_layout()
    words = []
    for word in range(G.words):
        places = range(word * G.lanes, (word + 1) * G.lanes)
        lanes = [lane.const({**step[i], "spike": i in spiked}) for i in places]
        mask = sum(1 << k for k, i in enumerate(places) if i in spiked)
        words.append(layout.const({"lanes": lanes, "spikes": mask, "word": word}).as_bits())
    return words


def sweeps(net: Network) -> tuple[list[list[int]], list[int]]:
    """The golden model's words of each step, and how many spikes are delivered in it; lanes without a neuron rest, and those beyond N never spike."""
    found, rest = golden.run(net, trace=True), {"v": net.lif.rest}
    spikes = found.spikes[found.spikes[:, 1] < G.n]
    counts = np.bincount(spikes[:, 0], minlength=net.steps)
    words = []
    for step in range(net.steps):
        places = [{name: int(values[step][i]) for name, values in found.trace.items()} if i < net.n else rest for i in range(G.words * G.lanes)]
        words.append(sweep_words(places, set(spikes[spikes[:, 0] == step, 1].tolist())))
    return words, [int(counts[step - net.delay + 1]) if step >= net.delay - 1 else 0 for step in range(net.steps)]


class Request(NamedTuple):
    """A load word, whether it is a RUN, and the steps that it starts: words of the sweep and deliveries."""

    bits: int
    runs: bool
    steps: list[tuple[list[int], int]]


def payloads(words: np.ndarray) -> list[int]:
    """Load words as the core's port takes them."""
    size = component("core").i.payload.shape().size // 8
    return [int.from_bytes(word.tobytes()[:size], "little") for word in words]


def meaningless(rng: random.Random) -> int:
    """A load word that changes nothing: of a parameter or an operation that there is not, a bit away from one that there is."""
    while True:
        op = rng.choice((Op.PARAM.value, rng.choice(list(Op)).value ^ 1 << rng.randrange(8)))
        address = rng.choice(list(Param)).value ^ 1 << rng.randrange(32)
        if op > Op.RUN.value or (op == Op.PARAM.value and address >= len(Param)):
            layout = component("core").i.payload.shape()
            word = layout.const({"data": rng.getrandbits(64), "address": address, "lane": rng.getrandbits(16)}).as_bits()
            return word | op << layout["op"].offset


def requests(rng: random.Random):
    """Load words without end: a network, then its steps in runs of any length; in some episodes one of its runs takes longer than they do."""
    endless = rng.choice((2, 3, 4))
    for number in count_up():
        net = network(rng, LONG if number == endless else None)
        steps, at = list(zip(*sweeps(net))), 0
        for bits in payloads(load_words(net, G)):
            yield Request(bits, False, [])
            if rng.random() < 0.1:
                yield Request(meaningless(rng), False, [])
        if number == endless:
            count = 1 << rng.randrange(4, 32) | rng.choice((0, 1 << rng.randrange(4, 32))) | rng.randrange(1, 4)
            yield Request(payloads(run_word(G, count))[0], True, steps[:count])
            at = net.steps
        while at < net.steps:
            count = rng.choice((0, 1, rng.randint(1, net.steps - at), net.steps - at))
            yield Request(payloads(run_word(G, count))[0], True, steps[at:at + count])
            at += count


def core_rows(rng: random.Random, source: Iterator[Request] | None = None):
    """Each cycle of `requests`, or of others, as `Core` counts them: a sweep that stands still while its output waits, then the deliveries."""
    source, offered, taken, run = source or requests(rng), None, None, []
    cycles = place = left = 0
    load_stall, stall = rng.choice((0.0, 0.0, 0.5)), rng.choice((0.0, 0.3, 0.8))
    while True:
        if offered is None and rng.random() >= load_stall:
            offered = next(source)
        word, o_ready = place - TO_OUTPUT, rng.random() >= stall
        valid, ready = bool(run) and 0 <= word < G.words, not run and not (taken and taken.runs)
        yield ({"i__valid": offered is not None, "i__payload": rng.getrandbits(120) if offered is None else offered.bits, "o__ready": o_ready},
               {"i__ready": ready, "o__valid": valid, "o__payload": run[0][0][word] if valid else None, "busy": bool(run) or taken is not None,
                "cycles": cycles})
        if run:
            cycles += 1
            if place < G.words + DRAIN:
                place += not valid or o_ready
                left = 1 + run[0][1] * G.words
            else:
                left -= 1
            if not left:
                run, place = run[1:], 0
        elif taken:
            run, place = taken.steps, 0
        taken = offered if ready else None
        if taken:
            offered = None
        if rng.random() < 0.01:
            stall = rng.choice((0.0, 0.3, 0.8))
