"""Brian2's engines without Brian2's code: what each is given, when code is compiled, and what their parts make of what Brian2 says."""

import dataclasses
import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement
from spikegate.translator import brian_engines, brian_parts, point_brian
from spikegate.translator.brian_engines import Brian2Float, Brian2Integer, Brian2Ordered, Brian2Realised, codegen_for
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid
from spikegate.translator.point_brian import PointBrianInteger, PointBrianOrdered

NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=4.0)


def sized(steps, n):
    return SimpleNamespace(steps=steps, n=n)


def test_code_is_compiled_for_runs_of_more_steps_or_more_values():
    assert [codegen_for(sized(*size)) for size in ((3000, 1000), (3001, 1), (3000, 1001), (1, 3_000_000), (1, 3_000_001), (10_000, 1000))] == [
        "numpy", "cython", "cython", "numpy", "cython", "cython"]


@pytest.fixture
def calls(monkeypatch):
    found = []
    for name in ("run_integer", "run_ordered", "run_float"):
        monkeypatch.setattr(brian_engines, name, lambda *args, name=name, **options: found.append((name, args, options)) or name)
    return found


@pytest.mark.parametrize("kind, name, args", [(Brian2Integer, "run_integer", ()), (Brian2Ordered, "run_ordered", ()),
                                              (Brian2Float, "run_float", (False,)), (Brian2Realised, "run_float", (True,))])
def test_each_engine_runs_what_it_says_with_its_options(calls, kind, name, args):
    tell, long = print, NETWORK.replace(steps=3001)
    assert kind("cython").run(NETWORK, trace=True, progress=tell) == kind().run(NETWORK) == kind().run(long) == kind("numpy").run(long) == name
    assert calls == [(name, (network, *args), dict(trace=trace, progress=progress, codegen=codegen)) for network, trace, progress, codegen in (
        (NETWORK, True, tell, "cython"), (NETWORK, False, None, "numpy"), (long, False, None, "cython"), (long, False, None, "numpy"))]


def test_what_the_engines_are():
    for kind, name, title, agreement in (
            (Brian2Integer, "brian2_integer", "Brian2 integer", Agreement.SPIKE_EXACT),
            (Brian2Float, "brian2_float", "Brian2 float", Agreement.STATISTICAL),
            (Brian2Realised, "brian2_realised", "Brian2 realised", Agreement.STATISTICAL),
            (Brian2Ordered, "brian2_ordered", "Brian2 core's order", Agreement.STATISTICAL),
            (PointBrianInteger, "brian2_integer", "Brian2 integer", Agreement.SPIKE_EXACT),
            (PointBrianOrdered, "brian2_ordered", "Brian2 float, as realised", Agreement.STATISTICAL)):
        engine = kind()
        assert (engine.name, engine.title, engine.agreement, engine.codegen, engine.traces) == (name, title, agreement, None, True)
        with pytest.raises(dataclasses.FrozenInstanceError):
            engine.codegen = "numpy"
    assert point_brian.codegen_for is codegen_for


def test_what_brian2_cannot_run_is_said_in_one_line_each():
    assert Brian2Integer().unsupported(hybrid(NETWORK, "v4", length=64)) == ["there are no bitstream synapses in Brian2"]
    broken = NETWORK.replace(source={**NETWORK.source, "dt": 0.0, "eta": -1.0})
    for engine in (Brian2Float(), Brian2Realised()):
        assert engine.unsupported(NETWORK) == [] and engine.unsupported(NETWORK.replace(source={})) == ["the network has no float original"]
        assert engine.unsupported(broken) == ["the network has no float original: dt must be above 0 ms, not 0.0; eta must not be negative, not "
                                              "-1.0: it would make the external rate negative; use 0 for no drive"]


def test_a_watch_tells_fractions_and_times_the_code_and_the_run(monkeypatch):
    clock, cpu, told = iter((1.0, 3.5, 9.5)), iter((4.0, 4.75)), []
    monkeypatch.setattr(brian_parts, "time", SimpleNamespace(perf_counter=lambda: next(clock), process_time=lambda: next(cpu)))
    watch = brian_parts.Stopwatch(told.append)
    for completed in (0, 0.25, 1):
        watch(None, completed, None, None)
    assert told == [0.0, 0.25, 1.0] and all(type(fraction) is float for fraction in told)
    assert watch.provenance(SimpleNamespace(__version__="2.x"), NETWORK, "numpy") == {
        "network": NETWORK.hash, "brian2": "2.x", "codegen": "numpy", "codegen_s": 2.5, "run_s": 6.0, "cpu_s": 0.75}


def test_spikes_and_sources_are_steps_and_neurons():
    network = NETWORK.replace(dt_ns=200_000)
    seen = SimpleNamespace(t_=np.array([0.0, 2e-4, 0.00119999, 0.0012000001]), i=np.array([3, 0, 2, 1]))
    found = brian_parts.spikes_of(seen, network)
    assert found.tolist() == [[0, 3], [1, 0], [6, 2], [6, 1]] and found.dtype == np.int32
    first = NETWORK.indptr.tolist()
    assert brian_parts.sources_of(NETWORK).tolist() == [source for source in range(20) for _ in range(first[source], first[source + 1])]


class Synapses:
    """Writes down what it is made with and what it connects."""

    made = []

    def __init__(self, source, target, **options):
        self.options = (source, target, options)
        Synapses.made.append(self)

    def connect(self, i, j):
        self.pairs = list(zip(i.tolist(), j.tolist()))


def test_synapses_of_either_population_have_their_effect_their_sources_and_one_step_less_of_delay():
    Synapses.made, b, neurons = [], SimpleNamespace(Synapses=Synapses), [f"n{k}" for k in range(20)]
    made = brian_parts.population_synapses(b, NETWORK, neurons, ("up", "down"), SimpleNamespace(dt=0.5), {"J": 1})
    rows = brian_parts.sources_of(NETWORK)
    assert made == Synapses.made and len(made) == 2
    for each, first, last, effect, name in zip(made, (0, 16), (16, 20), ("up", "down"), ("spikegate_exc", "spikegate_inh")):
        source, target, options = each.options
        assert source == neurons[first:last] and target is neurons and options["delay"] == (15 - 1) * 0.5
        assert {key: options[key] for key in ("on_pre", "name", "namespace")} == {"on_pre": effect, "name": name, "namespace": {"J": 1}}
        mine = (rows >= first) & (rows < last)
        assert each.pairs == list(zip((rows[mine] - first).tolist(), NETWORK.indices[mine].tolist()))
    Synapses.made = []
    alone = translate(preset("ai", n_exc=16, n_inh=0, conn_prob=0.5), ms=1.0)
    assert len(brian_parts.population_synapses(b, alone, neurons, ("up", "down"), SimpleNamespace(dt=0.5), {})) == 1


@pytest.mark.parametrize("rows", [0, 2])
def test_events_come_at_the_start_of_a_step_and_membranes_are_kept_at_its_end(rows):
    held, membrane, traced = np.zeros(3), np.array([1.0, 2.0, 3.0]), np.zeros((rows, 3))
    variables = {name: SimpleNamespace(get_value=lambda values=values: values) for name, values in (("events", held), ("v", membrane))}
    b = SimpleNamespace(NetworkOperation=lambda function, **options: (function, options))
    made = brian_parts.events_and_traces(b, SimpleNamespace(variables=variables), [[4, 5, 6], [7, 8, 9]], traced, "a clock")
    assert [options for _, options in made] == [dict(when="start", clock="a clock", name="spikegate_replay"),
                                                dict(when="end", clock="a clock", name="spikegate_record")][:1 + bool(rows)]
    for step in range(2):
        made[0][0]()
        assert held.tolist() == [[4, 5, 6], [7, 8, 9]][step]
        membrane += 1
        if rows:
            made[1][0]()
    assert traced.tolist() == [[2, 3, 4], [3, 4, 5]][:rows]


def test_another_target_is_refused_and_preferences_that_are_wrong_are_said(monkeypatch):
    words = "^Code generation target must be one of cython, numpy, not 'weave'$"
    with pytest.raises(InputError, match=words), brian_parts.device(None, "runtime", "weave"):
        pass

    class PreferenceError(Exception):
        """Brian2's."""

    def broken(name, *args, **options):
        if name == "brian2":
            raise kind("wrong")
        return imported(name, *args, **options)
    imported = __import__
    for kind, raised in ((PreferenceError, InputError), (ValueError, ValueError)):
        monkeypatch.setattr("builtins.__import__", broken)
        with pytest.raises(raised, match="wrong") as caught:
            brian_parts.load_brian2()
        monkeypatch.undo()
        assert kind is ValueError or str(caught.value) == ("Brian2 cannot use its preferences (wrong); correct ~/.brian/user_preferences, or "
                                                           "brian_preferences here")


def test_inside_a_device_brian2_has_its_own_preferences_and_a_folder_of_this_machines_code_and_outside_the_users(monkeypatch):
    import brian2 as b
    before, folders = dict(b.prefs), []
    b.prefs["codegen.string_expression_target"] = "cython"
    for name in ("one", "another"):
        monkeypatch.setattr(brian_parts, "machine", lambda name=name: name)
        for target in ("numpy", "cython"):
            with brian_parts.device(b, "runtime", target):
                assert b.prefs.codegen.target == target and b.prefs["codegen.string_expression_target"] == "numpy"
                folders.append(b.prefs.codegen.runtime.cython.cache_dir)
    assert b.prefs["codegen.string_expression_target"] == "cython"
    b.prefs["codegen.string_expression_target"] = before["codegen.string_expression_target"]
    assert dict(b.prefs) == before and folders[0] == folders[1] != folders[2] == folders[3]
    assert folders[0] == str(brian_parts.cache_root() / "brian2" / hashlib.sha256(b"one").hexdigest()[:20])
