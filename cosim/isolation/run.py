"""Engines, each in a process of its own, so that wall time, peak memory and a crash are its own."""

import importlib
import os
import pickle
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from spikegate.cosim.isolation.worker import Result, restore
from spikegate.models.errors import SpikegateError
from spikegate.models.files import working_folder
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.surroundings import child_environment, illegal_instruction

__all__ = ["EngineError", "Job", "Result", "run_isolated", "terminable"]

POLL_S = 0.1


class EngineError(SpikegateError):
    """An engine ended without a result."""


@dataclass(frozen=True)
class Job:
    """One run of one engine.

    Parameters
    ----------
    name : str
        Key of the result.
    work : callable
        Of an engine, ``run`` or ``waveform``, or a function of a module that can be imported; called as ``work(network, progress=..., **options)``.
        It returns a Recording, or None for work whose result is a file. It and its options must pickle. Engines with the same ``imports`` share the
        time that these take.
    network : FrozenNetwork
        Passed by file.
    options : Mapping
        Further keyword arguments.
    """

    name: str
    work: Callable[..., Recording | None]
    network: FrozenNetwork
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def imports(self) -> tuple[str, ...]:
        """Modules that its process needs, of an engine as `Engine.imports`."""
        return getattr(getattr(self.work, "__self__", None), "imports", ())


def run_isolated(jobs: Sequence[Job], on_progress: Callable[[str, float], None] | None = None, *, parallel: int = 2,
                 logs: Path | None = None) -> dict[str, Result]:
    """Run the jobs in the order given, up to ``parallel`` at a time, each in its own process and session.

    However this returns (result, error, Ctrl-C, SIGTERM), no process and no temporary file of it is left. An engine also
    dies with this process, whatever killed that.

    Parameters
    ----------
    jobs : sequence of Job
        With different names.
    on_progress : callable, optional
        ``(name, fraction)``: one 0.0 at the start, one 1.0 at the end.
    parallel : int
        Processes at a time.
    logs : Path, optional
        Folder that receives ``NAME.log``, what the engine printed, when it failed.

    Raises
    ------
    SpikegateError
        Of the class that the engine raised.
    EngineError
        If it crashed or was killed.
    """
    tell = on_progress or (lambda name, fraction: None)
    running: list[_Process]
    files: dict[int, Path]
    stems: dict[tuple[str, ...], _Stem]
    waiting, running, results, files, stems = list(jobs), [], {}, {}, {}
    with terminable(), working_folder() as folder:
        try:
            for job in waiting:
                if logs is not None:
                    (Path(logs) / f"{job.name}.log").unlink(missing_ok=True)
                if id(job.network) not in files:
                    files[id(job.network)] = folder / f"network{len(files)}"
                    job.network.save(files[id(job.network)])
            while waiting or running:
                while waiting and len(running) < parallel:
                    job = waiting.pop(0)
                    with _shielded():
                        if job.imports not in stems:
                            stems[job.imports] = _Stem(job.imports, folder / f"stem{len(stems)}")
                        running.append(_Process(job, files[id(job.network)], folder / f"job{len(waiting)}", stems[job.imports]))
                    tell(job.name, 0.0)
                for process in _wait(running):
                    if fraction := process.fraction():
                        tell(process.job.name, min(fraction, 0.999))
                    if process.ended():
                        running.remove(process)
                        process.stop()
                        results[process.job.name] = process.result(logs)
                        tell(process.job.name, 1.0)
        finally:
            with _shielded():
                for stem in stems.values():
                    stem.stop()
                for process in running:
                    process.stop()
    return {job.name: results[job.name] for job in jobs}


class _Stem:
    """A process that forks those of engines with the same imports."""

    def __init__(self, imports: tuple[str, ...], folder: Path) -> None:
        folder.mkdir()
        alive, self.alive = os.pipe()
        with open(folder / "log", "wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-P", "-u", "-c", "from spikegate.cosim.isolation.stem import main; main()", str(alive), *imports],
                stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=(alive,), start_new_session=True, env=child_environment(TMPDIR=str(folder)))
        os.close(alive)

    def fork(self, folder: Path) -> None:
        """Start the job in a folder."""
        os.write(cast(IO[bytes], self.popen.stdin).fileno(), os.fsencode(folder) + b"\n")

    def stop(self) -> None:
        os.close(self.alive)
        self.popen.kill()
        cast(IO[bytes], self.popen.stdin).close()
        self.popen.wait()


class _Process:
    def __init__(self, job: Job, network: Path, folder: Path, stem: _Stem) -> None:
        self.job, self.folder, self.stem, self.text = job, folder, stem, b""
        folder.mkdir()
        os.mkfifo(folder / "progress")
        self.pipe = os.open(folder / "progress", os.O_RDONLY | os.O_NONBLOCK)
        (folder / "job").write_bytes(pickle.dumps((network, pickle.dumps((job.work, dict(job.options))))))
        stem.fork(folder)

    def fraction(self) -> float | None:
        try:
            while data := os.read(self.pipe, 65536):
                self.text += data
        except BlockingIOError:
            pass
        *lines, self.text = self.text.split(b"\n")
        return float(lines[-1]) if lines else None

    def code(self) -> int | None:
        """How it ended, as its stem says, or how that did; None if neither has."""
        with suppress(FileNotFoundError):
            return int((self.folder / "code").read_text())
        return self.stem.popen.poll()

    def ended(self) -> bool:
        return self.code() is not None

    def stop(self) -> None:
        """End it and what it has started, and wait until it has let go of the pipe."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.killpg(int((self.folder / "pid").read_text()), signal.SIGKILL)
        os.set_blocking(self.pipe, True)
        while os.read(self.pipe, 65536):
            pass
        os.close(self.pipe)

    def result(self, logs: Path | None) -> Result:
        done, code = self.folder / "result", cast(int, self.code())
        if code == 0 and done.exists():
            return restore(done, self.job.network)
        if (self.folder / "error").exists():
            module, name, message, exit_code = pickle.loads((self.folder / "error").read_bytes())
            error = getattr(importlib.import_module(module), name, SpikegateError)(message)
            error.exit_code = exit_code
            raise error
        said = (self.folder / "log").read_text(errors="replace").strip()
        where = ""
        if logs is not None:
            shutil.copyfile(self.folder / "log", Path(logs) / f"{self.job.name}.log")
            where = f"; its log is {Path(logs) / f'{self.job.name}.log'}"
        if code < 0:
            hint = ", as when memory runs out; use a smaller network or a shorter run" if code == -signal.SIGKILL else ""
            hint = illegal_instruction() if code == -signal.SIGILL else hint
            raise EngineError(f"Engine {self.job.name} was killed by {signal.Signals(-code).name}{hint}{where}")
        raise EngineError(f"Engine {self.job.name} failed with status {code}: {said.splitlines()[-1] if said else 'it said nothing'}{where}")


def _wait(running: list[_Process]) -> list[_Process]:
    with selectors.DefaultSelector() as selector:
        for process in running:
            selector.register(process.pipe, selectors.EVENT_READ)
        started = time.monotonic()
        selector.select(POLL_S)
        # A pipe at its end stays readable until its process is reaped: do not spin on it.
        time.sleep(max(0.0, min(0.02, started + POLL_S - time.monotonic())))
    return list(running)


@contextmanager
def terminable() -> Iterator[None]:
    """Within it, SIGTERM and SIGHUP leave by way of SystemExit, so that everything is cleaned up."""
    def leave(number: int, frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    mine = threading.current_thread() is threading.main_thread()
    old = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)} if mine else {}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def _shielded() -> Iterator[None]:
    old = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)
