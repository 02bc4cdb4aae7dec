"""Brian2 on the float original of a Brunel network: with the parameters that were asked for, or with those that its integers realise.

Brian2's order within a step is update, thresholds, synapses, resets. A delay of D steps here is a synaptic delay of
D - 1 steps there, because what its synapses add in one step is read by the update of the next.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.engine import Progress
from spikegate.models.network.network import Network
from spikegate.models.network.provenance import quantities
from spikegate.models.network.recording import Recording
from spikegate.translator.brian_parts import Stopwatch, device, events_and_traces, load_brian2, sources_of, spikes_of
from spikegate.translator.params import asked_for

__all__ = ["Original", "run_float", "run_standalone"]


class Original(NamedTuple):
    """A Brunel network in floats: mV and ms, the drive's events a neuron and step, and the seed of its random numbers."""

    tau_mem: float
    v_rest: float
    v_threshold: float
    v_reset: float
    weight_exc: float
    g_inh: float
    drive_weight: float
    trials: int
    rate_hz: float
    seed: int

    @classmethod
    def asked(cls, network: Network) -> "Original":
        """What was asked for."""
        bp = asked_for(network)
        return cls(bp.tau_mem, bp.v_rest, bp.v_threshold, bp.v_reset, bp.weight_exc, bp.g_inh, bp.weight_exc, bp.c_exc, bp.external_rate_hz, bp.seed)

    @classmethod
    def realised(cls, network: Network) -> "Original":
        """What the integers realise of it; the drive has the same rate, and the same random numbers."""
        held, asked = {row.name: row.realised for row in quantities(network)}, cls.asked(network)
        weight = held.get("weight_exc", asked.weight_exc)
        g_inh = held["weight_inh"] / weight if weight and "weight_inh" in held else asked.g_inh
        return asked._replace(tau_mem=held["tau_mem"], v_rest=held["v_rest"], v_threshold=held["v_threshold"], v_reset=held["v_reset"],
                              weight_exc=weight, g_inh=g_inh, drive_weight=held["drive weight"])


def _original(b: Any, network: Network, p: Original) -> tuple[Any, Any, Any, list[Any]]:
    """Clock, neurons, spike monitor and the other objects of the Brian2 network."""
    clock = b.Clock(dt=network.dt_ns * b.nsecond, name="spikegate_clock")
    constants = dict(tau=p.tau_mem * b.ms, v_rest=p.v_rest * b.mV, v_th=p.v_threshold * b.mV, v_reset=p.v_reset * b.mV,
                     J=p.weight_exc * b.mV, g=p.g_inh)
    given = network.external is not None
    # R steps here as there: both drop the input of R steps and fire again after R + 1 at the earliest
    held = network.lif.refractory
    neurons = b.NeuronGroup(network.n, "dv/dt = -(v - v_rest) / tau : volt" + " (unless refractory)" * bool(held)
                            + "\nevents : 1" * given, threshold="v > v_th", reset="v = v_reset",
                            refractory=held * clock.dt if held else False, method="euler", clock=clock,
                            namespace=constants, name="spikegate_float")
    neurons.v = network.v0 / network.lif.format.one * b.mV
    monitor = b.SpikeMonitor(neurons, name="spikegate_spikes")
    source, columns, objects = sources_of(network), network.indices.astype(np.int64), [neurons, monitor]
    for name, first, last, effect in (("exc", 0, network.n_exc, "v_post += J"), ("inh", network.n_exc, network.n, "v_post -= g * J")):
        mine = (source >= first) & (source < last)
        if mine.any():
            synapses = b.Synapses(neurons[first:last], neurons, on_pre=effect, delay=(network.delay - 1) * clock.dt, clock=clock,
                                  namespace=constants, name=f"spikegate_{name}")
            synapses.connect(i=source[mine] - first, j=columns[mine])
            objects.append(synapses)
    if given:
        neurons.run_regularly("v += kick * events", when="synapses", clock=clock, name="spikegate_external")
        neurons.namespace["kick"] = p.drive_weight * b.mV
        objects += events_and_traces(b, neurons, cast(np.ndarray, network.external), np.empty((0, network.n)), clock)
    elif p.rate_hz:
        objects.append(b.PoissonInput(neurons, "v", N=p.trials, rate=p.rate_hz * b.Hz, weight=p.drive_weight * b.mV))
    return clock, neurons, monitor, objects


def run_float(network: Network, realised: bool = False, *, trace: bool = False, progress: Progress | None = None,
              codegen: str = "cython") -> Recording:
    """Run the float original in Brian2: forward Euler, delta synapses, `PoissonInput`, in Brian2's own order of operations.

    Parameters, drive and seed come from ``network.source`` in physical units, or, ``realised``, from what the integers hold of it; connectivity,
    initial membranes, delay, refractory period and length from the network. The drive is Brian2's own, so that agreement is statistical, unless
    external events are recorded. Input that arrives in the step of a spike is lost, because the reset follows the synapses.

    Other parameters and errors are those of `spikegate.translator.brian.run_integer`; the traced and the final ``v`` are in mV, the trace in float32.
    A network without physical parameters raises `InputError`.
    """
    b = load_brian2()
    traced = np.empty((network.steps if trace else 0, network.n), np.float32)
    with device(b, "runtime", codegen):
        watch = Stopwatch(progress)
        original = Original.realised(network) if realised else Original.asked(network)
        clock, neurons, monitor, objects = _original(b, network, original)
        membrane, after = neurons.variables["v"].get_value(), iter(traced)

        def record() -> None:
            np.multiply(membrane, 1e3, out=next(after), casting="same_kind")

        if trace:
            objects.append(b.NetworkOperation(record, when="end", clock=clock, name="spikegate_record"))
        b.seed(original.seed % 2**32)
        b.Network(objects).run(network.steps * clock.dt, report=watch, report_period=0.2 * b.second, namespace={})
        return Recording("brian2-float", network.n, network.steps, spikes_of(monitor, network), {"v": membrane * 1e3},
                         {"v": traced} if trace else {}, provenance=watch.provenance(b, network, codegen), dt_ns=network.dt_ns)


def run_standalone(network: Network, directory: str | Path) -> Recording:
    """Run the float original as Brian2 C++ standalone code, for timing.

    Generates and compiles in ``directory`` (tens of seconds), then runs the program; ``provenance`` holds ``codegen_s``
    and ``run_s`` apart, and in ``cpu_s`` the processor time of the program's loop, which it takes itself. Sets the device
    and gives it back, but Brian2's devices are global to a process: call it in a process of its own where other Brian2
    work is under way.

    Parameters
    ----------
    network : Network
        What to run, as `translate` made it; without physical parameters it raises `InputError`.
    directory : str or Path
        Folder for the generated code; existing files in it are overwritten.
    """
    b = load_brian2()
    if network.external is not None:
        raise InputError("Network has recorded external events, which Brian2's standalone code does not read; run it without them")
    with device(b, "cpp_standalone", directory=str(directory), build_on_run=False):
        made = b.get_device()
        try:
            watch = Stopwatch()
            original = Original.asked(network)
            clock, neurons, monitor, objects = _original(b, network, original)
            b.seed(original.seed % 2**32)
            b.Network(objects).run(network.steps * clock.dt, namespace={})
            made.build(directory=str(directory), compile=True, run=False)
            watch.first = time.perf_counter()
            made.run(str(directory), with_output=False, run_args=[])
            provenance = watch.provenance(b, network, "cpp_standalone") | {"cpu_s": made._last_run_time}
            return Recording("brian2-standalone", network.n, network.steps, spikes_of(monitor, network),
                             {"v": np.asarray(neurons.v_[:]) * 1e3}, provenance=provenance, dt_ns=network.dt_ns)
        finally:
            made.reinit()
