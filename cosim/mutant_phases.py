"""Mutants of clocks that no inputs tell apart at a rising edge: killed where an output changes at a falling one, or proved to do the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikegate.cosim import mutated
from spikegate.cosim.mutant_clocks import Clocks
from spikegate.cosim.mutant_given import Hints
from spikegate.cosim.mutant_relation import Claim, Pair, Related
from spikegate.cosim.mutants import BITS, SELECT, Mutants
from spikegate.cosim.mutated import WORD, Guard, Port, Table, ports

__all__ = ["EPISODES", "Falling", "unsteady"]

#: Of a guard's table.
EPISODES = 2


class Falling(Related, Clocks):
    """Registers of a mutant that load at the falling edge, whatever the inputs are then; before the first rising edge there may be none.

    What is claimed of them is claimed after a rising edge.
    """

    def __init__(self, made: Mutants, top: str, guard: Guard, hints: Hints):
        super().__init__(made, top, guard, hints)
        b, names = self.builder, self.graph.inputs
        self.early, self.falling = [b.leaf() if name in self.inputs else 0 for name in names], set()
        self.second = b.copy(self.graph, [self.inputs.get(name, 0) for name in names], [0] * len(self.latches))[1]
        self.then = b.copy(self.graph, [self.soon.get(f"soon_{name}", 0) for name in names], self.second)[0]

    def _elsewhere(self, number: int, latches: list[int], kept: Mapping[str, int]) -> tuple[list[int], list[int]]:
        taken = self.builder.copy(self.graph, self.early, latches)[1]
        outputs, after = super()._elsewhere(0, [taken[k] if k in self.falling else latch for k, latch in enumerate(latches)], kept)
        return outputs, [taken[k] if k in self.falling else value for k, value in enumerate(after)]

    def _question(self, number: int, own: Mapping[int, int], claims: Sequence[Claim | Pair]) -> dict[tuple, int]:
        b, kept = self.builder, dict.fromkeys(self.falling, 0)
        fair = self.first[self.graph.names.index("fair")]
        parts = {("lost", claim, "first"): b.both(b.both(fair, self.asked[claim]), self._holds(claim, self.then, self.second, kept) ^ 1)
                 for claim in claims}
        return super()._question(number, own, claims) | {what: literal for what, literal in parts.items() if literal}

    def same(self, made: Mutants, cell: str) -> bool:
        """Whether there is a relation in which the registers of a cell that load at the falling edge change nothing."""
        self.falling = self.registers(made, cell)
        return bool(self.falling) and self.related(0, begin=sorted(self.falling))


def unsteady(made: Mutants, top: str, rows: Table, numbers: Sequence[int], *, episodes: int | None = None) -> list[int]:
    """As `first_differences`, but a row becomes three: the rising edge, its inputs, the falling edge, at which no output may change."""
    into, out = ports(made.text, top, "input"), ports(made.text, top, "output")
    declared = "\n".join(f"  {side} [{port.width - 1}:0] \\{port.name} ;" for side, places in (("input", into), ("output", out)) for port in places)
    names, all_ = [SELECT, *(f"\\{port.name} " for port in into + out)], ", ".join(f"\\{port.name} " for port in out)
    text = f"""{made.text}
module phases(clk, {', '.join([*names, 'level', 'steady'])});
  input clk;
  input level;
  input [{BITS - 1}:0] {SELECT};
  output steady;
{declared}
  {top} tried({', '.join([".clk(level)", *(f'.{name}({name})' for name in names)])});
  reg [{sum(port.width for port in out) - 1}:0] held = 0;
  always @(posedge clk) held <= {{{all_}}};
  assign steady = held == {{{all_}}};
endmodule
"""
    there, seen = {port.name: port for port in ports(text, "phases", "input")}, {port.name: port for port in ports(text, "phases", "output")}

    def moved(words: np.ndarray, old: list[Port], new: dict[str, Port], extra: int = 0) -> np.ndarray:
        wide = max(3, -(-max(port.offset + port.width for port in new.values()) // WORD))
        found = []
        for row in words:
            bits = int.from_bytes(row.tobytes(), "little")
            found.append(extra | sum((bits >> port.offset & (1 << port.width) - 1) << new[port.name].offset for port in old))
        return np.frombuffer(b"".join(value.to_bytes(4 * wide, "little") for value in found), "<u4").reshape(len(found), -1)

    low = moved(rows.inputs, into, there)
    high = moved(rows.inputs, into, there, 1 << there["level"].offset)
    first = np.arange(len(low)) % rows.cycles == 0
    rise = np.where(first[:, None], low, np.roll(high, 1, axis=0))
    flag = 1 << seen["steady"].offset
    expected, care = moved(rows.expected, out, seen, flag), moved(rows.care, out, seen, flag)
    given = np.stack([rise, np.where(first[:, None], low, high), low], 1).reshape(3 * len(low), -1)
    third = lambda words: np.stack([np.zeros_like(words)] * 2 + [words], 1).reshape(3 * len(words), -1)  # noqa: E731
    table = Table(given, third(expected), third(care), 3 * rows.cycles, rows.compared)
    return mutated.first_differences(replace(made, text=text), "phases", table, numbers, episodes=episodes)
