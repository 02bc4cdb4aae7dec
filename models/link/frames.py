"""The host link's frames: how they stand on the line, and what they say. docs/host_link.md is the normative text.

A frame is a flag, the bytes LENGTH TYPE SEQUENCE PAYLOAD CRC, and a flag; within it flags are escaped, as in RFC 1662.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, ClassVar, Self

from spikegate.models.core.address_map import DATA_BITS, Op
from spikegate.models.errors import InputError

__all__ = ["VERSION", "FLAG", "ESCAPE", "FLIP", "MAX_PAYLOAD", "CHUNK", "HEADER", "MAX_ROW", "MAX_STEPS", "MAX_NEURONS", "RUNNING", "OVERFLOW",
           "Request", "Answer", "Run", "Frame", "Deframer", "Status", "Identity", "crc", "stuff", "encode", "item_bytes", "record_bytes"]

#: Of the protocol; changes with every change that an older client would misread.
VERSION = 2
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
#: Bytes; a LENGTH above is an error.
MAX_PAYLOAD = 247
#: Payload of every DATA frame.
CHUNK = 128
#: Bytes of a LOAD before its items (op, lane, address), and of a RUN (flags, steps, 0).
HEADER = 6
#: Bytes of a word of a row, at most.
MAX_ROW = 128
#: Of one RUN; and neurons, whose distances the gateware sends in two bytes.
MAX_STEPS, MAX_NEURONS = (1 << 16) - 1, (1 << 14) - 1


class Request(IntEnum):
    """Types of frames from the host; LOAD and RUN are executed once each, in the order of their sequence numbers."""

    IDENTIFY = 1
    STATUS = 2
    STOP = 3
    LOAD = 4
    RUN = 5


class Answer(IntEnum):
    """Types of frames from the board, but for the `marks`. Those below IDENTITY have no payload and say what became of a request."""

    OK = 0x80
    SEQUENCE = 0x81  #: not the LOAD or RUN that is due: executed before, or one before it is missing
    BUSY = 0x82  #: not during a run
    TYPE = 0x83  #: unknown type
    LENGTH = 0x84  #: not a length of this type or op
    ARGUMENT = 0x85  #: an op that LOAD does not have, or a lane that is not there
    IDENTITY = 0x89
    STATUS = 0x8A
    DONE = 0x8B
    DATA = 0x8C


#: Bits of an answer's type: a run is under way; in it, or in the last one, a neuron's overflow flag was set.
RUNNING, OVERFLOW = 0x10, 0x20


class Run(IntFlag):
    """What a RUN sends."""

    EVENTS = 1  #: the spikes of every step
    FINAL = 2  #: after the last step the records of all neurons instead
    EVERY = 4  #: the records after every step instead


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


def item_bytes(op: int, bits: int) -> int:
    """Bytes of an item of a LOAD: 8, or for a word of ``bits`` of a row as many as it takes of 1, 2, 4, 8, ..."""
    return DATA_BITS // 8 if op != Op.ROW else 1 << (-(-bits // 8) - 1).bit_length()


def record_bytes(width: int) -> int:
    """Bytes of a neuron's record: membrane, refractory steps left, flags, in 4 or 8 bytes."""
    return 4 if width <= 16 else 8


@dataclass(frozen=True)
class _Payload:
    """Unsigned numbers, highest byte first, one after another: of ``SIZE`` bytes, or as ``SIZES`` says."""

    SIZE: ClassVar[int]
    SIZES: ClassVar[dict[str, int]]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of the fields, in their order."""
        return tuple(field.name for field in fields(cls))

    def pack(self) -> bytes:
        """The payload."""
        return b"".join(value.to_bytes(self.SIZES.get(name, self.SIZE), "big") for name, value in zip(self.names(), astuple(self)))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """From a payload.

        Raises
        ------
        InputError
            If it has another length.
        """
        sizes = [cls.SIZES.get(name, cls.SIZE) for name in cls.names()]
        if len(payload) != sum(sizes):
            raise InputError(f"{cls.__name__} must have {sum(sizes)} bytes, not {len(payload)}; build board and client from one source")
        ends = [sum(sizes[:k + 1]) for k in range(len(sizes))]
        return cls(*(int.from_bytes(payload[end - size:end], "big") for size, end in zip(sizes, ends)))


@dataclass(frozen=True)
class Status(_Payload):
    """Payload of STATUS and DONE: counters since power-up, modulo 2^32.

    Parameters
    ----------
    line_errors : int
        Bytes whose stop bit was 0.
    overruns, dropped : int
        Frames for which there was no room; frames not taken, for whatever reason.
    events, steps : int
        Spikes sent, steps begun.
    cycles : int
        Clock cycles of the core without those in which it waited for the link.
    """

    SIZE: ClassVar[int] = 4
    SIZES: ClassVar[dict[str, int]] = {}
    line_errors: int = 0
    overruns: int = 0
    dropped: int = 0
    events: int = 0
    steps: int = 0
    cycles: int = 0


@dataclass(frozen=True)
class Identity(_Payload):
    """Payload of IDENTITY: what the board is.

    Parameters
    ----------
    version : int
        Of the protocol.
    n, lanes, width, fraction, rounding, overflow, depth, max_delay, leak_fraction, store, walk, banks : int
        As in `spikegate.gateware.core.core.CoreGeometry` and its format; a store of 0 is none.
    family : int
        CRC-32 of the description of generator and streams.
    build : int
        40 bits that name the build.
    """

    SIZE: ClassVar[int] = 1
    SIZES: ClassVar[dict[str, int]] = {"n": 2, "lanes": 2, "family": 4, "build": 5}
    version: int
    n: int
    lanes: int
    width: int
    fraction: int
    rounding: int
    overflow: int
    depth: int
    max_delay: int
    leak_fraction: int
    store: int
    walk: int
    banks: int
    family: int
    build: int

    @classmethod
    def of(cls, geometry: Any, build: int = 0) -> "Identity":
        """Of a `spikegate.gateware.core.core.CoreGeometry`, which models do not import."""
        g, q = geometry, geometry.format
        family = zlib.crc32(repr((g.lfsr, g.streams)).encode())
        return cls(VERSION, g.n, g.lanes, q.width, q.fraction, g.rounding.value, g.overflow.value, g.depth, g.max_delay, g.leak_fraction,
                   g.options["store"] or 0, int(g.options["walk"]), g.banks, family, build)

    @property
    def row_bits(self) -> int:
        """Of a word of a row."""
        return self.store or self.lanes

    @property
    def words(self) -> int:
        """Words of a sweep, of which each has a neuron of every lane."""
        return -(-self.n // self.lanes)

    @property
    def stride(self) -> int:
        """Words of a source's row; in a store, with its weight in the highest bits of the last."""
        return -(-(self.n + self.width) // self.store) if self.store else self.words

    def addresses(self, op: int) -> int:
        """How many addresses an op of LOAD has, from 0."""
        table = max(4, 1 << self.depth) if self.walk else 1 << self.depth
        return (1, self.n * self.stride, 0 if self.store else self.n, table, self.words, self.words, 8, 0, *3 * [1 << 16])[op]
