"""Mutants of a module that lie in a part which is a leaf too: the same defect of the same statement, under the leaf's own guard.

What a whole never asks of a part, another whole may: rows of several words hide a bubble between two spikes, rows of one word do not.
"""

import re
from collections.abc import Sequence
from functools import cache

from spikegate.cosim import graph
from spikegate.cosim.guards import GUARDS
from spikegate.cosim.leaves import leaf_verilog
from spikegate.cosim.mutant_proof import watched
from spikegate.cosim.mutants import Mutants, mutants
from spikegate.cosim.mutated import table
from spikegate.models.errors import SpikegateError

__all__ = ["PARTS", "counterpart", "killed"]

#: By module, its parts that `spikegate.cosim.leaves.LEAVES` has with the same parameters.
PARTS = {"core": {"spikes": "spikes", "delivery": "rows"}}
#: A mutant of a cell of a part: what becomes of it, the modules that it is in, its kind, its line and its port.
PLACED = re.compile(r"^(\w+) \$flatten\\top\.((?:\\\w+\.)+)(\$\w+)\$top\.v:(\d+)\$\d+ (.*)$")
#: An assignment in Verilog, and a signal without a name of its own.
ASSIGNED, TEMPORARY = re.compile(r"^  assign (\S+)  = (.*);$"), re.compile(r"\\\$\d+(?= |$)")


@cache
def _values(text: str, module: str) -> dict[int, str]:
    """By the numbers of their lines, what the assignments of a module in Verilog assign, written out down to signals with names."""
    lines = text.splitlines()
    begin = next((k for k, line in enumerate(lines) if re.match(rf"module \\?{re.escape(module)} ?\(", line)), None)
    if begin is None:
        raise SpikegateError(f"There is no module {module}")
    found = {k: one for k in range(begin, lines.index("endmodule", begin)) if (one := ASSIGNED.match(lines[k]))}
    value = {one[1]: one[2] for one in found.values()}
    full = lambda what: TEMPORARY.sub(lambda one: f"({full(value[one[0]])})" if one[0] in value else one[0], what)  # noqa: E731
    return {k + 1: full(one[2]) for k, one in found.items()}


def counterpart(name: str, text: str, mutant: str) -> tuple[str, str] | None:
    """The leaf that has the mutant ``mutant`` of the module ``name`` too, and a pattern of its name there; None if there is none.

    The statement is the one that assigns the same; Yosys keeps one cell of several that do.
    """
    found = PLACED.match(mutant)
    if not found:
        return None
    mode, path, kind, line, port = found.groups()
    part, *rest = path.replace("\\", "").rstrip(".").split(".")
    leaf = PARTS.get(name, {}).get(part)
    if not leaf:
        return None
    inside, there = _values(text, ".".join([name, "top", part, *rest])), _values(leaf_verilog(leaf), ".".join([leaf, "top", *rest]))
    value = inside.get(int(line), "")
    places = [number for number, other in there.items() if other == value]
    if not places or len(places) != list(inside.values()).count(value):
        return None
    within = re.escape("".join(f"\\{one}." for one in rest) + kind)
    return leaf, rf"{mode} \$flatten\\top\.{within}\$top\.v:({'|'.join(map(str, places))})\$\d+ {re.escape(port)}"


def killed(made: Mutants, name: str, text: str, numbers: Sequence[int]) -> set[int]:
    """Those of the mutants ``numbers`` of a module that are mutants of a leaf too, and killed by the leaf's guard."""
    asked: dict[str, dict[int, str]] = {}
    for number in numbers:
        if found := counterpart(name, text, made.names[number - 1]):
            asked.setdefault(found[0], {})[number] = found[1]
    dead: set[int] = set()
    for leaf, patterns in asked.items():
        own, guard = leaf_verilog(leaf), GUARDS[leaf]
        all_, rows = mutants(own, leaf), table(guard, own, leaf)
        there = {number: place for number, pattern in patterns.items() for place, one in enumerate(all_.names, 1) if re.fullmatch(pattern, one)}
        itself, *where = graph.first_differences(watched(all_.text, leaf, guard), all_.text, leaf, rows, [0, *there.values()])
        if itself >= 0:
            raise SpikegateError(f"{leaf} itself is not as its guard has it: cycle {itself % rows.cycles} of episode {itself // rows.cycles}")
        dead |= {number for number, at in zip(there, where) if at >= 0}
    return dead
