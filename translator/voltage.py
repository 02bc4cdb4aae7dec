"""Voltage-domain engines: leaky integrate-and-fire neurons in float64, on a frozen network and its recorded external events.

Units are mV and ms. Parameters are those asked for (``network.source``), not the quantised ones; connectivity, delay, refractory
period, initial membranes (``v0 / one``), length and external events come from the network. A neuron's kick in a step is

    kick = J * (external events + excitatory spikes due) - g*J * (inhibitory spikes due)

with whole numbers in the brackets, so that it does not depend on the order of delivery. One step of `Rule`:

    early (V1)    v += kick;   leak;   spike when v > threshold;   spiking: v = reset
    late  (V9)    leak;   spike when v > threshold;   v += kick;   spiking: v = reset
    leak          v += dt/tau * (rest - v + R*I) + noise_std * sqrt(2 dt/tau) * xi,   or exact: v = u + (v - u) * exp(-dt/tau), u = rest + R*I

Here I = 0. The comparison is strict, as in the published Brian2 model, ``threshold="v > v_th"``; the fixed-point core spikes at the threshold.
A spike of step t is read by the leak of step t + delay in both orders: early delivers it at the start of that step, late at the
end of the one before. External events of step t are read by the leak of step t (early) or t + 1 (late). Late loses the kick of
the step of a spike to the reset, as Brian2 does.

Refractory period of R steps after a spike of step t, as Brian2 counts it: v = reset without leak, noise or threshold in t + 1 .. t + R - 1, and
the R kicks read by the leaks of t + 1 .. t + R are dropped; the leak of step t + R takes place, so the first leak with input is that of t + R + 1.
"""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import aligned
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.params import BrunelParams, asked_for
from spikegate.translator.raw import raw_parameters
from spikegate.translator.voltage_kernels import Chunk, Constants, advance_numba, advance_numpy, advance_objects, make_wires
from spikegate.translator.voltage_neuron import Rule, StochasticLIFNeuron, generator
from spikegate.translator.voltage_torch import TorchKernel

__all__ = ["CHUNK", "KERNELS", "chunks", "parameters", "constants_of", "run"]

CHUNK = 256


def parameters(network: Network) -> BrunelParams:
    """The parameters in physical units that the network was made from.

    Raises
    ------
    InputError
        If there are none, or if the network's integers are not those that they translate into.
    """
    bp, lif, problems = asked_for(network), network.lif, Problems()
    raw = raw_parameters(bp, lif.format, lif.leak_fraction)
    weights = np.repeat([raw["weight_exc"], -raw["weight_inh"]], [network.n_exc, network.n_inh])
    for name, same in (("weights", np.array_equal(network.weights, weights)), ("drive weight", network.drive.weight == raw["weight_exc"]),
                       ("threshold", lif.threshold == raw["v_threshold"]), ("reset", lif.reset == raw["v_reset"]),
                       ("rest", lif.rest == raw["v_rest"]), ("leak", lif.leak == raw["leak"]), ("dt", network.dt_ns == round(bp.dt * 1e6))):
        problems.require(same, f"Network's {name} must be what its source translates into, as the voltage domain uses the source; change the "
                         "source and translate again")
    problems.raise_any()
    return bp


def constants_of(bp: BrunelParams, network: Network, rule: Rule) -> Constants:
    """What the kernels are given for a network, in mV and steps."""
    refractory = network.lif.refractory if rule.refractory is None else rule.refractory
    return Constants(float(bp.v_threshold), float(bp.v_reset), float(bp.v_rest), bp.dt / bp.tau_mem, math.exp(-bp.dt / bp.tau_mem),
                     rule.noise_std * math.sqrt(2 * bp.dt / bp.tau_mem), float(bp.weight_exc), float(bp.weight_inh), refractory,
                     network.delay - rule.late, rule.late, rule.exact)


def chunks(steps: int, progress: Callable[[float], None] | None) -> Iterator[slice]:
    """The steps of a run, some at a time; behind each of them its end is told."""
    for first in range(0, steps, CHUNK):
        last = min(first + CHUNK, steps)
        yield slice(first, last)
        if progress:
            progress(last / steps)


#: Kernels: Python objects (V1), NumPy (V20), Numba (V18), PyTorch (V19). Each gives the same bits.
KERNELS = ("objects", "numpy", "numba", "torch")


def run(network: Network, kernel: str = "numba", rule: Rule | None = None, *, device: str = "auto", trace: bool = False,
        progress: Callable[[float], None] | None = None) -> Recording:
    """Run the network in the voltage domain.

    Parameters
    ----------
    network : Network
        As `spikegate.translator.brunel.translate` made it; its delay, refractory period, connectivity, initial membranes
        and external events may have been replaced.
    kernel : str
        One of `KERNELS`. They give the same bits, as spikes and as membranes.
    rule : Rule, optional
        Default that of V1.
    device : str
        Of the kernel ``torch``: ``cpu``, ``cuda``, or ``auto``, which is a GPU if there is one.
    trace : bool
        Record ``v``, mV, float64 (steps, n), after each step.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Returns
    -------
    Recording
        ``final["v"]`` in mV; ``provenance`` has ``draw_s``, the processor time to draw the external events, and ``run_s``, that of the
        rest, both with compilation.

    Raises
    ------
    InputError
        For another kernel, for a GPU that is not there, and as `parameters`.
    ToolMissing
        For ``torch`` without PyTorch.
    """
    if kernel not in KERNELS:
        raise InputError(f"Kernel must be one of {', '.join(KERNELS)}, not {kernel!r}")
    rule, bp, n, steps, began = rule or Rule(), parameters(network), network.n, network.steps, time.process_time()
    events, drawn, c = external_events(network), time.process_time(), constants_of(bp, network, rule)
    seed = bp.seed if rule.seed is None else rule.seed
    v, left, wires = aligned(network.v0 / network.lif.format.one), aligned(np.zeros(n, np.uint8)), make_wires(network)
    neurons = [StochasticLIFNeuron(c.threshold, c.reset, c.rest, bp.tau_mem, bp.dt, 1.0, rule.noise_std, c.refractory, seed, stream=i,
                                   exact_leak=rule.exact) for i in range(n)] if kernel == "objects" else []
    for neuron, start in zip(neurons, v.tolist()):
        neuron.v = start
    generators = [generator(seed, i) for i in range(n)] if c.noise and not neurons else []
    torch = TorchKernel(network, device) if kernel == "torch" else None
    compiled: dict[str, Callable[..., int]] = {"objects": partial(advance_objects, neurons), "numpy": advance_numpy, "numba": advance_numba}
    advance = torch or compiled[kernel]
    spikes, buffer, traced = [], np.empty((min(CHUNK, steps) * n, 2), np.int32), np.empty((steps if trace else 0, n))
    for now in chunks(steps, progress):
        noise = np.stack([rng.standard_normal(now.stop - now.start) for rng in generators], axis=1) if generators else np.empty((0, n))
        spikes.append(buffer[:advance(c, Chunk(now.start, events[now], noise, buffer, traced[now]), v, left, wires)].copy())
    provenance = {"kernel": kernel, "draw_s": drawn - began, "run_s": time.process_time() - drawn, "network": network.hash}  # hashed off the clock
    if torch:
        provenance["device"] = torch.name
    return Recording(f"voltage-{kernel}", n, steps, np.concatenate(spikes), {"v": v}, {"v": traced} if trace else {}, provenance=provenance,
                     dt_ns=network.dt_ns)
