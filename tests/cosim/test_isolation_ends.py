"""How an engine's process is ended, and how often it is looked at."""

import os
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest

from spikegate.cosim.isolation import run
from spikegate.cosim.isolation.run import Job


def sleeping(folder, seconds):
    """A process that has begun to sleep with another that it has started; both hold the pipe."""
    process = run._Process.__new__(run._Process)
    process.job, process.folder, process.text = Job("rtl", sleeping, None), folder, b""
    os.mkfifo(folder / "progress")
    process.pipe = os.open(folder / "progress", os.O_RDONLY | os.O_NONBLOCK)
    end = os.open(folder / "progress", os.O_WRONLY)
    command = ["sh", "-c", f"echo; sleep {seconds} & sleep {seconds}"]
    popen = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=(end,), start_new_session=True)
    os.close(end)
    popen.stdout.readline()
    (folder / "pid").write_text(str(popen.pid))
    return process, popen


def test_what_is_stopped_has_ended_with_all_that_it_started_and_the_pipe_is_closed(tmp_path):
    process, popen = sleeping(tmp_path, 9)
    start = time.monotonic()
    process.stop()
    assert popen.wait() == -signal.SIGKILL and time.monotonic() - start < 5
    with pytest.raises(ProcessLookupError):
        while time.monotonic() - start < 9:  # the other one is buried by somebody else
            os.killpg(popen.pid, 0)
            time.sleep(0.01)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(process.pipe)


def test_what_has_ended_or_never_began_is_stopped_at_once(tmp_path):
    for name in ("ended", "not"):
        (tmp_path / name).mkdir()
        process, popen = sleeping(tmp_path / name, 0)
        popen.wait()
        if name == "not":
            (tmp_path / name / "pid").unlink()
        process.stop()
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(process.pipe)


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
