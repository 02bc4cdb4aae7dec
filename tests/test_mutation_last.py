"""The last proofs about mutants: a relation is found for none that a guard kills, and a further table that is wrong is refused."""

import dataclasses
import random
from itertools import islice

import pytest
from mutants_killed import core, killed

from spikegate.cosim import mutant_clocks, mutant_last, mutated
from spikegate.cosim.coverage_networks import full
from spikegate.cosim.guards import GUARDS
from spikegate.cosim.guards_loads import Load, Loaded, load_list
from spikegate.cosim.guards_network import G, sweeps
from spikegate.cosim.leaves import leaf_verilog
from spikegate.cosim.mutant_counts import Counting
from spikegate.cosim.mutant_given import Hints
from spikegate.cosim.mutant_hints import HINTS
from spikegate.cosim.mutant_relation import Related
from spikegate.cosim.mutants import mutants
from spikegate.cosim.mutation import SAMPLES
from spikegate.gateware.core_geometry import Op
from spikegate.models.errors import SpikegateError


@pytest.mark.parametrize("name, step, hints", [("uart_transmitter", 17, Hints()), ("rows", 11, Hints())])
def test_no_relation_is_found_for_a_mutant_that_the_guard_kills(name, step, hints):
    """Negative control, with other mutants that are proved."""
    made = mutants(leaf_verilog(name), name)
    some = [number for number in range(1, len(made.names) + 1, step) if not mutant_clocks.CLOCK.match(made.names[number - 1])]
    dead, prover = killed(made, name, some, cycles=4000), Related(made, name, GUARDS[name], hints)
    proved = {number for number in some if prover.related(number, rounds=10)}
    print(len(some), len(dead), proved)
    assert proved and len(dead) > 9 and not proved & dead


def test_the_hints_about_frames_prove_none_that_the_guard_kills():
    """Negative control: the mutants of two cells, two of which are proved to do the same."""
    name = "frame_receiver"
    made, cells = mutants(leaf_verilog(name), name), ("$and$top.v:190$48", "make_patterns_logic$517")
    some = [number for number, what in enumerate(made.names, 1) if what.split()[1].endswith(cells)]
    dead, prover = killed(made, name, some, cycles=12_000), Related(made, name, GUARDS[name], HINTS[name])
    proved = {number for number in some if prover.related(number)}
    print(len(some), dead, proved)
    assert {3164, 3166} <= proved and len(dead) > 3 and not proved & dead


def test_mutants_of_the_core_that_are_killed_are_not_proved_and_do_not_only_miscount():
    """Negative control of the hints about the core; and of the count of cycles, one that is proved to be wrong and one that is not concerned."""
    made, prover = core()
    dead = sorted(killed(made, "core", range(1, len(made.names) + 1, 150), cycles=1500))
    assert len(dead) > 8 and not any(prover.related(number, rounds=4) for number in dead)
    by_name = {name: number for number, name in enumerate(made.names, 1)}
    counting = Counting(made, "core", GUARDS["core"], HINTS["core"])
    assert counting.miscounts(by_name["const0 $flatten\\top.$add$top.v:549$40 A 25"])
    redundant = by_name["const0 $flatten\\top.\\spikes.$or$top.v:3890$1022 A 0"]
    assert not counting.miscounts(redundant) and prover.related(redundant)


def test_a_lemma_that_does_not_hold_is_refused():
    """Negative control: one that does not hold at first, and one that does not hold forever."""
    name = "uart_transmitter"
    made = mutants(leaf_verilog(name), name)
    for lemma in ("~tx", "tx"):
        with pytest.raises(SpikegateError, match=f"lemma of {name} is not proved by induction"):
            Related(made, name, GUARDS[name], Hints(lemma=lemma))


def test_the_core_has_to_be_as_its_further_table_has_it():
    """Negative control: a payload that is expected otherwise in one row."""
    name, guard = "core", mutant_last.TABLES["core"]
    made = mutants(leaf_verilog(name), name, count=SAMPLES[name])

    def spoiled(rng):
        for number, (given, wanted) in enumerate(guard.rows(rng)):
            yield given, {**wanted, "cycles": wanted["cycles"] ^ (number == 900)}

    for rows, refused in ((guard.rows, False), (spoiled, True)):
        table = mutated.table(dataclasses.replace(guard, rows=rows, episodes=1, cycles=1000), leaf_verilog(name), name)
        if refused:
            with pytest.raises(SpikegateError, match="core itself is not as its further table has it: cycle 900 of episode 0"):
                mutant_last.settle(made, name, GUARDS[name], [], table)
        else:
            assert mutant_last.settle(made, name, GUARDS[name], [], table) == (set(), set())


@pytest.mark.parametrize("seed", range(4))
def test_loading_a_network_word_by_word_runs_it(seed):
    """The model behind load words against a run of the whole network, in any split, with any order of its words."""
    rng = random.Random(seed)
    net, core = full(G, rng, 30), Loaded()
    words = load_list(net)
    rng.shuffle(words)
    for word in words:
        core.load(word.loosened(rng))
    found = [*core.run(7), *core.run(1), *core.run(22)]
    assert found == list(zip(*sweeps(net)))
    core.load(Load(Op.CLEAR))
    assert core.run(1)[0][1] in range(G.n + 1) and core.due.keys() <= {core.step - 1}


def test_the_further_table_has_words_that_the_first_one_leaves_out():
    rows = islice(mutant_last.TABLES["core"].rows(random.Random(0)), 3000)
    layout = [given["i__payload"] for given, _ in rows if given["i__valid"]]
    order = [bits >> 112 for bits in layout]
    assert len(set(order)) > 8 and any(before > after for before, after in zip(order, order[1:])) and any(bits >> 80 & 0xFFFF for bits in layout)
