"""Formats of the neurons of a node: exact where its numbers are short fractions, else as fine as they ask for; or those that the user gives."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.neuron.linear import MAX_SHIFT, LinearNeuron, Reset
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.translator.importer.formats import COUPLING_BITS, bits_for
from spikegate.translator.nir.cells import Cell

__all__ = ["CURRENT", "Formats", "Structure", "noted", "noted_formats", "structure"]

#: Name of the current of a CubaLIF or CubaLI.
CURRENT = "i"
#: Most fraction bits for exact numbers, widest format, and bits of format and fraction together.
EXACT_BITS, MAX_WIDTH, MAX_BITS = 16, 32, 54
#: Relative error of a number in single precision, as most graphs have them, and of a few products of such.
SINGLE = 2e-7
#: How far membranes may go beyond the largest number of their node, and how many of the largest sums of a step they may take, with a leak at most and
#: without one.
ROOM, STEPS, SUMS = 8, 32, 1024


@dataclass(frozen=True)
class Formats:
    """What the user asks for; None is chosen from the numbers of each node.

    Attributes
    ----------
    format : QFormat, optional
        Of membranes and the weights that reach them.
    current_format : QFormat, optional
        Of currents and the weights that reach them.
    leak_fraction, decay_fraction : int, optional
        Fraction bits of leaks, and of what goes of currents in a step; those of the leak.
    rounding : Rounding
    overflow : Overflow
    """

    format: QFormat | None = None
    current_format: QFormat | None = None
    leak_fraction: int | None = None
    decay_fraction: int | None = None
    rounding: Rounding = Rounding.NEAREST
    overflow: Overflow = Overflow.SATURATE


def noted_formats(neuron: LinearNeuron) -> dict[str, str]:
    """What `to_nir` notes in the metadata of a node, so that it comes back as it was."""
    found = {"spikegate_format": str(neuron.format), "spikegate_leak_fraction": str(neuron.leak_fraction)}
    if neuron.currents:
        found |= {"spikegate_current_format": str(neuron.current_format), "spikegate_decay_fraction": str(neuron.decay_fraction)}
    return found


def noted(node: Any) -> Formats:
    """What the metadata of a node say; otherwise its formats are chosen."""
    found: dict[str, Any] = {}
    for name in ("format", "current_format"):
        if text := node.metadata.get(f"spikegate_{name}"):
            found[name] = QFormat.parse(str(text))
    for name in ("leak_fraction", "decay_fraction"):
        if text := node.metadata.get(f"spikegate_{name}"):
            found[name] = int(text)
    return Formats(**found)


@dataclass(frozen=True)
class Structure:
    """A neuron, and its parameters raw, (size,) each."""

    neuron: LinearNeuron
    columns: dict[str, np.ndarray]

    @property
    def port(self) -> str:
        """Where its input arrives."""
        return self.neuron.ports[0]

    @property
    def input_format(self) -> QFormat:
        """Of the weights that reach it."""
        return self.neuron.port_format(self.port)


def _exact_bits(values: np.ndarray) -> int | None:
    """Fewest fraction bits that hold all of these, if there are few; but for what single precision loses."""
    for bits in range(EXACT_BITS + 1):
        scaled = values * (1 << bits)
        if np.all(np.abs(scaled - np.rint(scaled)) <= SINGLE * np.abs(scaled)):
            return bits
    return None


def _format(largest: float, values: np.ndarray, step: float, moves: bool) -> QFormat:
    """Holds ``largest``, and the values exactly if that takes few bits and nothing is rounded in a step (``moves``); else in steps as asked for."""
    whole = max(1, math.ceil(math.log2(largest)) if largest > 0 else 1)
    exact = _exact_bits(values)
    fine = max(1, math.ceil(-math.log2(step))) if 0 < step < math.inf else 8
    fraction = max(1, exact if exact is not None and not moves else max(fine, exact or 0))
    fraction = max(1, min(fraction, MAX_WIDTH - 1 - whole, (MAX_BITS - 1 - whole) // 2))
    if whole + fraction + 1 > MAX_WIDTH:
        raise InputError(f"numbers up to {largest:.3g} need more than {MAX_WIDTH} bits; scale the node's weights and thresholds down")
    return QFormat(whole + fraction + 1, fraction)


def _fraction(values: np.ndarray, asked: int | None) -> int:
    """Fraction bits of a leak or decay: those asked for, as many as make it exact, or as make it fine."""
    if asked is not None:
        return asked
    exact = _exact_bits(values)
    inside = values[(values > 0) & (values < 1)]
    return max(1, exact) if exact is not None else bits_for(float(inside.min()) if len(inside) else 0.0)


def _typical(weights: np.ndarray) -> float:
    kicks = np.abs(weights[weights != 0])
    return float(np.median(kicks)) if len(kicks) else math.inf


def _raw(values: np.ndarray, fraction: int) -> np.ndarray:
    found: np.ndarray = np.rint(values * float(1 << fraction)).astype(np.int64)
    return found


def _membrane_format(cell: Cell, weights: np.ndarray, sums: np.ndarray, bias: np.ndarray) -> QFormat:
    zero = np.zeros(1)
    levels = np.concatenate([cell.rest, cell.reset, bias, zero if cell.threshold is None else cell.threshold])
    direct = zero if cell.coupling is not None else weights
    current = zero if cell.coupling is None else sums * cell.coupling / np.maximum(1e-9, cell.decay if cell.decay is not None else 1)
    scale = float(np.abs(levels).max(initial=0)) or float(np.abs(direct).max(initial=0)) or 1.0
    leaks = cell.leak[(cell.leak > 0) & (cell.leak < 1)]
    moves = bool(len(leaks)) or cell.coupling is not None
    step = min(scale * 1e-4, scale * 2e-3 * float(leaks.min() if len(leaks) else 1), 1e-3 * _typical(direct))
    steps = float(np.minimum(STEPS, 1 / cell.leak[cell.leak > 0]).max()) if np.all(cell.leak > 0) else SUMS
    largest = ROOM * scale + steps * float((current if cell.coupling is not None else sums).max(initial=0))
    return _format(largest, np.concatenate([levels, direct]), step, moves)


def structure(cell: Cell, weights: np.ndarray, sums: np.ndarray, bias: np.ndarray, asked: Formats) -> Structure:
    """The neurons of a node as integers.

    Parameters
    ----------
    cell : Cell
    weights : numpy.ndarray
        All that reach the node, times the gain of their neuron, (any,).
    sums : numpy.ndarray
        Sum of their sizes for each neuron, (size,).
    bias : numpy.ndarray
        What is added to each membrane in a step, (size,).
    asked : Formats

    Raises
    ------
    InputError
        If no format holds the numbers, or the one asked for does not.
    """
    q = asked.format or _membrane_format(cell, weights, sums, bias)
    h = _fraction(cell.leak, asked.leak_fraction)
    never = np.full(cell.size, q.max)
    threshold = never if cell.threshold is None else np.floor(cell.threshold * q.one).astype(np.int64) + 1
    reset = never - 1 if cell.threshold is None else _raw(cell.reset, q.fraction)
    if cell.kind == "Threshold":
        reset = np.minimum(0, threshold - 1)  # of no meaning, as the membrane forgets it
    elif cell.threshold is not None and not cell.subtract:
        reset = np.minimum(reset, threshold - 1)
    columns = {"leak": _raw(cell.leak, h), "rest": _raw(cell.rest, q.fraction), "threshold": threshold,
               "reset": np.maximum(1, reset) if cell.subtract else reset, "bias": _raw(bias, q.fraction)}
    how: dict[str, Any] = {"format": q, "leak_fraction": h, "rounding": asked.rounding, "overflow": asked.overflow,
                           "reset": Reset.SUBTRACT if cell.subtract else Reset.VALUE}
    if cell.coupling is None or cell.decay is None:
        return Structure(LinearNeuron(**how), columns)
    decays = cell.decay[(cell.decay > 0) & (cell.decay < 1)]
    top, moves = float(sums.max(initial=0)), bool(len(decays))
    steps = 1 / float(cell.decay.min()) if cell.decay.min() > 0 else 1.0
    step = _typical(weights) * min(2e-4, 2e-2 * float(decays.min() if moves else 1))
    current = asked.current_format or asked.format or _format(2 * top + min(steps, ROOM) * top + 1e-9, weights, step, moves)
    per = cell.coupling * q.one / current.one  # raw steps of the membrane for one of the current
    shift = MAX_SHIFT if not per.max() > 0 else math.floor(COUPLING_BITS - 1e-9 - math.log2(per.max()))
    if shift < 0:
        raise InputError(f"its current is {per.max():.3g} raw steps of the membrane a step, above 2^{COUPLING_BITS}; use more fraction bits for it")
    shift, d = min(MAX_SHIFT, shift), _fraction(cell.decay, asked.decay_fraction or asked.leak_fraction)
    neuron = LinearNeuron(**how, currents=(CURRENT,), current_format=current, decay_fraction=d, coupling_bits=COUPLING_BITS, coupling_shift=shift)
    return Structure(neuron, columns | {f"decay_{CURRENT}": _raw(cell.decay, d), f"coupling_{CURRENT}": _raw(per, shift)})
