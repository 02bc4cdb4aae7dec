"""Brunel's parameters: each limit from both sides, with its whole message; what follows from them, by hand; and how a network is drawn from them."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding
from spikegate.translator.params import PRESETS, BrunelParams, asked_for, check, preset, whole_multiple
from spikegate.translator.raw import fine_leak, raw_parameters

NAMES = ("n_exc, n_inh, conn_prob, weight_exc, g_inh, v_threshold, v_reset, v_rest, tau_mem, dt, eta, delay, refractory, v_spread, seed")


def said(call, *args, **options):
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    return str(caught.value)


def test_defaults_and_presets_are_the_published_ones():
    tutorial = dict(n_exc=800, n_inh=200, conn_prob=0.1, weight_exc=0.1, g_inh=5.0, v_threshold=20.0, v_reset=10.0, v_rest=0.0, tau_mem=20.0, dt=0.1,
                    eta=2.0, delay=0.1, refractory=0.0, v_spread=False, seed=1)
    assert dataclasses.asdict(BrunelParams()) == tutorial == dataclasses.asdict(preset("tutorial")) and list(tutorial) == NAMES.split(", ")
    changed = {"tutorial": {}, "ai": dict(weight_exc=0.5, g_inh=8.0, delay=1.5, refractory=2.0, v_spread=True),
               "brunel2000": dict(n_exc=10_000, n_inh=2_500, delay=1.5, refractory=2.0, v_spread=True)}
    assert changed == PRESETS
    for name, changes in changed.items():
        assert dataclasses.asdict(preset(name)) == {**tutorial, **changes}
    assert dataclasses.asdict(preset("ai", eta=3.0)) == {**tutorial, **changed["ai"], "eta": 3.0}


def test_what_follows_by_hand():
    bp = BrunelParams(n_exc=90, n_inh=30, conn_prob=0.15, weight_exc=0.58, g_inh=12.5, v_threshold=18.0, tau_mem=25.0, dt=0.5, eta=1.5)
    # 13.5 rounds to 14, to even; 4.5 to 4.
    assert (bp.n_total, bp.c_exc, bp.c_inh, bp.weight_inh) == (120, 14, 4, 7.25)
    assert bp.external_probability == Fraction(27) * Fraction(1, 2) / (Fraction(58, 100) * 14 * 25)
    assert bp.external_rate_hz == pytest.approx(1.5 * 18 / (0.58 * 14 * 25) * 1000, rel=1e-12)


def test_numpys_numbers_become_pythons_by_their_decimals():
    bp = BrunelParams(n_exc=np.int64(5), eta=np.float32(0.1), tau_mem=np.float64(20), v_spread=np.True_)
    assert [(type(value), value) for value in (bp.n_exc, bp.eta, bp.tau_mem, bp.v_spread)] == [(int, 5), (float, 0.1), (float, 20.0), (bool, True)]


@pytest.mark.parametrize("time, unit, steps", [
    (0.3, 0.1, 3), (0.1 * 3, 0.1, 3), (0.35, 0.1, None), (0, 0.1, 0), (-0.2, 0.1, -2), (1e-9, 1, 0), (2e-9, 1, None), (3.000000003, 1, 3),
    (3.000000004, 1, None), (2.999999998, 1, 3), (2.999999996, 1, None)])
def test_a_time_is_a_whole_number_of_steps_within_a_billionth(time, unit, steps):
    assert whole_multiple(time, unit) == steps


@pytest.mark.parametrize("changes", [
    dict(n_exc=2, n_inh=0, conn_prob=0.5), dict(n_exc=100_000, n_inh=0, conn_prob=0.01), dict(n_exc=20_000, n_inh=0, conn_prob=0.25),
    dict(conn_prob=0.00125), dict(n_exc=5, n_inh=0, conn_prob=0.8), dict(g_inh=0.0), dict(eta=0.0), dict(seed=0), dict(seed=2**63 - 1),
    dict(eta=1e9), dict(v_rest=-1e9), dict(v_rest=-1), dict(dt=1e-6, delay=1e-6), dict(tau_mem=1e-9), dict(n_inh=0, conn_prob=0.1)])
def test_the_ends_of_what_there_can_be(changes):
    check(BrunelParams(**changes))


@pytest.mark.parametrize("changes, message", [
    (dict(n_exc=-1), "N must be at least 1 neuron, not -1 + 200; raise n_exc or n_inh"),
    (dict(n_inh=-1), "N must be at least 1 neuron, not 800 + -1; raise n_exc or n_inh"),
    (dict(n_exc=0, n_inh=0), "N must be at least 1 neuron, not 0 + 0; raise n_exc or n_inh"),
    (dict(n_exc=100_000, n_inh=1), "N must be at most 100,000 neurons, not 100000 + 1; lower n_exc or n_inh"),
    (dict(conn_prob=1.5), "conn_prob must be in 0..1, not 1.5; it is a fraction"),
    (dict(conn_prob=-0.5), "conn_prob must be in 0..1, not -0.5; it is a fraction"),
    (dict(tau_mem=0.0), "tau_mem must be above 0 ms, not 0.0"), (dict(dt=0), "dt must be above 0 ms, not 0"),
    (dict(v_threshold=0.0), "v_threshold must be above 0 mV, not 0.0"), (dict(weight_exc=-1.0), "weight_exc must be above 0 mV, not -1.0"),
    (dict(g_inh=-0.5), "g_inh must not be negative, not -0.5; its sign is built in"),
    (dict(eta=-0.5), "eta must not be negative, not -0.5: it would make the external rate negative; use 0 for no drive"),
    (dict(seed=-1), "seed must be in 0..2^63-1, not -1"), (dict(seed=2**63), "seed must be in 0..2^63-1, not 9223372036854775808"),
    (dict(n_exc=20_001, n_inh=0, conn_prob=0.25), "Synapses must be at most 100,000,000, not 100,005,000; lower conn_prob, n_exc or n_inh"),
    (dict(n_exc=10_000, n_inh=10_000, conn_prob=0.6), "Synapses must be at most 100,000,000, not 240,000,000; lower conn_prob, n_exc or n_inh"),
    (dict(dt=1e-7, delay=1e-7), "dt must be a whole number of nanoseconds, not 1e-07 ms; round it to 6 decimals"),
    (dict(dt=1e-16, delay=1e-16), "dt must be a whole number of nanoseconds, not 1e-16 ms; round it to 6 decimals"),
    (dict(conn_prob=0.0), "C_E must be at least 1, not 0.0 * 800 = 0; raise n_exc or conn_prob"),
    (dict(n_exc=2, n_inh=0, conn_prob=1.0), "C_E = 2 must be below the population's 2, as no neuron projects to itself; lower conn_prob"),
    (dict(n_exc=10, n_inh=1, conn_prob=0.9), "C_I = 1 must be below the population's 1, as no neuron projects to itself; lower conn_prob"),
    (dict(delay=0.15), "delay must be a whole number of steps of 0.1 ms, not 0.15 ms; round it"),
    (dict(delay=0.0), "delay must be at least 0.1 ms, not 0.0 ms; one step is the shortest that a clocked core has"),
    (dict(refractory=0.25), "refractory must be a whole number of steps of 0.1 ms, not 0.25 ms; round it"),
    (dict(refractory=-0.1), "refractory must not be negative, not -0.1 ms"),
    (dict(n_exc=1.0), "n_exc must be a whole number, not 1.0"), (dict(n_exc=True), "n_exc must be a whole number, not True"),
    (dict(v_spread=1), "v_spread must be true or false, not 1"), (dict(eta=True), "eta must be a number in -1e+09..1e+09, not True"),
    (dict(eta=float("inf")), "eta must be a number in -1e+09..1e+09, not inf"), (dict(eta="1"), "eta must be a number in -1e+09..1e+09, not '1'"),
    (dict(v_rest=-1.1e9), "v_rest must be a number in -1e+09..1e+09, not -1100000000.0"),
    (dict(eta=float("nan"), seed=0.5), "eta must be a number in -1e+09..1e+09, not nan\nseed must be a whole number, not 0.5")])
def test_what_is_just_beyond_is_refused_in_full(changes, message):
    assert said(check, BrunelParams(**changes)) == message


def test_presets_and_parameters_of_other_names_are_refused():
    assert said(preset, "brain") == "Preset must be one of tutorial, ai, brunel2000, not 'brain'"
    assert said(preset, 3) == "Preset must be one of tutorial, ai, brunel2000, not 3"
    assert said(preset, "ai", v_treshold=3) == f"Parameter must be one of {NAMES}, not 'v_treshold'; did you mean v_threshold?"
    assert said(preset, "ai", zzz=3) == f"Parameter must be one of {NAMES}, not 'zzz'"
    assert said(check, 3) == "Parameters must be of type BrunelParams, not 3; make them with spikegate.BrunelParams or spikegate.preset"


@pytest.fixture(scope="module")
def network():
    from spikegate.translator.brunel import translate
    return translate(BrunelParams(n_exc=6, n_inh=4, conn_prob=0.5, v_rest=1.0, v_spread=True, seed=7, refractory=0.3, delay=0.2), name="x", ms=1.5)


def test_a_network_says_what_it_was_asked_for_or_why_it_does_not(network):
    assert asked_for(network) == BrunelParams(n_exc=6, n_inh=4, conn_prob=0.5, v_rest=1.0, v_spread=True, seed=7, refractory=0.3, delay=0.2)
    made = "make it with spikegate.translator.brunel.translate"
    assert said(asked_for, network.replace(source={})) == f"Network has no parameters in physical units (source is empty); {made}"
    other = {**{key: value for key, value in network.source.items() if key != "eta"}, "a": 1}
    assert said(asked_for, network.replace(source=other)) == f"Network's source must give the parameters of BrunelParams, not a, eta; {made}"
    assert said(asked_for, network.replace(source={**network.source, "dt": 0})) == "dt must be above 0 ms, not 0"


def test_a_network_is_drawn_source_by_source_then_membranes_then_the_drive(network):
    rng = np.random.default_rng(7)
    pairs = []
    for target in range(10):
        for population, count in ((range(6), 3), (range(6, 10), 2)):
            others = [neuron for neuron in population if neuron != target]
            pairs += [(others[k], target) for k in rng.choice(len(others), count, replace=False)]
    pairs.sort()
    assert network.indices.tolist() == [target for _, target in pairs]
    assert network.indptr.tolist() == [sum(source < first for source, _ in pairs) for first in range(11)]
    assert network.v0.tolist() == rng.integers(256, 5120, 10).tolist()
    assert network.seeds.tolist() == list(network.lfsr.phases(int(rng.integers(1, 2**63)), 10, 15))


def test_what_a_network_holds_of_its_parameters(network):
    from spikegate.translator.brunel import translate
    assert (network.name, network.n_exc, network.n_inh, network.delay, network.steps, network.dt_ns) == ("x", 6, 4, 2, 15, 100_000)
    lif = network.lif
    assert (lif.threshold, lif.reset, lif.rest, lif.leak, lif.refractory, lif.leak_fraction) == (5120, 2560, 256, 1, 3, 8)
    assert (lif.rounding, lif.overflow) == (Rounding.NEAREST, Overflow.SATURATE) and network.weights.tolist() == [25] * 6 + [-128] * 4
    assert network.drive.weight == 25 and network.drive.mean_events == pytest.approx(2.0, rel=1e-6)
    flat = translate(BrunelParams(n_exc=6, n_inh=4, conn_prob=0.5, v_rest=1.0), Q16_12, rounding=Rounding.FLOOR, overflow=Overflow.WRAP,
                     leak_fraction=20)
    assert flat.v0.tolist() == [4096] * 10 and (flat.name, flat.steps) == ("custom", 10_000)
    assert (flat.lif.rounding, flat.lif.overflow, flat.lif.leak, flat.lif.leak_fraction) == (Rounding.FLOOR, Overflow.WRAP, 5242, 20)
    low = translate(BrunelParams(n_exc=6, n_inh=4, conn_prob=0.5, v_rest=30.0, v_spread=True), ms=0.1)
    assert low.v0.tolist() == [7680] * 10 and low.steps == 1


@pytest.mark.parametrize("options, message", [
    (dict(ms=0.0), "Biological time must be a whole number of steps of 0.1 ms, at least one and at most 2147483647, not 0.0 ms"),
    (dict(ms=0.25), "Biological time must be a whole number of steps of 0.1 ms, at least one and at most 2147483647, not 0.25 ms"),
    (dict(ms=214748364.8), "Biological time must be a whole number of steps of 0.1 ms, at least one and at most 2147483647, not 214748364.8 ms"),
    (dict(leak_fraction=7), "leak_fraction must be in 8..28 bits for q8.8, not 7"),
    (dict(leak_fraction=29), "leak_fraction must be in 8..28 bits for q8.8, not 29"),
    (dict(leak_fraction=8.5), "leak_fraction must be a whole number, not 8.5"), (dict(ms="1"), "ms must be a finite number, not '1'"),
    (dict(format="q8.8"), "Format must be of type QFormat, not 'q8.8'; make it with QFormat.parse")])
def test_what_makes_no_network_is_refused_in_full(options, message):
    from spikegate.translator.brunel import translate
    assert said(translate, BrunelParams(n_exc=6, n_inh=4, conn_prob=0.5), **options) == message


def test_raw_integers_are_truncated_towards_zero_and_every_one_is_there():
    bp = BrunelParams(v_threshold=20.003, v_reset=-10.501, v_rest=1.25, weight_exc=0.3, g_inh=5.0, tau_mem=10.1, dt=0.5, delay=0.5)
    expected = {"v_threshold": 5120, "v_reset": -2688, "v_rest": 320, "weight_exc": 76, "weight_inh": 384, "leak": 12}
    assert raw_parameters(bp, Q8_8) == expected == raw_parameters(bp, Q8_8, 8) and raw_parameters(bp, Q8_8, 16) == {**expected, "leak": 3244}
    for edge, raw in ((127.99609375, 32767), (-128.0, -32768)):
        assert raw_parameters(BrunelParams(v_reset=edge), Q8_8)["v_reset"] == raw
    assert raw_parameters(BrunelParams(weight_exc=1 / 256, g_inh=0.0), Q8_8)["weight_inh"] == 0
    assert raw_parameters(BrunelParams(tau_mem=25.6), Q8_8)["leak"] == 1


@pytest.mark.parametrize("changes, leak_fraction, message", [
    (dict(v_threshold=128.0), None, "v_threshold = 128.0 mV is outside q8.8, which holds -128..127.996 mV; use a wider format, such as q16.12"),
    (dict(weight_exc=0.001, g_inh=0), None, "weight_exc = 0.001 mV rounds to 0 in q8.8, whose step is 0.00390625 mV; use more fraction bits, "
     "such as q16.12"),
    (dict(weight_exc=0.01, g_inh=0.1), None, "weight_inh = 0.001 mV rounds to 0 in q8.8, whose step is 0.00390625 mV; use more fraction bits, "
     "such as q16.12"),
    (dict(tau_mem=26.0, weight_exc=1.0), None, "Leak dt/tau = 0.003846 rounds to 0 in q8.8, whose step is 0.003906; use more fraction bits, such as "
     "q16.12"),
    (dict(tau_mem=1e5), 10, "Leak dt/tau = 1e-06 rounds to 0 in q8.8, whose step is 0.0009766; use more fraction bits, such as q10.22"),
    (dict(v_threshold=6e5, weight_exc=1e-4), None, "\n".join(
        f"{words}; no format of 32 bits holds all: bring voltages and weights nearer together, or raise dt/tau" for words in (
            "v_threshold = 600000.0 mV is outside q8.8, which holds -128..127.996 mV",
            "weight_exc = 0.0001 mV rounds to 0 in q8.8, whose step is 0.00390625 mV",
            "weight_inh = 0.0005 mV rounds to 0 in q8.8, whose step is 0.00390625 mV")))])
def test_what_a_format_does_not_hold_is_told_with_the_format_that_does(changes, leak_fraction, message):
    assert said(raw_parameters, BrunelParams(**changes), Q8_8, leak_fraction) == message


def test_formats_of_the_same_width_are_other_and_not_wider():
    assert said(raw_parameters, BrunelParams(v_threshold=600.0), QFormat(32, 22)).endswith("; use another format, such as q16.12")
    assert said(raw_parameters, BrunelParams(), "q8.8") == "Format must be of type QFormat, not 'q8.8'; make it with QFormat.parse"


def test_a_fine_leak_has_the_fewest_bits_that_make_tau_right_within_a_hundredth():
    for bp in (BrunelParams(), BrunelParams(tau_mem=25.6), BrunelParams(tau_mem=3000.0)):
        bits, exact = fine_leak(bp, Q8_8), bp.dt / bp.tau_mem
        off = [abs(exact / (int(exact * 2**n) / 2**n) - 1) if int(exact * 2**n) else 1 for n in range(8, bits + 1)]
        assert off[-1] <= 0.01 < min([*off[:-1], 1]), (bits, off)
    assert [fine_leak(BrunelParams(), q) for q in (Q8_8, QFormat(32, 20))] == [15, 20] and fine_leak(BrunelParams(tau_mem=25.6), Q8_8) == 8
    tiny = "Leak dt/tau = 1e-09 is too small for any leak constant; use a longer dt or a shorter tau_mem"
    assert said(fine_leak, BrunelParams(tau_mem=1e8), Q8_8) == tiny
    assert said(fine_leak, BrunelParams(dt=-1.0), Q8_8) == "dt must be above 0 ms, not -1.0"
