"""Sweeps at the command line: every combination once, the same table whatever is killed on the way, here or on a cluster."""

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from command import run
from pyarrow import parquet

from spikegate import grid, sweep
from spikegate.cosim.results.statistics import summary
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brunel import preset, translate

BIN = Path(sys.executable).parent
SMALL = ["--set", "n_exc=40", "--set", "n_inh=10", "--set", "weight_exc=2"]


def table(folder):
    with open(folder / "sweep.csv") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("text, found", [
    ("5", ["5"]), ("4,5, 6", ["4", "5", "6"]), ("0.5:2:0.5", ["0.5", "1.0", "1.5", "2.0"]), ("1:3", ["1", "2", "3"]), ("3:1:-1", ["3", "2", "1"]),
    ("0:0.3:0.1", ["0", "0.1", "0.2", "0.3"]), ("0:1:0.3,7", ["0", "0.3", "0.6", "0.9", "7"]), ("q8.8,q16.12", ["q8.8", "q16.12"])])
def test_values_of_an_option(text, found):
    assert grid.values("--x", text) == found


@pytest.mark.parametrize("text, said", [
    ("1:3:0", "--x must be values with commas between them, or first:last:step with a step towards the last, not '1:3:0'"),
    ("1:3:-1", "not '1:3:-1'"), ("a:b", "not 'a:b'"), ("1:2:3:4", "not '1:2:3:4'"), ("1:nan", "not '1:nan'"),
    ("1,,2", "different values, none of them empty"), ("1,1", "different values"), ("0:1:1e-9", "are more than 100,000 values; take a larger step")])
def test_values_that_are_none(text, said):
    with pytest.raises(InputError, match="--x") as refused:
        grid.values("--x", text)
    assert said in str(refused.value)


def test_every_combination_is_a_row_with_the_results_of_its_own_network(tmp_path, capsys):
    code, out, err = run(capsys, "sweep", *SMALL, "--ms", "40", "--set", "g_inh=4,6", "--format", "q8.8,q10.10", "--seed", "1:2", "--workers", "1",
                         "--out", tmp_path)
    assert code == 0 and err[-1] == f"spikegate: table {tmp_path}/sweep.csv"  # three names: no picture
    rows = table(tmp_path)
    assert [(row["format"], row["seed"], row["g_inh"]) for row in rows] == [
        (q, seed, g) for q in ("q8.8", "q10.10") for seed in ("1", "2") for g in ("4", "6")]
    assert list(rows[0]) == ["format", "seed", "g_inh", "network", "spikes", "rate_hz", "cv_isi", "correlation", "saturated"]
    for row in rows[::3]:
        bp = preset("ai", n_exc=40, n_inh=10, weight_exc=2.0, g_inh=float(row["g_inh"]), seed=int(row["seed"]))
        network = translate(bp, QFormat.parse(row["format"]), name="ai, changed", ms=40.0)
        found = summary(golden.run(network), network.dt_ns)
        assert row["network"] == network.hash and int(row["spikes"]) == found["spikes"] > 10 and float(row["rate_hz"]) == found["rate_hz"]
    assert len({row["network"] for row in rows}) == 8 and " q10.10 " in out


def test_a_picture_of_one_or_two_parameters_and_the_rtl(tmp_path, capsys):
    code, _, err = run(capsys, "sweep", *SMALL, "--ms", "20", "--set", "eta=1,3", "--engine", "rtl", "--lanes", "10", "--workers", "1",
                       "--out", tmp_path)
    assert code == 0 and err[-1].endswith(f"picture {tmp_path}/sweep.png") and (tmp_path / "sweep.png").stat().st_size > 10_000
    assert int(table(tmp_path)[1]["spikes"]) > int(table(tmp_path)[0]["spikes"])


def test_the_table_as_parquet_has_the_same_values_with_their_types(tmp_path, capsys):
    rows = [{"g_inh": "4", "eta": "0.5", "format": "q8.8", "network": "0123", "spikes": 7, "rate_hz": 0.1 + 0.2, "cv_isi": None},
            {"g_inh": "5", "eta": "1", "format": "q8.8", "network": "12e4", "spikes": 0, "rate_hz": 1e-7, "cv_isi": 1.5}]
    sweep._write(sweep._csv(rows), tmp_path / "hand.parquet")
    typed = [{**row, "g_inh": int(row["g_inh"]), "eta": float(row["eta"])} for row in rows]
    assert parquet.read_table(tmp_path / "hand.parquet").to_pylist() == typed
    code, _, err = run(capsys, "sweep", *SMALL, "--ms", "20", "--set", "g_inh=4,6", "--workers", "1", "--out", tmp_path / "out",
                       "--table", tmp_path / "new" / "t.parquet")
    found = parquet.read_table(tmp_path / "new" / "t.parquet").to_pylist()
    assert code == 0 and f"table {tmp_path}/out/sweep.csv and {tmp_path}/new/t.parquet, picture" in err[-1]
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in found] == table(tmp_path / "out")
    assert all(row["spikes"] > 0 and isinstance(row["rate_hz"], float) for row in found)


def test_without_what_writes_parquet_the_extra_is_named_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, out, err = run(capsys, "sweep", *SMALL, "--ms", "10", "--out", tmp_path / "out", "--table", tmp_path / "t.parquet")
    assert code == 3 and out == "" and len(err) == 1 and "pyarrow" in err[0] and "[sweep]" in err[0] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("words, said", [
    (["--table", "t.xlsx"], "--table must end in .csv or .parquet, not be 't.xlsx'"),
    (["--set", "g=4,5"], "--set knows no parameter 'g'"), (["--format", "q8.8,zzz"], "zzz"),
    (["--set", "g_inh=4,x"], "--set g_inh must be a finite number, not 'x'"),
    (["--seed", "1,two"], "--seed must be a whole number, not 'two'"), (["--ms", "10,inf"], "--ms must be a finite number, not 'inf'"),
    (["--engine", "verilog"], "--engine must be one of rtl, golden, brian2_integer, brian2_float, brian2_realised, brian2_ordered, not 'verilog'"),
    (["--workers", "0"], "--workers must be in 1..1024, not 0"), (["--set", "g_inh"], "--set must be NAME=VALUES"),
    (["--set", "g_inh=1", "--set", "g_inh=2"], "each name once"),
    (["--seed", "1:400", "--set", "g_inh=1:400"], "The sweep has 160,000 points, above the limit of 100,000"),
    (["--scheduler", "tcp://127.0.0.1:9"], "--scheduler tcp://127.0.0.1:9 does not answer within")])
def test_what_cannot_be_swept_is_one_line_before_any_work(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sweep, "ANSWER_S", 1)
    code, out, err = run(capsys, "sweep", *SMALL, "--ms" if "--ms" not in words else "--preset", "10" if "--ms" not in words else "ai", *words,
                         "--out", tmp_path / "out")
    assert code == 2 and out == "" and said in err[-1] and len([line for line in err if "points" not in line or "limit" in line]) == 1
    assert "--workers" not in words or len(err) == 1
    assert not (tmp_path / "out" / "sweep.csv").exists()


def test_what_was_done_is_not_done_again_and_a_torn_line_is(tmp_path, monkeypatch):
    points = grid.points(options("--set", "g_inh=4,6,8"))[1]
    whole = sweep.sweep(points, tmp_path)
    lines = (tmp_path / "points.jsonl").read_text().splitlines()
    assert len(lines) == 3
    marked = json.loads(lines[0]) | {"spikes": 123456}
    (tmp_path / "points.jsonl").write_text("\n".join([json.dumps(marked), lines[1], lines[2][:40]]))
    told = []
    again = sweep.sweep(points, tmp_path, progress=lambda done, every: told.append((done, every)))
    assert told == [(2, 3), (3, 3)]
    of_first = next(k for k, point in enumerate(points) if point.key == marked["key"])
    assert again[of_first]["spikes"] == 123456 and [row for k, row in enumerate(again) if k != of_first] == [
        row for k, row in enumerate(whole) if k != of_first]


def test_a_result_is_kept_for_the_same_options_engine_and_lanes_alone():
    one = grid.Point((("ms", "20"), ("seed", "1")), "rtl", 4)
    other = [one._replace(**change) for change in (
        dict(options=(("ms", "20"), ("seed", "2"))), dict(engine="golden"), dict(lanes=5), dict(lanes=None), dict(trains=True))]
    assert len({one.key, *(each.key for each in other)}) == 6 and one.key == grid.Point(*one).key


@pytest.mark.parametrize("lanes, made", [(None, 1), (4, 4), (60, 50)])
def test_the_size_of_a_core_is_that_of_its_lanes_and_each_column_its_own(lanes, made, monkeypatch):
    seen, counts = [], {"LUT4": 5, "TRELLIS_FF": 6, "MULT18X18D": 7, "DP16KD": 8, "CCU2C": 9}
    monkeypatch.setattr("spikegate.cosim.toolchain.verilog.to_verilog", lambda core, *_, **how: seen.append(core.geometry) or "text")
    monkeypatch.setattr("spikegate.cosim.toolchain.synthesis.synthesise", lambda *given: seen.append(given) or SimpleNamespace(cells=counts))
    chosen = (("ms", "20"), ("format", "q8.6"), ("n_exc", "40"), ("n_inh", "10"), ("weight_exc", "2"), ("leak_fraction", "12"))
    found = grid.run_cells(grid.Point(chosen, grid.CELLS, lanes))
    assert found == {"luts": 5, "flip_flops": 6, "multipliers": 7, "block_rams": 8} and seen[1] == ("text", "core", "ecp5")
    assert (seen[0].lanes, seen[0].n, str(seen[0].format)) == (made, 50, "q8.6")


def options(*words):
    from spikegate.cli import _parser
    return _parser().parse_args(["sweep", *SMALL, "--ms", "20", *words])


def children(pid):
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if (entry / "stat").exists()
            and (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(pid)]


def workers_of(pid):
    found, new = [], [pid]
    while new:
        new = [child for parent in new for child in children(parent)]
        found += new
    return [child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.long
def test_a_worker_that_is_killed_loses_nothing(tmp_path):
    words = [BIN / "spikegate", "sweep", "--set", "n_exc=400", "--set", "n_inh=100", "--ms", "1000", "--set", "g_inh=3:8", "--set", "eta=0.75:2:0.25"]
    subprocess.run([*words, "--workers", "2", "--out", tmp_path / "whole"], check=True, capture_output=True)
    with subprocess.Popen([*words, "--workers", "2", "--out", tmp_path / "killed"], stderr=subprocess.PIPE, text=True) as process:
        while not ((done := tmp_path / "killed" / "points.jsonl").exists() and len(done.read_text().splitlines()) >= 12):
            time.sleep(0.05)
        os.kill(workers_of(process.pid)[0], signal.SIGKILL)
        assert process.wait(300) == 0
    assert (tmp_path / "killed" / "sweep.csv").read_bytes() == (tmp_path / "whole" / "sweep.csv").read_bytes()
    assert len(table(tmp_path / "whole")) == 36


@pytest.mark.long
def test_a_scheduler_in_another_process_gives_the_same_table(tmp_path):
    words = [BIN / "spikegate", "sweep", *SMALL, "--ms", "100", "--set", "g_inh=3:8", "--set", "eta=1,2"]
    subprocess.run([*words, "--workers", "2", "--out", tmp_path / "here"], check=True, capture_output=True)
    address = "tcp://127.0.0.1:18786"
    first = [BIN / "dask", "scheduler", "--host", "127.0.0.1", "--port", "18786", "--no-dashboard"]
    second = [BIN / "dask", "worker", address, "--nworkers", "2", "--nthreads", "1"]
    with subprocess.Popen(first, stderr=subprocess.DEVNULL) as scheduler, subprocess.Popen(second, cwd=tmp_path, stderr=subprocess.DEVNULL) as worker:
        try:
            subprocess.run([*words, "--scheduler", address, "--out", tmp_path / "there"], check=True, capture_output=True, timeout=200)
        finally:
            worker.terminate()
            scheduler.terminate()
    assert (tmp_path / "here" / "sweep.csv").read_bytes() == (tmp_path / "there" / "sweep.csv").read_bytes()


def kept(folder):
    return {json.loads(line)["key"] for line in (folder / "points.jsonl").read_text().splitlines()}


def test_a_point_that_fails_is_named_and_the_others_are_kept_or_not_waited_for(tmp_path, recwarn):
    good = grid.points(options("--set", "g_inh=4,6"))[1]
    bad = good[0]._replace(options=(*good[0].options[:-1], ("g_inh", "1e9")))
    with socket.socket() as taken, pytest.raises(SpikegateError, match="g_inh=1e9: "):
        with contextlib.suppress(OSError):  # that of Dask's page, in use here or elsewhere
            taken.bind(("", 8787))
            taken.listen()
        sweep.sweep([good[0], bad, good[1]], tmp_path)
    assert kept(tmp_path) == {point.key for point in good}
    assert not [each for each in recwarn if "8787" in str(each.message)]  # others may come from what tests before this one left
    many = [good[0]._replace(options=(*good[0].options[:-1], ("seed", str(seed)))) for seed in range(2, 60)]
    with pytest.raises(SpikegateError, match="g_inh=1e9: "):
        sweep.sweep([bad, *many], tmp_path, patient=False)
    assert len(kept(tmp_path)) < len(good) + 20


def test_without_dask_the_fix_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = run(capsys, "sweep", *SMALL, "--ms", "10", "--out", tmp_path)
    assert code == 3 and "install" in err[-1] and "[sweep]" in err[-1]
