"""Generators, encoders, synapse and dot product to give away: their blocks by the values of their parameters."""

import enum
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from spikegate.cosim.benches.rows import Row, dot_product_rows, encoder_rows, lfsr_rows, sobol_rows, window_encoder_rows
from spikegate.cosim.benches.synapse import windows
from spikegate.cosim.ip.block import Block
from spikegate.cosim.ip.neurons import words
from spikegate.cosim.ip.parameters import Parameter, of
from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.gateware.numeric.sobol import Sobol
from spikegate.gateware.streams.dot_product import DotProduct
from spikegate.gateware.streams.encoder import Encoder, WindowEncoder
from spikegate.gateware.streams.synapse import Synapse
from spikegate.models.numeric import lfsr as lfsr_model
from spikegate.models.numeric import sobol as sobol_model
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import CounterParams, DigitalSequence, SobolParams
from spikegate.models.streams import dot_product as dot_product_model
from spikegate.models.streams import encoder as encoder_model
from spikegate.models.streams import synapse as synapse_model
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.encoder import EncoderParams, WindowParams
from spikegate.models.streams.synapse import SynapseParams

__all__ = ["STREAMS"]


class Source(enum.Enum):
    """Where an encoder's numbers come from."""

    LFSR = 0
    SOBOL = 1
    COUNTER = 2


def _lfsr(values: Mapping[str, Any]) -> Block:
    params = LfsrParams(**values)
    return Block("lfsr", "Linear feedback shift register that leaps", lambda: Lfsr(params), values, partial(lfsr_rows, params))


def _sobol(values: Mapping[str, Any]) -> Block:
    params = SobolParams(**values)
    return Block("sobol", "Sobol sequence", lambda: Sobol(params), values, partial(sobol_rows, params))


def _sequence(values: Mapping[str, Any], leap: int) -> DigitalSequence:
    return CounterParams(values["bits"], leap) if values["source"] == Source.COUNTER else SobolParams(values["dimension"], values["bits"], leap)


def _encoder(values: Mapping[str, Any]) -> Block:
    params = EncoderParams(LfsrParams() if values["source"] == Source.LFSR else _sequence(values, 1), values["bits"])
    return Block("encoder", "Serial encoder of probabilities as streams of bits", lambda: Encoder(params), values, partial(encoder_rows, params))


def _window_encoder(values: Mapping[str, Any]) -> Block:
    params = WindowParams(_sequence(values, values["length"]), values["bits"])
    return Block("window_encoder", "Parallel encoder of probabilities as windows of bits", lambda: WindowEncoder(params), values,
                 partial(window_encoder_rows, params))


def _synapse(values: Mapping[str, Any]) -> Block:
    params = SynapseParams(**values)

    def rows(rng: random.Random) -> Iterator[Row]:
        while True:
            for spike, weight in windows(params.width, 200, rng):
                yield {"spike": spike, "weight": weight}, {"post": params.step(spike, weight)}

    notes = {"spike": "window of a spike train", "weight": "window of a weight's stream", "post": "the gated window"}
    return Block("synapse", "Synapse on windows of bits", lambda: Synapse(params), values, rows, 0, notes)


def _dot_product(values: Mapping[str, Any]) -> Block:
    params = DotProductParams(**values)
    return Block("dot_product", "Signed dot product of streams of bits", lambda: DotProduct(params), values, partial(dot_product_rows, params))


BITS = Parameter(int, 16, "Of a number and of a probability, 1..32; of a Sobol sequence or a counter, those of its index, too.")
DIMENSION = Parameter(int, 1, "Of a Sobol sequence, 0..31.")
#: Module -> its parameters, the text on its arithmetic, and what makes its block of their values.
STREAMS: dict[str, tuple[dict[str, Parameter], str, Callable[[Mapping[str, Any]], Block]]] = {
    "lfsr": (of(LfsrParams, {}), words(lfsr_model), _lfsr),
    "sobol": (of(SobolParams, {"dimension": 1}), words(sobol_model), _sobol),
    "encoder": ({"source": Parameter(Source, Source.LFSR, "Of the numbers: an LFSR of 64 bits, a Sobol sequence, or a counter."), "bits": BITS,
                 "dimension": DIMENSION}, words(encoder_model), _encoder),
    "window_encoder": ({"source": Parameter(Source, Source.SOBOL, "Of the numbers: a Sobol sequence, or a counter."), "bits": BITS,
                        "dimension": DIMENSION, "length": Parameter(int, 64, "Positions of a window, a power of two, 64 or more.")},
                       words(encoder_model), _window_encoder),
    "synapse": (of(SynapseParams, {"width": 64}), words(synapse_model), _synapse),
    "dot_product": (of(DotProductParams, {"channels": 4, "width": 64, "length": 256}), words(dot_product_model), _dot_product),
}
