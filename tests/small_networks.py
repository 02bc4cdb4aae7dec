"""Networks of a few neurons whose spikes are known, or that have none."""

import numpy as np

from spikegate.models.network.builder import Builder
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.translator.brunel import BrunelParams, preset, translate


def calm(ms=50.0, **changes):
    return translate(preset("ai", n_exc=160, n_inh=40, conn_prob=0.2, **changes), ms=ms)


def chain(refractory, delay=1, n=60):
    """Neuron 0 starts above threshold, neuron k fires neuron k + 1, and all of them excite the last one."""
    bp = BrunelParams(n_exc=n, n_inh=0, weight_exc=22.0, eta=0.0, g_inh=0.0, refractory=refractory / 10, delay=delay / 10)
    rows = [sorted({k + 1, n - 1}) for k in range(n - 2)] + [[n - 1], []]
    return translate(bp, ms=20.0).replace(indptr=np.cumsum([0] + [len(row) for row in rows]), indices=np.concatenate(rows),
                                          v0=np.where(np.arange(n) == 0, 25 << 8, 0))


def alone(n=1000, ms=300.0, **changes):
    """Neurons without synapses and without external events."""
    network = translate(BrunelParams(n_exc=n, n_inh=0, conn_prob=0.01, **{"eta": 0.0, **changes}), Q16_12, ms=ms)
    return network.replace(indptr=np.zeros(n + 1), indices=[])


def twenty():
    """Twenty neurons of `ai` for 1,300 steps."""
    return translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=130.0)


def kicked(steps=1300):
    """Six point neurons, each kicked twice."""
    net = Builder("points", steps=steps)
    net.input("kick", 1, steps=[2, 5], channels=[0, 0])
    net.population("cells", 6, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
    net.connect("kick", "cells", weights=np.full((1, 6), 300))
    return net.freeze()
