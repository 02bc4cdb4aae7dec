"""What every leaf promises, cycle by cycle, as tables of inputs and expected outputs from the golden models: the guards of its mutants."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from spikegate.cosim.benches.adaptive_lif import NEURON as ADAPTIVE_LIF
from spikegate.cosim.benches.fixed import RequantiseParams, products, requantise
from spikegate.cosim.benches.lif import NEURON as LIF
from spikegate.cosim.benches.neuron import Neuron
from spikegate.cosim.benches.synapse import windows
from spikegate.models.neuron.adaptive_lif import AdaptiveLifParams
from spikegate.models.neuron.lif import REFRACTORY_BITS, LifParams
from spikegate.models.numeric.fixed import Q8_8, Overflow, Rounding
from spikegate.models.streams.faults import apply
from spikegate.models.streams.synapse import SynapseParams
from verification.contracts import guards_core, guards_line, guards_loads, guards_network, guards_point_core, guards_points, guards_streams
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


def populations(rng: random.Random):
    """Parameters of neurons without end: usual ones, both ends of each, then any."""
    q, top = Q8_8, (1 << REFRACTORY_BITS) - 1
    yield LifParams(q, 20 << 8, 0, 0, leak=13, refractory=20)
    yield LifParams(q, q.max, q.min, q.min, leak=1 << q.fraction, refractory=top)
    yield LifParams(q, q.min + 1, q.min, q.max, leak=1 << q.fraction, refractory=0)
    while True:
        reset = rng.choice((rng.randint(q.min, q.max - 1), rng.randint(-q.one, q.one)))
        threshold = min(q.max, reset + rng.choice((1, q.one, 1 << rng.randrange(16), rng.randint(1, q.max))))
        leak = rng.choice((1, 1 << rng.randint(0, q.fraction), rng.randint(1, 1 << q.fraction)))
        rest = rng.choice((reset, 0, rng.randint(q.min, q.max)))
        yield LifParams(q, threshold, reset, rest, leak=leak, refractory=rng.getrandbits(REFRACTORY_BITS))


def adaptive_populations(rng: random.Random):
    """They, with any jump: both ends, single bits, and some above the threshold, where theta can saturate."""
    q = Q8_8
    for lif in populations(rng):
        jump = rng.choice((0, q.max, 1 << rng.randrange(q.width - 1), rng.getrandbits(q.width - 1)))
        yield AdaptiveLifParams(lif, DECAY, jump)


def neuron_rows(neuron: Neuron, populations: Callable[[random.Random], Iterator[Any]], rng: random.Random):
    """Steps of the bench for one population after another; what is not compiled in changes at random."""
    noise = Q8_8.max
    for params in populations(rng):
        source, after = neuron.stimuli(params, rng), None
        still = {name: value for name, value in neuron.values(params).items() if name != "gain"}
        for _ in range(60):
            inputs, follow = next(source)
            if follow and after is not None:
                inputs = inputs._replace(**neuron.state(params, after))
            expected = {"o_state": None, "o_spike": None} if after is None else {"o_spike": after.spike, "o_state": neuron.bits(params, after)}
            yield {**still, "gain": rng.getrandbits(14), "i_state": neuron.bits(params, inputs), "i_current": inputs.current,
                   "i_noise": rng.randint(-noise, noise), "i_random": rng.getrandbits(8)}, expected
            after = neuron.golden(params, inputs._replace(noise=0))


def core_rows(rng: random.Random):
    """Networks that are valid, one after another; in some episodes load words in any order."""
    return guards_network.core_rows(rng, guards_loads.requests(rng) if rng.random() < 0.2 else None)


#: As `LifParams` has it: no leak above 1.0, and rest_leak is a membrane times it.
POPULATION = "(leak != 0) & (leak <= 256) & ({9'd0, rest_leak} <= {9'd0, leak, 16'd0} - leak)"
GUARDS: dict[str, Guard] = {
    "requantise": Guard(requantise_rows, 750),
    "synapse": Guard(synapse_rows, 500),
    "lif": Guard(partial(neuron_rows, LIF, populations), 1500, assume=POPULATION, proved=False),
    "adaptive_lif": Guard(partial(neuron_rows, ADAPTIVE_LIF, adaptive_populations), 1500, assume=POPULATION, proved=False),
    **guards_streams.GUARDS, **guards_line.GUARDS, **guards_core.GUARDS, **guards_points.GUARDS,
    **guards_point_core.GUARDS,
    "core": Guard(core_rows, guards_network.CYCLES, {"o__payload": ("o__valid",)}, ("i",), episodes=74, proved=False),
}
