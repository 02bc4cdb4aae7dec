"""What a core of point neurons is compiled for, as far as what is loaded into it and its cycles depend on it."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from spikegate.models.core.point_image import PointImage, set_fields, state_fields
from spikegate.models.core.point_rows import PointRows
from spikegate.models.core.rows_csr import CSR
from spikegate.models.core.words import Field, record_bits
from spikegate.models.errors import InputError
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import Neuron
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Rounding
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["PointSize"]

#: Cycles of a step besides those of its sweep, of the levels of the drive, of the stages of a neuron and of what is delivered.
CYCLES_PER_STEP = 10
#: What is simulated in a reasonable time.
MAX_MEMORY_BITS = 1 << 25


def _bits(most: int) -> int:
    """Bits of 0..most, at least one."""
    return max(1, most.bit_length())


@dataclass(frozen=True)
class PointSize:
    """Every network that needs no more runs on the same hardware.

    Parameters
    ----------
    n, lanes : int
        Neurons and lanes, 1 <= lanes <= n.
    structures : tuple of Neuron
        Each is a unit in every lane.
    lfsr : LfsrParams
        Of each neuron's stream.
    sources : int
        Neurons and channels of inputs.
    row_words, row_longest : int
        Words of all rows, and of the longest.
    slots : int
        Slots of the ring of inputs, a power of two above the longest delay.
    ports : int
        Of the structure that has most.
    width, weight_bits, drive_bits : int
        Of sums, of the weights of synapses, and of those of drives, signed.
    drives, depth, offset_bits : int
        Tables of external events, the levels of their search, and bits of their offsets.
    sets : int
        Parameter sets of a lane.
    noise_bits : int
        Of the weight of noise, signed; 0 without noise.
    rows : PointRows
        Where synapses come from. What rows are generated from has three sizes: ``rules``, projections; ``block``, sources of the largest group;
        ``blocks``, of a lane at most.
    """

    n: int
    lanes: int
    structures: tuple[Neuron, ...]
    lfsr: LfsrParams
    sources: int
    row_words: int
    row_longest: int
    slots: int
    ports: int
    width: int
    weight_bits: int
    drive_bits: int
    drives: int
    depth: int
    offset_bits: int
    sets: int
    noise_bits: int = 0
    rows: PointRows = CSR
    rules: int = 0
    block: int = 0
    blocks: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.lanes <= self.n:
            raise InputError(f"Lanes must be in 1..N={self.n}, not {self.lanes}; use {'fewer lanes' if self.lanes > self.n else 'at least one'}")
        for name, bits in (("Rows", self.rows.memory_bits(self)),
                           ("Inputs", self.slots * self.words * self.lanes * self.ports * self.width)):
            if bits > MAX_MEMORY_BITS:
                raise InputError(f"{name} of N={self.n} in {self.lanes} lanes take {bits:,} bits, above the limit of {MAX_MEMORY_BITS:,} of the RTL; "
                                 "use fewer neurons, or run the network with the golden model")

    @classmethod
    def of(cls, network: PointNetwork, lanes: int, rows: PointRows = CSR) -> Self:
        """Exactly what a network needs."""
        if not 1 <= lanes <= network.n:
            raise InputError(f"Lanes must be in 1..N={network.n}, not {lanes}; use {'fewer lanes' if lanes > network.n else 'at least one'}")
        image, sums = PointImage(network, lanes), _bits(network.largest_input) + 1
        drives = [drive for drive in image.drives if drive]
        noises = [noise for noise in image.noises if noise]
        longest = max((each.longest for each in network.projections), default=1) or 1
        weights = max((_bits(max(high, ~low)) + 1 for low, high in (each.extremes for each in network.projections)), default=2)
        return cls(
            n=network.n, lanes=lanes, structures=image.structures, lfsr=network.lfsr, sources=network.n + network.channels,
            **{"row_words": 2, "row_longest": 1, **rows.needs(image)}, rows=rows, slots=1 << _bits(longest),
            ports=max(1, *(len(each.ports) for each in image.structures)) if image.structures else 1, width=sums, weight_bits=weights,
            drive_bits=max([_bits(max(each.table.weight, ~each.table.weight)) + 1 for each in drives], default=2), drives=len(image.drives),
            depth=max([each.table.depth for each in drives] + [each.depth for each in noises], default=1),
            offset_bits=max([_bits(each.offset) for each in drives], default=1),
            sets=max(len(each) for each in image.lane_sets),
            noise_bits=max([_bits(max(each.weight, ~each.weight)) + 1 for each in noises], default=0))

    @classmethod
    def covering(cls, sizes: Iterable[Self]) -> Self:
        """What runs all that one of them runs, which have the same lanes and streams."""
        first, *others = sizes
        for other in others:
            most: dict[str, Any] = {field.name: max(getattr(first, field.name), getattr(other, field.name)) for field in dataclasses.fields(first)
                                    if field.type is int}
            first = dataclasses.replace(first, structures=tuple(dict.fromkeys(first.structures + other.structures)), **most)
        return first

    def problems(self, network: PointNetwork) -> list[str]:
        """Why it does not run a network; empty if it does."""
        need, found = type(self).of(network, self.lanes, self.rows), []
        for field in dataclasses.fields(self):
            mine, asked = getattr(self, field.name), getattr(need, field.name)
            short = set(asked) - set(mine) if field.name == "structures" else mine != asked if field.type is not int else asked > mine
            if short:
                found.append(f"Core has {field.name} {mine}, and network {network.name!r} needs {asked}; make it larger")
        return found

    @property
    def words(self) -> int:
        """W, words of a sweep."""
        return -(-self.n // self.lanes)

    @property
    def neuron_stages(self) -> int:
        """Of the structure that takes most."""
        return max(each.latency for each in self.structures)

    @property
    def random_bits(self) -> int:
        """Bits for stochastic rounding; 0 without."""
        return max((each.leak_fraction for each in self.structures if isinstance(each, LinearNeuron) and each.rounding == Rounding.STOCHASTIC),
                   default=0)

    @property
    def events_bits(self) -> int:
        """Bits of a number of external events."""
        return _bits((1 << self.offset_bits) + (1 << self.depth) - 2)

    @cached_property
    def state_bits(self) -> int:
        """Of the structure that remembers most."""
        return max(1, *(record_bits(state_fields(each)) for each in self.structures))

    @cached_property
    def set_bits(self) -> int:
        """Of the structure with the largest parameter set."""
        return max(1, *(record_bits(set_fields(each)) for each in self.structures))

    @property
    def place_fields(self) -> dict[str, Field]:
        """What a neuron is: its structure from 1, 0 for none, its set among those of the lane, and its table of external events."""
        return {"unit": Field(_bits(len(self.structures))), "set": Field(_bits(self.sets - 1)), "drive": Field(_bits(self.drives - 1))}

    @property
    def drive_fields(self) -> dict[str, Field]:
        """What is kept beside a table."""
        return {"weight": Field(self.drive_bits, True), "port": Field(_bits(self.ports - 1)), "offset": Field(self.offset_bits)}

    @property
    def noise_fields(self) -> dict[str, Field]:
        """What is kept beside a table of noise: its weight, and how many limits 0 exceeds."""
        return {"weight": Field(self.noise_bits, True), "middle": Field(self.depth)}

    @property
    def noise_first(self) -> int:
        """Number of the first table of noise, a power of two above those of external events."""
        return 1 << _bits(max(2, self.drives) - 1)

    @property
    def pointer_fields(self) -> dict[str, Field]:
        """Where the row of a source begins, and its words."""
        return {"first": Field(_bits(self.row_words - 1)), "number": Field(_bits(self.row_longest))}

    @property
    def synapse_fields(self) -> dict[str, Field]:
        """A lane's part of a word of a row."""
        return {"valid": Field(1), "word": Field(_bits(self.words - 1)), "delay": Field(_bits(self.slots - 1)), "port": Field(_bits(self.ports - 1)),
                "weight": Field(self.weight_bits, True)}

    def cycles(self, network: PointNetwork, recording: Recording) -> int | None:
        """Clock cycles of a run: the sum of `phases`; None if those are not known."""
        phases = self.phases(network, recording)
        return None if phases is None else sum(phases.values())

    def phases(self, network: PointNetwork, recording: Recording) -> dict[str, int] | None:
        """Those by what they are spent on: ``W + depth + 10`` and the stages of a neuron a step, and those of the rows; None if unknown."""
        rows = self.rows.cycles(PointImage(network, self.lanes), self, recording)
        pipelines = self.depth + self.neuron_stages + CYCLES_PER_STEP
        return None if rows is None else {"sweep of the neurons": recording.steps * self.words,
                                          "pipelines, filled and emptied": recording.steps * pipelines, "delivery of spikes": rows}
