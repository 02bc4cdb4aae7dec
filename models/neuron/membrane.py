"""The parts of a step of a neuron with a linear membrane, which `linear_step` and what varies it are made of."""

from typing import Any, NamedTuple

import numpy as np

from spikegate.models.kernel import kernel
from spikegate.models.numeric.fixed import fit, round_shift

__all__ = ["Membrane", "membrane", "flow", "begin", "finish"]


class Membrane(NamedTuple):
    """The first parameters of a set, those of the membrane."""

    leak: int
    rest: int
    threshold: int
    reset: int
    refractory: int
    bias: int


@kernel
def membrane(table: np.ndarray, k: int) -> Membrane:
    """That of set ``k``."""
    return Membrane(table[k, 0], table[k, 1], table[k, 2], table[k, 3], table[k, 4], table[k, 5])


@kernel
def flow(state: tuple[np.ndarray, ...], i: int, inputs: tuple[np.ndarray, ...], table: np.ndarray, k: int, s: np.ndarray) -> Any:
    """Kick, flow and decay of the currents of neuron ``i``: what flows into its membrane."""
    total: Any = np.int64(0)
    # Currents that are held take nothing, and in Brian2's order the last held step is free.
    deaf, still = s[11] == 2 and state[1][i] > 0, s[11] == 2 and state[1][i] > s[4]
    for c in range(s[6]):
        value, over = fit(np.int64(state[4 + c][i]) + (0 if deaf else inputs[c][i]), s[7], s[3])
        total += round_shift(value * table[k, 7 + 2 * c], s[9], s[2], 0)
        if not still:
            value -= round_shift(value * table[k, 6 + 2 * c], s[8], s[2], 0)
        state[4 + c][i] = value
        state[2][i] |= over
    return total


@kernel
def begin(state: tuple[np.ndarray, ...], i: int, inputs: tuple[np.ndarray, ...], p: Membrane, s: np.ndarray) -> tuple[Any, Any, Any]:
    """The membrane of neuron ``i`` when its update begins, whether it left its format, and the kick that the update is still to add.

    In Brian2's order the kick and the reset of the step before have come first.
    """
    v: Any = np.int64(state[0][i])
    over, kick = np.int64(0), np.int64(inputs[s[6]][i]) if s[10] else np.int64(0)
    if s[4] == 1:
        if state[1][i] == 0 or s[11] == 0:
            v, over = fit(v + kick, s[0], s[3])
        kick = np.int64(0)
        if state[3][i]:
            v, more = fit(v - p.reset, s[0], s[3]) if s[5] == 1 else (p.reset, 0)
            over |= more
    return v, over, kick


@kernel
def finish(state: tuple[np.ndarray, ...], i: int, begun: tuple[Any, Any, Any], given: int, p: Membrane, s: np.ndarray, random: int) -> int:
    """The update of what `begin` gave, with ``given`` on top, its comparison, and the published order's reset; whether it spikes."""
    v, over, kick = begun
    spike, held = 0, state[1][i] > 0
    if held:
        state[1][i] -= 1
    free = not held or (s[4] == 1 and state[1][i] == 0)
    if free or s[11] == 0:
        v, more = fit(v + round_shift((p.rest - v) * p.leak, s[1], s[2], random) + given + kick + p.bias, s[0], s[3])
        over |= more
        if free and ((v > p.threshold) if s[4] == 1 else (v >= p.threshold)):
            spike = 1
            state[1][i] = p.refractory
            if s[4] == 0:
                v, more = fit(v - p.reset, s[0], s[3]) if s[5] == 1 else (p.reset, 0)
                over |= more
    state[0][i] = v
    state[2][i] |= over
    state[3][i] = spike if s[4] == 1 else 0
    return spike
