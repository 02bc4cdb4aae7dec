"""The picture of an exploration: how far the rate is from the float's, against the size of the core."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikegate.cosim.results.figure import COLORS, DARK, FLOAT, STYLE, drawing

__all__ = ["explore_figure"]


def explore_figure(rows: Sequence[Mapping[str, Any]], front: Sequence[int], best: Mapping[str, Any] | None, path: Path) -> bool:
    """Draw every arithmetic that has a size and a rate; False, and nothing drawn, if none has.

    Parameters
    ----------
    rows : sequence of Mapping
        With ``luts``, ``rate_hz_off`` and ``rate_hz_within`` in per cent.
    front : sequence of int
        Rows that no other beats in both.
    best : Mapping or None
        The recommended row.
    path : Path
        Of the PNG.
    """
    shown = [row for row in rows if row.get("luts") is not None and row.get("rate_hz_off") is not None]
    if not shown:
        return False
    with drawing(STYLE, path, figsize=(9, 5.5), dpi=110, layout="constrained") as figure:
        axes = figure.subplots()
        axes.errorbar([row["luts"] for row in shown], [abs(row["rate_hz_off"]) for row in shown], [row["rate_hz_within"] for row in shown],
                      fmt="o", color=COLORS[0], ecolor="#9ec6e8", label="rate, with its 95 % interval over seeds")
        line = sorted((rows[k]["luts"], abs(rows[k]["rate_hz_off"])) for k in front)
        axes.plot([size for size, _ in line], [off for _, off in line], drawstyle="steps-post", color=DARK, lw=1,
                  label="no other is smaller and closer")
        if best is not None and best in shown:
            axes.plot(best["luts"], abs(best["rate_hz_off"]), "o", ms=14, mfc="none", mec=FLOAT, mew=2, label="recommended")
        axes.set_xlabel("LUTs of the core on an ECP5")
        axes.set_ylabel("distance of the rate from the float's (%)")
        axes.set_ylim(0, None)
        axes.set_title("Fidelity against size")
        figure.legend(loc="outside lower center", ncols=3)
        _names(figure, axes, shown)
    return True


def _names(figure: Any, axes: Any, shown: Sequence[Mapping[str, Any]]) -> None:
    """A label for each point, on the side where there is more room, above the labels that are there already, with a line if it is moved."""
    figure.draw_without_rendering()  # now the axes have their place
    middle = sum(axes.get_xlim()) / 2
    taken: list[Any] = []
    for row in sorted(shown, key=lambda each: (abs(each["rate_hz_off"]), each["luts"])):
        text = f"{row['format']}, leak {row['leak_bits']}" + f", {row['rounding']}" * (row["rounding"] != "nearest")
        point, left = (row["luts"], abs(row["rate_hz_off"])), row["luts"] > middle
        first = (-8 if left else 8, 5)
        label = axes.annotate(text, point, first, textcoords="offset points", fontsize=8, ha="right" if left else "left")
        while any(label.get_window_extent().overlaps(other) for other in taken):
            label.xyann = (first[0], label.xyann[1] + 2)
        taken.append(label.get_window_extent())
        if label.xyann != first:
            axes.annotate("", point, label.xyann, textcoords="offset points", arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "#999999"})
