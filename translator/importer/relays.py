"""Delays above what hardware holds, by neurons that pass a spike on: each adds exactly as many steps as its synapse has."""

import numpy as np

from spikegate.models.network.builder import Builder
from spikegate.models.network.projection import MAX_DELAY
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import QFormat

__all__ = ["MAX_RELAYS", "relay", "relays"]

#: Neurons of all relays of a pathway.
MAX_RELAYS = 100_000
#: Spikes in the step in which 1 raw arrives, and is at 0 again.
RELAY = LinearNeuron(QFormat(4, 1))


def relays(delays: np.ndarray) -> np.ndarray:
    """How many relays each delay, in steps, passes."""
    found: np.ndarray = (np.asarray(delays) - 1) // MAX_DELAY
    return found


def relay(builder: Builder, made: set[str], source: str, size: int, count: int) -> str:
    """The neurons that spike ``count`` times `MAX_DELAY` steps after those of ``source``; ``made`` has the names of those that are there."""
    now = source
    for k in range(1, count + 1):
        name = f"{source}_later_{k}"
        if name not in made:
            made.add(builder.population(name, size, RELAY, leak=0, threshold=1))
            builder.connect(now, name, weights=1, delays=MAX_DELAY, pairs=(np.arange(size), np.arange(size)))
        now = name
    return now
