"""Engines in their own processes: results, errors, crashes and interruptions, and nothing left behind."""

import importlib
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from spikegate.cosim.engines.hardware import Bitstream, Cocotb, Netlist, Rtl
from spikegate.cosim.isolation.run import EngineError, Job, run_isolated
from spikegate.cosim.results.compare import compare
from spikegate.linked import Linked
from spikegate.models.core import engine, stream_engine
from spikegate.models.core.golden import DEFECTS, Golden
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.brian_engines import Brian2Float, Brian2Integer, Brian2Ordered, Brian2Realised
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid as streams_of

STUBS = '''
import os, signal, subprocess, sys, time
from pathlib import Path
import numpy as np
from spikegate.models.core import engine as core
from spikegate.models.core.golden import Golden
from spikegate.models.errors import InputError

def hungry(network, mib, progress=None):
    held = np.ones(mib << 17)
    return Golden().run(network)

def refuse(network, progress=None):
    raise InputError("Lanes must be in 1..4, not 9; use fewer")

def break_down(network, progress=None):
    print("some output")
    return 1 // 0

def killed(network, progress=None):
    os.kill(os.getpid(), signal.SIGKILL)

def lacking(network, progress=None):
    import a_package_that_nobody_has

def slow(network, pids, progress=None):
    inner = subprocess.Popen(["sleep", "60"])
    with open(pids, "a") as file:
        file.write(f"{os.getpid()} {inner.pid}\\n")
    for i in range(600):
        progress(i / 600)
        time.sleep(0.1)

def stamp(network, folder, progress=None):
    start = time.time()
    time.sleep(0.3)
    Path(folder, f"{os.getpid()}").write_text(f"{start} {time.time()}")
'''
PARENT = '''
import sys
from pathlib import Path
from engine_stubs import slow
from spikegate.cosim.isolation.run import Job, run_isolated
from spikegate.translator.brunel import preset, translate
network = translate(preset("ai", n_exc=80, n_inh=20), ms=10.0)
run_isolated([Job(f"slow{i}", slow, network, {"pids": sys.argv[1]}) for i in range(3)])
'''


@pytest.fixture
def stubs(tmp_path, monkeypatch):
    (tmp_path / "stubs").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "stubs" / "engine_stubs.py").write_text(STUBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"), prepend=os.pathsep)
    monkeypatch.syspath_prepend(str(tmp_path / "stubs"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield tmp_path
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=80, n_inh=20), name="small", ms=100.0)


def stub(name):
    return getattr(importlib.import_module("engine_stubs"), name)


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def test_the_recording_of_a_process_is_that_of_a_call(stubs, network):
    told = []
    found = run_isolated([Job("golden", Golden().run, network, {"trace": True})], lambda *said: told.append(said))["golden"]
    here = engine.run(network, trace=True)
    assert np.array_equal(found.recording.spikes, here.spikes) and len(here.spikes)
    assert found.recording.provenance["network"] == network.hash
    for kind in ("trace", "final"):
        assert getattr(found.recording, kind).keys() == getattr(here, kind).keys()
        assert all(np.array_equal(array, getattr(found.recording, kind)[name]) for name, array in getattr(here, kind).items())
    assert told[0] == ("golden", 0.0) and told[-1] == ("golden", 1.0) and [f for _, f in told].count(1.0) == 1


def test_streams_and_faults_reach_the_process(stubs, network):
    short = streams_of(network.replace(steps=200), "v13", length=64)
    faults = StreamFaults(tuple(FaultParams.random(0.2, seed, 64) for seed in range(4)))
    found = run_isolated([Job("golden", Golden(faults).run, short)])["golden"].recording
    here, sound = stream_engine.run(short, faults=faults), stream_engine.run(short)
    assert compare("a", "bit-true", found, here, ("spike", "final.v")).ok and not compare("a", "bit-true", found, sound, ("spike", "final.v")).ok
    assert found.provenance["windows"] == here.provenance["windows"] > 0


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_that_of_the_networks_own_golden_model(network, defect):
    stream = streams_of(network, "v14", length=64)
    faults = StreamFaults((FaultParams.random(0.1, 1, 64),))
    sound, bad = stream_engine.run(stream, faults=faults, trace=True), Golden(faults, defect).run(stream, trace=True)
    assert bad.provenance["windows"] > 0 and not compare("a", "bit-true", sound, bad, ("spike", "v")).ok
    with pytest.raises(InputError, match="Defect must be one of rounding, .*, not 'rouding'"):
        Golden(defect="rouding")


def test_an_engine_goes_to_its_process_with_all_its_options(network):
    faults = StreamFaults((FaultParams.random(0.1, 1, 64),))
    for engine_ in (Golden(faults, "leak"), Rtl(7, store=16, walk=True, banks=2), Cocotb(3, stall=0.5), Brian2Integer("numpy"),
                    Netlist(2, family="ecp5"), Bitstream(1, place_seed=4), Linked(5, "/dev/none", 9600), Brian2Ordered("numpy")):
        assert repr(pickle.loads(pickle.dumps(engine_.run)).__self__) == repr(engine_)


def test_what_an_engine_cannot_run_it_names(network):
    streams, other = streams_of(network, "v4", length=64), network.replace(external=np.ones((network.steps, network.n), np.uint8))
    own = network.replace(external=engine.external_events(network))
    faults = StreamFaults((FaultParams.random(0.1, 1, 64),))
    for engine_, net, words in ((Rtl(101), network, "Lanes must be in 1..N=100"), (Rtl(8), other, "recorded external events"),
                                (Rtl(8, banks=2), streams, "banks must be left out"), (Rtl(8, faults=faults), network, "no bitstream synapses"),
                                (Golden(faults), network, "no bitstream synapses"), (Linked(8), other, "recorded external events"),
                                (Golden(StreamFaults((FaultParams.random(0.1, 1, 128),))), streams, "Faults must be given for 1 channels of 64 bits"),
                                (Brian2Integer(), streams, "no bitstream synapses in Brian2"),
                                (Brian2Float(), network.replace(source={}), "the network has no float original"),
                                (Brian2Realised(), network.replace(source={"seed": 1}), "the network has no float original")):
        reasons = engine_.unsupported(net)
        assert len(reasons) == 1 and words in reasons[0], (engine_, reasons)
    for engine_ in (Rtl(8), Linked(8), Golden(), Brian2Integer(), Brian2Float(), Brian2Realised(), Brian2Ordered()):
        assert engine_.unsupported(network) == engine_.unsupported(own) == []
    with pytest.raises(InputError, match="recorded external events must be those of its own drive for hardware"):
        Rtl(8).run(other)


def test_peak_memory_is_that_of_each_engine_alone(stubs, network):
    ballast = np.ones(300 << 17)
    found = run_isolated([Job(name, stub("hungry"), network, {"mib": mib}) for name, mib in (("large", 300), ("small", 1))])
    assert list(found) == ["large", "small"] and len(ballast)
    assert 280 < found["large"].peak_mib - found["small"].peak_mib < 320
    assert found["small"].peak_mib < 290 and found["small"].wall_s > 0


def test_no_more_run_at_a_time_than_allowed(stubs, network):
    folder = stubs / "stamps"
    folder.mkdir()
    run_isolated([Job(f"j{i}", stub("stamp"), network, {"folder": str(folder)}) for i in range(4)], parallel=2)
    spans = [tuple(map(float, file.read_text().split())) for file in folder.iterdir()]
    assert len(spans) == 4
    assert max(sum(a <= start < b for a, b in spans) for start, _ in spans) <= 2


def test_an_error_of_an_engine_is_raised_here_as_the_same_class(stubs, network):
    with pytest.raises(InputError, match="^Lanes must be in 1..4, not 9; use fewer$") as caught:
        run_isolated([Job("rtl", stub("refuse"), network)])
    assert caught.value.exit_code == 2
    with pytest.raises(ToolMissing, match="a_package_that_nobody_has"):
        run_isolated([Job("rtl", stub("lacking"), network)])


def test_a_crash_names_the_engine_and_keeps_its_log(stubs, network, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # where it is set, a child's output keeps its order by itself
    with pytest.raises(EngineError, match="rtl failed with status 1: ZeroDivisionError"):
        run_isolated([Job("rtl", stub("break_down"), network)], logs=stubs)
    assert "some output" in (stubs / "rtl.log").read_text()
    with pytest.raises(EngineError, match="rtl was killed by SIGKILL"):
        run_isolated([Job("rtl", stub("killed"), network)])


def test_one_failure_ends_the_others(stubs, network):
    pids = stubs / "pids"
    start = time.monotonic()
    with pytest.raises(InputError):
        run_isolated([Job("slow", stub("slow"), network, {"pids": str(pids)}), Job("rtl", stub("refuse"), network)])
    assert time.monotonic() - start < 20
    assert not any(alive(pid) for pid in (pids.read_text().split() if pids.exists() else ()))


@pytest.mark.parametrize("number, code", [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_run_leaves_no_process_and_no_file(stubs, number, code):
    pids = stubs / "pids"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(pids)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while len(pids.read_text().split() if pids.exists() else ()) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        started = list(map(int, pids.read_text().split()))
        assert len(started) == 4 and all(map(alive, started))
        parent.send_signal(number)
        assert parent.wait(10) == code
        deadline = time.monotonic() + 5
        while any(map(alive, started)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(alive, started))
    finally:
        parent.kill()
        parent.wait()
    if number == signal.SIGKILL:
        # Nobody is left to remove the folder of a process that was killed outright, until the next run.
        assert len(list((stubs / "tmp").iterdir())) == 1
        run_isolated([])
