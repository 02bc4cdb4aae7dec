"""The plots of the report page, which one can zoom: raster, rates, membranes, and the signals around a first divergence."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import BoxAnnotation, ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure

from spikegate.cosim.results.divergence import Divergence
from spikegate.cosim.results.figure import active, rate_in_bins
from spikegate.cosim.results.report import Run
from spikegate.models.network.recording import Recording

__all__ = ["MOST_BINS", "MOST_SPIKES", "MOST_STEPS", "Drawn", "divergence", "membranes", "raster", "rates"]

#: What a plot draws at most, so that the page stays small and opens at once; what it leaves out, its note says.
MOST_SPIKES, MOST_BINS, MOST_STEPS, MOST_MEMBRANES = 40_000, 4_000, 10_000, 3
POPULATIONS = ("#20639b", "#d1495b", "#3caea3", "#7b4b94")
ENGINES = ("#20639b", "#d1495b", "#222222", "#e08e0b", "#3caea3", "#7b4b94", "#8c6d31")
#: Engines that agree lie on each other: the first line is the widest, so that all of them are seen.
WIDTHS = (6.0, 3.2, 1.4, 1.2, 1.2, 1.2)
DASHES = ("solid", "solid", "dashed", "solid", "solid", "solid")
TOOLS = "pan,box_zoom,wheel_zoom,reset,save"
RATE_MS, MEMBRANE_MS = 1.0, 60.0


@dataclass(frozen=True)
class Drawn:
    """A plot, and what it shows and what it leaves out."""

    plot: Any
    note: str


def _figure(height: int, x_range: Any = None, **options: Any) -> Any:
    plot = figure(height=height, sizing_mode="stretch_width", tools=TOOLS, active_drag="box_zoom", min_border_left=80, min_border_right=10,
                  **({} if x_range is None else {"x_range": x_range}), **options)
    plot.toolbar.logo = None
    plot.grid.grid_line_alpha = 0.3
    return plot


def _legend(plot: Any, **options: Any) -> None:
    """Outside of the plot; a click on a name hides its line."""
    legend = plot.legend[0]
    legend.update(click_policy="hide", orientation="horizontal", label_text_font_size="9pt", padding=2, **options)
    plot.add_layout(legend, "above")


def _traced(run: Run) -> Iterator[tuple[str, Recording]]:
    """Title and recording of each engine that ran."""
    for engine in run.engines:
        if engine.name in run.results:
            yield engine.title, run.recording(engine)


def _thinned(spikes: np.ndarray, run: Run) -> tuple[np.ndarray, str]:
    """Not more spikes than a page should have, of whole neurons as long as that will do, and in words which."""
    total, every = len(spikes), -(-len(spikes) // MOST_SPIKES)
    if every <= 1:
        return spikes, f"all {total:,} spikes"
    firsts = np.array([population.first for population in run.network.ranges])
    place = spikes[:, 1] - firsts[np.searchsorted(firsts, spikes[:, 1], side="right") - 1]
    kept, note = spikes[place % every == 0], f"every {every}th neuron of each population"
    if len(kept) > MOST_SPIKES:
        kept = kept[-MOST_SPIKES:]
        note += f", from step {int(kept[0, 0]):,} on"
    return kept, f"thinned: {note}, {len(kept):,} of {total:,} spikes"


def raster(run: Run) -> Drawn:
    """The spikes of the hardware, in the colours of their populations."""
    network, step_ms = run.network, run.network.dt_ns * 1e-6
    spikes, note = _thinned(run.recording(run.hardware).spikes, run)
    plot = _figure(420, Range1d(0, network.seconds * 1e3), y_range=Range1d(-1, network.n), x_axis_label="time (ms)", y_axis_label="neuron")
    for population, color in zip(network.ranges, itertools.cycle(POPULATIONS)):
        own = spikes[(spikes[:, 1] >= population.first) & (spikes[:, 1] < population.last)]
        source = ColumnDataSource({"ms": (own[:, 0] * step_ms).astype(np.float32), "step": own[:, 0].astype(np.int32),
                                   "neuron": own[:, 1].astype(np.int32)})
        plot.scatter("ms", "neuron", source=source, marker="dash", angle=np.pi / 2, size=5, color=color, legend_label=population.name)
    plot.add_tools(HoverTool(tooltips=[("neuron", "@neuron"), ("step", "@step"), ("ms", "@ms{0.0}")]))
    _legend(plot, ncols=8)
    return Drawn(plot, f"Spikes of the {run.hardware.title}: {note}.")


def rates(run: Run, x_range: Any) -> Drawn:
    """The rate of all neurons in every engine, on the raster's axis of time."""
    network, step_ms = run.network, run.network.dt_ns * 1e-6
    width = max(1, round(RATE_MS / step_ms), -(-network.steps // MOST_BINS))
    bins = -(-network.steps // width)
    ms = ((np.arange(bins) + 0.5) * width * step_ms).astype(np.float32)
    plot = _figure(240, x_range, x_axis_label="time (ms)", y_axis_label="rate (Hz)")
    for number, (title, recording) in enumerate(_traced(run)):
        hz = rate_in_bins(recording, network, width).astype(np.float32)
        plot.line("ms", "hz", source=ColumnDataSource({"ms": ms, "hz": hz}), legend_label=title, **_line(number, 0.5))
    _legend(plot)
    return Drawn(plot, f"All neurons, bins of {width * step_ms:g} ms; the axis of time is the raster's.")


def _line(number: int, scale: float = 1.0) -> dict[str, Any]:
    at = min(number, len(WIDTHS) - 1)
    return {"color": ENGINES[number % len(ENGINES)], "line_width": WIDTHS[at] * scale, "line_dash": DASHES[at],
            "line_alpha": 1.0 if number else 0.45}


def membranes(run: Run) -> list[Drawn]:
    """One membrane of each of the first populations, every engine's laid over the others'."""
    network, step_ms = run.network, run.network.dt_ns * 1e-6
    traced = [(title, recording) for title, recording in _traced(run) if network.states[0] in recording.trace]
    shown = [population for population in network.ranges if network.membrane(population.first)[0]][:MOST_MEMBRANES] if traced else []
    first, drawn = max(0, network.steps - MOST_STEPS), []
    ms = (np.arange(first, network.steps) * step_ms).astype(np.float32)
    shared = Range1d(max(first * step_ms, network.seconds * 1e3 - MEMBRANE_MS), network.seconds * 1e3)
    for population in shown:
        neuron, _, _ = active(run.recording(run.hardware), network, population)
        one, threshold = network.membrane(neuron)
        plot = _figure(260, shared, x_axis_label="time (ms)", y_axis_label="membrane (mV)")
        for number, (title, recording) in enumerate(traced):
            values = np.asarray(recording.trace[network.states[0]])[first:, neuron]
            volts = (values / one if values.dtype.kind in "iu" else values).astype(np.float32)
            plot.line("ms", "mv", source=ColumnDataSource({"ms": ms, "mv": volts}), legend_label=title, **_line(number))
        plot.add_layout(Span(location=threshold, dimension="width", line_color="#777777", line_dash="dashed"))
        _legend(plot)
        left_out = f"; thinned: only the last {MOST_STEPS:,} of {network.steps:,} steps" if first else ""
        drawn.append(Drawn(plot, f"Neuron {neuron} of {population.name}{left_out}. The dashed line is the threshold."))
    return drawn


def divergence(found: Divergence) -> list[Any]:
    """Each signal of both engines around the step at which they first differ, below each other."""
    shared = Range1d(int(found.steps[0]) - 0.5, int(found.steps[-1]) + 1.5)
    plots: list[Any] = []
    for row in found.signals:
        plot = _figure(90 if plots else 160, shared, y_axis_label=row.name, toolbar_location=None if plots else "above")
        for number, (engine, values) in enumerate(zip(found.engines, row.values)):
            source = ColumnDataSource({"step": np.append(found.steps, found.steps[-1] + 1), "value": np.append(values, values[-1])})
            look: dict[str, Any] = {"line_width": (5, 2)[number], "line_alpha": (0.5, 1.0)[number], "color": ENGINES[number]}
            plot.step("step", "value", source=source, mode="after", legend_label=engine, **look)
        plot.yaxis.ticker.update(desired_num_ticks=3, num_minor_ticks=0)
        plot.yaxis.formatter.use_scientific = False
        plot.add_layout(BoxAnnotation(left=found.step, right=found.step + 1, fill_color="#d1495b", fill_alpha=0.18))
        if not plots:
            _legend(plot)
        else:
            plot.legend[0].visible = False
        plots.append(plot)
    _last_axis(plots)
    return plots


def _last_axis(plots: Sequence[Any]) -> None:
    for plot in plots[:-1]:
        plot.xaxis.visible = False
    for plot in plots[-1:]:
        plot.xaxis.axis_label = "step"
        plot.height += 40
