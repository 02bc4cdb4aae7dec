"""What every leaf promises, cycle by cycle, as tables of inputs and expected outputs from the golden models: the guards of its mutants."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from spikegate.cosim.benches.adaptive_lif import NEURON as ADAPTIVE_LIF
from spikegate.cosim.benches.fixed import RequantiseParams, products, requantise
from spikegate.cosim.benches.lif import NEURON as LIF
from spikegate.cosim.benches.neuron import Neuron
from spikegate.cosim.benches.neuron_rows import neuron_rows, populations
from spikegate.cosim.benches.synapse import windows
from spikegate.models.neuron.adaptive_lif import AdaptiveLifParams
from spikegate.models.numeric.fixed import Q8_8, Overflow, Rounding
from spikegate.models.streams.faults import apply
from spikegate.models.streams.synapse import SynapseParams
from verification.contracts import (
    guards_core,
    guards_line,
    guards_loads,
    guards_network,
    guards_point_core,
    guards_point_rows,
    guards_points,
    guards_streams,
)
from verification.contracts.catalogue import DECAY
from verification.contracts.table import Guard

__all__ = ["GUARDS"]

SYNAPSE = SynapseParams(16)
REQUANTISE = RequantiseParams(Q8_8, Rounding.NEAREST, Overflow.SATURATE)


def requantise_rows(rng: random.Random):
    """Products of the bench, over and over."""
    while True:
        for product, random_ in products(Q8_8, 3000, rng):
            result, overflowed = requantise(REQUANTISE, product, random_)
            yield {"product": product, "random": random_}, {"result": result, "overflowed": overflowed}


def synapse_rows(rng: random.Random):
    """Windows of the bench; then behind masks of a few lines, and of any."""
    full = (1 << SYNAPSE.width) - 1
    few = lambda: 1 << rng.randrange(SYNAPSE.width)  # noqa: E731
    while True:
        for spike, weight in windows(SYNAPSE.width, 200, rng):
            draw = rng.choice((lambda: 0, few, lambda: rng.getrandbits(SYNAPSE.width), lambda: rng.choice((0, full))))
            masks = [[draw() for _ in range(3)] for _ in range(2)]
            sides = [apply.py_func(value, *mask) & full for value, mask in zip((spike, weight), masks)]
            packed = [sum(mask << SYNAPSE.width * k for k, mask in enumerate(side)) for side in masks]
            yield ({"spike": spike, "weight": weight, "stream_faults": packed[0], "weight_faults": packed[1]}, {"post": SYNAPSE.step(*sides)})


def adaptive_populations(rng: random.Random):
    """They, with any jump: both ends, single bits, and some above the threshold, where theta can saturate."""
    q = Q8_8
    for lif in populations(q, rng):
        jump = rng.choice((0, q.max, 1 << rng.randrange(q.width - 1), rng.getrandbits(q.width - 1)))
        yield AdaptiveLifParams(lif, DECAY, jump)


def unused(rng: random.Random):
    """Any values on the ports of what is not compiled in."""
    def given(params: Any, inputs: Any) -> tuple[dict[str, int], Any]:
        ports = {"gain": rng.getrandbits(14), "i_noise": rng.randint(-Q8_8.max, Q8_8.max), "i_random": rng.getrandbits(8)}
        return ports, inputs._replace(noise=0)
    return given


def plain_rows(neuron: Neuron, populations: Callable[[random.Random], Iterator[Any]], rng: random.Random):
    """Steps of the bench for one population after another; what is not compiled in changes at random."""
    return neuron_rows(neuron, populations, unused(rng), rng)


def core_rows(rng: random.Random):
    """Networks that are valid, one after another; in some episodes load words in any order."""
    return guards_network.core_rows(rng, guards_loads.requests(rng) if rng.random() < 0.2 else None)


#: As `LifParams` has it: no leak above 1.0, and rest_leak is a membrane times it.
POPULATION = "(leak != 0) & (leak <= 256) & ({9'd0, rest_leak} <= {9'd0, leak, 16'd0} - leak)"
GUARDS: dict[str, Guard] = {
    "requantise": Guard(requantise_rows, 750),
    "synapse": Guard(synapse_rows, 500),
    "lif": Guard(partial(plain_rows, LIF, partial(populations, Q8_8)), 1500, assume=POPULATION, proved=False),
    "adaptive_lif": Guard(partial(plain_rows, ADAPTIVE_LIF, adaptive_populations), 1500, assume=POPULATION, proved=False),
    **guards_streams.GUARDS, **guards_line.GUARDS, **guards_core.GUARDS, **guards_points.GUARDS,
    **guards_point_core.GUARDS, **guards_point_rows.GUARDS,
    "core": Guard(core_rows, guards_network.CYCLES, {"o__payload": ("o__valid",)}, ("i",), episodes=74, proved=False),
}
