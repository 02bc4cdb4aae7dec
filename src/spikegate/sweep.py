"""`spikegate sweep`: many runs of one network with other parameters, on all cores or on a cluster, as one table."""

import argparse
import contextlib
import csv
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikegate import grid, networks
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.files import whole_file, write_whole
from spikegate.models.hints import lacking
from spikegate.models.surroundings import clean_environment

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["add_options", "add_workers", "sweep", "tenths", "run"]

OUT, DONE = "build/sweep", "points.jsonl"
#: Endings of files of ``--table``.
TABLES = (".csv", ".parquet")
#: How often a point may lose its worker before it is taken for the reason.
DEATHS = 3
ANSWER_S = 10
SHOWN = 40


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of a network, each with one value or several, and where its runs go."""
    networks.add_options(parser)
    for action in parser._actions:
        if action.dest in grid.AXES:
            action.type = None
    parser.add_argument("--engine", metavar="NAME", default="golden", help="golden (default), rtl, brian2_float or another that runs the network")
    parser.add_argument("--lanes", type=int, metavar="L", help="of the RTL")
    parser.add_argument("--table", metavar="FILE", help="write the table into this file, too: .parquet or .csv")
    add_workers(parser, OUT, "sweep.csv")
    parser.set_defaults(command=run)


def add_workers(parser: argparse.ArgumentParser, out: str, table: str) -> None:
    """Options of where runs go."""
    parser.add_argument("--workers", type=int, metavar="W", default=os.cpu_count() or 1, help="processes on this machine (default %(default)s, its "
                        "cores)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that exists, such as tcp://host:8786, in place of processes here; "
                        "its workers need spikegate")
    parser.add_argument("--out", metavar="DIR", default=out, help=f"folder for {table}, the picture, and what is done so far: the same command "
                        "goes on from there (default %(default)s)")


@contextlib.contextmanager
def _cluster(workers: int, scheduler: str | None) -> "Iterator[Client]":
    try:
        import dask
        from distributed import Client, LocalCluster
    except ModuleNotFoundError:
        raise lacking("Dask", "sweep") from None
    quiet = {"distributed.scheduler.allowed-failures": DEATHS, "distributed.admin.tick.limit": "1h"}
    # Workers import nothing of the working folder.
    with dask.config.set(quiet), clean_environment(PYTHONSAFEPATH="1"), contextlib.ExitStack() as stack:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        if scheduler is None:
            # Any free port for its health page, no dashboard: a second sweep on this machine is nothing to be warned of.
            address: Any = stack.enter_context(LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0",
                                                            scheduler_kwargs={"dashboard": False}, silence_logs=logging.CRITICAL))
        else:
            address = scheduler
        try:
            client = stack.enter_context(Client(address, timeout=ANSWER_S, set_as_default=False))
        except (OSError, ValueError) as error:
            raise InputError(f"--scheduler {scheduler} does not answer within {ANSWER_S} s ({str(error).splitlines()[0]}); "
                             "start one with: dask scheduler") from None
        yield client


def _done(file: Path) -> dict[str, dict[str, Any]]:
    """What earlier runs have left, by key; a line that was being written when a process was killed does not count."""
    found = {}
    for line in file.read_text(errors="replace").splitlines() if file.exists() else ():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            read = json.loads(line)
            found[read.pop("key")] = read
    return found


def sweep(combined: Sequence[grid.Run], folder: Path, *, workers: int = 1, scheduler: str | None = None,
          progress: Callable[[int, int], None] | None = None, patient: bool = True) -> list[dict[str, Any]]:
    """What the work of each point gives, in their order.

    Every result is kept in ``points.jsonl`` of ``folder`` as soon as it is there, and what is there already is not run again. A worker that dies
    loses nothing: its point is run by another.

    Parameters
    ----------
    combined : sequence of Run
    folder : Path
        That exists.
    workers : int
        Processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler whose workers are used instead.
    progress : callable, optional
        Called with the points done, and all.
    patient : bool
        Whether a point that fails waits for all others, so that they are kept.

    Raises
    ------
    InputError
        If there cannot be so many workers, or the scheduler does not answer.
    SpikegateError
        With the first point that failed.
    """
    if scheduler is None and not 1 <= workers <= 1024:
        raise InputError(f"--workers must be in 1..1024, not {workers}")
    found = _done(folder / DONE)
    left = [point for point in combined if point.key not in found]
    tell = progress or (lambda done, every: None)
    tell(len(combined) - len(left), len(combined))
    failed: list[tuple[grid.Run, BaseException]] = []
    if left:
        with _cluster(workers, scheduler) as client, open(folder / DONE, "a") as kept:
            from distributed import as_completed
            futures = {client.submit(point.work, point, key=f"{point.key}-{number}", pure=False): point for number, point in enumerate(left)}
            for future in as_completed(list(futures), loop=client.loop):
                point = futures[future]
                if (error := future.exception()) is not None:
                    failed.append((point, error))
                    if patient:
                        continue
                    client.cancel(list(futures))
                    break
                found[point.key] = future.result()
                print(json.dumps({"key": point.key, **found[point.key]}), file=kept, flush=True)
                tell(len(combined) - len(left) + sum(each.key in found for each in left), len(combined))
    if failed:
        point, error = failed[0]
        what = ", ".join(f"{name}={text}" for name, text in point.options) + ": " * bool(point.options)
        if isinstance(error, SpikegateError):
            raise type(error)(f"{what}{error}")
        raise SpikegateError(f"{what}{_lost(error)}; {len(combined) - len(failed)} of {len(combined)} points are kept in {folder / DONE}")
    return [found[point.key] for point in combined]


def _lost(error: BaseException) -> str:
    if type(error).__name__ == "KilledWorker":
        return f"its process died {DEATHS + 1} times, as when memory runs out; use a smaller network or fewer workers"
    return f"{type(error).__name__}: {error}"


def _table(names: Sequence[str], combined: Sequence[grid.Point], results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**{name: dict(point.options)[name] for name in names}, **result} for point, result in zip(combined, results, strict=True)]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return text.getvalue()


def _table_file(name: str) -> Path:
    """The file of ``--table``; `InputError` if it cannot be, `ToolMissing` without what writes it."""
    from spikegate.cosim.results.report import check_writable

    path = Path(name)
    if path.suffix not in TABLES:
        raise InputError(f"--table must end in {' or '.join(TABLES)}, not be {name!r}; give for example --table table.parquet")
    if path.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ModuleNotFoundError:
            raise lacking("pyarrow, which writes Parquet,", "sweep") from None
    return check_writable(path.parent, "--table") / path.name


def _write(text: str, path: Path) -> None:
    """A table in CSV into a file, as its ending says: whole numbers, floats, names, and nothing where a field is empty."""
    if path.suffix == ".csv":
        write_whole(path, text)
        return
    from pyarrow import csv as reader
    from pyarrow import parquet, string

    kinds = reader.ConvertOptions(column_types={"network": string()}, strings_can_be_null=True)
    with whole_file(path) as part:
        parquet.write_table(reader.read_csv(io.BytesIO(text.encode()), convert_options=kinds), part)


def _show(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in (*names, "spikes", "rate Hz", "CV ISI", "corr.", "saturated"):
        table.add_column(name, justify="right")
    form: Callable[[Any, int], str] = lambda value, digits: "–" if value is None else f"{value:,.{digits}f}"  # noqa: E731
    for row in rows[:SHOWN]:
        table.add_row(*(str(row[name]) for name in names), form(row["spikes"], 0), form(row["rate_hz"], 2), form(row["cv_isi"], 3),
                      form(row["correlation"], 4), form(row["saturated"], 0))
    Console(highlight=False, markup=False).print(table)


def tenths() -> Callable[[int, int], None]:
    shown = [-1]

    def tell(done: int, every: int) -> None:
        tenth = 10 * done // every
        if tenth > shown[0]:
            shown[0] = tenth
            print(f"spikegate: {done} of {every} points", file=sys.stderr, flush=True)
    return tell


def run(args: argparse.Namespace) -> int:
    """The command."""
    from spikegate import doctor
    from spikegate.cosim.results.report import check_writable
    from spikegate.cosim.results.sweep_figure import sweep_figure

    doctor.require("sim")
    names, combined = grid.points(args)
    more = [_table_file(args.table)] if args.table is not None else []
    for point in grid.first_of_each(combined):
        grid.prepared(point)
    folder = check_writable(args.out)
    rows = _table(names, combined, sweep(combined, folder, workers=args.workers, scheduler=args.scheduler, progress=tenths()))
    tables = [folder / "sweep.csv", *more]
    for path in tables:
        _write(_csv(rows), path)
    _show(names, rows)
    if len(rows) > SHOWN:
        print(f"spikegate: {len(rows) - SHOWN:,} more rows are in the file", file=sys.stderr)
    drawn = sweep_figure(names, rows, folder / "sweep.png")
    print(f"spikegate: table {' and '.join(map(str, tables))}" + (f", picture {folder / 'sweep.png'}" if drawn else ""), file=sys.stderr)
    return 0
