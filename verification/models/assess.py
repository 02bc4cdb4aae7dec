"""Mutation testing of Python: every mutant of a file is killed by the tests of its guard, or listed as equivalent or open, or unresolved."""

import argparse
import hashlib
import json
import math
import os
import random
import sys
import time
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Shown

from spikegate.models.errors import SpikegateError
from spikegate.models.files import write_whole
from verification.models.child import ROOT, SURVIVED, in_child, prepared, run_pytest
from verification.models.guards import GUARDS
from verification.models.judge import Fresh, Judge, Progress, Timed, budget
from verification.models.mutants import mutants

__all__ = ["REVIEWED", "GUARDS", "Assessment", "reviewed", "judge", "sampled", "interval", "main"]

REVIEWED = ROOT / "tests" / "verification" / "equivalent_mutants.toml"
#: Verdicts of runs that were broken off, which the next one takes up.
KEPT = ROOT / "build" / "mutants"


@dataclass
class Assessment:
    """What became of the mutants of a file; ``unresolved`` are names of mutants, ``wrong`` is what is not as the list of equivalent ones says."""

    name: str
    enumerated: int = 0
    killed: int = 0
    equivalent: int = 0
    unresolved: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    tests: int = 0
    seconds: float = 0.0


def reviewed(path: Path) -> dict[tuple[str, str], str]:
    """Reasons of the mutants that are equivalent, by the model's name and theirs."""
    entries = tomllib.loads(path.read_text())["equivalent"]
    return {(entry["module"], f"{entry['function']}: {text}"): entry["reason"] for entry in entries for text in entry["mutants"]}


def key_of(files: list[Path]) -> str:
    """Of a file and its tests: differs where a verdict may."""
    files = [*files, *sorted(Path(__file__).parent.rglob("*.py"))]
    return hashlib.sha256("\0".join(file.read_text() for file in files if file.name != "guards.py").encode()).hexdigest()[:20]


def judge(path: Path, files: list[Path], *, only: set[str] | None = None, equivalent: set[str] = frozenset(),
          progress: Progress = lambda _: None) -> Assessment:
    """Judge every mutant of a file, or those named in ``only``, by the tests in ``files``; ``equivalent`` are names of reviewed ones.

    Raises
    ------
    SpikegateError
        If no test of the guard passes with the model itself.
    """
    start, everyone = time.perf_counter(), mutants(path)
    KEPT.mkdir(parents=True, exist_ok=True)
    made = [mutant for mutant in everyone if only is None or mutant.name in only]
    with prepared(path, files):
        code, text = in_child(lambda file: run_pytest(files, Judge(path, made, file, progress, KEPT / key_of([path, *files]))))
        if code not in SURVIVED or not text or not (timed := {name: Timed(**one) for name, one in json.loads(text)[0].items()}):
            raise SpikegateError(f"No test of {', '.join(file.name for file in files)} passes with {path.name} itself in {budget(path)[0]} s; "
                                 f"exit code {code}")
        _, names, early = json.loads(text)
        alive, again = set(names), [mutant for mutant in made if mutant.name in names and (not mutant.function or mutant.function in early)]
        for number, mutant in enumerate(again, 1):
            progress(f"import {number} of {len(again)}")
            if Fresh(path, mutant, timed).killed(files):
                alive.remove(mutant.name)
    wrong = [f"{name}: killed" for name in sorted(equivalent & {mutant.name for mutant in made} - alive)]
    wrong += [f"{name}: no such mutant" for name in sorted(equivalent - {mutant.name for mutant in everyone})]
    unresolved = [mutant.name for mutant in made if mutant.name in alive - equivalent]
    reasoned = len(equivalent & (alive if only is None else {mutant.name for mutant in everyone}))
    name = path.relative_to(ROOT).with_suffix("").as_posix()
    return Assessment(name, len(everyone), len(everyone) - reasoned - len(unresolved), reasoned, unresolved, wrong, len(timed),
                      round(time.perf_counter() - start, 1))


def shown(found: list[Assessment]) -> Shown:
    """The table that `main` prints."""
    table = Shown(title="Mutants of Python files", title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE,
                  padding=(0, 1, 0, 0), pad_edge=False, show_footer=True)
    columns = {name: [value if isinstance(value := getattr(one, name), (int, float)) else len(value) for one in found]
               for name in ("enumerated", "killed", "equivalent", "unresolved", "tests", "seconds")}
    table.add_column("file", "all", no_wrap=True)
    for name, values in columns.items():
        table.add_column(name, f"{round(sum(values), 1):,}", justify="right")
    for one, *values in zip(found, *columns.values()):
        table.add_row(one.name, *(f"{value:,}" for value in values))
    return table


def sampled(names: list[str], count: int, seed: int) -> dict[str, set[str]]:
    """That many mutants of all in these files, each as likely as any other: the file's name -> names of mutants."""
    everyone = [(name, mutant.name) for name in names for mutant in mutants(ROOT / f"{name}.py")]
    found: dict[str, set[str]] = {}
    for name, mutant in random.Random(seed).sample(everyone, min(count, len(everyone))):
        found.setdefault(name, set()).add(mutant)
    return found


def interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share, at 95 %."""
    z = 1.96
    middle, half = hits + z * z / 2, z * math.sqrt(hits * (count - hits) / count + z * z / 4)
    return (middle - half) / (count + z * z), (middle + half) / (count + z * z)


def main(arguments: list[str] | None = None) -> int:
    """Assess files, print a table and write it as JSON; 1 if a mutant is unresolved or the list of equivalent ones is wrong."""
    parser = argparse.ArgumentParser(prog="model_mutation", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"one or more of {', '.join(GUARDS)}; all by default")
    parser.add_argument("--again", action="store_true", help="only mutants that the file of the last run has as unresolved")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "model_mutation.json", metavar="FILE", help="keep the results in this file")
    parser.add_argument("--equivalent", type=Path, default=REVIEWED, metavar="FILE", help="the list of equivalent mutants")
    parser.add_argument("--tests", type=Path, nargs="+", metavar="FILE", help="judge by these tests and not by the guard")
    parser.add_argument("--sample", type=int, metavar="K", help="judge K mutants alone, drawn at random from all of the files")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: %(default)s)")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.files) - set(GUARDS)):
        parser.error(f"no such file: {', '.join(unknown)}; choose from {', '.join(GUARDS)}")
    terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w")
    tell = lambda what: print(what, end="", flush=True, file=terminal) if terminal.isatty() else None  # noqa: E731
    before = {one["name"]: one for one in json.loads(options.json.read_text())} if options.json.exists() else {}
    found, reasons = [], reviewed(options.equivalent)
    drawn = sampled(options.files or list(GUARDS), options.sample, options.seed) if options.sample else None
    for name in drawn or options.files or GUARDS:
        tests = ("test_models", *GUARDS[name]) if name.startswith("models/") else GUARDS[name]
        files = options.tests or [ROOT / "tests" / f"{test}.py" for test in tests]
        only = drawn[name] if drawn else set(before[name]["unresolved"]) if options.again and name in before else None
        path, equivalent = ROOT / f"{name}.py", {mutant for model, mutant in reasons if model == name}
        found.append(judge(path, files, only=only, equivalent=equivalent, progress=lambda what: tell(f"\r{name}: {what}\033[K")))  # noqa: B023
        if drawn:
            continue
        before[name] = asdict(found[-1])
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_whole(options.json, json.dumps(list(before.values()), indent=1) + "\n")
    tell("\r\033[K")
    if drawn:
        count, alive = sum(map(len, drawn.values())), sum(len(one.unresolved) for one in found)
        known = sum((name, mutant) in reasons for name, some in drawn.items() for mutant in some)
        low, high = interval(count - known - alive, count - known)
        print(f"{count} mutants of {len(drawn)} files: {count - known - alive} killed, {known} reviewed as equivalent, {alive} unresolved; of all "
              f"that are not reviewed {100 * low:.0f} to {100 * high:.0f} % are killed (95 % confidence)")
    else:
        Console(width=max(120, Console().width)).print(shown(found))
    for one in found:
        for kind in ("unresolved", "wrong"):
            for what in getattr(one, kind):
                print(f"{kind}: {one.name} {what}")
    return int(any(one.unresolved or one.wrong for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
