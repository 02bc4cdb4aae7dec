"""Synapses and Poisson inputs of Brian2 as weights, delays and drives, in floats."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikegate.models.network.projection import MAX_DELAY
from spikegate.translator.importer.float_network import FloatProjection, FloatSources, Refusals
from spikegate.translator.importer.float_parts import Drive
from spikegate.translator.importer.relays import MAX_RELAYS, relays
from spikegate.translator.importer.statements import Unclear, constant, evaluate, followed, symbol
from spikegate.translator.importer.values import Values

__all__ = ["base", "changing_pathway", "drive", "poured", "projections", "steps_later", "written"]

ADDS = "synapses that add a weight, such as v_post += w, would run"


#: Neurons that stand for the events of a PoissonInput beside another one.
MAX_SOURCES = 20_000


def base(group: Any) -> Any:
    """The whole group of a subgroup."""
    return group.source if type(group).__name__ == "Subgroup" else group


def _owner(variable: Any) -> str:
    return getattr(variable.owner, "name", "")


def written(synapses: Any) -> set[tuple[str, str]]:
    """Group and variable of all that a spike changes in the target."""
    found = set()
    for pathway in synapses._pathways:
        try:
            names = followed(pathway.code)
        except Unclear:
            continue
        for name in names:
            variable = synapses.variables[name] if name in synapses.variables else None
            if variable is not None and _owner(variable) == base(synapses.target).name:
                found.add((_owner(variable), variable.name))
    return found


def steps_later(synapses: Any, pathway: Any) -> np.ndarray:
    """Steps from a spike of the source to the one that it arrives in, a synapse or one for all."""
    later: np.ndarray = np.floor(np.asarray(pathway._delays.get_value(), np.float64) / float(synapses.source.clock.dt_) + 0.5).astype(np.int64) + 1
    return later


def changing_pathway(synapses: Any) -> Any:
    """The one pathway of synapses whose own variables a spike of the source changes, or the time since the last one; None of others."""
    busy = [each for each in synapses._pathways if (each.code or "").strip()]
    clocked = synapses.equations is not None and list(synapses.equations.diff_eq_expressions)
    if len(busy) != 1 or (busy[0].prepost, busy[0].event) != ("pre", "spike") or clocked or synapses.summed_updaters:
        return None
    try:
        own = [name for name in followed(busy[0].code) if name in synapses.variables and _owner(synapses.variables[name]) == synapses.name]
    except Unclear:
        return None
    return busy[0] if own or synapses.event_driven is not None else None


def _weights(synapses: Any, values: Values, name: str, expression: Any) -> np.ndarray:
    """What is added to a variable, a synapse."""
    added = expression - symbol(name)
    constant(added)
    return evaluate(added, values, len(synapses))


def projections(synapses: Any, namespace: Mapping[str, Any], changing: set[tuple[str, str]], refusals: Refusals) -> list[FloatProjection]:
    """All pathways of a `Synapses`.

    Parameters
    ----------
    synapses : brian2.Synapses
    namespace : Mapping
        Of the run.
    changing : set
        Group and variable of everything that changes while the network runs.
    refusals : Refusals
    """
    where, values, found = f"Synapses {synapses.name!r}", Values(synapses, namespace, changing), []
    model = synapses.equations
    for equations in (model, synapses.event_driven):
        for name, _ in equations.diff_eq_expressions if equations is not None else ():
            refusals.add(where, str(equations[name]), "is a synapse with dynamics of its own", ADDS)
    for each in synapses.summed_updaters.values():
        refusals.add(where, str(each.expression), "is summed over synapses in every step", ADDS)
    pre, post = (np.asarray(synapses.variables[each].get_value(), np.int64) for each in ("_synaptic_pre", "_synaptic_post"))
    for pathway in synapses._pathways:
        code = pathway.code or ""
        if pathway.prepost == "post" and code.strip():
            refusals.add(where, code, "acts at a spike of the target", ADDS)
            continue
        if pathway.event != "spike":
            refusals.add(where, f"on_event={pathway.event!r}", "acts at another event than a spike", ADDS)
            continue
        steps = steps_later(synapses, pathway)
        if steps.size and int(relays(steps).max()) * len(base(synapses.source)) > MAX_RELAYS:
            refusals.add(where, f"delay of {(steps.max() - 1) * float(synapses.source.clock.dt_) * 1e3:g} ms",
                         f"is {steps.max() - 1} steps for {len(base(synapses.source))} neurons, above {MAX_RELAYS} relays of {MAX_DELAY} steps",
                         "shorter delays, or a longer dt, would run")
            continue
        try:
            for name, expression in followed(code, values.known).items():
                variable = values.variable(name)
                if variable is None or _owner(variable) != base(synapses.target).name:
                    raise Unclear(f"changes {name}, which is not the target's")
                found.append(FloatProjection(synapses.name, base(synapses.source).name, base(synapses.target).name, variable.name, pre, post,
                                             _weights(synapses, values, name, expression), np.broadcast_to(steps, pre.shape), pathway.name))
        except Unclear as error:
            refusals.add(where, code, str(error), ADDS)
    return found


def drive(source: Any, namespace: Mapping[str, Any], refusals: Refusals) -> Drive | None:
    """A `PoissonInput`."""
    group, text = source._group, f"weight={source.weight}"
    try:
        expression = followed(f"_w = {source.weight if isinstance(source.weight, str) else repr(float(source.weight))}")["_w"]
        constant(expression)
        weight = evaluate(expression, Values(group, namespace), len(group))
        if np.ptp(weight) != 0:
            raise Unclear("differs between neurons")
    except Unclear as error:
        refusals.add(f"PoissonInput {source.name!r}", text, str(error), "one weight for a population would run")
        return None
    start = getattr(group, "start", 0)
    probability = float(source.rate) * float(group.clock.dt_)
    if not 0 <= probability <= 1:
        refusals.add(f"PoissonInput {source.name!r}", f"rate={source.rate}", f"is {probability:g} events a step",
                     "at most one, or a shorter dt, would run")
        return None
    return Drive(start, start + len(group), source.target_var, int(source.N), probability, float(weight[0]))


def poured(drives: list[tuple[str, Drive]], group: str, refusals: Refusals) -> tuple[list[Drive], list[FloatSources], list[FloatProjection]]:
    """Inputs of a group by name: those that its neurons draw by table, one a neuron, and the others as sources of one event each."""
    kept: list[Drive] = []
    sources, projections = [], []
    for name, each in sorted(drives, key=lambda drive: -drive[1].trials):
        if all(each.last <= other.first or other.last <= each.first for other in kept):
            kept.append(each)
            continue
        size = each.last - each.first
        if size * each.trials > MAX_SOURCES:
            refusals.add(f"PoissonInput {name!r}", f"N={each.trials}",
                         f"is another input of {size} neurons, above {MAX_SOURCES} sources for all of them",
                         "one PoissonInput a neuron, and a PoissonGroup for the others, would run")
            continue
        pre = np.arange(size * each.trials)
        sources.append(FloatSources(f"{name}_events", len(pre), np.full(len(pre), each.probability)))
        projections.append(FloatProjection(name, f"{name}_events", group, each.variable, pre, each.first + pre % size,
                                           np.full(len(pre), each.weight), np.ones(len(pre), np.int64)))
    return kept, sources, projections
