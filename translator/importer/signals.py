"""What the time alone adds to membranes, as a script's ``t`` and ``TimedArray`` say: numbers of each step, and the spikes that stand for them.

A signal is a current that nothing of is left after a step, so that its coupling times its value is what the step adds. The value comes as recorded
spikes: a channel a bit, each bit worth twice the one before and the last of the other sign, which is the value as a whole number of two's complement.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from spikegate.translator.importer.float_parts import Signal
from spikegate.translator.importer.statements import Unclear, constant, evaluate, symbol
from spikegate.translator.importer.values import Values

__all__ = ["MAX_BITS", "MAX_NUMBERS", "Clocked", "Series", "bits_of", "signals", "split", "spikes_of_bits"]

#: Bits of a signal, its sign among them, and numbers of all signals of a group.
MAX_BITS, MAX_NUMBERS = 24, 1_000_000


class Clocked(NamedTuple):
    """The steps of a run."""

    dt: float  #: seconds
    start: int
    steps: int

    @property
    def times(self) -> np.ndarray:
        """When each begins, seconds."""
        return np.arange(self.start, self.start + self.steps) * self.dt


class Series(NamedTuple):
    """A variable that has another value in each step of a run."""

    values: np.ndarray  #: (rows, steps)
    row: np.ndarray  #: of each neuron, (size,)


def split(expression: Any, series: Collection[str] = ()) -> tuple[Any, dict[Any, Any]]:
    """An expression without the terms that depend on the time or a series; and the factors of these, by what of them depends on it."""
    import sympy

    times = [symbol(name) for name in ("t", *series)]
    if not expression.has(*times):
        return expression, {}
    moving: dict[Any, Any] = {}
    still: Any = sympy.Integer(0)
    for term in sympy.Add.make_args(sympy.expand(expression)):
        factor, rest = term.as_independent(*times, as_Add=False)
        if rest.has(*times):
            moving[rest] = moving.get(rest, 0) + factor
        else:
            still += term
    constant(still)
    return still, moving


def signals(moving: Mapping[Any, Any], values: Values, functions: Mapping[str, Callable[..., Any]], size: int, clocked: Clocked,
            series: Mapping[str, Series]) -> list[Signal]:
    """The one signal of a group of ``size`` neurons, if there is any.

    Parameters
    ----------
    moving : Mapping
        As `split` gives it.
    functions : Mapping
        Of the time, by name, as Brian2 itself calls them.
    series : Mapping of str to Series

    Raises
    ------
    Unclear
        If the neurons have too many signals of their own, or a signal has no value.
    """
    import sympy

    if not moving:
        return []
    factors = [evaluate(factor, values, size) for factor in moving.values()]
    names = sorted({str(name) for each in moving for name in each.free_symbols} - {"t"})
    columns = [np.asarray(series[name].row if name in series else values[name], np.float64) for name in names]
    columns = [np.broadcast_to(each, (size,)) for each in columns]
    alone = len(factors) == 1
    sign = np.where(factors[0] < 0, -1.0, 1.0) if alone else np.ones(size)
    rows, row = np.unique(np.stack([sign, *([] if alone else factors), *columns]), axis=1, return_inverse=True)
    if rows.shape[1] * clocked.steps > MAX_NUMBERS:
        raise Unclear(f"is another input for each of {rows.shape[1]} neurons in {clocked.steps} steps, above {MAX_NUMBERS} numbers")
    total = np.zeros((rows.shape[1], clocked.steps))
    last = rows[len(rows) - len(names):]
    given = [series[name].values[each.astype(np.int64)] if name in series else each[:, None] for name, each in zip(names, last)]
    for k, moved in enumerate(moving):
        with np.errstate(all="ignore"):
            call = sympy.lambdify([symbol("t"), *map(symbol, names)], moved, [dict(functions), "numpy"])
            total += np.asarray(call(clocked.times, *given), np.float64) * (rows[0] if alone else rows[1 + k])[:, None]
    if not np.all(np.isfinite(total)):
        raise Unclear("has no value at some times")
    if not total.any():
        return []
    return [Signal(total, row.reshape(-1), np.abs(factors[0]) if alone else np.ones(size))]


def bits_of(signal: Signal, width: int) -> tuple[np.ndarray, float]:
    """Whole numbers of a signal, int64 (rows, steps), for currents of ``width`` bits, and what one is worth."""
    most = (1 << (min(width, MAX_BITS) - 1)) - 1
    largest = float(np.abs(signal.values).max())
    one = largest / most if largest else 1.0
    return np.rint(signal.values / one).astype(np.int64), one


def spikes_of_bits(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps and channels of the spikes of a signal, and the weight of each bit; bit b of row r is channel b rows + r.

    The spikes of a step bring the number of the next one, as a synapse takes a step at least; the number of step 0 is no spike.
    """
    rows, width = len(raw), int(np.abs(raw).max(initial=1)).bit_length() + 1
    weights = np.array([1 << b for b in range(width - 1)] + [-(1 << (width - 1))])
    steps, channels = [], []
    for b in range(width):
        row, step = np.nonzero((raw[:, 1:] >> b) & 1)
        steps.append(step)
        channels.append(b * rows + row)
    when, which = np.concatenate(steps), np.concatenate(channels)
    order = np.lexsort((which, when))
    return when[order], which[order], weights
