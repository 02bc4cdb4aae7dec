"""What is left of a module's mutants: killed by a further table, in a leaf, or in a long run; or proved by a relation to do the same."""

from collections.abc import Callable, Sequence

from spikegate.cosim import graph, mutant_clocks, mutant_long, mutant_parts
from spikegate.cosim.guards_loads import LOADS
from spikegate.cosim.leaves import leaf_verilog
from spikegate.cosim.mutant_hints import HINTS
from spikegate.cosim.mutant_proof import watched
from spikegate.cosim.mutant_relation import Related
from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard, Table, table
from spikegate.models.errors import SpikegateError

__all__ = ["TABLES", "rows_of", "settle"]

#: By module, what its guard leaves out.
TABLES: dict[str, Guard] = {"core": LOADS}


def rows_of(name: str, text: str) -> Table | None:
    """The further table of a module, if it has one."""
    return table(TABLES[name], text, name) if name in TABLES else None


def settle(made: Mutants, name: str, guard: Guard, numbers: Sequence[int], rows: Table | None, *,
           progress: Callable[[str], None] = lambda _: None) -> tuple[set[int], set[int]]:
    """Of the mutants ``numbers`` those that ``rows`` kill, and those that are proved to do the same.

    Raises
    ------
    SpikegateError
        If the module itself differs from the table, or if its lemma is not proved.
    """
    killed, equal = set(), set()
    if rows is not None:
        itself, *where = graph.first_differences(watched(made.text, name, guard), made.text, name, rows, [0, *numbers])
        if itself >= 0:
            raise SpikegateError(f"{name} itself is not as its further table has it: cycle {itself % rows.cycles} of episode {itself // rows.cycles}")
        killed = {number for number, at in zip(numbers, where) if at >= 0}
    if name in mutant_parts.PARTS:
        progress("leaves")
        killed |= mutant_parts.killed(made, name, leaf_verilog(name), sorted(set(numbers) - killed))
    if name == "core":
        killed |= mutant_long.killed(made, sorted(set(numbers) - killed), progress=progress)
    todo = [number for number in numbers if number not in killed and not mutant_clocks.CLOCK.match(made.names[number - 1])]
    if todo and name in HINTS:
        prover = Related(made, name, guard, HINTS[name])
        for number in todo:
            progress(f"relation of {number}")
            if prover.miscounts(number):
                killed.add(number)
            elif prover.related(number):
                equal.add(number)
    return killed, equal
