"""The neurons of a core: which parameters they take, and what is loaded for them."""

from dataclasses import dataclass

import numpy as np

from spikegate.models.core.address_map import Load, Op, Param
from spikegate.models.core.part import CoreSize
from spikegate.models.network.network import Network

__all__ = ["LifNeurons"]


@dataclass(frozen=True)
class LifNeurons:
    """Leaky integrate-and-fire neurons, as `spikegate.models.neuron.lif`."""

    def params(self, network: Network) -> dict[Param, int]:
        """Values of their parameters."""
        lif = network.lif
        return {Param.LEAK: lif.leak, Param.THRESHOLD: lif.threshold, Param.V_RESET: lif.reset, Param.REST_LEAK: lif.rest_leak,
                Param.REFRACTORY: lif.refractory}

    def loads(self, size: CoreSize, network: Network) -> list[Load]:
        """Streams and states of all places of a sweep; neurons that the network does not have rest without a stream."""
        neurons = np.arange(size.words * size.lanes)
        v0, seeds = np.full(len(neurons), network.lif.rest, np.int64), np.zeros(len(neurons), np.uint64)
        v0[:network.n], seeds[:network.n] = network.v0, network.seeds
        word, lane = np.divmod(neurons, size.lanes)
        return [Load(Op.SEED, seeds, word, lane), Load(Op.STATE, v0 & ((1 << size.width) - 1), word, lane)]
