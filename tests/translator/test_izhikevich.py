"""Izhikevich neurons: the published patterns, kernels with the same bits, and Brian2 spike for spike."""

import math

import brian2
import numpy as np
import pytest

from spikegate.models.core.engine import external_events
from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import Q16_12
from spikegate.translator import izhikevich, stateful_brian
from spikegate.translator.brian_parts import device
from spikegate.translator.brunel import preset, translate
from spikegate.translator.izhikevich import PATTERNS, SCIzhikevichNeuron, populations, rheobase, roots, run


@pytest.fixture(scope="module")
def ai():
    return translate(preset("ai"), name="ai", ms=100.0)


def same_bits(first, second):
    pairs = [(first.spikes, second.spikes), *((first.final[k], second.final[k]) for k in ("v", "u", "low")),
             *((first.trace[k], second.trace[k]) for k in ("v", "u"))]
    return all(np.array_equal(a, b) for a, b in pairs)


def intervals(pattern, current=10.0, ms=1000.0):
    """Inter-spike intervals in ms from rest, with the current from the first step on."""
    neuron = SCIzhikevichNeuron(*PATTERNS[pattern])
    return np.diff([t for t in range(round(ms / 0.1)) if neuron.step(current)]) * 0.1


def is_regular_spiking(isi):
    """Slows down at least twofold and then stays within 5 %; no interval of a burst."""
    return isi.min() > 10 and isi[-1] > 2 * isi[0] and np.ptp(isi[2:]) < 0.05 * isi[-1]


def is_intrinsically_bursting(isi):
    """One burst, at least two intervals below 10 ms; after it single spikes, all intervals above 20 ms."""
    short = isi < 10
    burst = int(np.argmin(short))
    return 2 <= burst < len(isi) and not short[burst:].any() and isi[burst:].min() > 20


def is_chattering(isi):
    """Bursts again and again: intervals in two clusters, a factor of five apart, ten or more of at least three spikes."""
    ordered = np.sort(isi)
    cut = int(np.argmax(ordered[1:] / ordered[:-1]))
    pauses = np.flatnonzero(isi > ordered[cut])
    return ordered[cut + 1] > 5 * ordered[cut] and len(pauses) >= 10 and np.diff(pauses).min() >= 3


def is_fast_spiking(isi):
    """At least 100 Hz, no interval as long as 10 ms, and within 5 % from the fourth on."""
    return 1000 / isi.mean() > 100 and isi.max() < 10 and np.ptp(isi[3:]) < 0.05 * isi[-1]


CHECKS = {"rs": is_regular_spiking, "ib": is_intrinsically_bursting, "ch": is_chattering, "fs": is_fast_spiking}


@pytest.mark.parametrize("pattern", CHECKS)
def test_each_published_pattern_passes_its_own_check_and_no_other(pattern):
    isi = intervals(pattern)
    print(pattern, len(isi) + 1, "spikes, intervals", np.round(isi[:10], 1), "ms")
    assert [name for name, check in CHECKS.items() if check(isi)] == [pattern]


def test_the_constants_are_those_of_izhikevich_2003():
    assert PATTERNS == {"rs": (0.02, 0.2, -65, 8), "ib": (0.02, 0.2, -55, 4), "ch": (0.02, 0.2, -50, 2), "fs": (0.1, 0.2, -65, 2),
                        "lts": (0.02, 0.25, -65, 2)}


@pytest.mark.parametrize("current", [5.0, 10.0, 15.0])
def test_single_neurons_spike_when_brian2s_do(current):
    with device(brian2, "runtime", "numpy"):
        group = brian2.NeuronGroup(
            len(PATTERNS), "dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1\ndu/dt = a*(b*v - u)/ms : 1\na : 1\nb : 1\nc : 1\nd : 1\nI : 1",
            threshold="v >= 30", reset="v = c; u += d", method="euler", dt=0.1 * brian2.ms)
        for k, name in enumerate("abcd"):
            setattr(group, name, [values[k] for values in PATTERNS.values()])
        group.v, group.I = [roots(values[1])[0] for values in PATTERNS.values()], current
        group.u = "b*v"
        monitor = brian2.SpikeMonitor(group)
        brian2.Network(group, monitor).run(300 * brian2.ms)
        theirs = [(i, round(float(t) * 1e4)) for i, t in zip(monitor.i[:], monitor.t_[:])]
    mine, wrong = [], []
    for i, values in enumerate(PATTERNS.values()):
        for found, extra in ((mine, 0.0), (wrong, 0.01)):
            neuron = SCIzhikevichNeuron(*values)
            found += [(i, t) for t in range(3000) if neuron.step(current + extra)]
    assert len(mine) > 40 and sorted(mine) == sorted(theirs) != sorted(wrong)


@pytest.mark.parametrize("exc", ["rs", "ch"])
def test_objects_and_numba_give_the_same_bits(ai, exc):
    reference, other = (run(ai, kernel, exc, trace=True) for kernel in ("objects", "numba"))
    print(f"{len(reference.spikes)} spikes, {reference.trace['v'].size} membranes")
    assert len(reference.spikes) > 2000 and reference.trace["v"].shape == reference.trace["u"].shape == (1000, 1000)
    assert np.array_equal(reference.trace["v"][-1], reference.final["v"])
    assert same_bits(reference, other)


@pytest.mark.parametrize("name", ["dt", "a", "b", "c", "d"])
def test_a_constant_wrong_in_its_last_bits_is_seen(ai, name, monkeypatch):
    right, advance = run(ai, trace=True), izhikevich._advance

    def wrong(constants, *rest):
        return advance(constants._replace(**{name: getattr(constants, name) * (1 + 2.0**-52)}), *rest)

    monkeypatch.setattr(izhikevich, "_advance", wrong)
    assert not same_bits(run(ai, trace=True), right)


@pytest.mark.parametrize("name, exc, inh, delay", [("ai", "rs", "fs", 15), ("ai", "rs", "fs", 1), ("ai", "ch", "fs", 15), ("ai", "ib", "rs", 15),
                                                   ("tutorial", "rs", "fs", 1)])
def test_brian2_gives_the_same_spikes_and_the_same_bits(name, exc, inh, delay):
    network = translate(preset(name), name=name, ms=100.0).replace(delay=delay)
    brian, mine = stateful_brian.run_izhikevich(network, exc, inh), run(network, exc=exc, inh=inh)
    print(f"{len(brian.spikes)} spikes compared")
    assert len(brian.spikes) > 1500
    assert np.array_equal(brian.spikes, mine.spikes)
    assert all(np.array_equal(brian.final[part], mine.final[part]) for part in ("v", "u"))


class Sequential(SCIzhikevichNeuron):
    """The common mistake: u is updated from the new v."""

    def step(self, current=0.0):
        u, spike = self.u, super().step(current)
        if not spike:
            self.u = u + self.dt * (self.a * (self.b * self.v - u))
        return spike


CONTROLS = {
    "delay one longer": lambda n, patch: run(n.replace(delay=n.delay + 1)),
    "events one step later": lambda n, patch: run(n.replace(external=np.roll(external_events(n), 1, axis=0))),
    "d off by 0.01": lambda n, patch: run(n, exc=(0.02, 0.2, -65.0, 8.01)),
    "kicks off by 1 %": lambda n, patch: patch.setattr(izhikevich, "rheobase", lambda b: 1.01 * rheobase(b)) or run(n),
    "u from the new v": lambda n, patch: patch.setattr(izhikevich, "SCIzhikevichNeuron", Sequential) or run(n, "objects"),
    "peak of 29 mV": lambda n, patch: stateful_brian.run_izhikevich(n, threshold="v >= 29"),
    "kicks after the step": lambda n, patch: (patch.setitem(stateful_brian.SCHEDULES, False, stateful_brian.SCHEDULES[True])
                                              or stateful_brian.run_izhikevich(n)),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_wrong_rule_does_not_give_these_spikes(ai, control, monkeypatch):
    right = run(ai).spikes
    assert not np.array_equal(CONTROLS[control](ai, monkeypatch).spikes, right)


def test_the_membrane_that_reaches_the_peak_spikes():
    at, below = SCIzhikevichNeuron(dt=0.125, v=0.0), SCIzhikevichNeuron(dt=0.125, v=0.0)
    assert (at.step(100.0), at.v, at.u) == (1, -65.0, 8.0)  # 0.125 * (140 + 100) = 30
    assert below.step(100.0 - 1e-9) == 0


def test_rheobase_and_roots_are_those_of_the_docstring():
    assert rheobase(0.2) == pytest.approx(4, abs=1e-12) and roots(0.2) == pytest.approx((-70, -50), abs=1e-12)
    for pattern, unstable in (("rs", 3.80), ("fs", 3.94)):
        fires = []
        for current in (unstable - 0.05, unstable + 0.05, 3.99, 4.01):
            v = (-4.8 - math.sqrt(4.8**2 - 0.16 * (140 + min(current, 4.0)))) / 0.08
            neuron = SCIzhikevichNeuron(*PATTERNS[pattern], v=v + 0.001)  # a push off the resting state of this current
            fires.append(any(neuron.step(current) for _ in range(100_000)))
        assert fires == [False, True, True, True]
    start = lambda v: SCIzhikevichNeuron(v=v)  # noqa: E731
    below, above = start(-50.5), start(-49.5)
    assert not any(below.step() for _ in range(3000)) and any(above.step() for _ in range(3000))


def test_kicks_keep_the_meaning_of_eta(monkeypatch):
    """With weak external kicks alone, which are almost a current, they are silent at 0.8 and fire at 1.2, and with unscaled kicks not.

    The spikes of the first 200 ms are left out: a current that is switched on at rest, with u still low, makes them spike from 2.25 mV/ms on."""
    quiet, loud = (translate(preset("tutorial", weight_exc=0.01, eta=eta), Q16_12, ms=500.0) for eta in (0.8, 1.2))
    count = lambda n: np.count_nonzero(run(n.replace(indptr=np.zeros(n.n + 1), indices=[])).spikes[:, 0] >= 2000)  # noqa: E731
    low, high = count(quiet), count(loud)
    monkeypatch.setattr(izhikevich, "rheobase", lambda b: 1.0)
    print(f"{low} and {high} spikes; unscaled {count(loud)}")
    assert low == 0 and high > 3000 and count(loud) == 0


def test_initial_membranes_are_mapped_linearly():
    network = translate(preset("ai"), name="ai", ms=0.1)
    made = populations(network)
    assert np.allclose(made["v"], network.v0 / 256 - 70, rtol=0, atol=1e-12) and np.array_equal(made["u"], 0.2 * made["v"])
    assert made["scale"] == pytest.approx(4) and made["lowest"] == pytest.approx(-305)
    assert np.array_equal(made["a"], np.repeat([0.02, 0.1], [800, 200]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_network_fires_irregularly_at_tens_of_hertz(seed):
    """Both populations fire between 5 and 100 Hz, and no membrane comes near the -305 mV that are refused."""
    network = translate(preset("ai", seed=seed), ms=500.0)
    recording = run(network)
    counts = np.bincount(recording.spikes[recording.spikes[:, 0] >= 1000, 1], minlength=1000) / 0.4
    print(f"exc {counts[:800].mean():.1f} Hz, inh {counts[800:].mean():.1f} Hz, lowest {recording.final['low'].min():.0f} mV")
    assert 5 < counts[:800].mean() < counts[800:].mean() < 100
    assert recording.final["low"].min() > -250


@pytest.mark.parametrize("kernel", ["objects", "numba"])
def test_a_membrane_too_low_for_euler_is_refused(ai, kernel):
    strong = translate(preset("ai", g_inh=20.0), Q16_12, ms=100.0)
    with pytest.raises(InputError, match="at least -305 mV"):
        run(strong, kernel)
    # there, one step of inhibition lifts the membrane above the rest; just above the limit it does not
    for v, higher in ((-305.1, True), (-304.9, False)):
        neuron = SCIzhikevichNeuron()
        assert (v + 0.1 * (0.04 * v * v + 5 * v + 140 - neuron.u) > roots(0.2)[0]) is higher
        neuron.v = v
        if higher:
            with pytest.raises(InputError):
                neuron.step()
        else:
            assert neuron.step() == 0


@pytest.mark.parametrize("make, message", [
    (lambda n: run(n, "numpy"), "objects, numba, not 'numpy'"), (lambda n: run(n, exc="xx"), "rs, ib, ch, fs, lts, or .* not 'xx'"),
    (lambda n: run(n, inh=(0.1, 0.2)), "or .a, b, c, d., not"), (lambda n: run(n.replace(source={})), "source is empty"),
    (lambda n: SCIzhikevichNeuron(a=0.0, dt=-1.0), "a must be .* not 0.0\ndt must be .* not -1.0"),
    (lambda n: SCIzhikevichNeuron(b=0.27), "not 0.27"),
    (lambda n: SCIzhikevichNeuron(c=30.0), "not 30.0 mV"), (lambda n: SCIzhikevichNeuron(d=math.nan), "not nan"),
    (lambda n: SCIzhikevichNeuron(v=math.nan).step(), "v must be a finite number, not nan")])
def test_bad_input_is_named(ai, make, message):
    with pytest.raises(InputError, match=message):
        make(ai)
