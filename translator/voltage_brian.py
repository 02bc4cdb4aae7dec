"""The voltage domain's rules written as Brian2 models, with the frozen network's external events: the independent witness of the variants.

Membranes are plain numbers in mV, as in the published listing. Brian2's own schedule (update, thresholds, synapses, resets) is the
late order; with the slot of the synapses first it is the early one, where synapses read the spikes of the step before. A delay of D
steps is one of D - 1 in Brian2 in both. Synapses and events act on ``v`` itself, a kick at a time, so that membranes differ from
those of `spikegate.translator.voltage` in the last bits.
"""

from collections.abc import Callable

import numpy as np

from spikegate.models.core.engine import external_events
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brian_parts import Stopwatch, device, events_and_traces, load_brian2, population_synapses, spikes_of
from spikegate.translator.voltage import parameters
from spikegate.translator.voltage_neuron import Rule

__all__ = ["run"]

SCHEDULES = {False: ["start", "synapses", "groups", "thresholds", "resets", "end"],
             True: ["start", "groups", "thresholds", "synapses", "resets", "end"]}


def run(network: Network, rule: Rule | None = None, *, trace: bool = False, progress: Callable[[float], None] | None = None,
        codegen: str = "cython", threshold: str = "v > v_th") -> Recording:
    """Run the network in Brian2 with the rule.

    Parameters
    ----------
    network : Network
        As for `spikegate.translator.voltage.run`.
    rule : Rule, optional
        Default that of V1. Noise is Brian2's own ``xi``, so that agreement is statistical.
    trace : bool
        Record ``v``, mV, float64 (steps, n), after each step.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    codegen : str
        ``cython`` (compiles for half a minute the first time) or ``numpy``.
    threshold : str
        Condition of a spike.

    Raises
    ------
    InputError, ToolMissing
        As `spikegate.translator.voltage.parameters`, and for another ``codegen``; without Brian2.
    """
    rule, bp = rule or Rule(), parameters(network)
    b, n, steps, events = load_brian2(), network.n, network.steps, external_events(network)
    refractory = network.lif.refractory if rule.refractory is None else rule.refractory
    traced = np.empty((steps if trace else 0, n))
    noise, held = " + sigma * sqrt(2 / tau) * xi" * bool(rule.noise_std), " (unless refractory)" * bool(refractory)
    with device(b, "runtime", codegen):
        watch, clock = Stopwatch(progress), b.Clock(dt=network.dt_ns * b.nsecond, name="spikegate_clock")
        constants = dict(tau=bp.tau_mem * b.ms, v_rest=bp.v_rest, v_th=bp.v_threshold, v_reset=bp.v_reset, J=bp.weight_exc, g=bp.g_inh,
                         sigma=rule.noise_std)
        neurons = b.NeuronGroup(n, f"dv/dt = -(v - v_rest) / tau{noise} : 1{held}\nevents : 1", threshold=threshold, reset="v = v_reset",
                                refractory=refractory * clock.dt if refractory else False, method="exact" if rule.exact else "euler", clock=clock,
                                namespace=constants, name="spikegate_voltage")
        neurons.run_regularly("v += J * events", when="synapses", clock=clock, name="spikegate_external")
        neurons.v = network.v0 / network.lif.format.one
        monitor, membrane = b.SpikeMonitor(neurons, name="spikegate_spikes"), neurons.variables["v"].get_value()
        whole = b.Network(neurons, monitor, population_synapses(b, network, neurons, ("v_post += J", "v_post -= g * J"), clock, constants),
                          events_and_traces(b, neurons, events, traced, clock))
        whole.schedule = SCHEDULES[rule.late]
        if rule.noise_std:
            b.seed((bp.seed if rule.seed is None else rule.seed) % 2**32)
        whole.run(steps * clock.dt, report=watch, report_period=0.2 * b.second, namespace={})
        return Recording("brian2-voltage", n, steps, spikes_of(monitor, network), {"v": membrane.copy()}, {"v": traced} if trace else {},
                         provenance=watch.provenance(b, network, codegen), dt_ns=network.dt_ns)
