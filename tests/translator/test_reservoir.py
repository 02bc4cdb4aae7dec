"""The stochastic reservoir: every bit against a serial reference, the AND product against its bound, echo states, memory and NARMA-10."""

import math

import numpy as np
import pytest

from spikegate.models.core.engine import external_events
from spikegate.models.core.windows import ones
from spikegate.models.errors import InputError
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.encoder import threshold
from spikegate.models.streams.planes import below, sobol_planes
from spikegate.translator import voltage
from spikegate.translator.brunel import BrunelParams, preset, translate
from spikegate.translator.reservoir import SCRecurrentLayer, run
from spikegate.translator.reservoir_tasks import memory_capacity, narma10, narma_error

STEPS, DELAYS, SEEDS, LENGTHS = 3000, 40, (1, 2, 3), (64, 256, 1024)


def small(seed=1, **changes):
    """200 neurons with 16 excitatory and 4 inhibitory inputs each."""
    return translate(BrunelParams(**{**dict(n_exc=160, n_inh=40, seed=seed), **changes}), ms=1.0)


def inputs(n, seed, steps=STEPS):
    """u in 0..0.5, and the drive 0.3 * (4u - 1) * input weight + 0.3 * bias, both weights uniform in -1..1."""
    rng = np.random.default_rng(seed)
    u = rng.uniform(0, 0.5, steps)
    return u, 0.3 * np.outer(4 * u - 1, rng.uniform(-1, 1, n)) + 0.3 * rng.uniform(-1, 1, n)


def serial(network, layer, start, drive, dimensions=(0, 1)):
    """The layer as published equations: one bit at a time, from numbers of the Sobol sequence."""
    length, n = layer.length, network.n
    windows = 65536 // length
    bp = voltage.parameters(network)
    size = [bp.weight_exc] * network.n_exc + [bp.weight_inh] * network.n_inh
    first, second = (SobolParams(dimension).points(np.arange(65536)).reshape(windows, length) for dimension in dimensions)
    past, found = [np.array(start)] * network.delay, []
    for row in drive:
        total = [0] * n
        for j in range(n):
            state = first[j % windows] < past[0][j]
            for k in range(network.indptr[j], network.indptr[j + 1]):
                weight = second[k % windows] < threshold(size[j] / max(size))
                product = 2 * sum(1 for a, b in zip(state, weight) if a and b) - sum(1 for b in weight if b)
                total[network.indices[k]] += product if j < network.n_exc else -product
        x = [round(8192 * (layer.gain * count / length + float(add))) / 8192 for count, add in zip(total, row)]
        found.append([round(65536 * (1 + math.tanh(value)) / 2) for value in x])
        past = [*past[1:], np.array(found[-1])]
    return np.array(found) / 65536


@pytest.mark.parametrize("delay", [1, 3])
@pytest.mark.parametrize("length", [64, 256])
def test_every_state_is_that_of_a_serial_reference(length, delay):
    network = translate(BrunelParams(n_exc=15, n_inh=5, conn_prob=0.3, weight_exc=0.3, g_inh=2.3, seed=2), ms=1.0).replace(delay=delay)
    layer, rng = SCRecurrentLayer(network, length=length), np.random.default_rng(1)
    drive, start = rng.normal(0, 0.5, (12, 20)), rng.integers(0, 65537, 20)
    drive[5] *= 20  # beyond both ends of the table
    layer.reset(start / 65536)
    found = np.concatenate([layer.run(drive[:7]), layer.run(drive[7:])])
    assert np.array_equal(found, serial(network, layer, start, drive)) and found.min() == 0 and found.max() == 1
    assert not np.array_equal(found, serial(network, layer, start, drive, (1, 0)))


def test_an_and_gate_multiplies_within_the_bound_of_a_net_whatever_the_windows():
    """|popcount - L p q| <= log2(L)/2 + 3/2 for two windows of dimensions 0 and 1 (Niederreiter 1992, chapter 4); one dimension breaks it."""
    rng, out = np.random.default_rng(5), [np.empty(4, np.uint64), np.empty(4, np.uint64)]
    planes = [sobol_planes(SobolParams(dimension), 256, 0, 256) for dimension in (0, 1)]

    def worst(dimensions, count=20_000):
        largest = 0.0
        for _ in range(count):
            levels = rng.integers(0, 65537, 2)
            for stream, dimension, level in zip(out, dimensions, levels):
                below(planes[dimension][rng.integers(256)], level, stream)
            largest = max(largest, abs(sum(ones(word) for word in out[0] & out[1]) - 256 * levels[0] * levels[1] / 2.0**32))
        return largest

    right, wrong = worst((0, 1)), worst((0, 0))
    print(f"worst of 20,000 products: {right:.2f} of 256, bound 5.5; one dimension {wrong:.1f}")
    assert right <= 5.5 < wrong


def test_the_spectral_radius_is_that_of_theory():
    """With fixed in-degrees the vector of ones belongs to C_E J - C_I g J, the largest in `ai`: 80 * 0.5 - 20 * 4 = -40 mV."""
    layer = SCRecurrentLayer(translate(preset("ai"), ms=1.0), length=64, radius=0.8)
    assert layer.own_radius == pytest.approx(40.0, rel=1e-9) and layer.gain == pytest.approx(0.8 * 4 / 40, rel=1e-9)
    linear = layer.run_float(np.zeros((1, 1000)), 0.5 + 5e-7)
    assert 2 * linear - 1 == pytest.approx(np.full((1, 1000), -0.8e-6), rel=1e-6)


def argument_error(layer, states, drive):
    """Differences in front of tanh between streams and exact products, at 30 of the given states."""
    found = []
    for p, row in zip(states[200::90], drive[200::90]):
        layer.reset(p)
        found.append(np.arctanh(2 * layer.run(row[None]) - 1) - np.arctanh(2 * layer.run_float(row[None], np.round(p * 65536) / 65536) - 1))
    layer.reset()
    return float(np.std(np.concatenate(found)))


@pytest.fixture(scope="module")
def measured():
    """By seed and length: memory capacity and NARMA-10 error of the streams, those of float with noise of their rms error, the rms; and float."""
    found = {}
    for seed in SEEDS:
        network = small(seed)
        u, drive = inputs(network.n, seed)
        score = lambda states: (memory_capacity(states, u, DELAYS), narma_error(states, u))  # noqa: E731, B023
        layers = {length: SCRecurrentLayer(network, length=length) for length in LENGTHS}
        layers["one dimension"] = SCRecurrentLayer(network, dimensions=(0, 0))
        exact = layers[64].run_float(drive)
        found[seed, "float"] = score(exact)
        for length, layer in layers.items():
            error = argument_error(layer, exact, drive)
            noisy = layer.run_float(drive + error * np.random.default_rng(seed).standard_normal(drive.shape))
            found[seed, length] = score(layer.run(drive)), score(noisy), error
    return found


def test_the_error_of_a_step_falls_faster_than_that_of_independent_bits(measured):
    """Four times the length: independent bits halve the error, a net divides it by four but for a logarithm; at least three is asked for."""
    for seed in SEEDS:
        errors = [measured[seed, length][2] for length in LENGTHS]
        print(f"seed {seed}: rms error of the argument {errors}, one dimension {measured[seed, 'one dimension'][2]:.3f}")
        assert errors[0] / errors[1] > 3 and errors[1] / errors[2] > 3
        assert measured[seed, "one dimension"][2] > 5 * errors[1]


@pytest.mark.parametrize("task, sign", [(0, 1), (1, -1)], ids=["memory", "narma"])
def test_streams_cost_no_more_than_white_noise_of_their_error(measured, task, sign):
    """Between float with that noise and float, by means over three networks and inputs; margin of four standard errors of the two means."""
    at = lambda length, which: np.array([measured[seed, length][which][task] for seed in SEEDS])  # noqa: E731
    exact = np.array([measured[seed, "float"][task] for seed in SEEDS])

    def inside(mine, noisy):
        margin = 4 * math.sqrt((mine.var(ddof=1) + noisy.var(ddof=1)) / len(SEEDS))
        top = 4 * math.sqrt((mine.var(ddof=1) + exact.var(ddof=1)) / len(SEEDS))
        print(f"streams {mine.mean():.3f}, float with noise {noisy.mean():.3f} - {margin:.3f}, float {exact.mean():.3f} + {top:.3f}")
        return sign * (mine.mean() - noisy.mean()) > -margin and sign * (mine.mean() - exact.mean()) < top

    assert all(inside(at(length, 0), at(length, 1)) for length in LENGTHS)
    means = [*(at(length, 0).mean() for length in LENGTHS), exact.mean()]
    assert np.all(np.diff(means) * sign > 0)
    # streams of one dimension do not reach the float network with the noise of L = 256, nor those of 64 bits that of 1024
    assert not inside(at("one dimension", 0), at(256, 1)) and not inside(at(64, 0), at(1024, 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_it_has_echo_states_down_to_the_resolution_of_its_streams(seed):
    """A stream does not tell apart states closer than 1/L, and independent errors that the matrix feeds back add up to about 1/sqrt(1 - r^2) times
    their size, 3.2 for 0.95: 3.2/L is the limit for the distance of two runs. In float it goes to 0. With a radius of 4 opposite states stay apart.
    """
    network = small(seed)
    _, drive = inputs(network.n, seed, 600)
    start = np.random.default_rng(seed).uniform(0, 1, network.n)

    def distance(length, radius, exact=False):
        layer = SCRecurrentLayer(network, length=length, radius=radius)
        runs = []
        for p in (start, 1 - start):
            layer.reset(p)
            runs.append(layer.run_float(drive, p) if exact else layer.run(drive))
        return np.sqrt(np.mean((runs[0] - runs[1]) ** 2, axis=1))

    for length in (64, 256, 1024):
        apart = distance(length, 0.95)
        print(f"L = {length}: {apart[0]:.3f} after a step, at most {apart[300:].max():.5f} after 300, limit {3.2 / length:.5f}")
        assert apart[0] > 10 / 64 and apart[300:].max() < 3.2 / length
        assert distance(length, 4.0)[300:].min() > 3.2 / length
    assert distance(64, 0.95, True)[-1] < 1e-9 and distance(64, 4.0, True)[300:].min() > 3.2 / 64


def test_the_tasks_measure_what_is_known():
    rng = np.random.default_rng(2)
    u = rng.uniform(0, 0.5, 4000)
    line = np.stack([np.roll(u, k) for k in range(1, 21)], axis=1)
    # a line of 20 taps remembers 20; a delay beyond it adds 1/1200 by chance, the number of test steps, and more for an overfitted readout
    assert memory_capacity(line, u, 30) == pytest.approx(20, abs=0.3) and memory_capacity(line[:, :7], u, 30) == pytest.approx(7, abs=0.3)
    assert memory_capacity(rng.standard_normal((4000, 20)), u, 30) < 0.5
    y = narma10(np.full(12, 0.5))
    assert y[:9].tolist() == [0] * 9 and y[9] == 0.475 and y[10] == pytest.approx(0.3 * 0.475 + 0.05 * 0.475**2 + 0.475, rel=1e-15)
    assert narma_error(narma10(u)[:, None], u) < 1e-6 and narma_error(rng.standard_normal((4000, 20)), u) == pytest.approx(1, abs=0.05)


def test_the_whole_network_runs_on_its_own_events():
    network, seen = translate(preset("ai"), name="ai", ms=40.0), []
    recording = run(network, trace=True, progress=seen.append)
    states, events = recording.trace["state"], external_events(network)
    assert states.shape == (400, 1000) and len(recording.spikes) == 0 and seen == [0.64, 1.0]
    assert np.array_equal(states[-1], recording.final["state"]) and np.array_equal(states, run(network, trace=True).trace["state"])
    # 0.4 events a step in the mean, 80 inputs of 1/200
    layer = SCRecurrentLayer(network)
    layer.reset(network.v0 / 256 / 20)
    drive = 0.1 * (events - 0.4) / math.sqrt(0.4)
    assert np.array_equal(layer.run(drive), states)
    exact = layer.run_float(drive, network.v0 / 256 / 20)
    assert np.sqrt(np.mean((states - exact)[100:] ** 2)) < 1 / 256 < exact[100:].std()
    other = run(network.replace(external=np.roll(events, 1, axis=1)), trace=True).trace["state"]
    assert np.sqrt(np.mean((other - exact)[100:] ** 2)) > 4 / 256
    assert not np.array_equal(run(network.replace(delay=14), trace=True).trace["state"], states)


@pytest.mark.parametrize("make, message", [
    (lambda n: SCRecurrentLayer(n, length=96), "power of two in 64..65536, not 96"), (lambda n: SCRecurrentLayer(n, radius=0.0), "above 0, not 0.0"),
    (lambda n: SCRecurrentLayer(n.replace(indptr=np.zeros(n.n + 1), indices=[])), "no loop"),
    (lambda n: SCRecurrentLayer(n).reset(1.5), "0..1, not 1.5..1.5"),
    (lambda n: SCRecurrentLayer(n, dimensions=(0, 32)), "0..31, not 32"), (lambda n: SCRecurrentLayer(n).run(np.zeros((3, 7))), "not \\(3, 7\\)"),
    (lambda n: SCRecurrentLayer(n).run_float(np.full((3, n.n), np.nan)), "finite"), (lambda n: run(n, strength=math.inf), "not inf"),
    (lambda n: run(n.replace(v0=np.full(n.n, 25 << 8))), "0..1, not 1.25..1.25"), (lambda n: run(n.replace(source={})), "source is empty"),
    (lambda n: narma10(np.array([0.6])), "0..0.5, not 0.6"), (lambda n: memory_capacity(np.zeros((9, 2)), np.zeros(9), 3), "at least 600"),
    (lambda n: memory_capacity(np.zeros((900, 2)), np.zeros(900), 0), "1..200")])
def test_bad_input_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make(small())
