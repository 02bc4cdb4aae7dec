"""Delivery of spikes: the input of each target grows by its source's weight.

A few spikes are delivered target by target. Many sources of one weight are counted first: where rows are dense, a row is kept as bits too, which is
shorter, and bits of 64 targets are added at once, in binary, a word for each digit. The sums are the same, as they are exact.
"""

from typing import NamedTuple

import numpy as np

from spikegate.models.kernel import kernel

__all__ = ["Rows", "Room", "make_rows", "make_room", "deliver"]

#: Fewer neurons, and the targets of a row and the inputs stay in the nearest cache, where nothing is gained.
MIN_NEURONS = 4096
#: A row of bits must not be longer than its targets of 16 bits.
MAX_SPARSENESS = 16
#: Rows of one weight that are worth counting, and as many as the digits of a byte hold.
FEW, MOST = 3, 255
BYTE = np.uint64(0x0101010101010101)
LINE = 64


class Rows(NamedTuple):
    """Connectivity as the golden models read it.

    Targets of source s, ascending, are ``indices[indptr[s]:indptr[s + 1]]``; int64 and uint16, or uint32 for many neurons. ``bits``, uint8
    (n + 1, bytes), has target i at bit ``i // bytes`` of byte ``i % bytes``, so that a digit of all counts is unpacked with one shift, and an empty
    row in the end; or none at all.
    """

    indptr: np.ndarray
    indices: np.ndarray
    bits: np.ndarray


#: Of the digits of counts, a carry, and the counts.
Room = tuple[np.ndarray, np.ndarray, np.ndarray]


def make_rows(n: int, indptr: np.ndarray, indices: np.ndarray) -> Rows:
    """The rows of a network of ``n`` neurons."""
    indptr, indices = indptr.astype(np.int64), indices.astype(np.uint16 if n <= 1 << 16 else np.uint32)
    dense = n >= MIN_NEURONS and len(indices) * MAX_SPARSENESS >= n * n
    bits = np.zeros((n + 1, -(-n // (8 * LINE)) * LINE) if dense else (0, LINE), np.uint8)
    if dense:
        _set_bits(indptr, indices, bits)
    return Rows(indptr, indices, bits)


@kernel
def _set_bits(indptr: np.ndarray, indices: np.ndarray, bits: np.ndarray) -> None:
    size = np.uint32(bits.shape[1])
    for source in range(len(indptr) - 1):
        row = bits[source]
        for target in indices[indptr[source]:indptr[source + 1]]:
            row[target % size] |= np.uint8(1 << (target // size))


@kernel
def make_room(rows: Rows) -> Room:
    """Room for one delivery after another."""
    size = rows.bits.shape[1] // 8
    return np.empty((9, size), np.uint64), np.empty(size, np.uint64), np.empty(8 * size, np.uint64)


@kernel
def deliver(current: np.ndarray, weights: np.ndarray, sources: np.ndarray, rows: Rows, room: Room) -> None:
    """Add the weight of each source to ``current`` at its targets, modulo the width of ``current``."""
    first, most = 0, MOST if len(rows.bits) else 1
    while first < len(sources):
        source, last = sources[first], first + 1
        weight = weights[source]
        while last < len(sources) and last - first < most and weights[sources[last]] == weight:
            last += 1
        if last - first >= FEW:
            _count(sources[first:last], rows.bits, room)
            counts = room[2].view(np.uint8)
            for i in range(len(current)):
                current[i] += weight * counts[i]
        else:
            last = first + 1
            for target in rows.indices[rows.indptr[source]:rows.indptr[source + 1]]:
                current[target] += weight
        first = last


@kernel
def _row(sources: np.ndarray, k: int, bits: np.ndarray) -> np.ndarray:
    row: np.ndarray = bits[sources[k] if k < len(sources) else len(bits) - 1].view(np.uint64)
    return row


@kernel
def _count(sources: np.ndarray, bits: np.ndarray, room: Room) -> None:
    """Counts of the rows' bits, at most 255, a byte for each neuron."""
    digits, carry, counts = room
    size, used = len(carry), 2
    digits[:used] = 0
    for k in range(0, len(sources), 4):
        a, b, c, d = _row(sources, k, bits), _row(sources, k + 1, bits), _row(sources, k + 2, bits), _row(sources, k + 3, bits)
        low, high = digits[0], digits[1]
        for w in range(size):
            ab, cd = a[w] ^ b[w], c[w] ^ d[w]
            two, abcd = (a[w] & b[w]) | (ab & low[w]), ab ^ low[w]
            also = (c[w] & d[w]) | (cd & abcd)
            low[w] = abcd ^ cd
            twos = two ^ also
            carry[w] = (two & also) | (twos & high[w])
            high[w] ^= twos
        for place in range(2, used):
            digit = digits[place]
            for w in range(size):
                both = digit[w] & carry[w]
                digit[w] ^= carry[w]
                carry[w] = both
        if k + 4 >= 1 << used:
            digits[used] = carry
            used += 1
    for byte in range(8):
        part, shift = counts[byte * size:(byte + 1) * size], np.uint64(byte)
        digit = digits[0]
        for w in range(size):
            part[w] = digit[w] >> shift & BYTE
        for place in range(1, used):
            digit = digits[place]
            for w in range(size):
                part[w] |= (digit[w] >> shift & BYTE) << np.uint64(place)
