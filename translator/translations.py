"""What each variant takes, from the parameters of a Brunel network: ``translate_v<number>_<what>(bp) -> dict``, the published mapping.

Every dict has ``quantisation``, rows of what was asked, what the variant's numbers make of it, and the relative error.
All raise `InputError` for parameters that make no network or that the variant cannot hold; nothing is clipped.
The engines (`spikegate.translator.variants`) take the frozen network; these are for people who step a neuron or a layer themselves.
"""

from fractions import Fraction
from typing import Any, cast

from spikegate.models.errors import InputError, Problems
from spikegate.models.numeric.fixed import Q8_8, Q16_12, QFormat
from spikegate.models.streams.encoder import PROBABILITY_BITS, threshold
from spikegate.models.streams.synapse import HIGHEST, LOWEST
from spikegate.translator.params import BrunelParams, check, whole_multiple
from spikegate.translator.raw import raw_parameters

__all__ = ["translate_v1_stochastic_lif", "translate_v2_rate_matched", "translate_v3_fixed_point", "translate_v4_hybrid", "translate_v5_izhikevich",
           "translate_v6_homeostatic", "translate_v7_noisy", "translate_v8_refractory", "translate_v9_post_kick", "translate_v10_exact_leak",
           "translate_v11_q16", "translate_v12_stdp", "translate_v13_dot_product", "translate_v14_sobol", "translate_v15_jax",
           "translate_v16_recurrent", "translate_v17_memristive", "translate_v18_numba", "translate_v19_pytorch_cuda",
           "translate_v20_vectorized_numpy"]


def _report(rows: list[tuple[str, float, float]]) -> list[dict[str, Any]]:
    """Rows of ``parameter``, ``asked``, ``realised``, ``relative_error`` (absolute where 0 was asked) from the first three."""
    return [dict(parameter=name, asked=asked, realised=got, relative_error=(got - asked) / asked if asked else got) for name, asked, got in rows]


def _steps(bp: BrunelParams) -> int:
    return cast(int, whole_multiple(bp.refractory, bp.dt))


def _voltage(bp: BrunelParams, **neuron: Any) -> dict[str, Any]:
    """Parameters as they are, in mV and ms; ``neuron_kwargs`` are for `StochasticLIFNeuron`, and ``neuron`` changes them."""
    check(bp)
    names = ("v_threshold", "v_reset", "v_rest", "tau_mem", "dt", "weight_exc", "weight_inh")
    kwargs = dict(v_threshold=bp.v_threshold, v_reset=bp.v_reset, v_rest=bp.v_rest, tau_mem=bp.tau_mem, dt=bp.dt, resistance=1.0, noise_std=0.0,
                  refractory_period=_steps(bp))
    rows = [(name, getattr(bp, name), float(getattr(bp, name))) for name in names]
    return dict(neuron_kwargs={**kwargs, **neuron}, weight_exc=bp.weight_exc, weight_inh=bp.weight_inh, external_rate_hz=bp.external_rate_hz,
                ext_weight=bp.weight_exc, delta_psc=True, quantisation=_report(rows))


def _fixed(bp: BrunelParams, q: QFormat) -> dict[str, Any]:
    """Raw integers, int(value * 2^fraction); ``leak_k`` is dt/tau, ``gain_k`` is 1."""
    check(bp)
    raw = raw_parameters(bp, q)

    def real(value: int) -> float:
        return float(q.real(value))

    rows = [(name, getattr(bp, name), real(raw[name])) for name in ("v_threshold", "v_reset", "v_rest", "weight_exc", "weight_inh")]
    rows += [("leak dt/tau", bp.dt / bp.tau_mem, real(raw["leak"])), ("tau_mem", bp.tau_mem, bp.dt / real(raw["leak"]))]
    return dict(data_width=q.width, fraction=q.fraction, v_threshold_q=raw["v_threshold"], v_reset_q=raw["v_reset"], v_rest_q=raw["v_rest"],
                leak_k=raw["leak"], gain_k=q.one, j_exc_q=raw["weight_exc"], j_inh_q=raw["weight_inh"], refractory_period=_steps(bp),
                external_rate_hz=bp.external_rate_hz, quantisation=_report(rows))


def _coded(name: str, asked: Fraction) -> tuple[str, float, float]:
    """A row for a probability as 16 bits hold it."""
    return name, float(asked), threshold(asked) / (1 << PROBABILITY_BITS)


def _ratio(bp: BrunelParams, weight: float) -> Fraction:
    return Fraction(str(weight)) / Fraction(str(bp.v_threshold))


def stream_ratios(bp: BrunelParams) -> list[Fraction]:
    """J / V_th and gJ / V_th, the probabilities of ones in the streams of the weights.

    Raises
    ------
    InputError
        For each weight that a stream does not hold: it would be clipped.
    """
    problems, ratios = Problems(), [_ratio(bp, weight) for weight in (bp.weight_exc, bp.weight_inh)]
    for name, field, weight, ratio in zip(("w_prob", "w_prob_inh"), ("weight_exc", "g_inh * weight_exc"), (bp.weight_exc, bp.weight_inh), ratios):
        problems.require(weight == 0 or LOWEST <= ratio <= HIGHEST, f"{name} = {weight:g} mV / {bp.v_threshold:g} mV = {float(ratio):.4g} must "
                         f"be in 0.001..0.999, as streams clip what is outside; change {field} or v_threshold, or use fixed-point weights (v3)")
    problems.raise_any()
    return ratios


def _streams(bp: BrunelParams, generator: str, channels: int) -> dict[str, Any]:
    """``w_prob`` = J / V_th in 0.001..0.999 for `BitstreamSynapse`, ``popcount_scale`` = V_th / L in mV, L = 256."""
    check(bp)
    length, ratios = 256, dict(zip(("w_prob", "w_prob_inh"), stream_ratios(bp)))
    return dict({name: float(ratio) for name, ratio in ratios.items()}, bitstream_length=length, popcount_scale=bp.v_threshold / length,
                generator=generator, channels=channels, neuron_kwargs=_voltage(bp)["neuron_kwargs"], external_rate_hz=bp.external_rate_hz,
                quantisation=_report([_coded(name, ratio) for name, ratio in ratios.items()]))


def _rates(bp: BrunelParams, **layer: Any) -> dict[str, Any]:
    """``weight_prob`` = J / V_th, ``ext_prob`` = rate * dt / 1000, L = 4096; ``layer`` is more for the layer."""
    check(bp)
    rows = dict(weight_prob=_ratio(bp, bp.weight_exc), weight_prob_inh=_ratio(bp, bp.weight_inh), ext_prob=bp.external_probability)
    problems = Problems()
    for name, value in rows.items():
        problems.require(0 <= value <= 1, f"{name} = {float(value):.4g} must be in 0..1, as a probability; raise v_threshold, or lower the weight, "
                         "rate or dt")
    problems.raise_any()
    return dict({name: float(value) for name, value in rows.items()}, bitstream_length=4096, n_neurons=bp.n_total, **layer,
                quantisation=_report([_coded(name, value) for name, value in rows.items()]))


def translate_v1_stochastic_lif(bp: BrunelParams) -> dict[str, Any]:
    """V1: ``neuron_kwargs`` for `spikegate.translator.voltage_neuron.StochasticLIFNeuron`, in mV and ms."""
    return _voltage(bp)


def translate_v2_rate_matched(bp: BrunelParams) -> dict[str, Any]:
    """V2: ``weight_prob`` = J / V_th, ``ext_prob`` = rate * dt / 1000, ``bitstream_length`` 4096, for `VectorizedSCLayer`."""
    return _rates(bp)


def translate_v3_fixed_point(bp: BrunelParams) -> dict[str, Any]:
    """V3: raw integers of Q8.8 for `spikegate.models.neuron.single.FixedPointLIFNeuron`."""
    return _fixed(bp, Q8_8)


def translate_v4_hybrid(bp: BrunelParams) -> dict[str, Any]:
    """V4: ``w_prob`` and ``popcount_scale`` for `spikegate.models.streams.synapse.BitstreamSynapse`, on LFSR streams."""
    return _streams(bp, "lfsr", 1)


def translate_v5_izhikevich(bp: BrunelParams) -> dict[str, Any]:
    """V5: ``exc_kwargs`` and ``inh_kwargs`` for `SCIzhikevichNeuron`; ``kick_scale`` times a kick in mV carries the LIF's rheobase to its own."""
    from spikegate.translator.izhikevich import PATTERNS, rheobase
    check(bp)
    if bp.v_threshold <= bp.v_rest:
        raise InputError(f"v_threshold must be above v_rest = {bp.v_rest} mV to be mapped, not {bp.v_threshold} mV")
    kwargs = [dict(zip("abcd", PATTERNS[pattern]), dt=bp.dt) for pattern in ("rs", "fs")]
    scale = [rheobase(one["b"]) / ((bp.v_threshold - bp.v_rest) / bp.tau_mem) for one in kwargs]
    rows = [(name, getattr(bp, name), float(getattr(bp, name))) for name in ("dt", "weight_exc", "weight_inh")]
    return dict(exc_kwargs=kwargs[0], inh_kwargs=kwargs[1], kick_scale=scale[0], kick_scale_inh=scale[1], weight_exc=bp.weight_exc,
                weight_inh=bp.weight_inh, external_rate_hz=bp.external_rate_hz, quantisation=_report(rows))


def translate_v6_homeostatic(bp: BrunelParams) -> dict[str, Any]:
    """V6: ``neuron_kwargs`` for `HomeostaticLIFNeuron`, with its target rate and step of the threshold."""
    made = _voltage(bp, target_hz=10.0, eta=0.5)
    for name in ("resistance", "noise_std"):
        del made["neuron_kwargs"][name]
    return made


def translate_v7_noisy(bp: BrunelParams) -> dict[str, Any]:
    """V7: V1 with ``noise_std`` of 1 mV."""
    return _voltage(bp, noise_std=1.0)


def translate_v8_refractory(bp: BrunelParams) -> dict[str, Any]:
    """V8: V1 with ``refractory_period`` of 5 steps, whatever was asked."""
    return _voltage(bp, refractory_period=5)


def translate_v9_post_kick(bp: BrunelParams) -> dict[str, Any]:
    """V9: V1 with ``kick_after_step``: add the kick after `step`, unless it spiked or is refractory."""
    return {**_voltage(bp), "kick_after_step": True}


def translate_v10_exact_leak(bp: BrunelParams) -> dict[str, Any]:
    """V10: V1 with ``exact_leak``."""
    return _voltage(bp, exact_leak=True)


def translate_v11_q16(bp: BrunelParams) -> dict[str, Any]:
    """V11: raw integers of Q16.12 for `spikegate.models.neuron.single.FixedPointLIFNeuron`."""
    return _fixed(bp, Q16_12)


def translate_v12_stdp(bp: BrunelParams) -> dict[str, Any]:
    """V12: V1, and ``stdp_kwargs`` for `spikegate.translator.stdp.Plasticity`, of every excitatory synapse."""
    from spikegate.translator.stdp import Plasticity
    rule = Plasticity(seed=bp.seed)
    return {**_voltage(bp), "stdp_kwargs": dict(a_plus=rule.a_plus, a_minus=rule.a_minus, tau_plus=rule.tau_plus, tau_minus=rule.tau_minus,
                                                bits=rule.bits, w_max=rule.w_max, seed=rule.seed)}


def translate_v13_dot_product(bp: BrunelParams) -> dict[str, Any]:
    """V13: as V4, for `spikegate.models.streams.dot_product.BitstreamDotProduct` of four channels."""
    return _streams(bp, "lfsr", 4)


def translate_v14_sobol(bp: BrunelParams) -> dict[str, Any]:
    """V14: as V4, on Sobol streams."""
    return _streams(bp, "sobol", 1)


def translate_v15_jax(bp: BrunelParams) -> dict[str, Any]:
    """V15: as V2, for `JaxSCDenseLayer`."""
    return _rates(bp)


def translate_v16_recurrent(bp: BrunelParams) -> dict[str, Any]:
    """V16: ``layer_kwargs`` for `SCRecurrentLayer`, which scales the network's own weights to a spectral ``radius``."""
    check(bp)
    rows = [(name, getattr(bp, name), float(getattr(bp, name))) for name in ("weight_exc", "weight_inh")]
    return dict(layer_kwargs=dict(length=256, radius=0.95), weight_exc=bp.weight_exc, weight_inh=bp.weight_inh, n_neurons=bp.n_total,
                quantisation=_report(rows))


def translate_v17_memristive(bp: BrunelParams) -> dict[str, Any]:
    """V17: as V2, for `MemristiveDenseLayer`, with ``stuck_rate`` 1 % and ``variability`` 5 %."""
    from spikegate.translator.memristive import STUCK_RATE, VARIABILITY
    return _rates(bp, stuck_rate=STUCK_RATE, variability=VARIABILITY)


def translate_v18_numba(bp: BrunelParams) -> dict[str, Any]:
    """V18: as V1, for the kernel ``numba`` of `spikegate.translator.voltage.run`."""
    return {**_voltage(bp), "kernel": "numba"}


def translate_v19_pytorch_cuda(bp: BrunelParams) -> dict[str, Any]:
    """V19: as V1, for the kernel ``torch`` of `spikegate.translator.voltage.run`; ``device`` is a GPU if there is one."""
    return {**_voltage(bp), "kernel": "torch", "device": "auto"}


def translate_v20_vectorized_numpy(bp: BrunelParams) -> dict[str, Any]:
    """V20: as V1, for the kernel ``numpy`` of `spikegate.translator.voltage.run`."""
    return {**_voltage(bp), "kernel": "numpy"}
