"""Golden model of the board's side of the host link, without time: what it answers to bytes, and what of them reaches the core."""

from collections.abc import Iterable, Iterator

import numpy as np

from spikegate.models.core.address_map import OF_STREAMS, Op
from spikegate.models.link.frames import OVERFLOW, RUNNING, Answer, Deframer, Frame, Request
from spikegate.models.link.payloads import CHOOSE, CHUNK, HEADER, MAX_STEPS, Identity, Run, Status
from spikegate.models.link.point import PointTerms

__all__ = ["Device", "distances"]


def grouped(places: Iterable[int], before: int = -1) -> bytes:
    """Each place's distance from the one before, in groups of seven bits, the highest first."""
    out = bytearray()
    for place in places:
        gap, before = int(place) - before, int(place)
        groups = [gap >> shift & 0x7F for shift in (28, 21, 14, 7, 0) if gap >> shift or not shift]
        out += bytes([*(0x80 | group for group in groups[:-1]), groups[-1]])
    return bytes(out)


def distances(neurons: Iterable[int]) -> bytes:
    """The spikes of a step: each neuron's distance from the one before, the first from neuron -1, and a 0."""
    return grouped(neurons) + b"\0"


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
    chosen : numpy.ndarray
        Whether the neuron of each place, (words · lanes,), is a chosen one.
    """

    #: Types that it knows.
    requests: tuple[Request, ...] = tuple(kind for kind in Request if kind != Request.EVENTS)
    #: Without counters.
    known, counting, chosen = Run.EVENTS | Run.FINAL | Run.EVERY, False, np.zeros(0, bool)

    def __init__(self, identity: Identity, streams: bool = False) -> None:
        self.identity = identity
        if identity.counts:
            self.known, self.counting, self.chosen = Run(sum(Run)), True, np.zeros(identity.words * identity.lanes, bool)
        self._begin(identity, [*(op for op in Op if op != Op.RUN and (streams or op not in OF_STREAMS)), *[CHOOSE] * identity.counts])

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
            self._word(op, lane, address, int.from_bytes(payload[at:at + size], "big"))
            if op in self.terms.by_neuron and lane != last:
                lane += 1
            else:
                lane, address = 0, (address + 1) % (1 << 24)
        self.expected = (self.expected + 1) % 256
        return Answer.OK

    def _word(self, op: int, lane: int, address: int, data: int) -> None:
        if not self.counting or op != CHOOSE:
            self.words.append((op, lane, address, data))
        elif (place := address * self.terms.lanes + lane) < len(self.chosen):
            self.chosen[place] = data & 1

    def _events(self, payload: bytes) -> Answer:
        """Only a board that takes events has this request."""
        raise NotImplementedError

    def _run(self, payload: bytes) -> Answer:
        # The gateware counts its steps from the address, which a host leaves 0.
        self.flags, self.left = Run(payload[0] & self.known), int.from_bytes(payload[1:3], "big") - int.from_bytes(payload[4:6], "big") & MAX_STEPS
        self.running, self.stopping, self.overflow = True, False, False
        self.counts, self._place, self._passed = np.zeros(1, np.int64), -1, 0
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
        self.counts, first, self._passed = self.counts + spikes, self._passed, self._passed + len(spikes)
        if self.flags & Run.COUNTS and not self.flags & Run.EVERY and not self.left:
            self._data += self.counts.astype(">u2").tobytes()
        elif self.flags & Run.EVERY or (self.flags & Run.FINAL and not self.left):
            self._data += records
        elif self.flags & Run.EVENTS and self.flags & Run.CHOSEN:
            places = first + np.flatnonzero(spikes & self.chosen)
            self._data += grouped(places, self._place)
            self._place, self.events = int(places[-1]) if len(places) else self._place, self.events + len(places)
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
