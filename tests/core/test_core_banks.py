"""The core whose lanes take several words of a row at once, against the golden model: every value, and the cycles."""

import dataclasses

import numpy as np
import pytest

from spikegate.cosim.engines import rtl, rtl_cocotb
from spikegate.cosim.results.compare import compare
from spikegate.gateware.core.core import CoreGeometry, Op
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.translator.brunel import preset, translate

SIGNALS = ("spike", "v", "hold", "overflow", "events")


def small(format=Q8_8, *, n=103, ms=20.0, **changes):
    """A network of ``n`` neurons that spikes."""
    return translate(preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "delay": 0.5, **changes}), format, ms=ms)


def judge(network, recording, banks):
    """Compare a traced recording with the golden model, and its cycles with the prediction."""
    reference = golden.run(network, trace=True)
    check = compare("RTL = golden", "bit-true", dataclasses.replace(reference, provenance=recording.provenance), recording, SIGNALS)
    assert check.compared >= 4 * network.n * network.steps and len(recording.spikes) > network.n // 2
    return check, recording.cycles - golden.predict_cycles(network, reference, recording.provenance["lanes"], banks=banks)


@pytest.mark.parametrize(("lanes", "banks", "network"), [
    (13, 4, small()),  # a row in two cycles
    (7, 8, small(Q16_12, n=112)),
    (6, 2, small(delay=0.1)),  # spikes of the step itself; 18 words
    (1, 4, small(n=100, delay=6.3)),
    (9, 4, small(weight_exc=9.0))], ids=("whole rows", "q16.12", "delay 1", "delay 63", "overflow"))
def test_banks_change_no_value(lanes, banks, network):
    check, off = judge(network, rtl.run(network, lanes, banks=banks, trace=True), banks)
    assert check.ok and off == 0, check


def test_random_stalls_and_enables_in_place_of_gated_clocks_change_no_value():
    network = small()
    g = CoreGeometry.of(network, 13, banks=4)
    recording = rtl_cocotb.execute(network, g, rtl.load_words(network, g), trace=True, stall=0.3, seed=3, clock_gate=False)
    check, off = judge(network, recording, 4)
    assert check.ok and off > 0, check


@pytest.mark.long
def test_the_whole_network_with_a_row_in_four_cycles_is_bit_true():
    network = translate(preset("ai"), ms=100.0)
    recording = rtl.run(network, 63, banks=4, trace=True)
    check, off = judge(network, recording, 4)
    assert check.ok and check.compared > 4_000_000 and off == 0
    assert recording.cycles / network.steps < 50


@pytest.mark.parametrize("bank", range(4))
def test_a_wrong_bit_of_a_row_is_noticed_in_every_bank(bank):
    network = small()
    g = CoreGeometry.of(network, 13, banks=4)
    words = rtl.load_words(network, g)
    rows = np.flatnonzero((words["op"] == Op.ROW.value) & (words["address"] % 4 == bank))
    words["data"][rows, 0] ^= np.uint64(1)
    check, _ = judge(network, rtl.execute(network, g, words, trace=True), 4)
    assert not check.ok


@pytest.mark.parametrize(("lanes", "options", "message"), [
    (13, dict(banks=3), "Banks must be 1, 2, 4, 8 or 16, divide the 8 words of a sweep and be less, not be 3"),
    (10, dict(banks=2), "divide the 11 words of a sweep and be less, not be 2; choose other banks or lanes"),
    (13, dict(banks=8), "be less, not be 8"),
    (4, dict(banks=2, store=16), "not a store or streams")])
def test_bad_banks_are_named(lanes, options, message):
    with pytest.raises(InputError, match=message):
        CoreGeometry.of(small(), lanes, **options)
