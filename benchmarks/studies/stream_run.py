"""Runs of the network with stochastic synapses, with defects of its memory and of its stream path."""

import dataclasses
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine as models_hybrid
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.brian_float import run_float
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import HYBRIDS, hybrid
from studies.stream_rates import realised_tau

__all__ = ["Run", "stick", "with_words", "refused"]


def stick(words: np.ndarray, bits: int, rate: float, seed: int, shared: bool = False) -> np.ndarray:
    """Each of the low ``bits`` of each word, int64 (n,), stuck with probability ``rate``, at 0 or 1 with equal chance; ``shared``: one draw for all.

    For one seed, what is stuck at a rate is stuck in the same way at every higher rate.
    """
    rng, shape = np.random.default_rng([seed, bits, shared]), (1 if shared else len(words), bits)
    stuck, level, place = rng.random(shape) < rate, rng.random(shape) < 0.5, 1 << np.arange(bits)
    return words & ~((stuck & ~level) @ place) | (stuck & level) @ place


def with_words(network: Network, change) -> Network:
    """The network with ``change(words, bits)`` in its weight memory: two's complement, or, with streams, P of 17 bits and the sign above them.

    P above 2^16 becomes 2^16: both are nothing but ones. The weights are not checked again, see `refused`.
    """
    width, streams, bits = network.lif.format.width, network.streams, PROBABILITY_BITS + 1
    if streams is None:
        words = change(network.weights.astype(np.int64) & (1 << width) - 1, width)
        return _forced(network, words - (words >> width - 1 << width))
    words = change(streams.probabilities.astype(np.int64) | (network.weights < 0).astype(np.int64) << bits, bits + 1)
    p = np.minimum(words & (1 << bits) - 1, 1 << PROBABILITY_BITS)
    return _forced(_with_p(network, p), np.where(words >> bits, -1, 1) * np.abs(network.weights))


def refused(network: Network) -> bool:
    """Whether a network would be turned down as it is, since its input might leave its bits if all sources fired at once."""
    try:
        return network.replace() is None
    except InputError:
        return True


def _forced(network, weights):
    # A fault at run time asks no leave. The golden models add in 64 bits, and what really arrives in a step fits into the core's 20.
    network = copy(network)
    object.__setattr__(network, "weights", weights.astype(np.int32))
    return network


def _with_p(network, probabilities):
    return network.replace(streams=dataclasses.replace(network.streams, probabilities=probabilities))


@lru_cache(maxsize=4)
def _translated(seed, form):
    return translate(preset("ai", seed=seed), QFormat.parse(form), name="ai")


@dataclass(frozen=True)
class Run:
    """A run of `ai` for one second, named so that it can be made again anywhere.

    Parameters
    ----------
    engine : str
        ``brian`` (floats), or the golden models ``v3`` (fixed-point weights), ``v4``, ``v13``, ``v14``.
    seed, form, length : int, str, int
        Of the network, its format, and L.
    change : str
        ``stuck POINT..`` and ``flips POINT..`` in the stream path; ``memory`` and ``bus``, bits stuck in each weight's word or in the lines that
        all are read by; ``POINT LINE at LEVEL``, one line stuck, of the stream path or the bus; ``weights K``, P times K; ``bits B``, P
        rounded to B bits. For Brian2 ``tau``, the time constant as realised, and ``drive``, another drive.
    rate, fault : float, int
        Of the faults, and their seed.
    """

    engine: str
    seed: int = 1
    form: str = "q8.8"
    length: int = 256
    change: str = ""
    rate: float = 0.0
    fault: int = 1

    def prepare(self) -> tuple[Network, StreamFaults | None]:
        """The network and its faults; raises `InputError` for an unknown engine or change."""
        network, faults = _translated(self.seed, self.form), None
        if self.engine in HYBRIDS:
            network = hybrid(network, self.engine, length=self.length)
        elif self.engine not in ("brian", "v3"):
            raise InputError(f"Engine must be brian, v3 or one of {', '.join(HYBRIDS)}, not {self.engine!r}")
        asked, p = network.source, network.streams.probabilities.astype(np.int64) if network.streams else np.zeros(network.n, np.int64)
        match self.change.split():
            case []:
                pass
            case ["stuck", *points]:
                faults = FaultParams.random(self.rate, self.fault, self.length, points=points)
            case ["flips", *points]:
                faults = FaultParams.random(0, self.fault, self.length, flip_rate=Fraction(str(self.rate)), points=points)
            case ["memory" | "bus" as where]:
                network = with_words(network, lambda words, bits: stick(words, bits, self.rate, self.fault, where == "bus"))
            case ["bus", line, "at", level]:
                network = with_words(network, lambda words, bits: words & ~(1 << int(line)) | int(level) << int(line))
            case [point, line, "at", level]:
                faults = FaultParams(self.length, **{point: PointFaults(**{f"stuck{level}": 1 << int(line)})})
            case ["weights", factor]:
                network = _with_p(network, p * int(factor))
            case ["bits", b]:
                step = 1 << PROBABILITY_BITS - int(b)
                network = _with_p(network, (p + step // 2) // step * step)
            case ["tau"]:
                held = realised_tau(network)
                network = network.replace(source={**asked, "tau_mem": held, "eta": asked["eta"] * held / asked["tau_mem"]})
            case ["drive"]:
                network = network.replace(source={**asked, "seed": self.seed + 10**6})
            case _:
                raise InputError(f"Change {self.change!r} is unknown; the docstring of Run lists them")
        return network, faults and StreamFaults((faults,), self.fault)

    def spikes(self) -> int:
        """Spikes of all neurons."""
        network, faults = self.prepare()
        if self.engine == "brian":
            return len(run_float(network, codegen="numpy").spikes)
        return len((core.run(network) if self.engine == "v3" else models_hybrid.run(network, faults=faults)).spikes)
