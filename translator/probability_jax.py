"""The probability domain on JAX (V15): the layer of `spikegate.translator.sc_layer` on a CPU, a GPU or a TPU, with the same bits.

All is integers of 32 bits, half a word each, so that no switch of JAX has to be set. With H the last 61 windows of 16 registers, a step of a
scan makes the streams of 56 weights, the lowest tap, from the first 56 windows of H, counts them, and replaces those windows:

    stream = (x_t < P) over the planes of a window, from the lowest up        count = population_count(stream & input)
    window n + 61 = window n ^ window n + 1 ^ window n + 2 ^ window n + 5

The first 61 windows, the state in which the registers start, come from `spikegate.models.streams.planes.lfsr_planes` as for V2.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.hints import extra
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.translator import probability
from spikegate.translator.sc_layer import LENGTH, VectorizedSCLayer

__all__ = ["JaxSCDenseLayer", "run"]


def _jax() -> Any:
    try:
        import jax
    except ImportError as error:
        raise ToolMissing(f"JAX cannot be imported ({error}); install it with: {extra('variants')}") from None
    return jax


@lru_cache
def _compiled(taps: tuple[int, ...]) -> Any:
    """Streams of the thresholds, uint32 (steps, block, words), or, with inputs, their counts, int32 (steps, block)."""
    jax = _jax()
    np_, block = jax.numpy, taps[-1]

    def advance(history: Any, inputs: Any, thresholds: Any, columns: Any) -> Any:
        def step(history: Any, given: Any) -> Any:
            p, column = given[0][:, None], given[1]
            streams = np_.zeros_like(history[:block, 0])
            for b in range(PROBABILITY_BITS):
                zero = ~history[:block, b]
                streams = np_.where(p >> b & 1 == 1, streams | zero, streams & zero)
            streams = np_.where(p >> PROBABILITY_BITS == 1, ~np_.zeros_like(streams), streams)
            new = history[:block]
            for tap in taps[1:]:
                new = new ^ history[taps[0] - tap:taps[0] - tap + block]
            out = streams if inputs is None else jax.lax.population_count(streams & inputs[column]).sum(axis=1, dtype=np_.int32)
            return np_.concatenate([history[block:], new]), out

        return jax.lax.scan(step, history, (thresholds, columns))[1]

    return jax.jit(advance)


class JaxSCDenseLayer(VectorizedSCLayer):
    """`VectorizedSCLayer` on a device of JAX: same parameters, same streams, same counts.

    Parameters
    ----------
    weights, length, seed, n_in
        As there.
    device : str, optional
        ``cpu``, ``gpu`` or ``tpu``, of which the first is used; default the first device that JAX has.

    Raises
    ------
    InputError
        As there, and if JAX has no such device.
    ToolMissing
        Without JAX.
    """

    engine = "probability-jax"

    def __init__(self, weights: Any, length: int = LENGTH, seed: int = 1, *, n_in: int | None = None, device: str | None = None) -> None:
        jax = _jax()
        try:
            self.device = jax.devices(device)[0]
        except RuntimeError:
            raise InputError(f"JAX must have the device {device!r} to run there, and has {jax.default_backend()}; install its build of JAX, "
                             "or leave the device out") from None
        super().__init__(weights, length, seed, n_in=n_in)

    def _run(self, first: int, thresholds: np.ndarray, inputs: np.ndarray | None = None) -> np.ndarray:
        def put(array: np.ndarray) -> Any:
            return _jax().device_put(array, self.device)

        taps = self.plan.params.taps
        steps = -(-len(thresholds) // taps[-1])
        blocks = np.zeros((2, steps * taps[-1]), np.int32)
        blocks[0, :len(thresholds)] = thresholds
        if inputs is not None:
            blocks[1, :len(thresholds)] = self.indices
            inputs = put(inputs.view(np.uint32))
        out = _compiled(taps)(put(self._start(first).view(np.uint32)), inputs, *(put(block.reshape(steps, -1)) for block in blocks))
        out = np.asarray(out).reshape(len(blocks[0]), -1)[:len(thresholds)]
        return out.view(np.uint64) if inputs is None else out[:, 0].astype(np.int64)

    def notes(self, p: np.ndarray) -> dict[str, Any]:
        """The device."""
        return {"device": f"{self.device.platform}: {self.device.device_kind}", "jax": _jax().__version__}


def run(network: Network, **options: Any) -> Recording:
    """`spikegate.translator.probability.run` on JAX, with ``device`` besides."""
    return probability.run(network, JaxSCDenseLayer, **options)
