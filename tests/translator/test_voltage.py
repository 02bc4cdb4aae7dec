"""The voltage domain: four kernels with the same bits, Brian2 spike for spike, and the noise of theory."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import alone

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import Q16_12
from spikegate.translator import voltage_brian, voltage_kernels
from spikegate.translator.brunel import BrunelParams, preset, translate
from spikegate.translator.voltage import KERNELS, run
from spikegate.translator.voltage_neuron import Rule, StochasticLIFNeuron

#: Brian2 adds the kicks of a step one by one. Within the membrane's memory of 200 steps that makes about 1000 roundings, two of the leak and two
#: or three of kicks a step, each of at most 2^-48 mV below 64 mV: 3.6e-12 mV if all have one sign. The smallest kick is 0.1 mV.
ROUNDING_MV = 4e-12
NOISY = Rule(noise_std=1.0)


@pytest.fixture(scope="module")
def ai():
    return translate(preset("ai"), name="ai", ms=50.0)


def same_bits(first, second):
    return all(np.array_equal(a, b) for a, b in ((first.spikes, second.spikes), (first.final["v"], second.final["v"]),
                                                (first.trace["v"], second.trace["v"])))


@pytest.mark.parametrize("rule", [Rule(), Rule(late=True), Rule(exact=True), Rule(refractory=5), NOISY], ids=["v1", "v9", "v10", "v8", "v7"])
def test_objects_numpy_and_numba_give_the_same_bits(ai, rule):
    reference, *others = (run(ai, kernel, rule, trace=True) for kernel in KERNELS)
    print(f"{len(reference.spikes)} spikes, {reference.trace['v'].size} membranes")
    assert len(reference.spikes) > 1500 and reference.trace["v"].shape == (500, 1000)
    assert np.array_equal(reference.trace["v"][-1], reference.final["v"])
    assert all(same_bits(reference, other) for other in others)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 2**31), st.integers(1, 12), st.integers(0, 4), st.integers(0, 4), st.booleans(), st.sampled_from(["euler", "exact", "noise"]),
       st.sampled_from([0.3, 0.7, 1.1, 3.0]))
def small_networks(spikes, seed, n_exc, n_inh, refractory, late, leak, weight):
    # an event in every other step of each external input
    bp = BrunelParams(n_exc=n_exc + 2, n_inh=n_inh and n_inh + 1, conn_prob=0.5, weight_exc=weight, g_inh=1.7, tau_mem=5.0, v_spread=True, seed=seed,
                      delay=(1 + seed % 4) / 10, eta=round(weight * round(n_exc / 2 + 1) / 0.8, 3))
    network, rule = translate(bp, ms=8.0), Rule(late, leak == "exact", refractory, 2.0 * (leak == "noise"))
    reference, *others = (run(network, kernel, rule, trace=True) for kernel in KERNELS)
    assert all(same_bits(reference, other) for other in others)
    spikes.append(len(reference.spikes))


def test_any_small_network_gives_the_same_bits():
    spikes = []
    small_networks(spikes)
    print(f"{len(spikes)} networks, {sum(spikes)} spikes")
    assert np.count_nonzero(spikes) > 30 and sum(spikes) > 1000


@pytest.mark.parametrize("field", ["threshold", "reset", "rest", "leak", "exc", "inh"])
@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_a_constant_wrong_in_its_last_bits_is_seen(ai, field, kernel, monkeypatch):
    right, advance = run(ai, "numpy", trace=True), getattr(voltage_kernels, f"advance_{kernel}")

    def wrong(c, *rest):
        # The threshold is met only by chance, so its error is a membrane's usual distance from it.
        return advance(c._replace(**{field: getattr(c, field) + (1e-3 if field == "threshold" else 1e-15)}), *rest)

    assert same_bits(run(ai, kernel, trace=True), right)
    monkeypatch.setattr(f"spikegate.translator.voltage.advance_{kernel}", wrong)
    assert not same_bits(run(ai, kernel, trace=True), right)


BRIAN_CASES = [Rule(late, exact, refractory) for late, exact, refractory in itertools.product((False, True), (False, True), (None, 5, 0))]


@pytest.mark.parametrize("delay", [15, 1])
@pytest.mark.parametrize("rule", BRIAN_CASES, ids=lambda r: f"{'late' if r.late else 'early'}-{'exact' if r.exact else 'euler'}-{r.refractory}")
def test_brian2_gives_the_same_spikes(ai, rule, delay):
    network = ai.replace(delay=delay)
    brian, mine = voltage_brian.run(network, rule, trace=True, codegen="numpy"), run(network, rule=rule, trace=True)
    worst = np.abs(brian.trace["v"] - mine.trace["v"]).max()
    print(f"{len(brian.spikes)} spikes and {mine.trace['v'].size} membranes compared, worst difference {worst:.2g} mV")
    assert len(brian.spikes) > 1500
    assert np.array_equal(brian.spikes, mine.spikes)
    assert worst < ROUNDING_MV


def test_brian2_gives_the_same_spikes_where_a_kick_is_not_dyadic():
    network = translate(preset("tutorial"), ms=50.0)
    for rule in (Rule(), Rule(late=True)):
        brian, mine = voltage_brian.run(network, rule, codegen="numpy"), run(network, rule=rule)
        assert len(brian.spikes) > 2500 and np.array_equal(brian.spikes, mine.spikes)


CONTROLS = {
    "V9, kicks before the step": (Rule(late=True), lambda n: (n, Rule())),
    "V9, delay one longer": (Rule(late=True), lambda n: (n.replace(delay=n.delay + 1), Rule(late=True))),
    "V9, refractory one shorter": (Rule(late=True), lambda n: (n, Rule(late=True, refractory=n.lif.refractory - 1))),
    "V9, exact leak": (Rule(late=True), lambda n: (n, Rule(late=True, exact=True))),
    "V9, events one step later": (Rule(late=True), lambda n: (n.replace(external=np.roll(external_events(n), 1, axis=0)), Rule(late=True))),
    "V1, kicks after the step": (Rule(), lambda n: (n, Rule(late=True))),
    "V1, delay one shorter": (Rule(), lambda n: (n.replace(delay=n.delay - 1), Rule())),
    "V8, four steps": (Rule(refractory=5), lambda n: (n, Rule(refractory=4))),
    "V8, six steps": (Rule(refractory=5), lambda n: (n, Rule(refractory=6))),
    "V10, Euler": (Rule(exact=True), lambda n: (n, Rule())),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_wrong_rule_is_rejected_by_brian2(ai, control):
    rule, wrong = CONTROLS[control]
    brian, (network, other) = voltage_brian.run(ai, rule, codegen="numpy"), wrong(ai)
    assert np.array_equal(run(ai, rule=rule).spikes, brian.spikes)
    assert not np.array_equal(run(network, rule=other).spikes, brian.spikes)


@pytest.mark.parametrize("rule", [Rule(), Rule(late=True), Rule(exact=True)], ids=["v1", "v9", "v10"])
def test_a_membrane_at_the_threshold_does_not_spike(rule):
    network = alone(100, 2.0, v_rest=20.0)
    for kernel in KERNELS:
        assert len(run(network, kernel, rule).spikes) == 0
    assert len(voltage_brian.run(network, rule, codegen="numpy").spikes) == 0
    # at or above the threshold, every neuron spikes
    assert len(voltage_brian.run(network, rule, codegen="numpy", threshold="v >= v_th").spikes) >= 100


def test_late_kicks_are_early_ones_of_the_next_step_unless_a_reset_takes_them(ai):
    def shifted(network):
        events = external_events(network)
        return network.replace(external=np.concatenate([np.zeros_like(events[:1]), events[:-1]]))

    for refractory in (1, 5):
        assert np.array_equal(run(ai, rule=Rule(late=True, refractory=refractory)).spikes, run(shifted(ai), rule=Rule(refractory=refractory)).spikes)
    none, one = (run(ai, rule=Rule(late=True, refractory=refractory)).spikes for refractory in (0, 1))
    assert np.array_equal(none, one)
    assert not np.array_equal(none, run(shifted(ai), rule=Rule(refractory=0)).spikes)


def test_recorded_events_are_replayed(ai):
    events = external_events(ai)
    assert same_bits(run(ai, trace=True), run(ai.replace(external=events), trace=True))
    moved = ai.replace(external=np.roll(events, 1, axis=1))
    assert not np.array_equal(run(moved).spikes, run(ai).spikes)
    assert np.array_equal(run(moved).spikes, voltage_brian.run(moved, codegen="numpy").spikes)


def test_quantised_parameters_are_not_used(ai):
    fine = translate(preset("ai"), Q16_12, name="ai", ms=50.0).replace(v0=ai.v0.astype(np.int64) * 16, external=external_events(ai))
    assert same_bits(run(ai, trace=True), run(fine, trace=True))


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_more_sources_than_sixteen_bits_count_are_all_counted(kernel):
    """65,636 spikes of 0.1 mV fire their target; the 100 that 16 bits would leave do not."""
    sources, small = 65_636, alone(100, 0.5)
    n, raw = sources + 1, small.weights[0]
    network = small.replace(n_exc=n, indptr=np.minimum(np.arange(n + 1), sources), indices=np.full(sources, sources), weights=np.full(n, raw),
                            seeds=np.arange(1, n + 1), v0=np.where(np.arange(n) < sources, 25 << 12, 0), external=np.zeros((small.steps, n)))
    assert run(network, kernel).spikes.tolist()[sources:] == [[1, sources]]
    assert len(run(network.replace(indptr=np.minimum(np.arange(n + 1), 100), indices=np.full(100, sources)), kernel).spikes) == sources


def test_progress_ends_at_one(ai):
    seen = []
    run(ai, progress=seen.append)
    assert seen == [0.512, 1.0]


@pytest.mark.parametrize("make, message", [
    (lambda n: run(n, "fortran"), "objects, numpy, numba, torch, not 'fortran'"), (lambda n: run(n.replace(source={})), "source is empty"),
    (lambda n: run(n.replace(weights=n.weights + 1)), "weights must be what its source translates into"),
    (lambda n: voltage_brian.run(n.replace(dt_ns=50_000)), "dt must be what its source"),
    (lambda n: Rule(refractory=256), "0..255 steps, not 256"), (lambda n: Rule(noise_std=-1.0), "at least 0 mV, not -1.0"),
    (lambda n: Rule(noise_std=math.nan), "not nan"), (lambda n: Rule(seed=-1), "not -1"), (lambda n: Rule(exact=True, noise_std=1.0), "Euler"),
    (lambda n: StochasticLIFNeuron(v_reset=20.0), "below v_threshold = 20.0 mV, not 20.0 mV"),
    (lambda n: StochasticLIFNeuron(tau_mem=0.0), "above 0 ms, not 0.0"), (lambda n: StochasticLIFNeuron(refractory_period=-1), "not -1")])
def test_bad_input_is_named(ai, make, message):
    with pytest.raises(InputError, match=message):
        make(ai)
