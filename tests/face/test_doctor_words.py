"""The doctor's own words: bounds of versions from both sides, the table and the fixes of findings made by hand, and trials that need no tool."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest

from spikegate import doctor
from spikegate.doctor import Finding
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.hints import Requirement
from spikegate.trials import TRIALS, Trial


@pytest.mark.parametrize("bounds, inside, outside", [
    (">=2.1", ("2.1", "2.1.0", "2.2", "3"), ("2.0.9", "2", "1.9")), ("<2.4", ("2.3.9", "2"), ("2.4", "2.4.0", "2.4.1", "3")),
    (">2.1", ("2.1.1", "3"), ("2.1", "2.1.0", "2")), ("<=2.1", ("2.1", "2.1.0", "2.0"), ("2.1.1", "3")), ("==2.1", ("2.1", "2.1.0"), ("2.1.1", "2")),
    ("!=2.1", ("2.1.1", "2"), ("2.1", "2.1.0")), ("~=2.1", ("2.1", "2.9"), ("2.0", "3.0")), ("~=0.5.8", ("0.5.8", "0.5.10"), ("0.5.7", "0.6")),
    (">=2, <3,", ("2", "2.9"), ("1.9", "3")), ("", ("0", "9.9", ""), ())])
def test_bounds_admit_what_is_inside_and_nothing_else(bounds, inside, outside):
    assert [version for version in (*inside, *outside) if doctor.admits(version, bounds)] == list(inside)


def test_what_each_command_needs():
    assert {
        "sim": ("", "sim", "brian", "python", "cache", "Python.h", "g++", "perl", "yosys"), "verilog": ("", "sim", "python", "cache", "yosys"),
        "bitstream": ("", "sim", "fpga", "python", "cache"), "program": ("openFPGALoader",), "sweep": ("sweep",), "explore": ("sweep", "fpga"),
        "make": ("make", "git", "libpython"), "make test": ("dev", "fpga", "variants", "nwb", "sweep", "nir", "train", "icebox"),
        "make bench": ("bench",), "make docs": ("docs",)} == doctor.COMMANDS
    assert doctor.REQUIRED == ("sim", "make") and doctor.TRIAL_S == 120
    assert {"g++": ("10", "--version", "g++"), "make": ("4", "--version", "make"), "perl": ("5", "-v", "perl"),
            "git": ("2", "--version", "git")} == doctor.PROGRAMS
    assert {name: trial.after for name, trial in TRIALS.items()} == {
        "g++": (), "Python.h": ("g++",), "libpython": (), "numba": (), "cython": ("g++", "Python.h"), "verilator": ("perl", "g++"), "yosys": ()}
    assert [f.tool for f in doctor.examine("program")] == ["openFPGALoader"]


GOOD = Finding("perl", "5.36", ">=5", True, ("sim", "make"), "apt install perl")
BAD = Finding("g++", None, "", False, ("sim",), "apt install g++")
BROKEN = Finding("numba", "0.6[b]", ">=0.5", False, ("bitstream", "sim"), "pip install numba", "does not work (no [LLVM])")
LATER = Finding("openFPGALoader", None, "", False, ("program",), "apt install openfpgaloader")


def shown(capsys, *findings):
    code = doctor.show(list(findings))
    return code, [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip(" ─")]


def test_the_table_says_what_was_found_what_is_needed_for_what_and_whether_it_will_do(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    head = "tool found needed for will it do"
    assert shown(capsys, GOOD) == (0, [head, "perl 5.36 >=5 sim yes", "All that is required is there."])
    assert shown(capsys, GOOD, LATER) == (0, [head, "perl 5.36 >=5 sim yes", "openFPGALoader – any program no",
                                              "openFPGALoader: apt install openfpgaloader (for program)",
                                              "All that is required is there; other commands lack openFPGALoader."])
    code, lines = shown(capsys, BAD, GOOD, BROKEN, LATER)
    assert code == 3 and lines[1:3] == ["g++ – any sim NO", "perl 5.36 >=5 sim yes"] and lines[3].endswith(">=0.5 bitstream NO")
    assert lines[5:] == ["g++: apt install g++", "numba: does not work (no [LLVM]); pip install numba",
                         "openFPGALoader: apt install openfpgaloader (for program)", "2 to fix: g++, numba"]


def test_a_finding_is_required_if_a_run_or_the_makefile_needs_it():
    assert [f.required for f in (GOOD, BAD, BROKEN, LATER)] == [True, True, True, False]
    assert Finding("git", "2", "", True, ("make",), "").required and not Finding("x", "2", "", True, ("make test",), "").required
    with pytest.raises(FrozenInstanceError):
        GOOD.ok = False


def test_a_requirement_names_all_that_is_missing_each_in_a_line_after_the_cache(monkeypatch):
    asked = []
    monkeypatch.setattr(doctor, "cache_root", lambda: asked.append("cache"))
    monkeypatch.setattr(doctor, "examine", lambda command: asked.append(command) or [GOOD, BAD, BROKEN])
    with pytest.raises(ToolMissing) as caught:
        doctor.require("bitstream")
    assert str(caught.value) == ("g++ is needed, found none; apt install g++\nnumba >=0.5 is needed, found 0.6[b]; pip install numba")
    assert asked == ["cache", "bitstream"]
    monkeypatch.setattr(doctor, "examine", lambda command: [GOOD])
    doctor.require("sim")

    def no_cache():
        raise InputError("no cache")
    monkeypatch.setattr(doctor, "cache_root", no_cache)
    with pytest.raises(InputError, match="no cache"):
        doctor.require("sim")


def test_trials_wait_for_what_they_need_and_blame_that(monkeypatch):
    asked, wrong = [], []
    monkeypatch.setattr(doctor, "TRIALS", {"a": Trial("A"), "b": Trial("B", ("a",)), "c": Trial("C", ("a", "b")), "d": Trial("D")})
    monkeypatch.setattr(doctor, "_failure", lambda tool, lacks: asked.append((tool, lacks)) or (
        f"needs {lacks}" if lacks else "does not work" if tool in wrong else ""))
    findings = [Finding(name, "1", "", name != "e", ("sim",), fix) for name, fix in zip("cbade", (
        "x -m pip install c", "x -m pip install b", "apt install a", "x -m pip install d", "e"))]
    for bad, verdicts in (((), {"c": "", "b": "", "a": "", "d": "", "e": ""}), (("d",), {"d": "does not work"}),
                            (("a",), {"a": "does not work", "b": "needs ['a']", "c": "needs ['a', 'b']"})):
        asked[:], wrong[:] = [], bad
        found = {f.tool: f for f in doctor.tried(findings)}
        assert list(found) == list("cbade") and {name: f.failure for name, f in found.items()} == {**dict.fromkeys("cbade", ""), **verdicts}
        assert {tool for tool, _ in asked} == set("abcd") and [tool for tool, _ in asked].index("a") < [tool for tool, _ in asked].index("b")
        assert all(f.ok == (not f.failure and name != "e") for name, f in found.items())
    assert [found[name].fix for name in "abcd"] == ["apt install a", "mend that first", "mend that first", "x -m pip install d"]
    wrong[:] = ["d", "b"]
    found = {f.tool: f for f in doctor.tried(findings)}
    assert found["d"].fix == "x -m pip install --force-reinstall d" and found["b"].fix == "x -m pip install --force-reinstall b"


def test_a_trial_is_a_python_of_its_own_in_an_empty_folder(monkeypatch):
    assert doctor._failure("g++", ["perl", "git"]) == "needs perl, git"
    asked, done = [], SimpleNamespace(returncode=0, stderr="")

    def run(command, **options):
        asked.append((command, options))
        if isinstance(done, Exception):
            raise done
        return done
    monkeypatch.setattr(subprocess, "run", run)
    assert doctor._failure("numba", []) == "" and asked[0][0] == [sys.executable, "-P", "-c", TRIALS["numba"].code]
    assert {key: asked[0][1][key] for key in ("stdin", "capture_output", "text", "timeout", "check")} == dict(
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    for error, words in (("a\nlast\n", "does not work (last)"), (" ", "does not work (it said nothing)")):
        done = SimpleNamespace(returncode=1, stderr=error)
        assert doctor._failure("numba", []) == words
    done = subprocess.TimeoutExpired("x", 120)
    assert doctor._failure("numba", []) == "did not end in 120 s"


@pytest.mark.parametrize("said, code, found", [
    ("g++ (Debian 12.2.0-14) 12.3.1\nmore", 0, "12.3.1"), ("g++ 12.3\n", 0, "12.3"), ("g++ twelve", 0, None), ("g++ 12.3.1", 1, None)])
def test_the_version_of_a_program_is_the_first_that_is_not_in_brackets(monkeypatch, said, code, found):
    asked = []
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda command, **options: asked.append((command, options["timeout"])) or SimpleNamespace(
        stdout=said, returncode=code))
    finding = doctor._program("g++")
    assert (finding.found, finding.needed, finding.ok) == (found, ">=10", found is not None) and asked == [(["/bin/g++", "--version"], 20)]
    assert doctor._program("perl").found == (None if found is None else "12.2.0" if "Debian" in said else found)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: (_ for _ in ()).throw(subprocess.TimeoutExpired("x", 20)))
    assert (doctor._program("g++").found, doctor._program("g++").ok) == (None, False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert doctor._program("make").found is None


@pytest.mark.parametrize("version, recorded, ok, forced", [("2.1", "2.1", True, False), ("3.0", "3.0", False, False), (None, None, False, False),
                                                           (None, "2.1", False, True), ("2.1", "2.2", True, True)])
def test_a_package_whose_record_is_another_than_its_modules_is_laid_anew(monkeypatch, version, recorded, ok, forced):
    monkeypatch.setattr(doctor, "_version", lambda name: version)
    monkeypatch.setattr(doctor, "_recorded", lambda name: recorded)
    finding = doctor._package(Requirement("numpy", "", ">=2,<3", "sim"))
    assert (finding.tool, finding.found, finding.needed, finding.ok) == ("numpy", version, ">=2,<3", ok)
    assert finding.commands == ("sim", "verilog", "bitstream")
    assert ("--force-reinstall" in finding.fix) is forced and "numpy" in finding.fix


def test_where_the_icebox_the_loader_and_the_cache_are_is_what_was_found(monkeypatch):
    monkeypatch.setattr("spikegate.cosim.toolchain.synthesis.icebox", lambda name: SimpleNamespace(name=f"of {name}"))
    assert (doctor._icebox().found, doctor._icebox().ok, doctor._icebox().commands) == ("of icebox_vlog", True, ("make test",))
    monkeypatch.setattr("spikegate.cosim.toolchain.synthesis.icebox", lambda name: (_ for _ in ()).throw(ToolMissing("none")))
    assert (doctor._icebox().found, doctor._icebox().fix) == (None, "make .venv/.installed-fpga")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}")
    assert (doctor._loader().found, doctor._loader().commands) == ("/bin/openFPGALoader", ("program",))
    monkeypatch.setattr(doctor, "cache_root", lambda: "a folder")
    assert (doctor._cache().found, doctor._cache().needed, doctor._cache().ok) == ("a folder", "folder", True)
