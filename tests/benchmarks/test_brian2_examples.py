"""The table of Brian2's own examples on the page is the data, and what it says of a script is what became of it."""

import importlib
import json
from pathlib import Path

import pytest

from spikegate.cosim.results.compare import Check
from spikegate.models.network.engine import Agreement

ROOT = Path(__file__).parents[2]
PAGE, DATA = ROOT / "docs" / "brian2.md", ROOT / "docs" / "brian2_examples.json"


@pytest.fixture(scope="module")
def examples():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("brian2_examples")


@pytest.fixture
def rows():
    return json.loads(DATA.read_text())


def test_the_page_is_the_data(examples, rows):
    page = PAGE.read_text()
    assert examples.into(page, rows) == page
    rows[3] = {**rows[3], "status": "runs", "neurons": 5, "steps": 1, "agreement": "spike-exact"}
    assert examples.into(page, rows) != page


def test_every_example_has_one_row_at_most_and_none_fails(rows):
    assert 70 <= len(rows) == len({row["script"] for row in rows}) <= 100
    count = [row["status"] for row in rows]
    assert count.count("runs") >= 20 and "fails" not in count and set(count) <= {"runs", "refused", "none"}
    for row in rows:
        if row["status"] == "runs":
            assert row["neurons"] and row["steps"] and row["agreement"] in ("spike-exact", "statistical")
            assert "FAILED" not in row.get("verdict", "") and (not row.get("held") or row["held"]["values"] > 0)
        else:
            assert row["why"] and all(len(why) < 150 and "=" not in why for why in row["why"])  # a reason, and no words of the script


@pytest.mark.parametrize("line, why", [
    ("NeuronGroup 'cells': 'dv/dt = v**3 / (10*ms*mV**2) : V' is not linear in v; a membrane such as dv/dt = (a - v)/tau would run",
     "is not linear in a variable"),
    ("SpatialNeuron 'neuron': is nothing that hardware has; a NeuronGroup of point neurons would run", "SpatialNeuron is nothing that hardware has"),
    ("Network: has several clocks: 0.1 ms (a_stateupdater), 10 ms (b); one dt for all would run", "has several clocks"),
    ("ModuleNotFoundError: No module named 'sbi'", "No module named 'sbi'"), ("runs no network", "runs no network")])
def test_a_reason_has_no_words_of_the_script(examples, line, why):
    assert examples.reason(line) == why


def test_what_the_processes_of_a_script_say_is_one_row(examples):
    ran = {"status": "runs", "neurons": 3}
    assert examples.outcome([ran, {"status": "runs", "neurons": 9}, {"status": "ends"}]) == ran
    assert examples.outcome([ran, {"status": "none", "why": ["x; y"]}]) == {**ran, "later": ["x; y"]}
    assert examples.outcome([ran, {"status": "refused", "why": ["x; y"]}]) == {"status": "refused", "why": ["x; y"]}
    assert examples.outcome([{"status": "ends"}])["status"] == "none" and examples.outcome([])["status"] == "fails"


def test_a_table_that_was_not_finished_goes_on(examples, tmp_path, monkeypatch, capsys):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.py").touch()
    data, page, ran = tmp_path / "data.json", tmp_path / "page.md", []
    page.write_text(f"before\n{examples.MARKS[0]}\nprevious\n{examples.MARKS[1]}\nafter\n")

    def one(script, engine, limit, most):
        ran.append(script.stem)
        row = {"script": script.name, "seconds": 1.0}
        if script.stem == "b":
            return {**row, "status": "refused", "why": ["NeuronGroup 'g': 'dv/dt = v**3' is not linear in v; one would run"]}
        return {**row, "status": "runs", "neurons": 2, "steps": 10, "spikes": 4, "agreement": "spike-exact", "warnings": ["w"]}

    check = Check("m: arithmetic: every spike", Agreement.SPIKE_EXACT, 4, 0, None, True, "4 spikes are equal", 4, 4, 0)
    monkeypatch.setattr(examples, "one", one)
    monkeypatch.setattr(examples, "beside", lambda *args, **options: examples.Beside([check], False, [], {"spikes": 4, "values": 80}))
    words = ["examples", str(tmp_path), "--json", str(data), "--page", str(page)]
    monkeypatch.setattr("sys.argv", [*words, "--only", "a.py", "b.py"])
    examples.main()
    monkeypatch.setattr("sys.argv", [*words, "--beside"])
    examples.main()
    assert ran == ["a", "b", "c"] and capsys.readouterr().out.endswith("2 runs, 1 refused\n")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "previous" not in text
    assert text == examples.into(text, json.loads(data.read_text()))
    assert "| `a` | **runs**: 2 neurons, 10 steps, spike-exact | 4 spikes, 80 values | judged: m 1 (4 compared), 0 failed, 0 warned: ok |" in text
    assert "| `b` | refused: is not linear in a variable | | |" in text and "equal to the golden model in all 8 spikes and 160 values" in text
