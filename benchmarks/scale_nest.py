"""The cortical microcircuit in NEST, drawn by NEST's own rules, for `scale.py`."""

import resource
import time
from typing import Any

import numpy as np

from spikegate.models.network.recording import Recording
from spikegate.translator import microcircuit as m

__all__ = ["run_nest"]


def run_nest(params: m.MicrocircuitParams, ms: float) -> dict[str, Any]:
    """Seconds of processor time to connect and to run, and the recording; one thread."""
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=params.dt, local_num_threads=1, rng_seed=params.seed, print_time=False)
    start, factor, sizes = time.process_time(), 1 / np.sqrt(params.scale), params.sizes
    neurons = []
    for k, count in enumerate(sizes):
        made = nest.Create("iaf_psc_exp", count, {
            "C_m": m.CAPACITANCE, "tau_m": m.TAU_M, "tau_syn_ex": m.TAU_S, "tau_syn_in": m.TAU_S, "t_ref": m.REFRACTORY, "E_L": m.V_REST,
            "V_th": m.V_THRESHOLD, "V_reset": m.V_REST, "I_e": m.constant_current(k, params.scale)})
        made.V_m = nest.random.normal(-58.0, 10.0)
        neurons.append(made)
    for k, made in enumerate(neurons):  # after all neurons, so that their numbers have no gaps
        source = nest.Create("poisson_generator", 1, {"rate": m.BACKGROUND_HZ * round(m.EXTERNAL[k] * params.scale)})
        nest.Connect(source, made, syn_spec={"weight": m.WEIGHT * factor, "delay": params.dt})
    recorder = nest.Create("spike_recorder")
    for target, post in enumerate(neurons):
        for source, pre in enumerate(neurons):
            weight, (mean, spread) = m.mean_weight(target, source) * factor, m.DELAYS_MS[m.POPULATIONS[source].endswith("I")]
            limits = {"min": 0.0, "max": np.inf} if weight > 0 else {"min": -np.inf, "max": 0.0}
            nest.Connect(pre, post, {"rule": "fixed_total_number", "N": round(m.full_synapses(target, source) * params.scale**2)}, {
                "weight": nest.math.redraw(nest.random.normal(weight, abs(weight) * m.SPREAD), **limits),
                "delay": nest.math.redraw(nest.random.normal(mean, spread), min=0.5 * params.dt, max=np.inf)})
        nest.Connect(post, recorder)
    connected = time.process_time() - start
    nest.Prepare()
    start = time.process_time()
    nest.Run(ms)
    took = time.process_time() - start
    nest.Cleanup()
    found = recorder.get("events")
    steps = np.rint(np.asarray(found["times"]) / params.dt).astype(np.int64) - 1
    spikes = np.stack([steps, np.asarray(found["senders"]) - neurons[0][0].global_id], axis=1)
    return {"run_s": took, "nest_connect_s": connected, "nest_peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
            "nest_version": nest.__version__, "recording": Recording("nest", sum(sizes), round(ms / params.dt), spikes)}
