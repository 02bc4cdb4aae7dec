"""What an engine returns: spikes in canonical order, final state, and, if asked, every value at every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.checks import exact_array, real, require_whole
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.files import reason, write_whole
from spikegate.models.hints import pip
from spikegate.models.network import recording_file, recording_nwb

__all__ = ["Recording"]


@dataclass(frozen=True, eq=False)
class Recording:
    """The result of one run of one engine.

    Parameters
    ----------
    engine : str
        Name of the engine.
    n, steps : int
        Size of the run.
    spikes : numpy.ndarray
        int32 (count, 2): step and neuron, ascending by step, then by neuron.
    final : Mapping of str to numpy.ndarray
        State after the last step, (n,): ``v`` raw membrane, ``hold`` refractory steps left, ``overflow`` sticky flags.
        A float engine gives ``v`` in mV alone.
    trace : Mapping of str to numpy.ndarray
        (steps, n) arrays after each step, empty unless asked for: ``v``, ``hold``, ``overflow``, and ``events`` (external).
    cycles : int, optional
        Clock cycles of the run, for hardware engines.
    provenance : Mapping
        What produced it.
    dt_ns : int, optional
        Biological time of a step in nanoseconds; every engine of this project says it.
    """

    engine: str
    n: int
    steps: int
    spikes: np.ndarray
    final: Mapping[str, np.ndarray] = field(default_factory=dict)
    trace: Mapping[str, np.ndarray] = field(default_factory=dict)
    cycles: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    dt_ns: int | None = None

    def __post_init__(self) -> None:
        require_whole(self, "n", "steps")
        spikes = np.asarray(self.spikes)
        if spikes.size and spikes.dtype.kind not in "iu":
            spikes = exact_array("spikes", spikes, np.int32, spikes.ndim)
        if spikes.size % 2:
            raise InputError(f"Spikes must be pairs of step and neuron, not {spikes.size} numbers")
        spikes = spikes.astype(np.int32, copy=False).reshape(-1, 2)
        place = spikes[:, 0].astype(np.int64) * self.n + spikes[:, 1]
        ordered = bool(np.all(place[1:] >= place[:-1]))  # as most engines give them, and sorting takes longer than simulating
        object.__setattr__(self, "spikes", spikes if ordered else spikes[np.argsort(place, kind="stable")])

    def step_ms(self, dt_ms: float | None = None) -> float:
        """Biological time of a step, its own or the one given.

        Raises
        ------
        InputError
            If neither is there, or they differ.
        """
        own = None if self.dt_ns is None else self.dt_ns / 1e6
        if dt_ms is None and own is None:
            raise InputError(f"Recording of {self.engine} does not say how long a step is; give dt_ms, such as 0.1")
        if dt_ms is not None and (not (given := real(dt_ms)) or given <= 0 or (own is not None and round(float(given) * 1e6) != self.dt_ns)):
            raise InputError(f"dt_ms must be {'a number above 0' if own is None else f'{own:g} ms, or left out'}, not {dt_ms!r}")
        return float(dt_ms if own is None else own)  # type: ignore[arg-type]  # one of them is there

    def times_ms(self, dt_ms: float | None = None) -> np.ndarray:
        """When each spike was: the beginning of its step, float64 (count,)."""
        times: np.ndarray = self.spikes[:, 0] * self.step_ms(dt_ms)
        return times

    def of(self, neurons: object) -> "Recording":
        """The recording of some neurons, ascending numbers, a mask or a slice, which are then numbered from 0.

        States that are not a neuron's are left out.

        Raises
        ------
        InputError
            If there is no such neuron, or they do not ascend.
        """
        asked: Any = neurons if isinstance(neurons, slice) else np.asarray(neurons)
        try:
            chosen = np.arange(self.n)[asked]
            chosen = chosen if isinstance(neurons, slice) or asked.dtype == bool else asked
        except IndexError:
            chosen = np.array([-1])
        if chosen.ndim != 1 or not len(chosen) or np.any(np.diff(chosen) <= 0) or chosen[0] < 0:
            raise InputError(f"Neurons must be ascending numbers in 0..{self.n - 1}, a mask of {self.n} or a slice, not {neurons!r}")
        place = np.full(self.n, -1)
        place[chosen] = np.arange(len(chosen))
        spikes = np.stack([self.spikes[:, 0], place[self.spikes[:, 1]]], axis=1)
        final = {name: values[chosen] for name, values in self.final.items() if np.shape(values) == (self.n,)}
        trace = {name: values[:, chosen] for name, values in self.trace.items() if np.shape(values) == (self.steps, self.n)}
        return replace(self, n=len(chosen), spikes=spikes[spikes[:, 1] >= 0], final=final, trace=trace)

    def save(self, path: str | Path) -> None:
        """Write everything to a file of NumPy's ``.npz``, whole or not at all; `InputError` if it cannot be written."""
        recording_file.write(path, self)

    @classmethod
    def load(cls, path: str | Path) -> "Recording":
        """Read a file that `save` wrote; `InputError` if it is absent, foreign, damaged or inconsistent."""
        return cls(**recording_file.read(path))

    def to_csv(self, path: str | Path, dt_ms: float | None = None) -> None:
        """Write a line ``time_ms,neuron`` a spike, below a line that says so; whole or not at all."""
        lines = [f"{time:.9g},{neuron}\n" for time, neuron in zip(self.times_ms(dt_ms).tolist(), self.spikes[:, 1].tolist())]
        try:
            write_whole(path, "".join(["time_ms,neuron\n", *lines]))
        except (OSError, ValueError) as error:
            raise InputError(f"File {path} cannot be written ({reason(error)}); choose another folder") from None

    def to_pandas(self, dt_ms: float | None = None) -> Any:
        """A `pandas.DataFrame` with the columns ``time_ms`` and ``neuron``."""
        return _optional("pandas").DataFrame({"time_ms": self.times_ms(dt_ms), "neuron": self.spikes[:, 1]})

    def to_neo(self, dt_ms: float | None = None) -> Any:
        """A list of `neo.SpikeTrain` in ms, one a neuron."""
        neo, times, stop = _optional("neo"), self.times_ms(dt_ms), self.steps * self.step_ms(dt_ms)
        order = np.argsort(self.spikes[:, 1], kind="stable")
        bounds = np.searchsorted(self.spikes[order, 1], np.arange(self.n + 1))
        return [neo.SpikeTrain(times[order[first:last]], units="ms", t_stop=stop, neuron=neuron)
                for neuron, (first, last) in enumerate(zip(bounds[:-1], bounds[1:]))]

    def to_nwb(self, path: str | Path, dt_ms: float | None = None, started: datetime | None = None) -> None:
        """Write a file of Neurodata Without Borders: a unit a neuron with its spike times in s and final states, and each trace as a series.

        ``started``, with a time zone, is the session's start (default now). It needs the extra ``nwb``; whole or not at all.
        """
        recording_nwb.write(path, self, self.step_ms(dt_ms), started)

    def _repr_html_(self) -> str:
        """What it holds, as a table of a notebook."""
        from spikegate.models.network.shown import html_table, recorded
        return html_table(f"Recording of {self.engine}", recorded(self))


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ToolMissing(f"{name} cannot be imported ({error}); install it with: {pip(name)}") from None
