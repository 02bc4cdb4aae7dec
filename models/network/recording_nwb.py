"""A recording as a file of Neurodata Without Borders (NWB 2), written by pynwb: a unit a neuron, and a series for each trace."""

import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.files import reason, whole_file
from spikegate.models.hints import extra

if TYPE_CHECKING:
    from spikegate.models.network.recording import Recording

__all__ = ["write"]


def write(path: str | Path, recording: "Recording", step_ms: float, started: datetime | None = None) -> None:
    """Write the file; see `Recording.to_nwb`."""
    try:
        import pynwb
    except ImportError as error:
        raise ToolMissing(f"pynwb cannot be imported ({error}); install it with: {extra('nwb')}") from None
    said = json.dumps(dict(recording.provenance), sort_keys=True, default=str)
    network = str(recording.provenance.get("network", "unknown"))
    file = pynwb.NWBFile(session_description=f"Spikes of {recording.n:,} neurons over {recording.steps:,} steps by {recording.engine}",
                         identifier=f"{network}-{recording.engine}", session_start_time=started or datetime.now(UTC), notes=said,
                         source_script_file_name="spikegate", source_script="Recording.to_nwb")
    _units(file, recording, step_ms)
    for name, values in recording.trace.items():
        unit = "mV" if np.asarray(values).dtype.kind == "f" else "raw"
        file.add_acquisition(pynwb.TimeSeries(name=name, data=np.asarray(values), unit=unit, rate=1e3 / step_ms, starting_time=0.0,
                                              description="After each step, a column a neuron"))
    _save(path, lambda part: pynwb.NWBHDF5IO(part, "w"), file)


def _units(file: Any, recording: "Recording", step_ms: float) -> None:
    """The table of units: times in seconds, what was observed, and the final states of each neuron."""
    final = {f"final_{name}": np.asarray(values) for name, values in recording.final.items() if np.shape(values) == (recording.n,)}
    for name in final:
        file.add_unit_column(name, f"State {name.removeprefix('final_')} after the last step")
    order = np.argsort(recording.spikes[:, 1], kind="stable")
    seconds = recording.spikes[order, 0] * step_ms / 1e3
    bounds = np.searchsorted(recording.spikes[order, 1], np.arange(recording.n + 1))
    whole = [[0.0, recording.steps * step_ms / 1e3]]
    for neuron, (first, last) in enumerate(zip(bounds[:-1], bounds[1:])):
        file.add_unit(id=neuron, spike_times=seconds[first:last], obs_intervals=whole, **{name: values[neuron] for name, values in final.items()})


def _save(path: str | Path, opened: Callable[[str], Any], file: Any) -> None:
    try:
        with whole_file(path) as part, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The file path provided")  # is not the one that the file will have
            with opened(str(part)) as io:
                io.write(file)
    except (OSError, ValueError) as error:
        raise InputError(f"File {path} cannot be written ({reason(error)}); choose another folder") from None
