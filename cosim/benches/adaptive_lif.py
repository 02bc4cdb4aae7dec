"""Bench of the neuron with an adaptive threshold: that of the plain one, with thresholds that its membranes just reach or just miss."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from spikegate.cosim.benches import lif
from spikegate.cosim.benches.bench import run_bench
from spikegate.cosim.benches.neuron import Neuron, NeuronAgrees, pyuvm
from spikegate.gateware.neuron.adaptive_lif import AdaptiveLif, params_values, state_layout
from spikegate.models.errors import Mismatch
from spikegate.models.neuron.adaptive_lif import MAX_DECAY, AdaptiveLifParams, decayed
from spikegate.models.neuron.lif import lif_step
from spikegate.models.numeric.fixed import QFormat

__all__ = ["Inputs", "NEURON", "before", "stimuli", "golden", "Rewritten", "Late", "Clipped", "Stalling", "Resting", "Wrapping", "check"]


class Inputs(NamedTuple):
    """A neuron before a step and what it receives."""

    theta: int
    v: int
    hold: int
    overflow: int
    current: int
    noise: int
    random: int


class Outputs(NamedTuple):
    """A neuron after a step."""

    spike: int
    theta: int
    v: int
    hold: int
    overflow: int


def golden(params: AdaptiveLifParams, inputs: Inputs) -> Outputs:
    """The golden model of the component."""
    theta, v, hold, overflow, *given = inputs
    spike, theta, v, hold, overflowed = params.step(theta, v, hold, *given)
    return Outputs(spike, theta, v, hold, overflow | overflowed)


def before(theta: int, decay: int) -> int:
    """A theta that decays to this one, 0 for what is below 0."""
    # a (2^decay - 1) + b is what becomes of a 2^decay + b, and what is below 2^decay loses 1.
    return theta + max(theta // ((1 << decay) - 1), 1) if theta > 0 else 0


def stimuli(params: AdaptiveLifParams, rng: random.Random) -> Iterator[tuple[Inputs, bool]]:
    """Those of the plain neuron, with corners of theta, with any, and with one whose threshold is the membrane's next value or beside it."""
    q: QFormat = params.lif.format
    edges = (0, 1 << params.decay, 2 << params.decay, before(q.max - params.jump, params.decay), q.max, *(1 << bit for bit in range(q.width - 1)))
    corners = [theta for edge in edges for theta in (edge - 1, edge, edge + 1) if 0 <= theta <= q.max]
    for inputs, follow in lif.stimuli(params.lif, rng):
        # A threshold that is out of reach leaves the membrane as it is.
        v = lif_step(inputs.v, 0, inputs.current, inputs.noise, inputs.random, params.lif.constants(), 2 << q.width)[1]
        beside = before(v - params.lif.threshold + rng.randint(-1, 1), params.decay)
        theta = min(q.max, rng.choice((beside, beside, rng.choice(corners), rng.getrandbits(q.width - 1))))
        yield Inputs(theta, *inputs), follow


@dataclass(frozen=True)
class Rewritten(AdaptiveLifParams):
    """The model written again, right as it stands, with three places for a defect."""

    def fall(self, theta: int, hold: int) -> int:
        """Theta after its decay."""
        return decayed(theta, self.decay)  # type: ignore[no-any-return]  # compiled

    def raised(self, theta: int, fallen: int) -> int:
        """What is added to the threshold, of theta before and after its decay."""
        return fallen

    def grown(self, theta: int) -> int:
        """Theta after a spike."""
        return min(theta + self.jump, self.lif.format.max)

    def step(self, theta: int, v: int, hold: int, current: int, noise: int = 0, random: int = 0) -> tuple[int, int, int, int, int]:
        """One step of one neuron."""
        fallen = self.fall(theta, hold)
        spike, v, left, overflowed = lif_step(v, hold, current, noise, random, self.lif.constants(), self.raised(theta, fallen))
        return spike, self.grown(fallen) if spike else fallen, v, left, overflowed


class Late(Rewritten):
    """Wrong: the membrane is compared with theta before its decay."""

    def raised(self, theta: int, fallen: int) -> int:
        return theta


class Clipped(Rewritten):
    """Wrong: the sum of threshold and theta is kept in the format."""

    def raised(self, theta: int, fallen: int) -> int:
        return min(fallen, self.lif.format.max - self.lif.threshold)


class Stalling(Rewritten):
    """Wrong: theta stands still where its shift is 0."""

    def fall(self, theta: int, hold: int) -> int:
        return theta - (theta >> self.decay)


class Resting(Rewritten):
    """Wrong: theta stands still while the neuron is refractory."""

    def fall(self, theta: int, hold: int) -> int:
        return theta if hold else super().fall(theta, hold)


class Wrapping(Rewritten):
    """Wrong: theta wraps around at the format's end."""

    def grown(self, theta: int) -> int:
        return theta + self.jump & self.lif.format.max


NEURON = Neuron(Inputs, Outputs, golden, stimuli, lambda params: state_layout(params.lif.format), params_values)


@pyuvm.test(timeout_time=10, timeout_unit="ms")
class AdaptiveLifAgrees(NeuronAgrees):
    """Every step as the golden model has it."""

    neuron = NEURON


@pyuvm.test(timeout_time=10, timeout_unit="ms", expect_error=Mismatch)
class AdaptiveLifRejectsAWrongPrediction(AdaptiveLifAgrees):
    """The same bench with a decay of another shift on the golden side: it has to fail."""

    def falsified(self, params: AdaptiveLifParams) -> AdaptiveLifParams:
        return replace(params, decay=params.decay % MAX_DECAY + 1)


def check(params: AdaptiveLifParams, *, count: int, seed: int, model: AdaptiveLifParams | None = None) -> int:
    """Compare ``count`` steps and return the number of items compared, five a step; ``model`` is the golden side's.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    plain = params.lif
    make = partial(AdaptiveLif, plain.format, plain.rounding, plain.overflow, params.decay, leak_fraction=plain.leak_fraction)
    return run_bench(make, __name__, params, model=model, count=count, seed=seed)
