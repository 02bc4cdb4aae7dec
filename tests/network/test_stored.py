"""Synapses of a store: the same network as of lists, in every synapse, in its file and in its hash; and drawn as asked for."""

import numpy as np
import pytest

from spikegate.models.core import point_engine
from spikegate.models.errors import InputError
from spikegate.models.network.drawn import DELAYS, WEIGHTS, Drawn, draw_store, normal_values
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.shown import rows
from spikegate.translator.microcircuit import CURRENT, POPULATIONS, MicrocircuitParams, microcircuit

SMALL = microcircuit(MicrocircuitParams(scale=0.01, tables=True), 20.0)
LISTS = SMALL.replace(projections=SMALL.listed)


def test_a_store_and_lists_are_one_network(tmp_path):
    assert SMALL.hash == LISTS.hash == SMALL.save(tmp_path / "net") and PointNetwork.load(tmp_path / "net").hash == SMALL.hash
    assert SMALL.largest_input == LISTS.largest_input and SMALL.described() == LISTS.described()
    for stored, listed in zip(SMALL.projections, LISTS.projections):
        targets = SMALL.place(stored).targets
        assert (stored.title, stored.extremes, stored.longest, stored.count(targets)) == (
            listed.title, listed.extremes, listed.longest, listed.count(targets))
        assert np.array_equal(stored.reach(targets), listed.reach(targets))


def test_a_store_is_shown_without_being_written_out():
    stored = next(each for each in SMALL.projections if each.title == "L4I → L4E.i")
    low, high = stored.extremes
    assert rows(SMALL)[f"projection {stored.title}"] == (
        f"{stored.count(0):,} synapses of a store, weights {low}..{high} raw, delays up to {stored.longest} steps")
    assert "projection L5I → L23E.i" in rows(SMALL)  # it has none


def test_both_run_alike_also_in_ranges():
    plain = point_engine.run(LISTS)
    assert np.array_equal(point_engine.run(SMALL).spikes, plain.spikes) and len(plain.spikes) > 20
    bounds = np.array([0, 200, 304, SMALL.n])
    for network in (SMALL, LISTS):
        divided = network.synapses_in(bounds)
        assert divided is network.synapses_in(bounds) and set(divided.part) == {0, 1, 2} and len(divided.packed) == len(SMALL.synapses.packed)
        targets = divided.packed & ((1 << divided.bits) - 1)
        for k, part in enumerate(divided.part):
            for base, offsets in zip(divided.base[:50], divided.offsets[:50].astype(np.int64)):
                run = targets[base + offsets[k]:base + offsets[k + 1]]
                assert np.all((bounds[part] <= run) & (run < bounds[part + 1]))


def test_a_synapse_has_four_bytes():
    synapses = microcircuit(MicrocircuitParams(scale=0.05, tables=True), 1.0).synapses
    assert synapses.packed.itemsize == 4 and (synapses.packed.nbytes + synapses.offsets.nbytes + synapses.base.nbytes) / len(synapses.packed) < 5


def test_weights_delays_and_degrees_are_as_asked_for():
    network = microcircuit(MicrocircuitParams(scale=0.04, tables=True), 1.0)
    placed = {each.title: (each, network.place(each)) for each in network.projections}
    for pre, post, mean, delay in (("L4E", "L4E", 87.8, 1.5), ("L4I", "L4E", -351.2, 0.8), ("L4E", "L23E", 175.6, 1.5)):
        stored, place = placed[f"{pre} → {post}.i"]
        listed = stored.expand(place)
        weights = listed.weights / CURRENT.one * 0.2
        assert weights.mean() == pytest.approx(mean, rel=0.005) and weights.std() == pytest.approx(abs(mean) / 10, rel=0.03)
        assert (listed.delays / 10).mean() == pytest.approx(delay, rel=0.03) and listed.delays.min() == 1
        for counts in (np.diff(listed.indptr.astype(np.int64)), np.bincount(listed.indices, minlength=place.targets)):
            assert counts.var() == pytest.approx(counts.mean(), rel=0.2)  # binomial with a small probability: as Poisson
        assert abs(np.corrcoef(weights, listed.delays)[0, 1]) < 4 / np.sqrt(len(weights))
        assert abs(np.corrcoef(weights, listed.indices)[0, 1]) < 4 / np.sqrt(len(weights))
    assert [each.count(0) for each in network.projections if (each.target, each.source) == ("L23E", "L5I")] == [0]
    assert {each.title for each in network.projections} == {f"{pre} → {post}.i" for pre in POPULATIONS for post in POPULATIONS}


def test_a_seed_makes_a_store_and_another_another():
    again = microcircuit(MicrocircuitParams(scale=0.01, tables=True), 20.0)
    other = microcircuit(MicrocircuitParams(scale=0.01, tables=True, seed=2), 20.0)
    assert again.hash == SMALL.hash != other.hash
    assert not np.array_equal(other.synapses.packed[:1000], SMALL.synapses.packed[:1000])


def test_above_a_tenth_synapses_are_drawn_by_tables():
    assert MicrocircuitParams(scale=0.11).by_tables and not MicrocircuitParams(scale=0.1).by_tables
    assert MicrocircuitParams(scale=0.1, tables=True).by_tables


def drawn(weight=5, delay=3, count=10):
    return Drawn(count, np.full(WEIGHTS, weight, np.int32), np.full(DELAYS, delay, np.uint8))


@pytest.mark.parametrize("make, said", [
    (lambda: drawn(delay=0), "delays in 1..255 steps"), (lambda: Drawn(1, np.zeros(3, np.int32), np.ones(DELAYS, np.uint8)), "4096 weights"),
    (lambda: draw_store(["a"], [4], {("a", "a"): drawn(1 << 30)}, 1), "must fit in 30 bits beside 4 neurons"),
    (lambda: draw_store(["a"], [1], {("a", "a"): drawn(count=1 << 16)}, 1), "below 65536 synapses each, not 65536"),
    (lambda: SMALL.replace(populations=SMALL.populations[::-1], seeds=SMALL.seeds), "must be in a network of its store's populations")])
def test_what_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_progress_is_told_and_values_are_normal():
    told = []
    store = draw_store(["a", "b"], [4, 6], {("a", "b"): drawn(), ("b", "b"): drawn(-2, 1)}, 1, told.append)
    assert told == [0.5, 1.0] and [each.title for each in store.projections("v")] == ["a → b.v", "b → b.v"]
    assert store.extents["b", "b"].extremes == (-2, -2) and store.extents["a", "b"].longest == 3
    values = normal_values(1000, 5.0, 2.0)
    assert values.mean() == pytest.approx(5) and values.std() == pytest.approx(2, rel=0.01) and np.all(np.diff(values) > 0)
