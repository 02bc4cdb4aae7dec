"""One picture of a run: raster, population rate, inter-spike intervals, and one membrane in every engine."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.files import whole_file
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.population import Population
from spikegate.models.network.recording import Recording
from spikegate.models.surroundings import clean_environment

__all__ = ["FORMATS", "active", "drawing", "figure"]

#: Endings of files that it can draw.
VECTORS = (".svg", ".pdf")
FORMATS = (".png", *VECTORS)
COLORS, FLOAT, DARK = ("#20639b", "#d1495b", "#3caea3", "#7b4b94"), "#e08e0b", "#222222"
STYLE = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "axes.titleweight": "bold",
         "axes.titlelocation": "left", "legend.frameon": False, "axes.edgecolor": "#777777", "axes.labelcolor": DARK}
#: Populations that a title names.
FEW = 3
RASTER_NEURONS, RASTER_MS, MEMBRANE_MS = 200, 400.0, 60.0
#: Engines that agree are drawn from the widest line to the finest, so that each stays visible under the next.
LINES = {"rtl": ("RTL", dict(color="#9ec6e8", lw=6, solid_capstyle="round")), "golden": ("golden model", dict(color="#20639b", lw=2.2)),
         "brian2_integer": ("Brian2, same integers", dict(color=DARK, lw=1.3, ls=(0, (1.5, 2.5))))}
#: What the RTL is drawn beside: the first that ran.
FLOATS = {"brian2_float": "Brian2 float", "brian2_ordered": "Brian2 float, as realised"}


def figure(recordings: Mapping[str, Recording], network: FrozenNetwork, path: Path, dpi: int = 100, hardware: str = "RTL") -> None:
    """Draw the run into a PNG, SVG or PDF of 16 x 10 inches, whole or not at all.

    Parameters
    ----------
    recordings : Mapping of str to Recording
        The hardware's as ``rtl``, and whichever others ran; membranes are drawn from ``trace["v"]`` where there is one.
    network : FrozenNetwork
        What ran.
    path : Path
        The file to write; its ending, one of `FORMATS`, says what it becomes.
    dpi : int
        Dots an inch; in SVG and PDF those of the raster, and all else is drawn as lines.
    hardware : str
        What the hardware is called.
    """
    with drawing(STYLE, path, figsize=(16, 10), dpi=dpi, layout="constrained") as fig:
        grid = fig.add_gridspec(3, 3, height_ratios=(5, 2.2, 3.8))
        top = fig.add_subplot(grid[0, :])
        _raster(top, recordings["rtl"], network, hardware)
        _rate(fig.add_subplot(grid[1, :], sharex=top), recordings, network, hardware)
        _membrane(fig.add_subplot(grid[2, :2]), recordings, network, hardware)
        _intervals(fig.add_subplot(grid[2, 2]), recordings, network, hardware)
        neurons = " and ".join(f"{population.size:,} {population.name}" for population in network.ranges) + " neurons"
        if len(network.ranges) > FEW:
            neurons = f"{network.n:,} neurons in {len(network.ranges)} populations"
        run = f"{network.steps:,} {'step' if network.steps == 1 else 'steps'} of {network.dt_ns * 1e-6:g} ms"
        fig.suptitle(f"Network “{network.title}”, {network.variant}: {neurons} as {hardware} in {network.described()['format']}, {run}",
                     fontsize=14, x=0.01, ha="left")


@contextmanager
def drawing(style: Mapping[Any, Any], path: str | Path, **options: Any) -> Iterator[Any]:
    """A matplotlib figure, made with ``options``, that becomes the picture ``path`` at the end, whole or not at all.

    It has matplotlib's own defaults and ``style``, whatever backend the shell asks for and whatever a matplotlibrc says.
    """
    with clean_environment():  # MPLBACKEND is read at the import
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    with matplotlib.rc_context(), np.errstate(all="ignore"):
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style)
        fig = Figure(**options)
        yield fig
        with whole_file(path) as part:
            if (kind := Path(path).suffix) in VECTORS:
                fig.savefig(part, format=kind.removeprefix("."))
            else:
                FigureCanvasAgg(fig).print_png(part)  # type: ignore[no-untyped-call]


def _floats(recordings: Mapping[str, Recording]) -> list[tuple[str, str]]:
    return [(name, label) for name, label in FLOATS.items() if name in recordings][:1]


def _window(network: FrozenNetwork) -> tuple[float, float]:
    end = network.steps * network.dt_ns * 1e-6
    return max(0.0, end - RASTER_MS), end


def _raster(ax: Any, recording: Recording, network: FrozenNetwork, hardware: str) -> None:
    start, end = _window(network)
    wanted = min(RASTER_NEURONS, network.n)
    ms, neuron = recording.spikes[:, 0].astype(np.int64) * network.dt_ns * 1e-6, recording.spikes[:, 1]
    base = 0
    for rest, (population, color) in enumerate(zip(network.ranges, itertools.cycle(COLORS))):
        share = round(wanted * population.size / network.n) if rest + 1 < len(network.ranges) else wanted - base
        count = min(population.size, max(share, 1))
        shown = (ms >= start) & (neuron >= population.first) & (neuron < population.first + count)
        ax.plot(ms[shown], neuron[shown] - population.first + base, "|", color=color, ms=3.6, mew=1.1, rasterized=True)
        ax.text(1.002, (base + count / 2) / wanted, population.name, color=color, rotation=90, va="center", transform=ax.transAxes)
        base += count
    ax.set(title=f"Spikes of the {hardware}, {base} of {network.n:,} neurons", ylabel="neuron (shown)", ylim=(-1, base), xlim=(start, end))
    ax.tick_params(labelbottom=False)


def rate_in_bins(recording: Recording, network: FrozenNetwork, width: int) -> np.ndarray:
    """Spikes a neuron and second, Hz, in bins of so many steps; the last bin may have fewer."""
    steps = np.diff(np.append(np.arange(0, network.steps, width), network.steps))
    return np.bincount(recording.spikes[:, 0] // width, minlength=len(steps)) / (network.n * steps * network.dt_ns * 1e-9)


def _rate(ax: Any, recordings: Mapping[str, Recording], network: FrozenNetwork, hardware: str) -> None:
    start, end = _window(network)
    step_ms = network.dt_ns * 1e-6
    width = max(1, round(1 / step_ms))
    floats = [(name, f"{label} (statistical only)", dict(color=FLOAT, lw=1.1)) for name, label in _floats(recordings)]
    for name, label, look in (*floats, ("rtl", hardware, dict(color=COLORS[0], lw=1.4))):
        hz = rate_in_bins(recordings[name], network, width)
        ms = (np.arange(len(hz)) + 0.5) * width * step_ms
        shown = ms >= start
        ax.plot(ms[shown], hz[shown], label=label, **look, **_alone(shown.sum()))
    ax.set(title=f"Population rate, bins of {width * step_ms:g} ms", ylabel="rate (Hz)", xlabel="time (ms)", xlim=(start, end))
    ax.set_ylim(0, ax.get_ylim()[1] * 1.15)
    ax.legend(loc="upper right", ncols=2)


def _alone(points: int) -> dict[str, str]:
    """A line through one point shows nothing without a marker."""
    return {"marker": "o"} if points == 1 else {}


def _intervals(ax: Any, recordings: Mapping[str, Recording], network: FrozenNetwork, hardware: str) -> None:
    found = {}
    for name in ("rtl", *(name for name, _ in _floats(recordings))):
        spikes = recordings[name].spikes.astype(np.int64)  # nanoseconds of a few seconds are above 32 bits
        spikes = spikes[np.lexsort((spikes[:, 0], spikes[:, 1]))]
        found[name] = np.diff(spikes[:, 0])[np.diff(spikes[:, 1]) == 0] * network.dt_ns * 1e-6
    both = np.concatenate(list(found.values()))
    bins = np.linspace(0, max(np.quantile(both, 0.975), 1.0) if len(both) else 1.0, 45)
    floats = [(name, label, dict(color=FLOAT, histtype="step", lw=1.8)) for name, label in _floats(recordings)]
    for name, label, look in (("rtl", hardware, dict(color=COLORS[0], alpha=0.35)), *floats):
        if len(found[name]):
            ax.hist(found[name], bins, weights=np.full(len(found[name]), 1 / len(found[name])), label=label, **look)
    ax.set(title="Inter-spike intervals", xlabel="interval (ms)", ylabel="share of intervals", xlim=(0, bins[-1]))
    if len(both):
        ax.legend(loc="upper right")
    else:
        ax.text(0.5, 0.5, "no neuron spiked twice", ha="center", transform=ax.transAxes)


def _membrane(ax: Any, recordings: Mapping[str, Recording], network: FrozenNetwork, hardware: str) -> None:
    own = next((each for each in network.ranges if network.membrane(each.first)[0]), network.ranges[0])
    neuron, start, end = active(recordings["rtl"], network, own)
    step_ms, one = network.dt_ns * 1e-6, network.membrane(neuron)[0] or 1
    ms = np.arange(start, end) * step_ms
    drawn, names = [], []
    for name, (label, look) in {**LINES, "rtl": (hardware, LINES["rtl"][1])}.items():
        if name in recordings and "v" in recordings[name].trace:
            ax.plot(ms, recordings[name].trace["v"][start:end, neuron] / one, label=label, **look, **_alone(len(ms)))
            drawn.append(recordings[name].trace["v"][start:end, neuron])
            names.append(label)
    for name, label in _floats(recordings):
        if "v" in recordings[name].trace:
            ax.plot(ms, recordings[name].trace["v"][start:end, neuron], color=FLOAT, lw=0.9, alpha=0.9, zorder=0.5,
                    label=f"{label} (statistical only)", **_alone(len(ms)))
    one_line = len(drawn) > 1 and all(np.array_equal(drawn[0], v) for v in drawn)
    note = f": {', '.join(names[:-1])} and {names[-1]} are one line" if one_line else ""
    ax.set(title=f"Membrane of neuron {neuron}{note}", xlabel="time (ms)", ylabel="membrane (mV)", xlim=(ms[0], ms[-1] + step_ms))
    if not drawn:
        ax.text(0.5, 0.5, "membranes were not recorded for this size of run", ha="center", transform=ax.transAxes)
        return
    threshold = network.membrane(neuron)[1]
    ax.axhline(threshold, color="#777777", lw=0.8, ls="--")
    ax.annotate("threshold", (1, threshold), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points", color="#555555",
                va="center", fontsize=8, rotation=90)
    spikes = recordings["rtl"].spikes
    at = spikes[(spikes[:, 1] == neuron) & (spikes[:, 0] >= start) & (spikes[:, 0] < end), 0]
    low, high = ax.get_ylim()
    high = threshold + 0.22 * (threshold - low)
    ax.vlines(at * step_ms, threshold, threshold + 0.09 * (threshold - low), color=COLORS[0], lw=1.8)
    ax.set_ylim(low - 0.2 * (high - low), high)
    ax.legend(loc="lower center", ncols=4, fontsize=9, columnspacing=1.4)


def active(recording: Recording, network: FrozenNetwork, shown: Population) -> tuple[int, int, int]:
    """A neuron of a population whose membrane is worth a look, with about four spikes at the end of the run, and that end: steps first and last."""
    length = min(network.steps, round(MEMBRANE_MS / (network.dt_ns * 1e-6)))
    start = network.steps - length
    late = recording.spikes[recording.spikes[:, 0] >= start, 1]
    counts = np.bincount(late[(late >= shown.first) & (late < shown.last)] - shown.first, minlength=1)
    return shown.first + int(np.argmin(np.abs(counts - 4))), start, network.steps
