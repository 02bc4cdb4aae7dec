"""A network made by hand: what it freezes to, and what is said when it cannot be."""

from fractions import Fraction

import numpy as np
import pytest

from spikegate import Q8_8, Builder, InputError, LinearNeuron, Order, PointNetwork, Reset, Rounding, point_golden
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.lfsr import LfsrParams

LIF, CUBA = LinearNeuron(Q8_8, 12), LinearNeuron(Q8_8, 12, currents=("exc", "inh"), order=Order.BRIAN2)
FLOWS = {"decay_exc": 3000, "coupling_exc": 900, "decay_inh": 1500, "coupling_inh": 900}


def small(steps=50):
    net = Builder("small", steps=steps, dt_ms=0.1, seed=7)
    net.population("exc", 4, LIF, leak=20, threshold=[5000, 5000, 6000, 5000], refractory=2)
    net.population("inh", 2, CUBA, leak=20, threshold=5000, bias=30, initial={"v": [100, 200]}, **FLOWS)
    net.poisson("noise", 3, rate_hz=[1000.0, 500, 0])
    net.input("in", 2, [9, 3, 3], [1, 1, 0])
    net.drive("exc", 700, probability=0.25, trials=3)
    net.connect("exc", "inh", port="exc", weights=[[0, 5], [7, 0], [0, 0], [-3, 1]], delays=4)
    net.connect("inh", "exc", pairs=([1, 0, 0], [2, 2, 2]), weights=[-9, 8, 8], delays=[255, 1, 1])
    net.connect("in", "exc", pairs=([0, 1], [3, 3]), weights=5100)
    net.connect("noise", "inh", port="inh", weights=np.full((3, 2), -40), delays=np.arange(1, 7).reshape(3, 2))
    return net


def test_it_freezes_to_the_network_written_out():
    seeds = LfsrParams().phases(7, 7, 50)
    drive = DriveParams(binomial_limits(3, Fraction(0.25)), 700)
    network = small().freeze()
    exc = PointPopulation("exc", 4, LIF, [[20, 0, 5000, 0, 2, 0], [20, 0, 6000, 0, 2, 0]], [0, 0, 1, 0], network.populations[0].drive)
    assert np.array_equal(network.populations[0].drive.table.limits, drive.limits) and network.populations[0].drive.table.weight == 700
    inh = PointPopulation("inh", 2, CUBA, [[20, 0, 5000, 0, 0, 30, *FLOWS.values()]], None, None, {"v": [100, 200]})
    noise = PointPopulation("noise", 3, network.populations[2].neuron, [[0], [round(0.05 * 2**32)], [round(0.1 * 2**32)]], [2, 1, 0])
    projections = [Projection.of("exc", "inh", "exc", 4, ([0, 1, 3, 3], [1, 0, 0, 1]), [5, 7, -3, 1], 4),
                   Projection.of("inh", "exc", "v", 2, ([0, 0, 1], [2, 2, 2]), [8, 8, -9], [1, 1, 255]),
                   Projection.of("in", "exc", "v", 2, ([0, 1], [3, 3]), 5100, 1),
                   Projection.of("noise", "inh", "inh", 3, np.nonzero(np.ones((3, 2))), -40, np.arange(1, 7))]
    written = PointNetwork("small", [exc, inh, noise], projections, [SpikeInput("in", 2, [3, 3, 9], [0, 1, 1])], LfsrParams(),
                           [*seeds[:4], 0, 0, *seeds[4:]], 50, 100_000)
    assert network.hash == written.hash
    spikes = point_golden.run(network).spikes
    assert [4, 3] in spikes.tolist() and len(spikes) > 10


def test_a_reset_by_subtraction_takes_the_threshold_away_by_default():
    net = Builder("one", steps=1)
    assert net.population("one", 2, LinearNeuron(Q8_8, reset=Reset.SUBTRACT), leak=1, threshold=[8, 9]) == "one"
    assert net.freeze().populations[0].table["reset"].tolist() == [8, 9]


def test_stochastic_rounding_gets_streams():
    net = Builder("one", steps=9, seed=3)
    net.population("quiet", 2, LIF, leak=1, threshold=8)
    net.population("noisy", 2, LinearNeuron(Q8_8, rounding=Rounding.STOCHASTIC), leak=1, threshold=8)
    assert net.freeze().seeds.tolist() == [0, 0, *LfsrParams().phases(3, 2, 9)]


WRONG = {
    "Delay of exc → inh.exc must be in 1..255, not 256; give it in steps; for longer ones raise dt_ms":
        lambda net: net.connect("exc", "inh", port="exc", pairs=([0], [0]), weights=1, delays=256),
    "Delay of exc → inh.exc must be a whole number, not 1.5; round it":
        lambda net: net.connect("exc", "inh", port="exc", pairs=([0], [0]), weights=1, delays=1.5),
    "Weight of exc → inh.exc must be a raw whole number, not 1.5, which would be rounded; 1.0 is 2^8 = 256 raw, so give 384":
        lambda net: net.connect("exc", "inh", port="exc", pairs=([0], [0]), weights=1.5),
    "Weight of exc → inh.exc must be in -32768..32767, not 40000, outside q8.8, which would clip it; use a wider format, of 17 bits or more":
        lambda net: net.connect("exc", "inh", port="exc", pairs=([0], [0]), weights=40000),
    "Weight of exc → inh.exc must be a whole number, not nan; round it":
        lambda net: net.connect("exc", "inh", port="exc", pairs=([0], [0]), weights=float("nan")),
    "Port of exc → inh must be one that 'inh' has (exc, inh), not None; give port='exc' or 'inh'":
        lambda net: net.connect("exc", "inh", pairs=([0], [0]), weights=1),
    "Port of inh → exc must be one that 'exc' has (v), not 'ampa'; give port='v'":
        lambda net: net.connect("inh", "exc", port="ampa", pairs=([0], [0]), weights=1),
    "Port of exc → noise must be one that 'noise' has (none), not None; it only spikes":
        lambda net: net.connect("exc", "noise", pairs=([0], [0]), weights=1),
    "Target 'inn' of exc → inn is no population; there are exc, inh, noise": lambda net: net.connect("exc", "inn", pairs=([0], [0]), weights=1),
    "Target 'in' of exc → in is no population; there are exc, inh, noise": lambda net: net.connect("exc", "in", pairs=([0], [0]), weights=1),
    "Source 'ex' of ex → exc is no population or input; there are exc, inh, noise, in":
        lambda net: net.connect("ex", "exc", pairs=([0], [0]), weights=1),
    "Source neuron of exc → exc.v must be in 0..3, not 4; neurons of a population count from 0":
        lambda net: net.connect("exc", "exc", pairs=([4], [0]), weights=1),
    "Target neuron of in → exc.v must be in 0..3, not -1; neurons of a population count from 0":
        lambda net: net.connect("in", "exc", pairs=([1], [-1]), weights=1),
    "Weights of exc → exc.v must be a matrix (4, 4), sources by targets, not (4, 3); or give pairs":
        lambda net: net.connect("exc", "exc", weights=np.ones((4, 3))),
    "Weights of exc → exc.v must be one, or as many as the synapses (2), not (3,)":
        lambda net: net.connect("exc", "exc", pairs=([0, 1], [0, 1]), weights=[1, 2, 3]),
    "Delays of exc → exc.v must be one, or as many as the synapses (16), not (3,)":
        lambda net: net.connect("exc", "exc", weights=np.ones((4, 4)), delays=[1, 2, 3]),
    "Pairs of exc → exc.v must be two rows, as many source neurons as target neurons":
        lambda net: net.connect("exc", "exc", pairs=([0, 1], [0]), weights=1),
    "Channel of input 'more' must be in 0..1, not 2; give it more channels": lambda net: net.input("more", 2, [1], [2]),
    "Step of input 'more' must be in 0..49, not 50; run for more steps, or leave it out": lambda net: net.input("more", 2, [50], [1]),
    "Channel 1 of input 'more' spikes twice in step 4; leave one out, or use two channels": lambda net: net.input("more", 2, [4, 4], [1, 1]),
    "Steps and channels of input 'more' must be as many, not (2,) and (1,)": lambda net: net.input("more", 2, [4, 5], [1]),
    "Name 'inh' is there twice; give each population and input its own": lambda net: net.input("inh", 2, [], []),
    "Neuron of 'more' must be a LinearNeuron, BernoulliNeuron or IzhikevichNeuron, not QFormat(width=16, fraction=8); "
    "LinearNeuron(Q8_8) makes one":
        lambda net: net.population("more", 2, Q8_8, leak=1, threshold=5),
    "Population 'more' must have at least 1 neuron, not 0": lambda net: net.population("more", 0, LIF, leak=1, threshold=5),
    "Parameter threshold of population 'more' is missing; give one, or one a neuron, in -32768..32767 (raw)":
        lambda net: net.population("more", 2, LIF, leak=1),
    "Parameter tau of population 'more' is none of a lif, which has leak, rest, threshold, reset, refractory, bias":
        lambda net: net.population("more", 2, LIF, leak=1, threshold=5, tau=20),
    "leak of population 'more' must be a raw whole number, not 0.01, which would be rounded; 1.0 is 2^12 = 4096 raw, so give 41":
        lambda net: net.population("more", 2, LIF, leak=0.01, threshold=5),
    "threshold of population 'more' must be in -32768..32767, not 99999, outside q8.8, which would clip it; use a wider format, of 18 bits or more":
        lambda net: net.population("more", 2, LIF, leak=1, threshold=[5, 99999]),
    "refractory of population 'more' must be in 0..255, not 256; use a longer dt_ms":
        lambda net: net.population("more", 2, LIF, leak=1, threshold=5, refractory=256),
    "bias of population 'more' must be one, or 2, not (3,)": lambda net: net.population("more", 2, LIF, leak=1, threshold=5, bias=[1, 2, 3]),
    "reset 5 of set 0 must be below its threshold 5 (raw), of population 'more'":
        lambda net: net.population("more", 2, LIF, leak=1, threshold=5, reset=5),
    "Initial w of population 'more' is no state of a lif, which has v, hold, overflow":
        lambda net: net.population("more", 2, LIF, leak=1, threshold=5, initial={"w": 1}),
    "Rate of 'more' must be in 0..10000 Hz, a spike a step, not 10001 Hz; lower it or dt_ms": lambda net: net.poisson("more", 2, 10001),
    "Drive weight of 'inh' must be a raw whole number, not 0.5, which would be rounded; 1.0 is 2^8 = 256 raw, so give 128":
        lambda net: net.drive("inh", 0.5, probability=0.1, port="inh"),
    "Population can have one drive; add another population": lambda net: net.drive("exc", 5, probability=0.1),
    "Target 'in' of the drive of 'in' is no population; there are exc, inh, noise": lambda net: net.drive("in", 5, probability=0.1),
    "Drive probability rate*dt must be in 0..1, not 1.5; lower the rate or dt": lambda net: net.drive("inh", 5, probability=1.5, port="inh"),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_named_with_its_limit_and_the_fix(message):
    net = small()
    WRONG[message](net)
    with pytest.raises(InputError) as error:
        net.freeze()
    assert str(error.value) == message


def test_everything_wrong_is_named_at_once():
    net, messages = small(), [message for message in WRONG if "'more'" not in message]
    for message in messages:
        WRONG[message](net)
    with pytest.raises(InputError) as error:
        net.freeze()
    assert sorted(str(error.value).split("\n")) == sorted(messages) and len(messages) > 20


@pytest.mark.parametrize("dt_ms", [0.00000005, "0.1", float("nan"), True])
def test_a_step_of_no_whole_nanoseconds_is_refused(dt_ms):
    net = Builder("one", steps=1, dt_ms=dt_ms)
    net.population("one", 1, LIF, leak=1, threshold=5)
    with pytest.raises(InputError, match="dt_ms must be a whole number of nanoseconds, such as 0.1, not"):
        net.freeze()


def test_a_seed_of_0_and_a_network_of_nothing_are_refused():
    net = Builder("none", steps=1, seed=0)
    with pytest.raises(InputError, match="at least one population"):
        net.freeze()
    net.poisson("one", 1, 5)
    with pytest.raises(InputError, match="LFSR seed must not be 0"):
        net.freeze()
