"""Synapses that change with the time, or with each spike that passes them, from neurons of which all spikes are known before a run.

Such are recorded spikes, those that the host draws, and those of neurons that nothing reaches and nothing random moves, which the golden model tells.
The host follows the variables of each synapse through these spikes, as Brian2's own code says, and what arrives is an input of recorded spikes, each
with a weight of its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spikegate.models.core.point_golden import PointGolden
from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import Rounding
from spikegate.translator.importer.float_network import FloatInput, FloatNetwork, FloatNeurons, FloatProjection
from spikegate.translator.importer.float_parts import Changing
from spikegate.translator.importer.formats import Choice
from spikegate.translator.importer.quantise import quantise
from spikegate.translator.importer.statements import Unclear, constant, followed, symbol
from spikegate.translator.importer.values import Values

__all__ = ["MAX_EVENTS", "changing", "foreseen"]

#: Spikes that arrive through such synapses in a run.
MAX_EVENTS = 1_000_000


def changing(synapses: Any, pathway: Any, values: Values, steps: np.ndarray, names: tuple[str, str]) -> Changing:
    """One pathway, from and to groups of these names, whose synapses have variables of their own that spikes of the source and the time alone change.

    Raises
    ------
    Unclear
        If anything else is in what they add or become.
    """
    pathway.update_abstract_code()
    after = followed(pathway.abstract_code, values.known)
    own, adds = {}, {}
    for name, expression in after.items():
        if (variable := values.variable(name)) is None:
            continue  # a name within the code alone
        owner = getattr(variable.owner, "name", "")
        constant(expression, {"t"})
        if owner == synapses.name and not variable.scalar:
            own[name] = expression
        elif owner == names[1]:
            adds[variable.name] = expression - symbol(name)
        else:
            raise Unclear(f"changes {name}, which is not the target's")
    others = sorted({str(each) for expression in (*own.values(), *adds.values()) for each in expression.free_symbols} - {*own, "t"})
    size = len(synapses)
    first = {name: np.array(np.broadcast_to(np.asarray(values.variable(name).get_value(), np.float64), (size,))) for name in own}
    fixed = {name: np.broadcast_to(np.asarray(values[name], np.float64), (size,)) for name in others}
    pre, post = (np.asarray(synapses.variables[each].get_value(), np.int64) for each in ("_synaptic_pre", "_synaptic_post"))
    return Changing(synapses.name, *names, pre, post, np.broadcast_to(steps, pre.shape), own, adds, first, fixed)


def _spikes(network: FloatNetwork, source: str, choice: Choice) -> tuple[np.ndarray, np.ndarray]:
    """Steps and numbers of all spikes of a group in a run."""
    for given in network.inputs:
        if given.name == source:
            return given.steps, given.channels
    if choice.rounding == Rounding.STOCHASTIC:
        raise InputError(f"NeuronGroup {source!r}: its spikes are at random with stochastic rounding, and its synapses change with them; "
                         "nearest would run")
    group = next(each for each in network.neurons if each.name == source)
    alone = quantise(FloatNetwork(source, network.steps, network.dt_ns, [group], [], [], []), choice)
    spikes = PointGolden().run(alone.network).spikes
    return spikes[:, 0].astype(np.int64), spikes[:, 1].astype(np.int64)


def _arriving(each: Changing, spikes: tuple[np.ndarray, np.ndarray], steps: int,
              dt: float) -> tuple[np.ndarray, np.ndarray, Mapping[str, np.ndarray]]:
    """Step and synapse of each arrival in a run, and what it adds, by variable; what the synapses have become is in ``each.first``."""
    import sympy

    when, which = spikes
    order = np.argsort(each.pre, kind="stable")
    bounds = np.searchsorted(each.pre[order], np.arange(int(which.max(initial=-1)) + 2))
    counts = bounds[which + 1] - bounds[which]
    if counts.sum() > MAX_EVENTS:
        raise InputError(f"Synapses {each.name!r}: {counts.sum()} spikes arrive through synapses that change, above {MAX_EVENTS}; "
                         "a shorter run would run")
    spike = np.repeat(np.arange(len(when)), counts)
    synapse = order[bounds[which[spike]] + np.arange(len(spike)) - np.repeat(np.cumsum(counts) - counts, counts)]
    at = when[spike] + each.delays[synapse] - 1
    inside = np.flatnonzero(at < steps)
    inside = inside[np.argsort(at[inside], kind="stable")]
    at, synapse = at[inside], synapse[inside]
    names, fixed = list(each.own), list(each.fixed)
    call = sympy.lambdify([symbol("t"), *map(symbol, names), *map(symbol, fixed)], [*each.own.values(), *each.adds.values()], "numpy")
    added = {name: np.zeros(len(at)) for name in each.adds}
    for low, high in zip(starts := np.flatnonzero(np.diff(at, prepend=-1)), [*starts[1:], len(at)]):
        here = synapse[low:high]
        found = call(at[low] * dt, *(each.first[name][here] for name in names), *(each.fixed[name][here] for name in fixed))
        for name, value in zip(names, found):
            each.first[name][here] = value
        for name, value in zip(added, found[len(names):]):
            added[name][low:high] = value
    return at, synapse, added


def foreseen(network: FloatNetwork, choice: Choice) -> FloatNetwork:
    """The network with what arrives through its changing synapses as inputs of recorded spikes.

    Parameters
    ----------
    network : FloatNetwork
    choice : Choice
        Formats, of which the spikes of neurons depend.

    Raises
    ------
    InputError
        If too many spikes arrive, or those of neurons cannot be known.
    """
    inputs, projections, left = list(network.inputs), list(network.projections), dict(network.left)
    groups = {each.name: each for each in network.neurons if isinstance(each, FloatNeurons)}
    for each in network.changing:
        at, synapse, added = _arriving(each, _spikes(network, each.source, choice), network.steps, network.dt_ns * 1e-9)
        name, channel = f"{each.name}_arriving", np.arange(len(at))
        drawn = any(given.drawn for given in network.inputs if given.name == each.source) or each.source in groups and groups[each.source].drawn
        inputs.append(FloatInput(name, max(1, len(at)), at, channel, drawn))
        ones = np.ones(len(at), np.int64)
        projections += [FloatProjection(each.name, name, each.target, variable, channel, each.post[synapse], weights, ones)
                        for variable, weights in added.items()]
        left |= {(each.name, variable): values for variable, values in each.first.items()}
    return replace(network, inputs=inputs, projections=projections, left=left)
