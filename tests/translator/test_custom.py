"""V21: the fine leak constant in model and RTL, bit for bit, and what it is for: the time constant that was asked for."""

import dataclasses

import numpy as np
import pytest

from spikegate.cosim.engines import rtl
from spikegate.models.core import engine
from spikegate.models.errors import InputError
from spikegate.models.network import file
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.neuron.single import FixedPointLIFNeuron
from spikegate.models.numeric.fixed import Q8_8, Rounding
from spikegate.translator.brunel import preset, translate, translate_v3_fixed_point
from spikegate.translator.custom import translate_v21_custom, with_fine_leak
from spikegate.translator.variants import find

#: Few compile quickly.
LANES = 10


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai"), name="ai", ms=100)


def test_rtl_equals_the_golden_model_on_the_whole_network(network):
    golden = find("v21").run(network, trace=True)
    found = rtl.run(with_fine_leak(network), LANES, trace=True)
    assert len(golden.spikes) > 2500 and np.array_equal(found.spikes, golden.spikes)
    assert all(np.array_equal(found.trace[name], golden.trace[name]) for name in ("v", "hold", "overflow", "events"))
    assert found.cycles == engine.predict_cycles(network, golden, LANES)


def test_a_leak_one_step_of_its_finest_bit_off_is_seen(network):
    fine = with_fine_leak(network.replace(steps=500))
    wrong = fine.replace(lif=dataclasses.replace(fine.lif, leak=fine.lif.leak + 1))
    assert not np.array_equal(rtl.run(fine, LANES, trace=True).trace["v"], engine.run(wrong, trace=True).trace["v"])


def test_recorded_events_stay_with_another_leak(network):
    events = np.arange(20 * 1000, dtype=np.uint8).reshape(20, 1000) % 3
    fine = with_fine_leak(network.replace(steps=20, external=events))
    assert np.array_equal(fine.external, events) and (fine.steps, fine.lif.leak_fraction, fine.lif.rounding) == (20, 16, Rounding.STOCHASTIC)


@pytest.mark.parametrize(("n_inh", "g_inh"), [(0, 4.0), (0, 5.0), (200, 5.0)])
def test_the_inhibitory_weight_comes_from_the_parameters_whether_or_not_there_are_inhibitory_neurons(n_inh, g_inh):
    """With none, the last weight of the network is an excitatory one, 0.5 mV."""
    bp = preset("ai", n_inh=n_inh, g_inh=g_inh)
    made = translate_v21_custom(bp)
    assert (made["j_exc_q"], made["j_inh_q"]) == (128, 128 * g_inh) == tuple(translate_v3_fixed_point(bp)[name] for name in ("j_exc_q", "j_inh_q"))
    weights = {row["parameter"]: row["realised"] for row in made["quantisation"] if row["parameter"].startswith("weight")}
    assert weights == {"weight_exc": 0.5, **({"weight_inh": 0.5 * g_inh} if n_inh else {})}


def decay(made, rounding):
    """Mean of 2000 free membranes from 19 mV after 20 ms, in mV."""
    rng, values = np.random.default_rng(5), []
    kwargs = dict(v_threshold=made["v_threshold_q"], rounding=rounding, leak_fraction=made["leak_fraction"])
    for _ in range(2000):
        neuron = FixedPointLIFNeuron(made["data_width"], made["fraction"], **kwargs)
        neuron.v = 19 << 8
        for u in rng.integers(0, 1 << made["leak_fraction"], 200).tolist():
            neuron.step(made["leak_k"], made["gain_k"], 0, random=u)
        values.append(neuron.v / 256)
    return np.mean(values), np.std(values) / len(values) ** 0.5


def test_the_membrane_decays_with_the_time_constant_that_was_asked_for():
    made = translate_v21_custom(preset("ai"))
    exact, asked = 19 * (1 - 327 / 65536) ** 200, 19 * (1 - 1 / 200) ** 200
    mean, error = decay(made, Rounding.STOCHASTIC)
    assert abs(mean - exact) < 5 * error < 0.02 and abs(exact - asked) < 0.02
    coarse, _ = decay({**made, "leak_fraction": 8, "leak_k": 1}, Rounding.STOCHASTIC)  # V3's constant: 25.6 ms
    assert abs(coarse - exact) > 1.0


def test_a_frozen_file_keeps_the_fine_leak(network, tmp_path):
    fine = with_fine_leak(network)
    fine.save(tmp_path / "fine")
    assert Network.load(tmp_path / "fine").lif == fine.lif and fine.lif.leak_fraction == 16 and fine.hash != network.hash
    assert b"leak_fraction" not in file.content(network)  # files of networks without it are as they were


@pytest.mark.parametrize("bits", [7, 29])
def test_a_leak_fraction_that_cannot_be_is_refused(bits):
    with pytest.raises(InputError, match=f"leak_fraction must be in 8..28 bits for q8.8, not {bits}"):
        LifParams(Q8_8, 5120, 2560, leak_fraction=bits)
