"""What a network of one kind of neuron, one weight a source and one delay says of itself."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from spikegate.models.network import provenance
from spikegate.models.network.base import FrozenNetwork, next_start
from spikegate.models.network.population import Population
from spikegate.models.network.provenance import Quantity
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import StreamParams

__all__ = ["FIXED", "DescribedNetwork"]

#: The variant whose synapses are fixed-point weights.
FIXED = "v3"


class DescribedNetwork(FrozenNetwork):
    """Base of `Network`, which has the fields."""

    n_exc: int
    n_inh: int
    lif: LifParams
    drive: DriveParams
    lfsr: LfsrParams
    indices: np.ndarray
    weights: np.ndarray
    seeds: np.ndarray
    delay: int
    streams: StreamParams | None

    @property
    def n(self) -> int:
        """All neurons."""
        return self.n_exc + self.n_inh

    @property
    def populations(self) -> tuple[Population, ...]:
        """Those that have neurons, in the order of their numbers."""
        both = Population("excitatory", 0, self.n_exc), Population("inhibitory", self.n_exc, self.n)
        return tuple(population for population in both if population.size)

    @property
    def ranges(self) -> tuple[Population, ...]:
        """The same."""
        return self.populations

    @property
    def variant(self) -> str:
        """What its synapses are: ``v3``, fixed-point weights, or as `StreamParams.variant` says."""
        return FIXED if self.streams is None else self.streams.variant

    @property
    def title(self) -> str:
        """Its name, without the variant."""
        return self.name.removesuffix(f"-{self.variant}")

    @property
    def synapses(self) -> int:
        """Recurrent connections."""
        return len(self.indices)

    @property
    def memory(self) -> float:
        """For how many steps a membrane remembers: tau / dt."""
        return (1 << self.lif.leak_fraction) / self.lif.leak

    @property
    def draws(self) -> bool:
        """Yes: its drive."""
        return True

    @property
    def states(self) -> tuple[str, ...]:
        """Membrane, refractory steps left, and overflow."""
        return "v", "hold", "overflow"

    def described(self) -> dict[str, Any]:
        """What a report says of it."""
        lif = self.lif
        found = {"preset": self.title, "variant": self.variant, "n": self.n, "n_exc": self.n_exc, "n_inh": self.n_inh, "synapses": self.synapses,
                 "hash": self.hash, "format": str(lif.format), "rounding": lif.rounding.name.lower(), "overflow": lif.overflow.name.lower(),
                 "leak_fraction": lif.leak_fraction}
        if streams := self.streams:
            found["streams"] = {"generator": streams.generator.name.lower(), "length": streams.length, "channels": streams.channels}
        return found

    def membrane(self, neuron: int) -> tuple[int, float]:
        """Raw units of a millivolt, and the threshold in mV."""
        return self.lif.format.one, self.lif.threshold / self.lif.format.one

    def quantities(self) -> list[Quantity]:
        """As `spikegate.models.network.provenance.quantities`."""
        return provenance.quantities(self)

    def fixes(self) -> dict[str, str]:
        """As `spikegate.models.network.provenance.fixes`."""
        return provenance.fixes(self)

    def warnings(self) -> list[str]:
        """As `spikegate.models.network.provenance.warnings`."""
        return provenance.warnings(self)

    def require_consistent(self) -> None:
        """As `spikegate.models.network.provenance.require_consistent`."""
        provenance.require_consistent(self)

    def reseeded(self, number: int) -> Self:
        """The same with other random numbers for its drive, in Brian2 too."""
        source: Mapping[str, Any] = {**self.source, "seed": self.source["seed"] + number} if "seed" in self.source else self.source
        seeds = self.lfsr.phases(next_start(int(self.seeds[0]), number, self.lfsr.mask), self.n, self.steps)
        return self.replace(seeds=seeds, source=source)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed; recorded external events are dropped unless given."""
        raise NotImplementedError
