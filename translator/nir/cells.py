"""Neurons of NIR, which are differential equations, as the steps of hardware: what goes in a step, and what a unit of input adds.

With a = dt / tau, Euler's forward step, or a = 1 - exp(-dt / tau), exact for an input that stands still within a step, a step is

    LIF, LI         v = v + a (v_leak - v) + a r S
    IF, I           v = v + r S                             or v + dt r S, where integrators are counted in seconds
    CubaLIF, CubaLI i = i + a_syn (w_in S - i);   v = v + a_mem (v_leak - v) + a_mem r i
    Threshold       v = S

where S is the sum of what arrives: a spike counts 1 in the one step in which it arrives. Where v is above v_threshold the neuron spikes, and v
becomes v_reset, or v_threshold - v_reset is taken off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.translator.importer.float_network import Refusals
from spikegate.translator.nir.reading import ANALOG, kind_of, numbers, where

__all__ = ["RESET_KEY", "Cell", "Discretisation", "cell", "memoryless"]

#: Where `to_nir` notes that a reset is by subtraction, in the metadata of a node.
RESET_KEY = "spikegate_reset"


@dataclass(frozen=True)
class Discretisation:
    """How continuous time becomes steps.

    Attributes
    ----------
    dt : float
        Seconds of a step.
    method : str
        ``euler`` or ``exact``.
    integrators : str
        What a unit of input adds to an IF or I in a step: r (``step``) or dt r (``seconds``).
    reset : str or Mapping of str to str
        ``value`` or ``subtract``, of all neurons or by node.
    """

    dt: float
    method: str = "euler"
    integrators: str = "step"
    reset: str | Mapping[str, str] = "value"

    def __post_init__(self) -> None:
        for name, value, known in (("method", self.method, ("euler", "exact")), ("integrators", self.integrators, ("step", "seconds")),
                                   *(("reset", each, ("value", "subtract")) for each in
                                     (self.reset.values() if isinstance(self.reset, Mapping) else [self.reset]))):
            if value not in known:
                raise InputError(f"{name} must be {' or '.join(known)}, not {value!r}")

    def fraction(self, tau: np.ndarray) -> np.ndarray:
        """What goes in a step, for time constants in seconds."""
        found: np.ndarray = self.dt / tau if self.method == "euler" else -np.expm1(-self.dt / tau)
        return found


@dataclass(frozen=True, eq=False)
class Cell:
    """Neurons of a node in floats, arrays (size,).

    Attributes
    ----------
    leak, rest : numpy.ndarray
        What of the distance from rest goes in a step.
    gain : numpy.ndarray
        What a unit of input adds to the membrane, or, if there is one, to the current.
    decay, coupling : numpy.ndarray, optional
        What goes of the current in a step, and what a unit of it adds to the membrane, 0 or more.
    threshold : numpy.ndarray, optional
        None if they never spike.
    reset : numpy.ndarray
        What the membrane becomes, or what is taken off, if ``subtract``.
    """

    kind: str
    leak: np.ndarray
    rest: np.ndarray
    gain: np.ndarray
    threshold: np.ndarray | None
    reset: np.ndarray
    subtract: bool = False
    decay: np.ndarray | None = None
    coupling: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Neurons."""
        return len(self.leak)


def memoryless(kind: str, size: int, threshold: np.ndarray | None = None) -> Cell:
    """Neurons whose membrane is their input of the step."""
    zero, one = np.zeros(size), np.ones(size)
    return Cell(kind, one, zero, one, threshold, zero if threshold is None else np.minimum(0, threshold - 1))


def _subtracts(name: str, node: Any, how: Discretisation) -> bool:
    noted = str(node.metadata.get(RESET_KEY, "value"))
    return (how.reset.get(name, noted) if isinstance(how.reset, Mapping) else "subtract" if noted == "subtract" else how.reset) == "subtract"


def _fraction(name: str, node: Any, parameter: str, tau: np.ndarray, how: Discretisation, refusals: Refusals) -> np.ndarray:
    if not tau.min() > 0:
        refusals.add(where(name, node), "", f"has {parameter} = {tau.min():g} s", "a time constant above 0 would run")
        return np.ones(len(tau))
    found = how.fraction(tau)
    if found.max() > 1:
        refusals.add(where(name, node), "", f"has {parameter} = {tau.min():g} s, shorter than a step of {how.dt:g} s",
                     'a shorter dt, or method="exact", would run')
    within: np.ndarray = np.minimum(found, 1.0)
    return within


def cell(name: str, node: Any, size: int, how: Discretisation, refusals: Refusals) -> Cell | None:
    """What a node's neurons do in a step; what cannot be is noted.

    Parameters
    ----------
    name : str
    node : nir.NIRNode
        One that spikes, or integrates.
    size : int
        Neurons; a parameter that is one number is that of all.
    how : Discretisation
    refusals : Refusals
    """
    kind, given = kind_of(node), {}
    for key in ("tau", "tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in", "threshold"):
        if (value := getattr(node, key, None)) is not None:
            values = numbers(value).ravel()
            if len(values) not in (1, size) or not np.all(np.isfinite(values)):
                refusals.add(where(name, node), "", f"has {len(values)} values of {key} for {size} neurons, or one that is no number",
                             "a finite one for all, or one a neuron, would run")
                return None
            given[key] = np.broadcast_to(values, (size,))
    if kind == "Threshold":
        return memoryless(kind, size, given["threshold"])
    zero = np.zeros(size)
    tau = given.get("tau", given.get("tau_mem"))
    leak = zero if tau is None else _fraction(name, node, "tau" if "tau" in given else "tau_mem", tau, how, refusals)
    scale = leak if tau is not None else np.full(size, how.dt if how.integrators == "seconds" else 1.0)
    threshold = None if kind in ANALOG else given["v_threshold"]
    reset = given.get("v_reset", zero)
    if threshold is not None and np.any(reset >= threshold):
        k = int(np.argmax(reset >= threshold))
        refusals.add(where(name, node), "", f"has v_reset = {reset[k]:g} at or above v_threshold = {threshold[k]:g}, and would spike for ever",
                     "a v_reset below it would run")
        return None
    subtract = threshold is not None and _subtracts(name, node, how)
    if threshold is not None and subtract:
        reset = threshold - reset
    rest = given.get("v_leak", zero)
    if kind not in ("CubaLIF", "CubaLI"):
        return Cell(kind, leak, rest, scale * given["r"], threshold, reset, subtract)
    decay = _fraction(name, node, "tau_syn", given["tau_syn"], how, refusals)
    sign = np.where(given["r"] < 0, -1.0, 1.0)
    return Cell(kind, leak, rest, sign * decay * given.get("w_in", np.ones(size)), threshold, reset, subtract, decay, leak * np.abs(given["r"]))
