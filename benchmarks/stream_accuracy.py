"""Table and picture of the error of a product by AND against the length of the streams: ``python benchmarks/stream_accuracy.py``.

Writes ``stream_accuracy.json`` and ``stream_accuracy.png`` into the folder ``--out``. Each entry is the root mean square of
``--trials`` products for each of ``--seeds``.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from spikegate.cosim.results.figure import drawing
from spikegate.models.files import write_whole
from studies.accuracy import IDEAL, LEAP_1, LENGTHS, SOURCES, bad_plan, distance_scc, distance_share, rmse, slope, verdict

__all__ = ["study", "markdown", "figure", "main"]

DARK, GREY = "#222222", "#8a8a8a"
#: Drawn: kind, colour, line. Kinds that agree are drawn from the widest line to the finest.
DRAWN = {
    "bad_neighbours": dict(color="#d1495b", marker="X", ms=6), "delayed": dict(color="#e08e0b", marker="v", ms=5),
    "lfsr16_leap1": dict(color="#7b5ea7", marker="s", ms=4.5), "ideal": dict(color="#c4c4c4", lw=7, solid_capstyle="round"),
    "windows": dict(color="#20639b", marker="o", ms=5.5, lw=2.2), "lfsr61_leap16": dict(color=DARK, lw=1.2, ls=(0, (1.5, 2.5))),
    "sobol_7_15": dict(color="#5fa98a", marker="^", ms=5, ls="--"), "sobol_0_1": dict(color="#1b7f5c", marker="D", ms=4.5)}
APART = tuple(range(13))


def study(trials: int, seeds: Sequence[int], console: Console) -> dict[str, Any]:
    """Everything that is measured, as plain numbers."""
    rows: dict[str, Any] = {}
    for name, source in track(SOURCES.items(), "measuring", console=console, transient=True):
        runs = {length: [rmse(name, length, trials, seed) for seed in seeds] for length in source.lengths}
        mean = {length: (sum(value**2 for value in values) / len(values)) ** 0.5 for length, values in runs.items()}
        spread = max((max(values) - min(values)) / mean[length] for length, values in runs.items())
        rows[name] = {"label": source.label, "rmse": mean, "largest_spread": spread, "slope": slope(mean), "plan": verdict(name, 256)[0]}
    return {"trials": trials, "seeds": list(seeds), "kinds": rows, "bad_plan": bad_plan(),
            "distance": {d: {"share": distance_share(d, 5 * trials, seeds[0]), "scc_at_1/2": distance_scc(d, 1 << 15),
                             "scc_at_1/8": distance_scc(d, 1 << 13)} for d in APART}}


def cells(row: dict[str, Any]) -> list[str]:
    """One row of the table."""
    return [row["label"], *(f"{row['rmse'][length]:.3g}" if length in row["rmse"] else "" for length in LENGTHS), f"{row['slope']:.2f}", row["plan"]]


HEADER = ["streams", *map(str, LENGTHS), "slope", "plan for 256"]


def markdown(found: dict[str, Any]) -> list[str]:
    """Lines of the table."""
    rows = [HEADER, ["---"] * len(HEADER), *map(cells, found["kinds"].values())]
    return [f"| {' | '.join(row)} |" for row in rows]


def figure(found: dict[str, Any], path: Path) -> None:
    """Draw error against length, and what the distance on one cycle does, into a PNG of 2400 x 1050 pixels."""
    style = {"font.size": 10.5, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11.5, "axes.titleweight": "bold",
             "axes.titlelocation": "left", "axes.edgecolor": "#777777", "axes.labelcolor": DARK}
    with drawing(style, path, figsize=(16, 7), dpi=150, layout="constrained") as fig:
        left, right = fig.subplots(1, 2, width_ratios=(1.75, 1))
        _lengths(left, found["kinds"])
        _distances(right, found["distance"], found["bad_plan"]["median_gap"])


def _lengths(ax, kinds):
    for factor, power, text, lengths in ((1.15, -0.5, "slope −1/2", LENGTHS[:6]), (0.27, -1, "slope −1", LENGTHS)):
        ax.plot(lengths, [factor * length**power for length in lengths], color=GREY, lw=0.8, zorder=1)
        ax.text(17, factor * 17**power * (1.35 if power > -1 else 0.48), text, color="#666666", ha="left", va="center", fontsize=9.5)
    ends = []
    for name, look in DRAWN.items():
        points = kinds[name]["rmse"]
        ax.plot(list(points), list(points.values()), **{"lw": 1.6, "clip_on": False, **look})
        ends.append((list(points.values())[-1], name))
    heights, least = [], 1.27
    for end, name in sorted(ends):
        heights.append(max(end, heights[-1] * least) if heights else end)
        refused = ", refused for 256" * (kinds[name]["plan"] == "refused")
        ax.text(LENGTHS[-1] * 1.09, heights[-1], kinds[name]["label"] + refused, color=DRAWN[name]["color"] if name != "ideal" else "#777777",
                va="center", fontsize=10)
    ax.set(xscale="log", yscale="log", xticks=LENGTHS, xticklabels=LENGTHS, xlabel="length of the streams, positions", xlim=(14, LENGTHS[-1]),
           ylabel="root mean square error of pq", title="Product of two streams by AND, p and q uniform in 0..1")
    ax.minorticks_off()
    ax.grid(axis="y", color="#e6e6e6", lw=0.7, zorder=0)


def _distances(ax, distance, median):
    apart, share = list(distance), [row["share"] for row in distance.values()]
    ax.plot(apart, [2.0**-d for d in apart], color=GREY, lw=0.8, zorder=1)
    ax.text(1.6, 0.36, "$2^{-d}$", color="#666666", va="bottom")
    ax.plot(apart, share, "X", color="#d1495b", ms=8, zorder=2)
    ax.axhline(0, color="#cccccc", lw=0.8, zorder=0)
    ax.axvline(median, ymax=0.62, color="#d1495b", lw=0.9, ls=(0, (4, 3)), zorder=0)
    ax.text(median + 0.15, 0.6, f"median distance of neighbours\nin the bad plan, {median:g}", color="#d1495b", va="center")
    ax.text(12.1, 1, "AND gives min(p, q)", ha="right", va="center", color=DARK)
    ax.text(12.1, 0.035, "AND gives pq", ha="right", va="center", color=DARK)
    ax.set(xlabel="distance d on the cycle, positions", ylabel="bias of the AND, as a share of min(p, q) − pq", ylim=(-0.03, 1.05),
           xticks=apart, title="Two streams of one 16-bit LFSR, L = 256")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder for the JSON file and the picture")
    parser.add_argument("--trials", type=int, default=20000, help="products for each length and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    args, console = parser.parse_args(argv), Console(width=200)
    found = study(args.trials, args.seeds, console)
    table = Table(title=f"RMSE of pq by AND, {args.trials} products for each of seeds {args.seeds}")
    for name in HEADER:
        table.add_column(name, justify="left" if name in ("streams", "plan for 256") else "right")
    for row in found["kinds"].values():
        table.add_row(*cells(row))
    console.print(table)
    at = {name: row["rmse"][256] for name, row in found["kinds"].items()}
    console.print(f"L = 256: ideal / Sobol 0, 1 = {at['ideal'] / at['sobol_0_1']:.2f}, leap 16 / ideal = {at['lfsr61_leap16'] / at['ideal']:.3f}, "
                  f"leap 1 / ideal = {at['lfsr61_leap1'] / at['ideal']:.3f} (theory {LEAP_1 / IDEAL:.3f}), bad plan / ideal = "
                  f"{at['bad_neighbours'] / at['ideal']:.2f}")
    console.print(found["bad_plan"])
    if args.markdown:
        print(*markdown(found), sep="\n")
    args.out.mkdir(parents=True, exist_ok=True)
    write_whole(args.out / "stream_accuracy.json", json.dumps(found, indent=1) + "\n")
    figure(found, args.out / "stream_accuracy.png")
    console.print(f"wrote {args.out / 'stream_accuracy.json'} and {args.out / 'stream_accuracy.png'}")


if __name__ == "__main__":
    main()
