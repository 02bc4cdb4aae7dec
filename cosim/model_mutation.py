"""Mutation testing of the golden models: every mutant of a model is killed by the tests of its guard, or reviewed as equivalent, or unresolved."""

import argparse
import enum
import gc
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from rich import box
from rich.console import Console
from rich.table import Table as Shown

from spikegate.cosim.model_mutants import Mutant, function_code, mutants
from spikegate.models.errors import SpikegateError

__all__ = ["ROOT", "GUARDS", "Assessment", "judge", "main"]

ROOT = Path(__file__).parents[1]
REVIEWED = ROOT / "tests" / "equivalent_mutants.toml"
#: The tests that judge a model, most of them against something that is independent of it: hand-made numbers, the gateware, a stranger's engine.
GUARDS: dict[str, tuple[str, ...]] = {
    **{name: (f"test_{name}",) for name in (
        "fixed", "lif", "lfsr", "sobol", "drive", "encoder", "synapse", "scc", "dot_product", "uart", "phase", "core_delivery", "streams",
        "hybrid_streams", "stream_plan", "faults", "network_file", "checks", "board", "host_link")},
    "network": ("test_network", "test_network_file"), "recording": ("test_checks",), "errors": ("test_checks",),
    "host_link_device": ("test_host_link",),
    "core": ("test_core", "test_core_delivery", "test_independent"), "hybrid": ("test_hybrid", "test_independent"),
}
#: Imported once and shared by all children.
SHARED = ("numpy", "numba", "scipy.stats", "galois", "hypothesis", "amaranth.sim", "amaranth.back.rtlil", "ctypes")
#: Seconds of processor time: a test that takes longer is left out, and so are the slowest of a mutant's beyond a sum.
SLOW, PATIENCE = 2.0, 4.0
#: A mutant may take this many times as long as the model itself, and so many seconds more.
FACTOR, GRACE = 3, 1.0
#: Bytes that a mutant may take.
ROOM = 8 << 30
#: Exit codes: all tests passed, or none was there to run; and the child itself broke.
ALIVE, SURVIVED, BROKEN = 0, (0, 5), 120
OPTIONS = ["-q", "-s", "--tb=native", "--assert=plain", "--hypothesis-profile=mutation", f"--rootdir={ROOT}",
           *(option for name in ("cacheprovider", "warnings", "unraisableexception", "threadexception") for option in ("-p", f"no:{name}"))]
Progress = Callable[[str], None]


@dataclass
class Assessment:
    """What became of the mutants of a model; ``unresolved`` are names of mutants, ``wrong`` is what is not as the list of equivalent ones says."""

    name: str
    enumerated: int = 0
    killed: int = 0
    equivalent: int = 0
    unresolved: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    tests: int = 0
    seconds: float = 0.0


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


def verdict(items) -> int:
    """0 if these tests pass; the first one that fails is the last that is run."""
    return int(not all(passes(item, following) for item, following in zip(items, [*items[1:], None])))


def no_builds() -> None:
    """A mutant must not fill the cache with simulators of its own: a test that needs another one is skipped."""
    from spikegate.cosim import verilate
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


def functions_of(space: dict[str, Any], name: str) -> Iterator[FunctionType]:
    """Functions that a module defines, and those of its classes, with what dataclasses make."""
    for one in space.values():
        one = getattr(one, "fget", None) or getattr(one, "func", None) or getattr(one, "__wrapped__", None) or getattr(one, "__func__", one)
        if isinstance(one, FunctionType) and one.__module__ == name:
            yield one
        elif isinstance(one, type) and one.__module__ == name:
            yield from functions_of(vars(one), name)


def is_data(value: object) -> bool:
    """Whether it is a number, or a tuple or table of such."""
    if isinstance(value, (tuple, dict)):
        return all(map(is_data, value.items() if isinstance(value, dict) else value))
    return isinstance(value, (int, float, Fraction)) and not isinstance(value, enum.Enum)


def put_values(code: CodeType, model: ModuleType) -> bool:
    """Whether the code of a mutant, run anew, differs in constants or defaults of arguments, which are then replaced wherever they are."""
    space = {"__name__": model.__name__}
    exec(code, space)
    changed = {name for name, old in vars(model).items() if name[:2] != "__" and is_data(old) and old != space[name]}
    for name in changed:
        for module in [module for key, module in sys.modules.items() if key.startswith(("spikegate.", "test_", "tests."))]:
            if vars(module).get(name) is vars(model)[name] and module is not model:
                setattr(module, name, space[name])
        setattr(model, name, space[name])
    news = {one.__qualname__: one.__defaults__ for one in functions_of(space, model.__name__)}
    for one in functions_of(vars(model), model.__name__):
        values = [new if is_data(old) else old for old, new in zip(one.__defaults__ or (), news.get(one.__qualname__) or ())]
        if values != list(one.__defaults__ or values):
            one.__defaults__ = tuple(values)
            changed.add(one.__qualname__)
    return bool(changed)


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
            if not mutant.function and not put_values(code, sys.modules[f"spikegate.models.{self.path.stem}"]):
                return ALIVE
            for one in functions:
                if (one.__code__.co_qualname, one.__code__.co_firstlineno) == (mutant.function, mutant.line):
                    one.__code__ = function_code(code, mutant.function, mutant.line)
            for one in caches:
                one.cache_clear()
            return verdict(chosen)

        return in_child(work, GRACE + FACTOR * sum(self.timed[item.nodeid].seconds for item in chosen))[0] not in SURVIVED


class Fresh:
    """Pytest plugin, and finder of modules: runs the timed tests, shortest first, with a mutant that is imported in place of the model."""

    def __init__(self, path: Path, mutant: Mutant, timed: dict[str, Timed]):
        self.path, self.mutant, self.timed = path, mutant, timed

    def find_spec(self, name, *_):
        return importlib.util.spec_from_loader(name, self) if name == f"spikegate.models.{self.path.stem}" else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = str(self.path)
        exec(self.mutant.code, module.__dict__)

    def pytest_runtestloop(self, session):
        no_builds()
        items = {item.nodeid: item for item in session.items}
        chosen = [items[name] for name in chosen_for("", self.timed) if name in items]
        os._exit(int(bool(session.testsfailed)) or verdict(chosen))  # failed so far: what could not be imported

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


def reviewed(path: Path) -> dict[tuple[str, str], str]:
    """Reasons of the mutants that are equivalent, by the model's name and theirs."""
    entries = tomllib.loads(path.read_text())["equivalent"]
    return {(entry["module"], f"{entry['function']}: {text}"): entry["reason"] for entry in entries for text in entry["mutants"]}


def judge(path: Path, files: list[Path], *, only: set[str] | None = None, equivalent: set[str] = frozenset(),
          progress: Progress = lambda _: None) -> Assessment:
    """Judge every mutant of a file, or those named in ``only``, by the tests in ``files``; ``equivalent`` are names of reviewed ones.

    Raises
    ------
    SpikegateError
        If no test of the guard passes with the model itself.
    """
    start, everyone = time.perf_counter(), mutants(path)
    made = [mutant for mutant in everyone if only is None or mutant.name in only]
    code, text = in_child(lambda file: run_pytest(files, Judge(path, made, file, progress)))
    if code not in SURVIVED or not text or not (timed := {name: Timed(**one) for name, one in json.loads(text)[0].items()}):
        raise SpikegateError(f"No test of {', '.join(file.name for file in files)} passes with {path.name} itself in {SLOW} s; exit code {code}")
    _, names, early = json.loads(text)
    alive, again = set(names), [mutant for mutant in made if mutant.name in names and (not mutant.function or mutant.function in early)]
    for number, mutant in enumerate(again, 1):
        progress(f"import {number} of {len(again)}")
        if Fresh(path, mutant, timed).killed(files):
            alive.remove(mutant.name)
    wrong = [f"{name}: killed" for name in sorted(equivalent & {mutant.name for mutant in made} - alive)]
    wrong += [f"{name}: no such mutant" for name in sorted(equivalent - {mutant.name for mutant in everyone})]
    unresolved = [mutant.name for mutant in made if mutant.name in alive - equivalent]
    reasoned = len(equivalent & (alive if only is None else {mutant.name for mutant in everyone}))
    return Assessment(path.stem, len(everyone), len(everyone) - reasoned - len(unresolved), reasoned, unresolved, wrong, len(timed),
                      round(time.perf_counter() - start, 1))


def shown(found: list[Assessment]) -> Shown:
    """The table that `main` prints."""
    table = Shown(title="Mutants of the models", title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0),
                  pad_edge=False, show_footer=True)
    columns = {name: [value if isinstance(value := getattr(one, name), (int, float)) else len(value) for one in found]
               for name in ("enumerated", "killed", "equivalent", "unresolved", "tests", "seconds")}
    table.add_column("model", "all", no_wrap=True)
    for name, values in columns.items():
        table.add_column(name, f"{sum(values):,}", justify="right")
    for one, *values in zip(found, *columns.values()):
        table.add_row(one.name, *(f"{value:,}" for value in values))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Assess models, print a table and write it as JSON; 1 if a mutant is unresolved or the list of equivalent ones is wrong."""
    parser = argparse.ArgumentParser(prog="model_mutation", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"one or more of {', '.join(GUARDS)}; all by default")
    parser.add_argument("--again", action="store_true", help="only mutants that the file of the last run has as unresolved")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "model_mutation.json", metavar="FILE", help="keep the results in this file")
    parser.add_argument("--equivalent", type=Path, default=REVIEWED, metavar="FILE", help="the list of equivalent mutants")
    parser.add_argument("--tests", type=Path, nargs="+", metavar="FILE", help="judge by these tests and not by the guard")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.models) - set(GUARDS)):
        parser.error(f"no such model: {', '.join(unknown)}; choose from {', '.join(GUARDS)}")
    terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w")
    before = {one["name"]: one for one in json.loads(options.json.read_text())} if options.json.exists() else {}
    prepare()
    found, reasons = [], reviewed(options.equivalent)
    for name in options.models or GUARDS:
        files = options.tests or [ROOT / "tests" / f"{test}.py" for test in ("test_models", *GUARDS[name])]
        only = set(before[name]["unresolved"]) if options.again and name in before else None
        found.append(judge(ROOT / "models" / f"{name}.py", files, only=only, equivalent={mutant for model, mutant in reasons if model == name},
                           progress=lambda what: print(f"\r{name}: {what}\033[K", end="", flush=True, file=terminal)))  # noqa: B023
        before[name] = asdict(found[-1])
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(list(before.values()), indent=1) + "\n")
    print("\r\033[K", end="", flush=True, file=terminal)
    Console().print(shown(found))
    for one in found:
        for kind in ("unresolved", "wrong"):
            for what in getattr(one, kind):
                print(f"{kind}: {one.name} {what}")
    return int(any(one.unresolved or one.wrong for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
