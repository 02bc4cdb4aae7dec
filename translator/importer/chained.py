"""Currents of a group as ones that decay by themselves: of those that a constant feeds, or another current, and that have noise.

A constant is what they settle at. Of ``x = k x + a y`` and ``y = l y``, as in an alpha function, a step makes ``z = k z`` of ``z = x - r y`` with
``r = a / (l - k)``, so that hardware keeps z and y, a spike that adds w to y takes r w off z, and ``x = z + r y`` is what a membrane takes and a
monitor shows. Where x and y decay alike, r has no value: they are set apart by d = `SPLIT` of what is lost in a step, one above and one below, and y
takes d^2 / a of x, which makes ``y = (y' - z / r) / 2`` and changes both by about d^2. Noise is drawn by the host, and comes as recorded spikes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spikegate.translator.importer.float_network import FloatNeurons, FloatProjection, Refusals
from spikegate.translator.importer.float_parts import Current, Noise
from spikegate.translator.importer.reading import NOISE, Reading
from spikegate.translator.importer.signals import MAX_NUMBERS, Clocked
from spikegate.translator.importer.statements import Affine, Unclear

__all__ = ["SPLIT", "Chained", "across_currents", "chained", "fed_by"]

#: How far two decays that are alike are set apart, each by this part of what it loses in a step.
SPLIT = 5e-3
#: Bits of the noise of currents, its sign among them.
NOISE_BITS = 12


class Chained(NamedTuple):
    """The currents as hardware has them, and how the user's follow from them."""

    currents: dict[str, Current]
    base: dict[str, np.ndarray]  #: what is to be added to a current, (size,)
    mixed: dict[str, dict[str, np.ndarray]]  #: of a user's current, how much of each that hardware keeps is in it
    spread: dict[str, dict[str, np.ndarray]]  #: how much each takes of what is added to a user's
    constant: np.ndarray  #: what all bases add to the membrane in a step
    noise: Noise | None


def fed_by(name: str, currents: Sequence[str], updates: Mapping[str, Affine]) -> list[str]:
    """Other currents that feed one."""
    return [other for other in currents if other != name and updates[name].factors[other] != 0]


def _apart(ours: np.ndarray, theirs: np.ndarray, feeds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is left of two currents after a step, set apart where they are alike and the other one feeds ours; and where this is so."""
    middle, least = (ours + theirs) / 2, SPLIT * (1 - (ours + theirs) / 2)
    alike = (np.abs(theirs - ours) < 2 * least) & (feeds != 0)
    return np.where(alike, middle - least, ours), np.where(alike, middle + least, theirs), alike


def chained(reader: Reading, currents: Sequence[str], updates: Mapping[str, Affine], membrane: Affine, clocked: Clocked) -> Chained:
    """The currents of a group, of which each is fed by one other at most, and that one by none.

    Raises
    ------
    Unclear
        If one grows without end, or noise needs too many numbers.
    """
    number, size = reader.number, reader.size
    keep = {name: number(updates[name].factors[name]) for name in currents}
    coupling = {name: number(membrane.factors[name]) for name in currents}
    asked, base = dict(keep), dict[str, np.ndarray]()
    mixed, spread = dict[str, dict[str, np.ndarray]](), dict[str, dict[str, np.ndarray]]()
    feeding = {name: fed_by(name, currents, updates) for name in currents}
    for name in sorted(currents, key=lambda each: len(feeding[each])):
        rest = number(updates[name].constant) + sum(number(updates[name].factors[other]) * base[other] for other in feeding[name])
        if np.any((keep[name] == 1) & (rest != 0)):
            raise Unclear(f"has a {name} that grows without end")
        base[name] = np.divide(rest, 1 - keep[name], out=np.zeros(size), where=keep[name] != 1)
    constant = sum((coupling[name] * base[name] for name in currents), np.zeros(size))
    for name in currents:
        for other in feeding[name]:
            feeds = number(updates[name].factors[other])
            keep[name], keep[other], alike = _apart(keep[name], keep[other], feeds)
            if np.any((keep[name] == keep[other]) & (feeds != 0)):
                raise Unclear(f"has {name} and {other}, of which neither decays")
            r = np.divide(feeds, keep[other] - keep[name], out=np.zeros(size), where=feeds != 0)
            s = np.divide(0.5, r, out=np.zeros(size), where=alike)
            mixed = {name: {name: np.ones(size), other: r}, other: {other: 1 - r * s, name: -s}}
            spread = {name: {name: 1 - r * s, other: s}, other: {other: np.ones(size), name: -r}}

    def across(parts: Mapping[str, Mapping[str, np.ndarray]], values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: sum((values[each] * parts[each][name] for each in values), np.zeros(size)) for name in parts} if parts else {**values}

    coupling = across(mixed, coupling)
    initial = across(spread, {name: reader.initial(name) - base[name] for name in currents})
    noise = across(spread, {name: number(updates[name].factors[NOISE]) for name in currents})
    found = {name: Current(keep[name], coupling[name], initial[name], asked[name]) for name in currents}
    return Chained(found, {name: each for name, each in base.items() if each.any()}, mixed, spread, constant, _noise(noise, size, clocked))


def _noise(strengths: Mapping[str, np.ndarray], size: int, clocked: Clocked) -> Noise | None:
    """Normal numbers of each neuron and step, as whole numbers, for the currents that have noise; None where none has."""
    moved = {name: each for name, each in strengths.items() if each.any()}
    if not moved:
        return None
    if size * clocked.steps > MAX_NUMBERS:
        raise Unclear(f"has noise of {size} currents in {clocked.steps} steps, above {MAX_NUMBERS} numbers")
    normal = np.random.standard_normal((size, clocked.steps)) * clocked.dt ** 0.5
    one = float(np.abs(normal).max(initial=0)) / ((1 << (NOISE_BITS - 1)) - 1) or 1.0
    return Noise(np.rint(normal / one).astype(np.int64), {name: each * one for name, each in moved.items()})


def across_currents(projections: Sequence[FloatProjection], group: FloatNeurons, refusals: Refusals) -> list[FloatProjection]:
    """Projections, of which those to a user's current reach all that hardware keeps of it."""
    found = []
    for drive in group.drives:
        if drive.variable in group.spread:
            refusals.add(f"NeuronGroup {group.name!r}", drive.variable, "has a PoissonInput and feeds another current, or is fed by one",
                         "a PoissonGroup and synapses would run")
    for each in projections:
        parts = group.spread.get(each.variable) if each.target == group.name else None
        found += [each] if parts is None else [replace(each, variable=name, weights=part[each.post] * each.weights)
                                               for name, part in parts.items() if part.any()]
    return found
