"""Speed of the golden model of point networks, side by side in one run with Brian2's C++ standalone: ``benchmarks/point_speed.py``.

    cuba     Vogels & Abbott's network with exponential currents: golden model, and the same equations in Brian2, one thread each
    delays   10,000 neurons, 1,000 inputs each, a weight and a delay of 1 to 15 steps for each synapse: nanoseconds an event

Times are of the simulation alone, processor time, the least of ``--repeats``; building, compiling and loading are left out on both sides.
"""

import argparse
import time
from collections.abc import Callable
from fractions import Fraction
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from spikegate.models.core import point_engine
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.cuba import CubaParams, cuba

__all__ = ["delayed", "events", "main"]


def least(run: Callable[[], Recording], repeats: int) -> tuple[float, Recording]:
    """Seconds of processor time of the fastest of several runs."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        recording = run()
        found.append(time.process_time() - start)
    return min(found), recording


def events(network: PointNetwork, recording: Recording) -> int:
    """Synapses that carried a spike."""
    outgoing = network.synapses.offsets[:, -1].astype(np.int64)
    return int(outgoing[recording.spikes[:, 1]].sum())


def delayed(n: int = 10_000, inputs: int = 1_000, steps: int = 2_000, longest: int = 15) -> PointNetwork:
    """A network of balanced random synapses, weights normally distributed and delays uniformly."""
    random, drive = np.random.default_rng(1), PortDrive(DriveParams(binomial_limits(inputs, Fraction(2, 1000)), 26), "v")
    pre, post, size = random.integers(0, n, n * inputs), np.repeat(np.arange(n), inputs), n * inputs
    weights = np.where(pre < 0.8 * n, random.normal(26, 5, size), random.normal(-130, 20, size)).round().astype(np.int64)
    population = PointPopulation("all", n, LinearNeuron(Q8_8, 14), np.array([[82, 0, 5120, 2560, 20, 0]]), drive=drive)
    projection = Projection.of("all", "all", "v", n, (pre, post), weights, random.integers(1, longest + 1, size))
    return PointNetwork("delays", [population], [projection], [], LfsrParams(), np.array(LfsrParams().phases(5, n, steps), np.uint64), steps, 100_000)


def standalone(params: CubaParams, ms: float) -> tuple[float, int]:
    """The same equations in Brian2's C++: seconds of its run, and spikes."""
    import brian2 as b

    with TemporaryDirectory() as folder:
        b.set_device("cpp_standalone", directory=folder, build_on_run=False)
        try:
            b.defaultclock.dt = params.dt * b.ms
            values: dict[str, Any] = {"tm": params.tau_m * b.ms, "te": params.tau_e * b.ms, "ti": params.tau_i * b.ms, "rest": params.v_rest,
                                      "top": params.v_threshold, "low": params.v_reset}
            group = b.NeuronGroup(params.n, """dv/dt = (exc + inh + rest - v) / tm : 1 (unless refractory)
                                               dexc/dt = -exc / te : 1
                                               dinh/dt = -inh / ti : 1""",
                                  threshold="v > top", reset="v = low", refractory=params.refractory * b.ms, method="exact", namespace=values)
            group.v = params.membranes()
            pre, post = params.connections()
            synapses = []
            for name, here, weight in (("exc", pre < params.n_exc, params.weight_exc), ("inh", pre >= params.n_exc, params.weight_inh)):
                made = b.Synapses(group, group, on_pre=f"{name} += {weight}")
                made.connect(i=pre[here], j=post[here])
                synapses.append(made)
            monitor = b.SpikeMonitor(group)
            network = b.Network(group, synapses, monitor)
            network.run(ms * b.ms)
            b.device.build(directory=folder, compile=True, run=True, with_output=False)
            return float(b.device._last_run_time), int(monitor.num_spikes)
        finally:
            b.device.reinit()
            b.set_device("runtime")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, the fastest of which counts (default %(default)s)")
    parser.add_argument("--ms", type=float, default=1000.0, help="biological time of cuba (default %(default)s)")
    options = parser.parse_args(arguments)
    params = CubaParams()
    network = cuba(params, options.ms)
    point_engine.run(cuba(CubaParams(n=10), 1.0))
    ours, recording = least(lambda: point_engine.run(network), options.repeats)
    theirs = [standalone(params, options.ms) for _ in range(options.repeats)]
    brian2 = min(seconds for seconds, _ in theirs)
    print(f"cuba, {params.n:,} neurons, {options.ms:g} ms: golden model {ours:.3f} s, {len(recording.spikes):,} spikes; Brian2 standalone "
          f"{brian2:.3f} s, {theirs[0][1]:,} spikes; {brian2 / ours:.1f} times")
    network = delayed()
    seconds, recording = least(lambda: point_engine.run(network), options.repeats)
    update, _ = least(lambda: point_engine.run(network.replace(projections=())), options.repeats)
    carried = events(network, recording)
    print(f"delays, {network.n:,} neurons, {len(network.synapses.packed):,} synapses of {network.synapses.packed.itemsize} bytes: {seconds:.3f} s, "
          f"{carried:,} events, {1e9 * seconds / carried:.2f} ns an event; {1e9 * (seconds - update) / carried:.2f} ns without the update")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
