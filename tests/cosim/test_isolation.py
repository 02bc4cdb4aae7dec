"""The outside of an engine's process, within this one: what is started, told, kept, stopped and said, word for word."""

import os
import pickle
import signal
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest

from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.isolation import run
from spikegate.cosim.isolation.run import EngineError, Job, run_isolated
from spikegate.models.core.golden import Golden
from spikegate.models.errors import InputError, SpikegateError
from spikegate.translator.brian_engines import Brian2Integer, Brian2Ordered
from spikegate.translator.brunel import preset, translate

#: Made once, however many processes are forked from this one.
NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=1.0)
HASH = NETWORK.hash


@pytest.fixture
def network():
    return NETWORK


def hand(network, progress=None, *, mib=0, fail=None):
    """An engine, as far as it is passed on."""


def known(folder, network, **of_stem):
    """A process of which only the folder and the stem are there."""
    process = run._Process.__new__(run._Process)
    process.job, process.folder, process.text = Job("rtl", hand, network), folder, b""
    process.stem = SimpleNamespace(popen=SimpleNamespace(poll=lambda: of_stem.get("code")))
    return process


class Ended:
    """A process that has ended, as `_Process.result` finds it."""

    def __init__(self, folder, network, code, **files):
        self.made = known(folder, network)
        for name, content in {"code": str(code).encode(), **files}.items():
            (folder / name).write_bytes(content)

    def result(self, logs=None):
        return self.made.result(logs)


SAID = b"first\nlast line\n"


@pytest.mark.parametrize("code, log, words", [
    (1, SAID, "Engine rtl failed with status 1: last line"), (7, b"", "Engine rtl failed with status 7: it said nothing"),
    (0, SAID, "Engine rtl failed with status 0: last line"), (-15, SAID, "Engine rtl was killed by SIGTERM"),
    (-9, SAID, "Engine rtl was killed by SIGKILL, as when memory runs out; use a smaller network or a shorter run"),
    (-4, SAID, "Engine rtl was killed by SIGILL, a hint of its own"), (-1, SAID, "Engine rtl was killed by SIGHUP")])
def test_how_an_engine_ended_without_a_result_is_said_with_its_log(tmp_path, network, monkeypatch, code, log, words):
    monkeypatch.setattr(run, "illegal_instruction", lambda: ", a hint of its own")
    with pytest.raises(EngineError) as caught:
        Ended(tmp_path, network, code, log=log).result()
    assert str(caught.value) == words
    logs = tmp_path / "logs"
    logs.mkdir()
    with pytest.raises(EngineError) as caught:
        Ended(tmp_path, network, code, log=log).result(logs)
    assert str(caught.value) == f"{words}; its log is {logs / 'rtl.log'}" and (logs / "rtl.log").read_bytes() == log


def test_an_error_that_was_left_is_raised_as_what_it_was_and_no_log_is_kept(tmp_path, network):
    for module, name, kind in (("spikegate.models.errors", "InputError", InputError), ("spikegate.models.errors", "NoSuchError", SpikegateError)):
        with pytest.raises(kind, match="^the words$") as caught:
            Ended(tmp_path, network, 5, log=SAID, error=pickle.dumps((module, name, "the words", 5))).result(tmp_path)
        assert caught.value.exit_code == 5 and type(caught.value) is kind and not (tmp_path / "rtl.log").exists()


def test_fractions_come_in_lines_of_which_the_last_whole_one_counts(tmp_path, network):
    process = known(tmp_path, network)
    process.pipe, end = os.pipe()
    os.set_blocking(process.pipe, False)
    found = []
    for text in (b"", b"0.1000\n0.2", b"500\n", b"0.3", b"000\n0.4000\n", b""):
        os.write(end, text)
        found.append(process.fraction())
    assert found == [None, 0.1, 0.25, None, 0.4, None]
    os.close(end)
    assert process.fraction() is None
    os.close(process.pipe)


class Pretended:
    """In place of `_Process`: jobs that tell fractions and end when they are asked the third time."""

    made, most = [], 0

    def __init__(self, job, network, folder, stem):
        self.stem = stem
        self.job, self.network, self.folder, self.asked, self.pipe, self.stopped = job, network, folder, 0, 0, 0
        assert network.exists() and not folder.exists()
        Pretended.made.append(self)
        Pretended.most = max(Pretended.most, sum(not each.stopped for each in Pretended.made))

    def fraction(self):
        self.asked += 1
        return {1: None, 2: 0.25, 3: 1.0}[self.asked]

    def ended(self):
        return self.asked == 3

    def stop(self):
        self.stopped += 1

    def result(self, logs):
        if self.job.options.get("fail"):
            raise InputError("no")
        return self.job.name, logs


class PretendedStem:
    """In place of `_Stem`."""

    made = []

    def __init__(self, imports, folder):
        self.imports, self.folder, self.stopped = imports, folder, 0
        PretendedStem.made.append(self)

    def stop(self):
        self.stopped += 1


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr(run, "_Process", Pretended)
    monkeypatch.setattr(run, "_Stem", PretendedStem)
    PretendedStem.made = []
    monkeypatch.setattr(run, "_wait", list)
    Pretended.made, Pretended.most = [], 0
    return Pretended


@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_jobs_run_in_order_as_many_as_may_and_each_tells_its_beginning_its_fractions_and_its_end(pretended, network, tmp_path, parallel):
    other, told = network.replace(steps=5), []
    jobs = [Job("c", hand, network), Job("a", hand, other), Job("b", hand, network)]
    for name in "ab":
        (tmp_path / f"{name}.log").write_text("old")
    (tmp_path / "d.log").write_text("of another run")
    found = run_isolated(jobs, lambda *said: told.append(said), logs=tmp_path, **({} if parallel == 2 else {"parallel": parallel}))
    assert list(found.items()) == [(name, (name, tmp_path)) for name in "cab"] and [path.name for path in tmp_path.iterdir()] == ["d.log"]
    assert [each.job for each in pretended.made] == jobs and pretended.most == parallel and all(each.stopped == 1 for each in pretended.made)
    for name in "abc":
        assert [fraction for who, fraction in told if who == name] == [0.0, 0.25, 0.999, 1.0]
    assert pretended.made[0].network == pretended.made[2].network != pretended.made[1].network
    assert len({each.folder for each in pretended.made}) == 3 and not pretended.made[0].network.exists()
    stem, = PretendedStem.made
    assert stem.imports == () and stem.stopped == 1 and all(each.stem is stem for each in pretended.made)


def test_engines_with_the_same_imports_share_a_stem(pretended, network):
    engines = [Rtl(lanes=2), Brian2Integer(), Golden(), Brian2Ordered()]
    run_isolated([Job(engine.name, engine.run, network) for engine in engines])
    assert [(stem.imports, stem.stopped) for stem in PretendedStem.made] == [((), 1), (("brian2",), 1)]
    assert [PretendedStem.made.index(each.stem) for each in pretended.made] == [0, 1, 0, 1]
    assert len({stem.folder for stem in PretendedStem.made}) == 2 and Job("a", hand, network).imports == ()


def test_one_failure_stops_those_that_run_and_starts_no_other(pretended, network):
    with pytest.raises(InputError, match="^no$"):
        run_isolated([Job("a", hand, network, {"fail": True}), Job("b", hand, network), Job("c", hand, network)])
    assert [(each.job.name, each.stopped) for each in pretended.made] == [("a", 1), ("b", 1)]
    assert [stem.stopped for stem in PretendedStem.made] == [1]


def test_a_stem_has_a_python_of_its_own_its_folder_for_temporary_files_and_a_session(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(run.subprocess, "Popen", lambda command, **options: seen.append((command, options)))
    stem = run._Stem(("a", "b"), tmp_path / "stem")
    (command, options), = seen
    alive, = options["pass_fds"]
    assert command == [sys.executable, "-P", "-u", "-c", "from spikegate.cosim.isolation.stem import main; main()", str(alive), "a", "b"]
    assert options["start_new_session"] and options["env"]["TMPDIR"] == str(tmp_path / "stem") and options["stdin"] == -1
    assert options["stdout"] is options["stderr"] and options["stdout"].name == str(tmp_path / "stem" / "log")
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(alive)
    os.close(stem.alive)


def test_a_process_has_its_job_in_a_folder_that_its_stem_is_told(network, tmp_path):
    told = []
    process = run._Process(Job("rtl", hand, network, {"mib": 3}), tmp_path / "net", tmp_path / "job", SimpleNamespace(fork=told.append))
    given, work = pickle.loads((tmp_path / "job" / "job").read_bytes())
    assert given == tmp_path / "net" and pickle.loads(work) == (hand, {"mib": 3}) and told == [tmp_path / "job"]
    assert not os.get_blocking(process.pipe) and (process.job.name, process.folder, process.fraction()) == ("rtl", tmp_path / "job", None)
    end = os.open(tmp_path / "job" / "progress", os.O_WRONLY)
    os.write(end, b"0.5000\n")
    assert process.fraction() == 0.5
    os.close(end)
    os.close(process.pipe)


def test_a_process_has_ended_when_its_stem_says_so_or_has_ended_itself(network, tmp_path):
    process = known(tmp_path, network)
    assert process.code() is None and not process.ended()
    gone = known(tmp_path, network, code=-9)
    assert gone.code() == -9 and gone.ended()
    (tmp_path / "code").write_text("0")
    assert process.code() == gone.code() == 0 and process.ended()
    assert known(tmp_path / "none", network, code=0).ended()


def test_within_it_a_signal_leaves_by_way_of_exit_and_all_is_as_before_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    for number in (signal.SIGTERM, signal.SIGHUP):
        with pytest.raises(SystemExit) as left, run.terminable():
            os.kill(os.getpid(), number)
        assert left.value.code == 128 + number
        assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)] == before
    with run._shielded():
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= blocked and not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGTERM}


def test_a_job_has_no_options_unless_it_is_given_some_and_stays_as_it_is(network):
    job = Job("a", hand, network)
    assert job.options == {}
    with pytest.raises(FrozenInstanceError):
        job.name = "b"


def test_a_result_is_that_of_a_process_that_ended_well(tmp_path, network, monkeypatch):
    monkeypatch.setattr(run, "restore", lambda path, of: (path, of))
    assert Ended(tmp_path, network, 0, log=b"", result=b"").result() == (tmp_path / "result", network)
    for code in (1, -1):
        with pytest.raises(EngineError, match="failed with status 1|killed by SIGHUP"):
            Ended(tmp_path, network, code, log=b"", result=b"").result()
