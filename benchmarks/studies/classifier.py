"""The digits classifier as hardware: its NIR graph with an input that clears all membranes, frozen in formats of any width, and run on all images."""

from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.core import point_engine
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.nir.cells import Discretisation
from spikegate.translator.nir.formats import Formats
from spikegate.translator.nir.freeze import from_nir
from spikegate.translator.nir.imported import Imported
from spikegate.translator.nir.reading import read
from studies.digits import STEPS, Digits

__all__ = ["CLEARS", "GRAPH", "accuracy", "batch", "best", "float_spikes", "frozen", "graph", "images_of", "with_clear"]

GRAPH = Path(__file__).parents[2] / "docs" / "examples" / "digits.nir"
#: Channels that spike together behind each image, a threshold's worth each: every membrane then reaches its threshold, and is reset to 0.
CLEARS = 64
#: Training images by which the format of a width is chosen.
CHOSEN_BY = 300


def with_clear(graph: Any) -> tuple[Any, str]:
    """The graph with an Input ``clear`` on every LIF, and the name of its own Input."""
    import nir
    nodes, edges = dict(graph.nodes), list(graph.edges)
    nodes["clear"] = nir.Input(input_type={"input": np.array([CLEARS])})
    for name, node in graph.nodes.items():
        if isinstance(node, nir.LIF):
            threshold = np.asarray(node.v_threshold, np.float64)
            fraction = 1e-4 * np.asarray(node.r, np.float64) / np.asarray(node.tau, np.float64)
            nodes[f"clear_{name}"] = nir.Linear(weight=np.repeat((threshold / fraction)[:, None], CLEARS, axis=1))
            edges += [("clear", f"clear_{name}"), (f"clear_{name}", name)]
    own = next(name for name, node in graph.nodes.items() if isinstance(node, nir.Input))
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False), own


def batch(spikes: np.ndarray, own: str) -> dict[str, np.ndarray]:
    """Images one behind the other, and behind each a step in which all membranes are cleared."""
    count = len(spikes)
    shown = np.zeros((count, STEPS + 1, spikes.shape[2]), bool)
    shown[:, :STEPS] = spikes
    clear = np.zeros((count, STEPS + 1, CLEARS), bool)
    clear[:, STEPS] = True
    return {own: shown.reshape(-1, spikes.shape[2]), "clear": clear.reshape(-1, CLEARS)}


def frozen(graph: Any, spikes: np.ndarray, q: QFormat | None) -> Imported:
    """The classifier with images as its inputs, in one format or in those of its own numbers."""
    cleared, own = with_clear(graph)
    return from_nir(cleared, inputs=batch(spikes, own), formats=None if q is None else Formats(q))


def images_of(found: Imported, recording: Recording) -> np.ndarray:
    """Output spikes of each image, bool (images, steps, 10).

    Raises
    ------
    InputError
        If a neuron was not cleared behind an image: the next one would then begin with what was left.
    """
    lag, images = max(found.lag.values()), found.steps // (STEPS + 1)
    firsts = dict(zip((each.name for each in found.network.populations), found.network.firsts))
    for each in found.network.populations:
        late = lag if firsts[each.name] else lag - 1  # the first layer is a step ahead of the second
        mine = (recording.spikes[:, 1] >= firsts[each.name]) & (recording.spikes[:, 1] < firsts[each.name] + each.size)
        if np.count_nonzero((recording.spikes[mine, 0] - late) % (STEPS + 1) == STEPS) != images * each.size:
            raise InputError(f"Neurons of {each.name!r} are not all cleared behind each image; use more than {CLEARS} channels")
    spikes = found.spikes(recording)
    shown: np.ndarray = spikes.reshape(images, STEPS + 1, -1)[:, :STEPS]
    return shown


def accuracy(spikes: np.ndarray, data: Digits, chosen: np.ndarray) -> float:
    """Share of the chosen images whose own neuron spikes most; the first of those that spike as often."""
    return float((spikes.sum(1).argmax(1) == data.labels)[chosen].mean())


def best(graph: Any, data: Digits, width: int) -> QFormat:
    """Of the formats of a width that hold the weights, the one that does best on some of the training images."""
    few = np.flatnonzero(~data.held_out)[:CHOSEN_BY]
    some, tried = Digits(data.spikes[few], data.labels[few], data.held_out[few]), []
    for whole in range(2, min(6, width)):
        q = QFormat(width, width - whole)
        try:
            found = frozen(graph, some.spikes, q)
        except InputError:
            continue
        tried.append((accuracy(images_of(found, point_engine.run(found.network)), some, ~some.held_out), q))
    if not tried:
        raise InputError(f"No format of {width} bits holds the weights; use more")
    return max(tried, key=lambda each: each[0])[1]


def float_spikes(graph: Any, spikes: np.ndarray) -> np.ndarray:
    """Output spikes of each image by NIR's equations in floats, in Euler's forward steps: the graph is a chain of matrices and LIF."""
    follows = dict(graph.edges)
    name = next(name for name, node in graph.nodes.items() if type(node).__name__ == "Input")
    how, chain = Discretisation(1e-4), []
    while (name := follows[name]) and type(graph.nodes[name]).__name__ != "Output":
        chain.append(graph.nodes[name])
    states = [np.zeros((len(spikes), np.size(node.v_threshold))) if type(node).__name__ == "LIF" else None for node in chain]
    given = []
    for step in range(spikes.shape[1]):
        value = spikes[:, step].astype(np.float64)
        for k, node in enumerate(chain):
            v = states[k]
            if v is None:
                value = value @ np.asarray(node.weight, np.float64).T + np.asarray(node.bias, np.float64)
                continue
            v = v + how.fraction(np.asarray(node.tau, np.float64)) * (node.v_leak - v + node.r * value)
            value = (v > node.v_threshold).astype(np.float64)
            states[k] = np.where(value > 0, node.v_reset, v)
        given.append(value > 0)
    return np.stack(given, axis=1)


def graph() -> Any:
    """The trained classifier."""
    return read(GRAPH)
