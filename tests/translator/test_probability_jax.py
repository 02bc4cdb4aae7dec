"""V15: the streams and counts of V2, bit for bit, on whatever device JAX has."""

import subprocess
import sys

import jax
import numpy as np
import pytest

from spikegate.models.errors import InputError, ToolMissing
from spikegate.translator import probability, probability_jax
from spikegate.translator.brunel import preset, translate
from spikegate.translator.probability import VectorizedSCLayer
from spikegate.translator.probability_jax import JaxSCDenseLayer


def differences(mine, other, p):
    """Packed words and counts that two layers have different, and how many were compared."""
    pairs = [(mine.input_streams(p), other.input_streams(p)), (mine.weight_streams(), other.weight_streams()), (mine.counts(p), other.counts(p))]
    assert all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs)
    return sum(np.count_nonzero(a != b) for a, b in pairs), sum(a.size for a, _ in pairs)


def test_the_whole_network_has_the_streams_counts_and_sums_of_v2():
    network = translate(preset("ai"), name="ai", ms=50.0)
    layers, recordings = [], []
    for engine, kind in ((probability.run, VectorizedSCLayer), (probability_jax.run, JaxSCDenseLayer)):
        recordings.append(engine(network))
        source = np.random.default_rng(1).integers(0, 2000, 101_000)  # the streams of a layer of that size, with inputs of any order
        layers.append(kind((np.arange(1001) * 101, source, np.tile([0.025, 0.2], 50_500)), n_in=2000))
    p = np.append(recordings[0].final["p"], np.full(1000, 0.005))
    wrong, compared = differences(*layers, p)
    print(f"{compared} words and counts compared on {recordings[1].provenance['device']}")
    assert wrong == 0 and compared == (101_000 + 2000) * 64 + 101_000
    sound, other = recordings
    assert other.engine == "probability-jax" and set(sound.final) == set(other.final)
    assert all(np.array_equal(sound.final[name], other.final[name]) for name in sound.final) and sound.final["exc"].min() > 0
    assert all(sound.provenance[name] == other.provenance[name] for name in ("products", "rmse", "scores", "network"))


@pytest.mark.parametrize("shape, length", [((1, 1), 64), ((7, 8), 64), ((3, 19), 256), ((5, 50), 1024)])
def test_any_shape_has_the_bits_of_v2_and_a_wrong_one_has_not(shape, length):
    rng = np.random.default_rng(2)
    weights, p = rng.random(shape), rng.uniform(0.2, 1, shape[1])
    weights.ravel()[::5], p[::7] = (1.0 if shape == (1, 1) else 0.0), 1.0
    layer = VectorizedSCLayer(weights, length)
    wrong, compared = differences(JaxSCDenseLayer(weights, length), layer, p)
    assert wrong == 0 and compared == (weights.size + p.size) * length // 64 + weights.size
    assert np.array_equal(JaxSCDenseLayer(weights, length).forward(p), layer.forward(p))
    assert differences(JaxSCDenseLayer(1 - weights, length), layer, p)[0] > 0
    if shape != (1, 1):
        assert differences(JaxSCDenseLayer(weights, length, seed=2), layer, p)[0] > compared // 4


def test_one_threshold_or_one_register_that_is_off_is_found():
    weights, p = np.full((4, 30), 0.3), np.full(30, 0.5)
    layer = VectorizedSCLayer(weights)
    for wrong in ("threshold", "register", "half words"):
        other = JaxSCDenseLayer(weights)
        if wrong == "threshold":
            other.thresholds = other.thresholds + (np.arange(120) == 77) * 64
        else:
            start = other._start
            flip = np.uint64(1) if wrong == "register" else None
            other._start = lambda first, start=start, flip=flip: (
                start(first) ^ flip if flip else start(first).view(np.uint32)[..., ::-1].copy().view(np.uint64))
        assert differences(other, layer, p)[0] > 0, wrong
    assert differences(JaxSCDenseLayer(weights), layer, p)[0] == 0


def test_the_default_is_the_first_device_and_an_absent_one_is_refused():
    assert JaxSCDenseLayer([[0.5]]).device == jax.devices()[0]
    assert JaxSCDenseLayer([[0.5]], device="cpu").device.platform == "cpu"
    present = {device.platform for device in jax.devices()}
    absent = [kind for kind in ("gpu", "tpu") if kind not in present]
    assert absent
    for kind in absent:
        with pytest.raises(InputError, match=f"JAX must have the device '{kind}' to run there, and has {jax.default_backend()}"):
            JaxSCDenseLayer([[0.5]], device=kind)


def test_jax_keeps_its_settings_and_what_is_wrong_is_refused_as_by_v2():
    JaxSCDenseLayer([[0.5]]).forward([0.5])
    assert not jax.config.jax_enable_x64
    with pytest.raises(InputError, match="Weights must be probabilities in 0..1"):
        JaxSCDenseLayer([[1.5]])


def test_without_jax_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    subprocess.run([sys.executable, "-c", "import sys, spikegate.translator.probability_jax; sys.exit('jax' in sys.modules)"], check=True)
    with pytest.raises(ToolMissing, match=r"JAX cannot be imported .* -m pip install -e .*\[variants\]"):
        JaxSCDenseLayer([[0.5]])
