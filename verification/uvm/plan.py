"""What the benches of the core have to have seen: points, crosses, and how an item that was compared is sorted into them."""

from collections.abc import Iterator, Mapping

import numpy as np

from spikegate.gateware.core.geometry import CoreGeometry, Op
from spikegate.models.core.rows_store import Store
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import INPUT_GUARD_BITS
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import POINTS
from spikegate.models.streams.params import Generator
from verification.uvm.coverage import Coverage, Cross, Model, Point
from verification.uvm.items import ALL, PACES, RESETS, Part, Scenario
from verification.uvm.reference import Expected

__all__ = ["CORE", "observe"]

FORMAT = Point("format", ("q8.8", "q16.12"))
ROUNDING = Point("rounding", tuple(mode.name.lower() for mode in Rounding))
OVERFLOW = Point("overflow", tuple(mode.name.lower() for mode in Overflow))
LANES = Point("lanes", ("1", "3", "4"))
SIZE = Point("size", ("one", "lanes", "lanes+1", "multiple", "other"), "N against lanes")
DELIVERY = Point("delivery", ("rows", "banks", "store", "lfsr", "sobol"))
DRIVE = Point("drive", ("search", "walk"))
DELAY = Point("delay", ("1", "2..15", "16", "17..62", "63"), "steps")
REFRACTORY = Point("refractory", ("0", "1", "2..254", "255"), "steps")
LEAK = Point("leak", ("least", "between", "whole"))
SYNAPSES = Point("synapses", ("none", "some", "all"))
FIRING = Point("firing", ("none", "one", "several", "all"), "neurons that spike in a step")
DUE = Point("due", ("none", "one", "several", "all"), "spikes delivered in a step")
LIST = Point("list", ("empty", "some", "full"), "words with spikes under way after a step")
BURST = Point("burst", ("1", "2..9", "10+"), "steps on end with spikes")
QUIET = Point("quiet", ("1..9", "10..999", "1000+"), "steps on end without")
EVENTS = Point("events", ("none", "some", "most"), "external events of a neuron in a step")
HOLD = Point("hold", ("0", "1", "2..254", "255"), "refractory steps left")
RAIL = Point("rail", ("bottom", "top"), "where a sum of the membrane leaves the format")
FLAG = Point("flag", ("clear", "raised", "kept"), "overflow flag of a neuron in a step")
WEIGHT = Point("weight", ("negative", "zero", "positive"), "of sources that spiked")
ODDS = Point("odds", ("zero", "between", "one"), "of weight streams of sources that spiked")
CHANNELS = Point("channels", ("1", "2", "3", "4"))
GROUP = Point("group", ("part", "full"), "spikes that share a window against channels")
FAULT = Point("fault", ("none", *(f"{kind}-{point}" for kind in ("stuck0", "stuck1", "flips") for point in POINTS)))
GAP = Point("gap", tuple(PACES), "pauses of the load stream")
STALL = Point("stall", tuple(PACES), "pauses of the sweep stream")
RUNS = Point("runs", ("none", "single", "one", "several"), "RUN words of a part")
RESET = Point("reset", RESETS)
RELOAD = Point("reload", ("clear", "row", "weight", "table", "seed", "state", "param"), "loads between runs")
OFFER = Point("offer", ("at-once", "at-rest"), "when what follows a run is offered")

CORE = Model(
    (FORMAT, ROUNDING, OVERFLOW, LANES, SIZE, DELIVERY, DRIVE, DELAY, REFRACTORY, LEAK, SYNAPSES, FIRING, DUE, LIST, BURST, QUIET, EVENTS, HOLD, RAIL,
     FLAG, WEIGHT, ODDS, CHANNELS, GROUP, FAULT, GAP, STALL, RUNS, RESET, RELOAD, OFFER),
    (Cross((FORMAT, ROUNDING, OVERFLOW, RAIL)), Cross((FORMAT, ROUNDING, OVERFLOW, FLAG)), Cross((LEAK, ROUNDING)),
     Cross((LANES, SIZE), {"1 lanes": "N = 1 is `one`", "1 other": "every N is a multiple of 1",
                           "3 one": "lanes are at most N", "4 one": "lanes are at most N"}),
     Cross((LANES, DELAY)), Cross((LANES, FIRING)), Cross((LANES, LIST)), Cross((LANES, RESET)),
     Cross((DELAY, FIRING)), Cross((REFRACTORY, FIRING)),
     Cross((REFRACTORY, HOLD), {"0 1": "nothing is held", "0 2..254": "nothing is held", "0 255": "nothing is held", "1 2..254": "held for one step",
                                "1 255": "held for one step", "2..254 255": "held for less"}),
     Cross((DELIVERY, FORMAT)), Cross((DELIVERY, FIRING)), Cross((DELIVERY, DUE)), Cross((DELIVERY, RESET)), Cross((DELIVERY, STALL)),
     Cross((DRIVE, EVENTS)), Cross((SYNAPSES, DUE)), Cross((GAP, STALL)),
     Cross((CHANNELS, GROUP), {"1 part": "one spike fills a group of one"}), Cross((RELOAD, OFFER))))


def _size(g: CoreGeometry) -> str:
    if g.n == 1:
        return "one"
    exact = {g.lanes: "lanes", g.lanes + 1: "lanes+1"}
    return exact.get(g.n) or ("multiple" if g.n % g.lanes == 0 else "other")


def _context(g: CoreGeometry, network: Network) -> dict[str, str]:
    lif, delay = network.lif, network.delay
    kind = g.streams and Generator(g.streams.generator).name.lower()
    context = {
        "format": str(QFormat(g.format.width, g.format.fraction)), "rounding": Rounding(g.rounding).name.lower(),
        "overflow": Overflow(g.overflow).name.lower(), "lanes": str(g.lanes), "size": _size(g),
        "delivery": kind or ("store" if isinstance(g.rows, Store) else "banks" if g.banks > 1 else "rows"),
        "drive": type(g.drive).__name__.lower(), "delay": {1: "1", 16: "16", 63: "63"}.get(delay, "2..15" if delay < 16 else "17..62"),
        "refractory": {0: "0", 1: "1", 255: "255"}.get(lif.refractory, "2..254"),
        "leak": {1: "least", 1 << lif.leak_fraction: "whole"}.get(lif.leak, "between"),
        "synapses": {0: "none", g.n**2: "all"}.get(network.synapses, "some")}
    return {**context, "channels": str(g.streams.channels)} if g.streams else context


def _tell(values: np.ndarray, bins: Mapping[str, np.ndarray]) -> Iterator[tuple[str, int]]:
    """Each bin with how many of the values it holds, where it holds any; the first of several."""
    left = np.ones(values.shape, bool)
    for name, mask in bins.items():
        if count := int((mask & left).sum()):
            yield name, count
        left &= ~mask


def _crowd(count: np.ndarray, n: int) -> dict[str, np.ndarray]:
    return {"none": count == 0, "all": count == n, "one": count == 1, "several": count > 1}


def _lengths(flags: np.ndarray) -> np.ndarray:
    """Lengths of the stretches of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return edges[1::2] - edges[::2]


def _rails(network: Network, trace: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]) -> np.ndarray:
    """-1, 0 or 1: whether the sum of a neuron's membrane leaves the format, by more than what rounding may add."""
    lif, q, half = network.lif, network.lif.format, 1 << (network.lif.format.width + INPUT_GUARD_BITS - 1)
    v = before["v"].astype(np.int64)
    current = (trace["input"] + trace["events"].astype(np.int64) * network.drive.weight + half) % (2 * half) - half
    total = v + ((lif.rest - v) * lif.leak >> lif.leak_fraction) + current
    return np.where(before["hold"] > 0, 0, (total > q.max).astype(int) - (total < q.min - 1))


def _part(coverage: Coverage, g: CoreGeometry, part: Part, context: dict, seen: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]) -> None:
    """Steps of a part."""
    network, n = part.network, g.n
    sample = lambda point, values, bins: [coverage.sample({point: name}, context, count) for name, count in _tell(values, bins)]  # noqa: E731
    sample("firing", seen["spike"][:, 0], _crowd(seen["spike"].sum(axis=1), n))
    events, hold, raised = seen["events"], seen["hold"], seen["overflow"] > before["overflow"]
    sample("events", events, {"none": events == 0, "most": events == len(network.drive.limits), "some": events > 0})
    fresh = context if Op.STATE in part.ops else {}  # what a neuron has kept of another part may be held for longer
    for name, count in _tell(hold, {"0": hold == 0, "1": hold == 1, "255": hold == 255, "2..254": hold > 1}):
        coverage.sample({"hold": name}, fresh, count)
    sample("flag", hold, {"raised": raised, "kept": seen["overflow"] == 1, "clear": seen["overflow"] == 0})
    rail = _rails(network, seen, before)
    sample("rail", rail, {"bottom": rail < 0, "top": rail > 0})
    fired = np.flatnonzero(seen["spike"].any(axis=0))
    weights = network.weights[fired]
    sample("weight", weights, {"negative": weights < 0, "zero": weights == 0, "positive": weights > 0})
    if g.streams:
        odds = network.streams.probabilities[fired]
        sample("odds", odds, {"zero": odds == 0, "one": odds == 1 << PROBABILITY_BITS, "between": odds > 0})


def observe(coverage: Coverage, item: Scenario, g: CoreGeometry, expected: Expected, seen: Mapping[str, np.ndarray], *, waited: bool,
            reset: str | None) -> None:
    """Sort an item into the plan's bins.

    Parameters
    ----------
    coverage : Coverage
        Of `CORE`.
    item, g, expected
    seen : Mapping of str to numpy.ndarray
        (steps, n) of the whole steps that were observed and compared: ``v``, ``hold``, ``overflow``, ``events``, ``spike``.
    waited : bool
        A load word was offered to a core that ran.
    reset : str, optional
        Where a reset struck.
    """
    done, first = len(seen["spike"]), 0
    seen = {**seen, "input": expected.trace["input"][:done]}
    zeros = np.zeros(g.n, np.int64)
    for k, part in enumerate(item.parts):
        context, last = _context(g, part.network), min(first + part.steps, done)
        coverage.sample({name: bin for name, bin in context.items()})
        if k and first < done:
            offer = {"offer": "at-once" if item.parts[k - 1].eager and waited else "at-rest"}
            coverage.sample(offer)
            for op in part.ops & {Op[name.upper()] for name in RELOAD.bins} if part.ops != ALL else ():
                coverage.sample({"reload": op.name.lower()}, offer)
        if last > first:
            start = {"v": part.network.v0, "hold": zeros, "overflow": zeros} if Op.STATE in part.ops else {
                name: seen[name][first - 1] for name in ("v", "hold", "overflow")}
            before = {name: np.concatenate([[row], seen[name][first:last - 1]]) for name, row in start.items()}
            _part(coverage, g, part, context, {name: values[first:last] for name, values in seen.items()}, before)
            coverage.sample({"runs": "none" if 0 in part.runs else "single" if 1 in part.runs else "several" if len(part.runs) > 1 else "one"})
        first = last
    context = _context(g, item.network)
    _item(coverage, item, g, expected, seen["spike"], context)
    coverage.sample({"gap": item.gap, "stall": item.stall}, context)
    if reset:
        coverage.sample({"reset": reset}, context)


def _item(coverage: Coverage, item: Scenario, g: CoreGeometry, expected: Expected, spike: np.ndarray, context: dict) -> None:
    """What a whole item shows."""
    due = expected.due[:max(0, len(spike) - 1)]  # the last step's delivery shows in the step after it
    for name, count in _tell(due, _crowd(due, g.n)):
        coverage.sample({"due": name}, context, count)
    if g.streams:
        for bin, count in (("full", int((due // g.streams.channels).sum())), ("part", int((due % g.streams.channels > 0).sum()))):
            if count:
                coverage.sample({"group": bin}, context, count)
        for path in item.faults.paths if item.faults else ():
            for point in POINTS:
                for kind in ("stuck0", "stuck1", "flips"):
                    if getattr(getattr(path, point), kind):
                        coverage.sample({"fault": f"{kind}-{point}"})
        if not item.faults:
            coverage.sample({"fault": "none"})
    for point, flags, edges in (("burst", spike.any(axis=1), (1, 9)), ("quiet", ~spike.any(axis=1), (9, 999))):
        bins = next(group.bins for group in CORE.points if group.name == point)
        lengths = _lengths(flags)
        for bin, count in _tell(lengths, {bins[0]: lengths <= edges[0], bins[1]: lengths <= edges[1], bins[2]: lengths > edges[1]}):
            coverage.sample({point: bin}, context, count)
    if not any(Op.CLEAR in part.ops for part in item.parts[1:]):
        words = np.pad(spike, ((0, 0), (0, g.words * g.lanes - g.n))).reshape(len(spike), g.words, g.lanes).any(axis=2).sum(axis=1)
        total, delay = np.concatenate([[0], np.cumsum(words)]), item.network.delay
        under_way = total[1:] - total[np.maximum(np.arange(1, len(words) + 1) - delay, 0)]
        for bin, count in _tell(under_way, {"empty": under_way == 0, "full": under_way == g.max_delay * g.words, "some": under_way > 0}):
            coverage.sample({"list": bin}, context, count)
