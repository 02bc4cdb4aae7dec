"""Rates of the network with stochastic synapses, sound and faulty: ``python benchmarks/stream_network.py``.

Writes ``stream_network.json``, the spikes of every run, and the pictures ``stream_rates.png`` and ``stream_degradation.png`` into the folder
``--out``. Every number of docs/hybrid.md comes from that file through `tables`.
"""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from spikegate.cosim.results.compare import Margin
from spikegate.cosim.results.figure import drawing
from spikegate.models.files import write_whole
from studies import stream_rates as theory
from studies.stream_rates import RESIDUAL, Run, interval, margin

__all__ = ["RATES", "plan", "study", "tables", "figures", "main"]

RATES = (0.001, 0.01, 0.05, 0.1)
#: Rates at which theory is drawn.
CURVE = (0, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1)
#: Runs that are held against Brian2, without their seeds.
COMPARED = {
    "Brian2, other drive": Run("brian", change="drive"), "Brian2, tau of Q8.8": Run("brian", change="tau"),
    "V3, Q8.8": Run("v3"), "V4, Q8.8": Run("v4"), "V13, Q8.8": Run("v13"), "V14, Q8.8": Run("v14"),
    "V3, Q16.12": Run("v3", form="q16.12"), "V4, Q16.12": Run("v4", form="q16.12"), "V14, Q16.12": Run("v14", form="q16.12"),
    "V4, P of 8 bits": Run("v4", change="bits 8"), "V14, P of 8 bits": Run("v14", change="bits 8"), "V4, P doubled": Run("v4", change="weights 2")}
CONTROLS = tuple(name for name in COMPARED if " P " in name)
SCANNED = {f"{engine.upper()}, L = {length}": Run(engine, length=length) for engine, length in
           (("v4", 64), ("v4", 128), ("v4", 256), ("v4", 512), ("v14", 64), ("v14", 256))}
PATH, ALL = "stream weight", "stream weight count"
FAULTS = {
    "V4, path stuck": Run("v4", change=f"stuck {PATH}"), "V14, path stuck": Run("v14", change=f"stuck {PATH}"),
    "V4, path and count stuck": Run("v4", change=f"stuck {ALL}"), "V14, path and count stuck": Run("v14", change=f"stuck {ALL}"),
    "V4, weight memory stuck": Run("v4", change="memory"),
    "V3, weight memory stuck": Run("v3", change="memory"), "V3, weight bus stuck": Run("v3", change="bus"),
    "V4, path flips": Run("v4", change=f"flips {PATH}"), "V14, path flips": Run("v14", change=f"flips {PATH}"),
    "V4, path and count flip": Run("v4", change=f"flips {ALL}")}
SINGLE = {**{f"V4 count {line} at {level}": Run("v4", change=f"count {line} at {level}") for line, level in product(range(9), (0, 1))},
          **{f"V3 bus {line} at {level}": Run("v3", change=f"bus {line} at {level}") for line, level in product(range(16), (0, 1))},
          **{f"{engine.upper()} weight {line} at {level}": Run(engine, change=f"weight {line} at {level}")
             for engine, line, level in product(("v4", "v14"), (255, 77), (0, 1))}}


def plan(compared: int, scanned: int, faults: int, flips: int, single: int) -> dict[str, dict[str, list[Run]]]:
    """All runs; fault seed k meets network k."""
    groups = {"compared": ({"Brian2": Run("brian"), **COMPARED}, compared), "scanned": ({"V3": Run("v3"), **SCANNED}, scanned),
              "single": (SINGLE, single), "faults": ({}, 0)}
    found = {group: {name: [replace(run, seed=s + 1) for s in range(size)] for name, run in kinds.items()} for group, (kinds, size) in groups.items()}
    for (name, run), rate in product(FAULTS.items(), RATES):
        found["faults"][f"{name} {rate}"] = [replace(run, seed=s, rate=rate, fault=s) for s in range(1, (flips if "flip" in name else faults) + 1)]
    return found


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
        "refused": {str(rate): sum(theory.refused(run.prepare()[0]) for run in memory if run.rate == rate) for rate in RATES}}


def relative(found: dict[str, Any], name: str, base: str) -> np.ndarray:
    """Differences of the rate, seed by seed, over the mean of ``base``; both are names of one group."""
    group = found["scanned" if name in found["scanned"] else "compared"]
    reference = np.array(group[base], float)
    return (np.array(group[name]) - reference) / reference.mean()


def errors(found: dict[str, Any], name: str, base: str | None = None) -> np.ndarray:
    """Relative errors of the rates of ``faults`` or ``single``, run by run, against the same network without faults or as run by ``base``."""
    values = np.array((found["faults"] | found["single"])[name], float)
    return values / np.array(found["compared"][base or f"{name.split()[0].strip(',')}, Q8.8"][:len(values)]) - 1


def judged(found: dict[str, Any], name: str, base: str) -> tuple[Margin, bool] | None:
    """Margin of a row of a table and whether its mean lies inside; a control gets that of the sound variant, and Brian2 none."""
    sound = f"{name.split(',')[0]}, Q8.8" if name in CONTROLS else name
    if sound not in found["shifts"] or (base != "Brian2" and "Q16" in name):
        return None
    off = relative(found, name, base)
    limit = margin(found["shifts"][sound]["asked" if base == "Brian2" else "own"], len(off), RESIDUAL * (base != "V3"))
    return limit, limit.holds(1 + float(off.mean()), 1)


def closer(found: dict[str, Any], base: str, form: str = "Q8.8") -> tuple[float, float]:
    """How much closer V14 is to ``base`` than V4, relative to it: mean of \\|V4 - base\\| - \\|V14 - base\\| over the seeds, and its interval."""
    return interval(abs(relative(found, f"V4, {form}", base)) - abs(relative(found, f"V14, {form}", base)))


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


STYLE = {"font.size": 10.5, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11.5, "axes.titleweight": "bold",
         "axes.titlelocation": "left", "axes.edgecolor": "#777777", "axes.labelcolor": "#222"}
DARK, RED, BLUE, GREEN, ORANGE, PURPLE, GREY = "#222222", "#d1495b", "#20639b", "#1b7f5c", "#e08e0b", "#7b5ea7", "#8a8a8a"


def figures(found: dict[str, Any], out: Path) -> None:
    """Draw both pictures, 2400 pixels wide."""
    for name, draw, height, ratios in (("stream_rates", (_compared, _scanned), 6.5, (1.25, 1)),
                                       ("stream_degradation", (_stuck, _flips, _single), 6.5, (1.2, 0.9, 1.1))):
        with drawing(STYLE, out / f"{name}.png", figsize=(16, height), dpi=150, layout="constrained") as fig:
            for ax, function in zip(fig.subplots(1, len(draw), width_ratios=ratios), draw):
                function(ax, found)


def _compared(ax, found):
    names, held = [name for name in COMPARED if name != "Brian2, tau of Q8.8"][::-1], "Brian2, tau of Q8.8"
    for y, name in enumerate(names):
        base = "Brian2" if "Q16" in name or "Brian2" in name else held
        if limit := judged(found, name, base):
            width = 200 * limit[0].limit
            ax.barh(y, width, left=100 * limit[0].shift - width / 2, height=0.62, color="#dfe9f3", zorder=0)
        mean, half = interval(relative(found, name, base))
        color = RED if name in CONTROLS else {"V4": BLUE, "V14": GREEN}.get(name.split(",")[0], DARK)
        ax.errorbar(100 * mean, y, xerr=100 * half, fmt="o", color=color, ms=6, capsize=3, lw=1.6)
    ax.axvline(0, color="#999999", lw=0.9, zorder=1)
    ax.set(yticks=range(len(names)), yticklabels=names, xlabel="rate relative to Brian2 float, tau = 25.6 ms for Q8.8 and 20 ms otherwise, %",
           title=f"Rate against Brian2, {len(found['compared']['Brian2'])} networks of one second")
    ax.text(0.02, 0.97, "shaded: margin from theory\nbars: 95 % confidence\nred: controls, with the margin\nof the sound variant",
            transform=ax.transAxes, va="top", fontsize=9.5, color="#555555")
    ax.tick_params(axis="y", length=0)


def _scanned(ax, found):
    for engine, color, mark in (("V4", BLUE, "o"), ("V14", GREEN, "D")):
        names = [name for name in SCANNED if name.startswith(engine)]
        lengths = [SCANNED[name].length for name in names]
        own = 100 * np.array([found["shifts"][name]["own"] for name in names])
        ax.fill_between(lengths, *own.T, color=color, alpha=0.2, lw=0, zorder=0)
        ax.plot(lengths, own[:, 0], color=color, lw=1, ls="--", zorder=1)
        for length, name in zip(lengths, names):
            mean, half = interval(relative(found, name, "V3"))
            ax.errorbar(length, 100 * mean, yerr=100 * half, fmt=mark, color=color, ms=6, capsize=3, lw=1.6,
                        label=engine if length == 64 else None)
    ax.axhline(0, color="#999999", lw=0.9, zorder=0)
    ax.set(xscale="log", xticks=[64, 128, 256, 512], xticklabels=[64, 128, 256, 512], xlabel="length L of the streams",
           ylabel="rate relative to V3, %", title=f"Shift by the noise of the counts, {len(found['scanned']['V3'])} networks")
    ax.minorticks_off()
    ax.legend(frameon=False, loc="upper right", title="measured, 95 % confidence\ndashed: density; band: to diffusion")


def _axes(ax, title):
    ax.axhspan(0, 3, color="#eeeeee", zorder=0)
    ax.text(0.13, 0.12, "chaos alone", ha="right", color="#777777", fontsize=9.5)
    ax.set_xscale("symlog", linthresh=0.001, linscale=0.6)
    ax.set_yscale("symlog", linthresh=1, linscale=0.4)
    ax.set(xticks=[0, *RATES], xticklabels=["0", *(f"{100 * rate:g}" for rate in RATES)], xlim=(-0.0002, 0.14), ylim=(-0.05, 3000),
           yticks=[0, 1, 10, 100, 1000], yticklabels=["0", "1", "10", "100", "1000"], xlabel="fault rate, %", title=title)
    ax.minorticks_off()


def _degraded(ax, found, looks, curve):
    for k, (name, look) in enumerate(looks.items()):
        low, at, high, most = 100 * np.array([np.quantile(abs(errors(found, f"{name} {rate}")), (0.25, 0.5, 0.75, 1)) for rate in RATES]).T
        x = np.array(RATES) * (1 + 0.05 * (k - len(looks) / 2))
        ax.errorbar([0, *x], [0, *at], yerr=[[0, *(at - low)], [0, *(high - at)]], capsize=2.5, lw=1.5, ms=5.5, label=name, **look)
        ax.plot(x, most, "_", color=look["color"], ms=9)
    predicted = np.array(found["curve"][curve])
    ax.plot(CURVE, 100 * (predicted / predicted[0] - 1), color=BLUE, lw=5, alpha=0.25, zorder=0, label="V4, path, predicted by the density")
    ax.legend(frameon=False, loc="upper left", fontsize=9.5)


def _stuck(ax, found):
    _axes(ax, "Lines and bits stuck: median, quartiles, worst")
    ax.set(ylabel="size of the rate's change against no faults, %")
    looks = zip(FAULTS, ((BLUE, "o-"), (GREEN, "D-"), (RED, "X-"), None, (PURPLE, "^--"), (ORANGE, "s-"), (GREY, "v--")))
    _degraded(ax, found, {name: dict(color=look[0], fmt=look[1]) for name, look in looks if look}, "stuck")


def _flips(ax, found):
    _axes(ax, "Bits that flip, each anew: median, quartiles, worst")
    looks = zip([name for name in FAULTS if "flip" in name], ((BLUE, "o-"), (GREEN, "D-"), (RED, "X-")))
    _degraded(ax, found, {name: dict(color=color, fmt=fmt) for name, (color, fmt) in looks}, "flips")


def _single(ax, found):
    for kind, lines, weight, color, mark in (("V4 count", 9, 20 / 256, RED, "X"), ("V3 bus", 16, 1 / 256, ORANGE, "s")):
        for level in (0, 1):
            at = [100 * float(np.median(errors(found, f"{kind} {line} at {level}"))) for line in range(lines)]
            ax.plot([weight * 2**line for line in range(lines)], at, mark, color=color, ms=7, mfc=color if level else "white",
                    ls="-" if level else ":", lw=1, label=f"{kind}, bit stuck at {level}")
    ax.plot([20 / 256], [100 * float(np.median(errors(found, "V4 weight 77 at 1")))], "o", color=BLUE, ms=9, label="V4, a weight line stuck at 1")
    ax.axhspan(-3, 3, color="#eeeeee", zorder=0)
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=10)
    ax.set(xlabel="what the line is worth in a kick, mV", ylabel="change of the rate, %", title="One line stuck, the same for all synapses",
           yticks=[-100, -10, 0, 10, 100, 1000], yticklabels=["−100", "−10", "0", "10", "100", "1000"], ylim=(-200, 2e5))
    ax.minorticks_off()
    ax.legend(frameon=False, loc="upper left", fontsize=9.5)


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
