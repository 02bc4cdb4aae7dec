"""The address map: the page shows it, and whoever writes its numbers again writes the same."""

import re
from pathlib import Path

import pytest

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.models.core.address_map import MAP, PARAMS, Op, Param, flip_rate, page, stream_register, stuck_word
from spikegate.models.link.device import Device
from spikegate.models.link.frames import HEADER, Answer, Frame, Identity, Request
from spikegate.models.numeric.fixed import Q8_8

ROOT = Path(__file__).parents[2]
DEVICE = Identity.of(CoreGeometry(6, 3, Q8_8))


def test_the_page_shows_the_map():
    text = (ROOT / "docs" / "address_map.md").read_text()
    assert page() in text
    assert page().replace("| 6 | PARAM |", "| 7 | PARAM |") not in text


def test_every_op_and_parameter_is_in_the_map_and_has_a_number_of_its_own():
    assert list(MAP) == list(Op) and list(PARAMS) == list(Param)
    assert [op.value for op in Op] == list(range(11)) and [param.value for param in Param] == list(range(8))


def test_the_harness_in_c_has_the_number_of_run():
    found = re.findall(r"constexpr uint8_t RUN = (\d+);", (ROOT / "cosim" / "engines" / "virtual_board.cpp").read_text())
    assert found == [str(Op.RUN.value)]


def test_places_of_streams_do_not_meet():
    registers = [stream_register(channel, plane) for channel in range(8 + 24) for plane in range(16)]
    masks = [stuck_word(channel, level, point, word) for channel in range(8) for level in (0, 1) for point in range(3) for word in range(16)]
    rates = [flip_rate(channel, point) for channel in range(8) for point in range(3)]
    for places in (registers, masks, rates):
        assert len(set(places)) == len(places) and min(places) == 0 and max(places) < 1 << 16


@pytest.mark.parametrize(("lane", "answer"), [(0, Answer.OK), (2, Answer.OK), (3, Answer.ARGUMENT), (4, Answer.ARGUMENT), (0xFFFF, Answer.ARGUMENT)])
def test_a_lane_that_is_not_there_is_refused(lane, answer):
    device = Device(DEVICE)
    payload = bytes([Op.SEED, *lane.to_bytes(2, "big"), 0, 0, 0]) + bytes(8)
    said = device._execute(Frame(Request.LOAD, 0, payload))
    assert len(payload) == HEADER + 8 and said.answer == answer and len(device.words) == (answer == Answer.OK)
