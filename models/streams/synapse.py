"""Synapse on bitstreams: a gate multiplies the stream of a spike train with the stream of a weight.

Unipolar, a stream of probability p is the number p, and AND gives p * q. Bipolar, it is 2p - 1, and XNOR gives
(2p - 1)(2q - 1). Both hold for streams that are independent; two streams from the same numbers give min(p, q).
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np

from spikegate.models.checks import real_numbers, require_whole, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.encoder import PROBABILITY_BITS, threshold
from spikegate.models.streams.planes import WORD, below, bits_of, lfsr_planes, sobol_planes, unpack, window_lfsr

__all__ = ["SynapseParams", "gate", "weight_probability", "bitstream", "BitstreamSynapse"]

#: A weight's probability is kept off 0 and 1, where its stream would be constant.
LOWEST, HIGHEST = Fraction(1, 1000), Fraction(999, 1000)
#: Start of plane 0 of `bitstream`; any but 0.
FIRST_SEED = 0x5EED
#: Seeds of weight streams unless another is asked for: apart from the streams of small seeds, and, of 3000 that were tried, the one whose products
#: with those of seed 0 are nearest to the exact ones, for 64 to 4096 bits.
WEIGHT_SEEDS = {"lfsr": (1 << 32) + 2293, "sobol": 1}


@kernel
def gate(spikes: Any, weights: Any, bipolar: bool) -> Any:
    """Post-synaptic window: AND, or XNOR if ``bipolar``; uint64 words or arrays of them."""
    return ~(spikes ^ weights) if bipolar else spikes & weights


def weight_probability(weight_raw: int, threshold_raw: int) -> int:
    """P = round(2^16 * clip(|J| / V_th, 0.001, 0.999)), halves up, exactly computed: 66..65470.

    Parameters
    ----------
    weight_raw : int
        Membrane step J, raw, of either sign; the sign is that of the channel.
    threshold_raw : int
        Threshold V_th, raw in the same format, 1 or more; V_th above the rest is what a full window adds.

    Raises
    ------
    InputError
        If the threshold is below 1.
    """
    weight_raw, threshold_raw = whole_numbers(weight_raw=weight_raw, threshold_raw=threshold_raw)
    if threshold_raw < 1:
        raise InputError(f"Threshold must be at least 1 (raw) to scale weights by, not {threshold_raw}; shift the membrane so that rest is 0")
    return threshold(min(max(Fraction(abs(weight_raw), threshold_raw), LOWEST), HIGHEST))


@dataclass(frozen=True)
class SynapseParams:
    """The gate on windows of any width.

    Parameters
    ----------
    width : int
        Positions of a window, 1 or more.
    bipolar : bool
        XNOR instead of AND.

    Raises
    ------
    InputError
        If the width is below 1.
    """

    width: int
    bipolar: bool = False

    def __post_init__(self) -> None:
        require_whole(self, "width")
        if self.width < 1:
            raise InputError(f"Synapse width must be at least 1 position, not {self.width!r}")

    def step(self, spike: int, weight: int) -> int:
        """The post-synaptic window of two windows, integers of ``width`` bits."""
        window: int = gate.py_func(spike, weight, self.bipolar) & ((1 << self.width) - 1)
        return window


def bitstream(probability: float | Fraction, length: int = 256, source: str = "lfsr", seed: int = 0) -> np.ndarray:
    """One packed window, uint64 (length / 64), of a stream whose bits are 1 with a probability.

    Parameters
    ----------
    probability : float or Fraction
        0..1; rounded to 16 bits, halves up.
    length : int
        Positions, a power of two, 64 or more.
    source : {"lfsr", "sobol"}
        Where the numbers come from.
    seed : int
        LFSR: which window of 16 registers with phases evenly spaced; other seeds share no position. Sobol: the dimension, window 0.
        Two streams of one seed are not independent.

    Raises
    ------
    InputError
        If a value is out of range or the source is unknown.
    """
    return _window(threshold(probability), *_generator(length, source, seed))


def _generator(length: int, source: str, seed: int) -> tuple[int, str, int]:
    if source not in ("lfsr", "sobol"):
        raise InputError(f'Stream source must be "lfsr" or "sobol", not {source!r}')
    if not (type(length) is type(seed) is int):
        length, seed = whole_numbers(length=length, seed=seed)
    return length, source, seed


def _ratio(value: float | Fraction) -> tuple[int, int]:
    """Of the decimals of a number: 0.1 is one tenth."""
    return (value if isinstance(value, Fraction) else Decimal(str(value))).as_integer_ratio()


def _window(level: int, length: int, source: str, seed: int) -> np.ndarray:
    planes = _planes(length, source, seed)
    window = np.empty(length // WORD, np.uint64)
    below(planes, level, window)
    return window


@lru_cache
def _starts(length: int) -> np.ndarray:
    return np.array(window_lfsr(length).phases(FIRST_SEED, PROBABILITY_BITS, 1), np.uint64)


@lru_cache(64)
def _planes(length: int, source: str, seed: int) -> np.ndarray:
    """Planes of the numbers of `bitstream`, uint64 (16, length / 64)."""
    if source == "sobol":
        return cast(np.ndarray, sobol_planes(SobolParams(seed, leap=length), length, 0, 1)[0])
    params = window_lfsr(length)
    last = params.period // PROBABILITY_BITS // length - 1
    if not 0 <= seed <= last:
        raise InputError(f"Stream seed must be in 0..{last}, not {seed!r}")
    return cast(np.ndarray, lfsr_planes(params, _starts(length), seed, 1, length)[0])


class BitstreamSynapse:
    """A synapse with a weight stream of its own, with the call of the published tutorial.

    Parameters
    ----------
    w_min, w_max : float
        Weights that the probabilities 0 and 1 stand for.
    length : int
        Positions of the stream, a power of two, 64 or more.
    w : float
        Weight, w_min..w_max. Decimals are taken exactly: 0.1 is one tenth.
    source, seed
        Of the weight stream, as in `bitstream`; not the pair that the spike stream comes from. The default is apart from the default there: window
        2^32 + 2293 of the registers, or Sobol dimension 1.
    inhibitory : bool
        Whether `BitstreamDotProduct` subtracts it.

    Attributes
    ----------
    weights : numpy.ndarray
        The weight stream, packed, uint64 (length / 64).

    Raises
    ------
    InputError
        If a value is out of range.
    """

    def __init__(self, w_min: float = 0.0, w_max: float = 1.0, length: int = 256, w: float = 0.5, source: str = "lfsr",
                 seed: int | None = None, inhibitory: bool = False) -> None:
        real_numbers(w_min=w_min, w_max=w_max, w=w)
        # Numerators on one denominator, as fractions take longer.
        (low, a), (high, b), (exact, c) = _ratio(w_min), _ratio(w_max), _ratio(w)
        low, high, exact = low * b * c, high * a * c, exact * a * b
        problems = Problems()
        problems.require(low < high, f"w_min {w_min} must be below w_max {w_max}")
        problems.require(low <= exact <= high, f"w must be in {w_min}..{w_max}, not {w}")
        problems.raise_any()
        self.w_min, self.w_max, self.length, self.inhibitory = w_min, w_max, length, inhibitory
        seed = WEIGHT_SEEDS["sobol" if source == "sobol" else "lfsr"] if seed is None else seed
        self.weights = _window(((exact - low << PROBABILITY_BITS + 1) // (high - low) + 1) // 2, *_generator(length, source, seed))
        self.weights.flags.writeable = False

    @cached_property
    def _bits(self) -> np.ndarray:
        return unpack(self.weights)

    def apply(self, pre_bits: np.ndarray) -> np.ndarray:
        """The post-synaptic stream, in the form of ``pre_bits``: (..., length) bits or (..., length / 64) words.

        Raises
        ------
        InputError
            If ``pre_bits`` is neither.
        """
        pre = np.asarray(pre_bits)
        if pre.dtype == np.uint64 and pre.shape[-1:] == self.weights.shape:
            words: np.ndarray = pre & self.weights
            return words
        bits: np.ndarray = bits_of(pre, self.length) & self._bits
        return bits

    def effective_weight(self) -> float:
        """The weight that the finite stream stands for: w_min + (w_max - w_min) * ones / length."""
        return self.w_min + (self.w_max - self.w_min) * int(np.bitwise_count(self.weights).sum()) / self.length
