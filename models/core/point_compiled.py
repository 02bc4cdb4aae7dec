"""The golden model of point networks as compiled C, on threads: the same recording as `spikegate.models.core.point_engine` gives, sooner."""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.compiled import compiled
from spikegate.models.core.point_plan import ARRAYS, State, make_arrays, unsuited
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.network.engine import Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.network.synapses import Synapses
from spikegate.models.neuron.linear import Order

__all__ = ["MAX_THREADS", "bounds", "reasons", "run"]

MAX_THREADS = 64
#: Steps of a chunk, of which progress is told; spikes of a part that it has room for are no more than its neurons times these.
CHUNK = 512


@cache
def _steps() -> Any:
    """The C function, or None."""
    library = compiled(Path(__file__).with_name("point_steps.c"))
    return None if library is None else library.spikegate_point_steps


def reasons(network: PointNetwork) -> list[str]:
    """Why this cannot run the network, so that the plain model has to; empty if it can."""
    found = unsuited(network)
    if not found and _steps() is None:
        found.append("there is no C compiler")
    return found


def bounds(network: PointNetwork, threads: int) -> np.ndarray:
    """Where parts begin, in eights, so that no two threads write to one line of the cache often."""
    return np.array([network.n * part // threads // 8 * 8 if part < threads else network.n for part in range(threads + 1)])


class _Running:
    """A run under way."""

    def __init__(self, network: PointNetwork, synapses: Synapses, bounds: np.ndarray, chunk: int) -> None:
        self.network, self.bounds = network, bounds
        room = chunk * int(np.diff(bounds).max())
        self.arrays = make_arrays(network, synapses, bounds, room)
        self.lags = self.arrays["ring"].shape[1]
        self.state = State(network.n, network.n + network.channels, self.lags, len(bounds) - 1, len(synapses.delays), synapses.bits,
                           len(network.populations), room=room)
        for name in ARRAYS:
            setattr(self.state, name, self.arrays[name].ctypes.data)

    def advance(self, first: int, steps: int, given: np.ndarray) -> np.ndarray:
        """The spikes of some steps, int32 (spikes, 2)."""
        events = np.ascontiguousarray(given, np.int64)
        self.state.given, self.state.events, self.state.first, self.state.steps = events.ctypes.data, len(events), first, steps
        if _steps()(ctypes.byref(self.state)):
            raise SpikegateError("The system gives no more threads; run on fewer")
        parts = [part[:found] for part, found in zip(self.arrays["spikes"], self.arrays["found"])]
        spikes: np.ndarray = np.concatenate(parts)
        if len(parts) > 1:
            spikes = spikes[np.argsort(spikes[:, 0], kind="stable")]
        return spikes

    def states(self, t: int, spikes: np.ndarray) -> dict[str, np.ndarray]:
        """Every state after step ``t``, with the spikes of that step, as the plain model has them: int32 (n,)."""
        arrays, network = self.arrays, self.network
        fired = np.zeros(network.n, np.int32)
        fired[spikes[spikes[:, 0] == t, 1]] = 1
        hold = np.maximum(arrays["free"] - t - (1 - arrays["later"].astype(np.int32)), 0)
        found = {name: np.zeros(network.n, np.int32) for name in network.states}
        for each, first in zip(network.populations, network.firsts):
            here, neuron = slice(first, first + each.size), each.neuron
            values = {"v": arrays["v"], "hold": hold, "overflow": arrays["overflow"],
                      **({"fired": fired} if getattr(neuron, "order", None) == Order.BRIAN2 else {}),
                      **{name: arrays[f"current{k}"] for k, name in enumerate(getattr(neuron, "currents", ()))}}
            for name, array in values.items():
                found[name][here] = array[here]
        return found

    def lfsr(self, t: int) -> np.ndarray:
        """States of the streams before step ``t``, uint64 (n,)."""
        upper, lower = (self.arrays[f"words{(t + k) & 1}"].astype(np.uint64) for k in (0, 1))
        both: np.ndarray = upper << np.uint64(32) | lower
        return both

    def events(self, t: int) -> np.ndarray:
        """External events of step ``t``, before it is made, int32 (n,)."""
        word, found = self.arrays[f"words{(t + 1) & 1}"], np.zeros(self.network.n, np.int32)
        for each, first in zip(self.network.populations, self.network.firsts):
            if each.drive is not None:
                here = slice(first, first + each.size)
                found[here] = each.drive.offset + np.searchsorted(each.drive.table.limits, word[here])
        return found


def run(network: PointNetwork, *, threads: int = 1, trace: bool = False, progress: Progress | None = None,
        stamps: Callable[[float, np.ndarray], None] | None = None) -> Recording:
    """Run a network for which `reasons` has none.

    Parameters
    ----------
    network : PointNetwork
    threads : int
        1..64; each has a range of neurons. The recording is the same.
    trace : bool
        Record every step, as the plain model does.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    stamps : callable, optional
        Called with that and with when each step of a chunk ended, int64 (steps,) in ns, to see how long undisturbed steps take.

    Raises
    ------
    InputError
        For so many threads, or a network that it cannot run.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"Threads must be in 1..{MAX_THREADS}, not {threads}")
    if said := reasons(network):
        raise InputError(f"Network {network.name!r} is for the plain golden model: {'; '.join(said)}")
    n, steps, limits = network.n, network.steps, bounds(network, threads)
    chunk = 1 if trace else min(CHUNK, steps)
    running = _Running(network, network.synapses_in(limits), limits, chunk)
    given, spikes, kept = network.input_events, [], []
    at = np.searchsorted(given[:, 0], np.arange(0, steps + chunk, chunk))
    for k, first in enumerate(range(0, steps, chunk)):
        last = min(first + chunk, steps)
        events = running.events(first) if trace else None
        spikes.append(running.advance(first, last - first, given[at[k]:at[k + 1]]))
        if events is not None:
            kept.append({**running.states(first, spikes[-1]), "events": events})
        if progress:
            progress(last / steps)
        if stamps:
            stamps(last / steps, running.arrays["stamps"][:last - first])
    final = running.states(steps - 1, spikes[-1]) | {"lfsr": running.lfsr(steps)}
    traces = {name: np.stack([row[name] for row in kept]) for name in kept[0]} if trace else {}
    return Recording("golden", n, steps, np.concatenate(spikes), final, traces, provenance={"network": network.hash}, dt_ns=network.dt_ns)
