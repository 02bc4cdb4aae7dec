"""Load words for coverage: of any kind, and of networks in which every place of a sweep holds a neuron."""

import random
from dataclasses import replace

import numpy as np

from spikegate.cosim.engines.rtl import load_dtype, load_words
from spikegate.gateware.core.geometry import CoreGeometry, Op, Param
from spikegate.models.network.network import Network
from spikegate.models.streams.params import StreamFaults
from verification.stimuli.networks import any_network, corner

__all__ = ["scrambled", "full", "loads"]


def scrambled(g: CoreGeometry, rng: random.Random, count: int) -> np.ndarray:
    """Load words of any kind but RUN, for memories and registers that the network behind them sets."""
    words = np.zeros(count, load_dtype(g))
    for word in words:
        word["op"] = rng.choice([*(op.value for op in Op if op != Op.RUN), rng.choice((0x80, 0x20, 0xFF))])
        word["address"] = rng.choice((rng.randrange(g.words), rng.randrange(g.row_depth), rng.choice(list(Param)).value, rng.randrange(512),
                                      rng.getrandbits(32)))
        word["data"], word["lane"] = rng.choice((rng.getrandbits(64), (1 << 64) - 1, 0)), rng.choice((rng.randrange(g.lanes), rng.getrandbits(16)))
    return words


def _whole(g: CoreGeometry) -> CoreGeometry:
    return replace(g, n=g.words * g.lanes)


def full(g: CoreGeometry, rng: random.Random, steps: int, name: str = "") -> Network:
    """Any network, or a corner, of all places of a geometry; neurons beyond its N have no targets."""
    whole, source = _whole(g), np.random.default_rng(rng.getrandbits(32))
    net = corner(whole, source, name, steps=steps) if name else any_network(whole, source, steps)
    end = net.indptr[g.n]
    return net.replace(indptr=np.append(net.indptr[:g.n], [end] * (whole.n - g.n + 1)), indices=net.indices[:end])


def loads(g: CoreGeometry, net: Network, faults: StreamFaults | None = None) -> np.ndarray:
    """Load words of a network of all places, as far as the geometry has room for them: its neurons beyond N are updated, and never spike.

    Before, every line that can be stuck is, and then none.
    """
    words = load_words(net, _whole(g), faults)
    beyond = (words["op"] == Op.ROW.value) & (words["address"] >= g.row_depth) | (words["op"] == Op.WEIGHT.value) & (words["address"] >= g.n)
    masks = [words[words["op"] == Op.STREAM_STUCK.value] for _ in range(2)]
    masks[0]["data"], masks[1]["data"] = (1 << 64) - 1, 0
    return np.concatenate([*masks, words[~beyond]])
