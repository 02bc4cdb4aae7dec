"""Statistics of spike trains by which engines with different random numbers are compared.

Undefined values are None, never NaN.
"""

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording

__all__ = ["BIN_MS", "bin_steps", "binned", "correlation", "cv_isi", "intervals", "mean_correlation", "mean_cv", "rate_hz", "summary"]

#: Spikes a neuron needs for a coefficient of variation: two intervals.
MIN_SPIKES = 3
#: Bins of correlations.
BIN_MS = 5.0


def _check_dt(dt_ns: int) -> None:
    if dt_ns < 1:
        raise InputError(f"dt must be at least 1 ns, not {dt_ns} ns")


def rate_hz(recording: Recording, dt_ns: int) -> float:
    """Mean rate of all neurons in Hz: spikes / (n * steps * dt).

    Raises
    ------
    InputError
        If ``dt_ns``, the time of a step in nanoseconds, is below 1.
    """
    _check_dt(dt_ns)
    return float(len(recording.spikes) / (recording.n * recording.steps * dt_ns * 1e-9))


def intervals(recording: Recording) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inter-spike intervals in steps, the neuron of each and the step at which it ends, int64."""
    steps, neurons = recording.spikes[np.argsort(recording.spikes[:, 1], kind="stable")].astype(np.int64).T
    same = neurons[1:] == neurons[:-1]
    return np.diff(steps)[same], neurons[1:][same], steps[1:][same]


def mean_cv(length: np.ndarray, neurons: np.ndarray, n: int) -> float | None:
    """Mean over the neurons with at least two intervals of the coefficient of variation of these."""
    count = np.bincount(neurons, minlength=n)
    use = count >= MIN_SPIKES - 1
    if not use.any():
        return None
    mean = np.bincount(neurons, length, n) / np.maximum(count, 1)
    variance = np.bincount(neurons, (length - mean[neurons]) ** 2, n) / np.maximum(count, 1)
    return float(np.mean(np.sqrt(variance[use]) / mean[use]))


def cv_isi(recording: Recording) -> float | None:
    """Coefficient of variation of the inter-spike intervals, mean over neurons with at least 3 spikes.

    Per neuron: standard deviation (divided by the number of intervals, as in ``elephant.statistics.cv``) over mean.
    None where no neuron has 3 spikes.
    """
    length, neurons, _ = intervals(recording)
    return mean_cv(length, neurons, recording.n)


def bin_steps(dt_ns: int, bin_ms: float = BIN_MS) -> int:
    """Steps of a bin: the whole number nearest to ``bin_ms``, at least one."""
    _check_dt(dt_ns)
    return max(1, round(bin_ms * 1e6 / dt_ns))


def binned(recording: Recording, width: int) -> np.ndarray:
    """Spike counts (bins, n) in bins of ``width`` steps; a last bin that is not full is left out."""
    bins = recording.steps // width
    inside = recording.spikes[recording.spikes[:, 0] < bins * width].astype(np.int64)
    counts = np.bincount(inside[:, 0] // width * recording.n + inside[:, 1], minlength=bins * recording.n)
    return counts.reshape(bins, recording.n).astype(np.float64)


def mean_correlation(counts: np.ndarray) -> float | None:
    """Mean Pearson correlation over all pairs of different columns that vary; None with fewer than two rows or two such columns.

    With z the standardised counts (bins, m), the mean over the m(m-1)/2 pairs is (mean over bins of (sum z)^2 - m) /
    (m(m-1)).
    """
    counts = counts[:, (counts != counts[:1]).any(axis=0)]
    if (m := counts.shape[1]) < 2:
        return None
    z = (counts - counts.mean(axis=0)) / counts.std(axis=0)
    return float((np.mean(z.sum(axis=1) ** 2) - m) / (m * (m - 1)))


def correlation(recording: Recording, dt_ns: int, bin_ms: float = BIN_MS) -> float | None:
    """Mean Pearson correlation of binned spike counts over all pairs of different neurons whose counts vary.

    Parameters
    ----------
    recording : Recording
        What to analyse.
    dt_ns : int
        Time of a step in nanoseconds.
    bin_ms : float
        Width of a bin; the whole number of steps that is nearest is taken, at least one.
    """
    return mean_correlation(binned(recording, bin_steps(dt_ns, bin_ms)))


def summary(recording: Recording, dt_ns: int) -> dict[str, int | float | None]:
    """``spikes``, ``rate_hz``, ``cv_isi``, the ``intervals`` behind it, and ``correlation`` in bins of about 5 ms.

    ``intervals`` counts the inter-spike intervals of the neurons with at least 3 spikes.
    """
    count = np.bincount(intervals(recording)[1], minlength=recording.n)
    return {"spikes": len(recording.spikes), "rate_hz": rate_hz(recording, dt_ns), "cv_isi": cv_isi(recording),
            "intervals": int(count[count >= MIN_SPIKES - 1].sum()), "correlation": correlation(recording, dt_ns)}
