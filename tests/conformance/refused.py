"""Files that a reader has to refuse, each with the reason: those of section 8 of docs/arithmetic.md and of section 4 of docs/point_networks.md."""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from conformance.networks import NETWORKS
from point_files import File
from test_arithmetic_engine import damaged
from test_point_reader import REFUSED

from spikegate.models.network import container, file
from spikegate.models.network.network import Network

__all__ = ["refused"]

#: Files of one phrase of a page, at most.
MOST = 5
Change = Callable[[dict[str, Any], dict[str, np.ndarray]], object]


def _entry(name: str, at: object, value: object) -> Change:
    return lambda header, arrays: arrays[name].__setitem__(at, value)


def _text(where: str, value: object) -> Change:
    return lambda header, arrays: header.update({where: value})


def _of(part: str, **values: object) -> Change:
    return lambda header, arrays: header[part].update(values)


def _more(name: str, array: np.ndarray) -> Change:
    return lambda header, arrays: arrays.update({name: array})


#: Beyond what `damaged` has: reason -> what is done to a good file of version 1 without streams.
FIRST: dict[str, Change] = {
    "no neurons at all": lambda header, arrays: (header.update(n_exc=0, n_inh=0), arrays.update(
        {name: values[:1 if name == "indptr" else 0] for name, values in arrays.items() if name != "limits"})),
    "targets that repeat": lambda header, arrays: arrays.update(indptr=np.array([0, 2, 2], "<u4"), indices=np.array([1, 1], "<u4")),
    "targets that do not ascend": lambda header, arrays: arrays.update(indptr=np.array([0, 2, 2], "<u4"), indices=np.array([1, 0], "<u4")),
    "indptr that does not begin with 0": _entry("indptr", 0, 1), "indptr that does not end with the number of synapses": _entry("indptr", 2, 1),
    "a leap of 31": _of("lfsr", leap=31), "taps that do not descend": _of("lfsr", taps=[64, 60, 61]), "no taps": _of("lfsr", taps=[]),
    "taps that do not begin with the width": _of("lfsr", taps=[63, 61, 60]), "a register of 65 bits": _of("lfsr", width=65, taps=[65, 64]),
    "a format of 33 bits": _of("format", width=33), "no fraction bits": _of("format", fraction=0),
    "width and fraction of 55 bits": _of("format", width=32, fraction=23), "a rounding of another name": _of("lif", rounding="up"),
    "an overflow of another name": _of("lif", overflow="clip"), "a refractory period of 256 steps": _of("lif", refractory=256),
    "a leak fraction of 29 bits": _of("lif", leak_fraction=29), "rest outside the format": _of("lif", rest=-32769),
    "reset outside the format": _of("lif", reset=-32769), "a weight outside the format": _entry("weights", 0, 32768),
    "a drive weight outside the format": _of("drive", weight=32768), "time above a second": _text("dt_ns", 10**9 + 1),
    "steps of 2^31": _text("steps", 1 << 31),
    "a title with a tabulator": _text("name", "a\tb"), "a title with a format character": _text("name", "a\u00adb"),
    "a title with a space that does not break": _text("name", "a\u00a0b"), "a title with half a surrogate pair": _text("name", "\ud800"),
    "a title with a character for private use": _text("name", "\ue000"),
    "a title with a character that Unicode has not assigned": _text("name", "\u0378"),
    "a number as the title": _text("name", 5), "a list in source": _text("source", {"a": []}), "an object in source": _text("source", {"a": {}}),
    "null in source": _text("source", {"a": None}), "a list as source": _text("source", []),
    "infinity in source": _text("source", {"a": float("inf")}),
    "a name in source that is not printable": _text("source", {"a\n": 1}),
    "external events of another shape": _more("external", np.zeros((12, 3), "|u1")),
    "external events of another type": _more("external", np.zeros((12, 2), "<u2")),
    "probabilities without streams": _more("probabilities", np.zeros(2, "<u4")), "an array that no page knows": _more("more", np.zeros(2, "<u4")),
}
#: The same for a file with streams of registers.
STREAMS: dict[str, Change] = {
    "a length of 96": _of("streams", length=96), "a length of 32": _of("streams", length=32), "a length of 2,048": _of("streams", length=2048),
    "no channels": _of("streams", channels=0), "nine channels": _of("streams", channels=9), "a scale of 0": _of("streams", scale=0),
    "a scale outside the format": _of("streams", scale=1 << 15), "a generator of another name": _of("streams", generator="random"),
    "dimensions of registers": _of("streams", dimensions=[0, 1, 2]), "a key of streams more": _of("streams", bits=16),
    "a probability above 2^16": _entry("probabilities", 0, 65537), "a register of streams that holds 0": _entry("stream_seeds", 0, 0),
    "registers of streams with two taps": lambda header, arrays: header["streams"]["lfsr"].update(taps=[61, 60]),
    "fewer registers than 16 for each channel": lambda header, arrays: arrays.update(stream_seeds=arrays["stream_seeds"][:-1]),
}
#: The same for a file with streams from Sobol numbers.
SOBOL: dict[str, Change] = {
    "a dimension of 32": _of("streams", dimensions=[32, 1]), "two equal dimensions": _of("streams", dimensions=[1, 1]),
    "fewer dimensions than channels": _of("streams", dimensions=[1]), "registers of Sobol numbers": _more("stream_seeds", np.ones(32, "<u8")),
}
#: Reason -> a part of the header's text, and what is written in its place.
EMPTY = '"source":{}'
WRITTEN: dict[str, tuple[str, str]] = {
    "a float that is not the shortest": (EMPTY, '"source":{"a":0.10}'), "a float of more digits": (EMPTY, '"source":{"a":0.1000000000000000055}'),
    "an exponent in another form": (EMPTY, '"source":{"a":1e22}'), "a number with a zero before it": ('"delay":2', '"delay":02'),
    "minus zero": ('"rest":0', '"rest":-0'), "a letter as an escape": ('"pair"', '"p\\u0061ir"'), "an escape with capitals": ('"pair"', '"p\\u00E9"'),
    "no number": (EMPTY, '"source":{"a":NaN}'), "a comma too many": (EMPTY, '"source":{},'),
    "a name in source twice": (EMPTY, '"source":{"a":1,"a":1}'),
}


def _changed(network: Network, change: Change) -> bytes:
    """The file of a network after a change, with the hash of what it holds."""
    header, arrays = container.unpack(file.content(network), file.ARRAYS.__getitem__)
    held = {name: array.copy() for name, array in arrays.items()}
    change(header, held)
    content = container.pack(header, held)
    return b"spikegate network 1\n" + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _rewritten(data: bytes, old: str, new: str) -> bytes:
    """The header's text with something in another form, hashed anew."""
    magic, _, content = data.split(b"\n", 2)
    line, body = content.split(b"\n", 1)
    assert line.count(old.encode()) == 1, old
    content = line.replace(old.encode(), new.encode()) + b"\n" + body
    return magic + b"\n" + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _first() -> Iterator[tuple[str, bytes]]:
    pair = NETWORKS["1-pair"]()
    assert isinstance(pair, Network)
    data = b"spikegate network 1\n" + pair.hash.encode() + b"\n" + file.content(pair)
    yield from damaged(data).items()
    for reason, change in FIRST.items():
        yield reason, _changed(pair, change)
    for reason, name, changes in (("registers", "1-lfsr", STREAMS), ("Sobol numbers", "1-sobol-1024", SOBOL)):
        network = NETWORKS[name]()
        assert isinstance(network, Network) and network.streams
        for what, change in changes.items():
            yield f"{what} (streams of {reason})", _changed(network, change)
    for reason, (old, new) in WRITTEN.items():
        yield reason, _rewritten(data, old, new)


def _points() -> Iterator[tuple[str, bytes]]:
    for phrase, (_, changes) in REFUSED.items():
        for change in changes[::-(-len(changes) // MOST)]:
            made = File()
            change(made)
            yield phrase.replace("`", ""), made.data()


def refused() -> dict[str, tuple[str, bytes]]:
    """Name of a file -> the reason, and its bytes."""
    found: dict[str, tuple[str, bytes]] = {}
    for version, files in ((1, _first()), (2, _points())):
        for number, (reason, data) in enumerate(files, 1):
            found[f"{version}-{number:03}-" + re.sub(r"[^a-z0-9]+", "-", reason.lower()).strip("-")[:40].strip("-")] = (reason, data)
    return found
