"""A layer of stochastic computing (V2): products of probabilities as AND gates on bitstreams, counted.

A stream is L bits that are 1 with its probability. Two independent streams through an AND gate are a stream of the product,
P(out = 1) = P(spike = 1) * P(weight = 1), and its ones estimate it:

    q = p * w        estimate = popcount(input & weight) / L        variance q (1 - q) / L

Every input has its stream and every weight has its own. Stream k of either kind is window k of `spikegate.models.streams.encoder.WindowParams` with a
61-bit LFSR for each of 16 planes: bit t = (x_t < P), P = round(p * 2^16), the earliest bit the highest of the window, uint64 (L/64,), lowest
word first. Inputs have the registers 0..15 of one `LfsrPlan`, weights 16..31, so that no two streams share a position of the cycle, and
window n + 61 is the XOR of the windows n, n + 1, n + 2 and n + 5. Exact expectations are those of the quantised P.
"""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.core.windows import ones
from spikegate.models.errors import InputError, Problems
from spikegate.models.kernel import kernel
from spikegate.models.streams.encoder import PROBABILITY_BITS, WORD, below, lfsr_planes, window_lfsr
from spikegate.models.streams.plan import LfsrPlan

__all__ = ["LENGTH", "ONE", "Theory", "VectorizedSCLayer", "quantise"]

#: Bits of a stream, as published.
LENGTH = 4096
#: Threshold of probability 1.
ONE = 1 << PROBABILITY_BITS
TINY = 1e-300


class Theory(NamedTuple):
    """Mean and mean square of the errors of a layer's products, with the standard deviations of both."""

    mean: float
    mean_deviation: float
    square: float
    square_deviation: float


def quantise(name: str, values: np.ndarray) -> np.ndarray:
    """`spikegate.models.streams.encoder.threshold` of every value: round(p * 2^16), halves up, int64 of the same shape.

    Raises
    ------
    InputError
        If one is outside 0..1, with ``name`` and its place.
    """
    values = np.asarray(values, np.float64)
    wrong = np.argwhere(~((values >= 0) & (values <= 1)))
    if len(wrong):
        at = tuple(wrong[0].tolist())
        raise InputError(f"{name} must be probabilities in 0..1, and {len(wrong)} are not, the first {values[at]:g} at {at}; scale them first")
    scaled: np.ndarray = values * ONE  # a power of two, so that the product, the floor and the rest are exact
    whole = np.floor(scaled).astype(np.int64)
    return np.asarray(whole + (scaled - whole >= 0.5))


@kernel
def _advance(history, taps, thresholds, packed, inputs, columns, counts):
    """Stream of each threshold, from window 0 on, into ``packed``, and its ones that pass its input's gate into ``counts``; either may be empty.

    ``history`` is uint64 (width, 16, words), the first windows, and holds the next ones after.
    """
    width, words, flat = len(history), history.shape[2], history.reshape(len(history), -1)
    stream = np.empty(words, np.uint64)
    for k in range(len(thresholds)):
        slot = k % width
        below(history[slot], thresholds[k], stream)
        if len(packed):
            packed[k] = stream
        if len(counts):
            gate, total = inputs[columns[k]], np.int64(0)
            for w in range(words):
                total += ones(stream[w] & gate[w])
            counts[k] = total
        # window k + width in the place of window k, the one that lies a whole width, the first tap, before it
        row, b, c, d = flat[slot], flat[(k - taps[1]) % width], flat[(k - taps[2]) % width], flat[(k - taps[3]) % width]
        for i in range(len(row)):
            row[i] ^= b[i] ^ c[i] ^ d[i]


class VectorizedSCLayer:
    """A layer of AND gates with popcounts: n_out sums of products of n_in input probabilities and stored weight probabilities.

    Parameters
    ----------
    weights : array_like or tuple
        Probabilities, float (n_out, n_in), each a stream, zeros too; or compressed sparse rows ``(indptr, indices, values)``, a row an output.
    length : int
        L, bits of a stream, a power of two, 64 or more.
    seed : int
        Of the generators' phases.
    n_in : int, optional
        Inputs, for sparse rows; default one more than the largest index.

    Attributes
    ----------
    indptr, indices : numpy.ndarray
        Rows and inputs of the stored weights; a product keeps the place of its weight.
    weights : numpy.ndarray
        float64 (stored,), as asked.
    thresholds, ideal : numpy.ndarray
        int64 (stored,), P of each weight stream as it is, and as asked; they are equal here.

    Raises
    ------
    InputError
        If shapes disagree, a probability is outside 0..1, or the length is no such power of two.
    """

    engine = "probability-numba"

    def __init__(self, weights: Any, length: int = LENGTH, seed: int = 1, *, n_in: int | None = None):
        if isinstance(weights, tuple):
            indptr, indices, values = (np.asarray(part, dtype) for part, dtype in zip(weights, (np.int64, np.int64, np.float64)))
            n_in = int(indices.max(initial=-1)) + 1 if n_in is None else n_in
        else:
            matrix = np.asarray(weights, np.float64)
            if matrix.ndim != 2 or n_in not in (None, matrix.shape[-1]):
                raise InputError(f"Weights must be a matrix (outputs, inputs) or sparse rows (indptr, indices, values), not of shape {matrix.shape}")
            indptr, values = np.arange(matrix.shape[0] + 1) * matrix.shape[1], matrix.ravel()
            indices, n_in = np.tile(np.arange(matrix.shape[1]), matrix.shape[0]), matrix.shape[1]
        problems = Problems()
        problems.require(len(values) == len(indices) >= 1, f"Weights must be at least 1, one for each of {len(indices)} indices, not {len(values)}")
        problems.require(len(indptr) >= 2 and indptr[0] == 0 and indptr[-1] == len(values) and bool(np.all(np.diff(indptr) >= 0)),
                         f"Row pointers must ascend from 0 to the {len(values)} weights")
        problems.require(len(indices) == 0 or 0 <= indices.min() <= indices.max() < n_in, f"Inputs of weights must be in 0..{n_in - 1}; raise n_in")
        problems.require(isinstance(length, int) and length >= WORD and not length & (length - 1),
                         f"Stream length must be a power of two and at least {WORD} bits, not {length!r}")
        problems.require(isinstance(seed, (int, np.integer)) and 0 <= seed < 2**63, f"Seed must be in 0..2^63-1, not {seed!r}")
        problems.raise_any()
        self.indptr, self.indices, self.weights, self.n_in, self.length, self.seed = indptr, indices, values, n_in, length, seed
        self.ideal = self.thresholds = quantise("Weights", values)

    @cached_property
    def plan(self) -> LfsrPlan:
        """Registers of the inputs, 0..15, and of the weights, 16..31, with the proof that no two windows meet; made when first used."""
        lfsr = window_lfsr(self.length)
        start = int(np.random.default_rng([self.seed, 2]).integers(1, lfsr.mask))
        return LfsrPlan.make(lfsr, 2 * PROBABILITY_BITS, max(len(self.weights), self.n_in), start)

    @property
    def n_out(self) -> int:
        """Outputs."""
        return len(self.indptr) - 1

    def encode(self, p: np.ndarray) -> np.ndarray:
        """Thresholds P of the inputs, int64 (n_in,), of probabilities 0..1 (n_in,)."""
        if np.shape(p) != (self.n_in,):
            raise InputError(f"Inputs must be {self.n_in} probabilities, not of shape {np.shape(p)}")
        return quantise("Inputs", p)

    def _start(self, first: int) -> np.ndarray:
        """The first windows of the registers from ``first`` on: uint64 (width, 16, words)."""
        return lfsr_planes(self.plan.params, self.plan.seeds[first:first + PROBABILITY_BITS], 0, self.plan.params.width, self.length)

    def _run(self, first: int, thresholds: np.ndarray, inputs: np.ndarray | None = None) -> np.ndarray:
        """Packed streams of the thresholds from the registers ``first`` on; or, with the inputs' streams, counts."""
        words, count, none = self.length // WORD, len(thresholds), inputs is None
        streams, counts = np.empty((count * none, words), np.uint64), np.empty(count * (not none), np.int64)
        inputs, taps = np.empty((0, words), np.uint64) if none else inputs, np.array(self.plan.params.taps)
        _advance(self._start(first), taps, thresholds, streams, inputs, self.indices, counts)
        return streams if none else counts

    def input_streams(self, p: np.ndarray) -> np.ndarray:
        """Packed streams of the inputs, uint64 (n_in, L/64)."""
        return self._run(0, self.encode(p))

    def weight_streams(self) -> np.ndarray:
        """Packed streams of the stored weights, uint64 (stored, L/64)."""
        return self._run(PROBABILITY_BITS, self.thresholds)

    def counts(self, p: np.ndarray) -> np.ndarray:
        """Ones of each product, popcount(input & weight), int64 (stored,), 0..L. Weight streams are made as they are used, and not kept.

        Raises
        ------
        InputError
            If inputs are not n_in probabilities in 0..1.
        """
        return self._run(PROBABILITY_BITS, self.thresholds, self.input_streams(p))

    def forward(self, p: np.ndarray) -> np.ndarray:
        """Sums of products, float64 (n_out,): ones of each row / L. They may exceed 1. The same call gives the same bits."""
        return self.total(self.counts(p) / self.length)

    def total(self, products: np.ndarray) -> np.ndarray:
        """Sum of each row of something that has an entry a product, float64 (n_out,)."""
        return np.bincount(np.repeat(np.arange(self.n_out), np.diff(self.indptr)), products, self.n_out)

    def expected(self, p: np.ndarray) -> np.ndarray:
        """Exact product q of each weight as asked, float64 (stored,); thresholds of 16 bits leave no rounding."""
        return self.encode(p)[self.indices] * self.ideal / ONE**2

    def notes(self, p: np.ndarray) -> dict[str, Any]:
        """What a run's provenance says of the layer besides."""
        return {}

    def theory(self, p: np.ndarray) -> Theory:
        """What to expect of the errors ``e = counts / L - expected`` over the generators' phases.

        With b = q - expected (0 without defects), r = 1 - 2q and h = r / L + 2b, for two products i and k of one input x,

            E[e] = b    E[e^2] = q (1 - q) / L + b^2    Cov(e_i, e_k) = c / L    Cov(e_i^2, e_k^2) = 2 (L - 1) c^2 / L^3 + c h_i h_k / L

        where c = x (1 - x) w_i w_k, or q (1 - q) if i = k. Products of different inputs are independent.
        """
        L, x, w = self.length, self.encode(p) / ONE, self.thresholds / ONE  # noqa: N806
        q, of_two = x[self.indices] * w, 2 * (L - 1) / L**3
        bias, own, common = q - self.expected(p), q * (1 - q), x * (1 - x)
        h = (1 - 2 * q) / L + 2 * bias

        def pairs(f: np.ndarray) -> Any:
            """Sum of f_i f_k over the pairs of each input."""
            return np.bincount(self.indices, f, self.n_in) ** 2 - np.bincount(self.indices, f * f, self.n_in)

        mean = own.sum() / L + (common * pairs(w)).sum() / L
        square = (of_two * own**2 + own * h * h / L).sum() + (of_two * common**2 * pairs(w * w) + common * pairs(w * h) / L).sum()
        return Theory(float(bias.mean()), float(mean) ** 0.5 / len(q), float((own / L + bias**2).mean()), float(square) ** 0.5 / len(q))

    def scores(self, p: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
        """Mean error and mean square error of counts, in standard deviations from `theory`; beyond 5, the streams are not what they should be."""
        error, theory = counts / self.length - self.expected(p), self.theory(p)
        return ((float(error.mean()) - theory.mean) / max(theory.mean_deviation, TINY),
                (float((error**2).mean()) - theory.square) / max(theory.square_deviation, TINY))
