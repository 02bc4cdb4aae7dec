"""Golden model of the board's side of the host link of a core of point neurons, and the host's decoder of its records."""

import numpy as np

from spikegate.models.core.address_map import PointOp
from spikegate.models.core.point_size import PointSize
from spikegate.models.link.decoder import Decoder
from spikegate.models.link.device import Device
from spikegate.models.link.frames import Answer, Request
from spikegate.models.link.payloads import HEADER, Run
from spikegate.models.link.point import ITEM, ROOM, PointIdentity, PointTerms

__all__ = ["PointDevice", "PointDecoder"]


class PointDevice(Device):
    """The board, whose core's results are put in by hand.

    Parameters
    ----------
    size : PointSize
    build : int
        As in `PointIdentity`.

    Members
    -------
    queue : list of (int, int)
        Events that wait: step and source. Who steps the core takes those of the step out.
    begun : int
        Steps begun since CLEAR.
    """

    requests = tuple(Request)
    terms: PointTerms

    def __init__(self, size: PointSize, build: int = 0) -> None:
        self.identity = PointIdentity.of(size, build)  # type: ignore[assignment]
        terms = PointTerms(size)
        self._begin(terms, terms.ops)
        self.queue: list[tuple[int, int]] = []
        self.begun = self.latest = 0

    def _load(self, payload: bytes) -> Answer:
        answer = super()._load(payload)
        if answer == Answer.OK and payload[0] == PointOp.CLEAR and len(payload) > HEADER:
            self.begun, self.latest = 0, 0
            self.queue.clear()
        return answer

    def _events(self, payload: bytes) -> Answer:
        items = [payload[at:at + ITEM] for at in range(0, len(payload), ITEM)]
        if len(items[-1]) != ITEM:
            return Answer.LENGTH
        events = [(int.from_bytes(item[:4], "big"), int.from_bytes(item[4:], "big")) for item in items]
        steps = [self.latest, *(step for step, _ in events)]
        if events[0][0] < self.begun or steps != sorted(steps):
            return Answer.LATE
        if any(source >= self.terms.sources for _, source in events):
            return Answer.CHANNEL
        if len(self.queue) + len(events) > ROOM:
            return Answer.BUSY
        self.queue += events
        self.latest, self.expected = events[-1][0], (self.expected + 1) % 256
        return Answer.OK

    def begin_step(self) -> list[int]:
        """The core begins a step: the sources of its events."""
        due = [source for step, source in self.queue if step <= self.begun]
        self.queue, self.begun = [event for event in self.queue if event[0] > self.begun], self.begun + 1
        return due


class PointDecoder(Decoder):
    """The host's side of the data of a run: bytes in, spikes and records out.

    Parameters
    ----------
    flags : Run
    steps : int
        Of the run.
    terms : PointTerms
        Of the board.

    Members
    -------
    records : dict of int to numpy.ndarray
        Of a step, states as uint64 (words · lanes, any), of every place in order.
    """

    def __init__(self, flags: Run, steps: int, terms: PointTerms) -> None:
        self.terms = terms
        self._begin(flags, steps, terms.n, terms.words * terms.lanes, terms.record)

    def _record(self, data: bytes) -> None:
        raw = np.frombuffer(data, np.uint8).reshape(-1, self.terms.record)[:, ::-1]
        padded = np.zeros((len(raw), -(-self.terms.record // 8) * 8), np.uint8)
        padded[:, :self.terms.record] = raw
        words, (at, bit) = padded.view("<u8"), divmod(self.terms.size.state_bits, 64)
        self.records[self.step] = words
        self._spikes += [(self.step, int(neuron)) for neuron in np.flatnonzero(words[:self.n, at] >> np.uint64(bit) & np.uint64(1))]
        self.step += 1
