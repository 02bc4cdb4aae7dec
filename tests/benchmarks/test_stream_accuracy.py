"""Accuracy of products by AND: each kind of generator has the error that theory gives it, and the page shows what was measured."""

import importlib.util
import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from spikegate.models.numeric.sobol import SobolParams
from studies import accuracy
from studies.accuracy import BAD_SEEDS, IDEAL, LEAP_1, SOURCES, bad_plan, distance_scc, distance_share, errors, rmse, slope, verdict

ROOT = Path(__file__).parents[2]
TRIALS, SEED = 20_000, 7
#: Given p and q an error is normal with variance v = pq (1 - pq) / L, nearly, and E v^2 / (E v)^2 = (1/9 - 1/8 + 1/25) / (5/36)^2 = 1.353,
#: so that the standard error of a root mean square is sqrt((3 * 1.353 - 1) / 4 T) of it. Margins are five of them, 3.1 %.
MARGIN = 5 * sqrt((3 * 1.353 - 1) / 4 / TRIALS)


@pytest.fixture(scope="module")
def at_256():
    found = {name: rmse(name, 256, TRIALS, SEED) for name in SOURCES}
    print(f"seed {SEED}: {found}")
    return found


@pytest.mark.parametrize("name", ["ideal", "windows", "lfsr16_leap16", "lfsr32_leap16", "lfsr61_leap16"])
def test_planned_streams_without_shared_bits_are_as_good_as_independent_bits(at_256, name):
    assert abs(at_256[name] / (IDEAL / 16) - 1) < MARGIN
    assert at_256[name] < 1.25 * at_256["ideal"]


@pytest.mark.parametrize("name", ["lfsr16_leap1", "lfsr32_leap1", "lfsr61_leap1"])
def test_serial_encoders_that_move_on_by_one_position_are_worse_by_the_root_of_11_sixths(at_256, name):
    # Lags d have (1 - d / 256) of their weight: less than 1 % of the variance.
    assert abs(at_256[name] / (LEAP_1 / 16) - 1) < MARGIN + 0.005
    assert LEAP_1 / IDEAL == pytest.approx(sqrt(11 / 6)) and at_256[name] > 1.25 * at_256["ideal"]


def test_leap_1_has_the_constant_of_two_doubling_maps():
    # E max(x, frac(2^d x)) = 2/3 - 2^-d / 12, by the midpoint rule; exact up to 2^(d-16)
    x = (np.arange(1 << 16) + 0.5) / (1 << 16)
    later = [np.maximum(x, x * 2**d % 1).mean() for d in range(1, 11)]
    assert np.allclose(later, [2 / 3 - 2.0**-d / 12 for d in range(1, 11)], atol=1e-4)
    assert 5 / 36 + 2 * sum((1 - m) ** 2 - 1 / 9 for m in later) == pytest.approx(LEAP_1**2, rel=2e-3)


def test_sobol_is_more_than_8_times_better_than_independent_bits(at_256):
    assert at_256["ideal"] / at_256["sobol_0_1"] > 8
    assert at_256["ideal"] / at_256["sobol_2_3"] > 7


def test_window_0_alone_of_a_sobol_sequence_has_too_many_ones(at_256):
    points = [SobolParams(d).points(np.arange(256))[None] for d in (0, 1)]
    error = errors(lambda length, p, q, rng: accuracy.share(*points, p, q), 256, TRIALS, SEED)
    # A stream has ceil(256 p) ones, half of one too many in the mean, and the product (p + q) / 512, whose mean is 1/512.
    assert abs(error.mean() * 512 - 1) < 5 * 512 * error.std() / sqrt(TRIALS)
    assert 6.5 < at_256["ideal"] / np.sqrt(np.mean(error**2)) < 7.8


def test_the_refused_plans_are_visibly_worse(at_256):
    assert at_256["bad_neighbours"] > 2 * at_256["ideal"] and at_256["bad_meeting"] > 1.35 * at_256["ideal"]
    assert at_256["delayed"] > 1.15 * at_256["lfsr16_leap1"]
    assert at_256["sobol_7_15"] > 5 * at_256["sobol_0_1"]
    answers = {name: verdict(name, 256)[0] for name in SOURCES}
    assert {name for name, answer in answers.items() if answer == "refused"} == {"bad_neighbours", "bad_meeting", "delayed", "sobol_7_15"}
    assert {name for name, answer in answers.items() if answer == "–"} == {"ideal", "rotated", "counter"}


def test_the_errors_fall_with_the_root_and_nearly_with_the_length():
    lengths = (64, 128, 256, 512, 1024)
    found = {name: slope({length: rmse(name, length, 5000, SEED) for length in lengths})
             for name in ("ideal", "windows", "sobol_0_1", "bad_neighbours")}
    # The slope is a weighted mean of five logarithms, with a standard deviation of 0.46 of theirs, which is 0.0124: five are 0.028.
    assert abs(found["ideal"] + 0.5) < 0.028 and abs(found["windows"] + 0.5) < 0.028
    assert -1.03 < found["sobol_0_1"] < -0.79  # from 64 to 1024, (log L) / L has -0.82 and 1 / L has -1; 0.03 for chance, as above
    assert found["bad_neighbours"] > -0.35


def test_a_distance_of_d_positions_leaves_2_to_the_minus_d_of_full_correlation():
    for apart in range(7):
        error = errors(accuracy.short(1, apart), 256, TRIALS, SEED)
        assert distance_share(apart, TRIALS, SEED) == pytest.approx(12 * error.mean())
        assert abs(12 * error.mean() - 2.0**-apart) < 5 * 12 * error.std() / sqrt(TRIALS)
        assert abs(12 * error.mean() - 2.0 ** (-1 - apart)) > 5 * 12 * error.std() / sqrt(TRIALS) or apart > 3  # the next power is seen up to there


def test_the_scc_of_neighbours_shows_below_one_half_alone():
    for apart, value in enumerate([1, 3 / 7, 1 / 7, 0, 0]):
        # 11 has 2^(13-d) - 1 of 2^16 - 1 numbers, as 0 is missing, so that counts are off by 1 of 2^13.
        assert abs(distance_scc(apart, 1 << 13) - value) < 2**-10
        assert abs(distance_scc(apart, 1 << 15) - (apart == 0)) < 2**-15


def test_nearly_all_neighbours_of_the_bad_plan_are_closer_than_a_stream():
    found = bad_plan(256)
    assert len(BAD_SEEDS) == found["encoders"] == 1600 and found["plan"] == "refused"
    assert found["neighbours_closer"] == 1574 / 1600 and found["median_gap"] == 3.5
    # At random phases a gap would be exponential with a mean of 41 positions: 99.8 % closer than 256, and a median of 28.
    assert "1574 of 1600 streams reach into the next" in found["message"]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("stream_accuracy", ROOT / "benchmarks" / "stream_accuracy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(path):
    found = json.loads(path.read_text())
    for row in found["kinds"].values():
        row["rmse"] = {int(length): value for length, value in row["rmse"].items()}
    return found


def test_the_table_of_the_page_is_what_was_measured(bench, at_256):
    found = measured(ROOT / "docs" / "stream_accuracy.json")
    page = (ROOT / "docs" / "streams.md").read_text()
    assert "\n".join(bench.markdown(found)) in page
    for name, value in at_256.items():
        # The page has three times as many trials, so that the difference has sqrt(4/3) times the standard error of this run.
        assert abs(found["kinds"][name]["rmse"][256] / value - 1) < 1.2 * MARGIN, name


def test_the_study_writes_numbers_and_picture(bench, tmp_path, capsys):
    bench.main(["--out", str(tmp_path), "--trials", "30", "--seeds", "5", "--markdown"])
    found = measured(tmp_path / "stream_accuracy.json")
    assert set(found["kinds"]) == set(SOURCES) and "\n".join(bench.markdown(found)) in capsys.readouterr().out
    assert (tmp_path / "stream_accuracy.png").read_bytes()[:4] == b"\x89PNG"
