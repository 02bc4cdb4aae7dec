"""A network of point neurons in floats, as an importer reads it: what each neuron does in a step, and in which units its numbers are.

A step of a neuron is affine in what it remembers: ``v = keep v + sum of coupling_c c + constant`` and ``c = keep_c c``, in Brian2's order, state
update, threshold with ``>``, synapses, reset. All values are in SI units, or in none where the user's variable has none.
"""

from dataclasses import dataclass, field

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.neuron.linear import Held
from spikegate.translator.importer.float_parts import Adapting, Changing, Current, Drive, Noise, Signal

__all__ = ["FloatInput", "FloatNetwork", "FloatNeurons", "FloatProjection", "FloatQuadratic", "FloatSources", "Refusals"]


class Refusals:
    """Everything that stands in the way, each in one line: the user's object, his own line, the reason, and the nearest thing that would run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, where: str, line: str, why: str, fix: str) -> None:
        """Note one."""
        shown = " ".join(line.split())
        text = f"{where}: {f'{shown!r} ' if shown else ''}{why}; {fix}"
        if text not in self.lines:
            self.lines.append(text)

    def raise_any(self) -> None:
        """Raise `InputError` with all of them, if there are any."""
        if self.lines:
            raise InputError("\n".join(self.lines))


@dataclass(frozen=True, eq=False)
class FloatNeurons:
    """A group of neurons, arrays (size,).

    Attributes
    ----------
    name : str
    size : int
    membrane : str
        Name that the user gave it.
    unit : float
        SI value of what the membrane is counted in, such as 1e-3 of millivolts; 1 of what has no unit.
    keep, constant : numpy.ndarray
        ``v = keep v + constant`` in a step, without currents.
    threshold : numpy.ndarray
        Infinite where it never spikes.
    reached : bool
        Whether it spikes at the threshold itself, too, ``>=``.
    reset : numpy.ndarray
        What the membrane becomes, or what is taken off, if ``subtract``.
    refractory : numpy.ndarray
        Steps.
    held : Held
        What stands still while a neuron is refractory.
    initial, hold : numpy.ndarray
        Membrane, and refractory steps left, before the first step.
    currents : dict of str to Current
    theta, w : Adapting, optional
        What is added to the threshold, and a current that spikes alone raise.
    noise : numpy.ndarray
        Standard deviation of what a step adds to a membrane that is not refractory.
    signals : list of Signal
    hidden : frozenset of str
        Variables that hardware does not keep.
    drives : list of Drive
    told : dict of str to numpy.ndarray
        What the host has worked out for monitors, (size, steps + 1): before each step, and after the last.
    drawn : bool
        Whether random numbers of the host's are in it.
    base : dict of str to numpy.ndarray
        What is to be added to a current, (size,), where it is not 0.
    mixed, spread : dict of str to dict
        Of a user's current, how much of each that hardware keeps is in it, (size,), and how much each takes of what is added to it; empty where
        hardware keeps the user's own.
    shaken : Noise, optional
        Of currents.
    """

    name: str
    size: int
    membrane: str
    unit: float
    keep: np.ndarray
    constant: np.ndarray
    threshold: np.ndarray
    reached: bool
    reset: np.ndarray
    subtract: bool
    refractory: np.ndarray
    held: Held
    initial: np.ndarray
    hold: np.ndarray
    currents: dict[str, Current]
    noise: np.ndarray
    theta: Adapting | None = None
    w: Adapting | None = None
    signals: list[Signal] = field(default_factory=list)
    hidden: frozenset[str] = frozenset()
    drives: list[Drive] = field(default_factory=list)
    told: dict[str, np.ndarray] = field(default_factory=dict)
    drawn: bool = False
    base: dict[str, np.ndarray] = field(default_factory=dict)
    mixed: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    spread: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    shaken: Noise | None = None

    @property
    def level(self) -> np.ndarray:
        """The threshold where what moves it has settled."""
        return self.threshold if self.theta is None else self.threshold + self.theta.base

    @property
    def variables(self) -> list[str]:
        """The user's names of all that a neuron remembers; the membrane first."""
        return [self.membrane, *self.currents, *(each.name for each in (self.theta, self.w) if each is not None)]


@dataclass(frozen=True, eq=False)
class FloatQuadratic:
    """A group of neurons with a quadratic membrane v and a recovery u, arrays (size,). A step is

        v = v + square v^2 + slope v + constant - take (u - base) + inputs;   u = base + keep (u - base) + pull v

    and where v is above ``peak``, or reaches it, v is ``reset`` and u grows by ``jump``. ``inputs`` has what a unit of a variable that synapses
    change adds to v in a step; ``kicked`` says that synapses add to v itself. ``hidden`` are variables that hardware does not keep.
    """

    name: str
    size: int
    membrane: str
    unit: float
    recovery: str | None
    square: np.ndarray
    slope: np.ndarray
    constant: np.ndarray
    take: np.ndarray
    keep: np.ndarray
    pull: np.ndarray
    base: np.ndarray
    peak: np.ndarray
    reached: bool
    reset: np.ndarray
    jump: np.ndarray
    initial: np.ndarray
    initial_u: np.ndarray
    noise: np.ndarray
    inputs: dict[str, float]
    kicked: bool
    hidden: frozenset[str] = frozenset()
    drives: list[Drive] = field(default_factory=list)

    @property
    def variables(self) -> list[str]:
        """The user's names of all that a neuron remembers; the membrane first."""
        return [self.membrane, *([self.recovery] if self.recovery else [])]


@dataclass(frozen=True, eq=False)
class FloatSources:
    """Neurons that spike at random with a probability a step, (size,)."""

    name: str
    size: int
    chance: np.ndarray


@dataclass(frozen=True, eq=False)
class FloatInput:
    """Recorded spikes: step and channel of each; ``drawn`` says that the host drew them at random."""

    name: str
    size: int
    steps: np.ndarray
    channels: np.ndarray
    drawn: bool = False


@dataclass(frozen=True, eq=False)
class FloatProjection:
    """Synapses from any group to a variable of neurons; arrays (synapses,): neurons within their groups, weights, and delays in steps from 1 on.

    ``pathway`` is the name of Brian2's, whose spikes may be under way when a run ends.
    """

    name: str
    source: str
    target: str
    variable: str
    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    delays: np.ndarray
    pathway: str = ""


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """Everything that a run needs, in the order of the user's objects.

    ``left`` has what the host's variables are after the run, by group and name; ``drawn`` says that the host drew random numbers for some.
    """

    name: str
    steps: int
    dt_ns: int
    neurons: list[FloatNeurons | FloatQuadratic]
    sources: list[FloatSources]
    inputs: list[FloatInput]
    projections: list[FloatProjection]
    left: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    drawn: bool = False
    changing: list[Changing] = field(default_factory=list)
