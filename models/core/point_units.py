"""A network of point neurons as arrays, of one type whatever its populations are: what the golden model's kernels read and change."""

from typing import Any, NamedTuple

import numpy as np

from spikegate.models.kernel import aligned
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import Neuron
from spikegate.models.network.synapses import AHEAD, PORTS
from spikegate.models.neuron.adaptive_linear import ADAPTED, AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import MAX_CURRENTS
from spikegate.models.numeric.normal import middle

__all__ = ["LINEAR", "BERNOULLI", "ADAPTIVE", "IZHIKEVICH", "Units", "Room", "make_units", "state_row", "state_rows", "make_state", "make_inputs",
           "make_room", "register"]

#: Rows of the state, by name; what comes after are currents, or u, then what adapts.
ROWS = ("v", "hold", "overflow", "fired")
#: Kinds of neurons.
LINEAR, BERNOULLI, ADAPTIVE, IZHIKEVICH = 0, 1, 2, 3
WHICH = {BernoulliNeuron: BERNOULLI, AdaptiveLinearNeuron: ADAPTIVE, IzhikevichNeuron: IZHIKEVICH}


class Units(NamedTuple):
    """Populations.

    Parameters
    ----------
    bounds : numpy.ndarray
        int64 (populations + 1,): first neurons.
    which : numpy.ndarray
        int64 (populations,): `LINEAR`, `BERNOULLI`, `ADAPTIVE` or `IZHIKEVICH`.
    kinds : numpy.ndarray
        int64 (populations, any): constants of the neuron, `LinearNeuron.constants`.
    table, place : numpy.ndarray
        int64 (all sets, columns), and (n,): each neuron's set in it.
    sets, ranges : numpy.ndarray
        int64 (columns, any): parameters of a population's neurons one by one, or once if all are alike; (populations + 1,): where each begins.
    drives : numpy.ndarray
        int64 (populations, 6): whether it draws at all, port, weight, offset, first limit, last limit.
    noises : numpy.ndarray
        int64 (populations, 4): of noise, weight, how many limits 0 exceeds, first limit, last limit; the last two alike without.
    limits : numpy.ndarray
        uint32, those of all drives and noises.
    """

    bounds: np.ndarray
    which: np.ndarray
    kinds: np.ndarray
    table: np.ndarray
    place: np.ndarray
    sets: np.ndarray
    ranges: np.ndarray
    drives: np.ndarray
    noises: np.ndarray
    limits: np.ndarray


class Room(NamedTuple):
    """Numbers of one step.

    Parameters
    ----------
    flow, uniform, upper, random, events : numpy.ndarray
        int64, uint32, uint32, int64, uint8 (n,).
    spiked, groups : numpy.ndarray
        uint8 and, the same memory, uint64: eight neurons a word.
    runs : numpy.ndarray
        int64 (sources + AHEAD, 2), for `spikegate.models.network.synapses.collect`.
    """

    flow: np.ndarray
    uniform: np.ndarray
    upper: np.ndarray
    random: np.ndarray
    events: np.ndarray
    spiked: np.ndarray
    groups: np.ndarray
    runs: np.ndarray


def make_units(network: PointNetwork) -> Units:
    """The populations of a network."""
    columns = max(len(each.neuron.columns) for each in network.populations)
    tables, places, sets, drives, noises, limits, at, limit = [], [], [], [], [], [np.empty(0, np.uint32)], 0, 0
    for each in network.populations:
        tables.append(np.pad(each.sets, ((0, 0), (0, columns - each.sets.shape[1]))))
        places.append(at + each.index.astype(np.int64))
        sets.append(tables[-1] if len(each.sets) == 1 else tables[-1][each.index])
        at += len(each.sets)
        noises.append([0, 0, limit, limit])
        if each.noise is not None:
            size = len(each.noise.limits)
            noises[-1] = [each.noise.weight, middle(each.noise.depth), limit, limit + size]
            limits.append(each.noise.limits)
            limit += size
        if each.drive is None:
            drives.append([int(each.draws), 0, 0, 0, limit, limit])
            continue
        size = len(each.drive.table.limits)
        drives.append([1, each.neuron.ports.index(each.drive.port), each.drive.table.weight, each.drive.offset, limit, limit + size])
        limits.append(each.drive.table.limits)
        limit += size
    constants = [each.neuron.constants() for each in network.populations]
    most = max(map(len, constants))
    which = [WHICH.get(type(each.neuron), LINEAR) for each in network.populations]
    return Units(np.array([*network.firsts, network.n], np.int64), np.array(which, np.int64),
                 np.stack([np.pad(each, (0, most - len(each))) for each in constants]), np.concatenate(tables), np.concatenate(places),
                 np.ascontiguousarray(np.concatenate(sets).T), np.cumsum([0, *map(len, sets)]), np.array(drives, np.int64),
                 np.array(noises, np.int64), np.concatenate(limits))


def state_row(neuron: Neuron, name: str) -> int:
    """Where a state of a neuron lies."""
    if name in ROWS:
        return ROWS.index(name)
    if isinstance(neuron, IzhikevichNeuron):
        return len(ROWS)
    return len(ROWS) + (neuron.ports.index(name) if name in neuron.ports else MAX_CURRENTS + ADAPTED.index(name))


def state_rows(network: PointNetwork) -> int:
    """Rows of the state that the network has."""
    adapts = any(isinstance(each.neuron, AdaptiveLinearNeuron) for each in network.populations)
    return len(ROWS) + MAX_CURRENTS + adapts * len(ADAPTED)


def make_state(network: PointNetwork) -> tuple[np.ndarray, ...]:
    """int32 (n,) for each of `ROWS`, of the currents that a neuron may have, and of `ADAPTED`, before step 0; (0,) from `state_rows` on."""
    state = tuple(aligned(np.zeros(network.n if row < state_rows(network) else 0, np.int32))
                  for row in range(len(ROWS) + MAX_CURRENTS + len(ADAPTED)))
    for each, first in zip(network.populations, network.firsts):
        for name, values in each.initial.items():
            state[state_row(each.neuron, name)][first:first + each.size] = values
    return state


def make_inputs(network: PointNetwork) -> tuple[np.ndarray, ...]:
    """int32 (n,) for each port, (0,) for a third one that no neuron has."""
    most = max(len(each.neuron.ports) for each in network.populations)
    return tuple(aligned(np.zeros(network.n if port < max(2, most) else 0, np.int32)) for port in range(PORTS))


def make_room(network: PointNetwork) -> Room:
    """Room for a network's steps."""
    n, groups = network.n, np.zeros(-(-network.n // 8), np.uint64)
    return Room(np.empty(n, np.int64), np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.int64), np.empty(n, np.uint8),
                groups.view(np.uint8), groups, np.empty((n + network.channels + AHEAD, 2), np.int64))


def register(network: PointNetwork) -> tuple[Any, ...]:
    """What `spikegate.models.core.engine.draw` needs to know of the streams."""
    lfsr = network.lfsr
    masks = lfsr.leap, (1 << lfsr.leap) - 1, lfsr.mask, 0
    return tuple(np.uint64(tap - lfsr.leap) for tap in lfsr.taps), *map(np.uint64, masks), False
