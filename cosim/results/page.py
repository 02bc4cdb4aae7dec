"""The report of a run as one page of HTML, which needs no network: the verdict first, then what it rests on, and plots that one can zoom."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikegate.cosim.results.compare import Check, describe
from spikegate.cosim.results.divergence import Divergence, around
from spikegate.cosim.results.report import Run
from spikegate.cosim.results.tables import tables, title
from spikegate.models.files import write_whole
from spikegate.models.network.engine import Agreement
from spikegate.models.surroundings import clean_environment

__all__ = ["page", "write_page"]

COLORS = ("#20639b", "#9ec6e8", "#d1495b", "#e08e0b", "#3caea3")


def write_page(path: Path, run: Run, checks: Sequence[Check], report: Mapping[str, Any], wave: str | None = None) -> None:
    """Write `page`, whole or not at all."""
    write_whole(path, page(run, checks, report, wave))


def page(run: Run, checks: Sequence[Check], report: Mapping[str, Any], wave: str | None = None) -> str:
    """The page of a run.

    Parameters
    ----------
    run : Run
    checks : sequence of Check
        As `spikegate.cosim.results.report.judge` gives them.
    report : Mapping
        As `spikegate.cosim.results.report.build` gives it.
    wave : str, optional
        Name of the file with the waveform of a mismatch.
    """
    with clean_environment():  # BOKEH_* are read at the import
        from bokeh.embed import components
        from bokeh.resources import Resources
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup

        from spikegate.cosim.results import plots

        found = _divergences(run, checks)
        raster, membranes = plots.raster(run), plots.membranes(run)
        rates = plots.rates(run, raster.plot.x_range)
        signals = [plots.divergence(each) for each in found]
        drawn = [raster.plot, rates.plot, *(each.plot for each in membranes), *(plot for each in signals for plot in each)]
        script, made = components(drawn, wrap_script=True)
        divs = iter(Markup(div) for div in made)
        shown = {"raster": {"plot": next(divs), "note": raster.note}, "rates": {"plot": next(divs), "note": rates.note},
                 "membranes": [{"plot": next(divs), "note": each.note} for each in membranes],
                 "divergences": [{**vars(each), "plots": Markup().join(next(divs) for _ in more), "same": _place(each) == _place(found[0])}
                                 for each, more in zip(found, signals)]}
        library = Resources(mode="inline", components=["bokeh"], minified=True).render_js()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = _number
    template = environment.from_string((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    return template.render(report=report, title=title(report), wave=wave, library=Markup(library), script=Markup(script), **shown,
                           **_verdict(checks), **_tables(run, report))


def _place(found: Divergence) -> tuple[Any, ...]:
    return found.step, found.neuron, found.engines


def _divergences(run: Run, checks: Sequence[Check]) -> list[Divergence]:
    """Those of the checks that failed at a step."""
    recordings = {run.recording(engine).engine: run.recording(engine) for engine in run.engines if engine.name in run.results}
    failed = [check for check in checks if check.failed and check.first_divergence and check.first_divergence["step"] is not None]
    found = [around(check, *(recordings[name] for name in (check.first_divergence or {})["engines"])) for check in failed]
    return [each for each in found if each is not None]


def _verdict(checks: Sequence[Check]) -> dict[str, Any]:
    """The checks, those that failed first, and how many of each verdict there are."""
    exact = [check for check in checks if check.class_ != Agreement.STATISTICAL]
    counts = {"judged": sum(check.ok is not None for check in checks), "failed": sum(check.failed for check in checks),
              "warned": sum(check.verdict == "WARNING" for check in checks), "unjudged": sum(check.ok is None for check in checks),
              "compared": sum(check.compared for check in exact), "differ": sum(check.mismatches for check in exact)}
    order = ("FAILED", "WARNING", "ok", "not judged")
    return {"counts": counts, "checks": [check.as_dict() for check in sorted(checks, key=lambda check: order.index(check.verdict))],
            "failed": [describe(check) for check in checks if check.failed]}


def _tables(run: Run, report: Mapping[str, Any]) -> dict[str, Any]:
    fixes, hardware = run.network.fixes(), run.recording(run.hardware)
    rows = [{**row, "fix": fixes.get(row["parameter"], ""), "error": _error(row)} for row in report["quantisation"]]
    phases = run.hardware.predicted_phases(run.network, hardware) or {}  # a memory outside answers when it can
    predicted = sum(phases.values())
    headers, engines = next((headers, rows) for name, headers, rows in tables(report) if name == title(report))
    said, source = report["provenance"], report["provenance"]["source"]
    found = {"network": report["network"]["hash"], "steps": f"{report['steps']:,}, of {run.network.dt_ns * 1e-6:g} ms",
             "seeds": f"{said['seed']}, of {report['seeds']} run{'s' * (report['seeds'] > 1)}", "date": said["date"], "commit": said["commit"] or "–",
             "platform": said["platform"], "versions": ", ".join(f"{name} {version or 'absent'}" for name, version in said["versions"].items()),
             "asked for": ", ".join(f"{name}={value}" for name, value in source.items()) or "–"}
    found |= {name: str(said[name]) for name in ("sabotage", "faults", "link") if said.get(name) is not None}
    bars = [{"name": name, "cycles": cycles, "each": f"{cycles / run.network.steps:,.1f}", "share": f"{100 * cycles / predicted:.1f} %",
             "color": color} for (name, cycles), color in zip(phases.items(), COLORS)]
    return {"quantisation": rows, "engines": {"headers": headers, "rows": engines}, "command": said.get("command"), "provenance": found,
            "cycles": {"phases": bars, "predicted": predicted, "measured": hardware.cycles or 0,
                       "each": f"{(predicted or hardware.cycles or 0) / run.network.steps:,.1f}"}}


def _number(value: float | None, digits: int = 6) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


def _error(row: Mapping[str, Any]) -> str:
    """Relative, or absolute where 0 was asked for."""
    error = row["relative_error"]
    return "–" if error is None else "0" if not error else f"{100 * error:+.3g} %" if row["asked"] else f"{error:+.4g}"
