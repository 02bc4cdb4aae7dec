"""The variants of the published taxonomy, and a custom one: each an engine that runs the whole network, in the registry.

Engines whose recordings have no spikes, of the domains ``probability`` and ``reservoir``, say in ``final`` and ``provenance`` what they found.
"""

import dataclasses
from typing import Any

import numpy as np

from spikegate.models.core import engine
from spikegate.models.core import stream_engine as streams
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8, Q16_12, QFormat
from spikegate.translator import custom, homeostatic, izhikevich, memristive, probability, probability_jax, reservoir, stdp, voltage
from spikegate.translator.brunel import translate
from spikegate.translator.hybrid import hybrid
from spikegate.translator.registry import VARIANTS, Variant, find, variant
from spikegate.translator.voltage import parameters
from spikegate.translator.voltage_neuron import Rule

__all__ = ["Variant", "VARIANTS", "variant", "find", "in_format", "custom"]

#: Products of external inputs up to which each has its own stream in the probability domain.
OWN_STREAMS = 1_000_000


def in_format(network: Network, q: QFormat) -> Network:
    """The network in another format, with the same connectivity, drive and initial membranes (those rounded down)."""
    if network.lif.format == q:
        return network
    made = translate(parameters(network), q, ms=network.steps * network.dt_ns / 1e6, rounding=network.lif.rounding)
    lif = dataclasses.replace(made.lif, refractory=network.lif.refractory, overflow=network.lif.overflow)
    shift = q.fraction - network.lif.format.fraction
    v0 = network.v0.astype(np.int64) << shift if shift >= 0 else network.v0 >> -shift
    return network.replace(lif=lif, drive=made.drive, weights=made.weights, v0=v0, streams=None, external=network.external)


@variant(1, "v1_stochastic_lif", backend="StochasticLIFNeuron", domain="voltage", target="CPU reference",
         agrees_with="v18 and v20 bit for bit; Brian2 with the synapses' slot first, spike for spike")
def v1(network: Network, **options: Any) -> Recording:
    """Kick, leak, threshold; one object a neuron."""
    return voltage.run(network, "objects", **options)


def _sources(network: Network) -> dict[str, int]:
    """Streams for the external inputs of a neuron: one each, as in the network, or one for all in a network that is too large for that."""
    count = parameters(network).c_exc
    return {"sources": count if count * network.n <= OWN_STREAMS else 1}


@variant(2, "v2_rate_matched", backend="VectorizedSCLayer", domain="probability", target="SC analysis",
         agrees_with="exact expectation p*w of every product, mean and RMSE within 5 deviations of theory")
def v2(network: Network, **options: Any) -> Recording:
    """Mean inputs from streams of 4096 bits, one a synapse."""
    return probability.run(network, **{**_sources(network), **options})


@variant(3, "v3_fixed_point", backend="FixedPointLIFNeuron Q8.8", domain="fixed point", target="FPGA 16-bit",
         agrees_with="RTL bit for bit; Brian2 on the same integers, spike for spike")
def v3(network: Network, **options: Any) -> Recording:
    """The golden model in Q8.8."""
    return engine.run(in_format(network, Q8_8), **options)


@variant(4, "v4_hybrid", backend="BitstreamSynapse + LIF", domain="hybrid", target="SC + analog", agrees_with="RTL bit for bit")
def v4(network: Network, **options: Any) -> Recording:
    """Stochastic synapses on LFSR streams."""
    return streams.run(hybrid(network, "v4"), **options)


@variant(5, "v5_izhikevich", backend="SCIzhikevichNeuron", domain="voltage", target="burst dynamics",
         agrees_with="Brian2's Izhikevich neurons, Euler, spike for spike")
def v5(network: Network, **options: Any) -> Recording:
    """Izhikevich neurons: regular spiking and fast spiking."""
    return izhikevich.run(network, **options)


@variant(6, "v6_homeostatic", backend="HomeostaticLIFNeuron", domain="voltage", target="rate homeostasis",
         agrees_with="v1 bit for bit without adaptation; Brian2 with an adaptive threshold, spike for spike")
def v6(network: Network, **options: Any) -> Recording:
    """Thresholds that hold each neuron at 10 Hz."""
    return homeostatic.run(network, **options)


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
    return engine.run(in_format(network, Q16_12), **options)


@variant(12, "v12_stdp", backend="V1 + StochasticSTDPSynapse", domain="voltage", target="online learning",
         agrees_with="v1 bit for bit without learning; Brian2's STDP rule in expectation, synapse by synapse")
def v12(network: Network, **options: Any) -> Recording:
    """Stochastic plasticity of every excitatory synapse."""
    return stdp.run(network, **options)


@variant(13, "v13_dot_product", backend="BitstreamDotProduct", domain="SC", target="multi-channel sum", agrees_with="RTL bit for bit")
def v13(network: Network, **options: Any) -> Recording:
    """Stochastic synapses, four spikes in a window."""
    return streams.run(hybrid(network, "v13"), **options)


@variant(14, "v14_sobol", backend="V4 + Sobol encoding", domain="hybrid", target="low discrepancy", agrees_with="RTL bit for bit")
def v14(network: Network, **options: Any) -> Recording:
    """Stochastic synapses on Sobol streams."""
    return streams.run(hybrid(network, "v14"), **options)


@variant(15, "v15_jax", backend="JaxSCDenseLayer", domain="probability", target="GPU/TPU", agrees_with="v2 bit for bit", needs=("jax",))
def v15(network: Network, **options: Any) -> Recording:
    """V2 in JAX."""
    return probability_jax.run(network, **{**_sources(network), **options})


@variant(16, "v16_recurrent", backend="SCRecurrentLayer", domain="reservoir", target="temporal tasks",
         agrees_with="a serial reference bit for bit; the float echo-state network, statistically")
def v16(network: Network, **options: Any) -> Recording:
    """The network's own connectivity as a reservoir of bitstreams."""
    return reservoir.run(network, **options)


@variant(17, "v17_memristive", backend="MemristiveDenseLayer", domain="probability", target="device defects",
         agrees_with="v2 bit for bit without defects; error against defect rate as theory")
def v17(network: Network, **options: Any) -> Recording:
    """V2 with 1 % of its devices stuck, and 5 % variability."""
    return memristive.run(network, **{**_sources(network), **options})


@variant(18, "v18_numba", backend="V1 + Numba JIT", domain="voltage", target="CPU fast path", agrees_with="v1 bit for bit")
def v18(network: Network, **options: Any) -> Recording:
    """V1, compiled."""
    return voltage.run(network, "numba", **options)


@variant(19, "v19_pytorch_cuda", backend="PyTorch CUDA", domain="voltage", target="GPU", agrees_with="v1 bit for bit", needs=("torch",))
def v19(network: Network, **options: Any) -> Recording:
    """V1 in PyTorch, on a GPU if there is one."""
    return voltage.run(network, "torch", **options)


@variant(20, "v20_vectorized_numpy", backend="Vectorized NumPy", domain="voltage", target="CPU vectorized", agrees_with="v1 bit for bit")
def v20(network: Network, **options: Any) -> Recording:
    """V1, on arrays of neurons."""
    return voltage.run(network, "numpy", **options)
