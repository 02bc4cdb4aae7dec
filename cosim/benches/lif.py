"""Bench of the neuron: corners and trajectories, against the golden model in pyuvm, as `spikegate.cosim.benches.neuron` has it."""

import dataclasses
import random
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from spikegate.cosim.benches.bench import run_bench
from spikegate.cosim.benches.neuron import Neuron, NeuronAgrees, pyuvm
from spikegate.gateware.neuron.lif import Lif, params_values, state_layout
from spikegate.models.errors import Mismatch
from spikegate.models.neuron.lif import REFRACTORY_BITS, LifParams, lif_step

__all__ = ["Inputs", "NEURON", "stimuli", "golden", "check"]


class Inputs(NamedTuple):
    """A neuron before a step and what it receives."""

    v: int
    hold: int
    overflow: int
    current: int
    noise: int
    random: int


class Outputs(NamedTuple):
    """A neuron after a step."""

    spike: int
    v: int
    hold: int
    overflow: int


def golden(params: LifParams, inputs: Inputs) -> Outputs:
    """The golden model of the component."""
    spike, v, hold, overflowed = lif_step(inputs.v, inputs.hold, inputs.current, inputs.noise, inputs.random, params.constants())
    return Outputs(spike, v, hold, inputs.overflow | overflowed)


def stimuli(params: LifParams, rng: random.Random) -> Iterator[tuple[Inputs, bool]]:
    """``(inputs, follow)`` without end: corners and any values; where ``follow``, the state is that which the neuron has reached."""
    q, full = params.format, 1 << (params.input_width - 1)
    v = [x + d for x in (params.threshold, params.reset, params.rest, 0, q.min, q.max) for d in (-1, 0, 1) if q.holds(x + d)]
    hold = [0] * 8 + [1, 2, params.refractory, (1 << REFRACTORY_BITS) - 1, *(1 << bit for bit in range(2, REFRACTORY_BITS))]
    # Sums that leave the format by each of the bits above it, and by it alone.
    above = [sign << bit for bit in range(q.width - 1, params.input_width - 1) for sign in (1, -1)]
    current = [0, 1, -1, full - 1, -full, q.max, q.min, q.one // 2, -q.one // 2, *above]
    noise, bits = [0, 0, 1, -1, q.max, q.min], params.constants().leak_fraction
    at_random = [0, 1 << (bits - 1), (1 << bits) - 1]
    span = params.threshold - params.reset
    while True:
        yield Inputs(*map(rng.choice, (v, hold, (0, 1), current, noise, at_random))), False
        # At rest nothing leaks, and noise is not scaled: this lands on the threshold or beside it.
        gap = params.threshold - params.rest + rng.randint(-1, 1)
        yield Inputs(params.rest, 0, 0, 0, max(q.min, min(q.max, gap)), 0), False
        yield Inputs(rng.randint(q.min, q.max), 0, rng.getrandbits(1), rng.randint(-span, span), 0, rng.getrandbits(bits)), False
        for _ in range(rng.randint(0, 6)):
            noisy = rng.randint(-span // 8, span // 8) if rng.getrandbits(1) else 0
            yield Inputs(0, 0, 0, rng.randint(-span // 8, span // 2), noisy, rng.getrandbits(bits)), True


NEURON = Neuron(Inputs, Outputs, golden, stimuli, lambda params: state_layout(params.format), params_values)


@pyuvm.test(timeout_time=10, timeout_unit="ms")
class LifAgrees(NeuronAgrees):
    """Every step as the golden model has it."""

    neuron = NEURON


@pyuvm.test(timeout_time=10, timeout_unit="ms", expect_error=Mismatch)
class LifRejectsAWrongPrediction(LifAgrees):
    """The same bench with a threshold one step too high on the golden side: it has to fail."""

    def falsified(self, params: LifParams) -> LifParams:
        return dataclasses.replace(params, threshold=params.threshold + 1)


def check(params: LifParams, *, count: int, seed: int, model: LifParams | None = None) -> int:
    """Compare ``count`` steps and return the number of items compared, four a step; ``model`` is the golden side's parameters.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    make = partial(Lif, params.format, params.rounding, params.overflow, leak_fraction=params.leak_fraction)
    return run_bench(make, __name__, params, model=model, count=count, seed=seed)
