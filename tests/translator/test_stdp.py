"""Stochastic STDP: V1 without learning, two kernels with the same bits, and Brian2's own rule in expectation, on pairs, trains and the network."""

import dataclasses
import math

import brian2 as b
import numpy as np
import pytest

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.translator import voltage
from spikegate.translator.brian_parts import device
from spikegate.translator.brunel import BrunelParams, preset, translate
from spikegate.translator.stdp import KERNELS, Plasticity, StochasticSTDPSynapse, learn, run
from spikegate.translator.stdp_kernels import philox
from spikegate.translator.voltage_brian import SCHEDULES

#: Deviations that a mean of Bernoulli sums may be off, before a run is called wrong.
Z = 5.0
SWAPPED, TAU_WRONG = Plasticity(a_plus=0.0105, a_minus=0.01), Plasticity(tau_plus=16.0, tau_minus=16.0)


@pytest.fixture(scope="module")
def ai():
    return translate(preset("ai"), name="ai", ms=200.0)


def small(**changes):
    """100 neurons that fire, with the initial weight in the middle of the grid."""
    return translate(BrunelParams(n_exc=80, n_inh=20, weight_exc=1.1, g_inh=4.0, v_spread=True, tau_mem=10.0, **changes), ms=60.0)


def synapses(before, after, pre, post, rule, clock, delay, *, dw=0.0, on_arrival="x += up", pre_first=False):
    """Brian2's rule in grid steps, and the variance of Bernoulli steps of the same amounts."""
    constants = dict(tau_plus=rule.tau_plus * b.ms, tau_minus=rule.tau_minus * b.ms, up=rule.a_plus * rule.top, down=rule.a_minus * rule.top,
                     top=rule.top, dw=dw)
    step = "r = {0} - floor({0})\nvariance += r * (1 - r)\nw = clip(w {1} {0}, 0, top)\n"
    made = b.Synapses(before, after, "w : 1\nvariance : 1\ndx/dt = -x / tau_plus : 1 (event-driven)\ndy/dt = -y / tau_minus : 1 (event-driven)",
                      on_pre="v_post += dw * w\n" * bool(dw) + step.format("y", "-") + on_arrival, on_post=step.format("x", "+") + "y += down",
                      delay={"pre": delay * clock.dt}, clock=clock, namespace=constants)
    made.connect(i=pre, j=post)
    made.w, made.pre.order, made.post.order = rule.one, not pre_first, pre_first
    return made


def replay(spikes, n, steps, pre, post, rule, delay=0, **changes):
    """Weights and variances, grid steps, after Brian2's rule on given spikes (step, neuron)."""
    with device(b, "runtime"):
        clock = b.Clock(dt=0.1 * b.ms)
        source = b.SpikeGeneratorGroup(n, spikes[:, 1], spikes[:, 0] * clock.dt, clock=clock)
        made = synapses(source, source, pre, post, rule, clock, delay, **changes)
        b.Network(source, made).run(steps * clock.dt, namespace={})
        return np.array(made.w), np.array(made.variance)


def plastic(network):
    """Source and target of each excitatory synapse."""
    sources = np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))
    return sources[sources < network.n_exc], network.indices[:network.indptr[network.n_exc]].astype(np.int64)


def brian_network(network, rule):
    """The whole network with the deterministic rule in Brian2, V1's order: weights and Bernoulli variances, grid steps, and the number of spikes."""
    bp, events = voltage.parameters(network), iter(external_events(network))
    with device(b, "runtime"):
        clock = b.Clock(dt=network.dt_ns * b.nsecond)
        neurons = b.NeuronGroup(network.n, "dv/dt = -v / tau : 1 (unless refractory)\nevents : 1", threshold="v > v_th", reset="v = v_reset",
                                refractory=network.lif.refractory * clock.dt, method="euler", clock=clock,
                                namespace=dict(tau=bp.tau_mem * b.ms, v_th=bp.v_threshold, v_reset=bp.v_reset, J=bp.weight_exc))
        neurons.run_regularly("v += J * events", when="synapses", clock=clock)
        neurons.v = network.v0 / network.lif.format.one
        learning = synapses(neurons, neurons, *plastic(network), rule, clock, network.delay - 1, dw=bp.weight_exc / rule.one)
        rows = np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))
        fixed = b.Synapses(neurons, neurons, on_pre="v_post -= g", delay=(network.delay - 1) * clock.dt, clock=clock, namespace={"g": bp.weight_inh})
        fixed.connect(i=rows[rows >= network.n_exc], j=network.indices[network.indptr[network.n_exc]:].astype(np.int64))
        count = neurons.variables["events"].get_value()
        due = b.NetworkOperation(lambda: np.copyto(count, next(events)), when="start", clock=clock)
        monitor = b.SpikeMonitor(neurons)
        whole = b.Network(neurons, learning, fixed, due, monitor)
        whole.schedule = SCHEDULES[False]
        whole.run(network.steps * clock.dt, namespace={})
        return np.array(learning.w), np.array(learning.variance), monitor.num_spikes


def test_philox_gives_the_published_numbers():
    """Known answers of Random123, philox4x32 with ten rounds."""
    ones, pi = 0xFFFFFFFF, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)
    for values, answer in (((0,) * 6, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"), ((ones,) * 6, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
                           (pi, "d16cfe09 94fdcceb 5001e420 24126ea1")):
        assert " ".join(f"{int(word):08x}" for word in philox(*(np.uint64(value) for value in values))) == answer


@pytest.mark.parametrize("rule", [Plasticity(), Plasticity(0.3, 0.35, 15.0, 25.0, bits=4, w_max=4.0, seed=2**40 + 7)], ids=["default", "clipping"])
@pytest.mark.parametrize("delay", [0.1, 1.5])
def test_objects_and_numba_give_the_same_bits(rule, delay):
    network = small(delay=delay)
    (a, mine), (c, other) = (learn(network, kernel, rule, trace=True) for kernel in KERNELS)
    assert len(a.spikes) > 300 and len(np.unique(mine)) > 5
    assert np.array_equal(a.spikes, c.spikes) and np.array_equal(a.trace["v"], c.trace["v"]) and np.array_equal(mine, other)
    assert a.provenance["clipped"] == c.provenance["clipped"] and (min(a.provenance["clipped"]) > 50) == (rule.bits == 4)
    assert np.array_equal(a.final["weight"], c.final["weight"]) and np.array_equal(a.final["v"], c.final["v"])
    assert not np.array_equal(learn(network, rule=dataclasses.replace(rule, seed=5))[1], mine)


@pytest.mark.parametrize("name", ["ai", "tutorial"])
def test_without_learning_it_is_v1_to_the_last_bit(name):
    network, off = translate(preset(name), name=name, ms=100.0), Plasticity(a_plus=0.0, a_minus=0.0)
    (mine, weights), v1 = learn(network, rule=off, trace=True), voltage.run(network, trace=True)
    assert len(v1.spikes) > 3000 and np.array_equal(mine.spikes, v1.spikes) and np.array_equal(mine.trace["v"], v1.trace["v"])
    assert np.array_equal(np.unique(weights), [-voltage.parameters(network).weight_inh, voltage.parameters(network).weight_exc])
    assert not np.array_equal(run(network, trace=True).trace["v"], v1.trace["v"])


def test_a_synapse_by_hand():
    """Whole amounts, so nothing is left to chance: A+ is 4 steps, A- 2, and a trace falls to 2^-k in k * 10 steps."""
    tau = 1.0 / math.log(2)
    synapse = StochasticSTDPSynapse(Plasticity(4 / 128, 2 / 128, tau * (1 + 1e-15), tau * (1 + 1e-15)))
    seen = []
    for event, step in (("pre", 5), ("post", 5), ("pre", 5), ("post", 15), ("pre", 15)):
        getattr(synapse, event)(step)
        seen.append(synapse.index)
    # post after pre in one step: +4; pre again: -2, trace 8; ten steps on: +4, trace 2/2 + 2; then -3
    assert seen == [64, 68, 66, 70, 67] and synapse.weight == 67 / 64 and synapse.pre(15) == 67
    with pytest.raises(InputError, match="in 15..2"):
        synapse.post(14)


def after_pair(interval, rule, replicas):
    """Change in grid steps of each of many synapses for post - pre = interval steps."""
    found = np.empty(replicas)
    for k in range(replicas):
        synapse = StochasticSTDPSynapse(rule, stream=k)
        for event in ("pre", "post") if interval > 0 else ("post", "pre"):
            getattr(synapse, event)(1000 + (interval if event == "post" else 0))
        found[k] = synapse.index - rule.one
    return found


def test_the_window_is_the_exponential_of_song_miller_and_abbott():
    """Mean change over 3000 synapses a point. One step of probability r has the variance r(1 - r); floors are sure."""
    rule, replicas, rejected = Plasticity(), 3000, {TAU_WRONG: 0, SWAPPED: 0}
    for ms in (-50, -30, -15, -5, -1, 0, 1, 5, 15, 30, 50):
        changes = after_pair(10 * ms, rule, replicas)
        expected = lambda r: r.top * (r.a_plus * math.exp(-ms / r.tau_plus) if ms > 0 else -r.a_minus * math.exp(ms / r.tau_minus))  # noqa: E731, B023
        rest = abs(expected(rule)) % 1
        margin = Z * math.sqrt(rest * (1 - rest) / replicas)
        print(f"{ms:4d} ms: {changes.mean():+.4f} grid steps, expected {expected(rule):+.4f}, margin {margin:.4f}")
        assert (changes.mean() > 0) == (ms > 0) and set(np.abs(changes)) <= {math.floor(abs(expected(rule))), math.ceil(abs(expected(rule)))}
        assert abs(changes.mean() - expected(rule)) < margin
        for wrong in rejected:
            rejected[wrong] += abs(changes.mean() - expected(wrong)) >= margin
    print("points that reject tau = 16 ms and A+, A- swapped:", *rejected.values())
    assert rejected[TAU_WRONG] >= 3 and rejected[SWAPPED] >= 1


def test_trains_change_a_weight_as_in_brian2_in_expectation():
    """Eight pairs of trains of 40 Hz for 500 ms, 1000 synapses a pair, mean against Brian2's deterministic weight of the same trains."""
    pairs, replicas, steps, rule, rng = 8, 1000, 5000, Plasticity(), np.random.default_rng(3)
    spikes = np.argwhere(rng.random((steps, 2 * pairs)) < 0.004)
    means = np.zeros(pairs)
    for pair in range(pairs):
        mine = [("post", "pre")[neuron < pairs] for neuron in range(2 * pairs)]
        # at the same step the post spike first, as everywhere
        events = sorted((int(step), mine[neuron]) for step, neuron in spikes if neuron % pairs == pair)
        for k in range(replicas):
            synapse = StochasticSTDPSynapse(rule, stream=1000 * pair + k)
            for step, event in events:
                getattr(synapse, event)(step)
            means[pair] += synapse.index / replicas
            assert synapse.clipped == [0, 0]
    i = np.arange(pairs)
    at = lambda rule, **changes: replay(spikes, 2 * pairs, steps, i, i + pairs, rule, **changes)  # noqa: E731
    weights, variance = at(rule)
    margin = Z * np.sqrt(variance / replicas)
    print("changes", np.round(weights - rule.one, 2), "mine - Brian2", np.round(means - weights, 3), "margins", np.round(margin, 3))
    assert np.all(np.abs(weights - rule.one) < 50) and np.all(variance > 1) and np.all(np.abs(means - weights) < margin)
    for wrong in (at(TAU_WRONG), at(SWAPPED), at(rule, on_arrival="x = up"), at(rule, delay=20)):
        outside = np.abs(means - wrong[0]) >= margin
        print("a wrong rule is outside in", outside.sum(), "of 8")
        assert outside.sum() >= 3


def test_every_synapse_of_the_network_learns_as_in_brian2_in_expectation(ai):
    """Brian2's deterministic rule on the network's own spikes. The difference of each synapse is a martingale of Bernoulli steps: mean 0 and
    the variance that Brian2 sums up, independent between synapses. So the mean over all is 0 within Z sqrt(sum of variances) / count, and the
    squares over their variances are 1 within Z sqrt(4 / used): with a variance above 1/2 a sum of such steps has a kurtosis below 5.
    """
    rule, (sources, targets) = Plasticity(), plastic(ai)
    recording, learned = learn(ai, rule=rule)
    mine, count = learned[:len(sources)] / 0.5 * rule.one, len(sources)
    assert count == 80_000 and len(recording.spikes) > 6000 and recording.provenance["clipped"] == [0, 0]
    spikes = recording.spikes[recording.spikes[:, 0] < ai.steps - 1]  # a post spike of the last step has not acted yet

    def distances(rule, delay=ai.delay - 1, **changes):
        weights, variance = replay(spikes, ai.n, ai.steps - 1, sources, targets, rule, delay, **changes)
        off, used = mine - weights, variance > 0.5
        return (abs(off.mean()) / (math.sqrt(variance.sum()) / count), abs(np.mean(off[used] ** 2 / variance[used]) - 1) / math.sqrt(4 / used.sum()),
                used.sum(), weights)

    right = distances(rule)
    print(f"{right[2]} synapses, mean {mine.mean():.3f}, Brian2 {right[3].mean():.3f}: {right[0]:.2f} deviations, squares {right[1]:.2f}")
    assert right[2] > 60_000 and max(right[:2]) < Z
    for name, wrong in (("tau 16 ms", distances(TAU_WRONG)), ("swapped", distances(SWAPPED)), ("trace reset", distances(rule, on_arrival="x = up")),
                        ("delay one longer", distances(rule, ai.delay)), ("no delay", distances(rule, 0)),
                        ("pre first", distances(rule, pre_first=True))):
        print(f"{name}: {wrong[0]:.1f} and {wrong[1]:.1f} deviations")
        assert max(wrong[:2]) > Z


def test_the_learning_network_has_brian2s_weights_and_rate():
    """Each on its own spikes, which differ as soon as a weight does. Mean weight, deviation of weights and spikes of ten seeds; Brian2's weights have
    the deviation of the rule alone, to which the variance of the Bernoulli steps adds. Margins of 4 deviations, sqrt(1 + 1/10) for one against ten.
    Controls: A+ and A- swapped for the mean, a grid of 2^5 steps, whose Bernoulli steps are coarser, for the deviation.
    """
    network, (sources, _) = translate(preset("ai"), name="ai", ms=500.0), plastic(translate(preset("ai"), name="ai", ms=500.0))

    def mine(seed, bits=7):
        recording, learned = learn(network, rule=Plasticity(seed=seed, bits=bits))
        weights = learned[:len(sources)] / 0.5 * 64
        assert recording.provenance["clipped"] == [0, 0]
        return weights.mean(), weights.std(), len(recording.spikes)

    def brian(rule):
        weights, variance, spikes = brian_network(network, rule)
        return np.array([weights.mean(), math.sqrt(weights.var() + variance.mean()), spikes])

    runs = np.array([mine(seed) for seed in range(10)])
    mean, margin = runs.mean(axis=0), 4 * math.sqrt(1.1) * runs.std(axis=0, ddof=1)
    right, swapped, coarse = brian(Plasticity()), brian(SWAPPED), mine(1, bits=5)
    print(f"mean, deviation, spikes {mean}, margins {margin}, Brian2 {right}; swapped {swapped}, 2^5 steps {coarse}")
    assert np.all(np.abs(right - mean) < margin)
    assert abs(swapped[0] - mean[0]) > margin[0] and abs(coarse[1] - mean[1]) > margin[1]


def test_progress_ends_at_one(ai):
    seen = []
    run(ai, progress=seen.append)
    assert seen[-1] == 1.0 and len(seen) == 8


@pytest.mark.parametrize("make, message", [
    (lambda n: run(n, "numpy"), "objects, numba, not 'numpy'"), (lambda n: run(n.replace(source={})), "source is empty"),
    (lambda n: Plasticity(a_plus=-0.1), "0..1 of w_max, not -0.1"), (lambda n: Plasticity(tau_minus=0.0), "above 0 ms, not 0.0"),
    (lambda n: Plasticity(bits=0), "1..20 bits, not 0"), (lambda n: Plasticity(w_max=3.0), "power of two in 1..2\\^7 initial weights, not 3.0"),
    (lambda n: Plasticity(w_max=256.0), "not 256.0"), (lambda n: Plasticity(seed=-1), "not -1"), (lambda n: Plasticity(a_minus=math.nan), "not nan"),
    (lambda n: StochasticSTDPSynapse(dt=0.0), "above 0 ms, not 0.0"), (lambda n: StochasticSTDPSynapse(stream=2**32), "0..2\\^32-1, not")])
def test_bad_input_is_named(ai, make, message):
    with pytest.raises(InputError, match=message):
        make(ai)
