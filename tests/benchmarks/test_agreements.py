"""What each variant must agree with, as the comparison of all of them checks it: each check accepts its variant and rejects a wrong one."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest

from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.isolation.worker import Result
from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine as streams
from spikegate.models.core.engine import external_events
from spikegate.models.errors import Mismatch
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Rounding
from spikegate.models.numeric.sobol import SobolParams
from spikegate.translator import homeostatic, izhikevich, memristive, probability, reservoir, stdp, voltage
from spikegate.translator.brunel import BrunelParams, translate
from spikegate.translator.custom import with_fine_leak
from spikegate.translator.hybrid import hybrid as stochastic
from spikegate.translator.stdp import Plasticity
from spikegate.translator.variants import VARIANTS, find, in_format
from spikegate.translator.voltage_neuron import Rule

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def agreements():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("agreements")


@pytest.fixture(scope="module")
def network():
    made = translate(BrunelParams(n_exc=160, n_inh=40, weight_exc=1.0, g_inh=6.0, delay=1.5, refractory=2.0, v_spread=True), ms=50.0)
    return made.replace(external=external_events(made))


@pytest.fixture(scope="module")
def runs(agreements, network):
    """Engines in this process, for speed, witnesses once; in the place of the RTL its golden model."""
    class Here(agreements.Runs):
        def result(self, work, network=None, **options):
            network = network or self.network
            if work.__module__.startswith("spikegate.cosim."):
                return Result((streams if network.streams else core).run(network), 0.0, 0.0)
            key = work.__qualname__, network.hash, repr(options)
            if key not in self._done or work.__module__ == "witnesses":
                recording = work(network, **options)
                recording.provenance.setdefault("network", network.hash)
                self._done[key] = Result(recording, 0.0, 0.0)
            return self._done[key]

        def variant(self, name, network=None, **options):
            return Result(find(name).run(network or self.network, **options), 0.0, 0.0)

    return Here(network)


def rounded_down(network):
    return network.replace(lif=dataclasses.replace(network.lif, rounding=Rounding.FLOOR))


def fixed(network, **options):
    """V3, V11 or V21 with a leak that is rounded down, under the name of the right network."""
    def engine(other, **more):
        made = core.run(rounded_down(network(other)), **more)
        return dataclasses.replace(made, provenance={"network": network(other).hash})
    return engine


def hybrid(name):
    def engine(other, **more):
        right = stochastic(other, name)
        made = streams.run(rounded_down(right), **more)
        return dataclasses.replace(made, provenance={"network": right.hash})
    return engine


def shared(network, **options):
    """V2 whose inputs all have one stream."""
    class Shared(probability.VectorizedSCLayer):
        def input_streams(self, p):
            return np.repeat(super().input_streams(np.full(self.n_in, float(p.mean())))[:1], self.n_in, axis=0)
    return probability.run(network, Shared, **options)


class OneDimension(reservoir.SCRecurrentLayer):
    def __init__(self, network, **options):
        super().__init__(network, **{**options, "dimensions": (0, 0)})


def one_dimension(network, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reservoir, "SCRecurrentLayer", OneDimension)  # an AND gate of such streams makes the minimum
        return reservoir.run(network, **options)


def other_rule(network, rule=None, **options):
    return stdp.run(network, rule=rule or Plasticity(a_plus=0.02), **options)


def to_format(q):
    return lambda network: in_format(network, q)


#: In the place of engines whose packages take seconds to load; the long test has those.
STANDS_IN = {"v15": "v2", "v19": "v20"}
#: A wrong engine in the place of each variant.
CONTROLS = {
    "v1": lambda n, **o: voltage.run(n, rule=Rule(refractory=19), **o), "v2": shared, "v3": fixed(to_format(Q8_8)), "v4": hybrid("v4"),
    "v5": lambda n, **o: izhikevich.run(n, exc=(0.02, 0.2, -65.0, 8.01), **o), "v6": lambda n, **o: homeostatic.run(n, **{"eta": 0.51, **o}),
    "v7": lambda n, **o: voltage.run(n, rule=Rule(noise_std=1.3), **o), "v8": lambda n, **o: voltage.run(n, rule=Rule(refractory=6), **o),
    "v9": lambda n, **o: voltage.run(n, **o), "v10": lambda n, **o: voltage.run(n, **o), "v12": other_rule, "v13": hybrid("v13"),
    "v14": hybrid("v14"), "v15": lambda n, **o: probability.run(n, sources=16, seed=5, **o), "v16": one_dimension,
    "v17": lambda n, **o: memristive.run(n, **{"stuck_rate": 0.05, "sources": 16, **o}),
    "v18": lambda n, **o: voltage.run(n, rule=Rule(refractory=19), **o), "v19": lambda n, **o: voltage.run(n, rule=Rule(late=True), **o),
    "v20": lambda n, **o: voltage.run(n, rule=Rule(exact=True), **o),
    "v11": fixed(to_format(Q16_12)), "v21": fixed(with_fine_leak)}


def test_every_variant_has_a_line_in_the_table(agreements):
    assert set(agreements.AGREEMENTS) == set(VARIANTS) == {find(name).name for name in CONTROLS}


@pytest.mark.parametrize("name", CONTROLS)
def test_an_agreement_accepts_its_variant_and_rejects_a_wrong_one(name, runs, agreements, monkeypatch):
    v = find(name)
    right = agreements.agreement(v.name, runs, find(STANDS_IN.get(name, name)).run(runs.network))
    print([(check.name, check.compared, check.detail) for check in right])
    assert right and all(check.ok and check.compared >= 100 for check in right)
    monkeypatch.setitem(VARIANTS, v.name, dataclasses.replace(v, run=CONTROLS[name]))
    wrong = agreements.agreement(v.name, runs, CONTROLS[name](runs.network))
    print([(check.name, check.mismatches, check.detail) for check in wrong if not check.ok])
    assert not all(check.ok for check in wrong)


def test_the_reservoirs_error_in_front_of_tanh_is_above_its_limit_with_one_dimension(runs, agreements, monkeypatch):
    monkeypatch.setattr(importlib.import_module("witnesses"), "SCRecurrentLayer", OneDimension)
    monkeypatch.setattr(SobolParams, "points", lambda self, at, points=SobolParams.points: points(type(self)(0), at))
    states = one_dimension(runs.network, trace=True).trace["state"]
    again = agreements.reservoir_witness(runs.network, states, np.arange(300, 320))
    assert np.array_equal(again.trace["state"], states[300:320]) and again.provenance["rmse"] > again.provenance["limit"]


def test_a_variant_without_a_line_is_judged_by_what_it_says(agreements, runs):
    said = lambda **provenance: agreements.agreement("v99", runs, Recording("any", 5, 5, [], provenance=provenance))  # noqa: E731
    assert [said(compared=3, ok=ok)[0].ok for ok in (True, False)] == [True, False] and said(compared=0, ok=True)[0].ok is False
    for lacking in ({}, {"compared": 3}, {"ok": True}):
        with pytest.raises(Mismatch, match="no agreement is defined"):
            said(**lacking)


@pytest.mark.parametrize("name", ["v3_fixed_point", "v11_q16", "v21_custom", "v4_hybrid", "v13_dot_product", "v14_sobol"])
def test_the_rtl_that_a_variant_agrees_with_is_the_rtl(agreements, network, name):
    """Not the golden model."""
    asked = []

    class Stop(Exception):
        """Before anything runs."""

    class Asked(agreements.Runs):
        def result(self, target, network=None, **options):
            asked.append((target, options))
            raise Stop

    with pytest.raises(Stop):
        agreements.agreement(name, Asked(network), None)
    (target, options), = asked
    assert (target.__self__, target.__func__, options) == (Rtl(40), Rtl.run, {})
