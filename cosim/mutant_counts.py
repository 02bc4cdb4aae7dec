"""Mutants that only count wrong, and only where no table gets: shown to reach that count."""

from spikegate.cosim.mutant_memories import Memories
from spikegate.cosim.mutant_narrow import _place
from spikegate.cosim.satisfied import satisfied

__all__ = ["Counting"]


class Counting(Memories):
    """A module with `Hints.count`, and its mutants."""

    def miscounts(self, number: int) -> bool:
        """Whether a mutant is as the module in all but the count, and shows that wrong in the cycle after it has been some number.

        The module reaches every number, and the mutant with it, unless it has shown another before.
        """
        b, fair, names = self.builder, self.outputs[self.graph.names.index("fair")], self.graph.names
        at = {_place(name)[1]: place for place, name in enumerate(names) if name.partition("[")[0] == f"see_{self.count}"}
        count = [self.numbers.get(self.outputs[at[bit]], -1) for bit in range(len(at))]
        if not count or -1 in count:
            return False
        going = carry = self.outputs[self._hint("going")[0]]
        counted = []
        for k in count:
            counted.append(b.differ(self.latches[k], carry))
            carry = b.both(carry, self.latches[k])
        outputs, after = self._copy(number, self.latches)
        shown = [mine if place in at.values() else other for place, (mine, other) in enumerate(zip(self.outputs, outputs))]
        others = b.some([self._seen(shown), *(b.differ(self.next[k], after[k]) for k in range(len(after)) if k not in count)])
        wrong = b.some(b.differ(value, self.next[k]) for k, value in zip(count, counted))
        if any(satisfied(b.gates, b.both(fair, claim)) != "equal" for claim in (others, wrong)):
            return False
        apart = lambda latches, mine, outputs, after: b.some(  # noqa: E731
            part for bit, k in enumerate(count) for part in (b.differ(latches[k], outputs[at[bit]]), b.differ(mine[k], after[k])))
        example = satisfied(b.gates, b.both(b.both(fair, going), apart(self.latches, self.next, outputs, after)))
        if isinstance(example, str):
            return False
        fixed = list(self.latches)
        for k in count:
            fixed[k] = example.get(self.latches[k] >> 1, 0)
        inputs = [self.inputs.get(name, 0) for name in self.graph.inputs]
        module = b.copy(self.graph, inputs, fixed)
        given = b.both(module[0][names.index("fair")], b.both(module[0][names.index("see_lemma")], module[0][self._hint("going")[0]]))
        return satisfied(b.gates, b.both(given, apart(fixed, module[1], *self._copy(number, fixed)) ^ 1)) == "equal"
