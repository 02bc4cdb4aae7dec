"""Synapses as a user gives them, a matrix or pairs, and which neurons they connect."""

from typing import Any, NamedTuple

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.raw import raw_numbers

__all__ = ["Connection", "pairs_of"]


class Connection(NamedTuple):
    """What `spikegate.models.network.builder.Builder.connect` was given."""

    source: str
    target: str
    port: str | None
    weights: Any
    delays: Any
    pairs: Any


def pairs_of(what: str, asked: Connection, sources: int, targets: int) -> list[np.ndarray]:
    """Source and target neuron of each synapse."""
    if asked.pairs is None:
        shape = np.shape(asked.weights)
        if shape != (sources, targets):
            raise InputError(f"Weights of {what} must be a matrix ({sources}, {targets}), sources by targets, not {shape}; or give pairs")
        return list(np.nonzero(np.asarray(asked.weights)))
    if len(asked.pairs) != 2 or np.shape(asked.pairs[0]) != np.shape(asked.pairs[1]):
        raise InputError(f"Pairs of {what} must be two rows, as many source neurons as target neurons")
    return [raw_numbers(f"{side} neuron of {what}", values, 0, size - 1, "neurons of a population count from 0").ravel()
            for side, values, size in zip(("Source", "Target"), asked.pairs, (sources, targets))]
