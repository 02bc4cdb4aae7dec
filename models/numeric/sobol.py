"""Sobol sequence in Gray-code order: one XOR a point, any point at once, and windows of points that share an offset; a counter.

With ``gray(i) = i ^ (i >> 1)``, point i is the XOR of the directions of the bits that are set in gray(i) (Antonov and
Saleev 1979). gray(i + 1) and gray(i) differ in bit ctz(i + 1) alone. For a leap of L = 2^k points,

    gray(n * 2^k) = (gray(n) << k) ^ ((n & 1) << (k - 1))     (without the second term for k = 0)

so that from n to n + 1 bit k + ctz(n + 1) changes, and bit k - 1 if k > 0. After the last point, n + 1 = 2^(bits - k), only
bit ``bits - 1`` of the Gray code is left of the upper part: changing bit min(k + ctz(n + 1), bits - 1) returns to point 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikegate.models.checks import require_whole, whole_numbers
from spikegate.models.errors import InputError, Problems

__all__ = ["JOE_KUO", "DigitalSequence", "SobolParams", "CounterParams"]

#: Dimensions 1..31: the polynomial's inner coefficients a and the first numbers m of each, dimensions 2..32 of
#: new-joe-kuo-6.21201 (Joe and Kuo, SIAM J. Sci. Comput. 30, 2635, 2008); the degree is how many m there are.
JOE_KUO: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0, (1,)), (1, (1, 3)), (1, (1, 3, 1)), (2, (1, 1, 1)), (1, (1, 1, 3, 3)), (4, (1, 3, 5, 13)), (2, (1, 1, 5, 5, 17)),
    (4, (1, 1, 5, 5, 5)), (7, (1, 1, 7, 11, 19)), (11, (1, 1, 5, 1, 1)), (13, (1, 1, 1, 3, 11)), (14, (1, 3, 5, 5, 31)),
    (1, (1, 3, 3, 9, 7, 49)), (13, (1, 1, 1, 15, 21, 21)), (16, (1, 3, 1, 13, 27, 49)), (19, (1, 1, 1, 15, 7, 5)),
    (22, (1, 3, 1, 15, 13, 25)), (25, (1, 1, 5, 5, 19, 61)), (1, (1, 3, 7, 11, 23, 15, 103)), (4, (1, 3, 7, 13, 13, 15, 69)),
    (7, (1, 1, 3, 13, 7, 35, 63)), (8, (1, 3, 5, 9, 1, 25, 53)), (14, (1, 3, 1, 13, 9, 35, 107)), (19, (1, 3, 1, 5, 27, 61, 31)),
    (21, (1, 1, 5, 11, 19, 41, 61)), (28, (1, 3, 5, 3, 3, 13, 69)), (31, (1, 1, 7, 13, 1, 19, 1)), (32, (1, 3, 7, 5, 13, 19, 59)),
    (37, (1, 1, 3, 9, 25, 29, 41)), (41, (1, 3, 5, 13, 23, 1, 55)), (42, (1, 3, 7, 3, 13, 59, 17)),
)


class DigitalSequence:
    """Numbers of ``bits`` bits at indices modulo 2^bits, ``leap`` apart, the number at i ^ j being that at i ^ that at j if i & j is 0."""

    bits: int
    leap: int

    def check(self, name: str) -> Problems:
        """What is wrong with bits and leap, once they are whole numbers."""
        require_whole(self, "bits", "leap")
        problems = Problems()
        problems.require(1 <= self.bits <= 32, f"{name} bits must be in 1..32, not {self.bits!r}")
        problems.require(self.leap >= 1 and self.leap & (self.leap - 1) == 0, f"{name} leap must be a power of two, not {self.leap!r}")
        if not problems.messages:
            problems.require(self.leap <= self.period, f"{name} leap must be at most the period of {self.period} points, not {self.leap!r}; "
                             "use more bits or a shorter leap")
        return problems

    @property
    def period(self) -> int:
        """Points until the sequence starts again."""
        return 1 << self.bits

    @property
    def index_bits(self) -> int:
        """Of an index that counts leaps; 0 if a leap is the whole period."""
        return self.bits - self.shift

    @property
    def shift(self) -> int:
        """k of the leap of 2^k points."""
        return self.leap.bit_length() - 1

    def points(self, indices: np.ndarray) -> np.ndarray:
        """Numbers at ``indices``, 0 or more and taken modulo the period: uint32 of the same shape."""
        raise NotImplementedError

    def point(self, index: int) -> int:
        """The number at ``index``, modulo the period."""
        index, = whole_numbers(index=index)
        return int(self.points(np.array(index % self.period)))

    def run(self, first: int, count: int) -> np.ndarray:
        """``count`` numbers, uint32, ``leap`` points apart, the first at ``first * leap``."""
        (first, count), windows = whole_numbers(first=first, count=count), 1 << self.index_bits
        if count < 0:
            raise InputError(f"Numbers must be 0 or more, not {count}")
        return self.points((np.arange(count, dtype=np.uint64) + np.uint64(first % windows)) % np.uint64(windows) << np.uint64(self.shift))


@dataclass(frozen=True)
class SobolParams(DigitalSequence):
    """One dimension of the sequence, as integers of ``bits`` bits.

    Parameters
    ----------
    dimension : int
        0..31; 0 is van der Corput's sequence.
    bits : int
        Of a number, 1..32; the sequence has 2^bits points, each number once, and starts again.
    leap : int
        Points per clock, a power of two, 1..2^bits.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    dimension: int
    bits: int = 16
    leap: int = 1

    def __post_init__(self) -> None:
        require_whole(self, "dimension")
        problems = self.check("Sobol")
        problems.require(0 <= self.dimension <= len(JOE_KUO),
                         f"Sobol dimension must be in 0..{len(JOE_KUO)}, not {self.dimension!r}; the table of direction numbers ends there")
        problems.raise_any()

    @cached_property
    def directions(self) -> tuple[int, ...]:
        """For each bit of the Gray code, lowest first, the number that it adds.

        Entry k is m_(k+1) << (bits - 1 - k). For dimension 0 every m is 1. For the others, with degree s and inner
        coefficients a_1 .. a_(s-1), a_1 the highest bit of a, the m beyond the table's s are
        ``m_k = m_(k-s) ^ (m_(k-s) << s) ^ XOR over j in 1..s-1 of a_j * (m_(k-j) << j)``.
        """
        if self.dimension == 0:
            return tuple(1 << k for k in reversed(range(self.bits)))
        a, given = JOE_KUO[self.dimension - 1]
        s, m = len(given), list(given)
        for k in range(s, self.bits):
            new = m[k - s] ^ m[k - s] << s
            for j in range(1, s):
                new ^= (a >> (s - 1 - j) & 1) * m[k - j] << j
            m.append(new)
        return tuple(m[k] << (self.bits - 1 - k) for k in range(self.bits))

    def points(self, indices: np.ndarray) -> np.ndarray:
        indices = np.asarray(indices, np.uint64) % np.uint64(self.period)
        gray, found = indices ^ indices >> np.uint64(1), np.zeros(indices.shape, np.uint64)
        for k, direction in enumerate(self.directions):
            found ^= np.uint64(direction) * (gray >> np.uint64(k) & np.uint64(1))
        return found.astype(np.uint32)

    def step(self, state: int, index: int) -> int:
        """The state after leap ``index`` (modulo the period), where ``state`` is the point at ``index * leap``."""
        following = index % (1 << self.index_bits) + 1
        trailing = (following & -following).bit_length() - 1
        if self.shift:
            state ^= self.directions[self.shift - 1]
        return state ^ self.directions[min(self.shift + trailing, self.bits - 1)]


@dataclass(frozen=True)
class CounterParams(DigitalSequence):
    """A counter: the number at ``index`` is the index modulo 2^bits, so that L = 2^bits positions hold P ones, in a row.

    Parameters
    ----------
    bits : int
        1..32.
    leap : int
        Positions per clock, a power of two, 1..2^bits.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    bits: int = 16
    leap: int = 1

    def __post_init__(self) -> None:
        self.check("Counter").raise_any()

    def points(self, indices: np.ndarray) -> np.ndarray:
        return (np.asarray(indices, np.uint64) % np.uint64(self.period)).astype(np.uint32)

    def step(self, state: int, index: int) -> int:
        """The state after a leap; the index is not needed."""
        return (state + self.leap) % self.period
