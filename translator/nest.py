"""NEST as an engine: the float original, for comparison of speed and statistics."""

import os
import time
from typing import Any

import numpy as np

from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.hints import extra
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import asked_for

__all__ = ["run_nest"]


def _nest() -> Any:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # two spinning threads on two cores take ten times as long
    os.environ.setdefault("PYNEST_QUIET", "1")
    try:
        import nest
    except ImportError as error:
        raise ToolMissing(f"NEST cannot be imported ({error}); install it with: {extra('bench')}") from None
    return nest


def run_nest(network: Network, threads: int = 1) -> Recording:
    """Run the float original in NEST: ``iaf_psc_delta``, integrated exactly, and ``poisson_generator``.

    Connectivity, initial membranes, delay, refractory period and length are the network's; the rest comes from
    ``network.source``. Each neuron's drive is a Poisson process of rate C_E * nu_ext. A spike of step t is input of
    step t + delay, and the input of the refractory steps is dropped, as in the golden model. Resets NEST's kernel,
    which is global to the process.

    Parameters
    ----------
    network : Network
        What to run, as `translate` made it.
    threads : int
        Of NEST's kernel, at least 1.

    Returns
    -------
    Recording
        Spikes and the final ``v`` in mV; ``provenance`` with ``build_s`` and ``run_s``, and ``cpu_s``, the processor time of all threads.

    Raises
    ------
    InputError
        If the network carries no physical parameters, or threads is below 1.
    ToolMissing
        Without NEST.
    """
    if threads < 1:
        raise InputError(f"Threads must be at least 1, not {threads}")
    bp = asked_for(network)
    nest, n, dt = _nest(), network.n, network.dt_ns * 1e-6
    start = time.perf_counter()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=dt, local_num_threads=threads, rng_seed=bp.seed % (2**32 - 1) + 1, print_time=False)
    neurons = nest.Create("iaf_psc_delta", n, params={
        "tau_m": bp.tau_mem, "E_L": bp.v_rest, "V_th": bp.v_threshold, "V_reset": bp.v_reset, "I_e": 0.0,
        "t_ref": network.lif.refractory * dt, "V_m": network.v0 / network.lif.format.one})
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    if bp.eta:
        drive = nest.Create("poisson_generator", params={"rate": bp.c_exc * bp.external_rate_hz})
        nest.Connect(drive, neurons, syn_spec={"weight": bp.weight_exc, "delay": dt})
    if network.synapses:
        first, rows = int(neurons[0].global_id), np.repeat(np.arange(n), np.diff(network.indptr.astype(np.int64)))
        weights = np.where(rows < network.n_exc, bp.weight_exc, -bp.weight_inh)
        nest.Connect(rows + first, network.indices.astype(np.int64) + first, "one_to_one",
                     syn_spec={"weight": weights, "delay": np.full(network.synapses, network.delay * dt)})
    nest.Prepare()
    built, cpu = time.perf_counter(), time.process_time()
    nest.Run(network.steps * dt)
    run_s, cpu_s = time.perf_counter() - built, time.process_time() - cpu
    nest.Cleanup()
    found = recorder.get("events")
    # NEST stamps a spike with the end of its step
    steps = np.rint(np.asarray(found["times"]) / dt).astype(np.int32) - 1
    senders = np.asarray(found["senders"], np.int32) - int(neurons[0].global_id)
    provenance = {"network": network.hash, "nest": nest.__version__, "threads": threads, "build_s": built - start, "run_s": run_s, "cpu_s": cpu_s}
    return Recording("nest", n, network.steps, np.stack([steps, senders], axis=1), {"v": np.asarray(neurons.get("V_m"))}, provenance=provenance,
                     dt_ns=network.dt_ns)
