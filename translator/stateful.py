"""The frame of voltage-domain engines whose neurons have more state than a membrane: delivery, delay and the run, as in V1.

One step, the early order of `spikegate.translator.voltage`: kicks of the spikes of step t - delay and of the external events of step t,
v += kick; then the neuron's own step. The kick of neuron i is ``exc[i] * (external events + excitatory spikes due) - inh[i] *
(inhibitory spikes due)`` with whole numbers in the brackets.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.network.rows import deliver, make_room
from spikegate.translator.voltage import CHUNK, chunks
from spikegate.translator.voltage_kernels import Wires, collect_spikes, due, make_wires, sum_kicks

__all__ = ["KERNELS", "Chunk", "Kicks", "Model", "collect", "emit", "advance_objects", "simulate"]

#: Kernels: Python objects, which are the reference, and Numba. Each gives the same bits.
KERNELS = ("objects", "numba")


class Kicks(NamedTuple):
    """Of one excitatory and of one inhibitory spike at each neuron, mV, both positive, float64 (n,)."""

    exc: np.ndarray
    inh: np.ndarray


class Chunk(NamedTuple):
    """Some steps: the first one, a row a step of external events, and the arrays to fill, of which ``traces`` may have no rows."""

    first: int
    external: np.ndarray
    spikes: np.ndarray
    traces: tuple[np.ndarray, ...]


class Model(NamedTuple):
    """Neurons of one kind.

    Parameters
    ----------
    name : str
        Of the engine.
    kicks : Kicks
    state : dict of str to numpy.ndarray
        (n,) arrays before step 0, changed in place: those of ``final``.
    make : callable
        The object of a neuron, whose attributes are then set to the state.
    compiled : callable
        ``(kicks, wires, chunk) -> spikes found``: the compiled steps, on the same state.
    check : callable
        Called after each chunk of steps, to raise what the state forbids.
    traced : sequence of str
        Parts of the state that may be recorded.
    """

    name: str
    kicks: Kicks
    state: dict[str, np.ndarray]
    make: Callable[[int], Any]
    compiled: Callable[[Kicks, Wires, Chunk], int]
    check: Callable[[], None]
    traced: Sequence[str]


@kernel
def collect(kicks: Kicks, wires: Wires, t: int, external: np.ndarray, kick: np.ndarray) -> None:
    """Fill ``kick`` with those of step t, mV, from the spikes due and a row of external events."""
    deliver(wires.total, wires.unit, due(wires.ring, wires.counts, len(wires.counts), t), wires.rows, make_room(wires.rows))
    exc, inh, total, shift, mask = kicks.exc, kicks.inh, wires.total, wires.shift, (np.int64(1) << wires.shift) - 1
    for i in range(len(kick)):
        x = np.int64(total[i])
        kick[i] = exc[i] * np.float64((x & mask) + np.int64(external[i])) - inh[i] * np.float64(x >> shift)
        total[i] = 0


@kernel
def emit(wires: Wires, t: int, spiked: np.ndarray, spikes: np.ndarray, found: int) -> int:
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


def advance_objects(neurons: Sequence[Any], model: Model, wires: Wires, chunk: Chunk) -> int:
    """Some steps of objects with ``v``, ``step(current)`` and the attributes named by the state; returns the number of spikes."""
    found = 0
    for s, row in enumerate(chunk.external):
        t = chunk.first + s
        collect_spikes(wires, len(wires.counts), t)
        for neuron, kick in zip(neurons, sum_kicks(model.kicks, wires, row).tolist()):
            neuron.v += kick
        found = emit(wires, t, np.array([neuron.step(0.0) for neuron in neurons], np.uint8), chunk.spikes, found)
        for name, trace in zip(model.traced, chunk.traces):
            if len(trace):
                trace[s] = [getattr(neuron, name) for neuron in neurons]
    for name, values in model.state.items():
        values[:] = [getattr(neuron, name) for neuron in neurons]
    return found


def simulate(network: Network, model: Model, kernel: str, trace: bool, progress: Callable[[float], None] | None) -> Recording:
    """Run a network of such neurons.

    Parameters
    ----------
    network : Network
        Its connectivity, delay, external events and length are used.
    model : Model
    kernel : str
        One of `KERNELS`.
    trace : bool
        Record what may be recorded, float64 (steps, n), after each step.
    progress
        As `spikegate.translator.voltage.run`.

    Raises
    ------
    InputError
        For another kernel.
    """
    if kernel not in KERNELS:
        raise InputError(f"Kernel must be one of {', '.join(KERNELS)}, not {kernel!r}")
    n, steps, began = network.n, network.steps, time.process_time()
    events, drawn, wires = external_events(network), time.process_time(), make_wires(network)
    neurons: list[Any] = []
    if kernel == "objects":
        neurons = [model.make(i) for i in range(n)]
        for name, values in model.state.items():
            for neuron, value in zip(neurons, values.tolist()):
                setattr(neuron, name, value)
    buffer, spikes = np.empty((min(CHUNK, steps) * n, 2), np.int32), []
    record = {name: np.empty((steps if trace else 0, n)) for name in model.traced}
    for now in chunks(steps, progress):
        chunk = Chunk(now.start, events[now], buffer, tuple(rows[now] for rows in record.values()))
        found = advance_objects(neurons, model, wires, chunk) if neurons else model.compiled(model.kicks, wires, chunk)
        spikes.append(buffer[:found].copy())
        model.check()
    provenance = {"kernel": kernel, "draw_s": drawn - began, "run_s": time.process_time() - drawn, "network": network.hash}  # hashed off the clock
    return Recording(f"{model.name}-{kernel}", n, steps, np.concatenate(spikes), model.state, record if trace else {}, provenance=provenance,
                     dt_ns=network.dt_ns)
