"""A network's consistency: what is just allowed, what is just beyond and refused, and what follows from it, by hand."""

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import Generator, StreamParams

#: Neuron 0 projects to 1 and 2, neuron 1 to none, neuron 2 to 0. An input of 20 bits holds 524287: 15 events of 100 leave 522787 for weights.
SMALL = Network("small", 2, 1, LifParams(Q8_8, 5120, 0), DriveParams([9] * 15, 100), LfsrParams(), [0, 2, 2, 3], [1, 2, 0],
                [300, -5, -700], [1, 2, 3], [0, -1, 5], delay=2, steps=7, dt_ns=100_000, source={"eta": 1.5, "on": True, "text": "a"})
STREAMS = StreamParams([0, 9, 2**16], 500, Generator.SOBOL, 64, dimensions=(0,))


def test_what_follows_by_hand():
    assert (SMALL.n, SMALL.synapses, SMALL.max_windows, SMALL.seconds) == (3, 3, 21, pytest.approx(0.0007, rel=1e-12))
    alone = SMALL.replace(indptr=[0] * 4, indices=[])
    assert (alone.synapses, alone.max_windows) == (0, 7)
    assert SMALL.rows.indptr.tolist() == [0, 2, 2, 3] and len(SMALL.hash) == 64 and SMALL.hash != alone.hash
    assert SMALL.external is None and SMALL.streams is None and SMALL.replace(source={}).source == {}


def test_recorded_events_are_dropped_when_something_changes():
    recorded = SMALL.replace(external=np.full((7, 3), 255))
    assert recorded.external.dtype == np.uint8 and recorded.external.shape == (7, 3) and recorded.replace(delay=3).external is None
    assert recorded.replace(delay=3, external=recorded.external).external.tolist() == recorded.external.tolist()


def test_streams_are_there_or_asked_for():
    assert SMALL.replace(streams=STREAMS).require_streams() is STREAMS
    with pytest.raises(InputError, match="^Network 'small' has no bitstream synapses; make it with --variant v4, v13 or v14$"):
        SMALL.require_streams()


@pytest.mark.parametrize("changes", [
    {"n_exc": 3, "n_inh": 0}, {"n_exc": 0, "n_inh": 3}, {"delay": 1}, {"delay": 63}, {"steps": 1}, {"steps": 2**31 - 1}, {"dt_ns": 1},
    {"dt_ns": 10**9}, {"name": ""},
    {"weights": [32767, 0, -32768]}, {"v0": [-32768, 32767, 0]}, {"drive": DriveParams([1], 32767)}, {"drive": DriveParams([1], -32768)},
    {"seeds": [1, 2**64 - 1, 2]}, {"lfsr": LfsrParams(40, leap=32)}, {"lfsr": LfsrParams(64, leap=60)}, {"indptr": [0] * 4, "indices": []},
    {"lif": LifParams(Q8_8, 5120, 0, leak_fraction=28)}, {"streams": STREAMS}, {"source": {"x": "", "y": -1, "z": 1e300}},
    {"n_exc": 1, "n_inh": 0, "indptr": [0, 0], "indices": [], "weights": [1], "seeds": [1], "v0": [0]},
    {"drive": DriveParams([9] * 15, 32767), "weights": [32767, -5, -700]}])
def test_the_ends_of_what_a_network_can_be(changes):
    network = SMALL.replace(**changes)
    for name, value in changes.items():
        assert np.array_equal(getattr(network, name), value) or getattr(network, name) == value


@pytest.mark.parametrize("changes, message", [
    ({"n_exc": -1, "n_inh": 4}, "N must be at least 1 neuron, not -1 + 4; raise n_exc or n_inh"),
    ({"n_exc": 0, "n_inh": 0, "weights": [], "seeds": [], "v0": [], "indptr": [0], "indices": []}, "N must be at least 1 neuron, not 0 + 0"),
    ({"n_exc": 4, "n_inh": -1}, "N must be at least 1 neuron, not 4 + -1"),
    ({"delay": 0}, "Delay must be in 1..63 steps, not 0"), ({"delay": 64}, "Delay must be in 1..63 steps, not 64"),
    ({"steps": 0}, "Steps must be in 1..2147483647, not 0"), ({"steps": 2**31}, "Steps must be in 1..2147483647, not 2147483648"),
    ({"dt_ns": 0}, "dt must be in 1..1000000000 ns, not 0 ns"), ({"dt_ns": 10**9 + 1}, "dt must be in 1..1000000000 ns, not 1000000001 ns"),
    ({"name": "a\n"}, "Name must be printable, not 'a\\n'"), ({"source": {"a\n": 1}}, "Source must give printable names"),
    ({"source": {1: 1}}, "Source must give printable names"), ({"source": {"a": "\n"}}, "Source must give printable names"),
    ({"source": {"a": [1]}}, "Source must give printable names"), ({"source": {"a": None}}, "Source must give printable names"),
    ({"source": {"a": float("nan")}}, "Source must give printable names"), ({"source": {"a": float("inf")}}, "Source must give printable names"),
    ({"lif": LifParams(Q8_8, 5120, 0, gain=255)}, "Gain in a network must be 1.0 (256 raw), not 255; fold it into the weights"),
    ({"lfsr": LfsrParams(39, leap=32)}, "LFSR of a network must have at least 40 bits and a leap in 32..lowest tap, not 39 bits"),
    ({"lif": LifParams(Q8_8, 5120, 0, leak_fraction=9), "lfsr": LfsrParams(40, leap=32)}, "LFSR of a network must have at least 41 bits"),
    ({"lfsr": LfsrParams(leap=31)}, "not 64 bits, leap 31"), ({"lfsr": LfsrParams(leap=61)}, "not 64 bits, leap 61"),
    ({"indptr": [0, 2, 3]}, "Array indptr must have 4 entries, not (3,)"), ({"weights": [1] * 4}, "Array weights must have 3 entries, not (4,)"),
    ({"seeds": [1] * 2}, "Array seeds must have 3 entries, not (2,)"), ({"v0": [1] * 4}, "Array v0 must have 3 entries, not (4,)"),
    ({"external": np.zeros((6, 3))}, "Array external must be (7, 3), not (6, 3)"), ({"external": np.zeros((7, 2))}, "Array external must be (7, 3)"),
    ({"external": np.full((7, 3), 256)}, "Array external must hold whole numbers of the type uint8 in 2 dimensions"),
    ({"indptr": [1, 2, 2, 3]}, "Array indptr must ascend from 0 to 3"), ({"indptr": [0, 2, 2, 2]}, "Array indptr must ascend from 0 to 3"),
    ({"indptr": [0, 2, 1, 3]}, "Array indptr must ascend from 0 to 3"), ({"indices": [1, 3, 0]}, "Targets must be below N=3"),
    ({"indptr": []}, "Array indptr must have 4 entries, not (0,)"), ({"indptr": [0, 1, 1, 3], "indices": [1, 2, 0]}, "Targets of each source must"),
    ({"indices": [2, 1, 0]}, "Targets of each source must ascend without repeats"), ({"indices": [1, 1, 0]}, "Targets of each source must ascend"),
    ({"weights": [32768, 0, 0]}, "Array weights holds 0..32768, outside q8.8 (-32768..32767); use a wider format"),
    ({"weights": [-32769, 0, 0]}, "Array weights holds -32769..0"), ({"v0": [0, 0, 40000]}, "Array v0 holds 0..40000, outside q8.8"),
    ({"v0": [0, -40000, 0]}, "Array v0 holds -40000..0"), ({"drive": DriveParams([1], 32768)}, "Drive weight 32768 is outside q8.8"),
    ({"seeds": [0, 1, 2]}, "Seeds must be in 1..2^64-1"), ({"lfsr": LfsrParams(40, leap=32), "seeds": [2**40, 1, 2]}, "Seeds must be in 1..2^40-1"),
    ({"streams": StreamParams([1, 2], 500, Generator.SOBOL, 64, dimensions=(0,))}, "Stream probabilities must have 3 entries, not (2,)"),
    ({"streams": StreamParams([1, 2, 3], 32768, Generator.SOBOL, 64, dimensions=(0,))}, "Stream scale 32768 is outside q8.8"),
    ({"streams": 3}, "Network.streams must be of type StreamParams, not 3"), ({"name": 3}, "Network.name must be of type str"),
    ({"lif": 3}, "Network.lif must be of type LifParams"), ({"source": []}, "Network.source must be of type Mapping"),
    *(({name: True}, f"Network.{name} must be a whole number, not True") for name in ("n_exc", "n_inh", "delay", "steps", "dt_ns"))])
def test_what_is_just_beyond_is_refused(changes, message):
    with pytest.raises(InputError) as caught:
        SMALL.replace(**changes)
    assert message in str(caught.value)


def fan_in(weight, drive, streams=None):
    """Neuron 0 has the other fifteen as sources."""
    n, made = 16, streams and StreamParams([0] * 16, streams, Generator.SOBOL, 64, dimensions=(0,))
    return SMALL.replace(n_exc=n, n_inh=0, indptr=[0, *range(n)], indices=[0] * (n - 1), weights=[0, *[weight] * (n - 1)],
                         seeds=range(1, n + 1), v0=[0] * n, drive=DriveParams([9], drive), streams=made)


def test_the_largest_input_is_that_of_all_sources_and_events():
    """20 bits hold 524287: 15 * 32767 = 491505 and one event of 32767 are 524272."""
    assert fan_in(32767, 32767).n == 16 and fan_in(-32767, -32767).n == 16 and fan_in(-32768, 32767).n == 16
    assert fan_in(1, 32767, 32767).n == 16
    for weight, streams in ((-32768, None), (-32768, 5), (1, 32767)):
        assert fan_in(weight, 32752, streams).n == 16
    with pytest.raises(InputError, match="^Input of a neuron may reach 524288 raw when all its sources fire, above the limit of 524287 "):
        fan_in(-32768, -32768)
    with pytest.raises(InputError, match="may reach 524288 raw"):
        fan_in(-32768, -32768, 5)
    both = fan_in(1, 32767, 32767).replace(drive=DriveParams([9, 9, 9], 10927))  # 3 * 10927 = 32781: just below the limit
    assert both.n == 16
    with pytest.raises(InputError, match="may reach 524289 raw"):
        both.replace(drive=DriveParams([9, 9, 9], 10928))


def test_inputs_are_judged_only_if_all_else_is_sound():
    with pytest.raises(InputError) as caught:
        SMALL.replace(weights=[3_000_000, 0, 0])
    assert str(caught.value) == "Array weights holds 0..3000000, outside q8.8 (-32768..32767); use a wider format, of 23 bits or more"
