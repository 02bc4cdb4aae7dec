"""Vogels and Abbott's network: its integers are the parameters asked for, and it fires as published."""

import numpy as np
import pytest

from spikegate.models.core import point_engine
from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.cuba import FINE, FORMAT, CubaParams, cuba


def test_integers_are_those_of_the_exact_solution():
    network = cuba(CubaParams(n=20), 5.0)
    values = {name: int(column[0]) for name, column in network.populations[0].table.items()}
    # exp(-0.1/20), exp(-0.1/5), exp(-0.1/10) and the flow of a current that decays over a step, by an independent sum of 10^5 parts.
    part = (np.arange(100_000) + 0.5) * 1e-6
    for name, tau in (("exc", 5.0), ("inh", 10.0)):
        flow = np.sum(np.exp(-part / tau) * np.exp(-(0.1 - part) / 20.0)) * 1e-6 / 20.0
        assert values[f"coupling_{name}"] == round(flow * 2**FINE), name
        assert values[f"decay_{name}"] == round((1 - np.exp(-0.1 / tau)) * 2**FINE), name
    assert values["leak"] == round((1 - np.exp(-0.1 / 20)) * 2**FINE)
    assert [values[name] for name in ("rest", "threshold", "reset", "refractory")] == [-49 * 2**14, -50 * 2**14, -60 * 2**14, 50]
    assert (network.steps, network.dt_ns, [each.size for each in network.populations]) == (50, 100_000, [16, 4])
    assert {each.port: each.weights.tolist() for each in cuba(CubaParams(n=20, probability=1.0)).projections}["inh"][0] == -9 * 2**14


def test_it_fires_irregularly_at_some_hertz():
    params = CubaParams()
    network = cuba(params, 500.0)
    spikes = point_engine.run(network).spikes
    rate = len(spikes) / params.n / 0.5
    assert 3.0 < rate < 9.0  # Brette et al. (2007), figure 4, and Brian2 itself: 5 to 6 Hz
    assert sum(len(each.indices) for each in network.projections) == pytest.approx(0.02 * params.n**2, rel=0.01)
    assert network.populations[0].neuron.format == FORMAT


@pytest.mark.parametrize("make, said", [
    (lambda: CubaParams(n=9), "n must be at least 10 neurons, not 9"), (lambda: CubaParams(probability=1.5), "probability must be in 0..1, not 1.5"),
    (lambda: CubaParams(dt=0.0), "dt must be above 0 ms"), (lambda: CubaParams(tau_e=20.0), "must differ from tau_m = 20.0 ms"),
    (lambda: CubaParams(weight_exc=float("nan")), "weight_exc must be a finite number"),
    (lambda: cuba(CubaParams(n=20, probability=1.0, weight_exc=2000.0)), "use a wider format"),
    (lambda: cuba(CubaParams(n=20), q=QFormat(16, 12)), "threshold of population 'excitatory' must be in"),
])
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()
