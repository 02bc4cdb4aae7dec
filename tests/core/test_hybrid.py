"""Stochastic synapses in the core: RTL in Verilator against the golden model, item by item."""

import dataclasses

import numpy as np
import pytest

from spikegate.cosim.engines import rtl_streams as rtl
from spikegate.cosim.results.compare import compare
from spikegate.models.core import engine
from spikegate.models.core import stream_engine as golden
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.params import Generator, StreamFaults, StreamParams
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import HYBRIDS, hybrid

SIGNALS = ("spike", "v", "hold", "overflow", "events")


def small(variant, *, n=103, ms=10.0, format=Q8_8, length=256, channels=None, **changes):
    """A network of ``n`` neurons that spikes, with more inhibition than one sign would show."""
    bp = preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "g_inh": 3.0, "delay": 0.5, **changes})
    return hybrid(translate(bp, format, ms=ms), variant, length=length, channels=channels)


def agree(network, recording, model=None, faults=None):
    """Compare a traced recording with the golden model; the number of items."""
    reference = golden.run(model or network, trace=True, faults=faults)
    check = compare("RTL = golden", "bit-true", dataclasses.replace(reference, provenance=recording.provenance), recording, SIGNALS)
    assert check.ok, check
    assert check.compared >= 4 * network.n * network.steps and len(recording.spikes) > network.n // 2
    assert reference.provenance["windows"] > 5 * len(recording.spikes) // network.streams.channels
    if "driver" in recording.provenance and recording.provenance["driver"] == "native":
        assert recording.cycles == golden.predict_cycles(network, reference, recording.provenance["lanes"])
    return check.compared


@pytest.mark.parametrize("variant", HYBRIDS)
@pytest.mark.parametrize("lanes", [8, pytest.param(64, marks=pytest.mark.long)])
def test_every_variant_and_lane_count_agrees(variant, lanes):
    """103 is no multiple of 8 or 64."""
    network = small(variant)
    assert agree(network, rtl.run(network, lanes, trace=True)) > 40_000


@pytest.mark.parametrize(("variant", "length", "channels", "format"), [
    ("v4", 64, 1, Q16_12), pytest.param("v14", 1024, 2, Q16_12, marks=pytest.mark.long), ("v13", 64, 8, Q16_12), ("v14", 64, 3, Q8_8)])
def test_other_lengths_channels_and_formats_agree(variant, length, channels, format):
    network = small(variant, length=length, channels=channels, format=format)
    agree(network, rtl.run(network, 4, trace=True))


@pytest.mark.parametrize(("variant", "ms"), [
    ("v14", 200.0), *(pytest.param(name, 60.0, marks=pytest.mark.long) for name in ("v4", "v13"))])
def test_the_whole_network_is_bit_true(variant, ms):
    network = hybrid(translate(preset("ai"), ms=ms), variant)
    compared = agree(network, rtl.run(network, trace=True))
    print(f"{variant}: {compared:,} items compared, 0 mismatches")
    assert compared > 40_000 * ms


@pytest.mark.long
@pytest.mark.parametrize("format", [Q8_8, Q16_12], ids=str)
@pytest.mark.parametrize("variant", HYBRIDS)
def test_a_second_of_the_whole_network_is_bit_true(variant, format):
    network = hybrid(translate(preset("ai"), format), variant)
    assert agree(network, rtl.run(network, trace=True)) > 40_000_000


@pytest.mark.parametrize("clock_gate", [True, pytest.param(False, marks=pytest.mark.long)])
def test_random_stalls_under_cocotb_change_no_value(clock_gate):
    network = small("v14", ms=10.0)
    recording = rtl.run_cocotb(network, 8, trace=True, stall=0.3, clock_gate=clock_gate)
    assert agree(network, recording) > 40_000


def test_cocotb_and_native_drivers_give_the_same_recording():
    network = small("v14", ms=5.0)
    native, cocotb = rtl.run(network, 8, trace=True), rtl.run_cocotb(network, 8, trace=True)
    assert native.cycles == cocotb.cycles and compare("cocotb = native", "bit-true", native, cocotb, SIGNALS).ok


def faulty(network, **points):
    path = FaultParams(network.streams.length, **points)
    return StreamFaults((path,) * network.streams.channels)


@pytest.mark.parametrize("faults", [
    {"stream": PointFaults(stuck0=0xFFFF)}, {"weight": PointFaults(stuck1=0b101 << 200)}, {"count": PointFaults(stuck0=1, stuck1=4)},
    {"stream": PointFaults(flips=3000)}, {"weight": PointFaults(flips=300)}, {"count": PointFaults(flips=900)},
    pytest.param({"stream": PointFaults(7, 9, 50), "weight": PointFaults(1 << 255, 0, 70), "count": PointFaults(0, 2, 90)},
                 marks=pytest.mark.long)], ids=str)
def test_faults_are_the_same_in_hardware_and_model_and_change_the_run(faults):
    network = small("v14", channels=1 + any(at.stuck0 | at.stuck1 for at in faults.values()), ms=5.0)
    defects = faulty(network, **faults)
    recording = rtl.run(network, 4, trace=True, faults=defects)
    agree(network, recording, faults=defects)
    assert not np.array_equal(recording.trace["v"], golden.run(network, trace=True).trace["v"])


def test_every_target_of_every_spike_due_takes_a_window():
    network = small("v4", ms=20.0)
    recording = golden.run(network)
    sizes = np.diff(network.indptr.astype(np.int64))
    delivered = recording.spikes[recording.spikes[:, 0] <= network.steps - network.delay]
    assert recording.provenance["windows"] == sizes[delivered[:, 1]].sum() > 1000


def test_streams_survive_the_file_and_the_hash_covers_them(tmp_path):
    for variant in HYBRIDS:
        network = small(variant)
        network.save(tmp_path / "n")
        again = Network.load(tmp_path / "n")
        assert again.hash == network.hash and np.array_equal(golden.run(again).spikes, golden.run(network).spikes)
        other = network.replace(streams=dataclasses.replace(network.streams, scale=network.streams.scale + 1))
        assert other.hash != network.hash != network.replace(streams=None).hash


def or_gate(weights, spike, counts):
    counts[:] = np.bitwise_count(spike[:, None] | weights[:, :len(counts)]).sum(axis=0)


def narrow_counter(weights, spike, counts):
    counts[:] = np.bitwise_count(weights[:, :len(counts)]).sum(axis=0) % 16


@pytest.mark.parametrize("wrong", [or_gate, narrow_counter], ids=lambda f: f.__name__)
def test_a_wrong_gate_or_counter_is_rejected(wrong, monkeypatch):
    """Negative control: an OR for the AND, a counter of 4 bits for counts up to 77."""
    network = small("v14", n=40, ms=5.0)
    recording = rtl.run(network, 8, trace=True)
    monkeypatch.setattr(golden, "_advance", golden._advance.py_func)
    reference = golden.run(network, trace=True)
    assert compare("RTL = golden", "bit-true", reference, recording, SIGNALS).ok, "the interpreted model is the same"
    monkeypatch.setattr(golden, "count_all", wrong)
    assert not compare("RTL = golden", "bit-true", golden.run(network, trace=True), recording, SIGNALS).ok


@pytest.mark.parametrize(("variant", "defect"), [
    ("v14", "dimension"), ("v4", "tap"), ("v4", "seed"), ("v4", "order"), ("v13", "channels"), ("v4", "scale"),
    ("v14", "threshold"), ("v4", "generator")])
def test_a_wrong_model_is_rejected(variant, defect):
    """Negative control: among them a swapped Sobol dimension, and planes in the wrong order."""
    network = small(variant, ms=20.0)
    s = network.streams
    changes = {
        "dimension": lambda: {"dimensions": (1,)}, "tap": lambda: {"lfsr": LfsrParams(61, (61, 60, 59, 55), 256)},
        "seed": lambda: {"seeds": [*s.seeds[:-1], s.seeds[-1] ^ np.uint64(2)]}, "order": lambda: {"seeds": s.seeds[::-1]},
        "channels": lambda: {"channels": 2, "seeds": s.seeds[:32]}, "scale": lambda: {"scale": s.scale + 64},
        "threshold": lambda: {"probabilities": s.probabilities + np.uint32(40)},
        "generator": lambda: {"generator": Generator.SOBOL, "seeds": (), "dimensions": (0,)}}[defect]()
    recording = rtl.run(network, 8, trace=True)
    wrong = golden.run(network.replace(streams=dataclasses.replace(s, **changes)), trace=True)
    check = compare("RTL = golden", "bit-true", dataclasses.replace(wrong, provenance=recording.provenance), recording, SIGNALS)
    assert not check.ok and check.first_divergence["signal"] in SIGNALS


def test_the_plain_golden_model_is_another_network():
    network = small("v4")
    assert not np.array_equal(engine.run(network).spikes, golden.run(network).spikes)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: hybrid(translate(preset("ai"), ms=1.0), "v5"), "Hybrid variant must be one of v4, v13, v14, not 'v5'"),
    (lambda: small("v4", length=100), "Stream length must be a power of two in 64..1024 bits, not 100"),
    (lambda: small("v14", length=2048), "Stream length must be a power of two in 64..1024 bits, not 2048"),
    (lambda: small("v13", channels=9), "Channels must be in 1..8, not 9"),
    (lambda: golden.run(translate(preset("ai"), ms=1.0)), "has no bitstream synapses; make it with --variant"),
    (lambda: rtl.run(translate(preset("ai"), ms=1.0)), "has no bitstream synapses"),
    (lambda: golden.run(small("v4"), faults=StreamFaults((FaultParams(128),))), "Faults must be given for 1 channels of 256 bits"),
    (lambda: FaultParams.random(1.5, 1), "rate must be in 0..1, not 1.5"),
    (lambda: StreamParams([70000], 5120, Generator.SOBOL, dimensions=(0,)), "Stream probabilities must be in 0..2\\^16"),
    (lambda: StreamParams([1], 5120, seeds=[5] * 16), "Stream seeds must differ: two streams on one phase"),
    (lambda: StreamParams([1], 5120, seeds=[5]), "Seeds of the streams must be 16, 16 a channel"),
    (lambda: StreamParams([1], 5120, Generator.SOBOL, channels=2, dimensions=(3, 3)), "Sobol dimensions must be 2, one a channel and all different"),
    (lambda: StreamParams([1], 5120, Generator.SOBOL, dimensions=(32,)), "Sobol dimensions must be in 0..31"),
    (lambda: StreamParams([1], 5120, lfsr=LfsrParams(63, leap=256), seeds=range(1, 17)), "LFSR of streams must have 4 taps")])
def test_streams_that_cannot_be_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("variant", ["v4", "v13"])
def test_streams_are_those_of_their_own_seed_or_of_the_networks(variant):
    network = translate(preset("ai", n_exc=8, n_inh=2, conn_prob=0.5, seed=4), ms=1.0)
    usual, own, same, few = (hybrid(network, variant, length=64, **given).streams for given in ({}, {"seed": 5}, {"seed": 4}, {"channels": 2}))
    assert usual.seeds.tolist() == same.seeds.tolist() != own.seeds.tolist() and few.channels == 2 and len(few.seeds) == 32
