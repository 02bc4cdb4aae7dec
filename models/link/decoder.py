"""The host's side of the data of a run over the host link: bytes in, spikes, records and counts out."""

from collections.abc import Callable

import numpy as np

from spikegate.models.link.payloads import Run, record_bytes

__all__ = ["COUNT", "Decoder"]

#: Bytes of a count.
COUNT = 2


class Decoder:
    """The host's side of the data of a run: bytes in, spikes, records and counts out.

    Parameters
    ----------
    flags : Run
    steps, n, lanes, width : int
        Of the run, and of the board.

    Members
    -------
    counts : numpy.ndarray
        Spikes of each neuron in the run, int64 (n,), once they have come.
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
        self._begin(flags, steps, n, -(-n // lanes) * lanes, record_bytes(width))

    def _begin(self, flags: Run, steps: int, n: int, places: int, size: int) -> None:
        self.flags, self.steps, self.n, self._places = flags, steps, n, places
        self.step, self.events, self.sound = 0, 0, True
        self.counts = np.zeros(0, np.int64)
        self._size, self._neuron, self._high, self._bytes = size, -1, 0, bytearray()
        self._spikes: list[tuple[int, int]] = []
        self.records: dict[int, np.ndarray] = {}
        self.feed(b"")  # steps of which nothing is sent

    def feed(self, data: bytes) -> None:
        """Take the bytes of a DATA frame."""
        self._bytes += data
        at = 0
        while self.sound and not self.complete and not self._through:
            size, take = self._block()
            if len(self._bytes) - at < size:
                break
            if size:
                take(bytes(self._bytes[at:at + size]))
                at += size
            elif not self.flags & Run.EVENTS:
                self.step += 1
            elif at == len(self._bytes):
                break
            else:
                self._event(self._bytes[at])
                at += 1
        del self._bytes[:at]

    def finish(self, events: int) -> None:
        """The run is over, and so many spikes were sent in it, as DONE says: those of chosen neurons are known to end only now."""
        if not self._through or not self.steps:
            return
        place, at, ends = -1, 0, [index for index, byte in enumerate(self._bytes) if byte < 0x80][:events]
        for end in ends:
            gap = sum((byte & 0x7F) << 7 * (end - index) for index, byte in enumerate(self._bytes[at:end + 1], at))
            place, at = place + gap, end + 1
            self._spikes.append(divmod(place, self._places))
            self.sound &= gap > 0 and self._spikes[-1][1] < self.n
        self.events, self.step = len(ends), self.steps - 1
        (size, take), rest = self._block(), bytes(self._bytes[at:])
        self.sound &= len(rest) >= size and not any(rest[size:]) and place < (self.steps - (size > 0)) * self._places
        if self.sound:
            take(rest[:size])

    @property
    def _through(self) -> bool:
        """Whether the spikes of all steps are one row."""
        return Run.EVENTS | Run.CHOSEN == self.flags & (Run.EVENTS | Run.CHOSEN | Run.EVERY)

    def _block(self) -> tuple[int, Callable[[bytes], None]]:
        """Bytes of what the present step leaves as a whole, 0 if that are spikes or nothing, and who takes them."""
        last = self.step == self.steps - 1
        if last and self.flags & Run.COUNTS and not self.flags & Run.EVERY:
            return self._places * COUNT, self._count
        if self.flags & Run.EVERY or last and self.flags & Run.FINAL:
            return self._places * self._size, self._record
        return 0, self._nothing

    def _nothing(self, data: bytes) -> None:
        self.step += 1

    def _count(self, data: bytes) -> None:
        self.counts, self.step = np.frombuffer(data, ">u2").astype(np.int64)[:self.n], self.step + 1

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
        return self.sound and self.step == self.steps
