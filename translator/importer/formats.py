"""Formats of a group of neurons: as many bits as its own numbers ask for, or those that the user gives."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.neuron.lif import MAX_LEAK_FRACTION
from spikegate.models.neuron.linear import MAX_SHIFT, LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.translator.importer.float_network import FloatNeurons

__all__ = ["Choice", "Scaled", "choose", "unit_of"]

#: Relative error of leaks, decays and typical weights that is aimed at.
FINE = 1e-4
#: Widest format, and bits of format and fraction together: products with a leak stay exact in doubles, too.
MAX_WIDTH, MAX_BITS = 32, 54
COUPLING_BITS = 20
#: How far membranes may go beyond the largest number of their model, and currents beyond the largest weight.
ROOM, CURRENT_ROOM = 8, 128
#: The same in kicks, for membranes that only add up.
SUMS = 4096


@dataclass(frozen=True)
class Choice:
    """What the user asks for; None is chosen from the numbers of each group."""

    format: QFormat | None = None
    current_format: QFormat | None = None
    leak_fraction: int | None = None
    decay_fraction: int | None = None
    rounding: Rounding = Rounding.NEAREST
    overflow: Overflow = Overflow.SATURATE


@dataclass(frozen=True)
class Scaled:
    """A structure, and the SI values of its units: ``raw = value / unit * one``; ``sign`` is -1 for a current that is kept with the other sign."""

    neuron: LinearNeuron
    unit: float
    current_unit: float
    sign: dict[str, int]

    def per_raw(self, variable: str, membrane: str) -> float:
        """SI value of one raw step of a variable."""
        if variable == membrane:
            return self.unit / self.neuron.format.one
        return self.sign[variable] * self.current_unit / self.neuron.current_format.one


def _bits(ratio: float, least: int = 1) -> int:
    """Fraction bits of a factor in 0..1 so that it is right within `FINE`."""
    if not 0 < ratio < 1:
        return least
    return min(MAX_LEAK_FRACTION, max(least, math.ceil(-math.log2(ratio * 2 * FINE))))


def _smallest(values: Iterable[float]) -> float:
    found = [abs(value) for value in values if value]
    return min(found) if found else math.inf


def _format(largest: float, step: float) -> QFormat:
    """The format that holds ``largest``, with steps no larger than asked for as far as there are bits."""
    whole = max(1, math.ceil(math.log2(largest)) if largest > 0 else 1)
    fraction = max(1, math.ceil(-math.log2(step))) if 0 < step < math.inf else 8
    fraction = max(0, min(fraction, MAX_WIDTH - 1 - whole, (MAX_BITS - 1 - whole) // 2))
    return QFormat(whole + fraction + 1, fraction)


def unit_of(values: np.ndarray) -> float:
    """A power of a thousand that makes the largest of these values 1 to 1000."""
    largest = float(np.abs(values).max(initial=0))
    return 1.0 if largest == 0 else 10.0 ** (3 * math.floor(math.log10(largest) / 3))


def _membrane_format(group: FloatNeurons, weights: np.ndarray, rest: np.ndarray) -> QFormat:
    finite = group.threshold[np.isfinite(group.threshold)]
    values = np.abs(np.concatenate([finite, group.reset, rest, group.initial])) / group.unit
    span = np.abs(np.concatenate([finite - rest[np.isfinite(group.threshold)], finite - group.reset[np.isfinite(group.threshold)]])) / group.unit
    span = span[span > 0]
    scale = float(span.max()) if len(span) else max(1e-3, float(values.max(initial=1)))
    kicks = np.abs(weights) / group.unit
    leak = _smallest(1 - group.keep)
    step = min(scale * 1e-4, 2e-3 * scale * (leak if leak < math.inf else 1), 1e-3 * float(np.median(kicks[kicks > 0])) if kicks.any() else math.inf)
    step = min(step, 1e-3 * _smallest(group.constant[group.keep == 1]) / group.unit)
    several = SUMS if np.any((group.keep == 1) & ~np.isfinite(group.threshold)) else 4
    return _format(ROOM * max(float(values.max(initial=0)), scale) + several * float(kicks.max(initial=0)), step)


def _current_format(group: FloatNeurons, weights: np.ndarray, unit: float) -> QFormat:
    kicks = np.abs(weights) / unit
    kicks = kicks[kicks > 0]
    first = max((float(np.abs(each.initial).max(initial=0)) / unit for each in group.currents.values()), default=0.0)
    decay = min(_smallest(1 - each.keep) for each in group.currents.values())
    typical = float(np.median(kicks)) if len(kicks) else max(first, 1.0)
    return _format(CURRENT_ROOM * float(kicks.max(initial=0)) + 2 * first + 1, typical * min(1e-3, 2e-2 * (decay if decay < math.inf else 1)))


def _coupling(group: FloatNeurons, scale: float) -> int:
    """The largest shift with which every coupling fits its bits."""
    largest = max(float(np.abs(each.coupling).max()) for each in group.currents.values()) * scale
    shift = MAX_SHIFT if largest == 0 else math.floor(COUPLING_BITS - 1e-9 - math.log2(largest))
    if not 0 <= shift:
        raise InputError(f"NeuronGroup {group.name!r}: currents are {largest:.3g} raw steps of the membrane a step, above 2^{COUPLING_BITS}; "
                         "use more fraction bits for the currents")
    return min(MAX_SHIFT, shift)


def choose(group: FloatNeurons, rest: np.ndarray, kicks: np.ndarray, currents: np.ndarray, choice: Choice) -> Scaled:
    """The structure of a group.

    Parameters
    ----------
    group : FloatNeurons
    rest : numpy.ndarray
        Where its membranes settle without input, (size,).
    kicks, currents : numpy.ndarray
        Everything that is added to membranes, and to currents, SI.
    choice : Choice
    """
    unit = unit_of(currents) if group.currents else group.unit
    q = choice.format or _membrane_format(group, kicks, rest)
    current = choice.current_format or (_current_format(group, currents, unit) if group.currents else q)
    leaks = 1 - group.keep
    h = choice.leak_fraction or _bits(_smallest(leaks), q.fraction if choice.format else 1)
    sign = {name: -1 if np.all(each.coupling <= 0) and np.any(each.coupling < 0) else 1 for name, each in group.currents.items()}
    if any(np.any(each.coupling * sign[name] < 0) for name, each in group.currents.items()):
        raise InputError(f"NeuronGroup {group.name!r}: currents have both signs of coupling; one sign for all its neurons would run")
    shift = _coupling(group, unit / group.unit * q.one / current.one) if group.currents else 16
    decay = choice.decay_fraction or max((_bits(_smallest(1 - each.keep)) for each in group.currents.values()), default=16)
    neuron = LinearNeuron(q, h, choice.rounding, choice.overflow, Order.BRIAN2, Reset.SUBTRACT if group.subtract else Reset.VALUE,
                          tuple(group.currents), current, decay, COUPLING_BITS, shift)
    return Scaled(neuron, group.unit, unit, sign)
