"""The picture of a sweep: rate, coefficient of variation and correlation over one parameter as lines, over two as maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.cosim.results.figure import COLORS, STYLE, drawing

__all__ = ["sweep_figure"]

SHOWN = {"rate_hz": "rate (Hz)", "cv_isi": "CV of inter-spike intervals", "correlation": "correlation, bins of 5 ms"}


def sweep_figure(names: Sequence[str], rows: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Draw a sweep of one or two parameters; False, and nothing drawn, for any other number of them.

    Parameters
    ----------
    names : sequence of str
        What varies.
    rows : sequence of Mapping
        In the order of the sweep, the last name's values fastest.
    path : Path
        Of the PNG.
    """
    if len(names) not in (1, 2):
        return False
    with drawing(STYLE, path, figsize=(14, 4.6), dpi=110, layout="constrained") as figure:
        for (column, title), axes in zip(SHOWN.items(), figure.subplots(1, len(SHOWN))):
            values = np.array([np.nan if row[column] is None else row[column] for row in rows], float)
            (_lines if len(names) == 1 else _map)(figure, axes, names, rows, values)
            axes.set_title(title)
    return True


def _ticks(name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(row[name]) for row in rows))


def _lines(figure: Any, axes: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]], values: np.ndarray) -> None:
    ticks = _ticks(names[0], rows)
    try:
        axes.plot([float(tick) for tick in ticks], values, "o-", color=COLORS[0])
    except ValueError:  # names
        axes.bar(range(len(ticks)), values, 0.6, color=COLORS[0])
        axes.set_xticks(range(len(ticks)), ticks)
    axes.set_xlabel(names[0])
    axes.set_ylim(min(0, np.nanmin(values, initial=0)), None)


def _map(figure: Any, axes: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]], values: np.ndarray) -> None:
    down, across = (_ticks(name, rows) for name in names)
    image = axes.imshow(values.reshape(len(down), len(across)), origin="lower", aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(across)), across)
    axes.set_yticks(range(len(down)), down)
    axes.set_xlabel(names[1])
    axes.set_ylabel(names[0])
    figure.colorbar(image, ax=axes)
