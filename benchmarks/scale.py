"""The golden model of point networks at scale: time, memory and statistics, into docs/scale.json and the tables of docs/scale.md.

    microcircuit   Potjans and Diesmann's network, of a scale and on one thread or two: build, nanoseconds an event, rates, irregularity, correlations
    nest           the same network in NEST, and the golden model beside it, at a common scale
    sizes          networks of 1,000 inputs a neuron, a weight and a delay each, of several sizes
    compare        cuba against Brian2's C++ standalone, and the plain golden model beside the compiled one

Times are of one processor, as the system counts them, and by the clock where two threads run; every part adds its entry to the file.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scale_parts as parts

from spikegate.models.core import point_compiled
from spikegate.models.files import write_whole
from spikegate.translator.microcircuit import POPULATIONS, RATES, MicrocircuitParams, microcircuit

__all__ = ["main", "tables"]

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- {} -->", "<!-- end of {} -->"
#: Steps that are left out of statistics.
TRANSIENT = 5000
#: Steps of a run that is only compared and timed.
SHORT = 2000


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _told(what: str) -> Callable[[float], None]:
    shown = [0]

    def tell(done: float) -> None:
        if int(20 * done) > shown[0]:
            shown[0] = int(20 * done)
            _say(f"{what} {done:.0%}")
    return tell


def _microcircuit(options: argparse.Namespace) -> dict[str, Any]:
    parts.warm()
    found: dict[str, Any] = {}
    params, start = MicrocircuitParams(scale=options.scale, tables=True), time.process_time()
    network = microcircuit(params, options.ms)
    built = time.process_time() - start
    synapses = network.synapses
    held = synapses.packed.nbytes + synapses.offsets.nbytes + synapses.base.nbytes
    _say(f"built in {built:.1f} s of processor time, {len(synapses.packed):,} synapses, {held / len(synapses.packed):.2f} bytes each")
    recordings = {}
    for threads in options.threads:  # those after the first for a shorter time, and held against it
        shorter = network if threads == options.threads[0] else network.replace(steps=min(network.steps, SHORT))
        shorter.__dict__["hash"] = "0" * 64  # not what is measured
        recording, seconds, undisturbed = parts.timed(shorter, threads, _told(f"microcircuit, {threads} threads"))
        carried, biological = parts.events(shorter, recording), shorter.steps * shorter.dt_ns * 1e-9
        recordings[threads] = recording
        first = recordings[options.threads[0]].spikes
        found[f"microcircuit {options.scale:g} {threads}"] = {
            "scale": options.scale, "threads": threads, "neurons": network.n, "synapses": len(synapses.packed), "build_s": built,
            "bytes_a_synapse": held / len(synapses.packed), "ms": 1000 * biological, "events_a_second": carried / biological,
            "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "processor_s_a_second": seconds / biological,
            "undisturbed_s_a_second": undisturbed / biological, "ns_an_event": 1e9 * seconds / carried, "spikes": len(recording.spikes),
            "same": bool(np.array_equal(recording.spikes, first[first[:, 0] < shorter.steps])),
            "statistics": parts.statistics(shorter, recording, min(TRANSIENT, shorter.steps // 2)) if shorter is network else None}
        _say(json.dumps({name: value for name, value in found[f"microcircuit {options.scale:g} {threads}"].items() if name != "statistics"}))
    return found


def _nest(options: argparse.Namespace) -> dict[str, Any]:
    from scale_nest import run_nest

    parts.warm()
    params = MicrocircuitParams(scale=options.scale, tables=True)
    network = microcircuit(params, options.ms)
    recording, seconds, _ = parts.timed(network, 1, _told("golden"))
    theirs = run_nest(params, options.ms)
    transient = min(TRANSIENT, network.steps // 2)
    found = {"scale": options.scale, "ms": options.ms, "synapses": len(network.synapses.packed), "golden_s": seconds, "nest_s": theirs.pop("run_s"),
             "golden": parts.statistics(network, recording, transient), "nest": parts.statistics(network, theirs.pop("recording"), transient),
             **theirs}
    return {"nest": found | {"ratio": found["nest_s"] / seconds}}


def _sizes(options: argparse.Namespace) -> dict[str, Any]:
    parts.warm()
    return {f"size {n}": parts.size(n, options.ms) for n in options.n}


def _compare(options: argparse.Namespace) -> dict[str, Any]:
    parts.warm()
    return {"compare": parts.compare(options.ms)}


def _rows(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def tables(found: dict[str, Any]) -> dict[str, str]:
    """Each table of the page in Markdown, by name."""
    circuits = [each for name, each in found.items() if name.startswith("microcircuit")]
    made = {"microcircuit": _rows(
        ["scale", "threads", "neurons", "synapses", "build, s", "bytes a synapse", "peak, GB", "million events a second", "processor, s a second",
         "undisturbed, s a second", "ns an event"],
        [[f"{each['scale']:g}", str(each["threads"]), f"{each['neurons']:,}", f"{each['synapses']:,}", f"{each['build_s']:.1f}",
          f"{each['bytes_a_synapse']:.2f}", f"{each['peak_gb']:.2f}", f"{each['events_a_second'] / 1e6:.1f}", f"{each['processor_s_a_second']:.2f}",
          f"{each['undisturbed_s_a_second']:.2f}", f"{each['ns_an_event']:.2f}"] for each in circuits])}
    columns = [(f"scale {each['scale']:g}", each["statistics"]) for each in circuits if each["threads"] == 1]
    if "nest" in found:
        columns += [(f"{title}, scale {found['nest']['scale']:g}", found["nest"][key]) for key, title in (("golden", "golden"), ("nest", "NEST"))]
    made["statistics"] = _rows(
        ["population", "published, Hz", *(f"{title}: Hz, CV, correlation" for title, _ in columns)],
        [[name, f"{RATES[k]:.2f}", *(f"{each[name]['rate']:.2f}, {each[name]['cv']:.2f}, {each[name]['correlation']:.4f}" for _, each in columns)]
         for k, name in enumerate(POPULATIONS)])
    sizes = sorted((each for name, each in found.items() if name.startswith("size")), key=lambda each: each["neurons"])
    made["sizes"] = _rows(
        ["neurons", "synapses", "processor, s a second", "ns an event", "synapses, MB", "peak, GB"],
        [[f"{each['neurons']:,}", f"{each['synapses']:,}", f"{each['processor_s_a_second']:.3f}", f"{each['ns_an_event']:.2f}",
          f"{each['bytes'] / 1e6:.0f}", f"{each['peak_gb']:.2f}"] for each in sizes])
    if len(sizes) > 1:
        slope = np.polyfit(*np.log([[each["events_a_second"] for each in sizes], [each["processor_s_a_second"] for each in sizes]]), 1)[0]
        made["sizes"] += f"\n\nTime grows with the events to the power {slope:.2f}."
    return made


def publish(found: dict[str, Any], page: Path) -> None:
    """Write the tables into the page, between their marks."""
    text = page.read_text()
    for name, table in tables(found).items():
        start, end = START.format(name), END.format(name)
        if start in text:
            text = text[:text.index(start) + len(start)] + f"\n{table}\n" + text[text.index(end):]
    write_whole(page, text)


def main(arguments: list[str] | None = None) -> int:
    """Measure one part, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {"microcircuit": _microcircuit, "nest": _nest, "sizes": _sizes,
                                                                       "compare": _compare}
    parser.add_argument("part", choices=kinds)
    parser.add_argument("--scale", type=float, default=1.0, help="of the microcircuit (default %(default)s)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of the microcircuit, one run each (default 1 2)")
    parser.add_argument("--ms", type=float, default=1000.0, help="biological time (default %(default)s)")
    parser.add_argument("--n", type=int, nargs="+", default=[1000, 3000, 10_000, 30_000, 100_000], help="of sizes (default 1000 to 100000)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of scale.json and of the page scale.md, if it has one")
    options = parser.parse_args(arguments)
    if point_compiled.reasons(microcircuit(MicrocircuitParams(scale=0.002, tables=True), 1.0)):
        _say("There is no C compiler, and the plain model would take very long; install gcc")
        return 3
    file = options.out / "scale.json"
    new = kinds[options.part](options)
    found = json.loads(file.read_text()) if file.exists() else {}
    found |= new
    write_whole(file, json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(json.dumps(new, indent=1))
    if (page := options.out / "scale.md").exists():
        publish(found, page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
