"""The host link of a core of point neurons: what its page says, the model of the board, and the gateware on its pins against that."""

import re
from pathlib import Path

import numpy as np
import pytest

from spikegate.cosim.engines.point_rtl import load_words
from spikegate.cosim.engines.virtual_board import BYTE, DIVISOR, NativeLink, build_linked
from spikegate.gateware.core.point_core import PointGeometry
from spikegate.host import load_frames
from spikegate.models.core.address_map import PointOp
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.core.rows_external import External
from spikegate.models.errors import InputError
from spikegate.models.link.frames import Answer, Deframer, Frame, Request, encode
from spikegate.models.link.payloads import Run
from spikegate.models.link.point import ROOM, PointIdentity, PointTerms
from spikegate.models.link.point_device import PointDecoder, PointDevice
from spikegate.point_host import events_payloads
from tests.point_boards import CHANNELS, LANES, made

GEOMETRY = PointGeometry.of(made(), LANES)
SOURCES = 17 + CHANNELS
PAGE = (Path(__file__).parents[2] / "docs" / "host_link.md").read_text()


def event(step, source):
    return step.to_bytes(4, "big") + source.to_bytes(2, "big")


def test_the_identity_is_that_of_the_page_and_gives_the_core_back():
    identity = PointIdentity.of(GEOMETRY, 7)
    said = re.search(r"\*\*IDENTITY\*\* has (\d+) bytes: version 3, (.*?)\.\n", PAGE)
    fields = [("version", "1"), *((name, size or "1") for name, size in re.findall(r"(\w+)(?: \((\d)\))?", said[2]))]
    assert [(name, int(size)) for name, size in fields] == [(name, PointIdentity.SIZES.get(name, 1)) for name in PointIdentity.names()]
    assert int(said[1]) == len(identity.pack()) and PointIdentity.unpack(identity.pack()) == identity
    assert identity.size(PointGeometry, GEOMETRY.structures, GEOMETRY.lfsr) == GEOMETRY and identity.build == 7
    with pytest.raises(InputError, match="must be one of csr, generated, not external: no board has a memory outside"):
        PointIdentity.of(PointGeometry.of(made(), LANES, External()))


def test_items_hold_their_records_and_nothing_else_is_an_op():
    terms = PointTerms(GEOMETRY)
    assert set(terms.ops) == {op.value for op in PointOp} - {PointOp.RUN, PointOp.RULE, PointOp.PERMUTE}
    assert {op: terms.item(op) for op in (PointOp.CLEAR, PointOp.EMPTY, PointOp.TABLE, PointOp.SEED)} == {0: 1, 14: 1, 3: 4, 4: 8}
    for op in terms.ops:
        assert terms.bits[op] <= 8 * terms.item(op) and (terms.item(op) == 1 or terms.bits[op] > 4 * terms.item(op)), op


def test_the_model_of_the_board_takes_a_request_of_events_as_a_whole_or_not_at_all():
    device = PointDevice(GEOMETRY)

    def say(kind, payload):
        answer, = device.receive(encode(Frame(kind, device.expected, payload)))
        return Answer(answer.type & 0x8F)

    assert say(Request.EVENTS, event(3, 17) + event(3, 18)) == Answer.OK and device.queue == [(3, 17), (3, 18)]
    for payload, answer in ((event(4, 17) + event(2, 17), Answer.LATE), (event(2, 17), Answer.LATE), (event(4, SOURCES), Answer.CHANNEL),
                            (event(4, 17) + b"\0", Answer.LENGTH), (b"", Answer.LENGTH)):
        assert say(Request.EVENTS, payload) == answer and len(device.queue) == 2 and device.expected == 1
    for _ in range(ROOM // 40):
        assert say(Request.EVENTS, event(5, 17) * 40) == Answer.OK
    assert say(Request.EVENTS, event(5, 17) * 40) == Answer.BUSY
    assert [device.begin_step() for _ in range(4)] == [[], [], [], [17, 18]] and say(Request.EVENTS, event(3, 17)) == Answer.LATE
    assert say(Request.LOAD, bytes(7)) == Answer.OK and device.queue == [] and say(Request.EVENTS, event(0, 17)) == Answer.OK


def test_the_gateware_answers_events_as_the_model_does():
    device, rng, compared = PointDevice(GEOMETRY, 0), np.random.default_rng(1), 0
    with NativeLink(build_linked(GEOMETRY).path, DIVISOR) as link:
        def both(kind, payload, seq=None):
            frame = Frame(kind, device.expected if seq is None else seq, payload)
            wanted = device.receive(encode(frame))
            while device.due:
                device.begin_step()
                device.made(b"", False, np.zeros(0, bool), 0)
            list(device.collect())
            got = [each for each in Deframer().feed(link.exchange([BYTE | byte for byte in encode(frame)])) if each.answer not in (
                Answer.DATA, Answer.DONE)]
            assert [(each.answer, each.seq, each.payload) for each in got] == [(each.answer, each.seq, each.payload) for each in wanted], frame
            return wanted[0].answer

        seen = {both(Request.IDENTIFY, b""), both(Request.LOAD, bytes(7)), both(7, b""), both(Request.EVENTS, event(1, 17), seq=9)}
        step = 0
        for _ in range(150):
            if rng.random() < 0.2:
                both(Request.RUN, bytes([0, 0, 2, 0, 0, 0]))
                step += 2
            count, source = int(rng.integers(1, 5)), int(rng.integers(15, 18 if rng.random() < 0.7 else SOURCES + 2))
            steps = np.sort(rng.integers(max(0, step - (rng.random() < 0.3)), step + 3, count)) if rng.random() < 0.8 else [step + 2, step]
            payload = b"".join(event(int(each), source) for each in steps)
            seen.add(both(Request.EVENTS, payload[:-1] if rng.random() < 0.1 else payload))
            compared += 1
    assert compared == 150 and seen >= {Answer.OK, Answer.LATE, Answer.CHANNEL, Answer.LENGTH, Answer.TYPE, Answer.SEQUENCE}


def test_the_network_of_the_page_byte_by_byte_is_what_client_and_gateware_say_and_the_golden_model_gives():
    made_of, said = re.findall(r"```(?:python|conversation)\n(.*?)```", PAGE[PAGE.index("## A network of point neurons, byte by byte"):], re.DOTALL)
    names = {}
    exec(made_of, names)
    network, recording = names["network"], PointGolden().run(names["network"], trace=True)
    geometry, whole = PointGeometry.of(network, 2), lambda text: bytes.fromhex(re.sub(r"(..)x(\d+)", lambda found: found[1] * int(found[2]), text))
    payloads = [(Request.IDENTIFY, b""), *((Request.LOAD, each) for each in load_frames(load_words(network, geometry), PointTerms(geometry))),
                *((Request.EVENTS, each) for each in events_payloads(network.input_events)), (Request.RUN, bytes([3, 0, 8, 0, 0, 0]))]
    answers = []
    with NativeLink(build_linked(geometry).path, DIVISOR) as link:
        for line in said.strip().splitlines():
            who, kind, words, wire = re.fullmatch(r"(host|board) +(\w+) +([0-9A-Fx ]+?) *\| ([0-9A-Fx ]+)", line).groups()
            seq, payload, wire = whole(words)[0], whole(words)[1:], whole(wire)
            if who == "host":
                assert answers == [] and (Request[kind], payload) == payloads.pop(0) and wire == encode(Frame(Request[kind], seq, payload))
                answers = list(Deframer().feed(link.exchange([BYTE | byte for byte in wire])))
            else:
                frame = answers.pop(0)
                assert (frame.answer, frame.seq, frame.payload, encode(frame)) == (Answer[kind], seq, payload, wire), line
                if frame.answer == Answer.DATA:
                    decoder = PointDecoder(Run(3), 8, PointTerms(geometry))
                    decoder.feed(payload)
    assert payloads == [] and answers == [] and decoder.spikes.tolist() == recording.spikes.tolist() == [[1, 0], [3, 1]]
    assert (decoder.records[7][:, 0] & np.uint64(0xFFFF)).tolist() == recording.trace["v"][7].tolist() == [1750, 2500]
