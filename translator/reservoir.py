"""A recurrent layer of bitstreams as a reservoir: every neuron's state is a probability, and every synapse an AND gate on two real streams.

A state x in -1..1 is carried by the probability p = (1 + x) / 2, P = p * 2^16 a whole number. A synapse's weight is a probability too, |w| / max |w|,
and its sign belongs to its source, so that excitatory and inhibitory ones are counted apart. In one step each neuron j makes a stream of L bits,
and each synapse k from j to i has one, made once:

    state_j = (a_t < P_j)     weight_k = (b_t < |w_k| / max |w| * 2^16)     t = 0 .. L-1
    count_i = sum over k of sign_k * (2 popcount(state_j & weight_k) - popcount(weight_k))
    x_i' = tanh(gain * count_i / L + drive_i),     P_i' = table of it: round(2^16 (1 + tanh) / 2)

The expectation of count_i / L is sum of w_k x_j / max |w|: twice the product of p less the weight is its product with x. gain is
radius * max |w| / (spectral radius of the network's own matrix), so that the matrix in front of x has the spectral radius asked for.

a_t is window j mod (2^16 / L) of Sobol dimension 0 and b_t window k mod (2^16 / L) of dimension 1. Any two such windows are a net of L
points, so that popcount(state & weight) is the product times L within log2(L)/2 + 3/2 (Niederreiter 1992); independent bits deviate by up to
sqrt(L)/4. A neuron takes the same window in every step: the layer is a fixed map, and the error of a product a function of its factors.

A state of step t is read in step t + delay; before step 0 all are the initial state. With a delay of D steps the layer is D interleaved
reservoirs, so that tasks want a delay of one step. The neurons have neither threshold nor reset, and no spikes.

Echo-state networks: Jaeger, GMD report 148 (2001). Bitstreams: Gaines, Advances in Information Systems Science 2, 37 (1969).
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from spikegate.models.checks import real_array, real_numbers, whole_numbers
from spikegate.models.core.engine import external_events
from spikegate.models.core.windows import ones
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.encoder import PROBABILITY_BITS, threshold
from spikegate.models.streams.planes import below, below_each, sobol_planes
from spikegate.translator.voltage import chunks, parameters

__all__ = ["SCRecurrentLayer", "run"]

ONE = 1 << PROBABILITY_BITS
#: Entries of the table of tanh a unit of its argument, and its end: beyond 6 the rounded value is 0 or 2^16.
FINE, END = 8192, 6
TANH = np.floor(ONE * (1 + np.tanh(np.arange(-END * FINE, END * FINE + 1) / FINE)) / 2 + 0.5).astype(np.int64)
#: A dense matrix of more neurons does not fit.
MAX_NEURONS = 4000


class Layer(NamedTuple):
    """What the compiled steps need to know of the layer: streams of states uint64 (windows, 16, words) and of synapses uint64 (synapses * words,),
    what a neuron's count is less by and its sign, the connectivity, and the table of tanh with its entries a unit.
    """

    gain: float
    planes: np.ndarray
    streams: np.ndarray
    offset: np.ndarray
    sign: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    table: np.ndarray
    fine: float


@kernel
def _advance(layer: Layer, history: np.ndarray, first: int, drive: np.ndarray, found: np.ndarray) -> None:
    """Steps of the layer; ``history`` int64 (delay, n) and ``found`` int64 (steps, n) hold thresholds."""
    gain, planes, streams, offset, sign, indptr, indices, table, fine = layer
    n, words = history.shape[1], planes.shape[2]
    stream, total, middle = np.empty(words, np.uint64), np.empty(n, np.int64), len(table) // 2
    for s in range(len(drive)):
        state = history[(first + s) % len(history)]
        total[:] = -offset
        for j in range(n):
            below(planes[j % len(planes)], state[j], stream)
            for k in range(indptr[j], indptr[j + 1]):
                count = np.int64(0)
                for w in range(words):
                    count += ones(stream[w] & streams[k * words + w])
                total[indices[k]] += 2 * sign[j] * count
        for i in range(n):
            place = np.floor((gain * np.float64(total[i]) / np.float64(64 * words) + drive[s, i]) * fine + 0.5)
            state[i] = table[middle + np.int64(min(max(place, -np.float64(middle)), np.float64(middle)))]
        found[s] = state


@kernel
def _exact(history: np.ndarray, first: int, drive: np.ndarray, weights: np.ndarray, indptr: np.ndarray, indices: np.ndarray,
           found: np.ndarray) -> None:
    """The same with x in float64 and exact products; ``weights`` (n,) of each source, gain included."""
    n = history.shape[1]
    for s in range(len(drive)):
        state, total = history[(first + s) % len(history)], drive[s].copy()
        for j in range(n):
            for k in range(indptr[j], indptr[j + 1]):
                total[indices[k]] += weights[j] * state[j]
        for i in range(n):
            state[i] = np.tanh(total[i])
        found[s] = state


class SCRecurrentLayer:
    """The reservoir of a network.

    Parameters
    ----------
    network : Network
        At most 4000 neurons, with parameters in physical units; connectivity, delay, weights and their signs are used.
    length : int
        L, a power of two, 64..2^16.
    radius : float
        Spectral radius of the matrix in front of x, above 0.
    dimensions : tuple of int
        Sobol dimensions, 0..31, of states and weights; from one and the same an AND gate makes the minimum instead of the product.

    Attributes
    ----------
    gain : float
        In front of count / L.
    own_radius : float
        Spectral radius of the network's own matrix, mV.
    state : numpy.ndarray
        int64 (delay, n): thresholds 0..2^16 of the last steps, ring; starts at 2^15, x = 0.

    Raises
    ------
    InputError
        With every parameter that is out of range, and as `spikegate.translator.voltage.parameters`.
    """

    def __init__(self, network: Network, *, length: int = 256, radius: float = 0.95, dimensions: tuple[int, int] = (0, 1)) -> None:
        bp, (length,), (radius,) = parameters(network), whole_numbers(length=length), real_numbers(radius=radius)
        n, problems = network.n, Problems()
        if np.shape(dimensions) != (2,):
            raise InputError(f"Sobol dimensions must be two, of states and of weights, not {dimensions!r}")
        problems.require(64 <= length <= ONE and length & (length - 1) == 0, f"Stream length must be a power of two in 64..{ONE}, not {length}")
        problems.require(0 < radius < math.inf, f"Spectral radius must be finite and above 0, not {radius}")
        problems.require(n <= MAX_NEURONS, f"Reservoir must have at most {MAX_NEURONS} neurons, not {n}: its spectral radius needs a dense matrix")
        problems.raise_any()
        self.n, self.delay, self.length, self.radius = n, network.delay, length, radius
        self.indptr, self.indices = network.indptr.astype(np.int64), network.indices.astype(np.int64)
        sources = np.repeat(np.arange(n), np.diff(self.indptr))
        self.weights = np.repeat([float(bp.weight_exc), -float(bp.weight_inh)], [network.n_exc, network.n_inh])
        matrix = np.zeros((n, n))
        matrix[self.indices, sources] = self.weights[sources]
        self.own_radius = float(np.abs(np.linalg.eigvals(matrix)).max())
        largest = float(np.abs(self.weights).max())
        if self.own_radius < 1e-9 * largest:
            raise InputError(f"Network's spectral radius must be above 0, not {self.own_radius}: it has no loop; use another connectivity")
        self.gain, self._sign = radius * largest / self.own_radius, np.sign(self.weights).astype(np.int64)
        windows = ONE // length
        states, weights = (sobol_planes(SobolParams(dimension), length, 0, windows) for dimension in dimensions)
        levels = np.array([threshold(abs(weight) / largest) for weight in self.weights.tolist()])
        streams, rows = np.empty((len(self.indices), length // 64), np.uint64), np.empty((windows, length // 64), np.uint64)
        for level in set(levels.tolist()):
            below_each(weights, np.full(windows, level), rows)
            mine = np.flatnonzero(levels[sources] == level)
            streams[mine] = rows[mine % windows]
        counts = np.bitwise_count(streams).sum(axis=1, dtype=np.int64) * self._sign[sources]
        self._streams, self._planes, self._offset = streams.ravel(), states, np.bincount(self.indices, counts, n).astype(np.int64)
        self.state, self.steps = np.full((self.delay, n), ONE // 2), 0

    def reset(self, p: np.ndarray | float = 0.5) -> None:
        """All states of the past become p, 0..1, (n,) or one for all, rounded to 2^-16."""
        p = real_array("Initial states", p)
        if p.shape not in ((), (self.n,)):
            raise InputError(f"Initial states must be {self.n} probabilities or one for all, not of shape {p.shape}")
        p = np.broadcast_to(p, self.n)
        if not np.all((p >= 0) & (p <= 1)):
            raise InputError(f"Initial states must be in 0..1, not {p.min()}..{p.max()}; they are probabilities, (1 + x) / 2")
        self.state, self.steps = np.tile(np.floor(p * ONE + 0.5).astype(np.int64), (self.delay, 1)), 0

    def _checked(self, drive: np.ndarray) -> np.ndarray:
        drive = np.ascontiguousarray(real_array("Drive", drive))
        if drive.ndim != 2 or drive.shape[1] != self.n:
            raise InputError(f"Drive must have the shape (steps, {self.n}), not {drive.shape}; one number a neuron and step")
        if not np.isfinite(drive).all():
            raise InputError("Drive must be finite numbers, not NaN or infinity; scale the input first")
        return drive

    def run(self, drive: np.ndarray) -> np.ndarray:
        """Advance by ``drive``, (steps, n), what is added to the argument of tanh; returns the states p after each step, float64 (steps, n)."""
        drive = self._checked(drive)
        found = np.empty(drive.shape, np.int64)
        layer = Layer(self.gain, self._planes, self._streams, self._offset, self._sign, self.indptr, self.indices, TANH, float(FINE))
        _advance(layer, self.state, self.steps, drive, found)
        self.steps += len(drive)
        states: np.ndarray = found / ONE
        return states

    def run_float(self, drive: np.ndarray, p: np.ndarray | float = 0.5) -> np.ndarray:
        """The echo-state network of the same matrix and drive in float64, from initial states p; as `run`. The layer's own state stays."""
        drive = self._checked(drive)
        history, found = np.tile(2 * np.broadcast_to(np.asarray(p, float), self.n) - 1, (self.delay, 1)), np.empty(drive.shape)
        _exact(history, 0, drive, self.radius / self.own_radius * self.weights, self.indptr, self.indices, found)
        return (1 + found) / 2


def run(network: Network, *, length: int = 256, radius: float = 0.95, strength: float = 0.1, trace: bool = False,
        progress: Callable[[float], None] | None = None) -> Recording:
    """Run the network as a reservoir that its external events drive.

    drive_i = strength * (events_i - m) / sqrt(m), m the mean number of a neuron's events in a step, 0 if there is no drive. The initial state
    is p = (v0 - v_rest) / (v_threshold - v_rest), the initial membrane between rest and threshold.

    Parameters
    ----------
    network : Network
        As for `spikegate.translator.voltage.run`, at most 4000 neurons.
    length, radius : int, float
        As for `SCRecurrentLayer`.
    strength : float
        Of the drive, finite.
    trace : bool
        Record ``state`` at every step.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Returns
    -------
    Recording
        Without spikes. ``final["state"]``, p in 0..1, float64 (n,); ``trace["state"]`` (steps, n).

    Raises
    ------
    InputError
        As `SCRecurrentLayer`, and if initial membranes are outside rest..threshold.
    """
    strength, = real_numbers(strength=strength)
    bp, n, steps, began = parameters(network), network.n, network.steps, time.process_time()
    events, drawn = external_events(network), time.process_time()
    layer = SCRecurrentLayer(network, length=length, radius=radius)
    layer.reset((network.v0 / network.lif.format.one - bp.v_rest) / (bp.v_threshold - bp.v_rest))
    mean = float(bp.external_probability) * bp.c_exc
    traced = np.empty((steps if trace else 0, n))
    for now in chunks(steps, progress):
        states = layer.run(strength * (events[now] - mean) / math.sqrt(mean) if mean else np.zeros((now.stop - now.start, n)))
        if trace:
            traced[now] = states
    provenance = {"length": length, "radius": radius, "strength": strength, "draw_s": drawn - began, "run_s": time.process_time() - drawn,
                  "network": network.hash}  # hashed off the clock
    return Recording("reservoir", n, steps, np.empty((0, 2), np.int32), {"state": states[-1]}, {"state": traced} if trace else {},
                     provenance=provenance, dt_ns=network.dt_ns)
