"""Signed dot product of bitstreams: per channel the ones of spike AND weight, added with the sign of the channel.

    total = sum over clocks t and enabled channels c of  sign_c * popcount(spike_c[t] & weight_c[t])

A channel's count is length * p * q on average, so that total / length is the dot product of the probabilities.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from spikegate.models.checks import real_numbers, require, require_whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.numeric.fixed import round_shift
from spikegate.models.streams.planes import packed, unpack
from spikegate.models.streams.synapse import BitstreamSynapse

__all__ = ["scale_count", "DotProductParams", "DotProductResult", "BitstreamDotProduct"]


@kernel
def scale_count(total: int, threshold: int, log2_length: int) -> Any:
    """``total * threshold / 2**log2_length`` to the nearest integer, half up: the membrane step of a signed count.

    ``(total * threshold + 2**(log2_length - 1)) >> log2_length``, the shift arithmetic; ``threshold`` raw. The product
    must lie within 62 bits.
    """
    return round_shift(total * threshold, log2_length, 1, 0)


@dataclass(frozen=True)
class DotProductParams:
    """Shape of a dot product.

    Parameters
    ----------
    channels : int
        Streams side by side, 1 or more.
    width : int
        Positions that a channel handles in a clock, a power of two.
    length : int
        Positions of a stream, a power of two, a multiple of width.

    Raises
    ------
    InputError
        With every value that is out of range.
    """

    channels: int
    width: int = 256
    length: int = 256

    def __post_init__(self) -> None:
        require_whole(self, "channels", "width", "length")
        problems = Problems()
        problems.require(self.channels >= 1, f"Dot product channels must be at least 1, not {self.channels!r}")
        for name in ("width", "length"):
            value = getattr(self, name)
            problems.require(value >= 1 and not value & (value - 1), f"Dot product {name} must be a power of two, not {value!r}")
        problems.require(self.width <= self.length, f"Dot product width must be at most the length of {self.length}, not {self.width}")
        problems.raise_any()

    @property
    def clocks(self) -> int:
        """Windows of a channel in one dot product."""
        return self.length // self.width

    @property
    def count_bits(self) -> int:
        """Of a window's count, 0..width."""
        return self.width.bit_length()

    def total_bits(self, *, faulty: bool = False) -> int:
        """Of the signed total, at most channels * length either way; a count with faults is any number of ``count_bits`` bits."""
        most = (1 << self.count_bits) - 1 if faulty else self.width
        return (self.channels * self.clocks * most).bit_length() + 1

    def counts(self, spikes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Ones of each gated window, int64 (..., channels), of windows uint64 (..., channels, words); unused bits are 0."""
        return cast(np.ndarray, np.bitwise_count(spikes & weights).sum(axis=-1, dtype=np.int64))

    def step(self, spikes: np.ndarray, weights: np.ndarray, inhibitory: np.ndarray, enable: np.ndarray) -> np.ndarray:
        """Signed sum of each clock, int64 (...): windows uint64 (..., channels, words), masks bool (..., channels)."""
        return cast(np.ndarray, (self.counts(spikes, weights) * np.where(enable, np.where(inhibitory, -1, 1), 0)).sum(axis=-1))

    def run(self, spikes: np.ndarray, weights: np.ndarray, inhibitory: np.ndarray, enable: np.ndarray) -> np.ndarray:
        """Total of each dot product, int64 (products,): as `step`, with ``products * clocks`` along the first axis."""
        return cast(np.ndarray, self.step(spikes, weights, inhibitory, enable).reshape(-1, self.clocks).sum(axis=1))


class DotProductResult(NamedTuple):
    """What `BitstreamDotProduct.apply` gives."""

    post: np.ndarray  #: stream of each channel, as the given ones: (channels, length) bits or (channels, length / 64) words
    total: int  #: ones of the excitatory channels minus those of the inhibitory
    y: float  #: the total, its whole range mapped onto y_min..y_max


class BitstreamDotProduct:
    """Synapses side by side, their streams counted and added, with the call of the published tutorial.

    Parameters
    ----------
    synapses : sequence of BitstreamSynapse
        One a channel, of one length.
    y_min, y_max : float
        What the lowest total (minus length for each inhibitory channel) and the highest (length for each other) stand for.

    Raises
    ------
    InputError
        If there are no synapses, or their lengths differ.
    """

    def __init__(self, synapses: Sequence[BitstreamSynapse], y_min: float = 0.0, y_max: float = 1.0) -> None:
        require("Synapses", synapses, Iterable, "give a list of BitstreamSynapse")
        self.synapses, (self.y_min, self.y_max) = tuple(synapses), real_numbers(y_min=y_min, y_max=y_max)
        for k, synapse in enumerate(self.synapses):
            require(f"Synapse {k}", synapse, BitstreamSynapse)
        lengths = sorted({synapse.length for synapse in self.synapses})
        if len(lengths) != 1:
            raise InputError(f"A dot product needs synapses of one length, not {len(self.synapses)} synapses of lengths {lengths}")
        self.params = DotProductParams(len(self.synapses), lengths[0], lengths[0])
        self.weights = np.array([synapse.weights for synapse in self.synapses])
        self.inhibitory = np.array([synapse.inhibitory for synapse in self.synapses])

    def apply(self, pre: np.ndarray) -> DotProductResult:
        """Post-synaptic streams, signed total and scaled value of (channels, length) bits or (channels, length / 64) words.

        Raises
        ------
        InputError
            If ``pre`` is neither, or not one stream a channel.
        """
        p = self.params
        windows, were_packed = packed(pre, p.length)
        if windows.shape[:-1] != (p.channels,):
            raise InputError(f"Dot product input must be one stream for each of {p.channels} channels, not of shape {np.shape(pre)}")
        gated = windows & self.weights
        counts = np.bitwise_count(gated).sum(axis=-1, dtype=np.int64)
        total = int(counts @ np.where(self.inhibitory, -1, 1))
        share = (total + int(self.inhibitory.sum()) * p.length) / (p.channels * p.length)
        return DotProductResult(gated if were_packed else unpack(gated), total, self.y_min + (self.y_max - self.y_min) * share)
