"""Linear neurons that adapt, ``adaptive_lif``: a spike raises their threshold by ``theta``, or a current ``w`` out of the membrane, or both.

Both jump at a spike, and decay in every step, also while the neuron is held. In a step of `spikegate.models.neuron.linear`, from the values before:

    A = A - round(w * coupling_w * 2^-s)
    w = fit(w - round(w * decay_w * 2^-c) + round((v - rest) * slope_w * 2^-s))        the last with a slope alone
    theta = theta - round(theta * decay_theta * 2^-t)

The membrane is then compared with ``threshold`` plus the new theta, exactly. Where the membrane is reset, ``theta = fit(theta + jump_theta)`` and
``w = fit(w + jump_w)``: at the spike in the published order, at the beginning of the next step in Brian2's.
"""

from dataclasses import dataclass

import numpy as np

from spikegate.models.checks import require_type, require_whole
from spikegate.models.errors import Problems
from spikegate.models.kernel import kernel
from spikegate.models.neuron.lif import MAX_LEAK_FRACTION
from spikegate.models.neuron.linear import Column, LinearNeuron
from spikegate.models.neuron.membrane import Membrane, begin, finish, flow, membrane
from spikegate.models.numeric.fixed import QFormat, Rounding, fit, round_shift

__all__ = ["ADAPTED", "AdaptiveLinearNeuron", "adaptive_linear_step"]

#: What adapts, by name.
ADAPTED = ("theta", "w")


@dataclass(frozen=True)
class AdaptiveLinearNeuron(LinearNeuron):
    """Structure of a linear neuron that adapts; what a `LinearNeuron` has, and at least one of theta and w.

    Parameters
    ----------
    theta_format : QFormat, optional
        Of theta, with at least the membrane's fraction bits; None for a fixed threshold.
    theta_fraction : int
        Fraction bits t of ``decay_theta``, up to 28.
    w_format : QFormat, optional
        Of w; None without.
    w_fraction : int
        Fraction bits c of ``decay_w``, up to 28.
    slope : bool
        Whether the membrane drives w below the threshold, by ``slope_w``.

    Raises
    ------
    InputError
        With everything that is out of range.
    """

    theta_format: QFormat | None = None
    theta_fraction: int = 16
    w_format: QFormat | None = None
    w_fraction: int = 16
    slope: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self, "theta_fraction", "w_fraction")
        require_type(self, "slope", bool)
        problems = Problems()
        for name, q in zip(ADAPTED, (self.theta_format, self.w_format)):
            if q is not None:
                require_type(self, f"{name}_format", QFormat)
            fraction = getattr(self, f"{name}_fraction")
            problems.require(1 <= fraction <= MAX_LEAK_FRACTION, f"{name}_fraction must be in 1..{MAX_LEAK_FRACTION}, not {fraction}")
            problems.require(name not in self.currents, f"Currents of a neuron that adapts must not be named {name}, which it has itself")
        problems.require(self.rounding != Rounding.STOCHASTIC,
                         "Rounding must be floor or nearest for a neuron that adapts, not stochastic: its random bits are for one product")
        problems.require(bool(self.adapted), "A neuron that adapts must have a theta_format or a w_format; use a LinearNeuron for one without")
        problems.require(self.theta_format is None or self.theta_format.fraction >= self.format.fraction,
                         f"theta_format must have at least the {self.format.fraction} fraction bits of {self.format}, not {self.theta_format}")
        problems.require(not self.slope or self.w_format is not None, "A slope must have a w_format, as it is w that the membrane drives")
        problems.raise_any()

    @property
    def kind(self) -> str:
        """``adaptive_lif``."""
        return "adaptive_lif"

    @property
    def adapted(self) -> dict[str, QFormat]:
        """Formats of what adapts, by name."""
        return {name: q for name, q in zip(ADAPTED, (self.theta_format, self.w_format)) if q is not None}

    @property
    def state(self) -> dict[str, int]:
        """Widths of what a neuron remembers, by name."""
        return super().state | {name: q.width for name, q in self.adapted.items()}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The parameters of a set, in the order of the table."""
        found, top = [*super().columns], (1 << self.coupling_bits) - 1
        for name, q in self.adapted.items():
            found += [Column(f"jump_{name}", q.min, q.max), Column(f"decay_{name}", 0, 1 << getattr(self, f"{name}_fraction"))]
        found += [Column("coupling_w", 0, top)] * (self.w_format is not None) + [Column("slope_w", -top, top)] * self.slope
        return tuple(found)

    def constants(self) -> np.ndarray:
        """What `adaptive_linear_step` needs to know of the structure, int64 (21,)."""
        theta, w, at = self.theta_format, self.w_format, len(super().columns)
        more = [0, 0, 0] if theta is None else [theta.width, self.theta_fraction, theta.fraction - self.format.fraction]
        more += [0, 0] if w is None else [w.width, self.w_fraction]
        return np.array([*super().constants(), theta is not None, w is not None, self.slope, *more, at], np.int64)


@kernel
def _jump(state: tuple[np.ndarray, ...], i: int, table: np.ndarray, k: int, s: np.ndarray) -> None:
    """What a spike does to theta and w."""
    for x in range(2):
        if s[12 + x]:
            value, over = fit(np.int64(state[6 + x][i]) + table[k, s[20] + 2 * x * s[12]], s[15 + 3 * x], s[3])
            state[6 + x][i] = value
            state[2][i] |= over


@kernel
def _out(state: tuple[np.ndarray, ...], i: int, table: np.ndarray, k: int, s: np.ndarray, above: int) -> int:
    """What w takes from the membrane, whereupon it decays; the membrane is ``above`` its rest."""
    at, w = s[20] + 2 * s[12], np.int64(state[7][i])
    change = round_shift(w * table[k, at + 1], s[19], s[2], 0)
    if s[14]:
        change -= round_shift(above * table[k, at + 3], s[9], s[2], 0)
    value, over = fit(w - change, s[18], s[3])
    state[7][i] = value
    state[2][i] |= over
    return round_shift(w * table[k, at + 2], s[9], s[2], 0)  # type: ignore[no-any-return]  # compiled


@kernel
def adaptive_linear_step(state: tuple[np.ndarray, ...], i: int, inputs: tuple[np.ndarray, ...], table: np.ndarray, k: int, s: np.ndarray,
                         more: int) -> int:
    """One step of neuron ``i``, in place; whether it spikes.

    As `spikegate.models.neuron.linear.linear_step`, with two more rows of ``state``, theta and w, and `AdaptiveLinearNeuron.constants`;
    ``more`` is what flows into the membrane besides.
    """
    p, fired = membrane(table, k), state[3][i]
    given, begun, theta = flow(state, i, inputs, table, k, s) + more, begin(state, i, inputs, p, s), np.int64(0)
    if fired and s[4] == 1:
        _jump(state, i, table, k, s)
    if s[13]:
        given -= _out(state, i, table, k, s, begun[0] - p.rest)
    if s[12]:
        theta = np.int64(state[6][i])
        theta -= round_shift(theta * table[k, s[20] + 1], s[16], s[2], 0)
        state[6][i] = theta
    # A whole number is above x if it is above the whole number below, and at least x if it is at least the one above.
    above = theta >> s[17] if s[4] == 1 else -(-theta >> s[17])
    spike: int = finish(state, i, begun, given, Membrane(p.leak, p.rest, p.threshold + above, p.reset, p.refractory, p.bias), s, 0)
    if spike and s[4] == 0:
        _jump(state, i, table, k, s)
    return spike
