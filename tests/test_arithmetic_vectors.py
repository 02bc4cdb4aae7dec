"""The vectors of docs/arithmetic.md are those of the models."""

import re
from fractions import Fraction

from pages import ARITHMETIC, vectors

from spikegate.models.neuron.adaptive_lif import AdaptiveLifParams
from spikegate.models.neuron.lif import LifParams, lif_step
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams import faults
from spikegate.models.streams.dot_product import scale_count
from spikegate.models.streams.synapse import weight_probability
from spikegate.translator.brunel import preset


def test_register_vectors():
    for vector in vectors("leap") + vectors("positions"):
        states = [int(word, 16) for word in vector["states"]]
        assert LfsrParams(vector["width"], tuple(vector["taps"]), vector.get("leap", 1)).run(states[0], len(states)) == states


def test_phase_vector():
    vector, = vectors("phases")
    params = LfsrParams()
    assert params.period // vector["streams"] == vector["stride"]
    first = params.phases(int(vector["seed"], 16), vector["streams"], vector["steps"])[:len(vector["first"])]
    assert [f"{state:016x}" for state in first] == vector["first"]


def test_drive_vectors():
    table, = vectors("table")
    limits = binomial_limits(table["trials"], Fraction(table["probability"]))
    assert limits.tolist() == table["limits"]
    bp = preset("ai")
    assert (bp.c_exc, bp.external_probability) == (table["trials"], Fraction(table["probability"]))
    events, = vectors("events")
    drive = DriveParams(limits, 0)
    assert [drive.step(uniform) for uniform in events["uniform"]] == events["events"]
    stream = [int(word, 16) % 2**32 for word in vectors("leap")[0]["states"]]
    assert events["uniform"][:len(stream)] == stream


def test_neuron_vectors():
    vector, = vectors("neuron")
    assert len(vector["cases"]) >= 16
    for rounding, overflow, v, hold, current, random, *expected in vector["cases"]:
        params = LifParams(QFormat(16, 8), 5120, 2560, 0, 1, refractory=20, rounding=Rounding[rounding.upper()], overflow=Overflow[overflow.upper()])
        assert list(lif_step(v, hold, current, 0, random, params.constants())) == expected


def test_adaptive_neuron_vectors():
    vector, = vectors("adaptive")
    assert len(vector["cases"]) >= 16
    for decay, jump, theta, v, hold, current, *expected in vector["cases"]:
        params = AdaptiveLifParams(LifParams(QFormat(16, 8), 5120, 2560, refractory=20), decay, jump)
        assert list(params.step(theta, v, hold, current)) == expected


def test_fault_vectors():
    vector, = vectors("faulty")
    assert len(vector["cases"]) >= 8
    for x, stuck0, stuck1, flips, expected in vector["cases"]:
        assert faults.apply.py_func(x, stuck0, stuck1, flips) == expected


def test_worked_example_is_the_pair():
    vector, = vectors("pair")
    lines = re.findall(r"^\| \d+ \|.*`.*$", ARITHMETIC.read_text(), re.MULTILINE)
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    assert len(rows) == 8
    for t, (step, state, uniform, e, delivered, current, _, p, d, x, spike, v, hold) in enumerate(rows):
        assert (int(step), int(state, 16) % 2**32) == (t, int(uniform)) and int(current) == int(delivered) + 400 * int(e)
        assert [int(e), int(v), int(hold)] == [vector[name][0][t] for name in ("events", "v", "hold")]
        assert int(spike) == ([t, 0] in vector["spikes"])
        if p != "–":
            before = vector["v"][0][t - 1] if t else 4700
            assert (int(p), int(d), int(x)) == (-3 * before, (int(p) + 128) >> 8, before + int(d) + int(current))


def test_stream_vectors():
    for weight, threshold, p in vectors("weights")[0]["cases"]:
        assert weight_probability(weight, threshold) == p
    for total, threshold, log2_length, step in vectors("scaling")[0]["cases"]:
        assert scale_count(total, threshold, log2_length) == step
