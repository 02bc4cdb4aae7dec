"""Brian2's own floats with the parameters, weights and external events that the integers hold: what quantisation alone makes of a script."""

import gc
from dataclasses import dataclass

import numpy as np

from spikegate.models.network.engine import Agreement, Engine, Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.translator.brian_engines import codegen_for
from spikegate.translator.point_brian import point_problems, run_point
from spikegate.translator.point_draws import draws

__all__ = ["Realised"]


def _held(network: PointNetwork, spikes: np.ndarray) -> dict[str, np.ndarray]:
    """``fired`` and ``hold`` after each step, int64 (steps, n), as the spikes say them; Brian2 has no such variables."""
    fired = np.zeros((network.steps, network.n), np.int64)
    fired[spikes[:, 0], spikes[:, 1]] = 1
    steps = np.arange(network.steps)[:, None]
    since = steps - np.maximum.accumulate(np.where(fired == 1, steps, -(1 << 40)), axis=0)
    hold = np.zeros_like(fired)
    for each, first in zip(network.populations, network.firsts):
        if "refractory" in each.table:
            here = slice(first, first + each.size)
            begun = np.asarray(each.initial["hold"], np.int64) - steps - 1
            spiked = each.table["refractory"][each.index] - since[:, here]
            hold[:, here] = np.maximum(np.where(since[:, here] < 1 << 30, spiked, begun), 0)
    return {"fired": fired, "hold": hold}


@dataclass(frozen=True)
class Realised(Engine[PointNetwork]):
    """As an engine of the device: nothing is rounded within a run; what is recorded, and left for the next run, is a whole number of raw steps.

    ``codegen`` is how Brian2 makes its code, compiled for long runs if None.
    """

    codegen: str | None = None

    name, title, agreement = "realised", "Brian2 float, as realised", Agreement.STATISTICAL

    def unsupported(self, network: PointNetwork) -> list[str]:
        return point_problems(network, exact=False)

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        found = run_point(network, trace=trace, progress=progress, codegen=self.codegen or codegen_for(network), exact=False)
        gc.collect()  # Brian2's run takes in every object that is still there
        final, traces = ({name: np.rint(values).astype(np.int64) for name, values in each.items()} for each in (found.final, found.trace))
        if trace:
            traces |= _held(network, found.spikes)
            if any(each.drive is not None for each in network.populations):
                traces["events"] = np.stack([row for row, _ in draws(network)])
        return Recording(self.name, network.n, network.steps, found.spikes, final, traces, provenance=found.provenance, dt_ns=network.dt_ns)
