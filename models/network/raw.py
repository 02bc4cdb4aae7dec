"""Raw integers that a user gives: whole, in their limits, with an error that says what to write instead."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np

from spikegate.models.checks import real_array
from spikegate.models.errors import InputError, Problems
from spikegate.models.network.point_population import Neuron
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron, Reset
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.fixed import QFormat

__all__ = ["raw_numbers", "raw_sets"]

#: Of an izhikevich: fraction bits of each parameter, if they are its own, and what to do if it is too large.
IZHIKEVICH: dict[str, Callable[[IzhikevichNeuron], tuple[int | None, str | QFormat]]] = {
    "square": lambda n: (n.slope_fraction + n.square_shift - n.format.fraction, "use more square_bits, or a smaller square_shift"),
    "slope": lambda n: (n.slope_fraction, "use fewer bits of slope_fraction; it lies in -8..8"),
    "a": lambda n: (n.a_fraction, "an a above 1 is none; it is that of a step"),
    "b": lambda n: (n.u_format.fraction + n.b_shift - n.format.fraction, "use more b_bits, or a smaller b_shift"),
    "d": lambda n: (n.u_format.fraction, n.u_format),
    **dict.fromkeys(("bias", "c", "peak"), lambda n: (n.format.fraction, n.format))}
DEFAULTS = {"rest": 0, "reset": 0, "refractory": 0, "bias": 0}


def raw_numbers(what: str, values: Any, least: int, most: int, fix: str | QFormat, *, fraction: int | None = None) -> np.ndarray:
    """int64 in the shape given.

    Parameters
    ----------
    what : str
        How an error begins.
    values : array_like
    least, most : int
    fix : str or QFormat
        What to do about a value outside, or the format, which knows a wider one.
    fraction : int, optional
        Fraction bits of what a user may have meant by a number that is not whole.

    Raises
    ------
    InputError
        If one is no number, not whole, or outside.
    """
    given = real_array(what, values)
    wrong = given[~(np.floor(given) == given)].ravel()
    if len(wrong):
        value = wrong[0]
        if fraction is None or not np.isfinite(value):
            raise InputError(f"{what} must be a whole number, not {value:g}; round it")
        raise InputError(f"{what} must be a raw whole number, not {value:g}, which would be rounded; 1.0 is 2^{fraction} = {1 << fraction} raw, "
                         f"so give {round(float(value) * (1 << fraction))}")
    outside = given[(given < least) | (given > most)].ravel()
    if len(outside):
        value = int(outside[0])
        advice = fix.wider(value) if isinstance(fix, QFormat) else fix
        clipped = f", outside {fix}, which would clip it" if isinstance(fix, QFormat) else ""
        raise InputError(f"{what} must be in {least}..{most}, not {value}{clipped}; {advice}")
    return given.astype(np.int64)


def raw_sets(name: str, size: int, neuron: Neuron, parameters: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Parameter sets of a population and each neuron's index, from one value or one a neuron by name.

    Raises
    ------
    InputError
        With every parameter that is missing, unknown, not whole or outside.
    """
    if not isinstance(neuron, get_args(Neuron)):
        raise InputError(f"Neuron of {name!r} must be a LinearNeuron, BernoulliNeuron or IzhikevichNeuron, not {neuron!r}; "
                         "LinearNeuron(Q8_8) makes one")
    if not isinstance(size, (int, np.integer)) or size < 1:
        raise InputError(f"Population {name!r} must have at least 1 neuron, not {size!r}")
    given, problems, here = dict(parameters), Problems(), f"of population {name!r}"
    if isinstance(neuron, LinearNeuron):
        given = DEFAULTS | ({"reset": given["threshold"]} if neuron.reset == Reset.SUBTRACT and "threshold" in given else {}) | given
    if isinstance(neuron, IzhikevichNeuron):
        given = {"bias": 0} | given
    for unknown in given.keys() - {column.name for column in neuron.columns}:
        problems.require(False, f"Parameter {unknown} {here} is none of a {neuron.kind}, which has {', '.join(each.name for each in neuron.columns)}")
    columns = []
    for column in neuron.columns:
        if column.name not in given:
            problems.require(False, f"Parameter {column.name} {here} is missing; give one, or one a neuron, in {column.least}..{column.most} (raw)")
            continue
        fraction, fix = _meaning(neuron, column.name)
        try:
            values = raw_numbers(f"{column.name} {here}", given[column.name], column.least, column.most, fix, fraction=fraction)
            if values.shape not in ((), (size,)):
                raise InputError(f"{column.name} {here} must be one, or {size}, not {values.shape}")
            columns.append(np.broadcast_to(values, (size,)))
        except InputError as error:
            problems.messages.append(str(error))
    problems.raise_any()
    sets, index = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    return sets, index.ravel()


def _meaning(neuron: Neuron, name: str) -> tuple[int | None, str | QFormat]:
    """Fraction bits of a parameter, and what to do if it is too large: its format, or advice."""
    if isinstance(neuron, IzhikevichNeuron):
        return IZHIKEVICH[name](neuron)
    if not isinstance(neuron, LinearNeuron):
        return UNIFORM_BITS, "a chance above 1 is none"
    if isinstance(neuron, AdaptiveLinearNeuron) and name.removeprefix("jump_") in neuron.adapted:
        q = neuron.adapted[name.removeprefix("jump_")]
        return q.fraction, q
    if name in ("decay_theta", "decay_w") and isinstance(neuron, AdaptiveLinearNeuron):
        return getattr(neuron, name.replace("decay_", "") + "_fraction"), "a decay above 1 is none; it is dt / tau"
    if name == "leak":
        return neuron.leak_fraction, "a leak above 1 is none; it is dt / tau"
    if name.startswith("decay_"):
        return neuron.decay_fraction, "a decay above 1 is none; it is dt / tau"
    if name.startswith(("coupling_", "slope_")):
        return neuron.coupling_shift, "use more coupling_bits, or a smaller coupling_shift"
    return (None, "use a longer dt_ms") if name == "refractory" else (neuron.format.fraction, neuron.format)
