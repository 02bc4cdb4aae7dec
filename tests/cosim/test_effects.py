"""Effects: each statistic of each part against margins worked out here, and why a part is not judged, word for word."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import scipy.stats

from spikegate.cosim.results import effects
from spikegate.cosim.results.scatter import left_out
from spikegate.cosim.results.statistics import summary
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

NAMES = ("brian2_float", "brian2_realised", "brian2_ordered", "rtl")
#: Ten blocks or more: a membrane of Q8.8 remembers 256 steps.
STEPS = 20 * 512


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), ms=STEPS / 10)


def noise(seed, share=0.004, n=20, steps=STEPS):
    """Spikes at random, with a common part, so that counts correlate."""
    rng = np.random.default_rng(seed)
    common = rng.random((steps, 1)) < 0.3
    return Recording("noise", n, steps, np.argwhere(rng.random((steps, n)) < share * (0.5 + common)))


def run_of(seed, *shares):
    return {name: noise(seed + 10 * number, share) for number, (name, share) in enumerate(zip(NAMES, shares or (0.004,) * 4))}


def stats(recording):
    found = summary(recording, 100_000)
    return {key: found[key] for key in ("rate_hz", "cv_isi", "correlation")}


def test_the_parts_are_these():
    assert [(e.name, e.of, e.against, e.warns) for e in effects.EFFECTS] == [
        ("quantisation", "brian2_realised", "brian2_float", True), ("order", "brian2_ordered", "brian2_realised", True),
        ("arithmetic", "rtl", "brian2_ordered", False)]
    assert effects.LEAST_SEEDS == 3
    with pytest.raises(FrozenInstanceError):
        effects.EFFECTS[0].warns = False


def test_one_run_is_judged_by_its_blocks(network):
    run = run_of(1, 0.004, 0.004, 0.008, 0.004)
    checks = effects.judge(network, [run], {})
    assert [c.name for c in checks] == [f"{e}: {s}" for e in ("quantisation", "order", "arithmetic") for s in ("rate", "CV", "correlation")]
    tolerances, t = {"rate_hz": 0.01, "cv_isi": 0.02, "correlation": 0.002}, scipy.stats.t.ppf(1 - 0.5e-4, 19)
    for check, (of, against), key in zip(checks, [(e.of, e.against) for e in effects.EFFECTS for _ in range(3)], [*tolerances] * 3):
        value, reference = (stats(run[name])[key] for name in (of, against))
        d = np.array(left_out(run[of], 100_000, 20)[key]) - np.array(left_out(run[against], 100_000, 20)[key])
        margin = tolerances[key] * (1 if key == "correlation" else abs(reference)) + t * np.sqrt(19 / 20 * np.sum((d - d.mean()) ** 2))
        ok = abs(value - reference) <= margin
        assert (check.value, check.reference, check.margin) == pytest.approx((value, reference, margin), rel=1e-5)
        assert (check.ok, check.mismatches, check.compared, check.first_divergence) == (ok, int(not ok), 1, None)
        assert check.detail == f"{value:.4g} against {reference:.4g}, margin ±{margin:.2g}" + ("" if ok else " exceeded")
        assert check.warns == (of != "rtl") and check.class_ == "statistical"
    assert [c.ok for c in checks[::3]] == [True, False, False]


def test_several_runs_are_judged_by_their_mean(network):
    runs = [run_of(seed, 0.004, 0.004, 0.004, 0.007) for seed in (1, 2, 3, 4)]
    checks, t = effects.judge(network, runs, {}), scipy.stats.t.ppf(1 - 0.5e-3, 3)
    for check, (of, against) in zip(checks[::3], [(e.of, e.against) for e in effects.EFFECTS]):
        a, b = (np.array([stats(run[name])["rate_hz"] for run in runs]) for name in (of, against))
        margin = 0.01 * b.mean() + t * np.std(a - b, ddof=1) / 2
        assert (check.value, check.reference, check.margin) == pytest.approx((a.mean(), b.mean(), margin), rel=1e-5)
        assert check.compared == 4 and check.ok == (abs(a.mean() - b.mean()) <= margin)
    assert [c.ok for c in checks[::3]] == [True, True, False]


def test_an_equal_pair_has_the_tolerance_for_its_margin(network):
    same = dict.fromkeys(NAMES, noise(1))
    for check, key in zip(effects.judge(network, [same], {}), ["rate_hz", "cv_isi", "correlation"] * 3):
        assert check.ok and check.margin == pytest.approx({"rate_hz": 0.01, "cv_isi": 0.02}.get(key, 0) * check.reference or 0.002, rel=1e-12)


def reasons(checks):
    assert all(c.ok is None and (c.compared, c.mismatches, c.margin) == (0, 0, None) for c in checks)
    return [c.detail for c in checks]


def test_why_a_part_is_not_judged(network):
    run = run_of(1)
    less = {name: run[name] for name in ("rtl", "brian2_ordered", "brian2_float")}
    checks = effects.judge(network, [less], {"brian2_realised": "gone"})
    assert reasons(checks[:6]) == ["gone"] * 6 and all(c.ok is not None for c in checks[6:]) and [c.warns for c in checks[::3]] == [True, True, False]
    assert reasons(effects.judge(network, [less], {})[:6]) == ["the network says what its integers hold, and not what was asked for"] * 6
    departed = effects.judge(network, [run], {}, "it has faults")
    assert reasons(departed[6:]) == ["it has faults"] * 3 and departed[8].value == pytest.approx(stats(run["rtl"])["correlation"])
    assert all(c.ok is not None for c in departed[:6])
    silent = {**run, "rtl": replace(run["rtl"], spikes=np.empty((0, 2))), "brian2_ordered": replace(run["rtl"], spikes=np.empty((0, 2)))}
    assert reasons(effects.judge(network, [silent], {})[6:]) == ["there are too few spikes; run for longer"] * 3
    pair = effects.judge(network, [{name: run[name] for name in ("rtl", "brian2_ordered")}], {})
    assert [c.ok is None for c in pair] == [True] * 6 + [False] * 3
    once = {**run, "rtl": noise(5, 0.0001)}
    assert reasons(effects.judge(network, [once], {})[7:8]) == ["there are too few spikes; run for longer"]


def test_a_run_of_fewer_than_ten_blocks_is_judged_over_seeds_alone(network):
    short = network.replace(steps=5119)
    runs = [{name: noise(seed + number, steps=5119) for number, name in enumerate(NAMES)} for seed in (1, 11, 21)]
    assert reasons(effects.judge(short, runs[:1], {})) == ["a run must last 512 ms to tell how far chance goes"] * 9
    assert all(c.ok is not None for c in effects.judge(short, runs, {}))
    assert [c.compared for c in effects.judge(short, runs[:2], {})] == [2] * 9
    lost = [*runs[:2], {**runs[2], "rtl": replace(runs[2]["rtl"], spikes=[[5, 1]])}]
    assert [c.ok is None for c in effects.judge(short, lost, {})[6:]] == [False, True, True]
