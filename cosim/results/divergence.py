"""The signals of two engines around the first step at which a check found them to differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikegate.cosim.results.compare import Check
from spikegate.models.network.recording import Recording

__all__ = ["AROUND", "Divergence", "Signal", "around"]

#: Steps that are shown before and after the first that differs.
AROUND = 12


@dataclass(frozen=True)
class Signal:
    """A signal of one neuron in both engines: its name, and int64 (steps,) each."""

    name: str
    values: tuple[np.ndarray, np.ndarray]

    @property
    def differs(self) -> np.ndarray:
        """At which steps."""
        found: np.ndarray = self.values[0] != self.values[1]
        return found


@dataclass(frozen=True)
class Divergence:
    """What both engines held around a first divergence.

    Attributes
    ----------
    check : str
        Name of the check that found it.
    engines : sequence of str
    step, neuron : int
        Of the first difference.
    signal : str
        That was reported.
    pair : sequence
        Its value in both engines.
    steps : numpy.ndarray
        Those that are shown.
    signals : sequence of Signal
        The one that was reported first.
    """

    check: str
    engines: Sequence[str]
    step: int
    neuron: int
    signal: str
    pair: Sequence[object]
    steps: np.ndarray
    signals: Sequence[Signal]


def around(check: Check, a: Recording, b: Recording) -> Divergence | None:
    """The signals that both recordings have around the first divergence of a check; None if it found none at a step."""
    at = check.first_divergence
    if at is None or at["step"] is None:
        return None
    step, neuron = at["step"], at["neuron"]
    first, last = max(0, step - AROUND), min(a.steps, step + AROUND + 1)
    names = [name for name, values in a.trace.items() if name in b.trace and np.shape(values) == np.shape(b.trace[name]) == (a.steps, a.n)]
    found = [Signal(name, (_part(a, name, first, last, neuron), _part(b, name, first, last, neuron))) for name in names]
    found.append(Signal("spike", (_spikes(a, first, last, neuron), _spikes(b, first, last, neuron))))
    found.sort(key=lambda signal: (signal.name != at["signal"], not signal.differs.any()))
    return Divergence(check.name, at["engines"], step, neuron, at["signal"], at["values"], np.arange(first, last), found)


def _part(recording: Recording, name: str, first: int, last: int, neuron: int) -> np.ndarray:
    return np.asarray(recording.trace[name])[first:last, neuron].astype(np.int64)


def _spikes(recording: Recording, first: int, last: int, neuron: int) -> np.ndarray:
    steps = recording.spikes[recording.spikes[:, 1] == neuron, 0]
    return np.bincount(steps[(steps >= first) & (steps < last)] - first, minlength=last - first).astype(np.int64)
