"""What a network in floats is made of beside its groups, SI: currents, inputs, and synapses that change."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Adapting", "Changing", "Current", "Drive", "Noise", "Signal"]


@dataclass(frozen=True, eq=False)
class Current:
    """An exponential current of each neuron, arrays (size,)."""

    keep: np.ndarray  #: what is left of it after a step, 0..1
    coupling: np.ndarray  #: what it adds to the membrane in a step, a unit of it
    initial: np.ndarray
    asked: np.ndarray  #: what the user's current keeps, if ``keep`` is another


@dataclass(frozen=True, eq=False)
class Adapting:
    """What a spike moves and time brings back, a threshold or a current, arrays (size,)."""

    name: str  #: of the user's variable
    keep: np.ndarray  #: what is left after a step of its distance from ``base``
    jump: np.ndarray  #: what a spike adds
    base: np.ndarray  #: where it settles; 0 of a current
    coupling: np.ndarray  #: what a current adds to the membrane in a step, a unit of it; 0 of a threshold
    initial: np.ndarray


@dataclass(frozen=True, eq=False)
class Signal:
    """What the time alone adds to the membranes of a group."""

    values: np.ndarray  #: (rows, steps) of the run
    row: np.ndarray  #: of each neuron, (size,)
    coupling: np.ndarray  #: what a unit of it adds to the membrane in a step, 0 or more, (size,)


@dataclass(frozen=True, eq=False)
class Noise:
    """What is added to currents at random."""

    raw: np.ndarray  #: int64 (size, steps): whole numbers that the host has drawn
    strength: dict[str, np.ndarray]  #: by current, what one adds to it, (size,)


@dataclass(frozen=True, eq=False)
class Drive:
    """External events of every neuron of a range: Binomial(trials, probability) in a step, each of one weight."""

    first: int  #: of the group's neurons
    last: int  #: first neuron behind
    variable: str
    trials: int
    probability: float
    weight: float


@dataclass(frozen=True, eq=False)
class Changing:
    """Synapses whose own variables the time and spikes of the source alone change."""

    name: str
    source: str
    target: str
    pre: np.ndarray
    post: np.ndarray
    delays: np.ndarray  #: steps, from 1 on
    own: dict[str, Any]  #: what a spike makes of each variable, an expression
    adds: dict[str, Any]  #: what it adds to each variable of the target
    first: dict[str, np.ndarray]  #: values of the variables, (synapses,)
    fixed: dict[str, np.ndarray]  #: of the other names in these expressions
