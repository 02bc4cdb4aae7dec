"""Brian2's monitors and state variables, filled with what the hardware did."""

from typing import Any

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.translator.importer.between import begins
from spikegate.translator.importer.between_quadratic import begins_quadratic, reached
from spikegate.translator.importer.connections import base
from spikegate.translator.importer.float_network import FloatNetwork, FloatNeurons, FloatQuadratic, Refusals
from spikegate.translator.importer.quantise import Quantised
from spikegate.translator.importer.statements import CHANGING
from spikegate.translator.importer.values import steps_of

__all__ = ["all_spikes", "check", "fill", "spikes_of", "traced", "write_back"]

#: Places in a step where a `StateMonitor` may look: before the update, and after it.
BEFORE = ("before_start", "start", "after_start", "before_groups")
AFTER = ("after_groups", "before_thresholds", "after_thresholds", "before_synapses")


def check(monitor: Any, floats: FloatNetwork, refusals: Refusals) -> None:
    """Refuse a monitor of what hardware does not tell."""
    kind, where = type(monitor).__name__, f"{type(monitor).__name__} {monitor.name!r}"
    group = next((each for each in floats.neurons if each.name == base(monitor.source).name), None)
    if kind == "SpikeMonitor" and (more := monitor.record_variables - {"i", "t"} - {*(group.variables if group else [])}):
        refusals.add(where, f"variables={sorted(more)}", "are read at each spike", f"{', '.join(group.variables) if group else 'none'} would run")
    if kind == "SpikeMonitor" and monitor.record_variables - {"i", "t"} and isinstance(group, FloatQuadratic) and not group.kicked:
        refusals.add(where, f"variables={sorted(monitor.record_variables - {'i', 't'})}", "are read at each spike, after whose reset hardware looks",
                     "a StateMonitor with when='after_thresholds' would run")
    if kind != "StateMonitor":
        return
    if group is None:
        refusals.add(where, "", "watches no NeuronGroup on the hardware", "one of a NeuronGroup that nothing is linked to would run")
        return
    for name in monitor.record_variables:
        variable = monitor.source.variables[name]
        own = type(variable).__name__ == "ArrayVariable" and variable.owner.name == group.name
        fixed = own and name not in CHANGING and name not in group.hidden or name in getattr(group, "told", ()) and monitor.when in BEFORE
        if name not in group.variables and not fixed:
            refusals.add(where, name, "is neither a state of the hardware nor a fixed parameter of the group",
                         f"{', '.join(group.variables)} would run")
    if monitor.when not in BEFORE + AFTER:
        refusals.add(where, f"when={monitor.when!r}", "is a place in a step where hardware does not look", "when='start' would run")
    ratio = float(monitor.clock.dt_) * 1e9 / floats.dt_ns
    if abs(ratio - round(ratio)) > 1e-6 or ratio < 0.5:
        refusals.add(where, f"dt={float(monitor.clock.dt_) * 1e3:g} ms", "is no multiple of the network's", f"{floats.dt_ns / 1e6:g} ms would run")


def traced(monitor: Any) -> bool:
    """Whether a monitor needs the states of every step."""
    kind = type(monitor).__name__
    return kind == "StateMonitor" or (kind == "SpikeMonitor" and bool(monitor.record_variables - {"i", "t"}))


def all_spikes(quantised: Quantised, recording: Recording) -> np.ndarray:
    """Spikes of neurons and inputs, (count, 2): step, and number of the source in the network."""
    network = quantised.network
    given = network.input_events
    return np.concatenate([recording.spikes, given]) if len(given) else recording.spikes


def spikes_of(source: Any, quantised: Quantised, spikes: np.ndarray) -> np.ndarray:
    """Those of a group or a part of one, step and number within it, by step and number."""
    name, first, last = base(source).name, getattr(source, "start", 0), getattr(source, "start", 0) + len(source)
    found, offset = [np.empty((0, 2), np.int64)], quantised.network.n
    places = [(each.place, each.place + each.last - each.first, each.first) for each in quantised.of(name)]
    for each in quantised.network.inputs:
        if each.name == name:
            places.append((offset, offset + each.size, 0))
        offset += each.size
    for low, high, local in places:
        here = spikes[(spikes[:, 1] >= low) & (spikes[:, 1] < high)].astype(np.int64)
        here[:, 1] += local - low
        found.append(here)
    all_of_them = np.concatenate(found)
    inside = all_of_them[(all_of_them[:, 1] >= first) & (all_of_them[:, 1] < last)]
    inside[:, 1] -= first
    ordered: np.ndarray = inside[np.lexsort((inside[:, 1], inside[:, 0]))]
    return ordered


def states_at(network: PointNetwork, recording: Recording, neurons: np.ndarray, population: int, spikes: np.ndarray,
              steps: np.ndarray) -> dict[str, np.ndarray]:
    """What neurons of one population remember when steps begin."""
    quadratic = isinstance(network.populations[population].neuron, IzhikevichNeuron)
    return (begins_quadratic if quadratic else begins)(network, recording, neurons, population, spikes, steps)


def _append(monitor: Any, columns: dict[str, np.ndarray]) -> None:
    """Add rows to a monitor, all columns alike."""
    count, size = len(next(iter(columns.values()))), int(monitor.variables["N"].get_value()[0])
    monitor.resize(size + count)
    for name, values in columns.items():
        monitor.variables[name].get_value()[size:] = values
    monitor.variables["N"].set_value(size + count)


def _spikes(monitor: Any, quantised: Quantised, recording: Recording, spikes: np.ndarray, start: int, dt: float) -> None:
    found = spikes_of(monitor.source, quantised, spikes)
    members = found[:, 1] + getattr(monitor.source, "start", 0)
    values = {name: np.zeros(len(found)) for name in monitor.record_variables - {"i", "t"}}
    for piece in quantised.of(base(monitor.source).name) if values else ():
        here = np.flatnonzero((members >= piece.first) & (members < piece.last))
        assert piece.scaled is not None
        for name, column in values.items():
            at = found[here, 0], members[here] - piece.first + piece.place
            column[here] = piece.scaled.values(name, lambda state, at=at: recording.trace[state][at], members[here])  # type: ignore[misc]
    monitor.variables["count"].get_value()[:] += np.bincount(found[:, 1], minlength=len(monitor.source)).astype(np.int32)
    if monitor.record:
        _append(monitor, {"i": found[:, 1], "t": (found[:, 0] + start) * dt, **values})
    else:
        monitor.variables["N"].get_value()[:] += len(found)


def _rates(monitor: Any, quantised: Quantised, spikes: np.ndarray, start: int, dt: float) -> None:
    steps = quantised.network.steps
    counts = np.bincount(spikes_of(monitor.source, quantised, spikes)[:, 0], minlength=steps)
    _append(monitor, {"rate": counts / (len(monitor.source) * dt), "t": (np.arange(steps) + start) * dt})


def _states(monitor: Any, floats: FloatNetwork, quantised: Quantised, recording: Recording, spikes: np.ndarray, start: int) -> None:
    source, dt = monitor.source, floats.dt_ns * 1e-9
    every = max(1, round(float(monitor.clock.dt_) / dt))
    steps = np.arange(-start % every, quantised.network.steps, every)
    group = next(each for each in floats.neurons if each.name == base(source).name)
    members = np.asarray(monitor.record if not monitor.record_all else np.arange(len(source))) + getattr(source, "start", 0)
    values = {name: np.zeros((len(steps), len(members))) for name in monitor.record_variables}
    for piece in quantised.of(group.name):
        here = np.flatnonzero((members >= piece.first) & (members < piece.last))
        order = here[np.argsort(members[here], kind="stable")]
        if not len(order) or not len(steps):
            continue
        own, back = np.unique(members[order] - piece.first + piece.place, return_inverse=True)
        assert piece.scaled is not None
        if monitor.when in BEFORE:
            raw = states_at(quantised.network, recording, own, piece.number, spikes, steps)
        elif isinstance(piece.scaled.neuron, IzhikevichNeuron):
            raw = reached(quantised.network, recording, own, piece.number, spikes, steps)
        else:
            raw = {name: recording.trace[name][np.ix_(steps, own)] for name in piece.scaled.states.values()}
        for name in values.keys() & piece.scaled.states.keys():
            values[name][:, order] = piece.scaled.values(name, lambda state, raw=raw, back=back: raw[state][:, back], members[order])  # type: ignore[misc]
    for name, rows in values.items():
        if name in getattr(group, "told", ()):
            rows[:] = group.told[name][members][:, steps].T  # type: ignore[union-attr]
        elif name not in group.variables:
            fixed = np.asarray(base(source).variables[name].get_value(), np.float64)
            rows[:] = fixed if fixed.ndim == 0 or fixed.size == 1 else fixed[members]
    _append(monitor, {**values, "t": (steps + start) * dt})


def fill(monitor: Any, floats: FloatNetwork, quantised: Quantised, recording: Recording, spikes: np.ndarray, start: int) -> None:
    """Append a run that began at step ``start`` to a monitor."""
    dt, kind = floats.dt_ns * 1e-9, type(monitor).__name__
    if kind == "SpikeMonitor":
        _spikes(monitor, quantised, recording, spikes, start, dt)
    elif kind == "PopulationRateMonitor":
        _rates(monitor, quantised, spikes, start, dt)
    else:
        _states(monitor, floats, quantised, recording, spikes, start)


def write_back(groups: dict[str, Any], floats: FloatNetwork, quantised: Quantised, recording: Recording, spikes: np.ndarray, start: int) -> None:
    """Give Brian2's groups what its own run would leave: membranes and currents, kicked and reset, the times of the last
    spikes, and which neurons are refractory."""
    network, dt = quantised.network, floats.dt_ns * 1e-9
    for (owner, variable), last in floats.left.items():
        groups[owner].variables[variable].get_value()[:] = last
    for each in floats.neurons:
        group = groups[each.name]
        for piece in quantised.of(each.name):
            assert piece.scaled is not None
            own = np.arange(piece.place, piece.place + piece.last - piece.first)
            raw = states_at(network, recording, own, piece.number, spikes, np.array([network.steps]))
            members = np.arange(piece.first, piece.last)
            for name in piece.scaled.states:
                group.variables[name].get_value()[members] = piece.scaled.values(name, lambda state, raw=raw: raw[state][0], members)  # type: ignore[misc]
        if "lastspike" in group.variables:
            found, last = spikes_of(group, quantised, recording.spikes), group.variables["lastspike"].get_value()
            last[found[:, 1]] = (found[:, 0] + start) * dt  # ascending, so that the last one stays
        if "not_refractory" in group.variables and isinstance(each, FloatNeurons):
            since = steps_of((start + network.steps - 1) * dt - last, dt)
            group.variables["not_refractory"].get_value()[:] = since >= np.maximum(each.refractory, 1)  # refractory in the step of its spike
