"""Brian2 as the independent witness: the same integers spike for spike, and the conventions of the float original."""

import dataclasses
import itertools
import sys

import brian2
import numpy as np
import pytest
from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt.numpy_rt import NumpyCodeObject
from small_networks import calm, chain

from spikegate.models.core import engine as core
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding
from spikegate.translator import brian
from spikegate.translator.brian import run_integer
from spikegate.translator.brian_float import run_float, run_standalone
from spikegate.translator.brunel import BrunelParams, preset, translate
from spikegate.translator.hybrid import hybrid

CASES = list(itertools.product((Q8_8, Q16_12), (Rounding.FLOOR, Rounding.NEAREST), Overflow, (0, 20), (1, 15)))


def with_lif(network, **changes):
    return network.replace(lif=dataclasses.replace(network.lif, **changes))


def stormy(format, rounding, overflow, refractory, delay, seed=11):
    """A small network whose inhibition drives membranes out of the format."""
    bp = BrunelParams(n_exc=80, n_inh=20, conn_prob=0.2, weight_exc=2.0, g_inh=20.0, eta=4.0, v_spread=True, seed=seed,
                      delay=delay / 10, refractory=refractory / 10)
    network = translate(bp, format, ms=30.0, rounding=rounding)
    scale = 1 << (format.width - 16 - 4 * (format is Q16_12))
    return with_lif(network.replace(weights=network.weights * scale), overflow=overflow)


@pytest.mark.parametrize("format, rounding, overflow, refractory, delay", CASES, ids=lambda x: getattr(x, "name", str(x)).lower())
def test_brian2_gives_the_same_integers(format, rounding, overflow, refractory, delay):
    network = stormy(format, rounding, overflow, refractory, delay)
    golden = core.run(network, trace=True)
    brian = run_integer(network, trace=True, codegen="numpy")
    assert len(golden.spikes) >= 80 and golden.final["overflow"].any()
    assert np.array_equal(golden.spikes, brian.spikes)
    compared = 0
    for name in ("v", "hold", "overflow"):
        assert np.array_equal(golden.final[name], brian.final[name]), name
        compared += brian.final[name].size
    assert np.array_equal(golden.trace["v"], brian.trace["v"])
    assert compared + brian.trace["v"].size == 3 * 100 + 300 * 100


def test_brian2_gives_the_same_spikes_in_the_irregular_regime():
    network = calm(ms=100.0)
    golden, brian = core.run(network), run_integer(network, codegen="numpy")
    assert len(golden.spikes) > 300
    assert np.array_equal(golden.spikes, brian.spikes)


def test_brian2_replays_recorded_events():
    network = calm(ms=20.0)
    golden, events = core.run(network), core.external_events(network)
    assert np.array_equal(run_integer(network.replace(external=events), codegen="numpy").spikes, golden.spikes)
    other = network.replace(external=np.roll(events, 1, axis=1))
    assert not np.array_equal(run_integer(other, codegen="numpy").spikes, golden.spikes)


WRONG = {
    "threshold one higher": lambda network: with_lif(network, threshold=network.lif.threshold + 1),
    "floor instead of nearest": lambda network: with_lif(network, rounding=Rounding.FLOOR),
    "leak one higher": lambda network: with_lif(network, leak=network.lif.leak + 1),
    "refractory one shorter": lambda network: with_lif(network, refractory=network.lif.refractory - 1),
    "delay one longer": lambda network: network.replace(delay=network.delay + 1),
    "one weight one higher": lambda network: network.replace(weights=network.weights + (np.arange(network.n) == 7)),
}


@pytest.fixture(scope="module")
def witness():
    network = calm(ms=100.0)
    return network, run_integer(network, codegen="numpy")


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_golden_model_is_rejected(witness, wrong):
    network, brian = witness
    assert np.array_equal(core.run(network).spikes, brian.spikes)
    assert not np.array_equal(core.run(WRONG[wrong](network)).spikes, brian.spikes)


def test_stochastic_rounding_is_refused_with_what_is_supported():
    with pytest.raises(InputError, match="floor or nearest for Brian2, not stochastic"):
        run_integer(translate(preset("ai"), ms=1.0, rounding=Rounding.STOCHASTIC))


def test_a_format_beyond_a_double_is_refused():
    network = with_lif(calm(ms=1.0), format=QFormat(32, 22), leak=1 << 22, gain=1 << 22, leak_fraction=22)
    with pytest.raises(InputError, match="above the limit of 4503599627370496"):
        run_integer(network)


@pytest.mark.parametrize("overflow", Overflow)
def test_a_leak_across_the_whole_format_is_exact(overflow):
    network = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.2), Q16_12, ms=1.0)
    network = with_lif(network, rest=Q16_12.max, threshold=Q16_12.max, leak=Q16_12.one, overflow=overflow).replace(v0=np.full(20, Q16_12.min))
    golden, brian = core.run(network, trace=True), run_integer(network, trace=True, codegen="numpy")
    assert np.array_equal(golden.spikes, brian.spikes) and np.array_equal(golden.trace["v"], brian.trace["v"])
    assert len(golden.spikes) > 10


@pytest.mark.parametrize("run", [run_integer, run_float])
@pytest.mark.parametrize("options, made", [
    ({}, CythonCodeObject), ({"codegen": "cython"}, CythonCodeObject), ({"codegen": "numpy"}, NumpyCodeObject)])
def test_the_code_that_brian2_makes_is_what_was_asked_for(run, options, made, monkeypatch):
    class Stop(Exception):
        """Before anything is compiled."""

    def stopping(kind):
        def compile_block(self, block):
            raise Stop(kind)
        return compile_block
    for kind in (CythonCodeObject, NumpyCodeObject):
        monkeypatch.setattr(kind, "compile_block", stopping(kind))
    with pytest.raises(Exception) as stopped:  # noqa: B017, PT011
        run(calm(ms=1.0), **options)
    error = stopped.value
    while not isinstance(error, Stop):
        error = error.__cause__ or error.__context__
    assert error.args == (made,)


def test_standalone_code_gives_the_spikes_of_the_runtime(tmp_path):
    network = chain(refractory=7)
    standalone, runtime = run_standalone(network, tmp_path / "standalone"), run_float(network, codegen="numpy")
    assert len(runtime.spikes) > 60
    assert np.array_equal(standalone.spikes, runtime.spikes)
    assert np.allclose(standalone.final["v"], runtime.final["v"], rtol=0, atol=1e-9)
    assert standalone.provenance["codegen_s"] > standalone.provenance["run_s"] > standalone.provenance["cpu_s"] > 0
    assert brian2.get_device() is brian2.all_devices["runtime"]


@pytest.mark.parametrize("engine", [run_integer, run_float])
def test_brian2s_global_state_is_as_before(engine):
    network, seen = calm(ms=5.0), []
    np.random.seed(5)
    device, preferences, state = brian2.get_device(), dict(brian2.prefs), np.random.get_state()[1].copy()
    recording = engine(network, codegen="numpy", progress=seen.append)
    assert brian2.get_device() is device and dict(brian2.prefs) == preferences
    assert np.array_equal(np.random.get_state()[1], state)
    assert seen[0] == 0.0 and seen[-1] == 1.0
    assert {"network", "brian2", "codegen", "codegen_s", "run_s", "cpu_s"} == set(recording.provenance)
    assert recording.provenance["network"] == network.hash and not recording.trace
    with pytest.raises(InputError, match="cython, numpy, not 'weave'"):
        engine(network, codegen="weave")
    assert brian2.get_device() is device


PREFERENCES = {"core.default_float_dtype": np.float32, "codegen.target": "numpy", "codegen.cpp.extra_compile_args_gcc": ["-no-such-option"],
               "core.network.default_schedule": ["start", "resets", "synapses", "thresholds", "groups", "end"],
               "codegen.runtime.cython.cache_dir": "/proc/no", "legacy.refractory_timing": True}


def test_preferences_of_the_user_change_no_value_and_stay():
    network = translate(preset("ai", n_exc=80, n_inh=20), Q16_12, ms=40.0)
    expected, old = core.run(network, trace=True), dict(brian2.prefs)
    floats = run_float(network, codegen="numpy")
    brian2.prefs.update(PREFERENCES)
    try:
        found = [run_integer(network, trace=True, codegen=target) for target in ("numpy", "cython")]
        assert np.array_equal(run_float(network, codegen="numpy").spikes, floats.spikes)
        assert {name: brian2.prefs[name] for name in PREFERENCES} == PREFERENCES
    finally:
        brian2.prefs.update(old)
    for recording in found:
        assert np.array_equal(recording.spikes, expected.spikes) and np.array_equal(recording.trace["v"], expected.trace["v"])
    assert len(expected.spikes) > 100


@pytest.mark.parametrize("engine", [run_integer, run_float])
def test_missing_brian2_is_an_error_with_the_install_hint(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, "brian2", None)
    with pytest.raises(ToolMissing, match=r"-m pip install -e .*\[brian\]"):
        engine(calm(ms=1.0))


@pytest.mark.parametrize("variant", ["v4", "v14"])
def test_a_kick_of_a_stream_has_the_mean_and_the_scatter_of_its_ones(variant, monkeypatch):
    """Binomial in a window of an LFSR; of a Sobol sequence, the whole part of the ones is always there, and one more by chance."""
    class Stop(Exception):
        """Before Brian2 runs."""

    def given(*args):
        raise Stop(*args[-2:])

    monkeypatch.setattr(brian, "_run_update", given)
    network = hybrid(translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5, weight_exc=1.3, g_inh=4.2), ms=1.0), variant, length=64)
    with pytest.raises(Stop) as stopped:
        brian.run_ordered(network)
    p, scale = network.streams.probabilities / 65536, network.streams.scale
    chance = p if variant == "v4" else 64 * p % 1
    count = 64 if variant == "v4" else 1
    mean, sigma = stopped.value.args
    np.testing.assert_allclose(mean, np.sign(network.weights) * p * scale)
    np.testing.assert_allclose(sigma, np.sqrt(count * chance * (1 - chance)) * scale / 64)
    assert 0 < sigma.min() and mean.min() < 0 < mean.max()
