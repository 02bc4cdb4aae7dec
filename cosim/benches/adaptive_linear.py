"""Bench of linear neurons that adapt: that of linear ones, with thresholds that their membranes just reach or just miss."""

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from spikegate.cosim.benches import linear
from spikegate.cosim.benches.bench import cocotb, run_bench
from spikegate.cosim.benches.linear import Inputs, Linears, Outputs, stepped
from spikegate.gateware.neuron.adaptive_linear import AdaptiveLinear
from spikegate.models.neuron.adaptive_linear import ADAPTED, AdaptiveLinearNeuron, adaptive_linear_step

__all__ = ["AdaptiveLinears", "stimulus", "golden", "check"]


def golden(neuron: AdaptiveLinearNeuron, inputs: Inputs) -> Outputs:
    """The golden model of the component; what is random is noise."""
    return stepped(adaptive_linear_step, neuron, inputs, ADAPTED)


def stimulus(neuron: AdaptiveLinearNeuron, width: int, rng: random.Random) -> Inputs:
    """That of a linear neuron; in a third of them nothing moves the membrane, and theta is what its threshold lacks, or beside it."""
    inputs = linear.stimulus(neuron, width, rng)
    if neuron.theta_format is None or rng.random() < 0.66:
        return inputs
    shift, q = neuron.theta_format.fraction - neuron.format.fraction, neuron.theta_format
    theta = ((inputs.state["v"] - inputs.params["threshold"]) << shift) + rng.randint(-1, 1)
    still = dict.fromkeys((name for name in inputs.params if name.startswith(("leak", "bias", "coupling", "decay_theta"))), 0)
    state = inputs.state | {"theta": min(max(theta, q.min), q.max)} | {name: 0 for name in ("hold", "fired") if name in inputs.state}
    return Inputs(inputs.params | still, state, [0] * len(inputs.due), 0)


class AdaptiveLinears(Linears):
    """A unit of each structure, all inputs of one in one port."""

    def unit(self, neuron: Any) -> AdaptiveLinear:
        """The unit of a structure."""
        return AdaptiveLinear(neuron, self.width, neuron.leak_fraction + 1)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_steps(dut: Any) -> None:
    """Every unit against the golden model."""
    await linear.compare(dut, stimulus, golden)


def check(neurons: Sequence[AdaptiveLinearNeuron], *, count: int, seed: int, model: Sequence[AdaptiveLinearNeuron] | None = None,
          width: int = 20) -> int:
    """Compare ``count`` steps of each structure and return the number of items compared: spike and every state; ``model`` are the golden side's.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    make = partial(AdaptiveLinears, tuple(neurons), width)
    return run_bench(make, __name__, list(neurons), model=None if model is None else list(model), count=count, seed=seed, width=width)
