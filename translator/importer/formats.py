"""Formats of a group of neurons: as many bits as its own numbers ask for, or those that the user gives."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.lif import MAX_LEAK_FRACTION
from spikegate.models.neuron.linear import MAX_SHIFT, LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.translator.importer.float_network import FloatNeurons
from spikegate.translator.importer.float_parts import Adapting
from spikegate.translator.importer.signals import MAX_BITS as MAX_BITS_OF_SIGNALS
from spikegate.translator.importer.signals import bits_of

__all__ = ["Choice", "Scaled", "bits_for", "choose", "unit_of"]

#: Relative error of leaks, decays and typical weights that is aimed at.
FINE = 1e-4
#: Widest format, and bits of format and fraction together: products with a leak stay exact in doubles, too.
MAX_WIDTH, MAX_BITS = 32, 54
#: Of couplings, and of those whose currents are mixed, of which small differences count.
COUPLING_BITS, MIXED_BITS = 20, 24
#: Of signals where there are no other currents.
SIGNAL = QFormat(MAX_BITS_OF_SIGNALS, 8)
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
    """A structure, and what its numbers mean.

    Attributes
    ----------
    neuron : LinearNeuron or IzhikevichNeuron
    per_raw : dict of str to float
        SI value of a raw step of each of the user's variables; below 0 for a current that is kept with the other sign.
    states : dict of str to str
        Name of each in the hardware.
    base : dict of str to numpy.ndarray
        What is to be added to a variable, (size,), where it is not 0.
    signals : dict of str to tuple
        Whole numbers of each signal, int64 (rows, steps), and what one is worth, by its name in the hardware.
    inputs : dict of str to str
        Port of each variable that synapses add to and that no neuron remembers.
    mixed : dict of str to dict
        By variable, of which others' states how much, (size,), is in it.
    """

    neuron: LinearNeuron | IzhikevichNeuron
    per_raw: dict[str, float]
    states: dict[str, str]
    base: dict[str, np.ndarray]
    signals: dict[str, tuple[np.ndarray, float]]
    inputs: dict[str, str]
    mixed: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def values(self, variable: str, raw: Callable[[str], np.ndarray], members: np.ndarray) -> np.ndarray:
        """SI values of a variable, (..., members), from raw ones of states by name."""
        parts = self.mixed.get(variable)
        found: np.ndarray = raw(self.states[variable]) * self.per_raw[variable] if parts is None else np.sum(
            [part[members] * (raw(self.states[name]) * self.per_raw[name]) for name, part in parts.items()], axis=0)
        return found + self.base[variable][members] if variable in self.base else found


def bits_for(ratio: float, least: int = 1) -> int:
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
    finite = group.level[np.isfinite(group.threshold)]
    driven = [np.abs(each.values).max() * each.coupling / np.where(group.keep < 1, 1 - group.keep, 1) for each in group.signals]
    values = np.abs(np.concatenate([finite, group.reset, rest, group.initial, *driven])) / group.unit
    span = np.abs(np.concatenate([finite - rest[np.isfinite(group.threshold)], finite - group.reset[np.isfinite(group.threshold)]])) / group.unit
    span = span[span > 0]
    scale = float(span.max()) if len(span) else max(1e-3, float(values.max(initial=1)))
    kicks = np.abs(weights) / group.unit
    leak = _smallest(1 - group.keep)
    step = min(scale * 1e-4, 2e-3 * scale * (leak if leak < math.inf else 1), 1e-3 * float(np.median(kicks[kicks > 0])) if kicks.any() else math.inf)
    if group.noise.any():
        step = min(step, _smallest(group.noise) / group.unit / 64)
    step = min(step, 1e-3 * _smallest(group.constant[group.keep == 1]) / group.unit)
    several = SUMS if np.any((group.keep == 1) & ~np.isfinite(group.threshold)) else 4
    return _format(ROOM * max(float(values.max(initial=0)), scale) + several * float(kicks.max(initial=0)), step)


def _current_format(group: FloatNeurons, weights: np.ndarray, unit: float) -> QFormat:
    kicks = np.abs(weights) / unit
    kicks = kicks[kicks > 0]
    first = max((float(np.abs(each.initial).max(initial=0)) / unit for each in group.currents.values()), default=0.0)
    decay = min(_smallest(1 - each.keep) for each in group.currents.values())
    typical = (float(np.median(kicks)) if len(kicks) else max(first, 1.0)) / _mixed(group) ** 2
    if group.shaken is not None:
        most = float(np.abs(group.shaken.raw).max(initial=0))
        first += max(2 * most * float((np.abs(each) / np.sqrt(1 - np.minimum(group.currents[name].keep, 0.9999) ** 2)).max())
                     for name, each in group.shaken.strength.items()) / unit
    return _format(CURRENT_ROOM * float(kicks.max(initial=0)) + 2 * first + 1, typical * min(2e-4, 2e-2 * (decay if decay < math.inf else 1)))


def _mixed(group: FloatNeurons) -> float:
    """How much of another current is in one at most, from 1 on: so much more the rounding of that one counts."""
    return max([1.0, *(float(np.abs(part).max()) for parts in group.mixed.values() for part in parts.values())])


def _adapting_format(each: Adapting, unit: float, least: int) -> QFormat:
    """The format of a threshold or current that spikes move."""
    jump, first = float(np.abs(each.jump).max()) / unit, float(np.abs(each.initial - each.base).max()) / unit
    decay = _smallest(1 - each.keep)
    typical = jump or first or 1.0
    found = _format(ROOM * ROOM * jump + 2 * first + 1, typical * min(2e-4, 2e-2 * (decay if decay < math.inf else 1)))
    more = max(0, least - found.fraction)
    return QFormat(min(MAX_WIDTH, found.width + more), found.fraction + more)


def _sign(group: FloatNeurons, coupling: np.ndarray, inwards: int) -> int:
    """By which sign a current has to be kept so that its coupling has that of ``inwards``."""
    if np.any(coupling > 0) and np.any(coupling < 0):
        raise InputError(f"NeuronGroup {group.name!r}: currents have both signs of coupling; one sign for all its neurons would run")
    return -inwards if np.any(coupling < 0) else inwards if np.any(coupling > 0) else 1


def _shift(group: FloatNeurons, largest: float, bits: int) -> int:
    """The largest shift with which every coupling fits its bits."""
    shift = MAX_SHIFT if largest == 0 else math.floor(bits - 1e-9 - math.log2(largest))
    if not 0 <= shift:
        raise InputError(f"NeuronGroup {group.name!r}: currents are {largest:.3g} raw steps of the membrane a step, above 2^{bits}; "
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
    unit = unit_of(currents)
    q = choice.format or _membrane_format(group, kicks, rest)
    current = choice.current_format or (_current_format(group, currents, unit) if group.currents else SIGNAL if group.signals else q)
    per, states, base = {group.membrane: group.unit / q.one}, {group.membrane: "v"}, dict(group.base)
    bits = MIXED_BITS if group.mixed else COUPLING_BITS
    for name, each in group.currents.items():
        per[name], states[name] = _sign(group, each.coupling, 1) * unit / current.one, name
    named = {f"signal_{k}" + "_" * (f"signal_{k}" in states): bits_of(each, current.width) for k, each in enumerate(group.signals)}
    more: dict[str, Any] = {}
    if group.theta is not None:
        made = _adapting_format(group.theta, group.unit, q.fraction)
        more |= {"theta_format": made, "theta_fraction": choice.decay_fraction or bits_for(_smallest(1 - group.theta.keep))}
        per[group.theta.name], states[group.theta.name], base[group.theta.name] = group.unit / made.one, "theta", group.theta.base
    if group.w is not None:
        scale = unit_of(group.w.jump)
        made = _adapting_format(group.w, scale, 0)
        more |= {"w_format": made, "w_fraction": choice.decay_fraction or bits_for(_smallest(1 - group.w.keep))}
        per[group.w.name], states[group.w.name] = _sign(group, group.w.coupling, -1) * scale / made.one, "w"
    couplings = [(name, each.coupling) for name, each in group.currents.items()] + ([(group.w.name, group.w.coupling)] if group.w is not None else [])
    couplings += [(name, each.coupling) for name, each in zip(named, group.signals)]
    per |= {name: one for name, (_, one) in named.items()}
    largest = max((float(np.abs(each).max()) * abs(per[name]) / per[group.membrane] for name, each in couplings), default=0.0)
    decay = choice.decay_fraction or max((bits_for(_smallest(1 - each.keep) / _mixed(group)) for each in group.currents.values()), default=16)
    h = choice.leak_fraction or bits_for(_smallest(1 - group.keep), q.fraction if choice.format else 1)
    common: dict[str, Any] = {"format": q, "leak_fraction": h, "rounding": choice.rounding, "overflow": choice.overflow, "order": Order.BRIAN2,
              "reset": Reset.SUBTRACT if group.subtract else Reset.VALUE, "currents": (*group.currents, *named), "current_format": current,
              "decay_fraction": decay, "coupling_bits": bits, "coupling_shift": _shift(group, largest, bits) if couplings else 16,
              "kicks": bool(group.currents or named) and bool(len(kicks)), "held": group.held}
    return Scaled(AdaptiveLinearNeuron(**common, **more) if more else LinearNeuron(**common), per, states, base, named, {}, group.mixed)
