"""Runs the tests of a file with its mutants, each in a forked child of a process that has collected the tests."""

import gc
import importlib.util
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from types import FunctionType

from _pytest.runner import runtestprotocol

from verification.models.child import SURVIVED, dependents, folder_of, in_child, inherit, module_of, only_python, run_pytest
from verification.models.mutants import Mutant, function_code, put_values

__all__ = ["Progress", "Timed", "Judge", "Fresh", "budget"]

#: In place of a name: the test starts Python programs.
STARTS = "*"
#: Seconds of processor time: a test that takes longer is left out, and so are the slowest of a mutant's beyond a sum.
BUDGETS = {"models": (2.0, 8.0)}
OTHERS = (5.0, 15.0)
#: A mutant may take this many times as long as the model itself, and so many seconds more.
FACTOR, GRACE = 3, 1.0
#: All tests passed.
ALIVE = 0
Progress = Callable[[str], None]


def budget(path: Path) -> tuple[float, float]:
    """Seconds that one test of a file may take, and that all tests of a mutant may."""
    return BUDGETS.get(folder_of(path), OTHERS)


@dataclass
class Timed:
    """A test of the guard: seconds that it takes, and the functions of the model that it calls."""

    seconds: float
    calls: list[str]


def passes(item, following) -> bool:
    """Whether a test does not fail, with what it has to set up before and to leave for the ``following`` one."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def verdict(items: list, timed: dict[str, Timed], file: int) -> int:
    """0 if these tests pass; the first one that fails is the last that is run and named in the file; one that takes too long ends the process."""
    for item, following in zip(items, [*items[1:], None]):
        signal.setitimer(signal.ITIMER_PROF, GRACE + FACTOR * timed[item.nodeid].seconds)
        if not passes(item, following):
            os.write(file, item.nodeid.encode())
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


def chosen_for(function: str, timed: dict[str, Timed], patience: float) -> list[str]:
    """The tests that judge mutants of a function: those that call it, the shortest first, as many as there is time for; all tests if it is none."""
    names = [name for name, one in timed.items() if not function or function in one.calls]
    return [name for name, spent in zip(names, accumulate(timed[name].seconds for name in names)) if spent <= patience] or names[:1]


def pass_on(path: Path, mutant: Mutant) -> None:
    """From now on, Python programs that are started have the mutant, too."""
    file = Path(os.environ["TMPDIR"]) / path.name
    file.write_text(mutant.source)
    inherit(MUTANT=f"{module_of(path)}={file}")


class Judge:
    """Pytest plugin: instead of running the tests, times them, and then runs those that call a mutant's function, one mutant a child.

    In the end it writes its verdicts to ``file``; each is appended to ``kept`` at once, and what stands there is not judged again.
    """

    def __init__(self, path: Path, made: list[Mutant], file: int, progress: Progress, kept: Path):
        self.path, self.made, self.file, self.progress, self.kept = path, made, file, progress, kept
        self.timed: dict[str, Timed] = {}
        self.kills: Counter[str] = Counter()
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
        """None if the test fails, is slow or starts other programs than Python: a simulator of its own has the file itself, whatever the mutant."""
        def work(file):
            calls, started, inner = set(), [], Path(os.environ["TMPDIR"]) / "calls"
            only_python(started)
            inherit(CALLS=f"{self.path}={inner}")
            before = sum(os.times()[:4])
            self.trace(calls)
            passed = passes(item, None)
            sys.settrace(None)
            calls |= {*(inner.read_text().split() if inner.exists() else ()), *(STARTS for _ in started[:1])}
            os.write(file, json.dumps([sum(os.times()[:4]) - before, sorted(calls)]).encode())
            return int(not passed)

        code, text = in_child(work, budget(self.path)[0])
        return None if code else Timed(*json.loads(text))

    def pytest_runtestloop(self, session):
        if session.testsfailed:
            return None  # pytest refuses
        from spikegate.models.surroundings import machine
        machine()  # asks the C++ compiler, once for all children
        items = {item.nodeid: item for item in session.items}
        found = {}
        for number, (name, item) in enumerate(items.items(), 1):
            self.progress(f"test {number} of {len(items)}")
            if (timed := self.time_test(item)) is not None:
                found[name] = timed
        self.timed = {name: found[name] for name in sorted(found, key=lambda name: found[name].seconds)}
        no_builds()
        functions = [one for one in gc.get_objects() if isinstance(one, FunctionType) and one.__code__.co_filename == str(self.path)]
        names = {module_of(path) for path in dependents(self.path)}
        caches = [one for one in gc.get_objects() if isinstance(one, type(lru_cache(print))) and one.__module__ in names]
        known = dict(line.split(" ", 1)[::-1] for line in (self.kept.read_text().splitlines() if self.kept.exists() else ()))
        alive = []
        for number, mutant in enumerate(self.made, 1):
            self.progress(f"mutant {number} of {len(self.made)}")
            if mutant.name not in known:
                known[mutant.name] = "killed" if self.killed(mutant, items, functions, caches) else "alive"
                with open(self.kept, "a") as kept:
                    kept.write(f"{known[mutant.name]} {mutant.name}\n")
            if known[mutant.name] == "alive":
                alive.append(mutant.name)
        os.write(self.file, json.dumps([{name: vars(one) for name, one in self.timed.items()}, alive, sorted(self.early)]).encode())
        return True

    def killed(self, mutant, items, functions, caches) -> bool:
        names = chosen_for(mutant.function, self.timed, budget(self.path)[1])
        # The one that has killed the most in its time comes first.
        chosen = [items[name] for name in sorted(names, key=lambda name: -self.kills[name] / (0.01 + self.timed[name].seconds))]

        def work(file):
            code = mutant.code
            if any(STARTS in self.timed[item.nodeid].calls for item in chosen):
                pass_on(self.path, mutant)
            if not mutant.function and not put_values(code, sys.modules[module_of(self.path)]):
                return ALIVE
            for one in functions:
                if (one.__code__.co_qualname, one.__code__.co_firstlineno) == (mutant.function, mutant.line):
                    one.__code__ = function_code(code, mutant.function, mutant.line)
            for one in caches:
                one.cache_clear()
            return verdict(chosen, self.timed, file)

        code, killer = in_child(work, GRACE + FACTOR * sum(self.timed[name].seconds for name in names))
        self.kills.update([killer] if killer else [])
        return code not in SURVIVED


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
        chosen = [items[name] for name in chosen_for("", self.timed, budget(self.path)[1]) if name in items]
        os._exit(int(bool(session.testsfailed)) or verdict(chosen, self.timed, self.file))  # failed so far: what could not be imported

    def killed(self, files: list[Path]) -> bool:
        def work(file):
            self.file = file
            sys.meta_path.insert(0, self)
            pass_on(self.path, self.mutant)
            return run_pytest(files, self)

        return in_child(work, 5 * GRACE + FACTOR * budget(self.path)[1])[0] not in SURVIVED
