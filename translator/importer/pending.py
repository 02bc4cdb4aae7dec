"""Spikes that are under way when a run ends, and arrive in the next one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from spikegate.translator.importer import monitors
from spikegate.translator.importer.float_network import FloatInput, FloatNetwork, FloatProjection
from spikegate.translator.importer.quantise import Quantised

__all__ = ["Recent", "recent", "with_pending"]


class _Late(NamedTuple):
    """Spikes under way through one pathway, as Brian2's queue has them: whatever its delays become, they arrive when they were to."""

    synapse: np.ndarray  #: of each, its number among the synapses
    left: np.ndarray  #: steps from the end of the run to the one that it arrives in, from 1 on
    dt_ns: int  #: of these steps


#: By name of the pathway.
Recent = dict[str, _Late]


def recent(floats: FloatNetwork, quantised: Quantised, groups: Mapping[str, Any], spikes: np.ndarray, before: Recent) -> Recent:
    """Spikes that are under way at the end of a run; ``before`` has those at its beginning."""
    found = dict(before)
    for each in {each.pathway: each for each in floats.projections if each.pathway}.values():
        here = monitors.spikes_of(groups[each.source], quantised, spikes)
        here = here[here[:, 0] > floats.steps - int(each.delays.max(initial=0))]
        order = np.argsort(each.pre, kind="stable")
        bounds = np.searchsorted(each.pre[order], np.arange(int(here[:, 1].max(initial=-1)) + 2))
        counts = bounds[here[:, 1] + 1] - bounds[here[:, 1]]
        spike = np.repeat(np.arange(len(here)), counts)
        synapse = order[np.repeat(bounds[here[:, 1]], counts) + np.arange(len(spike)) - np.repeat(np.cumsum(counts) - counts, counts)]
        left = each.delays[synapse] - (floats.steps - here[spike, 0])
        if each.pathway in before:
            late = _in_steps(before[each.pathway], floats.dt_ns)
            synapse, left = np.concatenate([late.synapse, synapse]), np.concatenate([late.left - floats.steps, left])
        found[each.pathway] = _Late(synapse[left >= 1], left[left >= 1], floats.dt_ns)
    return found


def _in_steps(late: _Late, dt_ns: int) -> _Late:
    """The same in steps of another length, rounded as Brian2's queue does it, whose row 0 is the first step."""
    return late._replace(left=np.floor((late.left - 1) * (late.dt_ns / dt_ns) + 0.5).astype(np.int64) + 1, dt_ns=dt_ns)


def with_pending(floats: FloatNetwork, before: Recent) -> FloatNetwork:
    """The network with an input of the spikes under way from the run before: a channel a neuron, all in step 0, with the delays that are left.

    What arrives in step 0 itself has been added to the states at the end of that run.
    """
    inputs, projections = list(floats.inputs), list(floats.projections)
    for each in floats.projections:
        if each.pathway not in before or not len(before[each.pathway].left):
            continue
        synapse, left, _ = _in_steps(before[each.pathway], floats.dt_ns)
        sources, channel = np.unique(each.pre[synapse], return_inverse=True)
        name = f"under_way_{len(projections)}"
        inputs.append(FloatInput(name, len(sources), np.zeros(len(sources), np.int64), np.arange(len(sources))))
        projections.append(FloatProjection(each.name, name, each.target, each.variable, channel, each.post[synapse], each.weights[synapse], left))
    return replace(floats, inputs=inputs, projections=projections)
