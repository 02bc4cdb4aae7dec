"""Small networks for benches of the core: geometries to compile, networks of any kind for each, and the corners that chance does not find."""

from dataclasses import replace

import numpy as np

from spikegate.gateware.core.geometry import CoreGeometry, StreamGeometry
from spikegate.models.core.drives import Walk
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_store import Store
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, Rounding
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import POINTS, FaultParams, PointFaults
from spikegate.models.streams.params import Generator, StreamFaults, StreamParams
from spikegate.models.streams.planes import window_lfsr

__all__ = ["GEOMETRIES", "CORNERS", "DEFECTS", "any_network", "corner", "any_faults"]

_SAT, _WRAP = Overflow
_FLOOR, _NEAREST, _STOCHASTIC = Rounding


def _streams(generator: Generator, length: int, channels: int, faulty: bool = False) -> StreamGeometry:
    dimensions = tuple(range(channels)) if generator == Generator.SOBOL else ()
    return StreamGeometry(generator, length, channels, window_lfsr(length), dimensions, faulty, faulty)


#: Every format with every rounding and overflow; lanes 1, 3 and 4 with N = lanes, lanes + 1, a multiple and neither; then what is compiled otherwise.
GEOMETRIES: dict[str, CoreGeometry] = {
    "one": CoreGeometry(1, 1, Q8_8, _NEAREST, _SAT),
    "two": CoreGeometry(2, 1, Q8_8, _NEAREST, _WRAP),
    "floor": CoreGeometry(3, 3, Q8_8, _FLOOR, _SAT),
    "floor-wrap": CoreGeometry(4, 3, Q8_8, _FLOOR, _WRAP),
    "stochastic": CoreGeometry(4, 4, Q8_8, _STOCHASTIC, _SAT),
    "stochastic-wrap": CoreGeometry(5, 4, Q8_8, _STOCHASTIC, _WRAP, max_delay=63),
    "wide": CoreGeometry(7, 1, Q16_12, _NEAREST, _SAT, max_delay=63),
    "wide-wrap": CoreGeometry(12, 3, Q16_12, _NEAREST, _WRAP, max_delay=63),
    "wide-floor": CoreGeometry(16, 4, Q16_12, _FLOOR, _SAT),
    "wide-floor-wrap": CoreGeometry(40, 3, Q16_12, _FLOOR, _WRAP),
    "wide-stochastic": CoreGeometry(39, 4, Q16_12, _STOCHASTIC, _SAT),
    "wide-stochastic-wrap": CoreGeometry(11, 4, Q16_12, _STOCHASTIC, _WRAP, leak_fraction=20),
    "store": CoreGeometry(20, 4, Q8_8, _NEAREST, _SAT, rows=Store(16), drive=Walk()),
    "wide-store": CoreGeometry(13, 4, Q16_12, _NEAREST, _SAT, rows=Store(64)),
    "banks": CoreGeometry(24, 3, Q8_8, _NEAREST, _SAT, drive=Walk(), rows=Bitmap(4)),
    "wide-banks": CoreGeometry(37, 4, Q16_12, _FLOOR, _SAT, rows=Bitmap(2)),
    "lfsr": CoreGeometry(10, 4, Q8_8, _NEAREST, _SAT, rows=_streams(Generator.LFSR, 64, 3)),
    "wide-lfsr": CoreGeometry(8, 3, Q16_12, _NEAREST, _SAT, rows=_streams(Generator.LFSR, 64, 4)),
    "sobol": CoreGeometry(9, 3, Q8_8, _NEAREST, _SAT, rows=_streams(Generator.SOBOL, 64, 1, True)),
    "wide-sobol": CoreGeometry(10, 4, Q16_12, _NEAREST, _SAT, rows=_streams(Generator.SOBOL, 128, 2)),
}
QUIET = (1 << 32) - 1
#: What each corner is for; see `corner`.
CORNERS = ("all", "one", "some", "silent", "bottom", "top", "echo")


def _whole(rng, low, high):
    return int(rng.integers(low, high, endpoint=True))


def _limits(g: CoreGeometry, rng, kind: str):
    size = (1 << g.depth) - 1
    return {"silent": np.full(size, QUIET), "steady": np.zeros(size, int), "rare": np.append(QUIET - (QUIET >> 5), np.full(size - 1, QUIET)),
            "any": np.sort(rng.integers(0, QUIET, size))}[kind]


def _rows(n: int, rng, density: float):
    dense = rng.random((n, n)) < density
    return np.append(0, np.cumsum(dense.sum(axis=1))), np.nonzero(dense)[1]


def _network(g: CoreGeometry, rng, lif: dict, *, limits, drive: int, density: float, weights, v0, delay: int, steps: int, scale: int) -> Network:
    """A network of a geometry, weights scaled down as far as the sums of inputs demand."""
    q, n = g.format, g.n
    lif = LifParams(q, gain=q.one, rounding=g.rounding, overflow=g.overflow, leak_fraction=g.leak_fraction, **lif)
    indptr, indices = _rows(n, rng, density)
    weights = np.clip(np.asarray(weights), q.min, q.max)
    room = (1 << (lif.input_width - 1)) - 1 - abs(drive) * ((1 << g.depth) - 1)
    size = np.abs(weights)
    worst = int(np.bincount(indices, np.repeat(size, np.diff(indptr)), n).max()) if len(indices) else 0
    if worst > room:
        weights = np.trunc(weights * (room / worst) * 0.99).astype(np.int64)
    streams = None
    if g.streams:
        s = g.streams
        seeds = rng.choice(1 << 40, PROBABILITY_BITS * s.channels, replace=False) + 1 if s.generator == Generator.LFSR else ()
        full = 1 << PROBABILITY_BITS
        odds = np.where(rng.random(n) < 0.3, rng.choice([0, 1, full - 1, full], n), rng.integers(0, full, n))
        streams = StreamParams(odds, max(1, min(scale, q.max, room // n)), s.generator, s.length, s.channels, s.lfsr, seeds, tuple(s.dimensions))
    inhibitory = _whole(rng, 0, n)
    return Network("bench", n - inhibitory, inhibitory, lif, DriveParams(limits, drive), g.lfsr, indptr, indices, weights,
                   rng.integers(1, g.lfsr.mask, n, dtype=np.uint64), np.clip(v0, q.min, q.max), delay, steps, 100_000, streams=streams)


def any_network(g: CoreGeometry, rng: np.random.Generator, steps: int) -> Network:
    """Any network: thresholds of every size, leaks and refractory times at their ends and between, any delay, sparse to full connectivity."""
    q, n, top = g.format, g.n, 1 << g.leak_fraction
    size = 1 << _whole(rng, 3, q.width - 2)
    rest = _whole(rng, -size, size)
    threshold = min(rest + _whole(rng, 1, size), q.max)
    lif = {"threshold": threshold, "reset": max(threshold - _whole(rng, 1, 2 * size), q.min), "rest": rest,
           "leak": int(rng.choice([1, _whole(rng, 1, top), _whole(rng, 1, max(1, top >> 4)), top])),
           "refractory": int(rng.choice([0, 1, _whole(rng, 2, 12), 255], p=[0.4, 0.2, 0.3, 0.1]))}
    drive = _whole(rng, -size // 8, size)
    return _network(g, rng, lif, limits=_limits(g, rng, str(rng.choice(["silent", "steady", "rare", "any"], p=[0.1, 0.1, 0.4, 0.4]))), drive=drive,
                    density=float(rng.choice([0, 0.1, 0.5, 1])), weights=rng.integers(-size, 2 * size, n), v0=rng.integers(-size, size, n) + rest,
                    delay=int(rng.choice([1, _whole(rng, 1, g.max_delay), g.max_delay])), steps=steps, scale=threshold)


def corner(g: CoreGeometry, rng: np.random.Generator, name: str, *, steps: int, delay: int = 1, refractory: int = 0, leak: int = 1) -> Network:
    """A corner.

    ``all`` neurons fire whenever none of them is held; ``one`` fires once, exactly on the threshold; ``some`` fire once; ``silent``: nothing ever
    happens; membranes leave the format at the ``bottom`` or the ``top``; ``echo``: all fire once, and again whenever that has come back.
    """
    q, n = g.format, g.n
    lif = {"threshold": 100, "reset": 0, "rest": 0, "leak": leak, "refractory": refractory}
    limits, drive, weights, v0 = "silent", 0, rng.integers(0, 3, n), np.zeros(n, int)
    if name == "all":
        limits, drive, weights = "steady", 100, rng.integers(-1, 3, n)
    elif name == "one":
        # At rest nothing leaks.
        lif, v0[_whole(rng, 0, n - 1)] = {**lif, "rest": 100, "reset": q.min}, 100
        weights = np.zeros(n, int)
        v0[v0 == 0] = q.min
    elif name == "some":
        v0[:max(1, n - 1)] = q.max
        lif, weights = {**lif, "leak": 1}, np.zeros(n, int)
    elif name == "bottom":
        limits, drive, v0 = "steady", q.min // 4, np.full(n, q.min + 5)
        lif["threshold"], lif["reset"] = q.max - 3, q.max - 9
    elif name == "top":
        limits, drive, v0 = "steady", q.max // 4, np.full(n, q.max - 5)
        lif["threshold"] = q.max
    elif name == "echo":
        v0, weights = np.full(n, q.max), np.full(n, 200)
    return _network(g, rng, lif, limits=_limits(g, rng, limits), drive=drive, density=1.0 if name == "echo" else 0.5, weights=weights, v0=v0,
                    delay=delay, steps=steps, scale=100 * n)


def any_faults(g: CoreGeometry, rng: np.random.Generator) -> StreamFaults | None:
    """Faults of one kind at one point of each channel, where they are compiled in."""
    if g.streams is None or not g.streams.stuck:
        return None
    paths = []
    for _ in range(g.streams.channels):
        path = FaultParams(g.streams.length)
        point, kind = str(rng.choice(POINTS)), str(rng.choice(["stuck0", "stuck1", "flips"]))
        lines = path.lines(point)
        value = _whole(rng, 0, 1 << PROBABILITY_BITS) if kind == "flips" else sum(1 << int(k) for k in rng.choice(lines, 3, replace=False))
        paths.append(replace(path, **{point: PointFaults(**{kind: value})}))
    return StreamFaults(tuple(paths), _whole(rng, 1, 1 << 30))


def _lif(network: Network, **changes) -> Network:
    return network.replace(lif=replace(network.lif, **changes))


#: What a wrong golden model has in place of the network.
DEFECTS = {
    "reset": lambda network: _lif(network, reset=network.lif.reset - 1 if network.lif.reset > network.lif.format.min else network.lif.reset + 1),
    "threshold": lambda network: _lif(network, threshold=min(network.lif.threshold + 1, network.lif.format.max)),
    "refractory": lambda network: _lif(network, refractory=(network.lif.refractory + 1) % 256),
    "delay": lambda network: network.replace(delay=network.delay % 16 + 1),
    "drive": lambda network: network.replace(drive=replace(network.drive, weight=network.drive.weight // 2 + 1)),
    "seed": lambda network: network.replace(seeds=np.roll(network.seeds, 1) ^ np.uint64(1 << 31)),
}
