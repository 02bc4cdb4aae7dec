"""`linear_step` of many neurons in passes without branches, so that the compiler works on several of them at once; the same integers."""

from typing import Any

import numpy as np

from spikegate.models.kernel import kernel

__all__ = ["linear_steps"]


@kernel(inline="always")
def _fitted(x: int, low: int, high: int, mask: int, wrap: bool) -> int:
    return ((x - low) & mask) + low if wrap else min(max(x, low), high)


@kernel(inline="always")
def _out(x: int, low: int, high: int) -> Any:
    return np.int32(x > high) | np.int32(x < low)


@kernel(inline="always")
def _half(shift: int, rounding: int) -> Any:
    return np.int64((1 << shift) >> 1) if rounding == 1 else np.int64(0)


@kernel
def _flow(current: np.ndarray, overflow: np.ndarray, kicks: np.ndarray, decay: np.ndarray, coupling: np.ndarray, s: np.ndarray,
          flow: np.ndarray) -> None:
    """Kick, flow and decay of one current of every neuron; what flows is added to ``flow``."""
    low, high, mask, wrap = -(np.int64(1) << (s[7] - 1)), (np.int64(1) << (s[7] - 1)) - 1, (np.int64(1) << s[7]) - 1, s[3] == 1
    shift, fraction, down, up = s[9], s[8], _half(s[9], s[2]), _half(s[8], s[2])
    one = len(decay) == 1
    first_decay, first_coupling = decay[0], coupling[0]
    if one:
        for i in range(len(current)):
            kicked = np.int64(current[i]) + np.int64(kicks[i])
            value = _fitted(kicked, low, high, mask, wrap)
            flow[i] += (value * first_coupling + down) >> shift
            current[i] = value - ((value * first_decay + up) >> fraction)
            overflow[i] |= _out(kicked, low, high)
        return
    for i in range(len(current)):
        kicked = np.int64(current[i]) + np.int64(kicks[i])
        value = _fitted(kicked, low, high, mask, wrap)
        flow[i] += (value * coupling[i] + down) >> shift
        current[i] = value - ((value * decay[i] + up) >> fraction)
        overflow[i] |= _out(kicked, low, high)


@kernel(inline="always")
def _published(v: int, held: bool, given: int, leak: int, rest: int, threshold: int, reset: int, bounds: tuple[int, int, int, bool],
               rule: tuple[int, int, bool]) -> tuple[int, Any, Any]:
    low, high, mask, wrap = bounds
    half, shift, subtract = rule
    x = v + (((rest - v) * leak + half) >> shift) + given
    fitted = _fitted(x, low, high, mask, wrap)
    spike = (not held) & (fitted >= threshold)
    less = fitted - reset
    after = _fitted(less, low, high, mask, wrap) if subtract else reset
    over = _out(x, low, high) | (_out(less, low, high) & np.int32(subtract & spike))
    return v if held else (after if spike else fitted), np.int32(0) if held else over, spike


@kernel(inline="always")
def _brian2(v: int, hold: int, fired: bool, kick: int, given: int, leak: int, rest: int, threshold: int, reset: int,
            bounds: tuple[int, int, int, bool], rule: tuple[int, int, bool]) -> tuple[int, Any, Any]:
    low, high, mask, wrap = bounds
    half, shift, subtract = rule
    held = hold > 1
    kicked = v if hold > 0 else v + kick
    start = _fitted(kicked, low, high, mask, wrap)
    less = start - reset
    after = _fitted(less, low, high, mask, wrap) if subtract else reset
    begin = after if fired else start
    over = _out(kicked, low, high) | (_out(less, low, high) & np.int32(subtract & fired))
    x = begin + (((rest - begin) * leak + half) >> shift) + given
    fitted = _fitted(x, low, high, mask, wrap)
    spike = (not held) & (fitted > threshold)
    return begin if held else fitted, over | (np.int32(0) if held else _out(x, low, high)), spike


@kernel
def _membranes(state: tuple[np.ndarray, ...], kicks: np.ndarray, flow: np.ndarray, sets: tuple[np.ndarray, ...], s: np.ndarray,
               spiked: np.ndarray) -> None:
    v, hold, overflow, fired = state
    bounds = -(np.int64(1) << (s[0] - 1)), (np.int64(1) << (s[0] - 1)) - 1, (np.int64(1) << s[0]) - 1, s[3] == 1
    rule = _half(s[1], s[2]), s[1], s[5] == 1
    leaks, rests, thresholds, resets, refractory, bias = sets
    leak, rest, threshold, reset, steps, plus = leaks[0], rests[0], thresholds[0], resets[0], refractory[0], bias[0]
    one, published, direct = len(leaks) == 1, s[4] == 0, s[10] == 1
    if one and published:
        for i in range(len(v)):
            held = hold[i] > 0
            given = flow[i] + plus + (np.int64(kicks[i]) if direct else np.int64(0))
            after, over, spike = _published(np.int64(v[i]), held, given, leak, rest, threshold, reset, bounds, rule)
            v[i] = after
            overflow[i] |= over
            hold[i] = steps if spike else max(hold[i] - 1, 0)
            spiked[i] = spike
    elif one:
        for i in range(len(v)):
            kick = np.int64(kicks[i]) if direct else np.int64(0)
            after, over, spike = _brian2(np.int64(v[i]), hold[i], fired[i] > 0, kick, flow[i] + plus, leak, rest, threshold, reset, bounds, rule)
            v[i] = after
            overflow[i] |= over
            hold[i] = steps if spike else max(hold[i] - 1, 0)
            fired[i] = spike
            spiked[i] = spike
    else:
        for i in range(len(v)):
            held = hold[i] > 0
            kick = np.int64(kicks[i]) if direct else np.int64(0)
            leak, rest, threshold, reset, plus = leaks[i], rests[i], thresholds[i], resets[i], flow[i] + bias[i]
            if published:
                after, over, spike = _published(np.int64(v[i]), held, plus + kick, leak, rest, threshold, reset, bounds, rule)
            else:
                after, over, spike = _brian2(np.int64(v[i]), hold[i], fired[i] > 0, kick, plus, leak, rest, threshold, reset, bounds, rule)
                fired[i] = spike
            v[i] = after
            overflow[i] |= over
            hold[i] = refractory[i] if spike else max(hold[i] - 1, 0)
            spiked[i] = spike


@kernel
def linear_steps(bounds: tuple[int, int], state: tuple[np.ndarray, ...], inputs: tuple[np.ndarray, ...], sets: np.ndarray, place: tuple[int, int],
                 s: np.ndarray, flow: np.ndarray, spiked: np.ndarray) -> None:
    """`linear_step` of the neurons from ``bounds[0]`` to ``bounds[1]`` - 1, in place; not for stochastic rounding.

    Parameters
    ----------
    bounds : tuple of int
    state : tuple of numpy.ndarray
        int32 (n,) each: ``v``, ``hold``, ``overflow``, ``fired``, and two currents.
    inputs : tuple of numpy.ndarray
        int32 (n,) each, of the ports.
    sets : numpy.ndarray
        int64 (columns, any): parameters of each of these neurons, or of all alike, from ``place[0]`` to ``place[1]`` - 1.
    s : numpy.ndarray
        `LinearNeuron.constants`.
    flow : numpy.ndarray
        int64 (n,): what flows into each membrane besides currents, such as noise; overwritten.
    spiked : numpy.ndarray
        uint8 (n,), written.
    """
    first, last = bounds
    a, b = place
    into = flow[first:last]
    over = state[2][first:last]
    for c in range(s[6]):
        current, due = (state[4][first:last], inputs[0][first:last]) if c == 0 else (state[5][first:last], inputs[1][first:last])
        _flow(current, over, due, sets[6 + 2 * c][a:b], sets[7 + 2 * c][a:b], s, into)
    kicks = inputs[s[6]] if s[10] else inputs[0]
    _membranes((state[0][first:last], state[1][first:last], over, state[3][first:last]), kicks[first:last], into,
               (sets[0][a:b], sets[1][a:b], sets[2][a:b], sets[3][a:b], sets[4][a:b], sets[5][a:b]), s, spiked[first:last])
