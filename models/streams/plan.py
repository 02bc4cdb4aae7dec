"""Stream plans: which phases of an LFSR and which Sobol dimensions the streams of a network use, and proof that they do not meet.

The product of two streams by AND is that of their probabilities if they are independent. A plan is checked when it is
made: exactly for what can be counted (shared positions of an m-sequence, boxes of two Sobol dimensions), and by the
stochastic computing correlation where chance has a part.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast

import numpy as np

from spikegate.models.checks import exact_array, require_type, require_whole, whole, whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.phase import phases_between, phases_hold
from spikegate.models.numeric.sobol import JOE_KUO, SobolParams
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.planes import WORD, lfsr_planes
from spikegate.models.streams.scc import PairScc, correlations

__all__ = ["LfsrPlan", "strength", "SobolPlan"]

#: Positions of each stream, from its first, whose correlation a plan looks at.
CHECKED = 4096


@dataclass(frozen=True)
class LfsrPlan:
    """Start states of streams from one kind of LFSR. A stream is the bits that its register shifts in.

    Parameters
    ----------
    params : LfsrParams
        A leap is one clock of the run: a window of an encoder's plane, or one number of a serial encoder.
    seeds : tuple of int
        The state of each stream before the run, 1..2^width - 1.
    windows : int or tuple of int
        Leaps in the run, 1 or more, of each stream or of all.
    phases : tuple of int, optional
        Positions of each seed after the first one, if known: they are verified; otherwise they are computed.

    Raises
    ------
    InputError
        If two streams use the same position of the cycle in the run, if the SCC of two streams is more than chance explains
        in their first positions (at most 4096), or if phases are neither given nor computable (`phases_between`).
    """

    params: LfsrParams
    seeds: tuple[int, ...]
    windows: int | tuple[int, ...]
    phases: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require_type(self, "params", LfsrParams)
        params, seeds = self.params, tuple(exact_array("seeds", self.seeds, np.uint64).tolist())
        windows: tuple[Any, ...] = (whole(self.windows),) * len(seeds) if whole(self.windows) is not None else tuple(
            exact_array("windows", self.windows, np.int64).tolist())
        problems = Problems()
        problems.require(len(seeds) >= 1, "Streams must be at least 1, not 0")
        for i, seed in enumerate(seeds):
            problems.require(1 <= seed <= params.mask, f"Seed of stream {i} must be in 1..2^{params.width} - 1, not {seed}; use any other")
        problems.require(len(windows) == len(seeds) and all(w >= 1 for w in windows),
                         f"Windows must be at least 1 for each of {len(seeds)} streams, not {self.windows!r}")
        problems.raise_any()
        phases = tuple(exact_array("phases", self.phases or phases_between(params, seeds), np.uint64).tolist())
        problems.require(len(phases) == len(seeds) and phases_hold(params, seeds, phases),
                         "Phases must be the positions from the first seed to each; leave them out, and they are computed")
        problems.raise_any()
        self.__dict__.update(seeds=seeds, windows=windows, phases=phases)
        self._require_apart(problems)
        self._require_uncorrelated(problems)
        problems.raise_any()

    @classmethod
    def make(cls, params: LfsrParams, streams: int, windows: int, seed: int) -> "LfsrPlan":
        """Evenly spaced phases, the first stream at ``seed``; any width.

        If the number of streams divides the period, the XOR of all evenly spaced streams is 0, so that they are spaced for one more.

        Raises
        ------
        InputError
            If the streams do not have ``windows`` leaps each.
        """
        streams, windows, seed = whole_numbers(streams=streams, windows=windows, seed=seed)
        spaced = streams + (streams > 1 and params.period % streams == 0)
        seeds = params.phases(seed, spaced, windows)[:streams]
        return cls(params, tuple(seeds), windows, tuple(i * (params.period // spaced) for i in range(streams)))

    def gaps(self) -> list[tuple[int, int, int]]:
        """Each stream, the next one on the cycle, and the positions from the start of the first to that of the second."""
        order = sorted(range(len(self.seeds)), key=lambda i: self.phases[i] % self.params.period)
        following = [*order[1:], order[0]]
        period = self.params.period
        return [(i, j, period if i == j else (self.phases[j] - self.phases[i]) % period) for i, j in zip(order, following)]

    def _require_apart(self, problems: Problems) -> None:
        leap, windows = self.params.leap, cast(tuple[int, ...], self.windows)
        meet = [(gap, i, j) for i, j, gap in self.gaps() if windows[i] * leap > gap]
        if meet:
            gap, i, j = min(meet)
            problems.require(False, f"Streams {i} and {j} start {gap} positions apart on the cycle of a {self.params.width}-bit LFSR, but "
                             f"stream {i} uses {windows[i] * leap} in the run; {len(meet)} of {len(self.seeds)} streams reach into the "
                             "next; use LfsrPlan.make, a wider LFSR or fewer windows")

    def _require_uncorrelated(self, problems: Problems) -> None:
        for pair in self.correlations(1):
            problems.require(abs(pair.scc) <= pair.bound, f"SCC of streams {pair.first} and {pair.second} over their first {self.checked} positions "
                             f"must be in -{pair.bound:.3g}..{pair.bound:.3g}, not {pair.scc:.3g}; use LfsrPlan.make, or another seed")

    @property
    def checked(self) -> int:
        """Positions that `correlations` looks at: a power of two that every stream has in the run."""
        return 1 << min(CHECKED, min(cast(tuple[int, ...], self.windows)) * self.params.leap).bit_length() - 1

    def packed(self) -> np.ndarray:
        """The first `checked` positions, the earliest the highest; uint64 (streams, words). An encoder's threshold 1/2 inverts them."""
        length = max(self.checked, WORD)
        window, = lfsr_planes(self.params, self.seeds, 0, 1, length)
        return cast(np.ndarray, window >> np.uint64(length - self.checked))

    def correlations(self, worst: int = 10) -> list[PairScc]:
        """The ``worst`` pairs at p = q = 1/2; see `correlations`."""
        return correlations(self.packed(), self.checked, worst=worst)


def strength(first: SobolParams, second: SobolParams, length: int) -> int:
    """Largest k for which ``length`` = 2^m points of two dimensions, in an aligned window, share themselves out evenly.

    That is, each of the 2^k boxes of 2^-j by 2^(j-k), for each j, holds 2^(m-k) of the points; m - k is called t of a
    (t, m, 2)-net in base 2 (Niederreiter 1987). It holds if the top j and k - j rows of the direction matrices are independent,
    as those of one dimension (j = k) always are.
    """
    m = length.bit_length() - 1
    rows = [[sum((v >> (params.bits - 1 - r) & 1) << k for k, v in enumerate(params.directions[:m])) for r in range(min(m, params.bits))]
            for params in (first, second)]
    for k in range(m + 1):
        for j in range(k):
            basis: list[int] = []
            for row in rows[0][:j] + rows[1][:k - j]:
                for other in basis:
                    row = min(row, row ^ other)
                if not row:
                    return k - 1
                basis.append(row)
    return m


@dataclass(frozen=True)
class SobolPlan:
    """Sobol dimensions of the channels of one dot product, that is of all streams that may meet in an AND.

    Parameters
    ----------
    dimensions : tuple of int
        One a channel, 0..31, no two equal.
    length : int
        Positions of a window, a power of two.
    bits : int
        Of a number; the sequence starts again after 2^bits positions.

    Raises
    ------
    InputError
        If a dimension is used twice or is not in the table, if the period is shorter than a window, or if two dimensions have a
        `strength` below m / 2 or 2 in 2^m positions: else boxes of 1 / sqrt(length) have their exact share, and the SCC at 1/2 is 0.
    """

    dimensions: tuple[int, ...]
    length: int
    bits: int = PROBABILITY_BITS

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", tuple(exact_array("dimensions", self.dimensions, np.int64).tolist()))
        require_whole(self, "length", "bits")
        problems, seen, length = Problems(), self.dimensions, self.length
        problems.require(1 <= len(seen) <= len(JOE_KUO) + 1, f"Sobol channels must be in 1..{len(JOE_KUO) + 1}, not {len(seen)}; "
                         "use LFSR streams, or a dot product of fewer channels")
        twice = sorted({d for d in seen if seen.count(d) > 1})
        problems.require(not twice, f"Sobol dimensions {twice} must have one channel each; use SobolPlan.make, or another dimension")
        problems.require(length >= 4 and length & (length - 1) == 0, f"Window length must be a power of two and at least 4 positions, not {length!r}")
        problems.require(length <= 1 << self.bits, f"Window length must be at most the period of {1 << self.bits} points, not {length}; "
                         "use more bits or a shorter window")
        problems.raise_any()
        for first, second in combinations(self.params, 2):
            found = strength(first, second, length)
            problems.require(found >= self.needed(length), f"Sobol dimensions {first.dimension} and {second.dimension} must have a strength of at "
                             f"least {self.needed(length)} over {length} positions, not {found}; use SobolPlan.make, or a longer window")
        problems.raise_any()

    @staticmethod
    def needed(length: int) -> int:
        """The least `strength` of two dimensions: half of m, rounded up, and at least 2."""
        return max(2, length.bit_length() // 2)

    @classmethod
    def make(cls, channels: int, length: int, bits: int = PROBABILITY_BITS) -> "SobolPlan":
        """The first dimensions that do with each other.

        Raises
        ------
        InputError
            If the table has not so many for this length.
        """
        channels, length = whole_numbers(channels=channels, length=length)
        if length < 1:
            raise InputError(f"Window length must be a power of two and at least 4 positions, not {length}")
        chosen: list[SobolParams] = []
        for params in (SobolParams(dimension, bits) for dimension in range(len(JOE_KUO) + 1)):
            if all(strength(other, params, length) >= cls.needed(length) for other in chosen):
                chosen.append(params)
        if not 1 <= channels <= len(chosen):
            raise InputError(f"Sobol channels must be in 1..{len(chosen)} for windows of {length} positions, not {channels}; use a longer window, "
                             "LFSR streams, or a dot product of fewer channels")
        return cls(tuple(params.dimension for params in chosen[:channels]), length, bits)

    @property
    def params(self) -> list[SobolParams]:
        """One for each channel."""
        return [SobolParams(dimension, self.bits) for dimension in self.dimensions]
