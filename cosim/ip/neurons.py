"""Neurons to give away: their blocks by the values of their parameters."""

import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from amaranth.lib.wiring import Component

from spikegate.cosim.benches import adaptive_lif, lif
from spikegate.cosim.benches.neuron import Neuron
from spikegate.cosim.benches.neuron_rows import adaptive_rows, bernoulli_rows, izhikevich_rows, linear_rows, neuron_rows, populations
from spikegate.cosim.ip.block import Block
from spikegate.cosim.ip.parameters import Parameter, described, of
from spikegate.gateware.neuron.adaptive_lif import AdaptiveLif
from spikegate.gateware.neuron.adaptive_linear import AdaptiveLinear
from spikegate.gateware.neuron.bernoulli import Bernoulli
from spikegate.gateware.neuron.izhikevich import Izhikevich
from spikegate.gateware.neuron.lif import Lif
from spikegate.gateware.neuron.linear import Linear
from spikegate.models.neuron import adaptive_lif as adaptive_lif_model
from spikegate.models.neuron import adaptive_linear as adaptive_linear_model
from spikegate.models.neuron import bernoulli as bernoulli_model
from spikegate.models.neuron import izhikevich as izhikevich_model
from spikegate.models.neuron import lif as lif_model
from spikegate.models.neuron import linear as linear_model
from spikegate.models.neuron.adaptive_lif import AdaptiveLifParams
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.lif import LifParams
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding

__all__ = ["NEURONS"]

NOTES = {"i_current": "input of the step, raw in the membrane's format", "i_noise": "added to the membrane after the input's gain, raw",
         "o_spike": "the neuron spikes in this step", "i_uniform": "a random number of 32 bits"}
DEFAULTS = {"format": Q8_8, "rounding": Rounding.NEAREST, "overflow": Overflow.SATURATE, "gain": False, "noise": False}
WIDTH = {"width": Parameter(int, 16, "Bits of an input, signed.")}


def words(model: ModuleType) -> str:
    """What a module of the models says of its arithmetic."""
    return inspect.getdoc(model) or ""


def _lif_ports(values: Mapping[str, Any], params: Any, inputs: Any) -> tuple[dict[str, int], Any]:
    """What the bench gives to gain and noise; where they are not compiled in, nothing."""
    noise = inputs.noise if values["noise"] else 0
    return {"i_noise": noise, "i_random": inputs.random}, inputs._replace(noise=noise)


def _structure(values: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: values[name] for name in ("rounding", "overflow", "leak_fraction")}
    return {name: value for name, value in given.items() if value is not None}


def _published(name: str, title: str, values: Mapping[str, Any], make: Callable[[], Component], neuron: Neuron,
               kinds: Callable[[random.Random], Iterator[Any]], notes: Mapping[str, str]) -> Block:
    next(kinds(random.Random(0)))  # refuses what cannot be
    absent = {"gain": "not compiled in: gain is 1.0", "noise": "not compiled in: noise is 0"}
    unused = {{"gain": "gain", "noise": "i_noise"}[part]: text for part, text in absent.items() if not values[part]}
    return Block(name, title, make, values, rows=partial(neuron_rows, neuron, kinds, partial(_lif_ports, values)), latency=1,
                 notes=NOTES | dict(notes) | unused)


LIF_NOTES = described(LifParams, leak="leak", gain="gain", threshold="threshold", v_reset="reset", rest_leak="rest_leak", refractory="refractory")


def _lif(values: Mapping[str, Any]) -> Block:
    kinds = partial(populations, values["format"], **_structure(values))
    return _published("lif", "Leaky integrate-and-fire neuron", values, lambda: Lif(**values), lif.NEURON, kinds, LIF_NOTES)


def _adaptive_lif(values: Mapping[str, Any]) -> Block:
    def kinds(rng: random.Random) -> Iterator[AdaptiveLifParams]:
        q: QFormat = values["format"]
        for plain in populations(q, rng, **_structure(values)):
            yield AdaptiveLifParams(plain, values["decay"], rng.choice((0, q.max, 1 << rng.randrange(q.width - 1))))

    return _published("adaptive_lif", "Leaky integrate-and-fire neuron with an adaptive threshold", values, lambda: AdaptiveLif(**values),
                      adaptive_lif.NEURON, kinds, {**LIF_NOTES, **described(AdaptiveLifParams, jump="jump")})


def _columns(neuron: Any) -> dict[str, str]:
    """Of the ports of a parameter set: their ranges."""
    return {column.name: f"parameter of the neuron, {column.least}..{column.most}" for column in neuron.columns}


def _split(values: Mapping[str, Any], *own: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The structure's parameters, and those of the component alone."""
    return {name: value for name, value in values.items() if name not in own}, {name: values[name] for name in own}


def _point(name: str, title: str, values: Mapping[str, Any], neuron: Any, make: Callable[[], Component], rows: Any) -> Block:
    due = {f"i_input__{k}": f"what is due at port {port}, raw" for k, port in enumerate(neuron.ports)}
    return Block(name, title, make, values, rows=rows, latency=neuron.latency, notes=NOTES | _columns(neuron) | due)


def _linear(values: Mapping[str, Any]) -> Block:
    given, own = _split(values, "width")
    neuron = LinearNeuron(**given)
    return _point("linear", "Linear integrate-and-fire neuron with up to two exponential currents", values, neuron,
                  lambda: Linear(neuron, **own), partial(linear_rows, neuron, own["width"]))


def _adaptive_linear(values: Mapping[str, Any]) -> Block:
    given, own = _split(values, "width", "noise")
    neuron = AdaptiveLinearNeuron(**given)
    return _point("adaptive_linear", "Linear neuron that adapts: threshold theta, current w, or both", values, neuron,
                  lambda: AdaptiveLinear(neuron, **own), partial(adaptive_rows, neuron, own["width"], own["noise"]))


def _izhikevich(values: Mapping[str, Any]) -> Block:
    given, own = _split(values, "width")
    neuron = IzhikevichNeuron(**given)
    return _point("izhikevich", "Izhikevich's neuron", values, neuron, lambda: Izhikevich(neuron, **own),
                  partial(izhikevich_rows, neuron, own["width"]))


def _bernoulli(values: Mapping[str, Any]) -> Block:
    neuron = BernoulliNeuron()
    return _point("bernoulli", "Source of independent spikes", values, neuron, lambda: Bernoulli(neuron), bernoulli_rows)


#: Module -> its parameters, the text on its arithmetic, and what makes its block of their values.
NEURONS: dict[str, tuple[dict[str, Parameter], str, Callable[[Mapping[str, Any]], Block]]] = {
    "lif": (of(Lif, DEFAULTS, ("raised",)), words(lif_model), _lif),
    "adaptive_lif": (of(AdaptiveLif, {**DEFAULTS, "decay": 4}), words(adaptive_lif_model), _adaptive_lif),
    "linear": (of(LinearNeuron, DEFAULTS) | WIDTH, words(linear_model), _linear),
    "adaptive_linear": (of(AdaptiveLinearNeuron, {**DEFAULTS, "theta_format": QFormat(16, 8)})
                        | WIDTH | {"noise": Parameter(int, 8, "Bits of noise, signed, at least 1.")}, words(adaptive_linear_model), _adaptive_linear),
    "izhikevich": (of(IzhikevichNeuron, {**DEFAULTS, "u_format": QFormat(20, 12)}) | WIDTH, words(izhikevich_model), _izhikevich),
    "bernoulli": ({}, words(bernoulli_model), _bernoulli),
}
