"""Speed side by side: what is timed is the whole run of the engine that the row names, rows are of known times, and goals tell met from missed."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from spikegate.cosim.engines import rtl, rtl_cocotb, rtl_streams
from spikegate.cosim.isolation.worker import Result
from spikegate.models.core import engine
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("core_speed")


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=32, n_inh=8, weight_exc=2.0, delay=0.5), ms=20.0)


def test_the_golden_model_is_timed_over_all_steps(bench, network, monkeypatch):
    """On a clock that a step moves by a second."""
    clock = [0.0]

    def run(network):
        clock[0] += network.steps
        return engine.run(network)
    monkeypatch.setattr(bench, "Golden", lambda: SimpleNamespace(run=run))
    monkeypatch.setattr(bench, "time", SimpleNamespace(perf_counter=lambda: clock[0], process_time=lambda: clock[0]))
    found = bench.bench_golden(network)
    assert (found.provenance["run_s"], found.provenance["cpu_s"], found.provenance["prepare_s"]) == (network.steps, network.steps, 1)
    assert found.engine == "golden" and np.array_equal(found.spikes, engine.run(network).spikes) and network.steps == 200


def test_rows_of_the_rtl_are_runs_of_the_rtl_with_its_own_times(bench, network, monkeypatch):
    """With streams and without; and the bare model is clocked as many cycles as the core counts."""
    found = bench.bench_native(network, 1)
    assert found.engine == "rtl" and found.provenance["driver"] == "native" and found.cycles == engine.predict_cycles(network, engine.run(network), 1)
    assert found.provenance["prepare_s"] == sum(found.provenance[name] for name in ("generate_s", "compile_s", "load_s"))
    bare = bench.bench_bare(network, 1)
    assert (bare.steps, bare.cycles) == (network.steps, found.cycles)
    asked, said = [], {"run_s": 3.0, "cpu_s": 2.0, "generate_s": 1.0, "compile_s": 10.0, "load_s": 100.0}
    for module in (rtl, rtl_streams, rtl_cocotb):
        monkeypatch.setattr(module, "run", lambda net, lanes, module=module, **_: asked.append((module.__name__.rpartition(".")[2], net, lanes))
                            or Recording("fake", net.n, net.steps, [], provenance=dict(said)))
    streams = hybrid(network, "v4")
    runs = [bench.bench_native(network, 3), bench.bench_native(streams, 2), bench.bench_cocotb(network, 1)]
    assert asked == [("rtl", network, 3), ("rtl_streams", streams, 2), ("rtl_cocotb", network, 1)]
    assert [(run.provenance["run_s"], run.provenance["prepare_s"]) for run in runs] == [(3.0, 111.0), (3.0, 111.0), (3.0, 11.0)]


def test_every_row_is_its_engine(bench):
    assert {name: run.__name__ for name, run in bench.ENGINES.items()} == {
        "golden": "bench_golden", "rtl native": "bench_native", "rtl unrolled": "bench_unrolled", "rtl bare": "bench_bare",
        "rtl cocotb": "bench_cocotb",
        "brian2 integer": "bench_brian_integer", "brian2 cython": "bench_brian_float", "brian2 standalone": "bench_brian_standalone",
        "nest 1 thread": "bench_nest"}
    assert bench.STREAM_ENGINES == {"golden": bench.bench_golden, "rtl native": bench.bench_native}


def result(run_s, cpu_s, prepare_s, mib):
    spikes = np.array([[0, 1], [3, 2]])
    return Result(Recording("any", 5, 10, spikes, cycles=77, provenance={"run_s": run_s, "cpu_s": cpu_s, "prepare_s": prepare_s}), 9.0, mib)


def test_a_row_has_medians_of_known_times(bench):
    found = bench.row([result(5.0, 4.0, 30.0, 100.0), result(1.0, 0.5, 20.0, 300.0), result(2.0, 1.5, 25.0, 200.0)])
    assert found == {"run_s": 2.0, "run_s_all": [5.0, 1.0, 2.0], "cpu_s": 1.5, "cpu_s_all": [4.0, 0.5, 1.5], "prepare_first_s": 30.0,
                     "prepare_s": 20.0, "peak_mib": 300.0, "spikes": 2, "cycles": 77}
    assert bench.row([result(5.0, None, 1.0, 1.0)])["cpu_s"] is None


def test_a_goal_is_met_by_a_faster_engine_and_missed_by_a_slower_one(bench):
    names = {name for goal in bench.GOALS for name in goal[:2]}
    for slower, faster, least in bench.GOALS:
        for factor, met in ((1.01, True), (0.99, False)):
            rows = {name: {"cpu_s": 1.0, "run_s": 1.0} for name in names}
            rows[slower] = {"cpu_s": factor * least, "run_s": 50.0}
            goal = next(goal for goal in bench.goals(rows) if goal["ratio"] == f"{slower} / {faster}")
            assert goal["met"] is met and goal["measured"] == pytest.approx(factor * least) and goal["goal"] == least
    rows = {name: {"cpu_s": 1.0, "run_s": 2.0} for name in names} | {"rtl cocotb": {"cpu_s": None, "run_s": 4.0}}
    assert next(goal for goal in bench.goals(rows) if goal["ratio"] == "rtl unrolled / rtl cocotb")["measured"] == 0.5
    asked = {(slower, faster): least for slower, faster, least in bench.GOALS}
    assert asked["nest 1 thread", "rtl native"] == 4.0 and asked["rtl unrolled", "rtl native"] == asked["brian2 cython", "golden"] == 3.0
    assert asked["brian2 standalone", "rtl native"] == 1.0
    assert all(asked[f"{variant} rtl native", f"{variant} golden"] == 10.0 for variant in ("v4", "v13", "v14"))


def test_of_several_placements_the_fastest_is_shown(monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        sizes = importlib.import_module("leaf_sizes")
    cells = {"luts": 1, "carries": 2, "multipliers": 3, "flip_flops": 4, "fmax_mhz": [90.4, 120.6, 80.0]}
    shown = sizes.table({"leaves": {"a leaf": {"ice40": cells, "ecp5": {**cells, "luts": 5, "fmax_mhz": [200.2, 100.0]}}}})
    assert shown.splitlines()[-1] == "| a leaf | 1 | 2 | 4 | 121 | 5 | 2 | 3 | 4 | 200 |"
