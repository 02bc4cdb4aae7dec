"""The golden model of point networks as compiled C: every spike and state of every step is that of the plain model, on any number of threads."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from spikegate.models import compiled
from spikegate.models.core import point_compiled, point_engine
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.core.point_plan import unsuited
from spikegate.models.errors import InputError
from spikegate.models.neuron.linear import Held, LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit
from verification.stimuli.point_networks import MIXED, random_network

TWO = QFormat(20, 9)
SUITED = (LinearNeuron(Q8_8), LinearNeuron(QFormat(12, 5), 10, Rounding.FLOOR),
          LinearNeuron(QFormat(18, 8), 16, currents=("exc", "inh"), current_format=TWO, coupling_bits=8, coupling_shift=9, kicks=True),
          LinearNeuron(QFormat(14, 6), 12, Rounding.FLOOR, order=Order.BRIAN2, currents=("syn",), decay_fraction=11, coupling_bits=6,
                       coupling_shift=4),
          LinearNeuron(QFormat(18, 8), 16, order=Order.BRIAN2, currents=("exc", "inh"), current_format=TWO, coupling_bits=8, coupling_shift=9))


def alike(network):
    """The same with one parameter set a population."""
    return network.replace(populations=[dataclasses.replace(each, index=np.zeros(each.size, np.uint16)) for each in network.populations])


@pytest.fixture(scope="module")
def some():
    """Random networks that it can run, with what the plain model gives."""
    made = [alike(random_network(seed, SUITED, n=12 + 40 * (seed % 2), steps=120, max_delay=(255, 3, 1, 40)[seed % 4])) for seed in range(60)]
    return [(each, point_engine.run(each, trace=True)) for each in made if not point_compiled.reasons(each)]


def same(found, plain):
    return np.array_equal(found.spikes, plain.spikes) and all(
        found_of.keys() == plain_of.keys() and all(np.array_equal(found_of[name], plain_of[name]) for name in plain_of)
        for found_of, plain_of in ((found.final, plain.final), (found.trace, plain.trace)))


def test_every_state_of_every_step_is_that_of_the_plain_model(some):
    assert len(some) > 40 and sum(len(plain.spikes) for _, plain in some) > 10_000
    assert all(same(point_compiled.run(network, trace=True), plain) for network, plain in some)
    assert sum(bool(plain.trace["overflow"].any()) for _, plain in some) > 10  # as numbers leave their formats, too
    assert sum(bool(plain.trace["events"].any()) for _, plain in some) > 10 and sum(bool(network.inputs) for network, _ in some) > 10


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_make_no_difference(some, threads):
    for network, plain in some:
        found = point_compiled.run(network, threads=threads)
        assert same(found, dataclasses.replace(plain, trace={})), network.name


@pytest.mark.parametrize("defect", ["delay", "weight", "rounding", "leak", "threshold", "tap"])
def test_a_defect_is_found_by_the_comparison(some, defect):
    """A delay off by a slot and a swapped weight among them; of the networks that have what is changed, most differ."""
    told = [(network, plain) for network, plain in some if not PointGolden(defect).unsupported(network) and len(plain.spikes) > 100]
    differ = [not np.array_equal(PointGolden(defect).run(network).spikes, plain.spikes)
              or not all(np.array_equal(PointGolden(defect).run(network).final[name], plain.final[name]) for name in plain.final)
              for network, plain in told]
    assert len(told) > 10 and sum(differ) > 5


def late(synapses, source):
    """A slot a step late."""
    return synapses._replace(delays=synapses.delays + (synapses.delays == 15))


def swapped(synapses, source):
    """Two synapses of a source have exchanged their weights."""
    packed, first, low = synapses.packed.copy(), synapses.base[source], np.uint32((1 << synapses.bits) - 1)
    other = first + np.argmax(packed[first:first + 20] >> synapses.bits != packed[first] >> synapses.bits)
    packed[[first, other]] = packed[[first, other]] & low | packed[[other, first]] & ~low
    assert other > first
    return synapses._replace(packed=packed)


@pytest.mark.parametrize("change", [late, swapped])
def test_a_wrong_layout_is_found_by_the_comparison(change):
    network = microcircuit(MicrocircuitParams(scale=0.005, tables=True), 40.0)
    plain, synapses = point_engine.run(network, trace=True), network.synapses
    assert same(point_compiled.run(network, trace=True), plain)
    network._divided[(0, network.n)] = change(synapses, plain.spikes[0, 1])
    assert not same(point_compiled.run(network, trace=True), plain)


def test_the_engine_chooses_and_gives_the_same_either_way():
    network = microcircuit(MicrocircuitParams(scale=0.005), 30.0)
    assert not point_compiled.reasons(network) and same(PointGolden().run(network), PointGolden(plain=True).run(network))
    told = []
    assert same(PointGolden(threads=2).run(network, progress=told.append), PointGolden().run(network)) and told[-1] == 1.0
    stamps = []
    point_compiled.run(network, stamps=lambda done, when: stamps.append((done, when.copy())))
    assert stamps[-1][0] == 1.0 and len(stamps[0][1]) == network.steps and np.all(np.diff(stamps[0][1]) > 0)


def one(neuron, **changes):
    """The smallest network with such a neuron, which is not drawn."""
    network = alike(random_network(3, [neuron], n=8, steps=10))
    return network.replace(**changes)


@pytest.mark.parametrize("network, said", [
    (one(MIXED[1]), "stochastic rounding"), (one(MIXED[1]), "wrapping"), (one(MIXED[1]), "a reset by subtraction"),
    (one(LinearNeuron(Q8_8, held=Held.SPIKES)), "what is held"), (random_network(3, [LinearNeuron(Q8_8)], n=30), "several parameter sets"),
    (one(LinearNeuron(Q8_8, order=Order.BRIAN2)), "kicks in Brian2's order"), (one(LinearNeuron(QFormat(32, 12))), "large sums"),
    (one(LinearNeuron(Q8_8, currents=("i",), coupling_shift=32)), "a long shift"), (random_network(3, [MIXED[3]], n=8), "is bernoulli")])
def test_what_the_plain_model_has_to_run_is_said(network, said):
    assert any(said in reason for reason in unsuited(network))
    with pytest.raises(InputError, match=said):
        point_compiled.run(network)
    assert PointGolden().run(network).spikes.shape[1] == 2  # the plain one does


def test_other_streams_and_wide_weights_are_for_the_plain_model(some):
    drawn = next(network for network, _ in some if network.draws)
    assert any("its streams" in reason for reason in unsuited(drawn.replace(lfsr=LfsrParams(64, (), 33))))
    assert Overflow.SATURATE == 0 and Reset.VALUE == 0


@pytest.mark.parametrize("threads", [0, 65])
def test_threads_are_refused_by_name(some, threads):
    for run in (lambda: point_compiled.run(some[0][0], threads=threads), lambda: PointGolden(threads=threads)):
        with pytest.raises(InputError, match=f"Threads must be in 1..64, not {threads}"):
            run()


def test_without_a_compiler_the_plain_model_runs(monkeypatch, some):
    network, plain = some[0]
    monkeypatch.setattr(point_compiled, "_steps", lambda: None)
    assert point_compiled.reasons(network) == ["there is no C compiler"] and same(PointGolden().run(network), dataclasses.replace(plain, trace={}))


def test_a_library_is_compiled_once_and_none_where_that_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("SPIKEGATE_CACHE", str(tmp_path))
    file = tmp_path / "three.c"
    file.write_text("int three(void) { return 3; }")
    build = compiled.compiled.__wrapped__
    assert build(file).three() == 3 and len(list((tmp_path / "compiled").iterdir())) == 1
    monkeypatch.setattr(compiled.subprocess, "run", None)  # nothing is compiled again
    assert build(file).three() == 3
    monkeypatch.undo()
    monkeypatch.setenv("SPIKEGATE_CACHE", str(tmp_path))
    file.write_text("int three(void) { return")
    assert build(file) is None
    monkeypatch.setenv("SPIKEGATE_PLAIN", "1")
    assert build(Path(point_compiled.__file__).with_name("point_steps.c")) is None
