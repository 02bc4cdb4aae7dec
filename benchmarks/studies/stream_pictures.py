"""The two pictures of docs/hybrid.md: rates against Brian2, and what faults do to them."""

from pathlib import Path
from typing import Any

import numpy as np

from spikegate.cosim.results.figure import drawing
from studies.stream_plan import COMPARED, CONTROLS, CURVE, FAULTS, RATES, SCANNED, errors, judged, relative
from studies.stream_rates import interval

__all__ = ["figures"]

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
