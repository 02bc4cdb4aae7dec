"""The decoder of what a board sends of a run: bytes by hand from docs/host_link.md."""

import pytest

from spikegate.models.link.decoder import Decoder
from spikegate.models.link.payloads import Run


def decoder(flags, steps, width=16):
    return Decoder(Run(flags), steps, 5, 2, width)


@pytest.mark.parametrize("width, word, values", [(17, "0000000006A9FFFE", [-2, 0x54, 1]), (20, "00000000254FFFFD", [-3, 0x54, 0]),
                                                 (32, "000003FF80000000", [-2**31, 0xFF, 1]), (16, "02547FFF", [2**15 - 1, 0x54, 0])])
def test_records_are_decoded_by_hand(width, word, values):
    found = decoder(2, 1, width)
    found.feed(bytes.fromhex(word) * 6)
    assert found.records[0].T.tolist() == [values] * 5 and found.spikes.tolist() == [[0, k] for k in range(5)]


def test_a_record_is_decoded_when_it_is_whole():
    found = decoder(4, 2)
    found.feed(bytes(23))
    assert not found.complete and found.step == 0 and not found.records
    found.feed(bytes(24))
    assert found.step == 1 and list(found.records) == [0]
    found.feed(bytes(1))
    assert found.complete and list(found.records) == [0, 1]


def test_distances_of_several_bytes_are_decoded():
    found = Decoder(Run(1), 2, 2**21, 2, 16)
    for byte in bytes.fromhex("81800000 0000 01FFFF7F00"):
        assert found.sound
        found.feed(bytes([byte]))
    assert found.spikes.tolist() == [[0, 16383]] and found.complete
    more = Decoder(Run(1), 2, 2**21, 2, 16)
    more.feed(bytes.fromhex("01FFFF7F00 81496000"))
    assert more.spikes.tolist() == [[0, 0], [0, 2**21 - 1], [1, 200], [1, 296]] and more.complete and more.events == 4


def test_bytes_that_make_no_sense_end_the_decoding():
    found = decoder(1, 3)
    found.feed(bytes([5, 0, 2, 4, 1, 0]))
    assert found.spikes.tolist() == [[0, 4], [1, 1]] and not found.sound and not found.complete and found.events == 2 and found.step == 1
    found.feed(bytes(9))
    assert found.step == 1 and decoder(1, 1).sound


def test_steps_of_which_nothing_is_sent_are_known_at_once():
    assert [(one.step, one.complete) for one in (decoder(0, 4), decoder(2, 4), decoder(1, 4), decoder(4, 4), decoder(2, 0))] == [
        (4, True), (3, False), (0, False), (0, False), (0, True)]
