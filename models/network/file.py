"""The file of a frozen network, version 1.

The line ``spikegate network 1``, the line of 64 hexadecimal digits of the SHA-256 of all that follows it, one line of JSON, then the
arrays, little-endian, in the order and with the shapes that the JSON lists. There is one form for each network.
"""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.network import container
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import Generator, StreamParams

__all__ = ["ARRAYS", "VERSION", "content", "parse", "read", "write"]

VERSION = 1
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
    }
    if network.streams is not None:
        streams = network.streams
        header["streams"] = {
            "generator": streams.generator.name.lower(), "length": streams.length, "channels": streams.channels, "scale": streams.scale,
            "lfsr": {"width": streams.lfsr.width, "taps": list(streams.lfsr.taps)}, "dimensions": list(streams.dimensions)}
    return container.pack(header, arrays)


def write(path: str | Path, network: Any) -> str:
    """Write the file and return the hash; see `Network.save`."""
    return container.write(path, VERSION, content(network))


def read(path: str | Path, kind: type) -> Any:
    """The network, made as ``kind``, of a file; see `Network.load`."""
    return container.read(path, {VERSION: partial(parse, kind=kind)})


def parse(data: bytes, kind: type) -> Any:
    """The network, made as ``kind``, of a content."""
    header, arrays = container.unpack(data, ARRAYS.__getitem__)
    lif = dict(header["lif"], rounding=Rounding[header["lif"]["rounding"].upper()], overflow=Overflow[header["lif"]["overflow"].upper()])
    plain = {key: header[key] for key in ("name", "n_exc", "n_inh", "delay", "steps", "dt_ns", "source")}
    if streams := header.get("streams"):
        if streams["dimensions"] if streams["generator"] == "lfsr" else len(arrays["stream_seeds"]):
            raise ValueError("it says of a generator of streams what another one takes")
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
