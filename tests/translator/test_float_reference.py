"""Brian2's floats against a few lines of NumPy: every membrane of every step, with recorded events, so that both have the same."""

import itertools

import numpy as np
import pytest

from spikegate.models.core.engine import external_events
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brian import _events, run_ordered
from spikegate.translator.brian_float import Original, run_float
from spikegate.translator.brunel import preset, translate


def network(refractory, delay=0.6):
    """No parameter is a default, and none but the step is what the integers hold."""
    bp = preset("ai", n_exc=16, n_inh=4, conn_prob=0.5, weight_exc=1.07, g_inh=3.3, v_threshold=18.1, v_reset=9.3, v_rest=-1.2, tau_mem=17.0, dt=0.2,
                eta=1.6, delay=delay, refractory=refractory, seed=3)
    made = translate(bp, QFormat(18, 9), ms=60.0)
    return made.replace(external=external_events(made))


def delivered(net, fired, step, values):
    """What the spikes of so many steps ago add to each neuron."""
    found = np.zeros(net.n)
    for source in np.flatnonzero(fired[step - net.delay + 1]) if step >= net.delay - 1 else ():
        for target in net.indices[net.indptr[source]:net.indptr[source + 1]]:
            found[target] += values[source]
    return found


def in_brian2s_order(net, p):
    """Leak, threshold, synapses and kicks, reset; a neuron that is refractory keeps its membrane."""
    dt, v, last = net.dt_ns * 1e-6, net.v0 / net.lif.format.one, np.full(net.n, -10**6)
    values, fired, trace = np.repeat([p.weight_exc, -p.g_inh * p.weight_exc], [net.n_exc, net.n_inh]), [], []
    for step in range(net.steps):
        free = step - last >= net.lif.refractory
        v = np.where(free, v - dt * (v - p.v_rest) / p.tau_mem, v)
        fired.append(free & (v > p.v_threshold))
        last[fired[-1]] = step
        free = free & ~fired[-1] if net.lif.refractory else np.ones(net.n, bool)
        v = np.where(free, v + delivered(net, fired, step, values) + p.drive_weight * net.external[step], v)
        v = np.where(fired[-1], p.v_reset, v)
        trace.append(v)
    return np.argwhere(fired), np.array(trace)


def in_the_cores_order(net):
    """Leak and what has arrived, threshold, reset; raw units."""
    lif, v, hold, current = net.lif, net.v0.astype(float), np.zeros(net.n), np.zeros(net.n)
    fired, trace = [], []
    for step in range(net.steps):
        active = hold == 0
        v = np.where(active, v + (lif.rest - v) * lif.leak / 2**lif.leak_fraction + current + net.external[step] * float(net.drive.weight), v)
        hold = np.where(active, 0, hold - 1)
        fired.append(active & (v >= lif.threshold))
        current = delivered(net, fired, step, net.weights.astype(float))
        v, hold = np.where(fired[-1], lif.reset, v), np.where(fired[-1], lif.refractory, hold)
        trace.append(v)
    return np.argwhere(fired), np.array(trace)


@pytest.mark.parametrize("realised, refractory", [(False, 0.0), (False, 1.4), (True, 1.4)])
def test_the_float_original_is_eulers_method_in_brian2s_order(realised, refractory):
    net = network(refractory)
    spikes, trace = in_brian2s_order(net, (Original.realised if realised else Original.asked)(net))
    found = run_float(net, realised, trace=True, codegen="numpy")
    assert np.array_equal(found.spikes, spikes) and len(spikes) > 60 and (spikes[:, 1] >= 16).any() and (spikes[:, 1] < 16).any()
    np.testing.assert_allclose(found.trace["v"], trace, rtol=1e-5)
    np.testing.assert_allclose(found.final["v"], trace[-1], rtol=1e-12)
    assert (found.engine, found.dt_ns, found.n, found.steps) == ("brian2-float", 200_000, 20, 300)


@pytest.mark.parametrize("delay", [0.2, 0.6])
def test_the_ordered_floats_are_the_cores_steps_without_rounding(delay):
    net = network(1.4, delay)
    spikes, trace = in_the_cores_order(net)
    found = run_ordered(net, trace=True, codegen="numpy")
    assert np.array_equal(found.spikes, spikes) and len(spikes) > 60
    np.testing.assert_allclose(found.trace["v"], trace / 512, rtol=1e-5)
    np.testing.assert_allclose(found.final["v"], trace[-1] / 512, rtol=1e-12)
    assert (found.engine, found.dt_ns) == ("brian2-ordered", 200_000) and set(found.final) == {"v"}


def test_the_drive_that_is_drawn_is_that_of_the_networks_table_and_another_for_another_seed():
    net = network(1.4).replace()
    one, same, other = (np.stack(list(itertools.islice(_events(each), 400))) for each in (net, net, net.reseeded(1)))
    assert one.shape == (400, 20) and np.array_equal(one, same) and not np.array_equal(one, other)
    mean, error = net.drive.mean_events, (one.var() / one.size) ** 0.5
    assert mean > 0 and all(abs(each.mean() - mean) < 5 * error for each in (one, other))


def test_what_was_asked_and_what_is_realised_differ_in_every_membrane():
    """Negative control."""
    net = network(1.4)
    asked, realised = (in_brian2s_order(net, kind(net))[1] for kind in (Original.asked, Original.realised))
    assert not np.isclose(asked[50:], realised[50:], rtol=1e-5).all(axis=1).any()
