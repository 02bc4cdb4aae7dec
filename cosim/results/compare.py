"""Comparison of two recordings, which states how many items it compared and where the first difference lies."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement
from spikegate.models.network.recording import Recording

__all__ = ["Check", "Margin", "compare", "same", "statistical", "describe"]

ROWS = 1024
#: Step, neuron and both values of the first difference.
First = tuple[int, int, tuple[Any, ...]]


@dataclass(frozen=True)
class Margin:
    """How far a statistic may lie from its reference: in the statistic's own unit, or as a fraction of the reference.

    ``shift`` is the change expected of the realised parameters: the margin is centred on reference plus shift.
    """

    limit: float
    relative: bool = False
    shift: float = 0.0

    def holds(self, value: float, reference: float) -> bool:
        """Whether ``value`` lies within the margin of ``reference``."""
        unit = abs(reference) if self.relative else 1
        return abs(value - reference - self.shift * unit) <= self.limit * unit

    def __str__(self) -> str:
        scale, unit = (100, " %") if self.relative else (1, "")
        return (f"{scale * self.shift:+g} " if self.shift else "") + f"±{scale * self.limit:g}{unit}"


@dataclass(frozen=True)
class Check:
    """One comparison and its verdict.

    Parameters
    ----------
    name : str
        What was held against what.
    class_ : Agreement
        The key in JSON is ``class``.
    compared, mismatches : int
        Items, and how many of them differ.
    first_divergence : dict, optional
        ``step``, ``neuron``, ``signal``, ``engines`` and ``values`` (both pairs in the same order).
    ok : bool or None
        None: shown, not judged.
    detail : str
        What was compared, or why the check failed or was not judged.
    value, reference, margin : float, optional
        Of a statistic, all in its unit: how far the one may lie from the other.
    warns : bool
        Whether a failure is a warning: the run is as it should be, and what it was asked for is not what it can do.
    """

    name: str
    class_: Agreement
    compared: int
    mismatches: int
    first_divergence: dict[str, Any] | None
    ok: bool | None
    detail: str = ""
    value: float | None = None
    reference: float | None = None
    margin: float | None = None
    warns: bool = False

    def __post_init__(self) -> None:
        if self.class_ not in list(Agreement):
            raise InputError(f"Class of a check must be one of {', '.join(Agreement)}, not {self.class_!r}")

    @property
    def failed(self) -> bool:
        """Whether the run fails by it."""
        return self.ok is False and not self.warns

    @property
    def verdict(self) -> str:
        """In one word, or two."""
        return {True: "ok", False: "WARNING" if self.warns else "FAILED", None: "not judged"}[self.ok]

    def as_dict(self) -> dict[str, Any]:
        """The check as it stands in report.json."""
        return {"name": self.name, "class": self.class_, "compared": self.compared, "mismatches": self.mismatches,
                "first_divergence": self.first_divergence, "ok": self.ok, "verdict": self.verdict, "detail": self.detail,
                "value": self.value, "reference": self.reference, "margin": self.margin}


def compare(name: str, kind: Agreement, a: Recording, b: Recording, signals: Iterable[str] = ("spike",)) -> Check:
    """Compare two recordings of one run exactly, with no tolerance.

    Parameters
    ----------
    name : str
        Title of the check.
    kind : Agreement
        Bit-true or spike-exact.
    a, b : Recording
        Of the same N, number of steps and network hash.
    signals : iterable of str
        What has to agree: ``spike`` (every cell of step and neuron; counted are the spikes of either side), the name of a
        trace (``v``, ``hold``, ``overflow``, ``events``; every element), or ``final.`` and the name of a final state.
        Of several differences at the first step and neuron, the signal listed first is reported.

    Returns
    -------
    Check
        Not ok when anything differs, when a signal is missing on either side, or when nothing was compared.

    Raises
    ------
    InputError
        If the two are not recordings of the same run, or a recording is malformed.
    """
    _same_run(a, b)
    compared, mismatches, found, missing, parts = 0, 0, [], [], []
    for order, signal in enumerate(signals):
        if signal == "spike":
            count, wrong, first = _spikes(a, b)
        else:
            pair: list[Any] = [_array(recording, signal) for recording in (a, b)]
            absent = [recording.engine for recording, array in zip((a, b), pair) if array is None]
            if absent:
                missing.append(f"{signal} was not recorded by {' and '.join(absent)}")
                continue
            count, wrong, first = _elements(pair[0], pair[1], a.steps - 1 if signal.startswith("final.") else 0)
        compared, mismatches = compared + count, mismatches + wrong
        parts.append(f"{count:,} {'spikes' if signal == 'spike' else signal}")
        if first:
            found.append((first[:2], order, signal, first[2]))
    divergence = None
    if found:
        (step, neuron), _, signal, values = min(found, key=lambda entry: entry[:2])
        divergence = {"step": step, "neuron": neuron, "signal": signal, "engines": [a.engine, b.engine], "values": list(values)}
    reasons = missing + ([] if compared else ["nothing was compared: no spike on either side and no other signal; run for longer"])
    detail = "; ".join(reasons) if reasons else f"{', '.join(parts)} over {a.steps:,} steps of {a.n:,} neurons"
    return Check(name, kind, compared, mismatches, divergence, not mismatches and not reasons, detail)


def same(name: str, kind: Agreement, signal: str, a: tuple[str, int | None], b: tuple[str, int | None]) -> Check:
    """Compare one number that two sides have for the whole run: ``(side, value)`` each; a value of None fails."""
    if a[1] is None or b[1] is None:
        return Check(name, kind, 0, 0, None, False, f"nothing was compared: {a[0] if a[1] is None else b[0]} has no {signal}")
    ok = a[1] == b[1]
    at = {"step": None, "neuron": None, "signal": signal, "engines": [a[0], b[0]], "values": [a[1], b[1]]}
    return Check(name, kind, 1, int(not ok), None if ok else at, ok, f"{a[1]:,} {signal} {a[0]}, {b[1]:,} {b[0]}")


def statistical(name: str, value: float | None, reference: float | None, margin: Margin | None, *, compared: int = 1,
                unjudged: str = "no margin for this network, format and duration") -> Check:
    """Hold one statistic against its reference.

    Parameters
    ----------
    name : str
        Title of the check.
    value, reference : float or None
        In the same unit; None (or NaN) where the run was too short to have one.
    margin : Margin or None
        None: the values are shown and not judged.
    compared : int
        How many samples stand behind the value; 0 fails.
    unjudged : str
        Why there is no margin.
    """
    known = all(x is not None and not math.isnan(x) for x in (value, reference))
    if not known or not compared or value is None or reference is None:
        missing = "nothing was compared: " + ("a side has no value; run for longer" if not known else "no samples")
        return Check(name, Agreement.STATISTICAL, 0, 0, None, None if margin is None else False, missing)
    text = f"{value:.4g} against {reference:.4g}"
    if margin is None:
        return Check(name, Agreement.STATISTICAL, compared, 0, None, None, f"{text}, not judged: {unjudged}", value, reference)
    ok, width = margin.holds(value, reference), margin.limit * (abs(reference) if margin.relative else 1)
    return Check(name, Agreement.STATISTICAL, compared, 0 if ok else 1, None, ok, f"{text}, margin {margin}{'' if ok else ' exceeded'}",
                 value, reference, width)


def describe(check: Check) -> str:
    """One line about a check that failed: the first divergence if there is one, otherwise the reason."""
    at = check.first_divergence
    if at is None:
        return f"{check.name} ({check.class_}): {check.detail}"
    values = ", ".join(f"{engine} {value}" for engine, value in zip(at["engines"], at["values"]))
    where = "" if at["step"] is None else f" at step {at['step']}, neuron {at['neuron']}"
    return (f"{check.name} ({check.class_}): {check.mismatches:,} of {check.compared:,} differ, "
            f"first{where}, signal {at['signal']}: {values}")


def _same_run(a: Recording, b: Recording) -> None:
    for what, x, y in (("N", a.n, b.n), ("number of steps", a.steps, b.steps),
                       ("network hash", a.provenance.get("network"), b.provenance.get("network"))):
        if x != y:
            raise InputError(f"Recordings of different {what} cannot be compared: {a.engine} has {x}, {b.engine} has {y}; run the same network")


def _keys(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    spikes = recording.spikes.astype(np.int64)
    for column, limit, what in ((0, recording.steps, "step"), (1, recording.n, "neuron")):
        values = spikes[:, column]
        if len(values) and not 0 <= values.min() <= values.max() < limit:
            raise InputError(f"Spikes of {recording.engine} name {what} {values.min()}..{values.max()}, outside 0..{limit - 1}")
    return np.unique(spikes[:, 0] * recording.n + spikes[:, 1], return_counts=True)


def _spikes(a: Recording, b: Recording) -> tuple[int, int, First | None]:
    (keys_a, count_a), (keys_b, count_b) = _keys(a), _keys(b)
    cells = np.union1d(keys_a, keys_b)
    pair = np.zeros((2, len(cells)), np.int64)
    for row, keys, count in ((0, keys_a, count_a), (1, keys_b, count_b)):
        pair[row, np.searchsorted(cells, keys)] = count
    wrong = np.flatnonzero(pair[0] != pair[1])
    first = None
    if len(wrong):
        step, neuron = divmod(int(cells[wrong[0]]), a.n)
        first = (step, neuron, tuple(pair[:, wrong[0]].tolist()))
    return len(cells), len(wrong), first


def _array(recording: Recording, signal: str) -> np.ndarray | None:
    final = signal.startswith("final.")
    array = (recording.final if final else recording.trace).get(signal.removeprefix("final."))
    if array is None:
        return None
    array = np.asarray(array)
    wanted = (recording.n,) if final else (recording.steps, recording.n)
    if array.shape != wanted:
        raise InputError(f"Signal {signal} of {recording.engine} must have shape {wanted}, not {array.shape}")
    return array.reshape(-1, recording.n)


def _elements(x: np.ndarray, y: np.ndarray, offset: int) -> tuple[int, int, First | None]:
    wrong, first = 0, None
    for start in range(0, len(x), ROWS):
        differ = x[start:start + ROWS] != y[start:start + ROWS]
        here = int(np.count_nonzero(differ))
        if here and first is None:
            row, neuron = divmod(int(np.argmax(differ)), differ.shape[1])
            first = (start + row + offset, neuron, (x[start + row, neuron].item(), y[start + row, neuron].item()))
        wrong += here
    return x.size, wrong, first
