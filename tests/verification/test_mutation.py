"""Mutation testing: mutants of a module are killed by its guard, proved to do the same, or listed; and a guard that is too weak is found out."""

import dataclasses

import pytest

from spikegate.models.errors import SpikegateError
from verification.contracts import table
from verification.contracts.catalogue import LEAVES, WHOLE, leaf_verilog
from verification.contracts.guards import GUARDS
from verification.contracts.ports import ports
from verification.mutation import assess, clocks, survivors
from verification.mutation.cut_memories import without_memories
from verification.mutation.mutants import mutants
from verification.mutation.prover import Prover, is_the_module, watched

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
    return found.enumerated == found.killed + found.equivalent + len(found.survivors) and found.compared > 1000


def are_listed(found):
    return {survivor.name for survivor in found.survivors} <= survivors.listed().get(found.name, set())


@pytest.mark.parametrize("name", [NAME, "requantise"])
def test_every_mutant_of_a_small_module_is_killed_equivalent_or_listed(name):
    found = assess.assess(name)
    print(found)
    assert settled(found) and are_listed(found) and found.killed > 400 and found.equivalent > 0


@pytest.mark.long
@pytest.mark.parametrize("name", [*LEAVES, *WHOLE])
def test_every_mutant_is_killed_equivalent_or_listed(name):
    found = assess.assess(name)
    print(found)
    assert settled(found) and found.enumerated > 300 and are_listed(found)


def test_a_weak_guard_leaves_mutants_that_are_proved_different(made):
    """Negative control: a line on which nothing is compared. There are no proofs about clocks."""
    found = judged(made, changed(tx=lambda _: None))
    assert settled(found) and len(found.survivors) > 10 and not are_listed(found)
    others = [survivor for survivor in found.survivors if not clocks.CLOCK.match(survivor.name)]
    assert len(others) > 10 and {survivor.verdict for survivor in others} == {"different"} and any(survivor.cycles for survivor in others)


def test_a_guard_that_compares_nothing_is_refused(made):
    outputs = {port.name: lambda _: None for port in ports(made.text, NAME, "output")}
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


@pytest.mark.parametrize("name", [NAME, pytest.param("rows", marks=pytest.mark.long)])
def test_gates_and_verilator_kill_the_same_mutants_in_the_same_cycle_and_only_others_are_proved(name):
    """Every eleventh of them; of a module with memories and of one without."""
    text, guard = leaf_verilog(name), GUARDS[name]
    made, rows = mutants(text, name), table.table(dataclasses.replace(guard, episodes=2), text, name)
    some = [number for number in range(1, len(made.names) + 1, 11) if not clocks.CLOCK.match(made.names[number - 1])]
    where, graph = dict(zip(some, clocks.first_differences(made, name, rows, some))), watched(made.text, name, guard)
    for limit in (1, 10, 100, len(rows.inputs)):
        assert assess.outlive(graph, made, name, rows, some, limit) == [number for number in some if not 0 <= where[number] < limit]
    cut = dataclasses.replace(made, text=without_memories(made.text, name))
    proved = {number for number, verdict in Prover(cut, name, guard).decide(some).items() if verdict[0] == "equal"}
    assert proved and all(where[number] < 0 for number in proved) and len(some) - len(proved) > 10


def test_a_list_that_grows_is_a_finding(tmp_path, monkeypatch, capsys):
    one = assess.Survivor("inv x Y 3", "unknown")
    found = assess.Assessment(NAME, 1000, 990, 9, [one], 5, 1.0)
    for name in ("LIST", "PAGE"):
        monkeypatch.setattr(survivors, name, tmp_path / getattr(survivors, name).name)
    survivors.PAGE.write_text(f"before\n{survivors.BEGIN}old\n{survivors.END}after\n")
    monkeypatch.setattr(assess, "assess", lambda name, **_: found)
    arguments = [NAME, "--json", str(tmp_path / "mutation.json")]
    assert assess.main(arguments) == 1 and "inv x Y 3 (unknown, not in mutants.json)" in capsys.readouterr().out
    assert assess.main([*arguments, "--update"]) == assess.main(arguments) == 0 and survivors.share() == 0.001
    page = survivors.PAGE.read_text()
    assert page.startswith("before\n") and page.endswith(f"{survivors.END}after\n") and "old" not in page
    assert f"| {NAME} | 1,000 | 990 | 9 | 1 |\n" in page and f"| {NAME} | `inv x Y 3` |" in page


def test_the_page_shows_the_list_and_at_most_three_mutants_of_a_thousand_survive():
    assert survivors.BEGIN + survivors.section() + survivors.END in survivors.PAGE.read_text()
    assert {*LEAVES, *WHOLE} >= set(survivors.listed()) > set() and survivors.share() <= survivors.SHARE


def test_the_command_prints_and_writes_the_counts(tmp_path, capsys):
    assert assess.main([NAME, "--json", str(tmp_path / "mutation.json")]) == 0
    assert NAME in capsys.readouterr().out and '"survivors": []' in (tmp_path / "mutation.json").read_text()
