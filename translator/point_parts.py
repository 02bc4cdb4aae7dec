"""Groups of Brian2 that stand for neurons of a population, or for channels of an input."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.network.point_population import PointPopulation

__all__ = ["NeuronPart", "Part"]


@dataclass(eq=False)
class Part:
    """Neurons of a population, or channels of an input, that Brian2 has in one group.

    Parameters
    ----------
    name : str
        Of the population or input.
    group : brian2.NeuronGroup or brian2.SpikeGeneratorGroup
    first : int
        Number of the population's first neuron in the network.
    members : numpy.ndarray
        int64, places within the population, ascending.
    """

    name: str
    group: Any
    first: int
    members: np.ndarray

    @property
    def places(self) -> np.ndarray:
        """Among all neurons of the network."""
        return self.first + self.members


@dataclass(eq=False)
class NeuronPart(Part):
    """Neurons whose states Brian2 computes."""

    population: PointPopulation

    def variable(self, port: str) -> str:
        """What synapses add to."""
        raise NotImplementedError

    def states(self, late: bool) -> dict[str, np.ndarray]:
        """Brian2's own arrays of what a step leaves when its thresholds are done, or, ``late``, its resets."""
        raise NotImplementedError

    def late_states(self, step: int, spiked: np.ndarray) -> dict[str, np.ndarray]:
        """What Brian2 has no arrays of after the last step, in which neurons spiked or did not."""
        raise NotImplementedError

    def begin(self, b: Any, first: np.ndarray) -> None:
        """Give the group its first state; ``first`` are external events of step 0, which no slot of a schedule comes before."""
        raise NotImplementedError
