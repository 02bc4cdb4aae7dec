"""Stochastic computing correlation of packed streams, after Alaghi and Hayes, and the most of it that chance explains.

With a, b, c, d the numbers of positions where two streams of length n are 11, 10, 01, 00 ("Exploiting correlation in
stochastic circuit design", ICCD 2013),

    SCC = (ad - bc) / (n min(a+b, a+c) - (a+b)(a+c))    if ad > bc, else
    SCC = (ad - bc) / ((a+b)(a+c) - n max(a-d, 0))

which is 1 if the AND has min(p, q), 0 if it has pq, -1 if it has max(p+q-1, 0), and is 0 here if a stream is constant.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple, cast

import numpy as np

from spikegate.models.streams.planes import WORD

__all__ = ["overlap_counts", "scc_of", "scc", "PairScc", "correlations"]

#: Words of streams that are combined, at most; above, each stream is paired with the nearest in order alone.
BUDGET = 1 << 27
#: Probability that one of all pairs of independent streams is outside its bound.
LEVEL = 1e-6


def overlap_counts(a: np.ndarray, b: np.ndarray, length: int | None = None) -> np.ndarray:
    """Positions where packed streams, uint64 (..., words), are 11, 10, 01 and 00; int64 (..., 4).

    ``length`` is that of a stream, if it does not fill its words; the bits above are 0 then.
    """
    n = length or a.shape[-1] * WORD
    ones: Callable[[np.ndarray], np.ndarray] = lambda words: np.bitwise_count(words).sum(axis=-1, dtype=np.int64)  # noqa: E731
    both, first, second = ones(a & b), ones(a), ones(b)
    return np.stack(np.broadcast_arrays(both, first - both, second - both, n - first - second + both), axis=-1)


def _excess(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """n (11) - (ones of a)(ones of b), and the largest that it can be with the same ones, in the direction that it has."""
    a, b, c, d = np.moveaxis(np.asarray(counts, np.int64), -1, 0)
    first, second, n = a + b, a + c, a + b + c + d
    excess, product = a * d - b * c, first * second
    return excess, np.where(excess > 0, n * np.minimum(first, second) - product, product - n * np.maximum(a - d, 0))


def scc_of(counts: np.ndarray) -> np.ndarray:
    """Stochastic computing correlation, -1..1, of counts of 11, 10, 01, 00 (..., 4); 0 where a stream is constant."""
    excess, room = _excess(counts)
    return cast(np.ndarray, excess / np.maximum(room, 1))


def scc(a: np.ndarray, b: np.ndarray, length: int | None = None) -> np.ndarray:
    """Stochastic computing correlation of packed streams, as `scc_of` and `overlap_counts`."""
    return scc_of(overlap_counts(a, b, length))


class PairScc(NamedTuple):
    """Correlation of two streams and the most that chance explains."""

    first: int
    second: int
    scc: float
    bound: float


def correlations(streams: np.ndarray, length: int | None = None, *, worst: int = 10, level: float = LEVEL) -> list[PairScc]:
    """The pairs of packed streams, uint64 (streams, words), with the largest SCC in terms of its bound, the largest first.

    Given the ones f and g of two independent streams of n positions, those in common are hypergeometric, with variance
    f g (n-f) (n-g) / (n^2 (n-1)). The bound is z of their standard deviations, in units of SCC, z the normal quantile of
    ``level`` / 2 divided by the number of pairs (Bonferroni). For p = 1/2, a normal distribution has the longer tails.
    """
    count, n = len(streams), length or streams.shape[-1] * WORD
    reach = max(1, min(count - 1, BUDGET // streams.size))
    pairs = reach * count - reach * (reach + 1) // 2
    z, found = -NormalDist().inv_cdf(level / 2 / max(pairs, 1)), []
    for apart in range(1, min(reach, count - 1) + 1):
        counts = overlap_counts(streams[:-apart], streams[apart:], length)
        first, second = counts[:, 0] + counts[:, 1], counts[:, 0] + counts[:, 2]
        excess, room = _excess(counts)
        bound = z * np.sqrt(first * (n - first) / max(n - 1.0, 1.0) * second * (n - second)) / np.maximum(room, 1)
        value, bound = excess / np.maximum(room, 1), np.where(bound > 0, bound, 1.0)
        top = np.argsort(-np.abs(value / bound), kind="stable")[:worst]
        found += [PairScc(int(i), int(i) + apart, float(value[i]), float(bound[i])) for i in top]
    return sorted(found, key=lambda pair: -abs(pair.scc / pair.bound))[:worst]
