"""A network of point neurons as `point_steps.c` reads it, and which networks it can run: those whose sums fit in 32 bits."""

import ctypes
from typing import Any

import numpy as np

from spikegate.models.core.point_units import make_inputs, make_state
from spikegate.models.kernel import aligned
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.network.projection import Projection
from spikegate.models.network.stored import Stored
from spikegate.models.network.synapses import Synapses, narrow, target_bits
from spikegate.models.neuron.linear import Held, LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Overflow, Rounding

__all__ = ["State", "unsuited", "make_populations", "make_limits", "make_arrays"]

#: Sums have to stay below this, without the sign, and shifts at most this many bits.
MOST, MAX_SHIFT = 1 << 30, 31
#: Limits of a drive that are compared whatever the numbers are, and how many at a time of the others.
FEW, MORE = 8, 4
NUMBERS = ("n", "sources", "lags", "parts", "slots", "bits", "populations")
ARRAYS = ("population", "bounds", "v", "current0", "current1", "port0", "port1", "port2", "words0", "words1", "overflow", "free", "reset", "later",
          "limits", "shifts", "delays", "ports", "part", "base", "offsets", "packed", "ring", "counts", "held", "kept", "holding", "runs", "spikes",
          "found", "given", "stamps")


class State(ctypes.Structure):
    """``state`` of `point_steps.c`, field by field."""

    _fields_ = [*((name, ctypes.c_int64) for name in NUMBERS), *((name, ctypes.c_void_p) for name in ARRAYS),
                *((name, ctypes.c_int64) for name in ("first", "steps", "room", "events"))]


def _reach(each: PointPopulation, largest: int) -> int:
    """Most that any sum of its update may be, without the sign."""
    neuron, table = each.neuron, each.table
    assert isinstance(neuron, LinearNeuron)
    half, given, sums = 1 << (neuron.format.width - 1), int(np.abs(table["bias"]).max()), [largest]
    for name in neuron.currents:
        current = 1 << (neuron.current_format.width - 1)
        sums.append(current + largest)
        given += (current * int(table[f"coupling_{name}"].max()) >> neuron.coupling_shift) + 1
    given += largest if "v" in neuron.ports else 0
    return max(*sums, 3 * half + given)


def _longest_row(network: PointNetwork, each: Any) -> int:
    """At most as many synapses has a source of a projection; stores see to it themselves."""
    if isinstance(each, Projection):
        return int(np.diff(each.indptr.astype(np.int64)).max())
    return 0 if isinstance(each, Stored) else network.place(each).targets


def unsuited(network: PointNetwork) -> list[str]:
    """Why it has to be run by the plain model; empty if it has not."""
    found = []
    for each in network.populations:
        neuron = each.neuron
        if type(neuron) is not LinearNeuron:
            found.append(f"{each.name} is {neuron.kind}")
            continue
        refused = {"noise": each.noise is not None, "stochastic rounding": neuron.rounding == Rounding.STOCHASTIC,
                   "wrapping": neuron.overflow != Overflow.SATURATE, "a reset by subtraction": neuron.reset != Reset.VALUE,
                   "what is held": neuron.held != Held.MEMBRANE, "several parameter sets": bool(np.any(each.index != each.index[0])),
                   "kicks in Brian2's order": neuron.order == Order.BRIAN2 and "v" in neuron.ports,
                   "a long shift": bool(neuron.currents) and neuron.coupling_shift > MAX_SHIFT,
                   "large sums": _reach(each, network.largest_input) >= MOST}
        found += [f"{each.name} has {name}" for name, there in refused.items() if there]
    low, high = np.array([each.extremes for each in network.projections] or [(0, 0)]).T
    if not narrow(int(low.min()), int(high.max()), target_bits(network.n)):
        found.append("a weight and a target have more than 32 bits")
    if sum(_longest_row(network, each) for each in network.projections) >= 1 << 16:
        found.append("a neuron may have too many targets")
    lfsr = network.lfsr
    if network.draws and (lfsr.width != 64 or lfsr.leap != 32 or len(lfsr.taps) != 4 or not all(33 <= tap <= 63 for tap in lfsr.taps[1:])):
        found.append("its streams are not of 64 bits, four taps and a leap of 32")
    return found


def _factor(times: int, shift: int, rounding: Rounding, most: int) -> list[int]:
    """The same product with as few bits as it can be written, of numbers of at most ``most`` without the sign; whether it fits in 32 bits."""
    while shift and times % 2 == 0:
        times, shift = times // 2, shift - 1
    half = (1 << shift) >> 1 if rounding == Rounding.NEAREST else 0
    return [times, half, shift, int(times * most + half < 1 << 31)]


def make_populations(network: PointNetwork) -> np.ndarray:
    """int64 (populations, any): ``population`` of `point_steps.c`."""
    rows, limit = [], 0
    for each, first in zip(network.populations, network.firsts):
        neuron: Any = each.neuron
        at = {name: int(values[each.index[0]]) for name, values in each.table.items()}
        drive, count = [int(each.draws), 0, 0, 0, limit, FEW], FEW
        if each.drive is not None:
            count = FEW + -(-max(0, len(each.drive.table.limits) - FEW) // MORE) * MORE
            drive = [1, neuron.ports.index(each.drive.port), each.drive.table.weight, each.drive.offset, limit, count]
        limit += count
        row = [first, first + each.size, int(neuron.order == Order.PUBLISHED), len(neuron.currents), int("v" in neuron.ports), *drive]
        row += [at["rest"], at["threshold"], at["reset"], at["refractory"], at["bias"], neuron.format.min, neuron.format.max,
                neuron.current_format.min, neuron.current_format.max,
                *_factor(at["leak"], neuron.leak_fraction, neuron.rounding, 1 << neuron.format.width)]
        for what, shift in (("decay", neuron.decay_fraction), ("coupling", neuron.coupling_shift)):
            most = 1 << (neuron.current_format.width - 1)
            factors = [_factor(at[f"{what}_{name}"], shift, neuron.rounding, most) for name in neuron.currents]
            row += sum([*factors, *[[0, 0, 0, 0]] * (2 - len(factors))], [])
        rows.append(row)
    return np.array(rows, np.int64)


def make_limits(network: PointNetwork) -> np.ndarray:
    """int32: the limits of each population's drive, less 2^31, and filled up with limits that no number exceeds."""
    found = []
    for each in network.populations:
        limits = np.empty(0, np.uint32) if each.drive is None else each.drive.table.limits
        size = FEW + -(-max(0, len(limits) - FEW) // MORE) * MORE
        found.append(np.pad(limits, (0, size - len(limits)), constant_values=(1 << 32) - 1))
    both: np.ndarray = (np.concatenate(found) ^ np.uint32(1 << 31)).view(np.int32)
    return both


def make_arrays(network: PointNetwork, synapses: Synapses, bounds: np.ndarray, room: int) -> dict[str, np.ndarray]:
    """Every array of `State`, by name, before step 0; ``bounds`` are the parts, ``room`` the spikes of a part that a chunk may have."""
    n, parts, sources = network.n, len(bounds) - 1, network.n + network.channels
    state, inputs = make_state(network), make_inputs(network)
    published = np.repeat([getattr(each.neuron, "order", 0) == Order.PUBLISHED for each in network.populations],
                          [each.size for each in network.populations])
    reset = np.concatenate([each.table["reset"][each.index] for each in network.populations]).astype(np.int32)
    v, hold, fired = state[0], state[1], state[3] > 0
    v[fired] = reset[fired]
    free = (hold - 1 + published).astype(np.int32)
    held, holding = np.zeros(n, np.int32), np.zeros(parts, np.int64)
    for part, (low, high) in enumerate(zip(bounds[:-1], bounds[1:])):
        here = low + np.flatnonzero(free[low:high] > 0)
        held[low:low + len(here)], holding[part] = here, len(here)
    lags = max(2, int(synapses.delays.max(initial=0)) + 1)
    ports = {f"port{k}": values for k, values in enumerate(inputs)}
    words = (aligned((network.seeds >> np.uint64(shift)).astype(np.uint32)) for shift in (32, 0))
    return {"population": make_populations(network), "bounds": bounds.astype(np.int64), "v": v, "current0": state[4], "current1": state[5],
            **ports, **{f"words{k}": values for k, values in enumerate(words)},
            "overflow": aligned(state[2].astype(np.uint8)), "free": free, "reset": reset, "later": (~published).astype(np.uint8),
            "limits": make_limits(network), "shifts": np.array([*network.lfsr.taps[1:4], 0, 0, 0][:3], np.int32) - 32,
            "delays": synapses.delays, "ports": synapses.ports, "part": synapses.part, "base": synapses.base,
            "offsets": synapses.offsets, "packed": synapses.packed, "ring": np.empty((parts, lags, sources), np.int32),
            "counts": np.zeros((parts, lags), np.int64), "held": held, "kept": np.empty(n, np.int32), "holding": holding,
            "runs": np.empty((parts, sources, 3), np.uint64), "spikes": np.empty((parts, room, 2), np.int32),
            "found": np.zeros(parts, np.int64), "given": np.empty((0, 2), np.int64),
            "stamps": np.zeros(room // int(np.diff(bounds).max()), np.int64)}
