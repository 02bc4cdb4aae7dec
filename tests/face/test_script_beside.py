"""A script of Brian2 run as asked for, as realised and on the device, at the command line and in Python, and the verdict on its monitors."""

import json
import multiprocessing
import os
import subprocess
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from script_files import FACE, SCRIPT, run, write

from spikegate import beside_judge
from spikegate.beside import Beside, beside, run_side, verdict
from spikegate.beside_judge import Side, first_difference, judged
from spikegate.beside_run import Kept, _serial, contents
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording

WATCHED = SCRIPT.replace("8*ms", "tau").replace("seed(2)", "seed(2)\ntau = 4*ms").replace(
    "run(30*ms)", "states = StateMonitor(cells, 'v', record=True)\nopen('here').close()\nrun(200*ms)")
#: tau is twice as long where the script runs on the hardware.
DOUBLED = WATCHED.replace("tau = 4*ms", "tau = (8 if getattr(getattr(get_device(), 'engine', None), 'name', '') == 'golden' else 4)*ms")


def test_a_script_is_judged_beside_brian2(tmp_path):
    (tmp_path / "here").touch()  # a script finds its files where the user stands
    done = run(tmp_path, FACE, "check", write(tmp_path, WATCHED), "--beside")
    words = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stderr + words
    for effect in ("arithmetic", "quantisation"):
        assert f"spikemonitor: {effect}: every spike: " in words and f"statemonitor: {effect}: v: apart by at most " in words
    assert "spikes are equal: ok" in words
    assert words.endswith("compared), 0 failed, 0 warned: ok") and "judged: statemonitor 2, spikemonitor 2 (" in words


def test_a_tau_that_is_twice_as_long_on_the_hardware_fails(tmp_path):
    (tmp_path / "here").touch()
    done = run(tmp_path, FACE, "check", write(tmp_path, DOUBLED), "--beside")
    words = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stderr + words
    assert "spikemonitor: arithmetic: every spike: the first " in words and words.endswith(": FAILED")
    assert "exceeded: FAILED" in words.partition("spikemonitor: arithmetic: rate: ")[2].partition("CV")[0]
    assert "quantisation" in words and "WARNING" not in words


def test_a_script_that_stops_its_network_is_judged_until_then(tmp_path):
    stops = "@network_operation(dt=5*ms)\ndef ends():\n    if defaultclock.t > 8*ms:\n        stop()\nrun(30*ms)"
    found = beside(write(tmp_path, WATCHED.replace("open('here').close()\nrun(200*ms)", stops)))
    states = [check for check in found.checks if check.name.startswith("statemonitor")]
    assert not found.failed and [check.compared for check in states] == [12 * 101] * 2


def test_processes_of_a_script_are_this_one(monkeypatch):
    monkeypatch.setattr(multiprocessing, "Pool", multiprocessing.Pool)
    with joblib.parallel_config("loky"):
        _serial()
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(os.getpid)() for _ in range(3)) == [os.getpid()] * 3
        assert multiprocessing.Pool(2).map(lambda k: (os.getpid(), k), range(2)) == [(os.getpid(), 0), (os.getpid(), 1)]


def side(times, neurons, *, draws=False, facts=(), every=(), size=4, seconds=2.0, **monitors):
    """What a run left, with a monitor of spikes (ms) if there are times."""
    found = {"facts": np.array(json.dumps({"draws": draws, "memory": 50.0, "dt": 1e-3, "overflows": 0, "warnings": [], "held": {}, "runs": 1,
                                           "bounds": {}, **dict(facts)})), "every": np.array(every, np.int64).reshape(-1, 3)}
    if times is not None:
        spikes = {"i": np.array(neurons), "t": np.array(times) * 1e-3, "size": np.array(size), "dt": np.array(1e-3), "seconds": np.array(seconds),
                  "count": np.bincount(neurons, minlength=size), "first": np.array(0), "last": np.array(1)}
        found |= {f"m/{name}": values for name, values in spikes.items()}
    return Side.of(found | {f"{name}/{part}": values for name, parts in monitors.items() for part, values in parts.items()})


def by_name(*sides):
    return {check.name: check for check in judged([dict(zip(("asked", "realised", "hardware"), sides))])}


def trains(rate, seed):
    """Random spikes of four neurons in 2 s."""
    at = np.argwhere(np.random.RandomState(seed).rand(2000, 4) < rate)
    return at[:, 0], at[:, 1]


def test_equal_spikes_are_counted_and_a_first_difference_is_described():
    same = side([1, 5, 9], [0, 1, 1])
    found = by_name(same, same, same)
    assert [(each.verdict, each.compared) for each in found.values()] == [("ok", 3)] * 2
    one, other = (Recording("m", 4, 20, np.array(rows)) for rows in ([[1, 0], [5, 1], [9, 1]], [[1, 0], [7, 1], [9, 1]]))
    assert first_difference(one, one, 1e-3) is None
    assert first_difference(one, other, 1e-3) == (
        1, "the first 1 spikes are equal; at 5 ms neuron 1 spikes in the one, and in the other 2 steps later")
    alone = first_difference(other, Recording("m", 4, 20, np.array([[1, 0]])), 1e-3)
    assert alone[1].endswith("at 7 ms neuron 1 spikes in the one, and in the other not at all")


def test_no_spikes_at_all_are_no_verdict():
    none = side([], np.array([], int))
    checks = judged([dict.fromkeys(("asked", "realised", "hardware"), none)])
    assert {each.verdict for each in checks} == {"not judged"} and verdict(checks).startswith("not judged: neither has a spike")
    assert verdict([]) == "not judged: no monitor to compare"


def test_rates_are_judged_against_what_chance_explains():
    usual, alike, faster = (side(*trains(rate, seed), draws=True) for rate, seed in ((0.05, 1), (0.05, 2), (0.08, 3)))
    assert all(each.verdict in ("ok", "not judged") for each in by_name(usual, alike, alike).values())
    found = by_name(usual, usual, faster)
    assert found["m: arithmetic: rate"].failed and found["m: quantisation: rate"].ok
    found = by_name(usual, faster, faster)
    assert found["m: quantisation: rate"].verdict == "WARNING" and found["m: arithmetic: every spike"].ok
    assert found["m: quantisation: rate"].margin > 0 and not any(each.failed for each in found.values())
    short = by_name(*(side(*trains(rate, 4), seconds=0.5) for rate in (0.05, 0.05, 0.06)))
    assert short["m: arithmetic: rate"].verdict == "not judged" and "a run must last 1000 ms" in short["m: arithmetic: rate"].detail


def states(shift, until=40):
    """A monitor of v, of which ``shift`` is off from step ``until`` on."""
    values = np.sin(np.arange(100) / 9.0)[None] + np.where(np.arange(100) >= until, shift, 0)
    return {"t": np.arange(100) * 1e-3, "of v": values, "first": np.array(0), "last": np.array(1), "seconds": np.array(0.1)}


def test_variables_are_judged_by_what_rounding_adds_up_to_while_spikes_are_equal():
    facts = {"bounds": {"s": {"v": 0.001}}}
    exact, fine, rough = (side(None, None, facts=facts, s=states(shift)) for shift in (0, 0.0009, 0.0011))
    assert by_name(exact, exact, fine)["s: arithmetic: v"].ok and by_name(exact, exact, fine)["s: arithmetic: v"].margin == 0.001
    found = by_name(exact, exact, rough)["s: arithmetic: v"]
    assert found.failed and found.value == pytest.approx(0.0011)
    after = side(None, None, facts=facts, s=states(1.0), every=[[1, 30, 2]])  # a spike at step 30 is the hardware's alone
    found = by_name(exact, exact, after)["s: arithmetic: v"]
    assert found.ok and found.compared == 31 and "in the first 30 ms, whose spikes are equal" in found.detail
    for first, until in ((0, 31), (1, 100)):  # a monitor that began in a later run does not mind, nor one that had ended
        later = {**states(1.0, 100), "first": np.array(first)}
        of_later = by_name(*(side(None, None, facts=facts, s=later, every=every) for every in ((), (), [[1, 30, 2], [2, 20, 2]])))
        assert of_later["s: arithmetic: v"].compared == until
    unbound = by_name(*(side(None, None, s=states(0)) for _ in range(3)))
    assert unbound["s: quantisation: v"].ok and unbound["s: arithmetic: v"].margin == pytest.approx(0, abs=1e-8)
    assert by_name(exact, rough, rough)["s: quantisation: v"].ok and by_name(exact, after, after)["s: quantisation: v"].verdict == "WARNING"


def test_counts_and_rates_alone_are_judged():
    def counts(*each):
        return side(None, None, c={"count": np.array(each), "size": np.array(2), "dt": np.array(1e-3), "first": np.array(0), "last": np.array(1),
                                   "seconds": np.array(1.0)})
    assert by_name(*[counts(50, 60)] * 3)["c: arithmetic: count"].ok
    assert by_name(counts(50, 60), counts(50, 60), counts(70, 60))["c: arithmetic: count"].failed
    at, over = (by_name(counts(400, 600), counts(400, 600), counts(500, 500 + more))["c: arithmetic: count"] for more in (11, 12))
    assert (at.margin, at.ok, over.ok, over.detail) == (11, True, False, "1,012 against 1,000, margin ±11 exceeded")
    rates = [side(None, None, r={"t": np.arange(400) * 1e-3, "rate": np.random.RandomState(k).rand(400) * level, "first": np.array(0),
                                 "last": np.array(1), "seconds": np.array(0.4)}) for k, level in ((1, 10), (2, 10), (3, 20))]
    assert by_name(*rates[:2], rates[1])["r: quantisation: rate"].ok and by_name(*rates)["r: arithmetic: rate"].failed


def test_a_monitor_that_begins_anew_is_kept_beside_what_it_was():
    class SpikeMonitor(SimpleNamespace):
        """As far as it is read."""

    def monitor(times):
        source = SimpleNamespace(clock=SimpleNamespace(dt_=1e-3), __len__=None)
        source = type("Group", (), {"clock": source.clock, "__len__": lambda self: 3})()
        return SpikeMonitor(name="m", record=True, source=source, count=[len(times), 0, 0], i=[0] * len(times), t_=times)

    kept = Kept()
    for times in ([0.1], [0.1, 0.2], [0.05]):
        kept.after(SimpleNamespace(sorted_objects=[monitor(times), SimpleNamespace(name="other")], t_=1.0))
    assert {name: parts["t"].tolist() for name, parts in kept.found.items()} == {"m": [0.1, 0.2], "m again 2": [0.05]}
    assert contents(SimpleNamespace()) == {}


@pytest.mark.parametrize("seeds", [0, 2, True, "3"])
def test_two_seeds_have_no_scatter(seeds):
    with pytest.raises(InputError, match=f"^seeds must be 1, or 3 or more for a margin from their scatter, not {seeds!r}$"):
        beside("no script", seeds=seeds)


def test_a_failure_is_that_of_a_check():
    same = side([1, 5, 9], [0, 1, 1])
    checks = judged([dict.fromkeys(("asked", "realised", "hardware"), same)])
    assert not Beside(checks, False, []).failed and verdict(checks) == "judged: m 2 (6 compared), 0 failed, 0 warned: ok"


def test_only_what_was_judged_counts_as_compared():
    same, other = side([1, 5, 9], [0, 1, 1]), side([1, 5, 9], [0, 1, 2])
    checks = judged([{"asked": same, "realised": same, "hardware": other}])
    left = [check for check in checks if check.ok is None]
    assert sum(check.compared for check in left) == 2
    assert verdict(checks) == f"judged: m 2 (4 compared), 0 failed, 0 warned; {len(left)} not judged: ok"


def test_a_seed_of_beside_gives_other_random_numbers_to_a_script_that_seeds_brian2_or_numpy(tmp_path):
    script = write(tmp_path, "from brian2 import *\nseed(4)\na = np.random.rand()\nnp.random.seed(5)\ngroup = NeuronGroup(2, 'v : 1')\n"
                             "group.v = [a, np.random.rand()]\nmonitor = StateMonitor(group, 'v', record=True)\nrun(0.1*ms)\n")
    (ours,), (numpys,) = run_side(script, "asked", 2, 60.0, {}).monitors["statemonitor"]["of v"]
    assert numpys == np.random.RandomState(2005).rand() and ours != np.random.RandomState(4).rand()


def test_each_side_of_each_seed_is_a_process_with_its_device_its_options_its_seed_and_its_limit(monkeypatch, tmp_path):
    calls, same = [], side([1, 5, 9], [0, 1, 1])

    def ran(command, timeout, **how):
        *_, script, device, answer, given, seed = command
        calls.append((script, device, json.loads(given), seed, timeout))
        spikes = {f"m/{name}": values for name, values in same.monitors["m"].items()}
        np.savez(answer, facts=np.array(json.dumps({**same.facts, "held": {"spikes": 3}})), every=same.every, **spikes)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", ran)
    found = beside(tmp_path / "own.py", limit=7.5, seeds=3, format="q4.4", rounding="floor")
    options, script = {"format": "q4.4", "rounding": "floor"}, str(tmp_path / "own.py")
    sides = ("runtime", {}), ("spikegate", {**options, "engine": "realised"}), ("spikegate", options)
    assert calls == [(script, device, given, seed, 7.5) for seed in "012" for device, given in sides]
    assert [check.compared for check in found.checks] == [9, 9] and found.held == {"spikes": 3} and not found.failed


def test_a_margin_has_the_share_of_a_whole_step_and_of_a_whole_spike(monkeypatch):
    given = []
    monkeypatch.setattr(beside_judge, "judge_one", lambda effect, key, *_: given.append((effect.name, key, _[-1])) or same.checks[0])
    same = SimpleNamespace(checks=judged([dict.fromkeys(("asked", "realised", "hardware"), side([1, 5, 9], [0, 1, 1]))]))
    # Intervals of 4 and 8 steps in the floats; 4 neurons for 2 s.
    by_name(side([1, 5, 13], [1, 1, 1]), side([1, 5, 13], [1, 1, 1]), side([1, 5, 14], [1, 1, 1]))
    assert given == [("arithmetic", key, pytest.approx(least)) for key, least in (("rate_hz", 1 / 8), ("cv_isi", 1 / 6), ("correlation", 0.0))]


def test_what_the_parts_of_a_run_were_is_added_up():
    def part(steps, memory, draws, overflows, warnings, held, spikes):
        recording = Recording("golden", 3, steps, np.array(spikes), provenance={"held": held} if held else {})
        network = SimpleNamespace(draws=draws, dt_ns=250_000, memory=memory, steps=steps)
        return SimpleNamespace(network=network, recording=recording, overflows=overflows, warnings=warnings, quantised=SimpleNamespace(pieces=[]))

    kept = Kept()
    kept.part(part(10, 50.0, True, 2, ["b", "a"], {"spikes": 4, "values": 5}, [[3, 1]]), 0, {})
    kept.part(part(20, 40.0, False, 3, ["c", "a"], {"spikes": 1, "values": 2}, [[0, 2], [7, 0]]), 10, {})
    assert kept.facts == {"draws": True, "memory": 50.0, "dt": 2.5e-4, "overflows": 5, "warnings": ["a", "b", "c"],
                          "held": {"spikes": 5, "values": 7}, "runs": 2, "bounds": {}}
    assert np.concatenate(kept.spikes).tolist() == [[1, 3, 1], [2, 10, 2], [2, 17, 0]]
