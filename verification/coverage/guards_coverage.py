"""Further tables of the core, for coverage: what runs of small networks that are valid leave out, yet the golden model says."""

import random
from collections.abc import Iterator
from functools import partial

import numpy as np

from spikegate.cosim.engines.rtl import run_word
from spikegate.models.network.network import Network
from verification.contracts.guards_network import DRAIN, G, Request, core_rows, payloads, sweeps
from verification.contracts.table import Guard
from verification.stimuli.load_words import full, loads, scrambled

__all__ = ["TOO_LONG", "BEFORE", "FIRST", "PATIENCE", "EXTRA"]

#: A delay that the list of spikes has no room for; steps before it delivers any.
TOO_LONG, BEFORE = 63, 40
#: Steps that a run of too many has in its table.
FIRST = 12
#: Cycles of the longest run.
PATIENCE = 67_000


def _loads(words: np.ndarray) -> Iterator[Request]:
    return (Request(bits, False, []) for bits in payloads(words))


def _run(net: Network, count: int) -> Request:
    return Request(payloads(run_word(G, count))[0], True, list(zip(*sweeps(net)))[:count])


def requests(rng: random.Random) -> Iterator[Request]:
    """Load words without end: any, a network of all places, and a run of it."""
    while True:
        kind = rng.choice(("short", "short", "long", "lost", "all", "bottom", "top", "echo"))
        steps = {"long": 130, "lost": BEFORE}.get(kind, rng.randint(3, 20))
        net = full(G, rng, steps, kind if kind in ("all", "bottom", "top", "echo") else "")
        if kind == "lost":
            net = net.replace(delay=TOO_LONG)
        yield from _loads(scrambled(G, rng, rng.randrange(200)))
        yield from _loads(loads(G, net))
        yield _run(net, net.steps)


def countdown(bit: int, rng: random.Random) -> Iterator[Request]:
    """A run of 2^bit steps, and the first of them."""
    net = full(G, rng, FIRST, "some")
    yield from _loads(loads(G, net))
    yield _run(net, 1 << bit)
    yield from requests(rng)


def patience(rng: random.Random) -> Iterator[Request]:
    """One run without end in which nothing happens, for the count of cycles."""
    net = full(G, rng, PATIENCE // DRAIN, "silent")
    yield from _loads(loads(G, net))
    yield _run(net, net.steps)
    yield from requests(rng)


def _guard(source, cycles: int, episodes: int) -> Guard:
    return Guard(lambda rng: core_rows(rng, source(rng)), cycles, {"o__payload": ("o__valid",)}, ("i",), episodes=episodes, proved=False)


#: By module, what its guard is joined by.
EXTRA: dict[str, tuple[Guard, ...]] = {"core": (
    _guard(requests, 8000, 8), *(_guard(partial(countdown, bit), 250, 1) for bit in range(32)), _guard(patience, PATIENCE, 1))}
