"""One neuron of the voltage domain by hand, its leak and the noise of theory."""

import math

import numpy as np
import pytest
from small_networks import alone

from spikegate.cosim.results.statistics import cv_isi, rate_hz
from spikegate.translator import voltage_brian
from spikegate.translator.brunel import preset, translate
from spikegate.translator.voltage import run
from spikegate.translator.voltage_neuron import Rule, StochasticLIFNeuron

NOISY = Rule(noise_std=1.0)


def same_bits(first, second):
    return all(np.array_equal(a, b) for a, b in ((first.spikes, second.spikes), (first.final["v"], second.final["v"]),
                                                (first.trace["v"], second.trace["v"])))


def test_a_neuron_by_hand():
    neuron = StochasticLIFNeuron(v_threshold=20.0, v_reset=10.0, v_rest=0.0, tau_mem=20.0, dt=0.1, resistance=1.0, noise_std=0.0, refractory_period=3)
    neuron.v += 20.25
    assert neuron.step(0.0) == 1 and neuron.v == 10.0  # 20.25 * 0.995 = 20.14875
    seen = []
    for _ in range(5):
        neuron.v += 5.0
        seen.append((neuron.step(0.0), round(neuron.v, 12)))
    # two steps without leak, one with, all without input; then 9.95 + 5, leaked, and so on
    assert seen == [(0, 10.0), (0, 10.0), (0, 9.95), (0, 14.87525), (0, round(19.87525 * 0.995, 12))]
    constant = StochasticLIFNeuron(resistance=2.0)
    assert constant.step(5.0) == 0 and constant.v == pytest.approx(0.05, rel=1e-15)


def test_the_exact_leak_is_the_exponential():
    network = alone(100, 40.0, v_spread=True)
    v0, times = network.v0 / 4096, (1 + np.arange(400)[:, None]) * 0.1
    exact, euler = (run(network, rule=Rule(exact=exact), trace=True).trace["v"] for exact in (True, False))
    truth = v0 * np.exp(-times / 20)
    # 400 roundings of at most 2^-49 mV below 20 mV
    assert np.abs(exact - truth).max() < 400 * 2.0**-49
    # Euler's time constant is -dt / ln(1 - dt/tau) = 19.95 ms: off by 0.0025 * t/tau * v, largest at t = tau
    assert np.abs(euler - truth).max() == pytest.approx(0.0025 * v0.max() / math.e, rel=0.01)


@pytest.mark.parametrize("tau, ms", [(20.0, 500.0), (0.2, 20.0)])
def test_the_free_membrane_has_the_variance_of_theory(tau, ms):
    """v' = (1 - a) v + sqrt(2a) xi has the variance 1 / (1 - a/2), a = dt/tau."""
    a, network = 0.1 / tau, alone(v_threshold=100.0, tau_mem=tau, ms=ms)
    first = int(5 / a)
    expected = 1 / (1 - a / 2)
    # squares of an AR(1) process are correlated by (1 - a)^2 a step: this many independent samples, each of relative deviation sqrt(2)
    samples = 1000 * (network.steps - first) * (1 - (1 - a) ** 2) / (1 + (1 - a) ** 2)
    margin = 5 * math.sqrt(2 / samples)
    mine, brian = run(network, rule=NOISY, trace=True).trace["v"], voltage_brian.run(network, NOISY, trace=True, codegen="numpy").trace["v"]
    wrong = run(network, rule=Rule(noise_std=math.sqrt(0.5)), trace=True).trace["v"]
    print(f"variance {mine[first:].var():.4f}, Brian2 {brian[first:].var():.4f}, theory {expected:.4f}, margin {100 * margin:.1f} %")
    for v in (mine, brian):
        assert v[first:].var() == pytest.approx(expected, rel=margin)
        assert abs(v[first:].mean()) < 5 * math.sqrt(expected * (2 - a) / a / (1000 * (network.steps - first)))
    assert wrong[first:].var() != pytest.approx(expected, rel=margin)


def test_noise_is_independent_between_neurons_and_seeds():
    network = alone(400, 20.0, v_threshold=100.0, tau_mem=0.2)
    v = run(network, rule=NOISY, trace=True).trace["v"][50:]
    pairs = np.corrcoef(v.T)[np.triu_indices(400, 1)]
    # 150 steps with (1 + r^2) / (1 - r^2) = 5/3 steps a sample, r = 0.5: deviation 1 / sqrt(90), over 79,800 pairs
    assert abs(pairs.mean()) < 5 / math.sqrt(90 * len(pairs)) and pairs.std() == pytest.approx(1 / math.sqrt(90), rel=0.05)
    other = run(network, rule=Rule(noise_std=1.0, seed=2), trace=True).trace["v"][50:]
    assert abs(np.corrcoef(v.ravel(), other.ravel())[0, 1]) < 5 / math.sqrt(90 * 400)
    assert same_bits(run(network, rule=NOISY, trace=True), run(network, rule=Rule(noise_std=1.0, seed=1), trace=True))


def test_noise_alone_fires_neurons_at_brian2s_rate():
    """Rest 1.5 mV below threshold; the counts scatter less than a Poisson process's, as the reset is far below."""
    network = alone(v_rest=18.5)
    count = lambda rule, engine=run, **more: len(engine(network, rule=rule, **more).spikes)  # noqa: E731
    brian, mine, wrong = count(NOISY, voltage_brian.run, codegen="numpy"), count(NOISY), count(Rule(noise_std=0.9))
    margin = 4 * math.sqrt(2 * brian)
    print(f"{mine} spikes, Brian2 {brian}, with noise_std 0.9 {wrong}, margin {margin:.0f}")
    assert count(Rule()) == 0 and brian > 1000
    assert abs(mine - brian) < margin < abs(wrong - brian)


def test_the_noisy_network_has_brian2s_statistics():
    """Regular `tutorial`, where 1 mV shows; margins of 4 deviations over ten seeds, sqrt(1 + 1/10) for one run against a mean of ten."""
    network = translate(preset("tutorial"), ms=200.0)
    measure = lambda recording: (rate_hz(recording, network.dt_ns), cv_isi(recording))  # noqa: E731
    runs = np.array([measure(run(network, rule=Rule(noise_std=1.0, seed=seed))) for seed in range(10)])
    mean, margin = runs.mean(axis=0), 4 * math.sqrt(1.1) * runs.std(axis=0, ddof=1)
    brian = measure(voltage_brian.run(network, NOISY, codegen="numpy"))
    print(f"rate and CV {mean}, margins {margin}, Brian2 {brian}")
    assert np.all(np.abs(brian - mean) < margin)
    for wrong in (Rule(), Rule(noise_std=0.8), Rule(noise_std=math.sqrt(2))):
        assert abs(measure(run(network, rule=wrong))[1] - mean[1]) > margin[1]
