"""What is given must be exactly of its kind: whole numbers, finite numbers, members of an enumeration, arrays of integers."""

import enum
import math
import numbers
import operator
import reprlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from spikegate.models.errors import InputError

__all__ = ["whole", "real", "plain", "identifier", "whole_numbers", "real_numbers", "require", "require_type", "require_whole", "require_real",
           "require_member", "exact_array", "real_array"]


def whole(value: Any) -> int | None:
    """The integer that ``value`` is, or None; a truth value is none, nor is a float."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def real(value: Any) -> float | Fraction | None:
    """The finite number that ``value`` is, of NumPy's types as Python's, or None; a truth value is none, nor is text."""
    if type(value) is not float and (not isinstance(value, numbers.Real) or isinstance(value, bool)):
        return None
    if isinstance(value, np.generic):
        value = int(value) if isinstance(value, np.integer) else float(value)
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number above every float
        return None


def plain(value: object) -> bool:
    """Whether it is a truth value, a whole number, a finite float or printable text, of Python's own types."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (bool, int)) or isinstance(value, str) and value.isprintable()


def identifier(value: object) -> bool:
    """Whether it is a name of ASCII letters, digits and ``_``, no digit first."""
    return isinstance(value, str) and value.isascii() and value.isidentifier()


def _collect(kind: Callable[[Any], Any], what: str, values: dict[str, Any]) -> list[Any]:
    found = [kind(value) for value in values.values()]
    if None in found:
        raise InputError("\n".join(f"{name} must be a {what} number, not {reprlib.repr(value)}"
                                   for (name, value), good in zip(values.items(), found) if good is None))
    return found


def whole_numbers(**values: Any) -> list[int]:
    """They, in order, as plain integers, or `InputError` with those that are no whole numbers."""
    return _collect(whole, "whole", values)


def real_numbers(**values: Any) -> list[Any]:
    """They, in order, as `real` has them, or `InputError` with those that are no finite numbers."""
    return _collect(real, "finite", values)


def require(name: str, value: object, kind: type | tuple[type, ...], fix: str = "") -> None:
    """Raise `InputError`, with the fix, unless a value is of a type, or of one of some."""
    if not isinstance(value, kind):
        kinds = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise InputError(f"{name} must be of type {kinds}, not {reprlib.repr(value)}" + (f"; {fix}" if fix else ""))


def require_type(owner: object, name: str, kind: type) -> None:
    """Raise `InputError` unless a field is of a type."""
    require(f"{type(owner).__name__}.{name}", getattr(owner, name), kind)


def _set(owner: object, names: tuple[str, ...], collect: Callable[..., list[Any]]) -> None:
    title = type(owner).__name__
    found = collect(**{f"{title}.{name}": getattr(owner, name) for name in names})
    for name, value in zip(names, found):
        object.__setattr__(owner, name, value)


def require_whole(owner: object, *names: str) -> None:
    """Make fields of a frozen dataclass plain integers, or raise `InputError` with those that are no whole numbers."""
    _set(owner, names, whole_numbers)


def require_real(owner: object, *names: str) -> None:
    """Make fields of a frozen dataclass plain numbers, or raise `InputError` with those that are not finite."""
    _set(owner, names, real_numbers)


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


def real_array(name: str, values: Any) -> np.ndarray:
    """The values as float64.

    Raises
    ------
    InputError
        If one is no number: text, a truth value, None. NaN is left to the limits of what the array is for.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind in "iuf" or array.size == 0:
            return array.astype(np.float64, copy=False)
    except (ValueError, TypeError):  # rows of different lengths
        pass
    raise InputError(f"{name} must be numbers, not {reprlib.repr(values)}")
