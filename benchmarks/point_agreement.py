"""Networks of other kinds than Brunel's, each as RTL, golden model and Brian2 on the same integers: ``benchmarks/point_agreement.py``.

    brunel        Brunel's, N = 2000, J = 0.2 mV, D = 2 ms, p = 0.05, each synapse written out; held against the other core's golden model, too
    distributed   two populations, N = 1000, weights and delays of 0.1 to 20 ms normally distributed, several synapses between two neurons
    cuba          Vogels and Abbott's 4,000 neurons with exponential currents
    classifier    spikes in, dense signed weights, two layers, no leak, reset by subtraction
    own           recorded spikes from outside
    microcircuit  eight populations of Potjans and Diesmann's, 2 %
    izhikevich    Izhikevich's 800 and 200 neurons, each with parameters of its own, a million synapses
    kinds         one network with every kind of neuron
    ai            the preset's network through each row source of both cores: a bitmap, a store, a list of synapses, a memory outside
    seeded        one of its size whose synapses are made from seeds: by the core itself, from a list, from a memory outside

Prints what was compared and how much of it differs; ends with 1 if anything does.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from spikegate.cosim.engines import rtl
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.results.compare import Check, compare
from spikegate.models.core import engine
from spikegate.models.core.point_choice import ROW_SOURCES
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.network.builder import Builder
from spikegate.models.network.engine import Agreement
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Q8_8, QFormat
from spikegate.translator.brunel import preset, translate
from spikegate.translator.cuba import CubaParams, cuba
from spikegate.translator.generated_brunel import translate_generated
from spikegate.translator.izhikevich_network import NEURON, IzhikevichParams, izhikevich_network, izhikevich_set
from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit
from spikegate.translator.point_brian import PointBrianInteger

__all__ = ["NETWORKS", "agreement", "main"]


#: Brunel's networks, with one weight a source.
PLAIN: dict[str, Callable[[float], Network]] = {
    "brunel": lambda ms: translate(preset("ai", n_exc=1600, n_inh=400, weight_exc=0.2, delay=2.0, conn_prob=0.05), ms=ms),
    "ai": lambda ms: translate(preset("ai"), ms=ms)}
#: Row sources of the core of one weight a source, of the networks that are run through them.
OTHER_CORE: dict[str, dict[str, dict[str, Any]]] = {"ai": {"a bitmap": {}, "a store": {"store": 64, "walk": True}}}
#: Row sources of the other networks that are run with more than a list of synapses.
ROWS = {"ai": ("csr", "external"), "seeded": ("generated", "csr", "external")}


def _distributed(ms: float) -> PointNetwork:
    random, neuron = np.random.default_rng(1), LinearNeuron(Q8_8, 14, order=Order.BRIAN2)
    net = Builder("distributed", steps=round(10 * ms), seed=3)
    sizes = {net.population("exc", 800, neuron, leak=82, threshold=20 << 8, reset=10 << 8, refractory=20): 800,
             net.population("inh", 200, neuron, leak=164, threshold=20 << 8, reset=10 << 8, refractory=10): 200}
    for source, mean, spread in (("exc", 26, 8), ("inh", -130, 40)):
        for target, size in sizes.items():
            count = 100 * size if source == "exc" else 25 * size
            pairs = random.integers(0, sizes[source], count), random.integers(0, size, count)
            delays = np.clip(np.rint(random.normal(100, 40, count)), 1, 200).astype(int)
            net.connect(source, target, pairs=pairs, weights=np.rint(random.normal(mean, spread, count)).astype(int), delays=delays)
    for target in sizes:
        net.drive(target, 26, trials=1000, probability=0.0025)
    return net.freeze()


def _classifier(ms: float) -> PointNetwork:
    random, neuron = np.random.default_rng(2), LinearNeuron(QFormat(16, 6), 6, reset=Reset.SUBTRACT)
    steps = round(10 * ms)
    net = Builder("classifier", steps=steps, seed=1)
    places = np.flatnonzero(random.random(steps * 64) < random.random(64)[np.arange(steps * 64) % 64] * 0.1)
    net.input("pixels", 64, steps=places // 64, channels=places % 64)
    net.population("hidden", 40, neuron, leak=0, threshold=64, refractory=0)
    net.population("digits", 10, neuron, leak=0, threshold=64, refractory=0)
    net.connect("pixels", "hidden", weights=np.rint(random.normal(2, 20, (64, 40))).astype(int))
    net.connect("hidden", "digits", weights=np.rint(random.normal(1, 25, (40, 10))).astype(int))
    return net.freeze()


def _own(ms: float) -> PointNetwork:
    random, steps = np.random.default_rng(4), round(10 * ms)
    net = Builder("own", steps=steps, seed=1)
    places = np.flatnonzero(random.random(steps * 20) < 0.004)
    net.input("spikes", 20, steps=places // 20, channels=places % 20)
    neuron = LinearNeuron(QFormat(20, 10), 16, order=Order.BRIAN2, currents=("exc", "inh"), current_format=QFormat(20, 10))
    net.population("cells", 100, neuron, leak=327, threshold=15 << 10, reset=0, refractory=20, decay_exc=1300, coupling_exc=3000, decay_inh=650,
                   coupling_inh=3000)
    net.connect("spikes", "cells", port="exc", weights=random.integers(1000, 20000, (20, 100)), delays=random.integers(1, 51, (20, 100)))
    net.connect("cells", "cells", port="inh", weights=-random.integers(0, 400, (100, 100)), delays=15)
    return net.freeze()


def _kinds(ms: float) -> PointNetwork:
    random, steps = np.random.default_rng(5), round(10 * ms)
    net, q = Builder("kinds", steps=steps, seed=9), QFormat(18, 8)
    net.poisson("noise", 20, 30.0)
    net.population("published", 60, LinearNeuron(Q8_8, 12), leak=20, threshold=random.integers(15 << 8, 25 << 8, 60), refractory=20)
    net.population("subtracting", 40, LinearNeuron(QFormat(14, 6), 12, reset=Reset.SUBTRACT), leak=20, threshold=20 << 6)
    net.population("brian2", 50, LinearNeuron(Q8_8, 12, order=Order.BRIAN2), leak=20, threshold=20 << 8, refractory=random.integers(0, 40, 50))
    net.population("currents", 50, LinearNeuron(q, 16, order=Order.BRIAN2, currents=("exc", "inh"), current_format=q), leak=327, threshold=20 << 8,
                   refractory=20, bias=20, decay_exc=1300, coupling_exc=4000, decay_inh=650, coupling_inh=4000)
    net.population("quadratic", 40, NEURON, **izhikevich_set(NEURON, 0.1, a=0.02, b=0.2, c=-65.0, d=random.uniform(2, 8, 40), current=4.0))
    names = {"noise": 20, "published": 60, "subtracting": 40, "brian2": 50, "currents": 50, "quadratic": 40}
    for source, sources in names.items():
        for target in ("published", "subtracting", "brian2", "currents", "quadratic"):
            count, port = 12 * names[target], "exc" if target == "currents" else "v"
            pairs, unit = (random.integers(0, sources, count), random.integers(0, names[target], count)), 64 if target == "subtracting" else 256
            strength = 40 if source == "noise" else 2
            net.connect(source, target, port=port, pairs=pairs, weights=random.integers(-unit // 4, strength * unit // 8, count),
                        delays=random.integers(1, 256, count))
    net.drive("published", 200, trials=100, probability=0.01)
    net.drive("currents", 800, trials=100, probability=0.01, port="exc")
    return net.freeze()


def _seeded(ms: float) -> PointNetwork:
    return translate_generated(preset("ai"), lanes=16, name="seeded", ms=ms)


#: Name -> network of so many ms, and lanes.
NETWORKS: dict[str, tuple[Callable[[float], PointNetwork], int]] = {
    "brunel": (lambda ms: PointNetwork.of(PLAIN["brunel"](ms)), 8),
    "distributed": (_distributed, 8), "cuba": (lambda ms: cuba(CubaParams(), ms), 8), "classifier": (_classifier, 5),
    "own": (_own, 7), "izhikevich": (lambda ms: izhikevich_network(IzhikevichParams(), ms), 8),
    "microcircuit": (lambda ms: microcircuit(MicrocircuitParams(), ms), 8), "kinds": (_kinds, 3),
    "ai": (lambda ms: PointNetwork.of(PLAIN["ai"](ms)), 8), "seeded": (_seeded, 16)}
#: Above so many values, membranes are not recorded at every step.
TRACED = 20_000_000


def agreement(name: str, ms: float) -> tuple[PointNetwork, list[Check]]:
    """A network and its checks."""
    make, lanes = NETWORKS[name]
    network = make(ms)
    trace = network.n * network.steps <= TRACED
    golden = PointGolden().run(network, trace=trace)
    signals = ["spike", *(f"final.{state}" for state in network.states), *((*network.states, "events") if trace else ())]
    checks = []
    for rows in ROWS.get(name, ("csr",)):
        recording = PointRtl(min(lanes, network.n), rows=ROW_SOURCES[rows], latency=9 * (rows == "external")).run(network, trace=trace)
        checks.append(compare(f"RTL, {rows} rows = golden model", Agreement.BIT_TRUE, recording, golden, signals))
    brian = PointBrianInteger()
    if not brian.unsupported(network):
        checks.append(compare("Brian2 on the same integers = golden model", Agreement.SPIKE_EXACT, brian.run(network), golden, ["spike", "final.v"]))
    if name in PLAIN:
        plain = PLAIN[name](ms)
        one = engine.run(plain)
        same = np.array_equal(one.spikes, golden.spikes)
        checks.append(Check("one weight a source = written out", Agreement.BIT_TRUE, len(one.spikes), int(not same), None, same))
        for title, options in OTHER_CORE.get(name, {}).items():
            checks.append(compare(f"RTL, one weight a source, {title} = its golden model", Agreement.BIT_TRUE, rtl.run(plain, lanes, **options), one,
                                  ["spike", "final.v", "final.hold"]))
    return network, checks


def main(arguments: list[str] | None = None) -> int:
    """Run them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--ms", type=float, default=1000.0, help="biological time (default %(default)s)")
    options = parser.parse_args(arguments)
    if unknown := sorted({*options.names} - NETWORKS.keys()):
        parser.error(f"no network {', '.join(unknown)}; there are {', '.join(NETWORKS)}")
    failed = False
    for name in options.names or NETWORKS:
        network, checks = agreement(name, options.ms)
        synapses: Any = sum(len(each.indices) for each in network.listed)
        for check in checks:
            failed |= check.ok is not True
            print(f"{name:13} N={network.n:<5,} {synapses:>8,} synapses  {check.name:58} {check.compared:>12,} compared, {check.mismatches} differ"
                  + ("" if check.ok else f"  FAILED: {check.detail}"), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
