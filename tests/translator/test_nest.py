"""NEST as an engine: what its kernel is given, in its units, by a stand-in that writes it down, and what is made of what it gives back."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from spikegate.models.errors import InputError, ToolMissing
from spikegate.translator import nest as engine
from spikegate.translator.brunel import preset, translate

NETWORK = translate(preset("ai", n_exc=8, n_inh=2, conn_prob=0.5, weight_exc=0.3, g_inh=7.0, v_threshold=19.0, v_reset=9.0, v_rest=-1.0, tau_mem=18.0,
                           dt=0.2, eta=1.5, delay=1.4, refractory=2.6, seed=2**32 + 4), name="small", ms=8.0)
#: Numbers of NEST's nodes begin here.
FIRST = 7


@pytest.fixture
def kernel(monkeypatch):
    """A module in the place of NEST, and what it was asked, in order."""
    asked, nest = [], ModuleType("nest")

    class Nodes(list):
        def get(self, name):
            return {"events": {"times": [0.2, 1.6000001, 7.9999999], "senders": [FIRST, FIRST + 9, FIRST + 1]}, "V_m": list(range(10))}[name]

    def create(model, n=1, params=None):
        asked.append((model, n, params))
        return Nodes(SimpleNamespace(global_id=FIRST + k) for k in range(n))

    nest.VerbosityLevel = SimpleNamespace(ERROR="only errors")
    nest.ResetKernel = lambda: asked.append("reset")
    nest.set = lambda **options: asked.append(options)
    nest.Create = create
    nest.Connect = lambda *args, **options: asked.append(("connect", *args, options))
    nest.Prepare = lambda: asked.append("prepare")
    nest.Run = lambda ms: asked.append(("run", ms))
    nest.Cleanup = lambda: asked.append("cleanup")
    nest.__version__ = "3.x"
    monkeypatch.setitem(sys.modules, "nest", nest)
    clock, cpu = iter((1.0, 3.5, 7.5)), iter((2.0, 8.0))
    monkeypatch.setattr(engine, "time", SimpleNamespace(perf_counter=lambda: next(clock), process_time=lambda: next(cpu)))
    return SimpleNamespace(asked=asked, nest=nest)


def test_every_parameter_reaches_the_kernel_in_its_unit(kernel):
    engine.run_nest(NETWORK, threads=2)
    reset, settings, neurons, recorder, recorded, drive, driven, wires, *rest = kernel.asked
    assert reset == "reset" and settings == dict(resolution=pytest.approx(0.2), local_num_threads=2, rng_seed=6, print_time=False)
    model, n, params = neurons
    assert (model, n) == ("iaf_psc_delta", 10) and params.pop("V_m").tolist() == (NETWORK.v0 / 256).tolist()
    assert params == dict(tau_m=18.0, E_L=-1.0, V_th=19.0, V_reset=9.0, I_e=0.0, t_ref=pytest.approx(2.6))
    assert recorder == ("spike_recorder", 1, None) and recorded[0] == "connect" and [len(nodes) for nodes in recorded[1:3]] == [10, 1]
    # Each of C_E = 4 inputs has eta V_th / (J C_E tau), in Hz.
    assert drive == ("poisson_generator", 1, {"rate": pytest.approx(1.5 * 19.0 / (0.3 * 18.0) * 1000)})
    assert driven[3] == {"syn_spec": {"weight": 0.3, "delay": pytest.approx(0.2)}} and [len(nodes) for nodes in driven[1:3]] == [1, 10]
    _, sources, targets, kind, options = wires
    pairs = [(source, target) for source in range(10) for target in NETWORK.indices[NETWORK.indptr[source]:NETWORK.indptr[source + 1]].tolist()]
    assert list(zip((sources - FIRST).tolist(), (targets - FIRST).tolist())) == pairs and kind == "one_to_one" and len(pairs) == 50
    assert options["syn_spec"]["weight"] == pytest.approx([0.3 if source < 8 else -2.1 for source, _ in pairs])
    assert options["syn_spec"]["delay"] == pytest.approx([1.4] * 50)
    assert rest == ["prepare", ("run", pytest.approx(8.0)), "cleanup"] and kernel.nest.verbosity == "only errors"


def test_a_spike_is_stamped_with_the_end_of_its_step_and_times_are_those_of_each_part(kernel):
    found = engine.run_nest(NETWORK)
    assert found.spikes.tolist() == [[0, 0], [7, 9], [39, 1]] and (found.engine, found.n, found.steps) == ("nest", 10, 40)
    assert found.final["v"].tolist() == list(range(10))
    assert found.provenance == {"network": NETWORK.hash, "nest": "3.x", "threads": 1, "build_s": 2.5, "run_s": 4.0, "cpu_s": 6.0}


def test_without_a_drive_or_synapses_none_are_made(kernel):
    quiet = NETWORK.replace(source={**NETWORK.source, "eta": 0.0}, indptr=np.zeros(11, int), indices=[])
    engine.run_nest(quiet)
    assert [what[0] for what in kernel.asked if isinstance(what, tuple)] == ["iaf_psc_delta", "spike_recorder", "connect", "run"]


def test_what_it_needs_is_said(kernel, monkeypatch):
    with pytest.raises(InputError, match="^Threads must be at least 1, not 0$"):
        engine.run_nest(NETWORK, 0)
    with pytest.raises(InputError, match="source is empty"):
        engine.run_nest(NETWORK.replace(source={}))
    monkeypatch.setitem(sys.modules, "nest", None)
    with pytest.raises(ToolMissing, match=r"^NEST cannot be imported \(.*\); install it with: .*nest-simulator|\[bench\]"):
        engine.run_nest(NETWORK)
    assert kernel.asked == []


def test_threads_that_wait_do_not_spin_unless_somebody_wants_that(kernel, monkeypatch):
    for name, ours in (("OMP_WAIT_POLICY", "passive"), ("PYNEST_QUIET", "1")):
        monkeypatch.delenv(name, raising=False)
        engine._nest()
        assert engine.os.environ[name] == ours
        monkeypatch.setenv(name, "mine")
        engine._nest()
        assert engine.os.environ[name] == "mine"
