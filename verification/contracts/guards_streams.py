"""Guards of what makes and counts bitstreams: generators, encoders, dot product and correlation meter, under random stalls."""

import random
from functools import cache, partial

from spikegate.cosim.benches import correlation
from spikegate.cosim.benches.rows import Source, dot_product_rows, encoder_rows, lfsr_rows, sobol_rows, stalls, window_encoder_rows
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


@cache
def component(name: str):
    """A leaf or the whole, for the layouts of its ports."""
    made = (LEAVES | WHOLE)[name]()
    made._MustUse__used = True  # Amaranth warns of what is never elaborated
    return made


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
    "lfsr": Guard(partial(lfsr_rows, LFSR), 625, VALID, STREAM),
    "sobol": Guard(partial(sobol_rows, SOBOL), 2500, VALID, STREAM),
    "encoder": Guard(partial(encoder_rows, SERIAL), 1500, VALID, STREAM),
    "window_encoder": Guard(partial(window_encoder_rows, WINDOW), 1000, VALID, STREAM),
    "dot_product": Guard(partial(dot_product_rows, DOT), 1000, VALID, STREAM),
    "correlation": Guard(correlation_rows, 1000, VALID, STREAM),
}
