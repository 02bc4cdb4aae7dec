"""Runs a cocotb bench on one component in Verilator and brings back how many items it compared; streams for benches.

The caller uses `run_bench`; a bench, inside the simulator, reads its `job` and counts with a `Tally`.
"""

import dataclasses
import importlib
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from amaranth.lib.wiring import Component

from spikegate.cosim.verilate import build_directory, to_verilog, tool_environment
from spikegate.models.errors import Mismatch, SpikegateError, ToolMissing

try:
    import cocotb
    import cocotb_tools.config
    from cocotb.clock import Clock
    from cocotb.triggers import FallingEdge, RisingEdge, Timer
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner
except ModuleNotFoundError as error:
    raise ToolMissing(f'{error.name} is not installed; install it with: pip install "spikegate[sim]"') from None

__all__ = ["simulator", "with_runtime", "run_bench", "job", "encode", "decode", "number", "start", "Tally", "Beat", "StreamSource", "StreamSink",
           "StreamMonitor", "NO_REWRITE", "FallingEdge", "RisingEdge", "Timer", "cocotb"]

TOP = "top"
FOLDER_VARIABLE = "SPIKEGATE_BENCH"
#: Benches have no assert; for every module that they import, rewriting it would take four seconds a run.
NO_REWRITE = {"COCOTB_REWRITE_ASSERTION_FILES": ""}
WARNINGS = ["-Wno-fatal", "-Wno-lint", "-Wno-style"]
#: Python wakes at every clock edge, so that the compile time of the simulator counts and its speed does not.
OPTIMISATION = "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
LOG_TAIL = 1500
HINT = 'install what is missing with: apt install libpython3.11, and: pip install "spikegate[sim]"'


def encode(value: Any) -> str:
    """JSON of numbers, strings, lists, dicts, NumPy arrays and dataclasses; for `decode`."""
    def default(item):
        if dataclasses.is_dataclass(item):
            fields = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
            return {"class": f"{type(item).__module__}:{type(item).__qualname__}", "fields": fields}
        return item.tolist()
    return json.dumps(value, default=default)


def decode(text: str) -> Any:
    """What `encode` was given; arrays and tuples that are no field of a dataclass come back as lists."""
    def restore(item):
        if set(item) != {"class", "fields"}:
            return item
        module, _, name = item["class"].partition(":")
        fields = {key: np.array(value) if key == "limits" else value for key, value in item["fields"].items()}
        return getattr(importlib.import_module(module), name)(**fields)
    return json.loads(text, object_hook=restore)


@contextmanager
def tools():
    """The runner looks for Verilator in the environment of this process."""
    saved, extra = dict(os.environ), tool_environment()
    os.environ.update(extra, MAKEFLAGS=f"{extra['MAKEFLAGS']} {OPTIMISATION}")
    try:
        yield get_runner("verilator")
    except (ValueError, SystemExit) as error:
        raise ToolMissing(f"{error}; {HINT}") from None
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else "(no log)"


def simulator(component: Component) -> Path:
    """Folder of the component's simulator for cocotb, from the cache or made now; safe to call in several processes.

    Raises
    ------
    SpikegateError
        If the build fails; `ToolMissing` if Verilator, the compiler or libpython is absent.
    """
    text = to_verilog(component, TOP)
    with build_directory(text, "cocotb", cocotb.__version__, str(cocotb_tools.config.libs_dir), OPTIMISATION) as (folder, finished):
        if not finished:
            (folder / f"{TOP}.v").write_text(text)
            with tools() as runner:
                try:
                    with_runtime(folder / "obj", lambda: runner.build(
                        sources=[folder / f"{TOP}.v"], hdl_toplevel=TOP, build_dir=folder / "obj", build_args=WARNINGS,
                        timescale=("1ns", "1ns"), log_file=folder / "build.log"))
                except RuntimeError as error:
                    raise SpikegateError(f"Verilator build: {error}\n{_tail(folder / 'build.log')}") from None
    return folder / "obj"


def with_runtime(obj: Path, build: Callable[[], None], *options: str) -> None:
    """Build in ``obj`` with Verilator's own runtime, most of the work, from the first build with these options; make finds it up to date."""
    obj.mkdir()
    with build_directory("cocotb runtime", cocotb.__version__, version("verilator"), OPTIMISATION, *options) as (runtime, finished):
        if not finished:
            build()
        for path in (runtime if finished else obj).glob("verilated*.o"):
            copy = shutil.copy(path, obj if finished else runtime)
            # make holds them against the makefile, which is yet to be written
            os.utime(copy, (later := time.time() + 3600, later))
    if finished:
        build()


def run_bench(component: Component, module: str, params: Any, *, model: Any = None, count: int, seed: int, **extra: Any) -> int:
    """Run the cocotb tests of ``module`` on ``component`` and return the number of items compared.

    Parameters
    ----------
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
    built = simulator(component)
    with tempfile.TemporaryDirectory(prefix="spikegate-") as name:
        folder = Path(name)
        entries = {"params": params, "model": params if model is None else model, "count": count, "seed": seed, **extra}
        (folder / "job.json").write_text(encode(entries))
        try:
            get_runner("verilator").test(
                test_module=module, hdl_toplevel=TOP, hdl_toplevel_lang="verilog", build_dir=built, test_dir=folder, seed=seed,
                extra_env={FOLDER_VARIABLE: name, **NO_REWRITE}, results_xml=str(folder / "results.xml"), log_file=folder / "log")
        except (RuntimeError, SystemExit):
            pass  # judged below by what was left behind
        except ValueError as error:
            raise ToolMissing(f"{error}; {HINT}") from None
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
        return found["compared"]


def job() -> dict[str, Any]:
    """Inside the simulator: ``params``, ``model``, ``count``, ``seed`` and the rest that `run_bench` was given."""
    return decode((Path(os.environ[FOLDER_VARIABLE]) / "job.json").read_text())


class Tally:
    """Counts what was compared and keeps the first divergence."""

    def __init__(self):
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


class StreamSource:
    """Sends payloads into the stream port ``name``, pausing before each with probability ``stall`` a cycle."""

    def __init__(self, dut: Any, name: str, rng: random.Random, stall: float):
        self.clock, self.rng, self.stall = dut.clk, rng, stall
        self.valid, self.ready, self.payload = (getattr(dut, f"{name}__{part}") for part in Beat._fields)
        self.valid.value = 0

    async def send(self, payloads) -> None:
        """Send all; returns when the last was taken."""
        for payload in payloads:
            while self.rng.random() < self.stall:
                self.valid.value, self.payload.value = 0, self.rng.getrandbits(len(self.payload))
                await RisingEdge(self.clock)
            self.valid.value, self.payload.value = 1, payload
            await RisingEdge(self.clock)
            while not self.ready.value:
                await RisingEdge(self.clock)
        self.valid.value = 0


class StreamSink:
    """Accepts from the stream port ``name``, not ready with probability ``stall`` in each cycle."""

    def __init__(self, dut: Any, name: str, rng: random.Random, stall: float):
        self.clock, self.rng, self.stall, self.ready = dut.clk, rng, stall, getattr(dut, f"{name}__ready")

    async def run(self) -> None:
        """Forever."""
        while True:
            self.ready.value = int(self.rng.random() >= self.stall)
            await RisingEdge(self.clock)


class Beat(NamedTuple):
    """A stream port just before a clock edge."""

    valid: bool
    ready: bool
    payload: int

    @property
    def fires(self) -> bool:
        """Whether the payload passes at this edge."""
        return self.valid and self.ready


class StreamMonitor:
    """Looks at the stream port ``name``."""

    def __init__(self, dut: Any, name: str):
        self.parts = [getattr(dut, f"{name}__{part}") for part in Beat._fields]

    def sample(self) -> Beat:
        """The port as the rising edge that was just awaited finds it."""
        valid, ready, payload = (number(part) for part in self.parts)
        return Beat(bool(valid), bool(ready), payload)
