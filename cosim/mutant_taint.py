"""Proofs that a mutant does the same, in which a register is either as in the module or may have any value.

Where arithmetic stands between registers, that two copies of it agree is hard to show by values, and plain here: what has only inputs
that are as in the module is as in the module. (Information flow tracking on gates: M. Tiwari et al., ASPLOS 2009.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from spikegate.cosim.mutant_given import Hints
from spikegate.cosim.mutant_memories import LOOK, READ
from spikegate.cosim.mutant_narrow import _place
from spikegate.cosim.mutant_relation import Claim, Pair, Related
from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard

__all__ = ["Tainted"]


class Tainted(Related):
    """As `Related`; a register of the mutant's own is one bit, 1 where it may differ, and claims say while what it is 0."""

    most, ones = 10_000, True

    def __init__(self, made: Mutants, top: str, guard: Guard, hints: Hints):
        super().__init__(made, top, guard, replace(hints, few=Hints.few, other=Hints.other))

    def _holds(self, claim: Claim | Pair, outputs: Sequence[int], module: Sequence[int], mutant: Mapping[int, int]) -> int:
        return self.builder.both(outputs[claim.when], mutant.get(claim.k, 0)) ^ 1

    def _apart(self, number: int, own: Mapping[int, int], kept: Mapping[str, int]) -> tuple[int, list[int], dict[int, int]]:
        b, graph = self.builder, self.graph
        inputs = [self.inputs[name] if name in self.inputs else number >> _place(name)[1] & 1 for name in graph.inputs]
        value, reads = [0, *inputs, *self.latches], dict.fromkeys((READ.match(name)[1] for name in self.inputs if READ.match(name)), 0)
        for x, y in graph.gates:
            value.append(b.both(value[x >> 1] ^ x & 1, value[y >> 1] ^ y & 1))
        mutant = lambda literal: value[literal >> 1] ^ literal & 1  # noqa: E731
        while True:
            read = lambda name: b.some((reads[READ.match(name)[1]], kept[name] ^ 1)) if name in kept else 0  # noqa: B023, E731
            any_ = [0, *map(read, graph.inputs), *(own.get(k, 0) for k in range(len(graph.next)))]
            for x, y in graph.gates:
                one, other = any_[x >> 1], any_[y >> 1]
                any_.append(b.both(b.some((one, other)), b.both(b.some((one, mutant(x))), b.some((other, mutant(y))))) if one or other else 0)
            may = lambda literal, module: b.some((any_[literal >> 1], b.differ(module, mutant(literal))))  # noqa: B023, E731
            outputs = {name: may(literal, module) for name, literal, module in zip(graph.names, graph.outputs, self.outputs)}
            looks = dict.fromkeys(reads, 0)
            for name, literal in outputs.items():
                if look := LOOK.match(name):
                    looks[look[1]] = b.some((looks[look[1]], literal))
            if looks == reads:
                break
            reads = looks
        care = {name: module for name, module in zip(graph.names, self.outputs) if name.startswith("care_")}
        seen = b.some(b.both(care["care_" + name.partition("[")[0][4:]], literal)
                      for name, literal in outputs.items() if name.startswith("see_") and not LOOK.match(name) and not self._written(name))
        moved = [may(literal, module) for literal, module in zip(graph.next, self.next)]
        return seen, moved, dict(enumerate(moved))
