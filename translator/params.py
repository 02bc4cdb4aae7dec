"""Parameters of the Brunel (2000) network in physical units."""

import difflib
import reprlib
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, cast

import numpy as np

from spikegate.models.checks import require, whole
from spikegate.models.errors import InputError, Problems
from spikegate.models.network.network import Network, require_network

__all__ = ["BrunelParams", "PRESETS", "preset", "check", "asked_for", "whole_multiple"]

#: Each target draws its sources from a whole population.
MAX_NEURONS = 100_000
MAX_SYNAPSES = 100_000_000
#: Above every format's range and every time that a network can have.
LARGEST = 1e9
#: Relative difference of decimals that stand for the same number.
SAME = Fraction(1, 10**9)


@dataclass(frozen=True)
class BrunelParams:
    """Brunel's network A with delta synapses; fields and defaults are those of the published tutorial.

    Parameters
    ----------
    n_exc, n_inh : int
        Neurons.
    conn_prob : float
        Fraction of each population that projects to a neuron, 0..1: in-degrees are fixed, C_E = conn_prob * n_exc
        and C_I = conn_prob * n_inh, rounded, as in Brunel (2000).
    weight_exc : float
        J, step of the membrane in mV.
    g_inh : float
        Relative strength of inhibition: inhibitory steps are -g*J.
    v_threshold, v_reset, v_rest : float
        mV.
    tau_mem, dt : float
        Membrane time constant and time step in ms.
    eta : float
        External rate relative to the one that reaches threshold.
    delay : float
        ms, a whole number of steps, at least one: a spike of step t is input of step t + delay/dt.
    refractory : float
        ms, a whole number of steps.
    v_spread : bool
        Initial membranes uniform in [v_rest, v_threshold) instead of all at rest.
    seed : int
        Of connectivity, initial membranes and drive.
    """

    n_exc: int = 800
    n_inh: int = 200
    conn_prob: float = 0.1
    weight_exc: float = 0.1
    g_inh: float = 5.0
    v_threshold: float = 20.0
    v_reset: float = 10.0
    v_rest: float = 0.0
    tau_mem: float = 20.0
    dt: float = 0.1
    eta: float = 2.0
    delay: float = 0.1
    refractory: float = 0.0
    v_spread: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):  # NumPy's numbers become Python's, floats by their decimals
            value = getattr(self, field.name)
            if isinstance(value, np.generic):
                plain = float(str(value)) if isinstance(value, np.floating) else value.item()
                object.__setattr__(self, field.name, plain)

    @property
    def n_total(self) -> int:
        """All neurons."""
        return self.n_exc + self.n_inh

    @property
    def weight_inh(self) -> float:
        """g*J in mV, positive, exact in the decimals given."""
        return float(Fraction(str(self.g_inh)) * Fraction(str(self.weight_exc)))

    @property
    def c_exc(self) -> int:
        """C_E, excitatory inputs of a neuron, and the number of its external inputs."""
        return round(self.conn_prob * self.n_exc)

    @property
    def c_inh(self) -> int:
        """C_I, inhibitory inputs of a neuron."""
        return round(self.conn_prob * self.n_inh)

    @property
    def external_rate_hz(self) -> float:
        """Rate of each of the C_E external inputs: eta * V_th / (J * C_E * tau), in Hz."""
        return float(self.external_probability / Fraction(str(self.dt)) * 1000)

    @property
    def external_probability(self) -> Fraction:
        """Probability of an event of one external input in one step, rate * dt, exact in the decimals given."""
        eta, v_th, j, tau, dt = (Fraction(str(x)) for x in (self.eta, self.v_threshold, self.weight_exc, self.tau_mem, self.dt))
        return eta * v_th * dt / (j * self.c_exc * tau)


#: What each preset changes of the tutorial's defaults.
PRESETS = {
    "tutorial": {},
    "ai": dict(weight_exc=0.5, g_inh=8.0, delay=1.5, refractory=2.0, v_spread=True),
    "brunel2000": dict(n_exc=10_000, n_inh=2_500, delay=1.5, refractory=2.0, v_spread=True),
}


def preset(name: str, **changes: Any) -> BrunelParams:
    """The parameters of a preset, ``tutorial``, ``ai`` or ``brunel2000``, with changes."""
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"Preset must be one of {', '.join(PRESETS)}, not {name!r}")
    known = [field.name for field in fields(BrunelParams)]
    for unknown in changes.keys() - set(known):
        near = difflib.get_close_matches(unknown, known, 1)
        raise InputError(f"Parameter must be one of {', '.join(known)}, not {unknown!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return BrunelParams(**{**PRESETS[name], **changes})


def whole_multiple(time: float, unit: float) -> int | None:
    """``time / unit``, if it is a whole number but for the last digits of what a float holds, as 0.1 * 3 is three times 0.1."""
    exact = Fraction(str(time)) / Fraction(str(unit))
    return round(exact) if abs(exact - round(exact)) <= SAME * max(Fraction(1), abs(exact)) else None


def check(bp: BrunelParams) -> None:
    """Raise `InputError` with everything that makes no network."""
    require("Parameters", bp, BrunelParams, "make them with spikegate.BrunelParams or spikegate.preset")
    problems = Problems()
    need = problems.require
    for field in fields(BrunelParams):
        value = getattr(bp, field.name)
        number = whole(value) is not None or isinstance(value, float)
        good, kind = {int: (whole(value) is not None, "a whole number"), bool: (isinstance(value, bool), "true or false"),
                      float: (number and abs(value) <= LARGEST, f"a number in -{LARGEST:g}..{LARGEST:g}")}[cast(type, field.type)]
        need(good, f"{field.name} must be {kind}, not {reprlib.repr(value)}")
    problems.raise_any()
    need(bp.n_exc >= 0 and bp.n_inh >= 0 and bp.n_total >= 1, f"N must be at least 1 neuron, not {bp.n_exc} + {bp.n_inh}; raise n_exc or n_inh")
    need(bp.n_total <= MAX_NEURONS, f"N must be at most {MAX_NEURONS:,} neurons, not {bp.n_exc} + {bp.n_inh}; lower n_exc or n_inh")
    need(0 <= bp.conn_prob <= 1, f"conn_prob must be in 0..1, not {bp.conn_prob}; it is a fraction")
    for name, unit in (("tau_mem", "ms"), ("dt", "ms"), ("v_threshold", "mV"), ("weight_exc", "mV")):
        need(getattr(bp, name) > 0, f"{name} must be above 0 {unit}, not {getattr(bp, name)}")
    need(bp.v_reset < bp.v_threshold or bp.v_threshold <= 0, f"v_reset must be below v_threshold, {bp.v_threshold} mV, not {bp.v_reset} mV")
    need(bp.g_inh >= 0, f"g_inh must not be negative, not {bp.g_inh}; its sign is built in")
    need(bp.eta >= 0, f"eta must not be negative, not {bp.eta}: it would make the external rate negative; use 0 for no drive")
    need(0 <= bp.seed < 2**63, f"seed must be in 0..2^63-1, not {bp.seed}")
    problems.raise_any()
    synapses = bp.n_total * (bp.c_exc + bp.c_inh)
    need(synapses <= MAX_SYNAPSES, f"Synapses must be at most {MAX_SYNAPSES:,}, not {synapses:,}; lower conn_prob, n_exc or n_inh")
    need(bool(whole_multiple(bp.dt, 1e-6)), f"dt must be a whole number of nanoseconds, not {bp.dt} ms; round it to 6 decimals")
    need(bp.c_exc >= 1, f"C_E must be at least 1, not {bp.conn_prob} * {bp.n_exc} = {bp.c_exc}; raise n_exc or conn_prob")
    for name, count, size in (("C_E", bp.c_exc, bp.n_exc), ("C_I", bp.c_inh, bp.n_inh)):
        need(count == 0 or count < size, f"{name} = {count} must be below the population's {size}, as no neuron projects to itself; lower conn_prob")
    for name in ("delay", "refractory"):
        exact = Fraction(str(getattr(bp, name))) / Fraction(str(bp.dt))
        need(whole_multiple(getattr(bp, name), bp.dt) is not None, f"{name} must be a whole number of steps of {bp.dt} ms, "
             f"not {getattr(bp, name)} ms; round it")
        need(round(exact) >= (name == "delay"), f"{name} must be at least {bp.dt if name == 'delay' else 0} ms, not {getattr(bp, name)} ms; "
             "one step is the shortest that a clocked core has" if name == "delay" else f"{name} must not be negative, not {bp.refractory} ms")
    problems.raise_any()


def asked_for(network: Network) -> BrunelParams:
    """What a translated network was asked for.

    Raises
    ------
    InputError
        If it does not say so, or says what makes no network.
    """
    require_network(network)
    if not network.source:
        raise InputError("Network has no parameters in physical units (source is empty); make it with spikegate.translator.brunel.translate")
    names = {field.name for field in fields(BrunelParams)}
    if network.source.keys() != names:
        raise InputError(f"Network's source must give the parameters of BrunelParams, not {', '.join(sorted(network.source.keys() ^ names))}; "
                         "make it with spikegate.translator.brunel.translate")
    bp = BrunelParams(**network.source)
    check(bp)
    return bp
