"""The core that delivers during its sweep, against the golden model: every value, and the cycles."""

import dataclasses

import numpy as np
import pytest

from spikegate.cosim.engines import netlist, rtl, rtl_cocotb
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.cosim.results.compare import compare
from spikegate.gateware.core.core import CoreGeometry, Op
from spikegate.host import Board
from spikegate.linked import Linked
from spikegate.models.core import engine as golden
from spikegate.models.core.overlap import turn_cycles
from spikegate.models.core.part import CoreSize
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_store import Store
from spikegate.models.core.schedules import Overlap
from spikegate.models.errors import InputError
from spikegate.models.link.payloads import OVERLAP_VERSION, batch
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.translator.brunel import preset, translate

SIGNALS = ("spike", "v", "hold", "overflow", "events")
STORE = dict(store=64, walk=True, overlap=True)


def small(format=Q8_8, *, n=103, ms=20.0, **changes):
    """A network of ``n`` neurons that spikes."""
    return translate(preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "delay": 0.5, **changes}), format, ms=ms)


def judge(network, recording, **options):
    """Compare a traced recording with the golden model, and its cycles with the prediction."""
    reference = golden.run(network, trace=True)
    check = compare("RTL = golden", "bit-true", dataclasses.replace(reference, provenance=recording.provenance), recording, SIGNALS)
    assert check.compared >= 4 * network.n * network.steps and len(recording.spikes) > network.n // 2
    return check, recording.cycles - golden.predict_cycles(network, reference, recording.provenance["lanes"], **options)


@pytest.mark.parametrize(("lanes", "options", "network"), [
    (13, dict(banks=4, walk=True), small(eta=9.0)),  # the walk goes round in both turns of its neighbours
    (13, dict(banks=4, walk=True), small(delay=0.2)),  # spikes of the sweep before, whose last are late
    (2, dict(store=64, walk=True), small(eta=9.0)),
    (2, dict(store=64, walk=True), small(delay=0.2)),
    pytest.param(7, dict(banks=8), small(Q16_12, n=112), marks=pytest.mark.long),
    pytest.param(6, dict(banks=2), small(weight_exc=9.0), marks=pytest.mark.long),
    pytest.param(1, dict(store=32), small(n=48, delay=6.3), marks=pytest.mark.long)],
    ids=("rows, walk", "rows, delay 2", "store, walk", "store, delay 2", "q16.12", "overflow", "delay 63"))
def test_deliveries_during_the_sweep_change_no_value(lanes, options, network):
    check, off = judge(network, rtl.run(network, lanes, overlap=True, trace=True, **options), overlap=True, **options)
    assert check.ok, check
    assert off == 0


@pytest.mark.parametrize(("lanes", "options"), [(13, dict(banks=4, walk=True, overlap=True)), (2, STORE)])
def test_random_stalls_change_no_value(lanes, options):
    network = small()
    g = CoreGeometry.of(network, lanes, **options)
    recording = rtl_cocotb.execute(network, g, rtl.load_words(network, g), trace=True, stall=0.3, seed=3, clock_gate=False)
    check, off = judge(network, recording, **options)
    assert check.ok and off > 0, check


@pytest.mark.parametrize(("lanes", "options"), [(13, dict(banks=4, walk=True, overlap=True)), (2, STORE)])
def test_runs_of_one_step_each_give_the_same_and_rest_between(lanes, options, monkeypatch):
    network = small(ms=5.0)
    monkeypatch.setattr(rtl, "BATCH", 1)
    check, off = judge(network, rtl.run(network, lanes, trace=True, **options), batch=1, **options)
    assert check.ok and off == 0, check
    _, off = judge(network, rtl.run(network, lanes, trace=True, **options), **options)
    assert off > 0  # control


@pytest.mark.parametrize(("lanes", "options", "op"), [(13, dict(banks=4, walk=True, overlap=True), Op.ROW), (2, STORE, Op.ROW)])
def test_a_wrong_bit_of_every_row_is_noticed(lanes, options, op):
    """Negative control."""
    network = small()
    g = CoreGeometry.of(network, lanes, **options)
    words = rtl.load_words(network, g)
    words["data"][np.flatnonzero(words["op"] == op.value), 0] ^= np.uint64(1)
    check, _ = judge(network, rtl.execute(network, g, words, trace=True), **options)
    assert not check.ok


@pytest.mark.long
@pytest.mark.parametrize(("lanes", "options", "most"), [(2, STORE, 545), (32, dict(banks=8, walk=True, overlap=True), 40)])
def test_the_whole_network_is_bit_true_and_faster(lanes, options, most):
    network = translate(preset("ai"), ms=100.0)
    recording = rtl.run(network, lanes, trace=True, **options)
    check, off = judge(network, recording, **options)
    assert check.ok and check.compared > 4_000_000 and off == 0
    assert recording.cycles / network.steps < most


@pytest.mark.long
def test_the_netlist_is_the_golden_model():
    network = small(ms=10.0)
    recording = netlist.run(network, 2, "ice40", trace=True, **STORE)
    check, off = judge(network, recording, **STORE)
    assert check.ok and off == 0, check


@pytest.mark.parametrize(("lanes", "options"), [(13, dict(banks=4, walk=True, overlap=True)), (2, STORE)])
def test_cycles_of_a_run_that_is_shorter_than_the_delay_are_those_of_its_sweeps(lanes, options):
    network = small(ms=1.0, delay=1.5)
    recording = golden.run(network)
    found = golden.predict_phases(network, recording, lanes, **options)
    assert found == golden.predict_phases(network, dataclasses.replace(recording, spikes=recording.spikes[:0]), lanes, **options)
    assert found["sweep of the neurons"] == 10 * -(-network.n // lanes) and recording.steps == 10


def test_cycles_of_turns_by_hand():
    """Two stages of the drive, four words a step, a delivery from move 3 on, 5 moves to rest."""
    def total(waits, delivery, turns=(4,), batch=9):
        return turn_cycles(np.array(waits), np.array(delivery), np.array(turns), 2, 3, 5, batch)
    none = [[0, 0, 0, 0]]
    assert total(none * 2, [[0], [0]]) == (8, 5, 0)  # a word a cycle; deliveries end where the sweep does
    assert total(none * 2, [[0], [1]])[0] == 9 and total(none * 2, [[4], [0]])[0] == 12
    assert total([[3, 0, 0, 0]], [[0]]) == (7, 5, 3)  # the word at the drive holds up the third one
    assert total([[0, 0, 3, 0]], [[0]]) == (4, 8, 0)  # that of the third is met when all words are on their way
    assert total([[0, 0, 3, 0]], [[4]]) == (8, 5, 0)  # or hides behind a delivery
    assert total([[0, 0, 0, 3]], [[3]]) == (7, 6, 0)  # two cycles of it; two are left
    assert total(none * 2, [[0], [0]], batch=1) == (8, 10, 0)
    assert total(none, [[0, 5]], (2, 2))[0] == 4 + 9


@pytest.mark.parametrize(("lanes", "options", "message"), [
    (13, dict(), "needs 2 banks or more, not 1"),
    (8, dict(store=64, n=400), "Overlap with a store needs 10 words between two that it writes, and has 2; use fewer lanes"),
    (2, dict(store=64, n=64), "more than 32 words a sweep, not 32")])
def test_what_cannot_overlap_is_named(lanes, options, message):
    options = dict(options)
    network = small(n=options.pop("n", 103), ms=1.0)
    with pytest.raises(InputError, match=message):
        CoreGeometry.of(network, lanes, overlap=True, **options)


def test_a_delay_of_one_step_is_refused_and_one_of_two_is_not():
    with pytest.raises(InputError, match="Delay must be at least 2 steps where sweep and delivery overlap, not 1; use a longer"):
        CoreGeometry.of(small(delay=0.1), 13, banks=4, overlap=True)
    assert CoreGeometry.of(small(delay=0.2), 13, banks=4, overlap=True).schedule == Overlap()


def test_turns_of_a_step():
    overlap = Overlap()
    assert overlap.turns(CoreSize(1000, 2, 16), Store(64)) == (256, 244) and Store(64).cut(CoreSize(1000, 2, 16)) == 8
    assert overlap.turns(CoreSize(1000, 32, 16), Bitmap(8)) == (32,)
    assert not overlap.problems(CoreSize(1000, 2, 16), Store(64)) and overlap.options == {"overlap": True}


@pytest.mark.long
@pytest.mark.parametrize(("lanes", "options"), [(13, dict(banks=4, walk=True, overlap=True)), (2, STORE)])
def test_behind_the_host_link_cycles_are_as_predicted_though_the_line_holds_the_core_up(lanes, options):
    """Every record of every step is sent, so that each word of each sweep waits for the line, and nothing else may go on meanwhile."""
    network = small(ms=5.0)
    with virtual_board(CoreGeometry.of(network, lanes, **options)) as path, Board(path) as board:
        assert board.identity.version == OVERLAP_VERSION == 4 and board.identity.overlap == 1
        recording = board.run(network, trace=True)
        with pytest.raises(InputError, match="Delay must be at least 2 steps where sweep and delivery overlap, not 1"):
            board.geometry(small(delay=0.1))
    reference = golden.run(network, trace=True)
    check = compare("RTL = golden", "bit-true", dataclasses.replace(reference, provenance=recording.provenance), recording, SIGNALS[:4])
    assert check.ok and check.compared > 3 * network.n * network.steps, check
    assert recording.cycles == golden.predict_cycles(network, reference, lanes, batch=batch(True, options.get("store")), **options)
    assert recording.cycles == sum(Linked(0).predicted_phases(network, recording).values())
