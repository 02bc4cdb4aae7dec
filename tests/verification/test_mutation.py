"""Mutation testing: every mutant of a module is killed by its guard or proved to do the same, and a guard that is too weak is found out."""

import dataclasses

import pytest

from spikegate.models.errors import SpikegateError
from verification.contracts import table
from verification.contracts.catalogue import LEAVES, WHOLE, leaf_verilog
from verification.contracts.guards import GUARDS
from verification.mutation import assess
from verification.mutation import clocks as mutant_clocks
from verification.mutation.cut_memories import without_memories
from verification.mutation.mutants import mutants
from verification.mutation.prover import is_the_module
from verification.mutation.shared_state import Narrow, with_lemma

NAME = "uart_transmitter"


@pytest.fixture(scope="module")
def made():
    return mutants(leaf_verilog(NAME), NAME)


def changed(**outputs):
    """The transmitter's guard with other expectations for some outputs, made from the right ones."""
    guard = GUARDS[NAME]
    return dataclasses.replace(guard, rows=lambda rng: ((given, {**wanted, **{name: new(wanted[name]) for name, new in outputs.items()}})
                                                        for given, wanted in guard.rows(rng)))


def judged(made, guard):
    text = leaf_verilog(NAME)
    return assess.judge(NAME, text, made, guard, table.table(guard, text, NAME))


def settled(found):
    return found.enumerated == found.killed + found.equivalent + found.unresolved and found.compared > 1000


@pytest.mark.parametrize("name", [NAME, "requantise"])
def test_every_mutant_of_a_small_module_is_killed_or_equivalent(name):
    found = assess.assess(name)
    print(found)
    assert settled(found) and found.unresolved == 0 and found.killed > 400 and found.equivalent > 0


@pytest.mark.long
@pytest.mark.parametrize("name", [*LEAVES, *WHOLE])
def test_every_mutant_is_killed_or_equivalent(name):
    found = assess.assess(name)
    print(found)
    assert settled(found) and found.enumerated > 500 and found.unresolved == 0


def test_a_weak_guard_leaves_mutants_that_are_proved_different(made):
    """Negative control: a line on which nothing is compared. There are no proofs about clocks."""
    found = judged(made, changed(tx=lambda _: None))
    assert settled(found) and found.unresolved > 10
    others = [survivor for survivor in found.survivors if not mutant_clocks.CLOCK.match(survivor.name.partition(": ")[2])]
    assert len(others) > 10 and {survivor.verdict for survivor in others} == {"different"} and any(survivor.cycles for survivor in others)


def test_a_guard_that_compares_nothing_is_refused(made):
    outputs = {port.name: lambda _: None for port in table.ports(made.text, NAME, "output")}
    with pytest.raises(SpikegateError, match=f"guard of {NAME} compares nothing"):
        table.table(changed(**outputs), made.text, NAME)


def test_a_guard_that_the_module_itself_does_not_fulfil_is_refused(made):
    with pytest.raises(SpikegateError, match=f"{NAME} itself is not as its guard has it: cycle 1 of episode 0"):
        judged(made, changed(tick=lambda tick: not tick if tick is not True else tick))


def test_a_row_has_all_ports(made):
    guard = dataclasses.replace(GUARDS[NAME], rows=lambda rng: (({}, wanted) for _, wanted in GUARDS[NAME].rows(rng)))
    with pytest.raises(SpikegateError, match="must have the ports"):
        table.table(guard, made.text, NAME)


def test_another_module_is_not_mutant_0(made):
    """Negative control of the proof that mutant 0 is the module."""
    text = leaf_verilog(NAME)
    assert is_the_module(text, made, NAME, GUARDS[NAME]) == "equal"
    assert is_the_module(text.replace("4'h9", "4'h7"), made, NAME, GUARDS[NAME]) == "different"


@pytest.mark.parametrize("name", [NAME, "rows"])
def test_with_few_registers_twice_and_no_memories_only_survivors_are_proved(name):
    """Negative control: none of the mutants that the guard kills, every thirtieth of them."""
    text, guard = leaf_verilog(name), GUARDS[name]
    made, rows = mutants(text, name), table.table(guard, text, name)
    some = range(1, len(made.names) + 1, 30)
    where = dict(zip(some, table.first_differences(made, name, rows, some)))
    cut = dataclasses.replace(made, text=without_memories(made.text, name))
    others = [number for number in some if not mutant_clocks.CLOCK.match(made.names[number - 1])]
    proved = Narrow(cut, name, guard).equal(others, text, name, rows)
    print(len(others), proved)
    assert proved and all(where[number] < 0 for number in proved) and len(others) - len(proved) > 10


@pytest.mark.parametrize("lemma", ["~tx", "tx"])
def test_a_lemma_that_does_not_hold_is_refused(made, lemma):
    """Negative control: one that does not hold at first, and one that does not hold forever."""
    with pytest.raises(SpikegateError, match=f"lemma of {NAME} is not proved by induction"):
        granted, guard = with_lemma(made, NAME, dataclasses.replace(GUARDS[NAME], lemma=lemma))
        Narrow(granted, NAME, guard)


def test_of_the_clocks_only_the_survivor_is_proved():
    """Negative control: all the others, which the guard kills, and inputs that change after the rising edge kill them too."""
    name = "uart_receiver"
    text, guard = leaf_verilog(name), GUARDS[name]
    made, rows = mutants(text, name), table.table(dataclasses.replace(guard, episodes=1), text, name)
    clocks = [number for number, what in enumerate(made.names, 1) if mutant_clocks.CLOCK.match(what)]
    killed = [number for number, where in zip(clocks, table.first_differences(made, name, rows, clocks)) if where >= 0]
    assert len(killed) == len(clocks) - 1 > 20
    assert mutant_clocks.equal(made, name, guard, clocks) == {*clocks} - {*killed}
    assert [where < 0 for where in mutant_clocks.edges(made, name, rows, [0, *killed])] == [True] + [False] * len(killed)


def test_the_command_prints_and_writes_the_counts(tmp_path, capsys):
    assert assess.main([NAME, "--json", str(tmp_path / "mutation.json")]) == 0
    assert NAME in capsys.readouterr().out and '"unresolved": 0' in (tmp_path / "mutation.json").read_text()
