"""How a network file begins, whatever its version: a line that says which, the line of a SHA-256 of all that follows, and the content."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.checks import exact_array, require
from spikegate.models.errors import InputError
from spikegate.models.files import reason, write_whole

__all__ = ["FIX", "MAGIC", "Later", "pack", "pieces", "unpack", "write", "read"]

MAGIC = "spikegate network {}\n"
FIX = "make it again with `spikegate network make`"


@dataclass(frozen=True)
class Later:
    """An array that is made when its turn comes, and not kept."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    make: Callable[[], np.ndarray]

    def tobytes(self) -> bytes:
        """Its content."""
        return self.make().astype(self.dtype).tobytes()


def pieces(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray | Later]) -> Iterator[bytes]:
    """Content: a line of JSON with sorted keys and no spaces, which lists the arrays, and the arrays without gaps."""
    listed = [{"name": name, "dtype": array.dtype.str, "shape": list(array.shape)} for name, array in arrays.items()]
    yield json.dumps({**header, "arrays": listed}, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    for array in arrays.values():
        yield array.tobytes()


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray | Later]) -> bytes:
    """All `pieces` in one."""
    return b"".join(pieces(header, arrays))


def unpack(data: bytes, types: Callable[[str], str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a content; ``types`` gives the type of an array by its name, or raises LookupError."""
    line, _, body = data.partition(b"\n")
    header, arrays, offset = json.loads(line), {}, 0
    for entry in header.pop("arrays"):
        dtype, shape = np.dtype(types(entry["name"])), exact_array("shape", entry["shape"], np.int64).tolist()
        count = math.prod(shape)
        arrays[entry["name"]] = np.frombuffer(body, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
    if offset != len(body):
        raise ValueError(f"{len(body) - offset} bytes after the last array")
    return header, arrays


def write(path: str | Path, version: int, data: bytes) -> str:
    """Write the file, whole or not at all, and return the hash.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    require("Path", path, (str, os.PathLike), "give that of a file")
    digest = hashlib.sha256(data).hexdigest()
    try:
        write_whole(path, MAGIC.format(version).encode() + digest.encode() + b"\n" + data)
    except (OSError, ValueError) as error:
        raise InputError(f"Network file {path} cannot be written ({reason(error)}); choose another folder") from None
    return digest


def read(path: str | Path, parsers: Mapping[int, Callable[[bytes], Any]]) -> Any:
    """The network of a file, made by the parser of its version.

    Raises
    ------
    InputError
        If the file is absent, foreign, of another version, truncated, damaged or inconsistent, or says the same in another form.
    """
    require("Path", path, (str, os.PathLike), "give that of a file")
    size, magics = len(MAGIC.format(1)), {MAGIC.format(version).encode(): version for version in parsers}
    try:
        with open(path, "rb") as file:
            data = file.read(size)  # a device may have no end
            data += file.read() if data in magics else b""
    except (OSError, ValueError) as error:
        raise InputError(f"Network file {path} cannot be read ({reason(error)}); give the path of a frozen network") from None
    if data[:size] not in magics:
        problem = "is of another version" if data.startswith(MAGIC.format("").rstrip("\n").encode()) else "is no spikegate network"
        raise InputError(f"Network file {path} {problem} (it begins with {data[:20]!r}, not {' or '.join(map(repr, magics))}); {FIX}")
    start = size + 65
    digest, content = data[size:start], data[start:]
    found = hashlib.sha256(content).hexdigest()
    if digest != found.encode() + b"\n":
        raise InputError(f"Network file {path} is truncated or damaged (content hash is {found[:12]}…, "
                         f"the file says {digest[:12].decode(errors='replace')}…); {FIX}")
    try:
        return parsers[magics[data[:size]]](content)
    except InputError as error:
        raise InputError(f"Network file {path} is inconsistent: {error}") from None
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"Network file {path} does not follow the layout ({type(error).__name__}: {error}); {FIX}") from None
