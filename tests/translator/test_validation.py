"""The margins of docs/validation.md: honest runs lie inside, each deliberate defect lies outside."""

import dataclasses
import math

import numpy as np
import pytest

from spikegate.cosim.results.compare import MARGINS, Margin, statistical
from spikegate.cosim.results.statistics import summary
from spikegate.models.core import engine
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brian_float import run_float
from spikegate.translator.brunel import preset, quantisation, translate

STATISTICS = ("rate_hz", "cv_isi", "correlation")
SEEDS = range(1, 6)
#: The defect, and the statistic that has to see it.
SEEN_BY = {"leak doubled": "rate_hz", "delay dropped": "correlation", "refractory dropped": "cv_isi"}


def broken(network, defect):
    changes = {"leak doubled": lambda: dict(lif=dataclasses.replace(network.lif, leak=2 * network.lif.leak)),
               "delay dropped": lambda: dict(delay=1),
               "refractory dropped": lambda: dict(lif=dataclasses.replace(network.lif, refractory=0))}
    return network.replace(**changes[defect]()) if defect else network


def other_drive(network, drive):
    if not drive:
        return network
    return network.replace(seeds=network.lfsr.phases(1_000_003 * drive + network.source["seed"], network.n, network.steps))


def realised(network):
    """The same network in physical units, with what its integers hold, and the same external rate."""
    asked, held = network.source, {row["parameter"]: row["realised"] for row in quantisation(network)}
    scale = held["tau_mem"] / asked["tau_mem"] * held["weight_exc"] / asked["weight_exc"]
    return network.replace(source={**asked, "tau_mem": held["tau_mem"], "weight_exc": held["weight_exc"],
                                   "g_inh": held["weight_inh"] / held["weight_exc"], "eta": asked["eta"] * scale})


def values(recording, network):
    found = summary(recording, network.dt_ns)
    return np.array([found[name] for name in STATISTICS])


def golden_runs(name, form, drives=1, defect=None):
    """Statistics of the golden model, one row a run, one run a seed and drive."""
    rows = []
    for seed in SEEDS:
        network = translate(preset(name, seed=seed), QFormat.parse(form), name=name)
        for drive in range(drives):
            changed = broken(other_drive(network, drive), defect)
            rows.append(values(engine.run(changed), changed))
    return np.array(rows)


def float_runs(name, form, drives=1, of=None, codegen="numpy"):
    """Statistics of Brian2 in floats on the same connectivity, with its own drives."""
    rows = []
    for seed in SEEDS:
        network = translate(preset(name, seed=seed), QFormat.parse(form), name=name)
        for drive in range(drives):
            changed = of(network) if of else network
            changed = changed.replace(source={**changed.source, "seed": seed + 1000 * drive})
            rows.append(values(run_float(changed, codegen=codegen), changed))
    return np.array(rows)


def outside(name, form, found, reference):
    """Statistics whose mean over the runs lies outside the margin of that many runs, by the check of the report."""
    assert found.shape == reference.shape and len(found)
    checks = {key: statistical(key, float(a), float(b), MARGINS[name, form][key].of_mean(len(found)), compared=len(found))
              for key, a, b in zip(STATISTICS, found.mean(axis=0), reference.mean(axis=0))}
    assert all(check.ok is not None for check in checks.values())
    return {key for key, check in checks.items() if not check.ok}


def outside_singly(name, form, found, reference):
    """The same for each run on its own, as `spikegate sim` judges it."""
    return [{key for key, a, b in zip(STATISTICS, row, ref) if not MARGINS[name, form][key].holds(a, b)} for row, ref in zip(found, reference)]


def test_margins_hold_for_the_golden_model_and_reject_each_defect():
    reference = float_runs("ai", "q8.8")
    honest = golden_runs("ai", "q8.8")
    assert outside_singly("ai", "q8.8", honest, reference) == [set()] * len(SEEDS)
    assert outside("ai", "q8.8", honest, reference) == set()
    for defect, statistic in SEEN_BY.items():
        assert statistic in outside("ai", "q8.8", golden_runs("ai", "q8.8", defect=defect), reference), defect
    leaky = outside_singly("ai", "q8.8", golden_runs("ai", "q8.8", defect="leak doubled"), reference)
    assert all("rate_hz" in found for found in leaky)


def test_ai_in_floats_is_asynchronous_and_irregular_and_the_tutorial_is_not():
    rate, cv, correlation = values(run_float(network := translate(preset("ai")), codegen="numpy"), network)
    assert 20 <= rate <= 40 and 0.8 <= cv <= 1.3 and correlation < 0.1
    rate, cv, _ = values(engine.run(network := translate(preset("tutorial", seed=1), QFormat.parse("q16.12"))), network)
    assert rate > 90 and cv < 0.2


def test_a_margin_of_a_mean_shrinks_with_the_root_of_the_runs_and_keeps_its_centre():
    single = Margin(0.16, True, 0.07)
    mean = single.of_mean(4)
    assert mean == Margin(0.08, True, 0.07) and str(mean) == "+7 ±8 %" and str(Margin(0.013, shift=-0.002)) == "-0.002 ±0.013"
    assert single.holds(122.9, 100) and single.holds(91.1, 100) and not single.holds(123.1, 100) and not single.holds(90.9, 100)
    assert not single.holds(math.nan, 100)


@pytest.mark.long
@pytest.mark.parametrize("form", ["q8.8", "q16.12"])
def test_margins_hold_over_seeds_and_drives_and_reject_each_defect(form):
    drives = 4
    reference = float_runs("ai", form, drives, codegen="cython")
    honest = golden_runs("ai", form, drives)
    assert outside_singly("ai", form, honest, reference) == [set()] * len(honest)
    assert outside("ai", form, honest, reference) == set()
    for defect, statistic in SEEN_BY.items():
        assert statistic in outside("ai", form, golden_runs("ai", form, drives, defect), reference), defect
    leaky = outside_singly("ai", form, golden_runs("ai", form, drives, "leak doubled"), reference)
    assert all("rate_hz" in found for found in leaky)


@pytest.mark.long
@pytest.mark.parametrize("form", ["q8.8", "q16.12"])
def test_margins_hold_for_the_tutorial(form):
    reference = float_runs("tutorial", form, codegen="cython")
    assert outside_singly("tutorial", form, golden_runs("tutorial", form), reference) == [set()] * len(SEEDS)
    leaky = outside_singly("tutorial", form, golden_runs("tutorial", form, defect="leak doubled"), reference)
    assert all({"rate_hz", "cv_isi"} <= found for found in leaky)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ai", "tutorial"])
@pytest.mark.parametrize("form", ["q8.8", "q16.12"])
def test_the_centre_of_each_margin_is_what_brian2_does_with_the_realised_parameters(name, form):
    drives = 2
    asked = float_runs(name, form, drives, codegen="cython")
    held = float_runs(name, form, drives, of=realised, codegen="cython")
    assert outside(name, form, held, asked) == set()
