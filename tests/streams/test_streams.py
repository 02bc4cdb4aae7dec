"""Parameters of stochastic synapses and of the faults in their paths: what is allowed, what is refused, and the masks by hand."""

from dataclasses import replace

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.params import MAX_CHANNELS, MAX_LENGTH, Generator, StreamFaults, StreamParams, require_length
from spikegate.models.streams.planes import window_lfsr

SOBOL = StreamParams([0, 2**16], 512, Generator.SOBOL, 64, dimensions=(3,))
LFSR = StreamParams([0, 2**16], 512, length=64, lfsr=window_lfsr(64), seeds=range(1, 17))


def test_what_is_not_given_has_the_documented_value():
    streams = StreamParams([1], 5, seeds=range(1, 17))
    assert (streams.generator, streams.length, streams.channels, streams.dimensions) == (Generator.LFSR, 256, 1, ())
    assert streams.lfsr == LfsrParams(61, leap=256)
    assert (streams.probabilities.dtype, streams.seeds.dtype) == (np.uint32, np.uint64) and [*map(int, Generator)] == [0, 1]
    assert (MAX_CHANNELS, MAX_LENGTH, StreamFaults(()).seed) == (8, 1024, 1)


def test_what_follows_from_the_length():
    assert [replace(SOBOL, length=length).log2_length for length in (64, 256, 1024)] == [6, 8, 10]
    two = replace(SOBOL, channels=2, dimensions=(3, 0))
    assert [(one.dimension, one.bits, one.leap) for one in two.sobol] == [(3, 16, 64), (0, 16, 64)]


@pytest.mark.parametrize("length", [64, 128, 1024])
def test_lengths_that_can_be(length):
    require_length(length)


@pytest.mark.parametrize("length", [32, 2048, 96, 65, 64.0, True, "64", None])
def test_lengths_that_cannot_be(length):
    with pytest.raises(InputError) as caught:
        require_length(length)
    assert str(caught.value) == f"Stream length must be a power of two in 64..1024 bits, not {length!r}"


@pytest.mark.parametrize("changes", [
    {"channels": 8, "dimensions": tuple(range(24, 32))}, {"scale": 1}, {"dimensions": (31,)}, {"dimensions": (0,)}, {"probabilities": []}])
def test_the_ends_of_what_sobol_streams_can_be(changes):
    assert replace(SOBOL, **changes).scale == changes.get("scale", 512)


@pytest.mark.parametrize("changes", [
    {"seeds": [2**61 - 1, *range(1, 16)]}, {"lfsr": LfsrParams(64, leap=64)}, {"length": 1024, "lfsr": LfsrParams(leap=1024)},
    {"channels": 2, "seeds": range(1, 33)}])
def test_the_ends_of_what_register_streams_can_be(changes):
    assert replace(LFSR, **changes).scale == 512


@pytest.mark.parametrize("make, message", [
    (lambda: replace(SOBOL, channels=0, dimensions=()), "Channels must be in 1..8, not 0"),
    (lambda: replace(SOBOL, channels=9, dimensions=range(9)), "Channels must be in 1..8, not 9"),
    (lambda: replace(SOBOL, scale=0), "Stream scale must be at least 1 raw, not 0; it is the threshold"),
    (lambda: replace(SOBOL, probabilities=[2**16 + 1]), "Stream probabilities must be in 0..2^16; make them with threshold()"),
    (lambda: replace(SOBOL, dimensions=(1, 2)), "Sobol dimensions must be 1, one a channel and all different, not (1, 2)"),
    (lambda: replace(SOBOL, channels=2), "Sobol dimensions must be 2, one a channel and all different, not (3,)"),
    (lambda: replace(SOBOL, channels=2, dimensions=(1, 1)), "Sobol dimensions must be 2, one a channel and all different, not (1, 1)"),
    (lambda: replace(SOBOL, dimensions=(32,)), "Sobol dimensions must be in 0..31, not (32,)"),
    (lambda: replace(SOBOL, dimensions=(-1,)), "Sobol dimensions must be in 0..31, not (-1,)"),
    (lambda: replace(SOBOL, length=65), "Stream length must be a power of two in 64..1024 bits, not 65"),
    (lambda: replace(SOBOL, generator=2), "StreamParams.generator must be one of Generator.LFSR, Generator.SOBOL, not 2"),
    (lambda: replace(LFSR, lfsr=window_lfsr(128)), "LFSR leap must be the stream length 64, not 128"),
    (lambda: replace(LFSR, lfsr=LfsrParams(60, leap=64)),
     "LFSR of streams must have 4 taps, not (60, 59); with 2, each number is the XOR of two others"),
    (lambda: replace(LFSR, seeds=range(1, 18)), "Seeds of the streams must be 16, 16 a channel, not (17,)"),
    (lambda: replace(LFSR, seeds=range(16)), "Stream seeds must be in 1..2^width-1"),
    (lambda: replace(LFSR, seeds=[2**61, *range(1, 16)]), "Stream seeds must be in 1..2^width-1"),
    (lambda: replace(LFSR, seeds=[1] * 16), "Stream seeds must differ: two streams on one phase are the same stream"),
    (lambda: replace(LFSR, seeds=[-1] * 16),
     "Array seeds must hold whole numbers of the type uint64 in 1 dimension, not [-1, -1, -1, -1, -1, -1, ...]"),
    (lambda: replace(LFSR, scale=True), "StreamParams.scale must be a whole number, not True"),
    (lambda: replace(LFSR, channels=1.0), "StreamParams.channels must be a whole number, not 1.0"),
    (lambda: replace(LFSR, lfsr=3), "StreamParams.lfsr must be of type LfsrParams, not 3")])
def test_streams_that_cannot_be_are_refused(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == message


def test_all_that_is_inconsistent_is_reported_together():
    with pytest.raises(InputError, match="(?s)^Channels .*\nStream scale .*\nStream probabilities .*\nSobol dimensions must be 0"):
        replace(SOBOL, channels=0, scale=0, probabilities=[2**17])


def test_dimensions_become_plain_integers():
    made = replace(SOBOL, dimensions=np.array([3]))
    assert made.dimensions == (3,) and type(made.dimensions) is tuple and type(made.dimensions[0]) is int
    with pytest.raises(InputError, match="^Array dimensions must hold whole numbers"):
        replace(LFSR, dimensions=[0.5])


def test_faults_by_hand():
    sound, broken = FaultParams(128), FaultParams(128, PointFaults(1, 2 << 64, 3), PointFaults(flips=4), PointFaults(0x80, 0x11))
    none, some, all_flip = StreamFaults((sound,)), StreamFaults((sound, broken), 5), StreamFaults((FaultParams(128, count=PointFaults(flips=1)),))
    assert none.thresholds == [0, 0, 0] and some.thresholds == [0, 0, 0, 3, 4, 0] and all_flip.thresholds == [0, 0, 1]
    assert [(faults.flips, faults.stuck) for faults in (none, some, all_flip)] == [(False, False), (True, True), (True, False)]
    stuck0, stuck1 = some.masks()
    assert stuck0.dtype == np.uint64 and stuck0.tolist() == [[[0, 0]] * 3, [[1, 0], [0, 0], [0x80, 0]]]
    assert stuck1.tolist() == [[[0, 0]] * 3, [[0, 2], [0, 0], [0x11, 0]]]
    assert some.seeds(9) == window_lfsr(128).phases(5, 16 * 6, 9) and none.seeds(9) == window_lfsr(128).phases(1, 16 * 3, 9)


def test_faults_are_for_the_streams_that_they_are_made_for():
    two = replace(SOBOL, channels=2, dimensions=(1, 2))
    assert StreamFaults.none(two) == StreamFaults((FaultParams(64), FaultParams(64)), 1) and not StreamFaults.none(two).stuck
    faults = StreamFaults.none(two)
    assert faults.check(two) is faults
    for other, message in ((SOBOL, "1 channels of 64 bits, not for lengths [64, 64]"), (replace(two, length=128), "2 channels of 128 bits, not for")):
        with pytest.raises(InputError) as caught:
            faults.check(other)
        assert f"Faults must be given for {message}" in str(caught.value)
