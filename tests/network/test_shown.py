"""`spikegate network show`, row by row, for networks of either kind."""

import dataclasses

import numpy as np
import pytest

from spikegate.models.network.builder import Builder
from spikegate.models.network.shown import rows
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=80, n_inh=20), name="small", ms=60)


def test_every_row_of_a_network_of_one_weight_a_source(network):
    lfsr = network.lfsr
    assert rows(network) == {
        "name": "small", "hash": network.hash, "neurons": "100 (80 excitatory, 20 inhibitory)", "synapses": "1,000",
        "weights": "-4 mV (-1024 raw), 0.5 mV (128 raw)", "format": "q8.8", "threshold": "20 mV (5120 raw)", "reset": "10 mV (2560 raw)",
        "rest": "0 mV (0 raw)", "leak": "0.00390625 a step (1 raw)", "rounding": "nearest", "overflow": "saturate", "refractory": "20 steps",
        "delay": "15 steps", "drive": f"0.5 mV (128 raw) an event, table of {len(network.drive.limits)} limits", "steps": "600 of 0.1 ms, 0.06 s",
        "LFSR": f"{lfsr.width} bits, taps {lfsr.taps}, leap {lfsr.leap}", "recorded events": "no",
        "asked for": "n_exc=80, n_inh=20, conn_prob=0.1, weight_exc=0.5, g_inh=8.0, v_threshold=20.0, v_reset=10.0, v_rest=0.0, tau_mem=20.0, "
                     "dt=0.1, eta=2.0, delay=1.5, refractory=2.0, v_spread=True, seed=1"}


def test_more_than_four_weights_recorded_events_and_no_source(network):
    weights = np.arange(100) % 5
    external = np.zeros((600, 100), np.uint8)
    external[:40, :30] = 1
    found = rows(network.replace(weights=weights * 256, source={}, external=external))
    assert found["weights"] == "0 mV (0 raw), 1 mV (256 raw), 2 mV (512 raw), 3 mV (768 raw), …" and found["asked for"] == "–"
    assert found["recorded events"] == "1,200 over 600 steps"
    assert rows(network.replace(weights=np.arange(100) % 4 * 256))["weights"] == "0 mV (0 raw), 1 mV (256 raw), 2 mV (512 raw), 3 mV (768 raw)"


def test_the_rows_of_streams(network):
    lfsr, more = hybrid(network, "v13", length=64), ("variant", "streams", "stream source", "stream thresholds")
    assert [rows(lfsr)[name] for name in more] == [
        "v13", "LFSR, 64 bits, 4 channels", f"{lfsr.streams.lfsr.width} bits, taps {lfsr.streams.lfsr.taps}, {len(lfsr.streams.seeds)} registers",
        "-13107 of 2^16 (-3.99994 mV), 1638 of 2^16 (0.499878 mV)"]
    assert len(lfsr.streams.seeds) == 64
    sobol = hybrid(network, "v14", length=128)
    assert [rows(sobol)[name] for name in more[:3]] == ["v14", "SOBOL, 128 bits, 1 channel", "dimensions 0"]
    assert list(rows(sobol))[-7:] == ["LFSR", *more, "recorded events", "asked for"]
    five = np.arange(100) % 5 * 1000
    other = sobol.replace(streams=dataclasses.replace(sobol.streams, probabilities=five))
    assert rows(other)["stream thresholds"].endswith(", …") and rows(other)["stream thresholds"].count(" mV)") == 4


def test_the_rows_of_point_neurons():
    net = Builder("points", steps=300, seed=5)
    net.poisson("noise", 6, 200.0)
    net.population("cells", 10, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8, refractory=5, bias=[60] * 5 + [70] * 5)
    net.connect("noise", "cells", weights=np.arange(60).reshape(6, 10) + 1, delays=3)
    frozen = net.freeze()
    found = rows(frozen)
    noise, cells = frozen.populations
    assert isinstance(noise.neuron, BernoulliNeuron)
    projection, = frozen.projections
    assert [(name, found[name]) for name in ("name", "hash", "neurons", "population noise", "population cells", "synapses",
                                             f"projection {projection.title}", "steps", "asked for")] == [
        ("name", "points"), ("hash", frozen.hash), ("neurons", "16 in 2 populations"), ("population noise", f"6 {noise.neuron.kind}"),
        ("population cells", f"10 {cells.neuron.kind}, 2 parameter sets"), ("synapses", "60"),
        (f"projection {projection.title}", "60 synapses, weights 1..60 raw, delays 3..3 steps"), ("steps", "300 of 0.1 ms, 0.03 s"),
        ("asked for", ", ".join(f"{key}={value}" for key, value in frozen.source.items()) or "–")]
    assert found["cells.threshold"] == "10 mV" and found["cells.tau_mem"] == "20.43 ms" and found["cells.refractory"] == "0.5 ms"
    alone = Builder("one", steps=10, seed=5)
    alone.population("cells", 3, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
    assert rows(alone.freeze())["neurons"] == "3 in 1 population" and rows(alone.freeze())["synapses"] == "0"


def test_thresholds_have_the_sign_of_their_weight_and_four_are_shown(network):
    sobol = hybrid(network, "v14", length=128)

    def shown(probabilities, weights):
        made = np.resize(probabilities, 100), np.resize(weights, 100)
        return rows(sobol.replace(weights=made[1], streams=dataclasses.replace(sobol.streams, probabilities=made[0])))["stream thresholds"]

    parts = lambda text: [part.split(" of ")[0] for part in text.split(", ")]  # noqa: E731
    assert parts(shown([7, 8, 9], [0, -1, 1])) == ["-8", "7", "9"]
    assert parts(shown([7, 8, 9, 10], [1, 1, 1, 1])) == ["7", "8", "9", "10"] and parts(shown([7, 8, 9, 10, 11], [1])) == ["7", "8", "9", "10", "…"]


def test_inputs_and_drives_of_point_neurons_are_shown():
    net = Builder("driven", steps=30)
    net.input("kick", 2, steps=[2, 5, 9], channels=[0, 1, 0])
    net.population("cells", 4, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
    net.connect("kick", "cells", weights=np.full((2, 4), 300))
    net.drive("cells", 99, trials=10, probability=0.02)
    found = rows(net.freeze())
    assert found["input kick"] == "2 channels, 3 spikes" and found["population cells"].endswith(", external events of 99 raw at v")
