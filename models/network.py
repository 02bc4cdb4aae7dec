"""The frozen network: the contract between all engines, kept in one file with a content hash.

File layout, version 1: the line ``spikegate network 1``, the line of 64 hexadecimal digits of the SHA-256 of all that
follows it, one line of JSON, then the arrays, little-endian, in the order and with the shapes that the JSON lists.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from spikegate.models.drive import DriveParams
from spikegate.models.errors import InputError, Problems
from spikegate.models.fixed import Overflow, QFormat, Rounding
from spikegate.models.lfsr import LfsrParams
from spikegate.models.lif import LifParams
from spikegate.models.streams import Generator, StreamParams

__all__ = ["MAX_DELAY", "Network"]

MAGIC = b"spikegate network 1\n"
MAX_DELAY = 63
FIX = "make it again with `spikegate network make`"
#: Arrays of the file, in order, with their types.
ARRAYS = {"indptr": "<u4", "indices": "<u4", "weights": "<i4", "seeds": "<u8", "v0": "<i4", "limits": "<u4", "external": "|u1",
          "probabilities": "<u4", "stream_seeds": "<u8"}


@dataclass(frozen=True, eq=False)
class Network:
    """Populations, connectivity, parameters, random streams, initial state and length of one run.

    Parameters
    ----------
    name : str
        Preset or title.
    n_exc, n_inh : int
        Neurons 0..n_exc-1 are excitatory, the rest inhibitory.
    lif : LifParams
        Of every neuron; gain must be 1.0 (weights carry it).
    drive : DriveParams
        External events of every neuron.
    lfsr : LfsrParams
        Of every neuron's stream; width at least 32 + leak_fraction, leap at least 32 and no longer than the lowest tap.
    indptr, indices : numpy.ndarray
        uint32, rows by source (CSR): targets of source s are ``indices[indptr[s]:indptr[s+1]]``, ascending.
    weights : numpy.ndarray
        int32 (n,), raw step of the membrane at each target of that source.
    seeds : numpy.ndarray
        uint64 (n,), LFSR state of each neuron before step 0.
    v0 : numpy.ndarray
        int32 (n,), raw membrane before step 0; no neuron starts refractory and no spike is under way.
    delay : int
        Steps, 1..63: a spike of step t is input of step t + delay.
    steps : int
        Length of the run.
    dt_ns : int
        Biological time of a step in nanoseconds.
    source : Mapping
        What was asked for, in physical units, as the translator wrote it.
    external : numpy.ndarray, optional
        uint8 (steps, n), the external events of each step, recorded for engines with another generator.
    streams : StreamParams, optional
        Synapses made of bitstreams, for the engines of `spikegate.models.hybrid`; their probabilities stand in for the weights,
        whose signs still count.

    Raises
    ------
    InputError
        With everything that is inconsistent.
    """

    name: str
    n_exc: int
    n_inh: int
    lif: LifParams
    drive: DriveParams
    lfsr: LfsrParams
    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    seeds: np.ndarray
    v0: np.ndarray
    delay: int
    steps: int
    dt_ns: int
    source: Mapping = field(default_factory=dict)
    external: np.ndarray | None = None
    streams: StreamParams | None = None

    def __post_init__(self):
        for name in ("indptr", "indices", "weights", "seeds", "v0", "external"):
            if (array := getattr(self, name)) is not None:
                array = np.array(array, dtype=ARRAYS[name])
                array.flags.writeable = False
                object.__setattr__(self, name, array)
        self._check()

    def _check(self):
        problems, n, q = Problems(), self.n, self.lif.format
        need = problems.require
        need(min(self.n_exc, self.n_inh) >= 0 and n >= 1, f"N must be at least 1 neuron, not {self.n_exc} + {self.n_inh}; raise n_exc or n_inh")
        need(1 <= self.delay <= MAX_DELAY, f"Delay must be in 1..{MAX_DELAY} steps, not {self.delay}; change the delay or dt")
        need(self.steps >= 1, f"Steps must be at least 1, not {self.steps}; run for longer than dt")
        need(self.dt_ns >= 1, f"dt must be at least 1 ns, not {self.dt_ns} ns")
        need(self.lif.gain == q.one, f"Gain in a network must be 1.0 ({q.one} raw), not {self.lif.gain}; fold it into the weights")
        need(self.lfsr.width >= 32 + self.lif.leak_fraction and 32 <= self.lfsr.leap <= self.lfsr.taps[-1],
             f"LFSR of a network must have at least {32 + self.lif.leak_fraction} bits and a leap in 32..lowest tap, "
             f"not {self.lfsr.width} bits, leap {self.lfsr.leap}, taps {self.lfsr.taps}")
        for name, size in (("indptr", n + 1), ("weights", n), ("seeds", n), ("v0", n)):
            need(getattr(self, name).shape == (size,), f"Array {name} must have {size} entries, not {getattr(self, name).shape}")
        if self.external is not None:
            need(self.external.shape == (self.steps, n), f"Array external must be ({self.steps}, {n}), not {self.external.shape}")
        problems.raise_any()
        indptr = self.indptr.astype(np.int64)
        need(indptr[0] == 0 and indptr[-1] == len(self.indices) and bool(np.all(np.diff(indptr) >= 0)),
             f"Array indptr must ascend from 0 to {len(self.indices)}")
        problems.raise_any()
        rows = np.repeat(np.arange(n), np.diff(indptr))
        need(len(rows) == 0 or int(self.indices.max()) < n, f"Targets must be below N={n}")
        same = rows[1:] == rows[:-1]
        need(bool(np.all(self.indices[1:][same] > self.indices[:-1][same])), "Targets of each source must ascend without repeats")
        for name in ("weights", "v0"):
            low, high = int(getattr(self, name).min()), int(getattr(self, name).max())
            need(q.holds(low) and q.holds(high), f"Array {name} holds {low}..{high}, outside {q} ({q.min}..{q.max}); use a wider format")
        need(q.holds(self.drive.weight), f"Drive weight {self.drive.weight} is outside {q} ({q.min}..{q.max}); use a wider format")
        need(bool(np.all(self.seeds > 0)) and int(self.seeds.max()) <= self.lfsr.mask, f"Seeds must be in 1..2^{self.lfsr.width}-1")
        problems.raise_any()
        weight = np.abs(self.weights.astype(np.int64))[rows]
        if self.streams is not None:
            need(self.streams.probabilities.shape == (n,), f"Stream probabilities must have {n} entries, not {self.streams.probabilities.shape}")
            need(q.holds(self.streams.scale), f"Stream scale {self.streams.scale} is outside {q} ({q.min}..{q.max}); use a wider format")
            weight = np.maximum(weight, self.streams.scale)
        worst = int(np.bincount(self.indices, weight, n).max()) + abs(self.drive.weight) * len(self.drive.limits)
        limit = (1 << (self.lif.input_width - 1)) - 1
        need(worst <= limit, f"Input of a neuron may reach {worst} raw when all its sources fire, above the limit of {limit} "
             f"({self.lif.input_width} bits); use a wider format or weaker weights")
        problems.raise_any()

    @property
    def n(self) -> int:
        """All neurons."""
        return self.n_exc + self.n_inh

    @property
    def synapses(self) -> int:
        """Recurrent connections."""
        return len(self.indices)

    @property
    def max_windows(self) -> int:
        """Windows of bitstreams that a run could take if every neuron fired in every step."""
        return self.steps * max(self.synapses, 1)

    def require_streams(self) -> StreamParams:
        """The streams.

        Raises
        ------
        InputError
            If there are none.
        """
        if self.streams is None:
            raise InputError(f"Network {self.name!r} has no bitstream synapses; make it with --variant v4, v13 or v14")
        return self.streams

    @property
    def seconds(self) -> float:
        """Biological time of the run."""
        return self.steps * self.dt_ns * 1e-9

    def replace(self, **changes) -> "Network":
        """A copy with some fields changed; recorded external events are dropped unless given."""
        return dataclasses.replace(self, **{"external": None, **changes})

    def bitmap(self) -> np.ndarray:
        """Connectivity as bool (source, target)."""
        dense = np.zeros((self.n, self.n), dtype=bool)
        dense[np.repeat(np.arange(self.n), np.diff(self.indptr.astype(np.int64))), self.indices] = True
        return dense

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""
        return hashlib.sha256(self._content()).hexdigest()

    def _arrays(self):
        streams = {} if self.streams is None else {"probabilities": self.streams.probabilities, "stream_seeds": self.streams.seeds}
        held = {"limits": self.drive.limits, "probabilities": None, "stream_seeds": None, **streams}
        held = {name: held[name] if name in held else getattr(self, name) for name in ARRAYS}
        return {name: array.astype(ARRAYS[name]) for name, array in held.items() if array is not None}

    def _content(self) -> bytes:
        arrays = self._arrays()
        lif = {f.name: getattr(self.lif, f.name) for f in dataclasses.fields(LifParams) if f.name != "format"}
        if self.lif.leak_fraction == self.lif.format.fraction:
            del lif["leak_fraction"]
        header = {
            "name": self.name, "n_exc": self.n_exc, "n_inh": self.n_inh, "delay": self.delay, "steps": self.steps, "dt_ns": self.dt_ns,
            "format": {"width": self.lif.format.width, "fraction": self.lif.format.fraction},
            "lif": {**lif, "rounding": self.lif.rounding.name.lower(), "overflow": self.lif.overflow.name.lower()},
            "drive": {"weight": self.drive.weight},
            "lfsr": {"width": self.lfsr.width, "taps": list(self.lfsr.taps), "leap": self.lfsr.leap},
            "source": dict(self.source),
            "arrays": [{"name": name, "dtype": ARRAYS[name], "shape": list(array.shape)} for name, array in arrays.items()],
        }
        if self.streams is not None:
            streams = self.streams
            header["streams"] = {
                "generator": streams.generator.name.lower(), "length": streams.length, "channels": streams.channels, "scale": streams.scale,
                "lfsr": {"width": streams.lfsr.width, "taps": list(streams.lfsr.taps)}, "dimensions": list(streams.dimensions)}
        text = json.dumps(header, sort_keys=True, separators=(",", ":"))
        return text.encode() + b"\n" + b"".join(array.tobytes() for array in arrays.values())

    def save(self, path) -> str:
        """Write the file, whole or not at all, and return the content hash.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        path, content = Path(path), self._content()
        digest = hashlib.sha256(content).hexdigest()
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(MAGIC + digest.encode() + b"\n" + content)
            part.replace(path)
        except OSError as error:
            raise InputError(f"Network file {path} cannot be written ({error.strerror}); choose another folder") from None
        return digest

    @classmethod
    def load(cls, path) -> "Network":
        """Read a file that `save` wrote.

        Raises
        ------
        InputError
            If the file is absent, foreign, of another version, truncated or damaged.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"Network file {path} cannot be read ({error.strerror}); give the path of a frozen network") from None
        if not data.startswith(MAGIC):
            kind = "is of another version" if data.startswith(MAGIC[:18]) else "is no spikegate network"
            raise InputError(f"Network file {path} {kind} (it begins with {data[:20]!r}, not {MAGIC!r}); {FIX}")
        start = len(MAGIC) + 65
        digest, content = data[len(MAGIC):start], data[start:]
        found = hashlib.sha256(content).hexdigest()
        if digest != found.encode() + b"\n":
            raise InputError(f"Network file {path} is truncated or damaged (content hash is {found[:12]}…, "
                             f"the file says {digest[:12].decode(errors='replace')}…); {FIX}")
        try:
            return cls._parse(content)
        except (KeyError, TypeError, AttributeError, UnicodeError, ValueError) as error:
            if isinstance(error, InputError):
                raise InputError(f"Network file {path} is inconsistent: {error}") from None
            raise InputError(f"Network file {path} does not follow the layout ({type(error).__name__}: {error}); {FIX}") from None

    @classmethod
    def _parse(cls, content: bytes) -> "Network":
        line, _, body = content.partition(b"\n")
        header, arrays, offset = json.loads(line), {}, 0
        for entry in header["arrays"]:
            dtype, count = np.dtype(ARRAYS[entry["name"]]), int(np.prod(entry["shape"], dtype=np.int64))
            arrays[entry["name"]] = np.frombuffer(body, dtype, count, offset).reshape(entry["shape"])
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
        return cls(**plain, lif=LifParams(QFormat(**header["format"]), **lif), lfsr=lfsr,
                   drive=DriveParams(arrays.pop("limits"), **header["drive"]), **arrays)
