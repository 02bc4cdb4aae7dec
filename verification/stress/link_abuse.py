"""The host link under abuse: good, damaged and foreign frames, noise and breaks, at full rate and during runs, against the golden model."""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikegate.cosim.benches.bench import Tally
from spikegate.cosim.engines.virtual_board import NativeLink, build
from spikegate.gateware.core.core import CoreGeometry, Op
from spikegate.gateware.link.link import HostLink
from spikegate.models.link.device import Device
from spikegate.models.link.frames import OVERFLOW, RUNNING, Answer, Deframer, Frame, Request, encode
from spikegate.models.link.payloads import Status, item_bytes
from verification.stress.link_damage import MUTATIONS, received

__all__ = ["Abuse", "Report", "Sweeps", "check", "flood"]

STEPS, PAUSE, TAIL = 8, 1, 5
#: What comes after these on the line might, or might not, be counted in the answer.
LAST = (Request.STATUS, Request.RUN)


class Sweeps:
    """What the stand-in for the core plays: random neurons, some of which spike (``rate``, of all or of each), the last word with fewer of them.

    So many neurons have their ``overflows`` flag set in a step.
    """

    def __init__(self, geometry: CoreGeometry, rng: np.random.Generator, rate: float | np.ndarray = 0.03, overflows: float = 0.2):
        g, places = geometry, geometry.words * geometry.lanes
        bits, shape = g.format.width, (STEPS, places)
        self.v = rng.integers(g.format.min, g.format.max + 1, shape)
        self.hold, self.overflow = rng.integers(0, 256, shape), (rng.random(shape) < overflows / places).astype(int)
        self.spikes = ((rng.random(shape) < rate) & (np.arange(places) < g.n)).astype(int)
        layout, record = g.sweep_layout(), g.lane_layout()
        values = (self.v & (1 << bits) - 1) << record["v"].offset | self.hold << record["hold"].offset
        values |= self.overflow << record["overflow"].offset | self.spikes << record["spike"].offset
        rest = 8 * (record.size // 8) - record["events"].offset
        values |= rng.integers(0, 1 << rest, shape) << record["events"].offset  # which the link does not send
        self.words = np.zeros((STEPS, g.words, layout.size // 8), np.uint8)
        size = record.size // 8
        self.words[:, :, :g.lanes * size] = values.astype(f"<u{size}").reshape(STEPS, g.words, g.lanes).view(np.uint8)
        bits = np.pad(self.spikes.reshape(STEPS, g.words, g.lanes), ((0, 0), (0, 0), (0, g.lane_bits - g.lanes)))
        mask = np.packbits(bits, axis=2, bitorder="little")
        at = layout["spikes"].offset // 8
        # Neither does it look at what a core leaves 0, or at the number of the word.
        unused, beyond = np.arange(g.lane_bits) >= g.lanes, (layout["word"].offset // 8, layout["word"].offset // 8 + 4)
        mask |= np.packbits(unused & (rng.random((STEPS, g.words, g.lane_bits)) < 0.5), axis=2, bitorder="little")
        self.words[:, :, at:at + g.lane_bits // 8] = mask
        self.words[:, :, slice(*beyond)] = rng.integers(0, 256, (STEPS, g.words, 4))

    def step(self, number: int) -> tuple[np.ndarray, ...]:
        """Of a step since power-up: ``v``, ``hold``, ``overflow`` and ``spikes``."""
        return tuple(array[number % len(array)] for array in (self.v, self.hold, self.overflow, self.spikes))


@dataclass
class Report:
    """How much was done: frames sent, damaged ones among them, frames that the board dropped, values compared, load words, steps, cycles."""

    frames: int = 0
    damaged: int = 0
    dropped: int = 0
    compared: int = 0
    words: int = 0
    steps: int = 0
    cycles: int = 0


class Abuse:
    """A board with a stand-in for its core, its golden model, and what both did."""

    def __init__(self, link: HostLink, native: NativeLink, rng: random.Random):
        self.g, self.native, self.rng, self.tally, self.report = link.geometry, native, rng, Tally(), Report()
        self.device = Device(link.identity, self.g.streams is not None)
        self.sweeps = Sweeps(self.g, np.random.default_rng(rng.randrange(1 << 32)))
        self.load_size = self.g.load_layout().size // 8
        native.core(self.sweeps.words, self.load_size, PAUSE, TAIL)
        self.deframer, self.found, self.sent, self.seen = Deframer(), [], bytearray(), bytearray()

    def request(self) -> Frame:
        """A good frame: most do something, some are refused."""
        rng, device = self.rng, self.device
        self.report.frames += 1
        seq = device.expected if rng.random() < 0.8 else rng.randrange(256)
        kind = rng.choice([*device.requests, *device.requests, *[Request.LOAD] * 3, rng.randrange(256)])
        if rng.random() < 0.06:
            return Frame(kind, seq, rng.randbytes(rng.choice((0, 1, 5, 7, 8, 14, 20))))
        if kind == Request.RUN:
            return self.run(seq)
        if kind != Request.LOAD:
            return Frame(kind, seq)
        op = rng.choice(device.ops) if rng.random() < 0.95 else rng.randrange(256)
        size = item_bytes(op, device.identity.row_bits)
        lane, address = rng.randrange(self.g.lanes + (rng.random() < 0.1)), rng.randrange(self.g.words)
        place = rng.randbytes(5) if rng.random() < 0.1 else bytes([0, lane]) + address.to_bytes(3, "big")
        items, rest = rng.choice((0, 1, 2, 3, min(30, 240 // size))), rng.choice((0, 0, 0, 0, 1, 4))
        return Frame(kind, seq, bytes([op]) + place + rng.randbytes(size * items + rest))

    def run(self, seq: int) -> Frame:
        """A RUN of a few steps."""
        return Frame(Request.RUN, seq, bytes([self.rng.randrange(int(self.device.known) + 1), 0, self.rng.choice((0, 1, 1, 2, 3, 5)), 0, 0, 0]))

    def symbols(self, allowed) -> list[int]:
        """Damaged frames and a good one, back to back, so that ``allowed`` holds for the good ones that the board will find."""
        symbols, parts = [], self.rng.randint(0, 3)
        while parts > 0 or not self.good(symbols):
            damaged = parts > 0
            part = self.rng.choice(list(MUTATIONS.values()))(self.rng, self.request()) if damaged else list(encode(self.request()))
            if allowed(good := self.good(symbols + part)):
                symbols, parts, self.report.damaged = symbols + part, parts - 1, self.report.damaged + damaged
                if good and good[-1].type in LAST:
                    break
        return symbols

    def good(self, symbols) -> list[Frame]:
        """The good frames among these."""
        return list(copy.deepcopy(self.device.deframer).feed(received(symbols)))

    def exchange(self, symbols, *, finish: bool) -> None:
        """Give board and model the same; the board's answers are kept for `compare`."""
        self.found += self.deframer.feed(self.native.exchange(symbols, finish=finish))

    def compare(self, expected: list[Frame], *, over: bool = True) -> None:
        """Compare answers and words, and, when no run is under way, the counted steps and the data of the last run."""
        device, at = self.device, f"frame {self.report.frames}"
        for frame in device.collect() if over else ():
            if frame.answer == Answer.DATA:
                self.sent += frame.payload
            else:
                expected.append(frame)
        self.seen += b"".join(frame.payload for frame in self.found if frame.answer == Answer.DATA)
        self.tally.compare(at, "answers", [plain(frame) for frame in expected], [plain(frame) for frame in self.found if frame.answer != Answer.DATA])
        if over:
            self.tally.compare(at, "data", self.sent.hex(), self.seen.hex())
            self.sent.clear()
            self.seen.clear()
        words = self.native.loaded(self.load_size)
        words = words[words[:, -1] != Op.RUN.value]
        sizes = [item_bytes(op, device.identity.row_bits) for op in words[:, -1]]
        number = lambda part: int.from_bytes(part.tobytes(), "little")  # noqa: E731
        reached = [(number(w[-1:]), number(w[-3:-1]), number(w[-7:-3]), number(w[:size])) for w, size in zip(words, sizes)]
        self.tally.compare(at, "words at the core", device.words, reached)
        self.report.words += len(reached)
        device.words.clear()
        self.found.clear()

    def steps(self, first: int | None = None) -> None:
        """Steps that the core has ended, or the first of them, for the model."""
        for end in self.ends[:first]:
            self.device.step(*self.sweeps.step(self.device.steps), end - self.device.cycles)
        self.report.steps += len(self.ends[:first])
        self.ends = self.ends[first:] if first else []

    def round(self) -> None:
        """Some damaged frames and one or two good ones; a run comes to its end."""
        self.settle(self.symbols(lambda good: len(good) <= 2 and all(frame.type not in LAST for frame in good[:-1])))

    def settle(self, symbols) -> None:
        """These, until a run has come to its end."""
        self.exchange(symbols, finish=True)
        expected, self.ends = self.device.receive(received(symbols)), self.native.ends()
        self.steps()
        self.compare(expected)

    def long_run(self) -> None:
        """A run whose first step does not end before all sorts of frames have come."""
        self.native.hold(True)
        symbols = list(encode(self.run(self.device.expected)))
        self.exchange(symbols, finish=False)
        expected = self.device.receive(received(symbols))
        stepping = self.device.due
        self.compare(expected, over=not stepping)
        for _ in range(self.rng.randint(1, 4) if stepping else 0):
            symbols = self.symbols(lambda good: len(good) <= 2 and all(frame.type != Request.STATUS for frame in good))
            self.exchange(symbols, finish=False)
            self.compare(self.device.receive(received(symbols)), over=False)
        # A STATUS waits for the end of the step.
        symbols = list(encode(Frame(Request.STATUS, 0))) * self.rng.randint(0, 1)
        self.exchange(symbols, finish=False)
        self.native.hold(False)
        self.exchange([], finish=True)
        self.ends = self.native.ends()
        self.steps(first=1)
        expected = self.device.receive(received(symbols))
        self.steps()
        self.compare(expected)

    def status(self) -> None:
        """The counters."""
        symbols = list(encode(Frame(Request.STATUS, 0)))
        self.exchange(symbols, finish=True)
        self.compare(self.device.receive(received(symbols)))


def plain(frame: Frame) -> tuple:
    """A frame for comparison; during a run the moment of the overflow mark is not the model's."""
    return frame.type & ~(OVERFLOW if frame.type & RUNNING else 0), frame.seq, frame.payload.hex()


def check(link: HostLink, *, frames: int, seed: int, library: Path | None = None, more: Callable[[Abuse], None] = lambda _: None) -> Report:
    """Abuse a host link, or its simulator in ``library``, with at least so many frames, and do ``more`` to it before the last STATUS.

    Raises
    ------
    Mismatch
        With the first difference between board and model.
    SpikegateError
        If the board does not come to rest.
    """
    with NativeLink(library or build(link).path, link.divisor) as native:
        abuse = Abuse(link, native, random.Random(seed))
        while abuse.report.frames < frames:
            abuse.long_run() if abuse.rng.random() < 0.1 else abuse.round()
            if abuse.tally.first:
                break
            if abuse.rng.random() < 0.1:
                abuse.status()
        more(abuse)
        abuse.status()
        abuse.tally.compare("the end", "bytes from the board that were none", 0, native.bad + abuse.deframer.dropped)
        abuse.tally.judge()
        abuse.report.dropped, abuse.report.compared, abuse.report.cycles = abuse.device.deframer.dropped, abuse.tally.compared, native.cycles
        return abuse.report


def flood(link: HostLink, requests: list[Frame], *, library: Path | None = None,
          finish: Callable[[NativeLink], None] = lambda _: None) -> tuple[list[Frame], np.ndarray, Status]:
    """Send requests back to back without waiting for an answer: the answers, the load words that reached the core, and the counters."""
    with NativeLink(library or build(link).path, link.divisor) as native:
        size = link.geometry.load_layout().size // 8
        native.core(Sweeps(link.geometry, np.random.default_rng(1)).words, size, PAUSE, TAIL)
        answers = list(Deframer().feed(native.exchange([byte for frame in requests for byte in encode(frame)])))
        status, = Deframer().feed(native.exchange(list(encode(Frame(Request.STATUS, 0)))))
        finish(native)
        return answers, native.loaded(size), Status.unpack(status.payload)
