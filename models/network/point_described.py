"""What a network of point neurons says of itself."""

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from spikegate.models.network.base import FrozenNetwork, next_start
from spikegate.models.network.generated import Generated
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.network.population import Population
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.network.provenance import LIMIT, Quantity
from spikegate.models.network.stored import Stored
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["DescribedPointNetwork"]


class DescribedPointNetwork(FrozenNetwork):
    """Base of `PointNetwork`, which has the fields."""

    populations: Sequence[PointPopulation]
    projections: Sequence[Projection | Generated | Stored]
    inputs: Sequence[SpikeInput]
    lfsr: LfsrParams
    seeds: np.ndarray

    @property
    def n(self) -> int:
        """All neurons."""
        return sum(each.size for each in self.populations)

    @property
    def channels(self) -> int:
        """Channels of all inputs."""
        return sum(each.size for each in self.inputs)

    @property
    def firsts(self) -> tuple[int, ...]:
        """The first neuron of each population."""
        return tuple(int(x) for x in np.cumsum([0, *(each.size for each in self.populations)])[:-1])

    @property
    def ranges(self) -> tuple[Population, ...]:
        """Its populations with the numbers of their neurons."""
        return tuple(Population(each.name, first, first + each.size) for each, first in zip(self.populations, self.firsts))

    @property
    def title(self) -> str:
        """Its name."""
        return self.name

    @property
    def variant(self) -> str:
        """Its kinds of neurons."""
        return ", ".join(dict.fromkeys(each.neuron.kind for each in self.populations))

    def count(self, projection: Projection | Generated | Stored) -> int:
        """Synapses of a projection."""
        sizes = {each.name: each.size for each in self.populations}
        return projection.count(sizes[projection.target])

    @property
    def memory(self) -> float:
        """For how many steps a membrane remembers: the longest time constant, also of a recovery, 1 if none leaks."""
        leaks = [(1 << each.neuron.leak_fraction) / leak for each in self.populations if isinstance(each.neuron, LinearNeuron)
                 for leak in each.table["leak"].tolist() if leak]
        leaks += [-1 / math.log1p(-a / (1 << each.neuron.a_fraction)) for each in self.populations if isinstance(each.neuron, IzhikevichNeuron)
                  for a in each.table["a"].tolist() if 0 < a < 1 << each.neuron.a_fraction]
        return max(leaks, default=1.0)

    @property
    def draws(self) -> bool:
        """Whether any population has a drive, rounds by chance or spikes by chance."""
        return any(each.draws for each in self.populations)

    @property
    def states(self) -> tuple[str, ...]:
        """What any of its neurons remembers."""
        return tuple(dict.fromkeys(name for each in self.populations for name in each.neuron.state))

    def described(self) -> dict[str, Any]:
        """What a report says of it."""
        formats = dict.fromkeys(str(each.neuron.format) for each in self.populations if not isinstance(each.neuron, BernoulliNeuron))
        return {"preset": self.title, "variant": self.variant, "n": self.n, "hash": self.hash, "format": ", ".join(formats) or "no numbers",
                "populations": {each.name: {"size": each.size, "kind": each.neuron.kind, "sets": len(each.sets)} for each in self.populations},
                "inputs": {each.name: {"channels": each.size, "spikes": len(each.steps)} for each in self.inputs},
                "projections": {each.title: self.count(each) for each in self.projections},
                "synapses": sum(self.count(each) for each in self.projections)}

    def membrane(self, neuron: int) -> tuple[int, float]:
        """Raw units of a millivolt, and the threshold in mV; 0 units if the neuron has no membrane."""
        for each, first in zip(self.populations, self.firsts):
            if first <= neuron < first + each.size and not isinstance(each.neuron, BernoulliNeuron):
                one, level = each.neuron.format.one, "threshold" if isinstance(each.neuron, LinearNeuron) else "peak"
                return one, int(each.table[level][each.index[neuron - first]]) / one
        return 0, 0.0

    def quantities(self) -> list[Quantity]:
        """What the parameters of each population realise, where all of its neurons have the same, and what the source asks for by these names."""
        found, ms = [], self.dt_ns / 10**6
        for each in self.populations:
            if isinstance(each.neuron, BernoulliNeuron):
                continue
            same = {name: int(values[0]) for name, values in each.table.items() if np.all(values[each.index] == values[each.index[0]])}
            levels = ("threshold", "reset", "rest", "bias", "c", "peak")
            rows: dict[str, float] = {name: same[name] / each.neuron.format.one for name in levels if name in same}
            if isinstance(each.neuron, LinearNeuron) and 0 < same.get("leak", 0) < 1 << each.neuron.leak_fraction:
                rows["tau_mem"] = -ms / math.log1p(-same["leak"] / (1 << each.neuron.leak_fraction))
            if "refractory" in same:
                rows["refractory"] = ms * same["refractory"]
            found += [Quantity(f"{each.name}.{name}", self._asked(f"{each.name}.{name}"), value) for name, value in rows.items()]
        return found

    def _asked(self, name: str) -> float | None:
        value = self.source.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def fixes(self) -> dict[str, str]:
        """What to do about each parameter that is off by more than a hundredth of what its source asks for."""
        return {row.name: "use more fraction bits" for row in self.quantities() if row.asked and row.error is not None and abs(row.error) > LIMIT}

    def warnings(self) -> list[str]:
        """A line for each of them."""
        found = self.fixes()
        return [f"{row.name} is {row.realised:.4g} and not the {row.asked:.4g} asked for ({100 * (row.error or 0.0):+.3g} %): {found[row.name]}"
                for row in self.quantities() if row.name in found]

    def require_consistent(self) -> None:
        """Nothing: its source says nothing that its integers could contradict."""

    def reseeded(self, number: int) -> Self:
        """The same with other random numbers, another for each ``number`` from 1 on; connectivity stays."""
        first = int(self.seeds[np.argmax(self.seeds > 0)])
        seeds = np.array(self.lfsr.phases(next_start(first, number, self.lfsr.mask), self.n, self.steps), np.uint64)
        return self.replace(seeds=np.where(self.seeds > 0, seeds, np.uint64(0)))

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        raise NotImplementedError
