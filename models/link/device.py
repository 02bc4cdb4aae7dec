"""Golden model of the board's side of the host link, without time: what it answers to bytes, and what of them reaches the core."""

from collections.abc import Iterable, Iterator

import numpy as np

from spikegate.models.core.address_map import OF_STREAMS, Op
from spikegate.models.link.frames import OVERFLOW, RUNNING, Answer, Deframer, Frame, Request
from spikegate.models.link.payloads import CHUNK, HEADER, MAX_STEPS, Identity, Run, Status, record_bytes
from spikegate.models.link.point import PointTerms

__all__ = ["Device", "Decoder", "distances"]


def distances(neurons: Iterable[int]) -> bytes:
    """The spikes of a step: each neuron's distance from the one before, the first from neuron -1, in groups of seven bits, and a 0."""
    out, before = bytearray(), -1
    for neuron in neurons:
        gap, before = neuron - before, neuron
        groups = [gap >> shift & 0x7F for shift in (14, 7, 0) if gap >> shift or not shift]
        out += bytes([*(0x80 | group for group in groups[:-1]), groups[-1]])
    return bytes([*out, 0])


class Device:
    """The board, whose core's results are put in by hand.

    Parameters
    ----------
    identity : Identity
    streams : bool
        Whether stochastic synapses are compiled in.

    Members
    -------
    words : list of (op, lane, address, data)
        What reached the core; data is an integer of as many bytes as an item has.
    """

    #: Types that it knows.
    requests: tuple[Request, ...] = tuple(kind for kind in Request if kind != Request.EVENTS)

    def __init__(self, identity: Identity, streams: bool = False) -> None:
        self.identity = identity
        self._begin(identity, [op for op in Op if op != Op.RUN and (streams or op not in OF_STREAMS)])

    def _begin(self, terms: Identity | PointTerms, ops: Iterable[int]) -> None:
        self.terms, self.ops = terms, list(ops)
        self.words: list[tuple[int, int, int, int]] = []
        self.expected = self.events = self.steps = self.cycles = 0
        self.running = self.overflow = self.stopping = False
        self.deframer, self._data = Deframer(), bytearray()

    def receive(self, data: Iterable[int | None]) -> list[Frame]:
        """Answers to bytes of the line, in order; None is a byte whose stop bit was 0."""
        return [self._execute(frame) for frame in self.deframer.feed(data)]

    def _frame(self, kind: int, payload: bytes = b"") -> Frame:
        return Frame(kind | RUNNING * self.running | OVERFLOW * self.overflow, self.expected, payload)

    def _status(self) -> bytes:
        counters = self.deframer.line_errors, 0, self.deframer.dropped, self.events, self.steps, self.cycles
        return Status(*(value & 0xFFFFFFFF for value in counters)).pack()

    def _execute(self, frame: Frame) -> Frame:
        kind, size = frame.type, len(frame.payload)
        if kind not in self.requests:
            return self._frame(Answer.TYPE)
        if not (size >= HEADER if kind in (Request.LOAD, Request.EVENTS) else size == HEADER if kind == Request.RUN else size == 0):
            return self._frame(Answer.LENGTH)
        if kind == Request.IDENTIFY:
            self.expected = 0
            return self._frame(Answer.IDENTITY, self.identity.pack())
        if kind == Request.STATUS:
            return self._frame(Answer.STATUS, self._status())
        if kind == Request.STOP:
            self.stopping = True
            return self._frame(Answer.OK)
        if frame.seq != self.expected:
            return self._frame(Answer.SEQUENCE)
        if kind == Request.EVENTS:
            return self._frame(self._events(frame.payload))
        if self.running:
            return self._frame(Answer.BUSY)
        return self._frame(self._load(frame.payload) if kind == Request.LOAD else self._run(frame.payload))

    def _load(self, payload: bytes) -> Answer:
        op, lane, address = payload[0], int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:6], "big")
        size, last = self.terms.item(op), self.terms.lanes - 1
        if op not in self.ops or lane > last:
            return Answer.ARGUMENT
        if (len(payload) - HEADER) % size:
            return Answer.LENGTH
        for at in range(HEADER, len(payload), size):
            self.words.append((op, lane, address, int.from_bytes(payload[at:at + size], "big")))
            if op in self.terms.by_neuron and lane != last:
                lane += 1
            else:
                lane, address = 0, (address + 1) % (1 << 24)
        self.expected = (self.expected + 1) % 256
        return Answer.OK

    def _events(self, payload: bytes) -> Answer:
        """Only a board that takes events has this request."""
        raise NotImplementedError

    def _run(self, payload: bytes) -> Answer:
        # The gateware counts its steps from the address, which a host leaves 0.
        self.flags, self.left = Run(payload[0] & 7), int.from_bytes(payload[1:3], "big") - int.from_bytes(payload[4:6], "big") & MAX_STEPS
        self.running, self.stopping, self.overflow = True, False, False
        self.expected = (self.expected + 1) % 256
        return Answer.OK

    @property
    def due(self) -> bool:
        """Whether the core has another step to make."""
        return self.running and self.left > 0 and not self.stopping

    def step(self, v: np.ndarray, hold: np.ndarray, overflow: np.ndarray, spikes: np.ndarray, cycles: int) -> None:
        """What the core gives for a step: membranes, refractory steps, flags and spikes of every lane of every word, and its cycles."""
        width = self.identity.width
        values = (v.astype(np.int64) & (1 << width) - 1) | hold.astype(np.int64) << width | overflow.astype(np.int64) << width + 8
        records = (values | spikes.astype(np.int64) << width + 9).astype(f">u{self.terms.record}")
        self.made(records.tobytes(), bool(np.any(overflow)), spikes, cycles)

    def made(self, records: bytes, overflow: bool, spikes: np.ndarray, cycles: int) -> None:
        """A step: the records of every lane of every word, whether a flag of them is set, who spiked, and the cycles."""
        self.left, self.steps, self.cycles = self.left - 1, self.steps + 1, self.cycles + cycles
        self.overflow |= overflow
        if self.flags & Run.EVERY or (self.flags & Run.FINAL and not self.left):
            self._data += records
        elif self.flags & Run.EVENTS:
            neurons = np.flatnonzero(spikes)
            self._data += distances(neurons)
            self.events += len(neurons)

    def collect(self) -> Iterator[Frame]:
        """DATA frames that are full, and after the last step the rest of them and DONE."""
        over = self.running and not self.due
        if over:
            self._data += bytes(-len(self._data) % CHUNK)
        while len(self._data) >= CHUNK:
            yield self._frame(Answer.DATA, bytes(self._data[:CHUNK]))
            del self._data[:CHUNK]
        if over:
            self.running = False
            yield self._frame(Answer.DONE, self._status())


class Decoder:
    """The host's side of the data of a run: bytes in, spikes and records out.

    Parameters
    ----------
    flags : Run
    steps, n, lanes, width : int
        Of the run, and of the board.

    Members
    -------
    step : int
        Steps decoded; ``complete`` when these are all.
    events : int
        Spikes among them that came as events.
    records : dict of int to numpy.ndarray
        Of a step, rows of (n,): membranes, refractory steps, overflow flags.
    sound : bool
        False when the bytes make no sense, because some are missing; the rest is then not decoded.
    """

    def __init__(self, flags: Run, steps: int, n: int, lanes: int, width: int) -> None:
        self.width = width
        self._begin(flags, steps, n, -(-n // lanes) * lanes * record_bytes(width))

    def _begin(self, flags: Run, steps: int, n: int, size: int) -> None:
        self.flags, self.steps, self.n = flags, steps, n
        self.step, self.events, self.sound = 0, 0, True
        self._size, self._neuron, self._high, self._bytes = size, -1, 0, bytearray()
        self._spikes: list[tuple[int, int]] = []
        self.records: dict[int, np.ndarray] = {}
        self.feed(b"")  # steps of which nothing is sent

    def feed(self, data: bytes) -> None:
        """Take the bytes of a DATA frame."""
        self._bytes += data
        at = 0
        while self.sound and not self.complete:
            if self.flags & Run.EVERY or (self.flags & Run.FINAL and self.step == self.steps - 1):
                if len(self._bytes) - at < self._size:
                    break
                self._record(bytes(self._bytes[at:at + self._size]))
                at += self._size
            elif not self.flags & Run.EVENTS:
                self.step += 1
            elif at == len(self._bytes):
                break
            else:
                self._event(self._bytes[at])
                at += 1
        del self._bytes[:at]

    def _event(self, byte: int) -> None:
        value = self._high | byte & 0x7F
        self._high = value << 7 if byte & 0x80 else 0
        if byte & 0x80:
            return
        self._neuron += value
        self.sound = self._neuron < self.n
        if not value:
            self.step, self._neuron = self.step + 1, -1
        elif self.sound:
            self.events += 1
            self._spikes.append((self.step, self._neuron))

    def _record(self, data: bytes) -> None:
        width, sign = self.width, 1 << self.width - 1
        raw = np.frombuffer(data, f">u{record_bytes(width)}").astype(np.int64)[:self.n]
        self.records[self.step] = np.stack([((raw & (1 << width) - 1) ^ sign) - sign, raw >> width & 0xFF, raw >> width + 8 & 1])
        self._spikes += [(self.step, int(neuron)) for neuron in np.flatnonzero(raw >> width + 9 & 1)]
        self.step += 1

    @property
    def spikes(self) -> np.ndarray:
        """So far, int32 (count, 2): step and neuron."""
        return np.array(self._spikes, np.int32).reshape(-1, 2)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.step == self.steps
