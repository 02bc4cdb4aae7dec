"""The comparison of all variants: its rows, what fails, what is skipped, the distance, and bad input."""

import contextlib
import dataclasses
import importlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from spikegate.models.network.recording import Recording
from spikegate.translator.variants import VARIANTS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
#: Engines that a test puts into the registry; a module of its own, since each runs in a process of its own.
WRONG = '''
from spikegate.translator import voltage
from spikegate.translator.voltage import Rule

def longer(network, **options):
    return voltage.run(network, "numba", Rule(refractory=21), **options)

def broken(network, **options):
    raise RuntimeError("as it was written")
'''


@pytest.fixture(scope="module", autouse=True)
def importable():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield


@pytest.fixture(scope="module")
def bench():
    return importlib.import_module("snn_comparison")


@pytest.fixture(scope="module")
def agreements():
    return importlib.import_module("agreements")


@contextlib.contextmanager
def registry(folder):
    """v18 has a refractory period that is a step too long; v77 lacks a package, v79 raises."""
    (folder / "wrong_variants.py").write_text(WRONG)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder))
        wrong = importlib.import_module("wrong_variants")
        patch.setitem(VARIANTS, "v18_numba", dataclasses.replace(VARIANTS["v18_numba"], run=wrong.longer))
        for number, name, engine, needs in ((77, "absent", wrong.longer, ("no_such_package",)), (79, "broken", wrong.broken, ())):
            v = dataclasses.replace(VARIANTS["v20_vectorized_numpy"], number=number, name=f"v{number}_{name}", run=engine, needs=needs)
            patch.setitem(VARIANTS, v.name, v)
        yield


@pytest.fixture(scope="module")
def run(bench, tmp_path_factory):
    """Exit code, what was printed, and the JSON."""
    path, printed = tmp_path_factory.mktemp("out") / "new" / "results.json", io.StringIO()
    chosen = ["v20", "v18_numba", "V2", "v77", "v79"]
    with contextlib.redirect_stdout(printed), registry(tmp_path_factory.mktemp("wrong")):
        code = bench.main(["--variants", *chosen, "--ms", "20", "--codegen", "numpy", "--markdown", "--json", str(path)])
    return code, printed.getvalue(), json.loads(path.read_text())


def rows(run):
    return {row["variant"]: row for row in run[2]["variants"]}


def test_the_json_has_the_network_a_row_each_and_where_it_came_from(run):
    found = run[2]
    assert list(rows(run)) == ["brian2", "v2_rate_matched", "v18_numba", "v20_vectorized_numpy", "v77_absent", "v79_broken"]
    network = found["network"]
    assert (network["preset"], network["n"], network["steps"], network["seed"], network["synapses"]) == ("ai", 1000, 200, 1, 100_000)
    assert len(network["hash"]) == 64 and network["external_events"] > 70_000
    assert {"python", "numpy", "brian2"} <= found["provenance"]["versions"].keys() and found["provenance"]["cores"] >= 1
    assert "date" not in json.dumps(found["provenance"]) and "--ms 20" in found["provenance"]["command"]
    keys = {"variant", "status", "agrees_with", "compared", "checks", "rate_hz", "cv_isi", "correlation", "distance", "wall_s", "peak_mib", "measure"}
    assert all(keys <= row.keys() for row in rows(run).values())


def test_a_wrong_variant_fails_with_the_first_difference_and_the_others_are_ok(run):
    found = rows(run)
    assert run[0] == 1
    assert [name for name, row in found.items() if row["status"] == "ok"] == ["brian2", "v2_rate_matched", "v20_vectorized_numpy"]
    wrong = found["v18_numba"]
    assert wrong["status"].startswith("fails: v1 (bit-true): ") and "first at step" in wrong["status"] and wrong["checks"][0]["mismatches"] > 0
    assert "as it was written" in found["v79_broken"]["status"] and found["v79_broken"]["wall_s"] is None


def test_what_was_compared_is_counted_and_no_rate_is_invented(run):
    found = rows(run)
    assert found["v20_vectorized_numpy"]["compared"] == found["v20_vectorized_numpy"]["spikes"] + 1000  # all membranes
    assert found["brian2"]["distance"] == 0.0 and found["brian2"]["compared"] == 0 and found["brian2"]["spikes"] > 300
    assert 0 < found["v20_vectorized_numpy"]["distance"] < run[2]["distance"]["chance"]
    v2 = found["v2_rate_matched"]
    assert v2["rate_hz"] is v2["cv_isi"] is v2["distance"] is None and v2["compared"] == v2["measure"]["items"] == 180_000
    assert v2["measure"]["rmse"] == pytest.approx(v2["measure"]["rmse_theory"], rel=0.05)
    for row in found.values():
        assert (row["wall_s"] is None) == (row["peak_mib"] is None) and (row["wall_s"] is None or row["peak_mib"] > 50)


def test_a_missing_package_is_a_row_that_says_so_and_no_failure(run, bench, monkeypatch, tmp_path):
    assert rows(run)["v77_absent"]["status"] == "skipped: no_such_package is not installed" and rows(run)["v77_absent"]["rate_hz"] is None
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "brian2" else there(name))
    path = tmp_path / "out.json"
    with registry(tmp_path):
        assert bench.main(["--variants", "v9", "v77", "--ms", "10", "--json", str(path)]) == 0
    status = {row["variant"]: row["status"] for row in json.loads(path.read_text())["variants"]}
    assert status == {"brian2": "skipped: brian2 is not installed", "v9_post_kick": "skipped: brian2 is not installed",
                      "v77_absent": "skipped: no_such_package is not installed"}


def test_the_markdown_table_has_a_row_of_as_many_cells_for_each_variant(run):
    lines = [line for line in run[1].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").replace("\\|", "/").split("|")] for line in lines]
    assert {len(line) for line in cells} == {12} and set(cells[1]) == {"---", "---:"} and [line[0] for line in cells[2:]] == list(rows(run))
    head = {name: place for place, name in enumerate(cells[0])}
    v2 = next(line for line in cells if line[0] == "v2_rate_matched")
    assert [v2[head[name]] for name in ("rate Hz", "CV ISI", "corr.", "distance", "compared")] == ["-"] * 4 + ["180,000"]


@pytest.mark.parametrize("argv, message", [
    (["--variants", "v1_stochastic_lf"], "did you mean v1_stochastic_lif"), (["--variants", "v99"], "'v99'"),
    (["--preset", "aj"], "not 'aj'; did you mean ai?"), (["--ms", "0"], "at least one and at most 2147483647, not 0.0 ms"),
    (["--ms", "0.05"], "whole number of steps"),
    (["--ms", "nan"], "finite number"), (["--seed", "-1"], "seed must be in 0..2^63-1"), (["--all", "--variants", "v1"], "not allowed with"),
    (["--json", "."], "--json must be a file, and . is a folder"), (["--json", __file__ + "/out.json"], "cannot be written"),
    (["--variant", "v1"], "unrecognized arguments: --variant"), (["--codegen", "c"], "invalid choice")])
def test_bad_input_is_one_line_and_exit_code_2_before_any_run(bench, agreements, argv, message, monkeypatch, capsys):
    monkeypatch.setattr(agreements, "measure", lambda job: pytest.fail(f"{job.name} ran"))
    assert bench.main(argv) == 2
    said = capsys.readouterr()
    assert message in said.err and said.err.startswith("snn_comparison: ") and said.err.count("\n") == 1 and not said.out


def trains(seed, n=20, steps=3000, rate=0.005):
    return Recording("any", n, steps, np.argwhere(np.random.default_rng(seed).random((steps, n)) < rate))


def test_the_distance_is_van_rossums(bench):
    """Against elephant, where one spike more or less adds 1 to D^2 instead of 1/2."""
    import neo
    import quantities as pq
    from elephant.spike_train_dissimilarity import van_rossum_distance
    a, b = trains(1), trains(2)
    made = lambda r: [neo.SpikeTrain(r.spikes[r.spikes[:, 1] == i, 0] * 0.1 * pq.ms, t_stop=300 * pq.ms) for i in range(r.n)]  # noqa: E731
    squares = sum(float(van_rossum_distance([x, y], 5 * pq.ms)[0, 1]) ** 2 for x, y in zip(made(a), made(b)))
    one = neo.SpikeTrain([100.0] * pq.ms, t_stop=300 * pq.ms)
    assert float(van_rossum_distance([one, neo.SpikeTrain([] * pq.ms, t_stop=300 * pq.ms)], 5 * pq.ms)[0, 1]) == pytest.approx(1)
    assert bench.distance(a, b, 100_000) == pytest.approx(squares / (len(a.spikes) + len(b.spikes)), rel=1e-9)
    assert bench.distance(a, a, 100_000) == 0.0 and bench.distance(Recording("", 5, 5, []), Recording("", 5, 5, []), 100_000) is None
    assert 0.8 < bench.distance(a, b, 100_000) < 1.2
    late = dataclasses.replace(a, spikes=a.spikes + [10, 0])
    assert bench.distance(a, late, 100_000) < 0.5 * bench.distance(a, b, 100_000)
    shifted = bench.handed_on(a, 15)
    assert np.array_equal(shifted.spikes[:, 0], a.spikes[:, 0]) and not np.array_equal(shifted.spikes, a.spikes)
    assert np.array_equal(np.sort(np.bincount(shifted.spikes[:, 1], minlength=20)[:15]), np.sort(np.bincount(a.spikes[:, 1], minlength=20)[:15]))


@pytest.mark.long
def test_all_of_them_agree_with_the_rtl_and_brian2(bench, tmp_path):
    path = tmp_path / "all.json"
    assert bench.main(["--all", "--ms", "100", "--codegen", "numpy", "--json", str(path)]) == 0
    found = json.loads(path.read_text())["variants"]
    assert len(found) == len(VARIANTS) + 1 and all(row["status"] == "ok" and (row["compared"] >= 1000 or row["variant"] == "brian2") for row in found)
