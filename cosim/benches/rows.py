"""What components with streams must show, cycle by cycle from their reset on, as their golden models have it: under pauses of both sides."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spikegate.cosim.benches import lfsr, sobol
from spikegate.cosim.benches.dot_product import Pipeline, beats, payload
from spikegate.cosim.benches.encoder import Serial, requests, thresholds
from spikegate.cosim.benches.seeded import Generator
from spikegate.gateware.streams.encoder import WindowEncoder, request_layout
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import DigitalSequence
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.encoder import EncoderParams, WindowParams

__all__ = ["Row", "Source", "stalls", "lfsr_rows", "sobol_rows", "encoder_rows", "window_encoder_rows", "dot_product_rows"]

#: Inputs of a cycle, and the outputs in it, before its clock edge; None where the golden model does not say.
Row = tuple[Mapping[str, int], Mapping[str, int | None]]
STALLS = (0.0, 0.3, 0.8)


class Source:
    """What offers payloads to a stream, with pauses, and holds each until it is taken."""

    def __init__(self, payloads: Iterator[Any], rng: random.Random) -> None:
        self.payloads, self.rng, self.offered = payloads, rng, None

    def offer(self, stall: float) -> Any:
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


def streamed(rng: random.Random, bits: int, payloads: Iterator[int], model: Generator | Serial, rare: float) -> Iterator[Row]:
    """What a component with one stream in and one out shows in each cycle, as its cycle model has it."""
    source = Source(payloads, rng)
    for stall, o_ready in stalls(rng, rare=rare):
        offered = source.offer(stall)
        ready, out = model.ready(o_ready), model.out
        yield ({**source.port(bits, offered), "o__ready": o_ready}, {"i__ready": ready, "o__valid": out is not None, "o__payload": out})
        model.step(offered, o_ready)
        source.end(ready)


def lfsr_rows(params: LfsrParams, rng: random.Random) -> Iterator[Row]:
    """Seeds, and the states that follow."""
    return streamed(rng, params.width, lfsr.seeds(params, rng), Generator(int, params.step), 0.99)


def sobol_rows(params: DigitalSequence, rng: random.Random) -> Iterator[Row]:
    """Indices, and the numbers that follow."""
    number = Generator(lambda n: int(params.run(n, 1)[0]), lambda n: n + 1)
    return streamed(rng, params.index_bits, sobol.indices(params, rng), number, 0.99)


def encoder_rows(params: EncoderParams, rng: random.Random) -> Iterator[Row]:
    """Bits of one request after another."""
    return streamed(rng, request_layout(params).size, requests(params, rng), Serial(params), 0.95)


def window_encoder_rows(params: WindowParams, rng: random.Random) -> Iterator[Row]:
    """Windows of a sequence from an index on; a new index now and then, also beside a threshold, and words that must not be loaded."""
    source, index, waiting = Source(thresholds(params.bits, rng), rng), 0, None
    layout = WindowEncoder(params).signature.members["load"].shape
    for stall, o_ready in stalls(rng):
        offered, load = source.offer(stall), rng.random() < 0.1
        begin = rng.getrandbits(params.start_bits)
        ready = waiting is None or o_ready
        yield ({**source.port(params.bits + 1, offered), "o__ready": o_ready, "load": layout.const({"en": load, "start": begin}).as_bits()},
               {"i__ready": ready, "o__valid": waiting is not None, "o__payload": waiting})
        taken = source.end(ready)
        if taken:
            window = params.run(index % (1 << params.start_bits), np.array([offered]))[0]
            waiting = int.from_bytes(window.astype("<u8").tobytes(), "little")
        elif o_ready:
            waiting = None
        index = begin if load else index + taken


def dot_product_rows(params: DotProductParams, rng: random.Random) -> Iterator[Row]:
    """The bench's beats, through its pipeline."""
    source, pipeline = Source(beats(params, rng), rng), Pipeline(params)
    bits = 2 * params.channels * (params.width + 1)
    for stall, o_ready in stalls(rng, rare=0.5):
        beat = source.offer(stall)
        ready = pipeline.ready(o_ready)
        yield ({**source.port(bits, None if beat is None else payload(params, beat)), "o__ready": o_ready},
               {"i__ready": ready, "o__valid": pipeline.out is not None, "o__payload": pipeline.out})
        pipeline.step(beat, o_ready)
        source.end(ready)
