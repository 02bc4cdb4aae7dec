"""The report as tables: on a terminal, fit for 80 columns, and in Markdown."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from spikegate.models.network.engine import Agreement

__all__ = ["markdown", "print_tables", "tables", "title"]

WORDS = {"engine", "check", "class", "verdict", "parameter", "effect"}


def tables(report: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """``(title, headers, rows)`` for the engines, the exact checks, the effects and the quantisation."""
    engines = [[name, f"{e['spikes']:,}", *(_number(e[key], form) for key, form in
                (("rate_hz", ".2f"), ("cv_isi", ".3f"), ("correlation", ".4f"), ("wall_s", ".2f"), ("peak_mib", ".0f"))),
                _number(e.get("cycles"), ",")] for name, e in report["engines"].items()]
    exact = [c for c in report["checks"] if c["class"] != Agreement.STATISTICAL]
    checks = [[c["name"], c["class"], f"{c['compared']:,}", f"{c['mismatches']:,}", c["verdict"],
               "" if c["class"] == Agreement.BIT_TRUE and c["ok"] else c["detail"]] for c in exact]
    effects = [[c["name"], _number(c["value"], ".4g"), _number(c["reference"], ".4g"), _difference(c),
                "–" if c["margin"] is None else f"±{c['margin']:.2g}", c["verdict"], c["detail"] if c["ok"] is None else ""]
               for c in report["checks"] if c["class"] == Agreement.STATISTICAL]
    rows = [[r["parameter"], _number(r["asked"], ".6g"), _number(r["realised"], ".6g"),
             _relative(r["relative_error"] if r["asked"] else None)] for r in report["quantisation"]]
    seeds = f", mean of {report['seeds']} seeds" if report["seeds"] > 1 else ""
    return [(title(report), ["engine", "spikes", "rate Hz", "CV ISI", "corr.", "wall s", "MiB", "cycles"], engines),
            ("Exact checks", ["check", "class", "compared", "differ", "verdict", "detail"], checks),
            (f"Effects on the statistics{seeds}", ["effect", "value", "reference", "difference", "margin", "verdict", "detail"], effects),
            ("Quantisation (mV, ms)", ["parameter", "asked", "realised", "relative error"], rows)]


def title(report: Mapping[str, Any]) -> str:
    """What ran, in a line."""
    net = report["network"]
    length = f" L={net['streams']['length']}" if "streams" in net else ""
    text = (f"{net['preset']}, {net['variant']}{length}, {net['format']}, N={net['n']:,}, {report['steps']:,} steps, {net['lanes']} lanes, "
            f"network {net['hash'][:12]}")
    if faults := report["provenance"].get("faults"):
        text += f", {faults['stuck']:,} lines stuck"
    if link := report["provenance"].get("link"):
        text += f", RTL through the host link on {link['port']}"
    return text


def print_tables(report: Mapping[str, Any], console: Console) -> None:
    """Print the tables on a terminal; the details of the checks are left to the file."""
    for title, headers, rows in tables(report):
        shown = [header for header in headers if header != "detail"]
        table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE,
                      padding=(0, 1, 0, 0), pad_edge=False)
        for header in shown:
            table.add_column(header, justify="left" if header in WORDS else "right", overflow="fold")
        for row in rows:
            table.add_row(*row[:len(shown)], style="bold red" if "FAILED" in row else "bold yellow" if "WARNING" in row else None)
        console.print(table)


def markdown(report: Mapping[str, Any]) -> str:
    """The same tables in Markdown."""
    lines = []
    for title, headers, rows in tables(report):
        lines += [f"### {title}", "", "| " + " | ".join(headers) + " |", "|" + " --- |" * len(headers)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows] + [""]
    return "\n".join(lines)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _difference(check: Mapping[str, Any]) -> str:
    value, reference = check["value"], check["reference"]
    if value is None or reference is None:
        return "–"
    return f"{100 * (value / reference - 1):+.1f} %" if reference and "correlation" not in check["name"] else f"{value - reference:+.4f}"


def _relative(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.3g} %" if value else "0"
