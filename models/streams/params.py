"""Synapses that use stochastic bitstreams: what a frozen network adds to the fixed-point one so that its spikes travel as streams."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from spikegate.models.checks import exact_array, require, require_member, require_type, require_whole, whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import JOE_KUO, SobolParams
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import POINTS, FaultParams, flip_seeds
from spikegate.models.streams.planes import WORD, window_lfsr

__all__ = ["Generator", "VARIANTS", "Windows", "StreamParams", "StreamFaults", "MAX_CHANNELS", "require_length"]

MAX_CHANNELS = 8
MAX_LENGTH = 1024


def require_length(length: int) -> None:
    """Raise `InputError` unless a stream may have this many bits."""
    if not (whole(length) is not None and WORD <= length <= MAX_LENGTH and not length & (length - 1)):
        raise InputError(f"Stream length must be a power of two in {WORD}..{MAX_LENGTH} bits, not {length!r}")


class Generator(IntEnum):
    """Where the numbers of the weight streams come from."""

    LFSR = 0  #: 16 registers a channel, one a bit of the number
    SOBOL = 1  #: one dimension a channel


#: Generator and channels of each published variant that is made of streams.
VARIANTS = {"v4": (Generator.LFSR, 1), "v13": (Generator.LFSR, 4), "v14": (Generator.SOBOL, 1)}


class Windows:
    """What follows from the length of a window and the dimensions of its channels."""

    length: int
    dimensions: tuple[int, ...]

    @property
    def log2_length(self) -> int:
        """log2(L)."""
        return self.length.bit_length() - 1

    @property
    def sobol(self) -> list[SobolParams]:
        """Sequence of each channel."""
        return [SobolParams(dimension, PROBABILITY_BITS, self.length) for dimension in self.dimensions]


@dataclass(frozen=True, eq=False)
class StreamParams(Windows):
    """Stochastic synapses: every spike that is due meets a stream of its source's weight at each of its targets.

    Parameters
    ----------
    probabilities : numpy.ndarray
        uint32 (n,), threshold P of each source's weight stream, 0..2^16: |J| / V_th * 2^16. The sign is that of its weight.
    scale : int
        V_th, raw: a stream of nothing but ones moves the membrane by this much.
    generator : Generator
    length : int
        L, bits of a stream, a power of two in 64..1024.
    channels : int
        Spikes that share a window at a target, 1..8.
    lfsr : LfsrParams
        Of each register, if the generator is LFSR; its leap is L.
    seeds : numpy.ndarray
        uint64 (16 * channels,), state of each register before the first window: plane b of channel c at 16 c + b; empty for Sobol.
    dimensions : tuple of int
        Sobol dimension of each channel; empty for LFSR.

    Raises
    ------
    InputError
        With everything that is inconsistent.
    """

    probabilities: np.ndarray
    scale: int
    generator: Generator = Generator.LFSR
    length: int = 256
    channels: int = 1
    lfsr: LfsrParams = field(default_factory=lambda: window_lfsr(256))
    seeds: np.ndarray = ()  # type: ignore[assignment]
    dimensions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, dtype in (("probabilities", np.uint32), ("seeds", np.uint64)):
            object.__setattr__(self, name, exact_array(name, getattr(self, name), dtype))
        require_whole(self, "scale", "length", "channels")
        require_member(self, "generator", Generator)
        require_type(self, "lfsr", LfsrParams)
        object.__setattr__(self, "dimensions", tuple(exact_array("dimensions", self.dimensions, np.int64).tolist()))
        require_length(self.length)
        problems = Problems()
        need = problems.require
        need(1 <= self.channels <= MAX_CHANNELS, f"Channels must be in 1..{MAX_CHANNELS}, not {self.channels!r}")
        need(self.scale >= 1, f"Stream scale must be at least 1 raw, not {self.scale!r}; it is the threshold")
        need(int(self.probabilities.max(initial=0)) <= 1 << PROBABILITY_BITS,
             f"Stream probabilities must be in 0..2^{PROBABILITY_BITS}; make them with threshold()")
        if self.generator == Generator.LFSR:
            registers = self.channels * PROBABILITY_BITS
            need(self.lfsr.leap == self.length, f"LFSR leap must be the stream length {self.length}, not {self.lfsr.leap}")
            need(self.lfsr.width <= self.length, f"LFSR must be no wider than a stream of {self.length} bits, not {self.lfsr.width}")
            need(len(self.lfsr.taps) == 4, f"LFSR of streams must have 4 taps, not {self.lfsr.taps}; with 2, each number is the XOR of two others")
            need(self.seeds.shape == (registers,), f"Seeds of the streams must be {registers}, 16 a channel, not {self.seeds.shape}")
            need(bool(np.all(self.seeds > 0)) and int(self.seeds.max(initial=0)) <= self.lfsr.mask, "Stream seeds must be in 1..2^width-1")
            need(len(set(self.seeds.tolist())) == len(self.seeds), "Stream seeds must differ: two streams on one phase are the same stream")
        else:
            need(len(self.dimensions) == self.channels == len(set(self.dimensions)),
                 f"Sobol dimensions must be {self.channels}, one a channel and all different, not {self.dimensions}")
            need(all(0 <= d <= len(JOE_KUO) for d in self.dimensions), f"Sobol dimensions must be in 0..{len(JOE_KUO)}, not {self.dimensions}")
        problems.raise_any()

    @property
    def variant(self) -> str:
        """The published variant with this generator and these channels, or ``streams``."""
        return next((name for name, kind in VARIANTS.items() if kind == (self.generator, self.channels)), "streams")


@dataclass(frozen=True)
class StreamFaults:
    """Faults in the stream paths of a network's core.

    Parameters
    ----------
    paths : tuple of FaultParams
        One a channel.
    seed : int
        Of the registers that draw the flips.
    """

    paths: tuple[FaultParams, ...]
    seed: int = 1

    def __post_init__(self) -> None:
        require_whole(self, "seed")
        require_type(self, "paths", tuple)
        for k, path in enumerate(self.paths):
            require(f"Path {k} of the faults", path, FaultParams)

    @classmethod
    def none(cls, streams: StreamParams) -> "StreamFaults":
        """No faults."""
        return cls((FaultParams(streams.length),) * streams.channels)

    @classmethod
    def stuck_at_random(cls, streams: StreamParams, rate: float, seed: int = 1) -> "StreamFaults":
        """Each line stuck with the probability ``rate``, at 0 or at 1; channel c draws with ``seed + c``."""
        return cls(tuple(FaultParams.random(rate, seed + channel, streams.length) for channel in range(streams.channels)), seed)

    def check(self, streams: StreamParams) -> "StreamFaults":
        """Itself, if it is for these streams.

        Raises
        ------
        InputError
            If channels or length differ.
        """
        lengths = [path.length for path in self.paths]
        if lengths != [streams.length] * streams.channels:
            raise InputError(f"Faults must be given for {streams.channels} channels of {streams.length} bits, not for lengths {lengths}")
        return self

    @property
    def thresholds(self) -> list[int]:
        """Flip thresholds, channel by channel, in each the points in order."""
        return [getattr(path, point).flips for path in self.paths for point in POINTS]

    @property
    def flips(self) -> bool:
        """Whether anything flips."""
        return any(self.thresholds)

    @property
    def stuck(self) -> bool:
        """Whether anything is stuck."""
        return bool(np.any(self.masks()))

    def masks(self) -> tuple[np.ndarray, np.ndarray]:
        """Masks of what is stuck at 0 and at 1, uint64 (channels, points, length / 64), the count's in the first word."""
        masks = np.zeros((2, len(self.paths), len(POINTS), self.paths[0].length // WORD), np.uint64)
        for k, name in enumerate(("stuck0", "stuck1")):
            for c, path in enumerate(self.paths):
                for i, point in enumerate(POINTS):
                    words = path.words(point, name)
                    masks[k, c, i, :len(words)] = words
        return masks[0], masks[1]

    def seeds(self, windows: int) -> list[int]:
        """Start states of the flip registers, 16 for each threshold, that do not meet within ``windows`` windows."""
        return flip_seeds(self.seed, self.paths[0].length, windows, len(self.thresholds))
