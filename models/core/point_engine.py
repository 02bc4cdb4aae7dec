"""Golden model of a network of point neurons: `PointNetwork` in, recording out, integers alone.

Step t, for every neuron: what is due at its ports, its external events on top; then its own step. Spikes, the recorded ones of step t among them,
are due at t + delay, each synapse by its own.
"""

from typing import Any, NamedTuple

import numpy as np

from spikegate.models.core.engine import draw
from spikegate.models.core.point_units import (
    ADAPTIVE,
    BERNOULLI,
    IZHIKEVICH,
    Room,
    Units,
    make_inputs,
    make_room,
    make_state,
    make_units,
    register,
    state_row,
    state_rows,
)
from spikegate.models.errors import InputError
from spikegate.models.kernel import aligned, kernel
from spikegate.models.network.engine import Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.network.synapses import Synapses, collect, of_port
from spikegate.models.neuron.adaptive_linear import adaptive_linear_step
from spikegate.models.neuron.bernoulli import bernoulli_step
from spikegate.models.neuron.izhikevich import izhikevich_steps
from spikegate.models.neuron.linear import linear_step, noisy_linear_step
from spikegate.models.neuron.linear_steps import linear_steps
from spikegate.models.numeric.drive import UNIFORM_BITS, count_events

__all__ = ["run", "require_point_network"]

CHUNK = 512


class Run(NamedTuple):
    """A run under way: the network, its state, and the spikes that are still due, int32 (lags, sources), with their number, int64 (lags,)."""

    units: Units
    synapses: Synapses
    lfsr: tuple[Any, ...]
    state: tuple[np.ndarray, ...]
    seeds: np.ndarray
    inputs: tuple[np.ndarray, ...]
    ring: np.ndarray
    counts: np.ndarray
    room: Room


@kernel
def _draw(run: Run, u: int, events: np.ndarray) -> None:
    """Uniform numbers, random bits, external events and noise of a population; events are added to the inputs."""
    units, room = run.units, run.room
    first, last, drive, bits = units.bounds[u], units.bounds[u + 1], units.drives[u], np.uint64(units.kinds[u, 1])
    if units.kinds[u, 2] == 2:
        for i in range(first, last):
            room.random[i] = np.int64((run.seeds[i] >> np.uint64(UNIFORM_BITS)) & ((np.uint64(1) << bits) - np.uint64(1)))
    noise = units.noises[u]
    if noise[3] > noise[2]:
        for i in range(first, last):
            room.upper[i] = np.uint32(run.seeds[i] >> np.uint64(UNIFORM_BITS))
    draw(run.seeds[first:last], units.limits[drive[4]:drive[5]], run.lfsr, room.uniform[first:last], room.events[first:last])
    port = of_port(run.inputs, drive[1])
    for i in range(first, last):
        events[i] = drive[3] + room.events[i]
        port[i] += np.int32(events[i] * drive[2])
    if noise[3] > noise[2]:
        count_events(room.upper[first:last], units.limits[noise[2]:noise[3]], room.events[first:last])
        for i in range(first, last):
            room.flow[i] = (np.int64(room.events[i]) - noise[1]) * noise[0]


@kernel
def _update(run: Run, emitted: np.ndarray, events: np.ndarray) -> int:
    """One step of every neuron; spiking ones in ``emitted``, whose number it returns. Inputs are consumed."""
    units, room, found = run.units, run.room, 0
    spiked = room.spiked
    for u in range(len(units.which)):
        s, first, last = units.kinds[u], units.bounds[u], units.bounds[u + 1]
        if units.drives[u, 0]:
            _draw(run, u, events)
        if units.noises[u, 3] == units.noises[u, 2]:
            room.flow[first:last] = 0
        if units.which[u] == BERNOULLI:
            for i in range(first, last):
                spiked[i] = bernoulli_step(units.table, units.place[i], room.uniform[i])
        elif units.which[u] == IZHIKEVICH:
            izhikevich_steps((first, last), run.state, run.inputs[0], units.table, units.place, s, spiked)
        elif units.which[u] == ADAPTIVE:
            for i in range(first, last):
                spiked[i] = adaptive_linear_step(run.state, i, run.inputs, units.table, units.place[i], s, room.flow[i])
        elif s[2] == 2:
            for i in range(first, last):
                spiked[i] = linear_step(run.state, i, run.inputs, units.table, units.place[i], s, room.random[i])
        elif s[11] != 1:
            for i in range(first, last):
                spiked[i] = noisy_linear_step(run.state, i, run.inputs, units.table, units.place[i], s, room.flow[i])
        else:
            linear_steps((first, last), run.state, run.inputs, units.sets, (units.ranges[u], units.ranges[u + 1]), s, room.flow, spiked)
    run.inputs[0][:] = 0
    run.inputs[1][:] = 0
    run.inputs[2][:] = 0
    for group in range(len(room.groups)):
        if room.groups[group]:
            for i in range(8 * group, 8 * group + 8):
                if spiked[i]:
                    emitted[found] = i
                    found += 1
    return found


@kernel
def _advance(run: Run, first: int, steps: int, given: np.ndarray, spikes: np.ndarray, trace: np.ndarray, events: np.ndarray) -> int:
    """``steps`` steps in place; the number of spikes written. ``trace`` is (steps, rows, n) or empty, ``events`` (steps or 1, n)."""
    found, at, lags = 0, 0, len(run.counts)
    for k in range(steps):
        t = first + k
        collect(t, run.ring, run.counts, run.synapses, run.inputs, run.room.runs)
        slot = t % lags
        emitted = run.ring[slot]
        count = _update(run, emitted, events[k % len(events)])
        for j in range(count):
            spikes[found, 0], spikes[found, 1] = t, emitted[j]
            found += 1
        while at < len(given) and given[at, 0] == t:
            emitted[count] = given[at, 1]
            count += 1
            at += 1
        run.counts[slot] = count
        if len(trace):
            for row in range(trace.shape[1]):
                trace[k, row] = run.state[row]
    return found


def require_point_network(network: object) -> None:
    """Raise `InputError` unless it is one."""
    if not isinstance(network, PointNetwork):
        raise InputError(f"Network must be a PointNetwork, not {type(network).__name__}; make one with spikegate.Builder or PointNetwork.of")


def _named(network: PointNetwork, name: str, rows: np.ndarray) -> np.ndarray:
    """A state of all neurons, 0 where a neuron has none of this name, of an array (..., rows, n)."""
    values = np.zeros((*rows.shape[:-2], network.n), np.int32)
    for each, first in zip(network.populations, network.firsts):
        if name in each.neuron.state:
            values[..., first:first + each.size] = rows[..., state_row(each.neuron, name), first:first + each.size]
    return values


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
    n, steps, synapses = network.n, network.steps, network.synapses
    names = network.states
    lags = int(synapses.delays.max(initial=0)) + 1
    under_way = Run(make_units(network), synapses, register(network), make_state(network), aligned(network.seeds),
                    make_inputs(network), np.zeros((lags, n + network.channels), np.int32),
                    np.zeros(lags, np.int64), make_room(network))
    given, buffer, spikes = network.input_events, np.empty((min(CHUNK, steps) * n, 2), np.int32), []
    kept: dict[str, np.ndarray] = {name: np.zeros((steps, n), np.int32) for name in names} if trace else {}
    events = np.zeros((steps if trace else 1, n), np.int32)
    bounds = np.searchsorted(given[:, 0], np.arange(0, steps + CHUNK, CHUNK))
    for chunk, first in enumerate(range(0, steps, CHUNK)):
        last = min(first + CHUNK, steps)
        rows = np.empty((last - first if trace else 0, state_rows(network), n), np.int32)
        now = given[bounds[chunk]:bounds[chunk + 1]]
        found = _advance(under_way, first, last - first, now, buffer, rows, events[first:last] if trace else events)
        spikes.append(buffer[:found].copy())
        for name, values in kept.items():
            values[first:last] = _named(network, name, rows)
        if progress:
            progress(last / steps)
    final = {name: _named(network, name, np.stack(under_way.state[:state_rows(network)])) for name in names}
    return Recording("golden", n, steps, np.concatenate(spikes), {**final, "lfsr": under_way.seeds}, {**kept, "events": events} if trace else {},
                     provenance={"network": network.hash}, dt_ns=network.dt_ns)
