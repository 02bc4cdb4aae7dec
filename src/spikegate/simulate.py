"""`spikegate sim`: every engine on one network, the comparison, the report, the tables and the picture."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from spikegate.cosim.isolation import run
from spikegate.cosim.results import report
from spikegate.cosim.results.compare import Check, describe
from spikegate.cosim.results.effects import LEAST_SEEDS
from spikegate.cosim.results.tables import markdown, print_tables
from spikegate.models.errors import InputError, Mismatch, SpikegateError
from spikegate.models.files import whole_file
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.engine import Agreement, Engine, Hardware
from spikegate.models.network.recording import Recording

__all__ = ["MAX_SEEDS", "TRACE_LIMIT", "say", "simulate"]

#: Above this many steps times neurons, membranes are not recorded at every step: several engines hold them at once.
TRACE_LIMIT = 40_000_000
MAX_SEEDS = 1000
WAVE_STEPS = 3
#: Dots an inch of pictures.
SCREEN, PRINT = 100, 300


def say(line: str) -> None:
    """One line on standard error."""
    print(f"spikegate: {line}", file=sys.stderr, flush=True)


def simulate(network: FrozenNetwork, engines: Sequence[Engine[Any]], out: str, *, form: str = "tables", seeds: int = 1,
             picture: str | None = None, **said: Any) -> None:
    """Run every engine, and leave report.json, report.html, sim.png, network.spikegate and, after a mismatch, mismatch.vcd in ``out``.

    Parameters
    ----------
    network : FrozenNetwork
        What to run.
    engines : sequence of Engine
        One of them `Hardware`, which the others are held against. That and bit-true ones have to support the network; the others are left out
        with their reason if they do not.
    out : str
        Folder, made if need be.
    form : str
        What standard output receives: ``tables``, ``markdown`` or ``json``.
    seeds : int
        1, or at least 3: effects are judged by their mean over so many runs with other random numbers on the same connectivity.
    picture : str, optional
        Another file for the picture, in print quality: PNG, SVG or PDF by its ending.
    **said
        For the report's provenance.

    Raises
    ------
    InputError
        If an engine that is needed does not support the network, its source contradicts its integers, or the folder cannot be written, before
        any work.
    Mismatch
        If a check failed, after all is written.
    """
    if seeds != 1 and not LEAST_SEEDS <= seeds <= MAX_SEEDS:
        raise InputError(f"--seeds must be 1 or in {LEAST_SEEDS}..{MAX_SEEDS}, not {seeds}; two runs do not tell how far chance goes")
    if seeds != 1 and not network.draws:
        raise InputError(f"--seeds {seeds} repeats a run with other random numbers, and {network.name!r} draws none; leave it out, or run for longer")
    network.require_consistent()
    absent = _absent(network, engines)
    folder = report.check_writable(out)
    pictures = {folder / "sim.png": SCREEN, **({} if picture is None else {_print_file(picture): PRINT})}
    for name, reason in absent.items():
        say(f"{name} is not run: {reason}")
    with run.terminable():
        ran = _run(network, engines, absent, folder, seeds)
        checks = report.judge(ran)
        whole = report.build(ran, checks, **said)
        failed = _leave(ran, checks, whole, folder)
        for path, dpi in pictures.items():
            _draw(ran, path, dpi)
    if form == "json":
        print(json.dumps(whole, indent=2))
    elif form == "markdown":
        print(markdown(whole))
    else:
        print_tables(whole, Console(highlight=False))
    for line in whole["warnings"]:
        say(f"WARNING: {line}")
    say(f"report {folder / 'report.json'}, page {folder / 'report.html'}, picture {' and '.join(map(str, pictures))}")
    if not whole["ok"]:
        raise Mismatch("\n".join([*failed, report.last_line(checks)]))
    say(report.last_line(checks))


def _absent(network: FrozenNetwork, engines: Sequence[Engine[Any]]) -> dict[str, str]:
    """Why engines that are not needed do not run; `InputError` if one that is needed cannot."""
    absent, refused = {}, []
    for engine in engines:
        if reasons := engine.unsupported(network):
            if isinstance(engine, Hardware) or engine.agreement == Agreement.BIT_TRUE:
                refused += [reason for reason in reasons if reason not in refused]
            else:
                absent[engine.name] = "; ".join(reasons)
    if refused:
        raise InputError("\n".join(refused))
    return absent


def _run(network: FrozenNetwork, engines: Sequence[Engine[Any]], absent: Mapping[str, str], folder: Path, seeds: int) -> report.Run:
    small = network.n * network.steps <= TRACE_LIMIT
    traced = small and all(engine.traces for engine in engines)
    if not traced:
        slow = next((engine.title for engine in engines if not engine.traces), None)
        say((f"{network.n:,} neurons over {network.steps:,} steps are above {TRACE_LIMIT:,} values: membranes at every step are left out, "
             if slow is None else f"{slow} is too slow for membranes at every step: ") + "spikes and final states are compared")
    present = [engine for engine in engines if engine.name not in absent]
    jobs = [run.Job(engine.name, engine.run, network, {"trace": traced}) for engine in present]
    compared = [engine for engine in present if isinstance(engine, Hardware) or engine.agreement == Agreement.STATISTICAL]
    for seed in range(1, seeds):
        other = network.reseeded(seed)
        jobs += [run.Job(f"{engine.name}, seed {seed + 1}", engine.run, other) for engine in compared]
    with _progress([job.name for job in jobs]) as tell:
        found = run.run_isolated(jobs, tell, logs=folder)
    more = [{"rtl" if isinstance(engine, Hardware) else engine.name: _recording(found[f"{engine.name}, seed {seed + 1}"]) for engine in compared}
            for seed in range(1, seeds)]
    return report.Run(network, engines, {engine.name: found[engine.name] for engine in present}, absent, traced, more)


def _recording(result: run.Result) -> Recording:
    assert result.recording is not None
    return result.recording


def _leave(ran: report.Run, checks: Sequence[Check], whole: Mapping[str, Any], folder: Path) -> list[str]:
    """Write what a run leaves, and say what failed: one line a check."""
    from spikegate.cosim.results.page import write_page

    network, wave, failed = ran.network, folder / "mismatch.vcd", []
    wave.unlink(missing_ok=True)
    network.save(folder / "network.spikegate")
    report.write(folder / "report.json", whole)
    for check in checks:
        if check.failed:
            at, shown = check.first_divergence, ""
            if at and at["step"] is not None and not wave.exists():
                shown = _waveform(ran.hardware, network, at["step"], wave)
            failed.append(describe(check) + shown)
    write_page(folder / "report.html", ran, checks, whole, wave.name if wave.exists() else None)
    return failed


def _print_file(name: str) -> Path:
    """The file of ``--figure``; `InputError` if it cannot be."""
    from spikegate.cosim.results.figure import FORMATS

    path = Path(name)
    if path.suffix not in FORMATS:
        raise InputError(f"--figure must end in {', '.join(FORMATS)}, not be {name!r}; give for example --figure sim.svg")
    return report.check_writable(path.parent, "--figure") / path.name


def _draw(ran: report.Run, path: Path, dpi: int) -> None:
    from spikegate.cosim.results.figure import figure

    figure(ran.recordings, ran.network, path, dpi, ran.hardware.title)


def _waveform(hardware: Hardware[Any], network: FrozenNetwork, step: int, path: Path) -> str:
    first, last = max(0, step - WAVE_STEPS), min(network.steps - 1, step + WAVE_STEPS)
    say(f"writing the waveform of steps {first}..{last}")
    try:
        with whole_file(path) as part:
            job = run.Job("waveform", hardware.waveform, network, {"first": first, "last": last, "path": str(part)})
            run.run_isolated([job], logs=path.parent)
    except (SpikegateError, OSError) as error:
        return f"; no waveform ({error})"
    return f"; waveform of steps {first}..{last} in {path}"


@contextlib.contextmanager
def _progress(names: Sequence[str]) -> Iterator[Callable[[str, float], None]]:
    if sys.stdout.isatty() and sys.stderr.isatty():
        columns = (TextColumn("{task.description:<15}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bars:
            tasks = {name: bars.add_task(name, total=1.0, start=False) for name in names}

            def tell(name: str, fraction: float) -> None:
                if fraction == 0.0:
                    bars.start_task(tasks[name])
                bars.update(tasks[name], completed=fraction)
            yield tell
        return
    shown: dict[str, int] = {}

    def tell(name: str, fraction: float) -> None:  # type: ignore[no-redef]
        tenth = int(fraction * 10)
        if tenth > shown.get(name, -1):
            shown[name] = tenth
            say(f"{name} {'started' if tenth == 0 else 'finished' if fraction == 1.0 else f'{tenth * 10} %'}")
    yield tell
