"""The inside of an engine's own process: runs one job and leaves its result as files for `spikegate.cosim.isolation.run.run_isolated`."""

import os
import pickle
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from spikegate.models.errors import SpikegateError, ToolMissing
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.load import load
from spikegate.models.network.recording import Recording

__all__ = ["Result", "main", "restore"]

MAPPED_BYTES = 1 << 20


class Result(NamedTuple):
    """What came back: the recording (its arrays mapped from files), seconds in the engine, peak memory of its process in MiB."""

    recording: Recording | None
    wall_s: float
    peak_mib: float


def restore(path: Path, network: FrozenNetwork) -> Result:
    """Read the file ``result`` of a process; its network hash is set unless the engine did so."""
    fields, arrays, wall_s, peak_mib = pickle.loads(path.read_bytes())
    if fields is None:
        return Result(None, wall_s, peak_mib)
    # A mapped file outlives its name, so the arrays stay readable when the folder is gone.
    held = {}
    for number, key in enumerate(arrays):
        file = path.parent / f"{number}.npy"
        held[key] = np.load(file, mmap_mode="r" if file.stat().st_size > MAPPED_BYTES else None)
    pick: Callable[[str], dict[str, np.ndarray]] = lambda kind: {name: array for (k, name), array in held.items() if k == kind}  # noqa: E731
    fields["provenance"] = {"network": network.hash, **fields["provenance"]}
    recording = Recording(**fields, spikes=np.array(held["spikes", ""]), final=pick("final"), trace=pick("trace"))
    return Result(recording, wall_s, peak_mib)


def _store(folder: Path, recording: Recording | None, wall_s: float, peak_mib: float) -> None:
    fields, keys = None, []
    if recording is not None:
        fields = {name: getattr(recording, name) for name in ("engine", "n", "steps", "cycles", "dt_ns")} | {"provenance": dict(recording.provenance)}
        arrays = {("spikes", ""): recording.spikes}
        arrays |= {(kind, name): array for kind in ("final", "trace") for name, array in getattr(recording, kind).items()}
        for number, array in enumerate(arrays.values()):
            np.save(folder / f"{number}.npy", array)
        keys = list(arrays)
    (folder / "part").write_bytes(pickle.dumps((fields, keys, wall_s, peak_mib)))
    (folder / "part").replace(folder / "result")


def _peak_mib() -> float:
    # Linux carries the parent's ru_maxrss over fork and exec; VmHWM starts afresh at exec.
    try:
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _die_with_parent(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)


def main(folder: Path, parent: int) -> None:
    """Do the job in a folder, and end when the pipe ``parent`` does."""
    threading.Thread(target=_die_with_parent, args=(parent,), daemon=True).start()
    tempfile.tempdir = None
    network, work = pickle.loads((folder / "job").read_bytes())
    pipe = os.open(folder / "progress", os.O_WRONLY)
    last = -1.0

    def progress(fraction: float) -> None:
        nonlocal last
        if fraction - last >= 0.002:
            last = fraction
            os.write(pipe, f"{fraction:.4f}\n".encode())

    try:
        (engine, options), frozen = pickle.loads(work), load(network)
        start = time.perf_counter()
        recording = engine(frozen, progress=progress, **options)
        wall_s = time.perf_counter() - start
        peak = _peak_mib()
        _store(folder, recording if isinstance(recording, Recording) else None, wall_s, peak)
    except ModuleNotFoundError as error:
        if (error.name or "spikegate").startswith("spikegate"):
            raise
        _fail(folder, ToolMissing(f"Python package {error.name} is missing; `spikegate doctor` tells how to install it"))
    except SpikegateError as error:
        traceback.print_exc()
        _fail(folder, error)


def _fail(folder: Path, error: SpikegateError) -> NoReturn:
    (folder / "part").write_bytes(pickle.dumps((type(error).__module__, type(error).__qualname__, str(error), error.exit_code)))
    (folder / "part").replace(folder / "error")
    sys.exit(error.exit_code)
