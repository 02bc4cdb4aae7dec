"""What settles the last mutants: leaves, long runs, falling edges, turned addresses, taint and a late reader, each with what it must not settle."""

import dataclasses
import random
import re
from itertools import islice

import pytest
from mutants_killed import core, killed

from spikegate.cosim import graph, mutant_clocks, mutant_last, mutant_long, mutant_parts, mutant_phases, mutated
from spikegate.cosim.aig import Builder
from spikegate.cosim.guards import GUARDS
from spikegate.cosim.guards_network import G
from spikegate.cosim.leaves import leaf_verilog
from spikegate.cosim.mutant_given import Hints
from spikegate.cosim.mutant_hints import HINTS
from spikegate.cosim.mutant_proof import watched
from spikegate.cosim.mutant_taint import Tainted
from spikegate.cosim.mutants import Mutants, mutants
from spikegate.cosim.mutation import SAMPLES
from spikegate.cosim.satisfied import Solver
from spikegate.models.errors import SpikegateError

#: A mutant that does nothing: without the lowest of its spikes, a word has none in the first lane.
REDUNDANT = "const0 $flatten\\top.\\spikes.$reduce_or$top.v:3892$1024 A 0"


def test_a_defect_in_a_part_is_killed_by_the_guard_of_the_leaf():
    """Bubbles between spikes, which rows of several words hide; negative controls: what does nothing in the leaf either, and what is elsewhere."""
    made, text = mutants(leaf_verilog("core"), "core", count=SAMPLES["core"]), leaf_verilog("core")
    numbers = [number for number, name in enumerate(made.names, 1) if re.search(r"\\spikes\.\$(not|or|and)\$top\.v:38(80|81|85)\$", name)]
    twins = {number: mutant_parts.counterpart("core", text, made.names[number - 1]) for number in numbers}
    dead = mutant_parts.killed(made, "core", text, numbers)
    redundant, lane = (next(number for number, name in enumerate(made.names, 1) if part in name) for part in (REDUNDANT, "\\lane_1."))
    print(len(numbers), dead)
    assert len(dead) > 4 and {leaf for leaf, _ in twins.values()} == {"spikes"}
    assert mutant_parts.counterpart("core", text, made.names[redundant - 1]) and not mutant_parts.killed(made, "core", text, [redundant])
    assert mutant_parts.counterpart("core", text, made.names[lane - 1]) is None


def test_a_part_that_is_not_what_the_leaf_is_has_no_counterpart(monkeypatch):
    """Negative control: a statement that the leaf does not have."""
    text, name = leaf_verilog("core"), "const0 $flatten\\top.\\spikes.$or$top.v:3881$1013 A 0"
    assert mutant_parts.counterpart("core", text, name)[0] == "spikes"
    lines = text.splitlines()
    lines[3880] = lines[3880].replace("|", "&")
    assert mutant_parts.counterpart("core", "\n".join(lines), name) is None


def test_a_long_run_kills_a_count_of_steps_that_goes_wrong_late():
    """And, negative control, not a mutant that does nothing; nor does a run that is too short to matter."""
    made = mutants(leaf_verilog("core"), "core", count=SAMPLES["core"])
    late, redundant = (next(number for number, name in enumerate(made.names, 1) if part in name) for part in ("$procmux$1889 Y 13 17", REDUNDANT))
    assert mutant_long.killed(made, [late, redundant]) == {late}
    assert {mutant_long.cycles(made.text, number, 5000) for number in (0, late, redundant)} == {5000 * mutant_long.STEP}


def test_no_run_is_longer_than_there_is_time_for(monkeypatch):
    """Nor than a RUN word can say, whose number of steps has 32 bits."""
    monkeypatch.setattr(mutant_long, "cycles", lambda *_: pytest.fail("a run was begun"))
    assert mutant_long.killed(Mutants("", ("cnot1 x Q 35 18", "cnot0 x Q 2 25", "cnot1 x Q 3 11", "inv x Q 20")), [1, 2, 3, 4]) == set()


def test_clocks_are_judged_at_both_edges():
    """An output that changes at the falling edge, two registers that may load there; negative control: none is proved that the guard kills."""
    name = "frame_receiver"
    made, guard = mutants(leaf_verilog(name), name), GUARDS[name]
    clocks = {number: what for number, what in enumerate(made.names, 1) if what.startswith("inv") and mutant_clocks.CLOCK.match(what)}
    clocks = dict(list(clocks.items())[1::2])
    rows = mutated.table(dataclasses.replace(guard, episodes=1), leaf_verilog(name), name)
    unsteady = mutant_phases.unsteady(made, name, rows, [0, *clocks])
    dead = {number for number, at in zip(clocks, mutated.first_differences(made, name, rows, list(clocks))) if at >= 0}
    prover = mutant_phases.Falling(made, name, guard, HINTS[name])
    same = {number for number, what in clocks.items() if prover.same(made, mutant_clocks.CLOCK.match(what)[2])}
    print(len(clocks), len(dead), unsteady, same)
    assert unsteady[0] == -1 and any(at >= 0 for number, at in zip(clocks, unsteady[1:]) if number not in dead)
    assert len(same) > 1 and len(dead) > 6 and not same & dead


def test_addresses_are_turned_in_reading_and_writing_alike_or_not_at_all():
    """Negative control: with another turn, and with none, the same mutant is not proved."""
    made, prover = core()
    number = next(number for number, name in enumerate(made.names, 1) if name.endswith("slice$2286 Q 0 1"))
    prover.turn(number, made.names[number - 1])
    turned = prover.turned
    assert len(turned) == G.lanes and prover.related(number)
    for other in ({memory: (1, 0, 1) for memory in turned}, {}):
        prover.turned = other
        assert not prover.related(number, rounds=20)


@pytest.mark.parametrize("name, step", [("uart_transmitter", 17), ("frame_receiver", 401)])
def test_taint_proves_none_that_the_guard_kills(name, step):
    """Negative control, with other mutants that are proved."""
    made = mutants(leaf_verilog(name), name)
    some = [number for number in range(1, len(made.names) + 1, step) if not mutant_clocks.CLOCK.match(made.names[number - 1])]
    some += [number for number, what in enumerate(made.names, 1) if what.startswith("const1 $flatten\\top.$and$top.v:190$48 A")]
    dead, prover = killed(made, name, some, cycles=12_000), Tainted(made, name, GUARDS[name], HINTS.get(name, Hints()))
    proved = {number for number in some if prover.related(number)}
    print(len(some), len(dead), proved)
    assert proved and len(dead) > 7 and not proved & dead


def test_a_late_reader_kills_a_receiver_that_does_not_write_its_first_byte():
    """Which the guard does not see, in as many episodes."""
    name = "frame_receiver"
    made, text, cell = mutants(leaf_verilog(name), name), leaf_verilog(name), "inv $flatten\\top.$and$top.v:190$48 A 0"
    number, seen = made.names.index(cell) + 1, []
    for guard in (mutant_last.TABLES[name], GUARDS[name]):
        rows = mutated.table(dataclasses.replace(guard, episodes=2), text, name)
        seen.append(graph.first_differences(watched(made.text, name, GUARDS[name]), made.text, name, rows, [0, number]))
        assert rows.compared > 100_000
    assert seen[0][0] == seen[1][0] == -1 and seen[0][1] >= 0 and seen[1][1] == -1


def test_a_core_of_other_cycles_is_refused(monkeypatch):
    """Negative control of long runs: the module itself has to take what is documented."""
    made = mutants(leaf_verilog("core"), "core", count=SAMPLES["core"])
    late = next(number for number, name in enumerate(made.names, 1) if "$procmux$1889 Y 13 17" in name)
    monkeypatch.setattr(mutant_long, "STEP", mutant_long.STEP + 1)
    with pytest.raises(SpikegateError, match="The core needs 80000 cycles for 5000 quiet steps, not 85000"):
        mutant_long.killed(made, [late])


@pytest.mark.parametrize("memory, message", [("\\top.none", "no memory .* to be followed"), ("\\top.level_1", "several read ports")])
def test_a_memory_that_cannot_be_followed_is_refused(memory, message):
    made = mutants(leaf_verilog("drive"), "drive")
    with pytest.raises(SpikegateError, match=message):
        Tainted(made, "drive", GUARDS["drive"], Hints(memories=(memory,)))


def test_a_reader_that_is_late_makes_room_just_in_time():
    rows = list(islice(mutant_last.TABLES["frame_receiver"].rows(random.Random(0)), 12_000))
    ends = [k for k, (given, _) in enumerate(rows) if given["finish"]]
    assert len(ends) > 3 and not any(wanted["overrun"] for _, wanted in rows[ends[0] - 1:ends[0] + 9])


def test_a_solver_forgets_what_is_never_so():
    builder = Builder()
    a, b, chosen = builder.leaf(), builder.leaf(), builder.leaf()
    solver = Solver(builder.gates, [builder.both(chosen, builder.differ(a, b)), builder.both(a, b)])
    found = solver.values([chosen])
    assert found[a >> 1] or found[b >> 1]
    solver.never(a)
    assert solver.values([chosen])[b >> 1] == 1
    solver.never(chosen)
    assert solver.values([]) == "equal"
