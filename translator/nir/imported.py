"""What an imported NIR graph is: the frozen network, what became of each node, and its outputs in the steps of the graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.projection import SpikeInput
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.translator.nir.spikes import events
from spikegate.translator.nir.verdicts import Verdict

__all__ = ["Imported", "Readout"]


@dataclass(frozen=True)
class Readout:
    """Whose spikes or membranes an Output node is.

    Attributes
    ----------
    output, node : str
        The Output, and the node whose neurons it shows.
    spikes : bool
        Whether they spike; else their membranes are what it gives.
    shape : tuple of int
    """

    output: str
    node: str
    spikes: bool
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Imported:
    """A NIR graph as a network of hardware.

    Attributes
    ----------
    network : PointNetwork
        Frozen: save it, and `spikegate sim --network` proves the hardware on it.
    nodes : sequence of Verdict
        What became of each node.
    outputs : Mapping of str to Readout
        By Output node.
    lag : Mapping of str to int
        By how many steps an output is later in the network than in the graph: a synapse takes a step.
    names : Mapping of str to str
        Population or input of the network, by node.
    inputs : Mapping of str to int
        Channels of each Input node.
    steps : int
        Of the graph; the network has as many more as its deepest node is late.
    """

    network: PointNetwork
    nodes: Sequence[Verdict]
    outputs: Mapping[str, Readout]
    lag: Mapping[str, int]
    names: Mapping[str, str]
    inputs: Mapping[str, int]
    steps: int

    @property
    def exact(self) -> bool:
        """Whether nothing was rounded: hardware then gives the spikes of the graph's own discretised equations."""
        return all(each.exact for each in self.nodes)

    def with_inputs(self, inputs: Any) -> PointNetwork:
        """The network with other spikes, as `from_nir` takes them; for as many steps as before."""
        given, _ = events(inputs, self.steps, self.inputs)
        mine = {self.names[node]: pair for node, pair in given.items()}
        made = []
        for each in self.network.inputs:
            made.append(SpikeInput(each.name, each.size, *mine[each.name]) if each.name in mine else each)
        return self.network.replace(inputs=made)

    def _chosen(self, output: str | None) -> tuple[Readout, int, int, int]:
        if output is None and len(self.outputs) == 1:
            output = next(iter(self.outputs))
        if output is None or output not in self.outputs:
            raise InputError(f"Output must be one of {', '.join(self.outputs) or 'none'}, not {output!r}")
        readout, places = self.outputs[output], zip(self.network.populations, self.network.firsts)
        first, size = next((first, each.size) for each, first in places if each.name == self.names[readout.node])
        return readout, first, size, self.lag[output]

    def spikes(self, recording: Recording, output: str | None = None) -> np.ndarray:
        """Spikes of an Output in the steps of the graph, bool (steps, ...) in its shape; of the only one by default.

        Raises
        ------
        InputError
            If there is no such output, or it does not spike.
        """
        readout, first, size, lag = self._chosen(output)
        if not readout.spikes:
            raise InputError(f"Output {readout.output!r} is the membrane of {readout.node!r}, which does not spike; use values")
        found = np.zeros((self.steps, size), bool)
        step, neuron = recording.spikes[:, 0] - lag, recording.spikes[:, 1] - first
        mine = (neuron >= 0) & (neuron < size) & (step >= 0) & (step < self.steps)
        found[step[mine], neuron[mine]] = True
        return found.reshape(self.steps, *readout.shape)

    def values(self, recording: Recording, output: str | None = None) -> np.ndarray:
        """Membranes behind an Output in the steps of the graph and in its units, float64 (steps, ...), of a recording with a trace.

        Raises
        ------
        InputError
            If there is no such output, or no trace.
        """
        readout, first, size, lag = self._chosen(output)
        if "v" not in recording.trace:
            raise InputError("Recording has no trace; run the engine with trace=True")
        neuron = next(each.neuron for each in self.network.populations if each.name == self.names[readout.node])
        assert isinstance(neuron, LinearNeuron)
        raw = recording.trace["v"][lag:lag + self.steps, first:first + size]
        return np.asarray(raw, np.float64).reshape(self.steps, *readout.shape) / neuron.format.one

    def overflows(self, recording: Recording) -> dict[str, int]:
        """How many neurons of each node left their format, if any: their spikes are not those of the graph."""
        flags, found = np.asarray(recording.final["overflow"]), {}
        nodes = {name: node for node, name in self.names.items()}
        for each, first in zip(self.network.populations, self.network.firsts):
            if count := int(np.count_nonzero(flags[first:first + each.size])):
                found[nodes.get(each.name, each.name)] = count
        return found
