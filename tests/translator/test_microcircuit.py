"""The cortical microcircuit: its synapses are as many and as strong as published, and a tenth of it fires at about the published rates."""

import numpy as np
import pytest

from spikegate.models.core import point_engine
from spikegate.models.errors import InputError
from spikegate.translator.microcircuit import CURRENT, MEMBRANE, POPULATIONS, RATES, MicrocircuitParams, microcircuit

SMALL = microcircuit(MicrocircuitParams(scale=0.02), 20.0)
#: Table 5 of the paper as NEST's example prints it: in-degrees at full scale of the first two targets.
INDEGREES = {("L23E", "L23E"): 2200, ("L23E", "L23I"): 1079, ("L23E", "L4E"): 979, ("L23E", "L4I"): 468, ("L23I", "L5E"): 381, ("L6I", "L6I"): 459}


def rows_of(target, source):
    return next(each for each in SMALL.projections if (each.target, each.source) == (target, source))


def test_sizes_and_indegrees_are_the_published_ones_at_scale():
    sizes = {each.name: each.size for each in SMALL.populations}
    assert sizes == dict(zip(POPULATIONS, (414, 117, 438, 110, 97, 21, 288, 59)))
    for (target, source), full in INDEGREES.items():
        assert len(rows_of(target, source).indices) / sizes[target] / 0.02 == pytest.approx(full, rel=0.03), (target, source)


def test_weights_and_delays_have_the_published_means_and_spreads():
    factor = CURRENT.one / np.sqrt(0.02)
    for target, source, mean in (("L4E", "L4E", 87.8), ("L23E", "L4E", 175.6), ("L4E", "L4I", -351.2)):
        weights = rows_of(target, source).weights / factor
        assert weights.mean() == pytest.approx(mean, rel=0.01) and weights.std() == pytest.approx(abs(mean) / 10, rel=0.1)
        assert np.all(np.sign(weights) == np.sign(mean))
    # Normal about 1.5 and 0.8 ms, and not below a step: the mean of what is cut off there grows by the part that is below.
    excitatory, inhibitory = rows_of("L4E", "L4E").delays / 10, rows_of("L4E", "L4I").delays / 10
    assert excitatory.mean() == pytest.approx(1.5, rel=0.03) and inhibitory.mean() == pytest.approx(0.8, rel=0.03)
    assert excitatory.min() == inhibitory.min() == 0.1


def test_a_kick_moves_a_membrane_as_the_exact_solution_does():
    """A current of 87.8 pA that decays with 0.5 ms moves a membrane of 250 pF and 10 ms by 0.15 mV at most, as the paper says."""
    values = {name: int(column[0]) for name, column in SMALL.populations[0].table.items()}
    v, i, peak = 0, round(87.8 * CURRENT.one), 0
    for _ in range(100):
        v += -((v * values["leak"]) >> 16) + ((i * values["coupling_i"]) >> 24)
        i -= (i * values["decay_i"]) >> 16
        peak = max(peak, v)
    assert peak / MEMBRANE.one == pytest.approx(0.15, rel=0.02)


def test_a_tenth_of_it_fires_at_about_the_published_rates():
    network = microcircuit(MicrocircuitParams(scale=0.1), 600.0)
    recording = point_engine.run(network)
    late = recording.spikes[recording.spikes[:, 0] >= 1000, 1]
    found = [np.sum((late >= here.first) & (late < here.last)) / here.size / 0.5 for here in network.ranges]
    # At this scale correlations are larger and rates lower: van Albada et al. (2015), figure 5. The order of all pairs that differ by half stays.
    assert np.allclose(found, RATES, rtol=0.55)
    assert all((a < b) == (x < y) for a, x in zip(RATES, found) for b, y in zip(RATES, found) if not 2 / 3 < a / b < 3 / 2)
    assert not recording.final["overflow"].any()


@pytest.mark.parametrize("options, said", [({"scale": 0}, "scale must be above 0 and at most 1, not 0"), ({"scale": 1.1}, "at most 1, not 1.1"),
                                           ({"dt": 2}, "dt must be above 0 and at most 1 ms, not 2")])
def test_what_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        MicrocircuitParams(**options)
