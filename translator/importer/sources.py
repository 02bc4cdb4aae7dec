"""Groups of Brian2 that only spike: at random with a rate a neuron, or as recorded."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikegate.translator.importer.float_network import FloatInput, FloatSources, Refusals
from spikegate.translator.importer.reading import timed_functions
from spikegate.translator.importer.statements import Unclear, constant, evaluate, followed, symbol
from spikegate.translator.importer.values import Values, steps_of

__all__ = ["generator", "poisson"]

#: Spikes of a generator with a period in a run, and random numbers that the host draws for rates that the time changes.
MAX_SPIKES, MAX_DRAWN = 10_000_000, 200_000_000


def _drawn(group: Any, namespace: Mapping[str, Any], start: int, steps: int) -> FloatInput | np.ndarray:
    """Spikes of a `PoissonGroup` whose rates are an expression, drawn as Brian2 draws them, from NumPy's generator; or its rates, Hz, if fixed."""
    import sympy

    values, dt, size = Values(group, namespace), float(group.clock.dt_), len(group)
    functions = timed_functions(group, values, group._rates)
    rate = followed(f"_r = {group._rates}", values.known)["_r"]
    constant(rate, {"t", *functions})
    if not rate.has(symbol("t")):
        return evaluate(rate, values, size)
    if size * steps > MAX_DRAWN:
        raise Unclear(f"is an expression for {size} neurons in {steps} steps, above {MAX_DRAWN} numbers that the host draws")
    names = sorted({str(each) for each in rate.free_symbols} - {"t"})
    call = sympy.lambdify([symbol("t"), *map(symbol, names)], rate, [functions, "numpy"])
    given, found = [np.asarray(values[name], np.float64) for name in names], []
    for step in range(steps):
        chance = np.broadcast_to(np.asarray(call((start + step) * dt, *given), np.float64) * dt, (size,))
        if not (chance.min() >= 0 and chance.max() <= 1):
            raise Unclear(f"is {chance.max():g} spikes a step at some time")
        found.append(np.flatnonzero(np.random.rand(size) < chance))
    channels = np.concatenate([np.empty(0, np.int64), *found])
    return FloatInput(group.name, size, np.repeat(np.arange(steps), [len(each) for each in found]), channels, drawn=True)


def poisson(group: Any, namespace: Mapping[str, Any], start: int, steps: int, refusals: Refusals) -> FloatSources | FloatInput | None:
    """A `PoissonGroup` with a fixed rate a neuron, or with rates that the time changes, from step ``start`` of the clock on."""
    where = f"PoissonGroup {group.name!r}"
    try:
        rates = _drawn(group, namespace, start, steps) if isinstance(group._rates, str) else group.variables["rates"].get_value()
    except Unclear as error:
        refusals.add(where, f"rates={group._rates!r}", str(error), "rates that the time alone changes, of at most one spike a step, would run")
        return None
    if isinstance(rates, FloatInput):
        return rates
    chance = np.broadcast_to(np.asarray(rates, np.float64) * float(group.clock.dt_), (len(group),))
    if not (chance.min() >= 0 and chance.max() <= 1):
        refusals.add(where, f"rates={group._rates!r}", f"is {chance.max():g} spikes a step", "at most one a step, or a shorter dt, would run")
        return None
    return FloatSources(group.name, len(group), chance.copy())


def generator(group: Any, start: int, steps: int, refusals: Refusals) -> FloatInput | None:
    """A `SpikeGeneratorGroup` from step ``start`` of the clock on, for ``steps`` steps; one with a period is written out."""
    period, dt = float(np.asarray(group.variables["period"].get_value()).flat[0]), float(group.clock.dt_)
    when, which = steps_of(group.variables["spike_time"].get_value(), dt), np.asarray(group.variables["neuron_index"].get_value(), np.int64)
    if period not in (0.0, np.inf):
        every, where = int(steps_of(period, dt)), f"SpikeGeneratorGroup {group.name!r}"
        if int(group.variables["_lastindex"].get_value().flat[0]):  # Brian2 then gives all that it has missed at once
            refusals.add(where, f"period={period:g} s", "begins in a run that is not the first", "spikes that are set before the first run would run")
            return None
        when, which = when[when < every], which[when < every]
        again = np.arange(start // every, (start + steps) // every + 1) * every
        if len(again) * len(when) > MAX_SPIKES:
            refusals.add(where, f"period={period:g} s", f"repeats {len(when)} spikes {len(again)} times, above "
                         f"{MAX_SPIKES} spikes", "a longer period, or a shorter run, would run")
            return None
        when, which = (when + again[:, None]).ravel(), np.tile(which, len(again))
    when = when - start
    here = (when >= 0) & (when < steps)
    order = np.lexsort((which[here], when[here]))
    return FloatInput(group.name, len(group), when[here][order], which[here][order])
