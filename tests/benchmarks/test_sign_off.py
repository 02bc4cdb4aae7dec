"""The sheet and the history are their data; figures are those of the files that the project keeps."""

import json
from types import SimpleNamespace

import core_speed
import pytest
import sign_off

ROOT = sign_off.ROOT
HISTORY = json.loads((ROOT / "docs" / "history.json").read_text())


def test_the_page_is_its_data_and_another_figure_is_seen():
    shown = (ROOT / "docs" / "sign_off.md").read_text()
    assert shown == sign_off.page(HISTORY), "docs/sign_off.md is stale; run: python benchmarks/sign_off.py --page"
    changed = json.loads(json.dumps(HISTORY))
    changed[-1]["items"]["claims"]["figures"]["claims"] += 1
    assert shown != sign_off.page(changed)


def test_figures_are_those_that_are_kept():
    found = sign_off.collected()
    mutants = json.loads((ROOT / "docs" / "mutants.json").read_text())
    assert found["mutants of the gateware"]["figures"]["killed"] == sum(each["killed"] for each in mutants.values())
    assert found["tests"]["figures"]["test functions"] > 700 and found["claims"]["figures"]["claims"] > 400
    assert found["boards"]["figures"]["icebreaker, 1,000 neurons, 2 lanes, q8.8: cells"] > 1000 and found["traffic"]["figures"]["differences"] == 0
    assert found["mutants of the golden models"]["figures"]["unresolved"] == 0 and found["conformance kit"]["figures"]["networks"] > 30
    for item in found.values():
        assert item["figures"] and item["command"] and len(item["date"]) == 10


def test_a_release_is_added_once_and_an_older_one_comes_before(tmp_path):
    run = lambda *words: sign_off.main(["--out", str(tmp_path), *words])  # noqa: E731
    assert run("--release", "2", "--date", "2026-02-02") == run("--release", "2", "--date", "2026-02-03") == 0
    assert run("--release", "1", "--date", "2026-01-01") == run("--page") == 0
    made = json.loads((tmp_path / "history.json").read_text())
    assert [(each["release"], each["date"]) for each in made] == [("1", "2026-01-01"), ("2", "2026-02-03")]
    shown = (tmp_path / "sign_off.md").read_text()
    assert shown == sign_off.page(made) and "## Release 2" in shown and "| item | figure | 1 | 2 |" in shown


def test_what_was_not_measured_is_said(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9"\n')
    assert sign_off.main(["--out", str(tmp_path), "--root", str(tmp_path)]) == 0
    assert "| claims | not measured for this release | `make verify` | – |" in (tmp_path / "sign_off.md").read_text()


@pytest.mark.parametrize(("words", "said"), [
    (["--page"], "--page needs figures"), (["--root", "/proc/none"], "--root /proc/none is no checkout"), (["--out", "/proc/none"], "sign-off: ")])
def test_bad_input_is_named(words, said, tmp_path, capsys):
    assert sign_off.main(["--out", str(tmp_path), *words]) == 2 and said in capsys.readouterr().err


def test_a_history_that_is_none_is_refused(tmp_path, capsys):
    (tmp_path / "history.json").write_text('[{"release": 1}]')
    assert sign_off.main(["--out", str(tmp_path)]) == 2 and "has a history.json that is none" in capsys.readouterr().err


def test_speeds_are_those_that_the_benchmark_of_speed_writes(tmp_path):
    said = SimpleNamespace(recording=SimpleNamespace(provenance={"run_s": 2.0, "cpu_s": 1.5, "prepare_s": 3.0}, spikes=[1], cycles=7), peak_mib=9.0)
    slow = SimpleNamespace(recording=SimpleNamespace(provenance={"run_s": 4.0, "cpu_s": None, "prepare_s": 3.0}, spikes=[1], cycles=7), peak_mib=9.0)
    (tmp_path / "speed.json").write_text(json.dumps({"engines": {"golden": core_speed.row([said]), "rtl cocotb": core_speed.row([slow])}}))
    assert sign_off.ITEMS["speed"].read(tmp_path / "speed.json") == {"golden, processor s": 1.5, "rtl cocotb, wall s": 4.0}
