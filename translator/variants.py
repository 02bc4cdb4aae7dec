"""The registry of variants: what each of the published taxonomy is, what it must agree with, and its engine.

An engine is ``run(network, *, trace=False, progress=None) -> Recording`` and runs the whole network. Only variants that exist are here.
"""

import dataclasses
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models import core
from spikegate.models import hybrid as streams
from spikegate.models.errors import InputError
from spikegate.models.fixed import Q8_8, Q16_12, QFormat
from spikegate.models.network import Network
from spikegate.models.recording import Recording
from spikegate.translator import voltage
from spikegate.translator.brunel import translate
from spikegate.translator.hybrid import hybrid
from spikegate.translator.voltage import Rule, parameters

__all__ = ["Variant", "VARIANTS", "variant", "find"]

Engine = Callable[..., Recording]


@dataclass(frozen=True)
class Variant:
    """One variant.

    Parameters
    ----------
    number : int
        That of the taxonomy, from 1 on.
    name : str
        ``v<number>_<what>``.
    backend, domain, target : str
        As in the taxonomy.
    agrees_with : str
        What its runs are tested against, and how closely.
    needs : tuple of str
        Optional packages without which it does not run.
    run : callable
        The engine.
    """

    number: int
    name: str
    backend: str
    domain: str
    target: str
    agrees_with: str
    needs: tuple[str, ...]
    run: Engine


#: Every variant, by name.
VARIANTS: dict[str, Variant] = {}


def variant(number: int, name: str, *, backend: str, domain: str, target: str, agrees_with: str,
            needs: tuple[str, ...] = ()) -> Callable[[Engine], Engine]:
    """Register the decorated engine; parameters are those of `Variant`.

    Raises
    ------
    InputError
        If the number or the name is taken, or the name does not begin with ``v<number>_``.
    """
    if number < 1 or not name.startswith(f"v{number}_"):
        raise InputError(f"Variant's name must begin with v{number}_ and its number be at least 1, not {name!r} and {number}")
    if taken := [v.name for v in VARIANTS.values() if v.number == number]:
        raise InputError(f"Variant {number} must be new, and is {taken[0]}; choose another number")

    def register(run: Engine) -> Engine:
        VARIANTS[name] = Variant(number, name, backend, domain, target, agrees_with, needs, run)
        return run

    return register


def find(name: str) -> Variant:
    """The variant of that name, ``v9_post_kick``, or number, ``v9``, in any case.

    Raises
    ------
    InputError
        If there is none, with the nearest name.
    """
    names = {key: v for v in VARIANTS.values() for key in (v.name, f"v{v.number}")}
    if (key := name.lower()) not in names:
        near = difflib.get_close_matches(key, names, 1, 0.5)
        raise InputError(f"Variant must be one of {', '.join(VARIANTS)}, not {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return names[key]


def _in_format(network: Network, q: QFormat) -> Network:
    """The network in another format, with the same connectivity, drive and initial membranes (those rounded down)."""
    _own_drive(network)
    if network.lif.format == q:
        return network
    made = translate(parameters(network), q, ms=network.steps * network.dt_ns * 1e-6, rounding=network.lif.rounding)
    lif = dataclasses.replace(made.lif, refractory=network.lif.refractory, overflow=network.lif.overflow)
    shift = q.fraction - network.lif.format.fraction
    v0 = network.v0.astype(np.int64) << shift if shift >= 0 else network.v0 >> -shift
    return network.replace(lif=lif, drive=made.drive, weights=made.weights, v0=v0, streams=None)


def _own_drive(network: Network) -> None:
    """Refuse recorded events that the network's streams do not make, as the fixed-point engines draw their own."""
    if network.external is not None and not np.array_equal(network.external, core.run(network, events=True).trace["events"]):
        raise InputError("Network's recorded external events must be those of its own drive for a fixed-point variant; record them "
                         "with spikegate.models.core.external_events, or use a variant of the voltage domain")


@variant(1, "v1_stochastic_lif", backend="StochasticLIFNeuron", domain="voltage", target="CPU reference",
         agrees_with="v18 and v20 bit for bit; Brian2 with the synapses' slot first, spike for spike")
def v1(network: Network, **options: Any) -> Recording:
    """Kick, leak, threshold; one object a neuron."""
    return voltage.run(network, "objects", **options)


@variant(3, "v3_fixed_point", backend="FixedPointLIFNeuron Q8.8", domain="fixed point", target="FPGA 16-bit",
         agrees_with="RTL bit for bit; Brian2 on the same integers, spike for spike")
def v3(network: Network, **options: Any) -> Recording:
    """The golden model in Q8.8."""
    return core.run(_in_format(network, Q8_8), **options)


@variant(4, "v4_hybrid", backend="BitstreamSynapse + LIF", domain="hybrid", target="SC + analog", agrees_with="RTL bit for bit")
def v4(network: Network, **options: Any) -> Recording:
    """Stochastic synapses on LFSR streams."""
    _own_drive(network)
    return streams.run(hybrid(network, "v4"), **options)


@variant(7, "v7_noisy", backend="V1 + noise_std=1.0", domain="voltage", target="noise robustness",
         agrees_with="variance of the free membrane; Brian2 with xi, statistically")
def v7(network: Network, **options: Any) -> Recording:
    """Noise of 1 mV on the free membrane."""
    return voltage.run(network, rule=Rule(noise_std=1.0), **options)


@variant(8, "v8_refractory", backend="V1 + refractory=5", domain="voltage", target="biological detail",
         agrees_with="Brian2 with a refractory period of 5 steps, spike for spike")
def v8(network: Network, **options: Any) -> Recording:
    """Five refractory steps, whatever the network has."""
    return voltage.run(network, rule=Rule(refractory=5), **options)


@variant(9, "v9_post_kick", backend="V1 + post-kick timing", domain="voltage", target="Brian2 timing match",
         agrees_with="Brian2 float, Euler, in its own schedule, spike for spike")
def v9(network: Network, **options: Any) -> Recording:
    """Kicks after the threshold test."""
    return voltage.run(network, rule=Rule(late=True), **options)


@variant(10, "v10_exact_leak", backend="V1 + exact exp leak", domain="voltage", target="precision study",
         agrees_with='Brian2 method="exact", spike for spike')
def v10(network: Network, **options: Any) -> Recording:
    """Exact exponential leak."""
    return voltage.run(network, rule=Rule(exact=True), **options)


@variant(11, "v11_q16", backend="FixedPointLIFNeuron Q16.12", domain="fixed point", target="FPGA 32-bit",
         agrees_with="RTL bit for bit; Brian2 on the same integers, spike for spike")
def v11(network: Network, **options: Any) -> Recording:
    """The golden model in Q16.12."""
    return core.run(_in_format(network, Q16_12), **options)


@variant(13, "v13_dot_product", backend="BitstreamDotProduct", domain="SC", target="multi-channel sum", agrees_with="RTL bit for bit")
def v13(network: Network, **options: Any) -> Recording:
    """Stochastic synapses, four spikes in a window."""
    _own_drive(network)
    return streams.run(hybrid(network, "v13"), **options)


@variant(14, "v14_sobol", backend="V4 + Sobol encoding", domain="hybrid", target="low discrepancy", agrees_with="RTL bit for bit")
def v14(network: Network, **options: Any) -> Recording:
    """Stochastic synapses on Sobol streams."""
    _own_drive(network)
    return streams.run(hybrid(network, "v14"), **options)


@variant(18, "v18_numba", backend="V1 + Numba JIT", domain="voltage", target="CPU fast path", agrees_with="v1 bit for bit")
def v18(network: Network, **options: Any) -> Recording:
    """V1, compiled."""
    return voltage.run(network, "numba", **options)


@variant(20, "v20_vectorized_numpy", backend="vectorised NumPy", domain="voltage", target="CPU vectorised", agrees_with="v1 bit for bit")
def v20(network: Network, **options: Any) -> Recording:
    """V1, on arrays of neurons."""
    return voltage.run(network, "numpy", **options)
