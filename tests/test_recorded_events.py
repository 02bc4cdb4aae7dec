"""External events recorded in a file are used by all who may run it: golden models, the engine of docs/arithmetic.md, and tests/independent."""

import numpy as np
import pytest
from independent import engine as witness
from odd_networks import SIGNALS, differences, odd_network, with_streams
from pages import ARITHMETIC, execute

from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine
from spikegate.models.network.network import Network
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding
from spikegate.models.streams.params import Generator

CASES = [(Q8_8, Rounding.STOCHASTIC, Overflow.SATURATE, 1, 0), (Q16_12, Rounding.NEAREST, Overflow.WRAP, 3, 2),
         (QFormat(6, 1), Rounding.STOCHASTIC, Overflow.WRAP, 2, 1), (QFormat(17, 9), Rounding.FLOOR, Overflow.SATURATE, 5, 3)]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        return execute(ARITHMETIC)


def recorded(case, seed, streams=None):
    """A network whose recorded events are not those that its generators draw, some as large as they may be."""
    q, rounding, overflow, delay, refractory = case
    rng = np.random.default_rng([seed, q.width])
    network = odd_network(rng, q, rounding, overflow, delay=delay, refractory=refractory, fine=False)
    if streams is not None:
        network = with_streams(network.replace(steps=60), rng, streams, 64, 2)
    events = rng.integers(0, 4, (network.steps, network.n))
    events[::7] = rng.choice([0, 255], events[::7].shape)
    assert not np.array_equal(events, core.external_events(network))
    return network.replace(external=events)


def run_page(page, network, path, change=lambda arrays: None):
    """Spikes and traces of the engine of section 9, for the file at ``path``."""
    network.save(path)
    header, arrays = page["read_network"](path.read_bytes())
    change(arrays)
    deliver = page["deliver_weights" if network.streams is None else "deliver_streams"](header, arrays)
    return page["run_network"](header, arrays, deliver)


def equal(found, trace, golden):
    return found == [tuple(spike) for spike in golden.spikes.tolist()] and all(trace[name] == golden.trace[name].tolist() for name in SIGNALS)


@pytest.mark.parametrize("streams", [None, Generator.SOBOL, Generator.LFSR], ids=["weights", "sobol", "lfsr"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case[0]))
def test_three_engines_use_recorded_events(case, streams, page, tmp_path):
    spikes = 0
    for seed in range(4):
        network = recorded(case, seed, streams)
        wrong, _, golden = differences(network, tmp_path / "net", bits=streams is not None)
        assert wrong == 0 and equal(*run_page(page, network, tmp_path / "net"), golden), seed
        assert np.array_equal(golden.trace["events"], network.external)
        assert np.array_equal(Network.load(tmp_path / "net").external, network.external)
        run = core.run if streams is None else stream_engine.run
        assert np.array_equal(golden.final["lfsr"], run(network.replace()).final["lfsr"])  # the generators leap all the same
        spikes += len(golden.spikes)
    print(f"{spikes} spikes")
    assert spikes > (100 if streams is None else 5)


def test_an_engine_that_ignores_recorded_events_is_seen(page, tmp_path, monkeypatch):
    network = recorded(CASES[0], 1)
    golden, drawing = core.run(network, trace=True), core.run(network.replace(), trace=True)
    assert not np.array_equal(golden.spikes, drawing.spikes) and not np.array_equal(golden.trace["v"], drawing.trace["v"])
    assert differences(network, tmp_path / "net")[0] == 0 and equal(*run_page(page, network, tmp_path / "net"), golden)
    ignored = run_page(page, network, tmp_path / "net", lambda arrays: arrays.pop("external"))
    assert not equal(*ignored, golden) and equal(*ignored, drawing)
    monkeypatch.setattr(witness, "given", lambda recorded, place, drawn: drawn)
    assert differences(network, tmp_path / "net")[0] > 0


def test_an_engine_whose_generators_stand_still_with_recorded_events_is_seen(tmp_path, monkeypatch):
    """The random bits of stochastic rounding come from the same generator."""
    network = recorded(CASES[0], 1)
    assert differences(network, tmp_path / "net")[0] == 0
    monkeypatch.setattr(witness.Register, "draw", lambda register: register.state)
    assert differences(network, tmp_path / "net")[0] > 0
