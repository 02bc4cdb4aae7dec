"""Device defects (V17): the layer of `spikegate.translator.sc_layer` with weights held by imperfect memristive devices.

Each stored weight w is one device, its conductance the probability of its stream. Of all devices a share d is stuck, half of them at 0 and half
at 1, whatever was written: their streams are constant. The others hold w' = w (1 + s xi), xi normal, w as quantised. A conductance outside 0..1 is
refused. For an input p, with q = p w, the mean square of the estimate minus q is the mean over devices of

    (1 - d) [ (q - q^2 (1 + s^2)) / L + q^2 s^2 ]  +  d/2 q^2  +  d/2 [ p (1 - p) / L + (p - q)^2 ]
      healthy: chance, and its own w'                 stuck at 0      stuck at 1: the stream of the input

With weights far below 1, a device that is stuck at 1 errs by nearly 1/w times the product, so that a few of them outweigh all else.
"""

from typing import Any

import numpy as np

from spikegate.models.checks import real_numbers, whole_numbers
from spikegate.models.errors import Problems
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator import probability
from spikegate.translator.sc_layer import LENGTH, VectorizedSCLayer
from spikegate.translator.sc_weights import ONE, quantise

__all__ = ["STUCK_RATE", "VARIABILITY", "MemristiveDenseLayer", "run"]

#: As published.
STUCK_RATE = 0.01
VARIABILITY = 0.05


class MemristiveDenseLayer(VectorizedSCLayer):
    """`VectorizedSCLayer` on devices with defects; without them it has the same bits.

    For one seed of the devices, what is stuck at a rate is stuck in the same way at every higher rate, and deviations are those of
    one draw times the variability.

    Parameters
    ----------
    weights, length, seed, n_in
        As there.
    stuck_rate : float
        d, probability that a device is stuck, 0..1, at 0 or at 1 with equal chance.
    variability : float
        s, standard deviation of a conductance relative to its weight, 0 or more.
    device_seed : int, optional
        Of the devices; default that of the generators.

    Attributes
    ----------
    stuck0, stuck1 : numpy.ndarray
        bool (stored,), which devices are stuck.
    thresholds : numpy.ndarray
        int64 (stored,), P of each stream behind its device; ``ideal`` has those without defects, and so has `expected`.

    Raises
    ------
    InputError
        As there, for a rate or a variability out of range, and if a healthy conductance leaves 0..1.
    """

    engine = "probability-memristive"

    def __init__(self, weights: Any, length: int = LENGTH, seed: int = 1, *, n_in: int | None = None, stuck_rate: float = STUCK_RATE,
                 variability: float = VARIABILITY, device_seed: int | None = None) -> None:
        stuck_rate, variability = real_numbers(stuck_rate=stuck_rate, variability=variability)
        seed, device_seed = whole_numbers(seed=seed, device_seed=seed if device_seed is None else device_seed)
        problems = Problems()
        problems.require(device_seed >= 0, f"Seed of the devices must be 0 or more, not {device_seed}")
        problems.require(0 <= stuck_rate <= 1, f"Stuck rate must be in 0..1, not {stuck_rate}; it is a probability for each device")
        problems.require(variability >= 0, f"Variability must be 0 or more, not {variability}; it is relative to the weight")
        problems.raise_any()
        super().__init__(weights, length, seed, n_in=n_in)
        rng = np.random.default_rng([device_seed, 17])
        drawn, level, xi = rng.random(len(self.weights)), rng.random(len(self.weights)), rng.standard_normal(len(self.weights))
        stuck = drawn < stuck_rate
        self.stuck_rate, self.variability = stuck_rate, variability
        self.stuck0, self.stuck1 = stuck & (level < 0.5), stuck & (level >= 0.5)
        conductance = self.ideal / ONE * (1 + variability * xi)
        conductance[stuck] = self.stuck1[stuck]
        self.thresholds = quantise("Conductances w (1 + variability * xi)", conductance)

    def notes(self, p: np.ndarray) -> dict[str, Any]:
        """Devices, and the root mean square error that theory gives for all draws of them."""
        mean_square, deviation = self.population(p)
        return {"stuck_rate": self.stuck_rate, "variability": self.variability, "stuck0": int(self.stuck0.sum()),
                "stuck1": int(self.stuck1.sum()), "rmse_devices": mean_square**0.5, "deviation_devices": deviation}

    def population(self, p: np.ndarray) -> tuple[float, float]:
        """Mean square of ``counts / L - expected`` over all draws of the devices, as above, and the standard deviation that their draw adds.

        `theory` gives the same for the devices as drawn. Devices are independent, so that the variance of the mean is that of what each
        expects of itself, ``m`` in 0, 1 or a + b xi + c xi^2, divided by their number.
        """
        d, s, L = self.stuck_rate, self.variability, self.length  # noqa: N806
        x, q = (self.encode(p) / ONE)[self.indices], self.expected(p)
        zero, one = q * q, x * (1 - x) / L + (x - q) ** 2
        a, b, c = q * (1 - q) / L, s * q * (1 - 2 * q) / L, (s * q) ** 2 * (1 - 1 / L)
        mean = (1 - d) * (a + c) + d / 2 * (zero + one)
        square = (1 - d) * ((a + c) ** 2 + b**2 + 2 * c**2) + d / 2 * (zero**2 + one**2)
        return float(mean.mean()), float((square - mean**2).sum()) ** 0.5 / len(q)


def run(network: Network, **options: Any) -> Recording:
    """`spikegate.translator.probability.run` on devices with defects, with ``stuck_rate``, ``variability`` and ``device_seed`` besides.

    ``provenance`` has ``stuck0``, ``stuck1``, ``rmse_theory`` for the devices as drawn, and ``rmse_devices`` for all draws of them; the standard
    deviation of the mean square over these draws is ``deviation_devices``.
    """
    return probability.run(network, MemristiveDenseLayer, **options)
