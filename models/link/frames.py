"""The host link's frames: their types, and how they stand on the line. docs/host_link.md is the normative text.

A frame is a flag, the bytes LENGTH TYPE SEQUENCE PAYLOAD CRC, and a flag; within it flags are escaped, as in RFC 1662.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["FLAG", "ESCAPE", "FLIP", "MAX_PAYLOAD", "RUNNING", "OVERFLOW", "Request", "Answer", "Frame", "Deframer", "crc", "stuff", "encode"]

FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
#: Bytes; a LENGTH above is an error.
MAX_PAYLOAD = 247


class Request(IntEnum):
    """Types of frames from the host; LOAD, RUN and EVENTS are executed once each, in the order of their sequence numbers."""

    IDENTIFY = 1
    STATUS = 2
    STOP = 3
    LOAD = 4
    RUN = 5
    EVENTS = 6  #: of a core of point neurons alone


class Answer(IntEnum):
    """Types of frames from the board, but for the `marks`. Those below IDENTITY have no payload and say what became of a request."""

    OK = 0x80
    SEQUENCE = 0x81  #: not the LOAD or RUN that is due: executed before, or one before it is missing
    BUSY = 0x82  #: not during a run; or no room for events now
    TYPE = 0x83  #: unknown type
    LENGTH = 0x84  #: not a length of this type or op
    ARGUMENT = 0x85  #: an op that LOAD does not have, or a lane that is not there
    LATE = 0x86  #: an event of a step that has begun, or of an earlier one than an event before it
    CHANNEL = 0x87  #: an event of a source that is not there
    IDENTITY = 0x89
    STATUS = 0x8A
    DONE = 0x8B
    DATA = 0x8C


#: Bits of an answer's type: a run is under way; in it, or in the last one, a neuron's overflow flag was set.
RUNNING, OVERFLOW = 0x10, 0x20


def crc(data: Iterable[int]) -> int:
    """CRC-16/X-25, the FCS-16 of RFC 1662."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _STEP[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF


def _step(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0x8408 * (value & 1)
    return value


#: What eight bits do to the register.
_STEP = [_step(value) for value in range(256)]


@dataclass(frozen=True)
class Frame:
    """One frame.

    Parameters
    ----------
    type : int
        A `Request` or an `Answer`, 0..255.
    seq : int
        0..255: of a request, its number; of an answer, that of the next LOAD or RUN to be executed.
    payload : bytes
        At most 247.
    """

    type: int
    seq: int
    payload: bytes = b""

    @property
    def answer(self) -> Answer:
        """Its type without the marks."""
        return Answer(self.type & ~(RUNNING | OVERFLOW))

    def content(self) -> bytes:
        """LENGTH TYPE SEQUENCE PAYLOAD CRC."""
        body = bytes([len(self.payload), self.type, self.seq]) + self.payload
        return body + crc(body).to_bytes(2, "little")


def stuff(content: bytes) -> bytes:
    """Bytes between two flags, without any within."""
    for byte in (ESCAPE, FLAG):
        content = content.replace(bytes([byte]), bytes([ESCAPE, byte ^ FLIP]))
    return bytes([FLAG]) + content + bytes([FLAG])


def encode(frame: Frame) -> bytes:
    """A frame as it goes over the line, with both flags."""
    return stuff(frame.content())


class Deframer:
    """The receiver's rule, alike on both sides: bytes of the line in, good frames out.

    Members
    -------
    dropped : int
        Frames that were not good: CRC, LENGTH, an escape before the flag, a byte lost, more than 255 bytes or a LENGTH above 247.
    line_errors : int
        Bytes lost.
    """

    def __init__(self) -> None:
        self.dropped = self.line_errors = 0
        self._begin()

    def _begin(self) -> None:
        self._bytes, self._escaped, self._broken = bytearray(), False, False

    def feed(self, data: Iterable[int | None]) -> Iterator[Frame]:
        """The good frames that these bytes complete; None is a byte that was lost (framing error or break)."""
        for byte in data:
            if byte is None:
                self.line_errors, self._broken = self.line_errors + 1, True
            elif byte == FLAG:
                if self._bytes or self._escaped or self._broken:
                    frame = self._end()
                    self.dropped += frame is None
                    if frame:
                        yield frame
                self._begin()
            elif self._escaped or byte != ESCAPE:
                self._bytes.append(byte ^ FLIP * self._escaped)
                self._escaped = False
            else:
                self._escaped = True

    def _end(self) -> Frame | None:
        got = bytes(self._bytes)
        bad = self._escaped or self._broken or got[0] > MAX_PAYLOAD or len(got) != got[0] + 5
        if bad or crc(got[:-2]) != int.from_bytes(got[-2:], "little"):
            return None
        return Frame(got[1], got[2], got[3:-2])
