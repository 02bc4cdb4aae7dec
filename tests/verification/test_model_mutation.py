"""Mutation testing of the golden models: what is a mutant, a small model whole, and guards and lists that are wrong are found out."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter

import pytest

from verification.models import child
from verification.models.assess import REVIEWED, interval, reviewed, sampled
from verification.models.child import ROOT, dependents, in_child, module_of
from verification.models.guards import GUARDS
from verification.models.mutants import function_code, mutants

SOURCE = '''
"""Docs with 7."""
from dataclasses import dataclass
__all__ = ["f", "Point"]
LIMIT = 3


@dataclass(frozen=True)
class Point:
    """Docs."""

    x: int = 5

    @property
    def far(self) -> bool:
        if self.x < LIMIT and not self.x == 2:
            raise ValueError(f"x {self.x + 1} " + "below")
        return self.x > 0


def f(values: list[int], scale=1):
    """Docs."""
    total = 0
    for value in values:
        total += value << scale
        values[0] = total
    return [total for value in values if value]
'''
EXPECTED = '''
module: LIMIT = 3 -> LIMIT = 4
module: LIMIT = 3 -> LIMIT = 2
module: dataclass(frozen=True) -> dataclass(frozen=False)
module: x: int = 5 -> x: int = 6
module: x: int = 5 -> x: int = 4
Point.far: self.x < LIMIT and (not self.x == 2) -> not (self.x < LIMIT and (not self.x == 2))
Point.far: self.x < LIMIT and (not self.x == 2) -> self.x < LIMIT or not self.x == 2
Point.far: self.x < LIMIT -> self.x <= LIMIT
Point.far: not self.x == 2 -> self.x == 2
Point.far: self.x == 2 -> self.x != 2
Point.far: self.x == 2 -> self.x == 3
Point.far: self.x == 2 -> self.x == 1
Point.far: raise ValueError(f'x {self.x + 1} ' + 'below') -> pass
Point.far: return self.x > 0 -> return False
Point.far: self.x > 0 -> self.x >= 0
Point.far: self.x > 0 -> self.x > 1
Point.far: self.x > 0 -> self.x > -1
module: scale=1 -> scale=2
module: scale=1 -> scale=0
f: total = 0 -> total = 1
f: total = 0 -> total = -1
f: total += value << scale -> pass
f: total += value << scale -> total -= value << scale
f: value << scale -> value >> scale
f: values[0] = total -> pass
f: values[0] -> values[1]
f: values[0] -> values[-1]
f: return [total for value in values if value] -> return None
f: value -> not value
'''.strip().splitlines()


def made(tmp_path):
    (tmp_path / "made.py").write_text(SOURCE)
    return mutants(tmp_path / "made.py")


def run(*arguments):
    """Exit code and output of the program, in a process of its own: it takes Numba's place away."""
    done = subprocess.run([sys.executable, "-m", "verification.models.assess", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr[-2000:]


def test_mutants_are_those_of_the_source_and_no_others(tmp_path):
    found = made(tmp_path)
    assert Counter(mutant.name for mutant in found) == Counter(EXPECTED)


def test_each_mutant_has_its_defect_and_no_other(tmp_path):
    for mutant in made(tmp_path):
        space = {"__name__": "made"}
        exec(mutant.code, space)
        differs = (space["LIMIT"], space["Point"]().x) != (3, 5) or str(mutant.function) == "f"
        assert differs == (mutant.name in EXPECTED[:2] + EXPECTED[3:5] + EXPECTED[19:]), mutant.name
        if mutant.function:
            assert function_code(mutant.code, mutant.function, mutant.line).co_qualname == mutant.function


@pytest.mark.parametrize("model", ["models/errors"])
def test_every_mutant_of_a_small_model_is_killed_or_equivalent(model, tmp_path):
    code, text = run(model, "--json", tmp_path / "found.json")
    found, = json.loads((tmp_path / "found.json").read_text())
    print(text)
    assert code == 0 and found["enumerated"] == found["killed"] + found["equivalent"] >= 10 and found["unresolved"] == found["wrong"] == []


def test_a_weak_guard_leaves_mutants_alive_and_a_list_that_is_wrong_is_an_error(tmp_path):
    test = "from spikegate.models.errors import InputError\n\n\ndef test_code():\n    assert InputError.exit_code == 2\n"
    (tmp_path / "test_weak.py").write_text(test)
    killed, gone = "exit_code = 2 -> exit_code = 3", "exit_code = 2 -> exit_code = 4"
    entries = [("module", killed), ("module", gone), ("Problems.require", "not ok -> ok")]
    module = 'module = "models/errors"'
    (tmp_path / "list.toml").write_text("".join(f'[[equivalent]]\n{module}\nfunction = "{function}"\nmutants = ["{text}"]\nreason = "none"\n'
                                                for function, text in entries))
    code, text = run("models/errors", "--tests", tmp_path / "test_weak.py", "--equivalent", tmp_path / "list.toml", "--json", tmp_path / "found.json")
    found, = json.loads((tmp_path / "found.json").read_text())
    assert code == 1 and found["equivalent"] == 1 and "unresolved: models/errors Problems.raise_any" in text
    assert found["wrong"] == [f"module: {killed}: killed", f"module: {gone}: no such mutant"]


def test_a_sample_judges_as_many_as_asked_and_says_what_share_of_all_is_killed(tmp_path):
    test = "from spikegate.models.errors import InputError\n\n\ndef test_code():\n    assert InputError.exit_code == 2\n"
    (tmp_path / "test_weak.py").write_text(test)
    code, text = run("models/errors", "--sample", 5, "--seed", 3, "--tests", tmp_path / "test_weak.py", "--json", tmp_path / "found.json")
    alive = [line for line in text.splitlines() if line.startswith("unresolved: models/errors")]
    assert code == 1 and f"5 mutants of 1 files: {5 - len(alive)} killed, 0 reviewed as equivalent, {len(alive)} unresolved" in text and alive
    assert not (tmp_path / "found.json").exists()
    low, high = interval(90, 100)  # by hand: (90 + 1.92) / 103.84 -+ 1.96 * sqrt(9 + 0.96) / 103.84
    assert abs(low - 0.8256) < 1e-3 and abs(high - 0.9448) < 1e-3
    assert len(sampled(["models/errors"], 10**6, 1)["models/errors"]) == len(list(mutants(ROOT / "models/errors.py")))


def test_a_guard_of_which_no_test_passes_is_refused(tmp_path):
    (tmp_path / "test_none.py").write_text("def test_nothing():\n    assert False\n")
    code, text = run("models/errors", "--tests", tmp_path / "test_none.py", "--json", tmp_path / "found.json")
    assert code == 1 and "No test of test_none.py passes with errors.py itself" in text


def test_every_model_has_a_guard_and_every_entry_of_the_list_a_mutant_and_a_reason():
    models = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "models").rglob("*.py") if path.stem != "__init__"}
    assert {name for name in GUARDS if name.startswith("models/")} == models
    assert all((ROOT / "tests" / f"{name}.py").is_file() for names in GUARDS.values() for name in names)
    names = {name: [mutant.name for mutant in mutants(ROOT / f"{name}.py")] for name in GUARDS}
    assert all(len(set(found)) == len(found) > 0 for found in names.values())
    assert [entry for entry in reviewed(REVIEWED) if entry[1] not in names[entry[0]]] == []
    assert all(len(entry["reason"]) > 20 for entry in tomllib.loads(REVIEWED.read_text())["equivalent"])


def test_the_rows_of_what_users_walk_add_up_and_no_file_is_below_95_percent():
    page = (ROOT / "docs" / "verification.md").read_text()
    rows = re.findall(r"^\| ((?:src|cosim|translator)/[\w/]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", page, re.MULTILINE)
    listed = Counter(name for name, _ in reviewed(REVIEWED))
    assert len(rows) >= 10
    for name, *cells in rows:
        enumerated, killed, equivalent, unresolved = (int(cell.replace(",", "")) for cell in cells)
        assert enumerated == killed + equivalent + unresolved and killed + equivalent >= 0.95 * enumerated > 0, name
        assert equivalent == listed[name] and (ROOT / f"{name}.py").is_file(), name


def test_what_imports_a_file_is_known_and_where_it_is_imported():
    names = lambda name: {module_of(path) for path in dependents(ROOT / name)}  # noqa: E731
    voltage = names("translator/voltage.py")
    assert {"spikegate.translator.voltage", "spikegate.translator.stdp", "spikegate.translator.variants"} < voltage
    assert "spikegate.models.core.engine" not in voltage and "spikegate.translator.voltage_kernels" not in voltage
    assert names("src/spikegate/cli.py") == {"spikegate.cli"}


def test_a_program_that_a_test_starts_has_the_mutant_too(tmp_path):
    """Only the process that the test starts would notice."""
    (tmp_path / "test_started.py").write_text("""import subprocess, sys

def test_code():
    code = "from spikegate.models.errors import InputError; print(InputError.exit_code)"
    assert subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True).stdout == "2\\n"
""")
    _, text = run("models/errors", "--tests", tmp_path / "test_started.py", "--json", tmp_path / "found.json")
    found, = json.loads((tmp_path / "found.json").read_text())
    assert found["tests"] == 1 and "exit_code = 2 -> exit_code = 3" not in text and "unresolved: models/errors Problems.raise_any" in text


def test_a_child_that_hangs_is_ended_and_one_that_did_not_get_a_processor_is_started_again(monkeypatch):
    monkeypatch.setattr(child, "LEAST_WALL", 0.05)
    monkeypatch.setattr(child, "WALL", 1)
    assert in_child(lambda file: time.sleep(60), 0.01) == (-signal.SIGALRM, "")
    found, delays = [], [0.02, 0.02, 0.0125]  # of 0.05 s, a quarter
    monkeypatch.setattr(child, "waited", lambda session: found.append(session) or delays[len(found) - 1])
    assert in_child(lambda file: os.write(file, b"again") and time.sleep(60), 0.01) == (-signal.SIGALRM, "again")
    assert len(set(found)) == 3
    assert in_child(lambda file: os.write(file, b"done") - 4, 0.01) == (0, "done") and len(found) == 3


def test_how_long_a_session_has_waited_for_a_processor_is_known(monkeypatch):
    """Two that spin beside each other on one processor wait for about half of the time each; one that sleeps does not."""
    def spin(file):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        os.fork()
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        os.write(file, str(child.waited(os.getsid(0))).encode())
        return 0

    _, text = in_child(spin)
    assert float(text[:6]) > 0.05
