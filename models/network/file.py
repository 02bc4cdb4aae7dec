"""The file of a frozen network, version 1.

The line ``spikegate network 1``, the line of 64 hexadecimal digits of the SHA-256 of all that follows it, one line of JSON, then the
arrays, little-endian, in the order and with the shapes that the JSON lists. There is one form for each network.
"""

import dataclasses
import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.checks import exact_array, require
from spikegate.models.errors import InputError
from spikegate.models.files import write_whole
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import Generator, StreamParams

__all__ = ["ARRAYS", "content", "read", "write"]

MAGIC = b"spikegate network 1\n"
FIX = "make it again with `spikegate network make`"
#: Arrays of the file, in order, with their types.
ARRAYS = {"indptr": "<u4", "indices": "<u4", "weights": "<i4", "seeds": "<u8", "v0": "<i4", "limits": "<u4", "external": "|u1",
          "probabilities": "<u4", "stream_seeds": "<u8"}


def _arrays(network: Any) -> dict[str, np.ndarray]:
    streams = {} if network.streams is None else {"probabilities": network.streams.probabilities, "stream_seeds": network.streams.seeds}
    held = {"limits": network.drive.limits, "probabilities": None, "stream_seeds": None, **streams}
    held = {name: held[name] if name in held else getattr(network, name) for name in ARRAYS}
    return {name: array.astype(ARRAYS[name]) for name, array in held.items() if array is not None}


def content(network: Any) -> bytes:
    """What the hash is of: header and arrays."""
    arrays = _arrays(network)
    lif = {f.name: getattr(network.lif, f.name) for f in dataclasses.fields(LifParams) if f.name != "format"}
    if network.lif.leak_fraction == network.lif.format.fraction:
        del lif["leak_fraction"]
    header = {
        "name": network.name, "n_exc": network.n_exc, "n_inh": network.n_inh, "delay": network.delay, "steps": network.steps, "dt_ns": network.dt_ns,
        "format": {"width": network.lif.format.width, "fraction": network.lif.format.fraction},
        "lif": {**lif, "rounding": network.lif.rounding.name.lower(), "overflow": network.lif.overflow.name.lower()},
        "drive": {"weight": network.drive.weight},
        "lfsr": {"width": network.lfsr.width, "taps": list(network.lfsr.taps), "leap": network.lfsr.leap},
        "source": dict(network.source),
        "arrays": [{"name": name, "dtype": ARRAYS[name], "shape": list(array.shape)} for name, array in arrays.items()],
    }
    if network.streams is not None:
        streams = network.streams
        header["streams"] = {
            "generator": streams.generator.name.lower(), "length": streams.length, "channels": streams.channels, "scale": streams.scale,
            "lfsr": {"width": streams.lfsr.width, "taps": list(streams.lfsr.taps)}, "dimensions": list(streams.dimensions)}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n" + b"".join(array.tobytes() for array in arrays.values())


def write(path: str | Path, network: Any) -> str:
    """Write the file and return the hash; see `Network.save`."""
    require("Path", path, (str, os.PathLike), "give that of a file")
    data = content(network)
    digest = hashlib.sha256(data).hexdigest()
    try:
        write_whole(path, MAGIC + digest.encode() + b"\n" + data)
    except (OSError, ValueError) as error:
        raise InputError(f"Network file {path} cannot be written ({_reason(error)}); choose another folder") from None
    return digest


def read(path: str | Path, kind: type) -> Any:
    """The network, made as ``kind``, of a file; see `Network.load`."""
    require("Path", path, (str, os.PathLike), "give that of a file")
    try:
        with open(path, "rb") as file:
            data = file.read(len(MAGIC))  # a device may have no end
            data += file.read() if data == MAGIC else b""
    except (OSError, ValueError) as error:
        raise InputError(f"Network file {path} cannot be read ({_reason(error)}); give the path of a frozen network") from None
    if not data.startswith(MAGIC):
        problem = "is of another version" if data.startswith(MAGIC[:18]) else "is no spikegate network"
        raise InputError(f"Network file {path} {problem} (it begins with {data[:20]!r}, not {MAGIC!r}); {FIX}")
    start = len(MAGIC) + 65
    digest, data = data[len(MAGIC):start], data[start:]
    found = hashlib.sha256(data).hexdigest()
    if digest != found.encode() + b"\n":
        raise InputError(f"Network file {path} is truncated or damaged (content hash is {found[:12]}…, "
                         f"the file says {digest[:12].decode(errors='replace')}…); {FIX}")
    try:
        return _parse(data, kind)
    except InputError as error:
        raise InputError(f"Network file {path} is inconsistent: {error}") from None
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"Network file {path} does not follow the layout ({type(error).__name__}: {error}); {FIX}") from None


def _parse(data: bytes, kind: type) -> Any:
    line, _, body = data.partition(b"\n")
    header, arrays, offset = json.loads(line), {}, 0
    for entry in header["arrays"]:
        dtype, shape = np.dtype(ARRAYS[entry["name"]]), exact_array("shape", entry["shape"], np.int64).tolist()
        count = math.prod(shape)
        arrays[entry["name"]] = np.frombuffer(body, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
    if offset != len(body):
        raise ValueError(f"{len(body) - offset} bytes after the last array")
    lif = dict(header["lif"], rounding=Rounding[header["lif"]["rounding"].upper()], overflow=Overflow[header["lif"]["overflow"].upper()])
    plain = {key: header[key] for key in ("name", "n_exc", "n_inh", "delay", "steps", "dt_ns", "source")}
    if streams := header.get("streams"):
        register = LfsrParams(streams["lfsr"]["width"], tuple(streams["lfsr"]["taps"]), streams["length"])
        plain["streams"] = StreamParams(
            arrays.pop("probabilities"), streams["scale"], Generator[streams["generator"].upper()], streams["length"], streams["channels"],
            register, arrays.pop("stream_seeds"), tuple(streams["dimensions"]))
    lfsr = LfsrParams(header["lfsr"]["width"], tuple(header["lfsr"]["taps"]), header["lfsr"]["leap"])
    network = kind(**plain, lif=LifParams(QFormat(**header["format"]), **lif), lfsr=lfsr,
                   drive=DriveParams(arrays.pop("limits"), **header["drive"]), **arrays)
    if content(network) != data:
        raise ValueError("it says the same in another form")
    return network


def _reason(error: Exception) -> object:
    return getattr(error, "strerror", None) or error
