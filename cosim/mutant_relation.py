"""Proofs by a relation between a mutant and its module: of many claims about both, those that hold at first and from each cycle to the next.

A claim is that a register is as in the module, or is one of some other values of it, while a condition holds; or that a few registers do not have a
certain pair of values. What is shown, and where memories are looked at and written, has to follow from those that remain. Which claims are tried only
decides whether the proof succeeds.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

from spikegate.cosim.mutant_given import Hints
from spikegate.cosim.mutant_memories import LOOK, READ, Memories
from spikegate.cosim.mutant_narrow import _place
from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard
from spikegate.cosim.satisfied import Solver

__all__ = ["Claim", "Pair", "Related"]

#: How often a counterexample may take claims away: several times what a proof was seen to need, as their order is the solver's.
ROUNDS = 400
#: Registers of its own, up to which a mutant may have other values there.
OTHERS = 8
#: Registers of its own, above which a mutant is given up.
MOST = 24
#: Counterexamples that are made of one.
LANES = 64


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


class Related(Memories):
    """A module and its mutants, and hints."""

    most, ones = MOST, False

    def __init__(self, made: Mutants, top: str, guard: Guard, hints: Hints):
        super().__init__(made, top, guard, hints)
        self.when, self.other = ([place for place in self._hint(name) if self.graph.outputs[place]] for name in ("when", "other"))
        self.few = tuple(self.numbers[self.outputs[place]] for place in self._hint("few") if self.outputs[place] in self.numbers)
        self.mine: dict[int, int] = {}
        self.asked: dict[Claim | Pair, int] = {}
        seen, todo = set(), [self.outputs[self.graph.names.index("fair")] >> 1, *(self.outputs[place] >> 1 for place in self.when)]
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += [x >> 1 for x in self.builder.gates.get(node, ())]
        self.rng, self.loose = random.Random(1), sorted({literal >> 1 for literal in (*self.latches, *self.inputs.values())} - seen)

    def _kept(self, name: str, own: Mapping[int, int], claims: Sequence[Claim | Pair]) -> int:
        """Whether a bit that is read where the module looks too is as in the module."""
        memory, bit = READ.match(name)[1], _place(name)[1]
        if memory not in self.words or self.words[memory][bit] not in own:
            return 1
        return self.builder.some(self.builder.both(self.asked[claim], self.looked[memory][claim.when]) for claim in claims
                                 if isinstance(claim, Claim) and claim.k == self.words[memory][bit] and claim.other is None)

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

    def _value(self, literals: Sequence[int], leaves: Mapping[int, int], every: int = 1) -> list[int]:
        """Of literals, given the leaves' values, a bit a lane of ``every``; 0 for those that are not given."""
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
                    one, other = (known[x >> 1] ^ every * (x & 1) for x in gates[node])
                    known[node] = one & other
        return [known[literal >> 1] ^ every * (literal & 1) for literal in literals]

    def _wrong(self, parts: Mapping[tuple, int], values: Mapping[int, int]) -> list[tuple]:
        """What a counterexample refutes, and others beside it, with other values where no condition and no lemma looks."""
        every = (1 << LANES) - 1
        leaves = {node: every * value for node, value in values.items()}
        leaves |= {node: self.rng.getrandbits(LANES) & ~1 | leaves.get(node, 0) & 1 for node in self.loose}
        return [what for what, value in zip(parts, self._value(list(parts.values()), leaves, every)) if value]

    def _apart(self, number: int, own: Mapping[int, int], kept: Mapping[str, int]) -> tuple[int, list[int], dict[int, int]]:
        """Whether a mutant shows something else, which registers take something else, and what claims are made of after the cycle."""
        outputs, after = self._elsewhere(number, [own.get(k, latch) for k, latch in enumerate(self.latches)], kept)
        shown = [mine if LOOK.match(name) or self._written(name) else other for name, mine, other in zip(self.graph.names, self.outputs, outputs)]
        return self._seen(shown), [self.builder.differ(mine, other) for mine, other in zip(self.next, after)], dict(enumerate(after))

    def _question(self, number: int, own: Mapping[int, int], claims: Sequence[Claim | Pair]) -> dict[tuple, int]:
        """What there is to refute, by kind: a claim that is lost at the start or after a cycle, a register that is set otherwise, what is seen."""
        b, fair, zeros = self.builder, self.outputs[self.graph.names.index("fair")], [0] * len(self.latches)
        seen, moved, mutant = self._apart(number, own, {name: self._kept(name, own, claims) for name in self.inputs if READ.match(name)})
        asked = self.asked
        given = reduce(b.both, (b.some((asked[claim] ^ 1, self._holds(claim, self.outputs, self.latches, own))) for claim in claims), fair)
        parts: dict[tuple, int] = {("seen",): seen}
        parts |= {("moved", k): literal for k, literal in enumerate(moved) if k not in own}
        parts |= {("lost", claim): b.both(asked[claim], self._holds(claim, self.later, self.next, mutant) ^ 1) for claim in claims}
        parts = {what: b.both(given, literal) for what, literal in parts.items()}
        parts |= {("never", claim): b.both(asked[claim], self._holds(claim, self.first, zeros, {}) ^ 1) for claim in claims}
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

    def related(self, number: int, *, rounds: int = ROUNDS, begin: Sequence[int] = ()) -> bool:
        """Whether there is a relation in which a mutant shows the same; registers ``begin`` are its own, though they may be as in the module."""
        own: dict[int, int] = {}
        claims: list[Claim | Pair] = [claim for k in begin for claim in (Claim(k, 0), *self._fresh(k, own))]
        solver, parts = None, {}
        for _ in range(rounds):
            if solver is None:
                self.asked |= {claim: self.builder.leaf() for claim in claims if claim not in self.asked}
                parts = self._question(number, own, claims)
                solver = Solver(self.builder.gates, parts.values(), ones=self.ones)
            given = [self.asked[claim] for claim in claims]
            values = solver.values(given)
            if isinstance(values, str):
                return values == "equal"
            wrong = self._wrong(parts, values | {literal >> 1: 1 for literal in given})
            refuted = {what[1] for what in wrong if what[0] in ("lost", "never")}
            left = [claim for claim in claims if claim not in refuted]
            fresh = [what[1] for what in wrong if what[0] == "moved"]
            if not fresh and len(left) == len(claims) or len(own) + len(fresh) > self.most:
                return False
            for claim in refuted:
                solver.never(self.asked[claim])
            for k in fresh:
                left += self._fresh(k, own)
            claims, solver = list(dict.fromkeys(left)), None if fresh else solver
        return False
