"""What a network says of itself in physical units: of each parameter what was asked for, if its source says so, and what its integers realise."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from spikegate.models.errors import Problems
from spikegate.models.neuron.lif import MAX_LEAK_FRACTION
from spikegate.models.numeric.fixed import QFormat, Rounding
from spikegate.models.streams.encoder import PROBABILITY_BITS

if TYPE_CHECKING:
    from spikegate.models.network.described import DescribedNetwork

__all__ = ["LIMIT", "Quantity", "asked", "dead_zone", "fixes", "leak_fraction_for", "quantities", "require_consistent", "warnings"]

#: Relative error of a realised parameter above which it is warned of.
LIMIT = 0.01
#: Relative error of decimals that stand for the same number, such as 0.1 * 3 and 0.3.
SAME = 1e-9
#: A number in a source that is no smaller says nothing of a network.
LARGEST = 1e100


@dataclass(frozen=True)
class Quantity:
    """One parameter: what was asked for, or None, what is realised, and by how much the two may differ, if they are one network's."""

    name: str
    asked: float | None
    realised: float
    step: float | None = None

    @property
    def error(self) -> float | None:
        """Relative error; absolute where 0 was asked for."""
        if self.asked is None:
            return None
        return (self.realised - self.asked) / self.asked if self.asked else self.realised

    def as_dict(self) -> dict[str, float | str | None]:
        """The row as it stands in report.json."""
        return {"parameter": self.name, "asked": self.asked, "realised": self.realised, "relative_error": self.error}


def asked(network: "DescribedNetwork") -> dict[str, float]:
    """Every quantity that the source gives or implies, by name: mV and ms. Empty if it gives none."""
    given = {key: float(value) for key, value in network.source.items()
             if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST}
    found: dict[str, float] = {
        key: given[key] for key in ("n_exc", "n_inh", "dt", "v_threshold", "v_reset", "v_rest", "tau_mem", "delay", "refractory", "weight_exc")
        if key in given}
    if {"g_inh", "weight_exc"} <= given.keys():
        found["weight_inh"] = float(Fraction(str(given["g_inh"])) * Fraction(str(given["weight_exc"])))
    if {"tau_mem", "dt"} <= given.keys() and given["tau_mem"]:
        found["leak dt/tau"] = given["dt"] / given["tau_mem"]
    if {"eta", "v_threshold", "dt", "weight_exc", "tau_mem"} <= given.keys() and given["weight_exc"] * given["tau_mem"]:
        found["drive events/step"] = given["eta"] * given["v_threshold"] * given["dt"] / (given["weight_exc"] * given["tau_mem"])
        found["drive weight"] = given["weight_exc"]
    return found


def dead_zone(leak: int, leak_fraction: int, rounding: Rounding) -> int:
    """How far from rest, raw, a membrane may stay without any leak, as its product rounds to 0."""
    one = 1 << leak_fraction
    return {Rounding.FLOOR: one - 1, Rounding.NEAREST: one // 2 - 1, Rounding.STOCHASTIC: 0}[rounding] // leak


def _weight(network: "DescribedNetwork", first: int, last: int) -> tuple[float, float] | None:
    """What every source of a population does to a membrane, in mV, as its streams do it if it has some, and the step; None if they differ."""
    one = network.lif.format.one
    if last == first:
        return None
    raw, unit = np.abs(network.weights[first:last].astype(np.int64)), 1 / one
    if network.streams is not None:
        raw, unit = network.streams.probabilities[first:last].astype(np.int64), network.streams.scale / one / (1 << PROBABILITY_BITS)
    return (int(raw[0]) * unit, unit) if np.all(raw == raw[0]) else None


def quantities(network: "DescribedNetwork") -> list[Quantity]:
    """Every parameter, in the order of reports; those that the source does not give have nothing asked for."""
    lif, q, wanted = network.lif, network.lif.format, asked(network)
    one = 1 << lif.leak_fraction

    def real(raw: int) -> float:
        return float(q.real(int(raw)))

    def ms(steps: int) -> float:
        return steps * network.dt_ns / 10**6

    rows: list[tuple[str, float, float | None]] = [
        ("v_threshold", real(lif.threshold), real(1)), ("v_reset", real(lif.reset), real(1)), ("v_rest", real(lif.rest), real(1))]
    for population, first, last in (("exc", 0, network.n_exc), ("inh", network.n_exc, network.n)):
        if weight := _weight(network, first, last):
            rows.append((f"weight_{population}", *weight))
    rows += [("leak dt/tau", lif.leak / one, 1 / one), ("tau_mem", ms(one) / lif.leak, None), ("delay", ms(network.delay), SAME),
             ("refractory", ms(lif.refractory), SAME), ("leak_dead_zone", real(dead_zone(lif.leak, lif.leak_fraction, lif.rounding)), None),
             ("drive weight", real(network.drive.weight), real(1)), ("drive events/step", network.drive.mean_events, 1e-6)]
    wanted["leak_dead_zone"] = 0.0
    return [Quantity(name, wanted.get(name), realised, step) for name, realised, step in rows]


def require_consistent(network: "DescribedNetwork") -> None:
    """Refuse a source that contradicts the integers: what it asks for must be what they hold, but for one step of their format.

    Raises
    ------
    InputError
        With every contradiction.
    """
    problems, wanted = Problems(), asked(network)
    whole = {"n_exc": network.n_exc, "n_inh": network.n_inh, "dt": network.dt_ns / 10**6}
    rows = [Quantity(name, wanted.get(name), value, SAME) for name, value in whole.items()] + quantities(network)
    for row in rows:
        if row.asked is not None and row.step is not None:
            allowed = row.step * (1 + SAME) + SAME * abs(row.asked)
            problems.require(abs(row.realised - row.asked) <= allowed, f"Network's source says {row.name} = {row.asked:g}, and its integers hold "
                             f"{row.realised:g}; translate what you want again, or empty the source")
    problems.raise_any()


def fixes(network: "DescribedNetwork") -> dict[str, str]:
    """What to do about each parameter that is off by more than `LIMIT`, by its name."""
    return {row.name: _finer_leak(network, row.asked) if row.name == "tau_mem" else _finer_format(network.lif.format, row.asked)
            for row in quantities(network)
            if row.asked and row.name not in ("leak dt/tau", "drive events/step") and abs(row.error or 0.0) > LIMIT}


def warnings(network: "DescribedNetwork") -> list[str]:
    """One line for each parameter that is off by more than `LIMIT`, with the fix."""
    lines, found = [], fixes(network)
    for row in quantities(network):
        if row.name in found:
            unit = "ms" if row.name in ("tau_mem", "delay", "refractory") else "mV"
            lines.append(f"{row.name} is {row.realised:.4g} {unit} and not the {row.asked:.4g} {unit} asked for "
                         f"({100 * (row.error or 0.0):+.3g} %): {found[row.name]}")
    return lines


def leak_fraction_for(ratio: Fraction, least: int) -> int | None:
    """Fewest fraction bits, from ``least`` on, with which int(dt/tau * 2^bits) is right within `LIMIT`; None if no leak constant has so many."""
    for bits in range(least, MAX_LEAK_FRACTION + 1):
        raw = int(ratio * (1 << bits))
        if raw and abs(ratio * (1 << bits) / raw - 1) <= LIMIT:
            return bits
    return None


def _finer_leak(network: "DescribedNetwork", tau: float) -> str:
    ratio = Fraction(network.dt_ns, 10**6) / Fraction(str(tau))
    bits = leak_fraction_for(ratio, network.lif.format.fraction)
    if bits is None:
        return "use a longer dt"
    return f"--leak-fraction {bits} makes it {float(Fraction(network.dt_ns, 10**6) * (1 << bits) / int(ratio * (1 << bits))):.4g} ms"


def _finer_format(q: QFormat, value: float) -> str:
    exact = abs(Fraction(str(value)))
    for fraction in range(q.fraction + 1, min(31, 54 - q.width - 1) + 1):
        if abs(int(exact * (1 << fraction)) / (exact * (1 << fraction)) - 1) <= LIMIT:
            return f"--format q{q.width - q.fraction}.{fraction} makes it {float(Fraction(int(exact * (1 << fraction)), 1 << fraction)):.4g}"
    return "use more fraction bits"
