"""Random networks of point neurons with a core that runs them all, and what holds its recordings against the golden model."""

from functools import cache, partial

from spikegate.cosim.results.compare import compare
from spikegate.gateware.core.point_core import PointGeometry
from spikegate.models.core import point_engine
from verification.stimuli.point_networks import random_network

STEPS = (300, 80, 80, 80)
LONG, SHORT = (255, 255, 40, 3), (5, 7, 1, 3)


@cache
def networks(structures, lanes, count, delays=LONG, noise=0.0):
    """Random networks of at least ``lanes`` neurons, and the geometry that runs them all; with short delays, its ring turns many times."""
    made = [random_network(seed, structures, n=24 + 16 * (seed % 2), steps=STEPS[seed % 4], max_delay=delays[seed % 4], noise=noise)
            for seed in range(count)]
    found = [each for each in made if each.n >= lanes]
    return found, PointGeometry.covering([PointGeometry.of(each, lanes) for each in found])


golden = cache(partial(point_engine.run, trace=True))


def held_against(reference, recording):
    signals = ("spike", *reference.trace, *(f"final.{name}" for name in recording.final))
    assert set(recording.trace) == set(reference.trace) and set(recording.final) == set(reference.final) - {"lfsr"}
    return compare("RTL = golden", "bit-true", reference, recording, signals)


def agree(network, engine):
    """Compare the RTL's recording with the golden model; the number of items."""
    reference, recording = golden(network), engine.run(network, trace=True)
    check = held_against(reference, recording)
    assert check.ok, (network.name, check)
    assert check.compared >= network.n * network.steps
    assert recording.cycles == engine.predicted_cycles(network, reference)
    return check.compared
