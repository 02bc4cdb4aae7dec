"""The verdicts of docs/validation.md: honest runs pass, each deliberate defect fails, and a network that is not the one asked for is warned of."""

import numpy as np
import pytest
from scipy import stats

from spikegate.cosim.results import effects, scatter
from spikegate.cosim.results.statistics import summary
from spikegate.models.core import engine
from spikegate.models.core.golden import Golden
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brian_engines import Brian2Float, Brian2Ordered, Brian2Realised
from spikegate.translator.brian_float import Original, run_float
from spikegate.translator.brunel import fine_leak, preset, translate

STATISTICS = ("rate", "CV", "correlation")


def small(ms=1000.0, leak_fraction=None, **changes):
    return translate(preset("ai", n_exc=160, n_inh=40, **changes), name="small", ms=ms, leak_fraction=leak_fraction)


def other_drive(network, drive):
    return network.replace(seeds=network.lfsr.phases(1_000_003 * (drive + 1), network.n, network.steps))


def verdicts(network, *runs, effect="arithmetic", absent=None, **options):
    """Statistic -> ok, of one effect."""
    checks = effects.judge(network, runs, {} if absent is None else absent, **options)
    return {check.name.split(": ")[1]: check.ok for check in checks if check.name.startswith(effect)}


ONLY_ARITHMETIC = {"brian2_realised": "not needed here", "brian2_float": "not needed here"}


@pytest.fixture(scope="module")
def ordered():
    """A network of a fifth of `ai` for a second, and Brian2 with what it realises, in the core's order."""
    network = small()
    return network, Brian2Ordered("numpy").run(network)


def test_the_core_is_told_from_one_that_leaks_twice_as_much(ordered):
    network, reference = ordered
    honest, leaky = Golden().run(network), Golden(defect="leak").run(network)
    assert verdicts(network, {"rtl": honest, "brian2_ordered": reference}, absent=ONLY_ARITHMETIC) == dict.fromkeys(STATISTICS, True)
    assert verdicts(network, {"rtl": leaky, "brian2_ordered": reference}, absent=ONLY_ARITHMETIC)["rate"] is False


def test_a_verdict_does_not_hang_on_a_name(ordered):
    network, reference = ordered
    for defect in (None, "leak"):
        mine = Golden(defect=defect).run(network)
        found = [effects.judge(network.replace(name=name), [{"rtl": mine, "brian2_ordered": reference}], ONLY_ARITHMETIC)
                 for name in ("ai", "tutorial", "anything, changed")]
        assert found[0] == found[1] == found[2]


def test_what_has_faults_or_is_short_is_not_judged_and_says_why(ordered):
    network, reference = ordered
    pair = {"rtl": Golden().run(network), "brian2_ordered": reference}
    checks = effects.judge(network, [pair], ONLY_ARITHMETIC, "the RTL has faults")
    assert [check.detail for check in checks] == ["not needed here"] * 6 + ["the RTL has faults"] * 3 and all(check.ok is None for check in checks)
    short = small(ms=500.0)
    pair = {"rtl": Golden().run(short), "brian2_ordered": Golden().run(other_drive(short, 1))}
    assert [check.detail for check in effects.judge(short, [pair], ONLY_ARITHMETIC)[6:]] == ["a run must last 512 ms to tell how far chance goes"] * 3


def test_eta_of_nine_tenths_doubles_its_rate_by_a_coarse_leak_and_a_fine_one_mends_it():
    network = small(eta=0.9)
    asked, realised = Brian2Float("numpy").run(network), Brian2Realised("numpy").run(network)
    absent = {"brian2_ordered": "not needed here", "rtl": "not needed here"}
    assert verdicts(network, {"brian2_float": asked, "brian2_realised": realised}, effect="quantisation", absent=absent)["rate"] is False
    assert len(realised.spikes) > 1.5 * len(asked.spikes)
    fine = small(eta=0.9, leak_fraction=fine_leak(preset("ai"), QFormat(16, 8)))
    mended = {"brian2_float": asked, "brian2_realised": Brian2Realised("numpy").run(fine)}
    assert verdicts(fine, mended, effect="quantisation", absent=absent)["rate"] is True


def test_a_dropped_delay_is_seen_over_seeds():
    """Correlation falls; other drives of the sound model stand for the reference here, and Brian2 in the long test."""
    network = translate(preset("ai", n_exc=80, n_inh=20, conn_prob=0.2), ms=400.0)
    runs = {defect: [Golden(defect=defect).run(other_drive(network, seed)) for seed in range(16)] for defect in (None, "delay")}
    reference = [Golden().run(other_drive(network, 100 + seed)) for seed in range(16)]
    found = {defect: verdicts(network, *({"rtl": a, "brian2_ordered": b} for a, b in zip(mine, reference)), absent=ONLY_ARITHMETIC)
             for defect, mine in runs.items()}
    assert found == {None: dict.fromkeys(STATISTICS, True), "delay": {"rate": True, "CV": True, "correlation": False}}


def test_a_long_step_is_an_effect_of_the_order():
    """dt / tau = 0.025: Brian2 leaks a kick before it compares, and loses the input of a spike's own step."""
    network = translate(preset("tutorial", dt=0.5, delay=0.5), QFormat(32, 12), ms=600.0, leak_fraction=20)
    runs = {"brian2_realised": Brian2Realised("numpy").run(network), "brian2_ordered": Brian2Ordered("numpy").run(network),
            "rtl": Golden().run(network)}
    absent = {"brian2_float": "not needed here"}
    assert verdicts(network, runs, effect="order", absent=absent)["rate"] is False
    assert verdicts(network, runs, effect="arithmetic", absent=absent) == dict.fromkeys(STATISTICS, True)
    rate = {name: summary(recording, network.dt_ns)["rate_hz"] for name, recording in runs.items()}
    assert 1.06 < rate["brian2_ordered"] / rate["brian2_realised"] < 1.13


def test_the_bound_of_one_pair_is_what_chance_does():
    """Of 120 pairs of drives none is outside, and the errors that are estimated from within a run are those seen from run to run."""
    network = small()
    found = [(summary(run, network.dt_ns), scatter.left_out(run, network.dt_ns, 20)) for run in
             (Golden().run(other_drive(network, drive)) for drive in range(16))]
    for key in ("rate_hz", "cv_isi", "correlation"):
        scores = [(a[key] - b[key]) / scatter.jackknife(left_a[key], left_b[key]) for i, (a, left_a) in enumerate(found) for b, left_b in found[:i]]
        assert 0.6 < np.sqrt(np.mean(np.square(scores))) < 1.7 and max(map(abs, scores)) < scatter.student(effects.CHANCE, 19), key


def test_quantiles_of_student_and_the_jackknife_of_a_mean():
    for freedom in (2, 4, 9, 19, 99):
        for chance in (1e-4, 1e-3, 0.05):
            assert scatter.student(chance, freedom) == pytest.approx(stats.t.isf(chance / 2, freedom), rel=1e-4)
    values = np.array([3.0, 5.0, 4.0, 9.0])
    means = ((values.sum() - values) / 3).tolist()
    assert scatter.jackknife(means, [0.0] * 4) == pytest.approx(values.std(ddof=1) / 2) and scatter.jackknife(means, [None] * 4) is None
    assert scatter.mean_and_error([1.0, 3.0]) == (2.0, 1.0)
    assert [scatter.blocks(steps, 256) for steps in (5119, 5120, 10_000, 100_000)] == [0, 10, 19, 20]


def test_the_realised_original_is_what_the_integers_hold_with_the_same_drive():
    asked, realised = Original.asked(small()), Original.realised(small())
    assert realised == asked._replace(tau_mem=25.6) and (asked.tau_mem, asked.trials, asked.rate_hz) == (20.0, 16, 250.0)
    tutorial = Original.realised(translate(preset("tutorial"), ms=1.0))
    assert (tutorial.weight_exc, tutorial.g_inh) == (25 / 256, 128 / 25) and tutorial.rate_hz == pytest.approx(250.0)
    assert tutorial.drive_weight == 25 / 256 and Original.asked(translate(preset("tutorial"), ms=1.0)).drive_weight == 0.1


def test_ai_in_floats_is_asynchronous_and_irregular_and_the_tutorial_is_not():
    recording = run_float(network := translate(preset("ai")), codegen="numpy")
    found = summary(recording, network.dt_ns)
    assert 20 <= found["rate_hz"] <= 40 and 0.8 <= found["cv_isi"] <= 1.3 and found["correlation"] < 0.1
    found = summary(engine.run(network := translate(preset("tutorial", seed=1), QFormat.parse("q16.12"))), network.dt_ns)
    assert found["rate_hz"] > 90 and found["cv_isi"] < 0.2


@pytest.mark.long
@pytest.mark.parametrize("name", ["ai", "tutorial"])
@pytest.mark.parametrize("form", ["q8.8", "q16.12"])
def test_verdicts_hold_for_whole_networks_one_by_one_and_over_seeds(name, form):
    network = translate(preset(name), QFormat.parse(form), name=name)
    networks = [other_drive(network, seed) for seed in range(10)]
    reference = [Brian2Ordered("cython").run(one) for one in networks]
    for defect, seen in ((None, None), ("leak", "rate"), ("delay", "correlation" if name == "ai" else None)):
        mine = [Golden(defect=defect).run(one) for one in networks]
        pairs = [{"rtl": a, "brian2_ordered": b} for a, b in zip(mine, reference)]
        single = [verdicts(network, pair, absent=ONLY_ARITHMETIC) for pair in pairs]
        whole = verdicts(network, *pairs, absent=ONLY_ARITHMETIC)
        if defect is None:
            assert single == [dict.fromkeys(STATISTICS, True)] * 10 and whole == dict.fromkeys(STATISTICS, True)
        elif seen:
            assert whole[seen] is False and (defect != "leak" or all(one["rate"] is False for one in single))
