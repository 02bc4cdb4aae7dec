"""What to expect of the errors of products that gates make of streams, over the phases of the streams' generators."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Theory", "theory"]


class Theory(NamedTuple):
    """Mean and mean square of the errors of a layer's products, with the standard deviations of both."""

    mean: float
    mean_deviation: float
    square: float
    square_deviation: float


def theory(length: int, x: np.ndarray, indices: np.ndarray, s: np.ndarray, q: np.ndarray, bias: np.ndarray) -> Theory:
    """Of the errors ``e = count / L - expected`` of products of which each has a share q of ones, b = q - expected of it bias.

    With r = 1 - 2q and h = r / L + 2b, for two products i and k of one input x,

        E[e] = b    E[e^2] = q (1 - q) / L + b^2    Cov(e_i, e_k) = c / L    Cov(e_i^2, e_k^2) = 2 (L - 1) c^2 / L^3 + c h_i h_k / L

    where c = x (1 - x) s_i s_k, or q (1 - q) if i = k, and s is how much q grows with x. Products of different inputs are independent.

    Parameters
    ----------
    length : int
        L, bits of a stream.
    x : numpy.ndarray
        float64 (inputs,), probability of each input.
    indices : numpy.ndarray
        int64 (products,), the input of each product.
    s, q, bias : numpy.ndarray
        float64 (products,).
    """
    of_two, own, common, n = 2 * (length - 1) / length**3, q * (1 - q), x * (1 - x), len(x)
    h = (1 - 2 * q) / length + 2 * bias

    def pairs(f: np.ndarray) -> Any:
        """Sum of f_i f_k over the pairs of each input."""
        return np.bincount(indices, f, n) ** 2 - np.bincount(indices, f * f, n)

    mean = own.sum() / length + (common * pairs(s)).sum() / length
    square = (of_two * own**2 + own * h * h / length).sum() + (of_two * common**2 * pairs(s * s) + common * pairs(s * h) / length).sum()
    return Theory(float(bias.mean()), float(mean) ** 0.5 / len(q), float((own / length + bias**2).mean()), float(square) ** 0.5 / len(q))
