"""A layer of stochastic computing (V2): products of probabilities as AND gates on bitstreams, counted.

A stream is L bits that are 1 with its probability. Two independent streams through an AND gate are a stream of the product,
P(out = 1) = P(spike = 1) * P(weight = 1), and its ones estimate it:

    q = p * w        estimate = popcount(input & weight) / L        variance q (1 - q) / L

Bipolar, a stream of probability p is the number 2p - 1, and an XNOR gate multiplies: P(out = 1) = p * w + (1 - p) * (1 - w) = q.

Every input has its stream and every weight has its own. Stream k of either kind is window k of `spikegate.models.streams.encoder.WindowParams` with a
61-bit LFSR for each of 16 planes: bit t = (x_t < P), P = round(p * 2^16), the earliest bit the highest of the window, uint64 (L/64,), lowest
word first. If L is no power of two of at least 64, the window is the next one, of which a stream is the first L bits. Inputs have the registers
0..15 of one `LfsrPlan`, weights 16..31, so that no two streams share a position of the cycle, and window n + 61 is the XOR of the windows n,
n + 1, n + 2 and n + 5. Exact expectations are those of the quantised P.
"""

from functools import cached_property
from typing import Any, cast

import numpy as np

from spikegate.models.checks import real_array, real_numbers, whole_numbers
from spikegate.models.core.windows import ones
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.plan import LfsrPlan
from spikegate.models.streams.planes import WORD, below, lfsr_planes, window_lfsr
from spikegate.translator.sc_theory import Theory, theory
from spikegate.translator.sc_weights import ONE, quantise, sparse_rows

__all__ = ["LENGTH", "VectorizedSCLayer"]

#: Bits of a stream, as published.
LENGTH = 4096
#: As a leap of an LFSR may have.
MAX_LENGTH = 1 << 16
TINY = 1e-300


@kernel
def _advance(history: np.ndarray, taps: np.ndarray, thresholds: np.ndarray, packed: np.ndarray, inputs: np.ndarray, columns: np.ndarray,
             mask: np.ndarray, bipolar: bool, counts: np.ndarray) -> None:
    """Stream of each threshold, from window 0 on, into ``packed``, and its ones that pass its input's gate into ``counts``; either may be empty.

    ``history`` is uint64 (width, 16, words), the first windows, and holds the next ones after; ``mask``, uint64 (words,), what counts.
    """
    width, words, flat = len(history), history.shape[2], history.reshape(len(history), -1)
    stream, slot = np.empty(words, np.uint64), 0
    second, third, fourth = width - taps[1], width - taps[2], width - taps[3]
    for k in range(len(thresholds)):
        below(history[slot], thresholds[k], stream)
        if len(packed):
            packed[k] = stream & mask
        if len(counts):
            gate, total = inputs[columns[k]], np.int64(0)
            if bipolar:
                for w in range(words):
                    total += ones(~(stream[w] ^ gate[w]) & mask[w])
            else:
                for w in range(words):
                    total += ones(stream[w] & gate[w] & mask[w])
            counts[k] = total
        # window k + width in the place of window k, the one that lies a whole width, the first tap, before it
        row, b, c, d = flat[slot], flat[second], flat[third], flat[fourth]
        for i in range(len(row)):
            row[i] ^= b[i] ^ c[i] ^ d[i]
        slot, second, third, fourth = _after(slot, width), _after(second, width), _after(third, width), _after(fourth, width)


@kernel
def _after(slot: int, width: int) -> int:
    return slot + 1 if slot + 1 < width else 0


class VectorizedSCLayer:
    """A layer of AND gates with popcounts: n_out sums of products of n_in input probabilities and stored weight probabilities.

    Parameters
    ----------
    weights : array_like, tuple or sparse array of SciPy
        Probabilities, float (n_out, n_in), each a stream, zeros too; or compressed sparse rows ``(indptr, indices, values)``, a row an output.
    length : int
        L, bits of a stream, 1..65536.
    seed : int
        Of the generators' phases.
    n_in : int, optional
        Inputs, for sparse rows; default one more than the largest index.
    sc_mode : {"unipolar", "bipolar"}
        What a stream stands for: its probability, 0..1, with AND gates; or twice that less 1, -1..1, with XNOR gates.
    connectivity : float
        Each weight is stored with this probability, above 0 and at most 1; which ones, follows from the seed.

    Attributes
    ----------
    indptr, indices : numpy.ndarray
        Rows and inputs of the stored weights; a product keeps the place of its weight.
    weights : numpy.ndarray
        float64 (stored,), as asked.
    bipolar : bool
        Whether gates are XNOR.
    thresholds, ideal : numpy.ndarray
        int64 (stored,), P of each weight stream as it is, and as asked; they are equal here.

    Raises
    ------
    InputError
        If shapes disagree, or a number is out of range.
    """

    engine = "probability-numba"

    def __init__(self, weights: Any, length: int = LENGTH, seed: int = 1, *, n_in: int | None = None, sc_mode: str = "unipolar",
                 connectivity: float = 1.0):
        (length, seed), (connectivity,), problems = whole_numbers(length=length, seed=seed), real_numbers(connectivity=connectivity), Problems()
        problems.require(1 <= length <= MAX_LENGTH, f"Stream length must be in 1..{MAX_LENGTH} bits, not {length}")
        problems.require(0 <= seed < 2**63, f"Seed must be in 0..2^63-1, not {seed}")
        problems.require(sc_mode in ("unipolar", "bipolar"), f'Mode of the streams must be "unipolar" or "bipolar", not {sc_mode!r}')
        problems.require(0 < connectivity <= 1, f"Connectivity must be above 0 and at most 1, not {connectivity}; it is a share of the weights")
        problems.raise_any()
        self.length, self.seed, self.bipolar = length, seed, sc_mode == "bipolar"
        indptr, indices, values, self.n_in = sparse_rows(weights, n_in)
        if connectivity < 1:
            kept = np.random.default_rng([seed, 8]).random(len(values)) < connectivity
            indptr, indices, values = np.concatenate([[0], np.cumsum(kept)])[indptr], indices[kept], values[kept]
        problems.require(len(values) >= 1, "Weights must be at least 1, not 0; give more, or a higher connectivity")
        problems.raise_any()
        self.indptr, self.indices, self.weights = indptr, indices, values
        self.ideal = self.thresholds = quantise("Weights", values, self.bipolar)

    @cached_property
    def plan(self) -> LfsrPlan:
        """Registers of the inputs, 0..15, and of the weights, 16..31, with the proof that no two windows meet; made when first used."""
        lfsr = window_lfsr(max(WORD, 1 << (self.length - 1).bit_length()))
        start = int(np.random.default_rng([self.seed, 2]).integers(1, lfsr.mask))
        return LfsrPlan.make(lfsr, 2 * PROBABILITY_BITS, max(len(self.weights), self.n_in), start)

    @property
    def n_out(self) -> int:
        """Outputs."""
        return len(self.indptr) - 1

    @property
    def words(self) -> int:
        """Of a packed stream; those of the earliest positions are the last."""
        return -(-self.length // WORD)

    @property
    def _mask(self) -> np.ndarray:
        mask = np.full(self.words, (1 << WORD) - 1, np.uint64)
        mask[0] = (1 << WORD) - (1 << self.words * WORD - self.length)
        return mask

    def encode(self, p: np.ndarray) -> np.ndarray:
        """Thresholds P of the inputs, int64 (n_in,), of probabilities 0..1 (n_in,); of numbers -1..1 if the layer is bipolar."""
        p = real_array("Inputs", p)
        if p.shape != (self.n_in,):
            raise InputError(f"Inputs must be {self.n_in} probabilities, not of shape {p.shape}")
        return quantise("Inputs", p, self.bipolar)

    def _start(self, first: int) -> np.ndarray:
        """The first windows of the registers from ``first`` on: uint64 (width, 16, words)."""
        lfsr, seeds = self.plan.params, self.plan.seeds[first:first + PROBABILITY_BITS]
        return np.ascontiguousarray(lfsr_planes(lfsr, seeds, 0, lfsr.width, lfsr.leap)[:, :, -self.words:])

    def _run(self, first: int, thresholds: np.ndarray, inputs: np.ndarray | None = None) -> np.ndarray:
        """Packed streams of the thresholds from the registers ``first`` on; or, with the inputs' streams, counts."""
        words, count, none = self.words, len(thresholds), inputs is None
        streams, counts = np.empty((count * none, words), np.uint64), np.empty(count * (not none), np.int64)
        inputs, taps = np.empty((0, words), np.uint64) if none else inputs, np.array(self.plan.params.taps)
        _advance(self._start(first), taps, thresholds, streams, inputs, self.indices, self._mask, self.bipolar, counts)
        return streams if none else counts

    def input_streams(self, p: np.ndarray) -> np.ndarray:
        """Packed streams of the inputs, uint64 (n_in, words); bits beyond L are 0."""
        return self._run(0, self.encode(p))

    def weight_streams(self) -> np.ndarray:
        """Packed streams of the stored weights, uint64 (stored, words); bits beyond L are 0."""
        return self._run(PROBABILITY_BITS, self.thresholds)

    def counts(self, p: np.ndarray) -> np.ndarray:
        """Ones of each product, popcount(gate(input, weight)), int64 (stored,), 0..L. Weight streams are made as they are used, and not kept.

        Raises
        ------
        InputError
            If inputs are not n_in probabilities in 0..1.
        """
        return self._run(PROBABILITY_BITS, self.thresholds, self.input_streams(p))

    def forward(self, p: np.ndarray) -> np.ndarray:
        """Sums of products, float64 (n_out,): those of each row's shares of ones. They may exceed 1. The same call gives the same bits."""
        return self.total(self.value(self.counts(p) / self.length))

    def value(self, share: np.ndarray) -> np.ndarray:
        """What a share of ones stands for: itself, or twice that less 1 if the layer is bipolar."""
        return 2 * share - 1 if self.bipolar else share

    def total(self, products: np.ndarray) -> np.ndarray:
        """Sum of each row of something that has an entry a product, float64 (n_out,)."""
        return np.bincount(np.repeat(np.arange(self.n_out), np.diff(self.indptr)), products, self.n_out)

    def expected(self, p: np.ndarray) -> np.ndarray:
        """Exact share q of ones of each product with the weight as asked, float64 (stored,); thresholds of 16 bits leave no rounding."""
        return self._share(self.encode(p)[self.indices], self.ideal) / ONE**2

    def _share(self, p: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Ones that a gate lets through of all pairs of numbers below ONE, from thresholds."""
        return cast(np.ndarray, p * w + (ONE - p) * (ONE - w) if self.bipolar else p * w)

    def notes(self, p: np.ndarray) -> dict[str, Any]:
        """What a run's provenance says of the layer besides."""
        return {}

    def theory(self, p: np.ndarray) -> Theory:
        """What to expect of the errors ``e = counts / L - expected``, as `spikegate.translator.sc_theory.theory`."""
        encoded = self.encode(p)
        q = self._share(encoded[self.indices], self.thresholds) / ONE**2
        return theory(self.length, encoded / ONE, self.indices, self.value(self.thresholds / ONE), q, q - self.expected(p))

    def scores(self, p: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
        """Mean error and mean square error of counts, in standard deviations from `theory`; beyond 5, the streams are not what they should be."""
        error, expected = counts / self.length - self.expected(p), self.theory(p)
        return ((float(error.mean()) - expected.mean) / max(expected.mean_deviation, TINY),
                (float((error**2).mean()) - expected.square) / max(expected.square_deviation, TINY))
