"""Homeostatic neurons: V1 without homeostasis, Brian2 spike for spike with it, the target from both sides, and the stated time constant."""

import functools
import math

import numpy as np
import pytest

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.translator import homeostatic, stateful_brian, voltage
from spikegate.translator.brunel import preset, translate
from spikegate.translator.homeostatic import HomeostaticLIFNeuron, rate_gain, run

N, SECONDS, ETA, TARGET, SEEDS = 1000, 5.0, 1.0, 10.0, (1, 2)
#: G of `ai` in Hz/mV, least on the way from 20 mV to each target, and of a neuron whose threshold alone is shifted at 10 Hz: measured beforehand.
GAIN, OWN_GAIN = {5.0: 0.89, 10.0: 0.92, 40.0: 2.2}, 1.63


@pytest.fixture(scope="module")
def ai():
    return translate(preset("ai"), name="ai", ms=100.0)


@functools.cache
def network(seed):
    made = translate(preset("ai", seed=seed), name="ai", ms=1000 * SECONDS)
    return made.replace(external=external_events(made.replace(indptr=np.zeros(N + 1), indices=[])))


@functools.cache
def settled(seed, target=TARGET, eta=ETA):
    """A run from the free network's threshold, and one from where its thresholds ended."""
    first = run(network(seed), target_hz=target, eta=eta)
    return first, run(network(seed), target_hz=target, eta=eta, theta=first.final["theta"])


def deviation(target, eta, gain):
    """Theta fluctuates as an Ornstein-Uhlenbeck process: Poisson jumps, eta^2 * target of variance a second, relaxing with eta * G."""
    return math.sqrt(eta * target / (2 * gain))


def same_bits(first, second):
    pairs = [(first.final[name], second.final[name]) for name in first.final] + [(first.trace[name], second.trace[name]) for name in first.trace]
    return np.array_equal(first.spikes, second.spikes) and all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("options", [{}, dict(target_hz=45.0, eta=0.2), dict(target_hz=40.0, eta=3.0, limits=(18.0, 22.0))],
                         ids=["above", "below", "limits"])
def test_objects_and_numba_give_the_same_bits(ai, options):
    reference, other = (run(ai, kernel, trace=True, **options) for kernel in ("objects", "numba"))
    print(f"{len(reference.spikes)} spikes, {reference.trace['v'].size} membranes and thresholds")
    assert len(reference.spikes) > 3000 and reference.trace["theta"].shape == (1000, N)
    assert np.array_equal(reference.trace["theta"][-1], reference.final["theta"])
    assert bool(reference.final["saturated"].any()) is ("limits" in options)
    assert same_bits(reference, other)


@pytest.mark.parametrize("name", ["reset", "leak", "refractory", "eta", "smooth", "unit"])
def test_a_constant_wrong_in_its_last_bits_is_seen(ai, name, monkeypatch):
    right, advance = run(ai, trace=True), homeostatic._advance

    def wrong(constants, *rest):
        value = getattr(constants, name)
        changed = value + 1 if name == "refractory" else value * (1 + 2.0**-46)  # eta is added to 20 mV
        return advance(constants._replace(**{name: changed}), *rest)

    monkeypatch.setattr(homeostatic, "_advance", wrong)
    assert not same_bits(run(ai, trace=True), right)


@pytest.mark.parametrize("kernel", ["objects", "numba"])
def test_without_learning_it_is_v1_bit_for_bit(ai, kernel):
    v1, still, learning = voltage.run(ai, trace=True), run(ai, kernel, eta=0.0, trace=True), run(ai, kernel, eta=0.01, trace=True)
    assert len(v1.spikes) > 3000
    assert np.array_equal(still.spikes, v1.spikes) and np.array_equal(still.trace["v"], v1.trace["v"])
    assert np.all(still.trace["theta"] == 20.0)
    assert not np.array_equal(learning.trace["v"], v1.trace["v"])


@pytest.mark.parametrize("target, eta, delay", [(10.0, 0.5, 15), (60.0, 0.5, 15), (10.0, 0.5, 1)])
def test_brian2_gives_the_same_spikes_and_the_same_bits(target, eta, delay):
    made = translate(preset("ai"), name="ai", ms=200.0).replace(delay=delay)
    brian, mine = stateful_brian.run_homeostatic(made, target_hz=target, eta=eta), run(made, target_hz=target, eta=eta)
    print(f"{len(brian.spikes)} spikes compared")
    assert len(brian.spikes) > 5000 and not mine.final["saturated"].any() and np.array_equal(brian.spikes, mine.spikes)
    assert all(np.array_equal(brian.final[part], mine.final[part]) for part in ("v", "theta"))
    for wrong in (dict(target_hz=1.1 * target, eta=eta), dict(target_hz=target, eta=0.9 * eta), dict(target_hz=target, eta=0.0)):
        assert not np.array_equal(run(made, **wrong).spikes, brian.spikes)


@pytest.mark.parametrize("target, eta", [(10.0, ETA), (5.0, ETA), (40.0, 0.2)])
def test_the_rate_reaches_its_target_from_above_and_from_below(target, eta):
    """The mean rate misses the target by the change of the mean theta over eta T: what is left of the way from 20 mV, and five
    deviations of the difference of two independent fluctuations. `ai` by itself has 32 Hz."""
    free = len(run(network(1), eta=0.0).spikes) / (N * SECONDS)
    first, second = settled(1, target, eta)
    gain, moved = GAIN[target], abs(first.final["theta"].mean() - 20)
    margin = (moved * math.exp(-SECONDS * eta * gain) + 5 * math.sqrt(2 / N) * deviation(target, eta, gain)) / (eta * SECONDS)
    reached = len(second.spikes) / (N * SECONDS)
    print(f"{free:.1f} Hz free, {reached:.2f} Hz for {target} Hz, margin {margin:.2f} Hz")
    assert not first.final["saturated"].any() and not second.final["saturated"].any()
    assert margin < 0.05 * target and abs(reached - target) < margin
    assert abs(free - target) > 5


@pytest.mark.parametrize("seed", SEEDS)
def test_every_neuron_reaches_the_target(seed):
    """Margin as above for one neuron; with the settled mean theta fixed and the same in all, some are outside it."""
    margin = 5 * math.sqrt(2) * deviation(TARGET, ETA, OWN_GAIN) / (ETA * SECONDS)
    rates, first = (lambda r: np.bincount(r.spikes[:, 1], minlength=N) / SECONDS), settled(seed)[0]
    held, fixed = rates(settled(seed)[1]), rates(run(network(seed), eta=0.0, theta=np.full(N, first.final["theta"].mean())))
    print(f"{held.min():.1f}..{held.max():.1f} Hz, fixed thresholds {fixed.min():.1f}..{fixed.max():.1f} Hz, margin {margin:.1f} Hz")
    assert np.abs(held - TARGET).max() < margin < np.abs(fixed - TARGET).max()


class Flipped(HomeostaticLIFNeuron):
    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        self.eta, self.drift = -self.eta, -self.drift


class High(HomeostaticLIFNeuron):
    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        self.drift *= 1.1


@pytest.mark.parametrize("wrong, off", [(Flipped, 20.0), (High, 0.8)])
def test_a_wrong_rule_misses_the_target(wrong, off, monkeypatch):
    theta = settled(1)[0].final["theta"]
    monkeypatch.setattr(homeostatic, "HomeostaticLIFNeuron", wrong)
    recording = run(network(1), target_hz=TARGET, eta=ETA, theta=theta)
    late = np.count_nonzero(recording.spikes[:, 0] >= recording.steps / 2) / (N * SECONDS / 2)
    print(f"{wrong.__name__}: {late:.1f} Hz, {recording.final['saturated'].sum()} steps at a limit")
    assert abs(late - TARGET) > off or late < 0.1 * TARGET


@pytest.mark.parametrize("seed", SEEDS)
def test_spikes_and_threshold_balance(seed):
    """spikes = target * T + (theta(T) - theta(0)) / eta for each neuron, but for 50,000 roundings of at most 2^-48 mV below 64 mV."""
    for recording, start in zip(settled(seed), (np.full(N, 20.0), settled(seed)[0].final["theta"])):
        spikes = np.bincount(recording.spikes[:, 1], minlength=N)
        balance = TARGET * SECONDS + (recording.final["theta"] - start) / ETA
        assert spikes.sum() > 40_000 and np.abs(spikes - balance).max() < 2 * 50_000 * 2.0**-47


def time_constant(recording, start):
    """In s: best exponential for the mean theta, which follows from the spikes."""
    times = np.arange(0, recording.steps, 100) * 1e-4
    count = np.concatenate([[0], np.cumsum(np.bincount(recording.spikes[:, 0], minlength=recording.steps))[:-1]])[::100] / N
    theta, fits = start + ETA * (count - TARGET * times), []
    for tau in np.geomspace(0.2, 5, 500):
        basis = np.stack([np.ones_like(times), np.exp(-times / tau)], axis=1)
        fits.append((np.linalg.lstsq(basis, theta)[1][0], tau))
    return min(fits)[1]


def test_the_time_constant_is_the_stated_one():
    """All thresholds are set 5 mV too low or too high and return, at rates from 5 to 15 Hz.

    The fluctuation of the mean theta, s = 0.073 mV, shifts the area under the exponential by s * tau * sqrt(2 T / tau), that is tau by
    sqrt(10) * s / 5 mV = 4.6 %; four runs make 2.3 %. G is a difference of rates of sqrt(10 Hz / (1000 * 4.8 s)) = 0.046 Hz over 4 mV, 1.7 %,
    two runs 1.2 %. Five deviations of both are 13 %. A curved r(theta) has opposite effects on the two directions, and cancels."""
    stated, seen = [], []
    for seed in SEEDS:
        theta = settled(seed)[1].final["theta"]
        stated.append(1 / (ETA * rate_gain(network(seed), theta)))
        seen += [time_constant(run(network(seed), target_hz=TARGET, eta=ETA, theta=theta + shift), theta.mean() + shift) for shift in (-5.0, 5.0)]
    print(f"stated {np.round(stated, 3)} s, seen {np.round(seen, 3)} s, ratio {np.mean(seen) / np.mean(stated):.3f}")
    right, margin = np.mean(stated), 0.13
    assert abs(np.mean(seen) / right - 1) < margin
    # eta a quarter larger; recurrence left out: a neuron's own gain instead of the network's
    for wrong in (right / 1.25, 1 / (ETA * OWN_GAIN)):
        assert abs(np.mean(seen) / wrong - 1) > margin


def test_a_target_out_of_reach_is_reported():
    """At 60 Hz thresholds fall to the reset and stay: the rate is missed, and the steps are counted."""
    recording = run(network(1), target_hz=60.0, eta=ETA)
    late = np.count_nonzero(recording.spikes[:, 0] >= recording.steps / 2) / (N * SECONDS / 2)
    print(f"{late:.1f} Hz, {recording.final['saturated'].sum()} steps at the limit, {np.count_nonzero(recording.final['saturated'])} neurons")
    assert late < 57 and recording.final["theta"].min() >= 10.0
    assert np.count_nonzero(recording.final["saturated"]) > 900 and recording.final["saturated"].sum() > 1_000_000


def test_steps_worked_by_hand():
    neuron = HomeostaticLIFNeuron(dt=0.1, refractory_period=2, target_hz=100.0, eta=0.5, limits=(19.99, 20.5), tau_rate=100.0)
    neuron.v = 21.0
    # theta falls by 0.5 * 100 / 10000 = 0.005 a step; 21 * 0.995 = 20.895 is above it; 19.995 + 0.5
    assert neuron.step() == 1 and neuron.v == 10.0 and neuron.theta == pytest.approx(20.495, abs=1e-12)
    assert neuron.rate == pytest.approx(10.0, abs=1e-12) and neuron.saturated == 0  # 0.001 * 10,000 Hz
    neuron.v = 30.0
    assert neuron.step() == 0 and neuron.v == 10.0 and neuron.theta == pytest.approx(20.49, abs=1e-12)  # refractory: theta still falls
    neuron.step()
    neuron.v = 21.0
    assert neuron.step() == 1 and neuron.theta == 20.5 and neuron.saturated == 1
    assert neuron.rate == pytest.approx(10 * 0.999**3 + 10, abs=1e-9)
    quiet = HomeostaticLIFNeuron(target_hz=100.0, eta=0.5, limits=(19.99, 30.0))
    assert not any(quiet.step() for _ in range(5)) and quiet.theta == 19.99 and quiet.saturated in (3, 2)


def test_the_readout_is_the_rate():
    """Its mean over neurons at the end against the spikes of the second half: 2.5 s and an exponential of 1 s, Poisson, five deviations."""
    recording = settled(1)[1]
    late = np.count_nonzero(recording.spikes[:, 0] >= recording.steps / 2) / (N * SECONDS / 2)
    filled = 1 - math.exp(-SECONDS)  # it begins at 0
    margin = 5 * math.sqrt(TARGET / N * (1 / 2 + 1 / 2.5))
    print(f"{recording.final['rate'].mean():.2f} Hz, {late:.2f} Hz, margin {margin:.2f} Hz")
    assert margin < 0.5 and abs(recording.final["rate"].mean() / filled - late) < margin


@pytest.mark.parametrize("make, message", [
    (lambda n: run(n, "numpy"), "objects, numba, not 'numpy'"), (lambda n: run(n.replace(source={})), "source is empty"),
    (lambda n: run(n, target_hz=10_001.0), "0..10000 Hz, a spike a step, not 10001.0"), (lambda n: run(n, eta=-0.1), "at least 0 mV, not -0.1"),
    (lambda n: run(n, eta=math.nan), "not nan"), (lambda n: run(n, limits=(9.0, 30.0)), "at least v_reset = 10.0 mV, not 9.0..30.0"),
    (lambda n: run(n, limits=(10.0, 19.0)), "hold v_threshold = 20.0 mV"), (lambda n: run(n, tau_rate=0.05), "at least dt = 0.1 ms, not 0.05 ms"),
    (lambda n: run(n, theta=np.full(3, 20.0)), "1000 entries"), (lambda n: run(n, theta=np.full(N, 9.0)), "10.0..120.0 mV"),
    (lambda n: run(n, theta=np.full(N, math.nan)), "entries in"), (lambda n: rate_gain(n, np.full(N, 20.0), 0.0), "delta must be above 0"),
    (lambda n: rate_gain(n, np.full(N, 20.0)), "skip_ms within the run"), (lambda n: HomeostaticLIFNeuron(tau_mem=0.0), "above 0 ms, not 0.0")])
def test_bad_input_is_named(ai, make, message):
    with pytest.raises(InputError, match=message):
        make(ai)
