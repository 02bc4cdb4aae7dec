"""A module and its mutants, their memories cut out: a mutant reads what the module reads, if it looks there and the word is the same."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from spikegate.cosim.mutant_cut import without_memories
from spikegate.cosim.mutant_given import BITS, WHERE, Hints, memories, sizes, with_hints
from spikegate.cosim.mutant_narrow import Narrow, _place
from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard
from spikegate.cosim.satisfied import satisfied
from spikegate.models.errors import SpikegateError

__all__ = ["LOOK", "READ", "Memories"]

#: Mutants in which a bit of a register is inverted for a value of another one.
TURN = re.compile(r"^cnot([01]) \S+ Q (\d+) (\d+)$")
#: What a memory gives, where it is looked at, and what is written.
READ, LOOK, WRITE = (re.compile(rf"{side}(cut_\d+)_{part}\b") for side, part in (("", "read"), ("see_", "look"), ("see_", "(?:enable|address|data)")))


class Memories(Narrow):
    """Of a memory that hints name, one word is followed in module and mutant, that at any address; of the others every write must be the same.

    A mutant may also have all words of a memory at other addresses, if it turns those that it reads and those that it writes alike.
    """

    def __init__(self, made: Mutants, top: str, guard: Guard, hints: Hints):
        granted, guard = with_hints(made, top, guard, hints)
        super().__init__(replace(granted, text=without_memories(granted.text, top)), top, guard)
        self.count = hints.count
        self.numbers = {literal: k for k, literal in enumerate(self.latches)}
        self.sizes = dict(zip((f"cut_{k}" for k in range(len(memories(granted.text)))), sizes(granted.text)))
        self.turned: dict[str, tuple[int, int, int]] = {}
        self.free: dict[str, int] = {}
        self.words: dict[str, list[int]] = {}
        self.looked: dict[str, list[int]] = {}
        for number, name in enumerate(hints.memories):
            self._follow(f"cut_{memories(granted.text).index(name)}", number, [self.outputs[place] for place in self._hint(f"word_{number}")])

    def _hint(self, name: str) -> list[int]:
        """Places of the outputs of a hint."""
        at = {name: place for place, name in enumerate(self.graph.names)}
        return [at[f"see_hint_{name}[{bit}]"] for bit in range(BITS)]

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

    def _follow(self, memory: str, number: int, word: Sequence[int]) -> None:
        """Keep of a memory the registers of the word that is followed, and the outputs where it is the one that the module looks at."""
        self.words[memory] = [self.numbers.get(literal, -1) for literal in word]
        look = {f"{WHERE}{number}{place}": literal for name, literal in zip(self.graph.names, self.outputs)
                for found, place in [name.removeprefix("see_").partition("_look")[::2]] if found == memory}
        if look.keys() != {name for name in self.inputs if _place(name)[0] == f"{WHERE}{number}"}:
            raise SpikegateError(f"Memory {memory} has several read ports; only one can be followed")
        self.looked[memory] = self.builder.copy(self.graph, [look.get(name, self.inputs.get(name, 0)) for name in self.graph.inputs], self.latches)[0]

    def _written(self, name: str) -> bool:
        """Whether an output is what is written to a memory of which a word is followed."""
        return (found := WRITE.match(name)) is not None and found[1] in self.words

    def turn(self, number: int, mutant: str) -> None:
        """Take the memories whose words a mutant, of that name, may have at other addresses, those with a bit inverted beside another one."""
        self.turned, found = {}, TURN.match(mutant)
        if found is None:
            return
        value, i, j = map(int, found.groups())
        outputs = self._copy(number, self.latches)[0]
        moved = {look[1] for name, mine, other in zip(self.graph.names, self.outputs, outputs) if (look := LOOK.match(name)) and mine != other}
        turns = lambda address: address ^ (address >> j & 1 == value) << i  # noqa: E731
        bits = lambda what: sum(name.startswith(what) for name in self.graph.names)  # noqa: E731
        self.turned = {memory: (value, i, j) for memory in moved - self.words.keys()
                       if max(i, j) < bits(f"see_{memory}_look[") == bits(f"see_{memory}_address[")
                       and all(turns(address) < self.sizes[memory] for address in range(self.sizes[memory]))}

    def _turn(self, outputs: list[int]) -> list[int]:
        b, at, found = self.builder, {name: place for place, name in enumerate(self.graph.names)}, list(outputs)
        for memory, (value, i, j) in self.turned.items():
            writes = b.some(outputs[place] for name, place in at.items() if name.startswith(f"see_{memory}_enable"))
            for part, there in (("look", 1), ("address", writes)):
                place, beside = (at[f"see_{memory}_{part}[{bit}]"] for bit in (i, j))
                found[place] = b.differ(outputs[place], b.both(there, outputs[beside] ^ 1 ^ value))
        return found

    def _elsewhere(self, number: int, latches: list[int], kept: Mapping[str, int]) -> tuple[list[int], list[int]]:
        """A mutant's outputs and what its registers take.

        It reads from a memory what the module reads if it looks there and the bit is ``kept``, and anything else otherwise.
        """
        b, reads = self.builder, {name: literal for name, literal in self.inputs.items() if READ.match(name)}
        inputs, before = dict(reads), None
        while True:
            values = [inputs.get(name, self.inputs.get(name, number >> _place(name)[1] & 1)) for name in self.graph.inputs]
            outputs, after = b.copy(self.graph, values, latches)
            outputs = self._turn(outputs)
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
