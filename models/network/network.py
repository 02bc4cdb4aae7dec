"""The frozen network: the contract between all engines, kept in one file with a content hash."""

import dataclasses
import hashlib
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from spikegate.models.checks import exact_array, plain, require, require_type, require_whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.network import file
from spikegate.models.network.described import FIXED, DescribedNetwork
from spikegate.models.network.rows import Rows, make_rows
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import StreamParams

__all__ = ["FIXED", "MAX_DELAY", "MAX_DT_NS", "MAX_STEPS", "Network", "require_network"]

MAX_DELAY = 63
#: Recordings count steps in 32 bits.
MAX_STEPS = (1 << 31) - 1
MAX_DT_NS = 10**9


@dataclass(frozen=True, eq=False)
class Network(DescribedNetwork):
    """Populations, connectivity, parameters, random streams, initial state and length of one run.

    Parameters
    ----------
    name : str
        Preset or title, printable.
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
        Length of the run, 1..2^31-1.
    dt_ns : int
        Biological time of a step in nanoseconds, at most a second.
    source : Mapping
        What was asked for, in physical units, as the translator wrote it: names to numbers, truth values or printable text.
    external : numpy.ndarray, optional
        uint8 (steps, n), the external events of each step, used by every engine in place of its own draw; hardware refuses others than it draws.
    streams : StreamParams, optional
        Synapses that use stochastic bitstreams, for the engines of `spikegate.models.core.stream_engine`; their probabilities stand in for the
        weights, whose signs still count.

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
    source: Mapping[str, Any] = field(default_factory=dict)
    external: np.ndarray | None = None
    streams: StreamParams | None = None

    def __post_init__(self) -> None:
        require_whole(self, "n_exc", "n_inh", "delay", "steps", "dt_ns")
        for name, kind in (("name", str), ("lif", LifParams), ("drive", DriveParams), ("lfsr", LfsrParams), ("source", Mapping)):
            require_type(self, name, kind)
        if self.streams is not None:
            require_type(self, "streams", StreamParams)
        for name in ("indptr", "indices", "weights", "seeds", "v0"):
            object.__setattr__(self, name, exact_array(name, getattr(self, name), file.ARRAYS[name]))
        if self.external is not None:
            object.__setattr__(self, "external", exact_array("external", self.external, file.ARRAYS["external"], 2))
        self._check()

    def _check(self) -> None:
        problems, n, q = Problems(), self.n, self.lif.format
        need = problems.require
        need(min(self.n_exc, self.n_inh) >= 0 and n >= 1, f"N must be at least 1 neuron, not {self.n_exc} + {self.n_inh}; raise n_exc or n_inh")
        need(1 <= self.delay <= MAX_DELAY, f"Delay must be in 1..{MAX_DELAY} steps, not {self.delay}; change the delay or dt")
        need(1 <= self.steps <= MAX_STEPS, f"Steps must be in 1..{MAX_STEPS}, not {self.steps}; run for longer than dt, or in several runs")
        need(1 <= self.dt_ns <= MAX_DT_NS, f"dt must be in 1..{MAX_DT_NS} ns, not {self.dt_ns} ns")
        need(self.name.isprintable(), f"Name must be printable, not {self.name!r}")
        for key, value in self.source.items():
            need(isinstance(key, str) and key.isprintable() and plain(value), "Source must give printable names to numbers, truth values or "
                 f"printable text, not {reprlib.repr(key)} to {reprlib.repr(value)}")
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
            need(q.holds(low) and q.holds(high), f"Array {name} holds {low}..{high}, outside {q} ({q.min}..{q.max}); "
                 f"{q.wider(high if q.holds(low) else low)}")
        need(q.holds(self.drive.weight), f"Drive weight {self.drive.weight} is outside {q} ({q.min}..{q.max}); {q.wider(self.drive.weight)}")
        need(bool(np.all(self.seeds > 0)) and int(self.seeds.max()) <= self.lfsr.mask, f"Seeds must be in 1..2^{self.lfsr.width}-1")
        problems.raise_any()
        weight = np.abs(self.weights.astype(np.int64))[rows]
        if self.streams is not None:
            need(self.streams.probabilities.shape == (n,), f"Stream probabilities must have {n} entries, not {self.streams.probabilities.shape}")
            need(q.holds(self.streams.scale), f"Stream scale {self.streams.scale} is outside {q} ({q.min}..{q.max}); "
                 f"{q.wider(self.streams.scale)}")
            weight = np.maximum(weight, self.streams.scale)
        worst = int(np.bincount(self.indices, weight, n).max()) + abs(self.drive.weight) * len(self.drive.limits)
        limit = (1 << (self.lif.input_width - 1)) - 1
        need(worst <= limit, f"Input of a neuron may reach {worst} raw when all its sources fire, above the limit of {limit} "
             f"({self.lif.input_width} bits); use a wider format or weaker weights")
        problems.raise_any()

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

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed; recorded external events are dropped unless given."""
        return dataclasses.replace(self, **{"external": None, **changes})

    @cached_property
    def rows(self) -> Rows:
        """Connectivity as the golden models read it."""
        return make_rows(self.n, self.indptr, self.indices)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""
        return hashlib.sha256(file.content(self)).hexdigest()

    def save(self, path: str | Path) -> str:
        """Write the file, whole or not at all, and return the content hash.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        return file.write(path, self)

    @classmethod
    def load(cls, path: str | Path) -> "Network":
        """Read a file that `save` wrote.

        Raises
        ------
        InputError
            If the file is absent, foreign, of another version, truncated, damaged or inconsistent, or says the same in another form.
        """
        network: Network = file.read(path, cls)
        return network


def require_network(network: object) -> None:
    """Raise `InputError` unless it is a frozen network."""
    require("Network", network, Network, "make one with spikegate.translate, or read its file with Network.load")
