"""Stochastic synapses for a Brunel network: the published hybrid variants, frozen."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.checks import whole_numbers
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.params import VARIANTS, Generator, StreamParams, require_length
from spikegate.models.streams.plan import LfsrPlan, SobolPlan
from spikegate.models.streams.planes import window_lfsr
from spikegate.models.streams.synapse import weight_probability
from spikegate.translator.brunel import asked_for
from spikegate.translator.translations import stream_ratios

__all__ = ["Hybrid", "HYBRIDS", "hybrid"]


@dataclass(frozen=True)
class Hybrid:
    """A variant: where its numbers come from, and how many spikes share a window."""

    generator: Generator
    channels: int
    summary: str


HYBRIDS = {
    "v4": Hybrid(*VARIANTS["v4"], "AND-gate synapses on LFSR streams"),
    "v13": Hybrid(*VARIANTS["v13"], "dot product of LFSR streams, four spikes in a window"),
    "v14": Hybrid(*VARIANTS["v14"], "AND-gate synapses on Sobol streams"),
}


def hybrid(network: Network, variant: str, *, length: int = 256, channels: int | None = None, seed: int | None = None) -> Network:
    """A translated Brunel network with stochastic synapses: w_prob = J / V_th in 0.001..0.999, popcount scale V_th / L.

    Parameters
    ----------
    network : Network
        As `spikegate.translator.brunel.translate` made it.
    variant : str
        ``v4``, ``v13`` or ``v14``.
    length : int
        L, bits of a stream.
    channels : int, optional
        Other than the variant's own.
    seed : int, optional
        Of the generators' phases; default the network's.

    Raises
    ------
    InputError
        If the variant or the length does not exist, a weight is outside what a stream holds, or the streams cannot be planned.
    """
    if not isinstance(variant, str) or variant not in HYBRIDS:
        raise InputError(f"Hybrid variant must be one of {', '.join(HYBRIDS)}, not {variant!r}")
    require_length(length)
    bp, kind = asked_for(network), HYBRIDS[variant]
    channels, seed = whole_numbers(channels=kind.channels if channels is None else channels, seed=bp.seed if seed is None else seed)
    if seed < 0:
        raise InputError(f"Seed of the streams must be 0 or more, not {seed}")
    ratios = stream_ratios(bp)
    probability = [weight_probability(*ratio.as_integer_ratio()) if ratio else 0 for ratio in ratios]
    fields: dict[str, Any] = dict(generator=kind.generator, length=length, channels=channels)
    if kind.generator == Generator.LFSR:
        rng = np.random.default_rng([seed, 4])
        lfsr = window_lfsr(length)
        plan = LfsrPlan.make(lfsr, channels * PROBABILITY_BITS, network.max_windows, int(rng.integers(1, lfsr.mask)))
        fields |= dict(lfsr=lfsr, seeds=plan.seeds)
    else:
        fields |= dict(dimensions=SobolPlan.make(channels, length).dimensions)
    streams = StreamParams(np.repeat(probability, [network.n_exc, network.n_inh]), network.lif.threshold, **fields)
    return network.replace(name=f"{network.name}-{variant}", streams=streams, external=network.external)
