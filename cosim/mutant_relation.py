"""Proofs by a relation between a mutant and its module: of many claims about both, those that hold at first and from each cycle to the next.

A claim is that a register is as in the module, or is one of some other values of it, while a condition holds; or that a few registers do not have a
certain pair of values. What is shown, and where memories are looked at and written, has to follow from those that remain. Which claims are tried only
decides whether the proof succeeds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product

from spikegate.cosim.mutant_cut import without_memories
from spikegate.cosim.mutant_narrow import Narrow, _place
from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard
from spikegate.cosim.satisfied import satisfied
from spikegate.models.errors import SpikegateError

__all__ = ["Hints", "Related", "with_hints"]

#: How often a counterexample may take claims away: several times what a proof was seen to need, as their order is the solver's.
ROUNDS = 400
#: Registers of its own, up to which a mutant may have other values there.
OTHERS = 8
#: Registers of its own, above which a mutant is given up.
MOST = 24
#: Bits of each hint, and what the name of an address begins with that stays as it is.
BITS, WHERE = 64, "where_"
#: What a memory gives, and where it is looked at.
READ, LOOK = re.compile(r"(cut_\d+)_read\b"), re.compile(r"see_(cut_\d+)_look\b")


@dataclass(frozen=True)
class Hints:
    """What proofs about the mutants of a module are told, in Verilog over its own signals as `spikegate.cosim.mutants` names them.

    Parameters
    ----------
    lemma : str
        Holds in all states that the module reaches: proved by induction, then taken for granted.
    when : tuple of str
        Conditions, each of one bit, while which registers may be as in the module.
    other : str
        Bits that they may be instead.
    few : str
        Registers of few bits in all, of which pairs of values may be ruled out.
    assume : str
        As in `Guard`.
    count, going : str
        An output, of which each cycle is compared, and the condition while which it counts up by 1, again and again as often as one likes.
    """

    lemma: str = "1"
    when: tuple[str, ...] = ()
    other: str = "1'd0"
    few: str = "1'd0"
    assume: str = "1"
    count: str = ""
    going: str = "1'd0"


def with_hints(made: Mutants, top: str, guard: Guard, hints: Hints) -> tuple[Mutants, Guard]:
    """The hints, and the guard's lemma, as outputs, which the mutants may have otherwise."""
    when = ", ".join(reversed(("1'd1", *hints.when)))
    values = {"hint_when": f"{{{when}}}", "hint_other": hints.other, "hint_few": hints.few, "hint_going": hints.going}
    lines = [f"  output [{BITS - 1}:0] {name};\n  assign {name} = {value};\n" for name, value in values.items()]
    lines.append(f"  output lemma;\n  assign lemma = ({guard.lemma or '1'}) & ({hints.lemma});\n")
    begin = re.search(rf"^module {top}\(", made.text, re.MULTILINE)
    if not begin:
        raise SpikegateError(f"There is no module {top} for its hints")
    end = made.text.index("endmodule", begin.end())
    text = f"{made.text[:begin.end()]}lemma, {', '.join(values)}, {made.text[begin.end():end]}{''.join(lines)}{made.text[end:]}"
    care = {**guard.care, **dict.fromkeys(("lemma", *values), ("never",))}
    return replace(made, text=text), replace(guard, care=care, lemma="lemma", state=f"{guard.state} wire gold_never = 0;",
                                             assume=f"({guard.assume}) & ({hints.assume})")


@dataclass(frozen=True)
class Claim:
    """That register ``k`` is as in the module, or bit ``other`` of what it may be instead, while condition ``when`` holds."""

    k: int
    when: int
    other: int | None = None


@dataclass(frozen=True)
class Pair:
    """That registers ``few`` are not ``module`` in the module while they are ``mutant``."""

    few: tuple[int, ...]
    module: tuple[int, ...]
    mutant: tuple[int, ...]


class Related(Narrow):
    """A module and its mutants, their memories cut out, and hints."""

    def __init__(self, made: Mutants, top: str, guard: Guard, hints: Hints):
        granted, guard = with_hints(made, top, guard, hints)
        super().__init__(replace(granted, text=without_memories(granted.text, top)), top, guard)
        at = {name: place for place, name in enumerate(self.graph.names)}
        hint = lambda name: [at[f"see_hint_{name}[{bit}]"] for bit in range(BITS)]  # noqa: E731
        self.when, self.other = ([place for place in hint(name) if self.graph.outputs[place]] for name in ("when", "other"))
        numbers = {literal: k for k, literal in enumerate(self.latches)}
        self.few = tuple(numbers[self.outputs[place]] for place in hint("few") if self.outputs[place] in numbers)
        self.going, self.numbers, self.hints = hint("going")[0], numbers, hints
        self.mine: dict[int, int] = {}
        self.free: dict[str, int] = {}

    def _grant(self, top: str) -> None:
        b, fair, lemma = self.builder, self.graph.names.index("fair"), self.graph.names.index("see_lemma")
        self.outputs[fair] = b.both(self.outputs[fair], self.outputs[lemma])
        self.soon = {f"soon_{name}": literal if name.startswith(WHERE) else b.leaf() for name, literal in self.inputs.items()}
        later = [self.soon.get(f"soon_{name}", 0) for name in self.graph.inputs]
        self.later = b.copy(self.graph, later, self.next)[0]
        self.first = b.copy(self.graph, [self.inputs.get(name, 0) for name in self.graph.inputs], [0] * len(self.latches))[0]
        for broken in (self.first[lemma] ^ 1, b.both(self.outputs[fair], self.later[lemma] ^ 1)):
            if satisfied(b.gates, broken) != "equal":
                raise SpikegateError(f"The lemma of {top} is not proved by induction; it must hold at the start and from each cycle to the next")

    def _holds(self, claim: Claim | Pair, outputs: Sequence[int], module: Sequence[int], mutant: Mapping[int, int]) -> int:
        b, of = self.builder, lambda k: mutant.get(k, module[k])
        if isinstance(claim, Claim):
            value = module[claim.k] if claim.other is None else outputs[claim.other]
            return b.both(outputs[claim.when], b.differ(of(claim.k), value)) ^ 1
        both = 1
        for k, mine, other in zip(claim.few, claim.module, claim.mutant):
            both = b.both(both, b.both(module[k] ^ 1 ^ mine, of(k) ^ 1 ^ other))
        return both ^ 1

    def _claims(self, k: int, *, others: bool) -> Iterable[Claim]:
        yield from (Claim(k, when) for when in self.when[1:])
        yield from (Claim(k, when, other) for when in self.when for other in self.other if others)

    def _value(self, literals: Sequence[int], leaves: Mapping[int, int]) -> list[int]:
        """Of literals, given the leaves' values; 0 for those that are not given."""
        gates, known, todo = self.builder.gates, {0: 0}, [literal >> 1 for literal in literals]
        while todo:
            node = todo[-1]
            if node in known:
                todo.pop()
            elif node not in gates:
                known[node] = leaves.get(node, 0)
            else:
                missing = [x >> 1 for x in gates[node] if x >> 1 not in known]
                todo += missing
                if not missing:
                    known[node] = int(all(known[x >> 1] ^ x & 1 for x in gates[node]))
        return [known[literal >> 1] ^ literal & 1 for literal in literals]

    def _elsewhere(self, number: int, latches: list[int]) -> tuple[list[int], list[int]]:
        """A mutant's outputs and what its registers take.

        It reads from a memory what the module reads if it looks there, and anything if elsewhere.
        """
        b, reads = self.builder, {name: literal for name, literal in self.inputs.items() if READ.match(name)}
        inputs, before = dict(reads), None
        while True:
            values = [inputs.get(name, self.inputs.get(name, number >> _place(name)[1] & 1)) for name in self.graph.inputs]
            outputs, after = b.copy(self.graph, values, latches)
            apart: dict[str, int] = {}
            for name, mine, other in zip(self.graph.names, self.outputs, outputs):
                if look := LOOK.match(name):
                    apart[look[1]] = b.some((apart.get(look[1], 0), b.differ(mine, other)))
            if apart == before:
                return outputs, after
            before = apart
            for name, literal in reads.items():
                away = apart[READ.match(name)[1]]
                if away:
                    self.free[name] = self.free.get(name) or b.leaf()
                    inputs[name] = b.some((b.both(away, self.free[name]), b.both(away ^ 1, literal)))

    def _question(self, number: int, own: Mapping[int, int], claims: Sequence[Claim | Pair]) -> dict[tuple, int]:
        """What there is to refute, by kind: a claim that is lost at the start or after a cycle, a register that is set otherwise, what is seen."""
        b, fair, zeros = self.builder, self.outputs[self.graph.names.index("fair")], [0] * len(self.latches)
        outputs, after = self._elsewhere(number, [own.get(k, latch) for k, latch in enumerate(self.latches)])
        given = reduce(b.both, (self._holds(claim, self.outputs, self.latches, own) for claim in claims), fair)
        mutant = dict(enumerate(after))
        shown = [mine if LOOK.match(name) else other for name, mine, other in zip(self.graph.names, self.outputs, outputs)]
        parts: dict[tuple, int] = {("seen",): self._seen(shown)}
        parts |= {("moved", k): b.differ(self.next[k], after[k]) for k in range(len(after)) if k not in own}
        parts |= {("lost", claim): self._holds(claim, self.later, self.next, mutant) ^ 1 for claim in claims}
        parts = {what: b.both(given, literal) for what, literal in parts.items()}
        parts |= {("never", claim): self._holds(claim, self.first, zeros, {}) ^ 1 for claim in claims}
        return {what: literal for what, literal in parts.items() if literal}

    def _fresh(self, k: int, own: dict[int, int]) -> list[Claim | Pair]:
        """Give the mutant a register of its own, and make the claims about it."""
        own[k] = self.mine[k] = self.mine.get(k) or self.builder.leaf()
        found: list[Claim | Pair] = list(self._claims(k, others=len(own) <= OTHERS))
        if k in self.few:
            values = list(product((0, 1), repeat=len(self.few)))
            apart = [place for place, j in enumerate(self.few) if j in own]
            found += [Pair(self.few, *both) for both in product(values, values)
                      if all(place in apart or both[0][place] == both[1][place] for place in range(len(self.few)))]
        return found

    def related(self, number: int, *, rounds: int = ROUNDS) -> bool:
        """Whether there is a relation in which a mutant shows the same."""
        own: dict[int, int] = {}
        claims: list[Claim | Pair] = []
        for _ in range(rounds):
            parts = self._question(number, own, claims)
            values = satisfied(self.builder.gates, self.builder.some(parts.values()))
            if isinstance(values, str):
                return values == "equal"
            wrong = [what for what, value in zip(parts, self._value(list(parts.values()), values)) if value]
            refuted = {what[1] for what in wrong if what[0] in ("lost", "never")}
            left = [claim for claim in claims if claim not in refuted]
            fresh = [what[1] for what in wrong if what[0] == "moved"]
            if not fresh and len(left) == len(claims) or len(own) + len(fresh) > MOST:
                return False
            for k in fresh:
                left += self._fresh(k, own)
            claims = list(dict.fromkeys(left))
        return False

    def miscounts(self, number: int) -> bool:
        """Whether a mutant is as the module in all but `Hints.count`, and shows that wrong in the cycle after it has been some number.

        The module reaches every number, and the mutant with it, unless it has shown another before.
        """
        b, fair, names = self.builder, self.outputs[self.graph.names.index("fair")], self.graph.names
        at = {_place(name)[1]: place for place, name in enumerate(names) if name.partition("[")[0] == f"see_{self.hints.count}"}
        count = [self.numbers.get(self.outputs[at[bit]], -1) for bit in range(len(at))]
        if not count or -1 in count:
            return False
        going, carry, counted = self.outputs[self.going], self.outputs[self.going], []
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
        given = b.both(module[0][names.index("fair")], b.both(module[0][names.index("see_lemma")], module[0][self.going]))
        return satisfied(b.gates, b.both(given, apart(fixed, module[1], *self._copy(number, fixed)) ^ 1)) == "equal"
