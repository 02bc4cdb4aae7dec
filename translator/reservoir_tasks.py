"""What a reservoir can do: linear memory, and NARMA-10, by a ridge readout of its states.

The first 70 % of the steps, less a washout of 200, train the readout, and the rest test it. The ridge is chosen on the last fifth of the former.
Memory capacity: Jaeger, GMD report 152 (2001). NARMA-10: Atiya and Parlos, IEEE Trans. Neural Networks 11, 697 (2000).
"""

from collections.abc import Callable

import numpy as np

from spikegate.models.errors import InputError

__all__ = ["memory_capacity", "narma10", "narma_error"]

#: Times the number of steps.
RIDGES = (1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
WASHOUT = 200
TRAIN = 0.7


def _split(states: np.ndarray, u: np.ndarray) -> int:
    if states.ndim != 2 or len(states) != len(u) or len(u) < 3 * WASHOUT:
        raise InputError(f"States must be (steps, n) and the input (steps,) of at least {3 * WASHOUT} steps, not {states.shape} and {np.shape(u)}")
    return int(TRAIN * len(u))


def _predict(states: np.ndarray, targets: np.ndarray, train: int) -> np.ndarray:
    """Ridge readout with a constant, trained on steps WASHOUT..train-1; predictions from train on."""
    def fitted(first: int, last: int, ridge: float) -> Callable[[np.ndarray], np.ndarray]:
        x, y = states[first:last], targets[first:last]
        middle, level = x.mean(axis=0), y.mean(axis=0)
        factors = np.linalg.solve((x - middle).T @ (x - middle) + ridge * len(x) * np.eye(x.shape[1]), (x - middle).T @ (y - level))
        return lambda z: (z - middle) @ factors + level

    hold = train - (train - WASHOUT) // 5
    worst = [np.mean((fitted(WASHOUT, hold, ridge)(states[hold:train]) - targets[hold:train]) ** 2) for ridge in RIDGES]
    return fitted(WASHOUT, train, RIDGES[int(np.argmin(worst))])(states[train:])


def memory_capacity(states: np.ndarray, u: np.ndarray, delays: int) -> float:
    """The sum over delays 1..K of the squared correlation of u(t - delay) with its readout; at most min(K, n) but for chance.

    Parameters
    ----------
    states : numpy.ndarray
        (steps, n), float.
    u : numpy.ndarray
        (steps,), at least 600: independent inputs, that of step t seen by the states of step t.
    delays : int
        K, 1..200.

    Raises
    ------
    InputError
        If these do not fit.
    """
    if not 1 <= delays <= WASHOUT:
        raise InputError(f"Delays must be 1..{WASHOUT}, those of the washout, not {delays}")
    split, targets = _split(states, u), np.stack([np.roll(u, delay) for delay in range(1, delays + 1)], axis=1)
    found = _predict(states, targets, split)
    return float(sum(np.corrcoef(a, b)[0, 1] ** 2 for a, b in zip(found.T, targets[split:].T)))


def narma10(u: np.ndarray) -> np.ndarray:
    """y(t+1) = 0.3 y(t) + 0.05 y(t) sum of y(t-9..t) + 1.5 u(t-9) u(t) + 0.1 from y = 0 on, for u in 0..0.5; entry t of what is returned is y(t+1).

    Raises
    ------
    InputError
        If an input is outside 0..0.5, or y exceeds 1 where the recursion begins to diverge.
    """
    u = np.asarray(u, float)
    if u.size and not (u.min() >= 0 and u.max() <= 0.5):
        raise InputError(f"Input of NARMA-10 must be in 0..0.5, not {u.min()}..{u.max()}")
    y = np.zeros(len(u) + 1)
    for t in range(9, len(u)):
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * y[t - 9:t + 1].sum() + 1.5 * u[t - 9] * u[t] + 0.1
    if y.max() > 1:
        raise InputError(f"NARMA-10 must stay below 1, not {y.max()}: it diverges for this input; draw another")
    return y[1:]


def narma_error(states: np.ndarray, u: np.ndarray) -> float:
    """Root of the mean squared error of the readout of `narma10` over the target's deviation: 0 is perfect, 1 is its mean.

    ``states`` (steps, n) and ``u`` (steps,) as for `memory_capacity`, the input in 0..0.5.
    """
    split, target = _split(states, u), narma10(u)
    found = _predict(states, target[:, None], split)[:, 0]
    return float(np.sqrt(np.mean((found - target[split:]) ** 2)) / target[split:].std())
