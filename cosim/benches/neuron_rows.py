"""What neurons must show, cycle by cycle, as their golden models have it: another neuron in each cycle, at a corner or anywhere."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spikegate.cosim.benches import adaptive_linear, izhikevich
from spikegate.cosim.benches.bernoulli import pair
from spikegate.cosim.benches.linear import Inputs, Outputs, golden, stimulus
from spikegate.cosim.benches.neuron import Neuron
from spikegate.cosim.benches.rows import Row
from spikegate.gateware.neuron.linear import LATENCY, state_layout
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import bernoulli_step
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.lif import REFRACTORY_BITS, LifParams
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.fixed import QFormat

__all__ = ["populations", "neuron_rows", "linear_rows", "adaptive_rows", "izhikevich_rows", "bernoulli_rows"]


def populations(q: QFormat, rng: random.Random, **structure: Any) -> Iterator[LifParams]:
    """Parameters of neurons without end: usual ones, both ends of each, then any."""
    bits, top = structure.get("leak_fraction", q.fraction), (1 << REFRACTORY_BITS) - 1
    yield LifParams(q, min(20 * q.one, q.max), 0, 0, leak=min(13, 1 << bits), refractory=20, **structure)
    yield LifParams(q, q.max, q.min, q.min, leak=1 << bits, refractory=top, **structure)
    yield LifParams(q, q.min + 1, q.min, q.max, leak=1 << bits, refractory=0, **structure)
    while True:
        reset = rng.choice((rng.randint(q.min, q.max - 1), rng.randint(-q.one, q.one)))
        threshold = min(q.max, reset + rng.choice((1, q.one, 1 << rng.randrange(q.width), rng.randint(1, q.max))))
        leak = rng.choice((1, 1 << rng.randint(0, bits), rng.randint(1, 1 << bits)))
        rest = rng.choice((reset, 0, rng.randint(q.min, q.max)))
        yield LifParams(q, threshold, reset, rest, leak=leak, refractory=rng.getrandbits(REFRACTORY_BITS), **structure)


def neuron_rows(neuron: Neuron, populations: Callable[[random.Random], Iterator[Any]], given: Callable[[Any, Any], tuple[dict[str, int], Any]],
                rng: random.Random) -> Iterator[Row]:
    """Steps of the bench for one population after another; ``given(params, inputs)`` are the ports besides, and the inputs of the golden model."""
    after: Any
    for params in populations(rng):
        source, after = neuron.stimuli(params, rng), None
        still = neuron.values(params)
        for _ in range(60):
            inputs, follow = next(source)
            if follow and after is not None:
                inputs = inputs._replace(**neuron.state(params, after))
            expected = {"o_state": None, "o_spike": None} if after is None else {"o_spike": after.spike, "o_state": neuron.bits(params, after)}
            ports, seen = given(params, inputs)
            yield {**still, "i_state": neuron.bits(params, inputs), "i_current": inputs.current, **ports}, expected
            after = neuron.golden(params, seen)


def _signed(rng: random.Random, bits: int) -> int:
    return rng.getrandbits(bits) - (1 << bits - 1)


def anything(neuron: LinearNeuron, width: int, rng: random.Random) -> Inputs:
    """A neuron with any numbers that its ports can hold and, as they are exact for these alone, decays up to 1.0; often near its threshold."""
    params = {column.name: rng.randint(column.least, column.most) for column in neuron.columns} | {"leak": rng.getrandbits(neuron.leak_fraction + 1)}
    state = {name: rng.getrandbits(bits) if name in ("hold", "overflow", "fired") else _signed(rng, bits) for name, bits in neuron.state.items()}
    state["hold"] = rng.choice((0, 0, 1, state["hold"], 1 << rng.randrange(8)))
    if rng.getrandbits(1):
        params["leak"], params["rest"] = rng.choice((0, 1 << neuron.leak_fraction)), rng.choice((state["v"], params["rest"]))
        params["bias"] = rng.choice((0, params["bias"]))
    if neuron.currents and rng.random() < 0.2:
        # All pulls to one end, so that the sum leaves its format by its upper bits alone.
        high = rng.getrandbits(1)
        for name in ("rest", "bias", *(name for name in params if name.startswith("coupling"))):
            column = next(column for column in neuron.columns if column.name == name)
            params[name] = column.most if high or name.startswith("coupling") else column.least
        state |= {name: (1 << bits - 1) - 1 if high else -(1 << bits - 1) for name, bits in neuron.state.items() if name in neuron.currents}
        params["leak"], state["hold"] = rng.getrandbits(neuron.leak_fraction + 1), 0
    due = [rng.choice((0, _signed(rng, width), _signed(rng, width - 3))) for _ in neuron.ports]
    return Inputs(params, state, due, rng.getrandbits(neuron.leak_fraction))


def _pending(cycles: int) -> deque[Outputs | None]:
    """What comes out in the cycles before the first neuron does: nothing that is known."""
    return deque([None] * cycles)


def linear_rows(neuron: LinearNeuron, width: int, rng: random.Random) -> Iterator[Row]:
    """Another neuron in each cycle: those of the bench, or any."""
    layout, pending = state_layout(neuron), _pending(LATENCY)
    while True:
        inputs = rng.choice((stimulus, anything))(neuron, width, rng)
        after = pending.popleft()
        yield ({**inputs.params, "i_state": layout.const(inputs.state).as_bits(), "i_random": inputs.random,
                **{f"i_input__{port}": due for port, due in enumerate(inputs.due)}},
               {"o_spike": after and after.spike, "o_state": after and layout.const(after.state).as_bits()})
        pending.append(golden(neuron, inputs))


def adaptive_rows(neuron: AdaptiveLinearNeuron, width: int, noise: int, rng: random.Random) -> Iterator[Row]:
    """The same of neurons that adapt, with noise on top; where the bench lets the membrane stand at its threshold there is none."""
    layout, pending = state_layout(neuron), _pending(LATENCY)
    while True:
        inputs = rng.choice((adaptive_linear.stimulus, anything))(neuron, width, rng)
        inputs = inputs._replace(random=rng.choice((0, rng.getrandbits(noise) - (1 << noise - 1))) if any(inputs.due) else 0)
        after = pending.popleft()
        yield ({**inputs.params, "i_state": layout.const(inputs.state).as_bits(), "i_random": rng.getrandbits(neuron.leak_fraction),
                "i_noise": inputs.random, **{f"i_input__{port}": due for port, due in enumerate(inputs.due)}},
               {"o_spike": after and after.spike, "o_state": after and layout.const(after.state).as_bits()})
        pending.append(adaptive_linear.golden(neuron, inputs))


def izhikevich_rows(neuron: IzhikevichNeuron, width: int, rng: random.Random) -> Iterator[Row]:
    """Another neuron in each cycle: those of the bench, or any numbers that its ports can hold, often with some of them 0."""
    layout, pending = state_layout(neuron), _pending(izhikevich.LATENCY)
    while True:
        inputs = izhikevich.stimulus(neuron, width, rng)
        if rng.getrandbits(1):
            params = {column.name: rng.choice((0, rng.randint(column.least, column.most), rng.randint(column.least, column.most)))
                      if column.least <= 0 else rng.randint(column.least, column.most) for column in neuron.columns}
            params["a"] = rng.choice((params["a"], rng.getrandbits(neuron.a_fraction + 1)))
            state = {"v": _signed(rng, neuron.format.width), "u": _signed(rng, neuron.u_format.width), "overflow": rng.getrandbits(2) == 0}
            inputs = Inputs(params, state, [rng.choice((0, _signed(rng, width), _signed(rng, width - 3)))], 0)
        after = pending.popleft()
        yield ({**inputs.params, "i_state": layout.const(inputs.state).as_bits(), "i_input__0": inputs.due[0]},
               {"o_spike": after and after.spike, "o_state": after and layout.const(after.state).as_bits()})
        pending.append(izhikevich.golden(neuron, inputs))


def bernoulli_rows(rng: random.Random) -> Iterator[Row]:
    """Another chance and another number in each cycle: pairs of the bench, or a bit apart."""
    pending = deque([0] * LATENCY)
    while True:
        chance, uniform = pair(rng)
        if rng.getrandbits(1):
            uniform = (chance ^ 1 << rng.randrange(UNIFORM_BITS)) % (1 << UNIFORM_BITS)
        yield {"chance": chance, "i_uniform": uniform}, {"o_spike": pending.popleft()}
        pending.append(bernoulli_step(np.array([[chance]], np.int64), 0, uniform))
