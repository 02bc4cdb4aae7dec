"""A frozen network of point neurons of any kind: populations, projections with a weight and a delay for each synapse, and recorded input spikes.

It stands beside `spikegate.models.network.network.Network`, which is one kind of neuron, one weight a source and one delay, and whose memory is a bit
a connection. `PointNetwork.of` makes the one of the other; both give the same spikes.
"""

import dataclasses
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from spikegate.models.checks import exact_array, plain, require, require_type, require_whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.network import point_file
from spikegate.models.network.generated import Generated
from spikegate.models.network.network import MAX_DT_NS, MAX_STEPS, Network
from spikegate.models.network.point_described import DescribedPointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Place, Projection, SpikeInput
from spikegate.models.network.stored import Stored, lay_out
from spikegate.models.network.synapses import Synapses
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["INPUT_LIMIT", "PointNetwork"]

#: Largest sum of a port, so that 32 bits hold it.
INPUT_LIMIT = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class PointNetwork(DescribedPointNetwork):
    """Populations, projections, inputs, random streams and length of one run.

    Parameters
    ----------
    name : str
        Title, printable.
    populations : sequence of PointPopulation
        Neurons are numbered from 0 through all of them.
    projections : sequence of Projection, Generated or Stored
    inputs : sequence of SpikeInput
    lfsr : LfsrParams
        Of every neuron's stream; width at least 32 + the leak fraction of a neuron that draws, leap at least 32 and no longer than the lowest tap.
    seeds : numpy.ndarray
        uint64 (n,), LFSR state of each neuron before step 0; 0 for those that draw nothing, and for no others.
    steps : int
        Length of the run, 1..2^31-1.
    dt_ns : int
        Biological time of a step in nanoseconds, at most a second.
    source : Mapping
        What was asked for, in physical units: names to numbers, truth values or printable text.

    Raises
    ------
    InputError
        With everything that is inconsistent.
    """

    name: str
    populations: Sequence[PointPopulation]
    projections: Sequence[Projection | Generated | Stored]
    inputs: Sequence[SpikeInput]
    lfsr: LfsrParams
    seeds: np.ndarray
    steps: int
    dt_ns: int
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_whole(self, "steps", "dt_ns")
        for name, kind in (("name", str), ("lfsr", LfsrParams), ("source", Mapping)):
            require_type(self, name, kind)
        parts: tuple[tuple[str, tuple[type, ...]], ...] = (("populations", (PointPopulation,)), ("projections", (Projection, Generated, Stored)),
                                                           ("inputs", (SpikeInput,)))
        for name, member in parts:
            object.__setattr__(self, name, tuple(getattr(self, name)))
            for each in getattr(self, name):
                require(f"Each of {name}", each, member, f"make a {member[0].__name__}")
        object.__setattr__(self, "seeds", exact_array("seeds", self.seeds, np.uint64))
        self._check()

    def _check(self) -> None:
        problems = Problems()
        need = problems.require
        need(len(self.populations) >= 1, "A network must have at least one population")
        need(1 <= self.steps <= MAX_STEPS, f"Steps must be in 1..{MAX_STEPS}, not {self.steps}; run for longer than dt, or in several runs")
        need(1 <= self.dt_ns <= MAX_DT_NS, f"dt must be in 1..{MAX_DT_NS} ns, not {self.dt_ns} ns")
        need(self.name.isprintable(), f"Name must be printable, not {self.name!r}")
        names = [each.name for each in self.populations] + [each.name for each in self.inputs]
        need(len(set(names)) == len(names), f"Populations and inputs must have different names, not {', '.join(names)}")
        for key, value in self.source.items():
            need(isinstance(key, str) and key.isprintable() and plain(value), "Source must give printable names to numbers, truth values or "
                 f"printable text, not {reprlib.repr(key)} to {reprlib.repr(value)}")
        need(self.seeds.shape == (self.n,), f"Seeds must have {self.n} entries, not {self.seeds.shape}")
        problems.raise_any()
        for each in self.inputs:
            last = int(each.steps[-1]) if len(each.steps) else 0
            need(last < self.steps, f"Events of input {each.name!r} must be in the {self.steps} steps of the run, not in step {last}")
        self._check_draws(problems)
        for projection in self.projections:
            self._check_projection(problems, projection)
        problems.raise_any()
        self._check_sums(problems)
        problems.raise_any()

    def _check_draws(self, problems: Problems) -> None:
        bits = 32 + max((each.neuron.leak_fraction for each in self.populations if isinstance(each.neuron, LinearNeuron) and each.neuron.draws),
                        default=0)
        if any(each.noise is not None for each in self.populations):
            bits = 64
        problems.require(self.lfsr.width >= bits and 32 <= self.lfsr.leap <= self.lfsr.taps[-1],
                         f"LFSR of a network must have at least {bits} bits and a leap in 32..lowest tap, not {self.lfsr.width} bits, "
                         f"leap {self.lfsr.leap}, taps {self.lfsr.taps}")
        for each, first in zip(self.populations, self.firsts):
            seeds = self.seeds[first:first + each.size]
            if each.draws:
                problems.require(bool(np.all(seeds > 0)) and int(seeds.max()) <= self.lfsr.mask, f"Seeds of population {each.name!r} must be in "
                                 f"1..2^{self.lfsr.width}-1")
            else:
                problems.require(not seeds.any(), f"Seeds of population {each.name!r} must be 0, as it draws nothing")

    def _check_projection(self, problems: Problems, projection: Projection | Generated | Stored) -> None:
        sizes = {each.name: each.size for each in self.populations} | {each.name: each.size for each in self.inputs}
        target = next((each for each in self.populations if each.name == projection.target), None)
        here = f"of projection {projection.title}"
        if projection.source not in sizes or target is None:
            problems.require(False, f"Source {here} must be a population or an input, and its target a population; there are {', '.join(sizes)}")
            return
        for problem in projection.problems(self.place(projection)):
            problems.require(False, problem)
        if projection.port not in target.neuron.ports or isinstance(target.neuron, BernoulliNeuron):
            problems.require(False, f"Port {here} must be one of a {target.neuron.kind} ({', '.join(target.neuron.ports) or 'it has none'})")
            return
        q, (low, high) = target.neuron.port_format(projection.port), projection.extremes
        problems.require(q.holds(low) and q.holds(high), f"Weights {here} are {low}..{high}, outside {q} ({q.min}..{q.max}); "
                         f"{q.wider(high if q.holds(low) else low)}")

    def _check_sums(self, problems: Problems) -> None:
        if (worst := self.largest_input) > INPUT_LIMIT:
            problems.require(False, f"Input of a neuron may reach {worst} raw when all its sources fire, above the limit of {INPUT_LIMIT} "
                             "(32 bits); use fewer fraction bits or weaker weights")

    @cached_property
    def largest_input(self) -> int:
        """Most that the input of a port may reach in a step, without its sign: every synapse carries a spike, and the drive all its events."""
        worst = 0
        for each in self.populations:
            for port in each.neuron.ports:
                sums = np.zeros(each.size, np.int64)
                for projection in self.projections:
                    if (projection.target, projection.port) == (each.name, port):
                        sums += projection.reach(each.size)
                if each.drive is not None and each.drive.port == port:
                    sums += each.drive.largest
                worst = max(worst, int(sums.max()))
        return worst

    def place(self, projection: Projection | Generated | Stored) -> Place:
        """Where the ends of a projection are."""
        sizes = {each.name: each.size for each in self.populations} | {each.name: each.size for each in self.inputs}
        first = dict(zip((each.name for each in self.populations), self.firsts))
        return Place(sizes[projection.source], sizes[projection.target], first[projection.target], projection.source == projection.target)

    @cached_property
    def listed(self) -> tuple[Projection, ...]:
        """Its projections as lists of synapses, those that are generated written out: the same network, spike for spike."""
        return tuple(each.expand(self.place(each)) for each in self.projections)

    @cached_property
    def synapses(self) -> Synapses:
        """All synapses by source, what every kind of row is expanded to: neurons first, then the channels of the inputs."""
        return self.synapses_in(np.array([0, self.n]))

    def synapses_in(self, bounds: np.ndarray) -> Synapses:
        """The same in runs for ranges of targets: the first neuron of each range, and the number of all neurons in the end; the last are kept."""
        key = tuple(bounds.tolist())
        if key not in self._divided:
            self._divided.clear()
            self._divided[key] = lay_out(self, bounds)
        return self._divided[key]

    @cached_property
    def _divided(self) -> dict[tuple[int, ...], Synapses]:
        return {}

    @cached_property
    def input_events(self) -> np.ndarray:
        """int64 (events, 2): step and source, n + channel, of all inputs, ascending."""
        found, first = [np.empty((0, 2), np.int64)], self.n
        for each in self.inputs:
            found.append(np.stack([each.steps.astype(np.int64), first + each.channels.astype(np.int64)], axis=1))
            first += each.size
        events = np.concatenate(found)
        ordered: np.ndarray = events[np.lexsort((events[:, 1], events[:, 0]))]
        return ordered

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""
        return point_file.digest(self)

    def save(self, path: str | Path) -> str:
        """Write the file, whole or not at all, and return the content hash."""
        return point_file.write(path, self)

    @classmethod
    def load(cls, path: str | Path) -> "PointNetwork":
        """Read a file that `save` wrote; `InputError` if it is absent, foreign, damaged or inconsistent, or says the same in another form."""
        network: PointNetwork = point_file.read(path)
        return network

    @classmethod
    def of(cls, network: Network) -> "PointNetwork":
        """A network of one weight a source and one delay, with all that it says written out for each synapse.

        Raises
        ------
        InputError
            If its synapses are bitstreams, or it has recorded external events.
        """
        if network.streams is not None or network.external is not None:
            raise InputError(f"Network {network.name!r} has bitstream synapses or recorded external events, and a network of point neurons has "
                             "neither; make it without")
        lif, drive = network.lif, PortDrive(network.drive, "v")
        neuron = LinearNeuron(lif.format, lif.leak_fraction, lif.rounding, lif.overflow)
        sets = [[lif.leak, lif.rest, lif.threshold, lif.reset, lif.refractory, 0]]
        populations = [PointPopulation(each.name, each.size, neuron, sets, None, drive, {"v": network.v0[each.first:each.last]})  # type: ignore[arg-type]
                       for each in network.populations]
        row = np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))
        projections = []
        for pre in network.populations:
            for post in network.populations:
                here = (row >= pre.first) & (row < pre.last) & (network.indices >= post.first) & (network.indices < post.last)
                pairs = row[here] - pre.first, network.indices[here].astype(np.int64) - post.first
                projections.append(Projection.of(pre.name, post.name, "v", pre.size, pairs, network.weights[row[here]], network.delay))
        return cls(network.name, populations, projections, [], network.lfsr, network.seeds, network.steps, network.dt_ns, network.source)
