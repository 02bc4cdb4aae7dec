"""And-inverter graphs as Yosys writes them: an input made constant, two copies side by side, and the file that ABC reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

__all__ = ["Aig", "Builder", "read"]


@dataclass(frozen=True)
class Aig:
    """A graph in AIGER's literals: 2 n for node n, 1 more for its complement; 0 is false.

    Parameters
    ----------
    inputs : tuple of str
        Names; node 1 is the first, latches follow, all of which begin with 0, then the gates.
    next : tuple of int
        What each latch takes at the clock edge.
    outputs : tuple of int
    gates : tuple of (int, int)
        Inputs of each gate, which stand before it.
    names : tuple of str
        Of the outputs.
    """

    inputs: tuple[str, ...]
    next: tuple[int, ...]
    outputs: tuple[int, ...]
    gates: tuple[tuple[int, int], ...]
    names: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """As binary AIGER."""
        i, l, o, a = len(self.inputs), len(self.next), len(self.outputs), len(self.gates)
        data = bytearray(f"aig {i + l + a} {i} {l} {o} {a}\n".encode())
        data += "".join(f"{x}\n" for x in [*self.next, *self.outputs]).encode()
        for node, (x, y) in enumerate(self.gates, 1 + i + l):
            x, y = max(x, y), min(x, y)
            for delta in (2 * node - x, x - y):
                while delta >= 0x80:
                    data.append(delta & 0x7F | 0x80)
                    delta >>= 7
                data.append(delta)
        path.write_bytes(bytes(data))


@dataclass
class Builder:
    """A graph under construction, in which no two gates have the same inputs.

    Nodes are numbered as they are made: inputs and latches by `leaf`, then gates.
    """

    gates: dict[int, tuple[int, int]] = field(default_factory=dict)
    known: dict[tuple[int, int], int] = field(default_factory=dict)
    size: int = 1

    def leaf(self) -> int:
        """An input or a latch."""
        self.size += 1
        return 2 * (self.size - 1)

    def both(self, a: int, b: int) -> int:
        """The conjunction."""
        if a < b:
            a, b = b, a
        if b < 2:
            return a if b else 0
        if a ^ b < 2:
            return 0 if a ^ b else a
        found = self.known.get((a, b))
        if found is None:
            found = self.known[a, b] = self.leaf()
            self.gates[found >> 1] = (a, b)
        return found

    def differ(self, a: int, b: int) -> int:
        """Whether they do."""
        return self.both(self.both(a, b) ^ 1, self.both(a ^ 1, b ^ 1) ^ 1)

    def some(self, literals: Iterable[int]) -> int:
        """Whether one is true."""
        return reduce(lambda a, b: self.both(a ^ 1, b ^ 1) ^ 1, literals, 0)

    def copy(self, graph: Aig, inputs: list[int], latches: list[int]) -> tuple[list[int], list[int]]:
        """Outputs, and what the latches take, of a graph on these literals."""
        lit, both = [0, *inputs, *latches], self.both
        for a, b in graph.gates:
            lit.append(both(lit[a >> 1] ^ a & 1, lit[b >> 1] ^ b & 1))
        return [lit[x >> 1] ^ x & 1 for x in graph.outputs], [lit[x >> 1] ^ x & 1 for x in graph.next]

    def finished(self, inputs: Mapping[str, int], latches: Mapping[int, int], output: int) -> Aig:
        """The graph of one output with what it needs; ``latches`` are literals and what each takes."""
        needed, todo = set(), [output >> 1]
        taken = {latch >> 1: value for latch, value in latches.items()}
        while todo:
            node = todo.pop()
            if node and node not in needed:
                needed.add(node)
                todo += [x >> 1 for x in (self.gates[node] if node in self.gates else (taken[node],) if node in taken else ())]
        kept = [node for node in taken if node in needed]
        gates = sorted(node for node in needed if node in self.gates)
        order = {node: number for number, node in enumerate([0, *(literal >> 1 for literal in inputs.values()), *kept, *gates])}
        final = lambda x: 2 * order[x >> 1] ^ x & 1  # noqa: E731
        return Aig(tuple(inputs), tuple(final(taken[node]) for node in kept), (final(output),),
                   tuple((final(self.gates[node][0]), final(self.gates[node][1])) for node in gates))


def read(path: Path) -> Aig:
    """Binary AIGER with symbols."""
    data = path.read_bytes()
    end = data.index(b"\n")
    _, i, l, o, a = map(int, data[:end].split()[1:6])
    numbers, at = [], end + 1
    for _ in range(l + o):
        end = data.index(b"\n", at)
        numbers.append(int(data[at:end].split()[0]))
        at = end + 1
    gates = []
    for node in range(1 + i + l, 1 + i + l + a):
        pair, reference = [], 2 * node
        for _ in range(2):
            delta = shift = 0
            while True:
                byte = data[at]
                at += 1
                delta |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            reference -= delta
            pair.append(reference)
        gates.append((pair[0], pair[1]))
    names = {"i": [""] * i, "o": [""] * o}
    for line in data[at:].decode(errors="replace").split("\n"):
        if line[:1] in names:
            number, _, name = line[1:].partition(" ")
            names[line[0]][int(number)] = name
        elif line[:1] == "c":
            break
    return Aig(tuple(names["i"]), tuple(numbers[:l]), tuple(numbers[l:]), tuple(gates), tuple(names["o"]))
