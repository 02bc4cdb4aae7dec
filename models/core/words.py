"""Records as the words that a core's memories hold: fields one after another, the first in the lowest bits."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from spikegate.models.core.address_map import DATA_BITS

__all__ = ["Field", "record_bits", "pack", "unpack"]


class Field(NamedTuple):
    """Width of a field, 1..64 bits, and whether it is signed."""

    width: int
    signed: bool = False


def record_bits(fields: Mapping[str, Field]) -> int:
    """Bits of a record."""
    return sum(field.width for field in fields.values())


def pack(fields: Mapping[str, Field], values: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """Records, uint64 (count, words), of integers (count,) by field; 0 where a field has none."""
    found, at = np.zeros((count, max(1, -(-record_bits(fields) // DATA_BITS))), np.uint64), 0
    for name, field in fields.items():
        if name in values:
            word, shift = divmod(at, DATA_BITS)
            part = np.asarray(values[name]).astype(np.int64).astype(np.uint64) & np.uint64((1 << field.width) - 1)
            found[:, word] |= part << np.uint64(shift)
            if shift + field.width > DATA_BITS:
                found[:, word + 1] |= part >> np.uint64(DATA_BITS - shift)
        at += field.width
    return found


def unpack(words: np.ndarray, first: int, field: Field) -> np.ndarray:
    """The field at bit ``first`` of records, uint64 (..., words), as int64 (...); of at most 63 bits."""
    word, shift = divmod(first, DATA_BITS)
    found = words[..., word] >> np.uint64(shift)
    if shift + field.width > DATA_BITS:
        found = found | words[..., word + 1] << np.uint64(DATA_BITS - shift)
    values: np.ndarray = (found & np.uint64((1 << field.width) - 1)).astype(np.int64)
    return values - ((values >> (field.width - 1)) << field.width) if field.signed else values
