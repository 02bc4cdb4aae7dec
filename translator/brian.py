"""Brian2 as an engine: the same integers as the golden model, and the float original.

Brian2's order within a step is update, thresholds, synapses, resets. A delay of D steps here is a synaptic delay of
D - 1 steps there, because what its synapses add in one step is read by the update of the next.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.cache import cache_root
from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.hints import extra
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Overflow, Rounding
from spikegate.models.surroundings import clean_environment, machine
from spikegate.translator.brunel import asked_for

__all__ = ["run_integer", "run_float", "run_standalone"]

Progress = Callable[[float], None]
TARGETS = ("cython", "numpy")
#: Products and sums below this are exact in a double, also with half a unit added.
EXACT = 1 << 52
INTEGER_EQUATIONS = "\n".join(f"{name} : 1" for name in (
    "v", "hold", "overflow", "fired", "current", "total", "fitted", "active", "events", "weight"))
FIT = {Overflow.SATURATE: "clip(total, low, high)", Overflow.WRAP: "total - span * floor((total - low) / span)"}
INTEGER_UPDATE = """
active = 1 - clip(hold, 0, 1)
total = v + floor((rest - v) * leak * scale + half) + current + events * drive
fitted = {fit}
overflow = clip(overflow + active * clip(abs(total - fitted), 0, 1), 0, 1)
v = v + active * (fitted - v)
hold = hold - 1 + active
fired = active * int(v >= threshold)
current = 0
"""


def _brian2() -> Any:
    try:
        import brian2
    except ImportError as error:
        raise ToolMissing(f"Brian2 cannot be imported ({error}); install it with: {extra('brian')}") from None
    except Exception as error:
        if type(error).__name__ != "PreferenceError":
            raise
        raise InputError(f"Brian2 cannot use its preferences ({error}); correct ~/.brian/user_preferences, or brian_preferences here") from None
    return brian2


@contextmanager
def _device(b: Any, name: str, codegen: str = "numpy", **options: Any) -> Iterator[None]:
    """The named device and code generation target, Brian2's own preferences and a clean environment inside; all that the caller had after.

    Preferences, his files of them included, set the type of floats, the order of a step and the compiler's flags, and Brian2's cache of compiled
    code has neither flags nor processor in its key: it gets a folder of its own.
    """
    if codegen not in TARGETS:
        raise InputError(f"Code generation target must be one of {', '.join(TARGETS)}, not {codegen!r}")
    from brian2.devices.device import reset_device, runtime_device

    preferences, random = dict(b.prefs), runtime_device.get_random_state()
    try:
        with clean_environment(), np.errstate(all="warn"):
            b.prefs.reset_to_defaults()
            b.prefs.codegen.target = codegen
            b.prefs.codegen.runtime.cython.cache_dir = str(cache_root() / "brian2" / hashlib.sha256(machine().encode()).hexdigest()[:20])
            b.set_device(name, **options)
            yield
    finally:
        b.prefs.update(preferences)
        reset_device()
        runtime_device.set_random_state(random)


class _Stopwatch:
    """Brian2's report callback: passes progress on and notes when the first step began."""

    def __init__(self, progress: Progress | None = None):
        self.progress, self.made, self.first, self.first_cpu = progress, time.perf_counter(), 0.0, 0.0

    def __call__(self, elapsed: Any, completed: float, start: Any, duration: Any) -> None:
        if completed == 0:
            self.first, self.first_cpu = time.perf_counter(), time.process_time()
        if self.progress:
            self.progress(float(completed))

    def provenance(self, b: Any, network: Network, codegen: str) -> dict[str, Any]:
        run_s, cpu_s = time.perf_counter() - self.first, time.process_time() - self.first_cpu
        return {"network": network.hash, "brian2": b.__version__, "codegen": codegen,
                "codegen_s": self.first - self.made, "run_s": run_s, "cpu_s": cpu_s}


def _rows(network: Network) -> np.ndarray:
    return np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))


def _spikes(monitor: Any, network: Network) -> np.ndarray:
    steps = np.rint(np.asarray(monitor.t_[:]) / (network.dt_ns * 1e-9))
    return np.stack([steps.astype(np.int32), np.asarray(monitor.i[:], np.int32)], axis=1)


def _check_integer(network: Network) -> None:
    lif = network.lif
    if lif.rounding is Rounding.STOCHASTIC:
        raise InputError("Rounding must be floor or nearest for Brian2, not stochastic: its random bits are the core's own; "
                         "choose floor or nearest")
    worst = (abs(lif.rest) + (1 << (lif.format.width - 1))) * lif.leak
    if worst + (1 << lif.leak_fraction) > EXACT:
        raise InputError(f"Leak product may reach {worst} raw in {lif.format}, above the limit of {EXACT} that Brian2's doubles "
                         "hold exactly; use fewer fraction bits such as q16.12")


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
        For stochastic rounding, a format whose products a double cannot hold, another ``codegen``; without Brian2.
    """
    _check_integer(network)
    b, lif, n, steps = _brian2(), network.lif, network.n, network.steps
    events, vtype = external_events(network), np.int16 if lif.format.width <= 16 else np.int32
    traced = np.empty((steps if trace else 0, n), vtype)
    constants = dict(rest=lif.rest, leak=lif.leak, scale=1.0 / (1 << lif.leak_fraction), half=0.5 if lif.rounding is Rounding.NEAREST else 0.0,
                     low=lif.format.min, high=lif.format.max, span=1 << lif.format.width, drive=network.drive.weight,
                     threshold=lif.threshold, reset=lif.reset, refractory=lif.refractory)
    with _device(b, "runtime", codegen):
        watch = _Stopwatch(progress)
        clock = b.Clock(dt=network.dt_ns * b.nsecond, name="spikegate_clock")
        neurons = b.NeuronGroup(n, INTEGER_EQUATIONS, threshold="fired > 0", reset="v = reset\nhold = refractory", clock=clock,
                                namespace={name: float(value) for name, value in constants.items()}, name="spikegate_integer")
        neurons.run_regularly(INTEGER_UPDATE.format(fit=FIT[lif.overflow]), when="groups", clock=clock, name="spikegate_update")
        neurons.v, neurons.weight = network.v0, network.weights
        objects = [neurons, monitor := b.SpikeMonitor(neurons, name="spikegate_spikes")]
        if network.synapses:
            synapses = b.Synapses(neurons, neurons, on_pre="current_post += weight_pre", delay=(network.delay - 1) * clock.dt,
                                  clock=clock, name="spikegate_synapses")
            synapses.connect(i=_rows(network), j=network.indices.astype(np.int64))
            objects.append(synapses)
        held, membrane, count = (neurons.variables[name].get_value() for name in ("events", "v", "hold"))
        rows, after = iter(events), iter(traced)

        def replay() -> None:
            held[:] = next(rows)

        def record() -> None:
            next(after)[:] = membrane

        objects.append(b.NetworkOperation(replay, when="start", clock=clock, name="spikegate_replay"))
        if trace:
            objects.append(b.NetworkOperation(record, when="end", clock=clock, name="spikegate_record"))
        b.Network(objects).run(steps * clock.dt, report=watch, report_period=0.2 * b.second, namespace={})
        final = {"v": membrane.astype(vtype), "hold": count.astype(np.uint8), "overflow": np.asarray(neurons.overflow[:]).astype(np.uint8)}
        return Recording("brian2-integer", n, steps, _spikes(monitor, network), final, {"v": traced} if trace else {},
                         provenance=watch.provenance(b, network, codegen))


def _original(b: Any, network: Network) -> tuple[Any, Any, Any, list[Any]]:
    """The float original: clock, neurons, spike monitor and the other objects of the Brian2 network."""
    bp = asked_for(network)
    clock = b.Clock(dt=network.dt_ns * b.nsecond, name="spikegate_clock")
    constants = dict(tau=bp.tau_mem * b.ms, v_rest=bp.v_rest * b.mV, v_th=bp.v_threshold * b.mV, v_reset=bp.v_reset * b.mV,
                     J=bp.weight_exc * b.mV, g=bp.g_inh)
    # R steps here as there: both drop the input of R steps and fire again after R + 1 at the earliest
    held = network.lif.refractory
    neurons = b.NeuronGroup(network.n, "dv/dt = -(v - v_rest) / tau : volt" + " (unless refractory)" * bool(held), threshold="v > v_th",
                            reset="v = v_reset", refractory=held * clock.dt if held else False, method="euler", clock=clock,
                            namespace=constants, name="spikegate_float")
    neurons.v = network.v0 / network.lif.format.one * b.mV
    monitor = b.SpikeMonitor(neurons, name="spikegate_spikes")
    rows, columns, objects = _rows(network), network.indices.astype(np.int64), [neurons, monitor]
    for name, first, last, effect in (("exc", 0, network.n_exc, "v_post += J"), ("inh", network.n_exc, network.n, "v_post -= g * J")):
        mine = (rows >= first) & (rows < last)
        if mine.any():
            synapses = b.Synapses(neurons[first:last], neurons, on_pre=effect, delay=(network.delay - 1) * clock.dt, clock=clock,
                                  namespace=constants, name=f"spikegate_{name}")
            synapses.connect(i=rows[mine] - first, j=columns[mine])
            objects.append(synapses)
    if bp.eta:
        objects.append(b.PoissonInput(neurons, "v", N=bp.c_exc, rate=bp.external_rate_hz * b.Hz, weight=bp.weight_exc * b.mV))
    return clock, neurons, monitor, objects


def run_float(network: Network, *, trace: bool = False, progress: Progress | None = None, codegen: str = "cython") -> Recording:
    """Run the float original in Brian2: forward Euler, delta synapses, `PoissonInput`.

    Parameters, drive and seed come from ``network.source`` in physical units; connectivity, initial membranes, delay,
    refractory period and length from the network. The drive is Brian2's own: agreement is statistical. Input that
    arrives in the step of a spike is lost, because the reset follows the synapses.

    Parameters and errors are those of `run_integer`; the traced and the final ``v`` are in mV, the trace in float32.
    A network without physical parameters raises `InputError`.
    """
    b = _brian2()
    traced = np.empty((network.steps if trace else 0, network.n), np.float32)
    with _device(b, "runtime", codegen):
        watch = _Stopwatch(progress)
        clock, neurons, monitor, objects = _original(b, network)
        membrane, after = neurons.variables["v"].get_value(), iter(traced)

        def record() -> None:
            np.multiply(membrane, 1e3, out=next(after), casting="same_kind")

        if trace:
            objects.append(b.NetworkOperation(record, when="end", clock=clock, name="spikegate_record"))
        b.seed(asked_for(network).seed % 2**32)
        b.Network(objects).run(network.steps * clock.dt, report=watch, report_period=0.2 * b.second, namespace={})
        return Recording("brian2-float", network.n, network.steps, _spikes(monitor, network), {"v": membrane * 1e3},
                         {"v": traced} if trace else {}, provenance=watch.provenance(b, network, codegen))


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
    b = _brian2()
    with _device(b, "cpp_standalone", directory=str(directory), build_on_run=False):
        device = b.get_device()
        try:
            watch = _Stopwatch()
            clock, neurons, monitor, objects = _original(b, network)
            b.seed(asked_for(network).seed % 2**32)
            b.Network(objects).run(network.steps * clock.dt, namespace={})
            device.build(directory=str(directory), compile=True, run=False)
            watch.first = time.perf_counter()
            device.run(str(directory), with_output=False, run_args=[])
            provenance = watch.provenance(b, network, "cpp_standalone") | {"cpu_s": device._last_run_time}
            return Recording("brian2-standalone", network.n, network.steps, _spikes(monitor, network),
                             {"v": np.asarray(neurons.v_[:]) * 1e3}, provenance=provenance)
        finally:
            device.reinit()
