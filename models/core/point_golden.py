"""The golden model of point networks as an engine, sound or with a deliberate defect as a negative control."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikegate.models.core import point_compiled, point_engine
from spikegate.models.core.golden import WRONG_TAPS
from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement, Engine, Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.network.projection import Projection
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Rounding
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["POINT_DEFECTS", "PointGolden"]

#: Deliberate defects, and what each does; the first five are those of other networks, too.
POINT_DEFECTS = {"rounding": "rounds products towards minus infinity, or to nearest if it did so already",
                 "threshold": "raises every threshold, or peak, by a sixteenth of its distance from the reset",
                 "tap": "moves two taps of the random generator",
                 "leak": "leaks, or recovers, twice as much", "delay": "delivers every spike in the next step, or one step late if that is right",
                 "weight": "exchanges the weights of two synapses that differ"}


def _population(each: PointPopulation, defect: str) -> PointPopulation:
    if isinstance(each.neuron, BernoulliNeuron):
        return each
    neuron, sets = each.neuron, each.sets.copy()
    columns = [column.name for column in neuron.columns]
    if defect == "rounding":
        neuron = replace(neuron, rounding=Rounding.NEAREST if neuron.rounding == Rounding.FLOOR else Rounding.FLOOR)
    leak, threshold, reset = ("leak", "threshold", "reset") if isinstance(neuron, LinearNeuron) else ("a", "peak", "c")
    for kind, name in (("leak", leak), ("threshold", threshold)):
        if defect == kind:
            at = columns.index(name)
            more = sets[:, at] if kind == "leak" else np.maximum(1, np.abs(sets[:, at] - sets[:, columns.index(reset)]) // 16)
            sets[:, at] = np.minimum(sets[:, at] + more, neuron.columns[at].most)
    return replace(each, neuron=neuron, sets=sets)


def _swapped(projections: tuple[Projection, ...]) -> list[Projection]:
    """The first two synapses of a projection with different weights exchange them."""
    found = list(projections)
    for k, each in enumerate(found):
        other = np.flatnonzero(each.weights != each.weights[:1])
        if len(other):
            weights = each.weights.copy()
            weights[0], weights[other[0]] = each.weights[other[0]], each.weights[0]
            rows = np.repeat(np.arange(len(each.indptr) - 1), np.diff(each.indptr.astype(np.int64)))
            found[k] = Projection.of(each.source, each.target, each.port, len(each.indptr) - 1, (rows, each.indices), weights, each.delays)
            return found
    raise InputError("Defect weight needs two synapses of different weights in a projection, and no projection has them; choose another defect")


def _with_defect(network: PointNetwork, defect: str) -> PointNetwork:
    changes: dict[str, Any] = {}
    if defect in ("rounding", "leak", "threshold"):
        changes["populations"] = [_population(each, defect) for each in network.populations]
    elif defect == "tap":
        changes["lfsr"] = LfsrParams(64, WRONG_TAPS, network.lfsr.leap)
    elif defect == "weight":
        changes["projections"] = _swapped(network.listed)
    else:
        delay = 2 if all(np.all(each.delays == 1) for each in network.listed) else 1
        rows = [(each, np.repeat(np.arange(len(each.indptr) - 1), np.diff(each.indptr.astype(np.int64)))) for each in network.listed]
        changes["projections"] = [Projection.of(each.source, each.target, each.port, len(each.indptr) - 1, (row, each.indices), each.weights, delay)
                                  for each, row in rows]
    return network.replace(**changes)


@dataclass(frozen=True)
class PointGolden(Engine[PointNetwork]):
    """The golden model.

    Parameters
    ----------
    defect : str, optional
        One of `POINT_DEFECTS`; the recording still bears the network's own hash, and every comparison has to reject it.
    threads : int
        1..64, for what `point_compiled` can run; the recording is the same.
    plain : bool
        Run the model as it is written in Python even where its steps can be made by compiled C; the recording is the same, and takes longer.

    Raises
    ------
    InputError
        For another defect, or so many threads.
    """

    defect: str | None = None
    threads: int = 1
    plain: bool = False

    name, title, agreement = "golden", "golden", Agreement.BIT_TRUE

    def __post_init__(self) -> None:
        if self.defect not in (None, *POINT_DEFECTS):
            raise InputError(f"Defect must be one of {', '.join(POINT_DEFECTS)}, not {self.defect!r}")
        if not 1 <= self.threads <= point_compiled.MAX_THREADS:
            raise InputError(f"Threads must be in 1..{point_compiled.MAX_THREADS}, not {self.threads}")

    def unsupported(self, network: PointNetwork) -> list[str]:
        try:
            if self.defect is not None:
                _with_defect(network, self.defect)
        except InputError as error:
            return [str(error)]
        return []

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        ran = network if self.defect is None else _with_defect(network, self.defect)
        point_engine.require_point_network(ran)
        if self.plain or trace or point_compiled.reasons(ran):
            recording = point_engine.run(ran, trace=trace, progress=progress)
        else:
            recording = point_compiled.run(ran, threads=self.threads, progress=progress)
        if self.defect is None:
            return recording
        return replace(recording, provenance={**recording.provenance, "network": network.hash, "defect": self.defect})
