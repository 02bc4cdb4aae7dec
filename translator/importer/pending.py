"""Spikes that are under way when a run ends, and arrive in the next one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spikegate.translator.importer import monitors
from spikegate.translator.importer.float_network import FloatInput, FloatNetwork, FloatProjection
from spikegate.translator.importer.quantise import Quantised

__all__ = ["Recent", "recent", "with_pending"]

Recent = dict[str, np.ndarray]


def recent(floats: FloatNetwork, quantised: Quantised, groups: Mapping[str, Any], spikes: np.ndarray, start: int, before: Recent | None) -> Recent:
    """Spikes that may still be under way, by name of their group: step of the clock, and number in the group."""
    end, found = start + floats.steps, {}
    for name in {each.source for each in floats.projections} & groups.keys():  # others are sources whose events arrive at once
        here = monitors.spikes_of(groups[name], quantised, spikes) + [[start, 0]]
        here = np.concatenate([before[name], here]) if before and name in before else here
        longest = max(int(each.delays.max(initial=0)) for each in floats.projections if each.source == name)
        found[name] = here[here[:, 0] > end - longest]
    return found


def with_pending(floats: FloatNetwork, before: Recent | None, start: int) -> FloatNetwork:
    """The network with an input of the spikes under way from the run before: a channel a spike, all in step 0, with what is left of the delays.

    What arrives in step 0 itself has been added to the states at the end of that run.
    """
    inputs, projections = list(floats.inputs), list(floats.projections)
    for each in floats.projections:
        late = (before or {}).get(each.source)
        if late is None or not len(late):
            continue
        order = np.argsort(each.pre, kind="stable")
        bounds = np.searchsorted(each.pre[order], np.arange(int(late[:, 1].max()) + 2))
        counts = bounds[late[:, 1] + 1] - bounds[late[:, 1]]
        channel = np.repeat(np.arange(len(late)), counts)
        synapse = order[np.repeat(bounds[late[:, 1]], counts) + np.arange(len(channel)) - np.repeat(np.cumsum(counts) - counts, counts)]
        left = each.delays[synapse] - (start - late[channel, 0])
        synapse, channel, left = synapse[left >= 1], channel[left >= 1], left[left >= 1]
        if not len(synapse):
            continue
        name = f"under_way_{len(projections)}"
        inputs.append(FloatInput(name, len(late), np.zeros(len(late), np.int64), np.arange(len(late))))
        projections.append(FloatProjection(each.name, name, each.target, each.variable, channel, each.post[synapse], each.weights[synapse], left))
    return replace(floats, inputs=inputs, projections=projections)
