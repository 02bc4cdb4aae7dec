"""What an Izhikevich neuron remembers between two steps, and what its membrane reached in the step of a spike; the same integers."""

import numpy as np

from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import Order
from spikegate.models.numeric.fixed import Rounding
from spikegate.translator.importer.between import arriving, fitted, given_by_drive, states_before

__all__ = ["begins_quadratic", "reached"]


def begins_quadratic(network: PointNetwork, recording: Recording, neurons: np.ndarray, population: int, spikes: np.ndarray,
                     steps: np.ndarray) -> dict[str, np.ndarray]:
    """``v`` and ``u`` when steps begin, as `spikegate.translator.importer.between.begins`: in Brian2's order kicked and reset."""
    each = network.populations[population]
    neuron, before = each.neuron, states_before(network, recording, neurons, population, steps)
    assert isinstance(neuron, IzhikevichNeuron)
    v, u = before("v"), before("u")
    if neuron.order == Order.PUBLISHED:
        return {"v": v, "u": u}
    index, first, last = each.index[neurons - network.firsts[population]], int(steps[0]), int(steps[-1]) + 1
    sums = arriving(network, spikes, neurons, first, last).get("v", np.zeros((last - first, len(neurons)), np.int64))
    sums = (sums + given_by_drive(network, recording, neurons, population, first, last))[steps - first]
    fired, v = before("fired") > 0, fitted(v + sums, neuron.format.width, neuron.overflow)
    raised = fitted(u + each.table["d"][index], neuron.u_format.width, neuron.overflow)
    return {"v": np.where(fired, each.table["c"][index], v), "u": np.where(fired, raised, u)}


def reached(network: PointNetwork, recording: Recording, neurons: np.ndarray, population: int, spikes: np.ndarray,
            steps: np.ndarray) -> dict[str, np.ndarray]:
    """``v`` and ``u`` after the thresholds of steps, raw int64 (steps, neurons): where a neuron spikes, before its reset."""
    each = network.populations[population]
    neuron = each.neuron
    assert isinstance(neuron, IzhikevichNeuron)
    found = {name: recording.trace[name][np.ix_(steps, neurons)].astype(np.int64) for name in ("v", "u")}
    if neuron.order == Order.BRIAN2:
        return found
    where = np.full(network.n, -1)
    where[neurons] = np.arange(len(neurons))
    mine = recording.spikes[(where[recording.spikes[:, 1]] >= 0) & np.isin(recording.spikes[:, 0], steps)]
    spiked = np.zeros((len(steps), len(neurons)), bool)
    spiked[np.searchsorted(steps, mine[:, 0]), where[mine[:, 1]]] = True
    if not spiked.any():
        return found
    first, last, column = int(steps[0]), int(steps[-1]) + 1, {name: values[each.index[neurons - network.firsts[population]]]
                                                                for name, values in each.table.items()}
    before = states_before(network, recording, neurons, population, steps)
    v, u = before("v"), before("u")
    sums = arriving(network, spikes, neurons, first, last).get("v", np.zeros((last - first, len(neurons)), np.int64))
    sums = (sums + given_by_drive(network, recording, neurons, population, first, last))[steps - first]

    def shifted(x: np.ndarray, bits: int) -> np.ndarray:
        half = (1 << bits) >> 1 if neuron.rounding == Rounding.NEAREST else 0
        moved: np.ndarray = (x + half) >> bits
        return moved

    slope = shifted(v * column["square"], neuron.square_shift) + column["slope"]
    less = shifted(u, neuron.u_format.fraction - neuron.format.fraction)
    pull = shifted(v * column["b"], neuron.b_shift) - u
    after_v = fitted(v + shifted(v * slope, neuron.slope_fraction) - less + sums + column["bias"], neuron.format.width, neuron.overflow)
    after_u = fitted(u + shifted(pull * column["a"], neuron.a_fraction), neuron.u_format.width, neuron.overflow)
    return {"v": np.where(spiked, after_v, found["v"]), "u": np.where(spiked, after_u, found["u"])}
