"""The published mapping: what each variant takes, with the keys and values that the tutorial shows."""

import inspect
import re
from fractions import Fraction

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.neuron.single import FixedPointLIFNeuron
from spikegate.models.numeric.fixed import Q8_8, Q16_12, QFormat
from spikegate.models.streams.synapse import BitstreamSynapse
from spikegate.translator import brunel, translations
from spikegate.translator.brunel import (
    BrunelParams,
    preset,
    quantisation,
    translate,
    translate_v1_stochastic_lif,
    translate_v2_rate_matched,
    translate_v3_fixed_point,
    translate_v4_hybrid,
    translate_v11_q16,
)
from spikegate.translator.custom import translate_v21_custom
from spikegate.translator.homeostatic import HomeostaticLIFNeuron
from spikegate.translator.izhikevich import SCIzhikevichNeuron
from spikegate.translator.raw import raw_parameters
from spikegate.translator.stdp import Plasticity
from spikegate.translator.variants import VARIANTS
from spikegate.translator.voltage_neuron import StochasticLIFNeuron

ALL = {name: getattr(brunel, name) for name in translations.__all__}


def test_there_is_one_for_each_variant_of_the_taxonomy():
    assert [f"translate_{VARIANTS[name].name}" for name in sorted(VARIANTS, key=lambda name: VARIANTS[name].number)][:20] == list(ALL)


def test_the_lines_of_the_tutorial():
    bp = BrunelParams(
        n_exc=800, n_inh=200, conn_prob=0.1,
        weight_exc=0.1, g_inh=5.0,
        v_threshold=20.0, v_reset=10.0, v_rest=0.0,
        tau_mem=20.0, dt=0.1,
    )
    assert bp.n_total == 1000 and bp.weight_inh == 0.5
    params = translate_v1_stochastic_lif(bp)
    assert {**params["neuron_kwargs"], **dict(v_threshold=20.0, v_reset=10.0, tau_mem=20.0, dt=0.1, resistance=1.0)} == params["neuron_kwargs"]
    neuron = StochasticLIFNeuron(**params["neuron_kwargs"])
    neuron.v += 20.2
    assert neuron.step(0.0) == 1 and neuron.v == 10.0
    params = translate_v3_fixed_point(bp)
    neuron = FixedPointLIFNeuron(data_width=16, fraction=8, v_threshold=params["v_threshold_q"], v_reset=params["v_reset_q"])
    assert neuron.step(leak_k=params["leak_k"], gain_k=params["gain_k"], I_t=params["j_exc_q"] * 4) == (0, 100)


def test_the_inhibitory_weight_is_exact():
    """12.5 * 0.58 is a double below 7.25, and so was its integer."""
    bp = preset("tutorial", weight_exc=0.58, g_inh=12.5, eta=0.5)
    assert bp.weight_inh == 7.25 and translate(bp, ms=1).weights[-1] == -1856


def test_times_that_are_whole_but_for_the_last_digit_of_a_float_are_whole():
    assert (0.1 * 3, 0.7 * 3, 0.1 * 7) != (0.3, 2.1, 0.7)  # 0.30000000000000004, 2.0999999999999996, 0.7000000000000001
    exact = translate(preset("ai", delay=2.1, refractory=0.7), ms=0.3)
    network = translate(preset("ai", delay=0.7 * 3, refractory=0.1 * 7), ms=0.1 * 3)
    assert (network.steps, network.delay, network.lif.refractory) == (3, 21, 7) == (exact.steps, exact.delay, exact.lif.refractory)
    assert network.replace(source={}).hash == exact.replace(source={}).hash
    long_steps = translate(preset("ai", dt=0.1 * 3, delay=2.1, refractory=0.9, weight_exc=2.0), ms=3)
    assert (long_steps.dt_ns, long_steps.delay, long_steps.lif.refractory, long_steps.steps) == (300_000, 7, 3, 10)
    for changes, ms, name in (({}, 0.3001, "Biological time"), ({"delay": 2.1001}, 0.3, "delay"), ({"refractory": 0.7001}, 0.3, "refractory")):
        with pytest.raises(InputError, match=f"{name} must be a whole number of steps of 0.1 ms"):
            translate(preset("ai", **changes), ms=ms)


def test_the_mapping_table():
    bp = BrunelParams()
    v1, v2, v3, v4 = (f(bp) for f in (translate_v1_stochastic_lif, translate_v2_rate_matched, translate_v3_fixed_point, translate_v4_hybrid))
    table = [  # quantity, V1, V3, V2
        (v1["neuron_kwargs"]["tau_mem"], 20.0), (v3["leak_k"], int(0.1 / 20 * 256)), (v3["leak_k"], 1),
        (v1["neuron_kwargs"]["v_threshold"], 20.0), (v3["v_threshold_q"], 5120), (v1["neuron_kwargs"]["v_reset"], 10.0), (v3["v_reset_q"], 2560),
        (v1["weight_exc"], 0.1), (v3["j_exc_q"], 25), (v2["weight_prob"], 0.005),
        (v1["weight_inh"], 0.5), (v3["j_inh_q"], 128), (v2["weight_prob_inh"], 0.025),
        (v1["external_rate_hz"], 250.0), (v2["ext_prob"], 250.0 * 0.1 / 1000), (v2["bitstream_length"], 4096),
        (v4["w_prob"], float(np.clip(0.1 / 20, 0.001, 0.999))), (v4["bitstream_length"], 256), (v4["popcount_scale"], 20 / 256)]
    assert [got for got, _ in table] == [expected for _, expected in table]
    assert translate_v11_q16(bp)["v_threshold_q"] == 20 * 4096 and translate_v11_q16(bp)["leak_k"] == 20


def test_what_each_takes_makes_its_backend():
    bp = preset("ai")
    for name, translation in ALL.items():
        made = translation(bp)
        if "exc_kwargs" in made:
            assert SCIzhikevichNeuron(**made["exc_kwargs"]).step(0.0) == SCIzhikevichNeuron(**made["inh_kwargs"]).step(0.0) == 0
        elif "neuron_kwargs" in made:
            neuron = (HomeostaticLIFNeuron if "target_hz" in made["neuron_kwargs"] else StochasticLIFNeuron)(**made["neuron_kwargs"])
            neuron.v += 25.0
            assert [neuron.step(0.0) for _ in range(3)] == [1, 0, 0], name
        if "w_prob" in made:
            synapse = BitstreamSynapse(w=made["w_prob"], length=made["bitstream_length"])
            assert synapse.effective_weight() == pytest.approx(made["w_prob"], abs=4 * (made["w_prob"] / 256) ** 0.5)
        assert Plasticity(**made["stdp_kwargs"]) if "stdp_kwargs" in made else True


def test_every_translation_says_what_quantisation_does():
    bp = BrunelParams()
    for name, translation in ALL.items():
        for row in translation(bp)["quantisation"]:
            assert list(row) == ["parameter", "asked", "realised", "relative_error"] and abs(row["relative_error"]) < 0.3, (name, row)
            assert row["relative_error"] == pytest.approx((row["realised"] - row["asked"]) / row["asked"] if row["asked"] else row["realised"])
    errors = {name: {row["parameter"]: row["relative_error"] for row in ALL[name](bp)["quantisation"]} for name in ALL}
    assert errors["translate_v3_fixed_point"]["tau_mem"] == pytest.approx(0.28)  # 25.6 ms for 20 ms
    assert errors["translate_v11_q16"]["tau_mem"] == pytest.approx(0.024)
    assert errors["translate_v1_stochastic_lif"]["tau_mem"] == 0
    assert abs(errors["translate_v2_rate_matched"]["weight_prob"]) < 2**-17 / 0.005
    fine = {row["parameter"]: row["relative_error"] for row in translate_v21_custom(bp)["quantisation"]}
    assert 0 < fine["tau_mem"] < 0.01 and fine["leak_dead_zone"] == 0


def test_fixed_point_translations_are_the_integers_of_the_frozen_network():
    bp = preset("ai")
    network, made = translate(bp, ms=1), translate_v3_fixed_point(bp)
    lif = network.lif
    assert (made["v_threshold_q"], made["v_reset_q"], made["v_rest_q"], made["leak_k"], made["refractory_period"]) == \
        (lif.threshold, lif.reset, lif.rest, lif.leak, lif.refractory)
    assert (made["j_exc_q"], -made["j_inh_q"]) == (network.weights[0], network.weights[-1])
    reported = {row["parameter"]: row for row in quantisation(network)}
    assert all(row == reported[row["parameter"]] for row in made["quantisation"])


@pytest.mark.parametrize("name, changes, message", [
    ("translate_v3_fixed_point", dict(v_threshold=200.0), "v_threshold = 200.0 mV is outside q8.8"),
    ("translate_v3_fixed_point", dict(weight_exc=0.001), "rounds to 0 in q8.8"),
    ("translate_v11_q16", dict(tau_mem=1e6), "Leak dt/tau = 1e-07 rounds to 0"),
    ("translate_v4_hybrid", dict(weight_exc=0.01), "w_prob = 0.01 mV / 20 mV = 0.0005 must be in 0.001..0.999"),
    ("translate_v14_sobol", dict(g_inh=250.0), "w_prob_inh = 25 mV / 20 mV = 1.25 must be in 0.001..0.999"),
    ("translate_v2_rate_matched", dict(weight_exc=30.0), "weight_prob = 1.5 must be in 0..1"),
    ("translate_v15_jax", dict(eta=200.0), "ext_prob = 2.5 must be in 0..1"),
    ("translate_v5_izhikevich", dict(v_rest=20.0), "v_threshold must be above v_rest = 20.0 mV")])
def test_what_a_variant_cannot_hold_is_refused_and_not_clipped(name, changes, message):
    with pytest.raises(InputError, match=message):
        ALL[name](BrunelParams(**changes))


@pytest.mark.parametrize("format, changes, advice", [
    (Q8_8, dict(v_threshold=200.0), "use a wider format, such as q16.12"),
    (Q8_8, dict(weight_exc=0.001, eta=0.1), "use more fraction bits, such as q16.12"),
    (Q8_8, dict(tau_mem=1e5, eta=1000.0), "use more fraction bits, such as q10.22"),
    (Q16_12, dict(v_threshold=6e5), "use another format, such as q21.11"),
    (Q16_12, dict(v_reset=-6e6), "use another format, such as q24.8"),
    (Q16_12, dict(weight_exc=1e-4, eta=0.1), "use more fraction bits, such as q10.22"),
    (Q8_8, dict(v_threshold=6e5), "use a wider format, such as q21.11"),
    (QFormat(32, 22), dict(v_threshold=600.0), "use another format, such as q16.12"),
    (Q8_8, dict(v_threshold=6e5, weight_exc=1e-4), "no format of 32 bits holds all"),
    (Q8_8, dict(v_threshold=1e9, tau_mem=1e9), "no format of 32 bits")])
def test_a_format_that_is_advised_does_hold(format, changes, advice):
    bp = BrunelParams(**changes)
    with pytest.raises(InputError) as caught:
        raw_parameters(bp, format)
    assert all(advice in line for line in str(caught.value).splitlines())
    if found := re.search(r"such as (q[0-9.]+)$", str(caught.value), re.MULTILINE):
        other = QFormat.parse(found[1])
        assert other != format and raw_parameters(bp, other)["v_threshold"] == int(Fraction(str(bp.v_threshold)) * other.one)


@pytest.mark.parametrize("name", ALL)
def test_no_translation_takes_parameters_that_make_no_network(name):
    assert list(inspect.signature(ALL[name]).parameters) == ["bp"]
    with pytest.raises(InputError, match="tau_mem must be above 0 ms, not -1"):
        ALL[name](BrunelParams(tau_mem=-1))


def test_external_probability_is_exact():
    assert BrunelParams().external_probability == Fraction(1, 40)


def test_the_table_of_a_network_has_what_was_asked_and_what_was_realised_in_its_units():
    """Known values in every row, none of them a default: times in ms, voltages in mV, events in one step."""
    bp = BrunelParams(n_exc=80, n_inh=20, tau_mem=25.0, v_threshold=20.003, v_reset=10.5, v_rest=1.25, weight_exc=0.3, g_inh=5.0, eta=2.0, delay=1.5,
                      refractory=2.5, dt=0.5)
    rows = {row["parameter"]: (row["asked"], row["realised"]) for row in quantisation(translate(bp, Q8_8, ms=5.0))}
    events = 2.0 * 20.003 * 0.5 / (0.3 * 25.0)  # eta * threshold / (J * tau), times dt
    expected = {"v_threshold": (20.003, 5120 / 256), "v_reset": (10.5, 10.5), "v_rest": (1.25, 1.25), "weight_exc": (0.3, 76 / 256),
                "weight_inh": (1.5, 384 / 256), "leak dt/tau": (0.02, 5 / 256), "tau_mem": (25.0, 0.5 * 256 / 5), "delay": (1.5, 1.5),
                "refractory": (2.5, 2.5), "leak_dead_zone": (0.0, 127 // 5 / 256), "drive weight": (0.3, 76 / 256),
                "drive events/step": (events, events)}
    assert rows.keys() == expected.keys()
    for name, pair in expected.items():
        assert rows[name] == pytest.approx(pair, rel=1e-6), name
