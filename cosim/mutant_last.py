"""What is left of a module's mutants: killed by a further table, in a leaf, in a long run or at a falling edge, or proved to do the same."""

from collections.abc import Callable, Sequence

from spikegate.cosim import graph, mutant_long, mutant_parts, mutant_phases
from spikegate.cosim.guards_line import LATE
from spikegate.cosim.guards_loads import LOADS
from spikegate.cosim.leaves import leaf_verilog
from spikegate.cosim.mutant_clocks import CLOCK
from spikegate.cosim.mutant_counts import Counting
from spikegate.cosim.mutant_hints import HINTS
from spikegate.cosim.mutant_proof import watched
from spikegate.cosim.mutant_relation import Related
from spikegate.cosim.mutant_taint import Tainted
from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard, Table, table
from spikegate.models.errors import SpikegateError

__all__ = ["TABLES", "rows_of", "settle"]

#: By module, what its guard leaves out.
TABLES: dict[str, Guard] = {"core": LOADS, "frame_receiver": LATE}
#: What is to be told of the work, and numbers of mutants.
Progress, Numbers = Callable[[str], None], Sequence[int]


def rows_of(name: str, text: str) -> Table | None:
    """The further table of a module, if it has one."""
    return table(TABLES[name], text, name) if name in TABLES else None


def _falling(made: Mutants, name: str, guard: Guard, numbers: Numbers, progress: Progress) -> tuple[set[int], set[int]]:
    """Mutants of clocks that are killed, and those that are proved to do the same."""
    progress(f"{len(numbers)} clocks")
    itself, *where = mutant_phases.unsteady(made, name, table(guard, leaf_verilog(name), name), [0, *numbers], episodes=mutant_phases.EPISODES)
    if itself >= 0:
        raise SpikegateError(f"An output of {name} itself changes at a falling edge: row {itself}")
    killed = {number for number, at in zip(numbers, where) if at >= 0}
    prover = mutant_phases.Falling(made, name, guard, HINTS[name])
    cells = {number: CLOCK.match(made.names[number - 1]).groups() for number in numbers if number not in killed}
    return killed, {number for number, (mode, cell) in cells.items() if mode == "inv" and prover.same(made, cell)}


def _proved(made: Mutants, name: str, guard: Guard, numbers: Numbers, progress: Progress) -> tuple[set[int], set[int]]:
    """Mutants that only count wrong, and those that are proved to do the same."""
    killed, equal, values, taint = set(), set(), Related(made, name, guard, HINTS[name]), Tainted(made, name, guard, HINTS[name])
    counting = Counting(made, name, guard, HINTS[name])
    for number in numbers:
        progress(f"relation of {number}")
        values.turn(number, made.names[number - 1])
        if counting.miscounts(number):
            killed.add(number)
        elif values.related(number) or taint.related(number):
            equal.add(number)
    return killed, equal


def settle(made: Mutants, name: str, guard: Guard, numbers: Numbers, rows: Table | None, *,
           progress: Progress = lambda _: None) -> tuple[set[int], set[int]]:
    """Of the mutants ``numbers`` those that are killed, by ``rows`` first, and those that are proved to do the same.

    Raises
    ------
    SpikegateError
        If the module itself differs from a table, changes at a falling edge or takes other cycles, or if its lemma is not proved.
    """
    killed, equal = set(), set()
    left = lambda clocks: [number for number in numbers  # noqa: E731
                           if number not in killed | equal and bool(CLOCK.match(made.names[number - 1])) == clocks]
    if rows is not None:
        itself, *where = graph.first_differences(watched(made.text, name, guard), made.text, name, rows, [0, *numbers])
        if itself >= 0:
            raise SpikegateError(f"{name} itself is not as its further table has it: cycle {itself % rows.cycles} of episode {itself // rows.cycles}")
        killed = {number for number, at in zip(numbers, where) if at >= 0}
    if name in mutant_parts.PARTS:
        progress("leaves")
        killed |= mutant_parts.killed(made, name, leaf_verilog(name), left(False))
    if name == "core":
        killed |= mutant_long.killed(made, left(False), progress=progress)
    for clocks, judge in ((True, _falling), (False, _proved)):
        if name in HINTS and left(clocks):
            dead, same = judge(made, name, guard, left(clocks), progress)
            killed, equal = killed | dead, equal | same
    return killed, equal
