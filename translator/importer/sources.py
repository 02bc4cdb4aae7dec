"""Groups of Brian2 that only spike: at random with a rate a neuron, or as recorded."""

from typing import Any

import numpy as np

from spikegate.translator.importer.float_network import FloatInput, FloatSources, Refusals

__all__ = ["generator", "poisson", "steps_of"]


def steps_of(time: Any, dt: float) -> np.ndarray:
    """Whole steps of times in seconds, as Brian2 counts them."""
    return np.asarray((np.asarray(time, np.float64) + 1e-3 * dt) / dt, np.int64)


def poisson(group: Any, refusals: Refusals) -> FloatSources | None:
    """A `PoissonGroup` with a fixed rate a neuron."""
    where = f"PoissonGroup {group.name!r}"
    if isinstance(group._rates, str):
        refusals.add(where, f"rates={group._rates!r}", "is an expression", "an array of rates would run")
        return None
    chance = np.broadcast_to(np.asarray(group.variables["rates"].get_value(), np.float64) * float(group.clock.dt_), (len(group),))
    if not (chance.min() >= 0 and chance.max() <= 1):
        refusals.add(where, f"rates={group._rates!r}", f"is {chance.max():g} spikes a step", "at most one a step, or a shorter dt, would run")
        return None
    return FloatSources(group.name, len(group), chance.copy())


def generator(group: Any, start: int, steps: int, refusals: Refusals) -> FloatInput | None:
    """A `SpikeGeneratorGroup` from step ``start`` of the clock on, for ``steps`` steps."""
    period = float(np.asarray(group.variables["period"].get_value()).flat[0])
    if period not in (0.0, np.inf):
        refusals.add(f"SpikeGeneratorGroup {group.name!r}", f"period={period:g} s", "repeats its spikes", "all spikes written out would run")
        return None
    when = steps_of(group.variables["spike_time"].get_value(), float(group.clock.dt_)) - start
    which = np.asarray(group.variables["neuron_index"].get_value(), np.int64)
    here = (when >= 0) & (when < steps)
    order = np.lexsort((which[here], when[here]))
    return FloatInput(group.name, len(group), when[here][order], which[here][order])
