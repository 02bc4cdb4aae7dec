"""Mutation testing of Python: every mutant of a file is killed by the tests of its guard, or listed as equivalent or open, or unresolved."""

import argparse
import json
import os
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
from verification.models.judge import Fresh, Judge, Progress, Timed, budget
from verification.models.mutants import mutants

__all__ = ["REVIEWED", "GUARDS", "Assessment", "reviewed", "judge", "main"]

REVIEWED = ROOT / "tests" / "verification" / "equivalent_mutants.toml"


def own_tests() -> dict[str, tuple[str, ...]]:
    """Model -> the test of its name in the folder of its name, if there is one."""
    names = [path.relative_to(ROOT / "models").with_suffix("") for path in sorted((ROOT / "models").rglob("*.py"))]
    tests = {f"models/{name.as_posix()}": (name.parent / f"test_{name.name}").as_posix() for name in names}
    return {name: (test,) for name, test in tests.items() if (ROOT / "tests" / f"{test}.py").is_file()}


#: The tests that judge a file; of a model, most of them against something that is independent of it: hand-made numbers, the gateware, a stranger's
#: engine.
GUARDS: dict[str, tuple[str, ...]] = {
    **own_tests(),
    "models/cache": ("test_surroundings",), "models/hints": ("test_doctor",),
    "models/surroundings": ("cosim/test_toolchain",), "models/network/engine": ("cosim/test_engines",),
    "models/network/provenance": ("network/test_network", "cosim/test_report"), "models/core/golden": ("cosim/test_engines",),
    **{f"models/core/{name}": ("core/test_core_model", "core/test_hybrid", "core/test_stream_model") for name in (
        "cycles", "drives", "neurons", "part", "rows_bitmap", "rows_store", "rows_streams")},
    "models/numeric/drive": ("numeric/test_drive", "numeric/test_drive_gateware"),
    "models/streams/planes": ("streams/test_planes", "streams/test_encoder", "streams/test_synapse"),
    "models/network/rows": ("network/test_core_delivery",),
    "models/streams/params": ("streams/test_streams",),
    "models/core/windows": ("core/test_hybrid_streams",),
    "models/streams/faults": ("streams/test_faults", "streams/test_faults_gateware"),
    "models/network/file": ("network/test_network_file",),
    "models/link/board": ("cosim/test_board", "cosim/test_pll"),
    **{f"models/network/{name}": ("network/test_point_network", "test_point_reader") for name in (
        "point", "point_file", "point_population", "projection", "synapses", "container")},
    **{f"models/core/{name}": ("core/test_point_core", "core/test_rows_csr") for name in ("point_image", "point_loads", "point_size", "words")},
    "models/core/point_golden": ("face/test_point_sim",), "models/network/raw": ("network/test_builder",),
    "models/network/recording_file": ("network/test_recording",),
    **{f"models/network/{name}": ("face/test_point_sim", "cosim/test_report") for name in ("base", "described", "load", "point_described")},
    "models/core/point_engine": ("network/test_point_network", "test_point_page", "test_independent_points"),
    "models/core/point_units": ("network/test_point_network",),
    "models/neuron/linear": ("neuron/test_linear_model", "test_point_page", "test_independent_points"),
    "models/neuron/linear_steps": ("neuron/test_linear_model",),
    "models/neuron/bernoulli": ("test_point_page",), "models/prefetch": ("network/test_point_network",),
    "models/link/frames": ("link/test_host_link",),
    "models/link/payloads": ("link/test_host_link",),
    "models/network/population": ("cosim/test_report",),
    "models/network/network": ("network/test_network", "network/test_network_file",),
    "models/network/recording": ("test_checks",),
    "models/errors": ("test_checks",),
    "models/streams/plan": ("streams/test_plan", "streams/test_plan_model"),
    "models/streams/correlation": ("streams/test_correlation", "streams/test_plan_model"),
    "models/link/device": ("link/test_host_link_device", "link/test_host_link_decoder", "link/test_host_link",),
    "models/core/engine": ("core/test_core_model", "network/test_core_delivery", "test_independent",),
    "models/core/stream_engine": ("core/test_hybrid", "core/test_stream_model", "test_independent",),
    "translator/registry": ("translator/test_registry",),
    "translator/stateful": ("translator/test_homeostatic", "translator/test_izhikevich", "translator/test_stdp"),
    "translator/homeostatic": ("translator/test_homeostatic",),
    "translator/izhikevich": ("translator/test_izhikevich",),
    "translator/stdp": ("translator/test_stdp",),
    "translator/stdp_kernels": ("translator/test_stdp",),
    "translator/reservoir": ("translator/test_reservoir",),
    "translator/reservoir_tasks": ("translator/test_reservoir",),
    "translator/sc_layer": ("translator/test_sc_layer", "translator/test_memristive"),
    "translator/sc_weights": ("translator/test_sc_layer", "translator/test_memristive"),
    "translator/sc_theory": ("translator/test_sc_layer", "translator/test_memristive"),
    "translator/probability": ("translator/test_probability",),
    "translator/memristive": ("translator/test_memristive",),
    "translator/hybrid": ("core/test_hybrid", "core/test_stream_model", "core/test_hybrid_streams"),
    "translator/translations": ("translator/test_translations", "translator/test_custom"),
    "translator/custom": ("translator/test_custom",),
    "translator/params": ("translator/test_variants", "translator/test_translations"),
    "translator/raw": ("translator/test_variants", "translator/test_translations"),
    "translator/brunel": ("network/test_network", "translator/test_translations", "translator/test_variants"),
    "translator/variants": ("translator/test_variants",),
    "translator/voltage": ("translator/test_voltage", "translator/test_voltage_neuron",),
    "translator/voltage_neuron": ("translator/test_voltage", "translator/test_voltage_neuron",),
    "translator/voltage_kernels": ("translator/test_voltage", "translator/test_voltage_neuron",),
    "cosim/results/compare": ("cosim/test_compare",),
    "cosim/results/statistics": ("cosim/test_statistics",),
    "cosim/results/report": ("cosim/test_report",),
    "cosim/results/figure": ("cosim/test_report",),
    "cosim/isolation/run": ("cosim/test_engines",),
    "cosim/isolation/worker": ("cosim/test_engines",),
    "src/spikegate/cli": ("face/test_cli", "face/test_cli_network", "face/test_cli_streams"),
    "src/spikegate/simulate": ("face/test_cli", "face/test_cli_network", "face/test_cli_streams", "face/test_point_sim"),
    "src/spikegate/boards": ("cosim/test_board",),
    "src/spikegate/doctor": ("face/test_cli",),
    "src/spikegate/host": ("face/test_host", "face/test_host_line",),
    "src/spikegate/host_line": ("face/test_host", "face/test_host_line",),
}


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


def judge(path: Path, files: list[Path], *, only: set[str] | None = None, equivalent: set[str] = frozenset(),
          progress: Progress = lambda _: None) -> Assessment:
    """Judge every mutant of a file, or those named in ``only``, by the tests in ``files``; ``equivalent`` are names of reviewed ones.

    Raises
    ------
    SpikegateError
        If no test of the guard passes with the model itself.
    """
    start, everyone = time.perf_counter(), mutants(path)
    made = [mutant for mutant in everyone if only is None or mutant.name in only]
    with prepared(path):
        code, text = in_child(lambda file: run_pytest(files, Judge(path, made, file, progress)))
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


def main(arguments: list[str] | None = None) -> int:
    """Assess files, print a table and write it as JSON; 1 if a mutant is unresolved or the list of equivalent ones is wrong."""
    parser = argparse.ArgumentParser(prog="model_mutation", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"one or more of {', '.join(GUARDS)}; all by default")
    parser.add_argument("--again", action="store_true", help="only mutants that the file of the last run has as unresolved")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "model_mutation.json", metavar="FILE", help="keep the results in this file")
    parser.add_argument("--equivalent", type=Path, default=REVIEWED, metavar="FILE", help="the list of equivalent mutants")
    parser.add_argument("--tests", type=Path, nargs="+", metavar="FILE", help="judge by these tests and not by the guard")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.files) - set(GUARDS)):
        parser.error(f"no such file: {', '.join(unknown)}; choose from {', '.join(GUARDS)}")
    terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w")
    tell = lambda what: print(what, end="", flush=True, file=terminal) if terminal.isatty() else None  # noqa: E731
    before = {one["name"]: one for one in json.loads(options.json.read_text())} if options.json.exists() else {}
    found, reasons = [], reviewed(options.equivalent)
    for name in options.files or GUARDS:
        tests = ("test_models", *GUARDS[name]) if name.startswith("models/") else GUARDS[name]
        files = options.tests or [ROOT / "tests" / f"{test}.py" for test in tests]
        only = set(before[name]["unresolved"]) if options.again and name in before else None
        found.append(judge(ROOT / f"{name}.py", files, only=only, equivalent={mutant for model, mutant in reasons if model == name},
                           progress=lambda what: tell(f"\r{name}: {what}\033[K")))  # noqa: B023
        before[name] = asdict(found[-1])
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_whole(options.json, json.dumps(list(before.values()), indent=1) + "\n")
    tell("\r\033[K")
    Console(width=max(120, Console().width)).print(shown(found))
    for one in found:
        for kind in ("unresolved", "wrong"):
            for what in getattr(one, kind):
                print(f"{kind}: {one.name} {what}")
    return int(any(one.unresolved or one.wrong for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
