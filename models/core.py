"""Golden model of the network core: a frozen network in, a recording out, the same integers as the hardware.

One step, for every neuron: draw the external events, sum ``input + events * weight``, advance the neuron. Then every
spike that is due, that of step t + 1 - delay, adds its source's weight to the input of its targets, which the next
step consumes. Input sums are exact modulo 2^(width+4), and a network's own cannot leave that range, so that the order of
delivery does not matter. Nothing here knows of lanes.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numba import njit

from spikegate.models.drive import UNIFORM_BITS, WALK, count_events, walk_groups
from spikegate.models.errors import InputError
from spikegate.models.lfsr import leap_once
from spikegate.models.lif import INPUT_GUARD_BITS, lif_step, lif_steps
from spikegate.models.network import Network
from spikegate.models.recording import Recording

__all__ = ["CYCLES_PER_STEP", "update", "make_scratch", "record", "simulate", "run", "external_events", "require_own_drive", "due_spikes",
           "store_rows", "predict_cycles"]

CHUNK = 256
#: Neurons whose update stays in the nearest cache.
BLOCK = 1024
#: Cycles of a step that depend on neither lanes nor spikes, for a drive table of depth 0; see `predict_cycles`.
CYCLES_PER_STEP = 9
#: Cycles of a step and of a spike that a store adds; see `predict_cycles`.
STORE_EXTRA, STORE_SPIKE = 1, 4


@njit(cache=True, inline="always")
def update(t, v, hold, overflow, state, current, limits, drive_weight, p, lfsr, emitted, events, scratch):
    """The update of step ``t`` in place: inputs consumed, spiking neurons in ``emitted``, whose number it returns.

    ``lfsr`` is what `simulate` makes of it, and whether `lif_steps` will do; ``scratch`` is what `make_scratch` gives.
    """
    found = 0
    for first in range(0, len(v), BLOCK):
        last = min(first + BLOCK, len(v))
        found = _update_block(first, v[first:last], hold[first:last], overflow[first:last], state[first:last], current[first:last], limits,
                              drive_weight, p, lfsr, emitted, found, events[first:last], scratch)
    return found


@njit(cache=True, inline="always")
def _update_block(first, v, hold, overflow, state, current, limits, drive_weight, p, lfsr, emitted, found, events, scratch):
    shifts, leap, low, mask, uniform_mask, fraction_mask, narrow = lfsr
    n, half = len(v), np.int64(1) << (p.width + INPUT_GUARD_BITS - 1)
    uniform, random, total, spiked = scratch[0][:n], scratch[1][:n], scratch[2][:n], scratch[3][:n]
    # Separate passes, so that the compiler can work on several neurons at once.
    if not narrow:
        for i in range(n):
            random[i] = (state[i] >> np.uint64(UNIFORM_BITS)) & fraction_mask
    for i in range(n):
        uniform[i] = state[i] & uniform_mask
    for i in range(n):
        state[i] = leap_once(state[i], shifts, leap, low, mask)
    count_events(uniform, limits, events)
    if narrow:
        weight, up = np.int32(drive_weight), np.int32(half)
        for i in range(n):
            total[i] = np.int32((np.int32(np.int32(current[i] + np.int32(np.int32(events[i]) * weight)) + up)) & np.int32(2 * half - 1)) - up
        lif_steps(v, hold, overflow, total, p, spiked)
    else:
        for i in range(n):
            wide = ((current[i] + np.int64(events[i]) * drive_weight + half) & (2 * half - 1)) - half
            spiked[i], v[i], hold[i], over = lif_step(np.int64(v[i]), np.int64(hold[i]), wide, 0, random[i], p)
            overflow[i] |= over
    current[:] = 0
    for i in range(n):
        if spiked[i]:
            emitted[found] = first + i
            found += 1
    return found


@njit(cache=True)
def make_scratch():
    """Room for a block's uniform and random numbers, inputs and spikes."""
    return np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int32), np.empty(BLOCK, np.uint8)


@njit(cache=True)
def _advance(weights, first, steps, neurons, drive, ring, counts, indptr, indices, p, lfsr, spikes, traces):
    """Run ``steps`` steps in place and return the number of spikes written to ``spikes``; empty traces are not written."""
    v, hold, overflow, state, current = neurons
    found, delay, events = 0, len(counts), np.empty(len(v), np.uint8)
    scratch = make_scratch()
    for s in range(steps):
        t = first + s
        slot = t % delay
        counts[slot] = update(t, v, hold, overflow, state, current, drive[0], drive[1], p, lfsr, ring[slot], events, scratch)
        found = record(t, s, ring[slot], counts[slot], spikes, found, v, hold, overflow, events, traces)
        slot = (t + 1) % delay
        for k in range(counts[slot]):
            source = ring[slot, k]
            weight = weights[source]
            for target in indices[indptr[source]:indptr[source + 1]]:
                current[target] += weight
        counts[slot] = 0
    return found


@njit(cache=True, inline="always")
def record(t, s, emitted, count, spikes, found, v, hold, overflow, events, traces):
    """Write the spikes of step ``t`` and row ``s`` of the traces; returns the number of spikes so far."""
    tv, th, to, te = traces
    for k in range(count):
        spikes[found + k, 0] = t
        spikes[found + k, 1] = emitted[k]
    if len(te):
        te[s] = events
    if len(tv):
        tv[s], th[s], to[s] = v, hold, overflow
    return found + count


def simulate(network: Network, advance: Callable, *, trace: bool, events: bool = False,
             progress: Callable[[float], None] | None = None) -> Recording:
    """Run a golden model of the core whose steps are made by ``advance``, with the arguments of `_advance` but its first; for `run`."""
    n, steps, lif, lfsr = network.n, network.steps, network.lif, network.lfsr
    v, state = network.v0.copy(), network.seeds.copy()
    hold, overflow, current = np.zeros(n, np.uint8), np.zeros(n, np.uint8), np.zeros(n, np.int32 if lif.format.width <= 16 else np.int64)
    ring, counts = np.zeros((network.delay, n), np.int32), np.zeros(network.delay, np.int64)
    spikes, buffer = [], np.empty((min(CHUNK, steps) * n, 2), np.int32)
    rows, event_rows = (steps if trace else 0), (steps if trace or events else 0)
    traces = {"v": np.empty((rows, n), np.int16 if lif.format.width <= 16 else np.int32), "hold": np.empty((rows, n), np.uint8),
              "overflow": np.empty((rows, n), np.uint8), "events": np.empty((event_rows, n), np.uint8)}
    constants = lif.constants()
    masks = (lfsr.leap, (1 << lfsr.leap) - 1, lfsr.mask, (1 << UNIFORM_BITS) - 1, (1 << lif.leak_fraction) - 1)
    fixed = ((v, hold, overflow, state, current), (network.drive.limits, network.drive.weight), ring, counts, network.indptr.astype(np.int64),
             network.indices.astype(np.uint16 if n <= 1 << 16 else np.uint32), constants,
             (tuple(np.uint64(tap - lfsr.leap) for tap in lfsr.taps), *map(np.uint64, masks), constants.narrow))
    for first in range(0, steps, CHUNK):
        last = min(first + CHUNK, steps)
        found = advance(first, last - first, *fixed, buffer, tuple(array[first:last] for array in traces.values()))
        spikes.append(buffer[:found].copy())
        if progress:
            progress(last / steps)
    return Recording("golden", n, steps, np.concatenate(spikes), {"v": v, "hold": hold, "overflow": overflow, "lfsr": state},
                     {name: array for name, array in traces.items() if len(array)}, provenance={"network": network.hash})


def run(network: Network, *, trace: bool = False, events: bool = False, progress: Callable[[float], None] | None = None) -> Recording:
    """Run the golden model of fixed-point synapses.

    Parameters
    ----------
    network : Network
        What to run; its streams, if it has any, are not used.
    trace : bool
        Record ``v``, ``hold``, ``overflow`` and ``events`` at every step.
    events : bool
        Record the external ``events`` alone.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    """
    return simulate(network, partial(_advance, network.weights.astype(np.int64)), trace=trace, events=events, progress=progress)


def external_events(network: Network) -> np.ndarray:
    """External events, uint8 (steps, n): recorded in the network, or drawn from its streams."""
    if network.external is not None:
        return network.external
    # They do not depend on the synapses, and without them are drawn four times faster.
    return run(network.replace(indptr=np.zeros(network.n + 1), indices=np.empty(0), streams=None), events=True).trace["events"]


def require_own_drive(network: Network) -> None:
    """Refuse recorded events that the network's streams do not make, as the fixed-point engines draw their own.

    Raises
    ------
    InputError
        If there are such events.
    """
    if network.external is not None and not np.array_equal(network.external, external_events(network.replace())):
        raise InputError("Network's recorded external events must be those of its own drive for a fixed-point variant; record them "
                         "with spikegate.models.core.external_events, or use a variant of the voltage domain")


def due_spikes(recording: Recording, delay: int) -> np.ndarray:
    """Number of spikes delivered at the end of each step, int64 (steps,)."""
    due = np.zeros(recording.steps, np.int64)
    emitted = np.bincount(recording.spikes[:, 0], minlength=recording.steps)
    due[delay - 1:] = emitted[:recording.steps - delay + 1]
    return due


def store_rows(network: Network, lanes: int, store: int) -> np.ndarray:
    """Cycles that each source's row takes from a store with words of ``store`` bits, int64 (n,): for each word, as many as the lane with
    most targets there has, at least 1."""
    words = -(-(network.n + network.lif.format.width) // store)
    source = np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))
    target = network.indices.astype(np.int64)
    place = (source * words + target // store) * lanes + target % lanes
    return np.maximum(1, np.bincount(place, minlength=network.n * words * lanes).reshape(network.n, words, lanes).max(axis=2)).sum(axis=1)


def predict_cycles(network: Network, recording: Recording, lanes: int, *, store: int | None = None, walk: bool = False) -> int:
    """Clock cycles of the core with ``lanes`` lanes for this run.

    Per step (1 + spikes due) * ceil(N / lanes) + depth + 9. With a ``store``: ceil(N / lanes) + depth + 10, from step delay - 1 on
    ceil(N / store) + 1 more, 1 for each word of ``store`` neurons among which spikes are due, and for each of these 4 and those of its row
    (`store_rows`).
    With ``walk``, 1 in place of depth, and 2^depth / 4 - 1 more for each word of ``lanes`` neurons of which one has 4 events or more.
    """
    words, depth, due = -(-network.n // lanes), network.drive.depth, due_spikes(recording, network.delay)
    cycles = recording.steps * (words + CYCLES_PER_STEP + (1 if walk else depth))
    if walk:
        events = recording.trace["events"] if "events" in recording.trace else external_events(network)
        many = np.pad(events >= WALK, ((0, 0), (0, words * lanes - network.n))).reshape(recording.steps, words, lanes).any(axis=2)
        cycles += (walk_groups(depth) - 1) * int(many.sum())
    if store is None:
        return cycles + words * int(due.sum())
    first = network.delay - 1
    step, source = recording.spikes[recording.spikes[:, 0] < recording.steps - first].T
    spans = len(np.unique(step.astype(np.int64) * network.n + source // store))
    return int(cycles + recording.steps * STORE_EXTRA + max(0, recording.steps - first) * (-(-network.n // store) + 1) + spans
               + (STORE_SPIKE + store_rows(network, lanes, store)[source]).sum())
