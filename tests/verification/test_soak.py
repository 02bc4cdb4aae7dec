"""A soak goes on from its record, and a golden model with a defect ends it."""

import json

import pytest

from verification.stress.soak import EACH, main, read

CORES = ("stochastic-wrap", "sobol")


def run(tmp_path, *words):
    return main(["--minutes", "0", "--record", str(tmp_path / "soak.json"), "--cores", *CORES, *words])


def test_a_soak_is_recorded_and_goes_on(tmp_path, capsys):
    assert run(tmp_path, "--seed", "5") == 0
    first = read(tmp_path / "soak.json")
    assert first.networks == EACH * len(CORES) and first.values > 100 * first.networks and first.cycles > 0
    assert (first.first_seed, first.next_seed, first.differences, first.cores) == (5, 6, [], sorted(CORES))
    assert run(tmp_path) == 0
    second = read(tmp_path / "soak.json")
    assert second.networks == 2 * first.networks and second.values > first.values and (second.first_seed, second.next_seed) == (5, 7)
    assert "seeds 5 to 6" in capsys.readouterr().out


def test_a_difference_is_recorded_and_stays(tmp_path, capsys):
    """Negative control."""
    assert run(tmp_path, "--defect", "reset") == 1
    record = json.loads((tmp_path / "soak.json").read_text())
    assert record["differences"] and "(seed 1)" in record["differences"][0] and record["differences"][0] in capsys.readouterr().out
    assert run(tmp_path) == 1


@pytest.mark.parametrize(("words", "said"), [
    (["--minutes", "-1"], "--minutes must lie in 0..525600, not -1"), (["--seed", "-1"], "--seed must be 0 or more"),
    (["--cores", "none"], "--cores must be some of one, two"), (["--record", "/dev/null/record"], "cannot be written")])
def test_bad_input_is_named(words, said, capsys):
    assert main(words) == 2 and said in capsys.readouterr().err


def test_a_file_that_is_no_record_is_refused(tmp_path, capsys):
    (tmp_path / "soak.json").write_text("[]")
    assert run(tmp_path) == 2 and "is no record of a soak" in capsys.readouterr().err and (tmp_path / "soak.json").read_text() == "[]"
