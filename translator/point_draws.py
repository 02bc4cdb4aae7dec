"""What the neurons of a network of point neurons draw in each step, for engines that have no such generators."""

from collections.abc import Iterator

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.lfsr import leap_once
from spikegate.models.numeric.normal import middle

__all__ = ["draws"]


def draws(network: PointNetwork) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each step, int64 (n,) each: events of the neurons' drives, or, of a bernoulli neuron, whether it spikes; and noise, raw."""
    lfsr, low = network.lfsr, np.uint64((1 << UNIFORM_BITS) - 1)
    shifts = [np.uint64(tap - lfsr.leap) for tap in lfsr.taps]
    masks = [np.uint64(value) for value in (lfsr.leap, (1 << lfsr.leap) - 1, lfsr.mask)]
    seeds = network.seeds.astype(np.uint64)
    parts = [(each, slice(first, first + each.size)) for each, first in zip(network.populations, network.firsts) if each.draws]
    for _ in range(network.steps):
        uniform, upper = (seeds & low).astype(np.int64), (seeds >> np.uint64(UNIFORM_BITS)).astype(np.int64)
        row, noise = np.zeros(network.n, np.int64), np.zeros(network.n, np.int64)
        seeds = leap_once.py_func(seeds, shifts, *masks)
        for each, here in parts:
            if each.drive is not None:
                row[here] = each.drive.offset + np.searchsorted(each.drive.table.limits.astype(np.int64), uniform[here])
            elif not isinstance(each.neuron, LinearNeuron):
                row[here] = uniform[here] < each.table["chance"][each.index]
            if each.noise is not None:
                noise[here] = (np.searchsorted(each.noise.limits.astype(np.int64), upper[here]) - middle(each.noise.depth)) * each.noise.weight
        yield row, noise
