"""What the host does between steps: a `network_operation` with a dt of several steps, for which the hardware stops, as between two runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikegate.translator.importer.float_network import Refusals

__all__ = ["operations", "parts", "set_clocks", "stopped", "unchanged"]

#: Objects that do nothing themselves in a step.
IDLE = ("NeuronGroup", "Synapses", "PoissonGroup", "NetworkOperation")
FIX = "one with a dt of several steps, when='start', before all else in a step would run"


def operations(objects: Sequence[Any], own: Any, refusals: Refusals) -> list[Any]:
    """The operations of a network, whose neurons have the clock ``own``, in the order in which Brian2 calls them."""
    found = []
    for k, each in enumerate(objects):
        if type(each).__name__ != "NetworkOperation" or not each.active:
            continue
        where, ratio = f"NetworkOperation {each.name!r}", float(each.clock.dt_) / float(own.dt_)
        found.append(each)
        if abs(ratio - round(ratio)) > 1e-6 or ratio < 1.5:
            refusals.add(where, f"dt={float(each.clock.dt_) * 1e3:g} ms", "would stop the hardware in every step or between two", FIX)
        elif first := next((other for other in objects[:k] if type(other).__name__ not in IDLE), None):
            refusals.add(where, f"when={each.when!r}", f"comes after {first.name!r} in a step", FIX)
    return found


def parts(due: Sequence[Any], own: Any, start: int, end: int) -> Iterator[tuple[int, int, list[Any]]]:
    """First step and the one behind the last of each part of a run, and the operations that come before it."""
    every = [round(float(each.clock.dt_) / float(own.dt_)) for each in due]
    cuts = sorted({start, end, *(int(step) for ratio in every for step in np.arange(start + -start % ratio, end, ratio))})
    for first, last in zip(cuts, cuts[1:]):
        yield first, last, [each for each, ratio in zip(due, every) if first % ratio == 0]


def set_clocks(net: Any, own: Any, step: int) -> None:
    """The time of a network and its clocks when a step of the clock ``own`` begins."""
    net.t_ = step * float(own.dt_)
    for clock in net._clocks:
        at = int(np.ceil(step * float(own.dt_) / float(clock.dt_) - 1e-6))
        clock.variables["timestep"].set_value(at)
        clock.variables["t"].set_value(at * float(clock.dt_))


def unchanged(net: Any, before: Mapping[str, Any]) -> bool:
    """Whether all variables of a network's objects have the values that Brian2 stored."""
    return all(np.array_equal(value[0], before[name][variable][0]) for name, state in net._full_state().items() if isinstance(state, dict)
               for variable, value in state.items() if isinstance(value, tuple) and isinstance(value[0], np.ndarray))


def stopped(net: Any) -> bool:
    """Whether an operation has called ``stop``."""
    from brian2.core.network import Network
    return bool(net._stopped or Network._globally_stopped)
