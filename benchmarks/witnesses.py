"""Brian2's rule of plasticity and the reservoir, computed anew: what two variants are held against, each in a process of its own."""

import math

import numpy as np

from spikegate.models.network.engine import Progress
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.encoder import PROBABILITY_BITS, threshold
from spikegate.translator.reservoir import SCRecurrentLayer
from spikegate.translator.stdp import Plasticity
from spikegate.translator.voltage import parameters

__all__ = ["stdp_witness", "reservoir_witness"]


def stdp_witness(network: Network, spikes: np.ndarray, progress: Progress | None = None) -> Recording:
    """Brian2's deterministic rule on given spikes. ``final``, (n,): ``weight``, the mean of each neuron's excitatory synapses in mV, and ``variance``
    of that mean if every event takes a Bernoulli step of the same expectation.
    """
    import brian2 as b

    from spikegate.translator.brian_parts import device, sources_of
    bp, rule, n = parameters(network), Plasticity(), network.n
    sources, targets = sources_of(network), network.indices.astype(np.int64)
    plastic = sources < network.n_exc
    change = "r = {0} - floor({0})\nvariance += r * (1 - r)\nw = clip(w {1} {0}, 0, top)\n"
    with device(b, "runtime"):
        clock = b.Clock(dt=network.dt_ns * b.nsecond)
        group = b.SpikeGeneratorGroup(n, spikes[:, 1], spikes[:, 0] * clock.dt, clock=clock)
        synapses = b.Synapses(
            group, group, "w : 1\nvariance : 1\ndx/dt = -x / tau_plus : 1 (event-driven)\ndy/dt = -y / tau_minus : 1 (event-driven)", clock=clock,
            on_pre=change.format("y", "-") + "x += up", on_post=change.format("x", "+") + "y += down", delay={"pre": (network.delay - 1) * clock.dt},
            namespace=dict(tau_plus=rule.tau_plus * b.ms, tau_minus=rule.tau_minus * b.ms, up=rule.a_plus * rule.top, down=rule.a_minus * rule.top,
                           top=rule.top))
        synapses.connect(i=sources[plastic], j=targets[plastic])
        synapses.w, synapses.pre.order, synapses.post.order = rule.one, 1, 0  # the post spike first
        b.Network(group, synapses).run((network.steps - 1) * clock.dt, namespace={})
        weight, variance, count = np.array(synapses.w), np.array(synapses.variance), np.bincount(targets[plastic], minlength=n)
    grid, each = bp.weight_exc / rule.one, np.maximum(count, 1)
    final = {"weight": grid * np.bincount(targets[plastic], weight, n) / each,
             "variance": grid**2 * np.bincount(targets[plastic], variance, n) / each**2, "count": count}
    return Recording("brian2-stdp", n, network.steps, np.empty((0, 2)), final)


def reservoir_witness(network: Network, states: np.ndarray, steps: np.ndarray, progress: Progress | None = None) -> Recording:
    """States of the reservoir after the given steps, (n,) each, from those that ``states`` (steps, n) has before, computed anew from the numbers of
    the Sobol sequence. ``final["state"]`` is that of the last; ``trace["state"]`` has all; ``rmse`` is the error of the streams in front of tanh.
    """
    layer, bp, one = SCRecurrentLayer(network), parameters(network), 1 << PROBABILITY_BITS
    sources, size, n = np.repeat(np.arange(network.n), np.diff(layer.indptr)), np.abs(layer.weights), network.n
    points = [SobolParams(k).points(np.arange(one)).reshape(-1, layer.length) for k in (0, 1)]
    windows, pack = len(points[0]), lambda bits: np.packbits(bits, axis=1).view(np.uint64)
    levels = np.array([threshold(value / size.max()) for value in size.tolist()])
    weights = pack(points[1][np.arange(len(sources)) % windows] < levels[sources, None])
    ones, mean = np.bitwise_count(weights).sum(axis=1, dtype=np.int64), float(bp.external_probability) * bp.c_exc
    first, sign = points[0][np.arange(n) % windows], np.sign(layer.weights)[sources]
    start = (network.v0 / network.lif.format.one - bp.v_rest) / (bp.v_threshold - bp.v_rest)
    found, errors = np.empty((len(steps), n)), []
    for row, t in zip(found, steps):
        p = np.floor((states[t - network.delay] if t >= network.delay else start) * one + 0.5)
        counts = np.bitwise_count(pack(first < p[:, None])[sources] & weights).sum(axis=1, dtype=np.int64)
        total = np.bincount(layer.indices, sign * (2 * counts - ones), n)
        drive = 0.1 * (network.external[t] - mean) / math.sqrt(mean) if mean else 0.0
        row[:] = np.floor(one * (1 + np.tanh(np.floor(8192 * (layer.gain * total / layer.length + drive) + 0.5) / 8192)) / 2 + 0.5) / one
        exact = np.bincount(layer.indices, (layer.weights * (2 * p / one - 1))[sources], n)
        errors.append(layer.gain * total / layer.length - layer.radius / layer.own_radius * exact)
    rmse, inputs = float(np.sqrt(np.mean(np.square(errors)))), len(sources) / n
    limit = float(layer.gain) * 2 * (math.log2(layer.length) / 2 + 1.5) * math.sqrt(inputs) / layer.length
    return Recording("reservoir-serial", n, network.steps, np.empty((0, 2)), {"state": found[-1]}, {"state": found},
                     provenance={"rmse": rmse, "limit": limit, "items": found.size})
