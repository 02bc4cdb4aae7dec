"""Simulation of a module and of all its mutants at once: every wire is an integer with a bit for each of them."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spikegate.cosim.toolchain.synthesis import yosys
from verification.equivalence.smt import READ, read
from verification.mutation.mutants import SELECT

__all__ = ["MODULES", "Lanes", "Seen", "lanes"]

#: How many lanes hold the module itself; the mutants follow.
MODULES = 64
#: Cycles after which single bits are drawn with another probability, and after which the simulation begins anew.
EPOCH, EPISODE = 16, 100


@dataclass
class Seen:
    """What a simulation has shown.

    Parameters
    ----------
    covered : dict of str to int
        Output of the module -> first cycle in which it was 1.
    broken : dict of str to int
        Output of the module -> first cycle in which it was 0, if it ever was.
    caught : dict of str to list of int
        Output -> mutants of which it was 0.
    """

    covered: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    caught: dict[str, list[int]] = field(default_factory=dict)


class Lanes:
    """A circuit of AND gates and registers that begin with 0.

    Parameters
    ----------
    text : str
        Ascii AIGER with symbols.
    """

    def __init__(self, text: str):
        lines = text.split("\n")
        _, _, inputs, latches, outputs, ands = (int(x) if x.isdecimal() else x for x in lines[0].split())
        rows = [[int(x) for x in line.split()] for line in lines[1:1 + inputs + latches + outputs + ands]]
        self.latches = latches
        self.inputs, self.outputs = {}, {}
        for kind, number, name, bit in re.findall(r"^([io])(\d+) (\S+?)(?:\[(\d+)\])?$", text, re.MULTILINE):
            table = self.inputs if kind == "i" else self.outputs
            table.setdefault(name, {})[int(bit or 0)] = int(number)

        def wire(literal):
            return "0F"[literal] if literal < 2 else f"F ^ v{literal & ~1}" if literal & 1 else f"v{literal}"

        reads, states = rows[:inputs], rows[inputs:inputs + latches]
        results, gates = rows[inputs + latches:inputs + latches + outputs], rows[inputs + latches + outputs:]
        body = [f"{''.join(f'v{row[0]}, ' for row in rows_)}= {name}" for rows_, name in ((reads, "I"), (states, "S")) if rows_]
        body += [f"v{out} = ({wire(a)}) & ({wire(b)})" for out, a, b in gates]
        body += [f"return [{', '.join(wire(row[0]) for row in results)}], [{', '.join(wire(row[1]) for row in states)}]"]
        space = {}
        exec("def step(I, S, F):\n " + "\n ".join(body), space)
        self.step, self.count = space["step"], inputs

    def drawn(self, cycle: int, before: list[int], size: int, draw: random.Random, biases: dict[str, int]) -> list[int]:
        """Values of all inputs in every lane: words random, all 0, all 1 or as before; single bits with a probability of their own, for a while."""
        values, bits, every = list(before), draw.getrandbits, (1 << size) - 1
        quiet = bits(size) & bits(size)
        for name, places in self.inputs.items():
            if len(places) == 1:
                if cycle % EPOCH == 0:
                    biases[name] = draw.randrange(6)
                value, extra = bits(size), bits(size)
                (place,) = places.values()
                values[place] = (value, value | extra, value & extra, value | extra | bits(size), value & extra & bits(size), value)[biases[name]]
                continue
            keep = bits(size) & bits(size)
            zero, one = bits(size) & (bits(size) & bits(size) | quiet), bits(size) & bits(size) & bits(size)
            for place in places.values():
                values[place] = before[place] & keep | (bits(size) & ~zero | one) & (every ^ keep)
        return values

    def run(self, mutants: int, claims: Sequence[str], covers: Sequence[str], given: Sequence[str], *, cycles: int, script=(), seed: int = 1) -> Seen:
        """Draw inputs and look at outputs.

        Parameters
        ----------
        mutants : int
            How many there are.
        claims, covers, given : sequence of str
            Outputs: 1 in every cycle, 1 in some, and 1 up to the last cycle of a lane that counts.
        cycles : int
            After the script.
        script : sequence of dict of str to int
            Values of inputs in the first cycles.
        seed : int
        """
        size, draw, seen = MODULES + mutants, random.Random(seed), Seen()
        every, own = (1 << size) - 1, (1 << MODULES) - 1
        select = {place: sum(1 << MODULES + number - 1 for number in range(1, mutants + 1) if number >> bit & 1)
                  for bit, place in self.inputs.get(SELECT, {}).items()}
        wrong, biases, length = dict.fromkeys(claims, 0), {}, len(script) + cycles
        place = {name: self.outputs[name][0] for name in (*claims, *covers, *given)}
        for cycle in range(length):
            if cycle == 0 or cycle > len(script) and cycle % EPISODE == 0:
                state, alive, values = [0] * self.latches, every, [0] * self.count
            values = self.drawn(cycle, values, size, draw, biases)
            if cycle < len(script):
                for name, value in script[cycle].items():
                    for bit, at in self.inputs[name].items():
                        values[at] = every * (value >> bit & 1)
            for at, value in select.items():
                values[at] = value
            outputs, state = self.step(values, state, every)
            for name in given:
                alive &= outputs[place[name]]
            for name in claims:
                bad = alive & ~outputs[place[name]]
                wrong[name] |= bad
                if bad & own:
                    seen.broken.setdefault(name, cycle)
            for name in covers:
                if name not in seen.covered and outputs[place[name]] & alive & own:
                    seen.covered[name] = cycle
        for name, bad in wrong.items():
            found = bin(bad >> MODULES)[:1:-1]
            seen.caught[name] = [number for number, digit in enumerate(found, 1) if digit == "1"]
        return seen


def lanes(leaf: str, verilog: str, bench: str, folder: Path) -> Lanes:
    """Of a bench, its RTLIL with the select, around a leaf's mutants, their Verilog; what has no initial value begins with 0."""
    read(leaf, verilog, bench, folder)
    yosys(READ.format(leaf=leaf, memory="memory_map") + """
        setundef -zero -undriven -init
        zinit -all
        async2sync
        dffunmap
        simplemap
        techmap
        opt_expr
        opt_merge
        aigmap
        opt_clean
        write_aiger -ascii -symbols bench.aag
        """, folder)
    return Lanes((folder / "bench.aag").read_text())
