"""Mutation testing of the gateware: every mutant of a module is killed by its guard, or proved to do the same, or listed by name."""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Shown

from spikegate.cosim.toolchain.verilate import build_directory
from spikegate.models.errors import SpikegateError
from spikegate.models.files import write_whole
from verification.contracts.catalogue import LEAVES, WHOLE, leaf_verilog
from verification.contracts.guards import GUARDS
from verification.contracts.ports import ports
from verification.contracts.table import Guard, Table, table
from verification.equivalence import aig, replay, safety
from verification.equivalence.safety import Verdict
from verification.mutation import clocks, cut_memories, prover
from verification.mutation.mutants import Mutants, mutants
from verification.mutation.prover import Prover, is_the_module, watched
from verification.mutation.survivors import LIST, listed, write

__all__ = ["Survivor", "Assessment", "judge", "assess", "main"]

#: Of these a sample, spread over all cells and kinds of mutants.
SAMPLES = {"core": 2400}
#: Cycles in which most mutants end, so that few are run to the end of the table; and episodes for mutants of clocks, which are slow.
SHORT, EPISODES = (100, 1000, 10_000), 8
#: Registers, those of memories among them, above which nothing is proved that has the memories.
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


def outlive(graph: aig.Aig, made: Mutants, name: str, rows: Table, numbers: Sequence[int], limit: int | None) -> list[int]:
    """Those of the mutants that do as the table says."""
    offsets = {side: {port.name: port.offset for port in ports(made.text, name, side)} for side in ("input", "output")}
    looks = []
    for literal, output in zip(graph.outputs, graph.names):
        if output.startswith("see_"):
            port, bit = replay.bit_of(output[4:])
            looks.append(replay.Look(literal, offsets["output"][port] + bit))
    where = replay.replay(graph, offsets["input"], looks, rows, numbers, limit=limit)[0]
    return [number for number, row in zip(numbers, where) if row < 0]


def proofs(made: Mutants, name: str, guard: Guard, numbers: Sequence[int], *, few: bool) -> dict[int, Verdict]:
    """Of mutants whether they do the same: with the memories cut out, and if there are ``few`` registers then with them.

    What reads anything from its memories may differ where the module does not: only with them is a mutant shown to be different.
    """
    cut = replace(made, text=cut_memories.without_memories(made.text, name))
    found = Prover(cut, name, guard).decide(numbers)
    if cut.text == made.text:
        return found
    left = [number for number, verdict in found.items() if verdict[0] != "equal"]
    return found | (Prover(made, name, guard).decide(left) if few else dict.fromkeys(left, ("unknown", [])))


def judge(name: str, text: str, made: Mutants, guard: Guard, rows: Table, *, progress: Progress = lambda _: None) -> Assessment:
    """Run all mutants against a table, and take those that outlive it to the proof.

    Mutants of clocks run in Verilator, and for them there is no proof.

    Raises
    ------
    SpikegateError
        If the module itself differs from its table, or from mutant 0.
    """
    start, everyone = time.perf_counter(), range(1, len(made.names) + 1)
    progress("building")
    where, = clocks.first_differences(made, name, rows, [0])
    if where >= 0:
        raise SpikegateError(f"{name} itself is not as its guard has it: cycle {where % rows.cycles} of episode {where // rows.cycles}")
    of_clocks = [number for number in everyone if clocks.CLOCK.match(made.names[number - 1])]
    progress(f"{len(of_clocks)} mutants of clocks")
    stuck = [number for number, where in zip(of_clocks, clocks.first_differences(made, name, rows, of_clocks, episodes=EPISODES)) if where < 0]
    graph, alive = watched(made.text, name, guard), sorted(set(everyone) - set(of_clocks))
    for limit in (*SHORT, None):
        progress(f"{len(alive)} mutants{'' if limit is None else f', {limit} cycles'}")
        alive = outlive(graph, made, name, rows, alive, limit)
    progress(f"{len(alive)} proofs")
    if guard.proved and (verdict := is_the_module(text, made, name, guard)) != "equal":
        raise SpikegateError(f"Mutant 0 of {name} is not proved to be {name}: {verdict}")
    left = {number: verdict for number, verdict in proofs(made, name, guard, alive, few=len(graph.next) <= MANY).items() if verdict[0] != "equal"}
    equivalent = len(alive) - len(left)
    survivors = [Survivor(made.names[number - 1], *left.get(number, ("unknown", []))) for number in sorted([*left, *stuck])]
    return Assessment(name, len(everyone), len(everyone) - equivalent - len(survivors), equivalent, survivors, rows.compared,
                      round(time.perf_counter() - start, 1))


def assess(name: str, *, progress: Progress = lambda _: None) -> Assessment:
    """Judge every mutant of a module, or take the result from the cache.

    Raises
    ------
    SpikegateError
        As in `judge`, and if the guard compares nothing; `ToolMissing` if a tool is absent.
    """
    guard, text = GUARDS[name], leaf_verilog(name)
    rows = table(guard, text, name)
    values = [part.tobytes().hex() for part in (rows.inputs, rows.expected, rows.care)]
    sources = [Path(part).read_text() for part in (__file__, aig.__file__, safety.__file__, prover.__file__, cut_memories.__file__, replay.HARNESS,
                                                   clocks.HARNESS)]
    contract = str((guard.cycles, guard.care, guard.streams, guard.assume, guard.state))
    with build_directory("mutation", text, contract, *sources, *values) as (folder, finished):
        kept = folder / "assessment.json"
        if not finished:
            progress("enumerating")
            found = judge(name, text, mutants(text, name, count=SAMPLES.get(name)), guard, rows, progress=progress)
            kept.write_text(json.dumps(asdict(found)))
        entries = json.loads(kept.read_text())
    return Assessment(**{**entries, "survivors": [Survivor(**survivor) for survivor in entries["survivors"]]})


def shown(found: list[Assessment]) -> Shown:
    """The table that `main` prints."""
    table = Shown(title="Mutants", title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0),
                  pad_edge=False, show_footer=True)
    names = ("enumerated", "killed", "equivalent", "survivors", "compared", "seconds")
    values = {name: [len(one.survivors) if name == "survivors" else getattr(one, name) for one in found] for name in names}
    table.add_column("module", "all", no_wrap=True)
    for name in names:
        table.add_column(name, f"{round(sum(values[name]), 1):,}", justify="right")
    for k, one in enumerate(found):
        table.add_row(one.name, *(f"{values[name][k]:,}" for name in names))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Assess modules, print a table and write it as JSON; 1 if a mutant survives that is not in the list."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one or more of {', '.join(GUARDS)}; all by default")
    parser.add_argument("--json", type=Path, default=Path("build/mutation.json"), metavar="FILE", help="write the results to this file")
    parser.add_argument("--update", action="store_true", help=f"write figures and survivors of these modules to {LIST.name} and its page")
    options = parser.parse_args(arguments)
    names = options.modules or [*LEAVES, *WHOLE]
    if unknown := sorted(set(names) - set(GUARDS)):
        parser.error(f"no such module: {', '.join(unknown)}; choose from {', '.join(GUARDS)}")
    bars, found = Console(stderr=True), []
    for name in names:
        with bars.status(name) as line:
            found.append(assess(name, progress=lambda what: line.update(f"{name}: {what}")))  # noqa: B023
    Console().print(shown(found))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.json, json.dumps([asdict(one) for one in found], indent=1) + "\n")
    if options.update:
        write({one.name: {"enumerated": one.enumerated, "killed": one.killed, "equivalent": one.equivalent,
                          "survivors": [survivor.name for survivor in one.survivors]} for one in found})
    known, fresh = listed(), False
    for one in found:
        for survivor in one.survivors:
            new = survivor.name not in known.get(one.name, ())
            fresh |= new
            print(f"survivor: {one.name} {survivor.name} ({survivor.verdict}{f', not in {LIST.name}' if new else ''})")
    return int(fresh)


if __name__ == "__main__":
    raise SystemExit(main())
