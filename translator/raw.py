"""Raw integers of the Brunel network's parameters in a fixed-point format, or what to change if the format does not hold them."""

from fractions import Fraction

from spikegate.models.checks import require
from spikegate.models.errors import InputError
from spikegate.models.network.provenance import leak_fraction_for
from spikegate.models.numeric.fixed import Q16_12, QFormat
from spikegate.translator.params import BrunelParams, check

__all__ = ["fine_leak", "raw_parameters"]


def fine_leak(bp: BrunelParams, q: QFormat) -> int:
    """Fewest fraction bits of the leak constant, at least those of the format, with which tau is right within 1 %.

    Raises
    ------
    InputError
        If no leak constant is so fine.
    """
    check(bp)
    bits = leak_fraction_for(Fraction(str(bp.dt)) / Fraction(str(bp.tau_mem)), q.fraction)
    if bits is None:
        raise InputError(f"Leak dt/tau = {bp.dt / bp.tau_mem:.4g} is too small for any leak constant; use a longer dt or a shorter tau_mem")
    return bits


def raw_parameters(bp: BrunelParams, q: QFormat, leak_fraction: int | None = None) -> dict[str, int]:
    """Every quantised parameter, truncated towards zero as in the published mapping, int(value * 2^fraction).

    The leak has ``leak_fraction`` fraction bits, those of the format by default.

    Raises
    ------
    InputError
        With every parameter that the format does not hold, and a format that holds them all, if there is one.
    """
    require("Format", q, QFormat, "make it with QFormat.parse")
    raw, wrong = _quantise(bp, q, leak_fraction)
    if wrong:
        other = _holding(bp, leak_fraction)
        what = {"wide": "use a wider format" if other and other.width > q.width else "use another format", "fine": "use more fraction bits"}
        fix = "no format of 32 bits holds all: bring voltages and weights nearer together, or raise dt/tau"
        raise InputError("\n".join(f"{message}; {what[kind]}, such as {other}" if other else f"{message}; {fix}" for message, kind in wrong))
    return raw


def _quantise(bp: BrunelParams, q: QFormat, leak_fraction: int | None) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The raw integers, and what is wrong with them: a message, and whether the format is not ``wide`` or not ``fine`` enough."""
    one, raw, wrong = 1 << (q.fraction if leak_fraction is None else leak_fraction), {}, []
    for name in ("v_threshold", "v_reset", "v_rest", "weight_exc", "weight_inh"):
        value = getattr(bp, name)
        raw[name] = int(Fraction(str(value)) * q.one)
        if not q.holds(raw[name]):
            wrong.append((f"{name} = {value} mV is outside {q}, which holds {float(q.real(q.min)):g}..{float(q.real(q.max)):g} mV", "wide"))
    for name in ("weight_exc",) + (("weight_inh",) if bp.g_inh else ()):
        if raw[name] == 0:
            wrong.append((f"{name} = {getattr(bp, name):g} mV rounds to 0 in {q}, whose step is {float(q.real(1)):g} mV", "fine"))
    raw["leak"] = int(Fraction(str(bp.dt)) / Fraction(str(bp.tau_mem)) * one)
    if raw["leak"] < 1:
        wrong.append((f"Leak dt/tau = {bp.dt / bp.tau_mem:.4g} rounds to 0 in {q}, whose step is {1 / one:.4g}", "fine"))
    return raw, wrong


def _holding(bp: BrunelParams, leak_fraction: int | None) -> QFormat | None:
    """A format that holds the parameters: q16.12 or, if that does not, the one of 32 bits with the most fraction bits."""
    for q in (Q16_12, *(QFormat(32, fraction) for fraction in range(22, 0, -1))):
        if not _quantise(bp, q, leak_fraction and max(leak_fraction, q.fraction))[1]:
            return q
    return None
