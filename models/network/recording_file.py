"""The file of a recording: arrays of NumPy's ``.npz``, a header in JSON among them, and a SHA-256 of all of it."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.files import reason, write_whole

__all__ = ["read", "write"]

MAGIC, FIX = "spikegate recording 1", "save it again with Recording.save"
PLAIN = ("engine", "n", "steps", "cycles", "dt_ns", "provenance")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value.tolist() if isinstance(value, np.ndarray) else str(value)


def _digest(arrays: dict[str, np.ndarray]) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return found.hexdigest()


def write(path: str | Path, recording: Any) -> None:
    """Write the file; see `Recording.save`."""
    header = {"magic": MAGIC, **{name: getattr(recording, name) for name in PLAIN}}
    header["provenance"] = dict(header["provenance"])
    arrays = {"header": np.frombuffer(json.dumps(header, sort_keys=True, default=_plain).encode(), np.uint8), "spikes": recording.spikes}
    arrays |= {f"{kind}.{name}": np.asarray(values) for kind in ("final", "trace") for name, values in getattr(recording, kind).items()}
    data = io.BytesIO()
    np.savez(data, allow_pickle=False, sha256=np.array(_digest(arrays)), **arrays)
    try:
        write_whole(path, data.getvalue())
    except (OSError, ValueError) as error:
        raise InputError(f"Recording {path} cannot be written ({reason(error)}); choose another folder") from None


def read(path: str | Path) -> dict[str, Any]:
    """What the recording of a file is made of; see `Recording.load`."""
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"Recording {path} cannot be read ({reason(error)}); give the path of a saved one") from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        digest, header = str(arrays.pop("sha256")), dict[str, Any](json.loads(arrays["header"].tobytes()))
        if header.pop("magic") != MAGIC or header.keys() != {*PLAIN}:
            raise ValueError("another version")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"Recording {path} is foreign, truncated or damaged ({error}); {FIX}") from None
    if digest != _digest(arrays):
        raise InputError(f"Recording {path} is damaged (its content hash is not the one it says); {FIX}")
    header["spikes"] = arrays["spikes"]
    for kind in ("final", "trace"):
        header[kind] = {name.partition(".")[2]: values for name, values in arrays.items() if name.startswith(kind + ".")}
    if problem := _inconsistent(header):
        raise InputError(f"Recording {path} is inconsistent: {problem}; {FIX}")
    return header


def _inconsistent(found: dict[str, Any]) -> str | None:
    n, steps, spikes = found["n"], found["steps"], found["spikes"]
    if spikes.shape != (len(spikes), 2) or spikes.dtype != np.int32:
        return f"spikes are {spikes.dtype.name} {spikes.shape}, not int32 (count, 2)"
    if len(spikes) and not (0 <= spikes.min() and spikes[:, 0].max() < steps and spikes[:, 1].max() < n):
        return f"a spike is outside of {steps} steps and {n} neurons"
    wrong = [f"trace {name} is {values.shape}, not ({steps}, …)" for name, values in found["trace"].items() if values.shape[:1] != (steps,)]
    return wrong[0] if wrong else None
