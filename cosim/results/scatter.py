"""How far two runs of one network may lie apart by chance alone: of one pair, from what changes within it; of several, from seed to seed.

One pair: the delete-a-block jackknife (Kunsch, Annals of Statistics 17, 1217, 1989). Time is cut into m blocks, longer than the network's memory,
so that they are nearly independent. With d_i the difference of the two runs' statistic when block i is left out of both, its variance is
(m - 1) / m * sum (d_i - mean d)^2. Leaving the same block out of both removes what they have in common, such as the start.
Several pairs: Student's interval of the mean of their differences.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from spikegate.cosim.results.statistics import bin_steps, binned, intervals, mean_correlation, mean_cv
from spikegate.models.network.recording import Recording

__all__ = ["MOST_BLOCKS", "LEAST_BLOCKS", "blocks", "jackknife", "left_out", "mean_and_error", "student"]

#: Blocks into which a run is cut, and how many of them it must have to be judged.
MOST_BLOCKS, LEAST_BLOCKS = 20, 10
#: A block is at least so many membrane time constants long.
MEMORY = 2.0
GRID = 200_001


def student(chance: float, freedom: int) -> float:
    """What |t| with so many degrees of freedom exceeds with this probability.

    With t = sqrt(f) tan(a), the density of a is that of cos(a)^(f - 1), which is integrated here.
    """
    angle = np.linspace(0.0, math.pi / 2, GRID)
    density = np.cos(angle) ** (freedom - 1)
    tail = np.concatenate([[0.0], np.cumsum((density[:-1] + density[1:])[::-1])])[::-1]
    return math.sqrt(freedom) * math.tan(float(np.interp(-chance, -tail / tail[0], angle)))


def blocks(steps: int, tau_steps: float) -> int:
    """Blocks of a run, 0 if it is too short to have `LEAST_BLOCKS`."""
    count = min(MOST_BLOCKS, int(steps / (MEMORY * tau_steps)))
    return count if count >= LEAST_BLOCKS else 0


def left_out(recording: Recording, dt_ns: int, count: int) -> Mapping[str, list[float | None]]:
    """``rate_hz``, ``cv_isi`` and ``correlation`` with each of ``count`` blocks left out; an interval belongs to the block in which it ends."""
    edges = np.linspace(0, recording.steps, count + 1).astype(np.int64)

    def place(steps: np.ndarray) -> np.ndarray:
        return np.searchsorted(edges, steps, side="right") - 1

    spikes = np.bincount(place(recording.spikes[:, 0]), minlength=count)
    seconds = (recording.steps - np.diff(edges)) * dt_ns * 1e-9
    length, neurons, ends = intervals(recording)
    width = bin_steps(dt_ns)
    counts, found = binned(recording, width), {"rate_hz": ((len(recording.spikes) - spikes) / (recording.n * seconds)).tolist()}
    kept = [place(ends) != k for k in range(count)]
    found["cv_isi"] = [mean_cv(length[keep], neurons[keep], recording.n) for keep in kept]
    block = place(np.arange(len(counts)) * width)
    found["correlation"] = [mean_correlation(counts[block != k]) for k in range(count)]
    return found


def jackknife(a: Sequence[float | None], b: Sequence[float | None]) -> float | None:
    """Standard error of the difference of a statistic, from its values in two runs with each block left out; None if one has no value."""
    if None in a or None in b:
        return None
    differences = np.array(a) - np.array(b)
    count = len(differences)
    return math.sqrt((count - 1) / count * float(np.sum((differences - differences.mean()) ** 2)))


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean of several values and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))
