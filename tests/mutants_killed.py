"""What the tests of the last proofs about mutants share: which of them a guard kills, and the core's prover."""

import dataclasses

from spikegate.cosim import graph, mutated
from spikegate.cosim.guards import GUARDS
from spikegate.cosim.leaves import leaf_verilog
from spikegate.cosim.mutant_hints import HINTS
from spikegate.cosim.mutant_proof import watched
from spikegate.cosim.mutant_relation import Related
from spikegate.cosim.mutants import Mutants, mutants
from spikegate.cosim.mutation import SAMPLES


def killed(made: Mutants, name: str, some, *, cycles: int) -> set[int]:
    """Those of some mutants that differ in the first cycles of the guard's table."""
    guard, text = dataclasses.replace(GUARDS[name], episodes=1), leaf_verilog(name)
    rows = mutated.table(guard, text, name)
    where = graph.first_differences(watched(made.text, name, guard), made.text, name, rows, some, limit=cycles)
    return {number for number, at in zip(some, where) if at >= 0}


def core() -> tuple[Mutants, Related]:
    made = mutants(leaf_verilog("core"), "core", count=SAMPLES["core"])
    return made, Related(made, "core", GUARDS["core"], HINTS["core"])
