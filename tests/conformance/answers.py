"""Answers of docs/conformance.md, made of recordings with a trace of every step: lines of spikes and states, and the generators at the end."""

from typing import Any

import numpy as np

from spikegate.models.core import engine, point_engine, stream_engine
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["answer", "golden", "states"]


def states(network: Network | PointNetwork) -> list[list[str]]:
    """Names of the states of each neuron, in the order of its file."""
    if isinstance(network, Network):
        return [["v", "hold", "overflow"]] * network.n
    return [[*each.neuron.state] for each in network.populations for _ in range(each.size)]


def answer(network: Network | PointNetwork, recording: Recording) -> str:
    """What an engine prints for a network; without the last line where the recording, of hardware, has no generators."""
    steps, columns = network.steps, [np.asarray(recording.trace[name])[:, i] for i, names in enumerate(states(network)) for name in names]
    table = np.stack(columns, axis=1) if columns else np.zeros((steps, 0), int)
    fired: list[list[Any]] = [[] for _ in range(steps)]
    for step, neuron in recording.spikes.tolist():
        fired[step].append(neuron)
    lines = [" ".join(map(str, row)) for t in range(steps) for row in (["spikes", *fired[t]], ["states", *table[t].tolist()])]
    if "lfsr" in recording.final:
        lines.append(" ".join(map(str, ["generators", *recording.final["lfsr"].tolist()])))
    return "\n".join(lines) + "\n"


def golden(network: Network | PointNetwork) -> Recording:
    """The recording of the golden model, with everything that is in an answer."""
    kind = point_engine if isinstance(network, PointNetwork) else stream_engine if network.streams else engine
    return kind.run(network, trace=True)  # type: ignore[arg-type]  # each takes its own
