"""Mutants of a register's clock that outlive the table: proved to do the same, or run against inputs that change between two falling edges."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from verification.contracts.table import WORD, Guard, Port, Table, first_differences, ports
from verification.equivalence.aig import Aig
from verification.mutation.mutants import BITS, SELECT, Mutants
from verification.mutation.shared_state import Narrow, reach

__all__ = ["CLOCK", "equal", "edges"]

#: Names of mutants that concern a clock.
CLOCK = re.compile(r"^(inv|const0|const1) (\S+) CLK \d+$")


class Clocks(Narrow):
    """Of registers that never load, or at the falling edge, it is proved that all others and what is shown do not differ.

    At the falling edge inputs may have any values, and before the first rising edge there may be one or not.
    """

    def registers(self, made: Mutants, cell: str) -> set[int]:
        """A cell's registers in the graph: those that take something else where a bit of its input is inverted."""
        found = set()
        for number, name in enumerate(made.names, 1):
            if re.match(rf"inv {re.escape(cell)} D \d+$", name):
                after = self._copy(number, self.latches)[1]
                found |= {k for k, (mine, other) in enumerate(zip(self.next, after)) if mine != other}
        return found

    def clocked(self, mode: str, registers: set[int]) -> Aig:
        """1 where the mutant shows something else, or another register takes something else."""
        b, state = self.builder, [self.builder.leaf() if k in registers else latch for k, latch in enumerate(self.latches)]
        selected = lambda inputs: [inputs.get(name, 0) for name in self.graph.inputs]  # noqa: E731
        early, latches, now = {f"early_{name}": b.leaf() for name in self.inputs}, {}, list(state)
        if mode == "inv":
            edge, begun = b.leaf(), b.leaf()
            falls, latches = b.some((edge, begun)), {begun: 1}
            taken = b.copy(self.graph, selected({name: early[f"early_{name}"] for name in self.inputs}), state)[1]
            for k in registers:
                now[k] = b.some((b.both(falls, taken[k]), b.both(falls ^ 1, state[k])))
            early["edge"] = edge
        outputs, after = b.copy(self.graph, selected(self.inputs), now)
        moved = b.some(b.differ(self.next[k], after[k]) for k in range(len(after)) if k not in registers)
        latches |= dict(zip(self.latches, self.next)) | {state[k]: now[k] for k in registers}
        fair = self.outputs[self.graph.names.index("fair")]
        return b.finished(self.inputs | early, latches, b.both(fair, b.some((self._seen(outputs), moved))))


def equal(made: Mutants, top: str, guard: Guard, numbers: Sequence[int]) -> set[int]:
    """Those of the mutants ``numbers`` of clocks that are proved to do the same. All mutants of the module must be listed."""
    prover, asked = Clocks(made, top, guard), {}
    for number in numbers:
        mode, cell = CLOCK.match(made.names[number - 1]).groups()
        if registers := prover.registers(made, cell):
            asked[number] = prover.clocked(mode, registers)
    return {number for number, verdict in zip(asked, reach(list(asked.values()))) if verdict[0] == "equal"}


def _row(values: Mapping[str, int], places: list[Port]) -> int:
    return sum((values[port.name] & (1 << port.width) - 1) << port.offset for port in places if port.name in values)


def edges(made: Mutants, top: str, rows: Table, numbers: Sequence[int], *, episodes: int | None = None) -> list[int]:
    """As `first_differences`, but inputs come some time after the rising edge, long before the falling one or just after; a row becomes four.

    What stands there before may be anything: it is not there any more at the rising edge.
    """
    into, out = ports(made.text, top, "input"), ports(made.text, top, "output")
    declared = "\n".join(f"  {side} [{port.width - 1}:0] \\{port.name} ;" for side, places in (("input", into), ("output", out)) for port in places)
    names = [SELECT, *(f"\\{port.name} " for port in into + out)]
    text = f"""{made.text}
module edges({', '.join([*names, 'level'])});
  input [{BITS - 1}:0] {SELECT};
  input level;
{declared}
  {top} tried({', '.join([".clk(level)", *(f'.{name}({name})' for name in names)])});
endmodule
"""
    level, = (port for port in ports(text, "edges", "input") if port.name == "level")
    there = [port for port in ports(text, "edges", "input") if port.name != "level"]
    given, wide, rng = [], -(-max(port.offset + port.width for port in [level, *there]) // WORD), random.Random(1)
    for number, row in enumerate(rows.inputs):
        bits = int.from_bytes(row.tobytes(), "little")
        inputs = _row({port.name: bits >> port.offset for port in into}, there)
        before = inputs if rng.getrandbits(1) else _row({port.name: rng.getrandbits(port.width) for port in into}, there)
        high = 1 << level.offset
        given += [before | high * bool(number % rows.cycles), before, inputs, inputs | high]
    packed = np.frombuffer(b"".join(value.to_bytes(4 * max(3, wide), "little") for value in given), "<u4").reshape(len(given), -1)
    third = lambda words: np.stack([*[np.zeros_like(words)] * 2, words, np.zeros_like(words)], 1).reshape(4 * len(words), -1)  # noqa: E731
    table = Table(packed, third(rows.expected), third(rows.care), 4 * rows.cycles, rows.compared)
    return first_differences(replace(made, text=text), "edges", table, numbers, episodes=episodes)
