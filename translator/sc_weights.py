"""What a layer of stochastic computing is given: numbers as thresholds of 16 bits, and weights as sparse rows."""

from typing import Any

import numpy as np

from spikegate.models.checks import exact_array, real_array, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.streams.encoder import PROBABILITY_BITS

__all__ = ["ONE", "quantise", "sparse_rows"]

#: Threshold of probability 1.
ONE = 1 << PROBABILITY_BITS


def quantise(name: str, values: np.ndarray, bipolar: bool = False) -> np.ndarray:
    """`spikegate.models.streams.encoder.threshold` of every value, or of (1 + value) / 2 if ``bipolar``: int64 of the same shape.

    Raises
    ------
    InputError
        If one is outside 0..1, or -1..1, with ``name`` and its place.
    """
    values = real_array(name, values)
    least, limits = (-1, "in -1..1") if bipolar else (0, "probabilities in 0..1")
    wrong = np.argwhere(~((values >= least) & (values <= 1)))
    if len(wrong):
        at = tuple(wrong[0].tolist())
        raise InputError(f"{name} must be {limits}, and {len(wrong)} are not, the first {values[at]:g} at {at}; scale them first")
    scaled: np.ndarray = ((1 + values) / 2 if bipolar else values) * ONE  # a power of two, so that the product, the floor and the rest are exact
    whole = np.floor(scaled).astype(np.int64)
    return np.asarray(whole + (scaled - whole >= 0.5))


def sparse_rows(weights: Any, n_in: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Compressed sparse rows, and the number of inputs, of whatever weights a layer takes."""
    if n_in is not None:
        n_in, = whole_numbers(n_in=n_in)
    if hasattr(weights, "tocsr"):
        rows = weights.tocsr()
        weights, n_in = (rows.indptr, rows.indices, rows.data), rows.shape[1] if n_in is None else n_in
    if isinstance(weights, tuple) and len(weights) == 3:
        indptr, indices = (exact_array(name, part, np.int64) for name, part in zip(("indptr", "indices"), weights))
        values = real_array("Weights", weights[2])
        n_in = int(indices.max(initial=-1)) + 1 if n_in is None else n_in
    else:
        matrix = real_array("Weights", weights)
        if matrix.ndim != 2 or n_in not in (None, matrix.shape[-1]):
            raise InputError(f"Weights must be a matrix (outputs, inputs) or sparse rows (indptr, indices, values), not of shape {matrix.shape}")
        indptr, values = np.arange(matrix.shape[0] + 1) * matrix.shape[1], matrix.ravel()
        indices, n_in = np.tile(np.arange(matrix.shape[1]), matrix.shape[0]), matrix.shape[1]
    problems = Problems()
    problems.require(values.shape == indices.shape and len(values) >= 1,
                     f"Weights must be at least 1, one for each of {len(indices)} indices, not {len(values)}")
    problems.require(len(indptr) >= 2 and indptr[0] == 0 and indptr[-1] == len(values) and bool(np.all(np.diff(indptr) >= 0)),
                     f"Row pointers must ascend from 0 to the {len(values)} weights")
    problems.require(len(indices) == 0 or 0 <= indices.min() <= indices.max() < n_in, f"Inputs of weights must be in 0..{n_in - 1}; raise n_in")
    problems.raise_any()
    return indptr, indices, values, n_in
