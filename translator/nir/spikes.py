"""Spikes for the inputs of a NIR graph: arrays of 0 and 1 as steps and channels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikegate.models.checks import whole
from spikegate.models.errors import InputError

__all__ = ["events", "spread"]


def events(inputs: Any, steps: int | None, sizes: Mapping[str, int]) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], int]:
    """Steps and channels of the spikes of each input, and how many steps they are.

    Parameters
    ----------
    inputs : array_like or Mapping of str to array_like, optional
        (steps, ...) of 0 and 1; of the only input without a name.
    steps : int, optional
        As many as the longest input by default.
    sizes : Mapping of str to int
        Channels by name.

    Raises
    ------
    InputError
        If they are not spikes, or do not fit.
    """
    if inputs is not None and not isinstance(inputs, Mapping):
        if len(sizes) != 1:
            raise InputError(f"Inputs of a graph with {len(sizes)} Input nodes must be given by name: {', '.join(sizes) or 'there are none'}")
        inputs = {next(iter(sizes)): inputs}
    found, longest = {name: (np.empty(0, np.int64), np.empty(0, np.int64)) for name in sizes}, 0
    for name, values in (inputs or {}).items():
        if name not in sizes:
            raise InputError(f"Inputs name {name!r}, which is no Input node; there are {', '.join(sizes) or 'none'}")
        array = np.asarray(values)
        if array.ndim < 1 or array.dtype.kind not in "bifu" or int(np.prod(array.shape[1:])) != sizes[name]:
            raise InputError(f"Input {name!r} must be numbers (steps, {sizes[name]}), not {array.shape} of {array.dtype}")
        wrong = array[(array != 0) & (array != 1)].ravel()
        if len(wrong):
            raise InputError(f"Input {name!r} must be spikes, 0 or 1, not {wrong[0]:g}; turn numbers into spikes, for example with spread")
        found[name] = tuple(np.nonzero(array.reshape(len(array), -1)))  # type: ignore[assignment]  # two of them
        longest = max(longest, len(array))
    length = whole(steps if steps is not None else longest)
    if length is None or length < 1:
        raise InputError(f"steps must be 1 or more, not {steps!r}; give them, or inputs that are as long")
    if length < longest:
        raise InputError(f"steps must be at least the {longest} of the inputs, not {length}")
    return found, length


def spread(values: Any, steps: int) -> np.ndarray:
    """Whole numbers as so many spikes, spread evenly over the steps: bool (steps, ...).

    Parameters
    ----------
    values : array_like
        0..steps, in any shape.
    steps : int
        1 or more.

    Raises
    ------
    InputError
        If a number is not whole, or outside.
    """
    counts, length = np.asarray(values), whole(steps)
    if length is None or length < 1:
        raise InputError(f"steps must be 1 or more, not {steps!r}")
    wrong = counts[~((counts >= 0) & (counts <= length) & (np.floor(counts) == counts))].ravel()
    if len(wrong):
        raise InputError(f"Counts of spikes must be whole numbers in 0..{length}, a spike a step, not {wrong[0]:g}; scale and round them, or use "
                         "more steps")
    at = np.arange(length + 1).reshape(-1, *(1,) * counts.ndim) * counts.astype(np.int64) // length
    found: np.ndarray = np.diff(at, axis=0) > 0
    return found
