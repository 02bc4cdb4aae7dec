"""The network core: RTL in Verilator against the golden model, item by item."""

import dataclasses

import numpy as np
import pytest

from spikegate.cosim.engines import rtl, rtl_cocotb
from spikegate.cosim.engines.native import NativeCore
from spikegate.cosim.results.compare import compare
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.core import engine as golden
from spikegate.models.core.cycles import CYCLES_PER_STEP
from spikegate.models.core.part import due_spikes
from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.brunel import preset, translate

SIGNALS = ("spike", "v", "hold", "overflow", "events")


def small(format=Q8_8, *, n=103, ms=20.0, overflow=Overflow.SATURATE, rounding=Rounding.NEAREST, **changes):
    """A network of ``n`` neurons that spikes, and whose membranes leave Q8.8 when ``weight_exc`` is large."""
    bp = preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "delay": 0.5, **changes})
    network = translate(bp, format, ms=ms, rounding=rounding)
    return network.replace(lif=dataclasses.replace(network.lif, overflow=overflow))


def agree(network, recording, model=None):
    """Compare a traced recording with the golden model; the number of items."""
    reference = golden.run(model or network, trace=True)
    check = compare("RTL = golden", "bit-true", dataclasses.replace(reference, provenance=recording.provenance), recording, SIGNALS)
    assert check.ok, check
    assert check.compared >= 4 * network.n * network.steps
    assert len(recording.spikes) > network.n // 2
    assert recording.cycles == golden.predict_cycles(network, reference, recording.provenance["lanes"])
    return check.compared


@pytest.mark.parametrize(("n", "lanes"), [(103, 1), (103, 8), (40, 40), pytest.param(103, 64, marks=pytest.mark.long)])
def test_every_lane_count_gives_the_same_spikes(n, lanes):
    """103 is no multiple of 8 or 64, and 40 lanes of 40 neurons are one word."""
    assert agree(small(n=n), rtl.run(small(n=n), lanes, trace=True)) > 30_000


@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("rounding", list(Rounding))
def test_every_rounding_and_overflow_mode_agrees(rounding, overflow):
    network = small(rounding=rounding, overflow=overflow, weight_exc=6.0)
    recording = rtl.run(network, 8, trace=True)
    agree(network, recording)
    assert recording.final["overflow"].any(), "no membrane left the format: the mode was not exercised"


@pytest.mark.parametrize(("changes", "lanes"), [({"delay": 0.1}, 8), ({"delay": 6.3}, 8), ({"refractory": 0.0}, 8), ({"refractory": 25.5}, 8),
                                                ({"eta": 0.5, "weight_exc": 9.0}, 8), ({"n": 2, "conn_prob": 0.6, "weight_exc": 8.0}, 2),
                                                ({"n": 1}, 1)])
def test_corners_of_delay_refractoriness_and_size_agree(changes, lanes):
    if changes.get("n") == 1:
        network = dataclasses.replace(small(ms=100.0), n_exc=1, n_inh=0, indptr=[0, 0], indices=[], weights=[512], seeds=[7], v0=[0])
    else:
        network = small(ms=40.0, **changes)
    agree(network, rtl.run(network, lanes, trace=True))


def test_enables_and_gated_clock_are_the_same_hardware():
    network = small()
    agree(network, rtl.run(network, 8, trace=True, clock_gate=False))


@pytest.mark.parametrize("clock_gate", [True, False])
def test_random_stalls_on_both_streams_change_no_value(clock_gate):
    network = small()
    recording = rtl_cocotb.run(network, 8, trace=True, stall=0.3, clock_gate=clock_gate)
    reference = golden.run(network, trace=True)
    assert recording.cycles > golden.predict_cycles(network, reference, 8)
    check = compare("RTL = golden", "bit-true", reference, recording, SIGNALS)
    assert check.ok and check.compared > 80_000, check


def test_cocotb_and_native_drivers_give_the_same_recording():
    network = small()
    native, cocotb = rtl.run(network, 8, trace=True), rtl_cocotb.run(network, 8, trace=True)
    assert native.cycles == cocotb.cycles
    assert compare("cocotb = native", "bit-true", native, cocotb, SIGNALS).ok
    short = rtl_cocotb.run(network, 8)
    assert np.array_equal(short.spikes, native.spikes) and np.array_equal(short.final["v"], native.final["v"])


def test_one_simulator_runs_one_network_after_another():
    first, second = small(), small(seed=2)
    geometry = CoreGeometry.of(first, 8)
    with NativeCore(rtl.build(geometry).path, geometry) as simulator:
        for network in (first, second, first):
            simulator.load(rtl.load_words(network, geometry))
            spikes, _ = simulator.run(rtl.run_word(geometry, network.steps), 0, network.steps, False)
            expected = golden.run(network).spikes
            assert np.array_equal(spikes[np.lexsort((spikes[:, 1], spikes[:, 0]))], expected) and len(expected) > 50


@pytest.mark.parametrize(("name", "format"), [("ai", Q8_8), *(pytest.param(*each, marks=pytest.mark.long) for each in (
    ("ai", Q16_12), ("tutorial", Q8_8), ("tutorial", Q16_12)))], ids=str)
def test_a_second_of_the_whole_network_is_bit_true(name, format):
    network = translate(preset(name), format, name=name)
    compared = agree(network, rtl.run(network, 40, trace=True))
    print(f"{name} {format}: {compared:,} items compared, 0 mismatches")
    assert compared > 40_000_000


@pytest.mark.parametrize("lanes", [1, 8, *(pytest.param(lanes, marks=pytest.mark.long) for lanes in (64, 125))])
def test_the_whole_network_spikes_alike_with_other_lanes(lanes):
    network = translate(preset("ai"), ms=30.0)
    recording = rtl.run(network, lanes)
    reference = golden.run(network)
    assert np.array_equal(recording.spikes, reference.spikes) and len(reference.spikes) > 1000
    assert recording.cycles == golden.predict_cycles(network, reference, lanes)


def test_nothing_is_due_in_a_run_shorter_than_the_delay():
    network = small(ms=1.0, delay=1.5)
    reference = golden.run(network, trace=True)
    assert network.delay == 15 and due_spikes(reference, network.delay).tolist() == [0] * 10
    assert golden.predict_cycles(network, reference, 8) == rtl.run(network, 8).cycles


def test_the_constant_of_a_step_is_at_most_24_cycles():
    network = small().replace(steps=1)
    silent = network.replace(v0=np.zeros(network.n))
    reference = golden.run(silent)
    assert not due_spikes(reference, silent.delay).any()
    recording = rtl.run(silent, 8)
    assert recording.cycles - CoreGeometry.of(silent, 8).words == CYCLES_PER_STEP + silent.drive.depth <= 24


@pytest.mark.parametrize("defect", ["rounding", "threshold", "tap", "leak", "delay"])
def test_a_wrong_golden_model_is_rejected(defect):
    """Negative control: `v > threshold` of integers is `v >= threshold + 1`."""
    network = small(ms=100.0)
    lif, lfsr = network.lif, network.lfsr
    wrong = network.replace(**{
        "rounding": {"lif": dataclasses.replace(lif, rounding=Rounding.FLOOR)},
        "threshold": {"lif": dataclasses.replace(lif, threshold=lif.threshold + 1)},
        "tap": {"lfsr": LfsrParams(lfsr.width, (64, 63, 61, 59), lfsr.leap)},
        "leak": {"lif": dataclasses.replace(lif, leak=lif.leak + 1)},
        "delay": {"delay": network.delay - 1}}[defect])
    recording = rtl.run(network, 8, trace=True)
    reference = dataclasses.replace(golden.run(wrong, trace=True), provenance=recording.provenance)
    check = compare("RTL = golden", "bit-true", reference, recording, SIGNALS)
    assert not check.ok and check.mismatches > 0
    assert check.first_divergence["signal"] in SIGNALS
    if defect == "tap":
        assert check.first_divergence["step"] == 1, "the first leap already differs"


def test_a_waveform_covers_the_window(tmp_path):
    rtl.waveform(small(), 8, 3, 5, tmp_path / "window.vcd")
    text = (tmp_path / "window.vcd").read_text()
    clock = next(line.split()[3] for line in text.splitlines() if line.lstrip().startswith("$var") and line.split()[4] == "clk")
    reference = golden.run(small())
    due = due_spikes(reference, small().delay)[3:6]
    expected = (13 * (1 + due) + CYCLES_PER_STEP + small().drive.depth).sum()
    assert expected <= text.count(f"\n1{clock}\n") <= expected + 4


@pytest.mark.parametrize("lanes", [0, 104])
def test_lanes_outside_the_network_are_refused(lanes):
    with pytest.raises(InputError, match=rf"Lanes must be in 1..N=103, not {lanes}"):
        rtl.run(small(), lanes)


def test_connectivity_beyond_the_limit_is_refused_at_once():
    with pytest.raises(InputError, match=r"Connectivity of N=16500 takes 272,250,000 bits as a bitmap, above the limit of 268,435,456"):
        CoreGeometry(16_500, 125, Q8_8)


@pytest.mark.long
def test_the_network_of_brunels_paper_is_bit_true():
    """12,500 neurons, 15.6 million synapses."""
    network = translate(preset("brunel2000"), ms=20.0)
    assert agree(network, rtl.run(network, trace=True)) > 10_000_000
