"""Further tables of the core, for coverage: what runs of small networks that are valid leave out, yet the golden model says."""

import random
from collections.abc import Iterator
from functools import partial

import numpy as np

from spikegate.cosim.core import load_dtype, load_words, run_word
from spikegate.cosim.guards_network import DRAIN, G, Request, core_rows, payloads, sweeps
from spikegate.cosim.mutated import Guard
from spikegate.cosim.uvm.networks import any_network, corner
from spikegate.gateware.core_geometry import CoreGeometry, Op, Param
from spikegate.models.network import Network

__all__ = ["EXTRA"]

#: All places of a sweep hold a neuron: beyond N it is drawn, updated and shown, and never spikes.
FULL = CoreGeometry(G.words * G.lanes, G.lanes, G.format, max_delay=G.max_delay)
#: A delay that the list of spikes has no room for; steps before it delivers any.
TOO_LONG, BEFORE = 63, 40
#: Steps that a run of too many has in its table.
FIRST = 12
#: Cycles of the longest run.
PATIENCE = 67_000


def scrambled(rng: random.Random, count: int) -> np.ndarray:
    """Load words of any kind but RUN, for memories and registers that the network behind them sets."""
    words = np.zeros(count, load_dtype(G))
    for word in words:
        word["op"] = rng.choice([*(op.value for op in Op if op != Op.RUN), rng.choice((0x80, 0x20, 0xFF))])
        word["address"] = rng.choice((rng.randrange(G.words), rng.randrange(G.row_depth), rng.choice(list(Param)).value, rng.getrandbits(32)))
        word["data"], word["lane"] = rng.getrandbits(64), rng.choice((rng.randrange(G.lanes), rng.getrandbits(16)))
    return words


def full(rng: random.Random, steps: int, name: str = "") -> Network:
    """Any network of all places, or a corner; those beyond N have no targets."""
    source = np.random.default_rng(rng.getrandbits(32))
    net = corner(FULL, source, name, steps=steps) if name else any_network(FULL, source, steps)
    end = net.indptr[G.n]
    return net.replace(indptr=np.append(net.indptr[:G.n], [end] * (FULL.n - G.n + 1)), indices=net.indices[:end])


def loads(net: Network) -> list[Request]:
    """Of a network of all places, what the core has room for."""
    words = load_words(net, FULL)
    beyond = (words["op"] == Op.ROW.value) & (words["address"] >= G.row_depth) | (words["op"] == Op.WEIGHT.value) & (words["address"] >= G.n)
    return [Request(bits, False, []) for bits in payloads(words[~beyond])]


def requests(rng: random.Random) -> Iterator[Request]:
    """Load words without end: any, a network of all places, and a run of it."""
    while True:
        kind = rng.choice(("short", "short", "long", "lost", "all", "bottom", "top", "echo"))
        net = full(rng, {"long": 130, "lost": BEFORE}.get(kind, rng.randint(3, 20)), kind if kind in ("all", "bottom", "top", "echo") else "")
        if kind == "lost":
            net = net.replace(delay=TOO_LONG)
        yield from (Request(bits, False, []) for bits in payloads(scrambled(rng, rng.randrange(200))))
        yield from loads(net)
        yield Request(payloads(run_word(G, net.steps))[0], True, list(zip(*sweeps(net))))


def countdown(bit: int, rng: random.Random) -> Iterator[Request]:
    """A run of 2^bit steps, and the first of them."""
    net = full(rng, FIRST, "some")
    yield from loads(net)
    yield Request(payloads(run_word(G, 1 << bit))[0], True, list(zip(*sweeps(net)))[:1 << bit])
    yield from requests(rng)


def patience(rng: random.Random) -> Iterator[Request]:
    """One run without end in which nothing happens, for the count of cycles."""
    net = full(rng, PATIENCE // DRAIN, "silent")
    yield from loads(net)
    yield Request(payloads(run_word(G, net.steps))[0], True, list(zip(*sweeps(net))))
    yield from requests(rng)


def _guard(source, cycles: int, episodes: int) -> Guard:
    return Guard(lambda rng: core_rows(rng, source(rng)), cycles, {"o__payload": ("o__valid",)}, ("i",), episodes=episodes, proved=False)


#: By module, what its guard is joined by.
EXTRA: dict[str, tuple[Guard, ...]] = {"core": (
    _guard(requests, 8000, 8), *(_guard(partial(countdown, bit), 250, 1) for bit in range(32)), _guard(patience, PATIENCE, 1))}
