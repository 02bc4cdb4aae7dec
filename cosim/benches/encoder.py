"""Benches of both encoders: every bit of the serial one, every window of the parallel one, under random stalls and new starts."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count as count_up
from typing import Any

import numpy as np

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, run_bench, start
from spikegate.cosim.benches.seeded import compare_clocked
from spikegate.cosim.benches.stream_ports import STALLS, StreamMonitor, StreamSink, StreamSource
from spikegate.gateware.streams.encoder import Encoder, WindowEncoder, request_layout
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.encoder import EncoderParams, WindowParams
from spikegate.models.streams.planes import unpack

__all__ = ["FAULTS", "Serial", "starts", "thresholds", "requests", "check"]

REQUEST_STALL = 0.95
#: Bits that are computed at once after a request; another comes sooner, as REQUEST_STALL to that power is below 1e-22.
RUN = 1000
#: What a wrong golden model does: to a threshold (x <= P is x < P + 1), or to a window.
FAULTS = {"none": (0, False), "at most": (1, False), "reversed": (0, True)}

#: An index, or a seed for each plane.
Start = int | list[int]


def starts(params: EncoderParams | WindowParams, rng: random.Random) -> int:
    """One seed, or an index, of which the last ones are frequent."""
    last = (1 << params.start_bits) - 1
    if isinstance(params.source, LfsrParams):
        return rng.randint(1, last)
    return rng.choice((rng.randint(0, last), max(last - rng.randrange(8), 0)))


def thresholds(bits: int, rng: random.Random) -> Iterator[int]:
    """Thresholds without end: both ends and their neighbours, the middle, then single bits, the ends and any."""
    full = 1 << bits
    yield from (0, full, 1, full - 1, full // 2)
    while True:
        yield rng.choice((rng.randint(0, full), rng.randint(0, full), 1 << rng.randint(0, bits), 0, full))


def beside(number: int, bits: int, rng: random.Random) -> int:
    """A threshold that a number decides: itself, the next, or one bit away from it."""
    return rng.choice((number, number + 1, number ^ 1 << rng.randrange(bits)))


def wrong_threshold(work: dict[str, Any], threshold: int) -> int:
    """Of a golden model with the job's fault."""
    full: int = 1 << work["params"].bits
    return min(threshold + FAULTS[work["fault"]][0], full)


def requests(params: EncoderParams, rng: random.Random) -> Iterator[int]:
    """Requests without end; every other threshold is `beside` one of the first numbers of its stream."""
    mask, values = (1 << params.bits) - 1, thresholds(params.bits, rng)
    for n in count_up(rng.randrange(2)):
        begin = starts(params, rng)
        number = int(params.source.run(begin, 4)[rng.randrange(4)]) & mask
        value = beside(number, params.bits, rng) if n % 2 else next(values)
        yield request_layout(params).const({"start": begin, "threshold": value}).as_bits()


def wanted_thresholds(params: WindowParams, begin: Start, count: int, rng: random.Random) -> list[int]:
    """Thresholds of the windows after a start; every other one is `beside` a number of its window."""
    values, bits = thresholds(params.bits, rng), unpack(params.planes(begin, 0, count))
    numbers = (1 << np.arange(params.bits)) @ bits.astype(np.int64)
    return [beside(int(numbers[n, rng.randrange(params.length)]), params.bits, rng) if n % 2 else next(values) for n in range(count)]


class Serial:
    """The serial encoder, cycle by cycle: a request is taken first, or beside a bit alone; ``model`` gives the bits of a start and a threshold."""

    def __init__(self, model: EncoderParams, fault: Callable[[int], int] = int) -> None:
        self.pending: deque[int]
        self.model, self.fault, self.layout, self.pending = model, fault, request_layout(model), deque()

    @property
    def out(self) -> int | None:
        """The bit that it shows; None before the first request."""
        return self.pending[0] if self.pending else None

    def ready(self, o_ready: bool) -> bool:
        """Whether a request is taken in this cycle."""
        return not self.pending or o_ready

    def step(self, request: int | None, o_ready: bool) -> None:
        """One clock edge; ``request`` is the payload that was offered."""
        if self.ready(o_ready):
            if request is not None:
                fields = self.layout.from_bits(request)
                self.pending = deque(self.model.run(fields.start, self.fault(fields.threshold), RUN).tolist())
            elif self.pending:
                self.pending.popleft()


async def compare_bits(dut: Any, work: dict[str, Any], tally: Tally) -> None:
    """Each bit that leaves or waits, and that a request is taken first or beside a bit alone."""
    params, rng = work["params"], random.Random(work["seed"])
    model = Serial(work["model"], lambda threshold: wrong_threshold(work, threshold))
    await compare_clocked(dut, model, requests(params, rng), tally, count=work["count"], rng=rng, stall=REQUEST_STALL)


async def load(dut: Any, params: WindowParams, begin: Start, rng: random.Random) -> None:
    """Write an index, or a seed for each plane in any order, with pauses."""
    layout = WindowEncoder(params).signature.members["load"].shape
    planes: list[tuple[int | None, int]] = [(None, begin)] if isinstance(begin, int) else list(enumerate(begin))
    for plane, value in rng.sample(planes, len(planes)):
        while rng.random() < STALLS[1]:
            dut.load.value = rng.getrandbits(layout.size) & ~1  # en is the lowest field
            await RisingEdge(dut.clk)
        dut.load.value = layout.const({"en": 1, "start": value, **({} if plane is None else {"plane": plane})}).as_bits()
        await RisingEdge(dut.clk)
    dut.load.value = 0


async def compare_windows(dut: Any, work: dict[str, Any], tally: Tally) -> None:
    """Each window that leaves or waits, one cycle after its threshold; two starts, the second while windows may still wait."""
    params, model, rng = work["params"], work["model"], random.Random(work["seed"])
    inputs, outputs = StreamMonitor(dut, "i"), StreamMonitor(dut, "o")
    source, sink = StreamSource(dut, "i", rng, STALLS[1]), StreamSink(dut, "o", rng, STALLS[0])
    golden: Iterator[int] = iter(())
    pending: deque[int] = deque()

    async def watch() -> None:
        cycle = 0
        while True:
            await RisingEdge(dut.clk)
            i, o = inputs.sample(), outputs.sample()
            if o.valid or pending:
                tally.compare(f"cycle {cycle}", "o", (True, pending[0] if pending else None), (o.valid, o.payload))
            if i.valid:
                tally.compare(f"cycle {cycle}", "i.ready", not pending or o.ready, i.ready)
            if o.fires:
                pending.popleft()
            if i.fires:
                pending.append(next(golden))
            cycle += 1
            sink.stall = STALLS[cycle // 64 % len(STALLS)]

    cocotb.start_soon(sink.run())
    cocotb.start_soon(watch())
    for _ in range(2):
        begin = starts(params, rng) if not isinstance(params.source, LfsrParams) else [starts(params, rng) for _ in range(params.bits)]
        await load(dut, params, begin, rng)
        wanted = wanted_thresholds(params, begin, work["count"] // 2, rng)
        windows = model.run(begin, np.array([wrong_threshold(work, value) for value in wanted]))
        numbers = [int.from_bytes(window.astype("<u8").tobytes(), "little") for window in windows]
        if FAULTS[work["fault"]][1]:
            numbers = [int(f"{number:0{params.length}b}"[::-1], 2) for number in numbers]
        golden = iter(numbers)
        await source.send(wanted)
    while pending:
        await RisingEdge(dut.clk)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_encoder(dut: Any) -> None:
    """The bench that suits the parameters."""
    work, tally = job(), Tally()
    dut.i__valid.value = 0
    if isinstance(work["params"], WindowParams):
        dut.load.value = 0
    await start(dut)
    await (compare_windows if isinstance(work["params"], WindowParams) else compare_bits)(dut, work, tally)
    tally.finish()


def check(params: EncoderParams | WindowParams, *, count: int, seed: int, model: EncoderParams | WindowParams | None = None,
          fault: str = "none") -> int:
    """Compare ``count`` bits and more, or windows, and return the number of items compared.

    ``model`` is the golden side's parameters, ``fault`` an entry of `FAULTS` that it shall have.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    make: partial[WindowEncoder | Encoder] = partial(WindowEncoder, params) if isinstance(params, WindowParams) else partial(Encoder, params)
    return run_bench(make, __name__, params, model=model, count=count, seed=seed, fault=fault)
