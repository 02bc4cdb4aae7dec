"""Forked children that run tests with a mutant in place, and what they share."""

import ast
import ctypes
import gc
import importlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

__all__ = ["BROKEN", "ROOT", "SURVIVED", "dependents", "folder_of", "in_child", "inherit", "module_of", "only_python", "prepared", "run_pytest"]

ROOT = Path(__file__).parents[2]
#: Folders of the product.
FOLDERS = ("models", "gateware", "translator", "cosim", "src")
#: Imported once and shared by all children, where a test names them.
SHARED = ("numpy", "numba", "scipy.stats", "galois", "hypothesis", "amaranth.sim", "amaranth.back.rtlil", "ctypes",
          "matplotlib.backends.backend_agg", "matplotlib.figure")
#: Bytes that a mutant may take.
ROOM = 8 << 30
#: Exit codes: all tests passed, or none was there to run; and the child itself broke.
SURVIVED, BROKEN = (0, 5), 120
OPTIONS = ["-q", "-s", "-m", "not long", "--tb=native", "--assert=plain", "--hypothesis-profile=mutation", f"--rootdir={ROOT}",
           *(option for name in ("cacheprovider", "warnings", "unraisableexception", "threadexception") for option in ("-p", f"no:{name}"))]
#: Of Linux, in `sys/prctl.h`.
PR_SET_PDEATHSIG = 1
#: What Python programs that are started read first.
INHERITED = Path(__file__).parent / "inherited"
#: A child may take this many times its processor time on the wall, and at least so many seconds.
WALL, LEAST_WALL = 10, 30.0
#: Of these, the share for which it may have waited for a processor; beyond that the machine was busy, and it is started again.
WAITED = 0.25


def folder_of(path: Path) -> str:
    """The folder of the product that a file is in, or "" of others."""
    first = path.relative_to(ROOT).parts[0] if path.is_relative_to(ROOT) else ""
    return first if first in FOLDERS else ""


def module_of(path: Path) -> str:
    """Name under which a file of the tree is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("spikegate", *(parts[2:] if parts[0] == "src" else parts)))


@cache
def dependents(path: Path) -> set[Path]:
    """A file of the product and those that import it, directly or not."""
    files = {module_of(file): file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")}
    imports: dict[Path, set[str]] = {file: set() for file in files.values()}
    for file, names in imports.items():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found, fresh = {path}, {path}
    while fresh:
        wanted = {module_of(file) for file in fresh}
        fresh = {file for file, names in imports.items() if names & wanted} - found
        found |= fresh
    return found


def plain_in(files: set[Path], njit: Callable) -> Callable:
    """In place of ``numba.njit``: functions of these files stay Python, which a mutant can replace."""
    def replacement(*args, **options):
        def keep(function):
            if Path(function.__code__.co_filename) not in files:
                return njit(**options)(function)
            function.py_func = function
            return function
        return keep(*args) if args and callable(args[0]) else keep
    return replacement


@contextmanager
def prepared(path: Path, tests: list[Path]) -> Iterator[None]:
    """What children share to judge mutants of a file by these tests: packages, and settings under which a run is the same every time."""
    text = "".join(test.read_text() for test in tests)
    for name in SHARED:
        if name.split(".")[0] in text:
            importlib.import_module(name)
    import hypothesis
    import numba

    found = numba.njit
    numba.njit = plain_in(dependents(path), found)
    phases, checks = [hypothesis.Phase.explicit, hypothesis.Phase.generate], list(hypothesis.HealthCheck)
    hypothesis.settings.register_profile("mutation", database=None, derandomize=True, deadline=None, phases=phases, suppress_health_check=checks)
    gc.freeze()
    yield
    numba.njit = found


def waited(session: int) -> float:
    """The most seconds that a process of a session has been ready to run while others had the processors."""
    found = [0.0]
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(each.name)) == session:
                found.append(int((each / "schedstat").read_text().split()[1]) * 1e-9)
        except (OSError, IndexError):  # it has ended meanwhile
            continue
    return max(found)


def in_child(work: Callable[[int], int], seconds: float | None = None) -> tuple[int, str]:
    """Exit code of ``work`` in a forked child, and what it has written to the file that it is given.

    The child is killed after so many seconds of processor time, or many times as many on the wall, in which it slept; the code then is negative. Its
    temporary files are in a folder of its own.
    """
    limit, file = max(LEAST_WALL, WALL * (seconds or 0)), os.memfd_create("result")
    with tempfile.TemporaryDirectory(prefix="m", ignore_cleanup_errors=True) as folder:
        child = os.fork()
        if not child:
            code = BROKEN
            try:
                os.setsid()
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it dies with its parent
                os.environ["TMPDIR"] = tempfile.tempdir = folder
                null = os.open(os.devnull, os.O_RDWR)
                for stream in range(3):
                    os.dup2(null, stream)
                if seconds is not None:
                    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
                    signal.setitimer(signal.ITIMER_PROF, seconds)
                    signal.setitimer(signal.ITIMER_REAL, limit)
                code = work(file)
            finally:
                os._exit(code)
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        starved = ended.si_code == os.CLD_KILLED and ended.si_status == signal.SIGALRM and waited(child) > WAITED * limit
        _, status = os.waitpid(child, 0)
        try:
            os.killpg(child, signal.SIGKILL)  # what it has started and left behind
        except ProcessLookupError:
            pass
    if starved:
        os.close(file)
        return in_child(work, seconds)
    with os.fdopen(file) as result:
        result.seek(0)
        return os.waitstatus_to_exitcode(status), result.read()


def inherit(**variables: str) -> None:
    """From now on, Python programs that are started read `inherited/sitecustomize.py` first, which has these variables."""
    os.environ.update({f"SPIKEGATE_{name}": value for name, value in variables.items()})
    os.environ["PYTHONPATH"] = os.pathsep.join([str(INHERITED), *filter(None, [os.environ.get("PYTHONPATH")])])


def only_python(seen: list[bool]) -> None:
    """From now on, a child that starts another program than Python breaks; whether it has started Python comes to ``seen``."""
    start = subprocess.Popen.__init__

    def checked(self, args, *others, **options):
        if isinstance(args, str) or args[0] != sys.executable:
            os._exit(BROKEN)
        seen.append(True)
        start(self, args, *others, **options)
    subprocess.Popen.__init__ = checked


def run_pytest(files: list[Path], plugin: object) -> int:
    """Exit code of pytest, for which the package is imported anew."""
    for name in [name for name in sys.modules if name.split(".")[0] == "spikegate"]:
        del sys.modules[name]
    return pytest.main([*OPTIONS, *map(str, files)], plugins=[plugin])
