"""The address map: whoever writes its numbers again writes the same, and places do not meet; the page is held in tests/link."""

import re
from pathlib import Path

from spikegate.models.core.address_map import Op, flip_rate, stream_register, stuck_word

ROOT = Path(__file__).parents[2]


def test_the_harness_in_c_has_the_number_of_run():
    found = re.findall(r"constexpr uint8_t RUN = (\d+);", (ROOT / "cosim" / "engines" / "virtual_board.cpp").read_text())
    assert found == [str(Op.RUN.value)]


def test_places_of_streams_do_not_meet():
    registers = [stream_register(channel, plane) for channel in range(8 + 24) for plane in range(16)]
    masks = [stuck_word(channel, level, point, word) for channel in range(8) for level in (0, 1) for point in range(3) for word in range(16)]
    rates = [flip_rate(channel, point) for channel in range(8) for point in range(3)]
    for places in (registers, masks, rates):
        assert len(set(places)) == len(places) and min(places) == 0 and max(places) < 1 << 16
