"""What a user imports: one face, made when it is asked for, whose calls take what they say, and refuse everything else by name."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spikegate
from spikegate import (
    BitstreamDotProduct,
    BitstreamSynapse,
    BrunelParams,
    DriveParams,
    FaultParams,
    FixedPointLIFNeuron,
    HomeostaticLIFNeuron,
    InputError,
    LfsrParams,
    LifParams,
    MemristiveDenseLayer,
    Network,
    Overflow,
    Plasticity,
    QFormat,
    Recording,
    Rounding,
    SCIzhikevichNeuron,
    SCRecurrentLayer,
    SobolParams,
    StochasticLIFNeuron,
    StochasticSTDPSynapse,
    StreamFaults,
    StreamParams,
    VectorizedSCLayer,
    bitstream,
    find,
    golden,
    hybrid,
    preset,
    translate,
    translate_v11_q16,
    unpack,
)
from spikegate.models.core import stream_engine as streams
from spikegate.models.streams.params import Generator

SOURCE = Path(spikegate.__file__)
SMALL = preset("ai", n_exc=16, n_inh=4, conn_prob=0.3)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_import_takes_no_time_and_no_engine():
    took, loaded = run("import sys, time; began = time.process_time(); import spikegate; print(time.process_time() - began)\n"
                       "print({'numpy', 'numba', 'amaranth', 'brian2', 'cocotb'} & set(sys.modules))").split("\n", 1)
    assert float(took) < 0.05 and loaded == "set()\n"


def test_every_name_is_there_without_amaranth_and_brian2():
    found = run("import sys, spikegate\nfor name in spikegate.__all__: getattr(spikegate, name)\n"
                "print({'amaranth', 'brian2', 'cocotb', 'jax', 'torch', 'numba'} & set(sys.modules))\n"
                "assert set(spikegate.__all__) <= set(dir(spikegate))")
    assert found == "{'numba'}\n"


def test_what_type_checkers_see_is_what_there_is():
    block = next(node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If))
    seen = {alias.asname: f"{node.module}.{alias.name}" for node in block.body for alias in node.names}
    assert seen == {**spikegate._GOLDEN, **{name: f"{module}.{name}" for name, module in spikegate._FACE.items()}}
    assert sorted(spikegate.__all__) == sorted(["__version__", *seen]) and len(seen) > 60


def test_no_module_takes_the_place_of_a_name():
    modules = {module.name for module in pkgutil.iter_modules([str(SOURCE.parent)])}
    assert modules >= {"cli", "boards", "simulate"} and not modules & set(spikegate.__all__)
    for name in modules - {"host_line"}:
        importlib.import_module(f"spikegate.{name}")
    assert spikegate.bitstream is bitstream and callable(bitstream) and spikegate.hybrid is hybrid


def test_a_name_that_is_not_there_is_said_to_be_absent():
    with pytest.raises(AttributeError, match="module 'spikegate' has no attribute 'StochasticLifNeuron'"):
        spikegate.StochasticLifNeuron  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'simulation'"):
        from spikegate import simulation  # noqa: F401


def test_the_lines_of_the_published_tutorial_run():
    space = {}
    exec("from spikegate import *", space)
    assert {"StochasticLIFNeuron", "FixedPointLIFNeuron", "BrunelParams", "translate_v1_stochastic_lif", "translate_v2_rate_matched",
            "translate_v3_fixed_point", "translate_v21_custom"} <= set(space)
    network = space["translate"](SMALL, ms=5)
    assert space["golden"].run(network).n == 20 and space["compare"]("a", "bit-true", golden.run(network), golden.run(network)).ok


def network():
    return translate(SMALL, ms=2)


def drawn():
    return hybrid(network(), "v4", length=64)


#: What is called, with arguments that are good; annotations say what each takes.
CALLS = {
    "FixedPointLIFNeuron": (FixedPointLIFNeuron, dict(data_width=16, fraction=8, v_threshold=5120, v_reset=0, v_rest=0, refractory_period=2,
                                                      leak_fraction=8)),
    "FixedPointLIFNeuron.step": (FixedPointLIFNeuron().step, dict(leak_k=1, gain_k=256, I_t=75, noise_in=0, random=0)),
    "StochasticLIFNeuron": (StochasticLIFNeuron, dict(v_threshold=20.0, v_reset=10.0, v_rest=0.0, tau_mem=20.0, dt=0.1, resistance=1.0,
                                                      noise_std=1.0, refractory_period=2, seed=1, stream=1)),
    "StochasticLIFNeuron.step": (StochasticLIFNeuron().step, dict(current=1.0)),
    "HomeostaticLIFNeuron": (HomeostaticLIFNeuron, dict(v_threshold=20.0, v_reset=10.0, v_rest=0.0, tau_mem=20.0, dt=0.1, refractory_period=2,
                                                        target_hz=10.0, eta=0.5, tau_rate=100.0)),
    "HomeostaticLIFNeuron.step": (HomeostaticLIFNeuron().step, dict(current=1.0)),
    "SCIzhikevichNeuron": (SCIzhikevichNeuron, dict(a=0.02, b=0.2, c=-65.0, d=8.0, dt=0.1, v=-65.0)),
    "SCIzhikevichNeuron.step": (SCIzhikevichNeuron().step, dict(current=1.0)),
    "StochasticSTDPSynapse": (StochasticSTDPSynapse, dict(dt=0.1, stream=1)),
    "StochasticSTDPSynapse.pre": (lambda step: StochasticSTDPSynapse().pre(step), dict(step=3)),
    "Plasticity": (Plasticity, dict(a_plus=0.01, a_minus=0.01, tau_plus=20.0, tau_minus=20.0, bits=7, w_max=2.0, seed=1)),
    "bitstream": (bitstream, dict(probability=0.5, length=64, seed=1)),
    "BitstreamSynapse": (BitstreamSynapse, dict(w_min=0.0, w_max=1.0, length=64, w=0.5, seed=1)),
    "BitstreamDotProduct": (lambda y_min, y_max: BitstreamDotProduct([BitstreamSynapse()], y_min, y_max), dict(y_min=0.0, y_max=1.0)),
    "VectorizedSCLayer": (lambda **options: VectorizedSCLayer([[0.5, 0.5]], **options), dict(length=77, seed=1, n_in=2, connectivity=1.0)),
    "MemristiveDenseLayer": (lambda **options: MemristiveDenseLayer([[0.5, 0.5]], **options),
                             dict(length=64, seed=1, n_in=2, stuck_rate=0.0, variability=0.0, device_seed=1)),
    "SCRecurrentLayer": (lambda **options: SCRecurrentLayer(network(), **options), dict(length=64, radius=0.9)),
    "LfsrParams": (LfsrParams, dict(width=16, leap=4)),
    "LfsrParams.step": (LfsrParams(16, leap=1).step, dict(state=5)),
    "LfsrParams.run": (LfsrParams(16, leap=1).run, dict(state=5, count=3)),
    "LfsrParams.jump": (LfsrParams(16).jump, dict(positions=5)),
    "LfsrParams.phases": (LfsrParams().phases, dict(seed=1, streams=3, steps=5)),
    "SobolParams": (SobolParams, dict(dimension=1, bits=16, leap=4)),
    "SobolParams.run": (SobolParams(1).run, dict(first=0, count=3)),
    "QFormat": (QFormat, dict(width=16, fraction=8)),
    "LifParams": (lambda **fields: LifParams(QFormat(16, 8), **fields), dict(threshold=9, reset=0, rest=0, leak=1, gain=256, refractory=2)),
    "DriveParams": (lambda weight: DriveParams([5], weight), dict(weight=3)),
    "FaultParams": (FaultParams, dict(length=64)),
    "FaultParams.random": (FaultParams.random, dict(rate=0.1, seed=1, length=64, flip_rate=0.0)),
    "StreamFaults": (lambda seed: StreamFaults((FaultParams(64),), seed), dict(seed=1)),
    "StreamParams": (lambda **fields: StreamParams([1], generator=Generator.SOBOL, dimensions=(0,), **fields), dict(scale=5, length=64, channels=1)),
    "Network": (lambda **fields: network().replace(**fields), dict(delay=2, steps=5, dt_ns=100_000)),
    "Recording": (lambda n, steps: Recording("by hand", n, steps, []), dict(n=3, steps=5)),
    "BrunelParams": (lambda **fields: translate(preset("ai", **fields), ms=1),
                     dict(n_exc=16, n_inh=4, conn_prob=0.3, weight_exc=0.5, g_inh=8.0, tau_mem=20.0, dt=0.1, eta=1.0, delay=1.5, seed=1)),
    "translate": (lambda **options: translate(SMALL, **options), dict(ms=1.0, leak_fraction=9)),
    "hybrid": (lambda **options: hybrid(network(), "v4", **options), dict(length=64, channels=1, seed=1)),
}
WORDS = "(must|make|does not|is outside|finite)"
ANYTHING = (float("nan"), float("inf"), "x", object(), [1.5], 1j, b"1")


@pytest.mark.parametrize("name", CALLS)
def test_numbers_of_numpy_are_numbers(name):
    call, good = CALLS[name]
    for argument, value in good.items():
        for numpys in [np.int64(value), np.uint32(value)] if isinstance(value, int) and value >= 0 else [np.float64(value)]:
            call(**{**good, argument: numpys})


@pytest.mark.parametrize("name", CALLS)
def test_an_argument_of_another_kind_is_refused_by_name(name):
    call, good = CALLS[name]
    for argument, value in good.items():
        for bad in ANYTHING + ((value + 0.5, float(value)) if isinstance(value, int) else (10**400,)):
            with pytest.raises(InputError, match=WORDS):
                call(**{**good, argument: bad})
                pytest.fail(f"{name} took {argument}={bad!r}")


def test_a_number_of_a_numpy_type_gives_the_same_as_pythons():
    plain, numpys = FixedPointLIFNeuron(), FixedPointLIFNeuron()
    for current in (300, -70, 6000):
        assert plain.step(1, 256, current) == numpys.step(np.int64(1), np.int32(256), np.int64(current)) and type(numpys.v) is int
    assert LfsrParams().phases(1, np.int64(771), 5) == LfsrParams().phases(1, 771, 5)
    assert LfsrParams().step(np.uint64(2**63 + 5)) == LfsrParams().step(2**63 + 5)
    assert translate(preset("ai", n_exc=np.int64(16), n_inh=np.int32(4), conn_prob=np.float32(0.3)), ms=np.float64(2)).hash == network().replace(
        name="custom").hash
    assert BitstreamSynapse(w=np.float32(0.1)).weights.tolist() == BitstreamSynapse(w=0.1).weights.tolist()


@pytest.mark.parametrize(("call", "message"), [
    (lambda: golden.run("a network"), "Network must be of type Network, not 'a network'; make one with spikegate.translate, or read its file"),
    (lambda: golden.external_events(None), "Network must be of type Network"), (lambda: streams.run(7), "Network must be of type Network"),
    (lambda: streams.run(drawn(), faults=0.1), "Faults must be of type StreamFaults, not 0.1"),
    (lambda: find("v1").run(3), "Network must be of type"),
    (lambda: hybrid(SMALL, "v4"), "Network must be of type Network"), (lambda: translate(network()), "Parameters must be of type BrunelParams"),
    (lambda: translate(SMALL, "q8.8"), "Format must be of type QFormat, not 'q8.8'; make it with QFormat.parse"),
    (lambda: translate(SMALL, rounding="up"), "rounding must be one of Rounding.FLOOR"),
    (lambda: translate_v11_q16({}), "must be of type BrunelParams"),
    (lambda: preset("ai", n_ex=3), "Parameter must be one of n_exc, .*, not 'n_ex'; did you mean n_exc"),
    (lambda: preset(3), "Preset must be one of"),
    (lambda: preset(["ai"]), "Preset must be one of"), (lambda: find(4), "Variant must be of type str, not 4"),
    (lambda: QFormat.parse(8.8), "Format must be of type str, not 8.8"), (lambda: QFormat(16, 8).real(0.5), "raw must be a whole number, not 0.5"),
    (lambda: Network.load(None), "Path must be of type str or PathLike, not None"),
    (lambda: network().save(3), "Path must be of type str or PathLike"),
    (lambda: Recording("by hand", 2, 2, [[0.5, 1]]), "Array spikes must hold whole numbers"),
    (lambda: Recording("by hand", 2, 2, [1, 2, 3]), "Spikes must be pairs of step and neuron, not 3 numbers"),
    (lambda: BitstreamDotProduct([3]), "Synapse 0 must be of type BitstreamSynapse, not 3"),
    (lambda: BitstreamDotProduct(3), "Synapses must be of type Iterable, not 3; give a list of BitstreamSynapse"),
    (lambda: BitstreamSynapse().apply("x"), "Streams must be 256 bits of 0 or 1"), (lambda: BitstreamSynapse().apply([2] * 256), "Streams must be"),
    (lambda: BitstreamSynapse().apply(np.full(256, np.nan)), "Streams must be"),
    (lambda: BitstreamSynapse(source=["lfsr"]), "Stream source must be"),
    (lambda: FixedPointLIFNeuron(clamp="threshold"), 'Membrane must be clamped at "reset" or "rest" while refractory, not \'threshold\''),
    (lambda: FixedPointLIFNeuron(rounding="up"), "rounding must be one of"), (lambda: FixedPointLIFNeuron(overflow=7), "overflow must be one of"),
    (lambda: setattr(FixedPointLIFNeuron(), "v", 3.5), "v must be a whole number, not 3.5"),
    (lambda: setattr(FixedPointLIFNeuron(), "v", 40000), "v must be in -32768..32767 \\(raw\\), not 40000"),
    (lambda: VectorizedSCLayer([["a"]]), "Weights must be numbers"), (lambda: VectorizedSCLayer([[0.5], [0.5, 0.5]]), "Weights must be numbers"),
    (lambda: VectorizedSCLayer(None), "Weights must be"), (lambda: VectorizedSCLayer([[0.5]]).forward("x"), "Inputs must be numbers"),
    (lambda: VectorizedSCLayer([[0.5]], sc_mode="bi"), 'Mode of the streams must be "unipolar" or "bipolar", not \'bi\''),
    (lambda: VectorizedSCLayer([[True]]), "Weights must be numbers"), (lambda: StochasticSTDPSynapse("rule"), "Rule must be of type Plasticity"),
    (lambda: HomeostaticLIFNeuron(limits=3), "Limits of theta must be two numbers"),
    (lambda: SCRecurrentLayer(3), "Network must be of type Network"),
    (lambda: SCRecurrentLayer(network(), dimensions=3), "Sobol dimensions must be two"),
    (lambda: SCRecurrentLayer(network(), length=64).run([["x"] * 20]), "Drive must be numbers"),
    (lambda: SCRecurrentLayer(network(), length=64).reset([0.5]), "Initial states must be 20 probabilities or one for all"),
    (lambda: FaultParams(64, stream=3), "FaultParams.stream must be of type PointFaults"),
    (lambda: StreamFaults([FaultParams(64)]), "StreamFaults.paths must be of type tuple"),
    (lambda: StreamFaults((3,)), "Path 0 of the faults must be"),
    (lambda: LfsrParams().step(-1), "LFSR state must be in 0..2\\^64 - 1, not -1"),
    (lambda: LfsrParams(16).jump(-1), "LFSR positions must be in 0..")])
def test_what_is_of_another_kind_is_refused_by_name(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_annotations_are_those_of_the_arguments():
    for name, (call, good) in CALLS.items():
        for argument, parameter in inspect.signature(call).parameters.items() if inspect.isclass(call) else ():
            if argument in good:
                kind = type(good[argument]).__name__
                assert kind in str(parameter.annotation), f"{name}: {argument}"


def test_what_was_added_to_a_membrane_is_looked_at_and_the_neuron_stays_as_it_is():
    for neuron in (StochasticLIFNeuron(), HomeostaticLIFNeuron(), SCIzhikevichNeuron()):
        before = neuron.v
        for bad in (float("nan"), float("inf"), "x", None):
            with pytest.raises(InputError, match="Current and membrane must be finite numbers, not "):
                neuron.step(bad)
        assert neuron.v == before and neuron.step(0.0) == 0
        neuron.v += float("nan")
        with pytest.raises(InputError, match="must be finite"):
            neuron.step(0.0)


def test_enumerations_are_in_the_face():
    assert FixedPointLIFNeuron(rounding=Rounding.NEAREST, overflow=Overflow.WRAP).params.overflow is Overflow.WRAP
    assert isinstance(BrunelParams(), BrunelParams) and unpack(bitstream(0.5)).shape == (256,)
