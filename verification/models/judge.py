"""Runs the tests of a golden model with its mutants, each in a forked child of a process that has collected the tests."""

import gc
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from types import FunctionType

import pytest
from _pytest.runner import runtestprotocol

from verification.models.mutants import Mutant, function_code, put_values

__all__ = ["ROOT", "SLOW", "SURVIVED", "Progress", "Timed", "Judge", "Fresh", "prepare", "in_child", "run_pytest"]

ROOT = Path(__file__).parents[2]
#: Imported once and shared by all children.
SHARED = ("numpy", "numba", "scipy.stats", "galois", "hypothesis", "amaranth.sim", "amaranth.back.rtlil", "ctypes")
#: Seconds of processor time: a test that takes longer is left out, and so are the slowest of a mutant's beyond a sum.
SLOW, PATIENCE = 2.0, 8.0
#: A mutant may take this many times as long as the model itself, and so many seconds more.
FACTOR, GRACE = 3, 1.0
#: Bytes that a mutant may take.
ROOM = 8 << 30
#: Exit codes: all tests passed, or none was there to run; and the child itself broke.
ALIVE, SURVIVED, BROKEN = 0, (0, 5), 120
OPTIONS = ["-q", "-s", "--tb=native", "--assert=plain", "--hypothesis-profile=mutation", f"--rootdir={ROOT}",
           *(option for name in ("cacheprovider", "warnings", "unraisableexception", "threadexception") for option in ("-p", f"no:{name}"))]
Progress = Callable[[str], None]


def module_of(path: Path) -> str:
    """Name under which a file of the tree is imported."""
    return ".".join(("spikegate", *path.relative_to(ROOT).with_suffix("").parts))


@dataclass
class Timed:
    """A test of the guard: seconds that it takes, and the functions of the model that it calls."""

    seconds: float
    calls: list[str]


def plain(*args, **_):
    """In place of ``numba.njit``: functions stay Python, which a mutant can replace."""
    def keep(function):
        function.py_func = function
        return function
    return keep(*args) if args and callable(args[0]) else keep


def prepare() -> None:
    """What children share: packages, and settings under which a run is the same every time."""
    for name in SHARED:
        importlib.import_module(name)
    import hypothesis
    import numba

    numba.njit = plain
    phases, checks = [hypothesis.Phase.explicit, hypothesis.Phase.generate], list(hypothesis.HealthCheck)
    hypothesis.settings.register_profile("mutation", database=None, derandomize=True, deadline=None, phases=phases, suppress_health_check=checks)
    gc.freeze()


def in_child(work: Callable[[int], int], seconds: float | None = None) -> tuple[int, str]:
    """Exit code of ``work`` in a forked child, and what it has written to the file that it is given.

    The child is killed after so many seconds of processor time, or ten times as many on the wall; the code then is negative.
    """
    file = os.memfd_create("result")
    child = os.fork()
    if not child:
        code = BROKEN
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(null, stream)
            if seconds is not None:
                resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
                signal.setitimer(signal.ITIMER_PROF, seconds)
                signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
            code = work(file)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    try:
        os.killpg(child, signal.SIGKILL)  # what it has started and left behind
    except ProcessLookupError:
        pass
    with os.fdopen(file) as result:
        result.seek(0)
        return os.waitstatus_to_exitcode(status), result.read()


def passes(item, following) -> bool:
    """Whether a test does not fail, with what it has to set up before and to leave for the ``following`` one."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def verdict(items: list, timed: dict[str, Timed]) -> int:
    """0 if these tests pass; the first one that fails is the last that is run, and one that takes too long ends the process."""
    for item, following in zip(items, [*items[1:], None]):
        signal.setitimer(signal.ITIMER_PROF, GRACE + FACTOR * timed[item.nodeid].seconds)
        if not passes(item, following):
            return 1
    return 0


def no_builds() -> None:
    """A mutant must not fill the cache with simulators of its own: a test that needs another one is skipped."""
    from spikegate.cosim.toolchain import verilate
    found = verilate.build_directory.__wrapped__

    def strict(*ingredients):
        key = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:20]  # noqa: F821
        folder = cache_root() / key  # noqa: F821
        if not (folder / "finished").exists():
            import pytest
            pytest.skip("not built")
        yield folder, True

    found.__code__ = strict.__code__


def chosen_for(function: str, timed: dict[str, Timed]) -> list[str]:
    """The tests that judge mutants of a function: those that call it, the shortest first, as many as `PATIENCE` allows; all tests if it is none."""
    names = [name for name, one in timed.items() if not function or function in one.calls]
    return [name for name, spent in zip(names, accumulate(timed[name].seconds for name in names)) if spent <= PATIENCE] or names[:1]


class Judge:
    """Pytest plugin: instead of running the tests, times them, and then runs those that call a mutant's function, one mutant a child.

    In the end it writes its `Verdicts` to ``file``.
    """

    def __init__(self, path: Path, made: list[Mutant], file: int, progress: Progress):
        self.path, self.made, self.file, self.progress = path, made, file, progress
        self.timed: dict[str, Timed] = {}
        self.early: set[str] = set()

    def trace(self, calls: set[str]) -> None:
        """Note the outermost functions of the model that are called from now on."""
        path = str(self.path)
        sys.settrace(lambda frame, *_: calls.add(frame.f_code.co_qualname.split(".<locals>")[0]) if frame.f_code.co_filename == path else None)

    def pytest_sessionstart(self):
        self.trace(self.early)

    def pytest_collection_finish(self):
        sys.settrace(None)

    def time_test(self, item) -> Timed | None:
        """None if the test fails, is slow or starts other programs: a simulator of its own has the model itself, whatever the mutant here."""
        def work(file):
            calls, start = set(), time.process_time()
            subprocess.Popen.__init__ = lambda *_, **__: os._exit(BROKEN)
            self.trace(calls)
            passed = passes(item, None)
            sys.settrace(None)
            os.write(file, json.dumps([time.process_time() - start, sorted(calls)]).encode())
            return int(not passed)

        code, text = in_child(work, SLOW)
        return None if code else Timed(*json.loads(text))

    def pytest_runtestloop(self, session):
        if session.testsfailed:
            return None  # pytest refuses
        items = {item.nodeid: item for item in session.items}
        found = {}
        for number, (name, item) in enumerate(items.items(), 1):
            self.progress(f"test {number} of {len(items)}")
            if (timed := self.time_test(item)) is not None:
                found[name] = timed
        self.timed = {name: found[name] for name in sorted(found, key=lambda name: found[name].seconds)}
        no_builds()
        functions = [one for one in gc.get_objects() if isinstance(one, FunctionType) and one.__code__.co_filename == str(self.path)]
        caches = [one for one in gc.get_objects() if isinstance(one, type(lru_cache(print)))]
        alive = []
        for number, mutant in enumerate(self.made, 1):
            self.progress(f"mutant {number} of {len(self.made)}")
            if not self.killed(mutant, items, functions, caches):
                alive.append(mutant.name)
        os.write(self.file, json.dumps([{name: vars(one) for name, one in self.timed.items()}, alive, sorted(self.early)]).encode())
        return True

    def killed(self, mutant, items, functions, caches) -> bool:
        chosen = [items[name] for name in chosen_for(mutant.function, self.timed)]

        def work(_):
            code = mutant.code
            if not mutant.function and not put_values(code, sys.modules[module_of(self.path)]):
                return ALIVE
            for one in functions:
                if (one.__code__.co_qualname, one.__code__.co_firstlineno) == (mutant.function, mutant.line):
                    one.__code__ = function_code(code, mutant.function, mutant.line)
            for one in caches:
                one.cache_clear()
            return verdict(chosen, self.timed)

        return in_child(work, GRACE + FACTOR * sum(self.timed[item.nodeid].seconds for item in chosen))[0] not in SURVIVED


class Fresh:
    """Pytest plugin, and finder of modules: runs the timed tests, shortest first, with a mutant that is imported in place of the model."""

    def __init__(self, path: Path, mutant: Mutant, timed: dict[str, Timed]):
        self.path, self.mutant, self.timed = path, mutant, timed

    def find_spec(self, name, *_):
        return importlib.util.spec_from_loader(name, self) if name == module_of(self.path) else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = str(self.path)
        exec(self.mutant.code, module.__dict__)

    def pytest_runtestloop(self, session):
        no_builds()
        items = {item.nodeid: item for item in session.items}
        chosen = [items[name] for name in chosen_for("", self.timed) if name in items]
        os._exit(int(bool(session.testsfailed)) or verdict(chosen, self.timed))  # failed so far: what could not be imported

    def killed(self, files: list[Path]) -> bool:
        def work(_):
            sys.meta_path.insert(0, self)
            return run_pytest(files, self)

        return in_child(work, 5 * GRACE + FACTOR * PATIENCE)[0] not in SURVIVED


def run_pytest(files: list[Path], plugin: object) -> int:
    """Exit code of pytest, for which the package is imported anew."""
    for name in [name for name in sys.modules if name.split(".")[0] == "spikegate"]:
        del sys.modules[name]
    return pytest.main([*OPTIONS, *map(str, files)], plugins=[plugin])
