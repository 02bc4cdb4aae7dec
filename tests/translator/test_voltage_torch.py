"""PyTorch's kernel: V1's bits, whatever the rule, and devices that are not there."""

import sys

import numpy as np
import pytest
import torch

from spikegate.models.errors import InputError, ToolMissing
from spikegate.translator.brunel import preset, translate
from spikegate.translator.variants import find
from spikegate.translator.voltage import run
from spikegate.translator.voltage_neuron import Rule
from spikegate.translator.voltage_torch import TorchKernel

RULES = [Rule(), Rule(late=True), Rule(exact=True, refractory=5), Rule(noise_std=1.0)]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name, rule", [*(("ai", rule) for rule in RULES), ("tutorial", Rule())], ids=str)
def test_spikes_and_membranes_are_v1s(name, rule, device):
    network = translate(preset(name), name=name, ms=60)
    expected, found = run(network, "objects", rule, trace=True), run(network, "torch", rule, device=device, trace=True)
    assert len(expected.spikes) > 1000 and np.array_equal(found.spikes, expected.spikes)
    assert np.array_equal(found.trace["v"], expected.trace["v"]) and np.array_equal(found.final["v"], expected.final["v"])
    assert found.provenance["device"].startswith(device)


@pytest.mark.parametrize("field", ["leak", "exc", "inh", "threshold"])
def test_a_constant_wrong_in_its_last_bits_is_seen(field, monkeypatch):
    network, sound = translate(preset("ai"), ms=60), TorchKernel.__call__
    expected = run(network, "numba", trace=True)

    def wrong(self, c, *values):
        return sound(self, c._replace(**{field: np.nextafter(getattr(c, field), 0) if field != "threshold" else c.threshold - 1e-3}), *values)

    monkeypatch.setattr(TorchKernel, "__call__", wrong)
    assert not np.array_equal(run(network, "torch", trace=True).trace["v"], expected.trace["v"])


def test_a_delay_longer_than_a_chunk_of_work_or_no_synapse_is_no_exception():
    for changes in (dict(delay=6.3), dict(delay=0.1)):
        network = translate(preset("ai", **changes), ms=60)
        assert np.array_equal(run(network, "torch").spikes, run(network).spikes)
    bare = translate(preset("ai"), ms=30)
    bare = bare.replace(indptr=np.zeros(bare.n + 1), indices=np.empty(0))
    assert np.array_equal(run(bare, "torch").spikes, run(bare).spikes)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    network = translate(preset("ai"), ms=1)
    with pytest.raises(InputError, match="Device must be one of auto, cpu, cuda, not 'tpu'"):
        find("v19").run(network, device="tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="cuda was asked for and PyTorch finds no GPU; use cpu, or auto"):
        find("v19").run(network, device="cuda")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ToolMissing, match="PyTorch cannot be imported"):
        find("v19").run(network)
