"""Delivery by targets and by counted bits: both are a sum, and the choice between them changes no network's spikes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.models.core import engine as core
from spikegate.models.network import rows as core_delivery
from spikegate.models.network.rows import FEW, MIN_NEURONS, deliver, make_room, make_rows
from spikegate.translator import voltage
from spikegate.translator.brunel import preset, translate


def rows_of(dense):
    """Rows of a dense matrix, as bits too whatever their number, if asked."""
    n = len(dense)
    return make_rows(n, np.concatenate([[0], np.cumsum(dense.sum(axis=1))]), np.nonzero(dense)[1])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 2**31), st.sampled_from([1, 7, 64, 513, 1100]), st.sampled_from([1, 2, 3, 5, 8, 9, 64, 254, 255, 256, 600]), st.integers(1, 3),
       st.sampled_from([np.int32, np.int64, np.uint32]))
def sums(compared, seed, n, sources, kinds, dtype):
    rng = np.random.default_rng(seed)
    dense, weights = rng.random((n, n)) < 0.3, rng.integers(1, 1000, kinds)[np.sort(rng.integers(0, kinds, n))].astype(dtype)
    chosen, start = np.sort(rng.integers(0, n, sources)).astype(np.int32), rng.integers(0, 1000, n).astype(dtype)
    expected = start + (weights[chosen].astype(np.int64)[:, None] * dense[chosen]).sum(axis=0).astype(dtype)
    for least in (MIN_NEURONS, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(core_delivery, "MIN_NEURONS", least)
            rows, current = rows_of(dense), start.copy()
        deliver(current, weights, chosen, rows, make_room(rows))
        assert np.array_equal(current, expected)
        compared[len(rows.bits) > 0] += n


def test_both_ways_give_the_sum():
    compared = [0, 0]
    sums(compared)
    print(f"{compared[0]} sums of targets, {compared[1]} counted")
    assert min(compared) > 3000


def test_a_bit_that_is_missing_is_seen(monkeypatch):
    """Negative control: the counted rows are those that are used."""
    monkeypatch.setattr(core_delivery, "MIN_NEURONS", 0)
    dense, found = np.ones((70, 70), bool), []
    for wrong in (0, 1):
        rows, current = rows_of(dense), np.zeros(70, np.int32)
        rows.bits[3, 9] ^= wrong
        deliver(current, np.ones(70, np.int32), np.arange(FEW + 1, dtype=np.int32), rows, make_room(rows))
        found.append(current.tolist())
    assert found[0] == [FEW + 1] * 70 and found[1] == [FEW + 1] * 9 + [FEW] + [FEW + 1] * 60


def test_only_large_dense_networks_have_bits():
    assert len(translate(preset("ai"), ms=1.0).rows.bits) == 0
    large = translate(preset("ai", n_exc=4 * MIN_NEURONS // 5 + 1, n_inh=MIN_NEURONS // 5), ms=1.0)
    assert large.rows.bits.shape[0] == large.n + 1 and np.unpackbits(large.rows.bits).sum() == large.synapses
    sparse = large.replace(indptr=np.zeros(large.n + 1), indices=[])
    assert len(sparse.rows.bits) == 0


def test_engines_give_the_same_spikes_with_and_without_bits(monkeypatch):
    network = translate(preset("brunel2000", n_exc=1600, n_inh=400), ms=30.0)
    plain = [engine(network) for engine in (core.run, voltage.run)]
    monkeypatch.setattr(core_delivery, "MIN_NEURONS", 0)
    dense = network.replace()
    counted = [engine(dense) for engine in (core.run, voltage.run)]
    for a, b in zip(plain, counted):
        assert np.array_equal(a.spikes, b.spikes) and np.array_equal(a.final["v"], b.final["v"]) and len(a.spikes) > 1000
    assert len(dense.rows.bits) == 2001 and len(network.rows.bits) == 0


def small(monkeypatch, dense, least):
    monkeypatch.setattr(core_delivery, "MIN_NEURONS", least)
    return rows_of(dense)


@pytest.mark.parametrize("sources", [1, 2, 3, 4, 7, 8, 31, 255, 256, 300])
def test_so_many_sources_of_one_weight_and_then_others_are_a_sum(sources, monkeypatch):
    """By targets and by bits, n = 70: so many spikes of weight 5, two of weight -9 and three of weight 1000."""
    rng = np.random.default_rng(sources)
    dense, chosen = rng.random((70, 70)) < 0.6, np.concatenate([np.arange(sources) % 60, [60, 61, 65, 66, 67]]).astype(np.int32)
    weights = np.array([5] * 60 + [-9] * 5 + [1000] * 5, np.int64)
    expected = 7 + (weights[chosen][:, None] * dense[chosen]).sum(axis=0)
    for least in (1000, 0):
        rows, current = small(monkeypatch, dense, least), np.full(70, 7, np.int64)
        deliver(current, weights, chosen, rows, make_room(rows))
        assert current.tolist() == expected.tolist() and (len(rows.bits) > 0) == (least == 0)


def test_every_source_at_every_target_255_times(monkeypatch):
    rows, current = small(monkeypatch, np.ones((9, 9), bool), 0), np.zeros(9, np.int64)
    deliver(current, np.full(9, 3, np.int64), np.zeros(511, np.int32), rows, make_room(rows))
    assert current.tolist() == [3 * 511] * 9


def test_rows_by_hand(monkeypatch):
    """Two rows: target i is bit i // 64 of byte i % 64."""
    dense = np.zeros((130, 130), bool)
    dense[0, [0, 63, 64, 129]] = dense[129, 1] = True
    plain = rows_of(dense)
    assert plain.indptr.tolist() == [0] + [4] * 129 + [5] and plain.indices.tolist() == [0, 63, 64, 129, 1] and plain.indices.dtype == np.uint16
    assert plain.indptr.dtype == np.int64 and plain.bits.shape == (0, 64)
    monkeypatch.setattr(core_delivery, "MAX_SPARSENESS", 1 << 20)
    bits = small(monkeypatch, dense, 0).bits
    assert bits.shape == (131, 64) and bits.dtype == np.uint8 and bits.sum() == 1 + 1 + 2 + 4 + 1
    assert (bits[0, 0], bits[0, 63], bits[0, 1], bits[129, 1]) == (0b11, 0b1, 0b100, 0b1)
    assert make_rows(513, np.zeros(514), np.zeros(0)).bits.shape == (0, 64) and rows_of(np.ones((513, 513), bool)).bits.shape == (514, 128)


@pytest.mark.parametrize("n, count, dense", [(16, 16, True), (16, 15, False), (15, 225, False)])
def test_rows_have_bits_from_so_many_neurons_and_targets_on(n, count, dense, monkeypatch):
    monkeypatch.setattr(core_delivery, "MIN_NEURONS", 16)
    rows = make_rows(n, np.array([0] * n + [count]), np.zeros(count))
    assert (len(rows.bits) > 0) == dense


def test_large_networks_have_targets_of_32_bits():
    for n, dtype in ((1 << 16, np.uint16), ((1 << 16) + 1, np.uint32)):
        assert make_rows(n, np.zeros(n + 1), np.zeros(0)).indices.dtype == dtype


def test_room_for_the_digits_of_255(monkeypatch):
    digits, carry, counts = make_room(small(monkeypatch, np.ones((70, 70), bool), 0))
    assert (digits.shape, carry.shape, counts.shape) == ((9, 8), (8,), (64,)) and digits.dtype == carry.dtype == counts.dtype == np.uint64


def test_bits_are_made_from_4096_neurons_and_a_sixteenth_of_all_pairs_on(monkeypatch):
    shapes = [make_rows(n, np.zeros(n + 1), np.zeros(count)).bits.shape for n, count in ((4096, 1 << 20), (4096, (1 << 20) - 1), (4095, 1 << 20))]
    assert shapes == [(4097, 512), (0, 64), (0, 64)]
    monkeypatch.setattr(core_delivery, "MIN_NEURONS", 0)
    assert [make_rows(n, np.zeros(n + 1), np.zeros(n * n)).bits.shape[1] for n in (1, 500, 512, 513)] == [64, 64, 64, 128]


def test_weights_that_take_turns_are_not_counted_together(monkeypatch):
    dense, weights = np.ones((9, 9), bool), np.array([5, -9, 5, 5, 5, 70, -9, 5, 5], np.int64)
    rows, current = small(monkeypatch, dense, 0), np.zeros(9, np.int64)
    deliver(current, weights, np.arange(9, dtype=np.int32), rows, make_room(rows))
    assert current.tolist() == [weights.sum()] * 9


def test_targets_of_every_bit_of_a_byte_are_counted(monkeypatch):
    monkeypatch.setattr(core_delivery, "MAX_SPARSENESS", 1 << 20)
    dense, targets = np.zeros((512, 512), bool), np.arange(5, 512, 64)
    dense[:4, targets] = dense[1, 511] = True
    rows, current = small(monkeypatch, dense, 0), np.zeros(512, np.int64)
    deliver(current, np.full(512, 3, np.int64), np.arange(4, dtype=np.int32), rows, make_room(rows))
    assert current[targets].tolist() == [12] * 8 and current[511] == 3 and current.sum() == 99
