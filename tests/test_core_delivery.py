"""Delivery by targets and by counted bits: both are a sum, and the choice between them changes no network's spikes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.models import core, core_delivery
from spikegate.models.core_delivery import FEW, MIN_NEURONS, deliver, make_room, make_rows
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
