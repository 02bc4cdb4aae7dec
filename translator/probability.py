"""The probability domain (V2): the mean input of every neuron of a frozen network, from bitstreams of `spikegate.translator.sc_layer`.

A bit of a stream stands for one time step. A synapse has the weight ``w = J / V_th`` or ``g*J / V_th``. The input p of a neuron is the probability
of a spike in a step that the voltage domain measured on the same network (rate matched). Of the C_E external inputs of each neuron, each
with the probability of an event in a step, rate * dt, and the weight J / V_th, ``sources`` have a stream. With q = p w, the mean kick in a step is

    V_th * (sum over excitatory q - sum over inhibitory q + C_E / sources * sum over external q)        mV
"""

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from spikegate.models.checks import whole
from spikegate.models.core.engine import external_events
from spikegate.models.errors import Problems
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator import voltage
from spikegate.translator.params import BrunelParams
from spikegate.translator.sc_layer import LENGTH, VectorizedSCLayer
from spikegate.translator.sc_weights import ONE

__all__ = ["VectorizedSCLayer", "run"]


def _require_possible(bp: BrunelParams, sources: int, trace: bool, options: dict[str, Any]) -> None:
    problems = Problems()
    problems.require(not trace, "Trace must be off in the probability domain, as neurons have no state there; see Recording.final")
    problems.require(whole(sources) is not None and 1 <= sources <= bp.c_exc,
                     f"Sources must be in 1..{bp.c_exc}, the external inputs of a neuron, not {sources!r}")
    problems.require(not options.keys() & {"sc_mode", "connectivity"}, "Layer of a network must be unipolar, with every synapse; leave sc_mode and "
                     "connectivity out")
    problems.require(max(bp.weight_exc, bp.weight_inh) <= bp.v_threshold,
                     f"Weights J and g*J must be at most the threshold of {bp.v_threshold:g} mV, as w = J / V_th is a probability, not "
                     f"{bp.weight_exc:g} and {bp.weight_inh:g} mV; lower J or g")
    problems.raise_any()


def _products(network: Network, bp: BrunelParams, sources: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stored weights by target, its sources in ascending order and last its external inputs: where each target's begin, and of each weight
    its input, its kind (0 excitatory, 1 inhibitory, 2 external) and its probability.
    """
    n = network.n
    source = np.concatenate([np.repeat(np.arange(n), np.diff(network.indptr.astype(np.int64))), np.arange(n, n + n * sources)])
    target = np.concatenate([network.indices, np.repeat(np.arange(n), sources)])
    source, indptr = source[np.argsort(target, kind="stable")], np.concatenate([[0], np.cumsum(np.bincount(target, minlength=n))])
    kind = np.repeat([0, 1, 2], [network.n_exc, network.n_inh, n * sources])[source]
    v_th, j, g = (Fraction(str(value)) for value in (bp.v_threshold, bp.weight_exc, bp.g_inh))
    return indptr, source, kind, np.array([float(j / v_th), float(g * j / v_th), float(j / v_th)])[kind]


def _kicks(layer: VectorizedSCLayer, shares: np.ndarray, expected: np.ndarray, mv: np.ndarray, kind: np.ndarray) -> dict[str, np.ndarray]:
    """Mean kick of each population as estimated and from the exact products, and the deviation of their sum; ``mv``, what a product is worth."""
    final = {prefix + name: layer.total(abs(mv) * product * (kind == k)) for prefix, product in (("", shares), ("expected_", expected))
             for k, name in enumerate(("exc", "inh", "ext"))}
    return {**final, "sigma": np.sqrt(layer.total(mv**2 * expected * (1 - expected) / layer.length))}


def run(network: Network, layer: Callable[..., VectorizedSCLayer] = VectorizedSCLayer, *, length: int = LENGTH, seed: int | None = None,
        sources: int = 1, trace: bool = False, progress: Callable[[float], None] | None = None, **options: Any) -> Recording:
    """Estimate the mean input of every neuron; all synapses, and all external inputs.

    Parameters
    ----------
    network : Network
        As for `spikegate.translator.voltage.run`, which measures the spike probabilities.
    layer : callable
        Makes the layer; default V2's.
    length : int
        L, bits of a stream.
    seed : int, optional
        Of the generators' phases; default the network's.
    sources : int
        Streams for the external inputs of a neuron, 1..C_E, each for C_E / sources of them. C_E is the network as it is; 1 needs less memory, and
        is noisier.
    trace : bool
        Must be False, as there are no steps.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    **options
        Passed to the layer.

    Returns
    -------
    Recording
        Without spikes. ``final``, each float64 (n,): ``p``, the spike probability as encoded; ``exc``, ``inh``, ``ext``, the mean kick of each
        population in a step as estimated, mV, and ``expected_exc``, ``expected_inh``, ``expected_ext``, the same from the exact products;
        ``sigma``, mV, the standard deviation of exc - inh + ext that theory gives; ``measured``, mV, the mean kick in the voltage domain's run.
        ``provenance``: ``products`` compared, their ``rmse`` and ``rmse_theory``, the layer's ``scores`` and ``notes``, ``quantisation_mv``, the
        largest change of a neuron's kick by 16-bit thresholds, ``draw_s`` (external events), ``rates_s`` (voltage domain) and ``run_s`` (the rest).

    Raises
    ------
    InputError
        As `voltage.parameters` and the layer, if a weight is above the threshold, and to trace.
    """
    bp, n, began = voltage.parameters(network), network.n, time.perf_counter()
    _require_possible(bp, sources, trace, options)
    events = external_events(network)
    recorded, drawn = network.replace(external=events), time.perf_counter()
    spikes = voltage.run(recorded, progress=progress and (lambda done: progress(done / 2))).spikes
    measured = time.perf_counter()
    indptr, source, kind, w = _products(network, bp, sources)
    p = np.repeat([0.0, float(bp.external_probability)], [n, n * sources])
    p[:n] = np.bincount(spikes[:, 1], minlength=n) / network.steps
    made = layer((indptr, source, w), length, bp.seed if seed is None else seed, n_in=len(p), **options)
    counts, expected, mv = made.counts(p), made.expected(p), bp.v_threshold * np.array([1.0, -1.0, bp.c_exc / sources])[kind]
    final = {"p": made.encode(p)[:n] / ONE, **_kicks(made, counts / length, expected, mv, kind)}
    delivered = spikes[spikes[:, 0] + network.delay < network.steps, 1]
    given = np.concatenate([np.bincount(delivered, minlength=n), np.repeat(events.sum(axis=0) / bp.c_exc, sources)])
    final["measured"] = made.total(mv * w * given[source]) / network.steps
    provenance = {"domain": "probability", "length": length, "products": len(counts),
                  "rmse": float(((counts / length - expected) ** 2).mean()) ** 0.5, "rmse_theory": made.theory(p).square ** 0.5,
                  "scores": made.scores(p, counts), "quantisation_mv": float(np.abs(made.total(mv * (p[source] * w - expected))).max()),
                  **made.notes(p), "draw_s": drawn - began, "rates_s": measured - drawn, "run_s": time.perf_counter() - measured}
    if progress:
        progress(1.0)
    return Recording(made.engine, n, network.steps, np.empty((0, 2)), final, provenance={**provenance, "network": network.hash},
                     dt_ns=network.dt_ns)
