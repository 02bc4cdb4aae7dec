"""Speed against Brian2 and NEST on one network, side by side in one run: ``python benchmarks/brian2_benchmark.py --scales 1000 10000 --repeats 3``.

Every engine runs alone in a process of its own, in turn, ``--repeats`` times, with the same connectivity, initial membranes, delay and drive
statistics, and records every spike. Scale N is 0.8 N excitatory and 0.2 N inhibitory neurons with 10 % of either as inputs: of `ai` below 5000
neurons, and of `brunel2000` from there on, whose own size is 12,500. What is timed:

    cpu      processor time of drawing the external events and of the run. Where both are one loop (Brian2, NEST, v3), of that loop; where the
             engine says how long the drawing took (v1, v18, v20), ``draw`` and ``run`` are its parts. All run on one thread, but NEST on two
             where it says so: there it is the sum
    wall     seconds that passed meanwhile, which other work on the machine makes more. Standalone does not tell: it takes its time by ``std::clock``
    prepare  before it. Brian2: building objects, code generation and compiling; for standalone also loading, the program's time but for its loop.
             NEST: building the network. Variants: loading or compiling code, with a few steps, and connectivity in the form that it reads

``MiB`` is the peak of the process that simulates, from its start on; for standalone that of the compiled program. Events are spikes times the
targets of their neurons that fall due within the run. Goals are ratios of medians of the processor times; those of v18 and v20 are also
shown for ``run`` alone, on recorded events. The exit code is 0, 1 if an engine fails, 2 for bad input; a missed goal is no failure.
"""

import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from side_by_side import Parser, command, finite, known, measure, need, number, output, provenance, reason, say, show, write
from speed_engines import ENGINES, TITLES, Engine, variant

from spikegate.cosim.isolation.run import Job
from spikegate.cosim.results.statistics import summary
from spikegate.models.errors import InputError
from spikegate.models.files import working_folder
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate
from spikegate.translator.params import check
from spikegate.translator.variants import VARIANTS

__all__ = ["GOALS", "Goal", "goals", "main"]

PROGRAM = "brian2_benchmark"
#: From this many neurons on, another preset and a shorter time are the default.
LARGE = 5000
#: Above this peak, a network of 10,000 neurons takes too much.
MEMORY_MIB = 2048
LEFT_OUT = "skipped: left out by --engines"
HEADERS = ("engine", "cpu s", "draw s", "run s", "wall s", "prepare s", "MiB", "ns/event", "rate Hz", "CV ISI", "corr.", "status")
TIMES = ("cpu_s", "draw_s", "run_s", "wall_s", "prepare_s")


@dataclass(frozen=True)
class Goal:
    """At scale ``n``, the processor time of ``slower`` over ``part`` of that of ``faster`` is to be at least ``least``."""

    slower: str
    faster: str
    least: float
    n: int
    part: str = "cpu_s"


GOALS = [Goal("brian2_standalone", "v3", 10.0, 10_000), Goal("nest_1", "v3", 40.0, 10_000),
         *(Goal("brian2_standalone", "v18", 5.0, n, part) for n in (1000, 10_000) for part in ("cpu_s", "run_s")),
         *(Goal("brian2_cython", "v20", 0.5, 1000, part) for part in ("cpu_s", "run_s"))]


def goals(rows: Sequence[Mapping[str, Any]], n: int) -> list[dict[str, Any]]:
    """Each goal of this scale: ``goal``, ``measured``, ``asked`` and ``met``, which is None where an engine has no time."""
    by_name, found = {row["engine"]: row for row in rows}, []
    median = lambda name, part: ((by_name.get(name) or {}).get(part) or {}).get("median")  # noqa: E731
    for goal in (goal for goal in GOALS if goal.n == n):
        slower, faster = median(goal.slower, "cpu_s"), median(goal.faster, goal.part)
        ratio = slower / faster if slower and faster else None
        found.append({"goal": f"{goal.slower} / {goal.faster}" + ("" if goal.part == "cpu_s" else ", run alone"), "measured": ratio,
                      "asked": goal.least, "met": None if ratio is None else ratio >= goal.least})
    peaks = [row["peak_mib"] for row in rows if row["engine"].startswith("v") and row["peak_mib"]]
    if n == 10_000:
        found.append({"goal": "MiB, largest of the variants, at most", "measured": max(peaks, default=None), "asked": MEMORY_MIB,
                      "met": max(peaks) <= MEMORY_MIB if peaks else None})
    return found


def _spread(values: Iterable[float | None]) -> dict[str, Any] | None:
    known_values = [value for value in values if value is not None]
    if not known_values:
        return None
    return {"mean": statistics.mean(known_values), "std": statistics.stdev(known_values) if len(known_values) > 1 else None,
            "median": statistics.median(known_values), "min": min(known_values), "all": known_values}


def _network(n: int, name: str | None, ms: float | None, seed: int) -> Network:
    name = name or ("brunel2000" if n >= LARGE else "ai")
    if n % 5 or n < 5:
        raise InputError(f"--scales must be multiples of 5, four excitatory neurons to one inhibitory, not {n}; use {max(5, round(n / 5) * 5)}")
    bp = replace(preset(name), n_exc=4 * n // 5, n_inh=n // 5, seed=seed)
    if min(bp.c_exc, bp.c_inh) < 1:
        raise InputError(f"--scales must have in-degrees of at least 1, and {n} neurons have C_E = {bp.c_exc} and C_I = {bp.c_inh}; use at least 30")
    check(bp)
    return translate(bp, name=name, ms=ms or (200.0 if n >= LARGE else 1000.0))


def _events(recording: Recording, network: Network) -> int:
    due = recording.spikes[recording.spikes[:, 0] + network.delay < network.steps, 1]
    return int(np.diff(network.indptr.astype(np.int64))[due].sum())


def _calibrate(name: str, engine: Engine, network: Network, repeats: int) -> None:
    steps = max(20, network.steps // 100)
    if not engine.slow or steps >= network.steps:
        return
    job = Job(f"{name}, calibration", engine.work, network.replace(steps=steps), engine.options)
    a_run = measure(job).recording.provenance["wall_s"] * network.steps / steps
    say(f"{name}, N={network.n:,}: about {a_run:.1f} s a run, {a_run * repeats:.0f} s in all, as {steps} steps took")


def _scale(network: Network, engines: Mapping[str, Engine], repeats: int, folder: str) -> list[dict[str, Any]]:
    """The rows of one network."""
    results: dict[str, list[Any]] = {name: [] for name in engines}
    status = dict.fromkeys(engines, "ok")
    for repeat in range(repeats):
        began = time.perf_counter()
        for name, engine in engines.items():
            if status[name] != "ok":
                continue
            try:
                if engine.package:
                    need(engine.package)
                if not repeat:
                    _calibrate(name, engine, network, repeats)
                say(f"N={network.n:,}, repeat {repeat + 1} of {repeats}: {name} …")
                options = {**engine.options, **({"folder": folder} if name == "brian2_standalone" else {})}
                results[name].append(measure(Job(name, engine.work, network, options)))
            except Exception as error:  # whatever an engine does, the others run
                status[name] = reason(error)
                say(f"{name}: {status[name]}")
        if not repeat and repeats > 1:
            say(f"N={network.n:,}: at most {(time.perf_counter() - began) * (repeats - 1):.0f} s to go")
    return [_row(name, network, results[name], status[name]) for name in engines]


def _row(name: str, network: Network, results: Sequence[Any], status: str) -> dict[str, Any]:
    row: dict[str, Any] = {"engine": name, "n": network.n, "status": status, "repeats": len(results), "peak_mib": None, "events": None,
                           "ns_per_event": None, **dict.fromkeys([*TIMES, "spikes", "rate_hz", "cv_isi", "intervals", "correlation"])}
    if status != "ok" or not results:
        return row
    said, recording = [result.recording.provenance for result in results], results[0].recording
    parts = [{**one, **({} if "draw_s" in one else {"run_s": None})} for one in said]
    row |= {part: _spread(one.get(part) for one in parts) for part in TIMES} | summary(recording, network.dt_ns)
    row |= {"peak_mib": max(one.get("program_mib", result.peak_mib) for one, result in zip(said, results)), "events": _events(recording, network)}
    row["prepare_s"] = {**row["prepare_s"], "first": said[0]["prepare_s"]}
    return row | {"ns_per_event": 1e9 * row["cpu_s"]["mean"] / row["events"] if row["events"] else None}


def _time(spread: Mapping[str, Any] | None) -> str:
    return "-" if spread is None else f"{spread['mean']:.4g}" + ("" if spread["std"] is None else f" ± {spread['std']:.2g}")


def _cells(row: Mapping[str, Any]) -> list[str]:
    first = (row["prepare_s"] or {}).get("first")
    forms = {"peak_mib": ".0f", "ns_per_event": ".2f", "rate_hz": ".2f", "cv_isi": ".3f", "correlation": ".4f"}
    return [TITLES.get(row["engine"], row["engine"]), *(_time(row[part]) for part in TIMES[:4]), number(first, ".2f"),
            *(number(row[key], form) for key, form in forms.items()), row["status"]]


def _verdict(goal: Mapping[str, Any]) -> str:
    if goal["met"] is None:
        return "not measured"
    return "met" if goal["met"] else f"missed by {abs(1 - goal['measured'] / goal['asked']):.0%}"


def _benchmark(argv: Sequence[str]) -> int:
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("--scales", nargs="+", type=int, default=[1000, 10_000], metavar="N", help="neurons (default 1000 10000)")
    parser.add_argument("--repeats", type=int, default=3, metavar="K", help="runs of each engine (default %(default)s)")
    parser.add_argument("--preset", metavar="NAME", help=f"scaled to N (default ai below {LARGE} neurons, brunel2000 from there on)")
    parser.add_argument("--ms", type=finite, metavar="T", help=f"biological time (default 1000, 200 from {LARGE} neurons on)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of connectivity, initial membranes and drive (default %(default)s)")
    parser.add_argument("--engines", nargs="+", metavar="E", help=f"of {', '.join(ENGINES)}, and any other variant, by number")
    options = parser.parse_args(argv)
    if options.repeats < 1:
        raise InputError(f"--repeats must be at least 1, not {options.repeats}; one run is the least")
    if options.ms is not None and options.ms <= 0:
        raise InputError(f"--ms must be above 0 ms, not {options.ms:g}; use a whole number of steps of 0.1 ms")
    names = [*ENGINES, *(f"v{v.number}" for v in VARIANTS.values() if f"v{v.number}" not in ENGINES)]
    chosen = [known("--engines", name, names) for name in options.engines or ENGINES]
    if options.preset is not None:
        known("--preset", options.preset)
    output(options.json)
    networks = [_network(n, options.preset, options.ms, options.seed) for n in dict.fromkeys(options.scales)]
    engines, scales = {name: ENGINES[name] if name in ENGINES else variant(name) for name in chosen}, []
    for network in networks:
        ms = network.steps * network.dt_ns / 1e6
        with working_folder() as folder:
            rows = _scale(network, engines, options.repeats, folder)
        rows += [_row(name, network, [], LEFT_OUT) for name in ENGINES if name not in chosen]
        met = goals(rows, network.n)
        scales.append({"n": network.n, "network": network.hash, "preset": network.name, "ms": ms, "steps": network.steps, "seed": options.seed,
                       "synapses": network.synapses, "engines": rows, "goals": met})
        show(f"{network.name}, N={network.n:,}, {network.synapses:,} synapses, {ms:g} ms, {options.repeats} repeats, mean ± standard deviation; "
             "prepare of the first", HEADERS, [_cells(row) for row in rows], options.markdown, ("engine", "status"))
        if met:
            show(f"Goals at N={network.n:,}", ("goal", "measured", "asked", "verdict"),
                 [[goal["goal"], number(goal["measured"], ".2f"), f"{goal['asked']:g}", _verdict(goal)] for goal in met],
                 options.markdown, ("goal", "verdict"))
    if options.json:
        write(options.json, {"scales": scales, "provenance": provenance(PROGRAM, argv)})
        say(f"written to {options.json}")
    return int(any(row["status"].startswith("fails") for scale in scales for row in scale["engines"]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    return command(PROGRAM, lambda: _benchmark(arguments))


if __name__ == "__main__":
    sys.exit(main())
