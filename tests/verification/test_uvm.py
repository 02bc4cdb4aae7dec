"""The core under pyuvm and under traffic: random networks and corners against the golden models, with coverage that has to close."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from amaranth.hdl import Module, Mux
from amaranth.lib import wiring

from spikegate.cosim.engines import rtl
from spikegate.gateware.core.core import Core
from spikegate.gateware.core.geometry import Op
from spikegate.models.core import engine, stream_engine
from spikegate.models.core.drives import Search, Walk
from spikegate.models.errors import InputError, Mismatch, SpikegateError
from spikegate.models.numeric.fixed import Overflow, Rounding
from verification.stimuli.networks import CORNERS, DEFECTS, GEOMETRIES, any_network, corner
from verification.stress.traffic import ROADS, traffic
from verification.uvm import campaign as campaigns
from verification.uvm import stream_bench
from verification.uvm.campaign import BENCHES, campaign
from verification.uvm.core import check
from verification.uvm.coverage import Coverage, Cross, Model, Point
from verification.uvm.items import ALL, Part, Scenario, scenarios
from verification.uvm.plan import CORE
from verification.uvm.reference import expect, sweep_bytes
from verification.uvm.stream_unit import STREAM

SIZE, KIND = Point("size", ("small", "large")), Point("kind", ("red", "green"))
SMALL = Model((SIZE, KIND), (Cross((SIZE, KIND), {"large green": "none is made"}),))


@pytest.mark.long
@pytest.mark.parametrize(("name", "least"), [("stochastic-wrap", 50_000), ("lfsr", 50_000)])
def test_corners_and_any_networks_agree(name, least):
    compared, coverage = check(name, count=54, seed=51)
    hit, declared = coverage.totals()
    print(f"{name}: {compared:,} values compared, {hit} of {declared} bins hit")
    assert compared > least and declared > 350
    seen = {group: {bin for (bin,) in coverage.hits[group]} for group in ("firing", "due", "refractory", "rail", "stall", "gap", "quiet")}
    assert seen == {point.name: set(point.bins) for point in CORE.points if point.name in seen}
    assert coverage.open(), "one geometry cannot close what needs all"


@pytest.mark.parametrize("defect", [name if name == "threshold" else pytest.param(name, marks=pytest.mark.long) for name in DEFECTS])
def test_a_wrong_prediction_is_rejected(defect):
    with pytest.raises(Mismatch, match=r"first divergence at item \d+ \(.*\): signal|first divergence at item .*, step \d+, neuron \d: signal"):
        check("stochastic-wrap", count=30, seed=52, defect=defect)


class Fickle(wiring.Component):
    """A core whose sweep words are others for as long as they are held up, and right when they pass."""

    def __init__(self, geometry):
        self.core = Core(geometry)
        super().__init__(self.core.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = engine = self.core
        wiring.connect(m, wiring.flipped(self.i), engine.i)
        m.d.comb += [self.o.valid.eq(engine.o.valid), engine.o.ready.eq(self.o.ready), self.busy.eq(engine.busy), self.cycles.eq(engine.cycles),
                     self.o.payload.as_value().eq(engine.o.payload.as_value() ^ Mux(self.o.ready, 0, engine.cycles))]
        return m


@pytest.mark.long
@pytest.mark.parametrize(("core", "found"), [
    (partial(Core, replace(GEOMETRIES["stochastic-wrap"], overflow=Overflow.SATURATE)), r"signal (v|spike), golden"),
    (partial(Core, replace(GEOMETRIES["stochastic-wrap"], rounding=Rounding.NEAREST)), r"signal (v|spike), golden"),
    (partial(Core, replace(GEOMETRIES["stochastic-wrap"], max_delay=16)), r"signal (v|spike|cycles), golden"),
    (partial(Fickle, GEOMETRIES["stochastic-wrap"]), "signal broken promises of the sweep stream, golden 0")],
    ids=["overflow", "rounding", "list", "stream"])
def test_wrong_hardware_is_rejected(core, found):
    with pytest.raises(Mismatch, match=found):
        check("stochastic-wrap", count=48, seed=66, make=core)


def test_a_scoreboard_that_compared_nothing_fails():
    with pytest.raises(SpikegateError, match="compared nothing"):
        check("stochastic-wrap", count=0, seed=53)


@pytest.mark.long
@pytest.mark.parametrize(("bench", "count", "least"), [("core", 100, 10_000), ("stream", 60, 1000)])
def test_all_geometries_agree_and_close_the_coverage(bench, count, least, tmp_path):
    made = campaign(bench, count=count, seed=54)
    made.write(tmp_path)
    report = json.loads((tmp_path / f"{bench}.json").read_text())
    print((tmp_path / f"{bench}.txt").read_text())
    assert set(made.compared) == set(BENCHES[bench][2]) and min(made.compared.values()) > least
    assert made.coverage.open() == [] and report["closed"] and report["hit"] == report["declared"] == made.coverage.totals()[1] > 80


@pytest.mark.parametrize("closed", [True, False])
def test_the_command_writes_both_reports_and_fails_on_an_open_bin(closed, tmp_path, monkeypatch, capsys):
    def made(bench, *, count, seed):
        coverage = Coverage(BENCHES[bench][1])
        for group in coverage.model.groups:
            coverage.hits[group.name].update(group.goals()[not closed:])
        return campaigns.Campaign(bench, {"one": 1234}, coverage)

    monkeypatch.setattr(campaigns, "campaign", made)
    monkeypatch.chdir(tmp_path)
    assert campaigns.main() == (not closed)
    assert [json.loads((tmp_path / f"build/uvm/{bench}.json").read_text())["closed"] for bench in BENCHES] == [closed] * 2
    assert "core: 1,234 values compared on 1 geometries" in (tmp_path / "build/uvm/core.txt").read_text()
    assert ("format: q8.8" in capsys.readouterr().out) == (not closed)


def test_targets_of_the_stream_unit_agree():
    compared, coverage = stream_bench.check("lfsr", count=20, seed=63)
    assert compared > 500
    seen = {group: {bin for (bin,) in coverage.hits[group]} for group in ("members", "odds", "sign", "total", "scale", "clock", "pace")}
    assert seen == {point.name: set(point.bins) for point in STREAM.points if point.name in seen}


@pytest.mark.parametrize("defect", ["sign", *(pytest.param(name, marks=pytest.mark.long) for name in ("scale", "late", "nothing"))])
def test_a_wrong_value_of_a_target_is_rejected(defect):
    if defect == "nothing":
        with pytest.raises(SpikegateError, match="compared nothing"):
            stream_bench.check("lfsr", count=0, seed=64)
    else:
        with pytest.raises(Mismatch, match=r"first divergence at item \d+, target \d+: signal value"):
            stream_bench.check("lfsr", count=6, seed=64, defect=defect)


def test_traffic_agrees():
    found = traffic(100_000, 55, ("stochastic-wrap", "sobol"))
    assert found.cycles >= 100_000 and found.networks > 5 and found.items > 4 * found.networks and found.spikes > 100


def test_traffic_notices_another_network():
    for defect in DEFECTS:
        with pytest.raises(Mismatch, match=r"Network \d+ on stochastic-wrap \(seed 56\) .* differ, first at step"):
            traffic(3_000_000, 56, ("stochastic-wrap",), defect=defect)


def test_traffic_that_compared_nothing_fails():
    with pytest.raises(SpikegateError, match="Traffic compared nothing: cycles must be at least 1, not 0"):
        traffic(0, 57, ("stochastic-wrap",))


@pytest.mark.parametrize(("name", "depth"), [
    ("sobol", 4), *(pytest.param(*made, marks=pytest.mark.long) for made in (("lfsr", 4), ("one", 4), ("one", 8)))])
def test_a_run_in_which_everything_happens_in_every_step_comes_to_rest(name, depth):
    """The native driver's bound on cycles holds where every neuron fires and every target is hit, and where the drive walks far."""
    g = replace(GEOMETRIES[name], depth=depth, drive=Walk() if depth > 4 else Search())
    network = corner(g, np.random.default_rng(65), "all", steps=40)
    network = network.replace(indptr=np.arange(g.n + 1) * g.n, indices=np.tile(np.arange(g.n), g.n), weights=np.zeros(g.n))
    recording = rtl.execute(network, g, rtl.load_words(network, g), trace=True)
    golden = stream_engine.run(network) if g.streams else engine.run(network)
    assert len(golden.spikes) == 40 * g.n and np.array_equal(golden.spikes, recording.spikes)


@pytest.mark.long
def test_ten_million_cycles_of_traffic_agree():
    found = traffic(10_000_000, 58)
    print(f"{found.cycles:,} cycles, {found.networks:,} networks, {found.spikes:,} spikes, {found.items:,} values compared in {found.seconds:.0f} s")
    assert found.cycles >= 10_000_000 and found.networks >= 10 * len(ROADS)


@pytest.mark.parametrize("name", ["floor-wrap", "sobol", "store"])
def test_the_reference_of_one_part_is_the_golden_run(name):
    g = GEOMETRIES[name]
    for item in scenarios(g, 59, 48):
        if len(item.parts) == 1:
            golden = stream_engine.run(item.network, faults=item.faults, trace=True) if g.streams else engine.run(item.network, trace=True)
            expected = expect(item, g)
            assert all(np.array_equal(golden.trace[key], expected.trace[key]) for key in golden.trace)
            assert np.array_equal(np.argwhere(expected.trace["spike"]), golden.spikes)
            assert np.array_equal(expected.words, sweep_bytes(expected.trace, g)) and len(expected.words) == item.steps * g.words


def test_the_reference_of_many_parts_is_that_of_their_sum():
    g, rng = GEOMETRIES["floor-wrap"], np.random.default_rng(60)
    for _ in range(10):
        network = any_network(g, rng, 30)
        one = expect(Scenario("one", (Part(network, (30,)),)), g)
        many = expect(Scenario("many", tuple(Part(network, runs, ops) for runs, ops in (
            ((4, 0, 3), ALL), ((9,), frozenset({Op.PARAM, Op.TABLE})), ((1, 13), frozenset())))), g)
        assert np.array_equal(one.words, many.words) and one.cycles == many.cycles
        again = expect(Scenario("again", (Part(network, (30,)), Part(network, (30,)))), g)
        assert np.array_equal(again.words, np.concatenate([one.words] * 2)) and again.cycles == 2 * one.cycles


@pytest.mark.parametrize("name", ["one", "wide-floor-wrap"])
def test_corners_are_what_they_say(name):
    g, rng = GEOMETRIES[name], np.random.default_rng(61)
    found = {key: engine.run(corner(g, rng, key, steps=9), trace=True) for key in CORNERS}
    assert len(found["all"].spikes) == 9 * g.n and len(found["one"].spikes) == 1 and len(found["silent"].spikes) == 0
    assert len(found["some"].spikes) == max(1, g.n - 1) and len(found["echo"].spikes) >= 2 * g.n
    assert all(found[key].final["overflow"].all() for key in ("top", "bottom"))


def test_coverage_is_closed_when_all_that_can_be_was_hit():
    coverage = Coverage(SMALL)
    coverage.sample({"size": "small"}, {"kind": "red"}, 3)
    assert coverage.totals() == (2, 7) and not coverage.closed
    other = Coverage(SMALL)
    other.sample({"size": "large", "kind": "red"})
    other.sample({"size": "small", "kind": "green"})
    coverage.merge(json.loads(json.dumps(other.as_hits())))
    assert coverage.closed and coverage.hits["size"][("small",)] == 4 and coverage.hits["size x kind"][("small", "red")] == 3
    report = coverage.as_dict()
    assert report["groups"][2]["excluded"] == {"large green": "none is made"} and len(report["groups"][2]["bins"]) == 3
    assert "  small green: 1" in coverage.lines() and "  large green: excluded, none is made" in coverage.lines()


@pytest.mark.parametrize("point", CORE.points, ids=lambda point: point.name)
def test_coverage_without_one_bin_is_open(point):
    coverage = Coverage(CORE)
    for group in CORE.groups:
        coverage.hits[group.name].update(group.goals())
    assert coverage.closed
    del coverage.hits[point.name][(point.bins[-1],)]
    assert coverage.open() == [f"{point.name}: {point.bins[-1]}"] and not coverage.as_dict()["closed"]


@pytest.mark.parametrize(("action", "message"), [
    (lambda: Coverage(SMALL).sample({"size": "huge"}), "Bin 'huge' of size was seen, but not declared"),
    (lambda: Coverage(SMALL).sample({"size": "large"}, {"kind": "green"}), "Combination large green of size x kind was seen, but is excluded: none"),
    (lambda: Model((SIZE, SIZE), ()), "Points and crosses must have names of their own"),
    (lambda: Model((Point("age", ("very old",)),), ()), "Bins must be single words, not \\['very old'\\]"),
    (lambda: Model((SIZE, KIND), (Cross((SIZE, KIND), {"large": "why"}),)), "Exclusion 'large' must name a bin or \\* for each point")])
def test_coverage_that_cannot_be_is_refused(action, message):
    with pytest.raises(InputError, match=message):
        action()


def test_every_geometry_takes_every_corner_and_any_network():
    for g in GEOMETRIES.values():
        rng = np.random.default_rng(62)
        for key in CORNERS:
            assert corner(g, rng, key, steps=1, delay=g.max_delay).n == g.n
        assert len({any_network(g, rng, 1).hash for _ in range(5)}) == 5
