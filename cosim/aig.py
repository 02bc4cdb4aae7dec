"""And-inverter graphs as Yosys writes them: an input made constant, what then is left, and the file that ABC reads."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Aig", "read"]


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
    """

    inputs: tuple[str, ...]
    next: tuple[int, ...]
    outputs: tuple[int, ...]
    gates: tuple[tuple[int, int], ...]

    def restricted(self, values: dict[str, int]) -> "Aig":
        """The graph with these inputs constant, equal gates merged, and nothing that no output needs."""
        first_gate, known, lit = 1 + len(self.inputs) + len(self.next), {}, [0] * (1 + len(self.inputs) + len(self.next) + len(self.gates))
        for node in range(1, first_gate):
            name = self.inputs[node - 1] if node <= len(self.inputs) else None
            lit[node] = values[name] if name in values else 2 * node
        for node, (a, b) in enumerate(self.gates, first_gate):
            a, b = lit[a >> 1] ^ a & 1, lit[b >> 1] ^ b & 1
            if a < b:
                a, b = b, a
            if b < 2 or a == b:
                lit[node] = a if b == 1 or a == b else 0
            elif a == b ^ 1:
                lit[node] = 0
            else:
                lit[node] = known.setdefault((a, b), 2 * node)
        through = lambda x: lit[x >> 1] ^ x & 1  # noqa: E731
        made = {node >> 1: pair for pair, node in known.items()}
        needed, todo = set(), [through(x) >> 1 for x in self.outputs]
        while todo:
            node = todo.pop()
            if node in needed:
                continue
            needed.add(node)
            if node >= first_gate:
                todo += [x >> 1 for x in made[node]]
            elif node > len(self.inputs):
                todo.append(through(self.next[node - 1 - len(self.inputs)]) >> 1)
        kept = [k for k, name in enumerate(self.inputs) if name not in values]
        latches = [k for k in range(len(self.next)) if 1 + len(self.inputs) + k in needed]
        gates = sorted(node for node in needed if node >= first_gate)
        order = {0: 0}
        for node in [*(1 + k for k in kept), *(1 + len(self.inputs) + k for k in latches), *gates]:
            order[node] = len(order)
        final = lambda x: 2 * order[x >> 1] ^ x & 1  # noqa: E731
        return Aig(tuple(self.inputs[k] for k in kept), tuple(final(through(self.next[k])) for k in latches),
                   tuple(final(through(x)) for x in self.outputs), tuple((final(made[n][0]), final(made[n][1])) for n in gates))

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


def read(path: Path) -> Aig:
    """Binary AIGER with symbols for the inputs."""
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
    names = [""] * i
    for line in data[at:].split(b"\n"):
        if line[:1] == b"i":
            number, _, name = line[1:].decode().partition(" ")
            names[int(number)] = name
        elif line[:1] == b"c":
            break
    return Aig(tuple(names), tuple(numbers[:l]), tuple(numbers[l:]), tuple(gates))
