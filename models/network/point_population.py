"""Populations of a network of point neurons: neurons of one structure, their parameter sets, their external events and their first state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from spikegate.models.checks import exact_array, identifier, require, require_type, require_whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Rounding

__all__ = ["MAX_SETS", "Neuron", "PortDrive", "PointPopulation"]

#: Parameter sets of a population.
MAX_SETS = 1 << 16
Neuron = LinearNeuron | BernoulliNeuron | IzhikevichNeuron


@dataclass(frozen=True, eq=False)
class PortDrive:
    """External events of every neuron of a population: ``offset`` and the number of limits that a uniform number exceeds, each of one weight.

    Parameters
    ----------
    table : DriveParams
        Limits and weight, raw in the format of the port.
    port : str
    offset : int
        Events of every step, 0..2^16-1, for large counts.
    """

    table: DriveParams
    port: str
    offset: int = 0

    def __post_init__(self) -> None:
        require_type(self, "table", DriveParams)
        require_type(self, "port", str)
        require_whole(self, "offset")
        if not 0 <= self.offset < 1 << 16:
            raise InputError(f"Drive offset must be in 0..{(1 << 16) - 1} events, not {self.offset}")

    @property
    def largest(self) -> int:
        """Most that a step adds, without its sign."""
        return abs(self.table.weight) * (self.offset + len(self.table.limits))


@dataclass(frozen=True, eq=False)
class PointPopulation:
    """Neurons of one structure.

    Parameters
    ----------
    name : str
    size : int
        1 or more.
    neuron : LinearNeuron, BernoulliNeuron or IzhikevichNeuron
    sets : numpy.ndarray
        int64 (sets, columns): parameter sets, columns as ``neuron.columns``.
    index : numpy.ndarray, optional
        uint16 (size,): each neuron's set; all have the only one by default.
    drive : PortDrive, optional
    noise : DriveParams, optional
        What each step adds to a membrane that is not held, drawn from the upper half of a neuron's random bits: a table as
        `spikegate.models.numeric.normal.normal_table` makes one, its weight raw in the membrane's format. Not with stochastic rounding.
    initial : Mapping of str to numpy.ndarray
        int32 (size,) before step 0, by name of the state; by default what the neuron's ``start`` says, and 0.

    Raises
    ------
    InputError
        With everything that is inconsistent.
    """

    name: str
    size: int
    neuron: Neuron
    sets: np.ndarray
    index: np.ndarray = None  # type: ignore[assignment]
    drive: PortDrive | None = None
    initial: Mapping[str, np.ndarray] = field(default_factory=dict)
    noise: DriveParams | None = None

    def __post_init__(self) -> None:
        require_type(self, "name", str)
        require_whole(self, "size")
        require(f"Neuron of {self.name!r}", self.neuron, get_args(Neuron), "give its structure")
        require_type(self, "initial", Mapping)
        columns, problems = self.neuron.columns, Problems()
        problems.require(self.size >= 1, f"Population {self.name!r} must have at least 1 neuron, not {self.size}")
        problems.require(identifier(self.name), f"Population must have a name of ASCII letters, digits and _, not {self.name!r}")
        problems.raise_any()
        object.__setattr__(self, "sets", exact_array("sets", self.sets, np.int64, 2))
        if self.index is None:
            object.__setattr__(self, "index", np.zeros(self.size, np.uint16))
        object.__setattr__(self, "index", exact_array("index", self.index, np.uint16))
        count, here = len(self.sets), f"of population {self.name!r}"
        problems.require(1 <= count <= MAX_SETS and self.sets.shape[1] == len(columns),
                         f"Sets {here} must be (1..{MAX_SETS}, {len(columns)}), not {self.sets.shape}; columns are "
                         f"{', '.join(column.name for column in columns)}")
        problems.require(self.index.shape == (self.size,), f"Index {here} must have {self.size} entries, not {self.index.shape}")
        problems.raise_any()
        problems.require(int(self.index.max()) < count, f"Index {here} names set {int(self.index.max())}, and there are {count}")
        for k, (name, least, most) in enumerate(columns):
            low, high = int(self.sets[:, k].min()), int(self.sets[:, k].max())
            problems.require(least <= low and high <= most, f"{name} {here} must be in {least}..{most} (raw), not {low if low < least else high}")
        problems.raise_any()
        for problem in self.neuron.problems(self.table):
            problems.require(False, f"{problem}, {here}")
        self._check_initial(problems, here)
        if self.drive is not None:
            require_type(self, "drive", PortDrive)
            self._check_drive(problems, here)
        if self.noise is not None:
            require_type(self, "noise", DriveParams)
            self._check_noise(problems, here)
        problems.raise_any()

    def _check_noise(self, problems: Problems, here: str) -> None:
        neuron, noise = self.neuron, self.noise
        if not isinstance(neuron, LinearNeuron) or neuron.rounding == Rounding.STOCHASTIC:
            problems.require(False, f"Noise {here} must be of neurons with a membrane that round to floor or nearest, not of a {neuron.kind} "
                             "that rounds at random or has none: both would take the same random bits")
        elif noise is not None:
            problems.require(neuron.format.holds(noise.weight), f"Noise weight {noise.weight} {here} is outside {neuron.format}; "
                             f"{neuron.format.wider(noise.weight)}")

    def _check_initial(self, problems: Problems, here: str) -> None:
        filled, zeros, start = {}, np.zeros(len(self.sets), np.int64), self.neuron.start(self.table)
        for name, width in self.neuron.state.items():
            values = exact_array(name, self.initial.get(name, start.get(name, zeros)[self.index]), np.int32)
            signed = name not in ("hold", "overflow", "fired")
            low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
            problems.require(values.shape == (self.size,), f"Initial {name} {here} must have {self.size} entries, not {values.shape}")
            found = (int(values.min(initial=0)), int(values.max(initial=0)))
            problems.require(low <= found[0] and found[1] <= high, f"Initial {name} {here} must be in {low}..{high} (raw), not "
                             f"{found[0] if found[0] < low else found[1]}")
            filled[name] = values
        for name in self.initial:
            problems.require(name in filled, f"Initial {name} {here} is no state of a {self.neuron.kind}, which has {', '.join(filled) or 'none'}")
        object.__setattr__(self, "initial", filled)

    def _check_drive(self, problems: Problems, here: str) -> None:
        drive = self.drive
        assert drive is not None
        ports = self.neuron.ports
        problems.require(drive.port in ports, f"Drive {here} must be at a port of a {self.neuron.kind} ({', '.join(ports) or 'it has none'}), "
                         f"not {drive.port!r}")
        if drive.port in ports and not isinstance(self.neuron, BernoulliNeuron):
            q = self.neuron.port_format(drive.port)
            problems.require(q.holds(drive.table.weight), f"Drive weight {drive.table.weight} {here} is outside {q} ({q.min}..{q.max}); "
                             f"{q.wider(drive.table.weight)}")

    @property
    def table(self) -> dict[str, np.ndarray]:
        """Each parameter's values, by name, int64 (sets,)."""
        return {column.name: self.sets[:, k] for k, column in enumerate(self.neuron.columns)}

    @property
    def draws(self) -> bool:
        """Whether its neurons need random numbers."""
        return self.drive is not None or self.noise is not None or self.neuron.draws
