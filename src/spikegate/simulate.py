"""`spikegate sim`: every engine on one network, the comparison, the report, the tables and the picture."""

import contextlib
import json
import sys
from collections.abc import Mapping

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from spikegate.cosim.isolation import run
from spikegate.cosim.results import report
from spikegate.cosim.results.compare import describe
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.files import whole_file
from spikegate.models.network.network import Network
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.params import asked_for

__all__ = ["ENGINES", "STREAM_ENGINES", "STREAM_WAVEFORM", "TRACE_LIMIT", "WAVEFORM", "say", "simulate"]

#: Name of each engine in the report, and the function that runs it, the slowest first.
ENGINES = {"rtl": "spikegate.cosim.engines.rtl:run", "brian2_float": "spikegate.translator.brian:run_float",
           "brian2_integer": "spikegate.translator.brian:run_integer", "golden": "spikegate.models.core.engine:run"}
#: The same for networks with stochastic synapses, which Brian2 on integers does not have.
STREAM_ENGINES = {"rtl": "spikegate.cosim.engines.rtl_streams:run",
                  "brian2_float": ENGINES["brian2_float"], "golden": "spikegate.models.core.stream_engine:run"}
#: The RTL, or a board, behind the host link.
LINKED = "spikegate.host:run"
SABOTAGED = "spikegate.cosim.isolation.run:sabotaged"
WAVEFORM, STREAM_WAVEFORM = "spikegate.cosim.engines.rtl:waveform", "spikegate.cosim.engines.rtl_streams:waveform"
SHOWN = ("rtl", "golden", "brian2_integer", "brian2_float")
#: Above this many steps times neurons, membranes are not recorded at every step: several engines hold them at once.
TRACE_LIMIT = 40_000_000
WAVE_STEPS = 3


def say(line: str) -> None:
    """One line on standard error."""
    print(f"spikegate: {line}", file=sys.stderr, flush=True)


def simulate(network: Network, lanes: int, out: str, *, form: str = "tables", sabotage: str | None = None, fault_rate: float | None = None,
             fault_seed: int = 1, link: Mapping | None = None) -> None:
    """Run every engine, and leave report.json, sim.png, network.spikegate and, after a mismatch, mismatch.vcd in ``out``.

    Parameters
    ----------
    network : Network
        What to run.
    lanes : int
        Of the RTL, 1..N.
    out : str
        Folder, made if need be.
    form : str
        What standard output receives: ``tables``, ``markdown`` or ``json``.
    sabotage : str, optional
        One of `engines.DEFECTS`, given to the golden model.
    fault_rate : float, optional
        Each line of every stream path of RTL and golden model is stuck with this probability, 0..1, at 0 or at 1.
    fault_seed : int
        Which lines are stuck; channel c draws with ``fault_seed + c``.
    link : Mapping, optional
        ``port`` and ``baud``: the RTL is run through the host link, on the board on that port, or Verilated if it is None.

    Raises
    ------
    InputError
        If the network has no streams to have faults or no parameters in physical units, the rate is outside 0..1, or the folder cannot be
        written, before any work.
    Mismatch
        If a check failed, after all is written.
    """
    faults = None if fault_rate is None else _stuck(network, fault_rate, fault_seed)
    asked_for(network)
    folder = report.check_writable(out)
    with run.terminable():
        whole, failed = _run(network, lanes, folder, sabotage, faults, fault_rate, link)
    if form == "json":
        print(json.dumps(whole, indent=2))
    elif form == "markdown":
        print(report.markdown(whole))
    else:
        report.print_tables(whole, Console(highlight=False))
    say(f"report {folder / 'report.json'}, picture {folder / 'sim.png'}")
    if not whole["ok"]:
        raise Mismatch("\n".join(failed) or "No check was judged; run for longer")


def _stuck(network, rate, seed):
    streams = network.require_streams()
    return StreamFaults(tuple(FaultParams.random(rate, seed + channel, streams.length) for channel in range(streams.channels)), seed)


def _run(network, lanes, folder, sabotage, faults, fault_rate, link):
    from spikegate.cosim.results.figure import figure
    from spikegate.cosim.results.statistics import summary

    traced = network.n * network.steps <= TRACE_LIMIT and link is None
    if link is not None:
        say("the host link is too slow for membranes at every step: spikes and final states are compared")
    elif not traced:
        say(f"{network.n:,} neurons over {network.steps:,} steps are above {TRACE_LIMIT:,} values: membranes at every step are left out, "
            "spikes and final states are compared")
    targets, faulty = dict(STREAM_ENGINES if network.streams else ENGINES), {"faults": faults} if faults else {}
    if link is not None:
        targets["rtl"] = LINKED
    if network.streams:
        say(f"brian2_integer {report.NOT_RUN}")
    own, jobs = {"rtl": {"lanes": lanes, **faulty, **(link or {})}, "golden": faulty}, []
    for name, target in targets.items():
        options = {"trace": traced, **own.get(name, {})}
        if name == "golden" and sabotage:
            target, options = SABOTAGED, options | {"defect": sabotage}
        jobs.append(run.Job(name, target, network, options))
    with _progress(list(targets)) as tell:
        found = run.run_isolated(jobs, tell, logs=folder)
    results = {name: found[name] for name in SHOWN if name in found}
    recordings = {name: result.recording for name, result in results.items()}
    statistics = {name: summary(recording, network.dt_ns) for name, recording in recordings.items()}
    stuck = sum(int(np.bitwise_count(masks).sum()) for masks in faults.masks()) if faults else 0
    checks = report.judge(network, results, statistics, lanes, traced=traced, faulty=stuck > 0)
    asked = {"rate": fault_rate, "seed": faults.seed, "stuck": stuck} if faults else None
    linked = None if link is None else {key: recordings["rtl"].provenance[key] for key in ("port", "baud")}
    whole = report.build(network, results, statistics, checks, lanes, sabotage=sabotage, faults=asked, link=linked)
    wave, failed = folder / "mismatch.vcd", []
    wave.unlink(missing_ok=True)
    for check in checks:
        if check.ok is False:
            at, shown = check.first_divergence, ""
            if at and at["step"] is not None and not wave.exists():
                shown = _waveform(network, lanes, at["step"], wave, faulty)
            failed.append(describe(check) + shown)
    network.save(folder / "network.spikegate")
    report.write(folder / "report.json", whole)
    figure(recordings, network, folder / "sim.png")
    return whole, failed


def _waveform(network, lanes, step, path, options):
    first, last = max(0, step - WAVE_STEPS), min(network.steps - 1, step + WAVE_STEPS)
    say(f"writing the waveform of steps {first}..{last}")
    try:
        with whole_file(path) as part:
            options = {"lanes": lanes, "first_step": first, "last_step": last, "path": str(part), **options}
            target = STREAM_WAVEFORM if network.streams else WAVEFORM
            run.run_isolated([run.Job("waveform", target, network, options, progress=False)], logs=path.parent)
    except (SpikegateError, OSError) as error:
        return f"; no waveform ({error})"
    return f"; waveform of steps {first}..{last} in {path}"


@contextlib.contextmanager
def _progress(names):
    if sys.stdout.isatty() and sys.stderr.isatty():
        columns = (TextColumn("{task.description:<15}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bars:
            tasks = {name: bars.add_task(name, total=1.0, start=False) for name in names}

            def tell(name, fraction):
                if fraction == 0.0:
                    bars.start_task(tasks[name])
                bars.update(tasks[name], completed=fraction)
            yield tell
        return
    shown = {}

    def tell(name, fraction):
        tenth = int(fraction * 10)
        if tenth > shown.get(name, -1):
            shown[name] = tenth
            say(f"{name} {'started' if tenth == 0 else 'finished' if fraction == 1.0 else f'{tenth * 10} %'}")
    yield tell
