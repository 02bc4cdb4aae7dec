"""The contract of point networks: what is refused, with value, limit and fix; one file for each network; the expansion of its synapses."""

import dataclasses
import hashlib
import json
from fractions import Fraction

import numpy as np
import pytest

from spikegate.models.core import engine, point_engine
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.brunel import preset, translate

LIF = LinearNeuron(Q8_8)
CUBA = LinearNeuron(QFormat(20, 10), 16, order=Order.BRIAN2, currents=("exc", "inh"), current_format=QFormat(18, 8))
LIF_SET, CUBA_SET = [3, 0, 5120, 2560, 2, 0], [300, 0, 5120, 0, 4, 9, 1000, 500, 700, 400]
DRIVE = PortDrive(DriveParams(binomial_limits(4, Fraction(1, 4)), 300), "v", 1)


def small(**changes):
    """Two neurons that kick each other, three with currents, a source of spikes and an input."""
    populations = [PointPopulation("a", 2, LIF, [LIF_SET], None, DRIVE), PointPopulation("b", 3, CUBA, [CUBA_SET] * 2, [0, 1, 0]),
                   PointPopulation("noise", 1, BernoulliNeuron(), [[1 << 30]])]
    projections = [Projection.of("a", "a", "v", 2, ([0, 1, 1, 1], [1, 0, 0, 1]), [700, 800, 800, -5], [3, 1, 1, 255]),
                   Projection.of("a", "b", "exc", 2, ([0, 0, 1], [2, 0, 1]), 900, [1, 2, 2]),
                   Projection.of("noise", "b", "inh", 1, ([0], [1]), -400, 4), Projection.of("in", "b", "exc", 2, ([1], [0]), 5000, 2)]
    seeds = np.array(LfsrParams().phases(7, 6, 50), np.uint64)
    seeds[2:5] = 0
    whole = dict(name="small", populations=populations, projections=projections, inputs=[SpikeInput("in", 2, [1, 4, 4], [1, 0, 1])],
                 lfsr=LfsrParams(), seeds=seeds, steps=50, dt_ns=100_000, source={"origin": "by hand"})
    return PointNetwork(**{**whole, **changes})


def population(**changes):
    return PointPopulation(**{"name": "a", "size": 2, "neuron": LIF, "sets": [LIF_SET], **changes})


@pytest.mark.parametrize("make, said", [
    (lambda: population(size=0), "Population 'a' must have at least 1 neuron, not 0"),
    (lambda: population(name="a b"), "must have a name of ASCII letters, digits and _, not 'a b'"),
    (lambda: population(name="\u00e9"), "must have a name of ASCII letters, digits and _, not"),
    (lambda: SpikeInput("\u00e9", 2, [], []), "Input must have a name of ASCII letters, digits and _, not"),
    (lambda: LinearNeuron(Q8_8, currents=("\u00e9",)), "Currents must be at most 2 different names"),
    (lambda: population(sets=[LIF_SET[:5]]), "columns are leak, rest, threshold, reset, refractory, bias"),
    (lambda: population(index=[0, 1]), "names set 1, and there are 1"),
    (lambda: population(index=[0]), "must have 2 entries, not"),
    (lambda: population(sets=[[257, *LIF_SET[1:]]]), "leak of population 'a' must be in 0..256 .raw., not 257"),
    (lambda: population(sets=[[3, 0, 40000, 0, 0, 0]]), "threshold of population 'a' must be in -32768..32767 .raw., not 40000"),
    (lambda: population(sets=[[3, 0, 100, 100, 0, 0]]), "reset 100 of set 0 must be below its threshold 100"),
    (lambda: population(initial={"v": [0, 40000]}), "Initial v of population 'a' must be in -32768..32767 .raw., not 40000"),
    (lambda: population(initial={"exc": [0, 0]}), "Initial exc of population 'a' is no state of a lif, which has v, hold, overflow"),
    (lambda: population(drive=dataclasses.replace(DRIVE, port="exc")), "must be at a port of a lif .v., not 'exc'"),
    (lambda: population(neuron=BernoulliNeuron(), sets=[[5]], drive=DRIVE), "must be at a port of a bernoulli .it has none., not 'v'"),
    (lambda: population(drive=PortDrive(DriveParams(DRIVE.table.limits, 40000), "v")), "Drive weight 40000 of population 'a' is outside q8.8"),
    (lambda: dataclasses.replace(DRIVE, offset=1 << 16), "Drive offset must be in 0..65535 events, not 65536"),
    (lambda: SpikeInput("in", 2, [1, 1], [1, 1]), "must ascend by step and channel, none twice"),
    (lambda: SpikeInput("in", 2, [1], [2]), "Channel 2 of input 'in' must be below its size 2"),
    (lambda: SpikeInput("in", 2, [1], [0, 1]), "must be as many, not 1 and 2"),
    (lambda: Projection.of("a", "a", "v", 2, ([0], [1]), 5, 0), "must be in 1..255 steps, not 0"),
    (lambda: Projection.of("a", "a", "v", 2, ([0], [1]), 5, 256), "delays"),
    (lambda: Projection.of("a", "a", "v", 2, ([2], [1]), 5, 1), "must be in 0..1, not 2..2"),
    (lambda: Projection("a", "a", "v", [0, 2], [0, 1], [1, 1], [2, 1]), "ascend in each row by delay, then target, then weight"),
    (lambda: Projection("a", "a", "v", [0, 2], [1, 1], [2, 1], [1, 1]), "ascend in each row by delay, then target, then weight"),
    (lambda: small(steps=0), "Steps must be in 1..2147483647, not 0"),
    (lambda: small(dt_ns=0), "dt must be in 1..1000000000 ns, not 0 ns"),
    (lambda: small(populations=[]), "at least one population"),
    (lambda: small(inputs=[SpikeInput("a", 1, [], [])]), "must have different names, not a, b, noise, a"),
    (lambda: small(inputs=[SpikeInput("in", 2, [50], [1])]), "must be in the 50 steps of the run, not in step 50"),
    (lambda: small(seeds=np.ones(6, np.uint64)), "Seeds of population 'b' must be 0, as it draws nothing"),
    (lambda: small(seeds=np.zeros(6, np.uint64)), "Seeds of population 'a' must be in 1..2.64-1"),
    (lambda: small(source={"a": [1]}), "Source must give printable names"),
    (lambda: small(projections=[Projection.of("a", "c", "v", 2, ([0], [1]), 5, 1)]), "there are a, b, noise, in"),
    (lambda: small(projections=[Projection.of("a", "in", "v", 2, ([0], [1]), 5, 1)]), "its target a population"),
    (lambda: small(projections=[Projection.of("a", "b", "v", 2, ([0], [1]), 5, 1)]), "must be one of a cuba_lif .exc, inh."),
    (lambda: small(projections=[Projection.of("a", "b", "v", 2, ([], []), [], [])]), "must be one of a cuba_lif .exc, inh."),
    (lambda: small(projections=[Projection.of("a", "noise", "v", 2, ([], []), [], [])]), "must be one of a bernoulli .it has none."),
    (lambda: small(projections=[Projection.of("a", "a", "v", 2, ([0], [2]), 5, 1)]), "must be below 2, not 2"),
    (lambda: small(projections=[Projection.of("a", "a", "v", 3, ([0], [1]), 5, 1)]), "must have 3 entries, not 4"),
    (lambda: small(projections=[Projection.of("a", "a", "v", 2, ([0], [1]), 40000, 1)]), "are 40000..40000, outside q8.8"),
    (lambda: small(lfsr=LfsrParams(16, leap=16)), "must have at least 32 bits and a leap in 32"),
])
def test_what_is_inconsistent_is_refused_with_value_limit_and_fix(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_sums_that_could_leave_32_bits_are_refused():
    wide = LinearNeuron(QFormat(32, 12))
    one = PointPopulation("a", 1, wide, [[1, 0, 100, 0, 0, 0]])
    rows = Projection.of("a", "a", "v", 1, ([0, 0], [0, 0]), (1 << 30, (1 << 30) - 1), 1)
    whole = dict(name="x", populations=[one], inputs=[], lfsr=LfsrParams(), seeds=[0], steps=5, dt_ns=1)
    assert PointNetwork(projections=[rows], **whole).largest_input == (1 << 31) - 1
    rows = Projection.of("a", "a", "v", 1, ([0, 0], [0, 0]), 1 << 30, 1)
    with pytest.raises(InputError, match="may reach 2147483648 raw .* above the limit of 2147483647"):
        PointNetwork(projections=[rows], **whole)


def test_an_input_may_have_more_channels_than_steps_times_them_fit_in_64_bits():
    assert SpikeInput("in", 1 << 40, [(1 << 23) - 1, 1 << 23], [5, 0]).size == 1 << 40
    with pytest.raises(InputError, match="must ascend by step and channel"):
        SpikeInput("in", 1 << 40, [1 << 23, (1 << 23) - 1], [0, 5])


def test_a_network_has_one_file(tmp_path):
    net = small()
    assert net.save(tmp_path / "a") == net.hash
    again = PointNetwork.load(tmp_path / "a")
    assert again.hash == net.hash and again.source == {"origin": "by hand"} and again.populations[1].neuron == CUBA
    assert np.array_equal(point_engine.run(again).spikes, point_engine.run(net).spikes)
    assert len({net.hash, small(projections=net.projections[:3]).hash, small(steps=49).hash, small(name="b").hash}) == 4


def rewritten(path, change):
    """The file with another header, its hash right."""
    magic, _, content = path.read_bytes().split(b"\n", 2)
    line, body = content.split(b"\n", 1)
    header = json.loads(line)
    change(header)
    content = json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n" + body
    path.write_bytes(magic + b"\n" + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


@pytest.mark.parametrize("change, said", [
    (lambda h: h["populations"][1]["neuron"].update(kind="lif"), "kind 'lif' is not what its currents say"),
    (lambda h: h["populations"][1]["neuron"].update(order="other"), "layout"),
    (lambda h: h.update(more=1), "another form"),
    (lambda h: h["populations"][0].pop("drive"), "layout"),
    (lambda h: h["arrays"][0].update(shape=[6, 1]), "Sets of population 'a' must be"),
    (lambda h: h["projections"][0].update(port="exc"), "Port of projection a → a.exc must be one of a lif"),
    (lambda h: h.update(steps=True), "steps must be a whole number"),
    (lambda h: h["arrays"][1].update(dtype="<u4"), "another form"),
])
def test_a_file_that_says_otherwise_is_refused(tmp_path, change, said):
    small().save(tmp_path / "a")
    rewritten(tmp_path / "a", change)
    with pytest.raises(InputError, match=said):
        PointNetwork.load(tmp_path / "a")


def test_a_damaged_or_foreign_file_is_refused(tmp_path):
    path = tmp_path / "a"
    small().save(path)
    whole = path.read_bytes()
    for bad, said in ((whole[:-1], "truncated or damaged"), (whole + b"x", "truncated or damaged"), (b"hello", "is no spikegate network"),
                      (whole.replace(b"network 2", b"network 3"), "of another version")):
        path.write_bytes(bad)
        with pytest.raises(InputError, match=said):
            PointNetwork.load(path)
    translate(preset("ai"), ms=1).save(path)
    with pytest.raises(InputError, match="of another version"):
        PointNetwork.load(path)


def test_synapses_are_those_of_the_projections():
    net = small()
    found, made = net.synapses, []
    for source in range(net.n + net.channels):
        for k, (delay, port) in enumerate(zip(found.delays, found.ports)):
            begin, end = found.base[source] + found.offsets[source, k].astype(int), found.base[source] + found.offsets[source, k + 1].astype(int)
            for packed in found.packed[begin:end].view(np.int32):
                made.append((source, int(packed) & ((1 << found.bits) - 1), int(packed) >> found.bits, int(delay), int(port)))
    assert sorted(made) == sorted([(0, 1, 700, 3, 0), (1, 0, 800, 1, 0), (1, 0, 800, 1, 0), (1, 1, -5, 255, 0), (0, 4, 900, 1, 0), (0, 2, 900, 2, 0),
                                   (1, 3, 900, 2, 0), (5, 3, -400, 4, 1), (7, 2, 5000, 2, 0)])


def test_wide_weights_and_many_neurons_are_packed_in_64_bits():
    wide = LinearNeuron(QFormat(32, 12))
    one = PointPopulation("a", 3, wide, [[1, 0, 100, 0, 0, 0]])
    rows = Projection.of("a", "a", "v", 3, ([0, 2], [2, 1]), (-(1 << 30), 1 << 29), (1, 7))
    net = PointNetwork("x", [one], [rows], [], LfsrParams(), [0] * 3, 12, 1)
    assert net.synapses.packed.dtype == np.uint64
    recording = point_engine.run(net.replace(populations=[dataclasses.replace(one, initial={"v": [200, 0, 200]})]), trace=True)
    assert recording.spikes.tolist() == [[0, 0], [0, 2], [7, 1]]
    assert recording.trace["v"][1].tolist()[2] == -(1 << 30)


@pytest.mark.parametrize("name, q, rounding, changes", [
    ("ai", Q8_8, Rounding.NEAREST, {}), ("ai", QFormat(32, 12), Rounding.FLOOR, {}), ("ai", Q8_8, Rounding.STOCHASTIC, {}),
    ("tutorial", Q8_8, Rounding.NEAREST, {"delay": 6.3}),
    ("brunel2000", QFormat(20, 10), Rounding.STOCHASTIC, {"n_exc": 160, "n_inh": 40, "conn_prob": 0.3})])
def test_a_plain_network_gives_the_same_written_out(name, q, rounding, changes):
    net: Network = translate(preset(name, **changes), q, ms=60, rounding=rounding)
    one, other = engine.run(net, trace=True), point_engine.run(PointNetwork.of(net), trace=True)
    assert np.array_equal(one.spikes, other.spikes) and len(one.spikes) > 20
    for name in ("v", "hold", "overflow", "events"):
        assert np.array_equal(one.trace[name], other.trace[name]), name
    for name in ("v", "hold", "overflow", "lfsr"):
        assert np.array_equal(one.final[name], other.final[name]), name
