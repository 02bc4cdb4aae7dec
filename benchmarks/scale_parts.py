"""What `scale.py` measures: one run, its statistics, networks of several sizes, and the comparison with Brian2's standalone."""

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from point_speed import delayed, events, least, standalone

from spikegate.models.core import point_compiled, point_engine
from spikegate.models.network.drawn import DELAYS, WEIGHTS, Drawn, draw_store, normal_values
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.cuba import CubaParams, cuba
from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit

__all__ = ["compare", "events", "size", "statistics", "timed", "warm"]

#: Neurons of a population whose correlations are looked at, and steps of a bin: 2 ms.
SAMPLE, BIN = 200, 20
#: Inputs of a neuron, of which four in five excite.
INPUTS = 1000


def warm() -> None:
    """Compile what is to be timed."""
    network = microcircuit(MicrocircuitParams(scale=0.003, tables=True), 2.0)
    network.hash  # noqa: B018  # it is kept
    point_compiled.run(network)


def timed(network: PointNetwork, threads: int, progress: Callable[[float], None] | None = None) -> tuple[Recording, float, float]:
    """A recording, seconds of processor time of all threads, and seconds by the clock as they would be if nothing else ran.

    The latter is the mean of the steps of a chunk that took less than three times their median, times the number of all: a step takes less than a
    millisecond, and most are not interrupted.
    """
    network.synapses_in(point_compiled.bounds(network, threads))
    quiet: list[float] = []

    def tell(done: float, stamps: np.ndarray) -> None:
        took = np.diff(stamps)
        quiet.append(float(took[took < 3 * np.median(took)].mean()) * len(stamps) / 1e9 if len(took) else 0.0)
        if progress:
            progress(done)

    start = time.process_time()
    recording = point_compiled.run(network, threads=threads, stamps=tell)
    return recording, time.process_time() - start, sum(quiet)


def _correlation(trains: np.ndarray) -> float:
    """Mean correlation of pairs of counts (bins, neurons), of neurons that spike."""
    live = trains[:, trains.std(axis=0) > 0]
    if live.shape[1] < 2:
        return 0.0
    found = np.corrcoef(live.T)
    return float(found[np.triu_indices(len(found), 1)].mean())


def statistics(network: PointNetwork, recording: Recording, transient: int) -> dict[str, dict[str, float]]:
    """Of each population: mean rate in Hz, mean CV of the intervals of neurons with three or more, and mean correlation of counts in 2 ms;
    0 where there are too few spikes."""
    late = recording.spikes[recording.spikes[:, 0] >= transient]
    seconds, bins = (network.steps - transient) * network.dt_ns * 1e-9, -(-(network.steps - transient) // BIN)
    found = {}
    for here in network.ranges:
        own = late[(late[:, 1] >= here.first) & (late[:, 1] < here.last)]
        own = own[np.lexsort((own[:, 0], own[:, 1]))]
        same = own[1:, 1] == own[:-1, 1]
        neuron, interval = own[1:, 1][same] - here.first, np.diff(own[:, 0])[same].astype(float)
        count = np.bincount(neuron, minlength=here.size)
        total, squares = (np.bincount(neuron, interval**k, here.size) for k in (1, 2))
        enough = count >= 3
        mean = total[enough] / count[enough]
        cv = np.sqrt(np.maximum(squares[enough] / count[enough] - mean**2, 0)) / mean
        trains, sample = np.zeros((bins, SAMPLE)), own[own[:, 1] < here.first + SAMPLE]
        np.add.at(trains, ((sample[:, 0] - transient) // BIN, sample[:, 1] - here.first), 1)
        found[here.name] = {"rate": len(own) / here.size / seconds, "cv": float(cv.mean()) if len(cv) else 0.0,
                            "correlation": _correlation(trains)}
    return found


def _sized(n: int, steps: int) -> PointNetwork:
    """A network of balanced random synapses, 1,000 for each neuron, with normally distributed weights and delays of 1 to 15 steps."""
    delays = (1 + np.arange(DELAYS) * 15 // DELAYS).astype(np.uint8)
    many, rest = round(0.8 * n), n - round(0.8 * n)
    names, sizes, wanted = ("exc", "inh"), (many, rest), {}
    for target, into in zip(names, sizes):
        for source, share, mean, sd in (("exc", 0.8, 26, 5), ("inh", 0.2, -130, 20)):
            wanted[source, target] = Drawn(round(INPUTS * share) * into, np.rint(normal_values(WEIGHTS, mean, sd)).astype(np.int32), delays)
    drive = PortDrive(DriveParams(binomial_limits(INPUTS, 0.002), 26), "v")
    populations = [PointPopulation(name, size, LinearNeuron(Q8_8, 14), np.array([[82, 0, 5120, 2560, 20, 0]]), drive=drive)
                   for name, size in zip(names, sizes)]
    seeds = np.array(LfsrParams().phases(5, n, steps), np.uint64)
    return PointNetwork("sized", populations, draw_store(names, sizes, wanted, 1).projections("v"), [], LfsrParams(), seeds, steps, 100_000)


def size(n: int, ms: float) -> dict[str, Any]:
    """Time and memory of ``n`` neurons."""
    network = _sized(n, round(10 * ms))
    network.__dict__["hash"] = "0" * 64  # not what is measured
    recording, seconds, _ = timed(network, 1)
    carried, synapses, biological = events(network, recording), network.synapses, ms / 1000
    return {"neurons": n, "synapses": len(synapses.packed), "processor_s_a_second": seconds / biological, "events_a_second": carried / biological,
            "ns_an_event": 1e9 * seconds / carried, "bytes": synapses.packed.nbytes + synapses.offsets.nbytes + synapses.base.nbytes,
            "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "spikes": len(recording.spikes)}


def compare(ms: float) -> dict[str, Any]:
    """CUBA in the golden model and in Brian2's standalone; and 10,000 neurons with a delay each, compiled and plain."""
    params = CubaParams()
    network, other = cuba(params, ms), delayed()
    for each in (network, other):
        each.hash  # noqa: B018  # it is kept
        each.synapses  # noqa: B018
    ours, recording = least(lambda: point_compiled.run(network), 3)
    theirs, spikes = standalone(params, ms)
    seconds, fast = least(lambda: point_compiled.run(other), 3)
    slow, plain = least(lambda: point_engine.run(other), 1)
    if not np.array_equal(fast.spikes, plain.spikes):
        raise AssertionError("the compiled model and the plain one differ")
    return {"cuba": {"golden_s": ours, "standalone_s": theirs, "ratio": theirs / ours, "spikes": [len(recording.spikes), spikes]},
            "delays": {"compiled_s": seconds, "plain_s": slow, "ratio": slow / seconds, "ns_an_event": 1e9 * seconds / events(other, fast)}}
