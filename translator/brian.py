"""Brian2 on what a frozen network holds: its integers, as the golden model has them, and floats in the core's order of operations.

Brian2's order within a step is update, thresholds, synapses, resets. A delay of D steps here is a synaptic delay of
D - 1 steps there, because what its synapses add in one step is read by the update of the next.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.models.network.engine import Progress
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.fixed import Overflow, Rounding
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.params import Generator
from spikegate.translator.brian_parts import Stopwatch, device, events_and_traces, load_brian2, sources_of, spikes_of

__all__ = ["integer_problems", "run_integer", "run_ordered"]

#: Products and sums below this are exact in a double, also with half a unit added.
EXACT = 1 << 52
INTEGER_EQUATIONS = "\n".join(f"{name} : 1" for name in (
    "v", "hold", "overflow", "fired", "current", "total", "fitted", "active", "events", "weight"))
#: Brian2's own floor gives integers of 32 bits, which do not hold every leak.
INTEGER_UPDATE = """
active = 1 - clip(hold, 0, 1)
total = v + ((rest - v) * leak * scale + half) // 1.0 + current + events * drive
fitted = {fit}
overflow = clip(overflow + active * clip(abs(total - fitted), 0, 1), 0, 1)
v = v + active * (fitted - v)
hold = hold - 1 + active
fired = active * int(v >= threshold)
current = 0
"""
#: The same without rounding and without limits.
FLOAT_UPDATE = """
active = 1 - clip(hold, 0, 1)
v = v + active * ((rest - v) * leak * scale + current + events * drive)
hold = hold - 1 + active
fired = active * int(v >= threshold)
current = 0
"""


def fit_text(overflow: Overflow, total: str, of: str = "") -> str:
    """A sum brought into its format, as text for Brian2; ``low``, ``high`` and ``span`` have the format's name ``of`` before theirs."""
    if overflow == Overflow.WRAP:
        return f"({total} - {of}span * (({total} - {of}low) // {of}span))"
    return f"clip({total}, {of}low, {of}high)"


def integer_problems(network: Network) -> list[str]:
    """Why Brian2 cannot run the network's integers; empty if it can."""
    lif, problems = network.lif, []
    if lif.rounding is Rounding.STOCHASTIC:
        problems.append("Rounding must be floor or nearest for Brian2, not stochastic: its random bits are the core's own; "
                        "choose floor or nearest")
    worst = (abs(lif.rest) + (1 << (lif.format.width - 1))) * lif.leak
    if worst + (1 << lif.leak_fraction) > EXACT:
        problems.append(f"Leak product may reach {worst} raw in {lif.format}, above the limit of {EXACT} that Brian2's doubles "
                        "hold exactly; use fewer fraction bits such as q16.12")
    return problems


def run_integer(network: Network, *, trace: bool = False, progress: Progress | None = None, codegen: str = "cython") -> Recording:
    """Run the frozen network's integer update in Brian2, with the external events of the golden model.

    Doubles hold the integers exactly, so spikes, membranes and flags equal those of `spikegate.models.core.engine.run`.

    Parameters
    ----------
    network : Network
        What to run; rounding floor or nearest.
    trace : bool
        Record ``v``, raw, (steps, n), after each step.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    codegen : str
        ``cython`` (compiles for half a minute the first time) or ``numpy``.

    Raises
    ------
    InputError, ToolMissing
        For what `integer_problems` names, another ``codegen``; without Brian2.
    """
    for problem in integer_problems(network):
        raise InputError(problem)
    lif, vtype = network.lif, np.int16 if network.lif.format.width <= 16 else np.int32
    more = dict(half=0.5 if lif.rounding is Rounding.NEAREST else 0.0, low=lif.format.min, high=lif.format.max, span=1 << lif.format.width)
    update = INTEGER_UPDATE.format(fit=fit_text(lif.overflow, "total"))
    recording = _run_update(network, "brian2-integer", update, more, external_events(network), vtype, trace, progress, codegen)
    final = {name: recording.final[name].astype(kind) for name, kind in (("v", vtype), ("hold", np.uint8), ("overflow", np.uint8))}
    return replace(recording, final=final)


def run_ordered(network: Network, *, trace: bool = False, progress: Progress | None = None, codegen: str = "cython") -> Recording:
    """Run the network in floats with the parameters that its integers realise, in the order of operations of the core: leak, input, threshold.

    What is left between it and the core is the core's arithmetic: rounding, saturation, and of streams what their noise has beyond its variance.
    External events are the recorded ones, or drawn from the network's table by NumPy's own generator. A stream's kick has the mean and the
    variance of the count of its ones: binomial for LFSR streams, and that of an aligned window for Sobol streams.

    Parameters and errors are those of `run_integer`, but any rounding and format will do; ``v`` is in mV.
    """
    one, mean, sigma = network.lif.format.one, network.weights.astype(float), np.zeros(network.n)
    if streams := network.streams:
        p = streams.probabilities / (1 << PROBABILITY_BITS)
        mean = np.sign(network.weights) * p * streams.scale
        part = p * streams.length % 1.0
        ones = streams.length * p * (1 - p) if streams.generator == Generator.LFSR else part * (1 - part)
        sigma = np.sqrt(ones) * streams.scale / streams.length
    recording = _run_update(network, "brian2-ordered", FLOAT_UPDATE, {}, _events(network), np.float32, trace, progress, codegen, mean, sigma)
    traces = {"v": recording.trace["v"] / np.float32(one)} if trace else {}
    return replace(recording, final={"v": recording.final["v"] / one}, trace=traces)


def _events(network: Network) -> Iterator[np.ndarray]:
    """Recorded events of each step, or drawn ones, with another generator than the network's."""
    if network.external is not None:
        yield from network.external
        return
    rng = np.random.default_rng(network.seeds)
    while True:
        yield np.searchsorted(network.drive.limits, rng.integers(1 << UNIFORM_BITS, size=network.n, dtype=np.uint32))


def _run_update(network: Network, engine: str, update: str, more: Mapping[str, float], events: Iterable[np.ndarray], vtype: type, trace: bool,
                progress: Progress | None, codegen: str, weights: np.ndarray | None = None, sigma: np.ndarray | None = None) -> Recording:
    """Run an update in raw units; a kick is normal with the mean ``weights`` and the deviation ``sigma``."""
    b, lif, n, steps = load_brian2(), network.lif, network.n, network.steps
    traced: np.ndarray = np.empty((steps if trace else 0, n), vtype)
    noisy = sigma is not None and bool(sigma.any())
    constants = dict(rest=lif.rest, leak=lif.leak, scale=1.0 / (1 << lif.leak_fraction), drive=network.drive.weight, threshold=lif.threshold,
                     reset=lif.reset, refractory=lif.refractory, **more)
    with device(b, "runtime", codegen):
        watch = Stopwatch(progress)
        clock = b.Clock(dt=network.dt_ns * b.nsecond, name="spikegate_clock")
        neurons = b.NeuronGroup(n, INTEGER_EQUATIONS + "\nsigma : 1" * noisy, threshold="fired > 0", reset="v = reset\nhold = refractory",
                                clock=clock, namespace={name: float(value) for name, value in constants.items()}, name="spikegate_integer")
        neurons.run_regularly(update, when="groups", clock=clock, name="spikegate_update")
        neurons.v, neurons.weight = network.v0, network.weights if weights is None else weights
        if noisy:
            neurons.sigma = sigma
        objects = [neurons, monitor := b.SpikeMonitor(neurons, name="spikegate_spikes")]
        if network.synapses:
            synapses = b.Synapses(neurons, neurons, on_pre="current_post += weight_pre" + " + sigma_pre * randn()" * noisy,
                                  delay=(network.delay - 1) * clock.dt, clock=clock, name="spikegate_synapses")
            synapses.connect(i=sources_of(network), j=network.indices.astype(np.int64))
            objects.append(synapses)
        membrane, count = (neurons.variables[name].get_value() for name in ("v", "hold"))
        objects += events_and_traces(b, neurons, events, traced, clock)
        if noisy:
            b.seed(int(network.seeds[0]) % 2**32)
        b.Network(objects).run(steps * clock.dt, report=watch, report_period=0.2 * b.second, namespace={})
        final = {"v": membrane.copy(), "hold": count.copy(), "overflow": np.asarray(neurons.overflow[:])}
        return Recording(engine, n, steps, spikes_of(monitor, network), final, {"v": traced} if trace else {},
                         provenance=watch.provenance(b, network, codegen), dt_ns=network.dt_ns)
