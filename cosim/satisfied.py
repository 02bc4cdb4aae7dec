"""Whether an output of a graph can be 1, by z3's solver of clauses, in this process."""

import importlib.util
import re
import tempfile
from collections.abc import Mapping

from spikegate.models.errors import ToolMissing

__all__ = ["satisfied"]

#: Seconds of a question.
SECONDS = 60


def satisfied(gates: Mapping[int, tuple[int, int]], output: int, *, seconds: int = SECONDS, ones: bool = False) -> dict[int, int] | str:
    """Values of the nodes of a `Builder`'s graph with which an output is 1, or "equal" if there are none, or "unknown".

    With ``ones``, rather 1 than 0 where either will do.
    """
    if importlib.util.find_spec("z3") is None:
        raise ToolMissing("z3 is not installed; install it with: pip install z3-solver")
    import z3

    if output < 2:
        return {} if output else "equal"
    needed, todo = set(), [output >> 1]
    while todo:
        node = todo.pop()
        if node not in needed:
            needed.add(node)
            todo += [x >> 1 for x in gates.get(node, ())]
    term = lambda x: -(x >> 1) if x & 1 else x >> 1  # noqa: E731
    clauses = [f"{term(output)} 0"]
    for node in needed & gates.keys():
        a, b = map(term, gates[node])
        clauses += [f"-{node} {a} 0", f"-{node} {b} 0", f"{node} {-a} {-b} 0"]
    solver = z3.SolverFor("QF_FD")
    solver.set("timeout", 1000 * seconds)
    if ones:
        solver.set("phase", "always_true")
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
        file.write("\n".join([f"p cnf {max(needed)} {len(clauses)}", *clauses, ""]))
        file.flush()
        solver.from_file(file.name)
    answer = solver.check()
    if answer != z3.sat:
        return "equal" if answer == z3.unsat else "unknown"
    return {int(node): int(value == "true") for node, value in re.findall(r"k!(\d+) \(\) Bool\s+(true|false)", solver.model().sexpr())}
