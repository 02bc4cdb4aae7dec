"""Golden model of a network of point neurons: `PointNetwork` in, recording out, integers alone.

Step t, for every neuron: what is due at its ports, its external events on top; then its own step. Spikes, the recorded ones of step t among them,
are due at t + delay, each synapse by its own.
"""

from typing import NamedTuple

import numpy as np

from spikegate.models.core.engine import aligned
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.network.engine import Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.network.synapses import Synapses, collect
from spikegate.models.neuron.bernoulli import BernoulliNeuron, bernoulli_step
from spikegate.models.neuron.linear import MAX_CURRENTS, linear_step
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.lfsr import leap_once

__all__ = ["ROWS", "run", "require_point_network", "Units"]

CHUNK = 512
#: Rows of the state array, by name; what comes after are currents.
ROWS = ("v", "hold", "overflow", "fired")
LINEAR, BERNOULLI = 0, 1


class Units(NamedTuple):
    """Populations as arrays, all of one type whatever their number.

    Parameters
    ----------
    bounds : numpy.ndarray
        int64 (populations + 1,): first neurons.
    which : numpy.ndarray
        int64 (populations,): `LINEAR` or `BERNOULLI`.
    kinds : numpy.ndarray
        int64 (populations, 10): constants of the neuron, `LinearNeuron.constants`.
    table : numpy.ndarray
        int64 (all sets, columns).
    place : numpy.ndarray
        int64 (n,): each neuron's set in the table.
    drives : numpy.ndarray
        int64 (populations, 6): whether it draws at all, port, weight, offset, first limit, last limit.
    limits : numpy.ndarray
        uint32, those of all drives.
    """

    bounds: np.ndarray
    which: np.ndarray
    kinds: np.ndarray
    table: np.ndarray
    place: np.ndarray
    drives: np.ndarray
    limits: np.ndarray


def units(network: PointNetwork) -> Units:
    """The arrays of a network."""
    columns = max(len(each.neuron.columns) for each in network.populations)
    tables, index, drives, limits, at, limit = [], [], [], [np.empty(0, np.uint32)], 0, 0
    for each in network.populations:
        tables.append(np.pad(each.sets, ((0, 0), (0, columns - each.sets.shape[1]))))
        index.append(at + each.index.astype(np.int64))
        at += len(each.sets)
        if each.drive is None:
            drives.append([int(each.draws), 0, 0, 0, limit, limit])
            continue
        size = len(each.drive.table.limits)
        drives.append([1, each.neuron.ports.index(each.drive.port), each.drive.table.weight, each.drive.offset, limit, limit + size])
        limits.append(each.drive.table.limits)
        limit += size
    return Units(np.array([*network.firsts, network.n], np.int64),
                 np.array([BERNOULLI if isinstance(each.neuron, BernoulliNeuron) else LINEAR for each in network.populations], np.int64),
                 np.stack([each.neuron.constants() for each in network.populations]), np.concatenate(tables), np.concatenate(index),
                 np.array(drives, np.int64), np.concatenate(limits))


@kernel
def _update(units: Units, state: np.ndarray, seeds: np.ndarray, inputs: np.ndarray, shifts: tuple[np.uint64, ...], masks: np.ndarray,
            emitted: np.ndarray, events: np.ndarray) -> int:
    """One step of every neuron; spiking ones in ``emitted``, whose number it returns. Inputs are consumed."""
    found = 0
    for u in range(len(units.which)):
        s, drive = units.kinds[u], units.drives[u]
        for i in range(units.bounds[u], units.bounds[u + 1]):
            uniform, random = np.int64(0), np.int64(0)
            if drive[0]:
                before = seeds[i]
                seeds[i] = leap_once(before, shifts, masks[0], masks[1], masks[2])
                uniform = np.int64(np.uint32(before))
                random = np.int64((before >> np.uint64(UNIFORM_BITS)) & ((np.uint64(1) << np.uint64(s[1])) - np.uint64(1)))
            count = drive[3]
            for k in range(drive[4], drive[5]):
                if uniform <= np.int64(units.limits[k]):
                    break
                count += 1
            events[i] = count
            if units.which[u] == BERNOULLI:
                spike = bernoulli_step(units.table, units.place[i], uniform)
            else:
                inputs[drive[1], i] += count * drive[2]
                spike = linear_step(state, i, inputs, units.table, units.place[i], s, random)
            for port in range(len(inputs)):
                inputs[port, i] = 0
            if spike:
                emitted[found] = i
                found += 1
    return found


@kernel
def _advance(first: int, steps: int, units: Units, state: np.ndarray, seeds: np.ndarray, inputs: np.ndarray, shifts: tuple[np.uint64, ...],
             masks: np.ndarray, ring: np.ndarray, counts: np.ndarray, synapses: Synapses, given: np.ndarray, spikes: np.ndarray,
             trace: np.ndarray, events: np.ndarray) -> int:
    """``steps`` steps in place; the number of spikes written. ``trace`` is (steps, rows, n) or empty, ``events`` (steps or 1, n)."""
    found, at, lags = 0, 0, len(counts)
    for k in range(steps):
        t = first + k
        collect(t, ring, counts, synapses, inputs)
        slot = t % lags
        count = _update(units, state, seeds, inputs, shifts, masks, ring[slot], events[k % len(events)])
        for j in range(count):
            spikes[found, 0], spikes[found, 1] = t, ring[slot, j]
            found += 1
        while at < len(given) and given[at, 0] == t:
            ring[slot, count] = given[at, 1]
            count += 1
            at += 1
        counts[slot] = count
        if len(trace):
            trace[k] = state
    return found


def require_point_network(network: object) -> None:
    """Raise `InputError` unless it is one."""
    if not isinstance(network, PointNetwork):
        raise InputError(f"Network must be a PointNetwork, not {type(network).__name__}; make one with spikegate.Builder or PointNetwork.of")


def run(network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
    """Run the golden model.

    Parameters
    ----------
    network : PointNetwork
    trace : bool
        Record every state and ``events``, the external ones, at every step: (steps, n), 0 where a neuron has no such state.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Raises
    ------
    InputError
        If it is no such network.
    """
    require_point_network(network)
    n, steps, lfsr = network.n, network.steps, network.lfsr
    state = np.zeros((len(ROWS) + MAX_CURRENTS, n), np.int32)
    names = list(dict.fromkeys(name for each in network.populations for name in each.neuron.state))
    places = {each.name: {name: ROWS.index(name) if name in ROWS else len(ROWS) + each.neuron.ports.index(name) for name in each.neuron.state}
              for each in network.populations}
    for each, first in zip(network.populations, network.firsts):
        for name, values in each.initial.items():
            state[places[each.name][name], first:first + each.size] = values
    synapses, seeds, given = network.synapses, aligned(network.seeds), network.input_events
    ring = np.zeros((int(synapses.delays.max(initial=0)) + 1, n + network.channels), np.int32)
    counts, inputs = np.zeros(len(ring), np.int64), np.zeros((MAX_CURRENTS, n), np.int32)
    shifts, masks = tuple(np.uint64(tap - lfsr.leap) for tap in lfsr.taps), np.array([lfsr.leap, (1 << lfsr.leap) - 1, lfsr.mask], np.uint64)
    made, buffer, spikes = units(network), np.empty((min(CHUNK, steps) * n, 2), np.int32), []
    kept: dict[str, np.ndarray] = {name: np.zeros((steps, n), np.int32) for name in names} if trace else {}
    events = np.zeros((steps if trace else 1, n), np.int32)

    def named(found: np.ndarray, name: str) -> np.ndarray:
        """A state of all neurons, of an array (..., rows, n)."""
        values = np.zeros((*found.shape[:-2], n), np.int32)
        for each, first in zip(network.populations, network.firsts):
            if name in each.neuron.state:
                values[..., first:first + each.size] = found[..., places[each.name][name], first:first + each.size]
        return values

    bounds = np.searchsorted(given[:, 0], np.arange(0, steps + CHUNK, CHUNK))
    for chunk, first in enumerate(range(0, steps, CHUNK)):
        last = min(first + CHUNK, steps)
        rows = np.empty((last - first if trace else 0, *state.shape), np.int32)
        found = _advance(first, last - first, made, state, seeds, inputs, shifts, masks, ring, counts, synapses,
                         given[bounds[chunk]:bounds[chunk + 1]], buffer, rows, events[first:last] if trace else events)
        spikes.append(buffer[:found].copy())
        for name in kept:
            kept[name][first:last] = named(rows, name)
        if progress:
            progress(last / steps)
    return Recording("golden", n, steps, np.concatenate(spikes), {**{name: named(state, name) for name in names}, "lfsr": seeds},
                     {**kept, "events": events} if trace else {}, provenance={"network": network.hash}, dt_ns=network.dt_ns)
