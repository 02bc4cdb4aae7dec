"""Guards of the parts of a core of point neurons: what its neurons are."""

import random
from collections import deque
from functools import partial

import numpy as np

from spikegate.cosim.benches import adaptive_linear, izhikevich
from spikegate.cosim.benches.bernoulli import pair
from spikegate.cosim.benches.linear import Inputs, golden, stimulus
from spikegate.gateware.neuron.linear import LATENCY, state_layout
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import bernoulli_step
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS
from verification.contracts.catalogue import ADAPTIVE, IZHIKEVICH, LINEAR, LINEAR_BRIAN2
from verification.contracts.table import Guard

__all__ = ["GUARDS"]


def anything(neuron: LinearNeuron, width: int, rng: random.Random) -> Inputs:
    """A neuron with any numbers that its ports can hold and, as they are exact for these alone, decays up to 1.0; often near its threshold."""
    whole = lambda bits: rng.getrandbits(bits) - (1 << bits - 1)  # noqa: E731
    params = {column.name: rng.randint(column.least, column.most) for column in neuron.columns} | {"leak": rng.getrandbits(neuron.leak_fraction + 1)}
    state = {name: rng.getrandbits(bits) if name in ("hold", "overflow", "fired") else whole(bits) for name, bits in neuron.state.items()}
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
    return Inputs(params, state, [rng.choice((0, whole(width), whole(width - 3))) for _ in neuron.ports], rng.getrandbits(neuron.leak_fraction))


def linear_rows(neuron: LinearNeuron, width: int, rng: random.Random):
    """Another neuron in each cycle: those of the bench, or any."""
    layout, pending = state_layout(neuron), deque([None] * LATENCY)
    while True:
        inputs = rng.choice((stimulus, anything))(neuron, width, rng)
        after = pending.popleft()
        yield ({**inputs.params, "i_state": layout.const(inputs.state).as_bits(), "i_random": inputs.random,
                **{f"i_input__{port}": due for port, due in enumerate(inputs.due)}},
               {"o_spike": after and after.spike, "o_state": after and layout.const(after.state).as_bits()})
        pending.append(golden(neuron, inputs))


def adaptive_rows(neuron: AdaptiveLinearNeuron, width: int, noise: int, rng: random.Random):
    """The same of neurons that adapt, with noise on top; where the bench lets the membrane stand at its threshold there is none."""
    layout, pending = state_layout(neuron), deque([None] * LATENCY)
    while True:
        inputs = rng.choice((adaptive_linear.stimulus, anything))(neuron, width, rng)
        inputs = inputs._replace(random=rng.choice((0, rng.getrandbits(noise) - (1 << noise - 1))) if any(inputs.due) else 0)
        after = pending.popleft()
        yield ({**inputs.params, "i_state": layout.const(inputs.state).as_bits(), "i_random": rng.getrandbits(neuron.leak_fraction),
                "i_noise": inputs.random, **{f"i_input__{port}": due for port, due in enumerate(inputs.due)}},
               {"o_spike": after and after.spike, "o_state": after and layout.const(after.state).as_bits()})
        pending.append(adaptive_linear.golden(neuron, inputs))


def izhikevich_rows(neuron: IzhikevichNeuron, width: int, rng: random.Random):
    """Another neuron in each cycle: those of the bench, or any numbers that its ports can hold, often with some of them 0."""
    layout, pending = state_layout(neuron), deque([None] * izhikevich.LATENCY)
    whole = lambda bits: rng.getrandbits(bits) - (1 << bits - 1)  # noqa: E731
    while True:
        inputs = izhikevich.stimulus(neuron, width, rng)
        if rng.getrandbits(1):
            params = {column.name: rng.choice((0, rng.randint(column.least, column.most), rng.randint(column.least, column.most)))
                      if column.least <= 0 else rng.randint(column.least, column.most) for column in neuron.columns}
            params["a"] = rng.choice((params["a"], rng.getrandbits(neuron.a_fraction + 1)))
            state = {"v": whole(neuron.format.width), "u": whole(neuron.u_format.width), "overflow": rng.getrandbits(2) == 0}
            inputs = Inputs(params, state, [rng.choice((0, whole(width), whole(width - 3)))], 0)
        after = pending.popleft()
        yield ({**inputs.params, "i_state": layout.const(inputs.state).as_bits(), "i_input__0": inputs.due[0]},
               {"o_spike": after and after.spike, "o_state": after and layout.const(after.state).as_bits()})
        pending.append(izhikevich.golden(neuron, inputs))


def bernoulli_rows(rng: random.Random):
    """Another chance and another number in each cycle: pairs of the bench, or a bit apart."""
    pending = deque([0] * LATENCY)
    while True:
        chance, uniform = pair(rng)
        if rng.getrandbits(1):
            uniform = (chance ^ 1 << rng.randrange(UNIFORM_BITS)) % (1 << UNIFORM_BITS)
        yield {"chance": chance, "i_uniform": uniform}, {"o_spike": pending.popleft()}
        pending.append(bernoulli_step(np.array([[chance]], np.int64), 0, uniform))


GUARDS = {
    "linear": Guard(partial(linear_rows, *LINEAR), 1500, proved=False),
    "linear_brian2": Guard(partial(linear_rows, *LINEAR_BRIAN2), 2500, assume="(decay_exc <= 16) & (decay_inh <= 16)", proved=False),
    "izhikevich": Guard(partial(izhikevich_rows, *IZHIKEVICH), 2000, proved=False),
    "adaptive_linear": Guard(partial(adaptive_rows, *ADAPTIVE), 2500, assume="decay_theta <= 16", proved=False),
    "bernoulli": Guard(bernoulli_rows, 1000),
}
