"""Fixed-point Izhikevich neurons: the published patterns, and the network of 1,000, each against floats of its own."""

import numpy as np
import pytest

from spikegate.models.core import point_engine
from spikegate.models.errors import InputError
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import Order
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.izhikevich_network import NEURON, IzhikevichParams, izhikevich_network, izhikevich_set

DT, MS = 0.25, 400.0
#: A membrane in 2^-16 mV, u in 2^-22 mV a step, and coefficients right to a millionth.
FINE = IzhikevichNeuron(QFormat(26, 16), QFormat(30, 22), slope_fraction=22, square_bits=24, square_shift=24, a_fraction=24, b_bits=24, b_shift=16)
#: a, b, c, d, current and first membrane of Izhikevich (2003), figure 2; currents begin after 20 ms but for that of the first thalamo-cortical one.
PATTERNS = {"regular": (0.02, 0.2, -65.0, 8.0, 10.0), "bursting": (0.02, 0.2, -55.0, 4.0, 10.0), "chattering": (0.02, 0.2, -50.0, 2.0, 10.0),
            "fast": (0.1, 0.2, -65.0, 2.0, 10.0), "low threshold": (0.02, 0.25, -65.0, 2.0, 10.0), "thalamic": (0.02, 0.25, -65.0, 0.05, 3.0),
            "rebound": (0.02, 0.25, -65.0, 0.05, -12.0), "resonator": (0.1, 0.26, -65.0, 2.0, 0.25)}
#: From so many ms on, and for so long, there is a current.
ON = {"rebound": (20.0, 150.0)}


def current(name, steps):
    """Current in each step."""
    first, last = ON.get(name, (20.0, MS))
    time = np.arange(steps) * DT
    return np.where((time >= first) & (time < last), PATTERNS[name][4], 0.0)


def floats(name, order, steps):
    """Spikes and membranes of Euler's method in doubles, in one order or the other."""
    a, b, c, d, _ = PATTERNS[name]
    v, u, fired, spikes, membranes = -65.0, b * -65.0, False, [], []
    for step, given in enumerate(current(name, steps)):
        if order == Order.BRIAN2:
            v, given = v + DT * given, 0.0
            if fired:
                v, u = c, u + d
        v, u = v + DT * (0.04 * v * v + 5 * v + 140 - u + given), u + DT * a * (b * v - u)
        fired = v > 30.0 if order == Order.BRIAN2 else v >= 30.0
        spikes += [step] if fired else []
        if fired and order == Order.PUBLISHED:
            v, u = c, u + d
        membranes.append(v)
    return np.array(spikes), np.array(membranes)


def fixed(name, neuron, steps):
    """The same by the golden model: the current is a recorded input, whose weight is a kick in each step."""
    a, b, c, d, strength = PATTERNS[name]
    given = np.flatnonzero(current(name, steps))
    # What arrives in a step has been sent in the one before.
    net = Builder(name, steps=steps, dt_ms=DT)
    net.input("current", 1, steps=given - 1, channels=np.zeros(len(given), int))
    raw = {key: int(value) for key, value in izhikevich_set(neuron, DT, a=a, b=b, c=c, d=d).items()}
    net.population("cell", 1, neuron, **raw, initial={"v": -65 * neuron.format.one, "u": round(b * -65 * DT * neuron.u_format.one)})
    net.connect("current", "cell", weights=[[round(strength * DT * neuron.format.one)]])
    recording = point_engine.run(net.freeze(), trace=True)
    return recording.spikes[:, 0], recording.trace["v"][:, 0] / neuron.format.one


STEPS = round(MS / DT)
#: Steps by which a spike may be away from its own: 1 ms, and more where an interval depends on the step in which the peak falls, which decides from
#: which membrane u has been drawn, so that differences of one step add up. The first ten are within 1 ms in every pattern.
WITHIN, WIDER = 4, {"fast": 12, "thalamic": 20}


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_has_the_spikes_of_floats(name, order):
    """As many, each within `WITHIN` steps of its own."""
    neuron = IzhikevichNeuron(**{**vars(FINE), "order": order})
    reference, membranes = floats(name, order, STEPS)
    spikes, found = fixed(name, neuron, STEPS)
    assert len(spikes) == len(reference) > 0, (spikes, reference)
    apart = np.abs(spikes - reference)
    assert apart.max() <= WIDER.get(name, WITHIN) and apart[:10].max() <= WITHIN, apart
    until = int(reference[0]) - 2
    assert np.abs(found[:until] - membranes[:until]).max() < 0.1
    print(name, order.name, len(spikes), "spikes, at most", apart.max(), "steps apart")


def intervals(name):
    """Of the fixed-point neuron in the published order, in ms."""
    return np.diff(fixed(name, FINE, STEPS)[0]) * DT


def test_each_pattern_has_its_character():
    found = {name: intervals(name) for name in PATTERNS}
    regular, fast, low = found["regular"], found["fast"], found["low threshold"]
    # Regular: intervals grow after the first, then stay. Fast: short ones, all alike, and several times as many.
    assert regular[-1] > 1.5 * regular[0] and np.ptp(regular[3:]) <= 0.1 * regular[-1]
    assert len(fast) > 2.5 * len(regular) and np.ptp(fast[2:]) <= 0.15 * fast[-1]
    assert len(low) > 1.5 * len(regular) and low[-1] > 1.5 * low[0]
    # Intrinsically bursting: one burst, then single spikes. Chattering: bursts for as long as there is a current.
    burst = found["bursting"]
    assert burst[0] < 6 and burst[1] < 15 and burst[-1] > 20 and np.all(burst[-3:] > 20)
    chatter = found["chattering"]
    assert np.sum(chatter < 8) > 3 * np.sum(chatter > 15) and np.sum(chatter > 15) >= 4
    # Thalamo-cortical: tonic with a weak current, and a burst after a strong inhibition that ends; nothing fires during it.
    rebound = fixed("rebound", FINE, STEPS)[0] * DT
    assert len(found["thalamic"]) > 4 and len(rebound) >= 2 and rebound[0] > 150 and np.diff(rebound)[0] < 10


def test_a_resonator_oscillates_below_its_peak():
    """A weak current makes damped or sustained oscillations; a regular neuron comes to rest without."""
    def turns(name, strength):
        before = PATTERNS[name]
        PATTERNS[name] = (*before[:4], strength)
        try:
            membranes = fixed(name, FINE, STEPS)[1][round(25 / DT):round(150 / DT)]
        finally:
            PATTERNS[name] = before
        slope = np.diff(membranes)
        return int(np.sum(np.sign(slope[1:]) * np.sign(slope[:-1]) < 0))
    assert turns("resonator", 0.1) >= 4 > turns("regular", 0.1)


@pytest.mark.parametrize("change", [{"a": 2.0}, {"b": 1.1}, {"c": 0.8}, {"d": 1.3}], ids=lambda change: next(iter(change)))
def test_another_parameter_is_outside_the_distance(monkeypatch, change):
    """Negative control."""
    name, = change
    reference, _ = floats("regular", Order.PUBLISHED, STEPS)
    values = list(PATTERNS["regular"])
    values["abcd".index(name)] *= change[name]
    monkeypatch.setitem(PATTERNS, "regular", tuple(values))
    spikes, _ = fixed("regular", FINE, STEPS)
    assert len(spikes) != len(reference) or np.abs(spikes - reference).max() > WITHIN


def test_a_general_quadratic_membrane_is_another_set():
    """The regular spiking neuron of Izhikevich (2007), chapter 8: C = 100, k = 0.7, v_r = -60, v_t = -40, a = 0.03, b = -2, c = -50, d = 100."""
    capacity, k, rest, instant, a, b, c, d, peak, given = 100.0, 0.7, -60.0, -40.0, 0.03, -2.0, -50.0, 100.0, 35.0, 70.0
    # Membranes are counted from the rest.
    raw = izhikevich_set(FINE, DT, a=a, b=b, c=c - rest, d=d, current=given, peak=peak - rest, square=k, slope=-k * (instant - rest), constant=0.0,
                         capacity=capacity)
    net = Builder("rs", steps=STEPS, dt_ms=DT)
    net.population("cell", 1, FINE, **{name: int(value) for name, value in raw.items()}, initial={"v": 0, "u": 0})
    spikes = point_engine.run(net.freeze()).spikes[:, 0]
    v, u, reference = rest, 0.0, []
    for step in range(STEPS):
        v, u = v + DT * (k * (v - rest) * (v - instant) - u + given) / capacity, u + DT * a * (b * (v - rest) - u)
        if v >= peak:
            v, u = c, u + d
            reference.append(step)
    assert len(spikes) == len(reference) >= 3 and np.abs(spikes - reference).max() <= WITHIN


def test_the_integers_of_the_network_are_those_asked_for():
    network = izhikevich_network(IzhikevichParams(n=100), 10.0)
    excitatory, inhibitory = network.populations
    assert (network.n, network.steps, network.dt_ns) == (100, 20, 500_000) and [excitatory.size, inhibitory.size] == [80, 20]
    for each, deviation in ((excitatory, 5.0), (inhibitory, 2.0)):
        values = {name: column[each.index] for name, column in each.table.items()}
        assert set(values["square"]) == {round(0.02 * 2**19)} and set(values["slope"]) == {round(2.5 * 2**18)}
        assert set(values["peak"]) == {30 * 128}
        # In a millisecond two steps of 31 fair trials: the input has the published deviation, and with the constant current the mean 70 mV a step.
        assert each.drive.table.weight / 128 * np.sqrt(2 * 31) / 2 == pytest.approx(deviation, rel=0.01) and len(each.drive.table.limits) == 31
        assert np.all(np.abs(values["bias"] + 15.5 * each.drive.table.weight - 70 * 128) <= 0.5)
    raw, low = {name: column[excitatory.index] for name, column in excitatory.table.items()}, inhibitory.table
    # c = -65 + 15 re^2 and d = 8 - 6 re^2 of the same re, and a + b of the same ri: c + 2.5 d = -45, and b + 0.625 a = 0.2625.
    c, d = raw["c"] / 128, raw["d"] / 2**16 / 0.5
    assert np.all(np.abs(c + 2.5 * d + 45) < 0.01) and -65 <= c.min() < -64 and -52 < c.max() <= -50
    a, b = low["a"] / 2**18 / 0.5, low["b"] / 2**16 / 0.5
    assert np.all(np.abs(b + 0.625 * a - 0.2625) < 1e-4) and 0.02 <= a.min() < 0.04 and 0.08 < a.max() <= 0.1
    for each in network.projections:
        weights, strength = each.weights / 128, 0.5 if each.source == "excitatory" else -1.0
        assert len(weights) == len(each.indptr[:-1]) * (80 if each.target == "excitatory" else 20) and np.all(each.delays == 1)
        assert weights.mean() == pytest.approx(strength / 2, rel=0.05) and np.abs(weights).max() <= abs(strength)


def drawn(seed):
    """Parameters and weights of his network, and its random numbers from there on."""
    random, n, exc = np.random.default_rng(seed), 1000, 800
    re, ri = random.random(exc), random.random(n - exc)
    a, b = np.append(0.02 * np.ones(exc), 0.02 + 0.08 * ri), np.append(0.2 * np.ones(exc), 0.25 - 0.05 * ri)
    c, d = np.append(-65 + 15 * re**2, -65 * np.ones(n - exc)), np.append(8 - 6 * re**2, 2 * np.ones(n - exc))
    weights = np.hstack([0.5 * random.random((n, exc)), -random.random((n, n - exc))])
    return a, b, c, d, weights, lambda: np.append(5 * random.normal(size=exc), 2 * random.normal(size=n - exc))


def euler(seed, ms, dt=0.5):
    """Spikes of both kinds in each millisecond: Euler's method for both states in doubles, and normal input."""
    a, b, c, d, weights, noise = drawn(seed)
    v, fired, counts = -65.0 * np.ones(1000), np.array([], int), []
    u = b * v
    for _ in range(round(ms / dt)):
        kick = noise() * np.sqrt(dt) + weights[:, fired].sum(axis=1)
        v, u = v + dt * (0.04 * v**2 + 5 * v + 140 - u) + kick, u + dt * a * (b * v - u)
        fired = np.flatnonzero(v >= 30)
        v[fired], u[fired] = c[fired], u[fired] + d[fired]
        counts.append((np.sum(fired < 800), np.sum(fired >= 800)))
    return np.array(counts).reshape(ms, -1, 2).sum(axis=1)


def script(seed, ms):
    """The same by his script."""
    a, b, c, d, weights, noise = drawn(seed)
    v, counts = -65.0 * np.ones(1000), []
    u = b * v
    for _ in range(ms):
        given = noise()
        fired = np.flatnonzero(v >= 30)
        v[fired], u[fired] = c[fired], u[fired] + d[fired]
        given += weights[:, fired].sum(axis=1)
        for _ in range(2):
            v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + given)
        u += a * (b * v - u)
        counts.append((np.sum(fired < 800), np.sum(fired >= 800)))
    return np.array(counts)


def test_the_network_fires_as_floats_do_and_as_his_script_does():
    """Rates of both kinds, and how synchronous they are: the rhythms of his figure 3.

    His script looks for peaks once a millisecond, so that membranes run on above 30 mV and raise u: it fires at 7.3 and 6.8 Hz, and Euler's method
    with steps of half a millisecond at 8.8 and 9.4 Hz.
    """
    recording = point_engine.run(izhikevich_network(IzhikevichParams(), 1000.0))
    assert not recording.final["overflow"].any()
    late = recording.spikes[recording.spikes[:, 0] >= 200]
    mine = np.stack([np.bincount(late[kind, 0] // 2 - 100, minlength=900) for kind in (late[:, 1] < 800, late[:, 1] >= 800)], axis=1)
    floats, published = (np.concatenate([run(seed, 1000)[100:] for seed in (1, 2)]) for run in (euler, script))
    rates = [each.mean(axis=0) * 1000 / (800, 200) for each in (mine, floats, published)]
    assert np.allclose(rates[0], rates[1], rtol=0.12) and np.allclose(rates[0], rates[2], rtol=0.6), rates
    # The variance of the count of all spikes in a millisecond over its mean, 1 for neurons that know nothing of each other.
    factors = [each.sum(axis=1).var() / each.sum(axis=1).mean() for each in (mine, floats, published)]
    assert min(factors) > 2.5 and 0.5 < factors[0] / factors[1] < 2, factors


@pytest.mark.parametrize("options, said", [
    ({"n": 4}, "n must be at least 5 neurons, not 4"), ({"probability": 1.5}, "probability must be in 0..1, not 1.5"),
    ({"dt": 0.0}, "dt must be above 0 and at most 1 ms, not 0.0"), ({"thalamic_exc": -1.0}, "thalamic_exc must be at least 0 mV, not -1.0"),
    ({"weight_exc": float("inf")}, "weight_exc must be a finite number")])
def test_what_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        IzhikevichParams(**options)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="outside q10.7"):
        izhikevich_network(IzhikevichParams(n=20, weight_exc=4000.0), 5.0)
    assert NEURON.format == QFormat(17, 7)
