"""Streams made in bulk, and only where they are used: word for word those of the encoder's windows, one after the other."""

import numpy as np
import pytest

from spikegate.models.core import windows as golden
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.params import Generator, StreamFaults, StreamParams
from spikegate.models.streams.planes import below, lfsr_planes, sobol_planes

THRESHOLDS = [0, 1, 255, 256, 1638, 13107, 32768, 65535, 65536]
#: The usual register at every length, and others: taps that are no leap of half a word, one of 64 bits, and short ones.
REGISTERS = [*((LfsrParams(61, leap=length), length) for length in (64, 128, 256, 512, 1024)), (LfsrParams(61, (61, 60, 59, 55), 256), 256),
             (LfsrParams(64, leap=256), 256), (LfsrParams(32, leap=128), 128), (LfsrParams(24, (24, 7, 2, 1), 256), 256),
             (LfsrParams(12, leap=64), 64)]


def lfsr_streams(lfsr, length, channels=2):
    rng = np.random.default_rng(lfsr.width + length)
    seeds = rng.choice(np.arange(1, min(lfsr.period, 1 << 20), dtype=np.uint64), 16 * channels, replace=False) * np.uint64(lfsr.mask // (1 << 20) | 1)
    return StreamParams([0], 5120, length=length, channels=channels, lfsr=lfsr, seeds=seeds & np.uint64(lfsr.mask))


def sobol_streams(length, dimensions=(0, 7)):
    return StreamParams([0], 5120, Generator.SOBOL, length, len(dimensions), dimensions=dimensions)


def single(streams, channel, number, threshold):
    """Window ``number`` of a channel, by itself."""
    out = np.empty(streams.length // 64, np.uint64)
    if streams.generator == Generator.LFSR:
        planes = lfsr_planes(streams.lfsr, streams.seeds[16 * channel:16 * channel + 16], number, 1, streams.length)[0]
    else:
        planes = sobol_planes(streams.sobol[channel], streams.length, number, 1)[0]
    below(planes, threshold, out)
    return out


def groups(streams, most, rounds, seed=1):
    """For each of some groups and channels: the number of its first window, those that are used, the threshold, and their streams as made."""
    rng, generator, at, first = np.random.default_rng(seed), golden.generator(streams, most), 0, 0
    room, out = np.zeros((16, most + golden.LANES), np.uint64), np.empty((streams.length // 64, most + golden.LANES), np.uint64)
    for k in range(rounds):
        count = int(rng.integers(1, most + 1))
        at = golden.advance(generator, at, count)
        for channel in range(streams.channels):
            windows = np.sort(rng.choice(count, int(rng.integers(1, count + 1)), replace=False))
            threshold = THRESHOLDS[(k + channel) % len(THRESHOLDS)] if k % 2 else int(rng.integers(0, 65537))
            golden.weigh(generator, at, windows, channel, np.int64(threshold), room, out)
            yield channel, first, windows, threshold, out[:, :len(windows)].T
        at, first = at + count, first + count


def compare(streams, most=150, rounds=18, shift=0):
    """Words that were compared, and how many differ."""
    compared = differ = 0
    for channel, first, windows, threshold, found in groups(streams, most, rounds):
        for window, words in list(zip(windows, found))[::7]:
            differ += np.count_nonzero(words != single(streams, channel, first + int(window) + shift, threshold))
            compared += len(words)
    return compared, differ


@pytest.mark.parametrize(("lfsr", "length"), REGISTERS, ids=lambda value: str(value) if isinstance(value, int) else f"{value.taps}")
def test_windows_of_registers_are_those_of_the_encoder(lfsr, length):
    compared, differ = compare(lfsr_streams(lfsr, length))
    print(f"{compared} words compared")
    assert compared > 150 * length // 64 and differ == 0


@pytest.mark.parametrize("length", [64, 128, 256, 512, 1024])
def test_windows_of_sobol_sequences_are_those_of_the_encoder(length):
    compared, differ = compare(sobol_streams(length))
    assert compared > 150 * length // 64 and differ == 0


def test_a_window_of_another_place_is_seen():
    """Negative control."""
    for streams in (lfsr_streams(*REGISTERS[2]), sobol_streams(256)):
        compared, differ = compare(streams, shift=1)
        assert differ > compared // 4


def test_kicks_have_the_mean_of_the_weight_and_the_variance_of_their_streams():
    """Mean J; LFSR streams vary as Binomial(L, p), within 4 standard errors of a sample of 40,000; a Sobol window holds floor or ceil of p L."""
    p, most = 0.1 + 1 / 1024, 1000
    threshold = round(p * 65536)
    for streams in (lfsr_streams(*REGISTERS[2], 1), sobol_streams(256, (0,))):
        generator, at, counts = golden.generator(streams, most), 0, []
        room, out, ones, spike = np.zeros((16, most), np.uint64), np.empty((4, most), np.uint64), np.empty(most, np.int64), np.full(4, ~np.uint64(0))
        for _ in range(40):
            at = golden.advance(generator, at, most)
            golden.weigh(generator, at, np.arange(most), 0, threshold, room, out)
            golden.count_all(out, spike, ones)
            assert np.array_equal(ones, np.bitwise_count(out).sum(axis=0))
            counts += ones.tolist()
            at += most
        counts, mean = np.array(counts, float), threshold / 65536 * 256
        if streams.generator == Generator.LFSR:
            variance = mean * (1 - threshold / 65536)
            assert abs(counts.mean() - mean) < 4 * np.sqrt(variance / len(counts))
            assert abs(counts.var() / variance - 1) < 4 * np.sqrt(2 / len(counts))
        else:
            assert set(counts) == {np.floor(mean), np.ceil(mean)} and abs(counts[:256].mean() - mean) < 1e-9


def test_a_register_shifts_in_what_is_made_in_bulk():
    """Bit by bit, far into a run: of numbers below one half, the upper plane is 0."""
    streams = lfsr_streams(*REGISTERS[2], 1)
    first, windows, found = next((first, windows, found.copy()) for _, first, windows, threshold, found in groups(streams, 60, 40)
                                 if threshold == 32768 and first > 200)
    register, bits = int(streams.seeds[15]), 0
    for _ in range(256 * (first + int(windows[-1]) + 1)):
        new = sum(register >> (tap - 1) for tap in streams.lfsr.taps) & 1
        register, bits = (register << 1 | new) & streams.lfsr.mask, (bits << 1 | new) & (1 << 256) - 1
    assert sum(int(word) << 64 * k for k, word in enumerate(found[-1])) == bits ^ (1 << 256) - 1


def test_ones_counts_as_numpy_does():
    words = np.random.default_rng(1).integers(0, 2**64, 1000, np.uint64)
    words[:2] = 0, ~np.uint64(0)
    assert [golden.ones(word) for word in words] == np.bitwise_count(words).tolist()


def test_faults_act_on_each_window_as_on_a_single_one():
    rng, count = np.random.default_rng(3), 20
    path = FaultParams(256, PointFaults(7, 9 << 100, 50), PointFaults(1 << 255, 5 << 64, 70), PointFaults(2, 4, 90))
    stuck0, stuck1 = StreamFaults((path,)).masks()
    weights, spike = rng.integers(0, 2**64, (4, count), np.uint64), rng.integers(0, 2**64, 4, np.uint64)
    flips, counts = rng.integers(0, 2**64, (3, 4, count), np.uint64), np.empty(count, np.int64)
    integer = lambda words: sum(int(word) << 64 * k for k, word in enumerate(words))  # noqa: E731
    for given in (flips, np.empty((0, 4, count), np.uint64)):
        golden.count_faulty(weights, spike, stuck0[0], stuck1[0], given, counts)
        for k in range(count):
            flip = [integer(point[:, k]) for point in given] or [0] * 3
            gated = path.stream.step(integer(spike), flip[0]) & path.weight.step(integer(weights[:, k]), flip[1])
            assert counts[k] == path.count.step(gated.bit_count(), flip[2] & 511)
    assert len(set(counts.tolist())) > 5


SMALL = [REGISTERS[2], REGISTERS[0], (LfsrParams(61, (61, 60, 59, 55), 256), 256), (LfsrParams(24, (24, 7, 2, 1), 128), 128)]


@pytest.mark.parametrize("streams", [*(lfsr_streams(*one, 1) for one in SMALL), *(sobol_streams(length, (5,)) for length in (64, 128, 256))],
                         ids=lambda one: f"{one.generator.name}-{one.length}-{one.lfsr.taps}")
def test_a_few_windows_at_every_threshold(streams):
    """Every threshold of the list, on windows of which some are left out."""
    length = streams.length
    planes = lfsr_planes(streams.lfsr, streams.seeds, 0, 8, length) if len(streams.seeds) else sobol_planes(streams.sobol[0], length, 0, 8)
    generator, at, expected = golden.generator(streams, 5), 0, np.empty(streams.length // 64, np.uint64)
    room, out = np.zeros((16, 8), np.uint64), np.empty((streams.length // 64, 8), np.uint64)
    for first in (0, 4):
        at = golden.advance(generator, at, 4)
        for k, threshold in enumerate([*THRESHOLDS, 3, 12345, 54321]):
            window = np.array([0, 1 + k % 3])
            golden.weigh(generator, at, window, 0, np.int64(threshold), room, out)
            for j in (0, 1):
                below(planes[first + window[j]], threshold, expected)
                assert out[:, j].tolist() == expected.tolist(), (first, threshold, j)
        at += 4


@pytest.mark.parametrize("streams", [lfsr_streams(LfsrParams(12, leap=64), 64), sobol_streams(1024, (3, 0))], ids=["register", "sobol"])
def test_windows_go_on_after_the_end_of_the_rows_and_in_every_channel(streams):
    """More windows than there are rows of states: 76 of the register, 64 of the sequence."""
    generator, at, first = golden.generator(streams, 9), 0, 0
    room, out = np.zeros((16, 8), np.uint64), np.empty((streams.length // 64, 8), np.uint64)
    for k in range(24):
        at = golden.advance(generator, at, 9 if k % 3 else 8)
        golden.weigh(generator, at, np.array([7]), k % 2, np.int64(30000 + k), room, out)
        assert out[:, 0].tolist() == single(streams, k % 2, first + 7, 30000 + k).tolist(), k
        at, first = at + (9 if k % 3 else 8), first + (9 if k % 3 else 8)
    assert first > 200 and at < 90


def test_states_are_those_that_the_description_says():
    streams = lfsr_streams(LfsrParams(12, leap=64), 64, 1)
    states, taps, shifts, leap, base = golden.generator(streams, 100)
    assert states.shape == (112, 16) and golden.generator(streams, 3)[0].shape == (76, 16) and not states[12:].any()
    assert states[:12].tolist() == lfsr_planes(streams.lfsr, streams.seeds, 0, 12, 64)[:, :, -1].tolist()
    assert (taps.tolist(), leap, base.size) == (list(streams.lfsr.taps), 1 << streams.lfsr.taps[-1].bit_length() - 1, 0)
    assert list(map(int, shifts)) == [tap - int(leap) for tap in taps]
    numbers, none, zeros, zero, base = golden.generator(sobol_streams(1024, (3, 0)), 5)
    third, = sobol_streams(1024, (3,)).sobol
    assert numbers.shape == (69, 2) and numbers[:, 0].tolist() == [third.point(1024 * k) for k in range(69)]
    assert (len(none), list(map(int, zeros)), int(zero), base.shape) == (0, [0] * 4, 0, (32, 16))
    assert base[16:].tolist() == sobol_planes(sobol_streams(1024, (0,)).sobol[0], 1024, 0, 1)[0].tolist()


def test_ones_that_pass_the_gate_by_hand():
    spike, weights = np.array([0b1111, 1], np.uint64), np.array([[0b1010, 0, 15], [1, 3, 2]], np.uint64)
    counts = np.full(3, 99, np.int64)
    golden.count_all(weights, spike, counts)
    assert counts.tolist() == [3, 1, 4]


@pytest.mark.parametrize("taps", [(61, 60, 59, 56), (61, 60, 59, 55), ()], ids=["usual", "other", "sobol"])
def test_numbers_next_to_the_threshold_are_told_apart(taps):
    """The first 64 numbers of a window differ from the threshold in the two or three lowest bits at most, of which each comes up."""
    rng, room, out = np.random.default_rng(8), np.zeros((16, 8), np.uint64), np.empty((4, 8), np.uint64)
    for threshold in (1, 2, 3, 4, 7, 21845, 43690, 12346, 65532, 65533):
        numbers = threshold ^ rng.integers(0, 8 if threshold & 4 else 4, 64)
        planes = np.array([sum(int(x >> b & 1) << 63 - t for t, x in enumerate(numbers)) for b in range(16)], np.uint64)
        if taps:
            generator = planes[None], np.array(taps), tuple(np.uint64(tap - 32) for tap in taps), np.uint64(32), np.zeros((0, 0), np.uint64)
            golden.weigh(generator, 0, np.array([0]), 0, np.int64(threshold), room, out)
            found = int(out[3, 0])
        else:  # the base is 0, so that a number is that of each of its windows
            states, none = numbers[:, None].astype(np.uint64), np.uint64(0)
            generator = states, np.zeros(0, np.int64), (none,) * 4, none, np.zeros((16, 4), np.uint64)
            wide, each = np.zeros((16, 64), np.uint64), np.empty((4, 64), np.uint64)
            golden.weigh(generator, 0, np.arange(64), 0, np.int64(threshold), wide, each)
            assert all(words.tolist() == [int(words[0])] * 4 and int(words[0]) in (0, 2**64 - 1) for words in each.T)
            found = sum(int(one & np.uint64(1)) << 63 - t for t, one in enumerate(each[0]))
        assert [found >> 63 - t & 1 for t in range(64)] == (numbers < threshold).tolist(), threshold


@pytest.mark.parametrize("taps", [(61, 60, 59, 56), (61, 60, 59, 55), (61, 60, 59, 57), (61, 60, 58, 56), (62, 60, 59, 56), (62, 61, 60, 57),
                                  (60, 59, 58, 55), (64, 63, 61, 60)], ids=str)
def test_the_later_words_of_a_window_follow_bit_by_bit(taps):
    """The usual register, those next to it, and one of 64 bits, from any first words."""
    first, bits = np.random.default_rng(taps).integers(0, 2**64, 16, np.uint64), []
    for word in map(int, first):
        plane = [word >> 63 - t & 1 for t in range(64)]
        for t in range(64, 256):
            plane.append(sum(plane[t - tap] for tap in taps) % 2)
        bits.append(plane)
    numbers = [sum(plane[t] << b for b, plane in enumerate(bits)) for t in range(256)]
    generator = first[None], np.array(taps), tuple(np.uint64(tap - 32) for tap in taps), np.uint64(32), np.zeros((0, 0), np.uint64)
    for threshold in (1 << 15, 10001, 60000):
        out = np.empty((4, 8), np.uint64)
        golden.weigh(generator, 0, np.array([0]), 0, np.int64(threshold), np.zeros((16, 8), np.uint64), out)
        found = sum(int(word) << 64 * w for w, word in enumerate(out[:, 0]))
        assert [found >> 255 - t & 1 for t in range(256)] == [number < threshold for number in numbers]


def test_rows_are_used_to_the_last():
    """Of a register of 12 bits and 112 rows: 100 windows after the 12 that are known."""
    streams = lfsr_streams(LfsrParams(12, leap=64), 64, 1)
    generator = golden.generator(streams, 100)
    assert golden.advance(generator, 0, 50) == 0 and golden.advance(generator, 50, 50) == 50
    assert generator[0].tolist() == lfsr_planes(streams.lfsr, streams.seeds, 0, 112, 64)[:, :, -1].tolist()
    generator = golden.generator(streams, 100)
    assert golden.advance(generator, 0, 50) == 0 and golden.advance(generator, 50, 51) == 0
    assert generator[0][:63].tolist() == lfsr_planes(streams.lfsr, streams.seeds, 50, 63, 64)[:, :, -1].tolist()
