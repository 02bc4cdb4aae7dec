"""Runs a cocotb bench on one component in Verilator and brings back how many items it compared.

The caller uses `run_bench`; a bench, inside the simulator, reads its `job` and counts with a `Tally`.
"""

import dataclasses
import functools
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from spikegate.cosim.toolchain.verilate import build_directory, compile_model, compiled_with
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.models.cache import cache_root
from spikegate.models.errors import Mismatch, SpikegateError, ToolMissing
from spikegate.models.files import working_folder
from spikegate.models.hints import apt, lacking
from spikegate.models.surroundings import clean_environment, illegal_instruction

try:
    import cocotb
    import cocotb_tools.config
    from cocotb.clock import Clock
    from cocotb.triggers import FallingEdge, RisingEdge, Timer
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner
except ModuleNotFoundError as error:
    raise lacking(error.name, "sim") from None

__all__ = ["compile_bench", "simulator", "run_bench", "simulate", "job", "encode", "decode", "number", "start", "Tally", "FOLDER_VARIABLE",
           "FallingEdge", "RisingEdge", "Timer", "cocotb"]

TOP = "top"
FOLDER_VARIABLE = "SPIKEGATE_BENCH"
#: Benches have no assert; for every module that they import, rewriting it would take four seconds a run.
NO_REWRITE = {"COCOTB_REWRITE_ASSERTION_FILES": ""}
#: cocotb's runner would build a simulator with these, and with Verilator's makefile, which takes several times as long.
VPI = ["--vpi", "--prefix", "Vtop", "--timescale", "1ns/1ns"]
RUNTIME = ("verilated_vpi", "verilated_dpi", "verilated_timing")
OPTIONS = ["--public-flat-rw", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
LOG_TAIL = 1500


def encode(value: Any) -> str:
    """JSON of numbers, strings, lists, dicts, NumPy arrays and dataclasses; for `decode`."""
    def default(item: Any) -> Any:
        if dataclasses.is_dataclass(item):
            fields = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
            return {"class": f"{type(item).__module__}:{type(item).__qualname__}", "fields": fields}
        return item.tolist()
    return json.dumps(value, default=default)


def decode(text: str) -> Any:
    """What `encode` was given; arrays and tuples that are no field of a dataclass come back as lists."""
    def restore(item: dict[str, Any]) -> Any:
        if set(item) != {"class", "fields"}:
            return item
        module, _, name = item["class"].partition(":")
        fields = {key: np.array(value) if key == "limits" else value for key, value in item["fields"].items()}
        return getattr(importlib.import_module(module), name)(**fields)
    return json.loads(text, object_hook=restore)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else "(no log)"


def compile_bench(sources: dict[str, str], top: str, options: Sequence[str]) -> Path:
    """Folder of a simulator for cocotb, from the cache or made now; safe to call in several processes.

    Parameters
    ----------
    sources : dict
        Verilog by file name.
    top : str
        The top module, after which the simulator is named.
    options : sequence of str
        Of Verilator.

    Raises
    ------
    SpikegateError
        If the build fails; `ToolMissing` if Verilator or the compiler is absent.
    """
    libraries, main = cocotb_tools.config.libs_dir, cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    with build_directory(*sources.values(), cocotb.__version__, str(libraries), *options, *compiled_with()) as (folder, finished):
        if not finished:
            for name, text in sources.items():
                (folder / name).write_text(text)
            compile_model(folder, [*VPI, *options, "--top-module", top, *sources], main,
                          [f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator", "-o", top], runtime=RUNTIME)
    return folder


def simulator(make: partial[Component]) -> Path:
    """Folder of the simulator for cocotb of what ``make`` returns; see `compile_bench`. In one process it is elaborated once."""
    return _simulator(cache_root(), make.func, make.args, tuple(make.keywords.items()))


@functools.cache
def _simulator(root: Path, make: Callable[..., Component], given: tuple[Any, ...], options: tuple[tuple[str, Any], ...]) -> Path:
    return compile_bench({f"{TOP}.v": to_verilog(make(*given, **dict(options)), TOP)}, TOP, OPTIONS)


def run_bench(make: partial[Component], module: str, params: Any, *, model: Any = None, count: int, seed: int, **extra: Any) -> int:
    """Run the cocotb tests of ``module`` on what ``make`` returns and return the number of items compared.

    Parameters
    ----------
    make : partial
        Of a component and what it is made of, all of it hashable.
    params, model : object
        Of the stimuli, and of the golden model where that is made wrong on purpose.
    count, seed : int
        Items to compare; of the stimuli and stalls.
    extra
        More entries of the bench's `job`.

    Raises
    ------
    Mismatch
        With the first divergence, if the bench saw one.
    SpikegateError
        If the bench compared nothing, or failed in another way; `ToolMissing` if a tool is absent.
    """
    built = simulator(make)
    with working_folder() as folder:
        entries = {"params": params, "model": params if model is None else model, "count": count, "seed": seed, **extra}
        (folder / "job.json").write_text(encode(entries))
        simulate(built, TOP, module, folder, seed)
        report = folder / "result.json"
        found = json.loads(report.read_text()) if report.exists() else {"compared": None, "first": None}
        if found["first"]:
            raise Mismatch(f"{module}: {found['first']} ({found['mismatches']} of {found['compared']} items differ, seed {seed})")
        if found["compared"] == 0:
            raise SpikegateError(f"{module} compared nothing (count {count}, seed {seed})")
        try:
            tests, failed = get_results(folder / "results.xml")
        except RuntimeError:
            tests, failed = 0, 1
        if failed or not tests or not found["compared"]:
            raise SpikegateError(f"{module} failed (seed {seed}):\n{_tail(folder / 'log')}")
        return int(found["compared"])


def simulate(built: Path, top: str, module: str, folder: Path, seed: int, plusargs: Sequence[str] = ()) -> None:
    """Run the cocotb tests of ``module``, whatever of cocotb's variables is in the shell; what they leave in ``folder`` says how it went.

    Raises
    ------
    ToolMissing
        If there is no libpython.
    SpikegateError
        If the simulator was made for another processor.
    """
    # cocotb's runner adds the whole environment to the one that it is given.
    with clean_environment(**{FOLDER_VARIABLE: str(folder)}, **NO_REWRITE):
        try:
            get_runner("verilator").test(
                test_module=module, hdl_toplevel=top, hdl_toplevel_lang="verilog", build_dir=built, test_dir=folder, seed=seed, plusargs=plusargs,
                results_xml=str(folder / "results.xml"), log_file=folder / "log")
        except SystemExit:
            pass
        except RuntimeError as error:
            if str(error).endswith(f": {-signal.SIGILL}"):
                raise SpikegateError(f"The simulator was killed by SIGILL{illegal_instruction()}") from None
        except ValueError as error:
            raise ToolMissing(f"{error}; {apt('libpython{}.{}'.format(*sys.version_info))}") from None


def job() -> dict[str, Any]:
    """Inside the simulator: ``params``, ``model``, ``count``, ``seed`` and the rest that `run_bench` was given."""
    entries: dict[str, Any] = decode((Path(os.environ[FOLDER_VARIABLE]) / "job.json").read_text())
    return entries


class Tally:
    """Counts what was compared and keeps the first divergence."""

    def __init__(self) -> None:
        self.compared = self.mismatches = 0
        self.first: str | None = None

    def compare(self, item: object, signal: str, golden: object, rtl: object) -> None:
        """Hold one value of the simulator against the golden model's; ``item`` says where."""
        self.compared += 1
        if golden != rtl:
            self.mismatches += 1
            self.first = self.first or f"first divergence at {item}: signal {signal}, golden {golden}, RTL {rtl}"

    def judge(self) -> None:
        """Raise `Mismatch` for a divergence, `SpikegateError` if nothing was compared."""
        if self.first:
            raise Mismatch(self.first)
        if not self.compared:
            raise SpikegateError("The bench compared nothing")

    def finish(self) -> None:
        """Report to `run_bench`, then `judge`."""
        (Path(os.environ[FOLDER_VARIABLE]) / "result.json").write_text(json.dumps(vars(self)))
        self.judge()


def number(handle: Any, *, signed: bool = False) -> int:
    """The integer on a port."""
    value = handle.value
    return value.to_signed() if signed else int(value)


async def start(dut: Any) -> None:
    """Start the clock and reset for two cycles."""
    Clock(dut.clk, 2, "ns").start()
    dut.rst.value = 1
    for _ in range(2):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
