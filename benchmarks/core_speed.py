"""Speed of the engines on one network, side by side in one run: ``make bench``.

Every engine runs in a process of its own, one at a time, in turn, ``--repeats`` times. ``cpu`` is the processor time of the simulation alone, with
spike recording, and ``run`` the seconds that passed meanwhile; ``prepare`` is code generation, compilation and loading. Every engine has one
thread, so that ratios are of the medians of ``cpu``, or of ``run`` where an engine does not tell (cocotb).
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from spikegate.cosim.engines import rtl
from spikegate.cosim.engines.hardware import Cocotb, Rtl
from spikegate.cosim.engines.native import NativeCore
from spikegate.cosim.isolation.run import Job, run_isolated
from spikegate.cosim.isolation.worker import Result
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.core.golden import Golden
from spikegate.models.files import working_folder, write_whole
from spikegate.models.network.engine import Progress
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brian_engines import Brian2Float, Brian2Integer
from spikegate.translator.brian_float import run_standalone
from spikegate.translator.brunel import PRESETS, preset, translate
from spikegate.translator.hybrid import HYBRIDS
from spikegate.translator.hybrid import hybrid as stochastic

__all__ = ["goals", "row", "main"]


def _timed(recording: Recording, run_s: float, prepare_s: float, cpu_s: float | None) -> Recording:
    recording.provenance.update(run_s=run_s, prepare_s=prepare_s, cpu_s=cpu_s)
    return recording


def _told(recording: Recording, *before: str) -> Recording:
    """Timed by what the engine says of itself: what took the time ``before``."""
    said = recording.provenance
    return _timed(recording, said["run_s"], sum(said[name] for name in before), said.get("cpu_s"))


def bench_golden(network: Network, progress: Progress | None = None) -> Recording:
    """Golden model; what it compiles counts as preparation, and so do the hash and connectivity as it reads it."""
    start, _, _ = time.perf_counter(), network.hash, network.rows
    Golden().run(network.replace(steps=1))
    ready, cpu = time.perf_counter(), time.process_time()
    recording = Golden().run(network)
    return _timed(recording, time.perf_counter() - ready, ready - start, time.process_time() - cpu)


def bench_native(network: Network, lanes: int, progress: Progress | None = None) -> Recording:
    """RTL through the native driver."""
    return _told(Rtl(lanes).run(network), "generate_s", "compile_s", "load_s")


def bench_unrolled(network: Network, lanes: int, progress: Progress | None = None) -> Recording:
    """RTL whose lanes stand on their own, as they are synthesised."""
    geometry = CoreGeometry.of(network, lanes)
    made = rtl.build(geometry, rolled=False)
    return _told(rtl.execute(network, geometry, rtl.load_words(network, geometry), trace=False, made=made), "generate_s", "compile_s", "load_s")


def bench_bare(network: Network, lanes: int, progress: Progress | None = None) -> Recording:
    """The Verilated model clocked by the same loop, with nothing looked at but its busy port."""
    geometry = CoreGeometry.of(network, lanes)
    start = time.perf_counter()
    with NativeCore(rtl.build(geometry).path, geometry) as model:
        model.load(rtl.load_words(network, geometry))
        ready, cpu = time.perf_counter(), time.process_time()
        model.bare(rtl.run_word(geometry, network.steps))
        run_s, cpu_s = time.perf_counter() - ready, time.process_time() - cpu
        return _timed(Recording("bare", network.n, network.steps, [], cycles=model.cycles), run_s, ready - start, cpu_s)


def bench_cocotb(network: Network, lanes: int, progress: Progress | None = None) -> Recording:
    """RTL under cocotb, Python woken at the end of the run."""
    return _told(Cocotb(lanes).run(network), "generate_s", "compile_s")


def bench_brian_integer(network: Network, progress: Progress | None = None) -> Recording:
    """Brian2 (Cython) on the same integers."""
    return _told(Brian2Integer("cython").run(network), "codegen_s")


def bench_brian_float(network: Network, progress: Progress | None = None) -> Recording:
    """Brian2 (Cython) on the float original."""
    return _told(Brian2Float("cython").run(network), "codegen_s")


def bench_brian_standalone(network: Network, progress: Progress | None = None) -> Recording:
    """Brian2 C++ standalone on the float original; ``run`` is the whole program."""
    with working_folder() as folder:
        return _told(run_standalone(network, folder), "codegen_s")


def bench_nest(network: Network, progress: Progress | None = None) -> Recording:
    """NEST on one thread on the float original."""
    from spikegate.translator.nest import run_nest
    return _told(run_nest(network, 1), "build_s")


ENGINES = {"golden": bench_golden, "rtl native": bench_native, "rtl unrolled": bench_unrolled, "rtl bare": bench_bare,
           "rtl cocotb": bench_cocotb,
           "brian2 integer": bench_brian_integer, "brian2 cython": bench_brian_float, "brian2 standalone": bench_brian_standalone,
           "nest 1 thread": bench_nest}
#: Those of each stochastic variant.
STREAM_ENGINES = {name: ENGINES[name] for name in ("golden", "rtl native")}
#: (slower, faster, at least this many times): what the project asks of itself.
GOALS = [("nest 1 thread", "rtl native", 4.0), ("rtl unrolled", "rtl native", 3.0), ("brian2 standalone", "rtl native", 1.0),
         ("brian2 cython", "golden", 3.0), ("rtl bare", "rtl native", 0.9), ("rtl unrolled", "rtl cocotb", 0.25),
         *((f"{variant} rtl native", f"{variant} golden", 10.0) for variant in HYBRIDS)]


def row(results: Sequence[Result]) -> dict[str, Any]:
    """What is shown of the runs of one engine: medians of times, the first preparation and the shortest, the largest peak."""
    first, said = results[0], [result.recording.provenance for result in results]
    times, cpu, prepare = ([one[part] for one in said] for part in ("run_s", "cpu_s", "prepare_s"))
    return {"run_s": statistics.median(times), "run_s_all": times, "cpu_s": None if None in cpu else statistics.median(cpu), "cpu_s_all": cpu,
            "prepare_first_s": prepare[0], "prepare_s": min(prepare), "peak_mib": max(result.peak_mib for result in results),
            "spikes": len(first.recording.spikes), "cycles": first.recording.cycles}


def goals(rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`GOALS` held against rows: the ratio of the times of the slower engine and the faster one, asked to be at least the goal."""
    found = []
    for slower, faster, least in GOALS:
        part = "cpu_s" if rows[slower]["cpu_s"] and rows[faster]["cpu_s"] else "run_s"
        ratio = rows[slower][part] / rows[faster][part]
        found.append({"ratio": f"{slower} / {faster}", "measured": ratio, "goal": least, "met": ratio >= least})
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="ai")
    parser.add_argument("--ms", type=float, default=1000.0, help="biological time")
    parser.add_argument("--lanes", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("build/bench/core_speed.json"))
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1, not {options.repeats}")
    network, console = translate(preset(options.preset), name=options.preset, ms=options.ms), Console(width=max(120, Console().width))
    jobs = [Job(name, bench, network,
                {"lanes": options.lanes} if name.startswith("rtl") else {}) for name, bench in ENGINES.items()]
    for variant in HYBRIDS:
        streams = stochastic(network, variant)
        jobs += [Job(f"{variant} {name}", bench, streams, {"lanes": options.lanes} if name.startswith("rtl") else {})
                 for name, bench in STREAM_ENGINES.items()]
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)  # the engines' processes import this file
    runs = {job.name: [] for job in jobs}
    for repeat in range(options.repeats):
        for job in jobs:
            console.print(f"repeat {repeat + 1} of {options.repeats}: {job.name} …", highlight=False)
            runs[job.name] += run_isolated([job]).values()
    rows = {name: row(results) for name, results in runs.items()}
    table = Table("engine", "cpu s", "spread", "run s", "prepare s, first", "again", "peak MiB", "spikes", "Mcycles/s",
                  title=f"{options.preset}, N={network.n}, {options.ms:g} ms, {options.lanes} lanes, median of {options.repeats}")
    for name, one in rows.items():
        rate = f"{one['cycles'] / (one['cpu_s'] or one['run_s']) / 1e6:.2f}" if one["cycles"] else "-"
        cpu = [f"{one['cpu_s']:.3f}", f"{min(one['cpu_s_all']):.3f}..{max(one['cpu_s_all']):.3f}"] if one["cpu_s"] else ["-", "-"]
        table.add_row(name, *cpu, f"{one['run_s']:.3f}", f"{one['prepare_first_s']:.2f}", f"{one['prepare_s']:.2f}", f"{one['peak_mib']:.0f}",
                      f"{one['spikes']:,}" if one["spikes"] else "-", rate)
    console.print(table)
    met = goals(rows)
    for goal in met:
        console.print(f"{goal['ratio']} = {goal['measured']:.2f}, goal {goal['goal']:g}: {'met' if goal['met'] else 'missed'}", highlight=False)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.json, json.dumps({"network": network.hash, "engines": rows, "goals": met}, indent=1) + "\n")
    console.print(f"written to {options.json}", highlight=False)


if __name__ == "__main__":
    import core_speed  # under its name, by which the engines' processes find what they run

    core_speed.main()
