"""A source of independent spikes: in each step a neuron spikes with the probability of its set, ``uniform < chance``, 32 bits each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spikegate.models.kernel import kernel
from spikegate.models.neuron.linear import Column
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.fixed import Q8_8, QFormat

__all__ = ["BernoulliNeuron", "bernoulli_step"]


@dataclass(frozen=True)
class BernoulliNeuron:
    """Structure of a source of spikes: it has no ports and remembers nothing but its random stream.

    Its table has one column, ``chance``: the probability of a spike in a step as a fraction of 2^32, 0..2^32.
    """

    kind: ClassVar[str] = "bernoulli"
    ports: ClassVar[tuple[str, ...]] = ()
    draws: ClassVar[bool] = True
    format: ClassVar[QFormat] = Q8_8
    latency: ClassVar[int] = 2

    @property
    def state(self) -> dict[str, int]:
        """Nothing."""
        return {}

    @property
    def columns(self) -> tuple[Column, ...]:
        """``chance``."""
        return (Column("chance", 0, 1 << UNIFORM_BITS),)

    def problems(self, sets: Mapping[str, np.ndarray]) -> list[str]:
        """None."""
        return []

    def start(self, sets: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """None."""
        return {}

    def constants(self) -> np.ndarray:
        """None."""
        return np.zeros(10, np.int64)


@kernel
def bernoulli_step(table: np.ndarray, k: int, uniform: int) -> int:
    """Whether a neuron of set ``k`` of the table, int64 (sets, 1), spikes on the number 0..2^32-1."""
    return int(uniform < table[k, 0])
