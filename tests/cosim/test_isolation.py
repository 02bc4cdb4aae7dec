"""The outside of an engine's process, within this one: what is started, told, kept, stopped and said, word for word."""

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest

from spikegate.cosim.isolation import run
from spikegate.cosim.isolation.run import EngineError, Job, run_isolated
from spikegate.models.errors import InputError, SpikegateError
from spikegate.translator.brunel import preset, translate

#: Made once, however many processes are forked from this one.
NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=1.0)
HASH = NETWORK.hash


@pytest.fixture
def network():
    return NETWORK


def hand(network, progress=None, *, mib=0, fail=None):
    """An engine, as far as it is passed on."""


class Ended:
    """A process that has ended, as `_Process.result` finds it."""

    def __init__(self, folder, network, code, **files):
        self.made = run._Process.__new__(run._Process)
        self.made.job, self.made.folder, self.made.popen = Job("rtl", hand, network), folder, SimpleNamespace(returncode=code)
        for name, content in files.items():
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
    process = run._Process.__new__(run._Process)
    process.text, (process.pipe, end) = b"", os.pipe()
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

    def __init__(self, job, network, folder):
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


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr(run, "_Process", Pretended)
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


def test_one_failure_stops_those_that_run_and_starts_no_other(pretended, network):
    with pytest.raises(InputError, match="^no$"):
        run_isolated([Job("a", hand, network, {"fail": True}), Job("b", hand, network), Job("c", hand, network)])
    assert [(each.job.name, each.stopped) for each in pretended.made] == [("a", 1), ("b", 1)]


def test_a_process_has_a_python_of_its_own_its_folder_for_temporary_files_and_a_session(monkeypatch, network, tmp_path):
    seen = []
    monkeypatch.setattr(run.subprocess, "Popen", lambda command, **options: seen.append((command, options)))
    process = run._Process(Job("rtl", hand, network, {"mib": 3}), tmp_path / "net", tmp_path / "job")
    (command, options), = seen
    assert command == [sys.executable, "-P", "-u", "-c", "from spikegate.cosim.isolation.worker import main; main()", str(tmp_path / "job")]
    assert options["start_new_session"] and options["env"]["TMPDIR"] == str(tmp_path / "job") and options["stdin"] == -1
    assert options["stdout"] is options["stderr"] and options["stdout"].name == str(tmp_path / "job" / "log")
    given, write, work = pickle.loads((tmp_path / "job" / "job").read_bytes())
    assert given == tmp_path / "net" and options["pass_fds"] == (write,) and pickle.loads(work) == (hand, {"mib": 3})
    assert not os.get_blocking(process.pipe) and (process.job.name, process.folder, process.fraction()) == ("rtl", tmp_path / "job", None)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(write)
    os.close(process.pipe)


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


def sleeping(seconds):
    """A process that has begun to sleep."""
    process = run._Process.__new__(run._Process)
    process.popen = subprocess.Popen([sys.executable, "-I", "-S", "-c", f"print(flush=True); import time; time.sleep({seconds})"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    process.popen.stdout.readline()
    process.pipe, write = os.pipe()
    os.close(write)
    return process


def test_what_is_stopped_has_ended_and_its_ends_of_the_pipes_are_closed():
    process = sleeping(9)
    assert not process.ended()
    process.stop()
    assert process.ended() and process.popen.returncode == -signal.SIGKILL and process.popen.stdin.closed
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(process.pipe)
    process = sleeping(0)
    process.popen.wait()
    assert process.ended()
    process.stop()  # nothing is left to be killed
    assert process.popen.returncode == 0 and process.popen.stdin.closed


@pytest.mark.parametrize("later, pause", [(0.03, 0.02), (0.085, 0.015), (0.1, 0.0), (0.5, 0.0)])
def test_between_two_looks_there_is_a_tenth_of_a_second_or_a_pipes_first_word_and_then_a_fiftieth(monkeypatch, later, pause):
    seen, clock = [], iter((7.0, 7.0 + later))

    class Selector:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            seen.append("closed")

        def register(self, pipe, events):
            seen.append((pipe, events))

        def select(self, timeout):
            seen.append(timeout)

    monkeypatch.setattr(run.selectors, "DefaultSelector", Selector)
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=seen.append))
    running = [SimpleNamespace(pipe=4), SimpleNamespace(pipe=6)]
    found = run._wait(running)
    assert found == running and found is not running
    assert seen == [(4, run.selectors.EVENT_READ), (6, run.selectors.EVENT_READ), 0.1, pytest.approx(pause, abs=1e-9), "closed"]
