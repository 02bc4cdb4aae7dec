"""What parameters are given must be exactly of their kind: whole numbers, members of an enumeration, arrays of integers."""

import enum
import operator
import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt

from spikegate.models.errors import InputError, Problems

__all__ = ["whole", "require_type", "require_whole", "require_member", "exact_array"]


def whole(value: Any) -> int | None:
    """The integer that ``value`` is, or None; a truth value is none, nor is a float."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def require_type(owner: object, name: str, kind: type) -> None:
    """Raise `InputError` unless a field is of a type."""
    value = getattr(owner, name)
    if not isinstance(value, kind):
        raise InputError(f"{type(owner).__name__}.{name} must be of type {kind.__name__}, not {reprlib.repr(value)}")


def require_whole(owner: object, *names: str) -> None:
    """Make fields of a frozen dataclass plain integers, or raise `InputError` with those that are no whole numbers."""
    problems = Problems()
    for name in names:
        value = getattr(owner, name)
        number = whole(value)
        problems.require(number is not None, f"{type(owner).__name__}.{name} must be a whole number, not {reprlib.repr(value)}")
        object.__setattr__(owner, name, number)
    problems.raise_any()


def require_member(owner: object, name: str, kind: type[enum.Enum]) -> None:
    """Make a field of a frozen dataclass a member of an enumeration, or raise `InputError`."""
    value = getattr(owner, name)
    try:
        object.__setattr__(owner, name, kind(value))
    except ValueError:
        members = ", ".join(f"{kind.__name__}.{member.name}" for member in kind)
        raise InputError(f"{type(owner).__name__}.{name} must be one of {members}, not {reprlib.repr(value)}") from None


def _is_whole(value: object) -> bool:
    # A float of 2^53 or more may stand for another whole number.
    return whole(value) is not None or isinstance(value, float) and value.is_integer() and abs(value) < 2**53


def exact_array(name: str, values: Any, dtype: npt.DTypeLike, ndim: int = 1) -> np.ndarray:
    """A read-only copy, of an integer type, of an array of ``ndim`` dimensions whose entries that type holds exactly.

    Raises
    ------
    InputError
        If it does not.
    """
    try:
        # As objects, since NumPy makes floats of a list of small and large integers.
        given = values if isinstance(values, np.ndarray) else np.array(values, object)
        if given.ndim == ndim and (given.dtype.kind in "iu" or all(map(_is_whole, given.flat))):
            array = given.astype(dtype, order="C")
            if np.array_equal(array, given):
                array.flags.writeable = False
                return array
    except (ValueError, OverflowError):  # rows of different lengths, numbers out of range
        pass
    raise InputError(f"Array {name} must hold whole numbers of the type {np.dtype(dtype).name} in {ndim} dimension{'s' * (ndim > 1)}, "
                     f"not {reprlib.repr(values)}")
