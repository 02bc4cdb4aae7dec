"""Rates of the network with stochastic synapses, sound and faulty: ``python benchmarks/stream_network.py``.

Writes ``stream_network.json``, the spikes of every run, and the pictures ``stream_rates.png`` and ``stream_degradation.png`` into the folder
``--out``. Every number of docs/hybrid.md comes from that file through `tables`.
"""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from spikegate.models.files import write_whole
from studies import stream_rates as theory
from studies.stream_pictures import figures
from studies.stream_plan import COMPARED, CURVE, FAULTS, RATES, SCANNED, SINGLE, closer, errors, judged, plan, relative
from studies.stream_rates import interval
from studies.stream_run import Run, refused

__all__ = ["study", "tables", "main"]


def study(runs: dict[str, dict[str, list[Run]]], jobs: int, console: Console) -> dict[str, Any]:
    """Spikes of all runs, and what is computed instead of run."""
    flat = sorted({run for group in runs.values() for row in group.values() for run in row}, key=lambda run: (-run.rate, run.seed, str(asdict(run))))
    with ProcessPoolExecutor(jobs) as pool:
        answers = track(pool.map(Run.spikes, flat, chunksize=5), "running", len(flat), console=console, transient=True)
        spikes = dict(zip(flat, answers))
    (v3, _), (v4, _), odds = Run("v3").prepare(), Run("v4").prepare(), {"stuck": theory.stuck_odds, "flips": theory.flip_odds}
    sound = {name: run.prepare()[0] for name, run in (COMPARED | SCANNED).items() if run.engine != "brian"}
    memory = [run for name, row in runs["faults"].items() if name.startswith("V3, weight memory") for run in row]
    return {
        **{group: {name: [spikes[run] for run in row] for name, row in rows.items()} for group, rows in runs.items()},
        "shifts": {name: {"own": theory.shift(network), "asked": theory.shift(network, v3, 20.0)} for name, network in sound.items()},
        "kicks": {name: [[*theory.moments(kick), float(np.sqrt(np.mean(off**2)))]
                         for kick, off in zip(theory.kicks(sound[name]), theory.kick_errors(sound[name], 1 << 14))] for name in SCANNED},
        "curve": {name: [theory.density_rate(v4, *theory.kicks(v4, odds=of(rate))) for rate in CURVE] for name, of in odds.items()},
        "refused": {str(rate): sum(refused(run.prepare()[0]) for run in memory if run.rate == rate) for rate in RATES}}


def percent(mean: float, half: float, digits: int = 1) -> str:
    """Mean and half width in percent."""
    return f"{100 * mean:+.{digits}f} ± {100 * half:.{digits}f}"


def verdict(found: dict[str, Any], name: str, base: str) -> list[str]:
    """Cells of a difference: measured, margin, inside or not."""
    limit = judged(found, name, base)
    cells = [percent(*interval(relative(found, name, base)), 2 - (base != "V3"))]
    return [*cells, *([percent(limit[0].shift, limit[0].limit, 2 - (base != "V3")), "inside" if limit[1] else "**outside**"] if limit else ["", ""])]


def spread(values: np.ndarray) -> str:
    """Median of the sizes, quartiles and the largest, in percent."""
    low, middle, high, most = (f"{100 * value:.{0 if value >= 1 else 1}f}" for value in np.quantile(abs(values), (0.25, 0.5, 0.75, 1)))
    return f"{middle} ({low}..{high}) {most}"


def tables(found: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Every table of the page: title, then rows of cells, the first of them the header."""
    seeds, hz = len(found["compared"]["Brian2"]), lambda values: f"{np.mean(values) / 1000:.2f} ± {np.std(values, ddof=1) / 1000:.2f}"
    held, predicted = "Brian2, tau of Q8.8", {name: " / ".join(f"{100 * x:+.2f}" for x in found["shifts"][name]["own"]) for name in SCANNED}
    out = {"Kicks": [["variant", "exc: variance mV²", "measured RMSE mV", "inh: variance mV²", "measured RMSE mV", "density / diffusion %"]]}
    out["Kicks"] += [[name, *(f"{x:.4g}" for _, *row in found["kicks"][name] for x in (row[0], row[1])), predicted[name]] for name in SCANNED]
    rows = out[f"Against Brian2, {seeds} networks"] = [["run", "rate Hz", "to Brian2 %", "margin %", "", "to Brian2, tau of Q8.8, %", "margin %", ""],
                                                       ["Brian2", hz(found["compared"]["Brian2"])] + [""] * 6]
    rows += [[name, hz(found["compared"][name]), *verdict(found, name, "Brian2"),
              *([""] * 3 if "Q16" in name or name == held else verdict(found, name, held))] for name in COMPARED]
    rows = out[f"Against V3, {len(found['scanned']['V3'])} networks"] = [["variant", "rate to V3 %", "margin %", "", "density / diffusion %"]]
    rows += [[name, *verdict(found, name, "V3"), predicted[name]] for name in SCANNED]
    rows += [[f"V4 to V14, L = {n}", percent(*interval(relative(found, f"V4, L = {n}", f"V14, L = {n}")), 2), "", "", ""] for n in (64, 256)]
    rows = out["Closer"] = [["reference", "variants in", "V4 to it %", "V14 to it %", "V14 closer by %"]]
    rows += [[base, form, *(percent(*interval(relative(found, f"{name}, {form}", base))) for name in ("V4", "V14")),
              percent(*closer(found, base, form))] for base, form in (("Brian2", "Q8.8"), (held, "Q8.8"), ("Brian2", "Q16.12"))]
    for title, base in (("against the same network without faults", None), ("against Brian2", "Brian2")):
        out[f"Faults, {title}"] = [["fault", "seeds", *(f"{100 * rate:g} %" for rate in RATES)]]
        for name in FAULTS:
            values = [errors(found, f"{name} {rate}", base) for rate in RATES]
            out[f"Faults, {title}"].append([name, str(len(values[0])), *map(spread, values)])
    out["One line stuck"] = [["line", "at 0", "at 1"]]
    out["One line stuck"] += [[name, *(f"{100 * np.median(errors(found, f'{name} at {level}')):+.1f}" for level in (0, 1))]
                              for name in dict.fromkeys(name[:-5] for name in SINGLE)]
    return out


def markdown(rows: list[list[str]]) -> str:
    """A table as Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], ["---"] * len(rows[0]), *rows[1:]))


def main(argv: Sequence[str] | None = None) -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder for the JSON file and the pictures")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--quick", action="store_true", help="a few seeds only: no conclusions")
    parser.add_argument("--redraw", action="store_true", help="run nothing: tables and pictures of the JSON file in the folder")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    args, console = parser.parse_args(argv), Console(width=180, stderr=True)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "stream_network.json"
    if not args.redraw:
        runs = plan(6, 6, 2, 1, 1) if args.quick else plan(60, 500, 16, 2, 5)
        found = study(runs, args.jobs, console)
        write_whole(path, "{" + ",\n".join(f"{json.dumps(key)}: {{" + ",\n ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "}"
                                         for key, value in found.items()) + "}\n")
    found = json.loads(path.read_text())
    for title, rows in tables(found).items():
        table = Table(title=title)
        for name in rows[0]:
            table.add_column(name, justify="left" if name == rows[0][0] else "right")
        for row in rows[1:]:
            table.add_row(*row)
        print(f"{title}\n\n{markdown(rows)}\n") if args.markdown else Console(width=180).print(table)
    figures(found, args.out)
    console.print(f"wrote {path}, stream_rates.png and stream_degradation.png")


if __name__ == "__main__":
    main()
