"""Kernels of the voltage domain: some steps of a run in place, with Python objects, in NumPy and in Numba, to the same bits.

Each takes ``(c, chunk, v, left, wires)``: constants, the steps, membranes and refractory steps left, and the spikes under way; it returns the
number of spikes. The steps are those of `spikegate.translator.voltage`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from spikegate.models.core.engine import BLOCK, emit
from spikegate.models.kernel import aligned, kernel
from spikegate.models.network.network import Network
from spikegate.models.network.rows import Rows, deliver, make_room

__all__ = ["Chunk", "Constants", "Kicks", "Wires", "advance_numba", "advance_numpy", "advance_objects", "collect_spikes", "due", "make_wires",
           "sum_kicks"]


class Constants(NamedTuple):
    """What a kernel needs to know of the parameters: mV, and steps."""

    threshold: float
    reset: float
    rest: float
    leak: float
    decay: float
    noise: float
    exc: float
    inh: float
    refractory: int
    lag: int
    late: bool
    exact: bool


class Chunk(NamedTuple):
    """Some steps: the first one, a row a step of external events and of noise (if any), and the arrays to fill, of which ``trace`` may be empty."""

    first: int
    external: np.ndarray
    noise: np.ndarray
    spikes: np.ndarray
    trace: np.ndarray


class Wires(NamedTuple):
    """The spikes under way, and where they go.

    Parameters
    ----------
    ring, counts : numpy.ndarray
        Spikes of the last steps, (delay, n), and how many there are of each, (delay,).
    total : numpy.ndarray
        Spikes due at each neuron, both populations in a word, (n,).
    rows : Rows
        As `Network.rows`.
    unit : numpy.ndarray
        What a spike of each source adds to ``total``: 1, or 1 << shift for inhibitory ones, (n,).
    shift : int
        Position of the inhibitory count in ``total``.
    """

    ring: np.ndarray
    counts: np.ndarray
    total: np.ndarray
    rows: Rows
    unit: np.ndarray
    shift: int


class Kicks(Protocol):
    """What a spike adds, mV; of all neurons, or of each."""

    @property
    def exc(self) -> float | np.ndarray:
        """Of an excitatory one."""

    @property
    def inh(self) -> float | np.ndarray:
        """Of an inhibitory one, positive."""


def make_wires(network: Network) -> Wires:
    """No spikes under way."""
    n, delay = network.n, network.delay
    shift = 16 if n < 1 << 16 else 32  # 32 bits hold both counts as long as no in-degree reaches 2^16
    dtype = np.uint32 if shift == 16 else np.int64
    return Wires(np.zeros((delay, n), np.int32), np.zeros(delay, np.int64), aligned(np.zeros(n, dtype)), network.rows,
                 np.repeat(np.array([1, 1 << shift], dtype), [network.n_exc, network.n_inh]), shift)


def collect_spikes(wires: Wires, lag: int, t: int) -> None:
    """Add the spikes of step ``t - lag`` to ``total``."""
    slot, rows = (t - lag) % len(wires.counts), wires.rows
    for k in range(wires.counts[slot]):
        source = wires.ring[slot, k]
        first, last = rows.indptr[source], rows.indptr[source + 1]
        wires.total[rows.indices[first:last]] += wires.unit[source]  # targets of a source do not repeat


def sum_kicks(c: Kicks, wires: Wires, external: np.ndarray) -> np.ndarray:
    """The kick of each neuron, mV, from ``total``, which becomes 0, and a row of external events."""
    total, shift = wires.total, wires.shift
    kick = c.exc * ((total & ((1 << shift) - 1)) + external.astype(np.int64)) - c.inh * (total >> shift)
    total[:] = 0
    return np.asarray(kick)


def _emit(c: Constants, wires: Wires, t: int, spiked: np.ndarray, v: np.ndarray, left: np.ndarray, spikes: np.ndarray, found: int) -> int:
    emitted = np.flatnonzero(spiked)
    v[emitted], left[emitted] = c.reset, c.refractory
    slot = t % len(wires.counts)
    wires.ring[slot, :len(emitted)], wires.counts[slot] = emitted, len(emitted)
    spikes[found:found + len(emitted), 0], spikes[found:found + len(emitted), 1] = t, emitted
    return found + len(emitted)


def advance_numpy(c: Constants, chunk: Chunk, v: np.ndarray, left: np.ndarray, wires: Wires) -> int:
    """With arrays of neurons."""
    first, external, noise, spikes, trace = chunk
    found = 0
    for s in range(len(external)):
        t = first + s
        held = left > 0
        if not c.late:
            collect_spikes(wires, c.lag, t)
            np.add(v, sum_kicks(c, wires, external[s]), out=v, where=~held)
        left -= held
        free = left == 0
        leaked = c.rest + (v - c.rest) * c.decay if c.exact else v + c.leak * (c.rest - v)
        if c.noise:
            leaked += c.noise * noise[s]
        np.copyto(v, leaked, where=free)
        spiked = free & (v > c.threshold)
        found = _emit(c, wires, t, spiked, v, left, spikes, found)
        if c.late:
            collect_spikes(wires, c.lag, t)
            np.add(v, sum_kicks(c, wires, external[s]), out=v, where=free & ~spiked)
        if len(trace):
            trace[s] = v
    return found


def advance_objects(neurons: Sequence[Any], c: Constants, chunk: Chunk, v: np.ndarray, left: np.ndarray, wires: Wires) -> int:
    """With an object a neuron, `spikegate.translator.voltage_neuron.StochasticLIFNeuron`, which draws its own noise."""
    first, external, _, spikes, trace = chunk
    found = 0
    for s in range(len(external)):
        t, spiked = first + s, np.zeros(len(neurons), bool)
        if not c.late:
            collect_spikes(wires, c.lag, t)
            for neuron, kick in zip(neurons, sum_kicks(c, wires, external[s]).tolist()):
                neuron.v += kick
        for i, neuron in enumerate(neurons):
            spiked[i] = neuron.step(0.0)
        found = _emit(c, wires, t, spiked, v, left, spikes, found)
        if c.late:
            collect_spikes(wires, c.lag, t)
            for neuron, kick, spike in zip(neurons, sum_kicks(c, wires, external[s]).tolist(), spiked):
                if not (spike or neuron.left):
                    neuron.v += kick
        if len(trace):
            trace[s] = [neuron.v for neuron in neurons]
    v[:] = [neuron.v for neuron in neurons]
    return found


@kernel
def due(ring: np.ndarray, counts: np.ndarray, lag: int, t: int) -> np.ndarray:
    """Sources of the spikes of step ``t - lag``."""
    slot = (t - lag) % len(counts)
    return ring[slot, :counts[slot]]


@kernel
def _kick(c: Constants, v: np.ndarray, left: np.ndarray, spiked: np.ndarray, total: np.ndarray, external: np.ndarray, shift: int) -> None:
    mask = (np.int64(1) << shift) - 1
    for i in range(len(v)):
        x = np.int64(total[i])
        kick = c.exc * np.float64((x & mask) + np.int64(external[i])) - c.inh * np.float64(x >> shift)
        v[i] = v[i] + kick if (left[i] == 0) & (spiked[i] == 0) else v[i]
        total[i] = 0


@kernel(inline="always")
def _settle(i: int, c: Constants, y: float, v: np.ndarray, left: np.ndarray, spiked: np.ndarray) -> None:
    """The membrane becomes ``y`` unless the neuron is held, and the reset if that is above the threshold."""
    after = np.uint8(left[i] - np.uint8(left[i] > 0))
    spike = (after == 0) & (y > c.threshold)
    v[i] = c.reset if spike else y if after == 0 else v[i]
    left[i] = np.uint8(c.refractory) if spike else after
    spiked[i] = spike


@kernel
def _leak(c: Constants, v: np.ndarray, left: np.ndarray, spiked: np.ndarray, noise: np.ndarray) -> None:
    # A loop for each kind of leak, without branches, so that the compiler can work on several neurons at once.
    if c.exact:
        for i in range(len(v)):
            _settle(i, c, c.rest + (v[i] - c.rest) * c.decay, v, left, spiked)
    elif c.noise:
        for i in range(len(v)):
            _settle(i, c, v[i] + c.leak * (c.rest - v[i]) + c.noise * noise[i], v, left, spiked)
    else:
        for i in range(len(v)):
            _settle(i, c, v[i] + c.leak * (c.rest - v[i]), v, left, spiked)


@kernel
def advance_numba(c: Constants, chunk: Chunk, v: np.ndarray, left: np.ndarray, wires: Wires) -> int:
    """Compiled."""
    first, external, noise, spikes, trace = chunk
    ring, counts, total, rows, unit, shift = wires
    found, n, room = 0, len(v), make_room(rows)
    groups = np.zeros(-(-n // 8), np.uint64)
    spiked, silent = groups.view(np.uint8), np.zeros(n, np.uint8)
    for s in range(len(external)):
        t, row, xi = first + s, external[s], noise[s] if c.noise else v
        if not c.late:
            deliver(total, unit, due(ring, counts, c.lag, t), rows, room)
        for begin in range(0, n, BLOCK):
            end = min(begin + BLOCK, n)
            if not c.late:
                _kick(c, v[begin:end], left[begin:end], silent[begin:end], total[begin:end], row[begin:end], shift)
            _leak(c, v[begin:end], left[begin:end], spiked[begin:end], xi[begin:end])
        slot = t % len(counts)
        counts[slot] = emit(groups, 0, n, ring[slot], 0)
        for k in range(counts[slot]):
            spikes[found + k, 0], spikes[found + k, 1] = t, ring[slot, k]
        found += counts[slot]
        if c.late:
            deliver(total, unit, due(ring, counts, c.lag, t), rows, room)
            _kick(c, v, left, spiked, total, row, shift)
        if len(trace):
            trace[s] = v
    return found
