"""Sequence items of the core: networks, what is loaded before each run, gaps, stalls and resets; and the order in which they come."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from spikegate.gateware.core.geometry import CoreGeometry, Op
from spikegate.models.network.network import Network
from spikegate.models.streams.params import StreamFaults
from verification.stimuli.networks import CORNERS, any_faults, any_network, corner

__all__ = ["ALL", "PACES", "RESETS", "Part", "Scenario", "scenarios"]

#: Words that load a whole network.
ALL = frozenset(Op) - {Op.RUN}
#: Probability that a stream pauses in a cycle.
PACES = {"none": 0.0, "light": 0.15, "heavy": 0.85}
#: Where a reset may strike.
RESETS = ("load", "sweep", "drain", "delivery")
#: What is loaded between runs. Rows and weights only once the spikes under way are forgotten: one that is due may have its weight already.
RELOADS = tuple(map(frozenset, ({Op.PARAM}, {Op.PARAM, Op.TABLE}, {Op.STATE}, {Op.SEED}, {Op.PARAM, Op.STATE, Op.SEED}, ALL,
                                ALL - {Op.STATE, Op.SEED}, ALL - {Op.STATE, Op.SEED})))
REFRACTORY = (0, 1, 7, 255)
SILENCE = 1200


@dataclass(frozen=True)
class Part:
    """Words of some kinds from a network's load, then runs.

    Parameters
    ----------
    network : Network
    runs : tuple of int
        Steps of each run; a run of 0 steps does nothing.
    ops : frozenset of Op
        What is loaded before them.
    eager : bool
        Offer what follows at once, while the last run is under way.
    """

    network: Network
    runs: tuple[int, ...]
    ops: frozenset = ALL
    eager: bool = False

    @property
    def steps(self) -> int:
        """Steps of all runs."""
        return sum(self.runs)


@dataclass(frozen=True)
class Scenario:
    """One item: parts one after the other, the first a whole network.

    Parameters
    ----------
    name : str
    parts : tuple of Part
    faults : StreamFaults, optional
    gap, stall : str
        Pace of the load stream and of the sweep stream, of `PACES`.
    reset : tuple of str and int, optional
        After so many cycles in a phase of `RESETS`, the item ends with a reset.
    """

    name: str
    parts: tuple[Part, ...]
    faults: StreamFaults | None = None
    gap: str = "none"
    stall: str = "none"
    reset: tuple[str, int] | None = field(default=None)

    @property
    def network(self) -> Network:
        """The first network, for as many steps as all runs take."""
        return self.parts[0].network.replace(steps=self.steps)

    @property
    def steps(self) -> int:
        """Steps of all runs."""
        return sum(part.steps for part in self.parts)


def _split(rng: random.Random, steps: int) -> tuple[int, ...]:
    """Runs of so many steps in all, some of them of none."""
    runs = []
    while steps:
        runs.append(rng.choice((0, 1, rng.randint(1, steps), steps)) if rng.random() < 0.6 else steps)
        runs[-1] = min(runs[-1], steps)
        steps -= runs[-1]
    return tuple(runs)


def _changed(g: CoreGeometry, values: np.random.Generator, before: Network, ops: frozenset) -> Network:
    """A network that differs from another only in what these words load."""
    other = any_network(g, values, before.steps).replace(delay=before.delay)
    if Op.CLEAR in ops:
        return other
    return before.replace(lif=other.lif if Op.PARAM in ops else before.lif, v0=other.v0, seeds=other.seeds,
                          drive=replace(before.drive, limits=other.drive.limits) if Op.TABLE in ops else before.drive)


def _mixed(g: CoreGeometry, rng: random.Random, values: np.random.Generator) -> tuple[Part, ...]:
    """A network, and at times others on what it leaves behind."""
    network, parts = any_network(g, values, 1), []
    for k in range(rng.choice((1, 1, 2, 3))):
        ops = ALL if k == 0 else rng.choice(RELOADS)
        network = network if k == 0 else _changed(g, values, network, ops)
        parts.append(Part(network, _split(rng, rng.randint(1, 24)), ops, rng.random() < 0.4))
    return tuple(parts)


def _directed(g: CoreGeometry, rng: random.Random, values: np.random.Generator) -> Iterator[Scenario]:
    """Every corner, with every refractory time and several delays, and a long silence."""
    delays = sorted({1, 2, min(9, g.max_delay), 16, min(40, g.max_delay), g.max_delay})
    for (name, refractory), delay in zip(itertools.product(CORNERS, REFRACTORY), itertools.cycle(delays)):
        leak = rng.choice((1, 1 << g.leak_fraction, rng.randint(2, 9))) if name in ("all", "silent", "bottom") else 1
        steps = delay + 5 if name in ("all", "echo", "one") else 6
        network = corner(g, values, name, steps=1, delay=delay, refractory=refractory, leak=leak)
        yield Scenario(name, (Part(network, _split(rng, steps)),), any_faults(g, values))
    for delay in delays:
        # As many spikes under way as there can be; then nobody fires, and all that comes in is seen.
        network = corner(g, values, "all", steps=1, delay=delay)
        deaf = network.replace(lif=replace(network.lif, threshold=g.format.max, leak=1 << g.leak_fraction))
        yield Scenario("full list", (Part(network, (2 * delay,)), Part(deaf, (delay + 1,), frozenset({Op.PARAM}))))
        for name in ("one", "some"):
            yield Scenario(name, (Part(corner(g, values, name, steps=1, delay=delay), (delay + 2,)),), any_faults(g, values))
    yield Scenario("held", (Part(corner(g, values, "some", steps=1, refractory=255), (258,)),), any_faults(g, values))
    yield Scenario("silence", (Part(corner(g, values, "silent", steps=1), (SILENCE, SILENCE)),))


def scenarios(g: CoreGeometry, seed: int, count: int, directed: bool = True) -> Iterator[Scenario]:
    """``count`` items, the directed ones first if there are to be any, then any networks; paces at random, and resets in every third."""
    rng, values = random.Random(seed), np.random.default_rng(seed)
    corners = _directed(g, rng, values) if directed else iter(())
    for number in range(count):
        item = next(corners, None)
        if item is None:
            item = Scenario("any", _mixed(g, rng, values), any_faults(g, values) if rng.random() < 0.8 else None)
            if number % 3 == 0:
                item = replace(item, reset=(RESETS[number // 3 % 4], rng.choice((0, 0, 1, rng.randrange(12), rng.randrange(100)))))
        if item.steps < SILENCE:
            item = replace(item, gap=rng.choice((*PACES, "none")), stall=rng.choice((*PACES, "none")))
        yield item
