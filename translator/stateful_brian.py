"""Izhikevich (V5) and homeostatic (V6) neurons as a user of Brian2 writes them, on the frozen network with its external events: the witness.

The synapses' slot comes first, as for V1 in `spikegate.translator.voltage_brian`. Voltages are plain numbers in mV. Synapses count their
spikes, and a neuron takes one kick a step: single kicks would round in the order of delivery, and Izhikevich's neurons, whose u is never
set to a value, amplify the last bits until spikes move (in the tutorial's network after a third of a second). So membranes are equal to
the last bit with ``codegen="numpy"``, which rounds as written; ``cython`` compiles with -ffast-math.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.core.engine import external_events
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brian_parts import Stopwatch, device, events_and_traces, load_brian2, population_synapses, spikes_of
from spikegate.translator.izhikevich import Pattern, populations
from spikegate.translator.voltage import parameters
from spikegate.translator.voltage_brian import SCHEDULES

__all__ = ["run_izhikevich", "run_homeostatic"]

Progress = Callable[[float], None] | None
COUNTS = """
events : 1
due_exc : 1
due_inh : 1
J : 1 (constant)
gJ : 1 (constant)"""


class Model(NamedTuple):
    """Neurons as Brian2 takes them; ``scale`` is what a kick is multiplied by, ``final`` what the recording has of the final state."""

    equations: str
    threshold: str
    reset: str
    start: dict[str, Any]
    scale: float | np.ndarray
    namespace: dict[str, Any]
    refractory: int
    final: tuple[str, ...]


def _run(network: Network, model: Model, codegen: str, progress: Progress) -> Recording:
    b, bp, n, steps, events = load_brian2(), parameters(network), network.n, network.steps, external_events(network)
    with device(b, "runtime", codegen):
        watch, clock = Stopwatch(progress), b.Clock(dt=network.dt_ns * b.nsecond, name="spikegate_clock")
        neurons = b.NeuronGroup(n, model.equations + COUNTS, threshold=model.threshold, reset=model.reset, method="euler", clock=clock,
                                namespace=model.namespace, refractory=model.refractory * clock.dt if model.refractory else False,
                                name="spikegate_stateful")
        neurons.run_regularly("v += J * (events + due_exc) - gJ * due_inh\ndue_exc = 0\ndue_inh = 0", when="after_synapses", clock=clock,
                              name="spikegate_kicks")
        neurons.J, neurons.gJ = (bp.weight_exc * model.scale, bp.weight_inh * model.scale)
        for name, value in model.start.items():
            setattr(neurons, name, value)
        monitor = b.SpikeMonitor(neurons, name="spikegate_spikes")
        whole = b.Network(neurons, monitor, population_synapses(b, network, neurons, ("due_exc_post += 1", "due_inh_post += 1"), clock, {}),
                          events_and_traces(b, neurons, events, np.empty((0, n)), clock))
        whole.schedule = SCHEDULES[False]
        whole.run(steps * clock.dt, report=watch, report_period=0.2 * b.second, namespace={})
        return Recording("brian2-stateful", n, steps, spikes_of(monitor, network), {name: np.array(getattr(neurons, name)) for name in model.final},
                         provenance=watch.provenance(b, network, codegen), dt_ns=network.dt_ns)


def run_izhikevich(network: Network, exc: Pattern = "rs", inh: Pattern = "fs", *, progress: Progress = None, codegen: str = "numpy",
                   threshold: str = "v >= 30") -> Recording:
    """V5 in Brian2, ``method="euler"``; parameters as for `spikegate.translator.izhikevich.run`, ``codegen`` as for `voltage_brian.run`.

    ``final`` has ``v`` and ``u``.
    """
    b, made = load_brian2(), populations(network, exc, inh)
    start = {name: made[name] for name in ("a", "b", "c", "d", "v", "u")}
    equations = """dv/dt = (0.04*v**2 + 5*v + 140 - u) / ms : 1
        du/dt = a * (b*v - u) / ms : 1
        a : 1 (constant)
        b : 1 (constant)
        c : 1 (constant)
        d : 1 (constant)"""
    model = Model(equations, threshold, "v = c\nu += d", start, made["scale"], {"ms": b.ms}, 0, ("v", "u"))
    return _run(network, model, codegen, progress)


def run_homeostatic(network: Network, *, target_hz: float = 10.0, eta: float = 0.5, theta: np.ndarray | None = None, progress: Progress = None,
                    codegen: str = "numpy") -> Recording:
    """V6 in Brian2, without limits of theta; parameters as for `spikegate.translator.homeostatic.run`.

    ``final`` has ``v`` and ``theta``.
    """
    b, bp, refractory = load_brian2(), parameters(network), network.lif.refractory
    equations = f"""dv/dt = -(v - v_rest) / tau : 1{" (unless refractory)" * bool(refractory)}
        dtheta/dt = -eta * target : 1"""
    start = {"v": network.v0 / network.lif.format.one, "theta": bp.v_threshold if theta is None else theta}
    namespace = dict(tau=bp.tau_mem * b.ms, v_rest=bp.v_rest, v_reset=bp.v_reset, eta=eta, target=target_hz * b.Hz)
    model = Model(equations, "v > theta", "v = v_reset\ntheta += eta", start, 1.0, namespace, refractory, ("v", "theta"))
    return _run(network, model, codegen, progress)
