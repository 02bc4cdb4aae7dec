"""Variables that no spike, no synapse and no membrane moves: the host works them out before a run, as Brian2's own code says, and what membranes
take of them is an input by the time.

Such are the phase of an oscillator in a group, and a group without a threshold to which another one is linked. Random numbers among them are the
host's, from NumPy's generator.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from spikegate.translator.importer.reading import NOISE, Reading
from spikegate.translator.importer.signals import MAX_NUMBERS, Clocked, Series
from spikegate.translator.importer.statements import Unclear, constant, symbol

__all__ = ["Hosted", "closed", "linked_series", "linked_to", "told", "worked_out"]


class Hosted(NamedTuple):
    """What the host has worked out of a group."""

    values: dict[str, np.ndarray]  #: by variable, (size, steps + 1): before each step, and after the last
    drawn: bool  #: whether random numbers are in it


def closed(after: Mapping[str, Any], names: Collection[str], states: Collection[str]) -> list[str]:
    """Those of the names that no other state moves."""
    found = {name for name in names if name in after}
    while out := {name for name in found if {str(each) for each in after[name].free_symbols} & ({*states} - found)}:
        found -= out
    return sorted(found)


def worked_out(reader: Reading, after: Mapping[str, Any], names: Collection[str], clocked: Clocked, functions: Mapping[str, Any]) -> Hosted:
    """The variables ``names`` in every step of a run.

    Parameters
    ----------
    reader : Reading
        Of their group.
    after : Mapping
        What a step makes of each, an expression.
    names : Collection of str
        As `closed` gives them.
    clocked : Clocked
    functions : Mapping
        Of the time, by name.

    Raises
    ------
    Unclear
        If one has a condition, a function that is not known, too many numbers or no value.
    """
    import sympy

    order, size = sorted(names), reader.size
    if size * (clocked.steps + 1) > MAX_NUMBERS:
        raise Unclear(f"is another input for each of {size} neurons in {clocked.steps} steps, above {MAX_NUMBERS} numbers")
    for name in order:
        constant(after[name], {"t", *functions})
    noise = symbol(NOISE)
    drawn = any(noise in after[name].free_symbols for name in order)
    others = sorted({str(each) for name in order for each in after[name].free_symbols} - {*order, "t", NOISE})
    arguments = [*map(symbol, order), symbol("t"), noise, *map(symbol, others)]
    call = sympy.lambdify(arguments, [after[name] for name in order], [dict(functions), "numpy"])
    fixed = [np.broadcast_to(np.asarray(reader.values[name], np.float64), (size,)) for name in others]
    now = [reader.initial(name) for name in order]
    values = {name: np.empty((size, clocked.steps + 1)) for name in order}
    for step, time in enumerate([*clocked.times, None]):
        for name, each in zip(order, now):
            values[name][:, step] = each
        if time is not None:
            normal = np.random.standard_normal(size) * clocked.dt ** 0.5 if drawn else np.zeros(size)
            with np.errstate(all="ignore"):
                now = [np.broadcast_to(np.asarray(each, np.float64), (size,)) for each in call(*now, time, normal, *fixed)]
    for name, each in values.items():
        if not np.all(np.isfinite(each)):
            raise Unclear(f"has no value at some times ({name})")
    return Hosted(values, drawn)


def told(reader: Reading, hosted: Hosted, clocked: Clocked, functions: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What a monitor may ask for, (size, steps + 1): the variables, and expressions of the model that have nothing else that changes in them."""
    import sympy
    from brian2.parsing.sympytools import str_to_sympy

    found, size = dict(hosted.values), reader.size
    times = np.append(clocked.times, (clocked.start + clocked.steps) * clocked.dt)
    for name, text in reader.values.known.items():
        expression = str_to_sympy(text)
        for _ in reader.values.known:
            expression = expression.xreplace({symbol(other): str_to_sympy(code) for other, code in reader.values.known.items()})
        names = sorted({str(each) for each in expression.free_symbols} - {"t"})
        if not {*names} & {*hosted.values}:
            continue
        try:
            constant(expression, {"t", *functions})
            given = [hosted.values[each] if each in hosted.values else np.broadcast_to(np.asarray(reader.values[each]), (size,))[:, None]
                     for each in names]
        except Unclear:
            continue
        call = sympy.lambdify([symbol("t"), *map(symbol, names)], expression, [dict(functions), "numpy"])
        found[name] = np.broadcast_to(np.asarray(call(times, *given), np.float64), (size, len(times)))
    return found


def linked_to(group: Any, groups: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Variables of a group that are another group's, by its own name for them: that group and its variable."""
    found = {}
    for name in group.variables:
        owner = getattr(getattr(group.variables[name], "owner", None), "name", "")
        if owner != group.name and owner in groups:
            found[name] = owner, group.variables[name].name
    return found


def linked_series(group: Any, links: Mapping[str, tuple[str, str]], hosted: Mapping[str, tuple[Hosted, Any]]) -> dict[str, Series]:
    """The linked variables that the host has worked out, as inputs of a group: as they are before or after the update of a step, by Brian2's order.

    Parameters
    ----------
    group : brian2.NeuronGroup
    links : Mapping
        As `linked_to` gives them.
    hosted : Mapping of str to tuple
        Of each group what was worked out, and the group.
    """
    found = {}
    for name, (owner, variable) in links.items():
        if owner in hosted and variable in hosted[owner][0].values:
            values, index = hosted[owner][0].values[variable], group.variables.indices[name]
            row = np.arange(len(group)) if index == "_idx" else np.zeros(1, np.int64) if index == "0" else group.variables[index].get_value()
            first = [(each.state_updater.order, each.state_updater.name) for each in (hosted[owner][1], group)]
            late = int(first[0] < first[1])
            found[name] = Series(values[:, late:values.shape[1] - 1 + late], np.broadcast_to(np.asarray(row, np.int64), (len(group),)))
    return found
