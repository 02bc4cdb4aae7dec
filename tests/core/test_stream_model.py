"""The golden model of stochastic synapses by itself: without a compiler, and groups and their cycles by hand."""

from fractions import Fraction

import numpy as np
import pytest

from spikegate.models.core import engine, windows
from spikegate.models.core import stream_engine as golden
from spikegate.models.core.rows_streams import group_cycles
from spikegate.models.errors import InputError
from spikegate.models.network import rows
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.neuron import lif
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric import drive, fixed
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams import dot_product, faults
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.params import Generator, StreamFaults, StreamParams
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

SIGNALS = ("spike", "v", "hold", "overflow", "events")


def small(variant, *, n=103, ms=10.0, format=Q8_8, length=256, channels=None, **changes):
    """A network of ``n`` neurons that spikes, with more inhibition than one sign would show."""
    bp = preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "g_inh": 3.0, "delay": 0.5, **changes})
    return hybrid(translate(bp, format, ms=ms), variant, length=length, channels=channels)


def faulty(network, **points):
    path = FaultParams(network.streams.length, **points)
    return StreamFaults((path,) * network.streams.channels)


def interpreted(monkeypatch):
    """Plain Python in place of every compiled function of a step."""
    for module in (engine, rows, drive, dot_product, faults, fixed, lif, golden, windows):
        for name, function in list(vars(module).items()):
            if hasattr(function, "py_func"):
                monkeypatch.setattr(module, name, function.py_func)


@pytest.mark.parametrize(("n", "channels", "faulty_too"), [(500, 8, False), (103, 2, True)])
def test_the_model_means_the_same_without_a_compiler(n, channels, faulty_too, monkeypatch):
    """Groups of the larger one have more than 255 targets."""
    network = small("v13", n=n, channels=channels, length=64, ms=0.7, delay=0.2, eta=6.0)
    defects = faulty(network, stream=PointFaults(stuck0=5, flips=900), count=PointFaults(flips=900)) if faulty_too else None
    compiled = golden.run(network, trace=True, faults=defects)
    interpreted(monkeypatch)
    with np.errstate(over="ignore"):
        recording = golden.run(network, trace=True, faults=defects)
    assert recording.provenance == compiled.provenance and np.array_equal(recording.spikes, compiled.spikes) and len(compiled.spikes) > 10
    assert all(np.array_equal(recording.trace[name], compiled.trace[name]) for name in SIGNALS[1:])


def test_a_run_is_traced_if_asked_for():
    network = small("v14", n=10, length=64, ms=0.3, delay=0.1)
    assert golden.run(network).trace == {} and set(golden.run(network, trace=True).trace) == set(SIGNALS[1:])


@pytest.mark.parametrize("union", [golden.union, golden.union.py_func], ids=["compiled", "interpreted"])
def test_the_targets_of_a_group_by_hand(union):
    targets, place, member = np.full(5, 99, np.uint16), np.full(5, 99), np.array([0, 1, 0, 1, 1], np.uint8)
    assert union(targets, place, member) == 3 and not member.any()
    assert targets[:3].tolist() == [1, 3, 4] and place[[1, 3, 4]].tolist() == [0, 1, 2]
    everyone, order = np.ones(300, np.uint8), np.empty(300, np.uint16)
    assert union(order, np.empty(300, np.int64), everyone) == 300 and order.tolist() == list(range(300))


@pytest.mark.parametrize("cycles", [group_cycles, group_cycles.py_func], ids=["compiled", "interpreted"])
def test_the_cycles_of_groups_by_hand(cycles):
    """Three sources of six neurons, two lanes and so three words, two channels: a group of two sources and one of one."""
    sources, indptr, indices = np.array([4, 0, 2, 5], np.int32), np.array([0, 3, 3, 5, 5, 5, 5]), np.array([0, 1, 5, 1, 2])
    # 2 f + 4 a group; {0, 1} {} {5}, of f = 2: max(2, 3) + max(0, 3) + 1; {1} {2} {}, of f = 1: max(1, 2) + max(1, 2) + 0
    found = [cycles(sources, np.int64(first), np.int64(last), indptr, indices, 2, 2, 3) for first, last in ((0, 2), (2, 3), (0, 3), (1, 3), (0, 0))]
    assert found == [8 + 7, 6 + 4, 8 + 7 + 6 + 4, 8 + 3 + 3 + 1, 0]
    assert not any(isinstance(count, (float, np.uint64)) for count in found)


@pytest.mark.parametrize("cycles", [group_cycles, group_cycles.py_func], ids=["compiled", "interpreted"])
def test_words_with_many_targets_take_a_cycle_each(cycles):
    """Two sources, four lanes and three words: {0, 1, 2, 3} {5} {8, 9}, and {2} {6} {10, 11}."""
    sources, indptr, indices = np.array([0, 1], np.int32), np.array([0, 7, 11]), np.array([0, 1, 2, 3, 5, 8, 9, 2, 6, 10, 11])
    run = lambda first, last, channels: cycles(sources, np.int64(first), np.int64(last), indptr, indices, channels, 4, 3)  # noqa: E731
    assert [run(0, 1, 1), run(1, 2, 1), run(0, 2, 1), run(0, 2, 2)] == [6 + 4 + 2 + 2, 6 + 2 + 2 + 2, 26, 8 + 4 + 3 + 4]


@pytest.mark.parametrize(("delay", "expected"), [(1, 79), (3, 54), (9, 17), (11, 0), (13, 0)])
def test_predicted_cycles_by_hand(delay, expected):
    """The rows of the test above; 2 a step that delivers, and its groups: 15 for {0, 4}, 10 for 2, 11 for 0, 10 for 1, which has no targets."""
    network = Network(name="hand", n_exc=6, n_inh=0, delay=delay, steps=10, dt_ns=1, lif=LifParams(Q8_8, 100, 0, 0, leak=2), lfsr=LfsrParams(),
                      indptr=[0, 3, 3, 5, 5, 5, 5], indices=[0, 1, 5, 1, 2], weights=[1] * 6, seeds=range(1, 7), v0=[0] * 6,
                      drive=DriveParams(binomial_limits(3, Fraction(1, 3)), 1),
                      streams=StreamParams([9] * 6, 5, Generator.SOBOL, 64, 2, dimensions=(0, 1)))
    spikes = [[0, 0], [0, 4], [2, 2], [5, 0], [7, 2], [8, 0], [9, 1]]
    found = golden.predict_cycles(network, Recording("golden", 6, 10, spikes), 2)
    assert type(found) is int and found == 10 * (3 + 9 + network.drive.depth) + expected
    assert golden.predict_cycles(network, Recording("golden", 6, 10, []), 4) == 10 * (2 + 9 + network.drive.depth)
    assert golden.predict_cycles(network, Recording("golden", 6, 10, spikes), 2, store=None, walk=False, banks=1) == found
    for options in ({"store": 16}, {"banks": 2}):
        with pytest.raises(InputError, match="leave out either"):
            golden.predict_cycles(network, Recording("golden", 6, 10, spikes), 2, **options)
