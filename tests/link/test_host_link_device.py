"""The golden model of the board's side of the host link, and the decoder of its runs: bytes by hand from docs/host_link.md."""

import dataclasses

import numpy as np
import pytest

from spikegate.models.link.decoder import Decoder
from spikegate.models.link.device import Device, distances
from spikegate.models.link.frames import Frame, encode
from spikegate.models.link.payloads import Identity, Run

#: N = 5 in two lanes, of which one has no neuron in the last word.
IDENTITY = Identity(2, 5, 2, 16, 8, 1, 0, 4, 16, 8, 0, 0, 1, 0x01020304, 0, 0xA2A3A4A5)
IDENTIFY, STATUS, STOP, LOAD, RUN = 1, 2, 3, 4, 5
NOTHING = bytes(6)


def say(device, *requests):
    """Answers to requests, each of type, sequence number and payload, in the same form."""
    answers = device.receive(b"".join(encode(Frame(kind, seq, bytes(payload))) for kind, seq, payload in requests))
    return [(frame.type, frame.seq, frame.payload) for frame in answers]


def run(flags, steps, seq=0, rest=(0, 0, 0)):
    return RUN, seq, [flags, *steps.to_bytes(2, "big"), *rest]


def step(device, spikes=(), overflow=(), v=0, hold=0, cycles=10, places=6):
    """A step in which these neurons spike, and have their flags set."""
    fired, flags = np.zeros((2, places), np.uint8)
    fired[list(spikes)], flags[list(overflow)] = 1, 1
    device.step(np.full(places, v, np.int16 if device.identity.width <= 16 else np.int32), np.full(places, hold, np.uint8), flags, fired, cycles)


def collected(device):
    return [(frame.type, frame.seq, frame.payload) for frame in device.collect()]


@pytest.mark.parametrize("kind", [0, 6, 7, 0x44, 0x80, 0xFF])
def test_unknown_types_are_refused_whatever_their_length(kind):
    assert say(Device(IDENTITY), (kind, 9, b""), (kind, 0, NOTHING)) == [(0x83, 0, b"")] * 2


@pytest.mark.parametrize("kind, sizes", [(IDENTIFY, (1, 6)), (STATUS, (1, 6)), (STOP, (1, 6)), (LOAD, (0, 5)), (RUN, (0, 5, 7, 14))])
def test_other_lengths_than_the_requests_are_refused_and_before_its_sequence_number(kind, sizes):
    device = Device(IDENTITY)
    assert say(device, *((kind, seq, bytes(size)) for size in sizes for seq in (0, 3))) == [(0x84, 0, b"")] * 2 * len(sizes)
    assert not device.running and device.words == []


def test_reasons_for_a_refusal_are_looked_at_in_their_order_and_nothing_happens():
    device, item = Device(IDENTITY), [7, 0, 0, 0, 0, 0, 1]
    assert say(device, (LOAD, 1, item), run(1, 5, seq=255), (LOAD, 0, item), (LOAD, 0, [0, *item[1:]]), (LOAD, 0, [0] + [0] * 12)) == [
        (0x81, 0, b""), (0x81, 0, b""), (0x85, 0, b""), (0x84, 0, b""), (0x84, 0, b"")]
    assert not device.running and device.words == []
    assert say(device, run(1, 5)) == [(0x90, 1, b"")]
    assert say(device, (LOAD, 0, item), (LOAD, 1, item), run(2, 9, seq=1), (RUN, 1, [1]), (9, 1, b"")) == [
        (0x91, 1, b""), (0x92, 1, b""), (0x92, 1, b""), (0x94, 1, b""), (0x93, 1, b"")]
    assert device.left == 5 and device.words == []


@pytest.mark.parametrize("streams", [False, True])
def test_a_load_has_the_ops_of_the_load_stream(streams):
    for op in range(256):
        answer, = say(Device(IDENTITY, streams), (LOAD, 0, [op, *NOTHING[1:]]))
        assert answer == ((0x80, 1, b"") if op < 7 or streams and op in (8, 9, 10) else (0x85, 0, b"")), op
    assert say(Device(IDENTITY), (LOAD, 0, [8, *NOTHING[1:]])) == [(0x85, 0, b"")]


def loaded(lanes, op, lane, address, count, store=0, size=8):
    """Places and data of ``count`` items that count up from 1, in bytes that count up in their highest."""
    device = Device(dataclasses.replace(IDENTITY, lanes=lanes, store=store))
    items = b"".join(bytes([16 * k]) + bytes(size - 2) + bytes([k]) for k in range(1, count + 1)) if size > 1 else bytes(range(1, count + 1))
    assert say(device, (LOAD, 0, [op, *lane.to_bytes(2, "big"), *address.to_bytes(3, "big"), *items])) == [(0x80, 1, b"")]
    assert [word[3] for word in device.words] == [(k << 8 * size - 4) * (size > 1) + k for k in range(1, count + 1)]
    assert all(word[0] == op for word in device.words)
    return [word[1:3] for word in device.words]


@pytest.mark.parametrize("op", [4, 5])
def test_seeds_and_states_go_lane_by_lane(op):
    assert loaded(3, op, 1, 0x1FFFF, 4) == [(1, 0x1FFFF), (2, 0x1FFFF), (0, 0x20000), (1, 0x20000)]
    assert loaded(300, op, 298, 7, 3) == [(298, 7), (299, 7), (0, 8)]
    assert loaded(1, op, 0, 0xFFFFFE, 3) == [(0, 0xFFFFFE), (0, 0xFFFFFF), (0, 0)]


@pytest.mark.parametrize("op", [0, 2, 3, 6])
def test_other_words_go_to_address_after_address(op):
    assert loaded(3, op, 2, 0xFFFFFE, 4) == [(2, 0xFFFFFE), (0, 0xFFFFFF), (0, 0), (0, 1)]
    assert loaded(3, op, 0, 0, 0) == []


@pytest.mark.parametrize("lanes, store, size", [(2, 0, 1), (9, 0, 2), (17, 0, 4), (33, 0, 8), (65, 0, 16), (2, 16, 2), (2, 64, 8)])
def test_words_of_rows_have_as_many_bytes_as_hold_their_bits(lanes, store, size):
    assert loaded(lanes, 1, 1, 5, 3, store, size) == [(1, 5), (0, 6), (0, 7)]


@pytest.mark.parametrize("lanes, lane", [(1, 1), (1, 0xFFFF), (2, 2), (2, 0x0102), (3, 3), (5, 7), (300, 300)])
def test_a_lane_that_is_not_there_is_refused(lanes, lane):
    device = Device(dataclasses.replace(IDENTITY, lanes=lanes))
    for op in (4, 6):
        assert say(device, (LOAD, 0, [op, *lane.to_bytes(2, "big"), *NOTHING[3:], *bytes(8)])) == [(0x85, 0, b"")] and device.words == []
    assert say(device, (LOAD, 0, [4, *(lanes - 1).to_bytes(2, "big"), *NOTHING[3:], *bytes(8)])) == [(0x80, 1, b"")] and len(device.words) == 1


@pytest.mark.parametrize("request_255", [(LOAD, 255, NOTHING), run(0, 1, seq=255)])
def test_sequence_numbers_are_modulo_256(request_255):
    device = Device(IDENTITY)
    assert [seq for _, seq, _ in say(device, *((LOAD, k, NOTHING) for k in range(255)))] == list(range(1, 256))
    (_, seq, _), = say(device, request_255)
    assert seq == 0


def test_identify_gives_the_fields_and_begins_anew():
    device = Device(IDENTITY)
    identity = bytes.fromhex("02 0005 0002 10 08 01 00 04 10 08 00 00 01 01020304 00 A2A3A4A5")
    assert say(device, (LOAD, 0, NOTHING), (LOAD, 1, NOTHING), (IDENTIFY, 77, b""), (LOAD, 0, NOTHING)) == [
        (0x80, 1, b""), (0x80, 2, b""), (0x89, 0, identity), (0x80, 1, b"")]


def counters(*values):
    return b"".join(value.to_bytes(4, "big") for value in values)


def test_counters_are_those_since_power_up():
    device = Device(IDENTITY)
    assert say(device, (STATUS, 5, b"")) == [(0x8A, 0, bytes(24))]
    assert device.receive([0x7E, None, 0x7E, None, 0x7E, 1, 2, 3, 0x7E]) == []
    assert say(device, run(1, 9), (STATUS, 0, b"")) == [(0x90, 1, b""), (0x9A, 1, counters(2, 0, 3, 0, 0, 0))]
    step(device, [1, 4], cycles=7)
    step(device, [3], cycles=2**32 - 2)
    assert say(device, (STATUS, 0, b"")) == [(0x9A, 1, counters(2, 0, 3, 3, 2, 5))]


@pytest.mark.parametrize("steps, rest, left", [
    (3, (0, 0, 0), 3), (0x102, (0, 0, 0), 258), (65535, (0, 0, 0), 65535), (5, (255, 0, 2), 3), (0, (0, 1, 2), 65278)])
def test_a_run_makes_its_steps(steps, rest, left):
    """And from a number other than 0, which the document does not have, up to theirs."""
    device = Device(IDENTITY)
    say(device, run(0, steps, rest=rest))
    assert device.left == left and device.due and device.running


def test_a_run_of_no_steps_is_over_at_once():
    device = Device(IDENTITY)
    assert say(device, run(7, 0)) == [(0x90, 1, b"")] and not device.due
    assert collected(device) == [(0x8B, 1, bytes(24))] and collected(device) == []
    assert say(device, (LOAD, 1, NOTHING)) == [(0x80, 2, b"")]


def test_stop_ends_the_run_and_no_later_one():
    device = Device(IDENTITY)
    assert say(device, (STOP, 9, b""), run(0, 5)) == [(0x80, 0, b""), (0x90, 1, b"")] and device.due
    step(device)
    assert device.due and collected(device) == []
    assert say(device, (STOP, 9, b"")) == [(0x90, 1, b"")] and not device.due
    assert collected(device) == [(0x8B, 1, counters(0, 0, 0, 0, 1, 10))]
    say(device, run(0, 1, seq=1))
    assert device.due
    step(device)
    assert not device.due and collected(device) == [(0x8B, 2, counters(0, 0, 0, 0, 2, 20))]


def test_the_overflow_mark_is_of_the_run_or_the_last_one():
    device = Device(IDENTITY)
    say(device, run(0, 3))
    step(device)
    assert say(device, (STOP, 0, b"")) == [(0x90, 1, b"")]
    step(device, overflow=[4])
    step(device)
    assert say(device, (9, 0, b"")) == [(0xB3, 1, b"")] and [kind for kind, *_ in collected(device)] == [0xAB]
    assert say(device, (IDENTIFY, 0, b""))[0][0] == 0xA9 and say(device, run(0, 0)) == [(0x90, 1, b"")]
    assert collected(device)[0][0] == 0x8B


#: Three steps: neuron 0 spikes, nobody, neurons 1 and 4 do; each membrane -2, each 3 steps held; flags set at neuron 4 in the last.
FIRST, QUIET = "0203FFFE" + 5 * "0003FFFE", 6 * "0003FFFE"
LAST = "0003FFFE 0203FFFE 0003FFFE 0003FFFE 0303FFFE 0003FFFE"
SENT = {0: "", 1: "0100 00 020300", 2: LAST, 3: "0100 00" + LAST, 4: FIRST + QUIET + LAST, 0xF9: "0100 00 020300"}
SENT |= {5: SENT[4], 6: SENT[4], 7: SENT[4]}


@pytest.mark.parametrize("flags", SENT)
def test_the_data_of_a_run(flags):
    device, data = Device(IDENTITY), bytes.fromhex(SENT[flags])
    say(device, run(flags, 3))
    step(device, [0], v=-2, hold=3)
    step(device, [], v=-2, hold=3)
    step(device, [1, 4], [4], v=-2, hold=3)
    events = {1: 3, 3: 1}.get(flags & 7, 0)
    assert collected(device) == [(0xBC, 1, data + bytes(128 - len(data)))] * bool(data) + [(0xAB, 1, counters(0, 0, 0, events, 3, 30))]


@pytest.mark.parametrize("width, v, word", [(17, -2, "0000000006A9FFFE"), (20, -3, "00000000354FFFFD"), (32, -2**31, "0000035480000000")])
def test_records_of_wide_formats(width, v, word):
    device = Device(dataclasses.replace(IDENTITY, width=width))
    say(device, run(2, 1))
    step(device, range(6), range(6), v=v, hold=0x54)
    assert collected(device)[0][2][:48] == 6 * bytes.fromhex(word)


@pytest.mark.parametrize("steps", [126, 127, 128, 129, 255, 257])
def test_data_comes_in_whole_frames_during_a_run_and_the_rest_at_its_end(steps):
    """A byte a step."""
    device = Device(IDENTITY)
    say(device, run(1, steps))
    for _ in range(steps - 1):
        step(device)
    early = collected(device)
    assert early == [(0x9C, 1, bytes(128))] * ((steps - 1) // 128) and device.running
    step(device, [2], cycles=0)
    *late, done = collected(device)
    assert done[0] == 0x8B and not device.running
    assert b"".join(payload for *_, payload in early + late) == (bytes(steps - 1) + b"\x03").ljust(128 * -(-(steps + 1) // 128), b"\0")


@pytest.mark.parametrize("neurons, sent", [
    ([], "00"), ([0], "0100"), ([0, 1, 3], "01010200"), ([126], "7F00"), ([127], "810000"), ([200, 1200], "814987 6800"), ([16382], "FF7F00"),
    ([16383], "81800000"), ([0, 2**21 - 1], "01FFFF7F00")])
def test_distances_by_hand(neurons, sent):
    assert distances(neurons) == bytes.fromhex(sent)


@pytest.mark.parametrize("flags", SENT)
@pytest.mark.parametrize("piece", [1, 7, 200])
def test_what_was_sent_is_decoded_in_pieces_of_any_size(flags, piece):
    found, data = Decoder(Run(flags & 7), 3, 5, 2, 16), bytes.fromhex(SENT[flags]) + bytes(9)
    for at in range(0, len(data), piece):
        found.feed(data[at:at + piece])
    spikes = {0: [], 1: [[0, 0], [2, 1], [2, 4]], 2: [[2, 1], [2, 4]]}
    assert found.complete and found.sound and found.step == 3 and found.events == {1: 3, 3: 1}.get(flags & 7, 0)
    assert found.spikes.tolist() == spikes.get(flags & 7, spikes[1]) and found.spikes.dtype == np.int32 and found.spikes.shape[1] == 2
    assert list(found.records) == ([0, 1, 2] if flags & 4 else [2] if flags & 2 else [])
    for at, record in found.records.items():
        assert record.tolist() == [[-2] * 5, [3] * 5, [0, 0, 0, 0, int(at == 2)]]
