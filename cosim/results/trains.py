"""How far the spike trains of one recording are from those of another of the same network: each neuron's rate, and the distance of van Rossum."""

import base64
import math
import zlib

import numpy as np

from spikegate.models.network.recording import Recording

__all__ = ["TAU_MS", "distance", "packed", "rate_difference", "unpacked"]

#: Time constant of `distance`, ms.
TAU_MS = 10.0


def packed(recording: Recording) -> str:
    """The spikes, ordered by neuron and then time, in letters."""
    places = np.sort(recording.spikes[:, 1].astype(np.int64) * recording.steps + recording.spikes[:, 0])
    return base64.b64encode(zlib.compress(np.diff(places, prepend=0).tobytes())).decode()


def unpacked(text: str, steps: int) -> np.ndarray:
    """Neuron and step of each spike, (count, 2), ordered by neuron and then time."""
    places = np.cumsum(np.frombuffer(zlib.decompress(base64.b64decode(text)), np.int64))
    return np.column_stack([places // steps, places % steps])


def rate_difference(ours: np.ndarray, theirs: np.ndarray, n: int, seconds: float) -> float:
    """The root of the mean squared difference of the ``n`` neurons' rates, Hz."""
    counts = [np.bincount(each[:, 0], minlength=n) for each in (ours, theirs)]
    return float(np.sqrt(np.mean((counts[0] - counts[1]).astype(float) ** 2))) / seconds


def distance(ours: np.ndarray, theirs: np.ndarray, dt_ms: float) -> float | None:
    """The distance of van Rossum (Neural Comput 13, 2001) of all trains, squared: 0 if they are the same, 1 on average if they are unrelated.

    Each spike is followed by an exponential of `TAU_MS`; squared differences are summed over the neurons, and divided by what the spikes would make
    if none were near another. None without spikes.

    Parameters
    ----------
    ours, theirs : numpy.ndarray
        Neuron and step of each spike, (count, 2).
    dt_ms : float
        Of a step.
    """
    if not len(ours) + len(theirs):
        return None
    signs = np.repeat([1.0, -1.0], [len(ours), len(theirs)])
    every = np.concatenate([ours, theirs])
    order = np.lexsort((every[:, 1], every[:, 0]))
    total, held, last = 0.0, 0.0, (-1, 0)
    for (neuron, step), sign in zip(every[order].tolist(), signs[order].tolist()):
        held = held * math.exp((last[1] - step) * dt_ms / TAU_MS) if neuron == last[0] else 0.0
        total += 0.5 + sign * held
        held, last = held + sign, (neuron, step)
    return max(0.0, total) / (0.5 * len(every))
