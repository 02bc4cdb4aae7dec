"""The corpus of recordings: today's code gives what the code that made it gave, and a corpus that is wrong anywhere is noticed."""

import dataclasses
import json

import numpy as np
import pytest
import recordings
from adapters import Geometry
from networks import NETWORKS
from recordings import CASES, FILE, Case, compared, digest, main

CORPUS = json.loads(FILE.read_text())
#: Small, so that the controls take no time.
SMALL = Case("golden", "ai, own events")


def test_what_is_quickly_made_is_as_it_was():
    fast = [case for case in CASES if case.fast]
    assert compared(fast, CORPUS) == []
    assert {case.engine for case in fast} == {"golden", "cycles", "rtl"} and sum(case.engine == "rtl" for case in fast) == 4


@pytest.mark.long
def test_everything_is_as_it_was(capsys):
    assert main([]) == 0, capsys.readouterr().out


def test_the_file_has_every_case_and_its_engines_agree():
    """Without a run: as many spikes as the golden model, and the cycles that were predicted."""
    assert CORPUS.keys() == {str(case) for case in CASES} and len(CORPUS) == len(CASES)
    assert {case.network for case in CASES} == NETWORKS.keys()
    hardware = [case for case in CASES if case.engine in ("rtl", "link")]
    for case in hardware:
        golden, made = CORPUS[str(Case("golden", case.network, faults=case.faults))], CORPUS[str(case)]
        assert made["spikes"] == golden["spikes"] > 50 and made["cycles"] == made["predicted"] > 0
    digests = [made["digest"] for made in CORPUS.values() if "digest" in made]
    networks = {made["network"] for made in CORPUS.values() if "network" in made}
    assert len(hardware) > 35 and len(networks) == len(NETWORKS) and len(set(digests)) > len(networks)
    assert all(made["network"] == made["loaded"] != made["file"] for made in CORPUS.values() if "network" in made)


def _changed(values, at=0, by=1):
    other = values.copy()
    other.flat[at] += by
    return other


@pytest.mark.parametrize("change", [
    lambda r: {"spikes": _changed(r.spikes, -1)}, lambda r: {"spikes": r.spikes[:-1]}, lambda r: {"spikes": np.vstack([r.spikes, r.spikes[-1:]])},
    *(lambda r, name=name: {"final": {**r.final, name: _changed(r.final[name], 3)}} for name in ("v", "hold", "overflow", "lfsr")),
    *(lambda r, name=name: {"trace": {**r.trace, name: _changed(r.trace[name], 999)}} for name in ("v", "hold", "overflow", "events")),
    lambda r: {"final": {"v": r.final["v"]}}, lambda r: {"trace": {}}, lambda r: {"cycles": 1}, lambda r: {"cycles": 0},
    lambda r: {"steps": r.steps + 1}])
def test_one_changed_value_changes_the_digest(change):
    """Negative control: of the spikes, each state, each trace and the cycles."""
    recording = recordings._golden(SMALL.network, None)
    assert digest(dataclasses.replace(recording, **change(recording))) != digest(recording) == CORPUS[str(SMALL)]["digest"]


def test_names_provenance_and_types_do_not():
    recording = recordings._golden(SMALL.network, None)
    wide = {name: values.astype(np.int64) for name, values in recording.trace.items()}
    other = dataclasses.replace(recording, engine="another", provenance={"seconds": 1}, trace=dict(reversed(wide.items())))
    assert digest(other) == digest(recording)


@pytest.mark.parametrize("key", ["digest", "spikes", "network", "file", "loaded"])
def test_a_corpus_with_a_wrong_entry_fails(key, monkeypatch, tmp_path, capsys):
    """Negative control: at the real entry, and by name."""
    monkeypatch.setattr(recordings, "CASES", [SMALL])
    monkeypatch.setattr(recordings, "FILE", tmp_path / "corpus.json")
    assert main(["--write"]) == 0 and main([]) == 0
    made = json.loads(recordings.FILE.read_text())
    assert made == {str(SMALL): CORPUS[str(SMALL)]}
    made[str(SMALL)][key] = 7 if key == "spikes" else made[str(SMALL)][key][::-1]
    recordings.FILE.write_text(json.dumps(made))
    capsys.readouterr()
    assert main([]) == 1
    told = capsys.readouterr().out
    assert f"DIFFERS in {key}\n" in told and told.endswith(f"1 differ: {SMALL}\n")


def test_wrong_cycles_and_cases_that_are_missing_or_gone_fail(monkeypatch, tmp_path, capsys):
    case = Case("cycles", SMALL.network, Geometry(8))
    name, made = str(case), recordings.entry(case)
    assert compared([case], {name: made}) == []
    assert compared([case], {name: {"predicted": made["predicted"] + 1}}) == [name]
    assert compared([case], {}) == [name]
    monkeypatch.setattr(recordings, "CASES", [])
    monkeypatch.setattr(recordings, "FILE", tmp_path / "corpus.json")
    recordings.FILE.write_text(json.dumps({name: made}))
    assert main([]) == 1 and f"{name} (no such case)" in capsys.readouterr().out
