"""The host link: its frames, its golden model, and the gateware on its pins against that, under abuse too."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from amaranth.lib.crc.catalog import CRC16_X25
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.gateware.core.core import CoreGeometry, Op
from spikegate.gateware.core.geometry import StreamGeometry
from spikegate.gateware.link import link, receiver
from spikegate.gateware.link import requests as host_link_requests
from spikegate.gateware.link.link import HostLink
from spikegate.models.core.drives import Walk
from spikegate.models.core.rows_store import Store
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.link.decoder import Decoder
from spikegate.models.link.device import Device, distances
from spikegate.models.link.frames import MAX_PAYLOAD, Answer, Deframer, Frame, Request, crc, encode, stuff
from spikegate.models.link.payloads import MAX_NEURONS, MAX_ROW, MAX_STEPS, Identity, Run, Status, item_bytes, record_bytes
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.models.streams.params import Generator
from spikegate.models.streams.planes import window_lfsr
from verification.stress.link_abuse import Sweeps, check, flood
from verification.stress.link_damage import MUTATIONS

SMALL = CoreGeometry(141, 4, Q8_8)
STREAMS = StreamGeometry(Generator.LFSR, 64, 1, window_lfsr(64), ())
FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=247))
DOCUMENT = Path(__file__).parents[2] / "docs" / "host_link.md"


def test_the_crc_is_that_of_the_catalogue():
    assert crc(b"123456789") == 0x906E
    data = random.Random(1).randbytes(5000)
    assert all(crc(data[k:k + 50]) == CRC16_X25().compute(data[k:k + 50]) for k in range(0, 5000, 50))


@given(st.lists(FRAMES, max_size=5))
@settings(deadline=None)
def test_frames_come_back_and_flags_stand_at_their_ends_alone(frames):
    line = b"".join(map(encode, frames))
    assert list(Deframer().feed(line)) == frames
    assert line.count(b"\x7e") == 2 * len(frames)


@given(st.binary(max_size=400), FRAMES)
@settings(deadline=None)
def test_the_frame_after_garbage_is_read(garbage, frame):
    assert list(Deframer().feed(garbage + encode(frame)))[-1] == frame


def test_types_are_those_of_the_documents_tables():
    rows = [(int(number, 16), name) for number, name in re.findall(r"^\| `([0-9A-F]{2})` \| (\w+)", DOCUMENT.read_text(), re.MULTILINE)]
    assert rows == [(kind.value, kind.name) for kind in (*Request, *Answer)] and len(rows) == 18
    assert {flag.name: flag.value for flag in Run} == {"EVENTS": 1, "FINAL": 2, "EVERY": 4, "COUNTS": 8, "CHOSEN": 16}


def test_limits_are_what_the_fields_hold():
    assert MAX_STEPS == 0xFFFF and MAX_PAYLOAD + 8 == 255 and Status().pack() == bytes(24)
    assert [len(distances([neuron])) for neuron in (126, 127, MAX_NEURONS - 1, MAX_NEURONS)] == [2, 3, 3, 4]


def test_bytes_of_items_and_records():
    sizes = {1: 1, 8: 1, 9: 2, 16: 2, 17: 4, 32: 4, 33: 8, 64: 8, 65: 16, 128: 16, 129: 32, 513: 128, 1024: 128}
    assert {bits: item_bytes(1, bits) for bits in sizes} == sizes and MAX_ROW == 128
    assert [item_bytes(op, 1024) for op in (0, 2, 3, 10)] == [8] * 4
    assert [record_bytes(width) for width in (2, 16, 17, 32)] == [4, 4, 8, 8]


@pytest.mark.parametrize("line, good, dropped, lost", [
    (encode(Frame(1, 2, bytes(247))), 1, 0, 0), (stuff(b"\xf8" + (body := bytes(250)) + crc(b"\xf8" + body).to_bytes(2, "little")), 0, 1, 0),
    (b"\x7e\x7e\x7e", 0, 0, 0), (b"\x7e\x00\x7e", 0, 1, 0), (b"\x7e\x00\x00\x7e\x00\x7e\x00\x7d\x7e", 0, 3, 0), (b"\x7e\x7d\x7e", 0, 1, 0),
    ([0x7E, None, 0x7E], 0, 1, 1), ([None, None, *encode(Frame(1, 0)), None], 1, 1, 3), (encode(Frame(1, 0))[1:3], 0, 0, 0),
    (encode(Frame(1, 0))[:-2] + b"\x00\x7e", 0, 1, 0)])
def test_what_is_not_good_is_dropped_and_counted_once(line, good, dropped, lost):
    deframer = Deframer()
    assert len(list(deframer.feed(line))) == good and (deframer.dropped, deframer.line_errors) == (dropped, lost)


@given(st.lists(st.sets(st.integers(0, 19_999), max_size=30), min_size=1, max_size=6))
@settings(deadline=None)
def test_events_come_back(steps):
    decoder = Decoder(Run.EVENTS, len(steps), 20_000, 8, 16)
    for neurons in steps:
        decoder.feed(distances(sorted(neurons)))
    expected = [[step, neuron] for step, neurons in enumerate(steps) for neuron in sorted(neurons)]
    assert decoder.spikes.tolist() == expected and decoder.complete and decoder.events == len(expected)


@pytest.mark.parametrize("geometry", [SMALL, CoreGeometry(61, 5, Q16_12)], ids=["q8.8", "q16.12"])
@pytest.mark.parametrize("flags", range(32))
def test_what_the_model_sends_of_a_run_comes_back(geometry, flags):
    device, sweeps, steps = Device(Identity.of(geometry, counts=flags > 7)), Sweeps(geometry, np.random.default_rng(flags), 0.1), 6
    device.chosen[::3] = flags > 7
    answer, = device.receive(encode(Frame(Request.RUN, 0, bytes([flags, 0, steps, 0, 0, 0]))))
    assert answer.answer == Answer.OK
    for step in range(steps):
        device.step(*sweeps.step(step), cycles=10)
    *data, done = device.collect()
    decoder = Decoder(Run(flags), steps, geometry.n, geometry.lanes, geometry.format.width)
    for frame in data:
        assert len(frame.payload) == 128
        decoder.feed(frame.payload)
    assert not flags & Run.CHOSEN or not flags & Run.EVENTS or flags & Run.EVERY or not decoder.complete, "how many spikes there are says DONE alone"
    decoder.finish(Status.unpack(done.payload).events)
    counted = bool(flags & Run.COUNTS and not flags & Run.EVERY)
    recorded = set(range(steps)) if flags & Run.EVERY else {steps - 1} if flags & Run.FINAL and not counted else set()
    told = set(range(steps - counted)) if flags & Run.EVENTS else set()
    some = flags & Run.CHOSEN and flags & Run.EVENTS
    assert decoder.complete and set(decoder.records) == recorded
    assert decoder.spikes.tolist() == [[s, n] for s in range(steps) for n in np.flatnonzero(sweeps.spikes[s]).tolist()
                                       if s in recorded or s in told and (n % 3 == 0 or not some)]
    assert decoder.counts.tolist() == (sweeps.spikes[:steps].sum(axis=0)[:geometry.n].tolist() if counted else [])
    for step, (v, hold, overflow) in decoder.records.items():
        assert all(np.array_equal(a, b[step][:geometry.n]) for a, b in ((v, sweeps.v), (hold, sweeps.hold), (overflow, sweeps.overflow)))
    assert Status.unpack(done.payload).steps == steps and Status.unpack(done.payload).cycles == 10 * steps


def conversation():
    """Lines of the document's conversation: who, type, sequence number, payload, and the line; ``00x9`` is nine bytes."""
    block = re.search(r"```conversation\n(.*?)```", DOCUMENT.read_text(), re.DOTALL).group(1)
    lines = [re.fullmatch(r"(host|board) +(\w+) +([0-9A-F]{2}) *([0-9A-Fx ]*?) *\| ([0-9A-Fx ]+)", line) for line in block.strip().splitlines()]
    assert len(lines) > 12 and all(lines)
    whole = lambda text: bytes.fromhex(re.sub(r"(..)x(\d+)", lambda found: found[1] * int(found[2]), text))  # noqa: E731
    return [(line[1], line[2], int(line[3], 16), whole(line[4]), whole(line[5])) for line in lines]


def test_the_documents_conversation_is_what_the_model_says():
    """Every byte of it; what the core does in its run, a core being wanted for that, is as the document says."""
    device, said = Device(Identity.of(CoreGeometry(4, 2, Q8_8), 0xC0FFEE)), []
    for who, kind, seq, payload, wire in conversation():
        frame = Frame(Request[kind], seq, payload) if who == "host" else said.pop(0)
        assert (frame.seq, frame.payload, encode(frame)) == (seq, payload, wire), (who, kind)
        if who == "board":
            assert frame.answer.name == kind
            continue
        said += device.receive(wire)
        while device.due:
            device.step(np.array([-1, 2, 3, 256]), np.array([0, 0, 0, 20]), np.zeros(4, int), np.array([1, 0, 0, 1]) * (device.left == 3), cycles=15)
        said += device.collect()
    assert said == []
    assert device.words == [(0, 0, 0, 0), (1, 0, 2, 3), (1, 0, 3, 1)]


@pytest.mark.parametrize("geometry, divisor, counts", [
    (CoreGeometry(130, 1, Q8_8), 5, False), (CoreGeometry(250, 125, Q8_8), 3, False), (CoreGeometry(61, 5, Q16_12), 4, True),
    (CoreGeometry(200, 2, Q8_8, rows=Store(64), drive=Walk()), 4, True), (CoreGeometry(100, 20, Q8_8, rows=STREAMS), 8, False),
    (CoreGeometry(5, 5, Q8_8), 4, True), (CoreGeometry(131, 1, Q8_8), 4, True)])
def test_every_geometry_and_divisor_agrees_with_the_model(geometry, divisor, counts):
    report = check(HostLink(geometry, divisor, build=divisor, counts=counts), frames=400, seed=divisor)
    assert report.compared > 500 and report.words > 20 and report.steps > 20 and report.dropped > 200, report


def test_abuse_changes_nothing_and_the_next_good_frame_is_answered():
    report = check(HostLink(SMALL, 4), frames=10_000, seed=1)
    print(report)
    assert report.frames >= 10_000 and report.damaged > 5000 and report.dropped > 5000
    assert report.compared > 12_000 and report.words > 4000 and report.steps > 800


def mutant(monkeypatch, module, name, *changes):
    """Let the host link be built from a module's source with some text changed."""
    source = Path(module.__file__).read_text()
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    namespace = {"__name__": module.__name__}
    exec(compile(source, f"{name} of {module.__name__}", "exec"), namespace)
    monkeypatch.setattr(link, name, namespace[name])


MUTANTS = {
    "no CRC check": (receiver, "FrameReceiver", (" & crc.match_detected", "")),
    "no LENGTH check": (receiver, "FrameReceiver", (" & (at == length)", "")),
    "commit before the CRC": (receiver, "FrameReceiver", ("flag & ~(empty | escaped | broken) & crc.match_detected & (at == length)",
                                                              "is_data & ~empty & (at == (length - 3)[:8])")),
    "lost bytes do not matter": (receiver, "FrameReceiver", ("m.If(uart.error | (is_data", "m.If((is_data")),
    "a LOAD with half an item is begun": (host_link_requests, "Requests", ("m.Elif(is_load & ragged)", "m.Elif(is_load & ragged & 0)")),
    "sequence numbers do not matter": (host_link_requests, "Requests", ("m.Elif(self.i.payload != self.expected)", "m.Elif(0)")),
}


@pytest.mark.parametrize("defect", MUTANTS)
def test_a_defective_link_is_caught(monkeypatch, defect):
    """Negative control."""
    module, name, *changes = MUTANTS[defect]
    mutant(monkeypatch, module, name, *changes)
    with pytest.raises(Mismatch, match="first divergence at frame"):
        check(HostLink(SMALL, 4), frames=1000, seed=2)


def load(seq, op, count):
    return Frame(Request.LOAD, seq, bytes([op.value, 0, 0, 0, 0, seq]) + bytes(item_bytes(op.value, SMALL.lanes) * count))


def test_long_loads_at_full_rate_lose_nothing():
    requests = [load(k, Op.SEED, 30) for k in range(100)]
    answers, words, status = flood(HostLink(SMALL, 4), requests)
    assert [(frame.answer, frame.seq) for frame in answers] == [(Answer.OK, k + 1) for k in range(100)]
    assert len(words) == 3000 and status.overruns == status.dropped == 0


def test_short_requests_at_full_rate_are_answered_in_order_or_counted_as_lost():
    requests = [load(k // 2, Op.PARAM, 1) if k % 2 else Frame(Request.STATUS, 0) for k in range(200)]
    answers, words, status = flood(HostLink(SMALL, 4), requests)
    done = [frame.answer for frame in answers].count(Answer.OK)
    assert status.overruns > 0 and len(answers) + status.overruns == 200 and status.dropped == status.overruns
    assert len(words) == done == answers[-1].seq, "what came after a lost LOAD was not executed"
    assert words[:, 8].tolist() == list(range(done)), "addresses"


def test_every_kind_of_damage_is_made():
    assert len(MUTATIONS) == 14 and {"flipped_bits", "truncated", "wrong_length", "garbage", "broken"} <= set(MUTATIONS)


def test_an_identity_tells_geometries_apart():
    geometries = [SMALL, CoreGeometry(141, 3, Q8_8), CoreGeometry(141, 4, Q16_12), CoreGeometry(141, 4, Q8_8, rows=STREAMS),
                  CoreGeometry(141, 4, Q8_8, max_delay=63), CoreGeometry(141, 2, Q8_8, rows=Store(64))]
    payloads = [Identity.of(geometry).pack() for geometry in geometries]
    assert Identity.of(SMALL) == Identity.of(SMALL, 0) != Identity.of(SMALL, 1)
    assert len(set(payloads)) == len(payloads) and all(Identity.unpack(Identity.of(g).pack()) == Identity.of(g) for g in geometries)
    with pytest.raises(InputError, match="Identity must have 24 bytes, not 23"):
        Identity.unpack(payloads[0][1:])


def test_more_lanes_than_a_frame_can_carry_are_refused():
    with pytest.raises(InputError, match=r"Lanes must be in 1..1024 for the host link, not 1025"):
        HostLink(CoreGeometry(1025, 1025, Q8_8), 4)
