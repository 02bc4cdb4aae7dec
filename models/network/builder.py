"""A network of point neurons, made by hand: populations, synapses from matrices or pairs, recorded and random spikes, all in raw integers.

What is wrong is collected, and `Builder.freeze` names all of it at once: the value, the limit, and the fix.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from spikegate.models.checks import real, real_array, whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.network.connection import Connection, pairs_of
from spikegate.models.network.generated import Generated
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import Neuron, PointPopulation, PortDrive
from spikegate.models.network.projection import MAX_DELAY, Projection, SpikeInput
from spikegate.models.network.raw import raw_numbers, raw_sets
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS, DriveParams, binomial_limits
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["Builder"]


class Builder:
    """Collects the parts of a network.

    Parameters
    ----------
    name : str
        Title.
    steps : int
        Length of the run.
    dt_ms : float
        Biological time of a step, a whole number of nanoseconds.
    seed : int
        Of all random streams, not 0; they are spread evenly over one register's period.
    source : Mapping, optional
        What was asked for, as in `PointNetwork`.
    """

    def __init__(self, name: str, *, steps: int, dt_ms: float = 0.1, seed: int = 1, source: Mapping[str, Any] | None = None) -> None:
        self.name, self.steps, self.seed, self.source = name, steps, seed, dict(source or {})
        self._problems: list[str] = []
        self._kinds: dict[str, tuple[int, Neuron | None]] = {}  # size and structure, none of an input; also of what has problems
        self._populations: dict[str, dict[str, Any]] = {}
        self._inputs: list[tuple[str, int, Any, Any]] = []
        self._drives: list[tuple[str, str | None, Any]] = []
        self._connections: list[Connection | tuple[Any, ...]] = []
        number = real(dt_ms)
        exact = Fraction(str(number)) * 10**6 if number is not None else Fraction(1, 2)
        if exact.denominator != 1:
            self._problems.append(f"dt_ms must be a whole number of nanoseconds, such as 0.1, not {dt_ms!r}; round it")
        self.dt_ns = max(1, int(exact))

    def population(self, name: str, size: int, neuron: Neuron, *, initial: Mapping[str, Any] | None = None,
                   noise: DriveParams | None = None, **parameters: Any) -> str:
        """Add neurons, and return their name.

        Parameters
        ----------
        name : str
        size : int
        neuron : LinearNeuron, IzhikevichNeuron or BernoulliNeuron
            Their structure, which says what the parameters are: `columns`.
        initial : Mapping, optional
            States before step 0 by name, raw, one or (size,); a membrane begins at its rest, or at its ``c``.
        noise : DriveParams, optional
            A table of `spikegate.models.numeric.normal.normal_table`.
        **parameters
            Raw integers, one for all or (size,). Rest, refractory and bias are 0 by default; reset is 0, or, by subtraction, the threshold.
        """
        if not self._declare(name, size, neuron):
            return name
        try:
            sets, index = raw_sets(name, size, neuron, parameters)
            states = {state: np.broadcast_to(np.asarray(values), (size,)) for state, values in (initial or {}).items()}
            self._populations[name] = {"size": size, "neuron": neuron, "sets": sets, "index": index, "initial": states, "noise": noise}
            PointPopulation(name, drive=None, **self._populations[name])
        except (InputError, ValueError) as error:
            self._populations.pop(name, None)
            self._problems.append(str(error))
        return name

    def poisson(self, name: str, size: int, rate_hz: Any) -> str:
        """Add neurons that spike at random, each with a rate (Hz, one or (size,)) below one spike a step, and return their name."""
        if not self._declare(name, size, BernoulliNeuron()):
            return name
        try:
            rates, limit = np.broadcast_to(real_array(f"Rates of {name!r}", rate_hz), (size,)).tolist(), 10**9 / self.dt_ns
            wrong = [rate for rate in rates if not 0 <= rate <= limit]
            if wrong:
                raise InputError(f"Rate of {name!r} must be in 0..{limit:g} Hz, a spike a step, not {wrong[0]:g} Hz; lower it or dt_ms")
            chances = [round(Fraction(rate) * self.dt_ns * (1 << UNIFORM_BITS) / 10**9) for rate in rates]
        except (InputError, ValueError) as error:
            self._problems.append(str(error))
            return name
        del self._kinds[name]
        return self.population(name, size, BernoulliNeuron(), chance=chances)

    def input(self, name: str, size: int, steps: Any, channels: Any) -> str:
        """Add channels with recorded spikes, pairs of step and channel in any order, and return their name."""
        if self._declare(name, size, None):
            self._inputs.append((name, size, steps, channels))
        return name

    def drive(self, target: str, weight: int, *, probability: Any, trials: int = 1, port: str | None = None, offset: int = 0) -> None:
        """Give each neuron of a population external events of its own: Binomial(trials, probability) a step, and ``offset`` more.

        Parameters
        ----------
        target : str
        weight : int
            Raw, of each event.
        probability : float or Fraction
            Or a table of another distribution, `DriveParams`, whose weight is of no meaning here.
        trials, offset : int
        port : str, optional
            Needed where there are several.
        """
        self._drives.append((target, port, (weight, trials, probability, offset)))

    def connect(self, source: str, target: str, *, weights: Any, delays: Any = 1, pairs: Any = None, port: str | None = None) -> None:
        """Add synapses from a population or an input to a port of a population.

        Parameters
        ----------
        weights : array_like
            Raw integers. Without ``pairs`` a matrix (sources, targets), whose zeros are no synapses; else one for all or one a pair.
        delays : array_like
            Steps, 1..255: one, or in the shape of the weights.
        pairs : pair of array_like, optional
            Source neurons and target neurons; several synapses between two neurons, and on a neuron itself, may be.
        port : str, optional
            Needed where there are several.
        """
        self._connections.append(Connection(source, target, port, weights, delays, pairs))

    def generate(self, source: str, target: str, in_degree: int, *, weight: int, delay: int = 1, seed: int, lanes: int = 32,
                 port: str | None = None) -> None:
        """Add synapses that are made from a seed and not kept: each target has ``in_degree`` sources, all different, and none is its own.

        Parameters
        ----------
        in_degree, weight, delay, seed, lanes : int
            As `spikegate.models.network.generated.Generated`; the sources are 2 to 64 times as many as the in-degree.
        port : str, optional
            Needed where there are several.
        """
        self._connections.append((source, target, port, in_degree, weight, delay, seed, lanes))

    def freeze(self) -> PointNetwork:
        """The network.

        Raises
        ------
        InputError
            With everything that is wrong.
        """
        problems = Problems()
        problems.messages += self._problems
        inputs = [made for each in self._inputs if (made := self._noted(problems, self._make_input, *each))]
        drives = dict(made for each in self._drives if (made := self._noted(problems, self._make_drive, *each)))
        problems.require(len({target for target, _, _ in self._drives}) == len(self._drives), "Population can have one drive; add another population")
        projections = [made for each in self._connections if (made := self._noted(problems, self._make_projection, each))]
        problems.raise_any()
        populations = [PointPopulation(name, drive=drives.get(name), **each) for name, each in self._populations.items()]
        lfsr, streams = LfsrParams(), sum(each.size for each in populations if each.draws)
        phases = iter(lfsr.phases(self.seed, streams, self.steps) if streams else [])
        seeds = [next(phases) if each.draws else 0 for each in populations for _ in range(each.size)]
        return PointNetwork(self.name, populations, projections, inputs, lfsr, np.array(seeds, np.uint64), self.steps, self.dt_ns, self.source)

    def _declare(self, name: str, size: int, neuron: Neuron | None) -> bool:
        """Whether the name is new."""
        if name in self._kinds:
            self._problems.append(f"Name {name!r} is there twice; give each population and input its own")
            return False
        self._kinds[name] = whole(size) or 0, neuron
        return True

    @staticmethod
    def _noted(problems: Problems, make: Any, *args: Any) -> Any:
        try:
            return make(*args)
        except InputError as error:
            problems.messages.append(str(error))
        return None

    def _target(self, name: str, port: str | None, what: str) -> tuple[int, Any, str]:
        size, neuron = self._kinds.get(name, (0, None))
        names = ", ".join(each for each, (_, kind) in self._kinds.items() if kind is not None) or "none"
        if neuron is None:
            raise InputError(f"Target {name!r} of {what} is no population; there are {names}")
        ports: tuple[str, ...] = getattr(neuron, "ports", ())
        if port is None and len(ports) == 1:
            port = ports[0]
        if port is None or port not in ports:
            fix = f"give port={' or '.join(map(repr, ports))}" if ports else "it only spikes"
            raise InputError(f"Port of {what} must be one that {name!r} has ({', '.join(ports) or 'none'}), not {port!r}; {fix}")
        return size, neuron, port

    def _make_input(self, name: str, size: int, steps: Any, channels: Any) -> SpikeInput:
        when = raw_numbers(f"Step of input {name!r}", steps, 0, self.steps - 1, "run for more steps, or leave it out")
        which = raw_numbers(f"Channel of input {name!r}", channels, 0, size - 1, "give it more channels")
        if when.shape != which.shape or when.ndim != 1:
            raise InputError(f"Steps and channels of input {name!r} must be as many, not {when.shape} and {which.shape}")
        order = np.lexsort((which, when))
        when, which = when[order], which[order]
        if len(twice := np.flatnonzero((when[1:] == when[:-1]) & (which[1:] == which[:-1]))):
            k = twice[0]
            raise InputError(f"Channel {which[k]} of input {name!r} spikes twice in step {when[k]}; leave one out, or use two channels")
        return SpikeInput(name, size, when, which)

    def _make_drive(self, target: str, port: str | None, what: tuple[Any, ...]) -> tuple[str, PortDrive]:
        weight, trials, probability, offset = what
        _, neuron, port = self._target(target, port, f"the drive of {target!r}")
        q = neuron.port_format(port)
        raw = int(raw_numbers(f"Drive weight of {target!r}", weight, q.min, q.max, q, fraction=q.fraction))
        limits = probability.limits if isinstance(probability, DriveParams) else binomial_limits(trials, probability)
        return target, PortDrive(DriveParams(limits, raw), port, offset)

    def _make_projection(self, asked: Connection | tuple[Any, ...]) -> Projection | Generated:
        if not isinstance(asked, Connection):
            source, target, port, *rest = asked
            return Generated(source, target, self._target(target, port, f"{source} → {target}")[2], *rest)
        what = f"{asked.source} → {asked.target}"
        if asked.source not in self._kinds:
            raise InputError(f"Source {asked.source!r} of {what} is no population or input; there are {', '.join(self._kinds) or 'none'}")
        targets, neuron, port = self._target(asked.target, asked.port, what)
        sources, q, what = self._kinds[asked.source][0], neuron.port_format(port), f"{what}.{port}"
        found, problems = list[Any](), Problems()
        for call in (lambda: raw_numbers(f"Weight of {what}", asked.weights, q.min, q.max, q, fraction=q.fraction),
                     lambda: raw_numbers(f"Delay of {what}", asked.delays, 1, MAX_DELAY, "give it in steps; for longer ones raise dt_ms"),
                     lambda: pairs_of(what, asked, sources, targets)):
            found.append(self._noted(problems, call))
        problems.raise_any()
        weights, delays, pairs = found
        if asked.pairs is None:
            delays = np.broadcast_to(delays, weights.shape) if delays.ndim == 0 or delays.shape == weights.shape else delays
            weights, delays = weights[tuple(pairs)], delays[tuple(pairs)] if delays.shape == weights.shape else delays
        for name, values in (("Weights", weights), ("Delays", delays)):
            if values.ndim and values.shape != pairs[0].shape:
                raise InputError(f"{name} of {what} must be one, or as many as the synapses ({len(pairs[0])}), not {values.shape}")
        return Projection.of(asked.source, asked.target, port, sources, pairs, weights, delays)
