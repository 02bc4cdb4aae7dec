"""Proofs by a relation between a mutant and its module: of many claims about both, those that hold at first and from each cycle to the next.

A claim is that a register is as in the module, or is one of some other values of it, while a condition holds; or that a few registers do not have a
certain pair of values. What is shown, and where memories are looked at and written, has to follow from those that remain. Which claims are tried only
decides whether the proof succeeds.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product

from spikegate.cosim.mutant_cut import without_memories
from spikegate.cosim.mutant_given import BITS, WHERE, Hints, memories, with_hints
from spikegate.cosim.mutant_narrow import Narrow, _place
from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard
from spikegate.cosim.satisfied import satisfied
from spikegate.models.errors import SpikegateError

__all__ = ["LOOK", "READ", "Claim", "Pair", "Related"]

#: How often a counterexample may take claims away: several times what a proof was seen to need, as their order is the solver's.
ROUNDS = 400
#: Registers of its own, up to which a mutant may have other values there.
OTHERS = 8
#: Registers of its own, above which a mutant is given up.
MOST = 24
#: Counterexamples that are made of one.
LANES = 64
#: What a memory gives, where it is looked at, and what is written.
READ, LOOK, WRITE = (re.compile(rf"{side}(cut_\d+)_{part}\b") for side, part in (("", "read"), ("see_", "look"), ("see_", "(?:enable|address|data)")))


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

    most, ones = MOST, False

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
        looked, todo = set(), [self.outputs[self.graph.names.index("fair")] >> 1, *(self.outputs[place] >> 1 for place in self.when)]
        while todo:
            node = todo.pop()
            if node not in looked:
                looked.add(node)
                todo += [x >> 1 for x in self.builder.gates.get(node, ())]
        self.words: dict[str, list[int]] = {}
        self.looked: dict[str, list[int]] = {}
        for number, name in enumerate(hints.memories):
            self._follow(f"cut_{memories(granted.text).index(name)}", number, [self.outputs[place] for place in hint(f"word_{number}")])
        self.rng, self.loose = random.Random(1), sorted({literal >> 1 for literal in (*self.latches, *self.inputs.values())} - looked)

    def _follow(self, memory: str, number: int, word: Sequence[int]) -> None:
        """Keep of a memory the registers of the word that is followed, and the outputs where it is the one that the module looks at."""
        self.words[memory] = [self.numbers[literal] for literal in word if literal]
        look = {f"{WHERE}{number}{place}": literal for name, literal in zip(self.graph.names, self.outputs)
                for found, place in [name.removeprefix("see_").partition("_look")[::2]] if found == memory}
        self.looked[memory] = self.builder.copy(self.graph, [look.get(name, self.inputs.get(name, 0)) for name in self.graph.inputs], self.latches)[0]

    def _written(self, name: str) -> bool:
        """Whether an output is what is written to a memory of which a word is followed."""
        return (found := WRITE.match(name)) is not None and found[1] in self.words

    def _kept(self, name: str, own: Mapping[int, int], claims: Sequence[Claim | Pair]) -> int:
        """Whether a bit that is read where the module looks too is as in the module."""
        memory, bit = READ.match(name)[1], _place(name)[1]
        if memory not in self.words or self.words[memory][bit] not in own:
            return 1
        return self.builder.some(self.looked[memory][claim.when] for claim in claims
                                 if isinstance(claim, Claim) and claim.k == self.words[memory][bit] and claim.other is None)

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

    def _elsewhere(self, number: int, latches: list[int], kept: Mapping[str, int]) -> tuple[list[int], list[int]]:
        """A mutant's outputs and what its registers take.

        It reads from a memory what the module reads if it looks there and the bit is ``kept``, and anything else otherwise.
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
                away = b.some((apart[READ.match(name)[1]], kept[name] ^ 1))
                if away:
                    self.free[name] = self.free.get(name) or b.leaf()
                    inputs[name] = b.some((b.both(away, self.free[name]), b.both(away ^ 1, literal)))

    def _apart(self, number: int, own: Mapping[int, int], kept: Mapping[str, int]) -> tuple[int, list[int], dict[int, int]]:
        """Whether a mutant shows something else, which registers take something else, and what claims are made of after the cycle."""
        outputs, after = self._elsewhere(number, [own.get(k, latch) for k, latch in enumerate(self.latches)], kept)
        shown = [mine if LOOK.match(name) or self._written(name) else other for name, mine, other in zip(self.graph.names, self.outputs, outputs)]
        return self._seen(shown), [self.builder.differ(mine, other) for mine, other in zip(self.next, after)], dict(enumerate(after))

    def _question(self, number: int, own: Mapping[int, int], claims: Sequence[Claim | Pair]) -> dict[tuple, int]:
        """What there is to refute, by kind: a claim that is lost at the start or after a cycle, a register that is set otherwise, what is seen."""
        b, fair, zeros = self.builder, self.outputs[self.graph.names.index("fair")], [0] * len(self.latches)
        seen, moved, mutant = self._apart(number, own, {name: self._kept(name, own, claims) for name in self.inputs if READ.match(name)})
        given = reduce(b.both, (self._holds(claim, self.outputs, self.latches, own) for claim in claims), fair)
        parts: dict[tuple, int] = {("seen",): seen}
        parts |= {("moved", k): literal for k, literal in enumerate(moved) if k not in own}
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

    def related(self, number: int, *, rounds: int = ROUNDS, begin: Sequence[int] = ()) -> bool:
        """Whether there is a relation in which a mutant shows the same; registers ``begin`` are its own, though they may be as in the module."""
        own: dict[int, int] = {}
        claims: list[Claim | Pair] = [claim for k in begin for claim in (Claim(k, 0), *self._fresh(k, own))]
        for _ in range(rounds):
            parts = self._question(number, own, claims)
            values = satisfied(self.builder.gates, self.builder.some(parts.values()), ones=self.ones)
            if isinstance(values, str):
                return values == "equal"
            wrong = self._wrong(parts, values)
            refuted = {what[1] for what in wrong if what[0] in ("lost", "never")}
            left = [claim for claim in claims if claim not in refuted]
            fresh = [what[1] for what in wrong if what[0] == "moved"]
            if not fresh and len(left) == len(claims) or len(own) + len(fresh) > self.most:
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
