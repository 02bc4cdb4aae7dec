"""What a neuron remembers between two steps, where Brian2's monitors look and runs begin and end: kicked and reset, and not yet updated.

A recorded step holds what is there after the thresholds. What its synapses and resets make of that before the next step begins is worked out here,
from the spikes, the weights and the recorded external events, in the same integers.
"""

from collections.abc import Sequence

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.linear import LinearNeuron, Reset
from spikegate.models.numeric.fixed import Overflow

__all__ = ["arriving", "begins"]


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
    offset = network.n
    for each in network.inputs:
        starts[each.name] = offset
        offset += each.size
    order = np.argsort(spikes[:, 1], kind="stable")
    steps, bounds = spikes[order, 0].astype(np.int64), np.searchsorted(spikes[order, 1], np.arange(offset + 1))
    for projection in network.projections:
        where = column[starts[projection.target] + projection.indices.astype(np.int64)]
        row = np.repeat(np.arange(len(projection.indptr) - 1), np.diff(projection.indptr.astype(np.int64)))
        mine = np.flatnonzero(where >= 0)
        source = starts[projection.source] + row[mine]
        times = bounds[source + 1] - bounds[source]
        which = np.repeat(np.arange(len(mine)), times)
        spike = np.repeat(bounds[source], times) + np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)
        when = steps[spike] + projection.delays[mine[which]] - first
        here = (when >= 0) & (when < last - first)
        sums = found.setdefault(projection.port, np.zeros((last - first, len(neurons)), np.int64))
        np.add.at(sums, (when[here], where[mine[which[here]]]), projection.weights[mine[which[here]]])
    return found


def _fitted(values: np.ndarray, width: int, overflow: Overflow) -> np.ndarray:
    low = -(1 << (width - 1))
    if overflow == Overflow.WRAP:
        return (values - low) % (1 << width) + low
    return np.clip(values, low, -low - 1)


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
    neuron = each.neuron
    assert isinstance(neuron, LinearNeuron)
    wanted = np.arange(network.steps) if steps is None else np.asarray(steps)
    first, last = int(wanted[0]), int(wanted[-1]) + 1
    members = neurons - network.firsts[population]
    index = each.index[members]

    def before(name: str) -> np.ndarray:
        """A state after each step before ``wanted``."""
        if first == network.steps:
            return recording.final[name][neurons][None].astype(np.int64)
        start = each.initial[name][members][None]
        rows = recording.trace[name][max(first - 1, 0):last - 1, neurons]
        found: np.ndarray = (np.concatenate([start, rows]) if first == 0 else rows)[wanted - first].astype(np.int64)
        return found

    sums = arriving(network, spikes, neurons, first, last)
    if each.drive is not None and "events" in recording.trace:
        given = np.zeros((last - first, len(neurons)), np.int64)
        inside = min(last, network.steps) - first
        given[:inside] = recording.trace["events"][first:first + inside, neurons].astype(np.int64) * each.drive.table.weight
        sums[each.drive.port] = sums.get(each.drive.port, 0) + given
    sums = {port: values[wanted - first] for port, values in sums.items()}
    found = {name: _fitted(before(name) + sums.get(name, 0), neuron.current_format.width, neuron.overflow) for name in neuron.currents}
    v, held, fired = before("v"), before("hold"), before("fired")
    if not neuron.currents:
        v = np.where(held == 0, _fitted(v + sums.get("v", 0), neuron.format.width, neuron.overflow), v)
    reset = each.table["reset"][index]
    after = _fitted(v - reset, neuron.format.width, neuron.overflow) if neuron.reset == Reset.SUBTRACT else np.broadcast_to(reset, v.shape)
    return {"v": np.where(fired > 0, after, v), **found}
