"""`spikegate explore`: how many bits a network needs, held against its float original, with the size of each core."""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikegate import grid, networks
from spikegate.cosim.results.scatter import mean_and_error, student
from spikegate.cosim.results.trains import distance, rate_difference, unpacked
from spikegate.explore_script import LANES, ScriptPoint, bits_of_script, formats, refuse_others
from spikegate.models.errors import InputError
from spikegate.models.files import write_whole
from spikegate.sweep import add_workers, sweep, tenths

__all__ = ["add_options", "compare", "pareto", "run", "trains_apart"]

OUT = "build/explore"
FORMATS, LEAKS, ROUNDINGS = "q8.6,q8.8,q8.10,q8.12", "own,fine", "nearest"
LEAST_SEEDS, MOST_SEEDS = 2, 1000
SHOWN = ("rate_hz", "cv_isi", "correlation")
#: Of the same network in floats: wide enough to hold whatever a narrower format holds.
WIDE = "q16.12"


def add_options(parser: argparse.ArgumentParser) -> None:
    """A network, the arithmetic that is tried on it, and where runs go."""
    parser.add_argument("script", nargs="?", metavar="SCRIPT", help="a Brian2 script as it is, in place of Brunel's network")
    networks.add_options(parser)
    told = {"format": f"formats to try, with commas (default {FORMATS}; of a script, as many bits as its numbers ask for, and fewer)",
            "rounding": f"of the leak, to try, with commas (default {ROUNDINGS})",
            "leak_fraction": "fraction bits of the leak to try, with commas; own are the format's, or as many as a script's leaks ask for, fine as "
                             f"many as make tau right within 1 %% (default {LEAKS}, of a script own)"}
    for action in parser._actions:
        if action.dest in told:
            action.help = told[action.dest]
    parser.add_argument("--seeds", type=int, default=3, metavar="K", help="runs of each, with seeds 1..K (default %(default)s)")
    parser.add_argument("--tolerance", type=networks.finite, default=5.0, metavar="PERCENT", help="of the float's rate and CV, within which a format "
                        "will do (default %(default)s)")
    parser.add_argument("--no-cells", action="store_true", help="leave out the size of the cores, half a minute each")
    add_workers(parser, OUT, "explore.json")
    parser.set_defaults(command=run)


def _configurations(args: argparse.Namespace) -> list[dict[str, str]]:
    default = {"format": FORMATS, "leak_fraction": LEAKS, "rounding": ROUNDINGS}
    if args.script:
        default |= {"format": "" if args.format else formats(args.script), "leak_fraction": "own"}
    tried = [grid.values(f"--{name.replace('_', '-')}", getattr(args, name) or default[name]) for name in ("format", "leak_fraction", "rounding")]
    return [dict(zip(("format", "leak_fraction", "rounding"), each)) for each in itertools.product(*tried)]


def _point(args: argparse.Namespace, configuration: Mapping[str, str], engine: str, seed: int, lanes: int | None = None) -> grid.Run:
    """One run: by the engine ``brian2_float``, by ``golden``, or of ``grid.CELLS``."""
    if args.script:
        side = {"brian2_float": "asked", "golden": "hardware"}.get(engine, engine)
        own = {name: text for name, text in configuration.items() if text != "own" and side != "asked"}
        return ScriptPoint.of(args.script, side, seed, tuple(own.items()))
    given = {name: str(value) for name in ("preset", "overflow", "variant", "length", "ms") if (value := getattr(args, name)) is not None}
    changes = dict(change.partition("=")[::2] for change in args.changes)
    arithmetic = {name: text for name, text in configuration.items() if text != "own"}
    return grid.Point(tuple({**given, **changes, **arithmetic, "seed": str(seed)}.items()), engine, lanes, engine != grid.CELLS)


def _bits(point: grid.Run) -> tuple[int, int]:
    """Bits of membranes, and fraction bits of the leak."""
    if isinstance(point, ScriptPoint):
        return bits_of_script(point)
    network, _ = grid.prepared(point)  # type: ignore[arg-type]
    return network.lif.format.width, network.lif.leak_fraction


def compare(found: Sequence[Mapping[str, Any]], reference: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Means over seeds, and how far they are from the reference's: ``NAME``, ``NAME_off``, and the half-width of its 95 % interval, ``NAME_within``.

    ``rate_hz`` and ``cv_isi`` are off by per cent of the reference, ``correlation`` by a difference. None where too few spikes tell. Where
    nothing is random but what the seeds say, the interval is that of the differences seed by seed, else that of two means.
    """
    result: dict[str, float | None] = {}
    paired = all(row.get("draws") is False for row in found)
    for name in SHOWN:
        pairs = [(float(row[name]), float(other[name])) for row, other in zip(found, reference, strict=True)
                 if row[name] is not None and other[name] is not None]
        if len(pairs) < LEAST_SEEDS:
            result |= {name: None, f"{name}_off": None, f"{name}_within": None}
            continue
        (mean, error), (wanted, other) = (mean_and_error(side) for side in zip(*pairs))
        scale = 1.0 if name == "correlation" else 100 / wanted
        error = mean_and_error([ours - theirs for ours, theirs in pairs])[1] if paired else math.hypot(error, other)
        width = student(0.05, (1 if paired else 2) * (len(pairs) - 1)) * error
        result |= {name: mean, f"{name}_off": (mean - wanted) * scale, f"{name}_within": width * abs(scale)}
    return result


def trains_apart(found: Sequence[Mapping[str, Any]], reference: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Means over seeds of how far each run's spikes are from the reference's of the same seed.

    ``neurons_hz`` is the root of the mean squared difference of the neurons' rates; ``distance`` that of van Rossum, None where the two have random
    inputs of their own.
    """
    rates, apart = [], []
    for ours, theirs in zip(found, reference, strict=True):
        mine, other = (unpacked(each["trains"], each["steps"]) for each in (ours, theirs))
        rates.append(rate_difference(mine, other, ours["n"], ours["steps"] * ours["dt_ns"] * 1e-9))
        apart.append(None if ours["draws"] else distance(mine, other, ours["dt_ns"] * 1e-6))
    known = [each for each in apart if each is not None]
    return {"neurons_hz": math.fsum(rates) / len(rates), "distance": math.fsum(known) / len(known) if known else None}


def pareto(rows: Sequence[Mapping[str, Any]], size: str = "luts", off: str = "rate_hz_off") -> list[int]:
    """Which rows no other beats in both size and distance from the float."""
    judged = [(row[size], abs(row[off]), k) for k, row in enumerate(rows) if row.get(size) is not None and row.get(off) is not None]
    return [k for a, b, k in judged if not any((c <= a and d <= b) and (c, d) != (a, b) for c, d, _ in judged)]


def _recommended(rows: Sequence[dict[str, Any]], tolerance: float) -> dict[str, Any] | None:
    fits = [row for row in rows if row.get("rate_hz_off") is not None and row["cv_isi_off"] is not None
            and abs(row["rate_hz_off"]) <= tolerance and abs(row["cv_isi_off"]) <= tolerance and not row["saturated"]]
    return min(fits, key=lambda row: (row.get("luts") or 0, row["bits"]), default=None)


def _rows(args: argparse.Namespace, folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row for each arithmetic that the network can have, with the reason where it can have none; and the float's runs."""
    seeds = range(1, args.seeds + 1)
    rows: list[dict[str, Any]] = []
    wanted = [_point(args, {"format": WIDE}, "brian2_float", seed) for seed in seeds]
    points = list(wanted)
    if not args.script:
        for point in grid.first_of_each(points):  # type: ignore[arg-type]
            grid.prepared(point)
    for configuration in _configurations(args):
        row: dict[str, Any] = {**configuration, "bits": None, "refused": None, "luts": None}
        rows.append(row)
        own = [_point(args, configuration, "golden", seed) for seed in seeds]
        try:
            row["bits"], row["leak_bits"] = _bits(own[0])
        except InputError as error:
            row["refused"] = str(error).splitlines()[0]
            continue
        points += own + ([] if args.no_cells else [_point(args, configuration, grid.CELLS, 1, LANES)])
    # Each arithmetic has been tried; what fails now is mostly the script itself, in every run.
    found = sweep(points, folder, workers=args.workers, scheduler=args.scheduler, progress=tenths(), patient=False)
    results = dict(zip(points, found, strict=True))
    reference = [results[point] for point in wanted]
    for row, configuration in zip(rows, _configurations(args), strict=True):
        if row["refused"] is None:
            found = [results[_point(args, configuration, "golden", seed)] for seed in seeds]
            row |= compare(found, reference) | trains_apart(found, reference) | {"saturated": max(each["saturated"] for each in found)}
            row |= results.get(_point(args, configuration, grid.CELLS, 1, LANES), {})
    return rows, reference


def _show(rows: Sequence[Mapping[str, Any]], reference: Mapping[str, Any], best: Mapping[str, Any] | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    def off(row: Mapping[str, Any], name: str, digits: int) -> str:
        value = row.get(f"{name}_off")
        return "–" if value is None else f"{value:+.{digits}f} ±{row[f'{name}_within']:.{digits}f}"

    alike = any(row.get("distance") is not None for row in rows)
    full, sized = any(row.get("saturated") for row in rows), any(row["luts"] is not None for row in rows)
    several = len({row["rounding"] for row in rows}) > 1
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("format", "leak", *["rounding"] * several, "rate off %", "CV off %", "corr. off", "neurons Hz", *["distance"] * alike,
                 *["satur."] * full, *["LUTs", "RAM"] * sized, ""):
        table.add_column(name, justify="right" if name else "left")
    for row in (row for row in rows if row["refused"] is None):
        sizes = ("–" if row.get(name) is None else f"{row[name]:,}" for name in ("luts", "block_rams"))
        table.add_row(row["format"], str(row["leak_bits"]), *[row["rounding"]] * several, off(row, "rate_hz", 1), off(row, "cv_isi", 1),
                      off(row, "correlation", 3), f"{row['neurons_hz']:.3g}", *["–" if row["distance"] is None else f"{row['distance']:.3f}"] * alike,
                      *[f"{row['saturated']:,}"] * full, *list(sizes) * sized, "<" if row is best else "")
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 120)
    console.print("Brian2 in floats: " + ", ".join(f"{what} {'–' if reference[name] is None else f'{reference[name]:.4g}'}" for name, what in (
        ("rate_hz", "rate in Hz"), ("cv_isi", "CV"), ("correlation", "correlation"))) + "; ± is the 95 % interval over seeds")
    console.print(table)
    for row in (row for row in rows if row["refused"] is not None):
        console.print(f"{row['format']}, leak {row['leak_fraction']}: {row['refused']}", soft_wrap=True)


def run(args: argparse.Namespace) -> int:
    """The command."""
    from spikegate import doctor
    from spikegate.cosim.results.explore_figure import explore_figure
    from spikegate.cosim.results.report import check_writable

    doctor.require("sim")
    if not LEAST_SEEDS <= args.seeds <= MOST_SEEDS:
        raise InputError(f"--seeds must be in {LEAST_SEEDS}..{MOST_SEEDS}, not {args.seeds}; one run does not tell how far chance goes")
    if args.script:
        refuse_others(args)
    if args.seed is not None or args.preset in networks.POINTS:
        given, fix = ("--seed", "use --seeds") if args.seed is not None else (f"--preset {args.preset}", "Brunel's presets have formats to explore")
        raise InputError(f"{given} cannot be explored; {fix}")
    if args.tolerance <= 0:
        raise InputError(f"--tolerance must be above 0 %, not {args.tolerance:g}")
    folder = check_writable(args.out)
    rows, floats = _rows(args, folder)
    reference = {name: value for name, value in compare(floats, floats).items() if name in SHOWN}
    best = _recommended(rows, args.tolerance)
    write_whole(folder / "explore.json", json.dumps({"reference": reference, "rows": rows, "recommended": best}, indent=2))
    _show(rows, reference, best)
    drawn = explore_figure(rows, pareto(rows), best, folder / "explore.png")
    if best is None:
        print(f"spikegate: no arithmetic that was tried is within {args.tolerance:g} % of the float's rate and CV without saturation; try more bits"
              + ", or --leak-fraction fine" * (not args.script), file=sys.stderr)
    else:
        chosen = {"format": best["format"], **({"leak_fraction": best["leak_bits"]} if best["leak_fraction"] != "own" else {}),
                  **({"rounding": best["rounding"]} if best["rounding"] != "nearest" else {})}
        options = ('set_device("spikegate", ' + ", ".join(f"{name}={value!r}" for name, value in chosen.items()) + ")" if args.script else
                   " ".join(f"--{name.replace('_', '-')} {value}" for name, value in chosen.items()))
        why = "the smallest core" if best.get("luts") is not None else "the fewest bits"
        print(f"spikegate: recommended: {options}, {why} of those within {args.tolerance:g} % of the float's rate and CV", file=sys.stderr)
    widths = [row.get(f"{name}_within") or 0 for row in ([best] if best else rows) for name in ("rate_hz", "cv_isi")]
    if max(widths) > args.tolerance:
        print(f"spikegate: not sure: chance alone is as large as the {args.tolerance:g} % asked for, or larger; use more --seeds or "
              + ("a longer run" if args.script else "--ms"), file=sys.stderr)
    print(f"spikegate: table {folder / 'explore.json'}" + (f", picture {folder / 'explore.png'}" if drawn else ""), file=sys.stderr)
    return 0
