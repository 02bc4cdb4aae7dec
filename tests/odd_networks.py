"""Small networks of extreme values, and where the golden models and the independent engine differ on a network."""

from fractions import Fraction

import numpy as np
from independent import engine, netfile, streams

from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.lfsr import PRIMITIVE_TAPS, LfsrParams
from spikegate.models.streams.params import Generator, StreamParams

SIGNALS = ("v", "hold", "overflow", "events")


def differences(network, path, *, bits=False, faults=None, change=None):
    """Items that differ and items compared, every spike and every neuron's values at every step, and the golden recording."""
    network.save(path)
    file = netfile.read(path)
    if change:
        change(file)
    if bits:
        golden = stream_engine.run(network, faults=faults, trace=True)
        points = faults and [[(at.stuck0, at.stuck1, at.flips) for at in (one.stream, one.weight, one.count)] for one in faults.paths]
        synapses = streams.Streams(file, points, faults.seeds(network.max_windows) if faults else ())
    else:
        golden, synapses = core.run(network, trace=True), engine.Weights(file)
    spikes, wrong = [], 0
    for step, (fired, values) in enumerate(engine.simulate(file, synapses)):
        spikes += [[step, neuron] for neuron in fired]
        wrong += sum(int(np.count_nonzero(golden.trace[name][step] != values[name])) for name in SIGNALS)
    assert step + 1 == network.steps
    wrong += len({*map(tuple, spikes)} ^ {*map(tuple, golden.spikes.tolist())})
    compared = len(golden.spikes) + len(SIGNALS) * network.n * network.steps
    if bits:
        wrong, compared = wrong + (synapses.windows != golden.provenance["windows"]), compared + 1
    return wrong, compared, golden


def odd_network(rng, q, rounding, overflow, *, delay, refractory, fine, taps=None):
    """A small network of extreme values; every bit of a stochastic rounding's product counts."""
    n, steps = int(rng.integers(1, 24)), 150
    threshold = int(rng.integers(1, q.max + 1))
    h = min(q.fraction + 5, 28) if fine else q.fraction
    lif = LifParams(q, threshold, int(rng.integers(q.min, threshold)), int(rng.integers(q.min, q.max + 1)), int(rng.integers(1, (1 << h) + 1)),
                    refractory=refractory, rounding=rounding, overflow=overflow, leak_fraction=h)
    dense = rng.random((n, n)) < min(1, 6 / n)
    room = ((8 << q.width) - 1) // (max(int(dense.sum(axis=0).max()), 1) + 15)
    strong = min(room, q.max)
    lfsr = LfsrParams(64, taps or (), int(rng.integers(32, 61)))
    return Network(name="odd", n_exc=n, n_inh=0, delay=delay, steps=steps, dt_ns=1, lif=lif, lfsr=lfsr, indices=np.nonzero(dense)[1],
                   indptr=np.concatenate([[0], np.cumsum(dense.sum(axis=1))]), weights=rng.integers(-strong, strong + 1, n),
                   drive=DriveParams(binomial_limits(3, Fraction(1, 3)), int(rng.integers(-strong, strong + 1))),
                   seeds=lfsr.phases(int(rng.integers(1, 2**63)), n, steps), v0=rng.integers(q.min, q.max + 1, n))


def with_streams(network, rng, generator, length, channels):
    """Its synapses made of bits, of any probability and sign, and with registers of any width."""
    fields = dict(generator=generator, length=length, channels=channels)
    if generator == Generator.LFSR:
        width = int(rng.choice([w for w, taps in PRIMITIVE_TAPS.items() if len(taps) == 4 and w >= 24]))
        lfsr = LfsrParams(width, leap=length)
        seeds = rng.choice(np.arange(1, 4096), 16 * channels, replace=False).astype(np.uint64) * np.uint64(lfsr.mask // 4096)
        fields |= dict(lfsr=lfsr, seeds=seeds)
    else:
        fields |= dict(dimensions=rng.permutation(32)[:channels].tolist())
    probabilities = rng.choice([0, 1, 66, 40000, 65470, 65535, 65536], network.n)
    most = int(np.bincount(network.indices, minlength=network.n).max())
    scale = min(network.lif.format.max, max(1, ((8 << network.lif.format.width) - 1 - 15 * abs(network.drive.weight)) // max(most, 1)))
    return network.replace(weights=rng.integers(-1, 2, network.n), streams=StreamParams(probabilities, scale, **fields))
