"""The stream unit of the core on its own: targets as items, the models of its parts as reference, and what has to have been seen."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import DomainRenamer, EnableInserter, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikegate.cosim.benches.faults import as_integers, path
from spikegate.gateware.core.geometry import CoreGeometry, Op
from spikegate.gateware.core.stream_unit import StreamUnit
from spikegate.models.streams.dot_product import scale_count
from spikegate.models.streams.encoder import PROBABILITY_BITS, WindowParams
from spikegate.models.streams.faults import POINTS, FaultParams
from spikegate.models.streams.params import Generator, StreamFaults
from spikegate.models.streams.planes import window_lfsr
from verification.stimuli.networks import any_faults
from verification.uvm.coverage import Coverage, Cross, Model, Point

__all__ = ["STREAM", "Gated", "Group", "Targets", "targets", "loads", "expect_values", "observe"]

FULL = 1 << PROBABILITY_BITS
GENERATOR = Point("generator", ("lfsr", "sobol"))
CHANNELS = Point("channels", ("1", "2", "3", "4"))
MEMBERS = Point("members", ("none", "some", "all"), "channels with a spike at a target")
ODDS = Point("odds", ("zero", "between", "one"), "of the weight stream of a channel with a spike")
SIGN = Point("sign", ("positive", "negative"), "of its weight")
TOTAL = Point("total", ("least", "negative", "zero", "positive", "most"), "signed ones of a target, against channels * length")
SCALE = Point("scale", ("1", "between", "most"))
CLOCK = Point("clock", ("runs", "stops"), "while a target is under way")
PACE = Point("pace", ("on-end", "apart"), "targets in the next cycle, or later")
FAULT = Point("fault", ("none", *(f"{kind}-{point}" for kind in ("stuck0", "stuck1", "flips") for point in POINTS)))
STREAM = Model(
    (GENERATOR, CHANNELS, MEMBERS, ODDS, SIGN, TOTAL, SCALE, CLOCK, PACE, FAULT),
    (Cross((GENERATOR, TOTAL)), Cross((GENERATOR, CLOCK)), Cross((GENERATOR, PACE)), Cross((CLOCK, PACE)), Cross((ODDS, SIGN)),
     Cross((CHANNELS, MEMBERS), {"1 some": "one channel has a spike or none"}), Cross((SCALE, TOTAL))))


class Gated(wiring.Component):
    """`StreamUnit` in one domain whose clock ``en`` stops; a target's value stands at ``value`` four clocks after it."""

    def __init__(self, geometry: CoreGeometry):
        self.geometry, self.unit = geometry, StreamUnit(geometry)
        super().__init__({**self.unit.signature.members, "en": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = DomainRenamer({"stream": "sync"})(EnableInserter({"stream": self.en})(self.unit))
        for name in self.unit.signature.members:
            ours, theirs = getattr(self, name), getattr(self.unit, name)
            pairs = zip(ours, theirs) if self.unit.signature.members[name].dimensions else [(ours, theirs)]
            m.d.comb += [b.eq(a) if self.unit.signature.members[name].flow == In else a.eq(b) for a, b in pairs]
        return m


@dataclass(frozen=True)
class Group:
    """Targets that share weights: a threshold and a sign a channel, and for each target the mask of the channels with a spike."""

    odds: tuple[int, ...]
    negative: tuple[bool, ...]
    members: tuple[int, ...]


@dataclass(frozen=True)
class Targets:
    """One item: generators from the start, then groups.

    Parameters
    ----------
    seeds : tuple of int
        16 a channel; none for Sobol.
    scale : int
    groups : tuple of Group
    faults : StreamFaults
    gap, stop : float
        Probability that a cycle has no target, or no clock.
    """

    seeds: tuple[int, ...]
    scale: int
    groups: tuple[Group, ...]
    faults: StreamFaults
    gap: float
    stop: float

    @property
    def count(self) -> int:
        """Targets."""
        return sum(len(group.members) for group in self.groups)


def loads(item: Targets, g: CoreGeometry) -> list[tuple[Op, int, int]]:
    """What begins an item: words of the load port, operation, address and data."""
    s, found = g.streams, [(Op.STREAM_SEED, k, seed) for k, seed in enumerate(item.seeds)]
    if s.stuck:
        for level, masks in enumerate(item.faults.masks()):
            found += [(Op.STREAM_STUCK, ((2 * c + level) * 4 + point) * 16 + word, int(mask)) for (c, point, word), mask in np.ndenumerate(masks)]
    if s.flips:
        found += [(Op.STREAM_SEED, s.channels * PROBABILITY_BITS + k, seed) for k, seed in enumerate(item.faults.seeds(item.count))]
        found += [(Op.STREAM_RATE, k // 3 * 4 + k % 3, rate) for k, rate in enumerate(item.faults.thresholds)]
    return found


def _planned(g: CoreGeometry, rng: np.random.Generator, kind: int) -> Group:
    """A group: nothing but ones of either sign, none, or anything."""
    c = g.streams.channels
    everyone, some = (1 << c) - 1, tuple(int(x) for x in rng.integers(0, 1 << c, int(rng.integers(1, 30))))
    if kind < 2:
        return Group((FULL,) * c, (kind == 1,) * c, (everyone,) * 3)
    if kind == 2:
        return Group((0,) * c, tuple(bool(x) for x in rng.integers(0, 2, c)), (everyone, 0, everyone))
    odds = tuple(int(rng.choice([0, 1, FULL - 1, FULL, *rng.integers(0, FULL, 4)])) for _ in range(c))
    return Group(odds, tuple(bool(x) for x in rng.integers(0, 2, c)), some)


def targets(g: CoreGeometry, seed: int, count: int) -> Iterator[Targets]:
    """``count`` items; every third begins with the corners."""
    rng, s, most = np.random.default_rng(seed), g.streams, g.format.max
    for number in range(count):
        kinds = [0, 1, 2, 3] if number % 3 == 0 else []
        groups = tuple(_planned(g, rng, kind) for kind in [*kinds, *rng.integers(0, 9, int(rng.integers(1, 6)))])
        seeds = tuple(int(x) for x in rng.choice(1 << 40, PROBABILITY_BITS * s.channels, replace=False) + 1)
        faults = any_faults(g, rng) if number % 2 else None
        yield Targets(seeds if s.generator == Generator.LFSR else (), int(rng.choice([1, most, rng.integers(1, most)])), groups,
                      faults or StreamFaults((FaultParams(s.length),) * s.channels), *(float(rng.choice([0.0, 0.3])) for _ in range(2)))


def expect_values(item: Targets, g: CoreGeometry) -> tuple[list[int], list[int]]:
    """Totals and values of all targets, by the golden models of encoder, faults, gate and scale."""
    s, count, totals = g.streams, item.count, np.zeros(item.count, object)
    members = [mask for group in item.groups for mask in group.members]
    flip_seeds = item.faults.seeds(count) if item.faults.flips else None
    for c in range(s.channels):
        odds = np.array([group.odds[c] for group in item.groups for _ in group.members])
        negative = [group.negative[c] for group in item.groups for _ in group.members]
        lfsr = s.generator == Generator.LFSR
        source, begin = (s.lfsr, item.seeds[16 * c:16 * c + 16]) if lfsr else (s.sobol[c], 0)
        weights, flips = as_integers(WindowParams(source).run(begin, odds)), {point: [0] * count for point in POINTS}
        faults = item.faults.paths[c]
        for k, point in enumerate(POINTS):
            if rate := getattr(faults, point).flips:
                first = (3 * c + k) * PROBABILITY_BITS
                windows = WindowParams(window_lfsr(s.length)).run(flip_seeds[first:first + PROBABILITY_BITS], np.full(count, rate))
                flips[point] = [window & ((1 << faults.lines(point)) - 1) for window in as_integers(windows)]
        for t in range(count):
            if members[t] >> c & 1:
                _, ones = path(faults, (1 << s.length) - 1, weights[t], {point: flips[point][t] for point in POINTS})
                totals[t] += -ones if negative[t] else ones
    return totals.tolist(), [int(scale_count(int(total), item.scale, s.log2_length)) for total in totals]


def observe(coverage: Coverage, g: CoreGeometry, item: Targets, total: int, group: Group, mask: int, *, pace: str, stopped: bool) -> None:
    """Sort a target that was compared into the bins of `STREAM`; ``stopped`` says that the clock stopped while it was under way."""
    s = g.streams
    c, most = s.channels, s.channels * s.length
    kind = "zero" if total == 0 else "least" if total <= -most else "most" if total >= most else "positive" if total > 0 else "negative"
    coverage.sample({
        "generator": Generator(s.generator).name.lower(), "channels": str(c), "scale": {1: "1", g.format.max: "most"}.get(item.scale, "between"),
        "members": "none" if mask == 0 else "all" if mask == (1 << c) - 1 else "some", "total": kind, "pace": pace,
        "clock": "stops" if stopped else "runs"})
    for k in range(c):
        if mask >> k & 1:
            odds = {0: "zero", FULL: "one"}.get(group.odds[k], "between")
            coverage.sample({"odds": odds, "sign": "negative" if group.negative[k] else "positive"})
    faults = [f"{kind}-{point}" for path in item.faults.paths for point in POINTS for kind in ("stuck0", "stuck1", "flips")
              if getattr(getattr(path, point), kind)]
    for fault in faults or ["none"]:
        coverage.sample({"fault": fault})
