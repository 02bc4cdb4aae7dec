"""Whether outputs of a graph can be 1, by z3's solver of clauses, in this process."""

import importlib.util
import re
import tempfile
from collections.abc import Iterable, Mapping

from spikegate.models.hints import lacking

__all__ = ["Solver", "satisfied"]

#: Seconds of a question.
SECONDS = 60


class Solver:
    """Asks again and again whether one of some outputs of a `Builder`'s graph can be 1, while some nodes are given.

    Parameters
    ----------
    gates : dict
        Node -> its inputs.
    outputs : iterable of int
    seconds : int
        Of a question.
    ones : bool
        Rather 1 than 0 where either will do.
    """

    def __init__(self, gates: Mapping[int, tuple[int, int]], outputs: Iterable[int], *, seconds: int = SECONDS, ones: bool = False):
        if importlib.util.find_spec("z3") is None:
            raise lacking("z3", "dev")
        import z3

        self.z3, outputs = z3, list(outputs)
        needed, todo = {0}, [output >> 1 for output in outputs]
        while todo:
            node = todo.pop()
            if node not in needed:
                needed.add(node)
                todo += [x >> 1 for x in gates.get(node, ())]
        self.zero = max(needed) + 1
        term = lambda x: (-1 if x & 1 else 1) * (x >> 1 or self.zero)  # noqa: E731
        clauses = [f"-{self.zero} 0", " ".join(f"{term(output)}" for output in [*outputs, 0]) + " 0"]
        for node in sorted(needed & gates.keys()):
            a, b = map(term, gates[node])
            clauses += [f"-{node} {a} 0", f"-{node} {b} 0", f"{node} {-a} {-b} 0"]
        self.solver, self.needed = z3.SolverFor("QF_FD"), needed
        self.solver.set("timeout", 1000 * seconds)
        if ones:
            self.solver.set("phase", "always_true")
        with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
            file.write("\n".join([f"p cnf {self.zero} {len(clauses)}", *clauses, ""]))
            file.flush()
            self.solver.from_file(file.name)

    def _node(self, literal: int):
        z3, context = self.z3, self.z3.main_ctx()
        symbol = z3.Z3_mk_int_symbol(context.ref(), literal >> 1)
        return z3.BoolRef(z3.Z3_mk_const(context.ref(), symbol, z3.BoolSort().ast), context)

    def never(self, literal: int) -> None:
        """From now on a leaf is 0."""
        if literal >> 1 in self.needed:
            self.solver.add(self.z3.Not(self._node(literal)))

    def values(self, given: Iterable[int] = ()) -> dict[int, int] | str:
        """Values of the nodes with which an output is 1, the leaves ``given`` being 1; or "equal" if there are none, or "unknown"."""
        answer = self.solver.check(*(self._node(literal) for literal in given if literal >> 1 in self.needed))
        if answer != self.z3.sat:
            return "equal" if answer == self.z3.unsat else "unknown"
        return {int(node): int(value == "true") for node, value in re.findall(r"k!(\d+) \(\) Bool\s+(true|false)", self.solver.model().sexpr())}


def satisfied(gates: Mapping[int, tuple[int, int]], output: int) -> dict[int, int] | str:
    """The same of one output, asked once."""
    if output < 2:
        return {} if output else "equal"
    return Solver(gates, [output]).values()
