"""What all engines in Brian2 share: the module and its global state, the clock of a run, events, traces, synapses and spikes."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from spikegate.models.cache import cache_root
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.hints import extra
from spikegate.models.network.engine import Progress
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.surroundings import clean_environment, machine

__all__ = ["Stopwatch", "device", "events_and_traces", "load_brian2", "population_synapses", "sources_of", "spikes_of"]

TARGETS = ("cython", "numpy")


def load_brian2() -> Any:
    """The module ``brian2``, or an error with the fix."""
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
def device(b: Any, name: str, codegen: str = "numpy", **options: Any) -> Iterator[None]:
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


class Stopwatch:
    """Brian2's report callback: passes progress on and notes when the first step began."""

    def __init__(self, progress: Progress | None = None):
        self.progress, self.made, self.first, self.first_cpu = progress, time.perf_counter(), 0.0, 0.0

    def __call__(self, elapsed: Any, completed: float, start: Any, duration: Any) -> None:
        if completed == 0:
            self.first, self.first_cpu = time.perf_counter(), time.process_time()
        if self.progress:
            self.progress(float(completed))

    def provenance(self, b: Any, network: Network | PointNetwork, codegen: str) -> dict[str, Any]:
        """Of a recording, with the times so far."""
        run_s, cpu_s = time.perf_counter() - self.first, time.process_time() - self.first_cpu
        return {"network": network.hash, "brian2": b.__version__, "codegen": codegen,
                "codegen_s": self.first - self.made, "run_s": run_s, "cpu_s": cpu_s}


def sources_of(network: Network) -> np.ndarray:
    """The source of each synapse, int64, in the order of ``network.indices``."""
    return np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))


def spikes_of(monitor: Any, network: Network | PointNetwork) -> np.ndarray:
    """Steps and neurons of what a monitor has seen, int32 (count, 2)."""
    steps = np.rint(np.asarray(monitor.t_[:]) / (network.dt_ns * 1e-9))
    return np.stack([steps.astype(np.int32), np.asarray(monitor.i[:], np.int32)], axis=1)


def events_and_traces(b: Any, neurons: Any, events: Iterable[Any], traced: np.ndarray, clock: Any) -> list[Any]:
    """What puts a row of external events into ``events`` at the start of each step, and ``v`` into a row of ``traced`` at its end, if it has any."""
    held, membrane = (neurons.variables[name].get_value() for name in ("events", "v"))
    rows, after = iter(events), iter(traced)

    def replay() -> None:
        held[:] = next(rows)

    def record() -> None:
        next(after)[:] = membrane

    made = [b.NetworkOperation(replay, when="start", clock=clock, name="spikegate_replay")]
    return [*made, b.NetworkOperation(record, when="end", clock=clock, name="spikegate_record")] if len(traced) else made


def population_synapses(b: Any, network: Network, neurons: Any, effects: tuple[str, str], clock: Any, namespace: Mapping[str, Any]) -> list[Any]:
    """Synapses of the excitatory and of the inhibitory sources, each with its effect at a spike, if there are any."""
    rows, columns, made = sources_of(network), network.indices.astype(np.int64), []
    for name, first, last, effect in (("exc", 0, network.n_exc, effects[0]), ("inh", network.n_exc, network.n, effects[1])):
        if (mine := (rows >= first) & (rows < last)).any():
            synapses = b.Synapses(neurons[first:last], neurons, on_pre=effect, delay=(network.delay - 1) * clock.dt, clock=clock, namespace=namespace,
                                  name=f"spikegate_{name}")
            synapses.connect(i=rows[mine] - first, j=columns[mine])
            made.append(synapses)
    return made
