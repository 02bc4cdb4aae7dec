"""A network of point neurons for a board behind the host link: two kinds of neurons, neighbours that differ, delays, a drive, and channels."""

import numpy as np

from spikegate.models.network.builder import Builder
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8, QFormat

LANES, CHANNELS = 3, 3
PLAIN, CURRENT = LinearNeuron(Q8_8, 12), LinearNeuron(QFormat(14, 6), 11, currents=("exc",), current_format=QFormat(14, 6), coupling_bits=8,
                                                      coupling_shift=8)


def made(n=17, *, steps=60, events=True, seed=5, last=127):
    """``n`` neurons, 12 or more; with ``last``, one weight of a synapse can be another."""
    rng, first, build = np.random.default_rng(seed), n - n // 3, Builder("board", steps=steps)
    build.population("plain", first, PLAIN, leak=40, threshold=(8 << 8) + 64 * np.arange(first), reset=0, rest=0, refractory=2)
    build.population("current", n // 3, CURRENT, leak=60, threshold=6 << 6, reset=0, rest=0, refractory=1, decay_exc=500, coupling_exc=255)
    steps_of, channels = np.divmod(rng.choice(steps * CHANNELS, 50 * events, replace=False), CHANNELS)
    build.input("in", CHANNELS, steps_of, channels)
    build.drive("plain", 900, probability=0.2, trials=3)
    for source, count in (("plain", first), ("in", CHANNELS)):
        pairs = np.repeat(np.arange(count), 5), rng.integers(0, first, 5 * count)
        weights = np.append(rng.integers(20, 128, 5 * count - 1), last)
        build.connect(source, "plain", pairs=pairs, weights=8 * weights, delays=rng.integers(1, 8, 5 * count))
    pairs = np.arange(12) % first, rng.integers(0, n // 3, 12)
    build.connect("plain", "current", pairs=pairs, weights=1016, delays=7)
    return build.freeze()
