"""Mutation testing of the gateware: every mutant of a leaf is killed by the leaf's guard, or proved to do the same, or counted as unresolved."""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Shown

from spikegate.cosim.toolchain.verilate import build_directory
from spikegate.models.errors import SpikegateError
from spikegate.models.files import write_whole
from verification.contracts import table as mutated
from verification.contracts.catalogue import LEAVES, WHOLE, leaf_verilog
from verification.contracts.guards import GUARDS
from verification.equivalence import aig
from verification.mutation import clocks as mutant_clocks
from verification.mutation import cut_memories, gate_replay, shared_state
from verification.mutation import prover as mutant_proof
from verification.mutation.mutants import Mutants, mutants

__all__ = ["Survivor", "Assessment", "judge", "resolve", "assess", "main"]

#: Of these a sample, spread over all cells and kinds of mutants.
SAMPLES = {"core": 2400}
#: Cycles in which most mutants end, so that only few lanes see the whole table, and episodes for mutants of clocks, which are slow.
SHORT, EPISODES, LATE = (100, 1000, 10_000), 8, 2
#: Registers, those of memories among them, above which nothing is proved that has them twice.
MANY = 1000
#: A build that is being made, a fraction, or a proof.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Survivor:
    """A mutant that was neither killed nor proved to do the same; ``cycles`` are inputs that show the difference, as far as known."""

    name: str
    verdict: str
    cycles: list[dict[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Assessment:
    """What became of the mutants of a module.

    Parameters
    ----------
    name : str
    enumerated, killed, equivalent : int
    survivors : list of Survivor
        The others.
    compared : int
        Ports that the guard compares in its table.
    seconds : float
        Without what was found in the cache.
    """

    name: str
    enumerated: int
    killed: int
    equivalent: int
    survivors: list[Survivor]
    compared: int
    seconds: float

    @property
    def unresolved(self) -> int:
        """Neither killed nor equivalent."""
        return len(self.survivors)


def judge(name: str, text: str, made: Mutants, guard: mutated.Guard, rows: mutated.Table, *, progress: Progress = lambda _: None) -> Assessment:
    """Run all mutants against a table.

    Those that outlive it are taken to the proof. The graph knows one clock, which
    never stands still: mutants of clocks run in Verilator, and for them there is no proof.

    Raises
    ------
    SpikegateError
        If the module itself differs from its table, or from mutant 0.
    """
    start, everyone = time.perf_counter(), range(1, len(made.names) + 1)
    progress("building")
    where, = mutated.first_differences(made, name, rows, [0])
    if where >= 0:
        raise SpikegateError(f"{name} itself is not as its guard has it: cycle {where % rows.cycles} of episode {where // rows.cycles}")
    clocks = [number for number in everyone if mutant_clocks.CLOCK.match(made.names[number - 1])]
    progress(f"{len(clocks)} mutants of clocks")
    stuck = [number for number, where in zip(clocks, mutated.first_differences(made, name, rows, clocks, episodes=EPISODES)) if where < 0]
    prover = mutant_proof.Prover(made, name, guard)
    differences = lambda numbers, limit: dict(zip(numbers, gate_replay.first_differences(prover.graph, made.text, name, rows, numbers, limit=limit)))  # noqa: E731
    alive = sorted(set(everyone) - set(clocks))
    for limit in (*SHORT, None):
        progress(f"{len(alive)} mutants{'' if limit is None else f', {limit} cycles'}")
        alive = [number for number, where in differences(alive, limit).items() if where < 0]
    progress(f"{len(alive)} proofs")
    if guard.proved and (verdict := mutant_proof.is_the_module(text, made, name, guard)) != "equal":
        raise SpikegateError(f"Mutant 0 of {name} is not proved to be {name}: {verdict}")
    verdicts = prover.decide(alive) if len(prover.graph.next) <= MANY else dict.fromkeys(alive, ("unknown", []))
    left = {number: verdict for number, verdict in verdicts.items() if verdict[0] != "equal"}
    equivalent = len(alive) - len(left)
    left |= {number: ("unknown", []) for number in stuck}
    survivors = [Survivor(f"{number}: {made.names[number - 1]}", *verdict) for number, verdict in left.items()]
    return Assessment(name, len(everyone), len(everyone) - equivalent - len(survivors), equivalent, survivors, rows.compared,
                      round(time.perf_counter() - start, 1))


def _write(folder: Path, found: Assessment) -> None:
    (folder / "assessment.json").write_text(json.dumps(asdict(found)))


def _read(folder: Path) -> Assessment:
    entries = json.loads((folder / "assessment.json").read_text())
    return Assessment(**{**entries, "survivors": [Survivor(**survivor) for survivor in entries["survivors"]]})


def resolve(text: str, made: Mutants, guard: mutated.Guard, rows: mutated.Table, found: Assessment) -> Assessment:
    """Survivors once more.

    Those of clocks: proved to do the same, or run with inputs that come late. The others: proved without memories, and with few registers twice.

    Raises
    ------
    SpikegateError
        If the module itself does something else when its inputs come late, or if its lemma is not proved.
    """
    open_ = [int(survivor.name.partition(":")[0]) for survivor in found.survivors if survivor.verdict == "unknown"]
    clocks = [number for number in open_ if mutant_clocks.CLOCK.match(made.names[number - 1])]
    others = sorted(set(open_) - set(clocks))
    granted, assumed = shared_state.with_lemma(made, found.name, guard)
    cut = replace(granted, text=cut_memories.without_memories(granted.text, found.name))
    equal = mutant_clocks.equal(cut, found.name, assumed, clocks) if clocks and found.name not in SAMPLES else set()
    late, killed = [number for number in clocks if number not in equal], set()
    if late:
        itself, *where = mutant_clocks.edges(made, found.name, rows, [0, *late], episodes=LATE)
        if itself >= 0:
            raise SpikegateError(f"{found.name} itself is not as its guard has it when inputs come late: row {itself}")
        killed = {number for number, at in zip(late, where) if at >= 0}
    if others:
        equal |= shared_state.Narrow(cut, found.name, assumed).equal(others, text, found.name, rows)
    left = [survivor for survivor in found.survivors if int(survivor.name.partition(":")[0]) not in equal | killed]
    return replace(found, killed=found.killed + len(killed), equivalent=found.equivalent + len(equal), survivors=left)


def assess(name: str, *, progress: Progress = lambda _: None) -> Assessment:
    """Judge every mutant of a leaf, or take the result from the cache.

    Raises
    ------
    SpikegateError
        As in `judge`, and if the guard compares nothing; `ToolMissing` if a tool is absent.
    """
    guard, text = GUARDS[name], leaf_verilog(name)
    rows = mutated.table(guard, text, name)
    table = [part.tobytes().hex() for part in (rows.inputs, rows.expected, rows.care)]
    sources = [path.read_text() for path in (Path(aig.__file__), Path(mutant_proof.__file__), mutated.HARNESS, gate_replay.HARNESS)]
    contract = str((guard.cycles, guard.care, guard.streams, guard.assume, guard.state, SAMPLES.get(name)))
    with build_directory("mutation", text, contract, *sources, *table) as (folder, finished):
        if not finished:
            progress("enumerating")
            made = mutants(text, name, count=SAMPLES.get(name))
            found = judge(name, text, made, guard, rows, progress=progress)
            _write(folder, found)
        found = _read(folder)
    if not found.survivors:
        return found
    sources = [Path(part.__file__).read_text() for part in (aig, mutant_proof, cut_memories, shared_state, mutant_clocks)]
    with build_directory("resolved", text, contract, guard.lemma, json.dumps(asdict(found)), *sources) as (folder, finished):
        if not finished:
            progress(f"{len(found.survivors)} proofs with fewer registers")
            _write(folder, resolve(text, mutants(text, name, count=SAMPLES.get(name)), guard, rows, found))
        return _read(folder)


def shown(found: list[Assessment]) -> Shown:
    """The table that `main` prints."""
    table = Shown(title="Mutants", title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0),
                  pad_edge=False, show_footer=True)
    total = lambda name: f"{round(sum(getattr(one, name) for one in found), 1):,}"  # noqa: E731
    table.add_column("module", "all", no_wrap=True)
    for name in ("enumerated", "killed", "equivalent", "unresolved", "compared", "seconds"):
        table.add_column(name, total(name), justify="right")
    for one in found:
        table.add_row(one.name, *(f"{getattr(one, name):,}" for name in ("enumerated", "killed", "equivalent", "unresolved", "compared", "seconds")))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Assess modules, print a table and write it as JSON; 1 if a mutant is unresolved."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one or more of {', '.join(GUARDS)}; all by default")
    parser.add_argument("--json", type=Path, default=Path("build/mutation.json"), metavar="FILE", help="write the results to this file")
    options = parser.parse_args(arguments)
    names = options.modules or [*LEAVES, *WHOLE]
    if unknown := sorted(set(names) - set(GUARDS)):
        parser.error(f"no such module: {', '.join(unknown)}; choose from {', '.join(GUARDS)}")
    bars, found = Console(stderr=True), []
    for name in names:
        with bars.status(name) as line:
            found.append(assess(name, progress=lambda what: line.update(f"{name}: {what}")))  # noqa: B023
    Console().print(shown(found))
    for one in found:
        for survivor in one.survivors:
            print(f"unresolved: {one.name} {survivor.name} ({survivor.verdict})")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.json, json.dumps([{**asdict(one), "unresolved": one.unresolved} for one in found], indent=1) + "\n")
    return int(any(one.unresolved for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
