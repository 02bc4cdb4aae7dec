"""What a network of point neurons puts into the memories of a core: structures, drives, parameter sets of lanes, and which of them a neuron has."""

from functools import cached_property

import numpy as np

from spikegate.models.core.rows_csr import Packing
from spikegate.models.core.words import Field
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import Neuron, PortDrive
from spikegate.models.numeric.drive import DriveParams

__all__ = ["state_fields", "set_fields", "PointImage"]

COUNTS = ("hold", "overflow", "fired")


def state_fields(neuron: Neuron) -> dict[str, Field]:
    """What a neuron remembers."""
    return {name: Field(width, name not in COUNTS) for name, width in neuron.state.items()}


def set_fields(neuron: Neuron) -> dict[str, Field]:
    """A parameter set, as wide as its columns' ranges."""
    return {name: Field(max(most.bit_length(), (-least - 1).bit_length()) + 1, True) if least < 0 else Field(max(1, most.bit_length()))
            for name, least, most in neuron.columns}


class PointImage:
    """A network for ``lanes`` lanes.

    Parameters
    ----------
    network : PointNetwork
    lanes : int

    Attributes
    ----------
    structures : tuple
        Different ones, in the order of the populations.
    drives : list of PortDrive or None
        Of different tables of external events and of noise, the former; None for neurons without.
    noises : list of DriveParams or None
        The latter.
    unit, drive : numpy.ndarray
        int64 (n,): each neuron's place among them.
    lane_sets : list of list of (int, tuple of int)
        For each lane, the sets that its neurons need: structure and values.
    set : numpy.ndarray
        int64 (n,): each neuron's place among those of its lane.
    """

    def __init__(self, network: PointNetwork, lanes: int) -> None:
        self.network, self.lanes = network, lanes
        self.structures: tuple[Neuron, ...] = tuple(dict.fromkeys(each.neuron for each in network.populations))
        keys = [None if each.drive is None else (each.drive.table.limits.tobytes(), each.drive.table.weight, each.drive.offset,
                                                 each.neuron.ports.index(each.drive.port)) for each in network.populations]
        noises = [None if each.noise is None else (each.noise.limits.tobytes(), each.noise.weight) for each in network.populations]
        both = list(zip(keys, noises))
        different = list(dict.fromkeys(both))
        self.drives: list[PortDrive | None] = [network.populations[both.index(key)].drive for key in different]
        self.noises: list[DriveParams | None] = [network.populations[both.index(key)].noise for key in different]
        self.ports = [0 if key is None else key[3] for key, _ in different]
        sizes = [each.size for each in network.populations]
        self.unit = np.repeat([self.structures.index(each.neuron) for each in network.populations], sizes)
        self.drive = np.repeat([different.index(key) for key in both], sizes)
        self.lane_sets: list[list[tuple[int, tuple[int, ...]]]] = []
        self.set = np.zeros(network.n, np.int64)
        self._assign()

    def _assign(self) -> None:
        """Number all different sets, then those of each lane."""
        numbers: dict[tuple[int, tuple[int, ...]], int] = {}
        chosen = []
        for each in self.network.populations:
            unit = self.structures.index(each.neuron)
            mine = np.array([numbers.setdefault((unit, tuple(values)), len(numbers)) for values in each.sets.tolist()])
            chosen.append(mine[each.index])
        sets, number = list(numbers), np.concatenate(chosen)
        for lane in range(self.lanes):
            used, self.set[lane::self.lanes] = np.unique(number[lane::self.lanes], return_inverse=True)
            self.lane_sets.append([sets[k] for k in used])

    @cached_property
    def packing(self) -> Packing:
        """The rows."""
        return Packing(self.network, self.lanes)
