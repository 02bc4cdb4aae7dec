"""One neuron of `spikegate.models.neuron.lif` that a person steps by hand, with the call of the published tutorial."""

from dataclasses import replace

from spikegate.models.checks import whole_numbers
from spikegate.models.errors import InputError, Problems
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding, fit

__all__ = ["FixedPointLIFNeuron"]


class FixedPointLIFNeuron:
    """Steps of `spikegate.models.neuron.lif.lif_step`, one call each.

    Parameters
    ----------
    data_width, fraction : int
        The format; 16 and 8 give Q8.8, 32 and 12 give Q16.12.
    v_threshold, v_reset, v_rest : int
        Raw integers in that format.
    refractory_period : int
        Steps held after a spike.
    rounding, overflow, leak_fraction
        As in `LifParams`; floor is what a plain arithmetic shift in Verilog does.
    clamp : {"reset", "rest"}
        Where the membrane is held while refractory: at the reset, as everywhere else in this project, or at the rest, as in the published package.

    Attributes
    ----------
    v : int
        Membrane, raw.
    overflow : bool
        Sticky: some sum has left the format since the neuron was made.
    """

    def __init__(self, data_width: int = 16, fraction: int = 8, v_threshold: int = 20 << 8, v_reset: int = 0, v_rest: int = 0,
                 refractory_period: int = 0, rounding: Rounding = Rounding.FLOOR, overflow: Overflow = Overflow.SATURATE,
                 leak_fraction: int | None = None, clamp: str = "reset") -> None:
        if clamp not in ("reset", "rest"):
            raise InputError(f'Membrane must be clamped at "reset" or "rest" while refractory, not {clamp!r}')
        self.clamp, self.hold, self.overflow = clamp, 0, False
        self._take(LifParams(QFormat(data_width, fraction), v_threshold, v_reset, v_rest, refractory=refractory_period,
                             rounding=rounding, overflow=overflow, leak_fraction=leak_fraction))  # type: ignore[arg-type]
        self._v = self.params.rest

    def _take(self, params: LifParams) -> None:
        self.params, q, shift = params, params.format, params.leak_fraction
        halves = (1 << shift >> 1, q.one >> 1) if params.rounding == Rounding.NEAREST else (0, 0)
        self._leak, self._gain, self._stochastic = params.leak, params.gain, params.rounding == Rounding.STOCHASTIC
        limit = 1 << (params.input_width - 1)
        self._limits = -limit, limit, q.min, q.max, 1 << shift
        self._fixed = params.rest, params.threshold, shift, q.fraction, *halves

    @property
    def v(self) -> int:
        return self._v

    @v.setter
    def v(self, raw: int) -> None:
        (raw,), q = whole_numbers(v=raw), self.params.format
        if not q.holds(raw):
            raise InputError(f"v must be in {q.min}..{q.max} (raw), not {raw}")
        self._v = raw

    def step(self, leak_k: int, gain_k: int, I_t: int, noise_in: int = 0, random: int = 0) -> tuple[int, int]:  # noqa: N803
        """Advance by one time step: ``(spike, v_out)``, both integers.

        This is `spikegate.models.neuron.lif.lif_step` in plain Python, as calling compiled code takes longer than one step of one neuron.

        Raises
        ------
        InputError
            If a value is no whole number, or does not fit its port: ``leak_k``, ``gain_k``, ``I_t`` (width+4 bits), ``noise_in`` (width bits).
        """
        if not (type(leak_k) is type(gain_k) is type(I_t) is type(noise_in) is type(random) is int):
            numbers = whole_numbers(leak_k=leak_k, gain_k=gain_k, I_t=I_t, noise_in=noise_in, random=random)
            return self.step(*numbers)
        if leak_k != self._leak or gain_k != self._gain:
            self._take(replace(self.params, leak=leak_k, gain=gain_k))
        least, beyond, low, high, whole = self._limits
        if not (least <= I_t < beyond and low <= noise_in <= high and 0 <= random < whole):
            self._refuse(I_t, noise_in, random)
        rest, threshold, shift, fraction, leak_half, gain_half = self._fixed
        if self.hold:
            self.hold -= 1
            if self.clamp == "rest":
                self._v = rest
            return 0, self._v
        if self._stochastic:
            leak_half, gain_half = random, random & ((1 << fraction) - 1)
        v = self._v
        v += ((rest - v) * leak_k + leak_half >> shift) + (I_t * gain_k + gain_half >> fraction) + noise_in
        if not low <= v <= high:
            v, self.overflow = fit.py_func(v, self.params.format.width, self.params.overflow)[0], True
        if v >= threshold:
            self._v, self.hold = self.params.reset, self.params.refractory
            return 1, self._v
        self._v = v
        return 0, v

    def _refuse(self, I_t: int, noise_in: int, random: int) -> None:  # noqa: N803
        least, beyond, low, high, whole = self._limits
        problems = Problems()
        problems.require(least <= I_t < beyond, f"I_t must be in {least}..{beyond - 1} (raw), not {I_t}")
        problems.require(low <= noise_in <= high, f"noise_in must be in {low}..{high} (raw), not {noise_in}")
        problems.require(0 <= random < whole, f"random must be in 0..{whole - 1}, not {random}")
        problems.raise_any()
