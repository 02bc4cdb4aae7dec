"""Golden model of the network core: a frozen network in, a recording out, the same integers as the hardware.

One step, for every neuron: draw the external events, sum ``input + events * weight``, advance the neuron. Then every
spike that is due, that of step t + 1 - delay, adds its source's weight to the input of its targets, which the next
step consumes. Input sums are exact modulo 2^(width+4), and a network's own cannot leave that range, so that the order of
delivery does not matter. Nothing here knows of lanes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from spikegate.models.core.cycles import BATCH, parts, phases, schedule
from spikegate.models.core.part import CoreSize
from spikegate.models.errors import InputError
from spikegate.models.kernel import aligned, kernel
from spikegate.models.network.network import Network, require_network
from spikegate.models.network.recording import Recording
from spikegate.models.network.rows import Rows, deliver, make_room
from spikegate.models.neuron.lif import INPUT_GUARD_BITS, LifConstants, lif_step, lif_steps
from spikegate.models.numeric.drive import UNIFORM_BITS, count_events
from spikegate.models.numeric.lfsr import leap_once

__all__ = ["BLOCK", "update", "emit", "make_scratch", "record", "advancer", "given_events", "simulate", "run",
           "external_events", "require_own_drive", "predict_cycles", "predict_phases"]

CHUNK = 1024
#: Neurons whose update stays in the nearest cache.
BLOCK = 1024


@kernel(inline="always")
def update(t: int, v: np.ndarray, hold: np.ndarray, overflow: np.ndarray, state: np.ndarray, current: np.ndarray, drive: tuple[Any, ...],
           given: np.ndarray, p: LifConstants, lfsr: tuple[Any, ...], emitted: np.ndarray, events: np.ndarray,
           scratch: tuple[np.ndarray, ...]) -> int:
    """The update of step ``t`` in place: inputs consumed, spiking neurons in ``emitted``, whose number it returns.

    ``given`` are the external events of this step, or empty: they are drawn. ``lfsr`` is what `_register` makes of it; ``scratch`` is what
    `make_scratch` gives.
    """
    found = 0
    for first in range(0, len(v), BLOCK):
        last = min(first + BLOCK, len(v))
        found = _update_block(first, v[first:last], hold[first:last], overflow[first:last], state[first:last], current[first:last], drive,
                              given[first:last], p, lfsr, emitted, found, events[first:last], scratch)
    return found


@kernel(inline="always")
def draw(state: np.ndarray, limits: np.ndarray, lfsr: tuple[Any, ...], uniform: np.ndarray, events: np.ndarray) -> None:
    """The external events of a step, and the streams' next states."""
    shifts, leap, low, mask, _, _ = lfsr
    for i in range(len(state)):
        before = state[i]
        uniform[i] = np.uint32(before)  # its low bits
        state[i] = leap_once(before, shifts, leap, low, mask)
    count_events(uniform, limits, events)


@kernel(inline="always")
def _update_block(first: int, v: np.ndarray, hold: np.ndarray, overflow: np.ndarray, state: np.ndarray, current: np.ndarray, drive: tuple[Any, ...],
                  given: np.ndarray, p: LifConstants, lfsr: tuple[Any, ...], emitted: np.ndarray, found: int, events: np.ndarray,
                  scratch: tuple[np.ndarray, ...]) -> Any:
    fraction_mask, narrow = lfsr[4], lfsr[5]
    limits, drive_weight = drive[0], drive[1]
    n, half = len(v), np.int64(1) << (p.width + INPUT_GUARD_BITS - 1)
    uniform, random, total, groups = scratch[0][:n], scratch[1][:n], scratch[2][:n], scratch[3]
    spiked = groups.view(np.uint8)[:n]
    # Separate passes, so that the compiler can work on several neurons at once.
    if not narrow:
        for i in range(n):
            random[i] = (state[i] >> np.uint64(UNIFORM_BITS)) & fraction_mask
    draw(state, limits, lfsr, uniform, events)
    if len(given):
        events[:] = given
    if narrow:
        weight, up = np.int32(drive_weight), np.int32(half)
        for i in range(n):
            total[i] = np.int32((np.int32(np.int32(current[i] + np.int32(np.int32(events[i]) * weight)) + up)) & np.int32(2 * half - 1)) - up
            current[i] = 0
        lif_steps(v, hold, overflow, total, p, spiked)
    else:
        for i in range(n):
            wide = ((current[i] + np.int64(events[i]) * drive_weight + half) & (2 * half - 1)) - half
            spiked[i], v[i], hold[i], over = lif_step(np.int64(v[i]), np.int64(hold[i]), wide, 0, random[i], p)
            overflow[i] |= over
            current[i] = 0
    return emit(groups, first, n, emitted, found)


@kernel(inline="always")
def emit(groups: np.ndarray, first: int, n: int, emitted: np.ndarray, found: Any) -> Any:
    """Append the neurons that spike, of ``n`` from ``first`` on and eight of them a word of ``groups``; returns how many ``emitted`` holds then."""
    # Most do not, and eight are looked at together.
    for group in range(-(-n // 8)):
        if groups[group]:
            for i in range(8 * group, min(8 * group + 8, n)):
                emitted[found] = first + i
                found += np.int64(groups[group] >> np.uint64(8 * (i % 8)) & np.uint64(1))
    return found


@kernel
def make_scratch() -> tuple[np.ndarray, ...]:
    """Room for a block's uniform and random numbers, inputs and spikes, eight of them a word."""
    return np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int32), np.zeros(BLOCK // 8, np.uint64)


@kernel
def _advance(weights: np.ndarray, first: int, steps: int, neurons: tuple[np.ndarray, ...], drive: tuple[Any, ...], ring: np.ndarray,
             counts: np.ndarray, rows: Rows, p: LifConstants, lfsr: tuple[Any, ...], spikes: np.ndarray, traces: tuple[np.ndarray, ...]) -> int:
    """Run ``steps`` steps in place and return the number of spikes written to ``spikes``; empty traces are not written.

    ``drive`` are limits, weight and, (steps, n) or (steps, 0), the external events if they are not drawn.
    """
    v, hold, overflow, state, current = neurons
    found, delay, events = 0, len(counts), np.empty(len(v), np.uint8)
    scratch, room = make_scratch(), make_room(rows)
    for s in range(steps):
        t = first + s
        slot = t % delay
        counts[slot] = update(t, v, hold, overflow, state, current, drive, drive[2][s], p, lfsr, ring[slot], events, scratch)
        found = record(t, s, ring[slot], counts[slot], spikes, found, v, hold, overflow, events, traces)
        slot = (t + 1) % delay
        deliver(current, weights, ring[slot, :counts[slot]], rows, room)
    return found


@kernel(inline="always")
def record(t: int, s: int, emitted: np.ndarray, count: int, spikes: np.ndarray, found: int, v: np.ndarray, hold: np.ndarray, overflow: np.ndarray,
           events: np.ndarray, traces: tuple[np.ndarray, ...]) -> int:
    """Write the spikes of step ``t`` and row ``s`` of the traces; returns the number of spikes so far."""
    tv, th, to, te = traces
    for k in range(count):
        spikes[found + k, 0], spikes[found + k, 1] = t, emitted[k]
    if len(tv):
        tv[s], th[s], to[s], te[s] = v, hold, overflow, events
    return found + count


def _register(network: Network) -> tuple[Any, ...]:
    """What `update` needs to know of the streams, and whether `lif_steps` will do."""
    lfsr, lif = network.lfsr, network.lif
    masks = (lfsr.leap, (1 << lfsr.leap) - 1, lfsr.mask, (1 << lif.leak_fraction) - 1)
    return tuple(np.uint64(tap - lfsr.leap) for tap in lfsr.taps), *map(np.uint64, masks), lif.constants().narrow


def given_events(network: Network) -> np.ndarray:
    """External events that are recorded in the network, (steps, n), or (steps, 0) if they are drawn; read-only."""
    if network.external is not None:
        return network.external
    none = np.empty((network.steps, 0), np.uint8)
    none.flags.writeable = False
    return none


def simulate(network: Network, advance: Callable[..., int], *, trace: bool, progress: Callable[[float], None] | None = None) -> Recording:
    """Run a golden model of the core whose steps are made by ``advance``, with the arguments of `_advance` but its first; for `run`."""
    n, steps, lif = network.n, network.steps, network.lif
    v, state = aligned(network.v0), aligned(network.seeds)
    hold, overflow, current = (aligned(np.zeros(n, dtype)) for dtype in (np.uint8, np.uint8, np.int32 if lif.format.width <= 16 else np.int64))
    ring, counts = np.zeros((network.delay, n), np.int32), np.zeros(network.delay, np.int64)
    spikes, buffer = [], np.empty((min(CHUNK, steps) * n, 2), np.int32)
    dtypes = {"v": np.int16 if lif.format.width <= 16 else np.int32, "hold": np.uint8, "overflow": np.uint8, "events": np.uint8}
    traces = {name: np.empty((steps if trace else 0, n), dtype) for name, dtype in dtypes.items()}
    given = given_events(network)
    fixed = ring, counts, network.rows, lif.constants(), _register(network)
    for first in range(0, steps, CHUNK):
        last = min(first + CHUNK, steps)
        drive, rows = (network.drive.limits, network.drive.weight, given[first:last]), tuple(array[first:last] for array in traces.values())
        found = advance(first, last - first, (v, hold, overflow, state, current), drive, *fixed, buffer, rows)
        spikes.append(buffer[:found].copy())
        if progress:
            progress(last / steps)
    return Recording("golden", n, steps, np.concatenate(spikes), {"v": v, "hold": hold, "overflow": overflow, "lfsr": state},
                     traces if trace else {}, provenance={"network": network.hash}, dt_ns=network.dt_ns)


def advancer(network: Network) -> Callable[..., int]:
    """What makes the steps of a network of fixed-point synapses, for `simulate`."""
    return partial(_advance, network.weights)


def run(network: Network, *, trace: bool = False, progress: Callable[[float], None] | None = None) -> Recording:
    """Run the golden model of fixed-point synapses.

    Parameters
    ----------
    network : Network
        What to run, on its recorded external events if it has any; its streams, if it has any, are not used.
    trace : bool
        Record ``v``, ``hold``, ``overflow`` and ``events`` at every step.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Raises
    ------
    InputError
        If it is no network.
    """
    require_network(network)
    return simulate(network, advancer(network), trace=trace, progress=progress)


@kernel
def _draw(state: np.ndarray, limits: np.ndarray, lfsr: tuple[Any, ...], events: np.ndarray) -> None:
    """The external events of ``len(events)`` steps."""
    uniform = make_scratch()[0]
    for first in range(0, len(state), BLOCK):
        last = min(first + BLOCK, len(state))
        for row in range(len(events)):
            draw(state[first:last], limits, lfsr, uniform[:last - first], events[row, first:last])


def external_events(network: Network) -> np.ndarray:
    """External events, uint8 (steps, n): recorded in the network, or drawn from its streams, which do not depend on anything else."""
    require_network(network)
    if network.external is not None:
        return network.external
    events = np.empty((network.steps, network.n), np.uint8)
    _draw(aligned(network.seeds), network.drive.limits, _register(network), events)
    return events


def require_own_drive(network: Network) -> None:
    """Refuse recorded events that the network's streams do not make, as hardware draws its own.

    Raises
    ------
    InputError
        If there are such events.
    """
    require_network(network)
    if network.external is not None and not np.array_equal(network.external, external_events(network.replace())):
        raise InputError("Network's recorded external events must be those of its own drive for hardware, which draws them itself; leave them out, "
                         "or use the golden model, Brian2 or a variant, which read them")


def predict_cycles(network: Network, recording: Recording, lanes: int, **options: Any) -> int:
    """Clock cycles for this run, the sum of `predict_phases`."""
    return sum(predict_phases(network, recording, lanes, **options).values())


def predict_phases(network: Network, recording: Recording, lanes: int, *, n: int | None = None, overlap: bool = False, batch: int = BATCH,
                   **options: Any) -> dict[str, int]:
    """Cycles of this run on a core of ``n`` neurons or the network's, by what they are spent on; keywords as in `phases`, others as in `parts`."""
    size = CoreSize(n or network.n, lanes, network.lif.format.width)
    return phases(size, network, recording, *parts(**options), lambda: external_events(network), schedule=schedule(overlap), batch=batch)
