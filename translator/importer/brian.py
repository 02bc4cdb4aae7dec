"""A network of Brian2's objects as one in floats, or everything that stands in the way."""

from collections.abc import Mapping
from typing import Any

from spikegate.translator.importer import connections, foreseen, groups
from spikegate.translator.importer import sources as spiking
from spikegate.translator.importer.chained import across_currents
from spikegate.translator.importer.float_network import FloatInput, FloatNetwork, FloatNeurons, FloatQuadratic, FloatSources, Refusals
from spikegate.translator.importer.float_parts import Changing
from spikegate.translator.importer.hosted import linked_series, linked_to
from spikegate.translator.importer.quadratic import paired
from spikegate.translator.importer.regular import regular
from spikegate.translator.importer.signals import Clocked
from spikegate.translator.importer.statements import Unclear
from spikegate.translator.importer.values import Values

__all__ = ["clock_of", "float_network"]

#: What runs, and what is part of these.
READ = ("NeuronGroup", "PoissonGroup", "SpikeGeneratorGroup", "Synapses", "PoissonInput", "SpikeMonitor", "StateMonitor", "PopulationRateMonitor",
        "Subgroup")
PARTS = ("StateUpdater", "Thresholder", "Resetter", "SynapticPathway")
#: What does not run, with the nearest thing that would.
FIXES = {
    "NetworkOperation": "parameters that are set before the run, or between two runs, would run; or, on the device, one with a dt of several steps",
    "SummedVariableUpdater": connections.ADDS,
    "SubexpressionUpdater": "an expression that is not (constant over dt) would run",
    "EventMonitor": "a SpikeMonitor would run",
    "SpatialNeuron": "a NeuronGroup of point neurons would run",
}


def clock_of(objects: list[Any]) -> Any:
    """The clock of the neurons, as monitors may have their own; None where there are only monitors."""
    return next((each.clock for each in objects if not type(each).__name__.endswith(("Monitor", "NetworkOperation"))), None)


def _dt_ns(objects: list[Any], refusals: Refusals) -> int:
    """The step that all objects but monitors have."""
    clocks = {float(each.clock.dt_): each for each in objects if not type(each).__name__.endswith("Monitor")}
    if len(clocks) > 1:
        steps = ", ".join(f"{dt * 1e3:g} ms ({each.name})" for dt, each in sorted(clocks.items(), key=lambda item: item[0]))
        refusals.add("Network", "", f"has several clocks: {steps}", "one dt for all would run")
    dt = min(clocks)
    ns = round(dt * 1e9)
    if abs(ns - dt * 1e9) > 1e-6 or ns < 1:
        refusals.add("Network", f"dt = {dt * 1e3:g} ms", "is no whole number of nanoseconds", "a rounded one would run")
    return max(ns, 1)


def _check(network: Any, objects: list[Any], refusals: Refusals) -> None:
    schedule = ["start", "groups", "thresholds", "synapses", "resets", "end"]
    if [each for each in network.schedule if not each.startswith(("before_", "after_"))] != schedule:
        refusals.add("Network", f"schedule = {network.schedule}", "is another order of a step", f"Brian2's default, {schedule}, would run")
    slots = {"NeuronGroup": "start", "Synapses": "start", "StateUpdater": "groups", "Thresholder": "thresholds", "Resetter": "resets",
             "SynapticPathway": "synapses", "PoissonInput": "synapses", "SpikeGeneratorGroup": "thresholds", "SpikeMonitor": "thresholds"}
    for each in objects:
        kind = type(each).__name__
        if kind == "CodeRunner":
            continue
        if kind not in READ + PARTS:
            refusals.add(f"{kind} {each.name!r}", "", "is nothing that hardware has", FIXES.get(kind, "leave it out"))
        elif each.when != slots.get(kind, each.when):
            refusals.add(f"{kind} {each.name!r}", f"when={each.when!r}", "is another place in a step", f"when={slots[kind]!r} would run")
        elif not each.active:
            refusals.add(f"{kind} {each.name!r}", "", "is not active", "leave it out of the network")
        elif kind == "Synapses" and not each._connect_called and not len(each):
            refusals.add(f"{kind} {each.name!r}", "", "has no synapses, as connect was not called", "call connect, or leave it out of the network")


def _written(objects: dict[str, list[Any]]) -> set[tuple[str, str]]:
    """Group and variable of everything that synapses and inputs add to."""
    found: set[tuple[str, str]] = set()
    for synapses in objects["Synapses"]:
        found |= connections.written(synapses)
    for source in objects["PoissonInput"]:
        found.add((connections.base(source._group).name, source.target_var))
    return found


def _changing(moving: Mapping[Any, Any], known: set[str], namespace: Mapping[str, Any], changes: set[tuple[str, str]], start: int,
              refusals: Refusals) -> list[Changing]:
    """Synapses that change, where all spikes of their source are known; others are refused as synapses that do more than add."""
    found = []
    for synapses, pathway in moving.items():
        names = connections.base(synapses.source).name, connections.base(synapses.target).name
        if names[0] not in known:
            connections.projections(synapses, namespace, changes, refusals)
        elif start:
            refusals.add(f"Synapses {synapses.name!r}", pathway.code, "changes with each spike, and this run is not the first", "one run would run")
        else:
            try:
                found.append(foreseen.changing(synapses, pathway, Values(synapses, namespace, changes), connections.steps_later(synapses, pathway),
                                               names))
            except Unclear as error:
                refusals.add(f"Synapses {synapses.name!r}", pathway.code, str(error), connections.ADDS)
    return found


def float_network(network: Any, everything: list[Any], namespace: Mapping[str, Any], steps: int, start: int = 0,
                  refusals: Refusals | None = None) -> FloatNetwork:
    """Read a network.

    Parameters
    ----------
    network : brian2.Network
    everything : list
        Its objects, in the order of a step, as far as hardware is to have them.
    namespace : Mapping
        What names outside the model stand for.
    steps : int
        Length of the run.
    start : int
        Step of the clock at which it begins.
    refusals : Refusals, optional
        What is in the way already.

    Raises
    ------
    InputError
        With everything that cannot be carried over, a line each: object, the user's line, reason, and what would run.
    """
    refusals = refusals or Refusals()
    dt_ns = _dt_ns(everything, refusals)
    _check(network, everything, refusals)
    objects = {kind: [each for each in everything if type(each).__name__ == kind] for kind in READ}
    written = _written(objects)
    shaken = regular([each for each in everything if type(each).__name__ == "CodeRunner"], namespace, refusals)
    changing = written | {(group, name) for group, each in shaken.items() for name in each}
    changing |= {(each.name, name) for each in objects["NeuronGroup"] for name in each.equations.diff_eq_names}
    drives: dict[str, list[Any]] = {}
    for source in objects["PoissonInput"]:
        drive = connections.drive(source, namespace, refusals)
        if drive is not None:
            drives.setdefault(connections.base(source._group).name, []).append((source.name, drive))
    sources: list[FloatSources] = []
    inputs = [given for group in objects["SpikeGeneratorGroup"] if (given := spiking.generator(group, start, steps, refusals)) is not None]
    moving = {each: pathway for each in objects["Synapses"] if len(each) and (pathway := connections.changing_pathway(each)) is not None}
    projections = [found for each in objects["Synapses"] if len(each) and each not in moving
                   for found in connections.projections(each, namespace, changing, refusals)]
    neurons, clocked = [], Clocked(dt_ns * 1e-9, start, steps)
    by_name = {each.name: each for each in objects["NeuronGroup"]}
    links = {name: linked_to(each, by_name) for name, each in by_name.items()}
    hosted = {}
    for owner in sorted({owner for each in links.values() for owner, variable in each.values() if (owner, variable) in changing} - {*shaken}):
        if (worked := groups.by_host(by_name[owner], namespace, clocked, (written, changing))) is not None:
            hosted[owner] = worked, by_name[owner]
    for group in (each for each in objects["NeuronGroup"] if each.name not in hosted):
        series = linked_series(group, links[group.name], hosted)
        found = groups.neurons(group, namespace, clocked, (written, changing), shaken.get(group.name, {}), refusals, series)
        if found is not None:
            kept, events, arriving = connections.poured(drives.get(group.name, []), group.name, refusals)
            found.drives.extend(kept)
            sources, projections = sources + events, projections + arriving
            if isinstance(found, FloatNeurons):
                projections = across_currents(projections, found, refusals)
            if isinstance(found, FloatQuadratic):
                projections = paired(projections, found, start, refusals)
            neurons.append(found)
    drawn_steps = 0 if refusals.lines else steps  # nothing is drawn for what does not run
    made = [each for group in objects["PoissonGroup"] if (each := spiking.poisson(group, namespace, start, drawn_steps, refusals)) is not None]
    sources = [each for each in made if isinstance(each, FloatSources)] + sources
    inputs += [each for each in made if isinstance(each, FloatInput)]
    still = {each.name for each in neurons if isinstance(each, FloatNeurons) and not (each.noise.any() or each.drives)}
    still -= {owner for owner, _ in written}
    changed = _changing(moving, {*still, *(each.name for each in inputs)}, namespace, changing, start, refusals)
    if not neurons and not refusals.lines:
        refusals.add("Network", "", "has no NeuronGroup", "a group of neurons would run")
    refusals.raise_any()
    left = {(owner, name): values[:, -1] for owner, (each, _) in hosted.items() for name, values in each.values.items()}
    linear = [each for each in neurons if isinstance(each, FloatNeurons)]
    left |= {(each.name, name): values[:, -1] for each in linear for name, values in each.told.items() if name in each.hidden}
    drawn = any([each.drawn for each in inputs] + [each.drawn for each in linear] + [each.drawn for each, _ in hosted.values()])
    return FloatNetwork(network.name, steps, dt_ns, neurons, sources, inputs, projections, left, drawn, changed)

