"""What a neuron remembers between two steps, where Brian2's monitors look and runs begin and end: kicked and reset, and not yet updated.

A recorded step holds what is there after the thresholds. What its synapses and resets make of that before the next step begins is worked out here,
from the spikes, the weights and the recorded external events, in the same integers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.linear import Held, LinearNeuron, Reset
from spikegate.models.numeric.fixed import Overflow

__all__ = ["arriving", "begins", "fitted", "given_by_drive", "states_before"]

#: Steps that are worked out at once: what arrives in them is in memory, spike by synapse.
CHUNK = 256


def arriving(network: PointNetwork, spikes: np.ndarray, neurons: np.ndarray, first: int, last: int) -> dict[str, np.ndarray]:
    """Sums of weights that arrive at neurons of the network in the steps ``first`` to ``last`` - 1.

    Parameters
    ----------
    network : PointNetwork
    spikes : numpy.ndarray
        (count, 2): step and number of the source; channel c of all inputs is N + c.
    neurons : numpy.ndarray
        Ascending.

    Returns
    -------
    dict of str to numpy.ndarray
        int64 (last - first, neurons), by port.
    """
    found: dict[str, np.ndarray] = {}
    column = np.full(network.n, -1)
    column[neurons] = np.arange(len(neurons))
    starts = dict(zip([each.name for each in network.populations], network.firsts))
    sources = network.n
    for each in network.inputs:
        starts[each.name] = sources
        sources += each.size
    for projection in network.listed:
        where = column[starts[projection.target] + projection.indices.astype(np.int64)]
        mine = np.flatnonzero(where >= 0)
        row = np.searchsorted(projection.indptr.astype(np.int64), mine, side="right") - 1
        sums = found.setdefault(projection.port, np.zeros((last - first, len(neurons)), np.int64))
        synapses = _Synapses(starts[projection.source] + row, where[mine], projection.weights[mine], projection.delays[mine].astype(np.int64))
        for begin in range(first, last, CHUNK):
            synapses.add(spikes, sources, begin, min(begin + CHUNK, last), sums[begin - first:begin - first + CHUNK])
    return found


class _Synapses(NamedTuple):
    """Those that reach the neurons: number of the source, column of the target, weight and delay."""

    source: np.ndarray
    column: np.ndarray
    weights: np.ndarray
    delays: np.ndarray

    def add(self, spikes: np.ndarray, sources: int, first: int, last: int, sums: np.ndarray) -> None:
        """What arrives in the steps ``first`` to ``last`` - 1, to sums of these."""
        if not len(self.source):
            return
        near = spikes[(spikes[:, 0] >= first - self.delays.max()) & (spikes[:, 0] < last - self.delays.min())]
        near = near[np.argsort(near[:, 1], kind="stable")]
        steps, bounds = near[:, 0].astype(np.int64), np.searchsorted(near[:, 1], np.arange(sources + 1))
        times = bounds[self.source + 1] - bounds[self.source]
        which = np.repeat(np.arange(len(times)), times)
        spike = np.repeat(bounds[self.source] - np.cumsum(times) + times, times) + np.arange(len(which))
        when = steps[spike] + self.delays[which] - first
        here = (when >= 0) & (when < last - first)
        np.add.at(sums, (when[here], self.column[which[here]]), self.weights[which[here]])


def fitted(values: np.ndarray, width: int, overflow: Overflow) -> np.ndarray:
    low = -(1 << (width - 1))
    if overflow == Overflow.WRAP:
        values = (values - low) % (1 << width) + low
    within: np.ndarray = np.clip(values, low, -low - 1)
    return within


def states_before(network: PointNetwork, recording: Recording, neurons: np.ndarray, population: int,
                  wanted: np.ndarray) -> Callable[[str], np.ndarray]:
    """From the name of a state to what it is after each step before ``wanted``, int64 (wanted, neurons)."""
    first, last, members = int(wanted[0]), int(wanted[-1]) + 1, neurons - network.firsts[population]

    def before(name: str) -> np.ndarray:
        if first == network.steps:
            last_row: np.ndarray = recording.final[name][neurons][None].astype(np.int64)
            return last_row
        start = network.populations[population].initial[name][members][None]
        rows = recording.trace[name][max(first - 1, 0):last - 1, neurons]
        found: np.ndarray = (np.concatenate([start, rows]) if first == 0 else rows)[wanted - first].astype(np.int64)
        return found

    return before


def given_by_drive(network: PointNetwork, recording: Recording, neurons: np.ndarray, population: int, first: int, last: int) -> np.ndarray:
    """What a drive adds in the steps ``first`` to ``last`` - 1, int64 (steps, neurons); nothing behind the run, or without a trace."""
    given, drive = np.zeros((last - first, len(neurons)), np.int64), network.populations[population].drive
    if drive is not None and "events" in recording.trace:
        inside = min(last, network.steps) - first
        given[:inside] = recording.trace["events"][first:first + inside, neurons].astype(np.int64) * drive.table.weight
    return given


def begins(network: PointNetwork, recording: Recording, neurons: Sequence[int] | np.ndarray, population: int, spikes: np.ndarray,
           steps: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Membranes and currents of linear neurons in Brian2's order when a step begins, raw int64 (steps, neurons), by name.

    Parameters
    ----------
    network : PointNetwork
    recording : Recording
        With a trace, unless ``steps`` is the end of the run alone.
    neurons : sequence of int
        Numbers in the network, ascending, of one population.
    population : int
        Its number.
    spikes : numpy.ndarray
        As for `arriving`.
    steps : numpy.ndarray, optional
        Ascending, of 0..network.steps; all but the last by default. What a drive adds in the step behind the run is not in it.
    """
    each, neurons = network.populations[population], np.asarray(neurons)
    neuron, wanted = each.neuron, np.arange(network.steps) if steps is None else np.asarray(steps)
    assert isinstance(neuron, LinearNeuron)
    first, last = int(wanted[0]), int(wanted[-1]) + 1
    index, before = each.index[neurons - network.firsts[population]], states_before(network, recording, neurons, population, wanted)
    sums = arriving(network, spikes, neurons, first, last)
    if each.drive is not None:
        sums[each.drive.port] = sums.get(each.drive.port, 0) + given_by_drive(network, recording, neurons, population, first, last)
    sums = {port: values[wanted - first] for port, values in sums.items()}
    v, held, fired = before("v"), before("hold"), before("fired")
    listens = (held == 0) | (neuron.held != Held.ALL)
    found = {name: fitted(before(name) + listens * sums.get(name, 0), neuron.current_format.width, neuron.overflow) for name in neuron.currents}
    if "v" in neuron.ports:
        v = np.where((held == 0) | (neuron.held == Held.SPIKES), fitted(v + sums.get("v", 0), neuron.format.width, neuron.overflow), v)
    reset = each.table["reset"][index]
    after = fitted(v - reset, neuron.format.width, neuron.overflow) if neuron.reset == Reset.SUBTRACT else np.broadcast_to(reset, v.shape)
    for name, q in neuron.adapted.items() if isinstance(neuron, AdaptiveLinearNeuron) else ():
        value = before(name)
        found[name] = np.where(fired > 0, fitted(value + each.table[f"jump_{name}"][index], q.width, neuron.overflow), value)
    return {"v": np.where(fired > 0, after, v), **found}
