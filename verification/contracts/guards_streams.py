"""Guards of what makes and counts bitstreams: generators, encoders, dot product and correlation meter, under random stalls."""

import random
from collections.abc import Iterator
from functools import cache

import numpy as np

from spikegate.cosim.benches import correlation, lfsr, sobol
from spikegate.cosim.benches.dot_product import Pipeline, beats, payload
from spikegate.cosim.benches.encoder import Serial, requests, thresholds
from spikegate.cosim.benches.seeded import Generator
from spikegate.gateware.streams.encoder import request_layout
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.correlation import CorrelationParams
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.encoder import EncoderParams, WindowParams
from verification.contracts.catalogue import LEAVES, WHOLE
from verification.contracts.table import Guard

__all__ = ["GUARDS", "Source", "stalls"]

LFSR, SOBOL, SERIAL, WINDOW = LfsrParams(), SobolParams(1, 8), EncoderParams(LfsrParams(), 16), WindowParams(SobolParams(1, 7, 64), 7)
DOT, METER = DotProductParams(4, 16, 64), CorrelationParams(16, 64)
STALLS = (0.0, 0.3, 0.8)


@cache
def component(name: str):
    """A leaf or the whole, for the layouts of its ports."""
    made = (LEAVES | WHOLE)[name]()
    made._MustUse__used = True  # Amaranth warns of what is never elaborated
    return made


class Source:
    """What offers payloads to a stream, with pauses, and holds each until it is taken."""

    def __init__(self, payloads: Iterator, rng: random.Random):
        self.payloads, self.rng, self.offered = iter(payloads), rng, None

    def offer(self, stall: float):
        """The payload of this cycle, or None."""
        if self.offered is None and self.rng.random() >= stall:
            self.offered = next(self.payloads)
        return self.offered

    def port(self, bits: int, value: int | None) -> dict[str, int]:
        """Inputs ``i``, where ``value`` is offered; any payload while none is."""
        return {"i__valid": value is not None, "i__payload": self.rng.getrandbits(bits) if value is None else value}

    def end(self, ready: bool) -> bool:
        """The clock edge: whether the payload is taken."""
        taken = self.offered is not None and ready
        if taken:
            self.offered = None
        return taken


def stalls(rng: random.Random, *, rare: float = 0.95) -> Iterator[tuple[float, bool]]:
    """How often the source pauses, and whether the sink is ready: phases of each kind; ``rare`` is the longest of the source's."""
    while True:
        source, sink = rng.choice((0.0, 0.5, rare, rare, rare)), rng.choice(STALLS)
        for _ in range(rng.randint(20, 90)):
            yield source, rng.random() >= sink


def streamed(rng: random.Random, bits: int, payloads: Iterator[int], model: Generator | Serial, rare: float):
    """What a component with one stream in and one out shows in each cycle, as its cycle model has it."""
    source = Source(payloads, rng)
    for stall, o_ready in stalls(rng, rare=rare):
        offered = source.offer(stall)
        ready, out = model.ready(o_ready), model.out
        yield ({**source.port(bits, offered), "o__ready": o_ready}, {"i__ready": ready, "o__valid": out is not None, "o__payload": out})
        model.step(offered, o_ready)
        source.end(ready)


def lfsr_rows(rng: random.Random):
    """Seeds, and the states that follow."""
    return streamed(rng, LFSR.width, lfsr.seeds(LFSR, rng), Generator(int, LFSR.step), 0.99)


def sobol_rows(rng: random.Random):
    """Indices, and the numbers that follow."""
    return streamed(rng, SOBOL.index_bits, sobol.indices(SOBOL, rng), Generator(lambda n: int(SOBOL.run(n, 1)[0]), lambda n: n + 1), 0.99)


def encoder_rows(rng: random.Random):
    """Bits of one request after another."""
    return streamed(rng, request_layout(SERIAL).size, requests(SERIAL, rng), Serial(SERIAL), 0.95)


@cache
def window(index: int, threshold: int) -> int:
    """The golden model's window."""
    return int.from_bytes(WINDOW.run(index, np.array([threshold]))[0].astype("<u8").tobytes(), "little")


def window_encoder_rows(rng: random.Random):
    """Windows from an index on; a new index now and then, also beside a threshold, and words that must not be loaded."""
    source, index, waiting = Source(thresholds(WINDOW.bits, rng), rng), 0, None
    layout = component("window_encoder").signature.members["load"].shape
    for stall, o_ready in stalls(rng):
        offered, load = source.offer(stall), rng.random() < 0.1
        begin = rng.getrandbits(WINDOW.start_bits)
        ready = waiting is None or o_ready
        yield ({**source.port(WINDOW.bits + 1, offered), "o__ready": o_ready, "load": layout.const({"en": load, "start": begin}).as_bits()},
               {"i__ready": ready, "o__valid": waiting is not None, "o__payload": waiting})
        taken = source.end(ready)
        if taken:
            waiting = window(index % 2**WINDOW.source.index_bits, offered)
        elif o_ready:
            waiting = None
        index = begin if load else index + taken


def dot_product_rows(rng: random.Random):
    """The bench's beats, through its pipeline."""
    source, pipeline = Source(beats(DOT, rng), rng), Pipeline(DOT)
    bits = 2 * DOT.channels * (DOT.width + 1)
    for stall, o_ready in stalls(rng, rare=0.5):
        beat = source.offer(stall)
        ready = pipeline.ready(o_ready)
        yield ({**source.port(bits, None if beat is None else payload(DOT, beat)), "o__ready": o_ready},
               {"i__ready": ready, "o__valid": pipeline.out is not None, "o__payload": pipeline.out})
        pipeline.step(beat, o_ready)
        source.end(ready)


def pairs(rng: random.Random):
    """Windows of both streams without end: the bench's, then any of any density."""
    draw = lambda: rng.choice((0, 0xFFFF, rng.getrandbits(16), rng.getrandbits(16) | rng.getrandbits(16), 1 << rng.randrange(16)))  # noqa: E731
    yield from correlation.stimuli(METER, LFSR, [1, 2], 40, rng)
    while True:
        yield draw(), draw()


def correlation_rows(rng: random.Random):
    """A window waits one cycle before it is counted; the last of a result waits until the result before it is taken."""
    meter = component("correlation")
    into, out = meter.i.payload.shape(), meter.o.payload.shape()
    source, first, counted, result = Source(pairs(rng), rng), None, [], None
    for stall, o_ready in stalls(rng, rare=0.5):
        offered = source.offer(stall)
        go = first is not None and (len(counted) < METER.windows - 1 or result is None or o_ready)
        ready = first is None or go
        bits = None if offered is None else into.const(dict(zip("ab", offered))).as_bits()
        yield ({**source.port(into.size, bits), "o__ready": o_ready},
               {"i__ready": ready, "o__valid": result is not None, "o__payload": result})
        if o_ready:
            result = None
        if go:
            counted.append(first)
            first = None
            if len(counted) == METER.windows:
                counts = METER.run(*zip(*counted))[0]
                result, counted = out.const(dict(zip(correlation.NAMES, map(int, counts)))).as_bits(), []
        if source.end(ready):
            first = offered


VALID, STREAM = {"o__payload": ("o__valid",)}, ("i",)
GUARDS = {
    "lfsr": Guard(lfsr_rows, 625, VALID, STREAM),
    "sobol": Guard(sobol_rows, 2500, VALID, STREAM),
    "encoder": Guard(encoder_rows, 1500, VALID, STREAM),
    "window_encoder": Guard(window_encoder_rows, 1000, VALID, STREAM),
    "dot_product": Guard(dot_product_rows, 1000, VALID, STREAM),
    "correlation": Guard(correlation_rows, 1000, VALID, STREAM),
}
