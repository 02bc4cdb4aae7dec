"""The frame of voltage-domain engines whose neurons have more state than a membrane: delivery, delay and the run, as in V1.

One step, the early order of `spikegate.translator.voltage`: kicks of the spikes of step t - delay and of the external events of step t,
v += kick; then the neuron's own step. The kick of neuron i is ``exc[i] * (external events + excitatory spikes due) - inh[i] *
(inhibitory spikes due)`` with whole numbers in the brackets.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.network.rows import Rows, deliver, make_room
from spikegate.translator.voltage import CHUNK
from spikegate.translator.voltage_kernels import _collect, _kicks, due

__all__ = ["KERNELS", "Wires", "collect", "emit", "advance_objects", "simulate"]

#: Kernels: Python objects, which are the reference, and Numba. Each gives the same bits.
KERNELS = ("objects", "numba")


class Wires(NamedTuple):
    """Kicks in mV (n,), delay in steps, the last steps' spikes, the counts due, connectivity; see `spikegate.translator.voltage_kernels`."""

    exc: np.ndarray
    inh: np.ndarray
    delay: int
    ring: np.ndarray
    counts: np.ndarray
    total: np.ndarray
    rows: Rows
    unit: np.ndarray
    shift: int


def _wires(network: Network, exc: np.ndarray, inh: np.ndarray) -> Wires:
    n, shift = network.n, 16 if network.n < 1 << 16 else 32  # both counts of a neuron share a word
    dtype = np.uint32 if shift == 16 else np.int64
    return Wires(exc, inh, network.delay, np.zeros((network.delay, n), np.int32), np.zeros(network.delay, np.int64), np.zeros(n, dtype),
                 network.rows,
                 np.repeat(np.array([1, 1 << shift], dtype), [network.n_exc, network.n_inh]), shift)


@kernel
def collect(wires, t, external, kick):
    """Fill ``kick`` with those of step t, mV, from the spikes due and a row of external events."""
    deliver(wires.total, wires.unit, due(wires.ring, wires.counts, wires.delay, t), wires.rows, make_room(wires.rows))
    exc, inh, total, shift, mask = wires.exc, wires.inh, wires.total, wires.shift, (np.int64(1) << wires.shift) - 1
    for i in range(len(kick)):
        x = np.int64(total[i])
        kick[i] = exc[i] * np.float64((x & mask) + np.int64(external[i])) - inh[i] * np.float64(x >> shift)
        total[i] = 0


@kernel
def emit(wires, t, spiked, spikes, found):
    """Note the spikes of step t; returns how many ``spikes`` holds then."""
    slot, count = t % len(wires.counts), 0
    for i in range(len(spiked)):
        if spiked[i]:
            wires.ring[slot, count] = i
            spikes[found, 0], spikes[found, 1] = t, i
            count += 1
            found += 1
    wires.counts[slot] = count
    return found


def advance_objects(neurons: Sequence[Any], wires: Wires, first: int, external: np.ndarray, state: Mapping[str, np.ndarray],
                    spikes: np.ndarray, traces: Mapping[str, np.ndarray]) -> int:
    """Some steps of objects with ``v``, ``step(current)`` and the attributes named by ``state``; returns the number of spikes."""
    found = 0
    for s, row in enumerate(external):
        t = first + s
        _collect(wires.total, wires.ring, wires.counts, wires.delay, t, wires.rows, wires.unit)
        for neuron, kick in zip(neurons, _kicks(wires, wires.total, wires.shift, row).tolist()):
            neuron.v += kick
        found = emit(wires, t, np.array([neuron.step(0.0) for neuron in neurons], np.uint8), spikes, found)
        for name, trace in traces.items():
            trace[s] = [getattr(neuron, name) for neuron in neurons]
    for name, values in state.items():
        values[:] = [getattr(neuron, name) for neuron in neurons]
    return found


def simulate(network: Network, engine: str, kernel: str, exc: np.ndarray, inh: np.ndarray, state: dict[str, np.ndarray],
             make: Callable[[int], Any], compiled: Callable[..., int], check: Callable[[], None], traced: Sequence[str], trace: bool,
             progress: Callable[[float], None] | None) -> Recording:
    """Run a network of such neurons.

    Parameters
    ----------
    network : Network
        Its connectivity, delay, external events and length are used.
    engine, kernel : str
        Name of the engine, and one of `KERNELS`.
    exc, inh : numpy.ndarray
        float64 (n,), kick of one excitatory and of one inhibitory spike, mV, both positive.
    state : dict of str to numpy.ndarray
        (n,) arrays before step 0, changed in place: those of ``final``.
    make : callable
        The object of a neuron, whose attributes are then set to the state.
    compiled : callable
        ``(wires, first, external, spikes, traces) -> spikes found``: the compiled steps, on the same state; ``traces`` has rows or is empty.
    check : callable
        Called after each chunk of steps, to raise what the state forbids.
    traced : sequence of str
        Parts of the state that ``trace`` records, float64 (steps, n), after each step.
    trace, progress
        As `spikegate.translator.voltage.run`.

    Raises
    ------
    InputError
        For another kernel.
    """
    if kernel not in KERNELS:
        raise InputError(f"Kernel must be one of {', '.join(KERNELS)}, not {kernel!r}")
    n, steps, began = network.n, network.steps, time.process_time()
    events, drawn, wires, neurons = external_events(network), time.process_time(), _wires(network, exc, inh), []
    if kernel == "objects":
        neurons = [make(i) for i in range(n)]
        for name, values in state.items():
            for neuron, value in zip(neurons, values.tolist()):
                setattr(neuron, name, value)
    buffer, spikes = np.empty((min(CHUNK, steps) * n, 2), np.int32), []
    record = {name: np.empty((steps if trace else 0, n)) for name in traced}
    for first in range(0, steps, CHUNK):
        last = min(first + CHUNK, steps)
        part = {name: rows[first:last] for name, rows in record.items()}
        found = (advance_objects(neurons, wires, first, events[first:last], state, buffer, part if trace else {}) if neurons
                 else compiled(wires, first, events[first:last], buffer, *part.values()))
        spikes.append(buffer[:found].copy())
        check()
        if progress:
            progress(last / steps)
    provenance = {"kernel": kernel, "draw_s": drawn - began, "run_s": time.process_time() - drawn, "network": network.hash}  # hashed off the clock
    return Recording(f"{engine}-{kernel}", n, steps, np.concatenate(spikes), state, record if trace else {}, provenance=provenance)
