"""The Brunel (2000) network: parameters in physical units, and their translation into a frozen network."""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from spikegate.models.drive import DriveParams, binomial_limits
from spikegate.models.errors import InputError, Problems
from spikegate.models.fixed import Q8_8, QFormat, Rounding
from spikegate.models.lfsr import LfsrParams
from spikegate.models.lif import LifParams
from spikegate.models.network import Network

__all__ = ["BrunelParams", "PRESETS", "preset", "translate", "quantisation"]


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

    @property
    def n_total(self) -> int:
        """All neurons."""
        return self.n_exc + self.n_inh

    @property
    def weight_inh(self) -> float:
        """g*J in mV, positive."""
        return self.g_inh * self.weight_exc

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


def preset(name: str, **changes) -> BrunelParams:
    """The parameters of a preset, ``tutorial``, ``ai`` or ``brunel2000``, with changes."""
    if name not in PRESETS:
        raise InputError(f"Preset must be one of {', '.join(PRESETS)}, not {name!r}")
    return BrunelParams(**{**PRESETS[name], **changes})


def _check(bp: BrunelParams) -> None:
    problems = Problems()
    need = problems.require
    need(bp.n_exc >= 0 and bp.n_inh >= 0 and bp.n_total >= 1, f"N must be at least 1 neuron, not {bp.n_exc} + {bp.n_inh}; raise n_exc or n_inh")
    need(0 <= bp.conn_prob <= 1, f"conn_prob must be in 0..1, not {bp.conn_prob}; it is a fraction")
    for name, unit in (("tau_mem", "ms"), ("dt", "ms"), ("v_threshold", "mV"), ("weight_exc", "mV")):
        need(getattr(bp, name) > 0, f"{name} must be above 0 {unit}, not {getattr(bp, name)}")
    need(bp.g_inh >= 0, f"g_inh must not be negative, not {bp.g_inh}; its sign is built in")
    need(bp.eta >= 0, f"eta must not be negative, not {bp.eta}: it would make the external rate negative; use 0 for no drive")
    need(0 <= bp.seed < 2**63, f"seed must be in 0..2^63-1, not {bp.seed}")
    problems.raise_any()
    need(bp.c_exc >= 1, f"C_E must be at least 1, not {bp.conn_prob} * {bp.n_exc} = {bp.c_exc}; raise n_exc or conn_prob")
    for name, count, size in (("C_E", bp.c_exc, bp.n_exc), ("C_I", bp.c_inh, bp.n_inh)):
        need(count == 0 or count < size, f"{name} = {count} must be below the population's {size}, as no neuron projects to itself; lower conn_prob")
    for name in ("delay", "refractory"):
        exact = Fraction(str(getattr(bp, name))) / Fraction(str(bp.dt))
        need(exact.denominator == 1, f"{name} must be a whole number of steps of {bp.dt} ms, not {getattr(bp, name)} ms; round it")
        need(exact >= (name == "delay"), f"{name} must be at least {bp.dt if name == 'delay' else 0} ms, not {getattr(bp, name)} ms; "
             "one step is the shortest that a clocked core has" if name == "delay" else f"{name} must not be negative, not {bp.refractory} ms")
    problems.raise_any()


def _raw(bp: BrunelParams, q: QFormat) -> dict[str, int]:
    """Every quantised parameter, truncated towards zero as in the published mapping, int(value * 2^fraction)."""
    problems, raw = Problems(), {}
    for name in ("v_threshold", "v_reset", "v_rest", "weight_exc", "weight_inh"):
        value = getattr(bp, name)
        raw[name] = int(Fraction(str(value)) * q.one)
        problems.require(q.holds(raw[name]), f"{name} = {value} mV is outside {q}, which holds {float(q.real(q.min)):g}.."
                         f"{float(q.real(q.max)):g} mV; use a wider format such as q16.12")
    for name in ("weight_exc",) + (("weight_inh",) if bp.g_inh else ()):
        problems.require(raw[name] != 0, f"{name} = {getattr(bp, name):g} mV rounds to 0 in {q}, whose step is {float(q.real(1)):g} mV; "
                         "use more fraction bits such as q16.12")
    raw["leak"] = int(Fraction(str(bp.dt)) / Fraction(str(bp.tau_mem)) * q.one)
    problems.require(raw["leak"] >= 1, f"Leak dt/tau = {bp.dt / bp.tau_mem:.4g} rounds to 0 in {q}, whose step is {float(q.real(1)):.4g}; "
                     "use more fraction bits such as q16.12, a longer dt or a shorter tau_mem")
    problems.raise_any()
    return raw


def _connect(bp: BrunelParams, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """CSR by source. Each neuron has C_E excitatory and C_I inhibitory sources, drawn without repetition, never itself."""
    sources = []
    for target in range(bp.n_total):
        for first, size, count in ((0, bp.n_exc, bp.c_exc), (bp.n_exc, bp.n_inh, bp.c_inh)):
            own = first <= target < first + size
            drawn = first + rng.choice(size - own, count, replace=False)
            sources.append(drawn + (own & (drawn >= target)))
    flat, targets = np.concatenate(sources), np.repeat(np.arange(bp.n_total), bp.c_exc + bp.c_inh)
    order = np.lexsort((targets, flat))
    return np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=bp.n_total))]), targets[order]


def translate(bp: BrunelParams, format: QFormat = Q8_8, *, name: str = "custom", ms: float = 1000.0,
              rounding: Rounding = Rounding.NEAREST) -> Network:
    """Freeze a Brunel network.

    Parameters
    ----------
    bp : BrunelParams
        What is asked for, in physical units.
    format : QFormat
        Of membranes, weights and leak.
    name : str
        Title kept in the file.
    ms : float
        Biological time in ms, a whole number of steps.
    rounding : Rounding
        Of the leak product.

    Raises
    ------
    InputError
        With each parameter that is out of range or that the format cannot hold.
    """
    _check(bp)
    raw, exact_steps = _raw(bp, format), Fraction(str(ms)) / Fraction(str(bp.dt))
    if exact_steps.denominator != 1 or exact_steps < 1:
        raise InputError(f"Biological time must be a whole number of steps of {bp.dt} ms, at least one, not {ms} ms")
    steps, n = int(exact_steps), bp.n_total
    to_steps = lambda time: int(Fraction(str(time)) / Fraction(str(bp.dt)))  # noqa: E731
    lif = LifParams(format, raw["v_threshold"], raw["v_reset"], raw["v_rest"], raw["leak"], refractory=to_steps(bp.refractory), rounding=rounding)
    drive = DriveParams(binomial_limits(bp.c_exc, bp.external_probability), raw["weight_exc"])
    rng = np.random.default_rng(bp.seed)
    indptr, indices = _connect(bp, rng)
    v0 = rng.integers(raw["v_rest"], max(raw["v_threshold"], raw["v_rest"] + 1), n) if bp.v_spread else np.full(n, raw["v_rest"])
    lfsr = LfsrParams()
    return Network(
        name=name, n_exc=bp.n_exc, n_inh=bp.n_inh, lif=lif, drive=drive, lfsr=lfsr, delay=to_steps(bp.delay), steps=steps,
        dt_ns=round(bp.dt * 1e6), indptr=indptr, indices=indices,
        weights=np.repeat([raw["weight_exc"], -raw["weight_inh"]], [bp.n_exc, bp.n_inh]),
        seeds=lfsr.phases(int(rng.integers(1, 2**63)), n, steps), v0=v0, source=dataclasses.asdict(bp))


def quantisation(network: Network) -> list[dict]:
    """Each parameter asked, as realised in the network's integers, and the relative error, with the effects of the leak.

    Rows of ``parameter``, ``asked``, ``realised``, ``relative_error``; voltages in mV, times in ms. ``leak_dead_zone``
    is how far from rest a membrane may stay without any leak.
    """
    bp, lif, q = BrunelParams(**network.source), network.lif, network.lif.format
    real = lambda raw: float(q.real(int(raw)))  # noqa: E731
    dead = {Rounding.FLOOR: q.one - 1, Rounding.NEAREST: q.one // 2 - 1, Rounding.STOCHASTIC: 0}[lif.rounding] // lif.leak
    rows = [("v_threshold", bp.v_threshold, real(lif.threshold)), ("v_reset", bp.v_reset, real(lif.reset)),
            ("v_rest", bp.v_rest, real(lif.rest)), ("weight_exc", bp.weight_exc, real(network.weights[0])),
            ("weight_inh", bp.weight_inh, -real(network.weights[-1])),
            ("leak dt/tau", bp.dt / bp.tau_mem, real(lif.leak)), ("tau_mem", bp.tau_mem, bp.dt / real(lif.leak)),
            ("delay", bp.delay, network.delay * bp.dt), ("refractory", bp.refractory, lif.refractory * bp.dt),
            ("leak_dead_zone", 0.0, real(dead)),
            ("drive events/step", bp.external_rate_hz * bp.c_exc * bp.dt / 1000,
             float(sum(2**32 - 1 - int(limit) for limit in network.drive.limits)) / 2**32)]
    return [dict(parameter=name, asked=asked, realised=got, relative_error=(got - asked) / asked if asked else got) for name, asked, got in rows]
